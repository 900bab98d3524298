/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Taking signals out of an actor's queue: the few instructions on the way of every message, for turn.c and receive.c. All
 * of it is the owner's; see actor.h.
 */
#ifndef ACTORS_TAKE_H
#define ACTORS_TAKE_H

#include "actors/actor.h"
#include "actors/outpost.h"
#include "actors/priority.h"
#include "actors/request.h"

/* A node that the cursor has passed and that is not done with: one in the user's hands can be linked only now (turn.c). */
void cop__keep_passed(struct cop__actor *actor, struct cop__node *node);

/* All but messages, and what was meant for another generation (turn.c). */
bool cop__take_in_slowly(struct cop__thread *thread, struct cop__actor *actor,
                         struct cop__signal *signal);

/* The next signal that has arrived, with the cursor's leavings freed; NULL. */
COP__INLINE struct cop__signal *cop__next_signal(struct cop__thread *thread,
                                                 struct cop__actor *actor)
{
        struct cop__queue_cursor before = actor->cursor;
        struct cop__node *passed;
        struct cop__node *node = cop__queue_next(&actor->queue, &actor->cursor, &passed);
        if (node == NULL)
                return NULL;
        if (passed != NULL)
                cop__signal_free(&thread->pool, cop__signal_of(passed));
        else if (before.node != NULL)
                cop__keep_passed(actor, before.node);
        actor->taken_count++;
        return cop__signal_of(node);
}

/* Is it a message for the actor, which lives? */
COP__INLINE bool cop__is_message_for(const struct cop__actor *actor, const struct cop__signal *signal)
{
        return signal->type == COP__SIGNAL_MESSAGE && signal->node.generation == actor->generation;
}

/*
 * The owner acts on one signal that has arrived. True if it is a message for the mailbox, which is the caller's now; else it
 * has been dealt with.
 */
COP__INLINE bool cop__take_in(struct cop__thread *thread, struct cop__actor *actor,
                              struct cop__signal *signal)
{
        if (COP__LIKELY(actor->life == COP__ALIVE && cop__is_message_for(actor, signal)))
                return true;
        return cop__take_in_slowly(thread, actor, signal);
}

/* Is a REPLY or FAILED for the call that waits? Without a reference it is for whatever call does: somebody interrupts it
 * (shell/console.c). */
COP__INLINE bool cop__is_awaited(const struct cop__actor *actor, const struct cop__signal *signal)
{
        cop_ref awaited = cop__awaited_by(actor);
        return awaited.bits != 0 && (signal->ref.bits == 0 || awaited.bits == signal->ref.bits);
}

COP__INLINE void cop__await_no_more(struct cop__actor *actor, struct cop__signal *answer)
{
        actor->awaits = (uintptr_t)answer;
        actor->replied = true;
}

/* Is it the REPLY to the call that waits, and nothing else to be done about it? */
COP__INLINE bool cop__is_plain_reply(const struct cop__actor *actor, const struct cop__signal *signal)
{
        return signal->type == COP__SIGNAL_REPLY && signal->node.generation == actor->generation &&
               cop__is_awaited(actor, signal) && !actor->call_watched && !cop__is_outpost(actor);
}

/* REPLY or FAILED has come: for the call that waits, or a request. False: for neither. */
COP__INLINE bool cop__take_answer(struct cop__thread *thread, struct cop__actor *actor,
                                  struct cop__signal *signal)
{
        if (!cop__is_awaited(actor, signal))
                return cop__request_answered(thread, actor, signal);
        if (COP__UNLIKELY(actor->call_watched)) {
                /* The one who deferred it may be dead already: its DOWN must find no monitor. A select asks several. */
                while (cop__demonitor(thread, actor, cop__awaited_by(actor)))
                        ;
                actor->call_watched = false;
        }
        cop__await_no_more(actor, signal);
        return true;
}

/* A message leaves the mailbox; `before` is the one in front of it, or NULL. Places in the mailbox are remembered by it. */
COP__INLINE void cop__left_mailbox(struct cop__mailbox *mailbox, struct cop__signal *before,
                                   struct cop__signal *signal)
{
        if (COP__LIKELY(!(signal->flags & (COP__SIGNAL_PRIORITY | COP__SIGNAL_MARKED))))
                return;
        struct cop__actor *actor = COP__CONTAINER(mailbox, struct cop__actor, mailbox);
        if (signal->flags & COP__SIGNAL_PRIORITY)
                cop__overtaker_left(actor, before, signal);
        if (signal->flags & COP__SIGNAL_MARKED)
                cop__marks_move(actor, signal, before);
}

#endif
