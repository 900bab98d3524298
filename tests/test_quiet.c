/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Has the node come to rest? An answer that comes early is seen by what is not done yet. */
#include <pthread.h>

#include "base/random.h"
#include "tests/node_fixture.h"

typedef struct job {
        int64_t hops;
} job;
COP_MESSAGE(job, hops);

typedef struct relay_start {
        cop_pids peers;
        uint64_t seed;
} relay_start;
COP_MESSAGE(relay_start, peers, seed);

/* What has been done in all: written by actors on their threads, read when the node is quiet. */
static int64_t done;

static void one_done(void)
{
        __atomic_fetch_add(&done, 1, __ATOMIC_RELAXED);
}

static int64_t all_done(void)
{
        return __atomic_load_n(&done, __ATOMIC_RELAXED);
}

typedef struct relay {
        cop_pid peers[8];
        uint64_t random;
} relay;

static void relay_on_start(relay *self, const relay_start *start)
{
        for (size_t i = 0; i < 8; i++)
                self->peers[i] = start->peers.items[i];
        self->random = start->seed;
}

static void waits_a_moment_and_is_done(void)
{
        cop_sleep(1);
        one_done();
}

/* Each job is passed on in one of the ways in which something can be on its way. */
static void relay_on_job(relay *self, const job *j)
{
        cop_pid to = self->peers[cop__random_below(&self->random, 8)];
        cop_ref timer;
        if (j->hops == 0) {
                one_done();
                return;
        }
        switch (cop__random_below(&self->random, 64)) {
        case 0:
                cop_send_after(&timer, 1, to, job, .hops = j->hops - 1);
                return;
        case 1:
                cop_sleep(0);
                break;
        case 2:
                cop_yield();
                break;
        case 3:
                cop_sleep(1);
                break;
        }
        cop_send(to, job, .hops = j->hops - 1);
}

COP_SERVER(relay, COP_ON(relay_start, relay_on_start), COP_ON(job, relay_on_job));

static void start_relays(cop_pid relays[8])
{
        for (int i = 0; i < 8; i++)
                relays[i] = cop_spawn_server(&relay_server, NULL);
        for (int i = 0; i < 8; i++)
                cop_send(relays[i], relay_start, .peers = { relays, 8 },
                         .seed = cop__clock_ns() + (uint64_t)i);
}

IN_NODE(MSG_15_a_node_is_not_quiet_while_anything_is_on_its_way)
{
        const int rounds = suite_is_slow() ? 20 : 400;
        cop_pid relays[8];
        start_relays(relays);
        for (int round = 0; round < rounds; round++) {
                int64_t before = all_done();
                int jobs = 1 + round % 5;
                for (int i = 0; i < jobs; i++)
                        cop_send(relays[i], job, .hops = round % 50);
                ck_assert_int_eq(cop_node_await_quiet(node, PATIENCE_MS), COP_OK);
                ck_assert_int_eq(all_done() - before, jobs);
        }
}

IN_NODE_WITH(MSG_15_nor_with_more_workers_than_cores, .workers = 8)
{
        const int rounds = suite_is_slow() ? 10 : 100;
        cop_pid relays[8];
        start_relays(relays);
        for (int round = 0; round < rounds; round++) {
                int64_t before = all_done();
                for (int i = 0; i < 8; i++)
                        cop_send(relays[i], job, .hops = 20);
                ck_assert_int_eq(cop_node_await_quiet(node, PATIENCE_MS), COP_OK);
                ck_assert_int_eq(all_done() - before, 8);
        }
}

/* Each step of a chain is a new actor, and the last but one waits for its time. */
static void begets(const job *j)
{
        if (j->hops > 0)
                cop_spawn_with(begets, job, .hops = j->hops - 1);
        else
                cop_spawn(waits_a_moment_and_is_done);
}

IN_NODE(MSG_15_births_time_outs_and_deaths_are_not_quiet)
{
        const int rounds = suite_is_slow() ? 10 : 100;
        for (int round = 0; round < rounds; round++) {
                struct cop__totals totals;
                int64_t before = all_done();
                for (int i = 0; i < 4; i++)
                        cop_spawn_with(begets, job, .hops = 20);
                ck_assert_int_eq(cop_node_await_quiet(node, PATIENCE_MS), COP_OK);
                ck_assert_int_eq(all_done() - before, 4);
                cop__totals(node, &totals);
                ck_assert_uint_eq(totals.spawned - totals.died, 1); /* this thread */
        }
}

/* What the main of a program would be whose system ends by itself. */
TEST(MSG_15_a_thread_outside_sees_a_system_finish_by_itself)
{
        cop_node *node;
        ck_assert_int_eq(cop_node_start(&(cop_node_options){ .workers = fixture_workers(),
                                                            .log = fixture_log_nothing }, &node),
                         COP_OK);
        ck_assert_int_eq(cop_node_await_quiet(node, PATIENCE_MS), COP_OK);
        ck_assert_int_eq(cop_node_enter(node), COP_OK);
        for (int i = 0; i < 100; i++)
                cop_spawn_with(begets, job, .hops = 10);
        cop_node_leave();
        ck_assert_int_eq(cop_node_await_quiet(node, PATIENCE_MS), COP_OK);
        ck_assert_int_eq(all_done(), 100);
        cop_node_stop(node);
}

static void spins_until_told(void)
{
        while (cop_receive(0, COP_ANY) == NULL)
                cop_yield();
        one_done();
}

static void asks_for_quiet(void)
{
        cop_status status = cop_node_await_quiet(cop_node_here(), 0);
        cop_exit(status == COP_E_BAD_ARGUMENT ? cop_atom("refused") : cop_atom("answered"));
}

IN_NODE(a_node_that_is_busy_is_not_quiet_in_time_and_actors_may_not_ask)
{
        NEEDS_THREADS();
        cop_pid p = cop_spawn(spins_until_told);
        ck_assert_int_eq(cop_node_await_quiet(node, 0), COP_E_TIMEOUT);
        ck_assert_int_eq(cop_node_await_quiet(node, 30), COP_E_TIMEOUT);
        ck_assert_int_eq(cop_node_await_quiet(node, -1), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_node_await_quiet(NULL, 0), COP_E_BAD_ARGUMENT);
        await_down(spawn_watched(.run = asks_for_quiet), "refused");
        cop_send(p, job);
        ck_assert_int_eq(cop_node_await_quiet(node, COP_FOREVER), COP_OK);
        ck_assert_int_eq(all_done(), 1);
}

IN_NODE(an_armed_timer_is_not_quiet_and_a_cancelled_one_is)
{
        cop_ref timer;
        ck_assert_int_eq(cop_send_after(&timer, 3600000, cop_self(), job), COP_OK);
        ck_assert_int_eq(cop_node_await_quiet(node, 10), COP_E_TIMEOUT);
        ck_assert_int_gt(cop_cancel(timer), 0);
        ck_assert_int_eq(cop_node_await_quiet(node, PATIENCE_MS), COP_OK);
}

static void *awaits_quiet(void *node)
{
        return cop_node_await_quiet(node, PATIENCE_MS) == COP_OK ? node : NULL;
}

IN_NODE(several_threads_may_wait_at_once)
{
        NEEDS_THREADS();
        pthread_t threads[4];
        cop_pid relays[8];
        start_relays(relays);
        for (int i = 0; i < 4; i++)
                ck_assert_int_eq(pthread_create(&threads[i], NULL, awaits_quiet, node), 0);
        for (int i = 0; i < 4; i++) {
                void *answer;
                pthread_join(threads[i], &answer);
                ck_assert_ptr_eq(answer, node);
        }
}

/* ---- Who waits for quiet is cancelled ------------------------------------------------------------------- */

static void has_a_timer_for_long(void)
{
        cop_message_free(cop_receive(1000 * PATIENCE_MS, COP_ANY));
}

static void *waits_outside(void *node)
{
        cop_node_await_quiet(node, 1000 * PATIENCE_MS);
        return NULL;
}

static void *waits_inside(void *node)
{
        ck_assert_int_eq(cop_node_enter(node), COP_OK);
        return waits_outside(node);
}

static uint32_t visiting(cop_node *node)
{
        struct cop__company *company = &node->scheduler.company;
        cop__lock_lock(&company->lock);
        uint32_t count = company->visiting;
        cop__lock_unlock(&company->lock);
        return count;
}

/* Workers tell who waits, under a lock that it must not have taken along. */
static void cancel_one_that_waits(cop_node *node, void *(*waits)(void *))
{
        pthread_t thread;
        void *how;
        struct cop__quiet *quiet = &node->scheduler.quiet;
        uint32_t before = visiting(node);
        ck_assert_int_eq(pthread_create(&thread, NULL, waits, node), 0);
        await_true(cop__load_seq(&quiet->onlookers) == 1);
        ck_assert_int_eq(pthread_cancel(thread), 0);
        ck_assert_int_eq(pthread_join(thread, &how), 0);
        ck_assert_ptr_eq(how, PTHREAD_CANCELED);
        ck_assert_uint_eq(cop__load_seq(&quiet->onlookers), 0);
        ck_assert_int_eq(pthread_mutex_trylock(&quiet->mutex), 0);
        pthread_mutex_unlock(&quiet->mutex);
        ck_assert_uint_eq(visiting(node), before);
}

IN_NODE(a_thread_that_is_cancelled_while_it_waits_for_quiet_leaves_nothing_behind)
{
        NEEDS_THREADS();
        cop_pid pid = cop_spawn(has_a_timer_for_long);
        cancel_one_that_waits(node, waits_outside);
        cancel_one_that_waits(node, waits_inside);
        ck_assert_int_eq(cop_send_exit(pid, cop_atom("kill")), COP_OK);
        ck_assert_int_eq(cop_node_await_quiet(node, PATIENCE_MS), COP_OK);
}
