/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * UTF-8, strictly: no overlong forms, no surrogates, nothing above U+10FFFF. None of
 * these allocates or reads beyond the size it is given.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The last code point. */
#define COP__UTF8_LAST 0x10ffffu

/* Bytes of the longest code point. */
#define COP__UTF8_MAX 4

/* Reads the code point at the beginning. Returns its bytes, 1 to 4, or 0 if it is none. */
size_t cop__utf8_read(const char *bytes, size_t size, uint32_t *point);

/* Writes a code point. Returns its bytes, 1 to 4, or 0 if no UTF-8 can say it. */
size_t cop__utf8_write(uint32_t point, char bytes[COP__UTF8_MAX]);

bool cop__utf8_valid(const char *bytes, size_t size);

/* How much of a text of `size` bytes to keep: at most `limit`, and no half character. */
size_t cop__utf8_cut(const char *bytes, size_t size, size_t limit);

#endif
