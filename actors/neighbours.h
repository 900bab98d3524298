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

/* Bytes of what a neighbour is called. */
#define COP__NEIGHBOUR_NAME (COP_NAME_MAX + 3)

/* Its name, "shop", else what its server is called, "(till)", else "". False: it has ended. Threads: any that is inside. */
bool cop__neighbour_name(struct cop_node *node, cop_pid pid, char name[COP__NEIGHBOUR_NAME]);

/* "shop <0.3.0>", "(till) <0.4.0> (ended)", "<1.5.0> (on another node)". */
void cop__neighbour_print(struct cop__text *text, cop_pid pid, const char *name, bool alive);

/* Both in one. False: it has ended. */
bool cop__neighbour_append(struct cop__text *text, struct cop_node *node, cop_pid pid);

/* The parent of one that was alive a moment ago; nobody if it ends under our eyes. */
cop_pid cop__neighbour_parent(struct cop_node *node, cop_pid pid);

/* Bytes of the name of what an actor runs. */
#define COP__RUNS_MAX 96

/* The name of its server, or of the function that it is; may be "". By the owner. */
void cop__what_runs(const struct cop__actor *actor, char text[COP__RUNS_MAX]);

#endif
