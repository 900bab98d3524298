/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Calls, replies and aliases: an answer meets a caller that has given up. Under every schedule a call ends in one way, and
 * after it has ended, or an alias has been closed, nothing of it enters the mailbox.
 */
#include "tests/explore/inside.h"

static cop_pid server;

static void answers(void)
{
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(note));
                cop_answer(message, note, .n = cop_read(note, message)->n + 1);
        }
}

/* Defers: another answers for it. */
static void answers_late(void)
{
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(note));
                int64_t n = cop_read(note, message)->n;
                cop_caller caller = cop_caller_of(message);
                cop_yield();
                cop_reply_to(caller, note, .n = n + 1);
        }
}

/* What was sent here before its answer has come, too: it is from the same actor. */
static void settle(void)
{
        cop_message *reply;
        EXPLORE_ASSERT(cop_call(&reply, server, COP_FOREVER, note, .n = 100) == COP_OK);
        EXPLORE_ASSERT(cop_read(note, reply)->n == 101);
        cop_message_free(reply);
}

static void call_in_vain(void)
{
        cop_message *reply;
        for (unsigned i = 0; i < 3; i++) {
                cop_status status = cop_call(&reply, server, i == 2 ? 1 : 0, note, .n = i);
                EXPLORE_ASSERT(status == COP_OK || status == COP_E_TIMEOUT);
                if (status == COP_OK) {
                        EXPLORE_ASSERT(cop_read(note, reply)->n == i + 1);
                        cop_message_free(reply);
                }
        }
        settle();
        inside_nothing_has_come();
}

IN_NODE(a_late_reply_enters_no_mailbox)
{
        server = cop_spawn(answers);
        call_in_vain();
}

IN_NODE(a_late_reply_of_another_turn_enters_no_mailbox)
{
        server = cop_spawn(answers_late);
        call_in_vain();
}

static void ends_the_server(void)
{
        inside_end(server, "stop");
}

IN_NODE(a_call_and_the_death_of_its_callee_end_once)
{
        cop_message *reply;
        server = cop_spawn(answers_late);
        unsigned killer = inside_visitor(ends_the_server);
        cop_status status = cop_call(&reply, server, COP_FOREVER, note, .n = 1);
        EXPLORE_ASSERT(status == COP_OK || status == COP_E_DIED || status == COP_E_NO_ACTOR);
        if (status == COP_OK)
                cop_message_free(reply);
        explore_join(killer);
        EXPLORE_ASSERT(cop_node_await_quiet(inside, COP_FOREVER) == COP_OK);
        inside_nothing_has_come();
}

static cop_alias way;

static void sends_through_the_alias(void)
{
        for (int64_t i = 0; i < 3; i++)
                EXPLORE_ASSERT(cop_send(way, note, .n = i) == COP_OK);
}

IN_NODE(nothing_comes_through_an_alias_that_is_closed)
{
        cop_message *message;
        EXPLORE_ASSERT(cop_alias_open(COP_ALIAS_EXPLICIT, &way) == COP_OK);
        unsigned sender = inside_visitor(sends_through_the_alias);
        cop_message_free(inside_await(COP_KIND(note)));
        EXPLORE_ASSERT(cop_alias_close(way));
        while ((message = cop_receive(0, COP_ANY)) != NULL)
                cop_message_free(message); /* they had arrived before */
        explore_join(sender);
        EXPLORE_ASSERT(cop_node_await_quiet(inside, COP_FOREVER) == COP_OK);
        inside_nothing_has_come();
}
