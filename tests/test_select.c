/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Select: exactly one of several things happens, none is preferred, and what did not happen has left no trace. */
#include "actors/line.h"
#include "tests/node_fixture.h"

typedef struct {
        int64_t number;
} item;
COP_MESSAGE(item, number);
COP_CHANNEL(item);
COP_FUTURE(item);

typedef struct {
        int64_t why;
} stop;
COP_MESSAGE(stop, why);

static item_channel open_items(uint32_t capacity)
{
        item_channel channel;
        ck_assert_int_eq(cop_channel_open(&channel, item, capacity), COP_OK);
        return channel;
}

static size_t count_of(item_channel channel)
{
        size_t count = 0;
        ck_assert_int_eq(cop_channel_count(channel, &count), COP_OK);
        return count;
}

static const item_channel none = { { 0 } };

IN_NODE(the_case_that_is_ready_comes_true)
{
        item_channel full = open_items(1), empty = open_items(1);
        item_future future = cop_promise(item);
        cop_put(full, 0, item, .number = 1);
        cop_case cases[] = { COP_CASE_TAKE(empty, item), COP_CASE_PUT(full, item, .number = 2),
                             COP_CASE_AWAIT(future, item), COP_CASE_RECEIVE(COP_KIND(stop)) };
        ck_assert_int_eq(cop_select(0, cases), COP_SELECT_TIMEOUT);
        ck_assert_int_eq(cop_select(1, cases), COP_SELECT_TIMEOUT);

        cop_send(cop_self(), stop, .why = 3);
        ck_assert_int_eq(cop_select(PATIENCE_MS, cases), 3);
        ck_assert_int_eq(cop_read(stop, cases[3].message)->why, 3);
        cop_message_free(cases[3].message);

        cop_put(empty, 0, item, .number = 4);
        ck_assert_int_eq(cop_select(PATIENCE_MS, cases), 0);
        ck_assert_int_eq(cop_read(item, cases[0].message)->number, 4);
        cop_message_free(cases[0].message);

        cop_auto first = NULL;
        ck_assert_int_eq(cop_take(&first, full, 0, item), COP_OK);
        ck_assert_int_eq(cop_select(PATIENCE_MS, cases), 1);
        ck_assert_int_eq(cases[1].status, COP_OK);
        ck_assert_uint_eq(count_of(full), 1);

        cop_complete(future, item, .number = 5);
        ck_assert_int_eq(cop_select(PATIENCE_MS, cases), 2);
        ck_assert_int_eq(cop_read(item, cases[2].message)->number, 5);
        cop_message_free(cases[2].message);
        nothing_has_come();
}

typedef struct {
        item_channel left, right;
        item_future future;
        cop_pid tell;
        int64_t count;
} errand;
COP_MESSAGE(errand, COP_NESTED(item_channel, left), COP_NESTED(item_channel, right),
            COP_NESTED(item_future, future), tell, count);

typedef struct {
        cop_pid by;
        int64_t which, number;
        int32_t status;
} done;
COP_MESSAGE(done, by, which, number, status);

/* Waits for everything at once, and tells what came true. Puts go to the right, takes come from the left. */
static void selects(const errand *e)
{
        cop_case cases[] = { COP_CASE_TAKE(e->left, item), COP_CASE_PUT(e->right, item, .number = 9),
                             COP_CASE_AWAIT(e->future, item), COP_CASE_RECEIVE(COP_KIND(stop)) };
        int which = cop_select(COP_FOREVER, cases);
        const item *i = cop_read(item, cases[which].message);
        cop_send(e->tell, done, .by = cop_self(), .which = which, .status = cases[which].status,
                 .number = i != NULL ? i->number : 0);
}

static void await_watched(cop_pid pid, cop_pid by)
{
        char name[COP_ID_TEXT_MAX];
        cop_pid_print(by, name);
        await_true(strstr(info_of(pid, "monitored_by"), name) != NULL);
}

/* One that waits for all of it. */
static cop_pid waiting_select(item_channel left, item_channel right, item_future future)
{
        cop_pid pid = cop_spawn_with(selects, errand, .left = left, .right = right,
                                     .future = future, .tell = cop_self());
        await_watched(pid, left.pid);
        await_watched(pid, right.pid);
        await_watched(pid, future.pid);
        return pid;
}

static void await_done(int64_t which, int64_t number, cop_status status)
{
        cop_auto message = await(COP_KIND(done));
        ck_assert_int_eq(cop_read(done, message)->which, which);
        ck_assert_int_eq(cop_read(done, message)->number, number);
        ck_assert_int_eq(cop_read(done, message)->status, status);
}

IN_NODE(who_waits_hears_of_the_first_that_becomes_ready_and_has_done_nothing_else)
{
        item_channel left = open_items(2), right = open_items(0);
        item_future future = cop_promise(item);
        cop_auto message = NULL;

        waiting_select(left, right, future);
        cop_put(left, 0, item, .number = 1);
        await_done(0, 1, COP_OK);
        ck_assert_int_eq(cop_take(&message, right, 0, item), COP_E_TIMEOUT);

        waiting_select(left, right, future);
        ck_assert_int_eq(cop_take(&message, right, PATIENCE_MS, item), COP_OK);
        ck_assert_int_eq(cop_read(item, message)->number, 9);
        await_done(1, 0, COP_OK);

        cop_pid pid = waiting_select(left, right, future);
        cop_send(pid, stop, .why = 1);
        await_done(3, 0, COP_OK);

        waiting_select(left, right, future);
        cop_complete(future, item, .number = 7);
        await_done(2, 7, COP_OK);
        ck_assert_uint_eq(count_of(left), 0);
        cop_put(left, 0, item, .number = 2);
        ck_assert_uint_eq(count_of(left), 1);
}

/* Whichever of the two comes first. */
IN_NODE(at_capacity_0_a_select_never_meets_itself)
{
        item_channel channel = open_items(0);
        cop_case takes[] = { COP_CASE_TAKE(channel, item), COP_CASE_PUT(channel, item, .number = 1) };
        cop_case puts[] = { COP_CASE_PUT(channel, item, .number = 1), COP_CASE_TAKE(channel, item) };
        ck_assert_int_eq(cop_select(1, takes), COP_SELECT_TIMEOUT);
        ck_assert_int_eq(cop_select(1, puts), COP_SELECT_TIMEOUT);
        ck_assert_uint_eq(count_of(channel), 0);
}

/* Waits for either in the same channel, and tells what came true. */
static void swaps(const errand *e)
{
        cop_case cases[] = { COP_CASE_PUT(e->left, item, .number = e->count), COP_CASE_TAKE(e->left, item) };
        int which = cop_select(COP_FOREVER, cases);
        const item *i = cop_read(item, cases[which].message);
        cop_send(e->tell, done, .by = cop_self(), .which = which, .status = cases[which].status,
                 .number = i != NULL ? i->number : 0);
}

/* The one that puts hears of no item, the other of that one's. */
IN_NODE(at_capacity_0_of_two_selects_one_puts_and_the_other_takes)
{
        item_channel channel = open_items(0);
        for (int64_t round = 0; round < 20; round++) {
                cop_pid first = cop_spawn_with(swaps, errand, .left = channel, .tell = cop_self(), .count = 1);
                if (round % 2 == 0)
                        await_watched(first, channel.pid);
                cop_spawn_with(swaps, errand, .left = channel, .tell = cop_self(), .count = 2);
                cop_auto one = await(COP_KIND(done));
                cop_auto other = await(COP_KIND(done));
                const done *taker = cop_read(done, one)->which == 1 ? cop_read(done, one) : cop_read(done, other);
                const done *putter = taker == cop_read(done, one) ? cop_read(done, other) : cop_read(done, one);
                ck_assert_int_eq(taker->which, 1);
                ck_assert_int_eq(putter->which, 0);
                ck_assert_int_eq(taker->status | putter->status, COP_OK);
                ck_assert_int_eq(taker->number, cop_pid_equal(taker->by, first) ? 2 : 1);
        }
        await_true(count_of(channel) == 0);
}

/* One that could only meet itself holds up nobody behind it. */
IN_NODE(at_capacity_0_a_select_of_both_is_met_by_who_puts_and_by_who_takes)
{
        item_channel channel = open_items(0);
        cop_auto message = NULL;
        cop_pid waiting = cop_spawn_with(swaps, errand, .left = channel, .tell = cop_self(), .count = 3);
        await_watched(waiting, channel.pid);
        ck_assert_int_eq(cop_put(channel, PATIENCE_MS, item, .number = 4), COP_OK);
        cop_auto took = await(COP_KIND(done));
        ck_assert_int_eq(cop_read(done, took)->number, 4);
        waiting = cop_spawn_with(swaps, errand, .left = channel, .tell = cop_self(), .count = 5);
        await_watched(waiting, channel.pid);
        ck_assert_int_eq(cop_take(&message, channel, PATIENCE_MS, item), COP_OK);
        ck_assert_int_eq(cop_read(item, message)->number, 5);
        cop_auto put = await(COP_KIND(done));
        ck_assert_int_eq(cop_read(done, put)->which, 0);
        ck_assert_uint_eq(count_of(channel), 0);
}

IN_NODE(who_waits_at_a_channel_that_closes_or_ends_hears_of_it)
{
        item_channel left = open_items(1), right = open_items(0);
        item_future future = cop_promise(item);
        waiting_select(left, right, future);
        cop_channel_close(left);
        await_done(0, 0, COP_E_CLOSED);
        left = open_items(1);
        waiting_select(left, right, future);
        put_down(right.pid);
        await_done(1, 0, COP_E_CLOSED);
        right = open_items(0);
        waiting_select(left, right, future);
        cop_future_drop(future);
        await_done(2, 0, COP_E_NO_ACTOR);
}

IN_NODE(a_case_on_nobody_never_comes_true)
{
        item_channel closed = open_items(1);
        cop_channel_close(closed);
        cop_case cases[] = { COP_CASE_TAKE(none, item), COP_CASE_PUT(none, item, .number = 1) };
        ck_assert_int_eq(cop_select(0, cases), COP_SELECT_TIMEOUT);
        ck_assert_int_eq(cop_select(1, cases), COP_SELECT_TIMEOUT);
        cop_case ready[] = { COP_CASE_TAKE(none, item), COP_CASE_TAKE(closed, item) };
        ck_assert_int_eq(cop_select(COP_FOREVER, ready), 1);
        ck_assert_int_eq(ready[1].status, COP_E_CLOSED);
        ck_assert_ptr_null(ready[1].message);
}

IN_NODE(of_those_that_are_ready_each_comes_true_about_as_often)
{
        enum { ROUNDS = 600 };
        int counts[4] = { 0 };
        item_channel first = open_items(ROUNDS), second = open_items(ROUNDS), third = open_items(ROUNDS);
        for (int64_t i = 0; i < ROUNDS; i++) {
                cop_put(first, 0, item, .number = i);
                cop_put(second, 0, item, .number = i);
                cop_send(cop_self(), stop, .why = i);
        }
        for (int i = 0; i < ROUNDS; i++) {
                cop_case cases[] = { COP_CASE_TAKE(first, item), COP_CASE_TAKE(second, item),
                                     COP_CASE_PUT(third, item, .number = 1),
                                     COP_CASE_RECEIVE(COP_KIND(stop)) };
                int which = cop_select(COP_FOREVER, cases);
                counts[which]++;
                cop_message_free(cases[which].message);
        }
        for (int i = 0; i < 4; i++) /* 150 expected; 60 is more than 8 standard deviations away */
                ck_assert_msg(counts[i] > 60, "case %d came true %d times of %d", i, counts[i], ROUNDS);
}

static void puts_or_takes(const errand *e)
{
        for (int64_t i = 0; i < e->count; i++) {
                cop_case cases[] = { COP_CASE_TAKE(e->left, item), COP_CASE_TAKE(e->right, item) };
                int which = cop_select(COP_FOREVER, cases);
                cop_status status = cases[which].status;
                const item *got = cop_read(item, cases[which].message);
                cop_send(e->tell, done, .by = cop_self(), .which = which, .status = status,
                         .number = got != NULL ? got->number : -1);
                cop_message_free(cases[which].message);
                if (status != COP_OK)
                        return;
        }
}

/* Each number goes into whichever channel takes it first. */
static void selects_puts(const errand *e)
{
        for (int64_t i = 0; i < e->count; i++) {
                cop_case cases[] = { COP_CASE_PUT(e->left, item, .number = i),
                                     COP_CASE_PUT(e->right, item, .number = i) };
                int which = cop_select(COP_FOREVER, cases);
                if (cases[which].status != COP_OK)
                        return;
        }
        cop_send(e->tell, stop, .why = 1);
}

/* All that is put by select and taken by select, on two channels at once, comes out exactly once. */
static void conserve(uint32_t capacity, bool kills)
{
        enum { EACH = 500, PEOPLE = 4 };
        static int taken[EACH];
        item_channel left = open_items(capacity), right = open_items(capacity);
        memset(taken, 0, sizeof(taken));
        for (int i = 0; i < PEOPLE; i++) {
                cop_spawn_with(selects_puts, errand, .left = left, .right = right, .count = EACH,
                               .tell = cop_self());
                cop_spawn_with(puts_or_takes, errand, .left = left, .right = right,
                               .count = INT64_MAX, .tell = cop_self());
        }
        for (int i = 0; kills && i < 100; i++) {
                cop_pid pid = cop_spawn_with(puts_or_takes, errand, .left = left, .right = right,
                                             .count = INT64_MAX, .tell = cop_self());
                if (i % 2)
                        cop_yield();
                put_down(pid);
        }
        for (size_t got = 0, ended = 0; got < (size_t)EACH * PEOPLE || ended < PEOPLE;) {
                cop_auto message = await(COP_ANY);
                ended += cop_read(stop, message) != NULL;
                const done *d = cop_read(done, message);
                if (d == NULL)
                        continue;
                ck_assert_int_eq(d->status, COP_OK);
                taken[d->number]++;
                got++;
        }
        for (int i = 0; i < EACH; i++)
                ck_assert_int_eq(taken[i], PEOPLE);
        ck_assert_uint_eq(count_of(left), 0);
        ck_assert_uint_eq(count_of(right), 0);
}

IN_NODE(what_is_put_by_select_is_taken_once_by_select)
{
        conserve(3, false);
}

IN_NODE(at_capacity_0_what_is_put_by_select_is_taken_once_by_select)
{
        conserve(0, false);
}

IN_NODE(nothing_is_lost_where_selects_are_killed)
{
        conserve(1, true);
}

IN_NODE(at_capacity_0_nothing_is_lost_where_selects_are_killed)
{
        conserve(0, true);
}

static void gives_up(const errand *e)
{
        for (int64_t i = 0; i < e->count; i++) {
                cop_case cases[] = { COP_CASE_TAKE(e->left, item),
                                     COP_CASE_PUT(e->left, item, .number = 1),
                                     COP_CASE_TAKE(e->right, item) };
                int which = cop_select(i % 2, cases);
                if (which >= 0)
                        cop_message_free(cases[which].message);
        }
        cop_send(e->tell, stop, .why = 1);
}

/* Takes what is there; an item that was on its way to one who gave up comes back a little later. */
static bool is_drained(item_channel from)
{
        cop_auto message = NULL;
        cop_take(&message, from, 0, item);
        return count_of(from) == 0;
}

/* Two that put in and take out the same channel again and again give up all the time; the grants come back. */
IN_NODE(selects_that_give_up_leave_no_place_taken)
{
        item_channel left = open_items(1), right = open_items(1);
        for (int i = 0; i < 3; i++)
                cop_spawn_with(gives_up, errand, .left = left, .right = right, .count = 200,
                               .tell = cop_self());
        for (int i = 0; i < 3; i++)
                await_and_drop(COP_KIND(stop));
        await_true(is_drained(left));
        await_true(cop_put(left, 0, item, .number = 1) == COP_OK);
        ck_assert_int_eq(cop_put(left, 0, item, .number = 2), COP_E_TIMEOUT);
        nothing_has_come();
}

IN_NODE(a_mistake_is_none_of_the_cases)
{
        cop_case cases[COP_SELECT_MAX + 1];
        for (int i = 0; i <= COP_SELECT_MAX; i++)
                cases[i] = (cop_case)COP_CASE_RECEIVE(COP_KIND(stop));
        ck_assert_int_eq(cop_select(0, cases), COP_SELECT_BAD);
        ck_assert_int_eq(cop_select_any_of(-1, cases, 1), COP_SELECT_BAD);
        ck_assert_int_eq(cop_select_any_of(0, NULL, 1), COP_SELECT_BAD);
        ck_assert_int_eq(cop_select_any_of(0, NULL, 0), COP_SELECT_TIMEOUT);
}

IN_NODE(who_would_wait_for_itself_is_told_so)
{
        item_channel own = { cop_self() };
        cop_case cases[] = { COP_CASE_TAKE(own, item) };
        ck_assert_int_eq(cop_select_any_of(PATIENCE_MS, cases, 1), 0);
        ck_assert_int_eq(cases[0].status, COP_E_BAD_ARGUMENT);
        ck_assert_ptr_null(cases[0].message);
}

TEST(outside_a_node_there_is_nothing_to_select)
{
        cop_case cases[] = { COP_CASE_RECEIVE(COP_KIND(stop)) };
        ck_assert_int_eq(cop_select(0, cases), COP_SELECT_BAD);
}

/* ---- What is wrong ------------------------------------------------------------------------------------ */

static int looks;

static bool once(const stop *s, const int *unused)
{
        (void)s;
        (void)unused;
        return looks++ == 0;
}

IN_NODE(a_predicate_that_says_yes_and_then_no_is_told)
{
        cop_case cases[] = { COP_CASE_RECEIVE(COP_WHERE(stop, once, &looks)) };
        ck_assert_int_eq(cop_send_after(NULL, 1, cop_self(), stop, .why = 1), COP_OK); /* it comes while it is waited for */
        ck_assert_int_eq(cop_select(PATIENCE_MS, cases), COP_SELECT_BAD);
}

/* ---- Strangers ----------------------------------------------------------------------------- */

typedef struct {
        cop_pid pid;
        cop_ref ref;
} passed_on;
COP_MESSAGE(passed_on, pid, ref);

typedef struct {
        cop_pid other;
} stranger;
COP_MESSAGE(stranger, other);

static void stranger_init(stranger *self, const stranger *given)
{
        *self = *given;
}

/* It has somebody else answer. */
static void stranger_otherwise(stranger *self, cop_message *message)
{
        cop_caller caller = cop_caller_of(message);
        if (caller.ref.bits != 0)
                cop_send(self->other, passed_on, .pid = caller.pid, .ref = caller.ref);
}

COP_SERVER(stranger, COP_INIT_WITH(stranger, stranger_init), COP_OTHERWISE(stranger_otherwise));

/* To the first look that there is nothing yet; to who waits then, an item. */
static void answers_for_it(void)
{
        cop_auto first = await(COP_KIND(passed_on));
        const passed_on *order = cop_read(passed_on, first);
        cop_reply_to(((cop_caller){ order->pid, order->ref }), cop__answer, .status = COP_E_TIMEOUT);
        cop_auto second = await(COP_KIND(passed_on));
        order = cop_read(passed_on, second);
        cop_reply_to(((cop_caller){ order->pid, order->ref }), item, .number = 1);
}

IN_NODE(a_select_over_what_is_no_channel_says_so_whoever_answers)
{
        cop_pid other = cop_spawn(answers_for_it);
        cop_pid pid = cop_no_pid();
        cop_spawn_options options = { .server = &stranger_server, .kind = COP_KIND_OF(stranger), .argument = &(stranger){ other } };
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        item_channel none_at_all = { pid };
        cop_case cases[] = { COP_CASE_TAKE(none_at_all, item) };
        ck_assert_int_eq(cop_select_any_of(PATIENCE_MS, cases, 1), COP_SELECT_BAD);
        put_down(pid);
}
