/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What the owner of a task does with its outcome: takes it, looks for it, or gives it up.
 *
 *      runs ──reply, or none any more──► finished ──await, yield, shutdown, ignore──► over
 *        └───────────── shutdown, ignore, an await that ends badly ────────────────────► over
 *
 * The outcome is the answer to a request (task.h). When it is taken the link has done its duty and goes, with the
 * cop_exited that may have come through it; but an owner that does not trap exits keeps the link of a task that failed, for
 * the exit signal is on its way and is meant for it.
 */
#include <string.h>

#include "actors/actor.h"
#include "actors/inside.h"
#include "actors/request.h"
#include "actors/task.h"

/* May the calling actor take it? */
static cop_status look_at(const struct cop__actor *self, cop_task task)
{
        if (self == NULL)
                return COP_E_NO_NODE;
        return cop_pid_equal(task.owner, cop__actor_pid(self)) ? COP_OK : COP_E_NOT_OWNER;
}

/* Everything that takes a task begins so. A negative time-out ends the actor. */
static cop_status begin(const char *function, const struct cop__actor *self, const void *results,
                        int64_t timeout_ms)
{
        if (self == NULL)
                return COP_E_NO_NODE;
        if (timeout_ms < 0) {
                cop__badarg(function, "a time-out is 0 or more milliseconds, or COP_FOREVER");
                return COP_E_BAD_ARGUMENT;
        }
        return results != NULL ? COP_OK : COP_E_BAD_ARGUMENT;
}

static void part(const struct cop__actor *self, cop_pid pid)
{
        cop_unlink(pid);
        if (self->trap_exit)
                cop_message_free(cop_receive(
                        0, (cop_pattern){ .kind = COP_KIND_OF(cop_exited), .from = pid }));
}

/*
 * Who has left in peace has not failed, and gave no result. Whoever is refused by a slot without an actor hears no reason: the task
 * was gone before its argument came.
 */
cop_status cop__task_conclude(struct cop__actor *self, cop_pid pid, cop_status status,
                              cop_message *answer, cop_message **result)
{
        if (status == COP_E_NOT_FOUND || status == COP_E_TIMEOUT)
                return status;
        if (status == COP_E_DIED && cop_is_atom(cop_failure(), "normal"))
                status = COP_OK;
        if (status == COP_OK || self->trap_exit)
                part(self, pid);
        if (status == COP_E_NO_ACTOR)
                cop__failure_keep(self, cop__reason(COP__REASON_NOPROC));
        if (status != COP_OK)
                return COP_E_DIED;
        *result = cop__result_of(answer);
        return COP_OK;
}

static cop_status take(struct cop__actor *self, cop_task task, uint64_t deadline_ns,
                       const void *where, cop_message **result)
{
        cop_message *answer = NULL;
        cop_status status = cop__request_wait(self, (cop_request){ task.ref }, deadline_ns, where,
                                              &answer);
        return cop__task_conclude(self, task.pid, status, answer, result);
}

/* It did not go as its caller has counted on. Returns only to a thread of the program. */
static void fail_with(struct cop__actor *self, cop_status status, const char *function, cop_term of)
{
        if (self->task.visitor != NULL)
                return;
        if (status == COP_E_DIED)
                cop__exit_with(self, cop_failure());
        if (status == COP_E_TIMEOUT)
                cop__exit_with(self, COP_TUPLE(cop_atom("timeout"),
                                               COP_TUPLE(cop_atom(function), of)));
}

/* ---- Taking -------------------------------------------------------------------------------- */

cop_status cop_task_await(cop_message **result, cop_task task, int64_t timeout_ms)
{
        struct cop__actor *self = cop__actor_here();
        cop_status status = begin("task_await", self, result, timeout_ms);
        if (status == COP_OK)
                status = look_at(self, task);
        if (status != COP_OK)
                return status;
        status = take(self, task, cop__deadline_ns(timeout_ms), __builtin_return_address(0), result);
        fail_with(self, status, "task_await", cop_pid_term(task.pid));
        if (status == COP_E_TIMEOUT)
                cop_task_ignore(&(cop_message *){ NULL }, task);
        return status;
}

cop_status cop_task_yield(cop_message **result, cop_task task, int64_t timeout_ms)
{
        struct cop__actor *self = cop__actor_here();
        cop_status status = begin("task_yield", self, result, timeout_ms);
        if (status == COP_OK)
                status = look_at(self, task);
        if (status != COP_OK)
                return status;
        cop_message *answer = NULL;
        status = cop__request_look(self, (cop_request){ task.ref }, cop__deadline_ns(timeout_ms),
                                   __builtin_return_address(0), &answer);
        if (status == COP_E_CYCLE)
                return status; /* and the task lives */
        return cop__task_conclude(self, task.pid, status, answer, result);
}

/* ---- Many ------------------------------------------------------------------------------------ */

/* All of them as one set, whose labels are their places. On failure the tasks are as they were. */
static cop_status gather(const struct cop__actor *self, cop_requests *set, const cop_task *tasks,
                         size_t count)
{
        cop_status status = COP_OK;
        for (size_t i = 0; i < count && status == COP_OK; i++)
                status = look_at(self, tasks[i]);
        for (size_t i = 0; i < count && status == COP_OK; i++)
                status = cop_requests_add(set, (cop_request){ tasks[i].ref }, (int64_t)i);
        return status;
}

/* Until all are there, or one has failed. */
static cop_status collect(struct cop__actor *self, cop_requests *set, cop_deadline deadline,
                          const cop_task *tasks, cop_message **results, const void *where)
{
        cop_response response;
        cop_status status;
        while ((status = cop__requests_await_kept(set, deadline, &response, where)) == COP_OK) {
                status = cop__task_conclude(self, tasks[response.label].pid, response.status,
                                            response.message, &results[response.label]);
                if (status != COP_OK)
                        return status;
        }
        return status == COP_E_NOT_FOUND ? COP_OK : status;
}

/* None of them concerns the calling thread any more. */
static void give_up(const struct cop__actor *self, const cop_task *tasks, cop_message **results,
                    size_t count)
{
        for (size_t i = 0; i < count; i++) {
                part(self, tasks[i].pid);
                cop_message_free(results[i]);
                results[i] = NULL;
        }
}

cop_status cop_task_await_many(cop_message **results, const cop_task *tasks, size_t count,
                               int64_t timeout_ms)
{
        struct cop__actor *self = cop__actor_here();
        cop_status status = begin("task_await_many", self, results, timeout_ms);
        if (status == COP_OK && tasks == NULL)
                status = COP_E_BAD_ARGUMENT;
        if (status != COP_OK)
                return status;
        cop_deadline deadline = cop_deadline_in(timeout_ms);
        cop_requests *set = cop_requests_new();
        if (set == NULL)
                return COP_E_NO_MEMORY;
        status = gather(self, set, tasks, count);
        if (status != COP_OK) {
                cop__requests_dissolve(set);
                return status;
        }
        memset(results, 0, count * sizeof(cop_message *));
        status = collect(self, set, deadline, tasks, results, __builtin_return_address(0));
        if (status != COP_OK && self->task.visitor == NULL)
                cop__requests_dissolve(set); /* whose requests are the actor's again, if it ends of it */
        fail_with(self, status, "task_await_many", cop_int((int64_t)count));
        if (status != COP_OK)
                give_up(self, tasks, results, count);
        cop_requests_free(set);
        return status;
}

/* ---- Giving up -------------------------------------------------------------------------------- */

cop_status cop_task_ignore(cop_message **result, cop_task task)
{
        struct cop__actor *self = cop__actor_here();
        cop_status status = begin("task_ignore", self, result, 0);
        if (status == COP_OK)
                status = look_at(self, task);
        if (status != COP_OK)
                return status;
        part(self, task.pid);
        status = cop_task_yield(result, task, 0);
        cop_request_drop((cop_request){ task.ref });
        return status;
}

/*
 * Asked first and untied then, so that who cannot be asked, for want of memory, is tied as before. Its end is not heard between
 * the two: the caller takes nothing in. For an actor in a process of its own that is done outside, so there it is the other way
 * round.
 */
cop_status cop__task_ask_and_part(const struct cop__actor *self, cop_pid pid, const char *reason)
{
        if (cop__inside_here() != NULL)
                part(self, pid);
        cop_status status = cop_send_exit(pid, cop_atom(reason));
        if (status == COP_OK)
                part(self, pid);
        return status;
}

/* As the time tells: asks, waits, kills, waits. */
static cop_status stop(const struct cop__actor *self, cop_pid pid, int64_t shutdown_ms, cop_ref down_ref)
{
        cop_message *down = NULL;
        cop_status status =
                cop__task_ask_and_part(self, pid, shutdown_ms != COP_BRUTAL_KILL ? "shutdown" : "kill");
        if (status == COP_OK && shutdown_ms == COP_BRUTAL_KILL)
                shutdown_ms = COP_FOREVER;
        if (status == COP_OK && shutdown_ms > 0)
                down = cop_receive(shutdown_ms, COP_REF(cop_down, down_ref));
        if (status == COP_OK && down == NULL) {
                status = cop_send_exit(pid, cop_atom("kill"));
                if (status == COP_OK)
                        down = cop_receive(COP_FOREVER, COP_REF(cop_down, down_ref));
        }
        cop_message_free(down);
        return status;
}

/* It has ended of what was asked, and of nothing else. One that asked for some time did not ask for the kill at its end. */
static bool was_asked_for(cop_term reason, int64_t shutdown_ms)
{
        bool kill = shutdown_ms == COP_BRUTAL_KILL || shutdown_ms == COP_SHUTDOWN_AT_ONCE;
        return (kill && cop_is_atom(reason, "killed")) ||
               (shutdown_ms != COP_BRUTAL_KILL && cop_is_atom(reason, "shutdown"));
}

static int64_t time_of(int64_t shutdown_ms)
{
        if (shutdown_ms == COP_SHUTDOWN_DEFAULT)
                return 5000;
        return shutdown_ms == COP_SHUTDOWN_INFINITY ? COP_FOREVER : shutdown_ms;
}

cop_status cop_task_shutdown(cop_message **result, cop_task task, int64_t shutdown_ms)
{
        struct cop__actor *self = cop__actor_here();
        cop_ref down_ref;
        cop_status status = begin("task_shutdown", self, result, 0);
        if (status == COP_OK && shutdown_ms < COP_SHUTDOWN_AT_ONCE)
                status = COP_E_BAD_ARGUMENT;
        if (status == COP_OK)
                status = look_at(self, task);
        if (status == COP_OK && !cop__request_is_open(self, (cop_request){ task.ref }))
                status = COP_E_NOT_FOUND;
        if (status == COP_OK)
                status = cop_monitor(task.pid, &down_ref);
        if (status != COP_OK)
                return status;
        status = stop(self, task.pid, time_of(shutdown_ms), down_ref);
        if (status != COP_OK) {
                cop_demonitor_flush(down_ref);
                return status;
        }
        status = take(self, task, UINT64_MAX, __builtin_return_address(0), result);
        if (status == COP_E_DIED && was_asked_for(cop_failure(), shutdown_ms)) {
                *result = NULL;
                status = COP_OK;
        }
        return status;
}
