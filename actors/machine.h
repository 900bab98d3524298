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
#include "base/list.h"
#include "base/table.h"

/* A time-out that runs. In memory of the actor's own, which cop_alloc gives. */
struct cop__machine_timer {
        struct cop__list list;         /* of those that wait for their time, or of those that are due */
        struct cop__table_node by_name; /* of one that is in no slot; the key is of the name */
        struct cop__table_node by_id;  /* while it waits; the key is of the message that says that its time has come */
        struct cop__signal *event;     /* what it brings */
        cop_ref timer;                 /* none: it is due */
        uint64_t started, updated;     /* by which event */
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

        /* Time-outs. waiting and due together are all that run; each has a slot or is in `names`. */
        struct cop__list waiting, due;       /* in the order of their start; due are those of 0 ms */
        struct cop__machine_timer *state_timeout, *event_timeout; /* the two that end by themselves; NULL: it does not run */
        struct cop__table names, ids;

        /* What the event at hand has asked for. */
        uint64_t events;                     /* which it is, from 1; 0: init */
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

/* At the beginning of a machine, and at its end: the events go to `pending`. */
void cop__machine_timers_init(struct cop__machine *machine);
void cop__machine_timers_fini(struct cop__machine *machine);
/* Ends a time-out; NULL is allowed. */
void cop__machine_timer_end(struct cop__actor *actor, struct cop__machine_timer *timer);
/* The state has changed: its time-out is over, unless it is one that the event at hand has asked for. */
void cop__machine_state_left(struct cop__actor *actor, struct cop__machine *machine);
/* The event of the time-out whose message came, or of the oldest that is due (no id); NULL: it is over. The caller's. */
struct cop__signal *cop__machine_timer_take(struct cop__machine *machine, cop_ref id, bool *is_event);

/* The message that a time-out's timer sends. */
typedef struct cop__machine_time {
        cop_ref id; /* none: events wait that init has inserted */
} cop__machine_time;
COP_MESSAGE(cop__machine_time, id);

/* A machine dies: all its events go to its mailbox, to be refused with what it had not read. */
void cop__machine_end(struct cop__actor *actor);

#endif
