/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Hints about names. A list of names is shortened so that the whole sentence fits into a
 * cop_parse_error; the name that was meant is the one with the fewest edits to what was
 * typed, if they are few for its length.
 */
#include "mailbox/term_hint.h"

#include <string.h>

/* Longer names are not compared with: nobody mistypes those by hand. */
#define NAME_MAX_COMPARED 48

/* Bytes for a list of names in a sentence, and what it ends with when there are more. */
#define LIST_MAX 72
#define MORE ", ..."

/* Letters added, dropped or changed to make one name of the other, row by row. */
static size_t edits(const char *left, size_t left_size, const char *right, size_t right_size)
{
        size_t row[NAME_MAX_COMPARED + 1];
        for (size_t j = 0; j <= right_size; j++)
                row[j] = j;
        for (size_t i = 0; i < left_size; i++) {
                size_t diagonal = row[0];
                row[0] = i + 1;
                for (size_t j = 0; j < right_size; j++) {
                        size_t changed = diagonal + (left[i] != right[j]);
                        size_t shorter = (row[j] < row[j + 1] ? row[j] : row[j + 1]) + 1;
                        diagonal = row[j + 1];
                        row[j + 1] = changed < shorter ? changed : shorter;
                }
        }
        return row[right_size];
}

/* The name that was probably meant, or NULL. */
static const char *closest(const cop_kinds *kinds, cop_term typed)
{
        const char *best = NULL;
        size_t fewest = typed.count / 3 + 2;
        if (typed.count > NAME_MAX_COMPARED)
                return NULL;
        for (size_t i = 0; i < cop__kinds_count(kinds); i++) {
                const char *name = cop__kinds_at(kinds, i)->name;
                size_t size = strlen(name);
                if (size > NAME_MAX_COMPARED)
                        continue;
                size_t distance = edits(typed.as.text, typed.count, name, size);
                if (distance < fewest && distance < size) {
                        fewest = distance;
                        best = name;
                }
        }
        return best;
}

/* Adds a name to a list; false, and "..." instead, when it no longer fits. */
static bool add_name(struct cop__text *list, const char *name)
{
        const char *separator = list->size > 0 ? ", " : "";
        if (list->size + strlen(separator) + strlen(name) + strlen(MORE) >= list->room) {
                cop__text_append_string(list, list->size > 0 ? MORE : "...");
                return false;
        }
        cop__text_append_string(list, separator);
        cop__text_append_string(list, name);
        return true;
}

static bool is_of_library(const char *name)
{
        return strncmp(name, "cop_", 4) == 0;
}

/* False: no more fits. */
static bool add_kinds(struct cop__text *list, const cop_kinds *kinds, bool of_library)
{
        for (size_t i = 0; i < cop__kinds_count(kinds); i++) {
                const char *name = cop__kinds_at(kinds, i)->name;
                if (is_of_library(name) == of_library && !add_name(list, name))
                        return false;
        }
        return true;
}

bool cop__hint_no_kind(struct cop__lexer *lexer, const cop_kinds *kinds)
{
        char listed[LIST_MAX];
        char typed[COP__LEXER_FOUND_MAX];
        struct cop__text list;
        cop__text_init_fixed(&list, listed, sizeof listed);
        cop__lexer_describe(lexer, typed);
        size_t offset = lexer->token.offset;
        if (cop__kinds_count(kinds) == 0)
                return cop__lexer_refuse(lexer, COP_E_NO_KIND, offset,
                                         "no kind %s; no kinds are known here", typed);

        /* The program's own are what is typed, as a rule. */
        if (add_kinds(&list, kinds, false))
                add_kinds(&list, kinds, true);
        const char *meant = closest(kinds, lexer->token.value);
        return cop__lexer_refuse(lexer, COP_E_NO_KIND, offset, "no kind %s; known kinds: %s%s%s%s",
                                 typed, listed, meant ? "; did you mean " : "",
                                 meant ? meant : "", meant ? "?" : "");
}

bool cop__hint_no_field(struct cop__lexer *lexer, const cop_kind *kind)
{
        char what[LIST_MAX + 32];
        char listed[LIST_MAX];
        struct cop__text list, sentence;
        cop__text_init_fixed(&list, listed, sizeof listed);
        cop__text_init_fixed(&sentence, what, sizeof what);
        for (size_t i = 0; i < kind->field_count; i++)
                if (!add_name(&list, kind->fields[i].name))
                        break;
        if (kind->field_count == 0)
                cop__text_printf(&sentence, "'}', as %.16s has no fields", kind->name);
        else
                cop__text_printf(&sentence, "a field of %.16s (%s)", kind->name, listed);
        return cop__lexer_expected(lexer, what);
}
