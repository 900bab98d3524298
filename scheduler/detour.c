/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Moving the kernel's frame. What it looks like is a part of the kernel's interface, since rt_sigreturn reads it:
 *
 *      x86-64      ucontext, siginfo ...... then anywhere above, aligned to 64 bytes, the state of the vector registers, whose
 *                  size is in itself and whose address is in the ucontext
 *      aarch64     siginfo, ucontext, which ends with records; one of them may say that there is more right behind
 *
 * Only what rt_sigreturn reads is moved.
 */
#define _GNU_SOURCE
#include "scheduler/detour.h"

#include <string.h>

#include "base/compiler.h"

#if COP__ASAN
#include <sanitizer/asan_interface.h>
#endif

#if defined(__has_include)
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif
#endif
#ifndef RUNNING_ON_VALGRIND
#define RUNNING_ON_VALGRIND 0
#endif

#if defined(__linux__) && defined(__LP64__) && (defined(__x86_64__) || defined(__aarch64__)) && !COP__TSAN
#define POSSIBLE 1
#else
#define POSSIBLE 0
#endif

/* What the ABI of x86-64 lets a leaf function use below its stack pointer; on aarch64 it is nothing, and does no harm. */
#define RED_ZONE 128

bool cop__detour_is_possible(void)
{
        return POSSIBLE && !RUNNING_ON_VALGRIND;
}

#if POSSIBLE

/* Not memcpy: a sanitizer that looks at what is written would find the marks of frames that are gone. */
__attribute__((no_sanitize("address"))) static void copy(uintptr_t to, uintptr_t from, size_t size)
{
        uint64_t *target = (uint64_t *)to;
        const uint64_t *source = (const uint64_t *)from;
        for (size_t i = 0; i < (size + 7) / 8; i++) {
                target[i] = source[i];
                __asm__ __volatile__("" ::: "memory"); /* or it would become a memcpy */
        }
}

static bool is_room(uintptr_t low, uintptr_t sp, size_t size)
{
        return sp >= low && sp - low >= RED_ZONE + size + COP__DETOUR_ROOM;
}

static void allow(uintptr_t low, uintptr_t sp)
{
        (void)low;
        (void)sp;
#if COP__ASAN
        ASAN_UNPOISON_MEMORY_REGION((void *)low, sp - low);
#endif
}

#endif

#if POSSIBLE && defined(__x86_64__)

/* Entered with rsp at the moved ucontext; a call leaves it there. */
__asm__(".text\n"
        ".hidden cop__detour_gate\n"
        ".globl cop__detour_gate\n"
        ".type cop__detour_gate, @function\n"
        ".p2align 4\n"
        "cop__detour_gate:\n"
        ".cfi_startproc\n"
        ".cfi_undefined %rip\n"
        "callq *%rax\n"
        "movl $15, %eax\n" /* rt_sigreturn */
        "syscall\n"
        "ud2\n"
        ".cfi_endproc\n"
        ".size cop__detour_gate, . - cop__detour_gate\n");
void cop__detour_gate(void);

/* The kernel's ucontext ends behind the first 8 bytes of the mask; the C library's is larger. */
#define CONTEXT_SIZE (offsetof(ucontext_t, uc_sigmask) + 8)

/* What the kernel writes of itself into the legacy area of the vector state: see its sigcontext.h. */
struct vector_state_size {
        uint32_t magic;
        uint32_t size; /* of all of it */
};
#define VECTOR_MAGIC 0x46505853u
#define VECTOR_SIZE_AT 464
#define VECTOR_LEGACY_SIZE 512

static size_t vector_size(const ucontext_t *context)
{
        struct vector_state_size told;
        memcpy(&told, (const char *)context->uc_mcontext.fpregs + VECTOR_SIZE_AT, sizeof told);
        return told.magic == VECTOR_MAGIC && told.size > VECTOR_LEGACY_SIZE ? told.size
                                                                           : VECTOR_LEGACY_SIZE;
}

bool cop__detour(ucontext_t *context, siginfo_t *info, uintptr_t low, void (*go)(void *),
                 void *argument)
{
        enum { DIRECTION = 0x400, SINGLE_STEP = 0x100, ALIGNMENT = 0x40000 };
        greg_t *registers = context->uc_mcontext.gregs;
        uintptr_t sp = (uintptr_t)registers[REG_RSP];
        (void)info;
        if (context->uc_mcontext.fpregs == NULL)
                return false;
        size_t size = vector_size(context);
        if (!is_room(low, sp, size + CONTEXT_SIZE + 128))
                return false;
        allow(low, sp);
        uintptr_t vectors = (sp - RED_ZONE - size) & ~(uintptr_t)63;
        uintptr_t moved = (vectors - CONTEXT_SIZE) & ~(uintptr_t)15;
        copy(vectors, (uintptr_t)context->uc_mcontext.fpregs, size);
        copy(moved, (uintptr_t)context, CONTEXT_SIZE);
        copy(moved + offsetof(ucontext_t, uc_mcontext.fpregs), (uintptr_t)&vectors, sizeof vectors);
        registers[REG_RSP] = (greg_t)moved;
        registers[REG_RBP] = 0;
        registers[REG_RIP] = (greg_t)(uintptr_t)cop__detour_gate;
        registers[REG_RAX] = (greg_t)(uintptr_t)go;
        registers[REG_RDI] = (greg_t)(uintptr_t)argument;
        registers[REG_EFL] &= ~(greg_t)(DIRECTION | SINGLE_STEP | ALIGNMENT);
        return true;
}

#elif POSSIBLE && defined(__aarch64__)

/* Entered with sp at the moved frame; a call leaves it there. */
__asm__(".text\n"
        ".hidden cop__detour_gate\n"
        ".globl cop__detour_gate\n"
        ".type cop__detour_gate, %function\n"
        ".p2align 4\n"
        "cop__detour_gate:\n"
        ".cfi_startproc\n"
        ".cfi_undefined x30\n"
        "hint #36\n" /* bti j */
        "blr x9\n"
        "mov x8, #139\n" /* rt_sigreturn */
        "svc #0\n"
        "brk #1\n"
        ".cfi_endproc\n"
        ".size cop__detour_gate, . - cop__detour_gate\n");
void cop__detour_gate(void);

/* The head of each record behind the registers, and the one that says where more of them are. */
struct record {
        uint32_t magic;
        uint32_t size;
};
struct more_records {
        struct record head;
        uint64_t address;
        uint32_t size;
        uint32_t unused[3];
};
#define MORE_MAGIC 0x45585401u

static struct more_records *more_of(ucontext_t *context)
{
        char *at = (char *)context->uc_mcontext.__reserved;
        char *end = at + sizeof context->uc_mcontext.__reserved;
        while (at + sizeof(struct record) <= end) {
                struct record *record = (struct record *)(void *)at;
                if (record->magic == MORE_MAGIC)
                        return (struct more_records *)(void *)at;
                if (record->magic == 0 || record->size < sizeof *record)
                        break;
                at += record->size;
        }
        return NULL;
}

bool cop__detour(ucontext_t *context, siginfo_t *info, uintptr_t low, void (*go)(void *),
                 void *argument)
{
        enum { BRANCH_TYPE = 3 << 10 };
        uintptr_t sp = (uintptr_t)context->uc_mcontext.sp;
        uintptr_t frame = (uintptr_t)info;
        if ((uintptr_t)context != frame + sizeof *info)
                return false;
        const struct more_records *more = more_of(context);
        uintptr_t end = more != NULL ? (uintptr_t)more->address + more->size
                                     : (uintptr_t)context + sizeof *context;
        size_t size = (end - frame + 15) & ~(size_t)15;
        if (end < frame || !is_room(low, sp, size + 128))
                return false;
        allow(low, sp);
        uintptr_t moved = (sp - RED_ZONE - size) & ~(uintptr_t)15;
        copy(moved, frame, size);
        if (more != NULL) {
                uint64_t address = more->address - frame + moved;
                copy(moved + ((uintptr_t)&more->address - frame), (uintptr_t)&address, sizeof address);
        }
        context->uc_mcontext.sp = moved;
        context->uc_mcontext.pc = (uintptr_t)cop__detour_gate;
        context->uc_mcontext.regs[0] = (uintptr_t)argument;
        context->uc_mcontext.regs[9] = (uintptr_t)go;
        context->uc_mcontext.regs[29] = 0;
        context->uc_mcontext.regs[30] = 0;
        context->uc_mcontext.pstate &= ~(unsigned long long)BRANCH_TYPE;
        return true;
}

#else

bool cop__detour(ucontext_t *context, siginfo_t *info, uintptr_t low, void (*go)(void *),
                 void *argument)
{
        (void)context, (void)info, (void)low, (void)go, (void)argument;
        return false;
}

#endif
