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

#include "base/atomic.h"
#include "base/compiler.h"

/* Allocations until the first that fails; 0 when none is to. All of these are atomic: any thread asks for memory. */
static int64_t malloc_countdown;
static uint32_t malloc_failures; /* how many there have been */
static uint32_t malloc_fails_for; /* how many there are to be; 0: all from the n-th on */

/* The n-th fails and the ones behind it, so many in all; 0: all. */
static inline void fail_malloc_for(int64_t allocations, uint32_t failures)
{
        cop__store_seq(&malloc_countdown, 0);
        cop__store_relaxed(&malloc_failures, 0);
        cop__store_relaxed(&malloc_fails_for, failures);
        cop__store_seq(&malloc_countdown, allocations);
}

/* Of a thread that watches what others do without, and is to go on. */
static _Thread_local bool malloc_spares_me;

/* Requests of this thread until one that fails, whatever others ask for; 0: none is to. */
static _Thread_local uint32_t malloc_fails_here;

/* The next request of this thread fails. As what is done at a cue: cue_act("a.point", fail_malloc_here, NULL). */
static inline void fail_malloc_here(void *unused)
{
        (void)unused;
        malloc_fails_here = 1;
}

static inline void fail_malloc_after(int64_t allocations)
{
        fail_malloc_for(allocations, 0);
}

/* Returns whether an allocation has failed since fail_malloc_after. */
static inline bool stop_failing_malloc(void)
{
        cop__store_seq(&malloc_countdown, 0);
        return cop__load_relaxed(&malloc_failures) > 0;
}

static inline bool failing_malloc_can(void)
{
        const char *preload = getenv("LD_PRELOAD"); /* valgrind shows itself by what it preloads */
        return !COP__ASAN && !COP__TSAN && (preload == NULL || strstr(preload, "vgpreload") == NULL);
}

/* One more request. */
static inline bool malloc_must_fail(void)
{
        if (COP__UNLIKELY(malloc_fails_here > 0) && --malloc_fails_here == 0) {
                errno = ENOMEM;
                return true;
        }
        int64_t left = cop__load_relaxed(&malloc_countdown);
        do {
                if (left == 0 || malloc_spares_me)
                        return false;
        } while (left > 1 && !cop__cas_seq(&malloc_countdown, &left, left - 1));
        if (left > 1)
                return false;
        uint32_t before = cop__add_relaxed(&malloc_failures, 1), most = cop__load_relaxed(&malloc_fails_for);
        if (most > 0 && before + 1 >= most)
                cop__store_seq(&malloc_countdown, 0);
        if (most > 0 && before >= most) /* two have come at once */
                return false;
        errno = ENOMEM; /* the C library itself relies on that */
        return true;
}

#if !COP__ASAN && !COP__TSAN

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);


void *malloc(size_t size)
{
        return malloc_must_fail() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
        return malloc_must_fail() ? NULL : __libc_calloc(count, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
        return malloc_must_fail() ? NULL : __libc_memalign(alignment, size);
}

void *realloc(void *block, size_t size)
{
        return malloc_must_fail() ? NULL : __libc_realloc(block, size);
}

#endif

#endif
