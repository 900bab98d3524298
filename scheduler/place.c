/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A thread's place in a scheduler, and threads of the program that visit it.
 *
 * Who may touch what
 *      cop__thread_place    its own thread, which changes it only where it comes, goes or is forked
 *      a visitor's place    its own thread; init and fini any one, while nobody stands there
 *
 * A visitor joins the company (company.h) after its place is made and leaves it before the place is given up.
 */
#include "scheduler/scheduler.h"

#include <string.h>

COP__THREAD_LOCAL struct cop__thread *cop__thread_place;

#if !COP__PLACE_BY_ASSEMBLY
COP__NOINLINE struct cop__thread *cop__thread_here(void)
{
        /* The empty statement with a side effect keeps the compiler from folding two calls into one. */
        __asm__ __volatile__("" ::: "memory");
        return cop__thread_place;
}
#endif

void cop__thread_become(struct cop__thread *thread)
{
        cop__thread_place = thread;
        cop__stock_become(thread != NULL ? &thread->pool.stock : NULL);
        __asm__ __volatile__("" ::: "memory"); /* cop__thread_here reads it behind the compiler's back */
}

cop_status cop__visitor_enter(struct cop__scheduler *scheduler, struct cop__thread *thread)
{
        cop_status status = cop__visitor_init(scheduler, thread);
        if (status != COP_OK)
                return status;
        cop__company_join_visiting(&scheduler->company);
        cop__visitor_begin(thread);
        return COP_OK;
}

/* What a visitor has given back the watch has not seen, if it sleeps: it wakes for what workers do. */
static void tell_watch(struct cop__scheduler *scheduler)
{
        cop__fence_seq(); /* WATCH */
        if (COP__UNLIKELY(cop__load_seq(&scheduler->watch.asleep) != 0) && cop__ebb_is_due(scheduler))
                cop__watch_wake(&scheduler->watch);
}

void cop__visitor_leave(struct cop__thread *thread)
{
        struct cop__scheduler *scheduler = thread->scheduler;
        cop__visitor_end(thread);
        cop__company_leave_visiting(&scheduler->company);
        cop__visitor_fini(thread);
        tell_watch(scheduler);
}

void cop__visitor_step_out(struct cop__thread *thread)
{
        cop__company_leave_visiting(&thread->scheduler->company);
        tell_watch(thread->scheduler);
}

void cop__visitor_step_in(struct cop__thread *thread)
{
        cop__company_join_visiting(&thread->scheduler->company);
}

cop_status cop__visitor_init(struct cop__scheduler *scheduler, struct cop__thread *thread)
{
        memset(thread, 0, sizeof(*thread));
        thread->scheduler = scheduler;
        cop__pool_cache_init(&thread->pool, &scheduler->pool);
        cop_status status = scheduler->hooks.thread_init(thread);
        if (status != COP_OK)
                cop__pool_cache_fini(&thread->pool);
        return status;
}

void cop__visitor_fini(struct cop__thread *thread)
{
        thread->scheduler->hooks.thread_fini(thread);
        cop__pool_cache_fini(&thread->pool);
}

void cop__visitor_begin(struct cop__thread *thread)
{
        cop__thread_become(thread);
        thread->scheduler->hooks.thread_enter(thread);
}

void cop__visitor_end(struct cop__thread *thread)
{
        thread->scheduler->hooks.thread_leave(thread);
        cop__thread_become(NULL);
}
