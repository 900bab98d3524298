/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The jump back to a _setjmp(): every way out of frames that are abandoned is this one.
 *
 * longjmp() and _longjmp() are the same in the C libraries of Linux; after _setjmp() neither touches the mask of signals. But
 * ThreadSanitizer, which keeps a list of calls of its own and takes the abandoned ones off it, sees the first and not the second:
 * with that, each actor that ends by cop_exit() or a fault leaves a few calls there for ever, until the list has grown past its
 * 65,536 and into what lies behind it.
 *
 * Each actor that exits leaves its turn, and the C library's way takes 60 instructions: it looks for handlers of cancelled
 * threads, and hides the address. So a turn's landing is the compiler's own pair where that is known to hold; it leaves all
 * registers to the frame that it goes back to. The sanitizers must see the jump, and have the library's.
 */
#ifndef BASE_JUMP_H
#define BASE_JUMP_H

#include <setjmp.h>

#include "base/compiler.h"

/* `value` is not 0. The frame that called _setjmp(point) has not returned, and lies on this very stack. */
COP__INLINE COP__NORETURN void cop__jump(jmp_buf point, int value)
{
#if COP__TSAN
        longjmp(point, value);
#else
        _longjmp(point, value);
#endif
}

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !COP__ASAN && !COP__TSAN
#define COP__LANDS_BY_ITSELF 1
#else
#define COP__LANDS_BY_ITSELF 0
#endif

/* Where a turn is left to. */
struct cop__landing {
#if COP__LANDS_BY_ITSELF
        void *point[5];
        int value;
#else
        jmp_buf point;
#endif
};

/* As _setjmp(): 0, and then the value of each cop__jump_to(). In a function that is not inlined. */
#if COP__LANDS_BY_ITSELF
#define COP__LAND(landing) (__builtin_setjmp((landing)->point) == 0 ? 0 : (landing)->value)
#else
#define COP__LAND(landing) _setjmp((landing)->point)
#endif

/* As cop__jump(), and not from the frame of the landing itself: so the compiler calls it. */
static inline COP__NORETURN void cop__jump_to(struct cop__landing *landing, int value)
{
#if COP__LANDS_BY_ITSELF
        landing->value = value;
        __builtin_longjmp(landing->point, 1);
#else
        cop__jump(landing->point, value);
#endif
}

#endif
