/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A row of the table: one benchmark at one number of workers, run several times.
 *
 * First it is tried with growing numbers of operations, until their time can be told; then it runs
 * with as many as should take the time wanted. What a row shows is the median of its runs, and the
 * best and the worst of them; of each percentile the median by itself.
 */
#ifndef BENCH_ROW_H
#define BENCH_ROW_H

#include "bench/harness.h"

#define BENCH_RUNS_MAX 100

/* What the command line says of all rows. */
struct bench_wish {
        unsigned runs;
        uint64_t ops; /* 0: found by trial */
        bool quick;
};

struct bench_row {
        const struct bench *bench;
        unsigned workers, runs;
        struct bench_result result; /* of the median run */
        double ns_per_op, ns_per_op_min, ns_per_op_max;
};

/* False, with a sentence on standard error: a run was wrong. */
bool bench_row_measure(const struct bench_wish *wish, const struct bench *bench, unsigned workers,
                       struct bench_row *row);

/* On standard output: the line above the table, a row for people, a row as one line of JSON. */
void bench_print_head(void);
void bench_print_row(const struct bench_row *row);
void bench_print_json(const struct bench_row *row);

#endif
