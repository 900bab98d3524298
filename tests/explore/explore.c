/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Threads that are coroutines, and who of them can go on. See explore.h.
 *
 * A thread of the explorer is a context with a stack of its own. What runs on it may switch stacks itself, as workers do:
 * the explorer only notes where it left it. The variables that are a thread's own lie in the section `explored_locals`
 * (see CMakeLists.txt) and are exchanged at each switch.
 */
#include "tests/explore/explore.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "scheduler/context.h"

#define STACK_SIZE ((size_t)256 << 10)
#define LOCALS_MAX 128

enum state { UNUSED, READY, ASLEEP, ENDED };

struct thread {
        struct cop__context context;
        void *stack;
        void (*run)(void *argument);
        void *argument;
        enum state state;
        const void *sleeps_on;
        uint64_t deadline_ns;
        bool timed_out;
        char locals[LOCALS_MAX];
        const char *where;
        unsigned line;
        /* Of signals. */
        void (*handle)(void *argument);
        void *handle_argument;
        unsigned signals; /* under way */
        bool is_handling;
        const char *interrupted_at;
        void (*go)(void *argument); /* behind the handler; NULL: nothing */
        void *go_argument;
        int error; /* errno, which is one for all here */
};

static struct thread threads[EXPLORE_THREADS];
static unsigned thread_count;
static struct cop__context outside;
static uint64_t now_ns;
static uint32_t steps;
static bool runs;
unsigned explore_running;
bool explore_traces;

/* Absent where nothing of the runtime that has such variables is linked. */
extern char __start_explored_locals[] __attribute__((weak));
extern char __stop_explored_locals[] __attribute__((weak));

/* ---- Failing ------------------------------------------------------------------------- */

void explore_fail(const char *format, ...)
{
        va_list values;
        va_start(values, format);
        printf("explore: thread %u: ", explore_running);
        vprintf(format, values);
        printf("\n");
        va_end(values);
        explore_say_how();
        fflush(stdout);
        _exit(1);
}

static void fail_stuck(void)
{
        for (unsigned i = 0; i < thread_count; i++)
                if (threads[i].state == ASLEEP)
                        printf("explore: thread %u sleeps since %s:%u\n", i,
                               threads[i].where != NULL ? threads[i].where : "its start",
                               threads[i].line);
        explore_fail("nobody can go on, and not all have ended");
}

/* ---- Switching ------------------------------------------------------------------------ */

static size_t locals_size(void)
{
        return (size_t)(__stop_explored_locals - __start_explored_locals);
}

static void leave(struct thread *thread)
{
        if (locals_size() > 0)
                memcpy(thread->locals, __start_explored_locals, locals_size());
}

static void enter(unsigned number)
{
        explore_running = number;
        if (locals_size() > 0)
                memcpy(__start_explored_locals, threads[number].locals, locals_size());
}

static void switch_to(unsigned number)
{
        struct thread *from = &threads[explore_running];
        if (number == explore_running)
                return;
        leave(from);
        from->error = errno;
        enter(number);
        cop__context_switch(&from->context, &threads[number].context);
        errno = from->error;
}

static uint32_t ready_threads(void)
{
        uint32_t ready = 0;
        for (unsigned i = 0; i < thread_count; i++)
                if (threads[i].state == READY)
                        ready |= 1u << i;
        return ready;
}

/* The sleeper whose time comes first, or NULL. */
static struct thread *first_due(void)
{
        struct thread *first = NULL;
        for (unsigned i = 0; i < thread_count; i++) {
                struct thread *thread = &threads[i];
                if (thread->state == ASLEEP && thread->deadline_ns != UINT64_MAX &&
                    (first == NULL || thread->deadline_ns < first->deadline_ns))
                        first = thread;
        }
        return first;
}

static void time_comes(struct thread *thread)
{
        if (thread->deadline_ns > now_ns)
                now_ns = thread->deadline_ns;
        thread->timed_out = true;
        thread->state = READY;
}

/* Somebody who can go on, time passing if it must. */
static unsigned pick(void)
{
        struct thread *due = first_due();
        if (due != NULL && explore_strategy_hurries())
                time_comes(due);
        uint32_t ready = ready_threads();
        if (ready == 0 && due != NULL) {
                time_comes(due);
                ready = ready_threads();
        }
        if (ready == 0)
                fail_stuck();
        return explore_strategy_pick(ready, explore_running);
}

/* ---- Signals ---------------------------------------------------------------------------- */

void explore_interrupt(unsigned number, void (*handle)(void *argument), void *argument)
{
        struct thread *thread = &threads[number];
        if (thread->state == ENDED)
                return;
        thread->handle = handle;
        thread->handle_argument = argument;
        thread->signals++;
        if (thread->state == ASLEEP)
                thread->state = READY;
}

const char *explore_interrupted_at(void)
{
        return threads[explore_running].interrupted_at;
}

void explore_go_by(void (*go)(void *argument), void *argument)
{
        threads[explore_running].go = go;
        threads[explore_running].go_argument = argument;
}

/* What it goes by may go on elsewhere first, and take signals there. */
static void be_interrupted(const char *where)
{
        struct thread *thread = &threads[explore_running];
        if (thread->is_handling || !explore_strategy_delivers())
                return;
        thread->signals--;
        thread->is_handling = true;
        thread->interrupted_at = where;
        thread->handle(thread->handle_argument);
        thread->is_handling = false;
        void (*go)(void *argument) = thread->go;
        thread->go = NULL;
        if (go != NULL)
                go(thread->go_argument);
}

/* ---- Steps ------------------------------------------------------------------------------ */

void explore_step(const char *where, unsigned line)
{
        struct thread *thread = &threads[explore_running];
        thread->where = where;
        thread->line = line;
        if (++steps > EXPLORE_STEPS_MAX)
                explore_fail("no end after %u steps, at %s:%u", steps, where, line);
        explore_memory_step();
        switch_to(pick());
        if (explore_traces)
                printf("%8u  thread %u  %s:%u\n", steps, explore_running, where, line);
        if (threads[explore_running].signals > 0)
                be_interrupted(where);
}

void explore_yield(void)
{
        explore_catch_up();
        uint32_t others = ready_threads() & ~(1u << explore_running);
        struct thread *due = first_due();
        if (++steps > EXPLORE_STEPS_MAX)
                explore_fail("no end after %u steps: thread %u waits for another", steps,
                             explore_running);
        if (others == 0 && due != NULL) {
                time_comes(due);
                others = ready_threads() & ~(1u << explore_running);
        }
        if (others != 0)
                switch_to(explore_strategy_yield_to(others, explore_running));
}

bool explore_sleep(const void *address, uint64_t deadline_ns)
{
        struct thread *thread = &threads[explore_running];
        explore_settle();
        if (deadline_ns <= now_ns)
                return false;
        thread->sleeps_on = address;
        thread->deadline_ns = deadline_ns;
        thread->timed_out = false;
        thread->state = ASLEEP;
        switch_to(pick());
        explore_meet();
        return !thread->timed_out;
}

void explore_wake(const void *address)
{
        bool anybody = false;
        for (unsigned i = 0; i < thread_count; i++)
                anybody |= threads[i].state == ASLEEP && threads[i].sleeps_on == address;
        explore_settle_waking(anybody);
        for (unsigned i = 0; i < thread_count; i++)
                if (threads[i].state == ASLEEP && threads[i].sleeps_on == address)
                        threads[i].state = READY;
}

bool explore_is_inside(void)
{
        return runs;
}

uint64_t explore_clock_ns(void)
{
        return now_ns += 100;
}

/* ---- Beginning and ending ---------------------------------------------------------------- */

static void begin(void *argument)
{
        struct thread *thread = argument;
        thread->run(thread->argument);
        explore_step(__FILE__, __LINE__); /* what it has stored last may be seen late */
        explore_settle();
        thread->state = ENDED;
        explore_wake(thread);
        for (unsigned i = 0; i < thread_count; i++)
                if (threads[i].state != ENDED) {
                        unsigned next = pick();
                        enter(next);
                        cop__context_leave(&thread->context, &threads[next].context);
                }
        cop__context_leave(&thread->context, &outside);
}

unsigned explore_thread(void (*run)(void *argument), void *argument)
{
        if (thread_count == EXPLORE_THREADS)
                explore_fail("more than %d threads", EXPLORE_THREADS);
        unsigned number = thread_count++;
        struct thread *thread = &threads[number];
        if (thread->stack == NULL) {
                thread->stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
                                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                if (thread->stack == MAP_FAILED)
                        abort();
        }
        void *stack = thread->stack;
        *thread = (struct thread){ .stack = stack, .run = run, .argument = argument, .state = READY };
        cop__context_init(&thread->context, stack, STACK_SIZE, begin, thread);
        explore_strategy_thread(number);
        explore_memory_thread(number);
        return number;
}

void explore_join(unsigned number)
{
        while (threads[number].state != ENDED)
                explore_sleep(&threads[number], UINT64_MAX);
        explore_meet();
}

static void run_scenario(void *argument)
{
        const struct explore_scenario *scenario = argument;
        scenario->run();
}

void explore_run(const struct explore_scenario *scenario)
{
        if (locals_size() > LOCALS_MAX)
                explore_fail("more thread-local variables than the explorer has room for");
        thread_count = 0;
        steps = 0;
        now_ns = 1000000000;
        explore_thread(run_scenario, (void *)(uintptr_t)scenario);
        cop__context_adopt(&outside);
        enter(0);
        runs = true;
        cop__context_switch(&outside, &threads[0].context);
        runs = false;
        cop__context_fini(&outside);
}
