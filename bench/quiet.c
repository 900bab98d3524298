/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Question: how long does a quiet pair wait for each other when the node is busy with others?
 *
 * Method: an open loop. A thread of the program sends an actor a tick at fixed times, every 200 us (1 ms with loops), whether or
 * not the ones before have been answered; the actor asks its partner, the partner replies, and the actor takes the time.
 * One operation is one tick, from the moment when it left the thread until its answer was back: three messages, of
 * which the first may have to wake a worker. How late the thread itself was is not in it, since the operating system
 * decides that.
 *
 * quiet_alone: nobody else. quiet_chatter_1000: 1,000 servers, in pairs, each pair with a ball that never rests.
 * quiet_loops_4: four actors in an endless loop that neither receives nor sends; a node that does not preempt answers
 * nothing then, and the row says so in place of a figure.
 * Checked: each tick is answered once, in order.
 */
#include <sys/prctl.h>
#include <time.h>

#include "bench/harness.h"

#define PATIENCE_MS 1000 /* for the first answer of all */

typedef struct { uint64_t number, left_ns, ticks; } tick;
COP_MESSAGE(tick, number, left_ns, ticks);

typedef struct { bool first; } heard;
COP_MESSAGE(heard, first);

typedef struct { cop_int64s samples_ns; } latencies;
COP_MESSAGE(latencies, samples_ns);

typedef struct { uint64_t strokes; } ball;
COP_MESSAGE(ball, strokes);

typedef struct { cop_pid partner; } acquaintance;
COP_MESSAGE(acquaintance, partner);

/* ---- The quiet pair -------------------------------------------------------------------- */

typedef struct { uint64_t answered; } answerer;

static void answerer_on_tick(answerer *self, const tick *t)
{
        self->answered++;
        cop_reply(tick, t->number, t->left_ns, t->ticks);
}

COP_SERVER(answerer, COP_ON(tick, answerer_on_tick));

/* Told of a tick by the thread, and again, as the answer, by its partner. */
typedef struct {
        cop_pid partner;
        uint64_t asked, answered, began_ns;
        int64_t *samples_ns;
} asker;

static void asker_on_acquaintance(asker *self, const acquaintance *a)
{
        self->partner = a->partner;
}

static void take_time(asker *self, const tick *t)
{
        BENCH_CHECK(t->number == self->answered, "the answer to another tick");
        uint64_t now_ns = bench_now();
        self->samples_ns[self->answered++] = (int64_t)(now_ns - t->left_ns);
        if (t->number == 0)
                cop_send(cop_parent(), heard, .first = true);
        if (self->answered < t->ticks)
                return;
        cop_send(cop_parent(), bench_span, .began_ns = self->began_ns, .ended_ns = now_ns,
                 .ops = t->ticks);
        cop_send(cop_parent(), latencies, .samples_ns = { self->samples_ns, t->ticks });
}

static void asker_on_tick(asker *self, const tick *t)
{
        if (self->asked == 0) {
                self->began_ns = t->left_ns;
                self->samples_ns = cop_alloc(t->ticks * sizeof(self->samples_ns[0]));
                BENCH_CHECK(self->samples_ns != NULL, "no memory for samples");
        }
        if (t->number < self->asked) {
                take_time(self, t);
                return;
        }
        self->asked++;
        cop_send(self->partner, tick, t->number, t->left_ns, t->ticks);
}

COP_SERVER(asker, COP_ON(tick, asker_on_tick), COP_ON(acquaintance, asker_on_acquaintance));

/* ---- The others ------------------------------------------------------------------------- */

typedef struct { uint64_t strokes; } chatterer;

static void chatterer_on_ball(chatterer *self, const ball *b)
{
        self->strokes++;
        cop_reply(ball, .strokes = b->strokes + 1);
}

static void chatterer_on_acquaintance(chatterer *self, const acquaintance *a)
{
        self->strokes = 1;
        cop_send(a->partner, ball, .strokes = 1);
}

COP_SERVER(chatterer, COP_ON(ball, chatterer_on_ball),
           COP_ON(acquaintance, chatterer_on_acquaintance));

static void chat(uint64_t actors)
{
        for (uint64_t i = 0; i < actors; i += 2)
                cop_send(cop_spawn_server(&chatterer_server, NULL), acquaintance,
                         .partner = cop_spawn_server(&chatterer_server, NULL));
}

/* Ends the loops when all has been measured. Read and written relaxed: it orders nothing. */
static bool is_over;

static void loop(void)
{
        while (!__atomic_load_n(&is_over, __ATOMIC_RELAXED))
                continue;
}

/* ---- The thread -------------------------------------------------------------------------- */

static void sleep_until(uint64_t ns)
{
        const struct timespec until = { (time_t)(ns / 1000000000u), (long)(ns % 1000000000u) };
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) != 0)
                continue;
}

static void send_tick(cop_pid to, uint64_t number, uint64_t ticks)
{
        cop_send(to, tick, .number = number, .left_ns = bench_now(), .ticks = ticks);
}

/* False: the first one was not answered in a long time. */
static bool send_ticks(cop_pid to, uint64_t ticks, uint64_t every_ns)
{
        send_tick(to, 0, ticks);
        cop_auto message = cop_receive(PATIENCE_MS, COP_KIND(heard));
        if (message == NULL)
                return false;
        uint64_t due_ns = bench_now();
        for (uint64_t number = 1; number < ticks; number++) {
                sleep_until(due_ns += every_ns);
                send_tick(to, number, ticks);
        }
        return true;
}

static void measure(struct bench_run *run, uint64_t every_us)
{
        cop_pid asking = cop_spawn_server(&asker_server, NULL);
        cop_send(asking, acquaintance, .partner = cop_spawn_server(&answerer_server, NULL));
        prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0); /* sleep as exactly as can be */
        if (!send_ticks(asking, run->ops, every_us * 1000)) {
                bench_skip(run, "an actor that loops for ever was not interrupted within a second");
                return;
        }
        bench_found(run, bench_gather(1));
        cop_auto message = cop_receive(COP_FOREVER, COP_KIND(latencies));
        const cop_int64s *all = &cop_read(latencies, message)->samples_ns;
        int64_t *samples_ns = bench_books(all->count * sizeof(samples_ns[0]));
        memcpy(samples_ns, all->items, all->count * sizeof(samples_ns[0]));
        bench_percentiles(run, samples_ns, all->count);
}

BENCH(quiet_alone, .unit = "tick", .ops = 3000, .quick_ops = 100)
{
        measure(run, 200);
}

BENCH(quiet_chatter_1000, .unit = "tick", .ops = 3000, .quick_ops = 100)
{
        chat(1000);
        measure(run, 200);
}

BENCH(quiet_loops_4, .unit = "tick", .ops = 1000, .quick_ops = 50)
{
        cop_pid loops[4];
        for (int i = 0; i < 4; i++)
                loops[i] = cop_spawn(loop);
        measure(run, 1000);
        __atomic_store_n(&is_over, true, __ATOMIC_RELAXED);
        for (int i = 0; i < 4; i++)
                cop_send_exit(loops[i], cop_atom("kill"));
}
