/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A set of kinds: an array in the order of their names. Programs have tens of kinds, so
 * inserting by moving is fast enough, and it is done once.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "mailbox/kind.h"

struct cop_kinds {
        const cop_kind **each; /* count of them, their names ascending and distinct */
        size_t count;
        const cop_kind *clash; /* left out for another of its name: the last one */
        char *secrets; /* names with a blank before and behind each; NULL: none */
};

/* As strcmp, for a name of `size` bytes, which may hold a NUL if it comes from outside. */
static int name_compare(const char *name, size_t size, const cop_kind *kind)
{
        size_t length = strlen(kind->name);
        int order = memcmp(name, kind->name, size < length ? size : length);
        return order != 0 ? order : (size > length) - (size < length);
}

/* Where the name is, or should be. */
static size_t place(const cop_kinds *kinds, const char *name, size_t size)
{
        size_t low = 0, high = kinds->count;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                if (name_compare(name, size, kinds->each[middle]) > 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

static bool is_at(const cop_kinds *kinds, size_t at, const char *name, size_t size)
{
        return at < kinds->count && name_compare(name, size, kinds->each[at]) == 0;
}

/* There is room for it. */
static void add(cop_kinds *kinds, const cop_kind *kind)
{
        size_t size = strlen(kind->name);
        size_t at = place(kinds, kind->name, size);
        if (is_at(kinds, at, kind->name, size)) {
                if (!cop__kind_same(kinds->each[at], kind))
                        kinds->clash = kind;
                return;
        }
        memmove(kinds->each + at + 1, kinds->each + at,
                (kinds->count - at) * sizeof kinds->each[0]);
        kinds->each[at] = kind;
        kinds->count++;
}

cop_status cop__kinds_add(cop_kinds *kinds, const cop_kind *const *first,
                          const cop_kind *const *last)
{
        if (first == last)
                return COP_OK;
        size_t room = kinds->count + (size_t)(last - first);
        const cop_kind **each = cop__realloc(kinds->each, room * sizeof *each);
        if (!each)
                return COP_E_NO_MEMORY;
        kinds->each = each;
        for (; first < last; first++)
                if (*first)
                        add(kinds, *first);
        return COP_OK;
}

cop_kinds *cop__kinds_new(const cop_kind *const *first, const cop_kind *const *last)
{
        cop_kinds *kinds = cop__calloc(1, sizeof *kinds);
        if (kinds && cop__kinds_add(kinds, first, last) != COP_OK) {
                cop__kinds_free(kinds);
                return NULL;
        }
        return kinds;
}

void cop__kinds_free(cop_kinds *kinds)
{
        if (!kinds)
                return;
        free(kinds->each);
        free(kinds->secrets);
        free(kinds);
}

const cop_kind *cop__kinds_find(const cop_kinds *kinds, const char *name, size_t size)
{
        if (!kinds)
                return NULL;
        size_t at = place(kinds, name, size);
        return is_at(kinds, at, name, size) ? kinds->each[at] : NULL;
}

size_t cop__kinds_count(const cop_kinds *kinds)
{
        return kinds ? kinds->count : 0;
}

const cop_kind *cop__kinds_at(const cop_kinds *kinds, size_t at)
{
        return at < cop__kinds_count(kinds) ? kinds->each[at] : NULL;
}

const cop_kind *cop__kinds_clash(const cop_kinds *kinds)
{
        return kinds ? kinds->clash : NULL;
}

/* ---- Secrets ------------------------------------------------------------------------ */

cop_status cop__kinds_hide(cop_kinds *kinds, const char *names)
{
        size_t size = strlen(names);
        char *secrets = cop__malloc(size + 3);
        if (!secrets)
                return COP_E_NO_MEMORY;
        secrets[0] = ' ';
        for (size_t i = 0; i < size; i++)
                secrets[i + 1] = names[i] == ',' || names[i] == '\t' || names[i] == '\n' ? ' ' : names[i];
        memcpy(secrets + size + 1, " ", 2);
        free(kinds->secrets);
        kinds->secrets = secrets;
        return COP_OK;
}

const char *cop__kinds_secrets(const cop_kinds *kinds)
{
        return kinds->secrets;
}

bool cop__kinds_is_secret(const cop_kinds *kinds, const char *name)
{
        size_t size = strlen(name);
        const char *at = kinds && kinds->secrets ? kinds->secrets : "";
        for (; (at = strchr(at, ' ')) != NULL; at++)
                if (strncmp(at + 1, name, size) == 0 && at[size + 1] == ' ')
                        return size > 0;
        return false;
}
