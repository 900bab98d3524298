/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The run queue (scheduler/runqueue.h), two slots small: its owner pushes and pops, two thieves steal. Under every schedule
 * each task is had by one, and what a taker finds in a slot is a task that was put there.
 */
#include <string.h>

#include "scheduler/runqueue.h"
#include "tests/explore/explore.h"

#define TASKS 6

struct cop__task {
        unsigned had;
};

static struct cop__runqueue ring;
static struct cop__task tasks[TASKS];
static unsigned task_count;
static bool over;

static void have(struct cop__task *task)
{
        EXPLORE_ASSERT(task >= tasks && task < tasks + task_count);
        EXPLORE_ASSERT(task->had++ == 0);
}

static void steals(void *unused)
{
        struct cop__task *stolen[COP__RUNQUEUE_SIZE];
        (void)unused;
        while (!cop__load_relaxed(&over)) {
                uint32_t count = cop__runqueue_steal(&ring, stolen, COP__RUNQUEUE_SIZE);
                for (uint32_t i = 0; i < count; i++)
                        have(stolen[i]);
                if (count == 0)
                        explore_yield();
        }
}

static struct cop__task *pop(void)
{
        struct cop__task *task;
        return cop__runqueue_pull(&ring, &task, 1) > 0 ? task : NULL;
}

static void owns(void)
{
        struct cop__task *task;
        for (unsigned i = 0; i < task_count; i++) {
                while (!cop__runqueue_push(&ring, &tasks[i]))
                        if ((task = pop()) != NULL)
                                have(task);
        }
        while ((task = pop()) != NULL)
                have(task);
}

static void run(unsigned count, unsigned thieves)
{
        unsigned threads[2];
        memset(&ring, 0, sizeof(ring));
        cop__runqueue_init(&ring, COP__RUNQUEUE_SIZE);
        memset(tasks, 0, sizeof(tasks));
        task_count = count;
        over = false;
        for (unsigned i = 0; i < thieves; i++)
                threads[i] = explore_thread(steals, NULL);
        owns();
        cop__store_seq(&over, true);
        for (unsigned i = 0; i < thieves; i++)
                explore_join(threads[i]);
        for (unsigned i = 0; i < count; i++)
                EXPLORE_ASSERT(tasks[i].had == 1);
}

SCENARIO(each_task_is_had_by_one)
{
        run(TASKS, 2);
}

SCENARIO(three_tasks_and_a_thief)
{
        run(3, 1);
}
