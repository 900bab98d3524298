/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * coppice-bench: which benchmarks run, how often, how long; and the table.
 *
 * Each benchmark registers itself (BENCH in harness.h). Each row of the table is one of them at one
 * number of workers (row.h). See README.md.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/row.h"

/* From the linker: the pointers that BENCH leaves in the section. */
extern const struct bench *const __start_benches[];
extern const struct bench *const __stop_benches[];

#define BENCHES_MAX 128
#define EXIT_FAILED 1

struct choice {
        char *const *names; /* none: all */
        int name_count;
        unsigned workers[2];
        int worker_counts;
        struct bench_wish wish;
        bool json;
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

/* ---- The command line ---------------------------------------------------------------------- */

static const char *const usage =
        "usage: coppice-bench [NAME...] [--workers N] [--runs N] [--ops N] [--quick] [--json]\n"
        "       coppice-bench --list                each name, and the numbers of workers it runs with\n"
        "  NAME         a benchmark (pingpong_1), or a question with all its benchmarks (pingpong);\n"
        "               default: all\n"
        "  --workers N  threads that run actors, 1 to 64; default: 1, then 2, but\n"
        "               1 for the points of a curve\n"
        "  --runs N     of which the median is shown, 1 to 100; default: 5, and at most 3 for points of a curve\n"
        "  --ops N      operations of each run; default: as many as take 0.3 s\n"
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
                        choice->wish.quick = true;
                else if (strcmp(word, "--runs") == 0)
                        choice->wish.runs = (unsigned)number_of(word, argv[++i], BENCH_RUNS_MAX);
                else if (strcmp(word, "--ops") == 0)
                        choice->wish.ops = number_of(word, argv[++i], UINT64_MAX / 2);
                else if (strcmp(word, "--workers") == 0) {
                        choice->workers[0] = (unsigned)number_of(word, argv[++i], 64);
                        choice->worker_counts = 1;
                } else if (word[0] == '-' || !any_chosen(word))
                        wrong_usage("no benchmark and no option is called", word);
                else
                        argv[choice->name_count++] = argv[i];
        }
        if (choice->wish.runs == 0)
                choice->wish.runs = choice->wish.quick ? 1 : 5;
}

static bool run_bench(const struct choice *choice, const struct bench *bench)
{
        int counts = bench->growth ? 1 : choice->worker_counts;
        for (int i = 0; i < counts; i++) {
                struct bench_row row;
                if (!bench_row_measure(&choice->wish, bench, choice->workers[i], &row))
                        return false;
                if (choice->json)
                        bench_print_json(&row);
                else
                        bench_print_row(&row);
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
                        printf("%s %s\n", list.each[i]->name, list.each[i]->growth ? "1" : "1 2");
                return 0;
        }
        read_words(argc, argv, &choice);
        if (!choice.json)
                bench_print_head();
        bool well = true;
        for (int i = 0; i < list.count; i++)
                if (runs_at_all(&choice, list.each[i]))
                        well = run_bench(&choice, list.each[i]) && well;
        return well ? 0 : EXIT_FAILED;
}
