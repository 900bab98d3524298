/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The jump back to a _setjmp(): every way out of frames that are abandoned is this one.
 *
 * longjmp() and _longjmp() are the same in the C libraries of Linux; after _setjmp() neither touches the mask of signals. But
 * ThreadSanitizer, which keeps a list of calls of its own and takes the abandoned ones off it, sees the first and not the second:
 * with that, each actor that ends by cop_exit() or a fault leaves a few calls there for ever, until the list has grown past its
 * 65,536 and into what lies behind it.
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

#endif
