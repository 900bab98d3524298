/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Message kinds from the inside: values laid flat, made into terms and back, encoded, found by
 * name.
 *
 * Flat, a message is ONE block: the struct as its sender filled it, then all that it points at,
 * each part 8-aligned, in the order of the fields; texts and symbols are followed by a NUL.
 *
 *      | pence | name ● | scores ● | page ● |  "Ada\0...." |  3 | 1 | 4 |
 *                   '--------+---------+----->              ^
 *                            '---------+--------------------'
 *                                      '--> cop_buffer { holders, bytes }, elsewhere and shared
 *
 * The only thing outside the block is shared bytes (buffer.c), so a flat value of a kind that
 * is not `counted` needs nothing but its memory back.
 *
 * Depth: a value is as deep as its term: each message, and each array in it, is one deeper than
 * what it holds. More than COP_TERM_DEPTH_MAX is refused; a cop_term in a field is measured by
 * itself.
 */
#ifndef MAILBOX_KIND_H
#define MAILBOX_KIND_H

#include <string.h>

#include <coppice/message.h>

#include "base/compiler.h"

/* ---- Kinds ------------------------------------------------------------------------ */

bool cop__kind_same_shape(const cop_kind *a, const cop_kind *b);

/*
 * Do the two mean the same struct? Two files that include one COP_MESSAGE have a table each, so the
 * address alone does not tell: name, size and all fields count, of nested kinds too.
 */
COP__INLINE bool cop__kind_same(const cop_kind *a, const cop_kind *b)
{
        return COP__LIKELY(a == b) || cop__kind_same_shape(a, b);
}

/* A kind that several of our files share, and nobody else: COP_MESSAGE_DECLARE and _DEFINE export theirs. */
#define COP__KIND_DECLARE(kind)                    \
        extern const char cop__traits_of_##kind[]; \
        extern const cop_kind cop_kind_of_##kind
#define COP__KIND_DEFINE(...) COP__MESSAGE(extern, , __VA_ARGS__)

/* ---- Flat values ------------------------------------------------------------------ */

cop_status cop__flat_size_slow(const cop_kind *kind, const void *value, size_t *size);
cop_status cop__flat_copy_slow(const cop_kind *kind, void *block, const void *value);
void cop__flat_drop_slow(const cop_kind *kind, void *block);

/*
 * The bytes of the block that a copy of the value needs.
 * Errors: COP_E_TOO_DEEP, COP_E_TOO_BIG (over COP_MESSAGE_SIZE_MAX, with the bytes that will be
 * shared, or a symbol over COP_SYMBOL_MAX), COP_E_BAD_ARGUMENT (no kind, or NULL with a size that is not 0,
 * or bytes that lie outside their buffer).
 */
COP__INLINE cop_status cop__flat_size(const cop_kind *kind, const void *value, size_t *size)
{
        if (COP__UNLIKELY(kind == NULL || (value == NULL && kind->size > 0)))
                return COP_E_BAD_ARGUMENT;
        if (COP__UNLIKELY(!kind->plain))
                return cop__flat_size_slow(kind, value, size);
        *size = kind->size;
        return COP_OK;
}

/*
 * Fills a 16-aligned block of that size. The value must have passed cop__flat_size, and be the
 * same still.
 * Errors: COP_E_NO_MEMORY, only for bytes that have to be put into a buffer; the block is then
 * undefined and holds nothing.
 */
COP__INLINE cop_status cop__flat_copy(const cop_kind *kind, void *block, const void *value)
{
        if (COP__UNLIKELY(!kind->plain))
                return cop__flat_copy_slow(kind, block, value);
        if (kind->size > 0)
                memcpy(block, value, kind->size);
        return COP_OK;
}

/* How many bytes a block holds beside itself, in buffers that others may hold, too. */
size_t cop__flat_shared(const cop_kind *kind, const void *block);

/* Gives back the shared bytes that a block holds. The block itself is the caller's. */
COP__INLINE void cop__flat_drop(const cop_kind *kind, void *block)
{
        if (COP__UNLIKELY(kind->counted))
                cop__flat_drop_slow(kind, block);
}

/* Of what a block says: the same for equal values, wherever their parts lie, on each machine of one byte order. */
uint64_t cop__flat_sum(const cop_kind *kind, const void *block);

/* ---- Sets of kinds ---------------------------------------------------------------- */

/*
 * The kinds of a range of pointers, as a program's COP__KINDS_FIRST and _LAST; NULLs are skipped.
 * The set borrows the kinds. One that is the same as an earlier one counts once; of two of one
 * name and different shape the first stays and the second is told by cop__kinds_clash.
 * Returns NULL without memory.
 */
cop_kinds *cop__kinds_new(const cop_kind *const *first, const cop_kind *const *last);
void cop__kinds_free(cop_kinds *kinds); /* NULL is allowed */

/* Adds another range, as of a library. Errors: COP_E_NO_MEMORY, and the set is as it was. */
cop_status cop__kinds_add(cop_kinds *kinds, const cop_kind *const *first,
                          const cop_kind *const *last);

/* NULL when there is none of that name. `kinds` may be NULL. */
const cop_kind *cop__kinds_find(const cop_kinds *kinds, const char *name, size_t size);

/* In the order of their names. NULL has none. */
size_t cop__kinds_count(const cop_kinds *kinds);
const cop_kind *cop__kinds_at(const cop_kinds *kinds, size_t at);

/*
 * Fields of these names, separated by blanks or commas, are secret in this set: what is printed with it shows "..." in their place. `names`
 * is copied. Errors: COP_E_NO_MEMORY. Before other threads print.
 */
cop_status cop__kinds_hide(cop_kinds *kinds, const char *names);
const char *cop__kinds_secrets(const cop_kinds *kinds); /* those names, borrowed; NULL: none */
bool cop__kinds_is_secret(const cop_kinds *kinds, const char *name); /* allocates nothing; `kinds` may be NULL */

/* The last one that was left out for another of its name; NULL: none was. */
const cop_kind *cop__kinds_clash(const cop_kinds *kinds);

/* ---- Terms ------------------------------------------------------------------------ */

/* Where a term comes from that is to be a value; see kind_read.h. */
enum cop__kind_source {
        COP__FROM_TERM,
        COP__FROM_ERLANG, /* from another node, where no text is told from the list of its code points */
        COP__FROM_WIRE,   /* MessagePack */
};

/*
 * What a record leaves out: 0, 0.0, false, "", <<>>, '', nobody, and [] for arrays of either
 * sort, terms and nested messages. cop__kind_from_term reads [] there as all zero.
 */
cop_term cop__field_zero(const cop_field *field);

/*
 * {bill, 900, 3}: the name, then the fields in order; docs/messages.md has the table.
 * Ownership: the caller owns *term and ends it with cop_term_free.
 * Errors: those of cop__flat_size, and COP_E_NO_MEMORY.
 */
cop_status cop__kind_to_term(const cop_kind *kind, const void *value, cop_term *term);

/* The same; COP_E_TOO_BIG also when it would take more than so many bytes besides the result: an item of one byte is a term of 16. */
cop_status cop__kind_to_term_within(const cop_kind *kind, const void *value, size_t memory_max,
                                    cop_term *term);

/*
 * The way back. Each field is checked: type, range, count.
 * Ownership: *value is one flat block from malloc; the caller ends it with cop__flat_drop and free.
 * Errors: COP_E_MALFORMED, with *error, which may be NULL, saying which field, what was expected
 * and what was found; COP_E_TOO_DEEP, COP_E_TOO_BIG, COP_E_NO_MEMORY.
 */
cop_status cop__kind_from_term(const cop_kind *kind, cop_term term, void **value,
                               cop_parse_error *error);

/* The same; COP_E_TOO_BIG also when it would take more than so many bytes besides the result: [] may stand for a large struct. */
cop_status cop__kind_from_term_within(const cop_kind *kind, cop_term term, size_t memory_max,
                                      void **value, cop_parse_error *error);

/* ---- MessagePack ------------------------------------------------------------------ */

/*
 * The array [name, fields...] in one malloc'ed block, which the caller frees with free().
 * Errors: those of cop__flat_size; COP_E_MALFORMED for a text that is no UTF-8 and for a char[N]
 * that has no NUL; COP_E_NO_MEMORY.
 */
cop_status cop__kind_encode(const cop_kind *kind, const void *value, uint8_t **bytes,
                            size_t *size);

/*
 * Reads one message, which must be all of `size` bytes, of any kind in the set. Also reads the
 * tuple that cop_term_encode makes of {bill, 900, 3}.
 * Ownership: as cop__kind_from_term. Errors: COP_E_MALFORMED, COP_E_NO_KIND, COP_E_TOO_DEEP,
 * COP_E_TOO_BIG, COP_E_NO_MEMORY.
 */
cop_status cop__kind_decode(const cop_kinds *kinds, const void *bytes, size_t size,
                            const cop_kind **kind, void **value);

#endif
