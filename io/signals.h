/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The process's signals as messages: SIGTERM arrives at an actor like anything else.
 *
 * A thread of its own waits for them (signalfd), so no handler runs anywhere and nothing is asked of async-signal
 * safety. The signals must be blocked in all threads: block them before others are made.
 *
 *      start ──► visits the node, and sends ──leave──► waits on, outside ──stop──► joined
 *                              who has an ear hears all the while
 */
#ifndef IO_SIGNALS_H
#define IO_SIGNALS_H

#include <signal.h>

#include <coppice/actor.h>

typedef struct cop_os_signal {
        int32_t number;
} cop_os_signal;
COP_MESSAGE(cop_os_signal, number);

struct cop__signals;

/* Hears of each signal first, on the thread that waits for them, whatever the one who is sent them may be doing. */
struct cop__signals_ear {
        bool (*hears)(void *context, int number); /* false: it is not sent. It may end the process. */
        void *context;
};

/*
 * Sends a cop_os_signal to `to` for each signal of the set that the process gets, also while the node takes no new work. Of
 * those for which there is no memory at all each number is sent once, when there is some. The set and the ear are copied; NULL:
 * no ear.
 * Errors: COP_E_NO_MEMORY, COP_E_SYSTEM (no thread, or no descriptor: two are needed).
 */
cop_status cop__signals_start(cop_node *node, const sigset_t *set, cop_pid to, const struct cop__signals_ear *ear,
                              struct cop__signals **signals);
/* Sends no more, and leaves the node, which may be stopped then; the ear goes on hearing. */
void cop__signals_leave(struct cop__signals *signals);
void cop__signals_stop(struct cop__signals *signals); /* NULL is allowed; it may have left, or not */

#endif
