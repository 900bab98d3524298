/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The machine's clock: CLOCK_MONOTONIC, which costs no system call (vDSO). And the one that stands in for it. */
#include "base/clock.h"

#include <time.h>

#include "base/atomic.h"
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

/* A property of the machine, the same whoever asks: it may be found out twice. */
static uint64_t known_slack_ns; /* atomic; 0: nobody has asked yet */

uint64_t cop__clock_slack_of(int result, uint64_t tick_ns)
{
        if (result != 0 || tick_ns == 0 || tick_ns > COP__CLOCK_SLACK_MAX_NS / 2)
                return UINT64_MAX;
        return 2 * tick_ns > COP__CLOCK_SLACK_MIN_NS ? 2 * tick_ns : COP__CLOCK_SLACK_MIN_NS;
}

uint64_t cop__clock_slack_ns(void)
{
        uint64_t slack_ns = cop__load_relaxed(&known_slack_ns);
        if (COP__LIKELY(slack_ns != 0))
                return slack_ns;
        struct timespec tick = { 0, 0 };
        int result = clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
        slack_ns = cop__clock_slack_of(result, (uint64_t)tick.tv_sec * COP__NS_PER_S + (uint64_t)tick.tv_nsec);
        cop__store_relaxed(&known_slack_ns, slack_ns);
        return slack_ns;
}

uint64_t cop__clock_in_ns(uint64_t ns)
{
        uint64_t slack_ns = cop__clock_slack_ns();
        if (COP__UNLIKELY(ns < COP__NS_PER_S || simulated_now != NULL || slack_ns == UINT64_MAX))
                return cop__clock_ns() + ns;
        return last_tick_ns() + slack_ns + ns;
}

bool cop__clock_is_past(uint64_t when_ns)
{
        uint64_t slack_ns = cop__clock_slack_ns();
        bool may_be = simulated_now != NULL || slack_ns == UINT64_MAX || last_tick_ns() + slack_ns >= when_ns;
        return may_be && cop__clock_ns() >= when_ns;
}
