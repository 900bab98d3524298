/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A node that a stranger calls:
 *
 *      VISITED(who_says_nothing_is_told_nothing)
 *      {
 *              says_job(fd, "witness", 1);
 *              ...
 *      }
 *
 * The stranger is THEM, on the socket `fd`; the claim's thread is an actor of the node, and bears the name witness.
 */
#ifndef TESTS_VISITED_H
#define TESTS_VISITED_H

#include "tests/stranger_talk.h"

#define US "a@127.0.0.1"

/* What a stranger says to a name, as a term and not as a kind. */
static inline void says_term(int fd, const char *name, cop_term term)
{
        struct cop__tray tray;
        struct cop__pen pen;
        put_to(&pen, &tray, name, strlen(name));
        cop__pen_version(&pen);
        cop__pen_term(&pen, term);
        stranger_ends(fd, &pen);
}

/* The word arrives, and all that was said before it has been acted on; the connection is what it was. */
static inline void has_heard(int fd, const char *word)
{
        says_term(fd, "witness", cop_atom(word));
        cop_auto message = await(COP_ANY);
        const cop_any *any = cop_read(cop_any, message);
        ck_assert_msg(any != NULL, "it hears of %s", cop_message_kind(message)->name);
        ck_assert(cop_is_atom(any->term, word));
}

/* No news is heard of by the way, at a tick. */
#define VISITED_WITH(claim, stranger, ...)                                                                   \
        static void visited_##claim(int fd, uint16_t port);                                                  \
        TEST(claim)                                                                                          \
        {                                                                                                    \
                uint16_t port;                                                                               \
                NEEDS_THREADS();                                                                             \
                cop_node *node = node_begin((cop_node_options){ .name = "a", __VA_ARGS__ });                 \
                ck_assert_int_eq(distribute_with(US, (cop_distribution){ .message_max = 1 << 20,             \
                                                                         .tick_ms = 10 * (int64_t)PATIENCE_MS }, \
                                                 &port), COP_OK);                                            \
                ck_assert_int_eq(cop_register("witness", cop_self()), COP_OK);                               \
                int fd = stranger_calls_as(port, THEM, (stranger));                                          \
                await_up();                                                                                  \
                ck_assert_int_eq(cop_nodes_subscribe(), COP_OK);                                             \
                visited_##claim(fd, port);                                                                   \
                close(fd);                                                                                   \
                node_end(node);                                                                              \
        }                                                                                                    \
        static void visited_##claim(__attribute__((unused)) int fd, __attribute__((unused)) uint16_t port)
#define VISITED(claim) VISITED_WITH(claim, OF_OURS | COP__CAN_PUBLISHED, .memory_limit = 0)
#define VISITED_WITHIN(claim, limit) VISITED_WITH(claim, OF_OURS | COP__CAN_PUBLISHED, .memory_limit = (limit))

#endif
