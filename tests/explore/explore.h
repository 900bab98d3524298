/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The explorer: the very source of the lock-free protocols under schedules that are chosen at every atomic step.
 *
 * The runtime is compiled a second time, with base/atomic.h's operations replaced (atomics.h), Concurrency Kit's too
 * (port/ck_pr.h), and with what it asks of the system linked to stand-ins (machine.c). All its threads are then
 * coroutines of one thread, and each atomic operation first asks which of them goes on:
 *
 *      thread 0   ──load──┐         ┌──exchange──┐
 *      thread 1           └──store──┘            └──load── ...        one schedule, told by its seed
 *
 *      explore.c    threads, sleep and wake, virtual time
 *      strategy.c   who goes on: at random, by random priorities (PCT), or each way in turn (exhaust)
 *      memory.c     stores that others do not see yet
 *      history.c    what a thread may read, by the orders that the source has
 *      signals.c    what interrupts a thread at a step
 *      main.c       schedules by the thousand; the seed and the command that bring a failure back
 *
 * A scenario is written like a test:
 *
 *      SCENARIO(a_message_that_was_pushed_is_taken)
 *      {
 *              explore_thread(sends, &queue);
 *              ...
 *              EXPLORE_ASSERT(taken == sent);
 *      }
 *
 * It is thread 0, and it has failed when an assertion does not hold, when nobody can go on though somebody has not
 * ended, when it takes a million steps, or when it crashes. It must do the same each time it is given the same schedule.
 */
#ifndef TESTS_EXPLORE_EXPLORE_H
#define TESTS_EXPLORE_EXPLORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

/* ---- For scenarios ------------------------------------------------------------------ */

struct explore_scenario {
        const char *name;
        void (*run)(void);
        struct explore_scenario *next;
};

void explore_register(struct explore_scenario *scenario);

#define SCENARIO(title)                                                                   \
        static void explored_##title(void);                                               \
        static struct explore_scenario scenario_##title = { #title, explored_##title, NULL }; \
        __attribute__((constructor)) static void register_##title(void)                   \
        {                                                                                 \
                explore_register(&scenario_##title);                                      \
        }                                                                                 \
        static void explored_##title(void)

/* Another thread, which may go on from the next step; its number. `argument` is borrowed until it has ended. */
unsigned explore_thread(void (*run)(void *argument), void *argument);

/* Until that thread has ended. */
void explore_join(unsigned thread);

/* Off: what comes now is not what the scenario is about, and is hardly interrupted. It begins on. */
void explore_focus(bool on);

/* The claim does not hold under this schedule. */
COP__NORETURN COP__PRINTF(1, 2) void explore_fail(const char *format, ...);

#define EXPLORE_ASSERT(condition)                                                  \
        ((condition) ? (void)0 : explore_fail("%s:%d: %s", __FILE__, __LINE__, #condition))

/* The running thread finds what was stored there last: whoever did that has released it, and this thread has acquired it, by whatever way. */
#define EXPLORE_SEES(object)                                               \
        do {                                                               \
                __typeof__(object) found = cop__load_relaxed(&(object));   \
                EXPLORE_ASSERT(found == (object));                         \
        } while (0)

/* ---- For what stands in for the system ------------------------------------------------ */

/* A step: here another thread may go on. `where` is shown by --trace. */
void explore_step(const char *where, unsigned line);

/* This thread waits for another: let others go on first, and what they have stored be seen. It hides what happens when nobody else goes
 * on and a store is late, so it is only for a spin that would go on without end then. */
void explore_yield(void);

/* Sleeps on an address, until woken or until the time has come (UINT64_MAX: never): then false. */
bool explore_sleep(const void *address, uint64_t deadline_ns);

/* All that sleep there can go on. */
void explore_wake(const void *address);

/* A schedule runs: outside of one, between two or before, nobody is anybody's thread. */
bool explore_is_inside(void);

/* Set before the first schedule: parking places are those of scheduler/park.c, over what system.c has for the system, and no stand-ins. */
extern bool explore_keeps_park;

/* Virtual: moves when it is read, and to the first sleeper's deadline when nobody can go on. */
uint64_t explore_clock_ns(void);

/* ---- Signals (signals.c) ---------------------------------------------------------------- */

/* `handle` is called on that thread, at one of its next steps; those that it takes itself are not interrupted. One that sleeps wakes up. */
void explore_interrupt(unsigned thread, void (*handle)(void *argument), void *argument);

/* In such a call: where the step is at which it came; and what is called when it has returned, with signals as before. */
const char *explore_interrupted_at(void);
void explore_go_by(void (*go)(void *argument), void *argument);

/* Set before the first schedule: there is a watch, and it interrupts; the steps of that file are in the program's own code; and what it is
 * told to call instead of what the node has for it. */
struct cop__watch_hooks;
extern bool explore_keeps_watch;
extern const char *explore_program;
extern const struct cop__watch_hooks *(*explore_watch_hooks)(const struct cop__watch_hooks *hooks);

/* A step within a function of the C library that does nothing but wait. */
void explore_wait_in_call(void);

/* ---- The memory (memory.c) -------------------------------------------------------------- */

/* Enough of the C11 orders: whether stores before it must be seen first, and whether it is seen itself at once. */
enum explore_order {
        EXPLORE_RELAXED,
        EXPLORE_ACQUIRE,
        EXPLORE_RELEASE,
        EXPLORE_ACQ_REL,
        EXPLORE_SEQ,
        EXPLORE_FULL, /* a read-modify-write that is a fence on both sides, as on x86-64 */
};

uint64_t explore_load(const void *object, size_t size, enum explore_order order, const char *where, unsigned line);
void explore_store(void *object, size_t size, uint64_t value, enum explore_order order,
                   const char *where, unsigned line);
/* Read-modify-writes: the old value. */
enum explore_change { EXPLORE_EXCHANGE, EXPLORE_ADD, EXPLORE_OR, EXPLORE_AND, EXPLORE_XOR };
uint64_t explore_change(void *object, size_t size, enum explore_change change, uint64_t operand,
                        enum explore_order order, const char *where, unsigned line);
/* *expected takes the value found. */
bool explore_cas(void *object, void *expected, size_t size, uint64_t desired,
                 enum explore_order order, const char *where, unsigned line);
/* The same for 16 bytes; always in full order. */
bool explore_cas_pair(void *object, const void *expected, const void *desired, void *found,
                      const char *where, unsigned line);
void explore_fence(const char *where, unsigned line);

/* All that the running thread has stored is seen from here on: it sleeps, ends, or does what orders all. */
void explore_settle(void);
void explore_settle_all(void);

/* It wakes those that sleep somewhere; of nobody it does not. It has been woken, or has waited for the end of another. It waits for another. */
void explore_settle_waking(bool anybody);
void explore_meet(void);
void explore_catch_up(void);

/* What was stored in this memory is nobody's business any more. */
void explore_forget(const void *memory, size_t size);

/* ---- Between the files of the explorer ------------------------------------------------ */

#define EXPLORE_THREADS 12
#define EXPLORE_STEPS_MAX 1000000u

extern unsigned explore_running; /* the thread that runs */

/* A new schedule: stores are seen at once (0), in their order (1), relaxed ones out of order (2), or all of it as C11 has it (3). */
void explore_memory_begin(unsigned weakness);
/* The running thread starts another. */
void explore_memory_thread(unsigned thread);
/* At a step: what was stored a while ago may be seen by now. */
void explore_memory_step(void);

/* The third of those (history.c). Memory holds the latest value before and after each of them. */
void explore_history_begin(void);
uint64_t explore_history_load(const void *object, size_t size, enum explore_order order);
void explore_history_store(void *object, size_t size, uint64_t value, enum explore_order order);
void explore_history_replace(void *object, size_t size, uint64_t after, enum explore_order order);
void explore_history_fail(const void *object, size_t size, enum explore_order order);
void explore_history_fence(void);
void explore_history_fence_all(void);
void explore_history_catch_up(void);
void explore_history_forget(const void *memory, size_t size);
void explore_history_thread(unsigned thread);

enum explore_strategy { EXPLORE_BY_SEED, EXPLORE_RANDOM, EXPLORE_PCT, EXPLORE_EXHAUST };

/* A number below `bound` of this schedule's own. */
uint32_t explore_random(uint32_t bound);

void explore_strategy_begin(enum explore_strategy strategy, uint64_t seed, uint32_t steps);
void explore_strategy_thread(unsigned thread);
/* One of `others`, for a thread that waits for one of them. */
unsigned explore_strategy_yield_to(uint32_t others, unsigned current);
/* Who goes on: one bit of `ready`, which is not 0. `current` is among them or not. */
unsigned explore_strategy_pick(uint32_t ready, unsigned current);
/* Does a signal that is under way come at this step? */
bool explore_strategy_delivers(void);
/* May a sleeper's time come, though others could go on? */
bool explore_strategy_hurries(void);
/* Those since the schedule began that were in focus. */
uint32_t explore_strategy_steps(void);
/* Exhaust: false, all schedules with at most so many preemptions have been. */
bool explore_strategy_next(void);
void explore_strategy_bound(unsigned preemptions);

/* Runs one schedule to its end. */
void explore_run(const struct explore_scenario *scenario);

/* What to print when a schedule fails (main.c). */
void explore_say_how(void);
extern bool explore_traces;

#endif
