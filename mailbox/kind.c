/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What a kind is: when two are the same, how its fields are laid out, what is zero.
 */
#include "mailbox/kind.h"

#include "mailbox/field.h"

/* COP_MESSAGE takes a long for 64 bits; a field's count and offset are 32 bits wide. */
_Static_assert(sizeof(long) == 8, "Coppice is for machines with 64-bit longs");

/* ---- Sameness ----------------------------------------------------------------------- */

/* Distinct nested kinds in one message that are compared; more are taken for different. */
#define PAIRS_MAX 64

/* Pairs of kinds that are the same or everything is different: done, and to do. */
struct pairs {
        size_t count;
        struct {
                const cop_kind *a, *b;
        } each[PAIRS_MAX];
};

/* Kinds can nest themselves, so a pair that is known is not looked at again. */
static bool add_pair(struct pairs *pairs, const cop_kind *a, const cop_kind *b)
{
        if (a == b)
                return true;
        if (!a || !b)
                return false;
        for (size_t i = 0; i < pairs->count; i++)
                if (pairs->each[i].a == a && pairs->each[i].b == b)
                        return true;
        if (pairs->count == PAIRS_MAX)
                return false;
        pairs->each[pairs->count].a = a;
        pairs->each[pairs->count++].b = b;
        return true;
}

static bool field_same(struct pairs *pairs, const cop_field *a, const cop_field *b)
{
        return a->offset == b->offset && a->count == b->count && a->type == b->type &&
               a->shape == b->shape && strcmp(a->name, b->name) == 0 &&
               add_pair(pairs, a->kind, b->kind);
}

static bool fields_same(struct pairs *pairs, const cop_kind *a, const cop_kind *b)
{
        if (a->size != b->size || a->field_count != b->field_count ||
            strcmp(a->name, b->name) != 0)
                return false;
        for (size_t i = 0; i < a->field_count; i++)
                if (!field_same(pairs, &a->fields[i], &b->fields[i]))
                        return false;
        return true;
}

bool cop__kind_same_shape(const cop_kind *a, const cop_kind *b)
{
        struct pairs pairs;
        pairs.count = 0;
        if (!add_pair(&pairs, a, b))
                return false;
        for (size_t i = 0; i < pairs.count; i++)
                if (!fields_same(&pairs, pairs.each[i].a, pairs.each[i].b))
                        return false;
        return true;
}

/* ---- Layout ------------------------------------------------------------------------- */

static const uint8_t item_sizes[] = {
        [COP_FIELD_INT8] = sizeof(int8_t),       [COP_FIELD_INT16] = sizeof(int16_t),
        [COP_FIELD_INT32] = sizeof(int32_t),     [COP_FIELD_INT64] = sizeof(int64_t),
        [COP_FIELD_UINT8] = sizeof(uint8_t),     [COP_FIELD_UINT16] = sizeof(uint16_t),
        [COP_FIELD_UINT32] = sizeof(uint32_t),   [COP_FIELD_UINT64] = sizeof(uint64_t),
        [COP_FIELD_FLOAT] = sizeof(float),       [COP_FIELD_DOUBLE] = sizeof(double),
        [COP_FIELD_BOOL] = sizeof(bool),         [COP_FIELD_PID] = sizeof(cop_pid),
        [COP_FIELD_REF] = sizeof(cop_ref),       [COP_FIELD_CHARS] = 1,
        [COP_FIELD_SYMBOL] = sizeof(cop_symbol), [COP_FIELD_TEXT] = sizeof(cop_text),
        [COP_FIELD_TERM] = sizeof(cop_term),     [COP_FIELD_BYTES] = sizeof(cop_bytes),
};

size_t cop__field_item_size(const cop_field *field)
{
        return field->type == COP_FIELD_NESTED ? field->kind->size : item_sizes[field->type];
}

bool cop__field_points(const cop_field *field)
{
        if (field->type == COP_FIELD_NESTED)
                return !field->kind->plain;
        return field->type >= COP_FIELD_SYMBOL;
}

struct cop__items cop__field_items(const cop_field *field, const void *value)
{
        struct cop__items items = { (const char *)value + field->offset, 1 };
        if (field->shape == COP_FIELD_ARRAY)
                items.count = field->count;
        else if (field->shape == COP_FIELD_ITEMS)
                memcpy(&items, items.at, sizeof items);
        return items;
}

cop_term cop__field_zero(const cop_field *field)
{
        static const cop_term_type types[] = {
                [COP_FIELD_BOOL] = COP_TERM_ATOM,   [COP_FIELD_PID] = COP_TERM_PID,
                [COP_FIELD_REF] = COP_TERM_REF,     [COP_FIELD_CHARS] = COP_TERM_TEXT,
                [COP_FIELD_SYMBOL] = COP_TERM_ATOM, [COP_FIELD_TEXT] = COP_TERM_TEXT,
                [COP_FIELD_TERM] = COP_TERM_NIL,    [COP_FIELD_BYTES] = COP_TERM_BINARY,
                [COP_FIELD_NESTED] = COP_TERM_NIL,
        };
        if (field->shape != COP_FIELD_ONE)
                return cop_nil();
        if (field->type == COP_FIELD_BOOL)
                return cop_bool(false);
        if (field->type <= COP_FIELD_UINT64)
                return cop_int(0);
        if (field->type <= COP_FIELD_DOUBLE)
                return cop_float(0);
        cop_term zero = { .type = types[field->type] };
        if (zero.type == COP_TERM_ATOM || zero.type == COP_TERM_TEXT ||
            zero.type == COP_TERM_BINARY)
                zero.as.text = "";
        return zero;
}
