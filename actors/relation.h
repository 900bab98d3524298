/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Links and monitors: what one actor knows of another's life.
 *
 * A relation has two halves, one kept by each side, and each half is a signal that waits to be sent: so that telling of
 * a death, unlinking and demonitoring need no memory and cannot fail.
 *
 *      link      A keeps a LINK half for B          B keeps a LINK half for A      the same id in both
 *                A dies: its half goes to B as LINK_EXIT, and the other way round
 *                A unlinks: its half goes to B as UNLINK
 *
 *      monitor   A keeps a MONITOR half (its ref)   B keeps a WATCH half
 *                B dies: the WATCH half goes to A as DOWN
 *                A demonitors or dies: the MONITOR half goes to B as DEMONITOR
 *
 * A half that arrives finds its partner by id or reference, or finds none and means nothing any more: A has unlinked
 * while B's LINK_EXIT was on its way. That is why no acknowledgement is needed, and why nothing arrives after unlink or
 * demonitor has returned. Ids and references are never used again.
 *
 * DEMONITOR bears the address of the WATCH half. It is good: the two are kept by A and B for exactly as long as
 * neither DOWN nor DEMONITOR has been sent, and a B that has died in between refuses the signal without looking. Only of a deferral,
 * below, a B that lives may have sent its half, as a failure: so of those it is looked for by its reference, and may not be there.
 *
 *      deferral  B has deferred its reply to A's call: B makes both halves, keeps the WATCH half, and sends A the MONITOR half as
 *                DEFERRED_BY. From there on it is a monitor like any other; an A that does not wait sends it back as DEMONITOR
 *
 *      farewell  A, linked to B, wants B to end and to hear of that: it sends a WATCH half along with an exit signal, as
 *                FAREWELL, and keeps nothing but its LINK half
 *                B keeps the WATCH half, and marks its LINK half for A
 *                B dies: the WATCH half goes to A as GONE, and tells for the link, too: B's LINK half goes nowhere, and A
 *                forgets its own
 *                A dies first: its LINK half goes to B as ever, and GONE to nobody
 *                Nobody takes a farewell back. So A needs no half by which it would know one GONE from another.
 *
 * Two actors that link to each other at the same time have two links; the first LINK_EXIT ends all of them.
 *
 * An alias is a relation of its owner with nobody: kept and found like a half, and never sent (alias.h). That of a monitor
 * bears the monitor's reference.
 *
 * Each actor keeps its halves in one list, and from COP__RELATIONS_LISTED on also in a table by key.
 */
#ifndef ACTORS_RELATION_H
#define ACTORS_RELATION_H

#include <coppice/actor.h>

#include "base/list.h"
#include "base/table.h"
#include "mailbox/signal.h"
#include "mailbox/term.h"

struct cop__actor;
struct cop__thread;

enum cop__tie_type {
        COP__TIE_LINK = 1,
        COP__TIE_MONITOR,
        COP__TIE_WATCH,
        COP__TIE_ALIAS,
};

/* In the mode of both halves, beside the cop_alias_mode of an alias: they are of a call whose reply was deferred. */
#define COP__TIE_OF_CALL UINT32_C(0x100)

/*
 * In the mode of a LINK half: its exit signal is dropped here. So a start whose failure is an answer does not end who waits for
 * it, whatever the newborn dies of and however early: its monitor tells. See cop__rare.hushes_links and supervisor/supervise.c.
 */
#define COP__TIE_HUSHED UINT32_C(0x200)

/* In the mode of a LINK half: the WATCH half of a farewell tells the other side of the keeper's end, and this one does not. */
#define COP__TIE_TOLD UINT32_C(0x400)

/* In the mode of a WATCH half: it is of a farewell. */
#define COP__TIE_FAREWELL UINT32_C(0x800)

/* A half while an actor keeps it. Its id or reference is signal.ref. */
struct cop__tie {
        struct cop__list list;        /* of the keeper's relations */
        struct cop__table_node node;  /* in the keeper's table; key: see cop__relation_key */
        cop_pid peer;                 /* the other side; of a MONITOR by name nobody was found for: nobody */
        struct cop__relation *other;  /* MONITOR: the WATCH half */
        struct cop__shared_term *tag; /* MONITOR: what its DOWN will bear, counted; NULL: nothing */
        uint32_t type;
        uint32_t mode;                /* cop_alias_mode: an ALIAS's, of a MONITOR's alias, COP_ALIAS_PRIORITY of a LINK */
        uint32_t name_size;           /* WATCH: of the name it was monitored by, behind the relation */
};

/* A half while it is on its way as an exit or down signal, then the message that the user reads. The counted reason that
 * the term lies in follows the message directly, then that of the tag: COP__SIGNAL_REASON and COP__SIGNAL_TAG, see
 * cop__signal_free. */
struct cop__exit_body {
        cop_exited message;
        struct cop__shared_term *reason;
};
struct cop__farewell_body {
        struct cop__exit_body exited;
        struct cop__relation *watch;
};
struct cop__down_body {
        cop_down message;
        struct cop__shared_term *reason;
        struct cop__shared_term *tag;
};

struct cop__relation {
        struct cop__signal signal;
        union {
                struct cop__tie tie;
                struct cop__exit_body exited;
                struct cop__farewell_body farewell; /* begins as `exited` */
                struct cop__down_body down;
        } as;
};

_Static_assert(sizeof(struct cop__relation) <= 128, "a half should be two cache lines");

/* Either half of a new relation, not yet kept by anyone. NULL without memory. `name` may be NULL. */
struct cop__relation *cop__relation_new(struct cop__thread *thread, enum cop__tie_type type,
                                        const char *name);

#define COP__HALF_SIZE (sizeof(struct cop__relation) - sizeof(struct cop__signal))

/* One that is known by no name; `pool` is the thread's. */
COP__INLINE struct cop__relation *cop__relation_new_quickly(struct cop__pool_cache *pool, enum cop__tie_type type)
{
        struct cop__signal *signal = cop__signal_new_small(pool, COP__SIGNAL_LINK, COP__HALF_SIZE);
        if (COP__UNLIKELY(signal == NULL))
                return NULL;
        struct cop__relation *relation = COP__CONTAINER(signal, struct cop__relation, signal);
        memset(&relation->as, 0, sizeof(relation->as));
        relation->as.tie.type = type;
        return relation;
}

void cop__relation_free(struct cop__thread *thread, struct cop__relation *relation);

/* The owner keeps a half. */
void cop__relation_keep(struct cop__actor *actor, struct cop__relation *relation, cop_ref ref,
                        cop_pid peer);

/* From here on the link is one like the others. False: there is none any more; if it was hushed, its exit has been dropped. */
bool cop__link_unhush(struct cop__actor *actor, cop_pid pid);

/* The first that the owner keeps of that type and key, with that reference unless it is 0. A WATCH half: of a deferral only. */
struct cop__relation *cop__relation_find(struct cop__actor *actor, enum cop__tie_type type,
                                         uint64_t key, cop_ref ref);
/* The owner keeps it no longer. */
void cop__relation_forget(struct cop__actor *actor, struct cop__relation *relation);

/* What take_in does with each signal of a relation. True: it has become a message for the mailbox. */
bool cop__relation_take_in(struct cop__thread *thread, struct cop__actor *actor,
                           struct cop__signal *signal);

/* What becomes of such a signal where no actor lives: those that ask are answered. NULL is noproc. */
void cop__relation_refuse(struct cop__thread *thread, cop_pid dead, struct cop__signal *signal,
                          struct cop__shared_term *reason);

/*
 * The calling actor's link to that one ends as by the caller's death of that reason, which the other one hears and the caller does not
 * die. Takes no memory. False: they are not linked, or the caller is in a process of its own.
 */
bool cop__link_break(cop_pid pid, struct cop__shared_term *reason);

/*
 * An exit signal from the actor, which hears of the end as by a monitor with this reference, also where nobody lives
 * any more. Not from within a process. The reason is taken, unless there is no memory: COP_E_NO_MEMORY.
 */
cop_status cop__farewell(struct cop__thread *thread, struct cop__actor *actor, cop_pid to, cop_ref ref,
                         struct cop__shared_term *reason);

/* The death of the owner, which keeps a half or more: its first one goes its way. */
void cop__relation_end(struct cop__thread *thread, struct cop__actor *actor, cop_pid self,
                       struct cop__shared_term *reason);

/* The owner is watched by the caller whose reply it has deferred, under the reference of the call. Is it so already? */
bool cop__is_watched_by(struct cop__actor *actor, cop_caller caller);
/* From now on; once for each call. False: no memory. */
bool cop__watched_by(struct cop__thread *thread, struct cop__actor *actor, cop_caller caller);
/* The deferred reply does not come, for want of memory, of which this takes none. Nobody may be known to wait for it. */
void cop__watch_fail(struct cop__thread *thread, struct cop__actor *actor, cop_caller caller);
/* DEFERRED_BY has arrived: the caller keeps its half, or, as nobody waits any more, sends it back. */
void cop__watch_callee(struct cop__thread *thread, struct cop__actor *actor,
                       struct cop__signal *signal, bool waits);

/* Ends a monitor; false: there was none (any more). */
bool cop__demonitor(struct cop__thread *thread, struct cop__actor *actor, cop_ref ref);

/* An exit signal has arrived at the owner. Takes the signal. True: it is a message for the mailbox now. */
bool cop__exit_signal(struct cop__thread *thread, struct cop__actor *actor,
                      struct cop__signal *signal, bool from_link);

/* An exit signal's block, for cop_send_exit. The reason is taken. */
struct cop__signal *cop__exit_new(struct cop__thread *thread, cop_pid from,
                                  struct cop__shared_term *reason);

#endif
