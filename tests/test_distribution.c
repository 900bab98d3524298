/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Two nodes: what runs between them means what it means within one. */
#include "tests/pair.h"

typedef struct { int64_t number; cop_pid from; cop_text text; } parcel;
COP_MESSAGE(parcel, number, from, text);

typedef struct { int64_t unused; } stop;
COP_MESSAGE(stop, unused);

/* Sends back what it gets, to whoever is named in it; answers calls with what they ask; ends as it is told. */
static void echo_on_parcel(int64_t *self, const parcel *p)
{
        (void)self;
        if (p->from.bits != 0)
                cop_send(p->from, parcel, .number = p->number + 1, .from = cop_self(), .text = p->text);
        else
                cop_reply(parcel, .number = p->number + 1, .text = p->text);
}

typedef struct { int64_t unused; } echo;

static void echo_parcel(echo *self, const parcel *p)
{
        echo_on_parcel(&self->unused, p);
}

static void echo_any(echo *self, const cop_any *any)
{
        (void)self;
        if (cop_is_atom(any->term, "crash"))
                cop_exit(cop_atom("crashed"));
        if (cop_is_atom(any->term, "silent"))
                return;
        cop_reply(cop_any, .term = any->term);
}

COP_SERVER(echo, COP_ON(parcel, echo_parcel), COP_ON(cop_any, echo_any));

static cop_pid grow_echo(struct pair *pair)
{
        visit(pair->b);
        cop_spawn_server(&echo_server, "echo");
        visit(pair->a);
        return there("echo");
}

PAIR(a_message_reaches_a_name_on_the_other_node_and_its_answer_comes_back)
{
        grow_echo(pair);
        ck_assert_int_eq(cop_send(cop_at("echo", "b@127.0.0.1"), parcel, .number = 41, .from = cop_self(), .text = COP_TEXT("häus")),
                         COP_OK);
        cop_auto answer = await(COP_KIND(parcel));
        const parcel *p = cop_read(parcel, answer);
        ck_assert_int_eq(p->number, 42);
        ck_assert(cop_text_equal(p->text, "häus"));
        ck_assert_str_eq(cop_node_of(p->from), "b@127.0.0.1");
        ck_assert(cop_pid_equal(cop_message_from(answer), p->from));
}

PAIR(a_call_is_answered)
{
        cop_pid pid = grow_echo(pair);
        cop_auto reply = NULL;
        ck_assert_int_eq(cop_call(&reply, pid, PATIENCE_MS, parcel, .number = 1, .text = COP_TEXT("x")), COP_OK);
        ck_assert_int_eq(cop_read(parcel, reply)->number, 2);
        ck_assert(cop_pid_equal(cop_message_from(reply), pid));
}
