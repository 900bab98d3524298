/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The priority of an actor: a byte in its task, which the scheduler reads when the task has to wait. See scheduler/pick.c. */
#include "actors/actor.h"
#include "actors/info.h"

bool cop__priority_is_good(cop_priority priority)
{
        return (unsigned)priority < COP__PRIORITIES;
}

const char *cop__priority_word(cop_priority priority)
{
        static const char *const words[COP__PRIORITIES] = {
                [COP_PRIORITY_NORMAL] = "normal",
                [COP_PRIORITY_LOW] = "low",
                [COP_PRIORITY_HIGH] = "high",
                [COP_PRIORITY_MAX] = "max",
        };
        return words[priority];
}

cop_priority cop_set_priority(cop_priority priority)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor == NULL)
                return COP_PRIORITY_NORMAL;
        cop_priority before = (cop_priority)cop__load_relaxed(&actor->task.priority);
        if (!cop__priority_is_good(priority))
                cop__badarg("set_priority", "there is no such priority");
        else if (actor->task.visitor == NULL)
                cop__store_relaxed(&actor->task.priority, (uint8_t)priority);
        return before;
}
