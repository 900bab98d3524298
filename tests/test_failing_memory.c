/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Memory fails, at each place in turn: for every operation below the first allocation fails, then the second, and so on until none
 * does. Each time the operation answers with an error, or the actor that asked ends with a reason; the node goes on, nothing is
 * left behind, and the operation works the next time.
 *
 *      for each operation                        an actor of its own runs it
 *              for n = 1, 2, 3 ...               the n-th allocation of the process fails from its first line on
 *
 * All threads allocate from the same malloc, so it may be a supervisor or a keeper that goes without: they must bear it, too.
 * What fails is malloc; that the pools of messages give nothing more is in test_overload.c.
 */
#include "tests/failing_malloc.h"
#include "tests/node_fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct item {
        int64_t number;
} item;
COP_MESSAGE(item, number);

typedef struct note {
        cop_text text;
        cop_term term;
} note;
COP_MESSAGE(note, text, term);

COP_CHANNEL(item);
COP_FUTURE(item);

#define MS 5000

/* ---- Helpers of the operations ----------------------------------------------------------------- */

static void gives_item(void)
{
        cop_resolve(item, .number = 7);
}

static void replies_item(const item *i)
{
        cop_reply(item, .number = i->number + 1);
}

static void does_nothing(void)
{
}

typedef struct echo {
        int64_t count;
} echo;
COP_MESSAGE(echo, count);

static void echo_on_item(echo *self, const item *i)
{
        self->count++;
        cop_reply(item, .number = i->number);
}

static void echo_on_note(echo *self, const note *n)
{
        self->count++;
        cop_reply(note, .text = n->text, .term = n->term);
}

COP_SERVER(echo, COP_ON(item, echo_on_item), COP_ON(note, echo_on_note), COP_STATE(echo));

typedef struct lamp {
        int64_t turns;
} lamp;

enum { DARK, LIT };

static void lamp_turn(lamp *self, const item *i)
{
        self->turns++;
        cop_state_timeout(100000, item);
        cop_next_state(LIT);
        cop_reply(item, .number = i->number);
}

COP_MACHINE(lamp, DARK, COP_IN_ANY(item, lamp_turn));

static void add_one(item *value, const item *by)
{
        value->number += by->number;
        cop_reply(item, .number = value->number);
}

static cop_pid echo_pid(void)
{
        return cop_whereis("echo");
}

/* ---- Operations: what one starts is linked to it, and ends with it ---------------------------------- */

static cop_status sends(void)
{
        return cop_send(echo_pid(), note, .text = COP_TEXT("text"), .term = COP_TUPLE(cop_atom("a"), cop_int(1)));
}

static cop_status sends_much(void)
{
        static const char text[8000] = "a text that no pool holds";
        return cop_send(echo_pid(), note, .text = { text, sizeof(text) });
}

static cop_status sends_term(void)
{
        return cop_send_term(echo_pid(), COP_TUPLE(cop_atom("item"), cop_int(3)));
}

static cop_status calls(void)
{
        cop_message *reply = NULL;
        cop_status status = cop_call(&reply, "echo", MS, note, .text = COP_TEXT("text"), .term = cop_string("x"));
        cop_message_free(reply);
        return status;
}

static cop_status requests(void)
{
        cop_request request;
        cop_message *reply = NULL;
        cop_response response;
        cop_requests *set = cop_requests_new();
        if (set == NULL)
                return COP_E_NO_MEMORY;
        cop_status status = cop_request_send(&request, "echo", item, .number = 1);
        if (status == COP_OK) {
                status = cop_requests_add(set, request, 1);
                if (status == COP_OK)
                        status = cop_requests_await(set, MS, &response);
                else
                        cop_request_drop(request);
                if (status == COP_OK)
                        reply = response.message;
        }
        cop_message_free(reply);
        cop_requests_free(set);
        return status;
}

static cop_status spawns(void)
{
        cop_pid pid;
        cop_ref ref;
        cop_spawn_options options = { .server = &echo_server, .name = "spawned", .label = "a label", .link = true,
                                      .monitor = true, .monitor_ref = &ref, .memory_limit = 100000 };
        cop_status status = cop_spawn_opt(&options, &pid);
        if (status != COP_OK)
                return status;
        cop_demonitor(ref);
        return COP_OK;
}

static cop_status starts(void)
{
        cop_pid pid;
        return cop_start(&(cop_spawn_options){ .server = &echo_server, .link = true }, MS, &pid);
}

static cop_status links_and_monitors(void)
{
        cop_ref ref;
        cop_alias alias;
        cop_status status = cop_link(echo_pid());
        if (status == COP_OK)
                status = cop_monitor_opt("echo", (&(cop_monitor_options){ .tag = cop_string("tag") }), &ref);
        if (status == COP_OK)
                cop_demonitor(ref);
        cop_unlink(echo_pid());
        if (status == COP_OK)
                status = cop_alias_open(COP_ALIAS_EXPLICIT, &alias);
        if (status == COP_OK)
                cop_alias_close(alias);
        return status;
}

static cop_status times(void)
{
        cop_ref once, often;
        cop_status status = cop_send_after(&once, 100000, cop_self(), note, .text = COP_TEXT("later"));
        if (status == COP_OK)
                status = cop_send_every(&often, 100000, cop_self(), item, .number = 1);
        if (status == COP_OK)
                status = cop_exit_after(NULL, 100000, cop_self(), COP_TUPLE(cop_atom("too"), cop_atom("late")));
        return status;
}

static cop_status uses_channel(void)
{
        item_channel channel;
        cop_message *message = NULL;
        cop_status status = cop_channel_open(&channel, item, 2);
        if (status != COP_OK)
                return status;
        status = cop_put(channel, MS, item, .number = 1);
        if (status == COP_OK)
                status = cop_take(&message, channel, MS, item);
        cop_message_free(message);
        cop_channel_close(channel);
        return status;
}

static cop_status uses_future(void)
{
        cop_pid future;
        cop_message *message = NULL;
        cop_status status = cop_async_opt(&(cop_async_options){ .run = gives_item, .result = COP_KIND_OF(item) },
                                          &future);
        if (status != COP_OK)
                return status;
        status = cop_await_message(&message, future, MS);
        cop_message_free(message);
        cop_future_drop_pid(future);
        return status;
}

static cop_status selects(void)
{
        item_channel channel;
        cop_status status = cop_channel_open(&channel, item, 1);
        if (status != COP_OK)
                return status;
        cop_case cases[] = { COP_CASE_TAKE(channel, item), COP_CASE_RECEIVE(COP_KIND(note)) };
        status = cop_put(channel, MS, item, .number = 1);
        if (status == COP_OK && cop_select(MS, cases) == 0) {
                status = cases[0].status;
                cop_message_free(cases[0].message);
        }
        cop_channel_close(channel);
        return status;
}

static cop_status uses_task(void)
{
        cop_task task;
        cop_message *message = NULL;
        cop_task_options options = { .run_with = COP_RUN_WITH(replies_item, item), .kind = COP_KIND_OF(item),
                                     .argument = &(item){ 1 }, .nolink = true };
        cop_status status = cop_task_start(&options, &task);
        if (status != COP_OK)
                return status;
        status = cop_task_await(&message, task, MS);
        cop_message_free(message);
        return status;
}

static cop_status uses_task_group(void)
{
        cop_task_group group;
        cop_status status = cop_task_group_open(NULL, &group), closed;
        if (status != COP_OK)
                return status;
        status = cop_task_group_start(group, &(cop_task_options){ .run = does_nothing }, NULL);
        closed = cop_task_group_close(group);
        return status != COP_OK ? status : closed;
}

static cop_status uses_wait_group(void)
{
        cop_pid pid;
        cop_ends ends;
        cop_wait_group *group = cop_wait_group_open();
        if (group == NULL)
                return COP_E_NO_MEMORY;
        cop_status status = cop_wait_spawn_opt(group, &(cop_spawn_options){ .run = does_nothing }, &pid);
        if (status == COP_OK)
                status = cop_wait_all(group, MS, &ends);
        cop_wait_group_close(group);
        return status;
}

static cop_status uses_agent(void)
{
        cop_pid agent;
        cop_message *reply = NULL;
        cop_status status = cop_agent_start("agent", COP_KIND_OF(item), &(item){ 1 }, &agent);
        if (status != COP_OK)
                return status;
        status = cop_agent_update(&reply, agent, MS, item, add_one, item, .number = 2);
        cop_message_free(reply);
        return status;
}

static cop_status uses_machine(void)
{
        cop_pid pid;
        cop_message *reply = NULL;
        cop_status status = cop_spawn_opt(&(cop_spawn_options){ .server = &lamp_machine, .link = true }, &pid);
        if (status != COP_OK)
                return status;
        status = cop_call(&reply, pid, MS, item, .number = 1);
        cop_message_free(reply);
        return status;
}

static cop_status uses_manager(void)
{
        cop_pid pid;
        cop_message *reply = NULL;
        cop_term ids;
        cop_status status = cop_spawn_opt(&(cop_spawn_options){ .server = &cop_event_manager, .link = true }, &pid);
        if (status != COP_OK)
                return status;
        status = cop_add_handler(pid, .id = "echo", .server = &echo_server);
        if (status == COP_OK)
                status = cop_sync_notify(pid, MS, item, .number = 1);
        if (status == COP_OK)
                status = cop_call_handler(&reply, pid, "echo", MS, item, .number = 2);
        if (status == COP_OK)
                status = cop_handlers(pid, &ids);
        if (status == COP_OK)
                cop_term_free(ids);
        cop_message_free(reply);
        return status;
}

static cop_status uses_registry(void)
{
        cop_term entries, key = COP_TUPLE(cop_atom("key"), cop_int(1));
        cop_status status = cop_registry_register("keys", key, cop_string("value"), NULL);
        if (status == COP_OK)
                status = cop_registry_update("keys", key, cop_string("another"));
        if (status == COP_OK)
                status = cop_registry_lookup("keys", key, &entries);
        if (status == COP_OK)
                cop_term_free(entries);
        cop_status end = cop_registry_unregister("keys", key);
        return status != COP_OK ? status : end;
}

static cop_status uses_group(void)
{
        cop_term members, key = cop_string("group");
        cop_ref ref;
        cop_status status = cop_group_join("scope", key, cop_self());
        if (status == COP_OK)
                status = cop_group_members("scope", key, &members);
        if (status == COP_OK) {
                cop_term_free(members);
                status = cop_group_monitor("scope", key, &ref, &members);
        }
        if (status == COP_OK) {
                cop_term_free(members);
                cop_group_demonitor(ref);
        }
        return status;
}

static cop_status supervises(void)
{
        static const cop_child children[] = { { "one", .server = &echo_server, .unnamed = true },
                                              { "two", .server = &echo_server, .unnamed = true },
                                              { .id = NULL } };
        static const cop_child extra = { "three", .server = &echo_server, .unnamed = true };
        cop_pid pid, child;
        cop_status status = cop_supervise(&(cop_supervisor){ .intensity = 100, .children = children }, &pid);
        if (status != COP_OK)
                return status;
        status = cop_start_child(pid, &extra, &child);
        if (status == COP_OK)
                status = cop_terminate_child(pid, "three");
        return status;
}

static cop_status asks_sys(void)
{
        cop_term state;
        cop_status status = cop_sys_get_state(cop_to_name("echo"), MS, &state);
        if (status == COP_OK)
                cop_term_free(state);
        return status;
}

/* The server is its own, since what is observed stays so. */
static cop_status is_observed(void)
{
        cop_term events;
        cop_sys_statistics numbers;
        cop_message *reply = NULL;
        cop_pid pid;
        cop_status status = cop_spawn_opt(&(cop_spawn_options){ .server = &echo_server, .link = true }, &pid);
        if (status == COP_OK)
                status = cop_sys_log(pid, MS, 4);
        if (status == COP_OK)
                status = cop_sys_trace(pid, MS, true, cop_self());
        if (status == COP_OK)
                status = cop_sys_statistics_on(pid, MS, true);
        if (status == COP_OK)
                status = cop_call(&reply, pid, MS, item, .number = 1);
        cop_message_free(reply);
        if (status == COP_OK)
                status = cop_sys_get_statistics(pid, MS, &numbers);
        if (status == COP_OK)
                status = cop_sys_get_log(pid, MS, &events);
        if (status == COP_OK)
                cop_term_free(events);
        return status;
}

static bool next_item(int64_t *last, item *i)
{
        i->number = ++*last;
        return *last <= 3;
}

static cop_status streams(void)
{
        cop_task_stream *stream;
        cop_streamed one;
        int64_t last = 0;
        cop_status status = cop_task_stream_open(
                &(cop_task_stream_options){ COP_STREAM(replies_item, item, next_item, &last), .most = 2, .zip = true,
                                            .nolink = true },
                &stream);
        if (status != COP_OK)
                return status;
        while ((status = cop_task_stream_next(stream, &one)) == COP_OK) {
                cop_message_free(one.item);
                cop_message_free(one.result);
        }
        cop_status closed = cop_task_stream_close(stream);
        return status != COP_E_NOT_FOUND ? status : closed;
}

/* To what there may be to hear of dead letters and of memory. */
static cop_status subscribes(void)
{
        cop_status status = cop_dead_letters_subscribe();
        if (status == COP_OK)
                status = cop_memory_subscribe();
        cop_memory_unsubscribe();
        cop_dead_letters_unsubscribe();
        return status;
}

static cop_status looks_around(void)
{
        cop_term names;
        cop_status status = cop_registered(&names);
        if (status != COP_OK)
                return status;
        cop_term_free(names);
        status = cop_process_ask(echo_pid(), MS, &names);
        if (status == COP_OK)
                cop_term_free(names);
        if (status == COP_OK)
                status = cop_set_label("labelled");
        return status;
}

static cop_status owns(void)
{
        int fd;
        return cop_open("/dev/null", O_RDONLY, 0, &fd);
}

static const struct operation {
        const char *name;
        cop_status (*run)(void);
} operations[] = {
        { "send", sends },
        { "send of a large message", sends_much },
        { "send of a term", sends_term },
        { "call", calls },
        { "requests", requests },
        { "spawn", spawns },
        { "start", starts },
        { "link, monitor, alias", links_and_monitors },
        { "timers", times },
        { "channel", uses_channel },
        { "future", uses_future },
        { "select", selects },
        { "task", uses_task },
        { "task group", uses_task_group },
        { "wait group", uses_wait_group },
        { "agent", uses_agent },
        { "machine", uses_machine },
        { "event manager", uses_manager },
        { "registry", uses_registry },
        { "group", uses_group },
        { "supervisor", supervises },
        { "sys", asks_sys },
        { "sys observes", is_observed },
        { "task stream", streams },
        { "subscriptions", subscribes },
        { "looking around", looks_around },
        { "own", owns },
};

/* ---- One operation, in an actor of its own -------------------------------------------------------------- */

typedef struct trial {
        int64_t operation;
        int64_t fails_at; /* 0: nothing fails */
} trial;
COP_MESSAGE(trial, operation, fails_at);

/* Statuses: what the operation said last; -1: its actor ended before it had said anything. */
static int said; /* atomic */

static void tries(const trial *t)
{
        cop_status (*run)(void) = operations[t->operation].run;
        cop__store_relaxed(&said, -1);
        if (t->fails_at > 0)
                fail_malloc_after(t->fails_at);
        cop__store_release(&said, (int)run());
        cop_exit(cop_atom("over")); /* needs no memory, and takes along what is linked */
}

/* One try. Returns whether an allocation has failed. */
static bool try_once(int64_t operation, int64_t fails_at)
{
        cop_pid pid;
        cop_ref ref;
        cop_spawn_options options = { RUN_WITH(tries, trial, .operation = operation, .fails_at = fails_at),
                                      .monitor = true, .monitor_ref = &ref };
        cop_status spawned = cop_spawn_opt(&options, &pid);
        cop_auto down = spawned != COP_OK ? NULL : cop_receive(PATIENCE_MS, COP_REF(cop_down, ref)); /* a check would allocate */
        bool has_failed = stop_failing_malloc();
        ck_assert_msg(down != NULL, "%s at allocation %lld: its actor hangs", operations[operation].name,
                      (long long)fails_at);
        int status = cop__load_acquire(&said);
        const char *reason = text_of(cop_read(cop_down, down)->reason);
        if (fails_at == 0)
                ck_assert_msg(status == COP_OK && strcmp(reason, "over") == 0, "%s: %s, %s",
                              operations[operation].name, status >= 0 ? cop_status_text((cop_status)status) : "-",
                              reason);
        return has_failed;
}

static bool is_alone_with(cop_node *node, uint64_t others)
{
        struct cop__totals totals;
        cop__totals(node, &totals);
        return totals.spawned - totals.died == 1 + others;
}

/* Keepers that the operations need; they are started while memory is there. */
static void begin_keepers(void)
{
        cop_pid pid;
        ck_assert_int_eq(cop_start(&(cop_spawn_options){ .server = &echo_server, .name = "echo" }, PATIENCE_MS, &pid),
                         COP_OK);
        ck_assert_int_eq(cop_start(&(cop_spawn_options){ .server = &cop_registry_server, .name = "keys",
                                                         .kind = COP_KIND_OF(cop_registry), .argument = &(cop_registry){ 0 } },
                                   PATIENCE_MS, &pid),
                         COP_OK);
        ck_assert_int_eq(cop_start(&(cop_spawn_options){ .server = &cop_scope_server, .name = "scope" }, PATIENCE_MS,
                                   &pid),
                         COP_OK);
}

/* A keeper may have died of it, as any actor may. Then there is another one. */
static void mend_keepers(void)
{
        static const char *const names[] = { "echo", "keys", "scope" };
        bool are_there = true;
        for (size_t i = 0; i < COP__COUNT(names); i++)
                are_there &= cop_whereis(names[i]).bits != 0;
        if (are_there)
                return;
        for (size_t i = 0; i < COP__COUNT(names); i++)
                if (cop_whereis(names[i]).bits != 0)
                        put_down(cop_whereis(names[i]));
        begin_keepers();
}

TEST_WITHIN(an_operation_without_memory_fails_or_its_actor_does_and_the_node_goes_on, 120)
{
        if (!failing_malloc_can())
                return;
        cop_node *node = node_begin((cop_node_options){ .workers = 2 });
        begin_keepers();
        for (int64_t i = 0; i < (int64_t)COP__COUNT(operations); i++) {
                try_once(i, 0); /* what is kept for good is there now */
                await_true(is_alone_with(node, 3));
                int64_t blocks = blocks_in_use(node);
                int64_t n = 1;
                for (; try_once(i, n); n++) {
                        ck_assert_msg(n < 2000, "%s never succeeds", operations[i].name);
                        await_true(is_alone_with(node, 3) || is_alone_with(node, 2) || is_alone_with(node, 1) ||
                                   is_alone_with(node, 0));
                        mend_keepers();
                        await_true(is_alone_with(node, 3));
                }
                await_true(is_alone_with(node, 3));
                try_once(i, 0);
                await_true(is_alone_with(node, 3));
                await_true(blocks_in_use(node) <= blocks + 16);
        }
        node_end(node);
}

TEST(a_node_without_memory_does_not_start_and_leaves_nothing)
{
        if (!failing_malloc_can())
                return;
        for (long n = 1;; n++) {
                cop_node *node = NULL;
                fail_malloc_after(n);
                cop_status status = cop_node_start(&(cop_node_options){ .workers = 2, .log = fixture_log_nothing }, &node);
                if (!stop_failing_malloc()) {
                        ck_assert_int_eq(status, COP_OK);
                        cop_node_stop(node);
                        return;
                }
                if (status == COP_OK) /* it can do without that one */
                        cop_node_stop(node);
                else
                        ck_assert(status == COP_E_NO_MEMORY || status == COP_E_SYSTEM); /* no thread */
        }
}

TEST(a_visit_without_memory_is_refused)
{
        cop_node *node = NULL;
        if (!failing_malloc_can())
                return;
        ck_assert_int_eq(cop_node_start(&(cop_node_options){ .workers = 2, .log = fixture_log_nothing }, &node), COP_OK);
        for (long n = 1;; n++) {
                fail_malloc_after(n);
                cop_status status = cop_node_enter(node);
                bool has_failed = stop_failing_malloc();
                if (status == COP_OK)
                        cop_node_leave();
                else
                        ck_assert_int_eq(status, COP_E_NO_MEMORY);
                if (!has_failed)
                        break;
        }
        cop_node_stop(node);
}
