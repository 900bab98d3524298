/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* News of nodes. See news.h. */
#include "distribution/news.h"

#include <string.h>

#include "actors/outpost.h"
#include "distribution/line.h"
#include "distribution/names.h"
#include "distribution/peer.h"
#include "distribution/scope.h"

COP_MESSAGE_DEFINE(cop_node_up, node);
COP_MESSAGE_DEFINE(cop_node_down, node, reason);

cop_status cop__tell(cop_pid from, cop_pid to, const cop_kind *kind, const void *value)
{
        struct cop__thread *thread = cop__thread_here();
        struct cop__signal *signal;
        cop_status status = cop__signal_owed(&thread->pool, kind, value, &signal);
        if (status != COP_OK)
                return status;
        signal->from = from;
        cop__count_up(&cop__here_of(thread)->sent);
        cop__send_signal(thread, to, signal);
        return COP_OK;
}

/* Those who are told as often as it takes: it is the same to them. `again`: they may have missed something. */
static bool greet(struct cop__network *network, struct cop__peer *peer, bool again)
{
        cop_pid names = cop_whereis(COP__NAMES_SERVER); /* takes no place of the program's */
        const cop_node_up up = { cop_symbol_of(peer->name) };
        bool is_told = names.bits == 0 || cop__tell(cop_self(), names, COP_KIND_OF(cop_node_up), &up) == COP_OK;
        return cop__scopes_greet(network, peer, again) && is_told;
}

void cop__news_owe(struct cop__network *network, struct cop__peer *peer)
{
        cop_pid owner;
        cop__store_release(&peer->news_owed, 1);
        if (cop__peer_look(peer, &owner) == COP__PEER_UP && !cop__outpost_rouse(cop__thread_here(), owner))
                cop__lines_look_again(network, owner);
}

bool cop__news_pay(struct cop__network *network, struct cop__peer *peer)
{
        cop__exchange_acq_rel(&peer->news_owed, 0u); /* before it looks: what is owed from here on is paid the next time */
        bool is_paid = greet(network, peer, true);
        if (!is_paid)
                cop__store_release(&peer->news_owed, 1);
        return is_paid;
}

void cop__news_tell(struct cop__network *network, struct cop__peer *peer, bool up, cop_term reason)
{
        cop_pid pids[COP__AUDIENCE_MAX], self = cop_self();
        uint32_t count = cop__audience_copy(network->node, &network->audience, pids);
        const cop_node_up is_up = { cop_symbol_of(peer->name) };
        const cop_node_down is_down = { cop_symbol_of(peer->name), reason };
        for (uint32_t i = 0; i < count; i++) {
                if (up)
                        cop__tell(self, pids[i], COP_KIND_OF(cop_node_up), &is_up);
                else
                        cop__tell(self, pids[i], COP_KIND_OF(cop_node_down), &is_down);
        }
        if (up && !greet(network, peer, false))
                cop__store_release(&peer->news_owed, 1);
}

struct cop__shared_term *cop__news_nodedown(const struct cop__peer *peer)
{
        return cop__shared_term_new(COP_TUPLE(cop_atom("nodedown"), cop_atom(peer->name)));
}

void cop__news_refuse(struct cop__network *network, const struct cop__peer *peer, struct cop__thread *thread, cop_pid to,
                      struct cop__signal *signal)
{
        (void)network;
        bool asks = signal->type == COP__SIGNAL_MESSAGE && signal->ref.bits != 0 && !(signal->flags & COP__SIGNAL_ANSWERED);
        struct cop__shared_term *nodedown = asks ? cop__news_nodedown(peer) : NULL;
        struct cop__shared_term *noconnection = cop__reason(COP__REASON_NOCONNECTION);
        cop__refuse_abroad(thread, to, signal, noconnection, nodedown != NULL ? nodedown : noconnection);
        cop__shared_term_drop(nodedown);
}
