/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Signals for actors of other nodes. See abroad.h. */
#include "actors/abroad.h"

#include "actors/actor.h"

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
