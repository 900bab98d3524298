/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The porch of a mailbox that coalesces: where messages wait that have a key and found it full, the newest of each key.
 *
 *      sender ──► door: there is room, and nobody waits on the porch ──► queue ──► mailbox ──► taken up
 *                   │                                                      ▲                      │
 *                   │ full                                                 │                      │ there is room again
 *                   └─► porch   (A) ──► (B) ──► (C) ───────────────────────┘◄─────────────────────┘
 *                                 ▲ a newer one with the key of A takes its place, and A is a dead letter
 *
 * Only the owner may look into queue and mailbox, so that a sender could not find there what it is to replace; and an owner who
 * did it would come too late: the newest values would have been dropped before it looks. So beyond the limit senders
 * have a list of their own, under a lock that nobody takes while there is room.
 *
 * Order. While anybody waits on the porch, nothing else that counts is let in by the door: what one sender has sent arrives in
 * its order, but that a newer one comes in the place of what it replaced. `waiting` falls only after the push, so that holds for
 * one who is just going in, too.
 *
 * None is forgotten. Who counts a message off looks at `waiting` afterwards, and who has come to the porch looks at the count
 * afterwards; both are read-modify-writes of `waiting` with acquire and release. Of the two one comes first: so either the one
 * who counts off sees who waits, or who waits sees the room. ROOM
 * One thread at a time lets in (`moving`), and looks again when
 * it has: another that finds it at that may go.
 *
 * Who may touch what: all of it is changed by whoever holds the lock, which is a leaf; `waiting` is read by anybody. `pid` is
 * that of the actor which lives here; a sender with a stale pid finds another there, or none, and is refused at the door.
 */
#ifndef ACTORS_PORCH_H
#define ACTORS_PORCH_H

#include <coppice/mailbox.h>

#include "base/lock.h"

struct cop__limit;
struct cop__signal;
struct cop__thread;

struct cop__porch {
        struct cop__lock lock;
        uint32_t waiting;           /* those in the list, and one that is being let in */
        uint64_t bytes;             /* of those in the list */
        struct cop__signal *first, *last;
        cop_pid pid;                /* nobody: closed */
        const cop_kind *kind;
        const cop_field *field;     /* the key of `kind` */
        bool moving;                /* somebody lets in the first */
};

/* Can messages be told apart by it? */
bool cop__key_is_good(const cop_mailbox_key *key);

/* Before the birth of the actor whose pid this is. The key is good. */
void cop__porch_open(struct cop__limit *limit, cop_pid pid, const cop_mailbox_key *key);

/* The actor is dead: who waits is a dead letter. */
void cop__porch_close(struct cop__thread *thread, struct cop__limit *limit, cop_pid pid);

/* A message to `pid` has found no room. True: it has been taken. */
bool cop__porch_take(struct cop__thread *thread, struct cop__limit *limit, cop_pid pid,
                     struct cop__signal *signal);

/* There may be room: in they go. */
void cop__porch_let_in(struct cop__thread *thread, struct cop__limit *limit);

#endif
