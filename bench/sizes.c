/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Question: what does a message cost as it grows?
 *
 * Method: a source sends a drain numbered messages with so many bytes in them, all of which it has just then
 * copied from memory of its own, as any cop_send does. At most 64 are under way: the drain acknowledges each 32nd. One
 * operation is one message. A tenth is sent first as warm-up. The drain takes the time at the first and at the last one.
 * size_shared_65536 sends one buffer that was made once, again and again: no byte is copied (message.h, shared bytes).
 * Checked: number, size, the first and the last byte, which differ from message to message but for the shared one.
 */
#include "bench/harness.h"

#define ACKNOWLEDGED 32
#define UNDER_WAY (2 * ACKNOWLEDGED)

typedef struct { uint64_t number, ops; cop_bytes load; bool shared; } parcel;
COP_MESSAGE(parcel, number, ops, load, shared);

typedef struct { uint64_t received; } receipt;
COP_MESSAGE(receipt, received);

typedef struct { cop_pid drain; uint64_t ops, size; bool shared; } flow;
COP_MESSAGE(flow, drain, ops, size, shared);

/* ---- The drain ----------------------------------------------------------------------- */

typedef struct { uint64_t received, began_ns; } drain;

static void check(const drain *self, const parcel *p)
{
        const uint8_t *load = p->load.data;
        BENCH_CHECK(p->number == self->received, "parcel %llu in place of %llu",
                    (unsigned long long)p->number, (unsigned long long)self->received);
        BENCH_CHECK(p->load.size > 0 && load[0] == load[p->load.size - 1], "a damaged parcel");
        BENCH_CHECK(p->shared || load[0] == (uint8_t)p->number, "the load of another");
}

static void drain_on_parcel(drain *self, const parcel *p)
{
        check(self, p);
        if (self->received == 0)
                self->began_ns = bench_now();
        if (++self->received % ACKNOWLEDGED == 0)
                cop_reply(receipt, .received = self->received);
        if (self->received < p->ops)
                return;
        cop_send(cop_parent(), bench_span, .began_ns = self->began_ns, .ended_ns = bench_now(),
                 .ops = self->received);
        self->received = 0;
}

COP_SERVER(drain, COP_ON(parcel, drain_on_parcel));

/* ---- The source ------------------------------------------------------------------------ */

typedef struct {
        flow flow;
        uint64_t sent;
        uint8_t *load;      /* of a flow that copies */
        cop_buffer *buffer; /* of one that shares */
} source;

static void send_until(source *self, uint64_t number)
{
        for (; self->sent < number && self->sent < self->flow.ops; self->sent++) {
                cop_bytes load = { self->load, self->flow.size, NULL };
                if (self->buffer != NULL)
                        load = cop_buffer_bytes(self->buffer);
                else
                        self->load[0] = self->load[self->flow.size - 1] = (uint8_t)self->sent;
                cop_send(self->flow.drain, parcel, .number = self->sent, .ops = self->flow.ops,
                         .load = load, .shared = self->flow.shared);
        }
}

static void source_on_flow(source *self, const flow *f)
{
        *self = (source){ .flow = *f, .load = self->load, .buffer = self->buffer };
        if (f->shared && self->buffer == NULL) {
                self->buffer = cop_buffer_new(f->size);
                BENCH_CHECK(self->buffer != NULL, "no memory for a buffer");
                memset(cop_buffer_data(self->buffer), 1, f->size);
        } else if (self->load == NULL) {
                self->load = cop_alloc(f->size);
                BENCH_CHECK(self->load != NULL, "no memory for a load");
        }
        send_until(self, UNDER_WAY);
}

static void source_on_receipt(source *self, const receipt *r)
{
        send_until(self, r->received + UNDER_WAY);
}

COP_SERVER(source, COP_ON(receipt, source_on_receipt), COP_ON(flow, source_on_flow));

/* ---- The runs -------------------------------------------------------------------------- */

/* A whole number of acknowledged batches, so that none comes when the next flow has begun. */
static uint64_t batches(uint64_t ops)
{
        return (ops / ACKNOWLEDGED + 1) * ACKNOWLEDGED;
}

static void measure(struct bench_run *run, uint64_t size, bool shared)
{
        cop_pid to = cop_spawn_server(&drain_server, NULL);
        cop_pid from = cop_spawn_server(&source_server, NULL);
        cop_send(from, flow, .drain = to, .ops = batches(run->ops / 10), .size = size,
                 .shared = shared);
        bench_gather(1);
        cop_send(from, flow, .drain = to, .ops = batches(run->ops), .size = size, .shared = shared);
        bench_found(run, bench_gather(1));
        run->result.rss_bytes = bench_peak_rss();
}

BENCH(size_16, .unit = "message")
{
        measure(run, 16, false);
}

BENCH(size_1024, .unit = "message")
{
        measure(run, 1024, false);
}

BENCH(size_65536, .unit = "message")
{
        measure(run, 65536, false);
}

BENCH(size_shared_65536, .unit = "message")
{
        measure(run, 65536, true);
}
