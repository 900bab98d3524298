/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A message whose sender has lost its core between the two steps of its push: it is in the queue, and cannot be reached
 * (mailbox/queue.h).
 *
 *      struct half_sent half;
 *      send_half(&half, node, pid, COP_KIND_OF(note), &(note){ 1 });   the first step
 *      send_rest(&half);                                               the second, with the news of it if it woke somebody
 *
 * The second is for any thread that is in the node; as what is done at a cue, too.
 */
#ifndef TESTS_HALF_SENT_H
#define TESTS_HALF_SENT_H

#include "scheduler/runnable.h"
#include "tests/node_fixture.h"

struct half_sent {
        struct cop__actor *actor;
        struct cop__signal *signal;
        uintptr_t before; /* what was the newest in the queue, or a mark */
};

static inline void send_half(struct half_sent *half, cop_node *node, cop_pid to, const cop_kind *kind, const void *value)
{
        half->actor = &node->slots.base[cop__pid_slot(to)];
        ck_assert_int_eq(cop__signal_message(&cop__thread_here()->pool, kind, value, &half->signal), COP_OK);
        half->signal->node.next = NULL;
        half->signal->node.generation = cop__pid_generation(to);
        cop__store_relaxed(&half->signal->node.seq, COP__QUEUE_NO_NUMBER);
        half->before = cop__exchange_acq_rel(&half->actor->queue.tail, (uintptr_t)&half->signal->node);
}

static inline void send_rest(void *memory)
{
        const struct half_sent *half = memory;
        struct cop__node *node = &half->signal->node, *previous = (struct cop__node *)half->before;
        struct cop__thread *thread = cop__thread_here();
        if ((half->before & COP__QUEUE_MARK) == 0) {
                cop__store_relaxed(&node->seq, cop__load_relaxed(&previous->seq) + 2);
                cop__store_release(&previous->next, node); /* LINK */
                return;
        }
        cop__store_relaxed(&node->seq, 2u);
        cop__store_release(&half->actor->queue.head, node); /* LINK */
        if (half->before == COP__QUEUE_ASLEEP)
                cop__schedule(thread->scheduler, thread, &half->actor->task);
}

#endif
