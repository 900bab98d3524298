/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Operations of the public interface, each a function that does one thing and answers with a status: for loops that let something
 * fail at each place in turn (test_failing_memory.c, test_refused_memory.c). An actor runs one, and what it has started is linked
 * to it and ends with it. The keepers are there already: a server, two registries and a scope.
 */
#ifndef TESTS_OPERATIONS_H
#define TESTS_OPERATIONS_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/node_fixture.h"

typedef struct item {
        int64_t number;
} item;
COP_MESSAGE(item, number);

typedef struct note {
        cop_text text;
        cop_term term;
} note;
COP_MESSAGE(note, text, term);

typedef struct parcel {
        cop_bytes data;
} parcel;
COP_MESSAGE(parcel, data);

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

static void gives_number(const item *i)
{
        cop_resolve(item, .number = i->number);
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

/* ---- The same with more in them: what must be given back is given back at once ---------------------------- */

#define TRY(call)                            \
        do {                                 \
                cop_status tried_ = (call);  \
                if (tried_ != COP_OK)        \
                        return tried_;       \
        } while (0)

/* TRY_TERM(cop_registered(&term)): what it answers is not looked at. */
#define TRY_TERM(call)                       \
        do {                                 \
                cop_term term = cop_nil();   \
                TRY(call);                   \
                cop_term_free(term);         \
        } while (0)

#define TRY_MESSAGE(call)                    \
        do {                                 \
                cop_message *message = NULL; \
                TRY(call);                   \
                cop_message_free(message);   \
        } while (0)

static cop_status uses_names(void)
{
        TRY(cop_register("a name", cop_self()));
        TRY(cop_send("a name", item, .number = 1));
        TRY_MESSAGE(cop_call_term(&message, "echo", MS, COP_TUPLE(cop_atom("item"), cop_int(1))));
        return cop_unregister("a name");
}

static cop_status makes_terms(void)
{
        static const char text[] = "#{key => [1, 2.5, \"text\", {a, b}], <<1, 2>> => 'an atom', 3 => [a | b]}";
        cop_term term, copy;
        cop_parse_error error;
        uint8_t *bytes;
        size_t size;
        TRY(cop_term_parse(text, sizeof(text) - 1, NULL, &term, &error));
        cop_status status = cop_term_encode(term, &bytes, &size);
        cop_term_free(term);
        TRY(status);
        status = cop_term_decode(bytes, size, &copy);
        free(bytes);
        TRY(status);
        cop_term_free(copy);
        cop_buffer *buffer = cop_buffer_new(10000);
        if (buffer == NULL)
                return COP_E_NO_MEMORY;
        cop_buffer_drop(buffer);
        void *memory = cop_alloc(10000);
        if (memory == NULL)
                return COP_E_NO_MEMORY;
        cop_release(memory);
        return COP_OK;
}

static cop_status calls_many(void)
{
        const cop_address to[] = { cop_to_name("echo"), cop_to_pid(echo_pid()), cop_to_name("nobody") };
        cop_response responses[3];
        cop_multi_call(responses, to, 3, MS, item, .number = 1);
        cop_status status = COP_OK;
        for (size_t i = 0; i < 3; i++) {
                if (i < 2 && responses[i].status != COP_OK)
                        status = responses[i].status;
                cop_message_free(responses[i].message);
        }
        return status;
}

static void puts_in(const item_channel *channel)
{
        cop_put(*channel, MS, item, .number = 1);
        cop_put(*channel, MS, item, .number = 2);
}

/* Somebody waits to put, and then somebody to take. */
static cop_status waits_at_channel(void)
{
        item_channel channel;
        cop_pid pid;
        size_t count;
        TRY(cop_channel_open(&channel, item, 0));
        TRY(cop_spawn_opt(&(cop_spawn_options){ .run_with = COP_RUN_WITH(puts_in, item_channel),
                                                .kind = COP_KIND_OF(item_channel), .argument = &channel, .link = true },
                          &pid));
        TRY_MESSAGE(cop_take(&message, channel, MS, item));
        TRY_MESSAGE(cop_take(&message, channel, MS, item));
        TRY(cop_channel_count(channel, &count));
        return cop_channel_close(channel);
}

static cop_status selects_of_all_sorts(void)
{
        item_channel full, empty;
        cop_pid promise;
        TRY(cop_channel_open(&full, item, 1));
        TRY(cop_channel_open(&empty, item, 1));
        TRY(cop_async_opt(&(cop_async_options){ .result = COP_KIND_OF(item) }, &promise));
        item_future future = { promise };
        TRY(cop_put(full, MS, item, .number = 1));
        cop_case cases[] = { COP_CASE_PUT(full, item, .number = 2), COP_CASE_TAKE(empty, item),
                             COP_CASE_AWAIT(future, item), COP_CASE_RECEIVE(COP_KIND(note)) };
        if (cop_select(1, cases) != COP_SELECT_TIMEOUT)
                return COP_E_NO_MEMORY;
        TRY(cop_complete(future, item, .number = 3));
        int which = cop_select(MS, cases);
        if (which < 0)
                return COP_E_NO_MEMORY;
        cop_message_free(cases[which].message);
        return cases[which].status;
}

static cop_status uses_futures(void)
{
        cop_pid pids[2];
        cop_message *results[2];
        size_t index;
        const cop_async_options options = { .run = gives_item, .result = COP_KIND_OF(item) };
        TRY(cop_async_opt(&options, &pids[0]));
        TRY(cop_async_opt(&(cop_async_options){ .run_with = COP_RUN_WITH(gives_number, item), .kind = COP_KIND_OF(item),
                                                .argument = &(item){ 1 }, .result = COP_KIND_OF(item) },
                          &pids[1]));
        TRY(cop_await_all_messages(results, pids, 2, MS));
        cop_message_free(results[0]);
        cop_message_free(results[1]);
        TRY_MESSAGE(cop_await_any_message(&message, pids, 2, MS, &index));
        TRY_MESSAGE(cop_join_message(&message, pids[0], MS));
        TRY(cop_future_cancel_pid(pids[1]));
        return cop_future_drop_pid(pids[1]);
}

static void waits_for_an_end(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(note)));
}

static cop_status ends_tasks(void)
{
        cop_task tasks[2], third;
        cop_message *results[2];
        cop_task_options options = { COP__TASK(replies_item, item, .number = 1) };
        const cop_task_options endless = { .run = waits_for_an_end };
        TRY(cop_task_start(&options, &tasks[0]));
        TRY(cop_task_start(&options, &tasks[1]));
        TRY(cop_task_await_many(results, tasks, 2, MS));
        cop_message_free(results[0]);
        cop_message_free(results[1]);
        TRY(cop_task_start(&endless, &third));
        TRY_MESSAGE(cop_task_shutdown(&message, third, MS));
        TRY(cop_task_start(&options, &third));
        TRY_MESSAGE(cop_task_yield(&message, third, MS));
        return COP_OK;
}

static cop_status starts_tasks_under(void)
{
        static const cop_supervisor jobs = { .strategy = COP_DYNAMIC };
        cop_pid pid;
        cop_task task;
        cop_task_stream *stream;
        cop_streamed one;
        int64_t last = 0;
        TRY(cop_supervise(&jobs, &pid));
        TRY(cop_task_async_under(pid, &task, replies_item, item, .number = 1));
        TRY_MESSAGE(cop_task_await(&message, task, MS));
        TRY(cop_task_stream_open(&(cop_task_stream_options){ COP_STREAM(replies_item, item, next_item, &last), .most = 2,
                                                             .unordered = true, .kill_slow = true,
                                                             .supervisor = cop_to_pid(pid) },
                                 &stream));
        cop_status status;
        while ((status = cop_task_stream_next(stream, &one)) == COP_OK)
                cop_message_free(one.result);
        cop_status closed = cop_task_stream_close(stream);
        TRY(status == COP_E_NOT_FOUND ? COP_OK : status);
        return closed;
}

static cop_status cancels_task_group(void)
{
        cop_task_group group;
        TRY(cop_task_group_open(&(cop_task_group_options){ .deadline_ms = 100000, .grace_ms = 1 }, &group));
        TRY(cop_task_group_start(group, &(cop_task_options){ .run = waits_for_an_end }, NULL));
        TRY(cop_group_task(group, replies_item, item, .number = 1));
        TRY(cop_task_group_cancel(group));
        cop_task_group_close(group); /* it was cancelled */
        return COP_OK;
}

/* A server that has more to do than to answer. */
typedef struct busy {
        int64_t count;
} busy;
COP_MESSAGE(busy, count);

static void busy_init(busy *self)
{
        self->count = 1;
        cop_start_extra(COP_TUPLE(cop_atom("extra"), cop_string("for the starter")));
        cop_continue_with(item, .number = 1);
}

static void busy_on_item(busy *self, const item *i)
{
        self->count += i->number;
}

static void busy_on_note(busy *self, const note *n)
{
        cop_caller later = cop_defer();
        (void)n;
        self->count++;
        cop_reply_to(later, item, .number = self->count);
}

static bool busy_of_echo(busy *self, const echo *old)
{
        self->count = old->count;
        return true;
}

COP_SERVER(busy, COP_INIT(busy_init), COP_CONTINUE_WITH(item, busy_on_item), COP_ON(item, busy_on_item),
           COP_ON(note, busy_on_note), COP_STATE(busy), COP_UPGRADE(echo, busy_of_echo));

static cop_status serves(void)
{
        cop_pid pid;
        TRY(cop_start(&(cop_spawn_options){ .server = &busy_server, .link = true }, MS, &pid));
        TRY_MESSAGE(cop_call(&message, pid, MS, note, .text = COP_TEXT("text")));
        return cop_stop(pid, cop_atom("normal"), MS);
}

static cop_status upgrades(void)
{
        cop_pid pid;
        cop_parse_error error;
        TRY(cop_start(&(cop_spawn_options){ .server = &echo_server, .link = true }, MS, &pid));
        TRY(cop_sys_suspend(pid, MS));
        TRY(cop_sys_replace_state(pid, MS, COP_TUPLE(cop_atom("echo"), cop_int(5)), &error));
        TRY(cop_sys_resume(pid, MS));
        TRY_TERM(cop_sys_get_status(pid, MS, &term));
        TRY(cop_upgrade(pid, &busy_server, MS));
        return cop_stop(pid, cop_atom("normal"), MS);
}

/* A machine that postpones, inserts, and has several time-outs. */
typedef struct tide {
        int64_t turns;
} tide;

enum { LOW, HIGH };

static void tide_comes(tide *self, const item *i)
{
        self->turns += i->number;
        cop_timeout("ebb", 100000, item, .number = 5);
        cop_timeout("flood", 100000, item, .number = 6);
        cop_update_timeout_value("ebb", COP_KIND_OF(item), &(item){ 7 });
        cop_insert_event(echo, .count = 1);
        cop_cancel_timeout("ebb");
        cop_next_state(HIGH);
        cop_reply(item, .number = self->turns);
}

static void tide_waits(tide *self, const note *n)
{
        (void)n;
        self->turns++;
        cop_postpone();
}

static void tide_answers(tide *self, const note *n)
{
        cop_reply(note, .text = n->text);
        self->turns++;
}

static void tide_inserted(tide *self, const echo *e)
{
        self->turns += e->count;
}

COP_MACHINE(tide, LOW, COP_IN_ANY(item, tide_comes), COP_IN(LOW, note, tide_waits), COP_IN(HIGH, note, tide_answers),
            COP_IN_ANY(echo, tide_inserted));

static cop_status uses_tide(void)
{
        cop_pid pid;
        cop_request request;
        TRY(cop_start(&(cop_spawn_options){ .server = &tide_machine, .link = true }, MS, &pid));
        TRY(cop_request_send(&request, pid, note, .text = COP_TEXT("later")));
        TRY_MESSAGE(cop_call(&message, pid, MS, item, .number = 1));
        TRY_MESSAGE(cop_request_await(request, MS, &message));
        return COP_OK;
}

/* With duplicate keys, a listener, and entries of two actors. */
static void sees_entry(void *count, cop_pid pid, cop_term value)
{
        (void)pid;
        (void)value;
        ++*(int *)count;
}

static cop_status uses_duplicates(void)
{
        cop_term key = cop_string("key");
        cop_pid pid;
        uint64_t count;
        int seen = 0;
        TRY(cop_registry_register("pairs", key, COP_TUPLE(cop_atom("one"), cop_int(1)), NULL));
        TRY(cop_registry_register("pairs", key, COP_TUPLE(cop_atom("two"), cop_string("long enough not to lie in a term")),
                                  NULL));
        TRY(cop_registry_register("pairs", COP_TUPLE(key, cop_int(2)), cop_int(1), NULL));
        TRY(cop_registry_whereis("pairs", key, &pid));
        TRY_TERM(cop_registry_match("pairs", key, COP_TUPLE(cop_atom("one"), cop_atom("_")), &term));
        TRY_TERM(cop_registry_values("pairs", key, cop_self(), &term));
        TRY_TERM(cop_registry_keys("pairs", cop_self(), &term));
        TRY(cop_registry_count("pairs", &count));
        TRY(cop_registry_dispatch("pairs", key, sees_entry, &seen));
        TRY(cop_send(cop_via("pairs", key), item, .number = 1));
        TRY(cop_registry_unregister_match("pairs", key, COP_TUPLE(cop_atom("one"), cop_atom("_"))));
        return cop_registry_unregister("pairs", key);
}

static cop_status uses_groups(void)
{
        cop_pid twice[] = { cop_self(), cop_self() }, pid;
        cop_term tea = cop_string("tea");
        cop_ref ref;
        TRY_TERM(cop_scope_monitor("scope", &ref, &term));
        TRY(cop_group_join_all("scope", tea, twice, 2));
        TRY(cop_group_join("scope", COP_TUPLE(tea, cop_int(2)), cop_self()));
        TRY_TERM(cop_scope_groups("scope", &term));
        TRY_TERM(cop_group_local_members("scope", tea, &term));
        TRY(cop_group_send("scope", tea, item, .number = 1));
        TRY(cop_group_pick("scope", tea, COP_PICK_IN_TURN, &pid));
        TRY(cop_group_leave_all("scope", tea, twice, 2));
        TRY(cop_group_leave("scope", COP_TUPLE(tea, cop_int(2)), cop_self()));
        return cop_group_demonitor(ref);
}

static cop_status uses_partitions(void)
{
        static const cop_child each = { .server = &echo_server };
        static const cop_supervisor parts = { .name = "parts", .partitions = 3, .each = &each };
        cop_pid pid;
        TRY(cop_supervise(&parts, &pid));
        TRY_MESSAGE(cop_call(&message, cop_partition(&parts, "key", 3), MS, item, .number = 1));
        return cop_shutdown(pid, MS);
}

static const cop_supervisor store_tree = { .children = (const cop_child[]){ { "store", .server = &echo_server },
                                                                            { .id = NULL } } };
static const cop_supervisor front_tree = { .children = (const cop_child[]){ { "front", .server = &echo_server },
                                                                            { .id = NULL } } };

static cop_status uses_applications(void)
{
        static const cop_application set[] = { { .name = "front", .tree = &front_tree, .needs = { "store" },
                                                 .type = COP_APPLICATION_TEMPORARY },
                                               { .name = "store", .tree = &store_tree },
                                               { .name = NULL } };
        cop_pid pid;
        TRY(cop_start_applications(set, &pid));
        TRY(cop_stop_application(pid, "front"));
        TRY(cop_start_application(pid, "front"));
        return cop_shutdown(pid, MS);
}

static cop_status asks_supervisor(void)
{
        static const cop_child children[] = { { "one", .server = &echo_server, .unnamed = true },
                                              { "two", .server = &echo_server, .unnamed = true },
                                              { .id = NULL } };
        static const cop_supervisor tree = { .intensity = 100, .children = children, .strategy = COP_REST_FOR_ONE };
        cop_pid pid, child;
        cop_child_count count;
        TRY(cop_supervise(&tree, &pid));
        TRY_MESSAGE(cop_which_children(pid, &message));
        TRY_MESSAGE(cop_get_child(pid, "one", &message));
        TRY(cop_count_children(pid, &count));
        TRY(cop_terminate_child(pid, "two"));
        TRY(cop_restart_child(pid, "two", &child));
        TRY(cop_replace_specs(pid, &tree));
        TRY(cop_terminate_child(pid, "two"));
        return cop_delete_child(pid, "two");
}

/* A child ends, and all are there again; each level of the tree tells of it. */
static cop_status is_restarted(cop_strategy strategy)
{
        const cop_child below[] = { { "left", .server = &echo_server }, { "right", .server = &echo_server }, { .id = NULL } };
        const cop_supervisor inner = { .intensity = 100, .children = below, .strategy = strategy };
        const cop_supervisor outer = { .intensity = 100, .children = COP_CHILDREN({ "inner", .supervisor = &inner }) };
        cop_pid pid, left;
        TRY(cop_supervise(&outer, &pid));
        left = cop_whereis("left");
        TRY(cop_send_exit(left, cop_atom("boom")));
        for (int i = 0; i < 10000; i++) {
                cop_pid now = cop_whereis("left");
                if (now.bits != 0 && now.bits != left.bits && cop_whereis("right").bits != 0)
                        return cop_shutdown(pid, MS);
                cop_sleep(1);
        }
        return COP_E_TIMEOUT;
}

static cop_status restarts_one(void)
{
        return is_restarted(COP_ONE_FOR_ONE);
}

static cop_status restarts_all(void)
{
        return is_restarted(COP_ONE_FOR_ALL);
}

static cop_status has_dynamic_children(void)
{
        static const cop_child each = { .server = &echo_server, .backoff = { .first_ms = 1 }, .label = "one of many" };
        static const cop_supervisor tree = { .strategy = COP_DYNAMIC, .each = &each, .max_children = 10 };
        cop_pid pid, one, two;
        cop_term extra;
        TRY(cop_supervise(&tree, &pid));
        TRY(cop_start_child_of(cop_to_pid(pid), NULL, &one, &extra));
        cop_term_free(extra);
        TRY(cop_start_child_of(cop_to_pid(pid), NULL, &two, NULL));
        TRY_MESSAGE(cop_which_children(pid, &message));
        TRY(cop_terminate_child(pid, one));
        return cop_shutdown(pid, MS);
}

static void crashes(const note *n)
{
        (void)n;
        cop_exit(COP_TUPLE(cop_atom("broken"), cop_string("a reason with a text in it"), cop_int(17)));
}

/* Who traps hears of it, who monitors too, and a report is filed. */
static cop_status hears_of_a_crash(void)
{
        cop_pid pid;
        cop_ref ref;
        cop_trap_exit(true);
        TRY(cop_spawn_opt(&(cop_spawn_options){ .run_with = COP_RUN_WITH(crashes, note), .kind = COP_KIND_OF(note),
                                                .argument = &(note){ .text = COP_TEXT("text") }, .link = true,
                                                .monitor = true, .monitor_ref = &ref },
                          &pid));
        cop_message_free(cop_receive(MS, COP_REF(cop_down, ref)));
        cop_message_free(cop_receive(MS, COP_KIND(cop_exited)));
        return COP_OK;
}

static cop_status times_of_all_sorts(void)
{
        cop_ref ref, cancelled;
        cop_term payload = COP_TUPLE(cop_atom("payload"), cop_string("text"));
        TRY(cop_start_timer_to(1, cop_to_pid(cop_self()), payload, &ref));
        TRY(cop_send_after(&cancelled, 100000, cop_self(), item, .number = 1));
        TRY(cop_cancel_async(cancelled, true));
        TRY(cop_send_value_at(cop_now_ms() + 1, cop_to_pid(cop_self()), COP_KIND_OF(item), &(item){ 2 }, NULL));
        cop_message_free(cop_receive(MS, COP_KIND(cop_timer_cancelled)));
        cop_message_free(cop_receive(MS, COP_KIND(cop_timeout)));
        cop_message_free(cop_receive(MS, COP_KIND(item)));
        return COP_OK;
}

static void blocks(int *done)
{
        *done = 1;
}

static cop_status blocks_a_thread(void)
{
        int done = 0;
        return cop_blocking(blocks, &done);
}

static void wakes(item *state)
{
        state->number++;
}

static void sleeps_deep(void)
{
        item *state = cop_alloc(sizeof(*state));
        if (state == NULL)
                return;
        *state = (item){ 1 };
        cop_hibernate(wakes, state);
}

static cop_status hibernates(void)
{
        cop_pid pid;
        TRY(cop_spawn_opt(&(cop_spawn_options){ .run = sleeps_deep, .link = true }, &pid));
        return cop_send(pid, item, .number = 1);
}

static cop_status sets_itself_up(void)
{
        cop_process process;
        cop_set_priority(COP_PRIORITY_HIGH);
        TRY(cop_set_label_term(COP_TUPLE(cop_atom("label"), cop_string("with a text"), cop_int(1))));
        TRY(cop_send_priority_value(cop_to_pid(echo_pid()), COP_KIND_OF(item), &(item){ 1 }));
        TRY(cop_link_priority(echo_pid()));
        cop_unlink(echo_pid());
        TRY(cop_process_info(echo_pid(), &process));
        return COP_OK;
}

static void end_thing(char *thing)
{
        *thing = 0;
}

static cop_status owns_a_thing(void)
{
        static char thing;
        TRY(cop_own("thing", (void (*)(void *))(void (*)(void))end_thing, &thing));
        return cop_disown(&thing);
}

static void says_more(note *value, const item *by)
{
        static char text[300];
        memset(text, 'x', sizeof(text));
        value->text = (cop_text){ text, sizeof(text) };
        cop_reply(item, .number = by->number);
}

/* What the agent keeps is no longer as large as it was. */
static cop_status keeps_texts(void)
{
        cop_pid agent;
        TRY(cop_agent_start(NULL, COP_KIND_OF(note), &(note){ .text = COP_TEXT("short"), .term = cop_string("x") }, &agent));
        TRY_MESSAGE(cop_agent_update(&message, agent, MS, note, says_more, item, .number = 2));
        return COP_OK;
}

/* The forms that end their caller when there is no memory. */
static cop_status starts_or_exits(void)
{
        cop_pid agent = cop_agent_new(item, .number = 1);
        item_future future = cop_async(item, gives_item);
        cop_task task = cop_task_async(replies_item, item, .number = 1);
        cop_wait_group *group = cop_wait_group_open();
        if (group == NULL)
                return COP_E_NO_MEMORY;
        for (int i = 0; i < 20; i++)
                cop_wait_spawn_or_exit(group, &(cop_spawn_options){ .run = does_nothing });
        TRY(cop_wait_add(group, agent));
        TRY_MESSAGE(cop_task_await(&message, task, MS));
        TRY_MESSAGE(cop_await(&message, future, MS, item));
        cop_wait_group_close(group);
        return COP_OK;
}

static cop_status opens_alias_for_priority(void)
{
        cop_alias alias;
        TRY(cop_alias_open(COP_ALIAS_EXPLICIT | COP_ALIAS_PRIORITY, &alias));
        cop_alias_close(alias);
        return COP_OK;
}

/* A state that no pool has room for, an argument with a text, and time that passes. */
typedef struct hall {
        char room[8000];
} hall;

static void hall_init(hall *self, const note *n)
{
        memcpy(self->room, n->text.data, n->text.size);
        cop_idle_after(100000);
}

static void hall_idle(hall *self)
{
        self->room[0] = '\0';
}

static void hall_on_item(hall *self, const item *i)
{
        (void)self;
        cop_reply(item, .number = i->number);
}

COP_SERVER(hall, COP_INIT_WITH(note, hall_init), COP_IDLE(hall_idle), COP_ON(item, hall_on_item));

static cop_status has_a_large_state(void)
{
        cop_pid pid;
        TRY(cop_start(&(cop_spawn_options){ .server = &hall_server, .link = true, .kind = COP_KIND_OF(note),
                                            .argument = &(note){ .text = COP_TEXT("text"), .term = cop_string("term") } },
                      MS, &pid));
        TRY_MESSAGE(cop_call(&message, pid, MS, item, .number = 1));
        return COP_OK;
}

static cop_status calls_with_terms(void)
{
        cop_response responses[2];
        const cop_address to[] = { cop_to_name("echo"), cop_to_name("echo") };
        cop_multi_call(responses, to, 2, MS, note, .text = COP_TEXT("text"), .term = COP_TUPLE(cop_string("a"), cop_int(1)));
        cop_status status = responses[0].status != COP_OK ? responses[0].status : responses[1].status;
        cop_message_free(responses[0].message);
        cop_message_free(responses[1].message);
        return status;
}

/* What has not come yet is asked for again. */
static cop_status polls_requests(void)
{
        cop_request alone, one, two;
        cop_response response = { .message = NULL };
        cop_message *reply = NULL;
        cop_requests *set = cop_requests_new();
        if (set == NULL)
                return COP_E_NO_MEMORY;
        cop_status status = cop_request_send(&alone, "echo", note, .text = COP_TEXT("text"));
        if (status == COP_OK)
                status = cop_request_send(&one, "echo", item, .number = 1);
        if (status == COP_OK)
                status = cop_requests_add(set, one, 1);
        if (status == COP_OK)
                status = cop_request_send(&two, "echo", item, .number = 2);
        if (status == COP_OK)
                status = cop_requests_add(set, two, 2);
        if (status == COP_OK)
                status = COP_E_TIMEOUT;
        for (int i = 0; status == COP_E_TIMEOUT && i < MS; i++) {
                cop_sleep(1);
                status = cop_request_poll(alone, &reply);
        }
        cop_message_free(reply);
        if (status == COP_OK)
                status = COP_E_TIMEOUT;
        for (int i = 0; status == COP_E_TIMEOUT && i < MS; i++) {
                cop_sleep(1);
                status = cop_requests_poll(set, &response);
        }
        if (status == COP_OK) {
                cop_message_free(response.message);
                status = response.status;
        }
        if (status == COP_OK)
                status = cop_requests_await_until(set, cop_deadline_in(MS), &response);
        if (status == COP_OK) {
                cop_message_free(response.message);
                status = response.status;
        }
        cop_requests_free(set);
        return status;
}

static cop_status waits_for_any(void)
{
        cop_pid pid;
        cop_end end;
        cop_wait_group *group = cop_wait_group_open();
        if (group == NULL)
                return COP_E_NO_MEMORY;
        cop_status status = cop_wait_spawn_opt(group, &(cop_spawn_options){ .run = does_nothing }, &pid);
        if (status == COP_OK)
                status = cop_wait_any(group, MS, &end);
        cop_wait_group_close(group);
        return status;
}

/* Whatever has become of it: from then on it is over for this actor. */
static cop_status ignores_task(void)
{
        cop_task task;
        cop_message *message = NULL;
        TRY(cop_task_start(&(cop_task_options){ COP__TASK(replies_item, item, .number = 1) }, &task));
        cop_status status = cop_task_ignore(&message, task);
        cop_message_free(message);
        return status == COP_E_TIMEOUT ? COP_OK : status;
}

/* Handlers come and go, and one hears what the other has left to it. */
static void heir_deleted(echo *self, const cop_handler_delete *d)
{
        (void)d;
        cop_reply(echo, .count = self->count);
}

static void heir_takes_over(echo *self, const cop_handler_takes_over *t)
{
        (void)t;
        self->count++;
}

typedef echo heir;
static void heir_on_item(heir *self, const item *i)
{
        self->count += i->number;
}
COP_SERVER(heir, COP_ON(item, heir_on_item), COP_ON(cop_handler_delete, heir_deleted),
           COP_ON(cop_handler_takes_over, heir_takes_over));

static cop_status uses_handlers(void)
{
        cop_pid pid;
        TRY(cop_start(&(cop_spawn_options){ .server = &cop_event_manager, .link = true }, MS, &pid));
        TRY(cop_add_handler(pid, .id = "old", .server = &heir_server));
        TRY(cop_notify(pid, item, .number = 1));
        TRY(cop_swap_handler(pid, "old", cop_string("argument"), .id = "new", .server = &heir_server));
        TRY_TERM(cop_delete_handler(pid, "new", COP_TUPLE(cop_atom("argument"), cop_int(1)), &term));
        return COP_OK;
}

/* Marks are reached, and come down again; who has subscribed is told. */
static cop_status hears_of_marks(void)
{
        cop_status status = cop_mailbox_subscribe();
        if (status == COP_OK)
                status = cop_mailbox_marks(3, 1);
        for (int i = 0; status == COP_OK && i < 4; i++)
                status = cop_send(cop_self(), item, .number = i);
        for (int i = 0; status == COP_OK && i < 4; i++)
                cop_message_free(cop_receive(MS, COP_KIND(item)));
        cop_message *message = NULL;
        do {
                cop_message_free(message);
                message = cop_receive(0, COP_KIND(cop_mailbox_alarm));
        } while (message != NULL);
        cop_mailbox_marks(0, 0);
        cop_mailbox_unsubscribe();
        return status;
}

/* A machine that puts another table over its own, and repeats its state. */
static const cop_machine *neaps(void);

static void tides_item(tide *self, const item *i)
{
        self->turns += i->number;
        if (i->number == 1 && cop_push_table(neaps()) != COP_OK)
                cop_exit(cop_atom("no_table"));
        cop_reply(item, .number = self->turns);
}

static void neap_item(tide *self, const item *i)
{
        self->turns += i->number;
        cop_repeat_state();
        if (i->number == 3)
                cop_pop_table();
        cop_reply(item, .number = self->turns);
}

static void tides_enter(tide *self, int64_t before)
{
        (void)before;
        self->turns++;
}

typedef tide spring;
COP_MACHINE(spring, LOW, COP_IN_ANY(item, tides_item), COP_ENTER_ANY(tides_enter));
typedef tide neap;
COP_MACHINE(neap, LOW, COP_IN_ANY(item, neap_item), COP_ENTER_ANY(tides_enter));

static const cop_machine *neaps(void)
{
        return &neap_table;
}

static cop_status changes_tables(void)
{
        cop_pid pid;
        TRY(cop_start(&(cop_spawn_options){ .server = &spring_machine, .link = true }, MS, &pid));
        for (int64_t i = 1; i <= 4; i++)
                TRY_MESSAGE(cop_call(&message, pid, MS, item, .number = i));
        return COP_OK;
}

static cop_status explains_supervisor(void)
{
        char text[1000];
        const cop_supervisor tree = { .intensity = 3, .children = COP_CHILDREN({ "one", .server = &echo_server }) };
        TRY(cop_supervisor_check(&tree, text, sizeof(text)));
        return cop_supervisor_explain(&tree, text, sizeof(text)) > 0 ? COP_OK : COP_E_BAD_ARGUMENT;
}

static cop_status exits_with_priority(void)
{
        cop_alias alias;
        cop_trap_exit(true);
        TRY(cop_alias_open(COP_ALIAS_EXPLICIT | COP_ALIAS_PRIORITY, &alias));
        TRY(cop_send_exit_priority(alias, COP_TUPLE(cop_atom("urgent"), cop_string("a text"))));
        cop_message_free(cop_receive(MS, COP_KIND(cop_exited)));
        cop_alias_close(alias);
        return COP_OK;
}

/* Says when it has started, and with what; then it answers, outside any handler. */
static void answers_one(void)
{
        if (cop_start_extra(COP_TUPLE(cop_atom("port"), cop_string("http"))) != COP_OK)
                cop_exit(cop_atom("no_extra"));
        cop_init_ack();
        cop_message *message = cop_receive(MS, COP_KIND(item));
        if (message == NULL || cop_answer(message, item, .number = cop_read(item, message)->number) != COP_OK)
                cop_exit(cop_atom("no_answer"));
        cop_message_free(message);
}

static cop_status starts_with_acknowledgement(void)
{
        cop_pid pid;
        TRY(cop_start(&(cop_spawn_options){ .run = answers_one, .init_ack = true, .link = true }, MS, &pid));
        TRY_MESSAGE(cop_call(&message, pid, MS, item, .number = 1));
        return COP_OK;
}

/* More bytes than lie in a message: they have a buffer of their own. */
static const uint8_t many_bytes[5000];

static void takes_parcel(const parcel *p)
{
        (void)p;
}

static cop_status sends_bytes(void)
{
        cop_pid pid;
        const parcel whole = { cop_bytes_of(many_bytes, sizeof(many_bytes)) };
        TRY(cop_send_value(cop_to_pid(echo_pid()), COP_KIND_OF(parcel), &whole));
        TRY(cop_send_value_after(100000, cop_to_pid(cop_self()), COP_KIND_OF(parcel), &whole, NULL));
        return cop_spawn_opt(&(cop_spawn_options){ .run_with = COP_RUN_WITH(takes_parcel, parcel), .kind = COP_KIND_OF(parcel),
                                                   .argument = &whole, .link = true },
                             &pid);
}

static void packs_more(parcel *value, const item *by)
{
        value->data = cop_bytes_of(many_bytes, sizeof(many_bytes));
        cop_reply(item, .number = by->number);
}

static cop_status keeps_bytes(void)
{
        cop_pid agent;
        TRY(cop_agent_start(NULL, COP_KIND_OF(parcel), &(parcel){ cop_bytes_of(many_bytes, 100) }, &agent));
        TRY_MESSAGE(cop_agent_update(&message, agent, MS, parcel, packs_more, item, .number = 2));
        return COP_OK;
}

static cop_status starts_registry(void)
{
        const cop_registry options = { .keys = COP_DUPLICATE, .partitions = 4,
                                       .listeners = COP_ITEMS(cop_text, COP_TEXT("echo"), COP_TEXT("another")) };
        cop_pid pid;
        return cop_start(&(cop_spawn_options){ .server = &cop_registry_server, .name = "books", .link = true,
                                               .kind = COP_KIND_OF(cop_registry), .argument = &options }, MS, &pid);
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
        { "names", uses_names },
        { "terms", makes_terms },
        { "calls to many", calls_many },
        { "waits at a channel", waits_at_channel },
        { "select of all sorts", selects_of_all_sorts },
        { "futures", uses_futures },
        { "ends of tasks", ends_tasks },
        { "tasks under a supervisor", starts_tasks_under },
        { "cancelled task group", cancels_task_group },
        { "server", serves },
        { "upgrade", upgrades },
        { "tide", uses_tide },
        { "registry with duplicates", uses_duplicates },
        { "groups", uses_groups },
        { "partitions", uses_partitions },
        { "applications", uses_applications },
        { "questions to a supervisor", asks_supervisor },
        { "restart of one", restarts_one },
        { "restart of all", restarts_all },
        { "dynamic children", has_dynamic_children },
        { "crash", hears_of_a_crash },
        { "timers of all sorts", times_of_all_sorts },
        { "blocking", blocks_a_thread },
        { "hibernation", hibernates },
        { "setting itself up", sets_itself_up },
        { "own thing", owns_a_thing },
        { "agent with texts", keeps_texts },
        { "starts that exit", starts_or_exits },
        { "alias for priority", opens_alias_for_priority },
        { "large state", has_a_large_state },
        { "calls with terms", calls_with_terms },
        { "polled requests", polls_requests },
        { "any of a wait group", waits_for_any },
        { "ignored task", ignores_task },
        { "handlers that come and go", uses_handlers },
        { "marks of a mailbox", hears_of_marks },
        { "tables of a machine", changes_tables },
        { "explanation of a supervisor", explains_supervisor },
        { "exit with priority", exits_with_priority },
        { "start with an acknowledgement", starts_with_acknowledgement },
        { "send of bytes", sends_bytes },
        { "agent with bytes", keeps_bytes },
        { "start of a registry", starts_registry },
};

/* ---- Keepers ---------------------------------------------------------------------------------------------- */

/* Keepers that the operations need; they are started while memory is there. */
#define KEEPERS 4

static void begin_keepers(void)
{
        const cop_registry pairs = { .keys = COP_DUPLICATE, .listeners = COP_ITEMS(cop_text, COP_TEXT("echo")) };
        cop_pid pid;
        ck_assert_int_eq(cop_start(&(cop_spawn_options){ .server = &echo_server, .name = "echo" }, PATIENCE_MS, &pid),
                         COP_OK);
        ck_assert_int_eq(cop_start(&(cop_spawn_options){ .server = &cop_registry_server, .name = "keys",
                                                         .kind = COP_KIND_OF(cop_registry), .argument = &(cop_registry){ 0 } },
                                   PATIENCE_MS, &pid),
                         COP_OK);
        ck_assert_int_eq(cop_start(&(cop_spawn_options){ .server = &cop_registry_server, .name = "pairs",
                                                         .kind = COP_KIND_OF(cop_registry),
                                                         .argument = &pairs },
                                   PATIENCE_MS, &pid),
                         COP_OK);
        ck_assert_int_eq(cop_start(&(cop_spawn_options){ .server = &cop_scope_server, .name = "scope" }, PATIENCE_MS,
                                   &pid),
                         COP_OK);
}

/* A keeper may have died of it, as any actor may. Then there is another one. */
static void mend_keepers(void)
{
        static const char *const names[KEEPERS] = { "echo", "keys", "pairs", "scope" };
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

#endif
