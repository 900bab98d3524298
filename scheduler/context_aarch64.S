/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The switch for aarch64, AAPCS64: x19 to x29, the link register, the low halves of v8 to
 * v15, and fpcr (rounding and flush modes) are the callee's to keep.
 *
 *      sp ->  x29, x30   (a new context: 0 and cop__context_start)
 *      +16    x19, x20   (the entry function and its argument)
 *      +32    x21 ... x28
 *      +96    d8 ... d15
 *      +160   fpcr
 *      +168   8 unused
 *
 * fpcr is written only where it differs: writing it drains the pipeline of some cores.
 * As in context_x86_64.S, a stopped context can be unwound from its sp, and the unwinder
 * stops at cop__context_start.
 */
#if defined(__aarch64__) && defined(__LP64__)

        .text

        /* void cop__context_jump(struct cop__context *from, struct cop__context *to) */
        .globl  cop__context_jump
        .hidden cop__context_jump
        .type   cop__context_jump, %function
        .p2align 4
cop__context_jump:
        .cfi_startproc
        hint    #34                     /* bti c; nothing on cores without it */
        stp     x29, x30, [sp, #-176]!
        .cfi_def_cfa_offset 176
        .cfi_offset x29, -176
        .cfi_offset x30, -168
        stp     x19, x20, [sp, #16]
        .cfi_offset x19, -160
        .cfi_offset x20, -152
        stp     x21, x22, [sp, #32]
        .cfi_offset x21, -144
        .cfi_offset x22, -136
        stp     x23, x24, [sp, #48]
        .cfi_offset x23, -128
        .cfi_offset x24, -120
        stp     x25, x26, [sp, #64]
        .cfi_offset x25, -112
        .cfi_offset x26, -104
        stp     x27, x28, [sp, #80]
        .cfi_offset x27, -96
        .cfi_offset x28, -88
        stp     d8, d9, [sp, #96]
        .cfi_offset d8, -80
        .cfi_offset d9, -72
        stp     d10, d11, [sp, #112]
        .cfi_offset d10, -64
        .cfi_offset d11, -56
        stp     d12, d13, [sp, #128]
        .cfi_offset d12, -48
        .cfi_offset d13, -40
        stp     d14, d15, [sp, #144]
        .cfi_offset d14, -32
        .cfi_offset d15, -24
        mrs     x10, fpcr
        str     x10, [sp, #160]

        mov     x9, sp
        str     x9, [x0]
        ldr     x9, [x1]
        mov     sp, x9

        ldr     x9, [sp, #160]
        cmp     x9, x10
        b.eq    1f
        msr     fpcr, x9
1:      ldp     d14, d15, [sp, #144]
        ldp     d12, d13, [sp, #128]
        ldp     d10, d11, [sp, #112]
        ldp     d8, d9, [sp, #96]
        ldp     x27, x28, [sp, #80]
        ldp     x25, x26, [sp, #64]
        ldp     x23, x24, [sp, #48]
        ldp     x21, x22, [sp, #32]
        ldp     x19, x20, [sp, #16]
        ldp     x29, x30, [sp], #176
        .cfi_def_cfa_offset 0
        .cfi_restore x29
        .cfi_restore x30
        .cfi_restore x19
        .cfi_restore x20
        .cfi_restore x21
        .cfi_restore x22
        .cfi_restore x23
        .cfi_restore x24
        .cfi_restore x25
        .cfi_restore x26
        .cfi_restore x27
        .cfi_restore x28
        .cfi_restore d8
        .cfi_restore d9
        .cfi_restore d10
        .cfi_restore d11
        .cfi_restore d12
        .cfi_restore d13
        .cfi_restore d14
        .cfi_restore d15
        ret
        .cfi_endproc
        .size   cop__context_jump, . - cop__context_jump

        /* Reached by the ret above, never called. */
        .globl  cop__context_start
        .hidden cop__context_start
        .type   cop__context_start, %function
        .p2align 4
cop__context_start:
        .cfi_startproc
        .cfi_undefined x30
        hint    #36                     /* bti j, should it ever be jumped to */
        mov     x0, x20
        blr     x19
        brk     #1
        .cfi_endproc
        .size   cop__context_start, . - cop__context_start

#if defined(__ARM_FEATURE_BTI_DEFAULT)
        /* Tells the linker that indirect branches find their bti here. */
        .section .note.gnu.property, "a", %note
        .p2align 3
        .word   4, 16, 5
        .asciz  "GNU"
        .word   0xc0000000, 4, 1, 0
#endif

#endif

#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
