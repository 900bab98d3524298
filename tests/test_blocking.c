/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Functions that block: on threads of their own, while the actor waits and others go on. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <coppice/blocking.h>

#include "tests/echo.h"
#include "tests/faulty.h"
#include "tests/last_words.h"
#include "tests/threads.h"

typedef struct order {
        int64_t input, output;
        cop_pid boss;
} order;
COP_MESSAGE(order, input, output, boss);

/* ---- Functions ------------------------------------------------------------------------- */

typedef struct pipe_read {
        int from;
        char byte;
        ssize_t got;
        pthread_t thread;
} pipe_read;

static void reads(pipe_read *p)
{
        p->thread = pthread_self();
        p->got = read(p->from, &p->byte, 1);
}

static int ends[2];

static void reads_in_an_actor(const order *o)
{
        pipe_read p = { .from = ends[0] };
        pthread_t before = pthread_self();
        ck_assert_int_eq(cop_blocking(reads, &p), COP_OK);
        ck_assert(!pthread_equal(p.thread, before));
        cop_send(o->boss, ping, .number = p.byte);
}

static void open_pipe(void)
{
        ck_assert_int_eq(pipe(ends), 0);
}

static void close_pipe(void)
{
        close(ends[0]);
        close(ends[1]);
}

IN_NODE_WITH(others_go_on_while_many_wait_in_the_system, .workers = 1)
{
        enum { COUNT = 20 };
        open_pipe();
        cop_pid echo = cop_spawn(echoes);
        for (int i = 0; i < COUNT; i++)
                cop_spawn_with(reads_in_an_actor, order, .boss = cop_self());
        await_true(cop__blocking_pool_count(&node->blocking) == COUNT);
        ck_assert_int_eq(ask(echo, 1), 2);
        for (int i = 0; i < COUNT; i++)
                ck_assert_int_eq(write(ends[1], "x", 1), 1);
        for (int i = 0; i < COUNT; i++) {
                cop_auto message = await(COP_KIND(ping));
                ck_assert_int_eq(cop_read(ping, message)->number, 'x');
        }
        close_pipe();
        await_true(cop__blocking_pool_count(&node->blocking) == 0); /* and they end again */
}

IN_NODE_WITH(no_more_than_the_limit_run_at_once_and_the_others_have_their_turn, .workers = 1,
             .blocking_threads = 2)
{
        enum { COUNT = 10 };
        open_pipe();
        for (int i = 0; i < COUNT; i++)
                cop_spawn_with(reads_in_an_actor, order, .boss = cop_self());
        for (int i = 0; i < COUNT; i++) {
                ck_assert_uint_le(cop__blocking_pool_count(&node->blocking), 2);
                ck_assert_int_eq(write(ends[1], "x", 1), 1);
                await_and_drop(COP_KIND(ping));
        }
        close_pipe();
}

static void fails(order *o)
{
        o->output = o->input * 2;
        errno = EXDEV;
}

/* Not inlined: after a wait errno may be that of another thread. */
static __attribute__((noinline)) int errno_now(void)
{
        return errno;
}

static void asks_for_a_failure(const order *o)
{
        order mine = { .input = 21 };
        cop_status status = cop_blocking(fails, &mine);
        int error = errno_now();
        cop_send(o->boss, order, .input = status == COP_OK && error == EXDEV, .output = mine.output);
}

IN_NODE(the_result_and_errno_come_back)
{
        cop_spawn_with(asks_for_a_failure, order, .boss = cop_self());
        cop_auto message = await(COP_KIND(order));
        ck_assert_int_eq(cop_read(order, message)->input, 1);
        ck_assert_int_eq(cop_read(order, message)->output, 42);
}

/* ---- Faults and deaths --------------------------------------------------------------------- */

static __attribute__((noinline)) void divides(order *o)
{
        volatile int64_t none = o->output;
        o->input = o->input / none;
}

static void asks_for_a_fault(void)
{
        order mine = { .input = 1 };
        cop_blocking(divides, &mine);
}

#if defined(__x86_64__)
IN_NODE(a_fault_in_the_function_is_the_actors)
{
        for (int i = 0; i < 50; i++) {
                cop_ref ref = spawn_watched(.run = asks_for_a_fault);
                cop_auto message = await(COP_REF(cop_down, ref));
                cop_term reason = cop_read(cop_down, message)->reason;
                ck_assert(cop_is_tuple(reason, "fault", 5));
                ck_assert_str_eq(text_of(reason.as.items[1]), "sigfpe");
                ck_assert_str_eq(text_of(reason.as.items[3].as.items[0]), "divides");
        }
}
#endif

#if !COP__ASAN && !COP__TSAN
static void overflows(order *o)
{
        o->output = descend(1);
}

static void asks_for_an_overflow(void)
{
        order mine = { .input = 1 };
        cop_blocking(overflows, &mine);
}

IN_NODE(a_stack_that_overflows_in_the_function_is_the_actors)
{
        for (int i = 0; i < 5; i++) {
                cop_ref ref = spawn_watched(.run = asks_for_an_overflow);
                cop_auto message = await(COP_REF(cop_down, ref));
                cop_term reason = cop_read(cop_down, message)->reason;
                ck_assert(cop_is_tuple(reason, "fault", 5));
                ck_assert_ptr_nonnull(strstr(text_of(reason.as.items[2]), "stack overflow"));
        }
        cop_ref ref = spawn_watched(.run = asks_for_a_fault); /* on a thread that has gone on */
        await_and_drop(COP_REF(cop_down, ref));
}
#endif

static void asks_to_block(const order *o)
{
        order mine = { .input = 21 };
        cop_status status = cop_blocking(fails, &mine);
        cop_send(o->boss, order, .input = status, .output = mine.output);
}

/* Its faults are no less its own: see test_contain.c. */
IN_NODE(an_actor_that_is_not_guarded_may_block_too)
{
        cop_spawn_options options = { RUN_WITH(asks_to_block, order, .boss = cop_self()), .isolation = COP_ISOLATION_INLINE };
        cop_pid pid;
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        cop_auto message = await(COP_KIND(order));
        ck_assert_int_eq(cop_read(order, message)->input, COP_OK);
        ck_assert_int_eq(cop_read(order, message)->output, 42);
}

IN_NODE(without_a_thread_for_it_a_function_is_not_called)
{
        NEEDS_THREADS();
        NEEDS_ROOT();
        become_somebody_else();
        allow_threads(0);
        cop_spawn_with(asks_to_block, order, .boss = cop_self());
        cop_auto message = await(COP_KIND(order));
        ck_assert_int_eq(cop_read(order, message)->input, COP_E_SYSTEM);
        ck_assert_int_eq(cop_read(order, message)->output, 0);
        allow_all_threads();
        cop_spawn_with(asks_to_block, order, .boss = cop_self());
        cop_auto again = await(COP_KIND(order));
        ck_assert_int_eq(cop_read(order, again)->output, 42);
}

static void waits_for_a_byte(void)
{
        pipe_read p = { .from = ends[0] };
        cop_blocking(reads, &p);
        cop_exit(cop_atom("survived"));
}

IN_NODE(a_kill_waits_for_the_end_of_the_function)
{
        open_pipe();
        cop_pid pid = cop_spawn(waits_for_a_byte);
        cop_ref ref = watch(pid);
        await_true(cop__blocking_pool_count(&node->blocking) == 1);
        cop_send_exit(pid, cop_atom("kill"));
        ck_assert_int_eq(ask(cop_spawn(echoes), 1), 2);
        cop_auto early = cop_receive(0, COP_REF(cop_down, ref));
        ck_assert_ptr_null(early);
        ck_assert_int_eq(write(ends[1], "x", 1), 1);
        await_down(ref, "killed");
        close_pipe();
}

static uint32_t stage; /* atomic: 1: it is about to block; 2: it has been told to end; 3: the function has run */

static void sets_stage(void *unused)
{
        (void)unused;
        cop__store_seq(&stage, 3);
}

/* It has looked at nothing that came meanwhile. */
static void blocks_when_told_to_end(void)
{
        cop__store_seq(&stage, 1);
        while (cop__load_seq(&stage) == 1)
                sched_yield();
        cop_blocking_call(sets_stage, NULL);
        cop_exit(cop_atom("survived"));
}

IN_NODE(for_who_has_been_told_to_end_no_function_begins)
{
        cop_pid pid;
        cop_ref ref;
        cop__store_seq(&stage, 0);
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = blocks_when_told_to_end, .no_preempt = true, .monitor = true,
                                                             .monitor_ref = &ref }, &pid), COP_OK);
        while (cop__load_seq(&stage) == 0)
                sched_yield();
        cop_send_exit(pid, cop_atom("kill"));
        cop__store_seq(&stage, 2);
        await_down(ref, "killed");
        ck_assert_uint_eq(cop__load_seq(&stage), 2);
}

/* ---- Elsewhere -------------------------------------------------------------------------------- */

IN_NODE(on_a_thread_of_the_program_it_is_called_right_there)
{
        open_pipe();
        pipe_read p = { .from = ends[0] };
        ck_assert_int_eq(write(ends[1], "y", 1), 1);
        ck_assert_int_eq(cop_blocking(reads, &p), COP_OK);
        ck_assert(pthread_equal(p.thread, pthread_self()));
        ck_assert_int_eq(p.byte, 'y');
        close_pipe();
}

TEST(outside_a_node_there_is_nobody_who_could_wait)
{
        pipe_read p = { .from = -1 };
        ck_assert_int_eq(cop_blocking(reads, &p), COP_E_NO_NODE);
}

static void calls_into_the_node(order *o)
{
        o->output = cop_send_value(cop_to_pid(o->boss), COP_KIND_OF(ping), &(ping){ 1 });
}

static void asks_to_send(const order *o)
{
        order mine = { .boss = o->boss };
        cop_blocking(calls_into_the_node, &mine);
        cop_send(o->boss, order, .output = mine.output);
}

IN_NODE(the_function_is_no_actor)
{
        cop_spawn_with(asks_to_send, order, .boss = cop_self());
        cop_auto message = await(COP_KIND(order));
        ck_assert_int_eq(cop_read(order, message)->output, COP_E_NO_NODE);
        nothing_has_come();
}

/* A node in which a function is still to return is not at rest. */
static void waits_in_between(const order *o)
{
        pipe_read p = { .from = ends[0] };
        cop_blocking(reads, &p);
        cop_send(o->boss, ping, 1);
}

IN_NODE(a_node_is_not_quiet_while_a_function_runs)
{
        open_pipe();
        cop_spawn_with(waits_in_between, order, .boss = cop_self());
        await_true(cop__blocking_pool_count(&node->blocking) == 1);
        ck_assert_int_eq(cop_node_await_quiet(node, 20), COP_E_TIMEOUT);
        ck_assert_int_eq(write(ends[1], "x", 1), 1);
        await_and_drop(COP_KIND(ping));
        ck_assert_int_eq(cop_node_await_quiet(node, PATIENCE_MS), COP_OK);
        close_pipe();
}

/* ---- Jobs ---------------------------------------------------------------------------------- */

struct errand {
        struct cop__job job;
        uint32_t may_end, done; /* atomic */
};

static void does_errand(struct cop__job *job, void *unused)
{
        struct errand *errand = COP__CONTAINER(job, struct errand, job);
        (void)unused;
        while (!cop__load_seq(&errand->may_end))
                sched_yield();
}

static void errand_is_done(struct cop__job *job)
{
        cop__store_seq(&COP__CONTAINER(job, struct errand, job)->done, 1);
}

static void await_errand(struct errand *errand)
{
        while (!cop__load_seq(&errand->done))
                sched_yield();
}

static void *has_nothing(void)
{
        return NULL;
}

static void leaves_nothing(void *unused)
{
        (void)unused;
}

static bool is_idle(struct cop__blocking_pool *pool)
{
        pthread_mutex_lock(&pool->lock);
        bool idle = pool->idle > 0;
        pthread_mutex_unlock(&pool->lock);
        return idle;
}

/* It has been called, and has not come to its core. */
TEST(a_job_that_comes_while_another_has_called_the_only_idle_thread_gets_one_of_its_own)
{
        struct cop__blocking_pool pool = { .count = 0 };
        struct errand errands[3] = { { .may_end = 1 }, { .may_end = 0 }, { .may_end = 1 } };
        for (int i = 0; i < 3; i++)
                errands[i].job = (struct cop__job){ .run = does_errand, .done = errand_is_done };
        cop__blocking_pool_init(&pool, 2, &(struct cop__blocking_hooks){ has_nothing, leaves_nothing });
        ck_assert_int_eq(cop__blocking_pool_submit(&pool, &errands[0].job), COP_OK);
        await_errand(&errands[0]);
        while (!is_idle(&pool))
                sched_yield();
        pthread_mutex_lock(&pool.lock);
        cop__list_push_back(&pool.jobs, &errands[1].job.list);
        pthread_mutex_unlock(&pool.lock);
        ck_assert_int_eq(cop__blocking_pool_submit(&pool, &errands[2].job), COP_OK);
        await_errand(&errands[2]);
        cop__store_seq(&errands[1].may_end, 1);
        await_errand(&errands[1]);
        cop__blocking_pool_fini(&pool);
}

/* ---- Functions that end their thread ----------------------------------------------------------------- */

static void ends_its_thread(pipe_read *p)
{
        p->thread = pthread_self();
        p->got = 1;
        pthread_exit(NULL);
}

static void calls_two_that_end_and_one_that_returns(const order *o)
{
        int64_t over = 0;
        for (int i = 0; i < 2; i++) {
                pipe_read p = { .got = 0 };
                if (cop_blocking(ends_its_thread, &p) == COP_OK)
                        over += p.got;
        }
        pipe_read p = { .from = -1 };
        if (cop_blocking(reads, &p) == COP_OK && p.got < 0 && errno_now() == EBADF)
                over++;
        cop_send(o->boss, ping, .number = over);
}

/* As one that was written to be a thread does. */
IN_NODE(a_function_that_ends_its_thread_has_returned)
{
        if (suite_seed() >= 0)
                return; /* there it is called on the claim's own */
        cop_spawn_with(calls_two_that_end_and_one_that_returns, order, .boss = cop_self());
        cop_auto message = await(COP_KIND(ping));
        ck_assert_int_eq(cop_read(ping, message)->number, 3);
}

static void does_errand_and_ends(struct cop__job *job, void *unused)
{
        does_errand(job, unused);
        pthread_exit(NULL);
}

/* The first of three jobs, on the only thread that there may be, and the one behind it end their thread. */
static void end_threads(bool is_another_to_be_had)
{
        struct cop__blocking_pool pool = { .count = 0 };
        struct errand errands[3] = { { .may_end = 0 }, { .may_end = 1 }, { .may_end = 1 } };
        for (int i = 0; i < 3; i++)
                errands[i].job = (struct cop__job){ .run = i < 2 ? does_errand_and_ends : does_errand, .done = errand_is_done };
        cop__blocking_pool_init(&pool, 1, &(struct cop__blocking_hooks){ has_nothing, leaves_nothing });
        for (int i = 0; i < 3; i++)
                ck_assert_int_eq(cop__blocking_pool_submit(&pool, &errands[i].job), COP_OK);
        if (!is_another_to_be_had)
                allow_threads(0);
        cop__store_seq(&errands[0].may_end, 1);
        for (int i = 0; i < 3; i++)
                await_errand(&errands[i]);
        allow_all_threads();
        cop__blocking_pool_fini(&pool);
        ck_assert_uint_eq(pool.made, 0);
}

TEST(jobs_behind_one_that_ends_its_thread_get_another)
{
        end_threads(true);
}

TEST(jobs_behind_one_that_ends_its_thread_are_done_also_if_no_other_can_be_made)
{
        NEEDS_ROOT();
        become_somebody_else();
        end_threads(false);
}

static void ends_the_thread_it_has(void)
{
        pthread_exit(NULL);
}

static void has_a_node_without_threads(void *unused)
{
        (void)unused;
        node_begin((cop_node_options){ .workers = 1 });
        cop_spawn(ends_the_thread_it_has);
        for (;;)
                pause();
}

/* Its node would wait for it for ever. ThreadSanitizer ends a program for it itself, with words of its own. */
TEST(an_actor_that_ends_the_thread_of_its_worker_ends_the_program_which_says_so)
{
        char text[LAST_WORDS];
        if (COP__TSAN)
                return;
        last_words(has_a_node_without_threads, NULL, text);
        ck_assert_msg(strstr(text, "pthread_exit") != NULL, "%s", text);
}

/* ---- Who has been told to end ----------------------------------------------------------------- */

static uint32_t is_there, may_ask, has_run; /* atomic */

static void runs(void *unused)
{
        (void)unused;
        cop__store_seq(&has_run, 1);
}

static void asks_when_told(void)
{
        cop__store_seq(&is_there, 1);
        while (!cop__load_seq(&may_ask))
                sched_yield();
        cop_blocking_call(runs, NULL);
}

IN_NODE_WITH(no_function_begins_for_who_has_been_told_to_end, .workers = 2)
{
        NEEDS_THREADS();
        cop_pid pid;
        cop_spawn_options options = { .run = asks_when_told, .no_preempt = true };
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        cop_ref ref = watch(pid);
        await_true(cop__load_seq(&is_there));
        ck_assert_int_eq(cop_send_exit(pid, cop_atom("kill")), COP_OK);
        cop__store_seq(&may_ask, 1);
        await_down(ref, "killed");
        ck_assert_uint_eq(cop__load_seq(&has_run), 0);
}
