/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What lies on a worker's desk: the task just woken, those that have never run, and the next few of its ring. No atomic exchange leads
 * to them.
 *
 *      woken ──► next ──(displaced)──► ring ──(a few at a time)──► few ──► run
 *      new ────► pile
 *
 * A worker comes to its desk at each turn, and twice for a message. Others come only for what would lie there too long: the lookout,
 * once a millisecond at most, when the worker has been in one turn all that time. So the whole cost is the raider's:
 *
 *      owner                                        raider
 *      1 at_work = true                             1 raided = true
 *      2 (the compiler keeps the order)             2 a fence that every thread must pass: barrier.h, which says why
 *      3 look at `raided`; if set, step back        3 look at `at_work`; if set, leave all as it is
 *        and wait until it is clear                   nothing: the desk is the raider's; take what lies there
 *      4 the desk is the owner's                    4 raided = false
 *      5 at_work = false
 *
 * Who may touch what
 *      at_work     owner: store; raider: load
 *      raided      raider: store; owner: load
 *      guard, shut the watch: store; anybody: load
 *      the tasks   who has the desk; `next`, few_count and the pile's count: the owner, also away from it, and anybody as advice
 *
 * Named pairs (release ↔ acquire)
 *      GUARD   store of `guard` ↔ the load of it by who would raid: it finds the desk shut. Store of `shut` that is
 *              false ↔ the load of it: the owner has been seen elsewhere
 *      DESK    store of `at_work` or `raided` that is false ↔ the load of it by the other side: what was done at the desk is visible.
 *
 * Where there is no such fence `at_work` is a lock for both sides. A worker that has no others beside it has nobody to fear, and looks
 * at neither.
 *
 * When it gets company it may be in the middle of something at its desk, having looked at the guard before. So the guard changes in two
 * steps: from the first on the owner comes as described, but raiders do not yet (`shut`); the second is for when the owner has been seen
 * elsewhere after the first, whose fence it has passed. What it has begun at its desk after that, it has begun under the guard.
 */
#ifndef SCHEDULER_DESK_H
#define SCHEDULER_DESK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"
#include "base/limits.h"
#include "scheduler/pile.h"

enum cop__desk_guard {
        COP__DESK_ALONE = 0, /* no raider comes */
        COP__DESK_BARRIER,
        COP__DESK_LOCK,
};

struct cop__desk {
        uint8_t guard; /* atomic; a cop__desk_guard; from ALONE it may change once */
        bool shut;     /* atomic; since then its owner has not been seen elsewhere: no raider comes */
        bool at_work;
        bool raided;
        uint32_t few_at, few_count; /* few[few_at] is the next of them, few_count are left */
        struct cop__task *next;     /* just woken; NULL: none */
        struct cop__task *few[COP__DESK_FEW];
        struct cop__pile pile;      /* never run yet */
};

/* Any thread, as advice. */
COP__INLINE bool cop__desk_is_empty(const struct cop__desk *desk)
{
        return cop__load_acquire(&desk->next) == NULL && cop__load_acquire(&desk->few_count) == 0 &&
               cop__load_acquire(&desk->pile.count) == 0;
}

/* Any thread: may a raider come? */
COP__INLINE bool cop__desk_is_open(const struct cop__desk *desk)
{
        return cop__load_acquire(&desk->guard) != COP__DESK_ALONE && !cop__load_acquire(&desk->shut); /* GUARD */
}

/* The watch: has its guard begun, and its owner not been seen elsewhere since? */
COP__INLINE bool cop__desk_awaits_owner(const struct cop__desk *desk)
{
        return cop__load_relaxed(&desk->guard) != COP__DESK_ALONE && cop__load_relaxed(&desk->shut);
}

/* The watch, at each look at who got its first company: the first step of a guard that begins, and the second once the owner
 * has been seen elsewhere since. True: this was the first. */
bool cop__desk_guard_on(struct cop__desk *desk, bool is_elsewhere);

/* How the desks of so many workers are guarded, here and now. */
enum cop__desk_guard cop__desk_guard_for(unsigned worker_count);

/* Another thread, one at a time, if the desk is open. What lies on the desk, up to 1 + COP__DESK_FEW tasks, the oldest first; how
 * many; and its pile. */
uint32_t cop__desk_raid(struct cop__desk *desk, struct cop__task **tasks, struct cop__task_list *pile);

/* The rare halves of coming: a raider is there; the desk has a lock. */
void cop__desk_step_back(struct cop__desk *desk);
void cop__desk_lock(struct cop__desk *desk);

/* Owner. From here to `leave` the desk is its own. True: it has come as one who may meet a raider. */
COP__INLINE bool cop__desk_come(struct cop__desk *desk)
{
        uint8_t guard = cop__load_relaxed(&desk->guard);
        if (guard == COP__DESK_ALONE)
                return false;
        if (COP__UNLIKELY(guard == COP__DESK_LOCK)) {
                cop__desk_lock(desk);
                return true;
        }
        cop__store_relaxed(&desk->at_work, true);
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        if (COP__UNLIKELY(cop__load_acquire(&desk->raided))) /* DESK */
                cop__desk_step_back(desk);
        return true;
}

/* `guarded` is what `come` has said: a guard that has begun since is for the next time. */
COP__INLINE void cop__desk_leave(struct cop__desk *desk, bool guarded)
{
        /* ThreadSanitizer is told also when alone, since it cannot see how one knows where a worker is (spare.h). */
        if (COP__TSAN || guarded)
                cop__store_release(&desk->at_work, false); /* DESK */
}

/* Owner. Puts a task in the next slot, or NULL; what lay there before. */
COP__INLINE struct cop__task *cop__desk_swap(struct cop__desk *desk, struct cop__task *task)
{
        bool guarded = cop__desk_come(desk);
        struct cop__task *before = cop__load_relaxed(&desk->next);
        cop__store_relaxed(&desk->next, task);
        cop__desk_leave(desk, guarded);
        return before;
}

/* Owner. The same where nothing lies there: nobody else puts anything. */
COP__INLINE void cop__desk_put(struct cop__desk *desk, struct cop__task *task)
{
        bool guarded = cop__desk_come(desk);
        cop__store_relaxed(&desk->next, task);
        cop__desk_leave(desk, guarded);
}

/* Owner. The first of the few, or NULL. */
COP__INLINE struct cop__task *cop__desk_take(struct cop__desk *desk)
{
        struct cop__task *task = NULL;
        if (cop__load_relaxed(&desk->few_count) == 0)
                return NULL;
        bool guarded = cop__desk_come(desk);
        if (COP__LIKELY(desk->few_count > 0)) {
                task = desk->few[desk->few_at++];
                cop__store_relaxed(&desk->few_count, desk->few_count - 1);
        }
        cop__desk_leave(desk, guarded);
        return task;
}

/* Owner. Puts one that has never run on the pile. */
COP__INLINE void cop__desk_pile(struct cop__desk *desk, struct cop__task *task)
{
        bool guarded = cop__desk_come(desk);
        cop__pile_put(&desk->pile, task);
        cop__desk_leave(desk, guarded);
}

/* Owner. The one of the pile to begin with, or NULL; *sibling: is the next one its sibling? */
COP__INLINE struct cop__task *cop__desk_begin_one(struct cop__desk *desk, bool *sibling)
{
        bool guarded = cop__desk_come(desk);
        struct cop__task *task = cop__pile_take(&desk->pile);
        *sibling = task != NULL && cop__pile_has_sibling(&desk->pile, task);
        cop__desk_leave(desk, guarded);
        return task;
}

COP__INLINE struct cop__task *cop__desk_begin(struct cop__desk *desk)
{
        bool sibling;
        return cop__desk_begin_one(desk, &sibling);
}

#endif
