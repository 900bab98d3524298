/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A value laid flat, in two walks over the same fields: one adds up what the parts need, one
 * copies the parts behind each other and turns the pointers to the copies. Both call
 * themselves once a level, and the first refuses what is too deep, so also a value whose
 * arrays lead back to themselves ends.
 *
 * The second walk works on the copy: a struct is copied whole, and then each of its pointers,
 * which still leads to the sender's memory, is replaced. So what a field holds is read
 * where it will be written.
 */
#include "mailbox/buffer.h"
#include "mailbox/field.h"
#include "mailbox/kind.h"
#include "mailbox/term.h"

/* Will the bytes lie in a buffer outside the block? */
static bool is_shared(const cop_bytes *bytes)
{
        return bytes->size > 0 && (bytes->buffer || bytes->size >= COP_SHARE_MIN);
}

/* ---- Measuring ------------------------------------------------------------------------ */

struct measure {
        size_t block;  /* bytes of the block so far */
        size_t shared; /* bytes in buffers */
};

static cop_status add(size_t *sum, size_t count, size_t size)
{
        size_t bytes;
        if (__builtin_mul_overflow(count, size, &bytes) || bytes > COP_MESSAGE_SIZE_MAX)
                return COP_E_TOO_BIG;
        *sum += COP__ROUND_UP_8(bytes);
        return *sum > COP_MESSAGE_SIZE_MAX ? COP_E_TOO_BIG : COP_OK;
}

/* Text of any sort: with its NUL, or nothing at all. */
static cop_status add_text(struct measure *measure, const char *text, size_t size)
{
        if (size == 0)
                return COP_OK;
        if (!text)
                return COP_E_BAD_ARGUMENT;
        return size > COP_MESSAGE_SIZE_MAX ? COP_E_TOO_BIG : add(&measure->block, 1, size + 1);
}

static cop_status add_symbol(struct measure *measure, const cop_symbol *symbol)
{
        if (symbol->size > COP_SYMBOL_MAX)
                return COP_E_TOO_BIG;
        return add_text(measure, symbol->text, symbol->size);
}

static cop_status add_bytes(struct measure *measure, const cop_bytes *bytes)
{
        if (bytes->size == 0)
                return COP_OK;
        if (!bytes->data)
                return COP_E_BAD_ARGUMENT;
        if (bytes->buffer && !cop__buffer_holds(bytes->buffer, bytes->data, bytes->size))
                return COP_E_BAD_ARGUMENT;
        return add(is_shared(bytes) ? &measure->shared : &measure->block, 1, bytes->size);
}

static cop_status add_term(struct measure *measure, const cop_term *term)
{
        size_t size;
        cop_status status = cop__term_flat_size(*term, &size);
        return status == COP_OK ? add(&measure->block, 1, size) : status;
}

static cop_status measure_struct(struct measure *measure, const cop_kind *kind,
                                 const char *value, unsigned depth_left);

/* A struct that points at nothing is not walked, and its own levels count all the same: a reader counts them. */
static cop_status measure_plain(const cop_kind *kind, unsigned depth_left)
{
        if (depth_left-- == 0)
                return COP_E_TOO_DEEP;
        cop_status status = COP_OK;
        for (size_t i = 0; i < kind->field_count && status == COP_OK; i++) {
                const cop_field *field = &kind->fields[i];
                unsigned inside = field->shape != COP_FIELD_ONE;
                if (inside > depth_left)
                        status = COP_E_TOO_DEEP;
                else if (field->type == COP_FIELD_NESTED)
                        status = measure_plain(field->kind, depth_left - inside);
        }
        return status;
}

COP__INLINE cop_status measure_item(struct measure *measure, const cop_field *field, const char *item,
                                    unsigned depth_left)
{
        const void *at = item;
        switch (field->type) {
        case COP_FIELD_SYMBOL:
                return add_symbol(measure, at);
        case COP_FIELD_TEXT:
                return add_text(measure, ((const cop_text *)at)->data,
                                ((const cop_text *)at)->size);
        case COP_FIELD_TERM:
                return add_term(measure, at);
        case COP_FIELD_BYTES:
                return add_bytes(measure, at);
        default: /* COP_FIELD_NESTED: the others are flat */
                return field->kind->plain ? measure_plain(field->kind, depth_left)
                                          : measure_struct(measure, field->kind, item, depth_left);
        }
}

/* A field that is an array. */
static COP__NOINLINE cop_status measure_array(struct measure *measure, const cop_field *field,
                                              const char *value, unsigned depth_left)
{
        struct cop__items items = cop__field_items(field, value);
        size_t item_size = cop__field_item_size(field);
        cop_status status = COP_OK;
        if (depth_left-- == 0)
                return COP_E_TOO_DEEP;
        if (field->shape == COP_FIELD_ITEMS) {
                if (!items.at && items.count > 0)
                        return COP_E_BAD_ARGUMENT;
                status = add(&measure->block, items.count, item_size);
        }
        if (status == COP_OK && field->type == COP_FIELD_NESTED && field->kind->plain && items.count > 0)
                return measure_plain(field->kind, depth_left);
        if (!cop__field_points(field))
                return status;
        for (size_t i = 0; i < items.count && status == COP_OK; i++)
                status = measure_item(measure, field, items.at + i * item_size, depth_left);
        return status;
}

static cop_status measure_struct(struct measure *measure, const cop_kind *kind,
                                 const char *value, unsigned depth_left)
{
        if (depth_left == 0)
                return COP_E_TOO_DEEP;
        cop_status status = COP_OK;
        const cop_field *end = kind->fields + kind->field_count;
        for (const cop_field *field = kind->fields; field < end && status == COP_OK; field++)
                if (cop__field_is_flat(field))
                        continue;
                else if (COP__UNLIKELY(field->shape != COP_FIELD_ONE))
                        status = measure_array(measure, field, value, depth_left - 1);
                else
                        status = measure_item(measure, field, value + field->offset, depth_left - 1);
        return status;
}

cop_status cop__flat_size_slow(const cop_kind *kind, const void *value, size_t *size)
{
        struct measure measure = { 0 };
        cop_status status = add(&measure.block, 1, kind->size);
        if (status == COP_OK)
                status = measure_struct(&measure, kind, value, COP_TERM_DEPTH_MAX);
        if (status != COP_OK)
                return status;
        if (measure.block + measure.shared > COP_MESSAGE_SIZE_MAX)
                return COP_E_TOO_BIG;
        *size = measure.block;
        return COP_OK;
}

size_t cop__flat_shared(const cop_kind *kind, const void *block)
{
        struct measure measure = { 0 };
        if (kind->counted) /* it was measured before, so this cannot fail */
                (void)measure_struct(&measure, kind, block, COP_TERM_DEPTH_MAX);
        return measure.shared;
}

/* ---- Copying -------------------------------------------------------------------------- */

struct copy {
        char *at;    /* in the block, 8-aligned: where the next part goes */
        bool failed; /* a buffer could not be made; what goes on is only good for dropping */
};

static void *put(struct copy *copy, const void *part, size_t size)
{
        char *at = copy->at;
        memcpy(at, part, size);
        copy->at += COP__ROUND_UP_8(size);
        return at;
}

static const char *put_text(struct copy *copy, const char *text, size_t size)
{
        if (size == 0)
                return "";
        char *at = copy->at;
        memcpy(at, text, size);
        at[size] = '\0';
        copy->at += COP__ROUND_UP_8(size + 1);
        return at;
}

static cop_bytes share(struct copy *copy, cop_bytes bytes)
{
        if (bytes.buffer) {
                cop_buffer_take(bytes.buffer);
                return bytes;
        }
        cop_buffer *buffer = cop__buffer_of(bytes.data, bytes.size);
        if (!buffer) {
                copy->failed = true;
                return (cop_bytes){ NULL, 0, NULL };
        }
        return cop_buffer_bytes(buffer);
}

static void turn_bytes(struct copy *copy, cop_bytes *bytes)
{
        static const uint8_t nothing[1];
        if (is_shared(bytes))
                *bytes = share(copy, *bytes);
        else if (bytes->size == 0)
                *bytes = cop_bytes_of(nothing, 0);
        else
                bytes->data = put(copy, bytes->data, bytes->size);
}

static void turn_struct(struct copy *copy, const cop_kind *kind, char *value);

COP__INLINE void turn_item(struct copy *copy, const cop_field *field, char *item)
{
        void *at = item;
        cop_symbol *symbol = at;
        cop_text *text = at;
        cop_term *term = at;
        switch (field->type) {
        case COP_FIELD_SYMBOL:
                symbol->text = put_text(copy, symbol->text, symbol->size);
                break;
        case COP_FIELD_TEXT:
                text->data = put_text(copy, text->data, text->size);
                break;
        case COP_FIELD_TERM:
                *term = cop__term_flatten(*term, &copy->at);
                break;
        case COP_FIELD_BYTES:
                turn_bytes(copy, at);
                break;
        case COP_FIELD_NESTED:
                turn_struct(copy, field->kind, item);
                break;
        }
}

/* A field that is an array. */
static COP__NOINLINE void turn_array(struct copy *copy, const cop_field *field, char *value)
{
        struct cop__items items = cop__field_items(field, value);
        size_t item_size = cop__field_item_size(field);
        if (field->shape == COP_FIELD_ITEMS) {
                if (items.count == 0)
                        items.at = NULL;
                else
                        items.at = put(copy, items.at, items.count * item_size);
                memcpy(value + field->offset, &items, sizeof items);
        }
        if (!cop__field_points(field))
                return;
        char *at = (char *)(uintptr_t)items.at;
        for (size_t i = 0; i < items.count; i++)
                turn_item(copy, field, at + i * item_size);
}

static void turn_struct(struct copy *copy, const cop_kind *kind, char *value)
{
        if (kind->plain)
                return;
        const cop_field *end = kind->fields + kind->field_count;
        for (const cop_field *field = kind->fields; field < end; field++)
                if (cop__field_is_flat(field))
                        continue;
                else if (COP__UNLIKELY(field->shape != COP_FIELD_ONE))
                        turn_array(copy, field, value);
                else
                        turn_item(copy, field, value + field->offset);
}

cop_status cop__flat_copy_slow(const cop_kind *kind, void *block, const void *value)
{
        struct copy copy = { .at = block, .failed = false };
        put(&copy, value, kind->size);
        turn_struct(&copy, kind, block);
        if (!copy.failed)
                return COP_OK;
        cop__flat_drop(kind, block);
        return COP_E_NO_MEMORY;
}

/* ---- Dropping ------------------------------------------------------------------------- */

COP__INLINE void drop_item(const cop_field *field, const char *item)
{
        if (field->type == COP_FIELD_BYTES)
                cop_buffer_drop(((const cop_bytes *)(const void *)item)->buffer);
        else
                cop__flat_drop_slow(field->kind, (void *)(uintptr_t)item);
}

static void drop_items(const cop_field *field, const char *value)
{
        struct cop__items items = cop__field_items(field, value);
        size_t item_size = cop__field_item_size(field);
        for (size_t i = 0; i < items.count; i++)
                drop_item(field, items.at + i * item_size);
}

COP__INLINE void drop_field(const cop_field *field, const char *value)
{
        if (field->type != COP_FIELD_BYTES &&
            (field->type != COP_FIELD_NESTED || !field->kind->counted))
                return;
        if (field->shape == COP_FIELD_ONE)
                drop_item(field, value + field->offset);
        else
                drop_items(field, value);
}

void cop__flat_drop_slow(const cop_kind *kind, void *block)
{
        const cop_field *end = kind->fields + kind->field_count;
        for (const cop_field *field = kind->fields; field < end; field++)
                drop_field(field, block);
}
