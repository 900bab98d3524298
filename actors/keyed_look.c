/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Registries: finding. All of it is done in a section, and what is found is copied before the section ends. */
#include <coppice/registry.h>

#include "actors/actor.h"
#include "actors/book.h"
#include "actors/gather.h"
#include "actors/outside.h"

/* For an actor in a process of its own its outpost looks. */
static COP__COLD cop_status look_outside(enum cop__question what, const char *registry, cop_term key,
                                         cop_term value, cop_pid of, cop_term *result)
{
        return cop__outside_book((cop__query){ .what = what, .pid = of, .name = cop_text_of(registry),
                                               .term = key, .value = value },
                                 result, NULL, NULL);
}

static cop_status begin(struct cop__visit *visit, const char *registry, cop_term key,
                        struct cop__keying *wanted)
{
        cop_status status = cop__keying_of(key, wanted);
        return status == COP_OK ? cop__book_enter(visit, registry, false) : status;
}

cop_status cop_registry_whereis(const char *registry, cop_term key, cop_pid *pid)
{
        struct cop__visit visit;
        struct cop__keying wanted;
        if (pid == NULL)
                return COP_E_BAD_ARGUMENT;
        if (COP__UNLIKELY(cop__inside_here() != NULL))
                return cop__outside_book((cop__query){ .what = COP__ASK_HOLDER,
                                                       .name = cop_text_of(registry), .term = key },
                                         NULL, pid, NULL);
        cop_status status = begin(&visit, registry, key, &wanted);
        if (status != COP_OK)
                return status;
        struct cop__entry *entry = cop__entry_first(cop__book_find(visit.book, &wanted));
        if (entry != NULL)
                *pid = entry->pid;
        cop__book_leave(&visit);
        return entry != NULL ? COP_OK : COP_E_NOT_FOUND;
}

/* Nobody bears the empty name. */
cop_address cop_via(const char *registry, cop_term key)
{
        cop_pid pid;
        if (cop_registry_whereis(registry, key, &pid) != COP_OK)
                return cop_to_name("");
        return cop_to_pid(pid);
}

/* ---- Lists ------------------------------------------------------------------------- */

cop_status cop_registry_match(const char *registry, cop_term key, cop_term pattern,
                              cop_term *entries)
{
        struct cop__visit visit;
        struct cop__keying wanted;
        struct cop__gather gather = { 0 };
        if (entries == NULL)
                return COP_E_BAD_ARGUMENT;
        if (COP__UNLIKELY(cop__inside_here() != NULL))
                return look_outside(COP__ASK_ENTRIES, registry, key, pattern, cop_no_pid(), entries);
        cop_status status = begin(&visit, registry, key, &wanted);
        if (status != COP_OK)
                return status;
        struct cop__entry *entry = cop__entry_first(cop__book_find(visit.book, &wanted));
        for (; entry != NULL; entry = cop__entry_next(entry))
                if (cop_term_match(pattern, entry->value, NULL))
                        cop__gather_add_pair(&gather, cop_pid_term(entry->pid), entry->value);
        status = cop__gather_pairs(&gather, entries);
        cop__book_leave(&visit);
        return status;
}

cop_status cop_registry_lookup(const char *registry, cop_term key, cop_term *entries)
{
        return cop_registry_match(registry, key, cop_atom("_"), entries);
}

cop_status cop_registry_values(const char *registry, cop_term key, cop_pid pid, cop_term *values)
{
        struct cop__visit visit;
        struct cop__keying wanted;
        struct cop__gather gather = { 0 };
        if (values == NULL)
                return COP_E_BAD_ARGUMENT;
        if (COP__UNLIKELY(cop__inside_here() != NULL))
                return look_outside(COP__ASK_VALUES, registry, key, cop_nil(), pid, values);
        cop_status status = begin(&visit, registry, key, &wanted);
        if (status != COP_OK)
                return status;
        struct cop__entry *entry = cop__entry_first(cop__book_find(visit.book, &wanted));
        for (; entry != NULL; entry = cop__entry_next(entry))
                if (cop_pid_equal(entry->pid, pid))
                        cop__gather_add(&gather, entry->value);
        status = cop__gather_list(&gather, values);
        cop__book_leave(&visit);
        return status;
}

/* Gathered under the shard's lock; what was gathered stays for as long as the section does. */
static void gather_keys(struct cop__visit *visit, cop_pid pid, struct cop__gather *gather)
{
        struct cop__holdings_shard *shard = cop__holdings_lock(visit->here, pid);
        struct cop__owner *owner = cop__owner_find(shard, pid);
        for (struct cop__list *at = owner != NULL ? owner->holdings.next : NULL;
             owner != NULL && at != &owner->holdings; at = at->next) {
                struct cop__holding *holding = COP__CONTAINER(at, struct cop__holding, list);
                if (holding->book == visit->book)
                        cop__gather_add(gather, COP__CONTAINER(holding, struct cop__entry, holding)
                                                        ->key->is.term);
        }
        cop__holdings_unlock(shard);
}

cop_status cop_registry_keys(const char *registry, cop_pid pid, cop_term *keys)
{
        struct cop__visit visit;
        struct cop__gather gather = { 0 };
        if (keys == NULL)
                return COP_E_BAD_ARGUMENT;
        if (COP__UNLIKELY(cop__inside_here() != NULL))
                return look_outside(COP__ASK_KEYS, registry, cop_nil(), cop_nil(), pid, keys);
        cop_status status = cop__book_enter(&visit, registry, false);
        if (status != COP_OK)
                return status;
        gather_keys(&visit, pid, &gather);
        status = cop__gather_list(&gather, keys);
        cop__book_leave(&visit);
        return status;
}

static COP__COLD cop_status count_outside(const char *registry, uint64_t *count)
{
        cop_term found;
        cop_status status = look_outside(COP__ASK_ENTRY_COUNT, registry, cop_nil(), cop_nil(),
                                         cop_no_pid(), &found);
        if (status != COP_OK)
                return status;
        *count = (uint64_t)found.as.integer;
        cop_term_free(found);
        return COP_OK;
}

cop_status cop_registry_count(const char *registry, uint64_t *count)
{
        struct cop__visit visit;
        if (count == NULL)
                return COP_E_BAD_ARGUMENT;
        if (COP__UNLIKELY(cop__inside_here() != NULL))
                return count_outside(registry, count);
        cop_status status = cop__book_enter(&visit, registry, false);
        if (status != COP_OK)
                return status;
        *count = cop__book_count(visit.book);
        cop__book_leave(&visit);
        return COP_OK;
}

/* ---- Dispatch ------------------------------------------------------------------------ */

/* Instead of a term a copy that ends with the actor: the function may exit it. The term is freed. */
static cop_status hold(cop_term term, void **memory, cop_term *copy)
{
        size_t size;
        cop_status status = cop__term_flat_size(term, &size);
        if (status != COP_OK) {
                cop_term_free(term);
                return status;
        }
        char *at = *memory = cop__alloc_or_free(size, term);
        if (at == NULL)
                return COP_E_NO_MEMORY;
        *copy = cop__term_flatten(term, &at);
        cop_term_free(term);
        return COP_OK;
}

cop_status cop_registry_dispatch(const char *registry, cop_term key,
                                 void (*function)(void *context, cop_pid pid, cop_term value),
                                 void *context)
{
        cop_term found, entries;
        void *memory;
        if (function == NULL)
                return COP_E_BAD_ARGUMENT;
        cop_status status = cop_registry_lookup(registry, key, &found);
        if (status != COP_OK)
                return status;
        status = hold(found, &memory, &entries);
        if (status != COP_OK)
                return status;
        for (uint32_t i = 0; i < entries.count; i++)
                function(context, entries.as.items[i].as.items[0].as.pid,
                         entries.as.items[i].as.items[1]);
        cop_release(memory);
        return COP_OK;
}
