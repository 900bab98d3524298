/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Failures: in which order they are dealt with, and what becomes of the siblings.
 *
 *      a child fails ──► due ──► counted: too many? the breaker? the backoff?
 *                                   │
 *               single strategies ──┴── strategies that concern siblings
 *                   start it                IDLE ──► STOPS ──all in reach are stopped──► STARTS ──► IDLE
 *                                                    backwards                           forwards
 *
 * One group at a time: what fails while it is under way stays in `due` until it is over. A start in the group that fails ends
 * the group; its child is due, and those behind it stay WAITING until the child that they wait for is tried again. So does a
 * child to which its starts come and that is due: it was started by itself meanwhile, and has failed. A group that begins
 * overtakes what is due in its reach, and takes it out.
 *
 * Invariant: who is due is WAITING, and is started only when that is dealt with.
 *
 * Another order (cop_replace_specs) comes between two groups: where a child stands in the list is what a group goes by.
 *
 * In the group `at` is the child whose turn it is. All children in reach behind `at` are without a process while STOPS;
 * all in front of it have been seen to while STARTS.
 */
#include "actors/actor.h"
#include "base/clock.h"
#include "base/random.h"
#include "supervisor/supervisor.h"

/* ---- Giving up ------------------------------------------------------------------------ */

static COP__NORETURN void give_up(struct cop__supervisor *self, struct cop__child *child)
{
        cop__tell_gave_up(self, child);
        child->corpse = cop_no_pid();
        cop__supervisor_end(self, cop_atom("shutdown"));
}

/* Most children have no jitter, and draw nothing. */
static uint64_t draw(struct cop__supervisor *self, const struct cop__child *child)
{
        if (!(child->spec->backoff.jitter > 0))
                return 0;
        if (self->chance == 0)
                self->chance = cop__supervisor_chance(cop_node_here(), cop_self());
        return cop__random_next(&self->chance);
}

/* One failure: counted once, however many children it concerns. False: the breaker has opened, and that is all. */
static bool count_failure(struct cop__supervisor *self, struct cop__child *child)
{
        struct cop__respite respite =
                cop__past_fails(&child->past, &child->spec->backoff, cop__child_breaker(self, child),
                                cop__clock_ns(), draw(self, child));
        if (respite.opens && cop__child_open(self, child, respite.delay_ns)) {
                cop__tell_open(self, child);
                child->corpse = cop_no_pid();
                return false;
        }
        if (cop__intensity_add(&self->intensity, cop__clock_ns()))
                give_up(self, child);
        if (respite.gives_up) {
                cop__tell_tired(self, child);
                child->corpse = cop_no_pid();
                cop__supervisor_end(self, cop_atom("shutdown"));
        }
        child->delay_ns = respite.opens ? 0 : respite.delay_ns;
        return true;
}

/* ---- One child ------------------------------------------------------------------------ */

/* Starts a child that is WAITING, now or later. */
static void attempt(struct cop__supervisor *self, struct cop__child *child)
{
        bool later = child->hesitates || child->delay_ns > 0;
        if (later && cop__child_tick(self, child, child->delay_ns)) {
                child->hesitates = false;
                child->delay_ns = 0;
                cop__child_is_there(self, child);
                cop__roster_set(self->roster, child, COP__CHILD_RESTARTING, cop_no_pid());
                return;
        }
        if (later)
                cop_yield(); /* no memory for a message to ourselves: at once, then, as intensity allows */
        cop__child_begin(self, child);
}

void cop__regrow_failed(struct cop__supervisor *self, struct cop__child *child)
{
        cop__list_remove(&child->due);
        cop__list_push_back(&self->due, &child->due);
}

/* ---- The group ------------------------------------------------------------------------ */

/* A delay that has begun goes on: a sibling's failure is no reason to try earlier. */
static void join_group(struct cop__supervisor *self, struct cop__child *child)
{
        if (cop__child_has_process(child)) {
                child->back = true;
                return;
        }
        bool asked = child->asked, hesitates = child->hesitates;
        uint64_t delay_ns = child->state == COP__CHILD_RESTARTING ? cop__child_delay_left(child) : child->delay_ns;
        cop__child_call_off(self, child);
        cop__roster_set(self->roster, child, COP__CHILD_WAITING, cop_no_pid());
        child->asked = asked;
        child->again = !child->fresh;
        child->hesitates = hesitates;
        child->delay_ns = delay_ns;
}

static void begin_group(struct cop__supervisor *self, const struct cop__child *failed)
{
        self->reach = cop__strategy_reach(self->spec->strategy, failed->number);
        self->at = cop__roster_last(self->roster);
        self->regrow = COP__REGROW_STOPS;
        self->hushed = !cop__report_is_logged(cop_node_here(), failed->corpse);
        struct cop__child *child = self->at;
        for (; child != NULL && child->number >= self->reach;
             child = cop__roster_before(self->roster, child))
                join_group(self, child);
}

static void go_to_starts(struct cop__supervisor *self)
{
        struct cop__child *first = self->at;
        cop__group_tick_end(self);
        first = first != NULL ? cop__roster_next(self->roster, first)
                              : cop__roster_first(self->roster);
        self->regrow = COP__REGROW_STARTS;
        self->at = first;
}

/* False: there is something to wait for. */
static bool step_stops(struct cop__supervisor *self)
{
        struct cop__child *child = self->at;
        if (child == NULL || child->number < self->reach) {
                go_to_starts(self);
                return true;
        }
        if (!cop__child_has_process(child)) {
                self->at = cop__roster_before(self->roster, child);
                return true;
        }
        if (child->state != COP__CHILD_STOPPING)
                cop__child_stop(self, child);
        return false;
}

/* The group ends with a child that is tried again later, for those behind it wait for it; unless its strategy was replaced by
 * one under which nobody waits for another. */
static void leave_behind(struct cop__supervisor *self, const struct cop__child *child)
{
        if (cop__strategy_is_single(self->spec->strategy))
                self->at = cop__roster_next(self->roster, child);
        else
                self->regrow = COP__REGROW_IDLE;
}

static bool step_starts(struct cop__supervisor *self)
{
        struct cop__child *child = self->at;
        if (child == NULL) {
                self->regrow = COP__REGROW_IDLE;
                return true;
        }
        switch ((enum cop__child_state)child->state) {
        case COP__CHILD_WAITING:
                if (cop__list_is_empty(&child->due))
                        attempt(self, child);
                else
                        leave_behind(self, child);
                return true;
        case COP__CHILD_NAMING:
        case COP__CHILD_STARTING:
        case COP__CHILD_STOPPING:
                return false;
        case COP__CHILD_RESTARTING:
                leave_behind(self, child);
                return true;
        default:
                self->at = cop__roster_next(self->roster, child);
                return true;
        }
}

/* ---- In turn -------------------------------------------------------------------------- */

static COP__NOINLINE void deal_with(struct cop__supervisor *self, struct cop__child *child)
{
        bool single = cop__strategy_is_single(self->spec->strategy);
        bool counted = child->resumes;
        child->resumes = false;
        child->again = child->again || !counted;
        if (!counted && !count_failure(self, child))
                return;
        if (single) {
                attempt(self, child);
        } else if (counted) {
                self->regrow = COP__REGROW_STARTS;
                self->at = child;
        } else {
                begin_group(self, child);
        }
}

void cop__regrow_begin(struct cop__supervisor *self)
{
        self->at = cop__roster_first(self->roster);
        self->regrow = COP__REGROW_STARTS;
}

bool cop__regrow_reaches(const struct cop__supervisor *self, const struct cop__child *child)
{
        if (self->regrow == COP__REGROW_STOPS)
                return child->number >= self->reach;
        return self->regrow == COP__REGROW_STARTS && self->at != NULL &&
               child->number >= self->at->number;
}

void cop__regrow_forget(struct cop__supervisor *self, struct cop__child *child)
{
        if (self->at != child)
                return;
        self->at = self->regrow == COP__REGROW_STOPS ? cop__roster_before(self->roster, child)
                                                     : cop__roster_next(self->roster, child);
}

/* Its turn comes when no group is under way: its failure, if it had one, has been counted. */
static void resume(struct cop__supervisor *self, struct cop__child *child)
{
        child->resumes = true;
        cop__regrow_failed(self, child);
}

/* Those behind a sibling that is RESTARTING wait for that one, and one that is due will be dealt with. */
void cop__regrow_pass(struct cop__supervisor *self, const struct cop__child *child)
{
        if (cop__strategy_is_single(self->spec->strategy))
                return; /* nobody waits for another */
        struct cop__child *next = cop__roster_next(self->roster, child);
        while (next != NULL && next->state != COP__CHILD_WAITING &&
               next->state != COP__CHILD_RESTARTING)
                next = cop__roster_next(self->roster, next);
        if (next != NULL && next->state == COP__CHILD_WAITING &&
            cop__list_is_empty(&next->due) && !cop__regrow_reaches(self, next))
                resume(self, next);
}

void cop__regrow_release(struct cop__supervisor *self)
{
        bool single = cop__strategy_is_single(self->spec->strategy), waits = false;
        struct cop__child *child = cop__roster_first(self->roster);
        for (; child != NULL; child = cop__roster_next(self->roster, child)) {
                if ((single || !waits) && child->state == COP__CHILD_WAITING && cop__list_is_empty(&child->due) &&
                    !cop__regrow_reaches(self, child))
                        resume(self, child);
                waits = waits || child->state == COP__CHILD_RESTARTING || !cop__list_is_empty(&child->due);
        }
}

/* The order of new specs: a group that is under way ends in the order in which it has begun. */
static void put_in_order(struct cop__supervisor *self)
{
        self->disordered = false;
        cop__roster_reorder(self->roster, self->spec);
        cop__regrow_release(self);
}

void cop__regrow_go(struct cop__supervisor *self)
{
        if (COP__UNLIKELY(self->outlasted))
                cop__child_look_outlasted(self);
        for (;;) {
                struct cop__list *first;
                if (self->regrow == COP__REGROW_STOPS) {
                        if (!step_stops(self))
                                return;
                } else if (self->regrow == COP__REGROW_STARTS) {
                        if (!step_starts(self))
                                return;
                } else if (self->disordered) {
                        put_in_order(self);
                } else if ((first = cop__list_pop_front(&self->due)) != NULL) {
                        deal_with(self, COP__CONTAINER(first, struct cop__child, due));
                } else {
                        return;
                }
        }
}
