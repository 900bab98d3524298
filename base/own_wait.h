/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Waits of the runtime's own, in system calls.
 *
 * An actor that is to end is left in the middle of a call that waits, for good, if the program has made that call (actors/preempt.h). If the
 * runtime has, what it has in hand would be lost, and a lock with it. The frames do not always tell the two apart: a function of the program
 * whose last call is a jump has left none. So the runtime says so where it waits.
 */
#ifndef COP__BASE_OWN_WAIT_H
#define COP__BASE_OWN_WAIT_H

#include <stdbool.h>

/* Around such a wait, on the thread that waits; one in another is one. */
void cop__own_wait_begin(void);
void cop__own_wait_end(void);

/* Is the calling thread in one? Fit for a handler. */
bool cop__own_wait_is_on(void);

#endif
