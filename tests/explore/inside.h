/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A node around a scenario: small, with two workers, and the scenario's own thread a visitor of it.
 *
 *      IN_NODE(a_message_arrives)
 *      {
 *              cop_send(cop_spawn(echo), note, .n = 1);
 *              ...
 *      }
 *
 * The runtime is built with its tiny limits (base/limits.h): a turn is one message, a ring two tasks, a magazine one block.
 */
#ifndef TESTS_EXPLORE_INSIDE_H
#define TESTS_EXPLORE_INSIDE_H

#include <coppice.h>

#include "actors/actor.h"
#include "tests/explore/explore.h"

extern cop_node *inside; /* the node of the schedule that runs */

typedef struct {
        int64_t n;
} note;
COP_MESSAGE_DECLARE(note);

/* Starts a node with that many workers, runs the scenario inside, and stops it; nothing may be left of it. */
void inside_run(unsigned workers, void (*scenario)(void));

/* The same with other options of it. */
void inside_run_with(const cop_node_options *options, void (*scenario)(void));

/* The next message must be of that kind. */
cop_message *inside_await(cop_pattern pattern);

/* Nothing is in the mailbox, nor has it arrived. */
void inside_nothing_has_come(void);

/* A thread that visits the node, runs a function there, and leaves. */
unsigned inside_visitor(void (*run)(void));

/* An exit signal with that reason. */
void inside_end(cop_pid pid, const char *reason);

#define IN_NODE(title)                                                   \
        static void in_node_##title(void);                               \
        SCENARIO(title)                                                  \
        {                                                                \
                inside_run(2, in_node_##title);                          \
        }                                                                \
        static void in_node_##title(void)

#endif
