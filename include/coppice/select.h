/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Select: waits for the first of several things, of which exactly one happens.
 *
 *      cop_case cases[] = {
 *              COP_CASE_TAKE(jobs, job),
 *              COP_CASE_PUT(results, result, .value = 7),
 *              COP_CASE_AWAIT(f, total),
 *              COP_CASE_RECEIVE(COP_KIND(stop)),
 *      };
 *      switch (cop_select(1000, cases)) {
 *      case 0:
 *              if (cases[0].status == COP_OK)
 *                      work(cop_read(job, cases[0].message));
 *              cop_message_free(cases[0].message);
 *              break;
 *      ...
 *      case COP_SELECT_TIMEOUT:
 *              ...
 *      case COP_SELECT_BAD:            one of them is no channel or future
 *      }
 *
 * All that comes as a message (timers, the deaths of actors, other actors) is COP_CASE_RECEIVE, with the patterns of
 * cop_receive; if nothing but messages is waited for, cop_receive does the same with less. A time-out of 0 is Go's default case.
 *
 * Order: of the cases that are ready at once, any may come true, each as likely as the others, as in Go. If none is, the first
 *      that becomes ready, or very nearly so. One that takes and puts at the same channel never meets itself.
 * Ownership: the message of the case that came true is the caller's, who ends it with cop_message_free. The others are not
 *      touched: nothing has been taken from them, put in them, or awaited.
 * Threads: actors and visiting threads.
 * Cost: a call for each channel and future until one is ready; as many messages again if it has to wait.
 * Failure: a case may come true with a status that is not COP_OK, and then without a message: a channel that is closed is
 *      always ready, with COP_E_CLOSED; a future that has failed, with COP_E_DIED. A channel that does not
 *      answer is not ready; such make the select last a tenth of a second longer, and one with a time-out of 0 up to a second.
 *
 * What people get wrong:
 * - Look at the status: a loop around a select on a closed channel spins, as it does in Go. Set its case to the channel
 *   nobody (job_channel none = { 0 }), which never comes true, as a nil channel in Go.
 * - The cases of one select are no list of orders: what a case puts is evaluated when the array is filled.
 *
 * See also: channel.h, future.h, actor.h.
 */
#ifndef COPPICE_SELECT_H
#define COPPICE_SELECT_H

#include <coppice/channel.h>
#include <coppice/future.h>

COP_BEGIN_DECLS

/* The most cases of one select: it asks each of them. */
#define COP_SELECT_MAX 64

/* No case came true in time. */
#define COP_SELECT_TIMEOUT (-1)

/*
 * A mistake: a negative time-out or too many cases, which a visiting thread survives; no node; a case that is no channel or
 * future, and whoever it is has answered; a predicate that said yes and then no, whose message is gone. No case came true.
 */
#define COP_SELECT_BAD (-2)

typedef enum cop_case_type {
        COP_CASE_IS_TAKE = 1,
        COP_CASE_IS_PUT,
        COP_CASE_IS_AWAIT,
        COP_CASE_IS_RECEIVE,
} cop_case_type;

/* One case. Made by the macros below, which check the types. */
typedef struct cop_case {
        uint32_t type;        /* a cop_case_type */
        cop_pid pid;          /* of the channel or the future; nobody: never comes true */
        const cop_kind *kind; /* PUT: of `value` */
        const void *value;    /* PUT: borrowed for the call */
        cop_pattern pattern;  /* RECEIVE */
        cop_status status;    /* set for the case that came true */
        cop_message *message; /* the same; NULL for PUT and when status is not COP_OK */
} cop_case;

/*
 * Returns: the index of the case that came true, COP_SELECT_TIMEOUT or COP_SELECT_BAD. A negative time-out and more than
 * COP_SELECT_MAX cases end the actor with {badarg, ...}. A case without memory to wait for it comes true with COP_E_NO_MEMORY.
 */
COP_API int cop_select_any_of(int64_t timeout_ms, cop_case *cases, size_t count);

#ifndef __cplusplus

#define COP_CASE_TAKE(channel, type_) \
        { .type = COP_CASE_IS_TAKE, .pid = COP__CHANNEL(channel, type_) }
#define COP_CASE_PUT(channel, type_, ...)                                  \
        { .type = COP_CASE_IS_PUT, .pid = COP__CHANNEL(channel, type_), \
          .kind = COP_KIND_OF(type_), .value = &(type_){ __VA_ARGS__ } }
#define COP_CASE_AWAIT(future, type_) \
        { .type = COP_CASE_IS_AWAIT, .pid = COP__FUTURE(future, type_) }
#define COP_CASE_RECEIVE(...) { .type = COP_CASE_IS_RECEIVE, .pattern = __VA_ARGS__ }

/* cop_select(1000, cases): for an array. */
#define cop_select(timeout_ms, cases) \
        cop_select_any_of((timeout_ms), (cases), sizeof(cases) / sizeof((cases)[0]))

#endif

COP_END_DECLS

#endif
