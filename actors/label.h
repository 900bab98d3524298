/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Labels: what an actor says it is, for people who look.
 *
 * Few actors have one, so they lie apart, in a table by pid. An actor's `labelled` tells those who look whether it is worth
 * their while to take the lock, and the dying actor whether there is anything to take out.
 *
 * Who may touch what: the table, everybody under the lock; `labelled`, the spawner before START, then the actor; others
 * read it as advice. Lock order: the lock is a leaf.
 */
#ifndef ACTORS_LABEL_H
#define ACTORS_LABEL_H

#include <coppice/actor.h>

#include "base/lock.h"
#include "base/table.h"

struct cop_node;
struct cop__actor;
struct cop__label;

struct cop__labels {
        struct cop__lock lock;
        struct cop__table table; /* struct cop__label, by pid; under the lock */
};

void cop__labels_init(struct cop__labels *labels);
void cop__labels_fini(struct cop__labels *labels);

/* A label that nobody bears yet, cut to COP_LABEL_MAX bytes of whole characters, with '?' for those that a terminal would act
 * upon; NULL: no memory. Ended with free(). */
struct cop__label *cop__label_new(const char *text);

/* Gives it to an actor, in place of the one that it had; NULL takes that away. Taken. */
void cop__label_put(struct cop_node *node, struct cop__actor *actor, cop_pid pid,
                    struct cop__label *label);

/* Copies the label of a pid that lives, or lived, in the slot of `actor`; false, and "": it has none. */
bool cop__label_of(struct cop_node *node, const struct cop__actor *actor, cop_pid pid,
                   char text[COP_LABEL_MAX + 1]);

#endif
