/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Who holds what. See holding.h. */
#include "actors/holding.h"

#include <stdlib.h>

#include "actors/abroad.h"
#include "actors/actor.h"
#include "actors/book.h"
#include "base/random.h"

void cop__holdings_fini(struct cop__holdings *holdings)
{
        for (size_t i = 0; i < COP__HOLDINGS_SHARDS; i++)
                cop__table_fini(&holdings->shards[i].owners);
}

struct cop__holdings_shard *cop__holdings_lock(struct cop__here *here, cop_pid pid)
{
        size_t index = cop__mix(pid.bits) % COP__HOLDINGS_SHARDS;
        struct cop__holdings_shard *shard = &here->node->holdings.shards[index];
        cop__lock_lock(&shard->lock);
        return shard;
}

void cop__holdings_unlock(struct cop__holdings_shard *shard)
{
        cop__lock_unlock(&shard->lock);
}

struct cop__owner *cop__owner_find(struct cop__holdings_shard *shard, cop_pid pid)
{
        struct cop__table_node *node = cop__table_find_first(&shard->owners, pid.bits);
        return node != NULL ? COP__CONTAINER(node, struct cop__owner, node) : NULL;
}

bool cop__owner_lives(struct cop__here *here, cop_pid pid)
{
        if (COP__UNLIKELY(cop__pid_node(pid) != 0)) { /* who enters it takes it out when its node or its scope is gone */
                struct cop__abroad *abroad = cop__abroad_of(here->node);
                return abroad != NULL && abroad->is_known(abroad, pid);
        }
        /* A free slot bears the pid of the next one, who would be born without the mark. */
        if (!cop_is_alive(pid))
                return false;
        struct cop__actor *actor = cop__slot_of(here->node, pid);
        cop__or_seq(&actor->named, COP__HOLDS); /* pairs with the dying actor's look */
        return cop__load_seq(&actor->pid) == pid.bits;
}

void cop__holding_add(struct cop__holdings_shard *shard, struct cop__holding *holding, cop_pid pid,
                      struct cop__owner **spare)
{
        struct cop__owner *owner = cop__owner_find(shard, pid);
        if (owner == NULL) {
                owner = *spare;
                *spare = NULL;
                owner->node.key = pid.bits;
                owner->count = 0;
                cop__list_init(&owner->holdings);
                cop__table_insert(&shard->owners, &owner->node);
        }
        holding->owner = owner;
        cop__list_push_back(&owner->holdings, &holding->list);
        owner->count++;
}

void cop__holding_remove(struct cop__holdings_shard *shard, struct cop__holding *holding)
{
        struct cop__owner *owner = holding->owner;
        holding->owner = NULL;
        cop__list_remove(&holding->list);
        if (--owner->count > 0)
                return;
        cop__table_remove(&shard->owners, &owner->node);
        free(owner);
}

void cop__holding_replace(struct cop__holding *old, struct cop__holding *fresh)
{
        fresh->owner = old->owner;
        old->owner = NULL;
        cop__list_insert_between(old->list.prev, &fresh->list, &old->list);
        cop__list_remove(&old->list);
}

/* ---- Death ---------------------------------------------------------------------------- */

unsigned cop__holdings_take_out(struct cop__thread *thread, cop_pid pid, const struct cop__book *book)
{
        struct cop__here *here = cop__here_of(thread);
        struct cop__holdings_shard *shard = cop__holdings_lock(here, pid);
        struct cop__owner *owner = cop__owner_find(shard, pid);
        uint64_t left = owner != NULL ? owner->count : 0;
        unsigned taken = 0;
        const unsigned batch = thread->scheduler->habits.holdings_batch;
        struct cop__list *at = owner != NULL ? owner->holdings.next : NULL;
        while (left-- > 0 && taken < batch) {
                struct cop__holding *holding = COP__CONTAINER(at, struct cop__holding, list);
                at = at->next; /* the last one takes its owner with it */
                if (book != NULL && holding->book != book)
                        continue;
                cop__book_take_out(thread, shard, holding);
                taken++;
        }
        cop__holdings_unlock(shard);
        cop__epoch_poll(here);
        return taken;
}

bool cop__holdings_end(struct cop__thread *thread, struct cop__actor *actor, cop_pid pid)
{
        if (cop__load_seq(&actor->named) & COP__HOLDS && cop__holdings_take_out(thread, pid, NULL) > 0)
                return true;
        if (actor->rare == NULL || actor->rare->book == NULL)
                return false;
        if (cop__book_close(thread, actor->rare->book))
                actor->rare->book = NULL;
        return true;
}
