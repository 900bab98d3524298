/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Timers that end, and room for them that is made, while a worker is in the middle of firing or another thread of setting one. */
#include "tests/asleep.h"
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
        uint64_t before = dead_letters_of(node);
        cue_hold("timer.ticks");
        ck_assert_int_eq(cop_send_every(&timer, 1, g.pid, tick, .number = 1), COP_OK);
        cue_await("timer.ticks");
        guest_leaves(&g);
        ck_assert_int_eq(cop_timer_left(timer), -1);
        cue_go_and_await("timer.ticks");
        settle_timers();
        ck_assert_uint_eq(dead_letters_of(node), before);
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
        uint64_t before = dead_letters_of(node);
        cue_hold("timer.ticks");
        ck_assert_int_eq(cop_send_every(&timer, 1, g.pid, tick, .number = 1), COP_OK);
        cue_await("timer.ticks");
        cue_hold("timer_home.ends");
        ck_assert_int_eq(pthread_create(&thread, NULL, leaves, &g), 0);
        cue_await("timer_home.ends");
        cue_go_and_await("timer.ticks");
        settle_timers();
        ck_assert_uint_eq(dead_letters_of(node), before);
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

/* ---- Cancelled in the middle ---------------------------------------------------------------------- */

#define SOON_NS (5 * COP__NS_PER_MS)

static struct cop__wheel wheels[2];
static struct cop__timer lone;

static void arms_on_the_other(struct cop__timer *timer, void *unused)
{
        (void)unused;
        cop__timer_arm(&wheels[1], timer, SOON_NS);
}

static void counts_it(struct cop__timer *timer, void *count)
{
        (void)timer;
        ++*(int *)count;
}

static void fires(void *count)
{
        ck_assert_uint_eq(cop__wheel_expire(&wheels[0], 2 * SOON_NS, counts_it, count), 1);
}

static void moves(void *unused)
{
        (void)unused;
        ck_assert_uint_eq(cop__wheel_expire(&wheels[0], 2 * SOON_NS, arms_on_the_other, NULL), 1);
}

static void arm_lone(void)
{
        cop__wheel_init(&wheels[0], 0);
        cop__wheel_init(&wheels[1], 0);
        cop__timer_init(&lone);
        cop__timer_arm(&wheels[0], &lone, SOON_NS);
}

static void expect_none_armed(void)
{
        ck_assert(!cop__timer_armed(&lone));
        for (int i = 0; i < 2; i++) {
                ck_assert(cop__wheel_is_valid(&wheels[i]));
                ck_assert_uint_eq(cop__wheel_count(&wheels[i]), 0);
        }
}

TEST(a_timer_that_fires_as_it_is_cancelled_has_fired)
{
        int fired = 0;
        arm_lone();
        cue_act("timer.is_found", fires, &fired);
        ck_assert(!cop__timer_cancel(&lone));
        ck_assert(cue_has_come("timer.is_found"));
        ck_assert_int_eq(fired, 1);
        expect_none_armed();
}

TEST(a_timer_that_fires_and_is_armed_elsewhere_as_it_is_cancelled_is_cancelled_there)
{
        arm_lone();
        cue_act("timer.is_found", moves, NULL);
        ck_assert(cop__timer_cancel(&lone));
        ck_assert(cue_has_come("timer.is_found"));
        expect_none_armed();
}

/* ---- Alarms ------------------------------------------------------------------------------------------ */

/* The alarm of the first wait is still set when the second sets in, whose time is over before that. */
static void waits_shorter_and_shorter(void)
{
        while (!cue_has_come("wait.brings_forward")) {
                cop_message_free(cop_receive(1000, COP_KIND(later)));
                cop_message_free(cop_receive(1, COP_KIND(tick)));
        }
        for (int64_t i = 1; i <= 2; i++) {
                cop_auto none = cop_receive(1, COP_KIND(tick));
                cop_send(cop_parent(), tick, .number = none == NULL ? i : -1);
        }
}

IN_NODE(an_alarm_that_rings_as_it_is_brought_forward_ends_the_wait_it_is_brought_forward_for)
{
        NEEDS_THREADS();
        cue_hold("wait.brings_forward");
        cop_pid pid = cop_spawn(waits_shorter_and_shorter);
        while (!cue_has_come("wait.brings_forward")) {
                if (is_waiting(node, pid))
                        cop_send(pid, later);
                cop_yield();
        }
        cue_hold("timer.rings");
        cue_await("timer.rings");
        cue_go_and_await("wait.brings_forward");
        cue_go("timer.rings");
        for (int64_t i = 1; i <= 2; i++) {
                cop_auto message = await(COP_KIND(tick));
                ck_assert_int_eq(cop_read(tick, message)->number, i);
        }
}

/* ---- Whoever sleeps ------------------------------------------------------------------------------------ */

/* Who holds a worker, and which. */
struct hog {
        uint32_t is_there, worker, thread, may_end; /* atomic */
};

static struct hog hogs[2];

static void holds_as(struct hog *hog)
{
        cop__store_seq(&hog->worker, cop__thread_here()->worker->index);
        cop__store_seq(&hog->thread, (uint32_t)thread_number());
        cop__store_seq(&hog->is_there, 1);
        while (!cop__load_seq(&hog->may_end))
                sched_yield();
}

static void holds_some(void)
{
        holds_as(&hogs[0]);
}

static void holds_the_other(void)
{
        holds_as(&hogs[1]);
}

static struct hog *spawn_hog(void (*run)(void), struct hog *hog)
{
        cop_pid pid;
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = run, .no_preempt = true }, &pid), COP_OK);
        while (!cop__load_seq(&hog->is_there))
                sched_yield();
        return hog;
}

/* The first of two workers, with which this thread has its timers. */
static struct hog *hold_first_worker(void)
{
        struct hog *hog = spawn_hog(holds_some, &hogs[0]);
        if (cop__load_seq(&hog->worker) == 0)
                return hog;
        hog = spawn_hog(holds_the_other, &hogs[1]);
        ck_assert_uint_eq(cop__load_seq(&hog->worker), 0);
        cop__store_seq(&hogs[0].may_end, 1);
        return hog;
}

/* Another fires for it while it is held. For a moment it has no timer, as it looks how long it may sleep. */
IN_NODE_WITH(an_interval_goes_on_though_its_worker_has_gone_to_sleep_for_ever_in_the_middle_of_a_tick, .workers = 2)
{
        NEEDS_THREADS();
        cop_ref timer;
        struct hog *first = hold_first_worker();
        const struct cop__wheel *wheel = &node->scheduler.workers[0].wheel;
        cue_hold("timer.ticks");
        ck_assert_int_eq(cop_send_every(&timer, 1, cop_self(), tick, .number = 1), COP_OK);
        cue_await("timer.ticks");
        ck_assert_int_gt(cop_cancel(tick_after(FAR_MS, cop_self(), 2)), 0);
        ck_assert_uint_eq(cop__wheel_next(wheel), COP__WHEEL_NEVER);
        cop__store_seq(&first->may_end, 1);
        await_asleep((pid_t)cop__load_seq(&first->thread));
        cue_go("timer.ticks");
        for (int i = 0; i < 3; i++)
                await_and_drop(COP_KIND(tick));
        ck_assert_int_ge(cop_cancel(timer), 0);
}
