/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* What the operations of operations.h stand on: messages, a server that answers, and how one of them says what has failed. */
#ifndef TESTS_OPERATIONS_GROUND_H
#define TESTS_OPERATIONS_GROUND_H

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

COP_CHANNEL(item);
COP_FUTURE(item);

#define MS 5000

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

static cop_pid echo_pid(void)
{
        return cop_whereis("echo");
}

static void waits_for_an_end(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(note)));
}

#endif
