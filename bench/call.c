/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Question: what does a call cost, and how long does one take?
 *
 * Method: each client is an actor that calls one server in a loop, with a time-out of five
 * seconds, and ends each reply. One operation is one call answered. A tenth is called first as
 * warm-up. Each client takes the time before its first and after its last call; the figure is from
 * the first beginning to the last end. Besides, one call in 64 is timed by itself, which costs two
 * looks at the clock; the percentiles are those of all such calls of all clients. This is a closed
 * loop: a client calls again when it is answered, so with 64 clients a call waits for 63 others.
 * Checked: each reply answers the question of this very call, and the server has answered all.
 */
#include "bench/harness.h"

#define TIMED_EVERY 64
#define SAMPLES_MAX 32768 /* of one client; from then on no call is timed */

typedef struct { int64_t number; } question;
COP_MESSAGE(question, number);

typedef struct { int64_t twice; } answer;
COP_MESSAGE(answer, twice);

typedef struct { cop_pid server; uint64_t calls; } errand;
COP_MESSAGE(errand, server, calls);

typedef struct { cop_int64s samples_ns; } latencies;
COP_MESSAGE(latencies, samples_ns);

typedef struct { bool all; } ask_total;
COP_MESSAGE(ask_total, all);

typedef struct { uint64_t answered; } total;
COP_MESSAGE(total, answered);

/* ---- The server --------------------------------------------------------------------- */

typedef struct { uint64_t answered; } oracle;

static void oracle_on_question(oracle *self, const question *q)
{
        self->answered++;
        cop_reply(answer, .twice = 2 * q->number);
}

static void oracle_on_ask_total(oracle *self, const ask_total *a)
{
        cop_reply(total, .answered = a->all ? self->answered : 0);
}

COP_SERVER(oracle, COP_ON(question, oracle_on_question), COP_ON(ask_total, oracle_on_ask_total));

/* ---- The clients --------------------------------------------------------------------- */

static void call_once(cop_pid server, int64_t number)
{
        cop_auto reply = NULL;
        cop_status status = cop_call(&reply, server, 5000, question, .number = number);
        BENCH_CHECK(status == COP_OK, "call %lld: %s", (long long)number, cop_status_text(status));
        BENCH_CHECK(cop_read(answer, reply)->twice == 2 * number, "the answer to another question");
}

static size_t call_often(const errand *e, int64_t *samples_ns)
{
        size_t samples = 0;
        for (uint64_t i = 0; i < e->calls; i++) {
                if (i % TIMED_EVERY != 0 || samples == SAMPLES_MAX) {
                        call_once(e->server, (int64_t)i);
                        continue;
                }
                uint64_t began_ns = bench_now();
                call_once(e->server, (int64_t)i);
                samples_ns[samples++] = (int64_t)(bench_now() - began_ns);
        }
        return samples;
}

static void client(void)
{
        int64_t *samples_ns = cop_alloc(SAMPLES_MAX * sizeof(samples_ns[0]));
        BENCH_CHECK(samples_ns != NULL, "no memory for samples");
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(errand));
                const errand *e = cop_read(errand, message);
                uint64_t began_ns = bench_now();
                size_t samples = call_often(e, samples_ns);
                cop_send(cop_parent(), bench_span, .began_ns = began_ns, .ended_ns = bench_now(),
                         .ops = e->calls);
                cop_send(cop_parent(), latencies, .samples_ns = { samples_ns, samples });
        }
}

/* ---- The runs ------------------------------------------------------------------------- */

static size_t gather_samples(uint64_t count, int64_t *samples_ns)
{
        size_t samples = 0;
        for (uint64_t i = 0; i < count; i++) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(latencies));
                const cop_int64s *part = &cop_read(latencies, message)->samples_ns;
                memcpy(samples_ns + samples, part->items, part->count * sizeof(part->items[0]));
                samples += part->count;
        }
        return samples;
}

static uint64_t answered(cop_pid server)
{
        cop_auto reply = NULL;
        cop_status status = cop_call(&reply, server, 5000, ask_total, .all = true);
        BENCH_CHECK(status == COP_OK, "asking for the total: %s", cop_status_text(status));
        return cop_read(total, reply)->answered;
}

static void measure(struct bench_run *run, uint64_t count)
{
        cop_pid server = cop_spawn_server(&oracle_server, NULL);
        cop_pid *clients = bench_books(count * sizeof(clients[0]));
        int64_t *samples_ns = bench_books(count * SAMPLES_MAX * sizeof(samples_ns[0]));
        uint64_t calls[] = { run->ops / 10 / count + 1, run->ops / count + 1 };
        bench_span span = { 0 };
        size_t samples = 0;
        for (uint64_t i = 0; i < count; i++)
                clients[i] = cop_spawn(client);
        for (int phase = 0; phase < 2; phase++) {
                for (uint64_t i = 0; i < count; i++)
                        cop_send(clients[i], errand, .server = server, .calls = calls[phase]);
                span = bench_gather(count);
                samples = gather_samples(count, samples_ns);
        }
        BENCH_CHECK(answered(server) == count * (calls[0] + calls[1]), "calls are missing");
        bench_found(run, span);
        bench_percentiles(run, samples_ns, samples);
}

BENCH(call_1, .unit = "call")
{
        measure(run, 1);
}

BENCH(call_64, .unit = "call")
{
        measure(run, 64);
}
