/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Question: how long from the message that crashes a server until its replacement is ready?
 *
 * Method: a supervisor, one_for_one, with one server whose state counts what it has handled. An
 * actor, the reaper, sends it a message, then a deadly one, and waits until the new one, in its
 * init, says that it is ready. One operation is one such crash and restart; each is timed by itself
 * from the send to the ready. restart_exit crashes by cop_exit, restart_fault by a real
 * division by zero. A tenth is done first as warm-up. The crash reports are made in full and given
 * to a log that drops them. The supervisor's limits are set so that it never gives up; what it
 * remembers of past restarts is part of the cost.
 * Checked: each replacement is another actor than the one before, with a state of zero, and there are as many
 * as crashes.
 */
#include "bench/harness.h"

typedef struct { int64_t dividend, divisor; } crash;
COP_MESSAGE(crash, dividend, divisor);

typedef struct { bool again; } work;
COP_MESSAGE(work, again);

typedef struct { cop_pid pid; int64_t handled; } ready;
COP_MESSAGE(ready, pid, handled);

typedef struct { uint64_t crashes; int64_t divisor; } doom;
COP_MESSAGE(doom, crashes, divisor);

typedef struct { cop_int64s samples_ns; } latencies;
COP_MESSAGE(latencies, samples_ns);

/* ---- The server ---------------------------------------------------------------------- */

typedef struct { int64_t handled; } victim;

static void victim_init(victim *self)
{
        cop_send("reaper", ready, .pid = cop_self(), .handled = self->handled);
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

COP_SERVER(victim, COP_INIT(victim_init), COP_ON(crash, victim_on_crash),
           COP_ON(work, victim_on_work));

/* ---- The reaper ------------------------------------------------------------------------- */

static cop_pid wait_until_ready(cop_pid before)
{
        cop_auto message = cop_receive(COP_FOREVER, COP_KIND(ready));
        const ready *r = cop_read(ready, message);
        BENCH_CHECK(r->handled == 0, "a restart with the old state");
        BENCH_CHECK(!cop_pid_equal(r->pid, before), "the old actor in place of a new one");
        return r->pid;
}

static cop_pid reap(cop_pid victim_pid, uint64_t times, int64_t divisor, int64_t *samples_ns)
{
        for (uint64_t i = 0; i < times; i++) {
                cop_send(victim_pid, work, .again = false);
                uint64_t began_ns = bench_now();
                cop_send(victim_pid, crash, .dividend = 1, .divisor = divisor);
                victim_pid = wait_until_ready(victim_pid);
                samples_ns[i] = (int64_t)(bench_now() - began_ns);
        }
        return victim_pid;
}

static void reaper(const doom *d)
{
        cop_pid tree, victim_pid;
        int64_t *samples_ns = cop_alloc((d->crashes + 1) * sizeof(samples_ns[0]));
        BENCH_CHECK(samples_ns != NULL, "no memory for samples");
        cop_status status = cop_supervise(
                &(cop_supervisor){
                        .name = "crypt", .intensity = 100000, .period_ms = 100,
                        .children = COP_CHILDREN({ "victim", .server = &victim_server }) },
                &tree);
        BENCH_CHECK(status == COP_OK, "cannot start the tree: %s", cop_status_text(status));
        victim_pid = wait_until_ready(cop_no_pid());
        victim_pid = reap(victim_pid, d->crashes / 10 + 1, d->divisor, samples_ns);
        uint64_t began_ns = bench_now();
        reap(victim_pid, d->crashes, d->divisor, samples_ns);
        cop_send(cop_parent(), bench_span, .began_ns = began_ns, .ended_ns = bench_now(),
                 .ops = d->crashes);
        cop_send(cop_parent(), latencies, .samples_ns = { samples_ns, d->crashes });
        cop_shutdown(tree, 5000);
        cop_auto more = cop_receive(0, COP_KIND(ready));
        BENCH_CHECK(more == NULL, "more restarts than crashes");
}

/* ---- The runs -------------------------------------------------------------------------- */

static void measure(struct bench_run *run, int64_t divisor)
{
        int64_t *samples_ns = bench_books(run->ops * sizeof(samples_ns[0]));
        cop_spawn_or_exit(&(cop_spawn_options){
                .run_with = COP_RUN_WITH(reaper, doom),
                .kind = COP_KIND_OF(doom),
                .argument = &(doom){ .crashes = run->ops, .divisor = divisor },
                .name = "reaper" });
        bench_found(run, bench_gather(1));
        cop_auto message = cop_receive(COP_FOREVER, COP_KIND(latencies));
        const cop_int64s *all = &cop_read(latencies, message)->samples_ns;
        memcpy(samples_ns, all->items, all->count * sizeof(samples_ns[0]));
        bench_percentiles(run, samples_ns, all->count);
}

BENCH(restart_exit, .unit = "restart")
{
        measure(run, 1);
}

BENCH(restart_fault, .unit = "restart")
{
        measure(run, 0);
}
