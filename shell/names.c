/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A copy of the registry. It is read under the registry's lock, where nothing may be allocated: so
 * it is counted first, and then copied as far as there is room.
 */
#include "shell/names.h"

#include <stdlib.h>
#include <string.h>

#include "actors/registry.h"

/* Room for what is registered between counting and copying. */
#define SPARE 16

static void count_name(void *context, const char *name, cop_pid pid)
{
        struct cop__names *names = context;
        (void)name;
        (void)pid;
        names->room++;
}

static void copy_name(void *context, const char *name, cop_pid pid)
{
        struct cop__names *names = context;
        names->seen++;
        if (names->count == names->room)
                return;
        struct cop__name *copy = &names->each[names->count++];
        memcpy(copy->name, name, strlen(name) + 1);
        copy->pid = pid;
}

static int by_name(const void *left, const void *right)
{
        return strcmp(((const struct cop__name *)left)->name,
                      ((const struct cop__name *)right)->name);
}

cop_status cop__names_init(struct cop__names *names, cop_node *node, size_t most)
{
        *names = (struct cop__names){ .room = SPARE };
        cop__registry_each(node, count_name, names);
        if (names->room > most)
                names->room = most;
        names->each = malloc(names->room * sizeof(*names->each));
        if (names->each == NULL)
                return COP_E_NO_MEMORY;
        cop__registry_each(node, copy_name, names);
        qsort(names->each, names->count, sizeof(*names->each), by_name);
        return COP_OK;
}

void cop__names_fini(struct cop__names *names)
{
        free(names->each);
        *names = (struct cop__names){ .each = NULL };
}
