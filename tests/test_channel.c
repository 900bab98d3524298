/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Channels: order, limits, time-outs, and above all conservation: what was put in is taken, left, or still with who
 * could not put it, whoever dies or gives up in the middle.
 */
#include <stdio.h>

#include "actors/channel.h"
#include "tests/node_fixture.h"

typedef struct {
        int64_t number;
} item;
COP_MESSAGE(item, number);
COP_CHANNEL(item);

typedef struct {
        cop_text words;
        cop_bytes page;
} letter;
COP_MESSAGE(letter, words, page);
COP_CHANNEL(letter);

static item_channel open_items(uint32_t capacity)
{
        item_channel channel;
        ck_assert_int_eq(cop_channel_open(&channel, item, capacity), COP_OK);
        return channel;
}

static int64_t take_number(item_channel channel)
{
        cop_auto message = NULL;
        ck_assert_int_eq(cop_take(&message, channel, PATIENCE_MS, item), COP_OK);
        return cop_read(item, message)->number;
}

static void put_number(item_channel channel, int64_t number)
{
        ck_assert_int_eq(cop_put(channel, PATIENCE_MS, item, .number = number), COP_OK);
}

static cop_status try_take(item_channel channel)
{
        cop_auto message = NULL;
        return cop_take(&message, channel, 0, item);
}

static size_t count_of(item_channel channel)
{
        size_t count = 0;
        ck_assert_int_eq(cop_channel_count(channel, &count), COP_OK);
        return count;
}

/* ---- Order and limits ------------------------------------------------------------------ */

IN_NODE(items_come_out_in_the_order_in_which_they_went_in)
{
        item_channel channel = open_items(100);
        for (int64_t i = 0; i < 100; i++)
                put_number(channel, i);
        ck_assert_uint_eq(count_of(channel), 100);
        for (int64_t i = 0; i < 100; i++)
                ck_assert_int_eq(take_number(channel), i);
        ck_assert_uint_eq(count_of(channel), 0);
}

IN_NODE(a_full_channel_refuses_a_try_and_a_put_that_waits_in_vain)
{
        item_channel channel = open_items(2);
        put_number(channel, 1);
        put_number(channel, 2);
        ck_assert_int_eq(cop_put(channel, 0, item, .number = 3), COP_E_TIMEOUT);
        ck_assert_int_eq(cop_put(channel, 1, item, .number = 4), COP_E_TIMEOUT);
        ck_assert_uint_eq(count_of(channel), 2);
        ck_assert_int_eq(take_number(channel), 1);
        ck_assert_int_eq(cop_put(channel, 0, item, .number = 5), COP_OK);
        ck_assert_int_eq(take_number(channel), 2);
        ck_assert_int_eq(take_number(channel), 5);
}

IN_NODE(an_empty_channel_refuses_a_try_and_a_take_that_waits_in_vain)
{
        item_channel channel = open_items(2);
        cop_auto message = NULL;
        ck_assert_int_eq(cop_take(&message, channel, 0, item), COP_E_TIMEOUT);
        ck_assert_int_eq(cop_take(&message, channel, 1, item), COP_E_TIMEOUT);
        ck_assert_ptr_null(message);
        put_number(channel, 7);
        ck_assert_int_eq(take_number(channel), 7);
        nothing_has_come();
}

typedef struct {
        item_channel channel;
        int64_t first, count;
        int64_t timeout_ms;
        cop_pid tell;
} errand;
COP_MESSAGE(errand, COP_NESTED(item_channel, channel), first, count, timeout_ms, tell);

typedef struct {
        cop_pid by;
        int64_t number;
        int32_t status;
} done;
COP_MESSAGE(done, by, number, status);

/* Puts its numbers, and tells of each what became of it. */
static void puts_all(const errand *e)
{
        for (int64_t i = e->first; i < e->first + e->count; i++) {
                cop_status status = cop_put(e->channel, e->timeout_ms, item, .number = i);
                cop_send(e->tell, done, .by = cop_self(), .number = i, .status = status);
        }
}

/* Takes so many, or until there is nothing more, and tells of each. */
static void takes_all(const errand *e)
{
        for (int64_t i = 0; i < e->count; i++) {
                cop_auto message = NULL;
                cop_status status = cop_take(&message, e->channel, e->timeout_ms, item);
                int64_t number = status == COP_OK ? cop_read(item, message)->number : -1;
                if (status != COP_E_TIMEOUT)
                        cop_send(e->tell, done, .by = cop_self(), .number = number, .status = status);
                if (status == COP_E_CLOSED)
                        return;
        }
}

#define spawn_putter(...) cop_spawn_with(puts_all, errand, .tell = cop_self(), __VA_ARGS__)
#define spawn_taker(...) cop_spawn_with(takes_all, errand, .tell = cop_self(), __VA_ARGS__)

/* It has asked the channel, which watches those who have to wait. */
static void await_waiting(cop_pid pid, item_channel channel)
{
        char name[COP_ID_TEXT_MAX];
        cop_pid_print(channel.pid, name);
        await_true(strstr(info_of(pid, "monitored_by"), name) != NULL);
}

static void await_done(cop_pid by, int64_t number, cop_status status)
{
        cop_auto message = await(COP_FIELD(done, by, by));
        ck_assert_int_eq(cop_read(done, message)->number, number);
        ck_assert_int_eq(cop_read(done, message)->status, status);
}

IN_NODE(who_waits_to_put_is_served_in_the_order_of_coming)
{
        item_channel channel = open_items(1);
        cop_pid putters[5];
        put_number(channel, 0);
        for (int64_t i = 0; i < 5; i++) {
                putters[i] = spawn_putter(.channel = channel, .first = i + 1, .count = 1,
                                          .timeout_ms = COP_FOREVER);
                await_waiting(putters[i], channel);
        }
        for (int64_t i = 0; i < 6; i++)
                ck_assert_int_eq(take_number(channel), i);
        for (int64_t i = 0; i < 5; i++)
                await_done(putters[i], i + 1, COP_OK);
}

IN_NODE(who_waits_to_take_is_served_in_the_order_of_coming)
{
        item_channel channel = open_items(1);
        cop_pid takers[5];
        for (int64_t i = 0; i < 5; i++) {
                takers[i] = spawn_taker(.channel = channel, .count = 1, .timeout_ms = COP_FOREVER);
                await_waiting(takers[i], channel);
        }
        for (int64_t i = 0; i < 5; i++)
                put_number(channel, i);
        for (int64_t i = 0; i < 5; i++)
                await_done(takers[i], i, COP_OK);
}

IN_NODE(one_who_waits_holds_up_nobody_else)
{
        item_channel channel = open_items(1);
        put_number(channel, 1);
        cop_pid putter = spawn_putter(.channel = channel, .first = 2, .count = 1,
                                      .timeout_ms = COP_FOREVER);
        await_waiting(putter, channel);
        ck_assert_int_eq(cop_put(channel, 0, item, .number = 9), COP_E_TIMEOUT);
        ck_assert_int_eq(take_number(channel), 1);
        ck_assert_int_eq(take_number(channel), 2);
}

IN_NODE(what_points_at_texts_and_shared_bytes_arrives_whole)
{
        letter_channel channel;
        cop_buffer *buffer = cop_buffer_new(100000);
        memset(cop_buffer_data(buffer), 'x', 100000);
        ck_assert_int_eq(cop_channel_open(&channel, letter, 3), COP_OK);
        for (int i = 0; i < 3; i++)
                ck_assert_int_eq(cop_put(channel, 0, letter, .words = COP_TEXT("dear all"),
                                         .page = cop_buffer_bytes(buffer)), COP_OK);
        cop_buffer_drop(buffer);
        cop_auto message = NULL;
        ck_assert_int_eq(cop_take(&message, channel, 0, letter), COP_OK);
        const letter *l = cop_read(letter, message);
        ck_assert_str_eq(l->words.data, "dear all");
        ck_assert_uint_eq(l->page.size, 100000);
        ck_assert_uint_eq(l->page.data[99999], 'x');
        put_down(channel.pid); /* the two that are left go with it, and the suite would find their bytes */
}

/* ---- Capacity 0 -------------------------------------------------------------------------- */

IN_NODE(at_capacity_0_a_put_waits_for_a_taker)
{
        item_channel channel = open_items(0);
        ck_assert_int_eq(cop_put(channel, 0, item, .number = 1), COP_E_TIMEOUT);
        cop_pid putter = spawn_putter(.channel = channel, .first = 2, .count = 1,
                                      .timeout_ms = COP_FOREVER);
        await_waiting(putter, channel);
        ck_assert_uint_eq(count_of(channel), 0);
        ck_assert_int_eq(take_number(channel), 2);
        await_done(putter, 2, COP_OK);
        ck_assert_int_eq(try_take(channel), COP_E_TIMEOUT);
}

IN_NODE(at_capacity_0_a_waiting_taker_lets_a_try_through)
{
        item_channel channel = open_items(0);
        cop_pid taker = spawn_taker(.channel = channel, .count = 1, .timeout_ms = COP_FOREVER);
        await_waiting(taker, channel);
        ck_assert_int_eq(cop_put(channel, 0, item, .number = 3), COP_OK);
        ck_assert_int_eq(cop_put(channel, 0, item, .number = 4), COP_E_TIMEOUT);
        await_done(taker, 3, COP_OK);
}

/* ---- Closing -------------------------------------------------------------------------------- */

IN_NODE(takers_of_a_closed_channel_get_the_rest_and_then_hear_that_it_is_closed)
{
        item_channel channel = open_items(3);
        cop_ref ended = watch(channel.pid);
        put_number(channel, 1);
        put_number(channel, 2);
        ck_assert_int_eq(cop_channel_close(channel), COP_OK);
        ck_assert_int_eq(cop_channel_close(channel), COP_OK);
        ck_assert_int_eq(cop_put(channel, COP_FOREVER, item, .number = 3), COP_E_CLOSED);
        ck_assert_int_eq(take_number(channel), 1);
        ck_assert_int_eq(take_number(channel), 2);
        ck_assert_int_eq(try_take(channel), COP_E_CLOSED);
        await_down(ended, "normal");
        ck_assert_int_eq(try_take(channel), COP_E_CLOSED);
        ck_assert_int_eq(cop_put(channel, 0, item, .number = 4), COP_E_CLOSED);
        ck_assert_int_eq(cop_channel_close(channel), COP_OK);
}

IN_NODE(a_select_that_would_put_into_a_closed_channel_hears_that_it_is_closed)
{
        item_channel channel = open_items(3);
        cop_ref ended = watch(channel.pid);
        size_t count = 7;
        put_number(channel, 1);
        cop_send(channel.pid, item, .number = 2); /* is no put */
        ck_assert_uint_eq(count_of(channel), 1);
        ck_assert_int_eq(cop_channel_close(channel), COP_OK);
        cop_case cases[] = { COP_CASE_PUT(channel, item, .number = 3) };
        ck_assert_int_eq(cop_select(PATIENCE_MS, cases), 0);
        ck_assert_int_eq(cases[0].status, COP_E_CLOSED);
        ck_assert_int_eq(take_number(channel), 1);
        await_down(ended, "normal");
        ck_assert_int_eq(cop_channel_count(channel, &count), COP_E_CLOSED);
        ck_assert_uint_eq(count, 7);
}

IN_NODE(closing_ends_the_wait_of_takers_and_putters)
{
        item_channel empty = open_items(1), full = open_items(1);
        put_number(full, 1);
        cop_pid taker = spawn_taker(.channel = empty, .count = 1, .timeout_ms = COP_FOREVER);
        cop_pid putter = spawn_putter(.channel = full, .first = 2, .count = 1,
                                      .timeout_ms = COP_FOREVER);
        await_waiting(taker, empty);
        await_waiting(putter, full);
        ck_assert_int_eq(cop_channel_close(empty), COP_OK);
        ck_assert_int_eq(cop_channel_close(full), COP_OK);
        await_done(taker, -1, COP_E_CLOSED);
        await_done(putter, 2, COP_E_CLOSED);
        ck_assert_int_eq(take_number(full), 1);
        ck_assert_int_eq(try_take(full), COP_E_CLOSED);
}

static void opens(const errand *e)
{
        item_channel channel = open_items(4);
        put_number(channel, 5);
        cop_send(e->tell, item_channel, .pid = channel.pid);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(item)));
}

IN_NODE(a_channel_ends_with_its_owner_and_all_who_wait_hear_that_it_is_closed)
{
        cop_pid owner = cop_spawn_with(opens, errand, .tell = cop_self());
        cop_auto message = await(COP_KIND(item_channel));
        item_channel channel = *cop_read(item_channel, message);
        ck_assert_int_eq(take_number(channel), 5);
        cop_pid taker = spawn_taker(.channel = channel, .count = 1, .timeout_ms = COP_FOREVER);
        await_waiting(taker, channel);
        cop_ref ended = watch(channel.pid);
        cop_send(owner, item, .number = 0);
        await_done(taker, -1, COP_E_CLOSED);
        await_down(ended, "normal");
        ck_assert_int_eq(cop_put(channel, 0, item, .number = 1), COP_E_CLOSED);
}

/* ---- Mistakes --------------------------------------------------------------------------------- */

IN_NODE(each_mistake_has_its_own_answer)
{
        item_channel nobody = { { 0 } }, channel = open_items(1);
        cop_pid pid;
        size_t count;
        ck_assert_int_eq(cop_put(nobody, 0, item, .number = 1), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(try_take(nobody), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_channel_close(nobody), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_channel_count(nobody, &count), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_take_message(NULL, channel.pid, 0), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_put(channel, -1, item, .number = 1), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_channel_open_kind(NULL, 1, &pid), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_channel_open_kind(COP_KIND_OF(cop_down), 1, &pid), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_put_value(channel.pid, 0, COP_KIND_OF(done), &(done){ 0 }),
                         COP_E_NO_KIND);
        ck_assert_uint_eq(count_of(channel), 0);
}

TEST(outside_a_node_there_are_no_channels)
{
        item_channel channel = { { 1 } };
        cop_pid pid;
        ck_assert_int_eq(cop_channel_open_kind(COP_KIND_OF(item), 1, &pid), COP_E_NO_NODE);
        ck_assert_int_eq(cop_put(channel, 0, item, .number = 1), COP_E_NO_NODE);
        ck_assert_int_eq(try_take(channel), COP_E_NO_NODE);
        ck_assert_int_eq(cop_channel_close(channel), COP_E_NO_NODE);
}

/* ---- Channels that do not answer -------------------------------------------------------------- */

static void suspend(item_channel channel)
{
        ck_assert_int_eq(cop_sys_suspend(channel.pid, PATIENCE_MS), COP_OK);
}

static void resume(item_channel channel)
{
        ck_assert_int_eq(cop_sys_resume(channel.pid, PATIENCE_MS), COP_OK);
}

IN_NODE(a_put_that_ends_before_its_channel_comes_to_it_puts_nothing_in)
{
        item_channel channel = open_items(4);
        suspend(channel);
        ck_assert_int_eq(cop_put(channel, 1, item, .number = 1), COP_E_TIMEOUT);
        ck_assert_int_eq(cop_put(channel, 0, item, .number = 2), COP_E_TIMEOUT);
        resume(channel);
        ck_assert_uint_eq(count_of(channel), 0);
        put_number(channel, 3);
        ck_assert_int_eq(take_number(channel), 3);
}

IN_NODE(a_putter_in_line_that_has_ended_unheard_puts_nothing_in)
{
        item_channel channel = open_items(1);
        put_number(channel, 1);
        cop_pid putter = spawn_putter(.channel = channel, .first = 2, .count = 1, .timeout_ms = 500);
        await_waiting(putter, channel);
        suspend(channel);
        cop_pid taker = spawn_taker(.channel = channel, .count = 1, .timeout_ms = COP_FOREVER);
        await_done(putter, 2, COP_E_TIMEOUT);
        resume(channel);
        await_done(taker, 1, COP_OK);
        ck_assert_int_eq(try_take(channel), COP_E_TIMEOUT);
}

IN_NODE(an_item_that_comes_when_its_taker_in_line_has_ended_unheard_stays)
{
        item_channel channel = open_items(1);
        cop_pid taker = spawn_taker(.channel = channel, .count = 1, .timeout_ms = 500);
        cop_ref ended = watch(taker);
        await_waiting(taker, channel);
        suspend(channel);
        cop_pid putter = spawn_putter(.channel = channel, .first = 1, .count = 1, .timeout_ms = COP_FOREVER);
        await_and_drop(COP_REF(cop_down, ended));
        resume(channel);
        await_done(putter, 1, COP_OK);
        ck_assert_int_eq(take_number(channel), 1);
        ck_assert_int_eq(try_take(channel), COP_E_TIMEOUT);
}

IN_NODE(a_take_that_ends_before_its_channel_comes_to_it_takes_nothing_out)
{
        item_channel channel = open_items(4);
        cop_auto message = NULL;
        put_number(channel, 1);
        put_number(channel, 2);
        suspend(channel);
        ck_assert_int_eq(cop_take(&message, channel, 1, item), COP_E_TIMEOUT);
        ck_assert_int_eq(cop_take(&message, channel, 0, item), COP_E_TIMEOUT);
        ck_assert_ptr_null(message);
        resume(channel);
        await_true(count_of(channel) == 2);
        ck_assert_int_eq(take_number(channel), 1);
        ck_assert_int_eq(take_number(channel), 2);
}

IN_NODE(a_select_ends_though_none_of_its_channels_answers)
{
        item_channel deaf = open_items(1), other = open_items(1);
        put_number(deaf, 1);
        suspend(deaf);
        cop_case cases[] = { COP_CASE_TAKE(deaf, item), COP_CASE_PUT(deaf, item, .number = 2),
                             COP_CASE_RECEIVE(COP_KIND(item)), COP_CASE_TAKE(other, item) };
        ck_assert_int_eq(cop_select(1, cases), COP_SELECT_TIMEOUT);
        ck_assert_int_eq(cop_select(0, cases), COP_SELECT_TIMEOUT);
        cop_send(cop_self(), item, .number = 7);
        ck_assert_int_eq(cop_select(0, cases), 2);
        cop_message_free(cases[2].message);
        put_number(other, 3);
        ck_assert_int_eq(cop_select(PATIENCE_MS, cases), 3);
        cop_message_free(cases[3].message);
        resume(deaf);
        await_true(count_of(deaf) == 1);
        ck_assert_int_eq(take_number(deaf), 1);
        ck_assert_int_eq(try_take(deaf), COP_E_TIMEOUT);
}

/* What the last word of a putter is for: an item accepted so late that nobody heard of it. */
IN_NODE(an_item_of_whose_coming_nobody_has_heard_is_taken_out_again)
{
        item_channel channel = open_items(4);
        struct cop__patience patience = cop__patience_of(PATIENCE_MS);
        struct cop__actor *self = cop__actor_here();
        struct cop__signal *request, *none;
        put_number(channel, 1);
        ck_assert_int_eq(cop__timed_request(&patience, COP_KIND_OF(item), &(item){ 2 }, &request), COP_OK);
        cop_ref ref = cop__call_open(self);
        cop__call_send(self, channel.pid, request, ref);
        ck_assert_int_eq(cop__ask_close(self, ref, NULL, &none), COP_E_TIMEOUT);
        put_number(channel, 3);
        ck_assert_uint_eq(count_of(channel), 3);
        ck_assert_int_eq(cop__give_up_asking(self, channel.pid, (cop__give_up){ .ref = ref, .how = COP__GIVE_UP_TAKE_BACK }),
                         COP_OK);
        ck_assert_uint_eq(count_of(channel), 2);
        ck_assert_int_eq(take_number(channel), 1);
        ck_assert_int_eq(take_number(channel), 3);
}

/* By a seed, as the waits without a time-out of their own last seconds. */
static void sleeps(void)
{
        cop_sleep(COP_FOREVER);
}

TEST(what_never_listens_ends_no_wait_but_time_does)
{
        cop_simulation order = { .seed = 3, .checks = 16 };
        cop_node *node = node_begin((cop_node_options){ .simulation = &order });
        item_channel none = { cop_spawn(sleeps) };
        cop_case cases[] = { COP_CASE_TAKE(none, item), COP_CASE_PUT(none, item, .number = 1) };
        size_t count = 7;
        ck_assert_int_eq(cop_put(none, 10, item, .number = 1), COP_E_TIMEOUT);
        ck_assert_int_eq(cop_put(none, 0, item, .number = 1), COP_E_TIMEOUT);
        cop_auto message = NULL;
        ck_assert_int_eq(cop_take(&message, none, 10, item), COP_E_TIMEOUT);
        ck_assert_int_eq(try_take(none), COP_E_TIMEOUT);
        ck_assert_int_eq(cop_select(10, cases), COP_SELECT_TIMEOUT);
        ck_assert_int_eq(cop_select(0, cases), COP_SELECT_TIMEOUT);
        ck_assert_int_eq(cop_channel_close(none), COP_E_TIMEOUT);
        ck_assert_int_eq(cop_channel_count(none, &count), COP_E_TIMEOUT);
        ck_assert_uint_eq(count, 7);
        node_end(node);
}

static void drops_all(void)
{
        for (;;)
                cop_message_free(cop_receive(COP_FOREVER, COP_ANY));
}

typedef struct {
        int64_t heard;
} clerk;

static void clerk_on_errand(clerk *self, const errand *e)
{
        (void)e;
        self->heard++;
}

COP_SERVER(clerk, COP_ON(errand, clerk_on_errand));

IN_NODE(who_is_no_channel_is_an_unknown_one_and_not_without_memory)
{
        item_channel channels[] = { { cop_spawn(drops_all) }, { cop_spawn_server(&clerk_server, NULL) } };
        for (size_t i = 0; i < 2; i++) {
                cop_auto message = NULL;
                size_t count = 7;
                cop_case cases[] = { COP_CASE_TAKE(channels[i], item) };
                ck_assert_int_eq(cop_put(channels[i], PATIENCE_MS, item, .number = 1), COP_E_CLOSED);
                ck_assert_int_eq(cop_take(&message, channels[i], PATIENCE_MS, item), COP_E_CLOSED);
                ck_assert_int_eq(cop_channel_close(channels[i]), COP_E_CLOSED);
                ck_assert_int_eq(cop_channel_count(channels[i], &count), COP_E_CLOSED);
                ck_assert_int_eq(cop_select(PATIENCE_MS, cases), 0);
                ck_assert_int_eq(cases[0].status, COP_E_CLOSED);
        }
}

/* ---- Who dies while waiting -------------------------------------------------------------------- */

IN_NODE(a_taker_that_dies_in_line_loses_nothing_and_blocks_nobody)
{
        item_channel channel = open_items(1);
        cop_pid first = spawn_taker(.channel = channel, .count = 1, .timeout_ms = COP_FOREVER);
        await_waiting(first, channel);
        cop_pid second = spawn_taker(.channel = channel, .count = 1, .timeout_ms = COP_FOREVER);
        await_waiting(second, channel);
        put_down(first);
        put_number(channel, 1);
        await_done(second, 1, COP_OK);
}

IN_NODE(a_putter_that_dies_in_line_takes_its_item_with_it)
{
        item_channel channel = open_items(1);
        put_number(channel, 1);
        cop_pid putter = spawn_putter(.channel = channel, .first = 2, .count = 1,
                                      .timeout_ms = COP_FOREVER);
        await_waiting(putter, channel);
        put_down(putter);
        settle_with(channel.pid);
        ck_assert_int_eq(take_number(channel), 1);
        ck_assert_int_eq(try_take(channel), COP_E_TIMEOUT);
}

/* In every second round the taker is in line when it is killed, in the others it may be anywhere. */
IN_NODE_WITH(an_item_on_its_way_to_one_that_dies_is_the_next_to_be_taken, .workers = 1)
{
        for (int round = 0; round < 200; round++) {
                item_channel channel = open_items(4);
                cop_pid taker = spawn_taker(.channel = channel, .count = 1, .timeout_ms = COP_FOREVER);
                cop_ref ended = watch(taker);
                if (round % 2 == 0)
                        await_waiting(taker, channel);
                cop_send_exit(taker, cop_atom("kill"));
                put_number(channel, 1);
                put_number(channel, 2);
                await_and_drop(COP_REF(cop_down, ended));
                cop_auto told = cop_receive(0, COP_KIND(done));
                if (told == NULL) {
                        await_true(count_of(channel) == 2);
                        ck_assert_int_eq(take_number(channel), 1);
                } else {
                        ck_assert_int_eq(cop_read(done, told)->number, 1);
                }
                ck_assert_int_eq(take_number(channel), 2);
                ck_assert_int_eq(cop_channel_close(channel), COP_OK);
        }
}

/* ---- Conservation -------------------------------------------------------------------------------- */

#define PEOPLE 6
#define EACH 400

/* Every number that was put comes out once, and none that was refused does. */
static void conserve(uint32_t capacity, int64_t put_ms, int64_t take_ms)
{
        static uint8_t put[PEOPLE * EACH], taken[PEOPLE * EACH];
        item_channel channel = open_items(capacity);
        cop_pid putters[PEOPLE];
        size_t open = PEOPLE, put_count = 0;
        memset(put, 0, sizeof(put));
        memset(taken, 0, sizeof(taken));
        for (int64_t i = 0; i < PEOPLE; i++) {
                putters[i] = spawn_putter(.channel = channel, .first = i * EACH, .count = EACH,
                                          .timeout_ms = put_ms);
                spawn_taker(.channel = channel, .count = INT64_MAX, .timeout_ms = take_ms);
        }
        for (size_t told = 0; told < PEOPLE * EACH || open > 0;) {
                cop_auto message = await(COP_KIND(done));
                const done *d = cop_read(done, message);
                bool putter = false;
                for (size_t i = 0; i < PEOPLE; i++)
                        putter |= cop_pid_equal(putters[i], d->by);
                if (putter) {
                        ck_assert(d->status == COP_OK || d->status == COP_E_TIMEOUT);
                        put[d->number] += d->status == COP_OK;
                        put_count += d->status == COP_OK;
                        if (++told == PEOPLE * EACH)
                                ck_assert_int_eq(cop_channel_close(channel), COP_OK);
                } else if (d->status == COP_OK) {
                        taken[d->number]++;
                } else if (d->status == COP_E_CLOSED) {
                        open--;
                } else {
                        ck_assert_int_eq(d->status, COP_E_TIMEOUT);
                }
        }
        for (size_t i = 0; i < PEOPLE * EACH; i++)
                ck_assert_msg(put[i] == taken[i], "%zu was put %d times and taken %d times", i, put[i],
                              taken[i]);
        if (put_ms == COP_FOREVER)
                ck_assert_uint_eq(put_count, PEOPLE * EACH);
}

IN_NODE(what_many_put_many_take_once)
{
        conserve(3, COP_FOREVER, COP_FOREVER);
}

IN_NODE(nothing_is_lost_where_takers_give_up_all_the_time)
{
        conserve(3, COP_FOREVER, 0);
}

IN_NODE(nothing_is_lost_or_doubled_where_putters_give_up_all_the_time)
{
        conserve(1, 0, COP_FOREVER);
}

IN_NODE(nothing_is_lost_or_doubled_where_both_give_up)
{
        conserve(2, 1, 1);
}

IN_NODE(at_capacity_0_what_many_put_many_take_once)
{
        conserve(0, COP_FOREVER, COP_FOREVER);
}

IN_NODE(at_capacity_0_nothing_is_lost_or_doubled_where_both_give_up)
{
        conserve(0, 1, 1);
}

#define VICTIMS 300

/* Takers are killed at any moment; between taking an item and telling of it there is none in which an actor is. */
IN_NODE(no_item_vanishes_where_takers_are_killed)
{
        static uint8_t taken[VICTIMS * 10];
        item_channel channel = open_items(4);
        cop_pid putter = spawn_putter(.channel = channel, .first = 0, .count = VICTIMS * 10,
                                      .timeout_ms = COP_FOREVER);
        size_t told = 0;
        for (int i = 0; i < VICTIMS; i++) {
                cop_pid taker = spawn_taker(.channel = channel, .count = INT64_MAX,
                                            .timeout_ms = COP_FOREVER);
                if (i % 3 > 0)
                        cop_yield();
                put_down(taker);
        }
        cop_pid last = spawn_taker(.channel = channel, .count = INT64_MAX, .timeout_ms = COP_FOREVER);
        for (size_t put = 0; put < VICTIMS * 10;) {
                cop_auto message = await(COP_KIND(done));
                const done *d = cop_read(done, message);
                if (cop_pid_equal(d->by, putter)) {
                        ck_assert_int_eq(d->status, COP_OK);
                        put++;
                } else {
                        ck_assert_int_eq(taken[d->number]++, 0);
                        told++;
                }
        }
        ck_assert_int_eq(cop_channel_close(channel), COP_OK);
        for (bool open = true; open;) {
                cop_auto message = await(COP_FIELD(done, by, last));
                open = cop_read(done, message)->status == COP_OK;
                if (open)
                        ck_assert_int_eq(taken[cop_read(done, message)->number]++, 0);
                told += open;
        }
        for (cop_message *late; (late = cop_receive(0, COP_KIND(done))) != NULL; cop_message_free(late))
                told++;
        ck_assert_uint_eq(told, VICTIMS * 10);
}

/* ---- What is left ------------------------------------------------------------------------------------ */

static void gives_up(const errand *e)
{
        cop_auto message = NULL;
        for (int i = 0; i < 200; i++)
                cop_take(&message, e->channel, 0, item);
        cop_take(&message, e->channel, COP_FOREVER, item);
}

IN_NODE(who_gave_up_or_died_leaves_nothing_in_the_channel)
{
        item_channel channel = open_items(1);
        settle_with(channel.pid);
        int64_t before = blocks_in_use(cop_node_here());
        char bytes[32];
        snprintf(bytes, sizeof(bytes), "%s", info_of(channel.pid, "memory"));
        for (int i = 0; i < 20; i++) {
                cop_pid pid = cop_spawn_with(gives_up, errand, .channel = channel);
                await_waiting(pid, channel);
                put_down(pid);
        }
        settle_with(channel.pid);
        ck_assert_str_eq(info_of(channel.pid, "memory"), bytes);
        await_true(blocks_in_use(cop_node_here()) <= before + 4);
}

/* ---- Those that are none ------------------------------------------------------------------------- */

typedef struct {
        int64_t unused;
} chatterbox;

static void chatterbox_otherwise(chatterbox *self, cop_message *message)
{
        (void)self;
        cop_answer(message, item, .number = 1);
}

COP_SERVER(chatterbox, COP_OTHERWISE(chatterbox_otherwise));

IN_NODE(who_answers_whatever_is_asked_is_no_channel_and_no_future)
{
        cop_pid pid = cop_spawn_server(&chatterbox_server, NULL);
        item_channel channel = { pid };
        cop_message *message = NULL;
        size_t count = 7;
        ck_assert_int_eq(cop_put(channel, PATIENCE_MS, item, .number = 2), COP_E_CLOSED);
        ck_assert_int_eq(cop_take(&message, channel, PATIENCE_MS, item), COP_E_CLOSED);
        ck_assert_int_eq(cop_channel_count(channel, &count), COP_E_CLOSED);
        ck_assert_uint_eq(count, 7);
        ck_assert_int_eq(cop_channel_close(channel), COP_E_CLOSED);
        ck_assert_int_eq(cop_future_cancel_pid(pid), COP_E_NO_ACTOR);
        ck_assert_ptr_null(message);
        put_down(pid);
}

/* Says that it is done, whatever that is. */
typedef struct {
        int64_t unused;
} yes_man;

static void yes_man_otherwise(yes_man *self, cop_message *message)
{
        (void)self;
        cop_answer(message, cop__answer, .status = COP_OK);
}

COP_SERVER(yes_man, COP_OTHERWISE(yes_man_otherwise));

IN_NODE(who_says_only_that_it_is_done_has_given_no_item_and_no_result)
{
        cop_pid pid = cop_spawn_server(&yes_man_server, NULL);
        item_channel channel = { pid };
        cop_message *message = NULL;
        ck_assert_int_eq(cop_take(&message, channel, PATIENCE_MS, item), COP_E_CLOSED);
        ck_assert_int_eq(cop_await_message(&message, pid, PATIENCE_MS), COP_E_NO_ACTOR);
        ck_assert_ptr_null(message);
        put_down(pid);
}

IN_NODE(a_future_is_no_channel_and_a_channel_no_future)
{
        cop_message *message = NULL;
        item_channel channel = open_items(1);
        item_channel future = { cop_async_or_exit(&(cop_async_options){ .result = COP_KIND_OF(item) }) };
        ck_assert_int_eq(cop_take(&message, future, PATIENCE_MS, item), COP_E_CLOSED);
        ck_assert_int_eq(cop_channel_close(future), COP_E_CLOSED);
        ck_assert_int_eq(cop_await_message(&message, channel.pid, PATIENCE_MS), COP_E_NO_ACTOR);
        ck_assert_int_eq(cop_future_cancel_pid(channel.pid), COP_E_NO_ACTOR);
        cop_future_drop_pid(future.pid);
}

/* ---- On nobody's behalf ------------------------------------------------------------------------------- */

typedef struct {
        item_channel channel;
        cop_pid teller;
} stock;
COP_MESSAGE(stock, COP_NESTED(item_channel, channel), teller);

typedef struct {
        int64_t status, count;
} counted;
COP_MESSAGE(counted, status, count);

typedef struct {
        int64_t seen;
} keeper;

/* Counts when who has called it is gone. */
static void keeper_on_stock(keeper *self, const stock *s)
{
        size_t count = 0;
        self->seen++;
        cop_send(s->teller, counted);
        await_and_drop(COP_KIND(item));
        cop_status status = cop_channel_count(s->channel, &count);
        cop_send(s->teller, counted, .status = status, .count = (int64_t)count);
}
COP_SERVER(keeper, COP_ON(stock, keeper_on_stock));

static void asks_the_keeper(const stock *s)
{
        cop_call(NULL, "keeper", COP_FOREVER, stock, .channel = s->channel, .teller = s->teller);
}

IN_NODE(a_channel_is_counted_in_ones_own_time_though_who_has_called_is_gone)
{
        item_channel channel = open_items(2);
        cop_pid pid = cop_spawn_server(&keeper_server, "keeper"), caller;
        put_number(channel, 1);
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run_with = COP_RUN_WITH(asks_the_keeper, stock),
                                                             .kind = COP_KIND_OF(stock),
                                                             .argument = &(stock){ channel, cop_self() } },
                                       &caller),
                         COP_OK);
        await_and_drop(COP_KIND(counted));
        cop_ref down = watch(caller);
        cop_send_exit(caller, cop_atom("kill"));
        await_down(down, "killed");
        cop_send(pid, item);
        cop_auto message = await(COP_KIND(counted));
        ck_assert_int_eq(cop_read(counted, message)->status, COP_OK);
        ck_assert_int_eq(cop_read(counted, message)->count, 1);
        put_down(pid);
}

/* ---- Who has been given an item and does not look ---------------------------------------------- */

static uint32_t is_closed, has_taken; /* atomic */
static cop_status take_status;        /* released by `has_taken`, as the next one */
static int64_t taken_number;

static void closes(const item_channel *channel)
{
        if (cop_channel_close(*channel) == COP_OK)
                cop__store_release(&is_closed, 1);
}

static void takes_one(const item_channel *channel)
{
        cop_auto message = NULL;
        take_status = cop_take(&message, *channel, COP_FOREVER, item);
        taken_number = message != NULL ? cop_read(item, message)->number : 0;
        cop__store_release(&has_taken, 1);
}

/* Until it is said that it has come, or it comes back. */
IN_NODE(a_closed_channel_is_not_over_while_an_item_may_come_back)
{
        struct cop__actor *self = cop__actor_here();
        struct cop__signal *request;
        item_channel channel = open_items(1);
        cop_ref end = watch(channel.pid);
        cop__store_relaxed(&is_closed, 0);
        cop__store_relaxed(&has_taken, 0);
        put_number(channel, 7);
        cop_ref ref = cop__call_open(self);
        ck_assert_int_eq(cop__signal_message(&cop__thread_here()->pool, COP_KIND_OF(cop__channel_take), &(cop__channel_take){ 0 },
                                             &request), COP_OK);
        cop__call_send(self, channel.pid, request, ref);
        cop_spawn_with(closes, item_channel, channel.pid);
        await_true(cop__load_acquire(&is_closed));
        cop_pid taker = cop_spawn_with(takes_one, item_channel, channel.pid);
        await_true(cop__load_acquire(&has_taken) || is_waiting(node, taker));
        await_true(cop__reply_of(self) != NULL);
        cop__call_forget(cop__thread_here(), self, cop__actor_pid(self));
        await_true(cop__load_acquire(&has_taken));
        ck_assert_int_eq(take_status, COP_OK);
        ck_assert_int_eq(taken_number, 7);
        await_down(end, "normal");
}
