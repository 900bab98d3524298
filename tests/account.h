/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* A server for tests of sys, with a state that has a secret, and what can be asked about it. */
#ifndef TESTS_ACCOUNT_H
#define TESTS_ACCOUNT_H

#include <string.h>

#include "tests/node_fixture.h"

typedef struct add {
        int64_t number;
} add;
COP_MESSAGE(add, number);

typedef struct get {
        int64_t unused;
} get;
COP_MESSAGE(get, unused);

typedef struct sum {
        int64_t number;
} sum;
COP_MESSAGE(sum, number);

typedef struct trap {
        int64_t unused;
} trap;
COP_MESSAGE(trap, unused);

typedef struct stay {
        int64_t unused;
} stay;
COP_MESSAGE(stay, unused);

typedef struct go {
        int64_t unused;
} go;
COP_MESSAGE(go, unused);

typedef struct last {
        cop_term reason;
} last;
COP_MESSAGE(last, reason);

typedef struct account {
        int64_t sum;
        cop_text owner, secret;
} account;
COP_MESSAGE(account, sum, owner, secret);

static inline void account_init(account *self)
{
        self->owner = cop_text_of("Ada");
        self->secret = cop_text_of("1815");
}

static inline void account_on_add(account *self, const add *a)
{
        self->sum += a->number;
}

static inline void account_on_get(account *self, const get *unused)
{
        (void)unused;
        cop_reply(sum, .number = self->sum);
}

static inline void account_on_trap(account *self, const trap *unused)
{
        (void)self;
        (void)unused;
        cop_trap_exit(true);
}

/* Stays in its handler until it gets a go, and says that it is there. */
static inline void account_on_stay(account *self, const stay *unused)
{
        (void)unused;
        int64_t before = self->sum;
        self->sum = -1;
        cop_send(cop_parent(), stay);
        await_and_drop(COP_KIND(go));
        self->sum = before;
}

static inline void account_on_exited(account *self, const cop_exited *e)
{
        (void)e;
        self->sum++;
}

static inline void account_terminate(account *self, cop_term reason)
{
        (void)self;
        cop_send(cop_parent(), last, .reason = reason);
}

static inline void account_format(const account *self, account *shown)
{
        (void)self;
        shown->secret = cop_text_of("(hidden)");
}

COP_SERVER(account, COP_INIT(account_init), COP_ON(add, account_on_add),
           COP_ON(get, account_on_get), COP_ON(trap, account_on_trap),
           COP_ON(stay, account_on_stay), COP_ON(cop_exited, account_on_exited),
           COP_TERMINATE(account_terminate), COP_STATE(account),
           COP_FORMAT_STATUS(account_format));

/* ---- Asking it ---------------------------------------------------------------------------- */

static inline int64_t sum_of(cop_pid pid)
{
        cop_auto reply = NULL;
        ck_assert_int_eq(cop_call(&reply, pid, PATIENCE_MS, get), COP_OK);
        return cop_read(sum, reply)->number;
}

static inline const char *state_of(cop_pid pid)
{
        cop_term state;
        ck_assert_int_eq(cop_sys_get_state(pid, PATIENCE_MS, &state), COP_OK);
        const char *text = text_of(state);
        cop_term_free(state);
        return text;
}

static inline const char *status_of(cop_pid pid, const char *key)
{
        cop_term status;
        ck_assert_int_eq(cop_sys_get_status(pid, PATIENCE_MS, &status), COP_OK);
        const cop_term *value = cop_map_get(status, cop_atom(key));
        const char *text = value != NULL ? text_of(*value) : "no such key";
        cop_term_free(status);
        return text;
}

static inline cop_status replace(cop_pid pid, const char *text, cop_parse_error *error)
{
        cop_term term;
        ck_assert_int_eq(cop_term_parse(text, strlen(text), NULL, &term, NULL), COP_OK);
        cop_status status = cop_sys_replace_state(pid, PATIENCE_MS, term, error);
        cop_term_free(term);
        return status;
}

#endif
