/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Timers: intervals, exit signals, reading and stopping, the deaths of receivers, and the books. What a single message that is
 * sent later does is in test_send_after.c.
 */
#include <string.h>

#include <coppice/alias.h>

#include "tests/failing_malloc.h"
#include "tests/node_fixture.h"

#define HOUR_MS INT64_C(3600000)

typedef struct note {
        int64_t number;
} note;
COP_MESSAGE(note, number);

typedef struct page {
        cop_text text;
} page;
COP_MESSAGE(page, text);

typedef struct plan {
        cop_pid to;
        int64_t ms, count;
} plan;
COP_MESSAGE(plan, to, ms, count);

static cop_ref note_after(int64_t ms, cop_pid to, int64_t number)
{
        cop_ref timer = { 0 };
        ck_assert_int_eq(cop_send_after(&timer, ms, to, note, .number = number), COP_OK);
        return timer;
}

static void await_note(int64_t number)
{
        cop_auto message = await(COP_KIND(note));
        ck_assert_int_eq(cop_read(note, message)->number, number);
}

/* What had come before a cancel answered. */
static void drop_notes(void)
{
        cop_message *message;
        while ((message = cop_receive(0, COP_KIND(note))) != NULL)
                cop_message_free(message);
}

/* What could have come has: a timer that was set later has fired. */
static void nothing_comes_any_more(void)
{
        note_after(5, cop_self(), -1);
        await_note(-1);
        nothing_has_come();
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

static bool is_forgotten(cop_ref timer)
{
        return cop_timer_left(timer) == -1 && cop_cancel(timer) == -1;
}

/* ---- With a reference ----------------------------------------------------------------- */

IN_NODE(TMR_01_a_started_timer_sends_its_reference_and_payload_and_is_unknown_then)
{
        cop_ref timer;
        cop_term payload = COP_TUPLE(cop_atom("tea"), cop_int(4), cop_string("minutes"));
        int64_t before_ns = cop_now_ns();
        ck_assert_int_eq(cop_start_timer(&timer, 3, cop_self(), payload), COP_OK);
        cop_auto message = await(COP_REF(cop_timeout, timer));
        ck_assert_int_ge(cop_now_ns() - before_ns, 3000000);
        ck_assert(cop_term_equal(cop_read(cop_timeout, message)->payload, payload));
        ck_assert(cop_pid_equal(cop_message_from(message), cop_self()));
        ck_assert(is_forgotten(timer));
}

IN_NODE(a_reference_is_never_used_again)
{
        cop_ref first = note_after(HOUR_MS, cop_self(), 1);
        ck_assert_int_ge(cop_cancel(first), 0);
        for (int i = 0; i < 100; i++) {
                cop_ref next = note_after(HOUR_MS, cop_self(), 2);
                ck_assert_uint_ne(next.bits, first.bits);
                ck_assert(is_forgotten(first));
                ck_assert_int_gt(cop_cancel(next), HOUR_MS / 2);
        }
}

/* White box: a visitor's timers are at the first home. */
IN_NODE(a_handle_whose_references_are_used_up_is_given_up)
{
        struct cop__timer_home *home = &node->timers.homes[0];
        cop_cancel(note_after(HOUR_MS, cop_self(), 1));
        uint32_t index = home->free;
        ck_assert_uint_ne(index, 0);
        home->chunks[0][index] |= UINT64_C(0xffffffff) << 32;
        cop_ref last = note_after(HOUR_MS, cop_self(), 1);
        ck_assert_uint_eq((uint32_t)last.bits, UINT32_MAX);
        ck_assert_int_ge(cop_cancel(last), 0);
        ck_assert_uint_eq(home->free, 0);
        cop_ref next = note_after(HOUR_MS, cop_self(), 1);
        ck_assert_uint_eq(home->opened, index + 1);
        ck_assert(is_forgotten(last));
        ck_assert_int_ge(cop_cancel(next), 0);
}

IN_NODE(more_timers_than_handles_are_refused_and_one_that_ends_makes_room)
{
        struct cop__timer_home *home = &node->timers.homes[0];
        cop_ref timer = note_after(HOUR_MS, cop_self(), 1), none = { 7 };
        uint32_t opened = home->opened;
        home->opened = COP__TIMER_HANDLES - 1;
        ck_assert_int_eq(cop_send_after(&none, 1, cop_self(), note), COP_E_LIMIT);
        ck_assert_uint_eq(none.bits, 7);
        home->opened = opened;
        ck_assert_int_ge(cop_cancel(timer), 0);
        home->opened = COP__TIMER_HANDLES - 1;
        ck_assert_int_eq(cop_send_after(&none, 1, cop_self(), note), COP_OK);
        await_note(0);
        home->opened = opened;
}

/* ---- Reading and stopping ----------------------------------------------------------------- */

IN_NODE(TMR_08_an_asynchronous_cancel_answers_with_a_message)
{
        cop_ref timer = note_after(HOUR_MS, cop_self(), 1);
        for (int i = 0; i < 2; i++) {
                ck_assert_int_eq(cop_cancel_async(timer, true), COP_OK);
                cop_auto message = await(COP_REF(cop_timer_cancelled, timer));
                int64_t left = cop_read(cop_timer_cancelled, message)->left_ms;
                if (i == 0) {
                        ck_assert_int_gt(left, HOUR_MS / 2);
                        ck_assert_int_le(left, HOUR_MS);
                } else {
                        ck_assert_int_eq(left, -1);
                }
        }
        nothing_comes_any_more();
}

IN_NODE(TMR_09_an_asynchronous_cancel_that_is_to_tell_nothing_sends_nothing)
{
        cop_ref timer = note_after(2, cop_self(), 1), other = note_after(HOUR_MS, cop_self(), 2);
        ck_assert_int_eq(cop_cancel_async(other, false), COP_OK);
        ck_assert(is_forgotten(other));
        await_note(1);
        ck_assert_int_eq(cop_cancel_async(timer, false), COP_OK);
        nothing_comes_any_more();
}

IN_NODE(TMR_10_a_timer_that_stands_tells_what_is_left_and_one_that_does_not_has_nothing)
{
        cop_ref timer = note_after(HOUR_MS, cop_self(), 1);
        int64_t last = HOUR_MS;
        for (int i = 0; i < 5; i++) {
                int64_t left = cop_timer_left(timer);
                ck_assert_int_le(left, last);
                ck_assert_int_gt(left, HOUR_MS / 2);
                last = left - 1;
                cop_sleep(2);
        }
        ck_assert_int_le(cop_cancel(timer), last);
        ck_assert_int_eq(cop_timer_left(timer), -1);
        timer = note_after(0, cop_self(), 2);
        await_note(2);
        ck_assert_int_eq(cop_timer_left(timer), -1);
        ck_assert_int_eq(cop_timer_left(cop_ref_new()), -1);
        ck_assert_int_eq(cop_timer_left((cop_ref){ 0 }), -1);
}

IN_NODE(TMR_30_unknown_references_are_no_error_and_none_is)
{
        static const uint64_t odd[] = { 1, UINT64_MAX, UINT64_MAX >> 1, UINT64_C(1) << 63,
                                        UINT64_C(0x8000000100000000), UINT64_C(0x80ffffff00000000),
                                        UINT64_C(0xff00000100000000) };
        cop_ref timer = note_after(8, cop_self(), 1);
        for (size_t i = 0; i < COP__COUNT(odd); i++) {
                cop_ref ref = { odd[i] };
                if (ref.bits == timer.bits)
                        continue;
                ck_assert(is_forgotten(ref));
                ck_assert_int_eq(cop_cancel_async(ref, true), COP_OK);
                cop_auto message = await(COP_REF(cop_timer_cancelled, ref));
                ck_assert_int_eq(cop_read(cop_timer_cancelled, message)->left_ms, -1);
        }
        ck_assert_int_eq(cop_cancel_async((cop_ref){ 0 }, true), COP_E_BAD_ARGUMENT);
        await_note(1);
        nothing_has_come();
}

static void sets_a_negative_time(const plan *p)
{
        if (p->count == 0)
                cop_send_after(NULL, -1, cop_self(), note);
        else if (p->count == 1)
                cop_send_at(NULL, -1, cop_self(), note);
        else if (p->count == 2)
                cop_send_every(NULL, 0, cop_self(), note);
        else if (p->count == 3)
                cop_start_timer(NULL, INT64_MIN, cop_self(), cop_nil());
        else
                cop_exit_after(NULL, -1, cop_self(), cop_atom("never"));
}

IN_NODE(TMR_11_a_negative_time_is_a_bug_that_ends_its_actor_and_too_long_a_one_is_refused)
{
        static const char *const functions[] = { "send_after", "send_at", "send_every",
                                                 "start_timer", "exit_after" };
        for (int64_t i = 0; i < 5; i++) {
                cop_ref ref = spawn_watched(RUN_WITH(sets_a_negative_time, plan, .count = i));
                cop_auto message = await(COP_REF(cop_down, ref));
                const char *reason = text_of(cop_read(cop_down, message)->reason);
                ck_assert_msg(strncmp(reason, "{badarg, {", 10) == 0, "%s", reason);
                ck_assert_msg(strstr(reason, functions[i]) != NULL, "%s", reason);
        }
        cop_ref timer = { 7 };
        const int64_t beyond = COP_TIMER_MS_MAX + 1;
        ck_assert_int_eq(cop_send_after(&timer, beyond, cop_self(), note), COP_E_TOO_BIG);
        ck_assert_int_eq(cop_send_after(&timer, COP_FOREVER, cop_self(), note), COP_E_TOO_BIG);
        ck_assert_int_eq(cop_send_at(&timer, beyond, cop_self(), note), COP_E_TOO_BIG);
        ck_assert_int_eq(cop_send_every(&timer, beyond, cop_self(), note), COP_E_TOO_BIG);
        ck_assert_int_eq(cop_exit_after(&timer, beyond, cop_self(), cop_nil()), COP_E_TOO_BIG);
        ck_assert_int_eq(cop_send_every(&timer, 0, cop_self(), note), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_exit_after(&timer, -1, cop_self(), cop_nil()), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_kill_after(&timer, 1, cop_no_pid()), COP_E_BAD_ARGUMENT);
        ck_assert_uint_eq(timer.bits, 7);
        ck_assert_int_eq(cop_send_after(&timer, COP_TIMER_MS_MAX, cop_self(), note), COP_OK);
        ck_assert_int_gt(cop_cancel(timer), COP_TIMER_MS_MAX - HOUR_MS);
}

TEST(outside_a_node_there_are_no_timers_and_no_time)
{
        cop_ref timer = { 7 };
        cop_pid pid = { 1 };
        ck_assert_int_eq(cop_send_every(&timer, 1, pid, note), COP_E_NO_NODE);
        ck_assert_int_eq(cop_exit_after(&timer, 1, pid, cop_nil()), COP_E_NO_NODE);
        ck_assert_int_eq(cop_cancel_async(timer, true), COP_E_NO_NODE);
        ck_assert_int_eq(cop_timer_left(timer), -1);
        ck_assert_int_eq(cop_now_ms(), 0);
        ck_assert_int_eq(cop_now_ns(), 0);
}

/* ---- Absolute times ---------------------------------------------------------------------------- */

IN_NODE(TMR_19_an_absolute_time_that_has_passed_fires_at_once_and_one_to_come_not_before)
{
        int64_t now_ms = cop_now_ms();
        cop_ref late = note_after(HOUR_MS, cop_self(), 9);
        ck_assert_int_eq(cop_send_at(NULL, now_ms - 1000, cop_self(), note, .number = 1), COP_OK);
        await_note(1);
        ck_assert_int_eq(cop_send_at(NULL, 0, cop_self(), note, .number = 2), COP_OK);
        await_note(2);
        ck_assert_int_gt(cop_cancel(late), HOUR_MS / 2);
        int64_t at_ms = cop_now_ms() + 5;
        ck_assert_int_eq(cop_send_at(NULL, at_ms, cop_self(), note, .number = 3), COP_OK);
        await_note(3);
        ck_assert_int_ge(cop_now_ms(), at_ms);
}

static cop_node *begin_simulated(uint64_t seed)
{
        cop_simulation order = { .seed = seed };
        return node_begin((cop_node_options){ .simulation = &order, .max_actors = 1000 });
}

TEST(TMR_19_an_absolute_time_that_has_passed_takes_no_time)
{
        for (uint64_t seed = 1; seed <= 30; seed++) {
                cop_node *node = begin_simulated(seed);
                int64_t before_ns = cop_now_ns();
                ck_assert_int_eq(cop_send_at(NULL, cop_now_ms() - 1000, cop_self(), note, .number = 1), COP_OK);
                await_note(1);
                ck_assert_int_le(cop_now_ns() - before_ns, 2000000); /* what a turn takes in a simulation */
                node_end(node);
        }
}

IN_NODE(TMR_21_timers_of_one_time_all_fire)
{
        int64_t at_ms = cop_now_ms() + 3, sum = 0;
        for (int64_t i = 1; i <= 100; i++)
                ck_assert_int_eq(cop_send_at(NULL, at_ms, cop_self(), note, .number = i), COP_OK);
        for (int i = 0; i < 100; i++) {
                cop_auto message = await(COP_KIND(note));
                sum += cop_read(note, message)->number;
        }
        ck_assert_int_eq(sum, 5050);
        nothing_has_come();
}

/* ---- Receivers that die -------------------------------------------------------------------------- */

IN_NODE(TMR_13_a_timer_ends_and_is_freed_when_its_receiver_dies)
{
        cop_pid p = cop_spawn(waits);
        settle_with(p);
        int64_t before = blocks_in_use(node);
        uint64_t letters = dead_letters(node);
        cop_ref mine = note_after(HOUR_MS, cop_self(), 1), timers[3];
        timers[0] = note_after(HOUR_MS, p, 1);
        ck_assert_int_eq(cop_start_timer(&timers[1], 2 * HOUR_MS, p, cop_atom("late")), COP_OK);
        ck_assert_int_eq(cop_exit_after(&timers[2], HOUR_MS, p, cop_string("too late")), COP_OK);
        for (int i = 0; i < 3; i++)
                ck_assert_int_gt(cop_timer_left(timers[i]), HOUR_MS / 2);
        put_down(p);
        for (int i = 0; i < 3; i++)
                ck_assert(is_forgotten(timers[i]));
        await_true(cop__wheel_count(&node->scheduler.workers[0].wheel) == 1);
        ck_assert_int_gt(cop_cancel(mine), HOUR_MS / 2);
        await_true(blocks_in_use(node) <= before + 4);
        ck_assert_uint_eq(dead_letters(node), letters);
}

IN_NODE(TMR_14_a_timer_for_the_dead_is_accepted_and_gone_at_once)
{
        cop_pid p = cop_spawn(waits);
        put_down(p);
        int64_t before = blocks_in_use(node);
        cop_pid never = { (UINT64_C(0xfffffe) << 32) | 5 };
        for (int i = 0; i < 100; i++) {
                cop_ref timer = note_after(HOUR_MS, i % 2 ? p : never, 1);
                ck_assert_uint_ne(timer.bits, 0);
                ck_assert(is_forgotten(timer));
                ck_assert_int_eq(cop_exit_after(&timer, HOUR_MS, p, cop_string("x")), COP_OK);
                ck_assert(is_forgotten(timer));
        }
        await_true(blocks_in_use(node) <= before + 4);
        ck_assert_uint_eq(cop__wheel_count(&node->scheduler.workers[0].wheel), 0);
}

TEST(timers_for_a_visitor_end_with_its_visit)
{
        cop_node *node = node_begin((cop_node_options){ 0 });
        cop_ref timer = note_after(HOUR_MS, cop_self(), 1);
        cop_pid before = cop_self();
        cop_node_leave();
        ck_assert_int_eq(cop_node_enter(node), COP_OK);
        ck_assert(!cop_pid_equal(cop_self(), before));
        ck_assert(is_forgotten(timer));
        nothing_comes_any_more();
        node_end(node);
}

/* The one that is dying has more than end in one go; others stand for the next in its slot. */
static void end_thousands(cop_node *node, int64_t count)
{
        cop_pid p = cop_spawn(waits);
        settle_with(p);
        int64_t before = blocks_in_use(node);
        cop_ref *timers = calloc((size_t)count, sizeof(timers[0]));
        for (int64_t i = 0; i < count; i++)
                timers[i] = note_after(HOUR_MS + i % 50 * 1000, p, i);
        put_down(p);
        cop_pid next = cop_spawn(waits);
        cop_ref standing = note_after(HOUR_MS, next, 1);
        for (int64_t i = 0; i < count; i++)
                ck_assert(is_forgotten(timers[i]));
        await_true(cop__wheel_count(&node->scheduler.workers[0].wheel) == 1);
        ck_assert_int_gt(cop_cancel(standing), HOUR_MS / 2);
        put_down(next);
        await_true(blocks_in_use(node) <= before + 4);
        free(timers);
}

IN_NODE(TMR_24_the_thousands_of_timers_of_a_dying_actor_all_end)
{
        end_thousands(node, 1);
        end_thousands(node, COP__TIMERS_ENDED);
        end_thousands(node, COP__TIMERS_ENDED + 1);
        end_thousands(node, suite_is_slow() ? 3000 : 20000);
}

/* Two with many die before either has been swept. */
IN_NODE(TMR_24_the_timers_of_several_dying_actors_are_swept_together)
{
        int64_t before = blocks_in_use(node);
        cop_ref refs[4];
        cop_pid pids[4];
        for (int i = 0; i < 4; i++) {
                pids[i] = cop_spawn(waits);
                refs[i] = watch(pids[i]);
                for (int64_t at = 0; at < 1500; at++)
                        note_after(HOUR_MS, pids[i], at);
        }
        for (int i = 0; i < 4; i++)
                ck_assert_int_eq(cop_send_exit(pids[i], cop_atom("kill")), COP_OK);
        for (int i = 0; i < 4; i++)
                await_down(refs[i], "killed");
        await_true(cop__wheel_count(&node->scheduler.workers[0].wheel) == 0);
        await_true(blocks_in_use(node) <= before + 4);
}

static void sets_many(const plan *p)
{
        for (int64_t i = 0; i < p->count; i++)
                cop_send_after(NULL, p->ms, p->to, note, .number = i);
}

IN_NODE(TMR_24_timers_that_several_workers_set_for_one_actor_all_end_with_it)
{
        cop_pid p = cop_spawn(waits);
        settle_with(p);
        int64_t before = blocks_in_use(node);
        cop_ref setters[8];
        for (int i = 0; i < 8; i++)
                setters[i] = spawn_watched(
                        RUN_WITH(sets_many, plan, .to = p, .ms = HOUR_MS, .count = 500));
        for (int i = 0; i < 8; i++)
                await_down(setters[i], "normal");
        put_down(p);
        for (unsigned i = 0; i < node->scheduler.worker_count; i++)
                await_true(cop__wheel_count(&node->scheduler.workers[i].wheel) == 0);
        await_true(blocks_in_use(node) <= before + 4);
}

IN_NODE(a_hundred_thousand_timers_stand_and_are_found_and_end)
{
        const size_t count = suite_is_slow() ? 10000 : 100000;
        cop_ref *timers = calloc(count, sizeof(timers[0]));
        int64_t before = blocks_in_use(node);
        for (size_t i = 0; i < count; i++)
                timers[i] = note_after(HOUR_MS + (int64_t)i, cop_self(), (int64_t)i);
        for (size_t i = 0; i < count; i += 97)
                ck_assert_int_gt(cop_timer_left(timers[i]), HOUR_MS / 2);
        for (size_t i = 0; i < count; i += 2)
                ck_assert_int_gt(cop_cancel(timers[i]), HOUR_MS / 2);
        for (size_t i = 0; i < count; i++)
                ck_assert_int_eq(cop_cancel(timers[i]) >= 0, i % 2 == 1);
        await_true(blocks_in_use(node) <= before + 4);
        free(timers);
}

/* The class of the block of a timer that stands. */
static uint8_t class_of(cop_node *node, cop_ref timer)
{
        struct cop__timer_home *home = cop__timer_home_of(&node->timers, timer);
        cop__timer_home_lock(home);
        uint8_t class = cop__timer_find(home, node, timer)->as.signal.pool_class & (uint8_t)~COP__SIGNAL_HOLDS;
        cop__timer_home_unlock(home);
        return class;
}

/* There may be a million, nearly all of which send no more than a number. */
IN_NODE(a_timer_with_a_word_to_send_has_a_block_of_88_bytes_and_others_have_what_they_need)
{
        cop_ref word, period, payload;
        ck_assert_int_eq(cop_send_after(&word, 600000, cop_self(), note, .number = 1), COP_OK);
        ck_assert_int_eq(cop_send_every(&period, 600000, cop_self(), note, .number = 2), COP_OK);
        ck_assert_int_eq(cop_start_timer(&payload, 600000, cop_self(), cop_int(3)), COP_OK);
        ck_assert_uint_eq(class_of(node, word), COP__POOL_CLASS_88);
        ck_assert_uint_eq(class_of(node, period), cop__pool_class(96));
        ck_assert_uint_ge(cop__pool_block_size(class_of(node, payload)), 80 + sizeof(cop_timeout));
        ck_assert_int_ge(cop_cancel(word), 0);
        ck_assert_int_ge(cop_cancel(period), 0);
        ck_assert_int_ge(cop_cancel(payload), 0);
}

/* ---- Intervals --------------------------------------------------------------------------------------- */

/* The time of the next tick, in the books of whichever home has the timer. */
static uint64_t next_tick_of(cop_node *node, cop_ref timer)
{
        struct cop__timer_home *home = cop__timer_home_of(&node->timers, timer);
        cop__timer_home_lock(home);
        struct cop__timed *timed = cop__timer_find(home, node, timer);
        uint64_t when_ns = timed != NULL ? timed->timer.when_ns : 0;
        cop__timer_home_unlock(home);
        return when_ns;
}

IN_NODE(TMR_28_an_interval_ticks_at_its_times_until_it_is_cancelled)
{
        cop_ref timer;
        const int64_t period_ns = 4000000;
        int64_t begun_ns = cop_now_ns();
        ck_assert_int_eq(cop_send_every(&timer, 4, cop_self(), note, .number = 7), COP_OK);
        uint64_t first_ns = next_tick_of(node, timer);
        for (int64_t n = 1; n <= 5; n++) {
                await_note(7);
                ck_assert_int_ge(cop_now_ns() - begun_ns, n * period_ns);
        }
        /* However late the ticks were, the next is a whole number of periods after the first. */
        ck_assert_uint_eq((next_tick_of(node, timer) - first_ns) % (uint64_t)period_ns, 0);
        ck_assert_int_ge(cop_timer_left(timer), 0);
        ck_assert_int_ge(cop_cancel(timer), 0);
        drop_notes();
        ck_assert(is_forgotten(timer));
        nothing_comes_any_more();
}

TEST(TMR_28_in_three_and_a_half_periods_there_are_three_ticks)
{
        for (uint64_t seed = 1; seed <= 30; seed++) {
                cop_node *node = begin_simulated(seed);
                cop_ref timer;
                ck_assert_int_eq(cop_send_every(&timer, 20, cop_self(), note, .number = 7), COP_OK);
                cop_sleep(70);
                cop_cancel(timer);
                for (int i = 0; i < 3; i++) {
                        cop_message *message = cop_receive(0, COP_KIND(note));
                        ck_assert_ptr_nonnull(message);
                        cop_message_free(message);
                }
                cop_sleep(1000);
                ck_assert_ptr_null(cop_receive(0, COP_KIND(note)));
                node_end(node);
        }
}

/* Alone on its worker, so nobody sends ticks while it spins. */
/* In the middle of a turn: simulated time stands still in one, unless it is moved. */
static void spin_for(int64_t ns)
{
        int64_t until_ns = cop_now_ns() + ns;
        if (suite_seed() >= 0)
                cop__simulation_of(cop_node_here())->now_ns += (uint64_t)ns;
        while (cop_now_ns() < until_ns)
                cop__spin_pause();
}

static void spins_over_ticks(void)
{
        const int64_t period_ns = 2000000;
        cop_ref timer;
        cop_send_every(&timer, 2, cop_self(), note);
        spin_for(10 * period_ns);
        int64_t free_ns = cop_now_ns();
        for (int64_t n = 1; n <= 6; n++) {
                cop_message_free(cop_receive(COP_FOREVER, COP_KIND(note)));
                /* The first is late, the second comes after all that were missed, and so on. */
                if (cop_now_ns() < free_ns + (n - 2) * period_ns)
                        cop_exit(cop_atom("a_burst"));
        }
        cop_cancel(timer);
        cop_exit(cop_atom("no_burst"));
}

IN_NODE_WITH(TMR_28_ticks_that_were_missed_are_left_out, .workers = 1, .no_preempt = true,
             .no_spare_workers = true)
{
        await_down(spawn_watched(.run = spins_over_ticks), "no_burst");
}

IN_NODE(TMR_29_an_interval_ends_with_its_receiver)
{
        cop_pid p = cop_spawn(waits);
        settle_with(p);
        int64_t before = blocks_in_use(node);
        cop_ref timers[20];
        for (int64_t i = 0; i < 20; i++)
                ck_assert_int_eq(cop_send_every(&timers[i], 1 + i % 3, p, note), COP_OK);
        await_true(cop__unread(&node->slots.base[cop__pid_slot(p)]) > 40);
        put_down(p);
        for (int i = 0; i < 20; i++)
                ck_assert(is_forgotten(timers[i]));
        nothing_comes_any_more();
        await_true(blocks_in_use(node) <= before + 4);
}

IN_NODE(an_interval_to_a_name_ticks_for_whoever_bears_it)
{
        cop_ref timer;
        uint64_t letters = dead_letters(node);
        ck_assert_int_eq(cop_send_every(&timer, 1, "drummer", note, .number = 3), COP_OK);
        await_true(dead_letters(node) >= letters + 3);
        ck_assert_int_eq(cop_register("drummer", cop_self()), COP_OK);
        await_note(3);
        await_note(3);
        ck_assert_int_eq(cop_unregister("drummer"), COP_OK);
        letters = dead_letters(node);
        await_true(dead_letters(node) >= letters + 3);
        ck_assert_int_ge(cop_cancel(timer), 0);
}

IN_NODE(ticks_go_through_an_alias_until_it_closes_and_exit_signals_do_not)
{
        cop_alias alias;
        cop_ref timer, none = { 7 };
        uint64_t letters = dead_letters(node);
        ck_assert_int_eq(cop_alias_open(COP_ALIAS_EXPLICIT, &alias), COP_OK);
        ck_assert_int_eq(cop_exit_after(&none, 1, alias, cop_atom("late")), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_send_every(&timer, 1, alias, note, .number = 3), COP_OK);
        await_note(3);
        await_note(3);
        ck_assert(cop_alias_close(alias));
        drop_notes();
        await_true((drop_notes(), dead_letters(node) > letters + 2));
        ck_assert_int_ge(cop_cancel(timer), 0);
        nothing_comes_any_more();
        ck_assert_uint_eq(none.bits, 7);
}

IN_NODE(TMR_36_after_an_interval_is_cancelled_there_is_no_tick_ever)
{
        const int count = suite_is_slow() ? 60 : 400;
        for (int i = 0; i < count; i++) {
                cop_ref timer;
                ck_assert_int_eq(cop_send_every(&timer, 1, cop_self(), note, .number = i), COP_OK);
                await_note(i);
                if (i % 2)
                        await_note(i);
                for (int spin = 0; spin < i % 100 * 50; spin++)
                        cop__spin_pause();
                ck_assert_int_ge(cop_cancel(timer), 0);
                drop_notes();
                nothing_has_come();
        }
        nothing_comes_any_more();
}

TEST(intervals_that_tick_when_the_node_stops_are_freed)
{
        for (int i = 0; i < 10; i++) {
                cop_node *node = node_begin((cop_node_options){ 0 });
                for (int64_t at = 0; at < 50; at++) {
                        cop_pid to = at % 2 ? cop_self() : cop_spawn(waits);
                        ck_assert_int_eq(cop_send_every(NULL, 1 + at % 2, to, note), COP_OK);
                        ck_assert_int_eq(cop_send_every(NULL, 1, "nobody", note), COP_OK);
                }
                await_note(0);
                node_end(node);
        }
}

/* ---- Large messages --------------------------------------------------------------------------------- */

IN_NODE(a_message_of_any_size_may_wait_and_tick)
{
        static char letters[20000];
        static const size_t sizes[] = { 0, 1, 7, 8, 100, 3900, 3990, 4000, 4016, 4100, 20000 };
        memset(letters, 'x', sizeof(letters));
        int64_t before = blocks_in_use(node);
        for (size_t i = 0; i < COP__COUNT(sizes); i++) {
                cop_ref once, every;
                cop_text text = { sizes[i], letters };
                ck_assert_int_eq(cop_send_after(&once, 1, cop_self(), page, .text = text), COP_OK);
                ck_assert_int_eq(cop_register("reader", cop_self()), COP_OK);
                ck_assert_int_eq(cop_send_every(&every, 1, "reader", page, .text = text), COP_OK);
                for (int n = 0; n < 3; n++) {
                        cop_auto message = await(COP_KIND(page));
                        const cop_text *found = &cop_read(page, message)->text;
                        ck_assert_uint_eq(found->size, sizes[i]);
                        ck_assert_int_eq(memcmp(found->data, letters, sizes[i]), 0);
                }
                ck_assert_int_ge(cop_cancel(every), 0);
                ck_assert_int_eq(cop_send_after(&once, HOUR_MS, "reader", page, .text = text),
                                 COP_OK);
                ck_assert_int_ge(cop_cancel(once), 0);
                ck_assert_int_eq(cop_unregister("reader"), COP_OK);
                cop_message *message;
                while ((message = cop_receive(0, COP_KIND(page))) != NULL)
                        cop_message_free(message);
        }
        await_true(blocks_in_use(node) <= before + 1); /* the queue's last node */
}

/* ---- Exit signals ------------------------------------------------------------------------------------- */

static void traps(void)
{
        cop_trap_exit(true);
        cop_auto message = cop_receive(COP_FOREVER, COP_KIND(cop_exited));
        cop_exit(COP_TUPLE(cop_atom("trapped"), cop_read(cop_exited, message)->reason));
}

IN_NODE(TMR_31_an_exit_signal_that_comes_later_ends_its_receiver)
{
        cop_pid p = cop_spawn(waits), trapper = cop_spawn(traps), stubborn = cop_spawn(traps);
        cop_ref down[3] = { watch(p), watch(trapper), watch(stubborn) };
        settle_with(trapper);
        settle_with(stubborn);
        int64_t begun_ns = cop_now_ns();
        cop_ref timer;
        cop_term reason = COP_TUPLE(cop_atom("too"), cop_string("late"));
        ck_assert_int_eq(cop_exit_after(&timer, 4, p, reason), COP_OK);
        ck_assert_int_eq(cop_exit_after(NULL, 4, trapper, cop_atom("late")), COP_OK);
        ck_assert_int_eq(cop_register("stubborn", stubborn), COP_OK);
        ck_assert_int_eq(cop_kill_after(NULL, 4, "stubborn"), COP_OK);
        await_down(down[0], "{too, \"late\"}");
        ck_assert_int_ge(cop_now_ns() - begun_ns, 4000000);
        ck_assert(is_forgotten(timer));
        await_down(down[1], "{trapped, late}");
        await_down(down[2], "killed");
}

static void has_a_dead_mans_switch(const plan *p)
{
        cop_ref timer;
        cop_exit_after(&timer, p->ms, cop_self(), cop_atom("late"));
        if (p->count > 0)
                cop_cancel(timer);
        cop_receive(p->count > 0 ? 15 : COP_FOREVER, COP_KIND(plan));
        cop_exit(cop_atom("in_time"));
}

IN_NODE(TMR_31_a_cancelled_one_harms_nobody)
{
        await_down(spawn_watched(RUN_WITH(has_a_dead_mans_switch, plan, .ms = 5)), "late");
        cop_ref ref = spawn_watched(RUN_WITH(has_a_dead_mans_switch, plan, .ms = 5, .count = 1));
        await_down(ref, "in_time");
}

IN_NODE(TMR_32_an_exit_signal_to_a_name_that_nobody_bears_is_dropped)
{
        cop_ref timer, other;
        ck_assert_int_eq(cop_exit_after(&timer, 1, "nobody", cop_string("gone")), COP_OK);
        ck_assert_int_eq(cop_kill_after(&other, 1, "nobody"), COP_OK);
        await_true(cop_timer_left(timer) == -1 && cop_timer_left(other) == -1);
        nothing_comes_any_more();
        cop_pid p = cop_spawn(waits);
        cop_ref down = watch(p);
        ck_assert_int_eq(cop_kill_after(NULL, 1, p), COP_OK);
        await_down(down, "killed");
}

/* ---- Races ---------------------------------------------------------------------------------------------- */

#define RACERS 64

/* Which timers fired and which were cancelled; only one of the two may be. */
static uint32_t fired[RACERS], cancelled[RACERS];

static void counts_and_dies(const plan *p)
{
        for (int64_t i = 0; i < p->count; i++) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(note));
                cop__add_relaxed(&fired[cop_read(note, message)->number], 1);
        }
}

typedef struct race {
        cop_pid to;
        cop_ref timers[RACERS];
        uint32_t from;
} race;
COP_MESSAGE(race, to, timers, from);

static void cancels_some(const race *r)
{
        for (uint32_t i = 0; i < RACERS; i++) {
                uint32_t at = (r->from + i * 7) % RACERS;
                if (cop_cancel(r->timers[at]) >= 0)
                        cop__add_relaxed(&cancelled[at], 1);
                if (i % 16 == 0)
                        cop_yield();
        }
}

/* A receiver that dies in the middle, timers that fire meanwhile, and two that cancel all of them. */
static void race_once(uint32_t round)
{
        race r = { .from = round % RACERS };
        cop_ref ends[3];
        memset(fired, 0, sizeof(fired));
        memset(cancelled, 0, sizeof(cancelled));
        cop_spawn_options options = { RUN_WITH(counts_and_dies, plan, .count = 1 + round % 20),
                                      .monitor = true, .monitor_ref = &ends[0] };
        ck_assert_int_eq(cop_spawn_opt(&options, &r.to), COP_OK);
        for (uint32_t i = 0; i < RACERS; i++) {
                if (i % 8 == 7)
                        ck_assert_int_eq(cop_send_every(&r.timers[i], 1, r.to, note, .number = i),
                                         COP_OK);
                else
                        r.timers[i] = note_after(i % 3, r.to, i);
        }
        for (int i = 1; i < 3; i++) {
                r.from += 11;
                options = (cop_spawn_options){ .run_with = COP_RUN_WITH(cancels_some, race),
                                               .kind = COP_KIND_OF(race), .argument = &r,
                                               .monitor = true, .monitor_ref = &ends[i] };
                cop_pid pid;
                ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        }
        await_and_drop(COP_REF(cop_down, ends[1]));
        await_and_drop(COP_REF(cop_down, ends[2]));
        cop_send_exit(r.to, cop_atom("kill"));
        await_and_drop(COP_REF(cop_down, ends[0]));
        for (uint32_t i = 0; i < RACERS; i++) {
                ck_assert(is_forgotten(r.timers[i]));
                ck_assert_uint_le(cancelled[i], 1);
                if (i % 8 != 7)
                        ck_assert_uint_le(cancelled[i] + fired[i], 1);
        }
}

IN_NODE(a_timer_that_is_cancelled_and_fires_and_loses_its_receiver_at_once_ends_once)
{
        const uint32_t rounds = suite_is_slow() ? 100 : 1500;
        int64_t before = blocks_in_use(node);
        for (uint32_t round = 0; round < rounds; round++)
                race_once(round);
        nothing_has_come();
        for (unsigned i = 0; i < node->scheduler.worker_count; i++)
                await_true(cop__wheel_count(&node->scheduler.workers[i].wheel) == 0);
        await_true(blocks_in_use(node) <= before + 8); /* the queues' last nodes */
}

/* Timers are set for one that dies at that moment: none may stand afterwards. */
static void sets_and_reports(const plan *p)
{
        int64_t count = 0;
        while (cop_is_alive(p->to) && count < 3000) {
                cop_send_after(NULL, HOUR_MS, p->to, note);
                count++;
        }
        cop_send_after(NULL, HOUR_MS, p->to, note);
}

IN_NODE(a_timer_that_is_set_while_its_receiver_dies_does_not_stand)
{
        const int rounds = suite_is_slow() ? 30 : 300;
        for (int round = 0; round < rounds; round++) {
                cop_pid p = cop_spawn(waits);
                cop_ref first = spawn_watched(RUN_WITH(sets_and_reports, plan, .to = p));
                cop_ref second = spawn_watched(RUN_WITH(sets_and_reports, plan, .to = p));
                if (round % 2)
                        cop_yield();
                put_down(p);
                await_down(first, "normal");
                await_down(second, "normal");
                for (unsigned i = 0; i < node->scheduler.worker_count; i++)
                        await_true(cop__wheel_count(&node->scheduler.workers[i].wheel) == 0);
        }
}

/* ---- Memory that runs out ------------------------------------------------------------------------------------ */

static cop_status set_something(int what, cop_ref *timer)
{
        static char letters[8000];
        switch (what) {
        case 0:
                return cop_send_after(timer, HOUR_MS, cop_self(), note);
        case 1:
                return cop_send_after(timer, HOUR_MS, cop_self(), page,
                                      .text = { sizeof(letters), letters });
        case 2:
                return cop_send_every(timer, HOUR_MS, "somebody", note);
        case 3:
                return cop_exit_after(timer, HOUR_MS, cop_self(), cop_string("a reason"));
        default:
                return cop_start_timer(timer, HOUR_MS, cop_self(), cop_string("a payload"));
        }
}

TEST(without_memory_a_timer_is_refused_and_nothing_is_left)
{
        if (!failing_malloc_can())
                return;
        for (int what = 0; what < 5; what++) {
                cop_node *node = node_begin((cop_node_options){ .workers = 1 });
                int64_t before = blocks_in_use(node);
                cop_ref timer = { 7 };
                for (long n = 1;; n++) {
                        fail_malloc_after(n);
                        cop_status status = set_something(what, &timer);
                        if (!stop_failing_malloc()) {
                                ck_assert_int_eq(status, COP_OK);
                                ck_assert_int_gt(n, 1); /* the first timer of a node needs a chunk of handles */
                                break;
                        }
                        ck_assert_int_eq(status, COP_E_NO_MEMORY);
                        ck_assert_uint_eq(timer.bits, 7);
                        ck_assert_int_eq(blocks_in_use(node), before);
                }
                ck_assert_int_gt(cop_cancel(timer), HOUR_MS / 2);
                ck_assert_int_eq(blocks_in_use(node), before);
                node_end(node);
        }
}
