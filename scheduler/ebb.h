/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Ebb: memory that a burst has left goes back to the system.
 *
 *      use     ▂▂▂▂▂▇▇▇▇▇▇▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂
 *      kept    ▂▂▂▂▂▇▇▇▇▇▇▇▇▇▇▇▇▇▂▂▂▂▂▂▂▂▂▂▂▂
 *                   |       |       |            an ebb each second, while anything is high
 *
 * Whoever keeps memory for the next (the pool, the slots above) notes the least that it has had at hand since the last ebb: so much
 * nobody has needed for COP__EBB_NS, and that goes. What a burst leaves is gone after two ebbs at most; one that comes
 * again sooner finds all that the last one had, and pays nothing.
 *
 * It is done by the thread of the watch, a little at a time between two looks at workers, which so pay nothing either. While there is
 * something to go, the watch wakes up once a second; when all has gone, an idle node sleeps again.
 *
 * A node without a watch (a simulated one) keeps what it has.
 */
#ifndef SCHEDULER_EBB_H
#define SCHEDULER_EBB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cop__scheduler;

/* The watch's alone, but for what is atomic. */
struct cop__ebb {
        uint64_t period_ns; /* atomic; from one to the next: COP__EBB_NS, or less where it is tested */
        uint64_t next_ns;  /* the next begins; 0: nothing was high at the last look */
        bool pool_goes;    /* one is under way: there, ... */
        bool upper_goes;   /* ... and in the layer above, while which that of the pool may begin again ... */
        uint32_t waited;   /* ... for it has waited for so many steps in a row */
        uint64_t returned; /* atomic; bytes that have gone since the scheduler began */
};

enum cop__ebb_state {
        COP__EBB_OVER = 0,
        COP__EBB_GOES,  /* there is more to do */
        COP__EBB_WAITS, /* for others, who may take long */
};

/* What else ebbs, of the layer above. On the watch's thread. */
struct cop__ebb_hooks {
        bool (*is_high)(void *owner); /* is there anything that may go one day? */
        void (*begin)(void *owner);
        enum cop__ebb_state (*go_on)(void *owner, size_t *bytes); /* a step; adds to *bytes what has gone */
};

/* Is there anything that a step would find? */
bool cop__ebb_is_due(struct cop__scheduler *scheduler);

/* A step of it; returns for how many nanoseconds nothing is to be done, UINT64_MAX: until there is work again. */
uint64_t cop__ebb_step(struct cop__scheduler *scheduler, uint64_t now_ns);

#endif
