/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* A message as text without memory of its own. See dump_value.h. */
#include "actors/dump_value.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/utf8.h"
#include "mailbox/id.h"
#include "mailbox/kind.h"

static int64_t read_signed(const void *at, uint8_t type)
{
        int8_t small;
        int16_t half;
        int32_t word;
        int64_t full;
        switch (type) {
        case COP_FIELD_INT8:
                memcpy(&small, at, sizeof(small));
                return small;
        case COP_FIELD_INT16:
                memcpy(&half, at, sizeof(half));
                return half;
        case COP_FIELD_INT32:
                memcpy(&word, at, sizeof(word));
                return word;
        default:
                memcpy(&full, at, sizeof(full));
                return full;
        }
}

static uint64_t read_unsigned(const void *at, uint8_t type)
{
        static const size_t sizes[] = { 1, 2, 4, 8 };
        uint64_t value = 0;
        size_t size = sizes[(type - COP_FIELD_UINT8) & 3];
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        memcpy((char *)&value + sizeof(value) - size, at, size);
#else
        memcpy(&value, at, size);
#endif
        return value;
}

/* With '?' for what a terminal would not show as it is, and for the quotes, as there is no room to escape any. */
static void add_text(struct cop__words *words, const char *text, size_t size)
{
        char shown[COP__DUMP_VALUE_TEXT + 1];
        size_t length = cop__utf8_cut(text, size, COP__DUMP_VALUE_TEXT);
        if (length > 0) /* an empty one may have no bytes */
                memcpy(shown, text, length);
        shown[length] = '\0';
        cop__make_harmless(shown, length);
        for (size_t i = 0; i < length; i++)
                if (shown[i] == '"')
                        shown[i] = '?';
        cop__words_add(words, "\"");
        cop__words_add(words, shown);
        cop__words_add(words, size > length ? "...\"" : "\"");
}

static void add_real(struct cop__words *words, double value)
{
        char text[32];
        snprintf(text, sizeof(text), "%.9g", value);
        cop__words_add(words, text);
}

static void add_plain(struct cop__words *words, uint8_t type, const void *at)
{
        char text[COP_ID_TEXT_MAX > 32 ? COP_ID_TEXT_MAX : 32];
        cop_pid pid;
        cop_text string;
        cop_symbol symbol;
        switch (type) {
        case COP_FIELD_INT8:
        case COP_FIELD_INT16:
        case COP_FIELD_INT32:
        case COP_FIELD_INT64:
                snprintf(text, sizeof(text), "%lld", (long long)read_signed(at, type));
                cop__words_add(words, text);
                return;
        case COP_FIELD_UINT8:
        case COP_FIELD_UINT16:
        case COP_FIELD_UINT32:
        case COP_FIELD_UINT64:
                snprintf(text, sizeof(text), "%llu", (unsigned long long)read_unsigned(at, type));
                cop__words_add(words, text);
                return;
        case COP_FIELD_FLOAT:
                add_real(words, (double)*(const float *)at);
                return;
        case COP_FIELD_DOUBLE:
                add_real(words, *(const double *)at);
                return;
        case COP_FIELD_BOOL:
                cop__words_add(words, *(const unsigned char *)at ? "true" : "false");
                return;
        case COP_FIELD_PID:
                memcpy(&pid, at, sizeof(pid));
                cop__words_add(words, pid.bits != 0 ? cop_pid_print(pid, text) : "nobody");
                return;
        case COP_FIELD_TEXT:
                memcpy(&string, at, sizeof(string));
                add_text(words, string.data, string.size);
                return;
        case COP_FIELD_SYMBOL:
                memcpy(&symbol, at, sizeof(symbol));
                add_text(words, symbol.text, symbol.size);
                return;
        default:
                cop__words_add(words, "...");
        }
}

static void add_field(struct cop__words *words, const cop_kinds *kinds, const cop_field *field,
                      const void *value)
{
        const char *at = (const char *)value + field->offset;
        cop__words_add(words, field->name);
        cop__words_add(words, " = ");
        if (cop__kinds_is_secret(kinds, field->name))
                cop__words_add(words, "...");
        else if (field->type == COP_FIELD_CHARS)
                add_text(words, at, strnlen(at, field->count));
        else if (field->shape != 0)
                cop__words_add(words, "[...]");
        else
                add_plain(words, field->type, at);
}

void cop__dump_value(struct cop__words *words, const cop_kinds *kinds, const cop_kind *kind,
                     const void *value)
{
        cop__words_add(words, "#");
        cop__words_add(words, kind->name);
        cop__words_add(words, "{");
        for (unsigned i = 0; i < kind->field_count; i++) {
                if (i > 0)
                        cop__words_add(words, ", ");
                if (i == COP__DUMP_VALUE_FIELDS) {
                        cop__words_add(words, "...");
                        break;
                }
                add_field(words, kinds, &kind->fields[i], value);
        }
        cop__words_add(words, "}");
}
