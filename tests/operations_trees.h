/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Operations (see operations.h) with supervisors, applications, bridges, registries and groups. */
#ifndef TESTS_OPERATIONS_TREES_H
#define TESTS_OPERATIONS_TREES_H

#include <stdlib.h>
#include <string.h>

#include "tests/operations_ground.h"

static cop_status uses_registry(void)
{
        cop_term entries, key = COP_TUPLE(cop_atom("key"), cop_int(1));
        cop_status status = cop_registry_register("keys", key, cop_string("value"), NULL);
        if (status == COP_OK)
                status = cop_registry_update("keys", key, cop_string("another"));
        if (status == COP_OK)
                status = cop_registry_lookup("keys", key, &entries);
        DID(status != COP_OK || !cop_term_equal(entries, cop_list_of(NULL, 0)));
        if (status == COP_OK)
                cop_term_free(entries);
        cop_status end = cop_registry_unregister("keys", key);
        return status != COP_OK ? status : end;
}

static cop_status uses_group(void)
{
        cop_term members, key = cop_string("group");
        cop_ref ref;
        cop_status status = cop_group_join("scope", key, cop_self());
        if (status == COP_OK)
                status = cop_group_members("scope", key, &members);
        DID(status != COP_OK || !cop_term_equal(members, cop_list_of(NULL, 0)));
        if (status == COP_OK) {
                cop_term_free(members);
                status = cop_group_monitor("scope", key, &ref, &members);
        }
        if (status == COP_OK) {
                cop_term_free(members);
                cop_group_demonitor(ref);
        }
        return status;
}

static cop_status supervises(void)
{
        static const cop_child children[] = { { "one", .server = &echo_server, .unnamed = true },
                                              { "two", .server = &echo_server, .unnamed = true },
                                              { .id = NULL } };
        static const cop_child extra = { "three", .server = &echo_server, .unnamed = true };
        cop_pid pid, child;
        cop_status status = cop_supervise(&(cop_supervisor){ .intensity = 100, .children = children }, &pid);
        if (status != COP_OK)
                return status;
        status = cop_start_child(pid, &extra, &child);
        if (status == COP_OK)
                status = cop_terminate_child(pid, "three");
        DID(status != COP_OK || !cop_is_alive(child));
        return status;
}

/* With duplicate keys, a listener, and entries of two actors. */
static void sees_entry(void *count, cop_pid pid, cop_term value)
{
        (void)pid;
        (void)value;
        ++*(int *)count;
}

static cop_status uses_duplicates(void)
{
        cop_term key = cop_string("key");
        cop_pid pid;
        uint64_t count;
        int seen = 0;
        TRY(cop_registry_register("pairs", key, COP_TUPLE(cop_atom("one"), cop_int(1)), NULL));
        TRY(cop_registry_register("pairs", key, COP_TUPLE(cop_atom("two"), cop_string("long enough not to lie in a term")),
                                  NULL));
        TRY(cop_registry_register("pairs", COP_TUPLE(key, cop_int(2)), cop_int(1), NULL));
        TRY(cop_registry_whereis("pairs", key, &pid));
        DID(cop_pid_equal(pid, cop_self()));
        TRY_TERM(cop_registry_match("pairs", key, COP_TUPLE(cop_atom("one"), cop_atom("_")), &term));
        TRY_TERM(cop_registry_values("pairs", key, cop_self(), &term));
        TRY_TERM(cop_registry_keys("pairs", cop_self(), &term));
        TRY(cop_registry_count("pairs", &count));
        DID(count == 3);
        TRY(cop_registry_dispatch("pairs", key, sees_entry, &seen));
        DID(seen == 2);
        TRY(cop_send(cop_via("pairs", key), item, .number = 1));
        DID_RECEIVE(COP_KIND(item));
        TRY(cop_registry_unregister_match("pairs", key, COP_TUPLE(cop_atom("one"), cop_atom("_"))));
        return cop_registry_unregister("pairs", key);
}

static cop_status uses_groups(void)
{
        cop_pid twice[] = { cop_self(), cop_self() }, pid;
        cop_term tea = cop_string("tea");
        cop_ref ref;
        TRY_TERM(cop_scope_monitor("scope", &ref, &term));
        TRY(cop_group_join_all("scope", tea, twice, 2));
        TRY(cop_group_join("scope", COP_TUPLE(tea, cop_int(2)), cop_self()));
        TRY_TERM(cop_scope_groups("scope", &term));
        TRY_TERM(cop_group_local_members("scope", tea, &term));
        TRY(cop_group_send("scope", tea, item, .number = 1));
        DID_RECEIVE(COP_KIND(item));
        DID_RECEIVE(COP_KIND(item));
        TRY(cop_group_pick("scope", tea, COP_PICK_IN_TURN, &pid));
        TRY(cop_group_leave_all("scope", tea, twice, 2));
        TRY(cop_group_leave("scope", COP_TUPLE(tea, cop_int(2)), cop_self()));
        return cop_group_demonitor(ref);
}

static cop_status uses_partitions(void)
{
        static const cop_child each = { .server = &echo_server };
        static const cop_supervisor parts = { .name = "parts", .partitions = 3, .each = &each };
        cop_pid pid;
        TRY(cop_supervise(&parts, &pid));
        TRY_NUMBER(1, cop_call(&message, cop_partition(&parts, "key", 3), MS, item, .number = 1));
        TRY(cop_shutdown(pid, MS));
        DID(!cop_is_alive(pid));
        return COP_OK;
}

static const cop_supervisor store_tree = { .children = (const cop_child[]){ { "store", .server = &echo_server },
                                                                            { .id = NULL } } };
static const cop_supervisor front_tree = { .children = (const cop_child[]){ { "front", .server = &echo_server },
                                                                            { .id = NULL } } };

static cop_status uses_applications(void)
{
        static const cop_application set[] = { { .name = "front", .tree = &front_tree, .needs = { "store" },
                                                 .type = COP_APPLICATION_TEMPORARY },
                                               { .name = "store", .tree = &store_tree },
                                               { .name = NULL } };
        cop_pid pid;
        TRY(cop_start_applications(set, &pid));
        TRY(cop_stop_application(pid, "front"));
        TRY(cop_start_application(pid, "front"));
        return cop_shutdown(pid, MS);
}

static cop_status asks_supervisor(void)
{
        static const cop_child children[] = { { "one", .server = &echo_server, .unnamed = true },
                                              { "two", .server = &echo_server, .unnamed = true },
                                              { .id = NULL } };
        static const cop_supervisor tree = { .intensity = 100, .children = children, .strategy = COP_REST_FOR_ONE };
        cop_pid pid, child;
        cop_child_count count;
        TRY(cop_supervise(&tree, &pid));
        TRY_MESSAGE(cop_which_children(pid, &message));
        TRY_MESSAGE(cop_get_child(pid, "one", &message));
        TRY(cop_count_children(pid, &count));
        DID(count.specs == 2);
        TRY(cop_terminate_child(pid, "two"));
        TRY(cop_restart_child(pid, "two", &child));
        DID(child.bits != 0);
        TRY(cop_replace_specs(pid, &tree));
        TRY(cop_terminate_child(pid, "two"));
        return cop_delete_child(pid, "two");
}

/* A child ends, and all are there again; each level of the tree tells of it. */
static cop_status is_restarted(cop_strategy strategy)
{
        const cop_child below[] = { { "left", .server = &echo_server }, { "right", .server = &echo_server }, { .id = NULL } };
        const cop_supervisor inner = { .intensity = 100, .children = below, .strategy = strategy };
        const cop_supervisor outer = { .intensity = 100, .children = COP_CHILDREN({ "inner", .supervisor = &inner }) };
        cop_pid pid, left;
        TRY(cop_supervise(&outer, &pid));
        left = cop_whereis("left");
        TRY(cop_send_exit(left, cop_atom("boom")));
        for (int i = 0; i < 10000; i++) {
                cop_pid now = cop_whereis("left");
                if (now.bits != 0 && now.bits != left.bits && cop_whereis("right").bits != 0)
                        return cop_shutdown(pid, MS);
                cop_sleep(1);
        }
        return COP_E_TIMEOUT;
}

static cop_status restarts_one(void)
{
        return is_restarted(COP_ONE_FOR_ONE);
}

static cop_status restarts_all(void)
{
        return is_restarted(COP_ONE_FOR_ALL);
}

static cop_status has_dynamic_children(void)
{
        static const cop_child each = { .server = &echo_server, .backoff = { .first_ms = 1 }, .label = "one of many" };
        static const cop_supervisor tree = { .strategy = COP_DYNAMIC, .each = &each, .max_children = 10 };
        cop_pid pid, one, two;
        cop_term extra;
        TRY(cop_supervise(&tree, &pid));
        TRY(cop_start_child_of(cop_to_pid(pid), NULL, &one, &extra));
        cop_term_free(extra);
        TRY(cop_start_child_of(cop_to_pid(pid), NULL, &two, NULL));
        TRY_MESSAGE(cop_which_children(pid, &message));
        TRY(cop_terminate_child(pid, one));
        DID(!cop_is_alive(one));
        return cop_shutdown(pid, MS);
}

static cop_status explains_supervisor(void)
{
        char text[1000];
        const cop_supervisor tree = { .intensity = 3, .children = COP_CHILDREN({ "one", .server = &echo_server }) };
        TRY(cop_supervisor_check(&tree, text, sizeof(text)));
        return cop_supervisor_explain(&tree, text, sizeof(text)) > 0 ? COP_OK : COP_E_BAD_ARGUMENT;
}

/* Foreign code, as a child. */
typedef struct works {
        char *pipes;
} works;

static cop_status works_start(works *self)
{
        self->pipes = malloc(100);
        return self->pipes != NULL ? COP_OK : COP_E_NO_MEMORY;
}

static void works_stop(works *self, cop_term reason)
{
        (void)reason;
        free(self->pipes);
}

COP_BRIDGE(works, works_start, works_stop);

static cop_status has_a_bridge(void)
{
        static const cop_child children[] = { { "works", .server = &works_server, .shutdown_ms = COP_SHUTDOWN_INFINITY },
                                              { .id = NULL } };
        cop_pid pid;
        TRY(cop_supervise(&(cop_supervisor){ .children = children }, &pid));
        return cop_shutdown(pid, COP_FOREVER);
}

static cop_status checks_trees(void)
{
        static const cop_child each = { .server = &echo_server };
        static const cop_supervisor parts = { .name = "halves", .partitions = 2, .each = &each };
        static const cop_application set[] = { { .name = "store", .tree = &store_tree }, { .name = NULL } };
        char text[1000], name[64];
        uint32_t partition;
        TRY(cop_child_check(&(cop_child){ "one", .server = &echo_server }, text, sizeof(text)));
        TRY(cop_applications_check(set, text, sizeof(text)));
        TRY(cop_partition_of(&parts, "key", 3, &partition));
        return cop_partition_name(&parts, partition, name);
}

#endif
