/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Who is around an actor: how it was started, by whom, and who is linked to it, for its crash report.
 *
 * Nobody keeps a list of ancestors: each actor knows its parent, and the chain is followed while it lives. Of a parent that
 * has ended only the pid is known, and there the chain ends.
 */
#ifndef ACTORS_NEIGHBOURS_H
#define ACTORS_NEIGHBOURS_H

#include "actors/actor.h"
#include "base/text.h"

/* Ancestors and linked actors that are named; more are counted. */
#define COP__NEIGHBOURS_SHOWN 5

/* "shop <0.3.0>", "(till) <0.4.0> (ended)". False: it has ended. Threads: any that is inside. */
bool cop__neighbour_append(struct cop__text *text, struct cop_node *node, cop_pid pid);

/* Bytes of the name of what an actor runs. */
#define COP__RUNS_MAX 96

/* The name of its server, or of the function that it is; may be "". By the owner. */
void cop__what_runs(const struct cop__actor *actor, char text[COP__RUNS_MAX]);

/* By the owner, before its relations end. */
void cop__neighbours_print(struct cop_node *node, struct cop__actor *actor,
                           struct cop__report *report);

/* "shop <0.3.0>, <0.1.0> (ended)", and so on up to `shown`. */
void cop__ancestors_print(struct cop_node *node, const struct cop__actor *actor, char *text,
                          size_t size);

#endif
