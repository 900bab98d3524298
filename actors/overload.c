/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Telling of the node's memory. See overload.h. */
#include "actors/overload.h"

#include <stdio.h>
#include <string.h>

#include "actors/actor.h"
#include "actors/inside.h"

COP_MESSAGE_DEFINE(cop_memory_alarm, over, used, limit);

void cop__overload_init(struct cop__overload *overload)
{
        memset(overload, 0, sizeof(*overload));
        cop__lock_init(&overload->lock);
}

/* ---- Telling ------------------------------------------------------------------------------ */

/* Not as new work, of which none is let in now: an alarm comes out of the reserve. */
static void send_alarm(struct cop__thread *thread, cop_pid to, const cop_memory_alarm *alarm)
{
        struct cop__signal *signal = cop__signal_new(&thread->pool, COP__SIGNAL_REPLY, sizeof(*alarm));
        if (signal == NULL)
                return;
        memcpy(cop__signal_body(signal), alarm, sizeof(*alarm));
        signal->type = COP__SIGNAL_MESSAGE;
        signal->kind = COP_KIND_OF(cop_memory_alarm);
        cop__send_signal(thread, to, signal);
}

static cop_memory_alarm alarm_of(struct cop_node *node, bool over)
{
        const struct cop__pool *pool = &node->scheduler.pool;
        return (cop_memory_alarm){
                .over = over,
                .used = cop__pool_used(pool),
                .limit = cop__load_relaxed(&pool->limit),
        };
}

static void tell_all(struct cop__thread *thread, const cop_memory_alarm *alarm)
{
        struct cop__overload *overload = &cop__node_of(thread)->overload;
        cop_pid each[COP__MEMORY_SUBSCRIBERS];
        cop__lock_lock(&overload->lock);
        uint32_t count = overload->subscriber_count;
        memcpy(each, overload->subscribers, count * sizeof(each[0]));
        cop__lock_unlock(&overload->lock);
        for (uint32_t i = 0; i < count; i++)
                send_alarm(thread, each[i], alarm);
}

COP__COLD void cop__overload_tell(struct cop__thread *thread)
{
        struct cop_node *node = cop__node_of(thread);
        uint32_t over = cop__load_relaxed(&node->scheduler.pool.over);
        char text[256];
        if (cop__exchange_acq_rel(&node->overload.told, over) == over)
                return; /* somebody else has been quicker */
        cop_memory_alarm alarm = alarm_of(node, over != 0);
        if (over != 0)
                cop__add_relaxed(&node->overload.alarms, 1);
        snprintf(text, sizeof(text),
                 over != 0 ? "the node takes no new work: its actors use %llu KiB of a limit of %llu KiB"
                           : "the node takes new work again: its actors use %llu KiB of a limit of %llu KiB",
                 (unsigned long long)alarm.used >> 10, (unsigned long long)alarm.limit >> 10);
        cop__log_to(node, over != 0 ? COP_LOG_ERROR : COP_LOG_INFO, text);
        tell_all(thread, &alarm);
}

void cop__overload_look(struct cop__thread *thread)
{
        struct cop_node *node = cop__node_of(thread);
        if (COP__UNLIKELY(cop__load_relaxed(&node->scheduler.pool.over) !=
                          cop__load_relaxed(&node->overload.told)))
                cop__overload_tell(thread);
}

bool cop__overload_refuses(struct cop__thread *thread)
{
        struct cop_node *node = cop__node_of(thread);
        cop__overload_look(thread);
        if (!cop__pool_is_over(&node->scheduler.pool))
                return false;
        cop__add_relaxed(&node->scheduler.pool.refused, 1);
        return true;
}

/* ---- The public operations ------------------------------------------------------------------ */

static uint32_t place_of(const struct cop__overload *overload, cop_pid pid)
{
        uint32_t at = 0;
        while (at < overload->subscriber_count && !cop_pid_equal(overload->subscribers[at], pid))
                at++;
        return at;
}

/* Under the lock. */
static void forget_dead(struct cop_node *node, struct cop__overload *overload)
{
        uint32_t kept = 0;
        for (uint32_t i = 0; i < overload->subscriber_count; i++) {
                cop_pid pid = overload->subscribers[i];
                const struct cop__actor *actor = cop__slot_of(node, pid);
                if (actor != NULL && cop__slot_is(actor, pid))
                        overload->subscribers[kept++] = pid;
        }
        overload->subscriber_count = kept;
}

cop_status cop_memory_subscribe(void)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor == NULL)
                return COP_E_NO_NODE;
        if (cop__inside_here() != NULL)
                return COP_E_ISOLATED; /* the memory is the node's */
        struct cop__thread *thread = cop__thread_here();
        struct cop_node *node = cop__node_of(thread);
        struct cop__overload *overload = &node->overload;
        cop_pid self = cop__actor_pid(actor);
        cop__lock_lock(&overload->lock);
        forget_dead(node, overload);
        uint32_t at = place_of(overload, self);
        bool is_new = at == overload->subscriber_count, has_room = at < COP__MEMORY_SUBSCRIBERS;
        if (is_new && has_room)
                overload->subscribers[overload->subscriber_count++] = self;
        cop__lock_unlock(&overload->lock);
        if (is_new && !has_room)
                return COP_E_LIMIT;
        if (is_new && cop__load_relaxed(&overload->told) != 0) {
                cop_memory_alarm alarm = alarm_of(node, true);
                send_alarm(thread, self, &alarm);
        }
        return COP_OK;
}

void cop_memory_unsubscribe(void)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor == NULL)
                return;
        struct cop__overload *overload = &cop__node_of(cop__thread_here())->overload;
        cop__lock_lock(&overload->lock);
        uint32_t at = place_of(overload, cop__actor_pid(actor));
        if (at < overload->subscriber_count)
                overload->subscribers[at] = overload->subscribers[--overload->subscriber_count];
        cop__lock_unlock(&overload->lock);
}

void cop_memory(cop_node *node, cop_memory_use *use)
{
        const struct cop__pool *pool = &node->scheduler.pool;
        *use = (cop_memory_use){
                .used = cop__pool_used(pool),
                .limit = cop__load_relaxed(&pool->limit),
                .refused = cop__load_relaxed(&pool->refused),
                .alarms = cop__load_relaxed(&node->overload.alarms),
                .over = cop__pool_is_over(pool),
        };
}
