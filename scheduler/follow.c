/* Copyright (c) 2026 The Coppice authors. MIT licence. */
#include "scheduler/follow.h"

#include "base/cue.h"
#include "base/limits.h"
#include "scheduler/guest.h"
#include "scheduler/scheduler.h"

bool cop__follow_note(struct cop__worker *worker, const struct cop__task *receiver, uint32_t messages)
{
        struct cop__scheduler *scheduler = worker->thread.scheduler;
        struct cop__follow *follow = &worker->follow;
        unsigned at = cop__load_relaxed(&receiver->at);
        if (at == 0 || at > scheduler->worker_count || at == worker->index + 1 ||
            cop__load_relaxed(&worker->thread.current->priority) != COP_PRIORITY_NORMAL)
                return false; /* those of other priorities are where the first worker is that is free */
        if (follow->task != worker->thread.current) {
                follow->task = worker->thread.current;
                follow->messages = 0;
        }
        follow->host = &scheduler->workers[at - 1];
        follow->messages += messages;
        worker->haul.abroad += messages;
        return cop__follow_is_due(follow, follow->task);
}

void cop__follow_go(struct cop__worker *worker, struct cop__task *task)
{
        worker->follow.task = NULL;
        COP__CUE("follow.goes");
        cop__guest_put(worker->follow.host, task);
}
