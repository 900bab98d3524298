/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Backoff and circuit breaker: how long a child that keeps failing is left alone. Pure functions over a few numbers; the
 * supervisor has the clock and the timers.
 *
 *      a life is stable: it lasted stable_ms      then the numbers below begin again at 0
 *
 *      backoff     delay of the n-th restart in a row  =  min(first * factor^n, max), a part of it left to chance
 *
 *      breaker     closed ──failures in a row──► open ──open_ms──► half open ──stable_ms──► closed
 *                                                  ▲                   │
 *                                                  └────── fails ──────┘
 *      Half open is a life like any: what makes it half open is that `streak` still stands at the limit.
 */
#ifndef SUPERVISOR_BACKOFF_H
#define SUPERVISOR_BACKOFF_H

#include <coppice/supervisor.h>

/* The recent past of one child. All 0 at first. */
struct cop__past {
        uint64_t born_ns; /* of the life that runs; 0: none does */
        uint32_t streak;  /* failures since the last stable life */
};

/* What is to be done about a failure. */
struct cop__respite {
        bool gives_up;    /* the backoff's tries are used up */
        bool opens;       /* the breaker opens: no restart before the delay is over */
        uint64_t delay_ns;
};

/* A life has ended at now_ns, by its own doing or not: after a stable one the numbers begin again. */
void cop__past_ends(struct cop__past *past, const cop_backoff *backoff, const cop_breaker *breaker, uint64_t now_ns);

/*
 * Notes a failure at now_ns and says what to do. `chance` is any random number. Both specs as spec.h has them.
 */
struct cop__respite cop__past_fails(struct cop__past *past, const cop_backoff *backoff,
                                    const cop_breaker *breaker, uint64_t now_ns, uint64_t chance);

/* The delay before the n-th restart in a row, counted from 0. */
uint64_t cop__backoff_delay_ns(const cop_backoff *backoff, uint32_t n, uint64_t chance);

#endif
