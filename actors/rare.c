/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* What few actors have. See struct cop__rare in actor.h. */
#include <stdlib.h>

#include "actors/observe.h"
#include "actors/server.h"

struct cop__rare *cop__rare_of(struct cop__actor *actor)
{
        if (actor->rare == NULL)
                actor->rare = calloc(1, sizeof(*actor->rare));
        return actor->rare;
}

/* The last part of a death. What is in it and belongs to others has been given back before (cop__server_end). */
void cop__rare_end(struct cop__actor *actor)
{
        struct cop__rare *rare = actor->rare;
        if (rare == NULL)
                return;
        actor->rare = NULL;
        cop__shared_term_drop(rare->failure);
        cop__shared_term_drop(rare->extra);
        cop__shared_term_drop(rare->observed);
        cop__observation_free(rare->observation);
        cop__replaced_free(rare);
        free(rare->last_state);
        cop__table_fini(&rare->requests);
        free(rare);
}
