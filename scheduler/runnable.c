/* Copyright (c) 2026 The Coppice authors. MIT licence. */
#include "scheduler/runnable.h"

#include "scheduler/shared.h"

static void put_next(struct cop__worker *worker, struct cop__task *task)
{
        struct cop__task *displaced = cop__desk_swap(&worker->desk, task);
        if (displaced != NULL)
                cop__ring_put(worker, displaced);
        else
                cop__next_is_put(worker->thread.scheduler);
}

/* Not to a worker's own queues: it comes from outside, is a thread, or not of the common kind. */
static COP__NOINLINE void put_elsewhere(struct cop__scheduler *scheduler, struct cop__task *task)
{
        struct cop__park *visitor = cop__load_relaxed(&task->visitor);
        if (visitor != NULL)
                cop__park_wake(visitor);
        else
                cop__shared_put(scheduler, cop__load_relaxed(&task->priority), task, task, 1);
}

/* The worker whose own queues a task goes to, or NULL. */
COP__INLINE struct cop__worker *worker_for(struct cop__thread *thread, const struct cop__task *task)
{
        if (COP__UNLIKELY(thread == NULL || cop__load_relaxed(&task->visitor) != NULL ||
                          cop__load_relaxed(&task->priority) != COP_PRIORITY_NORMAL))
                return NULL;
        return thread->worker;
}

void cop__schedule(struct cop__scheduler *scheduler, struct cop__thread *thread,
                   struct cop__task *task)
{
        struct cop__worker *worker = worker_for(thread, task);
        if (COP__UNLIKELY(worker == NULL))
                put_elsewhere(scheduler, task);
        else
                put_next(worker, task);
}

void cop__schedule_fresh(struct cop__scheduler *scheduler, struct cop__thread *thread,
                         struct cop__task *task)
{
        struct cop__worker *worker = worker_for(thread, task);
        if (COP__UNLIKELY(worker == NULL)) {
                put_elsewhere(scheduler, task);
                return;
        }
        task->litter = (uint8_t)worker->turns;
        cop__desk_pile(&worker->desk, task);
        if (cop__is_anybody_willing(scheduler))
                cop__pile_share(worker);
}

/* Has the worker something to do besides this task, which has just ended a turn here? It may have picked it already. */
static bool has_another(const struct cop__worker *worker, const struct cop__task *task)
{
        const struct cop__task *current = worker->thread.current;
        return worker->handed != NULL || (current != NULL && current != task) || cop__is_anybody_behind(worker) ||
               cop__load_relaxed(&worker->desk.pile.count) > 0;
}

/* Is there another worker that is not asleep and aloof? Who is has no tasks, and none of these are for it. */
static bool is_anybody_up(const struct cop__scheduler *scheduler)
{
        uint64_t away = cop__load_relaxed(&scheduler->idle) & cop__load_relaxed(&scheduler->aloof);
        return (unsigned)__builtin_popcountll(away) + 1 < cop__workers_active(scheduler);
}

/*
 * Those that never wait would stay with one worker for good, and get more or less than those of the next one, which has
 * fewer or more of them. So once in so many turns one of them goes to whoever comes for it.
 */
COP__INLINE bool is_to_wander(struct cop__worker *worker, const struct cop__task *task)
{
        if (COP__LIKELY(++worker->later_turns < worker->thread.scheduler->habits.wander_every))
                return false;
        worker->later_turns = 0;
        return cop__has_others(worker->thread.scheduler) && has_another(worker, task) && is_anybody_up(worker->thread.scheduler);
}

void cop__schedule_later(struct cop__scheduler *scheduler, struct cop__thread *thread,
                         struct cop__task *task)
{
        struct cop__worker *worker = worker_for(thread, task);
        if (COP__UNLIKELY(worker != NULL && cop__follow_is_due(&worker->follow, task)))
                cop__follow_go(worker, task);
        else if (COP__UNLIKELY(worker == NULL || is_to_wander(worker, task)))
                put_elsewhere(scheduler, task);
        else
                cop__ring_put(worker, task);
}

void cop__ring_overflow(struct cop__worker *worker, struct cop__task *task)
{
        struct cop__task *moved[COP__RUNQUEUE_BATCH];
        uint32_t count = cop__runqueue_pull(&worker->ring, moved, COP__RUNQUEUE_BATCH);
        struct cop__task *first = count > 0 ? moved[0] : task;
        for (uint32_t i = 0; i < count; i++)
                moved[i]->next = i + 1 < count ? moved[i + 1] : task;
        cop__shared_put(worker->thread.scheduler, COP_PRIORITY_NORMAL, first, task, count + 1);
}

void cop__pile_share(struct cop__worker *worker)
{
        struct cop__scheduler *scheduler = worker->thread.scheduler;
        struct cop__desk *desk = &worker->desk;
        uint32_t half = cop__load_relaxed(&desk->pile.count) / 2;
        if (half == 0) {
                if (cop__load_relaxed(&scheduler->lookout) == 0)
                        cop__wake_one(scheduler);
                return;
        }
        if (cop__load_relaxed(&scheduler->shared[COP_PRIORITY_NORMAL].count) != 0)
                return;
        bool guarded = cop__desk_come(desk);
        uint32_t batch = scheduler->habits.shared_batch;
        struct cop__task_list list = cop__pile_cut(&desk->pile, half < batch ? half : batch);
        cop__desk_leave(desk, guarded);
        if (list.count > 0)
                cop__shared_put(scheduler, COP_PRIORITY_NORMAL, list.first, list.last, list.count);
}
