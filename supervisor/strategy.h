/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Strategies: when one child has failed, who is stopped, who is started, in which order.
 *
 * Pure functions over what a supervisor knows of its children, so that every case can be tried
 * without an actor.
 *
 *      children in order of start   a   b   c   d        b has failed
 *      one_for_one                      b                stop -        start b
 *      one_for_all                  a   b   c   d        stop d c a    start a b c d
 *      rest_for_one                     b   c   d        stop d c      start b c d
 *
 * Stopping goes backwards and starting forwards, so that a child never runs without those before
 * it. Whoever is in reach and has no process is started too: it was in reach of the failure that it
 * waits for. But a temporary child is stopped for good.
 */
#ifndef SUPERVISOR_STRATEGY_H
#define SUPERVISOR_STRATEGY_H

#include <coppice/supervisor.h>

/* What a strategy needs to know of a child. */
struct cop__member {
        cop_restart restart;
        bool running;   /* it has a process, which may be starting still */
        bool forgotten; /* a temporary child that has ended: as if it had never been there */
};

/* Indexes of children, in the order in which it is to be done. */
struct cop__plan {
        uint32_t *stop, *start; /* the caller's, with room for all children each */
        uint32_t stop_count, start_count;
};

/* Does this end call for a restart? `well` is normal, shutdown or {shutdown, _}. */
bool cop__restart_is_wanted(cop_restart restart, bool well);

/*
 * Fills the plan for the failure of members[failed], which has no process any more and is none of
 * the forgotten. Cost: the number of children in reach.
 */
void cop__strategy_plan(cop_strategy strategy, const struct cop__member *members, uint32_t count,
                        uint32_t failed, struct cop__plan *plan);

#endif
