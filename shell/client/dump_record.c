/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* One record of a dump. See dump_record.h. */
#include "shell/client/dump_record.h"

#include <string.h>

const cop_term *record_find(const cop_term *record, const char *key)
{
        size_t size = strlen(key);
        for (uint32_t i = 0; i < record->count; i++) {
                const cop_term *name = &record->as.items[2 * i];
                if (name->type == COP_TERM_TEXT && name->count == size &&
                    memcmp(name->as.text, key, size) == 0)
                        return name + 1;
        }
        return NULL;
}

uint64_t record_number_of(const cop_term *record, const char *key)
{
        const cop_term *value = record_find(record, key);
        if (value == NULL)
                return 0;
        if (value->type == COP_TERM_NATURAL)
                return value->as.natural;
        return value->type == COP_TERM_INTEGER && value->as.integer > 0 ? (uint64_t)value->as.integer
                                                                        : 0;
}

cop_pid record_pid_of(const cop_term *record, const char *key)
{
        const cop_term *value = record_find(record, key);
        return value != NULL && value->type == COP_TERM_PID ? value->as.pid : cop_no_pid();
}

bool record_has_text(const cop_term *record, const char *key)
{
        const cop_term *value = record_find(record, key);
        return value != NULL && (value->type == COP_TERM_BINARY || value->type == COP_TERM_TEXT) &&
               value->count > 0;
}

void record_append_bytes(struct cop__text *out, const char *bytes, size_t size)
{
        if (cop__text_is_readable(bytes, size) && memchr(bytes, '\n', size) == NULL &&
            memchr(bytes, '\r', size) == NULL)
                cop__text_append(out, bytes, size);
        else
                cop__text_append_quoted(out, '"', bytes, size);
}

void record_append_text(struct cop__text *out, const cop_term *record, const char *key)
{
        if (record_has_text(record, key))
                record_append_bytes(out, record_find(record, key)->as.text, record_find(record, key)->count);
}

void record_append_pid(struct cop__text *out, cop_pid pid)
{
        char text[COP_ID_TEXT_MAX];
        cop__text_append_string(out, pid.bits != 0 ? cop_pid_print(pid, text) : "nobody");
}

bool record_is_what(const cop_term *record, const char *what)
{
        const cop_term *value = record_find(record, "what");
        return value != NULL && value->type == COP_TERM_BINARY && value->count == strlen(what) &&
               memcmp(value->as.bytes, what, value->count) == 0;
}
