/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * One child: how it starts, how it stops, and what the news of it mean. Nothing here waits: each
 * step ends with the child in a state, and the next begins with a message.
 *
 *      STOPPED ─► WAITING ──► NAMING ──► STARTING ──► RUNNING ──► STOPPING ──► STOPPED, or WAITING if it is to be back
 *                   ▲                       │ failed     │ failed
 *                   │                       ▼            ▼
 *                   └── RESTARTING, OPEN ◄── regrow.c says when
 */
#include <coppice/timer.h>

#include <string.h>

#include "actors/actor.h"
#include "actors/calling.h"
#include "base/clock.h"
#include "base/cue.h"
#include "supervisor/supervisor.h"

/* Attempts at what there is no memory for, with a yield after each, before the supervisor gives
 * up. */
#define MEMORY_TRIES 100

/* Where a child may take for ever to stop, so long is an orphan's end waited for whose name it is to have. */
#define NAME_MS 60000

/* Half of what a timer can wait, 35 years, is for ever. */
#define DELAY_MAX_NS ((uint64_t)COP_TIMER_MS_MAX / 2 * COP__NS_PER_MS)

static bool try_again(unsigned *tries)
{
        cop_yield();
        return ++*tries < MEMORY_TRIES;
}

/* ---- States without a process --------------------------------------------------------- */

COP__INLINE void set(struct cop__supervisor *self, struct cop__child *child,
                     enum cop__child_state state)
{
        cop__roster_set(self->roster, child, state, cop_no_pid());
}

COP__INLINE void expect_news(struct cop__supervisor *self, struct cop__child *child, cop_ref ref)
{
        cop__roster_await(self->roster, &child->news, ref);
}

static COP__NOINLINE void call_tick_off(struct cop__supervisor *self, struct cop__child *child)
{
        if (child->timer.bits != 0)
                cop_cancel_async(child->timer, false); /* one that has fired bears a reference that nobody awaits */
        child->timer.bits = 0;
        if (child->tick.node.key != 0)
                cop__roster_await(self->roster, &child->tick, (cop_ref){ 0 });
}

COP__INLINE void stop_ticking(struct cop__supervisor *self, struct cop__child *child)
{
        if (COP__UNLIKELY((child->timer.bits | child->tick.node.key) != 0))
                call_tick_off(self, child);
}

/* When so much time has passed; most such ticks are called off, so it is not counted more exactly than it takes (base/clock.h). */
static uint64_t time_in(uint64_t delay_ns)
{
        return cop__clock_in_ns(delay_ns < DELAY_MAX_NS ? delay_ns : DELAY_MAX_NS);
}

static cop_status tick_at(cop_ref *timer, uint64_t when_ns, cop_ref ref)
{
        int64_t ms = (int64_t)(when_ns / COP__NS_PER_MS + (when_ns % COP__NS_PER_MS != 0));
        return cop_send_at(timer, ms, cop_self(), cop__supervisor_tick, .ref = ref);
}

bool cop__child_tick(struct cop__supervisor *self, struct cop__child *child, uint64_t delay_ns)
{
        cop_ref ref = cop_ref_new();
        cop_status status;
        stop_ticking(self, child);
        child->tick_ns = delay_ns > 0 ? time_in(delay_ns) : 0;
        if (delay_ns == 0)
                status = cop__send_owed_value(cop_self(), COP_KIND_OF(cop__supervisor_tick), &(cop__supervisor_tick){ ref },
                                              __builtin_return_address(0));
        else
                status = tick_at(&child->timer, child->tick_ns, ref);
        if (status != COP_OK)
                return false;
        cop__roster_await(self->roster, &child->tick, ref);
        return true;
}

uint64_t cop__child_delay_left(const struct cop__child *child)
{
        uint64_t now_ns = cop__clock_ns();
        return child->tick_ns > now_ns ? child->tick_ns - now_ns : 0;
}

void cop__child_call_off(struct cop__supervisor *self, struct cop__child *child)
{
        if (child->state == COP__CHILD_NAMING)
                cop_demonitor_flush((cop_ref){ child->news.node.key });
        expect_news(self, child, (cop_ref){ 0 });
        stop_ticking(self, child);
        cop__list_remove(&child->due);
        child->back = child->again = child->resumes = child->hesitates = false;
        child->asked = false;
        child->delay_ns = child->open_until_ns = 0;
        set(self, child, COP__CHILD_STOPPED);
}

/* Is it forgotten when it has no process? */
static bool is_fleeting(const struct cop__supervisor *self, const struct cop__child *child)
{
        return child->spec->restart == COP_TEMPORARY || self->spec->strategy == COP_DYNAMIC;
}

static void rest(struct cop__supervisor *self, struct cop__child *child, bool fleeting)
{
        cop__tell_rests(self, child);
        cop__child_call_off(self, child);
        cop__answer_waiters(self, child, true, &(cop__child_answer){ .status = COP_E_DIED,
                                                                     .reason = cop_atom("shutdown") });
        cop__answer_waiters(self, child, false, &(cop__child_answer){ .status = COP_OK });
        if (!fleeting || self->ending)
                return;
        cop__regrow_forget(self, child);
        cop__roster_remove(self->roster, child);
}

void cop__child_rests(struct cop__supervisor *self, struct cop__child *child)
{
        rest(self, child, is_fleeting(self, child) || child->fresh);
}

/* ---- Start ---------------------------------------------------------------------------- */

struct failure {
        cop_term reason, items[2];
};

static cop_term failure_of(struct failure *failure, const char *tag, cop_term what)
{
        failure->items[0] = cop_atom(tag);
        failure->items[1] = what;
        return failure->reason = cop_tuple_of(failure->items, 2);
}

bool cop__child_open(struct cop__supervisor *self, struct cop__child *child, uint64_t delay_ns)
{
        COP__CUE("child.opens");
        if (!cop__child_tick(self, child, delay_ns))
                return false;
        child->open_until_ns = time_in(delay_ns);
        child->again = true;
        cop__child_is_there(self, child);
        set(self, child, COP__CHILD_OPEN);
        return true;
}

/* It was asked for, in vain. What is behind an open breaker is tried in its time all the same. A temporary child that was there
 * is kept, since it has not run. */
static void stays_as_it_was(struct cop__supervisor *self, struct cop__child *child)
{
        uint64_t until_ns = child->open_until_ns, now_ns = cop__clock_ns();
        bool open = until_ns != 0, fleeting = child->fresh || self->spec->strategy == COP_DYNAMIC;
        if (open)
                cop__child_call_off(self, child);
        if (!open || !cop__child_open(self, child, until_ns > now_ns ? until_ns - now_ns : 0))
                rest(self, child, fleeting);
}

/* `corpse` is who died in its init, or nobody. What became of the one before is in that one's
 * report. */
static void has_failed_to_start(struct cop__supervisor *self, struct cop__child *child,
                                cop_pid corpse, cop_term reason)
{
        set(self, child, COP__CHILD_WAITING);
        expect_news(self, child, (cop_ref){ 0 });
        if (self->ending) {
                child->corpse = corpse.bits != 0 ? corpse : child->corpse;
                cop__child_rests(self, child);
        } else if (!self->started) {
                cop__tell_no_start(self, child, corpse);
                cop__supervisor_end(self, COP_TUPLE(cop_atom("shutdown"),
                                                    COP_TUPLE(cop_atom("failed_to_start_child"),
                                                              cop_atom(child->spec->id),
                                                              cop__term_inside(reason, 2))));
        } else if (child->asked) {
                if (corpse.bits != 0)
                        cop__tell_no_start(self, child, corpse);
                set(self, child, COP__CHILD_STOPPED);
                cop__answer_waiters(self, child, true, &(cop__child_answer){ .status = COP_E_DIED,
                                                                             .reason = reason });
                stays_as_it_was(self, child);
        } else {
                cop__tell_failed(self, child, reason);
                if (corpse.bits != 0)
                        child->corpse = corpse;
                child->hesitates = true;
                cop__regrow_failed(self, child);
        }
}

static void has_no_process(struct cop__supervisor *self, struct cop__child *child,
                           cop_status status)
{
        struct failure failure;
        cop_pid holder = cop_no_pid();
        if (status == COP_E_STOPPING)
                cop__supervisor_end(self, cop_atom("shutdown"));
        if (status == COP_E_NAME_TAKEN)
                holder = cop_whereis(child->spec->spawn.name);
        if (holder.bits != 0)
                failure_of(&failure, "already_started", cop_pid_term(holder));
        else if (status == COP_E_LIMIT || status == COP_E_NO_MEMORY)
                failure_of(&failure, "system_limit", cop_atom("spawn"));
        else
                failure_of(&failure, "not_spawned", cop_string(cop_status_text(status)));
        has_failed_to_start(self, child, cop_no_pid(), failure.reason);
}

static COP__NOINLINE cop_status spawn_supervisor(const struct cop__child *child, cop_spawn_options *options,
                                                 cop_pid *pid)
{
        const struct cop__supervisor_spec *spec = child->spec->supervisor;
        cop__supervisor_start nested = {
                .spec = { (const uint8_t *)spec, sizeof(*spec), child->home },
        };
        options->server = cop__supervisor_behaviour();
        options->kind = COP_KIND_OF(cop__supervisor_start);
        options->argument = &nested;
        return cop_spawn_opt(options, pid);
}

static cop_status spawn_child(const struct cop__child *child, cop_ref start_ref, cop_pid *pid)
{
        cop_spawn_options options = child->spec->spawn;
        options.start_ref = start_ref;
        if (child->spec->supervisor != NULL)
                return spawn_supervisor(child, &options, pid);
        options.kind = child->kind;
        options.argument = child->argument;
        return cop_spawn_opt(&options, pid);
}

/* It runs: said to the log if it ran before, and to who waits for it. */
static void runs(struct cop__supervisor *self, struct cop__child *child, cop_pid pid, cop_term extra)
{
        expect_news(self, child, (cop_ref){ 0 });
        child->restarts += child->again;
        if (child->asked)
                child->past = (struct cop__past){ 0 };
        child->open_until_ns = 0;
        if (child->spec->backoff.first_ms != 0 || child->spec->breaker.failures != 0)
                child->past.born_ns = cop__clock_ns();
        child->known = pid;
        cop__child_is_there(self, child);
        cop__roster_set(self->roster, child, COP__CHILD_RUNNING, pid);
        if (child->again)
                cop__tell_restarted(self, child);
        child->again = child->asked = child->fresh = false;
        child->corpse = cop_no_pid();
        if (COP__UNLIKELY(child->waiters != NULL))
                cop__answer_waiters(self, child, true, &(cop__child_answer){ .status = COP_OK, .pid = pid,
                                                                             .extra = extra });
}

static bool is_orphan(cop_pid pid)
{
        const struct cop__actor *actor = cop__slot_of(cop__node_of(cop__thread_here()), pid);
        return actor != NULL && cop__is_orphan(actor);
}

/* As long as the child that is to have the name may take to stop, but never without end. */
static int64_t patience_for_name(const struct cop__child *child)
{
        int64_t ms = child->spec->shutdown_ms;
        if (ms == COP_SHUTDOWN_INFINITY)
                return NAME_MS;
        return ms > 0 ? ms : COP__SHUTDOWN_DEFAULT_MS;
}

/*
 * When a supervisor is killed, the one above it and its children hear of that at the same time, and
 * its successor may start before they have ended. OTP lets that start fail, and the tree give up,
 * for nothing but bad luck. Here a name that an orphan holds is waited for. Whoever else holds it
 * may live for ever. False: the name is not an orphan's.
 */
static bool waits_for_name(struct cop__supervisor *self, struct cop__child *child)
{
        cop_pid holder = cop_whereis(child->spec->spawn.name);
        cop_ref ref;
        if ((holder.bits != 0 && !is_orphan(holder)) ||
            cop_monitor(child->spec->spawn.name, &ref) != COP_OK)
                return false;
        COP__CUE("child.waits_for_name");
        if (child->tick.node.key == 0 &&
            !cop__child_tick(self, child, (uint64_t)patience_for_name(child) * COP__NS_PER_MS)) {
                cop_demonitor_flush(ref);
                return false;
        }
        expect_news(self, child, ref);
        set(self, child, COP__CHILD_NAMING);
        return true;
}

/* What they wait for is not the supervisor from here on, but a start, its own or that of a sibling before it: a ring through
 * that can be seen. Without memory for another news it cannot. */
void cop__child_tell_waiters(struct cop__child *child, cop_pid starting)
{
        struct cop__thread *thread = cop__thread_here();
        for (struct cop__waiter *waiter = child->waiters; waiter != NULL; waiter = waiter->next) {
                if (waiter->for_start && waiter->hinge == NULL)
                        waiter->hinge = cop__calling_hinge_new(thread);
                if (waiter->hinge == NULL)
                        continue;
                cop__calling_hinge(thread, waiter->hinge, waiter->caller, starting);
                waiter->hinge = NULL;
        }
}

/* In a group all those behind wait for this start. */
static void tell_who_waits(struct cop__supervisor *self, struct cop__child *child)
{
        cop__child_tell_waiters(child, child->pid);
        if (self->regrow != COP__REGROW_STARTS || self->at != child)
                return;
        struct cop__child *behind = cop__roster_next(self->roster, child);
        for (; behind != NULL; behind = cop__roster_next(self->roster, behind))
                if (behind->state == COP__CHILD_WAITING)
                        cop__child_tell_waiters(behind, child->pid);
}

void cop__child_begin(struct cop__supervisor *self, struct cop__child *child)
{
        const struct cop__child_spec *spec = child->spec;
        cop_ref start_ref = { 0 };
        cop_pid pid;
        child->hesitates = child->ignored = child->back = false;
        child->delay_ns = 0;
        if (spec->spawn.server != NULL || spec->supervisor != NULL || spec->spawn.init_ack)
                start_ref = cop__ref_new(cop__here_of(cop__thread_here()));
        cop_status status = spawn_child(child, start_ref, &pid);
        if (status == COP_E_NAME_TAKEN && waits_for_name(self, child))
                return;
        stop_ticking(self, child);
        if (status != COP_OK) {
                has_no_process(self, child, status);
        } else if (start_ref.bits == 0) {
                runs(self, child, pid, cop_nil());
        } else {
                expect_news(self, child, start_ref);
                cop__roster_set(self->roster, child, COP__CHILD_STARTING, pid);
                if (COP__UNLIKELY(self->roster->waiters > 0))
                        tell_who_waits(self, child);
        }
}

void cop__child_has_started(struct cop__supervisor *self, struct cop__child *child,
                            const cop_started *started)
{
        cop_ref ref;
        child->ignored = started->ignored;
        if (!child->ignored)
                runs(self, child, child->pid, started->extra);
        else if (cop_monitor(child->pid, &ref) == COP_OK)
                expect_news(self, child, ref);
        /* The rest is done at its end, which is near: by the watch, for its init may have undone the link, or by that. */
}

/* Of link and watch the other one tells nothing more. */
static void has_ignored(struct cop__supervisor *self, struct cop__child *child)
{
        cop_unlink(child->pid);
        cop_message_free(cop_receive(0, (cop_pattern){ .kind = COP_KIND_OF(cop_exited), .from = child->pid }));
        if (child->news.node.key != 0)
                cop_demonitor_flush((cop_ref){ child->news.node.key });
        set(self, child, COP__CHILD_STOPPED);
        cop__answer_waiters(self, child, true, &(cop__child_answer){ .status = COP_OK });
        child->fresh = false;
        cop__child_rests(self, child);
}

/* ---- Stop ----------------------------------------------------------------------------- */

const cop_breaker *cop__child_breaker(const struct cop__supervisor *self, const struct cop__child *child)
{
        static const cop_breaker none;
        return cop__strategy_is_single(self->spec->strategy) ? &child->spec->breaker : &none;
}

/* The links that end with us need no memory; and nobody is waited for, as this one would be, who has not been told to stop. */
static COP__NORETURN void cannot_stop(struct cop__supervisor *self, const struct cop__child *child)
{
        self->ending = true;
        cop__log_sentence(COP_LOG_ERROR, "%s has no memory to stop %s, and ends all its children at once",
                          self->label, child->spec->id);
        cop_exit(COP_TUPLE(cop_atom("system_limit"), cop_atom("stop")));
}

static void kill_child(struct cop__supervisor *self, const struct cop__child *child)
{
        unsigned tries = 0;
        while (cop_send_exit(child->pid, cop_atom("kill")) != COP_OK)
                if (!try_again(&tries))
                        cannot_stop(self, child);
}

/*
 * Of a group one child after the other is stopped, and nearly each in time. So one tick does for all of them, which is set for the
 * first and called off after the last: when it comes, whoever is being stopped then is waited for with another one until his own
 * time is over.
 */
static bool set_group_tick(struct cop__supervisor *self, uint64_t when_ns)
{
        cop__group_tick_end(self);
        cop_ref ref = cop_ref_new();
        if (tick_at(&self->group_timer, when_ns, ref) != COP_OK)
                return false;
        self->group_tick = ref;
        self->group_tick_ns = when_ns;
        return true;
}

void cop__group_tick_end(struct cop__supervisor *self)
{
        if (self->group_tick.bits != 0)
                cop_cancel_async(self->group_timer, false); /* one that has fired bears a reference that is no more */
        self->group_tick.bits = 0;
}

/* The group may have been given up for the end of the supervisor: so it is not asked who is being stopped, but looked. */
void cop__group_hears_tick(struct cop__supervisor *self)
{
        struct cop__child *child = cop__roster_first(self->roster);
        self->group_tick.bits = 0;
        for (; child != NULL; child = cop__roster_next(self->roster, child)) {
                if (child->state != COP__CHILD_STOPPING || child->stop_by_ns == UINT64_MAX ||
                    (!cop__clock_is_past(child->stop_by_ns) && set_group_tick(self, child->stop_by_ns)))
                        continue;
                child->stop_by_ns = UINT64_MAX;
                child->late = true;
                kill_child(self, child);
        }
}

/* It has so long to stop. False: no memory. */
static bool time_stop(struct cop__supervisor *self, struct cop__child *child, uint64_t delay_ns)
{
        if (self->regrow != COP__REGROW_STOPS || self->at != child)
                return cop__child_tick(self, child, delay_ns);
        child->stop_by_ns = time_in(delay_ns);
        return (self->group_tick.bits != 0 && self->group_tick_ns <= child->stop_by_ns) ||
               set_group_tick(self, child->stop_by_ns);
}

/*
 * Its watch tells of the end, and not the link, which the other side may have undone. The link stays until then all the same:
 * if we are killed meanwhile, the child shall hear of it.
 */
static cop_status bid_farewell(const struct cop__child *child, bool brutal, cop_ref *ref)
{
        struct cop__thread *thread = cop__thread_here();
        struct cop__shared_term *reason = brutal ? cop__shared_term_new(cop_atom("kill")) : cop__reason(COP__REASON_SHUTDOWN);
        if (reason == NULL)
                return COP_E_NO_MEMORY;
        *ref = cop__ref_new(cop__here_of(thread));
        cop_status status = cop__farewell(thread, cop__actor_here(), child->pid, *ref, reason);
        if (status != COP_OK)
                cop__shared_term_drop(reason);
        return status;
}

void cop__child_stop(struct cop__supervisor *self, struct cop__child *child)
{
        int64_t ms = child->spec->shutdown_ms;
        bool brutal = ms == COP_BRUTAL_KILL;
        unsigned tries = 0;
        cop_ref ref;
        while (bid_farewell(child, brutal, &ref) != COP_OK)
                if (!try_again(&tries))
                        cannot_stop(self, child);
        expect_news(self, child, ref);
        child->late = false;
        child->stop_by_ns = UINT64_MAX;
        cop__roster_set(self->roster, child, COP__CHILD_STOPPING, child->pid);
        bool timed = ms > 0 && time_stop(self, child, (uint64_t)ms * COP__NS_PER_MS);
        if (ms == COP_SHUTDOWN_AT_ONCE || (ms > 0 && !timed))
                kill_child(self, child);
}

/* However it has ended: what lasted so long was no failure in a row of them. */
static void life_ends(struct cop__supervisor *self, struct cop__child *child)
{
        if (child->past.born_ns != 0)
                cop__past_ends(&child->past, &child->spec->backoff, cop__child_breaker(self, child), cop__clock_ns());
}

static void has_stopped(struct cop__supervisor *self, struct cop__child *child, cop_term reason)
{
        cop_pid pid = child->pid;
        life_ends(self, child);
        bool back = child->back && !is_fleeting(self, child) && !self->ending;
        expect_news(self, child, (cop_ref){ 0 });
        stop_ticking(self, child);
        child->corpse = cop_no_pid();
        set(self, child, COP__CHILD_WAITING);
        cop__tell_stopped(self, child, pid, reason);
        if (!back) {
                cop__child_rests(self, child);
                return;
        }
        if (COP__UNLIKELY(child->waiters != NULL))
                cop__answer_waiters(self, child, false, &(cop__child_answer){ .status = COP_OK });
        child->again = !child->asked;
}

/* ---- News ----------------------------------------------------------------------------- */

static COP__NORETURN void shut_down(struct cop__supervisor *self)
{
        if (self->is_done != NULL)
                cop__store_release(self->is_done, 1);
        cop__supervisor_end(self, cop_atom("shutdown"));
}

/*
 * What was asked of the supervisor, or is done by it, comes before an end that it has heard of since, as if it waited for each stop and
 * start: so whoever is WAITING may still turn out to be back or not, whatever he waits for. Who is tried again later is there meanwhile.
 */
static bool is_under_way(const struct cop__child *child)
{
        switch ((enum cop__child_state)child->state) {
        case COP__CHILD_RUNNING:
                return child->back;
        case COP__CHILD_RESTARTING:
        case COP__CHILD_OPEN:
                return false;
        default:
                return true;
        }
}

/* Of those that are significant, is there no other? One whose stop or start goes on is one until that is over: then *pending. */
static bool is_last_significant(const struct cop__supervisor *self, const struct cop__child *child, bool *pending)
{
        const struct cop__child *other = cop__roster_first(self->roster);
        *pending = self->roster->significant > 1; /* this one still counts */
        for (; *pending && other != NULL; other = cop__roster_next(self->roster, other))
                if (other != child && other->spec->significant && other->state != COP__CHILD_STOPPED && !is_under_way(other))
                        return false;
        return true;
}

void cop__child_is_there(struct cop__supervisor *self, const struct cop__child *child)
{
        self->outlasted = self->outlasted && !child->spec->significant;
}

void cop__child_look_outlasted(struct cop__supervisor *self)
{
        if (!self->outlasted || self->ending || self->roster->significant > 0)
                return;
        cop__tell_outlasted(self);
        shut_down(self);
}

/* Who was about to be stopped with its group is gone with it, and that ends nothing. */
static void has_left(struct cop__supervisor *self, struct cop__child *child, cop_pid corpse,
                     cop_term reason)
{
        bool counts = child->spec->significant && !child->back;
        cop_auto_shutdown when = counts ? self->spec->auto_shutdown : COP_NEVER;
        bool pending = false;
        cop__tell_left(self, child, corpse, reason);
        bool last = when == COP_ALL_SIGNIFICANT && is_last_significant(self, child, &pending);
        if (when == COP_ANY_SIGNIFICANT || (last && !pending)) {
                cop__tell_significant(self, child);
                set(self, child, COP__CHILD_STOPPED);
                shut_down(self);
        }
        self->outlasted = self->outlasted || last;
        cop__child_rests(self, child);
}

static void has_failed(struct cop__supervisor *self, struct cop__child *child, cop_term reason)
{
        cop_pid corpse = child->pid;
        bool wanted = cop__restart_is_wanted(child->spec->restart, !cop__reason_is_crash(reason));
        life_ends(self, child);
        set(self, child, COP__CHILD_WAITING);
        if (self->ending) {
                child->corpse = corpse;
                cop__child_rests(self, child);
        } else if (child->back && child->spec->restart != COP_TEMPORARY) { /* it was about to be stopped */
                cop__tell_ended(self, child, corpse, reason);
                child->corpse = corpse;
                child->again = true;
        } else if (!wanted) {
                has_left(self, child, corpse, reason);
        } else {
                child->corpse = corpse;
                cop__tell_ended(self, child, corpse, reason);
                cop__regrow_failed(self, child);
        }
}

void cop__child_has_ended(struct cop__supervisor *self, struct cop__child *child, cop_term reason)
{
        switch ((enum cop__child_state)child->state) {
        case COP__CHILD_STARTING:
                if (child->ignored) {
                        has_ignored(self, child);
                        break;
                }
                has_failed_to_start(self, child, child->pid, reason);
                break;
        case COP__CHILD_RUNNING:
                has_failed(self, child, reason);
                break;
        case COP__CHILD_STOPPING:
                break; /* the watch's word is what counts */
        default:
                break; /* late news of a process that is known to be dead */
        }
}

void cop__child_is_down(struct cop__supervisor *self, struct cop__child *child, cop_term reason)
{
        if (child->state == COP__CHILD_STOPPING) {
                has_stopped(self, child, reason);
        } else if (child->state == COP__CHILD_STARTING && child->ignored) {
                has_ignored(self, child);
        } else if (child->state == COP__CHILD_NAMING) {
                expect_news(self, child, (cop_ref){ 0 });
                cop__child_begin(self, child);
        }
}

void cop__child_hears_tick(struct cop__supervisor *self, struct cop__child *child)
{
        child->timer.bits = 0;
        switch ((enum cop__child_state)child->state) {
        case COP__CHILD_STOPPING:
                child->late = true;
                kill_child(self, child);
                break;
        case COP__CHILD_NAMING:
                cop_demonitor_flush((cop_ref){ child->news.node.key });
                has_no_process(self, child, COP_E_NAME_TAKEN);
                break;
        case COP__CHILD_RESTARTING:
        case COP__CHILD_OPEN:
                set(self, child, COP__CHILD_WAITING);
                child->open_until_ns = 0;
                child->resumes = true;
                cop__regrow_failed(self, child);
                break;
        default:
                break;
        }
}
