/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Which kinds cross between a node and the process of an actor: all of the program's, and these
 * of the library's own, by which its actors (channels, futures, tasks, agents, ...) talk with
 * those who use them.
 *
 * Some of these bear addresses of code. Addresses are the same in all processes, which are forks
 * of one another; but a process may be corrupted, and then an address from it would be a way into
 * the node. So those go from a process only to where they can do no more than in the one they
 * come from: to an actor in another process. All others go anywhere.
 */
#include "actors/crossing.h"

#include <string.h>

#include "mailbox/kind.h"

struct passing {
        const char *name; /* behind cop__ */
        bool bears_address;
};

static const struct passing passing[] = {
        { "answer", false },
        { "give_up", false },
        { "task_start", true },
        { "task_void", false },
        { "warden_start", false },
        { "channel_start", true },
        { "channel_take", false },
        { "channel_taken", false },
        { "channel_offer", false },
        { "channel_granted", false },
        { "channel_close", false },
        { "channel_ask_count", false },
        { "channel_count", false },
        { "future_start", true },
        { "future_failed", false },
        { "future_await", false },
        { "future_cancel", false },
        { "future_drop", false },
        { "agent_begin", true },
        { "agent_run", true },
        { "agent_refused", false },
        { "group_open", false },
        { "group_start", true },
        { "group_adopt", false },
        { "group_close", false },
        { "group_cancel", false },
        { "group_time", false },
        { "group_answer", false },
        { "handler_add", true },
        { "handler_end", false },
        { "handler_call", false },
        { "handler_swap", true },
        { "handler_list", false },
        { "handler_answer", false },
        { "children", false },
        { "count", false },
        { "ask_child", false },
        { "get_child", false },
        { "child_answer", false },
};

static bool is_own(const char *name)
{
        return strncmp(name, "cop__", 5) == 0;
}

/* NULL: a kind that does not cross, or none of the library's own. */
static const struct passing *find(const char *name)
{
        if (!is_own(name))
                return NULL;
        for (size_t i = 0; i < COP__COUNT(passing); i++)
                if (strcmp(name + 5, passing[i].name) == 0)
                        return &passing[i];
        return NULL;
}

cop_status cop__crossing_kinds_add(cop_kinds *kinds, const cop_kind *const *first,
                                   const cop_kind *const *last)
{
        for (; first < last; first++) {
                if (*first == NULL || (is_own((*first)->name) && find((*first)->name) == NULL))
                        continue;
                cop_status status = cop__kinds_add(kinds, first, first + 1);
                if (status != COP_OK)
                        return status;
        }
        return COP_OK;
}

bool cop__kind_crosses(const cop_kinds *crossing, const cop_kind *kind)
{
        return cop__kinds_find(crossing, kind->name, strlen(kind->name)) != NULL;
}

bool cop__kind_bears_address(const cop_kind *kind)
{
        const struct passing *found = find(kind->name);
        return found != NULL && found->bears_address;
}
