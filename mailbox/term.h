/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Terms from the inside: how one is laid flat, kept by many, walked and printed.
 *
 * Flat, a container is its items, then the bytes of those items that are atoms, texts
 * or binaries, packed and padded to 8, then the containers among its items in turn:
 *
 *      {a, "bc", [1, x]}   ->   | a | "bc" | . |  a b c 0 0 0 0 0 | 1 | x |  x 0 0 0 0 0 0 0 |
 *                                            '------------------->'
 *
 * So the block begins with what the root points at, which is how cop_term_free finds it:
 * whoever makes a term that cop_term_free is to end must keep to that.
 *
 * Depth: an atom, a number, a text, [] are 0 deep; a container, also an empty one, is one
 * deeper than its deepest item. All walks over terms call themselves once a level and
 * stop at COP_TERM_DEPTH_MAX, so their stack is bounded whatever they are given.
 */
#ifndef MAILBOX_TERM_H
#define MAILBOX_TERM_H

#include <string.h>

#include <coppice/term.h>

#include "base/atomic.h"
#include "base/compiler.h"
#include "base/text.h"

/* Erlang's limit is 255 characters; bytes are the same for what people write. */
#define COP__ATOM_SIZE_MAX 255

#define COP__ROUND_UP_8(size) (((size) + 7) & ~(size_t)7)

/* cop_is_atom with a literal: some instructions. */
#define cop__is_word(term, word) cop__is_atom_of(term, word, sizeof(word) - 1)
COP__INLINE bool cop__is_atom_of(cop_term term, const char *name, size_t size)
{
        return term.type == COP_TERM_ATOM && term.count == size && memcmp(term.as.text, name, size) == 0;
}

/* Holds other terms. [] does not. */
COP__INLINE bool cop__term_is_container(cop_term term)
{
        return term.type == COP_TERM_TUPLE || term.type == COP_TERM_LIST ||
               term.type == COP_TERM_CONS || term.type == COP_TERM_MAP;
}

/* The terms at as.items. */
COP__INLINE size_t cop__term_items(cop_term term)
{
        if (!cop__term_is_container(term))
                return 0;
        return term.type == COP_TERM_MAP ? 2 * (size_t)term.count : term.count;
}

/* Is bytes: an atom, a text, a binary. */
COP__INLINE bool cop__term_is_bytes(cop_term term)
{
        return term.type == COP_TERM_ATOM || term.type == COP_TERM_TEXT ||
               term.type == COP_TERM_BINARY;
}

/* The bytes at as.text or as.bytes. */
COP__INLINE size_t cop__term_bytes(cop_term term)
{
        return cop__term_is_bytes(term) ? term.count : 0;
}

/* What a flat term has for this one, without what its items point at. */
COP__INLINE size_t cop__term_own_size(cop_term term)
{
        return cop__term_items(term) * sizeof(cop_term) + cop__term_bytes(term);
}

/* A term of this type and count; what does not fit in 32 bits becomes the atom too_big. */
cop_term cop__term_of_items(cop_term_type type, const cop_term *items, size_t count);
cop_term cop__term_of_bytes(cop_term_type type, const void *bytes, size_t size);

/*
 * The bytes behind a term for all that it points at, a multiple of 8. A part that stands in several places counts in each.
 * Errors: COP_E_TOO_DEEP, COP_E_TOO_BIG (over COP_MESSAGE_SIZE_MAX), and *size is untouched.
 */
COP__CHECK_RESULT cop_status cop__term_flat_size(cop_term term, size_t *size);

/*
 * A term that is to lie so many levels deep in another; the atom too_deep where that would be deeper than COP_TERM_DEPTH_MAX,
 * too_big where it is larger than COP_MESSAGE_SIZE_MAX.
 */
cop_term cop__term_inside(cop_term term, unsigned levels);

/*
 * Copies what a term points at to *at, which is 8-aligned, and moves *at on by exactly
 * the flat size. The term must have passed cop__term_flat_size. Returns the term that
 * points at the copy.
 */
cop_term cop__term_flatten(cop_term term, char **at);

/*
 * An immutable term that several actors keep, an exit reason mostly: one block, counted.
 * Holders only ever read it, so the count is the only thing that threads contend for.
 */
struct cop__shared_term {
        uint64_t holders; /* atomic; COP__TERM_LASTS: not counted */
        cop_term term; /* points into the same block, right behind */
};

/*
 * Held once. Errors: COP_E_NO_MEMORY, COP_E_TOO_DEEP, COP_E_TOO_BIG. The other one, for terms that are neither: NULL without
 * memory.
 */
COP__CHECK_RESULT cop_status cop__shared_term_make(cop_term term, struct cop__shared_term **result);
struct cop__shared_term *cop__shared_term_new(cop_term term);

/*
 * From now on it is not counted who holds it: for what outlives all holders, and would be counted up and down by all threads. It ends with
 * cop__shared_term_end, by who made it, when nobody holds it.
 */
#define COP__TERM_LASTS (UINT64_C(1) << 63)
void cop__shared_term_last(struct cop__shared_term *shared);
void cop__shared_term_end(struct cop__shared_term *shared); /* NULL is let through */
/* Is it not counted who holds it? NULL is nobody's. */
COP__INLINE bool cop__shared_term_lasts(const struct cop__shared_term *shared)
{
        return shared == NULL || cop__load_relaxed(&shared->holders) == COP__TERM_LASTS;
}
/* One more holder; the caller must be one, or know of one. NULL is let through. */
struct cop__shared_term *cop__shared_term_take(struct cop__shared_term *shared);
/* One holder less; the last one frees it. NULL is let through. */
void cop__shared_term_drop(struct cop__shared_term *shared);

/*
 * Takes the next item off a list or text, which *rest is and stays: of a text the items are
 * its code points; of an improper list the last *rest is its tail. No copy is made, the
 * rest is a part of the same term.
 * Returns false, and *item is untouched, when *rest is no list or has no more items.
 */
bool cop__term_next(cop_term *rest, cop_term *item);

/* Erlang's =:= (as from OTP 27 on, where 0.0 is not -0.0), with a text the same as the list of its code points, as in matches. */
bool cop__term_same(cop_term left, cop_term right);

/*
 * The order of map keys: as cop_term_compare, but an integer is below every float, -0.0 below 0.0, and
 * of a text and the list of its code points the text comes first: 0 only for terms that are cop_term_equal.
 */
int cop__term_compare_exactly(cop_term left, cop_term right);

/*
 * Is each key of this map another one in Erlang, too? There a text is the list of its code points, and before its release 27 0.0
 * is -0.0.
 */
bool cop__map_is_one_abroad(cop_term map);

/* As cop_term_parse; COP_E_TOO_BIG also when it would take more than so many bytes, at most COP_MESSAGE_SIZE_MAX, besides the result. */
cop_status cop__term_parse_within(const char *text, size_t size, const struct cop_kinds *kinds,
                                  size_t memory_max, cop_term *term, cop_parse_error *error);

/* As cop_term_print, into a text of any size. What lies too deep prints as "...". */
void cop__term_print(struct cop__text *text, cop_term term, const struct cop_kinds *kinds);
/* The shortest decimal that reads back as the same float, with a point: 0.1, 1.0e22. */
void cop__float_print(struct cop__text *text, double value);
/* A name as an atom is written: bare if it can be, else in single quotes. */
void cop__atom_print(struct cop__text *text, const char *name, size_t size);

#endif
