/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* What the operations of operations.h stand on: messages, a server that answers, and how one of them says what has failed. */
#ifndef TESTS_OPERATIONS_GROUND_H
#define TESTS_OPERATIONS_GROUND_H

#include <stdio.h>
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

/* What has answered COP_OK must have been done; what an operation does not look at is seen to by its statuses. */
#define NOT_DONE "not_done"
#define DID(condition)                                                                          \
        do {                                                                                    \
                if (!(condition)) {                                                             \
                        fprintf(stderr, "%s:%d: not done: %s\n", __FILE__, __LINE__, #condition); \
                        cop_exit(cop_atom(NOT_DONE));                                           \
                }                                                                               \
        } while (0)

/* Planted: what `sends` does not get is taken for success. */
static bool swallows;

static cop_status swallow(cop_status status)
{
        return swallows && status == COP_E_NO_MEMORY ? COP_OK : status;
}

/*
 * Of a try in which memory was refused: `said`, what the operation has answered, -1 where its actor ended before; and the reason of its
 * actor's end. NULL: that will do. An answer is COP_OK, and then it was done, or an error; that something did not come in time is none.
 */
static const char *wrong_after_refusal(int said, const char *reason)
{
        if (strcmp(reason, NOT_DONE) == 0)
                return "COP_OK, and it was not done";
        if (said == COP_E_TIMEOUT)
                return "nobody has told of what was refused, and it waited in vain";
        return NULL;
}

#define TRY_MESSAGE(call)                    \
        do {                                 \
                cop_message *message = NULL; \
                TRY(call);                   \
                cop_message_free(message);   \
        } while (0)

/* Who ends without a result has none, which is no failure: so who cannot give it must fail. */
static void gives_item(void)
{
        if (cop_resolve(item, .number = 7) != COP_OK)
                cop_exit(cop_atom("no_memory"));
}

static void replies_item(const item *i)
{
        if (cop_reply(item, .number = i->number + 1) != COP_OK)
                cop_exit(cop_atom("no_memory"));
}

static void gives_number(const item *i)
{
        if (cop_resolve(item, .number = i->number) != COP_OK)
                cop_exit(cop_atom("no_memory"));
}

static void does_nothing(void)
{
}

typedef struct echo {
        int64_t count;
} echo;
COP_MESSAGE(echo, count);

static uint32_t echoed; /* atomic; by all of them */

static void echo_on_item(echo *self, const item *i)
{
        cop__add_relaxed(&echoed, 1);
        self->count++;
        cop_reply(item, .number = i->number);
}

static void echo_on_note(echo *self, const note *n)
{
        cop__add_relaxed(&echoed, 1);
        self->count++;
        cop_reply(note, .text = n->text, .term = n->term);
}

COP_SERVER(echo, COP_ON(item, echo_on_item), COP_ON(note, echo_on_note), COP_STATE(echo));

static cop_pid echo_pid(void)
{
        return cop_whereis("echo");
}

/* What has been sent to it before has come: it answers, and has handled one more than this. */
static cop_status echo_has_handled(uint32_t before)
{
        TRY_MESSAGE(cop_call(&message, "echo", MS, item, .number = 1));
        DID(cop__load_relaxed(&echoed) == before + 2);
        return COP_OK;
}

/* Links, monitors and aliases of this actor. */
static uint32_t relations_of_mine(void)
{
        return cop__load_relaxed(&cop__actor_here()->relation_count);
}

static bool is_item(const cop_message *message, int64_t number)
{
        const item *i = message != NULL ? cop_read(item, message) : NULL;
        return i != NULL && i->number == number;
}

static bool is_note(const cop_message *message, const char *text)
{
        const note *n = message != NULL ? cop_read(note, message) : NULL;
        return n != NULL && cop_text_equal(n->text, text);
}

/* TRY_NUMBER(3, cop_await(&message, ...)): the message must be an item with that number. */
#define TRY_NUMBER(wanted, call)                             \
        do {                                                 \
                cop_message *message = NULL;                 \
                TRY(call);                                   \
                DID(is_item(message, (wanted)));             \
                cop_message_free(message);                   \
        } while (0)

/* What is on its way to this actor for certain. */
#define DID_RECEIVE(pattern)                                 \
        do {                                                 \
                cop_message *message = cop_receive(MS, (pattern)); \
                DID(message != NULL);                        \
                cop_message_free(message);                   \
        } while (0)

static void waits_for_an_end(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(note)));
}

#endif
