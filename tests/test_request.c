/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Requests: each is answered, fails or is given up, once, in any order, outside the mailbox; and leaves nothing behind. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <coppice/request.h>

#include "tests/node_fixture.h"

enum what {
        ECHO = 1, /* answers number */
        TWICE,    /* answers number, and number + 1 */
        SILENT,   /* ends unanswered */
        DIE,      /* exits with {boom, number} */
        DEFER,    /* keeps the caller until FLUSH */
        DEFER_DIE, /* keeps the caller, and exits with {boom, number} */
        FLUSH,    /* answers all that is deferred, the last first, then this one */
        PASS_ON,  /* `pid` will answer */
        CARRIED,  /* answers `caller` */
        LATER,    /* answers number after 2 milliseconds */
};

typedef struct ask {
        int64_t what, number;
        cop_pid pid;
        cop_caller caller;
} ask;
COP_MESSAGE(ask, what, number, pid, COP_NESTED(cop_alias, caller));

typedef struct answer {
        int64_t number;
} answer;
COP_MESSAGE(answer, number);

typedef struct note {
        int64_t number;
} note;
COP_MESSAGE(note, number);

typedef struct clerk {
        cop_caller kept[8];
        int64_t numbers[8];
        size_t count;
} clerk;

static void flush(clerk *self)
{
        while (self->count > 0) {
                self->count--;
                cop_reply_to(self->kept[self->count], answer, .number = self->numbers[self->count]);
        }
}

static void clerk_on_ask(clerk *self, const ask *a)
{
        switch (a->what) {
        case SILENT:
                return;
        case DIE:
                cop_exit(COP_TUPLE(cop_atom("boom"), cop_int(a->number)));
        case DEFER:
                self->numbers[self->count] = a->number;
                self->kept[self->count++] = cop_defer();
                return;
        case DEFER_DIE:
                cop_defer();
                cop_exit(COP_TUPLE(cop_atom("boom"), cop_int(a->number)));
        case FLUSH:
                flush(self);
                cop_reply(answer);
                return;
        case PASS_ON:
                cop_send(a->pid, ask, .what = CARRIED, .number = a->number, .caller = cop_defer());
                return;
        case CARRIED:
                cop_reply_to(a->caller, answer, .number = a->number);
                return;
        case LATER:
                cop_send_after(NULL, 2, cop_defer(), answer, .number = a->number);
                return;
        case TWICE:
                cop_reply(answer, .number = a->number);
                cop_reply(answer, .number = a->number + 1);
                return;
        default:
                cop_reply(answer, .number = a->number);
        }
}

COP_SERVER(clerk, COP_ON(ask, clerk_on_ask));

static cop_pid new_clerk(void)
{
        return cop_spawn_server(&clerk_server, NULL);
}

static cop_request request_to(cop_pid pid, int64_t what, int64_t number)
{
        cop_request request;
        ck_assert_int_eq(cop_request_send(&request, pid, ask, .what = what, .number = number),
                         COP_OK);
        return request;
}

static void expect_number(cop_message *message, int64_t number)
{
        const answer *a = cop_read(answer, message);
        ck_assert_ptr_nonnull(a);
        ck_assert_int_eq(a->number, number);
        cop_message_free(message);
}

static void expect_answer(cop_request request, int64_t number)
{
        cop_message *reply = NULL;
        ck_assert_int_eq(cop_request_await(request, PATIENCE_MS, &reply), COP_OK);
        expect_number(reply, number);
}

static void expect_boom(int64_t number)
{
        char reason[32];
        snprintf(reason, sizeof(reason), "{boom, %d}", (int)number);
        ck_assert_str_eq(text_of(cop_failure()), reason);
}

/* ---- Answers ------------------------------------------------------------------------ */

IN_NODE(requests_are_answered_in_whatever_order_they_are_awaited)
{
        cop_pid p = new_clerk();
        cop_request requests[100];
        for (int64_t i = 0; i < 100; i++)
                requests[i] = request_to(p, ECHO, i);
        for (int64_t i = 0; i < 100; i++)
                expect_answer(requests[i * 37 % 100], i * 37 % 100);
        nothing_has_come();
        put_down(p);
}

IN_NODE(answers_that_come_in_another_order_find_their_requests)
{
        cop_pid p = new_clerk();
        cop_request requests[8];
        for (int64_t i = 0; i < 8; i++)
                requests[i] = request_to(p, DEFER, i);
        request_to(p, FLUSH, 0);
        for (int64_t i = 0; i < 8; i++)
                expect_answer(requests[i], i);
        put_down(p);
}

IN_NODE(calls_go_on_while_requests_are_in_flight)
{
        cop_pid p = new_clerk(), q = new_clerk();
        cop_request early = request_to(p, ECHO, 1), late = request_to(p, DEFER, 2);
        for (int64_t i = 0; i < 100; i++) {
                cop_message *reply = NULL;
                ck_assert_int_eq(cop_call(&reply, i % 2 ? p : q, PATIENCE_MS, ask, .what = ECHO,
                                          .number = i), COP_OK);
                expect_number(reply, i);
        }
        ck_assert_int_eq(cop_call(NULL, p, PATIENCE_MS, ask, .what = FLUSH), COP_OK);
        expect_answer(late, 2);
        expect_answer(early, 1);
        put_down(p);
        put_down(q);
}

IN_NODE(a_second_answer_is_dropped)
{
        cop_pid p = new_clerk();
        cop_request first = request_to(p, TWICE, 1);
        expect_answer(request_to(p, ECHO, 7), 7);
        expect_answer(first, 1);
        nothing_has_come();
        put_down(p);
}

IN_NODE(an_answer_is_taken_once_and_need_not_be_wanted)
{
        cop_pid p = new_clerk();
        cop_request request = request_to(p, ECHO, 1);
        ck_assert_int_eq(cop_request_await(request, PATIENCE_MS, NULL), COP_OK);
        ck_assert_int_eq(cop_request_await(request, PATIENCE_MS, NULL), COP_E_NOT_FOUND);
        ck_assert_int_eq(cop_request_poll(request, NULL), COP_E_NOT_FOUND);
        ck_assert(!cop_request_drop(request));
        put_down(p);
}

static void answers_itself(void)
{
        cop_request request;
        cop_request_send(&request, cop_self(), ask, .number = 1);
        cop_auto message = cop_receive(COP_FOREVER, COP_KIND(ask));
        cop_answer(message, answer, .number = 2);
        cop_auto reply = NULL;
        cop_status status = cop_request_await(request, COP_FOREVER, &reply);
        cop_exit(COP_TUPLE(cop_int(status), cop_int(cop_read(answer, reply)->number)));
}

IN_NODE(an_actor_may_ask_itself)
{
        await_down(spawn_watched(.run = answers_itself), "{0, 2}");
}

/* ---- Failures ------------------------------------------------------------------------- */

IN_NODE(GSV_call_19_a_request_to_the_dead_fails_when_it_is_awaited)
{
        cop_pid p = new_clerk();
        cop_request request = { { 7 } };
        put_down(p);
        await_true(cop__info(p, PATIENCE_MS, &(cop_term){ 0 }) == COP_E_NO_ACTOR);
        ck_assert_int_eq(cop_request_await(request_to(p, ECHO, 1), COP_FOREVER, NULL),
                         COP_E_NO_ACTOR);
        ck_assert_int_eq(cop_request_send(&request, "nobody", ask), COP_E_NO_NAME);
        ck_assert_uint_eq(request.ref.bits, 7);
        nothing_has_come();
}

IN_NODE(GSV_call_19_a_server_that_dies_ends_all_its_requests_with_its_reason)
{
        for (int64_t i = 0; i < 100; i++) {
                cop_pid p = new_clerk();
                cop_request deferred = request_to(p, DEFER, 0), answered = request_to(p, ECHO, 5);
                cop_request deadly = request_to(p, i % 2 ? DIE : DEFER_DIE, i);
                cop_request unread = request_to(p, ECHO, 0);
                ck_assert_int_eq(cop_request_await(deferred, COP_FOREVER, NULL), COP_E_DIED);
                expect_boom(i);
                ck_assert_int_eq(cop_request_await(deadly, COP_FOREVER, NULL), COP_E_DIED);
                expect_boom(i);
                /* It may have come when nobody was there any more. */
                cop_status status = cop_request_await(unread, COP_FOREVER, NULL);
                ck_assert(status == COP_E_DIED || status == COP_E_NO_ACTOR);
                expect_answer(answered, 5);
        }
        nothing_has_come();
        ck_assert_uint_eq(cop__actor_here()->relation_count, 0);
}

IN_NODE(a_server_that_ends_unanswered_ends_the_request)
{
        cop_pid p = new_clerk();
        ck_assert_int_eq(cop_request_await(request_to(p, SILENT, 0), COP_FOREVER, NULL),
                         COP_E_NO_REPLY);
        put_down(p);
}

IN_NODE(another_actor_may_answer_a_request)
{
        cop_pid p = new_clerk(), q = new_clerk();
        for (int64_t i = 0; i < 100; i++) {
                cop_request request;
                cop_message *reply = NULL;
                ck_assert_int_eq(cop_request_send(&request, p, ask, .what = PASS_ON, .pid = q,
                                                  .number = i), COP_OK);
                ck_assert_int_eq(cop_request_await(request, PATIENCE_MS, &reply), COP_OK);
                ck_assert(cop_pid_equal(cop_message_from(reply), q));
                expect_number(reply, i);
        }
        await_true(strcmp(info_of(p, "monitored_by"), "[]") == 0);
        put_down(p);
        put_down(q);
}

IN_NODE(bad_arguments_are_refused)
{
        cop_request request = { { 7 } };
        cop_response response;
        cop_requests *set = cop_requests_new();
        cop_alias alias = { cop_self(), cop_ref_new() };
        ck_assert_int_eq(cop_request_send(NULL, cop_self(), ask), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_request_send(&request, cop_no_pid(), ask), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_request_send(&request, alias, ask), COP_E_BAD_ARGUMENT);
        ck_assert_uint_eq(request.ref.bits, 7);
        ck_assert_int_eq(cop_request_await(request, -1, NULL), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_request_await(request, 0, NULL), COP_E_NOT_FOUND);
        ck_assert_int_eq(cop_request_await((cop_request){ { 0 } }, 0, NULL), COP_E_NOT_FOUND);
        ck_assert(!cop_request_drop((cop_request){ { 0 } }));
        ck_assert_int_eq(cop_requests_add(NULL, request, 0), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_requests_await(NULL, 0, &response), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_requests_await(set, 0, NULL), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_requests_await(set, -1, &response), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_requests_poll(set, NULL), COP_E_BAD_ARGUMENT);
        ck_assert_uint_eq(cop_requests_count(NULL), 0);
        cop_requests_free(NULL);
        cop_requests_free(set);
}

TEST(outside_a_node_there_are_no_requests)
{
        cop_request request = { { 7 } };
        cop_response response;
        ck_assert_int_eq(cop_request_send(&request, "nobody", ask), COP_E_NO_NODE);
        ck_assert_int_eq(cop_request_await(request, 0, NULL), COP_E_NO_NODE);
        ck_assert_int_eq(cop_request_poll(request, NULL), COP_E_NO_NODE);
        ck_assert(!cop_request_drop(request));
        ck_assert_ptr_null(cop_requests_new());
        ck_assert_int_eq(cop_requests_add(NULL, request, 0), COP_E_NO_NODE);
        ck_assert_int_eq(cop_requests_poll(NULL, &response), COP_E_NO_NODE);
}

static void awaits_negatively(void)
{
        cop_request_await((cop_request){ { 7 } }, -1, NULL);
}

static void has_a_negative_deadline(void)
{
        cop_deadline_in(-1);
}

IN_NODE(a_negative_time_out_is_a_bug_of_the_caller)
{
        void (*const runs[])(void) = { awaits_negatively, has_a_negative_deadline };
        for (size_t i = 0; i < COP__COUNT(runs); i++) {
                cop_auto message = await(COP_REF(cop_down, spawn_watched(.run = runs[i])));
                ck_assert(cop_is_tuple(cop_read(cop_down, message)->reason, "badarg", 2));
        }
}

/* ---- Giving up ---------------------------------------------------------------------------- */

IN_NODE(a_request_that_timed_out_is_over_and_its_late_answer_is_dropped)
{
        cop_pid p = new_clerk();
        for (int64_t i = 0; i < 50; i++) {
                cop_request request = request_to(p, DEFER, i);
                ck_assert_int_eq(cop_request_await(request, i % 2, NULL), COP_E_TIMEOUT);
                expect_answer(request_to(p, FLUSH, 0), 0); /* comes after the late one */
                ck_assert_int_eq(cop_request_await(request, 0, NULL), COP_E_NOT_FOUND);
                nothing_has_come();
        }
        await_true(strcmp(info_of(p, "monitored_by"), "[]") == 0);
        put_down(p);
}

IN_NODE(polling_does_not_give_up)
{
        cop_pid p = new_clerk();
        cop_message *reply = NULL;
        cop_request request = request_to(p, DEFER, 3);
        for (int i = 0; i < 10; i++)
                ck_assert_int_eq(cop_request_poll(request, &reply), COP_E_TIMEOUT);
        ck_assert_ptr_null(reply);
        expect_answer(request_to(p, FLUSH, 0), 0);
        ck_assert_int_eq(cop_request_poll(request, &reply), COP_OK);
        expect_number(reply, 3);
        put_down(p);
}

IN_NODE(a_request_may_be_dropped_before_and_after_its_answer)
{
        cop_pid p = new_clerk();
        int64_t before = blocks_in_use(node);
        for (int i = 0; i < 100; i++) {
                cop_request waits = request_to(p, DEFER, 1), there = request_to(p, ECHO, 1);
                cop_request failed = request_to(p, SILENT, 1);
                settle_with(p);
                ck_assert(cop_request_drop(waits));
                ck_assert(cop_request_drop(there));
                ck_assert(cop_request_drop(failed));
                ck_assert(!cop_request_drop(there));
                expect_answer(request_to(p, FLUSH, 0), 0);
        }
        nothing_has_come();
        await_true(blocks_in_use(node) <= before + 3);
        put_down(p);
}

static void meddles(const ask *a)
{
        cop_request request = { a->caller.ref };
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(note)));
        cop_status awaited = cop_request_await(request, 0, NULL);
        cop_exit(COP_TUPLE(cop_bool(cop_request_drop(request)), cop_int(awaited)));
}

IN_NODE(a_request_is_its_senders_alone)
{
        cop_pid p = new_clerk();
        char reason[32];
        cop_request request = request_to(p, ECHO, 4);
        cop_pid other = cop_spawn_with(meddles, ask, .caller.ref = request.ref);
        cop_ref end = watch(other);
        cop_send(other, note);
        snprintf(reason, sizeof(reason), "{false, %d}", COP_E_NOT_FOUND);
        await_down(end, reason);
        expect_answer(request, 4);
        put_down(p);
}

/* Ends with requests of all sorts in its hands. */
static void asks_and_dies(const ask *a)
{
        cop_request request;
        cop_requests *set = cop_requests_new();
        for (int64_t what = ECHO; what <= DEFER; what++) {
                if (what == DIE)
                        continue;
                cop_request_send(&request, a->pid, ask, .what = what);
                cop_request_send(&request, a->pid, ask, .what = what);
                cop_requests_add(set, request, what);
        }
        if (a->number % 2 == 0)
                cop_request_await(request, 0, NULL);
        if (a->number % 3 == 0)
                cop_call(NULL, a->pid, COP_FOREVER, ask, .what = ECHO);
        cop_exit(cop_atom("done"));
}

IN_NODE(an_actor_that_ends_with_requests_in_flight_leaves_nothing)
{
        cop_pid p = new_clerk();
        int64_t before = blocks_in_use(node);
        for (int64_t i = 0; i < 200; i++) {
                await_down(spawn_watched(RUN_WITH(asks_and_dies, ask, .pid = p, .number = i)),
                           "done");
                ck_assert_int_eq(cop_call(NULL, p, PATIENCE_MS, ask, .what = FLUSH), COP_OK);
        }
        await_true(strcmp(info_of(p, "monitored_by"), "[]") == 0);
        await_true(blocks_in_use(node) <= before + 3);
        put_down(p);
}

/* ---- Without memory -------------------------------------------------------------------------- */

static bool may_not_map(void *context, size_t size)
{
        (void)context;
        (void)size;
        return false;
}

static void set_mapping(cop_node *node, bool (*may_map)(void *, size_t))
{
        struct cop__pool *pool = &node->scheduler.pool;
        cop__lock_lock(&pool->lock);
        pool->options.may_map = may_map;
        cop__lock_unlock(&pool->lock);
}

/* All that is left of the blocks that signals of that size take, for this thread. */
static struct cop__signal *take_all(size_t size)
{
        struct cop__signal *taken = NULL, *signal;
        while ((signal = cop__signal_new(&cop__thread_here()->pool, COP__SIGNAL_MESSAGE, size)) !=
               NULL) {
                signal->node.next = taken != NULL ? &taken->node : NULL;
                taken = signal;
        }
        return taken;
}

static void give_all(struct cop__signal *taken)
{
        while (taken != NULL) {
                struct cop__node *next = taken->node.next;
                cop__signal_free(&cop__thread_here()->pool, taken);
                taken = next != NULL ? cop__signal_of(next) : NULL;
        }
}

/* One half of a relation. */
#define HALF_SIZE (sizeof(struct cop__relation) - sizeof(struct cop__signal))

static void defers_without_memory(void)
{
        cop_auto message = cop_receive(COP_FOREVER, COP_KIND(ask));
        struct cop__signal *taken = take_all(HALF_SIZE);
        cop_caller caller = cop_caller_of(message);
        give_all(taken);
        if (caller.pid.bits != 0 || cop_reply_to(caller, answer) != COP_E_NO_CALLER)
                cop_exit(cop_atom("deferred"));
}

IN_NODE(a_deferral_without_memory_ends_the_call_unanswered)
{
        cop_pid p = cop_spawn(defers_without_memory);
        settle_with(p);
        set_mapping(node, may_not_map);
        cop_status status = cop_call(NULL, p, COP_FOREVER, ask);
        set_mapping(node, NULL);
        ck_assert_int_eq(status, COP_E_NO_REPLY);
}

IN_NODE(without_memory_there_is_no_request_no_monitor_and_no_alias)
{
        cop_pid p = new_clerk();
        cop_request request = { { 7 } };
        cop_ref ref = { 7 };
        cop_alias alias;
        settle_with(p);
        set_mapping(node, may_not_map);
        struct cop__signal *taken = take_all(HALF_SIZE), *small = take_all(0);
        cop_status statuses[] = {
                cop_request_send(&request, p, ask),
                cop_monitor_opt(p, &(cop_monitor_options){ .tag = cop_atom("t") }, &ref),
                cop_alias_open(COP_ALIAS_REPLY | COP_ALIAS_PRIORITY, &alias),
        };
        /* Now all of a monitor, but its alias. */
        for (int i = 0; i < 2 && taken != NULL; i++) {
                struct cop__signal *next = cop__signal_of(taken->node.next);
                cop__signal_free(&cop__thread_here()->pool, taken);
                taken = next;
        }
        cop_status last = cop_monitor_opt(p, &(cop_monitor_options){
                                                     .tag = cop_atom("t"),
                                                     .alias = COP_ALIAS_EXPLICIT }, &ref);
        give_all(taken);
        give_all(small);
        set_mapping(node, NULL);
        for (size_t i = 0; i < COP__COUNT(statuses); i++)
                ck_assert_int_eq(statuses[i], COP_E_NO_MEMORY);
        ck_assert_int_eq(last, COP_E_NO_MEMORY);
        ck_assert_uint_eq(request.ref.bits, 7);
        ck_assert_uint_eq(ref.bits, 7);
        ck_assert_uint_eq(cop__actor_here()->relation_count, 0);
        put_down(p);
        nothing_has_come();
}

/* ---- Sets ---------------------------------------------------------------------------------------- */

IN_NODE(a_set_gives_answers_as_they_come_each_with_its_label)
{
        cop_pid slow = new_clerk(), quick = new_clerk();
        cop_requests *set = cop_requests_new();
        cop_response response;
        ck_assert_int_eq(cop_requests_add(set, request_to(slow, DEFER, 1), 100), COP_OK);
        ck_assert_int_eq(cop_requests_add(set, request_to(quick, SILENT, 2), 200), COP_OK);
        ck_assert_int_eq(cop_requests_add(set, request_to(quick, ECHO, 3), 300), COP_OK);
        ck_assert_int_eq(cop_requests_add(set, request_to(quick, DIE, 4), 400), COP_OK);
        ck_assert_uint_eq(cop_requests_count(set), 4);
        static const struct { int64_t label; cop_status status; } expected[] = {
                { 200, COP_E_NO_REPLY }, { 300, COP_OK }, { 400, COP_E_DIED }, { 100, COP_OK },
        };
        for (size_t i = 0; i < COP__COUNT(expected); i++) {
                if (expected[i].label == 100) {
                        ck_assert_int_eq(cop_requests_poll(set, &response), COP_E_TIMEOUT);
                        request_to(slow, FLUSH, 0);
                }
                ck_assert_int_eq(cop_requests_await(set, PATIENCE_MS, &response), COP_OK);
                ck_assert_int_eq(response.label, expected[i].label);
                ck_assert_int_eq(response.status, expected[i].status);
                ck_assert_int_eq(response.message != NULL, response.status == COP_OK);
                ck_assert_int_eq(cop_request_poll(response.request, NULL), COP_E_NOT_FOUND);
                if (response.status == COP_OK)
                        expect_number(response.message, response.label / 100);
                ck_assert_uint_eq(cop_requests_count(set), 3 - i);
        }
        expect_boom(4);
        ck_assert_int_eq(cop_requests_await(set, COP_FOREVER, &response), COP_E_NOT_FOUND);
        cop_requests_free(set);
        put_down(slow);
}

IN_NODE(GSV_call_21_a_request_is_in_one_set_once)
{
        cop_pid p = new_clerk();
        cop_requests *set = cop_requests_new(), *other = cop_requests_new();
        cop_request request = request_to(p, ECHO, 1);
        ck_assert_int_eq(cop_requests_add(set, request, 1), COP_OK);
        ck_assert_int_eq(cop_requests_add(set, request, 1), COP_E_TAKEN);
        ck_assert_int_eq(cop_requests_add(other, request, 2), COP_E_TAKEN);
        ck_assert_uint_eq(cop_requests_count(set), 1);
        expect_answer(request, 1); /* which takes it out */
        ck_assert_uint_eq(cop_requests_count(set), 0);
        ck_assert_int_eq(cop_requests_add(set, request, 1), COP_E_NOT_FOUND);
        cop_requests_free(set);
        cop_requests_free(other);
        put_down(p);
}

IN_NODE(what_was_answered_before_it_joins_a_set_is_there_at_once)
{
        cop_pid p = new_clerk();
        cop_requests *set = cop_requests_new();
        cop_response response;
        cop_request request = request_to(p, ECHO, 9);
        settle_with(p);
        ck_assert_int_eq(cop_requests_add(set, request, 1), COP_OK);
        ck_assert_int_eq(cop_requests_poll(set, &response), COP_OK);
        expect_number(response.message, 9);
        cop_requests_free(set);
        put_down(p);
}

/* Each answer makes a new request: a time-out that began anew with each wait would never be over. */
IN_NODE(GSV_call_22_a_deadline_holds_over_several_waits)
{
        cop_pid p = new_clerk();
        cop_requests *set = cop_requests_new();
        cop_response response;
        cop_status status;
        int answers = 0;
        cop_deadline deadline = cop_deadline_in(50);
        cop_requests_add(set, request_to(p, DEFER, 0), 0);
        cop_requests_add(set, request_to(p, LATER, 1), 1);
        while ((status = cop_requests_await_until(set, deadline, &response)) == COP_OK) {
                ck_assert_int_eq(response.label, 1);
                expect_number(response.message, 1);
                answers++;
                cop_requests_add(set, request_to(p, LATER, 1), 1);
        }
        ck_assert_int_eq(status, COP_E_TIMEOUT);
        ck_assert_uint_ge(cop__clock_ns(), deadline.at_ns);
        ck_assert_int_lt(answers, 50);
        ck_assert_uint_eq(cop_requests_count(set), 0);
        cop_requests_free(set);
        put_down(p);
}

IN_NODE(GSV_call_23_a_call_to_several_says_of_each_what_it_answered_or_why_not)
{
        cop_pid good = new_clerk(), silent = new_clerk(), gone = new_clerk();
        put_down(gone);
        cop_register("clerk", good);
        const cop_address to[] = { cop_to_pid(good), cop_to_pid(gone), cop_to_name("nobody"),
                                   cop_to_name("clerk") };
        cop_response responses[4];
        ck_assert_uint_eq(cop_multi_call(responses, to, 4, PATIENCE_MS, ask, .what = ECHO,
                                         .number = 7),
                          2);
        for (int64_t i = 0; i < 4; i++)
                ck_assert_int_eq(responses[i].label, i);
        expect_number(responses[0].message, 7);
        ck_assert_int_eq(responses[1].status, COP_E_NO_ACTOR);
        ck_assert_int_eq(responses[2].status, COP_E_NO_NAME);
        expect_number(responses[3].message, 7);
        ck_assert_ptr_null(responses[1].message);

        const cop_address slow[] = { cop_to_pid(silent) };
        ck_assert_uint_eq(cop_multi_call(responses, slow, 1, 1, ask, .what = DEFER), 0);
        ck_assert_int_eq(responses[0].status, COP_E_TIMEOUT);
        ck_assert_uint_eq(cop_multi_call(responses, to, 0, 1, ask, .what = ECHO), 0);
        put_down(good);
        put_down(silent);
        nothing_has_come();
}

TEST(a_call_to_several_outside_a_node_is_refused)
{
        const cop_address to[] = { cop_to_name("nobody") };
        cop_response responses[1];
        ck_assert_uint_eq(cop_multi_call(responses, to, 1, 1, note, .number = 1), 0);
        ck_assert_int_eq(responses[0].status, COP_E_NO_NODE);
}

IN_NODE(a_deadline_that_is_over_still_gives_what_is_there)
{
        cop_pid p = new_clerk();
        cop_requests *set = cop_requests_new();
        cop_response response;
        cop_requests_add(set, request_to(p, ECHO, 1), 0);
        cop_requests_add(set, request_to(p, DEFER, 1), 0);
        settle_with(p);
        cop_deadline over = cop_deadline_in(0);
        ck_assert_int_eq(cop_requests_await_until(set, over, &response), COP_OK);
        expect_number(response.message, 1);
        ck_assert_int_eq(cop_requests_await_until(set, over, &response), COP_E_TIMEOUT);
        ck_assert_int_eq(cop_requests_await_until(set, over, &response), COP_E_NOT_FOUND);
        ck_assert_uint_eq(cop_deadline_in(COP_FOREVER).at_ns, UINT64_MAX);
        cop_requests_free(set);
        put_down(p);
}

IN_NODE(dropping_a_set_drops_all_its_requests)
{
        cop_pid p = new_clerk();
        int64_t before = blocks_in_use(node);
        for (int i = 0; i < 50; i++) {
                cop_requests *set = cop_requests_new();
                cop_request requests[] = { request_to(p, ECHO, 1), request_to(p, DEFER, 2),
                                           request_to(p, SILENT, 3) };
                for (int64_t j = 0; j < 3; j++)
                        cop_requests_add(set, requests[j], j);
                if (i % 2 == 0)
                        settle_with(p);
                cop_requests_free(set);
                for (int j = 0; j < 3; j++)
                        ck_assert(!cop_request_drop(requests[j]));
                expect_answer(request_to(p, FLUSH, 0), 0);
        }
        nothing_has_come();
        await_true(blocks_in_use(node) <= before + 3);
        put_down(p);
}

static cop_requests *of_another;

static void uses_anothers_set(void)
{
        cop_response response;
        cop_request request;
        cop_request_send(&request, cop_self(), ask);
        if (cop_requests_add(of_another, request, 0) != COP_E_NOT_OWNER ||
            cop_requests_poll(of_another, &response) != COP_E_NOT_OWNER ||
            cop_requests_await(of_another, 0, &response) != COP_E_NOT_OWNER ||
            cop_requests_count(of_another) != 0)
                cop_exit(cop_atom("let_in"));
        cop_requests_free(of_another);
}

IN_NODE(a_set_is_its_makers_alone)
{
        of_another = cop_requests_new();
        cop_auto message = await(COP_REF(cop_down, spawn_watched(.run = uses_anothers_set)));
        ck_assert(cop_is_tuple(cop_read(cop_down, message)->reason, "badarg", 2));
        cop_requests_free(of_another);
}

/* ---- Full mailboxes --------------------------------------------------------------------------------- */

/*
 * All mail is put where looking at it is a fault: neither requests nor calls look at any message that came before.
 */
IN_NODE(GSV_call_24_a_full_mailbox_is_not_looked_at)
{
        int64_t count = suite_is_slow() ? 20000 : 500000;
        cop_pid p = new_clerk();
        struct cop__actor *self = cop__actor_here();
        /* As cop_send, but whoever sends so much is held back by it. */
        for (int64_t i = 0; i < count; i++) {
                struct cop__thread *thread = cop__thread_here();
                struct cop__signal *signal;
                ck_assert_int_eq(cop__signal_message(&thread->pool, COP_KIND_OF(note),
                                                     &(note){ .number = i }, &signal), COP_OK);
                cop__send_signal(thread, cop_self(), signal);
        }
        cop_message_free(cop_receive(0, COP_KIND(ask))); /* all is in the mailbox */
        ck_assert_uint_eq(self->mailbox.count, count);
        void *forbidden = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        ck_assert_ptr_ne(forbidden, MAP_FAILED);
        struct cop__mailbox mail = self->mailbox;
        self->mailbox.first = self->mailbox.last = forbidden;
        for (int64_t i = 0; i < 100; i++) {
                cop_request first = request_to(p, ECHO, i), second = request_to(p, ECHO, i + 1);
                expect_answer(second, i + 1);
                expect_answer(first, i);
                ck_assert_int_eq(cop_call(NULL, p, PATIENCE_MS, ask, .what = ECHO), COP_OK);
                ck_assert_int_eq(cop_request_await(request_to(p, SILENT, 0), PATIENCE_MS, NULL),
                                 COP_E_NO_REPLY);
        }
        self->mailbox = mail;
        munmap(forbidden, 4096);
        for (int64_t i = 0; i < count; i++) {
                cop_auto message = cop_receive(0, COP_ANY);
                ck_assert_int_eq(cop_read(note, message)->number, i);
        }
        put_down(p);
}

/* ---- Many -------------------------------------------------------------------------------------------- */

static void asks_all(const ask *a)
{
        enum { ROUNDS = 20, COUNT = 50 };
        cop_requests *set = cop_requests_new();
        int64_t sum = 0;
        for (int64_t round = 0; round < ROUNDS; round++) {
                cop_request request;
                cop_response response;
                for (int64_t i = 0; i < COUNT; i++) {
                        cop_request_send(&request, a->pid, ask, .what = i % 5 ? ECHO : PASS_ON,
                                         .pid = a->caller.pid, .number = i);
                        cop_requests_add(set, request, i);
                }
                while (cop_requests_await(set, COP_FOREVER, &response) == COP_OK) {
                        if (response.status != COP_OK ||
                            cop_read(answer, response.message)->number != response.label)
                                cop_exit(cop_atom("wrong"));
                        sum += response.label;
                        cop_message_free(response.message);
                }
        }
        cop_exit(cop_int(sum));
}

IN_NODE(many_askers_with_many_requests_each_get_their_own_answers)
{
        enum { ASKERS = 20 };
        cop_ref refs[ASKERS];
        cop_pid p = new_clerk(), q = new_clerk();
        for (int i = 0; i < ASKERS; i++)
                refs[i] = spawn_watched(RUN_WITH(asks_all, ask, .pid = p, .caller.pid = q));
        for (int i = 0; i < ASKERS; i++)
                await_down(refs[i], "24500"); /* 20 * (0 + 1 + ... + 49) */
        await_true(strcmp(info_of(p, "monitored_by"), "[]") == 0);
        put_down(p);
        put_down(q);
}
