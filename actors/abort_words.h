/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What the C library said before it aborted: "shop: till.c:15: on_bill: Assertion `people > 0' failed."
 *
 * glibc keeps that line where debuggers find it, for the whole process and not for a thread: what lies there may belong to
 * another thread that aborts at this moment, or be left from an abort that was contained before. So it is copied with
 * care, and believed only when it names the function that has called the assertion which failed; of two threads that fail in
 * different functions in the same microsecond, one may remain without its condition. Other C libraries keep nothing.
 */
#ifndef ACTORS_ABORT_WORDS_H
#define ACTORS_ABORT_WORDS_H

#include <stdbool.h>
#include <stddef.h>

struct cop__fault;

/* Where the line will be found; NULL: this C library keeps none. */
const void *cop__abort_words_find(void);

/* Copies what is there now; "" when there is nothing. In a handler: what another thread unmaps meanwhile is no fault. */
void cop__abort_words_copy(const void *where, char *text, size_t size);

/*
 * If the fault is an assertion that failed in `function`: "assertion failed: people > 0", and true. Not in a handler.
 */
bool cop__abort_words_of(const struct cop__fault *fault, const char *function, char *text,
                         size_t size);

#endif
