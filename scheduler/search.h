/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Looking for work elsewhere: in the rings of other workers, and in the shared queues.
 *
 * Who may touch what
 *      worker->searching       the worker: it is counted in the scheduler's (wake.h), by itself or by who woke it
 *      another's ring          any worker, as a thief (runqueue.h)
 */
#ifndef SCHEDULER_SEARCH_H
#define SCHEDULER_SEARCH_H

#include "scheduler/scheduler.h"

/* Half of another worker's ring comes to this one's; the first of them, or NULL. */
struct cop__task *cop__steal(struct cop__worker *worker);

/* Searches, counted as who does; NULL: nothing was found, and it is still counted, or others are enough. */
struct cop__task *cop__search(struct cop__worker *worker);

/* Any thread: lies something in a queue that all may take from? Without `elsewhere` the workers' rings do not count. */
bool cop__is_work_left(struct cop__scheduler *scheduler, bool elsewhere);

/*
 * This worker no longer searches. If it was the last and found something, there may be more for another: then it looks, since
 * to wake one for nothing costs two threads some microseconds each time that a node at rest gets one thing to do. But if nobody is the
 * lookout and there is something to look after, its own timers, another that is awake or what it has looked after so far, another one must.
 */
void cop__leave_search(struct cop__worker *worker, bool found);

COP__INLINE void cop__stop_searching(struct cop__worker *worker, bool found)
{
        if (COP__UNLIKELY(worker->searching))
                cop__leave_search(worker, found);
}

#endif
