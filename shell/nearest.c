/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The name with the fewest edits. See nearest.h. */
#include "shell/nearest.h"

#include <string.h>

void cop__nearest_init(struct cop__nearest *nearest, const char *typed, size_t size)
{
        nearest->typed = typed;
        nearest->size = size;
        nearest->name[0] = '\0';
        nearest->edits = size / 3 + 2; /* as many, or more, would be another word */
}

/*
 * Letters added, dropped, changed, or swapped with their neighbour, which is what fingers do. Three
 * rows of the usual table: the one being filled, the one above, and the one above that for the
 * swaps.
 */
static size_t edits(const char *left, size_t left_size, const char *right, size_t right_size)
{
        size_t rows[3][sizeof(((struct cop__nearest *)0)->name) + 1];
        size_t *two_above = rows[0], *above = rows[1], *row = rows[2];
        for (size_t j = 0; j <= right_size; j++)
                above[j] = j;
        for (size_t i = 1; i <= left_size; i++) {
                row[0] = i;
                for (size_t j = 1; j <= right_size; j++) {
                        size_t best = above[j - 1] + (left[i - 1] != right[j - 1]);
                        if (above[j] + 1 < best)
                                best = above[j] + 1;
                        if (row[j - 1] + 1 < best)
                                best = row[j - 1] + 1;
                        if (i > 1 && j > 1 && left[i - 1] == right[j - 2] &&
                            left[i - 2] == right[j - 1] && two_above[j - 2] + 1 < best)
                                best = two_above[j - 2] + 1;
                        row[j] = best;
                }
                size_t *free_row = two_above;
                two_above = above;
                above = row;
                row = free_row;
        }
        return above[right_size];
}

void cop__nearest_try(struct cop__nearest *nearest, const char *name)
{
        size_t size = strlen(name);
        if (size >= sizeof(nearest->name) || nearest->size >= sizeof(nearest->name))
                return;
        size_t distance = edits(nearest->typed, nearest->size, name, size);
        if (distance >= nearest->edits || distance >= size)
                return;
        nearest->edits = distance;
        memcpy(nearest->name, name, size + 1);
}
