/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Following: who sends many messages to somebody on another worker goes there.
 *
 * A message to one who runs on another core costs both of them cache lines that travel; many senders to one receiver, or a stream
 * from one to the next, are faster on one core than on two, near ones some three times and far ones eight. That is not seen
 * in how busy the workers are: both are, with waiting for lines. So whoever uses up a turn with sending looks where the last
 * receiver is, which that one has left in its task at the end of a long turn; if it is another worker, the sender becomes
 * that one's guest (guest.h) instead of going behind the others here. So does who is to pause since its receiver is far
 * behind, before it pauses.
 *
 *      A: receiver, sender 1                          A: receiver, sender 1, sender 2
 *      B: sender 2 ── turn spent on messages to A ──►  B: nothing to do; takes a sender from A ──► the same again, and then it is
 *                                                        aloof for a while (haul.h): such turns count as none gained
 *
 * Who computes much for each message uses up its time and not its turn, or is taken back by who has nothing to do, and that time
 * counts for more than the messages. A receiver that never is in a long turn is woken by its senders, and so is where they are.
 *
 * Where a receiver is may be wrong by now, and nothing depends on it: the sender looks again after its next turn.
 *
 * Who may touch what
 *      follow        the worker
 *      task.at       whoever runs the task: store; its senders: load, as advice
 */
#ifndef SCHEDULER_FOLLOW_H
#define SCHEDULER_FOLLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"
#include "base/limits.h"
#include "scheduler/task.h"

struct cop__worker;

struct cop__follow {
        struct cop__task *task;   /* that should go; compared only */
        struct cop__worker *host; /* where to */
        uint32_t messages;        /* it has sent there, about */
};

/* The task that runs here has sent so many messages to another one's owner, about. True: it is to go there. */
bool cop__follow_note(struct cop__worker *worker, const struct cop__task *receiver, uint32_t messages);

/* Is it this one? */
COP__INLINE bool cop__follow_is_due(const struct cop__follow *follow, const struct cop__task *task)
{
        return follow->task == task && follow->messages >= COP__FOLLOW_LEAST;
}

/* The task, whose run right the worker holds, goes. */
void cop__follow_go(struct cop__worker *worker, struct cop__task *task);

/* The task, which runs here, has a long turn. */
COP__INLINE void cop__follow_show(struct cop__task *task, unsigned index)
{
        if (COP__UNLIKELY(cop__load_relaxed(&task->at) != index + 1))
                cop__store_relaxed(&task->at, (uint8_t)(index + 1));
}

#endif
