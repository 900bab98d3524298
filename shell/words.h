/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The words of a command line, and how to complain about one: with a sentence, and a caret under
 * the place.
 *
 *      ** expected a field of bill (pence, people), found 'penc'
 *         call till #bill{penc = 900}
 *                         ^
 *
 * Words are separated by blanks; a word that begins with % ends the line. Functions that read one
 * return false after they have complained.
 */
#ifndef SHELL_WORDS_H
#define SHELL_WORDS_H

#include "shell/shell.h"

struct cop__words {
        struct cop__shell *shell;
        const char *line;
        size_t size; /* of the line */
        size_t at;   /* the first byte that is not read */
};

/* A word in its line. Empty: the line has no more. */
struct cop__word {
        const char *text;
        size_t size;
        size_t offset;
};

/* An actor, as somebody called it. */
struct cop__who {
        cop_pid pid;
        char called[COP_NAME_MAX + 1]; /* its name, or its pid as text */
};

void cop__words_init(struct cop__words *words, struct cop__shell *shell, const char *line,
                     size_t size);
struct cop__word cop__words_next(struct cop__words *words);
/* All that is left, as one. */
struct cop__word cop__words_rest(struct cop__words *words);

/*
 * Behind what begins at a byte of a line and is taken as a whole: a text or an atom in quotes, a character behind $, else that
 * byte. Beyond the end: it is not complete.
 */
size_t cop__words_skip(const char *line, size_t size, size_t at);

/* Where a field is written in the record whose brace is in front of `at`, and not in one inside of it. SIZE_MAX: nowhere. */
size_t cop__words_field(const char *line, size_t size, size_t at, const char *field);

/* The first word of a line as an actor's name or pid: up to a blank or '!', or to the end of a
 * quoted atom. */
struct cop__word cop__words_address(struct cop__words *words);

/*
 * A quoted atom as the name that it is; any other word is one already. Says nothing. Errors: COP_E_MALFORMED, with *error, and
 * COP_E_TOO_BIG: it has not 1 to COP_NAME_MAX bytes.
 */
cop_status cop__word_unquote(struct cop__word word, char name[COP_NAME_MAX + 1], cop_parse_error *error);

/* A pid, or a name that somebody bears. `usage` is what to say when there is no word. */
bool cop__words_actor(struct cop__words *words, const char *usage, struct cop__who *who);
/* The same of one who lives here: what is asked of him does not go to other nodes. */
bool cop__words_actor_here(struct cop__words *words, const char *usage, struct cop__who *who);
/* A name, whether somebody bears it or not. */
bool cop__words_name(struct cop__words *words, const char *usage, char name[COP_NAME_MAX + 1]);
/* A natural number up to `most`; `otherwise` if there is no word. */
bool cop__words_number(struct cop__words *words, uint64_t most, uint64_t otherwise,
                       uint64_t *number);
/* The term that is the rest of the line. The caller ends it with cop_term_free. */
bool cop__words_term(struct cop__words *words, const char *usage, cop_term *term);
/* The same, and behind it, if there is one, a number of milliseconds. *where is where the term
 * stands. */
bool cop__words_term_and_ms(struct cop__words *words, const char *usage, cop_term *term,
                            int64_t *ms, struct cop__word *where);
/*
 * The term that stands at `where` as the message that it is. *value is the caller's, who ends it with cop__flat_drop and free. False: *kind is
 * NULL, and the shell has been told; also if it were larger than COP__SHOWN_MAX, as a short record with large arrays may be.
 */
bool cop__words_message(struct cop__words *words, struct cop__word where, cop_term term,
                        const cop_kind **kind, void **value);
/* Nothing more is expected. */
bool cop__words_end(struct cop__words *words);

/* ---- Complaints: each returns false -------------------------------------------------- */

bool cop__shell_fail(struct cop__shell *shell, const char *format, ...) COP__PRINTF(2, 3);
/* With a caret under byte `offset` of the line. */
bool cop__words_fail_at(struct cop__words *words, size_t offset, const char *format, ...)
        COP__PRINTF(3, 4);
/* "no actor is called tlil; did you mean till? names are: clerk, till" */
bool cop__words_fail_name(struct cop__words *words, size_t offset, const char *name);

#endif
