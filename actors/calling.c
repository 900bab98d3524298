/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Reading other actors' open calls. See calling.h. */
#include "actors/calling.h"

#include <coppice/request.h>

#include "actors/inside.h"
#include "actors/outpost.h"
#include "actors/outpost_wait.h"
#include "base/clock.h"

void cop__calling_let_go(struct cop__actor *actor, cop_ref ref)
{
        struct cop__calling *own = cop__calling_own(actor);
        if (cop__load_relaxed(&own->waits) == ref.bits)
                cop__store_relaxed(&own->waits, (uint64_t)0);
}

void cop__calling_drop(struct cop__thread *thread, struct cop__actor *actor,
                       struct cop__signal *request)
{
        cop_pid self = cop__actor_pid(actor);
        cop__queue_release(&actor->queue, &actor->cursor, &request->node);
        if (request->flags & COP__SIGNAL_CROSSED) { /* the letter is the node's; see outpost_hear.c */
                cop__fail_call(thread, self, request, COP__FAILED_EXPIRED, NULL);
                return;
        }
        if (!(request->flags & COP__SIGNAL_TIMED)) {
                cop__letter_die(thread, self, request, COP__DEATH_EXPIRED);
                return;
        }
        cop__letter_tell(thread, self, request, COP__DEATH_EXPIRED);
        cop__fail_call(thread, self, request, COP__FAILED_EXPIRED, NULL);
}

bool cop__request_is_over(struct cop_node *node, const struct cop__signal *request)
{
        const struct cop__actor *sender = cop__slot_of(node, request->from);
        return sender == NULL || !cop__slot_is(sender, request->from) ||
               cop__clock_is_past(cop__request_deadline(request));
}

void cop__calling_withdraw(struct cop__thread *thread, cop_pid callee, cop_ref ref)
{
        struct cop__signal *signal;
        if (cop__pid_node(callee) == 0 && !cop__outpost_is_at(cop__node_of(thread), callee))
                return;
        signal = cop__signal_new(&thread->pool, COP__SIGNAL_WITHDRAWN, 0);
        if (signal == NULL)
                return;
        signal->ref = ref;
        cop__send_signal(thread, callee, signal);
}

uint64_t cop__calling_deadline(struct cop__thread *thread, const struct cop__signal *request)
{
        if (!(request->flags & COP__SIGNAL_CALL) || request->flags & COP__SIGNAL_ANSWERED)
                return UINT64_MAX;
        if (COP__UNLIKELY(request->flags & COP__SIGNAL_CROSSED))
                return cop__inside_patience(cop__node_of(thread)->inside, request->ref);
        if (request->flags & COP__SIGNAL_TIMED) /* whether a deferred one is answered cannot be seen */
                return request->flags & COP__SIGNAL_DEFERRED ? UINT64_MAX
                                                             : cop__request_deadline(request);
        const struct cop__calling *theirs = cop__calling_of(cop__node_of(thread), request->from);
        if (cop__load_acquire(&theirs->open) == request->ref.bits) {            /* OPEN */
                uint64_t deadline_ns = cop__load_acquire(&theirs->deadline_ns); /* NEXT */
                if (cop__load_relaxed(&theirs->open) == request->ref.bits)
                        return deadline_ns;
        }
        /* Somebody may have answered a deferred one. One that is still to be answered nobody
         * waits for any more. */
        return request->flags & COP__SIGNAL_DEFERRED ? UINT64_MAX : 0;
}

/* Who ends does so for itself, and not for whoever called it last. */
uint64_t cop__call_deadline_left(struct cop__actor *actor, uint64_t own_ns)
{
        if (COP__UNLIKELY(actor->terminating))
                return own_ns;
        uint64_t left_ns = cop__calling_deadline(cop__thread_here(), actor->current);
        if (left_ns >= own_ns)
                return own_ns;
        return cop__clock_ns() < left_ns ? left_ns : 0;
}

/* ---- Starts ------------------------------------------------------------------------------- */

struct cop__signal *cop__calling_hinge_new(struct cop__thread *thread)
{
        return cop__signal_new(&thread->pool, COP__SIGNAL_HINGE, sizeof(cop_pid));
}

void cop__calling_hinge(struct cop__thread *thread, struct cop__signal *news, cop_caller caller,
                        cop_pid child)
{
        if (caller.ref.bits == 0) {
                cop__signal_free(&thread->pool, news);
                return;
        }
        news->ref = caller.ref;
        memcpy(cop__signal_body(news), &child, sizeof(child));
        cop__send_signal(thread, caller.pid, news);
}

int64_t cop__calling_start_wait(struct cop__actor *actor, cop_ref ref, cop_pid child)
{
        if (cop__rare_of(actor) == NULL) /* who has none would leave its edge behind if it were killed */
                return 1; /* without memory for that now; perhaps in a moment */
        cop__calling_wait_for_start(cop__calling_own(actor), ref, child);
        cop__fence_seq(); /* CLOSE */
        return cop__ring_hinges(actor) ? 1 : COP_FOREVER;
}

void cop__calling_take_hinge(struct cop__thread *thread, struct cop__actor *actor,
                             struct cop__signal *signal)
{
        cop_pid child;
        memcpy(&child, cop__signal_body(signal), sizeof(child));
        if (cop_ref_equal(cop__awaited_by(actor), signal->ref)) {
                cop__calling_wait_for_start(cop__calling_own(actor), signal->ref, child);
                cop__fence_seq(); /* CLOSE */
        } else if (COP__UNLIKELY(cop__is_outpost(actor))) {
                cop__outpost_hinges(actor, signal->ref, child);
        }
        cop__signal_done(thread, actor, signal);
}

/* ---- The public operations ---------------------------------------------------------------- */

int64_t cop_time_left_of(const cop_message *message)
{
        if (message == NULL || cop__actor_here() == NULL)
                return COP_FOREVER;
        const struct cop__signal *request = (const struct cop__signal *)(const void *)message;
        if (COP__UNLIKELY(request->flags & COP__SIGNAL_CROSSED))
                cop__inside_look(); /* it may have been withdrawn */
        uint64_t deadline_ns = cop__calling_deadline(cop__thread_here(), request);
        if (deadline_ns == UINT64_MAX)
                return COP_FOREVER;
        uint64_t now_ns = cop__clock_ns();
        return now_ns < deadline_ns ? (int64_t)((deadline_ns - now_ns + 999999) / 1000000) : 0;
}

int64_t cop_time_left(void)
{
        struct cop__actor *actor = cop__actor_here();
        return cop_time_left_of(actor != NULL ? (cop_message *)actor->current : NULL);
}
