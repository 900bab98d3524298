/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Distribution: the public operations. See coppice/distribution.h. */
#include <coppice/distribution.h>

#include <string.h>

#include "actors/gather.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "distribution/connection.h"
#include "distribution/kernel.h"

#define START_MS 20000
#define STOP_MS 20000

/*
 * Attempts that are looked at in one cop_connect(): two that meet are given up for each other, and an old one is in the way at
 * first.
 */
#define TRIES 5

/* ---- Beginning and end ------------------------------------------------------------------ */

/* {distribution, Status, Text}: why net_kernel did not begin. */
static cop_status why_not(void)
{
        cop_term failure = cop_failure();
        if (!cop_is_tuple(failure, "distribution", 3) || failure.as.items[1].type != COP_TERM_INTEGER)
                return COP_E_DIED;
        return (cop_status)failure.as.items[1].as.integer;
}

cop_status cop_distribution_start(const cop_distribution *options)
{
        cop_pid pid;
        if (options == NULL)
                return COP_E_BAD_ARGUMENT;
        if (cop_node_here() == NULL || cop__actor_here() == NULL)
                return COP_E_NO_NODE;
        if (cop__node_of(cop__thread_here())->inside != NULL)
                return COP_E_NO_DISTRIBUTION;
        cop_status status = cop_start(&(cop_spawn_options){ .server = &cop_distribution_server, .name = COP__KERNEL_NAME,
                                                            .kind = COP_KIND_OF(cop_distribution), .argument = options },
                                      START_MS, &pid);
        if (status == COP_E_NAME_TAKEN)
                return COP_E_ALREADY_STARTED;
        return status == COP_E_DIED ? why_not() : status;
}

cop_status cop_distribution_stop(void)
{
        cop_status status = COP_OK;
        struct cop__network *network = cop__network_open(&status);
        if (network == NULL)
                return status;
        status = cop_stop_address(cop_to_pid((cop_pid){ network->kernel }), cop_atom("shutdown"), STOP_MS);
        for (uint32_t i = 0; i < cop__load_acquire(&network->peer_count); i++) {
                cop_pid owner;
                cop__peer_look(network->peers[i], &owner);
                cop_status ended = owner.bits != 0 ? cop__connection_end(owner, "disconnected", STOP_MS) : COP_OK;
                status = status == COP_OK ? ended : status;
        }
        return status;
}

cop_status cop_distribution_port(uint16_t *port)
{
        cop_status status = COP_OK;
        struct cop__network *network = cop__network_open(&status);
        if (network != NULL && port != NULL)
                *port = network->port;
        return network != NULL && port == NULL ? COP_E_BAD_ARGUMENT : status;
}

const char *cop_node_here_name(void)
{
        struct cop__network *network = cop__network_here();
        return cop__network_is_open(network) ? network->name : "";
}

/* ---- Other nodes ---------------------------------------------------------------------------- */

cop_status cop_node_is_at(const char *node, const char *host, uint16_t port)
{
        cop_status status = COP_OK;
        struct cop__network *network = cop__network_open(&status);
        struct cop__peer *peer = network != NULL ? cop__network_other(network, node, &status) : NULL;
        if (peer == NULL)
                return status;
        if (host == NULL)
                host = "";
        if (strlen(host) >= sizeof(peer->host))
                return COP_E_BAD_ARGUMENT;
        cop__lock_lock(&peer->lock);
        memcpy(peer->host, host, strlen(host) + 1);
        peer->port = port;
        cop__lock_unlock(&peer->lock);
        return COP_OK;
}

static int64_t left_ms(uint64_t deadline_ns)
{
        uint64_t now_ns = cop__clock_ns();
        if (deadline_ns == UINT64_MAX)
                return COP_FOREVER;
        return now_ns < deadline_ns ? (int64_t)((deadline_ns - now_ns) / COP__NS_PER_MS) + 1 : 0;
}

/* It could not be asked, or did not answer in time: that says nothing of who is asked. */
static bool is_not_asked(cop_status status)
{
        return status == COP_E_TIMEOUT || status == COP_E_OVERLOAD || status == COP_E_NO_MEMORY;
}

/* Asks net_kernel whose attempt it is, and that one whether it is up. */
static cop_status await_up(struct cop__network *network, struct cop__peer *peer, uint64_t deadline_ns)
{
        cop_message *message;
        cop_pid owner;
        cop_status status = cop_call(&message, (cop_pid){ network->kernel }, left_ms(deadline_ns), cop__whose,
                                     .peer = peer->index);
        if (status != COP_OK)
                return is_not_asked(status) ? status : COP_E_NO_DISTRIBUTION;
        const cop__connection_of *connection = cop_read(cop__connection_of, message);
        owner = connection != NULL ? connection->pid : cop_no_pid();
        cop_message_free(message);
        if (owner.bits == 0)
                return COP_E_NO_CONNECTION;
        status = cop_call(NULL, owner, left_ms(deadline_ns), cop__is_up, .unused = 0);
        return status == COP_OK || is_not_asked(status) ? status : COP_E_NO_CONNECTION;
}

cop_status cop_connect(const char *node, int64_t timeout_ms)
{
        cop_status status = COP_OK;
        struct cop__network *network = cop__network_open(&status);
        struct cop__peer *peer = network != NULL ? cop__network_other(network, node, &status) : NULL;
        if (peer == NULL)
                return status;
        cop_pid owner;
        if (timeout_ms < 0)
                return COP_E_BAD_ARGUMENT;
        uint64_t deadline_ns = cop__deadline_ns(timeout_ms);
        for (int tries = 0, downs = 0; tries < TRIES && downs < 2; tries++) {
                status = await_up(network, peer, deadline_ns);
                if (status != COP_E_NO_CONNECTION)
                        break;
                downs += cop__peer_look(peer, &owner) == COP__PEER_DOWN; /* the first may have been an attempt of theirs */
        }
        return status;
}

cop_status cop_disconnect(const char *node)
{
        cop_status status = COP_OK;
        struct cop__network *network = cop__network_open(&status);
        struct cop__peer *peer = network != NULL ? cop__network_other(network, node, &status) : NULL;
        cop_pid owner;
        if (peer == NULL)
                return status;
        if (cop__peer_look(peer, &owner) != COP__PEER_UP)
                return COP_E_NOT_FOUND;
        return cop__connection_end(owner, "disconnected", STOP_MS);
}

cop_status cop_nodes(cop_term *nodes)
{
        cop_status status = COP_OK;
        struct cop__network *network = cop__network_open(&status);
        struct cop__gather gather = { 0 };
        if (network == NULL)
                return status;
        if (nodes == NULL)
                return COP_E_BAD_ARGUMENT;
        for (uint32_t i = 0; i < cop__load_acquire(&network->peer_count); i++) {
                cop_pid owner;
                if (cop__peer_look(network->peers[i], &owner) == COP__PEER_UP)
                        cop__gather_add(&gather, cop_atom(network->peers[i]->name));
        }
        return cop__gather_list(&gather, nodes);
}

const char *cop_node_of(cop_pid pid)
{
        struct cop__network *network = cop__network_here();
        const struct cop__peer *peer = network != NULL ? cop__network_whose(network, pid) : NULL;
        return peer != NULL ? peer->name : "";
}

static bool is_to_be_had(const char *name)
{
        return name != NULL && name[0] != '\0' && strlen(name) <= COP_SYMBOL_MAX;
}

/* Of this node: looked up at each use, as any name here, and no less lasting than one of another node. */
static cop_address at_home(struct cop__network *network, const char *name)
{
        const char *lasting = cop__network_own_name(network, name);
        return cop_to_name(lasting != NULL ? lasting : "undefined");
}

cop_address cop_at(const char *name, const char *node)
{
        cop_status status = COP_OK;
        struct cop__network *network = cop__network_open(&status);
        cop_pid pid = cop_no_pid();
        if (network != NULL && is_to_be_had(name)) {
                if (node != NULL && strcmp(node, network->name) == 0)
                        return at_home(network, name);
                struct cop__peer *peer = cop__network_other(network, node, &status);
                if (peer != NULL && cop__utf8_valid(name, strlen(name)))
                        pid = cop__network_name(network, peer, name);
        }
        return pid.bits != 0 ? cop_to_pid(pid) : cop_to_name("undefined");
}

/* ---- News --------------------------------------------------------------------------------------- */

cop_status cop_nodes_subscribe(void)
{
        cop_status status = COP_OK;
        struct cop__network *network = cop__network_open(&status);
        bool is_new;
        if (network == NULL)
                return status;
        return cop__audience_add(network->node, &network->audience, cop_self(), &is_new);
}

void cop_nodes_unsubscribe(void)
{
        struct cop__network *network = cop__network_here();
        if (network != NULL && cop__actor_here() != NULL)
                cop__audience_remove(&network->audience, cop_self());
}
