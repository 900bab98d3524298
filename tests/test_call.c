/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Calls: each one ends, with its reply or with why there is none, and leaves nothing behind. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "tests/node_fixture.h"

typedef struct ask {
        int64_t what, number;
        cop_pid pid;
} ask;
COP_MESSAGE(ask, what, number, pid);

typedef struct answer {
        int64_t number;
} answer;
COP_MESSAGE(answer, number);

typedef struct note {
        int64_t number;
} note;
COP_MESSAGE(note, number);

typedef struct unheard {
        int64_t number;
} unheard;
COP_MESSAGE(unheard, number);

typedef struct carried {
        cop_pid pid;
        cop_ref ref;
        int64_t number;
} carried;
COP_MESSAGE(carried, pid, ref, number);

enum what {
        ECHO = 1,    /* answers number */
        ANSWER_TWICE,
        SILENT,      /* ends unanswered */
        EXIT_BEFORE, /* exits with {boom, number} */
        EXIT_AFTER,  /* answers, then exits with boom */
        DEFER,       /* takes over the duty, and forgets it */
        DEFER_EXIT,  /* takes it over, and exits when the next message comes */
        DEFER_DIE,   /* takes it over, and exits with {boom, number} */
        PASS_ON,     /* `pid` will answer */
        SUM,         /* answers with the sum of all notes so far */
        SLOW,        /* tells `pid`, if there is one, and answers once a note has come */
        RELAY,       /* calls `pid` itself, and answers with what it says */
        NOTES_AROUND, /* sends `pid` a note, answers, and sends it another */
        STRIKE,      /* answers, and sends `pid` an exit signal */
        SELF_CALL,   /* calls itself, by pid and by its name clerk, and answers with the sum of the two statuses */
};

typedef struct clerk {
        int64_t sum;
        bool doomed;
} clerk;

static void clerk_on_ask(clerk *self, const ask *a)
{
        cop_message *reply = NULL;
        cop_caller caller;
        if (self->doomed)
                cop_exit(cop_atom("doom"));
        switch (a->what) {
        case ANSWER_TWICE:
                cop_reply(answer, .number = a->number);
                cop_reply(answer, .number = a->number + 1);
                return;
        case SILENT:
                return;
        case EXIT_BEFORE:
                cop_exit(COP_TUPLE(cop_atom("boom"), cop_int(a->number)));
        case EXIT_AFTER:
                cop_reply(answer, .number = a->number);
                cop_exit(cop_atom("boom"));
        case DEFER:
                cop_defer();
                return;
        case DEFER_EXIT:
                cop_defer();
                self->doomed = true;
                return;
        case DEFER_DIE:
                cop_defer();
                cop_exit(COP_TUPLE(cop_atom("boom"), cop_int(a->number)));
        case PASS_ON:
                caller = cop_defer();
                cop_send(a->pid, carried, .pid = caller.pid, .ref = caller.ref,
                         .number = a->number);
                return;
        case SUM:
                cop_reply(answer, .number = self->sum);
                return;
        case SLOW:
                if (a->pid.bits != 0)
                        cop_send(a->pid, note, .number = 0);
                cop_message_free(cop_receive(COP_FOREVER, COP_KIND(note)));
                cop_reply(answer, .number = a->number);
                return;
        case RELAY:
                if (cop_call(&reply, a->pid, PATIENCE_MS, ask, .what = ECHO, .number = a->number) ==
                    COP_OK)
                        cop_reply(answer, .number = cop_read(answer, reply)->number + 1000);
                cop_message_free(reply);
                return;
        case NOTES_AROUND:
                cop_send(a->pid, note, .number = a->number);
                cop_reply(answer, .number = a->number);
                cop_send(a->pid, note, .number = -a->number);
                return;
        case STRIKE:
                cop_reply(answer, .number = a->number);
                cop_send_exit(a->pid, cop_atom("struck"));
                return;
        case SELF_CALL:
                cop_reply(answer, .number = cop_call(NULL, cop_self(), COP_FOREVER, ask, .what = ECHO) +
                                            cop_call(NULL, "clerk", COP_FOREVER, ask, .what = ECHO));
                return;
        default:
                cop_reply(answer, .number = a->number);
        }
}

static void clerk_on_note(clerk *self, const note *n)
{
        if (self->doomed)
                cop_exit(cop_atom("doom"));
        self->sum += n->number;
}

/* A reply that was passed on to this one. */
static void clerk_on_carried(clerk *self, const carried *c)
{
        cop_caller caller = { c->pid, c->ref };
        (void)self;
        cop_reply_to(caller, answer, .number = c->number);
}

COP_SERVER(clerk, COP_ON(ask, clerk_on_ask), COP_ON(note, clerk_on_note),
           COP_ON(carried, clerk_on_carried));

static cop_pid new_clerk(void)
{
        return cop_spawn_server(&clerk_server, NULL);
}

static int64_t call_number(cop_pid to, int64_t what, int64_t number)
{
        cop_message *reply = NULL;
        ck_assert_int_eq(cop_call(&reply, to, PATIENCE_MS, ask, .what = what, .number = number),
                         COP_OK);
        ck_assert(cop_pid_equal(cop_message_from(reply), to));
        int64_t result = cop_read(answer, reply)->number;
        cop_message_free(reply);
        return result;
}

/* ---- Replies ---------------------------------------------------------------------------- */

IN_NODE(GSV_call_01_a_call_returns_its_reply)
{
        cop_pid p = new_clerk();
        for (int64_t i = 0; i < 1000; i++)
                ck_assert_int_eq(call_number(p, ECHO, i), i);
        ck_assert_int_eq(cop_call(NULL, p, PATIENCE_MS, ask, .what = ECHO), COP_OK);
        nothing_has_come();
        put_down(p);
}

IN_NODE(a_second_reply_is_dropped)
{
        cop_pid p = new_clerk();
        ck_assert_int_eq(call_number(p, ANSWER_TWICE, 1), 1);
        ck_assert_int_eq(call_number(p, ECHO, 5), 5);
        nothing_has_come();
        put_down(p);
}

IN_NODE(GSV_call_08_a_reply_before_an_exit_is_the_reply)
{
        for (int i = 0; i < 200; i++) {
                cop_pid p = new_clerk();
                cop_ref ref = watch(p);
                ck_assert_int_eq(call_number(p, EXIT_AFTER, i), i);
                await_down(ref, "boom");
                nothing_has_come();
        }
}

IN_NODE(what_comes_around_a_reply_keeps_its_order)
{
        cop_pid p = new_clerk();
        for (int64_t i = 1; i <= 1000; i++) {
                ck_assert_int_eq(cop_call(NULL, p, PATIENCE_MS, ask, .what = NOTES_AROUND, .number = i, .pid = cop_self()),
                                 COP_OK);
                for (int sign = 1; sign >= -1; sign -= 2) {
                        cop_auto message = await(COP_KIND(note));
                        ck_assert_int_eq(cop_read(note, message)->number, sign * i);
                }
        }
        nothing_has_come();
        put_down(p);
}

static void calls_for_ever(const ask *a)
{
        for (;;)
                cop_call(NULL, a->pid, COP_FOREVER, ask, .what = STRIKE, .pid = cop_self());
}

IN_NODE(an_exit_signal_behind_a_reply_ends_who_does_nothing_but_call)
{
        cop_pid p = new_clerk();
        for (int i = 0; i < 200; i++)
                await_down(spawn_watched(RUN_WITH(calls_for_ever, ask, .pid = p)), "struck");
        put_down(p);
}

IN_NODE(GSV_call_16_what_was_sent_before_a_call_is_handled_before_it)
{
        cop_pid p = new_clerk();
        int64_t sum = 0;
        for (int64_t i = 0; i < 1000; i++) {
                cop_send(p, note, .number = i);
                sum += i;
        }
        ck_assert_int_eq(call_number(p, SUM, 0), sum);
        put_down(p);
}

IN_NODE(what_is_sent_instead_of_called_is_answered_with_an_ordinary_message)
{
        cop_pid p = new_clerk();
        ck_assert_int_eq(cop_send(p, ask, .what = ECHO, .number = 9), COP_OK);
        cop_auto message = await(COP_KIND(answer));
        ck_assert_int_eq(cop_read(answer, message)->number, 9);
        put_down(p);
}

static void answers_by_hand(void)
{
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(ask));
                cop_status status = cop_answer(message, answer,
                                               .number = cop_read(ask, message)->number);
                if (status != COP_OK)
                        cop_exit(cop_atom("no_answer"));
        }
}

IN_NODE(a_plain_actor_answers_what_it_has_received)
{
        cop_pid p = cop_spawn(answers_by_hand);
        ck_assert_int_eq(call_number(p, ECHO, 4), 4);
        ck_assert_int_eq(cop_send(p, ask, .number = 5), COP_OK);
        await_and_drop(COP_KIND(answer));
        put_down(p);
}

IN_NODE(a_call_in_a_handler_waits_without_the_worker)
{
        cop_pid first = new_clerk(), second = new_clerk();
        cop_message *reply = NULL;
        ck_assert_int_eq(cop_call(&reply, first, PATIENCE_MS, ask, .what = RELAY, .number = 1,
                                  .pid = second), COP_OK);
        ck_assert_int_eq(cop_read(answer, reply)->number, 1001);
        cop_message_free(reply);
        put_down(first);
        put_down(second);
}

IN_NODE(a_call_of_a_term_finds_its_kind)
{
        cop_pid p = new_clerk();
        cop_message *reply = NULL;
        ck_assert_int_eq(cop_call_term(&reply, p, PATIENCE_MS,
                                       COP_TUPLE(cop_atom("ask"), cop_int(ECHO), cop_int(6),
                                                 cop_pid_term(p))), COP_OK);
        ck_assert_int_eq(cop_read(answer, reply)->number, 6);
        cop_message_free(reply);
        put_down(p);
}

/* ---- No reply ------------------------------------------------------------------------------- */

IN_NODE(a_handler_that_ends_unanswered_ends_the_call)
{
        cop_pid p = new_clerk();
        ck_assert_int_eq(cop_call(NULL, p, COP_FOREVER, ask, .what = SILENT), COP_E_NO_REPLY);
        ck_assert_int_eq(cop_call(NULL, p, COP_FOREVER, note, .number = 1), COP_E_NO_REPLY);
        ck_assert_int_eq(cop_failure().type, COP_TERM_NIL);
        put_down(p);
}

IN_NODE(a_kind_that_no_handler_is_for_ends_the_call_and_that_is_the_reason)
{
        cop_pid p = new_clerk();
        cop_request request;
        ck_assert_int_eq(cop_call(NULL, p, COP_FOREVER, unheard), COP_E_NO_REPLY);
        ck_assert_str_eq(text_of(cop_failure()), "no_handler");
        ck_assert_int_eq(cop_call(NULL, p, COP_FOREVER, ask, .what = SILENT), COP_E_NO_REPLY);
        ck_assert_int_eq(cop_failure().type, COP_TERM_NIL);
        ck_assert_int_eq(cop_request_send(&request, p, unheard), COP_OK);
        ck_assert_int_eq(cop_request_await(request, PATIENCE_MS, NULL), COP_E_NO_REPLY);
        ck_assert_str_eq(text_of(cop_failure()), "no_handler");
        ck_assert_int_eq(call_number(p, ECHO, 1), 1);
        put_down(p);
}

static void frees_requests(void)
{
        for (;;)
                cop_message_free(cop_receive(COP_FOREVER, COP_KIND(ask)));
}

IN_NODE(a_request_that_is_freed_unanswered_ends_the_call)
{
        cop_pid p = cop_spawn(frees_requests);
        for (int i = 0; i < 100; i++)
                ck_assert_int_eq(cop_call(NULL, p, COP_FOREVER, ask, .what = ECHO), COP_E_NO_REPLY);
        put_down(p);
}

IN_NODE(outside_a_handler_there_is_nobody_to_reply_to)
{
        ck_assert_int_eq(cop_reply(answer, .number = 1), COP_E_NO_CALLER);
        ck_assert_uint_eq(cop_defer().pid.bits, 0);
        cop_caller nobody = { { 0 }, { 0 } };
        ck_assert_int_eq(cop_reply_to(nobody, answer, .number = 1), COP_E_NO_CALLER);
        ck_assert_uint_eq(cop_caller_of(NULL).pid.bits, 0);
        ck_assert_int_eq(cop_answer(NULL, answer, .number = 1), COP_E_NO_CALLER);
}

/* Erlang's caller exits with noproc, unless it catches that; here a call never ends its caller: its status says so. */
IN_NODE(GSV_call_04_a_dead_pid_and_an_unknown_name_end_the_call)
{
        cop_pid p = new_clerk();
        put_down(p);
        await_true(cop__info(p, PATIENCE_MS, &(cop_term){ 0 }) == COP_E_NO_ACTOR);
        ck_assert_int_eq(cop_call(NULL, p, COP_FOREVER, ask, .what = ECHO), COP_E_NO_ACTOR);
        ck_assert_int_eq(cop_call(NULL, "nobody", COP_FOREVER, ask, .what = ECHO), COP_E_NO_NAME);
        ck_assert_int_eq(cop_call(NULL, cop_no_pid(), COP_FOREVER, ask, .what = ECHO),
                         COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_call(NULL, p, -1, ask, .what = ECHO), COP_E_BAD_ARGUMENT);
}

/* Where Erlang exits with calling_self a status says so, as for all that a call ends with. */
IN_NODE(GSV_call_05_a_call_to_oneself_is_refused)
{
        ck_assert_int_eq(cop_call(NULL, cop_self(), COP_FOREVER, ask, .what = ECHO),
                         COP_E_BAD_ARGUMENT);
        nothing_has_come();
        cop_pid p = new_clerk();
        ck_assert_int_eq(cop_register("clerk", p), COP_OK);
        ck_assert_int_eq(call_number(p, SELF_CALL, 0), 2 * COP_E_BAD_ARGUMENT);
        put_down(p);
}

/* ---- The callee dies ---------------------------------------------------------------------------- */

static const char *why(void)
{
        return text_of(cop_failure());
}

IN_NODE(GSV_call_06_a_callee_that_dies_at_it_ends_the_call_with_its_reason)
{
        for (int i = 0; i < 200; i++) {
                cop_pid p = new_clerk();
                char reason[32];
                snprintf(reason, sizeof(reason), "{boom, %d}", i);
                ck_assert_int_eq(cop_call(NULL, p, COP_FOREVER, ask, .what = EXIT_BEFORE,
                                          .number = i), COP_E_DIED);
                ck_assert_str_eq(why(), reason);
        }
        nothing_has_come();
}

static void kills(const ask *a)
{
        await_and_drop(COP_KIND(note)); /* the request is being served */
        cop_send_exit(a->pid, cop_atom("kill"));
}

IN_NODE(GSV_call_07_a_callee_that_is_killed_at_it_ends_the_call_with_killed)
{
        cop_pid p = new_clerk();
        cop_pid killer = cop_spawn_with(kills, ask, .pid = p);
        ck_assert_int_eq(cop_call(NULL, p, COP_FOREVER, ask, .what = SLOW, .pid = killer), COP_E_DIED);
        ck_assert_str_eq(why(), "killed");
}

static void dies_without_looking(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(note)));
        cop_exit(cop_atom("never_looked"));
}

static void calls_and_tells(const ask *a)
{
        cop_status status = cop_call(NULL, a->pid, COP_FOREVER, ask, .what = ECHO);
        cop_exit(COP_TUPLE(cop_int(status), cop_failure()));
}

IN_NODE(a_callee_that_dies_with_the_request_unread_ends_the_call_with_its_reason)
{
        enum { CALLERS = 50 };
        cop_ref refs[CALLERS];
        cop_pid p = cop_spawn(dies_without_looking);
        for (int i = 0; i < CALLERS; i++) {
                cop_pid caller = cop_spawn_with(calls_and_tells, ask, .pid = p);
                refs[i] = watch(caller);
        }
        await_true(atoi(info_of(p, "messages")) == CALLERS);
        cop_send(p, note);
        char reason[32];
        snprintf(reason, sizeof(reason), "{%d, never_looked}", COP_E_DIED);
        for (int i = 0; i < CALLERS; i++)
                await_down(refs[i], reason);
}

IN_NODE(a_callee_that_dies_after_deferring_ends_the_call)
{
        for (int i = 0; i < 100; i++) {
                cop_pid p = new_clerk();
                cop_pid caller = cop_spawn_with(calls_and_tells, ask, .pid = p);
                cop_ref ref = watch(caller);
                put_down(caller); /* one that gave up on it leaves nothing */
                await_and_drop(COP_REF(cop_down, ref));
                cop_request given_up;
                ck_assert_int_eq(cop_request_send(&given_up, p, ask, .what = DEFER_EXIT), COP_OK);
                settle_with(p);
                ck_assert(cop_request_drop(given_up));
                ck_assert_int_eq(cop_call(NULL, p, COP_FOREVER, ask, .what = ECHO), COP_E_DIED);
                ck_assert_str_eq(why(), "doom");
        }
        nothing_has_come();
}

static void defers(const ask *a)
{
        cop_status status = cop_call(NULL, a->pid, COP_FOREVER, ask, .what = DEFER_EXIT);
        cop_exit(COP_TUPLE(cop_int(status), cop_failure()));
}

IN_NODE(who_waits_for_a_deferred_reply_hears_of_the_death_of_the_callee)
{
        cop_pid p = new_clerk();
        cop_pid caller = cop_spawn_with(defers, ask, .pid = p);
        cop_ref ref = watch(caller);
        await_true(strcmp(info_of(p, "monitored_by"), "[]") != 0);
        cop_send(p, note);
        char reason[32];
        snprintf(reason, sizeof(reason), "{%d, doom}", COP_E_DIED);
        await_down(ref, reason);
}

IN_NODE(who_defers_and_dies_at_once_ends_the_call)
{
        for (int i = 0; i < 200; i++) {
                cop_pid p = new_clerk();
                cop_send(p, ask, .what = DEFER_EXIT);
                ck_assert_int_eq(cop_call(NULL, p, COP_FOREVER, ask, .what = DEFER), COP_E_DIED);
        }
        nothing_has_come();
}

IN_NODE(who_dies_right_after_deferring_gives_its_reason)
{
        for (int i = 0; i < 500; i++) {
                char reason[32];
                snprintf(reason, sizeof(reason), "{boom, %d}", i);
                ck_assert_int_eq(cop_call(NULL, new_clerk(), COP_FOREVER, ask, .what = DEFER_DIE,
                                          .number = i), COP_E_DIED);
                ck_assert_str_eq(why(), reason);
        }
        nothing_has_come();
}

/* ---- Somebody else answers ---------------------------------------------------------------------------- */

IN_NODE(GSV_call_14_another_actor_may_answer)
{
        cop_pid p = new_clerk(), other = new_clerk();
        for (int64_t i = 0; i < 200; i++) {
                cop_message *reply = NULL;
                ck_assert_int_eq(cop_call(&reply, p, PATIENCE_MS, ask, .what = PASS_ON, .number = i,
                                          .pid = other), COP_OK);
                ck_assert_int_eq(cop_read(answer, reply)->number, i);
                ck_assert(cop_pid_equal(cop_message_from(reply), other));
                cop_message_free(reply);
        }
        nothing_has_come();
        await_true(strcmp(info_of(p, "monitored_by"), "[]") == 0);
        put_down(p);
        put_down(other);
}

/* Waits until the caller watches it, answers, and dies: reply and DOWN come together. */
static void answers_late_and_dies(void)
{
        cop_auto message = cop_receive(COP_FOREVER, COP_KIND(ask));
        cop_caller caller = cop_caller_of(message);
        while (cop__load_relaxed(&cop__actor_here()->relation_count) == 0)
                cop_yield();
        cop_reply_to(caller, answer, .number = 77);
}

static void calls_one_that_dies(const ask *a)
{
        for (int i = 0; i < 50; i++) {
                cop_message *reply = NULL;
                cop_pid p = cop_spawn(answers_late_and_dies);
                if (cop_call(&reply, p, COP_FOREVER, ask, .what = a->what) != COP_OK ||
                    cop_read(answer, reply)->number != 77)
                        cop_exit(cop_atom("no_reply"));
                cop_message_free(reply);
                cop_auto stray = cop_receive(0, COP_ANY);
                if (stray != NULL)
                        cop_exit(cop_atom(cop_message_kind(stray)->name));
        }
        cop_exit(cop_atom("clean"));
}

/* With one worker the caller runs only when both have come. */
IN_NODE_WITH(a_deferred_reply_just_before_a_death_leaves_no_down_in_the_mailbox, .workers = 1)
{
        cop_pid pid;
        cop_ref ref;
        cop_spawn_options options = { .run_with = COP_RUN_WITH(calls_one_that_dies, ask),
                                      .kind = COP_KIND_OF(ask), .argument = &(ask){ .what = ECHO },
                                      .monitor = true, .monitor_ref = &ref };
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        await_down(ref, "clean");
}

/* ---- Time-outs ---------------------------------------------------------------------------------------- */

/* Erlang's caller exits with {timeout, ...}, unless it catches that; here its status says so. */
IN_NODE(GSV_call_03_a_call_gives_up_after_its_time_and_never_before)
{
        cop_pid p = new_clerk();
        uint64_t before_ns = cop__clock_ns();
        ck_assert_int_eq(cop_call(NULL, p, 20, ask, .what = DEFER), COP_E_TIMEOUT);
        ck_assert_uint_ge(cop__clock_ns() - before_ns, 20000000);
        ck_assert_int_eq(call_number(p, ECHO, 3), 3);
        put_down(p);
}

static void calls_impatiently(const ask *a)
{
        int64_t timeouts = 0;
        for (int i = 0; i < 50; i++) {
                cop_message *reply = NULL;
                if (cop_call(&reply, a->pid, 0, ask, .what = SLOW) == COP_E_TIMEOUT)
                        timeouts++;
                cop_message_free(reply);
                cop_send(a->pid, note);
        }
        /* The answer to this comes after all the late ones. */
        cop_call(NULL, a->pid, COP_FOREVER, ask, .what = ECHO);
        cop_auto stray = cop_receive(0, COP_ANY);
        cop_exit(COP_TUPLE(cop_int(timeouts), cop_bool(stray != NULL)));
}

IN_NODE(a_late_reply_never_reaches_the_mailbox)
{
        cop_pid p = new_clerk();
        cop_ref ref = spawn_watched(RUN_WITH(calls_impatiently, ask, .pid = p));
        await_down(ref, "{50, false}");
        for (int i = 0; i < 50; i++) {
                ck_assert_int_eq(cop_call(NULL, p, 0, ask, .what = SLOW), COP_E_TIMEOUT);
                cop_send(p, note);
        }
        ck_assert_int_eq(call_number(p, ECHO, 3), 3);
        nothing_has_come();
        put_down(p);
}

IN_NODE(a_deferred_reply_that_comes_late_is_dropped_and_nobody_is_watched_any_more)
{
        cop_pid p = new_clerk(), other = new_clerk();
        int64_t before = blocks_in_use(node);
        for (int i = 0; i < 100; i++) {
                cop_status status = cop_call(NULL, p, i % 2, ask, .what = PASS_ON, .pid = other);
                ck_assert(status == COP_E_TIMEOUT || status == COP_OK);
        }
        settle_with(p);
        settle_with(other);
        nothing_has_come();
        await_true(strcmp(info_of(p, "monitored_by"), "[]") == 0);
        await_true(blocks_in_use(node) <= before + 6);
        put_down(p);
        put_down(other);
}

IN_NODE(a_caller_that_dies_while_it_waits_harms_nobody)
{
        cop_pid p = new_clerk();
        for (int i = 0; i < 200; i++) {
                cop_pid caller = cop_spawn_with(calls_and_tells, ask, .pid = p);
                put_down(caller);
        }
        ck_assert_int_eq(call_number(p, ECHO, 3), 3);
        nothing_has_come();
        put_down(p);
}

/* ---- Many ---------------------------------------------------------------------------------------------- */

static void calls_ten_times(const ask *a)
{
        for (int64_t i = 0; i < 10; i++) {
                cop_message *reply = NULL;
                int64_t number = a->number * 10 + i;
                if (cop_call(&reply, a->pid, COP_FOREVER, ask, .what = ECHO, .number = number) !=
                            COP_OK ||
                    cop_read(answer, reply)->number != number)
                        cop_exit(cop_atom("wrong"));
                cop_message_free(reply);
                cop_send(a->pid, note, .number = 1);
        }
}

/* To the right caller: GSV-call-01. */
IN_NODE(a_thousand_concurrent_callers_each_get_their_own_replies)
{
        enum { CALLERS = 1000 };
        static cop_ref refs[CALLERS];
        cop_pid p = new_clerk();
        for (int i = 0; i < CALLERS; i++)
                refs[i] = spawn_watched(RUN_WITH(calls_ten_times, ask, .pid = p, .number = i));
        for (int i = 0; i < CALLERS; i++) {
                cop_auto message = await(COP_REF(cop_down, refs[i]));
                ck_assert_str_ne(text_of(cop_read(cop_down, message)->reason), "wrong");
        }
        ck_assert_int_eq(call_number(p, SUM, 0), 10 * CALLERS);
        put_down(p);
}

struct caller_thread {
        cop_node *node;
        cop_pid to;
        int64_t number;
};

static void *call_from_thread(void *argument)
{
        struct caller_thread *thread = argument;
        ck_assert_int_eq(cop_node_enter(thread->node), COP_OK);
        for (int64_t i = 0; i < 500; i++)
                ck_assert_int_eq(call_number(thread->to, ECHO, thread->number + i),
                                 thread->number + i);
        nothing_has_come();
        cop_node_leave();
        return NULL;
}

IN_NODE(visitors_call_at_the_same_time)
{
        NEEDS_THREADS();
        enum { THREADS = 8 };
        pthread_t threads[THREADS];
        struct caller_thread arguments[THREADS];
        cop_pid p = new_clerk();
        for (int i = 0; i < THREADS; i++) {
                arguments[i] = (struct caller_thread){ node, p, i * 1000 };
                ck_assert_int_eq(pthread_create(&threads[i], NULL, call_from_thread, &arguments[i]),
                                 0);
        }
        for (int i = 0; i < THREADS; i++)
                pthread_join(threads[i], NULL);
        put_down(p);
}

/* ---- Nobody with that name -------------------------------------------------------------------- */

static void tries_until_somebody_answers(void)
{
        cop_request request;
        while (cop_call(NULL, "latecomer", COP_FOREVER, ask, .what = ECHO) == COP_E_NO_NAME ||
               cop_send("nobody at all", note) != COP_E_NO_NAME ||
               cop_request_send(&request, "nobody at all", note) != COP_E_NO_NAME)
                ;
}

/* On the only worker. */
IN_NODE_WITH(who_tries_a_name_again_and_again_lets_others_run, .workers = 1)
{
        cop_ref ref = spawn_watched(.run = tries_until_somebody_answers);
        cop_pid pid;
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .server = &clerk_server,
                                                             .name = "latecomer" }, &pid), COP_OK);
        await_down(ref, "normal");
}

/* ---- Calls that fail at once ------------------------------------------------------------------ */

typedef struct errand {
        cop_pid to;
        int64_t timeout_ms;
} errand;
COP_MESSAGE(errand, to, timeout_ms);

static uint32_t others_ran; /* atomic */

static void runs(void)
{
        cop__store_release(&others_ran, 1);
}

enum { SOME_TURNS = 4 * COP__TURN_BUDGET + 100 };

static void calls_until_others_run(const errand *e)
{
        int calls = 0;
        cop__store_release(&others_ran, 0);
        cop_spawn(runs);
        for (; !cop__load_acquire(&others_ran) && calls <= SOME_TURNS; calls++)
                if (cop_call(NULL, e->to, e->timeout_ms, ask, .what = ECHO) == COP_OK)
                        cop_exit(cop_atom("answered"));
        if (calls > SOME_TURNS)
                cop_exit(cop_atom("selfish"));
}

/* On the only worker, where nobody interrupts it; in the end another worker would stand in for that. */
IN_NODE_WITH(who_makes_calls_that_fail_at_once_lets_others_run, .workers = 1)
{
        cop_pid p = new_clerk();
        await_down(spawn_watched(RUN_WITH(calls_until_others_run, errand, .to = p, .timeout_ms = 0), .no_preempt = true),
                   "normal");
        put_down(p);
        await_down(spawn_watched(RUN_WITH(calls_until_others_run, errand, .to = p, .timeout_ms = COP_FOREVER),
                                 .no_preempt = true), "normal");
}
