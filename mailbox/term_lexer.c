/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The tokens of a term, and the sentences about what is wrong with them. Each lex_ function
 * begins at the first byte of its token, moves lexer->at behind the last, and sets the
 * token's type and value, or refuses.
 */
#include "mailbox/term_lexer.h"

#include <stdarg.h>
#include <string.h>

#include "base/utf8.h"
#include "mailbox/term.h"

/* --- errors --------------------------------------------------------------- */

bool cop__lexer_refuse(struct cop__lexer *lexer, cop_status status, size_t offset,
                       const char *format, ...)
{
        struct cop__text sentence;
        cop__text_init_fixed(&sentence, lexer->error.text, sizeof lexer->error.text);
        va_list values;
        va_start(values, format);
        cop__text_vprintf(&sentence, format, values);
        va_end(values);
        cop__text_end_cut(&sentence);
        lexer->error.offset = offset;
        lexer->status = status;
        return false;
}

bool cop__lexer_no_memory(struct cop__lexer *lexer)
{
        return cop__lexer_refuse(lexer, COP_E_NO_MEMORY, lexer->token.offset, "no memory is left");
}

/* What stands at an offset, in quotes, shortened; "the end" behind the last byte. */
static void describe(const struct cop__lexer *lexer, size_t offset, size_t size,
                     char text[COP__LEXER_FOUND_MAX])
{
        struct cop__text found;
        cop__text_init_fixed(&found, text, COP__LEXER_FOUND_MAX);
        if (offset >= lexer->size) {
                cop__text_append_string(&found, "the end");
                return;
        }
        size_t kept = cop__utf8_cut(lexer->text + offset, size, COP__LEXER_EXCERPT_MAX);
        cop__text_append_quoted(&found, '\'', lexer->text + offset, kept);
        if (kept < size)
                cop__text_append_string(&found, "...");
}

bool cop__lexer_expected_at(struct cop__lexer *lexer, size_t offset, const char *what)
{
        char found[COP__LEXER_FOUND_MAX];
        size_t left = lexer->size - offset;
        uint32_t point;
        size_t size = cop__utf8_read(lexer->text + offset, left, &point);
        describe(lexer, offset, size > 0 || left == 0 ? size : 1, found);
        return cop__lexer_refuse(lexer, COP_E_MALFORMED, offset, "expected %s, found %s", what,
                                 found);
}

void cop__lexer_describe(const struct cop__lexer *lexer, char text[COP__LEXER_FOUND_MAX])
{
        describe(lexer, lexer->token.offset, lexer->token.size, text);
}

bool cop__lexer_expected(struct cop__lexer *lexer, const char *what)
{
        char found[COP__LEXER_FOUND_MAX];
        cop__lexer_describe(lexer, found);
        return cop__lexer_refuse(lexer, COP_E_MALFORMED, lexer->token.offset,
                                 "expected %s, found %s", what, found);
}

/* --- blanks and words ----------------------------------------------------- */

static bool is_word(char byte)
{
        return cop__is_lower(byte) || (byte >= 'A' && byte <= 'Z') || cop__is_digit(byte) ||
               byte == '_' || byte == '@';
}

/* Bytes of the blank at an offset, 0 if it is none: what prints as one, also the space that breaks no line. */
static size_t blank_at(const struct cop__lexer *lexer, size_t at)
{
        char byte = lexer->text[at];
        if (byte == ' ' || (byte >= '\t' && byte <= '\r'))
                return 1;
        return byte == '\xc2' && at + 1 < lexer->size && lexer->text[at + 1] == '\xa0' ? 2 : 0;
}

void cop__lexer_skip_blank(struct cop__lexer *lexer)
{
        bool in_comment = false;
        size_t step = 1;
        for (; lexer->at < lexer->size; lexer->at += step) {
                char byte = lexer->text[lexer->at];
                step = 1;
                if (byte == '%')
                        in_comment = true;
                else if (byte == '\n')
                        in_comment = false;
                else if (!in_comment && (step = blank_at(lexer, lexer->at)) == 0)
                        return;
        }
}

static bool found_atom(struct cop__lexer *lexer, const char *name, size_t size)
{
        if (size > COP__ATOM_SIZE_MAX)
                return cop__lexer_refuse(lexer, COP_E_MALFORMED, lexer->token.offset,
                                         "an atom has at most %d bytes, this one has %zu",
                                         COP__ATOM_SIZE_MAX, size);
        return cop__lexer_found(lexer, cop__term_of_bytes(COP_TERM_ATOM, name, size));
}

static bool lex_quoted_atom(struct cop__lexer *lexer)
{
        cop__text_clear(&lexer->scratch);
        if (!cop__lexer_read_quoted(lexer))
                return false;
        return found_atom(lexer, cop__text_get(&lexer->scratch), lexer->scratch.size);
}

static bool lex_word(struct cop__lexer *lexer)
{
        const char *first = lexer->text + lexer->at;
        while (is_word(cop__lexer_peek(lexer, 0)))
                lexer->at++;
        if (!found_atom(lexer, first, (size_t)(lexer->text + lexer->at - first)))
                return false;
        if (!cop__is_lower(first[0]))
                lexer->token.type = COP__TOKEN_NAME;
        return true;
}

/* The size up to and with the next '>', or what is left if there is none. */
static size_t size_to_angle(const struct cop__lexer *lexer)
{
        size_t size = 0;
        size_t left = lexer->size - lexer->at;
        while (size < left && cop__lexer_peek(lexer, size) != '>' && size < COP_ID_TEXT_MAX)
                size++;
        return size < left ? size + 1 : left;
}

static bool lex_pid(struct cop__lexer *lexer)
{
        cop_pid pid;
        size_t size = size_to_angle(lexer);
        if (cop_pid_parse(lexer->text + lexer->at, size, &pid) != COP_OK) {
                lexer->token.size = size;
                return cop__lexer_expected(lexer, "a pid such as <0.5.1>");
        }
        lexer->at += size;
        return cop__lexer_found(lexer, cop_pid_term(pid));
}

static bool lex_ref(struct cop__lexer *lexer)
{
        cop_ref ref;
        size_t size = size_to_angle(lexer);
        if (cop_ref_parse(lexer->text + lexer->at, size, &ref) != COP_OK) {
                lexer->token.size = size;
                return cop__lexer_expected(lexer, "a reference such as #Ref<0.7>");
        }
        lexer->at += size;
        return cop__lexer_found(lexer, cop_ref_term(ref));
}

/* --- tokens --------------------------------------------------------------- */

static bool starts_with(const struct cop__lexer *lexer, const char *word)
{
        size_t size = strlen(word);
        return lexer->size - lexer->at >= size &&
               memcmp(lexer->text + lexer->at, word, size) == 0;
}

static bool found_mark(struct cop__lexer *lexer, int type, size_t size)
{
        lexer->token.type = type;
        lexer->at += size;
        return true;
}

static bool lex_mark(struct cop__lexer *lexer)
{
        char byte = cop__lexer_peek(lexer, 0);
        if (starts_with(lexer, "=>"))
                return found_mark(lexer, COP__TOKEN_ARROW, 2);
        if (starts_with(lexer, "<<"))
                return found_mark(lexer, COP__TOKEN_BYTES_OPEN, 2);
        if (starts_with(lexer, ">>"))
                return found_mark(lexer, COP__TOKEN_BYTES_CLOSE, 2);
        if (byte != '\0' && strchr("{}[],|=#/", byte))
                return found_mark(lexer, byte, 1);
        return cop__lexer_expected_at(lexer, lexer->at, "a term");
}

static bool lex(struct cop__lexer *lexer)
{
        char byte = cop__lexer_peek(lexer, 0);
        bool is_signed = byte == '-' || byte == '+';
        if (cop__is_digit(byte) || (is_signed && cop__is_digit(cop__lexer_peek(lexer, 1))))
                return cop__lex_number(lexer);
        if (is_word(byte) && byte != '@')
                return lex_word(lexer);
        if (byte == '\'')
                return lex_quoted_atom(lexer);
        if (byte == '"')
                return cop__lex_text(lexer);
        if (byte == '$')
                return cop__lex_character(lexer);
        if (byte == '<' && cop__is_digit(cop__lexer_peek(lexer, 1)))
                return lex_pid(lexer);
        if (starts_with(lexer, "#Ref<"))
                return lex_ref(lexer);
        return lex_mark(lexer);
}

bool cop__lexer_next(struct cop__lexer *lexer)
{
        cop__lexer_skip_blank(lexer);
        lexer->token = (struct cop__token){ .type = COP__TOKEN_END, .offset = lexer->at };
        if (lexer->at == lexer->size)
                return true;
        if (!lex(lexer))
                return false;
        lexer->token.size = lexer->at - lexer->token.offset;
        return true;
}

void cop__lexer_init(struct cop__lexer *lexer, const char *text, size_t size)
{
        *lexer = (struct cop__lexer){ .text = text, .size = size };
        cop__text_init(&lexer->scratch);
}

void cop__lexer_fini(struct cop__lexer *lexer)
{
        cop__text_fini(&lexer->scratch);
}
