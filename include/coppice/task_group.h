/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Task groups: actors that end together, within the lines of the function that started them.
 *
 *      cop_task_group group;
 *      cop_task_group_open(&(cop_task_group_options){ .deadline_ms = 2000 }, &group);
 *      cop_group_task(group, fetch, page, .number = 1);
 *      cop_group_task(group, fetch, page, .number = 2);
 *      cop_status status = cop_task_group_close(group);       all have ended
 *
 * Nothing that was started in a group is alive when cop_task_group_close has returned: each task has run to its end, or one
 * has failed and the others were cancelled. To fail is to end with any reason but normal; an exit signal from a task to its group
 * (its cop_parent()) counts as one, and the task is waited for like the others.
 *
 * Cancelled, by a failure, the deadline, or cop_task_group_cancel, the tasks get the exit signal {shutdown, cancelled}, so one
 * that traps exits may clear up; one that is still there after grace_ms is killed.
 *
 * Nested: a group that a task of a group opens belongs to that task, and is cancelled and waited for with it. So close waits
 * for the tasks of inner groups too (but not of those whose owner is in an OS process: docs/processes.md). What a task starts
 * otherwise (cop_spawn) is no part of the group.
 *
 * The owner is who opened it, and closes it. If the owner ends first, whatever the reason, the group is cancelled. A failure
 * does not disturb the owner before it closes: what it starts in the group is refused then, COP_E_STOPPING.
 *
 * Threads: actors, and threads that have entered a node. A group is a value: copy it, send it (COP_NESTED(cop_task_group, g)),
 * start tasks in it from the tasks themselves. Cost: an actor; a start is a call to it.
 * See also: task.h for functions with a result, supervisor.h for actors that are to be restarted.
 */
#ifndef COPPICE_TASK_GROUP_H
#define COPPICE_TASK_GROUP_H

#include <coppice/task.h>

COP_BEGIN_DECLS

typedef struct cop_task_group {
        cop_pid pid;
} cop_task_group;
COP_MESSAGE_DECLARE(cop_task_group);

typedef struct cop_task_group_options {
        int64_t deadline_ms; /* from now until it is cancelled; 0: never */
        int64_t grace_ms;    /* from a cancel until a task is killed; 0: 5,000 */
} cop_task_group_options;

/*
 * Opens a group of the calling actor's. `options` may be NULL. Errors: COP_E_BAD_ARGUMENT (a time below 0 or above
 * COP_TIMER_MS_MAX), COP_E_STOPPING (the caller is a task of a group that is being cancelled), those of cop_start.
 */
COP_API cop_status cop_task_group_open(const cop_task_group_options *options,
                                       cop_task_group *group);

/*
 * Starts a task in it. `nolink` and `link_to` are not for it. *pid, if not NULL, is who runs.
 * Errors: COP_E_STOPPING (it is being cancelled), COP_E_BAD_ARGUMENT, COP_E_NO_ACTOR and COP_E_DIED (it is over),
 * COP_E_MALFORMED and COP_E_TOO_DEEP (the argument goes there as a term: docs/messages.md; or who answers is no group), those of
 * cop_spawn_opt and cop_call.
 */
COP_API cop_status cop_task_group_start(cop_task_group group, const cop_task_options *options,
                                        cop_pid *pid);

/*
 * Waits until all have ended, also if whoever the caller is at work for gives up; meanwhile its tasks may start more. The group
 * is over then. Returns COP_OK, or what ended it
 * first:
 * COP_E_DIED, a task failed, cop_failure() is its reason, or the group was cancelled, and it is cancelled; COP_E_TIMEOUT,
 * the deadline. Errors: COP_E_NOT_OWNER, COP_E_NO_ACTOR (it is over), COP_E_NO_MEMORY, COP_E_NO_NODE.
 */
COP_API cop_status cop_task_group_close(cop_task_group group);

/*
 * Cancels what runs in it. Anyone who has the group may, also its tasks, and does not wait. Errors:
 * COP_E_NO_MEMORY, COP_E_NO_NODE; none if it is over.
 */
COP_API cop_status cop_task_group_cancel(cop_task_group group);

#ifndef __cplusplus
/* cop_group_task(group, fetch, page, .number = 1): runs `void fetch(const page *)`. Returns a cop_status. */
#define cop_group_task(group, function, type, ...)                                           \
        cop_task_group_start((group),                                                        \
                             &(cop_task_options){ COP__TASK(function, type, __VA_ARGS__) }, \
                             NULL)
#endif

COP_END_DECLS

#endif
