/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* See habits.h. */
#include "scheduler/habits.h"

#include "base/limits.h"

#define IS_POWER_OF_TWO(number) (((number) & ((number) - 1)) == 0)

_Static_assert(IS_POWER_OF_TWO(COP__RUNQUEUE_SIZE), "a place in the ring is a counter's low bits");
_Static_assert(IS_POWER_OF_TWO(COP__TIMERS_EVERY) && IS_POWER_OF_TWO(COP__SHARED_EVERY),
               "whether it is time again is seen by low bits");
_Static_assert(COP__SHARED_EVERY % COP__TIMERS_EVERY == 0, "where it looks there, it looks at the timers");

const struct cop__habits cop__habits_ordinary = {
        .ring_size = COP__RUNQUEUE_SIZE,
        .shared_batch = COP__SHARED_BATCH,
        .desk_few = COP__DESK_FEW,
        .next_turns = COP__NEXT_TURNS,
        .urgent_turns = COP__URGENT_TURNS,
        .low_every = COP__LOW_EVERY,
        .wander_every = COP__WANDER_EVERY,
        .timers_every = COP__TIMERS_EVERY,
        .shared_every = COP__SHARED_EVERY,
        .slots_cached = COP__SLOTS_CACHED,
        .slots_opened = COP__SLOTS_OPENED,
        .death_slice = COP__DEATH_SLICE,
        .holdings_batch = COP__HOLDINGS_BATCH,
};
