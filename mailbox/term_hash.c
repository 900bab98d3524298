/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Hashing a term: a walk over what cop_term_equal compares, and blind to what it is blind to. A list may be written as
 * [1, 2] or as [1 | [2]], which is the same, so lists are taken item by item; a text and the list of its code points differ,
 * unless it is for keys that other nodes know too.
 * The size of a tuple is hashed too, or {a, {b}} and {{a}, b} would be alike. A map's keys ascend, so equal maps have their
 * pairs in the same order.
 */
#include "mailbox/term_hash.h"

#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "base/utf8.h"

struct walk {
        uint64_t hash;
        bool abroad; /* a text is the list of its code points, and all must be sayable */
};

static void add(struct walk *walk, uint64_t word)
{
        walk->hash = cop__hash_mix(walk->hash, word);
}

static bool is_list(const struct walk *walk, cop_term term)
{
        return term.type == COP_TERM_LIST || term.type == COP_TERM_CONS || (walk->abroad && term.type == COP_TERM_TEXT);
}

/* Of a text each code point is looked at. */
static bool is_sayable(cop_term term)
{
        if (term.type == COP_TERM_ATOM)
                return term.count <= COP__ATOM_SIZE_MAX && cop__utf8_valid(term.as.text, term.count);
        if (term.type == COP_TERM_FLOAT)
                return isfinite(term.as.real);
        return term.type != COP_TERM_MAP || cop__map_is_one_abroad(term);
}

/* False: it is not sayable. It is no deeper than what can be sent. */
static bool add_term(struct walk *walk, cop_term term);

/* Item by item; what is behind them is left. */
static bool add_list(struct walk *walk, cop_term *term)
{
        cop_term item;
        bool is_text = term->type == COP_TERM_TEXT;
        while (is_list(walk, *term) && cop__term_next(term, &item)) {
                if (is_text && item.as.integer > COP__UTF8_LAST)
                        return false;
                add(walk, COP_TERM_LIST);
                if (!add_term(walk, item))
                        return false;
                is_text = term->type == COP_TERM_TEXT;
        }
        if (walk->abroad && term->type == COP_TERM_TEXT)
                *term = cop_nil();
        return true;
}

static bool add_term(struct walk *walk, cop_term term)
{
        if (!add_list(walk, &term))
                return false;
        if (term.type == COP_TERM_INTEGER || term.type == COP_TERM_NATURAL) {
                add(walk, COP_TERM_INTEGER);
                add(walk, term.as.natural);
                return true;
        }
        if (walk->abroad && !is_sayable(term))
                return false;
        add(walk, (uint64_t)term.type << 32 | cop__term_items(term) | cop__term_bytes(term));
        if (term.type == COP_TERM_FLOAT || term.type == COP_TERM_PID || term.type == COP_TERM_REF)
                add(walk, term.as.natural);
        walk->hash = cop__hash_mix_all(walk->hash, term.as.text, cop__term_bytes(term));
        for (size_t i = 0; i < cop__term_items(term); i++)
                if (!add_term(walk, term.as.items[i]))
                        return false;
        return true;
}

static cop_status hash_term(cop_term term, bool abroad, uint64_t *result)
{
        struct walk walk = { .abroad = abroad };
        size_t size;
        cop_status status = cop__term_flat_size(term, &size);
        if (status != COP_OK)
                return status;
        if (!add_term(&walk, term))
                return COP_E_MALFORMED;
        *result = walk.hash;
        return COP_OK;
}

cop_status cop__term_hash(cop_term term, uint64_t *result)
{
        return hash_term(term, false, result);
}

cop_status cop__term_hash_abroad(cop_term term, uint64_t *result)
{
        return hash_term(term, true, result);
}
