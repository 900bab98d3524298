/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The ledger of what an actor owns for its user: include/coppice/own.h, on top of belonging.h. */
#ifndef ACTORS_OWN_H
#define ACTORS_OWN_H

#include <stddef.h>

struct cop__actor;

/* "descriptor 7, database", the last one first; "" for nothing. By the owner, or who buries it. */
void cop__own_print(const struct cop__actor *actor, char *text, size_t size);

#endif
