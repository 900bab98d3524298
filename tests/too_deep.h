/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Terms that are nested deeper than one may be, or too big, so that no copy of them can be made, and as deep as one may be. */
#ifndef TESTS_TOO_DEEP_H
#define TESTS_TOO_DEEP_H

#include <coppice/term.h>

#include "base/compiler.h"

/* So many lists in each other. The memory is the same for all. */
static inline cop_term nested_in(size_t levels)
{
        static cop_term lists[COP_TERM_DEPTH_MAX + 2];
        cop_term term = cop_nil();
        for (size_t i = 0; i < levels; i++) {
                lists[i] = term;
                term = cop_list_of(&lists[i], 1);
        }
        return term;
}

/* Each of so many pairs stands twice in the next: 2 to the power of that many items, in the memory of a few. */
static inline cop_term too_big(void)
{
        enum { LEVELS = COP_TERM_DEPTH_MAX - 4 };
        static cop_term pairs[LEVELS][2];
        static const char large[1 << 20]; /* a thousand of it are too many already */
        cop_term term = cop_binary(large, sizeof(large));
        for (size_t i = 0; i < LEVELS; i++) {
                pairs[i][0] = pairs[i][1] = term;
                term = cop_tuple_of(pairs[i], 2);
        }
        return term;
}

static inline cop_term too_deep(void)
{
        return nested_in(COP_TERM_DEPTH_MAX + 2);
}

#endif
