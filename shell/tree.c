/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The command tree: who was started by whom.
 *
 *      shop <0.2.0>
 *      ├─ till <0.3.1>  restarts 1
 *      ├─ clerk <0.4.0>
 *      └─ desk  open
 *
 * It asks nobody: actors are glimpses, and what supervisors know of their children is in the census (actors/census.h). So
 * children of a supervisor stand in the order of their start, those without a process too; others in the order of their
 * names. A root is an actor whose parent is dead, or a visiting thread; visitors themselves are shown only by i.
 */
#include <stdlib.h>
#include <string.h>

#include "actors/actor.h"
#include "mailbox/term.h"
#include "shell/command.h"
#include "shell/glimpses.h"
#include "shell/json.h"
#include "supervisor/roster.h"

/* Trees deeper than this are cut: a chain of actors that each start the next is none to look at. */
#define DEPTH_MAX 64

/* Bytes that one level adds in front of a line. */
#define STEP_MAX 6

/* An actor, or a child that has no process; either may be missing of the other. */
struct twig {
        cop_pid pid, parent;
        const struct cop__glimpse *glimpse;
        const struct cop__census_entry *entry;
};

struct tree {
        struct cop__glimpses glimpses;
        struct cop__census_entry *entries; /* by child's pid: those without a process first */
        size_t entry_count;
        struct twig *twigs;                /* by parent, order of start, name, pid */
        size_t count;
        size_t rows, shown, left_out;      /* lines that there may be, and are; what else there is to show */
        struct cop__text *out;
        char indent[DEPTH_MAX * STEP_MAX + 1];
};

static int by_bits(uint64_t left, uint64_t right)
{
        return (left > right) - (left < right);
}

/* Those with a name first. */
static int by_name(const struct twig *left, const struct twig *right)
{
        const char *one = left->glimpse != NULL ? left->glimpse->name : left->entry->id;
        const char *other = right->glimpse != NULL ? right->glimpse->name : right->entry->id;
        if ((one[0] == '\0') != (other[0] == '\0'))
                return one[0] == '\0' ? 1 : -1;
        return strcmp(one, other);
}

/* Children that are in no census come behind the others. */
static uint64_t number_of(const struct twig *twig)
{
        return twig->entry != NULL ? twig->entry->number : UINT64_MAX;
}

static int by_parent(const void *left_at, const void *right_at)
{
        const struct twig *left = left_at, *right = right_at;
        int order = by_bits(left->parent.bits, right->parent.bits);
        if (order == 0)
                order = by_bits(number_of(left), number_of(right));
        if (order == 0)
                order = by_name(left, right);
        return order != 0 ? order : by_bits(left->pid.bits, right->pid.bits);
}

static int by_pid(const void *left, const void *right)
{
        return by_bits(((const cop_pid *)left)->bits, ((const cop_pid *)right)->bits);
}

static int by_child(const void *left, const void *right)
{
        return by_bits(((const struct cop__census_entry *)left)->child.bits,
                       ((const struct cop__census_entry *)right)->child.bits);
}

/* ---- Gathering ----------------------------------------------------------------------- */

static bool read_census(struct tree *tree, cop_node *node)
{
        uint32_t rows = cop__census_count(&node->census);
        tree->entries = malloc((rows + 1) * sizeof(*tree->entries));
        if (tree->entries == NULL)
                return false;
        for (uint32_t row = 0; row < rows; row++)
                if (cop__census_read(&node->census, row, &tree->entries[tree->entry_count]))
                        tree->entry_count++;
        qsort(tree->entries, tree->entry_count, sizeof(*tree->entries), by_child);
        return true;
}

static const struct cop__census_entry *entry_of(const struct tree *tree,
                                                const struct cop__glimpse *glimpse)
{
        const struct cop__census_entry wanted = { .child = glimpse->pid };
        const struct cop__census_entry *entry = bsearch(&wanted, tree->entries, tree->entry_count,
                                                        sizeof(wanted), by_child);
        return entry != NULL && cop_pid_equal(entry->supervisor, glimpse->parent) ? entry : NULL;
}

static bool gather(struct tree *tree, cop_node *node)
{
        if (!read_census(tree, node))
                return false;
        tree->twigs = malloc((tree->glimpses.count + tree->entry_count + 1) *
                             sizeof(*tree->twigs));
        if (tree->twigs == NULL)
                return false;
        for (size_t i = 0; i < tree->glimpses.count; i++) {
                const struct cop__glimpse *glimpse = &tree->glimpses.each[i];
                tree->twigs[tree->count++] = (struct twig){ glimpse->pid, glimpse->parent, glimpse,
                                                            entry_of(tree, glimpse) };
        }
        for (size_t i = 0; i < tree->entry_count; i++) {
                const struct cop__census_entry *entry = &tree->entries[i];
                if (entry->child.bits != 0)
                        break;
                tree->twigs[tree->count++] = (struct twig){ cop_no_pid(), entry->supervisor, NULL,
                                                            entry };
        }
        qsort(tree->twigs, tree->count, sizeof(*tree->twigs), by_parent);
        return true;
}

/* ---- Drawing ------------------------------------------------------------------------- */

static bool is_visitor(const struct cop__glimpse *glimpse)
{
        return strcmp(glimpse->status, "visiting") == 0;
}

/* The first twig whose parent is not before this one. */
static size_t first_child(const struct tree *tree, cop_pid parent)
{
        size_t low = 0, high = tree->count;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                if (tree->twigs[middle].parent.bits < parent.bits)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

static bool is_child(const struct tree *tree, size_t at, cop_pid parent)
{
        return at < tree->count && cop_pid_equal(tree->twigs[at].parent, parent);
}

static void append_id(struct tree *tree, const char *id)
{
        cop__atom_print(tree->out, id, strlen(id));
}

static void append_who(struct tree *tree, const struct twig *twig)
{
        char label[COP__LABEL_MAX], pid[COP_ID_TEXT_MAX];
        if (twig->glimpse == NULL) {
                append_id(tree, twig->entry->id);
                return;
        }
        if (twig->glimpse->name[0] == '\0' && twig->entry != NULL) {
                cop__text_append_char(tree->out, '(');
                append_id(tree, twig->entry->id);
                cop__text_append_char(tree->out, ')');
        } else {
                cop__text_append_string(tree->out, cop__glimpse_label(twig->glimpse, label));
        }
        cop__text_printf(tree->out, " %s", cop_pid_print(twig->pid, pid));
}

/* Is there a row for one more? */
static bool has_row(struct tree *tree)
{
        if (tree->shown == tree->rows) {
                tree->left_out++;
                return false;
        }
        tree->shown++;
        return true;
}

static void append_label(struct tree *tree, const struct twig *twig)
{
        append_who(tree, twig);
        if (twig->entry != NULL && twig->entry->state != COP__CHILD_RUNNING)
                cop__text_printf(tree->out, "  %s", cop__child_state_text(twig->entry->state));
        if (twig->entry != NULL && twig->entry->restarts > 0)
                cop__text_printf(tree->out, "  restarts %u", twig->entry->restarts);
        cop__text_append_char(tree->out, '\n');
}

static void append_children(struct tree *tree, cop_pid parent, size_t depth)
{
        size_t indent = strlen(tree->indent);
        for (size_t at = first_child(tree, parent); is_child(tree, at, parent); at++) {
                bool last = !is_child(tree, at + 1, parent);
                if (depth == DEPTH_MAX) {
                        if (tree->shown < tree->rows)
                                cop__text_printf(tree->out, "%s└─ ...\n", tree->indent);
                        return;
                }
                bool shown = has_row(tree);
                if (shown) {
                        cop__text_printf(tree->out, "%s%s", tree->indent, last ? "└─ " : "├─ ");
                        append_label(tree, &tree->twigs[at]);
                }
                if (tree->twigs[at].pid.bits == 0)
                        continue;
                strcpy(tree->indent + indent, last ? "   " : "│  ");
                append_children(tree, tree->twigs[at].pid, depth + 1);
                tree->indent[indent] = '\0';
        }
}

/* ---- The same for programs ----------------------------------------------------------------- */

static void put_twig(struct tree *tree, const struct twig *twig, size_t depth)
{
        struct cop__text *out = tree->out;
        cop__json_open(out, NULL, '{');
        cop__json_pid(out, "pid", twig->pid);
        cop__json_string(out, "name", twig->glimpse != NULL ? twig->glimpse->name : NULL);
        cop__json_string(out, "id", twig->entry != NULL ? twig->entry->id : NULL);
        cop__json_string(out, "server", twig->glimpse != NULL ? twig->glimpse->server : NULL);
        cop__json_string(out, "state", twig->entry != NULL ? cop__child_state_text(twig->entry->state)
                                                           : NULL);
        cop__json_number(out, "restarts", twig->entry != NULL ? twig->entry->restarts : 0);
        size_t at = twig->pid.bits != 0 ? first_child(tree, twig->pid) : tree->count;
        if (depth == DEPTH_MAX && is_child(tree, at, twig->pid)) {
                cop__json_string(out, "children", NULL); /* there are some, and nobody is told which */
        } else {
                cop__json_open(out, "children", '[');
                for (; is_child(tree, at, twig->pid); at++)
                        put_twig(tree, &tree->twigs[at], depth + 1);
                cop__json_close(out, ']');
        }
        cop__json_close(out, '}');
}

/* ---- The whole ------------------------------------------------------------------------------ */

/* The pids of all that may have children in the tree, sorted. NULL without memory. */
static cop_pid *parents_of(const struct tree *tree, size_t *count)
{
        cop_pid *pids = malloc((tree->glimpses.count + 1) * sizeof(*pids));
        *count = 0;
        if (pids == NULL)
                return NULL;
        for (size_t i = 0; i < tree->glimpses.count; i++)
                if (!is_visitor(&tree->glimpses.each[i]))
                        pids[(*count)++] = tree->glimpses.each[i].pid;
        qsort(pids, *count, sizeof(*pids), by_pid);
        return pids;
}

static bool append_roots(struct tree *tree, bool is_json)
{
        size_t count;
        cop_pid *pids = parents_of(tree, &count);
        if (pids == NULL)
                return false;
        for (size_t i = 0; i < tree->count; i++) {
                const struct twig *twig = &tree->twigs[i];
                if (twig->glimpse == NULL || is_visitor(twig->glimpse) ||
                    bsearch(&twig->parent, pids, count, sizeof(*pids), by_pid) != NULL)
                        continue;
                if (is_json) {
                        put_twig(tree, twig, 1);
                        continue;
                }
                if (has_row(tree))
                        append_label(tree, twig);
                append_children(tree, twig->pid, 1);
        }
        free(pids);
        return true;
}

static void append_rest(const struct tree *tree)
{
        size_t all = tree->shown + tree->left_out;
        if (tree->glimpses.seen > tree->glimpses.count)
                cop__text_printf(tree->out, "and %llu actors more, of which nothing is known here\n",
                                 (unsigned long long)(tree->glimpses.seen - tree->glimpses.count));
        if (tree->left_out > 0 && all <= COP__GLIMPSES_MAX)
                cop__text_printf(tree->out, "and %zu more: tree %zu shows them all\n", tree->left_out, all);
        else if (tree->left_out > 0)
                cop__text_printf(tree->out, "and %zu more\n", tree->left_out);
}

COP__COMMAND(tree)
{
        struct tree tree = { .out = &shell->out };
        uint64_t rows;
        (void)command;
        if (!cop__words_number(words, COP__GLIMPSES_MAX, COP__SHELL_ROWS, &rows) ||
            !cop__words_end(words))
                return false;
        /* The whole is known before it is cut: who stands where depends on all. A program gets it all. */
        if (cop__glimpses_init(&tree.glimpses, shell->node, COP__GLIMPSES_MAX) != COP_OK)
                return cop__shell_fail(shell, "the node has no memory left for the tree");
        tree.rows = (size_t)rows;
        bool is_json = cop__shell_speaks_json(shell);
        if (is_json)
                cop__json_open(&shell->out, NULL, '[');
        bool done = gather(&tree, shell->node) && append_roots(&tree, is_json);
        if (is_json)
                cop__json_close(&shell->out, ']');
        else
                append_rest(&tree);
        free(tree.twigs);
        free(tree.entries);
        cop__glimpses_fini(&tree.glimpses);
        return done || cop__shell_fail(shell, "the node has no memory left for the tree");
}
