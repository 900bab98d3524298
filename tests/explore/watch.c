/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The watch falls asleep, and is woken (scheduler/watch.h). Its thread here counts its looks, and sleeps as the watch does, with a pause
 * in between. A task holds its worker until there has been a look since it began: under every schedule there is one, though whoever
 * puts the task wakes the worker alone.
 */
#include <string.h>

#include "base/clock.h"
#include "scheduler/shared.h"
#include "tests/explore/bare.h"
#include "tests/explore/explore.h"

#define ROUNDS 3

static struct cop__scheduler scheduler;
static struct cop__task task;
static unsigned looks, ended; /* atomic */

static void await(unsigned *count, unsigned number)
{
        while (cop__load_seq(count) < number)
                explore_sleep(count, UINT64_MAX);
}

static void tell_one_more(unsigned *count)
{
        cop__add_seq(count, 1);
        explore_wake(count);
}

static void is_watched(struct cop__task *unused)
{
        (void)unused;
        await(&looks, cop__load_seq(&looks) + 1);
        tell_one_more(&ended);
}

static const struct cop__scheduler_hooks hooks = { .run = is_watched, BARE_HOOKS };

static void watches(void *unused)
{
        static const char pause;
        (void)unused;
        while (!cop__load_seq(&scheduler.watch.stopping)) {
                tell_one_more(&looks);
                cop__watch_sleep(&scheduler.watch, UINT64_MAX);
                explore_sleep(&pause, cop__clock_ns() + COP__WATCH_NS);
        }
}

static unsigned begin(unsigned workers)
{
        memset(&task, 0, sizeof(task));
        task.priority = COP_PRIORITY_NORMAL;
        looks = ended = 0;
        explore_focus(false);
        EXPLORE_ASSERT(cop__scheduler_start(&scheduler, workers, 0, 0, &hooks, NULL) == COP_OK);
        scheduler.watch.scheduler = &scheduler;
        cop__park_init(&scheduler.watch.park);
        explore_focus(true);
        return explore_thread(watches, NULL);
}

static void end(unsigned watch)
{
        cop__store_seq(&scheduler.watch.stopping, 1);
        cop__park_wake(&scheduler.watch.park);
        explore_join(watch);
        explore_focus(false);
        cop__scheduler_stop(&scheduler);
}

static void run(unsigned workers)
{
        unsigned watch = begin(workers);
        for (unsigned round = 1; round <= ROUNDS; round++) {
                cop__shared_put(&scheduler, COP_PRIORITY_NORMAL, &task, &task, 1);
                await(&ended, round);
        }
        end(watch);
}

SCENARIO(a_worker_that_wakes_up_is_watched)
{
        run(1);
}

SCENARIO(whichever_of_two_workers_wakes_up_is_watched)
{
        run(2);
}
