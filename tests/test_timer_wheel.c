/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The wheel of timers: examples, then any order of operations against an array of times,
 * then two wheels and three threads on the same timers. Time is a number here; nothing
 * waits for it.
 */
#include "tests/suite.h"

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "base/random.h"
#include "scheduler/timer.h"

#define YEAR_NS (UINT64_C(365) * 24 * 3600 * COP__NS_PER_S)
#define FIRED_MAX 64

/* Libcheck writes a line for each ck_assert that passes; this only when it fails. */
#define REQUIRE(claim) \
        ((claim) ? (void)0 : ck_abort_msg("not so: %s, with seed %" PRIu64, #claim, seed_now))

/* Of the random test that is running. */
static uint64_t seed_now;

/* Which timers fired, in order. */
struct log {
        size_t count;
        struct cop__timer *fired[FIRED_MAX];
};

static void note(struct cop__timer *timer, void *context)
{
        struct log *log = context;
        ck_assert(!cop__timer_armed(timer));
        if (log->count < FIRED_MAX)
                log->fired[log->count] = timer;
        log->count++;
}

static struct cop__wheel wheel;

/* --- examples ---------------------------------------------------------------- */

TEST(a_timer_fires_once_when_its_time_has_come)
{
        struct cop__timer timer;
        struct log log = { 0 };
        cop__wheel_init(&wheel, 12345);
        cop__timer_init(&timer);
        cop__timer_arm(&wheel, &timer, 12345 + COP__NS_PER_MS);
        ck_assert(cop__timer_armed(&timer));
        ck_assert_uint_eq(cop__wheel_count(&wheel), 1);
        ck_assert_uint_eq(cop__wheel_expire(&wheel, 12345 + COP__NS_PER_MS - 1, note, &log), 0);
        uint64_t late_ns = 12345 + COP__NS_PER_MS + COP__TICK_NS;
        ck_assert_uint_eq(cop__wheel_expire(&wheel, late_ns, note, &log), 1);
        ck_assert_ptr_eq(log.fired[0], &timer);
        ck_assert_uint_eq(cop__wheel_expire(&wheel, YEAR_NS, note, &log), 0);
        ck_assert_uint_eq(cop__wheel_count(&wheel), 0);
        ck_assert_uint_eq(cop__wheel_next(&wheel), COP__WHEEL_NEVER);
}

TEST(a_cancelled_timer_never_fires)
{
        struct cop__timer timer;
        struct log log = { 0 };
        cop__wheel_init(&wheel, 0);
        cop__timer_init(&timer);
        ck_assert(!cop__timer_cancel(&timer));
        cop__timer_arm(&wheel, &timer, COP__NS_PER_S);
        ck_assert(cop__timer_cancel(&timer));
        ck_assert(!cop__timer_armed(&timer));
        ck_assert(!cop__timer_cancel(&timer));
        ck_assert_uint_eq(cop__wheel_next(&wheel), COP__WHEEL_NEVER);
        ck_assert_uint_eq(cop__wheel_expire(&wheel, YEAR_NS, note, &log), 0);
        ck_assert(cop__wheel_is_valid(&wheel));
}

TEST(a_timer_that_fired_cannot_be_cancelled)
{
        struct cop__timer timer;
        struct log log = { 0 };
        cop__wheel_init(&wheel, 0);
        cop__timer_init(&timer);
        cop__timer_arm(&wheel, &timer, 0);
        ck_assert_uint_eq(cop__wheel_expire(&wheel, 0, note, &log), 1);
        ck_assert(!cop__timer_cancel(&timer));
}

TEST(a_time_already_past_fires_at_once)
{
        struct cop__timer timer;
        struct log log = { 0 };
        cop__wheel_init(&wheel, YEAR_NS);
        cop__timer_init(&timer);
        ck_assert(cop__timer_arm(&wheel, &timer, 5));
        ck_assert_uint_le(cop__wheel_next(&wheel), YEAR_NS);
        ck_assert_uint_eq(cop__wheel_expire(&wheel, YEAR_NS, note, &log), 1);
}

/* After a long stall they are all late, and still in order. */
TEST(late_timers_fire_in_the_order_of_their_times)
{
        static const uint64_t ms[] = { 50, 10, 40, 20, 30, 3600000, 0, 900000, 11, 5000 };
        static const int order[] = { 6, 1, 8, 3, 4, 2, 0, 9, 7, 5 };
        struct cop__timer timers[COP__COUNT(ms)];
        struct log log = { 0 };
        cop__wheel_init(&wheel, 777);
        for (size_t i = 0; i < COP__COUNT(ms); i++) {
                cop__timer_init(&timers[i]);
                cop__timer_arm(&wheel, &timers[i], 777 + ms[i] * COP__NS_PER_MS);
        }
        cop__wheel_expire(&wheel, YEAR_NS, note, &log);
        ck_assert_uint_eq(log.count, COP__COUNT(ms));
        for (size_t i = 0; i < log.count; i++)
                ck_assert_ptr_eq(log.fired[i], &timers[order[i]]);
}

TEST(timers_of_one_tick_fire_in_the_order_of_their_times)
{
        struct cop__timer timers[FIRED_MAX];
        struct log log = { 0 };
        uint64_t seed = 3;
        cop__wheel_init(&wheel, 0);
        for (int i = 0; i < FIRED_MAX; i++) {
                cop__timer_init(&timers[i]);
                cop__timer_arm(&wheel, &timers[i],
                               COP__NS_PER_S + cop__random_below(&seed, 1000));
        }
        cop__wheel_expire(&wheel, 2 * COP__NS_PER_S, note, &log);
        ck_assert_uint_eq(log.count, FIRED_MAX);
        for (size_t i = 1; i < log.count; i++)
                ck_assert_uint_ge(log.fired[i]->when_ns, log.fired[i - 1]->when_ns);
}

TEST(a_timer_in_a_hundred_years_costs_a_few_turns)
{
        struct cop__timer timer;
        struct log log = { 0 };
        uint64_t when_ns = 100 * YEAR_NS + 12345678;
        cop__wheel_init(&wheel, 99);
        cop__timer_init(&timer);
        cop__timer_arm(&wheel, &timer, when_ns);
        int turns = 0;
        while (log.count == 0) {
                uint64_t next_ns = cop__wheel_next(&wheel);
                ck_assert_uint_lt(next_ns, when_ns + COP__TICK_NS);
                cop__wheel_expire(&wheel, next_ns, note, &log);
                turns++;
        }
        ck_assert_int_le(turns, COP__WHEEL_LEVELS);
}

TEST(a_clock_that_goes_back_does_no_harm)
{
        struct cop__timer timers[2];
        struct log log = { 0 };
        cop__wheel_init(&wheel, COP__NS_PER_S);
        for (int i = 0; i < 2; i++)
                cop__timer_init(&timers[i]);
        cop__timer_arm(&wheel, &timers[0], 2 * COP__NS_PER_S);
        ck_assert_uint_eq(cop__wheel_expire(&wheel, 0, note, &log), 0);
        cop__timer_arm(&wheel, &timers[1], COP__NS_PER_S / 2);
        ck_assert_uint_eq(cop__wheel_expire(&wheel, 0, note, &log), 1);
        ck_assert(cop__wheel_is_valid(&wheel));
        ck_assert_uint_eq(cop__wheel_expire(&wheel, 3 * COP__NS_PER_S, note, &log), 1);
}

TEST(the_longest_times_are_accepted)
{
        struct cop__timer timers[2];
        struct log log = { 0 };
        cop__wheel_init(&wheel, 0);
        for (int i = 0; i < 2; i++)
                cop__timer_init(&timers[i]);
        cop__timer_arm(&wheel, &timers[0], COP__TIMER_NS_MAX);
        cop__timer_arm(&wheel, &timers[1], UINT64_MAX);
        ck_assert_uint_eq(cop__wheel_expire(&wheel, COP__TIMER_NS_MAX - 1, note, &log), 0);
        ck_assert(cop__wheel_is_valid(&wheel));
        ck_assert_uint_eq(cop__wheel_expire(&wheel, UINT64_MAX, note, &log), 2);
}

TEST(arm_tells_when_the_wheel_must_turn_sooner)
{
        struct cop__timer timers[3];
        cop__wheel_init(&wheel, 0);
        for (int i = 0; i < 3; i++)
                cop__timer_init(&timers[i]);
        ck_assert(cop__timer_arm(&wheel, &timers[0], COP__NS_PER_S));
        ck_assert(!cop__timer_arm(&wheel, &timers[1], 2 * COP__NS_PER_S));
        ck_assert(cop__timer_arm(&wheel, &timers[2], COP__NS_PER_MS));
        ck_assert_uint_lt(cop__wheel_next(&wheel), COP__NS_PER_MS + COP__TICK_NS);
        ck_assert_uint_ge(cop__wheel_next(&wheel), COP__NS_PER_MS);
}

/* --- what a call may do ------------------------------------------------------ */

/* Arms itself again, for the very time that it fired at. */
static void again(struct cop__timer *timer, void *context)
{
        int *calls = context;
        ++*calls;
        cop__timer_arm(&wheel, timer, timer->when_ns);
}

TEST(a_timer_that_rearms_without_delay_fires_once_a_turn)
{
        struct cop__timer timer;
        int calls = 0;
        cop__wheel_init(&wheel, 0);
        cop__timer_init(&timer);
        cop__timer_arm(&wheel, &timer, COP__NS_PER_MS);
        for (int turn = 1; turn <= 5; turn++) {
                ck_assert_uint_le(cop__wheel_next(&wheel), COP__NS_PER_S);
                ck_assert_uint_eq(cop__wheel_expire(&wheel, COP__NS_PER_S, again, &calls), 1);
                ck_assert_int_eq(calls, turn);
        }
}

/* A period of one tick, long overdue: in the past of this turn, so for the next one. */
static void a_tick_later(struct cop__timer *timer, void *context)
{
        int *calls = context;
        ++*calls;
        cop__timer_arm(&wheel, timer, timer->when_ns + COP__TICK_NS);
}

TEST(what_a_call_arms_waits_for_the_next_turn)
{
        struct cop__timer timers[2];
        int calls = 0;
        cop__wheel_init(&wheel, 0);
        for (int i = 0; i < 2; i++) {
                cop__timer_init(&timers[i]);
                cop__timer_arm(&wheel, &timers[i], (uint64_t)(i + 1) * COP__NS_PER_S / 2);
        }
        ck_assert_uint_eq(cop__wheel_expire(&wheel, COP__NS_PER_S * 2, a_tick_later, &calls), 2);
        ck_assert_uint_eq(cop__wheel_count(&wheel), 2);
        ck_assert(cop__wheel_is_valid(&wheel));
        ck_assert_uint_eq(cop__wheel_expire(&wheel, COP__NS_PER_S * 2, a_tick_later, &calls), 2);
}

/* The first to fire cancels the others, which are late too. */
static void cancel_others(struct cop__timer *timer, void *context)
{
        struct cop__timer *timers = context;
        for (int i = 0; i < 3; i++)
                ck_assert_int_eq(cop__timer_cancel(&timers[i]), &timers[i] != timer);
}

TEST(a_call_may_cancel_what_is_in_line_behind_it)
{
        struct cop__timer timers[3];
        cop__wheel_init(&wheel, 0);
        for (uint64_t i = 0; i < 3; i++) {
                cop__timer_init(&timers[i]);
                cop__timer_arm(&wheel, &timers[i], COP__NS_PER_S + i);
        }
        ck_assert_uint_eq(cop__wheel_expire(&wheel, 2 * COP__NS_PER_S, cancel_others, timers), 1);
        ck_assert_uint_eq(cop__wheel_count(&wheel), 0);
}

static void free_timer(struct cop__timer *timer, void *context)
{
        (void)context;
        free(timer);
}

TEST(a_call_may_free_its_timer)
{
        cop__wheel_init(&wheel, 0);
        for (uint64_t i = 0; i < 100; i++) {
                struct cop__timer *timer = malloc(sizeof(*timer));
                ck_assert_ptr_nonnull(timer);
                cop__timer_init(timer);
                cop__timer_arm(&wheel, timer, i * COP__NS_PER_MS);
        }
        ck_assert_uint_eq(cop__wheel_expire(&wheel, COP__NS_PER_S, free_timer, NULL), 100);
}

/* --- any order of operations ------------------------------------------------- */

#define TIMERS 200

/*
 * The oracle: each timer's time as the test armed it, and whether it is armed; those that
 * a call armed in this turn must wait.
 */
struct model {
        struct cop__timer timers[TIMERS];
        uint64_t when_ns[TIMERS];
        bool armed[TIMERS];
        bool fresh[TIMERS];
        uint64_t now_ns;
        uint64_t last_ns; /* when the one before was to fire, in this turn */
        uint64_t random;
        uint64_t fired;
};

static struct model model;

/* From the past to far beyond a lifetime, each order of magnitude as likely. */
static uint64_t random_time(struct model *m)
{
        uint64_t delay_ns = cop__random_next(&m->random) >> (1 + cop__random_below(&m->random, 62));
        switch (cop__random_below(&m->random, 8)) {
        case 0: return delay_ns > m->now_ns ? 0 : m->now_ns - delay_ns;
        case 1: return m->now_ns;
        case 2: return (m->now_ns + delay_ns) & ~(COP__TICK_NS - 1);
        default: return m->now_ns + delay_ns;
        }
}

static void model_arm(struct model *m, uint32_t i, bool fresh)
{
        uint64_t when_ns = random_time(m);
        m->when_ns[i] = when_ns > COP__TIMER_NS_MAX ? COP__TIMER_NS_MAX : when_ns;
        m->armed[i] = true;
        m->fresh[i] = fresh;
        cop__timer_arm(&wheel, &m->timers[i], when_ns);
}

static void model_fire(struct cop__timer *timer, void *context)
{
        struct model *m = context;
        uint32_t i = (uint32_t)(timer - m->timers);
        REQUIRE(m->armed[i]);
        REQUIRE(!m->fresh[i]);
        REQUIRE(m->when_ns[i] <= m->now_ns);
        REQUIRE(m->when_ns[i] >= m->last_ns);
        m->armed[i] = false;
        m->last_ns = m->when_ns[i];

        /* A call may arm this one again, and cancel any other. */
        if (cop__random_below(&m->random, 4) == 0)
                model_arm(m, i, true);
        uint32_t other = cop__random_below(&m->random, TIMERS);
        if (cop__random_below(&m->random, 8) == 0) {
                REQUIRE(cop__timer_cancel(&m->timers[other]) == m->armed[other]);
                m->armed[other] = false;
        }
}

/* Time passes: not at all, to when the wheel wants to turn, or by a jump of any length. */
static uint64_t model_later(struct model *m)
{
        uint64_t by_ns = cop__random_next(&m->random);
        uint64_t next_ns = cop__wheel_next(&wheel);
        uint32_t how = cop__random_below(&m->random, 16);
        if (how == 0)
                return m->now_ns;
        if (how < 4 && next_ns != COP__WHEEL_NEVER)
                return next_ns > m->now_ns ? next_ns : m->now_ns;
        if (how == 4)
                return m->now_ns + (by_ns >> (6 + cop__random_below(&m->random, 58)));
        return m->now_ns + (by_ns >> (how < 10 ? 46 : 40));
}

static void model_turn(struct model *m)
{
        m->now_ns = model_later(m);
        m->last_ns = 0;
        memset(m->fresh, 0, sizeof(m->fresh));
        m->fired += cop__wheel_expire(&wheel, m->now_ns, model_fire, m);
}

/* After a turn: nothing that should have fired is left, and the wheel wakes in time. */
static void model_check(const struct model *m)
{
        size_t armed = 0;
        uint64_t first_ns = UINT64_MAX;
        for (int i = 0; i < TIMERS; i++) {
                REQUIRE(cop__timer_armed(&m->timers[i]) == m->armed[i]);
                if (!m->armed[i])
                        continue;
                armed++;
                REQUIRE(m->fresh[i] || m->when_ns[i] + COP__TICK_NS > m->now_ns);
                if (m->when_ns[i] < first_ns)
                        first_ns = m->when_ns[i];
        }
        REQUIRE(cop__wheel_count(&wheel) == armed);
        uint64_t next_ns = cop__wheel_next(&wheel);
        if (armed == 0)
                REQUIRE(next_ns == COP__WHEEL_NEVER);
        else if (first_ns > m->now_ns)
                REQUIRE(next_ns < first_ns + COP__TICK_NS && next_ns + COP__TICK_NS > m->now_ns);
        else
                REQUIRE(next_ns < m->now_ns + COP__TICK_NS);
}

static void model_start(struct model *m, uint64_t seed)
{
        memset(m, 0, sizeof(*m));
        seed_now = seed;
        m->random = seed;
        m->now_ns = cop__random_next(&m->random) >> (1 + cop__random_below(&m->random, 60));
        cop__wheel_init(&wheel, m->now_ns);
        for (int i = 0; i < TIMERS; i++)
                cop__timer_init(&m->timers[i]);
}

static void model_run(uint64_t seed, int steps)
{
        struct model *m = &model;
        model_start(m, seed);
        /* At the end of time there is nothing left to try. */
        for (int step = 0; step < steps && m->now_ns < COP__TIMER_NS_MAX; step++) {
                uint32_t i = cop__random_below(&m->random, TIMERS);
                if (m->armed[i]) {
                        REQUIRE(cop__timer_cancel(&m->timers[i]));
                        m->armed[i] = false;
                } else {
                        REQUIRE(!cop__timer_cancel(&m->timers[i]));
                        model_arm(m, i, false);
                }
                if (cop__random_below(&m->random, 8) == 0) {
                        model_turn(m);
                        model_check(m);
                }
                if (step % 256 == 0)
                        REQUIRE(cop__wheel_is_valid(&wheel));
        }
}

TEST_WITHIN(any_order_of_operations_agrees_with_an_array_of_times, 60)
{
        uint64_t fired = 0;
        uint64_t runs = suite_is_slow() ? 100 : 1000;
        for (uint64_t seed = 1; seed <= runs; seed++) {
                mark_point();
                model_run(seed, 4000);
                fired += model.fired;
        }
        /* The test would prove little if hardly any timer came to fire. */
        ck_assert_uint_gt(fired, runs * 100);
}

/* --- several threads --------------------------------------------------------- */

#define SHARED 64
#define WHEELS 2

/*
 * Each timer is armed by one thread, on either wheel in turn; that thread and a rival
 * cancel it, and each wheel has a thread that fires it. `begun` counts its armed states
 * and is the armer's; `ended` counts who ended one. Equal at the end: exactly once each.
 */
struct shared_timer {
        struct cop__timer timer;
        uint64_t begun;
        uint64_t ended;
};

struct contest {
        struct cop__wheel wheels[WHEELS];
        struct shared_timer timers[SHARED];
        uint64_t now_ns;
        uint64_t fired;
        uint64_t cancelled;
        bool over;
};

/* One thread's share in it. */
struct player {
        struct contest *contest;
        struct cop__wheel *wheel;
        uint64_t seed;
};

static struct contest contest;

static void count_fired(struct cop__timer *timer, void *context)
{
        struct contest *c = context;
        struct shared_timer *shared = COP__CONTAINER(timer, struct shared_timer, timer);
        cop__add_acq_rel(&shared->ended, 1);
        cop__add_relaxed(&c->fired, 1);
}

static void *fire_on_one_wheel(void *argument)
{
        struct player *player = argument;
        struct contest *c = player->contest;
        while (!cop__load_acquire(&c->over)) {
                uint64_t now_ns = cop__add_relaxed(&c->now_ns, COP__TICK_NS / 4);
                cop__wheel_expire(player->wheel, now_ns, count_fired, c);
                sched_yield();
        }
        return NULL;
}

/* Whoever is behind gets on: else the threads that run just now would end them all. */
static void try_to_cancel(struct contest *c, struct shared_timer *shared)
{
        if (cop__load_relaxed(&c->cancelled) > cop__load_relaxed(&c->fired) + SHARED)
                return;
        if (!cop__timer_cancel(&shared->timer))
                return;
        cop__add_acq_rel(&shared->ended, 1);
        cop__add_relaxed(&c->cancelled, 1);
}

static void *cancel_any(void *argument)
{
        struct player *player = argument;
        struct contest *c = player->contest;
        while (!cop__load_acquire(&c->over)) {
                try_to_cancel(c, &c->timers[cop__random_below(&player->seed, SHARED)]);
                sched_yield();
        }
        return NULL;
}

static void arm_and_cancel(struct contest *c, uint64_t *seed)
{
        struct shared_timer *shared = &c->timers[cop__random_below(seed, SHARED)];
        uint64_t ended = cop__load_acquire(&shared->ended);
        REQUIRE(ended <= shared->begun);
        if (ended < shared->begun) {
                if (cop__random_below(seed, 32) == 0)
                        try_to_cancel(c, shared);
                return;
        }
        REQUIRE(!cop__timer_armed(&shared->timer));
        uint64_t delay_ns = cop__random_below(seed, 64) * COP__TICK_NS / 32;
        shared->begun++;
        cop__timer_arm(&c->wheels[cop__random_below(seed, WHEELS)], &shared->timer,
                       cop__load_relaxed(&c->now_ns) + delay_ns);
}

static void contest_start(struct contest *c)
{
        memset(c, 0, sizeof(*c));
        for (int i = 0; i < WHEELS; i++)
                cop__wheel_init(&c->wheels[i], 0);
        for (int i = 0; i < SHARED; i++)
                cop__timer_init(&c->timers[i].timer);
}

TEST_WITHIN(a_timer_is_either_cancelled_or_fired_whoever_tries, 120)
{
        struct contest *c = &contest;
        struct player players[3];
        pthread_t threads[3];
        uint64_t seed = 4;
        seed_now = seed;
        contest_start(c);
        for (int i = 0; i < 3; i++) {
                players[i] = (struct player){ c, &c->wheels[i % WHEELS], (uint64_t)i };
                ck_assert_int_eq(pthread_create(&threads[i], NULL,
                                                i < WHEELS ? fire_on_one_wheel : cancel_any,
                                                &players[i]), 0);
        }
        uint64_t enough = suite_is_slow() ? 20000 : 200000;
        while (cop__load_relaxed(&c->fired) < enough ||
               cop__load_relaxed(&c->cancelled) < enough) {
                for (int step = 0; step < 1000; step++)
                        arm_and_cancel(c, &seed);
                sched_yield();
        }
        cop__store_release(&c->over, true);
        for (int i = 0; i < 3; i++)
                pthread_join(threads[i], NULL);

        uint64_t begun = 0;
        for (int i = 0; i < WHEELS; i++) {
                ck_assert(cop__wheel_is_valid(&c->wheels[i]));
                cop__wheel_expire(&c->wheels[i], YEAR_NS, count_fired, c);
        }
        for (int i = 0; i < SHARED; i++) {
                ck_assert_uint_eq(c->timers[i].ended, c->timers[i].begun);
                begun += c->timers[i].begun;
        }
        ck_assert_uint_eq(c->fired + c->cancelled, begun);
}

/* What the checked builds ask after each change must be able to say no. */
TEST(the_check_of_a_wheel_finds_what_is_wrong_with_it)
{
        struct cop__timer timer;
        cop__wheel_init(&wheel, 0);
        cop__timer_init(&timer);
        cop__timer_arm(&wheel, &timer, 5 * COP__TICK_NS);
        ck_assert(cop__wheel_is_valid(&wheel));
        timer.seat ^= 1; /* it says that it sits elsewhere */
        ck_assert(!cop__wheel_is_valid(&wheel));
        timer.seat ^= 1;
        uint64_t when_ns = timer.when_ns;
        timer.when_ns += 7 * COP__TICK_NS; /* it is due at another time */
        ck_assert(!cop__wheel_is_valid(&wheel));
        timer.when_ns = when_ns;
        unsigned level = 0;
        while (wheel.occupied[level] == 0)
                level++;
        uint64_t occupied = wheel.occupied[level];
        wheel.occupied[level] = occupied << 1 | occupied; /* a slot is said to have one, and has none */
        ck_assert(!cop__wheel_is_valid(&wheel));
        wheel.occupied[level] = occupied;
        ck_assert(cop__wheel_is_valid(&wheel));
        ck_assert(cop__timer_cancel(&timer));
}
