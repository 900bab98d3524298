/* Copyright (c) 2026 The Coppice authors. MIT licence. */
#include "scheduler/haul.h"

#include "base/clock.h"
#include "base/limits.h"
#include "scheduler/scheduler.h"

static uint64_t bit_of(const struct cop__worker *worker)
{
        return UINT64_C(1) << worker->index;
}

void cop__leisure_begin(struct cop__worker *worker)
{
        cop__store_relaxed(&worker->leisure.since_ns, cop__clock_ns());
}

void cop__leisure_end(struct cop__worker *worker)
{
        struct cop__leisure *leisure = &worker->leisure;
        uint64_t lasted_ns = cop__clock_ns() - leisure->since_ns;
        cop__store_relaxed(&leisure->since_ns, UINT64_C(0));
        cop__store_release(&leisure->total_ns, leisure->total_ns + lasted_ns); /* LEISURE */
}

uint64_t cop__leisure_of(const struct cop__worker *worker, uint64_t now_ns)
{
        uint64_t total_ns = cop__load_acquire(&worker->leisure.total_ns); /* LEISURE */
        uint64_t since_ns = cop__load_relaxed(&worker->leisure.since_ns);
        return since_ns != 0 && since_ns < now_ns ? total_ns + now_ns - since_ns : total_ns;
}

/* What has been gained with what it took last. */
static void count_gain(struct cop__haul *haul, uint64_t now_ns)
{
        uint64_t busy_ns = now_ns - haul->since_ns;
        uint64_t idle_ns = haul->from != NULL ? cop__leisure_since(haul->from, haul->leisure_ns, now_ns) : 0;
        if (idle_ns < busy_ns)
                haul->gained_ns += busy_ns - idle_ns;
}

void cop__haul_add(struct cop__worker *worker, struct cop__worker *from, uint32_t count)
{
        struct cop__haul *haul = &worker->haul;
        uint64_t now_ns = cop__clock_ns();
        if (haul->count != 0)
                count_gain(haul, now_ns);
        haul->since_ns = now_ns;
        haul->from = from;
        haul->leisure_ns = from != NULL ? cop__leisure_of(from, now_ns) : 0;
        haul->count += count;
        if (from != NULL)
                cop__retreat_share(worker, from, now_ns);
}

void cop__haul_keep_aloof(struct cop__worker *worker, uint64_t until_ns)
{
        struct cop__haul *haul = &worker->haul;
        if (haul->until_ns == 0)
                cop__or_seq(&worker->thread.scheduler->aloof, bit_of(worker));
        if (until_ns > haul->until_ns)
                haul->until_ns = until_ns;
}

void cop__haul_forget(struct cop__worker *worker)
{
        worker->haul.while_ns = 0;
        if (worker->haul.until_ns == 0)
                return;
        worker->haul.until_ns = 0;
        cop__retreat_end(worker);
        cop__and_seq(&worker->thread.scheduler->aloof, ~bit_of(worker));
}

static void drop(struct cop__haul *haul)
{
        haul->gained_ns = haul->abroad = 0;
        haul->count = 0;
}

void cop__haul_judge(struct cop__worker *worker)
{
        struct cop__haul *haul = &worker->haul;
        if (cop__retreat_is_on(&worker->retreat)) {
                drop(haul); /* it has given all of it away, however long it had it */
                return;
        }
        if (haul->count == 0)
                return;
        uint64_t now_ns = cop__clock_ns();
        count_gain(haul, now_ns);
        bool worth = haul->gained_ns >= COP__HAUL_WAKE_NS + (uint64_t)haul->count * COP__HAUL_TASK_NS + haul->abroad * COP__ABROAD_NS;
        haul->talks = haul->abroad >= COP__ABROAD_MANY;
        drop(haul);
        if (worth) {
                cop__haul_forget(worker);
                return;
        }
        haul->while_ns = haul->while_ns == 0 ? COP__ALOOF_NS : 2 * haul->while_ns;
        if (haul->while_ns > COP__ALOOF_MOST_NS)
                haul->while_ns = COP__ALOOF_MOST_NS;
        cop__haul_keep_aloof(worker, now_ns + haul->while_ns);
}

bool cop__haul_is_aloof(struct cop__worker *worker)
{
        struct cop__haul *haul = &worker->haul;
        if (haul->until_ns == 0)
                return false;
        uint64_t now_ns = cop__clock_ns();
        if (now_ns < haul->until_ns || cop__retreat_goes_on(worker, now_ns))
                return true;
        haul->until_ns = 0;
        cop__and_seq(&worker->thread.scheduler->aloof, ~bit_of(worker));
        return false;
}
