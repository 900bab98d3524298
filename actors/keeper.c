/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The actors that keep books: registries and scopes of groups. An actor of these only lends the book its life and its name; whoever
 * reads or changes the book does so without it. What a scope hears is from scopes of its name on other nodes.
 */
#include <string.h>

#include <coppice/group.h>
#include <coppice/registry.h>

#include "actors/abroad.h"
#include "actors/actor.h"
#include "actors/book.h"
#include "base/memory.h"

COP_MESSAGE_DEFINE(cop_registry, keys, partitions, listeners);

#define PARTITIONS_DEFAULT 8

/* ---- Registries -------------------------------------------------------------------- */

typedef struct registry_keeper {
        uint64_t unused; /* all there is lies in the book, which is not the actor's alone */
} registry_keeper;

static COP__NORETURN void refuse(const char *what)
{
        cop_exit(COP_TUPLE(cop_atom("badarg"), COP_TUPLE(cop_atom("registry"), cop_string(what))));
}

static void check(const cop_registry *options)
{
        if (options->keys != COP_UNIQUE && options->keys != COP_DUPLICATE)
                refuse("keys are unique or duplicate");
        if (options->partitions > COP_REGISTRY_PARTITIONS_MAX)
                refuse("at most 1024 partitions");
        if (options->listeners.count > COP_REGISTRY_LISTENERS_MAX)
                refuse("at most 16 listeners");
        for (size_t i = 0; i < options->listeners.count; i++) {
                cop_text name = options->listeners.items[i];
                if (!cop__name_is_good(name.data) || strlen(name.data) != name.size)
                        refuse("a listener's name is no name");
        }
}

static bool copy_listeners(struct cop__book *book, const cop_texts *listeners)
{
        if (listeners->count == 0)
                return true;
        book->listeners = cop__calloc(listeners->count, sizeof(book->listeners[0]));
        if (book->listeners == NULL)
                return false;
        for (size_t i = 0; i < listeners->count; i++)
                memcpy(book->listeners[i], listeners->items[i].data, listeners->items[i].size);
        book->listener_count = (uint32_t)listeners->count;
        return true;
}

static void registry_keeper_init(registry_keeper *self, const cop_registry *options)
{
        enum cop__book_type type =
                options->keys == COP_UNIQUE ? COP__BOOK_UNIQUE : COP__BOOK_DUPLICATE;
        self->unused = 0;
        check(options);
        struct cop__book *book = cop__book_new(
                type, options->partitions > 0 ? options->partitions : PARTITIONS_DEFAULT);
        if (book != NULL && !copy_listeners(book, &options->listeners)) {
                cop__book_close(cop__thread_here(), book);
                book = NULL;
        }
        cop__book_keep(book);
}

COP_SERVER(registry_keeper, COP_INIT_WITH(cop_registry, registry_keeper_init));

const cop_behaviour cop_registry_server = {
        .name = "registry",
        .state_size = sizeof(registry_keeper),
        .handlers = cop__registry_keeper_handlers,
        .handler_count = COP__COUNT(cop__registry_keeper_handlers),
};

/* ---- Scopes ------------------------------------------------------------------------ */

typedef struct scope_keeper {
        uint64_t unused; /* all there is lies in the book, which is not the actor's alone */
} scope_keeper;

static void scope_keeper_init(scope_keeper *self)
{
        struct cop__abroad *abroad = cop__abroad_of(cop__node_of(cop__thread_here()));
        self->unused = 0;
        cop__set_manner(cop__actor_here(), COP__HEARS_NODES, true);
        cop__book_keep(cop__book_new(COP__BOOK_SCOPE, 1));
        if (abroad != NULL)
                abroad->scope_begins(abroad);
}

static void scope_keeper_hears(scope_keeper *self, cop_message *message)
{
        struct cop__abroad *abroad = cop__abroad_of(cop__node_of(cop__thread_here()));
        (void)self;
        if (abroad != NULL)
                abroad->scope_hears(abroad, message);
}

COP_SERVER(scope_keeper, COP_INIT(scope_keeper_init), COP_OTHERWISE(scope_keeper_hears));

const cop_behaviour cop_scope_server = {
        .name = "scope",
        .state_size = sizeof(scope_keeper),
        .handlers = cop__scope_keeper_handlers,
        .handler_count = COP__COUNT(cop__scope_keeper_handlers),
};
