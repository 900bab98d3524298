/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The arrival queue (mailbox/queue.h): two senders, one owner that does with each node whatever an owner may do.
 *
 * Under every schedule each node is taken once, in its sender's order; nobody writes to one that was freed or let go of; the
 * owner is scheduled only while it sleeps, once; and none is left lying while the owner sleeps, for then nobody could go on.
 */
#include <string.h>

#include "mailbox/queue.h"
#include "tests/explore/explore.h"

#define SENDERS 2
#define EACH 3
#define GONE ((struct cop__node *)(uintptr_t)0xbad)

struct item {
        struct cop__node node;
        unsigned sender, number;
        uint32_t content; /* atomic */
        bool taken, gone;
};

static struct world {
        struct cop__queue queue;
        struct cop__queue_cursor cursor;
        struct item items[SENDERS][EACH];
        unsigned each, taken[SENDERS], taken_count, rouses;
        uint32_t turns;    /* atomic; of the owner, as it leaves them to whoever takes its mark */
        uint32_t last_seq; /* of the node taken last */
        bool scheduled, running;
} world;

static struct item *item_of(struct cop__node *node)
{
        return COP__CONTAINER(node, struct item, node);
}

/* From here on it is its owner's memory, and a sender that writes to it is seen at the end. */
static void let_go(struct cop__node *node)
{
        struct item *item = item_of(node);
        EXPLORE_ASSERT(!item->gone);
        item->gone = true;
        node->next = GONE;
}

static void sends(void *argument)
{
        unsigned me = (unsigned)(uintptr_t)argument;
        for (unsigned i = 0; i < world.each; i++) {
                struct item *item = &world.items[me][i];
                item->sender = me;
                item->number = i;
                cop__store_relaxed(&item->content, me + i + 1);
                if (!cop__queue_push(&world.queue, &item->node))
                        continue;
                EXPLORE_SEES(world.turns);
                EXPLORE_ASSERT(!world.scheduled && !world.running);
                world.scheduled = true;
                explore_wake(&world.scheduled);
        }
}

/* The run right: given by the sender that took the mark, or taken back. */
static void become_owner(void)
{
        while (!world.running) {
                if (world.scheduled) {
                        world.scheduled = false;
                        world.running = true;
                } else if (world.rouses > 0) {
                        world.rouses--;
                        world.running = cop__queue_rouse(&world.queue);
                } else {
                        explore_sleep(&world.scheduled, UINT64_MAX);
                }
        }
}

/* It is linked to the one before: unless one of the two has been counted from a node that had no number, they are numbered in turn. */
static void expect_number(const struct cop__node *node, const struct cop__node *before)
{
        uint32_t seq = cop__load_relaxed(&node->seq);
        EXPLORE_ASSERT(before == NULL || (seq & 1) || (world.last_seq & 1) || seq == world.last_seq + 2);
        world.last_seq = seq;
}

static void handle(struct cop__node *node)
{
        struct item *item = item_of(node);
        EXPLORE_SEES(item->content);
        EXPLORE_ASSERT(!item->taken && item->number == world.taken[item->sender]);
        item->taken = true;
        world.taken[item->sender]++;
        world.taken_count++;
        switch (explore_random(3)) {
        case 0:
                return; /* kept, as in a mailbox */
        case 1:
                if (cop__queue_done(&world.cursor, node))
                        let_go(node);
                return;
        default:
                cop__queue_release(&world.queue, &world.cursor, node);
                let_go(node);
        }
}

static void owns(void)
{
        struct cop__node *passed, *node, *before;
        while (world.taken_count < SENDERS * world.each || world.running) {
                become_owner();
                while (before = world.cursor.node,
                       (node = cop__queue_next(&world.queue, &world.cursor, &passed)) != NULL) {
                        expect_number(node, before);
                        if (passed != NULL)
                                let_go(passed);
                        handle(node);
                }
                cop__store_relaxed(&world.turns, world.turns + 1);
                world.running = false; /* a sender may be quicker than the return */
                if (!cop__queue_sleep(&world.queue, &world.cursor, &passed)) {
                        world.running = true;
                        explore_yield();
                } else if (passed != NULL) {
                        let_go(passed);
                }
        }
}

static void run(unsigned each, unsigned rouses)
{
        unsigned threads[SENDERS];
        memset(&world, 0, sizeof(world));
        world.each = each;
        world.rouses = rouses;
        cop__queue_init(&world.queue);
        for (unsigned i = 0; i < SENDERS; i++)
                threads[i] = explore_thread(sends, (void *)(uintptr_t)i);
        owns();
        for (unsigned i = 0; i < SENDERS; i++)
                explore_join(threads[i]);
        EXPLORE_ASSERT(cop__queue_is_asleep(&world.queue) && !world.scheduled);
        for (unsigned i = 0; i < SENDERS * EACH; i++) {
                struct item *item = &world.items[i / EACH][i % EACH];
                EXPLORE_ASSERT(!item->gone || item->node.next == GONE);
        }
}

SCENARIO(what_two_senders_push_is_taken_once_and_in_order)
{
        run(EACH, 2);
}

SCENARIO(one_node_each_is_taken)
{
        run(1, 1);
}
