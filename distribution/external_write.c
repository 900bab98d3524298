/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Terms as Erlang's bytes. See external.h. */
#include <math.h>
#include <string.h>

#include "base/utf8.h"
#include "distribution/external.h"
#include "distribution/external_tags.h"

/* ---- Bytes ----------------------------------------------------------------------------- */

static uint8_t *room(struct cop__pen *pen, size_t size)
{
        if (pen->status != COP_OK)
                return NULL;
        if (!cop__tray_reserve(pen->tray, size)) {
                pen->status = COP_E_NO_MEMORY;
                return NULL;
        }
        uint8_t *at = pen->tray->data + pen->tray->end;
        pen->tray->end += size;
        return at;
}

void cop__pen_bytes(struct cop__pen *pen, const void *bytes, size_t size)
{
        uint8_t *at = room(pen, size);
        if (at != NULL && size > 0)
                memcpy(at, bytes, size);
}

void cop__pen_word(struct cop__pen *pen, unsigned bytes, uint64_t word)
{
        uint8_t *at = room(pen, bytes);
        for (unsigned i = 0; at != NULL && i < bytes; i++)
                at[i] = (uint8_t)(word >> 8 * (bytes - 1 - i));
}

void cop__pen_byte(struct cop__pen *pen, unsigned byte)
{
        cop__pen_word(pen, 1, byte);
}

void cop__pen_version(struct cop__pen *pen)
{
        cop__pen_byte(pen, COP__EXTERNAL_VERSION);
}

/* ---- Parts -------------------------------------------------------------------------------- */

void cop__pen_tuple(struct cop__pen *pen, size_t count)
{
        bool small = count <= UINT8_MAX;
        cop__pen_byte(pen, small ? TAG_SMALL_TUPLE : TAG_LARGE_TUPLE);
        cop__pen_word(pen, small ? 1 : 4, count);
}

/* What comes first is what is said of it. */
static void fail(struct cop__pen *pen, cop_status status)
{
        if (pen->status == COP_OK)
                pen->status = status;
}

/* The other side hangs up on who says an atom that is no UTF-8. */
void cop__pen_atom(struct cop__pen *pen, const char *name, size_t size)
{
        if (size > COP_SYMBOL_MAX || !cop__utf8_valid(name, size)) {
                fail(pen, COP_E_MALFORMED);
                return;
        }
        cop__pen_byte(pen, TAG_SMALL_ATOM_UTF8);
        cop__pen_byte(pen, (unsigned)size);
        cop__pen_bytes(pen, name, size);
}

static void put_big(struct cop__pen *pen, uint64_t value, bool negative)
{
        uint8_t bytes[8];
        unsigned count = 0;
        for (; value != 0; value >>= 8)
                bytes[count++] = (uint8_t)value;
        cop__pen_byte(pen, TAG_SMALL_BIG);
        cop__pen_byte(pen, count);
        cop__pen_byte(pen, negative);
        cop__pen_bytes(pen, bytes, count);
}

static void put_signed(struct cop__pen *pen, int64_t value)
{
        if (value >= 0 && value <= UINT8_MAX) {
                cop__pen_byte(pen, TAG_SMALL_INTEGER);
                cop__pen_byte(pen, (unsigned)value);
        } else if (value >= INT32_MIN && value <= INT32_MAX) {
                cop__pen_byte(pen, TAG_INTEGER);
                cop__pen_word(pen, 4, (uint64_t)value);
        } else {
                put_big(pen, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, value < 0);
        }
}

void cop__pen_integer(struct cop__pen *pen, uint64_t value)
{
        if (value <= INT64_MAX)
                put_signed(pen, (int64_t)value);
        else
                put_big(pen, value, false);
}

void cop__pen_pid(struct cop__pen *pen, cop_pid pid)
{
        struct cop__wire_pid wire;
        if (!cop__pid_to_wire(pen->network, pid, &wire)) {
                fail(pen, COP_E_NOT_FOUND);
                return;
        }
        cop__pen_byte(pen, TAG_NEW_PID);
        cop__pen_atom(pen, wire.name, wire.name_size);
        cop__pen_word(pen, 4, wire.id);
        cop__pen_word(pen, 4, wire.serial);
        cop__pen_word(pen, 4, wire.creation);
}

void cop__pen_ref(struct cop__pen *pen, cop_ref ref)
{
        struct cop__wire_ref wire;
        if (!cop__ref_to_wire(pen->network, ref, &wire)) {
                fail(pen, COP_E_NOT_FOUND);
                return;
        }
        cop__pen_byte(pen, TAG_NEWER_REFERENCE);
        cop__pen_word(pen, 2, wire.count);
        cop__pen_atom(pen, wire.name, wire.name_size);
        cop__pen_word(pen, 4, wire.creation);
        for (uint32_t i = 0; i < wire.count; i++)
                cop__pen_word(pen, 4, wire.words[i]);
}

static void put_float(struct cop__pen *pen, double value)
{
        uint64_t bits;
        if (!isfinite(value)) { /* cop_float makes none, but whoever fills in the struct may */
                fail(pen, COP_E_MALFORMED);
                return;
        }
        memcpy(&bits, &value, sizeof(bits));
        cop__pen_byte(pen, TAG_NEW_FLOAT);
        cop__pen_word(pen, 8, bits);
}

/* ---- Texts --------------------------------------------------------------------------------- */

/* How many code points; *bytes: does each fit a byte? Stops where it is no text, and the pen with it. */
static size_t measure(struct cop__pen *pen, const char *text, size_t size, bool *bytes)
{
        size_t count = 0, step;
        uint32_t point;
        *bytes = true;
        for (size_t at = 0; at < size; at += step, count++) {
                step = cop__utf8_read(text + at, size - at, &point);
                if (step == 0) {
                        fail(pen, COP_E_MALFORMED);
                        break;
                }
                *bytes = *bytes && point <= UINT8_MAX;
        }
        return count;
}

static void put_text(struct cop__pen *pen, const char *text, size_t size)
{
        bool bytes;
        size_t count = measure(pen, text, size, &bytes), at = 0;
        bool string = bytes && count <= UINT16_MAX;
        uint32_t point = 0;
        if (count == 0) {
                cop__pen_byte(pen, TAG_NIL);
                return;
        }
        cop__pen_byte(pen, string ? TAG_STRING : TAG_LIST);
        cop__pen_word(pen, string ? 2 : 4, count);
        for (size_t i = 0; i < count; i++) {
                at += cop__utf8_read(text + at, size - at, &point);
                if (string)
                        cop__pen_byte(pen, point);
                else
                        put_signed(pen, point);
        }
        if (!string)
                cop__pen_byte(pen, TAG_NIL);
}

/* ---- Terms ------------------------------------------------------------------------------------ */

static void put_term(struct cop__pen *pen, cop_term term, unsigned depth);

static void put_items(struct cop__pen *pen, const cop_term *items, size_t count, unsigned depth)
{
        for (size_t i = 0; i < count && pen->status == COP_OK; i++)
                put_term(pen, items[i], depth + 1);
}

/* How many items a list has, those of a tail that is one or a text among them; *list becomes what is behind them. */
static size_t count_items(struct cop__pen *pen, cop_term *list)
{
        cop_term item;
        size_t count = 0;
        for (;; count++) {
                bool is_text = list->type == COP_TERM_TEXT;
                if (!cop__term_next(list, &item))
                        return count;
                if (is_text && item.as.integer > COP__UTF8_LAST)
                        fail(pen, COP_E_MALFORMED);
        }
}

/* [1 | "ab"] is [1, 97, 98] to Erlang, and is said as that. */
static void put_list(struct cop__pen *pen, cop_term term, unsigned depth)
{
        cop_term tail = term, item;
        size_t count = count_items(pen, &tail);
        if (count > 0) {
                cop__pen_byte(pen, TAG_LIST);
                cop__pen_word(pen, 4, count);
        }
        while (count-- > 0 && pen->status == COP_OK && cop__term_next(&term, &item))
                put_term(pen, item, depth + 1);
        if (tail.type == COP_TERM_LIST || tail.type == COP_TERM_CONS)
                tail = cop_nil(); /* without items, as whoever fills in the struct may have it */
        put_term(pen, tail, depth + 1);
}

/* To Erlang two keys may be one, and then the map is none. */
static void put_map(struct cop__pen *pen, cop_term map, unsigned depth)
{
        if (!cop__map_is_one_abroad(map))
                fail(pen, COP_E_MALFORMED);
        cop__pen_byte(pen, TAG_MAP);
        cop__pen_word(pen, 4, map.count);
        put_items(pen, map.as.items, 2 * (size_t)map.count, depth);
}

static void put_container(struct cop__pen *pen, cop_term term, unsigned depth)
{
        if (depth >= COP_TERM_DEPTH_MAX) {
                pen->status = COP_E_TOO_DEEP;
        } else if (term.type == COP_TERM_TUPLE) {
                cop__pen_tuple(pen, term.count);
                put_items(pen, term.as.items, term.count, depth);
        } else if (term.type == COP_TERM_MAP) {
                put_map(pen, term, depth);
        } else {
                put_list(pen, term, depth);
        }
}

static void put_term(struct cop__pen *pen, cop_term term, unsigned depth)
{
        switch ((cop_term_type)term.type) {
        case COP_TERM_INTEGER:
                put_signed(pen, term.as.integer);
                return;
        case COP_TERM_NATURAL:
                cop__pen_integer(pen, term.as.natural);
                return;
        case COP_TERM_FLOAT:
                put_float(pen, term.as.real);
                return;
        case COP_TERM_ATOM:
                cop__pen_atom(pen, term.as.text, term.count);
                return;
        case COP_TERM_TEXT:
                put_text(pen, term.as.text, term.count);
                return;
        case COP_TERM_BINARY:
                cop__pen_byte(pen, TAG_BINARY);
                cop__pen_word(pen, 4, term.count);
                cop__pen_bytes(pen, term.as.bytes, term.count);
                return;
        case COP_TERM_PID:
                cop__pen_pid(pen, term.as.pid);
                return;
        case COP_TERM_REF:
                cop__pen_ref(pen, term.as.ref);
                return;
        case COP_TERM_TUPLE:
        case COP_TERM_LIST:
        case COP_TERM_CONS:
        case COP_TERM_MAP:
                put_container(pen, term, depth);
                return;
        case COP_TERM_NIL:
                break;
        }
        cop__pen_byte(pen, TAG_NIL);
}

void cop__pen_term(struct cop__pen *pen, cop_term term)
{
        if (pen->status == COP_OK)
                put_term(pen, term, 0);
}
