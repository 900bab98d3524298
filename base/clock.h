/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The clock: the machine's monotonic one, or, on a thread that drives a simulated node, a number that the
 * simulation moves. Whoever asks what time it is asks here, so that all of a node lives in one time.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define COP__NS_PER_US UINT64_C(1000)
#define COP__NS_PER_MS UINT64_C(1000000)
#define COP__NS_PER_S UINT64_C(1000000000)

/* Nanoseconds since the machine started; never goes back, does not count a suspension. */
uint64_t cop__clock_ns(void);

/* For the calling thread it is *now_ns from here on, which is borrowed; NULL: the machine's time again. */
void cop__clock_simulate(const uint64_t *now_ns);

/* What was said last for the calling thread. */
const uint64_t *cop__clock_simulated(void);

#endif
