/* Copyright (c) 2026 The Coppice authors. MIT licence. */
#include "scheduler/pinned.h"

#include "base/clock.h"
#include "scheduler/shared.h"

struct cop__task *cop__pinned_take(struct cop__worker *worker)
{
        struct cop__task *task = worker->pinned.first;
        if (COP__LIKELY(task == NULL))
                return NULL;
        cop__list_cut(&worker->pinned, task->next, 1);
        cop__store_relaxed(&worker->pinned_count, worker->pinned.count);
        cop__store_relaxed(&worker->resumed_turn, worker->turns);
        worker->pinned_at_ns = cop__clock_ns();
        return task;
}

struct cop__task *cop__pinned_take_overdue(struct cop__worker *worker)
{
        if (worker->pinned.first == NULL ||
            cop__clock_ns() - worker->pinned_at_ns < COP__PINNED_WAIT_NS)
                return NULL;
        return cop__pinned_take(worker);
}

void cop__pinned_put(void *interrupted)
{
        struct cop__worker *worker = cop__worker_here();
        struct cop__task_list *list = &worker->pinned;
        struct cop__task *task = interrupted;
        task->next = NULL;
        if (list->last != NULL)
                list->last->next = task;
        else
                list->first = task;
        list->last = task;
        list->count++;
        cop__store_relaxed(&worker->pinned_count, list->count);
        if (list->count == 1)
                worker->pinned_at_ns = cop__clock_ns();
}
