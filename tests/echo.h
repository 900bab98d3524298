/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* An actor that answers each ping with the next number, and asking it: who is answered, is not held up. */
#ifndef TESTS_ECHO_H
#define TESTS_ECHO_H

#include "tests/node_fixture.h"

typedef struct ping {
        int64_t number;
} ping;
COP_MESSAGE(ping, number);

static inline void echoes(void)
{
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(ping));
                cop_answer(message, ping, .number = cop_read(ping, message)->number + 1);
        }
}

static inline int64_t ask(cop_pid pid, int64_t number)
{
        cop_auto reply = NULL;
        ck_assert_int_eq(cop_call(&reply, pid, PATIENCE_MS, ping, .number = number), COP_OK);
        return cop_read(ping, reply)->number;
}

#endif
