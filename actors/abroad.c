/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Signals for actors of other nodes. See abroad.h. */
#include "actors/abroad.h"

#include <string.h>

#include "actors/actor.h"
#include "actors/take.h"

COP__KIND_DEFINE(cop__spawned, pid, ref, status, link, monitor, spawner);

struct cop__abroad *cop__abroad_of(struct cop_node *node)
{
        return cop__load_acquire(&node->abroad); /* its release is in distribution/network.c */
}

static bool asks(const struct cop__signal *signal)
{
        return (signal->type == COP__SIGNAL_MESSAGE || signal->type == COP__SIGNAL_INFO || signal->type == COP__SIGNAL_SYS) &&
               signal->ref.bits != 0 && !(signal->flags & COP__SIGNAL_ANSWERED);
}

void cop__refuse_abroad(struct cop__thread *thread, cop_pid to, struct cop__signal *signal,
                        struct cop__shared_term *reason, struct cop__shared_term *call_reason)
{
        if (signal->type == COP__SIGNAL_MESSAGE && !asks(signal))
                cop__letter_die(thread, to, signal, COP__DEATH_NO_ACTOR);
        else
                cop__refuse_signal(thread, to, signal, asks(signal) ? call_reason : reason);
}

uint32_t cop__pressure_abroad(struct cop_node *node, cop_pid to)
{
        struct cop__abroad *abroad = cop__abroad_of(node);
        return abroad != NULL ? abroad->pressure(abroad, to) : COP__PRESSURE_NONE;
}

uint32_t cop__send_abroad(struct cop__thread *thread, cop_pid to, struct cop__signal *signal)
{
        struct cop__abroad *abroad = cop__abroad_of(cop__node_of(thread));
        if (abroad != NULL)
                return abroad->send(abroad, thread, to, signal);
        struct cop__shared_term *reason = cop__reason(COP__REASON_NOCONNECTION);
        cop__refuse_abroad(thread, to, signal, reason, reason);
        cop__shared_term_drop(reason);
        return COP__PRESSURE_NONE;
}

/* ---- Spawned abroad ------------------------------------------------------------------------ */

/* Room for a half: it may have to be sent on as an exit signal. */
struct cop__signal *cop__spawned_new(struct cop__thread *thread, cop_ref ref)
{
        _Static_assert(sizeof(cop__spawned) <= COP__HALF_SIZE, "SPAWNED is as large as an exit signal");
        struct cop__signal *signal = cop__signal_new_small(&thread->pool, COP__SIGNAL_SPAWNED, COP__HALF_SIZE);
        if (signal == NULL)
                return NULL;
        cop__spawned *body = cop__signal_body(signal);
        *body = (cop__spawned){ .ref = ref };
        signal->ref = ref;
        return signal;
}

void cop__spawned_set(struct cop__signal *signal, cop_pid pid, cop_status status, struct cop__relation *link,
                      struct cop__relation *monitor)
{
        cop__spawned *body = cop__signal_body(signal);
        body->pid = pid;
        body->status = status;
        body->link = (uintptr_t)link;
        body->monitor = (uintptr_t)monitor;
        signal->from = pid;
}

/* As one that has arrived. */
static void keep_half(struct cop__actor *actor, uint64_t half, cop_pid pid)
{
        struct cop__relation *relation = (struct cop__relation *)(uintptr_t)half;
        if (relation != NULL)
                cop__relation_keep(actor, relation, relation->signal.ref, pid);
}

void cop__spawned_take_in(struct cop__thread *thread, struct cop__actor *actor, struct cop__signal *signal)
{
        cop__spawned *body = cop__signal_body(signal);
        if (!cop_ref_equal(cop__awaited_by(actor), signal->ref) || cop__must_leave(actor)) {
                cop__queue_release(&actor->queue, &actor->cursor, &signal->node);
                cop__spawned_refuse(thread, cop__actor_pid(actor), signal);
                return;
        }
        keep_half(actor, body->link, body->pid);
        keep_half(actor, body->monitor, body->pid);
        body->spawner = body->link == 0 ? cop__actor_pid(actor) : cop_no_pid();
        body->link = body->monitor = 0;
        cop__signal_set_kind(signal, COP_KIND_OF(cop__spawned));
        signal->size = sizeof(*body);
        signal->type = COP__SIGNAL_REPLY;
        cop__take_answer(thread, actor, signal);
}

/* The spawner's half as what it would be if that one ended. */
static void send_end(struct cop__thread *thread, struct cop__relation *half, unsigned type, cop_pid from, cop_pid to)
{
        half->signal.type = (uint8_t)type;
        half->signal.from = from;
        cop__send_signal(thread, to, &half->signal);
}

/* There are no halves in it any more, and its block has room for an exit signal. */
static void abandon(struct cop__thread *thread, cop_pid spawner, cop_pid pid, struct cop__signal *signal)
{
        struct cop__relation *exit = COP__CONTAINER(signal, struct cop__relation, signal);
        memset(&exit->as.exited, 0, sizeof(exit->as.exited));
        exit->as.exited.reason = cop__shared_term_take(cop__reason(COP__REASON_ABANDONED));
        signal->kind = NULL;
        signal->ref = (cop_ref){ 0 };
        send_end(thread, exit, COP__SIGNAL_EXIT, spawner, pid);
}

bool cop__spawned_forget(struct cop__thread *thread, struct cop__signal *answer)
{
        if (answer->kind != COP_KIND_OF(cop__spawned))
                return false;
        const cop__spawned body = *(cop__spawned *)cop__signal_body(answer);
        if (body.spawner.bits != 0 && body.pid.bits != 0)
                abandon(thread, body.spawner, body.pid, answer);
        else
                cop__signal_free(&thread->pool, answer);
        return true;
}

void cop__spawned_refuse(struct cop__thread *thread, cop_pid dead, struct cop__signal *signal)
{
        const cop__spawned body = *(cop__spawned *)cop__signal_body(signal);
        struct cop__relation *link = (struct cop__relation *)(uintptr_t)body.link;
        struct cop__relation *monitor = (struct cop__relation *)(uintptr_t)body.monitor;
        if (monitor != NULL)
                send_end(thread, monitor, COP__SIGNAL_DEMONITOR, dead, body.pid);
        if (link != NULL) {
                memset(&link->as.exited, 0, sizeof(link->as.exited));
                link->as.exited.reason = cop__shared_term_take(cop__reason(COP__REASON_ABANDONED));
                send_end(thread, link, COP__SIGNAL_LINK_EXIT, dead, body.pid);
        }
        if (link != NULL || body.pid.bits == 0)
                cop__signal_free(&thread->pool, signal);
        else
                abandon(thread, dead, body.pid, signal);
}
