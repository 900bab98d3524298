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
 *
 * Where it is taken away later, by a filter of system calls, there are those who count on it. Then the thread runs on each processor in
 * turn. Who ran there has made room for it, and the switch from one thread to another is a full fence of that processor; who has gone from
 * one that was still to be visited to one that had been was switched on the way, behind the fence by which the visit begins. On a processor that
 * the system refuses because the process may not run there is nobody to be told. That costs a switch for each processor.
 */
#ifndef SCHEDULER_BARRIER_H
#define SCHEDULER_BARRIER_H

#include <stdbool.h>

/* Does the kernel have it, here and now? To be asked before the first use. */
bool cop__barrier_is_there(void);

/* Costs some microseconds. False: neither way is there any more. */
bool cop__barrier_all(void);

#endif
