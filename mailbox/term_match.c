/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Matching. A pattern is walked beside the value; what a name such as '$1' stands for is
 * kept as a part of the value, so nothing is copied and a match cannot run out of memory.
 *
 * A pattern is walked no further than one that could be sent: a part that stands in many places could double the steps
 * with each level.
 */
#include "mailbox/term.h"

#include <string.h>

#include <coppice/message.h>

/* Bound so far, each name once. */
struct bindings {
        size_t left; /* bytes that what is looked at of the pattern may still have if it were laid flat */
        size_t count;
        struct {
                cop_term name;
                cop_term value;
        } each[COP_MATCH_NAMES_MAX];
};

static bool match(cop_term pattern, cop_term value, unsigned levels, struct bindings *bindings);

static bool is_name(cop_term pattern)
{
        return pattern.type == COP_TERM_ATOM && pattern.count > 0 && pattern.as.text[0] == '$';
}

/* The first place of a name binds it, the others must hold the same. */
static bool match_name(cop_term name, cop_term value, struct bindings *bindings)
{
        for (size_t i = 0; i < bindings->count; i++)
                if (cop_term_equal(bindings->each[i].name, name))
                        return cop__term_same(bindings->each[i].value, value);
        if (bindings->count == COP_MATCH_NAMES_MAX)
                return false;
        bindings->each[bindings->count].name = name;
        bindings->each[bindings->count].value = value;
        bindings->count++;
        return true;
}

static bool match_tuple(cop_term pattern, cop_term value, unsigned levels,
                        struct bindings *bindings)
{
        if (value.type != COP_TERM_TUPLE || value.count != pattern.count)
                return false;
        for (size_t i = 0; i < pattern.count; i++)
                if (!match(pattern.as.items[i], value.as.items[i], levels, bindings))
                        return false;
        return true;
}

static bool match_map(cop_term pattern, cop_term value, unsigned levels, struct bindings *bindings)
{
        if (value.type != COP_TERM_MAP || value.count < pattern.count)
                return false;
        for (size_t i = 0; i < pattern.count; i++) {
                const cop_term *found = cop_map_get(value, pattern.as.items[2 * i]);
                if (!found || !match(pattern.as.items[2 * i + 1], *found, levels, bindings))
                        return false;
        }
        return true;
}

/* An improper list as a pattern: its tail matches all that is left of the value. */
static bool match_list(cop_term pattern, cop_term value, unsigned levels, struct bindings *bindings)
{
        cop_term item, value_item;
        while (cop__term_next(&pattern, &item))
                if (!cop__term_next(&value, &value_item) ||
                    !match(item, value_item, levels, bindings))
                        return false;
        return match(pattern, value, levels, bindings);
}

static bool match(cop_term pattern, cop_term value, unsigned levels, struct bindings *bindings)
{
        if (cop_is_atom(pattern, "_"))
                return true;
        if (is_name(pattern))
                return match_name(pattern, value, bindings);
        size_t size = cop__term_own_size(pattern);
        if (size > bindings->left)
                return false;
        bindings->left -= size;
        if (!cop__term_is_container(pattern))
                return cop__term_same(pattern, value);
        if (levels == 0)
                return false;
        if (pattern.type == COP_TERM_TUPLE)
                return match_tuple(pattern, value, levels - 1, bindings);
        if (pattern.type == COP_TERM_MAP)
                return match_map(pattern, value, levels - 1, bindings);
        return match_list(pattern, value, levels - 1, bindings);
}

bool cop_term_match(cop_term pattern, cop_term value, cop_term bound[10])
{
        struct bindings bindings;
        bindings.left = COP_MESSAGE_SIZE_MAX;
        bindings.count = 0;
        if (!match(pattern, value, COP_TERM_DEPTH_MAX, &bindings))
                return false;
        for (size_t i = 0; bound && i < bindings.count; i++) {
                cop_term name = bindings.each[i].name;
                if (name.count == 2 && name.as.text[1] >= '0' && name.as.text[1] <= '9')
                        bound[name.as.text[1] - '0'] = bindings.each[i].value;
        }
        return true;
}
