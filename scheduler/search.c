/* Copyright (c) 2026 The Coppice authors. MIT licence. */
#include "scheduler/search.h"

#include "base/limits.h"
#include "base/random.h"
#include "scheduler/lookout.h"
#include "scheduler/runnable.h"
#include "scheduler/shared.h"
#include "scheduler/wake.h"

/* What comes this way is what others have given away, as a rule. */
static struct cop__task *take_shared(struct cop__worker *worker)
{
        struct cop__task *task = cop__shared_take(worker);
        if (task != NULL)
                cop__haul_add(worker, NULL, 1 + cop__runqueue_count(&worker->ring));
        return task;
}

struct cop__task *cop__search(struct cop__worker *worker)
{
        struct cop__scheduler *scheduler = worker->thread.scheduler;
        if (!cop__has_others(scheduler))
                return NULL;
        if (!worker->searching) {
                /* At most half of the workers search: more would only get in each other's way. */
                if (2 * cop__load_relaxed(&scheduler->searching) >= scheduler->worker_count)
                        return NULL;
                cop__add_seq(&scheduler->searching, 1);
                worker->searching = true;
        }
        if (worker->haul.abroad >= COP__ABROAD_MOST)
                cop__haul_judge(worker);
        bool aloof = cop__haul_is_aloof(worker);
        for (int round = 0; round < 4; round++) {
                struct cop__task *task = cop__shared_take_urgent(scheduler, false);
                if (task == NULL && !aloof)
                        task = cop__steal(worker);
                if (task == NULL)
                        task = take_shared(worker);
                if (task != NULL) {
                        cop__stop_searching(worker, true);
                        return task;
                }
                cop__spin_pause();
        }
        return NULL;
}

/* Half of another worker's ring comes to ours, a batch at most; the first of them is run. */
static struct cop__task *steal_from(struct cop__worker *worker, struct cop__worker *victim)
{
        struct cop__task *stolen[COP__RUNQUEUE_BATCH];
        uint32_t count = cop__runqueue_steal(&victim->ring, stolen, COP__RUNQUEUE_BATCH);
        for (uint32_t i = 1; i < count; i++)
                cop__ring_put(worker, stolen[i]);
        if (count == 0)
                return NULL;
        cop__haul_add(worker, victim, count);
        return stolen[0];
}

struct cop__task *cop__steal(struct cop__worker *worker)
{
        struct cop__scheduler *scheduler = worker->thread.scheduler;
        unsigned count = cop__load_acquire(&scheduler->reach); /* REACH */
        unsigned first = cop__random_below(&worker->random, count);
        for (unsigned i = 0; i < count; i++) {
                struct cop__worker *victim = &scheduler->workers[(first + i) % count];
                if (victim == worker)
                        continue;
                struct cop__task *task = steal_from(worker, victim);
                if (task != NULL)
                        return task;
        }
        return NULL;
}

bool cop__is_work_left(struct cop__scheduler *scheduler, bool elsewhere)
{
        if (cop__load_relaxed(&scheduler->shared[COP_PRIORITY_NORMAL].count) != 0 ||
            cop__load_relaxed(&scheduler->waiting) != 0)
                return true;
        uint32_t reach = cop__load_acquire(&scheduler->reach); /* REACH */
        for (unsigned i = 0; elsewhere && i < reach; i++)
                if (!cop__runqueue_is_empty(&scheduler->workers[i].ring))
                        return true;
        return false;
}

void cop__leave_search(struct cop__worker *worker, bool found)
{
        struct cop__scheduler *scheduler = worker->thread.scheduler;
        worker->searching = false;
        if (cop__sub_seq(&scheduler->searching, 1) == 1 && found) {
                cop__fence_seq(); /* SLEEPER: it stands in for the wakers that saw it search */
                if (cop__is_work_left(scheduler, false) || cop__lookout_is_needed(worker))
                        cop__offer(scheduler);
                else if (cop__is_work_left(scheduler, true))
                        cop__offer_own(scheduler);
        }
        worker->was_lookout = false;
}
