/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The hash of a term, for tables whose keys are terms. */
#ifndef MAILBOX_TERM_HASH_H
#define MAILBOX_TERM_HASH_H

#include "mailbox/term.h"

/*
 * Terms that are cop_term_equal have the same hash; all 64 bits are mixed. It looks at every byte that the term points at.
 * Returns false, and *hash is untouched, if the term is deeper than COP_TERM_DEPTH_MAX.
 */
COP__CHECK_RESULT bool cop__term_hash(cop_term term, uint64_t *hash);

#endif
