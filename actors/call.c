/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Calls: a request under a fresh reference, and the wait for what comes back under it.
 *
 * A call costs two messages and no monitor, since whoever holds the request answers for it: the
 * request is one block of memory that is somewhere at any moment, in a queue, a mailbox, a handler
 * or a user's hands, and whoever would free it unanswered sends it back as FAILED instead, in the
 * same block. So the callee's death, an unanswered handler and a dead pid all end the call at once,
 * and need no memory for that.
 *
 * Only a deferred reply leaves the request: then the callee makes a monitor of itself for the
 * caller, under the reference of the call, and the caller's half of it is how the caller hears of
 * the deferral (DEFERRED_BY). So whoever answers, and whoever dies, the call ends; the callee's
 * death has its reason, since its half is there before the caller has been told; and what lacks
 * memory is the deferral, not the call, which then ends unanswered.
 *
 * Replies do not go through the mailbox. One whose reference nobody waits for is freed: no late
 * reply is ever received, and waiting for a reply scans nothing. Requests (request.c) are calls
 * that are waited for later, aliases (alias.h) lead what comes under their reference to the
 * mailbox.
 */
#include <stdlib.h>

#include "actors/actor.h"
#include "actors/alias.h"
#include "actors/calling.h"
#include "actors/inside.h"
#include "actors/line.h"
#include "actors/observe.h"
#include "actors/outpost.h"
#include "actors/push.h"
#include "actors/request.h"
#include "actors/take.h"
#include "actors/task.h"
#include "base/clock.h"

/* ---- The callee's side ------------------------------------------------------------ */

void cop__fail_call(struct cop__thread *thread, cop_pid callee, struct cop__signal *request,
                    enum cop__failure failure, struct cop__shared_term *reason)
{
        cop_pid caller = request->from;
        cop_ref ref = request->ref;
        if (request->kind != NULL && !request->kind->plain)
                cop__flat_drop(request->kind, cop__signal_body(request));
        if (request->flags & COP__SIGNAL_LARGE)
                cop__pool_give_large(thread->pool.pool, cop__signal_body(request), request->size);
        request->kind = NULL;
        request->flags &= COP__SIGNAL_LED; /* where its block begins */
        request->size = sizeof(struct cop__failed);
        request->type = COP__SIGNAL_FAILED;
        request->from = callee;
        request->ref = ref;
        struct cop__failed *failed = cop__signal_body(request);
        failed->reason = reason != NULL ? cop__shared_term_take(reason) : NULL;
        failed->failure = failure;
        cop__send_signal(thread, caller, request);
}

/* In a critical section. */
COP__INLINE void post_reply(struct cop__thread *thread, struct cop__actor *self, cop_caller caller,
                            struct cop__signal *signal, unsigned flags)
{
        signal->type = COP__SIGNAL_REPLY;
        signal->flags |= (uint16_t)flags;
        signal->ref = caller.ref;
        signal->from = cop__actor_pid(self);
        cop__count_up(&cop__here_of(thread)->sent);
        cop__send_signal(thread, caller.pid, signal);
}

/* Who runs one function for one request, and then answers that it is done: what the function replies must not be lost before. */
static bool owes_result(const struct cop__actor *self)
{
        return cop__is_agent(self->server) || self->server == &cop__task_behaviour;
}

static cop_status send_reply(struct cop__actor *self, cop_caller caller, const cop_kind *kind,
                             const void *value, unsigned flags, bool owed)
{
        struct cop__thread *thread = cop__thread_here();
        struct cop__here *here = cop__here_of(thread);
        struct cop__signal *signal;
        if (COP__UNLIKELY(self->aside & COP__ASIDE_OBSERVED)) {
                cop__observe_reply(self, caller.pid, kind, value);
                thread = cop__thread_here();
                here = cop__here_of(thread);
        }
        if (caller.ref.bits == 0)
                return cop_send_value(cop_to_pid(caller.pid), kind, value);
        cop__critical_enter(&here->fault);
        cop_status status = owed || owes_result(self) ? cop__signal_owed(&thread->pool, kind, value, &signal)
                                                      : cop__signal_message(&thread->pool, kind, value, &signal);
        if (status == COP_OK)
                post_reply(thread, self, caller, signal, flags);
        else
                cop__refused(thread, status);
        cop__critical_leave(&here->fault);
        return status;
}

/*
 * The path of nearly every reply: some words to a caller who lives in this node. True: it is sent. False: nothing has been done,
 * and the way above comes to the same.
 */
COP__INLINE bool reply_quickly(struct cop__actor *self, struct cop__signal *request, const cop_kind *kind,
                               const void *value)
{
        struct cop__thread *thread = cop__thread_here();
        struct cop__here *here = cop__here_of(thread);
        cop_pid pid = request->from;
        struct cop__actor *caller = cop__slot_of(here->node, pid);
        if (COP__UNLIKELY(caller == NULL || !cop__slot_is(caller, pid)))
                return false;
        cop__critical_enter(&here->fault);
        struct cop__signal *signal = cop__signal_quick(&thread->pool, kind, value, cop__actor_pid(self));
        if (COP__LIKELY(signal != NULL)) {
                signal->type = COP__SIGNAL_REPLY;
                signal->ref = request->ref;
                cop__count_up(&here->sent);
                cop__push_quickly(thread, caller, pid, signal);
                request->flags |= COP__SIGNAL_ANSWERED;
        }
        cop__critical_leave(&here->fault);
        return signal != NULL;
}

static COP__NOINLINE cop_status answer_slowly(struct cop__actor *self, struct cop__signal *request,
                                              const cop_kind *kind, const void *value, unsigned flags, bool owed)
{
        if (request == NULL || request->from.bits == 0)
                return COP_E_NO_CALLER;
        cop_caller caller = { request->from, request->ref };
        cop_status status = send_reply(self, caller, kind, value, flags, owed);
        if (status == COP_OK && request->ref.bits != 0)
                request->flags |= COP__SIGNAL_ANSWERED;
        return status;
}

/*
 * The same, and the way to another node is paid for, behind it: its callers wait for no answer of this actor's before they ask again,
 * and one that is told to end has answered. In this node a caller who waits is slowed enough.
 */
static COP__NOINLINE cop_status answer_and_pay(struct cop__actor *self, struct cop__signal *request, const cop_kind *kind,
                                               const void *value, const void *where)
{
        const cop_pid caller = request != NULL ? request->from : cop_no_pid();
        cop_status status = answer_slowly(self, request, kind, value, 0, false);
        if (cop__pid_node(caller) != 0)
                cop__charge(caller, where);
        return status;
}

/* To a request that is a call. */
static COP__NOINLINE cop_status answer_call(struct cop__actor *self, struct cop__signal *request, const cop_kind *kind,
                                            const void *value, const void *where)
{
        return COP__LIKELY(reply_quickly(self, request, kind, value)) ? COP_OK : answer_and_pay(self, request, kind, value, where);
}

/* A message without a reference is answered by a message. */
COP__INLINE cop_status answer(struct cop__actor *self, struct cop__signal *request, const cop_kind *kind, const void *value,
                              const void *where)
{
        if (COP__UNLIKELY(request == NULL || request->from.bits == 0 || self->aside & COP__ASIDE_OBSERVED))
                return answer_and_pay(self, request, kind, value, where);
        if (request->ref.bits == 0)
                return cop_send_value(cop_to_pid(request->from), kind, value);
        return answer_call(self, request, kind, value, where);
}

cop_status cop_reply_value(const cop_kind *kind, const void *value)
{
        struct cop__thread *thread = cop__thread_here();
        if (COP__UNLIKELY(thread == NULL || thread->current == NULL))
                return COP_E_NO_NODE;
        struct cop__actor *actor = cop__actor_of(thread->current);
        return answer(actor, actor->current, kind, value, __builtin_return_address(0));
}

cop_status cop_answer_value(const cop_message *message, const cop_kind *kind, const void *value)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor == NULL)
                return COP_E_NO_NODE;
        return answer(actor, (struct cop__signal *)(uintptr_t)message, kind, value, __builtin_return_address(0));
}

cop_status cop__answer_returnable(const cop_message *request, const cop_kind *kind,
                                  const void *value)
{
        return answer_slowly(cop__actor_here(), (struct cop__signal *)(uintptr_t)request, kind, value, COP__SIGNAL_RETURN, true);
}

cop_status cop__answer_owed(const cop_message *message, const cop_kind *kind, const void *value)
{
        struct cop__actor *self = cop__actor_here();
        struct cop__signal *request = (struct cop__signal *)(uintptr_t)message;
        bool is_call = request->from.bits != 0 && request->ref.bits != 0 && !(self->aside & COP__ASIDE_OBSERVED);
        if (COP__LIKELY(is_call && reply_quickly(self, request, kind, value)))
                return COP_OK;
        return answer_slowly(self, request, kind, value, 0, true);
}

cop_status cop__reply_now_owed(const cop_kind *kind, const void *value)
{
        return cop__answer_owed((const cop_message *)cop__actor_here()->current, kind, value);
}

cop_status cop_reply_value_to(cop_caller caller, const cop_kind *kind, const void *value)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor == NULL)
                return COP_E_NO_NODE;
        if (caller.pid.bits == 0)
                return COP_E_NO_CALLER;
        /* It may be an alias, through which any number comes. Paid for behind it: who is told to end has answered. */
        cop_status status = send_reply(actor, caller, kind, value, 0, false);
        cop__charge(caller.pid, __builtin_return_address(0));
        return status;
}

cop_status cop__reply_owed(cop_caller caller, const cop_kind *kind, const void *value)
{
        return caller.pid.bits != 0 ? send_reply(cop__actor_here(), caller, kind, value, 0, true) : COP_E_NO_CALLER;
}

/* The duty to answer leaves the request. */
static cop_caller defer(struct cop__actor *self, struct cop__signal *request)
{
        cop_caller caller = { request->from, request->ref };
        if (request->ref.bits == 0 ||
            request->flags & (COP__SIGNAL_DEFERRED | COP__SIGNAL_ANSWERED))
                return caller;
        if (COP__UNLIKELY(cop__node_of(cop__thread_here())->inside != NULL))
                cop__inside_defer(caller.ref);
        else if (!cop__is_watched_by(self, caller) && !cop__watched_by(cop__thread_here(), self, caller))
                return (cop_caller){ { 0 }, { 0 } };
        request->flags |= COP__SIGNAL_DEFERRED;
        return caller;
}

cop_caller cop_defer(void)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor == NULL || actor->current == NULL)
                return (cop_caller){ { 0 }, { 0 } };
        return defer(actor, actor->current);
}

cop_caller cop_caller_of(const cop_message *message)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor == NULL || message == NULL)
                return (cop_caller){ { 0 }, { 0 } };
        return defer(actor, (struct cop__signal *)(uintptr_t)message);
}

/* ---- The caller's side -------------------------------------------------------------- */

void cop__take_deferral(struct cop__thread *thread, struct cop__actor *actor,
                        struct cop__signal *signal)
{
        bool waits = cop_ref_equal(cop__awaited_by(actor), signal->ref);
        if (waits)
                actor->call_watched = true;
        else if (COP__UNLIKELY(cop__is_outpost(actor)))
                waits = cop__outpost_deferred(actor, signal->ref);
        else
                waits = cop__request_deferred(actor, signal->ref);
        if (waits)
                cop__calling_let_go(actor, signal->ref);
        cop__watch_callee(thread, actor, signal, waits);
}

/* One wait, until something comes, or until a ring that this wait seems to close is looked at
 * again. */
static COP__NOINLINE void wait_for_start(struct cop__actor *actor, uint64_t deadline_ns,
                                         const void *where)
{
        uint64_t until_ns = deadline_ns;
        if (cop__ring_hinges(actor))
                until_ns = cop__clock_ns() + COP__RING_PAUSE_NS;
        /* The look has taken in what had come. */
        if (cop__reply_of(actor) == NULL && !cop__must_leave(actor))
                cop__wait(actor, until_ns < deadline_ns ? until_ns : deadline_ns, where);
}

/*
 * What has come for it by now; NULL. If the reply is what has come next, as nearly always, nothing else is looked at: what is
 * behind it is acted on when signals are next taken in. Else all that has come is.
 */
COP__INLINE struct cop__signal *reply_now(struct cop__actor *actor)
{
        struct cop__node *node = cop__queue_peek(&actor->queue, &actor->cursor);
        if (node != NULL && cop__is_plain_reply(actor, cop__signal_of(node)) && COP__LIKELY(actor->reason == NULL)) {
                cop__await_nothing(actor);
                return cop__next_signal(cop__thread_here(), actor);
        }
        if (node != NULL || COP__UNLIKELY(actor->reason != NULL))
                cop__drain(actor);
        return cop__take_reply_of(actor);
}

/* Until the reply or a failure is there, or the time is over: then NULL. */
COP__INLINE struct cop__signal *await(struct cop__actor *actor, const struct cop__calling *own, uint64_t deadline_ns,
                                      const void *where)
{
        for (;;) {
                struct cop__signal *reply = reply_now(actor);
                if (reply != NULL)
                        return reply;
                bool woken = deadline_ns == UINT64_MAX || cop__is_woken_by(actor, own, deadline_ns);
                if (!woken && cop__clock_is_past(deadline_ns))
                        return NULL;
                if (cop__calling_hinges(own))
                        wait_for_start(actor, deadline_ns, where);
                else if (COP__LIKELY(woken))
                        cop__wait_for_alarm(actor, deadline_ns, where);
                else
                        cop__wait(actor, deadline_ns, where);
        }
}

struct cop__signal *cop__call_await(struct cop__actor *actor, uint64_t deadline_ns, const void *where)
{
        return await(actor, cop__calling_own(actor), deadline_ns, where); /* it stays where it is, whatever the thread */
}

void cop__failure_keep(struct cop__actor *actor, struct cop__shared_term *reason)
{
        struct cop__rare *rare = reason != NULL ? cop__rare_of(actor) : actor->rare;
        if (rare == NULL) {
                cop__shared_term_drop(reason);
                return;
        }
        cop__shared_term_drop(rare->failure);
        rare->failure = reason;
}

cop_status cop__take_failure(struct cop__thread *thread, struct cop__actor *actor,
                             struct cop__signal *signal)
{
        static const cop_status statuses[] = {
                [COP__FAILED_NO_REPLY] = COP_E_NO_REPLY,
                [COP__FAILED_DIED] = COP_E_DIED,
                [COP__FAILED_NO_ACTOR] = COP_E_NO_ACTOR,
                [COP__FAILED_NO_MEMORY] = COP_E_NO_MEMORY,
                [COP__FAILED_IGNORED] = COP_E_IGNORED,
                [COP__FAILED_FULL] = COP_E_FULL,
                [COP__FAILED_ISOLATED] = COP_E_ISOLATED,
                [COP__FAILED_EXPIRED] = COP_E_TIMEOUT,
                [COP__FAILED_CYCLE] = COP_E_CYCLE,
                [COP__FAILED_NO_HANDLER] = COP_E_NO_REPLY,
        };
        struct cop__failed *failed = cop__signal_body(signal);
        cop_status status = statuses[failed->failure];
        if (failed->failure == COP__FAILED_NO_HANDLER)
                failed->reason = cop__shared_term_new(cop_atom("no_handler"));
        cop__failure_keep(actor, failed->reason);
        cop__signal_done(thread, actor, signal);
        return status;
}

/* An answer is an ordinary message from here on. */
static void become_message(struct cop__signal *answer)
{
        answer->type = COP__SIGNAL_MESSAGE;
        answer->ref.bits = 0;
}

/* ... and goes into the user's hands; NULL: it is not wanted, and freed. */
COP__INLINE void hand_reply(struct cop__actor *actor, struct cop__signal *message, cop_message **reply)
{
        cop__hand_over_quickly(actor, message);
        if (reply != NULL)
                *reply = (cop_message *)message;
        else
                cop_message_free((cop_message *)message);
}

cop_status cop__answer_must_be(struct cop__actor *actor, struct cop__signal *answer, const cop_kind *kind)
{
        if (COP__LIKELY(answer->kind != NULL && cop__kind_same(answer->kind, kind)))
                return COP_OK;
        cop__signal_done(cop__thread_here(), actor, answer);
        return COP_E_NO_REPLY;
}

void cop__take_reply(struct cop__actor *actor, struct cop__signal *answer, cop_message **reply)
{
        become_message(answer);
        hand_reply(actor, answer, reply);
}

COP__INLINE cop_ref open_call(struct cop__thread *thread, struct cop__actor *actor)
{
        cop_ref ref = cop__ref_new(cop__here_of(thread));
        cop__await_ref(actor, ref);
        actor->call_watched = false;
        return ref;
}

/* `callee` is who lives in the slot of that pid, or NULL. */
COP__INLINE void send_request(struct cop__thread *thread, struct cop__actor *actor, struct cop__actor *callee,
                              cop_pid to, struct cop__signal *request, cop_ref ref)
{
        request->from = cop__actor_pid(actor);
        request->ref = ref;
        cop__count_up(&cop__here_of(thread)->sent);
        if (COP__LIKELY(callee != NULL && cop__slot_is(callee, to) && !(request->flags & COP__SIGNAL_PRIORITY)))
                cop__push_quickly(thread, callee, to, request);
        else
                cop__send_signal(thread, to, request);
}

COP__INLINE cop_status close_call(struct cop__actor *actor, cop_ref ref, struct cop__signal *signal,
                                  struct cop__signal **reply)
{
        cop__await_nothing(actor);
        if (COP__UNLIKELY(actor->call_watched))
                cop__demonitor(cop__thread_here(), actor, ref);
        if (COP__UNLIKELY(signal == NULL))
                return COP_E_TIMEOUT;
        if (COP__UNLIKELY(signal->type == COP__SIGNAL_FAILED))
                return cop__take_failure(cop__thread_here(), actor, signal);
        become_message(signal);
        *reply = signal;
        return COP_OK;
}

cop_ref cop__call_open(struct cop__actor *actor)
{
        return open_call(cop__thread_here(), actor);
}

void cop__call_send(struct cop__actor *actor, cop_pid to, struct cop__signal *request, cop_ref ref)
{
        struct cop__thread *thread = cop__thread_here();
        send_request(thread, actor, cop__slot_of(cop__node_of(thread), to), to, request, ref);
}

cop_status cop__call_close(struct cop__actor *actor, cop_ref ref, struct cop__signal *signal,
                           struct cop__signal **reply)
{
        return close_call(actor, ref, signal, reply);
}

/*
 * The edge closes a ring of edges. While that stands, and not all in it are known to sleep, it is
 * looked at again. True: a ring.
 */
static COP__NOINLINE bool await_unsettled(struct cop__actor *actor, struct cop_node *node,
                                          uint64_t deadline_ns, const void *where,
                                          struct cop__signal **signal)
{
        struct cop__calling *own = cop__calling_of(node, cop__actor_pid(actor));
        uint64_t pause_ns = COP__RING_PAUSE_NS;
        for (;;) {
                uint64_t until_ns = cop__clock_ns() + pause_ns;
                bool last = until_ns >= deadline_ns;
                *signal = cop__call_await(actor, last ? deadline_ns : until_ns, where);
                if (*signal != NULL || last)
                        return false;
                enum cop__ring ring = cop__ring_look(node, actor, own);
                if (ring == COP__RING_CLOSED)
                        return true;
                if (ring == COP__RING_NONE)
                        break;
                pause_ns = pause_ns < COP__RING_PAUSE_MAX_NS ? 2 * pause_ns : pause_ns;
        }
        *signal = cop__call_await(actor, deadline_ns, where);
        return false;
}

/*
 * A call has ended with no answer. If its callee is in a process it hears of that; and so does the node, if we are.
 */
static COP__NOINLINE void give_up(struct cop_node *node, const struct cop__calling *own,
                                  cop_ref ref, cop_status status)
{
        cop_pid callee = { cop__load_relaxed(&own->callee) };
        if (node->inside == NULL)
                cop__calling_withdraw(cop__thread_here(), callee, ref);
        else if (status == COP_E_TIMEOUT)
                cop__inside_over(ref);
}

/* What a message costs, though it may not have waited: who calls the dead again and again lets others run. It may end the actor. */
static COP__NOINLINE cop_status failed(struct cop__actor *actor, cop_status status, const void *where)
{
        cop__spend(actor, 1, where);
        return status;
}

/* `ring` is what its wait closes. */
COP__INLINE cop_status wait_in(struct cop__actor *actor, struct cop_node *node,
                               struct cop__calling *own, cop_ref ref, enum cop__ring ring, uint64_t deadline_ns,
                               const void *where, struct cop__signal **reply)
{
        struct cop__signal *signal = NULL;
        if (COP__LIKELY(ring == COP__RING_NONE))
                signal = await(actor, own, deadline_ns, where);
        else if (ring == COP__RING_UNSETTLED &&
                 await_unsettled(actor, node, deadline_ns, where, &signal))
                ring = COP__RING_CLOSED;
        cop__calling_end(own);
        cop_status status = close_call(actor, ref, signal, reply);
        if (COP__LIKELY(status == COP_OK))
                return COP_OK;
        give_up(node, own, ref, status);
        return failed(actor, ring == COP__RING_CLOSED ? COP_E_CYCLE : status, where);
}

cop_status cop__call_wait(struct cop__actor *actor, cop_ref ref, uint64_t deadline_ns,
                          const void *where, struct cop__signal **reply)
{
        struct cop_node *node = cop__node_of(cop__thread_here());
        struct cop__calling *own = cop__calling_of(node, cop__actor_pid(actor));
        return wait_in(actor, node, own, ref, cop__ring_look(node, actor, own), deadline_ns, where, reply);
}

/* Sends the request to a pid, in whose slot `callee` lives, or NULL, and waits. *reply is a signal in nobody's hands yet. */
COP__INLINE cop_status call_in(struct cop__thread *thread, struct cop__actor *actor, struct cop__actor *callee, cop_pid to,
                               struct cop__signal *request, uint64_t deadline_ns, const void *where,
                               struct cop__signal **reply)
{
        if (COP__UNLIKELY(deadline_ns == 0)) {
                cop__signal_free(&thread->pool, request);
                return failed(actor, COP_E_TIMEOUT, where);
        }
        if (COP__UNLIKELY(cop__limit_knock_at(thread, callee, to, request) != COP_OK))
                return failed(actor, COP_E_FULL, where);
        struct cop_node *node = cop__node_of(thread);
        struct cop__calling *own = cop__calling_of(node, cop__actor_pid(actor));
        cop_ref ref = open_call(thread, actor);
        cop__calling_begin(own, ref, deadline_ns);
        if (COP__LIKELY(!(request->flags & COP__SIGNAL_ASIDE)))
                cop__calling_wait_for(own, ref, to);
        request->flags |= COP__SIGNAL_CALL;
        send_request(thread, actor, callee, to, request, ref);
        cop__fence_after_exchange(); /* CLOSE */
        enum cop__ring ring = callee != NULL ? cop__ring_look_at(cop__calling_of(node, to), actor, own) : COP__RING_NONE;
        return wait_in(actor, node, own, ref, ring, deadline_ns, where, reply);
}

cop_status cop__call(struct cop__actor *actor, cop_pid to, struct cop__signal *request,
                     uint64_t deadline_ns, const void *where, struct cop__signal **reply)
{
        struct cop__thread *thread = cop__thread_here();
        struct cop__actor *callee = cop__slot_of(cop__node_of(thread), to);
        return call_in(thread, actor, callee, to, request, deadline_ns, where, reply);
}

cop_status cop__callee(struct cop__actor *actor, const char *function, cop_address to,
                       int64_t timeout_ms, cop_pid *callee)
{
        if (actor == NULL)
                return COP_E_NO_NODE;
        if (timeout_ms < 0) {
                cop__badarg(function, "a time-out is 0 or more milliseconds, or COP_FOREVER");
                return COP_E_BAD_ARGUMENT;
        }
        if (cop__is_alias(to))
                return COP_E_BAD_ARGUMENT;
        *callee = to.name != NULL ? cop_whereis(to.name) : to.pid;
        if (callee->bits == 0 && to.name != NULL)
                return cop__no_name(actor, to.name, __builtin_return_address(0));
        if (callee->bits == 0)
                return COP_E_BAD_ARGUMENT;
        if (cop_pid_equal(*callee, cop__actor_pid(actor)))
                return COP_E_BAD_ARGUMENT; /* it would wait for itself */
        return COP_OK;
}

/* Nothing has been asked, and it may be the first that the node has no room for. */
static COP__NOINLINE cop_status refuse(cop_status status)
{
        struct cop__thread *thread = cop__thread_here();
        if (thread != NULL)
                cop__refused(thread, status);
        return status;
}

/* Any value to anybody, in the caller's own time, and then owed, or also in that of whoever has called it. */
static COP__NOINLINE cop_status call_value(cop_message **reply, cop_address to, int64_t timeout_ms, const cop_kind *kind,
                                           const void *value, bool own_time, const void *where)
{
        struct cop__actor *actor = cop__actor_here();
        struct cop__signal *request, *answered;
        cop_pid callee;
        cop_status status = cop__callee(actor, "call", to, timeout_ms, &callee);
        if (status == COP_OK)
                status = own_time ? cop__signal_owed(&cop__thread_here()->pool, kind, value, &request)
                                  : cop__signal_message(&cop__thread_here()->pool, kind, value, &request);
        if (status != COP_OK)
                return refuse(status);
        uint64_t deadline_ns = own_time ? cop__deadline_ns(timeout_ms) : cop__call_deadline(actor, timeout_ms);
        status = cop__call(actor, callee, request, deadline_ns, where, &answered);
        if (status == COP_OK)
                hand_reply(actor, answered, reply);
        return status;
}

/* The path of nearly every call: to a pid of this node, not its own. All else takes the way above, which comes to the same. */
cop_status cop_call_value(cop_message **reply, cop_address to, int64_t timeout_ms,
                          const cop_kind *kind, const void *value)
{
        uint64_t own_ns = cop__deadline_ns(timeout_ms); /* first, while there is little to keep over it */
        struct cop__thread *thread = cop__thread_here();
        struct cop__signal *request, *answered = NULL;
        if (COP__UNLIKELY(thread == NULL || thread->current == NULL))
                return COP_E_NO_NODE;
        struct cop__actor *actor = cop__actor_of(thread->current);
        struct cop__actor *callee = cop__slot_of(cop__node_of(thread), to.pid);
        if (COP__UNLIKELY(to.name != NULL || timeout_ms < 0 || callee == NULL || callee == actor))
                return call_value(reply, to, timeout_ms, kind, value, false, __builtin_return_address(0));
        cop_status status = cop__signal_message(&thread->pool, kind, value, &request);
        if (COP__UNLIKELY(status != COP_OK))
                return refuse(status);
        uint64_t deadline_ns = COP__LIKELY(actor->current == NULL) ? own_ns : cop__call_deadline_left(actor, own_ns);
        status = call_in(thread, actor, callee, to.pid, request, deadline_ns, __builtin_return_address(0), &answered);
        if (COP__LIKELY(status == COP_OK))
                hand_reply(actor, answered, reply);
        return status;
}

cop_status cop__call_in_own_time(cop_message **reply, cop_address to, int64_t timeout_ms,
                                 const cop_kind *kind, const void *value)
{
        return call_value(reply, to, timeout_ms, kind, value, true, __builtin_return_address(0));
}

cop_status cop_call_term_to(cop_message **reply, cop_address to, int64_t timeout_ms, cop_term term)
{
        struct cop__actor *actor = cop__actor_here();
        struct cop__signal *request;
        cop_pid callee;
        cop_status status = cop__callee(actor, "call", to, timeout_ms, &callee);
        if (status == COP_OK)
                status = cop__signal_of_term(cop__thread_here(), term, COP__FROM_TERM, &request);
        if (status != COP_OK)
                return refuse(status);
        struct cop__signal *answered = NULL;
        status = cop__call(actor, callee, request, cop__call_deadline(actor, timeout_ms), __builtin_return_address(0),
                           &answered);
        if (status == COP_OK)
                hand_reply(actor, answered, reply);
        return status;
}

cop_term cop_failure(void)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor == NULL || actor->rare == NULL || actor->rare->failure == NULL)
                return cop_nil();
        return actor->rare->failure->term;
}
