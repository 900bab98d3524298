/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Characters, and what stands in quotes: UTF-8 with Erlang's escapes. It is decoded into
 * the lexer's scratch, and becomes valid UTF-8 or an error; there is no third.
 */
#include "mailbox/term_lexer.h"

#include "base/utf8.h"
#include "mailbox/term.h"

static bool read_plain(struct cop__lexer *lexer, uint32_t *point)
{
        size_t left = lexer->size - lexer->at;
        if (left == 0)
                return cop__lexer_expected_at(lexer, lexer->at, "a character");
        const char *bytes = lexer->text + lexer->at;
        size_t size = cop__utf8_read(bytes, left, point);
        if (size == 0)
                return cop__lexer_refuse(lexer, COP_E_MALFORMED, lexer->at,
                                         "expected UTF-8, found the byte 0x%02x",
                                         (unsigned)(unsigned char)bytes[0]);
        if (*point == 0)
                return cop__lexer_refuse(lexer, COP_E_MALFORMED, lexer->at,
                                         "expected a character, found a zero byte, "
                                         "which is written \\0");
        lexer->at += size;
        return true;
}

/* 41 or {1f600}, behind \x. */
static bool read_hex(struct cop__lexer *lexer, uint32_t *point)
{
        bool braces = cop__lexer_peek(lexer, 0) == '{';
        lexer->at += braces;
        size_t first = lexer->at;
        uint32_t value = 0;
        while ((braces || lexer->at - first < 2) &&
               cop__digit_value(cop__lexer_peek(lexer, 0)) < 16) {
                if (value <= 0x10ffff) /* larger is no character already, and stays so */
                        value = value * 16 + cop__digit_value(cop__lexer_peek(lexer, 0));
                lexer->at++;
        }
        bool complete = braces ? lexer->at > first && cop__lexer_peek(lexer, 0) == '}'
                               : lexer->at - first == 2;
        if (!complete)
                return cop__lexer_expected_at(lexer, lexer->at,
                                              "two hexadecimal digits, or {digits}, after \\x");
        lexer->at += braces;
        char bytes[COP__UTF8_MAX];
        if (cop__utf8_write(value, bytes) == 0)
                return cop__lexer_refuse(lexer, COP_E_MALFORMED, first,
                                         "there is no character of this number");
        *point = value;
        return true;
}

/* A or a, behind \^: of any character the five bits that Control leaves. */
static bool read_control(struct cop__lexer *lexer, uint32_t *point)
{
        if (!read_plain(lexer, point))
                return false;
        *point &= 0x1f;
        return true;
}

/* Behind the backslash. What has no meaning there stands for itself. */
static bool read_escape(struct cop__lexer *lexer, uint32_t *point)
{
        static const char letters[] = "b\bd\x7f"
                                      "e\x1b"
                                      "f\fn\nr\rs t\tv\v";
        char byte = cop__lexer_peek(lexer, 0);
        if (cop__digit_value(byte) < 8) {
                *point = 0;
                for (int i = 0; i < 3 && cop__digit_value(byte) < 8; i++) {
                        *point = *point * 8 + cop__digit_value(byte);
                        lexer->at++;
                        byte = cop__lexer_peek(lexer, 0);
                }
                return true;
        }
        if (byte == 'x') {
                lexer->at++;
                return read_hex(lexer, point);
        }
        if (byte == '^') {
                lexer->at++;
                return read_control(lexer, point);
        }
        for (size_t i = 0; i + 1 < sizeof letters; i += 2) {
                if (byte == letters[i]) {
                        *point = (unsigned char)letters[i + 1];
                        lexer->at++;
                        return true;
                }
        }
        return read_plain(lexer, point);
}

/* One character or escape. */
static bool read_character(struct cop__lexer *lexer, uint32_t *point)
{
        if (cop__lexer_peek(lexer, 0) != '\\')
                return read_plain(lexer, point);
        lexer->at++;
        return read_escape(lexer, point);
}

bool cop__lex_character(struct cop__lexer *lexer)
{
        uint32_t point;
        lexer->at++; /* the $ */
        if (!read_character(lexer, &point))
                return false;
        return cop__lexer_found(lexer, cop_int(point));
}

bool cop__lexer_read_quoted(struct cop__lexer *lexer)
{
        size_t offset = lexer->at;
        char quote = lexer->text[lexer->at++];
        while (cop__lexer_peek(lexer, 0) != quote) {
                if (lexer->at == lexer->size)
                        return cop__lexer_refuse(lexer, COP_E_MALFORMED, offset,
                                                 "this %s is never closed",
                                                 quote == '"' ? "\"" : "quote");
                uint32_t point;
                char bytes[COP__UTF8_MAX];
                if (!read_character(lexer, &point))
                        return false;
                cop__text_append(&lexer->scratch, bytes, cop__utf8_write(point, bytes));
        }
        lexer->at++;
        return !lexer->scratch.failed || cop__lexer_no_memory(lexer);
}

/* Adjacent texts, with blanks and comments between, are one. */
bool cop__lex_text(struct cop__lexer *lexer)
{
        size_t end;
        cop__text_clear(&lexer->scratch);
        do {
                if (!cop__lexer_read_quoted(lexer))
                        return false;
                end = lexer->at;
                cop__lexer_skip_blank(lexer);
        } while (cop__lexer_peek(lexer, 0) == '"');
        lexer->at = end;
        const char *text = cop__text_get(&lexer->scratch);
        return cop__lexer_found(lexer,
                                cop__term_of_bytes(COP_TERM_TEXT, text, lexer->scratch.size));
}
