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
 * The while is COP__ALOOF_NS, twice as long each time up to COP__ALOOF_MOST_NS, and over at once when a busy worker is seen in
 * one turn for a millisecond (lookout.h). So short tasks are done where they are at hand, and long ones that come behind short
 * ones wait for some milliseconds at most. What comes through the queue that all share, from outside, wakes it as ever.
 *
 * Who may touch what
 *      count, since_ns, while_ns, until_ns     the worker
 *      scheduler->aloof                        a worker sets and clears its own bit; wakers read, as advice
 */
#ifndef SCHEDULER_HAUL_H
#define SCHEDULER_HAUL_H

#include <stdbool.h>
#include <stdint.h>

struct cop__worker;

struct cop__haul {
        uint32_t count;    /* tasks that came from others since it last slept */
        uint64_t since_ns; /* when the first of them came */
        uint64_t while_ns; /* how long it is aloof this time; 0: the last haul was worth it */
        uint64_t until_ns; /* it is aloof until then; 0: it is not */
};

/* The worker has got so many from others, by stealing or out of the shared queue. */
void cop__haul_add(struct cop__worker *worker, uint32_t count);

/* The worker, about to sleep: was it worth it? */
void cop__haul_judge(struct cop__worker *worker);

/* Is it aloof still? The worker. */
bool cop__haul_is_aloof(struct cop__worker *worker);

/* It is not any more. The worker. */
void cop__haul_forget(struct cop__worker *worker);

#endif
