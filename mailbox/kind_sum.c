/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The sum of a value: a walk over what its fields say. Neither the bytes between the fields go into it, which nobody sets, nor
 * where the parts lie.
 */
#include "base/hash.h"
#include "mailbox/field.h"
#include "mailbox/kind.h"
#include "mailbox/term_hash.h"

static uint64_t add_bytes(uint64_t sum, const void *bytes, size_t size)
{
        return cop__hash_mix_all(cop__hash_mix(sum, size), bytes, size);
}

static uint64_t add_struct(uint64_t sum, const cop_kind *kind, const char *value);

static uint64_t add_item(uint64_t sum, const cop_field *field, const char *item, size_t size)
{
        const void *at = item;
        uint64_t hash = 0;
        switch (field->type) {
        case COP_FIELD_CHARS: /* as far as it is a text */
                return add_bytes(sum, at, strnlen(at, field->count));
        case COP_FIELD_SYMBOL:
                return add_bytes(sum, ((const cop_symbol *)at)->text, ((const cop_symbol *)at)->size);
        case COP_FIELD_TEXT:
                return add_bytes(sum, ((const cop_text *)at)->data, ((const cop_text *)at)->size);
        case COP_FIELD_TERM:
                return cop__term_hash(*(const cop_term *)at, &hash) == COP_OK ? cop__hash_mix(sum, hash) : sum;
        case COP_FIELD_BYTES:
                return add_bytes(sum, ((const cop_bytes *)at)->data, ((const cop_bytes *)at)->size);
        case COP_FIELD_NESTED:
                return add_struct(sum, field->kind, item);
        default:
                return add_bytes(sum, at, size);
        }
}

static uint64_t add_struct(uint64_t sum, const cop_kind *kind, const char *value)
{
        const cop_field *end = kind->fields + kind->field_count;
        for (const cop_field *field = kind->fields; field < end; field++) {
                struct cop__items items = cop__field_items(field, value);
                size_t size = cop__field_item_size(field);
                if (field->shape == COP_FIELD_ITEMS)
                        sum = cop__hash_mix(sum, items.count);
                for (size_t i = 0; i < items.count; i++)
                        sum = add_item(sum, field, items.at + i * size, size);
        }
        return sum;
}

uint64_t cop__flat_sum(const cop_kind *kind, const void *block)
{
        return add_struct(0, kind, block);
}
