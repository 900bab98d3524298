/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Handing a signal over where nearly every message, call and reply passes: what mostly follows is compiled in there. */
#ifndef ACTORS_PUSH_H
#define ACTORS_PUSH_H

#include "actors/actor.h"
#include "scheduler/runnable.h"

/* cop__push_signal, in the same way. */
COP__INLINE void cop__push_quickly(struct cop__thread *thread, struct cop__actor *actor, cop_pid pid,
                                   struct cop__signal *signal)
{
        uint32_t seq;
        if (cop__push(thread, actor, cop__pid_generation(pid), signal, &seq))
                cop__schedule_quickly(thread, &actor->task);
        else if (COP__UNLIKELY(cop__queue_is_each(seq, COP__PRESSURE_FROM)))
                cop__press_for(thread, actor);
}

#endif
