/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The time-outs of a state machine. There may be many, one for each of somebody's sessions: none is looked for along the others.
 *
 *      name ──slot or table──► time-out ──waiting──its message, by id──► its event
 *                                 └───────due, of 0 ms: the oldest────────►
 *
 * A time-out that is cancelled may have fired already: its message is in the queue then, and finds nobody by its id.
 */
#include <string.h>

#include "actors/machine.h"
#include "base/cue.h"
#include "base/hash.h"

#define TIMER_OF(node, member) COP__CONTAINER(node, struct cop__machine_timer, member)

void cop__machine_timers_init(struct cop__machine *machine)
{
        cop__list_init(&machine->waiting);
        cop__list_init(&machine->due);
}

/* ---- Where they are ----------------------------------------------------------------------- */

static uint64_t key_of(const char *name)
{
        return cop__hash_text(COP__HASH_BEGIN, name);
}

/* Of the two that have one; else NULL. */
static struct cop__machine_timer **slot_of(struct cop__machine *machine, const char *name)
{
        if (strcmp(name, COP_STATE_TIMEOUT) == 0)
                return &machine->state_timeout;
        return strcmp(name, COP_EVENT_TIMEOUT) == 0 ? &machine->event_timeout : NULL;
}

static struct cop__machine_timer *find(struct cop__machine *machine, const char *name)
{
        struct cop__machine_timer **slot = slot_of(machine, name);
        if (slot != NULL)
                return *slot;
        struct cop__table_node *node = cop__table_find_first(&machine->names, key_of(name));
        for (; node != NULL; node = cop__table_find_next(node)) {
                COP__CUE("machine.compares_timeouts");
                if (strcmp(TIMER_OF(node, by_name)->name, name) == 0)
                        return TIMER_OF(node, by_name);
        }
        return NULL;
}

static struct cop__machine_timer *find_id(const struct cop__machine *machine, cop_ref id)
{
        struct cop__table_node *node = cop__table_find_first(&machine->ids, id.bits);
        return node != NULL ? TIMER_OF(node, by_id) : NULL;
}

static struct cop__machine_timer *oldest_due(const struct cop__machine *machine)
{
        struct cop__list *first = cop__list_first(&machine->due);
        return first != NULL ? TIMER_OF(first, list) : NULL;
}

/* It is the last of those that wait, or are due. */
static void queue_up(struct cop__machine *machine, struct cop__machine_timer *timer)
{
        cop__list_push_back(timer->timer.bits != 0 ? &machine->waiting : &machine->due, &timer->list);
        if (timer->timer.bits != 0)
                cop__table_insert(&machine->ids, &timer->by_id);
}

static void drop_out(struct cop__machine *machine, struct cop__machine_timer *timer)
{
        cop__list_remove(&timer->list);
        if (timer->timer.bits != 0)
                cop__table_remove(&machine->ids, &timer->by_id);
}

static void insert(struct cop__machine *machine, struct cop__machine_timer *timer)
{
        struct cop__machine_timer **slot = slot_of(machine, timer->name);
        timer->by_name.key = key_of(timer->name);
        if (slot != NULL)
                *slot = timer;
        else
                cop__table_insert(&machine->names, &timer->by_name);
        queue_up(machine, timer);
}

/* Its event is the caller's. */
static struct cop__signal *take_out(struct cop__machine *machine, struct cop__machine_timer *timer)
{
        struct cop__machine_timer **slot = slot_of(machine, timer->name);
        struct cop__signal *event = timer->event;
        if (slot != NULL)
                *slot = NULL;
        else
                cop__table_remove(&machine->names, &timer->by_name);
        drop_out(machine, timer);
        cop_release(timer);
        return event;
}

/* ---- Their ends ----------------------------------------------------------------------------- */

static void put_events_away(struct cop__machine *machine, struct cop__list *timers)
{
        struct cop__list *node;
        while ((node = cop__list_pop_front(timers)) != NULL)
                cop__machine_append(&machine->pending, TIMER_OF(node, list)->event);
}

/* Their memory ends with the actor. */
void cop__machine_timers_fini(struct cop__machine *machine)
{
        put_events_away(machine, &machine->waiting);
        put_events_away(machine, &machine->due);
        cop__table_fini(&machine->names);
        cop__table_fini(&machine->ids);
}

void cop__machine_timer_end(struct cop__actor *actor, struct cop__machine_timer *timer)
{
        if (timer == NULL)
                return;
        if (timer->timer.bits != 0)
                cop_cancel(timer->timer);
        cop__signal_free(&cop__thread_here()->pool, take_out(cop__machine_of(actor), timer));
}

/* An update is for a time-out that goes on; since the old one is over, that is one of 0 ms. */
void cop__machine_state_left(struct cop__actor *actor, struct cop__machine *machine)
{
        struct cop__machine_timer *timer = machine->state_timeout;
        if (timer == NULL || timer->started == machine->events)
                return;
        if (timer->updated != machine->events) {
                cop__machine_timer_end(actor, timer);
                return;
        }
        if (timer->timer.bits != 0)
                cop_cancel(timer->timer);
        drop_out(machine, timer);
        timer->timer = (cop_ref){ 0 };
        queue_up(machine, timer);
}

struct cop__signal *cop__machine_timer_take(struct cop__machine *machine, cop_ref id, bool *is_event)
{
        struct cop__machine_timer *timer = id.bits != 0 ? find_id(machine, id) : oldest_due(machine);
        if (timer == NULL)
                return NULL;
        *is_event = timer == machine->event_timeout;
        return take_out(machine, timer);
}

/* ---- The public operations --------------------------------------------------------------- */

static bool is_good_name(const char *name)
{
        return name != NULL && name[0] != '\0' && strlen(name) <= COP_NAME_MAX;
}

/* What a time-out brings, from the machine to itself. */
static cop_status new_event(const cop_kind *kind, const void *value, struct cop__signal **event)
{
        cop_status status = cop__signal_owed(&cop__thread_here()->pool, kind, value, event);
        if (status == COP_OK)
                (*event)->from = cop_self();
        return status;
}

/* A time-out that runs from now on, not yet in its place. */
static cop_status start(struct cop__machine_timer *timer, int64_t ms)
{
        if (ms == 0)
                return COP_OK;
        cop_ref id = cop_ref_new();
        timer->by_id.key = id.bits;
        return cop_send_value_after(ms, cop_to_pid(cop_self()), COP_KIND_OF(cop__machine_time),
                                    &(cop__machine_time){ id }, &timer->timer);
}

static cop_status add(struct cop__machine *machine, const char *name, int64_t ms,
                      const cop_kind *kind, const void *value)
{
        size_t name_size = strlen(name) + 1;
        struct cop__machine_timer *timer = cop__alloc_owed(sizeof(*timer) + name_size);
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
        cop__machine_timer_end(cop__actor_here(), find(machine, name));
        timer->started = machine->events;
        insert(machine, timer);
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
        cop__machine_timer_end(cop__actor_here(), find(machine, name));
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
        struct cop__machine_timer *timer = find(machine, name);
        if (timer == NULL)
                return add(machine, name, 0, kind, value);
        cop_status status = new_event(kind, value, &event);
        if (status != COP_OK)
                return status;
        cop__signal_free(&cop__thread_here()->pool, timer->event);
        timer->event = event;
        timer->updated = machine->events;
        return COP_OK;
}

/* In a terminate, too: what it cancels would not come anyway, but it may want to know whether it ran. */
bool cop_cancel_timeout(const char *name)
{
        struct cop__actor *actor = cop__actor_here();
        bool terminates = actor != NULL && actor->terminating && cop__machine_of(actor) != NULL;
        struct cop__machine *machine = terminates ? cop__machine_of(actor) : cop__machine_here("cancel_timeout", true);
        struct cop__machine_timer *timer = machine != NULL && is_good_name(name) ? find(machine, name) : NULL;
        cop__machine_timer_end(actor, timer);
        return timer != NULL;
}
