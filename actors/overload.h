/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The node's memory watermark: who is told, and what is refused. The counting itself is the pool's (base/pool.h).
 *
 * The pool only leaves a word, `over`, since it is used where nothing may be sent. Whoever comes by a place where that is allowed
 * (a refusal, a spawn, a death) compares it with what was told last, and tells the change: one exchange decides who does it.
 *
 * Who may touch what: the audience (audience.h) has its lock; `said` and who was missed are whoever's who is telling; all
 * else is atomic.
 */
#ifndef ACTORS_OVERLOAD_H
#define ACTORS_OVERLOAD_H

#include <coppice/overload.h>

#include "actors/audience.h"
#include "scheduler/scheduler.h"

/* Not told to all: for some there was no memory. The next who comes by tells those. */
#define COP__OVERLOAD_UNTOLD 2u

struct cop__overload {
        uint32_t told;     /* atomic; the last word that was told, or COP__OVERLOAD_UNTOLD */
        uint32_t telling;  /* atomic; somebody does, and looks at `over` once more behind its store of 0: who has changed that before and
                            * finds it 1 need not. Both in one order (seq) */
        uint64_t alarms;   /* atomic */
        uint32_t said;     /* whoever is `telling`: the word of the last alarm, also of one that not all have had */
        uint32_t missed_count; /* the same: who have not */
        cop_pid missed[COP__AUDIENCE_MAX];
        struct cop__audience audience;
};

void cop__overload_init(struct cop__overload *overload);

void cop__overload_tell(struct cop__thread *thread);

/* Tells a change that nobody has told. */
void cop__overload_look(struct cop__thread *thread);

/* What somebody has asked for came to that. If it is refused as new work, perhaps it is the first. */
COP__INLINE void cop__refused(struct cop__thread *thread, cop_status status)
{
        if (COP__UNLIKELY(status == COP_E_OVERLOAD))
                cop__overload_look(thread);
}

/* Is new work to be refused? Then that is counted. What is done at each spawn and each death asks cop__is_calm (actor.h) first. */
bool cop__overload_refuses(struct cop__thread *thread);

#endif
