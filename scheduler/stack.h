/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Stacks for contexts: reserved generously, paid for by what is touched, guarded below.
 *
 * A stack is 256 KiB of addresses, of which a parked actor has touched one page. They are
 * mapped 63 at a time, since the kernel allows a process some 65,000 mappings and we want
 * a million stacks:
 *
 *      chunk:  | header, 63 struct cop__stack | guard | stack 0 | guard | stack 1 | ...
 *                                             ^       ^         ^
 *                              low - guard_size       low       low + size
 *
 * The struct of a stack lies far from the stack itself: neither a frame that is overrun
 * upwards nor the memory's return to the system touches it, and it costs the stack's first
 * page nothing.
 *
 * A guard is one of three, the best that works here and now:
 *
 *      installed   MADV_GUARD_INSTALL, Linux 6.13: a mark in the page table, no mapping
 *      protected   mprotect: two more mappings for each stack, so only within a budget
 *      canary      the page below must still be all zero when the stack is given back
 *
 * The first two turn an overflow into a SIGSEGV whose address cop__stack_guards() knows.
 * The canary finds it when it has happened; memory may be wrong by then, so the default is
 * to say so and abort. A frame larger than the guard (64 KiB) can jump over any of them,
 * unless it was compiled with -fstack-clash-protection.
 */
#ifndef SCHEDULER_STACK_H
#define SCHEDULER_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <coppice/status.h>

#include "base/limits.h"
#include "base/list.h"
#include "base/lock.h"
#include "scheduler/context.h"

/* Addresses, not memory: enough for printf, regular expressions and a few hundred calls. */
#define COP__STACK_SIZE_DEFAULT ((size_t)256 << 10)

/* Below, a signal's frame (3 KiB with AVX-512) and a call of printf do not both fit. */
#define COP__STACK_SIZE_MIN ((size_t)16 << 10)

#define COP__STACK_SIZE_MAX ((size_t)1 << 30)

/* Most frames that are larger than a page are smaller than this. It costs no memory. */
#define COP__STACK_GUARD ((size_t)64 << 10)

/* Stacks whose memory a pool keeps for the next taker; see docs/decisions/stacks.md. */
#define COP__STACKS_CACHED (COP__TINY ? 1u : 256u)

/* With 63 the header and the structs of a chunk fill one page exactly. */
#define COP__STACKS_IN_CHUNK (COP__TINY ? 2u : 63u)

/* Larger stacks come in smaller chunks. */
#define COP__STACK_CHUNK_MAX ((size_t)64 << 20)

enum cop__stack_guard {
        COP__STACK_GUARD_BEST, /* of a pool's options: probe; of a stack: not guarded yet */
        COP__STACK_GUARD_INSTALLED,
        COP__STACK_GUARD_PROTECTED,
        COP__STACK_GUARD_CANARY,
};

struct cop__stack_chunk;
struct cop__escape;

struct cop__stack {
        /* Whoever took the stack. */
        struct cop__context context; /* given back, it is finished by the pool */
        struct cop__stack *next;     /* the taker's to use; the pool's while it has the stack */
        struct cop__escape *escape;  /* the taker's to use; see scheduler.h */

        /* Never written from the stack's first take on. */
        void *low;
        size_t size; /* a little under the pool's: see docs/decisions/stacks.md on colours */
        struct cop__stack_chunk *chunk;
        uint32_t guard_size;
        uint32_t guard; /* an enum cop__stack_guard */
        unsigned valgrind_id;
} COP__LINE_ALIGNED;

/* Zeroed is the default of everything. */
struct cop__stack_options {
        size_t stack_size;
        enum cop__stack_guard guard; /* BEST, or one to begin with; a lesser one if it fails */
        size_t cached_max;
        size_t chunk_stacks;
        size_t protected_max; /* default: a quarter of vm.max_map_count, half of all mappings */

        /* A canary is dead; `stack` can be used again if this returns. Default: message, abort. */
        void (*overrun)(struct cop__stack *stack, void *context);
        void *overrun_context;
};

/*
 * Any thread may take and give, at the same time; not a signal handler, and not a thread
 * that may be preempted in the middle to run another context.
 *
 *      stacks mapped = taken + cached + the cold ones of all chunks
 */
struct cop__stack_pool {
        /* Read-only after init. */
        struct cop__stack_options options; /* defaults filled in */
        size_t page;
        size_t guard_size;
        size_t stride; /* guard and stack */

        size_t protected_count; /* atomic: guards by mprotect */

        /* Under the lock, which is held for some ten instructions and never over a system call. */
        struct cop__lock lock;
        struct cop__stack *cached; /* warm: the last one given is the first one taken */
        struct cop__list chunks;   /* those that have cold stacks come first */
        size_t cached_count;
        size_t taken_count;
        size_t mapped_count;
        size_t whole_count; /* chunks all of whose stacks are cold */
};

struct cop__stack_counts {
        size_t taken;
        size_t cached; /* given back, memory kept */
        size_t mapped; /* all that there are, the cold ones included */
};

/* 0 is the default size; COP_E_BAD_ARGUMENT outside the limits. Maps nothing yet. */
cop_status cop__stack_pool_init(struct cop__stack_pool *pool, size_t stack_size);
cop_status cop__stack_pool_init_with(struct cop__stack_pool *pool,
                                     const struct cop__stack_options *options);

/* Every stack must have been given back: they are all unmapped. */
void cop__stack_pool_fini(struct cop__stack_pool *pool);

/*
 * A stack of at least the pool's size less 448 bytes, whose old contents are undefined.
 * The caller owns it and ends that with cop__stack_give(). NULL: no memory, or no more
 * addresses. Some 20 ns when one is cached, else a system call and page faults: 1 to 2 µs.
 */
struct cop__stack *cop__stack_take(struct cop__stack_pool *pool);

/* Taken back, its context finished: nobody may be running on it, nor continue it later. */
void cop__stack_give(struct cop__stack_pool *pool, struct cop__stack *stack);

/*
 * A fault at this address is an overflow of the stack. Reads two fields that never change:
 * safe in a signal handler while the stack is taken.
 */
COP__INLINE bool cop__stack_guards(const struct cop__stack *stack, uintptr_t address)
{
        uintptr_t low = (uintptr_t)stack->low;
        return address < low && address >= low - stack->guard_size;
}

void cop__stack_pool_counts(struct cop__stack_pool *pool, struct cop__stack_counts *counts);

#endif
