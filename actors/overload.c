/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Telling of the node's memory. See overload.h. */
#include "actors/overload.h"

#include <stdio.h>
#include <string.h>

#include "actors/actor.h"
#include "actors/inside.h"
#include "base/cue.h"

COP_MESSAGE_DEFINE(cop_memory_alarm, over, used, limit);

void cop__overload_init(struct cop__overload *overload)
{
        memset(overload, 0, sizeof(*overload));
        cop__audience_init(&overload->audience);
}

/* ---- Telling ------------------------------------------------------------------------------ */

/* Not as new work, of which none is let in now: an alarm comes out of the reserve. False: there is no memory for it. */
static bool send_alarm(struct cop__thread *thread, cop_pid to, const cop_memory_alarm *alarm)
{
        COP__CUE("overload.alarm");
        struct cop__signal *signal = cop__signal_new(&thread->pool, COP__SIGNAL_REPLY, sizeof(*alarm));
        if (signal == NULL)
                return false;
        memcpy(cop__signal_body(signal), alarm, sizeof(*alarm));
        signal->type = COP__SIGNAL_MESSAGE;
        cop__signal_set_kind(signal, COP_KIND_OF(cop_memory_alarm));
        cop__send_signal(thread, to, signal);
        return true;
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

static void tell_each(struct cop__thread *thread, const cop_pid *each, uint32_t count, const cop_memory_alarm *alarm)
{
        struct cop__overload *overload = &cop__node_of(thread)->overload;
        overload->missed_count = 0;
        for (uint32_t i = 0; i < count; i++)
                if (!send_alarm(thread, each[i], alarm))
                        overload->missed[overload->missed_count++] = each[i];
}

static void log_change(struct cop_node *node, const cop_memory_alarm *alarm)
{
        char text[256];
        snprintf(text, sizeof(text),
                 alarm->over ? "the node takes no new work: its actors use %llu KiB of a limit of %llu KiB"
                             : "the node takes new work again: its actors use %llu KiB of a limit of %llu KiB",
                 (unsigned long long)alarm->used >> 10, (unsigned long long)alarm->limit >> 10);
        cop__log_to(node, alarm->over ? COP_LOG_ERROR : COP_LOG_INFO, text);
}

/* To all if it is news, else to those who have missed it. */
static void tell(struct cop__thread *thread, uint32_t over)
{
        struct cop_node *node = cop__node_of(thread);
        struct cop__overload *overload = &node->overload;
        bool is_news = overload->said != over;
        cop_memory_alarm alarm = alarm_of(node, over != 0);
        cop_pid each[COP__AUDIENCE_MAX];
        uint32_t count = is_news ? cop__audience_copy(node, &overload->audience, each) : overload->missed_count;
        if (!is_news)
                memcpy(each, overload->missed, count * sizeof(each[0]));
        overload->said = over;
        tell_each(thread, each, count, &alarm);
        if (is_news && over != 0)
                cop__add_relaxed(&overload->alarms, 1);
        if (is_news)
                log_change(node, &alarm);
}

/* One thread at a time, so that the last word is the last one that is heard; see `telling`. */
COP__COLD void cop__overload_tell(struct cop__thread *thread)
{
        struct cop_node *node = cop__node_of(thread);
        struct cop__overload *overload = &node->overload;
        bool all = true;
        while (all && cop__load_seq(&node->scheduler.pool.over) != cop__load_seq(&overload->told) &&
               cop__exchange_seq(&overload->telling, 1) == 0) {
                uint32_t over = cop__load_seq(&node->scheduler.pool.over);
                if (cop__exchange_seq(&overload->told, over) != over) {
                        tell(thread, over);
                        all = overload->missed_count == 0;
                }
                if (!all)
                        cop__store_seq(&overload->told, COP__OVERLOAD_UNTOLD);
                cop__store_seq(&overload->telling, 0);
        }
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
        COP__CUE("overload.is_seen");
        if (!cop__pool_is_over(&node->scheduler.pool))
                return false;
        cop__add_relaxed(&node->scheduler.pool.refused, 1);
        return true;
}

/* ---- The public operations ------------------------------------------------------------------ */

/* Of what has not been told to all, what is now will be. */
static bool has_said_over(const struct cop_node *node)
{
        uint32_t told = cop__load_relaxed(&node->overload.told);
        return told == COP__OVERLOAD_UNTOLD ? cop__load_relaxed(&node->scheduler.pool.over) != 0 : told != 0;
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
        cop_pid self = cop__actor_pid(actor);
        bool is_new;
        cop_status status = cop__audience_add(node, &node->overload.audience, self, &is_new);
        if (!is_new || !has_said_over(node))
                return status;
        cop_memory_alarm alarm = alarm_of(node, true);
        if (send_alarm(thread, self, &alarm))
                return status;
        cop__audience_remove(&node->overload.audience, self);
        return COP_E_NO_MEMORY;
}

void cop_memory_unsubscribe(void)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor != NULL)
                cop__audience_remove(&cop__node_of(cop__thread_here())->overload.audience,
                                        cop__actor_pid(actor));
}

void cop_memory(cop_node *node, cop_memory_use *use)
{
        if (node == NULL || use == NULL)
                return;
        const struct cop__pool *pool = &node->scheduler.pool;
        *use = (cop_memory_use){
                .used = cop__pool_used(pool),
                .limit = cop__load_relaxed(&pool->limit),
                .refused = cop__load_relaxed(&pool->refused),
                .alarms = cop__load_relaxed(&node->overload.alarms),
                .over = cop__pool_is_over(pool),
                .returned = cop__load_relaxed(&node->scheduler.ebb.returned),
        };
}
