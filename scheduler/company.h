/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Company: is any thread awake in the node beside this worker? While there is none, it may do without atomic exchanges.
 *
 *      the only worker awake                   a thread enters, or a worker wakes up and has found something
 *      ──────────────────────────              ─────────────────────────────────────────►
 *      claims: alone = true                    joins: alone = false, the fence, waits for at_work; ...
 *      ◄──────────────────────────────────     ... and leaves; the one that stays may claim again
 *
 * A node with one worker is a node for one core, and of one with more all but one sleep when there is one thing to do at a time: a pair
 * that talks, a request that goes from hand to hand. Threads of the program and the console's are in it, too, but asleep most of the
 * time. All of them count as long as they are awake in here. Two exchanges are two thirds of what a message costs, and with nobody to
 * meet at a queue a load and a store do.
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
 * that such a queue's senders and owners do, and who registers a name, they do as the worker that is alone, or as a thread that has
 * joined. Everything else that threads share keeps its own rules.
 *
 * A worker joins when it has something to do, not when it wakes up: before it runs a task, fires timers, tells what has come from
 * outside. So the lookout, which only looks, ends nobody's solitude. It leaves when it falls asleep, and what it had claimed stays its
 * own until another one joins. Since each end of a solitude costs the fence, some microseconds, a worker with others beside it claims
 * only when it has been the only one for COP__SOLITUDE_NS; one without claims at once.
 *
 * Who may touch what
 *      alone       its worker, under the lock: true; who joins, under the lock: false; its worker: load
 *      at_work     its worker: store; who joins: load
 *      all else of the company               under the lock; awake, comings and solitude are read without, as advice
 *      a membership                          its worker
 *
 * Named pairs (release ↔ acquire)
 *      JOIN    the worker's store of false to `at_work` ↔ the joiner's load: what the worker did plainly is visible.
 *      PART    the lock, which who leaves gives back and who claims takes: what others did is visible.
 *
 * Where there is no such fence, and in a simulation, `alone` is never true, and costs one look.
 */
#ifndef SCHEDULER_COMPANY_H
#define SCHEDULER_COMPANY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"
#include "base/lock.h"

/* A worker's half, in its place. */
struct cop__solitude {
        bool alone;
        bool at_work;
};

/* What it knows of its place in the company. */
struct cop__membership {
        bool joined;
        uint32_t comings;  /* that there had been ... */
        uint64_t since_ns; /* ... at this time, and since then it was by itself whenever it looked */
};

struct cop__company {
        struct cop__lock lock;          /* held over the fence: some microseconds */
        bool possible;                  /* constant: there is the fence */
        uint64_t patience_ns;           /* constant: so long a worker waits before it claims */
        struct cop__solitude *solitude; /* of the worker that is alone, or was when it fell asleep; NULL: none */
        uint32_t awake;                 /* threads that have joined */
        const struct cop__solitude *latest; /* of who has joined last; NULL: no worker */
        uint32_t comings;               /* how often another one has joined than the time before, wrapping */
        uint32_t visiting;              /* of `awake`, visitors */
};

/* Nobody has joined. `possible` says whether anybody may be alone, if there is the fence. */
void cop__company_init(struct cop__company *company, bool possible, uint64_t patience_ns);

/* A thread that is no worker: from joining to leaving it may use the queues of actors. */
void cop__company_join(struct cop__company *company);
void cop__company_leave(struct cop__company *company);

/* The same for a thread of the program, or the console's: it may have in hand what no turn of a worker's tells of (grace.h). */
void cop__company_join_visiting(struct cop__company *company);
void cop__company_leave_visiting(struct cop__company *company);

/* Is any of those in between? When it says no, a moment has been seen at which none was. */
bool cop__company_is_visited(struct cop__company *company);

/* The same for a worker; again costs nothing. */
void cop__company_join_working(struct cop__company *company, struct cop__membership *membership,
                               const struct cop__solitude *solitude);
void cop__company_leave_working(struct cop__company *company, struct cop__membership *membership);

/* A worker that has joined, now and then: it is alone from here on, if it has been by itself for long enough. */
void cop__company_claim(struct cop__company *company, struct cop__membership *membership,
                        struct cop__solitude *solitude);

/* The worker. True: until cop__alone_end nobody else is at any queue. */
COP__INLINE bool cop__alone_begin(struct cop__solitude *solitude)
{
        if (!cop__load_relaxed(&solitude->alone))
                return false;
        cop__store_relaxed(&solitude->at_work, true);
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        if (COP__LIKELY(cop__load_acquire(&solitude->alone)))
                return true;
        cop__store_release(&solitude->at_work, false); /* JOIN */
        return false;
}

COP__INLINE void cop__alone_end(struct cop__solitude *solitude)
{
        cop__store_release(&solitude->at_work, false); /* JOIN */
}

#endif
