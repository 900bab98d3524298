/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The time-outs of a state machine. A machine has few, so they are a list in the order of their start.
 *
 * A time-out that is cancelled may have fired already: its message is in the queue then, and finds nobody by its id.
 */
#include <string.h>

#include "actors/machine.h"

static struct cop__machine_timer **place_of(struct cop__machine *machine, const char *name)
{
        struct cop__machine_timer **at = &machine->timers;
        while (*at != NULL && strcmp((*at)->name, name) != 0)
                at = &(*at)->next;
        return at;
}

/* Out of the list; its event is the caller's. */
static struct cop__signal *remove_at(struct cop__machine_timer **at)
{
        struct cop__machine_timer *timer = *at;
        struct cop__signal *event = timer->event;
        *at = timer->next;
        cop_release(timer);
        return event;
}

bool cop__machine_timer_end(struct cop__actor *actor, const char *name, bool spare_fresh)
{
        struct cop__machine_timer **at = place_of(cop__machine_of(actor), name);
        if (*at == NULL || (spare_fresh && (*at)->fresh))
                return false;
        if ((*at)->timer.bits != 0)
                cop_cancel((*at)->timer);
        cop__signal_free(&cop__thread_here()->pool, remove_at(at));
        return true;
}

struct cop__signal *cop__machine_timer_take(struct cop__actor *actor, cop_ref id, bool *is_event)
{
        struct cop__machine_timer **at = &cop__machine_of(actor)->timers;
        /* Those of 0 ms have no timer, and the first of them is the oldest. */
        while (*at != NULL && (id.bits != 0 ? !cop_ref_equal((*at)->id, id) : (*at)->timer.bits != 0))
                at = &(*at)->next;
        if (*at == NULL)
                return NULL;
        *is_event = strcmp((*at)->name, COP_EVENT_TIMEOUT) == 0;
        return remove_at(at);
}

/* ---- The public operations --------------------------------------------------------------- */

static bool is_good_name(const char *name)
{
        return name != NULL && name[0] != '\0' && strlen(name) <= COP_NAME_MAX;
}

/* What a time-out brings, from the machine to itself. */
static cop_status new_event(const cop_kind *kind, const void *value, struct cop__signal **event)
{
        cop_status status = cop__signal_message(&cop__thread_here()->pool, kind, value, event);
        if (status == COP_OK)
                (*event)->from = cop_self();
        return status;
}

/* A time-out that runs from now on, not yet in the list. */
static cop_status start(struct cop__machine_timer *timer, int64_t ms)
{
        timer->id = cop_ref_new();
        timer->fresh = true;
        if (ms == 0)
                return COP_OK;
        return cop_send_value_after(ms, cop_to_pid(cop_self()), COP_KIND_OF(cop__machine_time),
                                    &(cop__machine_time){ timer->id }, &timer->timer);
}

static cop_status add(struct cop__machine *machine, const char *name, int64_t ms,
                      const cop_kind *kind, const void *value)
{
        size_t name_size = strlen(name) + 1;
        struct cop__machine_timer *timer = cop_alloc(sizeof(*timer) + name_size);
        if (timer == NULL)
                return COP_E_NO_MEMORY;
        memcpy(timer->name, name, name_size);
        cop_status status = new_event(kind, value, &timer->event);
        if (status != COP_OK) {
                cop_release(timer);
                return status;
        }
        status = start(timer, ms);
        if (status != COP_OK) {
                cop__signal_free(&cop__thread_here()->pool, timer->event);
                cop_release(timer);
                return status;
        }
        /* The old one goes only when nothing can fail any more. */
        cop__machine_timer_end(cop__actor_here(), name, false);
        struct cop__machine_timer **last = &machine->timers;
        while (*last != NULL)
                last = &(*last)->next;
        *last = timer;
        return COP_OK;
}

cop_status cop_timeout_value(const char *name, int64_t ms, const cop_kind *kind, const void *value)
{
        struct cop__machine *machine = cop__machine_here("timeout", true);
        if (machine == NULL)
                return COP_E_NO_NODE;
        if (!is_good_name(name))
                return COP_E_BAD_ARGUMENT;
        if (ms < 0) {
                cop__badarg("timeout", "a time-out is 0 or more milliseconds, or COP_FOREVER");
                return COP_E_BAD_ARGUMENT;
        }
        if (ms != COP_FOREVER)
                return add(machine, name, ms, kind, value);
        cop__machine_timer_end(cop__actor_here(), name, false);
        return COP_OK;
}

cop_status cop_update_timeout_value(const char *name, const cop_kind *kind, const void *value)
{
        struct cop__machine *machine = cop__machine_here("update_timeout", true);
        struct cop__signal *event;
        if (machine == NULL)
                return COP_E_NO_NODE;
        if (!is_good_name(name))
                return COP_E_BAD_ARGUMENT;
        struct cop__machine_timer *timer = *place_of(machine, name);
        if (timer == NULL)
                return add(machine, name, 0, kind, value);
        cop_status status = new_event(kind, value, &event);
        if (status != COP_OK)
                return status;
        cop__signal_free(&cop__thread_here()->pool, timer->event);
        timer->event = event;
        return COP_OK;
}

bool cop_cancel_timeout(const char *name)
{
        struct cop__machine *machine = cop__machine_here("cancel_timeout", true);
        return machine != NULL && is_good_name(name) &&
               cop__machine_timer_end(cop__actor_here(), name, false);
}
