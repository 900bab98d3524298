/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Making a task runnable: to the worker's own desk or ring, or to the queues that all share.
 *
 * Who may touch what
 *      desk, ring     the worker itself puts; what others may do there, desk.h and runqueue.h say
 *      a task         whoever holds its run right, until the put: then whoever takes it out
 */
#ifndef SCHEDULER_RUNNABLE_H
#define SCHEDULER_RUNNABLE_H

#include "scheduler/scheduler.h"
#include "scheduler/wake.h"

/* The worker. The ring is full: a batch of its oldest and the task go to the shared queue under one lock. */
void cop__ring_overflow(struct cop__worker *worker, struct cop__task *task);

/* The worker. Behind all that its ring holds. */
COP__INLINE void cop__ring_put(struct cop__worker *worker, struct cop__task *task)
{
        if (COP__UNLIKELY(!cop__runqueue_push(&worker->ring, task)))
                cop__ring_overflow(worker, task);
        else if (cop__has_others(worker->thread.scheduler))
                cop__offer_own(worker->thread.scheduler);
}

/* The worker. One task more lies on its desk, where it is soon done: who sleeps is woken only if nobody looks after that. */
COP__INLINE void cop__next_is_put(struct cop__scheduler *scheduler)
{
        if (COP__UNLIKELY(cop__load_relaxed(&scheduler->idle) != 0) &&
            cop__load_relaxed(&scheduler->lookout) == 0)
                cop__wake_one(scheduler);
}

/* cop__schedule, for where nearly every message passes: what nearly always follows is compiled in there. */
COP__INLINE void cop__schedule_quickly(struct cop__thread *thread, struct cop__task *task)
{
        struct cop__worker *worker = thread->worker;
        if (COP__UNLIKELY(worker == NULL || cop__load_relaxed(&worker->desk.next) != NULL ||
                          cop__load_relaxed(&task->visitor) != NULL ||
                          cop__load_relaxed(&task->priority) != COP_PRIORITY_NORMAL)) {
                cop__schedule(thread->scheduler, thread, task);
                return;
        }
        cop__desk_put(&worker->desk, task);
        cop__next_is_put(thread->scheduler);
}

/*
 * The worker. Another one has nothing to do. The oldest half of the pile goes to the queue that all share, unless something is
 * there already. Of one task alone this worker takes care itself, soon; somebody looks after that.
 */
void cop__pile_share(struct cop__worker *worker);

/* The worker. Does anybody wait behind the next slot and the pile? */
COP__INLINE bool cop__is_anybody_behind(const struct cop__worker *worker)
{
        return cop__load_relaxed(&worker->desk.few_count) > 0 ||
               !cop__runqueue_is_empty(&worker->ring);
}

#endif
