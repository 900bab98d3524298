/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Strategies: when one child has failed, who is stopped and started with it.
 *
 * Pure functions, so that every case can be tried without an actor.
 *
 *      children in order of start   a   b   c   d        b has failed
 *      one_for_one, dynamic             b                stop -        start b
 *      one_for_all                  a   b   c   d        stop d c a    start a b c d
 *      rest_for_one                     b   c   d        stop d c      start b c d
 *
 * Stopping goes backwards and starting forwards, so that of a group none runs without those before
 * it. Whoever is in reach and has no process is started too: it was in reach of the failure that it
 * waits for. But a temporary child is stopped for good.
 */
#ifndef SUPERVISOR_STRATEGY_H
#define SUPERVISOR_STRATEGY_H

#include <coppice/supervisor.h>

/* Does this end call for a restart? `well` is normal, shutdown or {shutdown, _}. */
bool cop__restart_is_wanted(cop_restart restart, bool well);

/* Is a failure the failed child's own matter? */
bool cop__strategy_is_single(cop_strategy strategy);

/*
 * The children in reach of a failure are those whose number in the order of start is this or above. Not for single
 * strategies, where it is the failed child alone.
 */
uint64_t cop__strategy_reach(cop_strategy strategy, uint64_t failed);

#endif
