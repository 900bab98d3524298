/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Watermarks: news of mailboxes that fill up, and of their having been worked off.
 *
 *      cop_spawn_opt(&(cop_spawn_options){ .server = &clerk_server,
 *                                          .mailbox_high = 1000, .mailbox_low = 100 }, &clerk);
 *      ...
 *      cop_mailbox_subscribe();
 *      cop_auto message = cop_receive(COP_FOREVER, COP_KIND(cop_mailbox_alarm));
 *
 * When as many messages as the high mark wait for an actor, each subscriber gets a cop_mailbox_alarm that is `over`, and when no more
 * than the low mark are left, or the actor has ended, one that is not. Between the two there is no other, however the number goes up and down:
 * so a mailbox that hovers about its mark makes no noise. Nothing is refused or dropped for a mark; that is for limits
 * (mailbox.h), and an actor may have both.
 *
 * Who subscribes may start another clerk, shed load, or write it down. It is told of all actors of its node that have marks.
 *
 * Counted is what limits count: messages that actors and threads have sent or called. An actor without marks pays nothing.
 *
 * What people get wrong:
 * - Events of one actor come in order, over and not over by turns. By the time one is read, the number may be another.
 * - A mark that was crossed before one subscribed is not told again: cop_process_info shows `mailbox_over` (process.h).
 * - An event is a message like others: a subscriber that does not read has them all waiting.
 *
 * Order: the event that an actor is over no more because it has ended comes before the DOWN of a monitor.
 * Failure: when a node has no memory at all an event may be lost.
 *
 * See also: mailbox.h for limits, overload.h for the memory of the whole node, supervisor.h for marks in a child's spec.
 */
#ifndef COPPICE_WATERMARK_H
#define COPPICE_WATERMARK_H

#include <coppice/actor.h>

COP_BEGIN_DECLS

/* What a subscriber gets. */
typedef struct cop_mailbox_alarm {
        bool over;         /* the high mark has been reached; else it is down at the low one, or the actor has ended */
        cop_pid pid;       /* whose mailbox it is */
        uint64_t messages; /* that waited at that moment */
        uint32_t high, low;
} cop_mailbox_alarm;
COP_MESSAGE_DECLARE(cop_mailbox_alarm);

/*
 * Gives the calling actor other marks, or, with 0 and 0, none. `high` and `low` are numbers of messages; low is below high, and 0 is half
 * of it. If it was over, that is over first, and told; then what waits is counted by the new ones. Cost: one look at each message that
 * waits, for an actor that had neither marks nor a limit. Like a receive it may end an actor that is to exit.
 * Errors, and then nothing has changed: COP_E_BAD_ARGUMENT (low is not below high), COP_E_NO_NODE, COP_E_ISOLATED (the mailbox of an actor
 * in a process of its own is in the node: give it marks when it is spawned).
 */
COP_API cop_status cop_mailbox_marks(uint32_t high, uint32_t low);

/*
 * From now on the calling actor is told, until it takes that back or ends. Twice is once.
 * Errors: COP_E_LIMIT (16 are subscribed already), COP_E_NO_NODE, COP_E_ISOLATED.
 */
COP_API cop_status cop_mailbox_subscribe(void);
COP_API void cop_mailbox_unsubscribe(void);

COP_END_DECLS

#endif
