/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Looking into servers that run: their state, their events, and holding them still. */
#include <coppice/preempt.h>
#include <coppice/sys.h>
#include <coppice/task.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/sys.h"
#include "tests/account.h"
#include "tests/cue.h"
#include "tests/failing_malloc.h"
#include "tests/too_deep.h"

/* Says nothing of its state. */
typedef struct closed {
        int64_t secret;
} closed;

static void closed_on_get(closed *self, const get *unused)
{
        (void)unused;
        cop_reply(sum, .number = self->secret);
}

COP_SERVER(closed, COP_ON(get, closed_on_get));

static cop_pid new_account(void)
{
        return cop_spawn_server(&account_server, NULL);
}

/* One that obeys this actor, to which it is linked. */
static cop_pid new_own_account(void)
{
        cop_pid pid;
        cop_spawn_options options = { .server = &account_server, .link = true };
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        return pid;
}

/* ---- State ----------------------------------------------------------------------------- */

IN_NODE(the_state_of_a_server_is_a_term_just_as_it_is)
{
        cop_pid pid = new_account();
        cop_send(pid, add, .number = 5);
        ck_assert_int_eq(sum_of(pid), 5);
        ck_assert_str_eq(state_of(pid), "{account, 5, \"Ada\", \"1815\"}");
}

IN_NODE(a_state_can_be_replaced_and_its_texts_last)
{
        cop_pid pid = new_account();
        for (int i = 0; i < 3; i++) {
                ck_assert_int_eq(replace(pid, "{account, 70, \"Grace\", \"1906\"}", NULL), COP_OK);
                cop_send(pid, add, .number = 7);
                ck_assert_int_eq(sum_of(pid), 77);
                ck_assert_str_eq(state_of(pid), "{account, 77, \"Grace\", \"1906\"}");
        }
}

IN_NODE(a_state_that_is_none_is_refused_with_a_sentence_and_the_old_one_stays)
{
        cop_parse_error error = { 0, "" };
        cop_pid pid = new_account();
        ck_assert_int_eq(replace(pid, "{account, lots, \"Grace\", \"\"}", &error),
                         COP_E_MALFORMED);
        ck_assert_msg(strstr(error.text, "sum of account") != NULL, "%s", error.text);
        ck_assert_int_eq(replace(pid, "{sum, 1}", NULL), COP_E_MALFORMED);
        ck_assert_str_eq(state_of(pid), "{account, 0, \"Ada\", \"1815\"}");
}

IN_NODE(a_server_that_says_nothing_of_its_state_is_asked_in_vain)
{
        cop_pid pid = cop_spawn_server(&closed_server, NULL);
        cop_term term = cop_atom("untouched");
        ck_assert_int_eq(cop_sys_get_state(pid, PATIENCE_MS, &term), COP_E_NO_KIND);
        ck_assert_int_eq(replace(pid, "{closed, 1}", NULL), COP_E_NO_KIND);
        ck_assert_str_eq(text_of(term), "untouched");
        ck_assert_str_eq(status_of(pid, "state"), "undefined");
        ck_assert_int_eq(sum_of(pid), 0);
}

IN_NODE(a_server_in_a_handler_is_not_looked_at_before_that_has_ended)
{
        cop_pid pid = new_account();
        cop_term state;
        cop_send(pid, add, .number = 3);
        cop_send(pid, stay);
        await_and_drop(COP_KIND(stay));
        ck_assert_int_eq(cop_sys_get_state(pid, 10, &state), COP_E_TIMEOUT);
        cop_send(pid, go);
        ck_assert_str_eq(state_of(pid), "{account, 3, \"Ada\", \"1815\"}");
        nothing_has_come(); /* the late answer is dropped */
}

/* ---- Whom ------------------------------------------------------------------------------ */

static void loops(void)
{
        for (;;)
                cop_message_free(cop_receive(COP_FOREVER, COP_ANY));
}

IN_NODE(the_dead_the_unknown_and_what_is_no_server_are_told_apart)
{
        cop_term term;
        cop_pid dead = new_account(), plain = cop_spawn(loops);
        put_down(dead);
        ck_assert_int_eq(cop_sys_get_state(dead, PATIENCE_MS, &term), COP_E_NO_ACTOR);
        ck_assert_int_eq(cop_sys_get_state("nobody", PATIENCE_MS, &term), COP_E_NO_NAME);
        ck_assert_int_eq(cop_stop(plain, cop_atom("normal"), PATIENCE_MS), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_upgrade(plain, &account_server, PATIENCE_MS), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_sys_get_state(plain, PATIENCE_MS, &term), COP_E_NO_KIND);
        ck_assert_int_eq(cop_sys_suspend(cop_self(), PATIENCE_MS), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_sys_suspend(plain, -1), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_sys_log(plain, PATIENCE_MS, COP_SYS_LOG_MAX + 1), COP_E_BAD_ARGUMENT);
}

TEST(outside_a_node_nobody_is_asked)
{
        ck_assert_int_eq(cop_sys_suspend("anybody", 0), COP_E_NO_NODE);
}

/* ---- Suspension -------------------------------------------------------------------------- */

IN_NODE(SYS_01_a_suspended_server_handles_nothing_and_then_all_in_order)
{
        cop_pid pid = new_account();
        ck_assert_int_eq(cop_register("account", pid), COP_OK);
        cop_send(pid, add, .number = 1);
        ck_assert_int_eq(sum_of(pid), 1);
        ck_assert_int_eq(cop_sys_suspend("account", PATIENCE_MS), COP_OK);
        ck_assert_int_eq(cop_sys_suspend("account", PATIENCE_MS), COP_OK);
        for (int i = 0; i < 100; i++)
                cop_send(pid, add, .number = 10);
        ck_assert_int_eq(cop_call(NULL, pid, 10, get), COP_E_TIMEOUT);
        ck_assert_str_eq(state_of(pid), "{account, 1, \"Ada\", \"1815\"}");
        ck_assert_str_eq(status_of(pid, "status"), "suspended");
        ck_assert_int_eq(replace(pid, "{account, 2, \"\", \"\"}", NULL), COP_OK);
        ck_assert_int_eq(cop_sys_resume("account", PATIENCE_MS), COP_OK);
        ck_assert_int_eq(cop_sys_resume("account", PATIENCE_MS), COP_OK);
        ck_assert_int_eq(sum_of(pid), 1002);
        ck_assert_str_eq(status_of(pid, "status"), "running");
}

typedef struct numbered {
        int64_t number;
} numbered;
COP_MESSAGE(numbered, number);

typedef struct echoing {
        int64_t unused;
} echoing;

static void echoing_on_numbered(echoing *self, const numbered *n)
{
        (void)self;
        cop_send(cop_parent(), numbered, .number = n->number);
}

COP_SERVER(echoing, COP_ON(numbered, echoing_on_numbered));

IN_NODE(SYS_01_what_came_before_during_and_after_is_handled_in_its_order)
{
        cop_pid pid = cop_spawn_server(&echoing_server, NULL);
        for (int64_t i = 0; i < 3000; i++) {
                if (i == 1000)
                        ck_assert_int_eq(cop_sys_suspend(pid, PATIENCE_MS), COP_OK);
                if (i == 2000)
                        ck_assert_int_eq(cop_sys_resume(pid, PATIENCE_MS), COP_OK);
                cop_send(pid, numbered, .number = i);
        }
        for (int64_t i = 0; i < 3000; i++) {
                cop_auto message = await(COP_KIND(numbered));
                ck_assert_int_eq(cop_read(numbered, message)->number, i);
        }
}

/* ---- Their place among the messages ------------------------------------------------------- */

typedef struct errand {
        int64_t what;
        cop_pid pid;
} errand;
COP_MESSAGE(errand, what, pid);

typedef struct answered {
        int64_t what, status;
        cop_text text;
} answered;
COP_MESSAGE(answered, what, status, text);

enum { SHOW = 1, REPLACE, SUSPEND, RESUME, STOP, STATUS, COUNT };

/* Asks for one thing, and tells what came of it. */
static void runs(const errand *e)
{
        cop_term term = cop_nil();
        cop_status status = COP_OK;
        switch (e->what) {
        case SHOW:
                status = cop_sys_get_state(e->pid, PATIENCE_MS, &term);
                break;
        case STATUS:
                status = cop_sys_get_status(e->pid, PATIENCE_MS, &term);
                break;
        case REPLACE:
                status = replace(e->pid, "{account, 1000, \"\", \"\"}", NULL);
                break;
        case SUSPEND:
                status = cop_sys_suspend(e->pid, PATIENCE_MS);
                break;
        case RESUME:
                status = cop_sys_resume(e->pid, PATIENCE_MS);
                break;
        case STOP:
                status = cop_stop(e->pid, cop_atom("normal"), PATIENCE_MS);
                break;
        default:
                status = cop_sys_statistics_on(e->pid, PATIENCE_MS, true);
        }
        const char *text = text_of(term);
        if (status == COP_OK)
                cop_term_free(term);
        cop_send(cop_parent(), answered, .what = e->what, .status = status, .text = cop_text_of(text));
}

/* It is asked, and the request is behind all that is in its mailbox, which the count says. */
static void ask_in_its_turn(cop_node *node, cop_pid pid, int64_t what, uint32_t behind)
{
        cop_spawn_with(runs, errand, .what = what, .pid = pid);
        await_true(cop__load_relaxed(&cop__slot_of(node, pid)->mailbox.count) == behind + 1);
}

static cop_pid stays_with_mail(cop_node *node, unsigned count)
{
        cop_pid pid = new_account();
        cop_send(pid, stay);
        await_and_drop(COP_KIND(stay));
        for (unsigned i = 0; i < count; i++)
                cop_send(pid, add, .number = 1);
        await_true(cop__load_relaxed(&cop__slot_of(node, pid)->mailbox.count) == count);
        return pid;
}

static void await_done(int64_t what, const char *text)
{
        cop_auto message = await(COP_FIELD(answered, what, what));
        ck_assert_int_eq(cop_read(answered, message)->status, COP_OK);
        ck_assert_str_eq(cop_read(answered, message)->text.data, text);
}

IN_NODE(a_state_is_looked_at_and_replaced_after_the_messages_that_came_before)
{
        cop_pid pid = stays_with_mail(node, 3);
        ask_in_its_turn(node, pid, SHOW, 3);
        cop_send(pid, add, .number = 100);
        await_true(cop__load_relaxed(&cop__slot_of(node, pid)->mailbox.count) == 5);
        ask_in_its_turn(node, pid, REPLACE, 5);
        cop_send(pid, add, .number = 7);
        cop_send(pid, go);
        await_done(SHOW, "{account, 3, \"Ada\", \"1815\"}");
        await_done(REPLACE, "[]");
        ck_assert_int_eq(sum_of(pid), 1007);
}

IN_NODE(SYS_01_what_came_before_a_suspension_is_handled_before_it_and_what_came_after_is_not)
{
        cop_pid pid = stays_with_mail(node, 3);
        ask_in_its_turn(node, pid, SUSPEND, 3);
        cop_send(pid, add, .number = 100);
        cop_send(pid, go);
        await_done(SUSPEND, "[]");
        ck_assert_str_eq(state_of(pid), "{account, 3, \"Ada\", \"1815\"}");
        ck_assert_int_eq(cop_sys_resume(pid, PATIENCE_MS), COP_OK);
        ck_assert_int_eq(sum_of(pid), 103);
}

IN_NODE(SYS_01_one_that_is_suspended_does_what_else_it_was_asked_without_the_messages_in_between)
{
        cop_pid pid = stays_with_mail(node, 1);
        ask_in_its_turn(node, pid, SUSPEND, 1);
        cop_send(pid, add, .number = 100);
        await_true(cop__load_relaxed(&cop__slot_of(node, pid)->mailbox.count) == 3);
        ask_in_its_turn(node, pid, SHOW, 3);
        ask_in_its_turn(node, pid, RESUME, 4);
        cop_send(pid, go);
        await_done(SUSPEND, "[]");
        await_done(SHOW, "{account, 1, \"Ada\", \"1815\"}");
        await_done(RESUME, "[]");
        ck_assert_int_eq(sum_of(pid), 101);
}

IN_NODE(SYS_01_what_is_behind_the_end_of_a_suspension_keeps_its_place)
{
        cop_pid pid = stays_with_mail(node, 1);
        ask_in_its_turn(node, pid, SUSPEND, 1);
        cop_send(pid, add, .number = 10);
        await_true(cop__load_relaxed(&cop__slot_of(node, pid)->mailbox.count) == 3);
        ask_in_its_turn(node, pid, RESUME, 3);
        ask_in_its_turn(node, pid, SHOW, 4);
        cop_send(pid, add, .number = 100);
        cop_send(pid, go);
        await_done(SUSPEND, "[]");
        await_done(RESUME, "[]");
        await_done(SHOW, "{account, 11, \"Ada\", \"1815\"}");
        ck_assert_int_eq(sum_of(pid), 111);
}

IN_NODE(what_is_answered_while_a_handler_waits_does_not_wait_for_the_messages)
{
        cop_pid pid = stays_with_mail(node, 3);
        ask_in_its_turn(node, pid, SHOW, 3);
        ck_assert_int_eq(cop_sys_statistics_on(pid, PATIENCE_MS, true), COP_OK);
        ck_assert_str_eq(status_of(pid, "status"), "waiting");
        ck_assert_str_eq(status_of(pid, "state"), "busy");
        cop_send(pid, go);
        await_done(SHOW, "{account, 3, \"Ada\", \"1815\"}");
}

typedef struct greedy {
        int64_t count;
} greedy;
COP_MESSAGE(greedy, count);

/* Receives in its handler whatever there is: a message before a request, and one behind it. */
static void greedy_picks(greedy *self, const stay *unused)
{
        (void)unused;
        cop_send(cop_parent(), stay);
        await_and_drop(COP_KIND(go));
        for (int i = 0; i < 2; i++) {
                cop_auto message = cop_receive(COP_FOREVER, COP_ANY);
                const add *a = cop_read(add, message);
                ck_assert(a != NULL);
                self->count = self->count * 10 + a->number;
        }
}

typedef greedy picky;
COP_SERVER(picky, COP_ON(stay, greedy_picks), COP_STATE(greedy));

IN_NODE(a_receive_for_anything_passes_over_what_sys_asks)
{
        cop_pid pid = cop_spawn_server(&picky_server, NULL);
        cop_send(pid, stay);
        await_and_drop(COP_KIND(stay));
        cop_send(pid, add, .number = 1);
        await_true(cop__load_relaxed(&cop__slot_of(node, pid)->mailbox.count) == 1);
        ask_in_its_turn(node, pid, SHOW, 1);
        cop_send(pid, add, .number = 2);
        cop_send(pid, go);
        await_done(SHOW, "{greedy, 12}");
}

/* Sends itself, at the end of a handler, what sys would send: so it comes between two. */
static void asks_itself(greedy *self, const errand *e)
{
        cop__sys_request request = { .what = COP__SYS_COUNT, .number = 1 };
        struct cop__signal *signal;
        (void)self;
        cop_send(cop_parent(), stay);
        await_and_drop(COP_KIND(go));
        struct cop__thread *thread = cop__thread_here();
        ck_assert_int_eq(cop__signal_message(&thread->pool, COP_KIND_OF(cop__sys_request), &request, &signal), COP_OK);
        signal->type = COP__SIGNAL_SYS;
        signal->from = e->pid;
        signal->ref = cop_ref_new();
        cop__send_signal(thread, cop_self(), signal);
}

typedef greedy odd;
COP_SERVER(odd, COP_ON(errand, asks_itself), COP_ON(stay, greedy_picks), COP_STATE(greedy));

/* The search of the second handler has come as far as the request when that is taken out of the mailbox. */
IN_NODE(a_request_between_two_handlers_is_answered_as_soon_as_the_second_waits)
{
        cop_sys_statistics statistics;
        cop_pid pid = cop_spawn_server(&odd_server, NULL);
        ck_assert_int_eq(cop_sys_log(pid, PATIENCE_MS, 1), COP_OK); /* one that is observed takes in all between two */
        cop_send(pid, errand, .pid = cop_self());
        await_and_drop(COP_KIND(stay));
        cop_send(pid, stay);
        await_true(cop__load_relaxed(&cop__slot_of(node, pid)->mailbox.count) == 1);
        cop_send(pid, add, .number = 3);
        await_true(cop__load_relaxed(&cop__slot_of(node, pid)->mailbox.count) == 2);
        cop_send(pid, go);
        await_and_drop(COP_KIND(stay));
        await_true(cop_sys_get_statistics(pid, PATIENCE_MS, &statistics) == COP_OK);
        cop_send(pid, go);
        cop_send(pid, add, .number = 4);
        ck_assert_str_eq(state_of(pid), "{greedy, 34}");
}

IN_NODE(a_request_that_waits_among_the_messages_is_answered_when_the_server_dies)
{
        cop_pid pid = stays_with_mail(node, 3);
        ask_in_its_turn(node, pid, SHOW, 3);
        cop_send_exit(pid, cop_atom("boom"));
        cop_auto message = await(COP_KIND(answered));
        ck_assert_int_eq(cop_read(answered, message)->status, COP_E_DIED);
}

IN_NODE(SYS_04_an_exit_signal_ends_a_suspended_server)
{
        cop_pid pid = new_account();
        cop_ref ref = watch(pid);
        ck_assert_int_eq(cop_sys_suspend(pid, PATIENCE_MS), COP_OK);
        cop_send_exit(pid, cop_atom("boom"));
        await_down(ref, "boom");
}

typedef struct relay {
        cop_pid pid;
} relay;
COP_MESSAGE(relay, pid);

static void exits_it(const relay *r)
{
        cop_send_exit(r->pid, cop_atom("boom"));
}

IN_NODE(SYS_04_one_that_traps_obeys_its_parent_even_when_suspended_and_nobody_else)
{
        cop_pid pid = new_own_account();
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

static void suspends_it(const relay *r)
{
        if (cop_sys_suspend(r->pid, PATIENCE_MS) == COP_OK)
                cop_exit(cop_atom("suspended"));
}

IN_NODE(SYS_04_an_order_of_the_parent_that_waited_when_it_was_suspended_is_obeyed)
{
        cop_pid pid = new_own_account();
        cop_ref ref = watch(pid);
        cop_send(pid, trap);
        cop_send(pid, stay);
        await_and_drop(COP_KIND(stay));
        cop_pid other = cop_spawn_with(suspends_it, relay, .pid = pid);
        cop_ref done = watch(other);
        await_true(is_waiting(node, other)); /* it waits: it has asked */
        cop_send_exit(pid, cop_atom("shutdown"));
        settle_with(pid); /* both wait, the order in the mailbox */
        cop_send(pid, go);
        await_down(done, "suspended");
        await_down(ref, "shutdown");
}

IN_NODE(a_request_whose_time_is_over_is_not_carried_out_but_a_stop_is)
{
        cop_pid pid = new_account();
        cop_send(pid, stay);
        await_and_drop(COP_KIND(stay));
        ck_assert_int_eq(cop_sys_suspend(pid, 0), COP_E_TIMEOUT);
        ck_assert_int_eq(cop_sys_statistics_on(pid, PATIENCE_MS, true), COP_OK); /* is answered in the middle of it */
        cop_send(pid, go);
        ck_assert_int_eq(sum_of(pid), 0);
        ck_assert_str_eq(status_of(pid, "status"), "running");
        cop_send(pid, stay);
        await_and_drop(COP_KIND(stay));
        ck_assert_int_eq(cop_stop(pid, cop_atom("normal"), 0), COP_E_TIMEOUT);
        cop_ref ref = watch(pid);
        cop_send(pid, go);
        await_down(ref, "normal");
}

typedef struct loyal {
        int64_t unused;
} loyal;

static void loyal_init(loyal *self)
{
        (void)self;
        cop_trap_exit(true);
        ck_assert_int_eq(cop_link_priority(cop_parent()), COP_OK);
}

COP_SERVER(loyal, COP_INIT(loyal_init));

static void starts_a_loyal_one(void)
{
        cop_pid pid;
        cop_spawn_options options = { .server = &loyal_server, .link = true };
        ck_assert_int_eq(cop_start(&options, PATIENCE_MS, &pid), COP_OK);
        cop_send(cop_parent(), relay, .pid = pid);
        await_and_drop(COP_KIND(go));
        cop_exit(cop_atom("bye"));
}

IN_NODE(SYS_04_the_end_of_the_parent_is_obeyed_even_if_its_signal_overtakes_what_waits)
{
        cop_pid parent = cop_spawn(starts_a_loyal_one);
        cop_auto message = await(COP_KIND(relay));
        cop_pid pid = cop_read(relay, message)->pid;
        cop_ref ref = watch(pid);
        ck_assert_int_eq(cop_sys_suspend(pid, PATIENCE_MS), COP_OK);
        cop_send(pid, go);
        ck_assert_str_eq(status_of(pid, "status"), "suspended");
        await_true(cop__queue_is_asleep(&cop__slot_of(node, pid)->queue));
        cop_send(parent, go);
        await_down(ref, "bye");
}

IN_NODE(SYS_05_a_suspended_server_that_is_stopped_terminates_with_the_reason)
{
        cop_pid pid = new_account();
        cop_ref ref = watch(pid);
        ck_assert_int_eq(cop_sys_suspend(pid, PATIENCE_MS), COP_OK);
        cop_send(pid, add, .number = 1);
        ck_assert_int_eq(cop_stop(pid, cop_atom("shutdown"), PATIENCE_MS), COP_OK);
        cop_auto message = await(COP_KIND(last));
        ck_assert_str_eq(text_of(cop_read(last, message)->reason), "shutdown");
        await_down(ref, "shutdown");
}

typedef struct drowsy {
        int64_t unused;
} drowsy;

static void drowsy_init(drowsy *self)
{
        (void)self;
        cop_idle_after(30);
}

static void drowsy_idles(drowsy *self)
{
        (void)self;
        cop_send(cop_parent(), go);
}

COP_SERVER(drowsy, COP_INIT(drowsy_init), COP_IDLE(drowsy_idles));

IN_NODE(a_suspended_server_is_not_idle_and_its_time_begins_anew)
{
        cop_pid pid = cop_spawn_server(&drowsy_server, NULL);
        ck_assert_int_eq(cop_sys_suspend(pid, PATIENCE_MS), COP_OK);
        cop_message_free(cop_receive(0, COP_KIND(go))); /* a loaded machine may have been late */
        cop_ref timer;
        cop_send_after(&timer, 60, cop_self(), stay);
        await_and_drop(COP_KIND(stay));
        settle_with(pid);
        nothing_has_come();
        ck_assert_int_eq(cop_sys_resume(pid, PATIENCE_MS), COP_OK);
        await_and_drop(COP_KIND(go));
}

/* ---- Events ------------------------------------------------------------------------------- */

static void hear(cop_pid pid, const char *what, const char *term)
{
        cop_auto message = await(COP_KIND(cop_sys_event));
        const cop_sys_event *event = cop_read(cop_sys_event, message);
        ck_assert(cop_pid_equal(event->pid, pid));
        ck_assert_str_eq(event->what.text, what);
        ck_assert_str_eq(text_of(event->term), term);
        if (strcmp(what, "state") != 0)
                ck_assert(cop_pid_equal(event->peer, cop_self()));
}

IN_NODE(SYS_06_a_trace_tells_an_observer_of_messages_replies_and_the_redacted_state)
{
        cop_pid pid = new_account();
        ck_assert_int_eq(cop_sys_trace(pid, PATIENCE_MS, true, cop_self()), COP_OK);
        ck_assert_str_eq(status_of(pid, "trace"), text_of(cop_pid_term(cop_self())));
        cop_send(pid, add, .number = 5);
        ck_assert_int_eq(sum_of(pid), 5);
        hear(pid, "in", "{add, 5}");
        hear(pid, "state", "{account, 5, \"Ada\", \"(hidden)\"}");
        hear(pid, "in", "{get, 0}");
        hear(pid, "out", "{sum, 5}");
        hear(pid, "state", "{account, 5, \"Ada\", \"(hidden)\"}");
        ck_assert_int_eq(cop_sys_trace(pid, PATIENCE_MS, false, cop_self()), COP_OK);
        ck_assert_str_eq(status_of(pid, "trace"), "off");
        ck_assert_int_eq(sum_of(pid), 5);
        nothing_has_come();
}

static void observes_one(const relay *r)
{
        if (cop_sys_trace(r->pid, PATIENCE_MS, true, cop_self()) == COP_OK)
                cop_send(cop_parent(), go);
        await_and_drop(COP_KIND(cop_sys_event));
}

IN_NODE(SYS_06_the_end_of_an_observer_is_the_end_of_its_trace)
{
        cop_pid pid = new_account();
        cop_ref ref = spawn_watched(RUN_WITH(observes_one, relay, .pid = pid));
        await_and_drop(COP_KIND(go));
        ck_assert_int_eq(sum_of(pid), 0);
        await_down(ref, "normal");
        ck_assert_int_eq(sum_of(pid), 0);
        ck_assert_int_eq(sum_of(pid), 0);
        ck_assert_str_eq(status_of(pid, "trace"), "off");
        ck_assert_uint_eq(cop__slot_of(node, pid)->aside, 0); /* the short way again */
}

IN_NODE(SYS_06_a_server_cannot_observe_itself)
{
        cop_pid pid = new_account();
        ck_assert_int_eq(cop_sys_trace(pid, PATIENCE_MS, true, pid), COP_E_BAD_ARGUMENT);
}

IN_NODE(an_observer_on_another_node_is_refused_and_does_not_end_the_trace_that_there_is)
{
        cop_pid pid = new_account(), elsewhere = { cop_self().bits | UINT64_C(1) << COP__PID_NODE_SHIFT };
        ck_assert_int_eq(cop_sys_trace(pid, PATIENCE_MS, true, elsewhere), COP_E_NOT_LOCAL);
        ck_assert_str_eq(status_of(pid, "trace"), "off");
        ck_assert_int_eq(cop_sys_trace(pid, PATIENCE_MS, true, cop_self()), COP_OK);
        ck_assert_int_eq(cop_sys_trace(pid, PATIENCE_MS, true, elsewhere), COP_E_NOT_LOCAL);
        ck_assert_int_eq(sum_of(pid), 0);
        hear(pid, "in", "{get, 0}");
        ck_assert_str_eq(status_of(pid, "trace"), text_of(cop_pid_term(cop_self())));
        ck_assert_int_eq(cop_sys_trace(pid, PATIENCE_MS, false, elsewhere), COP_OK);
        ck_assert_str_eq(status_of(pid, "trace"), "off");
}

static char traced[16][256];
static unsigned trace_count;

static void log_trace(void *context, cop_log_level level, const char *text)
{
        (void)context;
        (void)level;
        unsigned at = __atomic_fetch_add(&trace_count, 1, __ATOMIC_RELAXED);
        if (at < COP__COUNT(traced))
                snprintf(traced[at], sizeof(traced[at]), "%s", text);
}

IN_NODE_WITH(SYS_06_a_trace_without_an_observer_goes_to_the_log, .log = log_trace)
{
        char expected[256], self[COP_ID_TEXT_MAX], me[COP_ID_TEXT_MAX];
        cop_pid pid = new_account();
        cop_pid_print(pid, self);
        cop_pid_print(cop_self(), me);
        ck_assert_int_eq(cop_sys_trace(pid, PATIENCE_MS, true, cop_no_pid()), COP_OK);
        ck_assert_str_eq(status_of(pid, "trace"), "log");
        ck_assert_int_eq(sum_of(pid), 0);
        ck_assert_int_eq(cop_sys_trace(pid, PATIENCE_MS, false, cop_no_pid()), COP_OK);
        ck_assert_uint_eq(trace_count, 3);
        snprintf(expected, sizeof(expected), "trace: account %s in #get{unused = 0}, from %s", self,
                 me);
        ck_assert_str_eq(traced[0], expected);
        snprintf(expected, sizeof(expected), "trace: account %s out #sum{number = 0}, to %s", self,
                 me);
        ck_assert_str_eq(traced[1], expected);
        ck_assert_ptr_nonnull(strstr(traced[2], "state #account{sum = 0"));
}

static const char *log_of(cop_pid pid)
{
        static char text[4096];
        cop_term events;
        ck_assert_int_eq(cop_sys_get_log(pid, PATIENCE_MS, &events), COP_OK);
        cop_term_print(events, NULL, text, sizeof(text));
        cop_term_free(events);
        return text;
}

IN_NODE(what_is_too_deep_for_a_log_is_there_without_its_depth)
{
        char expected[512], me[COP_ID_TEXT_MAX];
        cop_pid pid = cop_spawn_server(&closed_server, NULL);
        cop_pid_print(cop_self(), me);
        ck_assert_int_eq(cop_sys_log(pid, PATIENCE_MS, 4), COP_OK);
        for (size_t i = 0; i < 4; i++)
                ck_assert_int_eq(cop_send(pid, cop_any, nested_in(COP_TERM_DEPTH_MAX - i)), COP_OK);
        settle_with(pid);
        snprintf(expected, sizeof(expected), "{in, too_deep, %s}, {in, {cop_any, ", me);
        const char *text = log_of(pid);
        ck_assert_msg(strstr(text, expected) != NULL, "%s", text);
        put_down(pid);
}

IN_NODE(SYS_06_a_log_keeps_the_last_events_and_can_be_removed)
{
        char me[COP_ID_TEXT_MAX], expected[512];
        cop_pid pid = cop_spawn_server(&closed_server, NULL);
        cop_pid_print(cop_self(), me);
        ck_assert_str_eq(log_of(pid), "[]");
        ck_assert_int_eq(cop_sys_log(pid, PATIENCE_MS, 3), COP_OK);
        ck_assert_str_eq(log_of(pid), "[]");
        for (int i = 0; i < 2; i++)
                ck_assert_int_eq(sum_of(pid), 0);
        snprintf(expected, sizeof(expected), "[{out, {sum, 0}, %s}, {in, {get, 0}, %s}, "
                                             "{out, {sum, 0}, %s}]", me, me, me);
        ck_assert_str_eq(log_of(pid), expected);
        ck_assert_str_eq(status_of(pid, "log"), "3");
        ck_assert_int_eq(cop_sys_log(pid, PATIENCE_MS, 0), COP_OK);
        ck_assert_str_eq(log_of(pid), "[]");
        ck_assert_int_eq(sum_of(pid), 0);
        ck_assert_uint_eq(cop__slot_of(node, pid)->aside, 0);
}

IN_NODE(SYS_06_statistics_count_messages_and_replies_while_they_are_on)
{
        cop_sys_statistics statistics;
        cop_pid pid = new_account();
        ck_assert_int_eq(cop_sys_get_statistics(pid, PATIENCE_MS, &statistics), COP_E_NOT_FOUND);
        ck_assert_int_eq(cop_sys_statistics_on(pid, PATIENCE_MS, true), COP_OK);
        for (int i = 0; i < 5; i++)
                cop_send(pid, add, .number = 1);
        ck_assert_int_eq(sum_of(pid), 5);
        ck_assert_int_eq(cop_sys_get_statistics(pid, PATIENCE_MS, &statistics), COP_OK);
        ck_assert_int_eq(statistics.messages, 6);
        ck_assert_int_eq(statistics.replies, 1);
        ck_assert_int_ge(statistics.counted_ms, 0);
        ck_assert_int_eq(cop_sys_statistics_on(pid, PATIENCE_MS, false), COP_OK);
        ck_assert_int_eq(cop_sys_get_statistics(pid, PATIENCE_MS, &statistics), COP_E_NOT_FOUND);
        ck_assert_str_eq(status_of(pid, "statistics"), "off");
        ck_assert_uint_eq(cop__slot_of(node, pid)->aside, 0);
}

static void counts_events(void)
{
        for (int64_t events = 0;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(cop_sys_event), COP_KIND(get));
                if (cop_read(get, message) != NULL)
                        cop_answer(message, sum, .number = events);
                else
                        events++;
        }
}

IN_NODE(SYS_06_what_is_observed_behaves_as_ever_and_leaves_nothing_when_it_dies)
{
        int64_t before = blocks_in_use(node);
        cop_pid pid = new_account(), observer = cop_spawn(counts_events);
        int64_t expected = 0;
        cop_term status;
        ck_assert_int_eq(cop_sys_trace(pid, PATIENCE_MS, true, observer), COP_OK);
        for (int64_t i = 0; i < 2000; i++) {
                if (i % 100 == 0)
                        ck_assert_int_eq(cop_sys_log(pid, PATIENCE_MS, (uint32_t)(i / 100)), COP_OK);
                if (i % 300 == 0)
                        ck_assert_int_eq(cop_sys_statistics_on(pid, PATIENCE_MS, i % 600 == 0),
                                         COP_OK);
                cop_send(pid, add, .number = i);
                expected += i;
        }
        ck_assert_int_eq(sum_of(pid), expected);
        ck_assert_int_eq(cop_sys_get_status(pid, PATIENCE_MS, &status), COP_OK);
        cop_term_free(status);
        ck_assert_int_ge(sum_of(observer), 2 * 2000 + 3); /* 2,000 messages, a call, a reply, and a state after each */
        put_down(pid);
        int64_t heard = sum_of(observer);
        cop_send(pid, add, .number = 1);
        ck_assert_int_eq(sum_of(observer), heard);
        put_down(observer);
        nothing_has_come();
        await_true(blocks_in_use(node) <= before);
}

/* ---- Status ------------------------------------------------------------------------------- */

IN_NODE(the_status_is_all_there_is_to_say_and_redacted)
{
        cop_pid pid = new_account();
        ck_assert_str_eq(status_of(pid, "server"), "account");
        ck_assert_str_eq(status_of(pid, "status"), "running");
        ck_assert_str_eq(status_of(pid, "parent"), text_of(cop_pid_term(cop_self())));
        ck_assert_str_eq(status_of(pid, "messages"), "0");
        ck_assert_str_eq(status_of(pid, "trace"), "off");
        ck_assert_str_eq(status_of(pid, "log"), "0");
        ck_assert_str_eq(status_of(pid, "statistics"), "off");
        ck_assert_str_eq(status_of(pid, "state"), "{account, 0, \"Ada\", \"(hidden)\"}");
}

/* ---- Without memory ------------------------------------------------------------------------- */

IN_NODE(without_memory_a_request_fails_and_the_server_does_not)
{
        if (!failing_malloc_can())
                return;
        cop_pid pid = new_account();
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
                ck_assert_int_eq(sum_of(pid), 0);
                if (!failed)
                        return;
        }
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

IN_NODE(a_request_to_one_that_dies_with_it_is_answered_with_its_reason)
{
        cop_pid pid = new_account();
        cop_send(pid, stay);
        await_and_drop(COP_KIND(stay));
        cop_pid asker = cop_spawn_with(asks_for_its_state, relay, .pid = pid);
        await_true(is_waiting(node, asker));
        settle_with(pid); /* it has the request */
        cop_send_exit(pid, cop_atom("boom"));
        cop_auto message = await(COP_KIND(outcome));
        ck_assert_int_eq(cop_read(outcome, message)->status, COP_E_DIED);
        ck_assert_str_eq(text_of(cop_read(outcome, message)->failure), "boom");
}

/* ---- Plain functions ------------------------------------------------------------------------ */

typedef struct tally {
        int64_t sum, rounds;
} tally;
COP_MESSAGE(tally, sum, rounds);

/* Adds up what comes, and answers what is asked; a stay makes it call someone who never answers,
 * a trap ends it. */
static void plain_tally(void)
{
        tally mine = { 0, 0 };
        if (cop_sys_show(tally, &mine) != COP_OK)
                cop_exit(cop_atom("not_shown"));
        for (;; mine.rounds++) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(add), COP_KIND(get), COP_KIND(go),
                                               COP_KIND(trap));
                if (cop_read(add, message) != NULL)
                        mine.sum += cop_read(add, message)->number;
                else if (cop_read(get, message) != NULL)
                        cop_answer(message, sum, .number = mine.sum);
                else if (cop_read(trap, message) != NULL)
                        cop_exit(cop_atom("trapped"));
                else
                        cop_sys_show(tally, (tally *)NULL);
        }
}

static int64_t tally_of(cop_pid pid)
{
        cop_message *reply = NULL;
        ck_assert_int_eq(cop_call(&reply, pid, PATIENCE_MS, get), COP_OK);
        int64_t number = cop_read(sum, reply)->number;
        cop_message_free(reply);
        return number;
}

static const char *seen(cop_pid pid)
{
        cop_term state;
        ck_assert_int_eq(cop_sys_get_state(pid, PATIENCE_MS, &state), COP_OK);
        const char *text = text_of(state);
        cop_term_free(state);
        return text;
}

IN_NODE(a_plain_function_shows_what_it_has_named_and_lets_it_be_replaced)
{
        cop_parse_error error;
        cop_pid pid = cop_spawn(plain_tally);
        cop_send(pid, add, .number = 7);
        ck_assert_int_eq(tally_of(pid), 7);
        ck_assert_str_eq(seen(pid), "{tally, 7, 2}");
        cop_term other = COP_TUPLE(cop_atom("tally"), cop_int(100), cop_int(0));
        ck_assert_int_eq(cop_sys_replace_state(pid, PATIENCE_MS, other, &error), COP_OK);
        ck_assert_int_eq(tally_of(pid), 100);
        ck_assert_int_eq(cop_sys_replace_state(pid, PATIENCE_MS, cop_int(1), &error), COP_E_MALFORMED);
        cop_send(pid, go); /* no more */
        cop_term term;
        ck_assert_int_eq(tally_of(pid), 100);
        ck_assert_int_eq(cop_sys_get_state(pid, PATIENCE_MS, &term), COP_E_NO_KIND);
        put_down(pid);
}

IN_NODE(a_plain_function_is_suspended_where_it_receives)
{
        cop_pid pid = cop_spawn(plain_tally);
        ck_assert_int_eq(tally_of(pid), 0);
        ck_assert_int_eq(cop_sys_suspend(pid, PATIENCE_MS), COP_OK);
        ck_assert_int_eq(cop_sys_suspend(pid, PATIENCE_MS), COP_OK);
        for (int i = 0; i < 20; i++)
                cop_send(pid, add, .number = 1);
        settle_with(pid);
        ck_assert_str_eq(seen(pid), "{tally, 0, 1}");
        ck_assert_int_eq(cop_sys_resume(pid, PATIENCE_MS), COP_OK);
        ck_assert_int_eq(tally_of(pid), 20);
        ck_assert_int_eq(cop_sys_suspend(pid, PATIENCE_MS), COP_OK);
        put_down(pid); /* also while suspended */
}

IN_NODE(a_plain_function_is_traced_kept_and_counted)
{
        cop_sys_statistics counts;
        cop_term events;
        cop_pid pid = cop_spawn(plain_tally);
        ck_assert_int_eq(cop_sys_trace(pid, PATIENCE_MS, true, cop_self()), COP_OK);
        ck_assert_int_eq(cop_sys_log(pid, PATIENCE_MS, 10), COP_OK);
        ck_assert_int_eq(cop_sys_statistics_on(pid, PATIENCE_MS, true), COP_OK);
        cop_send(pid, add, .number = 7);
        ck_assert_int_eq(tally_of(pid), 7);
        static const char *const whats[] = { "in", "in", "out" };
        for (int i = 0; i < 3; i++) {
                cop_auto message = await(COP_KIND(cop_sys_event));
                ck_assert_str_eq(cop_read(cop_sys_event, message)->what.text, whats[i]);
        }
        ck_assert_int_eq(cop_sys_get_statistics(pid, PATIENCE_MS, &counts), COP_OK);
        ck_assert_int_eq(counts.messages, 2);
        ck_assert_int_eq(counts.replies, 1);
        ck_assert_int_eq(cop_sys_get_log(pid, PATIENCE_MS, &events), COP_OK);
        ck_assert_uint_eq(events.count, 3);
        cop_term_free(events);
        put_down(pid);
}

typedef struct {
        int64_t number;
} parcel;
COP_MESSAGE(parcel, number);
COP_CHANNEL(parcel);

/* Waits for several things, one of which is a message. */
static void selects(void)
{
        parcel_channel channel;
        if (cop_channel_open(&channel, parcel, 1) != COP_OK)
                cop_exit(cop_atom("no_channel"));
        for (;;) {
                cop_case cases[] = { COP_CASE_TAKE(channel, parcel), COP_CASE_RECEIVE(COP_KIND(get)) };
                if (cop_select(COP_FOREVER, cases) != 1)
                        cop_exit(cop_atom("selects_wrong"));
                cop_answer(cases[1].message, sum, .number = 1);
                cop_message_free(cases[1].message);
        }
}

static void pass_by(void *unused)
{
        (void)unused;
}

IN_NODE(what_a_plain_function_receives_in_a_select_is_traced_kept_and_counted_as_well)
{
        cop_sys_statistics counts;
        cop_term events;
        cop_pid pid = cop_spawn(selects);
        ck_assert_int_eq(tally_of(pid), 1);
        ck_assert_int_eq(cop_sys_trace(pid, PATIENCE_MS, true, cop_self()), COP_OK);
        ck_assert_int_eq(cop_sys_log(pid, PATIENCE_MS, 10), COP_OK);
        ck_assert_int_eq(cop_sys_statistics_on(pid, PATIENCE_MS, true), COP_OK);
        cue_act("select.has_asked", pass_by, NULL);
        ck_assert_int_eq(tally_of(pid), 1); /* maybe before it waits for all at once ... */
        await_true(cue_has_come("select.has_asked"));
        ck_assert_int_eq(tally_of(pid), 1); /* ... and behind that */
        for (int i = 0; i < 2; i++) {
                hear(pid, "in", "{get, 0}");
                hear(pid, "out", "{sum, 1}");
        }
        ck_assert_int_eq(cop_sys_get_statistics(pid, PATIENCE_MS, &counts), COP_OK);
        ck_assert_int_eq(counts.messages, 2);
        ck_assert_int_eq(counts.replies, 2);
        ck_assert_int_eq(cop_sys_get_log(pid, PATIENCE_MS, &events), COP_OK);
        ck_assert_uint_eq(events.count, 4);
        cop_term_free(events);
        put_down(pid);
}

static void wakes(void *state)
{
        (void)state;
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
        cop_exit(cop_atom("woken"));
}

static void sleeps_deeply(void)
{
        cop_hibernate_in(wakes, NULL);
}

IN_NODE(who_hibernates_answers_and_sleeps_on)
{
        cop_ref ref;
        cop_pid pid = cop_spawn(sleeps_deeply);
        ck_assert_int_eq(cop_monitor(pid, &ref), COP_OK);
        cop_process process;
        await_true(cop_process_info(pid, &process) == COP_OK &&
                   process.status == COP_PROCESS_HIBERNATING);
        ck_assert_int_eq(cop_sys_suspend(pid, PATIENCE_MS), COP_OK);
        cop_send(pid, go);
        settle_with(pid);
        ck_assert(cop_is_alive(pid));
        ck_assert_int_eq(cop_sys_resume(pid, PATIENCE_MS), COP_OK);
        await_down(ref, "woken");
}

IN_NODE(only_a_plain_function_may_show_something)
{
        tally mine = { 0, 0 };
        ck_assert_int_eq(cop_sys_show(tally, &mine), COP_E_BAD_ARGUMENT); /* a thread */
}

/* ---- In the middle of something -------------------------------------------------------------- */

typedef struct ask_for {
        cop_pid pid;
} ask_for;
COP_MESSAGE(ask_for, pid);

typedef struct caller {
        int64_t secret;
} caller;

static void caller_on_ask_for(caller *self, const ask_for *a)
{
        (void)self;
        cop_call(NULL, a->pid, COP_FOREVER, get);
}

COP_SERVER(caller, COP_ON(ask_for, caller_on_ask_for));

static const char *value_in(cop_term status, const char *key)
{
        const cop_term *value = cop_map_get(status, cop_atom(key));
        return value != NULL ? text_of(*value) : "no such key";
}

IN_NODE(a_server_that_waits_in_its_handler_tells_its_status_there_and_its_state_later)
{
        cop_pid pid = new_account();
        cop_sys_statistics counts;
        cop_term events, state;
        cop_send(pid, stay);
        await_and_drop(COP_KIND(stay));
        ck_assert_str_eq(status_of(pid, "status"), "waiting");
        ck_assert_str_eq(status_of(pid, "waits_for"), "nobody");
        ck_assert_str_eq(status_of(pid, "state"), "busy");
        ck_assert_int_eq(cop_sys_log(pid, PATIENCE_MS, 5), COP_OK);
        ck_assert_int_eq(cop_sys_statistics_on(pid, PATIENCE_MS, true), COP_OK);
        ck_assert_int_eq(cop_sys_get_statistics(pid, PATIENCE_MS, &counts), COP_OK);
        ck_assert_int_eq(cop_sys_get_log(pid, PATIENCE_MS, &events), COP_OK);
        cop_term_free(events);
        ck_assert_int_eq(cop_sys_get_state(pid, 0, &state), COP_E_TIMEOUT);
        cop_send(pid, go);
        ck_assert_str_eq(state_of(pid), "{account, 0, \"Ada\", \"1815\"}");
        ck_assert_str_eq(status_of(pid, "status"), "running");
        ck_assert_str_eq(status_of(pid, "log"), "5");
}

static void is_silent(void)
{
        cop_sleep(COP_FOREVER);
}

IN_NODE(who_cannot_show_a_state_says_so_also_in_a_handler_that_waits)
{
        cop_term term;
        cop_pid pid = cop_spawn_server(&caller_server, NULL), silent = cop_spawn(is_silent);
        char wanted[COP_ID_TEXT_MAX];
        cop_pid_print(silent, wanted);
        cop_send(pid, ask_for, .pid = silent);
        await_true(strcmp(status_of(pid, "waits_for"), wanted) == 0);
        ck_assert_int_eq(cop_sys_get_state(pid, PATIENCE_MS, &term), COP_E_NO_KIND);
        ck_assert_int_eq(replace(pid, "{closed, 1}", NULL), COP_E_NO_KIND);
        put_down(pid);
        put_down(silent);
}

/* Shows what it has, and calls one who never answers. */
static void calls_in_vain(const ask_for *a)
{
        tally mine = { 41, 1 };
        ck_assert_int_eq(cop_sys_show(tally, &mine), COP_OK);
        cop_call(NULL, a->pid, COP_FOREVER, get);
}

IN_NODE(a_plain_function_in_a_call_shows_its_state_and_is_suspended_after_it)
{
        cop_pid pid = cop_spawn_with(calls_in_vain, ask_for, .pid = cop_self());
        cop_auto asked = await(COP_KIND(get));
        ck_assert_str_eq(seen(pid), "{tally, 41, 1}");
        ck_assert_str_eq(status_of(pid, "status"), "waiting");
        ck_assert_str_eq(status_of(pid, "waits_for"), text_of(cop_pid_term(cop_self())));
        ck_assert_int_eq(cop_sys_suspend(pid, PATIENCE_MS), COP_OK);
        ck_assert_str_eq(status_of(pid, "status"), "suspended");
        ck_assert_int_eq(cop_stop(pid, cop_atom("normal"), PATIENCE_MS), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_sys_resume(pid, PATIENCE_MS), COP_OK);
        put_down(pid);
}

/* The same as a task, which then receives. */
static void task_that_waits(const ask_for *a)
{
        tally mine = { 42, 1 };
        ck_assert_int_eq(cop_sys_show(tally, &mine), COP_OK);
        cop_send(a->pid, stay);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
        mine.sum = 43;
        cop_call(NULL, a->pid, COP_FOREVER, get);
}

IN_NODE(a_task_answers_wherever_it_waits_and_is_suspended_where_it_receives)
{
        cop_task task = cop_task_async(task_that_waits, ask_for, .pid = cop_self());
        await_and_drop(COP_KIND(stay));
        ck_assert_str_eq(seen(task.pid), "{tally, 42, 1}");
        ck_assert_int_eq(cop_sys_suspend(task.pid, PATIENCE_MS), COP_OK);
        cop_send(task.pid, go);
        ck_assert_str_eq(status_of(task.pid, "status"), "suspended");
        ck_assert_str_eq(seen(task.pid), "{tally, 42, 1}"); /* it has not received that */
        ck_assert_int_eq(cop_sys_resume(task.pid, PATIENCE_MS), COP_OK);
        cop_auto asked = await(COP_KIND(get));
        ck_assert_str_eq(seen(task.pid), "{tally, 43, 1}");
        ck_assert_str_eq(status_of(task.pid, "status"), "waiting");
        put_down(task.pid);
}

/* ---- Who does not answer --------------------------------------------------------------------- */

static uint32_t let_go; /* atomic */

static void computes(void)
{
        while (cop__load_acquire(&let_go) == 0)
                cop_no_preempt_begin(), cop_no_preempt_end();
}

IN_NODE_WITH(the_status_of_one_that_computes_is_what_can_be_seen_of_it, .workers = 2)
{
        cop_term status;
        NEEDS_THREADS();
        cop_pid pid = cop_spawn(computes);
        await_true(cop__load_relaxed(&cop__slot_of(node, pid)->where) != NULL);
        ck_assert_int_eq(cop_sys_get_status(pid, 20, &status), COP_OK);
        ck_assert_str_eq(value_in(status, "status"), "busy");
        ck_assert_str_eq(value_in(status, "in"), "\"computes\"");
        cop_term_free(status);
        cop__store_release(&let_go, 1);
}

static void *visits(void *context)
{
        cop_pid *self = context;
        cop_node *node = (cop_node *)(uintptr_t)self[1].bits;
        ck_assert_int_eq(cop_node_enter(node), COP_OK);
        cop__store_release(&self[0].bits, cop_self().bits);
        while (cop__load_acquire(&let_go) == 0) /* without a look at its mail */
                sched_yield();
        cop_node_leave();
        return NULL;
}

IN_NODE(a_thread_has_a_status_and_everything_else_is_refused_at_once)
{
        cop_pid shared[2] = { { 0 }, { (uintptr_t)node } };
        pthread_t thread;
        cop_term term;
        NEEDS_THREADS();
        ck_assert_int_eq(pthread_create(&thread, NULL, visits, shared), 0);
        await_true(cop__load_acquire(&shared[0].bits) != 0);
        cop_pid pid = shared[0];
        ck_assert_int_eq(cop_sys_get_status(pid, COP_FOREVER, &term), COP_OK);
        ck_assert_str_eq(value_in(term, "status"), "thread");
        cop_term_free(term);
        ck_assert_int_eq(cop_sys_get_state(pid, COP_FOREVER, &term), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_sys_suspend(pid, COP_FOREVER), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_sys_log(pid, COP_FOREVER, 1), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_stop(pid, cop_atom("normal"), COP_FOREVER), COP_E_BAD_ARGUMENT);
        cop__store_release(&let_go, 1);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

/* ---- Crash reports --------------------------------------------------------------------------- */

static void shows_and_ends(void)
{
        tally mine = { 5, 6 };
        cop_sys_show(tally, &mine);
        cop_exit(cop_atom("boom"));
}

static void shows_and_faults(void)
{
        tally mine = { 5, 6 };
        cop_sys_show(tally, &mine);
        abort();
}

IN_NODE(the_crash_report_of_a_function_has_what_it_showed_unless_a_fault_has_taken_that)
{
        struct cop__report report;
        ck_assert(cop__report_wait(node, cop_spawn(shows_and_ends), PATIENCE_MS, &report));
        ck_assert_str_eq(report.state, "#tally{sum = 5, rounds = 6}");
        ck_assert(cop__report_wait(node, cop_spawn(shows_and_faults), PATIENCE_MS, &report));
        ck_assert_str_eq(report.state, "not shown: what it lay in is gone");
}

IN_NODE(the_crash_report_of_a_task_has_what_it_showed)
{
        struct cop__report report;
        cop_trap_exit(true);
        cop_task task;
        ck_assert_int_eq(cop_task_start(&(cop_task_options){ .run = shows_and_ends }, &task), COP_OK);
        ck_assert(cop__report_wait(node, task.pid, PATIENCE_MS, &report));
        ck_assert_str_eq(report.state, "#tally{sum = 5, rounds = 6}");
        cop_message_free(cop_receive(PATIENCE_MS, COP_KIND(cop_exited)));
        cop_task_ignore(NULL, task);
}
