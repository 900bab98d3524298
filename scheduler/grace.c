/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Waiting until nobody goes on with what was found before. See grace.h. */
#include "scheduler/grace.h"

#include "scheduler/barrier.h"
#include "scheduler/scheduler.h"

bool cop__grace_begin(struct cop__scheduler *scheduler, struct cop__grace *grace)
{
        if (!cop__barrier_is_there()) /* it is a fence, too */
                return false;
        uint32_t reach = cop__load_acquire(&scheduler->reach); /* REACH */
        grace->workers = reach == 64 ? UINT64_MAX : (UINT64_C(1) << reach) - 1;
        grace->visitors = true;
        for (unsigned i = 0; i < reach; i++)
                grace->turns[i] = cop__load_relaxed(&scheduler->workers[i].turns);
        return true;
}

static bool has_moved(struct cop__scheduler *scheduler, const struct cop__grace *grace, unsigned index)
{
        uint64_t bit = UINT64_C(1) << index;
        if (cop__load_relaxed(&scheduler->workers[index].turns) != grace->turns[index])
                return true;
        if (cop__load_seq(&scheduler->idle) & bit)
                return cop__load_seq(&scheduler->lookout) != index + 1;
        return cop__load_seq(&scheduler->spares.resting) & bit && cop__load_seq(&scheduler->spares.firing) == 0;
}

bool cop__grace_is_over(struct cop__scheduler *scheduler, struct cop__grace *grace)
{
        for (uint64_t left = grace->workers; left != 0; left &= left - 1) {
                unsigned index = (unsigned)__builtin_ctzll(left);
                if (has_moved(scheduler, grace, index))
                        grace->workers &= ~(UINT64_C(1) << index);
        }
        if (grace->visitors && !cop__company_is_visited(&scheduler->company))
                grace->visitors = false;
        return grace->workers == 0 && !grace->visitors && cop__barrier_all();
}
