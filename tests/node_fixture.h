/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A node around a test: the claim's own thread is a visitor of it.
 *
 *      IN_NODE(a_spawned_actor_is_alive)
 *      {
 *              ck_assert(cop_is_alive(cop_spawn(waits)));
 *      }
 *
 * Before the body a node is started (COP_TEST_WORKERS of the environment or 2 workers) and entered, after it
 * the visit ends and the node is stopped; what the suite finds open or running then was leaked. `node` is the node.
 *
 * What must come is waited for, and fails the test when it does not; what must not come is looked for after a fact
 * that would have come later: see settle_with.
 */
#ifndef TESTS_NODE_FIXTURE_H
#define TESTS_NODE_FIXTURE_H

#include <stdlib.h>

#include <coppice.h>

#include "actors/actor.h"
#include "actors/backtrace.h"
#include "actors/info.h"
#include "actors/simulation.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "tests/suite.h"

/* Longer than anything takes that works, shorter than the suite's own limit. */
#define PATIENCE_MS (suite_is_slow() ? 200000 : 20000)

/* Where libunwind is linked its unwinder stands in, which opens a pipe for good at first. */
__attribute__((constructor)) static void fixture_open_what_stays_open(void)
{
        cop__backtrace_prime();
}

static inline unsigned fixture_workers(void)
{
        const char *wanted = getenv("COP_TEST_WORKERS");
        return wanted != NULL && atoi(wanted) > 0 ? (unsigned)atoi(wanted) : 2;
}

/* Crashes that are part of a test do not belong on the terminal. */
static inline void fixture_log_nothing(void *context, cop_log_level level, const char *text)
{
        (void)context;
        (void)level;
        (void)text;
}

/* In two simulated claims of three the machine is too slow for its time-outs, but for no longer than a real one may be: a claim does
 * not go by time, and must bear that. */
#define CLAIM_STALLS 40
#define CLAIM_STALL_NS (5 * COP__NS_PER_MS)

/* Of a claim under a seed. The rest of what is rough comes with each simulation: see docs/simulation.md. */
static inline cop_simulation fixture_order(void)
{
        return (cop_simulation){ .seed = (uint64_t)suite_seed(), .checks = 16,
                                 .stalls = suite_seed() % 3 == 0 ? 0 : CLAIM_STALLS };
}

static inline void fixture_set(struct cop__simulation *simulation, bool of_a_claim)
{
        simulation->again = suite_again(simulation->options.seed);
        if (of_a_claim)
                simulation->stall_ns = CLAIM_STALL_NS;
}

/* Starts a node that says nothing, and enters it. Zero workers: the fixture's number. */
static inline cop_node *node_begin(cop_node_options options)
{
        cop_node *node = NULL;
        if (options.workers == 0 && suite_seed() < 0)
                options.workers = fixture_workers();
        if (options.log == NULL)
                options.log = fixture_log_nothing;
        cop_simulation order = fixture_order();
        if (suite_seed() >= 0 && !options.processes && options.simulation == NULL)
                options.simulation = &order;
        ck_assert_int_eq(cop_node_start(&options, &node), COP_OK);
        if (options.simulation != NULL)
                fixture_set(cop__simulation_of(node), options.simulation == &order);
        ck_assert_int_eq(cop_node_enter(node), COP_OK);
        return node;
}

/* ---- What a simulated claim does in the place of a thread ---- */

static inline bool fixture_is_set(void *flag)
{
        return cop__load_acquire((uint32_t *)flag) != 0;
}

/*
 * In the middle of an actor's turn: its worker stays there until the flag is set, by another actor, for simulated the claim's thread is
 * beneath. The node has two workers or more.
 */
static inline void stay_until(uint32_t *flag)
{
        struct cop__simulation *simulation = cop__simulation_of(cop_node_here());
        if (simulation != NULL && !cop__simulation_hold(simulation, fixture_is_set, flag))
                cop_exit(cop_atom("never"));
        while (!fixture_is_set(flag))
                cop__spin_pause();
}

/* In the middle of a turn that takes so long. */
static inline void take_time(int64_t ms)
{
        struct cop__simulation *simulation = cop__simulation_of(cop_node_here());
        uint64_t until_ns = cop__clock_ns() + (uint64_t)ms * COP__NS_PER_MS;
        if (simulation != NULL)
                simulation->now_ns = until_ns;
        while (cop__clock_ns() < until_ns)
                cop__spin_pause();
}

/*
 * From here on, before anything runs: who comes next is what the workers' own queues say, with the limits of a real node, and none of the other
 * orders and limits that a seed may draw. For claims about shares of turns.
 */
static inline void follow_the_queues(cop_node *node)
{
        struct cop__simulation *simulation = cop__simulation_of(node);
        if (simulation == NULL)
                return;
        ck_assert_uint_eq(simulation->steps, 0);
        ck_assert_uint_eq(cop__simulated_of(simulation, &node->scheduler)->count, 0);
        simulation->order = COP__ORDER_QUEUES;
        simulation->habits = node->scheduler.habits = cop__habits_ordinary;
        for (unsigned i = 0; i < node->scheduler.worker_count; i++) {
                struct cop__worker *worker = &node->scheduler.workers[i];
                cop__runqueue_init(&worker->ring, cop__habits_ordinary.ring_size);
                worker->next_most = cop__habits_ordinary.next_turns;
        }
}

static inline void node_end(cop_node *node)
{
        cop_node_leave();
        cop_node_stop(node);
}

#define IN_NODE(claim) IN_NODE_WITH(claim, .workers = 0)

/* IN_NODE_WITH(a_full_table_refuses, .max_actors = 32) */
#define IN_NODE_WITH(claim, ...)                                                   \
        static void in_node_##claim(cop_node *node);                               \
        TEST(claim)                                                                \
        {                                                                          \
                cop_node *node = node_begin((cop_node_options){ __VA_ARGS__ });    \
                in_node_##claim(node);                                             \
                node_end(node);                                                    \
        }                                                                          \
        static void in_node_##claim(__attribute__((unused)) cop_node *node)

/* The first message that fits, which must come. The caller ends it. */
static inline cop_message *await(cop_pattern pattern)
{
        cop_message *message = cop_receive(PATIENCE_MS, pattern);
        ck_assert_msg(message != NULL, "a message of kind %s did not come",
                      pattern.kind != NULL ? pattern.kind->name : "any");
        return message;
}

/* The same, when only its coming matters. */
static inline void await_and_drop(cop_pattern pattern)
{
        cop_message_free(await(pattern));
}

/* A term as text, in memory that the next call but seven overwrites. */
static inline const char *text_of(cop_term term)
{
        static _Thread_local char texts[8][256];
        static _Thread_local unsigned next;
        char *text = texts[next++ % 8];
        cop_term_print(term, NULL, text, sizeof(texts[0]));
        return text;
}

/* What it has in use of a stack that it waits on; 0: it does not. */
static inline uint32_t stack_bytes_of(cop_node *node, cop_pid pid)
{
        return cop__load_relaxed(&cop__slot_of(node, pid)->task.stack_bytes);
}

/* It waits in the middle of something, and does not only give way: what it asks for is asked. */
static inline bool is_waiting(cop_node *node, cop_pid pid)
{
        return cop__queue_is_asleep(&cop__slot_of(node, pid)->queue) && stack_bytes_of(node, pid) > 0;
}

static inline cop_ref watch(cop_pid pid)
{
        cop_ref ref;
        ck_assert_int_eq(cop_monitor(pid, &ref), COP_OK);
        return ref;
}

static inline uint64_t dead_letters_of(cop_node *node)
{
        struct cop__totals totals;
        cop__totals(node, &totals);
        return totals.dead_letters;
}

/* The DOWN of that monitor, with that reason. */
static inline void await_down(cop_ref ref, const char *reason)
{
        cop_auto message = await(COP_REF(cop_down, ref));
        ck_assert_str_eq(text_of(cop_read(cop_down, message)->reason), reason);
}

static inline void await_exited(cop_pid pid, const char *reason)
{
        cop_auto message = await(COP_FIELD(cop_exited, pid, pid));
        ck_assert_str_eq(text_of(cop_read(cop_exited, message)->reason), reason);
}

/* Spawns an actor that is watched from its first moment: cop_ref ref = spawn_watched(.run = waits); */
static inline cop_ref fixture_spawn(cop_spawn_options options)
{
        cop_pid pid;
        cop_ref ref;
        options.monitor = true;
        options.monitor_ref = &ref;
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        return ref;
}
#define spawn_watched(...) fixture_spawn((cop_spawn_options){ __VA_ARGS__ })

/* spawn_watched(RUN_WITH(adds, sum, .first = 1)) */
#define RUN_WITH(function, type, ...) \
        .run_with = COP_RUN_WITH(function, type), .kind = COP_KIND_OF(type), \
        .argument = &(type){ __VA_ARGS__ }

/* Ends an actor and waits until it is dead. */
static inline void put_down(cop_pid pid)
{
        cop_ref ref = watch(pid);
        ck_assert_int_eq(cop_send_exit(pid, cop_atom("kill")), COP_OK);
        await_and_drop(COP_REF(cop_down, ref));
}

/*
 * A round trip to a living actor: it has acted on all signals that this thread had sent it, and all that it had sent here
 * has arrived.
 */
static inline void settle_with(cop_pid pid)
{
        cop_term info;
        ck_assert_int_eq(cop__info(pid, PATIENCE_MS, &info), COP_OK);
        cop_term_free(info);
}

/* What an actor says of itself under a key, as text. */
static inline const char *info_of(cop_pid pid, const char *key)
{
        cop_term info;
        ck_assert_int_eq(cop__info(pid, PATIENCE_MS, &info), COP_OK);
        const cop_term *value = cop_map_get(info, cop_atom(key));
        const char *text = value != NULL ? text_of(*value) : "no such key";
        cop_term_free(info);
        return text;
}

/* Has this thread's actor taken in a message that it has not received? Takes in nothing itself. */
static inline bool has_mail(void)
{
        struct cop__actor *self = cop__actor_here();
        ck_assert_ptr_nonnull(self);
        return cop__load_relaxed(&self->mailbox.count) > 0;
}

static inline void nothing_has_come(void)
{
        cop_auto message = cop_receive(0, COP_ANY);
        ck_assert_msg(message == NULL, "a message of kind %s has come",
                      message != NULL ? cop_message_kind(message)->name : "");
}

/* Asks until the answer is yes, which it must be one day. */
#define await_true(condition)                                                              \
        do {                                                                               \
                uint64_t until_ns_ = cop__clock_ns() + (uint64_t)PATIENCE_MS * 1000000;    \
                while (!(condition)) {                                                     \
                        ck_assert_msg(cop__clock_ns() < until_ns_, "never: %s", #condition); \
                        cop_yield();                                                       \
                }                                                                          \
        } while (0)

/*
 * Messages, halves of relations and states that are in use. Threads that are about to free what the test no longer
 * knows of need a moment, so ask with await_true. ThreadSanitizer rightly says that other threads' counts are no business of
 * ours while they run: there the answer is always 0.
 */
static inline int64_t blocks_in_use(cop_node *node)
{
        return COP__TSAN ? 0 : cop__pool_balance(&node->scheduler.pool);
}

#endif
