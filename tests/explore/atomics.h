/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What base/atomic.h includes instead of its own operations when the runtime is explored: each is a step of the explorer.
 * The names, and what they take and give, are those of base/atomic.h.
 */
#ifndef TESTS_EXPLORE_ATOMICS_H
#define TESTS_EXPLORE_ATOMICS_H

#include <stdlib.h>

#include "tests/explore/explore.h"

#define EXPLORE_TYPE(object) __typeof__(*(object))
/* By way of the object's own type, so that it is converted as an assignment would. */
#define EXPLORE_VALUE(object, value) ((uint64_t)(EXPLORE_TYPE(object))(value))

#define EXPLORE_LOAD(object, order) \
        ((EXPLORE_TYPE(object))explore_load((object), sizeof(*(object)), EXPLORE_##order, __FILE__, __LINE__))
#define EXPLORE_STORE(object, value, order)                                                   \
        explore_store((object), sizeof(*(object)), EXPLORE_VALUE(object, value), EXPLORE_##order, \
                      __FILE__, __LINE__)
#define EXPLORE_CHANGE(object, change, value, order)                                          \
        ((EXPLORE_TYPE(object))explore_change((object), sizeof(*(object)), EXPLORE_##change,  \
                                              (uint64_t)(value), EXPLORE_##order, __FILE__, __LINE__))
#define EXPLORE_CAS(object, expected, desired, order)                                         \
        explore_cas((object), (expected), sizeof(*(object)), EXPLORE_VALUE(object, desired),  \
                    EXPLORE_##order, __FILE__, __LINE__)

#define cop__load_relaxed(object) EXPLORE_LOAD(object, RELAXED)
#define cop__load_acquire(object) EXPLORE_LOAD(object, ACQUIRE)
#define cop__load_seq(object) EXPLORE_LOAD(object, SEQ)

#define cop__store_relaxed(object, value) EXPLORE_STORE(object, value, RELAXED)
#define cop__store_release(object, value) EXPLORE_STORE(object, value, RELEASE)
#define cop__store_seq(object, value) EXPLORE_STORE(object, value, SEQ)

#define cop__exchange_relaxed(object, value) EXPLORE_CHANGE(object, EXCHANGE, value, RELAXED)
#define cop__exchange_acquire(object, value) EXPLORE_CHANGE(object, EXCHANGE, value, ACQUIRE)
#define cop__exchange_acq_rel(object, value) EXPLORE_CHANGE(object, EXCHANGE, value, ACQ_REL)
#define cop__exchange_seq(object, value) EXPLORE_CHANGE(object, EXCHANGE, value, SEQ)

#define cop__cas_release(object, expected, desired) EXPLORE_CAS(object, expected, desired, RELEASE)
#define cop__cas_acquire(object, expected, desired) EXPLORE_CAS(object, expected, desired, ACQUIRE)
#define cop__cas_acq_rel(object, expected, desired) EXPLORE_CAS(object, expected, desired, ACQ_REL)
#define cop__cas_seq(object, expected, desired) EXPLORE_CAS(object, expected, desired, SEQ)

#define cop__add_relaxed(object, value) EXPLORE_CHANGE(object, ADD, value, RELAXED)
#define cop__add_acq_rel(object, value) EXPLORE_CHANGE(object, ADD, value, ACQ_REL)
#define cop__add_seq(object, value) EXPLORE_CHANGE(object, ADD, value, SEQ)
#define cop__sub_relaxed(object, value) EXPLORE_CHANGE(object, ADD, -(int64_t)(value), RELAXED)
#define cop__sub_acq_rel(object, value) EXPLORE_CHANGE(object, ADD, -(int64_t)(value), ACQ_REL)
#define cop__sub_seq(object, value) EXPLORE_CHANGE(object, ADD, -(int64_t)(value), SEQ)
#define cop__or_seq(object, value) EXPLORE_CHANGE(object, OR, value, SEQ)
#define cop__and_seq(object, value) EXPLORE_CHANGE(object, AND, value, SEQ)

#define cop__fence_seq() explore_fence(__FILE__, __LINE__)
#define cop__fence_after_exchange() explore_fence(__FILE__, __LINE__)

/* Whoever waits for another lets it go on, and sees what it has stored. Who only pauses may be the next to go on, and see nothing new. */
#define sched_yield() (explore_yield(), 0)
#define cop__explored_pause() explore_step(__FILE__, __LINE__)

#endif
