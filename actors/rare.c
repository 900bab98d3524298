/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* What few actors have. See struct cop__rare in actor.h, and belonging.h. */
#include <stdlib.h>

#include "actors/observe.h"
#include "actors/server.h"
#include "base/memory.h"

struct cop__rare *cop__rare_of(struct cop__actor *actor)
{
        if (actor->rare != NULL)
                return actor->rare;
        actor->rare = cop__calloc(1, sizeof(*actor->rare));
        if (actor->rare != NULL)
                cop__list_init(&actor->rare->belongings);
        return actor->rare;
}

bool cop__own(struct cop__actor *actor, struct cop__belonging *belonging)
{
        struct cop__rare *rare = cop__rare_of(actor);
        if (rare == NULL)
                return false;
        cop__list_push_back(&rare->belongings, &belonging->list);
        return true;
}

void cop__belonging_end(struct cop__belonging *belonging)
{
        cop__list_remove(&belonging->list);
        belonging->end(belonging);
}

static void end_kept(struct cop__belonging *belonging)
{
        struct cop__kept *kept = COP__CONTAINER(belonging, struct cop__kept, belonging);
        cop_term_free(kept->term);
        free(kept);
}

struct cop__kept *cop__keep_term(struct cop__actor *actor, cop_term term)
{
        struct cop__kept *kept = cop__malloc(sizeof(*kept));
        if (kept != NULL) {
                kept->belonging.end = end_kept;
                kept->term = term;
                if (cop__own(actor, &kept->belonging))
                        return kept;
        }
        free(kept);
        cop_term_free(term);
        return NULL;
}

void cop__kept_free(struct cop__kept *kept)
{
        if (kept != NULL)
                cop__belonging_end(&kept->belonging);
}

bool cop__rare_end_one(struct cop__actor *actor)
{
        struct cop__list *last = actor->rare != NULL ? cop__list_last(&actor->rare->belongings) : NULL;
        if (last == NULL)
                return false;
        cop__belonging_end(COP__CONTAINER(last, struct cop__belonging, list));
        return true;
}

/* The last part of a death. What is in it and belongs to others has been given back before, and belongings have ended. */
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
        cop__table_fini(&rare->owned);
        free(rare);
}
