/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Question: what does a message cost when sender and receiver wait for each other?
 *
 * Method: pairs of servers. The pinger sends a numbered ball, the ponger replies with the same
 * number, and the pinger sends the next one: there is one ball for each pair, so nothing can be
 * batched. One operation is one message, two are a round trip. A tenth of the strokes is played
 * first as warm-up. Each pinger takes the time when it serves and at its last ball; the figure is
 * from the first serve to the last ball of all. pingpong_receive is one pair of plain
 * functions that wait in the middle (a stack each) in place of handlers.
 * Checked: every ball bears the number that is due, and every stroke is counted.
 */
#include "bench/harness.h"

typedef struct { int64_t number; } ball;
COP_MESSAGE(ball, number);

typedef struct { cop_pid ponger; int64_t strokes; } match;
COP_MESSAGE(match, ponger, strokes);

typedef struct { match match; int64_t number; uint64_t began_ns; } pinger;

static void tell_span(uint64_t began_ns, uint64_t ops)
{
        cop_send(cop_parent(), bench_span, .began_ns = began_ns, .ended_ns = bench_now(),
                 .ops = ops);
}

/* ---- Handlers ---------------------------------------------------------------------- */

static void pinger_on_match(pinger *self, const match *m)
{
        self->match = *m;
        self->number = 1;
        self->began_ns = bench_now();
        cop_send(m->ponger, ball, .number = 1);
}

static void pinger_on_ball(pinger *self, const ball *b)
{
        BENCH_CHECK(b->number == self->number, "ball %lld in place of %lld", (long long)b->number,
                    (long long)self->number);
        if (self->number == self->match.strokes)
                tell_span(self->began_ns, 2 * (uint64_t)self->number);
        else
                cop_send(self->match.ponger, ball, .number = ++self->number);
}

COP_SERVER(pinger, COP_ON(match, pinger_on_match), COP_ON(ball, pinger_on_ball));

typedef struct { int64_t strokes; } ponger;

static void ponger_on_ball(ponger *self, const ball *b)
{
        self->strokes++;
        cop_reply(ball, .number = b->number);
}

COP_SERVER(ponger, COP_ON(ball, ponger_on_ball));

/* ---- Plain functions ------------------------------------------------------------------ */

static void pong(void)
{
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(ball));
                cop_answer(message, ball, .number = cop_read(ball, message)->number);
        }
}

static void play(const match *m)
{
        uint64_t began_ns = bench_now();
        for (int64_t number = 1; number <= m->strokes; number++) {
                cop_send(m->ponger, ball, .number = number);
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(ball));
                BENCH_CHECK(cop_read(ball, message)->number == number, "a wrong ball");
        }
        tell_span(began_ns, 2 * (uint64_t)m->strokes);
}

static void ping(void)
{
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(match));
                play(cop_read(match, message));
        }
}

/* ---- The runs -------------------------------------------------------------------------- */

struct pair {
        cop_pid pinger, ponger;
};

static bench_span play_all(const struct pair *pairs, uint64_t count, uint64_t messages)
{
        uint64_t strokes = messages / count / 2 + 1;
        for (uint64_t i = 0; i < count; i++)
                cop_send(pairs[i].pinger, match, .ponger = pairs[i].ponger,
                         .strokes = (int64_t)strokes);
        bench_span span = bench_gather(count);
        BENCH_CHECK(span.ops == 2 * strokes * count, "%llu messages of %llu",
                    (unsigned long long)span.ops, (unsigned long long)(2 * strokes * count));
        return span;
}

static void measure(struct bench_run *run, const struct pair *pairs, uint64_t count)
{
        play_all(pairs, count, run->ops / 10);
        bench_found(run, play_all(pairs, count, run->ops));
}

static void measure_servers(struct bench_run *run, uint64_t count)
{
        struct pair *pairs = bench_books(count * sizeof(pairs[0]));
        for (uint64_t i = 0; i < count; i++) {
                pairs[i].pinger = cop_spawn_server(&pinger_server, NULL);
                pairs[i].ponger = cop_spawn_server(&ponger_server, NULL);
        }
        measure(run, pairs, count);
}

BENCH(pingpong_1, .unit = "message")
{
        measure_servers(run, 1);
}

BENCH(pingpong_1000, .unit = "message")
{
        measure_servers(run, 1000);
}

BENCH(pingpong_receive, .unit = "message")
{
        const struct pair pair = { cop_spawn(ping), cop_spawn(pong) };
        measure(run, &pair, 1);
}
