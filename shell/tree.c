/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The command tree: who was started by whom.
 *
 *      shop <0.2.0>
 *      ├─ clerk <0.4.0>
 *      └─ till <0.3.0>
 *
 * The glimpses are sorted by parent, then name, so that children stand together and a restarted one
 * keeps its place. A root is an actor whose parent is dead, or a visiting thread; visitors
 * themselves are shown only by i.
 */
#include <stdlib.h>
#include <string.h>

#include "shell/command.h"
#include "shell/glimpses.h"

/* Trees deeper than this are cut: a chain of actors that each start the next is none to look at. */
#define DEPTH_MAX 64

/* Bytes that one level adds in front of a line. */
#define STEP_MAX 6

struct tree {
        struct cop__glimpses glimpses; /* by parent, name, pid */
        struct cop__text *out;
        char indent[DEPTH_MAX * STEP_MAX + 1];
};

static int by_bits(cop_pid left, cop_pid right)
{
        return (left.bits > right.bits) - (left.bits < right.bits);
}

/* Those with a name first. */
static int by_name(const char *left, const char *right)
{
        if ((left[0] == '\0') != (right[0] == '\0'))
                return left[0] == '\0' ? 1 : -1;
        return strcmp(left, right);
}

static int by_parent(const void *left_at, const void *right_at)
{
        const struct cop__glimpse *left = left_at, *right = right_at;
        int order = by_bits(left->parent, right->parent);
        if (order == 0)
                order = by_name(left->name, right->name);
        return order != 0 ? order : by_bits(left->pid, right->pid);
}

static int by_pid(const void *left, const void *right)
{
        return by_bits(*(const cop_pid *)left, *(const cop_pid *)right);
}

static bool is_visitor(const struct cop__glimpse *glimpse)
{
        return strcmp(glimpse->status, "visiting") == 0;
}

/* The first actor whose parent is not before this one. */
static size_t first_child(const struct tree *tree, cop_pid parent)
{
        size_t low = 0, high = tree->glimpses.count;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                if (by_bits(tree->glimpses.each[middle].parent, parent) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

static bool is_child(const struct tree *tree, size_t at, cop_pid parent)
{
        return at < tree->glimpses.count &&
               cop_pid_equal(tree->glimpses.each[at].parent, parent);
}

static void append_label(struct tree *tree, const struct cop__glimpse *glimpse)
{
        char label[COP__LABEL_MAX], pid[COP_ID_TEXT_MAX];
        cop__text_printf(tree->out, "%s %s\n", cop__glimpse_label(glimpse, label),
                         cop_pid_print(glimpse->pid, pid));
}

static void append_children(struct tree *tree, cop_pid parent, size_t depth)
{
        size_t indent = strlen(tree->indent);
        for (size_t at = first_child(tree, parent); is_child(tree, at, parent); at++) {
                bool last = !is_child(tree, at + 1, parent);
                if (depth == DEPTH_MAX) {
                        cop__text_printf(tree->out, "%s└─ ...\n", tree->indent);
                        return;
                }
                cop__text_printf(tree->out, "%s%s", tree->indent, last ? "└─ " : "├─ ");
                append_label(tree, &tree->glimpses.each[at]);
                strcpy(tree->indent + indent, last ? "   " : "│  ");
                append_children(tree, tree->glimpses.each[at].pid, depth + 1);
                tree->indent[indent] = '\0';
        }
}

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

static bool append_roots(struct tree *tree)
{
        size_t count;
        cop_pid *pids = parents_of(tree, &count);
        if (pids == NULL)
                return false;
        for (size_t i = 0; i < tree->glimpses.count; i++) {
                const struct cop__glimpse *glimpse = &tree->glimpses.each[i];
                if (is_visitor(glimpse) ||
                    bsearch(&glimpse->parent, pids, count, sizeof(*pids), by_pid) != NULL)
                        continue;
                append_label(tree, glimpse);
                append_children(tree, glimpse->pid, 1);
        }
        free(pids);
        return true;
}

COP__COMMAND(tree)
{
        struct tree tree = { .out = &shell->out };
        uint64_t rows;
        (void)command;
        if (!cop__words_number(words, COP__GLIMPSES_MAX, COP__SHELL_ROWS, &rows) ||
            !cop__words_end(words))
                return false;
        if (cop__glimpses_init(&tree.glimpses, shell->node, rows) != COP_OK)
                return cop__shell_fail(shell, "the node has no memory left for the tree");
        if (tree.glimpses.count > 0)
                qsort(tree.glimpses.each, tree.glimpses.count, sizeof(*tree.glimpses.each),
                      by_parent);
        bool done = append_roots(&tree);
        cop__glimpses_append_rest(&tree.glimpses, "tree", &shell->out);
        cop__glimpses_fini(&tree.glimpses);
        return done || cop__shell_fail(shell, "the node has no memory left for the tree");
}
