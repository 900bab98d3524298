/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Selective receive, and messages in the hands of their receiver. */
#include <string.h>

#include "actors/calling.h"
#include "actors/inside.h"
#include "actors/observe.h"
#include "actors/priority.h"
#include "actors/recent.h"
#include "actors/sys.h"
#include "actors/take.h"
#include "base/clock.h"
#include "base/cue.h"

static struct cop__signal *signal_of(const cop_message *message)
{
        return (struct cop__signal *)(uintptr_t)message;
}

/* ---- What the user may ask of a message -------------------------------------------- */

const cop_kind *cop_message_kind(const cop_message *message)
{
        return message != NULL ? signal_of(message)->kind : NULL;
}

const void *cop_message_body(const cop_message *message)
{
        return message != NULL ? cop__signal_body(signal_of(message)) : NULL;
}

cop_pid cop_message_from(const cop_message *message)
{
        return message != NULL ? signal_of(message)->from : cop_no_pid();
}

const void *cop_message_as(const cop_message *message, const cop_kind *kind)
{
        if (message == NULL || !cop__kind_same(signal_of(message)->kind, kind))
                return NULL;
        return cop__signal_body(signal_of(message));
}

/* ---- In the user's hands -------------------------------------------------------------- */

/*
 * They are linked both ways, so that whoever holds many may free them in any order. The queue has let go of them: the link
 * back lies in the node's number and generation, in halves, since a number may still be looked at from the side.
 */
static void set_before(struct cop__node *node, struct cop__node *before)
{
        uint64_t bits = (uintptr_t)before;
        cop__store_relaxed(&node->seq, (uint32_t)bits);
        node->generation = (uint32_t)(bits >> 32);
}

static struct cop__node *before_of(struct cop__node *node)
{
        uint64_t bits = (uint64_t)node->generation << 32 | cop__load_relaxed(&node->seq);
        return (struct cop__node *)(uintptr_t)bits;
}

void cop__taken_link(struct cop__actor *actor, struct cop__signal *signal)
{
        struct cop__node *next = actor->taken != NULL ? &actor->taken->node : NULL;
        cop__store_relaxed(&signal->node.next, next);
        set_before(&signal->node, NULL);
        if (next != NULL)
                set_before(next, &signal->node);
        actor->taken = signal;
}

static void taken_unlink(struct cop__actor *actor, struct cop__signal *signal)
{
        struct cop__node *next = cop__load_relaxed(&signal->node.next);
        struct cop__node *before = before_of(&signal->node);
        if (next != NULL)
                set_before(next, before);
        if (before != NULL)
                cop__store_relaxed(&before->next, next);
        else
                actor->taken = next != NULL ? cop__signal_of(next) : NULL;
}

void cop__hand_over(struct cop__actor *actor, struct cop__signal *signal)
{
        cop__hand_over_quickly(actor, signal);
}

static void take_back(struct cop__actor *actor, struct cop__signal *signal)
{
        if (actor->cursor.node != &signal->node)
                taken_unlink(actor, signal);
        signal->flags &= (uint16_t)~COP__SIGNAL_TAKEN;
}

void cop__taken_mark(struct cop__actor *actor, struct cop__signal *mark)
{
        cop__let_go(actor); /* what the cursor keeps was taken before */
        *mark = (struct cop__signal){ .type = COP__SIGNAL_MESSAGE, .flags = COP__SIGNAL_TAKEN };
        cop__taken_link(actor, mark);
}

void cop__taken_unmark(struct cop__actor *actor, struct cop__signal *mark, bool fails)
{
        struct cop__node *cursor = actor->cursor.node;
        if (fails && cursor != NULL && cop__signal_of(cursor)->flags & COP__SIGNAL_TAKEN)
                cop__message_fail((cop_message *)cop__signal_of(cursor), COP__FAILED_NO_REPLY);
        while (fails && actor->taken != mark)
                cop__message_fail((cop_message *)actor->taken, COP__FAILED_NO_REPLY);
        taken_unlink(actor, mark);
}

void cop__message_fail(cop_message *message, enum cop__failure why)
{
        struct cop__actor *actor = cop__actor_here();
        struct cop__signal *signal = signal_of(message);
        if (signal->ref.bits == 0 || signal->flags & (COP__SIGNAL_ANSWERED | COP__SIGNAL_DEFERRED)) {
                cop_message_free(message);
                return;
        }
        take_back(actor, signal);
        cop__queue_release(&actor->queue, &actor->cursor, &signal->node);
        cop__fail_call(cop__thread_here(), cop__actor_pid(actor), signal, why, NULL);
}

void cop_message_free(cop_message *message)
{
        struct cop__thread *thread = cop__thread_here();
        if (message == NULL || thread == NULL || thread->current == NULL)
                return;
        struct cop__actor *actor = cop__actor_of(thread->current);
        struct cop__signal *signal = signal_of(message);
        if (!(signal->flags & COP__SIGNAL_TAKEN))
                return; /* only lent: the runtime ends it */
        take_back(actor, signal);
        if (signal == actor->current)
                return; /* its handler has kept it, and its end is the handler's again */
        if (COP__LIKELY(signal->ref.bits == 0 && actor->cursor.node == &signal->node))
                actor->cursor.done = true;
        else
                cop__message_done(thread, actor, signal);
}

void cop__message_expire(struct cop__actor *actor, cop_message *message)
{
        struct cop__signal *signal = signal_of(message);
        if (actor->cursor.node != &signal->node)
                taken_unlink(actor, signal);
        signal->flags &= (uint16_t)~COP__SIGNAL_TAKEN;
        cop__calling_drop(cop__thread_here(), actor, signal);
}

cop_message *cop__message_keep(struct cop__actor *actor)
{
        cop__hand_over(actor, actor->current);
        return (cop_message *)actor->current;
}

cop_message *cop__message_hold(struct cop__actor *actor, const cop_kind *kind, const void *value)
{
        struct cop__signal *signal;
        if (cop__signal_owed(&cop__thread_here()->pool, kind, value, &signal) != COP_OK)
                return NULL;
        cop__hand_over(actor, signal);
        return (cop_message *)signal;
}

/* ---- Patterns --------------------------------------------------------------------------- */

static bool has_ref(const cop_kind *kind, const void *body, cop_ref ref)
{
        for (size_t i = 0; i < kind->field_count; i++) {
                const cop_field *field = &kind->fields[i];
                if (field->type != COP_FIELD_REF || field->shape != COP_FIELD_ONE)
                        continue;
                return ((const cop_ref *)(const void *)((const char *)body + field->offset))->bits ==
                       ref.bits;
        }
        return false;
}

COP__INLINE bool fits(const struct cop__signal *signal, const cop_pattern *pattern)
{
        const char *body = cop__signal_body(signal);
        if (pattern->kind != NULL && !cop__kind_same(signal->kind, pattern->kind))
                return false;
        if (pattern->from.bits != 0 && !cop_pid_equal(signal->from, pattern->from))
                return false;
        if (pattern->ref.bits != 0 && !has_ref(signal->kind, body, pattern->ref))
                return false;
        if (pattern->field_size > 0 &&
            memcmp(body + pattern->field_at, pattern->field_value, pattern->field_size) != 0)
                return false;
        return pattern->where == NULL || pattern->where(body, pattern->context);
}

bool cop__pattern_fits(const cop_message *message, const cop_pattern *pattern)
{
        return fits(signal_of(message), pattern);
}

COP__INLINE bool fits_any(const struct cop__signal *signal, const cop_pattern *patterns, size_t count)
{
        for (size_t i = 0; i < count; i++)
                if (fits(signal, &patterns[i]))
                        return true;
        return false;
}

/* ---- Receive ------------------------------------------------------------------------------ */

static struct cop__signal *after(const struct cop__mailbox *mailbox, struct cop__signal *before)
{
        if (before == NULL)
                return mailbox->first;
        return before == mailbox->last ? NULL
                                       : cop__signal_of(cop__load_relaxed(&before->node.next));
}

struct cop__signal *cop__mailbox_after(const struct cop__mailbox *mailbox,
                                       struct cop__signal *before)
{
        return after(mailbox, before);
}

void cop__mailbox_remove(struct cop__mailbox *mailbox, struct cop__signal *before,
                         struct cop__signal *signal)
{
        struct cop__signal *next = after(mailbox, signal);
        cop__left_mailbox(mailbox, before, signal);
        if (before == NULL)
                mailbox->first = next;
        else if (next != NULL)
                cop__store_relaxed(&before->node.next, &next->node);
        if (next == NULL)
                mailbox->last = before;
        cop__store_relaxed(&mailbox->count, mailbox->count - 1);
}

/* From the messages behind *before, which moves on over those that do not fit. NULL also when the search is to begin anew. */
COP__INLINE struct cop__signal *take_queued(struct cop__actor *actor, struct cop__signal **before,
                                            const cop_pattern *patterns, size_t count)
{
        struct cop__signal *signal;
        while ((signal = after(&actor->mailbox, *before)) != NULL) {
                bool message = signal->type != COP__SIGNAL_SYS; /* which has its place there, and no more */
                if (message && fits_any(signal, patterns, count)) {
                        if (COP__UNLIKELY(actor->mailbox.overtaken))
                                return NULL; /* a predicate that sends has waited, and *before may be gone */
                        cop__mailbox_remove(&actor->mailbox, *before, signal);
                        return signal;
                }
                COP__CUE("receive.passes");
                *before = signal;
        }
        return NULL;
}

/* Code of the user may end the actor: what it is asked about must be found again then. */
static bool asks_the_user(const cop_pattern *patterns, size_t count)
{
        for (size_t i = 0; i < count; i++)
                if (patterns[i].where != NULL)
                        return true;
        return false;
}

/* May one that has been told to end be left here? In a section only if it `waits`. */
static COP__NOINLINE bool is_left_here(bool waits)
{
        return waits || !cop__is_in_section();
}

/* An exit signal has come, or priority. */
static COP__NOINLINE void heed(struct cop__actor *actor, bool waits)
{
        if (!is_left_here(waits))
                cop__take_in_all(actor);
        else if (cop__hurry_slowly(actor))
                cop__leave(actor);
}

/* From those that arrive; what does not fit joins the mailbox. NULL also when one has overtaken the search. */
COP__INLINE struct cop__signal *take_arrived(struct cop__actor *actor, struct cop__signal **before,
                                             const cop_pattern *patterns, size_t count, bool waits)
{
        struct cop__thread *thread = cop__thread_here();
        bool keep_first = asks_the_user(patterns, count);
        struct cop__signal *signal;
        while ((signal = cop__next_signal(thread, actor)) != NULL) {
                bool message = cop__take_in(thread, actor, signal);
                if (cop__must_leave(actor) && is_left_here(waits)) {
                        if (message)
                                cop__mailbox_append(&actor->mailbox, signal);
                        cop__leave(actor);
                }
                if (!message && COP__UNLIKELY(actor->mailbox.overtaken))
                        return NULL;
                if (!message)
                        continue;
                if (!keep_first && fits_any(signal, patterns, count))
                        return signal;
                cop__mailbox_append(&actor->mailbox, signal);
                if (!keep_first)
                        *before = signal;
                else if ((signal = take_queued(actor, before, patterns, count)) != NULL ||
                         COP__UNLIKELY(actor->mailbox.overtaken))
                        return signal;
                thread = cop__thread_here(); /* a predicate that sends may have changed it */
        }
        return NULL;
}

/* The message behind which what is wanted can be; NULL: anywhere. */
static struct cop__signal *begin_behind(const struct cop__actor *actor,
                                        const cop_pattern *patterns, size_t count)
{
        if (count == 0 || patterns[0].ref.bits == 0)
                return NULL;
        for (size_t i = 1; i < count; i++)
                if (!cop_ref_equal(patterns[i].ref, patterns[0].ref))
                        return NULL;
        return cop__mark_find(actor, patterns[0].ref);
}

/* A call that nobody waits for any more has been dropped: false. */
static bool lets_call_in(struct cop__actor *actor, struct cop__signal *signal)
{
        struct cop__thread *thread = cop__thread_here();
        if (!cop__calling_is_over(cop__node_of(thread), signal))
                return true;
        if (signal->flags & COP__SIGNAL_COUNTED)
                cop__limit_leave(thread, actor, signal);
        cop__calling_drop(thread, actor, signal);
        return false;
}

struct cop__signal *cop__receive(struct cop__actor *actor, int64_t timeout_ms,
                                 const cop_pattern *patterns, size_t count, const void *where)
{
        struct cop__signal *before = begin_behind(actor, patterns, count);
        uint64_t deadline_ns = 0; /* not known yet: most receives do not wait */
        for (;;) {
                if (COP__UNLIKELY(cop__load_relaxed(&actor->urgent) != 0))
                        heed(actor, deadline_ns != 0);
                if (COP__UNLIKELY(actor->aside & (COP__ASIDE_ASKED | COP__ASIDE_SUSPENDED)) &&
                    cop__in_function(actor))
                        cop__sys_rest(actor, where);
                if (COP__UNLIKELY(actor->mailbox.overtaken)) {
                        actor->mailbox.overtaken = false;
                        before = NULL;
                }
                if (COP__UNLIKELY(count == 0)) /* nothing is wanted: no need to search */
                        before = actor->mailbox.first != NULL ? actor->mailbox.last : NULL;
                struct cop__signal *signal = take_queued(actor, &before, patterns, count);
                if (signal == NULL && COP__LIKELY(!actor->mailbox.overtaken))
                        signal = take_arrived(actor, &before, patterns, count, deadline_ns != 0);
                if (signal != NULL && COP__UNLIKELY(signal->flags & COP__SIGNAL_CALL) &&
                    !lets_call_in(actor, signal))
                        continue;
                if (signal != NULL || cop__reply_of(actor) != NULL)
                        return signal;
                if (COP__UNLIKELY(actor->mailbox.overtaken))
                        continue;
                if (COP__UNLIKELY(actor->aside & COP__ASIDE_ASKED) && cop__in_function(actor))
                        continue; /* it has just come */
                if (timeout_ms == 0) {
                        /* In its own process an actor that never waits has to look itself. */
                        if (cop__inside_here() != NULL && cop__inside_hear(cop__thread_here()))
                                continue;
                        return NULL;
                }
                if (deadline_ns == 0)
                        deadline_ns = cop__deadline_ns(timeout_ms);
                else if (deadline_ns != UINT64_MAX && cop__clock_is_past(deadline_ns))
                        return NULL;
                if (cop__must_leave(actor)) /* it has looked in a section, and would wait now */
                        cop__leave(actor);
                cop__wait(actor, deadline_ns, where);
        }
}

COP__INLINE cop_message *receive_any_of(struct cop__actor *actor, int64_t timeout_ms,
                                        const cop_pattern *patterns, size_t count, const void *where)
{
        if (COP__UNLIKELY(actor->drops_old)) {
                cop__limit_trim(actor);
                if (cop__must_leave(actor) && is_left_here(false))
                        cop__leave(actor);
        }
        struct cop__signal *signal = cop__receive(actor, timeout_ms, patterns, count, where);
        if (signal == NULL)
                return NULL;
        if (COP__UNLIKELY(signal->flags & COP__SIGNAL_COUNTED))
                cop__limit_leave(cop__thread_here(), actor, signal);
        cop__hand_over(actor, signal);
        cop__recent_note(actor, signal->kind);
        cop__count_up(&actor->handled);
        if (COP__UNLIKELY(actor->aside & COP__ASIDE_OBSERVED) && cop__in_function(actor))
                cop__observe_signal(actor, "in", signal);
        return (cop_message *)signal;
}

cop_message *cop__receive_unpaid(struct cop__actor *actor, const cop_pattern *pattern)
{
        return receive_any_of(actor, COP_FOREVER, pattern, 1, __builtin_return_address(0));
}

cop_message *cop_receive_any_of(int64_t timeout_ms, const cop_pattern *patterns, size_t count)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor == NULL)
                return NULL;
        if (timeout_ms < 0) {
                cop__badarg("receive", "a time-out is 0 or more milliseconds, or COP_FOREVER");
                return NULL;
        }
        if (COP__UNLIKELY(patterns == NULL && count > 0)) {
                cop__badarg("receive", "there are patterns to look for, or none at all");
                return NULL;
        }
        cop_message *message = receive_any_of(actor, timeout_ms, patterns, count, __builtin_return_address(0));
        if (message != NULL)
                cop__spend(actor, 1, __builtin_return_address(0));
        return message;
}

void cop_sleep(int64_t ms)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor == NULL)
                return;
        if (ms < 0) {
                cop__badarg("sleep", "a time is 0 or more milliseconds, or COP_FOREVER");
                return;
        }
        cop__receive(actor, ms, NULL, 0, __builtin_return_address(0));
}
