/* Copyright (c) 2026 The Coppice authors. MIT licence. */
#include "scheduler/due.h"

#include "base/clock.h"
#include "scheduler/wake.h"

void cop__arm(struct cop__thread *thread, struct cop__timer *timer, uint64_t when_ns)
{
        struct cop__worker *worker = cop__worker_for_timers(thread);
        if (cop__timer_arm(&worker->wheel, timer, when_ns))
                cop__hasten(thread, worker);
}

void cop__hasten(struct cop__thread *thread, struct cop__worker *worker)
{
        struct cop__scheduler *scheduler = thread->scheduler;
        if (thread->worker != worker)
                cop__park_wake(&worker->park); /* a full fence, as the wheel asks for */
        if (COP__UNLIKELY(cop__load_relaxed(&scheduler->idle) != 0) &&
            cop__load_relaxed(&scheduler->lookout) == 0)
                cop__wake_one(scheduler); /* who sees to it if that worker's turn is a long one */
}

/* Those of `owner`, by `worker`, which joins the company for it; NULL: the caller has joined. */
COP__INLINE void serve_timers(struct cop__worker *owner, struct cop__worker *worker)
{
        const struct cop__scheduler *scheduler = owner->thread.scheduler;
        if (cop__wheel_next(&owner->wheel) == COP__WHEEL_NEVER)
                return;
        uint64_t now_ns = cop__clock_ns();
        if (cop__wheel_next(&owner->wheel) > now_ns || !cop__lock_trylock(&owner->expiring))
                return;
        if (worker != NULL)
                cop__join_company(worker);
        cop__wheel_expire(&owner->wheel, now_ns, scheduler->hooks.fire, scheduler->owner);
        cop__lock_unlock(&owner->expiring);
}

void cop__serve_timers(struct cop__worker *worker)
{
        serve_timers(worker, worker);
}

void cop__serve_timers_of(struct cop__worker *busy, struct cop__worker *worker)
{
        serve_timers(busy, worker);
}

void cop__tell_ready(struct cop__worker *worker, const struct cop__poll_events *events)
{
        if (events->count > 0)
                cop__join_company(worker);
        for (int i = 0; i < events->count; i++)
                worker->thread.scheduler->hooks.ready(&worker->thread, events->items[i].data.u64);
}

COP__COLD void cop__look_outside(struct cop__worker *worker)
{
        struct cop__poll *poll = &worker->thread.scheduler->poll;
        struct cop__poll_events events;
        if (!cop__poll_sit(poll, worker->index))
                return;
        cop__poll_look(poll, &events);
        cop__poll_rise(poll);
        cop__tell_ready(worker, &events);
}

/* What has come is put where all find it, and is a reason to ask for a worker. One that has gone to sleep meanwhile has not found the seat, and
 * tries again. */
COP__COLD void cop__look_outside_for_workers(struct cop__scheduler *scheduler)
{
        struct cop__poll_events events;
        if (!cop__poll_is_open(&scheduler->poll) || scheduler->poll.between_turns ||
            cop__load_seq(&scheduler->idle) != 0 || !cop__poll_sit(&scheduler->poll, COP__WORKERS_MAX))
                return;
        cop__poll_look(&scheduler->poll, &events);
        cop__poll_rise(&scheduler->poll);
        if (events.count > 0) {
                cop__company_join(&scheduler->company);
                for (int i = 0; i < events.count; i++)
                        scheduler->hooks.ready(&scheduler->watch_thread, events.items[i].data.u64);
                cop__company_leave(&scheduler->company);
        }
        cop__fence_seq(); /* SLEEPER */
        if (cop__load_seq(&scheduler->idle) != 0)
                cop__wake_one(scheduler);
}
