/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Marks: a receive for a fresh reference looks at no older mail.
 *
 * Nothing that bears a reference can have come before the reference was made. So when an actor with a long mailbox
 * makes one, it remembers the message that was the last then, and a receive whose patterns all want this reference
 * begins behind it: what a request costs does not depend on how much lies unread.
 *
 *      first ──► m1 ──► m2 ──► ... ──► m900000 ──► m900001 ──► the answer
 *                                        ▲
 *                          mark { ref, behind = m900000 }
 *
 * A mark is a hint, and the last COP__MARKS of an actor are kept. Without one (the mailbox was short, there was no
 * memory, other references have overwritten it, code in between has thrown the receive away) the whole mailbox is
 * looked at, as always.
 *
 * Invariant: no message up to `behind` was in the mailbox later than the reference was made, and `behind` is in the mailbox;
 * or it is NULL, and there is no mark. A message that leaves the mailbox hands its marks to the one before it. It knows
 * by its flag COP__SIGNAL_MARKED that it may have some, so that the others pay nothing. Whoever puts a message anywhere
 * but at the end forgets all marks first.
 *
 * All of it is the owner's.
 */
#ifndef ACTORS_MARK_H
#define ACTORS_MARK_H

#include <coppice/id.h>

#include "base/limits.h"

struct cop__actor;
struct cop__signal;

struct cop__mark {
        cop_ref ref;
        struct cop__signal *behind; /* NULL: no mark */
};

/* The actor has just made a reference, which nobody else knows yet. May take in signals: see cop__must_leave. */
void cop__mark(struct cop__actor *actor, cop_ref ref);

/* The message behind which a receive for the reference may begin; NULL: at the first. */
struct cop__signal *cop__mark_find(const struct cop__actor *actor, cop_ref ref);

/* A message leaves the mailbox; `before` is the one before it, or NULL. */
void cop__marks_move(struct cop__actor *actor, struct cop__signal *signal,
                     struct cop__signal *before);

/* A message has been put in anywhere but at the end. */
void cop__marks_forget(struct cop__actor *actor);

#endif
