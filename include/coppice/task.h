/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Tasks: a function that runs as an actor of its own, and whose result its owner takes once.
 *
 *      static void add_up(const range *r)
 *      {
 *              ...
 *              cop_reply(total, .value = sum);
 *      }
 *
 *      cop_task task = cop_task_async(add_up, range, .from = 1, .to = 100);
 *      ...
 *      cop_auto message = NULL;
 *      cop_task_await(&message, task, 5000);
 *      printf("%d\n", (int)cop_read(total, message)->value);
 *
 * The owner is who started it, and alone may take the result. The two are linked, so neither outlives the crash of
 * the other; a task that is started with `nolink` or under a supervisor fails alone, and its owner hears of it when it asks.
 *
 * In the function: cop_reply() is the result, and the first one counts; it may go on after it. One that ends without, or by
 * cop_exit() with normal, is finished too, with no result: NULL. The argument is good until the function ends. cop_parent() is the owner or the supervisor.
 *
 * No message of a task is ever in the owner's mailbox: a result waits outside of it until it is taken, and one that
 * nobody wants any more is dropped. Nor is the cop_exited of an owner that traps exits, once it has taken the outcome.
 *
 * What people get wrong:
 * - A task whose result nobody takes is kept by its owner as long as that lives: await, shut down or ignore each.
 * - Linked means that an owner that does not trap exits ends with its failed task, before it can ask. Use `nolink` and
 *   cop_task_yield to look at failures: cop_task_await ends its caller with a failed task whether it is linked or not.
 * - An owner that ends with normal ends no task.
 *
 * Cost: an actor and two messages. Threads: actors, and threads that have entered a node.
 * See also: task_group.h, request.h, children.h, samples/tasks.c.
 */
#ifndef COPPICE_TASK_H
#define COPPICE_TASK_H

#include <coppice/supervisor.h>

COP_BEGIN_DECLS

/* A task as its owner knows it: a value, which may be copied and sent, though nobody else can await it. */
typedef struct cop_task {
        cop_pid pid;
        cop_pid owner;
        cop_ref ref;
} cop_task;
COP_MESSAGE_DECLARE(cop_task);

/* What runs: one of run and run_with. */
typedef struct cop_task_options {
        void (*run)(void);
        void (*run_with)(const void *argument);
        const cop_kind *kind; /* of `argument`, which is copied; NULL: none */
        const void *argument;
        bool nolink;          /* owner and task do not end with each other */
        cop_pid link_to;      /* the task is linked to this actor, too; nobody: it is not */
} cop_task_options;

/* ---- Start --------------------------------------------------------------------------- */

/* Starts a task of the calling actor's. Errors: COP_E_BAD_ARGUMENT, those of cop_spawn_opt and cop_send_value. */
COP_API cop_status cop_task_start(const cop_task_options *options, cop_task *task);

/* The same; on failure the calling actor exits: {system_limit, task} or {badarg, {task_start, Why}}; a visitor: nobody's. */
COP_API cop_task cop_task_start_or_exit(const cop_task_options *options);

/*
 * The same as a temporary child of a dynamic supervisor (COP_DYNAMIC, without `each`), which stops it when it stops itself.
 * Not linked to its owner. Errors: also those of cop_start_child.
 */
COP_API cop_status cop_task_start_under_address(cop_address supervisor,
                                                const cop_task_options *options, cop_task *task);

/* ---- Take ---------------------------------------------------------------------------- */

/*
 * Waits for the result, which is the caller's and ended with cop_message_free; NULL for a task without one. A task that fails
 * ends the caller with its reason, and a time-out with {timeout, {task_await, Pid}}, as the caller counts on the result. One that
 * waits for the caller ends it with {calling_cycle, Pids}: neither could go on (docs/calls.md).
 * A thread of the program is not ended, and gets COP_E_DIED with cop_failure(), or COP_E_TIMEOUT; the task is given up
 * then. Errors, at once: COP_E_NOT_OWNER, COP_E_NOT_FOUND (its outcome has been taken, or it was given up), COP_E_BAD_ARGUMENT
 * (NULL), COP_E_NO_NODE. A negative time-out ends the actor with {badarg, ...}.
 */
COP_API cop_status cop_task_await(cop_message **result, cop_task task, int64_t timeout_ms);

/*
 * Waits for all of them within one time-out: results[i] is that of tasks[i]. The first that fails ends the caller without
 * waiting for the others. Errors as above, COP_E_TAKEN for a task that is there twice, COP_E_NO_MEMORY, and then nothing is
 * waited for. A thread of the program that gets COP_E_DIED or COP_E_TIMEOUT has no result and has given all of them up.
 */
COP_API cop_status cop_task_await_many(cop_message **results, const cop_task *tasks, size_t count,
                                       int64_t timeout_ms);

/*
 * Looks for the result: COP_OK; COP_E_TIMEOUT, and the task goes on; COP_E_DIED, cop_failure() is the reason. Never ends
 * the caller, but a link may. A task that calls its owner meanwhile is served when the look is over. Only with COP_FOREVER, which
 * has no end before that: COP_E_CYCLE, cop_failure() is the ring, and the task goes on. Errors otherwise as above.
 */
COP_API cop_status cop_task_yield(cop_message **result, cop_task task, int64_t timeout_ms);

/* ---- Give up ------------------------------------------------------------------------- */

/*
 * Asks the task to end with shutdown, kills it after shutdown_ms (as in cop_child, or COP_FOREVER), and waits until it
 * is dead. The link is gone before. Returns: COP_OK with its result if it had one before, else *result is NULL: it ended as
 * it was asked, with shutdown, with killed for COP_BRUTAL_KILL, with either for COP_SHUTDOWN_AT_ONCE. COP_E_DIED, it ended
 * for another reason, cop_failure(): also killed when its time was over, or shutdown of its own before COP_BRUTAL_KILL.
 * Nothing of it comes later. Errors otherwise as above, and COP_E_NO_MEMORY.
 */
COP_API cop_status cop_task_shutdown(cop_message **result, cop_task task, int64_t shutdown_ms);

/*
 * Lets the task run on alone: unlinked, its result and its failure concern the caller no more. Returns what a
 * cop_task_yield with a time-out of 0 does: COP_E_TIMEOUT, it runs; but whatever it is, the task is over for the caller.
 */
COP_API cop_status cop_task_ignore(cop_message **result, cop_task task);

#ifndef __cplusplus
/* cop_task_async(add_up, range, .from = 1, .to = 100): runs `void add_up(const range *)`. Returns a cop_task. */
#define cop_task_async(function, type, ...) \
        cop_task_start_or_exit(&(cop_task_options){ COP__TASK(function, type, __VA_ARGS__) })
#define cop_task_async_nolink(function, type, ...) \
        cop_task_start_or_exit(                    \
                &(cop_task_options){ COP__TASK(function, type, __VA_ARGS__), .nolink = true })
/* cop_task_async_under("jobs", &task, add_up, range, .from = 1, .to = 100): a cop_status */
#define cop_task_async_under(supervisor, task, function, type, ...)           \
        cop_task_start_under_address(COP_TO(supervisor),                       \
                                     &(cop_task_options){ COP__TASK(function, type, __VA_ARGS__) }, \
                                     (task))
#define COP__TASK(function, type, ...)                                            \
        .run_with = COP_RUN_WITH(function, type), .kind = COP_KIND_OF(type), \
        .argument = &(type){ __VA_ARGS__ }
#endif

COP_END_DECLS

#endif
