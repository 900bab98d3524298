/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* See blocking_pool.h. */
#include "scheduler/blocking_pool.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/limits.h"
#include "base/thread.h"

struct blocking_thread {
        struct cop__list list;
        pthread_t handle;
        struct cop__blocking_pool *pool;
        void *data;          /* the layer above's */
        struct cop__job *job; /* that runs; NULL: none does */
};

void cop__blocking_pool_init(struct cop__blocking_pool *pool, unsigned most,
                             const struct cop__blocking_hooks *hooks)
{
        pthread_condattr_t clock;
        pool->hooks = *hooks;
        pool->most = most;
        pthread_mutex_init(&pool->lock, NULL);
        pthread_condattr_init(&clock);
        pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
        pthread_cond_init(&pool->changed, &clock);
        pthread_condattr_destroy(&clock);
        cop__list_init(&pool->jobs);
        cop__list_init(&pool->ended);
}

/* ---- A thread ------------------------------------------------------------------------- */

/* False: it was a while, or the pool stops. Under the lock. */
static bool wait_for_job(struct cop__blocking_pool *pool)
{
        uint64_t until_ns = cop__clock_ns() + COP__BLOCKING_IDLE_MS * COP__NS_PER_MS;
        struct timespec until = { .tv_sec = (time_t)(until_ns / COP__NS_PER_S),
                                  .tv_nsec = (long)(until_ns % COP__NS_PER_S) };
        int waited = 0;
        pool->idle++;
        while (cop__list_is_empty(&pool->jobs) && !pool->stopping && waited != ETIMEDOUT)
                waited = pthread_cond_timedwait(&pool->changed, &pool->lock, &until);
        pool->idle--;
        return !cop__list_is_empty(&pool->jobs);
}

static void run_jobs(struct blocking_thread *thread)
{
        struct cop__blocking_pool *pool = thread->pool;
        while (!cop__list_is_empty(&pool->jobs) || wait_for_job(pool)) {
                struct cop__list *first = pool->jobs.next;
                struct cop__job *job = COP__CONTAINER(first, struct cop__job, list);
                cop__list_remove(first);
                pthread_mutex_unlock(&pool->lock);
                thread->job = job;
                job->run(job, thread->data);
                thread->job = NULL;
                job->done(job);
                pthread_mutex_lock(&pool->lock);
        }
}

static void *thread_main(void *argument);

/* Under the lock. */
static bool make_thread(struct cop__blocking_pool *pool)
{
        struct blocking_thread *thread = malloc(sizeof(*thread));
        if (thread == NULL)
                return false;
        *thread = (struct blocking_thread){ .pool = pool };
        bool made = cop__thread_begin(&thread->handle, thread_main, thread);
        if (made) {
                pool->count++;
                pool->made++;
        } else {
                free(thread);
        }
        return made;
}

/* The last look at the pool: who joins it waits for the thread itself. */
static void end_thread(struct blocking_thread *thread)
{
        struct cop__blocking_pool *pool = thread->pool;
        cop__list_push_back(&pool->ended, &thread->list);
        pthread_cond_broadcast(&pool->changed);
        pthread_mutex_unlock(&pool->lock);
}

static void serve(struct blocking_thread *thread);

/*
 * A job has ended the thread (pthread_exit), and so has ended itself. Those that wait get another thread, or this one once more, on what
 * is left of its stack.
 */
static void end_in_a_job(void *argument)
{
        struct blocking_thread *thread = argument;
        struct cop__blocking_pool *pool = thread->pool;
        struct cop__job *job = thread->job;
        if (job == NULL)
                return; /* one that served once more has ended already */
        pool->hooks.leave(thread->data);
        thread->data = NULL;
        thread->job = NULL;
        job->done(job);
        pthread_mutex_lock(&pool->lock);
        pool->count--;
        if (!cop__list_is_empty(&pool->jobs) && !make_thread(pool) && pool->count == 0) {
                pool->count++;
                serve(thread);
                return;
        }
        end_thread(thread);
}

/* Under the lock, which it gives back in the end. */
static void serve(struct blocking_thread *thread)
{
        struct cop__blocking_pool *pool = thread->pool;
        pthread_cleanup_push(end_in_a_job, thread);
        run_jobs(thread);
        pool->count--;
        pthread_mutex_unlock(&pool->lock);
        pthread_cleanup_pop(0);
        pool->hooks.leave(thread->data);
        pthread_mutex_lock(&pool->lock);
        end_thread(thread);
}

/* It is nobody's to cancel. */
static void *thread_main(void *argument)
{
        struct blocking_thread *thread = argument;
        int before;
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
        thread->data = thread->pool->hooks.enter();
        pthread_mutex_lock(&thread->pool->lock);
        serve(thread);
        return NULL;
}

/* ---- Those that have ended -------------------------------------------------------------- */

/* Under the lock, which it gives back meanwhile. */
static void join_ended(struct cop__blocking_pool *pool)
{
        while (!cop__list_is_empty(&pool->ended)) {
                struct cop__list *first = pool->ended.next;
                struct blocking_thread *thread = COP__CONTAINER(first, struct blocking_thread, list);
                cop__list_remove(first);
                pthread_mutex_unlock(&pool->lock);
                pthread_join(thread->handle, NULL);
                free(thread);
                pthread_mutex_lock(&pool->lock);
                pool->made--;
        }
}

void cop__blocking_pool_stop(struct cop__blocking_pool *pool)
{
        pthread_mutex_lock(&pool->lock);
        pool->stopping = true;
        pthread_cond_broadcast(&pool->changed);
        for (join_ended(pool); pool->made > 0; join_ended(pool))
                pthread_cond_wait(&pool->changed, &pool->lock);
        pthread_mutex_unlock(&pool->lock);
}

void cop__blocking_pool_fini(struct cop__blocking_pool *pool)
{
        cop__blocking_pool_stop(pool);
        pthread_cond_destroy(&pool->changed);
        pthread_mutex_destroy(&pool->lock);
}

/* ---- Jobs ---------------------------------------------------------------------------------- */

/* Jobs that wait already have first claim to the idle threads. Under the lock. */
static bool is_thread_needed(const struct cop__blocking_pool *pool)
{
        unsigned waiting = 1;
        for (const struct cop__list *at = pool->jobs.next; at != &pool->jobs && waiting <= pool->idle;
             at = at->next)
                waiting++;
        return waiting > pool->idle && pool->count < pool->most;
}

cop_status cop__blocking_pool_submit(struct cop__blocking_pool *pool, struct cop__job *job)
{
        pthread_mutex_lock(&pool->lock);
        join_ended(pool);
        if (is_thread_needed(pool) && !make_thread(pool) && pool->count == 0) {
                pthread_mutex_unlock(&pool->lock);
                return COP_E_SYSTEM;
        }
        cop__list_push_back(&pool->jobs, &job->list);
        pthread_cond_signal(&pool->changed);
        pthread_mutex_unlock(&pool->lock);
        return COP_OK;
}

unsigned cop__blocking_pool_count(struct cop__blocking_pool *pool)
{
        pthread_mutex_lock(&pool->lock);
        unsigned count = pool->count;
        pthread_mutex_unlock(&pool->lock);
        return count;
}
