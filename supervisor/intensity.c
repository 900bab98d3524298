/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Intensity. See intensity.h. */
#include "supervisor/intensity.h"

#include "base/clock.h"
#include "supervisor/spec.h"

size_t cop__intensity_size(uint32_t limit)
{
        return limit == COP__INTENSITY_UNLIMITED ? sizeof(uint64_t)
                                                 : ((size_t)limit + 1) * sizeof(uint64_t);
}

void cop__intensity_init(struct cop__intensity *intensity, uint64_t *times, uint32_t limit,
                         int64_t period_ms)
{
        /* A period too long for nanoseconds is for ever: no node runs for 584 years. */
        uint64_t period_ns;
        if (__builtin_mul_overflow((uint64_t)period_ms, COP__NS_PER_MS, &period_ns))
                period_ns = UINT64_MAX;
        *intensity = (struct cop__intensity){ .times = times, .limit = limit,
                                              .period_ns = period_ns };
}

/* The time that `back` restarts lie behind: 0 is the newest. */
static uint64_t time_at(const struct cop__intensity *intensity, uint32_t back)
{
        uint32_t room = intensity->limit + 1;
        uint32_t at = intensity->newest >= back ? intensity->newest - back
                                                : intensity->newest + room - back;
        return intensity->times[at];
}

void cop__intensity_inherit(struct cop__intensity *intensity, const struct cop__intensity *from)
{
        uint32_t kept = from->count;
        if (intensity->limit == COP__INTENSITY_UNLIMITED)
                intensity->count = kept;
        if (intensity->limit == COP__INTENSITY_UNLIMITED || from->limit == COP__INTENSITY_UNLIMITED)
                return; /* without a limit no times are kept */
        if (kept > intensity->limit + 1)
                kept = intensity->limit + 1;
        while (kept > 0)
                cop__intensity_add(intensity, time_at(from, --kept));
}

bool cop__intensity_add(struct cop__intensity *intensity, uint64_t now_ns)
{
        uint32_t room = intensity->limit + 1;
        if (intensity->limit == COP__INTENSITY_UNLIMITED) {
                intensity->count++;
                return false;
        }
        if (intensity->count > 0)
                intensity->newest = intensity->newest + 1 < room ? intensity->newest + 1 : 0;
        intensity->times[intensity->newest] = now_ns;
        if (intensity->count < room)
                intensity->count++;
        if (intensity->recent < room)
                intensity->recent++;
        return intensity->count == room &&
               now_ns - time_at(intensity, intensity->limit) <= intensity->period_ns;
}

uint32_t cop__intensity_count(struct cop__intensity *intensity, uint64_t now_ns)
{
        if (intensity->limit == COP__INTENSITY_UNLIMITED)
                return intensity->count;
        while (intensity->recent > 0 &&
               now_ns - time_at(intensity, intensity->recent - 1) > intensity->period_ns)
                intensity->recent--;
        return intensity->recent;
}
