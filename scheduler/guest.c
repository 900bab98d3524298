/* Copyright (c) 2026 The Coppice authors. MIT licence. */
#include "scheduler/guest.h"

#include "base/cue.h"
#include "scheduler/runnable.h"
#include "scheduler/search.h"
#include "scheduler/shared.h"

/* As cop__wake_one, but nobody else will do, whether others search or not. */
static void wake(struct cop__worker *host)
{
        struct cop__scheduler *scheduler = host->thread.scheduler;
        uint64_t bit = UINT64_C(1) << host->index;
        if (!(cop__load_seq(&scheduler->idle) & bit))
                return;
        cop__add_seq(&scheduler->searching, 1);
        COP__CUE("guest.claims_its_host");
        if (cop__and_seq(&scheduler->idle, ~bit) & bit) {
                cop__park_wake(&host->park);
                return;
        }
        cop__sub_seq(&scheduler->searching, 1);
        cop__fence_seq(); /* SLEEPER: it stands in for the wakers that saw the claim */
        if (cop__is_work_left(scheduler, false) || cop__load_relaxed(&scheduler->lookout) == 0)
                cop__wake_one(scheduler);
        else if (cop__is_work_left(scheduler, true))
                cop__offer_own(scheduler);
}

void cop__guest_put(struct cop__worker *host, struct cop__task *task)
{
        struct cop__task *before = cop__load_relaxed(&host->guests.last);
        do
                task->next = before;
        while (!cop__cas_release(&host->guests.last, &before, task)); /* GUEST */
        cop__fence_seq(); /* SLEEPER */
        wake(host);
        if (COP__UNLIKELY(cop__load_relaxed(&host->thread.scheduler->stopping)))
                cop__guests_send_on(host); /* it may have ended, and this one looks there before it does */
}

/* All of them, in the order in which they came. */
static struct cop__task_list take(struct cop__guests *guests)
{
        struct cop__task_list list = { NULL, NULL, 0 };
        struct cop__task *task = cop__exchange_acquire(&guests->last, (struct cop__task *)NULL); /* GUEST */
        list.last = task;
        for (; task != NULL; list.count++) {
                struct cop__task *before = task->next;
                task->next = list.first;
                list.first = task;
                task = before;
        }
        return list;
}

void cop__guests_seat(struct cop__worker *host)
{
        struct cop__task *task = take(&host->guests).first;
        while (task != NULL) {
                struct cop__task *after = task->next;
                cop__ring_put(host, task);
                task = after;
        }
}

void cop__guests_send_on(struct cop__worker *host)
{
        if (!cop__guests_are_there(&host->guests))
                return;
        struct cop__task_list list = take(&host->guests);
        if (list.count > 0)
                cop__shared_put(host->thread.scheduler, COP_PRIORITY_NORMAL, list.first, list.last, list.count);
}
