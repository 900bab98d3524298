/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * From a value to its term: {line, {point, 0, 0}, {point, 3, 4}, 7}.
 *
 * The tuples and lists are put together in scratch memory, with texts and bytes still in the
 * value, and then copied as any term is.
 */
#include "mailbox/kind.h"

#include "base/utf8.h"
#include "mailbox/field.h"
#include "mailbox/scratch.h"
#include "mailbox/term.h"

static cop_term struct_term(struct cop__scratch *scratch, const cop_kind *kind, const char *value);

/* What is no UTF-8 is shown all the same: as the bytes that it is. */
static cop_term text_term(const char *text, size_t size)
{
        bool valid = cop__utf8_valid(text, size);
        return cop__term_of_bytes(valid ? COP_TERM_TEXT : COP_TERM_BINARY, text, size);
}

static cop_term item_term(struct cop__scratch *scratch, const cop_field *field, const char *item)
{
        const void *at = item;
        const cop_symbol *symbol = at;
        const cop_text *text = at;
        const cop_bytes *bytes = at;
        switch (field->type) {
        case COP_FIELD_INT8:
                return cop_int(*(const int8_t *)at);
        case COP_FIELD_INT16:
                return cop_int(*(const int16_t *)at);
        case COP_FIELD_INT32:
                return cop_int(*(const int32_t *)at);
        case COP_FIELD_INT64:
                return cop_int(*(const int64_t *)at);
        case COP_FIELD_UINT8:
                return cop_int(*(const uint8_t *)at);
        case COP_FIELD_UINT16:
                return cop_int(*(const uint16_t *)at);
        case COP_FIELD_UINT32:
                return cop_int(*(const uint32_t *)at);
        case COP_FIELD_UINT64:
                return cop_natural(*(const uint64_t *)at);
        case COP_FIELD_FLOAT:
                return cop_float((double)*(const float *)at);
        case COP_FIELD_DOUBLE:
                return cop_float(*(const double *)at);
        case COP_FIELD_BOOL:
                return cop_bool(*(const uint8_t *)at != 0); /* whatever its sender left in it */
        case COP_FIELD_PID:
                return cop_pid_term(*(const cop_pid *)at);
        case COP_FIELD_REF:
                return cop_ref_term(*(const cop_ref *)at);
        case COP_FIELD_CHARS:
                return text_term(item, strnlen(item, field->count));
        case COP_FIELD_SYMBOL:
                return cop__term_of_bytes(COP_TERM_ATOM, symbol->text, symbol->size);
        case COP_FIELD_TEXT:
                return text_term(text->data, text->size);
        case COP_FIELD_TERM:
                return *(const cop_term *)at;
        case COP_FIELD_BYTES:
                return cop__term_of_bytes(COP_TERM_BINARY, bytes->data, bytes->size);
        default:
                return struct_term(scratch, field->kind, item);
        }
}

static cop_term field_term(struct cop__scratch *scratch, const cop_field *field, const char *value)
{
        struct cop__items items = cop__field_items(field, value);
        if (field->shape == COP_FIELD_ONE)
                return item_term(scratch, field, items.at);
        size_t item_size = cop__field_item_size(field);
        cop_term *each = cop__scratch_take(scratch, items.count, sizeof *each);
        if (!each || items.count == 0)
                return cop_nil();
        for (size_t i = 0; i < items.count && scratch->status == COP_OK; i++)
                each[i] = item_term(scratch, field, items.at + i * item_size);
        return cop_list_of(each, items.count);
}

static cop_term struct_term(struct cop__scratch *scratch, const cop_kind *kind, const char *value)
{
        size_t count = (size_t)kind->field_count + 1;
        cop_term *each = cop__scratch_take(scratch, count, sizeof *each);
        if (!each)
                return cop_nil();
        each[0] = cop_atom(kind->name);
        for (size_t i = 0; i < kind->field_count; i++)
                each[i + 1] = field_term(scratch, &kind->fields[i], value);
        return cop_tuple_of(each, count);
}

cop_status cop__kind_to_term_within(const cop_kind *kind, const void *value, size_t memory_max,
                                    cop_term *term)
{
        /* Only what could be sent is walked: that is what bounds this. */
        size_t size;
        cop_status status = cop__flat_size(kind, value, &size);
        if (status != COP_OK)
                return status;
        struct cop__scratch scratch;
        cop__scratch_init(&scratch);
        scratch.limit = memory_max;
        cop_term whole = struct_term(&scratch, kind, value);
        status = scratch.status;
        if (status == COP_OK)
                status = cop_term_copy(whole, term);
        cop__scratch_fini(&scratch);
        return status;
}

cop_status cop__kind_to_term(const cop_kind *kind, const void *value, cop_term *term)
{
        return cop__kind_to_term_within(kind, value, COP_MESSAGE_SIZE_MAX, term);
}
