/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Strategies. See strategy.h. */
#include "supervisor/strategy.h"

bool cop__restart_is_wanted(cop_restart restart, bool well)
{
        switch (restart) {
        case COP_PERMANENT:
                return true;
        case COP_TRANSIENT:
                return !well;
        default:
                return false;
        }
}

/* The children in reach are those from `first` to before `end`. */
static void find_reach(cop_strategy strategy, uint32_t count, uint32_t failed, uint32_t *first,
                       uint32_t *end)
{
        *first = strategy == COP_ONE_FOR_ALL ? 0 : failed;
        *end = strategy == COP_ONE_FOR_ONE ? failed + 1 : count;
}

void cop__strategy_plan(cop_strategy strategy, const struct cop__member *members, uint32_t count,
                        uint32_t failed, struct cop__plan *plan)
{
        uint32_t first, end;
        find_reach(strategy, count, failed, &first, &end);
        plan->stop_count = plan->start_count = 0;
        for (uint32_t i = end; i-- > first;)
                if (members[i].running)
                        plan->stop[plan->stop_count++] = i;
        for (uint32_t i = first; i < end; i++)
                if (!members[i].forgotten && members[i].restart != COP_TEMPORARY)
                        plan->start[plan->start_count++] = i;
}
