/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The lookout: while some workers are busy, one of the parked ones wakes up every millisecond (COP__LOOKOUT_NS). It searches,
 * takes what has lain on the desk of a worker that has been in one turn all that time (desk.h), and serves the timers of such a
 * worker. When nobody is busy there is no lookout, and an idle node uses no processor time at all.
 *
 * Who may touch what
 *      scheduler->lookout     0 → index + 1: who falls asleep; back to 0: the same, when it has looked. COP__WORKERS_MAX + 1: the watch
 *      turns_seen, seen_ns    of any worker: the lookout
 *      was_lookout            the worker
 */
#ifndef SCHEDULER_LOOKOUT_H
#define SCHEDULER_LOOKOUT_H

#include "scheduler/scheduler.h"

/* A worker that is about to sleep. True: it is the lookout, until `end`, which looks after the busy ones. */
bool cop__lookout_begin(struct cop__worker *worker);
void cop__lookout_end(struct cop__worker *worker);

/*
 * The watch, for as long as it looks after one of the busy ones itself; false: there is a lookout. Whoever has fallen asleep meanwhile has not become
 * one, and would sleep on: so one is woken.
 */
bool cop__lookout_stand_in(struct cop__scheduler *scheduler);
void cop__lookout_stood_in(struct cop__scheduler *scheduler);

/* Is there something that nobody would see to if this worker's next turn is a long one? */
bool cop__lookout_is_needed(const struct cop__worker *worker);

#endif
