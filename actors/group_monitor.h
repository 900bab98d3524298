/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Subscriptions: who is told of the comings and goings in a scope, or in one group of it.
 *
 * A subscription begins with a snapshot that is taken under the partition's lock, as all changes are, and events are handed
 * over under it: so snapshot and events fit together, and nothing is missing or told twice. An event for which there is no
 * memory ends the subscription instead, with a message that was made with it: the subscriber never believes in a list that is
 * wrong.
 *
 * One of a single group is found by the hash of that: however many groups are watched, a change concerns those of its own alone.
 */
#ifndef ACTORS_GROUP_MONITOR_H
#define ACTORS_GROUP_MONITOR_H

#include "actors/book.h"

struct cop__subscription {
        struct cop__holding holding; /* of the subscriber; its shard's lock */
        struct cop__list list;       /* of the partition; its lock */
        struct cop__list overseer;   /* the same, if it is of all groups */
        struct cop__table_node watcher; /* the same, if it is of one; key: the group's hash */
        struct cop__signal *lost;    /* the same; NULL: it has been sent, nothing more comes */
        cop_pid pid;                 /* constant from here on */
        cop_ref ref;
        bool all;                    /* of the scope, not of one group */
        struct cop__keying group;
};

/* Under the partition's lock: the entry has come, or gone. */
void cop__subscribers_tell(struct cop__thread *thread, struct cop__partition *partition,
                           const struct cop__entry *entry, bool joined);

/* Under the shard's lock: it is over. If its scope is, the subscriber is told. */
void cop__subscription_end(struct cop__thread *thread, struct cop__holdings_shard *shard,
                           struct cop__holding *holding);

#endif
