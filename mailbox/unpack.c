/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Foreign MessagePack read into terms.
 *
 * msgpack-c's own unpacker makes objects of its own, 32 deep at most. But its parser is a
 * template, in the installed headers, and here it is instantiated to make terms at once, as deep
 * as terms may be. It calls unpack_array and unpack_map at each header and the _item functions as
 * items are complete, innermost first.
 *
 * By then cop__scan has seen the bytes, so counts are true and memory is reserved once. An
 * open container has its slots in the scratch; the slot before them counts what has come:
 *
 *      | announced 3, received 2 | a | b | . |
 *                                  ^ as.items
 */
#include "mailbox/scan.h"

/* A level more than may be used: an empty array at the bottom asks for one, too. */
#define MSGPACK_EMBED_STACK_SIZE (COP__SCAN_DEPTH_MAX + 1)

#include <msgpack/unpack_define.h>

#include "base/utf8.h"
#include "mailbox/codec.h"
#include "mailbox/kind.h"
#include "mailbox/term.h"

/* A mark on its way into the array that it is the first item of: type MARK + its ext type. */
#define MARK 0x100u

struct reader {
        struct cop__scratch *scratch;
        cop_status status;
};

static int malformed(struct reader *reader)
{
        reader->status = COP_E_MALFORMED;
        return -1;
}

/* ---- Values --------------------------------------------------------------------------- */

static cop_term unpack_root(struct reader *reader)
{
        (void)reader;
        return cop_nil();
}

#define UNPACK(name, type, build)                                                     \
        static int unpack_##name(struct reader *reader, type value, cop_term *object) \
        {                                                                             \
                (void)reader;                                                         \
                *object = build(value);                                               \
                return 0;                                                             \
        }
UNPACK(uint8, uint8_t, cop_int)
UNPACK(uint16, uint16_t, cop_int)
UNPACK(uint32, uint32_t, cop_int)
UNPACK(uint64, uint64_t, cop_natural)
UNPACK(int8, int8_t, cop_int)
UNPACK(int16, int16_t, cop_int)
UNPACK(int32, int32_t, cop_int)
UNPACK(int64, int64_t, cop_int)
UNPACK(float, double, cop_float)
UNPACK(double, double, cop_float)
#undef UNPACK

static int unpack_nil(struct reader *reader, cop_term *object)
{
        (void)reader;
        *object = cop_atom("nil");
        return 0;
}

static int unpack_true(struct reader *reader, cop_term *object)
{
        (void)reader;
        *object = cop_bool(true);
        return 0;
}

static int unpack_false(struct reader *reader, cop_term *object)
{
        (void)reader;
        *object = cop_bool(false);
        return 0;
}

static int unpack_str(struct reader *reader, const char *whole, const char *text, unsigned size,
                      cop_term *object)
{
        (void)whole;
        if (!cop__utf8_valid(text, size))
                return malformed(reader);
        *object = cop__term_of_bytes(COP_TERM_TEXT, text, size);
        return 0;
}

static int unpack_bin(struct reader *reader, const char *whole, const char *bytes, unsigned size,
                      cop_term *object)
{
        (void)reader;
        (void)whole;
        *object = cop__term_of_bytes(COP_TERM_BINARY, bytes, size);
        return 0;
}

static uint64_t id_bits(const char *bytes)
{
        uint64_t bits = 0;
        for (size_t i = 0; i < 8; i++)
                bits = bits << 8 | (uint8_t)bytes[i];
        return bits;
}

static int unpack_mark(struct reader *reader, unsigned type, unsigned size, cop_term *object)
{
        if (size > 0)
                return malformed(reader);
        *object = (cop_term){ .type = MARK + type };
        return 0;
}

static int unpack_atom(struct reader *reader, const char *name, unsigned size, cop_term *object)
{
        if (size > COP__ATOM_SIZE_MAX || !cop__utf8_valid(name, size))
                return malformed(reader);
        *object = cop__term_of_bytes(COP_TERM_ATOM, name, size);
        return 0;
}

/* `size` counts the type byte. */
static int unpack_ext(struct reader *reader, const char *whole, const char *bytes, unsigned size,
                      cop_term *object)
{
        (void)whole;
        uint8_t type = (uint8_t)*bytes++;
        size--;
        switch (type) {
        case COP__EXT_TUPLE:
        case COP__EXT_IMPROPER:
                return unpack_mark(reader, type, size, object);
        case COP__EXT_ATOM:
                return unpack_atom(reader, bytes, size, object);
        case COP__EXT_PID:
                *object = cop_pid_term((cop_pid){ size == 8 ? id_bits(bytes) : 0 });
                break;
        case COP__EXT_REF:
                *object = cop_ref_term((cop_ref){ size == 8 ? id_bits(bytes) : 0 });
                break;
        default:
                return malformed(reader);
        }
        return size == 8 ? 0 : malformed(reader);
}

/* ---- Containers ----------------------------------------------------------------------- */

static cop_term *slots_of(const cop_term *container)
{
        return (cop_term *)(uintptr_t)container->as.items;
}

static int open_container(struct reader *reader, cop_term_type type, size_t slots,
                          cop_term *object)
{
        cop_term *head = cop__scratch_take(reader->scratch, slots + 1, sizeof *head);
        if (!head) {
                reader->status = reader->scratch->status;
                return -1;
        }
        head->as.natural = slots;
        *object = (cop_term){ .type = type, .as.items = head + 1 };
        return 0;
}

static int unpack_array(struct reader *reader, unsigned count, cop_term *object)
{
        if (count > 0)
                return open_container(reader, COP_TERM_LIST, count, object);
        *object = cop_nil();
        return 0;
}

static int unpack_map(struct reader *reader, unsigned count, cop_term *object)
{
        return open_container(reader, COP_TERM_MAP, 2 * (size_t)count, object);
}

static bool is_mark(cop_term term)
{
        return term.type >= MARK;
}

static int take_mark(struct reader *reader, cop_term *array, cop_term mark)
{
        if (slots_of(array)[-1].count != 0)
                return malformed(reader);
        array->type = mark.type == MARK + COP__EXT_TUPLE ? COP_TERM_TUPLE : COP_TERM_CONS;
        return 0;
}

/* What begins with the mark of an improper list must be one. */
static int close_array(struct reader *reader, const cop_term *array)
{
        bool ends_properly = array->count < 2 ||
                             array->as.items[array->count - 1].type == COP_TERM_NIL;
        return array->type == COP_TERM_CONS && ends_properly ? malformed(reader) : 0;
}

static int unpack_array_item(struct reader *reader, cop_term *array, cop_term item)
{
        cop_term *slots = slots_of(array);
        if (!is_mark(item))
                slots[array->count++] = item;
        else if (take_mark(reader, array, item) < 0)
                return -1;
        slots[-1].count++;
        return slots[-1].count == slots[-1].as.natural ? close_array(reader, array) : 0;
}

/* Others may send pairs in any order, but no key twice. */
static int close_map(struct reader *reader, cop_term *map)
{
        uint32_t pairs = map->count;
        *map = cop_map_of(slots_of(map), pairs);
        return map->count == pairs ? 0 : malformed(reader);
}

static int unpack_map_item(struct reader *reader, cop_term *map, cop_term key, cop_term value)
{
        cop_term *slots = slots_of(map);
        if (is_mark(key) || is_mark(value))
                return malformed(reader);
        slots[2 * (size_t)map->count] = key;
        slots[2 * (size_t)map->count + 1] = value;
        map->count++;
        return 2 * (uint64_t)map->count == slots[-1].as.natural ? close_map(reader, map) : 0;
}

/* ---- The parser ----------------------------------------------------------------------- */

#define msgpack_unpack_struct(name) struct unpack##name
#define msgpack_unpack_func(result, name) __attribute__((unused)) static result unpack##name
#define msgpack_unpack_callback(name) unpack##name
#define msgpack_unpack_object cop_term
#define msgpack_unpack_user struct reader
#include <msgpack/unpack_template.h>

static cop_status parse(const void *bytes, size_t size, struct reader *reader, cop_term *term)
{
        struct unpack_context context;
        size_t end = 0;
        context.user = *reader;
        unpack_init(&context);
        int result = unpack_execute(&context, bytes, size, &end);
        if (context.user.status != COP_OK)
                return context.user.status;
        /* A scanned value is complete; should the two ever disagree, nobody is hurt. */
        cop_term whole = unpack_data(&context);
        if (result <= 0 || end != size || is_mark(whole))
                return COP_E_MALFORMED;
        *term = whole;
        return COP_OK;
}

cop_status cop__unpack_term(const void *bytes, size_t size, unsigned depth_max,
                            struct cop__scratch *scratch, cop_term *term)
{
        struct cop__scan found;
        if (size > COP_MESSAGE_SIZE_MAX)
                return COP_E_TOO_BIG;
        cop_status status = cop__scan(bytes, size, depth_max, &found);
        if (status != COP_OK)
                return status;
        size_t slots = found.values + found.containers;
        if (slots > COP_MESSAGE_SIZE_MAX / sizeof(cop_term))
                return COP_E_TOO_BIG;
        cop__scratch_reserve(scratch, slots * sizeof(cop_term));
        struct reader reader = { scratch, scratch->status };
        return scratch->status == COP_OK ? parse(bytes, size, &reader, term) : scratch->status;
}
