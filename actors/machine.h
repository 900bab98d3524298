/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * State machines: what a machine keeps beside the user's struct. See coppice/machine.h for what it does.
 *
 * A machine is a server without typed handlers: every message goes to its table. An event is a signal from its
 * arrival to its end, whether it came from outside, was inserted, or is what a time-out brings; so calls, replies, crash
 * reports and the refusal of what the dead had not read need to know nothing of machines.
 *
 *      message ──► current ──handled──► ended
 *                   ▲   └──postponed──► postponed ──the state changes──┐
 *                   └────────── pending ◄──────────────────────────────┘
 *                                  ▲ inserted events, before the others
 *
 * All of it is the owner's. At each moment a signal is in exactly one place: actor->current, a list, or a time-out.
 */
#ifndef ACTORS_MACHINE_H
#define ACTORS_MACHINE_H

#include <coppice/machine.h>

#include "actors/actor.h"

/* A time-out that runs. In memory of the actor's own, which cop_alloc gives. */
struct cop__machine_timer {
        struct cop__machine_timer *next; /* started later */
        struct cop__signal *event;       /* what it brings */
        cop_ref id;                      /* of the message that says that its time has come */
        cop_ref timer;                   /* none: 0 ms */
        bool fresh;                      /* started by the event at hand */
        char name[];
};

enum cop__machine_phase {
        COP__MACHINE_RESTS = 0,
        COP__MACHINE_INIT,
        COP__MACHINE_HANDLES,
        COP__MACHINE_ENTERS,
};

struct cop__machine {
        const cop_machine *table;            /* the one on top */
        const cop_machine **below;           /* the others, from the first; NULL: none was pushed yet */
        uint32_t depth;                      /* of `below` */
        int64_t state;
        struct cop__mailbox pending, postponed;
        struct cop__machine_timer *timers;   /* in the order of their start */

        /* What the event at hand has asked for. */
        uint8_t phase;                       /* a cop__machine_phase */
        bool changes, repeats, postpones;
        int64_t next;
        struct cop__mailbox inserted;
};

/* The calling actor's machine; NULL: it is none. */
static inline struct cop__machine *cop__machine_of(const struct cop__actor *actor)
{
        return actor->rare != NULL ? actor->rare->machine : NULL;
}

/* The machine whose handler is running; ends the actor with {badarg, {function, ...}} if there is none, or if it is in
 * an enter function and must not be. Without a node: NULL. */
struct cop__machine *cop__machine_here(const char *function, bool may_enter);

/* Lists of signals that the queue has let go of. */
void cop__machine_append(struct cop__mailbox *list, struct cop__signal *signal);
void cop__machine_prepend(struct cop__mailbox *list, struct cop__mailbox *before);

/* Ends the time-out of that name, if there is one that is not `spared`. */
bool cop__machine_timer_end(struct cop__actor *actor, const char *name, bool spare_fresh);
/* The event of the time-out whose message came, or of the oldest of 0 ms (no id); NULL: it is over. The caller's. */
struct cop__signal *cop__machine_timer_take(struct cop__actor *actor, cop_ref id, bool *is_event);

/* The message that a time-out's timer sends. */
typedef struct cop__machine_time {
        cop_ref id; /* none: events wait that init has inserted */
} cop__machine_time;
COP_MESSAGE(cop__machine_time, id);

/* A machine dies: all its events go to its mailbox, to be refused with what it had not read. */
void cop__machine_end(struct cop__actor *actor);

#endif
