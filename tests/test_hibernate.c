/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Hibernation: a plain actor gives its stack back, keeps all else, and goes on when there is a message. */
#include "tests/node_fixture.h"

typedef struct go {
        int64_t number;
        cop_pid pid;
} go;
COP_MESSAGE(go, number, pid);

typedef struct tally {
        int64_t woken, sum;
        const go *argument;
} tally;

typedef struct shown {
        int64_t number;
} shown;
COP_MESSAGE(shown, number);

static cop_process look(cop_pid pid)
{
        cop_process process;
        ck_assert_int_eq(cop_process_info(pid, &process), COP_OK);
        return process;
}

static void await_status(cop_pid pid, cop_process_status status)
{
        await_true(look(pid).status == status);
}

/* One message for each time that it wakes. Number 0 lets it end. */
static void goes_on(tally *self)
{
        cop_auto message = cop_receive(0, COP_KIND(go));
        const go *g = cop_read(go, message);
        if (g == NULL)
                cop_exit(cop_atom("woken_for_nothing"));
        if (g->number == 0)
                return;
        self->woken++;
        self->sum += g->number;
        cop_answer(message, go, .number = self->sum, .pid = self->argument->pid);
        cop_message_free(message);
        message = NULL;
        cop_hibernate(goes_on, self);
}

static void hibernates(const go *g)
{
        tally *self = cop_alloc(sizeof(*self));
        self->argument = g;
        cop_hibernate(goes_on, self);
}

static int64_t ask(cop_pid pid, int64_t number)
{
        cop_auto reply = NULL;
        ck_assert_int_eq(cop_call(&reply, pid, PATIENCE_MS, go, .number = number), COP_OK);
        ck_assert(cop_pid_equal(cop_read(go, reply)->pid, cop_self())); /* its argument is kept too */
        return cop_read(go, reply)->number;
}

IN_NODE(SPN_25_a_message_wakes_it_and_its_memory_is_kept)
{
        cop_pid pid = cop_spawn_with(hibernates, go, .pid = cop_self());
        int64_t sum = 0;
        for (int64_t i = 1; i <= 1000; i++) {
                if (i % 100 == 1)
                        await_status(pid, COP_PROCESS_HIBERNATING);
                sum += i;
                ck_assert_int_eq(ask(pid, i), sum);
        }
        cop_ref ref = watch(pid);
        cop_send(pid, go, .number = 0);
        await_down(ref, "normal");
}

IN_NODE(who_is_suspended_is_not_woken_before_it_goes_on)
{
        cop_pid pid = cop_spawn_with(hibernates, go, .pid = cop_self());
        cop_request request;
        cop_auto reply = NULL;
        await_status(pid, COP_PROCESS_HIBERNATING);
        ck_assert_int_eq(cop_sys_suspend(pid, PATIENCE_MS), COP_OK);
        ck_assert_int_eq(cop_request_send(&request, pid, go, .number = 5), COP_OK);
        settle_with(pid);
        await_status(pid, COP_PROCESS_HIBERNATING);
        ck_assert_int_eq(cop_request_poll(request, NULL), COP_E_TIMEOUT);
        ck_assert_int_eq(cop_sys_resume(pid, PATIENCE_MS), COP_OK);
        ck_assert_int_eq(cop_request_await(request, PATIENCE_MS, &reply), COP_OK);
        ck_assert_int_eq(cop_read(go, reply)->number, 5);
        put_down(pid);
}

static void blocks_first(const go *g)
{
        volatile char much[10000];
        for (size_t i = 0; i < sizeof(much); i++)
                much[i] = 1;
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
        if (much[9999] != 1)
                cop_exit(cop_atom("wrong"));
        hibernates(g);
}

IN_NODE(SPN_25_it_holds_no_stack)
{
        cop_pid pid = cop_spawn_with(blocks_first, go, .pid = cop_self());
        await_true(look(pid).stack_bytes > 10000);
        uint64_t before = look(pid).memory;
        cop_send(pid, go);
        await_status(pid, COP_PROCESS_HIBERNATING);
        cop_process process = look(pid);
        ck_assert_uint_eq(process.stack_bytes, 0);
        ck_assert_uint_lt(process.memory, before - 9000);
        char where[64];
        ck_assert_str_eq(cop_process_where(&process, where, sizeof(where)), "goes_on");
        ck_assert_int_eq(ask(pid, 3), 3);
        put_down(pid);
}

IN_NODE(SPN_25_thousands_that_hibernate_share_the_stacks_of_a_few)
{
        enum { COUNT = 5000, FEW = 16, CHUNK = 63 };
        static cop_pid pids[COUNT];
        int count = suite_is_slow() ? 500 : COUNT;
        struct cop__stack_counts before, after;
        cop__stack_pool_counts(&node->scheduler.stacks, &before);
        for (int i = 0; i < count; i++)
                pids[i] = cop_spawn_with(hibernates, go, .pid = cop_self());
        for (int i = 0; i < count; i++)
                await_status(pids[i], COP_PROCESS_HIBERNATING);
        cop__stack_pool_counts(&node->scheduler.stacks, &after);
        ck_assert_uint_le(after.taken, before.taken + FEW);
        ck_assert_uint_le(after.mapped, before.mapped + 2 * CHUNK);
        for (int i = 0; i < count; i++)
                ck_assert_int_eq(ask(pids[i], i + 1), i + 1);
        for (int i = 0; i < count; i++)
                put_down(pids[i]);
}

static void counts_itself_down(tally *self)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
        self->sum += cop__stack_pointer() % 2; /* something on the stack */
        if (++self->woken < 10000)
                cop_hibernate(counts_itself_down, self);
        cop_send(cop_parent(), go, .number = self->woken);
}

static void hibernates_with_mail(void)
{
        tally *self = cop_alloc(sizeof(*self));
        for (int i = 0; i < 10000; i++)
                cop_send(cop_self(), go);
        cop_hibernate(counts_itself_down, self);
}

IN_NODE(with_a_message_in_the_mailbox_it_goes_on_at_once_and_its_stack_does_not_grow)
{
        await_down(spawn_watched(.run = hibernates_with_mail), "normal");
        cop_auto message = await(COP_KIND(go));
        ck_assert_int_eq(cop_read(go, message)->number, 10000);
}

/* Messages come at every moment of its falling asleep. */
IN_NODE(no_message_is_lost_on_the_way_into_hibernation)
{
        int rounds = suite_is_slow() ? 200 : 5000;
        cop_pid pid = cop_spawn_with(hibernates, go, .pid = cop_self());
        int64_t sum = 0;
        for (int i = 0; i < rounds; i++) {
                cop_send(pid, go, .number = 1);
                cop_send(pid, go, .number = 1);
                sum += 3;
                ck_assert_int_eq(ask(pid, 1), sum);
                await_and_drop(COP_KIND(go));
                await_and_drop(COP_KIND(go));
        }
        put_down(pid);
}

/* ---- What is no message -------------------------------------------------------------------- */

static void await_exit_of_hibernating(const char *reason, const char *seen)
{
        cop_pid pid = cop_spawn_with(hibernates, go, .pid = cop_self());
        cop_ref ref = watch(pid);
        await_status(pid, COP_PROCESS_HIBERNATING);
        ck_assert_int_eq(cop_send_exit(pid, cop_atom(reason)), COP_OK);
        await_down(ref, seen);
}

IN_NODE(SPN_27_an_exit_signal_ends_it_with_its_reason)
{
        for (int i = 0; i < 50; i++) {
                await_exit_of_hibernating("enough", "enough");
                await_exit_of_hibernating("kill", "killed");
        }
}

IN_NODE(questions_links_and_monitors_do_not_wake_it)
{
        cop_pid pid = cop_spawn_with(hibernates, go, .pid = cop_self());
        for (int i = 0; i < 20; i++) {
                ck_assert_int_eq(cop_link(pid), COP_OK);
                cop_ref ref = watch(pid);
                settle_with(pid); /* which would have ended it, with woken_for_nothing */
                cop_demonitor(ref);
                cop_unlink(pid);
                cop_send_exit(pid, cop_atom("normal"));
                settle_with(pid);
                await_status(pid, COP_PROCESS_HIBERNATING);
        }
        ck_assert_int_eq(ask(pid, 5), 5);
        put_down(pid);
}

static void takes_an_exit(tally *self)
{
        cop_auto message = cop_receive(0, COP_KIND(cop_exited));
        if (message == NULL)
                cop_exit(cop_atom("woken_for_nothing"));
        cop_send(cop_parent(), go, .number = 1 + (self != NULL));
}

static void hibernates_and_traps(void)
{
        cop_trap_exit(true);
        cop_hibernate(takes_an_exit, (tally *)NULL);
}

IN_NODE(an_exit_that_is_trapped_is_a_message_and_wakes_it)
{
        cop_pid pid = cop_spawn(hibernates_and_traps);
        await_status(pid, COP_PROCESS_HIBERNATING);
        cop_send_exit(pid, cop_atom("normal"));
        cop_auto message = await(COP_KIND(go));
        ck_assert_int_eq(cop_read(go, message)->number, 1);
}

/* An alarm that was left behind by a receive fires into the sleep. */
static void leaves_an_alarm(const go *g)
{
        cop_message_free(cop_receive(1, COP_KIND(go)));
        cop_message_free(cop_receive(20, COP_KIND(go)));
        hibernates(g);
}

IN_NODE(a_time_out_that_is_over_does_not_wake_it)
{
        cop_pid pid = cop_spawn_with(leaves_an_alarm, go, .pid = cop_self());
        cop_send(pid, go, .number = 1);
        cop_send(pid, go, .number = 1);
        await_status(pid, COP_PROCESS_HIBERNATING);
        cop_sleep(30);
        ck_assert_int_eq(ask(pid, 2), 2);
        put_down(pid);
}

/* ---- Who cannot ------------------------------------------------------------------------------ */

typedef struct keeper {
        int64_t unused;
} keeper;
static void never(keeper *self)
{
        (void)self;
}
static void keeper_on_go(keeper *self, const go *g)
{
        (void)g;
        cop_hibernate(never, self);
}
COP_SERVER(keeper, COP_ON(go, keeper_on_go));

IN_NODE(a_server_has_no_stack_to_give_back)
{
        cop_pid pid = cop_spawn_server(&keeper_server, NULL);
        cop_ref ref = watch(pid);
        settle_with(pid);
        await_status(pid, COP_PROCESS_WAITING);
        ck_assert_uint_eq(look(pid).stack_bytes, 0);
        cop_send(pid, go);
        await_down(ref, "{badarg, {hibernate, \"only a plain actor has a stack to give back\"}}");
}

static void hibernates_without_end(void)
{
        cop_hibernate_in(NULL, NULL);
}

IN_NODE(there_must_be_something_to_go_on_with)
{
        await_down(spawn_watched(.run = hibernates_without_end),
                   "{badarg, {hibernate, \"there is nothing to go on with\"}}");
}

static void wakes(tally *self)
{
        cop_auto message = cop_receive(0, COP_KIND(go));
        self->woken++;
        cop_answer(message, go, .number = self->woken);
}

static void shows_and_hibernates(void)
{
        shown mine = { 1 };
        tally *kept = cop_alloc(sizeof(*kept));
        *kept = (tally){ .woken = 2 };
        if (cop_sys_show(shown, &mine) != COP_OK)
                cop_exit(cop_atom("not_shown"));
        cop_hibernate(wakes, kept);
}

/* It lay on the stack that has been given back. */
IN_NODE(a_state_that_was_shown_is_shown_no_more_when_it_hibernates)
{
        cop_pid pid = cop_spawn(shows_and_hibernates);
        cop_term state;
        await_status(pid, COP_PROCESS_HIBERNATING);
        ck_assert_int_ne(cop_sys_get_state(cop_to_pid(pid), PATIENCE_MS, &state), COP_OK);
        cop_auto reply = NULL;
        ck_assert_int_eq(cop_call(&reply, pid, PATIENCE_MS, go, .number = 1), COP_OK);
        ck_assert_int_eq(cop_read(go, reply)->number, 3);
}
