/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The floor: what the machine itself, or one part of the runtime, takes for one step.
 *
 * These are benchmarks (harness.h) that use no actors: their operation is done on the run's own thread, in a loop after a tenth as
 * many for warm-up, while the one worker of the node sleeps. What is part of the runtime is used through its internal
 * headers; everything else in bench/ goes through <coppice.h> alone.
 *
 *      BENCH(limit_clock, .unit = "look", .growth = true)
 *      {
 *              LIMIT_LOOP(run, LIMIT_KEEP(bench_now()));
 *      }
 */
#ifndef BENCH_LIMITS_LIMIT_H
#define BENCH_LIMITS_LIMIT_H

#include "bench/harness.h"

/* Keeps a value that nobody reads. */
#define LIMIT_KEEP(value) __asm__ volatile("" : : "r"(value) : "memory")

/* In a loop over `ops` operations: the statement is one. Sets the run's result. */
#define LIMIT_LOOP(run, ...)                                                   \
        do {                                                                   \
                for (uint64_t i = 0; i < (run)->ops / 10; i++) {               \
                        __VA_ARGS__;                                           \
                }                                                              \
                uint64_t limit_began_ns = bench_now();                         \
                for (uint64_t i = 0; i < (run)->ops; i++) {                    \
                        __VA_ARGS__;                                           \
                }                                                              \
                (run)->result.ns = bench_now() - limit_began_ns;               \
                (run)->result.ops = (run)->ops;                                \
        } while (0)

#endif
