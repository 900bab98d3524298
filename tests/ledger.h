/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What Coppice itself has taken and not given back, over all claims of a test program: blocks of pools that have ended, which are messages,
 * states and arenas, and what it has mapped, which are slabs, stacks, slots and tables. What it has from malloc is LeakSanitizer's to
 * find, in the asan build.
 *
 * The linker puts this between Coppice and the functions (--wrap): what others map does not count.
 */
#ifndef TESTS_LEDGER_H
#define TESTS_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

struct ledger {
        int64_t blocks; /* that were out when their pool ended */
        int64_t mapped; /* bytes */
};

struct ledger ledger_now(void);

/* The n-th mapping from now on, of Coppice alone, is refused, and no other; 0: none is. The answer: whether one has been since the last time. */
bool ledger_refuse_mapping(int64_t nth);

#endif
