/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Workers that sleep and wake, and threads that come and go (scheduler/company.h), over a real arrival queue. A worker
 * that is alone pushes to it and falls asleep at it by loads and stores; the others have joined, and push by an exchange.
 * Under every schedule each node is taken once and in its sender's order, and none is left lying while nobody is going to look.
 */
#include <string.h>

#include "mailbox/queue.h"
#include "scheduler/company.h"
#include "tests/explore/explore.h"

#define WORKERS 2
#define VISITORS 2
#define SENDERS (WORKERS + VISITORS)
#define EACH 2

struct item {
        struct cop__node node;
        unsigned sender, number;
};

static struct world {
        struct cop__company company;
        struct worker {
                struct cop__solitude solitude;
                struct cop__membership membership;
        } workers[WORKERS];
        struct cop__queue queue;
        struct cop__queue_cursor cursor;
        struct item items[SENDERS][EACH];
        unsigned taken[SENDERS], taken_count, all;
        uint32_t alone; /* atomic: how often some worker has been, which it says then */
        bool scheduled;
} world;

static struct item *next_of(unsigned sender, unsigned number)
{
        struct item *item = &world.items[sender][number];
        item->sender = sender;
        item->number = number;
        return item;
}

static void schedule(void)
{
        EXPLORE_ASSERT(!world.scheduled);
        world.scheduled = true;
        explore_wake(&world.scheduled);
}

static void visits(void *argument)
{
        unsigned me = (unsigned)(uintptr_t)argument;
        for (unsigned i = 0; i < EACH; i++) {
                cop__company_join(&world.company);
                EXPLORE_SEES(world.alone);
                if (cop__queue_push(&world.queue, &next_of(me, i)->node))
                        schedule();
                cop__company_leave(&world.company);
        }
}

/* ---- A worker ------------------------------------------------------------------------------ */

static void join(struct worker *worker)
{
        cop__company_join_working(&world.company, &worker->membership, &worker->solitude);
        cop__company_claim(&world.company, &worker->membership, &worker->solitude);
}

static void push_as(struct worker *worker, struct item *item)
{
        bool asleep;
        uint32_t seq;
        if (cop__alone_begin(&worker->solitude)) {
                EXPLORE_SEES(world.alone);
                cop__store_relaxed(&world.alone, world.alone + 1);
                asleep = cop__queue_push_as(&world.queue, &item->node, true, &seq);
                cop__alone_end(&worker->solitude);
        } else {
                asleep = cop__queue_push(&world.queue, &item->node);
        }
        if (asleep)
                schedule();
}

static bool fall_asleep(struct worker *worker)
{
        struct cop__node *passed;
        if (!cop__alone_begin(&worker->solitude))
                return cop__queue_sleep(&world.queue, &world.cursor, &passed);
        bool asleep = cop__queue_sleep_as(&world.queue, &world.cursor, &passed, true);
        cop__alone_end(&worker->solitude);
        return asleep;
}

static void take_all(void)
{
        struct cop__node *passed, *node;
        while ((node = cop__queue_next(&world.queue, &world.cursor, &passed)) != NULL) {
                struct item *item = COP__CONTAINER(node, struct item, node);
                EXPLORE_ASSERT(item->number == world.taken[item->sender]);
                world.taken[item->sender]++;
                world.taken_count++;
        }
}

/* One turn of the queue's owner, if it is scheduled and nobody runs it yet. */
static bool run_owner(struct worker *worker)
{
        if (!world.scheduled)
                return false;
        world.scheduled = false;
        do {
                take_all();
                explore_yield();
        } while (!fall_asleep(worker));
        return true;
}

/* It has something of its own to do, or the owner to run; in between it sleeps, as one that is not waited for. */
static void works(void *argument)
{
        unsigned me = (unsigned)(uintptr_t)argument;
        struct worker *worker = &world.workers[me];
        unsigned sent = 0;
        while (world.taken_count < world.all || sent < EACH) {
                join(worker);
                if (sent < EACH)
                        push_as(worker, next_of(me, sent++));
                if (run_owner(worker))
                        continue;
                cop__company_leave_working(&world.company, &worker->membership);
                if (sent == EACH && !world.scheduled && world.taken_count < world.all)
                        explore_sleep(&world.scheduled, UINT64_MAX);
        }
        cop__company_leave_working(&world.company, &worker->membership);
        explore_wake(&world.scheduled); /* nobody need wait any more */
}

static void run(unsigned workers, unsigned visitors)
{
        unsigned threads[SENDERS], count = 0;
        memset(&world, 0, sizeof(world));
        cop__queue_init(&world.queue);
        cop__company_init(&world.company, true, 0);
        world.all = (workers + visitors) * EACH;
        join(&world.workers[0]);
        EXPLORE_ASSERT(world.workers[0].solitude.alone);
        for (unsigned i = 1; i < workers; i++)
                threads[count++] = explore_thread(works, (void *)(uintptr_t)i);
        for (unsigned i = 0; i < visitors; i++)
                threads[count++] = explore_thread(visits, (void *)(uintptr_t)(WORKERS + i));
        works(NULL);
        for (unsigned i = 0; i < count; i++)
                explore_join(threads[i]);
        EXPLORE_ASSERT(cop__queue_is_asleep(&world.queue));
        join(&world.workers[0]);
        EXPLORE_ASSERT(world.workers[0].solitude.alone && !world.workers[1].solitude.alone);
}

SCENARIO(what_a_lonely_worker_and_its_visitors_push_is_taken_once)
{
        run(1, VISITORS);
}

SCENARIO(one_visitor_comes_and_goes)
{
        run(1, 1);
}

SCENARIO(two_workers_are_alone_by_turns)
{
        run(2, 0);
}

SCENARIO(of_two_workers_and_a_visitor_one_may_be_alone)
{
        run(2, 1);
}
