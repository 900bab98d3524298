/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Habits: how much a node does at a time and how much it keeps at hand. Each is a limit of
 * base/limits.h, where its reason stands. A real node has the ordinary ones; a simulated one draws
 * others from its seed, so that full rings, shared queues and empty caches, which are rare, are
 * common in some of them.
 *
 *      1 <= each; ring_size, desk_few, slots_cached <= the ordinary one: the size of an array
 *      ring_size, timers_every, shared_every: powers of two; shared_every a multiple of timers_every
 *
 * Constant once the node has started.
 */
#ifndef SCHEDULER_HABITS_H
#define SCHEDULER_HABITS_H

#include <stdint.h>

struct cop__habits {
        /* The scheduler's. */
        uint32_t ring_size;    /* COP__RUNQUEUE_SIZE: tasks in a worker's own ring */
        uint32_t shared_batch; /* COP__SHARED_BATCH: that move from the shared queue to a ring */
        uint32_t desk_few;     /* COP__DESK_FEW: that a worker takes out of its ring */
        uint32_t next_turns;   /* COP__NEXT_TURNS: of the next slot in a row */
        uint32_t urgent_turns; /* COP__URGENT_TURNS: of urgent tasks in a row */
        uint32_t low_every;    /* COP__LOW_EVERY: of so many turns one is for a low task */
        uint32_t wander_every; /* COP__WANDER_EVERY: of so many tasks one goes to the shared queue */
        uint32_t timers_every; /* COP__TIMERS_EVERY: turns between two looks at the timers */
        uint32_t shared_every; /* COP__SHARED_EVERY: turns between two looks at the shared queue */
        /* The actors'. */
        uint32_t slots_cached; /* COP__SLOTS_CACHED: dead slots that a thread keeps */
        uint32_t slots_opened; /* COP__SLOTS_OPENED: slots that are opened at once */
        uint32_t death_slice;  /* COP__DEATH_SLICE: what a death does before others run */
        uint32_t holdings_batch; /* COP__HOLDINGS_BATCH: entries of the dead that go under one lock */
};

extern const struct cop__habits cop__habits_ordinary;

#endif
