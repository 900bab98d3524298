/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Where in the source a code address of a dump lies. The dump says which files were mapped where; a file is opened when the first address in
 * it is asked for, and believed if it is the very build that ran.
 */
#ifndef SHELL_CLIENT_DUMP_PLACES_H
#define SHELL_CLIENT_DUMP_PLACES_H

#include <coppice/term.h>

#include "actors/backtrace.h"

/* More than a node writes. */
#define DUMP_MODULES_MAX 1024u

struct dump_module;

struct dump_places {
        struct cop__symbols *symbols; /* NULL: no lines are wanted, or there is no memory */
        struct dump_module *modules;
        size_t count, room;
        bool lacks_memory;    /* for one of them, whose lines are missing */
        bool has_other_build; /* there was one whose lines would have misled, or that could not be read */
};

void dump_places_init(struct dump_places *places, bool wants_lines);
void dump_places_fini(struct dump_places *places);

/* A record "module". What does not fit, or has no path or no build id, is passed over. */
void dump_places_add(struct dump_places *places, const cop_term *record);

/* False: it is not known; *place is then undefined. */
bool dump_places_find(struct dump_places *places, uint64_t pc, bool return_address,
                      struct cop__place *place);

#endif
