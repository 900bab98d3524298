/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What to say to someone who has mistyped the name of a kind or of a field: which names
 * there are, and which of them was probably meant.
 */
#ifndef MAILBOX_TERM_HINT_H
#define MAILBOX_TERM_HINT_H

#include "mailbox/kind.h"
#include "mailbox/term_lexer.h"

/* Both speak of the current token, fill in the lexer's error and return false. */

/* "no kind 'bil'; known kinds: bill, share; did you mean bill?"; `kinds` may be NULL. */
bool cop__hint_no_kind(struct cop__lexer *lexer, const cop_kinds *kinds);

/* "expected a field of bill (pence, people), found 'penc'" */
bool cop__hint_no_field(struct cop__lexer *lexer, const cop_kind *kind);

#endif
