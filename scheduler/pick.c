/* Copyright (c) 2026 The Coppice authors. MIT licence. */
#include "scheduler/pick.h"

#include "scheduler/due.h"
#include "scheduler/runnable.h"
#include "scheduler/shared.h"
#include "scheduler/wake.h"

/* The next slot has been served often enough, and others wait: what it holds goes behind them. */
static COP__NOINLINE void pass_over_next(struct cop__worker *worker)
{
        struct cop__task *task = cop__desk_swap(&worker->desk, NULL);
        if (task != NULL)
                cop__ring_put(worker, task);
}

/* `next_turns` has this bit when a sibling of what began last is to begin next: so a turn looks at one number alone. */
#define SIBLINGS (UINT32_C(1) << 31)

/* One from the pile, which is shared with who has nothing to do. */
static struct cop__task *pick_fresh(struct cop__worker *worker)
{
        bool sibling;
        if (cop__is_anybody_willing(worker->thread.scheduler) &&
            cop__load_relaxed(&worker->desk.pile.count) > 1)
                cop__pile_share(worker);
        struct cop__task *task = cop__desk_begin_one(&worker->desk, &sibling);
        worker->pile_served = true;
        if (sibling && worker->spoilt_litter != task->litter + 1u) {
                worker->woken = cop__load_relaxed(&worker->desk.next);
                worker->litter = task->litter;
                worker->next_turns |= SIBLINGS;
        }
        return task;
}

/*
 * Siblings begin one after the other, and what they have woken meanwhile waits: mostly it is who started them, and it hears from
 * many of them in one turn. It waits for no more of them than the next slot may have turns. If they do not all wake the same one,
 * each that is woken would displace the one before, which would have to wait behind all that the ring holds: so when that is
 * seen, the rest of them begin only when nobody has been woken.
 */
static bool is_turn_of_sibling(struct cop__worker *worker)
{
        if (!(worker->next_turns & SIBLINGS))
                return false;
        worker->next_turns &= ~SIBLINGS;
        struct cop__task *next = cop__load_relaxed(&worker->desk.next);
        if (worker->woken == NULL || worker->woken == next)
                return true;
        worker->spoilt_litter = (uint16_t)(worker->litter + 1u);
        return false;
}

/*
 * The pile's turn, or the next slot has been served often enough. After so many turns of both together one of the ring has its
 * turn, if there is one; after so many of the next slot's, one of the pile; after so many of siblings, whom they have woken, and
 * then the ring. With nobody else waiting here there is nobody to be fair to.
 *
 * The ring's turn does not take that of the pile, or several pairs that talk, one in the next slot and the others in the ring, would
 * leave it none: if none of it has begun since the ring's last turn, one does, and then comes the ring. What is remembered may be from
 * a turn of the ring before that. So of a worker's own turns
 *
 *      one of the ring comes after at most next_most + 2 others     that of the pile, and whom siblings have woken
 *      one of the pile after at most 2 * next_most + 3              twice the next slot's, the ring's between, and siblings' as above
 */
struct cop__task *cop__pick_soon_slowly(struct cop__worker *worker)
{
        bool next = cop__load_relaxed(&worker->desk.next) != NULL;
        bool fresh = cop__load_relaxed(&worker->desk.pile.count) > 0;
        bool sibling = is_turn_of_sibling(worker);
        if (worker->next_turns >= worker->next_most) {
                if (sibling && next)
                        return cop__desk_swap(&worker->desk, NULL);
                bool behind = cop__is_anybody_behind(worker);
                if (behind && fresh && !worker->pile_served)
                        return pick_fresh(worker);
                if (behind) {
                        worker->pile_served = false;
                        pass_over_next(worker);
                        return NULL;
                }
                cop__next_begins(worker);
                next = next && !fresh;
        } else {
                worker->next_turns++;
                next = next && !(sibling && fresh);
        }
        return next ? cop__desk_swap(&worker->desk, NULL) : pick_fresh(worker);
}

/*
 * While tasks of other priorities wait: an urgent one, unless they have had their share; else a low one, if it is its turn.
 * NULL: now a normal one.
 */
static struct cop__task *pick_by_priority(struct cop__worker *worker)
{
        struct cop__scheduler *scheduler = worker->thread.scheduler;
        if (worker->turns != worker->urgent_at + 1)
                worker->urgent_turns = 0;
        if (++worker->urgent_turns <= scheduler->habits.urgent_turns) {
                bool high_first = worker->urgent_turns % scheduler->habits.low_every == 0;
                struct cop__task *task = cop__shared_take_urgent(scheduler, high_first);
                worker->urgent_at = worker->turns;
                if (task != NULL)
                        return task;
        }
        if (++worker->common_turns % scheduler->habits.low_every == 0)
                return cop__shared_take_of(scheduler, COP_PRIORITY_LOW);
        return NULL;
}

/*
 * Whom it wakes shall not wait behind the ring since the next slot has had its turns: what an idle actor is asked from outside is
 * answered by one or two others as a rule. Those behind wait for twice as many turns at most, however much comes from there.
 */
static struct cop__task *take_from_outside(struct cop__worker *worker)
{
        struct cop__task *task = cop__shared_take(worker);
        uint32_t turns = worker->thread.scheduler->habits.next_turns;
        uint32_t most = (worker->next_turns & ~SIBLINGS) + (turns + 3) / 4;
        if (task != NULL && most > worker->next_most && most <= 2 * turns)
                worker->next_most = most;
        return task;
}

/* Those who have their time once in so many turns: bits of `owed`, and `awaited_last`. */
enum {
        INTERRUPTED = 1,
        OUTSIDE = 2,
};

static struct cop__task *take_one_awaited(struct cop__worker *worker, unsigned which)
{
        if (!(worker->owed & which))
                return NULL;
        worker->owed &= (uint8_t)~which;
        struct cop__task *task = which == OUTSIDE ? take_from_outside(worker) : cop__pinned_take_overdue(worker);
        if (task != NULL) {
                worker->awaited_last = (uint8_t)which;
                worker->own_first = true;
        }
        return task;
}

/*
 * What is owed, of these kinds, unless it is the worker's own tasks' turn.
 *
 * When it is time for these, one of another priority may have that turn, and the next time, too: the periods of both divide each other. So
 * a time that was not used is owed. It is made good in the next turn that priorities leave, or at its next time before they are asked.
 * Between two such turns the worker's own tasks have one, and the two kinds take turns. So of all turns of a worker, with u = urgent_turns,
 *
 *      its own tasks have one within 4 * (u + 1)            at worst: low, awaited, low, own, and u urgent ones before each
 *      the first of each kind within 3 * shared_every + 2 * (u + 1)
 *                                                           its time comes; the other kind's; low, own; its time comes again
 */
static struct cop__task *take_awaited(struct cop__worker *worker, unsigned kinds)
{
        unsigned first = worker->awaited_last == INTERRUPTED ? OUTSIDE : INTERRUPTED;
        if (worker->own_first)
                return NULL;
        struct cop__task *task = take_one_awaited(worker, kinds & first);
        return task != NULL ? task : take_one_awaited(worker, kinds & ~first);
}

/* For whom is it time? The timers are served on the way. */
static uint8_t look_around(struct cop__worker *worker)
{
        struct cop__scheduler *scheduler = worker->thread.scheduler;
        uint8_t due = 0;
        if (worker->turns != worker->unusual_at + 1) /* those between were the worker's own */
                worker->own_first = false;
        worker->unusual_at = worker->turns;
        if (!worker->thread.solitude.alone)
                cop__company_claim(&scheduler->company, &worker->membership, &worker->thread.solitude);
        if (cop__is_time(worker->turns, scheduler->habits.timers_every)) {
                cop__serve_timers(worker);
                if (cop__guests_are_there(&worker->guests))
                        cop__guests_seat(worker);
                if (cop__has_others(scheduler))
                        cop__retreat_look(worker);
                due |= INTERRUPTED;
        }
        if (worker->turns % COP__POLL_EVERY == 0 && COP__UNLIKELY(cop__poll_is_open(&scheduler->poll)))
                cop__look_outside(worker);
        if (cop__is_time(worker->turns, scheduler->habits.shared_every))
                due |= OUTSIDE;
        return due;
}

/* What is not done in each turn, and what comes before a worker's own tasks. NULL: now one of those. */
struct cop__task *cop__pick_unusually(struct cop__worker *worker)
{
        struct cop__task *task = NULL;
        uint8_t due = look_around(worker);
        unsigned again = worker->owed & due;
        worker->owed |= due;
        if (again != 0)
                task = take_awaited(worker, again);
        if (task == NULL && cop__load_relaxed(&worker->thread.scheduler->waiting) != 0)
                task = pick_by_priority(worker);
        if (task == NULL)
                task = take_awaited(worker, INTERRUPTED | OUTSIDE);
        if (task == NULL)
                worker->own_first = false;
        return task;
}

/* The oldest of the ring; a few of those behind it come to the desk, if there are many. */
static struct cop__task *pull_few(struct cop__worker *worker)
{
        struct cop__desk *desk = &worker->desk;
        struct cop__task *pulled[COP__DESK_FEW];
        uint32_t habit = worker->thread.scheduler->habits.desk_few;
        uint32_t few = habit < COP__DESK_FEW ? habit : COP__DESK_FEW; /* which it is: for the compiler */
        uint32_t room = cop__runqueue_count(&worker->ring) / 4;
        if (room == 0)
                room = 1;
        if (room > few)
                room = few;
        uint32_t count = cop__runqueue_pull(&worker->ring, pulled, room);
        if (count == 0)
                return NULL;
        bool guarded = cop__desk_come(desk);
        desk->few_at = 0;
        for (uint32_t i = 1; i < count; i++)
                desk->few[i - 1] = pulled[i];
        cop__store_relaxed(&desk->few_count, count - 1);
        cop__desk_leave(desk, guarded);
        return pulled[0];
}

/*
 * Is it the turn of the shared queue? While both hold tasks each is served in proportion to its length, this worker's share of the
 * shared one, so that it does not matter in which of the two one waits. `tilt` is what is left over from the choices before.
 */
static bool is_turn_of_shared(struct cop__worker *worker)
{
        const struct cop__scheduler *scheduler = worker->thread.scheduler;
        uint32_t shared = cop__load_relaxed(&scheduler->shared[COP_PRIORITY_NORMAL].count);
        shared = (shared + scheduler->worker_count - 1) / scheduler->worker_count;
        if (COP__LIKELY(shared == 0))
                return false;
        uint64_t all = (uint64_t)shared + cop__runqueue_count(&worker->ring);
        worker->tilt += shared;
        if (worker->tilt < all)
                return false;
        worker->tilt %= all;
        return true;
}

/* With nothing at hand. */
struct cop__task *cop__pick_queued(struct cop__worker *worker)
{
        if (cop__guests_are_there(&worker->guests))
                cop__guests_seat(worker);
        struct cop__task *task = is_turn_of_shared(worker) ? cop__shared_take(worker) : NULL;
        if (task == NULL)
                task = pull_few(worker);
        if (task == NULL)
                task = cop__shared_take(worker);
        if (task == NULL)
                task = cop__shared_take_urgent(worker->thread.scheduler, false);
        /* The pile gave way to those behind it, and a thief had them first: nobody else would look at it while we sleep. */
        return task != NULL ? task : cop__desk_begin(&worker->desk);
}

/* With nothing else to do here: what others have too much of, for it is not low; then a low one. */
struct cop__task *cop__pick_low(struct cop__worker *worker)
{
        struct cop__scheduler *scheduler = worker->thread.scheduler;
        if (!(cop__load_relaxed(&scheduler->waiting) & COP__PRIORITY_BIT(COP_PRIORITY_LOW)))
                return NULL;
        struct cop__task *task = cop__steal(worker);
        return task != NULL ? task : cop__shared_take_of(scheduler, COP_PRIORITY_LOW);
}

struct cop__task *cop__worker_pick(struct cop__worker *worker)
{
        struct cop__task *task = cop__pick_at_hand(worker);
        if (task == NULL)
                return cop__search(worker);
        cop__stop_searching(worker, true);
        return task;
}

struct cop__task *cop__worker_steal(struct cop__worker *worker)
{
        return cop__steal(worker);
}
