/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Operations of the public interface, each a function that does one thing and answers with a status: for loops that let something
 * fail at each place in turn (test_failing_memory.c, test_refused_memory.c). An actor runs one, and what it has started is linked
 * to it and ends with it. The keepers are there already: a server, two registries and a scope.
 */
#ifndef TESTS_OPERATIONS_H
#define TESTS_OPERATIONS_H

#include "tests/operations_actors.h"
#include "tests/operations_messages.h"
#include "tests/operations_rare.h"
#include "tests/operations_servers.h"
#include "tests/operations_tasks.h"
#include "tests/operations_trees.h"

static const struct operation {
        const char *name;
        cop_status (*run)(void);
} operations[] = {
        { "send", sends },
        { "send of a large message", sends_much },
        { "send of a term", sends_term },
        { "call", calls },
        { "requests", requests },
        { "spawn", spawns },
        { "start", starts },
        { "link, monitor, alias", links_and_monitors },
        { "timers", times },
        { "channel", uses_channel },
        { "future", uses_future },
        { "select", selects },
        { "task", uses_task },
        { "task group", uses_task_group },
        { "wait group", uses_wait_group },
        { "agent", uses_agent },
        { "machine", uses_machine },
        { "event manager", uses_manager },
        { "registry", uses_registry },
        { "group", uses_group },
        { "supervisor", supervises },
        { "sys", asks_sys },
        { "sys observes", is_observed },
        { "task stream", streams },
        { "subscriptions", subscribes },
        { "looking around", looks_around },
        { "own", owns },
        { "names", uses_names },
        { "terms", makes_terms },
        { "calls to many", calls_many },
        { "waits at a channel", waits_at_channel },
        { "select of all sorts", selects_of_all_sorts },
        { "futures", uses_futures },
        { "ends of tasks", ends_tasks },
        { "tasks under a supervisor", starts_tasks_under },
        { "cancelled task group", cancels_task_group },
        { "server", serves },
        { "upgrade", upgrades },
        { "tide", uses_tide },
        { "registry with duplicates", uses_duplicates },
        { "groups", uses_groups },
        { "partitions", uses_partitions },
        { "applications", uses_applications },
        { "questions to a supervisor", asks_supervisor },
        { "restart of one", restarts_one },
        { "restart of all", restarts_all },
        { "dynamic children", has_dynamic_children },
        { "crash", hears_of_a_crash },
        { "timers of all sorts", times_of_all_sorts },
        { "blocking", blocks_a_thread },
        { "hibernation", hibernates },
        { "setting itself up", sets_itself_up },
        { "own thing", owns_a_thing },
        { "agent with texts", keeps_texts },
        { "starts that exit", starts_or_exits },
        { "alias for priority", opens_alias_for_priority },
        { "large state", has_a_large_state },
        { "calls with terms", calls_with_terms },
        { "polled requests", polls_requests },
        { "any of a wait group", waits_for_any },
        { "ignored task", ignores_task },
        { "handlers that come and go", uses_handlers },
        { "marks of a mailbox", hears_of_marks },
        { "tables of a machine", changes_tables },
        { "explanation of a supervisor", explains_supervisor },
        { "exit with priority", exits_with_priority },
        { "start with an acknowledgement", starts_with_acknowledgement },
        { "send of bytes", sends_bytes },
        { "agent with bytes", keeps_bytes },
        { "start of a registry", starts_registry },
        { "copies of terms", copies_terms },
        { "taking back", takes_back },
        { "a loop that is looked into", looks_into_loop },
        { "continuing", continues },
        { "bridge", has_a_bridge },
        { "checks of trees", checks_trees },
        { "own descriptors", owns_descriptors },
        { "looking at all", looks_at_all },
        { "spawn or exit", spawns_or_exits },
        { "start that is ignored", ignores_start },
        { "call behind mail", calls_behind_mail },
        { "begin with a consent", begins_with_a_consent },
        { "begin with a mark", begins_with_a_mark },
        { "overflow", overflows },
        { "request to one with a limit", asks_one_with_a_limit },
        { "task group in a task group", nests_task_groups },
        { "machine that is wound up", has_a_machine_that_is_wound_up },
        { "ticks", ticks },
        { "wait for many", waits_for_many },
        { "owned handlers", owns_handlers },
        { "many keys", enters_many_keys },
        { "child that says more", starts_a_child_that_says_more },
        { "offers", offers },
};

/* ---- Keepers ---------------------------------------------------------------------------------------------- */

/* Keepers that the operations need; they are started while memory is there. */
#define KEEPERS 4

static void begin_keepers(void)
{
        const cop_registry pairs = { .keys = COP_DUPLICATE, .listeners = COP_ITEMS(cop_text, COP_TEXT("echo")) };
        cop_pid pid;
        ck_assert_int_eq(cop_start(&(cop_spawn_options){ .server = &echo_server, .name = "echo" }, PATIENCE_MS, &pid),
                         COP_OK);
        ck_assert_int_eq(cop_start(&(cop_spawn_options){ .server = &cop_registry_server, .name = "keys",
                                                         .kind = COP_KIND_OF(cop_registry), .argument = &(cop_registry){ 0 } },
                                   PATIENCE_MS, &pid),
                         COP_OK);
        ck_assert_int_eq(cop_start(&(cop_spawn_options){ .server = &cop_registry_server, .name = "pairs",
                                                         .kind = COP_KIND_OF(cop_registry),
                                                         .argument = &pairs },
                                   PATIENCE_MS, &pid),
                         COP_OK);
        ck_assert_int_eq(cop_start(&(cop_spawn_options){ .server = &cop_scope_server, .name = "scope" }, PATIENCE_MS,
                                   &pid),
                         COP_OK);
}

/* A keeper may have died of it, as any actor may. Then there is another one. */
static void mend_keepers(void)
{
        static const char *const names[KEEPERS] = { "echo", "keys", "pairs", "scope" };
        bool are_there = true;
        for (size_t i = 0; i < COP__COUNT(names); i++)
                are_there &= cop_whereis(names[i]).bits != 0;
        if (are_there)
                return;
        for (size_t i = 0; i < COP__COUNT(names); i++)
                if (cop_whereis(names[i]).bits != 0)
                        put_down(cop_whereis(names[i]));
        begin_keepers();
}

#endif
