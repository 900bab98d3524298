/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Atomic operations, the order in the name.
 *
 * They are the compiler's __atomic builtins and not ck_pr: a sanitizer sees them, an
 * exploring scheduler can replace them in this one file, and on aarch64 they become
 * ldar, stlr and the LSE swaps where ck_pr gives a full dmb around a relaxed access
 * (docs/decisions/atomics.md). Concurrency Kit is used for whole structures.
 *
 * All work on any object of 1, 2, 4 or 8 bytes, pointers included. Whoever calls one
 * says in a comment what it pairs with.
 */
#ifndef BASE_ATOMIC_H
#define BASE_ATOMIC_H

#include <sched.h>

#include "base/compiler.h"

/* The explorer of schedules (tests/explore) brings operations of its own, each a step at which another thread may go on. */
#ifdef COP__ATOMICS
#include COP__ATOMICS
#else

#define cop__load_relaxed(object) __atomic_load_n((object), __ATOMIC_RELAXED)
#define cop__load_acquire(object) __atomic_load_n((object), __ATOMIC_ACQUIRE)
#define cop__load_seq(object) __atomic_load_n((object), __ATOMIC_SEQ_CST)

#define cop__store_relaxed(object, value) __atomic_store_n((object), (value), __ATOMIC_RELAXED)
#define cop__store_release(object, value) __atomic_store_n((object), (value), __ATOMIC_RELEASE)
#define cop__store_seq(object, value) __atomic_store_n((object), (value), __ATOMIC_SEQ_CST)

#define cop__exchange_relaxed(object, value) \
        __atomic_exchange_n((object), (value), __ATOMIC_RELAXED)
#define cop__exchange_acquire(object, value) \
        __atomic_exchange_n((object), (value), __ATOMIC_ACQUIRE)
#define cop__exchange_acq_rel(object, value) \
        __atomic_exchange_n((object), (value), __ATOMIC_ACQ_REL)
#define cop__exchange_seq(object, value) __atomic_exchange_n((object), (value), __ATOMIC_SEQ_CST)

/* On failure *expected takes the value found, read relaxed unless the name says acquire. */
#define cop__cas_release(object, expected, desired)                                   \
        __atomic_compare_exchange_n((object), (expected), (desired), 0, __ATOMIC_RELEASE, \
                                    __ATOMIC_RELAXED)
#define cop__cas_acquire(object, expected, desired)                                   \
        __atomic_compare_exchange_n((object), (expected), (desired), 0, __ATOMIC_ACQUIRE, \
                                    __ATOMIC_ACQUIRE)
#define cop__cas_acq_rel(object, expected, desired)                                   \
        __atomic_compare_exchange_n((object), (expected), (desired), 0, __ATOMIC_ACQ_REL, \
                                    __ATOMIC_ACQUIRE)
#define cop__cas_seq(object, expected, desired)                                       \
        __atomic_compare_exchange_n((object), (expected), (desired), 0, __ATOMIC_SEQ_CST, \
                                    __ATOMIC_SEQ_CST)

#define cop__add_relaxed(object, value) __atomic_fetch_add((object), (value), __ATOMIC_RELAXED)
#define cop__add_acq_rel(object, value) __atomic_fetch_add((object), (value), __ATOMIC_ACQ_REL)
#define cop__add_seq(object, value) __atomic_fetch_add((object), (value), __ATOMIC_SEQ_CST)
#define cop__sub_relaxed(object, value) __atomic_fetch_sub((object), (value), __ATOMIC_RELAXED)
#define cop__sub_acq_rel(object, value) __atomic_fetch_sub((object), (value), __ATOMIC_ACQ_REL)
#define cop__sub_seq(object, value) __atomic_fetch_sub((object), (value), __ATOMIC_SEQ_CST)
#define cop__or_seq(object, value) __atomic_fetch_or((object), (value), __ATOMIC_SEQ_CST)
#define cop__and_seq(object, value) __atomic_fetch_and((object), (value), __ATOMIC_SEQ_CST)

#define cop__fence_seq() __atomic_thread_fence(__ATOMIC_SEQ_CST)

/* The same where this thread has just made an exchange or a compare-and-swap: on x86 that was a fence. */
#if defined(__x86_64__)
#define cop__fence_after_exchange() __atomic_signal_fence(__ATOMIC_SEQ_CST)
#else
#define cop__fence_after_exchange() cop__fence_seq()
#endif

#endif

/* A counter that only its owner writes and others read: no locked instruction. */
#if defined(__x86_64__) && !defined(COP__ATOMICS) && !COP__TSAN && !COP__ASAN
/* The compiler makes three instructions of it, and one does the same: others see the number before it or behind it. */
COP__INLINE void cop__count_up_32(uint32_t *counter)
{
        __asm__("addl $1, %0" : "+m"(*counter));
}

COP__INLINE void cop__count_up_64(uint64_t *counter)
{
        __asm__("addq $1, %0" : "+m"(*counter));
}

#define cop__count_up(object) \
        _Generic((object), uint32_t *: cop__count_up_32, uint64_t *: cop__count_up_64)(object)
#else
#define cop__count_up(object) cop__store_relaxed((object), cop__load_relaxed(object) + 1)
#endif
#define cop__count_by(object, by) cop__store_relaxed((object), cop__load_relaxed(object) + (by))

/* A pause inside a short spin: tells the core, not the kernel. Nobody need do anything meanwhile: explored, it is a step like others. */
COP__INLINE void cop__spin_pause(void)
{
#if defined(COP__ATOMICS)
        cop__explored_pause();
#elif defined(__x86_64__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        __asm__ __volatile__("yield" ::: "memory");
#else
        __asm__ __volatile__("" ::: "memory");
#endif
}

/* Looks of a spinning thread between two offers of its core: some microseconds. Explored, only another thread's step ends the spin. */
#if defined(COP__ATOMICS)
#define COP__SPINS 1u
#else
#define COP__SPINS 128u
#endif

/*
 * So many offers in vain, and it sleeps between two looks. One that has the processor by real-time priority offers it to no thread of
 * another class, and may be waiting for one of those.
 */
#define COP__OFFERS 1024u
void cop__spin_sleep(void);

/* Whoever waits for another thread, which may not be running at all, offers its core; `offers` counts from 0. */
COP__INLINE void cop__spin_offer(unsigned offers)
{
#if defined(COP__ATOMICS)
        (void)offers;
        sched_yield();
#else
        if (COP__LIKELY(offers < COP__OFFERS))
                sched_yield();
        else
                cop__spin_sleep();
#endif
}

/* A pause inside a longer spin for that; `looks` counts from 0. */
COP__INLINE void cop__spin_wait(unsigned looks)
{
        if (COP__UNLIKELY(looks % COP__SPINS == COP__SPINS - 1))
                cop__spin_offer(looks / COP__SPINS);
        else
                cop__spin_pause();
}

#endif
