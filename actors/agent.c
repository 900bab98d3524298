/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Agents: a server whose state is a value of any kind, and whose messages bring the functions. See coppice/agent.h.
 *
 *      value ──function──► the struct, changed, borrowing what it likes ──flat copy──► value
 *
 * Value and argument are flat blocks (mailbox/kind.h), held by a belonging, since they may have shares in buffers and a function may
 * end the agent at any moment. A value that is not plain is handed out as a copy of its struct alone: so the
 * block still knows what it holds when the function has set other pointers.
 */
#include <coppice/agent.h>
#include <coppice/request.h>

#include <stdlib.h>
#include <string.h>

#include "actors/actor.h"
#include "actors/task.h"
#include "base/memory.h"
#include "mailbox/kind.h"

typedef struct {
        uint64_t run, state, kind; /* addresses: constants of the program */
        cop_term argument;         /* of that kind */
} cop__agent_run;
COP_MESSAGE(cop__agent_run, run, state, kind, argument);

typedef struct {
        int64_t status;
} cop__agent_refused;
COP_MESSAGE(cop__agent_refused, status);

/* ---- The agent ------------------------------------------------------------------------- */

/* A flat block from malloc and its kind; without a block it is empty. */
struct flat {
        const cop_kind *kind;
        void *block;
};

struct contents {
        struct cop__belonging belonging;
        struct flat value, argument;
};

typedef struct {
        struct contents *contents;
} agent;

static void empty(struct flat *flat)
{
        if (flat->block != NULL)
                cop__flat_drop(flat->kind, flat->block);
        free(flat->block);
        flat->block = NULL;
}

static void contents_end(struct cop__belonging *belonging)
{
        struct contents *contents = COP__CONTAINER(belonging, struct contents, belonging);
        empty(&contents->argument);
        empty(&contents->value);
        free(contents);
}

static cop_status fill(struct flat *flat, uint64_t kind, cop_term term)
{
        flat->kind = (const cop_kind *)(uintptr_t)kind;
        return cop__kind_from_term(flat->kind, term, &flat->block, NULL);
}

/* What the function has left in `changed` is the value from now on. */
static cop_status keep(struct flat *value, const void *changed)
{
        size_t size;
        cop_status status = cop__flat_size(value->kind, changed, &size);
        if (status != COP_OK)
                return status;
        void *block = cop__malloc(size > 0 ? size : 1);
        if (block == NULL)
                return COP_E_NO_MEMORY;
        status = cop__flat_copy(value->kind, block, changed);
        if (status != COP_OK) {
                free(block);
                return status;
        }
        empty(value);
        value->block = block;
        return COP_OK;
}

/* Its argument is the value, whose kind no entry can name. */
static void agent_init(agent *self)
{
        struct contents *contents = cop__calloc(1, sizeof(*contents));
        if (contents == NULL)
                cop_exit(cop_atom("no_memory"));
        contents->belonging.end = contents_end;
        if (!cop__own(cop__actor_here(), &contents->belonging)) {
                free(contents);
                cop_exit(cop_atom("no_memory"));
        }
        self->contents = contents;
        const void *value = cop__start_argument(cop__actor_here(), &contents->value.kind);
        if (keep(&contents->value, value) != COP_OK)
                cop_exit(cop_atom("no_memory"));
}

/* Without memory for the copy nothing has run, and the value stays. */
static cop_status run_on_copy(struct flat *value, void (*run)(void *, const void *), const void *argument)
{
        void *changed = cop__alloc_owed(value->kind->size);
        if (changed == NULL)
                return COP_E_NO_MEMORY;
        memcpy(changed, value->block, value->kind->size);
        run(changed, argument);
        if (memcmp(changed, value->block, value->kind->size) != 0) {
                cop_status status = keep(value, changed);
                if (status != COP_OK)
                        cop_exit(COP_TUPLE(cop_atom("badarg"),
                                           COP_TUPLE(cop_atom("agent"),
                                                     cop_string(cop_status_text(status)))));
        }
        cop_release(changed);
        return COP_OK;
}

static cop_status run_here(struct contents *contents, const cop__agent_run *order)
{
        void (*run)(void *, const void *) = (void (*)(void *, const void *))(uintptr_t)order->run;
        if (!cop__kind_same(contents->value.kind, (const cop_kind *)(uintptr_t)order->state))
                return COP_E_MALFORMED;
        cop_status status = fill(&contents->argument, order->kind, order->argument);
        if (status != COP_OK)
                return status;
        if (contents->value.kind->plain)
                run(contents->value.block, contents->argument.block);
        else
                status = run_on_copy(&contents->value, run, contents->argument.block);
        empty(&contents->argument);
        return status;
}

/* An answer that finds no memory is none: see cop__lacks_memory_for. */
static void agent_on_run(agent *self, const cop__agent_run *order)
{
        cop_status status = run_here(self->contents, order);
        if (status != COP_OK)
                COP__REPLY_OWED(cop__agent_refused, .status = status);
        else
                cop__answer_void((const cop_message *)cop__actor_here()->current);
}

COP_SERVER(agent, COP_INIT(agent_init), COP_ON(cop__agent_run, agent_on_run));

bool cop__is_agent(const cop_behaviour *server)
{
        return server == &agent_server;
}

/* ---- The public operations ---------------------------------------------------------------- */

cop_status cop_agent_start(const char *name, const cop_kind *kind, const void *value, cop_pid *pid)
{
        if (cop__actor_here() == NULL)
                return COP_E_NO_NODE;
        if (kind == NULL || value == NULL || pid == NULL)
                return COP_E_BAD_ARGUMENT;
        cop_spawn_options options = { .server = &agent_server,
                                      .kind = kind,
                                      .argument = value,
                                      .name = name,
                                      .link = true };
        return cop_start(&options, COP_FOREVER, pid);
}

/* There is no room for one. Anything else is a mistake of its caller's. */
static bool is_no_room(cop_status status)
{
        return status == COP_E_LIMIT || status == COP_E_NO_MEMORY || status == COP_E_OVERLOAD || status == COP_E_STOPPING ||
               status == COP_E_DIED;
}

cop_pid cop_agent_start_or_exit(const cop_kind *kind, const void *value)
{
        struct cop__actor *self = cop__actor_here();
        cop_pid pid = cop_no_pid();
        cop_status status = cop_agent_start(NULL, kind, value, &pid);
        if (status == COP_OK || self == NULL || self->task.visitor != NULL)
                return pid;
        if (is_no_room(status))
                cop__exit_with(self, COP_TUPLE(cop_atom("system_limit"), cop_atom("agent")));
        cop__badarg("agent_start", cop_status_text(status));
        return pid;
}

/* The term ends before the wait, since whoever waits may be ended. */
static cop_status order_of(const cop_agent_function *function, struct cop__signal **signal)
{
        cop__agent_run order = {
                .run = (uintptr_t)function->run,
                .state = (uintptr_t)function->state,
                .kind = (uintptr_t)function->kind,
        };
        cop_status status = cop__kind_to_term(function->kind, function->argument, &order.argument);
        if (status != COP_OK)
                return status;
        status = cop__signal_message(&cop__thread_here()->pool, COP_KIND_OF(cop__agent_run), &order,
                                     signal);
        cop_term_free(order.argument);
        return status;
}

static bool is_good(const cop_agent_function *function)
{
        return function != NULL && function->run != NULL && function->state != NULL &&
               function->kind != NULL && function->argument != NULL;
}

cop_status cop_agent_run(cop_message **reply, cop_address to, int64_t timeout_ms,
                         const cop_agent_function *function)
{
        struct cop__actor *self = cop__actor_here();
        struct cop__signal *order, *answered;
        cop_message *answer = NULL;
        cop_pid pid;
        cop_status status = cop__callee(self, "agent_run", to, timeout_ms, &pid);
        if (status == COP_OK && !is_good(function))
                status = COP_E_BAD_ARGUMENT;
        if (status == COP_OK)
                status = order_of(function, &order);
        if (status == COP_OK)
                status = cop__call(self, pid, order, cop__call_deadline(self, timeout_ms),
                                   __builtin_return_address(0), &answered);
        if (status == COP_OK)
                cop__take_reply(self, answered, &answer);
        if (status != COP_OK)
                return status == COP_E_NO_REPLY ? COP_E_MALFORMED : status;
        const cop__agent_refused *refused = cop_read(cop__agent_refused, answer);
        if (refused != NULL)
                status = (cop_status)refused->status;
        if (refused != NULL || reply == NULL)
                cop_message_free(answer);
        else
                *reply = cop__result_of(answer);
        return status;
}
