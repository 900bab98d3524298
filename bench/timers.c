/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Questions: what does it cost to set a timer and to cancel it, how late do many timers fire, and how much memory does one
 * take that stands?
 *
 * timer_set_cancel: an actor for each worker sets a message to itself in five seconds and cancels it, over and over, as a
 * time-out does that is hardly ever needed. One operation is both. timer_standing_N is the same, each with its part of N
 * others outstanding, which are set before; timer_set_forget cancels without asking for what was left, which is one
 * look at the clock less. A tenth is done first as warm-up.
 *
 * timer_memory_N: an actor sets N messages to itself, with one number in them, in an hour and a little more each; the
 * figure "bytes an actor" is here bytes for each timer: the growth of the process's resident memory over N; the
 * references' own memory is touched before. One operation is setting one.
 *
 * timer_lateness_N: an actor sets N messages to itself, each at its own time within 1 ms to N / 100 ms
 * from then on, so that 100 are due in each millisecond, and takes the time when it receives each. The percentiles
 * are of what they were late. One operation is one timer from being set to being received: the time of the run is
 * that of waiting, mostly. timer_burst_N: all of them are due in the same millisecond.
 *
 * Checked: each cancel finds time left, each message comes once and never early, none that was cancelled comes.
 */
#include "bench/harness.h"

typedef struct { uint64_t standing, warm_up, ops; bool forget; } chore;
COP_MESSAGE(chore, standing, warm_up, ops, forget);

typedef struct { int64_t due_ns; } alarm_call;
COP_MESSAGE(alarm_call, due_ns);

#define HOUR_MS 3600000

/* ---- Set and cancel --------------------------------------------------------------------- */

static void set_and_cancel(uint64_t ops, bool forget)
{
        for (uint64_t i = 0; i < ops; i++) {
                cop_ref timer;
                cop_status status = cop_send_after(&timer, 5000, cop_self(), alarm_call);
                BENCH_CHECK(status == COP_OK, "setting: %s", cop_status_text(status));
                if (forget)
                        cop_cancel_async(timer, false);
                else
                        BENCH_CHECK(cop_cancel(timer) > 0, "a timer was not there to be cancelled");
        }
}

static void dodger(const chore *c)
{
        for (uint64_t i = 0; i < c->standing; i++) {
                int64_t ms = HOUR_MS + (int64_t)(i * 7919 % 1000000);
                BENCH_CHECK(cop_send_after(NULL, ms, cop_self(), alarm_call) == COP_OK, "no timer");
        }
        set_and_cancel(c->warm_up, c->forget);
        uint64_t began_ns = bench_now();
        set_and_cancel(c->ops, c->forget);
        cop_send(cop_parent(), bench_span, .began_ns = began_ns, .ended_ns = bench_now(),
                 .ops = c->ops);
        cop_auto early = cop_receive(0, COP_ANY);
        BENCH_CHECK(early == NULL, "a cancelled timer fired");
}

static void dodge(struct bench_run *run, uint64_t standing, bool forget)
{
        uint64_t ops = run->ops / run->workers + 1;
        for (unsigned i = 0; i < run->workers; i++)
                cop_spawn_with(dodger, chore, .standing = standing / run->workers,
                               .warm_up = ops / 10, .ops = ops, .forget = forget);
        bench_found(run, bench_gather(run->workers));
}

BENCH(timer_set_cancel, .unit = "timer")
{
        dodge(run, 0, false);
}

BENCH(timer_set_forget, .unit = "timer")
{
        dodge(run, 0, true);
}

BENCH(timer_standing_100000, .unit = "timer")
{
        dodge(run, 100000, false);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

typedef struct { double bytes; } memory;
COP_MESSAGE(memory, bytes);

static void hoarder(const chore *c)
{
        cop_ref *timers = bench_books(c->ops * sizeof(timers[0]));
        uint64_t before = bench_rss(), began_ns = bench_now();
        for (uint64_t i = 0; i < c->ops; i++) {
                int64_t ms = HOUR_MS + (int64_t)(i * 7919 % 1000000);
                cop_status status = cop_send_after(&timers[i], ms, cop_self(), alarm_call);
                BENCH_CHECK(status == COP_OK, "setting: %s", cop_status_text(status));
        }
        uint64_t ended_ns = bench_now(), after = bench_rss();
        for (uint64_t i = 0; i < c->ops; i++)
                BENCH_CHECK(cop_cancel(timers[i]) > 0, "a timer is gone");
        cop_send(cop_parent(), bench_span, .began_ns = began_ns, .ended_ns = ended_ns,
                 .ops = c->ops);
        cop_send(cop_parent(), memory, .bytes = ((double)after - (double)before) / (double)c->ops);
}

static void hoard(struct bench_run *run)
{
        cop_spawn_with(hoarder, chore, .ops = run->ops);
        bench_found(run, bench_gather(1));
        cop_auto message = cop_receive(COP_FOREVER, COP_KIND(memory));
        run->result.bytes_per_actor = cop_read(memory, message)->bytes;
        run->result.rss_bytes = bench_rss();
}

BENCH(timer_memory_100000, .unit = "timer", .ops = 100000, .quick_ops = 100000)
{
        hoard(run);
}

BENCH(timer_memory_1000000, .unit = "timer", .ops = 1000000, .quick_ops = 100000)
{
        hoard(run);
}

/* ---- Lateness ----------------------------------------------------------------------------------- */

typedef struct { cop_int64s late_ns; } delays;
COP_MESSAGE(delays, late_ns);

static void sleeper(const chore *c)
{
        int64_t *late_ns = bench_books(c->ops * sizeof(late_ns[0]));
        uint64_t began_ns = bench_now();
        int64_t first_ms = cop_now_ms() + 50; /* when all of them have been set */
        for (uint64_t i = 0; i < c->ops; i++) {
                int64_t at_ms = first_ms + (int64_t)(i * 7919 % c->standing);
                cop_status status = cop_send_at(NULL, at_ms, cop_self(), alarm_call,
                                                .due_ns = at_ms * 1000000);
                BENCH_CHECK(status == COP_OK, "setting: %s", cop_status_text(status));
        }
        for (uint64_t i = 0; i < c->ops; i++) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(alarm_call));
                late_ns[i] = cop_now_ns() - cop_read(alarm_call, message)->due_ns;
                BENCH_CHECK(late_ns[i] >= 0, "a timer was early");
        }
        cop_send(cop_parent(), bench_span, .began_ns = began_ns, .ended_ns = bench_now(),
                 .ops = c->ops);
        cop_send(cop_parent(), delays, .late_ns = { late_ns, c->ops });
}

/* All timers are due within so many milliseconds. */
static void be_late(struct bench_run *run, uint64_t within_ms)
{
        int64_t *late_ns = bench_books(run->ops * sizeof(late_ns[0]));
        cop_spawn_with(sleeper, chore, .standing = within_ms, .ops = run->ops);
        bench_found(run, bench_gather(1));
        cop_auto message = cop_receive(COP_FOREVER, COP_KIND(delays));
        memcpy(late_ns, cop_read(delays, message)->late_ns.items, run->ops * sizeof(late_ns[0]));
        bench_percentiles(run, late_ns, run->ops);
}

BENCH(timer_lateness_100000, .unit = "timer", .ops = 100000, .quick_ops = 10000)
{
        be_late(run, run->ops / 100);
}

BENCH(timer_burst_10000, .unit = "timer", .ops = 10000, .quick_ops = 10000)
{
        be_late(run, 1);
}
