/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Hashing a term: a walk over what cop_term_equal compares, and blind to what it is blind to. A list may be written as
 * [1, 2] or as [1 | [2]], which is the same, so lists are taken item by item; a text and the list of its code points differ.
 * The size of a tuple is hashed too, or {a, {b}} and {{a}, b} would be alike. A map's keys ascend, so equal maps have their
 * pairs in the same order.
 */
#include "mailbox/term_hash.h"

#include <string.h>

#include "base/random.h"

static void add(uint64_t *hash, uint64_t word)
{
        *hash = cop__mix(*hash ^ word) + UINT64_C(0x9e3779b97f4a7c15);
}

static void add_bytes(uint64_t *hash, const char *bytes, size_t size)
{
        uint64_t word;
        for (; size >= sizeof(word); bytes += sizeof(word), size -= sizeof(word)) {
                memcpy(&word, bytes, sizeof(word));
                add(hash, word);
        }
        if (size == 0)
                return;
        word = 0;
        memcpy(&word, bytes, size);
        add(hash, word);
}

static bool is_list(cop_term term)
{
        return term.type == COP_TERM_LIST || term.type == COP_TERM_CONS;
}

static void add_term(uint64_t *hash, cop_term term)
{
        cop_term item;
        while (is_list(term) && cop__term_next(&term, &item)) {
                add(hash, COP_TERM_LIST);
                add_term(hash, item);
        }
        if (term.type == COP_TERM_INTEGER || term.type == COP_TERM_NATURAL) {
                add(hash, COP_TERM_INTEGER);
                add(hash, term.as.natural);
                return;
        }
        add(hash, (uint64_t)term.type << 32 | cop__term_items(term) | cop__term_bytes(term));
        if (term.type == COP_TERM_FLOAT || term.type == COP_TERM_PID || term.type == COP_TERM_REF)
                add(hash, term.as.natural);
        add_bytes(hash, term.as.text, cop__term_bytes(term));
        for (size_t i = 0; i < cop__term_items(term); i++)
                add_term(hash, term.as.items[i]);
}

cop_status cop__term_hash(cop_term term, uint64_t *result)
{
        uint64_t hash = 0;
        size_t size;
        cop_status status = cop__term_flat_size(term, &size);
        if (status != COP_OK)
                return status;
        add_term(&hash, term);
        *result = hash;
        return COP_OK;
}
