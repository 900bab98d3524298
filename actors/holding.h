/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What actors hold in books (book.h), found by the actor, so that all of it can be taken out when it dies.
 *
 *      node ── shards by pid: lock, table ── owner ── holding ── holding ...      (an owner is there while it has holdings)
 *
 * A holding and its actor's death. As with names (registry.h): who adds one sets COP__HOLDS in the actor and then looks
 * whether the pid still lives; who dies moves its pid on and then looks at the mark. Both are sequentially consistent, so
 * either the adding fails, or the dying actor finds the holding behind the shard's lock. It takes all of them out before it
 * tells anyone of its death, but in slices, between which others run: so for some turns the dead may be found under a key. Who
 * finds a key taken by one of them takes it out himself.
 *
 * Lock order: a shard's, then a partition's (book.h), then that of the names, then those that scheduling a task takes. Nobody
 * holds two shards.
 */
#ifndef ACTORS_HOLDING_H
#define ACTORS_HOLDING_H

#include <coppice/id.h>

#include "base/list.h"
#include "base/lock.h"
#include "base/table.h"

struct cop__actor;
struct cop__book;
struct cop__here;
struct cop__thread;

enum cop__holding_type { COP__ENTRY, COP__SUBSCRIPTION };

/* One thing that an actor holds, in the struct that it is. Under the shard's lock. */
struct cop__holding {
        struct cop__list list;
        struct cop__owner *owner; /* NULL: it is not held (any more) */
        struct cop__book *book;
        uint32_t type;
};

struct cop__owner {
        struct cop__table_node node; /* key: the pid */
        struct cop__list holdings;
        uint64_t count;
};

/* All zero is valid and empty. */
struct cop__holdings_shard {
        struct cop__lock lock;
        struct cop__table owners;
} COP__LINE_ALIGNED;

#define COP__HOLDINGS_SHARDS 64

struct cop__holdings {
        struct cop__holdings_shard shards[COP__HOLDINGS_SHARDS];
};

/* When the node ends: nobody owns anything any more. */
void cop__holdings_fini(struct cop__holdings *holdings);

struct cop__holdings_shard *cop__holdings_lock(struct cop__here *here, cop_pid pid);
void cop__holdings_unlock(struct cop__holdings_shard *shard);

/* All the rest under the shard's lock. */

/* The owner of that pid, or NULL. */
struct cop__owner *cop__owner_find(struct cop__holdings_shard *shard, cop_pid pid);

/* Does the actor live, so that it may be given a holding before the lock is given back? */
bool cop__owner_lives(struct cop__here *here, cop_pid pid);

/* *spare, which is malloc'ed, becomes the owner if there is none yet, and then *spare is NULL. */
void cop__holding_add(struct cop__holdings_shard *shard, struct cop__holding *holding, cop_pid pid,
                      struct cop__owner **spare);
void cop__holding_remove(struct cop__holdings_shard *shard, struct cop__holding *holding);

/* The second takes the place of the first, which is held no more. */
void cop__holding_replace(struct cop__holding *old, struct cop__holding *fresh);

/* ---- Death ---------------------------------------------------------------------------- */

/* The actor, whose pid was this and has moved on, is dead: takes out a batch of what it holds, then of what is in the book that it
 * keeps, which ends. False: there was nothing left of either. */
bool cop__holdings_end(struct cop__thread *thread, struct cop__actor *actor, cop_pid pid);

/* Takes the lock itself: a batch of what the pid holds, in that book alone unless it is NULL. How many that were. */
unsigned cop__holdings_take_out(struct cop__thread *thread, cop_pid pid, const struct cop__book *book);

#endif
