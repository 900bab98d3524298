/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The process's signals as messages: SIGTERM arrives at an actor like anything else.
 *
 * A thread of its own waits for them (sigwaitinfo), so no handler runs anywhere and nothing is asked of async-signal
 * safety. The signals must be blocked in all threads: block them before others are made.
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

/*
 * Sends a cop_os_signal to `to` for each signal of the set that the process gets. The set is copied.
 * Errors: COP_E_NO_MEMORY, COP_E_SYSTEM.
 */
cop_status cop__signals_start(cop_node *node, const sigset_t *set, cop_pid to,
                              struct cop__signals **signals);
void cop__signals_stop(struct cop__signals *signals); /* NULL is allowed */

#endif
