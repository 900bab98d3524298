/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Asking the outpost. See outside.h. */
#include "actors/outside.h"

#include <stdlib.h>

#include "actors/actor.h"
#include "base/memory.h"
#include "mailbox/kind.h"

/* Asks, and what was answered is the status. */
static cop_status ask(const cop__query *query, cop__told *told)
{
        cop_status status = cop__inside_ask(*query, told);
        return status == COP_OK ? (cop_status)told->status : status;
}

/* ---- Spawning ------------------------------------------------------------------------- */

/* The wish as MessagePack, which the caller frees. */
static cop_status encode_wish(const cop_spawn_options *options, cop_ref asked, cop_bytes argument,
                              uint8_t **bytes, size_t *size)
{
        const cop_behaviour *server = options->server;
        const cop_mailbox_key *key = &options->mailbox_key;
        cop__wish wish = {
                .server = (uintptr_t)server,
                .run = (uintptr_t)options->run,
                .run_with = (uintptr_t)options->run_with,
                .server_name = cop_text_of(server != NULL ? server->name : NULL),
                .name = cop_text_of(options->name),
                .label = cop_text_of(options->label),
                .init_ack = options->init_ack,
                .supervised = options->supervised,
                .no_preempt = options->no_preempt,
                .link = options->link,
                .monitor = options->monitor,
                .memory_limit = options->memory_limit,
                .memory_limit_soft = options->memory_limit_soft,
                .mailbox_limit = options->mailbox_limit,
                .mailbox_bytes = options->mailbox_bytes,
                .mailbox_policy = options->mailbox_policy,
                .key_kind = cop_text_of(key->kind != NULL ? key->kind->name : NULL),
                .key_field_at = key->field_at,
                .mailbox_high = options->mailbox_high,
                .mailbox_low = options->mailbox_low,
                .priority = options->priority,
                .promise = options->promise,
                .start_ref = options->start_ref,
                .asked = asked,
                .argument = argument,
        };
        return cop__kind_encode(COP_KIND_OF(cop__wish), &wish, bytes, size);
}

static cop_status spawn_wish(const cop_spawn_options *options, cop_ref asked, cop_bytes argument,
                             cop_pid *pid)
{
        uint8_t *bytes;
        size_t size;
        cop__told told;
        cop_status status = encode_wish(options, asked, argument, &bytes, &size);
        if (status != COP_OK)
                return status;
        status = ask(&(cop__query){ .what = COP__ASK_SPAWN, .body = cop_bytes_of(bytes, size) },
                     &told);
        free(bytes);
        if (status != COP_OK)
                return status;
        if (options->monitor)
                *options->monitor_ref = told.ref;
        pid->bits = told.value;
        return COP_OK;
}

cop_status cop__outside_spawn(const cop_spawn_options *options, cop_ref asked, cop_pid *pid)
{
        const cop_kinds *crossing = cop__node_of(cop__thread_here())->crossing_kinds;
        uint8_t *argument = NULL;
        size_t size = 0;
        cop_status status = COP_OK;
        if (options->kind != NULL && !cop__kind_crosses(crossing, options->kind))
                return COP_E_ISOLATED; /* a supervisor's tree, in memory of its own */
        if (options->mailbox_key.kind != NULL && !cop__kind_crosses(crossing, options->mailbox_key.kind))
                return COP_E_ISOLATED;
        if (options->kind != NULL)
                status = cop__kind_encode(options->kind, options->argument, &argument, &size);
        if (status == COP_OK)
                status = spawn_wish(options, asked, cop_bytes_of(argument, size), pid);
        free(argument);
        return status;
}

/* ---- Timers ------------------------------------------------------------------------------ */

cop_status cop__outside_timer(const struct cop__outside_timer *timer, cop_ref *ref)
{
        const cop_kinds *crossing = cop__node_of(cop__thread_here())->crossing_kinds;
        uint8_t *bytes = NULL;
        size_t size = 0;
        cop__told told;
        cop_status status = COP_OK;
        if (timer->kind != NULL && !cop__kind_crosses(crossing, timer->kind))
                return COP_E_ISOLATED;
        if (timer->kind != NULL)
                status = cop__kind_encode(timer->kind, timer->value, &bytes, &size);
        if (status != COP_OK)
                return status;
        status = ask(&(cop__query){ .what = COP__ASK_TIMER, .how = timer->how, .number = timer->ms,
                                    .pid = timer->to.name == NULL ? timer->to.pid : cop_no_pid(),
                                    .ref = timer->alias, .name = cop_text_of(timer->to.name),
                                    .term = timer->term, .body = cop_bytes_of(bytes, size) },
                     &told);
        free(bytes);
        if (status == COP_OK && ref != NULL)
                *ref = told.ref;
        return status;
}

bool cop__outside_has_timer(cop_ref ref)
{
        const struct cop__inside *inside = cop__inside_here();
        return inside != NULL && !cop__inside_made(inside, ref);
}

static int64_t time_of(enum cop__question what, cop_ref timer)
{
        cop__told told;
        cop_status status = ask(&(cop__query){ .what = what, .ref = timer }, &told);
        return status == COP_OK ? (int64_t)told.value : -1;
}

int64_t cop__outside_cancel(cop_ref timer)
{
        return time_of(COP__ASK_CANCEL, timer);
}

int64_t cop__outside_time_left(cop_ref timer)
{
        return time_of(COP__ASK_TIME_LEFT, timer);
}

/* ---- Groups and registries ------------------------------------------------------------------ */

cop_status cop__outside_book(cop__query query, cop_term *result, cop_pid *pid, cop_ref *ref)
{
        cop__told told;
        cop_status status = cop__inside_ask(query, &told);
        if (status != COP_OK)
                return status;
        status = (cop_status)told.status;
        if (pid != NULL && told.value != 0)
                pid->bits = told.value; /* a holder is told also when the key is taken */
        if (status == COP_OK && ref != NULL)
                *ref = told.ref;
        return status == COP_OK && result != NULL ? cop_term_copy(told.term, result) : status;
}

cop_status cop__outside_members(enum cop__question what, const char *scope, cop_term group,
                                const cop_pid *pids, size_t count)
{
        cop_term *items = cop__malloc((count + 1) * sizeof(*items));
        if (items == NULL)
                return COP_E_NO_MEMORY;
        for (size_t i = 0; i < count; i++)
                items[i] = cop_pid_term(pids[i]);
        cop_status status = cop__outside_book(
                (cop__query){ .what = what, .name = cop_text_of(scope), .term = group,
                              .value = cop_list_of(items, count) }, NULL, NULL, NULL);
        free(items);
        return status;
}
