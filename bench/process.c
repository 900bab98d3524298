/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Question: what does an actor in an OS process of its own cost: to call, to send to, to start again?
 *
 * Method: process_call is what call_1 is, an actor that calls a server in a loop, but the server lives in a process of its own; one
 * operation is one call answered. process_send: messages of 16 bytes to it, with one call at the end, which comes behind them all.
 * process_spawn: one operation is a start that waits for the init, a kill and the news of the death. A tenth is done first as
 * warm-up, but of process_send. What forks the processes is forked for the first of them, before the clock runs.
 * Checked: each reply answers the question of this very call; all messages have arrived.
 */
#include "bench/harness.h"

typedef struct { int64_t number; } riddle;
COP_MESSAGE(riddle, number);

typedef struct { int64_t twice, heard; } solution;
COP_MESSAGE(solution, twice, heard);

typedef struct { int64_t first, second; } hint;
COP_MESSAGE(hint, first, second);

typedef struct { cop_pid server; uint64_t calls; } tour;
COP_MESSAGE(tour, server, calls);

typedef struct { int64_t heard; } hermit;

static void hermit_on_riddle(hermit *self, const riddle *r)
{
        cop_reply(solution, .twice = 2 * r->number, .heard = self->heard);
}

static void hermit_on_hint(hermit *self, const hint *h)
{
        self->heard += h->first;
}

COP_SERVER(hermit, COP_ON(riddle, hermit_on_riddle), COP_ON(hint, hermit_on_hint));

static cop_pid start_hermit(void)
{
        cop_pid pid = cop_no_pid();
        cop_status status = cop_start(&(cop_spawn_options){ .server = &hermit_server,
                                                            .isolation = COP_ISOLATION_PROCESS },
                                      5000, &pid);
        BENCH_CHECK(status == COP_OK, "the start: %s", cop_status_text(status));
        return pid;
}

static int64_t ask(cop_pid pid, int64_t number)
{
        cop_auto reply = NULL;
        cop_status status = cop_call(&reply, pid, 5000, riddle, .number = number);
        BENCH_CHECK(status == COP_OK, "call %lld: %s", (long long)number, cop_status_text(status));
        BENCH_CHECK(cop_read(solution, reply)->twice == 2 * number, "the answer to another question");
        return cop_read(solution, reply)->heard;
}

static void caller(const tour *t)
{
        for (uint64_t i = 0; i < t->calls / 10; i++)
                ask(t->server, (int64_t)i);
        uint64_t began_ns = bench_now();
        for (uint64_t i = 0; i < t->calls; i++)
                ask(t->server, (int64_t)i);
        cop_send(cop_parent(), bench_span, .began_ns = began_ns, .ended_ns = bench_now(), .ops = t->calls);
}

BENCH(process_call, .unit = "call")
{
        cop_spawn_with(caller, tour, .server = start_hermit(), .calls = run->ops);
        bench_found(run, bench_gather(1));
}

static void teller(const tour *t)
{
        uint64_t began_ns = bench_now();
        for (uint64_t i = 0; i < t->calls; i++)
                cop_send(t->server, hint, .first = 1);
        BENCH_CHECK((uint64_t)ask(t->server, 0) == t->calls, "messages were lost");
        cop_send(cop_parent(), bench_span, .began_ns = began_ns, .ended_ns = bench_now(), .ops = t->calls);
}

BENCH(process_send, .unit = "message")
{
        cop_spawn_with(teller, tour, .server = start_hermit(), .calls = run->ops);
        bench_found(run, bench_gather(1));
}

static void start_and_kill(void)
{
        cop_ref ref;
        cop_pid pid = start_hermit();
        BENCH_CHECK(cop_monitor(pid, &ref) == COP_OK, "no monitor");
        cop_send_exit(pid, cop_atom("kill"));
        cop_message_free(cop_receive(COP_FOREVER, COP_REF(cop_down, ref)));
}

BENCH(process_spawn, .unit = "start", .ops = 300, .quick_ops = 3)
{
        for (uint64_t i = 0; i < run->ops / 10; i++)
                start_and_kill();
        bench_span span = { .began_ns = bench_now(), .ops = run->ops };
        for (uint64_t i = 0; i < run->ops; i++)
                start_and_kill();
        span.ended_ns = bench_now();
        bench_found(run, span);
}
