/* Copyright (c) 2026 The Coppice authors. MIT licence. */
#include "scheduler/loop.h"

#include "scheduler/due.h"
#include "scheduler/pick.h"
#include "scheduler/pinned.h"
#include "scheduler/simulation.h"

/* First thing on a context that was switched to: what the one that was left asked for. */
static void run_after(struct cop__worker *worker)
{
        void (*after)(void *) = worker->after;
        worker->after = NULL;
        if (after != NULL)
                after(worker->after_argument);
}

/* A stack on which nothing but a loop rests: the worker's spare, or the pool's. */
static void give_stack(void *argument)
{
        struct cop__worker *worker = cop__worker_here();
        struct cop__stack *stack = argument;
        if (worker->spare == NULL)
                worker->spare = stack;
        else
                cop__stack_give(&worker->thread.scheduler->stacks, stack);
}

static void switch_stack(struct cop__worker *worker, struct cop__stack *to, void (*after)(void *),
                         void *argument)
{
        struct cop__stack *from = worker->stack;
        worker->stack = to;
        worker->after = after;
        worker->after_argument = argument;
        cop__context_switch(&from->context, &to->context);
        run_after(cop__worker_here());
}

static struct cop__stack *leave_stack_of(struct cop__task *task)
{
        struct cop__stack *stack = task->stack;
        task->stack = NULL;
        return stack;
}

/*
 * A worker's loop. It may begin on one thread and go on on another: the worker is asked for anew after each turn. What has been
 * handed over is for who comes from another stack: a turn that ends here leaves nothing to take.
 */
static COP__NOINLINE void run_tasks(void)
{
        for (;;) {
                struct cop__worker *worker = cop__worker_here();
                struct cop__task *task = cop__pick(worker);
                while (COP__LIKELY(task != NULL && task->stack == NULL)) {
                        cop__store_relaxed(&worker->thread.current, task);
                        worker->thread.scheduler->hooks.run(task);
                        worker = cop__worker_here();
                        cop__store_relaxed(&worker->thread.current, NULL);
                        task = cop__pick_or_wait(worker);
                }
                if (COP__UNLIKELY(task == NULL))
                        return;
                cop__store_relaxed(&worker->thread.current, task);
                switch_stack(worker, leave_stack_of(task), give_stack, worker->stack);
        }
}

/* The same in a simulation: the driver is asked for each task, by going back to it. It ends by never being gone on with. */
static COP__NORETURN void run_tasks_simulated(void)
{
        for (;;) {
                struct cop__worker *worker = cop__worker_here();
                struct cop__task *task = worker->handed;
                worker->handed = NULL;
                if (task == NULL) {
                        cop__context_switch(&worker->stack->context,
                                            &worker->thread.scheduler->hooks.simulation->outside);
                        continue;
                }
                cop__store_relaxed(&worker->thread.current, task);
                if (task->stack != NULL) {
                        switch_stack(worker, leave_stack_of(task), give_stack, worker->stack);
                } else {
                        worker->thread.scheduler->hooks.run(task);
                        cop__store_relaxed(&cop__worker_here()->thread.current, NULL);
                }
        }
}

static void end_turn_left(int how)
{
        struct cop__thread *thread = &cop__worker_here()->thread;
        thread->scheduler->hooks.left(thread->current, how);
        cop__store_relaxed(&cop__worker_here()->thread.current, NULL);
}

/* The bottom of a stack: where turns are left to, for as long as the loop runs on it. */
static void loop(void *unused)
{
        struct cop__escape escape;
        (void)unused;
        escape.top = cop__stack_pointer();
        cop__worker_here()->stack->escape = &escape;
        run_after(cop__worker_here());
        int how = _setjmp(escape.point);
        if (how != 0)
                end_turn_left(how);
        if (COP__UNLIKELY(cop__worker_here()->thread.scheduler->hooks.simulation != NULL))
                run_tasks_simulated();
        run_tasks();
        struct cop__worker *worker = cop__worker_here();
        cop__context_leave(&worker->stack->context, &worker->own);
}

struct cop__stack *cop__loop_take_stack(struct cop__worker *worker)
{
        struct cop__stack *stack = worker->spare;
        worker->spare = NULL;
        if (stack != NULL)
                return stack;
        struct cop__scheduler *scheduler = worker->thread.scheduler;
        struct cop__simulation *simulation = scheduler->hooks.simulation;
        if (simulation != NULL && cop__simulation_refuses(simulation))
                return NULL;
        stack = cop__stack_take(&scheduler->stacks);
        if (stack != NULL)
                cop__context_init(&stack->context, stack->low, stack->size, loop, NULL);
        return stack;
}

void cop__loop_give_up_stacks(struct cop__worker *worker)
{
        struct cop__stack_pool *stacks = &worker->thread.scheduler->stacks;
        cop__stack_give(stacks, worker->stack);
        if (worker->spare != NULL)
                cop__stack_give(stacks, worker->spare);
        worker->stack = worker->spare = NULL;
}

/*
 * The next task is picked before this stack is left: if it is blocked on a stack too, the worker goes there in one switch,
 * and otherwise to a loop on a spare stack that is handed the task.
 */
bool cop__block(void (*after)(void *), void *argument)
{
        struct cop__worker *worker = cop__worker_here();
        struct cop__task *task = worker->thread.current;
        bool simulated = worker->thread.scheduler->hooks.simulation != NULL;
        struct cop__task *next = COP__UNLIKELY(simulated) ? NULL : cop__pick_here(worker);
        struct cop__stack *to = next != NULL ? leave_stack_of(next) : NULL;
        if (to == NULL) {
                to = cop__loop_take_stack(worker);
                if (COP__UNLIKELY(to == NULL)) {
                        if (next != NULL)
                                cop__schedule_later(worker->thread.scheduler, &worker->thread, next);
                        return false;
                }
                worker->handed = next;
                next = NULL;
        }
        cop__stop_searching(worker, true);
        task->stack = worker->stack;
        cop__store_relaxed(&worker->thread.current, next);
        switch_stack(worker, to, after, argument);
        return true;
}

/* Timers first: one that is due may be why the task was interrupted, and is served in one turn of many only. */
bool cop__block_here(void)
{
        struct cop__worker *worker = cop__worker_here();
        cop__serve_timers(worker);
        return cop__block(cop__pinned_put, worker->thread.current);
}

void cop__worker_run(struct cop__worker *worker, struct cop__task *task)
{
        struct cop__simulation *simulation = worker->thread.scheduler->hooks.simulation;
        worker->handed = task;
        cop__context_switch(&simulation->outside, &worker->stack->context);
}
