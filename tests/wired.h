/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Three nodes that are simulated together and know each other by wires. Each has an echo, which is a member of the group tea of the scope
 * chat.
 *
 *      cop_node *nodes[NODES];
 *      begin((cop_simulation){ .seed = seed }, nodes);         the first of them is visited
 *      ...
 *      end(nodes);
 */
#ifndef TESTS_WIRED_H
#define TESTS_WIRED_H

#include "tests/pair.h"

#include <coppice/global.h>

#include "base/random.h"
#include "distribution/network.h"
#include "tests/keepers.h"

#define NODES 3

static const char *const names[NODES] = { "a@127.0.0.1", "b@127.0.0.1", "c@127.0.0.1" };

typedef struct { int64_t number; } parcel;
COP_MESSAGE(parcel, number);

typedef struct { int64_t had; } echo;

static void echo_on_parcel(echo *self, const parcel *p)
{
        self->had++;
        cop_reply(parcel, .number = p->number + 1);
}

COP_SERVER(echo, COP_ON(parcel, echo_on_parcel));

/* ---- Some nodes ---------------------------------------------------------------------------- */

static inline cop_node *begin_node(cop_simulation order, const char *name)
{
        cop_node *node = NULL;
        ck_assert_int_eq(cop_node_start(&(cop_node_options){ .name = name, .simulation = &order, .max_actors = 500,
                                                             .log = fixture_log_nothing },
                                        &node), COP_OK);
        if (order.with == NULL)
                fixture_set(cop__simulation_of(node), false);
        return node;
}

static uint16_t ports[NODES];

static inline void distribute(int i)
{
        ck_assert_int_eq(distribute_with(names[i], (cop_distribution){ .port = ports[i] }, &ports[i]), COP_OK);
}

/* Each knows the others. */
static inline void tell_where(int i)
{
        for (int j = 0; j < NODES; j++)
                ck_assert(i == j || cop_node_is_at(names[j], NULL, ports[j]) == COP_OK);
}

static inline void begin(cop_simulation order, cop_node *nodes[NODES])
{
        memset(ports, 0, sizeof(ports));
        for (int i = 0; i < NODES; i++) {
                nodes[i] = begin_node(i == 0 ? order : (cop_simulation){ .with = nodes[0] }, (const char[]){ (char)('a' + i), 0 });
                ck_assert_int_eq(cop_node_enter(nodes[i]), COP_OK);
                distribute(i);
                start_scope("chat");
                ck_assert_int_eq(cop_group_join("chat", cop_atom("tea"), cop_spawn_server(&echo_server, "echo")), COP_OK);
                cop_node_leave();
        }
        for (int i = 0; i < NODES; i++) {
                ck_assert_int_eq(cop_node_enter(nodes[i]), COP_OK);
                tell_where(i);
                cop_node_leave();
        }
        ck_assert_int_eq(cop_node_enter(nodes[0]), COP_OK);
}

static inline void end(cop_node *nodes[NODES])
{
        cop_node_leave();
        for (int i = 0; i < NODES; i++)
                cop_node_stop(nodes[i]);
}

static inline cop_simulation_state state_of(cop_node *node)
{
        cop_simulation_state state;
        ck_assert_int_eq(cop_simulation_look(node, &state), COP_OK);
        return state;
}

static inline size_t tea_drinkers_of(cop_status (*look)(const char *, cop_term, cop_term *))
{
        cop_term list;
        ck_assert_int_eq(look("chat", cop_atom("tea"), &list), COP_OK);
        size_t count = list.count;
        cop_term_free(list);
        return count;
}

static inline size_t tea_drinkers(void)
{
        return tea_drinkers_of(cop_group_members);
}

static inline void waits(void)
{
        cop_sleep(COP_FOREVER);
}

/* Who has it, in words that are the same on each node; of nobody, none. */
static inline void holder_at(cop_node *node, const char *name, char text[64])
{
        struct cop__wire_pid wire;
        visit(node);
        cop_pid pid = cop_global_whereis(name);
        text[0] = '\0';
        if (pid.bits == 0)
                return;
        ck_assert(cop__pid_to_wire(cop__network_here(), pid, &wire));
        snprintf(text, 64, "%s %u %u", cop_node_of(pid)[0] ? cop_node_of(pid) : cop_node_here_name(), wire.id, wire.serial);
}

static inline void all_have(cop_node *nodes[NODES], const char *name, const char *holder, uint64_t seed)
{
        char text[64];
        for (int i = 0; i < NODES; i++) {
                holder_at(nodes[i], name, text);
                ck_assert_msg(strcmp(text, holder) == 0, "seed %d: at %s \"%s\" has %s, not \"%s\"", (int)seed, names[i], text, name,
                              holder);
        }
}

static inline void connect_all(cop_node *nodes[NODES])
{
        for (int i = 0; i < NODES; i++) {
                visit(nodes[i]);
                for (int j = 0; j < NODES; j++)
                        ck_assert(i == j || cop_connect(names[j], PATIENCE_MS) == COP_OK);
        }
}

/* All of them connected, and all that is under way has come. */
static inline void settle_all(cop_node *nodes[NODES])
{
        connect_all(nodes);
        cop_simulation_advance(nodes[0], 1000);
}

static inline uint32_t draw(uint64_t *state, uint32_t below)
{
        return (uint32_t)(cop__mix(++*state) % below);
}

#endif
