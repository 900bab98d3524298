/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Aliases: references under which an actor lets messages in, as long as it wants.
 *
 * What is sent through an alias travels as a REPLY under its reference: an alias is what a call opens for its answer, but
 * opened by hand and leading to the mailbox. It is kept among the relations of its owner, so it ends with it, and is found
 * at once among many (relation.h). Only the owner touches it; a sender does not know whether it is open.
 */
#ifndef ACTORS_ALIAS_H
#define ACTORS_ALIAS_H

#include <coppice/alias.h>

#include "base/compiler.h"
#include "mailbox/signal.h"

struct cop__actor;
struct cop__thread;

/* Both members of the union are empty together, and the one that every send looks at stays in its register. */
COP__INLINE bool cop__is_alias(cop_address to)
{
        return to.name != NULL && to.pid.bits != 0;
}

/* Leaves a pid or a name of an address, and returns the alias that it was, or none. */
COP__INLINE cop_ref cop__take_alias(cop_address *to)
{
        cop_ref alias = { 0 };
        if (COP__UNLIKELY(cop__is_alias(*to))) {
                alias = to->alias;
                to->name = NULL;
        }
        return alias;
}

/* A message that is about to be sent goes through an alias; none: it stays what it is. */
COP__INLINE void cop__send_through(struct cop__signal *message, cop_ref alias)
{
        if (COP__UNLIKELY(alias.bits != 0)) {
                message->type = COP__SIGNAL_REPLY;
                message->flags |= COP__SIGNAL_THROUGH;
                message->ref = alias;
        }
}

/* cop_send_value to an alias, with flags of the signal: COP__SIGNAL_PRIORITY or none. `where` is shown if the sender waits. */
cop_status cop__send_to_alias(cop_address to, const cop_kind *kind, const void *value,
                              unsigned flags, const void *where);

/* Opens one under that reference, with a cop_alias_mode that has been looked at. Errors: COP_E_NO_MEMORY. */
cop_status cop__alias_open(struct cop__thread *thread, struct cop__actor *actor, uint32_t mode,
                           cop_ref ref);
/* False: it was not open. */
bool cop__alias_close(struct cop__thread *thread, struct cop__actor *actor, cop_ref ref);

/* Is the signal's alias open? It overtakes from here on only if the alias has priority. */
bool cop__alias_lets_in(struct cop__actor *actor, struct cop__signal *signal);

/* A reply that no call waits for: through an alias, or late. True: it is a message for the mailbox. */
bool cop__alias_take_in(struct cop__thread *thread, struct cop__actor *actor,
                        struct cop__signal *signal);

#endif
