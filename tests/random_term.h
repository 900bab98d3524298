/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Random terms for tests that claim something about every term. Values come from small
 * sets as often as from the whole range, so that equal and nearly equal ones meet; the
 * same seed gives the same terms, so a failed check need only print its seed.
 *
 *      struct random_terms random = { .state = seed };
 *      cop_term term = random_term(&random, 4);        borrowed until
 *      random_terms_fini(&random);
 */
#ifndef TESTS_RANDOM_TERM_H
#define TESTS_RANDOM_TERM_H

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <coppice/term.h>

#include "base/compiler.h"
#include "base/random.h"
#include "base/utf8.h"

struct random_block {
        struct random_block *next;
        cop_term room[];
};

struct random_terms {
        uint64_t state;
        bool alone; /* no pids or references, of which another node must know whose they are */
        struct random_block *blocks;
};

COP__UNUSED static void random_terms_fini(struct random_terms *random)
{
        while (random->blocks) {
                struct random_block *next = random->blocks->next;
                free(random->blocks);
                random->blocks = next;
        }
}

static void *random_room(struct random_terms *random, size_t size)
{
        struct random_block *block = malloc(sizeof *block + size);
        ck_assert_ptr_nonnull(block);
        block->next = random->blocks;
        random->blocks = block;
        return block->room;
}

static uint32_t random_below(struct random_terms *random, uint32_t bound)
{
        return cop__random_below(&random->state, bound);
}

static cop_term random_integer(struct random_terms *random)
{
        static const int64_t near[] = {
                0,
                1,
                2,
                97,
                98,
                -1,
                255,
                INT64_MAX,
                INT64_MIN,
                INT64_MAX - 1,
                (INT64_C(1) << 53) + 1,
                INT64_C(1) << 53,
                -(INT64_C(1) << 53) - 1,
        };
        uint64_t any = cop__random_next(&random->state);
        switch (random_below(random, 4)) {
        case 0:
                return cop_int((int64_t)(any >> random_below(random, 64)));
        case 1:
                return cop_natural(any | UINT64_C(1) << 63);
        default:
                return cop_int(near[random_below(random, COP__COUNT(near))]);
        }
}

static cop_term random_float(struct random_terms *random)
{
        static const double near[] = {
                0.0,
                -0.0,
                1.0,
                2.0,
                97.0,
                -1.0,
                0.1,
                1.5,
                1e15,
                1e16,
                123456789012345.0,
                1e22,
                1e-3,
                1e-5,
                0x1p53,
                0x1p63,
                0x1p64,
                -0x1p63,
                5e-324,
                2.2250738585072014e-308,
                1.7976931348623157e308,
        };
        if (random_below(random, 2))
                return cop_float(near[random_below(random, COP__COUNT(near))]);
        double real;
        do {
                uint64_t bits = cop__random_next(&random->state);
                memcpy(&real, &bits, sizeof real);
        } while (!isfinite(real));
        return cop_float(real);
}

/* UTF-8 of some characters, among them those that need an escape. */
static const char *random_text(struct random_terms *random, size_t *size)
{
        static const uint32_t near[] = {
                'a',  'a', 'b', 'z',  'A',  '_',  '@',    '0',    ' ',    '"',    '\'',    '\\',
                '\n', 0,   7,   0x7f, 0x85, 0xe9, 0x20ac, 0x202e, 0xfeff, 0xffff, 0x1f600, 0x10ffff,
        };
        size_t length = random_below(random, 6);
        char *text = random_room(random, length * COP__UTF8_MAX + 1);
        *size = 0;
        for (size_t i = 0; i < length; i++) {
                uint32_t point =
                        near[random_below(random, random_below(random, 2) ? 3 : COP__COUNT(near))];
                *size += cop__utf8_write(point, text + *size);
        }
        return text;
}

static cop_term random_bytes(struct random_terms *random, cop_term_type type)
{
        size_t size;
        const char *text = random_text(random, &size);
        if (type == COP_TERM_BINARY && size > 0 && random_below(random, 2))
                ((char *)(uintptr_t)text)[0] = (char)random_below(random, 256);
        return (cop_term){ .type = type, .count = (uint32_t)size, .as.text = text };
}

static cop_term random_atom(struct random_terms *random)
{
        static const char *const near[] = {
                "a", "b",  "ok",    "true",       "end",    "",
                "_", "$1", "Upper", "with space", "x@y_Z9", "bill",
        };
        if (random_below(random, 3) == 0)
                return random_bytes(random, COP_TERM_ATOM);
        return cop_atom(near[random_below(random, COP__COUNT(near))]);
}

static cop_term random_term(struct random_terms *random, unsigned depth);

static cop_term *random_items(struct random_terms *random, size_t count, unsigned depth)
{
        cop_term *items = random_room(random, count * sizeof *items);
        for (size_t i = 0; i < count; i++)
                items[i] = random_term(random, depth);
        return items;
}

/* An improper list, whose tail is no list; a text it may be. */
static cop_term random_cons(struct random_terms *random, unsigned depth)
{
        size_t count = 2 + random_below(random, 3);
        cop_term *items = random_items(random, count, depth);
        uint32_t type;
        do {
                items[count - 1] = random_term(random, depth);
                type = items[count - 1].type;
        } while (type == COP_TERM_NIL || type == COP_TERM_LIST || type == COP_TERM_CONS);
        return cop_cons_of(items, count);
}

/* At most `depth` deep. */
static cop_term random_term(struct random_terms *random, unsigned depth)
{
        size_t count = random_below(random, 5);
        uint32_t sort = random_below(random, depth > 0 ? 14 : 9);
        switch (random->alone && (sort == 6 || sort == 7) ? 4 : sort) {
        case 0:
        case 1:
                return random_integer(random);
        case 2:
                return random_float(random);
        case 3:
                return random_atom(random);
        case 4:
                return random_bytes(random, COP_TERM_TEXT);
        case 5:
                return random_bytes(random, COP_TERM_BINARY);
        case 6:
                return cop_pid_term(
                        (cop_pid){ cop__random_next(&random->state) >> random_below(random, 64) });
        case 7:
                return cop_ref_term(
                        (cop_ref){ cop__random_next(&random->state) >> random_below(random, 64) });
        case 8:
                return cop_nil();
        case 9:
        case 10:
                return cop_list_of(random_items(random, count, depth - 1), count);
        case 11:
                return cop_tuple_of(random_items(random, count, depth - 1), count);
        case 12:
                return random_cons(random, depth - 1);
        default:
                return cop_map_of(random_items(random, 2 * count, depth - 1), count);
        }
}

#endif
