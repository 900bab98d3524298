/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Where a reader of foreign terms builds them, innermost first: a stack of items whose
 * parents are still being read, and scratch memory for what is complete. The finished term
 * is copied out of both with cop_term_copy.
 *
 * Nothing is reserved ahead of the items that are there, so no count in a hostile header
 * can make it grow.
 */
#ifndef MAILBOX_TERM_STACK_H
#define MAILBOX_TERM_STACK_H

#include "mailbox/scratch.h"
#include "mailbox/term.h"

struct cop__term_stack {
        cop_term *items;
        size_t count; /* items on the stack */
        size_t room;
        struct cop__scratch scratch; /* its status says why something was refused */
};

void cop__term_stack_init(struct cop__term_stack *stack);
void cop__term_stack_fini(struct cop__term_stack *stack);

/* Returns false without memory, and the stack is as it was. */
COP__CHECK_RESULT bool cop__term_stack_push(struct cop__term_stack *stack, cop_term item);

/* Keeps a copy of some bytes until fini. Returns NULL when the scratch has refused. */
COP__CHECK_RESULT void *cop__term_stack_keep(struct cop__term_stack *stack, const void *bytes,
                                             size_t size);

/* Takes the items from `base` on off the stack and keeps them. Returns NULL as above. */
COP__CHECK_RESULT cop_term *cop__term_stack_take(struct cop__term_stack *stack, size_t base);

#endif
