/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What is owed while a node is near its memory limit: work that was let in is ended, handed on and answered, though nothing new is taken.
 *
 * Before each claim's last step the node is over, and neither the worker nor the claim's own thread has a block at hand.
 */
#include "tests/node_fixture.h"

#include <string.h>

#define LIMIT ((size_t)8 << 20)
#define ONE_WORKER .workers = 1, .no_preempt = true, .no_spare_workers = true, .memory_limit = LIMIT

typedef struct gate {
        int64_t unused;
} gate;
COP_MESSAGE(gate, unused);

typedef struct sack {
        cop_text fill;
} sack;
COP_MESSAGE(sack, fill);

typedef struct number {
        int64_t n;
} number;
COP_MESSAGE(number, n);
COP_CHANNEL(number);
COP_FUTURE(number);

static uint64_t yard_bits; /* atomic; of the pid of one who takes nothing in; 0: the node is not over yet */
static uint32_t opened;    /* atomic */
static char letters[4000]; /* from before there is an actor */

static void stores(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(gate)));
}

/* The node is over, and the calling thread has nothing at hand of any size. Some letters behind the struct fill its class. */
static void strew(void)
{
        static const size_t sizes[] = { 1, 30, 60, 110, 170, 300, 420, 680, 900, 1400, 1900, 2900, 3900 };
        cop_pid to = { cop__load_acquire(&yard_bits) };
        if (to.bits == 0)
                return;
        for (size_t i = sizeof(sizes) / sizeof(sizes[0]); i-- > 0;)
                while (cop_send(to, sack, .fill = { sizes[i], letters }) == COP_OK)
                        ;
        while (cop_send(to, number) == COP_OK)
                ;
}

/* Between the turns of the others. */
static void strews_for_ever(void)
{
        for (;;) {
                strew();
                cop_yield();
        }
}

static void prepare(void)
{
        cop__store_relaxed(&yard_bits, 0);
        cop__store_relaxed(&opened, 0);
        memset(letters, 'x', sizeof(letters));
}

static bool is_over(cop_node *node)
{
        cop_memory_use use;
        cop_memory(node, &use);
        return use.over;
}

/* From here on. */
static cop_pid fill(cop_node *node)
{
        cop_pid yard = cop_spawn(stores);
        cop_spawn(strews_for_ever);
        cop__store_release(&yard_bits, yard.bits);
        strew();
        ck_assert(is_over(node));
        return yard;
}

/* What a timer sends is no new work. */
static void open_gate(cop_pid pid)
{
        ck_assert_int_eq(cop_send_after(NULL, 0, pid, gate), COP_OK);
}

/* Few: what is drawn for one that is owed lies in a magazine, of which the rest is strewn. */
#define ITEMS 6

/* ---- Channels and futures ----------------------------------------------------------------------- */

IN_NODE_WITH(a_channel_is_emptied_while_the_node_is_over, ONE_WORKER)
{
        number_channel channel;
        int64_t put = 0, taken = 0;
        cop_status status;
        prepare();
        ck_assert_int_eq(cop_channel_open(&channel, number, 1000000), COP_OK);
        while (put < ITEMS && (status = cop_put(channel, COP_FOREVER, number, .n = put)) == COP_OK)
                put++;
        ck_assert_int_eq(put, ITEMS);
        cop_pid yard = fill(node);
        ck_assert_int_eq(cop_put(channel, COP_FOREVER, number, .n = put), COP_E_OVERLOAD);
        ck_assert_int_eq(cop_put(channel, 0, number, .n = put), COP_E_OVERLOAD);
        for (; taken < put; taken++) {
                cop_message *item = NULL;
                strew();
                ck_assert_int_eq(cop_take(&item, channel, taken % 2 == 0 ? COP_FOREVER : PATIENCE_MS, number), COP_OK);
                ck_assert_int_eq(cop_read(number, item)->n, taken);
                cop_message_free(item);
        }
        strew();
        ck_assert_int_eq(cop_channel_close(channel), COP_OK);
        put_down(yard);
}

IN_NODE_WITH(a_node_that_was_filled_by_a_channel_recovers_as_it_is_emptied, ONE_WORKER)
{
        number_channel channel;
        int64_t put = 0, taken = 0;
        prepare();
        ck_assert_int_eq(cop_channel_open(&channel, number, 1000000), COP_OK);
        while (cop_put(channel, PATIENCE_MS, number, .n = put) == COP_OK)
                put++;
        ck_assert(is_over(node));
        for (; taken < put && is_over(node); taken++) {
                cop_message *item = NULL;
                ck_assert_int_eq(cop_take(&item, channel, PATIENCE_MS, number), COP_OK);
                ck_assert_int_eq(cop_read(number, item)->n, taken);
                cop_message_free(item);
        }
        ck_assert(!is_over(node));
}

IN_NODE_WITH(an_await_is_answered_while_the_node_is_over, ONE_WORKER)
{
        prepare();
        number_future future = cop_promise(number);
        cop_message *result = NULL;
        ck_assert_int_eq(cop_complete(future, number, .n = 7), COP_OK);
        settle_with(future.pid);
        fill(node);
        ck_assert_int_eq(cop_await(&result, future, COP_FOREVER, number), COP_OK);
        ck_assert_int_eq(cop_read(number, result)->n, 7);
        cop_message_free(result);
}

/* ---- What a future is handed ---- */

static void fails_late(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(gate)));
        cop_exit(cop_atom("boom"));
}

static cop_pid runner_pid; /* released by `opened` */

static void says_and_fails(void)
{
        runner_pid = cop_self();
        cop__store_release(&opened, 1);
        fails_late();
}

IN_NODE_WITH(a_future_has_its_outcome_while_the_node_is_over, ONE_WORKER)
{
        cop_message *result = NULL;
        prepare();
        number_future future = cop_async(number, says_and_fails);
        await_true(cop__load_acquire(&opened));
        fill(node);
        open_gate(runner_pid);
        ck_assert_int_eq(cop_await(&result, future, COP_FOREVER, number), COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()), "boom");
        strew();
        ck_assert_int_eq(cop_await(&result, future, COP_FOREVER, number), COP_E_DIED);
}

static cop_status resolved; /* of the runner */

static void says_and_resolves(void)
{
        runner_pid = cop_self();
        cop__store_release(&opened, 1);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(gate)));
        strew();
        resolved = cop_resolve(number, .n = 7);
}

IN_NODE_WITH(a_function_gives_its_result_to_its_future_while_the_node_is_over, ONE_WORKER)
{
        cop_message *result = NULL;
        prepare();
        number_future future = cop_async(number, says_and_resolves);
        await_true(cop__load_acquire(&opened));
        fill(node);
        open_gate(runner_pid);
        ck_assert_int_eq(cop_await(&result, future, COP_FOREVER, number), COP_OK);
        ck_assert_int_eq(cop_read(number, result)->n, 7);
        cop_message_free(result);
        ck_assert_int_eq(resolved, COP_OK);
}

IN_NODE_WITH(a_promise_is_kept_while_the_node_is_over, ONE_WORKER)
{
        cop_message *result = NULL;
        prepare();
        number_future future = cop_promise(number);
        settle_with(future.pid);
        fill(node);
        ck_assert_int_eq(cop_complete(future, number, .n = 7), COP_OK);
        ck_assert_int_eq(cop_await(&result, future, COP_FOREVER, number), COP_OK);
        ck_assert_int_eq(cop_read(number, result)->n, 7);
        cop_message_free(result);
}

/* What it holds is what there is no room for. */
IN_NODE_WITH(a_future_is_dropped_while_the_node_is_over, ONE_WORKER)
{
        prepare();
        number_future future = cop_promise(number);
        cop_ref end = watch(future.pid);
        settle_with(future.pid);
        fill(node);
        ck_assert_int_eq(cop_future_drop(future), COP_OK);
        await_down(end, "normal");
}

/* ---- Agents ------------------------------------------------------------------------------------ */

typedef struct account {
        cop_text owner;
        int64_t pence;
} account;
COP_MESSAGE(account, owner, pence);

static uint64_t agent_bits; /* atomic */

/* Holds the agent up until the node is over; whoever has asked meanwhile has been let in. */
static void account_waits(account *a, const gate *g)
{
        (void)a;
        (void)g;
        cop__store_release(&opened, 1);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(number)));
}

static void account_add(account *a, const number *by)
{
        a->pence += by->n;
}

static void account_tell(const account *a, const gate *g)
{
        (void)g;
        strew();
        cop_reply(number, .n = a->pence);
}

static cop_status said[4];  /* of who asks; released by `answers` */
static uint32_t answers;    /* atomic */
static int64_t told;

static void holds_up(void)
{
        cop_pid agent = { cop__load_acquire(&agent_bits) };
        said[0] = cop_agent_update(NULL, agent, COP_FOREVER, account, account_waits, gate, 0);
        cop__add_acq_rel(&answers, 1);
}

static void adds(void)
{
        cop_pid agent = { cop__load_acquire(&agent_bits) };
        said[1] = cop_agent_update(NULL, agent, COP_FOREVER, account, account_add, number, 5);
        cop__add_acq_rel(&answers, 1);
}

static void looks(void)
{
        cop_pid agent = { cop__load_acquire(&agent_bits) };
        cop_auto reply = NULL;
        said[2] = cop_agent_get(&reply, agent, COP_FOREVER, account, account_tell, gate, 0);
        if (reply != NULL)
                told = cop_read(number, reply)->n;
        cop__add_acq_rel(&answers, 1);
}

IN_NODE_WITH(an_agent_is_looked_at_and_changed_while_the_node_is_over, ONE_WORKER)
{
        prepare();
        memset(said, -1, sizeof(said));
        cop__store_relaxed(&answers, 0);
        told = 0;
        cop_pid agent = cop_agent_new(account, .owner = COP_TEXT("Ada"), .pence = 5);
        cop__store_release(&agent_bits, agent.bits);
        cop_spawn(holds_up);
        await_true(cop__load_acquire(&opened));
        cop_pid adding = cop_spawn(adds);
        await_true(is_waiting(node, adding));
        cop_pid looking = cop_spawn(looks);
        await_true(is_waiting(node, looking));
        fill(node);
        ck_assert_int_eq(cop_send_after(NULL, 0, agent, number), COP_OK);
        await_true(cop__load_acquire(&answers) == 3);
        for (size_t i = 0; i < 3; i++)
                ck_assert_int_eq(said[i], COP_OK);
        ck_assert_int_eq(told, 10);
        ck_assert(cop_is_alive(agent));
}

/* ---- Event managers ------------------------------------------------------------------------------ */

typedef struct siren {
        int64_t unused;
} siren;

static uint32_t heard; /* atomic */

static void siren_on_number(siren *self, const number *n)
{
        (void)self;
        cop__store_release(&heard, (uint32_t)n->n);
}

static void siren_on_gate(siren *self, const gate *g)
{
        (void)self;
        (void)g;
        cop_exit(cop_atom("boom"));
}

COP_SERVER(siren, COP_ON(number, siren_on_number), COP_ON(gate, siren_on_gate));

static void prepare_manager(bool supervised)
{
        prepare();
        cop__store_relaxed(&heard, 0);
        cop_spawn_server(&cop_event_manager, "alarms");
        ck_assert_int_eq(cop_add_handler("alarms", .id = "siren", .server = &siren_server, .supervised = supervised), COP_OK);
}

IN_NODE_WITH(an_event_that_a_manager_has_is_heard_while_the_node_is_over, ONE_WORKER)
{
        prepare_manager(false);
        fill(node);
        ck_assert_int_eq(cop_send_after(NULL, 0, cop_whereis("alarms"), number, .n = 3), COP_OK);
        await_true(cop__load_acquire(&heard) == 3);
}

IN_NODE_WITH(the_owner_of_a_handler_that_has_failed_is_told_while_the_node_is_over, ONE_WORKER)
{
        prepare_manager(true);
        fill(node);
        open_gate(cop_whereis("alarms"));
        cop_auto gone = await(COP_KIND(cop_handler_gone));
        ck_assert_str_eq(text_of(cop_read(cop_handler_gone, gone)->reason), "boom");
}

IN_NODE_WITH(handlers_are_listed_and_deleted_while_the_node_is_over, ONE_WORKER)
{
        cop_term ids = cop_nil(), left = cop_nil();
        prepare_manager(false);
        fill(node);
        ck_assert_int_eq(cop_handlers("alarms", &ids), COP_OK);
        ck_assert_str_eq(text_of(ids), "[\"siren\"]");
        cop_term_free(ids);
        strew();
        ck_assert_int_eq(cop_delete_handler("alarms", "siren", cop_nil(), &left), COP_OK);
        cop_term_free(left);
}

typedef struct bulk {
        cop_text fill;
} bulk;
COP_MESSAGE(bulk, fill);

typedef struct bell {
        int64_t unused;
} bell;

static uint64_t bell_bits; /* atomic; released by `opened` */

static void bell_on_gate(bell *self, const gate *g)
{
        (void)self;
        (void)g;
        cop__store_relaxed(&bell_bits, cop_self().bits);
        cop__store_release(&opened, 1);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(number)));
}

static void bell_on_bulk(bell *self, const bulk *b)
{
        (void)self;
        (void)b;
        cop__store_release(&heard, 1);
}

COP_SERVER(bell, COP_ON(gate, bell_on_gate), COP_ON(bulk, bell_on_bulk));

#define BULK (LIMIT / 4)

static void notifies(void)
{
        char *fill = malloc(BULK);
        if (fill == NULL)
                return;
        memset(fill, 'x', BULK);
        said[0] = cop_sync_notify("alarms", COP_FOREVER, bulk, .fill = { BULK, fill });
        free(fill);
        cop__store_release(&answers, 1);
}

/* What is larger than the reserve cannot be passed on, and nobody is to believe that it was. */
IN_NODE_WITH(a_sync_notify_says_when_a_handler_could_not_be_told, ONE_WORKER)
{
        cop_pid handler = cop_no_pid();
        prepare();
        cop__store_relaxed(&heard, 0);
        cop__store_relaxed(&answers, 0);
        cop_spawn_server(&cop_event_manager, "alarms");
        ck_assert_int_eq(cop_add_handler("alarms", .id = "bell", .server = &bell_server), COP_OK);
        ck_assert_int_eq(cop_notify("alarms", gate, 0), COP_OK);
        await_true(cop__load_acquire(&opened));
        handler.bits = cop__load_acquire(&bell_bits);
        cop_pid asking = cop_spawn(notifies);
        await_true(is_waiting(node, asking));
        fill(node);
        ck_assert_int_eq(cop_send_after(NULL, 0, handler, number), COP_OK);
        await_true(cop__load_acquire(&answers) == 1);
        ck_assert_int_eq(said[0], COP_E_NO_MEMORY);
        ck_assert_uint_eq(cop__load_acquire(&heard), 0);
}

/* ---- State machines -------------------------------------------------------------------------------- */

enum { CLOSED, OPEN };

typedef struct door {
        int64_t unused;
} door;

static cop_status set[2];   /* released by `answers` */
static uint32_t closed, noted; /* atomic */

static void door_on_gate(door *self, const gate *g)
{
        (void)self;
        (void)g;
        strew();
        set[0] = cop_state_timeout(0, number, .n = 1);
        set[1] = cop_insert_event(sack, .fill = COP_TEXT("a long word that lies behind its struct"));
        cop__store_release(&answers, 1);
}

static void door_on_number(door *self, const number *n)
{
        (void)self;
        (void)n;
        cop__store_release(&closed, 1);
}

static void door_on_sack(door *self, const sack *s)
{
        (void)self;
        (void)s;
        cop__store_release(&noted, 1);
}

COP_MACHINE(door, CLOSED, COP_IN(CLOSED, gate, door_on_gate), COP_IN(CLOSED, number, door_on_number),
            COP_IN(CLOSED, sack, door_on_sack));

IN_NODE_WITH(a_machine_sets_its_timeouts_and_inserts_events_while_the_node_is_over, ONE_WORKER)
{
        prepare();
        cop__store_relaxed(&answers, 0);
        cop__store_relaxed(&closed, 0);
        cop__store_relaxed(&noted, 0);
        cop_pid pid = cop_spawn_server(&door_machine, NULL);
        settle_with(pid);
        fill(node);
        open_gate(pid);
        await_true(cop__load_acquire(&answers) == 1);
        ck_assert_int_eq(set[0], COP_OK);
        ck_assert_int_eq(set[1], COP_OK);
        await_true(cop__load_acquire(&closed) && cop__load_acquire(&noted));
}

static void latch_init(door *self)
{
        door_on_gate(self, NULL);
        strew();
}

typedef door latch;
COP_MACHINE(latch, CLOSED, COP_INIT(latch_init), COP_IN(CLOSED, number, door_on_number), COP_IN(CLOSED, sack, door_on_sack));

IN_NODE_WITH(a_machine_whose_init_has_events_is_started_again_while_the_node_is_over, ONE_WORKER)
{
        const cop_supervisor tree = {
                .name = "tree", .strategy = COP_ONE_FOR_ONE, .intensity = 1, .period_ms = 600000,
                .children = COP_CHILDREN({ "latch", .server = &latch_machine }),
        };
        cop_pid root;
        prepare();
        ck_assert_int_eq(cop_supervise(&tree, &root), COP_OK);
        cop_ref end = watch(root);
        settle_with(cop_whereis("latch"));
        fill(node);
        cop__store_relaxed(&closed, 0);
        cop__store_relaxed(&noted, 0);
        put_down(cop_whereis("latch"));
        cop_message *down = NULL;
        await_true((cop__load_acquire(&closed) && cop__load_acquire(&noted)) ||
                   (down = cop_receive(0, COP_REF(cop_down, end))) != NULL);
        ck_assert_ptr_null(down);
}

/* ---- Tasks and supervisors --------------------------------------------------------------------------- */

static uint32_t running; /* atomic */
static cop_pid tasks[2]; /* released by `running` */

static void works(const number *n)
{
        tasks[n->n] = cop_self();
        cop__add_acq_rel(&running, 1);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(gate)));
}

IN_NODE_WITH(tasks_end_and_are_awaited_while_the_node_is_over, ONE_WORKER)
{
        cop_task both[2];
        cop_message *results[2];
        prepare();
        cop__store_relaxed(&running, 0);
        for (int64_t i = 0; i < 2; i++)
                both[i] = cop_task_async_nolink(works, number, .n = i);
        await_true(cop__load_acquire(&running) == 2);
        fill(node);
        for (size_t i = 0; i < 2; i++)
                open_gate(tasks[i]);
        ck_assert_int_eq(cop_task_await_many(results, both, 2, PATIENCE_MS), COP_OK);
}

static cop_status group_closed; /* released by `answers` */

static void opens_a_group(void)
{
        cop_task_group group;
        if (cop_task_group_open(NULL, &group) != COP_OK || cop_group_task(group, works, number, .n = 0) != COP_OK)
                return;
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(gate)));
        strew();
        group_closed = cop_task_group_close(group);
        cop__store_release(&answers, 1);
}

IN_NODE_WITH(a_group_of_tasks_is_closed_while_the_node_is_over, ONE_WORKER)
{
        prepare();
        cop__store_relaxed(&answers, 0);
        cop__store_relaxed(&running, 0);
        cop_pid owner = cop_spawn(opens_a_group);
        await_true(cop__load_acquire(&running) == 1);
        fill(node);
        open_gate(owner);
        open_gate(tasks[0]);
        await_true(cop__load_acquire(&answers) == 1);
        ck_assert_int_eq(group_closed, COP_OK);
}

IN_NODE_WITH(a_group_of_tasks_is_cancelled_while_the_node_is_over, ONE_WORKER)
{
        cop_task_group group;
        prepare();
        cop__store_relaxed(&running, 0);
        ck_assert_int_eq(cop_task_group_open(NULL, &group), COP_OK);
        ck_assert_int_eq(cop_group_task(group, works, number, .n = 0), COP_OK);
        await_true(cop__load_acquire(&running) == 1);
        fill(node);
        ck_assert_int_eq(cop_task_group_cancel(group), COP_OK);
        ck_assert_int_eq(cop_task_group_close(group), COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()), "cancelled");
}

static const cop_supervisor shop = { .name = "shop", .children = COP_CHILDREN({ "till", .run = stores }) };

IN_NODE_WITH(a_supervisor_tells_of_its_children_while_the_node_is_over, ONE_WORKER)
{
        cop_pid root;
        cop_message *told_of = NULL;
        cop_child_count count;
        prepare();
        ck_assert_int_eq(cop_supervise(&shop, &root), COP_OK);
        fill(node);
        ck_assert_int_eq(cop_which_children("shop", &told_of), COP_OK);
        ck_assert_uint_eq(cop_read(cop_children, told_of)->children.count, 1);
        cop_message_free(told_of);
        strew();
        ck_assert_int_eq(cop_get_child("shop", "till", &told_of), COP_OK);
        cop_message_free(told_of);
        strew();
        ck_assert_int_eq(cop_count_children("shop", &count), COP_OK);
}

IN_NODE_WITH(a_server_tells_of_itself_while_the_node_is_over, ONE_WORKER)
{
        cop_term status = cop_nil();
        prepare();
        cop_pid pid = cop_spawn_server(&siren_server, NULL);
        settle_with(pid);
        fill(node);
        ck_assert_int_eq(cop_sys_get_status(pid, PATIENCE_MS, &status), COP_OK);
        cop_term_free(status);
        status = cop_nil();
        strew();
        ck_assert_int_eq(cop_process_ask(pid, PATIENCE_MS, &status), COP_OK);
        cop_term_free(status);
}

IN_NODE_WITH(a_timer_is_cancelled_and_says_what_was_left_while_the_node_is_over, ONE_WORKER)
{
        cop_ref timer;
        prepare();
        ck_assert_int_eq(cop_send_after(&timer, 3600000, cop_self(), gate), COP_OK);
        fill(node);
        ck_assert_int_eq(cop_cancel_async(timer, true), COP_OK);
        cop_auto cancelled = await(COP_KIND(cop_timer_cancelled));
        ck_assert_int_gt(cop_read(cop_timer_cancelled, cancelled)->left_ms, 0);
}
