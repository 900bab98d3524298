/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* How the runs of a row come about, and what they come to. See row.h. */
#include "bench/row.h"

#include <stdlib.h>
#include <string.h>

#define ROW_NS 300000000u /* that one run should take */
#define ROW_QUICK_NS 20000000u
#define OPS_FIRST 1000   /* of the first trial */
#define RUNS_OF_GROWTH 3 /* at most, of a point of a curve */

static double ns_per_op(const struct bench_result *result)
{
        return result->ops == 0 ? 0 : (double)result->ns / (double)result->ops;
}

/* The faster of two runs, if the first seems to have taken long: it may only have been interrupted. */
static bool try_out(const struct bench *bench, unsigned workers, uint64_t ops, double long_ns,
                    struct bench_result *result)
{
        struct bench_result again;
        if (!bench_measure(bench, workers, ops, result))
                return false;
        if (result->skipped[0] != '\0' || (double)result->ns <= long_ns)
                return true;
        if (!bench_measure(bench, workers, ops, &again))
                return false;
        if (again.skipped[0] == '\0' && again.ns < result->ns)
                *result = again;
        return true;
}

/* Finds how many operations take about the time wanted. */
static bool find_ops(const struct bench *bench, unsigned workers, double want_ns, uint64_t *ops)
{
        struct bench_result result;
        uint64_t tried = OPS_FIRST;
        for (;;) {
                if (!try_out(bench, workers, tried, want_ns / 8, &result))
                        return false;
                if (result.skipped[0] != '\0' || (double)result.ns > want_ns / 8)
                        break;
                tried *= (double)result.ns > want_ns / 64 ? 4 : 16;
        }
        *ops = result.skipped[0] != '\0' ? tried : (uint64_t)(want_ns / ns_per_op(&result)) + 1;
        return true;
}

static bool ops_of(const struct bench_wish *wish, const struct bench *bench, unsigned workers,
                   uint64_t *ops)
{
        *ops = wish->ops;
        if (*ops == 0)
                *ops = wish->quick && bench->ops > 0 ? bench->quick_ops : bench->ops;
        if (*ops > 0)
                return true;
        return find_ops(bench, workers, wish->quick ? ROW_QUICK_NS : ROW_NS, ops);
}

static int compare_results(const void *left, const void *right)
{
        double a = ns_per_op(left), b = ns_per_op(right);
        return (a > b) - (a < b);
}

static int compare_numbers(const void *left, const void *right)
{
        uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
        return (a > b) - (a < b);
}

static void set_median(struct bench_result *median, const struct bench_result *results,
                       unsigned count, size_t member)
{
        uint64_t values[BENCH_RUNS_MAX];
        for (unsigned i = 0; i < count; i++)
                memcpy(&values[i], (const char *)&results[i] + member, sizeof(values[i]));
        qsort(values, count, sizeof(values[0]), compare_numbers);
        memcpy((char *)median + member, &values[count / 2], sizeof(values[0]));
}

static struct bench_row row_of(const struct bench *bench, unsigned workers,
                               struct bench_result *results, unsigned runs)
{
        qsort(results, runs, sizeof(results[0]), compare_results);
        struct bench_row row = { .bench = bench, .workers = workers, .runs = runs,
                                 .result = results[runs / 2] };
        row.ns_per_op = ns_per_op(&row.result);
        row.ns_per_op_min = ns_per_op(&results[0]);
        row.ns_per_op_max = ns_per_op(&results[runs - 1]);
        set_median(&row.result, results, runs, offsetof(struct bench_result, p50_ns));
        set_median(&row.result, results, runs, offsetof(struct bench_result, p99_ns));
        set_median(&row.result, results, runs, offsetof(struct bench_result, p999_ns));
        set_median(&row.result, results, runs, offsetof(struct bench_result, max_ns));
        return row;
}

bool bench_row_measure(const struct bench_wish *wish, const struct bench *bench, unsigned workers,
                       struct bench_row *row)
{
        struct bench_result results[BENCH_RUNS_MAX];
        uint64_t ops;
        if (!ops_of(wish, bench, workers, &ops))
                return false;
        unsigned runs = bench->growth && wish->runs > RUNS_OF_GROWTH ? RUNS_OF_GROWTH : wish->runs;
        for (unsigned i = 0; i < runs; i++)
                if (!bench_measure(bench, workers, ops, &results[i]))
                        return false;
        *row = row_of(bench, workers, results, runs);
        return true;
}
