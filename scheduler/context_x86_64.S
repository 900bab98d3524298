/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The switch for x86-64, System V ABI: rbx, rbp, r12 to r15 are the callee's to keep, and
 * so are the control bits of mxcsr and the x87 control word (an actor that rounds upwards
 * must not make its neighbours do so; it costs 1.3 ns of 12.5).
 *
 *      sp ->  mxcsr (4), x87 control word (2), 2 unused
 *      +8     r12   (a new context: the entry function)
 *      +16    r13   (its argument)
 *      +24    r14, r15, rbx
 *      +48    rbp   (0: the end of the chain of frames)
 *      +56    return address (cop__context_start)
 *
 * It ends with ret and not with a jump: the processor's stack of return addresses stays in
 * step, so the returns after it are predicted (docs/decisions/stacks.md).
 *
 * The unwinding table is right at each instruction, also past the change of stacks, since
 * both have the same layout: a stopped context can be unwound from its sp. The unwinder
 * stops at cop__context_start, which has no return address.
 */
#if defined(__x86_64__) && defined(__LP64__)

#if defined(__CET__) && (__CET__ & 1)
#define LANDING endbr64
#else
#define LANDING
#endif

        .text

        /* void cop__context_jump(struct cop__context *from, struct cop__context *to) */
        .globl  cop__context_jump
        .hidden cop__context_jump
        .type   cop__context_jump, @function
        .p2align 4
cop__context_jump:
        .cfi_startproc
        LANDING
        pushq   %rbp
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %rbp, 0
        pushq   %rbx
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %rbx, 0
        pushq   %r15
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r15, 0
        pushq   %r14
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r14, 0
        pushq   %r13
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r13, 0
        pushq   %r12
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r12, 0
        subq    $8, %rsp
        .cfi_adjust_cfa_offset 8
        stmxcsr (%rsp)
        fnstcw  4(%rsp)

        movq    %rsp, (%rdi)
        movq    (%rsi), %rsp

        ldmxcsr (%rsp)
        fldcw   4(%rsp)
        addq    $8, %rsp
        .cfi_adjust_cfa_offset -8
        popq    %r12
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r12
        popq    %r13
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r13
        popq    %r14
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r14
        popq    %r15
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r15
        popq    %rbx
        .cfi_adjust_cfa_offset -8
        .cfi_restore %rbx
        popq    %rbp
        .cfi_adjust_cfa_offset -8
        .cfi_restore %rbp
        ret
        .cfi_endproc
        .size   cop__context_jump, . - cop__context_jump

        /* Reached by the ret above, never called. */
        .globl  cop__context_start
        .hidden cop__context_start
        .type   cop__context_start, @function
        .p2align 4
cop__context_start:
        .cfi_startproc
        .cfi_undefined %rip
        LANDING
        movq    %r13, %rdi
        callq   *%r12
        ud2
        .cfi_endproc
        .size   cop__context_start, . - cop__context_start

#if defined(__CET__) && (__CET__ & 1)
        /*
         * Tells the linker that indirect branches find their endbr64 here. It claims no
         * shadow stack, which a switch of stacks without its help would break: so a
         * program with this file in it runs without one.
         */
        .section .note.gnu.property, "a", @note
        .p2align 3
        .long   4, 16, 5
        .asciz  "GNU"
        .long   0xc0000002, 4, 1, 0
#endif

#endif

#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
