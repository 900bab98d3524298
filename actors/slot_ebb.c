/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Slots that go back to the system, and come again. See slot_ebb.h. */
#define _GNU_SOURCE /* madvise */
#include "actors/slot_ebb.h"

#include <sys/mman.h>
#include <unistd.h>

#include "actors/actor.h"
#include "actors/calling.h"
#include "base/cue.h"
#include "scheduler/barrier.h"
#include "scheduler/ebb.h"

/* The pages of a block, whose size is what is given here. */
#define PAGE ((size_t)4096)

/* Slots that settle under the lock at a time, how often in one step, and blocks that wait for one grace. */
#define SETTLED_AT_ONCE 128u
#define SETTLES_IN_STEP 64u
#define HIDDEN_MAX 1024u

/* Neighbours among them whose pages go in one system call. */
#define RUN_MAX 64u

_Static_assert(COP__SLOT_BLOCK * sizeof(struct cop__actor) % PAGE == 0, "whole pages");
_Static_assert(COP__SLOT_BLOCK * sizeof(struct cop__limit) % PAGE == 0, "whole pages");
_Static_assert(COP__SLOT_BLOCK * sizeof(struct cop__calling) % PAGE == 0, "whole pages");

static size_t blocks_size(uint32_t limit)
{
        return ((size_t)limit + 2 + COP__SLOT_BLOCK) / COP__SLOT_BLOCK * sizeof(struct cop__slot_block);
}

static size_t generations_size(uint32_t limit)
{
        return ((size_t)limit + 2) * sizeof(uint32_t);
}

cop_status cop__slot_ebb_init(struct cop__slots *slots)
{
        struct cop__slot_ebb *ebb = &slots->ebb;
        ebb->blocks = cop__slots_map(blocks_size(slots->limit));
        ebb->generations = cop__slots_map(generations_size(slots->limit));
        cop__list_init(&ebb->partial);
        cop__list_init(&ebb->whole);
        cop__list_init(&ebb->hidden);
        cop__list_init(&ebb->bare);
        ebb->able = (size_t)sysconf(_SC_PAGESIZE) == PAGE && cop__barrier_is_there();
        if (ebb->blocks != NULL && ebb->generations != NULL)
                return COP_OK;
        cop__slot_ebb_fini(slots);
        return COP_E_NO_MEMORY;
}

void cop__slot_ebb_fini(struct cop__slots *slots)
{
        struct cop__slot_ebb *ebb = &slots->ebb;
        if (ebb->blocks != NULL)
                munmap(ebb->blocks, blocks_size(slots->limit));
        if (ebb->generations != NULL)
                munmap(ebb->generations, generations_size(slots->limit));
}

static struct cop__slot_block *block_of(struct cop__list *list)
{
        return COP__CONTAINER(list, struct cop__slot_block, list);
}

static uint32_t first_of(const struct cop__slots *slots, const struct cop__slot_block *block)
{
        return (uint32_t)(block - slots->ebb.blocks) * COP__SLOT_BLOCK;
}

/* ---- Taken again ------------------------------------------------------------------------ */

static void show(struct cop__slots *slots, uint32_t first)
{
        for (uint32_t slot = first; slot < first + COP__SLOT_BLOCK; slot++)
                cop__store_relaxed(&slots->base[slot].pid, cop__pid(slot, slots->ebb.generations[slot]).bits);
}

/* With the lock: all of a block is free, and it comes to that list. */
static void put_whole(struct cop__slot_block *block, struct cop__list *list)
{
        cop__list_remove(&block->list);
        cop__list_push_back(list, &block->list);
        block->settled = UINT64_MAX;
}

/* Between the making of slots and the pids by which others find them: x86-64 reads, and writes, in order. Explored, memory is weaker. */
static void fence_for_guessers(void)
{
#if defined(__x86_64__) && !defined(COP__ATOMICS)
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
#else
        cop__barrier_all();
#endif
}

/* With the lock. */
static void open_bare(struct cop__slots *slots)
{
        struct cop__slot_block *block = block_of(cop__list_first(&slots->ebb.bare));
        uint32_t first = first_of(slots, block);
        for (uint32_t slot = first; slot < first + COP__SLOT_BLOCK; slot++)
                cop__slot_make(&slots->base[slot]);
        fence_for_guessers();
        show(slots, first);
        put_whole(block, &slots->ebb.partial);
}

/* With the lock. */
static void unhide(struct cop__slots *slots)
{
        struct cop__slot_block *block = block_of(cop__list_first(&slots->ebb.hidden));
        show(slots, first_of(slots, block));
        put_whole(block, &slots->ebb.partial);
        block->hidden = false;
        slots->ebb.hidden_count--;
}

/* With the lock, but not all the time: those in hand are about to be bare, or whole. */
static void await_hand(struct cop__slots *slots)
{
        for (unsigned looks = 0; slots->ebb.in_hand; looks++) {
                cop__lock_unlock(&slots->lock);
                COP__CUE("slot_ebb.awaits_hand");
                cop__spin_wait(looks);
                cop__lock_lock(&slots->lock);
        }
}

void cop__slot_ebb_draw(struct cop__slots *slots, struct cop__here *here, uint32_t most, bool hidden_too)
{
        struct cop__slot_ebb *ebb = &slots->ebb;
        if (hidden_too && cop__list_is_empty(&ebb->partial) && cop__list_is_empty(&ebb->whole) && cop__list_is_empty(&ebb->bare)) {
                if (!cop__list_is_empty(&ebb->hidden))
                        unhide(slots);
                else
                        await_hand(slots);
        }
        if (cop__list_is_empty(&ebb->partial) && !cop__list_is_empty(&ebb->whole))
                put_whole(block_of(cop__list_first(&ebb->whole)), &ebb->partial);
        if (cop__list_is_empty(&ebb->partial) && !cop__list_is_empty(&ebb->bare))
                open_bare(slots);
        if (cop__list_is_empty(&ebb->partial))
                return;
        struct cop__slot_block *block = block_of(cop__list_first(&ebb->partial));
        uint32_t first = first_of(slots, block);
        for (; block->settled != 0 && here->slot_count < most; block->settled &= block->settled - 1)
                here->slots[here->slot_count++] = first + (uint32_t)__builtin_ctzll(block->settled);
        if (block->settled == 0)
                cop__list_remove(&block->list);
}

/* ---- An ebb -------------------------------------------------------------------------------- */

static bool is_high(void *owner)
{
        struct cop__slots *slots = &((struct cop_node *)owner)->slots;
        if (!slots->ebb.able)
                return false;
        cop__lock_lock(&slots->lock);
        bool high = slots->free_count > 0 || !cop__list_is_empty(&slots->ebb.whole);
        cop__lock_unlock(&slots->lock);
        return high;
}

/* With the lock. Nobody finds who lived there any more, or would next. */
static void hide(struct cop__slots *slots, struct cop__slot_block *block)
{
        uint32_t first = first_of(slots, block);
        for (uint32_t slot = first; slot < first + COP__SLOT_BLOCK; slot++) {
                struct cop__actor *actor = &slots->base[slot];
                slots->ebb.generations[slot] = cop__pid_generation(cop__actor_pid(actor));
                cop__store_relaxed(&actor->pid, (uint64_t)0);
        }
        cop__list_remove(&block->list);
        cop__list_push_back(&slots->ebb.hidden, &block->list);
        block->settled = 0;
        block->hidden = true;
        slots->ebb.hidden_count++;
}

static void begin(void *owner)
{
        struct cop__slots *slots = &((struct cop_node *)owner)->slots;
        cop__lock_lock(&slots->lock);
        slots->ebb.ebbing = slots->ebb.able ? slots->ebb.least : 0;
        slots->ebb.least = slots->free_count;
        while (!cop__list_is_empty(&slots->ebb.whole))
                hide(slots, block_of(cop__list_first(&slots->ebb.whole)));
        cop__lock_unlock(&slots->lock);
}

/* With the lock. */
static void settle(struct cop__slots *slots, uint32_t slot)
{
        struct cop__slot_block *block = &slots->ebb.blocks[slot / COP__SLOT_BLOCK];
        if (block->settled == 0)
                cop__list_push_back(&slots->ebb.partial, &block->list);
        block->settled |= UINT64_C(1) << slot % COP__SLOT_BLOCK;
        if (block->settled == UINT64_MAX)
                hide(slots, block);
}

/* False: none is left to settle in this ebb, or enough are hidden. *hidden: how many are. */
static bool settle_some(struct cop__slots *slots, uint32_t *hidden)
{
        struct cop__slot_ebb *ebb = &slots->ebb;
        cop__lock_lock(&slots->lock);
        if (ebb->ebbing > slots->free_count)
                ebb->ebbing = slots->free_count; /* the others were needed after all */
        for (uint32_t i = 0; i < SETTLED_AT_ONCE && ebb->ebbing > 0; i++, ebb->ebbing--)
                settle(slots, slots->free[--slots->free_count]);
        if (slots->free_count < ebb->least)
                ebb->least = slots->free_count;
        bool more = ebb->ebbing > 0 && ebb->hidden_count < HIDDEN_MAX;
        *hidden = ebb->hidden_count;
        cop__lock_unlock(&slots->lock);
        return more;
}

/* Blocks that lie side by side, in hand. */
struct run {
        struct cop__slot_block *first;
        uint32_t count;
};

/* With the lock: a hidden block, and the hidden ones on both sides of it. */
static struct run take_run(struct cop__slots *slots)
{
        struct cop__slot_ebb *ebb = &slots->ebb;
        struct cop__slot_block *low = block_of(cop__list_first(&ebb->hidden)), *high = low;
        const struct cop__slot_block *last = &ebb->blocks[slots->used / COP__SLOT_BLOCK];
        while (low > ebb->blocks && low[-1].hidden && high - low + 1 < RUN_MAX)
                low--;
        while (high < last && high[1].hidden && high - low + 1 < RUN_MAX)
                high++;
        for (struct cop__slot_block *block = low; block <= high; block++) {
                cop__list_remove(&block->list);
                block->hidden = false;
        }
        struct run run = { low, (uint32_t)(high - low) + 1 };
        ebb->hidden_count -= run.count;
        ebb->in_hand = true;
        return run;
}

/* False: none is hidden. */
static bool take_hidden(struct cop__slots *slots, struct run *run)
{
        cop__lock_lock(&slots->lock);
        bool found = !cop__list_is_empty(&slots->ebb.hidden);
        if (found)
                *run = take_run(slots);
        cop__lock_unlock(&slots->lock);
        return found;
}

/* Acquire: with the mark comes what the last owner did. SLEEP */
static bool all_sleep(const struct cop__slots *slots, uint32_t first, uint32_t count)
{
        for (uint32_t slot = first; slot < first + count; slot++)
                if (cop__load_acquire(&slots->base[slot].queue.tail) != COP__QUEUE_ASLEEP ||
                    slots->base[slot].life != COP__FREE)
                        return false;
        return true;
}

/* Locked memory stays; it is what it would be anew all the same, but for stale words that nobody minds. */
static void return_pages(struct cop__slots *slots, uint32_t first, uint32_t count)
{
        madvise(&slots->base[first], count * sizeof(struct cop__actor), MADV_DONTNEED);
        madvise(&slots->limits[first], count * sizeof(struct cop__limit), MADV_DONTNEED);
        madvise(&slots->calling[first], count * sizeof(struct cop__calling), MADV_DONTNEED);
}

/* With the lock. */
static void put_run(struct cop__slots *slots, const struct run *run, bool bare)
{
        for (uint32_t i = 0; i < run->count; i++) {
                struct cop__slot_block *block = &run->first[i];
                if (bare) {
                        cop__list_push_back(&slots->ebb.bare, &block->list);
                } else {
                        show(slots, first_of(slots, block));
                        put_whole(block, &slots->ebb.whole);
                }
        }
        slots->ebb.in_hand = false;
}

/* After the grace. Bytes of actors: what lay beside them may never have been touched. */
static size_t bare_hidden(struct cop__slots *slots)
{
        size_t bytes = 0;
        struct run run;
        while (take_hidden(slots, &run)) {
                uint32_t first = first_of(slots, run.first), count = run.count * COP__SLOT_BLOCK;
                COP__CUE("slot_ebb.looks_at_some");
                bool bare = all_sleep(slots, first, count);
                COP__CUE("slot_ebb.has_some_in_hand");
                if (bare)
                        return_pages(slots, first, count);
                cop__lock_lock(&slots->lock);
                put_run(slots, &run, bare);
                cop__lock_unlock(&slots->lock);
                bytes += bare ? count * sizeof(struct cop__actor) : 0;
        }
        return bytes;
}

static enum cop__ebb_state go_on(void *owner, size_t *bytes)
{
        struct cop_node *node = owner;
        struct cop__slot_ebb *ebb = &node->slots.ebb;
        if (!ebb->waits) {
                uint32_t hidden;
                bool more = true;
                COP__CUE("slot_ebb.settles");
                for (unsigned i = 0; i < SETTLES_IN_STEP && more; i++)
                        more = settle_some(&node->slots, &hidden);
                if (more)
                        return COP__EBB_GOES;
                ebb->waits = hidden > 0 && cop__grace_begin(&node->scheduler, &ebb->grace);
        }
        if (ebb->waits && !cop__grace_is_over(&node->scheduler, &ebb->grace))
                return COP__EBB_WAITS;
        if (ebb->waits)
                *bytes += bare_hidden(&node->slots);
        ebb->waits = false;
        return ebb->ebbing > 0 ? COP__EBB_GOES : COP__EBB_OVER;
}

const struct cop__ebb_hooks cop__slot_ebb_hooks = {
        .is_high = is_high,
        .begin = begin,
        .go_on = go_on,
};
