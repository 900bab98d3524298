/* Copyright (c) 2026 The Coppice authors. MIT licence. */
#include "scheduler/shared.h"

#include "scheduler/wake.h"

/* After a change of its count, under the lock. What reads `waiting` without it is on its way to the lock, or sleeps
 * with a fence between: wake.h. */
static void show_waiting(struct cop__scheduler *scheduler, unsigned priority)
{
        uint32_t before = cop__load_relaxed(&scheduler->waiting);
        uint32_t waiting = before & ~COP__PRIORITY_BIT(priority);
        if (priority == COP_PRIORITY_NORMAL)
                return;
        if (scheduler->shared[priority].count > 0)
                waiting |= COP__PRIORITY_BIT(priority);
        if (waiting != before)
                cop__store_relaxed(&scheduler->waiting, waiting);
}

void cop__shared_put(struct cop__scheduler *scheduler, unsigned priority, struct cop__task *first,
                     struct cop__task *last, uint32_t count)
{
        struct cop__task_list *list = &scheduler->shared[priority];
        last->next = NULL;
        cop__lock_lock(&scheduler->shared_lock);
        if (list->last != NULL)
                list->last->next = first;
        else
                list->first = first;
        list->last = last;
        cop__store_relaxed(&list->count, list->count + count);
        show_waiting(scheduler, priority);
        cop__lock_unlock(&scheduler->shared_lock);
        cop__fence_seq(); /* SLEEPER */
        cop__offer(scheduler);
}

/* Under the lock: tasks from *rest on move to the ring, if that is empty, or a few to the desk, if none lie there; how many. */
static uint32_t move_share(struct cop__worker *worker, struct cop__task **rest, uint32_t share)
{
        struct cop__desk *desk = &worker->desk;
        bool to_ring = cop__runqueue_is_empty(&worker->ring);
        const struct cop__habits *habits = &worker->thread.scheduler->habits;
        uint32_t moved = 0, most = to_ring ? habits->shared_batch : habits->desk_few - 1; /* with the one taken as many as pull_few */
        if (!to_ring && cop__load_relaxed(&desk->few_count) > 0)
                return 0;
        bool guarded = cop__desk_come(desk);
        for (; *rest != NULL && moved < share && moved < most; moved++) {
                struct cop__task *after = (*rest)->next; /* it may be gone once it is in the ring */
                if (!to_ring)
                        desk->few[moved] = *rest;
                else if (!cop__runqueue_push(&worker->ring, *rest))
                        break;
                *rest = after;
        }
        if (!to_ring) {
                desk->few_at = 0;
                cop__store_relaxed(&desk->few_count, moved);
        }
        cop__desk_leave(desk, guarded);
        return moved;
}

/* Not into the ring if there are tasks in it: it would overflow with those that have waited in it longest, again and again before
 * their turn. */
struct cop__task *cop__shared_take(struct cop__worker *worker)
{
        struct cop__scheduler *scheduler = worker->thread.scheduler;
        struct cop__task_list *list = &scheduler->shared[COP_PRIORITY_NORMAL];
        if (cop__load_relaxed(&list->count) == 0)
                return NULL;
        cop__lock_lock(&scheduler->shared_lock);
        struct cop__task *task = list->first;
        if (task != NULL) {
                uint32_t share = list->count / scheduler->worker_count;
                struct cop__task *rest = task->next;
                uint32_t moved = move_share(worker, &rest, share > 0 ? share - 1 : 0);
                cop__list_cut(list, rest, 1 + moved);
        }
        cop__lock_unlock(&scheduler->shared_lock);
        return task;
}

struct cop__task *cop__shared_take_of(struct cop__scheduler *scheduler, unsigned priority)
{
        struct cop__task_list *list = &scheduler->shared[priority];
        if (!(cop__load_relaxed(&scheduler->waiting) & COP__PRIORITY_BIT(priority)))
                return NULL;
        cop__lock_lock(&scheduler->shared_lock);
        struct cop__task *task = list->first;
        if (task != NULL) {
                cop__list_cut(list, task->next, 1);
                show_waiting(scheduler, priority);
        }
        cop__lock_unlock(&scheduler->shared_lock);
        return task;
}

struct cop__task *cop__shared_take_urgent(struct cop__scheduler *scheduler, bool high_first)
{
        struct cop__task *task = high_first ? cop__shared_take_of(scheduler, COP_PRIORITY_HIGH) : NULL;
        if (task == NULL)
                task = cop__shared_take_of(scheduler, COP_PRIORITY_MAX);
        return task != NULL ? task : cop__shared_take_of(scheduler, COP_PRIORITY_HIGH);
}
