/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Mailboxes with a limit: how many messages, or bytes of them, may wait for an actor, and what becomes of one too many.
 *
 *      cop_spawn_opt(&(cop_spawn_options){
 *              .server = &clerk_server,
 *              .mailbox_limit = 1000,
 *              .mailbox_policy = COP_MAILBOX_REJECT,
 *      }, &clerk);
 *      ...
 *      if (cop_send(clerk, letter, .number = 7) == COP_E_FULL)
 *              ...
 *
 * A mailbox has no limit unless it is spawned with one; who floods it is slowed down then, and actors without a limit
 * pay nothing for those that have one.
 *
 * What is counted: messages that were sent or called by actors and threads, from the send until the receiver takes one up. With
 * mailbox_bytes their bodies count: the struct, its texts and arrays. What the runtime sends (exits, downs, the
 * messages of timers), replies and what comes through an alias is neither counted nor refused: the news of a death finds its way into a full mailbox.
 *
 * How exact it is: no more than the limit is ever waiting, however many send at once. Close to it one may be refused though
 * there was room, when others are being refused at the same moment. A message larger than all of mailbox_bytes never gets in.
 *
 * What people get wrong: a message that is dropped is lost, and its sender is told nothing. Each is counted, and is a
 * dead letter with the reason full (dead_letter.h).
 */
#ifndef COPPICE_MAILBOX_H
#define COPPICE_MAILBOX_H

#include <coppice/status.h>

COP_BEGIN_DECLS

/* What happens to a message that finds the mailbox full. A call or request that is not let in ends with COP_E_FULL in any case. */
typedef enum cop_mailbox_policy {
        /* It is delivered, and its sender pauses: the limit is exceeded, by one message for each sender and pause. */
        COP_MAILBOX_SLOW = 0,
        /* Its sender gets COP_E_FULL, and still has it. */
        COP_MAILBOX_REJECT,
        /* It is dropped. */
        COP_MAILBOX_DROP_NEW,
        /*
         * It is delivered, and the oldest is dropped. Only the receiver can do that, when it next takes a message; until
         * then twice the limit may wait, and what comes on top of that is dropped itself.
         */
        COP_MAILBOX_DROP_OLD,
        /* It is dropped, and its receiver ends with {system_limit, mailbox}, which cannot be trapped. */
        COP_MAILBOX_STOP,
} cop_mailbox_policy;

COP_END_DECLS

#endif
