/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What has become due: timers, and what has happened in the world outside.
 *
 * Who may touch what
 *      a wheel        any thread arms and cancels, under the wheel's own lock (timer.h)
 *      expiring       who holds it serves the wheel: the worker itself, or the lookout or the watch in its place; who comes
 *                     second leaves it to the first
 *      the epoll      who sits in it (poll.h): a worker, or the watch in the place of busy ones
 *
 * Lock order: `expiring` of a worker, then what `fire` takes; the lock of a wheel, under which a task may be scheduled; then
 * shared_lock.
 */
#ifndef SCHEDULER_DUE_H
#define SCHEDULER_DUE_H

#include "scheduler/scheduler.h"

/* The worker. Tells the layer above of each of them. */
void cop__tell_ready(struct cop__worker *worker, const struct cop__poll_events *events);

/* What a busy worker does now and then, if no idle one waits in the epoll. */
void cop__look_outside(struct cop__worker *worker);

/* What the watch does when no worker is idle, and some are long in one turn. */
void cop__look_outside_for_workers(struct cop__scheduler *scheduler);

#endif
