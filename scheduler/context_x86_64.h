/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The switch for x86-64, System V ABI, compiled into the function that switches. context.h includes it.
 *
 *      sp ->  mxcsr (4), x87 control word (2), 2 unused
 *      +8     rbp                (a new context: 0, the end of the chain of frames)
 *      +16    where it goes on   (cop__context_start)
 *      +24    128 bytes that the function may be using below its stack pointer, the ABI's red zone
 *      +152   the function's stack pointer (the entry function and its argument)
 *
 * Not a call, since the processor foretells where a return goes by the calls before it: a switch that is called and returns on
 * another stack returns to where nobody foretold it, and if it jumps instead, so do those around it. A jump to a place in the
 * middle of a function is foretold by where it went before, and leaves the processor's stack of return addresses as it was: who
 * goes on finds its own callers there, or those of one that waits in the same way. It halves what a switch costs
 * (docs/decisions/stacks.md).
 *
 * What must survive a call besides, rbx and r12 to r15, the compiler saves as it needs, for it is told that they are gone,
 * with all else but the control bits of mxcsr and the x87 control word. An actor that rounds upwards must not make its neighbours
 * do so.
 *
 * Frames are found by rbp in all code of ours. It changes right before the jump: so at each instruction the unwinding table
 * shows the stack that is left or the one that is gone to, whole. The unwinder stops at cop__context_start, which has no
 * return address.
 */
#ifndef SCHEDULER_CONTEXT_X86_64_H
#define SCHEDULER_CONTEXT_X86_64_H

#include "base/compiler.h"

struct cop__context;

#if defined(__CET__) && (__CET__ & 1)
#define COP__CONTEXT_LANDING "endbr64\n\t"
#else
#define COP__CONTEXT_LANDING
#endif

/* Registers that are there only where the compiler may use them. */
#if defined(__AVX512F__)
#define COP__CONTEXT_LOST_AVX512                                                                    \
        , "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", \
                "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31", "k1", "k2", "k3", "k4", "k5", \
                "k6", "k7"
#else
#define COP__CONTEXT_LOST_AVX512
#endif
#if defined(__APX_F__)
#define COP__CONTEXT_LOST_APX                                                                      \
        , "r16", "r17", "r18", "r19", "r20", "r21", "r22", "r23", "r24", "r25", "r26", "r27", "r28", \
                "r29", "r30", "r31"
#else
#define COP__CONTEXT_LOST_APX
#endif

COP__INLINE void cop__context_jump(struct cop__context *from, struct cop__context *to)
{
        __asm__ __volatile__("leaq 1f(%%rip), %%rax\n\t"
                             "leaq -152(%%rsp), %%rsp\n\t"
                             "stmxcsr (%%rsp)\n\t"
                             "fnstcw 4(%%rsp)\n\t"
                             "movq %%rbp, 8(%%rsp)\n\t"
                             "movq %%rax, 16(%%rsp)\n\t"

                             "movq %%rsp, (%0)\n\t"
                             "movq (%1), %%rsp\n\t"

                             "ldmxcsr (%%rsp)\n\t"
                             "fldcw 4(%%rsp)\n\t"
                             "movq 16(%%rsp), %%rax\n\t"
                             "movq 8(%%rsp), %%rbp\n\t"
                             "leaq 152(%%rsp), %%rsp\n\t"
                             "jmp *%%rax\n"
                             "1:\n\t" COP__CONTEXT_LANDING
                             : "+D"(from), "+S"(to)
                             :
                             : "memory", "cc", "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12",
                               "r13", "r14", "r15", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6",
                               "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15",
                               "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)",
                               "st(7)" COP__CONTEXT_LOST_AVX512 COP__CONTEXT_LOST_APX);
}

#endif
