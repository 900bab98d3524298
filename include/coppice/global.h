/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Global names: names that all connected nodes know, each for one actor on any of them.
 *
 *      cop_global_register("ledger", cop_self());
 *      cop_pid ledger = cop_global_whereis("ledger");        on any node
 *
 * An actor may have several. A name ends with its actor, or with the connection to its node, before who asks there hears of
 * either.
 *
 * What people get wrong:
 * - All of the nodes have to be connected to each other, which nobody does for them (distribution.h): each goes by those it is
 *   connected to, so two that only have a third in common may give a name to one actor each.
 * - A network that is split has two of each name as soon as both sides register one. When they meet again, all nodes keep the same
 *   one of the two, and one that lives rather than one that has ended: that of the side on which more names have been changed, of
 *   equals the actor whose node has the lesser name. The other one is not told, and goes on without it. A name that one side has
 *   unregistered meanwhile may be nobody's then, by the same rule.
 * - To look a name up costs a call within the node; to register one, a call to each node, to all at once.
 * - A node that hangs and is not down yet holds each change up for 5 seconds, and hears of it when it goes on. If it is the one
 *   with the least name, through which all changes go, they wait for it for 10 seconds, and then go through the next one. When it
 *   goes on there may be two through which changes go for a moment: of two actors that get one name then, one keeps it, everywhere.
 * - Erlang's nodes do not take part: theirs are names of Erlang's `global`.
 *
 * Threads: actors and visiting threads. Errors of all: COP_E_NO_DISTRIBUTION, COP_E_NO_NODE, COP_E_BAD_ARGUMENT (no name:
 * empty, longer than COP_NAME_MAX, or no UTF-8; nobody), COP_E_NO_MEMORY, COP_E_OVERLOAD (overload.h), COP_E_TIMEOUT (in a minute
 * there was no answer; the change may be made yet), COP_E_NO_CONNECTION (the node with the least name did not do it, nor did the
 * one that was the next). None of them takes the time of a call that the caller is handling (cop_call): who waits for that may
 * have given up.
 *
 * See also: distribution.h; registry.h for keys within a node.
 */
#ifndef COPPICE_GLOBAL_H
#define COPPICE_GLOBAL_H

#include <coppice/distribution.h>

COP_BEGIN_DECLS

/* All connected nodes that answer know it when this returns. Errors: COP_E_NAME_TAKEN (an actor that lives has it). */
COP_API cop_status cop_global_register(const char *name, cop_pid pid);
/* The same, also if another actor has it: that one has it no more. */
COP_API cop_status cop_global_re_register(const char *name, cop_pid pid);
/* On none of those nodes has anybody it when this returns, and nobody need have had it. */
COP_API cop_status cop_global_unregister(const char *name);

/* Nobody, also on an error, such as COP_E_OVERLOAD: nobody could be asked then. */
COP_API cop_pid cop_global_whereis(const char *name);

/*
 * Sends to who has the name. Nobody has it: the calling actor ends with {badarg, ...}, a visitor gets COP_E_NO_NAME. Errors: also
 * those of cop_send_value.
 */
COP_API cop_status cop_global_send_value(const char *name, const cop_kind *kind, const void *value);
#ifndef __cplusplus
/* cop_global_send("ledger", taking, .pence = 900) */
#define cop_global_send(name, type, ...) \
        cop_global_send_value((name), COP_KIND_OF(type), &(type){ __VA_ARGS__ })
#endif

COP_END_DECLS

#endif
