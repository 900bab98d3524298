/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The patience of callers: what nobody waits for is not handled, and what is called on somebody's behalf has no more time than that one. */
#include <coppice/request.h>
#include <coppice/sys.h>

#include "tests/node_fixture.h"

/* A long time-out ends up to a tick of the clock later; see base/clock.h. */
#define AT_MOST(ms) ((ms) + (int64_t)(COP__CLOCK_TICK_NS / COP__NS_PER_MS) + 1)

typedef struct ask {
        int64_t what, time_ms;
        cop_pid pid, tell;
} ask;
COP_MESSAGE(ask, what, time_ms, pid, tell);

typedef struct answer {
        int64_t number;
} answer;
COP_MESSAGE(answer, number);

typedef struct go {
        int64_t number;
} go;
COP_MESSAGE(go, number);

typedef struct told {
        int64_t number;
} told;
COP_MESSAGE(told, number);

enum what {
        COUNT = 1,   /* answers how many it was asked, with this one */
        HOLD,        /* tells `tell`, and waits for a go before it answers */
        LEFT,        /* answers cop_time_left() */
        NESTED_LEFT, /* calls `pid` with its own time-out, and answers what that one says is left */
        NESTED_SILENT,   /* the same, and tells `tell` the status; the one it calls never answers */
        ANSWER_AND_LEFT, /* answers, and tells `tell` what a call has left that it makes then */
        DEFER_AND_LEFT,  /* defers, tells `tell` what a call has left, answers, and tells again */
        HOLD_AND_NEST,   /* waits for a go, calls `pid`, and tells `tell` the status */
        REQUEST_LEFT,    /* as NESTED_LEFT, by a request in flight */
        REQUEST_LATER,   /* sends `pid` a request, waits for a go, answers, and tells `tell` how the request ends */
        GO_AND_REQUEST,  /* waits for a go, sends `pid` a request, and tells `tell` the status */
        FORGET,          /* defers, and never answers */
};

typedef struct desk {
        int64_t asked;
} desk;

static int64_t nested(const ask *a, int64_t what, cop_status *status)
{
        cop_message *reply = NULL;
        *status = cop_call(&reply, a->pid, a->time_ms, ask, .what = what);
        int64_t number = *status == COP_OK ? cop_read(answer, reply)->number : -1;
        cop_message_free(reply);
        return number;
}

/* How it ends, and with what; there is no time-out. */
static cop_status end_of(cop_request request, int64_t *number)
{
        cop_response response;
        cop_requests *set = cop_requests_new();
        ck_assert_int_eq(cop_requests_add(set, request, 0), COP_OK);
        cop_status status = cop_requests_await(set, COP_FOREVER, &response);
        if (status == COP_OK)
                status = response.status;
        if (status == COP_OK)
                *number = cop_read(answer, response.message)->number;
        if (status == COP_OK)
                cop_message_free(response.message);
        cop_requests_free(set);
        return status;
}

static void wait_for_go(const ask *a)
{
        cop_send(a->tell, told, .number = -7);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
}

static void desk_on_ask(desk *self, const ask *a)
{
        cop_status status;
        self->asked++;
        switch (a->what) {
        case COUNT:
                cop_reply(answer, .number = self->asked);
                return;
        case HOLD:
                wait_for_go(a);
                cop_reply(answer, .number = self->asked);
                return;
        case LEFT:
                cop_reply(answer, .number = cop_time_left());
                return;
        case NESTED_LEFT:
                cop_reply(answer, .number = nested(a, LEFT, &status));
                return;
        case NESTED_SILENT:
                nested(a, FORGET, &status);
                cop_send(a->tell, told, .number = status);
                return;
        case ANSWER_AND_LEFT:
                cop_reply(answer, .number = 0);
                cop_send(a->tell, told, .number = nested(a, LEFT, &status));
                return;
        case DEFER_AND_LEFT: {
                cop_caller caller = cop_defer();
                cop_send(a->tell, told, .number = nested(a, LEFT, &status));
                cop_reply_to(caller, answer, .number = 0);
                cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
                cop_send(a->tell, told, .number = nested(a, LEFT, &status));
                return;
        }
        case REQUEST_LEFT: {
                cop_request request;
                int64_t left = -1;
                ck_assert_int_eq(cop_request_send(&request, a->pid, ask, .what = LEFT), COP_OK);
                end_of(request, &left);
                cop_reply(answer, .number = left);
                return;
        }
        case REQUEST_LATER: {
                cop_request request;
                int64_t number;
                ck_assert_int_eq(cop_request_send(&request, a->pid, ask, .what = COUNT), COP_OK);
                wait_for_go(a);
                cop_reply(answer, .number = 0);
                cop_send(a->tell, told, .number = end_of(request, &number));
                return;
        }
        case GO_AND_REQUEST: {
                cop_request request;
                wait_for_go(a);
                cop_send(a->tell, told,
                         .number = cop_request_send(&request, a->pid, ask, .what = COUNT));
                return;
        }
        case HOLD_AND_NEST:
                wait_for_go(a);
                nested(a, COUNT, &status);
                cop_send(a->tell, told, .number = status);
                return;
        default:
                cop_defer();
        }
}

COP_SERVER(desk, COP_ON(ask, desk_on_ask));

static cop_pid new_desk(void)
{
        return cop_spawn_server(&desk_server, NULL);
}

static int64_t number_of(cop_message *message)
{
        const answer *a = cop_read(answer, message);
        const told *t = cop_read(told, message);
        ck_assert(a != NULL || t != NULL);
        int64_t number = a != NULL ? a->number : t->number;
        cop_message_free(message);
        return number;
}

static int64_t await_told(void)
{
        return number_of(await(COP_KIND(told)));
}

static int64_t call_for(cop_pid to, int64_t timeout_ms, ask question)
{
        cop_message *reply = NULL;
        ck_assert_int_eq(
                cop_call_value(&reply, cop_to_pid(to), timeout_ms, COP_KIND_OF(ask), &question),
                COP_OK);
        return number_of(reply);
}

static int64_t asked(cop_pid to)
{
        return call_for(to, PATIENCE_MS, (ask){ .what = COUNT }) - 1;
}

static void holds_for_long(const ask *a)
{
        cop_call(NULL, a->pid, a->time_ms, ask, .what = REQUEST_LATER,
                 .pid = (cop_pid){ (uint64_t)a->what }, .tell = a->tell);
}

/* ---- What nobody waits for ------------------------------------------------------------- */

/* Somebody else's call keeps the desk busy until a go comes. */
static void holds(const ask *a)
{
        cop_call(NULL, a->pid, COP_FOREVER, ask, .what = HOLD, .tell = a->tell);
}

static void occupy(cop_pid pid)
{
        cop_spawn_with(holds, ask, .pid = pid, .tell = cop_self());
        ck_assert_int_eq(await_told(), -7);
}

/* The first dead letter that was for `to`: late answers to others may be among them. */
static void expect_letter(cop_pid to)
{
        for (;;) {
                cop_auto message = await(COP_KIND(cop_dead_letter));
                const cop_dead_letter *letter = cop_read(cop_dead_letter, message);
                if (!cop_pid_equal(letter->to, to))
                        continue;
                ck_assert_str_eq(letter->reason.text, "expired");
                ck_assert_str_eq(letter->kind.text, "ask");
                return;
        }
}

IN_NODE(a_call_that_is_given_up_is_dropped_and_never_handled)
{
        cop_pid pid = new_desk();
        occupy(pid);
        ck_assert_int_eq(cop_dead_letters_subscribe(), COP_OK);
        uint64_t before = cop_dead_letter_count(node);
        ck_assert_int_eq(cop_call(NULL, pid, 0, ask, .what = COUNT), COP_E_TIMEOUT);
        ck_assert_int_eq(cop_call(NULL, pid, 1, ask, .what = COUNT), COP_E_TIMEOUT);
        cop_send(pid, ask, .what = COUNT); /* no call: it is handled, whoever waits */
        cop_send(pid, go);
        expect_letter(pid);
        expect_letter(pid);
        await_and_drop(COP_KIND(answer));
        ck_assert_int_eq(asked(pid), 2);
        ck_assert_uint_eq(cop_dead_letter_count(node), before + 2);
        nothing_has_come();
}

static void calls_and_waits(const ask *a)
{
        cop_call(NULL, a->pid, COP_FOREVER, ask, .what = COUNT);
}

IN_NODE(a_call_of_one_that_has_ended_is_dropped_and_never_handled)
{
        cop_pid pid = new_desk();
        occupy(pid);
        ck_assert_int_eq(cop_dead_letters_subscribe(), COP_OK);
        cop_pid caller = cop_spawn_with(calls_and_waits, ask, .pid = pid);
        await_true(atoi(info_of(pid, "messages")) == 1);
        put_down(caller);
        cop_send(pid, go);
        expect_letter(pid);
        ck_assert_int_eq(asked(pid), 1);
}

/* Takes a note first, so that what came before it lies in the mailbox; then answers calls. */
static void answers_plainly(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
        for (int64_t number = 1;; number++) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(ask));
                const ask *a = cop_read(ask, message);
                cop_answer(message, answer,
                           .number = a->what == LEFT ? cop_time_left_of(message) : number);
        }
}

IN_NODE(a_plain_actor_receives_no_call_that_is_given_up)
{
        cop_pid pid = cop_spawn(answers_plainly);
        ck_assert_int_eq(cop_dead_letters_subscribe(), COP_OK);
        ck_assert_int_eq(cop_call(NULL, pid, 0, ask, .what = COUNT), COP_E_TIMEOUT);
        ck_assert_int_eq(cop_call(NULL, pid, 0, ask, .what = COUNT), COP_E_TIMEOUT);
        cop_send(pid, go);
        ck_assert_int_eq(asked(pid), 0);
        expect_letter(pid);
        expect_letter(pid);
}

IN_NODE_WITH(what_is_dropped_leaves_room_in_a_mailbox_with_a_limit, .max_actors = 64)
{
        cop_pid pid;
        const cop_spawn_options options = { .server = &desk_server,
                                            .mailbox_limit = 4,
                                            .mailbox_policy = COP_MAILBOX_REJECT };
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        for (int i = 0; i < 5; i++) {
                occupy(pid);
                for (int j = 0; j < 2; j++)
                        ck_assert_int_eq(cop_call(NULL, pid, 0, ask, .what = COUNT), COP_E_TIMEOUT);
                ck_assert_int_eq(cop_send(pid, go), COP_OK);
                ck_assert_int_eq(asked(pid), 2 * i + 1);
        }
}

IN_NODE(an_order_of_sys_that_is_given_up_is_not_carried_out)
{
        cop_pid pid = new_desk();
        occupy(pid);
        ck_assert_int_eq(cop_sys_suspend(pid, 0), COP_E_TIMEOUT);
        cop_send(pid, go);
        ck_assert_int_eq(asked(pid), 1); /* it would not answer if it were suspended */
}

/* A request is taken up by its await, which may come at any time. */
IN_NODE(a_request_in_flight_is_handled_whoever_waits)
{
        cop_request request;
        cop_auto reply = NULL;
        cop_pid pid = new_desk();
        occupy(pid);
        ck_assert_int_eq(cop_request_send(&request, pid, ask, .what = LEFT), COP_OK);
        cop_send(pid, go);
        ck_assert_int_eq(cop_request_await(request, PATIENCE_MS, &reply), COP_OK);
        ck_assert_int_eq(cop_read(answer, reply)->number, COP_FOREVER);
}

/* The call it was sent for is over, so nobody needs its answer; but its sender, who waits without a time-out, is told. */
IN_NODE(a_request_in_flight_ends_when_the_call_does_that_it_was_sent_for)
{
        cop_pid outer = new_desk(), inner = new_desk();
        occupy(inner);
        ck_assert_int_eq(cop_dead_letters_subscribe(), COP_OK);
        ck_assert_int_eq(cop_call(NULL, outer, 20, ask, .what = REQUEST_LATER, .pid = inner,
                                  .tell = cop_self()),
                         COP_E_TIMEOUT);
        ck_assert_int_eq(await_told(), -7);
        cop_send(inner, go);
        cop_send(outer, go);
        expect_letter(inner);
        ck_assert_int_eq(await_told(), COP_E_TIMEOUT);
        ck_assert_int_eq(asked(inner), 1); /* by who kept it busy */
}

IN_NODE(a_request_in_flight_of_a_call_without_a_time_out_is_not_dropped)
{
        cop_pid outer = new_desk(), inner = new_desk();
        occupy(inner);
        cop_spawn_with(holds_for_long, ask, .pid = outer, .time_ms = COP_FOREVER, .tell = cop_self(),
                       .what = inner.bits);
        ck_assert_int_eq(await_told(), -7);
        cop_send(inner, go);
        cop_send(outer, go);
        ck_assert_int_eq(await_told(), COP_OK);
}

IN_NODE(a_request_in_flight_of_one_that_has_ended_is_dropped_if_it_had_a_time)
{
        cop_pid outer = new_desk(), inner = new_desk();
        occupy(inner);
        ck_assert_int_eq(cop_dead_letters_subscribe(), COP_OK);
        cop_spawn_with(holds_for_long, ask, .pid = outer, .time_ms = 3600 * 1000, .tell = cop_self(),
                       .what = inner.bits);
        ck_assert_int_eq(await_told(), -7);
        put_down(outer);
        cop_send(inner, go);
        expect_letter(inner);
        ck_assert_int_eq(asked(inner), 1);
}

IN_NODE(no_request_is_sent_for_a_call_that_is_over)
{
        cop_pid outer = new_desk();
        ck_assert_int_eq(cop_call(NULL, outer, 20, ask, .what = GO_AND_REQUEST, .pid = cop_self(),
                                  .tell = cop_self()),
                         COP_E_TIMEOUT);
        ck_assert_int_eq(await_told(), -7);
        cop_send(outer, go);
        ck_assert_int_eq(await_told(), COP_E_TIMEOUT);
        nothing_has_come();
}

/* ---- What is left ------------------------------------------------------------------------ */

IN_NODE(a_handler_knows_how_long_its_caller_still_waits)
{
        cop_pid pid = new_desk();
        ck_assert_int_eq(cop_time_left(), COP_FOREVER);
        ck_assert_int_eq(cop_time_left_of(NULL), COP_FOREVER);
        ck_assert_int_eq(call_for(pid, COP_FOREVER, (ask){ .what = LEFT }), COP_FOREVER);
        int64_t left = call_for(pid, PATIENCE_MS, (ask){ .what = LEFT });
        ck_assert_int_ge(left, 1);
        ck_assert_int_le(left, AT_MOST(PATIENCE_MS));
}

IN_NODE(so_does_a_plain_actor_of_the_call_it_has_received)
{
        cop_pid pid = cop_spawn(answers_plainly);
        cop_send(pid, go);
        ck_assert_int_eq(call_for(pid, COP_FOREVER, (ask){ .what = LEFT }), COP_FOREVER);
        ck_assert_int_le(call_for(pid, PATIENCE_MS, (ask){ .what = LEFT }), AT_MOST(PATIENCE_MS));
}

IN_NODE(the_shorter_time_wins_when_a_call_is_made_for_another)
{
        cop_pid outer = new_desk(), inner = new_desk();
        ask question = { .what = NESTED_LEFT, .time_ms = COP_FOREVER, .pid = inner };
        ask in_flight = { .what = REQUEST_LEFT, .pid = inner };
        ck_assert_int_eq(call_for(outer, COP_FOREVER, question), COP_FOREVER);
        ck_assert_int_eq(call_for(outer, COP_FOREVER, in_flight), COP_FOREVER);
        ck_assert_int_le(call_for(outer, PATIENCE_MS, in_flight), AT_MOST(PATIENCE_MS));
        int64_t left = call_for(outer, PATIENCE_MS, question);
        ck_assert_int_ge(left, 1);
        ck_assert_int_le(left, AT_MOST(PATIENCE_MS));
        question.time_ms = PATIENCE_MS / 2;
        ck_assert_int_le(call_for(outer, PATIENCE_MS, question), AT_MOST(PATIENCE_MS / 2));
        ck_assert_int_le(call_for(outer, COP_FOREVER, question), AT_MOST(PATIENCE_MS / 2));
}

/* A time that is too short for the call to be taken up shows nothing: then a longer one. */
IN_NODE(a_call_without_end_ends_with_the_time_of_the_one_it_is_made_for)
{
        cop_pid outer = new_desk(), inner = new_desk();
        int64_t before = asked(outer), time_ms = 5;
        for (;; time_ms *= 2) {
                /* Its own time, or the end of the handler that had no more: whichever is heard of first. */
                cop_status status =
                        cop_call(NULL, outer, time_ms, ask, .what = NESTED_SILENT, .pid = inner,
                                 .time_ms = COP_FOREVER, .tell = cop_self());
                ck_assert(status == COP_E_TIMEOUT || status == COP_E_NO_REPLY);
                int64_t now = asked(outer);
                if (now > before + 1)
                        break;
                before = now;
        }
        ck_assert_int_eq(await_told(), COP_E_TIMEOUT);
}

static void calls_for_nothing(const ask *a)
{
        cop_call(NULL, a->pid, COP_FOREVER, ask, .what = HOLD_AND_NEST, .pid = a->tell,
                 .time_ms = COP_FOREVER, .tell = cop_parent());
}

IN_NODE(whose_caller_has_gone_gets_no_time_at_all)
{
        cop_pid outer = new_desk(), inner = new_desk();
        cop_pid caller = cop_spawn_with(calls_for_nothing, ask, .pid = outer, .tell = inner);
        ck_assert_int_eq(await_told(), -7);
        put_down(caller);
        cop_send(outer, go);
        ck_assert_int_eq(await_told(), COP_E_TIMEOUT);
        ck_assert_int_eq(asked(inner), 0);
}

IN_NODE(after_the_answer_a_handler_calls_on_its_own_time)
{
        cop_pid outer = new_desk(), inner = new_desk();
        ask question = {
                .what = ANSWER_AND_LEFT, .time_ms = COP_FOREVER, .pid = inner, .tell = cop_self()
        };
        call_for(outer, PATIENCE_MS, question);
        ck_assert_int_eq(await_told(), COP_FOREVER);
}

IN_NODE(a_deferred_call_binds_its_handler_until_it_is_answered)
{
        cop_pid outer = new_desk(), inner = new_desk();
        ask question = {
                .what = DEFER_AND_LEFT, .time_ms = COP_FOREVER, .pid = inner, .tell = cop_self()
        };
        call_for(outer, PATIENCE_MS, question);
        cop_send(outer, go); /* the call is over here */
        ck_assert_int_le(await_told(), AT_MOST(PATIENCE_MS));
        ck_assert_int_eq(await_told(), COP_FOREVER);
}

IN_NODE(a_message_that_is_no_call_binds_nobody)
{
        cop_pid outer = new_desk(), inner = new_desk();
        cop_send(outer, ask, .what = ANSWER_AND_LEFT, .time_ms = COP_FOREVER, .pid = inner,
                 .tell = cop_self());
        cop_message_free(await(COP_KIND(answer)));
        ck_assert_int_eq(await_told(), COP_FOREVER);
}
