/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The actors of a node at one moment, copied: what i and tree show.
 */
#ifndef SHELL_GLIMPSES_H
#define SHELL_GLIMPSES_H

#include "actors/info.h"
#include "base/text.h"

/* The most rows that one may ask for: about 30 MB. */
#define COP__GLIMPSES_MAX 200000

/* Bytes of an actor's label, with the NUL: any name whose characters need no escaping, quoted. */
#define COP__LABEL_MAX 128

struct cop__glimpses {
        struct cop__glimpse *each; /* the first `most` of them, by slot */
        size_t count, room, most;
        uint64_t seen;             /* all of them */
        uint64_t unread;           /* messages of all of them */
        bool failed;               /* no memory */
};

/* Errors: COP_E_NO_MEMORY. Ended with cop__glimpses_fini if it was COP_OK. */
cop_status cop__glimpses_init(struct cop__glimpses *glimpses, cop_node *node, uint64_t most);
void cop__glimpses_fini(struct cop__glimpses *glimpses);

/* "and 12 more: i 512 shows them all", if there are. */
void cop__glimpses_append_rest(const struct cop__glimpses *glimpses, const char *command,
                               struct cop__text *text);

/* Its name, else in parentheses what it is. Returns `label`. */
const char *cop__glimpse_label(const struct cop__glimpse *glimpse, char label[COP__LABEL_MAX]);

#endif
