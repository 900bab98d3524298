/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Timers that end, and room for them that is made, while a worker is in the middle of firing or another thread of setting one. */
#include "tests/cue.h"
#include "tests/guest.h"

typedef struct { int64_t number; } tick;
COP_MESSAGE(tick, number);

typedef struct { int64_t unused; } later;
COP_MESSAGE(later, unused);

#define FAR_MS 10000000 /* nobody waits for it */

static cop_ref tick_after(int64_t ms, cop_pid to, int64_t number)
{
        cop_ref timer = { 0 };
        ck_assert_int_eq(cop_send_after(&timer, ms, to, tick, .number = number), COP_OK);
        return timer;
}

/* Each thread of the program has its timers with the first worker, which fires them one after the other. */
static struct cop__timer_home *home_of(cop_node *node)
{
        return &node->timers.homes[0];
}

/* What that worker has to send by now has been sent. */
static void settle_timers(void)
{
        ck_assert_int_eq(cop_send_after(NULL, 1, cop_self(), later), COP_OK);
        await_and_drop(COP_KIND(later));
}

static uint64_t dead_letters(cop_node *node)
{
        struct cop__totals totals;
        cop__totals(node, &totals);
        return totals.dead_letters;
}

/* ---- Ticks -------------------------------------------------------------------------------- */

/* Its handle is another timer's before the tick goes on. */
IN_NODE(an_interval_that_is_cancelled_in_the_middle_of_a_tick_has_sent_its_last)
{
        NEEDS_THREADS();
        cop_ref timer;
        cue_hold("timer.ticks");
        ck_assert_int_eq(cop_send_every(&timer, 1, cop_self(), tick, .number = 1), COP_OK);
        cue_await("timer.ticks");
        ck_assert_int_ge(cop_cancel(timer), 0);
        ck_assert_int_eq(cop_cancel(timer), -1);
        cop_ref other = tick_after(FAR_MS, cop_self(), 2);
        cue_go_and_await("timer.ticks");
        settle_timers();
        nothing_has_come();
        ck_assert_int_eq(cop_timer_left(timer), -1);
        ck_assert_int_gt(cop_cancel(other), 0);
}

IN_NODE(an_interval_whose_receiver_ends_in_the_middle_of_a_tick_ends_and_leaves_no_letter)
{
        NEEDS_THREADS();
        cop_ref timer;
        guest g;
        guest_comes(&g, node, NULL, NULL);
        uint64_t before = dead_letters(node);
        cue_hold("timer.ticks");
        ck_assert_int_eq(cop_send_every(&timer, 1, g.pid, tick, .number = 1), COP_OK);
        cue_await("timer.ticks");
        guest_leaves(&g);
        ck_assert_int_eq(cop_timer_left(timer), -1);
        cue_go_and_await("timer.ticks");
        settle_timers();
        ck_assert_uint_eq(dead_letters(node), before);
        ck_assert_int_eq(cop_cancel(timer), -1);
}

static void *leaves(void *g)
{
        guest_leaves(g);
        return NULL;
}

/* Its pid is nobody's already, and its timers have not ended yet. */
IN_NODE(an_interval_ticks_no_more_for_one_who_is_about_to_end_its_timers)
{
        NEEDS_THREADS();
        guest g;
        cop_ref timer;
        pthread_t thread;
        guest_comes(&g, node, NULL, NULL);
        uint64_t before = dead_letters(node);
        cue_hold("timer.ticks");
        ck_assert_int_eq(cop_send_every(&timer, 1, g.pid, tick, .number = 1), COP_OK);
        cue_await("timer.ticks");
        cue_hold("timer_home.ends");
        ck_assert_int_eq(pthread_create(&thread, NULL, leaves, &g), 0);
        cue_await("timer_home.ends");
        cue_go_and_await("timer.ticks");
        settle_timers();
        ck_assert_uint_eq(dead_letters(node), before);
        cue_go("timer_home.ends");
        pthread_join(thread, NULL);
        ck_assert_int_eq(cop_timer_left(timer), -1);
}

/* ---- Room ----------------------------------------------------------------------------------- */

static void sets_the_first(void *timer)
{
        *(cop_ref *)timer = tick_after(1, cop_self(), 1);
}

/* Both find no room, both have got some. */
IN_NODE(of_two_who_make_the_same_room_for_timers_neither_loses_one)
{
        cop_ref first, second;
        cue_act("timer_home.adds_chunk", sets_the_first, &first);
        second = tick_after(FAR_MS, cop_self(), 2);
        ck_assert(cue_has_come("timer_home.adds_chunk"));
        await_and_drop(COP_KIND(tick));
        ck_assert_int_eq(cop_timer_left(first), -1);
        ck_assert_int_gt(cop_timer_left(second), 0);
        ck_assert_int_gt(cop_cancel(second), 0);
        ck_assert_uint_eq(home_of(node)->opened, 2);
}

static void sets_one_far(void *timer)
{
        *(cop_ref *)timer = tick_after(FAR_MS, cop_self(), 1);
}

/* The same for the array of such chunks. */
IN_NODE(of_two_who_make_the_array_of_chunks_wider_neither_loses_a_timer)
{
        const uint32_t most = COP__TIMER_CHUNK * COP__TIMER_CHUNKS_FIRST;
        cop_ref meanwhile = { 0 }, last = { 0 }, first = tick_after(FAR_MS, cop_self(), 0);
        cue_act("timer_home.adds_room", sets_one_far, &meanwhile);
        for (uint32_t i = 2; i <= most; i++)
                last = tick_after(FAR_MS, cop_self(), i);
        ck_assert(cue_has_come("timer_home.adds_room"));
        ck_assert_int_gt(cop_cancel(first), 0);
        ck_assert_int_gt(cop_cancel(meanwhile), 0);
        ck_assert_int_gt(cop_cancel(last), 0);
        ck_assert_uint_eq(home_of(node)->chunk_room, 2 * COP__TIMER_CHUNKS_FIRST);
}

/* ---- Many at once ----------------------------------------------------------------------------- */

/* Handles that some timer has. */
static uint32_t outstanding(struct cop__timer_home *home)
{
        uint32_t count = 0;
        cop__timer_home_lock(home);
        for (uint32_t i = 1; i <= home->opened; i++)
                count += !(home->chunks[i / COP__TIMER_CHUNK][i % COP__TIMER_CHUNK] & 1);
        cop__timer_home_unlock(home);
        return count;
}

IN_NODE(timers_of_many_who_end_before_any_are_swept_all_end)
{
        NEEDS_THREADS();
        const int each = 2 * (int)COP__TIMERS_ENDED + 3;
        guest guests[3];
        for (int i = 0; i < 3; i++) {
                guest_comes(&guests[i], node, NULL, NULL);
                for (int n = 0; n < each; n++)
                        tick_after(FAR_MS, guests[i].pid, n);
        }
        cop_ref own = tick_after(FAR_MS, cop_self(), 7);
        cue_hold("timer_home.sweeps");
        guest_leaves(&guests[0]);
        cue_await("timer_home.sweeps");
        guest_leaves(&guests[1]);
        guest_leaves(&guests[2]);
        ck_assert_uint_eq(outstanding(home_of(node)), 3u * ((uint32_t)each - COP__TIMERS_ENDED) + 1);
        cue_go("timer_home.sweeps");
        await_true(outstanding(home_of(node)) == 1);
        ck_assert_int_gt(cop_cancel(own), 0);
}
