/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Explain: what the limits of a tree amount to.
 *
 *      shop bears 3 restarts within 5 s and gives up at the 4th: the program ends.
 *        till: one crash is one restart of shop.
 *        desk bears 1 restart within 5 s; its 2nd within that time is one restart of shop.
 *          clerk: one crash is one restart of desk; 8 in quick succession end the program.
 *
 * A child of supervisors that bear a, b and c restarts each ends the program with its
 * (a + 1)(b + 1)(c + 1)th crash in quick succession: each level gives up once for each restart of the level above.
 */
#include <string.h>

#include "base/text.h"
#include "supervisor/spec.h"
#include "supervisor/supervisor.h"

/* A product beyond which it is said as "more than". */
#define CRASHES_MAX UINT64_C(1000000000)

struct level {
        const struct level *above;
        const cop_supervisor *supervisor;
        const char *label;
        uint64_t crashes; /* in quick succession that end all; 0: no number does */
        unsigned depth;
};

static void indent(struct cop__text *text, unsigned depth)
{
        for (unsigned i = 0; i < depth; i++)
                cop__text_append_string(text, "  ");
}

/* 0: no limit. Else restarts + 1. */
static uint64_t failures_to_end(const cop_supervisor *supervisor)
{
        if (supervisor->intensity == COP_RESTARTS_FOR_EVER)
                return 0;
        if (supervisor->intensity == COP_NO_RESTARTS)
                return 1;
        return 1 + (uint64_t)(supervisor->intensity == 0 ? COP__INTENSITY_DEFAULT
                                                         : supervisor->intensity);
}

static const char *ordinal_suffix(uint64_t number)
{
        static const char *const suffixes[] = { "th", "st", "nd", "rd" };
        uint64_t last = number % 10;
        return last > 3 || number / 10 % 10 == 1 ? "th" : suffixes[last];
}

static uint64_t product(uint64_t left, uint64_t right)
{
        if (left == 0 || right == 0)
                return 0;
        return left > CRASHES_MAX / right ? CRASHES_MAX : left * right;
}

static void explain_limit(struct cop__text *text, const struct level *level)
{
        char period[32];
        uint64_t end = failures_to_end(level->supervisor);
        int64_t ms = level->supervisor->period_ms != 0 ? level->supervisor->period_ms
                                                       : COP__PERIOD_DEFAULT_MS;
        if (end == 0) {
                cop__text_printf(text, "%s restarts its children for ever, and never gives up", level->label);
                return;
        }
        cop__text_printf(text, "%s bears %llu restart%s", level->label,
                         (unsigned long long)(end - 1), end == 2 ? "" : "s");
        if (ms == COP_FOREVER)
                cop__text_append_string(text, " in all its life");
        else
                cop__text_printf(text, " within %s", cop__print_time(ms, period));
        cop__text_printf(text, " and gives up at the %llu%s", (unsigned long long)end,
                         ordinal_suffix(end));
}

static const char *what_ends(const cop_child *child, bool is_supervisor)
{
        if (is_supervisor)
                return child->restart == COP_PERMANENT ? "that is" : "that ends it for good, and is not";
        switch (child->restart) {
        case COP_TEMPORARY:
                return "its end is never";
        case COP_TRANSIENT:
                return "a crash is";
        default:
                return "each end is";
        }
}

static void explain_backoff(struct cop__text *text, const cop_child *child)
{
        char first[32], most[32];
        if (child->backoff.first_ms != 0) {
                int64_t max = child->backoff.max_ms != 0 ? child->backoff.max_ms : COP__BACKOFF_MAX_MS;
                cop__text_printf(text, "; restarts come after %s at first and %s at most",
                                 cop__print_time(child->backoff.first_ms, first),
                                 cop__print_time(max, most));
        }
        if (child->breaker.failures != 0)
                cop__text_printf(text, "; after %u failures in a row it is left alone for %s",
                                 child->breaker.failures,
                                 cop__print_time(child->breaker.open_ms != 0
                                                         ? child->breaker.open_ms
                                                         : COP__BREAKER_OPEN_MS,
                                                 first));
}

static void explain_tree(struct cop__text *text, const struct level *level,
                         const cop_child *as_child);

static void explain_child(struct cop__text *text, const struct level *level, const cop_child *child)
{
        const char *id = child->id != NULL ? child->id : "each child";
        if (child->supervisor != NULL) {
                const char *name = child->supervisor->name != NULL ? child->supervisor->name : id;
                uint64_t end = failures_to_end(child->supervisor);
                struct level next = { level, child->supervisor, name, product(level->crashes, end),
                                      level->depth + 1 };
                if (child->restart != COP_PERMANENT) /* its giving up goes no further */
                        next.crashes = 0;
                explain_tree(text, &next, child);
                return;
        }
        indent(text, level->depth + 1);
        cop__text_printf(text, "%s: %s a restart of %s", id, what_ends(child, false), level->label);
        if (child->restart != COP_TEMPORARY && level->crashes > 1 && level->above != NULL)
                cop__text_printf(text, "; %s%llu in quick succession end all",
                                 level->crashes >= CRASHES_MAX ? "more than " : "",
                                 (unsigned long long)level->crashes);
        explain_backoff(text, child);
        cop__text_append_char(text, '\n');
}

static void explain_tree(struct cop__text *text, const struct level *level,
                         const cop_child *as_child)
{
        const cop_supervisor *tree = level->supervisor;
        indent(text, level->depth);
        explain_limit(text, level);
        if (failures_to_end(tree) != 0 && as_child != NULL)
                cop__text_printf(text, "; %s a restart of %s", what_ends(as_child, true),
                                 level->above->label);
        else if (failures_to_end(tree) != 0)
                cop__text_append_string(text, ", which ends all");
        cop__text_append_char(text, '\n');
        if (tree->each != NULL)
                explain_child(text, level, tree->each);
        for (const cop_child *child = tree->children; child != NULL && child->id != NULL; child++)
                explain_child(text, level, child);
}

size_t cop_supervisor_explain(const cop_supervisor *tree, char *text, size_t size)
{
        char wrong[8];
        struct cop__text words;
        if (cop_supervisor_check(tree, wrong, sizeof(wrong)) != COP_OK)
                return 0;
        struct level root = { NULL, tree, tree->name != NULL ? tree->name : "the supervisor",
                              failures_to_end(tree), 0 };
        cop__text_init(&words);
        explain_tree(&words, &root, NULL);
        size_t length = strlen(cop__text_get(&words));
        if (text != NULL && size > 0) {
                size_t part = length < size ? length : size - 1;
                memcpy(text, cop__text_get(&words), part);
                text[part] = '\0';
        }
        cop__text_fini(&words);
        return length;
}
