/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The growing text. All writing goes through reserve(), which either finds room for the
 * whole piece or marks the text as failed, and so a piece is never half there.
 */
#include "base/text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"

#define FIRST_ROOM 64
#define ELLIPSIS "..."
#define REPLACEMENT "\xef\xbf\xbd"

void cop__text_init(struct cop__text *text)
{
        *text = (struct cop__text){ 0 };
}

void cop__text_init_fixed(struct cop__text *text, char *data, size_t room)
{
        *text = (struct cop__text){ .data = data, .room = room, .fixed = true };
        if (room > 0)
                data[0] = '\0';
}

void cop__text_fini(struct cop__text *text)
{
        if (!text->fixed)
                free(text->data);
        cop__text_init(text);
}

/* Makes room for `size` more bytes and the NUL. */
static bool reserve(struct cop__text *text, size_t size)
{
        if (text->failed)
                return false;
        if (size < text->room - text->size) /* size <= room always holds here */
                return true;
        size_t room = text->room ? text->room : FIRST_ROOM;
        while (room - text->size <= size && room <= SIZE_MAX / 2)
                room *= 2;
        char *data = room - text->size > size ? cop__realloc(text->data, room) : NULL;
        if (!data) {
                text->failed = true;
                return false;
        }
        text->data = data;
        text->room = room;
        return true;
}

static size_t space_left(const struct cop__text *text)
{
        return text->size < text->room ? text->room - text->size : 0;
}

void cop__text_append(struct cop__text *text, const char *bytes, size_t size)
{
        size_t kept = size;
        if (text->fixed) {
                size_t left = space_left(text);
                if (kept >= left)
                        kept = left ? left - 1 : 0;
        } else if (!reserve(text, size)) {
                return;
        }
        if (space_left(text) > 0) {
                if (kept > 0)
                        memcpy(text->data + text->size, bytes, kept);
                text->data[text->size + kept] = '\0';
        }
        text->size += size;
}

void cop__text_append_string(struct cop__text *text, const char *string)
{
        cop__text_append(text, string, strlen(string));
}

void cop__text_append_char(struct cop__text *text, char byte)
{
        cop__text_append(text, &byte, 1);
}

void cop__text_printf(struct cop__text *text, const char *format, ...)
{
        va_list values;
        va_start(values, format);
        cop__text_vprintf(text, format, values);
        va_end(values);
}

void cop__text_vprintf(struct cop__text *text, const char *format, va_list values)
{
        if (text->failed)
                return;
        va_list again;
        va_copy(again, values);
        size_t left = space_left(text);
        int length = vsnprintf(left ? text->data + text->size : NULL, left, format, values);
        if (length < 0) {
                /* The C library had no memory, or a wide character has no bytes here. */
                text->failed = !text->fixed;
                if (left)
                        text->data[text->size] = '\0';
        } else if (text->fixed || (size_t)length < left) {
                text->size += (size_t)length;
        } else if (reserve(text, (size_t)length)) {
                vsnprintf(text->data + text->size, (size_t)length + 1, format, again);
                text->size += (size_t)length;
        } else if (left) {
                text->data[text->size] = '\0';
        }
        va_end(again);
}

/*
 * Control characters, the marks that reorder or hide what stands around them, separators of lines, and whatever Unicode says is
 * not shown by itself (Default_Ignorable_Code_Point): fillers, joiners, selectors of variants.
 */
static bool is_invisible(uint32_t point)
{
        static const uint32_t ranges[][2] = {
                { 0xad, 0xad },     { 0x34f, 0x34f },   { 0x61c, 0x61c },     { 0x115f, 0x1160 },   { 0x17b4, 0x17b5 },
                { 0x180b, 0x180f }, { 0x200b, 0x200f }, { 0x2028, 0x202e },   { 0x2060, 0x206f },   { 0x3164, 0x3164 },
                { 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff }, { 0xffa0, 0xffa0 },   { 0xfff0, 0xfffb },   { 0x1bca0, 0x1bca3 },
                { 0x1d173, 0x1d17a }, { 0xe0000, 0xe0fff },
        };
        if (point < 0xa0)
                return point < 0x20 || point >= 0x7f;
        for (size_t i = 0; i < COP__COUNT(ranges) && point >= ranges[i][0]; i++)
                if (point <= ranges[i][1])
                        return true;
        return false;
}

static void append_escape(struct cop__text *text, uint32_t point)
{
        static const char letters[] = "\bb\tt\nn\vv\ff\rr\x1b" "e\x7f" "d";
        for (size_t i = 0; i + 1 < sizeof letters; i += 2) {
                if ((uint32_t)letters[i] == point) {
                        cop__text_append_char(text, '\\');
                        cop__text_append_char(text, letters[i + 1]);
                        return;
                }
        }
        cop__text_printf(text, "\\x{%x}", (unsigned)point);
}

void cop__text_append_quoted(struct cop__text *text, char quote, const char *bytes, size_t size)
{
        cop__text_append_char(text, quote);
        size_t done = 0;
        size_t at = 0;
        while (at < size) {
                uint32_t point = 0;
                size_t length = cop__utf8_read(bytes + at, size - at, &point);
                bool marked = point == (unsigned char)quote || point == '\\';
                if (length > 0 && !marked && !is_invisible(point)) {
                        at += length;
                        continue;
                }
                cop__text_append(text, bytes + done, at - done);
                if (length == 0)
                        cop__text_append_string(text, REPLACEMENT);
                else if (marked)
                        cop__text_append(text, (char[]){ '\\', (char)point }, 2);
                else
                        append_escape(text, point);
                at += length ? length : 1;
                done = at;
        }
        cop__text_append(text, bytes + done, at - done);
        cop__text_append_char(text, quote);
}

/* What nearly all of a text is: letters, digits and signs of ASCII. */
static size_t skip_ascii(const char *bytes, size_t at, size_t size)
{
        while (at < size && bytes[at] >= ' ' && bytes[at] <= '~')
                at++;
        return at;
}

void cop__make_harmless(char *bytes, size_t size)
{
        for (size_t at = skip_ascii(bytes, 0, size), length; at < size; at = skip_ascii(bytes, at + length, size)) {
                uint32_t point;
                length = cop__utf8_read(bytes + at, size - at, &point);
                if (length > 0 && !is_invisible(point))
                        continue;
                length = length > 0 ? length : 1;
                memset(bytes + at, '?', length);
        }
}

void cop__text_make_harmless(struct cop__text *text, size_t from)
{
        size_t end = text->size < text->room ? text->size : text->room > 0 ? text->room - 1 : 0;
        if (from < end)
                cop__make_harmless(text->data + from, end - from);
}

static bool is_spacing(uint32_t point)
{
        return point == '\t' || point == '\n' || point == '\r';
}

bool cop__text_is_readable(const char *bytes, size_t size)
{
        for (size_t at = 0; at < size;) {
                uint32_t point;
                size_t length = cop__utf8_read(bytes + at, size - at, &point);
                if (length == 0 || (is_invisible(point) && !is_spacing(point)))
                        return false;
                at += length;
        }
        return true;
}

void cop__text_end_cut(struct cop__text *text)
{
        if (text->room == 0 || text->size < text->room)
                return;
        size_t shown = text->room - 1;
        size_t dots = shown < strlen(ELLIPSIS) ? shown : strlen(ELLIPSIS);
        size_t kept = cop__utf8_cut(text->data, shown, shown - dots);
        memcpy(text->data + kept, ELLIPSIS, dots);
        text->data[kept + dots] = '\0';
}

const char *cop__text_get(const struct cop__text *text)
{
        return text->room > 0 ? text->data : "";
}

void cop__text_clear(struct cop__text *text)
{
        text->size = 0;
        text->failed = false;
        if (text->room > 0)
                text->data[0] = '\0';
}

char *cop__text_take(struct cop__text *text, size_t *size)
{
        if (!reserve(text, 0))
                return NULL;
        text->data[text->size] = '\0';
        char *data = text->data;
        if (size)
                *size = text->size;
        cop__text_init(text);
        return data;
}
