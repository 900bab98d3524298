/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Requests in flight: calls that nobody waits for yet.
 *
 *      sent ──REPLY or FAILED──► answered ──awaited, polled──► over
 *        └──────────── time-out, dropped, the actor's end ──────► over
 *
 * Each is a block of its own in a table of the actor's, by the reference of the call; an answer
 * that comes lies there until it is taken. What comes under a reference that is not in the table,
 * or is answered already, is late and dropped. A set is two lists of such blocks: those that wait,
 * in the order in which they were put in, and those answered, in the order in which the answers
 * came.
 */
#ifndef ACTORS_REQUEST_H
#define ACTORS_REQUEST_H

#include <coppice/request.h>

#include "mailbox/signal.h"

struct cop__actor;
struct cop__thread;

/* REPLY or FAILED has come, and is no answer to the call that waits. False: to no request
 * either. */
bool cop__request_answered(struct cop__thread *thread, struct cop__actor *actor,
                           struct cop__signal *signal);

/* The callee has deferred its answer. False: nobody waits for that any more. */
bool cop__request_deferred(struct cop__actor *actor, cop_ref ref);

/*
 * As cop_request_send_value, to a pid; dropped if it is taken up after `deadline_ns` (UINT64_MAX:
 * never, and it binds nobody). `where` is shown by the console.
 */
cop_status cop__request_send(cop_request *request, cop_pid callee, const cop_kind *kind,
                             const void *value, uint64_t deadline_ns, const void *where);

/* A request that is wanted until then (UINT64_MAX: for ever), and dropped where it is taken up later. Errors: those of
 * cop__signal_message. */
cop_status cop__request_message(struct cop__pool_cache *cache, const cop_kind *kind, const void *value,
                                uint64_t deadline_ns, struct cop__signal **signal);

/* As cop_request_await, but with COP_E_TIMEOUT the request goes on. `where` is shown by the
 * console. */
cop_status cop__request_wait(struct cop__actor *actor, cop_request request, uint64_t deadline_ns,
                             const void *where, cop_message **reply);

/*
 * The same for who only looks: for a while it goes on by itself, so it is in no ring. Without an end it is, but with COP_E_CYCLE
 * the request goes on, too; not in an OS process, where the outpost's call is over.
 */
cop_status cop__request_look(struct cop__actor *actor, cop_request request, uint64_t deadline_ns,
                             const void *where, cop_message **reply);

/* As cop_requests_await_until, but with COP_E_TIMEOUT nothing is dropped. `where` is shown by
 * the console. */
cop_status cop__requests_await_kept(cop_requests *set, cop_deadline deadline,
                                    cop_response *response, const void *where);

/* Is it this actor's, and not over? */
bool cop__request_is_open(struct cop__actor *actor, cop_request request);

/* Ends a set of the calling actor's, and leaves what is in it as it is. */
void cop__requests_dissolve(cop_requests *set);

/* The end of the actor: all are over, one by one, once its relations have ended. False: there is
 * none left. */
void cop__requests_end_begin(struct cop__thread *thread, struct cop__actor *actor);
bool cop__requests_end_one(struct cop__thread *thread, struct cop__actor *actor);

#endif
