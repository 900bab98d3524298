/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Which of some names was probably meant by one that was mistyped.
 */
#ifndef SHELL_NEAREST_H
#define SHELL_NEAREST_H

#include <stdbool.h>
#include <stddef.h>

struct cop__nearest {
        const char *typed;
        size_t size;
        char name[64];  /* the best so far; empty: none is near enough */
        size_t edits;   /* that make the one of the other */
};

void cop__nearest_init(struct cop__nearest *nearest, const char *typed, size_t size);
void cop__nearest_try(struct cop__nearest *nearest, const char *name);

#endif
