/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Signals between the explorer's threads, and the watch that sends them (scheduler/watch.h, actors/preempt.h), where a scenario keeps it
 * (explore_keeps_watch). The handler is the runtime's own, and is called on the worker's thread at one of its next steps, whatever that is in the middle
 * of; a detour is a call behind it. Where a step is says what ground it is on:
 *
 *      of the scenario's own file (explore_program)     the program's code
 *      explore_wait_in_call                             a function of the C library that waits
 *      all others                                       the runtime's
 *
 * and above that nothing but the runtime. A thread that is not asleep has the processor, as the watch sees it. See machine.c.
 */
#define _GNU_SOURCE /* pthread_getcpuclockid */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "actors/actor.h"
#include "actors/ground.h"
#include "scheduler/detour.h"
#include "scheduler/watch.h"
#include "tests/explore/explore.h"

bool explore_keeps_watch;
const char *explore_program;
const struct cop__watch_hooks *(*explore_watch_hooks)(const struct cop__watch_hooks *hooks);

static const char in_call[] = "a call that waits";

enum { OPEN = 0x1000, WAITS = 0x2000, OWN = 0x3000 };

int __wrap_pthread_kill(pthread_t handle, int number);
int __wrap_pthread_getcpuclockid(pthread_t handle, clockid_t *clock);
struct cop__grounds *__wrap_cop__grounds_new(const struct cop__code_map *map);
void __wrap_cop__grounds_free(struct cop__grounds *grounds);
enum cop__ground __wrap_cop__ground_of(const struct cop__grounds *grounds, uintptr_t pc);
bool __wrap_cop__ground_waits(const struct cop__grounds *grounds, uintptr_t pc);
uintptr_t __wrap_cop__context_pc(const ucontext_t *context);
uintptr_t __wrap_cop__context_sp(const ucontext_t *context);
void __wrap_cop__backtrace_walk(const ucontext_t *context, cop__frame_visit *visit, void *visitor);
void __wrap_cop__backtrace_from(struct cop__backtrace *backtrace, const ucontext_t *context);
struct cop__fault_scope *__wrap_cop__fault_scope_here(void);
void __wrap_cop__fault_restore_float(const struct cop__fault_scope *scope);
bool __wrap_cop__detour_is_possible(void);
bool __wrap_cop__detour(ucontext_t *context, siginfo_t *info, uintptr_t low, void (*go)(void *), void *argument);
cop_status __real_cop__watch_start(struct cop__watch *watch, struct cop__scheduler *scheduler, uint64_t slice_ns, uint64_t long_ns,
                                   const struct cop__watch_hooks *hooks);
cop_status __wrap_cop__watch_start(struct cop__watch *watch, struct cop__scheduler *scheduler, uint64_t slice_ns, uint64_t long_ns,
                                   const struct cop__watch_hooks *hooks);

/* In all other scenarios nothing takes long in virtual time. */
cop_status __wrap_cop__watch_start(struct cop__watch *watch, struct cop__scheduler *scheduler, uint64_t slice_ns, uint64_t long_ns,
                                   const struct cop__watch_hooks *hooks)
{
        if (!explore_keeps_watch)
                return COP_OK;
        return __real_cop__watch_start(watch, scheduler, slice_ns, long_ns,
                                       explore_watch_hooks != NULL ? explore_watch_hooks(hooks) : hooks);
}

/* ---- Sending --------------------------------------------------------------------------------- */

/* As the kernel tells of one that was sent to a thread of this very process. */
static void handle(void *argument)
{
        int number = (int)(intptr_t)argument;
        struct sigaction action;
        siginfo_t info = { .si_signo = number, .si_code = SI_TKILL };
        ucontext_t context;
        memset(&context, 0, sizeof(context));
        info.si_pid = getpid();
        EXPLORE_ASSERT(sigaction(number, NULL, &action) == 0 && (action.sa_flags & SA_SIGINFO));
        action.sa_sigaction(number, &info, &context);
}

int __wrap_pthread_kill(pthread_t handle_of, int number)
{
        explore_step("a signal is sent", 0);
        explore_interrupt((unsigned)handle_of, handle, (void *)(intptr_t)number);
        return 0;
}

/* Its thread has had the processor all the time: the clock is that of all. */
int __wrap_pthread_getcpuclockid(pthread_t handle_of, clockid_t *clock)
{
        (void)handle_of;
        *clock = CLOCK_MONOTONIC;
        return 0;
}

void explore_wait_in_call(void)
{
        explore_step(in_call, 0);
}

/* ---- Where it is ------------------------------------------------------------------------------- */

static uintptr_t interrupted_at(void)
{
        const char *where = explore_interrupted_at();
        if (where == in_call)
                return WAITS;
        return explore_program != NULL && strcmp(where, explore_program) == 0 ? OPEN : OWN;
}

struct cop__grounds *__wrap_cop__grounds_new(const struct cop__code_map *map)
{
        static char grounds;
        (void)map;
        return (struct cop__grounds *)(void *)&grounds;
}

void __wrap_cop__grounds_free(struct cop__grounds *grounds)
{
        (void)grounds;
}

enum cop__ground __wrap_cop__ground_of(const struct cop__grounds *grounds, uintptr_t pc)
{
        (void)grounds;
        return pc == OWN ? COP__GROUND_OWN : pc == WAITS ? COP__GROUND_CLOSED : COP__GROUND_OPEN;
}

bool __wrap_cop__ground_waits(const struct cop__grounds *grounds, uintptr_t pc)
{
        (void)grounds;
        return pc == WAITS;
}

uintptr_t __wrap_cop__context_pc(const ucontext_t *context)
{
        (void)context;
        return interrupted_at();
}

uintptr_t __wrap_cop__context_sp(const ucontext_t *context)
{
        return (uintptr_t)context; /* on the stack that was interrupted */
}

/* The instruction, the program's function, and the runtime's that has called it. */
void __wrap_cop__backtrace_walk(const ucontext_t *context, cop__frame_visit *visit, void *visitor)
{
        uintptr_t sp = (uintptr_t)context, at = interrupted_at();
        struct cop__frame frames[] = { { at, sp, true }, { OPEN, sp, true }, { OWN, sp, true }, { OWN, UINTPTR_MAX, true } };
        for (size_t i = at == OWN ? 2 : 0; i < COP__COUNT(frames); i++)
                if (!visit(&frames[i], visitor))
                        return;
}

void __wrap_cop__backtrace_from(struct cop__backtrace *backtrace, const ucontext_t *context)
{
        (void)context;
        backtrace->depth = 0;
}

/* ---- What comes of it ---------------------------------------------------------------------------- */

struct cop__fault_scope *__wrap_cop__fault_scope_here(void)
{
        struct cop__thread *thread = cop__thread_here();
        return thread != NULL && thread->upper != NULL ? &cop__here_of(thread)->fault : NULL;
}

void __wrap_cop__fault_restore_float(const struct cop__fault_scope *scope)
{
        (void)scope;
}

bool __wrap_cop__detour_is_possible(void)
{
        return explore_keeps_watch;
}

bool __wrap_cop__detour(ucontext_t *context, siginfo_t *info, uintptr_t low, void (*go)(void *), void *argument)
{
        (void)context;
        (void)info;
        (void)low;
        explore_go_by(go, argument);
        return true;
}
