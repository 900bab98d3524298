/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* See own_wait.h. The writable global is the thread's own; a handler that interrupts it reads it. */
#include "base/own_wait.h"

#include <stdint.h>

#include "base/atomic.h"
#include "base/compiler.h"

static COP__THREAD_LOCAL uint32_t own_wait_depth;

void cop__own_wait_begin(void)
{
        cop__store_relaxed(&own_wait_depth, own_wait_depth + 1);
}

void cop__own_wait_end(void)
{
        cop__store_relaxed(&own_wait_depth, own_wait_depth - 1);
}

bool cop__own_wait_is_on(void)
{
        return cop__load_relaxed(&own_wait_depth) > 0;
}
