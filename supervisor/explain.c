/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Explain: what the limits of a tree amount to.
 *
 *      shop bears 3 restarts within 5 s and gives up at the 4th, which ends all
 *        till: each end is a restart of shop
 *        desk bears 1 restart within 5 s and gives up at the 2nd; that is a restart of shop
 *          clerk: each end is a restart of desk; 8 in quick succession end all
 *
 * A child of supervisors that bear a, b and c restarts each ends the program with its
 * (a + 1)(b + 1)(c + 1)th crash in quick succession: each level gives up once for each restart of the level above. A level
 * gives up sooner on a child that is worth fewer tries, and never on one whose breaker opens before.
 */
#include <string.h>

#include "actors/calling.h"
#include "base/text.h"
#include "supervisor/spec.h"
#include "supervisor/supervisor.h"

/* A product beyond which it is said as "more than". */
#define CRASHES_MAX UINT64_C(1000000000)

struct level {
        const struct level *above;
        const struct cop__supervisor_spec *spec;
        uint64_t ends; /* of this supervisor, in quick succession, that end all; 0: no number does */
        unsigned depth;
};

static void indent(struct cop__text *text, unsigned depth)
{
        for (unsigned i = 0; i < depth; i++)
                cop__text_append_string(text, "  ");
}

/* 0: no limit. Else restarts + 1. */
static uint64_t failures_to_end(const struct cop__supervisor_spec *spec)
{
        return spec->intensity == COP__INTENSITY_UNLIMITED ? 0 : (uint64_t)spec->intensity + 1;
}

/* The failures of a child in quick succession at which its supervisor gives up. 0: never. */
static uint64_t failures_of(const struct cop__supervisor_spec *spec, const struct cop__child_spec *child)
{
        uint64_t limit = failures_to_end(spec), tries = child->backoff.tries;
        if (tries > 0 && (limit == 0 || tries + 1 < limit))
                limit = tries + 1;
        return child->breaker.failures > 0 && child->breaker.failures <= limit ? 0 : limit;
}

/* Does a supervisor without a limit give up all the same, on a child that has used up its tries? */
static bool has_tries(const struct cop__supervisor_spec *spec)
{
        bool any = spec->each != NULL && spec->each->backoff.tries > 0;
        for (uint32_t i = 0; i < spec->child_count; i++)
                any = any || spec->children[i].backoff.tries > 0;
        return any;
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

static void explain_limit(struct cop__text *text, const struct cop__supervisor_spec *spec)
{
        char period[32];
        uint64_t end = failures_to_end(spec);
        if (end == 0) {
                cop__text_printf(text, "%s restarts its children for ever, and %s", spec->label,
                                 has_tries(spec) ? "gives up on one that has used up its tries"
                                                 : "never gives up");
                return;
        }
        cop__text_printf(text, "%s bears %llu restart%s", spec->label,
                         (unsigned long long)(end - 1), end == 2 ? "" : "s");
        if (spec->period_ms == COP_FOREVER)
                cop__text_append_string(text, " in all its life");
        else
                cop__text_printf(text, " within %s", cop__print_time(spec->period_ms, period));
        cop__text_printf(text, " and gives up at the %llu%s", (unsigned long long)end,
                         ordinal_suffix(end));
}

/* What stands before "a restart of". A supervisor's giving up is an end with shutdown, which only a permanent one is
 * restarted after. */
static const char *what_ends(const struct cop__child_spec *child)
{
        if (child->supervisor != NULL)
                return child->restart == COP_PERMANENT ? "that is"
                                                       : "that ends it for good, and is not";
        switch (child->restart) {
        case COP_TEMPORARY:
                return "its end is never";
        case COP_TRANSIENT:
                return "a crash is";
        default:
                return "each end is";
        }
}

static void explain_backoff(struct cop__text *text, const struct level *level,
                            const struct cop__child_spec *child)
{
        const cop_backoff *backoff = &child->backoff;
        char first[32], most[32];
        if (backoff->first_ms == 0)
                return;
        cop__text_printf(text, "; restarts come after %s at first", cop__print_time(backoff->first_ms, first));
        if (backoff->max_ms != COP_FOREVER)
                cop__text_printf(text, " and %s at most", cop__print_time(backoff->max_ms, most));
        if (backoff->tries > 0)
                cop__text_printf(text, ", and %s gives up at the %llu%s in a row", level->spec->label,
                                 backoff->tries + 1ULL, ordinal_suffix(backoff->tries + 1ULL));
}

static void explain_breaker(struct cop__text *text, const struct level *level,
                            const struct cop__child_spec *child)
{
        const cop_breaker *breaker = &child->breaker;
        char time[32];
        if (breaker->failures == 0)
                return;
        cop__text_printf(text, "; the %u%s in a row is none, and it is left alone %s%s", breaker->failures,
                         ordinal_suffix(breaker->failures), breaker->open_ms != COP_FOREVER ? "for " : "",
                         cop__print_time(breaker->open_ms, time));
        if (failures_of(level->spec, child) == 0 && failures_to_end(level->spec) != 0)
                cop__text_printf(text, ": alone it never ends %s", level->spec->label);
}

static void explain_significance(struct cop__text *text, const struct level *level,
                                 const struct cop__child_spec *child)
{
        if (child->significant && level->spec->auto_shutdown == COP_ANY_SIGNIFICANT)
                cop__text_printf(text, "; an end without a restart ends %s", level->spec->label);
        else if (child->significant && level->spec->auto_shutdown == COP_ALL_SIGNIFICANT)
                cop__text_printf(text, "; an end without a restart ends %s, if it is the last significant one",
                                 level->spec->label);
}

static void explain_how(struct cop__text *text, const struct level *level,
                        const struct cop__child_spec *child)
{
        explain_backoff(text, level, child);
        explain_breaker(text, level, child);
        explain_significance(text, level, child);
}

static void explain_tree(struct cop__text *text, const struct level *level,
                         const struct cop__child_spec *as_child);

/* It is printed as it is, and the names in it are anything. */
static void end_line(struct cop__text *text, size_t from)
{
        cop__text_make_harmless(text, from);
        cop__text_append_char(text, '\n');
}

static void explain_child(struct cop__text *text, const struct level *level,
                          const struct cop__child_spec *child)
{
        uint64_t crashes = product(level->ends, failures_of(level->spec, child));
        if (child->supervisor != NULL) {
                struct level next = { level, child->supervisor,
                                      child->restart == COP_PERMANENT ? crashes : 0, level->depth + 1 };
                explain_tree(text, &next, child);
                return;
        }
        size_t from = text->size;
        indent(text, level->depth + 1);
        cop__text_printf(text, "%s: %s a restart of %s", child->id, what_ends(child),
                         level->spec->label);
        if (child->restart != COP_TEMPORARY && crashes > 0 && level->above != NULL)
                cop__text_printf(text, "; %s%llu in quick succession end all",
                                 crashes >= CRASHES_MAX ? "more than " : "", (unsigned long long)crashes);
        explain_how(text, level, child);
        end_line(text, from);
}

static void explain_tree(struct cop__text *text, const struct level *level,
                         const struct cop__child_spec *as_child)
{
        const struct cop__supervisor_spec *spec = level->spec;
        size_t from = text->size;
        indent(text, level->depth);
        explain_limit(text, spec);
        bool ends = failures_to_end(spec) != 0 || has_tries(spec);
        if (ends && as_child != NULL)
                cop__text_printf(text, "; %s a restart of %s", what_ends(as_child),
                                 level->above->spec->label);
        else if (ends)
                cop__text_append_string(text, ", which ends all");
        if (as_child != NULL)
                explain_how(text, level->above, as_child);
        end_line(text, from);
        if (spec->each != NULL)
                explain_child(text, level, spec->each);
        for (uint32_t i = 0; i < spec->child_count; i++)
                explain_child(text, level, &spec->children[i]);
}

void cop__explain(const struct cop__supervisor_spec *spec, struct cop__text *text)
{
        struct level root = { NULL, spec, 1, 0 };
        explain_tree(text, &root, NULL);
}

size_t cop_supervisor_explain(const cop_supervisor *tree, char *text, size_t size)
{
        const struct cop__supervisor_spec *spec;
        struct cop__text words;
        cop_buffer *buffer;
        if (cop_supervisor_check(tree, NULL, 0) != COP_OK ||
            cop__spec_copy(tree, &buffer, &spec) != COP_OK)
                return 0;
        cop__text_init(&words);
        cop__explain(spec, &words);
        cop_buffer_drop(buffer);
        size_t length = words.failed ? 0 : strlen(cop__text_get(&words));
        if (text != NULL && size > 0 && length > 0) {
                size_t part = length < size ? length : size - 1;
                memcpy(text, cop__text_get(&words), part);
                text[part] = '\0';
        }
        cop__text_fini(&words);
        return length;
}

/* On behalf of a supervisor that runs: its own children are those of the moment, however they came. */
void cop__on_explain(struct cop__supervisor *self, const cop__explain_tree *request)
{
        struct cop__supervisor_spec spec = *self->spec;
        struct cop__child_spec *children =
                cop__alloc_owed((self->roster->count + 1) * sizeof(*children));
        struct cop__text words;
        (void)request;
        if (children == NULL)
                return; /* the caller is told that there is no answer */
        spec.label = self->label;
        spec.children = children;
        spec.child_count = 0;
        for (const struct cop__child *child = cop__roster_first(self->roster);
             child != NULL && spec.each == NULL; child = cop__roster_next(self->roster, child))
                children[spec.child_count++] = *child->spec;
        cop__text_init(&words);
        cop__explain(&spec, &words);
        char *said = words.failed ? NULL : cop__alloc_owed(words.size + 1); /* to answer may end it */
        if (said != NULL)
                memcpy(said, cop__text_get(&words), words.size + 1);
        cop__text_fini(&words);
        if (said != NULL)
                COP__REPLY_OWED(cop__explained, .words = cop_text_of(said));
        cop_release(said);
        cop_release(children);
}
