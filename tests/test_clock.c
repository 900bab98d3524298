/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The clock's cheap looks keep to the dear one: a deadline is never early, and over when it is over. */
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

TEST(one_of_a_second_and_more_is_a_tick_late_at_most)
{
        for (int i = 0; i < 10000; i++) {
                uint64_t deadline_ns = cop__clock_in_ns(5 * COP__NS_PER_S);
                ck_assert_uint_le(deadline_ns,
                                  cop__clock_ns() + 5 * COP__NS_PER_S + COP__CLOCK_TICK_NS);
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
