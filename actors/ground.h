/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Which code may be interrupted, and gone on with later.
 *
 * That is more than being left for good (code_map.h): other actors run on the thread meanwhile, and would wait for ever for a
 * lock that the interrupted code holds. So it is allowed by name only:
 *
 *      the program itself           open, less Coppice's own functions if it is linked statically, and less an
 *                                   allocator of its own
 *      libm                         open: it touches nothing but its arguments
 *      functions of the C library   harmless, if they touch nothing but their arguments, as memcpy and qsort do
 *      the program's jumps into     nobody's: where Coppice is linked statically its own functions go through them as well
 *      libraries (.plt)
 *      a sanitizer's library        closed: parts of its allocator have no names, and who jumps into them leaves no frame
 *      every other library          closed: it may hold a lock of its own
 *      a static program             closed as a whole: there the C library cannot be told apart well enough
 *
 * What is loaded later is closed, too. Made once, before the handler is installed, and only read after that.
 */
#ifndef ACTORS_GROUND_H
#define ACTORS_GROUND_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/code_map.h"

enum cop__ground {
        COP__GROUND_OPEN = 0,
        COP__GROUND_HARMLESS,
        COP__GROUND_UNNAMED, /* inside a library: as its caller is, if that is harmless */
        COP__GROUND_JUMP,    /* the linker's way into a library: as its caller is */
        COP__GROUND_OWN,     /* Coppice's */
        COP__GROUND_CLOSED,
};

struct cop__grounds;

/* NULL: no memory. `map` is borrowed until it is freed. */
struct cop__grounds *cop__grounds_new(const struct cop__code_map *map);
void cop__grounds_free(struct cop__grounds *grounds);

/* Fit for a handler. */
enum cop__ground cop__ground_of(const struct cop__grounds *grounds, uintptr_t pc);

/*
 * Is it a function of the C library that does nothing but wait in one system call, as read, poll and sleep do? Who is left in
 * the middle of such a call leaves nothing behind. Closed all the same: who goes on there later finds that the call has ended.
 */
bool cop__ground_waits(const struct cop__grounds *grounds, uintptr_t pc);

#endif
