/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Erlang's words: cuts a text into tokens, one at a time, and words what is wrong with it.
 *
 * The lexer reads within its `size` bytes only, whatever they are; its numbers, quotes
 * and characters are decoded when they are met, into memory that the next token reuses.
 */
#ifndef MAILBOX_TERM_LEXER_H
#define MAILBOX_TERM_LEXER_H

#include <coppice/term.h>

#include "base/compiler.h"
#include "base/text.h"

/* Of what was found, an error shows so many bytes. */
#define COP__LEXER_EXCERPT_MAX 24
/* Each is at most six when escaped, as in \x{1f}; two quotes, three dots, a NUL. */
#define COP__LEXER_FOUND_MAX (6 * COP__LEXER_EXCERPT_MAX + 8)

/* A punctuation mark of one byte is its own type, as in '{'. */
enum cop__token_type {
        COP__TOKEN_END = 256,
        COP__TOKEN_VALUE,       /* a number, an atom, a text, a pid, a reference: `value` */
        COP__TOKEN_NAME,        /* a word that begins with a capital or _: `value` is an atom */
        COP__TOKEN_ARROW,       /* => */
        COP__TOKEN_BYTES_OPEN,  /* << */
        COP__TOKEN_BYTES_CLOSE, /* >> */
};

struct cop__token {
        int type;
        size_t offset; /* of its first byte in the text */
        size_t size;
        cop_term value; /* borrowed until the next token is read */
};

struct cop__lexer {
        const char *text;
        size_t size;
        size_t at; /* the first byte behind the token */
        struct cop__token token;
        struct cop__text scratch; /* what the token's value points at */
        cop_status status;
        cop_parse_error error;
};

void cop__lexer_init(struct cop__lexer *lexer, const char *text, size_t size);
void cop__lexer_fini(struct cop__lexer *lexer);

/* Reads the next token. Returns false on an error, which is then in status and error. */
bool cop__lexer_next(struct cop__lexer *lexer);

/* Each notes what is wrong, in a sentence, and returns false. Too long a sentence is cut. */
bool cop__lexer_refuse(struct cop__lexer *lexer, cop_status status, size_t offset,
                       const char *format, ...) COP__PRINTF(4, 5);
/* "expected WHAT, found 'penc'": the current token, or the character at an offset. */
bool cop__lexer_expected(struct cop__lexer *lexer, const char *what);
bool cop__lexer_expected_at(struct cop__lexer *lexer, size_t offset, const char *what);
bool cop__lexer_no_memory(struct cop__lexer *lexer);
/* The current token as a sentence shows it: in quotes, shortened, harmless. */
void cop__lexer_describe(const struct cop__lexer *lexer, char text[COP__LEXER_FOUND_MAX]);

/* At <<: reads all up to >>, at which it stops, and puts it into `bytes`. */
bool cop__lexer_read_binary(struct cop__lexer *lexer, struct cop__text *bytes);

/* --- between term_lexer.c, term_number.c and term_quote.c --------------------- */

bool cop__lex_number(struct cop__lexer *lexer);    /* -12, 16#ff, 1.5e3 */
bool cop__lex_character(struct cop__lexer *lexer); /* $a */
bool cop__lex_text(struct cop__lexer *lexer);      /* "..." "..." */
/* Adds what stands from one quote to the next to the scratch. */
bool cop__lexer_read_quoted(struct cop__lexer *lexer);
void cop__lexer_skip_blank(struct cop__lexer *lexer);

/* The byte `ahead` of where the lexer is, 0 behind the end. */
COP__INLINE char cop__lexer_peek(const struct cop__lexer *lexer, size_t ahead)
{
        return ahead < lexer->size - lexer->at ? lexer->text[lexer->at + ahead] : '\0';
}

COP__INLINE bool cop__lexer_found(struct cop__lexer *lexer, cop_term value)
{
        lexer->token.type = COP__TOKEN_VALUE;
        lexer->token.value = value;
        return true;
}

COP__INLINE bool cop__is_digit(char byte)
{
        return byte >= '0' && byte <= '9';
}

COP__INLINE bool cop__is_lower(char byte)
{
        return byte >= 'a' && byte <= 'z';
}

/* Of a digit or letter in any base up to 36; 36 for what is none. */
COP__INLINE unsigned cop__digit_value(char byte)
{
        if (cop__is_digit(byte))
                return (unsigned)(byte - '0');
        if (cop__is_lower(byte))
                return (unsigned)(byte - 'a') + 10;
        return byte >= 'A' && byte <= 'Z' ? (unsigned)(byte - 'A') + 10 : 36;
}

#endif
