/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Messages as MessagePack: the array [name, fields...], with nested messages the same, symbols as
 * texts, and whatever else as docs/messages.md says. So a program in any language sends ["bill",
 * 900, 3].
 */
#include "mailbox/codec.h"
#include "mailbox/field.h"
#include "mailbox/kind.h"
#include "mailbox/kind_read.h"
#include "mailbox/scan.h"

_Static_assert(COP__SCAN_DEPTH_MAX >= 2 * COP_TERM_DEPTH_MAX,
               "a message that is as deep as it may be can hold a term that is, too");

static void pack_struct(struct cop__pack *pack, const cop_kind *kind, const char *value);

/* A text that fills its array could not be received: there is no room for a NUL. */
static void pack_chars(struct cop__pack *pack, const cop_field *field, const char *chars)
{
        size_t size = strnlen(chars, field->count);
        if (size < field->count)
                cop__pack_text(pack, chars, size);
        else if (pack->status == COP_OK)
                pack->status = COP_E_MALFORMED;
}

static void pack_item(struct cop__pack *pack, const cop_field *field, const char *item)
{
        msgpack_packer *packer = &pack->packer;
        const void *at = item;
        const cop_symbol *symbol = at;
        const cop_text *text = at;
        const cop_bytes *bytes = at;
        switch (field->type) {
        case COP_FIELD_INT8:
                msgpack_pack_int8(packer, *(const int8_t *)at);
                break;
        case COP_FIELD_INT16:
                msgpack_pack_int16(packer, *(const int16_t *)at);
                break;
        case COP_FIELD_INT32:
                msgpack_pack_int32(packer, *(const int32_t *)at);
                break;
        case COP_FIELD_INT64:
                msgpack_pack_int64(packer, *(const int64_t *)at);
                break;
        case COP_FIELD_UINT8:
                msgpack_pack_uint8(packer, *(const uint8_t *)at);
                break;
        case COP_FIELD_UINT16:
                msgpack_pack_uint16(packer, *(const uint16_t *)at);
                break;
        case COP_FIELD_UINT32:
                msgpack_pack_uint32(packer, *(const uint32_t *)at);
                break;
        case COP_FIELD_UINT64:
                msgpack_pack_uint64(packer, *(const uint64_t *)at);
                break;
        case COP_FIELD_FLOAT:
                msgpack_pack_float(packer, *(const float *)at);
                break;
        case COP_FIELD_DOUBLE:
                msgpack_pack_double(packer, *(const double *)at);
                break;
        case COP_FIELD_BOOL:
                if (*(const uint8_t *)at)
                        msgpack_pack_true(packer);
                else
                        msgpack_pack_false(packer);
                break;
        case COP_FIELD_PID:
                cop__pack_id(pack, COP__EXT_PID, ((const cop_pid *)at)->bits);
                break;
        case COP_FIELD_REF:
                cop__pack_id(pack, COP__EXT_REF, ((const cop_ref *)at)->bits);
                break;
        case COP_FIELD_CHARS:
                pack_chars(pack, field, item);
                break;
        case COP_FIELD_SYMBOL:
                cop__pack_text(pack, symbol->text, symbol->size);
                break;
        case COP_FIELD_TEXT:
                cop__pack_text(pack, text->data, text->size);
                break;
        case COP_FIELD_TERM:
                cop__pack_term(pack, *(const cop_term *)at);
                break;
        case COP_FIELD_BYTES:
                cop__pack_bytes(pack, bytes->data, bytes->size);
                break;
        default:
                pack_struct(pack, field->kind, item);
                break;
        }
}

static void pack_field(struct cop__pack *pack, const cop_field *field, const char *value)
{
        struct cop__items items = cop__field_items(field, value);
        if (field->shape == COP_FIELD_ONE) {
                pack_item(pack, field, items.at);
                return;
        }
        size_t item_size = cop__field_item_size(field);
        /* Items that take no memory are not counted against the limit before they are packed. */
        if (items.count > COP_MESSAGE_SIZE_MAX && pack->status == COP_OK)
                pack->status = COP_E_TOO_BIG;
        msgpack_pack_array(&pack->packer, items.count);
        for (size_t i = 0; i < items.count && pack->status == COP_OK; i++)
                pack_item(pack, field, items.at + i * item_size);
}

static void pack_struct(struct cop__pack *pack, const cop_kind *kind, const char *value)
{
        msgpack_pack_array(&pack->packer, (size_t)kind->field_count + 1);
        cop__pack_text(pack, kind->name, strlen(kind->name));
        for (size_t i = 0; i < kind->field_count && pack->status == COP_OK; i++)
                pack_field(pack, &kind->fields[i], value);
}

cop_status cop__kind_encode(const cop_kind *kind, const void *value, uint8_t **bytes, size_t *size)
{
        /* Only what could be sent is walked: that is what bounds this. */
        size_t flat;
        cop_status status = cop__flat_size(kind, value, &flat);
        if (status != COP_OK)
                return status;
        struct cop__pack pack;
        cop__pack_init(&pack);
        pack_struct(&pack, kind, value);
        return cop__pack_take(&pack, bytes, size);
}

/* ---- Reading -------------------------------------------------------------------------- */

static cop_status find_kind(const cop_kinds *kinds, cop_term term, const cop_kind **kind)
{
        if ((term.type != COP_TERM_LIST && term.type != COP_TERM_TUPLE) || term.count == 0)
                return COP_E_MALFORMED;
        cop_term name = term.as.items[0];
        if (name.type != COP_TERM_TEXT && name.type != COP_TERM_ATOM)
                return COP_E_MALFORMED;
        *kind = cop__kinds_find(kinds, name.as.text, name.count);
        return *kind ? COP_OK : COP_E_NO_KIND;
}

cop_status cop__kind_decode(const cop_kinds *kinds, const void *bytes, size_t size,
                            const cop_kind **kind, void **value)
{
        struct cop__scratch scratch;
        cop_term term;
        const cop_kind *found;
        cop__scratch_init(&scratch);
        cop_status status = cop__unpack_term(bytes, size, COP__SCAN_DEPTH_MAX, &scratch, &term);
        if (status == COP_OK)
                status = find_kind(kinds, term, &found);
        if (status == COP_OK)
                status = cop__kind_read(found, term, COP__FROM_WIRE, COP_MESSAGE_SIZE_MAX, value, NULL);
        if (status == COP_OK)
                *kind = found;
        cop__scratch_fini(&scratch);
        return status;
}
