/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * An audience: a few actors that are told of something that happens in the node, by whoever sees it happen.
 *
 * They are few, since each event is told to all of them by one thread. Who is to be told is copied first: nobody is told
 * under the lock. The dead are forgotten whenever the list is looked at.
 *
 * Who may touch what: all of it whoever holds the lock, which is a leaf; `count` may be read without it, as a hint that
 * nobody listens.
 */
#ifndef ACTORS_AUDIENCE_H
#define ACTORS_AUDIENCE_H

#include <coppice/id.h>
#include <coppice/status.h>

#include "base/limits.h"
#include "base/lock.h"

struct cop_node;
struct cop__thread;

struct cop__audience {
        struct cop__lock lock;
        uint32_t count; /* atomic for others */
        cop_pid pids[COP__AUDIENCE_MAX];
};

void cop__audience_init(struct cop__audience *audience);

/*
 * From now on that actor, which lives, is told. *is_new: it was not before. Errors, and then *is_new is false: COP_E_LIMIT, with as
 * many living ones as there may be.
 */
cop_status cop__audience_add(struct cop_node *node, struct cop__audience *audience, cop_pid pid,
                                bool *is_new);
void cop__audience_remove(struct cop__audience *audience, cop_pid pid);

/* Who is to be told now, and how many. */
uint32_t cop__audience_copy(struct cop_node *node, struct cop__audience *audience,
                               cop_pid pids[COP__AUDIENCE_MAX]);

#endif
