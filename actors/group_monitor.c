/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Monitors of groups. See group_monitor.h. */
#include "actors/group_monitor.h"

#include <stdlib.h>
#include <string.h>

#include <coppice/group.h>

#include "actors/actor.h"
#include "actors/gather.h"
#include "actors/outside.h"
#include "base/cue.h"
#include "base/memory.h"

COP_MESSAGE_DEFINE(cop_group_joined, ref, group, pid);
COP_MESSAGE_DEFINE(cop_group_left, ref, group, pid);
COP_MESSAGE_DEFINE(cop_group_lost, ref);

/* ---- Telling ----------------------------------------------------------------------------- */

static void send_lost(struct cop__thread *thread, struct cop__subscription *subscription)
{
        struct cop__signal *signal = subscription->lost;
        subscription->lost = NULL;
        if (signal != NULL)
                cop__send_signal(thread, subscription->pid, signal);
}

static void tell(struct cop__thread *thread, struct cop__subscription *subscription,
                 const struct cop__entry *entry, bool joined)
{
        cop_group_joined body = { subscription->ref, entry->key->is.term, entry->pid };
        struct cop__signal *signal;
        cop_status status;
        if (joined)
                status = cop__signal_message(&thread->pool, COP_KIND_OF(cop_group_joined), &body,
                                             &signal);
        else
                status = cop__signal_message(&thread->pool, COP_KIND_OF(cop_group_left),
                                             &(cop_group_left){ body.ref, body.group, body.pid },
                                             &signal);
        if (status != COP_OK) {
                send_lost(thread, subscription);
                return;
        }
        signal->from = entry->pid;
        cop__send_signal(thread, subscription->pid, signal);
}

void cop__subscribers_tell(struct cop__thread *thread, struct cop__partition *partition,
                           const struct cop__entry *entry, bool joined)
{
        COP__LIST_EACH(&partition->overseers, at, ahead)
        {
                struct cop__subscription *subscription =
                        COP__CONTAINER(at, struct cop__subscription, overseer);
                if (subscription->lost != NULL)
                        tell(thread, subscription, entry, joined);
        }
        const struct cop__keying *group = &entry->key->is;
        struct cop__table_node *node = cop__table_find_first(&partition->watchers, group->hash);
        for (; node != NULL; node = cop__table_find_next(node)) {
                struct cop__subscription *subscription =
                        COP__CONTAINER(node, struct cop__subscription, watcher);
                if (subscription->lost != NULL && cop__term_same(subscription->group.term, group->term))
                        tell(thread, subscription, entry, joined);
        }
}

/* ---- Beginning and ending ---------------------------------------------------------------- */

static void enlist(struct cop__partition *partition, struct cop__subscription *subscription)
{
        cop__list_push_back(&partition->subscribers, &subscription->list);
        if (subscription->all)
                cop__list_push_back(&partition->overseers, &subscription->overseer);
        else
                cop__table_insert(&partition->watchers, &subscription->watcher);
}

static void strike_off(struct cop__partition *partition, struct cop__subscription *subscription)
{
        cop__list_remove(&subscription->list);
        if (subscription->all)
                cop__list_remove(&subscription->overseer);
        else
                cop__table_remove(&partition->watchers, &subscription->watcher);
}

static void subscription_free(struct cop__thread *thread, struct cop__subscription *subscription)
{
        if (subscription->lost != NULL)
                cop__signal_free(&thread->pool, subscription->lost);
        free(subscription);
}

void cop__subscription_end(struct cop__thread *thread, struct cop__holdings_shard *shard,
                           struct cop__holding *holding)
{
        struct cop__subscription *subscription =
                COP__CONTAINER(holding, struct cop__subscription, holding);
        struct cop__partition *partition = &holding->book->partitions[0];
        cop__lock_lock(&partition->lock);
        strike_off(partition, subscription);
        if (partition->closed)
                send_lost(thread, subscription);
        cop__lock_unlock(&partition->lock);
        cop__holding_remove(shard, holding);
        subscription_free(thread, subscription);
}

/* With a copy of the group behind it, unless that is NULL: all groups. Errors: COP_E_NO_MEMORY, COP_E_TOO_DEEP, COP_E_TOO_BIG. */
static cop_status subscription_new(struct cop__visit *visit, const struct cop__keying *group,
                                   struct cop__subscription **result)
{
        size_t room = 0;
        cop_status status = group != NULL ? cop__term_flat_size(group->term, &room) : COP_OK;
        if (status != COP_OK)
                return status;
        struct cop__subscription *subscription = cop__malloc(sizeof(*subscription) + room);
        if (subscription == NULL)
                return COP_E_NO_MEMORY;
        char *behind = (char *)(subscription + 1);
        memset(subscription, 0, sizeof(*subscription));
        subscription->holding.book = visit->book;
        subscription->holding.type = COP__SUBSCRIPTION;
        subscription->pid = cop_self();
        subscription->ref = cop__ref_new(visit->here);
        subscription->all = group == NULL;
        if (group != NULL) {
                subscription->group.hash = subscription->watcher.key = group->hash;
                subscription->group.term = cop__term_flatten(group->term, &behind);
        }
        status = cop__signal_message(&visit->thread->pool, COP_KIND_OF(cop_group_lost),
                                     &(cop_group_lost){ subscription->ref }, &subscription->lost);
        if (status == COP_OK)
                *result = subscription;
        else
                free(subscription);
        return status;
}

/* ---- Snapshots ------------------------------------------------------------------------------ */

static cop_status members_now(const struct cop__key *key, cop_term *members)
{
        struct cop__gather gather = { 0 };
        struct cop__entry *entry = cop__entry_first(key);
        for (; entry != NULL; entry = cop__entry_next(entry))
                cop__gather_add(&gather, cop_pid_term(entry->pid));
        return cop__gather_list(&gather, members);
}

/* Two runs over the keys: how many members there are, then the lists, which lie in one array of all of them. */
static cop_status groups_now(struct cop__partition *partition, cop_term *groups)
{
        struct cop__gather gather = { 0 };
        cop_term *pids = cop__malloc((partition->count + 1) * sizeof(*pids)), *end = pids;
        gather.failed = pids == NULL;
        COP__LIST_EACH(&partition->keys, at, ahead)
        {
                struct cop__key *key = COP__CONTAINER(at, struct cop__key, list);
                cop_term *first = end;
                if (gather.failed)
                        break;
                for (struct cop__entry *entry = key->first; entry != NULL; entry = entry->next)
                        *end++ = cop_pid_term(entry->pid);
                cop__gather_add_pair(&gather, key->is.term,
                                     cop_list_of(first, (size_t)(end - first)));
        }
        cop_status status = cop__gather_map(&gather, groups);
        free(pids);
        return status;
}

static cop_status snapshot(struct cop__partition *partition, const struct cop__keying *group,
                           cop_term *now)
{
        if (partition->closed)
                return COP_E_NO_NAME;
        if (group == NULL)
                return groups_now(partition, now);
        struct cop__keying *found = ck_hs_get(&partition->set, (unsigned long)group->hash, group);
        return members_now(found != NULL ? COP__CONTAINER(found, struct cop__key, is) : NULL, now);
}

static cop_status subscribe(struct cop__visit *visit, const struct cop__keying *group, cop_ref *ref,
                            cop_term *now)
{
        struct cop__subscription *subscription;
        struct cop__partition *partition = &visit->book->partitions[0];
        struct cop__owner *owner = cop__malloc(sizeof(*owner));
        cop_status status = owner != NULL ? subscription_new(visit, group, &subscription)
                                          : COP_E_NO_MEMORY;
        if (status != COP_OK) {
                free(owner);
                return status;
        }
        COP__CUE("group_monitor.subscribes");
        struct cop__holdings_shard *shard = cop__holdings_lock(visit->here, subscription->pid);
        cop__lock_lock(&partition->lock);
        /* It is the caller who subscribes: this can only give it the mark. */
        status = cop__owner_lives(visit->here, subscription->pid)
                         ? snapshot(partition, group, now)
                         : COP_E_NO_ACTOR;
        if (status == COP_OK) {
                *ref = subscription->ref;
                enlist(partition, subscription);
                cop__holding_add(shard, &subscription->holding, subscription->pid, &owner);
                subscription = NULL;
        }
        cop__lock_unlock(&partition->lock);
        cop__holdings_unlock(shard);
        if (subscription != NULL)
                subscription_free(visit->thread, subscription);
        free(owner);
        return status;
}

/* ---- The public operations -------------------------------------------------------------------- */

/* For an actor in a process of its own its outpost watches. NULL: all groups. */
static COP__COLD cop_status watch_outside(const char *scope, const cop_term *group, cop_ref *ref,
                                          cop_term *now)
{
        return cop__outside_book((cop__query){ .what = COP__ASK_WATCH, .on = group == NULL,
                                               .name = cop_text_of(scope),
                                               .term = group != NULL ? *group : cop_nil() },
                                 now, NULL, ref);
}

cop_status cop_scope_monitor(const char *scope, cop_ref *ref, cop_term *groups)
{
        struct cop__visit visit;
        if (ref == NULL || groups == NULL)
                return COP_E_BAD_ARGUMENT;
        if (COP__UNLIKELY(cop__inside_here() != NULL))
                return watch_outside(scope, NULL, ref, groups);
        cop_status status = cop__book_enter(&visit, scope, true);
        if (status != COP_OK)
                return status;
        status = subscribe(&visit, NULL, ref, groups);
        cop__book_leave(&visit);
        return status;
}

cop_status cop_group_monitor(const char *scope, cop_term group, cop_ref *ref, cop_term *members)
{
        struct cop__visit visit;
        struct cop__keying wanted;
        if (ref == NULL || members == NULL)
                return COP_E_BAD_ARGUMENT;
        if (COP__UNLIKELY(cop__inside_here() != NULL))
                return watch_outside(scope, &group, ref, members);
        cop_status status = cop__keying_of_group(group, &wanted);
        if (status == COP_OK)
                status = cop__book_enter(&visit, scope, true);
        if (status != COP_OK)
                return status;
        status = subscribe(&visit, &wanted, ref, members);
        cop__book_leave(&visit);
        return status;
}

static struct cop__holding *find_subscription(struct cop__owner *owner, cop_ref ref)
{
        COP__LIST_EACH(&owner->holdings, at, ahead)
        {
                struct cop__holding *holding = COP__CONTAINER(at, struct cop__holding, list);
                if (holding->type == COP__SUBSCRIPTION &&
                    cop_ref_equal(COP__CONTAINER(holding, struct cop__subscription, holding)->ref, ref))
                        return holding;
        }
        return NULL;
}

/* Events that have arrived. */
static void flush(cop_ref ref)
{
        cop_message *message;
        while ((message = cop_receive(0, COP_REF(cop_group_joined, ref),
                                      COP_REF(cop_group_left, ref),
                                      COP_REF(cop_group_lost, ref))) != NULL)
                cop_message_free(message);
}

cop_status cop_group_demonitor(cop_ref ref)
{
        struct cop__thread *thread = cop__thread_here();
        cop_pid self = cop_self();
        if (self.bits == 0)
                return COP_E_NO_NODE;
        if (ref.bits == 0)
                return COP_E_NOT_FOUND; /* in a pattern it would be any reference */
        if (COP__UNLIKELY(cop__inside_here() != NULL)) {
                cop_status status = cop__outside_book(
                        (cop__query){ .what = COP__ASK_UNWATCH, .ref = ref }, NULL, NULL, NULL);
                flush(ref);
                return status;
        }
        struct cop__holdings_shard *shard = cop__holdings_lock(cop__here_of(thread), self);
        struct cop__owner *owner = cop__owner_find(shard, self);
        struct cop__holding *holding = owner != NULL ? find_subscription(owner, ref) : NULL;
        if (holding != NULL)
                cop__subscription_end(thread, shard, holding);
        cop__holdings_unlock(shard);
        flush(ref);
        return holding != NULL ? COP_OK : COP_E_NOT_FOUND;
}
