/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Where timers that users set are at home: found by their reference, and by the actor that they are for.
 *
 * A timer is one block of memory, which is at the same time the signal that it will send:
 *
 *      ┌── 32 bytes ──┐┌── 48 bytes ──────────────────────────┐┌── body ──┐┌── extra ─────────┐
 *      │ timer        ││ signal; while it waits, its queue's  ││          ││ a period, a name │
 *      │ (on a wheel) ││ words hold who it is for             ││          ││ (few have them)  │
 *      └──────────────┘└──────────────────────────────────────┘└──────────┘└──────────────────┘
 *
 * so firing needs no memory. Alarms (wait.c) are such blocks, too, but nobody looks for them and they are in no books.
 *
 * Each worker's wheel has a home beside it, whose books are kept under the wheel's own lock: setting, cancelling,
 * firing and reading take that one lock for constant time, and no worker writes what another one writes unless it has
 * to do with the other's timers.
 *
 *      reference      1 : 1 │ home : 7 │ index : 24 │ generation : 32
 *                                │          │
 *                                │          ▼
 *      home.handles              │    ┌────┬────┬────┬────┐   the block's address, or, if free, the generation
 *                                └──► │    │    │  ● │    │   of the next reference and the index of the next free one
 *                                     └────┴────┴──┼─┴────┘
 *      home.firsts[slot of the receiver] ───► timer ⇄ timer ⇄ timer ⇄ (the first again)    by index
 *
 * References are as unique as pids, and for the same reason: a handle whose generations are used up is not used again.
 * The highest bit keeps them apart from all other references.
 *
 * A timer and the death of its receiver. This is the argument of registry.h: an actor for whom there may be timers
 * bears a mark for each home in `named`. Who sets one, with the home's lock, sets the mark and then looks whether the
 * pid still lives; who dies moves its pid on, and then looks at its marks. Both are sequentially consistent, so either
 * the timer is not set, or the dying actor waits for the lock of that home and ends it.
 *
 * An end of many is done in slices: what is beyond the first is put with the doomed of the home (the ring in firsts[0],
 * which is nobody's slot), of which a timer of the home's own, the sweep, frees some at each turn of the wheel. The
 * doomed are gone for all who ask, since the pid is.
 *
 * Who ends a timer takes it out of the books under the lock, and it is that one's block from then on. A timer that
 * expire has disarmed has left the books already; but an interval stays in them, and who ends it in the middle of a tick
 * leaves the block to the one who ticks, and says so in `after`.
 *
 * Lock order: the lock of a wheel, then what sending a signal takes (only for ticks; see timer.c).
 */
#ifndef ACTORS_TIMER_HOME_H
#define ACTORS_TIMER_HOME_H

#include <coppice/actor.h>

#include "base/limits.h"
#include "mailbox/signal.h"
#include "scheduler/scheduler.h"

struct cop__actor;

/* A timer, and right behind it what it sends. */
struct cop__timed {
        struct cop__timer timer;
        union {
                struct cop__signal signal;
                struct {                  /* until it is sent */
                        uint32_t before, after; /* of the same receiver, as indices of handles; under the lock */
                        cop_pid to;             /* nobody: a name, in the extra */
                        cop_pid from;
                        cop_ref ref;
                } wait;
        } as;
};

_Static_assert(offsetof(struct cop__timed, as) == COP__SIGNAL_LEAD, "right behind the timer");
_Static_assert(offsetof(struct cop__timed, as.wait.from) ==
                       offsetof(struct cop__timed, as.signal.from),
               "a waiting timer lies in what only queues need");
_Static_assert(offsetof(struct cop__timed, as.wait.ref) ==
                       offsetof(struct cop__timed, as.signal.ref),
               "and so does its reference");

/* Handles come in chunks, so that a node with few timers has little memory for them, and so does the array of chunks. */
#define COP__TIMER_CHUNK 512u
#define COP__TIMER_CHUNKS_FIRST 16u
#define COP__TIMER_CHUNKS 32768u
#define COP__TIMER_HANDLES (COP__TIMER_CHUNK * COP__TIMER_CHUNKS)

/* All under the lock of the worker's wheel, but for the first two words, which are constant. */
struct cop__timer_home {
        struct cop__worker *worker;
        uint32_t *firsts;         /* by slot: some timer for who lives there, and those it is in a ring with; 0: none */
        uint64_t **chunks;        /* of handles: an even word is a struct cop__timed * */
        uint32_t chunk_room;      /* in `chunks`, which grows */
        uint32_t opened;          /* handles that have ever been used; 0 is none */
        uint32_t free;            /* the first free one; 0: none */
        struct cop__timed sweep;  /* armed while there are doomed ones */
} COP__LINE_ALIGNED;

struct cop__timers {
        struct cop__timer_home *homes;
        unsigned count;      /* atomic: homes whose worker has begun; acquire it before a look at one. HOME */
        unsigned room;       /* homes, those of spare workers that may begin included */
        uint32_t *firsts;         /* of all homes, in one reserved mapping */
        size_t firsts_size;
};

/* Before the workers start, and after they have ended. What failed to begin is ended, too. Errors: COP_E_NO_MEMORY. */
cop_status cop__timers_init(struct cop__timers *timers, unsigned workers, uint32_t actors);
void cop__timers_fini(struct cop__timers *timers);

/* Each worker, before any of them runs. */
void cop__timers_join(struct cop__timers *timers, struct cop__worker *worker);

/* What is outstanding ends. Workers may still fire timers, but nobody sets one any more. */
void cop__timers_stop(struct cop__timers *timers, struct cop__pool_cache *pool);

/* The receiver has died; its pid has moved on. */
void cop__timers_end(struct cop__thread *thread, struct cop__actor *actor, cop_pid pid);

/* The home of the calling thread's timers, and that of a reference; NULL: it is no timer's. */
struct cop__timer_home *cop__timer_home_here(struct cop__thread *thread);
struct cop__timer_home *cop__timer_home_of(struct cop__timers *timers, cop_ref ref);

/* Takes the lock of a home with a free handle in it. Errors: COP_E_NO_MEMORY, COP_E_LIMIT; the lock is not held then. */
cop_status cop__timer_home_lock_to_add(struct cop__timer_home *home);

COP__INLINE void cop__timer_home_lock(struct cop__timer_home *home)
{
        cop__wheel_lock(&home->worker->wheel);
}

COP__INLINE void cop__timer_home_unlock(struct cop__timer_home *home)
{
        cop__wheel_unlock(&home->worker->wheel);
}

/* ---- With the lock of the home ------------------------------------------------------- */

/* Enters a timer, whose `to` is set; it has its reference then. False: the receiver is dead, and it is in no books. */
bool cop__timer_enter(struct cop__timer_home *home, struct cop_node *node,
                      struct cop__timed *timed);

/* Takes a timer out of the books that is on no wheel. */
void cop__timer_leave(struct cop__timer_home *home, struct cop__timed *timed);

/* The same, and off the wheel. False: it is an interval in the middle of a tick, and who ticks frees the block. */
bool cop__timer_end(struct cop__timer_home *home, struct cop__timed *timed);

/* In the middle of a tick: has it been ended? */
COP__INLINE bool cop__timer_has_ended(const struct cop__timed *timed)
{
        return timed->as.wait.after == COP__TIMER_HANDLES;
}

/* NULL: there is none, or its receiver is dead. */
struct cop__timed *cop__timer_find(struct cop__timer_home *home, struct cop_node *node,
                                   cop_ref ref);

/* Is the receiver dead? Never, if it is a name. */
bool cop__timer_is_doomed(struct cop_node *node, const struct cop__timed *timed);

/* ---- Without it ------------------------------------------------------------------------- */

/* A timer that is in no books and has not been sent. */
void cop__timed_free(struct cop__pool_cache *pool, struct cop__timed *timed);

/* The sweep's turn. */

void cop__timer_sweep(struct cop__thread *thread, struct cop__timer_home *home);

#endif
