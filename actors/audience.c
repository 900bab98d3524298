/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* A few actors that are told. See audience.h. */
#include "actors/audience.h"

#include <string.h>

#include "actors/actor.h"

void cop__audience_init(struct cop__audience *audience)
{
        memset(audience, 0, sizeof(*audience));
        cop__lock_init(&audience->lock);
}

/* The rest under the lock. */

static void forget_dead(struct cop_node *node, struct cop__audience *audience)
{
        uint32_t kept = 0;
        for (uint32_t i = 0; i < audience->count; i++) {
                cop_pid pid = audience->pids[i];
                const struct cop__actor *actor = cop__slot_of(node, pid);
                if (actor != NULL && cop__slot_is(actor, pid))
                        audience->pids[kept++] = pid;
        }
        cop__store_relaxed(&audience->count, kept);
}

static uint32_t place_of(const struct cop__audience *audience, cop_pid pid)
{
        uint32_t at = 0;
        while (at < audience->count && !cop_pid_equal(audience->pids[at], pid))
                at++;
        return at;
}

/* ---- With it --------------------------------------------------------------------------- */

cop_status cop__audience_add(struct cop_node *node, struct cop__audience *audience, cop_pid pid,
                                bool *is_new)
{
        cop_status status = COP_OK;
        cop__lock_lock(&audience->lock);
        forget_dead(node, audience);
        uint32_t at = place_of(audience, pid);
        *is_new = at == audience->count && at < COP__AUDIENCE_MAX;
        if (*is_new) {
                audience->pids[at] = pid;
                cop__store_relaxed(&audience->count, at + 1);
        } else if (at == COP__AUDIENCE_MAX) {
                status = COP_E_LIMIT;
        }
        cop__lock_unlock(&audience->lock);
        return status;
}

void cop__audience_remove(struct cop__audience *audience, cop_pid pid)
{
        cop__lock_lock(&audience->lock);
        uint32_t at = place_of(audience, pid);
        if (at < audience->count) {
                audience->pids[at] = audience->pids[audience->count - 1];
                cop__store_relaxed(&audience->count, audience->count - 1);
        }
        cop__lock_unlock(&audience->lock);
}

uint32_t cop__audience_copy(struct cop_node *node, struct cop__audience *audience,
                               cop_pid pids[COP__AUDIENCE_MAX])
{
        if (cop__load_relaxed(&audience->count) == 0)
                return 0;
        cop__lock_lock(&audience->lock);
        forget_dead(node, audience);
        uint32_t count = audience->count;
        memcpy(pids, audience->pids, count * sizeof(pids[0]));
        cop__lock_unlock(&audience->lock);
        return count;
}
