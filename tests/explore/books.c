/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Books of registries and groups (actors/book.h) are read without a lock while others change them. Under every schedule who looks
 * finds each who was in all the time, once and in order, and nobody who was never in; a key has one entry; the dead are out before
 * their death is told; a book that ends lets nobody in; and a monitor of a group is told each change once, beginning at what it was
 * given.
 */
#include "actors/holding.h"
#include "tests/explore/inside.h"

static const char *const registry = "keys", *const scope = "groups";

static cop_term key(void)
{
        return cop_atom("k");
}

static void waits(void)
{
        cop_receive(COP_FOREVER, COP_KIND(note));
}

/* Started means: it is found. */
static cop_pid begin(const cop_behaviour *server, const char *name, cop_keys keys)
{
        cop_pid pid = cop_no_pid();
        cop_registry how = { .keys = keys, .partitions = 1 };
        bool is_registry = server == &cop_registry_server;
        explore_focus(false);
        EXPLORE_ASSERT(cop_start(&(cop_spawn_options){ .server = server, .name = name,
                                                       .kind = is_registry ? COP_KIND_OF(cop_registry) : NULL,
                                                       .argument = is_registry ? &how : NULL },
                                 COP_FOREVER, &pid) == COP_OK);
        explore_focus(true);
        return pid;
}

static cop_pid spawn_member(void)
{
        cop_pid pid = cop_spawn(waits);
        EXPLORE_ASSERT(cop_group_join(scope, key(), pid) == COP_OK);
        return pid;
}

/* ---- Looking ------------------------------------------------------------------------------------ */

static cop_pid stays, last_stays;

/* The two who never leave are there, once each and in their order, whoever comes and goes around them. */
static void looks_for_who_stays(void)
{
        for (unsigned look = 0; look < 2; look++) {
                cop_term members;
                unsigned first = 0, last = 0;
                EXPLORE_ASSERT(cop_group_members(scope, key(), &members) == COP_OK);
                for (uint32_t i = 0; i < members.count; i++) {
                        EXPLORE_ASSERT(members.as.items[i].type == COP_TERM_PID);
                        first += cop_pid_equal(members.as.items[i].as.pid, stays);
                        if (cop_pid_equal(members.as.items[i].as.pid, last_stays)) {
                                EXPLORE_ASSERT(first == 1);
                                last++;
                        }
                }
                EXPLORE_ASSERT(first == 1 && last == 1);
                cop_term_free(members);
        }
}

IN_NODE(who_is_a_member_all_the_time_is_seen_once)
{
        begin(&cop_scope_server, scope, COP_UNIQUE);
        stays = spawn_member();
        cop_pid comes = spawn_member(), goes = spawn_member();
        last_stays = spawn_member();
        unsigned reader = inside_visitor(looks_for_who_stays);
        EXPLORE_ASSERT(cop_group_leave(scope, key(), goes) == COP_OK);
        EXPLORE_ASSERT(cop_group_leave(scope, key(), comes) == COP_OK);
        EXPLORE_ASSERT(cop_group_join(scope, key(), comes) == COP_OK);
        explore_join(reader);
}

static cop_pid holders[2];

static void looks_up(void)
{
        for (unsigned i = 0; i < 3; i++) {
                cop_pid pid = cop_no_pid();
                cop_status status = cop_registry_whereis(registry, key(), &pid);
                EXPLORE_ASSERT(status == COP_E_NOT_FOUND || status == COP_OK);
                EXPLORE_ASSERT(status != COP_OK || cop_pid_equal(pid, holders[0]) || cop_pid_equal(pid, holders[1]));
        }
}

static unsigned entered;

static void enters_and_leaves(void)
{
        cop_pid holder;
        holders[entered] = cop_self();
        cop_status status = cop_registry_register(registry, key(), cop_int(7), &holder);
        EXPLORE_ASSERT(status == COP_OK || status == COP_E_TAKEN);
        if (status == COP_OK)
                EXPLORE_ASSERT(cop_registry_unregister(registry, key()) == COP_OK);
        else
                EXPLORE_ASSERT(cop_pid_equal(holder, holders[0]) || cop_pid_equal(holder, holders[1]));
}

static void enters_second(void)
{
        entered = 1;
        enters_and_leaves();
}

/* What is freed is overwritten (machine.c): who still looks at it finds neither of the two. */
IN_NODE(a_look_up_by_key_finds_nobody_or_a_holder)
{
        begin(&cop_registry_server, registry, COP_UNIQUE);
        entered = 0;
        holders[1] = cop_no_pid();
        holders[0] = cop_self();
        unsigned reader = inside_visitor(looks_up);
        enters_and_leaves();
        unsigned other = inside_visitor(enters_second);
        explore_join(other);
        explore_join(reader);
}

/* ---- Two who want the same ------------------------------------------------------------------------ */

static unsigned holding, was_taken;

static void wants_the_key(void)
{
        cop_pid holder = cop_no_pid();
        cop_status status = cop_registry_register(registry, key(), cop_nil(), &holder);
        if (status == COP_E_TAKEN) {
                was_taken++;
                return;
        }
        EXPLORE_ASSERT(status == COP_OK && ++holding == 1);
        EXPLORE_ASSERT(cop_registry_whereis(registry, key(), &holder) == COP_OK && cop_pid_equal(holder, cop_self()));
        holding--;
        EXPLORE_ASSERT(cop_registry_unregister(registry, key()) == COP_OK);
}

IN_NODE(a_unique_key_has_one_holder)
{
        begin(&cop_registry_server, registry, COP_UNIQUE);
        holding = was_taken = 0;
        unsigned one = inside_visitor(wants_the_key);
        wants_the_key();
        explore_join(one);
        EXPLORE_ASSERT(holding == 0 && was_taken < 2);
}

/* ---- Ends ----------------------------------------------------------------------------------------- */

static cop_pid mortal;

static void joins_the_mortal(void)
{
        cop_status status = cop_group_join(scope, key(), mortal);
        EXPLORE_ASSERT(status == COP_OK);
}

/* The one who enters it and the one who dies each do something and then look at what the other has done. */
IN_NODE(nobody_dead_is_a_member)
{
        cop_ref ref;
        cop_term members;
        begin(&cop_scope_server, scope, COP_UNIQUE);
        mortal = cop_spawn(waits);
        EXPLORE_ASSERT(cop_monitor(mortal, &ref) == COP_OK);
        unsigned joiner = inside_visitor(joins_the_mortal);
        inside_end(mortal, "kill");
        cop_message_free(inside_await(COP_REF(cop_down, ref)));
        explore_join(joiner);
        EXPLORE_ASSERT(cop_group_members(scope, key(), &members) == COP_OK && members.count == 0);
        cop_term_free(members);
}

static bool holds_nothing(cop_pid pid)
{
        struct cop__holdings_shard *shard = cop__holdings_lock(cop__here_of(cop__thread_here()), pid);
        struct cop__owner *owner = cop__owner_find(shard, pid);
        cop__holdings_unlock(shard);
        return owner == NULL;
}

/* Who has found the book before its end gets into it or not; if so it is taken out with all the rest. */
IN_NODE(a_book_that_ends_takes_all_with_it)
{
        cop_ref ref;
        cop_pid keeper = begin(&cop_registry_server, registry, COP_DUPLICATE);
        EXPLORE_ASSERT(cop_monitor(keeper, &ref) == COP_OK);
        EXPLORE_ASSERT(cop_registry_register(registry, key(), cop_int(0), NULL) == COP_OK);
        inside_end(keeper, "kill");
        cop_status status = cop_registry_register(registry, key(), cop_int(1), NULL);
        EXPLORE_ASSERT(status == COP_OK || status == COP_E_NO_NAME);
        cop_message_free(inside_await(COP_REF(cop_down, ref)));
        EXPLORE_ASSERT(holds_nothing(cop_self()));
        EXPLORE_ASSERT(cop_registry_register(registry, key(), cop_int(2), NULL) == COP_E_NO_NAME);
}

/* ---- Monitors of groups ------------------------------------------------------------------------------ */

static void joins_twice_and_leaves(void)
{
        EXPLORE_ASSERT(cop_group_join(scope, key(), cop_self()) == COP_OK);
        EXPLORE_ASSERT(cop_group_join(scope, key(), cop_self()) == COP_OK);
        EXPLORE_ASSERT(cop_group_leave(scope, key(), cop_self()) == COP_OK);
}

/* What there was, and what was told since, is what there is: nothing is missing or told twice in between. */
IN_NODE(a_monitor_of_a_group_misses_nothing)
{
        cop_ref ref;
        cop_term members;
        begin(&cop_scope_server, scope, COP_UNIQUE);
        unsigned joiner = inside_visitor(joins_twice_and_leaves); /* its end is a leave, too */
        EXPLORE_ASSERT(cop_group_monitor(scope, key(), &ref, &members) == COP_OK);
        int count = (int)members.count;
        cop_term_free(members);
        explore_join(joiner);
        for (cop_message *message; (message = cop_receive(0, COP_ANY)) != NULL; cop_message_free(message)) {
                EXPLORE_ASSERT(cop_read(cop_group_joined, message) != NULL || cop_read(cop_group_left, message) != NULL);
                count += cop_read(cop_group_joined, message) != NULL ? 1 : -1;
                EXPLORE_ASSERT(count >= 0);
        }
        EXPLORE_ASSERT(count == 0);
}
