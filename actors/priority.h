/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Priority messages: those that overtake in the mailbox, if its owner consents.
 *
 *      mailbox.first ─► P1 ─► P2 ─► a ─► b ─► c ◄─ mailbox.last         P3 goes behind P2: `overtaker`
 *
 * On its way such a signal is one like the others and keeps its place in the queue. Its sender sets `urgent`, as for exit
 * signals, and the owner looks there before each message that it takes: then it takes in all
 * that has arrived, and what bears COP__SIGNAL_PRIORITY goes in front of the ordinary ones. So what was sent before a receive
 * began is seen by that receive, and actors that never consent pay nothing.
 *
 * Who takes a message out of the mailbox says so, if it bears the flag (cop__left_mailbox in take.h). A search that was under way
 * begins anew after one has overtaken it (`overtaken`).
 */
#ifndef ACTORS_PRIORITY_H
#define ACTORS_PRIORITY_H

#include "actors/actor.h"

/* What the owner needs when a message overtakes: such messages come through an alias of its making. False: no memory. */
bool cop__consent(struct cop__actor *actor);

/* A message that has been taken out of the queue goes in front of the ordinary ones. The owner has consented. */
void cop__overtake(struct cop__actor *actor, struct cop__signal *signal);

/* Where a message goes that has been let in: true, to the end of the mailbox; else it has overtaken. */
COP__INLINE bool cop__to_mailbox(struct cop__actor *actor, struct cop__signal *signal)
{
        if (COP__LIKELY(!(signal->flags & COP__SIGNAL_PRIORITY)))
                return true;
        cop__overtake(actor, signal);
        return false;
}

/* A message leaves the mailbox; `before` is the one in front of it, or NULL. */
void cop__overtaker_left(struct cop__actor *actor, struct cop__signal *before,
                                struct cop__signal *signal);

#endif
