/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Reading words, and complaining about them. See words.h. */
#include "shell/words.h"

#include <stdio.h>
#include <string.h>

#include "actors/actor.h"
#include "base/limits.h"
#include "mailbox/term.h"
#include "mailbox/term_lexer.h"
#include "shell/names.h"
#include "shell/nearest.h"

/* Names that an error lists. */
#define NAMES_LISTED 12

/* Bytes of the line that an error shows before and behind the place. */
#define BEFORE_CARET 60
#define BEHIND_CARET 30

static cop_status parse(const struct cop__word *word, const cop_kinds *kinds, cop_term *term,
                        cop_parse_error *error)
{
        return cop__term_parse_within(word->text, word->size, kinds, COP__SHOWN_MAX, term, error);
}

static bool is_blank(char byte)
{
        return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* ---- Complaints ---------------------------------------------------------------------- */

static bool is_continuation(char byte)
{
        return ((unsigned char)byte & 0xc0) == 0x80;
}

/* A character of the line, one column wide, and none that a terminal would act upon: that is shown as '?'. */
static void append_shown(struct cop__text *text, char byte, bool is_readable)
{
        bool is_ascii = (unsigned char)byte < 0x80;
        if (is_blank(byte))
                cop__text_append_char(text, ' ');
        else if (is_readable || (is_ascii && byte >= ' ' && byte != 0x7f))
                cop__text_append_char(text, byte);
        else if (!is_continuation(byte))
                cop__text_append_char(text, '?');
}

/* It may repeat what was typed. */
COP__PRINTF(2, 0) static void append_sentence(struct cop__shell *shell, const char *format, va_list values)
{
        struct cop__text said;
        cop__text_init(&said);
        cop__text_vprintf(&said, format, values);
        bool is_readable = cop__text_is_readable(cop__text_get(&said), said.size);
        cop__text_append_string(&shell->err, "** ");
        for (const char *byte = cop__text_get(&said); *byte != '\0'; byte++)
                append_shown(&shell->err, *byte, is_readable);
        cop__text_append_char(&shell->err, '\n');
        cop__text_fini(&said);
}

bool cop__shell_fail(struct cop__shell *shell, const char *format, ...)
{
        va_list values;
        va_start(values, format);
        append_sentence(shell, format, values);
        va_end(values);
        return false;
}

/* The part of the line around the place, as one line, and the caret under it. */
static void append_caret(struct cop__words *words, size_t offset)
{
        struct cop__text *err = &words->shell->err;
        size_t from = offset > BEFORE_CARET ? offset - BEFORE_CARET : 0;
        size_t to = words->size - offset > BEHIND_CARET ? offset + BEHIND_CARET : words->size;
        while (from > 0 && is_continuation(words->line[from]))
                from--;
        while (to < words->size && is_continuation(words->line[to]))
                to++;
        bool is_readable = cop__text_is_readable(words->line + from, to - from);
        cop__text_append_string(err, from > 0 ? "   ..." : "   ");
        for (size_t i = from; i < to; i++)
                append_shown(err, words->line[i], is_readable);
        cop__text_append_string(err, to < words->size ? "...\n" : "\n");
        cop__text_append_string(err, from > 0 ? "      " : "   ");
        for (size_t i = from; i < offset; i++)
                if (!is_continuation(words->line[i]))
                        cop__text_append_char(err, ' ');
        cop__text_append_string(err, "^\n");
}

bool cop__words_fail_at(struct cop__words *words, size_t offset, const char *format, ...)
{
        va_list values;
        va_start(values, format);
        append_sentence(words->shell, format, values);
        va_end(values);
        append_caret(words, offset < words->size ? offset : words->size);
        return false;
}

bool cop__words_fail_name(struct cop__words *words, size_t offset, const char *name)
{
        struct cop__names names;
        struct cop__nearest nearest;
        struct cop__text list, hint;
        cop__nearest_init(&nearest, name, strlen(name));
        cop__text_init(&list);
        cop__text_init(&hint);
        cop__names_init(&names, words->shell->node, COP__NAMES_MAX); /* without memory there is just no hint */
        for (size_t i = 0; i < names.count; i++) {
                cop__nearest_try(&nearest, names.each[i].name);
                if (i >= NAMES_LISTED)
                        continue;
                cop__text_append_string(&list, i > 0 ? ", " : "");
                cop__atom_print(&list, names.each[i].name, strlen(names.each[i].name));
        }
        if (nearest.name[0] != '\0') { /* as it can be typed */
                cop__text_append_string(&hint, " did you mean ");
                cop__atom_print(&hint, nearest.name, strlen(nearest.name));
                cop__text_append_char(&hint, '?');
        }
        if (names.count == 0)
                cop__words_fail_at(words, offset, "no actor is called %s; none has a name", name);
        else
                cop__words_fail_at(words, offset, "no actor is called %s;%s names are: %s%s", name, cop__text_get(&hint),
                                   cop__text_get(&list), names.count > NAMES_LISTED ? ", ... (regs lists them all)" : "");
        cop__text_fini(&hint);
        cop__text_fini(&list);
        cop__names_fini(&names);
        return false;
}

/* ---- Words --------------------------------------------------------------------------- */

void cop__words_init(struct cop__words *words, struct cop__shell *shell, const char *line,
                     size_t size)
{
        *words = (struct cop__words){ shell, line, size, 0 };
}

static void skip_blanks(struct cop__words *words)
{
        while (words->at < words->size && is_blank(words->line[words->at]))
                words->at++;
        if (words->at < words->size && words->line[words->at] == '%')
                words->at = words->size;
}

static struct cop__word word_from(struct cop__words *words, size_t from)
{
        return (struct cop__word){ words->line + from, words->at - from, from };
}

struct cop__word cop__words_next(struct cop__words *words)
{
        skip_blanks(words);
        size_t from = words->at;
        while (words->at < words->size && !is_blank(words->line[words->at]))
                words->at++;
        return word_from(words, from);
}

static size_t skip_escape(const char *line, size_t at)
{
        return line[at + 1] == '^' ? at + 3 : at + 2;
}

size_t cop__words_skip(const char *line, size_t size, size_t at)
{
        char quote = line[at];
        if (quote == '$' && at + 1 < size && line[at + 1] == '\\')
                return at + 2 < size ? skip_escape(line, at + 1) : size + 1;
        if (quote == '$')
                return at + 2;
        if (quote != '"' && quote != '\'')
                return at + 1;
        for (at++; at < size && line[at] != quote;)
                at = line[at] == '\\' && at + 1 < size ? skip_escape(line, at) : at + 1;
        return at < size ? at + 1 : size + 1;
}

/* Without the blanks at the end, but for one that is a character, as in "$ ". */
static size_t size_without_blanks(const char *text, size_t size)
{
        size_t kept = 0;
        for (size_t at = 0, next; at < size; at = next) {
                next = cop__words_skip(text, size, at);
                if (!is_blank(text[at]))
                        kept = next < size ? next : size;
        }
        return kept;
}

struct cop__word cop__words_rest(struct cop__words *words)
{
        skip_blanks(words);
        size_t from = words->at;
        words->at = from + size_without_blanks(words->line + from, words->size - from);
        struct cop__word rest = word_from(words, from);
        words->at = words->size;
        return rest;
}

struct cop__word cop__words_address(struct cop__words *words)
{
        skip_blanks(words);
        size_t from = words->at;
        bool quoted = from < words->size && words->line[from] == '\'';
        if (quoted) {
                size_t behind = cop__words_skip(words->line, words->size, from);
                words->at = behind < words->size ? behind : words->size;
                return word_from(words, from);
        }
        while (words->at < words->size && !is_blank(words->line[words->at]) &&
               words->line[words->at] != '!')
                words->at++;
        return word_from(words, from);
}

bool cop__words_end(struct cop__words *words)
{
        struct cop__word rest = cop__words_rest(words);
        if (rest.size == 0)
                return true;
        return cop__words_fail_at(words, rest.offset, "expected the end of the line");
}

/* ---- Names and pids ------------------------------------------------------------------ */

cop_status cop__word_unquote(struct cop__word word, char name[COP_NAME_MAX + 1], cop_parse_error *error)
{
        cop_term atom = { .type = COP_TERM_ATOM, .count = (uint32_t)word.size,
                          .as.text = word.text };
        bool quoted = word.text[0] == '\'';
        if (quoted && parse(&word, NULL, &atom, error) != COP_OK)
                return COP_E_MALFORMED;
        bool good = atom.type == COP_TERM_ATOM && atom.count > 0 && atom.count <= COP_NAME_MAX &&
                    memchr(atom.as.text, '\0', atom.count) == NULL;
        if (good) {
                memcpy(name, atom.as.text, atom.count);
                name[atom.count] = '\0';
        }
        if (quoted)
                cop_term_free(atom);
        return good ? COP_OK : COP_E_TOO_BIG;
}

static bool unquote(struct cop__words *words, struct cop__word word, char name[COP_NAME_MAX + 1])
{
        cop_parse_error error;
        cop_status status = cop__word_unquote(word, name, &error);
        if (status == COP_E_MALFORMED)
                return cop__words_fail_at(words, word.offset + error.offset, "%s", error.text);
        if (status != COP_OK)
                return cop__words_fail_at(words, word.offset,
                                          "expected a name of 1 to %d bytes", COP_NAME_MAX);
        return true;
}

bool cop__words_name(struct cop__words *words, const char *usage, char name[COP_NAME_MAX + 1])
{
        struct cop__word word = cop__words_address(words);
        if (word.size == 0)
                return cop__words_fail_at(words, word.offset, "expected a name: %s", usage);
        return unquote(words, word, name);
}

bool cop__words_actor(struct cop__words *words, const char *usage, struct cop__who *who)
{
        struct cop__word word = cop__words_address(words);
        if (word.size == 0)
                return cop__words_fail_at(words, word.offset, "expected a name or a pid: %s",
                                          usage);
        if (word.text[0] != '<') {
                if (!unquote(words, word, who->called))
                        return false;
                who->pid = cop_whereis(who->called);
                return who->pid.bits != 0 ||
                       cop__words_fail_name(words, word.offset, who->called);
        }
        if (cop_pid_parse(word.text, word.size, &who->pid) != COP_OK || who->pid.bits == 0)
                return cop__words_fail_at(words, word.offset,
                                          "expected a pid as i shows it, such as <0.12.0>");
        cop_pid_print(who->pid, who->called);
        return true;
}

bool cop__words_actor_here(struct cop__words *words, const char *usage, struct cop__who *who)
{
        struct cop__words ahead = *words;
        size_t offset = cop__words_address(&ahead).offset;
        if (!cop__words_actor(words, usage, who))
                return false;
        return cop__pid_node(who->pid) == 0 ||
               cop__words_fail_at(words, offset, "%s lives on another node: the shell of that one can be asked", who->called);
}

/* ---- Numbers and terms --------------------------------------------------------------- */

/* Digits only, with no more than `most` in them. */
static bool read_digits(const char *text, size_t size, uint64_t most, uint64_t *number)
{
        uint64_t value = 0;
        for (size_t i = 0; i < size; i++) {
                if (text[i] < '0' || text[i] > '9')
                        return false;
                uint64_t digit = (uint64_t)(text[i] - '0');
                if (value > (most - digit) / 10)
                        return false;
                value = 10 * value + digit;
        }
        *number = value;
        return size > 0 && value <= most;
}

bool cop__words_number(struct cop__words *words, uint64_t most, uint64_t otherwise,
                       uint64_t *number)
{
        struct cop__word word = cop__words_next(words);
        if (word.size == 0) {
                *number = otherwise;
                return true;
        }
        if (!read_digits(word.text, word.size, most, number))
                return cop__words_fail_at(words, word.offset, "expected a number from 0 to %llu",
                                          (unsigned long long)most);
        return true;
}

static bool fail_term(struct cop__words *words, struct cop__word word, cop_status status,
                      const cop_parse_error *error)
{
        if (error->text[0] != '\0')
                return cop__words_fail_at(words, word.offset + error->offset, "%s", error->text);
        return cop__shell_fail(words->shell, "the term: %s", cop_status_text(status));
}

bool cop__words_term(struct cop__words *words, const char *usage, cop_term *term)
{
        cop_parse_error error = { 0, "" };
        struct cop__word word = cop__words_rest(words);
        if (word.size == 0)
                return cop__words_fail_at(words, word.offset, "expected a term: %s", usage);
        cop_status status = parse(&word, cop_node_kinds(words->shell->node), term, &error);
        return status == COP_OK || fail_term(words, word, status, &error);
}

/* What stands in a binary, sizes and types, are no tokens of their own. */
static bool next_token(struct cop__lexer *lexer, struct cop__text *bytes)
{
        return lexer->token.type == COP__TOKEN_BYTES_OPEN ? cop__lexer_read_binary(lexer, bytes) : cop__lexer_next(lexer);
}

/* Ends the word where its last token does: the comment behind it may hold anything. What is no term stays as it is. */
static void cut_comment(struct cop__word *word)
{
        struct cop__lexer lexer;
        struct cop__text bytes;
        size_t end = 0;
        bool is_read;
        if (memchr(word->text, '%', word->size) == NULL)
                return;
        cop__text_init(&bytes);
        cop__lexer_init(&lexer, word->text, word->size);
        while ((is_read = next_token(&lexer, &bytes)) && lexer.token.type != COP__TOKEN_END)
                end = lexer.token.offset + lexer.token.size;
        if (is_read)
                word->size = end;
        cop__lexer_fini(&lexer);
        cop__text_fini(&bytes);
}

/* Splits "TERM 200" in two; false if it does not end in a number behind a blank. */
static bool split_ms(struct cop__word *word, int64_t *ms)
{
        size_t from = word->size;
        uint64_t number;
        while (from > 0 && !is_blank(word->text[from - 1]))
                from--;
        size_t end = size_without_blanks(word->text, from);
        if (end == 0 || !read_digits(word->text + from, word->size - from, INT64_MAX - 1, &number))
                return false;
        word->size = end;
        *ms = (int64_t)number;
        return true;
}

/* A number at the end is a time-out unless the term needs it: "call till 5" has none. */
bool cop__words_term_and_ms(struct cop__words *words, const char *usage, cop_term *term,
                            int64_t *ms, struct cop__word *where)
{
        const cop_kinds *kinds = cop_node_kinds(words->shell->node);
        cop_parse_error error = { 0, "" };
        struct cop__word word = cop__words_rest(words);
        if (word.size == 0)
                return cop__words_fail_at(words, word.offset, "expected a term: %s", usage);
        cut_comment(&word);
        *where = word;
        cop_status status = parse(&word, kinds, term, &error);
        if (status == COP_E_MALFORMED && split_ms(&word, ms)) {
                *where = word;
                status = parse(&word, kinds, term, &error);
        }
        return status == COP_OK || fail_term(words, word, status, &error);
}

/* ---- Messages ------------------------------------------------------------------------ */

static size_t skip_blanks_of(const char *line, size_t size, size_t at)
{
        while (at < size && is_blank(line[at]))
                at++;
        return at;
}

static bool is_in_name(char byte)
{
        return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') || byte == '_' ||
               byte == '@';
}

/* Behind the name that begins at a byte, in quotes or not; that byte itself: none does. */
static size_t skip_name(const char *line, size_t size, size_t at)
{
        if (at < size && line[at] == '\'') {
                size_t behind = cop__words_skip(line, size, at);
                return behind <= size ? behind : at;
        }
        while (at < size && is_in_name(line[at]))
                at++;
        return at;
}

static bool is_name(const char *line, size_t at, size_t end, const char *name)
{
        char unquoted[COP_NAME_MAX + 1];
        cop_parse_error error;
        struct cop__word word = { line + at, end - at, at };
        return end > at && cop__word_unquote(word, unquoted, &error) == COP_OK && strcmp(unquoted, name) == 0;
}

size_t cop__words_field(const char *line, size_t size, size_t at, const char *field)
{
        size_t depth = 0;
        bool expects_name = true;
        for (size_t next; at < size; at = next) {
                size_t end = expects_name ? skip_name(line, size, at) : at;
                next = end > at ? end : cop__words_skip(line, size, at);
                if (is_name(line, at, end, field))
                        return at;
                if (line[at] == '{' || line[at] == '[')
                        depth++;
                else if ((line[at] == '}' || line[at] == ']') && depth-- == 0)
                        break;
                if (!is_blank(line[at]))
                        expects_name = depth == 0 && line[at] == ',';
        }
        return SIZE_MAX;
}

/* Behind the brace of a record of this kind that begins here; 0: none does. */
static size_t skip_head(struct cop__word term, size_t at, const char *kind)
{
        if (term.text[at] != '#')
                return 0;
        size_t name = skip_blanks_of(term.text, term.size, at + 1);
        size_t end = skip_name(term.text, term.size, name);
        size_t brace = skip_blanks_of(term.text, term.size, end);
        return brace < term.size && term.text[brace] == '{' && is_name(term.text, name, end, kind) ? brace + 1 : 0;
}

/* Where the field of the only record of this kind in which it is written stands, else 0. */
static size_t place_in_record(struct cop__word term, const char *kind, const char *field)
{
        size_t place = 0;
        for (size_t at = 0; at < term.size; at = cop__words_skip(term.text, term.size, at)) {
                size_t inside = skip_head(term, at, kind);
                size_t found = inside > 0 ? cop__words_field(term.text, term.size, inside, field) : SIZE_MAX;
                if (found == SIZE_MAX)
                        continue;
                if (place > 0)
                        return 0;
                place = found;
        }
        return place;
}

/* "item 2 of pence of bill: expected ..." names the field: the caret goes under it, if it was written out. */
static size_t place_of_field(struct cop__word term, const char *sentence)
{
        char field[COP_NAME_MAX + 1], kind[COP_NAME_MAX + 1];
        bool is_named = sscanf(sentence, "item %*u of %63s of %63[^:]:", field, kind) == 2 ||
                        sscanf(sentence, "%63s of %63[^:]:", field, kind) == 2;
        return is_named ? place_in_record(term, kind, field) : 0;
}

bool cop__words_message(struct cop__words *words, struct cop__word where, cop_term term,
                        const cop_kind **kind, void **value)
{
        cop_parse_error error = { 0, "" };
        cop_status status = cop__message_of_term(cop_node_kinds(words->shell->node), term,
                                                 COP__FROM_TERM, COP__SHOWN_MAX, kind, value, &error);
        if (status == COP_OK)
                return true;
        *kind = NULL;
        if (status == COP_E_MALFORMED)
                return cop__words_fail_at(words,
                                          where.offset + place_of_field(where, error.text), "%s",
                                          error.text);
        if (status == COP_E_TOO_BIG)
                return cop__words_fail_at(words, where.offset,
                                          "as a message this takes more than the %zu MiB that one may here",
                                          COP__SHOWN_MAX >> 20);
        return cop__shell_fail(words->shell, "the message: %s", cop_status_text(status));
}
