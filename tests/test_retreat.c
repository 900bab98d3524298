/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Who goes where it is sooner done: guests, who follows its receiver, and a worker that leaves another one its tasks. */
#include "scheduler/retreat.h"

#include <string.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/limits.h"
#include "scheduler/follow.h"
#include "scheduler/guest.h"
#include "scheduler/haul.h"
#include "scheduler/lookout.h"
#include "scheduler/pick.h"
#include "scheduler/quiet.h"
#include "scheduler/runnable.h"
#include "scheduler/scheduler.h"
#include "scheduler/sleep.h"
#include "tests/cue.h"

#define WORKERS 3

static struct cop__scheduler scheduler;
static struct cop__worker workers[WORKERS];
static struct cop__worker *const worker = &workers[0];
static struct cop__worker *const other = &workers[1];
static struct cop__task tasks[8];
static uint64_t now_ns;

static void open_worker(unsigned index)
{
        struct cop__worker *opened = &workers[index];
        opened->index = index;
        opened->thread.scheduler = &scheduler;
        opened->thread.worker = opened;
        cop__runqueue_init(&opened->ring, COP__RUNQUEUE_SIZE < 8 ? COP__RUNQUEUE_SIZE : 8);
        cop__park_init(&opened->park);
        cop__wheel_init(&opened->wheel, now_ns);
}

/* Workers without threads, at a time that this test moves. */
static void stand(void)
{
        now_ns = UINT64_C(1000000000);
        cop__clock_simulate(&now_ns);
        memset(&scheduler, 0, sizeof(scheduler));
        memset(workers, 0, sizeof(workers));
        memset(tasks, 0, sizeof(tasks));
        for (unsigned i = 0; i < 8; i++)
                tasks[i].priority = COP_PRIORITY_NORMAL;
        scheduler.workers = workers;
        scheduler.worker_count = scheduler.reach = 2;
        scheduler.habits = cop__habits_ordinary;
        scheduler.lookout = WORKERS; /* nobody needs to be woken for that */
        for (unsigned i = 0; i < WORKERS; i++)
                open_worker(i);
}

static void took(struct cop__worker *from, struct cop__task *expected)
{
        struct cop__task *task = NULL;
        ck_assert_int_eq((int)cop__runqueue_pull(&from->ring, &task, 1), expected != NULL);
        ck_assert_ptr_eq(task, expected);
}

/* ---- Guests ---------------------------------------------------------------------------- */

TEST(guests_go_to_the_ring_in_the_order_in_which_they_came)
{
        stand();
        scheduler.aloof = scheduler.idle = 2; /* else the ring is offered to others */
        ck_assert(!cop__guests_are_there(&worker->guests));
        cop__guest_put(worker, &tasks[0]);
        cop__guest_put(worker, &tasks[1]);
        ck_assert(cop__guests_are_there(&worker->guests));
        cop__guests_seat(worker);
        ck_assert(!cop__guests_are_there(&worker->guests));
        took(worker, &tasks[0]);
        took(worker, &tasks[1]);
        took(worker, NULL);
}

TEST(a_guest_wakes_its_host_and_nobody_else)
{
        stand();
        uint32_t tickets[2] = { cop__park_ticket(&workers[0].park), cop__park_ticket(&workers[1].park) };
        scheduler.idle = 3;
        cop__guest_put(other, &tasks[0]);
        ck_assert_uint_eq(scheduler.idle, 1);
        ck_assert_uint_eq(scheduler.searching, 1); /* it is counted as such */
        ck_assert_uint_eq(cop__park_ticket(&workers[0].park), tickets[0]);
        ck_assert_uint_ne(cop__park_ticket(&workers[1].park), tickets[1]);
        cop__guest_put(other, &tasks[1]);
        ck_assert_uint_eq(scheduler.searching, 1);
}

/* The host, which is to have woken up by itself, puts this in its ring. Whoever would be woken for it sees somebody search. */
static void puts_in_its_ring(void *task)
{
        scheduler.idle = 1;
        cop__ring_put(other, task);
        ck_assert_uint_eq(scheduler.idle, 1);
}

TEST(whoever_claims_a_host_that_is_awake_wakes_another_for_what_the_claim_hid)
{
        stand();
        scheduler.idle = 3;
        cue_act("guest.claims_its_host", puts_in_its_ring, &tasks[1]);
        cop__guest_put(other, &tasks[0]);
        ck_assert(cue_has_come("guest.claims_its_host"));
        ck_assert_uint_eq(scheduler.idle, 0);
        ck_assert_uint_eq(scheduler.searching, 1);
}

/* It has come from a lookout's place, too. */
static void wakes_up(void *unused)
{
        (void)unused;
        scheduler.idle = 1;
        scheduler.lookout = 0;
}

TEST(whoever_claims_a_host_that_is_awake_wakes_a_lookout_where_there_is_none)
{
        stand();
        scheduler.idle = 3;
        cue_act("guest.claims_its_host", wakes_up, NULL);
        cop__guest_put(other, &tasks[0]);
        ck_assert(cue_has_come("guest.claims_its_host"));
        ck_assert_uint_eq(scheduler.idle, 0);
}

TEST(who_has_nothing_at_hand_finds_its_guests)
{
        stand();
        cop__guest_put(worker, &tasks[0]);
        ck_assert_ptr_eq(cop__pick_queued(worker), &tasks[0]);
}

TEST(guests_of_one_that_is_long_in_a_turn_go_to_all)
{
        stand();
        scheduler.lookout = 1;
        cop__guest_put(other, &tasks[0]);
        cop__guest_put(other, &tasks[1]);
        other->turns = 7;
        cop__lookout_end(worker); /* it has had turns since the last look */
        ck_assert(cop__guests_are_there(&other->guests));
        cop__lookout_end(worker);
        ck_assert(!cop__guests_are_there(&other->guests));
        ck_assert_uint_eq(scheduler.shared[COP_PRIORITY_NORMAL].count, 2);
        ck_assert_ptr_eq(scheduler.shared[COP_PRIORITY_NORMAL].first, &tasks[0]);
}

/* Its time stands still here, so that it would linger for ever. */
TEST(who_lingers_at_the_poll_sees_its_guests)
{
        stand();
        cop__poll_init(&scheduler.poll);
        ck_assert_int_eq(cop__poll_add(&scheduler.poll, -1, EPOLLIN, 1), COP_E_SYSTEM); /* and so opens it */
        scheduler.poll.alone = false; /* whatever machine this is */
        cop__poll_set_lively(&scheduler.poll, true);
        cop__guest_put(worker, &tasks[0]);
        ck_assert_ptr_eq(cop__wait_for_task(worker), &tasks[0]);
        ck_assert(!cop__poll_is_lively(&scheduler.poll)); /* it has lingered */
        cop__poll_fini(&scheduler.poll);
}

/* ---- Who follows its receiver ------------------------------------------------------------ */

static struct cop__task *const sender = &tasks[0], *const receiver = &tasks[1];

static bool sends(uint32_t messages)
{
        worker->thread.current = sender;
        return cop__follow_note(worker, receiver, messages);
}

TEST(who_has_sent_much_to_another_worker_becomes_its_guest)
{
        stand();
        cop__follow_show(receiver, other->index);
        for (uint32_t sent = 1; sent < COP__FOLLOW_LEAST; sent++)
                ck_assert(!sends(1));
        ck_assert(sends(1));
        cop__schedule_later(&scheduler, &worker->thread, sender);
        took(worker, NULL);
        ck_assert_ptr_eq(other->guests.last, sender);
        ck_assert_uint_eq(worker->haul.abroad, COP__FOLLOW_LEAST);
}

TEST(who_went_once_goes_again_only_for_what_it_sends_then)
{
        stand();
        cop__follow_show(receiver, other->index);
        ck_assert(sends(COP__FOLLOW_LEAST));
        cop__schedule_later(&scheduler, &worker->thread, sender);
        cop__guests_seat(other);
        cop__schedule_later(&scheduler, &worker->thread, sender);
        took(worker, sender);
}

TEST(one_that_goes_takes_no_other_with_it)
{
        stand();
        cop__follow_show(receiver, other->index);
        ck_assert(sends(COP__FOLLOW_LEAST));
        cop__schedule_later(&scheduler, &worker->thread, &tasks[2]);
        took(worker, &tasks[2]);
        worker->thread.current = &tasks[2];
        ck_assert(COP__FOLLOW_LEAST == 1 || !cop__follow_note(worker, receiver, 1)); /* its own are counted */
}

TEST(nobody_follows_where_its_receiver_is_already_or_is_not_known_to_be)
{
        stand();
        ck_assert(!sends(COP__TURN_BUDGET)); /* nobody has said */
        cop__follow_show(receiver, worker->index);
        ck_assert(!sends(COP__TURN_BUDGET));
        cop__follow_show(receiver, scheduler.worker_count); /* a spare one, which may go to rest */
        ck_assert(!sends(COP__TURN_BUDGET));
        ck_assert_uint_eq(worker->haul.abroad, 0);
        cop__schedule_later(&scheduler, &worker->thread, sender);
        took(worker, sender);
}

/* They wait where all find them. */
TEST(nobody_follows_but_those_of_normal_priority)
{
        stand();
        cop__follow_show(receiver, other->index);
        sender->priority = COP_PRIORITY_HIGH;
        ck_assert(!sends(COP__TURN_BUDGET));
        sender->priority = COP_PRIORITY_NORMAL;
        cop__schedule_later(&scheduler, &worker->thread, sender);
        took(worker, sender);
}

/* Senders keep whoever took them busy, and it waits for lines all the time. */
TEST(a_haul_of_senders_to_elsewhere_was_not_worth_it_however_long_it_lasted)
{
        const uint64_t lasted_ns = 100 * (COP__HAUL_WAKE_NS + COP__HAUL_TASK_NS);
        stand();
        cop__follow_show(receiver, other->index);
        cop__haul_add(worker, other, 1);
        now_ns += lasted_ns;
        cop__haul_judge(worker);
        ck_assert(!cop__haul_is_aloof(worker));
        cop__haul_add(worker, other, 1);
        sends((uint32_t)(lasted_ns / COP__ABROAD_NS));
        now_ns += lasted_ns;
        cop__haul_judge(worker);
        ck_assert(cop__haul_is_aloof(worker));
        ck_assert_uint_eq(worker->haul.abroad, 0);
}

/* Nobody would take part, and those who sleep would be woken for it. */
TEST(nobody_wanders_while_all_others_sleep_and_are_aloof)
{
        stand();
        cop__schedule_later(&scheduler, &worker->thread, &tasks[1]);
        for (unsigned i = 0; i < 2; i++) {
                scheduler.idle = i == 0 ? 2 : 0;
                scheduler.aloof = 2;
                worker->later_turns = COP__WANDER_EVERY;
                cop__schedule_later(&scheduler, &worker->thread, &tasks[2 + i]);
                ck_assert_uint_eq(scheduler.shared[COP_PRIORITY_NORMAL].count, i);
        }
}

TEST(the_only_worker_and_a_spare_one_at_work_exchange_tasks)
{
        stand();
        scheduler.worker_count = 1;
        scheduler.spares.at_work = 1;
        cop__schedule_later(&scheduler, &worker->thread, &tasks[1]);
        worker->later_turns = COP__WANDER_EVERY;
        cop__schedule_later(&scheduler, &worker->thread, &tasks[2]);
        ck_assert_uint_eq(scheduler.shared[COP_PRIORITY_NORMAL].count, 1);
}

/* ---- Who leaves another one its tasks ------------------------------------------------------ */

#define LOOK_TURNS (COP__SHARE_TURNS / 16) /* while they share */
#define SHORT_TURNS (64 * (COP__SHARE_NS / COP__TURN_SHORT_NS + 1) * COP__SHARE_TURNS)

/* So long, in which they have had so many turns. */
static void pass(uint64_t ns, uint64_t turns_here, uint64_t turns_there)
{
        now_ns += ns;
        worker->turns += turns_here / LOOK_TURNS * LOOK_TURNS; /* when it looks at the clock */
        other->turns += turns_there;
}

/* The worker has shared with the other for long enough to try it out. */
static void share(uint64_t turns_here, uint64_t turns_there)
{
        cop__haul_add(worker, other, 1);
        ck_assert_int_eq(worker->retreat.phase, COP__RETREAT_SHARING);
        pass(COP__SHARE_NS, turns_here, turns_there);
        cop__retreat_look(worker);
}

/* It has settled, and then the other one has had so many turns alone. */
static void leave_alone(uint64_t turns)
{
        ck_assert_int_eq(worker->retreat.phase, COP__RETREAT_SETTLING);
        now_ns = worker->haul.until_ns;
        ck_assert(cop__haul_is_aloof(worker));
        ck_assert_int_eq(worker->retreat.phase, COP__RETREAT_ALONE);
        pass(worker->haul.until_ns - now_ns, 0, turns);
}

static void is_at_home(struct cop__worker *looked_at)
{
        ck_assert(!cop__haul_is_aloof(looked_at));
        ck_assert_int_eq(looked_at->retreat.phase, COP__RETREAT_BUSY);
        ck_assert_uint_eq(looked_at->haven, COP__HAVEN_NONE);
}

TEST(who_is_faster_without_this_one_is_left_alone_for_longer_each_time)
{
        uint64_t away_ns = COP__ALOOF_NS;
        stand();
        for (unsigned i = 0; i < 9; i++) {
                share(SHORT_TURNS, SHORT_TURNS);
                leave_alone(3 * SHORT_TURNS);
                ck_assert(cop__haul_is_aloof(worker));
                ck_assert_int_eq(worker->retreat.phase, COP__RETREAT_AWAY);
                ck_assert_uint_eq(worker->haul.until_ns, now_ns + away_ns);
                now_ns += away_ns;
                is_at_home(worker);
                is_at_home(other);
                away_ns = 2 * away_ns < COP__ALOOF_MOST_NS ? 2 * away_ns : COP__ALOOF_MOST_NS;
        }
        ck_assert_uint_eq(away_ns, COP__ALOOF_MOST_NS);
}

TEST(who_is_no_faster_alone_is_helped_again_and_asked_less_often_each_time)
{
        uint64_t busy_ns = COP__SHARE_EVERY_NS;
        stand();
        for (unsigned i = 0; i < 6; i++) {
                share(SHORT_TURNS, SHORT_TURNS);
                leave_alone(2 * SHORT_TURNS); /* as much as both of them */
                is_at_home(worker);
                ck_assert_uint_eq(worker->retreat.not_before_ns, now_ns + busy_ns);
                cop__haul_add(worker, other, 1);
                ck_assert_int_eq(worker->retreat.phase, COP__RETREAT_BUSY);
                pass(busy_ns, 1, 1);
                busy_ns = 2 * busy_ns < COP__SHARE_EVERY_MOST_NS ? 2 * busy_ns : COP__SHARE_EVERY_MOST_NS;
        }
}

/* It can do all that there is: a second one saves nothing. */
TEST(who_has_time_to_spare_alone_is_left_alone)
{
        stand();
        share(SHORT_TURNS, SHORT_TURNS);
        now_ns = worker->haul.until_ns;
        ck_assert(cop__haul_is_aloof(worker));
        pass(worker->haul.until_ns - now_ns, 0, SHORT_TURNS);
        other->leisure.total_ns += COP__SHARE_NS / 2;
        ck_assert(cop__haul_is_aloof(worker));
        ck_assert_int_eq(worker->retreat.phase, COP__RETREAT_AWAY);
}

TEST(all_that_it_has_goes_to_the_other_one)
{
        stand();
        cop__haul_add(worker, other, 1);
        scheduler.aloof = scheduler.idle = 2;
        cop__desk_put(&worker->desk, &tasks[0]);
        cop__ring_put(worker, &tasks[1]);
        cop__ring_put(worker, &tasks[2]);
        worker->desk.few[0] = &tasks[3];
        worker->desk.few_count = 1;
        pass(COP__SHARE_NS, SHORT_TURNS, SHORT_TURNS);
        cop__retreat_look(worker);
        ck_assert_int_eq(worker->retreat.phase, COP__RETREAT_SETTLING);
        ck_assert(cop__desk_is_empty(&worker->desk) && cop__runqueue_is_empty(&worker->ring));
        unsigned seen = 0;
        for (struct cop__task *task = other->guests.last; task != NULL; task = task->next)
                seen |= 1u << (task - tasks);
        ck_assert_uint_eq(seen, 15);
        ck_assert_uint_eq(other->haven, COP__HAVEN_OF_ANOTHER);
        ck_assert_uint_eq(worker->haven, COP__HAVEN_LEFT);
}

/* It had it for long enough to be worth it, and then it would not be aloof. */
TEST(what_it_had_before_does_not_call_it_back)
{
        stand();
        share(SHORT_TURNS, SHORT_TURNS);
        ck_assert_uint_eq(worker->haul.count, 1);
        cop__haul_judge(worker);
        ck_assert_uint_eq(worker->haul.count, 0);
        ck_assert(cop__haul_is_aloof(worker));
        cop__haul_add(worker, NULL, 1); /* what all share, meanwhile */
        worker->haul.since_ns = 0;
        cop__haul_judge(worker);
        ck_assert(cop__haul_is_aloof(worker));
        leave_alone(3 * SHORT_TURNS);
        ck_assert(cop__haul_is_aloof(worker));
        ck_assert_int_eq(worker->retreat.phase, COP__RETREAT_AWAY);
}

TEST(nobody_retreats_from_a_tree_that_grows)
{
        stand();
        cop__desk_pile(&worker->desk, &tasks[0]);
        share(SHORT_TURNS, SHORT_TURNS);
        ck_assert_int_eq(worker->retreat.phase, COP__RETREAT_SHARING);
        ck_assert_ptr_eq(cop__desk_begin(&worker->desk), &tasks[0]);
        cop__retreat_look(worker);
        ck_assert_int_eq(worker->retreat.phase, COP__RETREAT_SETTLING);
}

TEST(long_turns_are_not_tried_out)
{
        const uint64_t short_turns = 2 * COP__SHARE_NS / COP__TURN_SHORT_NS; /* of both together, at least */
        const uint64_t here = short_turns / 2 / LOOK_TURNS * LOOK_TURNS;
        stand();
        share(0, 0);
        is_at_home(worker);
        ck_assert_uint_eq(worker->retreat.not_before_ns, now_ns + COP__SHARE_EVERY_NS);
        if (short_turns < 2 * LOOK_TURNS)
                return;
        stand();
        share(here, short_turns - here - 1);
        is_at_home(worker);
        stand();
        share(here, short_turns - here);
        ck_assert_int_eq(worker->retreat.phase, COP__RETREAT_SETTLING);
}

/* What it would say of sharing is what the other one does alone. */
TEST(a_while_in_which_it_had_hardly_any_turn_says_nothing)
{
        stand();
        share(SHORT_TURNS / 8, 2 * SHORT_TURNS);
        ck_assert_int_eq(worker->retreat.phase, COP__RETREAT_SHARING);
        ck_assert_uint_eq(worker->retreat.since_ns, now_ns);
        ck_assert(!cop__haul_is_aloof(worker));
}

TEST(nobody_retreats_to_one_that_has_or_has_been_retreated_to_by_another)
{
        const uint8_t taken[] = { COP__HAVEN_LEFT, COP__HAVEN_OF_ANOTHER };
        for (unsigned i = 0; i < 2; i++) {
                stand();
                other->haven = taken[i];
                share(SHORT_TURNS, SHORT_TURNS);
                is_at_home(worker);
                ck_assert_uint_eq(other->haven, taken[i]);
        }
}

TEST(one_to_whom_another_has_retreated_stays)
{
        stand();
        worker->haven = COP__HAVEN_OF_ANOTHER;
        share(SHORT_TURNS, SHORT_TURNS);
        ck_assert_int_eq(worker->retreat.phase, COP__RETREAT_BUSY);
        ck_assert_uint_eq(worker->haven, COP__HAVEN_OF_ANOTHER);
        ck_assert_uint_eq(other->haven, COP__HAVEN_NONE);
}

TEST(spare_workers_neither_retreat_nor_are_retreated_to)
{
        stand();
        cop__haul_add(worker, &workers[2], 1);
        ck_assert_int_eq(worker->retreat.phase, COP__RETREAT_BUSY);
        cop__haul_add(&workers[2], worker, 1);
        ck_assert_int_eq(workers[2].retreat.phase, COP__RETREAT_BUSY);
}

/* By a turn of a millisecond, as all that are aloof. */
TEST(who_is_stuck_in_a_turn_ends_the_retreat_to_it)
{
        stand();
        share(SHORT_TURNS, SHORT_TURNS);
        scheduler.lookout = 1;
        cop__lookout_end(worker);
        ck_assert(cop__haul_is_aloof(worker));
        cop__lookout_end(worker);
        is_at_home(worker);
        is_at_home(other);
}

/* Not any more: what it had before were senders to elsewhere, and now it has nothing. */
TEST(who_leaves_its_senders_comes_back_for_tasks_behind_long_turns)
{
        stand();
        worker->haul.talks = true;
        share(SHORT_TURNS, SHORT_TURNS);
        scheduler.lookout = 1;
        cop__lookout_end(worker);
        ck_assert(cop__runqueue_push(&other->ring, &tasks[0]));
        pass(COP__LOOKOUT_NS, 0, 1);
        cop__lookout_end(worker);
        is_at_home(worker);
        is_at_home(other);
}

/* What comes by the queue that all share keeps it busy, so that it never searches. */
TEST(who_has_something_to_do_while_away_still_sees_when_that_is_over)
{
        stand();
        share(SHORT_TURNS, SHORT_TURNS);
        leave_alone(3 * SHORT_TURNS);
        cop__retreat_look(worker);
        ck_assert_int_eq(worker->retreat.phase, COP__RETREAT_AWAY);
        now_ns = worker->haul.until_ns;
        cop__retreat_look(worker);
        is_at_home(worker);
}

TEST(who_stays_busy_with_what_it_took_once_tries_it_out_again)
{
        stand();
        share(SHORT_TURNS, SHORT_TURNS);
        leave_alone(2 * SHORT_TURNS);
        is_at_home(worker);
        now_ns = worker->retreat.not_before_ns;
        worker->turns = COP__SHARE_TURNS * 1000 + 1;
        cop__retreat_look(worker);
        ck_assert_int_eq(worker->retreat.phase, COP__RETREAT_BUSY); /* the clock is not looked at each time */
        worker->turns = COP__SHARE_TURNS * 1000;
        cop__retreat_look(worker);
        ck_assert_int_eq(worker->retreat.phase, COP__RETREAT_SHARING);
}
