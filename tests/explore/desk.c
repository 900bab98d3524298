/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A worker's desk (scheduler/desk.h): its owner lays tasks there and takes them, in the next slot, on the pile and among the few of the ring, and a
 * raider comes again and again. Under every schedule each task is had by one of them, however the desk is guarded.
 */
#include <string.h>

#include "scheduler/desk.h"
#include "tests/explore/explore.h"

#define TASKS 5

static struct cop__desk desk;
static struct cop__task tasks[TASKS];
static unsigned had[TASKS];
static unsigned task_count;
static bool over;

static void have(struct cop__task *task)
{
        EXPLORE_ASSERT(task >= tasks && task < tasks + task_count);
        EXPLORE_ASSERT(had[task - tasks]++ == 0);
}

static void raid(void)
{
        struct cop__task *raided[1 + COP__DESK_FEW];
        struct cop__task_list pile;
        uint32_t count = cop__desk_raid(&desk, raided, &pile);
        for (uint32_t i = 0; i < count; i++)
                have(raided[i]);
        for (struct cop__task *task = pile.first; task != NULL; task = task->next)
                have(task);
}

static void raids(void *unused)
{
        (void)unused;
        while (!cop__load_relaxed(&over)) {
                raid();
                explore_yield();
        }
}

/* As what was pulled out of the ring is laid there, where nothing is left of that. */
static void lay(struct cop__task *task)
{
        bool guarded = cop__desk_come(&desk);
        desk.few_at = 0;
        desk.few[0] = task;
        cop__store_relaxed(&desk.few_count, 1);
        cop__desk_leave(&desk, guarded);
}

static void take(void)
{
        struct cop__task *task = cop__desk_take(&desk);
        if (task != NULL)
                have(task);
}

static void begin(void)
{
        struct cop__task *task = cop__desk_begin(&desk);
        if (task != NULL)
                have(task);
}

static void wake(struct cop__task *task)
{
        struct cop__task *displaced = cop__desk_swap(&desk, task);
        if (displaced != NULL)
                have(displaced);
}

static void owns(void)
{
        for (unsigned i = 0; i < task_count; i++) {
                if (i % 3 == 0) {
                        wake(&tasks[i]);
                } else if (i % 3 == 1) {
                        take();
                        lay(&tasks[i]);
                } else {
                        cop__desk_pile(&desk, &tasks[i]);
                }
        }
        take();
        wake(NULL);
        begin();
}

static void run(enum cop__desk_guard guard, unsigned count)
{
        memset(&desk, 0, sizeof(desk));
        memset(tasks, 0, sizeof(tasks));
        memset(had, 0, sizeof(had));
        desk.guard = (uint8_t)guard;
        task_count = count;
        over = false;
        unsigned raider = explore_thread(raids, NULL);
        owns();
        cop__store_seq(&over, true);
        explore_join(raider);
        EXPLORE_ASSERT(cop__desk_is_empty(&desk));
        for (unsigned i = 0; i < count; i++)
                EXPLORE_ASSERT(had[i] == 1);
}

/* ---- A guard that begins ------------------------------------------------------------------- */

static uint64_t elsewhere; /* how often its owner has been seen so */

static void guards_and_raids(void *unused)
{
        (void)unused;
        uint64_t seen = 0;
        for (unsigned looks = 0; !cop__load_seq(&over); looks++) {
                bool is_open = cop__desk_is_open(&desk);
                if (!is_open && cop__desk_guard_on(&desk, cop__load_seq(&elsewhere) != seen))
                        seen = cop__load_seq(&elsewhere);
                if (is_open)
                        raid();
                if (looks > 2) /* the first ones may all come while the owner is at one thing */
                        explore_yield();
        }
}

/* Its owner has been alone with it so far, and may be in the middle of something. */
SCENARIO(a_desk_whose_guard_begins_is_raided_when_its_owner_was_elsewhere)
{
        memset(&desk, 0, sizeof(desk));
        memset(tasks, 0, sizeof(tasks));
        memset(had, 0, sizeof(had));
        task_count = 3;
        over = false;
        elsewhere = 0;
        unsigned raider = explore_thread(guards_and_raids, NULL);
        for (unsigned i = 0; i < task_count; i++) {
                wake(&tasks[i]);
                cop__add_relaxed(&elsewhere, 1);
        }
        take();
        wake(NULL);
        begin();
        cop__store_seq(&over, true);
        explore_join(raider);
        EXPLORE_ASSERT(cop__desk_is_empty(&desk));
        for (unsigned i = 0; i < task_count; i++)
                EXPLORE_ASSERT(had[i] == 1);
}

static void guards(void *unused)
{
        (void)unused;
        uint64_t seen = 0;
        while (!cop__load_seq(&over)) {
                if (!cop__desk_is_open(&desk) && cop__desk_guard_on(&desk, cop__load_seq(&elsewhere) != seen))
                        seen = cop__load_seq(&elsewhere);
                explore_yield();
        }
}

static void raids_if_open(void *unused)
{
        (void)unused;
        while (!cop__load_seq(&over))
                if (cop__desk_is_open(&desk))
                        raid();
                else
                        explore_yield();
}

/* The raider is not who guards it. */
SCENARIO(whoever_finds_a_guard_finds_the_desk_shut)
{
        memset(&desk, 0, sizeof(desk));
        memset(tasks, 0, sizeof(tasks));
        memset(had, 0, sizeof(had));
        task_count = 3;
        over = false;
        elsewhere = 0;
        unsigned guard = explore_thread(guards, NULL), raider = explore_thread(raids_if_open, NULL);
        for (unsigned i = 0; i < task_count; i++) {
                wake(&tasks[i]);
                cop__add_relaxed(&elsewhere, 1);
        }
        take();
        wake(NULL);
        begin();
        cop__store_seq(&over, true);
        explore_join(guard);
        explore_join(raider);
        EXPLORE_ASSERT(cop__desk_is_empty(&desk));
        for (unsigned i = 0; i < task_count; i++)
                EXPLORE_ASSERT(had[i] == 1);
}

SCENARIO(a_task_on_the_desk_is_had_by_its_owner_or_a_raider)
{
        run(COP__DESK_BARRIER, TASKS);
}

SCENARIO(so_it_is_with_a_lock)
{
        run(COP__DESK_LOCK, TASKS);
}

SCENARIO(two_tasks_and_a_raider)
{
        run(COP__DESK_BARRIER, 2);
}
