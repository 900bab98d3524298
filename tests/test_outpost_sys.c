/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Looking into actors in processes of their own, and holding them still: as any other. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actors/crossing.h"
#include "actors/report.h"
#include "actors/sys.h"
#include "tests/account.h"
#include "tests/failing_malloc.h"

#define IN_PROCESSES(claim) IN_NODE_WITH(claim, .processes = true)

static cop_pid start_apart(cop_spawn_options options)
{
        cop_pid pid;
        options.isolation = COP_ISOLATION_PROCESS;
        cop_status status = cop_start(&options, PATIENCE_MS, &pid);
        ck_assert_msg(status == COP_OK, "%s: %s", cop_status_text(status), text_of(cop_failure()));
        return pid;
}
#define START_APART(...) start_apart((cop_spawn_options){ __VA_ARGS__ })

static int64_t os_pid_of(cop_pid pid)
{
        cop_process process;
        ck_assert_int_eq(cop_process_info(pid, &process), COP_OK);
        return process.os_pid;
}

/* ---- State ------------------------------------------------------------------------------- */

IN_PROCESSES(the_state_is_a_term_just_as_it_is)
{
        cop_pid pid = START_APART(.server = &account_server);
        cop_send(pid, add, .number = 5);
        ck_assert_int_eq(sum_of(pid), 5);
        ck_assert_str_eq(state_of(pid), "{account, 5, \"Ada\", \"1815\"}");
}

IN_PROCESSES(the_state_can_be_replaced_and_its_texts_last)
{
        cop_pid pid = START_APART(.server = &account_server);
        for (int i = 0; i < 3; i++) {
                ck_assert_int_eq(replace(pid, "{account, 70, \"Grace\", \"1906\"}", NULL), COP_OK);
                cop_send(pid, add, .number = 7);
                ck_assert_int_eq(sum_of(pid), 77);
                ck_assert_str_eq(state_of(pid), "{account, 77, \"Grace\", \"1906\"}");
        }
}

IN_PROCESSES(a_state_that_is_none_is_refused_with_a_sentence_and_the_old_one_stays)
{
        cop_parse_error error = { 0, "" };
        cop_pid pid = START_APART(.server = &account_server);
        ck_assert_int_eq(replace(pid, "{account, lots, \"Grace\", \"\"}", &error), COP_E_MALFORMED);
        ck_assert_msg(strstr(error.text, "sum of account") != NULL, "%s", error.text);
        ck_assert_int_eq(replace(pid, "{sum, 1}", NULL), COP_E_MALFORMED);
        ck_assert_int_eq(cop_sys_replace_state(pid, PATIENCE_MS, cop_atom("\xff"), &error), COP_E_MALFORMED);
        ck_assert_msg(strstr(error.text, "no UTF-8") != NULL, "%s", error.text);
        ck_assert_str_eq(state_of(pid), "{account, 0, \"Ada\", \"1815\"}");
}

typedef struct closed {
        int64_t secret;
} closed;

static void closed_on_get(closed *self, const get *unused)
{
        (void)unused;
        cop_reply(sum, .number = self->secret);
}

COP_SERVER(closed, COP_ON(get, closed_on_get));

IN_PROCESSES(who_says_nothing_of_its_state_is_asked_in_vain)
{
        cop_term term = cop_atom("untouched");
        cop_pid pid = START_APART(.server = &closed_server);
        ck_assert_int_eq(cop_sys_get_state(pid, PATIENCE_MS, &term), COP_E_NO_KIND);
        ck_assert_int_eq(replace(pid, "{closed, 1}", NULL), COP_E_NO_KIND);
        ck_assert_str_eq(text_of(term), "untouched");
        ck_assert_str_eq(status_of(pid, "state"), "undefined");
        ck_assert_int_eq(sum_of(pid), 0);
}

typedef struct odd {
        cop_term word;
} odd;
COP_MESSAGE(odd, word);

static void odd_init(odd *self)
{
        self->word = cop_atom("\xff");
}

static void odd_on_get(odd *self, const get *unused)
{
        (void)self;
        (void)unused;
        cop_reply(sum, .number = 1);
}

COP_SERVER(odd, COP_INIT(odd_init), COP_ON(get, odd_on_get), COP_STATE(odd));

IN_PROCESSES(a_state_that_cannot_cross_is_an_error_and_everything_else_is_told)
{
        cop_term term = cop_atom("untouched");
        cop_pid pid = START_APART(.server = &odd_server);
        ck_assert_int_eq(cop_sys_get_state(pid, PATIENCE_MS, &term), COP_E_MALFORMED);
        ck_assert_str_eq(text_of(term), "untouched");
        ck_assert_str_eq(status_of(pid, "state"), "does_not_cross");
        ck_assert_str_eq(status_of(pid, "server"), "odd");
        ck_assert_int_eq(cop_sys_log(pid, PATIENCE_MS, 10), COP_OK);
        ck_assert_int_eq(sum_of(pid), 1);
        ck_assert_int_eq(cop_sys_get_log(pid, PATIENCE_MS, &term), COP_OK);
        char wanted[200];
        snprintf(wanted, sizeof(wanted), "[{in, {get, 0}, %s}, {out, {sum, 1}, %s}]",
                 text_of(cop_pid_term(cop_self())), text_of(cop_pid_term(cop_self())));
        ck_assert_str_eq(text_of(term), wanted);
        cop_term_free(term);
}

/* ---- Status ------------------------------------------------------------------------------- */

IN_PROCESSES(the_status_is_all_there_is_to_say_and_redacted)
{
        cop_pid pid = START_APART(.server = &account_server);
        cop_send(pid, add, .number = 5);
        ck_assert_int_eq(sum_of(pid), 5);
        ck_assert_str_eq(status_of(pid, "server"), "account");
        ck_assert_str_eq(status_of(pid, "status"), "running");
        ck_assert_str_eq(status_of(pid, "waits_for"), "nobody");
        ck_assert_str_eq(status_of(pid, "parent"), text_of(cop_pid_term(cop_self())));
        ck_assert_str_eq(status_of(pid, "handled"), "2");
        ck_assert_str_eq(status_of(pid, "trace"), "off");
        ck_assert_str_eq(status_of(pid, "log"), "0");
        ck_assert_str_eq(status_of(pid, "statistics"), "off");
        ck_assert_str_eq(status_of(pid, "state"), "{account, 5, \"Ada\", \"(hidden)\"}");
}

IN_PROCESSES(one_that_waits_in_its_handler_is_not_looked_at_before_that_has_ended)
{
        cop_term state;
        cop_pid pid = START_APART(.server = &account_server);
        cop_send(pid, add, .number = 3);
        cop_send(pid, stay);
        await_and_drop(COP_KIND(stay));
        ck_assert_int_eq(cop_sys_get_state(pid, 10, &state), COP_E_TIMEOUT);
        ck_assert_str_eq(status_of(pid, "status"), "waiting");
        ck_assert_str_eq(status_of(pid, "state"), "busy");
        cop_send(pid, go);
        ck_assert_str_eq(state_of(pid), "{account, 3, \"Ada\", \"1815\"}");
        nothing_has_come(); /* the late answer is dropped */
}

typedef struct relay {
        cop_pid pid;
} relay;
COP_MESSAGE(relay, pid);

static void relay_never_returns(void)
{
        cop_send(cop_parent(), stay);
        for (volatile int forever = 1; forever;)
                ;
}

IN_PROCESSES(of_one_that_computes_the_status_is_the_process_that_it_is_in)
{
        cop_term state, status;
        char wanted[40];
        cop_pid pid = START_APART(.run = relay_never_returns);
        await_and_drop(COP_KIND(stay));
        ck_assert_int_eq(cop_sys_get_state(pid, 5, &state), COP_E_TIMEOUT);
        ck_assert_int_eq(cop_sys_suspend(pid, 5), COP_E_TIMEOUT);
        ck_assert_int_eq(cop_sys_get_status(pid, 5, &status), COP_OK);
        ck_assert_str_eq(text_of(*cop_map_get(status, cop_atom("status"))), "busy");
        snprintf(wanted, sizeof(wanted), "\"process %d\"", (int)os_pid_of(pid));
        ck_assert_str_eq(text_of(*cop_map_get(status, cop_atom("in"))), wanted);
        cop_term_free(status);
        put_down(pid);
}

/* ---- Functions ------------------------------------------------------------------------------- */

typedef struct tally {
        int64_t seen, asked;
} tally;
COP_MESSAGE(tally, seen, asked);

/* Counts what it is sent; with a `go` it asks that actor for more, and waits. */
static void counts(const relay *r)
{
        tally mine = { 0, 0 };
        cop_message *message;
        while ((message = cop_receive(COP_FOREVER, COP_ANY)) != NULL) {
                cop_auto reply = NULL;
                const add *a = cop_read(add, message);
                if (a != NULL)
                        mine.seen += a->number;
                if (cop_read(stay, message) != NULL)
                        cop_sys_show(tally, &mine);
                if (cop_read(go, message) != NULL &&
                    cop_call(&reply, r->pid, COP_FOREVER, get) == COP_OK)
                        mine.asked += cop_read(sum, reply)->number;
                if (cop_read(get, message) != NULL)
                        cop_answer(message, sum, .number = mine.seen + mine.asked);
                cop_message_free(message);
        }
}

static cop_pid start_counting(cop_pid other)
{
        return START_APART(RUN_WITH(counts, relay, .pid = other));
}

IN_PROCESSES(a_function_shows_its_state_once_it_says_so_and_has_it_replaced)
{
        cop_term term;
        cop_pid pid = start_counting(cop_no_pid());
        cop_send(pid, add, .number = 2);
        ck_assert_int_eq(sum_of(pid), 2);
        ck_assert_int_eq(cop_sys_get_state(pid, PATIENCE_MS, &term), COP_E_NO_KIND);
        cop_send(pid, stay);
        ck_assert_int_eq(sum_of(pid), 2);
        ck_assert_str_eq(state_of(pid), "{tally, 2, 0}");
        ck_assert_int_eq(replace(pid, "{tally, 10, 1}", NULL), COP_OK);
        ck_assert_int_eq(sum_of(pid), 11);
        ck_assert_int_eq(replace(pid, "{tally, a, b}", NULL), COP_E_MALFORMED);
        ck_assert_str_eq(status_of(pid, "server"), "counts");
}

IN_PROCESSES(a_function_in_a_call_shows_its_state_and_is_suspended_after_it)
{
        cop_pid other = cop_spawn_server(&account_server, NULL);
        cop_pid pid = start_counting(other);
        cop_send(pid, stay);
        cop_send(other, add, .number = 30);
        ck_assert_int_eq(cop_sys_suspend(other, PATIENCE_MS), COP_OK);
        cop_send(pid, go);
        await_true(strcmp(status_of(pid, "waits_for"), text_of(cop_pid_term(other))) == 0);
        ck_assert_str_eq(status_of(pid, "status"), "waiting");
        ck_assert_str_eq(state_of(pid), "{tally, 0, 0}");
        ck_assert_int_eq(cop_sys_suspend(pid, PATIENCE_MS), COP_OK);
        ck_assert_str_eq(status_of(pid, "status"), "suspended");
        cop_send(pid, add, .number = 1);
        ck_assert_int_eq(cop_sys_resume(other, PATIENCE_MS), COP_OK);
        await_true(strcmp(state_of(pid), "{tally, 0, 30}") == 0); /* its answer has come all the same */
        ck_assert_int_eq(cop_call(NULL, pid, 5, get), COP_E_TIMEOUT);
        ck_assert_int_eq(cop_sys_resume(pid, PATIENCE_MS), COP_OK);
        ck_assert_int_eq(sum_of(pid), 31);
}

/* ---- Suspension -------------------------------------------------------------------------- */

IN_PROCESSES(a_suspended_one_handles_nothing_and_then_all_in_order)
{
        cop_pid pid = START_APART(.server = &account_server);
        cop_send(pid, add, .number = 1);
        ck_assert_int_eq(sum_of(pid), 1);
        ck_assert_int_eq(cop_sys_suspend(pid, PATIENCE_MS), COP_OK);
        ck_assert_int_eq(cop_sys_suspend(pid, PATIENCE_MS), COP_OK);
        for (int i = 0; i < 100; i++)
                cop_send(pid, add, .number = 10);
        ck_assert_int_eq(cop_call(NULL, pid, 10, get), COP_E_TIMEOUT);
        ck_assert_str_eq(state_of(pid), "{account, 1, \"Ada\", \"1815\"}");
        ck_assert_str_eq(status_of(pid, "status"), "suspended");
        ck_assert_int_ge(strtol(status_of(pid, "messages"), NULL, 10), 100);
        ck_assert_int_eq(replace(pid, "{account, 2, \"\", \"\"}", NULL), COP_OK);
        ck_assert_int_eq(cop_sys_resume(pid, PATIENCE_MS), COP_OK);
        ck_assert_int_eq(cop_sys_resume(pid, PATIENCE_MS), COP_OK);
        ck_assert_int_eq(sum_of(pid), 1002);
        ck_assert_str_eq(status_of(pid, "status"), "running");
}

IN_PROCESSES(what_waits_for_a_suspended_one_is_in_the_mailbox_with_its_limit)
{
        cop_pid pid = START_APART(.server = &account_server, .mailbox_limit = 3,
                                  .mailbox_policy = COP_MAILBOX_REJECT);
        ck_assert_int_eq(cop_sys_suspend(pid, PATIENCE_MS), COP_OK);
        for (int i = 0; i < 3; i++)
                ck_assert_int_eq(cop_send(pid, add, .number = 1), COP_OK);
        ck_assert_int_eq(cop_send(pid, add, .number = 1), COP_E_FULL);
        ck_assert_int_eq(cop_sys_resume(pid, PATIENCE_MS), COP_OK);
        await_true(strcmp(state_of(pid), "{account, 3, \"Ada\", \"1815\"}") == 0);
}

IN_PROCESSES(the_end_of_a_suspended_one_s_process_is_heard)
{
        cop_pid pid = START_APART(.server = &account_server);
        cop_ref ref = watch(pid);
        ck_assert_int_eq(cop_sys_suspend(pid, PATIENCE_MS), COP_OK);
        cop_send(pid, add, .number = 1); /* which it is looked for behind */
        ck_assert_str_eq(status_of(pid, "status"), "suspended");
        kill((pid_t)os_pid_of(pid), SIGKILL);
        await_down(ref, "{os_process, {signal, 'SIGKILL'}}");
}

static void exits_it(const relay *r)
{
        cop_send_exit(r->pid, cop_atom("boom"));
}

IN_PROCESSES(one_that_traps_obeys_its_parent_even_when_suspended_and_nobody_else)
{
        cop_pid pid = START_APART(.server = &account_server, .link = true);
        cop_ref ref = watch(pid);
        cop_send(pid, trap);
        ck_assert_int_eq(sum_of(pid), 0);
        ck_assert_int_eq(cop_sys_suspend(pid, PATIENCE_MS), COP_OK);
        cop_ref done = spawn_watched(RUN_WITH(exits_it, relay, .pid = pid));
        await_down(done, "normal");
        cop_send(pid, add, .number = 1);
        ck_assert_str_eq(status_of(pid, "status"), "suspended");
        cop_send_exit(pid, cop_atom("shutdown"));
        cop_auto message = await(COP_KIND(last));
        ck_assert_str_eq(text_of(cop_read(last, message)->reason), "shutdown");
        await_down(ref, "shutdown");
}

IN_PROCESSES(who_was_spawned_without_a_link_has_no_parent_to_obey)
{
        cop_pid pid = START_APART(.server = &account_server);
        cop_send(pid, trap);
        ck_assert_int_eq(sum_of(pid), 0);
        cop_send_exit(pid, cop_atom("holiday"));
        ck_assert_int_eq(sum_of(pid), 1); /* it is a message to it, which it counts */
}

typedef struct told {
        cop_text text;
} told;
COP_MESSAGE(told, text);

static void tells_the_state(const relay *r)
{
        cop_send(cop_parent(), told, .text = cop_text_of(state_of(r->pid)));
}

IN_PROCESSES(a_state_is_looked_at_after_the_messages_that_came_before_and_before_the_others)
{
        cop_pid pid = START_APART(.server = &account_server);
        cop_send(pid, stay);
        await_and_drop(COP_KIND(stay));
        for (int i = 0; i < 3; i++)
                cop_send(pid, add, .number = 1);
        cop_pid other = cop_spawn_with(tells_the_state, relay, .pid = pid);
        await_true(is_waiting(node, other)); /* it waits: it has asked */
        cop_send(pid, add, .number = 100);
        cop_send(pid, go);
        cop_auto message = await(COP_KIND(told));
        ck_assert_str_eq(cop_read(told, message)->text.data, "{account, 3, \"Ada\", \"1815\"}");
        ck_assert_int_eq(sum_of(pid), 103);
}

IN_PROCESSES(a_suspended_one_that_is_stopped_terminates_with_the_reason)
{
        cop_pid pid = START_APART(.server = &account_server);
        cop_ref ref = watch(pid);
        ck_assert_int_eq(cop_sys_suspend(pid, PATIENCE_MS), COP_OK);
        cop_send(pid, add, .number = 1);
        ck_assert_int_eq(cop_stop(pid, cop_atom("shutdown"), PATIENCE_MS), COP_OK);
        cop_auto message = await(COP_KIND(last));
        ck_assert_str_eq(text_of(cop_read(last, message)->reason), "shutdown");
        await_down(ref, "shutdown");
}

IN_PROCESSES(a_function_is_not_stopped_and_nothing_upgraded)
{
        cop_pid plain = start_counting(cop_no_pid());
        ck_assert_int_eq(cop_stop(plain, cop_atom("normal"), PATIENCE_MS), COP_E_BAD_ARGUMENT);
        cop_pid pid = START_APART(.server = &account_server);
        ck_assert_int_eq(cop_upgrade(pid, &account_server, PATIENCE_MS), COP_E_BAD_ARGUMENT);
        ck_assert_str_eq(state_of(pid), "{account, 0, \"Ada\", \"1815\"}");
}

/* ---- Observation ------------------------------------------------------------------------------ */

static void event_is(const char *what, const char *term, cop_pid peer)
{
        cop_auto message = await(COP_KIND(cop_sys_event));
        const cop_sys_event *event = cop_read(cop_sys_event, message);
        ck_assert_str_eq(event->what.text, what);
        ck_assert_str_eq(text_of(event->term), term);
        ck_assert(cop_pid_equal(event->peer, peer));
}

IN_PROCESSES(a_trace_tells_what_the_actor_hears_answers_and_becomes)
{
        cop_pid pid = START_APART(.server = &account_server);
        ck_assert_int_eq(cop_sys_trace(pid, PATIENCE_MS, true, pid), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_sys_trace(pid, PATIENCE_MS, true, cop_self()), COP_OK);
        ck_assert_str_eq(status_of(pid, "trace"), text_of(cop_pid_term(cop_self())));
        cop_send(pid, add, .number = 5);
        ck_assert_int_eq(sum_of(pid), 5);
        event_is("in", "{add, 5}", cop_self());
        event_is("state", "{account, 5, \"Ada\", \"(hidden)\"}", cop_no_pid());
        event_is("in", "{get, 0}", cop_self());
        event_is("out", "{sum, 5}", cop_self());
        event_is("state", "{account, 5, \"Ada\", \"(hidden)\"}", cop_no_pid());
        ck_assert_int_eq(cop_sys_trace(pid, PATIENCE_MS, false, cop_self()), COP_OK);
        ck_assert_int_eq(sum_of(pid), 5);
        nothing_has_come();
}

static void observes(const relay *r)
{
        if (cop_sys_trace(r->pid, PATIENCE_MS, true, cop_self()) == COP_OK)
                cop_send(cop_parent(), stay);
        await_and_drop(COP_KIND(cop_sys_event));
}

IN_PROCESSES(an_observer_takes_its_trace_with_it)
{
        cop_pid pid = START_APART(.server = &account_server);
        cop_ref done = spawn_watched(RUN_WITH(observes, relay, .pid = pid));
        await_and_drop(COP_KIND(stay));
        cop_send(pid, add, .number = 1);
        await_down(done, "normal");
        ck_assert_int_eq(sum_of(pid), 1);
        ck_assert_str_eq(status_of(pid, "trace"), "off");
}

IN_PROCESSES(the_log_and_the_statistics_are_of_the_actors_messages)
{
        cop_term events;
        cop_sys_statistics counts;
        char wanted[200];
        const char *me = text_of(cop_pid_term(cop_self()));
        cop_pid pid = START_APART(.server = &account_server);
        ck_assert_int_eq(cop_sys_get_statistics(pid, PATIENCE_MS, &counts), COP_E_NOT_FOUND);
        ck_assert_int_eq(cop_sys_get_log(pid, PATIENCE_MS, &events), COP_OK);
        ck_assert_int_eq(events.type, COP_TERM_NIL);
        ck_assert_int_eq(cop_sys_log(pid, PATIENCE_MS, 3), COP_OK);
        ck_assert_int_eq(cop_sys_statistics_on(pid, PATIENCE_MS, true), COP_OK);
        for (int i = 0; i < 3; i++)
                cop_send(pid, add, .number = 1);
        ck_assert_int_eq(sum_of(pid), 3);
        ck_assert_int_eq(cop_sys_get_statistics(pid, PATIENCE_MS, &counts), COP_OK);
        ck_assert_int_eq(counts.messages, 4);
        ck_assert_int_eq(counts.replies, 1);
        ck_assert_int_eq(cop_sys_get_log(pid, PATIENCE_MS, &events), COP_OK);
        snprintf(wanted, sizeof(wanted), "[{in, {get, 0}, %s}, {out, {sum, 3}, %s}, "
                                         "{state, {account, 3, \"Ada\", \"(hidden)\"}}]", me, me);
        ck_assert_str_eq(text_of(events), wanted);
        cop_term_free(events);
        ck_assert_int_eq(cop_sys_log(pid, PATIENCE_MS, 0), COP_OK);
        ck_assert_int_eq(cop_sys_statistics_on(pid, PATIENCE_MS, false), COP_OK);
        ck_assert_str_eq(status_of(pid, "log"), "0");
}

typedef struct purse {
        int64_t coins;
        cop_text secret;
} purse;
COP_MESSAGE(purse, coins, secret);

static void purse_on_add(purse *self, const add *a)
{
        self->coins += a->number;
        self->secret = cop_text_of("1815");
        if (self->coins < 0)
                cop_exit(cop_atom("overdrawn"));
}

COP_SERVER(purse, COP_ON(add, purse_on_add), COP_STATE(purse));

IN_NODE_WITH(its_crash_report_has_the_log_and_hides_what_is_secret, .processes = true,
             .secret_fields = "secret")
{
        struct cop__report report;
        cop_pid pid = START_APART(.server = &purse_server);
        ck_assert_int_eq(cop_sys_log(pid, PATIENCE_MS, 10), COP_OK);
        cop_send(pid, add, .number = 2);
        cop_send(pid, add, .number = -3);
        ck_assert(cop__report_wait(node, pid, PATIENCE_MS, &report));
        ck_assert_str_eq(report.state, "#purse{coins = -1, secret = ...}");
        ck_assert_msg(strstr(report.events, "{in, #add{number = 2}, ") != NULL &&
                              strstr(report.events, "{state, #purse{coins = 2, secret = ...}}; ") != NULL,
                      "%s", report.events);
}

/* ---- Requests in the hands of the dying ------------------------------------------------------ */

typedef struct outcome {
        int64_t status;
        cop_term failure;
} outcome;
COP_MESSAGE(outcome, status, failure);

static void asks_for_its_state(const relay *r)
{
        cop_term term;
        cop_status status = cop_sys_get_state(r->pid, COP_FOREVER, &term);
        cop_send(cop_parent(), outcome, .status = status, .failure = cop_failure());
}

/* Handed on, it is asked by somebody who waits. */
static cop_pid ask_in_vain(cop_node *node, cop_pid pid)
{
        cop_pid asker = cop_spawn_with(asks_for_its_state, relay, .pid = pid);
        await_true(is_waiting(node, asker));
        settle_with(pid);
        return asker;
}

static void outcome_is(cop_status status, const char *failure)
{
        cop_auto message = await(COP_KIND(outcome));
        ck_assert_int_eq(cop_read(outcome, message)->status, status);
        ck_assert_str_eq(text_of(cop_read(outcome, message)->failure), failure);
}

IN_PROCESSES(a_request_to_one_that_dies_with_it_is_answered_with_its_reason)
{
        cop_pid pid = START_APART(.server = &account_server);
        cop_send(pid, stay);
        await_and_drop(COP_KIND(stay));
        ask_in_vain(node, pid);
        cop_send_exit(pid, cop_atom("boom"));
        outcome_is(COP_E_DIED, "boom");
}

IN_PROCESSES(a_request_to_one_whose_process_is_killed_is_answered_with_that)
{
        cop_pid pid = START_APART(.server = &account_server);
        cop_send(pid, stay);
        await_and_drop(COP_KIND(stay));
        ask_in_vain(node, pid);
        kill((pid_t)os_pid_of(pid), SIGKILL);
        outcome_is(COP_E_DIED, "{os_process, {signal, 'SIGKILL'}}");
}

IN_PROCESSES(a_request_whose_sender_has_ended_is_answered_to_nobody)
{
        cop_pid pid = START_APART(.server = &account_server);
        cop_send(pid, stay);
        await_and_drop(COP_KIND(stay));
        put_down(ask_in_vain(node, pid));
        cop_send(pid, go);
        ck_assert_int_eq(sum_of(pid), 0);
        nothing_has_come();
}

/* ---- What is no answer -------------------------------------------------------------------------- */

enum lie { NOT_ASKED, NO_STATUS, NO_MAP, NO_MESSAGES, NO_COUNTS, NO_LIST, NO_DEED, NO_SENTENCE, NO_ANSWER,
           NO_BYTES, NO_END, A_REPLY, NO_REFERENCE, TWICE, LIES };

typedef struct liar {
        int64_t unused;
} liar;

typedef struct lie_order {
        int64_t what;
} lie_order;
COP_MESSAGE(lie_order, what);

#define SOCKET 250 /* see docs/processes.md */

static void read_all(void *to, size_t size)
{
        for (size_t got = 0; got < size;) {
                struct pollfd readable = { .fd = SOCKET, .events = POLLIN };
                poll(&readable, 1, -1);
                ssize_t more = recv(SOCKET, (char *)to + got, size - got, MSG_DONTWAIT);
                got += more > 0 ? (size_t)more : 0;
        }
}

/* The head of the request that comes next, which is sys'. */
static struct cop__crossing_packet read_request(void)
{
        struct cop__crossing_packet packet;
        char body[4096];
        read_all(&packet, sizeof(packet));
        ck_assert_int_eq(packet.type, COP__PACKET_SYS);
        ck_assert_int_le(packet.size, sizeof(body));
        read_all(body, packet.size);
        return packet;
}

static cop__sys_answer lie_of(int64_t what)
{
        static cop_term pair[2]; /* outlives this call, as what is in the answer must */
        switch (what) {
        case NO_STATUS:
                return (cop__sys_answer){ 9999, cop_nil() };
        case NO_MAP:
                return (cop__sys_answer){ COP_OK, cop_int(1) };
        case NO_MESSAGES:
                pair[0] = cop_atom("status");
                pair[1] = cop_atom("running");
                return (cop__sys_answer){ COP_OK, cop_map_of(pair, 1) };
        case NO_COUNTS:
                pair[0] = cop_int(1);
                pair[1] = cop_int(2);
                return (cop__sys_answer){ COP_OK, cop_tuple_of(pair, 2) };
        case NO_LIST:
        case NO_DEED:
                return (cop__sys_answer){ COP_OK, cop_atom("ok") };
        case NO_SENTENCE:
                return (cop__sys_answer){ COP_E_MALFORMED, cop_int(1) };
        default:
                return (cop__sys_answer){ COP_OK, cop_nil() };
        }
}

/* By hand: cop_send may give the worker away, which would read the request. */
static void say_that_it_is_there(struct cop__tray *tray)
{
        const struct cop__crossing_packet packet = { .type = COP__PACKET_SIGNAL, .signal = COP__SIGNAL_MESSAGE,
                                            .pid = cop_parent().bits };
        cop__tray_put(tray, packet, COP_KIND_OF(stay), &(stay){ 0 });
        cop__tray_flush(tray, SOCKET);
}

/* The asker waits for sys, and gets what an ordinary call would. */
static COP__NORETURN void say_reply(struct cop__tray *tray, struct cop__crossing_packet request, uint64_t ref)
{
        request = (struct cop__crossing_packet){ .type = COP__PACKET_SIGNAL, .signal = COP__SIGNAL_REPLY, .pid = request.pid, .ref = ref };
        cop__tray_put(tray, request, COP_KIND_OF(lie_order), &(lie_order){ COP_OK });
        cop__tray_flush(tray, SOCKET);
        for (;;)
                pause();
}

static void liar_on_order(liar *self, const lie_order *order)
{
        (void)self;
        struct cop__tray tray = { .data = NULL };
        say_that_it_is_there(&tray);
        struct cop__crossing_packet request = read_request();
        struct cop__crossing_packet packet = { .type = COP__PACKET_SYS_ANSWER, .ref = request.ref };
        if (order->what == A_REPLY || order->what == NO_REFERENCE)
                say_reply(&tray, request, order->what == A_REPLY ? request.ref : 0);
        cop__sys_answer answer = lie_of(order->what);
        if (order->what == NOT_ASKED)
                packet.ref++;
        cop__tray_put(&tray, packet, COP_KIND_OF(cop__sys_answer), &answer);
        if (order->what == TWICE)
                cop__tray_put(&tray, packet, COP_KIND_OF(cop__sys_answer), &answer);
        if (order->what == NO_BYTES)
                memset(tray.data + sizeof(packet), 0xc1, tray.end - sizeof(packet));
        if (order->what == NO_ANSWER) {
                cop__tray_free(&tray);
                cop__tray_put(&tray, packet, COP_KIND_OF(lie_order), order);
        }
        cop__tray_flush(&tray, SOCKET);
        for (;;)
                pause();
}

COP_SERVER(liar, COP_ON(lie_order, liar_on_order));

static cop_status ask_of(cop_pid pid, enum lie what)
{
        cop_term term;
        cop_sys_statistics counts;
        switch (what) {
        case NO_MAP:
        case NO_MESSAGES:
                return cop_sys_get_status(pid, PATIENCE_MS, &term);
        case NO_COUNTS:
                return cop_sys_get_statistics(pid, PATIENCE_MS, &counts);
        case NO_LIST:
                return cop_sys_get_log(pid, PATIENCE_MS, &term);
        case NO_SENTENCE:
                return replace(pid, "{liar, 1}", NULL);
        case NO_END:
                return cop_stop(pid, cop_atom("normal"), PATIENCE_MS);
        default:
                return cop_sys_suspend(pid, PATIENCE_MS);
        }
}

IN_PROCESSES(a_process_whose_answer_is_none_is_killed_and_the_node_goes_on)
{
        for (enum lie what = NOT_ASKED; what < LIES; what++) {
                cop_pid pid = START_APART(.server = &liar_server);
                cop_ref ref = watch(pid);
                cop_send(pid, lie_order, .what = what);
                await_and_drop(COP_KIND(stay));
                cop_status status = ask_of(pid, what);
                ck_assert_msg(status == (what == TWICE ? COP_OK : COP_E_DIED), "lie %d: %s", (int)what,
                              cop_status_text(status));
                if (status == COP_E_DIED)
                        ck_assert_str_eq(text_of(cop_failure()), "{os_process, malformed}");
                await_down(ref, "{os_process, malformed}");
        }
        ck_assert_str_eq(state_of(START_APART(.server = &account_server)),
                         "{account, 0, \"Ada\", \"1815\"}");
}

/* ---- Without memory ------------------------------------------------------------------------- */

/* Each allocation of the node's fails once: then a request does, or, at the worst, the one actor. */
IN_PROCESSES(without_memory_a_request_fails_and_the_node_does_not)
{
        if (!failing_malloc_can())
                return;
        cop_pid pid = START_APART(.server = &account_server);
        ck_assert_int_eq(sum_of(pid), 0);
        for (long n = 1;; n++) {
                cop_term term;
                fail_malloc_after(n);
                bool logged = cop_sys_log(pid, PATIENCE_MS, 10) == COP_OK;
                bool fetched = cop_sys_get_status(pid, PATIENCE_MS, &term) == COP_OK;
                bool failed = stop_failing_malloc();
                if (fetched)
                        cop_term_free(term);
                ck_assert(failed || (logged && fetched));
                if (!failed)
                        return;
                if (!cop_is_alive(pid))
                        pid = START_APART(.server = &account_server);
        }
}

typedef struct starve {
        int64_t after;
} starve;
COP_MESSAGE(starve, after);

typedef struct hungry {
        int64_t unused;
} hungry;

/* From here on its process has memory for so many requests, and no more. */
static void hungry_on_starve(hungry *self, const starve *s)
{
        (void)self;
        cop_reply(sum, .number = s->after);
        fail_malloc_after(s->after);
}

COP_SERVER(hungry, COP_ON(starve, hungry_on_starve));

/* It says so, or, if it has not even the memory to read what it is asked, it ends. */
IN_PROCESSES(a_process_without_memory_to_answer_fails_the_request_or_ends)
{
        int refused = 0;
        cop_status status = COP_E_NO_MEMORY;
        if (!failing_malloc_can())
                return;
        for (int64_t n = 1; status != COP_OK; n++) {
                cop_pid pid = START_APART(.server = &hungry_server);
                ck_assert_int_eq(cop_call(NULL, pid, PATIENCE_MS, starve, .after = n), COP_OK);
                status = cop_sys_suspend(pid, PATIENCE_MS);
                refused += status == COP_E_NO_MEMORY;
                ck_assert_msg(status == COP_OK || status == COP_E_NO_MEMORY || status == COP_E_DIED, "%s",
                              cop_status_text(status));
                if (status == COP_E_DIED)
                        ck_assert_str_eq(text_of(cop_failure()), "{os_process, {exit_status, 70}}");
                else
                        put_down(pid);
        }
        ck_assert_int_gt(refused, 0);
}
