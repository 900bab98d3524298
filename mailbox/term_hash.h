/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The hash of a term, for tables whose keys are terms. */
#ifndef MAILBOX_TERM_HASH_H
#define MAILBOX_TERM_HASH_H

#include "mailbox/term.h"

/*
 * Terms that are cop_term_equal have the same hash; all 64 bits are mixed. It looks at every byte that the term points at.
 * Errors: COP_E_TOO_DEEP, COP_E_TOO_BIG: only what could be sent is walked; and *hash is untouched.
 */
COP__CHECK_RESULT cop_status cop__term_hash(cop_term term, uint64_t *hash);

#endif
