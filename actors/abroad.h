/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Signals for actors of other nodes, and where they are handed on.
 *
 * A pid whose top bits are not zero is nobody's slot here, so it takes the cold ways that a dead pid takes: each of those asks
 * here first. What is to be done with other nodes is known to a layer above this one (distribution/), which a program may do
 * without: it fills in this table when it begins. A node without it has nobody abroad, and all that is sent there is refused
 * with the reason noconnection.
 *
 * The table is set once, by release, and stays until the node has ended.
 *
 * An actor of another node that was asked for from here (distribution/offers.h) is there when its spawner hears of it, linked and
 * monitored: so the answer, SPAWNED, brings the spawner's halves along, and whoever takes it out of the queue keeps them at once, before
 * anything that comes behind it. Is nobody there who waits for it any more, the newborn is told to end, and the halves go back as their
 * ends; which takes no memory. One that has been taken in, by a spawner that is told to end before it goes on, is as good: then the
 * halves end with the spawner.
 */
#ifndef ACTORS_ABROAD_H
#define ACTORS_ABROAD_H

#include <coppice/actor.h>

#include "mailbox/signal.h"

struct cop__abroad;
struct cop__actor;
struct cop__belonging;
struct cop__relation;
struct cop__thread;

/* Two halves of a pid of another node that names whoever bears a name there: this node number, and what stands for the name. */
#define COP__NODE_OF_NAMES UINT64_C(255)

struct cop__abroad {
        /*
         * Takes a signal for a pid of another node, in the order of sending. Returns how far that way is behind: a
         * cop__pressure.
         */
        uint32_t (*send)(struct cop__abroad *abroad, struct cop__thread *thread, cop_pid to, struct cop__signal *signal);
        /* How far the way to a pid of another node is behind: a cop__pressure. Any thread of the node. */
        uint32_t (*pressure)(struct cop__abroad *abroad, cop_pid to);
        /* A scope of groups has begun, in its init, and it has heard something. */
        void (*scope_begins)(struct cop__abroad *abroad);
        void (*scope_hears)(struct cop__abroad *abroad, cop_message *message);
        /* May a pid of another node be a member of a group now? */
        bool (*is_known)(struct cop__abroad *abroad, cop_pid pid);
        /* Something has happened to a socket of that actor, and there was no memory to tell it: the socket is to be news again. */
        void (*untold)(struct cop__abroad *abroad, cop_pid pid);
        /* The node has ended, and all its threads: frees all of it, while there is still a pool for signals. */
        void (*end)(struct cop__abroad *abroad, struct cop__thread *thread);
};

/* Of the node that the thread is in; NULL: it has none. */
struct cop__abroad *cop__abroad_of(struct cop_node *node);

/* How far the way to a pid of another node is behind: a cop__pressure. */
uint32_t cop__pressure_abroad(struct cop_node *node, cop_pid to);

/* Hands it on, or refuses it. Returns a cop__pressure. */
uint32_t cop__send_abroad(struct cop__thread *thread, cop_pid to, struct cop__signal *signal);

/* A signal that cannot reach another node: calls fail with {nodedown, Node} if `call_reason` is that, all else with `reason`. */
void cop__refuse_abroad(struct cop__thread *thread, cop_pid to, struct cop__signal *signal,
                        struct cop__shared_term *reason, struct cop__shared_term *call_reason);

/* ---- Spawned abroad ------------------------------------------------------------------------ */

/* The body of SPAWNED, which is an answer to a call when it has been taken in. */
typedef struct cop__spawned {
        cop_pid pid;            /* nobody: none has begun */
        cop_ref ref;            /* what it was asked for under, and is monitored under */
        uint32_t status;        /* why none has */
        uint64_t link, monitor; /* until it is taken in: the spawner's halves, each a struct cop__relation; 0: none */
        cop_pid spawner;        /* from then on, if there is no link: who would have to tell the newborn that nobody has it */
} cop__spawned;
COP__KIND_DECLARE(cop__spawned);

/* NULL without memory. The halves are to be of the two types, and bear the id and the reference. */
struct cop__signal *cop__spawned_new(struct cop__thread *thread, cop_ref ref);
void cop__spawned_set(struct cop__signal *signal, cop_pid pid, cop_status status, struct cop__relation *link,
                      struct cop__relation *monitor);

/* The owner has it: for the call that waits, or for nobody. */
void cop__spawned_take_in(struct cop__thread *thread, struct cop__actor *actor, struct cop__signal *signal);
/* Who had taken it in ends without it. False: it is another answer. */
bool cop__spawned_forget(struct cop__thread *thread, struct cop__signal *answer);
/* Nobody waits for it; `dead` is who did. */
void cop__spawned_refuse(struct cop__thread *thread, cop_pid dead, struct cop__signal *signal);

#endif
