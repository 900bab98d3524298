/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Dead letters: each is counted, some are kept and told of, and no flood of them hurts anybody. */
#include "actors/dead_letter.h"

#include <string.h>

#include "tests/node_fixture.h"

typedef struct letter {
        int64_t number;
} letter;
COP_MESSAGE(letter, number);

typedef struct scroll {
        cop_text text;
} scroll;
COP_MESSAGE(scroll, text);

typedef struct go {
        int64_t count;
} go;
COP_MESSAGE(go, count);

static void waits(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
}

static cop_pid the_dead(void)
{
        cop_pid pid = cop_spawn(waits);
        put_down(pid);
        return pid;
}

static void expect_letter(cop_pid from, cop_pid to, const char *reason, const char *text)
{
        cop_auto message = await(COP_KIND(cop_dead_letter));
        const cop_dead_letter *told = cop_read(cop_dead_letter, message);
        ck_assert_str_eq(told->reason.text, reason);
        ck_assert_str_eq(told->text.data, text);
        ck_assert(cop_pid_equal(told->from, from));
        ck_assert(cop_pid_equal(told->to, to));
}

IN_NODE(OPT_11_a_subscriber_is_told_who_sent_what_to_whom_and_why_nobody_read_it)
{
        cop_pid dead = the_dead();
        ck_assert_int_eq(cop_dead_letters_subscribe(), COP_OK);
        ck_assert_int_eq(cop_dead_letters_subscribe(), COP_OK);
        cop_send(dead, letter, .number = 7);
        expect_letter(cop_self(), dead, "no_actor", "#letter{number = 7}");
        cop_send(cop_no_pid(), letter, .number = 8);
        expect_letter(cop_self(), cop_no_pid(), "no_actor", "#letter{number = 8}");
        nothing_has_come();
        cop_dead_letters_unsubscribe();
        cop_send(dead, letter, .number = 9);
        nothing_has_come();
        struct cop__letter kept;
        ck_assert(cop__letter_get(node, 0, &kept));
        ck_assert_str_eq(kept.text, "#letter{number = 9}");
        ck_assert_str_eq(kept.kind, "letter");
        ck_assert_uint_eq(kept.number, 3);
        ck_assert(cop__letter_get(node, 1, &kept));
        ck_assert_str_eq(kept.text, "#letter{number = 7}");
        ck_assert(!cop__letter_get(node, 4, &kept));
}

IN_NODE(OPT_11_what_an_actor_had_not_read_when_it_died_is_told_of)
{
        cop_pid pid = cop_spawn(waits);
        ck_assert_int_eq(cop_dead_letters_subscribe(), COP_OK);
        cop_send(pid, letter, .number = 1);
        cop_send(pid, letter, .number = 2);
        settle_with(pid); /* in its mailbox */
        uint64_t before = cop_dead_letter_count(node);
        cop_send(pid, go);
        expect_letter(cop_self(), pid, "unread", "#letter{number = 1}");
        expect_letter(cop_self(), pid, "unread", "#letter{number = 2}");
        nothing_has_come();
        ck_assert_uint_eq(cop_dead_letter_count(node) - before, 2);
}

static void answers_late(void)
{
        cop_auto message = cop_receive(COP_FOREVER, COP_KIND(go));
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(letter)));
        cop_answer(message, letter, .number = 5);
}

IN_NODE(what_is_sent_to_a_closed_alias_is_told_of_as_that)
{
        cop_alias alias;
        cop_pid self = cop_self();
        ck_assert_int_eq(cop_dead_letters_subscribe(), COP_OK);
        ck_assert_int_eq(cop_alias_open(COP_ALIAS_EXPLICIT, &alias), COP_OK);
        ck_assert(cop_alias_close(alias));
        cop_send(alias, letter, .number = 6);
        expect_letter(self, self, "closed_alias", "#letter{number = 6}");
        nothing_has_come();
}

IN_NODE(OPT_11_a_reply_that_comes_after_its_call_has_ended_is_told_of)
{
        cop_pid pid = cop_spawn(answers_late);
        ck_assert_int_eq(cop_dead_letters_subscribe(), COP_OK);
        cop_request given_up;
        ck_assert_int_eq(cop_request_send(&given_up, pid, go), COP_OK);
        ck_assert(cop_request_drop(given_up));
        cop_send(pid, letter);
        expect_letter(pid, cop_self(), "late_reply", "#letter{number = 5}");
        nothing_has_come();
}

IN_NODE(a_long_dead_letter_is_cut)
{
        static char text[1000];
        memset(text, 'x', sizeof(text) - 1);
        ck_assert_int_eq(cop_dead_letters_subscribe(), COP_OK);
        cop_send(cop_no_pid(), scroll, .text = cop_text_of(text));
        cop_auto message = await(COP_KIND(cop_dead_letter));
        const cop_dead_letter *told = cop_read(cop_dead_letter, message);
        ck_assert_uint_eq(told->text.size, COP__LETTER_TEXT - 1);
        ck_assert_int_eq(strncmp(told->text.data, "#scroll{text = \"xxx", 19), 0);
}

/* ---- Floods --------------------------------------------------------------------------- */

IN_NODE(OPT_11_of_a_flood_all_are_counted_and_few_are_kept)
{
        const uint64_t flood = suite_is_slow() ? 20000 : 200000;
        cop_pid dead = the_dead();
        uint64_t before = cop_dead_letter_count(node), began_ns = cop__clock_ns();
        ck_assert_int_eq(cop_dead_letters_subscribe(), COP_OK);
        for (uint64_t i = 0; i < flood; i++)
                cop_send(dead, letter, .number = (int64_t)i);
        uint64_t shares = (cop__clock_ns() - began_ns) / COP__LETTERS_SHARE_NS + 2;
        ck_assert_uint_eq(cop_dead_letter_count(node) - before, flood);
        uint64_t told = 0, missed = 0, last = 0;
        cop_message *message;
        while ((message = cop_receive(0, COP_KIND(cop_dead_letter))) != NULL) {
                const cop_dead_letter *each = cop_read(cop_dead_letter, message);
                ck_assert_uint_gt(each->number, last);
                last = each->number;
                missed += each->missed;
                told++;
                cop_message_free(message);
        }
        ck_assert_uint_ge(told, COP__LETTERS_SHARE);
        ck_assert_uint_le(told, shares * COP__LETTERS_SHARE);
        ck_assert_uint_le(told + missed, flood);
}

IN_NODE(after_a_flood_the_next_dead_letter_is_told_of_again)
{
        NEEDS_THREADS();
        for (int i = 0; i < 1000; i++)
                cop_send(cop_no_pid(), letter);
        ck_assert_int_eq(cop_dead_letters_subscribe(), COP_OK);
        for (;;) { /* until the thread has its next share */
                cop_send(cop_no_pid(), letter);
                cop_auto message = cop_receive(0, COP_KIND(cop_dead_letter));
                if (message == NULL)
                        continue;
                ck_assert_uint_ge(cop_read(cop_dead_letter, message)->missed, 1000 - COP__LETTERS_SHARE);
                break;
        }
}

static void subscribes_and_ends(void)
{
        if (cop_dead_letters_subscribe() != COP_OK)
                cop_exit(cop_atom("refused"));
        cop_send(cop_parent(), go);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
}

IN_NODE(a_subscriber_that_ends_is_forgotten_and_what_it_had_not_read_breeds_nothing)
{
        for (int round = 0; round < 3 * (int)COP__AUDIENCE_MAX; round++) {
                cop_ref ref = spawn_watched(.run = subscribes_and_ends);
                cop_auto message = await(COP_KIND(go));
                cop_pid pid = cop_message_from(message);
                cop_send(cop_no_pid(), letter);
                settle_with(pid);
                cop_send(pid, go);
                await_down(ref, "normal");
        }
        struct cop__letter newest;
        ck_assert(cop__letter_get(node, 0, &newest));
        ck_assert_str_eq(newest.kind, "letter");
}

static void subscribes_and_sleeps(void)
{
        subscribes_and_ends();
}

IN_NODE(only_so_many_may_subscribe)
{
        cop_pid pids[COP__AUDIENCE_MAX];
        for (size_t i = 0; i < COP__AUDIENCE_MAX; i++) {
                cop_spawn(subscribes_and_sleeps);
                cop_auto message = await(COP_KIND(go));
                pids[i] = cop_message_from(message);
        }
        ck_assert_int_eq(cop_dead_letters_subscribe(), COP_E_LIMIT);
        put_down(pids[3]);
        ck_assert_int_eq(cop_dead_letters_subscribe(), COP_OK);
        cop_dead_letters_unsubscribe();
        cop_dead_letters_unsubscribe();
}

/* More than the node keeps, so a share of each of many threads: a slow subscriber's mailbox stays bounded. */
static void loses_some(const go *g)
{
        for (int64_t i = 0; i < g->count; i++)
                cop_send(cop_no_pid(), letter, .number = i);
}

IN_NODE(a_subscriber_that_does_not_read_is_not_drowned)
{
        cop_ref refs[64];
        ck_assert_int_eq(cop_dead_letters_subscribe(), COP_OK);
        for (int i = 0; i < 64; i++)
                refs[i] = spawn_watched(RUN_WITH(loses_some, go, .count = 2000));
        for (int i = 0; i < 64; i++)
                await_and_drop(COP_REF(cop_down, refs[i]));
        unsigned unread = 0;
        cop_message *message;
        while ((message = cop_receive(0, COP_KIND(cop_dead_letter))) != NULL) {
                cop_message_free(message);
                unread++;
        }
        ck_assert_uint_gt(unread, 0);
        ck_assert_uint_le(unread, COP__LETTERS_UNREAD + 64);
        struct cop__letter kept;
        ck_assert(cop__letter_get(node, 0, &kept));
}

TEST(outside_a_node_nobody_can_subscribe)
{
        ck_assert_int_eq(cop_dead_letters_subscribe(), COP_E_NO_NODE);
        cop_dead_letters_unsubscribe();
}
