/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The limit of an actor's memory: of its state, and what it has from cop_alloc. */
#include "actors/actor.h"

/* Reaching a soft limit is told once in a life: who asks in a loop does not fill the log. */
static void tell_once(struct cop__actor *actor)
{
        struct cop__rare *rare = actor->rare;
        char who[COP_NAME_MAX + 1], pid[COP_ID_TEXT_MAX];
        if (rare->memory_told)
                return;
        rare->memory_told = true;
        cop__who_is(cop__node_of(cop__thread_here()), actor, cop__actor_pid(actor), who);
        cop__log_sentence(COP_LOG_ERROR, "%s%s%s has reached its memory limit of %zu bytes: cop_alloc gives it none", who,
                          who[0] != '\0' ? " " : "", cop_pid_print(cop__actor_pid(actor), pid),
                          rare->memory_limit);
}

static bool has_room(const struct cop__actor *actor, size_t size)
{
        const struct cop__rare *rare = actor->rare;
        return rare == NULL || rare->memory_limit == 0 ||
               (actor->bytes <= rare->memory_limit && size <= rare->memory_limit - actor->bytes);
}

bool cop__arena_fits(const struct cop__actor *actor, size_t old_size, size_t size)
{
        return size <= old_size || has_room(actor, size - old_size);
}

bool cop__arena_admits(struct cop__actor *actor, size_t size)
{
        if (has_room(actor, size))
                return true;
        if (!actor->rare->memory_limit_soft)
                cop__exit_with(actor, COP_TUPLE(cop_atom("system_limit"), cop_atom("memory")));
        tell_once(actor);
        return false;
}

void *cop__alloc_or_free(size_t size, cop_term term)
{
        const struct cop__actor *actor = cop__actor_here();
        if (actor != NULL && !has_room(actor, size)) {
                cop_term_free(term);
                return cop_alloc(size); /* which says so, or ends it */
        }
        void *block = cop_alloc(size);
        if (block == NULL)
                cop_term_free(term);
        return block;
}
