/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Threads for what blocks (scheduler/blocking_pool.h): two threads submit jobs, again and again, while those of the pool come, wait, have waited
 * for long enough and go. Under every schedule each job is run once and told of, also two of which one waits for the other, and all threads have ended
 * when the pool has stopped.
 */
#include <string.h>

#include "base/atomic.h"
#include "base/compiler.h"
#include "scheduler/blocking_pool.h"
#include "tests/explore/explore.h"

#define JOBS 2
#define ROUNDS 3

static struct work {
        struct cop__job job;
        unsigned begun, done;  /* atomic: how often */
        struct work *waits_for; /* it has begun as often when this one ends; NULL: nobody */
} works[JOBS];

static struct cop__blocking_pool pool;

static struct work *work_of(struct cop__job *job)
{
        return COP__CONTAINER(job, struct work, job);
}

static void await(unsigned *count, unsigned wanted)
{
        while (cop__load_seq(count) < wanted)
                explore_sleep(count, UINT64_MAX);
}

static void tell(unsigned *count)
{
        cop__add_seq(count, 1);
        explore_wake(count);
}

static void run_work(struct cop__job *job, void *unused)
{
        struct work *work = work_of(job);
        (void)unused;
        tell(&work->begun);
        EXPLORE_ASSERT(work->begun == work->done + 1);
        if (work->waits_for != NULL)
                await(&work->waits_for->begun, work->begun);
}

static void end_work(struct cop__job *job)
{
        tell(&work_of(job)->done);
}

static void *enter(void)
{
        return NULL;
}

static void leave(void *unused)
{
        (void)unused;
}

static const struct cop__blocking_hooks hooks = { .enter = enter, .leave = leave };

static void submits(void *argument)
{
        struct work *work = argument;
        for (unsigned round = 1; round <= ROUNDS; round++) {
                EXPLORE_ASSERT(cop__blocking_pool_submit(&pool, &work->job) == COP_OK);
                await(&work->done, round);
        }
}

static void run(unsigned most)
{
        cop__blocking_pool_init(&pool, most, &hooks);
        unsigned other = explore_thread(submits, &works[1]);
        submits(&works[0]);
        explore_join(other);
        cop__blocking_pool_fini(&pool);
        for (unsigned i = 0; i < JOBS; i++)
                EXPLORE_ASSERT(works[i].begun == ROUNDS && works[i].done == ROUNDS);
}

static void begin(void)
{
        memset(&pool, 0, sizeof(pool));
        memset(works, 0, sizeof(works));
        for (unsigned i = 0; i < JOBS; i++) {
                works[i].job.run = run_work;
                works[i].job.done = end_work;
        }
}

SCENARIO(one_thread_does_what_two_submit)
{
        begin();
        run(1);
}

SCENARIO(of_two_jobs_one_may_wait_for_the_other)
{
        begin();
        works[0].waits_for = &works[1];
        works[1].waits_for = &works[0];
        run(2);
}
