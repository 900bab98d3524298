/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Timers that users start, and what a timer does when it fires. See timer.h. */
#include "actors/timer.h"

#include <sched.h>
#include <string.h>

#include "actors/actor.h"
#include "actors/alias.h"
#include "base/clock.h"

static struct cop__user_timer *timer_of(struct cop__table_node *node)
{
        return COP__CONTAINER(node, struct cop__user_timer, node);
}

static struct cop__timer_shard *shard_of(struct cop__timers *timers, cop_ref ref)
{
        return &timers->shards[ref.bits % COP__TIMER_SHARDS];
}

void cop__timers_init(struct cop__timers *timers)
{
        for (unsigned i = 0; i < COP__TIMER_SHARDS; i++) {
                cop__lock_init(&timers->shards[i].lock);
                cop__table_init(&timers->shards[i].table);
        }
}

static void free_timer(struct cop__pool_cache *pool, struct cop__user_timer *timer)
{
        if (timer->message != NULL)
                cop__signal_free(pool, timer->message);
        cop__pool_give(pool, timer->pool_class, timer);
}

/* Under the lock. One that is firing is not ours: it leaves the table by itself as soon as it gets the lock. */
static void cancel_all(struct cop__timer_shard *shard, struct cop__pool_cache *pool)
{
        struct cop__table_walk walk;
        struct cop__table_node *node;
        cop__table_walk_init(&walk, &shard->table);
        while ((node = cop__table_walk_next(&walk)) != NULL) {
                struct cop__user_timer *timer = timer_of(node);
                if (!cop__timer_cancel(&timer->any.timer))
                        continue;
                cop__table_remove(&shard->table, node);
                free_timer(pool, timer);
        }
}

void cop__timers_fini(struct cop__timers *timers, struct cop__pool_cache *pool)
{
        for (unsigned i = 0; i < COP__TIMER_SHARDS; i++) {
                struct cop__timer_shard *shard = &timers->shards[i];
                cop__lock_lock(&shard->lock);
                cancel_all(shard, pool);
                while (shard->table.count > 0) {
                        cop__lock_unlock(&shard->lock);
                        sched_yield();
                        cop__lock_lock(&shard->lock);
                }
                cop__table_fini(&shard->table);
                cop__lock_unlock(&shard->lock);
        }
}

/* ---- Firing ------------------------------------------------------------------------ */

static void fire_alarm(struct cop__thread *thread, struct cop__alarm *alarm)
{
        struct cop__signal *signal = (struct cop__signal *)(void *)alarm - 1;
        cop__send_signal(thread, alarm->pid, signal);
}

static void fire_user(struct cop__thread *thread, struct cop_node *node,
                      struct cop__user_timer *timer)
{
        struct cop__timer_shard *shard =
                shard_of(&node->timers, (cop_ref){ timer->node.key });
        /* A cancel that came second finds nothing to cancel, but it may still be looking. */
        cop__lock_lock(&shard->lock);
        cop__table_remove(&shard->table, &timer->node);
        cop__lock_unlock(&shard->lock);
        cop_pid to = timer->to.bits != 0 ? timer->to : cop_whereis(timer->name);
        struct cop__signal *message = timer->message;
        timer->message = NULL;
        cop__send_signal(thread, to, message);
        free_timer(&thread->pool, timer);
}

void cop__timer_fire(struct cop__timer *timer, void *node)
{
        struct cop__any_timer *any = COP__CONTAINER(timer, struct cop__any_timer, timer);
        struct cop__thread *thread = cop__thread_here();
        if (any->use == COP__TIMER_ALARM)
                fire_alarm(thread, COP__CONTAINER(any, struct cop__alarm, any));
        else
                fire_user(thread, node, COP__CONTAINER(any, struct cop__user_timer, any));
}

/* ---- The public operations -------------------------------------------------------------- */

static struct cop__user_timer *new_timer(struct cop__thread *thread, cop_address to, cop_ref ref)
{
        size_t name_size = to.name != NULL ? strlen(to.name) + 1 : 0;
        uint8_t class = cop__pool_class(sizeof(struct cop__user_timer) + name_size);
        struct cop__user_timer *timer = cop__pool_take(&thread->pool, class);
        if (timer == NULL)
                return NULL;
        cop__timer_init(&timer->any.timer);
        timer->any.use = COP__TIMER_USER;
        timer->node.key = ref.bits;
        timer->message = NULL;
        timer->to = to.pid;
        timer->pool_class = class;
        if (name_size > 0)
                memcpy(timer->name, to.name, name_size);
        return timer;
}

cop_status cop_send_value_after(int64_t ms, cop_address to, const cop_kind *kind,
                                const void *value, cop_ref *ref)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor == NULL)
                return COP_E_NO_NODE;
        cop_ref alias = cop__take_alias(&to);
        if (ms < 0 || (to.name == NULL && to.pid.bits == 0) ||
            (to.name != NULL && !cop__name_is_good(to.name)))
                return COP_E_BAD_ARGUMENT;
        struct cop__thread *thread = cop__thread_here();
        struct cop_node *node = cop__node_of(thread);
        cop_ref fresh = cop__ref_new(cop__here_of(thread));
        struct cop__user_timer *timer = new_timer(thread, to, fresh);
        if (timer == NULL)
                return COP_E_NO_MEMORY;
        cop_status status = cop__signal_message(&thread->pool, kind, value, &timer->message);
        if (status != COP_OK) {
                timer->message = NULL;
                free_timer(&thread->pool, timer);
                return status;
        }
        timer->message->from = cop__actor_pid(actor);
        cop__send_through(timer->message, alias);
        struct cop__timer_shard *shard = shard_of(&node->timers, fresh);
        cop__lock_lock(&shard->lock);
        cop__table_insert(&shard->table, &timer->node);
        cop__arm(thread->scheduler, thread, &timer->any.timer, cop__deadline_ns(ms));
        cop__lock_unlock(&shard->lock);
        if (ref != NULL)
                *ref = fresh;
        return COP_OK;
}

int64_t cop_cancel(cop_ref ref)
{
        struct cop__thread *thread = cop__thread_here();
        if (thread == NULL || ref.bits == 0)
                return -1;
        struct cop__timer_shard *shard = shard_of(&cop__node_of(thread)->timers, ref);
        int64_t left_ms = -1;
        struct cop__user_timer *timer = NULL;
        cop__lock_lock(&shard->lock);
        struct cop__table_node *node = cop__table_find_first(&shard->table, ref.bits);
        /* Found, its memory is good until the lock is let go: firing needs the lock, too. */
        if (node != NULL && cop__timer_cancel(&timer_of(node)->any.timer)) {
                timer = timer_of(node);
                cop__table_remove(&shard->table, node);
        }
        cop__lock_unlock(&shard->lock);
        if (timer != NULL) {
                uint64_t now_ns = cop__clock_ns(), when_ns = timer->any.timer.when_ns;
                left_ms = when_ns > now_ns ? (int64_t)((when_ns - now_ns) / 1000000) : 0;
                free_timer(&thread->pool, timer);
        }
        return left_ms;
}
