/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Erlang's bytes as terms. See external.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "distribution/external.h"
#include "distribution/external_tags.h"

/* Bytes of a float that is said as a text, the last of them zeros; and more than it ever has as its exponent. */
#define FLOAT_TEXT 31
#define FLOAT_EXPONENT 999

/* ---- Memory ---------------------------------------------------------------------------- */

#define BLOCK_SIZE ((size_t)4096)

struct cop__reader_block {
        struct cop__reader_block *before;
        size_t used, size;
        max_align_t bytes[];
};

void cop__reader_begin(struct cop__reader *reader, struct cop__network *network, const void *bytes, size_t size,
                       size_t memory_max)
{
        *reader = (struct cop__reader){ .at = bytes, .end = (const uint8_t *)bytes + size, .network = network,
                                        .memory_left = memory_max };
}

void cop__reader_end(struct cop__reader *reader)
{
        while (reader->blocks != NULL) {
                struct cop__reader_block *block = reader->blocks;
                reader->blocks = block->before;
                free(block);
        }
}

static cop_status take(struct cop__reader *reader, size_t size, void *result)
{
        struct cop__reader_block *block = reader->blocks;
        size = (size + 15) & ~(size_t)15;
        if (block == NULL || block->size - block->used < size) {
                size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
                if (room > reader->memory_left)
                        return COP_E_TOO_BIG;
                block = cop__malloc(sizeof(*block) + room);
                if (block == NULL)
                        return COP_E_NO_MEMORY;
                *block = (struct cop__reader_block){ reader->blocks, 0, room };
                reader->blocks = block;
                reader->memory_left -= room;
        }
        void *at = (char *)block->bytes + block->used;
        memcpy(result, &at, sizeof(at));
        block->used += size;
        return COP_OK;
}

/* ---- Bytes -------------------------------------------------------------------------------- */

static size_t left(const struct cop__reader *reader)
{
        return (size_t)(reader->end - reader->at);
}

static bool get_word(struct cop__reader *reader, unsigned bytes, uint64_t *word)
{
        uint64_t value = 0;
        if (left(reader) < bytes)
                return false;
        for (unsigned i = 0; i < bytes; i++)
                value = value << 8 | *reader->at++;
        *word = value;
        return true;
}

static bool get_bytes(struct cop__reader *reader, size_t size, const uint8_t **bytes)
{
        if (left(reader) < size)
                return false;
        *bytes = reader->at;
        reader->at += size;
        return true;
}

/* A count of so many bytes, then as many bytes. */
static bool get_counted(struct cop__reader *reader, unsigned width, const uint8_t **bytes, uint64_t *size)
{
        return get_word(reader, width, size) && get_bytes(reader, (size_t)*size, bytes);
}

/* ---- Names ----------------------------------------------------------------------------------- */

static cop_status text_of_latin1(struct cop__reader *reader, const uint8_t *bytes, size_t size, const char **text,
                                 size_t *text_size)
{
        char *copy;
        size_t at = 0;
        cop_status status = take(reader, 2 * size + 1, &copy);
        if (status != COP_OK)
                return status;
        for (size_t i = 0; i < size; i++)
                at += cop__utf8_write(bytes[i], copy + at);
        *text = copy;
        *text_size = at;
        return COP_OK;
}

static cop_status get_atom(struct cop__reader *reader, unsigned tag, const char **name, size_t *size)
{
        const uint8_t *bytes;
        uint64_t count;
        bool wide = tag == TAG_ATOM || tag == TAG_ATOM_UTF8;
        if (!get_counted(reader, wide ? 2 : 1, &bytes, &count))
                return COP_E_MALFORMED;
        if (tag == TAG_ATOM || tag == TAG_SMALL_ATOM) {
                cop_status status = text_of_latin1(reader, bytes, (size_t)count, name, size);
                if (status != COP_OK)
                        return status;
        } else {
                *name = (const char *)bytes;
                *size = (size_t)count;
                if (!cop__utf8_valid(*name, *size))
                        return COP_E_MALFORMED;
        }
        return *size <= COP_SYMBOL_MAX ? COP_OK : COP_E_TOO_BIG;
}

static bool is_atom_tag(uint64_t tag)
{
        return tag == TAG_ATOM || tag == TAG_SMALL_ATOM || tag == TAG_ATOM_UTF8 || tag == TAG_SMALL_ATOM_UTF8;
}

static cop_status get_name(struct cop__reader *reader, const char **name, size_t *size)
{
        uint64_t tag;
        if (!get_word(reader, 1, &tag) || !is_atom_tag(tag))
                return COP_E_MALFORMED;
        return get_atom(reader, (unsigned)tag, name, size);
}

static cop_status get_pid(struct cop__reader *reader, unsigned creation_bytes, cop_term *term)
{
        struct cop__wire_pid wire;
        uint64_t id, serial, creation;
        cop_status status = get_name(reader, &wire.name, &wire.name_size);
        if (status == COP_OK && (!get_word(reader, 4, &id) || !get_word(reader, 4, &serial) ||
                                 !get_word(reader, creation_bytes, &creation)))
                status = COP_E_MALFORMED;
        if (status != COP_OK)
                return status;
        wire.id = (uint32_t)id;
        wire.serial = (uint32_t)serial;
        wire.creation = (uint32_t)creation;
        cop_pid pid;
        status = cop__pid_of_wire(reader->network, &wire, &pid);
        if (status == COP_OK)
                *term = cop_pid_term(pid);
        return status;
}

static cop_status get_ref(struct cop__reader *reader, unsigned creation_bytes, cop_term *term)
{
        struct cop__wire_ref wire = { 0 };
        uint64_t count, creation, word;
        if (!get_word(reader, 2, &count) || count == 0 || count > COP__REF_WORDS)
                return COP_E_MALFORMED;
        cop_status status = get_name(reader, &wire.name, &wire.name_size);
        if (status == COP_OK && !get_word(reader, creation_bytes, &creation))
                status = COP_E_MALFORMED;
        for (uint32_t i = 0; status == COP_OK && i < count; i++) {
                if (!get_word(reader, 4, &word))
                        status = COP_E_MALFORMED;
                else
                        wire.words[i] = (uint32_t)word;
        }
        if (status != COP_OK)
                return status;
        wire.count = (uint32_t)count;
        wire.creation = (uint32_t)creation;
        cop_ref ref;
        status = cop__ref_of_wire(reader->network, &wire, &ref);
        if (status == COP_OK)
                *term = cop_ref_term(ref);
        return status;
}

/* ---- What no term can hold ---------------------------------------------------------------------- */

/* Passes over `count` terms. Each container adds its items to what is still to come, and none has more than there are bytes. */
static bool skip(struct cop__reader *reader, uint64_t count)
{
        const uint8_t *bytes;
        uint64_t tag, size, more;
        while (count-- > 0) {
                if (count > left(reader) || !get_word(reader, 1, &tag))
                        return false;
                more = 0;
                switch (tag) {
                case TAG_SMALL_INTEGER:
                        if (!get_bytes(reader, 1, &bytes))
                                return false;
                        break;
                case TAG_INTEGER:
                        if (!get_bytes(reader, 4, &bytes))
                                return false;
                        break;
                case TAG_NEW_FLOAT:
                        if (!get_bytes(reader, 8, &bytes))
                                return false;
                        break;
                case TAG_FLOAT:
                        if (!get_bytes(reader, FLOAT_TEXT, &bytes))
                                return false;
                        break;
                case TAG_SMALL_ATOM:
                case TAG_SMALL_ATOM_UTF8:
                        if (!get_counted(reader, 1, &bytes, &size))
                                return false;
                        break;
                case TAG_ATOM:
                case TAG_ATOM_UTF8:
                case TAG_STRING:
                        if (!get_counted(reader, 2, &bytes, &size))
                                return false;
                        break;
                case TAG_BINARY:
                        if (!get_counted(reader, 4, &bytes, &size))
                                return false;
                        break;
                case TAG_BITS:
                        if (!get_word(reader, 4, &size) || !get_bytes(reader, (size_t)size + 1, &bytes))
                                return false;
                        break;
                case TAG_SMALL_BIG:
                        if (!get_word(reader, 1, &size) || !get_bytes(reader, (size_t)size + 1, &bytes))
                                return false;
                        break;
                case TAG_LARGE_BIG:
                        if (!get_word(reader, 4, &size) || !get_bytes(reader, (size_t)size + 1, &bytes))
                                return false;
                        break;
                case TAG_NIL:
                        break;
                case TAG_SMALL_TUPLE:
                        if (!get_word(reader, 1, &more))
                                return false;
                        break;
                case TAG_LARGE_TUPLE:
                        if (!get_word(reader, 4, &more))
                                return false;
                        break;
                case TAG_LIST:
                        if (!get_word(reader, 4, &more))
                                return false;
                        more++;
                        break;
                case TAG_MAP:
                        if (!get_word(reader, 4, &more))
                                return false;
                        more *= 2;
                        break;
                case TAG_EXPORT:
                        more = 3;
                        break;
                case TAG_NEW_FUN: /* its size counts itself */
                        if (!get_word(reader, 4, &size) || size < 4 || !get_bytes(reader, (size_t)size - 4, &bytes))
                                return false;
                        break;
                case TAG_PID:
                case TAG_NEW_PID: {
                        const char *name;
                        size_t name_size;
                        if (get_name(reader, &name, &name_size) != COP_OK || !get_bytes(reader, tag == TAG_PID ? 9 : 12, &bytes))
                                return false;
                        break;
                }
                case TAG_PORT:
                case TAG_NEW_PORT:
                case TAG_V4_PORT: {
                        const char *name;
                        size_t name_size, rest = tag == TAG_PORT ? 5 : tag == TAG_NEW_PORT ? 8 : 12;
                        if (get_name(reader, &name, &name_size) != COP_OK || !get_bytes(reader, rest, &bytes))
                                return false;
                        break;
                }
                case TAG_NEW_REFERENCE:
                case TAG_NEWER_REFERENCE: {
                        const char *name;
                        size_t name_size;
                        if (!get_word(reader, 2, &size) || get_name(reader, &name, &name_size) != COP_OK ||
                            !get_bytes(reader, (tag == TAG_NEW_REFERENCE ? 1 : 4) + 4 * (size_t)size, &bytes))
                                return false;
                        break;
                }
                default:
                        return false;
                }
                if (more > left(reader))
                        return false;
                count += more;
        }
        return true;
}

/* {'$erlang', Bytes}: from `first` on. */
static cop_status get_opaque(struct cop__reader *reader, const uint8_t *first, cop_term *term)
{
        cop_term *items;
        reader->at = first;
        if (!skip(reader, 1))
                return COP_E_MALFORMED;
        cop_status status = take(reader, 2 * sizeof(*items), &items);
        if (status != COP_OK)
                return status;
        items[0] = cop_atom("$erlang");
        items[1] = cop_binary(first, (size_t)(reader->at - first));
        *term = cop_tuple_of(items, 2);
        return COP_OK;
}

/* ---- Numbers ----------------------------------------------------------------------------------------- */

/* One beyond 64 bits is opaque. */
static cop_status get_big(struct cop__reader *reader, const uint8_t *first, unsigned width, cop_term *term)
{
        const uint8_t *bytes;
        uint64_t count, negative, value = 0;
        if (!get_word(reader, width, &count) || !get_word(reader, 1, &negative) || negative > 1 ||
            !get_bytes(reader, (size_t)count, &bytes))
                return COP_E_MALFORMED;
        while (count > 0 && bytes[count - 1] == 0)
                count--;
        if (count > 8)
                return get_opaque(reader, first, term);
        for (uint64_t i = count; i > 0; i--)
                value = value << 8 | bytes[i - 1];
        if (negative && value > (uint64_t)INT64_MAX + 1)
                return get_opaque(reader, first, term);
        *term = negative ? cop_int((int64_t)(0 - value)) : cop_natural(value);
        return COP_OK;
}

/* "1.50000000000000000000e+00", as a whole number with an exponent: what strtod takes for a point is a matter of the locale. */
static bool float_of_text(const char *text, double *value)
{
        char whole[FLOAT_TEXT + 24], *end;
        const char *point = strchr(text, '.'), *mark = strchr(text, 'e');
        if (point == NULL || mark == NULL || mark < point)
                return false;
        int before = (int)(point - text), behind = (int)(mark - point) - 1;
        long exponent = strtol(mark + 1, &end, 10);
        if (end == mark + 1 || *end != '\0' || exponent < -FLOAT_EXPONENT || exponent > FLOAT_EXPONENT)
                return false;
        snprintf(whole, sizeof(whole), "%.*s%.*se%ld", before, text, behind, point + 1, exponent - behind);
        *value = strtod(whole, &end);
        return *end == '\0';
}

static cop_status get_float(struct cop__reader *reader, unsigned tag, cop_term *term)
{
        const uint8_t *bytes;
        uint64_t bits;
        double value;
        if (tag == TAG_NEW_FLOAT) {
                if (!get_word(reader, 8, &bits))
                        return COP_E_MALFORMED;
                memcpy(&value, &bits, sizeof(value));
        } else {
                char text[FLOAT_TEXT + 1] = "";
                if (!get_bytes(reader, FLOAT_TEXT, &bytes))
                        return COP_E_MALFORMED;
                memcpy(text, bytes, FLOAT_TEXT);
                if (!float_of_text(text, &value))
                        return COP_E_MALFORMED;
        }
        if (!isfinite(value))
                return COP_E_MALFORMED;
        *term = cop_float(value);
        return COP_OK;
}

/* ---- Lists and texts ------------------------------------------------------------------------------------ */

static bool is_printable(uint64_t point)
{
        return (point >= ' ' && point < 0x7f) || (point >= 0xa0 && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff)) ||
               (point >= '\b' && point <= '\r') || point == 0x1b;
}

/* A text, or a list of small integers: they look the same on the wire. */
static cop_status get_string(struct cop__reader *reader, cop_term *term)
{
        const uint8_t *bytes;
        const char *text;
        cop_term *items;
        uint64_t size;
        size_t text_size;
        bool printable = true;
        if (!get_counted(reader, 2, &bytes, &size))
                return COP_E_MALFORMED;
        for (uint64_t i = 0; i < size; i++)
                printable = printable && is_printable(bytes[i]);
        if (size == 0) {
                *term = cop_nil();
                return COP_OK;
        }
        if (printable) {
                cop_status status = text_of_latin1(reader, bytes, (size_t)size, &text, &text_size);
                if (status == COP_OK)
                        *term = (cop_term){ .type = COP_TERM_TEXT, .count = (uint32_t)text_size, .as.text = text };
                return status;
        }
        cop_status status = take(reader, (size_t)size * sizeof(*items), &items);
        if (status != COP_OK)
                return status;
        for (uint64_t i = 0; i < size; i++)
                items[i] = cop_int(bytes[i]);
        *term = cop_list_of(items, (size_t)size);
        return COP_OK;
}

/* Printable, and no STRING could have said it. */
static bool is_wide_text(const cop_term *items, size_t count)
{
        bool wide = count > UINT16_MAX;
        for (size_t i = 0; i < count; i++) {
                if (items[i].type != COP_TERM_INTEGER || items[i].as.integer < 0 || !is_printable((uint64_t)items[i].as.integer))
                        return false;
                wide = wide || items[i].as.integer > UINT8_MAX;
        }
        return wide;
}

static cop_status wide_text(struct cop__reader *reader, const cop_term *items, size_t count, cop_term *term)
{
        char *text;
        size_t at = 0;
        cop_status status = take(reader, COP__UTF8_MAX * count + 1, &text);
        if (status != COP_OK)
                return status;
        for (size_t i = 0; i < count; i++)
                at += cop__utf8_write((uint32_t)items[i].as.integer, text + at);
        *term = (cop_term){ .type = COP_TERM_TEXT, .count = (uint32_t)at, .as.text = text };
        return COP_OK;
}

static cop_status get_term(struct cop__reader *reader, cop_term *term, unsigned depth);

static unsigned depth_max(const struct cop__reader *reader)
{
        return COP_TERM_DEPTH_MAX + reader->marks_deep;
}

static cop_status get_items(struct cop__reader *reader, uint64_t count, unsigned depth, cop_term **items)
{
        if (depth >= depth_max(reader))
                return COP_E_TOO_DEEP;
        if (count > left(reader))
                return COP_E_MALFORMED;
        cop_status status = take(reader, (size_t)count * sizeof(**items), items);
        for (uint64_t i = 0; status == COP_OK && i < count; i++)
                status = get_term(reader, &(*items)[i], depth + 1);
        return status;
}

static bool is_list(cop_term term)
{
        return term.type == COP_TERM_LIST || term.type == COP_TERM_CONS || term.type == COP_TERM_TEXT;
}

/* The items of a tail that is a list are items, too; behind all of them is what is none. */
static cop_status splice(struct cop__reader *reader, cop_term **items, uint64_t *count)
{
        cop_term tail = (*items)[*count], item, *whole;
        uint64_t all = *count;
        for (cop_term rest = tail; cop__term_next(&rest, &item);)
                all++;
        cop_status status = take(reader, (size_t)(all + 1) * sizeof(*whole), &whole);
        if (status != COP_OK)
                return status;
        memcpy(whole, *items, (size_t)*count * sizeof(*whole));
        for (uint64_t i = *count; cop__term_next(&tail, &item); i++)
                whole[i] = item;
        whole[all] = is_list(tail) ? cop_nil() : tail;
        *items = whole;
        *count = all;
        return COP_OK;
}

static cop_status get_list(struct cop__reader *reader, unsigned depth, cop_term *term)
{
        cop_term *items;
        uint64_t count;
        if (!get_word(reader, 4, &count) || count >= UINT32_MAX)
                return COP_E_MALFORMED;
        cop_status status = get_items(reader, count + 1, depth, &items);
        if (status == COP_OK && is_list(items[count]))
                status = splice(reader, &items, &count);
        if (status != COP_OK)
                return status;
        if (items[count].type != COP_TERM_NIL)
                *term = cop_cons_of(items, (size_t)count + 1);
        else if (is_wide_text(items, (size_t)count))
                return wide_text(reader, items, (size_t)count, term);
        else
                *term = cop_list_of(items, (size_t)count);
        return COP_OK;
}

static cop_status get_tuple(struct cop__reader *reader, unsigned width, unsigned depth, cop_term *term)
{
        cop_term *items;
        uint64_t count;
        if (!get_word(reader, width, &count))
                return COP_E_MALFORMED;
        cop_status status = get_items(reader, count, depth, &items);
        if (status == COP_OK)
                *term = cop_tuple_of(items, (size_t)count);
        return status;
}

static cop_status get_map(struct cop__reader *reader, unsigned depth, cop_term *term)
{
        cop_term *items;
        uint64_t count;
        if (!get_word(reader, 4, &count))
                return COP_E_MALFORMED;
        cop_status status = get_items(reader, 2 * count, depth, &items);
        if (status == COP_OK)
                *term = cop_map_of(items, (size_t)count);
        return status;
}

/* Of what may not be lost the part that would be too deep is opaque. */
static bool is_cut(struct cop__reader *reader, uint64_t tag, unsigned depth)
{
        bool has_items = tag == TAG_LIST || tag == TAG_SMALL_TUPLE || tag == TAG_LARGE_TUPLE || tag == TAG_MAP;
        if (reader->marks_deep && has_items && depth >= depth_max(reader))
                return reader->was_cut = true;
        return reader->cuts_deep && has_items && depth + 1 >= COP_TERM_DEPTH_MAX;
}

/* ---- Terms -------------------------------------------------------------------------------------------------- */

static cop_status get_term(struct cop__reader *reader, cop_term *term, unsigned depth)
{
        const uint8_t *first = reader->at, *bytes;
        uint64_t tag, word;
        const char *name;
        size_t size = 0;
        cop_status status;
        if (!get_word(reader, 1, &tag))
                return COP_E_MALFORMED;
        if (is_cut(reader, tag, depth))
                return get_opaque(reader, first, term);
        switch (tag) {
        case TAG_SMALL_INTEGER:
        case TAG_INTEGER:
                if (!get_word(reader, tag == TAG_INTEGER ? 4 : 1, &word))
                        return COP_E_MALFORMED;
                *term = cop_int(tag == TAG_INTEGER ? (int32_t)(uint32_t)word : (int64_t)word);
                return COP_OK;
        case TAG_SMALL_BIG:
                return get_big(reader, first, 1, term);
        case TAG_LARGE_BIG:
                return get_big(reader, first, 4, term);
        case TAG_NEW_FLOAT:
        case TAG_FLOAT:
                return get_float(reader, (unsigned)tag, term);
        case TAG_ATOM:
        case TAG_SMALL_ATOM:
        case TAG_ATOM_UTF8:
        case TAG_SMALL_ATOM_UTF8:
                status = get_atom(reader, (unsigned)tag, &name, &size);
                if (status == COP_E_TOO_BIG && size > COP_SYMBOL_MAX) /* of 255 characters, which are more bytes */
                        return get_opaque(reader, first, term);
                if (status == COP_OK)
                        *term = (cop_term){ .type = COP_TERM_ATOM, .count = (uint32_t)size, .as.text = name };
                return status;
        case TAG_PID:
        case TAG_NEW_PID:
                status = get_pid(reader, tag == TAG_NEW_PID ? 4 : 1, term);
                return status == COP_E_LIMIT ? get_opaque(reader, first, term) : status;
        case TAG_NEW_REFERENCE:
        case TAG_NEWER_REFERENCE:
                status = get_ref(reader, tag == TAG_NEWER_REFERENCE ? 4 : 1, term);
                return status == COP_E_LIMIT ? get_opaque(reader, first, term) : status;
        case TAG_NIL:
                *term = cop_nil();
                return COP_OK;
        case TAG_STRING:
                return get_string(reader, term);
        case TAG_LIST:
                return get_list(reader, depth, term);
        case TAG_SMALL_TUPLE:
                return get_tuple(reader, 1, depth, term);
        case TAG_LARGE_TUPLE:
                return get_tuple(reader, 4, depth, term);
        case TAG_MAP:
                return get_map(reader, depth, term);
        case TAG_BINARY:
                if (!get_counted(reader, 4, &bytes, &word))
                        return COP_E_MALFORMED;
                *term = cop_binary(bytes, (size_t)word);
                return COP_OK;
        default:
                return get_opaque(reader, first, term);
        }
}

cop_status cop__reader_term(struct cop__reader *reader, cop_term *term)
{
        uint64_t version;
        if (!get_word(reader, 1, &version) || version != COP__EXTERNAL_VERSION)
                return COP_E_MALFORMED;
        return get_term(reader, term, 0);
}
