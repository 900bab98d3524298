/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What a benchmark is made of: a name, a unit, and one function that asks one question.
 *
 *      BENCH(pingpong_1, .unit = "message")
 *      {
 *              ...spawn, warm up, then do run->ops operations...
 *              bench_found(run, bench_gather(1));
 *      }
 *
 * The function runs inside a node of its own, in a process of its own, on a thread that visits the
 * node: so no run sees the memory, the threads or the mistakes of another. It measures what it asks
 * by itself and inside: whoever does the work takes the time at the first and at the last
 * operation of the steady state and sends both as a bench_span. It also checks that what was
 * to happen did (BENCH_CHECK): a wrong run ends the program instead of printing a figure.
 *
 * main.c decides how often and how long, and prints.
 */
#ifndef BENCH_HARNESS_H
#define BENCH_HARNESS_H

#include <coppice.h>

/* What one run found. Zero is "not looked at", but for the first two. */
struct bench_result {
        uint64_t ops, ns;
        uint64_t p50_ns, p99_ns, p999_ns, max_ns; /* of single operations that were timed */
        uint64_t rss_bytes;                       /* the most that was resident at once */
        uint64_t rss_left_bytes;                  /* resident when what took it has ended */
        double bytes_per_actor;
        char skipped[160];                        /* why there is no figure; empty: there is one */
};

struct bench_run {
        uint64_t ops;     /* to do; may be rounded, and bench_found is told what was done */
        unsigned workers; /* of the node */
        struct bench_result result;
};

struct bench {
        const char *name; /* QUESTION or QUESTION_VARIANT: pingpong_1000 */
        const char *unit; /* one operation: "message" */
        uint64_t ops;     /* fixed; 0: as many as take the time that main.c wants */
        uint64_t quick_ops; /* instead of ops with --quick */
        bool growth;        /* a point of a curve over numbers of actors: one worker, three runs */
        void (*run)(struct bench_run *run);
        const char *file; /* and line: the order of the table */
        int line;
};

#define BENCH(name_of, ...)                                                              \
        static void bench_##name_of(struct bench_run *run);                              \
        static const struct bench bench_of_##name_of = { .name = #name_of,               \
                                                         .run = bench_##name_of,         \
                                                         .file = __FILE__,               \
                                                         .line = __LINE__,               \
                                                         __VA_ARGS__ };                  \
        static const struct bench *const bench_entry_of_##name_of                        \
                __attribute__((used, section("benches"))) = &bench_of_##name_of;         \
        static void bench_##name_of(struct bench_run *run)

/* The exit code of a run that found itself wrong. */
#define BENCH_WRONG 2

/* Ends the run, and the program, unless `holds`. Works on any thread, also inside actors. */
#define BENCH_CHECK(holds, ...) ((holds) ? (void)0 : bench_wrong(#holds, __VA_ARGS__))
COP_NORETURN void bench_wrong(const char *claim, const char *format, ...) COP_PRINTF(2, 3);

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t bench_now(void);

/* When an actor began its share of the work, when it was through, and how much it did. */
typedef struct {
        uint64_t began_ns, ended_ns, ops;
} bench_span;
COP_MESSAGE_DECLARE(bench_span);

/* Waits for `count` spans. Returns the whole: the first beginning, the last end, all operations. */
bench_span bench_gather(uint64_t count);

/* Takes over a span as the run's result. */
void bench_found(struct bench_run *run, bench_span span);

/* Says in one sentence why this node, or this machine, cannot answer the question. The run then has no figure. */
void bench_skip(struct bench_run *run, const char *why);

/* Takes over percentiles. Sorts `samples_ns` in place. */
void bench_percentiles(struct bench_run *run, int64_t *samples_ns, size_t count);

/* Resident memory of this process now, and the most since it began. */
uint64_t bench_rss(void);
uint64_t bench_peak_rss(void);

/* Memory for the bench's own books, all of it touched; ends with the run. */
void *bench_books(size_t size);

/* Only in the program of count/: prints what the run's threads wrote, for each operation. */
void bench_tell_counts(const char *name, unsigned workers, uint64_t ops) __attribute__((weak));

/* Runs `ops` operations in a new process. False, with a sentence on standard error: it was wrong or did not end. */
bool bench_measure(const struct bench *bench, unsigned workers, uint64_t ops,
                   struct bench_result *result);

#endif
