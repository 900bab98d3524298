/* Copyright (c) 2026 The Coppice authors. MIT licence. */
#include "scheduler/retreat.h"

#include "base/clock.h"
#include "base/limits.h"
#include "scheduler/guest.h"
#include "scheduler/haul.h"
#include "scheduler/scheduler.h"

static void enter(struct cop__worker *worker, enum cop__retreat_phase phase, uint64_t now_ns)
{
        struct cop__retreat *retreat = &worker->retreat;
        retreat->phase = phase;
        retreat->since_ns = now_ns;
        retreat->turns_here = worker->turns;
        retreat->turns_there = cop__load_relaxed(&retreat->other->turns);
        retreat->leisure_ns = cop__leisure_of(retreat->other, now_ns);
}

static uint64_t turns_there(const struct cop__retreat *retreat)
{
        return cop__load_relaxed(&retreat->other->turns) - retreat->turns_there;
}

/* Turns in a second. */
static uint64_t pace_of(uint64_t turns, uint64_t ns)
{
        return turns * 1000000 / (ns / 1000 + 1);
}

/* Spare ones come and go by other rules. */
static bool is_regular(const struct cop__worker *worker)
{
        return worker->index < worker->thread.scheduler->worker_count;
}

void cop__retreat_share(struct cop__worker *worker, struct cop__worker *other, uint64_t now_ns)
{
        struct cop__retreat *retreat = &worker->retreat;
        if (!COP__RETREATS || cop__retreat_is_on(retreat) || !is_regular(worker) || !is_regular(other))
                return;
        if (retreat->phase == COP__RETREAT_SHARING && retreat->other == other)
                return;
        retreat->other = other;
        if (now_ns >= retreat->not_before_ns)
                enter(worker, COP__RETREAT_SHARING, now_ns);
        else
                retreat->phase = COP__RETREAT_BUSY;
}

/* ---- The way there and back -------------------------------------------------------------- */

static bool claim(struct cop__worker *worker, uint8_t as)
{
        uint8_t none = COP__HAVEN_NONE;
        return cop__cas_seq(&worker->haven, &none, as);
}

static bool claim_both(struct cop__worker *worker, struct cop__worker *other)
{
        if (!claim(worker, COP__HAVEN_LEFT))
                return false;
        if (claim(other, COP__HAVEN_OF_ANOTHER))
                return true;
        cop__store_seq(&worker->haven, (uint8_t)COP__HAVEN_NONE);
        return false;
}

/* But for the pile, which is empty. */
static void give_all(struct cop__worker *worker, struct cop__worker *other)
{
        struct cop__task *task;
        while ((task = cop__desk_swap(&worker->desk, NULL)) != NULL ||
               (task = cop__desk_take(&worker->desk)) != NULL || cop__runqueue_pull(&worker->ring, &task, 1) == 1)
                cop__guest_put(other, task);
}

/* Not again for a while, which grows as long as nothing comes of it. */
static void stay_busy(struct cop__retreat *retreat, uint64_t now_ns)
{
        retreat->phase = COP__RETREAT_BUSY;
        retreat->busy_ns = retreat->busy_ns == 0 ? COP__SHARE_EVERY_NS : 2 * retreat->busy_ns;
        if (retreat->busy_ns > COP__SHARE_EVERY_MOST_NS)
                retreat->busy_ns = COP__SHARE_EVERY_MOST_NS;
        retreat->not_before_ns = now_ns + retreat->busy_ns;
}

void cop__retreat_end(struct cop__worker *worker)
{
        struct cop__retreat *retreat = &worker->retreat;
        if (!cop__retreat_is_on(retreat))
                return;
        retreat->phase = COP__RETREAT_BUSY;
        cop__store_seq(&retreat->other->haven, (uint8_t)COP__HAVEN_NONE);
        cop__store_seq(&worker->haven, (uint8_t)COP__HAVEN_NONE);
}

/* ---- What is counted ----------------------------------------------------------------------- */

/* They have shared for long enough to know how fast that is. */
static void end_sharing(struct cop__worker *worker, uint64_t ns, uint64_t now_ns)
{
        struct cop__retreat *retreat = &worker->retreat;
        uint64_t here = worker->turns - retreat->turns_here, turns = here + turns_there(retreat);
        if (here < turns / 8) {
                enter(worker, COP__RETREAT_SHARING, now_ns); /* it has had hardly any of it */
                return;
        }
        if (turns * COP__TURN_SHORT_NS < 2 * ns || !claim_both(worker, retreat->other)) {
                stay_busy(retreat, now_ns);
                return;
        }
        retreat->pace = pace_of(turns, ns);
        worker->haul.talks = false; /* that was said of tasks that are the other's now */
        give_all(worker, retreat->other);
        enter(worker, COP__RETREAT_SETTLING, now_ns);
        cop__haul_keep_aloof(worker, now_ns + COP__SHARE_NS / 2);
}

void cop__retreat_look(struct cop__worker *worker)
{
        struct cop__retreat *retreat = &worker->retreat;
        if (cop__retreat_is_on(retreat)) {
                cop__haul_is_aloof(worker); /* it has got tasks by other ways, and no search looks at the time */
                return;
        }
        uint64_t every = retreat->phase == COP__RETREAT_BUSY ? COP__SHARE_TURNS : COP__SHARE_TURNS / 16;
        if (retreat->other == NULL || worker->turns % every != 0 || cop__load_relaxed(&worker->desk.pile.count) > 0)
                return;
        uint64_t now_ns = cop__clock_ns();
        if (retreat->phase == COP__RETREAT_BUSY)
                cop__retreat_share(worker, retreat->other, now_ns);
        else if (now_ns - retreat->since_ns >= COP__SHARE_NS)
                end_sharing(worker, now_ns - retreat->since_ns, now_ns);
}

/* Is one of them enough, or faster than both? By an eighth at least, or chance would decide. */
static bool is_better_alone(const struct cop__retreat *retreat, uint64_t now_ns)
{
        uint64_t ns = now_ns - retreat->since_ns;
        uint64_t idle_ns = cop__leisure_since(retreat->other, retreat->leisure_ns, now_ns);
        return idle_ns > ns / 4 || pace_of(turns_there(retreat), ns) > retreat->pace + retreat->pace / 8;
}

bool cop__retreat_goes_on(struct cop__worker *worker, uint64_t now_ns)
{
        struct cop__retreat *retreat = &worker->retreat;
        switch (retreat->phase) {
        case COP__RETREAT_SETTLING:
                enter(worker, COP__RETREAT_ALONE, now_ns);
                cop__haul_keep_aloof(worker, now_ns + COP__SHARE_NS);
                return true;
        case COP__RETREAT_ALONE:
                if (is_better_alone(retreat, now_ns)) {
                        retreat->busy_ns = 0;
                        retreat->away_ns = retreat->away_ns < COP__ALOOF_NS ? COP__ALOOF_NS : 2 * retreat->away_ns;
                        if (retreat->away_ns > COP__ALOOF_MOST_NS)
                                retreat->away_ns = COP__ALOOF_MOST_NS;
                        enter(worker, COP__RETREAT_AWAY, now_ns);
                        cop__haul_keep_aloof(worker, now_ns + retreat->away_ns);
                        return true;
                }
                cop__retreat_end(worker);
                retreat->away_ns /= 4;
                stay_busy(retreat, now_ns);
                return false;
        default:
                cop__retreat_end(worker);
                return false;
        }
}
