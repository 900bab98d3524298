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
 * mailbox_bytes their bodies count: the struct, its texts and arrays. What the runtime sends (exits, downs, the news
 * of starts and of handlers, the messages of timers), replies and what comes through an alias is neither counted nor refused: the
 * news of a death finds its way into a full mailbox.
 *
 * How exact it is: no more than the limit is ever waiting, however many send at once. Close to it one may be refused though
 * there was room, when others are being refused at the same moment. A message larger than all of mailbox_bytes never gets
 * in, but where its sender is only slowed, or, up to twice as large, where the oldest are dropped.
 *
 * See also: docs/mailboxes.md.
 *
 * What people get wrong: a message that is dropped is lost, and its sender is told nothing. Each is counted, and is a
 * dead letter with the reason full (dead_letter.h).
 */
#ifndef COPPICE_MAILBOX_H
#define COPPICE_MAILBOX_H

#include <coppice/message.h>

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
        /*
         * If it has the kind and the field of mailbox_key it waits until there is room, as long as no more than the limit wait
         * for that; and when a newer one with the same value comes meanwhile, that takes its place, and it is dropped. All else
         * is dropped. See below.
         */
        COP_MAILBOX_COALESCE,
} cop_mailbox_policy;

/*
 * The newest of each key, for values of which only the last one counts: prices, positions, states.
 *
 *      typedef struct { cop_symbol share; int64_t pence; } quote;
 *      COP_MESSAGE(quote, share, pence);
 *      ...
 *              .mailbox_limit = 500,
 *              .mailbox_policy = COP_MAILBOX_COALESCE,
 *              .mailbox_key = COP_KEY(quote, share),
 *
 * While there is room all messages wait in order. Beyond the limit those of the key's kind wait behind them, one for each
 * value of the field, in the order in which the values came first. So at most twice the limit wait, in messages and in bytes, and
 * with a limit of at least as many as there are values the newest of each is never lost. A newer one comes where the older would
 * have, so before what was sent in between with other keys. All else stays in order: of one sender and one key, and between those
 * that wait and messages without the key or calls, which find the mailbox full until all that wait are in.
 *
 * Dropped, as dead letters: those whose place was taken, with the reason coalesced; all others with the reason full, of them one
 * with a key that has grown so that it does not fit in the place of the older one, which stays.
 *
 * The field is an integer, an enum, a bool, a pid, a reference, a char[], a symbol or a text. Else, or with a key but another
 * policy, or without one: COP_E_BAD_ARGUMENT.
 *
 * Cost: while there is room, an atomic addition for each message taken up. Beyond, a lock, and a walk along those that wait
 * there, at most the limit, under it.
 */
typedef struct cop_mailbox_key {
        const cop_kind *kind;
        uint32_t field_at; /* bytes from the start of the struct */
} cop_mailbox_key;

/* An initializer. A kind without that field does not compile. */
#define COP_KEY(kind, field) { COP_KIND_OF(kind), (uint32_t)offsetof(kind, field) }

COP_END_DECLS

#endif
