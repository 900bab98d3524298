/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Company: is there any thread awake beside the only worker? While there is none, that worker may do without atomic exchanges.
 *
 *      one worker, nobody else                 a thread enters, or wakes up in here
 *      ──────────────────────────              ─────────────────────────────────────────►
 *      worker.alone = true                     joins: alone = false, the fence, waits for at_work; ...
 *      ◄──────────────────────────────────     ... and leaves: alone = true again
 *
 * A node with one worker is a node for one core. Threads of the program and the console's are in it, too, but asleep most of the time:
 * those count as long as they are awake in here. Two exchanges are two thirds of what a message costs, and with nobody to meet at a
 * queue a load and a store do.
 *
 *      worker                                       thread that joins
 *      1 at_work = true                             1 alone = false
 *      2 (the compiler keeps the order)             2 a fence that every thread must pass: barrier.h, which says why
 *      3 look at `alone`; if false, step back       3 wait until `at_work` is false
 *        and do it with an exchange                 4 from here on it may touch what the worker touches
 *      4 a plain load and store
 *      5 at_work = false
 *
 * What it is for: the arrival queues of actors (cop__push_signal, cop__fall_asleep), and the pid that moves on when one dies (exit.c). All
 * that such a queue's senders and owners do, and who registers a name, they do as the worker, or as a thread that has joined. Everything else that threads share keeps its own rules.
 *
 * Who may touch what
 *      alone       who joins first or leaves last, under the lock: store; worker: load
 *      at_work     worker: store; who joins: load
 *      awake       under the lock
 *
 * Named pairs (release ↔ acquire)
 *      JOIN    the worker's store of false to `at_work` ↔ the joiner's load: what the worker did plainly is visible.
 *      PART    the last leaver's store of true to `alone` ↔ the worker's load: what others did is visible.
 *
 * With more workers than one, and where there is no such fence, `alone` is never true, and costs one look.
 */
#ifndef SCHEDULER_COMPANY_H
#define SCHEDULER_COMPANY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"
#include "base/lock.h"

/* The worker's half, in its place. */
struct cop__solitude {
        bool alone;
        bool at_work;
};

struct cop__company {
        struct cop__lock lock;          /* held over the fence: some microseconds */
        struct cop__solitude *solitude; /* the only worker's; NULL: never alone. Constant once the worker runs */
        uint32_t awake;                 /* threads that have joined */
        uint32_t visiting;              /* of those, visitors */
};

/* `solitude` is the only worker's, which does not run yet; or there are more. */
void cop__company_init(struct cop__company *company, struct cop__solitude *solitude);

/* A thread that is no worker: from joining to leaving it may use the queues of actors. */
void cop__company_join(struct cop__company *company);
void cop__company_leave(struct cop__company *company);

/* The same for a thread of the program, or the console's: it may have in hand what no turn of a worker's tells of (grace.h). */
void cop__company_join_visiting(struct cop__company *company);
void cop__company_leave_visiting(struct cop__company *company);

/* Is any of those in between? When it says no, a moment has been seen at which none was. */
bool cop__company_is_visited(struct cop__company *company);

/* The worker. True: until cop__alone_end nobody else is at any queue. */
COP__INLINE bool cop__alone_begin(struct cop__solitude *solitude)
{
        if (!cop__load_relaxed(&solitude->alone))
                return false;
        cop__store_relaxed(&solitude->at_work, true);
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        if (COP__LIKELY(cop__load_acquire(&solitude->alone))) /* PART */
                return true;
        cop__store_release(&solitude->at_work, false); /* JOIN */
        return false;
}

COP__INLINE void cop__alone_end(struct cop__solitude *solitude)
{
        cop__store_release(&solitude->at_work, false); /* JOIN */
}

#endif
