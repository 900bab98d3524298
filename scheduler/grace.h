/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A grace: the time after which no thread goes on with what it had looked up before.
 *
 *      who takes away            1 hides it: from here on a look does not find it
 *                                2 grace_begin: a fence that every thread must pass (barrier.h), then notes where each is
 *                                3 ... later, grace_is_over: each has been somewhere else since, and the fence again
 *                                4 takes it away
 *
 *      a worker's turn           ── looks ── uses what it found ──┤ next turn
 *
 * A thread uses what it has found of others' slots within one turn, or within one waking of a visitor: it never keeps such a pointer
 * while it waits. So it is enough that each worker has begun another turn, or slept, and that at some moment no visitor was awake.
 * Nobody is asked, and a turn costs nothing more than it did; but a worker in a long turn, or a thread of the program that
 * stays awake in here, makes a grace long.
 *
 * Why: what was looked up before the first fence was looked up in the turn that is noted, or before. When the number of turns has
 * changed, that turn is over, and after the second fence all that it wrote is there, for whoever comes after. A look that began after
 * the first fence sees what was hidden before it.
 *
 *      a worker sleeps      its bit is in `idle`, and after that was read it is not the lookout, who acts with its bit there
 *      a spare rests        its bit is in `resting`, and after that was read nobody is `firing`, as it is while it fires timers
 *
 * In both cases there was a moment between the two reads at which it did nothing. The watch is not looked at: the grace is its own.
 */
#ifndef SCHEDULER_GRACE_H
#define SCHEDULER_GRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"

struct cop__scheduler;

struct cop__grace {
        uint64_t workers; /* a bit for each that has not been elsewhere yet */
        bool visitors;    /* some may have been awake all the time */
        uint64_t turns[COP__WORKERS_MAX];
};

/* False: there is no such fence here, and never will be. */
bool cop__grace_begin(struct cop__scheduler *scheduler, struct cop__grace *grace);

/* On the thread of the watch, like begin. */
bool cop__grace_is_over(struct cop__scheduler *scheduler, struct cop__grace *grace);

#endif
