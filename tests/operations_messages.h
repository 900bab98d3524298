/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Operations (see operations.h) with messages and terms: send, call, requests, timers, aliases, monitors. */
#ifndef TESTS_OPERATIONS_MESSAGES_H
#define TESTS_OPERATIONS_MESSAGES_H

#include <stdlib.h>
#include <string.h>

#include "tests/operations_ground.h"

static cop_status sends(void)
{
        uint32_t before = cop__load_relaxed(&echoed);
        TRY(swallow(cop_send(echo_pid(), note, .text = COP_TEXT("text"), .term = COP_TUPLE(cop_atom("a"), cop_int(1)))));
        return echo_has_handled(before);
}

static cop_status sends_much(void)
{
        static const char text[8000] = "a text that no pool holds";
        uint32_t before = cop__load_relaxed(&echoed);
        TRY(cop_send(echo_pid(), note, .text = { sizeof(text), text }));
        return echo_has_handled(before);
}

static cop_status sends_term(void)
{
        uint32_t before = cop__load_relaxed(&echoed);
        TRY(cop_send_term(echo_pid(), COP_TUPLE(cop_atom("item"), cop_int(3))));
        return echo_has_handled(before);
}

static cop_status calls(void)
{
        cop_message *reply = NULL;
        cop_status status = cop_call(&reply, "echo", MS, note, .text = COP_TEXT("text"), .term = cop_string("x"));
        DID(status != COP_OK || is_note(reply, "text"));
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
        DID(status != COP_OK || response.status != COP_OK || is_item(reply, 1));
        cop_message_free(reply);
        cop_requests_free(set);
        return status;
}

static cop_status links_and_monitors(void)
{
        cop_ref ref;
        cop_alias alias;
        uint32_t before = relations_of_mine();
        cop_status status = cop_link(echo_pid());
        DID(status != COP_OK || relations_of_mine() == before + 1);
        if (status == COP_OK)
                status = cop_monitor_opt("echo", (&(cop_monitor_options){ .tag = cop_string("tag") }), &ref);
        if (status == COP_OK)
                DID(cop_demonitor(ref));
        cop_unlink(echo_pid());
        DID(relations_of_mine() == before);
        if (status == COP_OK)
                status = cop_alias_open(COP_ALIAS_EXPLICIT, &alias);
        if (status == COP_OK)
                DID(cop_alias_close(alias));
        return status;
}

static cop_status times(void)
{
        cop_ref once, often, last;
        cop_status status = cop_send_after(&once, 100000, cop_self(), note, .text = COP_TEXT("later"));
        if (status == COP_OK)
                status = cop_send_every(&often, 100000, cop_self(), item, .number = 1);
        if (status == COP_OK)
                status = cop_exit_after(&last, 100000, cop_self(), COP_TUPLE(cop_atom("too"), cop_atom("late")));
        DID(status != COP_OK || (cop_cancel(once) >= 0 && cop_cancel(often) >= 0 && cop_cancel(last) >= 0));
        return status;
}

static cop_status uses_names(void)
{
        TRY(cop_register("a name", cop_self()));
        TRY(cop_send("a name", item, .number = 1));
        DID_RECEIVE(COP_KIND(item));
        TRY_MESSAGE(cop_call_term(&message, "echo", MS, COP_TUPLE(cop_atom("item"), cop_int(1))));
        return cop_unregister("a name");
}

static cop_status makes_terms(void)
{
        static const char text[] = "#{key => [1, 2.5, \"text\", {a, b}], <<1, 2>> => 'an atom', 3 => [a | b]}";
        cop_term term, copy;
        cop_parse_error error;
        bool equal;
        uint8_t *bytes;
        size_t size;
        TRY(cop_term_parse(text, sizeof(text) - 1, NULL, &term, &error));
        cop_status status = cop_term_encode(term, &bytes, &size);
        if (status == COP_OK) {
                status = cop_term_decode(bytes, size, &copy);
                free(bytes);
        }
        equal = status == COP_OK && cop_term_equal(term, copy);
        cop_term_free(term);
        TRY(status);
        cop_term_free(copy);
        DID(equal);
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
                DID(i == 2 || responses[i].status != COP_OK || is_item(responses[i].message, 1));
                cop_message_free(responses[i].message);
        }
        return status;
}

static cop_status times_of_all_sorts(void)
{
        cop_ref ref, cancelled;
        cop_term payload = COP_TUPLE(cop_atom("payload"), cop_string("text"));
        TRY(cop_start_timer_to(1, cop_to_pid(cop_self()), payload, &ref));
        TRY(cop_send_after(&cancelled, 100000, cop_self(), item, .number = 1));
        TRY(cop_cancel_async(cancelled, true));
        TRY(cop_send_value_at(cop_now_ms() + 1, cop_to_pid(cop_self()), COP_KIND_OF(item), &(item){ 2 }, NULL));
        DID_RECEIVE(COP_KIND(cop_timer_cancelled));
        DID_RECEIVE(COP_KIND(cop_timeout));
        DID_RECEIVE(COP_KIND(item));
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
        TRY_NUMBER(2, cop_task_await(&message, task, MS));
        TRY_NUMBER(7, cop_await(&message, future, MS, item));
        cop_wait_group_close(group);
        return COP_OK;
}

static cop_status opens_alias_for_priority(void)
{
        cop_alias alias;
        TRY(cop_alias_open(COP_ALIAS_EXPLICIT | COP_ALIAS_PRIORITY, &alias));
        DID(cop_alias_close(alias));
        return COP_OK;
}

static cop_status calls_with_terms(void)
{
        cop_response responses[2];
        const cop_address to[] = { cop_to_name("echo"), cop_to_name("echo") };
        cop_multi_call(responses, to, 2, MS, note, .text = COP_TEXT("text"), .term = COP_TUPLE(cop_string("a"), cop_int(1)));
        cop_status status = responses[0].status != COP_OK ? responses[0].status : responses[1].status;
        DID(status != COP_OK || (is_note(responses[0].message, "text") && is_note(responses[1].message, "text")));
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
        DID(status != COP_OK || is_note(reply, "text"));
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

static cop_status exits_with_priority(void)
{
        cop_alias alias;
        cop_trap_exit(true);
        TRY(cop_alias_open(COP_ALIAS_EXPLICIT | COP_ALIAS_PRIORITY, &alias));
        TRY(cop_send_exit_priority(alias, COP_TUPLE(cop_atom("urgent"), cop_string("a text"))));
        DID_RECEIVE(COP_KIND(cop_exited));
        cop_alias_close(alias);
        return COP_OK;
}

/* Terms that are made of others, and copies that are one's own. */
static cop_status copies_terms(void)
{
        cop_term pairs[] = { cop_atom("key"), cop_int(1), cop_string("a key"), cop_binary("\1\2", 2) };
        const cop_term items[] = { cop_atom("a"), cop_string("a text that is long"), cop_int(3) };
        const cop_term parts[] = { cop_list_of(items, 3), cop_cons_of(items, 3), cop_map_of(pairs, 2) };
        cop_term copy;
        TRY(cop_term_copy(COP_TUPLE(parts[0], parts[1], parts[2]), &copy));
        DID(cop_term_equal(copy, COP_TUPLE(parts[0], parts[1], parts[2])));
        cop_term_free(copy);
        cop_buffer *buffer = cop_buffer_new(10000);
        if (buffer == NULL)
                return COP_E_NO_MEMORY;
        memset(cop_buffer_data(buffer), 1, cop_buffer_size(buffer));
        cop_buffer_drop(cop_buffer_take(buffer));
        cop_buffer_drop(buffer);
        return COP_OK;
}

/* What was to come later, and does not; and what has come of it is taken out of the mailbox. */
static cop_status takes_back(void)
{
        cop_ref timer, monitor;
        cop_pid pid;
        TRY(cop_send_after(&timer, 100000, cop_self(), note, .text = COP_TEXT("later")));
        if (cop_timer_left(timer) <= 0 || cop_cancel(timer) < 0)
                return COP_E_NOT_FOUND;
        TRY(cop_spawn_opt(&(cop_spawn_options){ .run = does_nothing, .monitor = true, .monitor_ref = &monitor }, &pid));
        cop_demonitor_flush(monitor);
        TRY(cop_monitor_address(cop_to_name("echo"), &monitor));
        cop_demonitor_flush(monitor);
        return COP_OK;
}

/* More bytes than lie in a message: they have a buffer of their own. */
typedef struct parcel {
        cop_bytes data;
} parcel;
COP_MESSAGE(parcel, data);

static const uint8_t many_bytes[5000];

static void takes_parcel(const parcel *p)
{
        (void)p;
}

static cop_status sends_bytes(void)
{
        cop_pid pid;
        const parcel whole = { cop_bytes_of(many_bytes, sizeof(many_bytes)) };
        TRY(cop_send_value(cop_to_pid(cop_self()), COP_KIND_OF(parcel), &whole));
        DID_RECEIVE(COP_KIND(parcel));
        TRY(cop_send_value_after(100000, cop_to_pid(cop_self()), COP_KIND_OF(parcel), &whole, NULL));
        return cop_spawn_opt(&(cop_spawn_options){ .run_with = COP_RUN_WITH(takes_parcel, parcel), .kind = COP_KIND_OF(parcel),
                                                   .argument = &whole, .link = true },
                             &pid);
}

#endif
