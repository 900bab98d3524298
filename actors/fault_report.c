/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The last words of a process that cannot go on, and the words for any fault.
 *
 * Everything here runs in a signal handler, perhaps inside malloc: lines are put together
 * in a buffer on the stack and leave by write(2). The names of functions come last in each
 * line, since looking for them reads files and may itself go wrong.
 */
#define _GNU_SOURCE
#include "actors/fault_report.h"

#include <execinfo.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "actors/fault.h"
#include "actors/inside.h"
#include "actors/object.h"

/* Frames beyond these are only counted. */
#define FRAMES_SHOWN 24

void cop__words_tell(const struct cop__words *words)
{
        const char *at = words->text;
        size_t left = words->length;
        while (left > 0) {
                ssize_t written = write(STDERR_FILENO, at, left);
                if (written <= 0)
                        return; /* nobody listens */
                at += written;
                left -= (size_t)written;
        }
}

void cop__words_add_hex(struct cop__words *words, uintptr_t value)
{
        char digits[2 + 2 * sizeof value + 1];
        char *at = &digits[sizeof digits - 1];
        *at = '\0';
        do {
                *--at = "0123456789abcdef"[value & 15];
                value >>= 4;
        } while (value);
        *--at = 'x';
        *--at = '0';
        cop__words_add(words, at);
}

void cop__words_add_number(struct cop__words *words, uint64_t value)
{
        char digits[24];
        char *at = &digits[sizeof digits - 1];
        *at = '\0';
        do {
                *--at = (char)('0' + value % 10);
                value /= 10;
        } while (value);
        cop__words_add(words, at);
}

/* --- the words for a fault ------------------------------------------------------- */

#if defined(__x86_64__)

/* The registers in the order in which instructions number them. */
static const int numbered[16] = {
        REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
        REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
};

/* The address of a memory operand: base + index * scale + displacement. */
static uintptr_t operand_address(const uint8_t *modrm, unsigned rex, const greg_t *registers)
{
        unsigned mode = *modrm >> 6, base = *modrm & 7;
        const uint8_t *next = modrm + 1;
        uintptr_t address = 0;
        int32_t displacement = 0;
        bool has_base = true;
        if (base == 4) {
                unsigned index = (*next >> 3 & 7) | (rex & 2) << 2;
                if (index != 4)
                        address = (uintptr_t)registers[numbered[index]] << (*next >> 6);
                base = *next++ & 7;
                has_base = !(base == 5 && mode == 0);
        } else if (base == 5 && mode == 0) {
                has_base = false;
                address = (uintptr_t)next + sizeof displacement; /* relative to the next one */
        }
        if (has_base)
                address += (uintptr_t)registers[numbered[base | (rex & 1) << 3]];
        if (mode == 1)
                displacement = (int8_t)*next;
        else if (mode == 2 || !has_base)
                memcpy(&displacement, next, sizeof displacement);
        return address + (uintptr_t)(intptr_t)displacement;
}

/* What an instruction that has trapped says of its division. */
enum division {
        DIVISION_UNKNOWN, /* it is none that is understood here */
        DIVISION_BY_ZERO,
        DIVISION_OVERFLOW,
};

/* An instruction, as far as it has been read. */
struct division_code {
        const uint8_t *next;
        size_t size;      /* of its operands, in bytes */
        unsigned rex;     /* 0: it has none */
        uintptr_t origin; /* of addresses in memory */
};

static uintptr_t thread_pointer(void)
{
        uintptr_t pointer;
        __asm__("movq %%fs:0, %0" : "=r"(pointer));
        return pointer;
}

/* False: there is one that is not understood: other registers, or shorter addresses. */
static bool read_prefixes(struct division_code *code)
{
        for (;; code->next++) {
                if (*code->next == 0x66)
                        code->size = 2;
                else if (*code->next == 0x64)
                        code->origin = thread_pointer(); /* of this very thread: the handler runs on it */
                else
                        break;
        }
        if ((*code->next & 0xf0) == 0x40)
                code->rex = *code->next++;
        if (code->rex & 8)
                code->size = 8;
        if (*code->next == 0xf6)
                code->size = 1;
        return *code->next == 0xf6 || *code->next == 0xf7;
}

static uint64_t divisor_in_register(const struct division_code *code, unsigned number, const greg_t *registers)
{
        uint64_t divisor = 0;
        if (code->size == 1 && code->rex == 0 && number >= 4) /* ah to bh */
                return (uint64_t)registers[numbered[number - 4]] >> 8 & 0xff;
        memcpy(&divisor, &registers[numbered[number | (code->rex & 1) << 3]], code->size);
        return divisor;
}

/* The processor has one trap for x / 0 and for INT_MIN / -1. The divisor tells which. */
static enum division division_at(const ucontext_t *context)
{
        const greg_t *registers = context->uc_mcontext.gregs;
        struct division_code code = { .next = (const uint8_t *)cop__context_pc(context), .size = 4 };
        uint64_t divisor = 0;
        if (!read_prefixes(&code))
                return DIVISION_UNKNOWN;
        const uint8_t *modrm = code.next + 1;
        if (*modrm >> 6 == 3)
                divisor = divisor_in_register(&code, *modrm & 7, registers);
        else
                memcpy(&divisor, (const void *)(code.origin + operand_address(modrm, code.rex, registers)), code.size);
        return divisor != 0 ? DIVISION_OVERFLOW : DIVISION_BY_ZERO;
}

static const char *division_words(const ucontext_t *context)
{
        switch (division_at(context)) {
        case DIVISION_BY_ZERO: return "integer division by zero";
        case DIVISION_OVERFLOW: return "integer overflow in a division";
        default: return "arithmetic fault";
        }
}

#else

static const char *division_words(const ucontext_t *context)
{
        (void)context;
        return "integer division by zero";
}

#endif

static const char *arithmetic_words(int code, const ucontext_t *context)
{
        switch (code) {
        case FPE_INTDIV: return division_words(context);
        case FPE_INTOVF: return "integer overflow";
        case FPE_FLTDIV: return "floating-point division by zero";
        case FPE_FLTOVF: return "floating-point overflow";
        case FPE_FLTUND: return "floating-point underflow";
        case FPE_FLTRES: return "inexact floating-point result";
        case FPE_FLTINV: return "invalid floating-point operation";
        default: return "arithmetic fault";
        }
}

static void put_access(struct cop__words *words, const struct cop__fault *fault)
{
        bool is_jump = fault->signal == SIGSEGV && fault->address == (uintptr_t)fault->pc;
        if (fault->signal == SIGSEGV && fault->code == SI_KERNEL) {
                cop__words_add(words, "invalid memory access at an impossible address");
                return;
        }
        if (is_jump && fault->address == 0) {
                cop__words_add(words, "call of a NULL function pointer");
                return;
        }
        if (is_jump)
                cop__words_add(words, "jump to ");
        else if (fault->signal == SIGBUS && fault->code == BUS_ADRALN)
                cop__words_add(words, "misaligned memory access at ");
        else if (fault->signal == SIGBUS)
                cop__words_add(words, "access to memory that cannot be provided at ");
        else if (fault->code == SEGV_ACCERR)
                cop__words_add(words, "forbidden memory access at ");
        else
                cop__words_add(words, "invalid memory access at ");
        cop__words_add_hex(words, fault->address);
        if (fault->address == 0)
                cop__words_add(words, " (NULL)");
        else if (fault->address < COP__NULL_PAGE)
                cop__words_add(words, " (near NULL)");
        else if (is_jump)
                cop__words_add(words, ", where no code is");
}

void cop__fault_put_words(struct cop__fault *fault, const ucontext_t *context)
{
        struct cop__words words = { .text = fault->words, .size = sizeof fault->words };
        if (fault->stack_overflow)
                cop__words_add(&words, "stack overflow");
        else if (fault->signal == SIGFPE)
                cop__words_add(&words, arithmetic_words(fault->code, context));
        else if (fault->signal == SIGABRT)
                cop__words_add(&words, "abort() called");
        else if (fault->signal == SIGILL)
                cop__words_add(&words, "illegal instruction");
        else if (fault->signal == SIGTRAP)
                cop__words_add(&words, "breakpoint instruction");
        else
                put_access(&words, fault);
}

void cop__fault_put_sender(struct cop__fault *fault, int process, unsigned user)
{
        struct cop__words words = { .text = fault->words, .size = sizeof fault->words };
        if (process <= 0) {
                cop__words_add(&words, "a signal from the system");
                return;
        }
        cop__words_add(&words, "a signal from process ");
        cop__words_add_number(&words, (unsigned)process);
        cop__words_add(&words, " of user ");
        cop__words_add_number(&words, user);
}

const char *cop__fault_words(const struct cop__fault *fault)
{
        return fault->words;
}

static const struct {
        int number;
        const char *name;
        const char *atom;
} signals[] = {
        { SIGSEGV, "SIGSEGV", "sigsegv" }, { SIGBUS, "SIGBUS", "sigbus" },
        { SIGFPE, "SIGFPE", "sigfpe" },    { SIGILL, "SIGILL", "sigill" },
        { SIGTRAP, "SIGTRAP", "sigtrap" }, { SIGABRT, "SIGABRT", "sigabrt" },
};

const char *cop__fault_signal_name(int number)
{
        for (size_t i = 0; i < COP__COUNT(signals); i++)
                if (signals[i].number == number)
                        return signals[i].name;
        return "a signal";
}

const char *cop__fault_atom(const struct cop__fault *fault)
{
        for (size_t i = 0; i < COP__COUNT(signals); i++)
                if (signals[i].number == fault->signal)
                        return signals[i].atom;
        return "signal";
}

/* --- the report ------------------------------------------------------------------ */

struct line {
        char text[512];
        struct cop__words words;
};

static void begin_line(struct line *line, const char *text)
{
        line->words = (struct cop__words){ .text = line->text, .size = sizeof line->text - 1 };
        cop__words_add(&line->words, text);
}

static void put_line(const struct line *line)
{
        cop__words_tell(&line->words);
}

static void end_line(struct line *line)
{
        line->words.size = sizeof line->text;
        cop__words_add(&line->words, "\n");
        put_line(line);
}

struct frames {
        size_t shown;
        bool is_cut_short;
        struct cop__object program;
};

/* The program's own functions by its file, which knows static ones; others by the linker. */
static void show_address(struct frames *frames, uintptr_t address, bool is_exact)
{
        struct line line;
        void *pc = (void *)address;
        uintptr_t within = is_exact ? address : address - 1;
        const char *name = cop__object_function_at(&frames->program, within);
        begin_line(&line, "   #");
        cop__words_add_number(&line.words, (unsigned)frames->shown++);
        cop__words_add(&line.words, " ");
        cop__words_add_hex(&line.words, address);
        if (name) {
                cop__words_add(&line.words, " in ");
                cop__words_add(&line.words, name);
                end_line(&line);
                return;
        }
        cop__words_add(&line.words, " in ");
        put_line(&line);
        backtrace_symbols_fd(&pc, 1, STDERR_FILENO);
}

static bool show_frame(const struct cop__frame *frame, void *visitor)
{
        struct frames *frames = visitor;
        if (frames->shown == FRAMES_SHOWN) {
                frames->is_cut_short = true;
                return false;
        }
        show_address(frames, frame->pc, frame->is_exact);
        return true;
}

void cop__fault_report_frames(const struct cop__fault *fault, const ucontext_t *context)
{
        struct frames frames = { .shown = 0 };
        struct line line;
        cop__object_open_program(&frames.program);
        if (context)
                cop__backtrace_walk(context, show_frame, &frames);
        else
                for (size_t i = 0; i < fault->backtrace.depth; i++)
                        show_address(&frames, (uintptr_t)fault->backtrace.frames[i], i == 0);
        cop__object_close_program(&frames.program);
        if (!frames.is_cut_short)
                return;
        begin_line(&line, "   and so on");
        end_line(&line);
}

const char *cop__fault_blame_words(enum cop__blame blame)
{
        switch (blame) {
        case COP__BLAME_COPPICE: return "Coppice itself";
        case COP__BLAME_SYSTEM: return "the system";
        case COP__BLAME_OUTSIDE: return "nobody here";
        default: return "your program";
        }
}

void cop__fault_report_begin(const struct cop__fault *fault, const struct cop__fault_refusal *refusal, const char *actor)
{
        struct line line;
        begin_line(&line, cop__inside_here() != NULL ? "** the process of one actor stops: " : "** the node stops: ");
        if (refusal->blame == COP__BLAME_OUTSIDE) {
                cop__words_add(&line.words, "somebody has sent a signal");
        } else {
                cop__words_add(&line.words, "a fault in ");
                cop__words_add(&line.words, cop__fault_blame_words(refusal->blame));
                cop__words_add(&line.words, " cannot be contained");
        }
        end_line(&line);

        begin_line(&line, "   ");
        cop__words_add(&line.words, fault->words);
        cop__words_add(&line.words, ", ");
        cop__words_add(&line.words, cop__fault_signal_name(fault->signal));
        cop__words_add(&line.words, ", at pc ");
        cop__words_add_hex(&line.words, (uintptr_t)fault->pc);
        if (actor && actor[0]) {
                cop__words_add(&line.words, ", while running ");
                cop__words_add(&line.words, actor);
        }
        end_line(&line);

        begin_line(&line, "   because ");
        cop__words_add(&line.words, refusal->why);
        end_line(&line);
}

void cop__fault_report_cut(const char *why)
{
        struct line line;
        begin_line(&line, "   this report ends early: ");
        cop__words_add(&line.words, why);
        end_line(&line);
}

void cop__fault_report_end(int code)
{
        struct line line;
        begin_line(&line, "   the process ends ");
        if (code == 0) {
                cop__words_add(&line.words, "by this signal, so that a core dump can be made");
        } else {
                cop__words_add(&line.words, "with exit code ");
                cop__words_add_number(&line.words, (unsigned)code);
        }
        end_line(&line);
}

void cop__fault_report_core(int process)
{
        struct line line;
        begin_line(&line, "   ");
        if (process > 0) {
                cop__words_add(&line.words, "its core dump is that of process ");
                cop__words_add_number(&line.words, (unsigned)process);
        } else {
                cop__words_add(&line.words, "no core dump could be written");
        }
        end_line(&line);
}
