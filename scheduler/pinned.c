/* Copyright (c) 2026 The Coppice authors. MIT licence. */
#include "scheduler/pinned.h"

#include "base/clock.h"
#include "scheduler/shared.h"

/* Once in so many turns, or when only low ones are there. */
static bool is_turn_of_low(struct cop__worker *worker)
{
        if (worker->pinned_low.first == NULL || worker->pinned.first == NULL)
                return worker->pinned.first == NULL;
        return ++worker->pinned_turns % worker->thread.scheduler->habits.low_every == 0;
}

struct cop__task *cop__pinned_take(struct cop__worker *worker)
{
        if (COP__LIKELY(worker->pinned_count == 0))
                return NULL;
        struct cop__task_list *list = is_turn_of_low(worker) ? &worker->pinned_low : &worker->pinned;
        struct cop__task *task = list->first;
        cop__list_cut(list, task->next, 1);
        cop__store_relaxed(&worker->pinned_count, worker->pinned_count - 1);
        cop__store_relaxed(&worker->resumed_turn, worker->turns);
        worker->pinned_at_ns = cop__clock_ns();
        return task;
}

struct cop__task *cop__pinned_take_overdue(struct cop__worker *worker)
{
        if (worker->pinned_count == 0 ||
            cop__clock_ns() - worker->pinned_at_ns < COP__PINNED_WAIT_NS)
                return NULL;
        return cop__pinned_take(worker);
}

void cop__pinned_put(void *interrupted)
{
        struct cop__worker *worker = cop__worker_here();
        struct cop__task *task = interrupted;
        bool low = cop__load_relaxed(&task->priority) == COP_PRIORITY_LOW;
        struct cop__task_list *list = low ? &worker->pinned_low : &worker->pinned;
        task->next = NULL;
        if (list->last != NULL)
                list->last->next = task;
        else
                list->first = task;
        list->last = task;
        list->count++;
        cop__store_relaxed(&worker->pinned_count, worker->pinned_count + 1);
        if (worker->pinned_count == 1)
                worker->pinned_at_ns = cop__clock_ns();
}
