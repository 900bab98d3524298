/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Rings of callers (actors/calling.h, ring.c): actors that call each other without a time-out, each
 * of them before it serves. Under every schedule one of the calls fails with the ring, so that the
 * others are answered and nobody waits for ever.
 */
#include "actors/calling.h"
#include "tests/explore/inside.h"

#define CALLERS_MAX 3
#define BEGIN 100 /* and a number: it may call */

static cop_pid callers[CALLERS_MAX], teacher;
static unsigned caller_count;

/* Tells how its call has ended, and answers from then on. */
static void calls_the_next(const note *number)
{
        int64_t me = number->n;
        cop_message_free(cop_receive(COP_FOREVER, COP_FIELD(note, n, BEGIN + me))); /* another's call may come first */
        cop_status status = cop_call(NULL, callers[(me + 1) % caller_count], COP_FOREVER, note, .n = me);
        cop_send(teacher, note, .n = status);
        for (;;) {
                cop_auto request = cop_receive(COP_FOREVER, COP_KIND(note));
                cop_answer(request, note, .n = 0);
        }
}

static void run(unsigned count)
{
        unsigned closed = 0;
        caller_count = count;
        teacher = cop_self();
        for (unsigned i = 0; i < count; i++)
                callers[i] = cop_spawn_with(calls_the_next, note, .n = i);
        for (unsigned i = 0; i < count; i++)
                EXPLORE_ASSERT(cop_send(callers[i], note, .n = BEGIN + i) == COP_OK);
        for (unsigned i = 0; i < count; i++) {
                cop_auto said = inside_await(COP_KIND(note));
                int64_t status = cop_read(note, said)->n;
                EXPLORE_ASSERT(status == COP_OK || status == COP_E_CYCLE);
                closed += status == COP_E_CYCLE;
        }
        EXPLORE_ASSERT(closed <= count - 1);
}

/* ---- What the callee may read of a call (calling.h) ------------------------------------------------- */

static cop_pid caller;
static uint64_t call_count;

static uint64_t patience_of(uint64_t call)
{
        return 1000 * call;
}

static void looks_for_patience(void)
{
        static struct cop__signal request;
        for (uint64_t look = 0; look < 2 * call_count; look++) {
                uint64_t call = 1 + look % call_count;
                request.flags = COP__SIGNAL_CALL;
                request.from = caller;
                request.ref.bits = call;
                uint64_t deadline_ns = cop__calling_deadline(cop__thread_here(), &request);
                EXPLORE_ASSERT(deadline_ns == 0 || deadline_ns == patience_of(call));
        }
}

static void call(uint64_t times)
{
        struct cop__calling *own = cop__calling_own(cop__actor_here());
        caller = cop_self();
        call_count = times;
        unsigned callee = inside_visitor(looks_for_patience);
        for (uint64_t number = 1; number <= times; number++) {
                cop__calling_begin(own, (cop_ref){ number }, patience_of(number));
                cop__calling_end(own);
        }
        explore_join(callee);
}

IN_NODE(the_patience_that_is_found_is_that_of_the_call)
{
        call(12);
}

IN_NODE(the_patience_of_few_calls_is_theirs)
{
        call(4);
}

/* ---- Rings ----------------------------------------------------------------------------------------- */

/* The second may call when the first is served already: then there was no ring. */
IN_NODE(of_two_that_call_each_other_one_hears_of_it)
{
        run(2);
}

IN_NODE(of_three_in_a_ring_one_hears_of_it)
{
        run(3);
}
