/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The wall clock jumps by years, to and fro, at each look that Coppice takes at it: time-outs, timers, the windows of supervisors and their
 * delays count on as if nothing were. The linker puts the jumps between Coppice and the C library (--wrap).
 *
 * A wait with a deadline of the wall clock, of which the C library has some, would not be seen by that: so each deadline of a condition
 * variable must be near the monotonic clock's time.
 */
#include <pthread.h>
#include <time.h>

#include "tests/family.h"

#define YEAR_S 31536000

static int looks; /* atomic: at the wall clock */
static int strange_waits; /* atomic */

/* -3, +1, 0 years by turns: forward, back, and home again. */
static time_t jump(void)
{
        static const int years[] = { -3, 1, 0 };
        return (time_t)years[cop__add_relaxed(&looks, 1) % 3] * YEAR_S;
}

int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
time_t __wrap_time(time_t *now);
int __real_pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *until);
int __wrap_pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *until);

int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
        int result = __real_clock_gettime(clock, now);
        if (clock == CLOCK_REALTIME)
                now->tv_sec += jump();
        return result;
}

time_t __wrap_time(time_t *now)
{
        struct timespec real;
        __real_clock_gettime(CLOCK_REALTIME, &real);
        real.tv_sec += jump();
        if (now != NULL)
                *now = real.tv_sec;
        return real.tv_sec;
}

int __wrap_pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *until)
{
        struct timespec now;
        __real_clock_gettime(CLOCK_MONOTONIC, &now);
        if (until->tv_sec > now.tv_sec + YEAR_S || until->tv_sec < now.tv_sec - YEAR_S)
                cop__add_relaxed(&strange_waits, 1);
        return __real_pthread_cond_timedwait(condition, mutex, until);
}

/* Makes sure that it did jump meanwhile: a crash report bears the wall clock's time. */
static void crashes(void)
{
        cop_exit(cop_atom("boom"));
}

static void jump_now(void)
{
        int before = cop__load_relaxed(&looks);
        await_down(spawn_watched(.run = crashes), "boom");
        await_true(cop__load_relaxed(&looks) > before);
}

static uint64_t since(uint64_t began_ns)
{
        return (cop__clock_ns() - began_ns) / COP__NS_PER_MS;
}

IN_NODE(a_time_out_is_neither_early_nor_forgotten)
{
        uint64_t began_ns = cop__clock_ns();
        jump_now();
        ck_assert_ptr_null(cop_receive(50, COP_KIND(go)));
        ck_assert_uint_ge(since(began_ns), 50);
        cop_sleep(20);
        ck_assert_uint_ge(since(began_ns), 70);
        ck_assert_int_eq(cop__load_relaxed(&strange_waits), 0);
}

/* In the order of their times, and none before. */
IN_NODE(timers_fire_in_order_and_in_time)
{
        uint64_t began_ns = cop__clock_ns();
        for (int64_t i = 0; i < 5; i++) {
                jump_now();
                ck_assert_int_eq(cop_send_after(NULL, 200 - 20 * i, cop_self(), ping, .number = 200 - 20 * i), COP_OK);
        }
        uint64_t spent_ms = since(began_ns);
        for (int i = 0; i < 5; i++) {
                cop_auto message = cop_receive(PATIENCE_MS, COP_KIND(ping));
                ck_assert_ptr_nonnull(message);
                ck_assert_uint_ge(since(began_ns), (uint64_t)cop_read(ping, message)->number);
                if (spent_ms < 10)
                        ck_assert_int_eq(cop_read(ping, message)->number, 120 + 20 * i);
        }
}

static void hears_nothing(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(quit)));
}

IN_NODE(a_call_waits_as_long_as_it_says)
{
        cop_auto reply = NULL;
        cop_pid deaf = cop_spawn(hears_nothing);
        uint64_t began_ns = cop__clock_ns();
        jump_now();
        ck_assert_int_eq(cop_call(&reply, deaf, 60, ping, .number = 1), COP_E_TIMEOUT);
        ck_assert_uint_ge(since(began_ns), 60);
        ck_assert_int_eq(cop__load_relaxed(&strange_waits), 0);
}

/* By the wall clock years lie between the crashes, and the supervisor would bear them for ever. */
IN_FAMILY(crashes_in_a_window_are_in_it_whatever_the_wall_clock_says)
{
        TREE(shop, .intensity = 2, .period_ms = 1000000, .children = COP_CHILDREN(WORKER("a")));
        cop_pid root = grow_and_expect(&shop, "a");
        for (int i = 0; i < 2; i++) {
                jump_now();
                crash("a");
                expect("end a boom");
                expect("start a");
        }
        jump_now();
        crash("a");
        expect("end a boom");
        await_exited(root, "shutdown");
}

/* A node comes to rest, and what waits for that with a time-out is not held up. */
IN_NODE(who_waits_for_rest_waits_by_the_monotonic_clock)
{
        jump_now();
        ck_assert_int_eq(cop_node_await_quiet(node, PATIENCE_MS), COP_OK);
        cop_send_after(NULL, 60000, cop_self(), go);
        ck_assert_int_eq(cop_node_await_quiet(node, 30), COP_E_TIMEOUT);
        ck_assert_int_eq(cop__load_relaxed(&strange_waits), 0);
}
