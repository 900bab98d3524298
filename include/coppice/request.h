/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Requests: calls whose answers are taken later, so that several are on their way at once.
 *
 *      cop_request price, stock;
 *      cop_request_send(&price, "prices", ask, .item = 7);
 *      cop_request_send(&stock, "stocks", ask, .item = 7);
 *      ...
 *      cop_auto answer = NULL;
 *      cop_status status = cop_request_await(price, 100, &answer);
 *
 * To the server a request is a call: it answers with cop_reply(), or defers it. To the client it is
 * a value, which is good until its answer has been taken, it is dropped, or the actor that sent it
 * ends; another actor cannot use it. Answers wait outside the mailbox: awaiting one looks at no
 * other message, however many there are, and one that nobody awaits any more is dropped like a late
 * reply.
 *
 * Many at once: a set of requests, each with a label that says which it is.
 *
 *      cop_requests *asked = cop_requests_new();
 *      for (int64_t i = 0; i < count; i++)
 *              if (cop_request_send(&request, servers[i], ask, .item = 7) == COP_OK)
 *                      cop_requests_add(asked, request, i);
 *      cop_deadline deadline = cop_deadline_in(100);
 *      while (cop_requests_await_until(asked, deadline, &response) == COP_OK)
 *              ... response.label, response.status, response.message
 *
 * What people get wrong:
 * - A time-out ends what was awaited: the request, or all that are left in the set. To look without
 *   giving up, poll.
 * - cop_request_send answers COP_OK for a server that is dead: the awaited answer says so.
 *
 * Ownership: an answer is the caller's, who ends it with cop_message_free. Cost: a request is a
 * call and a block of 96 bytes. Threads: any that has entered a node, each for its own requests.
 *
 * See also: actor.h, samples/requests.c.
 */
#ifndef COPPICE_REQUEST_H
#define COPPICE_REQUEST_H

#include <coppice/actor.h>

COP_BEGIN_DECLS

/* ---- One ----------------------------------------------------------------------- */

typedef struct cop_request {
        cop_ref ref;
} cop_request;

/*
 * Sends a request and does not wait. In a handler that is at a call it has what is left of that
 * one's time: taken up later, or after its sender's end, it is a dead letter and its answer is
 * COP_E_TIMEOUT. Else it is handled whenever its turn comes. Errors, with *request untouched:
 * COP_E_NO_NAME, COP_E_BAD_ARGUMENT (nobody, an alias), COP_E_TIMEOUT (the call that the handler is
 * at is over), and those of cop_send_value.
 */
COP_API cop_status cop_request_send_value(cop_request *request, cop_address to,
                                          const cop_kind *kind, const void *value);

/*
 * Waits for the answer. Returns as cop_call does: COP_OK with *reply (NULL: it is not wanted),
 * COP_E_DIED (cop_failure() is the reason), COP_E_NO_ACTOR, COP_E_NO_REPLY, COP_E_CYCLE, or
 * COP_E_TIMEOUT, which comes no later than that of the call that the caller is handling, as with
 * cop_call. In each case the request is over. COP_E_NOT_FOUND: it was over before, or is not this
 * actor's. A negative time-out ends the actor with {badarg, ...}.
 */
COP_API cop_status cop_request_await(cop_request request, int64_t timeout_ms, cop_message **reply);

/* The same without waiting, and with COP_E_TIMEOUT the request goes on: the answer has not come
 * yet. */
COP_API cop_status cop_request_poll(cop_request request, cop_message **reply);

/* Gives a request up, also one whose answer is there. Returns: true if it was this actor's and
 * not over. */
COP_API bool cop_request_drop(cop_request request);

#ifndef __cplusplus
/* cop_request_send(&request, "till", bill, .pence = 900, .people = 3) */
#define cop_request_send(request, to, type, ...)                               \
        cop_request_send_value((request), COP_TO(to), COP_KIND_OF(type), \
                               &(type){ __VA_ARGS__ })
#endif

/* ---- Deadlines ------------------------------------------------------------------- */

/*
 * How long the caller of the call that this handler is at still waits, in milliseconds;
 * COP_FOREVER: without end, or it is at no call, or has answered it. 0: it has given up. A time-out
 * of a second or more ends up to 10 ms late, and that shows here. Calls that the handler makes end
 * then by themselves; ask before long work that is in vain for one who has gone. The second is for
 * a message that a plain actor has received.
 */
COP_API int64_t cop_time_left(void);
COP_API int64_t cop_time_left_of(const cop_message *message);

/* A moment on the clock that time-outs are measured by: the same for several waits. */
typedef struct cop_deadline {
        uint64_t at_ns;
} cop_deadline;

/* The moment `timeout_ms` from now; COP_FOREVER is never. A negative time-out ends the actor
 * with {badarg, ...}. */
COP_API cop_deadline cop_deadline_in(int64_t timeout_ms);

/* ---- Many ------------------------------------------------------------------------ */

/* A set of requests. It belongs to the actor that made it, and ends with it. */
typedef struct cop_requests cop_requests;

/* One that was answered, or failed. */
typedef struct cop_response {
        cop_request request;  /* over */
        int64_t label;
        cop_status status;    /* as of cop_request_await */
        cop_message *message; /* the caller's; NULL unless the status is COP_OK */
} cop_response;

/* Returns: NULL without memory, or outside a node. The caller ends it with cop_requests_free, or
 * by its own end. */
COP_API cop_requests *cop_requests_new(void);

/* Drops all that is in it. NULL is allowed; a set of another actor's ends the caller with
 * {badarg, ...}. */
COP_API void cop_requests_free(cop_requests *set);

/*
 * Puts a request into the set. Errors: COP_E_TAKEN (it is in a set already), COP_E_NOT_FOUND (as of
 * cop_request_await), COP_E_NOT_OWNER (the set is another actor's), COP_E_BAD_ARGUMENT (NULL).
 */
COP_API cop_status cop_requests_add(cop_requests *set, cop_request request, int64_t label);

/* How many are in it: not yet taken, dropped or awaited by themselves. 0 for another actor's. */
COP_API size_t cop_requests_count(const cop_requests *set);

/*
 * Waits for the next answer to any of them, in the order in which they come, and takes it out of
 * the set; no longer than the caller of the call that is being handled does, as with cop_call.
 * Returns: COP_OK with *response; COP_E_NOT_FOUND, the set is empty; COP_E_TIMEOUT, and then all
 * that were left are dropped. Errors: COP_E_NOT_OWNER, COP_E_BAD_ARGUMENT (NULL), COP_E_NO_NODE. A
 * negative time-out ends the actor with {badarg, ...}.
 */
COP_API cop_status cop_requests_await(cop_requests *set, int64_t timeout_ms,
                                      cop_response *response);
COP_API cop_status cop_requests_await_until(cop_requests *set, cop_deadline deadline,
                                            cop_response *response);

/* The same without waiting, and with COP_E_TIMEOUT nothing is dropped. */
COP_API cop_status cop_requests_poll(cop_requests *set, cop_response *response);

/* ---- The same to several --------------------------------------------------------------- */

/*
 * Calls all of them at once and waits until each has answered or failed, or the time is over.
 * responses[i] is to[i]'s, with the label i: COP_OK and the message, which is the caller's, or why
 * there is none, COP_E_NO_NAME and COP_E_TIMEOUT included. Returns: how many have answered. 0 also
 * without memory and outside a node, with that status in each response. A negative time-out ends
 * the actor with {badarg, ...}.
 */
COP_API size_t cop_multi_call_value(cop_response *responses, const cop_address *to, size_t count,
                                    int64_t timeout_ms, const cop_kind *kind, const void *value);

#ifndef __cplusplus
/* cop_multi_call(responses, tills, 3, 5000, count_up, .by = 1) */
#define cop_multi_call(responses, to, count, timeout_ms, type, ...)                             \
        cop_multi_call_value((responses), (to), (count), (timeout_ms), COP_KIND_OF(type), \
                             &(type){ __VA_ARGS__ })
#endif

COP_END_DECLS

#endif
