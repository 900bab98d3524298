/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Copies of glimpses. See glimpses.h. */
#include "shell/glimpses.h"

#include <stdlib.h>
#include <string.h>

#include "mailbox/term.h"

#define FIRST_ROOM 64

static bool has_room(struct cop__glimpses *glimpses)
{
        if (glimpses->count < glimpses->room)
                return true;
        size_t room = glimpses->room > 0 ? 2 * glimpses->room : FIRST_ROOM;
        struct cop__glimpse *each = realloc(glimpses->each, room * sizeof(*each));
        if (each == NULL)
                return false;
        glimpses->each = each;
        glimpses->room = room;
        return true;
}

static void copy_glimpse(void *context, const struct cop__glimpse *glimpse)
{
        struct cop__glimpses *glimpses = context;
        glimpses->seen++;
        glimpses->unread += glimpse->unread;
        if (glimpses->count >= glimpses->most || glimpses->failed)
                return;
        if (has_room(glimpses))
                glimpses->each[glimpses->count++] = *glimpse;
        else
                glimpses->failed = true;
}

cop_status cop__glimpses_init(struct cop__glimpses *glimpses, cop_node *node, uint64_t most)
{
        *glimpses = (struct cop__glimpses){ .most = (size_t)most };
        cop__glimpse_each(node, copy_glimpse, glimpses);
        if (!glimpses->failed)
                return COP_OK;
        cop__glimpses_fini(glimpses);
        return COP_E_NO_MEMORY;
}

void cop__glimpses_fini(struct cop__glimpses *glimpses)
{
        free(glimpses->each);
        glimpses->each = NULL;
        glimpses->count = 0;
}

void cop__glimpses_append_rest(const struct cop__glimpses *glimpses, const char *command,
                               struct cop__text *text)
{
        uint64_t rest = glimpses->seen - glimpses->count;
        if (rest > 0 && glimpses->seen <= COP__GLIMPSES_MAX)
                cop__text_printf(text, "and %llu more: %s %llu shows them all\n",
                                 (unsigned long long)rest, command,
                                 (unsigned long long)glimpses->seen);
        else if (rest > 0)
                cop__text_printf(text, "and %llu more\n", (unsigned long long)rest);
}

const char *cop__glimpse_label(const struct cop__glimpse *glimpse, char label[COP__LABEL_MAX])
{
        struct cop__text text;
        cop__text_init_fixed(&text, label, COP__LABEL_MAX);
        if (glimpse->name[0] != '\0')
                cop__atom_print(&text, glimpse->name, strlen(glimpse->name));
        else if (cop_pid_equal(glimpse->pid, cop_self()))
                cop__text_append_string(&text, "(this shell)");
        else if (strcmp(glimpse->status, "visiting") == 0)
                cop__text_append_string(&text, "(visitor)");
        else if (glimpse->label[0] != '\0')
                cop__text_printf(&text, "(%s)", glimpse->label);
        else
                cop__text_printf(&text, "(%s)",
                                 glimpse->server != NULL ? glimpse->server : "actor");
        if (glimpse->name[0] == '\0')
                cop__text_make_harmless(&text, 0);
        cop__text_end_cut(&text);
        return label;
}
