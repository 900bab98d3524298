/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Hibernation: a plain actor that waits without a stack.
 *
 *      a turn ──► cop_hibernate(next) ──► the stack is left for good: back to the turn's escape point
 *                                              │ asleep, as an idle server is
 *                         a signal ────────────┤ acted upon; then asleep again
 *                         a message ───────────┘ in the mailbox; `next` begins, as the function of a newborn does
 *
 * What an actor goes on with is kept where it was kept before the first turn: in START, which a plain actor holds as long as
 * it lives (spawn.c). To the turn (turn.c) one that hibernates is like a newborn that has not begun yet, but for what wakes it.
 * With a message in the mailbox there is nothing to wait for: `next` begins in the same turn, on the same stack.
 */
#include <coppice/process.h>

#include "actors/actor.h"

/* As cop__badarg, but it does not return: there is nowhere to return to. */
static COP__NORETURN void refuse(const char *what)
{
        cop_exit(COP_TUPLE(cop_atom("badarg"), COP_TUPLE(cop_atom("hibernate"), cop_string(what))));
}

void cop_hibernate_in(void (*next)(void *state), void *state)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor == NULL || actor->task.visitor != NULL || actor->server != NULL || next == NULL)
                refuse(next == NULL ? "there is nothing to go on with"
                                    : "only a plain actor has a stack to give back");
        cop__drain(actor);
        if (actor->rare != NULL)
                actor->rare->shown = NULL; /* it may lie on the stack */
        cop__start_renew(actor, next, state);
        if (actor->mailbox.first != NULL)
                cop__leave_turn(COP__ESCAPE_RENEWED);
        actor->aside |= COP__ASIDE_BEGIN;
        cop__set_manner(actor, COP__HIBERNATES, true);
        cop__store_relaxed(&actor->where, (const void *)(uintptr_t)next);
        cop__leave_turn(COP__ESCAPE_OUT);
}
