/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Question: what does an actor cost whose whole life is one step of a computation?
 *
 * skynet_1000000: an actor spawns ten others, each of these ten, down to a million leaves. A leaf sends its number to who
 * spawned it, and ends; the others send on the sum of what they hear, and end. One operation is one actor, of the 1,111,111.
 *
 * fib_N: fib(n) is an actor that spawns fib(n - 1) and fib(n - 2), adds up what it hears, sends it to its spawner, and ends;
 * fib(1) and fib(0) send at once. One operation is one actor: 635,621 of them for fib(27).
 *
 * Each actor is a server that is spawned with its part of the problem, so that none holds a stack while it waits. A smaller
 * tree is computed first as warm-up. The time is taken by who asked for the root, before and after. rss_bytes is the
 * most that was resident at any moment.
 * Checked: the sum.
 */
#include "bench/harness.h"

typedef struct { int64_t value; } sum;
COP_MESSAGE(sum, value);

static COP_NORETURN void end_with(int64_t value)
{
        cop_send(cop_parent(), sum, .value = value);
        cop_exit(cop_atom("normal"));
}

/* What an inner actor of either tree remembers. */
typedef struct { int64_t value; int awaited; } adder;

static void add(adder *self, const sum *s)
{
        self->value += s->value;
        if (--self->awaited == 0)
                end_with(self->value);
}

/* ---- Skynet -------------------------------------------------------------------------- */

#define BRANCHES 10

typedef struct { int64_t first, leaves; } range;
COP_MESSAGE(range, first, leaves);

typedef adder skynet;
static cop_pid spawn_skynet(int64_t first, int64_t leaves);

static void skynet_init(skynet *self, const range *r)
{
        if (r->leaves == 1)
                end_with(r->first);
        int64_t each = r->leaves / BRANCHES;
        self->awaited = BRANCHES;
        for (int i = 0; i < BRANCHES; i++)
                spawn_skynet(r->first + i * each, each);
}

COP_SERVER(skynet, COP_INIT_WITH(range, skynet_init), COP_ON(sum, add));

static cop_pid spawn_skynet(int64_t first, int64_t leaves)
{
        return cop_spawn_or_exit(&(cop_spawn_options){
                .server = &skynet_server,
                .kind = COP_KIND_OF(range),
                .argument = &(range){ .first = first, .leaves = leaves } });
}

/* ---- Fork and join --------------------------------------------------------------------- */

typedef struct { int64_t n; } problem;
COP_MESSAGE(problem, n);

typedef adder fibber;
static cop_pid spawn_fibber(int64_t n);

static void fibber_init(fibber *self, const problem *p)
{
        if (p->n < 2)
                end_with(p->n);
        self->awaited = 2;
        spawn_fibber(p->n - 1);
        spawn_fibber(p->n - 2);
}

COP_SERVER(fibber, COP_INIT_WITH(problem, fibber_init), COP_ON(sum, add));

static cop_pid spawn_fibber(int64_t n)
{
        return cop_spawn_or_exit(&(cop_spawn_options){ .server = &fibber_server,
                                                       .kind = COP_KIND_OF(problem),
                                                       .argument = &(problem){ .n = n } });
}

static int64_t fib(int64_t n)
{
        return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

/* fib(n) calls itself as often as it adds ones and zeros up, and these are fib(n + 1). */
static uint64_t fib_actors(int64_t n)
{
        return 2 * (uint64_t)fib(n + 1) - 1;
}

/* ---- The runs -------------------------------------------------------------------------- */

/* An actor does it, so that no thread has to be woken at the end. */
static int64_t hear_sum(void)
{
        cop_auto message = cop_receive(COP_FOREVER, COP_KIND(sum));
        return cop_read(sum, message)->value;
}

static void ask_skynet(const range *r)
{
        spawn_skynet(0, r->leaves / 100);
        hear_sum();
        uint64_t began_ns = bench_now(), actors = 0;
        spawn_skynet(0, r->leaves);
        int64_t total = hear_sum();
        uint64_t ended_ns = bench_now();
        BENCH_CHECK(total == r->leaves * (r->leaves - 1) / 2, "the sum is %lld", (long long)total);
        for (int64_t level = r->leaves; level > 0; level /= BRANCHES)
                actors += (uint64_t)level;
        cop_send(cop_parent(), bench_span, .began_ns = began_ns, .ended_ns = ended_ns, .ops = actors);
}

static void ask_fib(const problem *p)
{
        spawn_fibber(p->n - 8);
        hear_sum();
        uint64_t began_ns = bench_now();
        spawn_fibber(p->n);
        int64_t total = hear_sum();
        uint64_t ended_ns = bench_now();
        BENCH_CHECK(total == fib(p->n), "the sum is %lld", (long long)total);
        cop_send(cop_parent(), bench_span, .began_ns = began_ns, .ended_ns = ended_ns,
                 .ops = fib_actors(p->n));
}

BENCH(skynet_1000000, .unit = "actor", .ops = 1000000, .quick_ops = 10000)
{
        int64_t leaves = BRANCHES * BRANCHES;
        while (leaves * BRANCHES <= (int64_t)run->ops)
                leaves *= BRANCHES;
        cop_spawn_with(ask_skynet, range, .leaves = leaves);
        bench_found(run, bench_gather(1));
        run->result.rss_bytes = bench_peak_rss();
}

BENCH(fib_27, .unit = "actor", .ops = 635621, .quick_ops = 10000)
{
        int64_t n = 10;
        while (fib_actors(n + 1) <= run->ops)
                n++;
        cop_spawn_with(ask_fib, problem, .n = n);
        bench_found(run, bench_gather(1));
        run->result.rss_bytes = bench_peak_rss();
}
