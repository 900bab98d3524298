/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Ebb of the slots: the pages in which a burst of actors lived go back to the system.
 *
 *      the free list            the block of 64 slots                 the system
 *      what nobody has    ──►   a bit for each that has settled  ──►  when all 64 have, hidden, and a grace is over
 *      needed since the         [1 1 1 . 1 1 . 1 ...]
 *      last ebb           ◄──                                    ◄──
 *           taken again: those that have settled         opened again, with the pids they would have gone on with
 *
 * Sixty-four slots are whole pages of 4096 bytes, and so are their limits and records of calls. Where pages are larger, or there is
 * no fence (scheduler/barrier.h), slots stay.
 *
 * What a slot must remember. All but the pid of its next actor is as it was before it was first opened, or is written at its
 * actor's birth. The generations of hidden slots lie in a table of their own, four bytes each.
 *
 * Stale looks. Whoever has an old pid, or guesses one, may look at a slot at any time, and if it finds that pid there, write to it: push
 * a signal, set a mark. It finds the pid and writes in one turn (scheduler/grace.h). So:
 *
 *      1 all 64 are free, and in nobody's cache or list
 *      2 hidden: their `pid` is 0, nobody's; whoever looks from here on answers for the dead and writes nothing. A spawner
 *        who finds no other slot takes them back, up to here
 *      3 a grace: who had looked before has written what it wrote, and that has scheduled the slot, if it slept
 *      4 all 64 queues are asleep: nobody holds a run right, and nobody will get one. If not: shown again, whole, and hidden by the next
 *        ebb if nobody has needed them until then
 *      5 the pages go: reading finds zeroes, a slot that was never opened; there is nobody to write
 *
 * Opened again, they are made as fresh ones are, and shown after a fence: who finds a pid finds a slot around it.
 *
 * Who may touch what: all but `ebbing`, `waits` and `grace`: everyone, under the lock of the slots; those: the ebb's thread. Some neighbouring
 * blocks at a time are in its hand, in no list, while their pages go.
 */
#ifndef ACTORS_SLOT_EBB_H
#define ACTORS_SLOT_EBB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <coppice/status.h>

#include "base/list.h"
#include "scheduler/grace.h"

struct cop__here;
struct cop__slots;

#define COP__SLOT_BLOCK 64u

struct cop__slot_block {
        uint64_t settled; /* bit i: slot i of it is free, and here */
        bool hidden;      /* in the list of those that are */
        struct cop__list list; /* partial: some bits; whole: all, shown; hidden: on the way; bare: no pages; or in none */
};

struct cop__slot_ebb {
        struct cop__slot_block *blocks; /* by slot / 64; touched when slots settle */
        uint32_t *generations;          /* by slot; of those that are hidden or bare */
        bool able;                      /* constant: pages are as large as they should be, and there is a fence */
        struct cop__list partial, whole, hidden, bare;
        uint32_t hidden_count;          /* in that list */
        bool in_hand;                   /* some are */
        uint32_t least;                 /* that the free list has had since the last ebb began */

        uint32_t ebbing;                /* that are still to settle, in this ebb */
        bool waits;                     /* for `grace`, for those that are hidden */
        struct cop__grace grace;
};

cop_status cop__slot_ebb_init(struct cop__slots *slots);
void cop__slot_ebb_fini(struct cop__slots *slots);

/*
 * With the lock: slots that have settled come to this thread's cache, up to `most`. It stays empty if there are none, and if those that
 * are hidden are not asked for.
 */
void cop__slot_ebb_draw(struct cop__slots *slots, struct cop__here *here, uint32_t most, bool hidden_too);

/* The scheduler's hooks. */
extern const struct cop__ebb_hooks cop__slot_ebb_hooks;

#endif
