/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* A stranger that keeps to the protocol, in the forms that our own nodes and Erlang's of today do not use. */
#include "tests/stranger_talk.h"

#include <coppice/global.h>

#include "distribution/connection.h"

typedef struct { int64_t number; } job;
COP_MESSAGE(job, number);

typedef struct { int64_t unused; } clerk;

/* Of a node that nobody knows: it cannot be said. */
static cop_term unsayable(void)
{
        return cop_pid_term(cop__pid_of(200, 1, 1));
}

static void clerk_on_job(clerk *self, const job *j)
{
        (void)self;
        if (j->number < 0)
                cop_reply(cop_any, .term = unsayable());
        else
                cop_reply(job, .number = j->number + 1);
}

COP_SERVER(clerk, COP_ON(job, clerk_on_job));

static uint16_t port;

/* Node `a` and its clerk, and a stranger who is let in; the claim's thread is an actor of `a` that bears the name witness. */
#define LET_IN(claim, flags) LET_IN_WITH(claim, flags, .workers = 0)
#define LET_IN_WITH(claim, flags, ...)                                                               \
        static void let_in_##claim(int fd);                                                          \
        TEST(claim)                                                                                  \
        {                                                                                            \
                NEEDS_THREADS();                                                                     \
                cop_node *node = node_begin((cop_node_options){ .name = "a", __VA_ARGS__ });         \
                ck_assert_int_eq(distribute_with("a@127.0.0.1", (cop_distribution){ .port = 0 }, &port), COP_OK); \
                cop_spawn_server(&clerk_server, "clerk");                                            \
                ck_assert_int_eq(cop_register("witness", cop_self()), COP_OK);                       \
                cop_trap_exit(true);                                                                 \
                int fd = stranger_calls_as(port, THEM, flags);                                       \
                await_up();                                                                          \
                let_in_##claim(fd);                                                                  \
                close(fd);                                                                           \
                node_end(node);                                                                      \
        }                                                                                            \
        static void let_in_##claim(int fd)

/* ---- Both ways -------------------------------------------------------------------------------- */

/* What they have said before that has been acted on when it arrives. */
static void is_all(int fd)
{
        says_job(fd, "witness", 99);
        cop_auto message = await(COP_KIND(job));
        ck_assert_int_eq(cop_read(job, message)->number, 99);
        nothing_has_come();
}

/* The next control message of that sort has that many items, and the message behind it is that. */
static cop_term hears(int fd, unsigned control, size_t count, const char *words)
{
        cop_term said, message;
        stranger_hears_control(fd, control, &said, &message);
        ck_assert_uint_eq(said.count, count);
        ck_assert_str_eq(text_of(message), words);
        cop_term_free(message);
        return said;
}

static void hears_and_drops(int fd, unsigned control, size_t count, const char *words)
{
        cop_term_free(hears(fd, control, count, words));
}

static void hears_reason(int fd, unsigned control, size_t count, const char *reason)
{
        cop_term said = hears(fd, control, count, "[]");
        ck_assert_str_eq(text_of(said.as.items[count - 1]), reason);
        cop_term_free(said);
}

/* ---- Older forms ------------------------------------------------------------------------------------ */

LET_IN(who_knows_only_the_older_forms_is_told_in_them, OF_OLD)
{
        cop_pid seven = theirs(7);
        ck_assert_int_eq(cop_send(seven, job, .number = 1), COP_OK);
        cop_term said = hears(fd, COP__CONTROL_SEND, 3, "{job, 1}");
        ck_assert(cop_is_atom(said.as.items[1], ""));
        ck_assert(cop_pid_equal(said.as.items[2].as.pid, seven));
        cop_term_free(said);
        ck_assert_int_eq(cop_link(seven), COP_OK);
        cop_unlink(seven);
        hears_and_drops(fd, COP__CONTROL_LINK, 3, "[]");
        said = hears(fd, COP__CONTROL_UNLINK, 3, "[]");
        ck_assert(cop_pid_equal(said.as.items[1].as.pid, cop_self()));
        ck_assert(cop_pid_equal(said.as.items[2].as.pid, seven));
        cop_term_free(said);
}

static void hears_answer(int fd, unsigned control, bool alias, const char *reply)
{
        cop_term said, message;
        stranger_hears_control(fd, control, &said, &message);
        ck_assert(message.type == COP_TERM_TUPLE && message.count == 2);
        ck_assert_int_eq(message.as.items[0].type, alias ? COP_TERM_CONS : COP_TERM_REF);
        ck_assert_str_eq(text_of(message.as.items[1]), reply);
        cop_term_free(said);
        cop_term_free(message);
}

LET_IN(who_knows_no_alias_is_answered_as_it_has_asked, OF_OLD)
{
        says_request(fd, "clerk", 1, false, 5);
        hears_answer(fd, COP__CONTROL_SEND, false, "{job, 6}");
        says_request(fd, "clerk", 2, true, 6);
        hears_answer(fd, COP__CONTROL_SEND, true, "{job, 7}");
}

LET_IN(who_asks_without_an_alias_is_answered_without_one, OF_ERLANG)
{
        says_request(fd, "clerk", 1, false, 5);
        hears_answer(fd, COP__CONTROL_SEND_SENDER, false, "{job, 6}");
        says_request(fd, "clerk", 2, true, 6);
        hears_answer(fd, COP__CONTROL_ALIAS_SEND, true, "{job, 7}");
}

/* A node without SEND_SENDER does not say who answers: it is whoever was asked. */
LET_IN(an_answer_from_nobody_is_of_who_was_asked, OF_ERLANG)
{
        struct cop__tray tray;
        struct cop__pen pen;
        cop_request request;
        cop_term said, message;
        cop_auto reply = NULL;
        ck_assert_int_eq(cop_request_send(&request, theirs(7), job, .number = 1), COP_OK);
        stranger_hears_control(fd, COP__CONTROL_SEND_SENDER, &said, &message);
        ck_assert(cop_is_tuple(message, "$gen_call", 3));
        stranger_begins(&pen, &tray, COP__CONTROL_SEND, 3);
        cop__pen_atom(&pen, "", 0);
        cop__pen_pid(&pen, cop_self());
        cop__pen_version(&pen);
        cop__pen_term(&pen, COP_TUPLE(message.as.items[1].as.items[1], COP_TUPLE(cop_atom("job"), cop_int(2))));
        stranger_ends(fd, &pen);
        ck_assert_int_eq(cop_request_await(request, PATIENCE_MS, &reply), COP_OK);
        ck_assert_int_eq(cop_read(job, reply)->number, 2);
        ck_assert(cop_pid_equal(cop_message_from(reply), theirs(7)));
        cop_term_free(said);
        cop_term_free(message);
}

/* Else it would be kept here until whoever was asked ends. */
LET_IN(a_request_that_is_given_up_is_given_up_over_there, OF_ERLANG)
{
        cop_request request;
        cop_term said, message;
        ck_assert_int_eq(cop_request_send(&request, theirs(7), job, .number = 1), COP_OK);
        cop_term monitor = hears(fd, COP__CONTROL_MONITOR, 4, "[]");
        ck_assert(cop_request_drop(request));
        stranger_hears_control(fd, COP__CONTROL_DEMONITOR, &said, &message);
        for (size_t i = 1; i < 4; i++)
                ck_assert(cop_term_equal(said.as.items[i], monitor.as.items[i]));
        await_true(cop__network_here()->peers[0]->calls.count == 0);
        cop_term_free(said);
        cop_term_free(monitor);
        is_all(fd);
}

/* ---- Links and monitors of theirs ---------------------------------------------------------------------- */

LET_IN(a_link_that_is_undone_without_a_number_is_undone, OF_OLD)
{
        says_pair(fd, COP__CONTROL_LINK, cop_nil());
        says_pair(fd, COP__CONTROL_UNLINK, cop_nil());
        says_pair(fd, COP__CONTROL_EXIT, cop_atom("late"));
        is_all(fd);
        says_pair(fd, COP__CONTROL_LINK, cop_nil());
        says_pair(fd, COP__CONTROL_EXIT, cop_atom("gone"));
        await_exited(theirs(7), "gone");
        is_all(fd);
}

LET_IN(a_link_that_is_said_twice_is_one, OF_ERLANG)
{
        says_pair(fd, COP__CONTROL_LINK, cop_nil());
        says_pair(fd, COP__CONTROL_LINK, cop_nil());
        says_pair(fd, COP__CONTROL_EXIT, cop_atom("gone"));
        await_exited(theirs(7), "gone");
        is_all(fd);
}

LET_IN(what_ends_a_monitor_or_a_call_that_is_not_is_nothing, OF_ERLANG)
{
        struct cop__tray tray;
        struct cop__pen pen;
        says_monitor(fd, COP__CONTROL_DEMONITOR, cop_self(), 5);
        stranger_begins(&pen, &tray, COP__CONTROL_DOWN, 5);
        stranger_pid(&pen, THEM, 7);
        cop__pen_pid(&pen, cop_self());
        cop__pen_ref(&pen, (cop_ref){ 5 });
        cop__pen_term(&pen, cop_atom("gone"));
        stranger_ends(fd, &pen);
        is_all(fd);
}

LET_IN(a_monitor_that_is_said_twice_ends_the_connection, OF_ERLANG)
{
        says_monitor(fd, COP__CONTROL_MONITOR, cop_self(), 5);
        says_monitor(fd, COP__CONTROL_MONITOR, cop_self(), 5);
        stranger_is_hung_up(fd);
}

static void says_traced_exit(int fd, unsigned control, const char *reason)
{
        struct cop__tray tray;
        struct cop__pen pen;
        stranger_begins(&pen, &tray, control, 5);
        stranger_pid(&pen, THEM, 7);
        cop__pen_pid(&pen, cop_self());
        cop__pen_term(&pen, cop_atom("token"));
        cop__pen_term(&pen, cop_atom(reason));
        stranger_ends(fd, &pen);
}

LET_IN(an_exit_that_is_traced_over_there_has_its_reason, OF_ERLANG)
{
        says_pair(fd, COP__CONTROL_LINK, cop_nil());
        says_traced_exit(fd, COP__CONTROL_EXIT_TT, "gone");
        await_exited(theirs(7), "gone");
        says_traced_exit(fd, COP__CONTROL_EXIT2_TT, "by hand");
        await_exited(theirs(7), "'by hand'");
        is_all(fd);
}

/* ---- Names that nobody here can have ---------------------------------------------------------------------- */

LET_IN(a_name_is_whole_or_it_is_another, OF_ERLANG)
{
        struct cop__tray tray;
        struct cop__pen pen;
        put_to(&pen, &tray, "witness\0not", 11);
        put_job(&pen, 1);
        stranger_ends(fd, &pen);
        stranger_begins(&pen, &tray, COP__CONTROL_MONITOR, 4);
        stranger_pid(&pen, THEM, 7);
        cop__pen_atom(&pen, "witness\0not", 11);
        put_ref(&pen, 5);
        stranger_ends(fd, &pen);
        cop_term said = hears(fd, COP__CONTROL_DOWN, 5, "[]");
        ck_assert_uint_eq(said.as.items[1].count, 11);
        ck_assert(cop_is_atom(said.as.items[4], "noproc"));
        cop_term_free(said);
        is_all(fd);
}

/* Erlang's have 255 characters, ours as many bytes. */
static void put_long_name(struct cop__pen *pen)
{
        cop__pen_byte(pen, 118);
        cop__pen_word(pen, 2, 400);
        for (int i = 0; i < 200; i++)
                cop__pen_bytes(pen, "\303\244", 2);
}

LET_IN(a_name_that_is_too_long_for_here_is_nobodys, OF_ERLANG)
{
        struct cop__tray tray;
        struct cop__pen pen;
        stranger_begins(&pen, &tray, COP__CONTROL_MONITOR, 4);
        stranger_pid(&pen, THEM, 7);
        put_long_name(&pen);
        put_ref(&pen, 5);
        stranger_ends(fd, &pen);
        hears_reason(fd, COP__CONTROL_DOWN, 5, "noproc");
        stranger_begins(&pen, &tray, COP__CONTROL_REG_SEND, 4);
        stranger_pid(&pen, THEM, 7);
        cop__pen_atom(&pen, "", 0);
        put_long_name(&pen);
        put_job(&pen, 1);
        stranger_ends(fd, &pen);
        is_all(fd);
}

LET_IN(an_atom_in_a_reason_that_is_too_long_for_here_ends_no_connection, OF_ERLANG)
{
        struct cop__tray tray;
        struct cop__pen pen;
        says_pair(fd, COP__CONTROL_LINK, cop_nil());
        stranger_begins(&pen, &tray, COP__CONTROL_EXIT, 4);
        stranger_pid(&pen, THEM, 7);
        cop__pen_pid(&pen, cop_self());
        cop__pen_tuple(&pen, 2);
        cop__pen_atom(&pen, "error", 5);
        put_long_name(&pen);
        stranger_ends(fd, &pen);
        cop_auto message = await(COP_KIND(cop_exited));
        cop_term reason = cop_read(cop_exited, message)->reason;
        ck_assert(cop_is_tuple(reason, "error", 2));
        ck_assert(cop_is_tuple(reason.as.items[1], "$erlang", 2));
        is_all(fd);
}

/* ---- Calls of theirs ------------------------------------------------------------------------------------------ */

/* Answers nothing until it is told to go, then all. */
static void answers_late(void)
{
        cop_message *message;
        cop_trap_exit(true);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(cop_exited)));
        while ((message = cop_receive(0, COP_KIND(job))) != NULL) {
                cop_answer(message, job, .number = cop_read(job, message)->number + 1);
                cop_message_free(message);
        }
}

LET_IN(a_request_that_is_said_again_while_it_waits_is_answered_once, OF_ERLANG)
{
        cop_pid pid;
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = answers_late, .name = "late" }, &pid), COP_OK);
        cop_ref ref = watch(pid);
        says_request(fd, "late", 1, true, 1);
        says_request(fd, "late", 1, true, 2);
        is_all(fd);
        ck_assert_int_eq(cop_send_exit(pid, cop_atom("go")), COP_OK);
        await_down(ref, "normal");
        says_request(fd, "clerk", 2, true, 5);
        hears_answer(fd, COP__CONTROL_ALIAS_SEND, true, "{job, 2}");
        hears_answer(fd, COP__CONTROL_ALIAS_SEND, true, "{job, 6}");
}

LET_IN(who_calls_the_dead_hears_it_under_the_monitor_of_the_call, OF_ERLANG)
{
        cop_pid dead = cop_spawn_server(&clerk_server, NULL);
        put_down(dead);
        says_watched_request(fd, cop_whereis("clerk"), dead, 5, 1);
        hears_reason(fd, COP__CONTROL_DOWN, 5, "noproc");
        says_monitor(fd, COP__CONTROL_MONITOR, dead, 6);
        hears_reason(fd, COP__CONTROL_DOWN, 5, "noproc");
}

/* Reads nothing until it is told to go, then all. */
static void holds_back(void)
{
        cop_message *message;
        cop_trap_exit(true);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(cop_exited)));
        while ((message = cop_receive(0, COP_KIND(job))) != NULL) {
                cop_send("witness", job, .number = cop_read(job, message)->number);
                cop_message_free(message);
        }
}

static cop_pid spawn_narrow(cop_mailbox_policy policy)
{
        cop_pid pid;
        cop_spawn_options options = { .run = holds_back, .name = "narrow", .mailbox_limit = 1, .mailbox_policy = policy };
        if (policy == COP_MAILBOX_COALESCE)
                options.mailbox_key = (cop_mailbox_key)COP_KEY(job, number);
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        return pid;
}

/* One, two and three come to where there is room for one. */
static void comes_through(int fd, cop_mailbox_policy policy, int64_t most)
{
        cop_pid narrow = spawn_narrow(policy);
        cop_ref ref = watch(narrow);
        for (int64_t i = 1; i <= 3; i++)
                says_job(fd, "narrow", i);
        is_all(fd);
        ck_assert_int_eq(cop_send_exit(narrow, cop_atom("go")), COP_OK);
        for (int64_t i = 1; i <= most; i++)
                await_and_drop(COP_FIELD(job, number, i));
        await_down(ref, "normal");
        nothing_has_come();
}

LET_IN(a_mailbox_that_is_full_is_full_for_other_nodes_too, OF_ERLANG)
{
        comes_through(fd, COP_MAILBOX_REJECT, 1);
        comes_through(fd, COP_MAILBOX_DROP_NEW, 1);
        comes_through(fd, COP_MAILBOX_COALESCE, 2);
        comes_through(fd, COP_MAILBOX_SLOW, 3);
}

LET_IN(a_call_that_finds_a_mailbox_full_ends_so_for_other_nodes_too, OF_ERLANG)
{
        cop_pid narrow = spawn_narrow(COP_MAILBOX_REJECT);
        says_job(fd, "narrow", 1);
        says_watched_request(fd, narrow, narrow, 5, 2);
        hears_reason(fd, COP__CONTROL_DOWN, 5, "{coppice, full}");
        says_request(fd, "narrow", 6, true, 2); /* of one that monitors nobody */
        is_all(fd);
        put_down(narrow);
}

/* ---- Messages of theirs ------------------------------------------------------------------------------------------- */

LET_IN(what_has_the_tag_of_a_kind_and_does_not_fit_it_is_a_term, OF_ERLANG)
{
        struct cop__tray tray;
        struct cop__pen pen;
        put_to(&pen, &tray, "witness", 7);
        cop__pen_version(&pen);
        cop__pen_term(&pen, COP_TUPLE(cop_atom("job"), cop_string("many")));
        stranger_ends(fd, &pen);
        cop_auto message = await(COP_KIND(cop_any));
        ck_assert_str_eq(text_of(cop_read(cop_any, message)->term), "{job, \"many\"}");
}

static void says_deep(int fd, unsigned levels)
{
        struct cop__tray tray;
        struct cop__pen pen;
        put_to(&pen, &tray, "witness", 7);
        cop__pen_version(&pen);
        for (unsigned i = 0; i < levels; i++)
                cop__pen_tuple(&pen, i + 1 < levels);
        stranger_ends(fd, &pen);
}

LET_IN(a_message_as_deep_as_a_term_may_be_arrives_and_a_deeper_one_does_not, OF_ERLANG)
{
        says_deep(fd, COP_TERM_DEPTH_MAX + 1);
        says_deep(fd, COP_TERM_DEPTH_MAX);
        cop_auto message = await(COP_KIND(cop_any));
        unsigned levels = 1;
        cop_term term = cop_read(cop_any, message)->term;
        for (; term.count > 0; levels++)
                term = term.as.items[0];
        ck_assert_uint_eq(levels, COP_TERM_DEPTH_MAX);
        is_all(fd);
}

LET_IN(a_group_leader_means_nothing_here, OF_ERLANG)
{
        says_pair(fd, COP__CONTROL_GROUP_LEADER, cop_nil());
        is_all(fd);
}

static void put_cons(struct cop__pen *pen)
{
        cop__pen_byte(pen, 108);
        cop__pen_word(pen, 4, 1);
}

/* [[First|Ref]|Last] */
static void says_call_to_many(int fd, const char *first, bool last_is_ref)
{
        struct cop__tray tray;
        struct cop__pen pen;
        put_to(&pen, &tray, "witness", 7);
        cop__pen_version(&pen);
        cop__pen_tuple(&pen, 3);
        cop__pen_atom(&pen, "$gen_call", 9);
        cop__pen_tuple(&pen, 2);
        stranger_pid(&pen, THEM, 7);
        put_cons(&pen);
        put_cons(&pen);
        cop__pen_atom(&pen, first, strlen(first));
        put_ref(&pen, 1);
        if (last_is_ref)
                put_ref(&pen, 2);
        else
                cop__pen_integer(&pen, UINT64_C(1) << 62 | 2); /* bits like those of one */
        cop__pen_term(&pen, cop_int(5));
        stranger_ends(fd, &pen);
}

static void hears_term(const char *name, size_t count)
{
        cop_auto message = await(COP_KIND(cop_any));
        ck_assert(cop_is_tuple(cop_read(cop_any, message)->term, name, count));
}

/* It cannot be answered, so it is what else comes: a message. */
LET_IN(a_call_to_many_whose_tag_is_none_is_a_message, OF_ERLANG)
{
        says_call_to_many(fd, "no_alias", true);
        hears_term("$gen_call", 3);
        says_call_to_many(fd, "alias", false);
        hears_term("$gen_call", 3);
        is_all(fd);
}

/* ---- What cannot be said ---------------------------------------------------------------------------------------- */

LET_IN(a_message_that_cannot_be_said_is_a_dead_letter_and_the_next_one_arrives, OF_ERLANG)
{
        ck_assert_int_eq(cop_dead_letters_subscribe(), COP_OK);
        ck_assert_int_eq(cop_send_term(theirs(7), unsayable()), COP_OK);
        await_and_drop(COP_KIND(cop_dead_letter));
        cop_dead_letters_unsubscribe();
        uint64_t before = cop_dead_letter_count(cop_node_here());
        ck_assert_int_eq(cop_send_value(cop_to_pid(theirs(7)), COP_KIND_OF(cop__is_up), &(cop__is_up){ 0 }), COP_OK);
        await_true(cop_dead_letter_count(cop_node_here()) > before); /* the library's own: it is not told of */
        ck_assert_int_eq(cop_send(theirs(7), job, .number = 1), COP_OK);
        hears_and_drops(fd, COP__CONTROL_SEND_SENDER, 3, "{job, 1}");
}

LET_IN(a_call_that_cannot_be_said_fails_and_so_does_an_answer, OF_ERLANG)
{
        cop_auto reply = NULL;
        ck_assert_int_eq(cop_call_term(&reply, theirs(7), PATIENCE_MS, unsayable()), COP_E_ISOLATED);
        cop_pid server = cop_whereis("clerk");
        says_watched_request(fd, server, server, 5, -1);
        hears_reason(fd, COP__CONTROL_DOWN, 5, "{coppice, isolated}");
}

static void ends_unsayably(void)
{
        cop_link(theirs(8));
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(job)));
        cop_exit(unsayable());
}

LET_IN(a_reason_that_cannot_be_said_is_an_end_all_the_same, OF_ERLANG)
{
        cop_pid pid = cop_spawn(ends_unsayably);
        hears_and_drops(fd, COP__CONTROL_LINK, 3, "[]");
        says_monitor(fd, COP__CONTROL_MONITOR, pid, 5);
        is_all(fd);
        ck_assert_int_eq(cop_send(pid, job, .number = 1), COP_OK);
        cop_term first, second, message;
        do /* in the order that the dead keeps */
                stranger_hears_frame(fd, &first, &message);
        while (first.type != COP_TERM_TUPLE || first.as.items[0].as.integer == COP__CONTROL_REG_SEND);
        stranger_hears_frame(fd, &second, &message);
        ck_assert_int_eq(first.as.items[0].as.integer + second.as.items[0].as.integer, COP__CONTROL_EXIT + COP__CONTROL_DOWN);
        ck_assert(cop_is_atom(first.as.items[first.count - 1], "unsayable"));
        ck_assert(cop_is_atom(second.as.items[second.count - 1], "unsayable"));
        cop_term_free(first);
        cop_term_free(second);
        ck_assert_int_eq(cop_send_exit(theirs(7), unsayable()), COP_OK);
        hears_reason(fd, COP__CONTROL_EXIT2, 4, "unsayable");
}

/* Of a pid with more bits than ours, which it was never heard of under. */
LET_IN(who_cannot_be_named_cannot_be_watched, OF_ERLANG)
{
        cop_pid nobody = cop__pid_of(cop__pid_node(theirs(7)), COP__SLOT_OF_FOREIGN, 5);
        await_down(watch(nobody), "noconnection");
        is_all(fd);
}

LET_IN(a_name_over_there_cannot_be_linked_to, OF_ERLANG)
{
        cop_pid name = cop_at("somebody", THEM).pid;
        ck_assert_int_eq(cop_link(name), COP_OK);
        await_exited(name, "noproc");
        is_all(fd);
}

LET_IN(who_is_elsewhere_tells_nothing_about_itself, OF_ERLANG)
{
        cop_term info;
        ck_assert_int_eq(cop__info(theirs(7), PATIENCE_MS, &info), COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()), "noconnection");
        is_all(fd);
}

/* ---- Aliases ---------------------------------------------------------------------------------------------------------- */

/* One of theirs, as it comes in a message. */
static cop_alias alias_of_theirs(int fd, uint32_t ref)
{
        struct cop__tray tray;
        struct cop__pen pen;
        put_to(&pen, &tray, "witness", 7);
        cop__pen_version(&pen);
        cop__pen_tuple(&pen, 1);
        put_ref(&pen, ref);
        stranger_ends(fd, &pen);
        cop_auto message = await(COP_KIND(cop_any));
        return (cop_alias){ theirs(7), cop_read(cop_any, message)->term.as.items[0].as.ref };
}

static void sends_through_an_alias(int fd, size_t count)
{
        cop_alias alias = alias_of_theirs(fd, 5);
        ck_assert_int_eq(cop_send_term(alias, unsayable()), COP_OK);
        ck_assert_int_eq(cop_send(alias, job, .number = 1), COP_OK);
        cop_term said = hears(fd, COP__CONTROL_ALIAS_SEND, count, "{job, 1}");
        ck_assert(cop_pid_equal(said.as.items[1].as.pid, cop_self()));
        ck_assert(cop_ref_equal(said.as.items[2].as.ref, alias.ref));
        cop_term_free(said);
}

LET_IN(an_alias_of_erlangs_is_sent_to_as_they_do, OF_ERLANG)
{
        sends_through_an_alias(fd, 3);
}

LET_IN(an_alias_of_our_kind_is_sent_to_with_its_owner, OF_OURS)
{
        sends_through_an_alias(fd, 4);
}

static void says_through_alias(int fd, cop_ref ref, bool owned)
{
        struct cop__tray tray;
        struct cop__pen pen;
        stranger_begins(&pen, &tray, COP__CONTROL_ALIAS_SEND, owned ? 4 : 3);
        stranger_pid(&pen, THEM, 7);
        cop__pen_ref(&pen, ref);
        if (owned)
                cop__pen_pid(&pen, cop_self());
        put_job(&pen, 3);
        stranger_ends(fd, &pen);
}

LET_IN(an_alias_of_ours_without_its_owner_is_nobodys, OF_OURS)
{
        cop_alias alias;
        ck_assert_int_eq(cop_alias_open(COP_ALIAS_EXPLICIT, &alias), COP_OK);
        says_through_alias(fd, alias.ref, false);
        is_all(fd);
        says_through_alias(fd, alias.ref, true);
        await_and_drop(COP_FIELD(job, number, 3));
        is_all(fd);
        ck_assert(cop_alias_close(alias));
}

LET_IN(what_is_too_deep_and_comes_through_an_alias_is_a_dead_letter, OF_OURS)
{
        struct cop__tray tray;
        struct cop__pen pen;
        cop_alias alias;
        ck_assert_int_eq(cop_alias_open(COP_ALIAS_EXPLICIT, &alias), COP_OK);
        uint64_t before = cop_dead_letter_count(cop_node_here());
        stranger_begins(&pen, &tray, COP__CONTROL_ALIAS_SEND, 4);
        stranger_pid(&pen, THEM, 7);
        cop__pen_ref(&pen, alias.ref);
        cop__pen_pid(&pen, cop_self());
        cop__pen_version(&pen);
        for (unsigned i = 0; i < COP_TERM_DEPTH_MAX + 1; i++)
                cop__pen_tuple(&pen, i < COP_TERM_DEPTH_MAX);
        stranger_ends(fd, &pen);
        is_all(fd);
        ck_assert_uint_eq(cop_dead_letter_count(cop_node_here()), before + 1);
        says_through_alias(fd, alias.ref, true);
        await_and_drop(COP_FIELD(job, number, 3));
        ck_assert(cop_alias_close(alias));
}

/* ---- Global names ----------------------------------------------------------------------------------------------- */

static void says_to_names(int fd, cop_term term)
{
        struct cop__tray tray;
        struct cop__pen pen;
        put_to(&pen, &tray, "coppice_names", strlen("coppice_names"));
        cop__pen_version(&pen);
        cop__pen_term(&pen, term);
        stranger_ends(fd, &pen);
        says_job(fd, "witness", 98); /* behind it */
        await_and_drop(COP_KIND(job));
}

/* How many lists of names have come until the server has acted on all that it has heard. */
static size_t hears_lists(int fd)
{
        size_t count = 0;
        bool is_last = false;
        cop_global_whereis("nobody");
        ck_assert_int_eq(cop_send(theirs(7), job, .number = 1), COP_OK);
        while (!is_last) {
                cop_term said, message;
                ck_assert(stranger_hears_frame(fd, &said, &message));
                count += cop_is_tuple(message, "all", 2);
                is_last = cop_is_tuple(message, "job", 2);
                cop_term_free(said);
                cop_term_free(message);
        }
        return count;
}

LET_IN(whoever_asks_again_and_again_for_all_names_in_one_list_is_told_once, OF_OURS)
{
        static cop_term items[1000];
        for (size_t i = 0; i < COP__COUNT(items); i++)
                items[i] = cop_atom("again");
        says_to_names(fd, COP_TUPLE(cop_atom("all"), cop_list_of(items, COP__COUNT(items))));
        ck_assert_uint_le(hears_lists(fd), 2); /* and once as it was met */
}

/* No text here could be that. */
LET_IN(a_global_name_with_a_nul_in_it_is_none, OF_OURS)
{
        const cop_term name = { .type = COP_TERM_ATOM, .count = 3, .as.text = "a\0b" };
        says_to_names(fd, COP_TUPLE(cop_atom("set"), name, cop_pid_term(cop_self()), cop_int(5), cop_int(0), cop_int(7)));
        hears_lists(fd);
        says_to_names(fd, COP_TUPLE(cop_atom("all"), COP_LIST(cop_atom("again"))));
        cop_global_whereis("nobody");
        cop_term said, message;
        do {
                stranger_hears_control(fd, COP__CONTROL_REG_SEND, &said, &message);
                cop_term_free(said);
        } while (!cop_is_tuple(message, "all", 2));
        ck_assert_str_eq(text_of(message), "{all, []}");
        cop_term_free(message);
}

/* ---- Orders of theirs --------------------------------------------------------------------------------------- */

static void goes_on(const job *j)
{
        cop_send(cop_to_name("witness"), job, .number = j->number);
        cop_sleep(COP_FOREVER);
}

static void takes_any(const cop_any *any)
{
        cop_send(cop_to_name("witness"), cop_any, .term = any->term);
}

static void stays(void)
{
        cop_sleep(COP_FOREVER);
}

static void make_offers(void)
{
        ck_assert_int_eq(cop_offer("goes_on", &(cop_spawn_options){ .run_with = COP_RUN_WITH(goes_on, job),
                                                                    .kind = COP_KIND_OF(job) }), COP_OK);
        ck_assert_int_eq(cop_offer("any", &(cop_spawn_options){ .run_with = COP_RUN_WITH(takes_any, cop_any),
                                                                .kind = COP_KIND_OF(cop_any) }), COP_OK);
        ck_assert_int_eq(cop_offer("shop:one", &(cop_spawn_options){ .run = stays, .name = "one" }), COP_OK);
}

/* Of their process 7, which is its own group leader. */
static void puts_order(struct cop__pen *pen, struct cop__tray *tray, bool traced, uint32_t ref, const char *module,
                       const char *function, cop_term options)
{
        stranger_begins(pen, tray, traced ? COP__CONTROL_SPAWN_REQUEST_TT : COP__CONTROL_SPAWN_REQUEST, traced ? 7 : 6);
        put_ref(pen, ref);
        stranger_pid(pen, THEM, 7);
        stranger_pid(pen, THEM, 7);
        cop__pen_tuple(pen, 3);
        cop__pen_atom(pen, module, strlen(module));
        cop__pen_atom(pen, function, strlen(function));
        cop__pen_integer(pen, 1);
        cop__pen_term(pen, options);
        if (traced)
                cop__pen_term(pen, cop_atom("token"));
}

static void says_order(int fd, uint32_t ref, const char *module, const char *function, cop_term options, cop_term arguments)
{
        struct cop__tray tray;
        struct cop__pen pen;
        puts_order(&pen, &tray, false, ref, module, function, options);
        cop__pen_version(&pen);
        cop__pen_term(&pen, arguments);
        stranger_ends(fd, &pen);
}

/* The answer to the last one. */
static cop_term hears_spawned(int fd, int64_t set_up, const char *result)
{
        cop_term said = hears(fd, COP__CONTROL_SPAWN_REPLY, 5, "[]");
        ck_assert(cop_pid_equal(said.as.items[2].as.pid, theirs(7)));
        ck_assert_int_eq(said.as.items[3].as.integer, set_up);
        if (result != NULL)
                ck_assert_str_eq(text_of(said.as.items[4]), result);
        return said;
}

static cop_pid hears_born(int fd, int64_t set_up)
{
        cop_term said = hears_spawned(fd, set_up, NULL);
        ck_assert_int_eq(said.as.items[4].type, COP_TERM_PID);
        cop_pid pid = said.as.items[4].as.pid;
        cop_term_free(said);
        return pid;
}

static void hears_refused(int fd, const char *word)
{
        cop_term_free(hears_spawned(fd, 0, word));
}

static void await_number(int64_t number)
{
        cop_auto message = await(COP_KIND(job));
        ck_assert_int_eq(cop_read(job, message)->number, number);
}

LET_IN(a_child_of_theirs_is_tied_to_its_spawner_as_it_wants, OF_ERLANG)
{
        const cop_term argument = COP_LIST(COP_TUPLE(cop_atom("job"), cop_int(5)));
        cop_process process;
        make_offers();
        says_order(fd, 1, "coppice", "goes_on", cop_nil(), argument);
        cop_pid alone = hears_born(fd, 0);
        await_number(5);
        ck_assert_int_eq(cop_process_info(alone, &process), COP_OK);
        ck_assert(cop_pid_equal(process.parent, theirs(7)));
        ck_assert_uint_eq(process.relations, 0);
        says_order(fd, 2, "coppice", "goes_on", COP_LIST(cop_atom("monitor")), argument);
        cop_pid watched = hears_born(fd, 2);
        says_order(fd, 3, "coppice", "goes_on", COP_LIST(cop_atom("link"), COP_TUPLE(cop_atom("monitor"), cop_nil())), argument);
        cop_pid both = hears_born(fd, 3);
        await_number(5);
        await_number(5);
        put_down(watched);
        hears_reason(fd, COP__CONTROL_DOWN, 5, "killed");
        ck_assert_int_eq(cop_send_exit(both, cop_atom("enough")), COP_OK);
        cop_term said, message;
        bool exited = false, down = false;
        while (!exited || !down) {
                ck_assert(stranger_hears_frame(fd, &said, &message));
                int64_t control = said.type == COP_TERM_TUPLE ? said.as.items[0].as.integer : 0;
                exited = exited || control == COP__CONTROL_EXIT;
                down = down || control == COP__CONTROL_DOWN;
                if (control == COP__CONTROL_EXIT || control == COP__CONTROL_DOWN)
                        ck_assert_str_eq(text_of(said.as.items[said.count - 1]), "enough");
                cop_term_free(said);
                cop_term_free(message);
        }
        /* And what they tell it, as to any. */
        says_order(fd, 4, "coppice", "goes_on", COP_LIST(cop_atom("link"), cop_atom("monitor")), argument);
        both = hears_born(fd, 3);
        await_number(5);
        cop_ref ref = watch(both);
        says_monitor(fd, COP__CONTROL_DEMONITOR, both, 4);
        struct cop__tray tray;
        struct cop__pen pen;
        stranger_begins(&pen, &tray, COP__CONTROL_EXIT, 4);
        stranger_pid(&pen, THEM, 7);
        cop__pen_pid(&pen, both);
        cop__pen_term(&pen, cop_atom("over"));
        stranger_ends(fd, &pen);
        await_down(ref, "over");
        put_down(alone);
        is_all(fd);
}

LET_IN(what_is_offered_here_is_known_to_erlang_by_a_module_and_a_function, OF_ERLANG)
{
        struct cop__tray tray;
        struct cop__pen pen;
        make_offers();
        says_order(fd, 1, "coppice", "any", cop_nil(), COP_LIST(cop_int(65)));
        hears_born(fd, 0);
        cop_auto number = await(COP_KIND(cop_any));
        ck_assert_str_eq(text_of(cop_read(cop_any, number)->term), "65");
        puts_order(&pen, &tray, true, 2, "coppice", "any", cop_nil()); /* traced, and with a string for a list */
        cop__pen_version(&pen);
        cop__pen_bytes(&pen, "k\0\1B", 4);
        stranger_ends(fd, &pen);
        hears_born(fd, 0);
        cop_auto traced = await(COP_KIND(cop_any));
        ck_assert_str_eq(text_of(cop_read(cop_any, traced)->term), "66");
        says_order(fd, 3, "shop", "one", cop_nil(), cop_nil());
        put_down(hears_born(fd, 0));
        is_all(fd);
}

static void hears_refusals(int fd, const char *taken)
{
        static char long_name[COP_NAME_MAX + 2];
        const cop_term none = cop_nil();
        const cop_term wrong[] = {
                cop_atom("x"), cop_string("ab"), COP_LIST(cop_atom("monitor"), cop_atom("x")), COP_LIST(COP_TUPLE(cop_atom("name"), cop_int(1))),
                COP_LIST(COP_TUPLE(cop_atom("priority"), cop_atom("high"))), COP_LIST(COP_TUPLE(cop_atom("name"), cop_atom(""))),
                COP_LIST(COP_TUPLE(cop_atom("name"), cop_atom(long_name))),
        };
        memset(long_name, 'n', sizeof(long_name) - 1);
        make_offers();
        says_order(fd, 1, "erlang", "halt", none, none);
        hears_refused(fd, "undef");
        says_order(fd, 2, "one", "shop", none, none);
        hears_refused(fd, "undef");
        says_order(fd, 3, "coppice", "goes_on", none, none);
        hears_refused(fd, "badarg");
        says_order(fd, 4, "coppice", "goes_on", none, COP_LIST(COP_TUPLE(cop_atom("job"), cop_atom("one"))));
        hears_refused(fd, "badarg");
        says_order(fd, 5, "coppice", "goes_on", none, cop_string("ab"));
        hears_refused(fd, "badarg");
        for (size_t i = 0; i < COP__COUNT(wrong); i++) {
                says_order(fd, 10 + (uint32_t)i, "shop", "one", wrong[i], none);
                hears_refused(fd, "badopt");
        }
        ck_assert_uint_eq(cop_whereis("one").bits, 0);
        says_order(fd, 20, "shop", "one", none, none);
        cop_pid one = hears_born(fd, 0);
        says_order(fd, 21, "shop", "one", none, none);
        hears_refused(fd, taken);
        says_order(fd, 22, "shop", "one", COP_LIST(COP_TUPLE(cop_atom("name"), cop_atom("two"))), none);
        hears_refused(fd, "badarg");
        put_down(one);
        is_all(fd);
}

LET_IN(what_cannot_be_spawned_is_refused_in_words_of_erlangs_and_the_connection_stays, OF_ERLANG)
{
        hears_refusals(fd, "badarg");
}

LET_IN(to_a_node_of_this_kind_more_is_said_of_a_refusal, OF_OURS)
{
        hears_refusals(fd, "name_taken");
}

/* An argument as deep as a message may be, and one deeper, which is refused and ends no connection. */
LET_IN(an_argument_of_theirs_that_is_too_deep_is_refused, OF_OURS)
{
        static const char *const words[] = { NULL, "too_deep" };
        make_offers();
        for (int more = 0; more < 2; more++) {
                struct cop__tray tray;
                struct cop__pen pen;
                puts_order(&pen, &tray, false, 1 + (uint32_t)more, "coppice", "any", cop_nil());
                cop__pen_version(&pen);
                cop__pen_bytes(&pen, "l\0\0\0\1", 5);
                for (int i = 0; i < COP_TERM_DEPTH_MAX + more; i++)
                        cop__pen_tuple(&pen, 1);
                cop__pen_bytes(&pen, "jj", 2);
                stranger_ends(fd, &pen);
                if (words[more] != NULL)
                        hears_refused(fd, words[more]);
                else
                        hears_born(fd, 0);
        }
        await_and_drop(COP_KIND(cop_any));
        is_all(fd);
}

/* A list of so many references, none of which was ever heard of. */
static void put_refs(struct cop__pen *pen, uint32_t first, uint32_t count)
{
        cop__pen_byte(pen, 108);
        cop__pen_word(pen, 4, count);
        for (uint32_t i = 0; i < count; i++)
                put_ref(pen, first + i);
        cop__pen_byte(pen, 106);
}

LET_IN(an_order_with_more_references_than_are_remembered_is_answered_under_its_own, OF_ERLANG)
{
        make_offers();
        for (uint32_t i = 0; i < 2; i++) {
                struct cop__tray tray;
                struct cop__pen pen;
                puts_order(&pen, &tray, false, 1 + i, "coppice", i == 0 ? "any" : "none", COP_LIST(cop_atom("monitor")));
                cop__pen_version(&pen);
                cop__pen_bytes(&pen, "l\0\0\0\1", 5);
                put_refs(&pen, 1000, COP__FOREIGN_REFS + 10);
                cop__pen_byte(&pen, 106);
                stranger_ends(fd, &pen);
                if (i == 1) {
                        hears_refused(fd, "undef");
                        continue;
                }
                hears_born(fd, 2);
                hears_reason(fd, COP__CONTROL_DOWN, 5, "normal");
                await_and_drop(COP_KIND(cop_any));
        }
        is_all(fd);
}

/* Whoever has its reference forgotten over what it wants: better no connection than one that waits for ever. */
LET_IN(an_order_that_cannot_be_answered_ends_the_connection, OF_ERLANG)
{
        struct cop__tray tray;
        struct cop__pen pen;
        make_offers();
        stranger_begins(&pen, &tray, COP__CONTROL_SPAWN_REQUEST, 6);
        put_ref(&pen, 1);
        stranger_pid(&pen, THEM, 7);
        stranger_pid(&pen, THEM, 7);
        cop__pen_term(&pen, COP_TUPLE(cop_atom("shop"), cop_atom("one"), cop_int(0)));
        put_refs(&pen, 1000, COP__FOREIGN_REFS + 10);
        cop__pen_version(&pen);
        cop__pen_term(&pen, cop_nil());
        stranger_ends(fd, &pen);
        stranger_is_hung_up(fd);
        ck_assert_uint_eq(cop_whereis("one").bits, 0);
}

static void ends_by_order(int fd, size_t wrong)
{
        struct cop__tray tray;
        struct cop__pen pen;
        stranger_begins(&pen, &tray, COP__CONTROL_SPAWN_REQUEST, wrong == 0 ? 5 : 6);
        if (wrong == 1)
                cop__pen_ref(&pen, (cop_ref){ 5 }); /* one of ours */
        else
                put_ref(&pen, 1);
        if (wrong == 2)
                cop__pen_pid(&pen, cop_self());
        else
                stranger_pid(&pen, THEM, 7);
        stranger_pid(&pen, THEM, 7);
        if (wrong == 3)
                cop__pen_term(&pen, COP_TUPLE(cop_atom("coppice"), cop_atom("any")));
        else if (wrong == 4)
                cop__pen_term(&pen, COP_TUPLE(cop_atom("coppice"), cop_int(1), cop_int(1)));
        else if (wrong == 5)
                cop__pen_term(&pen, COP_TUPLE(cop_atom("coppice"), cop_atom("any"), cop_atom("one")));
        else
                cop__pen_term(&pen, COP_TUPLE(cop_atom("coppice"), cop_atom("any"), cop_int(1)));
        if (wrong > 0)
                cop__pen_term(&pen, cop_nil());
        cop__pen_version(&pen);
        if (wrong == 6)
                cop__pen_tuple(&pen, 3); /* of which nothing comes */
        else
                cop__pen_term(&pen, cop_nil());
        stranger_ends(fd, &pen);
        stranger_is_hung_up(fd);
}

LET_IN(what_is_no_order_ends_the_connection, OF_ERLANG)
{
        make_offers();
        for (size_t wrong = 0; wrong <= 6; wrong++) {
                ends_by_order(fd, wrong);
                close(fd);
                fd = stranger_calls_as(port, THEM, OF_ERLANG);
                await_up();
        }
        /* One that is to be monitored under a reference that is taken. */
        says_monitor(fd, COP__CONTROL_MONITOR, cop_self(), 5);
        says_order(fd, 5, "shop", "one", COP_LIST(cop_atom("monitor")), cop_nil());
        stranger_is_hung_up(fd);
        close(fd);
        ck_assert_uint_eq(cop_whereis("one").bits, 0);
        fd = stranger_calls_as(port, THEM, OF_ERLANG);
        close(fd);
}

/* ---- Orders of ours ---------------------------------------------------------------------------------------- */

typedef struct { bool link, monitor, named; } wanted;
COP_MESSAGE(wanted, link, monitor, named);

/* Ends with what it has been answered. */
static void orders(const wanted *w)
{
        cop_ref ref = { 0 };
        cop_pid pid;
        cop_trap_exit(true);
        cop_status status = cop_spawn_at(&(cop_spawn_there){ .node = THEM, .offer = "shop:till", .link = w->link, .monitor = w->monitor,
                                                             .monitor_ref = &ref, .name = w->named ? "cashier" : NULL,
                                                             .kind = COP_KIND_OF(job), .argument = &(job){ 7 } },
                                         PATIENCE_MS, &pid);
        if (status != COP_OK)
                cop_exit(cop_int(status));
        cop_send(cop_to_name("witness"), cop_any, .term = cop_pid_term(pid));
        for (int i = 0; i < w->link + w->monitor; i++) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(cop_exited), COP_REF(cop_down, ref));
                const cop_exited *exited = cop_read(cop_exited, message);
                const cop_down *down = cop_read(cop_down, message);
                cop_send(cop_to_name("witness"), cop_any, .term = exited != NULL ? exited->reason : down->reason);
        }
}

static cop_pid begin_order(wanted w, cop_ref *ref)
{
        cop_pid pid;
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run_with = COP_RUN_WITH(orders, wanted), .kind = COP_KIND_OF(wanted),
                                                             .argument = &w, .monitor = true, .monitor_ref = ref }, &pid), COP_OK);
        return pid;
}

/* What it is under. */
static cop_ref hears_order(int fd, const char *options)
{
        cop_term said = hears(fd, COP__CONTROL_SPAWN_REQUEST, 6, "[{job, 7}]");
        ck_assert_str_eq(text_of(said.as.items[4]), "{shop, till, 1}");
        ck_assert_str_eq(text_of(said.as.items[5]), options);
        ck_assert(cop_pid_equal(said.as.items[3].as.pid, cop_whereis("net_kernel")));
        cop_ref ref = said.as.items[1].as.ref;
        cop_term_free(said);
        return ref;
}

static void says_spawned(int fd, cop_ref ref, cop_pid to, int64_t set_up, uint32_t child, const char *word, bool traced)
{
        struct cop__tray tray;
        struct cop__pen pen;
        stranger_begins(&pen, &tray, traced ? COP__CONTROL_SPAWN_REPLY_TT : COP__CONTROL_SPAWN_REPLY, traced ? 6 : 5);
        cop__pen_ref(&pen, ref);
        cop__pen_pid(&pen, to);
        cop__pen_integer(&pen, (uint64_t)set_up);
        if (word != NULL)
                cop__pen_atom(&pen, word, strlen(word));
        else
                stranger_pid(&pen, THEM, child);
        if (traced)
                cop__pen_term(&pen, cop_atom("token"));
        stranger_ends(fd, &pen);
}

/* The answer, and that the spawner is to end, at once: it has both when it goes on. */
static void says_spawned_and_kills(int fd, cop_ref ref, cop_pid to, int64_t set_up, bool kills_first)
{
        struct cop__tray both = { 0 };
        struct cop__pen frames = { .tray = &both };
        for (int i = 0; i < 2; i++) {
                struct cop__tray tray;
                struct cop__pen pen;
                bool kills = (i == 0) == kills_first;
                stranger_begins(&pen, &tray, kills ? COP__CONTROL_EXIT2 : COP__CONTROL_SPAWN_REPLY, kills ? 4 : 5);
                if (kills)
                        stranger_pid(&pen, THEM, 7);
                else
                        cop__pen_ref(&pen, ref);
                cop__pen_pid(&pen, to);
                if (kills) {
                        cop__pen_term(&pen, cop_atom("kill"));
                } else {
                        cop__pen_integer(&pen, (uint64_t)set_up);
                        stranger_pid(&pen, THEM, 9);
                }
                cop__pen_word(&frames, 4, tray.end);
                cop__pen_bytes(&frames, tray.data, tray.end);
                cop__tray_free(&tray);
        }
        stranger_sends(fd, both.data, both.end);
        cop__tray_free(&both);
}

static void says_child_ends(int fd, unsigned control, uint32_t child, cop_pid to, cop_ref ref)
{
        struct cop__tray tray;
        struct cop__pen pen;
        bool down = control == COP__CONTROL_DOWN;
        stranger_begins(&pen, &tray, control, down ? 5 : 4);
        stranger_pid(&pen, THEM, child);
        cop__pen_pid(&pen, to);
        if (down)
                cop__pen_ref(&pen, ref);
        cop__pen_term(&pen, cop_atom("boom"));
        stranger_ends(fd, &pen);
}

static void await_words(const char *words)
{
        cop_auto message = await(COP_KIND(cop_any));
        ck_assert_str_eq(text_of(cop_read(cop_any, message)->term), words);
}

/* All in one, so that the spawner has it all at once. */
LET_IN(whoever_is_spawned_and_ends_at_once_is_told_of_with_its_reason, OF_ERLANG)
{
        for (int i = 0; i < 20; i++) {
                cop_ref done;
                cop_pid pid = begin_order((wanted){ .link = true, .monitor = true }, &done);
                cop_ref ref = hears_order(fd, "[link, monitor]");
                says_spawned(fd, ref, pid, 3, 9, NULL, i % 2 == 1);
                says_child_ends(fd, COP__CONTROL_DOWN, 9, pid, ref);
                says_child_ends(fd, COP__CONTROL_EXIT, 9, pid, ref);
                await_words(text_of(cop_pid_term(theirs(9))));
                await_words("boom");
                await_words("boom");
                await_down(done, "normal");
        }
        is_all(fd);
}

LET_IN(a_refusal_of_theirs_is_a_status, OF_ERLANG)
{
        static const struct {
                const char *word;
                cop_status status;
        } words[] = {
                { "undef", COP_E_NOT_FOUND }, { "badarg", COP_E_BAD_ARGUMENT }, { "badopt", COP_E_BAD_ARGUMENT },
                { "system_limit", COP_E_LIMIT }, { "notsup", COP_E_NOT_FOUND }, { "no_memory", COP_E_NO_MEMORY },
                { "overload", COP_E_OVERLOAD }, { "stopping", COP_E_STOPPING }, { "name_taken", COP_E_NAME_TAKEN },
                { "too_deep", COP_E_TOO_DEEP }, { "too_big", COP_E_TOO_BIG }, { "whatever", COP_E_BAD_ARGUMENT },
        };
        for (size_t i = 0; i < COP__COUNT(words); i++) {
                cop_ref done;
                cop_pid pid = begin_order((wanted){ .link = true, .monitor = true, .named = true }, &done);
                says_spawned(fd, hears_order(fd, "[link, monitor, {name, cashier}]"), pid, 0, 0, words[i].word, false);
                await_down(done, text_of(cop_int(words[i].status)));
        }
        is_all(fd);
}

/* The time is over, or it has ended: what was begun for it is told to end, and what was tied is not. */
static void is_abandoned(int fd, wanted w, const char *options)
{
        cop_ref done;
        cop_pid pid = begin_order(w, &done);
        cop_ref ref = hears_order(fd, options);
        ck_assert_int_eq(cop_send_exit(pid, cop_atom("kill")), COP_OK);
        await_down(done, "killed");
        says_spawned(fd, ref, pid, w.link + 2 * w.monitor, 9, NULL, false);
        if (w.monitor)
                hears_and_drops(fd, COP__CONTROL_DEMONITOR, 4, "[]");
        hears_reason(fd, w.link ? COP__CONTROL_EXIT : COP__CONTROL_EXIT2, 4, "abandoned");
        is_all(fd);
        const struct cop__peer *peer = cop__network_here()->peers[0];
        ck_assert(COP__TSAN || peer->links.count + peer->watches.count + peer->spawning.count == 0); /* they are its connection's */
}

LET_IN(whoever_has_begun_for_nobody_is_told_to_end, OF_ERLANG)
{
        is_abandoned(fd, (wanted){ .link = true, .monitor = true }, "[link, monitor]");
        is_abandoned(fd, (wanted){ .link = true }, "[link]");
        is_abandoned(fd, (wanted){ .monitor = true }, "[monitor]");
        is_abandoned(fd, (wanted){ .link = false }, "[]");
}

/* With one worker the spawner goes on when all of it has been acted on. */
LET_IN_WITH(whoever_has_begun_for_one_that_is_just_told_to_end_is_told_to_end, OF_ERLANG, .workers = 1)
{
        for (int i = 0; i < 4; i++) {
                cop_ref done;
                wanted w = { .link = i & 1, .monitor = true };
                bool kills_first = i & 2;
                cop_pid pid = begin_order(w, &done);
                cop_ref ref = hears_order(fd, w.link ? "[link, monitor]" : "[monitor]");
                says_spawned_and_kills(fd, ref, pid, w.link + 2, kills_first);
                await_down(done, "killed");
                hears_reason(fd, w.link ? COP__CONTROL_EXIT : COP__CONTROL_EXIT2, 4, w.link && !kills_first ? "killed" : "abandoned");
                is_all(fd);
                const struct cop__peer *peer = cop__network_here()->peers[0];
                ck_assert(COP__TSAN || peer->links.count + peer->watches.count + peer->spawning.count == 0); /* they are its connection's */
        }
}

LET_IN(whoever_begins_when_the_time_is_over_is_told_to_end, OF_ERLANG)
{
        cop_pid pid = cop_self();
        for (int link = 0; link < 2; link++) {
                cop_ref ref = { 0 };
                ck_assert_int_eq(cop_spawn_at(&(cop_spawn_there){ .node = THEM, .offer = "shop:till", .kind = COP_KIND_OF(job),
                                                                  .argument = &(job){ 7 }, .link = link == 1, .monitor = true,
                                                                  .monitor_ref = &ref }, 1000, &pid), COP_E_TIMEOUT);
                ck_assert_uint_eq(ref.bits, 0);
                says_spawned(fd, hears_order(fd, link == 1 ? "[link, monitor]" : "[monitor]"), cop_self(), 3, 9, NULL, false);
                is_all(fd); /* this thread has taken it in */
                hears_and_drops(fd, COP__CONTROL_DEMONITOR, 4, "[]");
                hears_reason(fd, link == 1 ? COP__CONTROL_EXIT : COP__CONTROL_EXIT2, 4, "abandoned");
                is_all(fd);
        }
        ck_assert(cop_pid_equal(pid, cop_self()));
}

LET_IN(a_node_that_hangs_up_on_an_order_ends_it_with_no_connection, OF_ERLANG)
{
        cop_ref done;
        begin_order((wanted){ .link = true, .monitor = true }, &done);
        hears_order(fd, "[link, monitor]");
        shutdown(fd, SHUT_RDWR);
        await_down(done, text_of(cop_int(COP_E_NO_CONNECTION)));
        nothing_has_come();
}

LET_IN(a_node_that_spawns_for_nobody_has_no_such_offer, OF_ERLANG & ~COP__CAN_SPAWN)
{
        cop_ref done;
        begin_order((wanted){ .link = true, .monitor = true }, &done);
        await_down(done, text_of(cop_int(COP_E_NOT_FOUND)));
        is_all(fd);
}

/* Of one that nobody has asked for, or twice; and of an order, but not as it was meant: that ends the connection. */
LET_IN(an_answer_to_no_order_means_nothing, OF_ERLANG)
{
        cop_ref done;
        says_spawned(fd, (cop_ref){ 12345 }, cop_self(), 0, 9, NULL, false);
        says_spawned(fd, (cop_ref){ 12345 }, cop_self(), 0, 0, "undef", false);
        cop_pid pid = begin_order((wanted){ .link = false }, &done);
        cop_ref ref = hears_order(fd, "[]");
        says_spawned(fd, ref, pid, 0, 9, NULL, false);
        says_spawned(fd, ref, pid, 0, 10, NULL, false);
        await_words(text_of(cop_pid_term(theirs(9))));
        await_down(done, "normal");
        is_all(fd);
}

static void answers_wrongly(int fd, size_t wrong)
{
        struct cop__tray tray;
        struct cop__pen pen;
        cop_ref done;
        cop_pid pid = begin_order((wanted){ .link = true, .monitor = true }, &done);
        cop_ref ref = hears_order(fd, "[link, monitor]");
        stranger_begins(&pen, &tray, COP__CONTROL_SPAWN_REPLY, 5);
        if (wrong == 0)
                cop__pen_term(&pen, cop_int(1));
        else
                cop__pen_ref(&pen, ref);
        if (wrong == 1)
                cop__pen_pid(&pen, cop_self()); /* who has not asked */
        else if (wrong == 2)
                stranger_pid(&pen, THEM, 7);
        else
                cop__pen_pid(&pen, pid);
        if (wrong == 3)
                cop__pen_term(&pen, cop_atom("all"));
        else
                cop__pen_integer(&pen, wrong == 4 ? 1 : 3); /* not monitored */
        if (wrong == 5)
                cop__pen_term(&pen, cop_int(9));
        else if (wrong == 6)
                cop__pen_pid(&pen, pid); /* one of ours */
        else
                stranger_pid(&pen, THEM, 9);
        stranger_ends(fd, &pen);
        stranger_is_hung_up(fd);
        await_down(done, text_of(cop_int(COP_E_NO_CONNECTION)));
}

LET_IN(an_answer_that_is_none_ends_the_connection, OF_ERLANG)
{
        for (size_t wrong = 0; wrong <= 6; wrong++) {
                answers_wrongly(fd, wrong);
                close(fd);
                fd = stranger_calls_as(port, THEM, OF_ERLANG);
                await_up();
        }
        shutdown(fd, SHUT_RDWR);
}

/* Whoever was not asked answers in the stead of who was: it is no answer to an order. */
LET_IN(what_is_answered_to_an_order_as_to_a_call_is_nobody_spawned, OF_OURS)
{
        struct cop__tray tray;
        struct cop__pen pen;
        cop_ref done;
        cop_pid pid = begin_order((wanted){ .link = false }, &done);
        cop_ref ref = hears_order(fd, "[]");
        stranger_begins(&pen, &tray, COP__CONTROL_ALIAS_SEND, 4);
        stranger_pid(&pen, THEM, 7);
        cop__pen_ref(&pen, ref);
        cop__pen_pid(&pen, pid);
        put_job(&pen, 5);
        stranger_ends(fd, &pen);
        await_down(done, text_of(cop_int(COP_E_NO_CONNECTION)));
        says_spawned(fd, ref, pid, 0, 9, NULL, false);
        hears_reason(fd, COP__CONTROL_EXIT2, 4, "abandoned");
        is_all(fd);
}

/* What a process of Erlang's prints that was spawned from here: it waits until that is done. */
LET_IN(whoever_is_spawned_from_here_prints_in_vain_and_goes_on, OF_ERLANG)
{
        const struct {
                cop_term request;
                const char *answer;
        } cases[] = {
                { cop_atom("getopts"), "{io_reply, 5, {error, request}}" },
                { COP_TUPLE(cop_atom("put_chars"), cop_atom("unicode"), cop_string("hello")), "{io_reply, 5, ok}" },
        };
        for (size_t i = 0; i < COP__COUNT(cases); i++) {
                struct cop__tray tray;
                struct cop__pen pen;
                stranger_begins(&pen, &tray, COP__CONTROL_REG_SEND, 4);
                stranger_pid(&pen, THEM, 7);
                cop__pen_atom(&pen, "", 0);
                cop__pen_atom(&pen, "net_kernel", 10);
                cop__pen_version(&pen);
                cop__pen_tuple(&pen, 4);
                cop__pen_atom(&pen, "io_request", 10);
                stranger_pid(&pen, THEM, 9);
                cop__pen_integer(&pen, 5);
                cop__pen_term(&pen, cases[i].request);
                stranger_ends(fd, &pen);
                hears_and_drops(fd, COP__CONTROL_SEND_SENDER, 3, cases[i].answer);
        }
        is_all(fd);
}
