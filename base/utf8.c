/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * UTF-8. The first byte says how many follow; each of those carries six bits under the
 * mark 10. What is decoded must need as many bytes as it took, which refuses overlong
 * forms, and be no surrogate.
 */
#include "base/utf8.h"

static bool is_continuation(char byte)
{
        return ((unsigned char)byte & 0xc0) == 0x80;
}

/* Bytes that a code point takes, 0 for what is none. */
static size_t size_of_point(uint32_t point)
{
        if (point < 0x80)
                return 1;
        if (point < 0x800)
                return 2;
        if (point >= 0xd800 && point <= 0xdfff)
                return 0;
        if (point < 0x10000)
                return 3;
        return point <= COP__UTF8_LAST ? 4 : 0;
}

size_t cop__utf8_read(const char *bytes, size_t size, uint32_t *point)
{
        if (size == 0)
                return 0;
        unsigned char first = (unsigned char)bytes[0];
        if (first < 0x80) {
                *point = first;
                return 1;
        }
        size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
        if (first < 0xc0 || first > 0xf7 || length > size)
                return 0;
        uint32_t value = first & (0x7fu >> length);
        for (size_t i = 1; i < length; i++) {
                if (!is_continuation(bytes[i]))
                        return 0;
                value = value << 6 | ((unsigned char)bytes[i] & 0x3fu);
        }
        if (size_of_point(value) != length)
                return 0;
        *point = value;
        return length;
}

size_t cop__utf8_write(uint32_t point, char bytes[COP__UTF8_MAX])
{
        size_t length = size_of_point(point);
        for (size_t i = length; i > 1; i--) {
                bytes[i - 1] = (char)(0x80 | (point & 0x3f));
                point >>= 6;
        }
        if (length == 1)
                bytes[0] = (char)point;
        else if (length > 1)
                bytes[0] = (char)((0xff00u >> length & 0xff) | point);
        return length;
}

bool cop__utf8_valid(const char *bytes, size_t size)
{
        size_t at = 0;
        while (at < size) {
                uint32_t point;
                size_t length = cop__utf8_read(bytes + at, size - at, &point);
                if (length == 0)
                        return false;
                at += length;
        }
        return true;
}

size_t cop__utf8_cut(const char *bytes, size_t size, size_t limit)
{
        if (size <= limit)
                return size;
        /* Bytes that are no UTF-8 are cut anywhere: more than three back is no character. */
        size_t cut = limit;
        while (cut > 0 && limit - cut < COP__UTF8_MAX && is_continuation(bytes[cut]))
                cut--;
        return limit - cut < COP__UTF8_MAX ? cut : limit;
}
