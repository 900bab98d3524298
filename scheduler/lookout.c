/* Copyright (c) 2026 The Coppice authors. MIT licence. */
#include "scheduler/lookout.h"

#include "base/clock.h"
#include "base/limits.h"
#include "scheduler/due.h"
#include "scheduler/runnable.h"
#include "scheduler/shared.h"
#include "scheduler/wake.h"

bool cop__lookout_begin(struct cop__worker *worker)
{
        struct cop__scheduler *scheduler = worker->thread.scheduler;
        uint32_t nobody = 0;
        unsigned asleep = (unsigned)__builtin_popcountll(cop__load_relaxed(&scheduler->idle));
        return asleep < cop__workers_active(scheduler) &&
               cop__cas_seq(&scheduler->lookout, &nobody, worker->index + 1);
}

/* Have its turns since the last look, so many, been long ones, with more waiting behind them? What was before that look's time is left out. */
static bool is_behind(const struct cop__worker *busy, uint64_t turns, uint64_t now_ns)
{
        uint64_t lasted_ns = now_ns - busy->seen_ns < COP__LOOKOUT_NS ? now_ns - busy->seen_ns : COP__LOOKOUT_NS;
        return turns * COP__TURN_LONG_NS < lasted_ns &&
               !(cop__runqueue_is_empty(&busy->ring) && cop__desk_is_empty(&busy->desk));
}

/* What a worker that has been in one turn since the last look has lying about: its timers, the tasks on its desk. */
static void look_after(struct cop__worker *worker, struct cop__worker *busy, uint64_t now_ns)
{
        uint64_t turns = cop__load_relaxed(&busy->turns) - busy->turns_seen;
        const struct cop__scheduler *scheduler = worker->thread.scheduler;
        uint64_t asleep = cop__load_relaxed(&scheduler->idle) | cop__load_relaxed(&scheduler->spares.resting);
        bool is_asleep = asleep >> busy->index & 1;
        if (busy != worker && !is_asleep && (turns == 0 || (!worker->haul.talks && is_behind(busy, turns, now_ns))))
                cop__haul_forget(worker);
        busy->turns_seen += turns;
        busy->seen_ns = now_ns;
        if (busy == worker || turns != 0)
                return;
        cop__serve_timers_of(busy, worker);
        cop__guests_send_on(busy);
        if (cop__desk_is_empty(&busy->desk) || !cop__desk_is_open(&busy->desk))
                return;
        struct cop__task *tasks[1 + COP__DESK_FEW];
        struct cop__task_list pile;
        uint32_t count = cop__desk_raid(&busy->desk, tasks, &pile);
        for (uint32_t i = 0; i < count; i++)
                cop__ring_put(worker, tasks[i]);
        if (pile.count > 0)
                cop__shared_put(worker->thread.scheduler, COP_PRIORITY_NORMAL, pile.first, pile.last, pile.count);
}

void cop__lookout_end(struct cop__worker *worker)
{
        struct cop__scheduler *scheduler = worker->thread.scheduler;
        uint32_t reach = cop__load_acquire(&scheduler->reach); /* REACH */
        uint64_t now_ns = cop__clock_ns();
        for (unsigned i = 0; i < reach; i++)
                look_after(worker, &scheduler->workers[i], now_ns);
        cop__store_seq(&scheduler->lookout, 0);
}

bool cop__lookout_stand_in(struct cop__scheduler *scheduler)
{
        uint32_t nobody = 0;
        return cop__cas_seq(&scheduler->lookout, &nobody, COP__WORKERS_MAX + 1);
}

/* Whoever found the place taken as it fell asleep had set its bit before. */
void cop__lookout_stood_in(struct cop__scheduler *scheduler)
{
        cop__store_seq(&scheduler->lookout, 0);
        if (cop__load_seq(&scheduler->idle) != 0)
                cop__wake_one(scheduler);
}

/* Somebody is awake besides this worker: what lies on his desk he may have left to who was the lookout then. */
static bool is_another_awake(const struct cop__scheduler *scheduler)
{
        unsigned asleep = (unsigned)__builtin_popcountll(cop__load_relaxed(&scheduler->idle));
        return asleep + 1 < cop__workers_active(scheduler);
}

bool cop__lookout_is_needed(const struct cop__worker *worker)
{
        const struct cop__scheduler *scheduler = worker->thread.scheduler;
        return cop__load_relaxed(&scheduler->lookout) == 0 &&
               (worker->was_lookout || cop__wheel_next(&worker->wheel) != COP__WHEEL_NEVER ||
                cop__poll_is_open(&scheduler->poll) || is_another_awake(scheduler));
}

static void clear_ring(struct cop__worker *worker)
{
        struct cop__task *tasks[COP__RUNQUEUE_BATCH];
        uint32_t count;
        while ((count = cop__runqueue_steal(&worker->ring, tasks, COP__RUNQUEUE_BATCH)) > 0) {
                for (uint32_t i = 0; i + 1 < count; i++)
                        tasks[i]->next = tasks[i + 1];
                cop__shared_put(worker->thread.scheduler, COP_PRIORITY_NORMAL, tasks[0], tasks[count - 1], count);
        }
}

void cop__relieve_worker(struct cop__worker *worker)
{
        struct cop__scheduler *scheduler = worker->thread.scheduler;
        uint32_t count;
        clear_ring(worker);
        cop__guests_send_on(worker);
        if (cop__desk_is_empty(&worker->desk) || !cop__desk_is_open(&worker->desk))
                return;
        struct cop__task *few[1 + COP__DESK_FEW];
        struct cop__task_list pile;
        count = cop__desk_raid(&worker->desk, few, &pile);
        for (uint32_t i = 0; i < count; i++)
                cop__shared_put(scheduler, COP_PRIORITY_NORMAL, few[i], few[i], 1);
        if (pile.count > 0)
                cop__shared_put(scheduler, COP_PRIORITY_NORMAL, pile.first, pile.last, pile.count);
}

void cop__clear_desk(struct cop__worker *worker)
{
        struct cop__task *task;
        while ((task = cop__desk_swap(&worker->desk, NULL)) != NULL ||
               (task = cop__desk_begin(&worker->desk)) != NULL ||
               (task = cop__desk_take(&worker->desk)) != NULL)
                cop__shared_put(worker->thread.scheduler, COP_PRIORITY_NORMAL, task, task, 1);
        clear_ring(worker);
}
