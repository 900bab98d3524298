/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Aliases: addresses of an actor that it may close again; and messages that overtake.
 *
 *      cop_alias alias;
 *      cop_alias_open(COP_ALIAS_REPLY, &alias);
 *      cop_send(clerk, question, .number = 7, .reply_to = alias);
 *      cop_auto answer = cop_receive(100, COP_KIND(answer));
 *      if (answer == NULL)
 *              cop_alias_close(alias);         from here on no late answer arrives
 *
 * What is sent through an open alias is an ordinary message, from its sender. Through one that is closed, or whose
 * owner is dead, it is dropped: the sender sees no error, a dead letter is counted.
 *
 * Order: messages of one sender arrive as they were sent, whether to the pid, a name or an alias.
 * Cost: an alias is a block of 128 bytes of its owner's, found at once among any number. Threads: any that has entered a node.
 *
 * What people get wrong:
 * - A message that has arrived before its alias was closed stays in the mailbox.
 * - An alias cannot be called, monitored or linked to; those answer COP_E_BAD_ARGUMENT or do not compile.
 *
 * Priority. A receiver that wants some senders heard at once opens an alias with COP_ALIAS_PRIORITY and gives it to
 * them. What they send through it with cop_send_priority goes in front of all ordinary messages that are not yet received, behind
 * the priority messages that are there. So nobody overtakes without the receiver's consent: through any other address
 * cop_send_priority is cop_send. A cop_down overtakes if its monitor asked for it (cop_monitor_options), a
 * cop_exited that comes through a link if the link did (cop_link_priority).
 *
 * See also: actor.h, request.h, samples/alias.c.
 */
#ifndef COPPICE_ALIAS_H
#define COPPICE_ALIAS_H

#include <coppice/actor.h>

COP_BEGIN_DECLS

/* When an alias closes by itself. */
typedef enum cop_alias_mode {
        COP_ALIAS_EXPLICIT = 1,        /* never: cop_alias_close() or its owner's end */
        COP_ALIAS_REPLY = 2,           /* with the first message through it */
        COP_ALIAS_DEMONITOR = 4,       /* a monitor's: with the monitor, by cop_demonitor() or the cop_down */
        COP_ALIAS_REPLY_DEMONITOR = 8, /* a monitor's: the same, and the first message ends both */
        COP_ALIAS_PRIORITY = 16,       /* may be added to any of these: cop_send_priority() through it overtakes */
} cop_alias_mode;

/*
 * Opens an alias of the calling actor, COP_ALIAS_EXPLICIT or COP_ALIAS_REPLY, either with COP_ALIAS_PRIORITY.
 * Errors: COP_E_BAD_ARGUMENT (another mode), COP_E_NO_MEMORY, COP_E_NO_NODE.
 */
COP_API cop_status cop_alias_open(uint32_t mode, cop_alias *alias);

/*
 * After it nothing more arrives through the alias; a monitor under the same reference stays. Returns: true if it was open and
 * the calling actor's own. Another's stays open.
 */
COP_API bool cop_alias_close(cop_alias alias);

/* The alias that a monitor of the calling actor was made with, from the monitor's reference. Opens nothing. */
static inline cop_alias cop_alias_of(cop_ref monitor)
{
        cop_alias alias = { cop_self(), monitor };
        return alias;
}

/* As cop_send_value, but through an alias with COP_ALIAS_PRIORITY the message overtakes. Same errors. */
COP_API cop_status cop_send_priority_value(cop_address to, const cop_kind *kind, const void *value);

/*
 * Sends an exit signal through an alias: cop_send_exit to its owner while it is open, nothing once it is closed. With
 * COP_ALIAS_PRIORITY the cop_exited of an owner that traps exits overtakes. An alias that closes with its first
 * message stays open. Errors: those of cop_send_exit.
 */
COP_API cop_status cop_send_exit_priority(cop_alias alias, cop_term reason);

/*
 * As cop_link, and if this actor traps exits the cop_exited of this link overtakes. A link that is there already
 * is made so. Errors: those of cop_link.
 */
COP_API cop_status cop_link_priority(cop_pid pid);

#ifndef __cplusplus
/* cop_send_priority(alias, stop, .why = ...) */
#define cop_send_priority(to, type, ...) \
        cop_send_priority_value(COP_TO(to), COP_KIND_OF(type), &(type){ __VA_ARGS__ })
#endif

COP_END_DECLS

#endif
