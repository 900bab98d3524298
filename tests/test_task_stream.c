/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Task streams: order, bounds, laziness, what becomes of each item, and that no task outlives its stream. */
#include <coppice/task_stream.h>

#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/atomic.h"
#include "tests/node_fixture.h"

typedef struct item {
        int64_t number, how;
        cop_pid tell;
} item;
COP_MESSAGE(item, number, how, tell);

typedef struct square {
        int64_t number;
} square;
COP_MESSAGE(square, number);

typedef struct go {
        int64_t number;
} go;
COP_MESSAGE(go, number);

/* Where a task waits for its go; its pid is in the message's sender. */
typedef struct here {
        int64_t number;
        cop_pid pid;
} here;
COP_MESSAGE(here, number, pid);

enum how {
        AT_ONCE = 0,
        WHEN_TOLD, /* says that it is there, and waits for a go */
        FAILS,     /* exits with {bad, number} */
        WITHOUT,   /* gives no result */
        EVERY_THIRD_FAILS,
        FIRST_WAITS,
        OTHERS_WAIT,
        COUNTS, /* itself, among those that run */
        FIRST_FAILS_LAST, /* all exit with {bad, number} */
        FIRST_BLOCKS, /* until it may go on; the next waits and fails, the others do not wait */
};

static int64_t running, most_running;

static void count_itself(void)
{
        int64_t now = cop__add_seq(&running, 1) + 1, before = cop__load_seq(&most_running);
        while (now > before && !cop__cas_seq(&most_running, &before, now))
                ;
        cop_yield();
        cop_sleep(0);
        cop_yield();
        cop__sub_seq(&running, 1);
}

static int64_t how_of(const item *i)
{
        switch (i->how) {
        case EVERY_THIRD_FAILS:
                return i->number % 3 == 2 ? FAILS : AT_ONCE;
        case FIRST_WAITS:
                return i->number == 0 ? WHEN_TOLD : AT_ONCE;
        case OTHERS_WAIT:
                return i->number > 0 ? WHEN_TOLD : AT_ONCE;
        case FIRST_FAILS_LAST:
                return i->number == 0 ? WHEN_TOLD : FAILS;
        case FIRST_BLOCKS:
                return i->number == 1 ? WHEN_TOLD : AT_ONCE;
        default:
                return i->how;
        }
}

static uint32_t is_blocking, may_go_on; /* atomic */

static void blocks(void *unused)
{
        (void)unused;
        cop__store_seq(&is_blocking, 1);
        while (!cop__load_seq(&may_go_on))
                sched_yield();
}

static void work(const item *i)
{
        int64_t how = how_of(i);
        if (i->how == FIRST_BLOCKS && i->number == 0)
                cop_blocking_call(blocks, NULL);
        if (how == FAILS)
                cop_exit(COP_TUPLE(cop_atom("bad"), cop_int(i->number)));
        if (how == COUNTS)
                count_itself();
        if (how == WHEN_TOLD) {
                cop_send(i->tell, here, .number = i->number, .pid = cop_self());
                cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
        }
        if (i->how == FIRST_FAILS_LAST || (i->how == FIRST_BLOCKS && i->number == 1))
                cop_exit(COP_TUPLE(cop_atom("bad"), cop_int(i->number)));
        if (how != WITHOUT)
                cop_reply(square, .number = i->number * i->number);
}

typedef struct source {
        int64_t asked, count, how;
        cop_pid tell;
} source;

static bool next_item(source *from, item *i)
{
        ck_assert_int_eq(i->number, 0); /* it is zeroed */
        if (from->asked == from->count)
                return false;
        *i = (item){ from->asked++, from->how, from->tell };
        return true;
}

#define STREAM(from) COP_STREAM(work, item, next_item, from)

static cop_task_stream *open_stream(cop_task_stream_options options)
{
        cop_task_stream *stream = NULL;
        ck_assert_int_eq(cop_task_stream_open(&options, &stream), COP_OK);
        return stream;
}

static void expect_square(cop_task_stream *stream, int64_t index)
{
        cop_streamed one;
        ck_assert_int_eq(cop_task_stream_next(stream, &one), COP_OK);
        ck_assert_int_eq(one.status, COP_OK);
        ck_assert_int_eq(one.index, index);
        ck_assert_int_eq(cop_read(square, one.result)->number, index * index);
        ck_assert_ptr_null(one.item);
        cop_message_free(one.result);
}

static void expect_end(cop_task_stream *stream)
{
        cop_streamed one;
        for (int i = 0; i < 2; i++)
                ck_assert_int_eq(cop_task_stream_next(stream, &one), COP_E_NOT_FOUND);
        ck_assert_int_eq(cop_task_stream_close(stream), COP_OK);
        nothing_has_come();
}

/* Who lives in the node; whoever's end has been heard does not. */
static uint64_t alive_in(cop_node *node)
{
        struct cop__totals totals;
        cop__totals(node, &totals);
        return totals.spawned - totals.died;
}

static cop_pid await_here(int64_t number)
{
        cop_auto message = await(COP_FIELD(here, number, number));
        return cop_read(here, message)->pid;
}

static cop_status next_of(cop_task_stream *stream, cop_streamed *one)
{
        cop_status status = cop_task_stream_next(stream, one);
        if (status == COP_OK)
                cop_message_free(one->result);
        return status;
}

/* ---- Order and bounds ------------------------------------------------------------------- */

IN_NODE(results_come_in_the_order_of_the_items)
{
        source from = { .count = 500 };
        cop_task_stream *stream =
                open_stream((cop_task_stream_options){ STREAM(&from), .most = 7 });
        for (int64_t i = 0; i < 500; i++) {
                expect_square(stream, i);
                ck_assert_int_le(from.asked, i + 7);
        }
        expect_end(stream);
}

IN_NODE(without_order_a_slow_item_holds_up_nobody)
{
        source from = { .count = 20, .how = FIRST_WAITS, .tell = cop_self() };
        cop_streamed one;
        cop_task_stream *stream = open_stream((cop_task_stream_options){
                STREAM(&from), .most = 3, .unordered = true, .timeout_ms = COP_FOREVER });
        for (int64_t i = 1; i < 20; i++) {
                ck_assert_int_eq(next_of(stream, &one), COP_OK);
                ck_assert_int_ne(one.index, 0);
        }
        cop_send(await_here(0), go);
        expect_square(stream, 0);
        expect_end(stream);
}

/* Lets go whoever says that it waits. */
static void lets_go(void)
{
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(here));
                cop_send(cop_read(here, message)->pid, go);
        }
}

IN_NODE(in_order_a_slow_item_is_waited_for)
{
        source from = { .count = 20, .how = FIRST_WAITS, .tell = cop_spawn(lets_go) };
        cop_task_stream *stream =
                open_stream((cop_task_stream_options){ STREAM(&from), .most = 3 });
        for (int64_t i = 0; i < 20; i++)
                expect_square(stream, i);
        expect_end(stream);
        put_down(from.tell);
}

IN_NODE(no_more_run_at_a_time_than_may)
{
        for (int unordered = 0; unordered <= 1; unordered++) {
                source from = { .count = 300, .how = COUNTS };
                cop_streamed one;
                cop_task_stream *stream = open_stream((cop_task_stream_options){
                        STREAM(&from), .most = 4, .unordered = unordered == 1 });
                cop__store_seq(&most_running, (int64_t)0);
                while (next_of(stream, &one) == COP_OK)
                        ck_assert_int_eq(one.status, COP_OK);
                ck_assert_int_ge(cop__load_seq(&most_running), 1);
                ck_assert_int_le(cop__load_seq(&most_running), 4);
                expect_end(stream);
        }
}

IN_NODE(a_sequence_without_end_is_asked_for_what_is_used)
{
        source from = { .count = INT64_MAX };
        cop_task_stream *stream =
                open_stream((cop_task_stream_options){ STREAM(&from), .most = 5 });
        ck_assert_int_eq(from.asked, 0); /* nothing, before somebody waits */
        for (int64_t i = 0; i < 50; i++)
                expect_square(stream, i);
        ck_assert_int_le(from.asked, 55);
        ck_assert_int_eq(cop_task_stream_close(stream), COP_OK);
        nothing_has_come();
}

IN_NODE(an_empty_sequence_ends_at_once)
{
        source from = { .count = 0 };
        expect_end(open_stream((cop_task_stream_options){ STREAM(&from) }));
        ck_assert_int_eq(cop_task_stream_close(NULL), COP_OK);
}

/* ---- What becomes of an item ----------------------------------------------------------------- */

IN_NODE(a_task_that_fails_alone_is_an_outcome_in_its_place)
{
        source from = { .count = 9, .how = EVERY_THIRD_FAILS };
        cop_streamed one;
        char reason[32];
        cop_task_stream *stream =
                open_stream((cop_task_stream_options){ STREAM(&from), .most = 4, .nolink = true });
        for (int64_t i = 0; i < 9; i++) {
                ck_assert_int_eq(next_of(stream, &one), COP_OK);
                ck_assert_int_eq(one.index, i);
                ck_assert_int_eq(one.status, i % 3 == 2 ? COP_E_DIED : COP_OK);
                snprintf(reason, sizeof(reason), "{bad, %d}", (int)i);
                if (i % 3 == 2)
                        ck_assert_str_eq(text_of(cop_failure()), reason);
        }
        expect_end(stream);
}

/* Lets the first go when all the others have ended. */
static void lets_go_last(const item *i)
{
        cop_auto message = cop_receive(COP_FOREVER, COP_KIND(here));
        while (alive_in(cop_node_here()) > (uint64_t)i->number)
                cop_yield();
        cop_send(cop_read(here, message)->pid, go);
}

/* However early it was known. */
IN_NODE(each_failure_is_told_with_its_own_reason)
{
        source from = { .count = 5, .how = FIRST_FAILS_LAST };
        cop_streamed one;
        char reason[32];
        /* It, the first task and the warden. */
        from.tell = cop_spawn_with(lets_go_last, item, .number = (int64_t)alive_in(node) + 3);
        cop_task_stream *stream = open_stream((cop_task_stream_options){
                STREAM(&from), .most = 5, .nolink = true, .timeout_ms = COP_FOREVER });
        for (int64_t i = 0; i < 5; i++) {
                ck_assert_int_eq(next_of(stream, &one), COP_OK);
                ck_assert_int_eq(one.index, i);
                ck_assert_int_eq(one.status, COP_E_DIED);
                snprintf(reason, sizeof(reason), "{bad, %d}", (int)i);
                ck_assert_str_eq(text_of(cop_failure()), reason);
        }
        expect_end(stream);
}

IN_NODE(an_owner_that_traps_exits_survives_linked_tasks_and_hears_of_none_twice)
{
        source from = { .count = 6, .how = FAILS };
        cop_streamed one;
        cop_task_stream *stream =
                open_stream((cop_task_stream_options){ STREAM(&from), .most = 3 });
        for (int i = 0; i < 6; i++) {
                ck_assert_int_eq(next_of(stream, &one), COP_OK);
                ck_assert_int_eq(one.status, COP_E_DIED);
        }
        expect_end(stream);
}

static void streams(const item *i)
{
        source from = { .count = 3, .how = i->how, .tell = i->tell };
        cop_streamed one;
        cop_task_stream *stream = open_stream((cop_task_stream_options){
                STREAM(&from), .most = 3, .nolink = i->number == 1, .timeout_ms = COP_FOREVER });
        while (next_of(stream, &one) == COP_OK && i->how != OTHERS_WAIT)
                ;
        if (i->how == OTHERS_WAIT)
                cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
}

IN_NODE(a_linked_task_that_fails_ends_its_owner)
{
        cop_ref ref = spawn_watched(RUN_WITH(streams, item, .how = FAILS));
        cop_auto message = await(COP_REF(cop_down, ref));
        ck_assert(cop_is_tuple(cop_read(cop_down, message)->reason, "bad", 2));
}

IN_NODE(a_task_without_a_result_is_none)
{
        source from = { .count = 2, .how = WITHOUT };
        cop_streamed one;
        cop_task_stream *stream = open_stream((cop_task_stream_options){ STREAM(&from) });
        for (int i = 0; i < 2; i++) {
                ck_assert_int_eq(cop_task_stream_next(stream, &one), COP_OK);
                ck_assert_int_eq(one.status, COP_OK);
                ck_assert_ptr_null(one.result);
        }
        expect_end(stream);
}

IN_NODE(each_result_may_come_with_its_item)
{
        source from = { .count = 5, .how = EVERY_THIRD_FAILS };
        cop_streamed one;
        cop_task_stream *stream = open_stream(
                (cop_task_stream_options){ STREAM(&from), .most = 2, .nolink = true, .zip = true });
        for (int64_t i = 0; i < 5; i++) {
                ck_assert_int_eq(next_of(stream, &one), COP_OK);
                ck_assert_int_eq(cop_read(item, one.item)->number, i);
                cop_message_free(one.item);
        }
        expect_end(stream);
}

/* ---- Time ---------------------------------------------------------------------------------------- */

IN_NODE(a_slow_task_may_be_killed_and_the_stream_goes_on)
{
        source from = { .count = 8, .how = WHEN_TOLD, .tell = cop_self() };
        cop_streamed one;
        cop_task_stream *stream = open_stream((cop_task_stream_options){
                STREAM(&from), .most = 2, .timeout_ms = 1, .kill_slow = true });
        for (int64_t i = 0; i < 8; i++) {
                ck_assert_int_eq(next_of(stream, &one), COP_OK);
                ck_assert_int_eq(one.status, COP_E_TIMEOUT);
                ck_assert_int_eq(one.index, i);
        }
        ck_assert_int_eq(cop_task_stream_next(stream, &one), COP_E_NOT_FOUND);
        ck_assert_int_eq(cop_task_stream_close(stream), COP_OK);
}

IN_NODE(else_a_slow_task_ends_the_stream_and_the_other_tasks)
{
        source from = { .count = 8, .how = WHEN_TOLD, .tell = cop_self() };
        cop_streamed one;
        uint64_t before = alive_in(node);
        cop_task_stream *stream =
                open_stream((cop_task_stream_options){ STREAM(&from), .most = 3, .timeout_ms = 1 });
        for (int i = 0; i < 2; i++)
                ck_assert_int_eq(cop_task_stream_next(stream, &one), COP_E_TIMEOUT);
        ck_assert_int_eq(from.asked, 3);
        ck_assert_uint_eq(alive_in(node), before + 1); /* the warden */
        for (;;) {
                cop_auto message = cop_receive(0, COP_KIND(here));
                if (message == NULL)
                        break;
                ck_assert(!cop_is_alive(cop_read(here, message)->pid));
        }
        ck_assert_int_eq(cop_task_stream_close(stream), COP_OK);
        nothing_has_come();
        await_true(alive_in(node) == before);
}

/* ---- The end --------------------------------------------------------------------------------------- */

IN_NODE(closing_it_early_leaves_no_task_behind)
{
        source from = { .count = INT64_MAX, .how = OTHERS_WAIT, .tell = cop_self() };
        cop_pid pids[3];
        cop_task_stream *stream = open_stream(
                (cop_task_stream_options){ STREAM(&from), .most = 4, .timeout_ms = COP_FOREVER });
        expect_square(stream, 0);
        for (int i = 0; i < 3; i++)
                pids[i] = await_here(i + 1);
        ck_assert_int_eq(cop_task_stream_close(stream), COP_OK);
        for (int i = 0; i < 3; i++)
                ck_assert(!cop_is_alive(pids[i]));
        nothing_has_come();
}

/* A stream with tasks that wait, whose owner traps no exits; how it ended is told, and nothing else ends the owner. */
typedef struct over {
        int64_t status;
} over;
COP_MESSAGE(over, status);

static void ends_a_stream(const item *i)
{
        source from = { .count = INT64_MAX, .how = i->how, .tell = i->tell };
        cop_streamed one;
        cop_task_stream *stream = open_stream((cop_task_stream_options){
                STREAM(&from), .most = 4, .timeout_ms = i->how == OTHERS_WAIT ? COP_FOREVER : 1 });
        cop_status status = next_of(stream, &one);
        cop_task_stream_close(stream);
        cop_send(i->tell, over, .status = status);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
}

static void ends_a_stream_without_order(const item *i)
{
        source from = { .count = INT64_MAX, .how = i->how, .tell = i->tell };
        cop_streamed one;
        cop_task_stream *stream = open_stream((cop_task_stream_options){
                STREAM(&from), .most = 3, .unordered = true, .timeout_ms = COP_FOREVER });
        cop_send(i->tell, over, .status = next_of(stream, &one));
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
        cop_send(i->tell, over, .status = cop_task_stream_close(stream));
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
}

static void outlives_its_stream(int64_t how, cop_status status)
{
        cop_ref ref;
        cop_pid owner = cop_spawn_with(ends_a_stream, item, .how = how, .tell = cop_self());
        ck_assert_int_eq(cop_monitor(owner, &ref), COP_OK);
        cop_auto message = cop_receive(PATIENCE_MS, COP_KIND(over), COP_REF(cop_down, ref));
        ck_assert_ptr_nonnull(cop_read(over, message));
        ck_assert_int_eq(cop_read(over, message)->status, status);
        settle_with(owner);
        cop_send(owner, go);
        await_down(ref, "normal");
}

IN_NODE(who_closes_its_stream_early_lives_on_though_it_traps_no_exits)
{
        outlives_its_stream(OTHERS_WAIT, COP_OK);
}

IN_NODE(who_has_a_slow_task_in_its_stream_lives_on_though_it_traps_no_exits)
{
        outlives_its_stream(WHEN_TOLD, COP_E_TIMEOUT);
}

/* The others are untied before the first of them is waited for. */
IN_NODE(who_closes_its_stream_lives_on_though_a_task_fails_while_the_end_of_another_takes_long)
{
        NEEDS_THREADS();
        cop_ref ref;
        cop__store_seq(&is_blocking, 0);
        cop__store_seq(&may_go_on, 0);
        cop_pid owner = cop_spawn_with(ends_a_stream_without_order, item, .how = FIRST_BLOCKS, .tell = cop_self());
        ck_assert_int_eq(cop_monitor(owner, &ref), COP_OK);
        cop_pid failing = await_here(1);
        await_true(cop__load_seq(&is_blocking));
        await_and_drop(COP_KIND(over));
        cop_send(owner, go);
        await_true(is_waiting(node, owner)); /* for the end of the first */
        cop_send(failing, go);
        await_true(!cop_is_alive(failing));
        cop__store_seq(&may_go_on, 1);
        cop_auto message = cop_receive(PATIENCE_MS, COP_KIND(over), COP_REF(cop_down, ref));
        ck_assert_ptr_nonnull(cop_read(over, message));
        settle_with(owner);
        cop_send(owner, go);
        await_down(ref, "normal");
}

/* ---- In a terminate ---- */

typedef struct {
        source from;
        cop_task_stream *stream;
} streamer;

static bool has_enough(source *from, item *i)
{
        (void)from;
        (void)i;
        cop_exit(cop_atom("enough"));
}

static cop_status closed_at_the_end; /* read when its end has been heard */

static void streamer_on_go(streamer *self, const go *g)
{
        cop_streamed one;
        (void)g;
        self->stream = open_stream((cop_task_stream_options){ COP_STREAM(work, item, has_enough, &self->from), .most = 2 });
        cop_task_stream_next(self->stream, &one);
}

static void streamer_terminate(streamer *self, cop_term reason)
{
        (void)reason;
        closed_at_the_end = cop_task_stream_close(self->stream);
}

COP_SERVER(streamer, COP_ON(go, streamer_on_go), COP_TERMINATE(streamer_terminate));

IN_NODE(who_exits_in_its_sequence_may_close_the_stream_in_its_terminate)
{
        uint64_t before = alive_in(node);
        cop_pid pid = cop_spawn_server(&streamer_server, NULL);
        cop_ref ref = watch(pid);
        closed_at_the_end = COP_E_TIMEOUT;
        cop_send(pid, go);
        await_down(ref, "enough");
        ck_assert_int_eq(closed_at_the_end, COP_OK);
        await_true(alive_in(node) == before);
}

/* The owner ends in peace (0), the same without links (1), or is killed (2). */
IN_NODE(tasks_end_with_the_owner_of_their_stream_however_that_ends)
{
        for (int64_t number = 0; number <= 2; number++) {
                cop_ref refs[2];
                cop_pid owner = cop_spawn_with(streams, item, .number = number, .how = OTHERS_WAIT,
                                               .tell = cop_self());
                cop_pid first = await_here(1), second = await_here(2);
                ck_assert_int_eq(cop_monitor(first, &refs[0]), COP_OK);
                ck_assert_int_eq(cop_monitor(second, &refs[1]), COP_OK);
                if (number == 2)
                        put_down(owner);
                else
                        cop_send(owner, go);
                for (int i = 0; i < 2; i++)
                        await_and_drop(COP_REF(cop_down, refs[i]));
        }
}

static void asks_for_next(const item *i)
{
        cop_streamed one;
        cop_task_stream *theirs = (cop_task_stream *)(uintptr_t)i->number;
        cop_exit(COP_TUPLE(cop_int(cop_task_stream_next(theirs, &one)),
                           cop_int(cop_task_stream_close(theirs))));
}

IN_NODE(only_its_owner_may_use_it)
{
        char reason[32];
        source from = { .count = 1 };
        cop_task_stream *stream = open_stream((cop_task_stream_options){ STREAM(&from) });
        cop_ref ref =
                spawn_watched(RUN_WITH(asks_for_next, item, .number = (int64_t)(uintptr_t)stream));
        snprintf(reason, sizeof(reason), "{%d, %d}", COP_E_NOT_OWNER, COP_E_NOT_OWNER);
        await_down(ref, reason);
        expect_square(stream, 0);
        expect_end(stream);
}

/* A sequence that uses the stream which asks it. */
typedef struct {
        cop_task_stream *stream;
        int64_t asked;
        cop_status next, close;
} serpent;

static bool bites_its_tail(serpent *self, item *one)
{
        cop_streamed streamed;
        self->next = cop_task_stream_next(self->stream, &streamed);
        self->close = cop_task_stream_close(self->stream);
        one->number = self->asked++;
        return self->asked <= 2;
}

IN_NODE(a_sequence_may_not_use_its_own_stream)
{
        serpent s = { .asked = 0 };
        ck_assert_int_eq(cop_task_stream_open(&(cop_task_stream_options){
                                                      COP_STREAM(work, item, bites_its_tail, &s) },
                                              &s.stream),
                         COP_OK);
        expect_square(s.stream, 0);
        ck_assert_int_eq(s.next, COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(s.close, COP_E_BAD_ARGUMENT);
        expect_square(s.stream, 1);
        expect_end(s.stream);
}

IN_NODE(what_cannot_be_is_refused)
{
        source from = { .count = 1 };
        cop_task_stream *stream = NULL;
        const cop_task_stream_options good = { STREAM(&from) };
        cop_task_stream_options bad[5] = { good, good, good, good, good };
        bad[0].run_with = NULL;
        bad[1].kind = NULL;
        bad[2].next = NULL;
        bad[3].most = COP_TASK_STREAM_MOST + 1;
        bad[4].timeout_ms = -1;
        for (int i = 0; i < 5; i++)
                ck_assert_int_eq(cop_task_stream_open(&bad[i], &stream), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_task_stream_open(NULL, &stream), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_task_stream_open(&good, NULL), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_task_stream_next(NULL, NULL), COP_E_BAD_ARGUMENT);
        ck_assert_ptr_null(stream);
}

TEST(outside_a_node_there_is_no_stream)
{
        source from = { .count = 1 };
        cop_task_stream *stream;
        ck_assert_int_eq(cop_task_stream_open(&(cop_task_stream_options){ STREAM(&from) }, &stream),
                         COP_E_NO_NODE);
}

/* ---- Under a supervisor ------------------------------------------------------------------------------ */

IN_NODE(tasks_may_be_children_of_a_dynamic_supervisor_which_limits_them)
{
        source from = { .count = 6, .how = EVERY_THIRD_FAILS };
        cop_streamed one;
        cop_pid jobs, few;
        ck_assert_int_eq(
                cop_supervise(&(cop_supervisor){ .name = "jobs", .strategy = COP_DYNAMIC }, &jobs),
                COP_OK);
        ck_assert_int_eq(cop_supervise(&(cop_supervisor){ .name = "few",
                                                          .strategy = COP_DYNAMIC,
                                                          .max_children = 3 },
                                       &few),
                         COP_OK);
        cop_task_stream *stream = open_stream((cop_task_stream_options){
                STREAM(&from), .most = 3, .supervisor = cop_to_name("jobs") });
        for (int i = 0; i < 6; i++) {
                ck_assert_int_eq(next_of(stream, &one), COP_OK);
                ck_assert_int_eq(one.status, i % 3 == 2 ? COP_E_DIED : COP_OK);
        }
        expect_end(stream);
        from = (source){ .count = 6, .how = WHEN_TOLD, .tell = cop_self() };
        stream = open_stream((cop_task_stream_options){ STREAM(&from), .most = 5,
                                                        .supervisor = cop_to_name("few") });
        ck_assert_int_eq(cop_task_stream_next(stream, &one), COP_E_MAX_CHILDREN);
        ck_assert_int_eq(cop_task_stream_next(stream, &one), COP_E_MAX_CHILDREN);
        ck_assert_int_eq(cop_task_stream_close(stream), COP_OK);
        ck_assert_int_eq(cop_shutdown(jobs, PATIENCE_MS), COP_OK);
        ck_assert_int_eq(cop_shutdown(few, PATIENCE_MS), COP_OK);
}

/* The name lies where its caller's other names will. */
static cop_task_stream *open_under(source *from, const char *first, const char *second)
{
        char name[COP_NAME_MAX + 1];
        snprintf(name, sizeof(name), "%s%s", first, second);
        cop_task_stream *stream =
                open_stream((cop_task_stream_options){ STREAM(from), .supervisor = cop_to_name(name) });
        memset(name, 'x', sizeof(name) - 1);
        return stream;
}

IN_NODE(the_name_of_a_supervisor_may_go_when_its_stream_is_open)
{
        source from = { .count = 3 };
        cop_streamed one;
        cop_pid jobs;
        char longest[COP_NAME_MAX + 2] = "";
        ck_assert_int_eq(cop_supervise(&(cop_supervisor){ .name = "jobs", .strategy = COP_DYNAMIC }, &jobs), COP_OK);
        cop_task_stream *stream = open_under(&from, "jo", "bs");
        for (int i = 0; i < 3; i++) {
                ck_assert_int_eq(next_of(stream, &one), COP_OK);
                ck_assert_int_eq(one.status, COP_OK);
        }
        expect_end(stream);
        ck_assert_int_eq(cop_shutdown(jobs, PATIENCE_MS), COP_OK);

        memset(longest, 'x', sizeof(longest) - 1);
        ck_assert_int_eq(cop_task_stream_open(&(cop_task_stream_options){ STREAM(&from),
                                                                          .supervisor = cop_to_name(longest) },
                                              &stream),
                         COP_E_BAD_ARGUMENT);
        from = (source){ .count = 1 };
        stream = open_stream((cop_task_stream_options){ STREAM(&from), .supervisor = cop_to_name(NULL) });
        ck_assert_int_eq(cop_task_stream_next(stream, &one), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_task_stream_close(stream), COP_OK);
}

/* ---- Without memory ------------------------------------------------------------------------------- */

static void is_slow_or_quick(const item *i)
{
        cop_sleep(i->number == 0 ? 30 : 7);
        if (cop_reply(square, .number = i->number * i->number) != COP_OK)
                cop_exit(cop_atom("no_memory"));
}

/* The n-th request for memory finds none: no item has another's outcome, and who is not told of all is told why. */
static void stream_without(uint64_t n, unsigned *refused)
{
        cop_simulation order = { .seed = 12 };
        cop_node *node = node_begin((cop_node_options){ .simulation = &order });
        source from = { .count = 12 };
        cop_streamed one;
        cop_status status;
        cop_simulation_state state;
        int64_t told = 0;
        cop_task_stream *stream = open_stream((cop_task_stream_options){
                COP_STREAM(is_slow_or_quick, item, next_item, &from),
                .most = 2, .timeout_ms = 10, .kill_slow = true, .unordered = true, .nolink = true });
        cop_simulation_refuse(node, n);
        while ((status = cop_task_stream_next(stream, &one)) == COP_OK) {
                const square *s = cop_read(square, one.result);
                ck_assert_int_eq(s != NULL, one.status == COP_OK);
                if (one.status == COP_OK)
                        ck_assert_int_eq(s->number, one.index * one.index);
                else if (one.index != 0 || one.status != COP_E_TIMEOUT) /* a task that found no memory */
                        ck_assert_int_eq(one.status, COP_E_DIED);
                cop_message_free(one.result);
                told++;
        }
        cop_simulation_refuse(node, 0);
        if (status == COP_E_NOT_FOUND)
                ck_assert_int_eq(told, from.count);
        else
                ck_assert_int_eq(status, COP_E_NO_MEMORY);
        ck_assert_int_eq(cop_task_stream_next(stream, &one), status);
        ck_assert_int_eq(cop_task_stream_close(stream), COP_OK);
        ck_assert_int_eq(cop_simulation_look(node, &state), COP_OK);
        *refused += state.refusals > 0;
        node_end(node);
}

TEST(whatever_finds_no_memory_no_item_of_a_stream_has_the_outcome_of_another)
{
        unsigned refused = 0;
        for (uint64_t n = 1; n <= 200; n++)
                stream_without(n, &refused);
        ck_assert_uint_gt(refused, 20);
}
