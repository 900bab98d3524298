/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A node near its memory limit: it says so, takes no new work, loses nothing unseen, goes on ending what is there, and recovers.
 *
 * COP_SOAK_FLOOD in the environment is the number of messages of the flood: the soak asks for 100 million.
 */
#include "tests/cue.h"
#include "tests/gauges.h"
#include "tests/node_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shell/console.h"
#include "shell/door.h"
#include "shell/packet.h"
#include "shell/shell.h"

#define LIMIT ((size_t)8 << 20)

typedef struct parcel {
        int64_t number;
        char fill[2000];
} parcel;
COP_MESSAGE(parcel, number, fill);

typedef struct crate {
        int64_t number;
        char fill[5000];
} crate;
COP_MESSAGE(crate, number, fill);

typedef struct gate {
        int64_t unused;
} gate;
COP_MESSAGE(gate, unused);

typedef struct sum {
        int64_t count, total;
} sum;
COP_MESSAGE(sum, count, total);

/* Takes nothing in until it is opened; then it counts what there is, and tells. */
static void stores(void)
{
        sum seen = { 0, 0 };
        cop_auto first = cop_receive(COP_FOREVER, COP_KIND(gate));
        for (;;) {
                cop_auto message = cop_receive(0, COP_KIND(parcel));
                if (message == NULL)
                        break;
                seen.count++;
                seen.total += cop_read(parcel, message)->number;
        }
        /* Also what it tells is new work, until the others have made room. */
        while (cop_send_value(cop_to_pid(cop_message_from(first)), COP_KIND_OF(sum), &seen) != COP_OK)
                cop_yield();
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(gate)));
}

#define STORES 200

struct yard {
        cop_pid stores[STORES];
        int64_t accepted, total, refused;
};

/* Sends to each in turn until the node takes no more. */
static void fill(struct yard *yard)
{
        for (size_t i = 0; i < STORES; i++)
                ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = stores }, &yard->stores[i]),
                                 COP_OK);
        for (int64_t i = 0; i < 1000000; i++) {
                cop_status status = cop_send(yard->stores[i % STORES], parcel, .number = i);
                if (status == COP_E_OVERLOAD) {
                        yard->refused++;
                        return;
                }
                ck_assert_int_eq(status, COP_OK);
                yard->accepted++;
                yard->total += i;
        }
        ck_abort_msg("the limit was never reached");
}

/* What a timer sends is no new work. */
static void empty(struct yard *yard)
{
        sum all = { 0, 0 };
        for (size_t i = 0; i < STORES; i++)
                ck_assert_int_eq(cop_send_after(NULL, 0, yard->stores[i], gate), COP_OK);
        for (size_t i = 0; i < STORES; i++) {
                cop_auto message = await(COP_KIND(sum));
                all.count += cop_read(sum, message)->count;
                all.total += cop_read(sum, message)->total;
        }
        ck_assert_int_eq(all.count, yard->accepted);
        ck_assert_int_eq(all.total, yard->total);
}

IN_NODE_WITH(a_node_near_its_memory_limit_refuses_new_work_and_recovers, .memory_limit = LIMIT)
{
        static struct yard yard;
        cop_memory_use use;
        cop_pid pid = cop_no_pid();
        memset(&yard, 0, sizeof(yard));
        ck_assert_int_eq(cop_memory_subscribe(), COP_OK);
        fill(&yard);
        cop_memory(node, &use);
        ck_assert(use.over);
        ck_assert_uint_eq(use.limit, LIMIT);
        ck_assert_uint_gt(use.used, LIMIT - LIMIT / 8);
        ck_assert_uint_le(use.used, LIMIT);
        ck_assert_uint_ge(use.refused, 1);
        /* It is told, ... */
        cop_auto alarm = await(COP_KIND(cop_memory_alarm));
        ck_assert(cop_read(cop_memory_alarm, alarm)->over);
        ck_assert_uint_eq(cop_read(cop_memory_alarm, alarm)->limit, LIMIT);
        /* ... and there is no new work of any sort, */
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = stores }, &pid), COP_E_OVERLOAD);
        ck_assert_uint_eq(pid.bits, 0);
        ck_assert_ptr_null(cop_alloc(100));
        ck_assert_int_eq(cop_register("store", yard.stores[0]), COP_OK);
        ck_assert_int_eq(cop_send("store", parcel, .number = 1), COP_E_OVERLOAD);
        ck_assert_str_eq(cop_status_text(COP_E_OVERLOAD),
                         "the node is near its memory limit, and takes no new work");
        /* but ends are, */
        cop_ref ref = watch(yard.stores[STORES - 1]);
        ck_assert_int_eq(cop_send_exit(yard.stores[STORES - 1], cop_atom("kill")), COP_OK);
        await_down(ref, "killed");
        cop_memory(node, &use);
        ck_assert_uint_eq(use.alarms, 1);
}

/* ---- What goes on while a node is over ---------------------------------------------------------- */

#define ONE_WORKER .workers = 1, .no_preempt = true, .no_spare_workers = true, .memory_limit = LIMIT

/* As large as what a child and its supervisor tell of its start. */
typedef struct crumb {
        int64_t each[5];
} crumb;
COP_MESSAGE(crumb, each);

typedef struct slice {
        int64_t each[8];
} slice;
COP_MESSAGE(slice, each);

typedef struct loaf {
        int64_t each[12];
} loaf;
COP_MESSAGE(loaf, each);

/* As large as what a supervisor tells itself. */
typedef struct mote {
        int64_t unused;
} mote;
COP_MESSAGE(mote, unused);

static uint32_t served; /* atomic */
static uint64_t yard_bits; /* atomic; of the pid of one who takes nothing in; 0: the node is not over yet */

/* From here on nothing of such sizes is left at hand on the calling worker. */
static void strew(void)
{
        cop_pid to = { cop__load_acquire(&yard_bits) };
        while (to.bits != 0 &&
               (cop_send(to, mote) == COP_OK || cop_send(to, crumb) == COP_OK || cop_send(to, slice) == COP_OK ||
                cop_send(to, loaf) == COP_OK))
                ;
}

static void prepare(void)
{
        cop__store_relaxed(&served, 0);
        cop__store_relaxed(&yard_bits, 0);
}

static void fill_first(struct yard *yard)
{
        memset(yard, 0, sizeof(*yard));
        fill(yard);
        cop__store_release(&yard_bits, yard->stores[0].bits);
}

/* What a timer sends is no new work. */
static void open_gate(cop_pid pid)
{
        ck_assert_int_eq(cop_send_after(NULL, 0, pid, gate), COP_OK);
}

typedef struct hut {
        int64_t unused;
} hut;

static void hut_on_gate(hut *self, const gate *g)
{
        (void)self;
        (void)g;
        cop__store_release(&served, 1);
}

static void hut_init(hut *self, const crate *c)
{
        self->unused = c->number;
        strew();
}

COP_SERVER(hut, COP_INIT_WITH(crate, hut_init), COP_ON(gate, hut_on_gate));

typedef struct shed {
        int64_t unused;
} shed;

static void shed_on_gate(shed *self, const gate *g)
{
        (void)self;
        (void)g;
        cop__store_release(&served, 1);
}

static void shed_init(shed *self)
{
        (void)self;
        strew();
}

COP_SERVER(shed, COP_INIT(shed_init), COP_ON(gate, shed_on_gate));

/* `victim` ends, and a new one of that name is there, and the tree has not given up. */
static void is_started_again_after(const cop_supervisor *tree, const char *victim, const char *name)
{
        static struct yard yard;
        cop_pid root, pid;
        prepare();
        ck_assert_int_eq(cop_supervise(tree, &root), COP_OK);
        cop_pid before = cop_whereis(name);
        cop_ref end = watch(root);
        fill_first(&yard);
        put_down(cop_whereis(victim));
        await_true(((pid = cop_whereis(name)).bits != 0 && !cop_pid_equal(pid, before)) || !cop_is_alive(root));
        ck_assert(cop_is_alive(root));
        open_gate(pid);
        cop_message *down = NULL;
        await_true(cop__load_acquire(&served) || (down = cop_receive(0, COP_REF(cop_down, end))) != NULL);
        ck_assert_ptr_null(down);
}

static void is_started_again(const cop_supervisor *tree, const char *name)
{
        is_started_again_after(tree, name, name);
}

IN_NODE_WITH(a_child_that_crashes_while_the_node_is_over_is_started_again, ONE_WORKER)
{
        const cop_supervisor tree = {
                .name = "tree", .strategy = COP_ONE_FOR_ONE, .intensity = 1, .period_ms = 600000,
                .children = COP_CHILDREN({ "shed", .server = &shed_server }),
        };
        is_started_again(&tree, "shed");
}

IN_NODE_WITH(a_child_with_a_large_argument_that_crashes_while_the_node_is_over_is_started_again, ONE_WORKER)
{
        static crate large;
        const cop_supervisor tree = {
                .name = "tree", .strategy = COP_ONE_FOR_ONE, .intensity = 1, .period_ms = 600000,
                .children = COP_CHILDREN({ "hut", .server = &hut_server, .kind = COP_KIND_OF(crate), .argument = &large }),
        };
        is_started_again(&tree, "hut");
}

IN_NODE_WITH(a_supervisor_that_ends_while_the_node_is_over_is_started_again, ONE_WORKER)
{
        const cop_supervisor desk = { .children = COP_CHILDREN({ "shed", .server = &shed_server }) };
        const cop_supervisor tree = {
                .name = "tree", .strategy = COP_ONE_FOR_ONE, .intensity = 1, .period_ms = 600000,
                .children = COP_CHILDREN({ "desk", .supervisor = &desk }),
        };
        is_started_again_after(&tree, "desk", "shed");
}

/* ---- Who waits for a child meanwhile ---- */

typedef struct slow {
        int64_t unused;
} slow;

/* With an argument, so that what is left of its start is not as large as an answer. */
static void slow_init(slow *self, const parcel *p)
{
        self->unused = p->number;
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(gate)));
        strew();
}

COP_SERVER(slow, COP_INIT_WITH(parcel, slow_init));

static cop_status answered; /* released by `served` */

static void starts_a_slow_one(void)
{
        cop_pid pid;
        static parcel argument;
        const cop_child child = { "slow", .server = &slow_server, .kind = COP_KIND_OF(parcel), .argument = &argument };
        answered = cop_start_child("tree", &child, &pid);
        cop__store_release(&served, 1);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(sum)));
}

static const cop_supervisor bare_tree = { .name = "tree", .strategy = COP_ONE_FOR_ONE, .intensity = 1, .period_ms = 600000 };

/* Before each turn of another. */
static void strews_for_ever(void)
{
        for (;;) {
                strew();
                cop_yield();
        }
}

IN_NODE_WITH(who_waits_for_the_start_of_a_child_is_answered_while_the_node_is_over, ONE_WORKER)
{
        static struct yard yard;
        cop_pid root, pid;
        prepare();
        ck_assert_int_eq(cop_supervise(&bare_tree, &root), COP_OK);
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = strews_for_ever, .priority = COP_PRIORITY_MAX }, &pid),
                         COP_OK);
        cop_spawn(starts_a_slow_one);
        await_true((pid = cop_whereis("slow")).bits != 0);
        fill_first(&yard);
        open_gate(pid);
        await_true(cop__load_acquire(&served));
        ck_assert_int_eq(answered, COP_OK);
}

/* ---- Who is tried again meanwhile ---- */

static uint32_t starts; /* atomic */

typedef struct frail {
        int64_t unused;
} frail;

/* The first lives; the others fail when they are told to. */
static void frail_init(frail *self)
{
        self->unused = 0;
        if (cop__add_seq(&starts, 1) == 0)
                return;
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(gate)));
        cop_exit(cop_atom("frail"));
}

COP_SERVER(frail, COP_INIT(frail_init));

static void terminates_the_frail_one(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(gate)));
        answered = cop_terminate_child("tree", "frail");
        cop__store_release(&served, 1);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(sum)));
}

/* What was asked before the first start failed comes before the second. */
IN_NODE_WITH(who_is_to_be_tried_again_has_its_turn_behind_what_was_asked_also_while_the_node_is_over, ONE_WORKER)
{
        static struct yard yard;
        const cop_supervisor tree = {
                .name = "tree", .strategy = COP_ONE_FOR_ONE, .intensity = 5, .period_ms = 600000,
                .children = COP_CHILDREN({ "frail", .server = &frail_server }),
        };
        cop_pid root, pid;
        prepare();
        cop__store_seq(&starts, 0);
        ck_assert_int_eq(cop_supervise(&tree, &root), COP_OK);
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = strews_for_ever, .priority = COP_PRIORITY_MAX }, &pid),
                         COP_OK);
        cop_pid terminator = cop_spawn(terminates_the_frail_one);
        put_down(cop_whereis("frail"));
        await_true(cop__load_seq(&starts) == 2);
        fill_first(&yard);
        ck_assert_int_eq(cop_sys_suspend(root, PATIENCE_MS), COP_OK);
        pid = cop_whereis("frail");
        cop_ref ref = watch(pid);
        open_gate(pid);
        await_down(ref, "frail");
        open_gate(terminator);
        await_true(cop__unread(cop__slot_of(node, root)) == 2);
        ck_assert_int_eq(cop_sys_resume(root, PATIENCE_MS), COP_OK);
        await_true(cop__load_acquire(&served));
        ck_assert_int_eq(answered, COP_OK);
        ck_assert_uint_eq(cop__load_seq(&starts), 2);
}

/* ---- Who starts a task meanwhile ---- */

static uint64_t group_bits; /* atomic; of a group's pid */
static uint32_t refused; /* atomic: how many starts */

static void idles(const loaf *l)
{
        (void)l;
        cop_sleep(COP_FOREVER);
}

/* With an argument, so that what is left of the request is not as large as an answer. */
static void starts_a_task(void)
{
        cop_task_group group = { { cop__load_acquire(&group_bits) } };
        if (group.pid.bits == 0)
                ck_assert_int_eq(cop_task_group_open(NULL, &group), COP_OK);
        cop__store_release(&group_bits, group.pid.bits);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(gate)));
        cop_status status = cop_group_task(group, idles, loaf, { 1 });
        cop__add_seq(&refused, status == COP_E_OVERLOAD);
        cop__add_seq(&served, 1);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(sum)));
}

/* They were let in before. */
IN_NODE_WITH(who_starts_a_task_in_a_group_hears_that_the_node_is_over, ONE_WORKER)
{
        static struct yard yard;
        cop_pid pid, group;
        prepare();
        cop__store_relaxed(&group_bits, 0);
        cop__store_relaxed(&refused, 0);
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = strews_for_ever, .priority = COP_PRIORITY_MAX }, &pid),
                         COP_OK);
        cop_pid owner = cop_spawn(starts_a_task);
        await_true((group.bits = cop__load_acquire(&group_bits)) != 0);
        cop_pid other = cop_spawn(starts_a_task);
        ck_assert_int_eq(cop_sys_suspend(group, PATIENCE_MS), COP_OK);
        open_gate(owner);
        open_gate(other);
        await_true(cop__unread(cop__slot_of(node, group)) == 2);
        fill_first(&yard);
        ck_assert_int_eq(cop_sys_resume(group, PATIENCE_MS), COP_OK);
        await_true(cop__load_seq(&served) == 2);
        ck_assert_uint_eq(cop__load_seq(&refused), 2);
}

/* ---- Who goes on with what it has begun ---- */

typedef struct walker {
        int64_t unused;
} walker;

static void walker_on_gate(walker *self, const gate *g)
{
        (void)self;
        (void)g;
        strew();
        cop_continue_with(crumb, { 1 });
}

static void walker_on_crumb(walker *self, const crumb *c)
{
        (void)self;
        (void)c;
        cop__store_release(&served, 1);
}

COP_SERVER(walker, COP_ON(gate, walker_on_gate), COP_CONTINUE_WITH(crumb, walker_on_crumb));

IN_NODE_WITH(a_server_continues_while_the_node_is_over, ONE_WORKER)
{
        static struct yard yard;
        prepare();
        cop_pid pid;
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .server = &walker_server }, &pid), COP_OK);
        fill_first(&yard);
        open_gate(pid);
        await_true(cop__load_acquire(&served));
}

IN_NODE_WITH(what_was_accepted_under_overload_is_all_delivered, .memory_limit = LIMIT)
{
        static struct yard yard;
        cop_memory_use use;
        memset(&yard, 0, sizeof(yard));
        fill(&yard);
        ck_assert_int_eq(cop_memory_subscribe(), COP_OK); /* it is told at once */
        cop_auto first = await(COP_KIND(cop_memory_alarm));
        ck_assert(cop_read(cop_memory_alarm, first)->over);
        empty(&yard);
        cop_memory(node, &use);
        ck_assert(!use.over);
        put_down(yard.stores[0]);
        cop_auto second = await(COP_KIND(cop_memory_alarm));
        ck_assert(!cop_read(cop_memory_alarm, second)->over);
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = stores }, &yard.stores[0]), COP_OK);
        cop_memory_unsubscribe();
}

static void empties(void *yard)
{
        cop_memory_use use;
        empty(yard);
        cop_memory(cop_node_here(), &use);
        ck_assert(!use.over);
}

IN_NODE_WITH(who_asks_for_new_work_as_room_is_made_for_it_is_not_refused, .memory_limit = LIMIT)
{
        static struct yard yard;
        cop_pid pid = cop_no_pid();
        memset(&yard, 0, sizeof(yard));
        fill(&yard);
        cue_act("overload.is_seen", empties, &yard);
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = stores }, &pid), COP_OK);
        ck_assert(cue_has_come("overload.is_seen"));
        ck_assert(cop_is_alive(pid));
}

IN_NODE_WITH(large_messages_and_cop_alloc_count_and_come_back, .memory_limit = LIMIT)
{
        cop_memory_use before, use;
        cop_memory(node, &before);
        void *block = cop_alloc(1 << 20);
        ck_assert_ptr_nonnull(block);
        cop_memory(node, &use);
        ck_assert_uint_ge(use.used, before.used + (1 << 20));
        ck_assert_ptr_null(cop_alloc(7 << 20)); /* more than the mark in one piece */
        cop_release(block);
        cop_memory(node, &use);
        ck_assert_uint_lt(use.used, before.used + (1 << 20));
}

/* A refused cop_alloc had told nobody, until somebody sent, spawned or died: the one who could have made room heard of nothing. */
static void hoards(void)
{
        while (cop_alloc(16 << 10) != NULL)
                ;
        cop_sleep(COP_FOREVER);
}

IN_NODE_WITH(who_fills_a_node_by_cop_alloc_alone_is_told_of, .memory_limit = LIMIT)
{
        ck_assert_int_eq(cop_memory_subscribe(), COP_OK);
        cop_pid pid = cop_spawn(hoards);
        cop_auto alarm = await(COP_KIND(cop_memory_alarm));
        ck_assert(cop_read(cop_memory_alarm, alarm)->over);
        put_down(pid);
        await_and_drop(COP_KIND(cop_memory_alarm));
}

/* ---- The first that is refused ---- */

static void answers_nothing(void)
{
        for (;;)
                cop_message_free(cop_receive(COP_FOREVER, COP_KIND(crate)));
}

static cop_status calls(cop_pid to)
{
        return cop_call(NULL, to, PATIENCE_MS, crate, 0);
}

static cop_status calls_in_words(cop_pid to)
{
        return cop_call_term_to(NULL, cop_to_pid(to), PATIENCE_MS, COP_TUPLE(cop_atom("crate"), cop_int(1), cop_string("x")));
}

static cop_status requests(cop_pid to)
{
        cop_request request;
        cop_status status = cop_request_send(&request, to, crate, 0);
        if (status == COP_OK)
                cop_request_drop(request);
        return status;
}

static cop_status replies(cop_pid to)
{
        return cop_reply_to(((cop_caller){ to, cop_ref_new() }), crate, 0);
}

static cop_status sends_to_an_alias(cop_pid to)
{
        return cop_send(((cop_alias){ to, cop_ref_new() }), crate, 0);
}

static cop_status (*const askings[])(cop_pid) = { calls, calls_in_words, requests, replies, sends_to_an_alias };

/* What timers hold has filled it, which is never refused. A crate lies in no block that may be at hand. */
TEST(the_first_that_is_refused_tells_of_it_whatever_it_asks_for)
{
        for (size_t i = 0; i < sizeof(askings) / sizeof(askings[0]); i++) {
                cop_node *node = node_begin((cop_node_options){ .workers = 1, .memory_limit = LIMIT });
                cop_memory_use use;
                cop_pid other = cop_spawn(answers_nothing);
                ck_assert_int_eq(cop_memory_subscribe(), COP_OK);
                do {
                        ck_assert_int_eq(cop_send_after(NULL, 3600000, other, parcel, 0), COP_OK);
                        cop_memory(node, &use);
                } while (!use.over);
                cop_status status = askings[i](other);
                ck_assert_msg(status == COP_E_OVERLOAD, "asking %u: %s", (unsigned)i, cop_status_text(status));
                cop_message *alarm = cop_receive(0, COP_KIND(cop_memory_alarm));
                ck_assert_msg(alarm != NULL, "asking %u told nobody", (unsigned)i);
                cop_message_free(alarm);
                put_down(other);
                node_end(node);
        }
}

/* ---- On behalf of a call ---- */

static struct yard relayed;
static cop_status relayed_status; /* released by `served` */

typedef struct relay {
        int64_t unused;
} relay;

static void relay_on_gate(relay *self, const gate *g)
{
        cop_request request;
        (void)self;
        (void)g;
        for (size_t i = 0; (relayed_status = cop_request_send(&request, relayed.stores[i % STORES], parcel, 0)) == COP_OK; i++)
                ;
        cop__store_release(&served, 1);
}

COP_SERVER(relay, COP_ON(gate, relay_on_gate));

IN_NODE_WITH(requests_on_behalf_of_a_call_are_new_work_too, ONE_WORKER)
{
        prepare();
        for (size_t i = 0; i < STORES; i++)
                relayed.stores[i] = cop_spawn(stores);
        cop_pid pid = cop_spawn_server(&relay_server, NULL);
        cop_memory_use use;
        cop_call(NULL, pid, PATIENCE_MS, gate, 0);
        ck_assert_uint_eq(cop__load_acquire(&served), 1);
        ck_assert_int_eq(relayed_status, COP_E_OVERLOAD);
        cop_memory(node, &use);
        ck_assert_uint_lt(use.used, LIMIT - LIMIT / 16); /* what is between the mark and the limit is for others */
}

TEST(a_limit_too_small_to_work_with_is_refused)
{
        cop_node *node = NULL;
        ck_assert_int_eq(cop_node_start(&(cop_node_options){ .memory_limit = 1 << 20 }, &node),
                         COP_E_BAD_ARGUMENT);
}

static void subscribes(void)
{
        if (cop_memory_subscribe() != COP_OK)
                cop_exit(cop_atom("refused"));
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(gate)));
}

IN_NODE(sixteen_may_be_told_and_the_dead_make_room)
{
        cop_pid pids[16];
        for (size_t i = 0; i < 16; i++) {
                pids[i] = cop_spawn(subscribes);
                settle_with(pids[i]);
        }
        ck_assert_int_eq(cop_memory_subscribe(), COP_E_LIMIT);
        put_down(pids[3]);
        ck_assert_int_eq(cop_memory_subscribe(), COP_OK);
        ck_assert_int_eq(cop_memory_subscribe(), COP_OK);
        for (size_t i = 0; i < 16; i++)
                if (i != 3)
                        put_down(pids[i]);
}

/* ---- The shell -------------------------------------------------------------------------------------- */

/* Takes memory until it is given no more, and keeps it: whom somebody looks for. */
typedef struct hoard {
        int64_t blocks;
} hoard;
COP_MESSAGE(hoard, blocks);

static void hoard_init(hoard *self)
{
        while (cop_alloc(16 << 10) != NULL)
                self->blocks++;
}

COP_SERVER(hoard, COP_STATE(hoard), COP_INIT(hoard_init));

/* Of whom there is a lot to say. */
static void knows_many(void)
{
        for (int i = 0; i < 40; i++) {
                cop_ref ref;
                cop_monitor(cop_parent(), &ref);
        }
        cop_sleep(COP_FOREVER);
}

IN_NODE_WITH(near_the_limit_the_shell_shows_whoever_it_is_asked_for, .memory_limit = LIMIT)
{
        static const char *const lines[] = { "info hoard", "info busy", "info tree", "children tree", "explain tree", "sys status hoard",
                                             "sys status tree", "sys state hoard", "count tree", "i", "tree", "regs" };
        const cop_supervisor tree = {
                .name = "tree", .strategy = COP_ONE_FOR_ONE, .intensity = 1, .period_ms = 600000,
                .children = COP_CHILDREN({ "busy", .run = knows_many }, { "hoard", .server = &hoard_server }),
        };
        struct cop__shell shell;
        cop_memory_use use;
        cop_pid root;
        cop_child_count count;
        ck_assert_int_eq(cop_supervise(&tree, &root), COP_OK);
        cop_memory(node, &use);
        ck_assert(use.over);
        cop__shell_init(&shell, node);
        for (size_t i = 0; i < 20 * COP__COUNT(lines); i++) { /* also when all is used up that the thread had at hand */
                const char *line = lines[i % COP__COUNT(lines)];
                bool is_shown = cop__shell_run(&shell, line, strlen(line));
                cop_memory(node, &use);
                ck_assert_msg(is_shown, "%s: %s", line, cop__text_get(&shell.err));
                ck_assert(use.over);
                ck_assert_uint_gt(shell.out.size, 0);
        }
        ck_assert_int_eq(cop_count_children("tree", &count), COP_OK);
        ck_assert_int_eq(count.active, 2);
        cop__shell_fini(&shell);
        cop_ref ref = watch(root);
        ck_assert_int_eq(cop_send_exit(root, cop_atom("shutdown")), COP_OK);
        await_down(ref, "shutdown");
}

/* ---- The flood --------------------------------------------------------------------------------- */

typedef struct drop {
        int64_t number;
} drop;
COP_MESSAGE(drop, number);

typedef struct river {
        int64_t drops;
        cop_pid mill;
} river;
COP_MESSAGE(river, drops, mill);

/* A slow actor: each message costs it more than it costs its sender. */
static void grinds(const river *r)
{
        sum seen = { 0, 0 };
        volatile int work = 0;
        while (seen.count < r->drops) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(drop));
                seen.count++;
                seen.total += cop_read(drop, message)->number;
                for (int i = 0; i < 100; i++)
                        work++;
        }
        cop_send_value(cop_to_pid(r->mill), COP_KIND_OF(sum), &seen);
}

static void pours(const river *r)
{
        for (int64_t i = 0; i < r->drops;)
                if (cop_send(r->mill, drop, .number = i) == COP_OK)
                        i++;
                else
                        cop_yield(); /* refused, and said so: it is sent again */
}

static int64_t wanted_drops(void)
{
        const char *wanted = getenv("COP_SOAK_FLOOD");
        if (wanted != NULL && atoll(wanted) > 0)
                return atoll(wanted);
        return suite_is_slow() || COP__TINY ? 20000 : 2000000;
}

/* A client at the node's socket; in a simulation, where there are no other threads, the shell itself. */
struct desk {
        struct cop__shell shell;
        struct cop__console *console;
        char folder[64];
        int fd;
};

static void read_packet(const struct desk *desk, struct cop__packet *packet)
{
        ck_assert_int_eq(cop__packet_read(desk->fd, 1 << 24, PATIENCE_MS, packet), COP__PACKET_READ);
}

static void desk_open(struct desk *desk, cop_node *node)
{
        char sentence[COP__DOOR_SENTENCE];
        struct cop__packet greeting;
        cop__shell_init(&desk->shell, node);
        desk->console = NULL;
        if (suite_seed() >= 0)
                return;
        strcpy(desk->folder, "/tmp/coppice-test-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(desk->folder));
        setenv("XDG_RUNTIME_DIR", desk->folder, 1);
        ck_assert_int_eq(cop__console_start(node, &desk->console), COP_OK);
        ck_assert_msg(cop__door_knock("flooded", COP__DOOR_PATIENCE_MS, &desk->fd, sentence) == COP_OK, "%s", sentence);
        read_packet(desk, &greeting);
        ck_assert_int_eq(greeting.type, COP__PACKET_GREETING);
        free(greeting.body);
}

static void desk_close(struct desk *desk)
{
        char path[128];
        cop__shell_fini(&desk->shell);
        if (desk->console == NULL)
                return;
        close(desk->fd);
        cop__console_stop(desk->console);
        snprintf(path, sizeof(path), "%s/coppice", desk->folder);
        rmdir(path);
        ck_assert_int_eq(rmdir(desk->folder), 0);
}

/* Lists all actors. */
static void desk_look(struct desk *desk)
{
        size_t size = 0;
        int type;
        if (desk->console == NULL) {
                ck_assert(cop__shell_run(&desk->shell, "i", 1));
                ck_assert_uint_gt(desk->shell.out.size, 0);
                return;
        }
        ck_assert(cop__packet_write(desk->fd, COP__PACKET_RUN, "i", 1));
        do {
                struct cop__packet packet;
                read_packet(desk, &packet);
                type = packet.type;
                size += type == COP__PACKET_OUT ? packet.size : 0;
                if (type == COP__PACKET_DONE)
                        ck_assert_int_eq(packet.body[0], COP__DONE_OK);
                free(packet.body);
        } while (type != COP__PACKET_DONE);
        ck_assert_uint_gt(size, 0);
}

TEST_WITHIN(a_flood_to_a_slow_actor_stays_bounded_and_the_shell_answers, 3600)
{
        int64_t drops = wanted_drops() / 2 * 2;
        size_t most = 0, most_used = 0, before = resident_bytes();
        unsigned answers = 0;
        cop_memory_use use;
        cop_node *node = node_begin((cop_node_options){ .name = "flooded", .workers = 2, .memory_limit = 64 << 20 });
        struct desk desk;
        desk_open(&desk, node);
        cop_pid mill = cop_spawn_with(grinds, river, .drops = drops, .mill = cop_self());
        for (int i = 0; i < 2; i++)
                cop_spawn_with(pours, river, .drops = drops / 2, .mill = mill);
        for (;;) {
                desk_look(&desk);
                answers++;
                if (resident_bytes() > most)
                        most = resident_bytes();
                cop_memory(node, &use);
                if (use.used > most_used)
                        most_used = use.used;
                cop_auto message = cop_receive(5, COP_KIND(sum));
                if (message != NULL) {
                        ck_assert_int_eq(cop_read(sum, message)->count, drops);
                        ck_assert_int_eq(cop_read(sum, message)->total, drops / 2 * (drops / 2 - 1));
                        break;
                }
        }
        desk_close(&desk);
        ck_assert_uint_gt(most_used, 0);
        ck_assert_uint_le(most_used, 64 << 20);
        if (!suite_is_watched())
                ck_assert_uint_le(most, before + (80 << 20));
        node_end(node);
        if (getenv("COP_SOAK_FLOOD") != NULL)
                printf("messages of the flood: %lld, all delivered; %zu MiB at most, %u looks answered\n",
                       (long long)drops, most >> 20, answers);
}
