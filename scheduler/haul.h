/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The haul: what a worker has brought home from others since it last slept, and whether that was worth it.
 *
 * To take a task from another worker costs both some cache lines that travel, and a wake-up the waker a system call. A task
 * that is over before that is paid makes the node slower, the more the more often it happens: a thousand short lives, the
 * children of a tree that all end at once, a server that many call in turn. Whether tasks are short nobody knows beforehand,
 * but who took some knows it when it has nothing to do again:
 *
 *      search finds ─► tasks, and what comes of them ... ─► nothing to do
 *      └─────────────────── so long for so many ──────────┘
 *
 *      long enough     (subtrees, long turns, actors that go on talking here)   as before
 *      too short       it stays aloof for a while: it does not rob others, and they do not wake it for what lies in their queues
 *
 * For each message that such a task sends to one on another worker, so many that a turn is spent with it, so much time is taken off again:
 * a sender that waits for lines is busy, too (follow.h).
 *
 * Only the time counts in which whoever it was taken from had something to do as well. The rest was work that moved, and was not
 * shared: one task that wakes the next, as who fails and whoever begins it anew, takes no less time here than it would have there.
 *
 * Whether two workers are faster than one, where neither is idle, busy time does not say: that is tried out (retreat.h).
 *
 * The while is COP__ALOOF_NS, twice as long each time up to COP__ALOOF_MOST_NS, and over at once when a busy worker is seen in
 * one turn for a millisecond, or with tasks waiting behind turns that take COP__TURN_LONG_NS each (lookout.h), but not those of senders that have gone where their
 * receiver is. So short tasks are
 * done where they are at hand, and long ones that come behind short ones wait for a millisecond or two. What comes through the
 * queue that all share, from outside, wakes it as ever.
 *
 * Who may touch what
 *      all in struct cop__haul                 the worker
 *      all in struct cop__leisure              the worker writes; who has taken from it reads, as advice
 *      scheduler->aloof                        a worker sets and clears its own bit; wakers read, as advice
 *
 * Named pair. LEISURE: the worker adds a while that is over to the total, behind the word that it is over, by release ↔ who has taken
 * from it acquires the total, and then reads that word. So a while may be missing to it, and never counts twice.
 */
#ifndef SCHEDULER_HAUL_H
#define SCHEDULER_HAUL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

struct cop__worker;

/* How long a worker has had nothing to do. */
struct cop__leisure {
        uint64_t total_ns; /* without the time that lasts; released: LEISURE */
        uint64_t since_ns; /* the one that lasts; 0: it has something to do */
};

struct cop__haul {
        uint32_t count;    /* tasks that came from others since it last slept */
        uint64_t since_ns; /* when the last of them came */
        uint64_t abroad;   /* messages to other workers' since one was judged, its own tasks' too, about: see follow.h */
        bool talks;        /* the last one judged had many of them */
        uint64_t gained_ns; /* before, of the time that counts */
        struct cop__worker *from; /* whom they were taken from; NULL: from the queue that all share */
        uint64_t leisure_ns; /* of `from`, then */
        uint64_t while_ns; /* how long it is aloof this time; 0: the last haul was worth it */
        uint64_t until_ns; /* it is aloof until then; 0: it is not */
};

/* The worker has got so many from another, or, if `from` is NULL, out of the shared queue. */
void cop__haul_add(struct cop__worker *worker, struct cop__worker *from, uint32_t count);

/* The worker has nothing to do, and then it has. */
void cop__leisure_begin(struct cop__worker *worker);
void cop__leisure_end(struct cop__worker *worker);

/* The worker, about to sleep: was it worth it? */
void cop__haul_judge(struct cop__worker *worker);

/* Is it aloof still? The worker. */
bool cop__haul_is_aloof(struct cop__worker *worker);

/* How long a worker has had nothing to do, up to now. Any thread: what ends meanwhile may be missing, and nothing counts twice. */
uint64_t cop__leisure_of(const struct cop__worker *worker, uint64_t now_ns);

/* How much of it is of later than when it was `before_ns`. What was being ended then may have been counted with more than it came to. */
COP__INLINE uint64_t cop__leisure_since(const struct cop__worker *worker, uint64_t before_ns, uint64_t now_ns)
{
        uint64_t all_ns = cop__leisure_of(worker, now_ns);
        return all_ns > before_ns ? all_ns - before_ns : 0;
}

/* It is aloof until then at least. The worker. */
void cop__haul_keep_aloof(struct cop__worker *worker, uint64_t until_ns);

/* It is not any more. The worker. */
void cop__haul_forget(struct cop__worker *worker);

#endif
