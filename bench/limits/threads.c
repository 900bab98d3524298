/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Question: what do the steps cost by which threads hear of each other?
 *
 * limit_exchange: an atomic exchange of a word that no other thread touches: what a send cannot do without. limit_round_trip:
 * two threads on two processors pass a word to and fro, each waiting in a loop for the other's; one operation is there
 * and back. limit_wake: one thread wakes another that sleeps on a futex, which wakes it in turn; one
 * operation is one wake-up, from the call to the running thread. limit_clock: one look at CLOCK_MONOTONIC.
 * Checked: each word is the one that was due.
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/compiler.h"
#include "bench/limits/limit.h"

/* The first two processors that this process may use. False: there are not so many. */
static bool find_two(int processors[2])
{
        cpu_set_t allowed;
        int found = 0;
        if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0)
                return false;
        for (int cpu = 0; cpu < CPU_SETSIZE && found < 2; cpu++)
                if (CPU_ISSET(cpu, &allowed))
                        processors[found++] = cpu;
        return found == 2;
}

/* The calling thread runs on that one only. */
static bool pin(int processor)
{
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(processor, &one);
        return pthread_setaffinity_np(pthread_self(), sizeof(one), &one) == 0;
}

BENCH(limit_exchange, .unit = "exchange", .growth = true)
{
        uint64_t word = 0;
        LIMIT_LOOP(run, LIMIT_KEEP(__atomic_exchange_n(&word, i, __ATOMIC_ACQ_REL)));
}

BENCH(limit_clock, .unit = "look", .growth = true)
{
        LIMIT_LOOP(run, LIMIT_KEEP(bench_now()));
}

/* ---- There and back ---------------------------------------------------------------------- */

/*
 *      this thread:  there = n, release   ->  the other: reads it, acquire
 *      the other:    back = n, release    ->  this thread: reads it, acquire
 *
 * Each word has one writer and a line of its own.
 */
struct table {
        uint32_t there COP__LINE_ALIGNED;
        uint32_t back COP__LINE_ALIGNED;
        uint32_t last COP__LINE_ALIGNED; /* constant once the other runs */
        int processors[2];               /* this thread's and the other's; the same */
        bool asleep;                     /* the threads wait in the kernel; the same */
        bool pinned;                     /* written by the other, read when it has been joined */
};

static void wait_for(uint32_t *word, uint32_t value, bool asleep)
{
        uint32_t seen;
        while ((seen = __atomic_load_n(word, __ATOMIC_ACQUIRE)) != value)
                if (asleep)
                        syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, NULL);
}

static void tell(uint32_t *word, uint32_t value, bool asleep)
{
        __atomic_store_n(word, value, __ATOMIC_RELEASE);
        if (asleep)
                syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1);
}

static void *answer(void *argument)
{
        struct table *table = argument;
        table->pinned = pin(table->processors[1]);
        for (uint32_t n = 1; n <= table->last; n++) {
                wait_for(&table->there, n, table->asleep);
                tell(&table->back, n, table->asleep);
        }
        return NULL;
}

static void ask(struct table *table, uint32_t first, uint32_t last)
{
        for (uint32_t n = first; n <= last; n++) {
                tell(&table->there, n, table->asleep);
                wait_for(&table->back, n, table->asleep);
        }
}

/* Two wake-ups are one operation of the round trip. */
static void go_there_and_back(struct bench_run *run, bool asleep, uint32_t ops_each)
{
        uint32_t trips = (uint32_t)(run->ops / ops_each + 1), warm_up = trips / 10 + 1;
        struct table table = { .last = trips + warm_up, .asleep = asleep };
        pthread_t other;
        if (!find_two(table.processors) || !pin(table.processors[0])) {
                bench_skip(run, "this process may use one processor only");
                return;
        }
        BENCH_CHECK(pthread_create(&other, NULL, answer, &table) == 0, "no thread");
        ask(&table, 1, warm_up);
        uint64_t began_ns = bench_now();
        ask(&table, warm_up + 1, trips + warm_up);
        run->result.ns = bench_now() - began_ns;
        run->result.ops = (uint64_t)trips * ops_each;
        pthread_join(other, NULL);
        BENCH_CHECK(table.pinned, "the other thread was not where it was to be");
}

BENCH(limit_round_trip, .unit = "trip", .growth = true)
{
        go_there_and_back(run, false, 1);
}

BENCH(limit_wake, .unit = "wake", .growth = true)
{
        go_there_and_back(run, true, 2);
}
