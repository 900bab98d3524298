/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The pile: a worker's tasks that have never run, the newest on top.
 *
 *      bottom ── next ──► task ── next ──► task ── next ──► top        from the oldest to the newest
 *             ◄─ below ──      ◄─ below ──      ◄─ below ──
 *
 * Tasks that start tasks make a tree of them. Begun in the order of their birth, all of one generation exist before the first of the next:
 * a tree with a million leaves is a million tasks at once, and each is cold when its turn comes. Begun the newest first, there are few at
 * a time, and they are in the cache: each subtree is over before the next one begins. So:
 *
 *      up to COP__PILE_IN_ORDER      the oldest first: who starts a few finds them begun in that order
 *      more                          the newest first
 *      one start in COP__PILE_OLDEST the oldest whatever there is: nobody waits for ever
 *
 * Siblings, started in one turn, begin one after the other before what they wake goes on: who started them, and waits to hear
 * from each, is woken once for many of them (pick.c).
 *
 * So a task that has p older ones below it begins after at most (p + 1) * COP__PILE_OLDEST starts. How the pile has its share beside the
 * tasks that have run before, pick.h says (cop__pick_soon). It lies on the worker's desk, with whose rules others may take all of it
 * (desk.h); and its worker gives away the oldest, which are the largest subtrees, when another has nothing to do.
 *
 * Invariants: count == 0 <=> top == NULL <=> bottom == NULL; top->next == NULL; bottom->below == NULL.
 */
#ifndef SCHEDULER_PILE_H
#define SCHEDULER_PILE_H

#include <stdbool.h>

#include "base/atomic.h"
#include "base/limits.h"
#include "scheduler/task.h"

struct cop__pile {
        struct cop__task *top, *bottom;
        uint32_t count;  /* atomic; others look at it as advice */
        uint32_t starts; /* out of it in all, wrapping */
};

COP__INLINE void cop__pile_put(struct cop__pile *pile, struct cop__task *task)
{
        struct cop__task *top = pile->top;
        task->next = NULL;
        task->below = top;
        if (top != NULL)
                top->next = task;
        else
                pile->bottom = task;
        pile->top = task;
        cop__store_relaxed(&pile->count, pile->count + 1);
}

COP__INLINE struct cop__task *cop__pile_take_newest(struct cop__pile *pile)
{
        struct cop__task *task = pile->top;
        pile->top = task->below;
        if (pile->top != NULL)
                pile->top->next = NULL;
        else
                pile->bottom = NULL;
        return task;
}

COP__INLINE struct cop__task *cop__pile_take_oldest(struct cop__pile *pile)
{
        struct cop__task *task = pile->bottom;
        pile->bottom = task->next;
        if (pile->bottom != NULL)
                pile->bottom->below = NULL;
        else
                pile->top = NULL;
        return task;
}

/* The one to begin with; NULL: there is none. */
COP__INLINE struct cop__task *cop__pile_take(struct cop__pile *pile)
{
        if (pile->count == 0)
                return NULL;
        bool oldest = pile->count <= COP__PILE_IN_ORDER || ++pile->starts % COP__PILE_OLDEST == 0;
        struct cop__task *task = oldest ? cop__pile_take_oldest(pile) : cop__pile_take_newest(pile);
        task->below = NULL;
        cop__store_relaxed(&pile->count, pile->count - 1);
        return task;
}

/* Is the one to begin with next, most probably, a sibling of this one that was taken out? */
COP__INLINE bool cop__pile_has_sibling(const struct cop__pile *pile, const struct cop__task *task)
{
        if (pile->count == 0)
                return false;
        const struct cop__task *next = pile->count <= COP__PILE_IN_ORDER ? pile->bottom : pile->top;
        return next->litter == task->litter;
}

/* The oldest of them, up to `most`, as a list; it may be empty. */
static inline struct cop__task_list cop__pile_cut(struct cop__pile *pile, uint32_t most)
{
        struct cop__task_list list = { NULL, NULL, 0 };
        for (; pile->bottom != NULL && list.count < most; list.count++) {
                struct cop__task *task = cop__pile_take_oldest(pile);
                task->below = NULL;
                if (list.first == NULL)
                        list.first = task;
                list.last = task; /* the one before it is linked to it already */
        }
        if (list.last != NULL)
                list.last->next = NULL;
        cop__store_relaxed(&pile->count, pile->count - list.count);
        return list;
}

#endif
