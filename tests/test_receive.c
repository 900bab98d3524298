/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Selective receive: what is taken, what stays and in which order, and when it gives up. */
#include <string.h>

#include "tests/node_fixture.h"

typedef struct letter {
        int64_t name; /* 'a', 'b', ... */
        cop_ref ref;
} letter;
COP_MESSAGE(letter, name, ref);

typedef struct urgent {
        int64_t number;
} urgent;
COP_MESSAGE(urgent, number);

typedef struct spelled {
        char word[16];
} spelled;
COP_MESSAGE(spelled, word);

static void send_letters(const char *names)
{
        for (; *names != '\0'; names++)
                cop_send(cop_self(), letter, .name = *names);
}

static char name_of_message(const cop_message *message)
{
        const letter *l = cop_read(letter, message);
        return l != NULL ? (char)l->name : '-';
}

/* Takes what is there, in order. */
static void expect_letters(const char *names)
{
        for (; *names != '\0'; names++) {
                cop_auto message = cop_receive(0, COP_ANY);
                ck_assert_int_eq(name_of_message(message), *names);
        }
        nothing_has_come();
}

static void take_letter(char name)
{
        cop_auto message = cop_receive(0, COP_FIELD(letter, name, name));
        ck_assert_int_eq(name_of_message(message), name);
}

/* ---- What stays ------------------------------------------------------------------------ */

IN_NODE(RCV_02_a_receive_that_finds_nothing_leaves_everything_in_order)
{
        send_letters("ab");
        ck_assert_ptr_null(cop_receive(0, COP_FIELD(letter, name, 'z')));
        expect_letters("ab");
}

IN_NODE(RCV_03_what_is_taken_from_the_middle_leaves_the_rest_in_order)
{
        send_letters("abcd");
        take_letter('c');
        expect_letters("abd");
        send_letters("abcd");
        take_letter('a');
        expect_letters("bcd");
        send_letters("abcd");
        take_letter('d');
        send_letters("e");
        expect_letters("abce");
        send_letters("abcd");
        take_letter('d');
        take_letter('c');
        take_letter('b');
        take_letter('a');
        nothing_has_come();
        send_letters("f");
        expect_letters("f");
}

IN_NODE(what_arrives_between_two_receives_comes_after_what_was_left)
{
        send_letters("ab");
        take_letter('b');
        send_letters("cd");
        take_letter('d');
        send_letters("e");
        expect_letters("ace");
}

IN_NODE(RCV_05_a_receive_without_patterns_returns_at_once_and_takes_nothing)
{
        send_letters("ab");
        ck_assert_ptr_null(cop_receive_any_of(0, NULL, 0));
        cop_sleep(0);
        cop_sleep(1);
        expect_letters("ab");
}

/* ---- Time-outs --------------------------------------------------------------------------- */

static void waits_below_zero(void)
{
        cop_message_free(cop_receive(-1, COP_ANY));
}

static void sleeps_below_zero(void)
{
        cop_sleep(INT64_MIN);
}

IN_NODE(RCV_06_a_negative_timeout_ends_the_actor_and_not_the_visitor)
{
        void (*const runs[])(void) = { waits_below_zero, sleeps_below_zero };
        for (size_t i = 0; i < COP__COUNT(runs); i++) {
                cop_ref ref = spawn_watched(.run = runs[i]);
                cop_auto message = await(COP_REF(cop_down, ref));
                ck_assert(cop_is_tuple(cop_read(cop_down, message)->reason, "badarg", 2));
        }
        send_letters("a");
        ck_assert_ptr_null(cop_receive(-1, COP_ANY));
        cop_sleep(-1);
        expect_letters("a");
}

static void looks_for_nothing_at_all(void)
{
        cop_message_free(cop_receive_any_of(COP_FOREVER, NULL, 1));
}

IN_NODE(patterns_that_are_counted_and_not_there_end_the_actor_and_not_the_visitor)
{
        await_down(spawn_watched(.run = looks_for_nothing_at_all),
                   "{badarg, {'receive', \"there are patterns to look for, or none at all\"}}");
        send_letters("a");
        ck_assert_ptr_null(cop_receive_any_of(COP_FOREVER, NULL, 2));
        expect_letters("a");
}

static void waits_very_long(const urgent *u)
{
        cop_auto message = cop_receive(u->number, COP_KIND(letter));
        cop_send(cop_parent(), letter, .name = name_of_message(message));
}

IN_NODE(RCV_07_very_long_timeouts_do_not_fire_at_once)
{
        static const int64_t times[] = { UINT32_MAX, (int64_t)1 << 40, (int64_t)1 << 53,
                                         COP_FOREVER - 1, COP_FOREVER };
        for (size_t i = 0; i < COP__COUNT(times); i++) {
                cop_pid p = cop_spawn_with(waits_very_long, urgent, .number = times[i]);
                settle_with(p);
                cop_sleep(2);
                nothing_has_come();
                cop_send(p, letter, .name = 'x');
                cop_auto message = await(COP_KIND(letter));
                ck_assert_int_eq(name_of_message(message), 'x');
        }
        /* The visitor, too. */
        send_letters("y");
        cop_auto mine = cop_receive(COP_FOREVER - 1, COP_FIELD(letter, name, 'y'));
        ck_assert_int_eq(name_of_message(mine), 'y');
}

static void times_its_waits(void)
{
        static const int64_t times[] = { 1, 5, 20, 3, 1, 10 };
        for (size_t i = 0; i < COP__COUNT(times); i++) {
                uint64_t before_ns = cop__clock_ns();
                cop_message_free(cop_receive(times[i], COP_KIND(letter)));
                if (cop__clock_ns() - before_ns < (uint64_t)times[i] * 1000000)
                        cop_exit(cop_atom("early"));
        }
}

IN_NODE(RCV_08_a_timeout_is_never_early)
{
        cop_ref ref = spawn_watched(.run = times_its_waits);
        uint64_t before_ns = cop__clock_ns();
        ck_assert_ptr_null(cop_receive(15, COP_KIND(letter)));
        ck_assert_uint_ge(cop__clock_ns() - before_ns, 15000000);
        cop_sleep(7);
        ck_assert_uint_ge(cop__clock_ns() - before_ns, 22000000);
        await_down(ref, "normal");
}

/* Simulated time passes when nobody has anything to do, so that nothing but the wait itself makes it late. */
TEST(RCV_08_a_timeout_is_not_late_where_nothing_makes_it_so)
{
        static const int64_t waits_ms[] = { 1, 15, 64, 65, 1000, 4096, 4097, 3600000, 86400000 };
        for (uint64_t seed = 1; seed <= 30; seed++) {
                cop_simulation order = { .seed = seed };
                cop_node *node = node_begin((cop_node_options){ .simulation = &order, .max_actors = 1000 });
                for (size_t i = 0; i < COP__COUNT(waits_ms); i++) {
                        int64_t before_ns = cop_now_ns();
                        ck_assert_ptr_null(cop_receive(waits_ms[i], COP_KIND(letter)));
                        int64_t late_ns = cop_now_ns() - before_ns - waits_ms[i] * 1000000;
                        ck_assert_int_ge(late_ns, 0);
                        ck_assert_int_le(late_ns, 1000000 + waits_ms[i] * 10000); /* a hundredth, of long ones */
                }
                node_end(node);
        }
}

/* The alarm of a wait that ended early stays armed; the waits after it must be neither shorter nor longer for that. */
static void waits_short_after_long(void)
{
        cop_send(cop_self(), urgent);
        cop_message_free(cop_receive(5, COP_KIND(urgent)));
        cop_send(cop_parent(), urgent, .number = 1);
        cop_message_free(cop_receive(3600000, COP_KIND(urgent))); /* a message ends this one */
        uint64_t before_ns = cop__clock_ns();
        bool came = cop_receive(2, COP_KIND(letter)) != NULL;
        uint64_t took_ns = cop__clock_ns() - before_ns;
        cop_exit(cop_atom(!came && took_ns >= 2000000 ? "good" : "bad"));
}

IN_NODE(a_short_wait_after_a_long_one_that_ended_early_ends_in_time)
{
        cop_pid p = cop_spawn(waits_short_after_long);
        cop_ref ref = watch(p);
        await_and_drop(COP_KIND(urgent));
        settle_with(p);
        cop_send(p, urgent);
        await_down(ref, "good");
}

static void times_out_at(const urgent *u)
{
        int64_t left = u->number - (int64_t)(cop__clock_ns() / 1000000);
        ck_assert_ptr_null(cop_receive(left > 0 ? left : 0, COP_KIND(letter)));
}

IN_NODE(RCV_10_ten_thousand_that_time_out_at_the_same_instant_all_wake)
{
        int count = suite_is_slow() ? 1000 : 10000;
        int64_t instant_ms = (int64_t)(cop__clock_ns() / 1000000) + 150;
        for (int i = 0; i < count; i++) {
                cop_pid pid;
                cop_ref ref;
                cop_spawn_options options = {
                        .run_with = COP_RUN_WITH(times_out_at, urgent),
                        .kind = COP_KIND_OF(urgent),
                        .argument = &(urgent){ .number = instant_ms },
                        .monitor = true, .monitor_ref = &ref,
                };
                ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        }
        for (int i = 0; i < count; i++)
                await_and_drop(COP_KIND(cop_down));
        nothing_has_come();
}

IN_NODE(RCV_12_a_wait_without_end_lasts_until_a_message_comes)
{
        cop_pid p = cop_spawn_with(waits_very_long, urgent, .number = COP_FOREVER);
        settle_with(p);
        for (int i = 0; i < 100; i++)
                cop_send(p, urgent); /* wakes it each time, for nothing */
        settle_with(p);
        nothing_has_come();
        ck_assert_str_eq(info_of(p, "messages"), "100");
        cop_send(p, letter, .name = 'q');
        cop_auto message = await(COP_KIND(letter));
        ck_assert_int_eq(name_of_message(message), 'q');
}

/* ---- Patterns -------------------------------------------------------------------------------- */

static void sends_its_parent_a_letter(const letter *l)
{
        cop_send(cop_parent(), letter, .name = l->name);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(urgent)));
}

IN_NODE(a_pattern_may_ask_for_the_sender)
{
        cop_pid a = cop_spawn_with(sends_its_parent_a_letter, letter, .name = 'a');
        settle_with(a);
        cop_pid b = cop_spawn_with(sends_its_parent_a_letter, letter, .name = 'b');
        settle_with(b);
        cop_auto from_b = cop_receive(0, (cop_pattern){ .from = b });
        ck_assert_int_eq(name_of_message(from_b), 'b');
        ck_assert(cop_pid_equal(cop_message_from(from_b), b));
        ck_assert_ptr_null(cop_receive(0, (cop_pattern){ .from = cop_self() }));
        ck_assert_ptr_null(cop_receive(0, (cop_pattern){ .from = a, .kind = COP_KIND_OF(urgent) }));
        cop_auto from_a = cop_receive(0, (cop_pattern){ .from = a });
        ck_assert_int_eq(name_of_message(from_a), 'a');
        cop_send(a, urgent);
        cop_send(b, urgent);
}

IN_NODE(RCV_15_each_of_two_requests_outstanding_finds_its_own_reply)
{
        cop_ref first = cop_ref_new(), second = cop_ref_new();
        send_letters("x");
        cop_send(cop_self(), letter, .name = '2', .ref = second);
        cop_send(cop_self(), urgent);
        cop_send(cop_self(), letter, .name = '1', .ref = first);
        cop_auto one = cop_receive(0, COP_REF(letter, first));
        cop_auto two = cop_receive(0, COP_REF(letter, second));
        ck_assert_int_eq(name_of_message(one), '1');
        ck_assert_int_eq(name_of_message(two), '2');
        ck_assert_ptr_null(cop_receive(0, COP_REF(letter, first)));
        ck_assert_ptr_null(cop_receive(0, COP_REF(urgent, first))); /* has no field that could be it */
        take_letter('x');
        await_and_drop(COP_KIND(urgent));
}

static bool is_above(const urgent *u, const int64_t *limit)
{
        return u->number > *limit;
}

IN_NODE(a_pattern_may_ask_a_predicate)
{
        int64_t limit = 5;
        for (int64_t i = 0; i < 10; i++)
                cop_send(cop_self(), urgent, .number = i);
        send_letters("z");
        for (int64_t i = 6; i < 10; i++) {
                cop_auto message = cop_receive(0, COP_WHERE(urgent, is_above, &limit));
                ck_assert_int_eq(cop_read(urgent, message)->number, i);
        }
        ck_assert_ptr_null(cop_receive(0, COP_WHERE(urgent, is_above, &limit)));
        limit = -1;
        for (int64_t i = 0; i < 6; i++) {
                cop_auto message = cop_receive(0, COP_WHERE(urgent, is_above, &limit));
                ck_assert_int_eq(cop_read(urgent, message)->number, i);
        }
        expect_letters("z");
}

IN_NODE(of_several_patterns_the_first_message_that_fits_any_is_taken)
{
        send_letters("ab");
        cop_send(cop_self(), urgent, .number = 1);
        send_letters("c");
        cop_auto message = cop_receive(0, COP_KIND(urgent), COP_FIELD(letter, name, 'b'));
        ck_assert_int_eq(name_of_message(message), 'b');
        cop_auto second = cop_receive(0, COP_FIELD(letter, name, 'c'), COP_KIND(urgent));
        ck_assert_ptr_nonnull(cop_read(urgent, second));
        expect_letters("ac");
}

IN_NODE(RCV_16_urgent_ones_first_then_the_rest_in_order)
{
        send_letters("ab");
        cop_send(cop_self(), urgent, .number = 1);
        send_letters("c");
        cop_send(cop_self(), urgent, .number = 2);
        char order[8] = "";
        for (size_t i = 0; i < 5; i++) {
                cop_auto message = cop_receive(0, COP_KIND(urgent));
                if (message == NULL)
                        message = cop_receive(0, COP_ANY);
                const urgent *u = cop_read(urgent, message);
                order[i] = u != NULL ? (char)('0' + u->number) : name_of_message(message);
        }
        ck_assert_str_eq(order, "12abc");
}

/* RCV-14: a receive within a receive's loop overwrites nothing that the outer one needs. */
static char nested(int depth)
{
        if (depth == 0)
                return '-';
        cop_auto mine = cop_receive(0, COP_FIELD(letter, name, 'a' + depth));
        nested(depth - 1);
        return name_of_message(mine);
}

IN_NODE(RCV_14_nested_receives_do_not_disturb_each_other)
{
        send_letters("abcdefg");
        ck_assert_int_eq(nested(5), 'f');
        expect_letters("ag");
}

/* ---- Fresh references ----------------------------------------------------------------------------- */

/*
 * Nothing honest bears a reference before it is made, so what is looked at cannot be seen from outside. But this thread's
 * references are consecutive: mail that bears the next one shows whether a receive for it looks there.
 */
static cop_ref plant_next_ref(void)
{
        cop_ref next = cop_ref_new();
        next.bits++;
        cop_send(cop_self(), letter, .name = 'p', .ref = next);
        return next;
}

static void fill_mailbox(int count)
{
        for (int i = 0; i < count; i++)
                cop_send(cop_self(), urgent, .number = i);
}

/* What fill_mailbox sent is there still, in order. */
static void empty_mailbox(int count)
{
        for (int i = 0; i < count; i++) {
                cop_auto message = await(COP_KIND(urgent));
                ck_assert_int_eq(cop_read(urgent, message)->number, i);
        }
        nothing_has_come();
}

static char letter_under(cop_ref ref)
{
        cop_auto message = cop_receive(0, COP_REF(letter, ref));
        return name_of_message(message);
}

IN_NODE(RCV_14_a_receive_for_a_fresh_reference_looks_at_no_older_mail)
{
        fill_mailbox(50);
        cop_ref ref = plant_next_ref();
        cop_ref fresh = cop_ref_new();
        ck_assert(cop_ref_equal(fresh, ref));
        ck_assert_int_eq(letter_under(fresh), '-');
        cop_send(cop_self(), letter, .name = 'n', .ref = fresh);
        ck_assert_int_eq(letter_under(fresh), 'n');
        ck_assert_int_eq(letter_under(fresh), '-');
        take_letter('p');
        empty_mailbox(50);
}

IN_NODE(a_receive_that_wants_more_than_one_reference_looks_everywhere)
{
        fill_mailbox(50);
        cop_ref ref = plant_next_ref();
        cop_ref fresh = cop_ref_new();
        ck_assert(cop_ref_equal(fresh, ref));
        cop_auto message = cop_receive(0, COP_REF(letter, fresh), COP_KIND(spelled));
        ck_assert_int_eq(name_of_message(message), 'p');
        empty_mailbox(50);
}

IN_NODE(RCV_14_nested_code_that_makes_references_does_not_hide_the_outer_answer)
{
        fill_mailbox(50);
        cop_ref outer = cop_ref_new();
        for (int i = 0; i < 3 * (int)COP__MARKS; i++) {
                cop_ref inner = cop_ref_new();
                cop_send(cop_self(), letter, .name = 'i', .ref = inner);
                if (i == (int)COP__MARKS)
                        cop_send(cop_self(), letter, .name = 'o', .ref = outer);
                ck_assert_int_eq(letter_under(inner), 'i');
        }
        ck_assert_int_eq(letter_under(outer), 'o');
        empty_mailbox(50);
}

IN_NODE(RCV_15_two_requests_over_a_long_mailbox_find_their_own_replies)
{
        fill_mailbox(40);
        cop_ref first = cop_ref_new();
        send_letters("x");
        cop_ref second = cop_ref_new();
        cop_send(cop_self(), letter, .name = '2', .ref = second);
        cop_send(cop_self(), letter, .name = '1', .ref = first);
        cop_send(cop_self(), letter, .name = '3', .ref = second);
        ck_assert_int_eq(letter_under(first), '1');
        ck_assert_int_eq(letter_under(second), '2');
        ck_assert_int_eq(letter_under(second), '3');
        take_letter('x');
        empty_mailbox(40);
}

/* The messages that marks stand behind are taken away, from both ends and the middle, and the marks must follow. */
IN_NODE(a_reference_finds_its_answer_whatever_has_left_the_mailbox_since)
{
        for (int gone = 0; gone < 40; gone++) {
                cop_ref refs[4];
                for (int i = 0; i < 40; i++) {
                        cop_send(cop_self(), urgent, .number = i);
                        if (i >= 36)
                                refs[i - 36] = cop_ref_new();
                }
                for (int i = 0; i < 4; i++)
                        cop_send(cop_self(), letter, .name = '0' + i, .ref = refs[i]);
                for (int64_t i = 0; i < gone; i++)
                        await_and_drop(COP_FIELD(urgent, number, (gone % 2 == 0 ? i : 39 - i)));
                for (int i = 0; i < 4; i++)
                        ck_assert_int_eq(letter_under(refs[i]), '0' + i);
                for (int i = gone; i < 40; i++)
                        await_and_drop(COP_KIND(urgent));
                nothing_has_come();
        }
}

IN_NODE(RCV_15_a_monitor_over_a_long_mailbox_answers)
{
        fill_mailbox(100);
        for (int i = 0; i < 100; i++) {
                cop_ref of_the_dead = watch(cop_spawn(sleeps_below_zero));
                cop_ref of_nobody = spawn_watched(.run = sleeps_below_zero);
                await_and_drop(COP_REF(cop_down, of_nobody));
                await_and_drop(COP_REF(cop_down, of_the_dead));
        }
        empty_mailbox(100);
}

static void dies_with_marks(void)
{
        fill_mailbox(100);
        for (int i = 0; i < 20; i++)
                cop_ref_new();
        cop_message_free(cop_receive(0, COP_KIND(urgent)));
        cop_exit(cop_atom("marked"));
}

/* It comes last and stands first: before the mark. */
IN_NODE(a_priority_message_that_overtakes_a_mark_is_found)
{
        cop_alias alias;
        ck_assert_int_eq(cop_alias_open(COP_ALIAS_EXPLICIT | COP_ALIAS_PRIORITY, &alias), COP_OK);
        fill_mailbox(50);
        cop_ref ref = cop_ref_new();
        cop_send(cop_self(), letter, .name = '2', .ref = ref);
        cop_send_priority(alias, letter, .name = '1', .ref = ref);
        ck_assert_int_eq(letter_under(ref), '1');
        ck_assert_int_eq(letter_under(ref), '2');
        empty_mailbox(50);
}

IN_NODE(an_actor_may_end_with_marks_in_its_mailbox)
{
        int64_t before = blocks_in_use(node);
        for (int i = 0; i < 100; i++)
                await_down(spawn_watched(.run = dies_with_marks), "marked");
        await_true(blocks_in_use(node) <= before + 4);
}

/* Messages in the arrival queue and in the mailbox, moving from the one to the other while more come. */
static void sends_numbers(const urgent *u)
{
        for (int64_t i = 0; i < u->number; i++)
                cop_send(cop_parent(), urgent, .number = i);
}

IN_NODE(RCV_17_messages_that_move_between_queue_and_mailbox_keep_their_order)
{
        const int64_t total = suite_is_slow() ? 2000 : 20000;
        int64_t next = 0;
        cop_spawn_with(sends_numbers, urgent, .number = total);
        while (next < total) {
                switch (next % 3) { /* into the mailbox: all that has come, a look for what is not there, nothing */
                case 0:
                        cop_ref_new();
                        break;
                case 1:
                        ck_assert_ptr_null(cop_receive(0, COP_KIND(letter)));
                        break;
                }
                cop_auto message = await(COP_KIND(urgent));
                ck_assert_int_eq(cop_read(urgent, message)->number, next++);
        }
        nothing_has_come();
}

IN_NODE(RCV_16_a_loop_that_takes_urgent_ones_first_gets_all_of_many_senders)
{
        enum { SENDERS = 4 };
        const int64_t each = suite_is_slow() ? 500 : 5000;
        int64_t urgent_sum = 0, letters = 0;
        for (int i = 0; i < SENDERS; i++)
                cop_spawn_with(sends_numbers, urgent, .number = each);
        for (int64_t i = 0; i < SENDERS * each; i++)
                cop_send(cop_self(), letter, .name = 'a');
        for (int64_t i = 0; i < 2 * SENDERS * each; i++) {
                cop_auto first = cop_receive(0, COP_KIND(urgent));
                cop_auto message = first != NULL ? NULL : await(COP_ANY);
                const urgent *u = cop_read(urgent, first != NULL ? first : message);
                urgent_sum += u != NULL ? u->number : 0;
                letters += u == NULL;
        }
        ck_assert_int_eq(letters, SENDERS * each);
        ck_assert_int_eq(urgent_sum, SENDERS * (each * (each - 1) / 2));
        nothing_has_come();
}

/* ---- Messages in hand ------------------------------------------------------------------------- */

static void keeps_all(void)
{
        cop_message *kept[100];
        for (int i = 0; i < 100; i++)
                kept[i] = cop_receive(COP_FOREVER, COP_KIND(urgent));
        for (int i = 0; i < 100; i += 2)
                cop_message_free(kept[i]);
        for (int i = 1; i < 100; i += 2)
                if (cop_read(urgent, kept[i])->number != i)
                        cop_exit(cop_atom("changed"));
        for (int i = 99; i > 50; i -= 2)
                cop_message_free(kept[i]);
}

IN_NODE(received_messages_stay_until_freed_or_the_actor_ends)
{
        int64_t before = blocks_in_use(node);
        for (int round = 0; round < 20; round++) {
                cop_pid p = cop_spawn(keeps_all);
                cop_ref ref = watch(p);
                for (int i = 0; i < 100; i++)
                        cop_send(p, urgent, .number = i);
                await_down(ref, "normal");
        }
        await_true(blocks_in_use(node) <= before + 4);
}

IN_NODE(a_message_tells_its_kind_and_sender_and_none_tells_nothing)
{
        cop_send(cop_self(), urgent, .number = 1);
        cop_auto message = cop_receive(0, COP_ANY);
        ck_assert_str_eq(cop_message_kind(message)->name, "urgent");
        ck_assert_ptr_null(cop_read(letter, message));
        ck_assert_ptr_eq(cop_read(urgent, message), cop_message_body(message));
        ck_assert(cop_pid_equal(cop_message_from(message), cop_self()));
        ck_assert_ptr_null(cop_message_kind(NULL));
        ck_assert_ptr_null(cop_message_body(NULL));
        ck_assert_ptr_null(cop_read(letter, (cop_message *)NULL));
        ck_assert_uint_eq(cop_message_from(NULL).bits, 0);
        cop_message_free(NULL);
}

/* ---- In the middle of a handler ------------------------------------------------------------------ */

typedef struct keeper {
        char seen[16];
        int64_t count;
} keeper;

/* Takes the urgent one that comes after it before it goes on. */
static void keeper_on_letter(keeper *self, const letter *l)
{
        self->seen[self->count++] = (char)l->name;
        if (l->name != 'w')
                return;
        cop_auto message = cop_receive(COP_FOREVER, COP_KIND(urgent));
        self->seen[self->count++] = (char)('0' + cop_read(urgent, message)->number);
        self->seen[self->count++] = (char)l->name; /* still there */
}

static void keeper_on_urgent(keeper *self, const urgent *u)
{
        self->seen[self->count++] = (char)('0' + u->number);
}

static void keeper_on_spelled(keeper *self, const spelled *s)
{
        (void)s;
        spelled all = { { 0 } };
        memcpy(all.word, self->seen, sizeof(all.word));
        cop_reply_value(COP_KIND_OF(spelled), &all);
}

COP_SERVER(keeper, COP_ON(letter, keeper_on_letter), COP_ON(urgent, keeper_on_urgent),
           COP_ON(spelled, keeper_on_spelled));

IN_NODE(a_receive_in_a_handler_takes_what_it_wants_and_the_handlers_get_the_rest_in_order)
{
        cop_pid p = cop_spawn_server(&keeper_server, NULL);
        cop_send(p, letter, .name = 'a');
        cop_send(p, letter, .name = 'w');
        cop_send(p, letter, .name = 'b');
        settle_with(p); /* it waits in the handler */
        cop_send(p, letter, .name = 'c');
        cop_send(p, urgent, .number = 1);
        cop_send(p, urgent, .number = 2);
        cop_send(p, letter, .name = 'd');
        cop_message *reply;
        ck_assert_int_eq(cop_call(&reply, p, PATIENCE_MS, spelled), COP_OK);
        ck_assert_str_eq(cop_read(spelled, reply)->word, "aw1wbc2d");
        cop_message_free(reply);
        put_down(p);
}

typedef struct hoarder {
        uint64_t held_bits[4]; /* of the messages, which are its own until it frees them */
        int64_t count;
} hoarder;

static void hoarder_on_letter(hoarder *self, const letter *l)
{
        (void)l;
        cop_message *message = cop_receive(COP_FOREVER, COP_KIND(urgent));
        memcpy(&self->held_bits[self->count++], &message, sizeof(message));
}

static void hoarder_on_spelled(hoarder *self, const spelled *s)
{
        (void)s;
        spelled all = { { 0 } };
        for (int64_t i = 0; i < self->count; i++) {
                cop_message *message;
                memcpy(&message, &self->held_bits[i], sizeof(message));
                all.word[i] = (char)('0' + cop_read(urgent, message)->number);
                if (i % 2 == 0)
                        cop_message_free(message);
        }
        self->count = 0;
        cop_reply_value(COP_KIND_OF(spelled), &all);
}

COP_SERVER(hoarder, COP_ON(letter, hoarder_on_letter), COP_ON(spelled, hoarder_on_spelled));

IN_NODE(a_server_may_keep_what_it_has_received_beyond_its_handler)
{
        int64_t before = blocks_in_use(node);
        for (int round = 0; round < 50; round++) {
                cop_pid p = cop_spawn_server(&hoarder_server, NULL);
                for (int64_t i = 0; i < 4; i++) {
                        cop_send(p, letter);
                        cop_send(p, urgent, .number = i);
                        settle_with(p); /* it has been idle in between */
                }
                cop_message *reply;
                ck_assert_int_eq(cop_call(&reply, p, PATIENCE_MS, spelled), COP_OK);
                ck_assert_str_eq(cop_read(spelled, reply)->word, "0123");
                cop_message_free(reply);
                put_down(p); /* with two of them */
        }
        await_true(blocks_in_use(node) <= before + 4);
}

/* ---- A predicate that sends ------------------------------------------------------------------------ */

static cop_alias ahead; /* of who receives */

static bool sends_ahead(const letter *l, int64_t *const *sent)
{
        if (l->name == 'x' && (**sent)++ == 0)
                ck_assert_int_eq(cop_send_priority(ahead, urgent, .number = 7), COP_OK);
        return l->name == 'x';
}

/* What it sends comes before all that has been searched: the search begins anew, and takes what it had found all the same. */
IN_NODE(a_message_of_priority_that_a_predicate_sends_is_the_first_and_none_is_lost)
{
        int64_t looks = 0, *counted = &looks;
        ck_assert_int_eq(cop_alias_open(COP_ALIAS_EXPLICIT | COP_ALIAS_PRIORITY, &ahead), COP_OK);
        send_letters("xy");
        ck_assert_ptr_null(cop_receive(0, COP_KIND(urgent))); /* both are in the mailbox */
        cop_auto found = cop_receive(0, COP_WHERE(letter, sends_ahead, &counted));
        ck_assert_int_eq(name_of_message(found), 'x');
        ck_assert_int_ge(looks, 2);
        cop_auto first = cop_receive(0, COP_ANY);
        ck_assert_ptr_nonnull(cop_read(urgent, first));
        expect_letters("y");
        cop_alias_close(ahead);
}

/* ---- A predicate that fails ------------------------------------------------------------------------ */

static bool exits(const letter *l, const int64_t *unused)
{
        (void)l;
        (void)unused;
        cop_exit(cop_atom("in_predicate"));
}

static void asks_a_predicate_that_exits(void)
{
        int64_t unused = 0;
        cop_message_free(cop_receive(COP_FOREVER, COP_WHERE(letter, exits, &unused)));
}

IN_NODE(a_call_whose_request_fails_in_a_predicate_is_answered)
{
        for (int i = 0; i < 100; i++) {
                cop_pid p = cop_spawn(asks_a_predicate_that_exits);
                cop_ref ref = watch(p);
                if (i % 2 == 0)
                        settle_with(p);
                ck_assert_int_eq(cop_call(NULL, p, 2000, letter, .name = 'x'), COP_E_DIED);
                await_down(ref, "in_predicate");
        }
}
