/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Synchronous start: START is a request like that of a call (call.c), and is answered when the start is over.
 *
 *      caller                                child
 *      ── START, ref ──────────────────────► init
 *      ◄─ REPLY, ref: cop_started ────────── init has ended, or cop_init_ack()
 *      ◄─ FAILED, ref: the reason ────────── it has died with START in its hands
 *
 * So a child that fails is gone when its caller hears of that, without a monitor and without memory for the news. One
 * monitor is made all the same, before the child: it tells when a child that was killed for being slow is gone.
 */
#include "actors/actor.h"
#include "actors/calling.h"
#include "actors/inside.h"

cop_term cop_started_extra(void)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor == NULL || actor->rare == NULL || actor->rare->started == NULL)
                return cop_nil();
        return ((const cop_started *)cop_message_body(actor->rare->started))->extra;
}

/* What the child has told is kept while there is something in it. */
static void keep_told(struct cop__actor *actor, struct cop__signal *reply)
{
        const cop_started *started = cop__signal_body(reply);
        cop__hand_over(actor, reply);
        if (started->extra.type == COP_TERM_NIL)
                cop_message_free((cop_message *)reply);
        else
                actor->rare->started = (cop_message *)reply;
}

/*
 * It took too long, or cannot go on. No exit signal of it is heard: the caller knows. It is killed before the two part, so that who
 * cannot be, for want of memory, stays linked, and ends with its caller at the latest. In an OS process of its own each of these is a
 * question, and what comes before its answer is heard: there the two part first, and are linked again if that was in vain.
 */
static cop_status put_down(cop_pid child, bool linked, cop_ref watch, cop_status why)
{
        bool parts_first = linked && cop__inside_here() != NULL;
        if (parts_first)
                cop_unlink(child);
        cop_status status = cop_send_exit(child, cop_atom("kill"));
        if (status != COP_OK) {
                if (parts_first)
                        cop_link(child);
                cop_demonitor_flush(watch);
                return status;
        }
        if (linked && !parts_first)
                cop_unlink(child);
        cop_message_free(cop_receive(COP_FOREVER, COP_REF(cop_down, watch)));
        if (linked)
                cop_message_free(cop_receive(
                        0, (cop_pattern){ .kind = COP_KIND_OF(cop_exited), .from = child }));
        return why;
}

static cop_status start(struct cop__actor *actor, const cop_spawn_options *options,
                        int64_t timeout_ms, const void *where, cop_pid *pid)
{
        struct cop__signal *reply;
        cop_spawn_options watched = *options;
        cop_ref watch, asked = cop__ref_new(cop__here_of(cop__thread_here()));
        cop_pid child;
        watched.monitor = true;
        watched.monitor_ref = &watch;
        cop__await_ref(actor, asked); /* the answer may be here before cop__spawn returns */
        actor->call_watched = false;
        cop_status status = cop__spawn(&watched, asked, &child);
        if (status != COP_OK) {
                cop__await_nothing(actor);
                return status;
        }
        cop__calling_wait_for(cop__calling_own(actor), asked, child);
        if (COP__UNLIKELY(cop__inside_here() != NULL))
                cop__inside_waits(asked);
        cop__fence_seq(); /* CLOSE: an init may call the one that waits for it */
        status = cop__call_wait(actor, asked, cop__deadline_ns(timeout_ms), where, &reply);
        if (status == COP_OK && cop__answer_must_be(actor, reply, COP_KIND_OF(cop_started)) != COP_OK)
                return put_down(child, options->link, watch, COP_E_NO_REPLY);
        if (status == COP_E_TIMEOUT || status == COP_E_CYCLE)
                return put_down(child, options->link, watch, status);
        if (status != COP_OK || !options->monitor)
                cop_demonitor_flush(watch);
        if (status != COP_OK)
                return status;
        keep_told(actor, reply);
        if (options->monitor)
                *options->monitor_ref = watch;
        *pid = child;
        return COP_OK;
}

cop_status cop_start(const cop_spawn_options *options, int64_t timeout_ms, cop_pid *pid)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor == NULL)
                return COP_E_NO_NODE;
        if (timeout_ms < 0) {
                cop__badarg("start", "a time-out is 0 or more milliseconds, or COP_FOREVER");
                return COP_E_BAD_ARGUMENT;
        }
        if (options == NULL || pid == NULL || options->start_ref.bits != 0 ||
            (options->monitor && options->monitor_ref == NULL))
                return COP_E_BAD_ARGUMENT;
        struct cop__rare *rare = cop__rare_of(actor);
        if (rare == NULL)
                return COP_E_NO_MEMORY;
        cop_message_free(rare->started);
        rare->started = NULL;
        return start(actor, options, timeout_ms, __builtin_return_address(0), pid);
}
