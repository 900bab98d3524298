/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Hooks of a scheduler above which there is nothing: whoever includes this says what a turn is, and has all else from here.
 *
 *      static const struct cop__scheduler_hooks hooks = { .run = run_job, BARE_HOOKS };
 */
#ifndef TESTS_EXPLORE_BARE_H
#define TESTS_EXPLORE_BARE_H

#include "scheduler/scheduler.h"

static void bare_leave(struct cop__timer *timer, void *owner)
{
        (void)timer;
        (void)owner;
}

static cop_status bare_thread_init(struct cop__thread *thread)
{
        (void)thread;
        return COP_OK;
}

static void bare_thread_other(struct cop__thread *thread)
{
        (void)thread;
}

#define BARE_HOOKS                                                                                             \
        .leave = bare_leave, .fire = bare_leave, .thread_init = bare_thread_init, .thread_fini = bare_thread_other, \
        .thread_enter = bare_thread_other, .thread_leave = bare_thread_other

#endif
