/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Quiet (scheduler/quiet.h): who waits for it looks at the workers one after the other while they
 * go on. Under every schedule all that was put up before is done when it is said to be quiet:
 * messages that are passed on from one actor to another, and timers.
 */
#include "tests/explore/inside.h"

static unsigned passed; /* atomic */

static void ends_the_chain(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(note)));
        cop__add_relaxed(&passed, 1);
}

static void sleeps_and_passes_on(void)
{
        cop_pid last = cop_spawn(ends_the_chain);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(note)));
        cop_sleep(1);
        cop_send(last, note, .n = 2);
        cop__add_relaxed(&passed, 1);
}

static void passes_on(void)
{
        cop_pid next = cop_spawn(ends_the_chain);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(note)));
        cop_send(next, note, .n = 1);
        cop__add_relaxed(&passed, 1);
}

static void run(void (*first)(void))
{
        passed = 0;
        EXPLORE_ASSERT(cop_send(cop_spawn(first), note, .n = 0) == COP_OK);
        EXPLORE_ASSERT(cop_node_await_quiet(inside, COP_FOREVER) == COP_OK);
        EXPLORE_ASSERT(cop__load_relaxed(&passed) == 2);
}

IN_NODE(when_it_is_quiet_messages_have_been_passed_on)
{
        run(passes_on);
}

IN_NODE(when_it_is_quiet_who_slept_has_gone_on)
{
        run(sleeps_and_passes_on);
}
