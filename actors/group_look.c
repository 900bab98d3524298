/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Groups: who is a member, and sending to members. */
#include <coppice/group.h>

#include "actors/actor.h"
#include "actors/book.h"
#include "actors/gather.h"
#include "actors/outside.h"
#include "base/random.h"

static cop_status begin(struct cop__visit *visit, const char *scope, cop_term group,
                        struct cop__keying *wanted)
{
        cop_status status = cop__keying_of_group(group, wanted);
        return status == COP_OK ? cop__book_enter(visit, scope, true) : status;
}

/* ---- Lists --------------------------------------------------------------------------- */

static cop_status members(const char *scope, cop_term group, bool local, cop_term *result)
{
        struct cop__visit visit;
        struct cop__keying wanted;
        struct cop__gather gather = { 0 };
        if (result == NULL)
                return COP_E_BAD_ARGUMENT;
        if (COP__UNLIKELY(cop__inside_here() != NULL))
                return cop__outside_book((cop__query){ .what = COP__ASK_MEMBERS, .on = local,
                                                       .name = cop_text_of(scope), .term = group },
                                         result, NULL, NULL);
        cop_status status = begin(&visit, scope, group, &wanted);
        if (status == COP_E_NO_NAME)
                return cop__gather_list(&gather, result);
        if (status != COP_OK)
                return status;
        struct cop__entry *entry = cop__entry_first(cop__book_find(visit.book, &wanted));
        for (; entry != NULL; entry = cop__entry_next(entry))
                if (!local || cop__pid_node(entry->pid) == 0)
                        cop__gather_add(&gather, cop_pid_term(entry->pid));
        status = cop__gather_list(&gather, result);
        cop__book_leave(&visit);
        return status;
}

cop_status cop_group_members(const char *scope, cop_term group, cop_term *result)
{
        return members(scope, group, false, result);
}

cop_status cop_group_local_members(const char *scope, cop_term group, cop_term *result)
{
        return members(scope, group, true, result);
}

static void gather_group(void *context, const struct cop__key *key)
{
        cop__gather_add(context, key->is.term);
}

cop_status cop_scope_groups(const char *scope, cop_term *groups)
{
        struct cop__visit visit;
        struct cop__gather gather = { 0 };
        if (groups == NULL)
                return COP_E_BAD_ARGUMENT;
        if (COP__UNLIKELY(cop__inside_here() != NULL))
                return cop__outside_book((cop__query){ .what = COP__ASK_GROUPS,
                                                       .name = cop_text_of(scope) },
                                         groups, NULL, NULL);
        cop_status status = cop__book_enter(&visit, scope, true);
        if (status == COP_E_NO_NAME)
                return cop__gather_list(&gather, groups);
        if (status != COP_OK)
                return status;
        cop__book_keys(visit.book, gather_group, &gather);
        status = cop__gather_list(&gather, groups);
        cop__book_leave(&visit);
        return status;
}

/* ---- Sending --------------------------------------------------------------------------- */

/* Up to `room` members are copied; how many there are. */
static cop_status copy_members(const char *scope, cop_term group, cop_pid *pids, size_t room, size_t *count)
{
        struct cop__visit visit;
        struct cop__keying wanted;
        cop_status status = begin(&visit, scope, group, &wanted);
        if (status != COP_OK)
                return status;
        struct cop__entry *entry = cop__entry_first(cop__book_find(visit.book, &wanted));
        for (*count = 0; entry != NULL; entry = cop__entry_next(entry), ++*count)
                if (*count < room)
                        pids[*count] = entry->pid;
        cop__book_leave(&visit);
        return COP_OK;
}

/* The same for an actor in a process of its own. */
static COP__COLD cop_status members_outside(const char *scope, cop_term group, cop_pid **pids,
                                            size_t *count)
{
        cop_term found;
        cop_pid any;
        cop_status status = cop_group_members(scope, group, &found);
        if (status != COP_OK)
                return status;
        if (found.count == 0 && cop_group_pick(scope, group, COP_PICK_RANDOM, &any) == COP_E_NO_NAME)
                return COP_E_NO_NAME;
        *count = found.count;
        cop_pid *copy = cop__alloc_or_free(found.count * sizeof(*copy), found);
        if (copy == NULL)
                return COP_E_NO_MEMORY;
        for (size_t i = 0; i < found.count; i++)
                copy[i] = found.as.items[i].as.pid;
        *pids = copy;
        cop_term_free(found);
        return COP_OK;
}

/*
 * The members of now, in memory that ends with the actor, who may end while it sends. Its limit may end it where it asks for
 * memory, so it does so outside of a visit; who has joined meanwhile is looked for again.
 */
static cop_status members_now(const char *scope, cop_term group, cop_pid **pids, size_t *count)
{
        if (COP__UNLIKELY(cop__inside_here() != NULL))
                return members_outside(scope, group, pids, count);
        size_t room = 0;
        *pids = NULL;
        for (;;) {
                cop_status status = copy_members(scope, group, *pids, room, count);
                if (status == COP_OK && *count <= room && *pids != NULL)
                        return COP_OK;
                cop_release(*pids);
                if (status != COP_OK)
                        return status;
                room = *count;
                *pids = cop_alloc(room * sizeof(**pids));
                if (*pids == NULL)
                        return COP_E_NO_MEMORY;
        }
}

/* What one member refuses the others get. */
cop_status cop_group_send_value(const char *scope, cop_term group, const cop_kind *kind,
                                const void *value)
{
        cop_pid *pids;
        size_t count;
        cop_status status = members_now(scope, group, &pids, &count);
        if (status != COP_OK)
                return status;
        for (size_t i = 0; i < count; i++) {
                cop_status sent = cop_send_value(cop_to_pid(pids[i]), kind, value);
                if (status == COP_OK)
                        status = sent;
        }
        cop_release(pids);
        return status;
}

/* ---- Picking --------------------------------------------------------------------------- */

/* A worker has a generator of its own; a visitor's numbers are mixed references. */
static uint64_t random_number(struct cop__visit *visit)
{
        struct cop__worker *worker = visit->thread->worker;
        return worker != NULL ? cop__random_next(&worker->random)
                              : cop__mix(cop__ref_new(visit->here).bits);
}

/* The list may have become shorter since it was counted: then it is gone through again from the front. */
static cop_pid nth_member(const struct cop__key *key, uint64_t n)
{
        struct cop__entry *entry = cop__entry_first(key);
        while (entry != NULL && n-- > 0) {
                struct cop__entry *next = cop__entry_next(entry);
                entry = next != NULL ? next : cop__entry_first(key);
        }
        return entry != NULL ? entry->pid : cop_no_pid();
}

cop_status cop_group_pick(const char *scope, cop_term group, cop_pick how, cop_pid *result)
{
        struct cop__visit visit;
        struct cop__keying wanted;
        cop_pid pid = cop_no_pid();
        if (result == NULL || (how != COP_PICK_RANDOM && how != COP_PICK_IN_TURN))
                return COP_E_BAD_ARGUMENT;
        if (COP__UNLIKELY(cop__inside_here() != NULL))
                return cop__outside_book((cop__query){ .what = COP__ASK_PICK, .how = how,
                                                       .name = cop_text_of(scope), .term = group },
                                         NULL, result, NULL);
        cop_status status = begin(&visit, scope, group, &wanted);
        if (status != COP_OK)
                return status;
        struct cop__key *key = cop__book_find(visit.book, &wanted);
        uint64_t count = key != NULL ? cop__load_relaxed(&key->count) : 0;
        if (count > 0) {
                uint64_t number = how == COP_PICK_RANDOM ? random_number(&visit)
                                                         : cop__add_relaxed(&key->turns, 1);
                pid = nth_member(key, number % count);
        }
        cop__book_leave(&visit);
        if (pid.bits == 0)
                return COP_E_NOT_FOUND;
        *result = pid;
        return COP_OK;
}
