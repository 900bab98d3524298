/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The scheduler's own source, word by word, for workers that are simulated (crowd.h) and counted (count/count.h). */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "bench/crowd/crowd.h"

/* Whoever waits for another lets it go on. */
#define sched_yield crowd_spin_pause
#define cop__spin_pause crowd_spin_pause
#define cop__spin_wait(looks) ((void)(looks), crowd_spin_pause())

#include "bench/count/count.h"
#include "scheduler/runqueue.h"

static uint32_t steal_counted(struct cop__runqueue *queue, struct cop__task **tasks, uint32_t room)
{
        uint32_t count = cop__runqueue_steal(queue, tasks, room);
        crowd_counts.steals += count > 0;
        crowd_counts.failed_steals += count == 0;
        return count;
}

#define cop__runqueue_steal steal_counted
#define cop__clock_ns crowd_clock_ns
#define cop__park_wait crowd_park_wait
#define cop__park_wake crowd_park_wake
#define cop__thread_begin crowd_thread_begin
#define pthread_join crowd_thread_join

#include "scheduler/company.c"
#include "scheduler/desk.c"
#include "scheduler/due.c"
#include "scheduler/ebb.c"
#include "scheduler/follow.c"
#include "scheduler/guest.c"
#include "scheduler/habits.c"
#include "scheduler/haul.c"
#include "scheduler/lookout.c"
#include "scheduler/loop.c"
#include "scheduler/pick.c"
#include "scheduler/pinned.c"
#include "scheduler/place.c"
#include "scheduler/quiet.c"
#include "scheduler/retreat.c"
#include "scheduler/runnable.c"
#include "scheduler/scheduler.c"
#include "scheduler/search.c"
#include "scheduler/shared.c"
#include "scheduler/sleep.c"
#include "scheduler/wake.c"
#include "scheduler/watch.c"

void *crowd_here(void)
{
        return cop__thread_here();
}

void crowd_set_here(void *thread)
{
        cop__thread_become(thread);
}
