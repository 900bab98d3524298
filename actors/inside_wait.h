/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Inside a process: whose calls are being answered here, and what the node must know of the actor's own. The other end
 * of outpost_wait.h.
 *
 *      a call comes         its deadline is kept under its reference, until an answer, a failure or a deferral leaves
 *      WITHDRAWN comes      that deadline is over: its caller has given up, or has ended
 *      the actor calls      the call's packet bears its deadline, and says that it waits
 *      it awaits a request, a task or a start ──► WAITS        a wait ends by its time-out ──► OVER
 *
 * A call that has come (COP__SIGNAL_CROSSED) is over when its deadline is. So it needs a look at the clock, where
 * actors of the node look at their caller's record. When its turn comes and it is over it leaves as FAILED, expired,
 * and the outpost counts it.
 *
 * A wait is told by no packet but that of its call, and its end by none if it ends with an answer: the outpost has
 * handed that on.
 *
 * Who may touch what: all of it is the worker's.
 */
#ifndef ACTORS_INSIDE_WAIT_H
#define ACTORS_INSIDE_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include <coppice/actor.h>

struct cop__inside;

/* A call has come whose caller's patience ends then. False: no memory. */
bool cop__inside_want(struct cop__inside *inside, cop_ref ref, uint64_t deadline_ns);

/* Its caller waits no longer. */
void cop__inside_withdraw(struct cop__inside *inside, cop_ref ref);

/* What answers it, or takes the duty away from it, leaves. */
void cop__inside_settle(struct cop__inside *inside, cop_ref ref);

/* The end of its caller's patience: 0: it is over, UINT64_MAX: never, or it has been settled. */
uint64_t cop__inside_patience(const struct cop__inside *inside, cop_ref ref);
bool cop__inside_is_over(const struct cop__inside *inside, cop_ref ref);

/* In the actor's turn: what has come to the socket is looked at. */
void cop__inside_look(void);

/* The actor is about to wait for the answer to a request or a start, or has given up to wait. */
void cop__inside_waits(cop_ref ref);
void cop__inside_over(cop_ref ref);


#endif
