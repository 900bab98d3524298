/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Sleep and wake (scheduler/wake.h), the whole of the scheduler with workers that are threads of the explorer. Under every
 * schedule each task that was put up is run, without anybody's coming to look by chance: a wake-up that is lost leaves the
 * workers and who waits for the task asleep, and that is the end of the schedule.
 *
 * So it is while the only worker is stuck in a turn and a spare one stands in for it (scheduler/spare.h); the scenario's own thread
 * then does what the watch does.
 */
#include <string.h>

#include "scheduler/guest.h"
#include "scheduler/lookout.h"
#include "scheduler/shared.h"
#include "tests/explore/bare.h"
#include "tests/explore/explore.h"

#define TASKS 6

struct job {
        struct cop__task task;
        unsigned left; /* how often it goes on by itself */
        unsigned begets; /* so many of those behind it, which have never run */
        const unsigned *awaits; /* it holds its worker until that many have ended */
        struct cop__task *lays; /* it puts that one up, and then it is stuck until the others have ended */
        unsigned runs;
};

static struct cop__scheduler scheduler;
static struct job jobs[TASKS];
static unsigned ended, expected;
static bool is_stuck;
static struct cop__worker *stuck; /* who is; it may be the spare */

static struct job *job_of(struct cop__task *task)
{
        return COP__CONTAINER(task, struct job, task);
}

static void again(void *argument)
{
        struct job *job = argument;
        cop__schedule_later(&scheduler, cop__thread_here(), &job->task);
}

static void end(void)
{
        cop__add_seq(&ended, 1);
        explore_wake(&ended);
}

/* As who waits in the system for what another one does. */
static void await(const unsigned *others)
{
        while (cop__load_seq(&ended) < *others)
                explore_sleep(&ended, UINT64_MAX);
}

/* What it has put up lies on its worker's desk until somebody else takes it. */
static void wait_for_laid(struct job *job)
{
        cop__schedule(&scheduler, cop__thread_here(), job->lays);
        await(job->awaits);
        end();
}

/* As who waits in the system: what it has put up lies on its worker's desk meanwhile. */
static void be_stuck(struct job *job)
{
        stuck = cop__thread_here()->worker;
        cop__schedule(&scheduler, cop__thread_here(), job->lays);
        cop__store_seq(&is_stuck, true);
        explore_wake(&is_stuck);
        while (cop__load_seq(&is_stuck))
                explore_sleep(&is_stuck, UINT64_MAX);
        end();
}

/* Some end at once, some are put up again, some block. */
static void run_job(struct cop__task *task)
{
        struct job *job = job_of(task);
        job->runs++;
        if (job->lays != NULL) {
                if (job->awaits != NULL)
                        wait_for_laid(job);
                else
                        be_stuck(job);
                return;
        }
        if (job->awaits != NULL)
                await(job->awaits);
        for (unsigned i = 1; i <= job->begets; i++)
                cop__schedule_fresh(&scheduler, cop__thread_here(), &job[i].task);
        job->begets = 0;
        while (job->left > 0) {
                job->left--;
                if (job->left % 2 == 0) {
                        cop__schedule_later(&scheduler, cop__thread_here(), task);
                        return;
                }
                cop__block(again, job);
        }
        end();
}

static const struct cop__scheduler_hooks hooks = { .run = run_job, BARE_HOOKS };

static void puts_normal(void *unused)
{
        (void)unused;
        for (unsigned i = 0; i < expected; i += 2)
                cop__schedule(&scheduler, NULL, &jobs[i].task);
}

static void puts_others(void *unused)
{
        (void)unused;
        for (unsigned i = 1; i < expected; i += 2)
                cop__schedule(&scheduler, NULL, &jobs[i].task);
}

/* Two threads put up all there are, which is the end of them and of the scheduler. */
static void run_all_from_outside(void)
{
        unsigned first = explore_thread(puts_normal, NULL);
        unsigned second = explore_thread(puts_others, NULL);
        while (cop__load_seq(&ended) < expected)
                explore_sleep(&ended, UINT64_MAX);
        explore_join(first);
        explore_join(second);
        explore_focus(false);
        cop__scheduler_stop(&scheduler);
        for (unsigned i = 0; i < expected; i++)
                EXPLORE_ASSERT(jobs[i].left == 0 && jobs[i].runs > 0);
}

static void run(unsigned workers, unsigned tasks, unsigned times)
{
        static const uint8_t others[] = { COP_PRIORITY_MAX, COP_PRIORITY_LOW, COP_PRIORITY_HIGH };
        memset(jobs, 0, sizeof(jobs));
        ended = 0;
        expected = tasks;
        for (unsigned i = 0; i < tasks; i++) {
                jobs[i].task.priority = i % 2 == 0 ? COP_PRIORITY_NORMAL : others[i / 2 % 3];
                jobs[i].left = times;
        }
        explore_focus(false);
        EXPLORE_ASSERT(cop__scheduler_start(&scheduler, workers, 0, 0, &hooks, NULL) == COP_OK);
        explore_focus(true);
        run_all_from_outside();
}

SCENARIO(a_worker_runs_one_task_from_each_of_two_threads)
{
        run(1, 2, 0);
}

SCENARIO(a_worker_runs_what_two_threads_put_at_odds)
{
        run(1, 3, 0);
}

SCENARIO(one_worker_runs_what_comes_from_outside)
{
        run(1, 4, 0);
}

SCENARIO(two_workers_run_all_tasks)
{
        run(2, TASKS, 0);
}

SCENARIO(three_workers_run_tasks_that_block_and_go_on)
{
        run(3, TASKS, 3);
}

/*
 * A worker's pile has its turns beside its ring. One whose pile gave way to the ring, which a thief had emptied meanwhile, fell asleep over
 * the pile, where nobody else looks.
 */
SCENARIO(a_worker_does_not_sleep_over_its_pile)
{
        memset(jobs, 0, sizeof(jobs));
        ended = 0;
        expected = TASKS;
        for (unsigned i = 0; i < TASKS; i++)
                jobs[i].task.priority = COP_PRIORITY_NORMAL;
        jobs[0].begets = TASKS - 1;
        jobs[0].left = jobs[1].left = jobs[2].left = 2; /* they go on from the ring */
        explore_focus(false);
        EXPLORE_ASSERT(cop__scheduler_start(&scheduler, 2, 0, 0, &hooks, NULL) == COP_OK);
        explore_focus(true);
        cop__schedule(&scheduler, NULL, &jobs[0].task);
        while (cop__load_seq(&ended) < expected)
                explore_sleep(&ended, UINT64_MAX);
        explore_focus(false);
        cop__scheduler_stop(&scheduler);
        for (unsigned i = 0; i < TASKS; i++)
                EXPLORE_ASSERT(jobs[i].left == 0 && jobs[i].runs > 0);
}

/*
 * Who is about to sleep looks once more, and may find two tasks: whoever put them saw it search, and woke nobody. One of the two holds its
 * worker until the other has ended.
 */
SCENARIO(who_finds_two_tasks_before_it_sleeps_tells_of_the_second)
{
        static const unsigned two = 2;
        memset(jobs, 0, sizeof(jobs));
        ended = 0;
        expected = 3;
        for (unsigned i = 0; i < expected; i++)
                jobs[i].task.priority = COP_PRIORITY_NORMAL;
        jobs[1].awaits = &two;
        jobs[1].task.next = &jobs[2].task;
        explore_focus(false);
        EXPLORE_ASSERT(cop__scheduler_start(&scheduler, 2, 0, 0, &hooks, NULL) == COP_OK);
        cop__schedule(&scheduler, NULL, &jobs[0].task);
        while (cop__load_seq(&ended) == 0)
                explore_sleep(&ended, UINT64_MAX);
        explore_focus(true); /* its worker searches now, and the other one sleeps */
        cop__shared_put(&scheduler, COP_PRIORITY_NORMAL, &jobs[1].task, &jobs[2].task, 2);
        while (cop__load_seq(&ended) < expected)
                explore_sleep(&ended, UINT64_MAX);
        explore_focus(false);
        cop__scheduler_stop(&scheduler);
}

/*
 * Workers that are aloof (scheduler/haul.h) are still woken for what comes through the queues that all share, and run what they have
 * themselves. Here they are so for good, unless they see each other stuck: nobody looks by chance.
 */
SCENARIO(aloof_workers_run_what_comes_from_outside)
{
        ended = 0;
        expected = TASKS;
        for (unsigned i = 0; i < TASKS; i++)
                jobs[i] = (struct job){ .task.priority = COP_PRIORITY_NORMAL, .left = 2 };
        explore_focus(false);
        EXPLORE_ASSERT(cop__scheduler_start(&scheduler, 2, 0, 0, &hooks, NULL) == COP_OK);
        while (cop__load_seq(&scheduler.idle) != 3 || cop__load_seq(&scheduler.lookout) != 0)
                explore_sleep(&expected, explore_clock_ns() + COP__LOOKOUT_NS); /* until both sleep for good */
        for (unsigned i = 0; i < 2; i++)
                scheduler.workers[i].haul.until_ns = UINT64_MAX;
        cop__store_seq(&scheduler.aloof, 3);
        explore_focus(true);
        run_all_from_outside();
}

/*
 * One of two workers sleeps, and the other one searches for a last time and falls asleep while the next task is put up. Nobody is at
 * work then, so no lookout would make up for it.
 */
SCENARIO(what_comes_while_the_last_of_two_workers_falls_asleep_is_run)
{
        memset(jobs, 0, sizeof(jobs));
        ended = 0;
        jobs[0].task.priority = COP_PRIORITY_NORMAL;
        explore_focus(false);
        EXPLORE_ASSERT(cop__scheduler_start(&scheduler, 2, 0, 0, &hooks, NULL) == COP_OK);
        explore_focus(true);
        for (unsigned round = 1; round <= 8; round++) {
                cop__shared_put(&scheduler, COP_PRIORITY_NORMAL, &jobs[0].task, &jobs[0].task, 1);
                while (cop__load_seq(&ended) < round)
                        explore_sleep(&ended, UINT64_MAX);
        }
        explore_focus(false);
        cop__scheduler_stop(&scheduler);
}

/* ---- Guests: scheduler/guest.h --------------------------------------------------------------------- */

/* The second of two workers, which sleep: what others send is for it, and nobody else looks there. */
static struct cop__worker *begin_host(unsigned tasks)
{
        memset(jobs, 0, sizeof(jobs));
        ended = 0;
        expected = tasks;
        for (unsigned i = 0; i < tasks; i++)
                jobs[i].task.priority = COP_PRIORITY_NORMAL;
        explore_focus(false);
        EXPLORE_ASSERT(cop__scheduler_start(&scheduler, 2, 0, 0, &hooks, NULL) == COP_OK);
        return &scheduler.workers[1];
}

SCENARIO(a_guest_that_comes_while_its_host_falls_asleep_is_run)
{
        struct cop__worker *host = begin_host(1);
        explore_focus(true);
        for (unsigned round = 1; round <= 8; round++) {
                cop__guest_put(host, &jobs[0].task);
                while (cop__load_seq(&ended) < round)
                        explore_sleep(&ended, UINT64_MAX);
        }
        explore_focus(false);
        cop__scheduler_stop(&scheduler);
}

static void sends_guests(void *first)
{
        for (unsigned i = *(unsigned *)first; i < expected; i += 2)
                cop__guest_put(&scheduler.workers[1], &jobs[i].task);
}

SCENARIO(guests_that_two_threads_send_are_all_run)
{
        static unsigned places[] = { 0, 1 };
        begin_host(4);
        explore_focus(true);
        unsigned one = explore_thread(sends_guests, &places[0]);
        unsigned two = explore_thread(sends_guests, &places[1]);
        while (cop__load_seq(&ended) < expected)
                explore_sleep(&ended, UINT64_MAX);
        explore_join(one);
        explore_join(two);
        explore_focus(false);
        cop__scheduler_stop(&scheduler);
        for (unsigned i = 0; i < expected; i++)
                EXPLORE_ASSERT(jobs[i].runs == 1);
}

static bool puts_on;

static void run_last(struct cop__task *task)
{
        struct cop__worker *worker = cop__thread_here()->worker;
        job_of(task)->runs++;
        if (task != &jobs[0].task)
                return;
        cop__store_seq(&puts_on, true);
        explore_wake(&puts_on);
        cop__guest_put(&scheduler.workers[1 - worker->index], &jobs[1].task);
}

/* As one that is dead and has slices of its end left: its host may have ended. */
SCENARIO(a_guest_that_comes_while_the_scheduler_stops_is_run)
{
        static const struct cop__scheduler_hooks last = { .run = run_last, BARE_HOOKS };
        memset(jobs, 0, sizeof(jobs));
        puts_on = false;
        jobs[0].task.priority = jobs[1].task.priority = COP_PRIORITY_NORMAL;
        explore_focus(false);
        EXPLORE_ASSERT(cop__scheduler_start(&scheduler, 2, 0, 0, &last, NULL) == COP_OK);
        explore_focus(true);
        cop__schedule(&scheduler, NULL, &jobs[0].task);
        while (!cop__load_seq(&puts_on))
                explore_sleep(&puts_on, UINT64_MAX);
        cop__scheduler_stop(&scheduler);
        EXPLORE_ASSERT(jobs[1].runs == 1);
}

/* ---- A spare worker ------------------------------------------------------------------------------- */

/* In the place of a lookout. */
static void relieve(struct cop__worker *worker)
{
        if (!cop__lookout_stand_in(&scheduler))
                return;
        cop__company_join(&scheduler.company);
        cop__relieve_worker(worker);
        cop__company_leave(&scheduler.company);
        cop__lookout_stood_in(&scheduler);
}

/* The watch looks: it asks for a spare, and takes what lies at the stuck worker's, whose desk it knows nobody is at. */
static void look_after_stuck(void)
{
        cop__spares_adjust(&scheduler, 1, true);
        if (cop__has_others(&scheduler) && !cop__desk_is_open(&stuck->desk)) {
                cop__desk_guard_on(&stuck->desk, true);
                cop__desk_guard_on(&stuck->desk, true);
        }
        relieve(stuck);
}

/* One task is stuck until all others, among them one that it has put up itself, have been run by the spare. */
static void be_stood_in_for(void)
{
        memset(jobs, 0, sizeof(jobs));
        ended = 0;
        expected = 4;
        is_stuck = false;
        jobs[0].lays = &jobs[1].task;
        for (unsigned i = 0; i < expected; i++)
                jobs[i].task.priority = COP_PRIORITY_NORMAL;
        cop__schedule(&scheduler, NULL, &jobs[0].task);
        while (!cop__load_seq(&is_stuck))
                explore_sleep(&is_stuck, UINT64_MAX);
        cop__schedule(&scheduler, NULL, &jobs[2].task);
        cop__guest_put(stuck->index == 0 ? stuck : &scheduler.workers[0], &jobs[3].task);
        while (cop__load_seq(&ended) < expected - 1) {
                look_after_stuck();
                explore_yield();
        }
        cop__store_seq(&is_stuck, false);
        explore_wake(&is_stuck);
        while (cop__load_seq(&ended) < expected)
                explore_sleep(&ended, UINT64_MAX);
        cop__spares_adjust(&scheduler, 0, false);
        for (unsigned i = 0; i < expected; i++)
                EXPLORE_ASSERT(jobs[i].runs == 1);
}

static void run_with_spare(unsigned times)
{
        explore_focus(false);
        EXPLORE_ASSERT(cop__scheduler_start(&scheduler, 1, 1, 0, &hooks, NULL) == COP_OK);
        explore_focus(true);
        for (unsigned i = 0; i < times; i++)
                be_stood_in_for();
        cop__scheduler_stop(&scheduler);
        EXPLORE_ASSERT(cop__load_relaxed(&scheduler.spares.at_work) <= 1);
}

static void looks_once(void *unused)
{
        (void)unused;
        relieve(&scheduler.workers[0]);
}

/*
 * The watch stands in for a lookout, for once, while one of two workers falls asleep. It is not to sleep on then: the other one waits for what lies on
 * its own desk.
 */
SCENARIO(who_falls_asleep_while_the_watch_looks_is_the_lookout_next)
{
        static const unsigned two = 2;
        memset(jobs, 0, sizeof(jobs));
        ended = 0;
        expected = 3;
        for (unsigned i = 0; i < expected; i++)
                jobs[i].task.priority = COP_PRIORITY_NORMAL;
        jobs[0].lays = &jobs[1].task;
        jobs[0].awaits = &two;
        explore_focus(false);
        EXPLORE_ASSERT(cop__scheduler_start(&scheduler, 2, 0, 0, &hooks, NULL) == COP_OK);
        explore_focus(true);
        unsigned watch = explore_thread(looks_once, NULL);
        cop__schedule(&scheduler, NULL, &jobs[2].task);
        cop__schedule(&scheduler, NULL, &jobs[0].task);
        while (cop__load_seq(&ended) < expected)
                explore_sleep(&ended, UINT64_MAX);
        explore_join(watch);
        explore_focus(false);
        cop__scheduler_stop(&scheduler);
}

SCENARIO(a_spare_runs_what_a_stuck_worker_leaves)
{
        run_with_spare(1);
}

/* Whoever sees that there is one more worker finds all of it. So often, and not until the rest is over: by priorities that might have no turn. */
static void looks_at_all_workers(void *unused)
{
        (void)unused;
        for (unsigned looks = 0; looks < 100; looks++) {
                uint32_t reach = cop__load_acquire(&scheduler.reach);
                for (uint32_t i = 0; i < reach; i++)
                        EXPLORE_ASSERT(cop__wheel_next(&scheduler.workers[i].wheel) == COP__WHEEL_NEVER);
        }
}

SCENARIO(a_spare_is_there_as_a_whole)
{
        explore_focus(false);
        EXPLORE_ASSERT(cop__scheduler_start(&scheduler, 1, 1, 0, &hooks, NULL) == COP_OK);
        explore_focus(true);
        unsigned looking = explore_thread(looks_at_all_workers, NULL);
        cop__spares_adjust(&scheduler, 1, true);
        cop__spares_adjust(&scheduler, 0, false);
        explore_join(looking);
        explore_focus(false);
        cop__scheduler_stop(&scheduler);
}

SCENARIO(a_spare_that_rested_stands_in_again)
{
        run_with_spare(2);
}
