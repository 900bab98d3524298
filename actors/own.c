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

/* One entry of the ledger. A descriptor has no name. */
struct owned {
        struct cop__belonging belonging;
        const char *name;
        void (*end)(void *thing);
        void *thing;
        int fd;
};

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

/* The entry of a thing, or (without one) of a descriptor; NULL: there is none. */
static struct owned *find(const struct cop__actor *actor, const void *thing, int fd)
{
        struct cop__list *all = actor->rare != NULL ? &actor->rare->belongings : NULL;
        for (struct cop__list *at = all != NULL ? all->next : all; at != all; at = at->next) {
                struct owned *owned = owned_at(at);
                if (owned != NULL && (owned->name != NULL ? thing != NULL && owned->thing == thing
                                                          : thing == NULL && owned->fd == fd))
                        return owned;
        }
        return NULL;
}

/* An entry that is in the ledger, for what will be filled in; NULL: no memory. */
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

static void forget(struct owned *owned)
{
        cop__list_remove(&owned->belonging.list);
        free(owned);
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
                forget(owned);
                return COP_E_SYSTEM;
        }
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
        return enter(actor, (struct owned){ .fd = fd }) != NULL ? COP_OK : COP_E_NO_MEMORY;
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
        forget(owned);
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
        struct owned entry = { .name = name, .end = end, .thing = thing, .fd = -1 };
        return enter(actor, entry) != NULL ? COP_OK : COP_E_NO_MEMORY;
}

cop_status cop_disown(void *thing)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor == NULL)
                return COP_E_NO_NODE;
        struct owned *owned = thing != NULL ? find(actor, thing, -1) : NULL;
        if (owned == NULL)
                return COP_E_NOT_FOUND;
        forget(owned);
        return COP_OK;
}

/* ---- The ledger ----------------------------------------------------------------------------------- */

size_t cop_owned(void)
{
        const struct cop__actor *actor = cop__actor_here();
        struct cop__list *all = actor != NULL && actor->rare != NULL ? &actor->rare->belongings : NULL;
        size_t count = 0;
        for (struct cop__list *at = all != NULL ? all->next : all; at != all; at = at->next)
                count += owned_at(at) != NULL;
        return count;
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
