/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Threads for what blocks: functions that wait in the system, or in a library, for longer than a worker should.
 *
 *      submit ──► waiting jobs ──► a thread ──► run(job), done(job)
 *                                   │  ▲
 *                      a new one,   │  │ idle for COP__BLOCKING_IDLE_MS: it ends
 *                      up to a most └──┘
 *
 * A thread is made when a job finds no idle one, up to `most` at once; what comes beyond waits, first in first out. A thread that has
 * had nothing to do for a while ends, so that after a burst there are none. One that a job ends is over, and so is the job.
 *
 * All of it is under the lock, but for the hooks, which are constant, and a job while a thread has it. Whoever ended puts itself into `ended`, and
 * is joined by the next who comes by.
 */
#ifndef SCHEDULER_BLOCKING_POOL_H
#define SCHEDULER_BLOCKING_POOL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <coppice/status.h>

#include "base/list.h"

/* Embedded in what is to be done; the submitter's again once done(job) has been called. */
struct cop__job {
        struct cop__list list;
        void (*run)(struct cop__job *job, void *thread_data);
        void (*done)(struct cop__job *job);
};

/* What the layer above keeps for each thread; all on the thread itself. */
struct cop__blocking_hooks {
        void *(*enter)(void);          /* NULL: no memory; jobs are run without */
        void (*leave)(void *thread_data);
};

struct cop__blocking_pool {
        struct cop__blocking_hooks hooks;
        unsigned most;
        pthread_mutex_t lock;
        pthread_cond_t changed;
        struct cop__list jobs;  /* struct cop__job, that no thread has */
        struct cop__list ended; /* struct blocking_thread */
        unsigned count, idle;   /* threads that take jobs; those of them that wait for one */
        unsigned made;          /* threads that are not joined yet */
        bool stopping;
};

void cop__blocking_pool_init(struct cop__blocking_pool *pool, unsigned most,
                             const struct cop__blocking_hooks *hooks);

/* No job may come any more: does those that are there, and waits until the threads have ended. Doing it twice is harmless. */
void cop__blocking_pool_stop(struct cop__blocking_pool *pool);

/* The same, and the end of it. */
void cop__blocking_pool_fini(struct cop__blocking_pool *pool);

/* Errors: COP_E_SYSTEM, if there is no thread and none can be made; then the job is still the caller's. Threads: any. */
cop_status cop__blocking_pool_submit(struct cop__blocking_pool *pool, struct cop__job *job);

/* Threads that there are now. */
unsigned cop__blocking_pool_count(struct cop__blocking_pool *pool);

#endif
