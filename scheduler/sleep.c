/* Copyright (c) 2026 The Coppice authors. MIT licence. */
#include "scheduler/sleep.h"

#include "base/clock.h"
#include "scheduler/due.h"
#include "scheduler/lookout.h"
#include "scheduler/pick.h"
#include "scheduler/search.h"
#include "scheduler/wake.h"

/*
 * In the epoll, if the seat there is free and there is something to wait for. The lookout, whose sleep is short anyway, leaves a lively
 * poll to whoever lingers there, and looks afterwards.
 */
static void sleep_until(struct cop__worker *worker, uint32_t ticket, uint64_t deadline_ns,
                        bool lookout, struct cop__poll_events *events)
{
        struct cop__poll *poll = &worker->thread.scheduler->poll;
        bool leaves = lookout && cop__poll_is_lively(poll);
        if (leaves || !cop__poll_sit(poll, worker->index)) {
                cop__park_wait(&worker->park, ticket, deadline_ns);
                if (!leaves || !cop__poll_sit(poll, worker->index))
                        return;
                cop__poll_look(poll, events);
        } else {
                cop__poll_wait(poll, &worker->park, ticket, deadline_ns, events);
        }
        cop__poll_rise(poll);
}

/*
 * Before it sleeps, where that is worth it (poll.h, Lively). It counts as busy meanwhile: nobody leaves work to it, and what others have
 * put where it is for all it looks at itself. True: something has come.
 */
static bool linger(struct cop__worker *worker)
{
        struct cop__scheduler *scheduler = worker->thread.scheduler;
        struct cop__poll *poll = &scheduler->poll;
        struct cop__poll_events events = { .count = 0 };
        if (COP__LIKELY(!cop__poll_is_lively(poll)) || !cop__poll_sit(poll, worker->index))
                return false;
        cop__stop_searching(worker, false);
        uint64_t end_ns = cop__clock_ns() + COP__LINGER_NS;
        uint64_t timer_ns = cop__wheel_next(&worker->wheel);
        if (timer_ns < end_ns)
                end_ns = timer_ns;
        do
                cop__poll_look(poll, &events);
        while (events.count == 0 && !cop__is_work_left(scheduler, true) && !cop__guests_are_there(&worker->guests) &&
               !cop__load_relaxed(&scheduler->stopping) && cop__clock_ns() < end_ns);
        if (events.count == 0)
                cop__poll_set_lively(poll, false);
        cop__poll_rise(poll);
        cop__tell_ready(worker, &events);
        return events.count > 0;
}

/* Sleeps until there is something to do, or might be. */
static void park(struct cop__worker *worker)
{
        struct cop__scheduler *scheduler = worker->thread.scheduler;
        uint64_t bit = UINT64_C(1) << worker->index;
        bool lookout = false;
        struct cop__poll_events events = { .count = 0 };
        cop__haul_judge(worker);
        bool aloof = cop__haul_is_aloof(worker);
        uint32_t ticket = cop__park_ticket(&worker->park);
        cop__or_seq(&scheduler->idle, bit);
        if (worker->searching) {
                worker->searching = false;
                cop__sub_seq(&scheduler->searching, 1);
        }
        cop__fence_seq(); /* SLEEPER */
        bool more = cop__is_work_left(scheduler, !aloof) || cop__guests_are_there(&worker->guests);
        if (!more && !cop__load_seq(&scheduler->stopping)) {
                cop__leave_company(worker);
                uint64_t deadline_ns = cop__wheel_next(&worker->wheel);
                if (aloof && worker->haul.until_ns < deadline_ns)
                        deadline_ns = worker->haul.until_ns;
                lookout = cop__lookout_begin(worker);
                uint64_t look_ns = lookout ? cop__clock_ns() + COP__LOOKOUT_NS : UINT64_MAX;
                if (COP__UNLIKELY(cop__load_seq(&scheduler->quiet.onlookers) != 0))
                        cop__quiet_tell(&scheduler->quiet);
                sleep_until(worker, ticket, look_ns < deadline_ns ? look_ns : deadline_ns, lookout,
                            &events);
                if (lookout)
                        cop__lookout_end(worker);
        }
        /* A waker that cleared the bit has counted this worker as searching. */
        worker->searching = !(cop__and_seq(&scheduler->idle, ~bit) & bit);
        if (COP__UNLIKELY(cop__load_seq(&scheduler->watch.asleep) != 0)) /* WATCH */
                cop__watch_wake(&scheduler->watch);
        if ((lookout || more) && !worker->searching) {
                /* Who was the lookout and finds something to do must not leave the others asleep without one. And who put what is
                 * left may have seen this one search: whoever finds some of it tells of the rest. */
                cop__add_seq(&scheduler->searching, 1);
                worker->searching = true;
        }
        worker->was_lookout = lookout || (more && worker->was_lookout);
        cop__serve_timers(worker);
        cop__tell_ready(worker, &events); /* with the bit back: what it makes runnable is for this worker */
}

/* The scheduler stops. Has somebody come meanwhile? */
static bool is_visited(struct cop__worker *worker)
{
        cop__fence_seq(); /* STOP */
        return cop__guests_are_there(&worker->guests);
}

struct cop__task *cop__wait_for_task(struct cop__worker *worker)
{
        struct cop__task *task;
        cop__leisure_begin(worker);
        do {
                task = cop__search(worker);
                if (task != NULL)
                        break;
                if (COP__UNLIKELY(cop__load_relaxed(&worker->thread.scheduler->stopping)) && !is_visited(worker))
                        return NULL;
                if (COP__UNLIKELY(worker->index >= worker->thread.scheduler->worker_count)) {
                        cop__stop_searching(worker, true);
                        cop__spare_rest(worker);
                }
                if (!linger(worker))
                        park(worker);
                task = cop__pick_at_hand(worker);
        } while (task == NULL);
        cop__leisure_end(worker);
        cop__join_company(worker);
        cop__stop_searching(worker, true);
        return task;
}
