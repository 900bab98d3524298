/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* What servers of global names say to each other and to scribes, and how much of it they remember. */
#include "tests/pair.h"

#include <coppice/global.h>

#include "distribution/names.h"

#define B "b@127.0.0.1"

static void waits(void)
{
        cop_sleep(COP_FOREVER);
}

static cop_term change_of(const char *word, const char *name, cop_pid holder, int64_t number, cop_term items[4])
{
        items[0] = cop_atom(word);
        items[1] = cop_atom(name);
        items[2] = cop_pid_term(holder);
        items[3] = cop_int(number);
        return cop_tuple_of(items, 4);
}

/* What the server at that address answers, as text. */
static const char *answer_of(cop_address to, cop_term what)
{
        cop_auto reply = NULL;
        ck_assert_int_eq(cop_call_term(&reply, to, PATIENCE_MS, what), COP_OK);
        const cop_any *any = cop_read(cop_any, reply);
        ck_assert_ptr_nonnull(any);
        return text_of(any->term);
}

static void unset(const char *name, int64_t number)
{
        ck_assert_int_eq(cop_send_term(COP__NAMES_SERVER, COP_TUPLE(cop_atom("unset"), cop_atom(name), cop_int(number))), COP_OK);
}

/* ---- What is remembered ----------------------------------------------------------------------------- */

#define CHANGES 65536
#define NAMES 16384

/* Who says the first of them late, as a scribe that hung, brings it back. Simulated, for so many messages in a row wait for each other. */
TEST(of_the_changes_of_global_names_that_are_over_so_many_are_remembered)
{
        uint16_t port;
        cop_term items[4];
        const cop_simulation order = { .seed = 1 };
        cop_node *node = node_begin((cop_node_options){ .name = "a", .simulation = &order });
        ck_assert_int_eq(distribute_with("a@127.0.0.1", (cop_distribution){ .port = 0 }, &port), COP_OK);
        cop_pid pid = cop_spawn(waits);
        const cop_term late = change_of("set", "x", pid, 1, items);
        for (int64_t number = 1; number <= CHANGES; number++)
                unset("x", number);
        ck_assert_str_eq(answer_of(cop_to_name(COP__NAMES_SERVER), late), "false");
        unset("x", CHANGES + 1);
        ck_assert_str_ne(answer_of(cop_to_name(COP__NAMES_SERVER), late), "false");
        ck_assert(cop_pid_equal(cop_global_whereis("x"), pid));
        unset("x", CHANGES + 2);
        ck_assert_str_eq(answer_of(cop_to_name(COP__NAMES_SERVER), change_of("set", "x", pid, 10, items)), "false");
        node_end(node);
}

/* The name has been forgotten, and not that the change is over: what came after it is nothing, of a version that is greater. */
PAIR(a_change_that_is_over_is_not_made_again_though_its_name_has_been_forgotten)
{
        char name[16];
        cop_pid pid = cop_spawn(waits);
        ck_assert_int_eq(cop_connect(B, PATIENCE_MS), COP_OK);
        unset("x", 1);
        for (int64_t i = 0; i < NAMES; i++) {
                snprintf(name, sizeof(name), "%d", (int)i);
                unset(name, 2 + i);
        }
        visit(pair->b);
        cop_term late = COP_TUPLE(cop_atom("set"), cop_atom("x"), cop_pid_term(cop_self()), cop_int(1), cop_int(0), cop_int(1000000));
        ck_assert_str_eq(answer_of(cop_at(COP__NAMES_SERVER, "a@127.0.0.1"), late), "{nobody, 0, 1000001, 0}");
        visit(pair->a);
        ck_assert_uint_eq(cop_global_whereis("x").bits, 0);
        ck_assert_int_eq(cop_global_register("x", pid), COP_OK);
        ck_assert(cop_pid_equal(cop_global_whereis("x"), pid));
}

/* ---- What others say ---------------------------------------------------------------------------------- */

PAIR(the_end_of_a_watch_that_is_none_of_the_servers_takes_no_name_away)
{
        cop_pid pid = cop_spawn(waits), server = cop_whereis(COP__NAMES_SERVER);
        ck_assert_int_eq(cop_global_register("x", pid), COP_OK);
        ck_assert_int_eq(cop_send(COP__NAMES_SERVER, cop_down, .ref = cop_ref_new(), .pid = pid, .reason = cop_atom("boom")), COP_OK);
        ck_assert(cop_pid_equal(cop_global_whereis("x"), pid));
        ck_assert(cop_pid_equal(cop_whereis(COP__NAMES_SERVER), server));
}

/* Its node has begun anew, of which who speaks of it has not heard. */
PAIR(a_holder_of_a_life_that_is_over_has_ended_for_who_hears_of_it_late)
{
        visit(pair->b);
        ck_assert_int_eq(cop_global_register("x", cop_spawn(waits)), COP_OK);
        visit(pair->a);
        ck_assert_int_eq(cop_connect(B, PATIENCE_MS), COP_OK);
        await_true(cop_global_whereis("x").bits != 0);
        cop_pid stale = cop_global_whereis("x");
        cop_node_stop(pair->b);
        cop_node_leave();
        pair->b = node_begin_beside(pair->a, "b");
        ck_assert_int_eq(distribute_with(B, (cop_distribution){ .port = 0 }, &pair->port_b), COP_OK);
        visit(pair->a);
        ck_assert_int_eq(cop_node_is_at(B, NULL, pair->port_b), COP_OK);
        ck_assert_int_eq(cop_connect(B, PATIENCE_MS), COP_OK);
        const cop_term said = COP_TUPLE(cop_atom("y"), cop_pid_term(stale), cop_int(5), cop_int(1000), cop_int(0));
        ck_assert_int_eq(cop_send_term(COP__NAMES_SERVER, COP_TUPLE(cop_atom("all"), COP_LIST(said))), COP_OK);
        cop_auto reply = NULL;
        ck_assert_int_eq(cop_call_term(&reply, COP__NAMES_SERVER, PATIENCE_MS, COP_TUPLE(cop_atom("holder"), cop_atom("y"))), COP_OK);
        const cop_term *items = cop_read(cop_any, reply)->term.as.items;
        ck_assert_uint_eq(items[0].as.pid.bits, 0);
        ck_assert_int_eq(items[2].as.integer, 1000);
        ck_assert(cop_pid_equal(items[3].as.pid, stale));
        ck_assert_int_eq(items[4].as.integer, 1); /* and is not away, to be watched again */
}

/* ---- A server that is none ------------------------------------------------------------------------------ */

/* In the place of the one of its node, it answers what a claim says it does. */
static cop_term (*answers)(cop_term asked, cop_term items[5]); /* NULL: it does not */
static uint32_t questions; /* atomic: changes and looks that it was asked for */

static void answer(const cop_message *message)
{
        cop_term items[5];
        const cop_any *any = cop_read(cop_any, message);
        if (any == NULL || cop_is_tuple(any->term, "all", 2))
                return;
        cop__add_acq_rel(&questions, 1);
        cop_answer_value(message, COP_KIND_OF(cop_any), &(cop_any){ answers(any->term, items) });
}

static void stands_in(void)
{
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_ANY);
                answer(message);
        }
}

static cop_pid replace_server(cop_term (*says)(cop_term asked, cop_term items[5]))
{
        cop_pid pid = cop_spawn(stands_in);
        answers = says;
        cop__store_release(&questions, 0);
        ck_assert_int_eq(cop_unregister(COP__NAMES_SERVER), COP_OK);
        ck_assert_int_eq(cop_register(COP__NAMES_SERVER, pid), COP_OK);
        return pid;
}

static cop_term makes_and_does_not_know(cop_term asked, cop_term items[5])
{
        items[0] = cop_int(0);
        items[1] = cop_int(5);
        return cop_is_atom(asked.as.items[0], "holder") ? cop_atom("what") : cop_tuple_of(items, 2);
}

/* As far as one can tell. */
PAIR(a_name_that_was_set_is_had_though_the_server_does_not_know_by_whom)
{
        cop_pid pid = cop_spawn(waits);
        cop_pid server = replace_server(makes_and_does_not_know);
        ck_assert_int_eq(cop_global_register("x", pid), COP_OK);
        ck_assert_uint_eq(cop__load_acquire(&questions), 2);
        put_down(server);
}

static cop_pid somebody;

/* The first look of two finds somebody else. */
static cop_term says_once_that_another_has_it(cop_term asked, cop_term items[5])
{
        static bool has_said;
        items[0] = cop_pid_term(somebody);
        items[1] = cop_int(0);
        items[2] = cop_int(7);
        items[3] = items[0];
        items[4] = cop_int(0);
        if (!cop_is_atom(asked.as.items[0], "holder"))
                return cop_tuple_of(items + 1, 2);
        has_said = !has_said;
        return has_said ? cop_tuple_of(items, 5) : cop_atom("what");
}

/* Each of the three times that the scribe is asked. */
PAIR(who_may_have_lost_a_name_to_another_is_not_told_that_he_has_it)
{
        somebody = cop_spawn(waits);
        cop_pid server = replace_server(says_once_that_another_has_it);
        ck_assert_int_eq(cop_global_register("x", cop_spawn(waits)), COP_E_NO_CONNECTION);
        ck_assert_uint_eq(cop__load_acquire(&questions), 9);
        put_down(server);
}

/* {unset, Name, Number, Over, Version}: it knows of something later. */
static cop_term knows_better(cop_term asked, cop_term items[5])
{
        items[0] = cop_atom("nobody");
        items[1] = cop_int(0);
        items[2] = cop_int(asked.as.items[4].as.integer + 1);
        items[3] = cop_int(0);
        return cop_tuple_of(items, 4);
}

/* Each time it is made again, with a version that is greater. */
PAIR(a_name_whose_removal_another_node_refuses_again_and_again_is_not_said_to_be_removed)
{
        visit(pair->b);
        cop_pid server = replace_server(knows_better);
        visit(pair->a);
        ck_assert_int_eq(cop_connect(B, PATIENCE_MS), COP_OK);
        const cop_term removal = COP_TUPLE(cop_atom("unregister"), cop_atom("x"), cop_int(7));
        ck_assert_str_eq(answer_of(cop_to_name(COP__NAMES_SCRIBE), removal), "false");
        ck_assert_uint_eq(cop__load_acquire(&questions), 3);
        ck_assert_int_eq(cop_disconnect(B), COP_OK);
        ck_assert_int_eq(cop_global_unregister("x"), COP_OK);
        visit(pair->b);
        put_down(server);
}
