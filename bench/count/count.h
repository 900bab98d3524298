/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Counts what threads write to each other's faces: for `./run bench --count`.
 *
 * The whole library is compiled again with this in front (-include): the atomic operations that write, locks, and the
 * depots of the pool tell count.c where they write, before they do. Of each cache line is known who wrote it last. So at the end of a
 * run there are, for each operation of the benchmark and each place in the sources,
 *
 *      writes      atomic operations that write, plain stores included
 *      locked      of these, read-modify-writes: what costs some 20 cycles even when nobody else is there
 *      moved       of all, those to a line that another thread wrote last: what makes many cores wait
 *
 * Not counted: what is no atomic object, above all the bytes of a message, which move to the receiver's core
 * once, whatever one does. What is read by others between two writes of the same thread is not seen either.
 */
#ifndef BENCH_COUNT_COUNT_H
#define BENCH_COUNT_COUNT_H

/* Files that ask for it do so after this. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <ck_stack.h>

#include "base/atomic.h"
#include "base/lock.h"

/* A place in the sources; one for each use of a macro below, zeroed but for the first two. */
struct count_site {
        const char *file;
        int line;
        bool locked;
        uint32_t known;   /* 1: in the list */
        uint64_t writes, moved;
        struct count_site *next;
};

void count_write(struct count_site *site, const volatile void *object);

#define COUNT(object, is_locked)                                                             \
        do {                                                                                 \
                static struct count_site count_here = { __FILE__, __LINE__, (is_locked), 0, 0, 0, NULL }; \
                count_write(&count_here, (object));                                          \
        } while (0)

#undef cop__store_relaxed
#undef cop__store_release
#undef cop__store_seq
#undef cop__exchange_relaxed
#undef cop__exchange_acquire
#undef cop__exchange_acq_rel
#undef cop__exchange_seq
#undef cop__cas_release
#undef cop__cas_acquire
#undef cop__cas_acq_rel
#undef cop__cas_seq
#undef cop__add_relaxed
#undef cop__add_acq_rel
#undef cop__add_seq
#undef cop__sub_relaxed
#undef cop__sub_acq_rel
#undef cop__sub_seq
#undef cop__or_seq
#undef cop__and_seq

#define COUNT_STORE(object, value, order)                  \
        ({                                                 \
                __auto_type count_object = (object);       \
                COUNT(count_object, false);                \
                __atomic_store_n(count_object, (value), order); \
        })
#define COUNT_CHANGE(operation, object, value, order)      \
        ({                                                 \
                __auto_type count_object = (object);       \
                COUNT(count_object, true);                 \
                operation(count_object, (value), order);   \
        })
#define COUNT_CAS(object, expected, desired, success, failure)                             \
        ({                                                                                 \
                __auto_type count_object = (object);                                       \
                COUNT(count_object, true);                                                 \
                __atomic_compare_exchange_n(count_object, (expected), (desired), 0, success, failure); \
        })

#define cop__store_relaxed(object, value) COUNT_STORE(object, value, __ATOMIC_RELAXED)
#define cop__store_release(object, value) COUNT_STORE(object, value, __ATOMIC_RELEASE)
#define cop__store_seq(object, value) COUNT_STORE(object, value, __ATOMIC_SEQ_CST)
#define cop__exchange_relaxed(object, value) COUNT_CHANGE(__atomic_exchange_n, object, value, __ATOMIC_RELAXED)
#define cop__exchange_acquire(object, value) COUNT_CHANGE(__atomic_exchange_n, object, value, __ATOMIC_ACQUIRE)
#define cop__exchange_acq_rel(object, value) COUNT_CHANGE(__atomic_exchange_n, object, value, __ATOMIC_ACQ_REL)
#define cop__exchange_seq(object, value) COUNT_CHANGE(__atomic_exchange_n, object, value, __ATOMIC_SEQ_CST)
#define cop__cas_release(object, expected, desired) \
        COUNT_CAS(object, expected, desired, __ATOMIC_RELEASE, __ATOMIC_RELAXED)
#define cop__cas_acquire(object, expected, desired) \
        COUNT_CAS(object, expected, desired, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE)
#define cop__cas_acq_rel(object, expected, desired) \
        COUNT_CAS(object, expected, desired, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)
#define cop__cas_seq(object, expected, desired) \
        COUNT_CAS(object, expected, desired, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
#define cop__add_relaxed(object, value) COUNT_CHANGE(__atomic_fetch_add, object, value, __ATOMIC_RELAXED)
#define cop__add_acq_rel(object, value) COUNT_CHANGE(__atomic_fetch_add, object, value, __ATOMIC_ACQ_REL)
#define cop__add_seq(object, value) COUNT_CHANGE(__atomic_fetch_add, object, value, __ATOMIC_SEQ_CST)
#define cop__sub_relaxed(object, value) COUNT_CHANGE(__atomic_fetch_sub, object, value, __ATOMIC_RELAXED)
#define cop__sub_acq_rel(object, value) COUNT_CHANGE(__atomic_fetch_sub, object, value, __ATOMIC_ACQ_REL)
#define cop__sub_seq(object, value) COUNT_CHANGE(__atomic_fetch_sub, object, value, __ATOMIC_SEQ_CST)
#define cop__or_seq(object, value) COUNT_CHANGE(__atomic_fetch_or, object, value, __ATOMIC_SEQ_CST)
#define cop__and_seq(object, value) COUNT_CHANGE(__atomic_fetch_and, object, value, __ATOMIC_SEQ_CST)

/* The names in parentheses are the functions, which these are not. */
#define cop__lock_lock(lock) ({ __auto_type count_lock = (lock); COUNT(count_lock, true); (cop__lock_lock)(count_lock); })
#define cop__lock_trylock(lock) ({ __auto_type count_lock = (lock); COUNT(count_lock, true); (cop__lock_trylock)(count_lock); })
#define ck_stack_push_upmc(stack, entry) ({ COUNT((stack), true); (ck_stack_push_upmc)((stack), (entry)); })
#define ck_stack_pop_mpmc(stack) ({ COUNT((stack), true); (ck_stack_pop_mpmc)((stack)); })
#define ck_stack_push_mpmc(stack, entry) ({ COUNT((stack), true); (ck_stack_push_mpmc)((stack), (entry)); })

#endif
