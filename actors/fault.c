/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The handler, what it accepts, and how it lands.
 *
 * Every fault takes one of four ways out of on_signal():
 *
 *      chain   not ours: the handler that was there before
 *      end     not ours, and nobody's: report and die, as the default would
 *      stop    in a turn or in the runtime, and not safe to leave: report and die
 *      land    the saved registers are rewritten to call landing()
 *
 * Writable globals: the installation, and the thread's scope. A handler is installed for a
 * process and is given no argument, so there is no other place for them. The installation
 * is changed under its lock; handlers read `previous`, which is only written while no
 * handler of ours is installed for that signal, and `map`, only on threads with a scope,
 * which end before the last uninstall.
 */
#define _GNU_SOURCE
#include "actors/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "actors/abort_words.h"
#include "actors/code_map.h"
#include "actors/fault_judge.h"
#include "actors/fault_report.h"
#include "actors/remains.h"
#include "base/atomic.h"
#include "base/cue.h"
#include "base/jump.h"

#if COP__ASAN
#include <sanitizer/asan_interface.h>
#endif

/* The part of a sigset_t that the kernel has, and saves in a signal's frame. */
#define KERNEL_MASK_SIZE (_NSIG / 8)

/* What the ABI lets a leaf function use below its stack pointer. */
#define RED_ZONE 128

static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT };

static struct installation {
        pthread_mutex_t lock; /* a leaf */
        unsigned count;
        pid_t process; /* that has installed; a copy of it which somebody forks has its handlers and none of its threads */
        struct sigaction previous[COP__COUNT(signals)];
        struct cop__code_map *map;
        const void *abort_words; /* see abort_words.h */
        struct cop__fault_witness *witnesses; /* atomic; changed under the lock, read by the reporter: WITNESS */
        int reporter; /* atomic: the thread that writes the last report; 0: none */
        int dying_by; /* that report's signal, for its alarm */
        const struct cop__fault_refusal *refusal; /* the reporter's: what it is about */
        bool has_begun; /* likewise: that much has been said */
        bool is_cut; /* likewise: another fault has ended it */
        int exit_code; /* atomic: of the process when it dies; 0: it dies by the signal */
        bool has_halted; /* the reporter's */
        bool has_left_remains; /* likewise: a fault on the way there is the end */
        unsigned told; /* likewise: threads that were told to halt */
        uint32_t bystander_count; /* atomic: places taken, and asked for in vain */
        struct cop__bystander bystanders[COP__BYSTANDERS_MAX];
} installation = { .lock = PTHREAD_MUTEX_INITIALIZER };

static COP__THREAD_LOCAL struct cop__fault_scope *current_scope;

COP__NOINLINE struct cop__fault_scope *cop__fault_scope_here(void)
{
        return current_scope;
}

const struct cop__code_map *cop__fault_code_map(void)
{
        return installation.map;
}

static pid_t own_thread(void)
{
        return (pid_t)syscall(SYS_gettid);
}

/* --- dying and chaining ------------------------------------------------------------ */

/* Ends the process by its default action; a core dump shows the frames below this one. */
static COP__NORETURN void die_by(int number)
{
        struct sigaction fallback = { .sa_handler = SIG_DFL };
        sigset_t mask;
        sigaction(number, &fallback, NULL);
        sigemptyset(&mask);
        sigaddset(&mask, number);
        pthread_sigmask(SIG_UNBLOCK, &mask, NULL);
        syscall(SYS_tgkill, getpid(), own_thread(), number);
        _exit(128 + number);
}

/* By the code that a node has asked for, else by the signal; the core is the same. Without memory for a copy the core is worth more. */
static COP__NORETURN void die(int number)
{
        int code = cop__load_relaxed(&installation.exit_code);
        pid_t copy = 0;
        if (code == 0)
                die_by(number);
        if (installation.has_left_remains || !cop__remains_are_wanted())
                _exit(code);
        installation.has_left_remains = true;
        alarm(0); /* a large core takes its time */
        cop__fault_halt_threads();
        if (!cop__remains_leave(number, die_by, installation.told, &copy))
                die_by(number);
        cop__fault_report_core(copy);
        _exit(code);
}

static void report_took_too_long(int unused)
{
        (void)unused;
        die(installation.dying_by);
}

/* Looking for names may wait for a lock that is never released: that must not go on. */
static void limit_the_report(int number)
{
        struct sigaction action = { .sa_handler = report_took_too_long };
        sigset_t mask;
        installation.dying_by = number;
        sigaction(SIGALRM, &action, NULL);
        sigemptyset(&mask);
        sigaddset(&mask, SIGALRM);
        pthread_sigmask(SIG_UNBLOCK, &mask, NULL);
        alarm(COP__FAULT_REPORT_S);
}

/* Whoever read the report may be gone, and the dump be larger than a file may: that ends neither, nor the process in another way. */
static void bear_what_cannot_be_written(void)
{
        struct sigaction action = { .sa_handler = SIG_IGN };
        sigaction(SIGPIPE, &action, NULL);
        sigaction(SIGXFSZ, &action, NULL);
}

/* Only one thread reports. Another that faults meanwhile waits to die with it. */
static bool is_first_to_report(void)
{
        int nobody = 0;
        int self = own_thread();
        if (cop__cas_seq(&installation.reporter, &nobody, self)) /* WITNESS */
                return true;
        if (nobody != self)
                COP__CUE("fault.second");
        while (nobody != self)
                pause();
        return false;
}

static void call_witnesses(struct cop__fault_scope *scope, const struct cop__fault_refusal *refusal)
{
        struct cop__fault_witness *witness = cop__load_seq(&installation.witnesses); /* WITNESS */
        for (; witness != NULL; witness = cop__load_seq(&witness->next))
                witness->stopped(scope, refusal, witness->context);
}

/* The report itself faulted. It ends here, with what is certain: whose the first fault was. */
static COP__NORETURN void cut_the_report(struct cop__fault_scope *scope, const struct cop__fault_refusal *second)
{
        if (!installation.is_cut) {
                installation.is_cut = true;
                if (!installation.has_begun)
                        cop__fault_report_begin(&scope->fault, installation.refusal, NULL);
                cop__fault_report_cut(second->why);
                cop__fault_report_end(cop__load_relaxed(&installation.exit_code));
        }
        die(scope->fault.signal);
}

static COP__NORETURN void stop(struct cop__fault_scope *scope,
                               const struct cop__fault_refusal *refusal, const ucontext_t *context)
{
        char actor[128] = "";
        int number = scope->fault.signal;
        if (!is_first_to_report())
                cut_the_report(scope, refusal);
        limit_the_report(number);
        bear_what_cannot_be_written();
        installation.refusal = refusal;
        if (scope->describe && refusal->blame != COP__BLAME_OUTSIDE)
                scope->describe(actor, sizeof actor, scope->describe_context);
        installation.has_begun = true;
        cop__fault_report_begin(&scope->fault, refusal, actor);
        cop__fault_report_frames(&scope->fault, refusal->is_stack_lost ? NULL : context);
        call_witnesses(scope, refusal);
        cop__fault_report_end(cop__load_relaxed(&installation.exit_code));
        die(number);
}

/* The frames of the first fault are not walked again: that may be what failed. */
static COP__NORETURN void stop_again(struct cop__fault_scope *scope, const siginfo_t *info,
                       const ucontext_t *context)
{
        char why[160];
        struct cop__words words = { .text = why, .size = sizeof why };
        cop__words_add(&words, "a second fault followed while it was being handled: ");
        cop__words_add(&words, cop__fault_signal_name(info->si_signo));
        cop__words_add(&words, " at pc ");
        cop__words_add_hex(&words, cop__context_pc(context));
        struct cop__fault_refusal refusal = {
                .blame = COP__BLAME_PROGRAM,
                .why = why,
                .is_stack_lost = true,
        };
        stop(scope, &refusal, context);
}

/* Of one of ours: nobody asks for another. */
static struct sigaction *previous_of(int number)
{
        size_t i = 0;
        while (signals[i] != number)
                i++;
        return &installation.previous[i];
}

/* Would the kernel have ended the process by it? */
static bool is_the_end(int number, const siginfo_t *info)
{
        const struct sigaction *previous = previous_of(number);
        bool is_sent = info->si_code <= 0;
        if (previous->sa_flags & SA_SIGINFO)
                return false;
        return previous->sa_handler == SIG_DFL || (previous->sa_handler == SIG_IGN && !is_sent);
}

/* Hands a signal on as the kernel would have: its mask, its flags, its one argument or three. */
static void chain(int number, siginfo_t *info, void *context)
{
        struct sigaction *previous = previous_of(number);
        struct sigaction before = *previous;
        bool has_no_function = !(before.sa_flags & SA_SIGINFO);
        if (is_the_end(number, info))
                die(number);
        if (has_no_function && before.sa_handler == SIG_IGN)
                return;
        if (before.sa_flags & (int)SA_RESETHAND) {
                previous->sa_handler = SIG_DFL;
                previous->sa_flags &= ~SA_SIGINFO;
        }
        sigset_t mask = before.sa_mask;
        if (!(before.sa_flags & SA_NODEFER))
                sigaddset(&mask, number);
        pthread_sigmask(SIG_BLOCK, &mask, NULL); /* the kernel restores it when we return */
        if (before.sa_flags & SA_SIGINFO)
                before.sa_sigaction(number, info, context);
        else
                before.sa_handler(number);
}

/* --- whose doing ----------------------------------------------------------------- */

/* abort() and raise() are a tgkill of oneself: its arguments are still in the registers. */
static bool is_raised_here(const siginfo_t *info, const ucontext_t *context)
{
        if (info->si_code != SI_TKILL || info->si_pid != getpid())
                return false;
#if defined(__x86_64__)
        const greg_t *registers = context->uc_mcontext.gregs;
        greg_t self = own_thread();
        bool by_tgkill = registers[REG_RSI] == self && registers[REG_RDX] == info->si_signo;
        bool by_tkill = registers[REG_RDI] == self && registers[REG_RSI] == info->si_signo;
        return by_tgkill || by_tkill;
#elif defined(__aarch64__)
        const unsigned long long *registers = context->uc_mcontext.regs;
        unsigned long long self = (unsigned long long)own_thread();
        unsigned long long number = (unsigned long long)info->si_signo;
        if (registers[8] == SYS_tgkill)
                return registers[1] == self && registers[2] == number;
        return registers[8] == SYS_tkill && registers[1] == number;
#else
        (void)context;
        return true;
#endif
}

/* Made by what this thread executed, not sent by someone, nor set up by a debugger. */
static bool is_own_doing(const siginfo_t *info, const ucontext_t *context)
{
        if (info->si_signo == SIGABRT)
                return is_raised_here(info, context);
        if (info->si_signo == SIGTRAP)
                return info->si_code == SI_KERNEL || info->si_code == TRAP_BRKPT;
        return info->si_code > 0;
}

static void record_fault(struct cop__fault_scope *scope, const siginfo_t *info,
                         const ucontext_t *context)
{
        struct cop__fault *fault = &scope->fault;
        bool has_address = info->si_signo == SIGSEGV || info->si_signo == SIGBUS;
        uintptr_t pc = cop__context_pc(context);
        fault->signal = info->si_signo;
        fault->code = info->si_code;
        fault->pc = (void *)pc;
        fault->address = has_address ? (uintptr_t)info->si_addr : pc;
        fault->stack_overflow = info->si_signo == SIGSEGV && scope->overflow_sp != 0
                                && cop__fault_is_guarded(scope, fault->address);
        fault->culprit = 0;
        fault->backtrace.depth = 0;
        fault->said[0] = '\0';
        if (info->si_signo == SIGABRT)
                cop__abort_words_copy(installation.abort_words, fault->said, sizeof fault->said);
        cop__fault_put_words(fault, context);
}

/* --- landing ----------------------------------------------------------------------- */

/* The actor may have left a full x87 stack, traps unmasked, or another rounding. */
static void keep_float_control(struct cop__fault_scope *scope)
{
#if defined(__x86_64__)
        uint16_t x87;
        __asm__ __volatile__("stmxcsr %0" : "=m"(scope->float_control[0]));
        __asm__ __volatile__("fnstcw %0" : "=m"(x87));
        scope->float_control[1] = x87;
#elif defined(__aarch64__)
        uint64_t fpcr;
        __asm__ __volatile__("mrs %0, fpcr" : "=r"(fpcr));
        scope->float_control[0] = (uint32_t)fpcr;
#else
        (void)scope;
#endif
}

void cop__fault_restore_float(const struct cop__fault_scope *scope)
{
#if defined(__x86_64__)
        uint32_t mxcsr = scope->float_control[0] & ~UINT32_C(0x3f); /* less its sticky flags */
        uint16_t x87 = (uint16_t)scope->float_control[1];
        __asm__ __volatile__("fninit\n\tfldcw %0\n\tldmxcsr %1" : : "m"(x87), "m"(mxcsr));
#elif defined(__aarch64__)
        uint64_t fpcr = scope->float_control[0];
        __asm__ __volatile__("msr fpcr, %0\n\tmsr fpsr, xzr" : : "r"(fpcr));
#else
        (void)scope;
#endif
}

/* Where the thread goes on when the handler has returned. Its caller is nobody. */
static COP__NORETURN void landing(struct cop__fault_scope *scope)
{
        cop__fault_restore_float(scope);
        scope->land(&scope->fault, scope->land_context);
        __builtin_trap(); /* land came back: outside a turn, so this stops the process */
}

static uintptr_t landing_sp(const struct cop__fault_scope *scope, uintptr_t sp, uintptr_t top)
{
        bool has_room = sp >= RED_ZONE + COP__FAULT_LANDING_ROOM
                        && sp - RED_ZONE - COP__FAULT_LANDING_ROOM >= scope->stack_low;
        uintptr_t from = scope->fault.stack_overflow || !has_room ? top : sp - RED_ZONE;
        return from & ~(uintptr_t)15;
}

/* Rewrites what the return from the signal loads: a call of landing(scope). */
static void redirect(ucontext_t *context, struct cop__fault_scope *scope, uintptr_t top)
{
        uintptr_t sp = landing_sp(scope, cop__context_sp(context), top);
#if COP__ASAN
        /* The frames thrown away never clear their marks. */
        uintptr_t low = cop__context_sp(context);
        if (low < scope->stack_low)
                low = scope->stack_low;
        ASAN_UNPOISON_MEMORY_REGION((void *)low, top - low);
#endif
        memcpy(&context->uc_sigmask, &scope->mask, KERNEL_MASK_SIZE);
#if defined(__x86_64__)
        enum { DIRECTION = 0x400, SINGLE_STEP = 0x100, ALIGNMENT = 0x40000 };
        greg_t *registers = context->uc_mcontext.gregs;
        sp -= sizeof(uintptr_t);
        memset((void *)sp, 0, sizeof(uintptr_t)); /* the return address */
        registers[REG_RSP] = (greg_t)sp;
        registers[REG_RBP] = 0;
        registers[REG_RIP] = (greg_t)(uintptr_t)landing;
        registers[REG_RDI] = (greg_t)(uintptr_t)scope;
        registers[REG_EFL] &= ~(greg_t)(DIRECTION | SINGLE_STEP | ALIGNMENT);
#elif defined(__aarch64__)
        enum { BRANCH_TYPE = 3 << 10 };
        context->uc_mcontext.sp = sp;
        context->uc_mcontext.pc = (uintptr_t)landing;
        context->uc_mcontext.regs[0] = (uintptr_t)scope;
        context->uc_mcontext.regs[29] = 0;
        context->uc_mcontext.regs[30] = 0;
        context->uc_mcontext.pstate &= ~(unsigned long long)BRANCH_TYPE;
#else
        (void)sp; /* the judge lets nothing come here */
        (void)landing;
#endif
}

static bool is_order_to_halt(const siginfo_t *info)
{
        return info->si_signo == SIGTRAP && info->si_code == SI_TKILL && info->si_pid == getpid() &&
               cop__load_acquire(&installation.reporter) != 0;
}

/* A place for the thread's backtrace; with none left it halts without. */
static void stand_by(const ucontext_t *context)
{
        uint32_t at = cop__add_relaxed(&installation.bystander_count, 1);
        if (at >= COP__BYSTANDERS_MAX)
                return;
        struct cop__bystander *bystander = &installation.bystanders[at];
        bystander->thread = own_thread();
        cop__backtrace_from(&bystander->backtrace, context);
        cop__store_release(&bystander->is_there, 1); /* HALT */
}

/* One that was about to report a fault of its own has that fault's frames already. */
static COP__NORETURN void halt(struct cop__fault_scope *scope, const ucontext_t *context)
{
        if (!scope)
                stand_by(context);
        else if (!scope->handling)
                cop__backtrace_from(&scope->fault.backtrace, context);
        if (scope)
                cop__store_release(&scope->halted, 1); /* HALT */
        cop__remains_stay();
}

/* An entry of /proc/self/task, as the kernel writes it; opendir would allocate. */
struct entry {
        uint64_t inode, offset;
        unsigned short size;
        unsigned char type;
        char name[];
};

static int number_in(const char *name)
{
        int number = 0;
        for (; *name >= '0' && *name <= '9'; name++)
                number = 10 * number + (*name - '0');
        return *name == '\0' ? number : 0;
}

static unsigned halt_those_in(const char *entries, long size)
{
        unsigned told = 0;
        for (long at = 0; at < size; at += ((const struct entry *)(const void *)(entries + at))->size) {
                int thread = number_in(((const struct entry *)(const void *)(entries + at))->name);
                if (thread > 0 && thread != own_thread())
                        told += syscall(SYS_tgkill, getpid(), thread, SIGTRAP) == 0;
        }
        return told;
}

bool cop__fault_free_descriptor(int error)
{
        if (error != EMFILE && error != ENFILE)
                return false;
        /* Where it is all processes together that have too many open, the others' are not closed by that. */
        if (error == EMFILE && syscall(SYS_unshare, CLONE_FILES) == 0)
                syscall(SYS_close_range, STDERR_FILENO + 1, ~0u, 0);
        bool is_free = close(STDIN_FILENO) == 0;
        COP__CUE("fault.has_freed_descriptor");
        return is_free;
}

static int open_tasks(void)
{
        int tasks = -1;
        for (unsigned tries = 0; tasks < 0 && tries < COP__FAULT_OPEN_TRIES; tries++) {
                tasks = open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                if (tasks < 0 && !cop__fault_free_descriptor(errno))
                        break;
        }
        return tasks;
}

unsigned cop__fault_halt_threads(void)
{
        _Alignas(struct entry) char entries[1024];
        unsigned told = 0;
        if (installation.has_halted)
                return 0;
        installation.has_halted = true;
        int tasks = open_tasks();
        for (long got = 1; tasks >= 0 && got > 0; told += got > 0 ? halt_those_in(entries, got) : 0)
                got = syscall(SYS_getdents64, tasks, entries, sizeof entries);
        if (tasks >= 0)
                close(tasks);
        installation.told = told;
        return told;
}

const struct cop__bystander *cop__fault_bystander(unsigned at)
{
        if (at >= COP__BYSTANDERS_MAX || !cop__load_acquire(&installation.bystanders[at].is_there)) /* HALT */
                return NULL;
        return &installation.bystanders[at];
}

/* --- the handler --------------------------------------------------------------------- */

static const struct cop__fault_refusal not_an_actors = {
        .blame = COP__BLAME_PROGRAM,
        .why = "it happened on a thread that runs no actors",
};
static const struct cop__fault_refusal from_outside = {
        .blame = COP__BLAME_OUTSIDE,
        .why = "the signal was sent, and is no fault of who runs here",
};

/* The process ends by what is no actor's doing. A thread that has no scope gets one for what is left of its life. */
static COP__NORETURN void end_process(struct cop__fault_scope *scope, const siginfo_t *info,
                                      const ucontext_t *context)
{
        struct cop__fault_scope guest;
        if (!scope) {
                memset(&guest, 0, sizeof guest);
                scope = &guest;
                current_scope = &guest;
        }
        bool is_own = is_own_doing(info, context);
        scope->handling = true;
        record_fault(scope, info, context);
        if (!is_own)
                cop__fault_put_sender(&scope->fault, info->si_pid, info->si_uid);
        cop__backtrace_from(&scope->fault.backtrace, context);
        stop(scope, is_own ? &not_an_actors : &from_outside, context);
}

/*
 * In a process that an actor, or whoever, has forked: there the actor's scope and its worker's loop are copies, and to go on in
 * them would be a second node that has the first one's files and sockets. So the process ends as any other, or as the program's own
 * handlers will have it.
 */
static COP__COLD void on_signal_in_copy(int number, siginfo_t *info, void *context)
{
        if (is_the_end(number, info))
                die_by(number);
        chain(number, info, context);
}

static void on_signal(int number, siginfo_t *info, void *opaque)
{
        int saved_errno = errno;
        struct cop__fault_scope *scope = current_scope;
        ucontext_t *context = opaque;
        if (COP__UNLIKELY(getpid() != installation.process)) {
                on_signal_in_copy(number, info, opaque);
                errno = saved_errno;
                return;
        }
        if (is_order_to_halt(info))
                halt(scope, context);
        if (!scope || !is_own_doing(info, context)) {
                if (cop__load_seq(&installation.witnesses) && is_the_end(number, info))
                        end_process(scope, info, context);
                chain(number, info, opaque);
                errno = saved_errno;
                return;
        }
        if (scope->handling && scope->rescue)
                cop__jump(*scope->rescue, 1);
        if (scope->handling)
                stop_again(scope, info, context);
        scope->handling = true;
        record_fault(scope, info, context);
        const struct cop__code_map *map = installation.map;
        const struct cop__fault_refusal *refusal = cop__fault_judge(scope, map, context);
        if (refusal)
                stop(scope, refusal, context);
        uintptr_t top = scope->overflow_sp;
        cop__turn_end(scope);
        redirect(context, scope, top);
        scope->handling = false;
}

/* --- installing -------------------------------------------------------------------- */

static bool is_installed(size_t index)
{
        struct sigaction now;
        return sigaction(signals[index], NULL, &now) == 0 && now.sa_flags & SA_SIGINFO
               && now.sa_sigaction == on_signal;
}

/* One that somebody has replaced since stays theirs; they may still hand signals on to us. */
static void restore_handlers(size_t count)
{
        for (size_t i = 0; i < count; i++)
                if (is_installed(i))
                        sigaction(signals[i], &installation.previous[i], NULL);
}

static cop_status install_handlers(void)
{
        struct sigaction action = {
                .sa_sigaction = on_signal,
                .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER,
        };
        sigemptyset(&action.sa_mask);
        for (size_t i = 0; i < COP__COUNT(signals); i++) {
                struct sigaction previous;
                if (is_installed(i))
                        continue; /* handed back to us after an uninstall: previous is right */
                if (sigaction(signals[i], NULL, &previous) != 0) {
                        restore_handlers(i);
                        return COP_E_SYSTEM;
                }
                installation.previous[i] = previous;
                if (sigaction(signals[i], &action, NULL) != 0) {
                        restore_handlers(i);
                        return COP_E_SYSTEM;
                }
        }
        return COP_OK;
}

static cop_status install_first(void)
{
        installation.process = getpid();
        cop__backtrace_prime();
        installation.abort_words = cop__abort_words_find();
        installation.map = cop__code_map_new();
        if (!installation.map)
                return COP_E_NO_MEMORY;
        cop_status status = install_handlers();
        if (status == COP_OK)
                return COP_OK;
        cop__code_map_free(installation.map);
        installation.map = NULL;
        return status;
}

cop_status cop__fault_install(void)
{
        cop_status status = COP_OK;
        pthread_mutex_lock(&installation.lock);
        if (installation.count == 0)
                status = install_first();
        if (status == COP_OK)
                installation.count++;
        pthread_mutex_unlock(&installation.lock);
        return status;
}

void cop__fault_uninstall(void)
{
        pthread_mutex_lock(&installation.lock);
        if (installation.count > 0 && --installation.count == 0) {
                restore_handlers(COP__COUNT(signals));
                cop__code_map_free(installation.map);
                installation.map = NULL;
                cop__store_relaxed(&installation.exit_code, 0);
        }
        pthread_mutex_unlock(&installation.lock);
}

void cop__fault_end_with(int code)
{
        cop__store_relaxed(&installation.exit_code, code);
}

void cop__fault_forget(void)
{
        pthread_mutex_init(&installation.lock, NULL); /* somebody may have held it */
        installation.count = 0;
        installation.map = NULL;
        installation.witnesses = NULL;
        installation.reporter = 0;
        installation.has_begun = false;
        installation.is_cut = false;
        cop__store_relaxed(&installation.exit_code, 0);
        current_scope = NULL;
}

void cop__fault_witness_add(struct cop__fault_witness *witness)
{
        pthread_mutex_lock(&installation.lock);
        cop__store_relaxed(&witness->next, installation.witnesses); /* seen through the store below */
        cop__store_seq(&installation.witnesses, witness);
        pthread_mutex_unlock(&installation.lock);
}

void cop__fault_witness_remove(struct cop__fault_witness *witness)
{
        pthread_mutex_lock(&installation.lock);
        struct cop__fault_witness **link = &installation.witnesses;
        while (*link != witness)
                link = &(*link)->next;
        cop__store_seq(link, witness->next); /* WITNESS */
        pthread_mutex_unlock(&installation.lock);
        while (cop__load_seq(&installation.reporter) != 0) { /* WITNESS */
                COP__CUE("fault.witness_removed");
                pause();
        }
}

/* --- a thread ---------------------------------------------------------------------- */

cop_status cop__fault_stack_map(struct cop__fault_scope *scope)
{
        size_t guard = (size_t)sysconf(_SC_PAGESIZE);
        size_t size = guard + COP__FAULT_STACK_SIZE;
        char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
        if (memory == MAP_FAILED)
                return COP_E_NO_MEMORY;
        if (mprotect(memory, guard, PROT_NONE) != 0) {
                munmap(memory, size);
                return COP_E_NO_MEMORY; /* for one more mapping */
        }
        scope->memory = memory;
        scope->memory_size = size;
        return COP_OK;
}

void cop__fault_stack_unmap(struct cop__fault_scope *scope)
{
        if (scope->memory == NULL)
                return;
        munmap(scope->memory, scope->memory_size);
        scope->memory = NULL;
}

cop_status cop__fault_thread_start(struct cop__fault_scope *scope)
{
        cop_status status = scope->memory != NULL ? COP_OK : cop__fault_stack_map(scope);
        if (status != COP_OK)
                return status;
        stack_t stack = { .ss_sp = (char *)scope->memory + scope->memory_size - COP__FAULT_STACK_SIZE,
                          .ss_size = COP__FAULT_STACK_SIZE };
        if (sigaltstack(&stack, &scope->previous_stack) != 0) {
                cop__fault_stack_unmap(scope);
                return COP_E_SYSTEM;
        }
        cop__store_relaxed(&scope->overflow_sp, 0);
        scope->critical = 0;
        cop__store_relaxed(&scope->calm, 0);
        scope->handling = false;
        scope->rescue = NULL;
        cop__store_relaxed(&scope->halted, 0);
        pthread_sigmask(SIG_SETMASK, NULL, &scope->mask);
        keep_float_control(scope);
        current_scope = scope;
        return COP_OK;
}

void cop__fault_scope_share(struct cop__fault_scope *scope, const struct cop__fault_scope *started)
{
        scope->mask = started->mask;
        memcpy(scope->float_control, started->float_control, sizeof(scope->float_control));
}

COP__NOINLINE void cop__fault_scope_use(struct cop__fault_scope *scope)
{
        current_scope = scope;
}

void cop__fault_thread_stop(struct cop__fault_scope *scope)
{
        if (!scope->memory)
                return;
        current_scope = NULL;
        sigaltstack(&scope->previous_stack, NULL);
        cop__fault_stack_unmap(scope);
}
