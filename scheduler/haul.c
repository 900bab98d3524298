/* Copyright (c) 2026 The Coppice authors. MIT licence. */
#include "scheduler/haul.h"

#include "base/clock.h"
#include "base/limits.h"
#include "scheduler/scheduler.h"

static uint64_t bit_of(const struct cop__worker *worker)
{
        return UINT64_C(1) << worker->index;
}

void cop__haul_add(struct cop__worker *worker, uint32_t count)
{
        if (worker->haul.count == 0)
                worker->haul.since_ns = cop__clock_ns();
        worker->haul.count += count;
}

void cop__haul_forget(struct cop__worker *worker)
{
        worker->haul.while_ns = 0;
        if (worker->haul.until_ns == 0)
                return;
        worker->haul.until_ns = 0;
        cop__and_seq(&worker->thread.scheduler->aloof, ~bit_of(worker));
}

void cop__haul_judge(struct cop__worker *worker)
{
        struct cop__haul *haul = &worker->haul;
        if (haul->count == 0)
                return;
        uint64_t now_ns = cop__clock_ns();
        bool worth = now_ns - haul->since_ns >= COP__HAUL_WAKE_NS + (uint64_t)haul->count * COP__HAUL_TASK_NS;
        haul->count = 0;
        if (worth) {
                cop__haul_forget(worker);
                return;
        }
        haul->while_ns = haul->while_ns == 0 ? COP__ALOOF_NS : 2 * haul->while_ns;
        if (haul->while_ns > COP__ALOOF_MOST_NS)
                haul->while_ns = COP__ALOOF_MOST_NS;
        if (haul->until_ns == 0)
                cop__or_seq(&worker->thread.scheduler->aloof, bit_of(worker));
        haul->until_ns = now_ns + haul->while_ns;
}

bool cop__haul_is_aloof(struct cop__worker *worker)
{
        struct cop__haul *haul = &worker->haul;
        if (haul->until_ns == 0)
                return false;
        if (cop__clock_ns() < haul->until_ns)
                return true;
        haul->until_ns = 0;
        cop__and_seq(&worker->thread.scheduler->aloof, ~bit_of(worker));
        return false;
}
