/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Wait groups: actors whose ends one waits for.
 *
 *      cop_wait_group *group = cop_wait_group_open();
 *      for (int64_t i = 0; i < 10; i++)
 *              cop_wait_spawn_with(group, work, job, .number = i);
 *      cop_ends ends;
 *      if (cop_wait_all(group, 5000, &ends) == COP_E_DIED)
 *              ... ends.failed of them failed, ends.first was the first of them, and ends.reason is why
 *      cop_wait_group_close(group);
 *
 * Like Go's sync.WaitGroup or the executors' invokeAll, but nobody has to say that he is done: an actor that ends is
 * done, however it ends, and a failure is counted and told. Well is: normal, shutdown and {shutdown, _}.
 *
 * Ownership: the group belongs to the actor that opened it, and only that may use it. If that actor ends, its members go on:
 *      a group watches, it does not own. Members that shall end with it: cop_link(cop_parent()), or a supervisor.
 * Order: the first failure is the first that was heard of.
 * Threads: actors and visiting threads.
 * Cost: a monitor for each member; one cop_down in the mailbox for each that has ended and is not waited for yet.
 *
 * What people get wrong:
 * - The ends come as cop_down messages: who receives those without a pattern takes them away from the group.
 * - Spawn into the group, rather than adding what runs already: a monitor on the dead only says noproc.
 * - Adding is for the owner, before and between waits. A member that starts others waits for them itself.
 *
 * See also: future.h (for results), actor.h (monitors).
 */
#ifndef COPPICE_WAIT_GROUP_H
#define COPPICE_WAIT_GROUP_H

#include <coppice/server.h>

COP_BEGIN_DECLS

typedef struct cop_wait_group cop_wait_group;

/* How the members of a group have ended, from its beginning. */
typedef struct cop_ends {
        size_t running; /* have not, or are not heard of yet */
        size_t well;
        size_t failed;
        cop_pid first;   /* of those that failed; nobody: none */
        cop_term reason; /* of the first; borrowed until the group is closed; [] */
} cop_ends;

/* One end. */
typedef struct cop_end {
        cop_pid pid;
        cop_term reason; /* borrowed until the next wait of this group, or its end */
        bool failed;
} cop_end;

/* Returns: a group that ends with the calling actor, or earlier with cop_wait_group_close; NULL without memory or node. */
COP_API cop_wait_group *cop_wait_group_open(void);

/* Forgets the members that still run; what has come from them is taken out of the mailbox. NULL is allowed. */
COP_API void cop_wait_group_close(cop_wait_group *group);

/*
 * Spawns a member. Errors: those of cop_spawn_opt; COP_E_BAD_ARGUMENT also if `options` ask for a monitor of their own.
 */
COP_API cop_status cop_wait_spawn_opt(cop_wait_group *group, const cop_spawn_options *options, cop_pid *pid);

/* The same; on failure, whatever it is, the calling actor exits with {system_limit, spawn}, a visitor gets nobody. */
COP_API cop_pid cop_wait_spawn_or_exit(cop_wait_group *group, const cop_spawn_options *options);

/* Makes an actor a member that runs already. Errors: COP_E_BAD_ARGUMENT (nobody), COP_E_NO_MEMORY. */
COP_API cop_status cop_wait_add(cop_wait_group *group, cop_pid pid);

/*
 * Waits until all members have ended. `ends` may be NULL, and is filled in any case.
 * Errors: COP_E_TIMEOUT (some still run), COP_E_DIED (all have ended, and some of them failed).
 */
COP_API cop_status cop_wait_all(cop_wait_group *group, int64_t timeout_ms, cop_ends *ends);

/*
 * Waits for the next end that has not been told. Its member is counted, and gone from the group.
 * Errors: COP_E_TIMEOUT, COP_E_NOT_FOUND (nobody is left to wait for), COP_E_BAD_ARGUMENT.
 */
COP_API cop_status cop_wait_any(cop_wait_group *group, int64_t timeout_ms, cop_end *end);

#ifndef __cplusplus
/* cop_wait_spawn(group, ticker); cop_wait_spawn_with(group, work, job, .number = 1); cop_wait_spawn_server(group, &till_server) */
#define cop_wait_spawn(group, function) \
        cop_wait_spawn_or_exit((group), &(cop_spawn_options){ .run = (function) })
#define cop_wait_spawn_with(group, function, type, ...)                                    \
        cop_wait_spawn_or_exit((group),                                                    \
                               &(cop_spawn_options){ .run_with = COP_RUN_WITH(function, type), \
                                                     .kind = COP_KIND_OF(type),            \
                                                     .argument = &(type){ __VA_ARGS__ } })
#define cop_wait_spawn_server(group, behaviour) \
        cop_wait_spawn_or_exit((group), &(cop_spawn_options){ .server = (behaviour) })
#endif

COP_END_DECLS

#endif
