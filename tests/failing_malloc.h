/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Memory that runs out on cue: the n-th allocation from now on fails, and the ones after
 * it. Included by a test program's only source, it takes malloc's place in the program.
 *
 *      for (long n = 1; failing_malloc_can(); n++) {
 *              fail_malloc_after(n);
 *              cop_status status = cop_term_copy(term, &copy);
 *              if (!stop_failing_malloc())     no allocation failed: all cases seen
 *                      break;
 *              ck_assert_int_eq(status, COP_E_NO_MEMORY);
 *      }
 *
 * Sanitizers and valgrind have a malloc of their own, which this leaves alone: nothing fails there.
 */
#ifndef TESTS_FAILING_MALLOC_H
#define TESTS_FAILING_MALLOC_H

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"

/* Allocations until one fails; 0 when none is to. */
static long malloc_countdown;
static bool malloc_has_failed;
static bool malloc_fails_once; /* set behind fail_malloc_after: the ones after the n-th have memory */

static inline void fail_malloc_after(long allocations)
{
        malloc_has_failed = malloc_fails_once = false;
        malloc_countdown = allocations;
}

/* Returns whether an allocation has failed since fail_malloc_after. */
static inline bool stop_failing_malloc(void)
{
        malloc_countdown = 0;
        return malloc_has_failed;
}

static inline bool failing_malloc_can(void)
{
        const char *preload = getenv("LD_PRELOAD"); /* valgrind shows itself by what it preloads */
        return !COP__ASAN && !COP__TSAN && (preload == NULL || strstr(preload, "vgpreload") == NULL);
}

#if !COP__ASAN && !COP__TSAN

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);

static bool malloc_must_fail(void)
{
        if (malloc_countdown == 0)
                return false;
        if (malloc_countdown > 1) {
                malloc_countdown--;
                return false;
        }
        malloc_has_failed = true;
        if (malloc_fails_once)
                malloc_countdown = 0;
        errno = ENOMEM; /* the C library itself relies on that */
        return true;
}

void *malloc(size_t size)
{
        return malloc_must_fail() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
        return malloc_must_fail() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *block, size_t size)
{
        return malloc_must_fail() ? NULL : __libc_realloc(block, size);
}

#endif

#endif
