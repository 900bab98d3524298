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

#include "scheduler/pick.h"
#include "scheduler/scheduler.h"

/* A stack with a loop on it that can be switched to, where the worker has no spare one; NULL without memory. */
struct cop__stack *cop__loop_take_stack(struct cop__worker *worker);

/* When its thread does not run, or does not run yet: both stacks go back. */
void cop__loop_give_up_stacks(struct cop__worker *worker);

/* ---- The switch: compiled in where a task blocks, and where it goes on --------------------- */

/* First thing on a context that was switched to: what the one that was left asked for. */
COP__INLINE void cop__run_after(const struct cop__worker *worker)
{
        worker->after(worker->after_argument);
}

COP__INLINE void cop__switch_stack(struct cop__worker *worker, struct cop__stack *to, void (*after)(void *),
                                   void *argument)
{
        struct cop__stack *from = worker->stack;
        worker->stack = to;
        worker->after = after;
        worker->after_argument = argument;
        cop__context_switch(&from->context, &to->context);
        cop__run_after(cop__worker_here());
}

COP__INLINE struct cop__stack *cop__leave_stack_of(struct cop__task *task)
{
        struct cop__stack *stack = task->stack;
        task->stack = NULL;
        return stack;
}

/*
 * cop__block, compiled in for where most tasks block. The next task is picked before this stack is left: if it is blocked on a
 * stack too, the worker goes there in one switch, and otherwise to a loop on a spare stack that is handed the task.
 */
COP__INLINE bool cop__block_quickly(void (*after)(void *), void *argument)
{
        struct cop__worker *worker = cop__worker_here();
        struct cop__task *task = worker->thread.current;
        bool simulated = worker->thread.scheduler->hooks.simulation != NULL;
        struct cop__task *next = COP__UNLIKELY(simulated) ? NULL : cop__pick_here(worker);
        struct cop__stack *to = next != NULL ? cop__leave_stack_of(next) : NULL;
        if (to == NULL) {
                to = worker->spare;
                worker->spare = NULL;
                if (COP__UNLIKELY(to == NULL) && (to = cop__loop_take_stack(worker)) == NULL) {
                        if (next != NULL)
                                cop__schedule_later(worker->thread.scheduler, &worker->thread, next);
                        return false;
                }
                worker->handed = next;
                next = NULL;
        }
        cop__stop_searching(worker, true);
        task->stack = worker->stack;
        cop__store_release(&worker->thread.current, next); /* TURN */
        cop__switch_stack(worker, to, after, argument);
        return true;
}

#endif
