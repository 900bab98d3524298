/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Walking the frames, with the unwinder that came with the compiler.
 *
 * It can only start where it is called, in the handler; it walks out through the signal's
 * own frame, and what comes before the interrupted instruction is skipped. It takes no
 * lock and allocates nothing (libgcc 12 with glibc 2.35 and later; older ones take the
 * dynamic linker's lock), and is faster than libunwind: docs/faults.md has the numbers.
 *
 * A call through a bad pointer leaves a pc that is in no function, and no unwinder gets
 * past that. But then the call has just been made, and its return address is on top of
 * the stack (in the link register on aarch64): the walk starts from there.
 */
#define _GNU_SOURCE
#include "actors/backtrace.h"

#include <string.h>
#include <unwind.h>

#include "base/compiler.h"

/* Where the frames that count begin. */
struct start {
        uintptr_t pc;
        uintptr_t sp; /* on aarch64 the unwinder gives the signal frame's instead */
        bool is_exact;
};

uintptr_t cop__context_pc(const ucontext_t *context)
{
#if defined(__x86_64__)
        return (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
        return (uintptr_t)context->uc_mcontext.pc;
#else
        (void)context;
        return 0;
#endif
}

uintptr_t cop__context_sp(const ucontext_t *context)
{
#if defined(__x86_64__)
        return (uintptr_t)context->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
        return (uintptr_t)context->uc_mcontext.sp;
#else
        (void)context;
        return 0;
#endif
}

/* Takes a call to nowhere back: the context becomes that of the caller, after the call. */
static void undo_call(ucontext_t *context)
{
#if defined(__x86_64__)
        greg_t *registers = context->uc_mcontext.gregs;
        memcpy(&registers[REG_RIP], (const void *)registers[REG_RSP], sizeof registers[REG_RIP]);
        registers[REG_RSP] += (greg_t)sizeof registers[REG_RIP];
#elif defined(__aarch64__)
        context->uc_mcontext.pc = context->uc_mcontext.regs[30];
#else
        (void)context;
#endif
}

/* The kernel reports a pc that holds no code as an access to that very address. */
static bool is_call_to_nowhere(const ucontext_t *context)
{
#if defined(__x86_64__)
        const greg_t *registers = context->uc_mcontext.gregs;
        enum { PAGE_FAULT = 14 };
        return registers[REG_TRAPNO] == PAGE_FAULT && registers[REG_CR2] == registers[REG_RIP];
#elif defined(__aarch64__)
        return context->uc_mcontext.fault_address == context->uc_mcontext.pc;
#else
        (void)context;
        return false;
#endif
}

struct walker {
        struct start start;
        bool has_started;
        cop__frame_visit *visit;
        void *visitor;
};

static _Unwind_Reason_Code step(struct _Unwind_Context *context, void *opaque)
{
        struct walker *walker = opaque;
        int is_exact = 0;
        struct cop__frame frame = { .pc = _Unwind_GetIPInfo(context, &is_exact) };
        frame.sp = _Unwind_GetCFA(context);
        frame.is_exact = is_exact;
        if (!walker->has_started && frame.pc != walker->start.pc)
                return _URC_NO_REASON;
        if (!walker->has_started) {
                frame.sp = walker->start.sp;
                frame.is_exact = walker->start.is_exact;
        }
        walker->has_started = true;
        if (frame.pc == 0 || !walker->visit(&frame, walker->visitor))
                return _URC_NORMAL_STOP;
        return _URC_NO_REASON;
}

static void walk(struct start start, cop__frame_visit *visit, void *visitor)
{
        struct walker walker = { .start = start, .visit = visit, .visitor = visitor };
        _Unwind_Backtrace(step, &walker);
}

struct recorder {
        struct cop__backtrace *backtrace;
        bool has_skipped; /* the frame of cop__backtrace_here itself */
};

static _Unwind_Reason_Code record_here(struct _Unwind_Context *context, void *opaque)
{
        struct recorder *recorder = opaque;
        void *pc = (void *)_Unwind_GetIP(context);
        if (!recorder->has_skipped) {
                recorder->has_skipped = true;
                return _URC_NO_REASON;
        }
        if (!pc || recorder->backtrace->depth == COP__BACKTRACE_MAX)
                return _URC_NORMAL_STOP;
        recorder->backtrace->frames[recorder->backtrace->depth++] = pc;
        return _URC_NO_REASON;
}

COP__NOINLINE void cop__backtrace_here(struct cop__backtrace *backtrace)
{
        struct recorder recorder = { .backtrace = backtrace };
        backtrace->depth = 0;
        _Unwind_Backtrace(record_here, &recorder);
}

/*
 * The unwinder reads the context where the kernel wrote it, on the handler's
 * stack, so a call is undone there, and put back when the walk is over.
 */
void cop__backtrace_walk(const ucontext_t *context, cop__frame_visit *visit, void *visitor)
{
        struct start start = { cop__context_pc(context), cop__context_sp(context), true };
        if (!is_call_to_nowhere(context)) {
                walk(start, visit, visitor);
                return;
        }
        struct cop__frame nowhere = { start.pc, start.sp, true };
        if (!visit(&nowhere, visitor))
                return;
        ucontext_t *interrupted = (ucontext_t *)(uintptr_t)context;
        mcontext_t saved = context->uc_mcontext;
        undo_call(interrupted);
        start = (struct start){ cop__context_pc(context), cop__context_sp(context), false };
        walk(start, visit, visitor);
        interrupted->uc_mcontext = saved;
}

static bool record(const struct cop__frame *frame, void *visitor)
{
        struct cop__backtrace *backtrace = visitor;
        if (backtrace->depth == COP__BACKTRACE_MAX)
                return false;
        backtrace->frames[backtrace->depth++] = (void *)frame->pc;
        return true;
}

void cop__backtrace_from(struct cop__backtrace *backtrace, const ucontext_t *context)
{
        backtrace->depth = 0;
        cop__backtrace_walk(context, record, backtrace);
        if (backtrace->depth == 0)
                backtrace->frames[backtrace->depth++] = (void *)cop__context_pc(context);
}

void cop__backtrace_prime(void)
{
        struct cop__backtrace backtrace;
        cop__backtrace_here(&backtrace);
}
