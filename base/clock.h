/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The machine's monotonic clock. A node asks its own clock, which in a simulation is
 * a number that the schedule moves; only that clock and the benchmarks ask here.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define COP__NS_PER_US UINT64_C(1000)
#define COP__NS_PER_MS UINT64_C(1000000)
#define COP__NS_PER_S UINT64_C(1000000000)

/* Nanoseconds since the machine started; never goes back, does not count a suspension. */
uint64_t cop__clock_ns(void);

#endif
