/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Sleep and wake.
 *
 * What must hold: no task is runnable while a worker that could run it sleeps on. "One wake per need" is the other
 * half: whoever makes a task runnable wakes at most one sleeper, and none while some worker is searching, since that one
 * will find the task or, going to sleep, look again.
 *
 *      waker (shared.c)                        sleeper (sleep.c)
 *      1 put the task in a queue               1 take a ticket; set the bit in `idle`; leave `searching`
 *      2 fence                                 2 fence
 *      3 read `searching` and `idle`           3 look at every queue once more
 *      4 none searching, one idle: clear its   4 found one: take the bit back and search, counted as such, since
 *        bit, count it as searching, wake it       a waker may have relied on that; nothing: wait for the ticket
 *
 * With both fences (SLEEPER below) either 3 of the waker sees the bit, or 3 of the sleeper sees the task. Tasks that go
 * through the shared queues, from outside or for their priority, are put with the fence. A worker that puts a task in its own
 * ring does without it, since it is awake and will run the ring itself; a wake that is missed in that window costs parallelism,
 * not the task, and no more than a millisecond of it, because of the lookout (lookout.h). So it need not wake who is aloof
 * either (haul.h): that costs some milliseconds of parallelism, of tasks for which it did not pay. Who puts a task into a
 * shared queue wakes those, too.
 *
 * Priorities. Tasks of max, high and low wait in shared queues of their own, put and looked at in the same way: the bits of
 * `waiting` are to them what its count is to the normal one. So the argument above holds for each, and for all together.
 *
 * Who may touch what
 *      idle                a worker sets its own bit; who clears a bit owes that worker a wake, or is that worker
 *      aloof               the same, and nobody else: see haul.h
 *      searching           a worker adds and takes away itself (`searching` of its own says whether it is counted); a waker adds
 *                          the one that it wakes, which then is counted without having done it
 *
 * Named pairs
 *      SLEEPER    the fence after a put, or after the last searcher has left with a task ↔ the fence of who falls asleep.
 */
#ifndef SCHEDULER_WAKE_H
#define SCHEDULER_WAKE_H

#include "scheduler/scheduler.h"

/* Wakes one sleeper if nobody searches; one of those whose bits these are. Any thread. */
void cop__wake_one(struct cop__scheduler *scheduler);
void cop__wake_one_of(struct cop__scheduler *scheduler, uint64_t among);

/* Something is in a queue that all share; a missed wake is made up for by the lookout. */
COP__INLINE void cop__offer(struct cop__scheduler *scheduler)
{
        if (COP__UNLIKELY(cop__load_relaxed(&scheduler->idle) != 0) &&
            cop__load_relaxed(&scheduler->searching) == 0)
                cop__wake_one(scheduler);
}

/* Does anybody sleep who would take what lies in a worker's own queues? */
COP__INLINE bool cop__is_anybody_willing(const struct cop__scheduler *scheduler)
{
        uint64_t idle = cop__load_relaxed(&scheduler->idle);
        return COP__UNLIKELY(idle != 0) && (idle & ~cop__load_relaxed(&scheduler->aloof)) != 0;
}

/* A worker has more than it can do at once. */
COP__INLINE void cop__offer_own(struct cop__scheduler *scheduler)
{
        if (cop__is_anybody_willing(scheduler) && cop__load_relaxed(&scheduler->searching) == 0)
                cop__wake_one_of(scheduler, ~cop__load_relaxed(&scheduler->aloof));
}

#endif
