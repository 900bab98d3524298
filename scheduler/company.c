/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Joining and leaving. See company.h. */
#include "scheduler/company.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "scheduler/barrier.h"

void cop__company_init(struct cop__company *company, bool possible, uint64_t patience_ns)
{
        cop__lock_init(&company->lock);
        company->possible = possible && cop__barrier_is_there();
        company->patience_ns = patience_ns;
        company->solitude = NULL;
        company->latest = NULL;
        company->awake = 0;
        company->comings = 0;
        company->visiting = 0;
}

/* The fence was there when the node began. Should it fail all the same, and the way around it too, nobody can say where the worker is,
 * and the node may not go on. */
static COP__COLD void end_without_fence(void)
{
        fprintf(stderr,
                "your program: the system has taken membarrier and sched_setaffinity away from the process (%s), which were there when "
                "its node started, and workers cannot meet without them, so the process ends; a filter of system calls has to let one of "
                "them through, or be there before the node\n",
                strerror(errno));
        abort();
}

static void end_solitude(struct cop__company *company)
{
        struct cop__solitude *solitude = company->solitude;
        cop__store_relaxed(&solitude->alone, false);
        if (!cop__barrier_all())
                end_without_fence();
        for (unsigned looks = 0; cop__load_acquire(&solitude->at_work); looks++) /* JOIN */
                cop__spin_wait(looks);
        cop__store_relaxed(&company->solitude, (struct cop__solitude *)NULL);
}

/* `own` is the joiner's, which it may keep; NULL: it has none. */
static void join(struct cop__company *company, const struct cop__solitude *own)
{
        cop__lock_lock(&company->lock);
        if (company->solitude != NULL && company->solitude != own)
                end_solitude(company);
        cop__store_relaxed(&company->awake, company->awake + 1);
        if (own == NULL || own != company->latest)
                cop__store_relaxed(&company->comings, company->comings + 1);
        company->latest = own;
        cop__lock_unlock(&company->lock);
}

void cop__company_join(struct cop__company *company)
{
        if (company->possible)
                join(company, NULL);
}

void cop__company_leave(struct cop__company *company)
{
        if (!company->possible)
                return;
        cop__lock_lock(&company->lock);
        cop__store_relaxed(&company->awake, company->awake - 1);
        cop__lock_unlock(&company->lock); /* PART */
}

void cop__company_join_working(struct cop__company *company, struct cop__membership *membership,
                               const struct cop__solitude *solitude)
{
        if (membership->joined || !company->possible)
                return;
        join(company, solitude);
        membership->joined = true;
}

void cop__company_leave_working(struct cop__company *company, struct cop__membership *membership)
{
        if (!membership->joined)
                return;
        cop__company_leave(company);
        membership->joined = false;
}

/* Has it been by itself for so long? */
static bool is_undisturbed(struct cop__company *company, struct cop__membership *membership)
{
        uint32_t comings = cop__load_relaxed(&company->comings);
        if (company->patience_ns == 0)
                return true;
        uint64_t now_ns = cop__clock_ns();
        if (membership->comings != comings) {
                membership->comings = comings;
                membership->since_ns = now_ns;
        }
        return now_ns - membership->since_ns >= company->patience_ns;
}

void cop__company_claim(struct cop__company *company, struct cop__membership *membership,
                        struct cop__solitude *solitude)
{
        if (!membership->joined || cop__load_relaxed(&company->awake) != 1 ||
            cop__load_relaxed(&company->solitude) != NULL || !is_undisturbed(company, membership))
                return;
        cop__lock_lock(&company->lock); /* PART */
        if (company->awake == 1) {
                cop__store_relaxed(&company->solitude, solitude);
                cop__store_relaxed(&solitude->alone, true);
        }
        cop__lock_unlock(&company->lock);
}

void cop__company_join_visiting(struct cop__company *company)
{
        cop__company_join(company);
        cop__lock_lock(&company->lock);
        company->visiting++;
        cop__lock_unlock(&company->lock);
}

void cop__company_leave_visiting(struct cop__company *company)
{
        cop__lock_lock(&company->lock);
        company->visiting--;
        cop__lock_unlock(&company->lock);
        cop__company_leave(company);
}

bool cop__company_is_visited(struct cop__company *company)
{
        cop__lock_lock(&company->lock);
        bool visited = company->visiting > 0;
        cop__lock_unlock(&company->lock);
        return visited;
}
