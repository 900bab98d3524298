/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* A term that is nested deeper than one may be: no copy of it can be made. */
#ifndef TESTS_TOO_DEEP_H
#define TESTS_TOO_DEEP_H

#include <coppice/term.h>

#include "base/compiler.h"

static inline cop_term too_deep(void)
{
        static cop_term lists[COP_TERM_DEPTH_MAX + 2];
        cop_term term = cop_nil();
        for (size_t i = 0; i < COP__COUNT(lists); i++) {
                lists[i] = term;
                term = cop_list_of(&lists[i], 1);
        }
        return term;
}

#endif
