/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Lines. See line.h. */
#define _GNU_SOURCE
#include "distribution/line.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <coppice/blocking.h>

#include "actors/outpost.h"
#include "base/clock.h"
#include "base/memory.h"

COP__KIND_DEFINE(cop__hang_up, why);

static const uint32_t reading = EPOLLIN | EPOLLRDHUP;

/* ---- Life ------------------------------------------------------------------------------- */

static void end_line(struct cop__belonging *belonging)
{
        struct cop__line *line = COP__CONTAINER(belonging, struct cop__line, belonging);
        if (line->socket >= 0) {
                cop__lock_lock(&line->network->lock);
                cop__list_remove(&line->list);
                cop__lock_unlock(&line->network->lock);
                cop__poll_remove(&line->network->node->scheduler.poll, line->socket);
                shutdown(line->socket, SHUT_RDWR); /* which ends it also where a child of the program's has a copy */
                close(line->socket);
        }
        cop__tray_free(&line->in);
        cop__tray_free(&line->out);
        free(line);
}

struct cop__line *cop__line_new(struct cop__network *network, int socket, bool is_called)
{
        struct cop__line *line = cop__calloc(1, sizeof(*line));
        if (line == NULL) {
                close(socket);
                return NULL;
        }
        line->network = network;
        line->owner = cop_self();
        line->socket = socket;
        line->is_called = is_called;
        line->belonging.end = end_line;
        line->heard_ns = line->told_ns = cop__clock_ns();
        cop__lock_lock(&network->lock);
        cop__list_push_back(&network->lines, &line->list);
        cop__lock_unlock(&network->lock);
        if (cop__poll_add(&network->node->scheduler.poll, socket, reading | EPOLLOUT, line->owner.bits) != COP_OK ||
            !cop__own(cop__actor_here(), &line->belonging)) {
                end_line(&line->belonging);
                return NULL;
        }
        line->writable_wanted = true;
        return line;
}

void cop__line_close(struct cop__line *line)
{
        cop__belonging_end(&line->belonging);
}

cop_pid cop__lines_called(struct cop__network *network)
{
        cop_pid owner = cop_no_pid();
        cop__lock_lock(&network->lock);
        COP__LIST_EACH(&network->lines, at, ahead)
        {
                const struct cop__line *line = COP__CONTAINER(at, struct cop__line, list);
                if (line->is_called && cop_is_alive(line->owner))
                        owner = line->owner;
        }
        cop__lock_unlock(&network->lock);
        return owner;
}

/* A change makes whatever is the case news; that it can be written to is, as a rule. */
void cop__lines_look_again(struct cop__network *network, cop_pid owner)
{
        cop__lock_lock(&network->lock);
        COP__LIST_EACH(&network->lines, at, ahead)
        {
                const struct cop__line *line = COP__CONTAINER(at, struct cop__line, list);
                if (cop_pid_equal(line->owner, owner))
                        cop__poll_change(&network->node->scheduler.poll, line->socket, reading | EPOLLOUT, owner.bits);
        }
        cop__lock_unlock(&network->lock);
}

/* ---- Bytes -------------------------------------------------------------------------------- */

/* Edge by edge, so asked for only while the socket is full. */
static void want_writable(struct cop__line *line, bool wanted)
{
        if (line->writable_wanted == wanted)
                return;
        line->writable_wanted = wanted;
        cop__poll_change(&line->network->node->scheduler.poll, line->socket, wanted ? reading | EPOLLOUT : reading,
                         cop_self().bits);
}

void cop__line_flush(struct cop__line *line)
{
        size_t before = cop__tray_waiting(&line->out);
        if (line->hung_up || before == 0)
                return;
        if (!cop__tray_flush(&line->out, line->socket)) {
                line->hung_up = true;
                return;
        }
        if (cop__tray_waiting(&line->out) < before)
                line->told_ns = cop__clock_ns();
        want_writable(line, cop__tray_waiting(&line->out) > 0);
}

long cop__line_fill(struct cop__line *line, size_t most)
{
        size_t got = 0;
        while (got < most) {
                if (!cop__tray_reserve(&line->in, COP__TRAY_FILL))
                        return -2;
                ssize_t size = recv(line->socket, line->in.data + line->in.end, line->in.room - line->in.end, MSG_DONTWAIT);
                if (size > 0) {
                        line->in.end += (size_t)size;
                        got += (size_t)size;
                } else if (size == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
                        line->hung_up = true;
                        return got > 0 ? (long)got : -1;
                } else if (errno != EINTR) {
                        break;
                }
        }
        if (got > 0)
                line->heard_ns = cop__clock_ns();
        return (long)got;
}

const uint8_t *cop__line_bytes(const struct cop__line *line)
{
        return line->in.data + line->in.start;
}

void cop__line_read(struct cop__line *line, size_t size)
{
        line->in.start += size;
}

/* ---- Waiting -------------------------------------------------------------------------------- */

/* For something to have happened to the socket. COP_E_NO_CONNECTION: somebody wants it to be hung up, and *over says that. */
static cop_status await_news(uint64_t deadline_ns, bool *over)
{
        uint64_t now_ns = cop__clock_ns();
        if (now_ns >= deadline_ns)
                return COP_E_TIMEOUT;
        int64_t ms = (int64_t)((deadline_ns - now_ns) / COP__NS_PER_MS) + 1;
        cop_message *message = cop_receive(ms, COP_KIND(cop__ready), COP_KIND(cop__hang_up));
        *over = cop_message_as(message, COP_KIND_OF(cop__hang_up)) != NULL;
        cop_message_free(message);
        return message == NULL ? COP_E_TIMEOUT : *over ? COP_E_NO_CONNECTION : COP_OK;
}

cop_status cop__line_await(struct cop__line *line, size_t size, uint64_t deadline_ns)
{
        bool over;
        for (;;) {
                cop__line_flush(line);
                long got = cop__line_fill(line, COP__TRAY_FILL);
                if (cop__tray_waiting(&line->in) >= size)
                        return COP_OK;
                if (got == -2)
                        return COP_E_NO_MEMORY;
                if (line->hung_up)
                        return COP_E_NO_CONNECTION;
                if (got > 0)
                        continue;
                cop_status status = await_news(deadline_ns, &over);
                if (status != COP_OK)
                        return status;
        }
}

/* ---- Calling ----------------------------------------------------------------------------------- */

/* A look-up, which ends with its actor, who may be killed meanwhile. */
struct look_up {
        struct cop__belonging belonging;
        const char *host;
        char port[8];
        struct addrinfo *found;
        bool over; /* no other address is tried */
};

static void look_up_with(struct look_up *ask, int flags)
{
        const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | flags };
        if (getaddrinfo(ask->host, ask->port, &hints, &ask->found) != 0)
                ask->found = NULL;
}

static void look_up(struct look_up *ask)
{
        look_up_with(ask, 0);
}

static void end_look_up(struct cop__belonging *belonging)
{
        struct look_up *ask = COP__CONTAINER(belonging, struct look_up, belonging);
        if (ask->found != NULL)
                freeaddrinfo(ask->found);
        free(ask);
}

static void set_nodelay(int socket)
{
        int on = 1;
        setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* a socket of another sort refuses, which is no harm */
}

static cop_status await_connected(struct cop__line *line, uint64_t deadline_ns, bool *over)
{
        for (;;) {
                int error = 0;
                socklen_t size = sizeof(error);
                struct sockaddr_storage whom;
                socklen_t whom_size = sizeof(whom);
                if (getsockopt(line->socket, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0)
                        return COP_E_NO_CONNECTION;
                if (getpeername(line->socket, (struct sockaddr *)&whom, &whom_size) == 0)
                        return COP_OK;
                cop_status status = await_news(deadline_ns, over);
                if (status != COP_OK)
                        return status;
        }
}

static cop_status call_one(struct cop__network *network, const struct addrinfo *at, uint64_t deadline_ns, bool *over,
                           struct cop__line **result)
{
        int socket_fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (socket_fd < 0)
                return COP_E_NO_CONNECTION;
        set_nodelay(socket_fd);
        if (connect(socket_fd, at->ai_addr, at->ai_addrlen) != 0 && errno != EINPROGRESS) {
                close(socket_fd);
                return COP_E_NO_CONNECTION;
        }
        struct cop__line *line = cop__line_new(network, socket_fd, false);
        if (line == NULL)
                return COP_E_NO_MEMORY;
        cop_status status = await_connected(line, deadline_ns, over);
        if (status == COP_OK)
                *result = line;
        else
                cop__line_close(line);
        return status;
}

/* Each address has its share of the time that is left: one that is silent is not the last that is tried. */
static cop_status call_each(struct cop__network *network, struct look_up *ask, uint64_t deadline_ns, struct cop__line **line)
{
        cop_status status = COP_E_NO_CONNECTION;
        uint64_t left = 0;
        for (const struct addrinfo *at = ask->found; at != NULL; at = at->ai_next)
                left++;
        for (const struct addrinfo *at = ask->found; at != NULL && !ask->over; at = at->ai_next, left--) {
                uint64_t now_ns = cop__clock_ns();
                if (now_ns >= deadline_ns)
                        return COP_E_TIMEOUT;
                status = call_one(network, at, now_ns + (deadline_ns - now_ns) / left, &ask->over, line);
                if (status == COP_OK || status == COP_E_NO_MEMORY)
                        return status;
        }
        return status;
}

cop_status cop__line_call(struct cop__network *network, const char *host, uint16_t port, uint64_t deadline_ns,
                          struct cop__line **line)
{
        struct look_up *ask = cop__calloc(1, sizeof(*ask));
        if (ask == NULL)
                return COP_E_NO_MEMORY;
        ask->belonging.end = end_look_up;
        ask->host = host;
        snprintf(ask->port, sizeof(ask->port), "%u", (unsigned)port);
        if (!cop__own(cop__actor_here(), &ask->belonging)) {
                free(ask);
                return COP_E_NO_MEMORY;
        }
        look_up_with(ask, AI_NUMERICHOST); /* what is no name is found without waiting */
        cop_status status = ask->found != NULL ? COP_OK : cop_blocking(look_up, ask);
        if (status == COP_OK)
                status = call_each(network, ask, deadline_ns, line);
        cop__belonging_end(&ask->belonging);
        return status;
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

int cop__accept_at(int socket)
{
        int called;
        do
                called = accept4(socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        while (called < 0 && (errno == EINTR || errno == ECONNABORTED));
        if (called < 0)
                return errno == EAGAIN || errno == EWOULDBLOCK ? -1 : -2;
        set_nodelay(called);
        return called;
}
