/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Who sends to an actor that is behind is held back, also by one that has no time to say so itself. */
#include "tests/node_fixture.h"

#include <sched.h>

typedef struct { uint64_t number; } grain;
COP_MESSAGE(grain, number);

typedef struct { cop_pid to; uint64_t grains; } load;
COP_MESSAGE(load, to, grains);

static void pours(const load *l)
{
        for (uint64_t i = 0; i < l->grains; i++)
                cop_send(l->to, grain, .number = i);
}

static unsigned pressure_here(void)
{
        return cop__load_relaxed(&cop__actor_here()->pressed) & ~(unsigned)COP__PRESSURE_LIMITED;
}

/* This thread does not look at its mailbox meanwhile, so whatever is said of that is said by the sender. */
static void let_pour(uint64_t grains)
{
        cop_pid pid = cop_spawn_with(pours, load, .to = cop_self(), .grains = grains);
        while (cop_is_alive(pid))
                sched_yield();
        ck_assert_uint_eq(cop__unread(cop__actor_here()), grains);
}

static void take_all(uint64_t grains)
{
        for (uint64_t i = 0; i < grains; i++) {
                cop_auto message = await(COP_KIND(grain));
                ck_assert_uint_eq(cop_read(grain, message)->number, i);
        }
}

static void answers(void)
{
        cop_auto message = cop_receive(COP_FOREVER, COP_KIND(grain));
        cop_reply_to(cop_caller_of(message), grain, 0);
}

/* To wait for anything is to have read what there was; but who sends meanwhile may look a moment before that. */
static bool is_gone_after_a_wait(void)
{
        cop_auto reply = NULL;
        ck_assert_int_eq(cop_call(&reply, cop_spawn(answers), PATIENCE_MS, grain, 0), COP_OK);
        return pressure_here() == COP__PRESSURE_NONE;
}

/* So many grains press so hard, none is lost, and when they have been read the pressure is gone. */
static void pour_and_look(uint64_t grains, unsigned pressure)
{
        let_pour(grains);
        ck_assert_uint_eq(pressure_here(), pressure);
        take_all(grains);
        await_true(is_gone_after_a_wait());
}

IN_NODE(nobody_is_held_back_by_an_actor_that_is_hardly_behind)
{
        NEEDS_THREADS();
        pour_and_look(COP__PRESSURE_FROM, COP__PRESSURE_NONE);
}

IN_NODE(a_sender_sees_that_its_receiver_is_behind_while_that_has_no_time_to_say_so)
{
        NEEDS_THREADS();
        pour_and_look(2 * COP__PRESSURE_FROM, COP__PRESSURE_LOW);
}

/* The last grains of it cost a pause each. */
IN_NODE(far_behind_it_holds_its_senders_back_hard_and_loses_nothing)
{
        NEEDS_THREADS();
        pour_and_look(17 * COP__PRESSURE_FROM + 8, COP__PRESSURE_HIGH);
}
