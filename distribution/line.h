/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A line: a socket that an actor owns (transport.h), and the bytes on their way through it.
 *
 * It never blocks a worker: who waits for it waits as an actor, for the news of it (cop__ready, see actors/outpost.h) or for
 * being told to hang up. The socket is closed when its actor ends, however it does.
 */
#ifndef DISTRIBUTION_LINE_H
#define DISTRIBUTION_LINE_H

#include "actors/belonging.h"
#include "actors/crossing.h"
#include "distribution/network.h"

struct cop__line {
        struct cop__belonging belonging;
        struct cop__network *network;
        struct cop__list list;       /* in the network's, under its lock */
        cop_pid owner;
        int socket;
        bool is_called;              /* constant: somebody has called, and its actor is not who listens */
        bool writable_wanted;
        bool hung_up;                /* nothing comes any more, or goes */
        struct cop__tray in, out;
        uint64_t heard_ns, told_ns;  /* when something came last, and went last */
};

/* To whoever owns one: end it. */
typedef struct cop__hang_up {
        cop_symbol why;
} cop__hang_up;
COP__KIND_DECLARE(cop__hang_up);

/*
 * A line of the calling actor's, with a socket, which is taken; NULL: no memory, and the socket is closed. `is_called`: that of one
 * who has called.
 */
struct cop__line *cop__line_new(struct cop__network *network, int socket, bool is_called);
/* Who lives and has one that somebody has called, as any thread finds it; nobody. */
cop_pid cop__lines_called(struct cop__network *network);
/* Before its actor's end. */
void cop__line_close(struct cop__line *line);

/*
 * Connects to a host, of which the name is looked up without holding up others, within the deadline; only that looking up ends when
 * it does. If the host has several addresses, each has its share of the time.
 * Errors: COP_E_NO_CONNECTION, COP_E_NO_MEMORY, COP_E_TIMEOUT.
 */
cop_status cop__line_call(struct cop__network *network, const char *host, uint16_t port, uint64_t deadline_ns,
                          struct cop__line **line);

/* What has happened to that actor's sockets is told once more: there was no memory for it. Any thread. */
void cop__lines_look_again(struct cop__network *network, cop_pid owner);

/* Writes what the socket takes now. */
void cop__line_flush(struct cop__line *line);
/* Reads what has come, at most so much. Returns the bytes; 0: nothing; -1: the end; -2: no memory. */
long cop__line_fill(struct cop__line *line, size_t most);

/* Waits until `size` bytes are there to read. Errors: COP_E_NO_CONNECTION, COP_E_TIMEOUT, COP_E_NO_MEMORY. */
cop_status cop__line_await(struct cop__line *line, size_t size, uint64_t deadline_ns);
/* What has come. Its first `size` bytes are read. */
const uint8_t *cop__line_bytes(const struct cop__line *line);
void cop__line_read(struct cop__line *line, size_t size);

/*
 * One who has called, until the actor that is to talk with him has the socket: if it never does, for it was killed before its first
 * turn, the socket is closed all the same. Returns his number; 0: no memory, and the socket is closed.
 */
uint64_t cop__caller_add(struct cop__network *network, int socket);
/* His socket, which is the calling actor's to close; -1: he is known no more. */
int cop__caller_take(struct cop__network *network, uint64_t number);
/* It is closed, if it has not been taken. */
void cop__caller_drop(struct cop__network *network, uint64_t number);
/* Of all of them, when the node has ended. */
void cop__callers_end(struct cop__network *network);

#endif
