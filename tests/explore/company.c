/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The only worker of a node and threads that come and go (scheduler/company.h), over a real arrival
 * queue. While it is alone the worker pushes to it and falls asleep at it by loads and stores; the
 * others join, push by an exchange, and leave. Under every schedule each node is taken once and in
 * its sender's order, and none is left lying while nobody is going to look.
 */
#include <string.h>

#include "mailbox/queue.h"
#include "scheduler/company.h"
#include "tests/explore/explore.h"

#define VISITORS 2
#define EACH 2

struct item {
        struct cop__node node;
        unsigned sender, number;
};

static struct world {
        struct cop__company company;
        struct cop__solitude solitude;
        struct cop__queue queue;
        struct cop__queue_cursor cursor;
        struct item items[VISITORS + 1][EACH];
        unsigned taken[VISITORS + 1], taken_count, all;
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
                if (cop__queue_push(&world.queue, &next_of(me, i)->node))
                        schedule();
                cop__company_leave(&world.company);
        }
}

static void push_as_worker(struct item *item)
{
        bool asleep;
        uint32_t seq;
        if (cop__alone_begin(&world.solitude)) {
                asleep = cop__queue_push_as(&world.queue, &item->node, true, &seq);
                cop__alone_end(&world.solitude);
        } else {
                asleep = cop__queue_push(&world.queue, &item->node);
        }
        if (asleep)
                schedule();
}

static bool fall_asleep(void)
{
        struct cop__node *passed;
        if (!cop__alone_begin(&world.solitude))
                return cop__queue_sleep(&world.queue, &world.cursor, &passed);
        bool asleep = cop__queue_sleep_as(&world.queue, &world.cursor, &passed, true);
        cop__alone_end(&world.solitude);
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

/* One turn of the queue's owner, which the worker runs. */
static void run_owner(void)
{
        world.scheduled = false;
        do {
                take_all();
                explore_yield();
        } while (!fall_asleep());
}

static void works(void)
{
        for (unsigned sent = 0; world.taken_count < world.all || sent < EACH;) {
                if (sent < EACH)
                        push_as_worker(next_of(0, sent++));
                if (world.scheduled)
                        run_owner();
                else if (sent == EACH && world.taken_count < world.all)
                        explore_sleep(&world.scheduled, UINT64_MAX);
        }
}

static void run(unsigned visitors)
{
        unsigned threads[VISITORS];
        memset(&world, 0, sizeof(world));
        cop__queue_init(&world.queue);
        cop__company_init(&world.company, &world.solitude);
        EXPLORE_ASSERT(world.solitude.alone);
        world.all = (visitors + 1) * EACH;
        for (unsigned i = 0; i < visitors; i++)
                threads[i] = explore_thread(visits, (void *)(uintptr_t)(i + 1));
        works();
        for (unsigned i = 0; i < visitors; i++)
                explore_join(threads[i]);
        EXPLORE_ASSERT(cop__queue_is_asleep(&world.queue) && world.solitude.alone);
}

SCENARIO(what_a_lonely_worker_and_its_visitors_push_is_taken_once)
{
        run(VISITORS);
}

SCENARIO(one_visitor_comes_and_goes)
{
        run(1);
}
