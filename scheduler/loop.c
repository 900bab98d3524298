/* Copyright (c) 2026 The Coppice authors. MIT licence. */
#include "scheduler/loop.h"

#include "scheduler/due.h"
#include "scheduler/pick.h"
#include "scheduler/pinned.h"
#include "scheduler/simulation.h"

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
                        cop__store_release(&worker->thread.current, task); /* TURN */
                        worker->thread.scheduler->hooks.run(task);
                        worker = cop__worker_here();
                        cop__store_relaxed(&worker->thread.current, NULL);
                        task = cop__pick_or_wait(worker);
                }
                if (COP__UNLIKELY(task == NULL))
                        return;
                cop__store_release(&worker->thread.current, task); /* TURN */
                cop__switch_stack(worker, cop__leave_stack_of(task), give_stack, worker->stack);
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
                                            worker->thread.scheduler->hooks.simulation->outside);
                        continue;
                }
                cop__store_relaxed(&worker->thread.current, task);
                if (task->stack != NULL) {
                        cop__switch_stack(worker, cop__leave_stack_of(task), give_stack, worker->stack);
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
static COP__NOINLINE void loop(void *unused)
{
        struct cop__escape escape;
        (void)unused;
        escape.top = cop__stack_pointer();
        cop__worker_here()->stack->escape = &escape;
        if (cop__worker_here()->after != NULL) /* else its thread has just begun */
                cop__run_after(cop__worker_here());
        int how = COP__LAND(&escape.landing);
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
        struct cop__scheduler *scheduler = worker->thread.scheduler;
        struct cop__simulation *simulation = scheduler->hooks.simulation;
        if (simulation != NULL && cop__simulation_refuses(simulation))
                return NULL;
        struct cop__stack *stack = cop__stack_take(&scheduler->stacks);
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

bool cop__block(void (*after)(void *), void *argument)
{
        return cop__block_quickly(after, argument);
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
        cop__context_switch(simulation->outside, &worker->stack->context);
}
