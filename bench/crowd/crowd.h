/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Up to 64 workers on one thread: what is put in the place of threads, time and sleep when the scheduler is compiled here.
 *
 * A worker is a context (scheduler/context.h) with a clock of its own. The driver always goes on with the one whose clock is
 * furthest behind, so that all of them proceed side by side as on so many cores, always in the same way. A worker's clock moves when
 * it runs a turn, writes a cache line that another has written last, wakes another, or spins; it gives way before each atomic
 * operation that changes something (of those, one in eight), when it spins, when it sleeps, and after each turn. What is written
 * is counted by the means of count/count.h.
 *
 * What the machine takes is not measured but set: see the constants. So figures of time are a model's; counts are those of the
 * very source.
 */
#ifndef BENCH_CROWD_CROWD_H
#define BENCH_CROWD_CROWD_H

#include <pthread.h>

#include "base/clock.h"
#include "base/atomic.h"
#include "scheduler/park.h"

#define CROWD_MOVE_NS 100u   /* a cache line comes from another core */
#define CROWD_LOCKED_NS 6u   /* an atomic change of one's own line */
#define CROWD_SPIN_NS 40u
#define CROWD_WAKE_NS 2000u  /* what waking costs the waker ... */
#define CROWD_SLEEP_NS 8000u /* ... and how long until the sleeper runs */

/* What the crowd did since it was last cleared. */
struct crowd_counts {
        uint64_t locked, writes, moved;
        uint64_t wakes;         /* of a worker that slept */
        uint64_t futile_wakes;  /* ... and slept again without having run a task */
        uint64_t looks;         /* of a sleeper that woke by itself */
        uint64_t steals, failed_steals; /* looks into another's ring */
};
extern struct crowd_counts crowd_counts;

/* Nanoseconds of the worker that runs, or of the latest outside. */
uint64_t crowd_clock_ns(void);

/* In a turn: it takes so long, then others go on. */
void crowd_spend(uint64_t ns);

/* Outside of all workers: lets them go on until `holds(context)`. False: they all sleep for good, and it does not. */
bool crowd_run_until(bool (*holds)(const void *context), const void *context);

bool crowd_thread_begin(pthread_t *thread, void *(*main)(void *), void *argument);
int crowd_thread_join(pthread_t thread, void **result);
void crowd_park_wait(struct cop__park *park, uint32_t ticket, uint64_t deadline_ns);
void crowd_park_wake(struct cop__park *park);
void crowd_spin_pause(void);

/* The scheduler's own idea of the thread it is on; brought along at each switch. */
void *crowd_here(void);
void crowd_set_here(void *thread);

#endif
