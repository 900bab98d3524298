/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Aliases: what comes through them while they are open, and nothing after; and messages that overtake. */
#include <stdio.h>
#include <string.h>

#include <coppice/alias.h>

#include "tests/node_fixture.h"

typedef struct note {
        int64_t number;
} note;
COP_MESSAGE(note, number);

enum act {
        SEND = 1,   /* note `number` through the alias */
        ANSWER,     /* the same, as a reply */
        CLOSE,      /* the alias, which is not its own; tells as note 0 or 1 */
        DIE,
};

/* What the other actor is to do with an alias that it is given. */
typedef struct errand {
        int64_t act, number;
        cop_alias alias;
} errand;
COP_MESSAGE(errand, act, number, COP_NESTED(cop_alias, alias));

typedef struct done {
        int64_t value;
} done;
COP_MESSAGE(done, value);

typedef struct other {
        int64_t errands;
} other;

static void other_on_errand(other *self, const errand *e)
{
        int64_t value = 0;
        self->errands++;
        switch (e->act) {
        case SEND:
                value = cop_send(e->alias, note, .number = e->number);
                break;
        case ANSWER:
                value = cop_reply_to(e->alias, note, .number = e->number);
                break;
        case CLOSE:
                value = cop_alias_close(e->alias);
                break;
        default:
                cop_exit(cop_atom("told_to"));
        }
        cop_reply(done, .value = value);
}

COP_SERVER(other, COP_ON(errand, other_on_errand));

static cop_pid new_other(void)
{
        return cop_spawn_server(&other_server, NULL);
}

/* When it returns, what the other has sent is here. */
static int64_t ask_errand(cop_pid pid, int64_t act, cop_alias alias, int64_t number)
{
        cop_auto reply = NULL;
        ck_assert_int_eq(cop_call(&reply, pid, PATIENCE_MS, errand, .act = act, .alias = alias,
                                  .number = number), COP_OK);
        return cop_read(done, reply)->value;
}

static cop_alias open_alias(uint32_t mode)
{
        cop_alias alias;
        ck_assert_int_eq(cop_alias_open(mode, &alias), COP_OK);
        ck_assert(cop_pid_equal(alias.pid, cop_self()));
        return alias;
}

static void expect_note(int64_t number, cop_pid from)
{
        cop_auto message = await(COP_KIND(note));
        ck_assert_int_eq(cop_read(note, message)->number, number);
        ck_assert(cop_pid_equal(cop_message_from(message), from));
}

static uint64_t dead_letters(cop_node *node)
{
        struct cop__totals totals;
        cop__totals(node, &totals);
        return totals.dead_letters;
}

/* ---- Open and closed --------------------------------------------------------------- */

IN_NODE(ALI_01_what_comes_before_the_end_arrives_and_what_comes_after_is_dropped)
{
        cop_pid p = new_other();
        cop_alias alias = open_alias(COP_ALIAS_EXPLICIT);
        uint64_t before = dead_letters(node);
        ck_assert_int_eq(ask_errand(p, SEND, alias, 1), COP_OK);
        ck_assert_int_eq(ask_errand(p, ANSWER, alias, 2), COP_OK);
        expect_note(1, p);
        expect_note(2, p);
        ck_assert(cop_alias_close(alias));
        ck_assert_int_eq(ask_errand(p, SEND, alias, 3), COP_OK);
        ck_assert_int_eq(ask_errand(p, ANSWER, alias, 4), COP_OK);
        nothing_has_come();
        ck_assert_uint_eq(dead_letters(node), before + 2);
        put_down(p);
}

IN_NODE(ALI_02_only_the_first_end_is_true_and_what_is_no_alias_has_none)
{
        cop_alias alias = open_alias(COP_ALIAS_EXPLICIT);
        ck_assert(cop_alias_close(alias));
        ck_assert(!cop_alias_close(alias));
        ck_assert(!cop_alias_close((cop_alias){ cop_self(), cop_ref_new() }));
        ck_assert(!cop_alias_close((cop_alias){ cop_self(), { 0 } }));
        ck_assert(!cop_alias_close((cop_alias){ { 0 }, { 0 } }));
}

/* Its pid was left out where it was typed, say. */
IN_NODE(an_alias_of_nobody_is_nobody_whatever_its_reference_is)
{
        const cop_alias nobody = { cop_no_pid(), { 7 } };
        cop_pid p = new_other();
        cop_ref ref = { 7 };
        cop_request request = { { 7 } };
        uint64_t before = dead_letters(node);
        ck_assert_int_eq(ask_errand(p, SEND, nobody, 1), COP_OK);
        ck_assert_int_eq(cop_send_priority(nobody, note, .number = 2), COP_OK);
        ck_assert_int_eq(cop_send_term(nobody, cop_int(3)), COP_OK);
        ck_assert_uint_eq(dead_letters(node), before + 3);
        ck_assert_int_eq(ask_errand(p, ANSWER, nobody, 4), COP_E_NO_CALLER);
        ck_assert_int_eq(cop_call(NULL, nobody, PATIENCE_MS, note, .number = 5), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_request_send(&request, nobody, note, .number = 6), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_send_after(&ref, 1, nobody, note, .number = 7), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_exit_after(&ref, 1, nobody, cop_atom("late")), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_monitor(nobody, &ref), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_send_exit_priority(nobody, cop_atom("stop")), COP_E_BAD_ARGUMENT);
        ck_assert(!cop_alias_close(nobody));
        ck_assert_uint_eq(ref.bits, 7);
        ck_assert_uint_eq(request.ref.bits, 7);
        put_down(p);
}

IN_NODE(ALI_04_a_message_that_has_arrived_stays_after_deactivation)
{
        cop_alias alias = open_alias(COP_ALIAS_EXPLICIT);
        ck_assert_int_eq(cop_send(alias, note, .number = 1), COP_OK);
        cop_message_free(cop_receive(0, COP_KIND(done))); /* takes in what has arrived */
        ck_assert(cop_alias_close(alias));
        ck_assert_int_eq(cop_send(alias, note, .number = 2), COP_OK);
        expect_note(1, cop_self());
        nothing_has_come();
}

IN_NODE(ALI_06_another_cannot_end_it)
{
        cop_pid p = new_other();
        cop_alias alias = open_alias(COP_ALIAS_EXPLICIT);
        ck_assert_int_eq(ask_errand(p, CLOSE, alias, 0), false);
        ask_errand(p, SEND, alias, 7);
        expect_note(7, p);
        ck_assert(cop_alias_close(alias));
        put_down(p);
}

static void opens_and_tells(void)
{
        cop_alias alias;
        if (cop_alias_open(COP_ALIAS_EXPLICIT, &alias) != COP_OK)
                cop_exit(cop_atom("no_alias"));
        cop_send(cop_parent(), errand, .alias = alias);
        cop_sleep(COP_FOREVER);
}

IN_NODE(ALI_07_an_alias_of_the_dead_drops_what_comes)
{
        for (int i = 0; i < 100; i++) {
                cop_pid p = cop_spawn(opens_and_tells);
                cop_auto message = await(COP_KIND(errand));
                cop_alias alias = cop_read(errand, message)->alias;
                ck_assert(cop_pid_equal(alias.pid, p));
                uint64_t before = dead_letters(node);
                put_down(p);
                ck_assert_int_eq(cop_send(alias, note, .number = i), COP_OK);
                ck_assert_int_eq(cop_send_priority(alias, note, .number = i), COP_OK);
                await_true(dead_letters(node) == before + 2);
        }
        nothing_has_come();
}

IN_NODE(an_alias_that_is_for_a_reply_ends_with_the_first_message)
{
        cop_alias alias = open_alias(COP_ALIAS_REPLY);
        cop_send(alias, note, .number = 1);
        cop_send(alias, note, .number = 2);
        expect_note(1, cop_self());
        nothing_has_come();
        ck_assert(!cop_alias_close(alias));
}

IN_NODE(a_bad_mode_opens_nothing)
{
        cop_alias alias = { { 7 }, { 7 } };
        static const uint32_t bad[] = { 0, COP_ALIAS_PRIORITY, COP_ALIAS_DEMONITOR,
                                        COP_ALIAS_REPLY_DEMONITOR,
                                        COP_ALIAS_EXPLICIT | COP_ALIAS_REPLY, 32 };
        for (size_t i = 0; i < COP__COUNT(bad); i++)
                ck_assert_int_eq(cop_alias_open(bad[i], &alias), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_alias_open(COP_ALIAS_REPLY, NULL), COP_E_BAD_ARGUMENT);
        ck_assert_uint_eq(alias.ref.bits, 7);
        ck_assert_uint_eq(cop__actor_here()->relation_count, 0);
}

TEST(outside_a_node_there_are_no_aliases)
{
        cop_alias alias = { { 7 }, { 7 } };
        ck_assert_int_eq(cop_alias_open(COP_ALIAS_REPLY, &alias), COP_E_NO_NODE);
        ck_assert(!cop_alias_close(alias));
        ck_assert_int_eq(cop_send(alias, note), COP_E_NO_NODE);
        ck_assert_int_eq(cop_send_priority(alias, note), COP_E_NO_NODE);
        ck_assert_int_eq(cop_send_exit_priority(alias, cop_nil()), COP_E_NO_NODE);
        ck_assert_int_eq(cop_link_priority(alias.pid), COP_E_NO_NODE);
}

IN_NODE(each_of_a_thousand_is_found_again)
{
        enum { COUNT = 1000 };
        static cop_alias aliases[COUNT];
        for (int i = 0; i < COUNT; i++)
                aliases[i] = open_alias(COP_ALIAS_EXPLICIT);
        for (int i = 0; i < COUNT; i += 2)
                ck_assert(cop_alias_close(aliases[i]));
        for (int i = 0; i < COUNT; i++)
                cop_send(aliases[i], note, .number = i);
        for (int i = 1; i < COUNT; i += 2)
                expect_note(i, cop_self());
        nothing_has_come();
        for (int i = 0; i < COUNT; i++)
                ck_assert_int_eq(cop_alias_close(aliases[i]), i % 2);
        ck_assert_uint_eq(cop__actor_here()->relation_count, 0);
}

IN_NODE(aliases_that_nobody_closed_end_with_their_owner)
{
        int64_t before = blocks_in_use(node);
        for (int i = 0; i < 200; i++) {
                put_down(cop_spawn(opens_and_tells));
                cop_message_free(cop_receive(0, COP_KIND(errand)));
        }
        cop_message_free(cop_receive(0, COP_KIND(errand)));
        await_true(blocks_in_use(node) <= before + 2);
}

/* ---- Where an alias may stand ---------------------------------------------------------- */

IN_NODE(an_alias_is_a_message_that_is_printed_and_read_back)
{
        char text[128], pid[COP_ID_TEXT_MAX], ref[COP_ID_TEXT_MAX], expected[128];
        cop_alias alias = open_alias(COP_ALIAS_EXPLICIT);
        cop_term term;
        ck_assert_int_eq(cop__kind_to_term(COP_KIND_OF(cop_alias), &alias, &term), COP_OK);
        cop_term_print(term, cop_node_kinds(node), text, sizeof(text));
        snprintf(expected, sizeof(expected), "#cop_alias{pid = %s, ref = %s}",
                 cop_pid_print(alias.pid, pid), cop_ref_print(alias.ref, ref));
        ck_assert_str_eq(text, expected);
        const cop_kind *kind;
        void *value;
        ck_assert_int_eq(cop__message_of_term(cop_node_kinds(node), term, COP__FROM_TERM, COP_MESSAGE_SIZE_MAX, &kind, &value,
                                              NULL), COP_OK);
        ck_assert(kind == COP_KIND_OF(cop_alias));
        ck_assert_int_eq(memcmp(value, &alias, sizeof(alias)), 0);
        free(value);
        cop_term_free(term);
}

IN_NODE(terms_and_timers_go_through_an_alias_too)
{
        cop_alias alias = open_alias(COP_ALIAS_EXPLICIT);
        cop_term term = COP_TUPLE(cop_atom("note"), cop_int(5));
        ck_assert_int_eq(cop_send_term(alias, term), COP_OK);
        expect_note(5, cop_self());
        ck_assert_int_eq(cop_send_after(NULL, 0, alias, note, .number = 6), COP_OK);
        expect_note(6, cop_self());
        uint64_t before = dead_letters(node);
        ck_assert(cop_alias_close(alias));
        cop_send_term(alias, term);
        nothing_has_come();
        ck_assert_int_eq(cop_send_after(NULL, 0, alias, note, .number = 6), COP_OK);
        await_true((cop_message_free(cop_receive(0, COP_KIND(note))),
                    dead_letters(node) == before + 2));
        nothing_has_come();
}

/* ALI-17: nor can it be given a name, which does not compile: refuse/alias_as_pid.c. */
IN_NODE(an_alias_cannot_be_called_or_monitored)
{
        cop_alias alias = open_alias(COP_ALIAS_EXPLICIT);
        cop_ref ref = { 7 };
        ck_assert_int_eq(cop_call(NULL, alias, COP_FOREVER, note), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_monitor(alias, &ref), COP_E_BAD_ARGUMENT);
        ck_assert_uint_eq(ref.bits, 7);
}

/* Who waits for a reply is an alias that the call opened: sending to it answers the call. */
static void sends_to_its_caller(void)
{
        cop_auto message = cop_receive(COP_FOREVER, COP_KIND(note));
        cop_caller caller = cop_caller_of(message);
        cop_send(caller, note, .number = 1);
        cop_send(caller, note, .number = 2);
        cop_sleep(COP_FOREVER);
}

IN_NODE(sending_to_a_caller_is_replying)
{
        cop_pid p = cop_spawn(sends_to_its_caller);
        cop_auto reply = NULL;
        ck_assert_int_eq(cop_call(&reply, p, PATIENCE_MS, note), COP_OK);
        ck_assert_int_eq(cop_read(note, reply)->number, 1);
        settle_with(p);
        nothing_has_come();
        put_down(p);
}

IN_NODE(an_alias_without_a_reference_is_the_pid)
{
        cop_alias alias = { cop_self(), { 0 } };
        cop_send(alias, note, .number = 1);
        cop_reply_to(alias, note, .number = 2);
        cop_send_priority(alias, note, .number = 3);
        for (int64_t i = 1; i <= 3; i++)
                expect_note(i, cop_self());
}

static void sends_three_ways(const errand *e)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(done)));
        for (int64_t i = 0; i < e->number; i += 3) {
                cop_send(e->alias.pid, note, .number = i);
                cop_send("one", note, .number = i + 1);
                cop_send(e->alias, note, .number = i + 2);
        }
}

IN_NODE(ALI_16_order_holds_between_pid_name_and_alias)
{
        enum { COUNT = 3000 };
        cop_alias alias = open_alias(COP_ALIAS_EXPLICIT);
        ck_assert_int_eq(cop_register("one", cop_self()), COP_OK);
        cop_pid p = cop_spawn_with(sends_three_ways, errand, .alias = alias, .number = COUNT);
        cop_send(p, done);
        for (int64_t i = 0; i < COUNT; i++) {
                cop_auto message = await(COP_ANY);
                ck_assert_int_eq(cop_read(note, message)->number, i);
        }
}

/* ---- Monitors with an alias ------------------------------------------------------------- */

static cop_alias monitor_with(cop_pid pid, uint32_t mode)
{
        cop_ref ref;
        ck_assert_int_eq(cop_monitor_opt(pid, &(cop_monitor_options){ .alias = mode }, &ref),
                         COP_OK);
        return cop_alias_of(ref);
}

static bool lets_in(cop_alias alias)
{
        cop_send(alias, note, .number = 1);
        cop_auto message = cop_receive(0, COP_KIND(note));
        return message != NULL;
}

static cop_alias down_with(uint32_t mode)
{
        cop_pid p = new_other();
        cop_alias alias = monitor_with(p, mode);
        ck_assert(lets_in(alias) || mode == COP_ALIAS_REPLY_DEMONITOR);
        cop_send(p, errand, .act = DIE);
        await_down(alias.ref, "told_to");
        return alias;
}

IN_NODE(ALI_08_an_explicit_alias_outlives_the_down)
{
        cop_alias alias = down_with(COP_ALIAS_EXPLICIT);
        ck_assert(lets_in(alias));
        ck_assert(cop_alias_close(alias));
        ck_assert(!lets_in(alias));
}

IN_NODE(ALI_09_a_demonitor_alias_ends_with_the_down)
{
        cop_alias alias = down_with(COP_ALIAS_DEMONITOR);
        ck_assert(!lets_in(alias));
        ck_assert(!cop_alias_close(alias));
        ck_assert_uint_eq(cop__actor_here()->relation_count, 0);
}

IN_NODE(the_noproc_of_one_that_is_dead_ends_a_demonitor_alias)
{
        cop_pid p = new_other();
        put_down(p);
        await_true(cop__info(p, PATIENCE_MS, &(cop_term){ 0 }) == COP_E_NO_ACTOR);
        cop_alias alias = monitor_with(p, COP_ALIAS_DEMONITOR);
        await_down(alias.ref, "noproc");
        ck_assert(!lets_in(alias));
}

IN_NODE(ALI_10_demonitor_ends_a_demonitor_alias_and_the_monitor)
{
        cop_pid p = new_other();
        cop_alias alias = monitor_with(p, COP_ALIAS_DEMONITOR);
        cop_ref end = watch(p);
        ck_assert(lets_in(alias) && lets_in(alias));
        ck_assert(cop_demonitor(alias.ref));
        ck_assert(!lets_in(alias));
        cop_send(p, errand, .act = DIE);
        await_down(end, "told_to"); /* was sent after the one that must not come */
        nothing_has_come();
}

IN_NODE(ALI_12_an_explicit_alias_outlives_demonitor)
{
        cop_pid p = new_other();
        cop_alias alias = monitor_with(p, COP_ALIAS_EXPLICIT);
        cop_ref end = watch(p);
        ck_assert(cop_demonitor(alias.ref));
        ck_assert(lets_in(alias));
        cop_send(p, errand, .act = DIE);
        await_down(end, "told_to");
        nothing_has_come();
        ck_assert(lets_in(alias));
        ck_assert(cop_alias_close(alias));
}

IN_NODE(ALI_13_after_demonitor_with_flush_nothing_comes_through_a_reply_demonitor_alias)
{
        cop_pid p = new_other();
        for (int64_t i = 0; i < 200; i++) {
                cop_alias alias = monitor_with(p, COP_ALIAS_REPLY_DEMONITOR);
                ck_assert(cop_demonitor_flush(alias.ref));
                ck_assert_int_eq(ask_errand(p, i % 2 == 0 ? SEND : ANSWER, alias, i), COP_OK);
                nothing_has_come();
        }
        ck_assert_uint_eq(cop__actor_here()->relation_count, 0);
        put_down(p);
}

IN_NODE(the_first_message_ends_a_reply_demonitor_alias_and_the_monitor)
{
        cop_pid p = new_other();
        cop_alias alias = monitor_with(p, COP_ALIAS_REPLY_DEMONITOR);
        cop_ref end = watch(p);
        ask_errand(p, ANSWER, alias, 1);
        expect_note(1, p);
        ck_assert(!lets_in(alias));
        ck_assert(!cop_demonitor(alias.ref));
        cop_send(p, errand, .act = DIE);
        await_down(end, "told_to");
        nothing_has_come();
        alias = monitor_with(p, COP_ALIAS_REPLY_DEMONITOR);
        await_down(alias.ref, "noproc"); /* and the other way round */
        ck_assert(!lets_in(alias));
        ck_assert_uint_eq(cop__actor_here()->relation_count, 0);
}

IN_NODE(a_monitors_reply_alias_ends_alone)
{
        cop_pid p = new_other();
        cop_alias alias = monitor_with(p, COP_ALIAS_REPLY);
        ck_assert(lets_in(alias));
        ck_assert(!lets_in(alias));
        cop_send(p, errand, .act = DIE);
        await_down(alias.ref, "told_to");
}

IN_NODE(closing_a_monitors_alias_leaves_the_monitor)
{
        cop_pid p = new_other();
        cop_alias alias = monitor_with(p, COP_ALIAS_DEMONITOR);
        ck_assert(cop_alias_close(alias));
        ck_assert(!lets_in(alias));
        cop_send(p, errand, .act = DIE);
        await_down(alias.ref, "told_to");
}

IN_NODE(ALI_18_to_demonitor_an_alias_that_has_no_monitor_is_harmless)
{
        cop_alias alias = open_alias(COP_ALIAS_EXPLICIT);
        ck_assert(!cop_demonitor(alias.ref));
        ck_assert(!cop_demonitor_flush(alias.ref));
        ck_assert(lets_in(alias));
}

/* ---- Priority ------------------------------------------------------------------------------ */

static void send_notes(cop_alias alias, bool priority, int64_t from, int64_t to)
{
        for (int64_t i = from; i <= to; i++)
                ck_assert_int_eq(priority ? cop_send_priority(alias, note, .number = i)
                                          : cop_send(alias, note, .number = i), COP_OK);
}

static void expect_notes(int64_t from, int64_t to)
{
        for (int64_t i = from; i <= to; i++)
                expect_note(i, cop_self());
}

IN_NODE(a_priority_message_goes_before_ordinary_mail_and_behind_older_priority_mail)
{
        cop_alias alias = open_alias(COP_ALIAS_EXPLICIT | COP_ALIAS_PRIORITY);
        send_notes(alias, false, 101, 150);
        send_notes(alias, true, 1, 3);
        expect_notes(1, 1);
        send_notes(alias, false, 151, 160);
        send_notes(alias, true, 4, 6);
        expect_notes(2, 6);
        send_notes(alias, true, 7, 7);
        expect_notes(7, 7);
        expect_notes(101, 110);
        send_notes(alias, true, 8, 9);
        expect_notes(8, 9);
        expect_notes(111, 160);
        nothing_has_come();
}

IN_NODE(without_consent_a_priority_message_is_an_ordinary_one)
{
        cop_alias alias = open_alias(COP_ALIAS_EXPLICIT);
        cop_alias consenting = open_alias(COP_ALIAS_EXPLICIT | COP_ALIAS_PRIORITY);
        send_notes(alias, false, 1, 5);
        send_notes(alias, true, 6, 6);
        cop_send_priority(cop_self(), note, .number = 7);
        ck_assert_int_eq(cop_register("one", cop_self()), COP_OK);
        ck_assert_int_eq(cop_send_priority("one", note, .number = 8), COP_OK);
        ck_assert_int_eq(cop_send_priority("nobody", note, .number = 8), COP_E_NO_NAME);
        send_notes(consenting, true, 0, 0);
        expect_notes(0, 8);
}

IN_NODE(a_selective_receive_sees_priority_messages_first)
{
        cop_alias alias = open_alias(COP_ALIAS_EXPLICIT | COP_ALIAS_PRIORITY);
        cop_send(cop_self(), done, .value = 1);
        send_notes(alias, false, 2, 2);
        cop_send(cop_self(), done, .value = 3);
        cop_send_priority(alias, done, .value = 4);
        send_notes(alias, true, 1, 1);
        cop_send_priority(alias, done, .value = 5);
        expect_notes(1, 2);
        static const int64_t order[] = { 4, 5, 1, 3 };
        for (size_t i = 0; i < COP__COUNT(order); i++) {
                cop_auto message = await(COP_KIND(done));
                ck_assert_int_eq(cop_read(done, message)->value, order[i]);
        }
}

static void sends_when_told(const errand *e)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(done)));
        cop_send_priority(e->alias, note, .number = 1);
        cop_send_priority(e->alias, note, .number = 2);
        cop_send(e->alias, done);
}

static bool is_two(const note *n, const int64_t *two)
{
        return n->number == *two;
}

/* It is searched already when they come in front. */
IN_NODE(a_search_that_waits_sees_what_has_overtaken_it)
{
        const int64_t two = 2;
        for (int i = 0; i < 200; i++) {
                cop_alias alias = open_alias(COP_ALIAS_EXPLICIT | COP_ALIAS_PRIORITY);
                cop_pid p = cop_spawn_with(sends_when_told, errand, .alias = alias);
                send_notes(alias, false, 10, 30);
                cop_send(p, done);
                cop_auto second = i % 2 == 0 ? await(COP_WHERE(note, is_two, &two))
                                             : await(COP_FIELD(note, number, 2));
                ck_assert_int_eq(cop_read(note, second)->number, 2);
                await_and_drop(COP_KIND(done));
                expect_note(1, p);
                expect_notes(10, 30);
                ck_assert(cop_alias_close(alias));
        }
}

IN_NODE(many_that_overtake_keep_their_order_whoever_is_taken_out_between)
{
        enum { COUNT = 2000 };
        cop_alias alias = open_alias(COP_ALIAS_EXPLICIT | COP_ALIAS_PRIORITY);
        send_notes(alias, false, COUNT + 1, COUNT + 10);
        for (int64_t i = 1; i <= COUNT; i++) {
                send_notes(alias, true, i, i);
                if (i % 2 == 0) /* the last that overtook, and a later one takes its place */
                        await_and_drop(COP_FIELD(note, number, i));
        }
        for (int64_t i = 1; i <= COUNT; i += 2)
                expect_note(i, cop_self());
        expect_notes(COUNT + 1, COUNT + 10);
        nothing_has_come();
}

/* A server's handlers get them in the same order: it is kept busy until all has been sent. */
typedef struct inbox {
        int64_t wrong, ordinary, urgent;
} inbox;

static void inbox_on_errand(inbox *self, const errand *e)
{
        cop_alias alias;
        (void)self;
        (void)e;
        cop_alias_open(COP_ALIAS_EXPLICIT | COP_ALIAS_PRIORITY, &alias);
        cop_send(cop_parent(), errand, .alias = alias);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(done)));
}

/* Ordinary ones are 1, 2, 3 ...; urgent ones -1, -2, -3 ..., and all of them come first. */
static void inbox_on_note(inbox *self, const note *n)
{
        if (n->number < 0)
                self->wrong += n->number != --self->urgent || self->ordinary > 0;
        else
                self->wrong += n->number != ++self->ordinary;
}

static void inbox_on_done(inbox *self, const done *d)
{
        (void)d;
        cop_exit(COP_TUPLE(cop_int(self->wrong), cop_int(self->ordinary), cop_int(self->urgent)));
}

COP_SERVER(inbox, COP_ON(errand, inbox_on_errand), COP_ON(note, inbox_on_note),
           COP_ON(done, inbox_on_done));

IN_NODE(a_server_handles_priority_messages_first)
{
        cop_ref ref = spawn_watched(.server = &inbox_server, .name = "inbox");
        cop_send("inbox", errand);
        cop_auto message = await(COP_KIND(errand));
        cop_alias alias = cop_read(errand, message)->alias;
        for (int64_t i = 1; i <= 2000; i++)
                cop_send(alias, note, .number = i);
        for (int64_t i = 1; i <= 20; i++)
                cop_send_priority(alias, note, .number = -i);
        cop_send(alias, done); /* ends the errand */
        cop_send(alias, done);
        await_down(ref, "{0, 2000, -20}");
}

static void kills_itself(const done *d)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(note)));
        cop_exit(COP_TUPLE(cop_atom("end"), cop_int(d->value)));
}

IN_NODE(a_down_overtakes_if_its_monitor_asked_for_it)
{
        cop_ref plain, urgent, end;
        for (int64_t i = 0; i < 100; i++) {
                cop_pid p = cop_spawn_with(kills_itself, done, .value = i);
                ck_assert_int_eq(cop_monitor(p, &plain), COP_OK);
                ck_assert_int_eq(cop_monitor_opt(p, &(cop_monitor_options){ .priority = true },
                                                 &urgent), COP_OK);
                end = watch(p); /* of the three the last to be told */
                cop_send(cop_self(), done);
                cop_send(p, note);
                await_and_drop(COP_REF(cop_down, end));
                cop_auto first = await(COP_ANY);
                ck_assert_ptr_nonnull(cop_read(cop_down, first));
                ck_assert(cop_ref_equal(cop_read(cop_down, first)->ref, urgent));
                cop_auto second = await(COP_ANY);
                ck_assert_ptr_nonnull(cop_read(done, second));
                cop_auto third = await(COP_ANY);
                ck_assert(cop_ref_equal(cop_read(cop_down, third)->ref, plain));
        }
}

IN_NODE(the_exit_of_a_link_overtakes_if_the_link_asked_for_it)
{
        for (int64_t i = 0; i < 100; i++) {
                cop_pid p = cop_spawn_with(kills_itself, done, .value = i);
                cop_pid q = cop_spawn_with(kills_itself, done, .value = i);
                ck_assert_int_eq(cop_link(p), COP_OK);
                ck_assert_int_eq(cop_link(q), COP_OK);
                ck_assert_int_eq(cop_link_priority(q), COP_OK);
                ck_assert_int_eq(cop_link_priority(cop_self()), COP_OK);
                cop_send(cop_self(), done);
                cop_ref ends[] = { watch(p), watch(q) };
                cop_send(p, note);
                await_and_drop(COP_REF(cop_down, ends[0]));
                cop_send(q, note);
                await_and_drop(COP_REF(cop_down, ends[1]));
                cop_auto first = await(COP_ANY);
                ck_assert_ptr_nonnull(cop_read(cop_exited, first));
                ck_assert(cop_pid_equal(cop_read(cop_exited, first)->pid, q));
                await_and_drop(COP_KIND(done));
                await_and_drop(COP_FIELD(cop_exited, pid, p));
        }
        ck_assert_int_eq(cop_link_priority(cop_no_pid()), COP_E_BAD_ARGUMENT);
}

IN_NODE(an_exit_through_an_alias_overtakes_and_comes_only_while_it_is_open)
{
        cop_alias alias = open_alias(COP_ALIAS_REPLY | COP_ALIAS_PRIORITY);
        cop_alias plain = open_alias(COP_ALIAS_EXPLICIT);
        cop_send(cop_self(), done);
        ck_assert_int_eq(cop_send_exit_priority(plain, cop_atom("late")), COP_OK);
        ck_assert_int_eq(cop_send_exit_priority(alias, cop_atom("soon")), COP_OK);
        cop_auto first = await(COP_ANY);
        ck_assert_str_eq(text_of(cop_read(cop_exited, first)->reason), "soon");
        await_and_drop(COP_KIND(done));
        await_exited(cop_self(), "late");
        ck_assert(cop_alias_close(alias));
        ck_assert_int_eq(cop_send_exit_priority(alias, cop_atom("never")), COP_OK);
        nothing_has_come();

        cop_ref ref = spawn_watched(.run = opens_and_tells);
        cop_auto message = await(COP_KIND(errand));
        ck_assert_int_eq(cop_send_exit_priority(cop_read(errand, message)->alias,
                                                cop_atom("stop")), COP_OK);
        await_down(ref, "stop");
}

/* Everything at once, over many turns: what has overtaken and is not read ends with its reader. */
static void floods(const errand *e)
{
        for (int64_t i = 0; i < e->number; i++) {
                cop_send(e->alias, note, .number = i);
                cop_send_priority(e->alias, done, .value = i);
        }
}

static void reads_some(const done *d)
{
        cop_alias alias;
        int64_t urgent = 0, wrong = 0;
        cop_alias_open(COP_ALIAS_EXPLICIT | COP_ALIAS_PRIORITY, &alias);
        cop_spawn_with(floods, errand, .alias = alias, .number = 2 * d->value);
        while (urgent < d->value) {
                cop_auto message = cop_receive(COP_FOREVER, COP_ANY);
                if (cop_read(done, message) != NULL)
                        wrong += cop_read(done, message)->value != urgent++;
        }
        cop_exit(cop_int(wrong));
}

IN_NODE(a_reader_that_ends_amid_priority_messages_leaves_nothing)
{
        int64_t before = blocks_in_use(node);
        for (int i = 0; i < 20; i++)
                await_down(spawn_watched(RUN_WITH(reads_some, done, .value = 500)), "0");
        await_true(blocks_in_use(node) <= before + 2);
}
