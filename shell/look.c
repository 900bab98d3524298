/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Commands that list: i, regs, whereis, nodes. They read what the node leaves readable and ask
 * no actor. */
#include <stdlib.h>
#include <string.h>

#include "actors/info.h"
#include "mailbox/term.h"
#include "shell/columns.h"
#include "shell/command.h"
#include "shell/door.h"
#include "shell/glimpses.h"
#include "shell/names.h"

/* ---- i ------------------------------------------------------------------------------- */

static void append_actor(struct cop__shell *shell, struct cop__columns *table,
                         const struct cop__glimpse *glimpse)
{
        char pid[COP_ID_TEXT_MAX], name[COP__LABEL_MAX], bytes[32];
        struct cop__place place;
        struct cop__text size;
        cop__text_init_fixed(&size, bytes, sizeof(bytes));
        cop__text_append_bytes(&size, glimpse->bytes);
        cop__glimpse_where(shell->node, glimpse, &place);
        cop__columns_cell(table, "%s", cop_pid_print(glimpse->pid, pid));
        cop__columns_cell(table, "%s", cop__glimpse_label(glimpse, name));
        cop__columns_cell(table, "%u", glimpse->unread);
        cop__columns_cell(table, "%llu", (unsigned long long)glimpse->handled);
        cop__columns_cell(table, "%s", cop__text_get(&size));
        cop__columns_cell(table, "%s", place.function);
}

static void append_totals(struct cop__shell *shell, const struct cop__glimpses *glimpses)
{
        struct cop__totals totals;
        struct cop__text *out = &shell->out;
        cop__totals(shell->node, &totals);
        cop__text_append_count(out, glimpses->seen, "actor");
        cop__text_printf(out, ", %llu unread; ", (unsigned long long)glimpses->unread);
        cop__text_printf(out, "%llu spawned, %llu ended, ", (unsigned long long)totals.spawned,
                         (unsigned long long)totals.died);
        cop__text_append_count(out, totals.crashes, "crash report");
        cop__text_printf(out, "; %llu sent, ", (unsigned long long)totals.sent);
        cop__text_append_count(out, totals.dead_letters, "dead letter");
        cop__text_append_string(out, "; ");
        cop__text_append_count(out, totals.workers, "worker");
        cop__text_printf(out, ", up %llu.%llu s\n", (unsigned long long)(totals.uptime_ms / 1000),
                         (unsigned long long)(totals.uptime_ms % 1000 / 100));
}

COP__COMMAND(i)
{
        static const char *const titles[] = { "PID", "NAME", "UNREAD", "HANDLED", "MEMORY", "IN" };
        struct cop__glimpses glimpses;
        struct cop__columns table;
        uint64_t rows;
        (void)command;
        if (!cop__words_number(words, COP__GLIMPSES_MAX, COP__SHELL_ROWS, &rows) ||
            !cop__words_end(words))
                return false;
        if (cop__glimpses_init(&glimpses, shell->node, rows) != COP_OK)
                return cop__shell_fail(shell, "the node has no memory left for the list");
        cop__columns_init(&table, "llrrrl");
        for (size_t i = 0; i < COP__COUNT(titles); i++)
                cop__columns_cell(&table, "%s", titles[i]);
        for (size_t i = 0; i < glimpses.count; i++)
                append_actor(shell, &table, &glimpses.each[i]);
        cop__columns_print(&table, &shell->out);
        shell->out.failed |= table.cells.failed;
        cop__columns_fini(&table);
        cop__glimpses_append_rest(&glimpses, "i", &shell->out);
        append_totals(shell, &glimpses);
        cop__glimpses_fini(&glimpses);
        return true;
}

/* ---- Names --------------------------------------------------------------------------- */

static void append_name(struct cop__columns *table, const struct cop__name *name)
{
        char pid[COP_ID_TEXT_MAX];
        struct cop__text shown;
        cop__text_init(&shown);
        cop__atom_print(&shown, name->name, strlen(name->name));
        cop__columns_cell(table, "%s", cop__text_get(&shown));
        cop__columns_cell(table, "%s", cop_pid_print(name->pid, pid));
        cop__text_fini(&shown);
}

COP__COMMAND(regs)
{
        struct cop__names names;
        struct cop__columns table;
        uint64_t rows;
        (void)command;
        if (!cop__words_number(words, COP__NAMES_MAX, COP__SHELL_ROWS, &rows) ||
            !cop__words_end(words))
                return false;
        if (cop__names_init(&names, shell->node) != COP_OK)
                return cop__shell_fail(shell, "the node has no memory left for the list");
        cop__columns_init(&table, "ll");
        cop__columns_cell(&table, "NAME");
        cop__columns_cell(&table, "PID");
        for (size_t i = 0; i < names.count && i < rows; i++) {
                append_name(&table, &names.each[i]);
        }
        cop__columns_print(&table, &shell->out);
        shell->out.failed |= table.cells.failed;
        if (names.count > rows)
                cop__text_printf(&shell->out, "and %zu more: regs %zu lists them all\n",
                                 names.count - (size_t)rows, names.count);
        cop__columns_fini(&table);
        cop__names_fini(&names);
        return true;
}

COP__COMMAND(whereis)
{
        char name[COP_NAME_MAX + 1], text[COP_ID_TEXT_MAX];
        struct cop__words before = *words;
        if (!cop__words_name(words, command->usage, name) || !cop__words_end(words))
                return false;
        cop_pid pid = cop_whereis(name);
        if (pid.bits == 0)
                return cop__words_fail_name(words, cop__words_next(&before).offset, name);
        cop__text_printf(&shell->out, "%s\n", cop_pid_print(pid, text));
        return true;
}

/* ---- Nodes --------------------------------------------------------------------------- */

COP__COMMAND(nodes)
{
        struct cop__neighbour *neighbours;
        struct cop__columns table;
        size_t count;
        char sentence[COP__DOOR_SENTENCE];
        (void)command;
        if (!cop__words_end(words))
                return false;
        if (cop__door_neighbours(&neighbours, &count, sentence) != COP_OK)
                return cop__shell_fail(shell, "%s", sentence);
        cop__columns_init(&table, "lll");
        for (size_t i = 0; i < count; i++) {
                bool here = strcmp(neighbours[i].name, cop_node_name(shell->node)) == 0;
                cop__columns_cell(&table, "%s", neighbours[i].name);
                cop__columns_cell(&table, "process %ld", neighbours[i].process);
                cop__columns_cell(&table, "%s", here ? "this one" : "");
        }
        cop__columns_print(&table, &shell->out);
        shell->out.failed |= table.cells.failed;
        cop__columns_fini(&table);
        free(neighbours);
        return true;
}
