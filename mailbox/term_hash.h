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

/*
 * The same for keys that other nodes know, too: cop__term_same is enough for the same hash. Errors: the same, and
 * COP_E_MALFORMED: no other node can be told of it (an atom or a text that is no UTF-8, a map of which two keys would be one).
 */
COP__CHECK_RESULT cop_status cop__term_hash_abroad(cop_term term, uint64_t *hash);

#endif
