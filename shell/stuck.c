/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The command stuck: who has been at one message for long. It asks no actor. */
#include <stdlib.h>

#include "actors/info.h"
#include "actors/watchdog.h"
#include "base/clock.h"
#include "base/cue.h"
#include "shell/columns.h"
#include "shell/command.h"
#include "shell/glimpses.h"
#include "shell/json.h"

static void append_row(struct cop__shell *shell, struct cop__columns *table,
                       const struct cop__long_turn *entry)
{
        char pid[COP_ID_TEXT_MAX], name[COP__LABEL_MAX];
        struct cop__glimpse glimpse;
        if (!cop__glimpse_of(shell->node, entry->pid, &glimpse))
                return;
        uint64_t ms = (cop__clock_ns() - entry->since_ns) / COP__NS_PER_MS;
        cop__columns_cell(table, "%s", cop_pid_print(entry->pid, pid));
        cop__columns_cell(table, "%s", cop__glimpse_label(&glimpse, name));
        cop__columns_cell(table, "%llu.%llu s", (unsigned long long)(ms / 1000),
                          (unsigned long long)(ms % 1000 / 100));
        cop__columns_cell(table, "%s", glimpse.handling != NULL ? glimpse.handling : "-");
        cop__columns_cell(table, "%s", entry->where);
}

static void list_stuck(struct cop__shell *shell, const struct cop__long_turn *entries, size_t count)
{
        static const char *const titles[] = { "PID", "NAME", "FOR", "HANDLING", "IN" };
        struct cop__columns table;
        if (count == 0) {
                cop__text_append_string(&shell->out, "nobody is stuck\n");
                return;
        }
        cop__columns_init(&table, "llrll");
        for (size_t i = 0; i < COP__COUNT(titles); i++)
                cop__columns_cell(&table, "%s", titles[i]);
        for (size_t i = 0; i < count; i++)
                append_row(shell, &table, &entries[i]);
        cop__columns_print(&table, &shell->out);
        shell->out.failed |= table.cells.failed;
        cop__columns_fini(&table);
}

static void put_entry(struct cop__shell *shell, const struct cop__long_turn *entry)
{
        struct cop__text *out = &shell->out;
        struct cop__glimpse glimpse;
        if (!cop__glimpse_of(shell->node, entry->pid, &glimpse))
                return;
        cop__json_open(out, NULL, '{');
        cop__json_pid(out, "pid", entry->pid);
        cop__json_string(out, "name", glimpse.name);
        cop__json_number(out, "for_ms", (int64_t)((cop__clock_ns() - entry->since_ns) / COP__NS_PER_MS));
        cop__json_string(out, "handling", glimpse.handling);
        cop__json_string(out, "in", entry->where);
        cop__json_string(out, "report", entry->text);
        cop__json_close(out, '}');
}

COP__COMMAND(stuck)
{
        (void)command;
        if (!cop__words_end(words))
                return false;
        COP__CUE("stuck.looks");
        struct cop__long_turn *entries = calloc(COP__LONG_TURNS_KEPT, sizeof(*entries));
        if (entries == NULL)
                return cop__shell_fail(shell, "the node has no memory left for the list");
        size_t count = cop__watchdog_stuck(shell->node, entries, COP__LONG_TURNS_KEPT);
        COP__CUE("stuck.has_looked");
        if (cop__shell_speaks_json(shell)) {
                cop__json_open(&shell->out, NULL, '[');
                for (size_t i = 0; i < count; i++)
                        put_entry(shell, &entries[i]);
                cop__json_close(&shell->out, ']');
        } else {
                list_stuck(shell, entries, count);
        }
        free(entries);
        return true;
}
