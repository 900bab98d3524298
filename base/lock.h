/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A lock for sections of some tens of instructions that are nearly always uncontended:
 * a wheel of timers, the growth of a pool.
 *
 * It spins, since the holder is expected to be done before a sleep could begin; but not
 * for ever, since with more threads than cores the holder may not be running at all.
 * Then the spinning thread offers its core to others between looks, and when that does not help
 * it sleeps between them.
 *
 * Whoever holds one takes no other, allocates nothing and calls nobody back, unless the
 * structure that the lock protects says so and why.
 *
 * Who takes it sees all that was written before it was last given back: the exchange in
 * lock and the store in unlock pair, as ck_pr_fence_lock and ck_pr_fence_unlock.
 * ThreadSanitizer cannot see into Concurrency Kit's assembly, so it is told.
 */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <ck_spinlock.h>

#include "base/atomic.h"
#include "base/compiler.h"

#if COP__TSAN
#include <sanitizer/tsan_interface.h>
#endif

/* A few microseconds: longer than any section, shorter than a time slice. Explored, only the holder's step ends the spin. */
#if defined(COP__ATOMICS)
#define COP__LOCK_SPINS 1u
#else
#define COP__LOCK_SPINS 1000u
#endif

/* All zero is a valid lock that nobody holds. */
struct cop__lock {
        ck_spinlock_fas_t spin;
};

COP__INLINE void cop__lock_init(struct cop__lock *lock)
{
        ck_spinlock_fas_init(&lock->spin);
}

COP__INLINE bool cop__lock_trylock(struct cop__lock *lock)
{
        if (!ck_spinlock_fas_trylock(&lock->spin))
                return false;
#if COP__TSAN
        __tsan_acquire(lock);
#endif
        return true;
}

/* Looks without writing while it waits, so that the holder keeps its cache line. */
COP__COLD COP__UNUSED static void cop__lock_wait(struct cop__lock *lock)
{
        do {
                unsigned spins = 0;
                while (ck_spinlock_fas_locked(&lock->spin)) {
                        if (++spins < COP__LOCK_SPINS)
                                cop__spin_pause();
                        else
                                cop__spin_offer(spins - COP__LOCK_SPINS);
                }
        } while (!cop__lock_trylock(lock));
}

COP__INLINE void cop__lock_lock(struct cop__lock *lock)
{
        if (COP__UNLIKELY(!cop__lock_trylock(lock)))
                cop__lock_wait(lock);
}

COP__INLINE void cop__lock_unlock(struct cop__lock *lock)
{
#if COP__TSAN
        __tsan_release(lock);
#endif
        ck_spinlock_fas_unlock(&lock->spin);
}

#endif
