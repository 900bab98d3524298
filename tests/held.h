/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A process that is held at a cue by the one that has forked it, or its zygote.
 *
 *      hold_process("event_manager.watches");          before the fork
 *      await_process();                                it is there ...
 *      let_process_go();                               ... and goes on
 */
#ifndef TESTS_HELD_H
#define TESTS_HELD_H

#include <sched.h>
#include <sys/mman.h>

#include "tests/cue.h"

/* What the two have in common. Whoever forks has it until its end. */
static struct {
        uint32_t is_at, may_go; /* atomic */
} *held;

static inline void is_held(void *unused)
{
        (void)unused;
        cop__store_seq(&held->is_at, 1);
        while (!cop__load_seq(&held->may_go))
                sched_yield();
}

static inline void hold_process(const char *cue)
{
        held = mmap(NULL, sizeof(*held), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        ck_assert_ptr_ne(held, MAP_FAILED);
        cue_act(cue, is_held, NULL);
}

static inline void await_process(void)
{
        while (!cop__load_seq(&held->is_at))
                sched_yield();
}

static inline void let_process_go(void)
{
        cop__store_seq(&held->may_go, 1);
        munmap(held, sizeof(*held));
}

#endif
