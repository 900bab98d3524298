/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Entering and taking out: what writers do to a book under the owner's shard's lock and the partition's. See book.h.
 *
 * All memory that an entry may need is made before a lock is taken, so that under the locks only the set of keys may still
 * find none, and taking out needs none at all.
 */
#include <stdlib.h>
#include <string.h>

#include "actors/actor.h"
#include "actors/book.h"
#include "actors/group_monitor.h"
#include "actors/keyed_event.h"
#include "base/cue.h"
#include "base/memory.h"

/* ---- Proposals ------------------------------------------------------------------------- */

/* A zeroed block with room for what the term points at behind it; *size is that of the struct. NULL without memory. */
static void *new_with_room(size_t size, size_t room)
{
        size = COP__ROUND_UP_8(size);
        void *block = cop__malloc(size + room);
        if (block != NULL)
                memset(block, 0, size);
        return block;
}

static cop_term flatten_behind(void *block, size_t size, cop_term term)
{
        char *at = (char *)block + COP__ROUND_UP_8(size);
        return cop__term_flatten(term, &at);
}

/* Who looks is given a list of keys, or a map, and a list of pairs: both have to fit in that. */
static cop_status rooms_of(cop_term key, cop_term value, size_t *key_room, size_t *value_room)
{
        cop_term pair = COP_TUPLE(value);
        cop_status status = cop__term_flat_size(COP_LIST(key), key_room);
        if (status == COP_OK)
                status = cop__term_flat_size(COP_LIST(pair), value_room);
        if (status != COP_OK)
                return status;
        *key_room -= sizeof(cop_term);
        *value_room -= 2 * sizeof(cop_term);
        return COP_OK;
}

cop_status cop__proposal_make(struct cop__visit *visit, const struct cop__keying *key, cop_pid pid,
                              cop_term value, struct cop__proposal *proposal)
{
        size_t key_room, value_room;
        memset(proposal, 0, sizeof(*proposal));
        cop_status status = rooms_of(key->term, value, &key_room, &value_room);
        if (status != COP_OK)
                return status;
        proposal->key = new_with_room(sizeof(*proposal->key), key_room);
        proposal->entry = new_with_room(sizeof(*proposal->entry), value_room);
        proposal->owner = cop__malloc(sizeof(*proposal->owner));
        if (proposal->key == NULL || proposal->entry == NULL || proposal->owner == NULL) {
                cop__proposal_drop(visit->thread, proposal);
                return COP_E_NO_MEMORY;
        }
        proposal->key->is.hash = key->hash;
        proposal->key->is.term = flatten_behind(proposal->key, sizeof(*proposal->key), key->term);
        proposal->entry->value = flatten_behind(proposal->entry, sizeof(*proposal->entry), value);
        proposal->entry->pid = pid;
        proposal->entry->holding.book = visit->book;
        proposal->entry->holding.type = COP__ENTRY;
        return COP_OK;
}

void cop__proposal_drop(struct cop__thread *thread, struct cop__proposal *proposal)
{
        cop__events_drop(thread, proposal->welcome);
        if (proposal->entry != NULL)
                cop__events_drop(thread, proposal->entry->farewell);
        free(proposal->entry);
        free(proposal->key);
        free(proposal->owner);
        memset(proposal, 0, sizeof(*proposal));
}

/* ---- Entering ---------------------------------------------------------------------------- */

/* NULL without memory. */
static struct cop__key *key_for(struct cop__partition *partition, struct cop__proposal *proposal)
{
        struct cop__keying *wanted = &proposal->key->is;
        struct cop__keying *found = ck_hs_get(&partition->set, (unsigned long)wanted->hash, wanted);
        if (found != NULL)
                return COP__CONTAINER(found, struct cop__key, is);
        if (!ck_hs_put(&partition->set, (unsigned long)wanted->hash, wanted))
                return NULL;
        struct cop__key *key = proposal->key;
        proposal->key = NULL;
        cop__list_push_back(&partition->keys, &key->list);
        return key;
}

/* Release: who follows the pointer finds the entry whole. */
static void append(struct cop__partition *partition, struct cop__key *key, struct cop__entry *entry)
{
        entry->key = key;
        entry->prev = key->last;
        if (key->last != NULL)
                cop__store_release(&key->last->next, entry);
        else
                cop__store_release(&key->first, entry);
        key->last = entry;
        cop__count_up(&key->count);
        cop__count_up(&partition->count);
}

static void tell_entered(struct cop__visit *visit, struct cop__partition *partition,
                         struct cop__proposal *proposal)
{
        if (visit->book->type == COP__BOOK_SCOPE) {
                cop__subscribers_tell(visit->thread, partition, proposal->entry, true);
                return;
        }
        cop__events_send(visit->thread, visit->book, proposal->entry->pid, proposal->welcome);
        proposal->welcome = NULL;
}

static cop_status insert_locked(struct cop__visit *visit, struct cop__partition *partition,
                                struct cop__proposal *proposal, cop_pid *holder)
{
        if (partition->closed)
                return COP_E_NO_NAME;
        struct cop__key *key = key_for(partition, proposal);
        if (key == NULL)
                return COP_E_NO_MEMORY;
        if (visit->book->type == COP__BOOK_UNIQUE && key->first != NULL) {
                *holder = key->first->pid;
                return COP_E_TAKEN;
        }
        append(partition, key, proposal->entry);
        return COP_OK;
}

static cop_status insert(struct cop__visit *visit, struct cop__proposal *proposal, cop_pid *holder)
{
        cop_pid pid = proposal->entry->pid;
        struct cop__partition *partition =
                cop__book_partition(visit->book, proposal->key->is.hash);
        struct cop__holdings_shard *shard = cop__holdings_lock(visit->here, pid);
        cop_status status = COP_E_NO_ACTOR;
        if (cop__owner_lives(visit->here, pid)) {
                cop__lock_lock(&partition->lock);
                status = insert_locked(visit, partition, proposal, holder);
                if (status == COP_OK) {
                        cop__holding_add(shard, &proposal->entry->holding, pid, &proposal->owner);
                        tell_entered(visit, partition, proposal);
                        proposal->entry = NULL;
                }
                cop__lock_unlock(&partition->lock);
        }
        cop__holdings_unlock(shard);
        return status;
}

/* A key may be held by one who is dying in slices: what it has under the key goes out now. */
cop_status cop__book_insert(struct cop__visit *visit, struct cop__proposal *proposal,
                            cop_pid *holder)
{
        cop_pid found = cop_no_pid();
        COP__CUE("book.enters");
        cop_status status = insert(visit, proposal, &found);
        while (status == COP_E_TAKEN && !cop_is_alive(found)) {
                cop__book_withdraw(visit, found, &proposal->key->is, NULL, 1);
                status = insert(visit, proposal, &found);
        }
        if (status == COP_E_TAKEN && holder != NULL)
                *holder = found;
        return status;
}

/* ---- Taking out ---------------------------------------------------------------------------- */

static void free_key(ck_epoch_entry_t *entry)
{
        cop__epoch_over();
        free(COP__CONTAINER(entry, struct cop__key, epoch));
}

static void free_entry(ck_epoch_entry_t *entry)
{
        cop__epoch_over();
        free(COP__CONTAINER(entry, struct cop__entry, epoch));
}

/* `next` stays: who looks at the entry goes on from there. */
static void unchain(struct cop__partition *partition, struct cop__key *key, struct cop__entry *entry)
{
        if (entry->prev != NULL)
                cop__store_release(&entry->prev->next, entry->next);
        else
                cop__store_release(&key->first, entry->next);
        if (entry->next != NULL)
                entry->next->prev = entry->prev;
        else
                key->last = entry->prev;
        cop__count_by(&key->count, (uint64_t)-1);
        cop__count_by(&partition->count, (uint64_t)-1);
}

static void forget_if_empty(struct cop__here *here, struct cop__partition *partition,
                            struct cop__key *key)
{
        if (key->first != NULL)
                return;
        ck_hs_remove(&partition->set, (unsigned long)key->is.hash, &key->is);
        cop__list_remove(&key->list);
        cop__epoch_call(here, &key->epoch, free_key);
}

static void tell_gone(struct cop__thread *thread, struct cop__partition *partition,
                      struct cop__entry *entry)
{
        struct cop__book *book = entry->holding.book;
        if (partition->closed)
                cop__events_drop(thread, entry->farewell);
        else if (book->type == COP__BOOK_SCOPE)
                cop__subscribers_tell(thread, partition, entry, false);
        else
                cop__events_send(thread, book, entry->pid, entry->farewell);
        entry->farewell = NULL;
}

void cop__book_take_out(struct cop__thread *thread, struct cop__holdings_shard *shard,
                        struct cop__holding *holding)
{
        struct cop__here *here = cop__here_of(thread);
        if (holding->type == COP__SUBSCRIPTION) {
                cop__subscription_end(thread, shard, holding);
                return;
        }
        struct cop__entry *entry = COP__CONTAINER(holding, struct cop__entry, holding);
        struct cop__key *key = entry->key;
        struct cop__partition *partition = cop__book_partition(holding->book, key->is.hash);
        cop__lock_lock(&partition->lock);
        unchain(partition, key, entry);
        tell_gone(thread, partition, entry);
        forget_if_empty(here, partition, key);
        cop__lock_unlock(&partition->lock);
        cop__holding_remove(shard, holding);
        cop__epoch_call(here, &entry->epoch, free_entry);
}

/* One of `pid` that fits, for cop__book_withdraw. */
static bool is_meant(const struct cop__entry *entry, const struct cop__key *key, cop_pid pid,
                     const cop_term *pattern)
{
        return entry->key == key && cop_pid_equal(entry->pid, pid) &&
               (pattern == NULL || cop_term_match(*pattern, entry->value, NULL));
}

static uint64_t withdraw_along_key(struct cop__visit *visit, struct cop__holdings_shard *shard,
                                   struct cop__key *key, cop_pid pid, const cop_term *pattern,
                                   uint64_t limit)
{
        uint64_t taken = 0;
        struct cop__entry *next;
        for (struct cop__entry *entry = cop__entry_first(key); entry != NULL && taken < limit;
             entry = next) {
                next = cop__entry_next(entry);
                if (!is_meant(entry, key, pid, pattern) || entry->holding.owner == NULL)
                        continue;
                cop__book_take_out(visit->thread, shard, &entry->holding);
                taken++;
        }
        return taken;
}

static uint64_t withdraw_along_owner(struct cop__visit *visit, struct cop__holdings_shard *shard,
                                     struct cop__owner *owner, struct cop__key *key, cop_pid pid,
                                     const cop_term *pattern, uint64_t limit)
{
        uint64_t taken = 0, left = owner->count;
        struct cop__list *at = owner->holdings.next;
        while (left-- > 0 && taken < limit) {
                struct cop__holding *holding = COP__CONTAINER(at, struct cop__holding, list);
                at = at->next; /* the last one takes its owner with it */
                if (holding->type != COP__ENTRY ||
                    !is_meant(COP__CONTAINER(holding, struct cop__entry, holding), key, pid, pattern))
                        continue;
                cop__book_take_out(visit->thread, shard, holding);
                taken++;
        }
        return taken;
}

/* Along the shorter of the two lists that the entries are in. While the shard is locked nobody else takes one out. */
uint64_t cop__book_withdraw(struct cop__visit *visit, cop_pid pid, const struct cop__keying *wanted,
                            const cop_term *pattern, uint64_t limit)
{
        uint64_t taken = 0;
        struct cop__holdings_shard *shard = cop__holdings_lock(visit->here, pid);
        struct cop__owner *owner = cop__owner_find(shard, pid);
        struct cop__key *key = owner != NULL ? cop__book_find(visit->book, wanted) : NULL;
        if (key != NULL && cop__load_relaxed(&key->count) <= owner->count)
                taken = withdraw_along_key(visit, shard, key, pid, pattern, limit);
        else if (key != NULL)
                taken = withdraw_along_owner(visit, shard, owner, key, pid, pattern, limit);
        cop__holdings_unlock(shard);
        return taken;
}

/* ---- Replacing --------------------------------------------------------------------------- */

/* For keys with one entry. Readers find the old one or the new one, and never none. */
static void put_in_place(struct cop__key *key, struct cop__entry *old, struct cop__entry *fresh)
{
        fresh->key = key;
        fresh->farewell = old->farewell;
        old->farewell = NULL;
        key->last = fresh;
        cop__store_release(&key->first, fresh); /* pairs with cop__entry_first */
        cop__holding_replace(&old->holding, &fresh->holding);
}

cop_status cop__book_replace(struct cop__visit *visit, struct cop__proposal *proposal)
{
        struct cop__entry *fresh = proposal->entry;
        struct cop__holdings_shard *shard = cop__holdings_lock(visit->here, fresh->pid);
        struct cop__key *key = cop__book_find(visit->book, &proposal->key->is);
        struct cop__partition *partition =
                cop__book_partition(visit->book, proposal->key->is.hash);
        cop_status status = COP_E_NOT_FOUND;
        cop__lock_lock(&partition->lock);
        struct cop__entry *old = key != NULL ? key->first : NULL;
        if (old != NULL && cop_pid_equal(old->pid, fresh->pid)) {
                put_in_place(key, old, fresh);
                cop__epoch_call(visit->here, &old->epoch, free_entry);
                proposal->entry = NULL;
                status = COP_OK;
        } else if (old != NULL) {
                status = COP_E_NOT_OWNER;
        }
        cop__lock_unlock(&partition->lock);
        cop__holdings_unlock(shard);
        return status;
}
