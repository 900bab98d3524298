/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A scheduler begins and ends: its workers' places, then their threads; and where they have none, the simulation that stands
 * in for them.
 *
 * Who may touch what
 *      all of it but what follows    who starts it, before the first thread runs, and who stops it, after the last has ended
 *      a spare worker's place        the watch makes it, and shows it by `reach` (spare.h)
 *      stopping                      who stops it sets it; workers look before they sleep
 */
#define _GNU_SOURCE /* gettid */
#include "scheduler/scheduler.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/thread.h"
#include "scheduler/loop.h"
#include "scheduler/simulation.h"

/* A task has ended the thread that it runs on. What that was at stays half done: nobody can go on with it. */
static COP__COLD void end_without_thread(void *unused)
{
        (void)unused;
        fprintf(stderr,
                "your program: an actor has ended the thread of its worker (pthread_exit), which its node cannot do without, so the process "
                "ends; an actor ends by cop_exit, or when its function returns\n");
        abort();
}

static void *worker_main(void *argument)
{
        struct cop__worker *worker = argument;
        const struct cop__scheduler_hooks *hooks = &worker->thread.scheduler->hooks;
        cop__thread_become(&worker->thread);
        cop__store_relaxed(&worker->tid, (int)gettid());
        /* The kernel may let threads oversleep by 50 us, to wake several at once. A wheel knows when it wants to wake. */
        prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
        cop__join_company(worker);
        hooks->thread_enter(&worker->thread);
        cop__context_adopt(&worker->own);
        worker->after = NULL;
        pthread_cleanup_push(end_without_thread, NULL);
        cop__context_switch(&worker->own, &worker->stack->context);
        pthread_cleanup_pop(0);
        cop__context_fini(&worker->own);
        hooks->thread_leave(&worker->thread);
        cop__leave_company(worker);
        cop__thread_become(NULL);
        return NULL;
}

cop_status cop__launch_worker(struct cop__worker *worker)
{
        worker->started = cop__thread_begin(&worker->handle, worker_main, worker);
        return worker->started ? COP_OK : COP_E_SYSTEM;
}

/* All but the thread; safe for other workers to look at from then on. */
cop_status cop__open_worker(struct cop__scheduler *scheduler, unsigned index)
{
        struct cop__worker *worker = &scheduler->workers[index];
        memset(worker, 0, sizeof(*worker));
        worker->index = index;
        if (index >= scheduler->worker_count)
                worker->desk.guard = (uint8_t)cop__desk_guard_for(index + 1); /* a spare one has others beside it */
        worker->random = cop__clock_ns() ^ (UINT64_C(0x9e3779b97f4a7c15) * (index + 1));
        worker->thread.scheduler = scheduler;
        worker->thread.worker = worker;
        cop__park_init(&worker->park);
        cop__lock_init(&worker->expiring);
        cop__runqueue_init(&worker->ring, scheduler->habits.ring_size);
        worker->next_most = scheduler->habits.next_turns;
        cop__wheel_init(&worker->wheel, cop__clock_ns());
        worker->wheel.leave = scheduler->hooks.leave;
        worker->wheel.leave_context = scheduler->owner;
        worker->stack = cop__loop_take_stack(worker);
        if (worker->stack == NULL)
                return COP_E_NO_MEMORY;
        cop__pool_cache_init(&worker->thread.pool, &scheduler->pool);
        cop_status status = scheduler->hooks.thread_init(&worker->thread);
        if (status == COP_OK)
                return COP_OK;
        cop__pool_cache_fini(&worker->thread.pool);
        cop__loop_give_up_stacks(worker);
        return status;
}

static void fini_worker(struct cop__worker *worker)
{
        worker->thread.scheduler->hooks.thread_fini(&worker->thread);
        cop__loop_give_up_stacks(worker);
        cop__pool_cache_fini(&worker->thread.pool);
}

/* The starting thread stands in for those of the workers. */
static void start_simulation(struct cop__scheduler *scheduler)
{
        struct cop__simulation *simulation = scheduler->hooks.simulation;
        for (unsigned i = 0; i < scheduler->worker_count; i++) {
                struct cop__worker *worker = &scheduler->workers[i];
                worker->random = cop__random_next(&simulation->random);
                scheduler->hooks.thread_enter(&worker->thread);
        }
        cop__simulation_take(simulation, scheduler);
}

static void stop_simulation(struct cop__scheduler *scheduler)
{
        if (cop__simulated_of(scheduler->hooks.simulation, scheduler) != NULL)
                cop__simulation_let_go(scheduler->hooks.simulation, scheduler);
}

static cop_status start_workers(struct cop__scheduler *scheduler)
{
        for (unsigned i = 0; i < scheduler->worker_count; i++) {
                cop_status status = cop__open_worker(scheduler, i);
                if (status != COP_OK)
                        return status;
                cop__store_relaxed(&scheduler->reach, i + 1);
        }
        bool simulated = scheduler->hooks.simulation != NULL;
        cop__company_init(&scheduler->company, !simulated, scheduler->worker_count == 1 ? 0 : COP__SOLITUDE_NS);
        enum cop__desk_guard guard = cop__desk_guard_for(scheduler->worker_count);
        for (unsigned i = 0; i < scheduler->worker_count; i++)
                scheduler->workers[i].desk.guard = (uint8_t)guard;
        if (simulated) {
                start_simulation(scheduler);
                return COP_OK;
        }
        for (unsigned i = 0; i < scheduler->worker_count; i++)
                if (cop__launch_worker(&scheduler->workers[i]) != COP_OK)
                        return COP_E_SYSTEM;
        return COP_OK;
}

static void init_pool(struct cop__scheduler *scheduler)
{
        struct cop__simulation *simulation = scheduler->hooks.simulation;
        struct cop__pool_options options = { .magazine_max = COP__TINY ? 1 : 0 };
        if (simulation != NULL) {
                if (options.magazine_max == 0)
                        options.magazine_max = simulation->magazine_max;
                options.refuses = cop__simulation_refuses;
                options.context = simulation;
        }
        cop__pool_init(&scheduler->pool, &options);
}

cop_status cop__scheduler_start(struct cop__scheduler *scheduler, unsigned worker_count,
                                unsigned spare_count, size_t stack_size, const struct cop__scheduler_hooks *hooks,
                                void *owner)
{
        memset(scheduler, 0, sizeof(*scheduler));
        scheduler->hooks = *hooks;
        scheduler->habits = *cop__habits_of(hooks->simulation);
        scheduler->owner = owner;
        scheduler->worker_count = worker_count;
        scheduler->spare_count = spare_count;
        cop__lock_init(&scheduler->shared_lock);
        cop__quiet_init(&scheduler->quiet);
        cop__poll_init(&scheduler->poll);
        scheduler->ebb.period_ns = COP__EBB_NS;
        init_pool(scheduler);
        cop_status status = cop__stack_pool_init(&scheduler->stacks, stack_size);
        if (status != COP_OK) {
                cop__quiet_fini(&scheduler->quiet);
                cop__pool_fini(&scheduler->pool);
                return status;
        }
        size_t size = (worker_count + spare_count) * sizeof(struct cop__worker); /* touched as they begin */
        scheduler->workers = aligned_alloc(_Alignof(struct cop__worker), size);
        if (scheduler->workers == NULL) {
                cop__scheduler_stop(scheduler);
                return COP_E_NO_MEMORY;
        }
        status = start_workers(scheduler);
        if (status != COP_OK)
                cop__scheduler_stop(scheduler);
        return status;
}

void cop__scheduler_stop(struct cop__scheduler *scheduler)
{
        cop__watch_stop(&scheduler->watch);
        cop__store_seq(&scheduler->stopping, 1);
        if (scheduler->hooks.simulation != NULL)
                stop_simulation(scheduler);
        unsigned reach = cop__load_relaxed(&scheduler->reach); /* only the watch changes it */
        for (unsigned i = 0; i < reach; i++)
                if (scheduler->workers[i].started)
                        cop__park_wake(&scheduler->workers[i].park);
        for (unsigned i = 0; i < reach; i++)
                if (scheduler->workers[i].started)
                        pthread_join(scheduler->workers[i].handle, NULL);
        for (unsigned i = 0; i < reach; i++)
                fini_worker(&scheduler->workers[i]);
        free(scheduler->workers);
        cop__poll_fini(&scheduler->poll);
        cop__quiet_fini(&scheduler->quiet);
        cop__stack_pool_fini(&scheduler->stacks);
        cop__pool_fini(&scheduler->pool);
}
