/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * How a test is written.
 *
 *      #include "tests/suite.h"
 *
 *      TEST(a_cancelled_timer_never_fires)
 *      {
 *              ck_assert_int_eq(...);
 *      }
 *
 * That is all: each TEST registers itself, and main is in suite.c. The name is the
 * claim that the test proves. Each runs in a process of its own, and fails also when
 * it leaves a descriptor, a thread or memory of Coppice behind.
 *
 *      ./test_timer             all of them
 *      ./test_timer cancelled   those with "cancelled" in the name
 *      CK_FORK=no ./test_timer  all in this process, for a debugger
 *
 * Ends with 0 when every claim holds, 1 when one does not, 2 when none was asked for.
 */
#ifndef TESTS_SUITE_H
#define TESTS_SUITE_H

#include <check.h>

/* One claim; its memory is static, beside the test, linked into the list in suite.c. */
struct suite_claim {
        TTest test;
        double seconds; /* after which it has failed; 4 times that under a sanitizer or an emulator */
        struct suite_claim *next;
};

void suite_register(struct suite_claim *claim);

/*
 * COP_TEST_SIMULATE=3 or =1-20 in the environment: each claim is tried once for each of these seeds, which is the claim's to
 * use (node_fixture.h does). -1: it is not set.
 */
long suite_seed(void);
void suite_trial_is(long seed, const char *claim);

/* How the claim that runs is had again under that seed, as a line; the next call overwrites it. */
const char *suite_again(unsigned long long seed);

/*
 * The same of what a claim draws from a seed for a real node with so many workers: the claim reads COP_TEST_SEED and
 * COP_TEST_WORKERS, and tries that seed alone, on such a node alone. Threads may still go another way.
 */
const char *suite_again_on(unsigned workers, unsigned long long seed);

/* The first words of a claim that other threads are part of, or a turn which does not end: simulated, there is nothing to it. */
#define NEEDS_THREADS()                 \
        do {                            \
                if (suite_seed() >= 0)  \
                        return;         \
        } while (0)

/*
 * The first words of a process that a claim has forked: what it asserts must not go into the file that check reads, where it would
 * stand in the middle of the claim's own messages. An assertion that does not hold still ends it with a status that is not 0.
 */
void suite_is_forked(void);

/*
 * True under a sanitizer, valgrind, an emulator or a seed, and where COP_TEST_SLOW=1 says so: memory is not what it is elsewhere.
 */
int suite_is_watched(void);

/*
 * True there, in the checked builds and with another number of workers: where the suites run once more, tests that repeat a million
 * times may do fewer.
 */
int suite_is_slow(void);

/*
 * True under an emulator of another processor, as COP_TEST_EMULATED=1 says. It does not keep limits of memory, does not know each
 * system call, and dies itself of some signals.
 */
int suite_is_emulated(void);

/* The first words of a claim about what only a kernel does. */
#define NEEDS_THE_KERNEL()              \
        do {                            \
                if (suite_is_emulated()) \
                        return;         \
        } while (0)

#define TEST(claim) TEST_WITHIN(claim, 50)

/* For the few that need another limit than 50 seconds. */
#define TEST_WITHIN(claim, limit_seconds)                                        \
        static void test_##claim(int unused_index);                              \
        static void try_##claim(int index)                                       \
        {                                                                        \
                suite_trial_is(index, #claim);                                   \
                test_##claim(index);                                             \
        }                                                                        \
        static struct suite_claim claim_##claim = {                              \
                .test = { #claim, try_##claim, __FILE__, __LINE__ },             \
                .seconds = (limit_seconds),                                      \
        };                                                                       \
        __attribute__((constructor)) static void register_##claim(void)          \
        {                                                                        \
                suite_register(&claim_##claim);                                  \
        }                                                                        \
        static void test_##claim(int unused_index __attribute__((unused)))

#endif
