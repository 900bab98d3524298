/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Pids and references as text, both ways. What is printed is the only spelling that is
 * read: decimal numbers without leading zeros, each within its field.
 */
#include "mailbox/id.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What is left to read; each reader below moves it on, or answers false. */
struct reader {
        const char *at;
        const char *end;
};

char *cop_pid_print(cop_pid pid, char text[COP_ID_TEXT_MAX])
{
        snprintf(text, COP_ID_TEXT_MAX, "<%" PRIu64 ".%" PRIu64 ".%" PRIu64 ">", cop__pid_node(pid),
                 cop__pid_slot(pid), cop__pid_generation(pid));
        return text;
}

char *cop_ref_print(cop_ref ref, char text[COP_ID_TEXT_MAX])
{
        snprintf(text, COP_ID_TEXT_MAX, "#Ref<0.%" PRIu64 ">", ref.bits);
        return text;
}

static bool read_exactly(struct reader *reader, const char *expected)
{
        size_t size = strlen(expected);
        if ((size_t)(reader->end - reader->at) < size || memcmp(reader->at, expected, size) != 0)
                return false;
        reader->at += size;
        return true;
}

/* Up to `limit`, which is at least 9. */
static bool read_number(struct reader *reader, uint64_t limit, uint64_t *number)
{
        const char *first = reader->at;
        uint64_t value = 0;
        for (; reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9'; reader->at++) {
                unsigned digit = (unsigned)(*reader->at - '0');
                if (value > (limit - digit) / 10)
                        return false;
                value = value * 10 + digit;
        }
        if (reader->at == first || (*first == '0' && reader->at - first > 1))
                return false;
        *number = value;
        return true;
}

cop_status cop_pid_parse(const char *text, size_t size, cop_pid *pid)
{
        struct reader reader = { text, text + size };
        uint64_t node, slot, generation;
        if (!read_exactly(&reader, "<") || !read_number(&reader, COP__PID_NODE_MAX, &node) ||
            !read_exactly(&reader, ".") || !read_number(&reader, COP__PID_SLOT_MAX, &slot) ||
            !read_exactly(&reader, ".") ||
            !read_number(&reader, COP__PID_GENERATION_MAX, &generation) ||
            !read_exactly(&reader, ">") || reader.at != reader.end)
                return COP_E_MALFORMED;
        *pid = cop__pid_of(node, slot, generation);
        return COP_OK;
}

cop_status cop_ref_parse(const char *text, size_t size, cop_ref *ref)
{
        struct reader reader = { text, text + size };
        uint64_t number;
        if (!read_exactly(&reader, "#Ref<0.") || !read_number(&reader, UINT64_MAX, &number) ||
            !read_exactly(&reader, ">") || reader.at != reader.end)
                return COP_E_MALFORMED;
        ref->bits = number;
        return COP_OK;
}
