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

bool cop__strategy_is_single(cop_strategy strategy)
{
        return strategy == COP_ONE_FOR_ONE || strategy == COP_DYNAMIC;
}

uint64_t cop__strategy_reach(cop_strategy strategy, uint64_t failed)
{
        return strategy == COP_ONE_FOR_ALL ? 0 : failed;
}
