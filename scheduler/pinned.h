/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The tasks of a worker that were interrupted in the middle (detour.h), and so go on on its thread and no other.
 *
 * Who may touch what
 *      pinned, pinned_low, pinned_turns, pinned_at_ns    the worker
 *      pinned_count, resumed_turn                        the worker writes, the watch reads
 */
#ifndef SCHEDULER_PINNED_H
#define SCHEDULER_PINNED_H

#include "scheduler/scheduler.h"

/* The task that was interrupted the longest ago, a low one once in so many turns while there are others, or NULL; and the same only
 * if it has waited for COP__PINNED_WAIT_NS, for while others are there all the time. */
struct cop__task *cop__pinned_take(struct cop__worker *worker);
struct cop__task *cop__pinned_take_overdue(struct cop__worker *worker);

/* `task`, a cop__task: its stack has been left. */
void cop__pinned_put(void *task);

#endif
