/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* What an actor can be started with: each option, its limits, and what is refused. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <coppice/sys.h>

#include "tests/node_fixture.h"

/* A crash on purpose must reach the processor, whatever else is looking for it. */
#define CRASHES __attribute__((noinline, no_sanitize("address", "undefined", "thread")))

typedef struct go {
        int64_t number;
        cop_pid pid;
} go;
COP_MESSAGE(go, number, pid);

static void waits(void)
{
        cop_sleep(COP_FOREVER);
}

static uint64_t spawned_so_far(cop_node *node)
{
        struct cop__totals totals;
        cop__totals(node, &totals);
        return totals.spawned;
}

typedef struct large {
        char bytes[4096];
} large;
static void large_on_go(large *self, const go *g)
{
        (void)self;
        (void)g;
}
COP_SERVER(large, COP_ON(go, large_on_go));

/* ---- What is refused ---------------------------------------------------------------------- */

/* In Erlang such a child is spawned, and dies with undef. Here it is known at once: nothing is started. */
IN_NODE(SPN_05_without_a_function_there_is_nothing_to_spawn)
{
        cop_pid pid = cop_self();
        cop_ref ref;
        uint64_t before = spawned_so_far(node);
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = NULL, .link = true, .monitor = true,
                                                             .monitor_ref = &ref }, &pid),
                         COP_E_BAD_ARGUMENT);
        ck_assert(cop_pid_equal(pid, cop_self()));
        ck_assert_uint_eq(spawned_so_far(node), before);
        nothing_has_come();
}

static void spawns_nothing(void)
{
        cop_spawn(NULL);
}

IN_NODE(SPN_05_an_actor_that_spawns_no_function_ends_with_badarg)
{
        await_down(spawn_watched(.run = spawns_nothing),
                   "{badarg, {spawn, \"an argument is outside its documented range\"}}");
}

IN_NODE(SPN_17_values_that_an_option_cannot_have_are_refused_and_nothing_is_spawned)
{
        const cop_spawn_options bad[] = {
                { .run = waits, .priority = (cop_priority)4 },
                { .run = waits, .priority = (cop_priority)-1 },
                { .run = waits, .isolation = (cop_isolation)(COP_ISOLATION_PROCESS + 1) },
                { .run = waits, .isolation = (cop_isolation)-1 },
                { .run = waits, .memory_limit_soft = true },
                { .server = &large_server, .memory_limit = sizeof(large) - 1 },
        };
        uint64_t before = spawned_so_far(node);
        for (size_t i = 0; i < COP__COUNT(bad); i++) {
                cop_pid pid = cop_self();
                ck_assert_int_eq(cop_spawn_opt(&bad[i], &pid), COP_E_BAD_ARGUMENT);
                ck_assert_msg(cop_pid_equal(pid, cop_self()), "bad[%zu] touched *pid", i);
        }
        ck_assert_uint_eq(spawned_so_far(node), before);
}

IN_NODE(what_a_refused_spawn_had_prepared_is_freed)
{
        ck_assert_int_eq(cop_register("taken", cop_self()), COP_OK);
        const cop_spawn_options options = { .server = &large_server, .name = "taken", .label = "a label",
                                            .memory_limit = 1 << 20, .memory_limit_soft = true,
                                            .link = true };
        int64_t before = blocks_in_use(node);
        for (int i = 0; i < 100; i++) {
                cop_pid pid;
                ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_E_NAME_TAKEN);
        }
        ck_assert_int_eq(blocks_in_use(node), before);
}

/* ---- All of them together ------------------------------------------------------------------------ */

IN_NODE(SPN_16_all_options_together_hold_before_the_first_instruction)
{
        cop_pid pid;
        cop_ref ref;
        cop_process process;
        const cop_spawn_options options = {
                .run = waits, .name = "everything", .label = "the one with everything", .link = true,
                .monitor = true, .monitor_ref = &ref, .priority = COP_PRIORITY_LOW,
                .isolation = COP_ISOLATION_INLINE, .memory_limit = 1000,
        };
        for (int i = 0; i < 100; i++) {
                ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
                /* It may not have run yet. */
                ck_assert_int_eq(cop_process_info(pid, &process), COP_OK);
                ck_assert(cop_pid_equal(process.parent, cop_self()));
                ck_assert_str_eq(process.name, "everything");
                ck_assert_str_eq(process.label, "the one with everything");
                ck_assert_int_eq(process.priority, COP_PRIORITY_LOW);
                settle_with(pid);
                ck_assert_int_eq(cop_process_info(pid, &process), COP_OK);
                ck_assert_int_eq(process.isolation, COP_ISOLATION_INLINE);
                ck_assert_uint_eq(process.relations, 2);
                cop_send_exit(pid, cop_atom("enough"));
                await_down(ref, "enough");
                await_exited(pid, "enough");
        }
}

/* ---- The limit of memory ------------------------------------------------------------------------- */

static void takes_in_steps(const go *g)
{
        for (;;) {
                cop_send(g->pid, go, .number = cop_alloc(100) != NULL);
                cop_yield();
        }
}

IN_NODE(SPN_19_at_its_memory_limit_an_actor_exits)
{
        cop_ref ref = spawn_watched(RUN_WITH(takes_in_steps, go, .pid = cop_self()), .memory_limit = 350);
        await_down(ref, "{system_limit, memory}");
        for (int i = 0; i < 3; i++) {
                cop_auto message = await(COP_KIND(go));
                ck_assert_int_eq(cop_read(go, message)->number, 1);
        }
        nothing_has_come();
}

static uint32_t reports; /* atomic */
static char report[256];

static void counts_reports(void *context, cop_log_level level, const char *text)
{
        (void)context;
        if (level != COP_LOG_ERROR)
                return;
        snprintf(report, sizeof(report), "%s", text);
        cop__add_acq_rel(&reports, 1);
}

static void lives_on_beyond_its_limit(void)
{
        void *first = cop_alloc(600), *none;
        for (int i = 0; i < 10; i++) {
                none = cop_alloc(500);
                if (first == NULL || none != NULL || cop_alloc(SIZE_MAX) != NULL)
                        cop_exit(cop_atom("wrong"));
        }
        if (cop_alloc(400) == NULL || cop_alloc(1) != NULL)
                cop_exit(cop_atom("wrong"));
        cop_release(first);
        if (cop_alloc(600) == NULL || cop_alloc(1) != NULL)
                cop_exit(cop_atom("wrong"));
}

IN_NODE_WITH(SPN_19_at_a_soft_limit_it_survives_and_that_is_reported_once, .log = counts_reports)
{
        cop__store_release(&reports, 0);
        await_down(spawn_watched(.run = lives_on_beyond_its_limit, .memory_limit = 1000,
                                 .memory_limit_soft = true, .label = "the big one"), "normal");
        ck_assert_uint_eq(cop__load_acquire(&reports), 1);
        ck_assert_ptr_nonnull(strstr(report, "the big one <0."));
        ck_assert_ptr_nonnull(strstr(report, "memory limit of 1000 bytes"));
}

typedef struct hoard {
        char bytes[800];
} hoard;
static void hoard_on_go(hoard *self, const go *g)
{
        (void)self;
        cop_reply(go, .number = cop_alloc((size_t)g->number) != NULL);
}
COP_SERVER(hoard, COP_ON(go, hoard_on_go));

IN_NODE(a_servers_state_counts_and_what_comes_with_it_is_not_the_next_ones)
{
        for (int i = 0; i < 50; i++) {
                cop_pid pid;
                cop_auto reply = NULL;
                const cop_spawn_options options = { .server = &hoard_server, .memory_limit = 1000 };
                ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
                ck_assert_int_eq(cop_call(&reply, pid, PATIENCE_MS, go, .number = 200), COP_OK);
                ck_assert_int_eq(cop_read(go, reply)->number, 1);
                ck_assert_int_eq(cop_call(NULL, pid, PATIENCE_MS, go, .number = 1), COP_E_DIED);
                ck_assert_str_eq(text_of(cop_failure()), "{system_limit, memory}");
                /* The slot is used again by one without a limit. */
                cop_pid free = cop_spawn_server(&hoard_server, NULL);
                ck_assert_int_eq(cop_call(NULL, free, PATIENCE_MS, go, .number = 100000), COP_OK);
                put_down(free);
        }
}

/* ---- Isolation ----------------------------------------------------------------------------------------- */

static volatile intptr_t zero;

CRASHES static void writes_null(void)
{
        *(volatile int *)zero = 1;
}

IN_NODE(a_guarded_actor_faults_alone)
{
        cop_auto down = NULL;
        cop_ref ref = spawn_watched(.run = writes_null, .isolation = COP_ISOLATION_GUARDED);
        down = await(COP_REF(cop_down, ref));
        ck_assert(cop_is_tuple(cop_read(cop_down, down)->reason, "fault", 5));
}

/* In a child process: nothing of it comes back but the signal and the report. */
static void run_an_inline_actor_that_faults(void)
{
        const struct rlimit none = { 0, 0 };
        cop_pid pid;
        setrlimit(RLIMIT_CORE, &none);
        node_begin((cop_node_options){ 0 });
        cop_spawn_opt(&(cop_spawn_options){ .run = writes_null, .isolation = COP_ISOLATION_INLINE }, &pid);
        cop_sleep(PATIENCE_MS);
        _exit(0);
}

TEST(a_fault_in_an_inline_actor_ends_the_program_by_its_signal_with_a_report)
{
        char said[8192];
        size_t size = 0;
        ssize_t got = 1;
        int ends[2], status;
        ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
                suite_is_forked();
                dup2(ends[1], STDERR_FILENO);
                run_an_inline_actor_that_faults();
        }
        close(ends[1]);
        for (; got > 0; size += got > 0 ? (size_t)got : 0)
                got = read(ends[0], said + size, sizeof(said) - 1 - size);
        said[size] = '\0';
        close(ends[0]);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "status %d, and it said: %s",
                      status, said);
        ck_assert_msg(strstr(said, "isolation inline") != NULL, "it said: %s", said);
        ck_assert_msg(strstr(said, "writes_null") != NULL || COP__TSAN, "it said: %s", said);
}

/* ---- Exit signals and bad arguments ------------------------------------------------------------------------ */

static uint32_t handled; /* atomic */
static uint32_t let_go;  /* atomic */

typedef struct slow {
        int64_t unused;
} slow;
static void slow_on_go(slow *self, const go *g)
{
        (void)self;
        (void)g;
        cop__add_relaxed(&handled, 1);
        stay_until(&let_go);
}
COP_SERVER(slow, COP_ON(go, slow_on_go));

/* Ends with the reason of which it hears. */
static void ends_like(cop_ref ref)
{
        cop_auto message = cop_receive(COP_FOREVER, COP_REF(cop_down, ref));
        cop_exit(cop_read(cop_down, message)->reason);
}

/* While it is in the middle of a turn. */
static void tell_it_to_end(cop_pid pid)
{
        cop_ref ref;
        while (cop__load_relaxed(&handled) == 0)
                cop_yield();
        cop_monitor(pid, &ref);
        cop_send_exit(pid, cop_atom("enough"));
        cop__store_release(&let_go, 1);
        ends_like(ref);
}

static void tells_a_server_to_end(void)
{
        cop_pid pid = cop_spawn_server(&slow_server, NULL);
        for (int i = 0; i < 40; i++)
                cop_send(pid, go);
        tell_it_to_end(pid);
}

IN_NODE_WITH(EXS_25_a_server_that_is_at_a_message_ends_when_it_is_done_with_it_whatever_waits, .workers = 2)
{
        for (int round = 0; round < 20; round++) {
                cop__store_relaxed(&handled, 0);
                cop__store_relaxed(&let_go, 0);
                await_down(spawn_watched(.run = tells_a_server_to_end), "enough");
                ck_assert_uint_eq(cop__load_relaxed(&handled), 1);
        }
}

static void sends_after_it_was_told_to_end(const go *g)
{
        cop__add_relaxed(&handled, 1);
        stay_until(&let_go);
        for (int i = 0; i < 100; i++)
                cop_send(g->pid, go, .number = i);
}

static void tells_one_that_sends_to_end(const go *g)
{
        tell_it_to_end(cop_spawn_with(sends_after_it_was_told_to_end, go, .pid = g->pid));
}

IN_NODE_WITH(EXS_25_a_send_is_the_last_thing_that_one_does_who_was_told_to_end, .workers = 2, .no_preempt = true)
{
        for (int round = 0; round < 20; round++) {
                cop__store_relaxed(&handled, 0);
                cop__store_relaxed(&let_go, 0);
                await_down(spawn_watched(RUN_WITH(tells_one_that_sends_to_end, go, .pid = cop_self())), "enough");
                cop_auto message = await(COP_KIND(go));
                ck_assert_int_eq(cop_read(go, message)->number, 0);
                nothing_has_come();
        }
}

static void sleeps_less_than_nothing(void)
{
        cop_sleep(-5);
}

static void asks_for_less_than_nothing(void)
{
        cop_term info;
        cop_process_ask(cop_parent(), -5, &info);
}

IN_NODE(EXS_24_a_bad_argument_in_a_linked_child_is_badarg_with_the_function_and_what_was_wrong)
{
        static const struct {
                void (*run)(void);
                const char *reason;
        } each[] = {
                { sleeps_less_than_nothing,
                  "{badarg, {sleep, \"a time is 0 or more milliseconds, or COP_FOREVER\"}}" },
                { asks_for_less_than_nothing,
                  "{badarg, {process_ask, \"a time-out is 0 or more milliseconds, or COP_FOREVER\"}}" },
        };
        for (size_t i = 0; i < COP__COUNT(each); i++) {
                cop_pid pid = cop_spawn_link(each[i].run);
                await_exited(pid, each[i].reason);
        }
}

/* ---- Timers ---------------------------------------------------------------------------------------------------- */

static void arms_and_holds(const go *g)
{
        cop_send_after(NULL, 1, g->pid, go, .number = 7);
        stay_until(&let_go);
}

/* Meanwhile. */
static void hears_and_lets_go(void)
{
        cop_auto message = cop_receive(COP_FOREVER, COP_KIND(go));
        cop__store_release(&let_go, 1);
        cop_exit(cop_int(cop_read(go, message)->number));
}

IN_NODE_WITH(TMR_25_a_timer_of_a_worker_that_is_held_up_is_delivered, .workers = 2)
{
        for (int round = 0; round < 20; round++) {
                cop__store_relaxed(&let_go, 0);
                cop_pid to = cop_spawn(hears_and_lets_go);
                cop_ref heard = watch(to), ref = spawn_watched(RUN_WITH(arms_and_holds, go, .pid = to));
                await_down(heard, "7");
                await_down(ref, "normal");
        }
}

/* ---- A limit of memory and a larger state ------------------------------------------------------ */

typedef struct { int64_t size; } want;
COP_MESSAGE(want, size);

typedef struct { int64_t number; } narrow;
COP_MESSAGE(narrow, number);
static void narrow_on_want(narrow *self, const want *w)
{
        (void)self;
        cop_reply(want, .size = cop_alloc((size_t)w->size) != NULL ? w->size : 0);
}
COP_SERVER(narrow, COP_ON(want, narrow_on_want), COP_STATE(narrow));

typedef struct { int64_t numbers[64]; } wide;
COP_MESSAGE(wide, numbers);
static bool wide_from(wide *fresh, const narrow *before)
{
        fresh->numbers[0] = before->number;
        return true;
}
static void wide_on_want(wide *self, const want *w)
{
        narrow_on_want((narrow *)(void *)self, w);
}
COP_SERVER(wide, COP_ON(want, wide_on_want), COP_STATE(wide), COP_UPGRADE(narrow, wide_from));

static int64_t given(cop_pid pid, int64_t size)
{
        cop_auto reply = NULL;
        ck_assert_int_eq(cop_call(&reply, pid, PATIENCE_MS, want, .size = size), COP_OK);
        return cop_read(want, reply)->size;
}

IN_NODE(an_upgrade_to_a_state_beyond_the_limit_of_memory_is_refused_and_the_limit_holds)
{
        cop_pid pid;
        cop_spawn_options options = { .server = &narrow_server, .memory_limit = 256, .memory_limit_soft = true };
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        ck_assert_int_eq(given(pid, 1000), 0);
        ck_assert_int_eq(cop_upgrade(pid, &wide_server, PATIENCE_MS), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(given(pid, 1000), 0);
        ck_assert_int_eq(given(pid, 100), 100);
        put_down(pid);
}

/* What it has from cop_alloc counts, too. */
IN_NODE(a_limit_of_memory_holds_when_an_upgrade_has_left_nothing_of_it)
{
        cop_pid pid;
        cop_spawn_options options = { .server = &narrow_server, .memory_limit = 600, .memory_limit_soft = true };
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        ck_assert_int_eq(given(pid, 500), 500);
        cop_status status = cop_upgrade(pid, &wide_server, PATIENCE_MS);
        ck_assert_int_eq(status, COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(given(pid, 1000000), 0);
        put_down(pid);
}

/* ---- What it has in its COP_UPGRADE counts beside the larger state ---- */

typedef struct { int64_t numbers[64]; } greedy;
COP_MESSAGE(greedy, numbers);
static bool greedy_from(greedy *fresh, const narrow *before)
{
        fresh->numbers[0] = before->number;
        fresh->numbers[1] = cop_alloc(400) != NULL;
        return true;
}
static void greedy_on_want(greedy *self, const want *w)
{
        if (w->size > 0)
                narrow_on_want((narrow *)(void *)self, w);
        else
                cop_reply(want, .size = self->numbers[1]);
}
COP_SERVER(greedy, COP_ON(want, greedy_on_want), COP_STATE(greedy), COP_UPGRADE(narrow, greedy_from));

IN_NODE(what_an_upgrade_allocates_is_within_the_limit_of_memory_with_the_new_state)
{
        cop_pid pid;
        cop_spawn_options options = { .server = &narrow_server, .memory_limit = 800, .memory_limit_soft = true };
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        ck_assert_int_eq(cop_upgrade(pid, &greedy_server, PATIENCE_MS), COP_OK);
        ck_assert_int_eq(given(pid, 0), 0);
        ck_assert_int_eq(given(pid, 250), 250); /* the state is counted once */
        ck_assert_int_eq(given(pid, 50), 0);
        put_down(pid);
}

IN_NODE(an_upgrade_to_a_state_that_just_fits_the_limit_of_memory_is_done)
{
        cop_pid pid;
        cop_spawn_options options = { .server = &narrow_server, .memory_limit = sizeof(wide), .memory_limit_soft = true };
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        ck_assert_int_eq(cop_upgrade(pid, &wide_server, PATIENCE_MS), COP_OK);
        ck_assert_int_eq(given(pid, 1), 0);
        put_down(pid);
}

/* ---- Told to end before the first message ------------------------------------------------------ */

static uint32_t has_begun, may_begin, has_handled; /* atomic */

typedef struct { int64_t unused; } starter;
static void starter_init(starter *self)
{
        (void)self;
        cop__store_seq(&has_begun, 1);
        stay_until(&may_begin);
}
static void starter_on_want(starter *self, const want *w)
{
        (void)self;
        (void)w;
        cop__store_seq(&has_handled, 1);
}
COP_SERVER(starter, COP_INIT(starter_init), COP_ON(want, starter_on_want));

/* While it is in its init. */
static void asks_and_kills(void)
{
        cop_ref ref;
        cop_pid pid = cop_spawn_server(&starter_server, NULL);
        while (!cop__load_seq(&has_begun))
                cop_yield();
        cop_monitor(pid, &ref);
        cop_send(pid, want, .size = 1);
        cop_send_exit(pid, cop_atom("kill"));
        cop__store_seq(&may_begin, 1);
        ends_like(ref);
}

IN_NODE_WITH(EXS_25_a_server_that_is_told_to_end_in_its_init_handles_nothing, .workers = 2)
{
        await_down(spawn_watched(.run = asks_and_kills), "killed");
        ck_assert_uint_eq(cop__load_seq(&has_handled), 0);
}
