/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* What select.c does with a future beside awaiting it. */
#ifndef ACTORS_FUTURE_H
#define ACTORS_FUTURE_H

#include "actors/line.h"

/* The answer is the result, or a cop__future_failed. */
typedef struct {
} cop__future_await;
COP__KIND_DECLARE(cop__future_await);

/* A result in a reply goes into the calling actor's hands; a failure becomes a status and cop_failure(). */
cop_status cop__future_receive(struct cop__actor *actor, struct cop__signal *reply,
                               cop_message **result);

/* As cop_await_message, but with a patience of one's own. */
cop_status cop__future_fetch(struct cop__actor *actor, cop_pid pid, const struct cop__patience *patience,
                             const void *where, cop_message **result);

#endif
