/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Question: what does a message cost when each one goes to another actor, one that has not run
 * for long?
 *
 * Method: a ring of servers and one token that bears how many hops are left. Whoever receives it
 * sends it on, with one hop less, to its neighbour; whoever receives it with none left tells. One
 * operation is one hop. A tenth of the hops is made first as warm-up, the ring's first round
 * included. The actor that starts the token puts the time into it, the one that ends it takes the
 * time again. Only one actor can run at any moment, so more workers can only harm.
 * ring_among_N: the same with so many actors, at least two rounds of the largest. ring_scattered_N: the neighbours are not
 * those who were spawned one after the other, whose memory lies side by side, but anybody.
 * Checked: the token ends where so many hops lead.
 */
#include "bench/harness.h"

typedef struct { uint64_t began_ns, hops, left; } token;
COP_MESSAGE(token, began_ns, hops, left);

typedef struct { cop_pid next; } neighbour;
COP_MESSAGE(neighbour, next);

typedef struct { uint64_t hops; } start;
COP_MESSAGE(start, hops);

typedef struct { cop_pid next; } runner;

static void runner_on_neighbour(runner *self, const neighbour *n)
{
        self->next = n->next;
}

static void runner_on_start(runner *self, const start *s)
{
        cop_send(self->next, token, .began_ns = bench_now(), .hops = s->hops, .left = s->hops - 1);
}

static void runner_on_token(runner *self, const token *t)
{
        if (t->left > 0)
                cop_send(self->next, token, .began_ns = t->began_ns, .hops = t->hops,
                         .left = t->left - 1);
        else
                cop_send(cop_parent(), bench_span, .began_ns = t->began_ns,
                         .ended_ns = bench_now(), .ops = t->hops);
}

COP_SERVER(runner, COP_ON(token, runner_on_token), COP_ON(neighbour, runner_on_neighbour),
           COP_ON(start, runner_on_start));

/* Starts at the first runner. Returns what the one tells that so many hops lead to. */
static bench_span run_token(const cop_pid *runners, uint64_t count, uint64_t hops)
{
        cop_pid last = runners[hops % count];
        cop_send(runners[0], start, .hops = hops);
        cop_auto message = cop_receive(COP_FOREVER, COP_KIND(bench_span));
        BENCH_CHECK(cop_pid_equal(cop_message_from(message), last), "a token that went astray");
        return *cop_read(bench_span, message);
}

/* In an order that the processor cannot foresee. */
static void shuffle(cop_pid *runners, uint64_t count)
{
        uint64_t random = 1;
        for (uint64_t i = count - 1; i > 0; i--) {
                random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
                uint64_t with = (random >> 33) % (i + 1);
                cop_pid other = runners[i];
                runners[i] = runners[with];
                runners[with] = other;
        }
}

static void measure(struct bench_run *run, uint64_t count, bool scattered)
{
        cop_pid *runners = bench_books(count * sizeof(runners[0]));
        for (uint64_t i = 0; i < count; i++)
                runners[i] = cop_spawn_server(&runner_server, NULL);
        if (scattered)
                shuffle(runners, count);
        for (uint64_t i = 0; i < count; i++)
                cop_send(runners[i], neighbour, .next = runners[(i + 1) % count]);
        run_token(runners, count, count + run->ops / 10);
        bench_found(run, run_token(runners, count, run->ops));
}

BENCH(ring_503, .unit = "hop")
{
        measure(run, 503, false);
}

BENCH(ring_10000, .unit = "hop")
{
        measure(run, 10000, false);
}

/* The same over all sizes: where the cost of a cold actor begins. A run of few operations makes fewer actors. */
#define RING(among)                                                            \
        BENCH(ring_among_##among, .unit = "hop", .ops = 4000000, .quick_ops = 10000, \
              .growth = true)                                                  \
        {                                                                      \
                measure(run, among < run->ops ? among : run->ops, false);      \
        }                                                                      \
        BENCH(ring_scattered_##among, .unit = "hop", .ops = 2000000, .quick_ops = 10000, \
              .growth = true)                                                  \
        {                                                                      \
                measure(run, among < run->ops ? among : run->ops, true);       \
        }

RING(10)
RING(100)
RING(1000)
RING(10000)
RING(100000)
RING(1000000)
