/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* A node around a scenario. See inside.h. */
#include "tests/explore/inside.h"

#include <inttypes.h>

#include "base/pool.h"

cop_node *inside;

COP_MESSAGE_DEFINE(note, n);

static void say_nothing(void *context, cop_log_level level, const char *text)
{
        (void)context;
        (void)level;
        (void)text;
}

void inside_run(unsigned workers, void (*scenario)(void))
{
        inside_run_with(&(cop_node_options){ .workers = workers }, scenario);
}

void inside_run_with(const cop_node_options *options, void (*scenario)(void))
{
        cop_node_options own = *options;
        own.name = "explored";
        own.max_actors = 16;
        own.log = say_nothing;
        explore_focus(false);
        EXPLORE_ASSERT(cop_node_start(&own, &inside) == COP_OK);
        EXPLORE_ASSERT(cop_node_enter(inside) == COP_OK);
        explore_focus(true);
        scenario();
        explore_focus(false);
        cop_node_leave();
        cop_node_stop(inside);
}

cop_message *inside_await(cop_pattern pattern)
{
        cop_message *message = cop_receive(COP_FOREVER, pattern);
        EXPLORE_ASSERT(message != NULL);
        return message;
}

void inside_nothing_has_come(void)
{
        cop_message *message = cop_receive(0, COP_ANY);
        if (message != NULL)
                explore_fail("a message of kind %s has come", cop_message_kind(message)->name);
}

static void visit(void *argument)
{
        void (*run)(void) = (void (*)(void))(uintptr_t)argument;
        EXPLORE_ASSERT(cop_node_enter(inside) == COP_OK);
        run();
        cop_node_leave();
}

unsigned inside_visitor(void (*run)(void))
{
        return explore_thread(visit, (void *)(uintptr_t)run);
}

void inside_end(cop_pid pid, const char *reason)
{
        EXPLORE_ASSERT(cop_send_exit(pid, cop_atom(reason)) == COP_OK);
}
