/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Futures: results, failures, who awaits them, and that nothing is left behind. */
#include <stdio.h>
#include <string.h>

#include "tests/node_fixture.h"

typedef struct {
        int64_t from, to;
} range;
COP_MESSAGE(range, from, to);

typedef struct {
        int64_t value;
        cop_text words;
} total;
COP_MESSAGE(total, value, words);
COP_FUTURE(total);

typedef struct {
        int64_t nothing;
} other;
COP_MESSAGE(other, nothing);
COP_FUTURE(other);

typedef struct {
        total_future future;
        cop_pid tell;
} ask;
COP_MESSAGE(ask, COP_NESTED(total_future, future), tell);

typedef struct {
        int64_t value;
        int32_t status;
} heard;
COP_MESSAGE(heard, value, status);

static void adds_up(const range *r)
{
        char words[16];
        int64_t sum = 0;
        for (int64_t i = r->from; i <= r->to; i++)
                sum += i;
        snprintf(words, sizeof(words), "%d", (int)sum);
        ck_assert_int_eq(cop_resolve(total, .value = sum, .words = cop_text_of(words)), COP_OK);
}

static void resolves_twice(void)
{
        cop_resolve(total, .value = 1);
        cop_resolve(total, .value = 2);
}

static void resolves_nothing(void)
{
}

static void resolves_another_kind(void)
{
        cop_resolve(other, .nothing = 1);
        cop_message_free(cop_receive(COP_FOREVER, COP_ANY));
}

static void exits(void)
{
        cop_exit(cop_atom("oh_no"));
}

static void crashes(void)
{
        volatile int *nowhere = NULL;
        *nowhere = 1;
}

static void waits(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_ANY));
        cop_resolve(total, .value = 5);
}

/* Its runner, whom it tells of itself. */
static void tells_and_waits(const ask *a)
{
        cop_send(a->tell, ask, .tell = cop_self());
        waits();
}

static int64_t value_of(total_future future)
{
        cop_auto message = NULL;
        ck_assert_int_eq(cop_await(&message, future, PATIENCE_MS, total), COP_OK);
        return cop_read(total, message)->value;
}

static cop_status status_of(total_future future, int64_t timeout_ms)
{
        cop_auto message = NULL;
        cop_status status = cop_await(&message, future, timeout_ms, total);
        ck_assert((message != NULL) == (status == COP_OK));
        return status;
}

IN_NODE(a_result_is_awaited_and_awaited_again)
{
        total_future future = cop_async_with(total, adds_up, range, .from = 1, .to = 100);
        cop_auto message = NULL;
        ck_assert_int_eq(cop_await(&message, future, PATIENCE_MS, total), COP_OK);
        ck_assert_int_eq(cop_read(total, message)->value, 5050);
        ck_assert_str_eq(cop_read(total, message)->words.data, "5050");
        ck_assert_int_eq(value_of(future), 5050);
        ck_assert_int_eq(cop_future_drop(future), COP_OK);
        await_true(!cop_is_alive(future.pid));
        ck_assert_int_eq(status_of(future, COP_FOREVER), COP_E_NO_ACTOR);
        nothing_has_come();
}

IN_NODE(a_join_takes_the_result_and_ends_the_future)
{
        total_future future = cop_async(total, resolves_twice);
        cop_ref ended = watch(future.pid);
        cop_auto message = NULL;
        ck_assert_int_eq(cop_join(&message, future, PATIENCE_MS, total), COP_OK);
        ck_assert_int_eq(cop_read(total, message)->value, 1);
        await_down(ended, "normal");
}

IN_NODE(a_join_of_a_function_without_a_result_ends_the_future)
{
        total_future future = cop_async(total, resolves_nothing);
        cop_ref end = watch(future.pid);
        ck_assert_int_eq(cop_join(&(cop_message *){ NULL }, future, PATIENCE_MS, total), COP_E_NO_REPLY);
        await_down(end, "normal");
}

IN_NODE(who_is_not_its_function_gives_a_future_no_result)
{
        total_future future = cop_async_with(total, tells_and_waits, ask, .tell = cop_self());
        cop_auto message = await(COP_KIND(ask));
        ck_assert_int_eq(cop_complete(future, total, .value = 9), COP_OK);
        settle_with(future.pid);
        ck_assert_int_eq(status_of(future, 0), COP_E_TIMEOUT);
        cop_send(cop_read(ask, message)->tell, other, 1);
        ck_assert_int_eq(value_of(future), 5);
        ck_assert_int_eq(cop_future_drop(future), COP_OK);
}

/* What it answers is told as any server's, also where that is but a word. */
IN_NODE(who_traces_a_future_hears_of_its_answer)
{
        cop_message *result = NULL;
        bool has_answered = false;
        other_future future = cop_promise(other);
        ck_assert_int_eq(cop_complete(future, other, .nothing = 3), COP_OK);
        ck_assert_int_eq(cop_sys_trace(future.pid, PATIENCE_MS, true, cop_self()), COP_OK);
        ck_assert_int_eq(cop_await(&result, future, PATIENCE_MS, other), COP_OK);
        cop_message_free(result);
        while (!has_answered) {
                cop_auto message = await(COP_KIND(cop_sys_event));
                has_answered = strcmp(cop_read(cop_sys_event, message)->what.text, "out") == 0;
        }
        put_down(future.pid);
}

static uint64_t alive_in(cop_node *node)
{
        struct cop__totals totals;
        cop__totals(node, &totals);
        return totals.spawned - totals.died;
}

static void takes_a_total(const total *t)
{
        cop_resolve_value(COP_KIND_OF(total), t);
}

IN_NODE(a_future_whose_argument_cannot_be_sent_is_not_left_behind)
{
        const uint64_t before = alive_in(node);
        const total wrong = { .words = { 5, NULL } };
        cop_pid pid = cop_no_pid();
        cop_async_options options = { .run_with = COP_RUN_WITH(takes_a_total, total), .kind = COP_KIND_OF(total),
                                      .argument = &wrong, .result = COP_KIND_OF(total) };
        ck_assert_int_eq(cop_async_opt(&options, &pid), COP_E_BAD_ARGUMENT);
        ck_assert_uint_eq(pid.bits, 0);
        await_true(alive_in(node) == before);
}

IN_NODE(a_join_that_times_out_leaves_the_future)
{
        total_future future = cop_promise(total);
        cop_auto message = NULL;
        ck_assert_int_eq(cop_join(&message, future, 0, total), COP_E_TIMEOUT);
        ck_assert_int_eq(cop_join(&message, future, 1, total), COP_E_TIMEOUT);
        ck_assert_int_eq(cop_complete(future, total, .value = 3), COP_OK);
        ck_assert_int_eq(cop_join(&message, future, PATIENCE_MS, total), COP_OK);
        ck_assert_int_eq(cop_read(total, message)->value, 3);
}

IN_NODE(a_crash_is_told_to_who_awaits_and_to_who_comes_later)
{
        total_future future = cop_async(total, crashes);
        for (int i = 0; i < 2; i++) {
                ck_assert_int_eq(status_of(future, PATIENCE_MS), COP_E_DIED);
                ck_assert(cop_is_tuple(cop_failure(), "fault", 5));
                settle_with(future.pid);
        }
        future = cop_async(total, exits);
        ck_assert_int_eq(status_of(future, PATIENCE_MS), COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()), "oh_no");
}

IN_NODE(a_function_without_a_result_is_no_reply)
{
        ck_assert_int_eq(status_of(cop_async(total, resolves_nothing), PATIENCE_MS), COP_E_NO_REPLY);
}

IN_NODE(a_result_of_another_kind_is_a_failure)
{
        ck_assert_int_eq(status_of(cop_async(total, resolves_another_kind), PATIENCE_MS), COP_E_DIED);
        ck_assert(cop_is_tuple(cop_failure(), "badarg", 2));
}

IN_NODE(a_promise_that_is_completed_with_another_kind_has_failed)
{
        total_future future = cop_promise(total);
        ck_assert_int_eq(cop_complete_value(future.pid, COP_KIND_OF(other), &(other){ 1 }), COP_OK);
        ck_assert_int_eq(status_of(future, PATIENCE_MS), COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()),
                         "{badarg, {resolve, \"the future is for another kind of result\"}}");
        future = cop_promise(total); /* a question is no result */
        ck_assert_int_eq(cop_call_value(&(cop_message *){ NULL }, cop_to_pid(future.pid), PATIENCE_MS, COP_KIND_OF(other),
                                        &(other){ 1 }),
                         COP_E_NO_REPLY);
        ck_assert_int_eq(cop_complete(future, total, .value = 2), COP_OK);
        ck_assert_int_eq(value_of(future), 2);
        cop_future_drop(future);
}

IN_NODE(a_cancel_ends_the_function_and_is_told)
{
        total_future future = cop_async_with(total, tells_and_waits, ask, .tell = cop_self());
        cop_auto message = await(COP_KIND(ask));
        cop_ref ended = watch(cop_read(ask, message)->tell);
        ck_assert_int_eq(status_of(future, 0), COP_E_TIMEOUT);
        ck_assert_int_eq(cop_future_cancel(future), COP_OK);
        await_down(ended, "killed");
        ck_assert_int_eq(status_of(future, COP_FOREVER), COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()), "cancelled");
        ck_assert_int_eq(cop_future_cancel(future), COP_OK);
}

IN_NODE(a_cancel_that_comes_too_late_changes_nothing)
{
        total_future future = cop_async(total, resolves_twice);
        ck_assert_int_eq(value_of(future), 1);
        ck_assert_int_eq(cop_future_cancel(future), COP_OK);
        ck_assert_int_eq(value_of(future), 1);
}

static void awaits(const ask *a)
{
        cop_auto message = NULL;
        cop_status status = cop_await(&message, a->future, COP_FOREVER, total);
        cop_send(a->tell, heard, .status = status,
                 .value = status == COP_OK ? cop_read(total, message)->value : 0);
}

static void await_heard(int64_t value, cop_status status)
{
        cop_auto message = await(COP_KIND(heard));
        ck_assert_int_eq(cop_read(heard, message)->value, value);
        ck_assert_int_eq(cop_read(heard, message)->status, status);
}

static void await_waiting(cop_pid pid, total_future future)
{
        char name[COP_ID_TEXT_MAX];
        cop_pid_print(future.pid, name);
        await_true(strstr(info_of(pid, "monitored_by"), name) != NULL);
}

IN_NODE(several_actors_await_one_future)
{
        total_future future = cop_promise(total);
        for (int i = 0; i < 10; i++) {
                cop_pid pid = cop_spawn_with(awaits, ask, .future = future, .tell = cop_self());
                if (i % 2)
                        await_waiting(pid, future);
        }
        ck_assert_int_eq(cop_complete(future, total, .value = 4), COP_OK);
        for (int i = 0; i < 10; i++)
                await_heard(4, COP_OK);
}

IN_NODE(who_awaits_what_is_dropped_hears_of_it)
{
        total_future future = cop_promise(total);
        cop_pid pid = cop_spawn_with(awaits, ask, .future = future, .tell = cop_self());
        await_waiting(pid, future);
        ck_assert_int_eq(cop_future_drop(future), COP_OK);
        await_heard(0, COP_E_NO_ACTOR);
}

IN_NODE(one_that_gives_up_or_dies_leaves_nothing_behind)
{
        total_future future = cop_promise(total);
        settle_with(future.pid);
        int64_t before = blocks_in_use(cop_node_here());
        for (int i = 0; i < 100; i++)
                ck_assert_int_eq(status_of(future, i % 2), COP_E_TIMEOUT);
        for (int i = 0; i < 10; i++) {
                cop_pid pid = cop_spawn_with(awaits, ask, .future = future, .tell = cop_self());
                await_waiting(pid, future);
                put_down(pid);
        }
        settle_with(future.pid);
        /* What each has read last stays in its queue until something follows. */
        await_true(blocks_in_use(cop_node_here()) <= before + 4);
        cop_complete(future, total, .value = 1);
        ck_assert_int_eq(value_of(future), 1);
        nothing_has_come();
}

static void makes_and_ends(const ask *a)
{
        total_future done = cop_async(total, resolves_twice);
        total_future running = cop_async_with(total, tells_and_waits, ask, .tell = a->tell);
        value_of(done);
        cop_send(a->tell, total_future, .pid = done.pid);
        cop_send(a->tell, total_future, .pid = running.pid);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(heard)));
}

IN_NODE(futures_and_their_functions_end_with_their_owner)
{
        cop_pid owner = cop_spawn_with(makes_and_ends, ask, .tell = cop_self());
        cop_auto runner = await(COP_KIND(ask));
        cop_auto first = await(COP_KIND(total_future));
        cop_auto second = await(COP_KIND(total_future));
        cop_ref ended[] = { watch(cop_read(ask, runner)->tell),
                            watch(cop_read(total_future, first)->pid),
                            watch(cop_read(total_future, second)->pid) };
        cop_send(owner, heard, .status = 0);
        await_down(ended[0], "killed");
        await_down(ended[1], "normal");
        await_down(ended[2], "normal");
}

IN_NODE(all_are_awaited_and_the_first_failure_is_the_answer)
{
        total_future futures[4];
        cop_message *results[4];
        for (int64_t i = 0; i < 4; i++)
                futures[i] = cop_async_with(total, adds_up, range, .from = 1, .to = i);
        ck_assert_int_eq(cop_await_all(results, futures, 4, PATIENCE_MS, total), COP_OK);
        for (int64_t i = 0; i < 4; i++) {
                ck_assert_int_eq(cop_read(total, results[i])->value, i * (i + 1) / 2);
                cop_message_free(results[i]);
        }
        futures[1] = cop_async(total, exits);
        futures[2] = cop_promise(total);
        ck_assert_int_eq(status_of(futures[1], PATIENCE_MS), COP_E_DIED);
        ck_assert_int_eq(cop_await_all(results, futures, 4, 1, total), COP_E_DIED);
        ck_assert_ptr_nonnull(results[0]);
        ck_assert_ptr_null(results[1]);
        ck_assert_ptr_null(results[2]);
        ck_assert_ptr_nonnull(results[3]);
        cop_message_free(results[0]);
        cop_message_free(results[3]);
}

IN_NODE(any_tells_which_is_finished)
{
        total_future futures[3] = { cop_promise(total), cop_promise(total), cop_promise(total) };
        cop_auto message = NULL;
        size_t index = 99;
        ck_assert_int_eq(cop_await_any(&message, futures, 3, 1, total, &index), COP_E_TIMEOUT);
        cop_complete(futures[2], total, .value = 8);
        ck_assert_int_eq(cop_await_any(&message, futures, 3, PATIENCE_MS, total, &index), COP_OK);
        ck_assert_uint_eq(index, 2);
        ck_assert_int_eq(cop_read(total, message)->value, 8);
        cop_future_drop(futures[2]);
        futures[2] = cop_async(total, exits);
        ck_assert_int_eq(cop_await_any(&message, futures, 3, PATIENCE_MS, total, &index), COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()), "oh_no");
}

IN_NODE(each_mistake_has_its_own_answer)
{
        total_future nobody = { { 0 } }, future = cop_promise(total);
        cop_message *message;
        cop_pid pid;
        size_t index;
        ck_assert_int_eq(cop_await_message(NULL, future.pid, 0), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_join_message(NULL, future.pid, 0), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(status_of(nobody, 0), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(status_of(future, -1), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_future_cancel(nobody), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_complete(nobody, total, .value = 1), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_resolve(total, .value = 1), COP_E_NO_CALLER);
        ck_assert_int_eq(cop_async_opt(NULL, &pid), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_async_opt(&(cop_async_options){ .run = exits }, &pid), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_await_any(&message, &nobody, 0, 0, total, &index), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_await_any(&message, ((total_future[]){ future, nobody }), 2, 1, total, &index),
                         COP_E_BAD_ARGUMENT); /* as for one alone: it would never be finished */
        ck_assert_int_eq(cop_await_all_messages(NULL, &future.pid, 1, 0), COP_E_BAD_ARGUMENT);
}

TEST(outside_a_node_there_are_no_futures)
{
        total_future future = { { 1 } };
        cop_pid pid;
        cop_message *message;
        ck_assert_int_eq(cop_async_opt(&(cop_async_options){ .run = exits,
                                                             .result = COP_KIND_OF(total) }, &pid),
                         COP_E_NO_NODE);
        ck_assert_uint_eq(cop_async(total, exits).pid.bits, 0);
        ck_assert_int_eq(cop_await(&message, future, 0, total), COP_E_NO_NODE);
        ck_assert_int_eq(cop_resolve(total, .value = 1), COP_E_NO_NODE);
}

IN_NODE_WITH(a_function_that_cannot_be_spawned_is_a_failed_future, .max_actors = 8)
{
        total_future future = { { 0 } }, last;
        cop_status status = COP_E_TIMEOUT;
        for (int i = 0; i < 16; i++) {
                last = cop_async(total, waits);
                if (last.pid.bits == 0)
                        break;
                settle_with(last.pid);
                future = last;
        }
        ck_assert_uint_eq(last.pid.bits, 0);
        status = status_of(future, 0);
        ck_assert(status == COP_E_TIMEOUT || status == COP_E_DIED);
}

/* Futures that crash, end, are cancelled and dropped at any moment; nothing stays. */
IN_NODE(nothing_is_left_of_many_futures)
{
        int64_t before = blocks_in_use(cop_node_here());
        for (int i = 0; i < 300; i++) {
                total_future future = i % 3 == 0   ? cop_async(total, exits)
                                      : i % 3 == 1 ? cop_async_with(total, adds_up, range, .from = 1,
                                                                    .to = i)
                                                   : cop_async(total, waits);
                if (i % 2)
                        status_of(future, 0);
                if (i % 5 == 0)
                        cop_future_cancel(future);
                if (i % 7 == 0)
                        status_of(future, 1);
                cop_future_drop(future);
        }
        nothing_has_come();
        await_true(blocks_in_use(cop_node_here()) <= before + 4);
}

static void sleeps(void)
{
        cop_sleep(COP_FOREVER);
}

static void drops_all(void)
{
        for (;;)
                cop_message_free(cop_receive(COP_FOREVER, COP_ANY));
}

TEST(an_actor_that_never_listens_ends_no_await_but_time_does)
{
        cop_simulation order = { .seed = 3, .checks = 16 };
        cop_node *node = node_begin((cop_node_options){ .simulation = &order });
        total_future none = { cop_spawn(sleeps) };
        cop_auto message = NULL;
        ck_assert_int_eq(cop_await(&message, none, 10, total), COP_E_TIMEOUT);
        ck_assert_int_eq(cop_await(&message, none, 0, total), COP_E_TIMEOUT);
        ck_assert_int_eq(cop_join(&message, none, 10, total), COP_E_TIMEOUT);
        ck_assert_int_eq(cop_future_cancel(none), COP_E_TIMEOUT);
        node_end(node);
}

#define DEAF_MOST 150

/* So many who never listen are awaited, and behind them one that has its result, which comes all the same. How long that took. */
static int64_t await_the_deaf(total_future *futures, size_t deaf, int64_t time_ms)
{
        cop_message *results[DEAF_MOST + 1];
        for (size_t i = 0; i < deaf; i++)
                futures[i].pid = cop_spawn(sleeps);
        futures[deaf] = cop_promise(total);
        ck_assert_int_eq(cop_complete(futures[deaf], total, .value = 7), COP_OK);
        int64_t before_ms = cop_now_ms();
        ck_assert_int_eq(cop_await_all(results, futures, deaf + 1, time_ms, total), COP_E_TIMEOUT);
        int64_t took_ms = cop_now_ms() - before_ms;
        for (size_t i = 0; i < deaf; i++)
                ck_assert_ptr_null(results[i]);
        ck_assert_int_eq(cop_read(total, results[deaf])->value, 7);
        cop_message_free(results[deaf]);
        return took_ms;
}

TEST(however_many_never_listen_all_are_awaited_within_one_time_and_one_grace)
{
        enum { DEAF = 12, TIME_MS = 100, GRACE_MS = 100 };
        cop_simulation order = { .seed = 3, .checks = 16 };
        cop_node *node = node_begin((cop_node_options){ .simulation = &order });
        total_future futures[DEAF + 1];
        cop_message *results[DEAF];
        ck_assert_int_le(await_the_deaf(futures, DEAF, TIME_MS), TIME_MS + GRACE_MS + DEAF);
        int64_t before_ms = cop_now_ms();
        ck_assert_int_eq(cop_await_all(results, futures, DEAF, 0, total), COP_E_TIMEOUT);
        ck_assert_int_le(cop_now_ms() - before_ms, 500 + DEAF);
        node_end(node);
}

/* A millisecond, of which the grace has fewer. */
TEST(each_of_more_who_never_listen_than_there_is_time_for_has_a_moment_and_so_has_the_one_behind_them)
{
        enum { TIME_MS = 100, GRACE_MS = 100 };
        cop_simulation order = { .seed = 3, .checks = 16 };
        cop_node *node = node_begin((cop_node_options){ .simulation = &order });
        total_future futures[DEAF_MOST + 1];
        int64_t took_ms = await_the_deaf(futures, DEAF_MOST, TIME_MS);
        ck_assert_int_ge(took_ms, TIME_MS + DEAF_MOST);
        ck_assert_int_le(took_ms, TIME_MS + GRACE_MS + DEAF_MOST);
        node_end(node);
}

IN_NODE(who_is_no_future_is_an_unknown_one_and_not_without_memory)
{
        total_future none = { cop_spawn(drops_all) };
        cop_auto message = NULL;
        ck_assert_int_eq(cop_await(&message, none, PATIENCE_MS, total), COP_E_NO_ACTOR);
        ck_assert_int_eq(cop_join(&message, none, PATIENCE_MS, total), COP_E_NO_ACTOR);
        ck_assert_int_eq(cop_future_cancel(none), COP_E_NO_ACTOR);
}

IN_NODE(all_of_some_futures_are_awaited_for_as_long_as_it_takes)
{
        cop_pid pids[2] = { cop_async_with(total, adds_up, range, .from = 1, .to = 3).pid,
                            cop_async_with(total, adds_up, range, .from = 1, .to = 4).pid };
        cop_message *results[2];
        ck_assert_int_eq(cop_await_all_messages(results, pids, 2, COP_FOREVER), COP_OK);
        ck_assert_int_eq(cop_read(total, results[0])->value, 6);
        ck_assert_int_eq(cop_read(total, results[1])->value, 10);
        cop_message_free(results[0]);
        cop_message_free(results[1]);
}
