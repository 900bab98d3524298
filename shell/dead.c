/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The command dead: what nobody has read. */
#include <string.h>
#include <time.h>

#include "actors/dead_letter.h"
#include "actors/registry.h"
#include "mailbox/term.h"
#include "shell/command.h"
#include "shell/json.h"

/* Dead letters that are shown unless more are asked for. */
#define LETTERS_SHOWN 10

/* "<0.3.0> shop" */
static void append_who(struct cop__shell *shell, cop_pid pid)
{
        char shown[COP_ID_TEXT_MAX], name[COP_NAME_MAX + 1];
        cop__text_append_string(&shell->out, pid.bits != 0 ? cop_pid_print(pid, shown) : "nobody");
        if (!cop__registry_name(shell->node, pid, name))
                return;
        cop__text_append_char(&shell->out, ' ');
        cop__atom_print(&shell->out, name, strlen(name));
}

static void append_letter(struct cop__shell *shell, const struct cop__letter *letter)
{
        char when[32] = "";
        struct tm day;
        time_t seconds = (time_t)letter->when;
        if (localtime_r(&seconds, &day) != NULL)
                strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &day);
        if (letter->missed > 0)
                cop__text_printf(&shell->out, "(%llu more, only counted)\n",
                                 (unsigned long long)letter->missed);
        cop__text_printf(&shell->out, "dead letter %llu, %s: %s\n   ", (unsigned long long)letter->number, when,
                         cop__death_name(letter->death));
        size_t from = shell->out.size;
        cop__text_append_string(&shell->out, letter->text[0] != '\0' ? letter->text : letter->kind);
        cop__text_make_harmless(&shell->out, from);
        cop__text_append_string(&shell->out, "\n   from ");
        append_who(shell, letter->from);
        cop__text_append_string(&shell->out, " to ");
        append_who(shell, letter->to);
        cop__text_append_char(&shell->out, '\n');
}

static void put_letter(struct cop__shell *shell, const struct cop__letter *letter)
{
        struct cop__text *out = &shell->out;
        cop__json_open(out, NULL, '{');
        cop__json_number(out, "number", (int64_t)letter->number);
        cop__json_number(out, "when", letter->when);
        cop__json_string(out, "reason", cop__death_name(letter->death));
        cop__json_string(out, "kind", letter->kind);
        cop__json_string(out, "message", letter->text);
        cop__json_pid(out, "from", letter->from);
        cop__json_pid(out, "to", letter->to);
        cop__json_number(out, "missed", (int64_t)letter->missed);
        cop__json_close(out, '}');
}

COP__COMMAND(dead)
{
        struct cop__letter letter;
        uint64_t count;
        (void)command;
        if (!cop__words_number(words, COP__LETTERS_KEPT, LETTERS_SHOWN, &count) ||
            !cop__words_end(words))
                return false;
        bool is_json = cop__shell_speaks_json(shell);
        bool has_any = cop__letter_get(shell->node, 0, &letter);
        uint64_t newest = has_any ? letter.number : 0;
        if (is_json)
                cop__json_open(&shell->out, NULL, '[');
        else if (!has_any)
                cop__text_append_string(&shell->out, "no dead letter so far\n");
        for (uint64_t number = newest > count ? newest - count + 1 : 1; number <= newest; number++)
                if (cop__letter_get(shell->node, number, &letter))
                        (is_json ? put_letter : append_letter)(shell, &letter);
        if (is_json)
                cop__json_close(&shell->out, ']');
        return true;
}
