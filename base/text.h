/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A text that is written piece by piece.
 *
 * Writers never check anything: when memory runs out, the text keeps what it has, takes
 * nothing more and says so in `failed`, which whoever made it looks at once, at the end.
 * A fixed text writes into memory of the caller's instead, never fails, and counts also
 * what no longer fits: so one printer serves both a report of any length and snprintf's
 * contract.
 *
 *      struct cop__text text;
 *      cop__text_init(&text);
 *      cop__text_printf(&text, "** %s ended", name);
 *      puts(cop__text_get(&text));
 *      cop__text_fini(&text);
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"

/*
 * Invariants: room > 0 implies a NUL at data[min(size, room - 1)]; unless fixed,
 * size < room or both are 0. All zero is an empty growing text.
 */
struct cop__text {
        char *data;
        size_t size; /* bytes written, without the NUL; more than fit, if fixed */
        size_t room; /* bytes at data */
        bool fixed;
        bool failed;
};

void cop__text_init(struct cop__text *text);
/* Borrows `room` bytes at `data` (none is fine) until the text is done with; fini frees nothing. */
void cop__text_init_fixed(struct cop__text *text, char *data, size_t room);
void cop__text_fini(struct cop__text *text);

void cop__text_append(struct cop__text *text, const char *bytes, size_t size);
void cop__text_append_string(struct cop__text *text, const char *string);
void cop__text_append_char(struct cop__text *text, char byte);
void cop__text_printf(struct cop__text *text, const char *format, ...) COP__PRINTF(2, 3);
void cop__text_vprintf(struct cop__text *text, const char *format, va_list values)
        COP__PRINTF(2, 0);

/*
 * Bytes between quotes, escaped as Erlang does: the quote itself, the backslash, control
 * characters, and the invisible ones that reorder or hide what a terminal shows. Bytes
 * that are no UTF-8 show as the replacement character.
 */
void cop__text_append_quoted(struct cop__text *text, char quote, const char *bytes, size_t size);

/*
 * For what stands on a terminal without quotes, as one line: each byte of a control character or an invisible one, and each
 * that is no UTF-8, becomes '?'. The second does it to what was written from that place on.
 */
void cop__make_harmless(char *bytes, size_t size);
void cop__text_make_harmless(struct cop__text *text, size_t from);

/* True for valid UTF-8 of visible characters, tabs and line ends. */
bool cop__text_is_readable(const char *bytes, size_t size);

/* Lets a fixed text that got more than fits end in "...", with no half character before it. */
void cop__text_end_cut(struct cop__text *text);

/* What was written, NUL-terminated, never NULL; borrowed until the next change. */
const char *cop__text_get(const struct cop__text *text);

/* Empties it, keeps its memory, and forgives a failure. */
void cop__text_clear(struct cop__text *text);

/*
 * Hands over what was written, NUL-terminated, and leaves the text empty. `size` may be NULL.
 * Returns NULL if the text had failed or there is no memory for an empty one.
 * Ownership: the caller owns it and ends it with free(). Not for fixed texts.
 */
char *cop__text_take(struct cop__text *text, size_t *size);

#endif
