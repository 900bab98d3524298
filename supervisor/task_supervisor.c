/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Tasks under a supervisor: the actor is its child, the argument and the outcome go past it. See actors/task.h.
 *
 * From its start until the argument has come the child watches its owner: one that dies in between leaves nothing.
 */
#include <coppice/children.h>

#include "actors/task.h"

cop_status cop_task_start_under_address(cop_address supervisor, const cop_task_options *options,
                                        cop_task *task)
{
        cop__task_start start;
        cop_pid pid;
        cop_status status = cop__task_prepare(options, &start);
        if (status == COP_OK && task == NULL)
                status = COP_E_BAD_ARGUMENT;
        if (status != COP_OK)
                return status;
        start.linked = false;
        status = cop_start_child_of(supervisor,
                                    &(cop_child){ .server = &cop__task_behaviour,
                                                  .restart = COP_TEMPORARY,
                                                  .kind = COP_KIND_OF(cop__task_start),
                                                  .argument = &start },
                                    &pid, NULL);
        return status == COP_OK ? cop__task_begin(options, pid, task) : status;
}
