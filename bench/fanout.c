/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Question: what does a message cost when one sends to many?
 *
 * Method: one server sends numbered messages to 1,000 others, to each in turn, without waiting for anything. One operation
 * is one message received. A tenth is sent first as warm-up. The sender takes the time before its first message, each
 * receiver at its last one; the figure is from there to the last of all.
 * Checked: each receiver has had every number, once and in order.
 */
#include "bench/harness.h"

#define RECEIVERS 1000

typedef struct { cop_pids receivers; uint64_t rounds; } broadcast;
COP_MESSAGE(broadcast, receivers, rounds);

typedef struct { uint64_t began_ns, number, last; } page;
COP_MESSAGE(page, began_ns, number, last);

typedef struct { uint64_t due; } subscriber;

static void subscriber_on_page(subscriber *self, const page *p)
{
        BENCH_CHECK(p->number == self->due, "page %llu in place of %llu",
                    (unsigned long long)p->number, (unsigned long long)self->due);
        self->due++;
        if (p->number < p->last)
                return;
        cop_send(cop_parent(), bench_span, .began_ns = p->began_ns, .ended_ns = bench_now(),
                 .ops = self->due);
        self->due = 0;
}

COP_SERVER(subscriber, COP_ON(page, subscriber_on_page));

typedef struct { uint64_t sent; } publisher;

static void publisher_on_broadcast(publisher *self, const broadcast *b)
{
        uint64_t began_ns = bench_now();
        for (uint64_t number = 0; number < b->rounds; number++)
                for (size_t i = 0; i < b->receivers.count; i++)
                        cop_send(b->receivers.items[i], page, .began_ns = began_ns,
                                 .number = number, .last = b->rounds - 1);
        self->sent += b->rounds * b->receivers.count;
}

COP_SERVER(publisher, COP_ON(broadcast, publisher_on_broadcast));

static bench_span publish(cop_pid from, const cop_pid *receivers, uint64_t rounds)
{
        cop_send(from, broadcast, .receivers = { receivers, RECEIVERS }, .rounds = rounds);
        bench_span span = bench_gather(RECEIVERS);
        BENCH_CHECK(span.ops == rounds * RECEIVERS, "pages are missing");
        return span;
}

BENCH(fanout_1000, .unit = "message")
{
        cop_pid receivers[RECEIVERS], from = cop_spawn_server(&publisher_server, NULL);
        for (int i = 0; i < RECEIVERS; i++)
                receivers[i] = cop_spawn_server(&subscriber_server, NULL);
        publish(from, receivers, run->ops / 10 / RECEIVERS + 1);
        bench_found(run, publish(from, receivers, run->ops / RECEIVERS + 1));
        run->result.rss_bytes = bench_peak_rss();
}
