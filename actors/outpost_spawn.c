/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * How an outpost comes to be: for an actor of the node that wants another one in a process, and for
 * one in a process that wants another one at all. See outpost.h.
 */
#include "actors/outpost.h"

#include <coppice/group.h>
#include <coppice/registry.h>

#include <stdlib.h>
#include <string.h>

#include "actors/actor.h"
#include "actors/outpost_hear.h"
#include "actors/simulation.h"
#include "mailbox/kind.h"

/* Addresses in an order are for the process: nothing here looks at what is there. */
static cop_status spawn_with_order(cop_spawn_options *options, const cop__order *order,
                                   cop_ref asked, struct cop__sponsor *sponsor, cop_pid *pid)
{
        options->run = NULL;
        options->run_with = NULL;
        options->server = &cop__outpost_server;
        options->kind = COP_KIND_OF(cop__order);
        options->argument = order;
        options->init_ack = false;
        options->promise = cop_no_pid();
        options->memory_limit = 0;
        options->memory_limit_soft = false;
        options->isolation = COP_ISOLATION_PROCESS;
        return cop__spawn_checked(options, asked, sponsor, pid);
}

static cop_text title_of(const cop_spawn_options *options, const char *server_name)
{
        if (options->name != NULL)
                return cop_text_of(options->name);
        if (options->label != NULL && options->label[0] != '\0')
                return cop_text_of(options->label);
        return cop_text_of(server_name[0] != '\0' ? server_name : "coppice-actor");
}

cop_status cop__outpost_spawn(const cop_spawn_options *given, cop_ref asked, struct cop__sponsor *sponsor, cop_pid *pid)
{
        cop_spawn_options options = *given;
        const char *server_name = given->server != NULL ? given->server->name : "";
        uint8_t *argument = NULL;
        size_t size = 0;
        if (cop__simulation_of(cop__node_of(cop__thread_here())) != NULL)
                return COP_E_BAD_ARGUMENT; /* an OS process lives in its own time */
        if (given->kind != NULL) {
                cop_status status =
                        cop__kind_encode(given->kind, given->argument, &argument, &size);
                if (status != COP_OK)
                        return status;
        }
        cop__order order = {
                .server = (uintptr_t)given->server,
                .run = (uintptr_t)given->run,
                .run_with = (uintptr_t)given->run_with,
                .server_name = cop_text_of(server_name),
                .init_ack = given->init_ack,
                .supervised = given->supervised,
                .no_preempt = given->no_preempt,
                .link = given->link,
                .memory_limit = given->memory_limit,
                .memory_limit_soft = given->memory_limit_soft,
                .priority = given->priority,
                .promise = given->promise,
                .title = title_of(given, server_name),
                .argument = cop_bytes_of(argument, size),
        };
        cop_status status = spawn_with_order(&options, &order, asked, sponsor, pid);
        free(argument);
        return status;
}

/* Whole, and not cut short by a NUL within; "" is none. */
static bool read_text(cop_text text, const char **to)
{
        *to = text.size > 0 ? text.data : NULL;
        return strlen(text.data) == text.size;
}

/*
 * Who keeps a book for the whole node lives in it: code of the library, known by its very
 * address.
 */
static const cop_behaviour *keeper_of(const cop__wish *wish)
{
        if (wish->server == (uintptr_t)&cop_scope_server)
                return &cop_scope_server;
        return wish->server == (uintptr_t)&cop_registry_server ? &cop_registry_server : NULL;
}

static cop_status spawn_keeper(cop_spawn_options *options, const cop_behaviour *keeper,
                               const cop__wish *wish, cop_pid *pid)
{
        void *argument = NULL;
        cop_status status = COP_OK;
        if (wish->argument.size > 0)
                status = cop__value_read(COP_KIND_OF(cop_registry), wish->argument.data,
                                         wish->argument.size, &argument);
        if (status != COP_OK)
                return status;
        options->server = keeper;
        options->kind = argument != NULL ? COP_KIND_OF(cop_registry) : NULL;
        options->argument = argument;
        status = cop__spawn_checked(options, wish->asked, NULL, pid);
        if (argument != NULL)
                cop__flat_drop(COP_KIND_OF(cop_registry), argument);
        free(argument);
        return status;
}

/* One of a kind that there is not is no good key, and is refused as one. */
static cop_mailbox_key key_of(const cop__wish *wish)
{
        const cop_kinds *kinds = cop__node_of(cop__thread_here())->crossing_kinds;
        return (cop_mailbox_key){ cop__kinds_find(kinds, wish->key_kind.data, wish->key_kind.size), wish->key_field_at };
}

cop_status cop__outpost_spawn_wish(const cop__wish *wish, cop_ref *monitor_ref, cop_pid *pid)
{
        const char *server_name;
        cop_spawn_options options = {
                .no_preempt = wish->no_preempt,
                .supervised = wish->supervised,
                .link = wish->link,
                .monitor = wish->monitor,
                .monitor_ref = monitor_ref,
                .mailbox_limit = wish->mailbox_limit,
                .mailbox_bytes = wish->mailbox_bytes,
                .mailbox_policy = wish->mailbox_policy,
                .mailbox_key = key_of(wish),
                .mailbox_high = wish->mailbox_high,
                .mailbox_low = wish->mailbox_low,
                .priority = wish->priority,
                .start_ref = wish->start_ref,
        };
        if (!read_text(wish->name, &options.name) || !read_text(wish->label, &options.label) ||
            !read_text(wish->server_name, &server_name))
                return COP_E_BAD_ARGUMENT;
        cop__order order = {
                .server = wish->server,
                .run = wish->run,
                .run_with = wish->run_with,
                .server_name = wish->server_name,
                .init_ack = wish->init_ack,
                .supervised = wish->supervised,
                .no_preempt = wish->no_preempt,
                .link = wish->link,
                .memory_limit = wish->memory_limit,
                .memory_limit_soft = wish->memory_limit_soft,
                .priority = wish->priority,
                .promise = wish->promise,
                .title = title_of(&options, wish->server_name.data),
                .argument = wish->argument,
        };
        cop_status status = cop__spawn_is_welcome(&options);
        if (status != COP_OK)
                return status;
        const cop_behaviour *keeper = keeper_of(wish);
        return keeper != NULL ? spawn_keeper(&options, keeper, wish, pid)
                              : spawn_with_order(&options, &order, wish->asked, NULL, pid);
}
