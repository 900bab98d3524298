/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A fence that one thread makes all others of the process pass: what lets the side that comes often do without one.
 *
 *      the one that comes often                    the one that comes rarely
 *      1 says that it is at work                   1 says that it comes
 *      2 (the compiler keeps the order)            2 cop__barrier_all: every thread passes a full fence
 *      3 looks whether the other comes             3 looks whether the first is at work
 *
 * Why not both miss the other: when the first's step 1 came before the fence that it is made to pass, the second sees it in its step 3.
 * When it came after, so did the first's step 3, which sees the second's step 1. There is no third case.
 * The model: tests/models/barrier.pml.
 *
 * The kernel may not have it, or forbid it, and ThreadSanitizer does not know it: then whoever would use it takes another way.
 */
#ifndef SCHEDULER_BARRIER_H
#define SCHEDULER_BARRIER_H

#include <stdbool.h>

/* Can it be used, here and now? To be asked before the first use. */
bool cop__barrier_is_there(void);

/* Costs some microseconds. True: done. */
bool cop__barrier_all(void);

#endif
