/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Memory of the heap, as the layers of a node ask for it: malloc's, but that on a thread which
 * drives a simulated node it is refused when the simulation says so. What is asked for here is
 * given back with free().
 *
 * What belongs to the process and not to a node (the map of its code, what is made once for all
 * nodes) is asked for from malloc itself: two runs of one seed in one process would otherwise not
 * ask the same.
 */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* As those of the standard library; NULL too when it is refused, and then what was to grow is as it was. */
void *cop__malloc(size_t size) __attribute__((malloc, alloc_size(1)));
void *cop__calloc(size_t count, size_t size) __attribute__((malloc, alloc_size(1, 2)));
void *cop__realloc(void *block, size_t size) __attribute__((alloc_size(2)));
void *cop__aligned_alloc(size_t alignment, size_t size) __attribute__((malloc, alloc_size(2)));

/* Is one more request of this thread refused? For who hands out memory that it kept. */
bool cop__memory_refuses(void);

/*
 * From now on each request of the calling thread asks `refuses` first, and true is out of memory;
 * NULL: no more. `context` is borrowed until then.
 */
void cop__memory_simulate(bool (*refuses)(void *context), void *context);

#endif
