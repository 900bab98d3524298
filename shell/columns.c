/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Tables and quantities as text. See columns.h. */
#include "shell/columns.h"

#include <string.h>

/* Between two columns. */
#define GAP "  "

void cop__columns_init(struct cop__columns *columns, const char *sides)
{
        memset(columns, 0, sizeof(*columns));
        columns->sides = sides;
        columns->count = strlen(sides);
        cop__text_init(&columns->cells);
}

void cop__columns_fini(struct cop__columns *columns)
{
        cop__text_fini(&columns->cells);
}

static size_t characters(const char *text)
{
        size_t count = 0;
        for (; *text != '\0'; text++)
                count += ((unsigned char)*text & 0xc0) != 0x80;
        return count;
}

void cop__columns_cell(struct cop__columns *columns, const char *format, ...)
{
        size_t from = columns->cells.size;
        va_list values;
        va_start(values, format);
        cop__text_vprintf(&columns->cells, format, values);
        va_end(values);
        cop__text_make_harmless(&columns->cells, from);
        size_t width = characters(cop__text_get(&columns->cells) + from);
        if (width > columns->widths[columns->at] && width <= COP__COLUMN_MAX)
                columns->widths[columns->at] = width;
        cop__text_append_char(&columns->cells, '\0');
        columns->at = (columns->at + 1) % columns->count;
}

static void append_blanks(struct cop__text *text, size_t count)
{
        while (count-- > 0)
                cop__text_append_char(text, ' ');
}

void cop__columns_print(const struct cop__columns *columns, struct cop__text *text)
{
        const char *cell = cop__text_get(&columns->cells);
        const char *end = cell + columns->cells.size;
        for (size_t at = 0; cell < end; at = (at + 1) % columns->count) {
                size_t width = characters(cell);
                size_t blanks = columns->widths[at] > width ? columns->widths[at] - width : 0;
                bool last = at + 1 == columns->count;
                if (columns->sides[at] == 'r')
                        append_blanks(text, blanks);
                cop__text_append_string(text, cell);
                if (columns->sides[at] == 'l' && !last)
                        append_blanks(text, blanks);
                cop__text_append_string(text, last ? "\n" : GAP);
                cell += strlen(cell) + 1;
        }
}

void cop__text_append_bytes(struct cop__text *text, uint64_t bytes)
{
        static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
        size_t unit = 0;
        double value = (double)bytes / 1024;
        if (bytes < 1024) {
                cop__text_printf(text, "%llu B", (unsigned long long)bytes);
                return;
        }
        for (; value >= 1024 && unit < 3; unit++)
                value /= 1024;
        cop__text_printf(text, value < 10 ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

void cop__text_append_count(struct cop__text *text, uint64_t count, const char *noun)
{
        cop__text_printf(text, "%llu %s%s", (unsigned long long)count, noun, count == 1 ? "" : "s");
}
