/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The wires between simulated nodes. See transport.h. */
#include "distribution/transport.h"

#include <netinet/in.h>
#include <string.h>

#include "actors/simulation.h"
#include "distribution/network.h"
#include "scheduler/wires.h"

static struct cop__scheduler *scheduler_of(struct cop__network *network)
{
        return &network->node->scheduler;
}

/* They all live in one net, in which ports tell them apart. */
static int wire_listen(struct cop__network *network, const char *address, uint16_t port, uint16_t *bound)
{
        (void)address;
        return cop__wire_listen(scheduler_of(network), port, bound);
}

static int wire_accept(struct cop__network *network, int socket)
{
        return cop__wire_accept(scheduler_of(network), socket);
}

static const char *wire_host(const char *host)
{
        (void)host;
        return "127.0.0.1";
}

static int wire_call(struct cop__network *network, const struct sockaddr *at, socklen_t size)
{
        struct sockaddr_in in;
        (void)size;
        memcpy(&in, at, sizeof(in));
        return cop__wire_call(scheduler_of(network), ntohs(in.sin_port));
}

static int wire_is_through(struct cop__network *network, int socket)
{
        return cop__wire_is_through(scheduler_of(network), socket);
}

static ssize_t wire_send(struct cop__network *network, int socket, const void *bytes, size_t size)
{
        return cop__wire_send(scheduler_of(network), socket, bytes, size);
}

static ssize_t wire_receive(struct cop__network *network, int socket, void *bytes, size_t room)
{
        return cop__wire_receive(scheduler_of(network), socket, bytes, room);
}

static void wire_watch_again(struct cop__network *network, int socket, uint32_t events, uint64_t pid)
{
        cop__wire_watch(scheduler_of(network), socket, events, pid);
}

static cop_status wire_watch(struct cop__network *network, int socket, uint32_t events, uint64_t pid)
{
        wire_watch_again(network, socket, events, pid);
        return COP_OK;
}

static void wire_close(struct cop__network *network, int socket)
{
        cop__wire_close(scheduler_of(network), socket);
}

static cop_status wire_chance(struct cop__network *network, void *bytes, size_t size)
{
        struct cop__simulation *simulation = cop__simulation_of(network->node);
        for (size_t i = 0; i < size; i++)
                ((uint8_t *)bytes)[i] = (uint8_t)cop__random_next(&simulation->random);
        return COP_OK;
}

const struct cop__transport cop__transport_wires = {
        .listen = wire_listen,
        .accept = wire_accept,
        .host = wire_host,
        .call = wire_call,
        .is_through = wire_is_through,
        .send = wire_send,
        .receive = wire_receive,
        .watch = wire_watch,
        .watch_again = wire_watch_again,
        .close = wire_close,
        .chance = wire_chance,
};
