/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Kinds, states and functions that are called what one calls such things: no macro has these names for itself. */
#include <coppice.h>

#include "tests/node_fixture.h"

typedef struct { int64_t number; } argument;
COP_MESSAGE(argument, number);

typedef struct { int64_t number; } body;
COP_MESSAGE(body, number);

typedef struct { int64_t number; } message;
COP_MESSAGE(message, number);

typedef struct { int64_t number; } old;
COP_MESSAGE(old, number);

typedef struct { int64_t number; } before;
COP_MESSAGE(before, number);

typedef struct { int64_t sum; } self;
COP_MESSAGE(self, sum);

static void on_argument(self *state, const argument *given)
{
        state->sum = given->number;
        cop_continue_value(COP_KIND_OF(old), &(old){ 10 });
}

static void on_old(self *state, const old *given)
{
        state->sum += given->number;
}

static void on_body(self *state, const body *given)
{
        state->sum += given->number;
        cop_reply(body, .number = state->sum);
}

static void on_message(self *state, const message *given)
{
        state->sum += given->number;
        cop_reply(message, .number = state->sum);
}

static void on_other(self *state, cop_message *other)
{
        state->sum = -1;
        cop_message_free(other);
}

static bool on_before(self *state, const before *given)
{
        state->sum = given->number;
        return true;
}

static void reason(self *state, cop_term why)
{
        (void)state;
        (void)why;
}

static void shown(const self *state, self *copy)
{
        copy->sum = state->sum + 1000;
}

COP_SERVER(self, COP_INIT_WITH(argument, on_argument), COP_CONTINUE_WITH(old, on_old), COP_ON(body, on_body),
           COP_ON(message, on_message), COP_OTHERWISE(on_other), COP_UPGRADE(before, on_before), COP_TERMINATE(reason),
           COP_FORMAT_STATUS(shown), COP_STATE(self));

IN_NODE(kinds_and_states_may_be_called_as_what_they_are)
{
        cop_pid pid = { 0 };
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .server = &self_server, .kind = COP_KIND_OF(argument),
                                                             .argument = &(argument){ 1 } },
                                       &pid),
                         COP_OK);
        cop_auto answer = NULL;
        ck_assert_int_eq(cop_call(&answer, pid, PATIENCE_MS, body, 100), COP_OK);
        ck_assert_int_eq(cop_read(body, answer)->number, 111);
        cop_auto other = NULL;
        ck_assert_int_eq(cop_call(&other, pid, PATIENCE_MS, message, 2), COP_OK);
        ck_assert_int_eq(cop_read(message, other)->number, 113);
        put_down(pid);
}

enum { RED, GREEN };

static void in_red(before *data, const body *given)
{
        data->number = given->number;
        cop_next_state(GREEN);
        cop_reply(body, .number = 1);
}

static void in_any(before *data, const message *given)
{
        cop_reply(message, .number = data->number + given->number);
}

static void enters_green(before *data, int64_t from)
{
        data->number += from == RED ? 100 : 0;
}

static void enters_any(before *data, int64_t from)
{
        (void)data;
        (void)from;
}

COP_MACHINE(before, RED, COP_IN(RED, body, in_red), COP_IN_ANY(message, in_any), COP_ENTER(GREEN, enters_green),
            COP_ENTER_ANY(enters_any));

IN_NODE(events_and_the_data_of_a_machine_may_be_called_as_what_they_are)
{
        cop_pid pid = cop_spawn_server(&before_machine, NULL);
        cop_auto answer = NULL;
        cop_auto other = NULL;
        ck_assert_int_eq(cop_call(&answer, pid, PATIENCE_MS, body, 7), COP_OK);
        ck_assert_int_eq(cop_read(body, answer)->number, 1);
        ck_assert_int_eq(cop_call(&other, pid, PATIENCE_MS, message, 1000), COP_OK);
        ck_assert_int_eq(cop_read(message, other)->number, 1107);
        put_down(pid);
}
