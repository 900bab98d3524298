/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Question: what does it cost that an actor which never waits is interrupted for others?
 *
 * Method: on one worker an actor reads the clock for ever, and another one wakes every millisecond and sleeps again. Each time the watch
 * finds it due, and has the first interrupted.
 *
 * preempt_turn: two readings of the clock that are more than a microsecond apart are an interruption: signal, judgement, two switches of
 * stack, the other's turn of some hundred nanoseconds, the return through the kernel. One operation is one of them; what the machine itself
 * takes from the process is among them, so look at the median.
 * preempt_watch: one operation is one millisecond of that, and ns/op is the processor time of all other threads, which is the watch's: 10,000 ns
 * would be one per cent.
 * preempt_watch_stuck: the same while the worker's actor waits in the system, in a read, and a spare does the work.
 * Checked: the other has been woken meanwhile.
 */
#include <time.h>
#include <unistd.h>

#include "bench/harness.h"

#define INTERRUPTED_NS 1000u
#define TWO_WORKERS "with a second worker nobody needs to be interrupted"

typedef struct { cop_int64s gaps_ns; uint64_t cpu_ns; } seen;
COP_MESSAGE(seen, gaps_ns, cpu_ns);

typedef struct { uint64_t until_ns; uint64_t room; } watching;
COP_MESSAGE(watching, until_ns, room);

typedef struct { uint64_t wakes; } woken;
COP_MESSAGE(woken, wakes);

static uint64_t time_of(clockid_t clock)
{
        struct timespec used;
        clock_gettime(clock, &used);
        return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
}

/* Until the time is over, or `room` gaps were seen. */
static void reads_the_clock(const watching *w)
{
        int64_t *gaps = cop_alloc(w->room * sizeof(gaps[0]));
        uint64_t count = 0, last_ns = bench_now(), now_ns = last_ns;
        BENCH_CHECK(gaps != NULL, "no memory for samples");
        uint64_t cpu_ns = time_of(CLOCK_THREAD_CPUTIME_ID);
        while (now_ns < w->until_ns && count < w->room) {
                now_ns = bench_now();
                if (now_ns - last_ns > INTERRUPTED_NS)
                        gaps[count++] = (int64_t)(now_ns - last_ns);
                last_ns = now_ns;
        }
        cop_send(cop_parent(), seen, .gaps_ns = { gaps, count }, .cpu_ns = time_of(CLOCK_THREAD_CPUTIME_ID) - cpu_ns);
}

static bool is_over; /* relaxed: it orders nothing */

static void wakes_again_and_again(void)
{
        uint64_t wakes = 0;
        for (; !__atomic_load_n(&is_over, __ATOMIC_RELAXED); wakes++)
                cop_sleep(1);
        cop_send(cop_parent(), woken, .wakes = wakes);
}

static void expect_wakes(void)
{
        __atomic_store_n(&is_over, true, __ATOMIC_RELAXED);
        cop_auto message = cop_receive(COP_FOREVER, COP_KIND(woken));
        BENCH_CHECK(cop_read(woken, message)->wakes > 0, "nobody else has run");
}

BENCH(preempt_turn, .unit = "interruption", .ops = 1000, .quick_ops = 50)
{
        if (run->workers != 1) {
                bench_skip(run, TWO_WORKERS);
                return;
        }
        cop_spawn(wakes_again_and_again);
        cop_spawn_with(reads_the_clock, watching, .until_ns = UINT64_MAX, .room = run->ops);
        cop_auto message = cop_receive(COP_FOREVER, COP_KIND(seen));
        const seen *s = cop_read(seen, message);
        int64_t *samples = bench_books(s->gaps_ns.count * sizeof(samples[0]));
        run->result.ops = s->gaps_ns.count;
        for (size_t i = 0; i < s->gaps_ns.count; i++) {
                samples[i] = s->gaps_ns.items[i];
                run->result.ns += (uint64_t)samples[i];
        }
        bench_percentiles(run, samples, s->gaps_ns.count);
        expect_wakes();
}

BENCH(preempt_watch, .unit = "ms", .ops = 1000, .quick_ops = 50)
{
        if (run->workers != 1) {
                bench_skip(run, TWO_WORKERS);
                return;
        }
        cop_spawn(wakes_again_and_again);
        uint64_t before_ns = time_of(CLOCK_PROCESS_CPUTIME_ID);
        cop_spawn_with(reads_the_clock, watching, .until_ns = bench_now() + run->ops * 1000000, .room = 100000);
        cop_auto message = cop_receive(COP_FOREVER, COP_KIND(seen));
        const seen *s = cop_read(seen, message);
        uint64_t used_ns = time_of(CLOCK_PROCESS_CPUTIME_ID) - before_ns;
        run->result.ns = used_ns > s->cpu_ns ? used_ns - s->cpu_ns : 0;
        run->result.ops = run->ops;
        expect_wakes();
}

static int ends[2];

static void reads_a_byte(void)
{
        char byte;
        cop_send(cop_parent(), woken, .wakes = 0);
        BENCH_CHECK(read(ends[0], &byte, 1) == 1, "the pipe has broken");
}

BENCH(preempt_watch_stuck, .unit = "ms", .ops = 1000, .quick_ops = 50)
{
        const struct timespec length = { (time_t)(run->ops / 1000), (long)(run->ops % 1000) * 1000000 };
        BENCH_CHECK(pipe(ends) == 0, "no pipe");
        cop_spawn(wakes_again_and_again);
        for (unsigned i = 0; i < run->workers; i++) {
                cop_spawn(reads_a_byte);
                cop_message_free(cop_receive(COP_FOREVER, COP_KIND(woken)));
        }
        uint64_t before_ns = time_of(CLOCK_PROCESS_CPUTIME_ID);
        nanosleep(&length, NULL);
        run->result.ns = time_of(CLOCK_PROCESS_CPUTIME_ID) - before_ns;
        run->result.ops = run->ops;
        for (unsigned i = 0; i < run->workers; i++)
                BENCH_CHECK(write(ends[1], "x", 1) == 1, "the pipe is full");
        expect_wakes();
        close(ends[0]);
        close(ends[1]);
}
