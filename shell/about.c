/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Commands about one actor's life: info, and crashes. */
#include <string.h>
#include <time.h>

#include "actors/calling.h"
#include "actors/info.h"
#include "actors/recent.h"
#include "actors/registry.h"
#include "actors/report.h"
#include "base/cue.h"
#include "mailbox/term.h"
#include "shell/columns.h"
#include "shell/command.h"
#include "shell/glimpses.h"
#include "shell/json.h"

/* How long an actor may take to speak of itself before it counts as busy. */
#define INFO_MS 500

/* Crash reports that are shown unless more are asked for. */
#define CRASHES_SHOWN 10

/* ---- info ---------------------------------------------------------------------------- */

/* "<0.3.0> shop" */
static void append_pid(struct cop__shell *shell, struct cop__text *text, cop_pid pid)
{
        char shown[COP_ID_TEXT_MAX], name[COP_NAME_MAX + 1];
        cop__text_append_string(text, cop_pid_print(pid, shown));
        if (!cop__registry_name(shell->node, pid, name))
                return;
        cop__text_append_char(text, ' ');
        cop__atom_print(text, name, strlen(name));
}

static void append_pids(struct cop__shell *shell, const char *title, const cop_term *list)
{
        struct cop__text *out = &shell->out;
        cop_term rest = list != NULL ? *list : cop_nil(), item;
        cop__text_printf(out, "  %-13s ", title);
        if (list == NULL || list->count == 0)
                cop__text_append_string(out, "none");
        for (bool first = true; cop__term_next(&rest, &item); first = false) {
                cop__text_append_string(out, first ? "" : ", ");
                if (item.type == COP_TERM_PID)
                        append_pid(shell, out, item.as.pid);
        }
        cop__text_append_char(out, '\n');
}

/* Whom it cannot go on without, and whom that one, and so on: only if there is one. */
static void append_waits(struct cop__shell *shell, cop_pid pid)
{
        char chain[1024] = "";
        struct cop__text text;
        cop__text_init_fixed(&text, chain, sizeof(chain));
        cop__ring_print(shell->node, pid, &text);
        if (chain[0] != '\0')
                cop__text_printf(&shell->out, "\n  %-13s %s", "waits for", chain);
}

/* What can be seen from the side. */
static void append_glimpse(struct cop__shell *shell, const struct cop__glimpse *glimpse)
{
        struct cop__text *out = &shell->out;
        struct cop__place place;
        size_t from;
        char label[COP__LABEL_MAX], pid[COP_ID_TEXT_MAX], recent[COP__RECENT_TEXT];
        cop__glimpse_where(shell->node, glimpse, &place);
        cop__text_printf(out, "%s %s\n", cop__glimpse_label(glimpse, label),
                         cop_pid_print(glimpse->pid, pid));
        from = out->size;
        cop__text_printf(out, "  %-13s %s", "server", glimpse->server != NULL ? glimpse->server : "none");
        cop__text_make_harmless(out, from);
        cop__text_append_char(out, '\n');
        if (glimpse->label[0] != '\0')
                cop__text_printf(out, "  %-13s %s\n", "label", glimpse->label);
        if (glimpse->isolation == COP_ISOLATION_PROCESS)
                cop__text_printf(out, "  %-13s its own process, %lld\n", "isolation",
                                 (long long)glimpse->os_pid);
        cop__text_printf(out, "  %-13s %s\n", "status", glimpse->status);
        if (glimpse->priority != COP_PRIORITY_NORMAL)
                cop__text_printf(out, "  %-13s %s\n", "priority",
                                 cop__priority_word(glimpse->priority));
        cop__text_printf(out, "  %-13s %s", "in", place.function);
        if (place.file[0] != '\0')
                cop__text_printf(out, " at %s:%u", place.file, place.line);
        append_waits(shell, glimpse->pid);
        cop__text_printf(out, "\n  %-13s ", "parent");
        if (glimpse->parent.bits != 0)
                append_pid(shell, out, glimpse->parent);
        else
                cop__text_append_string(out, "none");
        cop__text_printf(out, "\n  %-13s %u", "unread", glimpse->unread);
        if (glimpse->marking.high != 0)
                cop__text_printf(out, "%s; marks at %u and %u", glimpse->marking.over ? ", too many" : "",
                                 glimpse->marking.high, glimpse->marking.low);
        cop__text_append_char(out, '\n');
        cop__text_printf(out, "  %-13s %llu", "handled", (unsigned long long)glimpse->handled);
        cop__recent_print(shell->node, glimpse->recent, 0, recent, sizeof(recent));
        cop__text_printf(out, "%s%s\n", recent[0] != '\0' ? ", the last " : "", recent);
        cop__text_printf(out, "  %-13s ", "memory");
        cop__text_append_bytes(out, glimpse->bytes);
        cop__text_append_char(out, '\n');
}

static void append_info(struct cop__shell *shell, cop_term info)
{
        const cop_term *trap_exit = cop_map_get(info, cop_atom("trap_exit"));
        const cop_term *owned = cop_map_get(info, cop_atom("owned"));
        const cop_term *dropped = cop_map_get(info, cop_atom("dropped"));
        if (dropped != NULL && dropped->as.integer > 0)
                cop__text_printf(&shell->out, "  %-13s %lld\n", "dropped", (long long)dropped->as.integer);
        if (owned != NULL && owned->as.integer > 0) {
                cop__text_printf(&shell->out, "  %-13s ", "owns");
                cop__text_append_count(&shell->out, (uint64_t)owned->as.integer, "thing");
                cop__text_append_char(&shell->out, '\n');
        }
        cop__text_printf(&shell->out, "  %-13s %s\n", "traps exits",
                         trap_exit != NULL && cop_is_atom(*trap_exit, "true") ? "yes" : "no");
        append_pids(shell, "links", cop_map_get(info, cop_atom("links")));
        append_pids(shell, "monitors", cop_map_get(info, cop_atom("monitors")));
        append_pids(shell, "monitored by", cop_map_get(info, cop_atom("monitored_by")));
}

/* Of one who has not answered, and has had the time for it. */
static bool complain_of(struct cop__shell *shell, cop_status status)
{
        if (status == COP_E_NO_ACTOR || status == COP_E_DIED)
                return cop__shell_fail(shell, "it has just ended");
        return cop__shell_fail(shell, "no information: %s", cop_status_text(status));
}

/* A visitor answers when it next looks at its mail, which may be never: it is not asked. */
static bool ask(struct cop__shell *shell, const struct cop__glimpse *glimpse)
{
        cop_term info;
        if (strcmp(glimpse->status, "visiting") == 0) {
                cop__text_append_string(&shell->out,
                                        "  a thread of the program: not asked for its links\n");
                return true;
        }
        COP__CUE("about.asks");
        cop_status status = cop__info(glimpse->pid, INFO_MS, &info);
        if (status == COP_OK) {
                append_info(shell, info);
                cop_term_free(info);
                return true;
        }
        if (status == COP_E_TIMEOUT) {
                cop__text_printf(&shell->out,
                                 "  busy: no answer within %d ms, so its links are not shown\n",
                                 INFO_MS);
                return true;
        }
        cop__text_clear(&shell->out);
        return complain_of(shell, status);
}

/* 0 is as good as nothing. */
static void put_known(struct cop__text *out, const char *key, bool is_known, int64_t value)
{
        if (is_known)
                cop__json_number(out, key, value);
        else
                cop__json_string(out, key, NULL);
}

/* What can be seen from the side; the object stays open. */
static void put_glimpse(struct cop__shell *shell, const struct cop__glimpse *glimpse)
{
        struct cop__text *out = &shell->out;
        struct cop__place place;
        char recent[COP__RECENT_TEXT];
        bool has_marks = glimpse->marking.high != 0, has_process = glimpse->isolation == COP_ISOLATION_PROCESS;
        cop__glimpse_where(shell->node, glimpse, &place);
        cop__recent_print(shell->node, glimpse->recent, 0, recent, sizeof(recent));
        cop__json_open(out, NULL, '{');
        cop__json_pid(out, "pid", glimpse->pid);
        cop__json_string(out, "name", glimpse->name);
        cop__json_string(out, "label", glimpse->label);
        cop__json_string(out, "server", glimpse->server);
        cop__json_string(out, "status", glimpse->status);
        cop__json_string(out, "priority", cop__priority_word(glimpse->priority));
        cop__json_bool(out, "own_process", has_process);
        put_known(out, "process", has_process, glimpse->os_pid);
        cop__json_string(out, "in", place.function);
        cop__json_string(out, "file", place.file);
        put_known(out, "line", place.line != 0, place.line);
        cop__json_pid(out, "parent", glimpse->parent);
        cop__json_number(out, "unread", glimpse->unread);
        put_known(out, "mark_high", has_marks, glimpse->marking.high);
        put_known(out, "mark_low", has_marks, glimpse->marking.low);
        cop__json_bool(out, "too_many", has_marks && glimpse->marking.over);
        cop__json_number(out, "handled", (int64_t)glimpse->handled);
        cop__json_string(out, "last", recent);
        cop__json_number(out, "memory", (int64_t)glimpse->bytes);
        cop__json_pid(out, "waits_for", cop__ring_next(shell->node, glimpse->pid));
}

/* And, if it answers in time, what it says of itself; else null. */
static bool put_info(struct cop__shell *shell, const struct cop__glimpse *glimpse)
{
        cop_term info = cop_atom("undefined");
        cop_status status = COP_E_TIMEOUT;
        if (strcmp(glimpse->status, "visiting") != 0) {
                COP__CUE("about.asks");
                status = cop__info(glimpse->pid, INFO_MS, &info);
        }
        if (status != COP_OK && status != COP_E_TIMEOUT)
                return complain_of(shell, status);
        put_glimpse(shell, glimpse);
        cop__json_term(&shell->out, "itself", info, cop_node_kinds(shell->node));
        cop__json_close(&shell->out, '}');
        if (status == COP_OK)
                cop_term_free(info);
        return true;
}

COP__COMMAND(info)
{
        struct cop__who who;
        struct cop__glimpse glimpse;
        if (!cop__words_actor_here(words, command->usage, &who) || !cop__words_end(words))
                return false;
        if (!cop__glimpse_of(shell->node, who.pid, &glimpse))
                return cop__shell_fail(shell, "%s is not alive", who.called);
        if (cop__shell_speaks_json(shell))
                return put_info(shell, &glimpse);
        append_glimpse(shell, &glimpse);
        return ask(shell, &glimpse);
}

/* ---- crashes ------------------------------------------------------------------------- */

static void append_report(struct cop__text *text, const struct cop__report *report)
{
        char shown[COP__LOG_TEXT], when[32] = "";
        struct tm day;
        time_t seconds = (time_t)report->when;
        if (localtime_r(&seconds, &day) != NULL)
                strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &day);
        cop__report_print_all(report, shown, sizeof(shown));
        cop__text_printf(text, "crash %llu, %s\n%s\n", (unsigned long long)report->number, when,
                         shown);
}

static void put_report(struct cop__text *out, const struct cop__report *report)
{
        cop__json_open(out, NULL, '{');
        cop__json_number(out, "number", (int64_t)report->number);
        cop__json_number(out, "when", report->when);
        cop__json_pid(out, "pid", report->pid);
        cop__json_string(out, "who", report->who);
        cop__json_string(out, "what", report->what);
        cop__json_string(out, "where", report->where);
        cop__json_string(out, "message", report->message);
        cop__json_pid(out, "from", report->from);
        cop__json_string(out, "reason", report->reason);
        cop__json_string(out, "outcome", report->outcome);
        cop__json_number(out, "handled", (int64_t)report->handled);
        cop__json_string(out, "last", report->recent);
        cop__json_string(out, "unread", report->unread);
        cop__json_string(out, "events", report->events);
        cop__json_string(out, "state", report->state);
        cop__json_string(out, "held", report->held);
        cop__json_string(out, "started_as", report->started_as);
        cop__json_string(out, "ancestors", report->ancestors);
        cop__json_string(out, "linked", report->linked);
        cop__json_close(out, '}');
}

COP__COMMAND(crashes)
{
        struct cop__report report;
        uint64_t count;
        (void)command;
        if (!cop__words_number(words, COP__REPORTS_KEPT, CRASHES_SHOWN, &count) ||
            !cop__words_end(words))
                return false;
        bool is_json = cop__shell_speaks_json(shell);
        bool has_any = cop__report_get(shell->node, 0, &report);
        uint64_t newest = has_any ? report.number : 0;
        if (is_json)
                cop__json_open(&shell->out, NULL, '[');
        else if (!has_any)
                cop__text_append_string(&shell->out, "no crash so far\n");
        for (uint64_t number = newest > count ? newest - count + 1 : 1; number <= newest; number++)
                if (cop__report_get(shell->node, number, &report))
                        (is_json ? put_report : append_report)(&shell->out, &report);
        if (is_json)
                cop__json_close(&shell->out, ']');
        return true;
}
