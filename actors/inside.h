/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Inside the process of an actor: the other end of outpost.h.
 *
 *      main thread     reads the order, starts a node of one worker, begins the actor in it, and sleeps for ever
 *      the worker      runs the actor; when that has nothing to do it waits for the socket (scheduler/poll.h)
 *
 * The node's table of slots has room for one actor, in the very slot and generation of the outpost's pid. So cop_self() is the
 * pid that others know, and whatever is for another pid finds nobody: there (send.c) it is handed to cop__inside_export.
 * What comes in packets is made into signals for the actor's queue, and from then on it is as anywhere.
 *
 * What is local: receiving, time-outs, timers for oneself, memory, requests in flight, aliases, faults. What is asked of
 * the outpost, which takes a round trip: links, monitors, names, trap_exit, labels (cop__inside_ask). What would need a second
 * actor, or tables of the node's, answers COP_E_ISOLATED; docs/processes.md has the list.
 *
 * One worker, and no spare one, so all of this is on one thread at a time: the packets between two turns, questions in the actor's own
 * turn. Only the log may come from any thread: whole packets are written under a lock.
 *
 * The end. The actor's death is the process': the last packet is the obituary. The node's end closes the socket, which the
 * worker reads when it is idle; and a busy one is killed with the zygote (zygote.h).
 */
#ifndef ACTORS_INSIDE_H
#define ACTORS_INSIDE_H

#include "actors/crossing.h"
#include "actors/inside_wait.h"
#include "base/compiler.h"

struct cop__actor;
struct cop__signal;
struct cop__thread;
struct cop_node;

/* Of a node that is inside; NULL in others. */
struct cop__inside;

/* In the zygote: what the program's threads and handlers were is forgotten. */
void cop__inside_forget(void);

/* In a new process, whose socket this is; `origin` as it was when the zygote was forked. */
COP__NORETURN void cop__inside_main(struct cop_node *origin, int socket);

/* That of the calling actor's node; NULL: it is a node like others. */
struct cop__inside *cop__inside_here(void);

/* Hands a signal to another actor than ours. Takes it. */
void cop__inside_export(struct cop__thread *thread, cop_pid to, struct cop__signal *signal);

/* The socket is news; between two turns. */
void cop__inside_ready(struct cop__thread *thread);

/* What has come goes into the actor's queue. False: nothing has. */
bool cop__inside_hear(struct cop__thread *thread);

/* Asks the outpost, and waits for the answer. Its term is borrowed until the next question. COP_E_NO_MEMORY and so on: not asked. */
cop_status cop__inside_ask(cop__query ask, cop__told *told);

/* Is it of the references that were given out in this process? */
bool cop__inside_made(const struct cop__inside *inside, cop_ref ref);

/* A packet that says no more than a reference. */
void cop__inside_tell(enum cop__crossing_type type, cop_ref ref);

/* The duty to answer has left the request, or the call is over. */
void cop__inside_defer(cop_ref ref);
void cop__inside_unwatch(cop_ref ref);

/* The actor has ended, and with it the process. */
COP__NORETURN void cop__inside_end(struct cop__thread *thread, struct cop__actor *actor);

#endif
