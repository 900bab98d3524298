/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Sending with priority, and the place of what overtakes. See priority.h. */
#include "actors/priority.h"

#include "actors/alias.h"

/* ---- The receiver ------------------------------------------------------------------ */

bool cop__consent(struct cop__actor *actor)
{
        return cop__rare_of(actor) != NULL;
}

void cop__overtake(struct cop__actor *actor, struct cop__signal *signal)
{
        struct cop__mailbox *mailbox = &actor->mailbox;
        struct cop__signal *before = actor->rare->overtaker;
        /* It gets a successor of the owner's: no sender may have one for it any more. */
        cop__queue_release(&actor->queue, &actor->cursor, &signal->node);
        actor->rare->overtaker = signal;
        actor->mailbox.overtaken = true;
        cop__marks_forget(actor); /* what it is an answer to may be behind one of them */
        actor->rare->looked_at = NULL; /* nor does a suspended server look behind it only */
        if (before == mailbox->last || mailbox->first == NULL) {
                cop__mailbox_append(mailbox, signal);
                return;
        }
        struct cop__node *after = before != NULL ? cop__load_relaxed(&before->node.next)
                                                 : &mailbox->first->node;
        cop__store_relaxed(&signal->node.next, after);
        if (before != NULL)
                cop__store_relaxed(&before->node.next, &signal->node);
        else
                mailbox->first = signal;
        cop__store_relaxed(&mailbox->count, mailbox->count + 1);
}

/* In front of one that overtook are others that did, or events that a machine had put off. */
void cop__overtaker_left(struct cop__actor *actor, struct cop__signal *before,
                                struct cop__signal *signal)
{
        if (actor->rare->overtaker != signal)
                return;
        bool overtook = before != NULL && before->flags & COP__SIGNAL_PRIORITY;
        actor->rare->overtaker = overtook ? before : NULL;
}

/* ---- The sender ---------------------------------------------------------------------- */

cop_status cop_send_priority_value(cop_address to, const cop_kind *kind, const void *value)
{
        if (!cop__is_alias(to))
                return cop_send_value(to, kind, value);
        if (cop__actor_here() == NULL)
                return COP_E_NO_NODE;
        return cop__send_to_alias(to, kind, value, COP__SIGNAL_PRIORITY,
                                  __builtin_return_address(0));
}

cop_status cop_send_exit_priority(cop_alias alias, cop_term reason)
{
        cop__charge(alias.pid, __builtin_return_address(0));
        return cop__send_exit(alias.pid, alias.ref, reason);
}
