/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Numbers as Erlang writes them: 12, -7, 1_000, 16#ff, 1.5, 1.5e-3. An integer has 64 bits,
 * with a sign or without; larger ones are refused rather than made into floats.
 */
#include "mailbox/term_lexer.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Beyond this, an exponent makes any number that fits in memory infinite, or 0. */
#define EXPONENT_MAX INT64_C(1000000000000)

/* Digits of a base, the first of which is there, with single underscores between them; *over tells that they exceed 64 bits. */
static void read_digits(struct cop__lexer *lexer, unsigned base, uint64_t *number, bool *over)
{
        *number = 0;
        *over = false;
        for (;;) {
                unsigned digit = cop__digit_value(cop__lexer_peek(lexer, 0));
                if (digit >= base)
                        return;
                *over |= __builtin_mul_overflow(*number, (uint64_t)base, number);
                *over |= __builtin_add_overflow(*number, (uint64_t)digit, number);
                lexer->at++;
                bool goes_on = cop__digit_value(cop__lexer_peek(lexer, 1)) < base;
                if (cop__lexer_peek(lexer, 0) == '_' && goes_on)
                        lexer->at++;
        }
}

static bool found_integer(struct cop__lexer *lexer, bool negative, uint64_t number, bool over)
{
        const uint64_t lowest = (uint64_t)INT64_MAX + 1;
        if (over || (negative && number > lowest))
                return cop__lexer_refuse(lexer, COP_E_MALFORMED, lexer->token.offset,
                                         "an integer has 64 bits: it is %" PRId64 " to %" PRIu64,
                                         INT64_MIN, UINT64_MAX);
        if (!negative)
                return cop__lexer_found(lexer, cop_natural(number));
        return cop__lexer_found(lexer, cop_int(number == lowest ? INT64_MIN : -(int64_t)number));
}

/* Copies decimal digits to the scratch without their underscores. Returns how many. */
static size_t copy_digits(struct cop__lexer *lexer)
{
        uint64_t number;
        bool over;
        size_t first = lexer->at;
        read_digits(lexer, 10, &number, &over);
        size_t size = lexer->scratch.size;
        for (size_t i = first; i < lexer->at; i++)
                if (lexer->text[i] != '_')
                        cop__text_append_char(&lexer->scratch, lexer->text[i]);
        return lexer->scratch.size - size;
}

static int64_t read_exponent(struct cop__lexer *lexer)
{
        char mark = cop__lexer_peek(lexer, 0);
        bool negative = cop__lexer_peek(lexer, 1) == '-';
        size_t sign = negative || cop__lexer_peek(lexer, 1) == '+';
        bool goes_on = cop__is_digit(cop__lexer_peek(lexer, 1 + sign));
        if ((mark != 'e' && mark != 'E') || !goes_on)
                return 0;
        uint64_t number;
        bool over;
        lexer->at += 1 + sign;
        read_digits(lexer, 10, &number, &over);
        int64_t exponent = over || number > (uint64_t)EXPONENT_MAX ? EXPONENT_MAX : (int64_t)number;
        return negative ? -exponent : exponent;
}

/*
 * Digits, a point, digits. The scratch gets them as one whole number with an exponent, which
 * strtod reads in the same way in every locale.
 */
static bool lex_float(struct cop__lexer *lexer, bool negative)
{
        cop__text_clear(&lexer->scratch);
        if (negative)
                cop__text_append_char(&lexer->scratch, '-');
        copy_digits(lexer);
        lexer->at++; /* the point */
        size_t fraction = copy_digits(lexer);
        int64_t exponent = read_exponent(lexer);
        cop__text_printf(&lexer->scratch, "e%" PRId64, exponent - (int64_t)fraction);
        if (lexer->scratch.failed)
                return cop__lexer_no_memory(lexer);
        double value = strtod(cop__text_get(&lexer->scratch), NULL);
        if (isinf(value))
                return cop__lexer_refuse(lexer, COP_E_MALFORMED, lexer->token.offset,
                                         "a float is at most 1.7976931348623157e308");
        return cop__lexer_found(lexer, cop_float(value));
}

/* The number behind the base and its #. */
static bool lex_based(struct cop__lexer *lexer, unsigned base, uint64_t *number, bool *over)
{
        if (cop__digit_value(cop__lexer_peek(lexer, 0)) >= base) {
                char what[sizeof "a digit of base 36"];
                snprintf(what, sizeof what, "a digit of base %u", base % 100);
                return cop__lexer_expected_at(lexer, lexer->at, what);
        }
        read_digits(lexer, base, number, over);
        return true;
}

bool cop__lex_number(struct cop__lexer *lexer)
{
        bool negative = cop__lexer_peek(lexer, 0) == '-';
        bool over;
        uint64_t number;
        if (negative || cop__lexer_peek(lexer, 0) == '+')
                lexer->at++;
        size_t first = lexer->at;
        read_digits(lexer, 10, &number, &over);
        if (cop__lexer_peek(lexer, 0) == '.' && cop__is_digit(cop__lexer_peek(lexer, 1))) {
                lexer->at = first;
                return lex_float(lexer, negative);
        }
        if (cop__lexer_peek(lexer, 0) == '#' && cop__digit_value(cop__lexer_peek(lexer, 1)) < 36) {
                if (over || number < 2 || number > 36)
                        return cop__lexer_refuse(lexer, COP_E_MALFORMED, first,
                                                 "the base of a number is 2 to 36");
                lexer->at++;
                if (!lex_based(lexer, (unsigned)number, &number, &over))
                        return false;
        }
        return found_integer(lexer, negative, number, over);
}
