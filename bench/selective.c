/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Question: what does a request cost an actor that has many unread messages?
 *
 * Method: an actor sends itself so many messages that it never reads. Then it makes a reference, sends it to another actor,
 * and receives the answer that bears it; one operation is one such round trip. A tenth is done first as warm-up. The figure
 * for a million unread messages should be that for ten.
 * Checked: each answer is the one to this question, and at the end all that was unread is there, in order.
 */
#include "bench/harness.h"

typedef struct { cop_ref ref; int64_t number; } query;
COP_MESSAGE(query, ref, number);

typedef struct { cop_ref ref; int64_t twice; } result;
COP_MESSAGE(result, ref, twice);

typedef struct { int64_t number; } unread;
COP_MESSAGE(unread, number);

typedef struct { uint64_t ops; int64_t unread; } errand;
COP_MESSAGE(errand, ops, unread);

static void answerer(void)
{
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(query));
                const query *q = cop_read(query, message);
                cop_send(cop_message_from(message), result, .ref = q->ref, .twice = 2 * q->number);
        }
}

static void ask(cop_pid answering, int64_t number)
{
        cop_ref ref = cop_ref_new();
        cop_send(answering, query, .ref = ref, .number = number);
        cop_auto message = cop_receive(COP_FOREVER, COP_REF(result, ref));
        BENCH_CHECK(cop_read(result, message)->twice == 2 * number, "the answer to another question");
}

static void asker(const errand *e)
{
        cop_pid answering = cop_spawn(answerer);
        uint64_t warm_up = e->ops / 10 + 1;
        for (int64_t i = 0; i < e->unread; i++)
                cop_send(cop_self(), unread, .number = i);
        for (uint64_t i = 0; i < warm_up; i++)
                ask(answering, (int64_t)i);
        uint64_t began_ns = bench_now();
        for (uint64_t i = 0; i < e->ops; i++)
                ask(answering, (int64_t)i);
        uint64_t ended_ns = bench_now();
        for (int64_t i = 0; i < e->unread; i++) {
                cop_auto message = cop_receive(0, COP_ANY);
                const unread *next = cop_read(unread, message);
                BENCH_CHECK(next != NULL && next->number == i, "message %lld is missing", (long long)i);
        }
        cop_send(cop_parent(), bench_span, .began_ns = began_ns, .ended_ns = ended_ns, .ops = e->ops);
}

static void measure(struct bench_run *run, int64_t unread_count)
{
        cop_spawn_with(asker, errand, .ops = run->ops, .unread = unread_count);
        bench_found(run, bench_gather(1));
}

BENCH(selective_10, .unit = "request", .growth = true)
{
        measure(run, 10);
}

BENCH(selective_1000, .unit = "request", .growth = true)
{
        measure(run, 1000);
}

BENCH(selective_100000, .unit = "request", .growth = true)
{
        measure(run, 100000);
}

BENCH(selective_1000000, .unit = "request", .growth = true)
{
        measure(run, 1000000);
}
