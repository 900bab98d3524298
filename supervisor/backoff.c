/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Backoff and breaker. See backoff.h. */
#include "supervisor/backoff.h"

#include "base/clock.h"

static uint64_t ns_of(int64_t ms)
{
        uint64_t ns;
        return __builtin_mul_overflow((uint64_t)ms, COP__NS_PER_MS, &ns) ? UINT64_MAX : ns;
}

/* A number from 0 to below 1. */
static double part_of(uint64_t chance)
{
        return (double)(chance >> 11) / (double)(UINT64_C(1) << 53);
}

uint64_t cop__backoff_delay_ns(const cop_backoff *backoff, uint32_t n, uint64_t chance)
{
        double ms = (double)backoff->first_ms, most = (double)backoff->max_ms;
        for (uint32_t i = 0; i < n && ms < most && backoff->factor > 1; i++)
                ms *= backoff->factor;
        if (ms > most)
                ms = most;
        ms -= ms * backoff->jitter * part_of(chance);
        double ns = ms * (double)COP__NS_PER_MS;
        return ns < 9e18 ? (uint64_t)ns : UINT64_C(9000000000000000000);
}

/* The shorter of the two stable times: each forgets for itself, but the streak is one. */
static uint64_t stable_ns(const cop_backoff *backoff, const cop_breaker *breaker)
{
        if (backoff->first_ms == 0)
                return ns_of(breaker->stable_ms);
        if (breaker->failures == 0 || backoff->stable_ms < breaker->stable_ms)
                return ns_of(backoff->stable_ms);
        return ns_of(breaker->stable_ms);
}

void cop__past_ends(struct cop__past *past, const cop_backoff *backoff, const cop_breaker *breaker, uint64_t now_ns)
{
        if (past->born_ns == 0)
                return;
        bool counts = backoff->first_ms != 0 || breaker->failures != 0;
        if (counts && now_ns - past->born_ns >= stable_ns(backoff, breaker))
                past->streak = 0;
        past->born_ns = 0;
}

struct cop__respite cop__past_fails(struct cop__past *past, const cop_backoff *backoff,
                                    const cop_breaker *breaker, uint64_t now_ns, uint64_t chance)
{
        struct cop__respite respite = { .delay_ns = 0 };
        if (backoff->first_ms == 0 && breaker->failures == 0)
                return respite;
        cop__past_ends(past, backoff, breaker, now_ns);
        if (past->streak < UINT32_MAX)
                past->streak++;
        if (breaker->failures > 0 && past->streak >= breaker->failures) {
                respite.opens = true;
                respite.delay_ns = ns_of(breaker->open_ms);
                return respite;
        }
        if (backoff->first_ms == 0)
                return respite;
        respite.gives_up = backoff->tries > 0 && past->streak > backoff->tries;
        respite.delay_ns = cop__backoff_delay_ns(backoff, past->streak - 1, chance);
        return respite;
}
