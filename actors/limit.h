/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Limits of mailboxes: who is counted at the door, and what becomes of one too many.
 *
 *      sender ──► door: count it, or refuse ──► queue ──► mailbox ──► taken up: counted no more
 *                   │                             │
 *                   └─ full: rejected, dropped,   └─ its actor dies: refused, counted no more
 *                      or the receiver is stopped
 *
 * A mailbox that coalesces has a porch beside the door: porch.h. What waits there is not counted here.
 *
 * The counts lie beside the slots, in lines that are touched only where an actor with a limit lives. Senders
 * learn that from the word they read anyway, `pressed`, so actors without a limit pay nothing.
 *
 * Invariant: count = signals with COP__SIGNAL_COUNTED that are for this slot, whichever actor lives there, and bytes = the sum of their
 * bodies, with what they share; plus, for a moment, those that are being refused. A line belongs to the slot and not to the actor: so what
 * a sender with a stale pid has counted is counted off in the same place when it is refused.
 *
 * A sender counts first and looks then, and takes it back if it was one too many. So no more than the limit is ever let in,
 * but one that is being refused may for that moment keep another out.
 *
 * An actor with watermarks (watermark.h) is counted at the door in the same way, if need be with a limit of 0, which is any number. It may be
 * given marks while it lives: then its own mail is counted after the fact, but for what is on its way from a sender who has
 * looked before.
 *
 * Who may touch what: the counts, any thread, by atomic addition; the limits and the policy are written by the spawner before
 * START is pushed, or by the owner who is given its first marks, and only read while the actor lives. The marks: watermark.h. All of it is relaxed: a message is published by the queue.
 */
#ifndef ACTORS_LIMIT_H
#define ACTORS_LIMIT_H

#include <coppice/id.h>
#include <coppice/mailbox.h>

#include "actors/porch.h"
#include "base/compiler.h"

struct cop_node;
struct cop__actor;
struct cop__signal;
struct cop__thread;
struct cop_spawn_options;

struct cop__limit {
        uint64_t count, bytes;
        uint64_t dropped;        /* since the actor's birth; refused ones too */
        uint64_t most_bytes;     /* 0: any */
        uint64_t stopped;        /* COP_MAILBOX_STOP: the pid of the receiver that has been told; 0: nobody */
        uint32_t most;           /* 0: any */
        uint32_t policy;         /* a cop_mailbox_policy */
        uint32_t high, low;      /* marks, while `mark` is not 0 */
        uint64_t mark;           /* atomic; see watermark.h */
        struct cop__porch porch; /* COP_MAILBOX_COALESCE alone touches it: a line of its own; see porch.h */
} COP__LINE_ALIGNED;

enum cop__admission {
        COP__ADMIT = 0,
        COP__ADMIT_SLOWED,    /* deliver it, and pause */
        COP__ADMIT_LATER,     /* it waits on the porch: nothing is left to do */
        COP__REFUSE_ALOUD,    /* say COP_E_FULL */
        COP__REFUSE_SILENTLY, /* a dead letter */
};

/* Before the birth of an actor with a limit. */
void cop__limit_set(struct cop__thread *thread, struct cop__actor *actor,
                    const struct cop_spawn_options *options);

/* By the actor itself, which had no limit: from now on no more of what comes later waits for it, and its sender is told. May take in signals. */
void cop__limit_begin(struct cop__actor *actor, uint32_t most, uint64_t most_bytes);

/* A message is about to be pushed to an actor with a limit, or to one that had one a moment ago. */
enum cop__admission cop__limit_admit(struct cop__thread *thread, struct cop__actor *actor,
                                     cop_pid pid, struct cop__signal *signal);

/* One that was let in is one too many for a mailbox that slows its senders. */
bool cop__limit_slows(struct cop__thread *thread, const struct cop__actor *actor);

/* The same for a call or request: see cop__limit_knock in actor.h. */
cop_status cop__limit_knock_slowly(struct cop__thread *thread, cop_pid to,
                                   struct cop__signal *request);

/* What a message counts at the door, each time the same: its body, and what lies in buffers beside it. */
uint64_t cop__limit_bytes_of(const struct cop__signal *signal);

/* A counted message leaves the queue or the mailbox of a slot. */
void cop__limit_leave(struct cop__thread *thread, struct cop__actor *actor,
                      struct cop__signal *signal);

/* The owner is about to handle a counted message, the oldest one. False: it was one too many, and has been dropped. */
bool cop__limit_take(struct cop__thread *thread, struct cop__actor *actor,
                     struct cop__signal *signal);

/* The owner is about to receive: what is too many of the oldest is dropped. May take in signals. */
void cop__limit_trim(struct cop__actor *actor);

/* The actor is dead: a limit's news end. */
void cop__limit_end(struct cop__thread *thread, struct cop__actor *actor, cop_pid pid);

/* For people who look: 0 and 0 without marks. */
struct cop__marking {
        uint32_t high, low;
        bool over;
};
struct cop__marking cop__limit_marking(const struct cop_node *node, const struct cop__actor *actor);

/* How many were dropped or refused. */
uint64_t cop__limit_dropped(struct cop__thread *thread, const struct cop__actor *actor);

#endif
