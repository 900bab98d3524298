/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A context: where a stopped flow of control goes on, and the switch between two.
 *
 * What must survive a call (callee-saved registers, floating-point control) stays on
 * the stack that is left; the context itself is one pointer to it. The switch is a call
 * that returns on another stack, or is compiled in and has told the compiler that all
 * registers are gone: so the compiler has already saved all the rest.
 *
 *      cop__context_switch(A, B)
 *
 *      stack of A                        stack of B
 *      |  caller's frames   |            |  caller's frames   |
 *      |  return address    |            |  return address    | <- B goes on here
 *      |  saved registers   |            |  saved registers   |
 *      +--------------------+ <- A.sp    +--------------------+ <- B.sp (was)
 *
 * What people get wrong:
 *
 * - A.sp is written by the switch itself. So nobody may be told that A can be continued
 *   until the switch is over: it is what runs on B afterwards that publishes A, with a
 *   release that pairs with the acquire of whoever continues it.
 * - The switch may return on another thread. Do not keep the address of a thread-local
 *   across it: the compiler does, also that of errno. Read them anew inside a function
 *   that is not inlined. Hold no lock across it.
 * - The signal mask belongs to the thread; no switch changes it. (The ucontext fallback
 *   does: there each context has the mask it was left with.)
 *
 * Own assembly on x86-64 (compiled in) and aarch64 (LP64), ucontext elsewhere and under
 * -DCOP__CONTEXT_UCONTEXT. Nothing here can fail. See docs/decisions/stacks.md.
 */
#ifndef SCHEDULER_CONTEXT_H
#define SCHEDULER_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"

#if !defined(COP__CONTEXT_UCONTEXT) && defined(__LP64__) \
        && (defined(__x86_64__) || defined(__aarch64__))
#define COP__CONTEXT_ASSEMBLY 1
#else
#define COP__CONTEXT_ASSEMBLY 0
#endif

/*
 * While it is stopped, whoever continues it owns it; while it runs, nobody looks at it
 * but the switch that leaves it. Zeroed is a context that cop__context_fini() accepts.
 */
struct cop__context {
        void *sp; /* the assembly knows that this is first */
#if COP__ASAN
        const void *low; /* of the stack: where the sanitizer may find frames */
        size_t size;
        void *fake_stack; /* the sanitizer's own, while the context is stopped */
        void (*entry)(void *);
        void *argument;
#endif
#if COP__TSAN
        void *fiber;
        bool owns_fiber; /* false when it is that of an adopted thread */
#endif
};

/*
 * Makes a context that calls entry(argument) on the given stack when it is first switched
 * to. `entry` never returns: it ends by leaving. Writes to the top of the stack only.
 * It begins with the default floating-point control, whatever its maker has set (under
 * ucontext: with its maker's). Several can follow each other on one stack.
 */
void cop__context_init(struct cop__context *context, void *stack_low, size_t stack_size,
                       void (*entry)(void *), void *argument);

/*
 * Makes a context of the calling thread and the stack it was born with, so that it can be
 * switched away from, and back to, which must happen on this same thread.
 */
void cop__context_adopt(struct cop__context *context);

/* The context is stopped, or is the adopted one of this thread. Doing it twice is harmless. */
void cop__context_fini(struct cop__context *context);

/* The bare switch. Others use those below. */
#if COP__CONTEXT_ASSEMBLY && defined(__x86_64__)
#include "scheduler/context_x86_64.h"
#elif COP__CONTEXT_ASSEMBLY
void cop__context_jump(struct cop__context *from, struct cop__context *to); /* context_aarch64.S */
#endif

#if COP__CONTEXT_ASSEMBLY && !COP__ASAN && !COP__TSAN

/*
 * Leaves `from`, which is the one that runs, and goes on with `to`. Returns when somebody
 * goes on with `from`.
 */
COP__INLINE void cop__context_switch(struct cop__context *from, struct cop__context *to)
{
        cop__context_jump(from, to);
}

/* The same for the last time: `from` is never continued. */
COP__INLINE COP__NORETURN void cop__context_leave(struct cop__context *from,
                                                  struct cop__context *to)
{
        cop__context_jump(from, to);
        __builtin_trap();
}

#else

void cop__context_switch(struct cop__context *from, struct cop__context *to);
COP__NORETURN void cop__context_leave(struct cop__context *from, struct cop__context *to);

#endif

#endif
