/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What comes from an outpost's process, and what the outpost does about it; see outpost.h. All of
 * it is the outpost's.
 */
#ifndef ACTORS_OUTPOST_HEAR_H
#define ACTORS_OUTPOST_HEAR_H

#include <coppice/server.h>

#include "actors/outpost.h"

/* A request that waits for its answer in the process. */
struct cop__held {
        struct cop__table_node node; /* key: the reference */
        cop_message *request;
};

/* What an outpost runs, whatever runs in its process (outpost.c). */
extern const cop_behaviour cop__outpost_server;

/* Between the end of the process's init and that of the outpost's own: nothing that comes is heard. */
static inline bool cop__crossing_is_paused(const struct cop__crossing *crossing)
{
        return crossing->started && !crossing->begun;
}

/* Looks at socket and process, and acts on what is there. It may end the actor. */
void cop__outpost_hear(struct cop__actor *self, struct cop__crossing *crossing);

/* Writes what the socket takes (outpost.c). */
void cop__crossing_flush(struct cop__crossing *crossing, cop_pid self);

/* That of an outpost; NULL: it has none yet (outpost.c). */
struct cop__crossing *cop__crossing_of(const struct cop__actor *actor);

/* The request that it holds under that reference; NULL. */
struct cop__held *cop__held_of(const struct cop__crossing *crossing, cop_ref ref);

/* Frees the obituary. */
void cop__crossing_bury(struct cop__crossing *crossing);

/* What was read last, if there is something, is freed. */
void cop__crossing_done(struct cop__crossing *crossing);

#endif
