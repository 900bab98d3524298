/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Registries: entering and taking out. A registry is a book (book.h), and all of it is done by whoever asks. keyed_look.c
 * reads it.
 */
#include <coppice/registry.h>

#include "actors/actor.h"
#include "actors/book.h"
#include "actors/keyed_event.h"
#include "actors/outside.h"

/* For an actor in a process of its own its outpost does it. */
static COP__COLD cop_status change_outside(enum cop__question what, const char *registry, cop_term key,
                                           const cop_term *value, cop_pid *holder)
{
        return cop__outside_book((cop__query){ .what = what, .on = value != NULL,
                                               .name = cop_text_of(registry), .term = key,
                                               .value = value != NULL ? *value : cop_nil() },
                                 NULL, holder, NULL);
}

/* The visit of a change, and what it needs in it. */
static cop_status begin(struct cop__visit *visit, const char *registry, cop_term key,
                        struct cop__keying *wanted)
{
        cop_status status = cop__keying_of(key, wanted);
        return status == COP_OK ? cop__book_enter(visit, registry, false) : status;
}

cop_status cop_registry_register(const char *registry, cop_term key, cop_term value, cop_pid *holder)
{
        struct cop__visit visit;
        struct cop__keying wanted;
        struct cop__proposal proposal;
        if (COP__UNLIKELY(cop__inside_here() != NULL))
                return change_outside(COP__ASK_ENTER, registry, key, &value, holder);
        cop_status status = begin(&visit, registry, key, &wanted);
        if (status != COP_OK)
                return status;
        status = cop__proposal_make(&visit, &wanted, cop_self(), value, &proposal);
        if (status == COP_OK) {
                status = cop__events_make(&visit, &proposal);
                if (status == COP_OK)
                        status = cop__book_insert(&visit, &proposal, holder);
                cop__proposal_drop(visit.thread, &proposal);
        }
        cop__book_leave(&visit);
        return status;
}

cop_status cop_registry_update(const char *registry, cop_term key, cop_term value)
{
        struct cop__visit visit;
        struct cop__keying wanted;
        struct cop__proposal proposal;
        if (COP__UNLIKELY(cop__inside_here() != NULL))
                return change_outside(COP__ASK_UPDATE, registry, key, &value, NULL);
        cop_status status = begin(&visit, registry, key, &wanted);
        if (status != COP_OK)
                return status;
        status = visit.book->type == COP__BOOK_UNIQUE ? COP_OK : COP_E_BAD_ARGUMENT;
        if (status == COP_OK)
                status = cop__proposal_make(&visit, &wanted, cop_self(), value, &proposal);
        if (status == COP_OK) {
                status = cop__book_replace(&visit, &proposal);
                cop__proposal_drop(visit.thread, &proposal);
        }
        cop__book_leave(&visit);
        return status;
}

static cop_status withdraw(const char *registry, cop_term key, const cop_term *pattern)
{
        struct cop__visit visit;
        struct cop__keying wanted;
        if (COP__UNLIKELY(cop__inside_here() != NULL))
                return change_outside(COP__ASK_WITHDRAW, registry, key, pattern, NULL);
        cop_status status = begin(&visit, registry, key, &wanted);
        if (status != COP_OK)
                return status;
        uint64_t taken = cop__book_withdraw(&visit, cop_self(), &wanted, pattern, UINT64_MAX);
        cop__book_leave(&visit);
        return taken > 0 ? COP_OK : COP_E_NOT_FOUND;
}

cop_status cop_registry_unregister(const char *registry, cop_term key)
{
        return withdraw(registry, key, NULL);
}

cop_status cop_registry_unregister_match(const char *registry, cop_term key, cop_term pattern)
{
        return withdraw(registry, key, &pattern);
}
