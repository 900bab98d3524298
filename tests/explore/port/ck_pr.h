/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The primitives of Concurrency Kit as steps of the explorer: found before the real ck_pr.h, so that CK's inline
 * structures (its locks, stacks, epochs and event counts) are explored with the rest. Those that Coppice uses, no more.
 *
 * The orders are those of x86-64, which CK's TSO branches assume: a read-modify-write orders all, stores are in order.
 */
#ifndef CK_PR_H
#define CK_PR_H

#include <stdbool.h>
#include <stdint.h>

#include <ck_cc.h>
#include <ck_limits.h>
#include <ck_md.h>
#include <ck_stdint.h>
#include <ck_stdbool.h>

#include "tests/explore/explore.h"

#define CK_F_PR
#define CK_F_PR_CAS_PTR_2_VALUE
#define CK_F_PR_CAS_PTR_2

#define EXPLORE_CK_LOAD(object) \
        ((__typeof__(*(object)))explore_load((object), sizeof(*(object)), EXPLORE_ACQUIRE, __FILE__, __LINE__))
#define EXPLORE_CK_STORE(object, value)                                                       \
        explore_store((object), sizeof(*(object)), (uint64_t)(__typeof__(*(object)))(value),  \
                      EXPLORE_RELEASE, __FILE__, __LINE__)

#define ck_pr_load_ptr(object) EXPLORE_CK_LOAD(object)
#define ck_pr_load_uint(object) EXPLORE_CK_LOAD(object)
#define ck_pr_load_int(object) EXPLORE_CK_LOAD(object)
#define ck_pr_load_8(object) EXPLORE_CK_LOAD(object)
#define ck_pr_load_32(object) EXPLORE_CK_LOAD(object)
#define ck_pr_load_64(object) EXPLORE_CK_LOAD(object)
#define ck_pr_store_ptr(object, value) EXPLORE_CK_STORE(object, value)
#define ck_pr_store_ptr_unsafe(object, value) EXPLORE_CK_STORE(object, value)
#define ck_pr_store_uint(object, value) EXPLORE_CK_STORE(object, value)
#define ck_pr_store_int(object, value) EXPLORE_CK_STORE(object, value)
#define ck_pr_store_8(object, value) EXPLORE_CK_STORE(object, value)
#define ck_pr_store_32(object, value) EXPLORE_CK_STORE(object, value)
#define ck_pr_store_64(object, value) EXPLORE_CK_STORE(object, value)

#define EXPLORE_CK_CHANGE(name, type, change)                                                 \
        CK_CC_INLINE static type ck_pr_##name(type *object, type value)                       \
        {                                                                                     \
                return (type)explore_change(object, sizeof(*object), change, (uint64_t)value, \
                                            EXPLORE_FULL, __func__, __LINE__);                 \
        }
EXPLORE_CK_CHANGE(fas_uint, unsigned, EXPLORE_EXCHANGE)
EXPLORE_CK_CHANGE(fas_int, int, EXPLORE_EXCHANGE)
EXPLORE_CK_CHANGE(fas_32, uint32_t, EXPLORE_EXCHANGE)
EXPLORE_CK_CHANGE(fas_64, uint64_t, EXPLORE_EXCHANGE)
EXPLORE_CK_CHANGE(faa_uint, unsigned, EXPLORE_ADD)
EXPLORE_CK_CHANGE(faa_int, int, EXPLORE_ADD)
EXPLORE_CK_CHANGE(faa_32, uint32_t, EXPLORE_ADD)
EXPLORE_CK_CHANGE(faa_64, uint64_t, EXPLORE_ADD)

CK_CC_INLINE static void *ck_pr_fas_ptr(void *object, void *value)
{
        return (void *)explore_change(object, sizeof(void *), EXPLORE_EXCHANGE, (uint64_t)value,
                                      EXPLORE_FULL, __func__, __LINE__);
}

#define EXPLORE_CK_APPLY(name, type, change, operand)                                         \
        CK_CC_INLINE static void ck_pr_##name(type *object)                                   \
        {                                                                                     \
                explore_change(object, sizeof(*object), change, (uint64_t)(operand),          \
                               EXPLORE_FULL, __func__, __LINE__);                              \
        }
EXPLORE_CK_APPLY(inc_uint, unsigned, EXPLORE_ADD, 1)
EXPLORE_CK_APPLY(inc_32, uint32_t, EXPLORE_ADD, 1)
EXPLORE_CK_APPLY(inc_64, uint64_t, EXPLORE_ADD, 1)
EXPLORE_CK_APPLY(dec_uint, unsigned, EXPLORE_ADD, -1)
EXPLORE_CK_APPLY(dec_32, uint32_t, EXPLORE_ADD, -1)

#define EXPLORE_CK_OPERATE(name, type, change)                                                \
        CK_CC_INLINE static void ck_pr_##name(type *object, type value)                       \
        {                                                                                     \
                explore_change(object, sizeof(*object), change, (uint64_t)value, EXPLORE_FULL, \
                               __func__, __LINE__);                                           \
        }
EXPLORE_CK_OPERATE(add_uint, unsigned, EXPLORE_ADD)
EXPLORE_CK_OPERATE(or_uint, unsigned, EXPLORE_OR)
EXPLORE_CK_OPERATE(or_32, uint32_t, EXPLORE_OR)
EXPLORE_CK_OPERATE(and_uint, unsigned, EXPLORE_AND)
EXPLORE_CK_OPERATE(and_32, uint32_t, EXPLORE_AND)
EXPLORE_CK_OPERATE(xor_uint, unsigned, EXPLORE_XOR)

CK_CC_INLINE static bool ck_pr_dec_uint_is_zero(unsigned *object)
{
        return explore_change(object, sizeof(*object), EXPLORE_ADD, (uint64_t)-1, EXPLORE_FULL,
                              __func__, __LINE__) == 1;
}
CK_CC_INLINE static void ck_pr_dec_uint_zero(unsigned *object, bool *is_zero)
{
        *is_zero = ck_pr_dec_uint_is_zero(object);
}

#define EXPLORE_CK_CAS(name, type)                                                            \
        CK_CC_INLINE static bool ck_pr_cas_##name(type *object, type expected, type desired)  \
        {                                                                                     \
                return explore_cas(object, &expected, sizeof(*object), (uint64_t)desired,     \
                                   EXPLORE_FULL, __func__, __LINE__);                          \
        }                                                                                     \
        CK_CC_INLINE static bool ck_pr_cas_##name##_value(type *object, type expected, type desired, \
                                                          type *found)                        \
        {                                                                                     \
                *found = expected;                                                            \
                return explore_cas(object, found, sizeof(*object), (uint64_t)desired,         \
                                   EXPLORE_FULL, __func__, __LINE__);                          \
        }
EXPLORE_CK_CAS(uint, unsigned)
EXPLORE_CK_CAS(int, int)
EXPLORE_CK_CAS(32, uint32_t)
EXPLORE_CK_CAS(64, uint64_t)

CK_CC_INLINE static bool ck_pr_cas_ptr(void *object, void *expected, void *desired)
{
        return explore_cas(object, &expected, sizeof(void *), (uint64_t)desired, EXPLORE_FULL,
                           __func__, __LINE__);
}
CK_CC_INLINE static bool ck_pr_cas_ptr_value(void *object, void *expected, void *desired, void *found)
{
        bool fits = explore_cas(object, &expected, sizeof(void *), (uint64_t)desired, EXPLORE_FULL,
                                __func__, __LINE__);
        *(void **)found = expected;
        return fits;
}
CK_CC_INLINE static bool ck_pr_cas_ptr_2_value(void *object, void *expected, void *desired,
                                               void *found)
{
        return explore_cas_pair(object, expected, desired, found, __func__, __LINE__);
}
CK_CC_INLINE static bool ck_pr_cas_ptr_2(void *object, void *expected, void *desired)
{
        return explore_cas_pair(object, expected, desired, NULL, __func__, __LINE__);
}

#define ck_pr_stall() explore_yield()
#define ck_pr_barrier() __asm__ __volatile__("" ::: "memory")

#define EXPLORE_CK_NO_FENCE(name) \
        CK_CC_INLINE static void ck_pr_fence_##name(void) {} \
        CK_CC_INLINE static void ck_pr_fence_strict_##name(void) {}
EXPLORE_CK_NO_FENCE(load)
EXPLORE_CK_NO_FENCE(load_store)
EXPLORE_CK_NO_FENCE(load_atomic)
EXPLORE_CK_NO_FENCE(load_depends)
EXPLORE_CK_NO_FENCE(store)
EXPLORE_CK_NO_FENCE(store_atomic)
EXPLORE_CK_NO_FENCE(atomic)
EXPLORE_CK_NO_FENCE(atomic_load)
EXPLORE_CK_NO_FENCE(atomic_store)
EXPLORE_CK_NO_FENCE(acquire)
EXPLORE_CK_NO_FENCE(release)
EXPLORE_CK_NO_FENCE(acqrel)
EXPLORE_CK_NO_FENCE(lock)
EXPLORE_CK_NO_FENCE(unlock)

#define EXPLORE_CK_FENCE(name) \
        CK_CC_INLINE static void ck_pr_fence_##name(void) { explore_fence(__func__, __LINE__); }
EXPLORE_CK_FENCE(store_load)
EXPLORE_CK_FENCE(strict_store_load)
EXPLORE_CK_FENCE(memory)
EXPLORE_CK_FENCE(strict_memory)

#endif
