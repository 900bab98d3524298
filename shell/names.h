/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * All names of a node at one moment, sorted: what regs lists, completion offers and an error
 * suggests.
 */
#ifndef SHELL_NAMES_H
#define SHELL_NAMES_H

#include <coppice/actor.h>

/* Names beyond this many are left out: nobody reads them, and the registry is locked meanwhile. */
#define COP__NAMES_MAX 100000

struct cop__name {
        char name[COP_NAME_MAX + 1];
        cop_pid pid;
};

struct cop__names {
        struct cop__name *each; /* count of them, by name */
        size_t count;
        size_t room;
        size_t seen; /* all that there are */
};

/* No more than `most`. Errors: COP_E_NO_MEMORY, and there are none. Ended with cop__names_fini either way. */
cop_status cop__names_init(struct cop__names *names, cop_node *node, size_t most);
void cop__names_fini(struct cop__names *names);

#endif
