/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Making contexts, and what surrounds the bare switch where it is not enough: what the
 * sanitizers must be told, and the fallback.
 *
 *      cop__context_switch          here; in a plain build, inline in context.h
 *        before()                   tells the sanitizers where we are going
 *        jump()                     assembly, or swapcontext
 *        after()                    tells them that we are back
 *
 * AddressSanitizer must know the bounds of the stack it is on; ThreadSanitizer keeps a
 * clock and a call stack for each fiber. Between before() and after() neither matches the
 * stack we are on, so nothing there is instrumented.
 */
#define _GNU_SOURCE /* pthread_getattr_np */

#include "scheduler/context.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>

#if COP__ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if COP__TSAN
#include <sanitizer/tsan_interface.h>
#endif

#if defined(COP__CONTEXT_UCONTEXT) || !COP__CONTEXT_ASSEMBLY
#define BY_UCONTEXT 1
#include <stdlib.h>
#include <ucontext.h>
#else
#define BY_UCONTEXT 0
#endif

#if COP__ASAN || COP__TSAN
#define UNSEEN __attribute__((no_sanitize("address", "thread"), noinline))
#define UNSEEN_INLINE static inline __attribute__((no_sanitize("address", "thread"), always_inline))
#else
#define UNSEEN
#define UNSEEN_INLINE static inline
#endif

_Static_assert(offsetof(struct cop__context, sp) == 0, "the assembly stores to offset 0");

/* ---- The frame of a context that has not run ---------------------------------------- */

#if BY_UCONTEXT

/* At the top of the new stack: the context's sp points to it. */
struct birth {
        ucontext_t context; /* first, so that sp is a ucontext_t's address as after a switch */
        void (*entry)(void *);
        void *argument;
};

/* makecontext passes ints, so the pointer comes in two. */
static void start(unsigned high, unsigned low)
{
        const struct birth *birth =
                (const struct birth *)(uintptr_t)((uint64_t)high << 32 | low);
        birth->entry(birth->argument);
        abort();
}

static void *push_first_frame(void *stack_low, size_t stack_size, void (*entry)(void *),
                              void *argument)
{
        uintptr_t top = (uintptr_t)stack_low + stack_size;
        struct birth *birth = (struct birth *)((top - sizeof *birth) & ~(uintptr_t)63);
        memset(birth, 0, sizeof *birth);
        birth->entry = entry;
        birth->argument = argument;
        getcontext(&birth->context);
        birth->context.uc_link = NULL;
        birth->context.uc_stack.ss_sp = stack_low;
        birth->context.uc_stack.ss_size = (size_t)((char *)birth - (char *)stack_low);
        uint64_t address = (uintptr_t)birth;
        makecontext(&birth->context, (void (*)(void))start, 2, (unsigned)(address >> 32),
                    (unsigned)address);
        return birth;
}

/*
 * What is saved lies on the stack that is left, as with the assembly, so a context stays
 * one pointer although a ucontext_t has about 1,000 bytes (4,600 on aarch64).
 */
UNSEEN_INLINE void jump(struct cop__context *from, struct cop__context *to)
{
        ucontext_t here;
        /* AddressSanitizer reads the bounds of what it returns to from here. */
        here.uc_stack.ss_sp = NULL;
        here.uc_stack.ss_size = 0;
        from->sp = &here;
        if (swapcontext(&here, to->sp) != 0)
                abort();
}

#else

void cop__context_start(void);

#if defined(__x86_64__)

/* See context_x86_64.h. The 16 bytes above stay zero, for those who walk off the end. */
enum { FRAME_WORDS = 21, ABOVE_WORDS = 2 };

static void fill_frame(uint64_t *frame, void (*entry)(void *), void *argument)
{
        uint32_t mxcsr_default = 0x1f80;
        uint16_t x87_default = 0x037f;
        memcpy(&frame[0], &mxcsr_default, sizeof mxcsr_default);
        memcpy((char *)&frame[0] + 4, &x87_default, sizeof x87_default);
        frame[2] = (uintptr_t)&cop__context_start;
        frame[19] = (uintptr_t)entry;
        frame[20] = (uintptr_t)argument;
}

#elif defined(__aarch64__)

/* See context_aarch64.S. An fpcr of 0 is the default. */
enum { FRAME_WORDS = 22, ABOVE_WORDS = 2 };

static void fill_frame(uint64_t *frame, void (*entry)(void *), void *argument)
{
        frame[1] = (uintptr_t)&cop__context_start;
        frame[2] = (uintptr_t)entry;
        frame[3] = (uintptr_t)argument;
}

#endif

static void *push_first_frame(void *stack_low, size_t stack_size, void (*entry)(void *),
                              void *argument)
{
        uintptr_t top = ((uintptr_t)stack_low + stack_size) & ~(uintptr_t)15;
        uint64_t *frame = (uint64_t *)top - ABOVE_WORDS - FRAME_WORDS;
        memset(frame, 0, (FRAME_WORDS + ABOVE_WORDS) * sizeof *frame);
        fill_frame(frame, entry, argument);
        return frame;
}

#if COP__ASAN || COP__TSAN
UNSEEN_INLINE void jump(struct cop__context *from, struct cop__context *to)
{
        cop__context_jump(from, to);
}
#endif

#endif

/* ---- What the sanitizers are told --------------------------------------------------- */

#if COP__ASAN

/* The first code on a new stack: it has no switch to return from that would do after(). */
static UNSEEN void enter(void *argument)
{
        struct cop__context *context = argument;
        __sanitizer_finish_switch_fiber(NULL, NULL, NULL);
        context->entry(context->argument);
}

/* The bounds that pthread gave this thread. Without them the sanitizer would be blind. */
static void find_own_stack(struct cop__context *context)
{
        pthread_attr_t attributes;
        void *low;
        if (pthread_getattr_np(pthread_self(), &attributes) != 0)
                return;
        if (pthread_attr_getstack(&attributes, &low, &context->size) == 0)
                context->low = low;
        pthread_attr_destroy(&attributes);
}

#endif

#if BY_UCONTEXT || COP__ASAN || COP__TSAN

/* `last`: the sanitizer's fake stack of `from` goes too. */
UNSEEN_INLINE void before(struct cop__context *from, struct cop__context *to, bool last)
{
        (void)from;
        (void)to;
        (void)last;
#if COP__ASAN
        __sanitizer_start_switch_fiber(last ? NULL : &from->fake_stack, to->low, to->size);
#endif
#if COP__TSAN
        /* 0: what this thread did before the switch happened before what it does after. */
        __tsan_switch_to_fiber(to->fiber, 0);
#endif
}

UNSEEN_INLINE void after(struct cop__context *from)
{
        (void)from;
#if COP__ASAN
        __sanitizer_finish_switch_fiber(from->fake_stack, NULL, NULL);
#endif
}

UNSEEN void cop__context_switch(struct cop__context *from, struct cop__context *to)
{
        before(from, to, false);
        jump(from, to);
        after(from);
}

UNSEEN void cop__context_leave(struct cop__context *from, struct cop__context *to)
{
        before(from, to, true);
        jump(from, to);
        __builtin_trap();
}

#endif

/* ---- Making and ending -------------------------------------------------------------- */

void cop__context_init(struct cop__context *context, void *stack_low, size_t stack_size,
                       void (*entry)(void *), void *argument)
{
        memset(context, 0, sizeof *context);
#if COP__ASAN
        context->low = stack_low;
        context->size = stack_size;
        context->entry = entry;
        context->argument = argument;
        context->sp = push_first_frame(stack_low, stack_size, enter, context);
#else
        context->sp = push_first_frame(stack_low, stack_size, entry, argument);
#endif
#if COP__TSAN
        context->fiber = __tsan_create_fiber(0);
        context->owns_fiber = true;
#endif
}

void cop__context_adopt(struct cop__context *context)
{
        memset(context, 0, sizeof *context);
#if COP__ASAN
        find_own_stack(context);
#endif
#if COP__TSAN
        context->fiber = __tsan_get_current_fiber();
#endif
}

void cop__context_fini(struct cop__context *context)
{
#if COP__TSAN
        if (context->owns_fiber)
                __tsan_destroy_fiber(context->fiber);
#endif
        memset(context, 0, sizeof *context);
}
