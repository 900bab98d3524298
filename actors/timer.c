/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Timers that users set, from setting to firing. Where they are kept meanwhile is in timer_home.h.
 *
 * Firing once: expire tells us under the lock (cop__timer_disarmed), and the timer leaves the books; then, without the
 * lock, it is the signal that is sent.
 *
 * A tick is a copy, which is made before the lock is taken and sent under it: after a cancel has answered there is no
 * tick that is still to be sent. So what sending takes is taken under the lock of a wheel: to schedule a task, which takes
 * no wheel's.
 */
#include "actors/timer.h"

#include <string.h>

#include "actors/actor.h"
#include "actors/alias.h"
#include "actors/outside.h"
#include "base/clock.h"
#include "base/cue.h"

/* In a signal's flags until it is sent; the bits are nobody else's. */
#define TO_NAME 0x100  /* the extra ends with a name */
#define EVERY 0x200    /* the extra begins with a period */
#define TO_ALIAS 0x400 /* the extra ends with the reference of an alias of the receiver's */

static struct cop__timed *timed_of(struct cop__timer *timer)
{
        return COP__CONTAINER(timer, struct cop__timed, timer);
}

static uint64_t *period_of(const struct cop__timed *timed)
{
        return cop__signal_extra(&timed->as.signal);
}

/* Where the name or the alias is. Not inlined, or the compiler warns that it lies behind the signal; it does. */
static COP__NOINLINE void *address_of(const struct cop__timed *timed)
{
        char *extra = cop__signal_extra(&timed->as.signal);
        return timed->as.signal.flags & EVERY ? extra + sizeof(uint64_t) : extra;
}

static cop_ref alias_of(const struct cop__timed *timed)
{
        cop_ref alias = { 0 };
        if (COP__UNLIKELY(timed->as.signal.flags & TO_ALIAS))
                memcpy(&alias, address_of(timed), sizeof(alias));
        return alias;
}

/* ---- Firing ------------------------------------------------------------------------ */

/* Alarms and the sweep are in no books, and an interval stays in them. */
void cop__timer_disarmed(struct cop__timer *timer, void *node)
{
        struct cop__timed *timed = timed_of(timer);
        const struct cop__signal *signal = &timed->as.signal;
        if (signal->type == COP__SIGNAL_WAKE || signal->type == COP__SIGNAL_SWEEP ||
            signal->flags & EVERY)
                return;
        struct cop__timers *timers = &((struct cop_node *)node)->timers;
        cop__timer_leave(cop__timer_home_of(timers, timed->as.wait.ref), timed);
}

/* Who it is for, now that its time has come. */
static cop_pid receiver(const struct cop__timed *timed)
{
        return timed->as.signal.flags & TO_NAME ? cop_whereis(address_of(timed)) : timed->as.wait.to;
}

static void send_once(struct cop__thread *thread, struct cop__timed *timed)
{
        struct cop__signal *signal = &timed->as.signal;
        cop_pid to = receiver(timed);
        cop_ref alias = alias_of(timed);
        signal->ref.bits = 0;
        signal->flags &= (uint16_t)~(TO_NAME | TO_ALIAS);
        if (signal->type == COP__SIGNAL_MESSAGE)
                cop__count_up(&cop__here_of(thread)->sent);
        cop__send_through(signal, alias);
        cop__send_signal(thread, to, signal);
}

/* The next time of an interval that is yet to come: those that were missed are left out. */
static uint64_t next_tick_ns(const struct cop__timed *timed)
{
        uint64_t period_ns = *period_of(timed);
        uint64_t next_ns = timed->timer.when_ns + period_ns;
        uint64_t now_ns = cop__clock_ns();
        if (next_ns <= now_ns)
                next_ns += ((now_ns - next_ns) / period_ns + 1) * period_ns;
        return next_ns;
}

/* With the lock. False: the interval is over, and its block ours. */
static bool goes_on(struct cop__timer_home *home, struct cop_node *node, struct cop__timed *timed)
{
        if (cop__timer_has_ended(timed))
                return false;
        if (!cop__timer_is_doomed(node, timed))
                return true;
        cop__timer_leave(home, timed);
        return false;
}

/* A copy of the message, as it is sent. NULL: this tick is left out. */
static struct cop__signal *copy_of(struct cop__thread *thread, const struct cop__timed *timed)
{
        const struct cop__signal *signal = &timed->as.signal;
        const void *body = cop__signal_body(signal);
        struct cop__signal *copy;
        if (cop__signal_message(&thread->pool, signal->kind, body, &copy) != COP_OK)
                return NULL;
        copy->from = timed->as.wait.from;
        cop__send_through(copy, alias_of(timed));
        return copy;
}

static void tick(struct cop__thread *thread, struct cop_node *node, struct cop__timer_home *home,
                 struct cop__timed *timed)
{
        struct cop__signal *copy = copy_of(thread, timed);
        cop_pid to = receiver(timed);
        uint64_t next_ns = next_tick_ns(timed);
        COP__CUE("timer.ticks");
        cop__timer_home_lock(home);
        bool on = goes_on(home, node, timed);
        bool sooner = on && cop__timer_arm_locked(&home->worker->wheel, &timed->timer, next_ns);
        bool heard = on && copy != NULL && to.bits != 0;
        if (heard)
                cop__send_signal(thread, to, copy);
        cop__timer_home_unlock(home);
        if (sooner)
                cop__hasten(thread, home->worker);
        if (on && copy != NULL)
                cop__count_up(&cop__here_of(thread)->sent);
        if (on && copy != NULL && !heard)
                cop__send_signal(thread, to, copy); /* a dead letter, which takes its time */
        else if (!on && copy != NULL)
                cop__signal_free(&thread->pool, copy);
        if (!on)
                cop__signal_free(&thread->pool, &timed->as.signal);
}

static void sound_alarm(struct cop__thread *thread, struct cop__timed *timed)
{
        COP__CUE("timer.rings");
        cop__send_signal(thread, timed->as.wait.to, &timed->as.signal);
}

void cop__timer_fire(struct cop__timer *timer, void *node)
{
        struct cop__timed *timed = timed_of(timer);
        const struct cop__signal *signal = &timed->as.signal;
        struct cop__thread *thread = cop__thread_here();
        struct cop__timers *timers = &((struct cop_node *)node)->timers;
        if (signal->type == COP__SIGNAL_SWEEP)
                cop__timer_sweep(thread, COP__CONTAINER(timed, struct cop__timer_home, sweep));
        else if (signal->flags & EVERY)
                tick(thread, node, cop__timer_home_of(timers, timed->as.wait.ref), timed);
        else if (signal->type == COP__SIGNAL_WAKE)
                sound_alarm(thread, timed);
        else
                send_once(thread, timed);
}

struct cop__signal *cop__alarm_new(struct cop__thread *thread, cop_pid pid)
{
        struct cop__signal *signal = cop__signal_new_led(&thread->pool, COP__SIGNAL_WAKE, 0, 0);
        if (signal == NULL)
                return NULL;
        struct cop__timed *timed = COP__CONTAINER(signal, struct cop__timed, as.signal);
        cop__timer_init(&timed->timer);
        timed->as.wait.to = pid;
        return signal;
}

/* ---- Setting ---------------------------------------------------------------------------- */

/* What is wanted, before there is memory for it. */
struct order {
        const char *function;  /* of the user's, for its errors */
        int64_t ms;            /* from now, or the time itself */
        bool absolute, every;
        bool tells_ref;        /* the message is a cop_timeout */
        cop_address to;
        cop_ref alias;         /* through which it goes; none: to the pid itself, or the name */
        const cop_kind *kind;
        const void *value;
        struct cop__shared_term *reason; /* instead of a message: an exit signal. Counted */
};

static COP__COLD cop_status bad_time(const struct order *order)
{
        cop__badarg(order->function, order->every ? "a period is 1 or more milliseconds"
                                                  : "a time is 0 or more milliseconds");
        return COP_E_BAD_ARGUMENT;
}

static cop_status check(const struct order *order)
{
        if (COP__UNLIKELY(cop__actor_here() == NULL))
                return COP_E_NO_NODE;
        if (COP__UNLIKELY(order->ms < order->every))
                return bad_time(order);
        if (order->ms > COP_TIMER_MS_MAX)
                return COP_E_TOO_BIG;
        bool named = order->to.name != NULL;
        if (named ? !cop__name_is_good(order->to.name) : order->to.pid.bits == 0)
                return COP_E_BAD_ARGUMENT;
        return COP_OK;
}

/* In an actor's own process the others' slots are not there: their timers are the outpost's. */
static bool is_outside(const struct order *order)
{
        return COP__UNLIKELY(cop__inside_here() != NULL) &&
               (order->to.name != NULL ||
                !cop_pid_equal(order->to.pid, cop__actor_pid(cop__actor_here())));
}

static cop_status set_outside(const struct order *order, cop_term term, cop_ref *ref)
{
        struct cop__outside_timer timer = {
                .how = order->every ? COP__TIMER_EVERY : order->absolute ? COP__TIMER_AT : COP__TIMER_AFTER,
                .ms = order->ms,
                .to = order->to,
                .alias = order->alias,
                .term = term,
        };
        if (order->tells_ref)
                timer.how = COP__TIMER_TELLS;
        else if (order->kind == NULL)
                timer.how = COP__TIMER_EXITS;
        else
                timer.kind = order->kind, timer.value = order->value;
        return cop__outside_timer(&timer, ref);
}

/* The block of an order, with all but what setting adds. The reason is the block's if it succeeds. */
static cop_status new_block(struct cop__thread *thread, const struct order *order, size_t extra,
                            struct cop__signal **signal)
{
        if (order->reason == NULL)
                return cop__signal_message_led(&thread->pool, order->kind, order->value, extra,
                                               signal);
        const size_t size = sizeof(struct cop__relation) - sizeof(struct cop__signal);
        *signal = cop__signal_new_led(&thread->pool, COP__SIGNAL_EXIT, size, extra);
        if (*signal == NULL)
                return COP_E_NO_MEMORY;
        COP__CONTAINER(*signal, struct cop__relation, signal)->as.exited.reason = order->reason;
        return COP_OK;
}

static cop_status make(struct cop__thread *thread, const struct order *order,
                       struct cop__timed **result)
{
        const char *name = order->to.name;
        size_t extra = order->every ? sizeof(uint64_t) : 0;
        if (name != NULL)
                extra += strlen(name) + 1;
        else if (order->alias.bits != 0)
                extra += sizeof(cop_ref);
        struct cop__signal *signal;
        cop_status status = new_block(thread, order, extra, &signal);
        if (status != COP_OK)
                return status;
        struct cop__timed *timed = COP__CONTAINER(signal, struct cop__timed, as.signal);
        cop__timer_init(&timed->timer);
        timed->as.wait.before = timed->as.wait.after = 0;
        timed->as.wait.from = cop__actor_pid(cop__actor_of(thread->current));
        timed->as.wait.to = name != NULL ? cop_no_pid() : order->to.pid;
        if (order->every) {
                signal->flags |= EVERY;
                *period_of(timed) = (uint64_t)order->ms * COP__NS_PER_MS;
        }
        if (name != NULL) {
                signal->flags |= TO_NAME;
                memcpy(address_of(timed), name, strlen(name) + 1);
        } else if (order->alias.bits != 0) {
                signal->flags |= TO_ALIAS;
                memcpy(address_of(timed), &order->alias, sizeof(order->alias));
        }
        *result = timed;
        return COP_OK;
}

/* Puts a block into the books and on the wheel, or frees it if nobody is there to get it. */
static cop_status start(struct cop__thread *thread, struct cop__timed *timed,
                        const struct order *order, cop_ref *ref)
{
        struct cop__timer_home *home = cop__timer_home_here(thread);
        uint64_t when_ns = order->absolute ? (uint64_t)order->ms * COP__NS_PER_MS
                                           : cop__clock_ns() + (uint64_t)order->ms * COP__NS_PER_MS;
        cop_status status = cop__timer_home_lock_to_add(home);
        if (status != COP_OK) {
                cop__timed_free(&thread->pool, timed);
                return status;
        }
        bool sooner = false;
        bool entered = cop__timer_enter(home, cop__node_of(thread), timed);
        cop_ref fresh = timed->as.wait.ref;
        if (entered) {
                if (order->tells_ref)
                        ((cop_timeout *)cop__signal_body(&timed->as.signal))->ref = fresh;
                sooner = cop__timer_arm_locked(&home->worker->wheel, &timed->timer, when_ns);
        }
        cop__timer_home_unlock(home);
        if (sooner)
                cop__hasten(thread, home->worker);
        if (!entered)
                cop__timed_free(&thread->pool, timed);
        if (ref != NULL)
                *ref = fresh;
        return COP_OK;
}

/* Of an order that has been checked. Its reason is taken. */
static cop_status set_checked(const struct order *order, cop_ref *ref)
{
        struct cop__thread *thread = cop__thread_here();
        struct cop__fault_scope *fault = &cop__here_of(thread)->fault;
        struct cop__timed *timed;
        cop__critical_enter(fault);
        cop_status status = make(thread, order, &timed);
        if (status == COP_OK)
                status = start(thread, timed, order, ref);
        else
                cop__shared_term_drop(order->reason);
        cop__critical_leave(fault);
        return status;
}

/* What fires at once has a receiver that may be behind. `where` is who sets it. */
static cop_status set(struct order *order, cop_ref *ref, const void *where)
{
        cop__charge(order->to.pid, where);
        order->alias = cop__take_alias(&order->to);
        cop_status status = check(order);
        if (status != COP_OK)
                return status;
        if (is_outside(order))
                return set_outside(order,
                                   order->tells_ref ? ((const cop_timeout *)order->value)->payload
                                                    : cop_nil(),
                                   ref);
        return set_checked(order, ref);
}

cop_status cop_send_value_after(int64_t ms, cop_address to, const cop_kind *kind,
                                const void *value, cop_ref *timer)
{
        if (kind == NULL)
                return COP_E_BAD_ARGUMENT;
        return set(&(struct order){ .function = "send_after", .ms = ms, .to = to, .kind = kind,
                                    .value = value }, timer,
                   __builtin_return_address(0));
}

cop_status cop_send_value_at(int64_t at_ms, cop_address to, const cop_kind *kind,
                             const void *value, cop_ref *timer)
{
        if (kind == NULL)
                return COP_E_BAD_ARGUMENT;
        return set(&(struct order){ .function = "send_at", .ms = at_ms, .absolute = true, .to = to,
                                    .kind = kind, .value = value }, timer,
                   __builtin_return_address(0));
}

cop_status cop_send_value_every(int64_t period_ms, cop_address to, const cop_kind *kind,
                                const void *value, cop_ref *timer)
{
        if (kind == NULL)
                return COP_E_BAD_ARGUMENT;
        return set(&(struct order){ .function = "send_every", .ms = period_ms, .every = true,
                                    .to = to, .kind = kind, .value = value }, timer,
                   __builtin_return_address(0));
}

cop_status cop_start_timer_to(int64_t ms, cop_address to, cop_term payload, cop_ref *timer)
{
        cop_timeout message = { .payload = payload };
        return set(&(struct order){ .function = "start_timer", .ms = ms, .to = to,
                                    .kind = COP_KIND_OF(cop_timeout), .value = &message,
                                    .tells_ref = true }, timer,
                   __builtin_return_address(0));
}

cop_status cop_exit_after_to(int64_t ms, cop_address to, cop_term reason, cop_ref *timer)
{
        struct order order = { .function = "exit_after", .ms = ms, .to = to };
        cop__charge(to.pid, __builtin_return_address(0));
        order.alias = cop__take_alias(&order.to);
        cop_status status = check(&order);
        if (status == COP_OK && order.alias.bits != 0)
                status = COP_E_BAD_ARGUMENT; /* messages go through one, exit signals do not */
        if (status != COP_OK)
                return status;
        if (is_outside(&order))
                return set_outside(&order, reason, timer);
        status = cop__shared_term_make(reason, &order.reason);
        return status == COP_OK ? set_checked(&order, timer) : status;
}

/* ---- Stopping and reading ------------------------------------------------------------------ */

static int64_t left_ms(uint64_t when_ns)
{
        uint64_t now_ns = cop__clock_ns();
        return when_ns > now_ns ? (int64_t)((when_ns - now_ns) / COP__NS_PER_MS) : 0;
}

/* Ends a timer. True: there was one, and *when_ns is when it would have fired. */
static bool end(cop_ref ref, uint64_t *when_ns)
{
        struct cop__thread *thread = cop__thread_here();
        if (thread == NULL)
                return false;
        struct cop_node *node = cop__node_of(thread);
        struct cop__timer_home *home = cop__timer_home_of(&node->timers, ref);
        if (home == NULL)
                return false;
        cop__critical_enter(&cop__here_of(thread)->fault);
        cop__timer_home_lock(home);
        struct cop__timed *timed = cop__timer_find(home, node, ref);
        bool found = timed != NULL;
        if (found)
                *when_ns = timed->timer.when_ns;
        bool ours = found && cop__timer_end(home, timed);
        cop__timer_home_unlock(home);
        if (ours)
                cop__timed_free(&thread->pool, timed);
        cop__critical_leave(&cop__here_of(thread)->fault);
        return found;
}

static int64_t cancel(cop_ref timer)
{
        uint64_t when_ns;
        if (COP__UNLIKELY(cop__outside_has_timer(timer)))
                return cop__outside_cancel(timer);
        return end(timer, &when_ns) ? left_ms(when_ns) : -1;
}

int64_t cop_cancel(cop_ref timer)
{
        cop__charge(cop_no_pid(), __builtin_return_address(0));
        return cancel(timer);
}

static cop_status cancel_and_tell(struct cop__actor *actor, cop_ref timer)
{
        struct cop__thread *thread = cop__thread_here();
        cop_timer_cancelled message = { .ref = timer };
        struct cop__signal *answer;
        cop_status status = cop__signal_owed(&thread->pool, COP_KIND_OF(cop_timer_cancelled), &message, &answer);
        if (status != COP_OK)
                return status;
        ((cop_timer_cancelled *)cop__signal_body(answer))->left_ms = cancel(timer);
        answer->from = cop__actor_pid(actor);
        cop__count_up(&cop__here_of(thread)->sent);
        cop__send_signal(thread, answer->from, answer);
        return COP_OK;
}

cop_status cop_cancel_async(cop_ref timer, bool tell)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor == NULL)
                return COP_E_NO_NODE;
        if (timer.bits == 0)
                return COP_E_BAD_ARGUMENT;
        cop__charge(cop_no_pid(), __builtin_return_address(0));
        if (tell)
                return cancel_and_tell(actor, timer);
        cancel(timer);
        return COP_OK;
}

int64_t cop_timer_left(cop_ref timer)
{
        struct cop__thread *thread = cop__thread_here();
        if (thread == NULL)
                return -1;
        if (COP__UNLIKELY(cop__outside_has_timer(timer)))
                return cop__outside_time_left(timer);
        struct cop_node *node = cop__node_of(thread);
        struct cop__timer_home *home = cop__timer_home_of(&node->timers, timer);
        if (home == NULL)
                return -1;
        cop__timer_home_lock(home);
        struct cop__timed *timed = cop__timer_find(home, node, timer);
        uint64_t when_ns = timed != NULL ? timed->timer.when_ns : 0;
        cop__timer_home_unlock(home);
        return timed != NULL ? left_ms(when_ns) : -1;
}

/* ---- The clock ---------------------------------------------------------------------------- */

int64_t cop_now_ns(void)
{
        return cop__thread_here() != NULL ? (int64_t)cop__clock_ns() : 0;
}

int64_t cop_now_ms(void)
{
        return cop_now_ns() / (int64_t)COP__NS_PER_MS;
}
