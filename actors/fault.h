/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Catching a fault: SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, abort() and stack overflow in
 * an actor's code end the actor, and nothing else.
 *
 *      actor's code ──fault──► handler, on the alternate stack
 *                                 │ not an actor's, or not safe to leave: a report, and the
 *                                 │ process dies, by the signal or by an exit code of its own
 *                                 ▼
 *                              the saved registers are rewritten; the handler returns
 *                                 ▼
 *                              land(), on the stack that faulted, jumps out of the turn
 *
 * land() is called from ordinary code, no longer from a handler: it may allocate, log and
 * longjmp. With it the turn is over, so whatever faults from then on, until the next
 * cop__turn_begin, is Coppice's own fault and stops the process.
 *
 * What is accepted: a fault that the processor made, or an abort() by this very thread,
 * while a turn is on that wants it contained, with the critical depth at 0, and with no frame between the fault and
 * the turn that may hold a lock or memory half changed (actors/code_map.h). Signals sent by
 * kill, and faults of threads that have no scope, go to whoever had a handler before us.
 *
 * When the process is about to die, its reporter sends the others a SIGTRAP. A thread that has one from its own process while
 * there is a reporter records where it is, and halts: HALT is the release of `halted` (or `is_there`, of a thread that has no
 * scope to leave it in), and whoever acquires it reads the backtrace.
 *
 * WITNESS: a handler first becomes the reporter, then reads the list of witnesses; who takes a witness out does so first, then looks
 * whether there is a reporter, and if so waits for the end with it. Both in one order for all (seq_cst): either the handler
 * does not see the witness, or its owner sees the handler.
 *
 * Order: install, then on each worker thread start, before it perhaps map on any; stop on that thread, then uninstall.
 */
#ifndef ACTORS_FAULT_H
#define ACTORS_FAULT_H

#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <coppice/status.h>

#include "actors/backtrace.h"
#include "base/compiler.h"

/* With its own guard below. A signal frame is up to 11 KiB (AMX), the unwinder wants 4 more. */
#define COP__FAULT_STACK_SIZE ((size_t)64 << 10)

/*
 * With less stack than this left below the fault, land() runs at the turn's top instead.
 * Looking up a place in debug information takes up to 30 KiB.
 */
#define COP__FAULT_LANDING_ROOM ((size_t)64 << 10)

#define COP__FAULT_WORDS_MAX 96

/* Of what the C library wrote before it aborted: enough for a failed assertion with its path. */
#define COP__FAULT_SAID_MAX 256

/* Long enough for any report; a process that cannot write its report in time dies without. */
#define COP__FAULT_REPORT_S 5

struct cop__fault_refusal;

struct cop__fault {
        int signal;
        int code;          /* si_code */
        uintptr_t address; /* what was accessed; for FPE, ILL, TRAP and ABRT the pc */
        void *pc;
        bool stack_overflow;
        struct cop__backtrace backtrace;
        /* The innermost frame in the program's own code, past memcpy and abort. */
        size_t culprit; /* an index of backtrace.frames; 0 also when there is none */
        char words[COP__FAULT_WORDS_MAX];
        char said[COP__FAULT_SAID_MAX]; /* see abort_words.h; may be that of an earlier abort, or "" */
};

/* Which faults of a turn end the turn alone. */
enum cop__containment {
        COP__CONTAIN = 0,    /* those after which nothing but the turn's own can be broken */
        COP__CONTAIN_STRICT, /* of these, those that cannot come from memory written astray */
        COP__CONTAIN_NOT,
};

/* "integer division by zero", "invalid memory access at 0x0 (NULL)", "abort() called". */
const char *cop__fault_words(const struct cop__fault *fault);

/* The name of the signal for an exit reason: "sigsegv". Static. */
const char *cop__fault_atom(const struct cop__fault *fault);

/*
 * One for each thread that runs actors. Zero it, fill in the second group, start.
 * Who may touch what: its thread only; the handler runs on that thread too, so the first
 * group is written with single stores that the compiler may not move.
 */
struct cop__fault_scope {
        /* Written by the runtime on every turn, through the functions below. */
        uintptr_t overflow_sp; /* 0: no turn. Else the turn's frames all lie below it */
        uintptr_t stack_low;   /* the lowest usable byte of the stack the turn runs on */
        unsigned critical;     /* > 0: inside the runtime */
        unsigned calm;         /* atomic for others; > 0: not to be interrupted; see preempt.h */

        /* Set before start. All but land may be NULL; all but land run in the handler. */
        bool (*guards)(uintptr_t address, void *context); /* is it in the stack's guard? */
        void *guards_context;
        enum cop__containment (*contains)(void *context); /* of the turn that is on */
        void *contains_context;
        void (*land)(struct cop__fault *fault, void *context); /* never returns */
        void *land_context;
        void (*describe)(char *text, size_t size, void *context); /* "till <0.12.0>" */
        void *describe_context;
        /* The handler's. The fault is land's until the next one. */
        bool handling;
        jmp_buf *rescue; /* a fault of a witness goes back there; NULL: it is the end */
        struct cop__fault fault;
        uint32_t halted; /* atomic: this thread sleeps for ever, its backtrace is in `fault` */

        /* start's and stop's. */
        void *memory; /* the alternate stack with its guard; NULL: there is none */
        size_t memory_size;
        stack_t previous_stack;
        sigset_t mask;           /* of the thread at start; a landing has it again */
        uint32_t float_control[2]; /* of the thread at start, likewise */
};

/*
 * Counted: the first installs the handlers, the last puts the old ones back.
 * Errors: COP_E_NO_MEMORY, COP_E_SYSTEM; then nothing is installed. Threads: any.
 */
cop_status cop__fault_install(void);
void cop__fault_uninstall(void);

/*
 * From here on a process that cannot go on ends with this code, and a copy of it dies by the signal where a core dump is wanted (remains.h);
 * 0: by the signal itself. Until the last uninstall. Threads: any; the last one's counts.
 */
void cop__fault_end_with(int code);

/* In a forked process, whose handlers have been reset: nothing is installed. */
void cop__fault_forget(void);

/*
 * Who is called in the handler when the process is about to die: by a fault that is not contained, by one on a thread without a scope, by
 * one of these signals from outside. A signal that somebody had a handler for before us is that one's affair, and nobody is called.
 * `scope` is the thread's, or stands in for it; the other threads still run.
 */
struct cop__fault_witness {
        struct cop__fault_witness *next; /* atomic */
        void (*stopped)(struct cop__fault_scope *scope, const struct cop__fault_refusal *refusal,
                        void *context);
        void *context;
};

/* Between install and uninstall. When remove returns, it is not called any more; while the process dies, it does not return. */
void cop__fault_witness_add(struct cop__fault_witness *witness);
void cop__fault_witness_remove(struct cop__fault_witness *witness);

/* A thread without a scope, halted. */
struct cop__bystander {
        uint32_t is_there; /* atomic: HALT */
        int thread;        /* as in /proc/self/task */
        struct cop__backtrace backtrace;
};

/* Those of them that leave a backtrace. */
#define COP__BYSTANDERS_MAX 64u

/*
 * What was opened for the last report was refused with that error: for want of a descriptor the calling thread gives up standard input, as the
 * process reads nothing any more. From there on it has a table of descriptors of its own, in which all others but standard output and error are
 * closed, too: else another thread could take the place. False: there is nothing to be had, so the error is final. Before anything else is open.
 */
bool cop__fault_free_descriptor(int error);

/* Where the system grants no such table, as in some containers, another thread may take what is freed: then it is tried again, so often. */
#define COP__FAULT_OPEN_TRIES 8u

/*
 * For a witness: halts all threads but the calling one, and those that hold the signal back. Returns how many were told to; the second
 * witness finds it done, and gets 0. They leave their backtraces in their scopes, or with the bystanders, a moment later.
 */
unsigned cop__fault_halt_threads(void);

/* Number `at` of them, NULL: there are no more, or it is not whole yet. */
const struct cop__bystander *cop__fault_bystander(unsigned at);

/*
 * The memory of an alternate stack, for a thread that there is not yet: so that who starts it is told that there is none. start takes it,
 * and stop gives it back; unmap is for one that has never started, and does nothing else.
 * Errors: COP_E_NO_MEMORY. Threads: any.
 */
cop_status cop__fault_stack_map(struct cop__fault_scope *scope);
void cop__fault_stack_unmap(struct cop__fault_scope *scope);

/*
 * Gives the calling thread an alternate stack and makes `scope` its scope.
 * Errors: COP_E_NO_MEMORY, COP_E_SYSTEM; then there is none.
 */
cop_status cop__fault_thread_start(struct cop__fault_scope *scope);

/*
 * For a thread that stands in for several: a scope that lives on what another of this thread has started, and which of them
 * is the thread's from here on (NULL: none).
 */
void cop__fault_scope_share(struct cop__fault_scope *scope, const struct cop__fault_scope *started);
void cop__fault_scope_use(struct cop__fault_scope *scope);

/* On the same thread. What was an alternate stack before is one again. */
void cop__fault_thread_stop(struct cop__fault_scope *scope);

/* The code map that faults are judged by; made by the first install. */
struct cop__code_map;
const struct cop__code_map *cop__fault_code_map(void);

/* The floating-point control that the thread began with, and an empty x87 stack. */
void cop__fault_restore_float(const struct cop__fault_scope *scope);

/* Of the calling thread, NULL if it has none. Never inlined: a turn may have changed threads. */
struct cop__fault_scope *cop__fault_scope_here(void);

/*
 * From here on faults are the actor's. `top` is cop__stack_pointer() of the function that
 * calls the actor, or the top of a stack where nothing lies yet; what lies below it may be
 * overwritten by a landing.
 */
COP__INLINE void cop__turn_begin(struct cop__fault_scope *scope, uintptr_t stack_low,
                                 uintptr_t top)
{
        __atomic_store_n(&scope->stack_low, stack_low, __ATOMIC_RELAXED);
        __atomic_store_n(&scope->calm, 0, __ATOMIC_RELAXED);
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        __atomic_store_n(&scope->overflow_sp, top, __ATOMIC_RELAXED);
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

COP__INLINE void cop__turn_end(struct cop__fault_scope *scope)
{
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        __atomic_store_n(&scope->overflow_sp, 0, __ATOMIC_RELAXED);
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/*
 * Around the runtime's own work in an actor's turn; nests. The fences are for the compiler:
 * they keep the work inside.
 */
COP__INLINE void cop__critical_enter(struct cop__fault_scope *scope)
{
        scope->critical++; /* one instruction: only a handler on this very thread reads it beside us */
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

COP__INLINE void cop__critical_leave(struct cop__fault_scope *scope)
{
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        scope->critical--;
}

#endif
