/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Actors that are ended, or told something, in the middle of what the library does for them. What it holds then of the heap is
 * LeakSanitizer's to miss.
 */
#include <coppice/channel.h>
#include <coppice/event_manager.h>
#include <coppice/group.h>
#include <coppice/select.h>
#include <coppice/simulation.h>

#include "actors/calling.h"
#include "actors/mark.h"
#include "tests/echo.h"
#include "tests/node_fixture.h"

typedef struct note {
        int64_t n;
} note;
COP_MESSAGE(note, n);

typedef struct go {
        int64_t unused;
} go;
COP_MESSAGE(go, unused);

typedef struct told {
        bool same;
} told;
COP_MESSAGE(told, same);

enum { MANY = 2 * COP__MARK_FROM };

static uint32_t ready, released; /* atomic */

static void rest(void)
{
        cop__store_release(&ready, 1);
        while (!cop__load_acquire(&released))
                cop__spin_pause();
}

static void begin(void)
{
        cop__store_relaxed(&ready, 0);
        cop__store_relaxed(&released, 0);
}

static void send_many(cop_pid to)
{
        for (int64_t i = 0; i < MANY; i++)
                ck_assert_int_eq(cop_send(to, note, .n = i), COP_OK);
}

static void waits(void)
{
        cop_receive(COP_FOREVER, COP_KIND(go));
}

/* ---- Under a lock ---------------------------------------------------------------------------- */

/* A monitor's reference is remembered by its place in the mail, for which signals are taken in. */
static void names_a_child(void)
{
        cop_ref ref;
        cop_pid pid;
        rest();
        cop_status status = cop_spawn_opt(&(cop_spawn_options){ .run = waits, .name = "kid",
                                                                .monitor = true, .monitor_ref = &ref }, &pid);
        cop_send(cop_parent(), told, .same = status == COP_OK && cop_pid_equal(cop_whereis("kid"), pid));
        waits();
}

typedef struct subject {
        cop_pid pid;
} subject;
COP_MESSAGE(subject, pid);

static void asks(const subject *s)
{
        cop_term info;
        if (cop_process_ask(s->pid, PATIENCE_MS, &info) == COP_OK)
                cop_term_free(info);
}

IN_NODE(who_is_asked_for_its_name_while_it_spawns_by_name_answers)
{
        cop_pid namer, asker;
        NEEDS_THREADS();
        begin();
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = names_a_child, .no_preempt = true }, &namer), COP_OK);
        await_true(cop__load_acquire(&ready));
        send_many(namer);
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ RUN_WITH(asks, subject, .pid = namer) }, &asker), COP_OK);
        await_true(!cop_is_alive(asker) || is_waiting(node, asker));
        cop__store_release(&released, 1);
        cop_auto message = await(COP_KIND(told));
        ck_assert(cop_read(told, message)->same);
        ck_assert_int_eq(cop_register("another", namer), COP_OK);
        put_down(namer);
}

/* ---- By its own limit ------------------------------------------------------------------------ */

enum { MEMBERS = 100, ROOM = 256 };

static void sends_to_all(void)
{
        cop_group_send("scope", cop_atom("all"), note, .n = 1);
}

IN_NODE(a_limit_of_memory_that_ends_a_send_to_a_group_leaves_the_group_to_others)
{
        cop_pid scope;
        ck_assert_int_eq(cop_start(&(cop_spawn_options){ .server = &cop_scope_server, .name = "scope" }, PATIENCE_MS, &scope), COP_OK);
        for (int i = 0; i < MEMBERS; i++)
                ck_assert_int_eq(cop_group_join("scope", cop_atom("all"), cop_self()), COP_OK);
        await_down(spawn_watched(.run = sends_to_all, .memory_limit = ROOM), "{system_limit, memory}");
        ck_assert_int_eq(cop_group_leave("scope", cop_atom("all"), cop_self()), COP_OK);
        ck_assert_int_eq(cop_group_send("scope", cop_atom("all"), note, .n = 2), COP_OK);
        for (int i = 0; i + 1 < MEMBERS; i++)
                await_and_drop(COP_KIND(note));
        put_down(scope);
}

static void looks_at_none(void *context, cop_pid pid, cop_term value)
{
        (void)context;
        (void)pid;
        (void)value;
}

static void dispatches(void)
{
        cop_registry_dispatch("rooms", cop_atom("all"), looks_at_none, NULL);
}

IN_NODE(a_limit_of_memory_that_ends_a_dispatch_loses_nothing)
{
        cop_pid rooms;
        ck_assert_int_eq(cop_start(&(cop_spawn_options){ .server = &cop_registry_server, .name = "rooms",
                                                               .kind = COP_KIND_OF(cop_registry),
                                                               .argument = &(cop_registry){ .keys = COP_DUPLICATE } },
                                          PATIENCE_MS, &rooms), COP_OK);
        for (int i = 0; i < MEMBERS; i++)
                ck_assert_int_eq(cop_registry_register("rooms", cop_atom("all"), cop_int(i), NULL), COP_OK);
        await_down(spawn_watched(.run = dispatches, .memory_limit = ROOM), "{system_limit, memory}");
        put_down(rooms);
}

/* ---- Counts that wrap ------------------------------------------------------------------------- */

typedef struct counter {
        uint32_t rounds;
} counter;

static void counter_on_note(counter *self, const note *n)
{
        (void)self;
        (void)n;
}

/* In the first round some are counted that are taken afterwards; in the second 2^31 more have been, and few are unread. */
static void counter_on_go(counter *self, const go *g)
{
        struct cop__actor *actor = cop__actor_here();
        (void)g;
        if (self->rounds++ == 0)
                send_many(cop_self());
        else
                actor->taken_count += UINT32_C(1) << 31;
        cop__turn_budget(actor);
        cop_reply(told, .same = (cop__load_relaxed(&actor->pressed) & ~(unsigned)COP__PRESSURE_LIMITED) == COP__PRESSURE_NONE);
}

COP_SERVER(counter, COP_ON(note, counter_on_note), COP_ON(go, counter_on_go));

IN_NODE(what_was_counted_two_thousand_million_messages_ago_holds_nobody_back)
{
        cop_pid pid = cop_spawn_server(&counter_server, NULL);
        for (int round = 0; round < 2; round++) {
                cop_auto reply = NULL;
                ck_assert_int_eq(cop_call(&reply, pid, PATIENCE_MS, go), COP_OK);
                ck_assert(cop_read(told, reply)->same);
                await_true(cop__queue_is_asleep(&cop__slot_of(node, pid)->queue));
        }
        put_down(pid);
}

/* ---- While it ends ---------------------------------------------------------------------------- */

#define LONG_WORDS "some words that are long enough to lie in memory of their own, and not to be anybody else's by chance"

typedef struct mourner {
        cop_pid parent;
} mourner;

static void mourner_on_go(mourner *self, const go *g)
{
        (void)g;
        self->parent = cop_parent();
        cop_exit(COP_TUPLE(cop_atom("over"), cop_string(LONG_WORDS)));
}

static void mourner_on_note(mourner *self, const note *n)
{
        (void)self;
        (void)n;
}

/* It takes the kill in where it makes a reference, and goes on to its next safe point. */
static void mourner_on_end(mourner *self, cop_term reason)
{
        (void)self;
        rest();
        cop_ref ref = cop_ref_new();
        const char *words = text_of(reason);
        bool same = ref.bits != 0 && strcmp(words, "{over, \"" LONG_WORDS "\"}") == 0;
        cop__store_release(&ready, same ? 2 : 3);
}

COP_SERVER(mourner, COP_ON(go, mourner_on_go), COP_ON(note, mourner_on_note), COP_TERMINATE(mourner_on_end));

IN_NODE(what_a_terminate_was_told_stays_with_it_when_it_is_killed)
{
        cop_pid pid;
        NEEDS_THREADS();
        begin();
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .server = &mourner_server, .no_preempt = true }, &pid), COP_OK);
        cop_ref ref = watch(pid);
        cop_send(pid, go);
        await_true(cop__load_acquire(&ready));
        send_many(pid);
        ck_assert_int_eq(cop_send_exit(pid, cop_atom("kill")), COP_OK);
        cop__store_release(&released, 1);
        await_down(ref, "killed");
        ck_assert_uint_eq(cop__load_acquire(&ready), 2);
}

/* ---- In a call ---------------------------------------------------------------------------------- */

COP_CHANNEL(note);

static note_channel notes;

typedef struct leaver {
        cop_pid parent, echo;
} leaver;

static bool leaves(const go *g, const int *unused)
{
        (void)g;
        (void)unused;
        cop_exit(cop_atom("left"));
}

/* It asks the channel, and leaves in the middle of that. */
static void leaver_on_note(leaver *self, const note *n)
{
        (void)n;
        self->parent = cop_parent();
        self->echo = cop_spawn(echoes);
        cop_case cases[] = { COP_CASE_TAKE(notes, note), COP_CASE_RECEIVE(COP_WHERE(go, leaves, (int *)NULL)) };
        cop_select(COP_FOREVER, cases);
}

/* Before the second word comes, the channel has answered. */
static void leaver_on_end(leaver *self, cop_term reason)
{
        cop_auto echoed = NULL;
        (void)reason;
        cop_send(self->parent, told, .same = true);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(told)));
        bool same = cop_call(&echoed, self->echo, PATIENCE_MS, ping, .number = 1) == COP_OK;
        cop_send_exit(self->echo, cop_atom("kill"));
        cop_send(self->parent, told, .same = same);
}

COP_SERVER(leaver, COP_ON(note, leaver_on_note), COP_TERMINATE(leaver_on_end));

static void await_told(void)
{
        cop_auto message = await(COP_KIND(told));
        ck_assert(cop_read(told, message)->same);
}

IN_NODE(what_comes_for_a_call_that_was_left_goes_back_before_a_terminate_calls_for_itself)
{
        cop_pid pid;
        size_t count = 0;
        cop_auto taken = NULL;
        ck_assert_int_eq(cop_channel_open(&notes, note, 4), COP_OK);
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .server = &leaver_server }, &pid), COP_OK);
        cop_ref ref = watch(pid);
        cop_send(pid, note, .n = 1);
        await_true(is_waiting(node, pid));
        cop_send(pid, go);
        await_told();
        ck_assert_int_eq(cop_put(notes, PATIENCE_MS, note, .n = 7), COP_OK);
        cop_send(pid, told, .same = true);
        await_told();
        await_down(ref, "left");
        ck_assert_int_eq(cop_take(&taken, notes, PATIENCE_MS, note), COP_OK);
        ck_assert_int_eq(cop_read(note, taken)->n, 7);
        ck_assert_int_eq(cop_channel_count(notes, &count), COP_OK);
        ck_assert_uint_eq(count, 0);
        cop_channel_close(notes);
}

/* ---- In code on the side ---------------------------------------------------------------------- */

#define LARGE 60000 /* more than a pool has */

typedef struct former {
        int64_t n;
} former;
COP_MESSAGE(former, n);

typedef struct large {
        int64_t n;
        char filling[LARGE];
} large;
COP_MESSAGE(large, n, filling);

static void former_on_note(former *self, const note *n)
{
        self->n = n->n;
}

static void large_on_note(large *self, const note *n)
{
        self->n = n->n;
}

/* Until it is told to, and then it does not come to an end. */
static bool large_from(large *fresh, const former *before)
{
        fresh->n = before->n;
        cop__store_release(&ready, 1);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
        cop_exit(cop_atom("no"));
}

static void shows(const large *self, large *shown)
{
        (void)self;
        (void)shown;
        cop__store_release(&ready, 1);
        for (;;)
                cop__spin_pause();
}

COP_SERVER(former, COP_ON(note, former_on_note), COP_STATE(former));
COP_SERVER(large, COP_ON(note, large_on_note), COP_STATE(large), COP_FORMAT_STATUS(shows), COP_UPGRADE(former, large_from));

static void upgrades(const subject *s)
{
        cop_status status = cop_upgrade(s->pid, &large_server, PATIENCE_MS);
        cop_send(cop_parent(), told, .same = status == COP_E_BAD_ARGUMENT);
}

static void looks(const subject *s)
{
        cop_term state;
        if (cop_sys_get_status(s->pid, PATIENCE_MS, &state) == COP_OK)
                cop_term_free(state);
}

static void starts_linked(void)
{
        cop_pid pid;
        if (cop_start(&(cop_spawn_options){ .server = &former_server, .link = true }, PATIENCE_MS, &pid) != COP_OK)
                cop_exit(cop_atom("not_started"));
        cop_send(cop_parent(), subject, .pid = pid);
        waits();
        cop_exit(cop_atom("boom"));
}

/* An upgrade of it is under way, and waits. */
static void upgrade(cop_pid pid)
{
        cop_pid upgrader;
        begin();
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ RUN_WITH(upgrades, subject, .pid = pid) }, &upgrader), COP_OK);
        await_true(cop__load_acquire(&ready) && is_waiting(cop_node_here(), pid));
}

IN_NODE(an_exit_signal_that_comes_during_an_upgrade_is_kept_when_that_fails)
{
        cop_pid owner = cop_spawn(starts_linked);
        cop_auto message = await(COP_KIND(subject));
        cop_pid pid = cop_read(subject, message)->pid;
        cop_ref ref = watch(pid);
        upgrade(pid);
        const uint32_t *relations = &cop__slot_of(node, pid)->relation_count;
        uint32_t before = cop__load_relaxed(relations);
        cop_send(owner, go);
        await_true(cop__load_relaxed(relations) < before); /* the link has done its work */
        cop_send(pid, go);
        await_down(ref, "boom");
}

IN_NODE(a_kill_during_an_upgrade_loses_nothing)
{
        cop_pid pid = cop_spawn_server(&former_server, NULL);
        upgrade(pid);
        put_down(pid);
        cop_auto message = await(COP_KIND(told));
        ck_assert(!cop_read(told, message)->same);
}

IN_NODE(a_kill_while_a_state_is_shown_loses_nothing)
{
        cop_pid pid, looker;
        NEEDS_THREADS();
        if (COP__TSAN) /* nobody is interrupted there */
                return;
        begin();
        pid = cop_spawn_server(&large_server, NULL);
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ RUN_WITH(looks, subject, .pid = pid) }, &looker), COP_OK);
        cop_ref ref = watch(looker);
        await_true(cop__load_acquire(&ready));
        put_down(pid);
        await_down(ref, "normal");
}

typedef former idler;
static void idler_init(idler *self)
{
        (void)self;
        cop_idle_after(0);
}
static void idler_idles(idler *self)
{
        self->n++;
}
COP_SERVER(idler, COP_INIT(idler_init), COP_ON(note, former_on_note), COP_IDLE(idler_idles), COP_STATE(former));

IN_NODE(who_becomes_one_that_is_never_idle_is_not_told_that_it_is)
{
        cop_pid pid = cop_spawn_server(&idler_server, NULL);
        ck_assert_int_eq(cop_upgrade(pid, &former_server, PATIENCE_MS), COP_OK);
        ck_assert_int_eq(cop_send(pid, note, .n = 1), COP_OK);
        settle_with(pid);
        settle_with(pid); /* behind that message */
        put_down(pid);
}

/* What it has received nobody will answer; the last may be where the queue is. */
typedef struct grabber {
        int64_t n;
} grabber;
COP_MESSAGE(grabber, n);

static bool grabs_and_fails(grabber *fresh, const former *before)
{
        (void)fresh;
        (void)before;
        cop__store_release(&ready, 1);
        for (int i = 0; i < 2; i++)
                (void)cop_receive(COP_FOREVER, COP_KIND(go));
        cop_exit(cop_atom("no"));
}
COP_SERVER(grabber, COP_STATE(grabber), COP_UPGRADE(former, grabs_and_fails));

static void upgrades_in_vain(const subject *s)
{
        cop_status status = cop_upgrade(s->pid, &grabber_server, PATIENCE_MS);
        cop_send(cop_parent(), told, .same = status == COP_E_BAD_ARGUMENT);
}

IN_NODE(requests_that_an_upgrade_has_received_end_when_it_fails)
{
        cop_pid pid = cop_spawn_server(&former_server, NULL), upgrader;
        cop_request requests[2];
        begin();
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ RUN_WITH(upgrades_in_vain, subject, .pid = pid) }, &upgrader), COP_OK);
        await_true(cop__load_acquire(&ready) && is_waiting(node, pid));
        for (int i = 0; i < 2; i++)
                ck_assert_int_eq(cop_request_send(&requests[i], pid, go), COP_OK);
        for (int i = 0; i < 2; i++)
                ck_assert_int_eq(cop_request_await(requests[i], PATIENCE_MS, NULL), COP_E_NO_REPLY);
        await_told();
        put_down(pid);
}

/* ---- Without memory ---------------------------------------------------------------------------- */

typedef struct handler {
        int64_t n;
} handler;

static void handler_on_note(handler *self, const note *n)
{
        self->n = n->n;
}

COP_SERVER(handler, COP_ON(note, handler_on_note));

enum { REFUSALS = 80 };

/* It was counted at the door, and then there was nothing to wait for its answer with. */
TEST(a_request_without_memory_keeps_no_place_in_a_mailbox_that_is_limited)
{
        cop_simulation order = { .seed = 1 };
        unsigned refused = 0;
        for (uint64_t nth = 1; nth <= REFUSALS; nth++) {
                cop_pid pid;
                cop_request request;
                cop_node *node = node_begin((cop_node_options){ .simulation = &order, .max_actors = 100 });
                ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = waits, .mailbox_limit = 1, .mailbox_policy = COP_MAILBOX_REJECT },
                                               &pid), COP_OK);
                cop_simulation_refuse(node, nth);
                cop_status status = cop_request_send(&request, pid, note);
                cop_simulation_refuse(node, 0);
                if (status == COP_E_NO_MEMORY)
                        ck_assert_int_eq(cop_send(pid, note), COP_OK);
                refused += status == COP_E_NO_MEMORY;
                node_end(node);
        }
        ck_assert_uint_gt(refused, 0);
}

TEST(a_manager_that_cannot_watch_an_owner_says_so_and_is_no_bug)
{
        cop_simulation order = { .seed = 1 };
        unsigned refused = 0;
        for (uint64_t nth = 1; nth <= REFUSALS; nth++) {
                cop_pid manager;
                cop_ref ref;
                cop_node *node = node_begin((cop_node_options){ .simulation = &order, .max_actors = 100 });
                ck_assert_int_eq(cop_start(&(cop_spawn_options){ .server = &cop_event_manager, .monitor = true, .monitor_ref = &ref },
                                           PATIENCE_MS, &manager), COP_OK);
                cop_simulation_refuse(node, nth);
                cop_status status = cop_add_handler_to(cop_to_pid(manager), &(cop_handler_options){
                        .id = "x", .server = &handler_server, .supervised = true });
                cop_simulation_refuse(node, 0);
                refused += status == COP_E_NO_MEMORY;
                cop_auto down = cop_receive(0, COP_REF(cop_down, ref));
                if (down != NULL)
                        ck_assert_ptr_eq(strstr(text_of(cop_read(cop_down, down)->reason), "badarg"), NULL);
                node_end(node);
        }
        ck_assert_uint_gt(refused, 0);
}
