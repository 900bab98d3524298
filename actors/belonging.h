/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Belongings: what an actor owns that is more than memory, and that ends with the actor even if it is killed and runs no
 * line of its own any more: a share of a buffer, a row of the census, a table.
 *
 *      actor ── rare ── belongings ◄──► a ◄──► b ◄──► c         each with the function that ends it
 *
 * Only the owner touches the list. At its death the list is ended last to first, by whoever buries the actor, when the
 * actor's state is gone, and before anybody hears of the death: who is started in its place can have what it had. An end
 * may touch only what hangs on the belonging itself, and must not send, wait or log.
 */
#ifndef ACTORS_BELONGING_H
#define ACTORS_BELONGING_H

#include <stdbool.h>

#include <coppice/term.h>

#include "base/list.h"

struct cop__actor;

struct cop__belonging {
        struct cop__list list;
        void (*end)(struct cop__belonging *belonging); /* frees it with all that hangs on it */
};

/* From now on it ends with the actor. False: no memory to note the first one; it is the caller's as before. */
bool cop__own(struct cop__actor *actor, struct cop__belonging *belonging);

/* Ends it now. */
void cop__belonging_end(struct cop__belonging *belonging);

/* A term of the heap that a function of ours needs while it waits, sends or spawns: there its actor may end. */
struct cop__kept {
        struct cop__belonging belonging;
        cop_term term;
};

/* The term is taken; NULL: there was no memory, and it is freed. */
struct cop__kept *cop__keep_term(struct cop__actor *actor, cop_term term);
/* NULL is none, and nil. */
void cop__kept_free(struct cop__kept *kept);

static inline cop_term cop__kept_term(const struct cop__kept *kept)
{
        return kept != NULL ? kept->term : cop_nil();
}

#endif
