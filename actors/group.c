/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Groups: joining and leaving. A scope is a book (book.h) with one partition, so that what happens in it happens in one
 * order, which is that of its events. group_look.c reads it, group_monitor.c tells of it.
 */
#include <coppice/group.h>

#include "actors/actor.h"
#include "actors/book.h"
#include "actors/outside.h"

static cop_status check_members(const cop_pid *pids, size_t count)
{
        if (pids == NULL && count > 0)
                return COP_E_BAD_ARGUMENT;
        for (size_t i = 0; i < count; i++)
                if (pids[i].bits == 0)
                        return COP_E_BAD_ARGUMENT;
        for (size_t i = 0; i < count; i++)
                if (cop__pid_node(pids[i]) != 0)
                        return COP_E_NOT_LOCAL;
        return COP_OK;
}

static cop_status begin(struct cop__visit *visit, const char *scope, cop_term group,
                        const cop_pid *pids, size_t count, struct cop__keying *wanted)
{
        cop_status status = check_members(pids, count);
        if (status == COP_OK)
                status = cop__keying_of_group(group, wanted);
        return status == COP_OK ? cop__book_enter(visit, scope, true) : status;
}

/* For an actor in a process of its own its outpost does it. */
static COP__COLD cop_status change_outside(enum cop__question what, const char *scope, cop_term group,
                                           const cop_pid *pids, size_t count)
{
        cop_status status = check_members(pids, count);
        return status == COP_OK ? cop__outside_members(what, scope, group, pids, count) : status;
}

/* The dead are let in, and are not there. */
static cop_status join(struct cop__visit *visit, const struct cop__keying *group, cop_pid pid)
{
        struct cop__proposal proposal;
        cop_status status = cop__proposal_make(visit, group, pid, cop_nil(), &proposal);
        if (status != COP_OK)
                return status;
        status = cop__book_insert(visit, &proposal, NULL);
        cop__proposal_drop(visit->thread, &proposal);
        return status == COP_E_NO_ACTOR ? COP_OK : status;
}

cop_status cop_group_join_all(const char *scope, cop_term group, const cop_pid *pids, size_t count)
{
        struct cop__visit visit;
        struct cop__keying wanted;
        size_t joined = 0;
        if (COP__UNLIKELY(cop__inside_here() != NULL))
                return change_outside(COP__ASK_JOIN, scope, group, pids, count);
        cop_status status = begin(&visit, scope, group, pids, count, &wanted);
        if (status != COP_OK)
                return status;
        while (status == COP_OK && joined < count)
                status = join(&visit, &wanted, pids[joined++]);
        /* Without memory for one the others leave again. */
        for (size_t i = 0; status != COP_OK && i + 1 < joined; i++)
                cop__book_withdraw(&visit, pids[i], &wanted, NULL, 1);
        cop__book_leave(&visit);
        return status;
}

cop_status cop_group_join(const char *scope, cop_term group, cop_pid pid)
{
        return cop_group_join_all(scope, group, &pid, 1);
}

cop_status cop_group_leave_all(const char *scope, cop_term group, const cop_pid *pids, size_t count)
{
        struct cop__visit visit;
        struct cop__keying wanted;
        uint64_t left = 0;
        if (COP__UNLIKELY(cop__inside_here() != NULL))
                return change_outside(COP__ASK_LEAVE, scope, group, pids, count);
        cop_status status = begin(&visit, scope, group, pids, count, &wanted);
        if (status != COP_OK)
                return status;
        for (size_t i = 0; i < count; i++)
                left += cop__book_withdraw(&visit, pids[i], &wanted, NULL, 1);
        cop__book_leave(&visit);
        return left > 0 ? COP_OK : COP_E_NOT_FOUND;
}

cop_status cop_group_leave(const char *scope, cop_term group, cop_pid pid)
{
        return cop_group_leave_all(scope, group, &pid, 1);
}
