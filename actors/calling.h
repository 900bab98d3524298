/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Who calls whom, and until when: the open call of each actor, as others may see it.
 *
 *      caller's record                                     what it is for
 *      open         the reference its call is under   ◄──  the callee, at dequeue: is it still wanted?
 *      deadline_ns  the end of its patience           ◄──  the callee's own calls, which get no more than is left
 *      waits, callee  the edge: it cannot go on       ◄──  who looks for a ring of waiting actors (ring.c)
 *                     before that one answers
 *
 * A record lies beside each slot, in memory that is touched first when an actor of that slot calls:
 * who never calls pays nothing, and a plain message never looks here. What else is needed only when an
 * actor waits with a time-out, or is behind with its messages, is in it, too.
 *
 *      unread in the queue, as far as counted = scout_at - taken_count, if positive and the actor is `scouted`; else `scout` is stale
 *
 * Over. A request of a call (COP__SIGNAL_CALL) whose caller's record has another `open` is one that
 * nobody waits for: the caller's time was over, or it has ended. Whoever takes such a request out
 * of the queue drops it as a dead letter and handles it never. That needs no clock. A caller whose
 * time is over but who has not yet noticed still waits: its request is handled, and its answer may
 * be in time.
 *
 * Requests in flight are several, so their patience cannot lie in the record. One that is sent on
 * behalf of a call with a deadline takes that along (COP__SIGNAL_TIMED); the others are wanted
 * until they are answered. When such a request is dropped, its sender is told: it may wait for that
 * without a time-out of its own.
 *
 * Inheritance. While an actor is at a call's request, its own calls end when that caller's time
 * does, if that is earlier.
 *
 * The edge stands from before the request is sent until the call ends, or until the caller has
 * heard that its reply is deferred (DEFERRED_BY): from then on anybody may answer, so it waits for
 * nobody whom we know.
 *
 * Starts. A supervisor does not wait for the child that it starts, but whoever has asked it to
 * does: his answer hinges on the child's start. So it tells him (HINGE), and his edge leads to the
 * child from then on, as long as that is in its start. In its own init a supervisor waits itself,
 * and has such an edge: who calls it, or waits for its start, waits for the child's.
 *
 * Processes. An actor in an OS process of its own calls through its outpost, whose record it is then
 * (outpost_wait.h). What is asked of it goes there with its deadline, and cannot be seen from there to be over: so
 * who gives up a call to an outpost tells it (WITHDRAWN).
 *
 * Who may touch what: a record is written by the owner of its slot's actor alone; anybody reads what is atomic.
 *
 * Named pairs (release ↔ acquire)
 *      OPEN   store of `open`, of `waits`  ↔  load of it: what else is in the record is of that call, or of a later one
 *      NEXT   store of deadline_ns, callee, stand, hinge ↔  load of it: the call before is seen to be over. So who finds the same reference before and
 *             after has read what belongs to it: references are never used again
 *      CLOSE  a fence after the store of the edge ↔ the same: of actors whose edges close a ring, the last to pass its fence sees all
 *             the edges (ring.c). Where the request has just been pushed, its exchange is that fence on x86.
 *
 * What can be seen half done: a record whose reference is the old or no one while the rest is new.
 * It is read as no call.
 */
#ifndef ACTORS_CALLING_H
#define ACTORS_CALLING_H

#include "actors/actor.h"
#include "actors/inside_wait.h"
#include "base/text.h"

struct cop__calling {
        uint64_t open;        /* atomic; the reference of its call; 0: none */
        uint64_t deadline_ns; /* atomic; of that; UINT64_MAX: never */
        uint64_t waits;       /* atomic; the reference under which it waits for `callee`; 0: it does not */
        uint64_t callee;      /* atomic; a pid */
        uint64_t stand;       /* atomic; counts waits for requests, each of which may be waited for again */
        uint64_t hinge;       /* atomic; equals `waits`: it waits until the callee's start is over */

        /* The owner's alone, and of its slot rather than of its calls: they find room here. */
        struct cop__signal *alarm; /* while `alarmed`; see wait.c */
        struct cop__node *scout;   /* as far as the owner has counted what is unread (turn.c) */
        struct cop__shared_term *told; /* while `terminating`: what terminate() was told, whatever becomes of the reason (exit.c) */
        uint32_t scout_at;         /* taken_count, which wraps, when the scout will have been taken */
} COP__LINE_ALIGNED;

/* The record of whoever lives in the slot of a pid, which must be one of this node's. */
COP__INLINE struct cop__calling *cop__calling_of(struct cop_node *node, cop_pid pid)
{
        return &node->slots.calling[pid.bits >> COP__PID_SLOT_SHIFT];
}

COP__INLINE struct cop__calling *cop__calling_own(struct cop__actor *actor)
{
        return cop__calling_of(cop__node_of(cop__thread_here()), cop__actor_pid(actor));
}

/* By an alarm that is set already (wait.c): until it has come there is no need to look at the clock, nor to set another. */
COP__INLINE bool cop__is_woken_by(const struct cop__actor *actor, const struct cop__calling *own, uint64_t deadline_ns)
{
        return actor->alarmed && cop__timer_before(own->alarm)->when_ns <= deadline_ns;
}

/* The owner is about to send a request under that reference. */
COP__INLINE void cop__calling_begin(struct cop__calling *own, cop_ref ref, uint64_t deadline_ns)
{
        cop__store_release(&own->deadline_ns, deadline_ns); /* NEXT */
        cop__store_release(&own->open, ref.bits);           /* OPEN */
}

/* ... and from here on it cannot go on without an answer of that actor's. */
COP__INLINE void cop__calling_wait_for(struct cop__calling *own, cop_ref ref, cop_pid callee)
{
        cop__store_release(&own->callee, callee.bits); /* NEXT */
        cop__store_release(&own->waits, ref.bits);     /* OPEN */
}

/* The same for a request, which may be given up and awaited again, under the same reference. */
COP__INLINE void cop__calling_wait_for_request(struct cop__calling *own, cop_ref ref, cop_pid callee)
{
        cop__store_release(&own->stand, cop__load_relaxed(&own->stand) + 1); /* NEXT */
        cop__calling_wait_for(own, ref, callee);
}

/* The same, but until the start of that actor is over. Others may have read an edge under this
 * reference: it is taken back first. */
COP__INLINE void cop__calling_wait_for_start(struct cop__calling *own, cop_ref ref, cop_pid child)
{
        cop__store_release(&own->waits, (uint64_t)0);
        cop__store_release(&own->hinge, ref.bits);
        cop__calling_wait_for(own, ref, child);
}

COP__INLINE void cop__calling_end(struct cop__calling *own)
{
        cop__store_relaxed(&own->waits, (uint64_t)0);
        cop__store_relaxed(&own->open, (uint64_t)0);
}

/* An answer to that reference has come, or is deferred: the owner, if it waits for it, waits for
 * nobody that we know. */
void cop__calling_let_go(struct cop__actor *actor, cop_ref ref);

/* Of a request that is TIMED: the end of its patience. */
COP__INLINE uint64_t cop__request_deadline(const struct cop__signal *request)
{
        uint64_t deadline_ns;
        memcpy(&deadline_ns, cop__signal_extra(request), sizeof(deadline_ns));
        return deadline_ns;
}

bool cop__request_is_over(struct cop_node *node, const struct cop__signal *request);

/* Nobody waits for what has been asked under that reference: tells the callee if it is an outpost, which has handed it on, or lives
 * on another node. Without memory it is not told, and that request is handled in vain. */
void cop__calling_withdraw(struct cop__thread *thread, cop_pid callee, cop_ref ref);

/* The news of a start that is to come, made while it can still be refused; NULL: no memory. One
 * that is not needed ends with cop__signal_free. */
struct cop__signal *cop__calling_hinge_new(struct cop__thread *thread);
/* Tells a caller whose call was deferred that he waits until the start of that actor is over. Takes
 * the news. */
void cop__calling_hinge(struct cop__thread *thread, struct cop__signal *news, cop_caller caller,
                        cop_pid child);
void cop__calling_take_hinge(struct cop__thread *thread, struct cop__actor *actor,
                             struct cop__signal *signal);

/*
 * The owner is about to receive the news that the start of that actor is over: its edge, and a look
 * at what that closes. Returns how long to wait for it before this is to be called again, in
 * milliseconds. cop__calling_end takes the edge back.
 */
int64_t cop__calling_start_wait(struct cop__actor *actor, cop_ref ref, cop_pid child);

/* Is a request (COP__SIGNAL_CALL) one that nobody waits for? */
COP__INLINE bool cop__calling_is_over(struct cop_node *node, const struct cop__signal *request)
{
        if (COP__UNLIKELY(request->flags & COP__SIGNAL_CROSSED))
                return cop__inside_is_over(node->inside, request->ref);
        const struct cop__calling *theirs = cop__calling_of(node, request->from);
        return COP__UNLIKELY(cop__load_acquire(&theirs->open) != request->ref.bits) && /* OPEN */
               (!(request->flags & COP__SIGNAL_TIMED) || cop__request_is_over(node, request));
}

/* Ends a request that nobody waits for; who sent one that is TIMED hears COP_E_TIMEOUT. */
void cop__calling_drop(struct cop__thread *thread, struct cop__actor *actor,
                       struct cop__signal *request);

/* The end of the patience of whoever sent a request: 0: it is over, UINT64_MAX: never, or it is
 * no call's, or answered. */
uint64_t cop__calling_deadline(struct cop__thread *thread, const struct cop__signal *request);

/* ---- Rings (ring.c) ------------------------------------------------------------------------ */

/* How a wait for an actor looks from the one that waits. */
enum cop__ring {
        COP__RING_NONE = 0,  /* it closes no ring of edges */
        COP__RING_UNSETTLED, /* it does, but not all of them are known to sleep: look again */
        COP__RING_CLOSED,    /* nobody in it can go on; cop_failure() has been set to say so */
};

/* "b <0.4.0>, who waits for the first": whom that actor cannot go on without, and so on, as it is at
 * this moment; "" for nobody. Threads: any that is inside. */
void cop__ring_print(struct cop_node *node, cop_pid pid, struct cop__text *text);

/* The first of them; nobody: it waits for nobody that we know. Threads: any that is inside. */
cop_pid cop__ring_next(struct cop_node *node, cop_pid pid);

enum cop__ring cop__ring_look_far(struct cop__actor *actor, struct cop__calling *own);

/*
 * The owner waits for a start, and has not closed a ring itself: that may have become one by its
 * edge. Then the first in it who waits for an answer is told that its call has failed, COP_E_CYCLE.
 * True: look again in a moment.
 */
bool cop__ring_hinges(struct cop__actor *actor);

/* Does it? */
COP__INLINE bool cop__calling_hinges(const struct cop__calling *own)
{
        uint64_t waits = cop__load_relaxed(&own->waits);
        return COP__UNLIKELY(cop__load_relaxed(&own->hinge) == waits) && waits != 0;
}

/* The same to an actor whose record is `theirs`. Most callees wait for nobody. */
COP__INLINE enum cop__ring cop__ring_look_at(const struct cop__calling *theirs, struct cop__actor *actor,
                                             struct cop__calling *own)
{
        return COP__LIKELY(cop__load_relaxed(&theirs->waits) == 0) ? COP__RING_NONE : cop__ring_look_far(actor, own);
}

/* After the edge, and a fence. */
COP__INLINE enum cop__ring cop__ring_look(struct cop_node *node, struct cop__actor *actor,
                                          struct cop__calling *own)
{
        cop_pid callee = { cop__load_relaxed(&own->callee) };
        if (COP__UNLIKELY(cop__slot_of(node, callee) == NULL))
                return COP__RING_NONE;
        return cop__ring_look_at(cop__calling_of(node, callee), actor, own);
}

/* On an actor. As cop_reply_value_to, for an answer that somebody has long waited for: it goes also while the node is over its
 * limit. */
cop_status cop__reply_owed(cop_caller caller, const cop_kind *kind, const void *value);

/*
 * The answer to a call of the library's own, which is to be of that kind; it is no more than a claim, and whoever has its memory
 * broken (outpost_hear.h) may send any. Of another kind it is freed: COP_E_NO_REPLY.
 */
cop_status cop__answer_must_be(struct cop__actor *actor, struct cop__signal *answer, const cop_kind *kind);

#endif
