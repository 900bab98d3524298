/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A registry or a scope that has begun, and what lists say as text.
 *
 *      start_registry("rooms", (cop_registry){ .keys = COP_DUPLICATE });
 */
#ifndef TESTS_KEEPERS_H
#define TESTS_KEEPERS_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "actors/book.h"
#include "tests/node_fixture.h"

static inline cop_pid start_keeper(cop_spawn_options options)
{
        cop_pid pid;
        options.start_ref = cop_ref_new();
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        await_and_drop(COP_REF(cop_started, options.start_ref));
        return pid;
}

static inline cop_pid start_registry(const char *name, cop_registry registry)
{
        return start_keeper((cop_spawn_options){ .server = &cop_registry_server, .name = name,
                                                 .kind = COP_KIND_OF(cop_registry),
                                                 .argument = &registry });
}

static inline cop_pid start_scope(const char *name)
{
        return start_keeper((cop_spawn_options){ .server = &cop_scope_server, .name = name });
}

/* A term that was given to us, as text, and freed. */
static inline const char *text_and_free(cop_term term)
{
        const char *text = text_of(term);
        cop_term_free(term);
        return text;
}

COP_PRINTF(1, 2) static inline const char *filled(const char *format, ...)
{
        static _Thread_local char texts[4][256];
        static _Thread_local unsigned next;
        char *text = texts[next++ % 4];
        va_list values;
        va_start(values, format);
        vsnprintf(text, sizeof(texts[0]), format, values);
        va_end(values);
        return text;
}

/* The text of a format with pids printed: with_pid("[%s]", only), with_pids("[%s, %s]", first, second). */
#define with_pid(format, only) filled(format, cop_pid_print(only, (char[COP_ID_TEXT_MAX]){ "" }))
#define with_pids(format, first, second)                                   \
        filled(format, cop_pid_print(first, (char[COP_ID_TEXT_MAX]){ "" }), \
               cop_pid_print(second, (char[COP_ID_TEXT_MAX]){ "" }))

#endif
