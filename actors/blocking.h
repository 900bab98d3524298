/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* What the node's pool for functions that block is started with; see blocking.c. */
#ifndef ACTORS_BLOCKING_H
#define ACTORS_BLOCKING_H

#include "scheduler/blocking_pool.h"

extern const struct cop__blocking_hooks cop__blocking_hooks;

#endif
