/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Two nodes that know each other, in one program.
 *
 *      PAIR(a_pid_comes_back_as_itself)
 *      {
 *              cop_pid there = meet_echo(pair);
 *              ...
 *      }
 *
 * The claim's thread visits `a`; visit(pair->b) takes it to the other one, as another actor. Simulated, both are so together, and
 * connected by wires.
 */
#ifndef TESTS_PAIR_H
#define TESTS_PAIR_H

#include <stdio.h>
#include <string.h>

#include <coppice/distribution.h>

#include "tests/node_fixture.h"

#define COOKIE "between us"

struct pair {
        cop_node *a, *b;
        uint16_t port_a, port_b;
};

static inline cop_status distribute_with(const char *name, cop_distribution options, uint16_t *port)
{
        options.name = cop_text_of(name);
        if (options.cookie.size == 0)
                options.cookie = cop_text_of(COOKIE);
        if (options.epmd_port == 0)
                options.no_epmd = true;
        cop_status status = cop_distribution_start(&options);
        if (status == COP_OK)
                ck_assert_int_eq(cop_distribution_port(port), COP_OK);
        return status;
}

static inline void visit(cop_node *node)
{
        cop_node_leave();
        ck_assert_int_eq(cop_node_enter(node), COP_OK);
}

/* Another one, in whose simulation the first is, if that is simulated. Enters it, when the first has been left. */
static inline cop_node *node_begin_beside(cop_node *first, const char *name)
{
        const cop_simulation joined = { .with = first };
        return node_begin((cop_node_options){ .name = name, .simulation = cop__simulation_of(first) != NULL ? &joined : NULL });
}

static inline void pair_begin(struct pair *pair, cop_distribution options)
{
        pair->b = node_begin((cop_node_options){ .name = "b" });
        ck_assert_int_eq(distribute_with("b@127.0.0.1", options, &pair->port_b), COP_OK);
        cop_node_leave();
        pair->a = node_begin_beside(pair->b, "a");
        ck_assert_int_eq(distribute_with("a@127.0.0.1", options, &pair->port_a), COP_OK);
        ck_assert_int_eq(cop_node_is_at("b@127.0.0.1", NULL, pair->port_b), COP_OK);
        visit(pair->b);
        ck_assert_int_eq(cop_node_is_at("a@127.0.0.1", NULL, pair->port_a), COP_OK);
        visit(pair->a);
}

static inline void pair_end(struct pair *pair)
{
        cop_node_leave();
        if (pair->a != NULL)
                cop_node_stop(pair->a);
        if (pair->b != NULL)
                cop_node_stop(pair->b);
}

#define PAIR_WITH(claim, ...)                                               \
        static void pair_##claim(struct pair *pair);                        \
        TEST(claim)                                                         \
        {                                                                   \
                struct pair pair = { NULL, NULL, 0, 0 };                    \
                pair_begin(&pair, (cop_distribution){ __VA_ARGS__ });       \
                pair_##claim(&pair);                                        \
                pair_end(&pair);                                            \
        }                                                                   \
        static void pair_##claim(__attribute__((unused)) struct pair *pair)
#define PAIR(claim) PAIR_WITH(claim, .port = 0)

/* Whoever bears the name over there, by a call that it answers. */
static inline cop_pid there(const char *name)
{
        cop_message *reply = NULL;
        ck_assert_int_eq(cop_call_term(&reply, cop_at(name, "b@127.0.0.1"), PATIENCE_MS, cop_atom("who")), COP_OK);
        cop_pid pid = cop_message_from(reply);
        cop_message_free(reply);
        return pid;
}

/* Of the group that has a number for its key. */
static inline size_t members_under(const char *scope, int64_t number)
{
        cop_term list;
        ck_assert_int_eq(cop_group_members(scope, cop_int(number), &list), COP_OK);
        size_t count = list.count;
        cop_term_free(list);
        return count;
}

#endif
