/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Opening and closing aliases, and what comes through them. See alias.h. */
#include "actors/alias.h"

#include "actors/actor.h"
#include "actors/priority.h"

static struct cop__relation *find_alias(struct cop__actor *actor, cop_ref ref)
{
        return cop__relation_find(actor, COP__TIE_ALIAS, ref.bits, ref);
}

cop_status cop__alias_open(struct cop__thread *thread, struct cop__actor *actor, uint32_t mode,
                           cop_ref ref)
{
        if (mode & COP_ALIAS_PRIORITY && !cop__consent(actor))
                return COP_E_NO_MEMORY;
        struct cop__relation *alias = cop__relation_new(thread, COP__TIE_ALIAS, NULL);
        if (alias == NULL)
                return COP_E_NO_MEMORY;
        alias->as.tie.mode = mode;
        cop__relation_keep(actor, alias, ref, cop_no_pid());
        return COP_OK;
}

bool cop__alias_close(struct cop__thread *thread, struct cop__actor *actor, cop_ref ref)
{
        struct cop__relation *alias = find_alias(actor, ref);
        if (alias == NULL)
                return false;
        cop__relation_forget(actor, alias);
        cop__relation_free(thread, alias);
        return true;
}

bool cop__alias_lets_in(struct cop__actor *actor, struct cop__signal *signal)
{
        struct cop__relation *alias = find_alias(actor, signal->ref);
        if (alias == NULL)
                return false;
        if (!(alias->as.tie.mode & COP_ALIAS_PRIORITY))
                signal->flags &= (uint16_t)~COP__SIGNAL_PRIORITY;
        return true;
}

bool cop__alias_take_in(struct cop__thread *thread, struct cop__actor *actor,
                        struct cop__signal *signal)
{
        cop_ref ref = signal->ref;
        if (signal->type != COP__SIGNAL_REPLY || !cop__alias_lets_in(actor, signal)) {
                /* FAILED holds a counted reason, and some replies go back, so they end as refused signals do. */
                cop__queue_release(&actor->queue, &actor->cursor, &signal->node);
                if (signal->type == COP__SIGNAL_REPLY && !(signal->flags & COP__SIGNAL_RETURN))
                        cop__letter_die(thread, cop__actor_pid(actor), signal,
                                        signal->flags & COP__SIGNAL_THROUGH ? COP__DEATH_CLOSED_ALIAS
                                                                            : COP__DEATH_LATE_REPLY);
                else
                        cop__refuse_signal(thread, cop__actor_pid(actor), signal, NULL);
                return false;
        }
        uint32_t mode = find_alias(actor, ref)->as.tie.mode;
        if (mode & (COP_ALIAS_REPLY | COP_ALIAS_REPLY_DEMONITOR))
                cop__alias_close(thread, actor, ref);
        if (mode & COP_ALIAS_REPLY_DEMONITOR)
                cop__demonitor(thread, actor, ref);
        signal->type = COP__SIGNAL_MESSAGE;
        signal->ref.bits = 0;
        return cop__to_mailbox(actor, signal);
}

/* ---- Sending ---------------------------------------------------------------------- */

cop_status cop__send_to_alias(cop_address to, const cop_kind *kind, const void *value,
                              unsigned flags, const void *where)
{
        struct cop__thread *thread = cop__thread_here();
        struct cop__here *here = cop__here_of(thread);
        struct cop__actor *self = cop__actor_of(thread->current);
        struct cop__signal *signal;
        cop__critical_enter(&here->fault);
        cop_status status = cop__signal_message(&thread->pool, kind, value, &signal);
        if (status == COP_OK) {
                cop__send_through(signal, to.alias);
                signal->flags |= (uint16_t)flags;
                signal->from = cop__actor_pid(self);
                cop__count_up(&here->sent);
                cop__send_signal(thread, to.pid, signal);
        } else {
                cop__refused(thread, status);
        }
        cop__critical_leave(&here->fault);
        if (status == COP_OK)
                cop__pay_for(self, to.pid, where);
        return status;
}

/* ---- The public operations ------------------------------------------------------ */

cop_status cop_alias_open(uint32_t mode, cop_alias *alias)
{
        struct cop__actor *actor = cop__actor_here();
        uint32_t closes = mode & ~(uint32_t)COP_ALIAS_PRIORITY;
        if (actor == NULL)
                return COP_E_NO_NODE;
        if (alias == NULL || (closes != COP_ALIAS_EXPLICIT && closes != COP_ALIAS_REPLY))
                return COP_E_BAD_ARGUMENT;
        cop__charge(cop_no_pid(), __builtin_return_address(0));
        struct cop__thread *thread = cop__thread_here();
        cop_ref ref = cop__ref_new(cop__here_of(thread));
        cop__mark(actor, ref);
        cop_status status = cop__alias_open(thread, actor, mode, ref);
        if (status == COP_OK)
                *alias = (cop_alias){ cop__actor_pid(actor), ref };
        return status;
}

bool cop_alias_close(cop_alias alias)
{
        struct cop__actor *actor = cop__actor_here();
        cop__charge(cop_no_pid(), __builtin_return_address(0));
        return actor != NULL && cop_pid_equal(alias.pid, cop__actor_pid(actor)) &&
               cop__alias_close(cop__thread_here(), actor, alias.ref);
}
