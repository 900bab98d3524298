/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The machine's clock: CLOCK_MONOTONIC, which costs no system call (vDSO). */
#include "base/clock.h"

#include <time.h>

uint64_t cop__clock_ns(void)
{
        /* Cannot fail: the clock exists since Linux 2.6 and the pointer is good. */
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * COP__NS_PER_S + (uint64_t)now.tv_nsec;
}
