/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Question: is the memory of a burst given back when the burst is over?
 *
 * burst_actors_N: an actor spawns N servers with a small state, each of which it sends a message and hears from, and then
 * tells all of them to end, and sees all of them end. One operation is one such life. burst_messages_N: an
 * actor sends itself N messages before it reads any, and then reads all. One operation is one message. Each is done
 * once, after a thousandth of it as warm-up. `rss_bytes` is the most that was resident, `rss_left_bytes` what is
 * afterwards, when nothing has gone for three seconds (ten at most), both above what was before the burst.
 * Checked: every actor has ended, every message was read, in order.
 */
#include "bench/harness.h"

typedef struct { uint64_t count; } burst;
COP_MESSAGE(burst, count);

typedef struct { uint64_t number; bool last; } spark;
COP_MESSAGE(spark, number, last);

/* Of the actor that made the burst: read by who prints it. */
typedef struct { uint64_t before, most, left; } weights;
COP_MESSAGE(weights, before, most, left);

/* Memory that nobody needs goes by itself, a second or two after. */
static uint64_t left_at_last(void)
{
        uint64_t least = bench_rss();
        for (int looks = 0, vain = 0; looks < 100 && vain < 30; looks++) {
                cop_sleep(100);
                uint64_t now = bench_rss();
                vain = now < least ? 0 : vain + 1;
                least = now < least ? now : least;
        }
        return least;
}

static void tell(uint64_t began_ns, uint64_t ops, weights w)
{
        uint64_t ended_ns = bench_now();
        w.left = left_at_last();
        cop_send(cop_parent(), bench_span, .began_ns = began_ns, .ended_ns = ended_ns, .ops = ops);
        cop_send(cop_parent(), weights, w.before, w.most, w.left);
}

/* ---- Actors ---------------------------------------------------------------------------- */

typedef struct { uint64_t sparks; } firefly;

static void firefly_on_spark(firefly *self, const spark *s)
{
        self->sparks++;
        cop_reply(spark, .number = s->number, .last = s->last);
        if (s->last)
                cop_exit(cop_atom("normal"));
}

COP_SERVER(firefly, COP_ON(spark, firefly_on_spark));

static void send_to_all(const cop_pid *fireflies, uint64_t count, bool last)
{
        for (uint64_t i = 0; i < count; i++) {
                cop_send(fireflies[i], spark, .number = i, .last = last);
                cop_message_free(cop_receive(COP_FOREVER, COP_KIND(spark)));
        }
}

static void live_and_die(cop_pid *fireflies, uint64_t count, weights *w)
{
        for (uint64_t i = 0; i < count; i++)
                fireflies[i] = cop_spawn_server(&firefly_server, NULL);
        send_to_all(fireflies, count, false);
        w->most = bench_rss();
        send_to_all(fireflies, count, true);
        for (uint64_t i = 0; i < count; i++)
                while (cop_is_alive(fireflies[i]))
                        cop_yield();
}

static void swarm(const burst *b)
{
        weights w = { 0 };
        cop_pid *fireflies = bench_books(b->count * sizeof(fireflies[0]));
        live_and_die(fireflies, b->count / 1000, &w);
        w.before = bench_rss();
        uint64_t began_ns = bench_now();
        live_and_die(fireflies, b->count, &w);
        tell(began_ns, b->count, w);
}

/* ---- Messages -------------------------------------------------------------------------- */

static void send_and_read(uint64_t count, weights *w)
{
        for (uint64_t i = 0; i < count; i++)
                cop_send(cop_self(), spark, .number = i);
        w->most = bench_rss();
        for (uint64_t i = 0; i < count; i++) {
                cop_auto message = cop_receive(0, COP_KIND(spark));
                BENCH_CHECK(message != NULL && cop_read(spark, message)->number == i,
                            "message %llu is not there", (unsigned long long)i);
        }
}

static void shower(const burst *b)
{
        weights w = { 0 };
        send_and_read(b->count / 1000, &w);
        w.before = bench_rss();
        uint64_t began_ns = bench_now();
        send_and_read(b->count, &w);
        tell(began_ns, b->count, w);
}

/* ---- The runs -------------------------------------------------------------------------- */

static uint64_t above(uint64_t rss, uint64_t before)
{
        return rss > before ? rss - before : 1;
}

static void found_burst(struct bench_run *run)
{
        bench_found(run, bench_gather(1));
        cop_auto message = cop_receive(COP_FOREVER, COP_KIND(weights));
        const weights *w = cop_read(weights, message);
        run->result.rss_bytes = above(w->most, w->before);
        run->result.rss_left_bytes = above(w->left, w->before);
}

BENCH(burst_actors_1000000, .unit = "actor", .ops = 1000000, .quick_ops = 10000, .growth = true)
{
        cop_spawn_with(swarm, burst, .count = run->ops);
        found_burst(run);
}

BENCH(burst_messages_1000000, .unit = "message", .ops = 1000000, .quick_ops = 10000,
      .growth = true)
{
        cop_spawn_with(shower, burst, .count = run->ops);
        found_burst(run);
}
