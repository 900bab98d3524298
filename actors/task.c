/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The actor of a task, and how one is started. See task.h; task_outcome.c has what its owner does with it. */
#include "actors/task.h"

#include <coppice/request.h>

#include "actors/actor.h"
#include "actors/request.h"

COP_MESSAGE_DEFINE(cop_task, pid, owner, ref);
COP__KIND_DEFINE(cop__task_start, owner, link_to, run, run_with, linked);
COP__KIND_DEFINE(cop__task_void, nothing);

/* ---- No result ------------------------------------------------------------------------ */

bool cop__answer_void(const cop_message *request)
{
        return ((const struct cop__signal *)request)->flags & (COP__SIGNAL_ANSWERED | COP__SIGNAL_DEFERRED) ||
               cop__answer_owed(request, COP_KIND_OF(cop__task_void), &(cop__task_void){ .nothing = true }) == COP_OK;
}

cop_message *cop__result_of(cop_message *answer)
{
        if (cop_message_as(answer, COP_KIND_OF(cop__task_void)) == NULL)
                return answer;
        cop_message_free(answer);
        return NULL;
}

/* ---- The task's side ------------------------------------------------------------------ */

typedef struct {
        cop_pid owner;
        void (*run)(void);
        void (*run_with)(const void *argument);
        cop_ref owner_down; /* until the argument has come; nobody else would end a task that is not linked */
} runner;

static void runner_init(runner *self, const cop__task_start *start)
{
        self->owner = start->owner;
        self->run = (void (*)(void))(uintptr_t)start->run;
        self->run_with = (void (*)(const void *))(uintptr_t)start->run_with;
        if (start->link_to.bits != 0 && cop_link(start->link_to) != COP_OK)
                cop_exit(cop_atom("no_memory"));
        if (!start->linked && cop_monitor(start->owner, &self->owner_down) != COP_OK)
                cop_exit(cop_atom("no_memory"));
}

static bool is_argument(const runner *self, const cop_message *message)
{
        return cop_pid_equal(cop_message_from(message), self->owner) &&
               ((const struct cop__signal *)message)->ref.bits != 0;
}

/* Without memory for the outcome it has none, and its owner would take a plain end for its own. */
static void run(const runner *self, const cop_message *argument)
{
        if (self->run != NULL)
                self->run();
        else
                self->run_with(cop_message_body(argument));
        cop_exit(cop_atom(cop__answer_void(argument) ? "normal" : "no_memory"));
}

static void runner_otherwise(runner *self, cop_message *message)
{
        if (is_argument(self, message)) {
                if (self->owner_down.bits != 0)
                        cop_demonitor_flush(self->owner_down);
                run(self, message);
        }
        const cop_down *down = cop_read(cop_down, message);
        if (down != NULL && cop_ref_equal(down->ref, self->owner_down))
                cop_exit(cop_atom("normal"));
}

COP_SERVER(runner, COP_INIT_WITH(cop__task_start, runner_init), COP_OTHERWISE(runner_otherwise));

const cop_behaviour cop__task_behaviour = {
        .name = "task",
        .state_size = sizeof(runner),
        .handlers = cop__runner_handlers,
        .handler_count = sizeof(cop__runner_handlers) / sizeof(cop__runner_handlers[0]),
};

/* ---- The owner's side ------------------------------------------------------------------- */

static bool is_good(const cop_task_options *options)
{
        return options != NULL && (options->run != NULL) != (options->run_with != NULL) &&
               (options->run_with != NULL) == (options->kind != NULL) &&
               (options->kind != NULL) == (options->argument != NULL);
}

cop_status cop__task_prepare(const cop_task_options *options, cop__task_start *start)
{
        if (cop__actor_here() == NULL)
                return COP_E_NO_NODE;
        if (!is_good(options))
                return COP_E_BAD_ARGUMENT;
        *start = (cop__task_start){
                .owner = cop_self(),
                .link_to = options->link_to,
                .run = (uintptr_t)options->run,
                .run_with = (uintptr_t)options->run_with,
                .linked = !options->nolink,
        };
        return COP_OK;
}

/*
 * Without its argument the actor ends, and leaves nothing with its owner. One that is linked hears of it through the link, for which
 * the memory is there. One that is not may have to wait for its owner's end.
 */
static void call_off(cop_pid pid)
{
        if (cop__link_break(pid, cop__reason(COP__REASON_NO_MEMORY)))
                return;
        cop_unlink(pid);
        cop_send_exit(pid, cop_atom("kill"));
}

cop_status cop__task_begin(const cop_task_options *options, cop_pid pid, cop_task *task)
{
        cop_request request;
        cop__task_void none = { true };
        cop_status status = cop__request_send( /* a task has the time of its own */
                &request, pid,
                options->kind != NULL ? options->kind : COP_KIND_OF(cop__task_void),
                options->kind != NULL ? options->argument : &none, UINT64_MAX,
                __builtin_return_address(0));
        if (status == COP_OK)
                *task = (cop_task){ pid, cop_self(), request.ref };
        else
                call_off(pid);
        return status;
}

cop_status cop_task_start(const cop_task_options *options, cop_task *task)
{
        cop__task_start start;
        cop_pid pid;
        cop_status status = cop__task_prepare(options, &start);
        if (status == COP_OK && task == NULL)
                status = COP_E_BAD_ARGUMENT;
        if (status == COP_OK)
                status = cop_spawn_opt(&(cop_spawn_options){ .server = &cop__task_behaviour,
                                                             .kind = COP_KIND_OF(cop__task_start),
                                                             .argument = &start,
                                                             .link = start.linked },
                                       &pid);
        return status == COP_OK ? cop__task_begin(options, pid, task) : status;
}

cop_task cop_task_start_or_exit(const cop_task_options *options)
{
        struct cop__actor *self = cop__actor_here();
        cop_task task = { { 0 }, { 0 }, { 0 } };
        cop_status status = cop_task_start(options, &task);
        if (status == COP_OK || self == NULL || self->task.visitor != NULL)
                return task;
        if (status == COP_E_LIMIT || status == COP_E_NO_MEMORY || status == COP_E_OVERLOAD ||
            status == COP_E_STOPPING)
                cop__exit_with(self, COP_TUPLE(cop_atom("system_limit"), cop_atom("task")));
        cop__badarg("task_start", cop_status_text(status));
        return task;
}
