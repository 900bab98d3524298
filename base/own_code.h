/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Where the library's own code lies.
 *
 * A shared library is an object of its own, but a program that links the static one has our functions among its own, and
 * who interrupts a program anywhere must tell them apart. So each of our files is compiled with a note of where its code is
 * (own_code_mark.h); the linker puts the notes side by side.
 */
#ifndef BASE_OWN_CODE_H
#define BASE_OWN_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cop__code_range {
        uintptr_t low;
        uintptr_t high; /* the first address behind it */
};

/* How many ranges cop__own_code fills in at most. */
size_t cop__own_code_max(void);

/* Fills in the ranges of our own code, ascending, neighbours taken together; how many. `ranges` has room for the most. */
size_t cop__own_code(struct cop__code_range *ranges);

/* Is that of our own code? Cost: a look at each file's. */
bool cop__own_code_has(uintptr_t address);

#endif
