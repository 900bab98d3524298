/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The clock's cheap looks keep to the dear one: a deadline is never early, and over when it is over. */
#define _GNU_SOURCE
#include <time.h>

#include "base/clock.h"
#include "tests/suite.h"

TEST(a_deadline_is_never_early)
{
        static const uint64_t distances_ns[] = { 0, 1000, COP__NS_PER_S - 1, COP__NS_PER_S,
                                                 5 * COP__NS_PER_S };
        for (int i = 0; i < 10000; i++) {
                uint64_t ns = distances_ns[i % 5];
                uint64_t before_ns = cop__clock_ns();
                ck_assert_uint_ge(cop__clock_in_ns(ns), before_ns + ns);
        }
}

TEST(one_of_a_second_and_more_is_two_ticks_late_at_most)
{
        uint64_t slack_ns = cop__clock_slack_ns() == UINT64_MAX ? 0 : cop__clock_slack_ns();
        for (int i = 0; i < 10000; i++) {
                uint64_t deadline_ns = cop__clock_in_ns(5 * COP__NS_PER_S);
                ck_assert_uint_le(deadline_ns,
                                  cop__clock_ns() + 5 * COP__NS_PER_S + slack_ns);
        }
}

TEST(a_time_is_past_from_its_very_nanosecond_on)
{
        ck_assert(cop__clock_is_past(0));
        ck_assert(!cop__clock_is_past(UINT64_MAX));
        for (int i = 0; i < 1000; i++) {
                uint64_t soon_ns = cop__clock_ns() + 20000;
                bool past = cop__clock_is_past(soon_ns);
                uint64_t looked_ns = cop__clock_ns();
                ck_assert(!past || looked_ns >= soon_ns);
                while (cop__clock_ns() < soon_ns)
                        ;
                ck_assert(cop__clock_is_past(soon_ns));
        }
}

TEST(the_slack_follows_from_what_the_kernel_says_of_its_ticks)
{
        struct timespec tick;
        ck_assert_int_eq(clock_getres(CLOCK_MONOTONIC_COARSE, &tick), 0);
        ck_assert_uint_eq(cop__clock_slack_ns(), cop__clock_slack_of(0, (uint64_t)tick.tv_nsec));
        ck_assert_uint_eq(cop__clock_slack_of(0, 1000000), COP__CLOCK_SLACK_MIN_NS);
        ck_assert_uint_eq(cop__clock_slack_of(0, 4000000), COP__CLOCK_SLACK_MIN_NS);
        ck_assert_uint_eq(cop__clock_slack_of(0, 10000000), COP__CLOCK_SLACK_MAX_NS);
}

TEST(ticks_that_are_too_rare_or_not_known_are_not_read)
{
        ck_assert_uint_eq(cop__clock_slack_of(0, 10000001), UINT64_MAX);
        ck_assert_uint_eq(cop__clock_slack_of(0, COP__NS_PER_S), UINT64_MAX);
        ck_assert_uint_eq(cop__clock_slack_of(0, 0), UINT64_MAX);
        ck_assert_uint_eq(cop__clock_slack_of(-1, 1000000), UINT64_MAX);
}
