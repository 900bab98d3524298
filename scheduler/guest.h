/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Guests: tasks that others have sent to a worker, since they are sooner done there (follow.h, retreat.h).
 *
 *      other workers ──put──► last ──next──► before ──next──► first        one exchange takes them all
 *
 * The worker puts them into its ring when it has nothing at hand, and once in so many turns. Of one that is in the same turn
 * for long, or stuck, the lookout takes them, as what lies on its desk. Nobody else does: a thief would only have them sent back.
 *
 * Who may touch what
 *      last          others: compare-and-swap to a task of theirs; the worker, or the lookout for it: exchange to NULL; anybody: read,
 *                    as advice
 *      task.next     who puts it, until then; then who has taken it
 * A node is never taken out singly, so that a compare-and-swap that succeeds means what it seems to.
 *
 * Named pairs
 *      GUEST     compare-and-swap that puts a task ↔ the exchange that takes it: all that was done with it before is visible.
 *      SLEEPER   as for a queue that all share (wake.h), but that only this worker is woken, and only this one looks before it sleeps.
 *      STOP      the fence after the put (SLEEPER) ↔ that of a host that has seen the scheduler stop, before it looks for guests a last time: it sees
 *                them, or who put them sees that the scheduler stops, and takes them back.
 *
 * The list is R. K. Treiber's stack, of which only the push and a take of everything are used.
 */
#ifndef SCHEDULER_GUEST_H
#define SCHEDULER_GUEST_H

#include <stdbool.h>

#include "base/atomic.h"
#include "scheduler/task.h"

struct cop__worker;

struct cop__guests {
        struct cop__task *last; /* NULL: there are none */
};

/* Any thread, as advice. */
COP__INLINE bool cop__guests_are_there(const struct cop__guests *guests)
{
        return COP__UNLIKELY(cop__load_relaxed(&guests->last) != NULL);
}

/* Any thread of the scheduler sends a task whose run right it holds. The host is none of the spare workers, which may go to
 * rest. */
void cop__guest_put(struct cop__worker *host, struct cop__task *task);

/* The worker: they go where its own tasks are. */
void cop__guests_seat(struct cop__worker *host);

/* For a worker that is long in a turn, by the lookout: they go to the queue that all share. */
void cop__guests_send_on(struct cop__worker *host);

#endif
