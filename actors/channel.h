/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* What select.c does with a channel beside putting and taking: it waits at several at once. */
#ifndef ACTORS_CHANNEL_H
#define ACTORS_CHANNEL_H

#include "actors/line.h"

/* To take: the answer is the item, returnable. */
typedef struct {
        uint64_t both; /* not 0: of a select that would also put something here */
} cop__channel_take;
COP__KIND_DECLARE(cop__channel_take);

/* To put something: the answer is cop__channel_granted, returnable; the next put of the same actor has its place. */
typedef struct {
        uint64_t both; /* not 0: of a select that would also take something here */
} cop__channel_offer;
COP__KIND_DECLARE(cop__channel_offer);

typedef struct {
} cop__channel_granted;
COP__KIND_DECLARE(cop__channel_granted);

/* Before a put or an offer. COP_E_OVERLOAD: the node is over its mark. */
cop_status cop__channel_lets_in(void);

/* As cop_put_value and cop_take_message, but with a patience of one's own. */
cop_status cop__channel_put(struct cop__actor *actor, cop_pid pid, const struct cop__patience *patience,
                            const cop_kind *kind, const void *value, const void *where);
cop_status cop__channel_fetch(struct cop__actor *actor, cop_pid pid, const struct cop__patience *patience,
                              const void *where, cop_message **item);

/*
 * The item in a reply goes into the calling actor's hands, and the channel is told. Without memory for that the item goes
 * back: COP_E_NO_MEMORY.
 */
cop_status cop__channel_receive(struct cop__actor *actor, struct cop__signal *reply, cop_message **item);

#endif
