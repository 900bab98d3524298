/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Retreat: a worker with which the others are no faster leaves them its tasks, and sleeps.
 *
 * Tasks that call, wake and start each other all the time pay for each of that with cache lines that travel, if two workers have them. Whether
 * two are faster than one depends on the tasks and on how far the two cores are from each other, and no constant says it. So a
 * worker tries it out. With one that it has taken tasks from it counts turns for a while; then it gives that one all that it
 * has (guest.h), stays aloof (haul.h) for as long, and counts again, from when the tasks have settled in.
 *
 *      BUSY ──took from another──► SHARING ──► SETTLING ──► ALONE ──more turns in the same time──► AWAY ─┐
 *        ▲                            │                       │                                         │
 *        └─── turns are long, or ◄────┘          no more ─────┴──► BUSY, for longer each time ◄──────────┘
 *             this one has few of them
 *
 * Away it is for twice as long each time, and then it comes to take tasks, and tries again. Turns are no measure of work, but where
 * they are short, and the same tasks have theirs within a few milliseconds, they are one of how fast it goes. Long ones are not
 * tried out: what they do is worth more than any cache line.
 *
 * What has never run stays where it is (pile.h): those are trees, whose subtrees belong together, and moved they grow. So nobody retreats
 * while there is any.
 *
 * Two workers that retreat to each other would change places for nothing. So one to whom another has retreated does not retreat,
 * and nobody retreats to one that has: `haven` says which.
 *
 * Who may touch what
 *      all in struct cop__retreat    the worker
 *      turns, leisure of the other   it reads, as advice
 *      haven                         compare-and-swap from COP__HAVEN_NONE by who retreats, its own first, then the other's; it stores
 *                                    both back. Nothing is published by it
 */
#ifndef SCHEDULER_RETREAT_H
#define SCHEDULER_RETREAT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

struct cop__worker;

enum cop__retreat_phase {
        COP__RETREAT_BUSY = 0,
        COP__RETREAT_SHARING,
        COP__RETREAT_SETTLING,
        COP__RETREAT_ALONE,
        COP__RETREAT_AWAY,
};

enum cop__haven {
        COP__HAVEN_NONE = 0,
        COP__HAVEN_OF_ANOTHER, /* somebody has retreated to it */
        COP__HAVEN_LEFT,       /* it has retreated itself */
};

struct cop__retreat {
        enum cop__retreat_phase phase;
        struct cop__worker *other; /* whom it took tasks from last; NULL: from nobody yet */
        uint64_t since_ns;         /* of this phase */
        uint64_t turns_here, turns_there, leisure_ns; /* then, of itself and of the other */
        uint64_t pace;             /* turns of both in some time, when they shared */
        uint64_t away_ns;          /* how long it stayed away last */
        uint64_t busy_ns;          /* how long it leaves it at that before it tries again; 0: never tried */
        uint64_t not_before_ns;
};

COP__INLINE bool cop__retreat_is_on(const struct cop__retreat *retreat)
{
        return retreat->phase > COP__RETREAT_SHARING;
}

/* It has taken tasks from that one. */
void cop__retreat_share(struct cop__worker *worker, struct cop__worker *other, uint64_t now_ns);

/* Between two turns, once in so many: is it time to try? It may have no task any more then. */
void cop__retreat_look(struct cop__worker *worker);

/* It has been aloof for as long as it was to be. True: it has retreated, and stays so. */
bool cop__retreat_goes_on(struct cop__worker *worker, uint64_t now_ns);

/* It is not aloof any more, whatever it had in mind. */
void cop__retreat_end(struct cop__worker *worker);

#endif
