/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Scopes of groups over nodes, by the messages of Erlang's pg: so a scope here and one of Erlang's of the same name share groups.
 *
 *      this scope                                     that scope
 *      {discover, Self} to its name there    ──►      {sync, Self, [{Group, [Pid]}]}; and {discover, Self}, if it is new
 *      {join, Self, Group, Pids}             ──►      what happens after that, in order
 *      {leave, Self, Pids, [Group]}          ──►
 *
 * Whoever finds no memory for what it has to tell syncs later; for what it has heard, it discovers the other one again. If there is none for
 * the alarm either by which it would look again, or for whom it has heard of, the connection wakes it (news.h).
 *
 * A scope hears these as the actor that keeps its book (actors/keeper.c). It subscribes to itself once for each other scope: a
 * snapshot for the sync, then the events, with nothing missing or told twice in between. Members of others are entered in the
 * book like its own, with pids of their nodes; each scope tells of its own members only. It monitors each other scope, and when
 * that or its node is down, all that is of that node goes out.
 */
#ifndef DISTRIBUTION_SCOPE_H
#define DISTRIBUTION_SCOPE_H

#include "distribution/network.h"

struct cop__peer;

/*
 * The node is up: the scopes of this one make themselves known. `again`: and look for what they have missed. False: there was no memory for
 * some of it.
 */
bool cop__scopes_greet(struct cop__network *network, struct cop__peer *peer, bool again);

/* By the actor that keeps the book. */
void cop__scope_begins(struct cop__network *network);
void cop__scope_hears(struct cop__network *network, cop_message *message);

#endif
