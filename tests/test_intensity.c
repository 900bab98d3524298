/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The sliding window of restarts, in times of our own making. What a supervisor does by it is in test_supervisor_intensity.c. */
#include "tests/suite.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/random.h"
#include "supervisor/intensity.h"
#include "supervisor/spec.h"

#define RING_MAX 64

/* A window with its ring, filled with rubbish first. */
struct window {
        struct cop__intensity intensity;
        uint64_t times[RING_MAX];
};

static void open_window(struct window *window, uint32_t limit, int64_t period_ms)
{
        ck_assert_uint_le(cop__intensity_size(limit), sizeof(window->times));
        for (size_t i = 0; i < RING_MAX; i++)
                window->times[i] = UINT64_C(0xdeadbeefdeadbeef);
        cop__intensity_init(&window->intensity, window->times, limit, period_ms);
}

static bool too_many_at(struct window *window, uint64_t ms)
{
        return cop__intensity_add(&window->intensity, ms * COP__NS_PER_MS);
}

static uint32_t count_at(struct window *window, uint64_t ms)
{
        return cop__intensity_count(&window->intensity, ms * COP__NS_PER_MS);
}

TEST(as_many_restarts_as_the_limit_are_borne)
{
        struct window window;
        open_window(&window, 3, 5000);
        for (uint64_t i = 0; i < 3; i++)
                ck_assert(!too_many_at(&window, i));
        ck_assert_uint_eq(count_at(&window, 3), 3);
}

TEST(one_more_is_too_many)
{
        struct window window;
        open_window(&window, 3, 5000);
        for (uint64_t i = 0; i < 3; i++)
                ck_assert(!too_many_at(&window, i));
        ck_assert(too_many_at(&window, 4999));
        ck_assert_uint_eq(count_at(&window, 4999), 4);
}

TEST(with_limit_0_the_first_is_too_many)
{
        struct window window;
        open_window(&window, 0, 5000);
        ck_assert_uint_eq(count_at(&window, 1), 0);
        ck_assert(too_many_at(&window, 1));
        ck_assert(too_many_at(&window, 100000));
        ck_assert_uint_eq(count_at(&window, 100000), 1);
}

TEST(restarts_further_apart_than_the_period_never_add_up)
{
        struct window window;
        open_window(&window, 1, 1000);
        for (uint64_t i = 0; i < 1000; i++) {
                ck_assert(!too_many_at(&window, i * 2100));
                ck_assert_uint_eq(count_at(&window, i * 2100), 1);
        }
}

TEST(a_restart_exactly_one_period_old_still_counts)
{
        struct window window;
        open_window(&window, 1, 1000);
        ck_assert(!too_many_at(&window, 500));
        ck_assert(too_many_at(&window, 1500));
        open_window(&window, 1, 1000);
        ck_assert(!too_many_at(&window, 500));
        ck_assert(!too_many_at(&window, 1501));
}

TEST(the_window_slides_and_is_no_row_of_intervals)
{
        struct window window;
        open_window(&window, 2, 1000);
        ck_assert(!too_many_at(&window, 900));
        ck_assert(!too_many_at(&window, 999));
        ck_assert(too_many_at(&window, 1001));
}

TEST(the_count_falls_as_time_goes_by)
{
        struct window window;
        open_window(&window, 5, 1000);
        for (uint64_t ms = 100; ms <= 500; ms += 100)
                ck_assert(!too_many_at(&window, ms));
        ck_assert_uint_eq(count_at(&window, 500), 5);
        ck_assert_uint_eq(count_at(&window, 1100), 5);
        ck_assert_uint_eq(count_at(&window, 1101), 4);
        ck_assert_uint_eq(count_at(&window, 1500), 1);
        ck_assert_uint_eq(count_at(&window, 1501), 0);
}

TEST(a_period_beyond_all_clocks_is_for_ever)
{
        struct window window;
        open_window(&window, 1, INT64_MAX);
        ck_assert(!cop__intensity_add(&window.intensity, 1));
        ck_assert(cop__intensity_add(&window.intensity, UINT64_MAX));
}

TEST(a_new_window_goes_on_with_the_newest_restarts_of_the_old_one)
{
        struct window old, new;
        open_window(&old, 3, 1000);
        for (uint64_t ms = 100; ms <= 500; ms += 100)
                cop__intensity_add(&old.intensity, ms * COP__NS_PER_MS);
        open_window(&new, 1, 1000);
        cop__intensity_inherit(&new.intensity, &old.intensity);
        ck_assert_uint_eq(count_at(&new, 1400), 2); /* 400 and 500 */
        ck_assert_uint_eq(count_at(&new, 1401), 1);
        ck_assert(too_many_at(&new, 1500));
        open_window(&new, 9, 1000);
        cop__intensity_inherit(&new.intensity, &old.intensity);
        ck_assert_uint_eq(count_at(&new, 1200), 4); /* 200 to 500: no more were kept */
        ck_assert(!too_many_at(&new, 1200));
        ck_assert_uint_eq(count_at(&new, 1201), 4);
        open_window(&new, 2, 50);
        cop__intensity_inherit(&new.intensity, &old.intensity);
        ck_assert_uint_eq(count_at(&new, 500), 1);
        open_window(&new, COP__INTENSITY_UNLIMITED, 50);
        cop__intensity_inherit(&new.intensity, &old.intensity);
        ck_assert_uint_eq(count_at(&new, 500), 4);
        open_window(&old, 2, 1000);
        cop__intensity_inherit(&old.intensity, &new.intensity);
        ck_assert_uint_eq(count_at(&old, 500), 0); /* of which no times were kept */
}

/* The plain way: look at all restarts that ever were. */
static uint32_t count_all(const uint64_t *times, size_t count, uint64_t now, uint64_t period)
{
        uint32_t inside = 0;
        for (size_t i = 0; i < count; i++)
                inside += now - times[i] <= period;
        return inside;
}

TEST(the_ring_agrees_with_a_list_of_all_restarts)
{
        enum { STEPS = 2000 };
        uint64_t *times = malloc(STEPS * sizeof(*times));
        uint64_t random = 20260101;
        ck_assert_ptr_nonnull(times);
        for (uint32_t limit = 0; limit < RING_MAX - 1; limit += 3) {
                struct window window;
                uint64_t now = 0;
                open_window(&window, limit, 100);
                for (size_t i = 0; i < STEPS; i++) {
                        now += cop__random_below(&random, (uint32_t)(300 * COP__NS_PER_MS / (limit + 1)));
                        times[i] = now;
                        bool too_many = cop__intensity_add(&window.intensity, now);
                        uint32_t all = count_all(times, i + 1, now, 100 * COP__NS_PER_MS);
                        ck_assert_int_eq(too_many, all > limit);
                        ck_assert_uint_eq(cop__intensity_count(&window.intensity, now),
                                          all > limit ? limit + 1 : all);
                }
        }
        free(times);
}
