/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The loop of a worker, and the stacks that it goes on on when a task blocks. scheduler.h says how.
 *
 * Who may touch what
 *      stack, spare, handed, after    the worker; `after` is called first thing on the context that was switched to
 *      task->stack                    whoever holds the task's run right
 *      a stack's escape               who runs on it
 */
#ifndef SCHEDULER_LOOP_H
#define SCHEDULER_LOOP_H

#include "scheduler/scheduler.h"

/* A stack with a loop on it that can be switched to; NULL without memory. */
struct cop__stack *cop__loop_take_stack(struct cop__worker *worker);

/* When its thread does not run, or does not run yet: both stacks go back. */
void cop__loop_give_up_stacks(struct cop__worker *worker);

#endif
