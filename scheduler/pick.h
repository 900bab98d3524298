/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What a worker runs next. What each turn passes is here, to be compiled into the loop; what is rare is in pick.c.
 *
 *      1 once in so many turns, or while other than normal ones wait:
 *        timers, the outside, priorities, who was interrupted, the shared queue
 *      2 next slot, pile                     up to `next_turns` in a row, while others wait; some more for who came from outside;
 *                                            the pile is left none of them twice in a row at most (pick.c says how long each waits)
 *      3 the few on the desk                 come from the ring
 *      4 ring and shared queue               in proportion to their lengths
 *
 * Who may touch what
 *      next_turns, next_most, pile_served, tilt, urgent_turns, urgent_at, common_turns, steals,
 *      owed, awaited_last, own_first, unusual_at,
 *      woken, litter, spoilt_litter                                        the worker
 *      turns                                                               the worker writes; lookout and watch read
 */
#ifndef SCHEDULER_PICK_H
#define SCHEDULER_PICK_H

#include "scheduler/pinned.h"
#include "scheduler/scheduler.h"
#include "scheduler/search.h"
#include "scheduler/sleep.h"

/* The rare halves. Each: a task, or NULL: go on with what comes after it. */
struct cop__task *cop__pick_unusually(struct cop__worker *worker);   /* not in each turn; before a worker's own tasks */
struct cop__task *cop__pick_soon_slowly(struct cop__worker *worker);
struct cop__task *cop__pick_queued(struct cop__worker *worker);      /* with nothing at hand */
struct cop__task *cop__pick_low(struct cop__worker *worker);         /* with nothing else to do here */

/* Once in `every` turns, a power of two. */
COP__INLINE bool cop__is_time(uint64_t turns, uint32_t every)
{
        return (turns & (every - 1)) == 0;
}

/* Others have had, or have, their turn: the next slot's turns in a row are counted from here. */
COP__INLINE void cop__next_begins(struct cop__worker *worker)
{
        worker->next_turns = 0;
        worker->next_most = worker->thread.scheduler->habits.next_turns;
}

/* What has just been woken, or has never run, unless the others behind them have waited long enough. */
COP__INLINE struct cop__task *cop__pick_soon(struct cop__worker *worker)
{
        if (COP__LIKELY(cop__load_relaxed(&worker->desk.next) != NULL)) {
                if (COP__LIKELY(worker->next_turns < worker->next_most)) {
                        worker->next_turns++;
                        return cop__desk_swap(&worker->desk, NULL);
                }
        } else if (cop__load_relaxed(&worker->desk.pile.count) == 0) {
                return NULL;
        }
        return cop__pick_soon_slowly(worker);
}

/* The hostile build: tasks wander between the workers all the time. What is the worker's own waits for so many turns at most. */
COP__INLINE struct cop__task *cop__pick_elsewhere(struct cop__worker *worker)
{
        struct cop__task *task = NULL;
        if (COP__STEALS_FIRST > 0 && ++worker->steals % (COP__STEALS_FIRST + 1) != 0)
                task = cop__steal(worker);
        if (COP__STEALS_FIRST > 0 && task == NULL)
                worker->steals = 0;
        return task;
}

/* From this worker's own queues and the shared ones; a low one only when it is its turn. */
COP__INLINE struct cop__task *cop__pick_here(struct cop__worker *worker)
{
        struct cop__task *task;
        uint64_t turns = worker->turns + 1; /* not read back: that would wait for the store */
        cop__store_relaxed(&worker->turns, turns);
        const struct cop__scheduler *scheduler = worker->thread.scheduler;
        if (COP__UNLIKELY(cop__is_time(turns, scheduler->habits.timers_every) ||
                          cop__load_relaxed(&scheduler->waiting) != 0)) {
                task = cop__pick_unusually(worker);
                if (task != NULL)
                        return task;
        }
        task = cop__pick_elsewhere(worker);
        if (task == NULL)
                task = cop__pick_soon(worker);
        if (task != NULL)
                return task;
        cop__next_begins(worker);
        task = cop__desk_take(&worker->desk);
        return COP__LIKELY(task != NULL) ? task : cop__pick_queued(worker);
}

/* What is here, or a low one when nothing is. */
COP__INLINE struct cop__task *cop__pick_at_hand(struct cop__worker *worker)
{
        struct cop__task *task = cop__pick_here(worker);
        if (COP__UNLIKELY(task == NULL))
                task = cop__pinned_take(worker);
        return COP__LIKELY(task != NULL) ? task : cop__pick_low(worker);
}

/* The next task to run; NULL when the scheduler stops. A worker that has something to run is never one that searches: who does,
 * in there, stops when it has found something. */
COP__INLINE struct cop__task *cop__pick_or_wait(struct cop__worker *worker)
{
        struct cop__task *task = cop__pick_at_hand(worker);
        return COP__LIKELY(task != NULL) ? task : cop__wait_for_task(worker);
}

/* The same on a stack that was switched to, to which it may have been handed. */
COP__INLINE struct cop__task *cop__pick(struct cop__worker *worker)
{
        struct cop__task *task = worker->handed;
        if (task == NULL)
                return cop__pick_or_wait(worker);
        worker->handed = NULL;
        return task;
}

#endif
