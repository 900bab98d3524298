/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What carries the bytes between nodes: the system's sockets, or, where the node is simulated, wires (scheduler/wires.h).
 *
 * Either way a socket is a number from 0 on, which nothing here waits for: what has happened to one that is watched is told to its owner
 * as a cop__ready (actors/outpost.h). Its owner alone sends, receives and closes.
 */
#ifndef DISTRIBUTION_TRANSPORT_H
#define DISTRIBUTION_TRANSPORT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <coppice/status.h>

struct cop__network;

struct cop__transport {
        /* One that listens at an address, and its port. -1: errno says why. */
        int (*listen)(struct cop__network *network, const char *address, uint16_t port, uint16_t *bound);
        /* The next one who calls; -1: nobody now; -2: perhaps somebody, for whom there is no descriptor or no memory, and no news will come. */
        int (*accept)(struct cop__network *network, int socket);
        /* What is to be looked up for this host: itself, as a rule. */
        const char *(*host)(const char *host);
        /* Begins to call; -1: it cannot. Then: 1: it has come through; 0: not yet; -1: it never will. */
        int (*call)(struct cop__network *network, const struct sockaddr *at, socklen_t size);
        int (*is_through)(struct cop__network *network, int socket);
        /* As send and recv. */
        ssize_t (*send)(struct cop__network *network, int socket, const void *bytes, size_t size);
        ssize_t (*receive)(struct cop__network *network, int socket, void *bytes, size_t room);
        /* Events of epoll, edge by edge, are told to that pid from now on. Again: whatever is the case is news. */
        cop_status (*watch)(struct cop__network *network, int socket, uint32_t events, uint64_t pid);
        void (*watch_again)(struct cop__network *network, int socket, uint32_t events, uint64_t pid);
        /* Watched or not. */
        void (*close)(struct cop__network *network, int socket);
        /* Fills it with what nobody can guess; of a simulated node, with what the seed says. Errors: COP_E_SYSTEM. */
        cop_status (*chance)(struct cop__network *network, void *bytes, size_t size);
};

extern const struct cop__transport cop__transport_sockets, cop__transport_wires;

/* As listen of the sockets. */
int cop__listen_at(const char *address, uint16_t port, uint16_t *bound);

#endif
