/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The clock: the machine's monotonic one, or, on a thread that drives a simulated node, a number that the
 * simulation moves. Whoever asks what time it is asks here, so that all of a node lives in one time.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
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

/*
 * The time in so many nanoseconds, as a deadline: never earlier, and for a second and more up to cop__clock_slack_ns() later. That
 * is read off the kernel's last tick, at a tenth of what a look at the machine's counter costs. In a virtual machine that loses
 * the processor that ticks, others do so for it after some ticks without: there it may be tens of milliseconds earlier.
 */
uint64_t cop__clock_in_ns(uint64_t ns);

/* Is the time over? As cop__clock_ns() >= when_ns, and as cheap as the above while it is further away than that. */
bool cop__clock_is_past(uint64_t when_ns);

/*
 * How old the kernel's last tick may be: two ticks, since one may be late, and 10 ms at least. UINT64_MAX: ticks are too rare, or
 * nobody knows how rare; then the machine's counter is read each time.
 */
uint64_t cop__clock_slack_ns(void);

/* The same for what the kernel has answered (clock_getres): its result, and how far apart ticks are. */
uint64_t cop__clock_slack_of(int result, uint64_t tick_ns);

#define COP__CLOCK_SLACK_MIN_NS UINT64_C(10000000)
#define COP__CLOCK_SLACK_MAX_NS UINT64_C(20000000) /* two ticks of the slowest kernel that is usual, with 100 a second */

#endif
