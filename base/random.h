/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Random numbers from a state that the caller owns: a worker's choice of a victim, a
 * supervisor's jitter, the order of a simulated schedule. Any seed will do, 0 too, and
 * the same seed gives the same numbers on every machine. Not for secrets.
 *
 * The generator is SplitMix64: a counter that steps by an odd constant, seen through a
 * mixing function. Its period is 2^64, and the mixer alone is what hash tables need.
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdint.h>

#include "base/compiler.h"

/* One-to-one on 64 bits; each bit of the input turns about half of those of the result. */
COP__INLINE uint64_t cop__mix(uint64_t value)
{
        value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
        return value ^ (value >> 31);
}

COP__INLINE uint64_t cop__random_next(uint64_t *state)
{
        /* 2^64 divided by the golden ratio, made odd: successive steps lie far apart. */
        *state += UINT64_C(0x9e3779b97f4a7c15);
        return cop__mix(*state);
}

/*
 * A number from 0 up to but without `bound`, which must not be 0. The high half of a
 * product instead of a remainder: no division, and a bias below bound / 2^32.
 */
COP__INLINE uint32_t cop__random_below(uint64_t *state, uint32_t bound)
{
        return (uint32_t)(((cop__random_next(state) >> 32) * bound) >> 32);
}

#endif
