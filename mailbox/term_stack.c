/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The stack that terms are built on: an array that doubles.
 */
#include "mailbox/term_stack.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define FIRST_ITEMS 32

void cop__term_stack_init(struct cop__term_stack *stack)
{
        stack->items = NULL;
        stack->count = 0;
        stack->room = 0;
        cop__scratch_init(&stack->scratch);
}

void cop__term_stack_fini(struct cop__term_stack *stack)
{
        free(stack->items);
        cop__scratch_fini(&stack->scratch);
}

bool cop__term_stack_push(struct cop__term_stack *stack, cop_term item)
{
        if (stack->count == stack->room) {
                size_t room = stack->room ? 2 * stack->room : FIRST_ITEMS;
                cop_term *items = cop__realloc(stack->items, room * sizeof *items);
                if (!items) {
                        stack->scratch.status = COP_E_NO_MEMORY;
                        return false;
                }
                stack->items = items;
                stack->room = room;
        }
        stack->items[stack->count++] = item;
        return true;
}

void *cop__term_stack_keep(struct cop__term_stack *stack, const void *bytes, size_t size)
{
        void *kept = cop__scratch_take(&stack->scratch, size, 1);
        if (kept && size > 0)
                memcpy(kept, bytes, size);
        return kept;
}

cop_term *cop__term_stack_take(struct cop__term_stack *stack, size_t base)
{
        size_t count = stack->count - base;
        const cop_term *items = count > 0 ? stack->items + base : NULL;
        cop_term *kept = cop__term_stack_keep(stack, items, count * sizeof *items);
        if (kept)
                stack->count = base;
        return kept;
}
