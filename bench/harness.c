/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* One run of one benchmark: a process, a node, a visit. See harness.h. */
#include "bench/harness.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

COP_MESSAGE_DEFINE(bench_span, began_ns, ended_ns, ops);

/* Longer than any run should take, on any machine. */
#define RUN_SECONDS_MAX 120

/* Of a run's node: a tree of a million leaves, and what stands above them. */
#define ACTORS_MAX 4194304

/* ---- For the benchmarks ------------------------------------------------------------- */

void bench_wrong(const char *claim, const char *format, ...)
{
        char text[512];
        va_list values;
        va_start(values, format);
        vsnprintf(text, sizeof(text), format, values);
        va_end(values);
        fprintf(stderr, "coppice-bench: a wrong run: %s (expected %s)\n", text, claim);
        _exit(BENCH_WRONG);
}

uint64_t bench_now(void)
{
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

bench_span bench_gather(uint64_t count)
{
        bench_span whole = { .began_ns = UINT64_MAX };
        for (uint64_t i = 0; i < count; i++) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(bench_span));
                const bench_span *part = cop_read(bench_span, message);
                BENCH_CHECK(part->began_ns <= part->ended_ns, "a span that ends before it begins");
                if (part->began_ns < whole.began_ns)
                        whole.began_ns = part->began_ns;
                if (part->ended_ns > whole.ended_ns)
                        whole.ended_ns = part->ended_ns;
                whole.ops += part->ops;
        }
        return whole;
}

void bench_found(struct bench_run *run, bench_span span)
{
        run->result.ops = span.ops;
        run->result.ns = span.ended_ns - span.began_ns;
}

void bench_skip(struct bench_run *run, const char *why)
{
        snprintf(run->result.skipped, sizeof(run->result.skipped), "%s", why);
}

static int compare_samples(const void *left, const void *right)
{
        int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
        return (a > b) - (a < b);
}

void bench_percentiles(struct bench_run *run, int64_t *samples_ns, size_t count)
{
        BENCH_CHECK(count > 0, "no operation was timed");
        qsort(samples_ns, count, sizeof(samples_ns[0]), compare_samples);
        run->result.p50_ns = (uint64_t)samples_ns[count / 2];
        run->result.p99_ns = (uint64_t)samples_ns[count - 1 - count / 100];
        run->result.p999_ns = (uint64_t)samples_ns[count - 1 - count / 1000];
        run->result.max_ns = (uint64_t)samples_ns[count - 1];
}

/* ---- Memory ------------------------------------------------------------------------- */

uint64_t bench_rss(void)
{
        unsigned long size = 0, resident = 0;
        FILE *file = fopen("/proc/self/statm", "r");
        BENCH_CHECK(file != NULL && fscanf(file, "%lu %lu", &size, &resident) == 2,
                    "cannot read /proc/self/statm");
        fclose(file);
        return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t bench_peak_rss(void)
{
        unsigned long kib = 0;
        char line[256];
        FILE *file = fopen("/proc/self/status", "r");
        BENCH_CHECK(file != NULL, "cannot read /proc/self/status");
        while (kib == 0 && fgets(line, sizeof(line), file) != NULL)
                if (sscanf(line, "VmHWM: %lu kB", &kib) != 1)
                        kib = 0;
        fclose(file);
        BENCH_CHECK(kib > 0, "no VmHWM in /proc/self/status");
        return (uint64_t)kib * 1024;
}

void *bench_books(size_t size)
{
        void *books = mmap(NULL, size, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
        BENCH_CHECK(books != MAP_FAILED, "no memory for %zu bytes of books", size);
        return books;
}

/* ---- A run ---------------------------------------------------------------------------- */

/* The log is written and thrown away: it costs what it costs, but for the terminal. */
static void swallow_log(void *context, cop_log_level level, const char *text)
{
        (void)context, (void)level, (void)text;
}

static COP_NORETURN void run_here(const struct bench *bench, struct bench_run *run,
                                  struct bench_result *result)
{
        cop_node *node;
        cop_status status = cop_node_start(
                &(cop_node_options){ .name = "bench", .workers = run->workers,
                                     .max_actors = ACTORS_MAX, .log = swallow_log },
                &node);
        if (status == COP_OK)
                status = cop_node_enter(node);
        BENCH_CHECK(status == COP_OK, "cannot start a node: %s", cop_status_text(status));
        bench->run(run);
        BENCH_CHECK(run->result.skipped[0] != '\0' || (run->result.ops > 0 && run->result.ns > 0),
                    "nothing was measured");
        if (bench_tell_counts != NULL)
                bench_tell_counts(bench->name, run->workers, run->result.ops);
        cop_node_leave();
        cop_node_stop(node);
        *result = run->result;
        _exit(0);
}

/*
 * Waits for the run, but not for ever, and asleep, so that the run has the processors for itself. SIGCHLD is blocked.
 * Returns what waitpid says, or -1.
 */
static int await(pid_t pid, const sigset_t *child_ended)
{
        const struct timespec give_up = { .tv_sec = RUN_SECONDS_MAX };
        int how;
        while (sigtimedwait(child_ended, NULL, &give_up) < 0)
                if (errno != EINTR) {
                        kill(pid, SIGKILL);
                        waitpid(pid, &how, 0);
                        return -1;
                }
        return waitpid(pid, &how, 0) == pid ? how : -1;
}

static bool ended_well(const struct bench *bench, int how)
{
        if (how == 0)
                return true;
        if (how == -1)
                fprintf(stderr, "coppice-bench: %s did not end within %d s\n", bench->name,
                        RUN_SECONDS_MAX);
        else if (WIFSIGNALED(how))
                fprintf(stderr, "coppice-bench: %s died by signal %d\n", bench->name,
                        WTERMSIG(how));
        else
                fprintf(stderr, "coppice-bench: %s ended with exit code %d\n", bench->name,
                        WEXITSTATUS(how));
        return false;
}

bool bench_measure(const struct bench *bench, unsigned workers, uint64_t ops,
                   struct bench_result *result)
{
        struct bench_run run = { .ops = ops, .workers = workers };
        struct bench_result *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
                                           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (shared == MAP_FAILED) {
                perror("coppice-bench: memory for a result");
                return false;
        }
        sigset_t child_ended, before;
        sigemptyset(&child_ended);
        sigaddset(&child_ended, SIGCHLD);
        sigprocmask(SIG_BLOCK, &child_ended, &before);
        fflush(NULL);
        pid_t pid = fork();
        if (pid == 0) {
                sigprocmask(SIG_SETMASK, &before, NULL);
                run_here(bench, &run, shared);
        }
        if (pid < 0)
                perror("coppice-bench: a process for a run");
        bool well = pid > 0 && ended_well(bench, await(pid, &child_ended));
        sigprocmask(SIG_SETMASK, &before, NULL);
        *result = *shared;
        munmap(shared, sizeof(*shared));
        return well;
}
