/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * An outpost's process as one of those who wait: its calls and its edges, in the outpost's name, and who waits for it.
 *
 *      process                     outpost                                     others
 *      calls ──request, CALL────►  its record (calling.h) is the process':     read it as any actor's
 *                                  open, deadline, edge; then the request ───►
 *      awaits ──WAITS, ref─────►   the edge, if that request is still out
 *      gives up ──OVER, ref────►   the record is ended, the callee is told
 *            ◄──────an answer────  taken in: the record is ended ◄──────────── answers, defers, dies
 *            ◄──FAILED, cycle────  its look has found the ring (ring.c)
 *            ◄──WITHDRAWN, ref───  its caller waits no longer ◄─────────────── gives up, or ends
 *
 * The outpost never calls, and its actor is in one call at a time: so the record of its slot is free to be the
 * process'.
 *
 * Why an edge is true. From its packet on the process' actor does nothing before it has an answer, but by its time-out
 * or its end. Answers go through the outpost, which ends the edge when it takes them in: before it sleeps, as ring.c
 * wants it of all. So an outpost that sleeps with an edge has had no answer before it fell asleep, and none is on its
 * way in the socket either. A WAITS that crosses an answer in the socket finds its request no longer among those that
 * are out (`asked`), and makes no edge.
 *
 * What the process has done and not yet told has happened to nobody. It may have timed out, answered somebody and
 * called another: all that comes through the one socket, in order, OVER first, so until the outpost has read that no
 * actor has seen any of it. A ring that is found meanwhile is one that was found before the time-out, to whoever may
 * tell; and a time-out is what a ring may end by. What has died is the same until its socket is read; then the edge
 * goes before anything else (hear_silence).
 *
 * No ring is missed. The outpost writes the edge, passes the fence (CLOSE) and looks, as a caller does; its process
 * sleeps anyway. It stays awake until the edge is gone, so one call of a ring fails, not more. If it cannot make sure
 * it has itself told when to look again: COP__OUTPOST_LOOK_MS later, since it cannot wait as a caller does.
 *
 * What a corrupted process can bring about. It speaks of itself alone: an edge leads from it to whom it has a request
 * out to, under that request's reference, and to nobody else. A reference of a call must be greater than all before,
 * or it is malformed: so none comes twice, which ring.c counts on, and a request that is awaited again has another
 * number. A deadline is its own patience. It may wait and say it does not, or the other way round: then a ring is not
 * found, or one is found in which it could have answered and does not, as any actor can.
 *
 * Withdrawn. What has been handed on cannot be dropped here when its turn comes. So who gives up a call to an outpost
 * sends it WITHDRAWN, behind the end of its record. What has not been handed on by then is found over at dequeue, or
 * crosses with a deadline of 0; what is held is withdrawn in the process. The outpost goes on holding it until the
 * process says what became of it: it may be at it, and answer.
 *
 * Who may touch what: all of it is the outpost's.
 */
#ifndef ACTORS_OUTPOST_WAIT_H
#define ACTORS_OUTPOST_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include <coppice/actor.h>

#include "actors/crossing.h"

struct cop__actor;
struct cop__crossing;
struct cop__signal;

/* ---- Its process' own requests ---------------------------------------------------------- */

/* Can an actor ask under that reference? */
bool cop__outpost_may_ask(const struct cop__crossing *crossing, const struct cop__crossing_packet *packet);

/*
 * Sends a request of the process, under packet->ref; takes it. `packet` says whether it is a call's, and its
 * deadline.
 */
void cop__outpost_request(struct cop__actor *self, struct cop__crossing *crossing,
                          const struct cop__crossing_packet *packet, struct cop__signal *request);

/* The process has had that child spawned, and may wait for its start. */
void cop__outpost_started(struct cop__actor *self, cop_ref ref, cop_pid child);

/* WAITS and OVER have come. */
void cop__outpost_waits(struct cop__actor *self, struct cop__crossing *crossing, cop_ref ref);
void cop__outpost_over(struct cop__actor *self, cop_ref ref);

/* An answer or a failure has come under that reference, or has been deferred: the edge is no more. */
void cop__outpost_answered(struct cop__actor *self, struct cop__crossing *crossing, cop_ref ref);
void cop__outpost_let_go(struct cop__crossing *crossing, cop_ref ref);

/* HINGE has come: if its call is under that reference, it waits until the start of that actor is over. */
void cop__outpost_hinges(struct cop__actor *self, cop_ref ref, cop_pid child);

/* Looks for a ring again, if that is due. */
void cop__outpost_look_again(struct cop__actor *self, struct cop__crossing *crossing);

/*
 * Its process is dead or about to be: it waits for nobody. The second frees all that is left, once its pid has moved
 * on.
 */
void cop__outpost_wait_end(struct cop__actor *self);
void cop__outpost_wait_fini(struct cop__crossing *crossing);

/* ---- Who waits for it ------------------------------------------------------------------- */

/* The end of the patience of whoever sent a request that is handed on now: 0: it is over, UINT64_MAX: never. */
uint64_t cop__outpost_patience(const struct cop__signal *request);

/* WITHDRAWN has come, to any actor. */
void cop__outpost_withdrawn(struct cop__actor *self, cop_ref ref);

#endif
