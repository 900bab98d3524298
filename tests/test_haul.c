/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* What a worker has taken from others: whether it was worth it, and what becomes of one for whom it was not. */
#include "scheduler/haul.h"

#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "scheduler/lookout.h"
#include "scheduler/scheduler.h"
#include "scheduler/search.h"
#include "scheduler/shared.h"
#include "scheduler/wake.h"
#include "tests/cue.h"

#define LONG_NS UINT64_C(3600000000000)

static struct cop__scheduler scheduler;
static struct cop__worker workers[3];
static struct cop__worker *const worker = &workers[0];
static struct cop__worker *const other = &workers[1];
static uint64_t judged_ns; /* when its last haul was, or a little before */

/* Two workers without threads: the first one is asleep, as far as wakers see. */
static void stand(void)
{
        memset(&scheduler, 0, sizeof(scheduler));
        memset(workers, 0, sizeof(workers));
        scheduler.workers = workers;
        scheduler.worker_count = scheduler.reach = 2;
        scheduler.idle = 1;
        for (unsigned i = 0; i < 3; i++) {
                workers[i].index = i;
                workers[i].thread.scheduler = &scheduler;
                cop__wheel_init(&workers[i].wheel, cop__clock_ns());
        }
}

/* It has had so many tasks of the other, who was as busy, and nothing to do any more since so long after it took them. */
static void judge(uint32_t count, uint64_t busy_ns)
{
        cop__haul_add(worker, other, count);
        judged_ns = cop__clock_ns();
        worker->haul.since_ns = judged_ns - busy_ns;
        cop__haul_judge(worker);
}

static void is_aloof(uint64_t while_ns)
{
        ck_assert_uint_eq(worker->haul.while_ns, while_ns);
        ck_assert_uint_ge(worker->haul.until_ns, judged_ns + while_ns);
        ck_assert_uint_le(worker->haul.until_ns, cop__clock_ns() + while_ns);
        ck_assert_uint_eq(scheduler.aloof, 1);
        ck_assert(!cop__is_anybody_willing(&scheduler));
}

static void is_willing(void)
{
        ck_assert(!cop__haul_is_aloof(worker));
        ck_assert_uint_eq(scheduler.aloof, 0);
        ck_assert(cop__is_anybody_willing(&scheduler));
}

TEST(who_took_what_was_over_at_once_is_aloof_for_a_while)
{
        stand();
        is_willing();
        judge(1000000, 0);
        is_aloof(COP__ALOOF_NS);
}

TEST(who_took_what_lasted_is_not)
{
        stand();
        judge(1, LONG_NS);
        is_willing();
        judge(1000, LONG_NS);
        is_willing();
}

/* It took them a long time ago, and the other has had nothing to do for so long since then. */
static void judge_idle(uint64_t idle_ns)
{
        cop__haul_add(worker, other, 1);
        judged_ns = cop__clock_ns();
        worker->haul.since_ns = judged_ns - LONG_NS;
        other->leisure.total_ns += idle_ns;
        cop__haul_judge(worker);
}

TEST(work_that_moved_and_was_not_shared_was_not_worth_it)
{
        stand();
        judge_idle(LONG_NS / 2);
        is_willing();
        judge_idle(2 * LONG_NS);
        is_aloof(COP__ALOOF_NS);
}

TEST(what_the_other_has_been_idle_up_to_now_counts_too)
{
        stand();
        cop__leisure_begin(other);
        ck_assert_uint_ne(other->leisure.since_ns, 0);
        cop__haul_add(worker, other, 1);
        judged_ns = cop__clock_ns();
        uint64_t idle_ns = judged_ns < LONG_NS ? judged_ns - 1 : LONG_NS;
        worker->haul.since_ns = judged_ns - idle_ns;
        other->leisure.since_ns = judged_ns - idle_ns;
        worker->haul.leisure_ns = 0;
        cop__haul_judge(worker);
        is_aloof(COP__ALOOF_NS);
}

TEST(leisure_lasts_from_when_there_is_nothing_to_do_until_there_is)
{
        stand();
        uint64_t before_ns = cop__clock_ns();
        cop__leisure_begin(other);
        other->leisure.since_ns -= 1000;
        cop__leisure_end(other);
        uint64_t total_ns = other->leisure.total_ns;
        ck_assert_uint_eq(other->leisure.since_ns, 0);
        ck_assert_uint_ge(total_ns, 1000);
        ck_assert_uint_le(total_ns, cop__clock_ns() - before_ns + 1000);
        cop__leisure_begin(other);
        cop__leisure_end(other);
        ck_assert_uint_ge(other->leisure.total_ns, total_ns);
}

/* It was about to end its leisure, and had looked at the clock before whoever took from it did. */
TEST(leisure_that_came_to_less_than_was_counted_then_is_none_since)
{
        stand();
        cop__haul_add(worker, other, 1);
        judged_ns = cop__clock_ns();
        worker->haul.since_ns = judged_ns - LONG_NS;
        worker->haul.leisure_ns = 100;
        other->leisure.total_ns = 99;
        cop__haul_judge(worker);
        is_willing();
}

/* Each by whom it was taken from: the first was busy, the second not. */
TEST(what_was_gained_with_one_haul_is_kept_while_the_next_one_lasts)
{
        stand();
        cop__haul_add(worker, other, 1);
        worker->haul.since_ns -= LONG_NS;
        cop__haul_add(worker, &workers[2], 1);
        worker->haul.since_ns -= LONG_NS;
        workers[2].leisure.total_ns += 2 * LONG_NS;
        cop__haul_judge(worker);
        is_willing();
        ck_assert_uint_eq(worker->haul.gained_ns, 0);
        judge(1000000, 0);
        is_aloof(COP__ALOOF_NS);
}

TEST(what_came_from_outside_counts_by_how_long_it_lasted)
{
        stand();
        other->leisure.total_ns = LONG_NS;
        cop__haul_add(worker, NULL, 1);
        judged_ns = cop__clock_ns();
        worker->haul.since_ns = judged_ns - LONG_NS;
        cop__haul_judge(worker);
        is_willing();
}

/* ---- While it lasts ------------------------------------------------------------------------ */

TEST(who_took_nothing_is_as_before)
{
        stand();
        cop__haul_judge(worker);
        is_willing();
        judge(1000000, 0);
        uint64_t until_ns = worker->haul.until_ns;
        cop__haul_judge(worker);
        ck_assert_uint_eq(worker->haul.until_ns, until_ns);
        is_aloof(COP__ALOOF_NS);
}

TEST(each_haul_that_was_not_worth_it_makes_the_while_twice_as_long_up_to_a_limit)
{
        stand();
        uint64_t while_ns = COP__ALOOF_NS;
        for (int i = 0; i < 10; i++) {
                judge(1000000, 0);
                is_aloof(while_ns);
                while_ns = 2 * while_ns < COP__ALOOF_MOST_NS ? 2 * while_ns : COP__ALOOF_MOST_NS;
        }
        ck_assert_uint_eq(worker->haul.while_ns, COP__ALOOF_MOST_NS);
        judge(1, LONG_NS);
        is_willing();
        judge(1000000, 0);
        is_aloof(COP__ALOOF_NS);
}

TEST(when_the_while_is_over_it_takes_from_others_again)
{
        stand();
        judge(1000000, 0);
        worker->haul.until_ns = UINT64_MAX;
        ck_assert(cop__haul_is_aloof(worker));
        worker->haul.until_ns = cop__clock_ns() - 1;
        is_willing();
        judge(1000000, 0); /* and learns that it is as it was */
        is_aloof(2 * COP__ALOOF_NS);
}

/* As the watch's looks are: the same turn twice is a long one. */
TEST(a_worker_that_is_stuck_in_a_turn_ends_it)
{
        stand();
        judge(1000000, 0);
        worker->haul.until_ns = UINT64_MAX;
        workers[1].turns = 7;
        cop__lookout_end(worker); /* it has had turns since the last look */
        ck_assert_uint_eq(workers[1].turns_seen, 7);
        ck_assert(cop__haul_is_aloof(worker));
        scheduler.idle = 3;
        cop__lookout_end(worker); /* it sleeps */
        ck_assert(cop__haul_is_aloof(worker));
        scheduler.idle = 1;
        cop__lookout_end(worker);
        is_willing();
        ck_assert_uint_eq(worker->haul.while_ns, 0);
}

/* Its turns stand still, too. */
TEST(a_spare_worker_at_rest_does_not_end_it)
{
        stand();
        scheduler.reach = 3;
        judge(1000000, 0);
        worker->haul.until_ns = UINT64_MAX;
        scheduler.idle = 3;
        scheduler.spares.resting = 4;
        cop__lookout_end(worker);
        cop__lookout_end(worker);
        ck_assert(cop__haul_is_aloof(worker));
        scheduler.idle = 1;
        workers[1].turns = 1; /* since the last look */
        scheduler.spares.resting = 0; /* at work, and in a turn all that time */
        cop__lookout_end(worker);
        is_willing();
}

/* A look after so long, in which the other has had so many turns, with a task behind them, or none. */
static void look(uint64_t since_ns, uint64_t turns, bool more)
{
        struct cop__task task = { .next = NULL }, *taken;
        stand();
        cop__runqueue_init(&other->ring, 8);
        judge(1000000, 0);
        worker->haul.until_ns = UINT64_MAX;
        scheduler.idle = 1;
        if (more)
                ck_assert(cop__runqueue_push(&other->ring, &task));
        other->turns += turns;
        other->seen_ns = cop__clock_ns() - since_ns;
        cop__lookout_end(worker);
        if (more)
                ck_assert_uint_eq(cop__runqueue_steal(&other->ring, &taken, 1), 1);
}

TEST(when_tasks_wait_behind_long_turns_it_ends)
{
        const uint64_t long_turns = COP__LOOKOUT_NS / COP__TURN_LONG_NS;
        look(COP__LOOKOUT_NS, long_turns - 1, true);
        is_willing();
        look(COP__LOOKOUT_NS, long_turns, true);
        ck_assert(cop__haul_is_aloof(worker));
        look(COP__LOOKOUT_NS, long_turns - 1, false);
        ck_assert(cop__haul_is_aloof(worker));
}

/* It is not known how much of the time before the other had anything to do. */
TEST(what_was_longer_ago_than_a_look_is_left_out)
{
        const uint64_t long_turns = COP__LOOKOUT_NS / COP__TURN_LONG_NS;
        look(LONG_NS, long_turns, true);
        ck_assert(cop__haul_is_aloof(worker));
}

TEST(who_sleeps_and_is_not_aloof_can_be_woken_for_all)
{
        stand();
        judge(1000000, 0);
        ck_assert(!cop__is_anybody_willing(&scheduler));
        scheduler.idle = 3;
        ck_assert(cop__is_anybody_willing(&scheduler));
        scheduler.idle = 0;
        ck_assert(!cop__is_anybody_willing(&scheduler));
}

/* ---- Of several who sleep ------------------------------------------------------------------ */

/* The first worker is awake, the second aloof, the third willing. */
static void stand_three(uint32_t tickets[3])
{
        stand();
        memset(&workers[2], 0, sizeof(workers[2]));
        workers[2].index = 2;
        workers[2].thread.scheduler = &scheduler;
        cop__wheel_init(&workers[2].wheel, cop__clock_ns());
        scheduler.worker_count = scheduler.reach = 3;
        scheduler.idle = 6;
        scheduler.aloof = 2;
        for (unsigned i = 0; i < 3; i++) {
                cop__park_init(&workers[i].park);
                tickets[i] = cop__park_ticket(&workers[i].park);
        }
}

/* Of the two who sleep the one with that index has been woken, and stays counted as searching. */
static void is_woken(unsigned index, const uint32_t tickets[3])
{
        ck_assert_uint_eq(scheduler.idle, UINT64_C(6) & ~(UINT64_C(1) << index));
        for (unsigned i = 1; i < 3; i++)
                ck_assert_int_eq(cop__park_ticket(&workers[i].park) != tickets[i], i == index);
}

TEST(for_what_lies_in_a_ring_who_is_willing_is_woken_and_not_who_is_aloof)
{
        uint32_t tickets[3];
        stand_three(tickets);
        cop__offer_own(&scheduler);
        is_woken(2, tickets);
}

/* The queue that all share is for all. */
TEST(for_what_all_share_the_aloof_are_woken_too)
{
        uint32_t tickets[3];
        stand_three(tickets);
        cop__offer(&scheduler);
        is_woken(1, tickets);
}

/* It stands in for those who saw it search; for what lies in its ring nobody who is aloof is woken. */
TEST(who_has_searched_and_found_wakes_nobody_aloof_for_a_ring)
{
        struct cop__task task = { .next = NULL };
        uint32_t tickets[3];
        stand_three(tickets);
        cop__runqueue_init(&worker->ring, 8);
        scheduler.lookout = 2;
        scheduler.searching = 1;
        worker->searching = true;
        ck_assert(cop__runqueue_push(&worker->ring, &task));
        cop__leave_search(worker, true);
        is_woken(2, tickets);
}

static void puts_for_all(void *argument)
{
        struct cop__task *task = argument;
        cop__shared_put(&scheduler, COP_PRIORITY_NORMAL, task, task, 1);
}

/* Who was willing has been woken by another, and there is nobody else to wake for a ring. Meanwhile it looks as if somebody searched. */
TEST(for_what_all_share_the_aloof_are_woken_also_while_somebody_looks_for_who_is_willing)
{
        struct cop__task task = { .next = NULL };
        uint32_t tickets[3];
        stand_three(tickets);
        scheduler.idle = 2;
        cue_act("wake.finds_nobody", puts_for_all, &task);
        cop__wake_one_of(&scheduler, ~scheduler.aloof);
        ck_assert(cue_has_come("wake.finds_nobody"));
        ck_assert_uint_eq(scheduler.idle, 0);
        ck_assert_uint_eq(scheduler.searching, 1);
        ck_assert(cop__park_ticket(&workers[1].park) != tickets[1]);
}
