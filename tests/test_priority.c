/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Priorities: who comes first, by how much, and that nobody is left out. Turns are counted, and never time.
 *
 * Most of it runs on one worker, whose choice of the next actor is then the whole schedule.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <string.h>

#include "base/limits.h"
#include "tests/node_fixture.h"
#include "tests/phases.h"

/* The one that there is: nobody stands in for it, and nobody is interrupted, for turns are counted here. */
#define ONE_WORKER .workers = 1, .no_preempt = true, .no_spare_workers = true

typedef struct go {
        int64_t number;
        cop_pid pid;
} go;
COP_MESSAGE(go, number, pid);

enum { MOST = 64 };
static uint32_t turns_of[MOST]; /* atomic */
static uint32_t at_end[MOST];   /* of these, those while the last one took 200 ... */
static uint32_t at_first_end[MOST]; /* ... and the first one */
static uint32_t ended;          /* how many took 200, on one worker */
static uint32_t released;       /* atomic */
static uint32_t begun;          /* atomic */

static void clear(void)
{
        cop__store_relaxed(&released, 0);
        cop__store_relaxed(&begun, 0);
        ended = 0;
        for (int i = 0; i < MOST; i++)
                cop__store_relaxed(&turns_of[i], 0);
}

/* Holds the worker, and tells that it does. */
static void holds(void)
{
        uint64_t until_ns = cop__clock_ns() + (uint64_t)PATIENCE_MS / 2 * 1000000;
        cop__add_relaxed(&begun, 1);
        while (!cop__load_acquire(&released))
                if (cop__clock_ns() > until_ns)
                        cop_exit(cop_atom("never"));
}

/* From here on no worker takes up anything until it is released; simulated, none does before the visitor waits. */
static void hold_the_worker(void)
{
        if (suite_seed() >= 0)
                return;
        cop_spawn(holds);
        await_true(cop__load_relaxed(&begun) > 0);
}

static cop_ref spawn_taker(void (*run)(const void *), cop_priority priority, int64_t number)
{
        return spawn_watched(.run_with = run, .kind = COP_KIND_OF(go), .priority = priority,
                             .argument = &(go){ .number = number });
}

static void takes_turns_for_ever(const void *argument)
{
        const go *g = argument;
        for (;;) {
                cop__add_relaxed(&turns_of[g->number], 1);
                cop_yield();
        }
}

enum { TURNS = 200 };

/* ... and how many the others have meanwhile. */
static void takes_200_turns(const void *argument)
{
        const go *g = argument;
        uint32_t before[MOST];
        for (int i = 0; i < MOST; i++)
                before[i] = cop__load_relaxed(&turns_of[i]);
        for (int i = 0; i < TURNS; i++) {
                cop__add_relaxed(&turns_of[g->number], 1);
                cop_yield();
        }
        for (int i = 0; i < MOST; i++) {
                at_end[i] = cop__load_relaxed(&turns_of[i]) - before[i];
                if (ended == 0)
                        at_first_end[i] = at_end[i];
        }
        ended++;
}

static uint32_t sum(const uint32_t *turns, int first, int last)
{
        uint32_t all = 0;
        for (int i = first; i <= last; i++)
                all += turns[i];
        return all;
}

/* ---- The order -------------------------------------------------------------------------------- */

static cop_priority order[MOST];
static uint32_t ordered;

static void notes_its_turn(const void *argument)
{
        const go *g = argument;
        order[ordered++] = (cop_priority)g->number; /* one worker: one at a time */
}

static int first_of(cop_priority priority)
{
        int at = 0;
        while (order[at] != priority)
                at++;
        return at;
}

static int last_of(cop_priority priority)
{
        int at = (int)ordered - 1;
        while (order[at] != priority)
                at--;
        return at;
}

IN_NODE_WITH(of_those_that_wait_the_most_urgent_comes_first, ONE_WORKER)
{
        NEEDS_THREADS();
        static const cop_priority each[] = { COP_PRIORITY_LOW, COP_PRIORITY_NORMAL, COP_PRIORITY_HIGH,
                                             COP_PRIORITY_MAX };
        enum { OF_EACH = 2, ALL = OF_EACH * 4 };
        for (int round = 0; round < 50; round++) {
                cop_ref refs[ALL];
                clear();
                ordered = 0;
                hold_the_worker();
                for (int i = 0; i < ALL; i++)
                        refs[i] = spawn_taker(notes_its_turn, each[i % 4], each[i % 4]);
                cop__store_release(&released, 1);
                for (int i = 0; i < ALL; i++)
                        await_down(refs[i], "normal");
                ck_assert_uint_eq(ordered, ALL);
                if (COP__TINY)
                        continue; /* there the share of the others is so large that there is no order */
                /* One in eight of the turns for max is for high, and of the others one for low. */
                ck_assert_int_lt(last_of(COP_PRIORITY_MAX), first_of(COP_PRIORITY_NORMAL));
                ck_assert_int_lt(last_of(COP_PRIORITY_HIGH), first_of(COP_PRIORITY_NORMAL));
                ck_assert_int_lt(first_of(COP_PRIORITY_MAX), last_of(COP_PRIORITY_HIGH));
                ck_assert_int_lt(last_of(COP_PRIORITY_HIGH), first_of(COP_PRIORITY_LOW));
        }
}

static uint32_t turns_at_wake;

static void notes_the_turns_of_others(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
        cop_auto message = cop_receive(COP_FOREVER, COP_KIND(go));
        turns_at_wake = 0;
        for (int i = 0; i < MOST; i++)
                turns_at_wake += cop__load_relaxed(&turns_of[i]);
        cop_send(cop_read(go, message)->pid, go);
}

/* Wakes the urgent one, and then lets others run: which of them is it? */
static void wakes(const go *g)
{
        uint32_t before = 0;
        cop_send(g->pid, go);
        for (int i = 0; i < MOST; i++)
                before += cop__load_relaxed(&turns_of[i]);
        cop_send(g->pid, go, .pid = cop_self());
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
        if (turns_at_wake != before && !COP__TINY)
                cop_exit(COP_TUPLE(cop_atom("late"), cop_int(turns_at_wake - before)));
}

IN_NODE_WITH(an_urgent_actor_that_is_woken_does_not_wait_for_a_long_queue, ONE_WORKER)
{
        NEEDS_THREADS();
        clear();
        for (int i = 0; i < MOST; i++)
                spawn_taker(takes_turns_for_ever, COP_PRIORITY_NORMAL, i);
        for (int i = 0; i < 100; i++) {
                cop_pid urgent;
                const cop_spawn_options options = { .run = notes_the_turns_of_others,
                                                    .priority = COP_PRIORITY_HIGH };
                ck_assert_int_eq(cop_spawn_opt(&options, &urgent), COP_OK);
                await_down(spawn_watched(RUN_WITH(wakes, go, .pid = urgent)), "normal");
        }
}

static void raises(const go *g)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
        cop__store_release(&turns_of[g->number], 1);
}

/* Keeps its worker until the urgent one has run, which it can do only on the other. */
static void wakes_and_holds(const go *g)
{
        uint64_t until_ns = cop__clock_ns() + (uint64_t)PATIENCE_MS / 2 * 1000000;
        cop_send(g->pid, go);
        while (!cop__load_acquire(&turns_of[g->number]))
                if (cop__clock_ns() > until_ns)
                        cop_exit(cop_atom("never"));
}

IN_NODE_WITH(a_worker_that_sleeps_is_woken_for_one_of_any_priority, .workers = 2)
{
        NEEDS_THREADS();
        clear();
        for (int i = 0; i < 300; i++) {
                cop_pid pid;
                go number = { .number = i % MOST };
                const cop_spawn_options options = { .run_with = COP_RUN_WITH(raises, go),
                                                    .kind = COP_KIND_OF(go), .argument = &number,
                                                    .priority = (cop_priority)(i % 4) };
                cop__store_relaxed(&turns_of[i % MOST], 0);
                ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
                settle_with(pid);
                await_down(spawn_watched(RUN_WITH(wakes_and_holds, go, .number = i % MOST, .pid = pid)),
                           "normal");
        }
}

/* ---- Shares -------------------------------------------------------------------------------------- */

IN_NODE_WITH(SPN_22_low_ones_among_normal_ones_progress_at_a_lower_share, ONE_WORKER)
{
        enum { NORMALS = 10 };
        follow_the_queues(node);
        clear();
        for (int i = 1; i <= NORMALS; i++)
                spawn_taker(takes_turns_for_ever, COP_PRIORITY_NORMAL, i);
        await_true(cop__load_relaxed(&turns_of[NORMALS]) > 0);
        await_down(spawn_taker(takes_200_turns, COP_PRIORITY_LOW, 0), "normal");
        uint32_t theirs = sum(at_end, 1, NORMALS);
        ck_assert_uint_ge(theirs, (COP__LOW_EVERY - 2) * TURNS); /* about 7 for each of the low one's */
        ck_assert_uint_le(theirs, (COP__LOW_EVERY + 1) * TURNS);
}

static void takes_many_turns(const void *argument)
{
        const go *g = argument;
        for (int i = 0; i < 10000; i++) {
                cop__add_relaxed(&turns_of[g->number], 1);
                cop_yield();
        }
}

IN_NODE_WITH(a_low_one_has_all_turns_when_there_is_nobody_else, .workers = 2)
{
        NEEDS_THREADS();
        clear();
        cop_ref first = spawn_taker(takes_many_turns, COP_PRIORITY_LOW, 0);
        cop_ref second = spawn_taker(takes_many_turns, COP_PRIORITY_LOW, 1);
        await_down(first, "normal");
        await_down(second, "normal");
}

IN_NODE_WITH(urgent_ones_that_never_wait_leave_turns_to_all_others, ONE_WORKER)
{
        NEEDS_THREADS();
        clear();
        for (int i = 1; i <= 3; i++)
                spawn_taker(takes_turns_for_ever, COP_PRIORITY_MAX, i);
        spawn_taker(takes_turns_for_ever, COP_PRIORITY_HIGH, 4);
        spawn_taker(takes_turns_for_ever, COP_PRIORITY_NORMAL, 5);
        spawn_taker(takes_turns_for_ever, COP_PRIORITY_NORMAL, 6);
        await_down(spawn_taker(takes_200_turns, COP_PRIORITY_LOW, 7), "normal");
        uint32_t max = sum(at_end, 1, 3), high = at_end[4], normal = sum(at_end, 5, 6);
        ck_assert_uint_gt(high, 0);
        ck_assert_uint_gt(normal, 0);
        ck_assert_uint_lt(max + high, (COP__URGENT_TURNS + 9) * (normal + TURNS));
        if (COP__TINY)
                return;
        ck_assert_uint_gt(max, 4 * high);
        ck_assert_uint_gt(high, 2 * normal);
        ck_assert_uint_gt(normal, 4 * TURNS);
}

enum { EVEN = 7 };

static void takes_200_turns_with_the_others(const void *argument)
{
        cop__add_relaxed(&begun, 1);
        while (cop__load_relaxed(&begun) < EVEN)
                cop_yield();
        takes_200_turns(argument);
}

/*
 * All begin at once. When the first is through, nobody is more than a turn or two behind; with tiny limits most of them do not
 * fit the worker's own queue, and some come by way of the shared one and may be ten.
 */
static void counts_evenly(cop_priority priority)
{
        cop_ref refs[EVEN];
        clear();
        for (int i = 0; i < EVEN; i++)
                refs[i] = spawn_taker(takes_200_turns_with_the_others, priority, i);
        for (int i = 0; i < EVEN; i++)
                await_down(refs[i], "normal");
        for (int i = 0; i < EVEN; i++)
                ck_assert_uint_ge(at_first_end[i], COP__TINY ? TURNS - 20 : TURNS - 3);
}

IN_NODE_WITH(SPN_21_of_equal_priority_all_have_the_same_turns, ONE_WORKER)
{
        follow_the_queues(node);
        counts_evenly(COP_PRIORITY_NORMAL);
        counts_evenly(COP_PRIORITY_LOW);
        counts_evenly(COP_PRIORITY_HIGH);
        counts_evenly(COP_PRIORITY_MAX);
}

/*
 * More than a worker's own queue holds: the others wait in the shared one. Whoever is put there has waited at most as long as that
 * queue took to fill, and nobody overtakes it there; the two are served in proportion to their lengths. So it has its turn within two
 * rounds of all, and those who are served sooner are so by turns.
 */
enum { CROWD = COP__TINY ? 30 : 1000 };
static uint32_t crowd_turns[CROWD], crowd_waited[CROWD], crowd_here, crowd_clock, crowd_least;

static void is_one_of_a_crowd(const void *argument)
{
        int64_t me = ((const go *)argument)->number;
        uint32_t last = 0;
        for (crowd_here++; crowd_here < CROWD;)
                cop_yield();
        while (crowd_turns[me] < TURNS) {
                uint32_t waited = last != 0 ? crowd_clock - last : 0;
                if (waited > crowd_waited[me])
                        crowd_waited[me] = waited;
                last = ++crowd_clock;
                crowd_turns[me]++;
                cop_yield();
        }
        if (crowd_least != 0)
                return;
        crowd_least = TURNS;
        for (int i = 0; i < CROWD; i++)
                if (crowd_turns[i] < crowd_least)
                        crowd_least = crowd_turns[i];
}

IN_NODE_WITH(SPN_21_of_a_crowd_that_does_not_fit_a_workers_queue_each_has_its_turn_within_two_rounds, ONE_WORKER)
{
        follow_the_queues(node);
        cop_ref *refs = cop_alloc(CROWD * sizeof(cop_ref));
        memset(crowd_turns, 0, sizeof(crowd_turns));
        memset(crowd_waited, 0, sizeof(crowd_waited));
        crowd_here = crowd_clock = crowd_least = 0;
        for (int i = 0; i < CROWD; i++)
                refs[i] = spawn_watched(.run_with = is_one_of_a_crowd, .kind = COP_KIND_OF(go),
                                        .argument = &(go){ .number = i });
        for (int i = 0; i < CROWD; i++)
                await_down(refs[i], "normal");
        for (int i = 0; i < CROWD; i++)
                ck_assert_uint_le(crowd_waited[i], 2 * CROWD);
        ck_assert_uint_ge(crowd_least, TURNS * 3 / 4);
}

/*
 * Three on two workers: who stayed would have half of one for good, or all of the other. So now and then one of those that
 * share a worker is left to whoever comes for it. Here the other worker is held, so that it stays for a while.
 */
IN_NODE_WITH(SPN_21_who_never_waits_is_offered_to_all_workers_now_and_then, .workers = 2)
{
        follow_the_queues(node);
        clear();
        hold_the_worker();
        for (int i = 0; i < 5; i++)
                spawn_taker(takes_turns_for_ever, COP_PRIORITY_NORMAL, i);
        for (int i = 0; i < 5; i++)
                await_true(cop__load_relaxed(&turns_of[i]) > 0);
        for (int i = 0; i < 3; i++) {
                uint32_t turns = cop__load_relaxed(&turns_of[0]) + 1000;
                await_true(cop__load_relaxed(&node->scheduler.shared[COP_PRIORITY_NORMAL].count) > 0);
                await_true(cop__load_relaxed(&turns_of[0]) > turns);
        }
        cop__store_release(&released, 1);
}

/* Computing on two workers, in turns that end. */
enum { COMPUTERS = 4 };
static uint32_t computed_in_all;          /* atomic */
static uint32_t computed_on[COMPUTERS][2]; /* by each on each worker */

static void computes_and_yields(const void *argument)
{
        int64_t me = ((const go *)argument)->number;
        uint32_t wanted = suite_is_slow() || COP__TINY ? 100000 : 1200000;
        while (cop__load_relaxed(&computed_in_all) < wanted) {
                for (int i = 0; i < 100; i++)
                        cop__spin_pause();
                cop__add_relaxed(&turns_of[me], 1);
                cop__add_relaxed(&computed_in_all, 1);
                computed_on[me][cop__worker_here()->index & 1]++;
                cop_yield();
        }
}

static bool has_two_processors(void)
{
        cpu_set_t ours;
        return sched_getaffinity(0, sizeof(ours), &ours) == 0 && CPU_COUNT(&ours) > 1;
}

/* Work is counted, and not the time it takes: if the system gives a worker less of a processor, that is less for all of them. */
IN_NODE_WITH(SPN_21_of_four_that_compute_all_come_to_both_workers_and_none_does_half_of_what_another_does, .workers = 2,
             .no_spare_workers = true)
{
        follow_the_queues(node);
        if (suite_seed() < 0 && !has_two_processors()) /* two workers that run one after the other take turns with whom they like */
                return;
        cop_ref refs[COMPUTERS];
        uint32_t least = UINT32_MAX, most = 0;
        clear();
        memset(computed_on, 0, sizeof(computed_on));
        cop__store_relaxed(&computed_in_all, 0);
        for (int i = 0; i < COMPUTERS; i++)
                refs[i] = spawn_taker(computes_and_yields, COP_PRIORITY_NORMAL, i);
        for (int i = 0; i < COMPUTERS; i++)
                await_down(refs[i], "normal");
        for (int i = 0; i < COMPUTERS; i++) {
                uint32_t turns = cop__load_relaxed(&turns_of[i]);
                ck_assert_uint_gt(computed_on[i][0], 0);
                ck_assert_uint_gt(computed_on[i][1], 0);
                least = turns < least ? turns : least;
                most = turns > most ? turns : most;
        }
        if (suite_seed() >= 0 || !suite_is_slow())
                ck_assert_uint_ge(least, most / 2);
}

/* ---- Who yields -------------------------------------------------------------------------------------- */

enum { TAKERS = 10 };

static void takes_turns(const go *g)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
        /* They are told one by one, and the thread that tells them may be held up between two. */
        cop__add_relaxed(&begun, 1);
        while (cop__load_relaxed(&begun) < TAKERS)
                cop_yield();
        for (uint32_t i = 0; i < TURNS; i++) {
                uint32_t least = UINT32_MAX, most = 0;
                for (int other = 0; other < TAKERS; other++) {
                        uint32_t turns = cop__load_relaxed(&turns_of[other]);
                        least = turns < least ? turns : least;
                        most = turns > most ? turns : most;
                }
                if (most - least > 20)
                        cop_exit(cop_atom("unfair"));
                cop__store_relaxed(&turns_of[g->number], i + 1);
                cop_yield();
        }
}

IN_NODE_WITH(SPN_24_yielding_actors_take_turns, ONE_WORKER)
{
        cop_pid takers[TAKERS];
        cop_ref refs[TAKERS];
        follow_the_queues(node);
        clear();
        for (int i = 0; i < TAKERS; i++) {
                takers[i] = cop_spawn_with(takes_turns, go, .number = i);
                refs[i] = watch(takers[i]);
                settle_with(takers[i]);
        }
        for (int i = 0; i < TAKERS; i++)
                cop_send(takers[i], go);
        for (int i = 0; i < TAKERS; i++)
                await_down(refs[i], "normal");
}

/* ---- Urgent ones that need low ones ------------------------------------------------------------------ */

static void asks_200_times(const go *g)
{
        for (int i = 0; i < 200; i++) {
                cop_term info;
                if (cop_process_ask(g->pid, PATIENCE_MS, &info) != COP_OK)
                        cop_exit(cop_atom("no_answer"));
                cop_term_free(info);
        }
}

IN_NODE_WITH(SPN_23_a_low_one_answers_an_urgent_one_that_floods_it_however_busy_all_are, ONE_WORKER)
{
        cop_pid low;
        clear();
        for (int i = 1; i <= 8; i++)
                spawn_taker(takes_turns_for_ever, i % 2 == 0 ? COP_PRIORITY_NORMAL : COP_PRIORITY_HIGH, i);
        const cop_spawn_options options = { .run_with = takes_turns_for_ever, .kind = COP_KIND_OF(go),
                                            .argument = &(go){ .number = 0 },
                                            .priority = COP_PRIORITY_LOW };
        ck_assert_int_eq(cop_spawn_opt(&options, &low), COP_OK);
        cop_ref refs[3];
        for (int i = 0; i < 3; i++)
                refs[i] = spawn_watched(RUN_WITH(asks_200_times, go, .pid = low),
                                        .priority = COP_PRIORITY_MAX);
        for (int i = 0; i < 3; i++)
                await_down(refs[i], "normal");
}

/* Every pair of priorities, on one worker and on several: none waits for ever for the other. */
static void answers(void)
{
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(go));
                cop_answer(message, go, .number = cop_read(go, message)->number + 1);
        }
}

static void calls(const go *g)
{
        for (int64_t i = 0; i < 100; i++) {
                cop_auto reply = NULL;
                if (cop_call(&reply, g->pid, PATIENCE_MS, go, .number = i) != COP_OK ||
                    cop_read(go, reply)->number != i + 1)
                        cop_exit(cop_atom("no_answer"));
        }
}

static void every_pair_calls(void)
{
        cop_ref refs[16];
        cop_pid pids[16];
        for (int i = 0; i < 16; i++) {
                const cop_spawn_options options = { .run = answers, .priority = (cop_priority)(i / 4) };
                ck_assert_int_eq(cop_spawn_opt(&options, &pids[i]), COP_OK);
                refs[i] = spawn_watched(RUN_WITH(calls, go, .pid = pids[i]),
                                        .priority = (cop_priority)(i % 4));
        }
        for (int i = 0; i < 16; i++) {
                await_down(refs[i], "normal");
                put_down(pids[i]);
        }
}

IN_NODE_WITH(actors_of_all_priorities_call_each_other_on_one_worker, ONE_WORKER)
{
        for (int i = 0; i < 20; i++)
                every_pair_calls();
}

IN_NODE_WITH(actors_of_all_priorities_call_each_other_on_four_workers, .workers = 4)
{
        for (int i = 0; i < 20; i++)
                every_pair_calls();
}

/* ---- Those from outside --------------------------------------------------------------------------------- */

static void who_comes_from_outside_has_a_turn_in_each_phase_beside(cop_priority priority)
{
        NEEDS_THREADS();
        cop_pid pid;
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = answers }, &pid), COP_OK);
        phase_begin_talk(1);
        for (uint32_t i = 0; i < PHASE_MOST * PHASES; i++) {
                cop_auto reply = NULL;
                phase_begin(priority, i);
                cop_status status = cop_call(&reply, pid, PATIENCE_MS, go, .number = i);
                ck_assert_msg(status == COP_OK, "in phase %u nobody answers", i);
                phase_end();
        }
}

IN_NODE_WITH(who_comes_from_outside_has_a_turn_beside_a_pair_and_urgent_ones_that_never_wait, ONE_WORKER)
{
        who_comes_from_outside_has_a_turn_in_each_phase_beside(COP_PRIORITY_MAX);
}

IN_NODE_WITH(who_comes_from_outside_has_a_turn_beside_a_pair_and_low_ones_that_never_wait, ONE_WORKER)
{
        who_comes_from_outside_has_a_turn_in_each_phase_beside(COP_PRIORITY_LOW);
}

/* ---- Changing it --------------------------------------------------------------------------------------- */

static cop_priority priority_of(cop_pid pid)
{
        cop_process process;
        ck_assert_int_eq(cop_process_info(pid, &process), COP_OK);
        return process.priority;
}

static void changes(void)
{
        static const cop_priority each[] = { COP_PRIORITY_LOW, COP_PRIORITY_HIGH, COP_PRIORITY_MAX,
                                             COP_PRIORITY_NORMAL };
        cop_priority before = COP_PRIORITY_HIGH;
        for (size_t i = 0; i < COP__COUNT(each); i++) {
                if (cop_set_priority(each[i]) != before || priority_of(cop_self()) != each[i])
                        cop_exit(cop_atom("wrong"));
                before = each[i];
                cop_yield();
        }
}

IN_NODE(an_actor_changes_its_priority_and_is_told_the_one_before)
{
        await_down(spawn_watched(.run = changes, .priority = COP_PRIORITY_HIGH), "normal");
}

static void wants_a_priority_that_is_none(void)
{
        cop_set_priority((cop_priority)4);
}

IN_NODE(a_priority_that_is_none_ends_the_actor)
{
        await_down(spawn_watched(.run = wants_a_priority_that_is_none),
                   "{badarg, {set_priority, \"there is no such priority\"}}");
}

IN_NODE(a_visitor_stays_normal)
{
        ck_assert_int_eq(cop_set_priority(COP_PRIORITY_MAX), COP_PRIORITY_NORMAL);
        ck_assert_int_eq(cop_set_priority((cop_priority)99), COP_PRIORITY_NORMAL);
        ck_assert_int_eq(priority_of(cop_self()), COP_PRIORITY_NORMAL);
}

TEST(outside_a_node_there_is_no_priority_to_change)
{
        ck_assert_int_eq(cop_set_priority(COP_PRIORITY_MAX), COP_PRIORITY_NORMAL);
}

static void ends(void)
{
}

IN_NODE(a_priority_ends_with_its_actor)
{
        for (int i = 0; i < 200; i++) {
                cop_pid pid;
                await_down(spawn_watched(.run = ends, .priority = COP_PRIORITY_LOW), "normal");
                ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = answers }, &pid), COP_OK);
                ck_assert_int_eq(priority_of(pid), COP_PRIORITY_NORMAL);
                put_down(pid);
        }
}
