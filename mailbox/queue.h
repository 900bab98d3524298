/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The arrival queue: many senders, one owner, one atomic exchange for each send.
 *
 * The idea. `tail` is either the newest node or an IDLE mark (low bit 1). A sender
 * exchanges itself into `tail`, and what it gets out tells it everything:
 *
 *      a node   -> the queue was not empty: link that node's `next` to mine, done.
 *      a mark   -> the owner is asleep and nobody has woken it: publish myself in `head`,
 *                  and schedule the owner. Exactly one sender sees each mark.
 *
 *        head ──► (A) ──next──► (B) ──next──► (C) ◄── tail
 *                  ▲ the owner takes nodes from here     ▲ senders exchange here
 *
 * The owner walks from `head` along `next`. It keeps `cursor`, the last node it took: the one
 * whose `next` it will look at for more. Such a node may have been handled, but a sender may still be
 * about to write its `next`, so its memory stays until a successor is seen or the queue goes idle.
 *
 * Going idle is one compare-and-swap of `tail` from the cursor to a mark. If it fails, a sender has
 * come and the owner goes on. So an actor costs one exchange for each message sent to it and one
 * compare-and-swap for each time that it falls asleep, and nothing else.
 *
 * Now and then the owner needs the cursor's node for something else (to keep it, to send it on). Then it lets go of
 * it with the other mark, AWAKE: the queue is empty, but its owner is up, so the next sender publishes itself in
 * `head` and schedules nobody. A sleeping owner whose time is over takes its mark back in the same way.
 *
 * Who may touch what
 *      tail       senders: exchange; owner: compare-and-swap to a mark, asleep to awake; anybody: read, as advice
 *      head       the one sender that got a mark: store; owner: load, clear, and put back what it let go of
 *      node.next  the one sender that got the node out of `tail`: store; owner: load
 *      node.seq   the sender before it shows the node (no number), and before it publishes it; anybody: read, as advice
 *      cursor      the owner; its node: anybody reads, as advice
 * "The owner" is whoever holds the run right, and the run right is what a mark stands for: the sender that
 * gets the mark holds it and hands it on by scheduling the owner; compare-and-swap to a mark gives it up.
 *
 * Named pairs (release ↔ acquire)
 *      LINK   store of `next` or `head`  ↔  the owner's load of it: the message's contents are visible.
 *      SLEEP  compare-and-swap to a mark ↔  the exchange that takes the mark: all the owner did, on whatever
 *             thread, happened before the sender's store to `head` and before the next run.
 *      CHAIN  exchange that takes a node ↔  the exchange that put it: the node is one of this queue, and stays (see above).
 *
 * What can be seen half done. Between its exchange and its store a sender has a node in `tail` that the owner
 * cannot reach: next() says "nothing yet" and sleep() fails. The owner is then neither empty nor able to go on;
 * it must come back later, which costs a turn and is harmless: the sender is two instructions from done.
 *
 * Wait-free for senders: no failure, and no loop but the bounded one for a number, below. The owner's operations do not wait
 * either, but for release(), which may
 * meet the two instructions above and spins for them; if the sender is not even running, it offers it the core.
 *
 * Counting. Each node bears `seq`, twice its number: one more than that of the node before it, or 1 behind a mark. So how many have
 * arrived since the last one taken is known from it and from `tail`: no counter is written by senders. A node has no number between
 * its sender's exchange and store, and says so by 1. Who comes meanwhile looks again for a microsecond or two, since with
 * senders on two cores that happens once in fifty messages; if it still has none, its sender has lost its core just then, and
 * who comes counts from there, and numbers are odd until the next mark: so many at least. For that one sender, with its node, the rest can be said to be behind.
 *
 * Alone. An owner that knows that no other thread is at any queue (scheduler/company.h) does the exchange and the compare-and-swap as
 * a load and a store; the rest is the same. The functions say so by a constant.
 *
 * The exchange-and-link queue is D. Vyukov's intrusive many-to-one queue; telling the sender through the
 * exchange that the owner sleeps is S. Clebsch's (Pony). The mark without a stub node, so that an idle actor holds
 * no message, is ours.
 */
#ifndef MAILBOX_QUEUE_H
#define MAILBOX_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"
#include "base/cue.h"

struct cop__node {
        struct cop__node *next; /* written once by the sender that found this node in `tail` */
        uint32_t seq;           /* twice its number since the last mark, from 1, wrapping; odd: since a node that had none */
        uint32_t generation;    /* of the addressee: a reused slot drops what was meant for another */
};

struct cop__queue {
        uintptr_t tail;         /* a node, or a mark: empty */
        struct cop__node *head; /* the first node after a mark, until the owner has taken it */
};

/* The owner's place in the queue. Kept apart: senders' lines should not hold what only the owner writes. */
struct cop__queue_cursor {
        struct cop__node *node; /* last taken, its `next` not yet followed; NULL: look at `head`. Others read it as advice */
        bool done;              /* the owner has no use for it: free it when passing on */
};

#define COP__QUEUE_MARK ((uintptr_t)1) /* set in both marks, and in no node's address */
#define COP__QUEUE_ASLEEP ((uintptr_t)1)
#define COP__QUEUE_AWAKE ((uintptr_t)3)

#define COP__QUEUE_NO_NUMBER 1u /* of a node that is not numbered yet; each one behind it has two more */
#define COP__QUEUE_LOOKS 64u    /* at such a node: its sender is two stores and the fetching of a line from the number */

/* Of a node whose seq that is: is its number a multiple of a power of two? */
COP__INLINE bool cop__queue_is_each(uint32_t seq, uint32_t power)
{
        return (seq & (2 * power - 2)) == 0;
}

/* How many have come after the one whose seq is `from`, at least; wrong only while both count from nodes without numbers. */
COP__INLINE uint32_t cop__queue_count(uint32_t from, uint32_t to)
{
        bool apart = (to & 1) > (from & 1) || (to & 1 && (int32_t)(to - from) < 0);
        return apart ? to / 2 : (uint32_t)((int32_t)(to - from) / 2);
}

/* An empty queue whose owner sleeps. Plain stores: nobody else may know the queue yet. */
static inline void cop__queue_init(struct cop__queue *queue)
{
        cop__store_relaxed(&queue->tail, COP__QUEUE_ASLEEP);
        cop__store_relaxed(&queue->head, (struct cop__node *)NULL);
}

COP__INLINE uintptr_t cop__queue_swap_alone(struct cop__queue *queue, uintptr_t tail)
{
        uintptr_t before = cop__load_relaxed(&queue->tail);
        cop__store_relaxed(&queue->tail, tail);
        return before;
}

/* The number of the node before one's own, which is not linked to it yet, so that it stays. */
static COP__NOINLINE uint32_t cop__queue_await_number(const struct cop__node *previous)
{
        uint32_t seq = COP__QUEUE_NO_NUMBER;
        for (unsigned looks = 0; looks < COP__QUEUE_LOOKS && seq == COP__QUEUE_NO_NUMBER; looks++) {
                COP__CUE("queue.no_number");
                cop__spin_pause();
                seq = cop__load_relaxed(&previous->seq);
        }
        return seq;
}

/*
 * Any thread. Returns true when the caller has taken the mark: it must schedule the owner. The node belongs to the
 * owner from the exchange on. *seq takes the node's number, which is advice as in the node.
 */
COP__INLINE bool cop__queue_push_as(struct cop__queue *queue, struct cop__node *node, bool alone,
                                    uint32_t *seq)
{
        /* The node is not visible yet; the store that publishes it (LINK) orders this one, and CHAIN the other. */
        node->next = NULL;
        if (!alone) /* else nobody comes before it has one */
                cop__store_relaxed(&node->seq, COP__QUEUE_NO_NUMBER);
        /* Acquire: SLEEP and CHAIN. Release: CHAIN, for whoever takes this node out of `tail`. */
        uintptr_t before = alone ? cop__queue_swap_alone(queue, (uintptr_t)node)
                                 : cop__exchange_acq_rel(&queue->tail, (uintptr_t)node);
        if (before & COP__QUEUE_MARK) {
                *seq = 2;
                cop__store_relaxed(&node->seq, *seq);
                cop__store_release(&queue->head, node); /* LINK */
                return before == COP__QUEUE_ASLEEP;
        }
        struct cop__node *previous = (struct cop__node *)before;
        /* `previous` stays until its `next` is seen, so reading it is safe here and not after. */
        uint32_t number = cop__load_relaxed(&previous->seq);
        if (COP__UNLIKELY(number == COP__QUEUE_NO_NUMBER))
                number = cop__queue_await_number(previous);
        *seq = number + 2;
        cop__store_relaxed(&node->seq, *seq);
        cop__store_release(&previous->next, node); /* LINK */
        return false;
}

COP__INLINE bool cop__queue_push(struct cop__queue *queue, struct cop__node *node)
{
        uint32_t seq;
        return cop__queue_push_as(queue, node, false, &seq);
}

/*
 * Owner. The next node that has arrived, or NULL when none can be reached. *passed takes the node that the
 * cursor has moved off and that was done with (see cop__queue_done), for the caller to free, or NULL.
 */
COP__INLINE struct cop__node *cop__queue_next(struct cop__queue *queue,
                                              struct cop__queue_cursor *cursor,
                                              struct cop__node **passed)
{
        struct cop__node *node;
        *passed = NULL;
        if (cursor->node == NULL) {
                node = cop__load_acquire(&queue->head); /* LINK */
                if (node == NULL)
                        return NULL;
                /* Only the taker of the next mark stores here again, and it acquires (SLEEP) after our release. */
                cop__store_relaxed(&queue->head, (struct cop__node *)NULL);
        } else {
                node = cop__load_acquire(&cursor->node->next); /* LINK */
                if (node == NULL)
                        return NULL;
                if (cursor->done)
                        *passed = cursor->node;
        }
        cop__store_relaxed(&cursor->node, node);
        cursor->done = false;
        return node;
}

/* Owner. What next() would find, to look at; NULL: nothing. */
COP__INLINE struct cop__node *cop__queue_peek(const struct cop__queue *queue, const struct cop__queue_cursor *cursor)
{
        return cursor->node == NULL ? cop__load_acquire(&queue->head) : cop__load_acquire(&cursor->node->next); /* LINK */
}

/* Owner. True when the node may be freed now; false when it is the cursor: next() or sleep() will give it back. */
COP__INLINE bool cop__queue_done(struct cop__queue_cursor *cursor, struct cop__node *node)
{
        if (cursor->node != node)
                return true;
        cursor->done = true;
        return false;
}

/* The owner's compare-and-swap from an empty queue, whose last node or awake mark is `empty`, to a mark. */
COP__INLINE bool cop__queue_mark(struct cop__queue *queue, uintptr_t empty, uintptr_t mark)
{
        return cop__cas_release(&queue->tail, &empty, mark); /* SLEEP */
}

COP__INLINE bool cop__queue_mark_alone(struct cop__queue *queue, uintptr_t empty)
{
        if (cop__load_relaxed(&queue->tail) != empty)
                return false;
        cop__store_release(&queue->tail, COP__QUEUE_ASLEEP); /* SLEEP: also for one who has not joined (actors/slot_ebb.c) */
        return true;
}

/* Owner. Gives up the run right if nothing is behind what `empty` says; the cursor, which is `before`, leads nowhere any more. Else it
 * is what it was. A node behind it need not be looked for: then `tail` is another. */
COP__INLINE bool cop__queue_sleep_at(struct cop__queue *queue, struct cop__queue_cursor *cursor,
                                     struct cop__queue_cursor before, uintptr_t empty, bool alone)
{
        cop__store_relaxed(&cursor->node, (struct cop__node *)NULL);
        cursor->done = false;
        if (alone ? cop__queue_mark_alone(queue, empty) : cop__queue_mark(queue, empty, COP__QUEUE_ASLEEP))
                return true;
        cop__store_relaxed(&cursor->node, before.node);
        cursor->done = before.done;
        return false;
}

/* Owner. As cop__queue_sleep below, with a cursor, `last`, that has a node and is done with it: that is the caller's to free. */
COP__INLINE bool cop__queue_sleep_behind(struct cop__queue *queue, struct cop__queue_cursor *cursor,
                                         struct cop__queue_cursor last, bool alone)
{
        return cop__queue_sleep_at(queue, cursor, last, (uintptr_t)last.node, alone);
}

/*
 * Owner. Gives up the run right if nothing has arrived: true, and from then on the caller may touch nothing
 * that belongs to the owner; *passed is the cursor's node if it was done with, for the caller to free. False: more has
 * arrived, or is about to; the caller is still the owner.
 */
COP__INLINE bool cop__queue_sleep_as(struct cop__queue *queue, struct cop__queue_cursor *cursor,
                                     struct cop__node **passed, bool alone)
{
        struct cop__queue_cursor before = *cursor;
        uintptr_t empty = (uintptr_t)before.node;
        *passed = NULL;
        if (before.node == NULL) {
                empty = cop__load_relaxed(&queue->tail);
                if (empty != COP__QUEUE_AWAKE)
                        return false; /* the node at `head`, or one on its way there */
        }
        if (!cop__queue_sleep_at(queue, cursor, before, empty, alone))
                return false;
        if (before.done)
                *passed = before.node;
        return true;
}

COP__INLINE bool cop__queue_sleep(struct cop__queue *queue, struct cop__queue_cursor *cursor,
                                  struct cop__node **passed)
{
        return cop__queue_sleep_as(queue, cursor, passed, false);
}

/*
 * The owner that has gone to sleep, tired of waiting: takes its own mark back, leaving the other one, and holds the run
 * right again: true. False: a sender has taken the mark, and is scheduling the owner.
 */
COP__INLINE bool cop__queue_rouse(struct cop__queue *queue)
{
        uintptr_t tail = cop__load_relaxed(&queue->tail);
        return tail == COP__QUEUE_ASLEEP &&
               cop__cas_acquire(&queue->tail, &tail, COP__QUEUE_AWAKE); /* SLEEP */
}

/*
 * Owner. Lets go of a node that it has taken and not called done: from here on no sender writes to it, and the owner may
 * keep it or push it to another queue.
 */
static inline void cop__queue_release(struct cop__queue *queue, struct cop__queue_cursor *cursor,
                                      struct cop__node *node)
{
        if (cursor->node != node)
                return;
        cop__store_relaxed(&cursor->node, (struct cop__node *)NULL);
        if (cop__load_relaxed(&node->next) == NULL &&
            cop__queue_mark(queue, (uintptr_t)node, COP__QUEUE_AWAKE))
                return;
        struct cop__node *next;
        for (unsigned looks = 0; (next = cop__load_acquire(&node->next)) == NULL; looks++) /* LINK */
                cop__spin_wait(looks);
        /* No mark is out, so no sender stores to `head`; the owner finds it there again. */
        cop__store_relaxed(&queue->head, next);
}

/* Owner. Had it taken all that was in the queue when it looked? Those in the middle of a push count. */
COP__INLINE bool cop__queue_is_drained(const struct cop__queue *queue,
                                       const struct cop__queue_cursor *cursor)
{
        uintptr_t tail = cop__load_relaxed(&queue->tail);
        return cursor->node != NULL ? tail == (uintptr_t)cursor->node
                                    : (tail & COP__QUEUE_MARK) != 0;
}

/* Any thread, as advice: is the owner asleep with nothing to do? */
COP__INLINE bool cop__queue_is_asleep(const struct cop__queue *queue)
{
        return cop__load_relaxed(&queue->tail) == COP__QUEUE_ASLEEP;
}

#endif
