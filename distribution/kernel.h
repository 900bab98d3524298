/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * net_kernel: the actor that listens, begins the connections and buries them. It bears Erlang's name for it, and answers
 * Erlang's pings.
 *
 * What serves global names (names.h) lives and ends with it. It has no part in what runs through a connection. When it ends the
 * connections end, too: each watches it. One that was killed leaves its peers to whoever begins next.
 */
#ifndef DISTRIBUTION_KERNEL_H
#define DISTRIBUTION_KERNEL_H

#include "distribution/network.h"

#define COP__KERNEL_NAME "net_kernel"

/* What a net_kernel will be known by once it has begun; until then another may begin, and the network goes by that one's. */
struct cop__settings {
        char name[COP__NODE_NAME_ROOM];
        char cookie[COP__COOKIE_ROOM];
        uint32_t creation;
        uint16_t port, epmd_port;
        bool hidden, no_auto_connect;
        int64_t tick_ms;
        size_t message_max;
};

/* The peer is to be called, and is TRYING already. False: there is nobody who could, or no memory. */
bool cop__kernel_call(struct cop__network *network, struct cop__thread *thread, struct cop__peer *peer);

/* A question to it: whose is the attempt or the connection with that peer? If there is none, one begins. */
typedef struct cop__whose {
        uint32_t peer;
} cop__whose;
COP__KIND_DECLARE(cop__whose);

typedef struct cop__connection_of {
        cop_pid pid;
} cop__connection_of;
COP__KIND_DECLARE(cop__connection_of);

/* From a connection that somebody else has begun: the other one has shown the cookie. */
typedef struct cop__admitted {
        cop_pid pid;
} cop__admitted;
COP__KIND_DECLARE(cop__admitted);

#endif
