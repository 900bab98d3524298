/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Sleep and wake (scheduler/scheduler.c), the whole of the scheduler with workers that are threads of the explorer. Under every
 * schedule each task that was put up is run, without anybody's coming to look by chance: a wake-up that is lost leaves the
 * workers and who waits for the task asleep, and that is the end of the schedule.
 */
#include <string.h>

#include "scheduler/scheduler.h"
#include "tests/explore/explore.h"

#define TASKS 6

struct job {
        struct cop__task task;
        unsigned left; /* how often it goes on by itself */
        unsigned runs;
};

static struct cop__scheduler scheduler;
static struct job jobs[TASKS];
static unsigned ended, expected;

static struct job *job_of(struct cop__task *task)
{
        return COP__CONTAINER(task, struct job, task);
}

static void again(void *argument)
{
        struct job *job = argument;
        cop__schedule_later(&scheduler, cop__thread_here(), &job->task);
}

/* Some end at once, some are put up again, some block. */
static void run_job(struct cop__task *task)
{
        struct job *job = job_of(task);
        job->runs++;
        while (job->left > 0) {
                job->left--;
                if (job->left % 2 == 0) {
                        cop__schedule_later(&scheduler, cop__thread_here(), task);
                        return;
                }
                cop__block(again, job);
        }
        if (cop__add_seq(&ended, 1) + 1 == expected)
                explore_wake(&ended);
}

static void leave(struct cop__timer *timer, void *owner)
{
        (void)timer;
        (void)owner;
}

static cop_status thread_init(struct cop__thread *thread)
{
        (void)thread;
        return COP_OK;
}

static void thread_other(struct cop__thread *thread)
{
        (void)thread;
}

static const struct cop__scheduler_hooks hooks = {
        .run = run_job,
        .leave = leave,
        .fire = leave,
        .thread_init = thread_init,
        .thread_fini = thread_other,
        .thread_enter = thread_other,
        .thread_leave = thread_other,
};

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
        unsigned first = explore_thread(puts_normal, NULL);
        unsigned second = explore_thread(puts_others, NULL);
        while (cop__load_seq(&ended) < expected)
                explore_sleep(&ended, UINT64_MAX);
        explore_join(first);
        explore_join(second);
        explore_focus(false);
        cop__scheduler_stop(&scheduler);
        for (unsigned i = 0; i < tasks; i++)
                EXPLORE_ASSERT(jobs[i].left == 0 && jobs[i].runs > 0);
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
