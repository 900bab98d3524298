/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The system's sockets. See transport.h. */
#define _GNU_SOURCE
#include "distribution/transport.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#include "actors/actor.h"
#include "distribution/network.h"

static void set_nodelay(int socket)
{
        int on = 1;
        setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* a socket of another sort refuses, which is no harm */
}

/* ---- Listening ------------------------------------------------------------------------------------ */

/* Of errno, which stays. */
static int close_because(int socket_fd)
{
        int error = errno;
        close(socket_fd);
        errno = error;
        return -1;
}

static int listen_one(const struct addrinfo *at)
{
        int on = 1;
        int socket_fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (socket_fd < 0)
                return -1;
        setsockopt(socket_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        if (bind(socket_fd, at->ai_addr, at->ai_addrlen) == 0 && listen(socket_fd, SOMAXCONN) == 0)
                return socket_fd;
        return close_because(socket_fd);
}

/* One that nobody can be told of is closed. */
static int with_port(int socket_fd, uint16_t *port)
{
        struct sockaddr_storage own;
        socklen_t size = sizeof(own);
        if (getsockname(socket_fd, (struct sockaddr *)&own, &size) != 0)
                return close_because(socket_fd);
        *port = ntohs(own.ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)(const void *)&own)->sin6_port
                                                : ((const struct sockaddr_in *)(const void *)&own)->sin_port);
        return socket_fd;
}

int cop__listen_at(const char *address, uint16_t port, uint16_t *bound)
{
        const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM,
                                        .ai_flags = AI_NUMERICSERV | AI_NUMERICHOST | AI_PASSIVE };
        struct addrinfo *found = NULL;
        char text[8];
        snprintf(text, sizeof(text), "%u", (unsigned)port);
        if (getaddrinfo(address, text, &hints, &found) != 0) {
                errno = EINVAL;
                return -1;
        }
        int socket_fd = listen_one(found);
        int error = errno;
        freeaddrinfo(found);
        errno = error;
        return socket_fd >= 0 ? with_port(socket_fd, bound) : -1;
}

static int listen_at(struct cop__network *network, const char *address, uint16_t port, uint16_t *bound)
{
        (void)network;
        return cop__listen_at(address, port, bound);
}

static int accept_next(struct cop__network *network, int socket)
{
        int called;
        (void)network;
        do
                called = accept4(socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        while (called < 0 && (errno == EINTR || errno == ECONNABORTED));
        if (called < 0)
                return errno == EAGAIN || errno == EWOULDBLOCK ? -1 : -2;
        set_nodelay(called);
        return called;
}

/* ---- Calling --------------------------------------------------------------------------------------- */

static const char *host_itself(const char *host)
{
        return host;
}

static int call(struct cop__network *network, const struct sockaddr *at, socklen_t size)
{
        int socket_fd = socket(at->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)network;
        if (socket_fd < 0)
                return -1;
        set_nodelay(socket_fd);
        if (connect(socket_fd, at, size) == 0 || errno == EINPROGRESS)
                return socket_fd;
        return close_because(socket_fd);
}

static int is_through(struct cop__network *network, int socket)
{
        int error = 0;
        socklen_t size = sizeof(error);
        struct sockaddr_storage whom;
        socklen_t whom_size = sizeof(whom);
        (void)network;
        if (getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0)
                return -1;
        return getpeername(socket, (struct sockaddr *)&whom, &whom_size) == 0;
}

/* ---- Bytes ------------------------------------------------------------------------------------------ */

static ssize_t send_some(struct cop__network *network, int socket, const void *bytes, size_t size)
{
        (void)network;
        return send(socket, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static ssize_t receive_some(struct cop__network *network, int socket, void *bytes, size_t room)
{
        (void)network;
        return recv(socket, bytes, room, MSG_DONTWAIT);
}

static cop_status watch(struct cop__network *network, int socket, uint32_t events, uint64_t pid)
{
        return cop__poll_add(&network->node->scheduler.poll, socket, events, pid);
}

static void watch_again(struct cop__network *network, int socket, uint32_t events, uint64_t pid)
{
        cop__poll_change(&network->node->scheduler.poll, socket, events, pid);
}

static void close_it(struct cop__network *network, int socket)
{
        cop__poll_remove(&network->node->scheduler.poll, socket);
        shutdown(socket, SHUT_RDWR); /* which ends it also where a child of the program's has a copy */
        close(socket);
}

static cop_status chance(struct cop__network *network, void *bytes, size_t size)
{
        (void)network;
        return getrandom(bytes, size, 0) == (ssize_t)size ? COP_OK : COP_E_SYSTEM;
}

const struct cop__transport cop__transport_sockets = {
        .listen = listen_at,
        .accept = accept_next,
        .host = host_itself,
        .call = call,
        .is_through = is_through,
        .send = send_some,
        .receive = receive_some,
        .watch = watch,
        .watch_again = watch_again,
        .close = close_it,
        .chance = chance,
};
