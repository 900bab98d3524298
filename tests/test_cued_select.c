/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Selects for which two things come true at once, of which only one may. */
#include "actors/channel.h"
#include "tests/cue.h"
#include "tests/node_fixture.h"

typedef struct { int64_t number; } item;
COP_MESSAGE(item, number);
COP_CHANNEL(item);
COP_FUTURE(item);

typedef struct { int64_t why; } stop;
COP_MESSAGE(stop, why);

static item_channel open_items(uint32_t capacity)
{
        item_channel channel;
        ck_assert_int_eq(cop_channel_open(&channel, item, capacity), COP_OK);
        return channel;
}

static size_t count_of(item_channel channel)
{
        size_t count = 77;
        ck_assert_int_eq(cop_channel_count(channel, &count), COP_OK);
        return count;
}

/* ---- One who does it while the select is about to look ---------------------------------------- */

typedef struct { cop_pid channel, selects; int64_t puts; } task;
COP_MESSAGE(task, channel, selects, puts);

static uint32_t done; /* atomic */

/* What it asks the channel at last is answered after the channel has answered who selects. */
static void answers_then_stops(const task *t)
{
        item_channel channel = { t->channel };
        cop_auto message = NULL;
        if (t->puts)
                ck_assert_int_eq(cop_put(channel, PATIENCE_MS, item, .number = 5), COP_OK);
        else
                ck_assert_int_eq(cop_take(&message, channel, PATIENCE_MS, item), COP_OK);
        ck_assert_uint_eq(count_of(channel), 0);
        cop_send(t->selects, stop, .why = 3);
        cop__store_seq(&done, 1);
}

static void let_it_be_done(void *order)
{
        const task *t = order;
        cop__store_seq(&done, 0);
        cop_spawn_with(answers_then_stops, task, .channel = t->channel, .selects = t->selects, .puts = t->puts);
        while (!cop__load_seq(&done))
                sched_yield();
}

/* The second of two cases is a message, which comes when what answers the first has come already. */
static void select_with_both(cop_case cases[2], item_channel channel, bool puts)
{
        task t = { channel.pid, cop_self(), puts };
        cue_act("select.has_asked", let_it_be_done, &t);
        ck_assert_int_eq(cop_select_any_of(PATIENCE_MS, cases, 2), 1);
        ck_assert(cue_has_come("select.has_asked"));
        ck_assert_int_eq(cop_read(stop, cases[1].message)->why, 3);
        cop_message_free(cases[1].message);
        nothing_has_come();
}

IN_NODE(an_item_that_comes_as_a_select_ends_with_a_message_is_the_next_of_its_channel)
{
        NEEDS_THREADS();
        item_channel channel = open_items(2);
        cop_case cases[] = { COP_CASE_TAKE(channel, item), COP_CASE_RECEIVE(COP_KIND(stop)) };
        select_with_both(cases, channel, true);
        cop_auto message = NULL;
        ck_assert_int_eq(cop_take(&message, channel, PATIENCE_MS, item), COP_OK);
        ck_assert_int_eq(cop_read(item, message)->number, 5);
        ck_assert_uint_eq(count_of(channel), 0);
}

IN_NODE(a_place_that_is_granted_as_a_select_ends_with_a_message_is_free_again)
{
        NEEDS_THREADS();
        item_channel channel = open_items(1);
        ck_assert_int_eq(cop_put(channel, PATIENCE_MS, item, .number = 1), COP_OK);
        cop_case cases[] = { COP_CASE_PUT(channel, item, .number = 2), COP_CASE_RECEIVE(COP_KIND(stop)) };
        select_with_both(cases, channel, false);
        ck_assert_uint_eq(count_of(channel), 0);
        ck_assert_int_eq(cop_put(channel, PATIENCE_MS, item, .number = 3), COP_OK); /* else it would wait in vain */
        ck_assert_uint_eq(count_of(channel), 1);
}

static void closes(void *channel)
{
        ck_assert_int_eq(cop_channel_close(*(const item_channel *)channel), COP_OK);
}

/* It is full at the first look, and closed when it is asked for a place. What is in it is still to be taken. */
IN_NODE(a_channel_that_closes_as_a_select_begins_to_wait_refuses_its_put)
{
        item_channel channel = open_items(1);
        ck_assert_int_eq(cop_put(channel, PATIENCE_MS, item, .number = 1), COP_OK);
        cop_case cases[] = { COP_CASE_PUT(channel, item, .number = 2), COP_CASE_RECEIVE(COP_KIND(stop)) };
        cue_act("select.has_tried", closes, &channel);
        ck_assert_int_eq(cop_select(PATIENCE_MS, cases), 0);
        ck_assert(cue_has_come("select.has_tried"));
        ck_assert_int_eq(cases[0].status, COP_E_CLOSED);
        cop_auto first = NULL;
        cop_auto second = NULL;
        ck_assert_int_eq(cop_take(&first, channel, PATIENCE_MS, item), COP_OK);
        ck_assert_int_eq(cop_take(&second, channel, PATIENCE_MS, item), COP_E_CLOSED);
}

/* ---- Who puts its answer off ------------------------------------------------------------------ */

static uint32_t deferred; /* atomic: how many have put it off */

/* There is nothing yet, it says to the first look. Who waits then is answered when another has put its answer off, too. */
static void defers(const task *t)
{
        cop_auto look = cop_receive(COP_FOREVER, COP_ANY);
        cop_answer(look, cop__answer, .status = COP_E_TIMEOUT);
        cop_auto request = cop_receive(COP_FOREVER, COP_KIND(cop__channel_take));
        cop_caller caller = cop_caller_of(request);
        cop__add_seq(&deferred, 1);
        while (t->puts && cop__load_seq(&deferred) < 2)
                cop_yield();
        if (t->puts)
                cop_reply_to(caller, item, .number = 1);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(stop)));
}

/* They are no channels, so each of them is watched for the answer that it owes. */
IN_NODE(a_select_over_two_that_have_put_their_answers_off_watches_neither_after_the_first_answer)
{
        item_channel answers = { cop_spawn_with(defers, task, .puts = 1) };
        item_channel owes = { cop_spawn_with(defers, task, .puts = 0) };
        cop_case cases[] = { COP_CASE_TAKE(answers, item), COP_CASE_TAKE(owes, item) };
        cop__store_seq(&deferred, 0);
        ck_assert_int_eq(cop_select(PATIENCE_MS, cases), 0);
        ck_assert_uint_eq(cop__load_seq(&deferred), 2);
        ck_assert_uint_eq(cop__actor_here()->relation_count, 0);
        put_down(owes.pid);
        put_down(answers.pid);
        nothing_has_come();
}

/* ---- Who would do either ------------------------------------------------------------------------- */

static void puts_or_takes(const task *t)
{
        item_channel channel = { t->channel };
        cop_case cases[] = { COP_CASE_TAKE(channel, item), COP_CASE_PUT(channel, item, .number = 6) };
        cop_send(t->selects, stop, .why = cop_select(COP_FOREVER, cases));
        if (cases[0].message != NULL)
                cop_message_free(cases[0].message);
}

static void takes(const task *t)
{
        item_channel channel = { t->channel };
        cop_auto message = NULL;
        if (cop_take(&message, channel, COP_FOREVER, item) == COP_OK)
                cop_send(t->selects, item, .number = cop_read(item, message)->number);
}

/* It has a place, and has not used it yet: it takes nothing any more, and so is no room for another. */
IN_NODE(a_select_that_has_been_granted_a_place_is_no_taker_any_more)
{
        NEEDS_THREADS();
        item_channel channel = open_items(0);
        cue_hold("select.has_asked");
        cop_spawn_with(puts_or_takes, task, .channel = channel.pid, .selects = cop_self());
        cue_await("select.has_asked");
        cop_pid taker = cop_spawn_with(takes, task, .channel = channel.pid, .selects = cop_self());
        await_true(is_waiting(node, taker));
        ck_assert_uint_eq(count_of(channel), 0);
        ck_assert_int_eq(cop_put(channel, 0, item, .number = 7), COP_E_TIMEOUT);
        cue_go("select.has_asked");
        cop_auto said = await(COP_KIND(stop));
        ck_assert_int_eq(cop_read(stop, said)->why, 1);
        cop_auto got = await(COP_KIND(item));
        ck_assert_int_eq(cop_read(item, got)->number, 6);
}
