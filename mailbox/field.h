/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A field of a message, found in its memory: as items, one or many, whatever its shape.
 */
#ifndef MAILBOX_FIELD_H
#define MAILBOX_FIELD_H

#include <coppice/message.h>

#include "base/compiler.h"

/* The layout of every struct { const T *items; size_t count; }. */
struct cop__items {
        const char *at;
        size_t count;
};

_Static_assert(sizeof(struct cop__items) == sizeof(cop_int64s), "an array is items and a count");

/* Bytes from one item to the next. */
size_t cop__field_item_size(const cop_field *field);

/* One value that points at nothing? Most fields are: walks pass over them by this. */
COP__INLINE bool cop__field_is_flat(const cop_field *field)
{
        return field->type < COP_FIELD_SYMBOL && field->shape == COP_FIELD_ONE;
}

/* Does an item point at something? Where the items themselves lie is not asked. */
bool cop__field_points(const cop_field *field);

/* The items of a field in a value. With COP_FIELD_ITEMS they may be NULL, though counted. */
struct cop__items cop__field_items(const cop_field *field, const void *value);

#endif
