/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Where a new context begins, for x86-64. The switch itself is in context_x86_64.h.
 *
 *      sp ->  the entry function, its argument, and two words of zero for those who walk off the end
 */
#if defined(__x86_64__) && defined(__LP64__)

#if defined(__CET__) && (__CET__ & 1)
#define LANDING endbr64
#else
#define LANDING
#endif

        .text

        /* Jumped to by a switch, never called. */
        .globl  cop__context_start
        .hidden cop__context_start
        .type   cop__context_start, @function
        .p2align 4
cop__context_start:
        .cfi_startproc
        .cfi_undefined %rip
        LANDING
        popq    %rax
        popq    %rdi
        callq   *%rax
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
