/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* What the layer below is told of timers, and the alarms of wait.c. The timers that users set are in timer_home.h. */
#ifndef ACTORS_TIMER_H
#define ACTORS_TIMER_H

#include "actors/timer_home.h"

/* The scheduler's hooks. */
void cop__timer_disarmed(struct cop__timer *timer, void *node);
void cop__timer_fire(struct cop__timer *timer, void *node);

/* The end of an actor's wait, as a signal that a timer will send. NULL without memory. */
struct cop__signal *cop__alarm_new(struct cop__thread *thread, cop_pid pid);

/* The timer before a signal that one will send. */
COP__INLINE struct cop__timer *cop__timer_before(struct cop__signal *signal)
{
        return &COP__CONTAINER(signal, struct cop__timed, as.signal)->timer;
}

#endif
