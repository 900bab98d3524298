/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Terms as text, in Erlang's syntax, such that term_parse.c reads back an equal term.
 *
 * Nothing here depends on the locale: printf and strtod are used for digits and exponents
 * only, never with a decimal point.
 */
#include "mailbox/term.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mailbox/kind.h"

/* Digits from which on every double is told from its neighbours. */
#define FLOAT_DIGITS_MAX 17
/* A float of so many digits before the point is still written out: 123456789012345.0, 1.0e15. */
#define FLOAT_WHOLE_MAX 15
/* And with at most so many zeros behind it: 0.0001, but 1.0e-5. */
#define FLOAT_ZEROS_MAX 3

/*
 * `left` are the bytes that what is to come may still have if it were laid flat: a part that stands in many places would double
 * the text with each level.
 */
struct printer {
        struct cop__text *text;
        const cop_kinds *kinds;
        size_t left;
};

static void print(struct printer *printer, cop_term term, unsigned levels);

/* --- floats --------------------------------------------------------------- */

/* value = 0.d1d2d3... * 10^exponent, without trailing zeros; at least one digit. */
struct decimal {
        char digits[FLOAT_DIGITS_MAX + 1];
        int count;
        int exponent;
};

/* `value` is finite and not below 0. */
static void decimal_of(double value, int count, struct decimal *decimal)
{
        char text[64];
        snprintf(text, sizeof text, "%.*e", count - 1, value);
        const char *at = text;
        decimal->count = 0;
        for (; *at != 'e'; at++)
                if (*at >= '0' && *at <= '9') /* steps over any locale's point */
                        decimal->digits[decimal->count++] = *at;
        while (decimal->count > 1 && decimal->digits[decimal->count - 1] == '0')
                decimal->count--;
        decimal->digits[decimal->count] = '\0';
        decimal->exponent = atoi(at + 1) + 1;
}

static bool reads_back(const struct decimal *decimal, double value)
{
        char text[64];
        snprintf(text, sizeof text, "%se%d", decimal->digits, decimal->exponent - decimal->count);
        return strtod(text, NULL) == value;
}

static void print_zeros(struct cop__text *text, int count)
{
        for (int i = 0; i < count; i++)
                cop__text_append_char(text, '0');
}

/* d.ddde±x */
static void print_scaled(struct cop__text *text, const struct decimal *decimal)
{
        cop__text_printf(text, "%c.%se%d", decimal->digits[0],
                         decimal->count > 1 ? decimal->digits + 1 : "0", decimal->exponent - 1);
}

/* ddd.ddd: the point stands behind `exponent` digits, or before so many zeros. */
static void print_whole(struct cop__text *text, const struct decimal *decimal)
{
        int before = decimal->exponent > 0 ? decimal->exponent : 0;
        int taken = before < decimal->count ? before : decimal->count;
        cop__text_append(text, decimal->digits, (size_t)taken);
        print_zeros(text, before > 0 ? before - taken : 1);
        cop__text_append_char(text, '.');
        if (taken == decimal->count) {
                cop__text_append_char(text, '0');
                return;
        }
        print_zeros(text, before - decimal->exponent);
        cop__text_append_string(text, decimal->digits + taken);
}

void cop__float_print(struct cop__text *text, double value)
{
        if (isnan(value) || isinf(value)) {
                /* Only a term filled in by hand: the atom that cop_float would have made. */
                cop_term name = cop_float(value);
                cop__atom_print(text, name.as.text, name.count);
                return;
        }
        if (signbit(value))
                cop__text_append_char(text, '-');
        struct decimal decimal;
        int count = 1;
        do
                decimal_of(fabs(value), count, &decimal);
        while (!reads_back(&decimal, fabs(value)) && ++count <= FLOAT_DIGITS_MAX);

        if (value == 0)
                cop__text_append_string(text, "0.0");
        else if (decimal.exponent > FLOAT_WHOLE_MAX || decimal.exponent < -FLOAT_ZEROS_MAX)
                print_scaled(text, &decimal);
        else
                print_whole(text, &decimal);
}

/* --- names, texts, bytes -------------------------------------------------- */

static bool is_reserved(const char *name, size_t size)
{
        static const char *const words[] = {
                "after", "and", "andalso", "band", "begin", "bnot", "bor", "bsl", "bsr", "bxor",
                "case", "catch", "cond", "div", "else", "end", "fun", "if", "let", "maybe", "not",
                "of", "or", "orelse", "receive", "rem", "try", "when", "xor",
        };
        for (size_t i = 0; i < COP__COUNT(words); i++)
                if (strlen(words[i]) == size && memcmp(words[i], name, size) == 0)
                        return true;
        return false;
}

static bool is_name_byte(char byte)
{
        return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
               (byte >= '0' && byte <= '9') || byte == '_' || byte == '@';
}

void cop__atom_print(struct cop__text *text, const char *name, size_t size)
{
        bool bare = size > 0 && name[0] >= 'a' && name[0] <= 'z' && !is_reserved(name, size);
        for (size_t i = 1; bare && i < size; i++)
                bare = is_name_byte(name[i]);
        if (bare)
                cop__text_append(text, name, size);
        else
                cop__text_append_quoted(text, '\'', name, size);
}

static bool is_ascii(const char *bytes, size_t size)
{
        for (size_t i = 0; i < size; i++)
                if ((unsigned char)bytes[i] >= 0x80)
                        return false;
        return true;
}

/* What people wrote as text is shown as text; Erlang wants to be told that it is UTF-8. */
static void print_binary(struct cop__text *text, const uint8_t *bytes, size_t size)
{
        const char *chars = (const char *)bytes;
        cop__text_append_string(text, "<<");
        if (size > 0 && cop__text_is_readable(chars, size)) {
                cop__text_append_quoted(text, '"', chars, size);
                cop__text_append_string(text, is_ascii(chars, size) ? "" : "/utf8");
        } else {
                for (size_t i = 0; i < size; i++)
                        cop__text_printf(text, i > 0 ? ", %u" : "%u", (unsigned)bytes[i]);
        }
        cop__text_append_string(text, ">>");
}

/* Is there so much left? Then it goes. */
static bool take(struct printer *printer, cop_term term)
{
        size_t size = cop__term_own_size(term);
        if (size > printer->left)
                return false;
        printer->left -= size;
        return true;
}

/* --- containers ----------------------------------------------------------- */

static void print_items(struct printer *printer, const cop_term *items, size_t count,
                        unsigned levels)
{
        for (size_t i = 0; i < count; i++) {
                if (i > 0)
                        cop__text_append_string(printer->text, ", ");
                print(printer, items[i], levels);
        }
}

/* The kind that a tuple is a record of, or NULL. */
static const cop_kind *kind_of_tuple(const struct printer *printer, cop_term tuple)
{
        if (tuple.count == 0 || tuple.as.items[0].type != COP_TERM_ATOM)
                return NULL;
        cop_term name = tuple.as.items[0];
        const cop_kind *kind = cop__kinds_find(printer->kinds, name.as.text, name.count);
        return kind && kind->field_count == tuple.count - 1 ? kind : NULL;
}

static void print_record(struct printer *printer, const cop_kind *kind, cop_term tuple,
                         unsigned levels)
{
        struct cop__text *text = printer->text;
        cop__text_append_char(text, '#');
        cop__atom_print(text, kind->name, strlen(kind->name));
        cop__text_append_char(text, '{');
        for (size_t i = 0; i < kind->field_count; i++) {
                const char *name = kind->fields[i].name;
                cop__text_append_string(text, i > 0 ? ", " : "");
                cop__atom_print(text, name, strlen(name));
                cop__text_append_string(text, " = ");
                if (cop__kinds_is_secret(printer->kinds, name))
                        cop__text_append_string(text, "...");
                else
                        print(printer, tuple.as.items[i + 1], levels);
        }
        cop__text_append_char(text, '}');
}

static void print_tuple(struct printer *printer, cop_term tuple, unsigned levels)
{
        const cop_kind *kind = kind_of_tuple(printer, tuple);
        if (kind) {
                print_record(printer, kind, tuple, levels);
                return;
        }
        cop__text_append_char(printer->text, '{');
        print_items(printer, tuple.as.items, tuple.count, levels);
        cop__text_append_char(printer->text, '}');
}

static void print_map(struct printer *printer, cop_term map, unsigned levels)
{
        cop__text_append_string(printer->text, "#{");
        for (size_t i = 0; i < map.count; i++) {
                cop__text_append_string(printer->text, i > 0 ? ", " : "");
                print(printer, map.as.items[2 * i], levels);
                cop__text_append_string(printer->text, " => ");
                print(printer, map.as.items[2 * i + 1], levels);
        }
        cop__text_append_char(printer->text, '}');
}

/* [1 | [2, 3]] is the list [1, 2, 3], so a tail that is a list goes on with it, a level deeper. */
static void print_list(struct printer *printer, cop_term list, unsigned levels)
{
        cop__text_append_char(printer->text, '[');
        for (;; levels--) {
                bool has_tail = list.type == COP_TERM_CONS && list.count > 0;
                size_t before = has_tail ? list.count - 1 : list.count;
                print_items(printer, list.as.items, before, levels);
                if (!has_tail)
                        break;
                list = list.as.items[before];
                bool goes_on = list.type == COP_TERM_LIST || list.type == COP_TERM_CONS;
                if (!goes_on || levels == 0 || !take(printer, list)) {
                        cop__text_append_string(printer->text, " | ");
                        print(printer, list, levels);
                        break;
                }
                if (before > 0)
                        cop__text_append_string(printer->text, ", ");
        }
        cop__text_append_char(printer->text, ']');
}

/* --- any term ------------------------------------------------------------- */

static void print_leaf(struct cop__text *text, cop_term term)
{
        char id[COP_ID_TEXT_MAX];
        switch ((cop_term_type)term.type) {
        case COP_TERM_INTEGER: cop__text_printf(text, "%" PRId64, term.as.integer); return;
        case COP_TERM_NATURAL: cop__text_printf(text, "%" PRIu64, term.as.natural); return;
        case COP_TERM_FLOAT: cop__float_print(text, term.as.real); return;
        case COP_TERM_ATOM: cop__atom_print(text, term.as.text, term.count); return;
        case COP_TERM_REF: cop__text_append_string(text, cop_ref_print(term.as.ref, id)); return;
        case COP_TERM_PID: cop__text_append_string(text, cop_pid_print(term.as.pid, id)); return;
        case COP_TERM_TEXT: cop__text_append_quoted(text, '"', term.as.text, term.count); return;
        case COP_TERM_BINARY: print_binary(text, term.as.bytes, term.count); return;
        case COP_TERM_NIL:
        case COP_TERM_TUPLE:
        case COP_TERM_MAP:
        case COP_TERM_LIST:
        case COP_TERM_CONS: break;
        }
        cop__text_append_string(text, "[]");
}

static void print(struct printer *printer, cop_term term, unsigned levels)
{
        bool is_container = cop__term_is_container(term);
        if ((is_container && levels == 0) || !take(printer, term))
                cop__text_append_string(printer->text, "...");
        else if (!is_container)
                print_leaf(printer->text, term);
        else if (term.type == COP_TERM_TUPLE)
                print_tuple(printer, term, levels - 1);
        else if (term.type == COP_TERM_MAP)
                print_map(printer, term, levels - 1);
        else
                print_list(printer, term, levels - 1);
}

void cop__term_print(struct cop__text *text, cop_term term, const cop_kinds *kinds)
{
        struct printer printer = { text, kinds, COP_MESSAGE_SIZE_MAX };
        print(&printer, term, COP_TERM_DEPTH_MAX);
}

size_t cop_term_print(cop_term term, const cop_kinds *kinds, char *text, size_t limit)
{
        struct cop__text fixed;
        cop__text_init_fixed(&fixed, text, limit);
        cop__term_print(&fixed, term, kinds);
        cop__text_end_cut(&fixed);
        return fixed.size;
}
