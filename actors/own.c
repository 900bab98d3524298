/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Descriptors and things that end with their actor. See own.h. */
#include <coppice/own.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "actors/actor.h"
#include "base/memory.h"
#include "actors/own.h"

/* One entry of the ledger: in the list of what ends with the actor, in order, and in the table that it is found by. */
struct owned {
        struct cop__belonging belonging;
        struct cop__table_node node;
        const char *name; /* a descriptor has none */
        void (*end)(void *thing);
        void *thing;
        int fd;
};

/* At the actor's death. The table goes as a whole (rare.c). */
static void end_owned(struct cop__belonging *belonging)
{
        struct owned *owned = COP__CONTAINER(belonging, struct owned, belonging);
        if (owned->name != NULL)
                owned->end(owned->thing);
        else
                close(owned->fd);
        free(owned);
}

/* An actor has other belongings too, which are the runtime's. */
static struct owned *owned_at(struct cop__list *at)
{
        struct cop__belonging *belonging = COP__CONTAINER(at, struct cop__belonging, list);
        return belonging->end == end_owned ? COP__CONTAINER(belonging, struct owned, belonging) : NULL;
}

/* A descriptor and an address may have the same one: who searches looks at both. */
static uint64_t key_of(const void *thing, int fd)
{
        return thing != NULL ? (uint64_t)(uintptr_t)thing : (uint64_t)(unsigned)fd;
}

/* The entry of a thing, or (without one) of a descriptor; NULL: there is none. */
static struct owned *find(const struct cop__actor *actor, const void *thing, int fd)
{
        struct cop__table_node *at = NULL;
        if (actor->rare != NULL)
                at = cop__table_find_first(&actor->rare->owned, key_of(thing, fd));
        for (; at != NULL; at = cop__table_find_next(at)) {
                struct owned *owned = COP__CONTAINER(at, struct owned, node);
                if (thing != NULL ? owned->thing == thing : owned->thing == NULL && owned->fd == fd)
                        return owned;
        }
        return NULL;
}

/* An entry that will end with the actor, for what may be filled in; NULL: no memory. */
static struct owned *enter(struct cop__actor *actor, struct owned entry)
{
        struct owned *owned = cop__malloc(sizeof(*owned));
        if (owned == NULL)
                return NULL;
        *owned = entry;
        owned->belonging.end = end_owned;
        if (cop__own(actor, &owned->belonging))
                return owned;
        free(owned);
        return NULL;
}

/* It can be found from here on; that cannot fail. */
static void note(struct cop__actor *actor, struct owned *owned)
{
        owned->node.key = key_of(owned->thing, owned->fd);
        cop__table_insert(&actor->rare->owned, &owned->node);
}

static cop_status add(struct cop__actor *actor, struct owned entry)
{
        struct owned *owned = enter(actor, entry);
        if (owned == NULL)
                return COP_E_NO_MEMORY;
        note(actor, owned);
        return COP_OK;
}

static void drop(struct owned *owned)
{
        cop__list_remove(&owned->belonging.list);
        free(owned);
}

static void forget(struct cop__actor *actor, struct owned *owned)
{
        cop__table_remove(&actor->rare->owned, &owned->node);
        drop(owned);
}

/* ---- Descriptors ---------------------------------------------------------------------------- */

/* The entry comes first, so that nothing can fail once there is a descriptor; closing -1 does nothing. */
cop_status cop_open(const char *path, int flags, unsigned mode, int *fd)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor == NULL)
                return COP_E_NO_NODE;
        if (path == NULL || fd == NULL)
                return COP_E_BAD_ARGUMENT;
        struct owned *owned = enter(actor, (struct owned){ .fd = -1 });
        if (owned == NULL)
                return COP_E_NO_MEMORY;
        owned->fd = open(path, flags | O_CLOEXEC, (mode_t)mode);
        if (owned->fd < 0) {
                drop(owned);
                return COP_E_SYSTEM;
        }
        note(actor, owned);
        *fd = owned->fd;
        return COP_OK;
}

cop_status cop_own_fd(int fd)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor == NULL)
                return COP_E_NO_NODE;
        if (fcntl(fd, F_GETFD) < 0)
                return COP_E_BAD_ARGUMENT;
        if (find(actor, NULL, fd) != NULL)
                return COP_OK;
        return add(actor, (struct owned){ .fd = fd });
}

cop_status cop_close(int fd)
{
        cop_status status = cop_disown_fd(fd);
        if (status == COP_OK)
                close(fd);
        return status;
}

cop_status cop_disown_fd(int fd)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor == NULL)
                return COP_E_NO_NODE;
        struct owned *owned = find(actor, NULL, fd);
        if (owned == NULL)
                return COP_E_NOT_FOUND;
        forget(actor, owned);
        return COP_OK;
}

/* ---- Things ------------------------------------------------------------------------------------ */

cop_status cop_own(const char *name, void (*end)(void *thing), void *thing)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor == NULL)
                return COP_E_NO_NODE;
        if (name == NULL || end == NULL || thing == NULL)
                return COP_E_BAD_ARGUMENT;
        if (find(actor, thing, -1) != NULL)
                return COP_E_TAKEN;
        return add(actor, (struct owned){ .name = name, .end = end, .thing = thing, .fd = -1 });
}

cop_status cop_disown(void *thing)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor == NULL)
                return COP_E_NO_NODE;
        struct owned *owned = thing != NULL ? find(actor, thing, -1) : NULL;
        if (owned == NULL)
                return COP_E_NOT_FOUND;
        forget(actor, owned);
        return COP_OK;
}

/* ---- The ledger ----------------------------------------------------------------------------------- */

size_t cop_owned(void)
{
        const struct cop__actor *actor = cop__actor_here();
        return actor != NULL && actor->rare != NULL ? actor->rare->owned.count : 0;
}

void cop__own_print(const struct cop__actor *actor, char *text, size_t size)
{
        struct cop__list *all = actor->rare != NULL ? &actor->rare->belongings : NULL;
        struct cop__text out;
        cop__text_init_fixed(&out, text, size);
        for (struct cop__list *at = all != NULL ? all->prev : all; at != all; at = at->prev) {
                const struct owned *owned = owned_at(at);
                if (owned == NULL)
                        continue;
                cop__text_append_string(&out, out.size > 0 ? ", " : "");
                if (owned->name != NULL)
                        cop__text_append_string(&out, owned->name);
                else
                        cop__text_printf(&out, "descriptor %d", owned->fd);
        }
        if (out.size >= size)
                cop__text_end_cut(&out);
}
