/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * How urgent an actor is: which of those that are ready to run a worker takes next.
 *
 *      max, high   before all others: max first. For a few short and rare ones, such as who watches the rest.
 *      normal      what an actor is unless it is told otherwise.
 *      low         one turn in eight, or whenever there is nothing else to do. For work that can wait.
 *
 * Nothing starves: of 32 turns of a worker at most 31 go to max and high, and of those one in eight to high even if there is
 * always a max; of the others one in eight goes to low. An actor that was interrupted (preempt.h), and one that a thread of the
 * program has woken, have theirs among the others', too: one of each kind within 112 turns of a worker.
 *
 * What people get wrong:
 * - A priority orders those who wait for a worker. It stops nobody: a turn goes on until its actor receives with an empty
 *   mailbox, yields, has handled or sent some hundred messages, or has computed for a slice and is interrupted (preempt.h), after
 *   which it waits behind all others: of those that are interrupted a low one has one slice in eight, all others the same.
 * - This is not real time. The operating system sees only the workers' threads.
 * - A message has no priority. What an actor hears, it hears in the order of arrival.
 * - Who is asked by an urgent actor does not become urgent: a call to a low one takes as long as a low one takes.
 * - If everything is urgent, nothing is; it is only slower: the queues of all but normal are shared by all workers, behind
 *   one lock.
 *
 * See also: actor.h (spawning), process.h (looking at an actor).
 */
#ifndef COPPICE_PRIORITY_H
#define COPPICE_PRIORITY_H

#include <coppice/status.h>

COP_BEGIN_DECLS

typedef enum cop_priority {
        COP_PRIORITY_NORMAL = 0,
        COP_PRIORITY_LOW,
        COP_PRIORITY_HIGH,
        COP_PRIORITY_MAX,
} cop_priority;

/*
 * Changes the priority of the calling actor, from the next time on that it waits for a worker.
 * Returns: what it was before. A value that is no priority ends the actor with {badarg, ...}. The operating system runs the
 * thread of a visitor, whose priority stays normal.
 */
COP_API cop_priority cop_set_priority(cop_priority priority);

COP_END_DECLS

#endif
