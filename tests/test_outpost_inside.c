/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The same code does the same in an OS process of its own: spawning, tasks, channels, agents, timers, groups, registries. */
#include "actors/channel.h"
#include "actors/crossing.h"
#include "tests/apart.h"
#include "tests/scenes.h"

/* ---- Spawning ---------------------------------------------------------------------------- */

SAME(a_child_is_spawned_and_answers, "7")
{
        cop_pid pid = cop_spawn_or_exit(&(cop_spawn_options){ .server = &adder_server });
        cop_auto reply = NULL;
        cop_call(&reply, pid, PATIENCE_MS, add, .number = 7);
        tell(cop_int(cop_read(sum, reply)->total));
}

SAME(a_childs_mailbox_may_coalesce, "\"success\"")
{
        cop_spawn_options options = { .run = waits, .mailbox_limit = 3, .mailbox_policy = COP_MAILBOX_COALESCE,
                                      .mailbox_key = COP_KEY(note, number) };
        cop_pid pid = cop_no_pid();
        cop_status status = cop_spawn_opt(&options, &pid); /* the policy alone would be refused where it is spawned */
        end_and_wait(pid);
        tell(status_term(status));
}

static void takes_line(const cop__log_line *line)
{
        (void)line;
}

/* Kinds of the runtime's own, by which no two actors talk. */
static void asks_for_what_does_not_cross(void)
{
        cop_pid pid;
        const cop__log_line line = { .level = 1 };
        cop_spawn_options options = { .run = waits, .mailbox_limit = 3, .mailbox_policy = COP_MAILBOX_COALESCE,
                                      .mailbox_key = COP_KEY(cop__log_line, level) };
        cop_status key = cop_spawn_opt(&options, &pid);
        options = (cop_spawn_options){ .run_with = COP_RUN_WITH(takes_line, cop__log_line), .kind = COP_KIND_OF(cop__log_line),
                                       .argument = &line };
        cop_status argument = cop_spawn_opt(&options, &pid);
        cop_status timer = cop_send_value_after(1, cop_to_pid(cop_parent()), COP_KIND_OF(cop__log_line), &line, NULL);
        tell(COP_TUPLE(status_term(key), status_term(argument), status_term(timer)));
}

IN_PROCESSES(what_the_runtime_keeps_for_itself_does_not_leave_a_process)
{
        char wanted[512];
        const char *no = cop_status_text(COP_E_ISOLATED);
        snprintf(wanted, sizeof(wanted), "{\"%s\", \"%s\", \"%s\"}", no, no, no);
        ck_assert_str_eq(play(asks_for_what_does_not_cross, COP_ISOLATION_PROCESS), wanted);
}

static void ends_over(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(note)));
        cop_exit(cop_atom("over"));
}

SAME(a_child_may_be_monitored_from_its_birth_on, "over")
{
        cop_ref ref;
        cop_pid pid = cop_spawn_or_exit(
                &(cop_spawn_options){ .run = ends_over, .monitor = true, .monitor_ref = &ref });
        cop_send(pid, note, .number = 1);
        cop_auto down = cop_receive(PATIENCE_MS, COP_REF(cop_down, ref));
        tell(cop_read(cop_down, down)->reason);
}

SAME(a_linked_child_tells_its_end_to_a_parent_that_traps_exits, "over")
{
        cop_trap_exit(true);
        cop_pid pid = cop_spawn_link(ends_over);
        cop_send(pid, note, .number = 1);
        cop_auto exited = cop_receive(PATIENCE_MS, COP_KIND(cop_exited));
        tell(cop_read(cop_exited, exited)->reason);
}

static void parent_of_linked(void)
{
        cop_pid pid = cop_spawn_link(waits);
        cop_register("linked", pid);
        cop_send(cop_parent(), note, .number = 1);
        cop_receive(COP_FOREVER, COP_KIND(add));
}

SAME(a_linked_child_ends_with_its_parent, "gone")
{
        cop_ref ref;
        cop_pid parent = cop_spawn(parent_of_linked);
        cop_message_free(cop_receive(PATIENCE_MS, COP_KIND(note)));
        cop_monitor("linked", &ref);
        cop_send_exit(parent, cop_atom("gone"));
        cop_auto down = cop_receive(PATIENCE_MS, COP_REF(cop_down, ref));
        tell(cop_read(cop_down, down)->reason);
}

static void says_its_parent(const sum *who)
{
        cop_send(cop_parent(), add, .number = cop_pid_equal(cop_parent(), who->self));
}

SAME(a_child_knows_its_parent_and_has_its_argument, "1")
{
        cop_spawn_with(says_its_parent, sum, .self = cop_self());
        cop_auto message = cop_receive(PATIENCE_MS, COP_KIND(add));
        tell(cop_int(cop_read(add, message)->number));
}

SAME(a_child_has_a_name_and_a_second_one_of_it_is_refused, "{true, \"the name is taken, or the actor bears another\"}")
{
        cop_pid first, second;
        cop_spawn_opt(&(cop_spawn_options){ .run = waits, .name = "only" }, &first);
        cop_status status = cop_spawn_opt(&(cop_spawn_options){ .run = waits, .name = "only" }, &second);
        tell(COP_TUPLE(cop_bool(cop_pid_equal(cop_whereis("only"), first)), status_term(status)));
        end_and_wait(first);
}

SAME(bad_options_are_refused, "\"an argument is outside its documented range\"")
{
        cop_pid pid;
        tell(status_term(cop_spawn_opt(&(cop_spawn_options){ .run = waits, .name = "undefined" }, &pid)));
}

static void start_fails(const add *how)
{
        if (how->number == 1)
                cop_exit(cop_atom("no_key"));
        if (how->number == 2)
                cop_ignore();
        cop_start_extra(cop_int(8080));
        cop_init_ack();
        waits();
}

static cop_status start_with(int64_t how)
{
        cop_pid pid;
        cop_status status = cop_start(&(cop_spawn_options){ RUN_WITH(start_fails, add, how),
                                                            .init_ack = true }, PATIENCE_MS, &pid);
        if (status == COP_OK)
                cop_send_exit(pid, cop_atom("kill"));
        return status;
}

SAME(a_start_is_waited_for_and_ends_as_the_init_does, "{died, no_key, ignored, 8080}")
{
        bool died = start_with(1) == COP_E_DIED;
        char why[32];
        cop_term_print(cop_failure(), NULL, why, sizeof(why));
        bool ignored = start_with(2) == COP_E_IGNORED;
        start_with(3);
        tell(COP_TUPLE(cop_atom(died ? "died" : "lives"), cop_atom(why),
                       cop_atom(ignored ? "ignored" : "not"), cop_started_extra()));
}

static void never_says_so(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(note)));
}

/* Who is linked to it is not ended by its end, and has no link left. */
SAME(who_does_not_start_in_time_is_killed, "{true, false, true}")
{
        cop_pid pid;
        cop_status status = cop_start(&(cop_spawn_options){ .run = never_says_so, .name = "late", .init_ack = true, .link = true },
                                      20, &pid);
        bool is_there = cop_whereis("late").bits != 0;
        cop_trap_exit(true);
        cop_message *exited = cop_receive(0, COP_KIND(cop_exited));
        tell(COP_TUPLE(cop_bool(status == COP_E_TIMEOUT), cop_bool(is_there), cop_bool(exited == NULL)));
        cop_message_free(exited);
}

static void grandchild(const sum *to)
{
        cop_send(to->self, add, .number = 3);
}

static void child(const sum *to)
{
        cop_spawn_with(grandchild, sum, .self = to->self);
}

SAME(grandchildren_are_spawned_too, "3")
{
        cop_spawn_with(child, sum, .self = cop_self());
        cop_auto message = cop_receive(PATIENCE_MS, COP_KIND(add));
        tell(cop_int(cop_read(add, message)->number));
}

SAME(many_children_are_waited_for_as_a_group, "{\"ok\", 4}")
{
        cop_ends ends;
        cop_wait_group *group = cop_wait_group_open();
        for (int i = 0; i < 4; i++)
                cop_wait_spawn_or_exit(group, &(cop_spawn_options){ RUN_WITH(grandchild, sum, .self = cop_self()) });
        cop_status status = cop_wait_all(group, PATIENCE_MS, &ends);
        tell(COP_TUPLE(cop_string(status == COP_OK ? "ok" : cop_status_text(status)), cop_int((int64_t)ends.well)));
        cop_wait_group_close(group);
}

/* ---- Tasks and futures ----------------------------------------------------------------------- */

static void doubles(const add *a)
{
        if (a->number < 0)
                cop_exit(cop_atom("negative"));
        cop_reply(sum, .total = 2 * a->number);
}

SAME(a_task_gives_its_result_or_its_reason, "{42, negative}")
{
        cop_auto result = NULL;
        cop_auto none = NULL;
        cop_task good = cop_task_async_nolink(doubles, add, .number = 21);
        cop_task bad = cop_task_async_nolink(doubles, add, .number = -1);
        cop_task_yield(&result, good, PATIENCE_MS);
        cop_task_yield(&none, bad, PATIENCE_MS);
        tell(COP_TUPLE(cop_int(cop_read(sum, result)->total), cop_failure()));
}

SAME(a_group_of_tasks_ends_with_its_first_failure, "{true, true, negative}")
{
        cop_task_group group;
        cop_task_group_open(NULL, &group);
        bool started = cop_task_group_start(group, &(cop_task_options){ COP__TASK(doubles, add, .number = 1) },
                                            NULL) == COP_OK;
        cop_task_group_start(group, &(cop_task_options){ COP__TASK(doubles, add, .number = -1) }, NULL);
        bool died = cop_task_group_close(group) == COP_E_DIED;
        tell(COP_TUPLE(cop_bool(started), cop_bool(died), cop_failure()));
}

static bool next_of_three(int64_t *at, add *item)
{
        item->number = ++*at;
        return *at <= 3;
}

SAME(a_stream_of_tasks_comes_in_order, "{2, 4, 6}")
{
        int64_t at = 0, totals[3] = { 0 };
        cop_streamed streamed;
        cop_task_stream *stream;
        cop_task_stream_open(&(cop_task_stream_options){ COP_STREAM(doubles, add, next_of_three, &at),
                                                         .most = 2, .timeout_ms = PATIENCE_MS }, &stream);
        while (cop_task_stream_next(stream, &streamed) == COP_OK) {
                totals[streamed.index] = cop_read(sum, streamed.result)->total;
                cop_message_free(streamed.result);
        }
        cop_task_stream_close(stream);
        tell(COP_TUPLE(cop_int(totals[0]), cop_int(totals[1]), cop_int(totals[2])));
}

COP_FUTURE(sum);

static void resolves(const add *a)
{
        if (a->number < 0)
                cop_exit(cop_atom("negative"));
        cop_resolve(sum, .total = 3 * a->number);
}

SAME(futures_are_awaited_joined_and_fail, "{15, 15, negative, true}")
{
        cop_auto first = NULL;
        cop_auto again = NULL;
        cop_auto none = NULL;
        sum_future good = cop_async_with(sum, resolves, add, .number = 5);
        sum_future bad = cop_async_with(sum, resolves, add, .number = -1);
        cop_await(&first, good, PATIENCE_MS, sum);
        cop_join(&again, good, PATIENCE_MS, sum);
        cop_join(&none, bad, PATIENCE_MS, sum);
        char why[32];
        cop_term_print(cop_failure(), NULL, why, sizeof(why));
        bool gone = cop_await(&none, good, PATIENCE_MS, sum) == COP_E_NO_ACTOR;
        tell(COP_TUPLE(cop_int(cop_read(sum, first)->total), cop_int(cop_read(sum, again)->total),
                       cop_atom(why), cop_bool(gone)));
}

/* ---- Channels ----------------------------------------------------------------------------------- */

COP_CHANNEL(add);

static void produces(const add_channel *channel)
{
        for (int64_t i = 1; i <= 5; i++)
                cop_put(*channel, PATIENCE_MS, add, .number = i);
        cop_channel_close(*channel);
}

SAME(items_go_through_a_channel_in_order_until_it_is_closed, "{12345, true}")
{
        add_channel channel;
        cop_message *item;
        int64_t digits = 0;
        cop_status status;
        cop_channel_open(&channel, add, 2);
        cop_spawn_with(produces, add_channel, channel.pid);
        while ((status = cop_take(&item, channel, PATIENCE_MS, add)) == COP_OK) {
                digits = 10 * digits + cop_read(add, item)->number;
                cop_message_free(item);
        }
        tell(COP_TUPLE(cop_int(digits), cop_bool(status == COP_E_CLOSED)));
}

SAME(a_take_that_is_too_late_leaves_the_item_in_the_channel, "{true, 1, 9}")
{
        add_channel channel;
        cop_message *item = NULL;
        size_t count = 0;
        cop_channel_open(&channel, add, 2);
        bool late = cop_take(&item, channel, 1, add) == COP_E_TIMEOUT;
        cop_put(channel, PATIENCE_MS, add, .number = 9);
        cop_channel_count(channel, &count);
        cop_take(&item, channel, PATIENCE_MS, add);
        tell(COP_TUPLE(cop_bool(late), cop_int((int64_t)count), cop_int(cop_read(add, item)->number)));
        cop_message_free(item);
}

SAME(a_select_takes_what_is_there_and_gives_the_rest_back, "{0, 1, 8, 9}")
{
        add_channel left, right;
        cop_message *item = NULL;
        cop_channel_open(&left, add, 2);
        cop_channel_open(&right, add, 2);
        cop_put(left, PATIENCE_MS, add, .number = 8);
        cop_case first[] = { COP_CASE_TAKE(left, add), COP_CASE_TAKE(right, add) };
        int chosen = cop_select(PATIENCE_MS, first);
        cop_put(right, PATIENCE_MS, add, .number = 9);
        cop_case second[] = { COP_CASE_TAKE(left, add), COP_CASE_TAKE(right, add) };
        int next = cop_select(PATIENCE_MS, second);
        tell(COP_TUPLE(cop_int(chosen), cop_int(next), cop_int(cop_read(add, first[0].message)->number),
                       cop_int(cop_read(add, second[1].message)->number)));
        cop_message_free(item);
}

/* An actor in a process and one in the node, at a channel of either. */
static void takes_two(const add_channel *channel)
{
        int64_t total = 0;
        for (int i = 0; i < 2; i++) {
                cop_message *item = NULL;
                if (cop_take(&item, *channel, PATIENCE_MS, add) == COP_OK)
                        total += cop_read(add, item)->number;
                cop_message_free(item);
        }
        cop_send(cop_parent(), add, .number = total);
}

IN_PROCESSES(a_process_takes_from_a_channel_of_the_node)
{
        add_channel channel;
        ck_assert_int_eq(cop_channel_open(&channel, add, 1), COP_OK);
        START_APART(RUN_WITH(takes_two, add_channel, channel.pid));
        for (int64_t i = 1; i <= 2; i++)
                ck_assert_int_eq(cop_put(channel, PATIENCE_MS, add, .number = i), COP_OK);
        cop_auto total = await(COP_KIND(add));
        ck_assert_int_eq(cop_read(add, total)->number, 3);
        ck_assert_int_eq(cop_channel_close(channel), COP_OK);
}

static void opens_a_channel(void)
{
        add_channel channel;
        cop_channel_open(&channel, add, 1);
        cop_send(cop_parent(), add_channel, channel.pid);
        takes_two(&channel);
}

IN_PROCESSES(the_node_puts_into_a_channel_of_a_process)
{
        START_APART(.run = opens_a_channel);
        cop_auto opened = await(COP_KIND(add_channel));
        add_channel channel = *cop_read(add_channel, opened);
        for (int64_t i = 1; i <= 2; i++)
                ck_assert_int_eq(cop_put(channel, PATIENCE_MS, add, .number = i), COP_OK);
        cop_auto total = await(COP_KIND(add));
        ck_assert_int_eq(cop_read(add, total)->number, 3);
}

static void opens_a_channel_and_sleeps(void)
{
        add_channel channel;
        cop_channel_open(&channel, add, 4);
        cop_send(cop_parent(), add_channel, channel.pid);
        cop_sleep(COP_FOREVER);
}

IN_PROCESSES(a_channel_whose_process_is_stopped_keeps_nobody_beyond_his_time_and_loses_and_doubles_nothing)
{
        START_APART(.run = opens_a_channel_and_sleeps);
        cop_auto opened = await(COP_KIND(add_channel));
        cop_auto item = NULL;
        add_channel channel = *cop_read(add_channel, opened);
        size_t count = 0;
        ck_assert_int_eq(cop_put(channel, PATIENCE_MS, add, .number = 1), COP_OK);
        ck_assert_int_eq(cop_put(channel, PATIENCE_MS, add, .number = 2), COP_OK);
        int64_t os_pid = os_pid_of(channel.pid);
        ck_assert_int_gt(os_pid, 0);
        ck_assert_int_eq(kill((pid_t)os_pid, SIGSTOP), 0);
        await_true(is_stopped(os_pid));
        ck_assert_int_eq(cop_put(channel, 1, add, .number = 3), COP_E_TIMEOUT);
        ck_assert_int_eq(cop_put(channel, 0, add, .number = 4), COP_E_TIMEOUT);
        ck_assert_int_eq(cop_take(&item, channel, 1, add), COP_E_TIMEOUT);
        ck_assert_int_eq(cop_take(&item, channel, 0, add), COP_E_TIMEOUT);
        ck_assert_ptr_null(item);
        ck_assert_int_eq(kill((pid_t)os_pid, SIGCONT), 0);
        await_true(cop_channel_count(channel, &count) == COP_OK && count == 2);
        for (int64_t i = 1; i <= 2; i++) {
                cop_auto taken = NULL;
                ck_assert_int_eq(cop_take(&taken, channel, PATIENCE_MS, add), COP_OK);
                ck_assert_int_eq(cop_read(add, taken)->number, i);
        }
        ck_assert_int_eq(cop_take(&item, channel, 0, add), COP_E_TIMEOUT);
}

/* Who chooses asks it for an item like the two channels, after them: then it tells that they are asked. */
typedef struct probe {
        int64_t asked;
} probe;

static void probe_on_take(probe *self, const cop__channel_take *take)
{
        (void)take;
        if (++self->asked == 1) { /* only a try */
                cop_reply(cop__answer, .status = COP_E_TIMEOUT);
                return;
        }
        cop_defer();
        cop_send(cop_parent(), note, .number = self->asked);
}

static void probe_on_give_up(probe *self, const cop__give_up *who)
{
        (void)self;
        (void)who;
}

COP_SERVER(probe, COP_ON(cop__channel_take, probe_on_take), COP_ON(cop__give_up, probe_on_give_up));

typedef struct choice {
        cop_pid left, right, probe;
} choice;
COP_MESSAGE(choice, left, right, probe);

static void chooses(const choice *c)
{
        const add_channel left = { c->left }, right = { c->right }, last = { c->probe };
        cop_case cases[] = { COP_CASE_TAKE(left, add), COP_CASE_TAKE(right, add), COP_CASE_TAKE(last, add) };
        int which = cop_select(PATIENCE_MS, cases);
        cop_send(cop_parent(), add, .number = which);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(note)));
}

static void put_to_three(add_channel channel)
{
        size_t count = 0;
        for (int64_t i = 1; i <= 3; i++)
                ck_assert_int_eq(cop_put(channel, PATIENCE_MS, add, .number = i), COP_OK);
        ck_assert_int_eq(cop_channel_count(channel, &count), COP_OK);
        ck_assert_uint_eq(count, 2); /* one has been given */
}

static void take_until_closed(add_channel channel, int64_t from)
{
        size_t count = 0;
        await_true(cop_channel_count(channel, &count) == COP_OK && count == (size_t)(4 - from));
        ck_assert_int_eq(cop_channel_close(channel), COP_OK);
        for (int64_t i = from; i <= 3; i++) {
                cop_auto item = NULL;
                ck_assert_int_eq(cop_take(&item, channel, PATIENCE_MS, add), COP_OK);
                ck_assert_int_eq(cop_read(add, item)->number, i);
        }
        cop_auto none = NULL;
        ck_assert_int_eq(cop_take(&none, channel, PATIENCE_MS, add), COP_E_CLOSED);
}

/* It is stopped while it waits, so that an item of either channel is on its way to it. */
static void be_chosen_from(add_channel left, add_channel right)
{
        const choice argument = { left.pid, right.pid, cop_spawn_server(&probe_server, NULL) };
        cop_pid pid = START_APART(.run_with = COP_RUN_WITH(chooses, choice), .kind = COP_KIND_OF(choice),
                                  .argument = &argument);
        await_and_drop(COP_KIND(note));
        int64_t os_pid = os_pid_of(pid);
        ck_assert_int_eq(kill((pid_t)os_pid, SIGSTOP), 0);
        await_true(is_stopped(os_pid));
        put_to_three(left);
        put_to_three(right);
        ck_assert_int_eq(kill((pid_t)os_pid, SIGCONT), 0);
        cop_auto chosen = await(COP_KIND(add));
        int64_t which = cop_read(add, chosen)->number;
        ck_assert(which == 0 || which == 1);
        take_until_closed(left, which == 0 ? 2 : 1);
        take_until_closed(right, which == 1 ? 2 : 1);
        put_down(pid);
}

static add_channel channel_of_a_process(void)
{
        START_APART(.run = opens_a_channel_and_sleeps);
        cop_auto opened = await(COP_KIND(add_channel));
        return *cop_read(add_channel, opened);
}

IN_PROCESSES(what_a_select_in_a_process_did_not_take_is_the_next_again_where_it_was)
{
        add_channel left, right;
        ck_assert_int_eq(cop_channel_open(&left, add, 4), COP_OK);
        ck_assert_int_eq(cop_channel_open(&right, add, 4), COP_OK);
        be_chosen_from(left, right);
        be_chosen_from(channel_of_a_process(), channel_of_a_process());
}

/* ---- Agents and events ----------------------------------------------------------------------------- */

static void grow(adder *pot, const add *a)
{
        pot->total += a->number;
}

static void show(const adder *pot, const add *a)
{
        (void)a;
        cop_reply(sum, .total = pot->total);
}

SAME(an_agent_keeps_a_value, "12")
{
        cop_auto reply = NULL;
        cop_pid pot = cop_agent_new(adder, .total = 5);
        cop_agent_update(NULL, pot, PATIENCE_MS, adder, grow, add, .number = 7);
        cop_agent_get(&reply, pot, PATIENCE_MS, adder, show, add, .number = 0);
        tell(cop_int(cop_read(sum, reply)->total));
}

typedef struct ear {
        cop_pid to;
} ear;

static void ear_init(ear *self, const sum *start)
{
        self->to = start->self;
}

static void ear_on_add(ear *self, const add *a)
{
        cop_send(self->to, note, .number = a->number);
}

COP_SERVER(ear, COP_INIT_WITH(sum, ear_init), COP_ON(add, ear_on_add));

SAME(an_event_manager_tells_its_handlers, "{true, 4, true, 5}")
{
        cop_pid manager;
        cop_start(&(cop_spawn_options){ .server = &cop_event_manager }, PATIENCE_MS, &manager);
        bool added = cop_add_handler(manager, .id = "ear", .server = &ear_server, .kind = COP_KIND_OF(sum),
                                     .argument = &(sum){ .self = cop_self() }) == COP_OK;
        cop_notify(manager, add, .number = 4);
        cop_auto message = cop_receive(PATIENCE_MS, COP_KIND(note));
        bool swapped = cop_swap_handler(manager, "ear", cop_nil(), .id = "other", .server = &ear_server,
                                        .kind = COP_KIND_OF(sum),
                                        .argument = &(sum){ .self = cop_self() }) == COP_OK;
        cop_notify(manager, add, .number = 5);
        cop_auto other = cop_receive(PATIENCE_MS, COP_KIND(note));
        tell(COP_TUPLE(cop_bool(added), cop_int(cop_read(note, message)->number), cop_bool(swapped),
                       cop_int(cop_read(note, other)->number)));
}

/* ---- Ends ------------------------------------------------------------------------------------------- */

/* A handler that adds another, which is its own. */
typedef struct nest {
        int64_t unused;
} nest;

static void nest_on_sum(nest *self, const sum *about)
{
        (void)self;
        cop_status status = cop_add_handler(about->self, .id = "egg", .server = &ear_server, .kind = COP_KIND_OF(sum),
                                            .argument = about, .supervised = true);
        cop_send(about->parent, note, .number = status == COP_OK);
}

static void nest_init(nest *self, const sum *about)
{
        (void)self;
        cop_send(about->parent, note, .number = 0);
}

COP_SERVER(nest, COP_INIT_WITH(sum, nest_init), COP_ON(sum, nest_on_sum));

/* The link to its handler is there before it is the link to an owner, and stays when that is over. */
IN_PROCESSES(a_handler_that_owned_another_ends_with_its_manager_wherever_that_lives)
{
        const cop_isolation levels[] = { COP_ISOLATION_GUARDED, COP_ISOLATION_PROCESS };
        for (size_t i = 0; i < COP__COUNT(levels); i++) {
                cop_pid manager;
                ck_assert_int_eq(cop_start(&(cop_spawn_options){ .server = &cop_event_manager, .isolation = levels[i] },
                                           PATIENCE_MS, &manager), COP_OK);
                const sum about = { .self = manager, .parent = cop_self() };
                ck_assert_int_eq(cop_add_handler(manager, .id = "nest", .server = &nest_server, .kind = COP_KIND_OF(sum),
                                                 .argument = &about), COP_OK);
                cop_auto began = await(COP_KIND(note));
                cop_pid pid = cop_message_from(began);
                cop_send(pid, sum, .self = manager, .parent = cop_self()); /* its manager does not wait for it */
                cop_auto added = await(COP_KIND(note));
                ck_assert_int_eq(cop_read(note, added)->number, 1);
                cop_ref ref = watch(pid);
                ck_assert_int_eq(cop_delete_handler(manager, "egg", cop_nil(), NULL), COP_OK);
                put_down(manager);
                await_down(ref, "killed");
        }
}

enum { PLAIN, POLITE, SORE };

/* Says who it is, and, if it traps exits, that it ends. */
typedef struct guest {
        cop_pid to;
        bool sore; /* its terminate is a bug */
} guest;

static void guest_init(guest *self, const sum *about)
{
        self->to = about->parent;
        self->sore = about->total == SORE;
        cop_trap_exit(about->total != PLAIN);
        cop_send(self->to, note, .number = 0);
}

static void guest_terminate(guest *self, cop_term reason)
{
        cop_send(self->to, note, .number = cop_is_atom(reason, "shutdown") ? 1 : 2);
        if (self->sore)
                cop_exit(cop_atom("sore"));
}

COP_SERVER(guest, COP_INIT_WITH(sum, guest_init), COP_TERMINATE(guest_terminate));

static cop_pid add_guest(cop_pid manager, const char *id, int64_t how)
{
        const sum about = { .total = how, .parent = cop_self() };
        ck_assert_int_eq(cop_add_handler(manager, .id = id, .server = &guest_server, .kind = COP_KIND_OF(sum),
                                         .argument = &about), COP_OK);
        cop_auto began = await(COP_KIND(note));
        ck_assert_int_eq(cop_read(note, began)->number, 0);
        return cop_message_from(began);
}

IN_PROCESSES(handlers_of_a_manager_in_a_process_are_dead_when_they_are_deleted_or_it_has_stopped)
{
        cop_pid manager;
        ck_assert_int_eq(cop_start(&(cop_spawn_options){ .server = &cop_event_manager, .isolation = COP_ISOLATION_PROCESS },
                                   PATIENCE_MS, &manager), COP_OK);
        for (int64_t how = PLAIN; how <= SORE; how++) {
                cop_pid pid = add_guest(manager, "guest", how);
                ck_assert_int_eq(cop_delete_handler(manager, "guest", cop_nil(), NULL), how == SORE ? COP_E_DIED : COP_OK);
                ck_assert(!cop_is_alive(pid));
                if (how == SORE)
                        ck_assert_str_eq(text_of(cop_failure()), "sore");
                if (how == PLAIN)
                        continue;
                cop_auto ended = await(COP_KIND(note));
                ck_assert_int_eq(cop_read(note, ended)->number, 1);
        }
        cop_ref refs[2] = { watch(add_guest(manager, "one", PLAIN)), watch(add_guest(manager, "other", POLITE)) };
        ck_assert_int_eq(cop_stop(manager, cop_atom("normal"), PATIENCE_MS), COP_OK);
        await_down(refs[1], "stop");
        await_down(refs[0], "stop");
        cop_auto ended = await(COP_KIND(note));
        ck_assert_int_eq(cop_read(note, ended)->number, 2);
        nothing_has_come();
}

typedef struct stubborn {
        int64_t unused;
} stubborn;
COP_MESSAGE(stubborn, unused);

static void stubborn_init(stubborn *self)
{
        (void)self;
        cop_trap_exit(true);
}

static void stubborn_terminate(stubborn *self, cop_term reason)
{
        (void)self;
        cop_send("teller", note, .number = cop_is_atom(reason, "shutdown"));
}

COP_SERVER(stubborn, COP_INIT(stubborn_init), COP_TERMINATE(stubborn_terminate));

/* Of a server that has no parent to obey, one that has, the dead and nobody; and nobody's terminate is left out. */
static void shuts_down(void)
{
        cop_pid free = cop_no_pid(), own = cop_no_pid();
        cop_register("teller", cop_self());
        cop_start(&(cop_spawn_options){ .server = &stubborn_server }, PATIENCE_MS, &free);
        cop_start(&(cop_spawn_options){ .server = &stubborn_server, .link = true }, PATIENCE_MS, &own);
        cop_status first = cop_shutdown(free, COP_FOREVER), second = cop_shutdown(own, COP_SHUTDOWN_DEFAULT);
        cop_auto one = cop_receive(PATIENCE_MS, COP_KIND(note));
        cop_auto two = cop_receive(PATIENCE_MS, COP_KIND(note));
        cop_status dead = cop_shutdown(free, COP_FOREVER), nobody = cop_shutdown(cop_no_pid(), COP_FOREVER);
        cop_status shop = cop_shutdown(cop_whereis("shop"), COP_SHUTDOWN_DEFAULT);
        tell(COP_TUPLE(status_term(first), status_term(second), cop_int(cop_read(note, one)->number),
                       cop_int(cop_read(note, two)->number), status_term(dead), status_term(nobody), status_term(shop),
                       cop_bool(cop_is_alive(free) || cop_is_alive(own) || cop_whereis("shop").bits != 0)));
}

IN_PROCESSES(what_is_shut_down_from_a_process_obeys_as_it_does_in_the_node)
{
        const cop_isolation levels[] = { COP_ISOLATION_GUARDED, COP_ISOLATION_PROCESS };
        const char *ok = "\"success\"";
        char wanted[256];
        snprintf(wanted, sizeof(wanted), "{%s, %s, 1, 1, %s, \"%s\", %s, false}", ok, ok, ok,
                 cop_status_text(COP_E_BAD_ARGUMENT), ok);
        cop_trap_exit(true);
        for (size_t i = 0; i < COP__COUNT(levels); i++) {
                cop_pid shop;
                ck_assert_int_eq(cop_supervise(&(cop_supervisor){
                        .name = "shop", .children = COP_CHILDREN({ .id = "adder", .server = &adder_server }) }, &shop), COP_OK);
                ck_assert_str_eq(play(shuts_down, levels[i]), wanted);
                await_exited(shop, "shutdown");
        }
}

/* ---- What would bring code into the node --------------------------------------------------------- */

static void asks_for_too_much(void)
{
        cop_child_count count = { 0 };
        cop_pid pid;
        cop_status counted = cop_count_children("shop", &count);
        cop_status started = cop_start_child_of(cop_to_name("shop"),
                                                &(cop_child){ .id = "new", .server = &adder_server },
                                                &pid, NULL);
        cop_status ran = cop_agent_update(NULL, "pot", PATIENCE_MS, adder, grow, add, .number = 1);
        tell(COP_TUPLE(status_term(counted), cop_int(count.specs), status_term(started), status_term(ran),
                       status_term(cop_memory_subscribe()), status_term(cop_dead_letters_subscribe())));
}

IN_PROCESSES(an_address_of_code_does_not_go_from_a_process_to_the_node)
{
        cop_pid shop, pot;
        const char *no = "\"an actor in an OS process of its own cannot do it\"";
        char wanted[512];
        ck_assert_int_eq(cop_supervise(&(cop_supervisor){
                .name = "shop", .strategy = COP_ONE_FOR_ONE,
                .children = COP_CHILDREN({ .id = "adder", .server = &adder_server }) }, &shop), COP_OK);
        ck_assert_int_eq(cop_agent_start("pot", COP_KIND_OF(adder), &(adder){ 5 }, &pot), COP_OK);
        snprintf(wanted, sizeof(wanted), "{\"%s\", 1, %s, %s, %s, %s}", cop_status_text(COP_OK), no, no, no, no);
        ck_assert_str_eq(play(asks_for_too_much, COP_ISOLATION_PROCESS), wanted);
        cop_auto reply = NULL;
        cop_agent_get(&reply, pot, PATIENCE_MS, adder, show, add, .number = 0);
        ck_assert_int_eq(cop_read(sum, reply)->total, 5);
        ck_assert_int_eq(cop_shutdown(shop, PATIENCE_MS), COP_OK);
}

typedef struct glib {
        int64_t unused;
} glib;

/* Whatever it is asked. */
static void glib_otherwise(glib *self, cop_message *message)
{
        (void)self;
        (void)message;
        cop_reply(note, .number = 1);
}

COP_SERVER(glib, COP_OTHERWISE(glib_otherwise));

/* In a process the answer alone shows who is a supervisor. */
static void asks_one_who_is_none(void)
{
        cop_child_count count = { 0 };
        cop_message *children = NULL, *spec = NULL;
        cop_status counted = cop_count_children("glib", &count), listed = cop_which_children("glib", &children),
                   got = cop_get_child("glib", "adder", &spec), restarted = cop_restart_child("glib", "adder", NULL);
        tell(COP_TUPLE(status_term(counted), status_term(listed), status_term(got), status_term(restarted),
                       cop_bool(children == NULL && spec == NULL)));
}

IN_PROCESSES(who_answers_what_no_supervisor_would_is_none_also_for_who_asks_from_a_process)
{
        const cop_isolation levels[] = { COP_ISOLATION_GUARDED, COP_ISOLATION_PROCESS };
        const char *no = cop_status_text(COP_E_NO_SUPERVISOR);
        char wanted[512];
        snprintf(wanted, sizeof(wanted), "{\"%s\", \"%s\", \"%s\", \"%s\", true}", no, no, no, no);
        cop_spawn_or_exit(&(cop_spawn_options){ .server = &glib_server, .name = "glib" });
        for (size_t i = 0; i < COP__COUNT(levels); i++)
                ck_assert_str_eq(play(asks_one_who_is_none, levels[i]), wanted);
}

/* ---- Blocking --------------------------------------------------------------------------------------- */

static void blocks_in_init(const sum *to)
{
        cop_ref ref;
        cop_monitor(to->self, &ref);
        usleep(20000); /* longer than the watch takes to find it stuck; what comes meanwhile must wait for this very thread */
        cop_monitor(to->self, &ref);
        cop_send(to->self, add, .number = cop_is_alive(to->self));
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(note)));
}

SAME(who_blocks_its_thread_is_answered_afterwards, "1")
{
        cop_pid pid = cop_spawn_with(blocks_in_init, sum, .self = cop_self());
        cop_send(pid, add, .number = 1);
        cop_auto message = cop_receive(PATIENCE_MS, COP_KIND(add));
        tell(cop_int(cop_read(add, message)->number));
}

/* ---- Timers ------------------------------------------------------------------------------------------- */

static void echoes(const sum *to)
{
        cop_auto message = cop_receive(COP_FOREVER, COP_KIND(add));
        cop_send(to->self, note, .number = cop_read(add, message)->number,
                 .text = cop_text_of(cop_pid_equal(cop_message_from(message), to->self) ? "from him" : ""));
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(sum)));
}

SAME(a_timer_for_another_sends_in_this_ones_name, "{5, \"from him\"}")
{
        cop_pid pid = cop_spawn_with(echoes, sum, .self = cop_self());
        cop_send_after(NULL, 1, pid, add, .number = 5);
        cop_auto message = cop_receive(PATIENCE_MS, COP_KIND(note));
        const note *n = cop_read(note, message);
        tell(COP_TUPLE(cop_int(n->number), cop_string(n->text.data)));
}

SAME(a_timer_for_another_is_cancelled_and_read, "{true, true, -1, -1}")
{
        cop_ref timer;
        cop_pid pid = cop_spawn(waits);
        cop_send_after(&timer, 3600000, pid, note, .number = 1);
        bool runs = cop_timer_left(timer) > 3500000, left = cop_cancel(timer) > 3500000;
        tell(COP_TUPLE(cop_bool(runs), cop_bool(left), cop_int(cop_cancel(timer)), cop_int(cop_timer_left(timer))));
        cop_send_exit(pid, cop_atom("kill"));
}

SAME(a_timer_finds_a_name_when_it_fires, "6")
{
        cop_register("echo", cop_spawn_with(echoes, sum, .self = cop_self()));
        cop_send_after(NULL, 1, "echo", add, .number = 6);
        cop_auto message = cop_receive(PATIENCE_MS, COP_KIND(note));
        tell(cop_int(cop_read(note, message)->number));
        cop_unregister("echo");
}

SAME(a_timer_ends_another, "late")
{
        cop_ref ref;
        cop_pid pid = cop_spawn(waits);
        cop_monitor(pid, &ref);
        cop_exit_after(NULL, 1, pid, cop_atom("late"));
        cop_auto down = cop_receive(PATIENCE_MS, COP_REF(cop_down, ref));
        tell(cop_read(cop_down, down)->reason);
}

/* ---- Groups and registries ------------------------------------------------------------------------------ */

SAME(groups_are_joined_left_looked_at_and_sent_to, "{1, true, 3, true, 0}")
{
        cop_pid scope, picked = cop_no_pid();
        cop_term before, after;
        cop_start(&(cop_spawn_options){ .server = &cop_scope_server, .name = "chat" }, PATIENCE_MS, &scope);
        cop_group_join("chat", cop_atom("tea"), cop_self());
        cop_group_members("chat", cop_atom("tea"), &before);
        cop_group_pick("chat", cop_atom("tea"), COP_PICK_IN_TURN, &picked);
        cop_group_send("chat", cop_atom("tea"), add, .number = 3);
        cop_auto message = cop_receive(PATIENCE_MS, COP_KIND(add));
        bool left = cop_group_leave("chat", cop_atom("tea"), cop_self()) == COP_OK;
        cop_group_members("chat", cop_atom("tea"), &after);
        tell(COP_TUPLE(cop_int(before.count), cop_bool(cop_pid_equal(picked, cop_self())),
                       cop_int(cop_read(add, message)->number), cop_bool(left), cop_int(after.count)));
        cop_term_free(before);
        cop_term_free(after);
        end_and_wait(scope);
}

SAME(a_group_is_watched, "{0, true, {tea, true}}")
{
        cop_pid scope;
        cop_ref ref;
        cop_term now;
        cop_start(&(cop_spawn_options){ .server = &cop_scope_server, .name = "chat" }, PATIENCE_MS, &scope);
        cop_group_monitor("chat", cop_atom("tea"), &ref, &now);
        int64_t count = now.count;
        cop_term_free(now);
        cop_group_join("chat", cop_atom("tea"), cop_self());
        cop_auto message = cop_receive(PATIENCE_MS, COP_REF(cop_group_joined, ref));
        const cop_group_joined *joined = cop_read(cop_group_joined, message);
        bool over = cop_group_demonitor(ref) == COP_OK;
        tell(COP_TUPLE(cop_int(count), cop_bool(over),
                       COP_TUPLE(joined->group, cop_bool(cop_pid_equal(joined->pid, cop_self())))));
        end_and_wait(scope);
}

SAME(without_a_scope_there_is_no_group, "{\"no live actor bears this name\", \"no live actor bears this name\"}")
{
        tell(COP_TUPLE(status_term(cop_group_join("nowhere", cop_atom("tea"), cop_self())),
                       status_term(cop_group_send("nowhere", cop_atom("tea"), add, .number = 1))));
}

SAME(a_registry_is_entered_looked_at_and_left, "{true, taken, [{true, 7}], 1, [8], [blue], true, 0}")
{
        cop_pid registry, holder = cop_no_pid();
        cop_term entries, values, keys;
        uint64_t count = 0, none = 1;
        cop_start(&(cop_spawn_options){ .server = &cop_registry_server, .name = "keys", .kind = COP_KIND_OF(cop_registry),
                                        .argument = &(cop_registry){ .keys = COP_UNIQUE } }, PATIENCE_MS, &registry);
        bool entered = cop_registry_register("keys", cop_atom("blue"), cop_int(7), NULL) == COP_OK;
        cop_status again = cop_registry_register("keys", cop_atom("blue"), cop_int(9), &holder);
        cop_registry_lookup("keys", cop_atom("blue"), &entries);
        cop_term entry = entries.as.items[0];
        cop_term seen = COP_TUPLE(cop_bool(cop_pid_equal(entry.as.items[0].as.pid, holder)), entry.as.items[1]);
        cop_registry_count("keys", &count);
        cop_registry_update("keys", cop_atom("blue"), cop_int(8));
        cop_registry_values("keys", cop_atom("blue"), cop_self(), &values);
        cop_registry_keys("keys", cop_self(), &keys);
        bool out = cop_registry_unregister("keys", cop_atom("blue")) == COP_OK;
        cop_registry_count("keys", &none);
        tell(COP_TUPLE(cop_bool(entered), cop_atom(again == COP_E_TAKEN ? "taken" : "?"), COP_LIST(seen),
                       cop_int((int64_t)count), values, keys, cop_bool(out), cop_int((int64_t)none)));
        cop_term_free(entries);
        cop_term_free(values);
        cop_term_free(keys);
        end_and_wait(registry);
}

/* ---- What another is full, visited or owned by ------------------------------------------------------------- */

static void waits_for_an_end(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(note)));
}

/* What became of it is the reason of its end. */
static void calls_and_tells(const add *unused)
{
        (void)unused;
        cop_status status = cop_call(NULL, "full", PATIENCE_MS, add, .number = 1);
        cop_exit(cop_int(status));
}

IN_PROCESSES(a_call_from_a_process_to_a_mailbox_that_is_full_fails)
{
        cop_pid pid, full;
        cop_ref ref;
        char reason[32];
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = waits_for_an_end, .name = "full", .mailbox_limit = 1,
                                                             .mailbox_policy = COP_MAILBOX_REJECT }, &full), COP_OK);
        ck_assert_int_eq(cop_send(full, add, .number = 1), COP_OK);
        ck_assert_int_eq(cop_send(full, add, .number = 2), COP_E_FULL);
        cop_spawn_options options = { RUN_WITH(calls_and_tells, add, .number = 1), .isolation = COP_ISOLATION_PROCESS,
                                      .monitor = true, .monitor_ref = &ref };
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        snprintf(reason, sizeof(reason), "%d", COP_E_FULL);
        await_down(ref, reason);
        put_down(full);
}

static void *enters(void *node)
{
        return (void *)(intptr_t)cop_node_enter(node);
}

static void is_visited(const add *unused)
{
        void *status = NULL;
        pthread_t thread;
        (void)unused;
        if (pthread_create(&thread, NULL, enters, cop_node_here()) == 0)
                pthread_join(thread, &status);
        cop_exit(cop_int((intptr_t)status));
}

/* It is a node of one actor. */
IN_PROCESSES(a_thread_of_an_actors_process_is_refused_a_visit)
{
        cop_pid pid;
        cop_ref ref;
        char reason[32];
        cop_spawn_options options = { RUN_WITH(is_visited, add, .number = 1), .isolation = COP_ISOLATION_PROCESS,
                                      .monitor = true, .monitor_ref = &ref };
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        snprintf(reason, sizeof(reason), "%d", COP_E_LIMIT);
        await_down(ref, reason);
}

static void owns_a_handler_of(const heard *manager)
{
        cop_status status = cop_add_handler(manager->pid, .id = "adder", .server = &adder_server, .supervised = true);
        if (status != COP_OK)
                cop_exit(cop_int(status));
        cop_send(manager->by, note, .number = 1);
        waits_for_an_end();
}

/* Its owner is tied to it as to one in the node: neither outlives the other. */
IN_PROCESSES(a_supervised_handler_of_a_manager_in_a_process_ends_with_its_owner_and_the_other_way_round)
{
        for (int i = 0; i < 2; i++) {
                cop_pid manager = START_APART(.server = &cop_event_manager);
                cop_term ids = cop_nil();
                cop_ref ref = spawn_watched(RUN_WITH(owns_a_handler_of, heard, .by = cop_self(), .pid = manager));
                cop_auto added = await(COP_KIND(note));
                cop_pid owner = cop_message_from(added);
                put_down(i == 0 ? owner : manager);
                await_and_drop(COP_REF(cop_down, ref));
                if (i > 0)
                        continue;
                await_true(cop_handlers(manager, &ids) == COP_OK && (cop_term_free(ids), ids.count == 0));
                put_down(manager);
        }
}
