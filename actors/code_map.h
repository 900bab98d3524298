/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Which code may be left in the middle.
 *
 * When an actor faults, its frames are thrown away. That is harmless in the actor's own
 * code, and in strlen; it is not in malloc, whose lock would stay taken for ever. The map
 * says for each code address which of the two it is. It is made once, before handlers are
 * installed, and only read after that: a look-up is a binary search, fit for a handler.
 *
 *      shared C library, dynamic linker,      only functions known to be harmless may be
 *      an allocator or a sanitizer            left, every other one is unsafe
 *      any other shared object                may be left, except malloc and its like
 *      the library of another language        the same, but nobody's own code: a report names who called it
 *      libcoppice.so                          is the runtime
 *      a static program                       known unsafe names in its symbol table; a
 *                                             stripped one is unsafe as a whole
 *
 * A library that is loaded later is not in the map and counts as the program's own code.
 */
#ifndef ACTORS_CODE_MAP_H
#define ACTORS_CODE_MAP_H

#include <stdbool.h>
#include <stdint.h>

enum cop__code {
        COP__CODE_USER = 0, /* the program and its libraries */
        COP__CODE_LANGUAGE, /* as that, but not what its author means by his code: C++'s library */
        COP__CODE_HARMLESS, /* a library function that holds nothing: memcpy, qsort, abort */
        COP__CODE_UNNAMED,  /* a library's inner function: as harmless as its caller is */
        COP__CODE_UNSAFE,   /* may hold a lock, or memory half changed */
        COP__CODE_RUNTIME,  /* Coppice's shared library */
};

struct cop__code_map;

/* NULL: no memory. The caller owns it and ends it with cop__code_map_free. */
struct cop__code_map *cop__code_map_new(void);
void cop__code_map_free(struct cop__code_map *map);

/* The program is static and stripped (false without a map): all of it is unsafe, as nobody can tell its own functions from the C library's. */
bool cop__code_map_is_blind(const struct cop__code_map *map);

enum cop__code cop__code_map_find(const struct cop__code_map *map, uintptr_t pc);

#endif
