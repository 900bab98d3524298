/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* An actor in a process of its own is held back by whom it sends what is no message, as one of the node is. */
#include "tests/apart.h"

#include <coppice/alias.h>

#include "base/clock.h"

typedef struct { int64_t number; } grain;
COP_MESSAGE(grain, number);

/* Whom a pourer is to pour to. */
typedef struct { cop_alias to; bool exits; } stream;
COP_MESSAGE(stream, COP_NESTED(cop_alias, to), exits);

typedef struct { uint64_t since_ns; } poured;
COP_MESSAGE(poured, since_ns);

#define PAUSES 8

/* Of what comes it wants nothing. */
static void opens_an_alias_and_waits(void)
{
        cop_alias alias;
        cop_trap_exit(true);
        ck_assert_int_eq(cop_alias_open(COP_ALIAS_EXPLICIT, &alias), COP_OK);
        cop_send(cop_parent(), stream, .to = alias);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(stream)));
}

static unsigned pressure_at(cop_pid pid)
{
        return cop__load_relaxed(&cop__slot_of(cop__node_of(cop__thread_here()), pid)->pressed) & ~(unsigned)COP__PRESSURE_LIMITED;
}

static void pours_far(const stream *s)
{
        while (pressure_at(s->to.pid) < COP__PRESSURE_HIGH)
                cop_send(s->to.pid, grain, .number = 1);
}

/* The machine's clock is the same in all processes. */
static void pours(const stream *s)
{
        uint64_t since_ns = cop__clock_ns();
        for (int i = 0; i < PAUSES; i++)
                if (s->exits)
                        cop_send_exit(s->to.pid, cop_atom("enough"));
                else
                        cop_reply_to(s->to, grain, .number = i);
        cop_send("witness", poured, .since_ns = since_ns);
}

/* What it has sent behind them comes when they have been paid for. */
static void pour(bool exits)
{
        cop_pid behind = cop_spawn(opens_an_alias_and_waits), pid;
        cop_auto opened = await(COP_KIND(stream));
        stream s = { .to = cop_read(stream, opened)->to, .exits = exits };
        await_down(spawn_watched(.run_with = COP_RUN_WITH(pours_far, stream), .kind = COP_KIND_OF(stream), .argument = &s), "normal");
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run_with = COP_RUN_WITH(pours, stream), .kind = COP_KIND_OF(stream),
                                                             .argument = &s, .isolation = COP_ISOLATION_PROCESS }, &pid), COP_OK);
        cop_auto message = await(COP_KIND(poured));
        ck_assert_uint_ge(cop__clock_ns() - cop_read(poured, message)->since_ns, PAUSES * (uint64_t)COP__PAUSE_NS);
        put_down(behind);
}

IN_PROCESSES(a_process_that_pours_exit_signals_is_held_back)
{
        ck_assert_int_eq(cop_register("witness", cop_self()), COP_OK);
        pour(true);
}

IN_PROCESSES(a_process_that_pours_replies_through_an_alias_is_held_back)
{
        ck_assert_int_eq(cop_register("witness", cop_self()), COP_OK);
        pour(false);
}
