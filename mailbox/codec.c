/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Terms as MessagePack, written with msgpack-c.
 *
 * What MessagePack has, is that: integers, floats, texts, bytes, arrays for lists, maps, true,
 * false, and nil for the atom nil. A tuple is an array that begins with a mark, so that a reader
 * who knows nothing of tuples still sees an array; atoms, pids and references are ext types.
 */
#include "mailbox/codec.h"

#include <stdlib.h>

#include "base/utf8.h"
#include "mailbox/kind.h"
#include "mailbox/term.h"

/* ---- The packer ----------------------------------------------------------------------- */

static int append(void *data, const char *bytes, size_t size)
{
        struct cop__pack *pack = data;
        if (pack->status != COP_OK)
                return -1;
        if (size > COP_MESSAGE_SIZE_MAX - pack->out.size)
                pack->status = COP_E_TOO_BIG;
        else
                cop__text_append(&pack->out, bytes, size);
        if (pack->out.failed)
                pack->status = COP_E_NO_MEMORY;
        return pack->status == COP_OK ? 0 : -1;
}

void cop__pack_init(struct cop__pack *pack)
{
        msgpack_packer_init(&pack->packer, pack, append);
        cop__text_init(&pack->out);
        pack->status = COP_OK;
}

cop_status cop__pack_take(struct cop__pack *pack, uint8_t **bytes, size_t *size)
{
        size_t taken;
        char *out = pack->status == COP_OK ? cop__text_take(&pack->out, &taken) : NULL;
        if (pack->status == COP_OK && !out)
                pack->status = COP_E_NO_MEMORY;
        cop__text_fini(&pack->out);
        if (!out)
                return pack->status;
        *bytes = (uint8_t *)out;
        *size = taken;
        return COP_OK;
}

/* ---- Pieces --------------------------------------------------------------------------- */

static bool check_utf8(struct cop__pack *pack, const char *text, size_t size)
{
        if (pack->status == COP_OK && !cop__utf8_valid(text, size))
                pack->status = COP_E_MALFORMED;
        return pack->status == COP_OK;
}

void cop__pack_text(struct cop__pack *pack, const char *text, size_t size)
{
        if (check_utf8(pack, text, size))
                msgpack_pack_str_with_body(&pack->packer, text, size);
}

void cop__pack_bytes(struct cop__pack *pack, const void *bytes, size_t size)
{
        msgpack_pack_bin_with_body(&pack->packer, bytes, size);
}

static void pack_ext(struct cop__pack *pack, enum cop__ext type, const void *bytes, size_t size)
{
        msgpack_pack_ext_with_body(&pack->packer, bytes, size, (int8_t)type);
}

void cop__pack_id(struct cop__pack *pack, enum cop__ext type, uint64_t bits)
{
        uint8_t bytes[8];
        for (unsigned i = 0; i < sizeof bytes; i++)
                bytes[i] = (uint8_t)(bits >> (56 - 8 * i));
        pack_ext(pack, type, bytes, sizeof bytes);
}

static void pack_atom(struct cop__pack *pack, cop_term atom)
{
        if (cop_is_atom(atom, "nil"))
                msgpack_pack_nil(&pack->packer);
        else if (cop_is_atom(atom, "true"))
                msgpack_pack_true(&pack->packer);
        else if (cop_is_atom(atom, "false"))
                msgpack_pack_false(&pack->packer);
        else if (atom.count > COP__ATOM_SIZE_MAX)
                pack->status = COP_E_MALFORMED;
        else if (check_utf8(pack, atom.as.text, atom.count))
                pack_ext(pack, COP__EXT_ATOM, atom.as.text, atom.count);
}

/* An array whose first item says what it stands for. */
static void pack_marked(struct cop__pack *pack, enum cop__ext mark, cop_term term)
{
        msgpack_pack_array(&pack->packer, (size_t)term.count + 1);
        pack_ext(pack, mark, "", 0);
}

static void pack_items(struct cop__pack *pack, cop_term term)
{
        size_t count = cop__term_items(term);
        for (size_t i = 0; i < count && pack->status == COP_OK; i++)
                cop__pack_term(pack, term.as.items[i]);
}

void cop__pack_term(struct cop__pack *pack, cop_term term)
{
        switch (term.type) {
        case COP_TERM_NIL:
                msgpack_pack_array(&pack->packer, 0);
                return;
        case COP_TERM_INTEGER:
                msgpack_pack_int64(&pack->packer, term.as.integer);
                return;
        case COP_TERM_NATURAL:
                msgpack_pack_uint64(&pack->packer, term.as.natural);
                return;
        case COP_TERM_FLOAT:
                msgpack_pack_double(&pack->packer, term.as.real);
                return;
        case COP_TERM_ATOM:
                pack_atom(pack, term);
                return;
        case COP_TERM_REF:
                cop__pack_id(pack, COP__EXT_REF, term.as.ref.bits);
                return;
        case COP_TERM_PID:
                cop__pack_id(pack, COP__EXT_PID, term.as.pid.bits);
                return;
        case COP_TERM_TEXT:
                cop__pack_text(pack, term.as.text, term.count);
                return;
        case COP_TERM_BINARY:
                cop__pack_bytes(pack, term.as.bytes, term.count);
                return;
        case COP_TERM_TUPLE:
                pack_marked(pack, COP__EXT_TUPLE, term);
                break;
        case COP_TERM_CONS:
                pack_marked(pack, COP__EXT_IMPROPER, term);
                break;
        case COP_TERM_LIST:
                msgpack_pack_array(&pack->packer, term.count);
                break;
        case COP_TERM_MAP:
                msgpack_pack_map(&pack->packer, term.count);
                break;
        default:
                pack->status = COP_E_MALFORMED;
                return;
        }
        pack_items(pack, term);
}

/* ---- The whole ------------------------------------------------------------------------ */

cop_status cop_term_encode(cop_term term, uint8_t **bytes, size_t *size)
{
        /* Only what could be sent is walked: that is what bounds this. */
        size_t flat;
        if (bytes == NULL || size == NULL)
                return COP_E_BAD_ARGUMENT;
        cop_status status = cop__term_flat_size(term, &flat);
        if (status != COP_OK)
                return status;
        struct cop__pack pack;
        cop__pack_init(&pack);
        cop__pack_term(&pack, term);
        return cop__pack_take(&pack, bytes, size);
}

cop_status cop_term_decode(const void *bytes, size_t size, cop_term *term)
{
        struct cop__scratch scratch;
        cop_term borrowed;
        cop__scratch_init(&scratch);
        cop_status status = cop__unpack_term(bytes, size, COP_TERM_DEPTH_MAX, &scratch, &borrowed);
        if (status == COP_OK)
                status = cop_term_copy(borrowed, term);
        cop__scratch_fini(&scratch);
        return status;
}
