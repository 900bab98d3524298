/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Slots: where actors live, and how their pids never come twice.
 *
 * All slots lie in one mapping that is reserved at the start and touched as they are first used, so a pid's slot is
 * found by one multiplication, and memory that was once a slot is a slot for ever. A free slot lies in the cache of the
 * thread it was freed on, or in the list that all share; from the one to the other they move by halves of a cache. What
 * lies in one cache is hidden from the other threads, so a cache may hold only a small part of the table: a limit of some
 * thousand is met within a few per cent, a small one exactly.
 *
 * One slot beyond the limit is kept for the thread that stops the node, which must get in when the table is full.
 *
 * What lies in that list for long settles, and gives its pages back: slot_ebb.h.
 *
 * A slot whose generations are used up is not given back: 256 bytes are lost each 4,294,967,296 spawns in it, and no pid is ever
 * used twice.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "actors/actor.h"
#include "actors/calling.h"

_Static_assert(sizeof(struct cop__actor) % COP__CACHE_LINE == 0, "slots begin on a cache line");
_Static_assert(offsetof(struct cop__actor, cursor) == COP__CACHE_LINE,
               "what senders touch is one line");

static size_t mapped_limits(uint32_t limit)
{
        return ((size_t)limit + 2) * sizeof(struct cop__limit);
}

static size_t mapped_calling(uint32_t limit)
{
        return ((size_t)limit + 2) * sizeof(struct cop__calling);
}

static size_t mapped_free(uint32_t limit)
{
        return ((size_t)limit + 1) * sizeof(uint32_t);
}

/* Slot 0 is nobody's, the last one is the stopping thread's. */
static size_t mapped_size(uint32_t limit)
{
        return ((size_t)limit + 2) * sizeof(struct cop__actor);
}

/* Zero, and there only where it is touched; NULL: none. */
void *cop__slots_map(size_t size)
{
        void *base = mmap(NULL, size, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        return base != MAP_FAILED ? base : NULL;
}

static void unmap(void *base, size_t size)
{
        if (base != NULL)
                munmap(base, size);
}

static void unmap_all(struct cop__slots *slots, uint32_t limit)
{
        unmap(slots->base, mapped_size(limit));
        unmap(slots->limits, mapped_limits(limit));
        unmap(slots->calling, mapped_calling(limit));
        unmap(slots->free, mapped_free(limit));
}

cop_status cop__slots_init(struct cop__slots *slots, uint32_t limit, const struct cop__habits *habits)
{
        slots->base = cop__slots_map(mapped_size(limit));
        slots->limits = cop__slots_map(mapped_limits(limit));
        slots->calling = cop__slots_map(mapped_calling(limit));
        slots->free = cop__slots_map(mapped_free(limit));
        if (slots->base == NULL || slots->limits == NULL || slots->calling == NULL ||
            slots->free == NULL) {
                unmap_all(slots, limit);
                return COP_E_NO_MEMORY;
        }
        slots->limit = limit;
        if (cop__slot_ebb_init(slots) != COP_OK) {
                unmap_all(slots, limit);
                return COP_E_NO_MEMORY;
        }
        slots->cached = limit / 1024 < habits->slots_cached ? limit / 1024 : habits->slots_cached;
        slots->opened = habits->slots_opened;
        slots->used = 0;
        slots->free_count = 0;
        cop__lock_init(&slots->lock);
        return COP_OK;
}

void cop__slots_fini(struct cop__slots *slots)
{
        cop__slot_ebb_fini(slots);
        unmap_all(slots, slots->limit);
}

void cop__slot_make(struct cop__actor *actor)
{
        cop__queue_init(&actor->queue);
        cop__list_init(&actor->relations);
        actor->budget = COP__BUDGET;
}

/* A slot that has never been. Under the lock. */
static uint32_t open_slot(struct cop__slots *slots)
{
        uint32_t slot = slots->used + 1;
        struct cop__actor *actor = &slots->base[slot];
        cop__slot_make(actor);
        cop__store_relaxed(&actor->pid, cop__pid(slot, 0).bits);
        /* Release: who finds the slot through `used` finds it opened. */
        cop__store_release(&slots->used, slot);
        return slot;
}

struct cop__actor *cop__slots_open_at(struct cop__slots *slots, cop_pid pid)
{
        slots->used = (uint32_t)cop__pid_slot(pid) - 1;
        struct cop__actor *actor = &slots->base[open_slot(slots)];
        cop__store_relaxed(&actor->pid, pid.bits);
        return actor;
}

static COP__NOINLINE void fill_cache(struct cop__slots *slots, struct cop__here *here)
{
        const uint32_t most = slots->cached > 1 ? slots->cached / 2 : 1;
        cop__lock_lock(&slots->lock);
        while (here->slot_count < most && slots->free_count > 0)
                here->slots[here->slot_count++] = slots->free[--slots->free_count];
        if (slots->free_count < slots->ebb.least)
                slots->ebb.least = slots->free_count;
        if (here->slot_count == 0)
                cop__slot_ebb_draw(slots, here, most, slots->used >= slots->limit);
        if (here->slot_count == 0 && slots->used < slots->limit) {
                /* New ones a few at a time, so that pids stay short; from the end, so that the lowest is taken first. */
                uint32_t left = slots->limit - slots->used;
                uint32_t opened = most < slots->opened ? most : slots->opened;
                here->slot_count = left < opened ? left : opened;
                for (uint32_t i = here->slot_count; i-- > 0;)
                        here->slots[i] = open_slot(slots);
        }
        cop__lock_unlock(&slots->lock);
}

struct cop__actor *cop__slot_take(struct cop__here *here)
{
        struct cop__slots *slots = &here->node->slots;
        if (COP__UNLIKELY(here->slot_count == 0))
                fill_cache(slots, here);
        if (COP__UNLIKELY(here->slot_count == 0))
                return NULL;
        return &slots->base[here->slots[--here->slot_count]];
}

struct cop__actor *cop__slot_take_last(struct cop__here *here)
{
        struct cop__slots *slots = &here->node->slots;
        struct cop__actor *actor = cop__slot_take(here);
        if (actor != NULL)
                return actor;
        cop__lock_lock(&slots->lock);
        if (slots->used == slots->limit)
                actor = &slots->base[open_slot(slots)];
        cop__lock_unlock(&slots->lock);
        return actor;
}

static COP__NOINLINE void empty_cache(struct cop__slots *slots, struct cop__here *here, uint32_t keep)
{
        cop__lock_lock(&slots->lock);
        while (here->slot_count > keep)
                slots->free[slots->free_count++] = here->slots[--here->slot_count];
        cop__lock_unlock(&slots->lock);
}

void cop__slot_give(struct cop__here *here, struct cop__actor *actor)
{
        struct cop__slots *slots = &here->node->slots;
        if (here->slot_count > 0 && here->slot_count >= slots->cached)
                empty_cache(slots, here, slots->cached / 2);
        here->slots[here->slot_count++] = (uint32_t)(actor - slots->base);
        if (slots->cached == 0)
                empty_cache(slots, here, 0);
}

void cop__slots_leave(struct cop__here *here)
{
        empty_cache(&here->node->slots, here, 0);
}
