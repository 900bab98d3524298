/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The commands children, count, explain, terminate, restart, delete and start: supervisors that run. */
#include <stdlib.h>
#include <string.h>

#include "actors/actor.h"
#include "actors/census.h"
#include "mailbox/term.h"
#include "shell/columns.h"
#include "shell/command.h"
#include "shell/json.h"
#include "supervisor/supervisor.h"

/* ---- Waiting and failing ------------------------------------------------------------- */

static void begin_wait(struct cop__shell *shell)
{
        if (shell->wait_begin != NULL)
                shell->wait_begin(shell);
}

static void end_wait(struct cop__shell *shell)
{
        if (shell->wait_end != NULL)
                shell->wait_end(shell);
}

/* True for COP_OK; else it has complained. */
static bool has_worked(struct cop__shell *shell, const char *called, cop_status status)
{
        char reason[COP__REPORT_TEXT];
        switch (status) {
        case COP_OK:
                return true;
        case COP_E_DIED:
                cop_term_print(cop_failure(), cop_node_kinds(shell->node), reason, sizeof(reason));
                return cop__shell_fail(shell, "it could not start, or %s has ended: %s", called,
                                       reason);
        case COP_E_NO_REPLY:
                if (cop__shell_interrupted(shell))
                        return cop__shell_fail(shell, "interrupted: the request stays with %s",
                                               called);
                break;
        case COP_E_NO_SUPERVISOR:
                return cop__shell_fail(shell, "%s is no supervisor", called);
        case COP_E_BAD_ARGUMENT:
                return cop__shell_fail(shell, "%s does not take such a child: its log says why",
                                       called);
        case COP_E_NOT_FOUND:
                return cop__shell_fail(shell, "%s has no such child; children %s lists them",
                                       called, called);
        default:
                break;
        }
        return cop__shell_fail(shell, "%s: %s", called, cop_status_text(status));
}

static void append_pid(struct cop__shell *shell, cop_pid pid)
{
        char text[COP_ID_TEXT_MAX];
        if (cop__shell_speaks_json(shell))
                cop__json_pid(&shell->out, NULL, pid);
        else
                cop__text_printf(&shell->out, "%s\n",
                                 pid.bits != 0 ? cop_pid_print(pid, text) : "it chose not to run");
}

/* ---- Looking ------------------------------------------------------------------------- */

static void append_limits(struct cop__shell *shell, const cop_children *all)
{
        char period[32];
        cop__atom_print(&shell->out, all->name.data, all->name.size);
        cop__text_printf(&shell->out, ", %s: ", all->strategy.text);
        if (all->intensity < 0)
                cop__text_printf(&shell->out, "%lld restarts, and no limit\n",
                                 (long long)all->restarts);
        else
                cop__text_printf(&shell->out, "%lld of %lld restarts within %s\n",
                                 (long long)all->restarts, (long long)all->intensity,
                                 cop__print_time(all->period_ms, period));
}

static void append_child(struct cop__columns *table, const cop_child_state *child)
{
        char pid[COP_ID_TEXT_MAX];
        struct cop__text id;
        cop__text_init(&id);
        cop__atom_print(&id, child->id.data, child->id.size);
        cop__columns_cell(table, "%s", cop__text_get(&id));
        cop__columns_cell(table, "%s", child->pid.bits != 0 ? cop_pid_print(child->pid, pid) : "-");
        cop__columns_cell(table, "%s", child->type.text);
        cop__columns_cell(table, "%s", child->restart.text);
        cop__columns_cell(table, "%s", child->state.text);
        cop__columns_cell(table, "%lld", (long long)child->restarts);
        cop__text_fini(&id);
}

static void list_children(struct cop__shell *shell, const cop_children *all)
{
        struct cop__columns table;
        append_limits(shell, all);
        cop__columns_init(&table, "lllllr");
        for (size_t i = 0; i < all->children.count; i++)
                append_child(&table, &all->children.items[i]);
        cop__columns_print(&table, &shell->out);
        shell->out.failed |= table.cells.failed;
        cop__columns_fini(&table);
}

static void put_child(struct cop__text *out, const cop_child_state *child)
{
        cop__json_open(out, NULL, '{');
        cop__json_bytes(out, "id", child->id.data, child->id.size);
        cop__json_pid(out, "pid", child->pid);
        cop__json_string(out, "type", child->type.text);
        cop__json_string(out, "restart", child->restart.text);
        cop__json_string(out, "state", child->state.text);
        cop__json_number(out, "restarts", child->restarts);
        cop__json_close(out, '}');
}

/* Without a limit its intensity is null. */
static void put_children(struct cop__text *out, const cop_children *all)
{
        cop__json_open(out, NULL, '{');
        cop__json_bytes(out, "name", all->name.data, all->name.size);
        cop__json_string(out, "strategy", all->strategy.text);
        cop__json_number(out, "restarts", all->restarts);
        if (all->intensity < 0)
                cop__json_string(out, "intensity", NULL);
        else
                cop__json_number(out, "intensity", all->intensity);
        cop__json_number(out, "period_ms", all->period_ms);
        cop__json_open(out, "children", '[');
        for (size_t i = 0; i < all->children.count; i++)
                put_child(out, &all->children.items[i]);
        cop__json_close(out, ']');
        cop__json_close(out, '}');
}

COP__COMMAND(children)
{
        struct cop__who who;
        cop_message *answer;
        if (!cop__words_actor_here(words, command->usage, &who) || !cop__words_end(words))
                return false;
        begin_wait(shell);
        cop_status status = cop_which_children(who.pid, &answer);
        end_wait(shell);
        if (!has_worked(shell, who.called, status))
                return false;
        const cop_children *all = cop_read(cop_children, answer);
        if (cop__shell_speaks_json(shell))
                put_children(&shell->out, all);
        else
                list_children(shell, all);
        cop_message_free(answer);
        return true;
}

static void put_count(struct cop__text *out, const cop_child_count *count)
{
        cop__json_open(out, NULL, '{');
        cop__json_number(out, "children", count->specs);
        cop__json_number(out, "active", count->active);
        cop__json_number(out, "supervisors", count->supervisors);
        cop__json_number(out, "workers", count->workers);
        cop__json_close(out, '}');
}

COP__COMMAND(count)
{
        struct cop__who who;
        cop_child_count count;
        if (!cop__words_actor_here(words, command->usage, &who) || !cop__words_end(words))
                return false;
        begin_wait(shell);
        cop_status status = cop_count_children(who.pid, &count);
        end_wait(shell);
        if (!has_worked(shell, who.called, status))
                return false;
        if (cop__shell_speaks_json(shell))
                put_count(&shell->out, &count);
        else
                cop__text_printf(&shell->out,
                                 "%lld children, %lld active; %lld supervisors, %lld workers\n",
                                 (long long)count.specs, (long long)count.active,
                                 (long long)count.supervisors, (long long)count.workers);
        return true;
}

COP__COMMAND(explain)
{
        struct cop__who who;
        cop_message *answer;
        if (!cop__words_actor_here(words, command->usage, &who) || !cop__words_end(words))
                return false;
        begin_wait(shell);
        cop_status status = cop__explain_running(who.pid, &answer);
        end_wait(shell);
        if (!has_worked(shell, who.called, status))
                return false;
        cop__text_append_string(&shell->out, cop_read(cop__explained, answer)->words.data);
        cop_message_free(answer);
        return true;
}

/* ---- Changing ------------------------------------------------------------------------ */

/* A supervisor and one of its children. */
struct kin {
        struct cop__who who;
        cop_address child;
        char id[COP_NAME_MAX + 1];
};

static bool read_kin(struct cop__words *words, const char *usage, struct kin *kin)
{
        cop_pid pid;
        if (!cop__words_actor_here(words, usage, &kin->who))
                return false;
        struct cop__words ahead = *words;
        struct cop__word word = cop__words_address(&ahead);
        if (word.size == 0)
                return cop__words_fail_at(words, word.offset, "expected a child: %s", usage);
        if (word.text[0] != '<') {
                kin->child = cop_to_name(kin->id);
                return cop__words_name(words, usage, kin->id) && cop__words_end(words);
        }
        if (cop_pid_parse(word.text, word.size, &pid) != COP_OK || pid.bits == 0)
                return cop__words_fail_at(words, word.offset,
                                          "expected an id, or a pid such as <0.12.0>");
        kin->child = cop_to_pid(pid);
        words->at = ahead.at;
        return cop__words_end(words);
}

/*
 * A child that has an id is known to its supervisor by that alone. Who types its pid, as `i` shows it, means the child that has it:
 * then kin->child is the id.
 */
static bool knows_id(const struct cop__shell *shell, struct kin *kin)
{
        struct cop__census *census = &shell->node->census;
        uint32_t rows = cop__census_count(census);
        for (uint32_t row = 0; kin->child.pid.bits != 0 && row < rows; row++) {
                struct cop__census_entry entry;
                if (!cop__census_read(census, row, &entry) || entry.id[0] == '\0' ||
                    !cop_pid_equal(entry.child, kin->child.pid) ||
                    !cop_pid_equal(entry.supervisor, kin->who.pid))
                        continue;
                memcpy(kin->id, entry.id, sizeof(kin->id));
                kin->child = cop_to_name(kin->id);
                return true;
        }
        return false;
}

/* What is asked of a supervisor: by what was typed, and else by the id of who has that pid. */
typedef cop_status kin_request(const struct kin *kin, cop_pid *pid);

static cop_status ask_kin(struct cop__shell *shell, struct kin *kin, kin_request *request, cop_pid *pid)
{
        begin_wait(shell);
        cop_status status = request(kin, pid);
        if (status == COP_E_NOT_FOUND && knows_id(shell, kin))
                status = request(kin, pid);
        end_wait(shell);
        return status;
}

static cop_status ask_to_terminate(const struct kin *kin, cop_pid *unused)
{
        (void)unused;
        return cop_terminate_child_of(cop_to_pid(kin->who.pid), kin->child);
}

static cop_status ask_to_restart(const struct kin *kin, cop_pid *pid)
{
        return cop_restart_child_of(cop_to_pid(kin->who.pid), kin->child, pid, NULL);
}

static cop_status ask_to_delete(const struct kin *kin, cop_pid *unused)
{
        (void)unused;
        return cop_delete_child_of(cop_to_pid(kin->who.pid), kin->child);
}

COP__COMMAND(terminate)
{
        struct kin kin;
        if (!read_kin(words, command->usage, &kin))
                return false;
        cop_status status = ask_kin(shell, &kin, ask_to_terminate, NULL);
        if (!has_worked(shell, kin.who.called, status))
                return false;
        cop__text_append_string(&shell->out, "ok\n");
        return true;
}

COP__COMMAND(restart)
{
        struct kin kin;
        cop_pid pid;
        if (!read_kin(words, command->usage, &kin))
                return false;
        cop_status status = ask_kin(shell, &kin, ask_to_restart, &pid);
        if (!has_worked(shell, kin.who.called, status))
                return false;
        append_pid(shell, pid);
        return true;
}

COP__COMMAND(delete)
{
        struct kin kin;
        if (!read_kin(words, command->usage, &kin))
                return false;
        cop_status status = ask_kin(shell, &kin, ask_to_delete, NULL);
        if (!has_worked(shell, kin.who.called, status))
                return false;
        cop__text_append_string(&shell->out, "ok\n");
        return true;
}

/* The argument as the message that it is; none: kind stays NULL. */
static bool read_argument(struct cop__words *words, const char *usage, const cop_kind **kind,
                          void **value)
{
        struct cop__words ahead = *words;
        struct cop__word where = cop__words_rest(&ahead);
        cop_term term;
        if (where.size == 0)
                return true;
        if (!cop__words_term(words, usage, &term))
                return false;
        bool made = cop__words_message(words, where, term, kind, value);
        cop_term_free(term);
        return made;
}

COP__COMMAND(start)
{
        struct cop__who who;
        const cop_kind *kind = NULL;
        void *value = NULL;
        cop_pid pid;
        if (!cop__words_actor_here(words, command->usage, &who) ||
            !read_argument(words, command->usage, &kind, &value))
                return false;
        const cop_child child = { .kind = kind, .argument = value };
        begin_wait(shell);
        cop_status status = cop_start_child(who.pid, &child, &pid);
        end_wait(shell);
        if (kind != NULL)
                cop__flat_drop(kind, value);
        free(value);
        if (!has_worked(shell, who.called, status))
                return false;
        append_pid(shell, pid);
        return true;
}
