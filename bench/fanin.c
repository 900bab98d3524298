/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Question: what does a message cost when many send to one, as fast as they can? And how much
 * memory waits meanwhile?
 *
 * Method: each sender is a server that, told to, sends its share of numbered messages in one loop
 * without waiting for anything. The receiver is a server that counts. One operation is one
 * message received. A tenth is sent first as warm-up. The receiver takes the time at the first and
 * at the last message. rss_bytes is the most that was resident at any moment of the process, warm-up
 * included: it shows whether senders are slowed when the receiver falls behind.
 * Checked: from each sender every number comes once and in order, and nothing is left out.
 */
#include "bench/harness.h"

typedef struct { uint64_t sender, number; } item;
COP_MESSAGE(item, sender, number);

typedef struct { cop_pid to; uint64_t sender, first, count; } share;
COP_MESSAGE(share, to, sender, first, count);

typedef struct { uint64_t senders; } crowd;
COP_MESSAGE(crowd, senders);

typedef struct { uint64_t items; } load;
COP_MESSAGE(load, items);

/* ---- The senders ----------------------------------------------------------------------- */

typedef struct { uint64_t sent; } sender;

static void sender_on_share(sender *self, const share *s)
{
        for (uint64_t i = 0; i < s->count; i++)
                cop_send(s->to, item, .sender = s->sender, .number = s->first + i);
        self->sent += s->count;
}

COP_SERVER(sender, COP_ON(share, sender_on_share));

/* ---- The receiver ------------------------------------------------------------------------ */

typedef struct {
        uint64_t *due; /* the next number of each sender */
        uint64_t senders, expected, received, began_ns;
} receiver;

static void receiver_init(receiver *self, const crowd *c)
{
        self->senders = c->senders;
        self->due = cop_alloc(c->senders * sizeof(self->due[0]));
        BENCH_CHECK(self->due != NULL, "no memory for the receiver's books");
}

static void receiver_on_load(receiver *self, const load *l)
{
        self->expected = l->items;
        self->received = 0;
}

static void receiver_on_item(receiver *self, const item *i)
{
        BENCH_CHECK(i->sender < self->senders && i->number == self->due[i->sender],
                    "item %llu of sender %llu out of turn", (unsigned long long)i->number,
                    (unsigned long long)i->sender);
        self->due[i->sender]++;
        if (self->received == 0)
                self->began_ns = bench_now();
        if (++self->received == self->expected)
                cop_send(cop_parent(), bench_span, .began_ns = self->began_ns,
                         .ended_ns = bench_now(), .ops = self->received);
}

COP_SERVER(receiver, COP_INIT_WITH(crowd, receiver_init), COP_ON(item, receiver_on_item),
           COP_ON(load, receiver_on_load));

/* ---- The runs -------------------------------------------------------------------------- */

struct fan {
        cop_pid receiver, *senders;
        uint64_t count, sent_each;
};

static bench_span send_all(struct fan *fan, uint64_t items)
{
        uint64_t each = items / fan->count + 1;
        cop_send(fan->receiver, load, .items = each * fan->count);
        for (uint64_t i = 0; i < fan->count; i++)
                cop_send(fan->senders[i], share, .to = fan->receiver, .sender = i,
                         .first = fan->sent_each, .count = each);
        fan->sent_each += each;
        bench_span span = bench_gather(1);
        BENCH_CHECK(span.ops == each * fan->count, "items are missing");
        return span;
}

static void measure(struct bench_run *run, uint64_t count)
{
        struct fan fan = {
                .receiver = cop_spawn_or_exit(&(cop_spawn_options){
                        .server = &receiver_server,
                        .kind = COP_KIND_OF(crowd),
                        .argument = &(crowd){ .senders = count } }),
                .senders = bench_books(count * sizeof(cop_pid)),
                .count = count,
        };
        for (uint64_t i = 0; i < count; i++)
                fan.senders[i] = cop_spawn_server(&sender_server, NULL);
        send_all(&fan, run->ops / 10);
        bench_found(run, send_all(&fan, run->ops));
        run->result.rss_bytes = bench_peak_rss();
}

BENCH(fanin_2, .unit = "message")
{
        measure(run, 2);
}

BENCH(fanin_16, .unit = "message")
{
        measure(run, 16);
}

BENCH(fanin_1000, .unit = "message")
{
        measure(run, 1000);
}
