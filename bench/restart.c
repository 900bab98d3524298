/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Question: how long from the message that crashes a server until its replacement is ready? And does it take longer among many
 * siblings, or after many restarts?
 *
 * Method: a supervisor, one_for_one, with servers whose state counts what they have handled. An actor, the reaper, sends one
 * of them a message, then a deadly one, and waits until the new one, in its init, says that it is ready. One operation is one
 * such crash and restart; each is timed by itself from the send to the ready. A tenth is done first as warm-up. The
 * crash reports are made in full and given to a log that drops them. The supervisor's limits are set so that it never
 * gives up; what it remembers of past restarts is part of the cost.
 *
 * restart_exit crashes by cop_exit, restart_fault by a real division by zero, the others by cop_exit.
 * restart_all_100: one_for_all, 100 children: until all of them are ready. restart_among_N: each crash hits another of N
 * children. restart_first_3000 times the first 3,000, and restart_after_50000 3,000 after the first 50,000, both with a
 * window in which all of them count.
 * Checked: each replacement is another actor than the one before, with a state of zero, and there are as many
 * as crashes.
 */
#include "bench/harness.h"

#include <stdio.h>

typedef struct { int64_t dividend, divisor; } crash;
COP_MESSAGE(crash, dividend, divisor);

typedef struct { bool again; } work;
COP_MESSAGE(work, again);

typedef struct { uint64_t number; } place;
COP_MESSAGE(place, number);

typedef struct { cop_pid pid; uint64_t number; int64_t handled; } ready;
COP_MESSAGE(ready, pid, number, handled);

typedef struct {
        uint64_t crashes, before; /* timed, and first */
        uint64_t children;
        bool fault; /* not an exit */
        bool all;   /* one_for_all */
        bool keeps; /* a window in which all restarts count */
} doom;
COP_MESSAGE(doom, crashes, before, children, fault, all, keeps);

typedef struct { cop_int64s samples_ns; } latencies;
COP_MESSAGE(latencies, samples_ns);

/* ---- The server ---------------------------------------------------------------------- */

typedef struct { int64_t handled; } victim;

static void victim_init(victim *self, const place *p)
{
        cop_send("reaper", ready, .pid = cop_self(), .number = p->number, .handled = self->handled);
}

static void victim_on_work(victim *self, const work *w)
{
        self->handled += w->again ? 2 : 1;
}

/* By zero: the processor traps. By anything else: the server gives up by itself. */
static void victim_on_crash(victim *self, const crash *c)
{
        self->handled += c->dividend / c->divisor;
        cop_exit(cop_atom("told_to_crash"));
}

COP_SERVER(victim, COP_INIT_WITH(place, victim_init), COP_ON(crash, victim_on_crash),
           COP_ON(work, victim_on_work));

/* ---- The tree -------------------------------------------------------------------------- */

/* The children, for as long as the run lasts: number i is "victim_i", and is told so. */
static const cop_child *family(uint64_t children)
{
        cop_child *list = bench_books((children + 1) * sizeof(list[0]));
        place *places = bench_books(children * sizeof(places[0]));
        char (*ids)[32] = bench_books(children * sizeof(*ids));
        for (uint64_t i = 0; i < children; i++) {
                places[i].number = i;
                snprintf(ids[i], sizeof(ids[i]), "victim_%llu", (unsigned long long)i);
                list[i] = (cop_child){ .id = ids[i], .server = &victim_server, .unnamed = true,
                                       .kind = COP_KIND_OF(place), .argument = &places[i] };
        }
        return list;
}

static cop_pid start_tree(const doom *d)
{
        cop_pid tree;
        cop_status status = cop_supervise(
                &(cop_supervisor){ .name = "crypt", .intensity = 1000000,
                                   .period_ms = d->keeps ? COP_FOREVER : 100,
                                   .strategy = d->all ? COP_ONE_FOR_ALL : COP_ONE_FOR_ONE,
                                   .children = family(d->children) },
                &tree);
        BENCH_CHECK(status == COP_OK, "cannot start the tree: %s", cop_status_text(status));
        return tree;
}

/* ---- The reaper ------------------------------------------------------------------------- */

/* Waits for so many to be ready, and writes down who they are. */
static void wait_until_ready(cop_pid *victims, uint64_t count)
{
        for (uint64_t i = 0; i < count; i++) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(ready));
                const ready *r = cop_read(ready, message);
                BENCH_CHECK(r->handled == 0, "a restart with the old state");
                BENCH_CHECK(!cop_pid_equal(r->pid, victims[r->number]),
                            "the old actor in place of a new one");
                victims[r->number] = r->pid;
        }
}

/* Neighbours in the sequence are far apart. */
static uint64_t scatter(uint64_t i, uint64_t among)
{
        return i * UINT64_C(0x9e3779b97f4a7c15) % among;
}

static void reap(const doom *d, cop_pid *victims, uint64_t times, int64_t *samples_ns)
{
        for (uint64_t i = 0; i < times; i++) {
                cop_pid one = victims[scatter(i, d->children)];
                cop_send(one, work, .again = false);
                uint64_t began_ns = bench_now();
                cop_send(one, crash, .dividend = 1, .divisor = d->fault ? 0 : 1);
                wait_until_ready(victims, d->all ? d->children : 1);
                samples_ns[i] = (int64_t)(bench_now() - began_ns);
        }
}

static void reaper(const doom *d)
{
        cop_pid *victims = bench_books(d->children * sizeof(victims[0]));
        int64_t *samples_ns = bench_books((d->crashes + d->before) * sizeof(samples_ns[0]));
        cop_pid tree = start_tree(d);
        wait_until_ready(victims, d->children);
        reap(d, victims, d->before, samples_ns);
        uint64_t began_ns = bench_now();
        reap(d, victims, d->crashes, samples_ns);
        cop_send(cop_parent(), bench_span, .began_ns = began_ns, .ended_ns = bench_now(),
                 .ops = d->crashes);
        cop_send(cop_parent(), latencies, .samples_ns = { samples_ns, d->crashes });
        cop_shutdown(tree, 5000);
        cop_auto more = cop_receive(0, COP_KIND(ready));
        BENCH_CHECK(more == NULL, "more restarts than crashes");
}

/* ---- The runs -------------------------------------------------------------------------- */

static void measure(struct bench_run *run, const doom *wanted)
{
        int64_t *samples_ns = bench_books(wanted->crashes * sizeof(samples_ns[0]));
        cop_spawn_or_exit(&(cop_spawn_options){ .run_with = COP_RUN_WITH(reaper, doom),
                                                .kind = COP_KIND_OF(doom),
                                                .argument = wanted,
                                                .name = "reaper" });
        bench_found(run, bench_gather(1));
        cop_auto message = cop_receive(COP_FOREVER, COP_KIND(latencies));
        const cop_int64s *all = &cop_read(latencies, message)->samples_ns;
        memcpy(samples_ns, all->items, all->count * sizeof(samples_ns[0]));
        bench_percentiles(run, samples_ns, all->count);
}

static void measure_with_warm_up(struct bench_run *run, doom wanted)
{
        wanted.crashes = run->ops;
        wanted.before = run->ops / 10 + 1;
        measure(run, &wanted);
}

BENCH(restart_exit, .unit = "restart")
{
        measure_with_warm_up(run, (doom){ .children = 1 });
}

BENCH(restart_fault, .unit = "restart")
{
        measure_with_warm_up(run, (doom){ .children = 1, .fault = true });
}

BENCH(restart_all_100, .unit = "crash", .ops = 4000, .quick_ops = 100)
{
        measure_with_warm_up(run, (doom){ .children = 100, .all = true });
}

BENCH(restart_first_3000, .unit = "restart", .ops = 3000, .quick_ops = 300, .growth = true)
{
        measure(run, &(doom){ .crashes = run->ops, .children = 1, .keeps = true });
}

BENCH(restart_after_50000, .unit = "restart", .ops = 3000, .quick_ops = 300, .growth = true)
{
        measure(run, &(doom){ .crashes = run->ops, .before = run->ops * 50 / 3, .children = 1,
                              .keeps = true });
}

/* A run of few operations has fewer children. */
#define AMONG(count)                                                                     \
        BENCH(restart_among_##count, .unit = "restart", .ops = 50000, .quick_ops = 1000, \
              .growth = true)                                                            \
        {                                                                                \
                measure_with_warm_up(run, (doom){ .children = count < 10 * run->ops      \
                                                                      ? count            \
                                                                      : run->ops });     \
        }

AMONG(10)
AMONG(100)
AMONG(1000)
AMONG(10000)
AMONG(100000)
