/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The lookout: when a worker that has found something to do must see to it that there is one. */
#include "scheduler/lookout.h"

#include <string.h>

#include "base/clock.h"
#include "scheduler/scheduler.h"
#include "tests/suite.h"

#define WORKERS 4

static struct cop__scheduler scheduler;
static struct cop__worker workers[WORKERS];

/* Workers without threads, of which those with a bit sleep; the first one has found something, and asks. */
static bool is_needed(uint64_t asleep, uint32_t lookout)
{
        memset(&scheduler, 0, sizeof(scheduler));
        memset(workers, 0, sizeof(workers));
        scheduler.workers = workers;
        scheduler.worker_count = scheduler.reach = WORKERS;
        scheduler.idle = asleep;
        scheduler.lookout = lookout;
        scheduler.poll.epoll_fd = -1;
        for (unsigned i = 0; i < WORKERS; i++) {
                workers[i].index = i;
                workers[i].thread.scheduler = &scheduler;
                cop__wheel_init(&workers[i].wheel, cop__clock_ns());
        }
        return cop__lookout_is_needed(&workers[0]);
}

TEST(who_is_the_only_one_awake_needs_no_lookout)
{
        ck_assert(!is_needed(0xe, 0));
}

/* He may have put something on his desk while there was one, who was then woken for something else. */
TEST(while_another_is_awake_one_is_needed)
{
        ck_assert(is_needed(0xc, 0));
        ck_assert(is_needed(0x8, 0));
}

TEST(there_is_but_one)
{
        ck_assert(!is_needed(0xc, 3));
        ck_assert(!is_needed(0x8, 4));
}
