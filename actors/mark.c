/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Where in a mailbox references were made. See mark.h. */
#include "actors/mark.h"

#include "actors/actor.h"

void cop__mark(struct cop__actor *actor, cop_ref ref)
{
        struct cop__mailbox *mailbox = &actor->mailbox;
        if (COP__LIKELY(cop__unread(actor) < COP__MARK_FROM))
                return;
        /* Each message is taken in once, so this is not paid for at each reference. */
        cop__take_in_all(actor);
        if (mailbox->count < COP__MARK_FROM)
                return;
        struct cop__rare *rare = cop__rare_of(actor);
        if (rare == NULL)
                return;
        rare->marks[rare->mark_next++ % COP__MARKS] = (struct cop__mark){ ref, mailbox->last };
        mailbox->last->flags |= COP__SIGNAL_MARKED;
}

struct cop__signal *cop__mark_find(const struct cop__actor *actor, cop_ref ref)
{
        const struct cop__rare *rare = actor->rare;
        if (rare == NULL)
                return NULL;
        for (size_t i = 0; i < COP__MARKS; i++)
                if (cop_ref_equal(rare->marks[i].ref, ref))
                        return rare->marks[i].behind;
        return NULL;
}

void cop__marks_move(struct cop__actor *actor, struct cop__signal *signal,
                     struct cop__signal *before)
{
        struct cop__rare *rare = actor->rare;
        signal->flags &= (uint16_t)~COP__SIGNAL_MARKED;
        for (size_t i = 0; rare != NULL && i < COP__MARKS; i++) {
                if (rare->marks[i].behind != signal)
                        continue;
                rare->marks[i].behind = before;
                if (before != NULL)
                        before->flags |= COP__SIGNAL_MARKED;
        }
}

void cop__marks_forget(struct cop__actor *actor)
{
        struct cop__rare *rare = actor->rare;
        for (size_t i = 0; rare != NULL && i < COP__MARKS; i++)
                rare->marks[i].behind = NULL;
}
