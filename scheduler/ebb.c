/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The steps of an ebb. See ebb.h. */
#include "scheduler/ebb.h"

#include "scheduler/scheduler.h"

/* Magazines that return in one step: some milliseconds at most, in which the watch does not look. */
#define MAGAZINES 256u

/* Between two looks for what is waited for. After so many in vain it is looked for seldom. */
#define WAIT_NS 2000000u
#define PATIENT_AFTER 50u

bool cop__ebb_is_due(struct cop__scheduler *scheduler)
{
        const struct cop__ebb_hooks *upper = scheduler->hooks.ebb;
        return cop__pool_is_high(&scheduler->pool) || (upper != NULL && upper->is_high(scheduler->owner));
}

static void begin(struct cop__scheduler *scheduler)
{
        const struct cop__ebb_hooks *upper = scheduler->hooks.ebb;
        cop__pool_ebb_begin(&scheduler->pool);
        scheduler->ebb.pool_goes = true;
        if (upper != NULL && !scheduler->ebb.upper_goes)
                upper->begin(scheduler->owner);
        scheduler->ebb.upper_goes = upper != NULL;
}

static enum cop__ebb_state go_on_above(struct cop__scheduler *scheduler, size_t *bytes)
{
        struct cop__ebb *ebb = &scheduler->ebb;
        if (!ebb->upper_goes)
                return COP__EBB_OVER;
        enum cop__ebb_state state = scheduler->hooks.ebb->go_on(scheduler->owner, bytes);
        ebb->waited = state == COP__EBB_WAITS ? ebb->waited + 1 : 0;
        ebb->upper_goes = state != COP__EBB_OVER;
        return state;
}

static enum cop__ebb_state go_on(struct cop__scheduler *scheduler)
{
        struct cop__ebb *ebb = &scheduler->ebb;
        size_t bytes = 0;
        ebb->pool_goes = ebb->pool_goes && !cop__pool_ebb(&scheduler->pool, MAGAZINES, &bytes);
        enum cop__ebb_state above = go_on_above(scheduler, &bytes);
        if (bytes > 0)
                cop__store_relaxed(&ebb->returned, ebb->returned + bytes);
        return ebb->pool_goes ? COP__EBB_GOES : above;
}

uint64_t cop__ebb_step(struct cop__scheduler *scheduler, uint64_t now_ns)
{
        struct cop__ebb *ebb = &scheduler->ebb;
        uint64_t period_ns = cop__load_relaxed(&ebb->period_ns);
        bool goes = ebb->pool_goes || ebb->upper_goes;
        if (!goes && !cop__ebb_is_due(scheduler)) {
                ebb->next_ns = 0;
                return UINT64_MAX;
        }
        if (ebb->next_ns == 0)
                ebb->next_ns = now_ns + period_ns;
        if (!goes && now_ns < ebb->next_ns)
                return ebb->next_ns - now_ns;
        if (!ebb->pool_goes && now_ns >= ebb->next_ns) {
                ebb->next_ns = now_ns + period_ns;
                begin(scheduler);
        }
        uint64_t left_ns = now_ns < ebb->next_ns ? ebb->next_ns - now_ns : 0;
        enum cop__ebb_state state = go_on(scheduler);
        if (state == COP__EBB_GOES)
                return 0;
        return state == COP__EBB_WAITS && ebb->waited < PATIENT_AFTER && WAIT_NS < left_ns ? WAIT_NS : left_ns;
}
