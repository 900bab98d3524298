/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The machine's clock: CLOCK_MONOTONIC, which costs no system call (vDSO). And the one that stands in for it. */
#include "base/clock.h"

#include <time.h>

#include "base/compiler.h"

static COP__THREAD_LOCAL const uint64_t *simulated_now;

void cop__clock_simulate(const uint64_t *now_ns)
{
        simulated_now = now_ns;
}

const uint64_t *cop__clock_simulated(void)
{
        return simulated_now;
}

uint64_t cop__clock_ns(void)
{
        const uint64_t *simulated = simulated_now;
        if (COP__UNLIKELY(simulated != NULL))
                return *simulated;
        /* Cannot fail: the clock exists since Linux 2.6 and the pointer is good. */
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * COP__NS_PER_S + (uint64_t)now.tv_nsec;
}

/* The time at the last tick. */
static uint64_t last_tick_ns(void)
{
        struct timespec tick;
        clock_gettime(CLOCK_MONOTONIC_COARSE, &tick);
        return (uint64_t)tick.tv_sec * COP__NS_PER_S + (uint64_t)tick.tv_nsec;
}

uint64_t cop__clock_in_ns(uint64_t ns)
{
        return ns < COP__NS_PER_S || simulated_now != NULL
                       ? cop__clock_ns() + ns
                       : last_tick_ns() + COP__CLOCK_TICK_NS + ns;
}

bool cop__clock_is_past(uint64_t when_ns)
{
        return (simulated_now != NULL || last_tick_ns() + COP__CLOCK_TICK_NS >= when_ns) &&
               cop__clock_ns() >= when_ns;
}
