/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Plain names: one actor for each, one for each actor, and never one of the dead. */
#include "tests/failing_malloc.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "tests/node_fixture.h"

typedef struct go {
        int64_t unused;
} go;
COP_MESSAGE(go, unused);

static void waits(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
}

IN_NODE(REG_01_a_name_is_found_until_it_is_given_up)
{
        cop_pid p = cop_spawn(waits);
        ck_assert_uint_eq(cop_whereis("tim").bits, 0);
        ck_assert_int_eq(cop_register("tim", p), COP_OK);
        ck_assert(cop_pid_equal(cop_whereis("tim"), p));
        ck_assert_str_eq(info_of(p, "name"), "tim");
        ck_assert_int_eq(cop_unregister("tim"), COP_OK);
        ck_assert_uint_eq(cop_whereis("tim").bits, 0);
        ck_assert_str_eq(info_of(p, "name"), "undefined");
        put_down(p);
}

/* The same letters at the same place, which is how a thread remembers whom it has found. */
IN_NODE(a_name_that_was_found_before_is_its_new_bearers_or_nobodys)
{
        char name[COP_NAME_MAX + 1] = "tim";
        cop_pid p = cop_spawn(waits), q = cop_spawn(waits);
        ck_assert_int_eq(cop_register(name, p), COP_OK);
        for (int i = 0; i < 3; i++)
                ck_assert(cop_pid_equal(cop_whereis(name), p));
        strcpy(name, "tom");
        ck_assert_uint_eq(cop_whereis(name).bits, 0);
        ck_assert_int_eq(cop_register(name, q), COP_OK);
        ck_assert(cop_pid_equal(cop_whereis(name), q));
        strcpy(name, "tim");
        ck_assert(cop_pid_equal(cop_whereis(name), p));
        ck_assert_int_eq(cop_unregister("tim"), COP_OK);
        ck_assert_uint_eq(cop_whereis(name).bits, 0);
        ck_assert_int_eq(cop_unregister("tom"), COP_OK);
        ck_assert_int_eq(cop_register(name, q), COP_OK);
        ck_assert(cop_pid_equal(cop_whereis(name), q));
        put_down(q);
        ck_assert_uint_eq(cop_whereis(name).bits, 0);
        memset(name, 'n', COP_NAME_MAX); /* too long to be remembered */
        ck_assert_int_eq(cop_register(name, p), COP_OK);
        for (int i = 0; i < 3; i++)
                ck_assert(cop_pid_equal(cop_whereis(name), p));
        name[0] = '\0';
        ck_assert_uint_eq(cop_whereis(name).bits, 0);
        put_down(p);
}

IN_NODE(REG_02_a_name_has_one_actor_and_an_actor_one_name)
{
        cop_pid p = cop_spawn(waits), q = cop_spawn(waits);
        ck_assert_int_eq(cop_register("tim", p), COP_OK);
        ck_assert_int_eq(cop_register("tim", q), COP_E_NAME_TAKEN);
        ck_assert_int_eq(cop_register("tom", p), COP_E_NAME_TAKEN);
        ck_assert_int_eq(cop_register("tim", p), COP_E_NAME_TAKEN);
        ck_assert(cop_pid_equal(cop_whereis("tim"), p));
        ck_assert_uint_eq(cop_whereis("tom").bits, 0);
        ck_assert_int_eq(cop_register("tom", q), COP_OK);
        put_down(p);
        put_down(q);
}

IN_NODE(REG_03_bad_names_the_dead_and_nobody_are_refused)
{
        char name[COP_NAME_MAX + 2];
        memset(name, 'n', sizeof(name));
        name[COP_NAME_MAX + 1] = '\0';
        cop_pid p = cop_spawn(waits);
        ck_assert_int_eq(cop_register("undefined", p), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_register("", p), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_register(NULL, p), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_register(name, p), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_register("tim", cop_no_pid()), COP_E_BAD_ARGUMENT);
        name[COP_NAME_MAX] = '\0';
        ck_assert_int_eq(cop_register(name, p), COP_OK);
        ck_assert(cop_pid_equal(cop_whereis(name), p));
        put_down(p);
        ck_assert_int_eq(cop_register("tim", p), COP_E_NO_ACTOR);
        ck_assert_int_eq(cop_register("tim", cop__pid(1000000, 0)), COP_E_NO_ACTOR);
        ck_assert_uint_eq(cop_whereis("tim").bits, 0);
        ck_assert_uint_eq(cop_whereis(NULL).bits, 0);
        ck_assert_uint_eq(cop_whereis("").bits, 0);
}

IN_NODE(REG_04_an_unknown_name_cannot_be_given_up)
{
        ck_assert_int_eq(cop_unregister("nobody"), COP_E_NO_NAME);
        ck_assert_int_eq(cop_unregister(""), COP_E_NO_NAME);
}

static void gives_up(void)
{
        if (cop_unregister("tim") != COP_OK)
                cop_exit(cop_atom("refused"));
}

IN_NODE(REG_05_another_actor_may_give_a_name_up_and_its_holder_lives)
{
        cop_pid p = cop_spawn(waits);
        ck_assert_int_eq(cop_register("tim", p), COP_OK);
        await_down(spawn_watched(.run = gives_up), "normal");
        ck_assert_uint_eq(cop_whereis("tim").bits, 0);
        settle_with(p);
        ck_assert_int_eq(cop_register("tom", p), COP_OK);
        put_down(p);
}

IN_NODE(a_message_to_a_name_goes_to_its_holder)
{
        cop_pid p = cop_spawn(waits);
        ck_assert_int_eq(cop_register("tim", p), COP_OK);
        cop_ref ref = watch(p);
        ck_assert_int_eq(cop_send("tim", go), COP_OK);
        await_down(ref, "normal");
        ck_assert_uint_eq(cop_whereis("tim").bits, 0);
        ck_assert_int_eq(cop_send("tim", go), COP_E_NO_NAME);
}

TEST(the_name_of_a_visitor_ends_with_the_visit)
{
        cop_node *node = node_begin((cop_node_options){ 0 });
        ck_assert_int_eq(cop_register("guest", cop_self()), COP_OK);
        cop_node_leave();
        ck_assert_int_eq(cop_node_enter(node), COP_OK);
        ck_assert_uint_eq(cop_whereis("guest").bits, 0);
        ck_assert_int_eq(cop_register("guest", cop_self()), COP_OK);
        node_end(node);
}

/* ---- Racing -------------------------------------------------------------------------------- */

typedef struct race {
        int64_t rounds, number;
} race;
COP_MESSAGE(race, rounds, number);

/* Takes one of four names if it can, for one that dies at once. After a success the name is its holder's. */
static void registers_and_kills(const race *r)
{
        for (int64_t i = 0; i < r->rounds; i++) {
                char name[16];
                snprintf(name, sizeof(name), "name%d", (int)((i + r->number) % 4));
                cop_pid p = cop_spawn(waits);
                cop_status status = cop_register(name, p);
                if (status == COP_OK && !cop_pid_equal(cop_whereis(name), p))
                        cop_exit(cop_atom("another_bears_it"));
                if (status != COP_OK && status != COP_E_NAME_TAKEN)
                        cop_exit(cop_int(status));
                cop_send_exit(p, cop_atom("kill"));
        }
        cop_exit(cop_atom("clean"));
}

static void count_name(void *context, const char *name, cop_pid pid)
{
        (void)name;
        (void)pid;
        ++*(int *)context;
}

static int names_of(cop_node *node)
{
        int count = 0;
        cop__registry_each(node, count_name, &count);
        return count;
}

IN_NODE(REG_07_registering_and_killing_at_once_leaves_no_stale_name)
{
        enum { RACERS = 4 };
        cop_ref refs[RACERS];
        int64_t rounds = suite_is_slow() ? 500 : 10000;
        for (int i = 0; i < RACERS; i++)
                refs[i] = spawn_watched(RUN_WITH(registers_and_kills, race, .rounds = rounds,
                                                 .number = i));
        for (int i = 0; i < RACERS; i++)
                await_down(refs[i], "clean");
        await_true(names_of(node) == 0);
        for (int i = 0; i < 4; i++) {
                char name[16];
                snprintf(name, sizeof(name), "name%d", i);
                ck_assert_int_eq(cop_register(name, cop_self()), COP_OK);
                ck_assert_int_eq(cop_unregister(name), COP_OK);
        }
}

/* An actor gives up "old" and takes "new" while another gives up "old": that one must never lose "new". */
static uint32_t flips;

static void *gives_up_old_names(void *argument)
{
        ck_assert_int_eq(cop_node_enter(argument), COP_OK);
        while (cop__load_acquire(&flips) != UINT32_MAX)
                cop_unregister("old");
        cop_node_leave();
        return NULL;
}

IN_NODE(who_gives_up_one_name_never_takes_another)
{
        NEEDS_THREADS();
        pthread_t thread;
        cop_pid p = cop_spawn(waits);
        int rounds = suite_is_slow() ? 2000 : 50000;
        cop__store_release(&flips, 0);
        ck_assert_int_eq(pthread_create(&thread, NULL, gives_up_old_names, node), 0);
        for (int i = 0; i < rounds; i++) {
                ck_assert_int_eq(cop_register("old", p), COP_OK);
                cop_unregister("old");
                ck_assert_int_eq(cop_register("new", p), COP_OK);
                ck_assert_int_eq(cop_unregister("new"), COP_OK);
        }
        cop__store_release(&flips, UINT32_MAX);
        pthread_join(thread, NULL);
        put_down(p);
}

enum { BEARERS = 1000 };

struct reader {
        cop_node *node;
        uint32_t found; /* atomic */
};
static uint32_t reading_is_over;
static cop_pid bearers[BEARERS]; /* written before one is given the name */
static uint32_t bearer_count;    /* atomic */

static bool has_borne_it(cop_pid p)
{
        for (uint32_t i = cop__load_acquire(&bearer_count); i > 0; i--)
                if (cop_pid_equal(bearers[i - 1], p))
                        return true;
        return false;
}

/* Looks a name up while it and others come and go; what is found must be a pid that once had it. */
static void *looks_up(void *argument)
{
        struct reader *reader = argument;
        ck_assert_int_eq(cop_node_enter(reader->node), COP_OK);
        while (!cop__load_acquire(&reading_is_over)) {
                cop_pid p = cop_whereis("comes_and_goes");
                if (p.bits == 0)
                        continue;
                ck_assert(has_borne_it(p));
                cop__add_relaxed(&reader->found, 1);
        }
        cop_node_leave();
        return NULL;
}

IN_NODE(names_are_looked_up_while_hundreds_come_and_go)
{
        NEEDS_THREADS();
        struct reader readers[2] = { { node, 0 }, { node, 0 } };
        pthread_t threads[2];
        int rounds = suite_is_slow() ? 100 : BEARERS;
        cop_pid holders[100];
        cop__store_release(&reading_is_over, 0);
        cop__store_release(&bearer_count, 0);
        for (int i = 0; i < 2; i++)
                ck_assert_int_eq(pthread_create(&threads[i], NULL, looks_up, &readers[i]), 0);
        for (int i = 0; i < 100; i++)
                holders[i] = cop_spawn(waits);
        for (int round = 0; round < rounds; round++) {
                char name[32];
                cop_pid one = cop_spawn(waits);
                bearers[round] = one;
                cop__store_release(&bearer_count, (uint32_t)round + 1);
                ck_assert_int_eq(cop_register("comes_and_goes", one), COP_OK);
                for (int i = 0; i < 2 && round == 0; i++)
                        await_true(cop__load_relaxed(&readers[i].found) > 0);
                for (int i = 0; i < 100 && round % 20 == 0; i++) { /* the table grows */
                        snprintf(name, sizeof(name), "one_of_many_%d", i);
                        ck_assert_int_eq(cop_register(name, holders[i]), COP_OK);
                }
                put_down(one);
                for (int i = 0; i < 100 && round % 20 == 0; i++) {
                        snprintf(name, sizeof(name), "one_of_many_%d", i);
                        ck_assert(cop_pid_equal(cop_whereis(name), holders[i]));
                        ck_assert_int_eq(cop_unregister(name), COP_OK);
                }
        }
        cop__store_release(&reading_is_over, 1);
        for (int i = 0; i < 2; i++)
                pthread_join(threads[i], NULL);
        for (int i = 0; i < 100; i++)
                put_down(holders[i]);
        ck_assert_int_eq(names_of(node), 0);
}

static void is_called_tim(void *context, const char *name, cop_pid pid)
{
        if (strcmp(name, "tim") == 0)
                *(cop_pid *)context = pid;
}

IN_NODE(REG_09_the_list_of_names_has_a_name_exactly_while_it_is_registered)
{
        cop_pid p = cop_spawn(waits), listed = cop_no_pid();
        cop__registry_each(node, is_called_tim, &listed);
        ck_assert_uint_eq(listed.bits, 0);
        ck_assert_int_eq(cop_register("tim", p), COP_OK);
        cop__registry_each(node, is_called_tim, &listed);
        ck_assert(cop_pid_equal(listed, p));
        put_down(p);
        ck_assert_int_eq(names_of(node), 0);
}

/* What a program sees of the same. */
IN_NODE(REG_09_a_program_is_given_all_names_as_a_list)
{
        cop_term names;
        cop_pid p = cop_spawn(waits);
        ck_assert_int_eq(cop_registered(&names), COP_OK);
        ck_assert_str_eq(text_of(names), "[]");
        cop_term_free(names);
        ck_assert_int_eq(cop_register("tim", p), COP_OK);
        ck_assert_int_eq(cop_registered(&names), COP_OK);
        ck_assert_str_eq(text_of(names), "[tim]");
        cop_term_free(names);
        put_down(p);
        ck_assert_int_eq(cop_registered(&names), COP_OK);
        ck_assert_str_eq(text_of(names), "[]");
        cop_term_free(names);
        ck_assert_int_eq(cop_registered(NULL), COP_E_BAD_ARGUMENT);
}

static void takes_the_name(void)
{
        if (cop_register("tim", cop_self()) == COP_OK)
                waits();
}

/* The holder dies with much on its way to it, and the name is free as soon as that is heard. */
IN_NODE(MON_23_a_name_is_free_when_the_death_of_its_holder_is_heard)
{
        int rounds = suite_is_slow() ? 100 : 1000;
        for (int round = 0; round < rounds; round++) {
                cop_pid p = cop_spawn(takes_the_name);
                cop_ref ref = watch(p);
                await_true(cop_pid_equal(cop_whereis("tim"), p));
                for (int i = 0; i < 100; i++)
                        cop_send(p, race, .rounds = i);
                cop_send_exit(p, cop_atom("kill"));
                await_down(ref, "killed");
                ck_assert_uint_eq(cop_whereis("tim").bits, 0);
                ck_assert_int_eq(cop_register("tim", cop_self()), COP_OK);
                ck_assert_int_eq(cop_unregister("tim"), COP_OK);
        }
}

/* ---- Without memory ----------------------------------------------------------------------------- */

#define NAMES 200

static const char *name_of(int i)
{
        static char name[16];
        snprintf(name, sizeof(name), "name %d", i);
        return name;
}

/* Each finds memory for itself, and the table none to grow: that is full some day. */
IN_NODE(a_name_for_which_the_table_cannot_grow_is_refused_and_given_when_it_can)
{
        static cop_pid pids[NAMES];
        int refused = 0;
        if (!failing_malloc_can())
                return;
        for (int i = 0; i < NAMES; i++) {
                pids[i] = cop_spawn(waits);
                fail_malloc_after(2);
                cop_status status = cop_register(name_of(i), pids[i]);
                stop_failing_malloc();
                refused += status == COP_E_NO_MEMORY;
                ck_assert(status == COP_OK || status == COP_E_NO_MEMORY);
                ck_assert_uint_eq(cop_whereis(name_of(i)).bits, status == COP_OK ? pids[i].bits : 0);
        }
        ck_assert_int_gt(refused, 0);
        for (int i = 0; i < NAMES; i++)
                if (cop_whereis(name_of(i)).bits == 0)
                        ck_assert_int_eq(cop_register(name_of(i), pids[i]), COP_OK);
        for (int i = 0; i < NAMES; i++) {
                ck_assert(cop_pid_equal(cop_whereis(name_of(i)), pids[i]));
                put_down(pids[i]);
                ck_assert_uint_eq(cop_whereis(name_of(i)).bits, 0);
        }
}
