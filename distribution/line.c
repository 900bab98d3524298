/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Lines. See line.h. */
#define _GNU_SOURCE
#include "distribution/line.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

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
                line->network->transport->close(line->network, line->socket);
        }
        cop__tray_free(&line->in);
        cop__tray_free(&line->out);
        free(line);
}

struct cop__line *cop__line_new(struct cop__network *network, int socket, bool is_called)
{
        struct cop__line *line = cop__calloc(1, sizeof(*line));
        if (line == NULL) {
                network->transport->close(network, socket);
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
        if (network->transport->watch(network, socket, reading | EPOLLOUT, line->owner.bits) != COP_OK ||
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
                        network->transport->watch_again(network, line->socket, reading | EPOLLOUT, owner.bits);
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
        line->network->transport->watch_again(line->network, line->socket, wanted ? reading | EPOLLOUT : reading,
                                              cop_self().bits);
}

static ssize_t send_some(void *context, int socket, const void *bytes, size_t size)
{
        struct cop__network *network = context;
        return network->transport->send(network, socket, bytes, size);
}

void cop__line_flush(struct cop__line *line)
{
        size_t before = cop__tray_waiting(&line->out);
        if (line->hung_up || before == 0)
                return;
        if (!cop__tray_flush_by(&line->out, send_some, line->network, line->socket)) {
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
                ssize_t size = line->network->transport->receive(line->network, line->socket, line->in.data + line->in.end,
                                                                 line->in.room - line->in.end);
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

static cop_status await_connected(struct cop__line *line, uint64_t deadline_ns, bool *over)
{
        for (;;) {
                int is_through = line->network->transport->is_through(line->network, line->socket);
                if (is_through != 0)
                        return is_through > 0 ? COP_OK : COP_E_NO_CONNECTION;
                cop_status status = await_news(deadline_ns, over);
                if (status != COP_OK)
                        return status;
        }
}

static cop_status call_one(struct cop__network *network, const struct addrinfo *at, uint64_t deadline_ns, bool *over,
                           struct cop__line **result)
{
        int socket = network->transport->call(network, at->ai_addr, at->ai_addrlen);
        if (socket < 0)
                return COP_E_NO_CONNECTION;
        struct cop__line *line = cop__line_new(network, socket, false);
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
        ask->host = network->transport->host(host);
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

/* ---- Who has called --------------------------------------------------------------------------------- */

struct caller {
        struct cop__list list; /* in the network's, under its lock */
        uint64_t number;
        int socket;
};

uint64_t cop__caller_add(struct cop__network *network, int socket)
{
        struct caller *caller = cop__malloc(sizeof(*caller));
        if (caller == NULL) {
                network->transport->close(network, socket);
                return 0;
        }
        caller->socket = socket;
        cop__lock_lock(&network->lock);
        caller->number = ++network->callers_so_far;
        cop__list_push_back(&network->callers, &caller->list);
        uint64_t number = caller->number;
        cop__lock_unlock(&network->lock);
        return number;
}

int cop__caller_take(struct cop__network *network, uint64_t number)
{
        struct caller *found = NULL;
        cop__lock_lock(&network->lock);
        COP__LIST_EACH(&network->callers, at, ahead)
        {
                struct caller *caller = COP__CONTAINER(at, struct caller, list);
                if (caller->number == number)
                        found = caller;
        }
        if (found != NULL)
                cop__list_remove(&found->list);
        cop__lock_unlock(&network->lock);
        int socket = found != NULL ? found->socket : -1;
        free(found);
        return socket;
}

void cop__caller_drop(struct cop__network *network, uint64_t number)
{
        int socket = cop__caller_take(network, number);
        if (socket >= 0)
                network->transport->close(network, socket);
}

void cop__callers_end(struct cop__network *network)
{
        struct cop__list *first;
        while ((first = cop__list_pop_front(&network->callers)) != NULL) {
                network->transport->close(network, COP__CONTAINER(first, struct caller, list)->socket);
                free(COP__CONTAINER(first, struct caller, list));
        }
}
