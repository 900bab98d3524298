/* Copyright (c) 2026 The Coppice authors. MIT licence. */
#include "scheduler/wake.h"

#include "base/cue.h"
#include "scheduler/search.h"

/* Wakes some sleeper of these, who is counted as searching already; false: there is none. */
static bool wake_any(struct cop__scheduler *scheduler, uint64_t among)
{
        uint64_t idle;
        while ((idle = cop__load_seq(&scheduler->idle) & among) != 0) {
                uint64_t bit = idle & -idle;
                if (cop__and_seq(&scheduler->idle, ~bit) & bit) {
                        cop__park_wake(&scheduler->workers[__builtin_ctzll(bit)].park);
                        return true;
                }
        }
        return false;
}

/*
 * Wakes one sleeper if nobody searches. A claim that came to nothing is looked after: another waker may have seen it and left
 * its task to it, and a worker that was awake when we looked for one may sleep by now. If what that one put is for all, so is the
 * wake from then on.
 */
void cop__wake_one_of(struct cop__scheduler *scheduler, uint64_t among)
{
        do {
                uint32_t none = 0;
                if (!cop__cas_seq(&scheduler->searching, &none, 1) || wake_any(scheduler, among))
                        return;
                COP__CUE("wake.finds_nobody");
                cop__sub_seq(&scheduler->searching, 1);
                cop__fence_seq(); /* SLEEPER: it stands in for the wakers that saw the claim */
                if (cop__is_work_left(scheduler, false))
                        among = UINT64_MAX;
        } while ((cop__load_seq(&scheduler->idle) & among) != 0);
}

void cop__wake_one(struct cop__scheduler *scheduler)
{
        cop__wake_one_of(scheduler, UINT64_MAX);
}
