/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Binaries: <<1, 2, 255>>, <<"text">>, <<"text"/utf8>>, and segments of all three mixed.
 *
 * As in Erlang, each character of a text is one byte unless /utf8 follows; what Erlang
 * would cut off silently (300, or a character above 255) is refused.
 */
#include "base/utf8.h"
#include "mailbox/term_lexer.h"

#define SEGMENT "a byte (0 to 255) or a \"text\""

/* Writes each character from `first` on as one byte. */
static bool narrow(struct cop__lexer *lexer, struct cop__text *bytes, size_t first, size_t offset)
{
        size_t end = first;
        for (size_t at = first; at < bytes->size;) {
                uint32_t point = 0;
                at += cop__utf8_read(bytes->data + at, bytes->size - at, &point);
                if (point > 0xff)
                        return cop__lexer_refuse(lexer, COP_E_MALFORMED, offset,
                                                 "expected characters up to 255, or /utf8 behind "
                                                 "the text, found U+%04X",
                                                 (unsigned)point);
                bytes->data[end++] = (char)point;
        }
        bytes->size = end;
        return true;
}

/* "text" or "text"/utf8. Reads one token beyond it. */
static bool read_text_segment(struct cop__lexer *lexer, struct cop__text *bytes)
{
        cop_term text = lexer->token.value;
        size_t offset = lexer->token.offset;
        size_t first = bytes->size;
        cop__text_append(bytes, text.as.text, text.count);
        if (bytes->failed)
                return cop__lexer_no_memory(lexer);
        if (!cop__lexer_next(lexer))
                return false;
        if (lexer->token.type != '/')
                return narrow(lexer, bytes, first, offset);
        if (!cop__lexer_next(lexer))
                return false;
        if (lexer->token.type != COP__TOKEN_VALUE || !cop_is_atom(lexer->token.value, "utf8"))
                return cop__lexer_expected(lexer, "utf8");
        return cop__lexer_next(lexer);
}

/* Reads one token beyond the segment. */
static bool read_segment(struct cop__lexer *lexer, struct cop__text *bytes)
{
        cop_term value = lexer->token.value;
        if (lexer->token.type == COP__TOKEN_VALUE && value.type == COP_TERM_TEXT)
                return read_text_segment(lexer, bytes);
        if (lexer->token.type != COP__TOKEN_VALUE || value.type != COP_TERM_INTEGER ||
            value.as.integer < 0 || value.as.integer > 255)
                return cop__lexer_expected(lexer, SEGMENT);
        cop__text_append_char(bytes, (char)value.as.integer);
        if (bytes->failed)
                return cop__lexer_no_memory(lexer);
        return cop__lexer_next(lexer);
}

bool cop__lexer_read_binary(struct cop__lexer *lexer, struct cop__text *bytes)
{
        cop__text_clear(bytes);
        if (!cop__lexer_next(lexer))
                return false;
        if (lexer->token.type == COP__TOKEN_BYTES_CLOSE)
                return true;
        for (;;) {
                if (!read_segment(lexer, bytes))
                        return false;
                if (lexer->token.type == COP__TOKEN_BYTES_CLOSE)
                        return true;
                if (lexer->token.type != ',')
                        return cop__lexer_expected(lexer, "',' or '>>'");
                if (!cop__lexer_next(lexer))
                        return false;
        }
}
