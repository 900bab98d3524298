/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Wires: what lies between nodes that are simulated together, as sockets do between real ones.
 *
 *      end 3, of node a                                         end 4, of node b
 *      send ──► [ under way ············ │ arrived ] ──────────► receive
 *      receive ◄───────────── [ arrived │ ············ under way ] ◄── send
 *
 *      ear 2, of node b, at a port:  who calls is through after a moment, and then waits here to be accepted
 *
 * Ends and ears have numbers, as descriptors have, and are used as a socket is that never blocks: what is watched tells its news
 * once (edge by edge) to the scheduler's hook `ready`, between two turns. Nothing here is the system's: the seed draws how long bytes
 * are under way, in how many pieces they arrive, how many there is room for, and which connection is cut.
 *
 * Bytes arrive in order and once. Who closes its end is heard of behind all that it has sent; of a connection that is cut what is under
 * way is lost. The driving thread alone is here, in its own name or in an actor's turn.
 */
#ifndef SCHEDULER_WIRES_H
#define SCHEDULER_WIRES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct cop__scheduler;
struct cop__simulation;
struct cop__wires;

/* An ear at a port of all simulated nodes, of which there is one net; 0: any that is free. -1: errno says why. */
int cop__wire_listen(struct cop__scheduler *scheduler, uint16_t port, uint16_t *bound);
/* The next one who has called; -1: nobody has. */
int cop__wire_accept(struct cop__scheduler *scheduler, int ear);
/* Calls whoever listens there. -1: errno says why. */
int cop__wire_call(struct cop__scheduler *scheduler, uint16_t port);
/* Has the call come through? 1: yes; 0: not yet; -1: it never will. */
int cop__wire_is_through(struct cop__scheduler *scheduler, int end);

/* As send and recv have it, with errno. */
ssize_t cop__wire_send(struct cop__scheduler *scheduler, int end, const void *bytes, size_t size);
ssize_t cop__wire_receive(struct cop__scheduler *scheduler, int end, void *bytes, size_t room);

/* News of these kinds (EPOLLIN, EPOLLOUT) are told under this mark from here on; what is so already is news. */
void cop__wire_watch(struct cop__scheduler *scheduler, int end, uint32_t events, uint64_t mark);
void cop__wire_close(struct cop__scheduler *scheduler, int end);

/* ---- For the driver; `wires` NULL: there are none ---- */

/* What is due arrives, and is told. */
void cop__wires_move(struct cop__simulation *simulation);
/* When something is to move next; UINT64_MAX: nothing is. */
uint64_t cop__wires_next_ns(const struct cop__simulation *simulation);
/* A node ends: whatever it has is closed. */
void cop__wires_hang_up(struct cop__simulation *simulation, const struct cop__scheduler *scheduler);
void cop__wires_free(struct cop__wires *wires);

#endif
