/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Joining and leaving. See company.h. */
#include "scheduler/company.h"

#include "scheduler/barrier.h"

void cop__company_init(struct cop__company *company, struct cop__solitude *solitude)
{
        cop__lock_init(&company->lock);
        company->awake = 0;
        company->visiting = 0;
        company->solitude = solitude != NULL && cop__barrier_is_there() ? solitude : NULL;
        if (company->solitude != NULL)
                cop__store_release(&solitude->alone, true);
}

/* The fence was there when the node began. Should it fail all the same, nobody can say where the worker is, and it may not go on. */
static void end_solitude(struct cop__solitude *solitude)
{
        cop__store_relaxed(&solitude->alone, false);
        if (!cop__barrier_all())
                __builtin_trap();
        for (unsigned looks = 0; cop__load_acquire(&solitude->at_work); looks++) /* JOIN */
                cop__spin_wait(looks);
}

void cop__company_join(struct cop__company *company)
{
        if (company->solitude == NULL)
                return;
        cop__lock_lock(&company->lock);
        if (company->awake++ == 0)
                end_solitude(company->solitude);
        cop__lock_unlock(&company->lock);
}

void cop__company_leave(struct cop__company *company)
{
        if (company->solitude == NULL)
                return;
        cop__lock_lock(&company->lock);
        if (--company->awake == 0)
                cop__store_release(&company->solitude->alone, true); /* PART */
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
