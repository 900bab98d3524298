/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * From a term to a value of a kind.
 *
 * The struct and its arrays are filled in scratch memory, with texts and bytes still in the term;
 * then the value is laid flat as if it were sent. The first field that does not fit ends it, with
 * a sentence: "pence of bill: expected an integer of 64 bits, found \"x\"".
 */
#include "mailbox/kind_read.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/utf8.h"
#include "mailbox/field.h"
#include "mailbox/scratch.h"
#include "mailbox/term.h"

/* Bytes of a term that an error shows. */
#define FOUND_MAX 48

#define NO_ITEM SIZE_MAX

struct reader {
        struct cop__scratch scratch;
        enum cop__kind_source source;
        const cop_kind *kind;   /* which is being read ... */
        const cop_field *field; /* ... and its field; NULL: the message as a whole */
        size_t item;            /* of that field, if it is an array; else NO_ITEM */
        cop_parse_error *error;
};

/* ---- What went wrong ------------------------------------------------------------------ */

static void say_where(struct cop__text *text, const struct reader *reader)
{
        if (reader->field && reader->item != NO_ITEM)
                cop__text_printf(text, "item %zu of ", reader->item + 1);
        if (reader->field)
                cop__text_printf(text, "%s of %s: ", reader->field->name, reader->kind->name);
}

/* Returns false, for the caller to return. */
static bool refuse(struct reader *reader, cop_term found, const char *format, ...)
        COP__PRINTF(3, 4);
static bool refuse(struct reader *reader, cop_term found, const char *format, ...)
{
        if (reader->scratch.status != COP_OK)
                return false;
        reader->scratch.status = COP_E_MALFORMED;
        if (!reader->error)
                return false;
        char shown[FOUND_MAX];
        struct cop__text text;
        va_list values;
        cop_term_print(found, NULL, shown, sizeof shown);
        cop__text_init_fixed(&text, reader->error->text, sizeof reader->error->text);
        say_where(&text, reader);
        cop__text_append_string(&text, "expected ");
        va_start(values, format);
        cop__text_vprintf(&text, format, values);
        va_end(values);
        cop__text_printf(&text, ", found %s", shown);
        cop__text_end_cut(&text);
        reader->error->offset = 0;
        return false;
}

/* "a point" or "{point, x, y}": the first as a field, the second alone. */
static bool refuse_struct(struct reader *reader, const cop_kind *kind, cop_term found)
{
        if (reader->field)
                return refuse(reader, found, "a %s, which is a tuple of %d", kind->name,
                              kind->field_count + 1);
        char fields[80];
        struct cop__text text;
        cop__text_init_fixed(&text, fields, sizeof fields);
        for (size_t i = 0; i < kind->field_count; i++)
                cop__text_printf(&text, ", %s", kind->fields[i].name);
        cop__text_end_cut(&text);
        return refuse(reader, found, "{%s%s}", kind->name, fields);
}

/* ---- Numbers -------------------------------------------------------------------------- */

static bool read_signed(struct reader *reader, cop_term term, unsigned bits, int64_t *value)
{
        int64_t limit = INT64_MAX >> (64 - bits);
        if (term.type != COP_TERM_INTEGER || term.as.integer > limit ||
            term.as.integer < -limit - 1)
                return refuse(reader, term, "an integer of %u bits", bits);
        *value = term.as.integer;
        return true;
}

static bool read_natural(struct reader *reader, cop_term term, unsigned bits, uint64_t *value)
{
        bool fits = term.type == COP_TERM_NATURAL ||
                    (term.type == COP_TERM_INTEGER && term.as.integer >= 0);
        *value = term.type == COP_TERM_NATURAL ? term.as.natural : (uint64_t)term.as.integer;
        if (!fits || *value > UINT64_MAX >> (64 - bits))
                return refuse(reader, term, "a natural number of %u bits", bits);
        return true;
}

/* The atoms that cop_float makes of what is not finite. */
static bool not_finite(cop_term term, double *value)
{
        if (cop_is_atom(term, "nan"))
                *value = (double)NAN;
        else if (cop_is_atom(term, "infinity"))
                *value = (double)INFINITY;
        else if (cop_is_atom(term, "-infinity"))
                *value = -(double)INFINITY;
        else
                return false;
        return true;
}

/* An integer is as good if a float of that many digits (binary ones) holds all such. */
static bool read_float(struct reader *reader, cop_term term, int digits, double limit,
                       double *value)
{
        int64_t whole = (int64_t)1 << digits;
        if (not_finite(term, value))
                return true;
        if (term.type == COP_TERM_INTEGER && term.as.integer >= -whole &&
            term.as.integer <= whole)
                *value = (double)term.as.integer;
        else if (term.type == COP_TERM_FLOAT && fabs(term.as.real) <= limit)
                *value = term.as.real;
        else
                return refuse(reader, term, "a float of %d bits", limit > FLT_MAX ? 64 : 32);
        return true;
}

static bool read_number(struct reader *reader, const cop_field *field, cop_term term, void *item)
{
        static const uint8_t bits[] = {
                [COP_FIELD_INT8] = 8,    [COP_FIELD_INT16] = 16,  [COP_FIELD_INT32] = 32,
                [COP_FIELD_INT64] = 64,  [COP_FIELD_UINT8] = 8,   [COP_FIELD_UINT16] = 16,
                [COP_FIELD_UINT32] = 32, [COP_FIELD_UINT64] = 64,
        };
        int64_t whole = 0;
        uint64_t natural = 0;
        double real = 0;
        bool fits;
        if (field->type <= COP_FIELD_INT64)
                fits = read_signed(reader, term, bits[field->type], &whole);
        else if (field->type <= COP_FIELD_UINT64)
                fits = read_natural(reader, term, bits[field->type], &natural);
        else if (field->type == COP_FIELD_FLOAT)
                fits = read_float(reader, term, FLT_MANT_DIG, (double)FLT_MAX, &real);
        else
                fits = read_float(reader, term, DBL_MANT_DIG, DBL_MAX, &real);
        if (!fits)
                return false;
        switch (field->type) {
        case COP_FIELD_INT8:
                *(int8_t *)item = (int8_t)whole;
                break;
        case COP_FIELD_INT16:
                *(int16_t *)item = (int16_t)whole;
                break;
        case COP_FIELD_INT32:
                *(int32_t *)item = (int32_t)whole;
                break;
        case COP_FIELD_INT64:
                *(int64_t *)item = whole;
                break;
        case COP_FIELD_UINT8:
                *(uint8_t *)item = (uint8_t)natural;
                break;
        case COP_FIELD_UINT16:
                *(uint16_t *)item = (uint16_t)natural;
                break;
        case COP_FIELD_UINT32:
                *(uint32_t *)item = (uint32_t)natural;
                break;
        case COP_FIELD_UINT64:
                *(uint64_t *)item = natural;
                break;
        case COP_FIELD_FLOAT:
                *(float *)item = (float)real;
                break;
        case COP_FIELD_DOUBLE:
                *(double *)item = real;
                break;
        }
        return true;
}

/* ---- Names, texts, bytes -------------------------------------------------------------- */

/* [] is "" in Erlang. A binary is a text if it is one, since that is how Elixir says texts. */
static bool is_text(cop_term term)
{
        return term.type == COP_TERM_TEXT || term.type == COP_TERM_NIL ||
               (term.type == COP_TERM_BINARY && cop__utf8_valid(term.as.text, term.count));
}

/* Bytes of the text whose code points the items are; 0 if they are none. */
static size_t size_as_text(cop_term list)
{
        char bytes[COP__UTF8_MAX];
        size_t size = 0;
        for (size_t i = 0; i < list.count; i++) {
                cop_term item = list.as.items[i];
                bool fits = item.type == COP_TERM_INTEGER && item.as.integer >= 0 && item.as.integer <= UINT32_MAX;
                size_t step = fits ? cop__utf8_write((uint32_t)item.as.integer, bytes) : 0;
                if (step == 0)
                        return 0;
                size += step;
        }
        return size;
}

static bool text_of_list(struct reader *reader, cop_term list, cop_text *text)
{
        size_t size = size_as_text(list), at = 0;
        char *bytes = size > 0 ? cop__scratch_take(&reader->scratch, 1, size) : NULL;
        if (!bytes)
                return false;
        for (size_t i = 0; i < list.count; i++)
                at += cop__utf8_write((uint32_t)list.as.items[i].as.integer, bytes + at);
        text->data = bytes;
        text->size = size;
        return true;
}

/* False: it is none, or there is no memory for it. */
static bool find_text(struct reader *reader, cop_term term, cop_text *text)
{
        if (term.type == COP_TERM_LIST && reader->source == COP__FROM_ERLANG)
                return text_of_list(reader, term, text);
        if (!is_text(term))
                return false;
        text->data = term.as.text;
        text->size = term.type == COP_TERM_NIL ? 0 : term.count;
        return true;
}

static bool read_text(struct reader *reader, cop_term term, cop_text *text)
{
        return find_text(reader, term, text) || refuse(reader, term, "a text");
}

/* Room is left for the NUL, so that what arrives is always a C string. */
static bool read_chars(struct reader *reader, const cop_field *field, cop_term term, char *chars)
{
        cop_text text = { 0, NULL };
        if (!find_text(reader, term, &text))
                text.size = field->count;
        if (text.size >= field->count || (text.size > 0 && memchr(text.data, '\0', text.size)))
                return refuse(reader, term, "a text of at most %u bytes without a NUL",
                              field->count - 1);
        if (text.size > 0)
                memcpy(chars, text.data, text.size);
        return true;
}

static bool read_symbol(struct reader *reader, cop_term term, cop_symbol *symbol)
{
        if (term.type != COP_TERM_ATOM &&
            (term.type != COP_TERM_TEXT || reader->source != COP__FROM_WIRE))
                return refuse(reader, term, "an atom");
        if (term.count > COP_SYMBOL_MAX)
                return refuse(reader, term, "an atom of at most %d bytes", COP_SYMBOL_MAX);
        symbol->text = term.as.text;
        symbol->size = term.count;
        return true;
}

static bool read_bytes(struct reader *reader, cop_term term, cop_bytes *bytes)
{
        if (term.type != COP_TERM_BINARY)
                return refuse(reader, term, "a binary");
        *bytes = cop_bytes_of(term.as.bytes, term.count);
        return true;
}

static bool read_bool(struct reader *reader, cop_term term, bool *value)
{
        *value = cop_is_atom(term, "true");
        if (!*value && !cop_is_atom(term, "false"))
                return refuse(reader, term, "true or false");
        return true;
}

/* ---- Fields --------------------------------------------------------------------------- */

static bool read_struct(struct reader *reader, const cop_kind *kind, cop_term term, char *value,
                        unsigned depth_left);

static bool read_item(struct reader *reader, const cop_field *field, cop_term term, void *item,
                      unsigned depth_left)
{
        switch (field->type) {
        case COP_FIELD_BOOL:
                return read_bool(reader, term, item);
        case COP_FIELD_PID:
                *(cop_pid *)item = term.as.pid;
                return term.type == COP_TERM_PID || refuse(reader, term, "a pid");
        case COP_FIELD_REF:
                *(cop_ref *)item = term.as.ref;
                return term.type == COP_TERM_REF || refuse(reader, term, "a reference");
        case COP_FIELD_CHARS:
                return read_chars(reader, field, term, item);
        case COP_FIELD_SYMBOL:
                return read_symbol(reader, term, item);
        case COP_FIELD_TEXT:
                return read_text(reader, term, item);
        case COP_FIELD_TERM:
                *(cop_term *)item = term;
                return true;
        case COP_FIELD_BYTES:
                return read_bytes(reader, term, item);
        case COP_FIELD_NESTED:
                return read_struct(reader, field->kind, term, item, depth_left);
        default:
                return read_number(reader, field, term, item);
        }
}

static bool is_list(const struct reader *reader, cop_term term)
{
        return term.type == COP_TERM_LIST || term.type == COP_TERM_NIL ||
               (term.type == COP_TERM_TEXT && reader->source == COP__FROM_ERLANG);
}

static size_t count_items(cop_term list)
{
        cop_term item;
        size_t count = 0;
        if (list.type == COP_TERM_LIST)
                return list.count;
        while (cop__term_next(&list, &item))
                count++;
        return count;
}

/* A list of any length gets its memory; an array has it. NULL: refused. */
static char *place_items(struct reader *reader, const cop_field *field, cop_term list, char *at)
{
        size_t count = count_items(list);
        if (!is_list(reader, list)) {
                refuse(reader, list, "a list");
                return NULL;
        }
        if (field->shape == COP_FIELD_ARRAY) {
                if (count == field->count || (count == 0 && reader->source != COP__FROM_WIRE))
                        return at;
                refuse(reader, list, "a list of %u items", field->count);
                return NULL;
        }
        struct cop__items items = { .count = count };
        items.at = cop__scratch_take(&reader->scratch, count, cop__field_item_size(field));
        memcpy(at, &items, sizeof items);
        return (char *)(uintptr_t)items.at;
}

static bool read_items(struct reader *reader, const cop_field *field, cop_term list, char *at,
                       unsigned depth_left)
{
        const cop_kind *kind = reader->kind;
        size_t item_size = cop__field_item_size(field);
        char *items = place_items(reader, field, list, at);
        if (!items)
                return false;
        cop_term item;
        for (size_t i = 0; cop__term_next(&list, &item); i++) {
                reader->kind = kind;
                reader->field = field;
                reader->item = i;
                if (!read_item(reader, field, item, items + i * item_size, depth_left))
                        return false;
        }
        return true;
}

static bool read_field(struct reader *reader, const cop_kind *kind, const cop_field *field,
                       cop_term term, char *value, unsigned depth_left)
{
        reader->kind = kind;
        reader->field = field;
        reader->item = NO_ITEM;
        if (field->shape == COP_FIELD_ONE)
                return read_item(reader, field, term, value + field->offset, depth_left);
        if (depth_left == 0) {
                reader->scratch.status = COP_E_TOO_DEEP;
                return false;
        }
        return read_items(reader, field, term, value + field->offset, depth_left - 1);
}

static bool is_name(const struct reader *reader, cop_term term, const char *name)
{
        bool atom = term.type == COP_TERM_ATOM ||
                    (term.type == COP_TERM_TEXT && reader->source == COP__FROM_WIRE);
        return atom && term.count == strlen(name) && memcmp(term.as.text, name, term.count) == 0;
}

static bool is_struct(const struct reader *reader, const cop_kind *kind, cop_term term)
{
        bool tuple = term.type == COP_TERM_TUPLE ||
                     (term.type == COP_TERM_LIST && reader->source == COP__FROM_WIRE);
        return tuple && term.count == kind->field_count + 1u &&
               is_name(reader, term.as.items[0], kind->name);
}

static bool read_struct(struct reader *reader, const cop_kind *kind, cop_term term, char *value,
                        unsigned depth_left)
{
        if (depth_left == 0) {
                reader->scratch.status = COP_E_TOO_DEEP;
                return false;
        }
        if (reader->field && term.type == COP_TERM_NIL && reader->source != COP__FROM_WIRE)
                return true; /* the memory is zeroed */
        if (!is_struct(reader, kind, term))
                return refuse_struct(reader, kind, term);
        for (size_t i = 0; i < kind->field_count; i++)
                if (!read_field(reader, kind, &kind->fields[i], term.as.items[i + 1], value,
                                depth_left - 1))
                        return false;
        return true;
}

/* ---- The whole ------------------------------------------------------------------------ */

static cop_status lay_flat(const cop_kind *kind, const void *value, void **flat)
{
        size_t size;
        cop_status status = cop__flat_size(kind, value, &size);
        if (status != COP_OK)
                return status;
        void *block = cop__malloc(size > 0 ? size : 1);
        if (!block)
                return COP_E_NO_MEMORY;
        status = cop__flat_copy(kind, block, value);
        if (status != COP_OK) {
                free(block);
                return status;
        }
        *flat = block;
        return COP_OK;
}

cop_status cop__kind_read(const cop_kind *kind, cop_term term, enum cop__kind_source source,
                          size_t memory_max, void **value, cop_parse_error *error)
{
        struct reader reader = { .source = source, .kind = kind, .item = NO_ITEM, .error = error };
        cop__scratch_init(&reader.scratch);
        reader.scratch.limit = memory_max;
        char *draft = cop__scratch_take(&reader.scratch, 1, kind->size);
        if (draft)
                read_struct(&reader, kind, term, draft, COP_TERM_DEPTH_MAX);
        cop_status status = reader.scratch.status;
        if (status == COP_OK)
                status = lay_flat(kind, draft, value);
        cop__scratch_fini(&reader.scratch);
        if (status != COP_OK && status != COP_E_MALFORMED && error) {
                error->offset = 0;
                snprintf(error->text, sizeof error->text, "%s: %s", kind->name,
                         cop_status_text(status));
        }
        return status;
}

cop_status cop__kind_from_term(const cop_kind *kind, cop_term term, void **value,
                               cop_parse_error *error)
{
        return cop__kind_read(kind, term, COP__FROM_TERM, COP_MESSAGE_SIZE_MAX, value, error);
}

cop_status cop__kind_from_term_within(const cop_kind *kind, cop_term term, size_t memory_max,
                                      void **value, cop_parse_error *error)
{
        return cop__kind_read(kind, term, COP__FROM_TERM, memory_max, value, error);
}
