/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * coppice-bench: which benchmarks run, how often, how long; and the table.
 *
 * Each benchmark registers itself (BENCH in harness.h). A row of the table is one of them at one
 * number of workers: first tried with growing numbers of operations, until their time can be
 * told, then run several times with as many as should take the time wanted. The median of the
 * runs is shown, and the best and the worst. See README.md.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/harness.h"

/* From the linker: the pointers that BENCH leaves in the section. */
extern const struct bench *const __start_benches[];
extern const struct bench *const __stop_benches[];

#define RUNS_MAX 100
#define BENCHES_MAX 64
#define ROW_NS 400000000u       /* that one run should take */
#define ROW_QUICK_NS 20000000u
#define OPS_FIRST 1000          /* of the first trial */
#define EXIT_FAILED 1

struct choice {
        char *const *names; /* none: all */
        int name_count;
        unsigned workers[2];
        int worker_counts;
        unsigned runs;
        uint64_t ops; /* 0: found by trial */
        bool json, quick;
};

/* What the runs of a row come to. The result is that of the median run, the percentiles of each kind its own median. */
struct row {
        const struct bench *bench;
        unsigned workers, runs;
        struct bench_result result;
        double ns_per_op, ns_per_op_min, ns_per_op_max;
};

/* All there are, file by file, as they stand there: the linker may have turned them around. */
struct list {
        const struct bench *each[BENCHES_MAX];
        int count;
};

static int compare_places(const void *left, const void *right)
{
        const struct bench *a = *(const struct bench *const *)left;
        const struct bench *b = *(const struct bench *const *)right;
        int order = strcmp(a->file, b->file);
        return order != 0 ? order : a->line - b->line;
}

static void list_init(struct list *list)
{
        list->count = 0;
        for (const struct bench *const *at = __start_benches; at < __stop_benches; at++) {
                BENCH_CHECK(list->count < BENCHES_MAX, "more benchmarks than the list holds");
                list->each[list->count++] = *at;
        }
        qsort(list->each, (size_t)list->count, sizeof(list->each[0]), compare_places);
}

/* ---- Runs -------------------------------------------------------------------------------- */

static double ns_per_op(const struct bench_result *result)
{
        return (double)result->ns / (double)result->ops;
}

/* Finds how many operations take about the time wanted. */
static bool find_ops(const struct bench *bench, unsigned workers, double want_ns, uint64_t *ops)
{
        struct bench_result result;
        uint64_t tried = OPS_FIRST;
        for (;;) {
                if (!bench_measure(bench, workers, tried, &result))
                        return false;
                if ((double)result.ns > want_ns / 8)
                        break;
                tried *= (double)result.ns > want_ns / 64 ? 4 : 16;
        }
        *ops = (uint64_t)(want_ns / ns_per_op(&result)) + 1;
        return true;
}

static bool ops_of(const struct choice *choice, const struct bench *bench, unsigned workers,
                   uint64_t *ops)
{
        *ops = choice->ops;
        if (*ops == 0)
                *ops = choice->quick && bench->ops > 0 ? bench->quick_ops : bench->ops;
        if (*ops > 0)
                return true;
        return find_ops(bench, workers, choice->quick ? ROW_QUICK_NS : ROW_NS, ops);
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

static uint64_t median_of(const struct bench_result *results, unsigned count, size_t member)
{
        uint64_t values[RUNS_MAX];
        for (unsigned i = 0; i < count; i++)
                memcpy(&values[i], (const char *)&results[i] + member, sizeof(values[i]));
        qsort(values, count, sizeof(values[0]), compare_numbers);
        return values[count / 2];
}

static bool measure_row(const struct choice *choice, const struct bench *bench, unsigned workers,
                        struct row *row)
{
        struct bench_result results[RUNS_MAX];
        uint64_t ops;
        if (!ops_of(choice, bench, workers, &ops))
                return false;
        for (unsigned i = 0; i < choice->runs; i++)
                if (!bench_measure(bench, workers, ops, &results[i]))
                        return false;
        qsort(results, choice->runs, sizeof(results[0]), compare_results);
        *row = (struct row){ .bench = bench, .workers = workers, .runs = choice->runs,
                             .result = results[choice->runs / 2] };
        row->ns_per_op = ns_per_op(&row->result);
        row->ns_per_op_min = ns_per_op(&results[0]);
        row->ns_per_op_max = ns_per_op(&results[choice->runs - 1]);
        row->result.p50_ns =
                median_of(results, choice->runs, offsetof(struct bench_result, p50_ns));
        row->result.p99_ns =
                median_of(results, choice->runs, offsetof(struct bench_result, p99_ns));
        row->result.p999_ns =
                median_of(results, choice->runs, offsetof(struct bench_result, p999_ns));
        return true;
}

/* ---- Output --------------------------------------------------------------------------------- */

static void print_json(const struct row *row)
{
        const struct bench_result *result = &row->result;
        printf("{\"name\":\"%s\",\"workers\":%u,\"unit\":\"%s\",\"runs\":%u,\"ops\":%llu,"
               "\"seconds\":%.6f,\"ns_per_op\":%.2f,\"ns_per_op_min\":%.2f,\"ns_per_op_max\":%.2f,"
               "\"ops_per_s\":%.0f",
               row->bench->name, row->workers, row->bench->unit, row->runs,
               (unsigned long long)result->ops, (double)result->ns / 1e9, row->ns_per_op,
               row->ns_per_op_min, row->ns_per_op_max, 1e9 / row->ns_per_op);
        if (result->p999_ns > 0)
                printf(",\"p50_ns\":%llu,\"p99_ns\":%llu,\"p999_ns\":%llu",
                       (unsigned long long)result->p50_ns, (unsigned long long)result->p99_ns,
                       (unsigned long long)result->p999_ns);
        if (result->rss_bytes > 0)
                printf(",\"rss_bytes\":%llu", (unsigned long long)result->rss_bytes);
        if (result->bytes_per_actor > 0)
                printf(",\"bytes_per_actor\":%.0f", result->bytes_per_actor);
        printf("}\n");
}

static void print_head(void)
{
        printf("%-20s %7s  %-8s %10s %10s %10s %13s  %s\n", "name", "workers", "op", "ns/op",
               "best", "worst", "ops/s", "besides");
}

static void print_row(const struct row *row)
{
        const struct bench_result *result = &row->result;
        printf("%-20s %7u  %-8s %10.1f %10.1f %10.1f %13.0f ", row->bench->name, row->workers,
               row->bench->unit, row->ns_per_op, row->ns_per_op_min, row->ns_per_op_max,
               1e9 / row->ns_per_op);
        if (result->p999_ns > 0)
                printf(" p50 %llu, p99 %llu, p99.9 %llu ns", (unsigned long long)result->p50_ns,
                       (unsigned long long)result->p99_ns, (unsigned long long)result->p999_ns);
        if (result->rss_bytes > 0)
                printf(" RSS %.1f MiB", (double)result->rss_bytes / (1 << 20));
        if (result->bytes_per_actor > 0)
                printf(", %.0f bytes an actor", result->bytes_per_actor);
        printf("\n");
}

/* ---- The command line ---------------------------------------------------------------------- */

static const char *const usage =
        "usage: coppice-bench [NAME...] [--workers N] [--runs N] [--ops N] [--quick] [--json]\n"
        "       coppice-bench --list\n"
        "  NAME         a benchmark (pingpong_1), or a question with all its benchmarks (pingpong);\n"
        "               default: all\n"
        "  --workers N  threads that run actors, 1 to 64; default: 1, then 2\n"
        "  --runs N     of which the median is shown, 1 to 100; default: 5\n"
        "  --ops N      operations of each run; default: as many as take 0.4 s\n"
        "  --quick      runs of 0.02 s, with fewer idle actors: shows that all works, and not how fast\n"
        "  --json       one line of JSON for each row\n";

static COP_NORETURN void wrong_usage(const char *what, const char *word)
{
        fprintf(stderr, "coppice-bench: %s '%s'\n%s", what, word, usage);
        exit(COP_EXIT_USAGE);
}

static uint64_t number_of(const char *option, const char *text, uint64_t most)
{
        char *end;
        if (text == NULL)
                wrong_usage("expected a number behind", option);
        unsigned long long value = strtoull(text, &end, 10);
        if (*text < '0' || *text > '9' || *end != '\0' || value < 1 || value > most)
                wrong_usage("expected a number that the option allows, found", text);
        return value;
}

/* "pingpong" chooses pingpong_1, too. */
static bool is_chosen(const char *word, const struct bench *bench)
{
        size_t size = strlen(word);
        return strncmp(word, bench->name, size) == 0 &&
               (bench->name[size] == '\0' || bench->name[size] == '_');
}

static bool any_chosen(const char *word)
{
        for (const struct bench *const *bench = __start_benches; bench < __stop_benches; bench++)
                if (is_chosen(word, *bench))
                        return true;
        return false;
}

static bool runs_at_all(const struct choice *choice, const struct bench *bench)
{
        for (int i = 0; i < choice->name_count; i++)
                if (is_chosen(choice->names[i], bench))
                        return true;
        return choice->name_count == 0;
}

/* Names are moved to the front of argv. */
static void read_words(int argc, char **argv, struct choice *choice)
{
        choice->names = argv;
        for (int i = 1; i < argc; i++) {
                const char *word = argv[i];
                if (strcmp(word, "--json") == 0)
                        choice->json = true;
                else if (strcmp(word, "--quick") == 0)
                        choice->quick = true;
                else if (strcmp(word, "--runs") == 0)
                        choice->runs = (unsigned)number_of(word, argv[++i], RUNS_MAX);
                else if (strcmp(word, "--ops") == 0)
                        choice->ops = number_of(word, argv[++i], UINT64_MAX / 2);
                else if (strcmp(word, "--workers") == 0) {
                        choice->workers[0] = (unsigned)number_of(word, argv[++i], 64);
                        choice->worker_counts = 1;
                } else if (word[0] == '-' || !any_chosen(word))
                        wrong_usage("no benchmark and no option is called", word);
                else
                        argv[choice->name_count++] = argv[i];
        }
        if (choice->runs == 0)
                choice->runs = choice->quick ? 1 : 5;
}

static bool run_bench(const struct choice *choice, const struct bench *bench)
{
        for (int i = 0; i < choice->worker_counts; i++) {
                struct row row;
                if (!measure_row(choice, bench, choice->workers[i], &row))
                        return false;
                if (choice->json)
                        print_json(&row);
                else
                        print_row(&row);
                fflush(stdout);
        }
        return true;
}

int main(int argc, char **argv)
{
        struct choice choice = { .workers = { 1, 2 }, .worker_counts = 2 };
        struct list list;
        list_init(&list);
        if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
                fputs(usage, stdout);
                return 0;
        }
        if (argc == 2 && strcmp(argv[1], "--list") == 0) {
                for (int i = 0; i < list.count; i++)
                        printf("%s\n", list.each[i]->name);
                return 0;
        }
        read_words(argc, argv, &choice);
        if (!choice.json)
                print_head();
        bool well = true;
        for (int i = 0; i < list.count; i++)
                if (runs_at_all(&choice, list.each[i]))
                        well = run_bench(&choice, list.each[i]) && well;
        return well ? 0 : EXIT_FAILED;
}
