/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Has the scheduler anything left to do? See quiet.h. */
#include "scheduler/quiet.h"

#include <time.h>

#include "base/clock.h"
#include "scheduler/scheduler.h"
#include "scheduler/simulation.h"

/* How often who waits looks by itself. */
#define LOOK_NS 10000000u

void cop__quiet_init(struct cop__quiet *quiet)
{
        pthread_condattr_t clock;
        quiet->onlookers = 0;
        pthread_mutex_init(&quiet->mutex, NULL);
        pthread_condattr_init(&clock);
        pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
        pthread_cond_init(&quiet->changed, &clock);
        pthread_condattr_destroy(&clock);
}

void cop__quiet_fini(struct cop__quiet *quiet)
{
        pthread_cond_destroy(&quiet->changed);
        pthread_mutex_destroy(&quiet->mutex);
}

void cop__quiet_tell(struct cop__quiet *quiet)
{
        pthread_mutex_lock(&quiet->mutex);
        pthread_cond_broadcast(&quiet->changed);
        pthread_mutex_unlock(&quiet->mutex);
}

/* ---- One look -------------------------------------------------------------------------- */

/* False: some worker is awake. A worker stores its turns before it sets its bit, and that pairs with the load here. */
static bool all_asleep(struct cop__scheduler *scheduler, uint64_t *turns)
{
        uint64_t idle = cop__load_seq(&scheduler->idle) | cop__load_seq(&scheduler->spares.resting);
        uint32_t reach = cop__load_acquire(&scheduler->reach); /* REACH */
        *turns = 0;
        for (unsigned i = 0; i < reach; i++) {
                if (!(idle >> i & 1))
                        return false;
                *turns += cop__load_relaxed(&scheduler->workers[i].turns);
        }
        return true;
}

static bool has_timer(struct cop__wheel *wheel)
{
        cop__lock_lock(&wheel->lock);
        bool armed = cop__wheel_count(wheel) > 0;
        cop__lock_unlock(&wheel->lock);
        return armed;
}

static bool has_timers(struct cop__scheduler *scheduler)
{
        for (unsigned i = 0; i < cop__load_acquire(&scheduler->reach); i++)
                if (has_timer(&scheduler->workers[i].wheel))
                        return true;
        return false;
}

static bool has_tasks(struct cop__scheduler *scheduler)
{
        cop__lock_lock(&scheduler->shared_lock);
        bool found = false;
        for (unsigned i = 0; i < COP__PRIORITIES; i++)
                found |= scheduler->shared[i].first != NULL;
        cop__lock_unlock(&scheduler->shared_lock);
        for (unsigned i = 0; i < cop__load_acquire(&scheduler->reach) && !found; i++)
                found = !cop__runqueue_is_empty(&scheduler->workers[i].ring) ||
                        cop__guests_are_there(&scheduler->workers[i].guests) ||
                        !cop__desk_is_empty(&scheduler->workers[i].desk);
        return found;
}

/* Tasks of other threads. Such a one is in a queue before it is not counted any more: so this comes before the look at the queues. */
static bool is_pending(struct cop__scheduler *scheduler)
{
        return cop__load_seq(&scheduler->elsewhere) != 0 || cop__load_seq(&scheduler->spares.firing) != 0;
}

static bool is_quiet(struct cop__scheduler *scheduler)
{
        uint64_t turns, turns_after;
        if (!all_asleep(scheduler, &turns) || has_timers(scheduler) ||
            cop__load_seq(&scheduler->lookout) != 0 || is_pending(scheduler) || has_tasks(scheduler))
                return false;
        cop__fence_seq();
        return all_asleep(scheduler, &turns_after) && turns == turns_after;
}

/* ---- Waiting ----------------------------------------------------------------------------- */

static void wait_until(struct cop__quiet *quiet, uint64_t when_ns)
{
        struct timespec when = { .tv_sec = (time_t)(when_ns / 1000000000),
                                 .tv_nsec = (long)(when_ns % 1000000000) };
        pthread_cond_timedwait(&quiet->changed, &quiet->mutex, &when);
}

/* Under the mutex. */
static bool look_until(struct cop__scheduler *scheduler, uint64_t deadline_ns)
{
        while (!is_quiet(scheduler)) {
                uint64_t now_ns = cop__clock_ns();
                if (now_ns >= deadline_ns)
                        return false;
                wait_until(&scheduler->quiet, deadline_ns - now_ns < LOOK_NS ? deadline_ns : now_ns + LOOK_NS);
        }
        return true;
}

/* Workers take the mutex, and look whether anybody waits: so also where the thread is cancelled while it waits. */
static void end_wait(void *argument)
{
        struct cop__quiet *quiet = argument;
        pthread_mutex_unlock(&quiet->mutex);
        cop__sub_seq(&quiet->onlookers, 1);
}

bool cop__quiet_await(struct cop__scheduler *scheduler, uint64_t deadline_ns)
{
        bool found;
        if (scheduler->hooks.simulation != NULL)
                return cop__simulation_settle(scheduler->hooks.simulation, deadline_ns);
        /* Before the first look: a worker that sets its bit after that look finds this. */
        cop__add_seq(&scheduler->quiet.onlookers, 1);
        pthread_mutex_lock(&scheduler->quiet.mutex);
        pthread_cleanup_push(end_wait, &scheduler->quiet);
        found = look_until(scheduler, deadline_ns);
        pthread_cleanup_pop(1);
        return found;
}
