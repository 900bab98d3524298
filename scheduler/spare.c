/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* See spare.h. */
#include "scheduler/spare.h"

#include "base/clock.h"
#include "scheduler/scheduler.h"
#include "scheduler/wake.h"

static uint64_t bit_of(const struct cop__worker *worker)
{
        return UINT64_C(1) << worker->index;
}

unsigned cop__workers_active(const struct cop__scheduler *scheduler)
{
        return scheduler->worker_count + cop__load_relaxed(&scheduler->spares.at_work);
}

/* ---- Rest ---------------------------------------------------------------------------- */

/* True: one is too many, and it is this one. */
static bool is_to_rest(struct cop__scheduler *scheduler)
{
        uint32_t at_work = cop__load_relaxed(&scheduler->spares.at_work);
        while (at_work > cop__load_relaxed(&scheduler->spares.wanted))
                if (cop__cas_seq(&scheduler->spares.at_work, &at_work, at_work - 1))
                        return true;
        return false;
}

/* Counted meanwhile, so that nobody takes the scheduler for quiet, or it for one that holds nothing: see quiet.h, grace.h. */
static void fire_at_rest(struct cop__worker *worker)
{
        struct cop__scheduler *scheduler = worker->thread.scheduler;
        cop__add_seq(&scheduler->spares.firing, 1);
        cop__join_company(worker);
        cop__serve_timers(worker);
        cop__clear_desk(worker);
        cop__leave_company(worker);
        cop__sub_seq(&scheduler->spares.firing, 1);
}

void cop__spare_rest(struct cop__worker *worker)
{
        struct cop__scheduler *scheduler = worker->thread.scheduler;
        if (!is_to_rest(scheduler))
                return;
        cop__clear_desk(worker);
        cop__leave_company(worker);
        cop__or_seq(&scheduler->spares.resting, bit_of(worker)); /* RESTING */
        for (;;) {
                uint32_t ticket = cop__park_ticket(&worker->park);
                if (!(cop__load_seq(&scheduler->spares.resting) & bit_of(worker)) ||
                    cop__load_seq(&scheduler->stopping))
                        return;
                if (COP__UNLIKELY(cop__load_seq(&scheduler->quiet.onlookers) != 0))
                        cop__quiet_tell(&scheduler->quiet);
                cop__park_wait(&worker->park, ticket, cop__wheel_next(&worker->wheel));
                fire_at_rest(worker);
        }
}

/* ---- The watch's part --------------------------------------------------------------------- */

/* One that rests goes to work again; false: none rests. */
static bool wake_spare(struct cop__scheduler *scheduler)
{
        uint64_t resting = cop__load_seq(&scheduler->spares.resting);
        if (resting == 0)
                return false;
        struct cop__worker *spare = &scheduler->workers[__builtin_ctzll(resting)];
        cop__add_seq(&scheduler->spares.at_work, 1);
        cop__and_seq(&scheduler->spares.resting, ~bit_of(spare)); /* RESTING */
        cop__park_wake(&spare->park);
        if (spare->started || cop__launch_worker(spare) == COP_OK)
                return true;
        cop__sub_seq(&scheduler->spares.at_work, 1); /* again at the next look */
        cop__or_seq(&scheduler->spares.resting, bit_of(spare));
        return true;
}

/* Without memory or a thread there is none, and it is tried again at the next look. */
static void start_spare(struct cop__scheduler *scheduler)
{
        uint32_t index = cop__load_relaxed(&scheduler->reach);
        if (index == scheduler->worker_count + scheduler->spare_count ||
            cop__open_worker(scheduler, index) != COP_OK)
                return;
        cop__add_seq(&scheduler->spares.at_work, 1);
        cop__store_release(&scheduler->reach, index + 1);
        if (cop__launch_worker(&scheduler->workers[index]) == COP_OK)
                return;
        /* It has a place, but no thread: it rests until it gets one. */
        cop__sub_seq(&scheduler->spares.at_work, 1);
        cop__or_seq(&scheduler->spares.resting, bit_of(&scheduler->workers[index]));
}

/* Those that sleep as others do have to be told that they are too many. */
static void call_to_rest(struct cop__scheduler *scheduler)
{
        uint32_t reach = cop__load_relaxed(&scheduler->reach);
        uint64_t idle = cop__load_seq(&scheduler->idle);
        for (uint32_t i = scheduler->worker_count; i < reach; i++)
                if (idle >> i & 1)
                        cop__park_wake(&scheduler->workers[i].park);
}

void cop__spares_adjust(struct cop__scheduler *scheduler, unsigned stuck, bool others_wait)
{
        uint32_t at_work = cop__load_relaxed(&scheduler->spares.at_work);
        cop__store_relaxed(&scheduler->spares.wanted, stuck);
        if (at_work > stuck) {
                call_to_rest(scheduler);
                return;
        }
        if (at_work >= stuck || !others_wait)
                return;
        /* Who is idle will do it; and one more at a time, for it may be enough. */
        if (cop__load_seq(&scheduler->idle) != 0)
                cop__wake_one(scheduler);
        else if (!wake_spare(scheduler))
                start_spare(scheduler);
}
