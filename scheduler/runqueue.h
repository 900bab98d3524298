/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The local run queue: a ring of tasks that one worker fills and any worker may empty.
 *
 *            taken          runnable            free
 *      ───────────────┬──────────────────┬───────────────
 *                     ▲ head             ▲ tail
 *        any worker: compare-and-swap    the owner: store
 *
 * head <= tail <= head + room <= head + COP__RUNQUEUE_SIZE, as counters that wrap; a slot is index % size.
 * The room is the size, but in simulated nodes (habits.h).
 *
 * Who may touch what
 *      tail    the owner stores; thieves load
 *      room    the owner loads; constant
 *      head    owner and thieves move it forward by compare-and-swap: who moves it over a slot has taken the slot's task
 *      slots   the owner writes those in [tail, head + size), which nobody else will take
 *
 * Named pairs
 *      FILL   the owner's store of `tail` ↔ a thief's load of it: the slots below are written.
 *      TAKE   a taker's compare-and-swap of `head` (release) ↔ the owner's load of it before it reuses a slot (acquire): the
 *             taker had read the slot before.
 *
 * What can be seen half done: a thief may read slots that the owner takes or overwrites meanwhile; then its
 * compare-and-swap of `head` fails and what it read is thrown away. A `head` that wrapped all the way round between a thief's
 * two looks (2^32 tasks) would fool it; a thief that is stopped for that long while it holds stale slots is accepted.
 *
 * After Go's run queue (D. Vyukov): first in first out, half stolen at a time.
 */
#ifndef SCHEDULER_RUNQUEUE_H
#define SCHEDULER_RUNQUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"
#include "base/limits.h"

struct cop__task;

struct cop__runqueue {
        uint32_t head COP__LINE_ALIGNED;
        uint32_t tail COP__LINE_ALIGNED;
        uint32_t room; /* tasks that it takes at most */
        struct cop__task *slots[COP__RUNQUEUE_SIZE];
};

/* Before anybody uses it; zeroed otherwise. */
COP__INLINE void cop__runqueue_init(struct cop__runqueue *queue, uint32_t room)
{
        queue->room = room;
}

/* Owner. False when the ring is full. */
COP__INLINE bool cop__runqueue_push(struct cop__runqueue *queue, struct cop__task *task)
{
        uint32_t head = cop__load_acquire(&queue->head); /* TAKE */
        uint32_t tail = cop__load_relaxed(&queue->tail);
        if (tail - head >= queue->room)
                return false;
        cop__store_relaxed(&queue->slots[tail % COP__RUNQUEUE_SIZE], task);
        cop__store_release(&queue->tail, tail + 1); /* FILL */
        return true;
}

/* Any thread. Moves up to `room` of the oldest tasks, but at most half of them rounded up, into `tasks`; how many. */
static inline uint32_t cop__runqueue_pull(struct cop__runqueue *queue, struct cop__task **tasks,
                                           uint32_t room)
{
        uint32_t head = cop__load_acquire(&queue->head);
        for (;;) {
                uint32_t tail = cop__load_acquire(&queue->tail); /* FILL */
                uint32_t there = tail - head;
                if (there == 0)
                        return 0;
                if (there > COP__RUNQUEUE_SIZE) { /* head is from long ago: look again */
                        head = cop__load_acquire(&queue->head);
                        continue;
                }
                uint32_t count = there - there / 2;
                if (count > room)
                        count = room;
                for (uint32_t i = 0; i < count; i++)
                        tasks[i] = cop__load_relaxed(
                                &queue->slots[(head + i) % COP__RUNQUEUE_SIZE]);
                if (cop__cas_acq_rel(&queue->head, &head, head + count)) /* TAKE */
                        return count;
        }
}

/* The same by another worker than the owner. */
static inline uint32_t cop__runqueue_steal(struct cop__runqueue *queue, struct cop__task **tasks,
                                           uint32_t room)
{
        return cop__runqueue_pull(queue, tasks, room);
}

/* Any thread, as advice; exact for the owner, but for what is stolen meanwhile. */
COP__INLINE uint32_t cop__runqueue_count(const struct cop__runqueue *queue)
{
        return cop__load_acquire(&queue->tail) - cop__load_acquire(&queue->head);
}

/* Any thread, as advice. */
static inline bool cop__runqueue_is_empty(const struct cop__runqueue *queue)
{
        return cop__load_acquire(&queue->head) == cop__load_acquire(&queue->tail);
}

#endif
