/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Making a value out of a term, for the three who do: the shell's tuples are read to the letter,
 * with [] for whatever is all zero; so is what came from another node, but that a text and the list
 * of its code points are the same there, and each is what the field wants; what came as MessagePack
 * says names and symbols as texts, tuples as lists, and leaves nothing out, for there a byte must
 * not stand for a kilobyte.
 */
#ifndef MAILBOX_KIND_READ_H
#define MAILBOX_KIND_READ_H

#include "mailbox/kind.h"

/* As cop__kind_from_term_within. */
cop_status cop__kind_read(const cop_kind *kind, cop_term term, enum cop__kind_source source,
                          size_t memory_max, void **value, cop_parse_error *error);

#endif
