/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Sending: from a value to a signal in somebody's queue; and what is answered when nobody is there. */
#include <stdlib.h>

#include "actors/abroad.h"
#include "actors/actor.h"
#include "actors/alias.h"
#include "actors/inside.h"
#include "actors/push.h"
#include "actors/sys.h"
#include "base/cue.h"
#include "mailbox/kind_read.h"

/* ---- Signals -------------------------------------------------------------------- */

/* One that asks for the end of an actor whose end is under way: it is answered with that. */
static bool ask_dying(struct cop__thread *thread, cop_pid to, struct cop__signal *signal)
{
        struct cop__actor *actor = cop__slot_of(cop__node_of(thread), to);
        if (!cop__sys_asks_for_end(signal) || actor == NULL || !cop__is_dying(actor, to))
                return false;
        signal->flags |= COP__SIGNAL_LATE;
        cop__push_signal(thread, actor, cop__pid_generation(to), signal);
        return true;
}

/* Nobody of that pid lives in this node. */
static COP__NOINLINE void send_elsewhere(struct cop__thread *thread, cop_pid to, struct cop__signal *signal)
{
        if (cop__node_of(thread)->inside != NULL)
                cop__inside_export(thread, to, signal);
        else if (cop__pid_node(to) != 0)
                cop__send_abroad(thread, to, signal);
        else if (!ask_dying(thread, to, signal))
                cop__refuse_signal(thread, to, signal, NULL);
}

#define URGENT_TYPES                                                                                             \
        (1u << COP__SIGNAL_EXIT | 1u << COP__SIGNAL_LINK_EXIT | 1u << COP__SIGNAL_FAREWELL | 1u << COP__SIGNAL_OVERFLOW)

static COP__NOINLINE void push_urgently(struct cop__thread *thread, struct cop__actor *actor, cop_pid pid,
                                        struct cop__signal *signal)
{
        cop__push_quickly(thread, actor, pid, signal);
        COP__CUE("send.is_urgent");
        /* After the push, or the owner could look too early; the release pairs with its exchange, see cop__hurry_slowly. Who
         * lives there meanwhile hurries once for nothing. */
        cop__store_release(&actor->urgent, 1);
}

void cop__send_signal(struct cop__thread *thread, cop_pid to, struct cop__signal *signal)
{
        struct cop__actor *actor = cop__slot_of(cop__node_of(thread), to);
        if (COP__UNLIKELY(actor == NULL || !cop__slot_is(actor, to)))
                send_elsewhere(thread, to, signal);
        else if (COP__UNLIKELY(URGENT_TYPES >> signal->type & 1 || signal->flags & COP__SIGNAL_PRIORITY))
                push_urgently(thread, actor, to, signal);
        else
                cop__push_quickly(thread, actor, to, signal);
}

/* As a message that bears the reference of the request and wants no answer. It goes back once: the flag means nothing then. */
static void send_back(struct cop__thread *thread, struct cop__signal *reply)
{
        reply->type = COP__SIGNAL_MESSAGE;
        reply->flags |= COP__SIGNAL_ANSWERED;
        cop__send_signal(thread, reply->from, reply);
}

void cop__refuse_signal(struct cop__thread *thread, cop_pid dead, struct cop__signal *signal,
                        struct cop__shared_term *reason)
{
        if (COP__UNLIKELY(signal->flags & COP__SIGNAL_COUNTED))
                cop__limit_leave(thread, cop__slot_of(cop__node_of(thread), dead), signal);
        switch (signal->type) {
        case COP__SIGNAL_MESSAGE:
        case COP__SIGNAL_INFO:
        case COP__SIGNAL_SYS:
                if (signal->ref.bits != 0 && !(signal->flags & COP__SIGNAL_ANSWERED))
                        cop__fail_call(thread, dead, signal,
                                       reason != NULL ? COP__FAILED_DIED : COP__FAILED_NO_ACTOR,
                                       reason);
                else
                        cop__letter_die(thread, dead, signal,
                                        reason != NULL ? COP__DEATH_UNREAD : COP__DEATH_NO_ACTOR);
                return;
        case COP__SIGNAL_REPLY:
                if (signal->flags & COP__SIGNAL_RETURN)
                        send_back(thread, signal);
                else
                        cop__letter_die(thread, dead, signal, COP__DEATH_NO_ACTOR);
                return;
        case COP__SIGNAL_DEFERRED_BY:
        case COP__SIGNAL_LINK:
        case COP__SIGNAL_UNLINK:
        case COP__SIGNAL_LINK_EXIT:
        case COP__SIGNAL_MONITOR:
        case COP__SIGNAL_DEMONITOR:
        case COP__SIGNAL_DOWN:
        case COP__SIGNAL_FAREWELL:
        case COP__SIGNAL_GONE:
        case COP__SIGNAL_EXIT:
                cop__relation_refuse(thread, dead, signal, reason);
                return;
        case COP__SIGNAL_SPAWNED:
                cop__spawned_refuse(thread, dead, signal);
                return;
        case COP__SIGNAL_FAILED:
                cop__shared_term_drop(((struct cop__failed *)cop__signal_body(signal))->reason);
                cop__signal_free(&thread->pool, signal);
                return;
        default:
                cop__signal_free(&thread->pool, signal);
        }
}

/* ---- Messages -------------------------------------------------------------------- */

/* A name to its pid now; a pid to itself. */
static cop_status resolve(cop_address to, cop_pid *pid)
{
        *pid = to.pid;
        if (to.name == NULL)
                return COP_OK;
        *pid = cop_whereis(to.name);
        if (pid->bits != 0)
                return COP_OK;
        return cop__is_null_name(to) ? COP_E_BAD_ARGUMENT : COP_E_NO_NAME;
}

COP__INLINE uint32_t push_message(struct cop__thread *thread, struct cop__actor *actor,
                                  cop_pid pid, struct cop__signal *signal, uint32_t pressure)
{
        cop__push_quickly(thread, actor, pid, signal);
        return pressure;
}

/* To an actor whose mailbox has a limit. */
static COP__NOINLINE uint32_t deliver_at_door(struct cop__thread *thread, struct cop__actor *actor,
                                              cop_pid pid, struct cop__signal *signal,
                                              uint32_t pressure)
{
        if (signal->type != COP__SIGNAL_MESSAGE)
                return push_message(thread, actor, pid, signal, pressure); /* through an alias */
        switch (cop__limit_admit(thread, actor, pid, signal)) {
        case COP__ADMIT:
                return push_message(thread, actor, pid, signal, pressure);
        case COP__ADMIT_SLOWED:
                return push_message(thread, actor, pid, signal,
                                    pressure > COP__PRESSURE_HIGH ? pressure : COP__PRESSURE_HIGH);
        case COP__ADMIT_LATER:
                return COP__PRESSURE_NONE;
        case COP__REFUSE_ALOUD:
                cop__count_by(&cop__here_of(thread)->sent, (uint64_t)0 - 1);
                cop__signal_free(&thread->pool, signal);
                return COP__PRESSURE_FULL;
        case COP__REFUSE_SILENTLY:
                break;
        }
        cop__letter_die(thread, pid, signal, COP__DEATH_FULL);
        return COP__PRESSURE_NONE;
}

/* Hands over a message, or drops it; how much its receiver is behind. */
COP__INLINE uint32_t deliver(struct cop__thread *thread, struct cop__actor *self,
                             struct cop__actor *actor, cop_pid pid, struct cop__signal *signal)
{
        signal->from = cop__actor_pid(self);
        cop__count_up(&cop__here_of(thread)->sent);
        if (COP__UNLIKELY(actor == NULL || !cop__slot_is(actor, pid))) {
                if (cop__node_of(thread)->inside != NULL)
                        cop__inside_export(thread, pid, signal);
                else if (cop__pid_node(pid) != 0)
                        return cop__send_abroad(thread, pid, signal);
                else
                        cop__letter_die(thread, pid, signal, COP__DEATH_NO_ACTOR);
                return COP__PRESSURE_NONE;
        }
        uint32_t pressure = cop__load_relaxed(&actor->pressed);
        if (COP__UNLIKELY(pressure >= COP__PRESSURE_LIMITED))
                return deliver_at_door(thread, actor, pid, signal,
                                       pressure & ~(uint32_t)COP__PRESSURE_LIMITED);
        return push_message(thread, actor, pid, signal, pressure);
}

/*
 * What a message costs its sender; who sends to itself is not to wait for itself. It may end the actor, so nothing may be in hand
 * here that only a return would free.
 */
COP__INLINE cop_status pay(struct cop__actor *self, const struct cop__actor *receiver, uint32_t pressure, const void *where)
{
        if (COP__LIKELY(pressure == COP__PRESSURE_NONE) || (receiver == self && pressure != COP__PRESSURE_FULL)) {
                cop__spend(self, 1, where);
                return COP_OK;
        }
        if (pressure == COP__PRESSURE_FULL) {
                cop__spend(self, 1, where);
                return COP_E_FULL;
        }
        cop__push_back(self, receiver, pressure, where);
        return COP_OK;
}

void cop__send_on(struct cop__thread *thread, struct cop__actor *self, cop_pid to,
                  struct cop__signal *signal)
{
        struct cop__actor *actor = cop__slot_of(cop__node_of(thread), to);
        uint32_t pressure = deliver(thread, self, actor, to, signal);
        if (pressure == COP__PRESSURE_FULL)
                cop__count_up(&cop__here_of(thread)->dead_letters);
        pay(self, actor, pressure, __builtin_return_address(0));
}

void cop__send_news(struct cop__thread *thread, struct cop__actor *self, cop_pid to,
                    struct cop__signal *signal)
{
        signal->from = cop__actor_pid(self);
        cop__count_up(&cop__here_of(thread)->sent);
        cop__send_signal(thread, to, signal);
        cop__spend(self, 1, __builtin_return_address(0));
}

cop_status cop__send_news_value(cop_pid to, const cop_kind *kind, const void *value)
{
        struct cop__thread *thread = cop__thread_here();
        struct cop__here *here = cop__here_of(thread);
        struct cop__signal *signal;
        cop__critical_enter(&here->fault);
        cop_status status = cop__signal_owed(&thread->pool, kind, value, &signal);
        cop__critical_leave(&here->fault);
        if (status == COP_OK)
                cop__send_news(thread, cop__actor_of(thread->current), to, signal);
        return status;
}

/* A copy to a pid; `owed`: it is no new work. In a critical section, which is over behind it. It may end the sender. */
static COP__NOINLINE cop_status send_copy(cop_pid pid, const cop_kind *kind, const void *value, bool owed, const void *where)
{
        struct cop__thread *thread = cop__thread_here();
        struct cop__here *here = cop__here_of(thread);
        struct cop__actor *self = cop__actor_of(thread->current);
        struct cop__actor *actor = cop__slot_of(here->node, pid);
        struct cop__signal *signal;
        cop__critical_enter(&here->fault);
        cop_status status = owed ? cop__signal_owed(&thread->pool, kind, value, &signal)
                                 : cop__signal_message(&thread->pool, kind, value, &signal);
        if (COP__UNLIKELY(status != COP_OK)) {
                cop__refused(thread, status);
                cop__critical_leave(&here->fault);
                return status;
        }
        uint32_t pressure = deliver(thread, self, actor, pid, signal);
        cop__critical_leave(&here->fault);
        return pay(self, actor, pressure, where);
}

/* Any message to anybody. `where` is the sender's place in its code. */
static COP__NOINLINE cop_status send_value(cop_address to, const cop_kind *kind,
                                           const void *value, const void *where)
{
        struct cop__thread *thread = cop__thread_here();
        cop_pid pid = to.pid;
        if (COP__UNLIKELY(thread == NULL || thread->current == NULL))
                return COP_E_NO_NODE;
        if (COP__UNLIKELY(to.name != NULL)) {
                if (cop__is_alias(to))
                        return cop__send_to_alias(to, kind, value, 0, where);
                pid = cop_whereis(to.name);
                if (pid.bits == 0)
                        return cop__no_name(cop__actor_of(thread->current), to.name, where);
        }
        return send_copy(pid, kind, value, false, where);
}

cop_status cop__send_owed_value(cop_pid pid, const cop_kind *kind, const void *value, const void *where)
{
        return cop__actor_here() != NULL ? send_copy(pid, kind, value, true, where) : COP_E_NO_NODE;
}

/* The rest of the way below where the value is not just some words, or no block is at hand. */
static COP__NOINLINE cop_status send_copied(struct cop__actor *actor, cop_pid pid, const cop_kind *kind,
                                            const void *value, const void *where)
{
        struct cop__thread *thread = cop__thread_here();
        struct cop__here *here = cop__here_of(thread);
        struct cop__actor *self = cop__actor_of(thread->current);
        struct cop__signal *signal;
        cop_status status = cop__signal_message_slow(&thread->pool, kind, value, &signal);
        if (COP__UNLIKELY(status != COP_OK)) {
                cop__refused(thread, status);
                cop__critical_leave(&here->fault);
                return status;
        }
        signal->from = cop__actor_pid(self);
        cop__count_up(&here->sent);
        cop__push_quickly(thread, actor, pid, signal);
        cop__critical_leave(&here->fault);
        cop__spend(self, 1, where);
        return COP_OK;
}

/*
 * The path of nearly every message: some words to a pid of somebody alive who is not behind. On it: one allocation, one copy, one
 * look at the receiver's pid, one exchange. All else takes the way above, which comes to the same.
 */
cop_status cop_send_value(cop_address to, const cop_kind *kind, const void *value)
{
        struct cop__thread *thread = cop__thread_here();
        if (COP__UNLIKELY(thread == NULL || thread->current == NULL || to.name != NULL))
                return send_value(to, kind, value, __builtin_return_address(0));
        struct cop__here *here = cop__here_of(thread);
        struct cop__actor *self = cop__actor_of(thread->current);
        struct cop__actor *actor = cop__slot_of(here->node, to.pid);
        if (COP__UNLIKELY(actor == NULL || !cop__slot_is(actor, to.pid) ||
                          cop__load_relaxed(&actor->pressed) != COP__PRESSURE_NONE))
                return send_value(to, kind, value, __builtin_return_address(0));
        cop__critical_enter(&here->fault);
        struct cop__signal *signal =
                cop__signal_quick(&thread->pool, kind, value, cop__actor_pid(self));
        if (COP__UNLIKELY(signal == NULL))
                return send_copied(actor, to.pid, kind, value, __builtin_return_address(0));
        cop__count_up(&here->sent);
        cop__push_quickly(thread, actor, to.pid, signal);
        cop__critical_leave(&here->fault);
        cop__spend_on(self, actor, 1, COP__TURN_BUDGET, __builtin_return_address(0));
        return COP_OK;
}

/* ---- Terms as messages --------------------------------------------------------------- */

/*
 * {bill, 900, 3} as the kind that it is, or as cop_any. The value's memory is the caller's: cop__flat_drop and free.
 * A term that has a kind's name but does not fit it is an error with a sentence, and not a cop_any.
 */
cop_status cop__message_of_term(const cop_kinds *kinds, cop_term term, enum cop__kind_source source, size_t memory_max,
                                const cop_kind **kind, void **value, cop_parse_error *error)
{
        const cop_term *tag = term.type == COP_TERM_TUPLE && term.count > 0 ? term.as.items : &term;
        if (tag->type == COP_TERM_ATOM)
                *kind = cop__kinds_find(kinds, tag->as.text, tag->count);
        else
                *kind = NULL;
        if (*kind != NULL && (term.type == COP_TERM_TUPLE || (*kind)->field_count == 0))
                return cop__kind_read(*kind, term, source, memory_max, value, error);
        *kind = COP_KIND_OF(cop_any);
        return cop__kind_from_term_within(*kind, COP_TUPLE(cop_atom("cop_any"), term), memory_max, value, error);
}

cop_status cop__signal_of_term(struct cop__thread *thread, cop_term term, enum cop__kind_source source,
                               struct cop__signal **signal)
{
        const cop_kind *kind;
        void *value;
        cop_status status =
                cop__message_of_term(cop__node_of(thread)->kinds, term, source, COP_MESSAGE_SIZE_MAX, &kind, &value, NULL);
        if (status != COP_OK)
                return status;
        status = cop__signal_message(&thread->pool, kind, value, signal);
        cop__flat_drop(kind, value);
        free(value);
        return status;
}

cop_status cop_send_term_to(cop_address to, cop_term term)
{
        struct cop__thread *thread = cop__thread_here();
        struct cop__signal *signal;
        cop_pid pid;
        if (thread == NULL || thread->current == NULL)
                return COP_E_NO_NODE;
        cop_ref alias = cop__take_alias(&to);
        cop_status status = resolve(to, &pid);
        if (status == COP_E_NO_NAME)
                return cop__no_name(cop__actor_of(thread->current), to.name, __builtin_return_address(0));
        if (status == COP_OK)
                status = cop__signal_of_term(thread, term, COP__FROM_TERM, &signal);
        if (status != COP_OK)
                return status;
        cop__send_through(signal, alias);
        struct cop__actor *self = cop__actor_of(thread->current);
        struct cop__actor *actor = cop__slot_of(cop__node_of(thread), pid);
        return pay(self, actor, deliver(thread, self, actor, pid, signal), __builtin_return_address(0));
}
