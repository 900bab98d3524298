/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Commands that list: i, regs, whereis, nodes. They read what the node leaves readable and ask
 * no actor. */
#include <stdlib.h>
#include <string.h>

#include "actors/calling.h"
#include "actors/info.h"
#include "mailbox/term.h"
#include "shell/columns.h"
#include "shell/command.h"
#include "shell/door.h"
#include "shell/glimpses.h"
#include "shell/json.h"
#include "shell/names.h"

/* ---- i ------------------------------------------------------------------------------- */

static void append_actor(struct cop__shell *shell, struct cop__columns *table,
                         const struct cop__glimpse *glimpse)
{
        char pid[COP_ID_TEXT_MAX], name[COP__LABEL_MAX], bytes[32];
        cop_pid waits_for = cop__ring_next(shell->node, glimpse->pid);
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
        cop__columns_cell(table, "%s", waits_for.bits != 0 ? cop_pid_print(waits_for, pid) : "-");
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

/* What people see in a cell in parentheses has a field of its own here. */
static void put_actor(struct cop__shell *shell, const struct cop__glimpse *glimpse)
{
        struct cop__text *out = &shell->out;
        struct cop__place place;
        cop__glimpse_where(shell->node, glimpse, &place);
        cop__json_open(out, NULL, '{');
        cop__json_pid(out, "pid", glimpse->pid);
        cop__json_string(out, "name", glimpse->name);
        cop__json_string(out, "label", glimpse->label);
        cop__json_string(out, "server", glimpse->server);
        cop__json_string(out, "status", glimpse->status);
        cop__json_number(out, "unread", glimpse->unread);
        cop__json_number(out, "handled", (int64_t)glimpse->handled);
        cop__json_number(out, "memory", (int64_t)glimpse->bytes);
        cop__json_pid(out, "waits_for", cop__ring_next(shell->node, glimpse->pid));
        cop__json_string(out, "in", place.function);
        cop__json_close(out, '}');
}

static void put_actors(struct cop__shell *shell, const struct cop__glimpses *glimpses)
{
        struct cop__text *out = &shell->out;
        struct cop__totals totals;
        cop__totals(shell->node, &totals);
        cop__json_open(out, NULL, '{');
        cop__json_open(out, "actors", '[');
        for (size_t i = 0; i < glimpses->count; i++)
                put_actor(shell, &glimpses->each[i]);
        cop__json_close(out, ']');
        cop__json_number(out, "alive", (int64_t)glimpses->seen);
        cop__json_number(out, "unread", (int64_t)glimpses->unread);
        cop__json_number(out, "spawned", (int64_t)totals.spawned);
        cop__json_number(out, "ended", (int64_t)totals.died);
        cop__json_number(out, "crashes", (int64_t)totals.crashes);
        cop__json_number(out, "sent", (int64_t)totals.sent);
        cop__json_number(out, "dead_letters", (int64_t)totals.dead_letters);
        cop__json_number(out, "workers", totals.workers);
        cop__json_number(out, "uptime_ms", (int64_t)totals.uptime_ms);
        cop__json_close(out, '}');
}

static void list_actors(struct cop__shell *shell, const struct cop__glimpses *glimpses)
{
        static const char *const titles[] = { "PID", "NAME", "UNREAD", "HANDLED", "MEMORY", "WAITS FOR", "IN" };
        struct cop__columns table;
        cop__columns_init(&table, "llrrrll");
        for (size_t i = 0; i < COP__COUNT(titles); i++)
                cop__columns_cell(&table, "%s", titles[i]);
        for (size_t i = 0; i < glimpses->count; i++)
                append_actor(shell, &table, &glimpses->each[i]);
        cop__columns_print(&table, &shell->out);
        shell->out.failed |= table.cells.failed;
        cop__columns_fini(&table);
        cop__glimpses_append_rest(glimpses, "i", &shell->out);
        append_totals(shell, glimpses);
}

COP__COMMAND(i)
{
        struct cop__glimpses glimpses;
        uint64_t rows;
        (void)command;
        if (!cop__words_number(words, COP__GLIMPSES_MAX, COP__SHELL_ROWS, &rows) ||
            !cop__words_end(words))
                return false;
        if (cop__glimpses_init(&glimpses, shell->node, rows) != COP_OK)
                return cop__shell_fail(shell, "the node has no memory left for the list");
        if (cop__shell_speaks_json(shell))
                put_actors(shell, &glimpses);
        else
                list_actors(shell, &glimpses);
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

static void list_names(struct cop__shell *shell, const struct cop__names *names, size_t rows)
{
        struct cop__columns table;
        cop__columns_init(&table, "ll");
        cop__columns_cell(&table, "NAME");
        cop__columns_cell(&table, "PID");
        for (size_t i = 0; i < names->count && i < rows; i++)
                append_name(&table, &names->each[i]);
        cop__columns_print(&table, &shell->out);
        shell->out.failed |= table.cells.failed;
        size_t listed = names->count < rows ? names->count : rows;
        if (names->seen > COP__NAMES_MAX)
                cop__text_printf(&shell->out, "and %zu more\n", names->seen - listed);
        else if (names->seen > listed)
                cop__text_printf(&shell->out, "and %zu more: regs %zu lists them all\n", names->seen - listed, names->seen);
        cop__columns_fini(&table);
}

static void put_names(struct cop__shell *shell, const struct cop__names *names, size_t rows)
{
        struct cop__text *out = &shell->out;
        cop__json_open(out, NULL, '{');
        cop__json_open(out, "names", '[');
        for (size_t i = 0; i < names->count && i < rows; i++) {
                cop__json_open(out, NULL, '{');
                cop__json_string(out, "name", names->each[i].name);
                cop__json_pid(out, "pid", names->each[i].pid);
                cop__json_close(out, '}');
        }
        cop__json_close(out, ']');
        cop__json_number(out, "count", (int64_t)names->seen);
        cop__json_close(out, '}');
}

COP__COMMAND(regs)
{
        struct cop__names names;
        uint64_t rows;
        (void)command;
        if (!cop__words_number(words, COP__NAMES_MAX, COP__SHELL_ROWS, &rows) ||
            !cop__words_end(words))
                return false;
        if (cop__names_init(&names, shell->node, COP__NAMES_MAX) != COP_OK)
                return cop__shell_fail(shell, "the node has no memory left for the list");
        if (cop__shell_speaks_json(shell))
                put_names(shell, &names, (size_t)rows);
        else
                list_names(shell, &names, (size_t)rows);
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
        if (cop__shell_speaks_json(shell))
                cop__json_pid(&shell->out, NULL, pid);
        else
                cop__text_printf(&shell->out, "%s\n", cop_pid_print(pid, text));
        return true;
}

/* ---- Nodes --------------------------------------------------------------------------- */

static void list_nodes(struct cop__shell *shell, const struct cop__neighbour *neighbours, size_t count)
{
        struct cop__columns table;
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
}

COP__COMMAND(nodes)
{
        struct cop__neighbour *neighbours;
        size_t count;
        char sentence[COP__DOOR_SENTENCE];
        (void)command;
        if (!cop__words_end(words))
                return false;
        if (cop__door_neighbours(&neighbours, &count, sentence) != COP_OK)
                return cop__shell_fail(shell, "%s", sentence);
        if (cop__shell_speaks_json(shell))
                cop__json_nodes(&shell->out, neighbours, count);
        else
                list_nodes(shell, neighbours, count);
        free(neighbours);
        return true;
}
