/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The queues that all workers share, one for each priority: tasks from outside, urgent and low ones, and what a worker has too
 * much of.
 *
 * Who may touch what
 *      the lists         under shared_lock, which is the last to be taken: with it held a worker comes only to its own ring and
 *                        desk
 *      count, waiting    written under the lock; read without it as advice, or by a sleeper behind its fence (wake.h)
 */
#ifndef SCHEDULER_SHARED_H
#define SCHEDULER_SHARED_H

#include "scheduler/scheduler.h"

#define COP__PRIORITY_BIT(priority) (1u << (priority)) /* in `waiting` */

/* Any thread. Appends a chain of tasks, first to last, linked by `next`, and wakes a worker for them if there is need. */
void cop__shared_put(struct cop__scheduler *scheduler, unsigned priority, struct cop__task *first,
                     struct cop__task *last, uint32_t count);

/*
 * The worker. The oldest normal task; a fair share of those behind it moves to the worker, where it is served before what its
 * ring holds. NULL: there is none.
 */
struct cop__task *cop__shared_take(struct cop__worker *worker);

/* The oldest task of a priority other than normal, or NULL. */
struct cop__task *cop__shared_take_of(struct cop__scheduler *scheduler, unsigned priority);

/* The oldest of max, or else of high, or NULL; `high_first`: the other way round. */
struct cop__task *cop__shared_take_urgent(struct cop__scheduler *scheduler, bool high_first);

/* Of a list that its owner or the lock's holder has: what is left once `taken` tasks, those before `rest`, are out. */
COP__INLINE void cop__list_cut(struct cop__task_list *list, struct cop__task *rest, uint32_t taken)
{
        list->first = rest;
        if (rest == NULL)
                list->last = NULL;
        cop__store_relaxed(&list->count, list->count - taken);
}

#endif
