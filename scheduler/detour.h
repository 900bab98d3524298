/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A detour: code that a signal has interrupted goes through a function of ours before it goes on where it was.
 *
 * The kernel has saved every register of the interrupted code, the vector registers too, in the signal's frame on the
 * alternate stack. That frame is moved to the stack that was interrupted, below the red zone, and the signal returns not to the
 * interrupted instruction but to a gate beneath the frame:
 *
 *      the interrupted stack
 *      |  frames          |
 *      +------------------+ <- sp when the signal came
 *      |  red zone        |   what a leaf function may use below its stack pointer: left alone
 *      +------------------+
 *      |  registers       |   the kernel's frame, moved here
 *      +------------------+ <- sp at the gate, which calls go(argument), ...
 *      |  go              |   ... in ordinary code: no handler is running any more, no signal blocked that was not
 *      |  ...             |
 *
 * and then asks the kernel to return from a signal whose frame is the moved one (rt_sigreturn): all registers are as they
 * were, at the very instruction. `go` may block: then other code runs on the thread, on other stacks, and the frame waits where it
 * is. It may also never come back, by a longjmp to a frame above: then nothing is left behind.
 *
 * Who calls this must have made sure that the interrupted code holds nothing which `go`, or what runs while it blocks,
 * might want. And the code must go on on the thread that was interrupted: it may hold addresses of that thread's errno, and
 * the frame the thread's alternate stack.
 *
 * errno and the floating-point control are `go`'s to keep: it begins with those of the interrupted code.
 */
#ifndef SCHEDULER_DETOUR_H
#define SCHEDULER_DETOUR_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

/* Stack that must be left below the moved frame: for `go`, all that it calls, and signals that come meanwhile. */
#define COP__DETOUR_ROOM ((size_t)12 << 10)

/*
 * True where detours can be made: x86-64 and aarch64, but not under valgrind, which keeps frames of its own, and not under
 * ThreadSanitizer, which holds signals back until the program calls something.
 */
bool cop__detour_is_possible(void);

/*
 * In a handler on an alternate stack, with its own arguments: once it returns, go(argument) is called on the interrupted
 * stack, whose lowest usable byte is `low`. False: there is too little stack, or the kernel's frame is not understood; then nothing
 * has changed.
 */
bool cop__detour(ucontext_t *context, siginfo_t *info, uintptr_t low, void (*go)(void *),
                 void *argument);

#endif
