/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Beside pairs of actors that talk to each other all the time, one or two of another priority that never wait. What a worker does once in so
 * many turns meets the turns of those in a phase that stays as it was at their beginning: so they begin in the phase that is asked for.
 * One alone is not in the queue yet when the turn after its own begins; of two there is always one.
 *
 * For nodes of one worker.
 */
#ifndef TESTS_PHASES_H
#define TESTS_PHASES_H

#include "tests/node_fixture.h"

typedef struct word {
        cop_pid to;
} word;
COP_MESSAGE(word, to);

enum { PHASES = 16, PHASE_MOST = 2 };

/* Written by who asks before `phase_asked`, which is atomic; then by who is on the worker until `phase_begun`, which is too. */
static uint32_t phase_asked, phase_begun;
static cop_priority phase_priority;
static uint32_t phase_number, phase_count;
static cop_pid phase_pids[PHASE_MOST];

static void phase_takes_turns_for_ever(void)
{
        for (;;) {
                cop__store_release(&phase_begun, 1);
                cop_yield();
        }
}

/* With the low ones it is the phase of their own turns: one in so many of those that no urgent one takes. */
static bool phase_is_here(void)
{
        const struct cop__worker *worker = cop__worker_here();
        uint32_t offset = phase_priority == COP_PRIORITY_LOW ? worker->common_turns : 0;
        return ((uint32_t)cop__load_relaxed(&worker->turns) - offset) % PHASES == phase_number;
}

static void phase_talks_for_ever(void)
{
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(word));
                if (cop__load_acquire(&phase_asked) && phase_is_here()) {
                        cop__store_relaxed(&phase_asked, 0);
                        for (uint32_t i = 0; i < phase_count; i++)
                                cop_spawn_opt(&(cop_spawn_options){ .run = phase_takes_turns_for_ever,
                                                                    .priority = phase_priority },
                                              &phase_pids[i]);
                }
                cop_send(cop_read(word, message)->to, word, .to = cop_self());
        }
}

static void phase_begin_talk(int pairs)
{
        for (int i = 0; i < pairs; i++)
                cop_send(cop_spawn(phase_talks_for_ever), word, .to = cop_spawn(phase_talks_for_ever));
}

/* Numbers below PHASES are of one that never waits; so many more of two. */
static void phase_begin(cop_priority priority, uint32_t number)
{
        phase_priority = priority;
        phase_number = number % PHASES;
        phase_count = 1 + number / PHASES;
        cop__store_relaxed(&phase_begun, 0);
        cop__store_release(&phase_asked, 1);
        await_true(cop__load_acquire(&phase_begun));
}

static void phase_end(void)
{
        for (uint32_t i = 0; i < phase_count; i++)
                put_down(phase_pids[i]);
}

#endif
