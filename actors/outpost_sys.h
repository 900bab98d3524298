/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What sys asks of an actor in a process of its own (sys.h): the outpost hands it on, and the actor
 * answers where and when any other would.
 *
 *      sys_ask.c            outpost                                          process
 *      ── SYS ───────────►  kept in crossing->looked ── PACKET_SYS ───────►  SYS, in its queue: sys.c
 *      ◄─ REPLY ──────────  judged ◄── PACKET_SYS_ANSWER ──────────────────  done
 *
 * So state, log, statistics and trace are the process', as are the places at which it may be looked
 * at; and a stop runs its terminate. An upgrade the outpost refuses.
 *
 * Suspended are both. The process handles nothing, so the outpost hands on no message, whose place
 * is in the mailbox with its limits. But it goes on with what the process must hear all the same:
 * answers to its own calls, and its parent's order to end; and it hears what comes from there.
 *
 * All of it is the outpost's.
 */
#ifndef ACTORS_OUTPOST_SYS_H
#define ACTORS_OUTPOST_SYS_H

#include "actors/outpost.h"
#include "actors/sys.h"

/* Is it for the process to do? */
bool cop__outpost_sys_passes(const struct cop__actor *actor, enum cop__sys_what what);

/* Hands on a request that is. Takes it. */
void cop__outpost_sys_ask(struct cop__actor *actor, struct cop__signal *request);

/* Does such a request wait for its answer under that reference? */
bool cop__outpost_sys_waits(const struct cop__crossing *crossing, cop_ref ref);

/* The process has answered. False: that is no answer to anything that it has been asked. */
bool cop__outpost_sys_hear(struct cop__actor *actor, struct cop__crossing *crossing, cop_ref ref,
                           const cop__sys_answer *answer);

/* It had no memory to answer. */
void cop__outpost_sys_fail(struct cop__actor *actor, struct cop__crossing *crossing, cop_ref ref);

/* The outpost ends: what is not answered is back where a dying actor answers it. */
void cop__outpost_sys_return(struct cop__actor *actor, struct cop__crossing *crossing);

/* Is it of what a suspended outpost goes on with? */
bool cop__outpost_goes_on_with(const struct cop__actor *actor, const struct cop__signal *message);

#endif
