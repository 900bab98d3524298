/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A table for people to read: cells row by row, each column as wide as its widest cell.
 *
 *      cop__columns_init(&table, "llr");
 *      cop__columns_cell(&table, "%s", name);
 *      ...
 *      cop__columns_print(&table, &text);
 *
 * As with texts, a lack of memory is looked at once, at the end: the table is then shorter, and
 * `cells.failed`.
 */
#ifndef SHELL_COLUMNS_H
#define SHELL_COLUMNS_H

#include <stdint.h>

#include "base/text.h"

#define COP__COLUMNS_MAX 9

/* A cell with more characters sticks out: others are not padded to it. */
#define COP__COLUMN_MAX 128u

struct cop__columns {
        const char *sides;              /* 'l' or 'r' for each column */
        size_t count;
        size_t at;                      /* the column of the next cell */
        size_t widths[COP__COLUMNS_MAX]; /* in characters */
        struct cop__text cells;         /* each with a NUL behind it */
};

void cop__columns_init(struct cop__columns *columns, const char *sides);
void cop__columns_fini(struct cop__columns *columns);
void cop__columns_cell(struct cop__columns *columns, const char *format, ...) COP__PRINTF(2, 3);
void cop__columns_print(const struct cop__columns *columns, struct cop__text *text);

/* Bytes as people say them: 640 B, 1.2 KiB, 3.4 MiB. */
void cop__text_append_bytes(struct cop__text *text, uint64_t bytes);
/* "1 actor", "2 actors" */
void cop__text_append_count(struct cop__text *text, uint64_t count, const char *noun);

#endif
