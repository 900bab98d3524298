/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Messages that are sent later, and the ends of waits. The wheel itself is in test_timer_wheel.c, the other things that a timer
 * can do in test_timer.c.
 */
#include <string.h>

#include "tests/node_fixture.h"

typedef struct tick {
        int64_t number;
        cop_term term;
} tick;
COP_MESSAGE(tick, number, term);

typedef struct plan {
        cop_pid to;
        cop_ref timer;
        int64_t ms;
} plan;
COP_MESSAGE(plan, to, timer, ms);

static cop_ref tick_after(int64_t ms, cop_pid to, int64_t number)
{
        cop_ref timer = { 0 };
        ck_assert_int_eq(cop_send_after(&timer, ms, to, tick, .number = number), COP_OK);
        ck_assert_uint_ne(timer.bits, 0);
        return timer;
}

static void await_tick(int64_t number)
{
        cop_auto message = await(COP_KIND(tick));
        ck_assert_int_eq(cop_read(tick, message)->number, number);
}

static void waits(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(plan)));
}

static uint64_t dead_letters(cop_node *node)
{
        struct cop__totals totals;
        cop__totals(node, &totals);
        return totals.dead_letters;
}

/* ---- Firing and cancelling --------------------------------------------------------------- */

IN_NODE(TMR_01_a_timer_fires_once_and_never_early_and_is_unknown_then)
{
        uint64_t before_ns = cop__clock_ns();
        cop_ref timer = tick_after(15, cop_self(), 1);
        cop_auto message = await(COP_KIND(tick));
        ck_assert_uint_ge(cop__clock_ns() - before_ns, 15000000);
        ck_assert(cop_pid_equal(cop_message_from(message), cop_self()));
        ck_assert_int_eq(cop_cancel(timer), -1);
        nothing_has_come();
}

IN_NODE(TMR_02_a_cancelled_timer_tells_what_was_left_and_never_fires)
{
        for (int64_t i = 0; i < 200; i++) {
                cop_ref timer = tick_after(3, cop_self(), 1);
                int64_t left = cop_cancel(timer);
                ck_assert_int_le(left, 3);
                if (left < 0)
                        await_tick(1); /* we were held up for long */
        }
        cop_ref timer = tick_after(60000, cop_self(), 1);
        int64_t left = cop_cancel(timer);
        ck_assert_int_gt(left, 30000);
        ck_assert_int_le(left, 60000);
        tick_after(8, cop_self(), 2); /* fires after all those could have */
        await_tick(2);
        nothing_has_come();
}

IN_NODE(TMR_03_a_second_cancel_finds_nothing)
{
        cop_ref timer = tick_after(60000, cop_self(), 1);
        ck_assert_int_ge(cop_cancel(timer), 0);
        ck_assert_int_eq(cop_cancel(timer), -1);
}

IN_NODE(TMR_04_an_unknown_reference_and_none_are_no_timers)
{
        ck_assert_int_eq(cop_cancel(cop_ref_new()), -1);
        ck_assert_int_eq(cop_cancel((cop_ref){ 0 }), -1);
}

IN_NODE(TMR_05_a_timer_that_has_fired_stays_a_message_when_it_is_cancelled)
{
        cop_ref timer = tick_after(0, cop_self(), 1);
        await_true((cop_message_free(cop_receive(0, COP_KIND(plan))),
                    cop__load_relaxed(&cop__actor_here()->mailbox.count) == 1));
        ck_assert_int_eq(cop_cancel(timer), -1);
        await_tick(1);
}

static void cancels(const plan *p)
{
        cop_send(cop_parent(), tick, .number = cop_cancel(p->timer));
}

IN_NODE(TMR_07_another_actor_may_cancel)
{
        for (int i = 0; i < 50; i++) {
                cop_ref timer = tick_after(60000, cop_self(), 1);
                cop_spawn_with(cancels, plan, .timer = timer);
                cop_auto message = await(COP_KIND(tick));
                ck_assert_int_gt(cop_read(tick, message)->number, 30000);
                ck_assert_int_eq(cop_cancel(timer), -1);
        }
        nothing_has_come();
}

/* Whoever comes first, the timer has one end: it is cancelled or it fires. */
IN_NODE(a_cancel_that_races_with_the_firing_decides_it_once)
{
        int64_t ticks = 0, cancelled = 0;
        int count = suite_is_slow() ? 300 : 2000;
        for (int i = 0; i < count; i++) {
                cop_ref timer = tick_after(i % 2, cop_self(), i);
                for (int spin = 0; spin < i % 100 * 10; spin++)
                        cop__spin_pause();
                if (cop_cancel(timer) >= 0)
                        cancelled++;
        }
        tick_after(5, cop_self(), -1);
        for (;;) {
                cop_auto message = await(COP_KIND(tick));
                if (cop_read(tick, message)->number < 0)
                        break;
                ticks++;
        }
        ck_assert_int_eq(ticks + cancelled, count);
        nothing_has_come();
}

IN_NODE(TMR_11_a_negative_time_and_nobody_to_send_to_are_refused)
{
        cop_ref timer = { 7 };
        ck_assert_int_eq(cop_send_after(&timer, -1, cop_self(), tick), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_send_after(&timer, 1, cop_no_pid(), tick), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_send_after(&timer, 1, "", tick), COP_E_BAD_ARGUMENT);
        ck_assert_uint_eq(timer.bits, 7);
        ck_assert_int_eq(cop_send_after(NULL, 0, cop_self(), tick, .number = 3), COP_OK);
        await_tick(3);
}

IN_NODE(TMR_12_very_long_times_are_accepted_and_counted_right)
{
        static const int64_t times[] = { INT64_C(1) << 31, INT64_C(1) << 32, INT64_C(1) << 41 };
        for (size_t i = 0; i < COP__COUNT(times); i++) {
                cop_ref timer = tick_after(times[i], cop_self(), 1);
                cop_sleep(2);
                int64_t left = cop_cancel(timer);
                ck_assert_int_le(left, times[i] - 2);
                ck_assert_int_gt(left, times[i] - 10000);
        }
        nothing_has_come();
}

/* ---- To whom ------------------------------------------------------------------------------- */

IN_NODE(TMR_17_a_timer_to_a_name_that_nobody_bears_by_then_is_dropped)
{
        uint64_t letters = dead_letters(node);
        ck_assert_int_eq(cop_send_after(NULL, 1, "nobody", tick), COP_OK);
        await_true(dead_letters(node) == letters + 1);
}

IN_NODE(TMR_18_a_timer_to_a_name_goes_to_who_bears_it_by_then)
{
        cop_pid p;
        cop_ref timer;
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = waits, .name = "holder" }, &p),
                         COP_OK);
        ck_assert_int_eq(cop_send_after(&timer, 30, "holder", tick, .number = 5), COP_OK);
        put_down(p);
        ck_assert_int_eq(cop_register("holder", cop_self()), COP_OK);
        await_tick(5);
        ck_assert_int_eq(cop_unregister("holder"), COP_OK);
}

TEST(timers_that_are_outstanding_when_the_node_stops_are_freed)
{
        cop_node *node = node_begin((cop_node_options){ 0 });
        for (int i = 0; i < 1000; i++)
                ck_assert_int_eq(cop_send_after(NULL, 3600000 + i, cop_self(), tick,
                                                .term = cop_string("held by the timer")), COP_OK);
        for (int i = 0; i < 1000; i++)
                ck_assert_int_eq(cop_send_after(NULL, i % 4, "nobody", tick), COP_OK);
        node_end(node);
}

/* ---- Order ------------------------------------------------------------------------------------ */

#define SETTING_MS 100

/* By the clock, and for later than that: who sets them may be held up between two. */
static void arm_five(cop_pid to)
{
        static const int64_t times[] = { 50, 10, 40, 20, 30 };
        int64_t now_ms = cop_now_ms();
        for (size_t i = 0; i < COP__COUNT(times); i++)
                ck_assert_int_eq(cop_send_at(NULL, now_ms + SETTING_MS + times[i], to, tick, .number = times[i]), COP_OK);
}

IN_NODE(TMR_20_timers_fire_in_the_order_of_their_times)
{
        arm_five(cop_self());
        for (int64_t time = 10; time <= 50; time += 10)
                await_tick(time);
}

/* All of them are late by the end of its turn. */
static void arms_five_and_takes_its_time(const plan *p)
{
        arm_five(p->to);
        take_time(SETTING_MS + 60);
}

IN_NODE_WITH(TMR_20_late_timers_fire_in_the_order_of_their_times, .workers = 1, .no_preempt = true, .no_spare_workers = true)
{
        for (int i = 0; i < 3; i++) {
                await_down(spawn_watched(RUN_WITH(arms_five_and_takes_its_time, plan, .to = cop_self())), "normal");
                for (int64_t time = 10; time <= 50; time += 10)
                        await_tick(time);
        }
}

static void fans_out(void)
{
        for (int64_t i = 0; i < 20; i++) {
                await_tick(i == 0 ? 0 : 1);
                for (int64_t more = 0; more < 3 && i < 6; more++)
                        cop_send_after(NULL, 0, cop_self(), tick, .number = 1);
        }
}

IN_NODE(TMR_26_timers_of_no_time_set_on_the_firing_of_others_all_fire)
{
        cop_pid p = cop_spawn(fans_out);
        cop_ref ref = watch(p);
        cop_send_after(NULL, 0, p, tick, .number = 0);
        /* 1 + 6 * 3 have come by then, and the 20th never does. */
        cop_sleep(20);
        cop_send(p, tick, .number = 1);
        await_down(ref, "normal");
}

static void takes_a_term(const plan *p)
{
        if (p->ms > 0)
                cop_sleep(p->ms); /* it is not receiving when the timer fires */
        cop_auto message = cop_receive(COP_FOREVER, COP_KIND(tick));
        cop_exit(cop_read(tick, message)->term);
}

IN_NODE(TMR_27_a_compound_payload_is_whole_whether_its_receiver_waits_or_not)
{
        for (int64_t i = 0; i < 4; i++) {
                cop_pid p = cop_spawn_with(takes_a_term, plan, .ms = i % 2 * 10);
                cop_ref ref = watch(p);
                cop_term list = COP_LIST(cop_int(i), cop_string("text"));
                cop_term term = COP_TUPLE(cop_atom("end"), list);
                int64_t ms = i < 2 ? 2 : 0;
                ck_assert_int_eq(cop_send_after(NULL, ms, p, tick, .term = term), COP_OK);
                cop_auto message = await(COP_REF(cop_down, ref));
                ck_assert(cop_term_equal(cop_read(cop_down, message)->reason, term));
        }
}

static void sleeps(const plan *p)
{
        uint64_t before_ns = cop__clock_ns();
        cop_sleep(p->ms);
        uint64_t took_ns = cop__clock_ns() - before_ns;
        cop_exit(cop_atom(took_ns >= (uint64_t)p->ms * 1000000 ? "slept" : "early"));
}

IN_NODE(TMR_33_a_sleep_is_never_early_and_may_be_very_long)
{
        for (int64_t ms = 0; ms < 20; ms += 4)
                await_down(spawn_watched(RUN_WITH(sleeps, plan, .ms = ms)), "slept");
        cop_pid p = cop_spawn_with(sleeps, plan, .ms = INT64_C(1) << 40);
        settle_with(p);
        for (int i = 0; i < 10; i++)
                cop_send(p, tick); /* messages do not wake it for good */
        settle_with(p);
        ck_assert(cop_is_alive(p));
        put_down(p);
}

IN_NODE(TMR_36_after_a_cancel_has_answered_there_is_no_tick_ever)
{
        for (int i = 0; i < 300; i++) {
                cop_ref timer = tick_after(1, cop_self(), i);
                if (i % 3 == 0)
                        cop_yield();
                if (cop_cancel(timer) < 0)
                        await_tick(i); /* it had fired, so it comes */
                nothing_has_come();
        }
        cop_sleep(3);
        nothing_has_come();
}

/* ---- A worker that is busy ----------------------------------------------------------------------- */

static uint32_t has_ticked;

static void notes_a_tick(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(tick)));
        cop__store_release(&has_ticked, 1);
}

/* Holds its worker until somebody else has seen the tick. */
static void stay_until_ticked(void)
{
        stay_until(&has_ticked);
        cop_exit(cop_atom("ticked"));
}

static void arms_and_stays(const plan *p)
{
        cop_send_after(NULL, 5, p->to, tick);
        stay_until_ticked();
}

IN_NODE_WITH(TMR_25_a_timer_on_the_wheel_of_a_busy_worker_fires_on_another, .workers = 2)
{
        for (int i = 0; i < 20; i++) {
                cop__store_release(&has_ticked, 0);
                cop_pid to = cop_spawn(notes_a_tick);
                settle_with(to);
                cop_sleep(i % 4); /* all asleep, or not quite */
                await_down(spawn_watched(RUN_WITH(arms_and_stays, plan, .to = to)), "ticked");
        }
}

static uint32_t first_is_busy; /* atomic: how often it was that worker */

static void stays_when_told(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(tick)));
        cop__add_relaxed(&first_is_busy, cop__worker_here()->index == 0);
        stay_until_ticked();
}

/* A visitor's timers stand on the wheel of the first worker, and what it wakes first is that worker; simulated, either. */
IN_NODE_WITH(TMR_25_a_timer_armed_long_before_its_worker_got_busy_fires_too, .workers = 2)
{
        for (int i = 0; i < 20; i++) {
                cop__store_release(&has_ticked, 0);
                cop_pid to = cop_spawn(notes_a_tick), busy = cop_spawn(stays_when_told);
                cop_ref ref = watch(busy);
                settle_with(to);
                settle_with(busy);
                tick_after(8, to, 1);
                cop_sleep(4);
                cop_send(busy, tick);
                await_down(ref, "ticked");
        }
        ck_assert_uint_gt(cop__load_relaxed(&first_is_busy), 0);
}
