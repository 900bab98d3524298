/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Operations (see operations.h) with servers, machines, agents and event managers, and what looks into them. */
#ifndef TESTS_OPERATIONS_SERVERS_H
#define TESTS_OPERATIONS_SERVERS_H

#include <string.h>

#include "tests/operations_ground.h"

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

/* Who replies nothing gives none, which is no failure, here as in the next ones. */
static void add_one(item *value, const item *by)
{
        value->number += by->number;
        if (cop_reply(item, .number = value->number) != COP_OK)
                cop_exit(cop_atom("no_memory"));
}

static cop_status uses_agent(void)
{
        cop_pid agent;
        cop_message *reply = NULL;
        cop_status status = cop_agent_start("agent", COP_KIND_OF(item), &(item){ 1 }, &agent);
        if (status != COP_OK)
                return status;
        status = cop_agent_update(&reply, agent, MS, item, add_one, item, .number = 2);
        DID(status != COP_OK || is_item(reply, 3));
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
        DID(status != COP_OK || is_item(reply, 1));
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
        DID(status != COP_OK || is_item(reply, 2));
        if (status == COP_OK)
                status = cop_handlers(pid, &ids);
        if (status == COP_OK)
                cop_term_free(ids);
        cop_message_free(reply);
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
        if (cop_reply_to(later, item, .number = self->count) != COP_OK)
                cop_exit(cop_atom("no_memory")); /* nobody else answers */
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
        TRY_NUMBER(3, cop_call(&message, pid, MS, note, .text = COP_TEXT("text")));
        TRY(cop_stop(pid, cop_atom("normal"), MS));
        DID(!cop_is_alive(pid));
        return COP_OK;
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
        TRY_NUMBER(6, cop_call(&message, pid, MS, note, .text = COP_TEXT("text")));
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

static void says_more(note *value, const item *by)
{
        static char text[300];
        memset(text, 'x', sizeof(text));
        value->text = (cop_text){ sizeof(text), text };
        if (cop_reply(item, .number = by->number) != COP_OK)
                cop_exit(cop_atom("no_memory"));
}

/* What the agent keeps is no longer as large as it was. */
static cop_status keeps_texts(void)
{
        cop_pid agent;
        TRY(cop_agent_start(NULL, COP_KIND_OF(note), &(note){ .text = COP_TEXT("short"), .term = cop_string("x") }, &agent));
        TRY_NUMBER(2, cop_agent_update(&message, agent, MS, note, says_more, item, .number = 2));
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
        for (int64_t i = 1; i <= 4; i++) {
                cop_message *message = NULL;
                TRY(cop_call(&message, pid, MS, item, .number = i));
                DID(message != NULL && cop_read(item, message)->number > i);
                cop_message_free(message);
        }
        return COP_OK;
}

/* A loop of one's own shows its state, and that it was asked. */
static void shows_itself(void)
{
        item state = { 5 };
        cop_init_ack();
        for (;;) {
                cop_message *message = cop_receive(MS, COP_KIND(item));
                if (message == NULL || cop_sys_show_value(COP_KIND_OF(item), &state) != COP_OK)
                        cop_exit(cop_atom("not_shown"));
                cop_message_free(message);
        }
}

static cop_status looks_into_loop(void)
{
        cop_pid pid;
        TRY(cop_start(&(cop_spawn_options){ .run = shows_itself, .init_ack = true, .link = true }, MS, &pid));
        TRY(cop_send(pid, item, .number = 1));
        for (int i = 0; i < MS; i++) {
                cop_term state;
                cop_status status = cop_sys_get_state(cop_to_pid(pid), MS, &state);
                if (status == COP_OK)
                        cop_term_free(state);
                if (status != COP_E_NO_KIND) /* it has not come so far */
                        return status;
                cop_sleep(1);
        }
        return COP_E_TIMEOUT;
}

/* What is left to do is done before the next message. */
typedef struct sequel {
        int64_t count;
} sequel;

static void sequel_goes_on(sequel *self)
{
        self->count++;
}

static void sequel_on_item(sequel *self, const item *i)
{
        self->count += i->number;
        cop_reply(item, .number = self->count);
        cop_continue();
}

COP_SERVER(sequel, COP_CONTINUE(sequel_goes_on), COP_ON(item, sequel_on_item));

static cop_status continues(void)
{
        cop_pid pid;
        TRY(cop_spawn_opt(&(cop_spawn_options){ .server = &sequel_server, .link = true }, &pid));
        TRY_NUMBER(1, cop_call(&message, pid, MS, item, .number = 1));
        TRY_NUMBER(3, cop_call(&message, pid, MS, item, .number = 1)); /* it has gone on meanwhile */
        return COP_OK;
}

static void packs_more(parcel *value, const item *by)
{
        value->data = cop_bytes_of(many_bytes, sizeof(many_bytes));
        if (cop_reply(item, .number = by->number) != COP_OK)
                cop_exit(cop_atom("no_memory"));
}

static cop_status keeps_bytes(void)
{
        cop_pid agent;
        TRY(cop_agent_start(NULL, COP_KIND_OF(parcel), &(parcel){ cop_bytes_of(many_bytes, 100) }, &agent));
        TRY_NUMBER(2, cop_agent_update(&message, agent, MS, parcel, packs_more, item, .number = 2));
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

#endif
