/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Workers: the loop, where the next task comes from, and how a worker falls asleep and is woken.
 *
 * Sleep and wake
 *
 * What must hold: no task is runnable while a worker that could run it sleeps on. "One wake per need" is the other
 * half: whoever makes a task runnable wakes at most one sleeper, and none while some worker is searching, since that one
 * will find the task or, going to sleep, look again.
 *
 *      waker                                   sleeper
 *      1 put the task in a queue               1 take a ticket; set the bit in `idle`; leave `searching`
 *      2 fence                                 2 fence
 *      3 read `searching` and `idle`           3 look at every queue once more
 *      4 none searching, one idle: clear its   4 found one: take the bit back and search
 *        bit, count it as searching, wake it     nothing: wait for the ticket
 *
 * With both fences (SLEEPER below) either 3 of the waker sees the bit, or 3 of the sleeper sees the task. Tasks that go
 * through the shared queues, from outside or for their priority, are put with the fence. A worker that puts a task in its own ring does
 * without it, since it is awake and will run the ring itself; a wake that is missed in that window costs parallelism,
 * not the task, and no more than a millisecond of it, because of
 *
 * Priorities. Tasks of max, high and low wait in shared queues of their own, put and looked at in the same way: the bits of
 * `waiting` are to them what its count is to the normal one. So the argument above holds for each, and for all together.
 *
 * the lookout: while some workers are busy, one of the parked ones wakes up every millisecond (COP__LOOKOUT_NS). It searches,
 * takes what has lain on the desk of a worker that has been in one turn all that time (desk.h), and serves the timers of such a
 * worker. When nobody is busy there is no lookout, and an idle node uses no processor time at all.
 *
 * Lock order: `expiring` of a worker, then what `fire` takes; the lock of a wheel, under which a task may be scheduled; then
 * shared_lock.
 */
#define _GNU_SOURCE /* gettid */
#include "scheduler/scheduler.h"

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/thread.h"
#include "scheduler/simulation.h"

COP__THREAD_LOCAL struct cop__thread *cop__thread_place;

#if !COP__PLACE_BY_ASSEMBLY
COP__NOINLINE struct cop__thread *cop__thread_here(void)
{
        /* The empty statement with a side effect keeps the compiler from folding two calls into one. */
        __asm__ __volatile__("" ::: "memory");
        return cop__thread_place;
}
#endif

static void set_here(struct cop__thread *thread)
{
        cop__thread_place = thread;
        cop__stock_become(thread != NULL ? &thread->pool.stock : NULL);
        __asm__ __volatile__("" ::: "memory"); /* cop__thread_here reads it behind the compiler's back */
}

void cop__thread_become(struct cop__thread *thread)
{
        set_here(thread);
}

static struct cop__worker *worker_here(void)
{
        return cop__thread_here()->worker;
}

/* ---- Waking ------------------------------------------------------------------- */

/* Wakes some sleeper, who is counted as searching already; false: there is none. */
static bool wake_any(struct cop__scheduler *scheduler)
{
        uint64_t idle;
        while ((idle = cop__load_seq(&scheduler->idle)) != 0) {
                uint64_t bit = idle & -idle;
                if (cop__and_seq(&scheduler->idle, ~bit) & bit) {
                        cop__park_wake(&scheduler->workers[__builtin_ctzll(bit)].park);
                        return true;
                }
        }
        return false;
}

/*
 * Wakes one sleeper if nobody searches. A claim that came to nothing is looked after: another waker may have seen it and left
 * its task to it, and a worker that was awake when we looked for one may sleep by now.
 */
static COP__NOINLINE void wake_one(struct cop__scheduler *scheduler)
{
        do {
                uint32_t none = 0;
                if (!cop__cas_seq(&scheduler->searching, &none, 1) || wake_any(scheduler))
                        return;
                cop__sub_seq(&scheduler->searching, 1);
        } while (cop__load_seq(&scheduler->idle) != 0);
}

/* A worker has more than it can do at once; a missed wake is made up for by the lookout. */
COP__INLINE void offer(struct cop__scheduler *scheduler)
{
        if (COP__UNLIKELY(cop__load_relaxed(&scheduler->idle) != 0) &&
            cop__load_relaxed(&scheduler->searching) == 0)
                wake_one(scheduler);
}

/* ---- The shared queues ----------------------------------------------------------- */

#define BIT_OF(priority) (1u << (priority))

/* After a change of its count, under the lock. What reads `waiting` without it is on its way to the lock, or sleeps
 * with a fence between: see above. */
static void show_waiting(struct cop__scheduler *scheduler, unsigned priority)
{
        uint32_t before = cop__load_relaxed(&scheduler->waiting);
        uint32_t waiting = before & ~BIT_OF(priority);
        if (priority == COP_PRIORITY_NORMAL)
                return;
        if (scheduler->shared[priority].count > 0)
                waiting |= BIT_OF(priority);
        if (waiting != before)
                cop__store_relaxed(&scheduler->waiting, waiting);
}

/* Appends a chain of tasks, first to last, linked by `next`. */
static void put_shared(struct cop__scheduler *scheduler, unsigned priority, struct cop__task *first,
                       struct cop__task *last, uint32_t count)
{
        struct cop__task_list *list = &scheduler->shared[priority];
        last->next = NULL;
        cop__lock_lock(&scheduler->shared_lock);
        if (list->last != NULL)
                list->last->next = first;
        else
                list->first = first;
        list->last = last;
        cop__store_relaxed(&list->count, list->count + count);
        show_waiting(scheduler, priority);
        cop__lock_unlock(&scheduler->shared_lock);
        cop__fence_seq(); /* SLEEPER */
        offer(scheduler);
}

/* Under the lock: what is left once `taken` tasks, those before `rest`, are out. */
static void cut_shared(struct cop__task_list *list, struct cop__task *rest, uint32_t taken)
{
        list->first = rest;
        if (rest == NULL)
                list->last = NULL;
        cop__store_relaxed(&list->count, list->count - taken);
}

/* Under the lock: tasks from *rest on move to the ring, if that is empty, or a few to the desk, if none lie there; how many. */
static uint32_t move_share(struct cop__worker *worker, struct cop__task **rest, uint32_t share)
{
        struct cop__desk *desk = &worker->desk;
        bool to_ring = cop__runqueue_is_empty(&worker->ring);
        const struct cop__habits *habits = &worker->thread.scheduler->habits;
        uint32_t most = to_ring ? habits->shared_batch : habits->desk_few - 1, moved = 0; /* with the one taken as many as pull_few */
        if (!to_ring && cop__load_relaxed(&desk->few_count) > 0)
                return 0;
        cop__desk_come(desk);
        for (; *rest != NULL && moved < share && moved < most; moved++) {
                struct cop__task *after = (*rest)->next; /* it may be gone once it is in the ring */
                if (!to_ring)
                        desk->few[moved] = *rest;
                else if (!cop__runqueue_push(&worker->ring, *rest))
                        break;
                *rest = after;
        }
        if (!to_ring) {
                desk->few_at = 0;
                cop__store_relaxed(&desk->few_count, moved);
        }
        cop__desk_leave(desk);
        return moved;
}

/*
 * The oldest normal task; a fair share of those behind it moves to the worker, where it is served before what its ring holds. Not into
 * the ring if there are tasks in it: it would overflow with those that have waited in it longest, again and again before their turn.
 */
static struct cop__task *take_shared(struct cop__worker *worker)
{
        struct cop__scheduler *scheduler = worker->thread.scheduler;
        struct cop__task_list *list = &scheduler->shared[COP_PRIORITY_NORMAL];
        if (cop__load_relaxed(&list->count) == 0)
                return NULL;
        cop__lock_lock(&scheduler->shared_lock);
        struct cop__task *task = list->first;
        if (task != NULL) {
                uint32_t share = list->count / scheduler->worker_count;
                struct cop__task *rest = task->next;
                uint32_t moved = move_share(worker, &rest, share > 0 ? share - 1 : 0);
                cut_shared(list, rest, 1 + moved);
        }
        cop__lock_unlock(&scheduler->shared_lock);
        return task;
}

/* The oldest task of a priority other than normal. */
static struct cop__task *take_of(struct cop__scheduler *scheduler, unsigned priority)
{
        struct cop__task_list *list = &scheduler->shared[priority];
        if (!(cop__load_relaxed(&scheduler->waiting) & BIT_OF(priority)))
                return NULL;
        cop__lock_lock(&scheduler->shared_lock);
        struct cop__task *task = list->first;
        if (task != NULL) {
                cut_shared(list, task->next, 1);
                show_waiting(scheduler, priority);
        }
        cop__lock_unlock(&scheduler->shared_lock);
        return task;
}

static struct cop__task *take_urgent(struct cop__scheduler *scheduler, bool high_first)
{
        struct cop__task *task = high_first ? take_of(scheduler, COP_PRIORITY_HIGH) : NULL;
        if (task == NULL)
                task = take_of(scheduler, COP_PRIORITY_MAX);
        return task != NULL ? task : take_of(scheduler, COP_PRIORITY_HIGH);
}

/* ---- Making a task runnable ------------------------------------------------------- */

/* The ring is full: half of it and the task go to the shared queue under one lock. */
static COP__NOINLINE void overflow(struct cop__worker *worker, struct cop__task *task)
{
        struct cop__task *moved[COP__RUNQUEUE_SIZE];
        uint32_t count = cop__runqueue_pull(&worker->ring, moved, COP__RUNQUEUE_SIZE);
        struct cop__task *first = count > 0 ? moved[0] : task;
        for (uint32_t i = 0; i < count; i++)
                moved[i]->next = i + 1 < count ? moved[i + 1] : task;
        put_shared(worker->thread.scheduler, COP_PRIORITY_NORMAL, first, task, count + 1);
}

COP__INLINE void put_ring(struct cop__worker *worker, struct cop__task *task)
{
        if (COP__UNLIKELY(!cop__runqueue_push(&worker->ring, task)))
                overflow(worker, task);
        else if (cop__has_others(worker->thread.scheduler))
                offer(worker->thread.scheduler);
}

static void put_next(struct cop__worker *worker, struct cop__task *task)
{
        struct cop__scheduler *scheduler = worker->thread.scheduler;
        struct cop__task *displaced = cop__desk_swap(&worker->desk, task);
        if (displaced != NULL)
                put_ring(worker, displaced);
        else if (COP__UNLIKELY(cop__load_relaxed(&scheduler->idle) != 0) &&
                 cop__load_relaxed(&scheduler->lookout) == 0)
                wake_one(scheduler);
}

/*
 * Another worker has nothing to do. The oldest half of the pile goes to the queue that all share, unless something is there already. Of
 * one task alone this worker takes care itself, soon; somebody looks after that.
 */
static COP__NOINLINE void share_pile(struct cop__worker *worker)
{
        struct cop__scheduler *scheduler = worker->thread.scheduler;
        struct cop__desk *desk = &worker->desk;
        uint32_t half = cop__load_relaxed(&desk->pile.count) / 2;
        if (half == 0) {
                if (cop__load_relaxed(&scheduler->lookout) == 0)
                        wake_one(scheduler);
                return;
        }
        if (cop__load_relaxed(&scheduler->shared[COP_PRIORITY_NORMAL].count) != 0)
                return;
        cop__desk_come(desk);
        uint32_t batch = scheduler->habits.shared_batch;
        struct cop__task_list list = cop__pile_cut(&desk->pile, half < batch ? half : batch);
        cop__desk_leave(desk);
        if (list.count > 0)
                put_shared(scheduler, COP_PRIORITY_NORMAL, list.first, list.last, list.count);
}

/* Not to a worker's own queues: it comes from outside, is a thread, or not of the common kind. */
static COP__NOINLINE void put_elsewhere(struct cop__scheduler *scheduler, struct cop__task *task)
{
        struct cop__park *visitor = cop__load_relaxed(&task->visitor);
        if (visitor != NULL)
                cop__park_wake(visitor);
        else
                put_shared(scheduler, cop__load_relaxed(&task->priority), task, task, 1);
}

/* The worker whose own queues a task goes to, or NULL. */
COP__INLINE struct cop__worker *worker_for(struct cop__thread *thread, const struct cop__task *task)
{
        if (COP__UNLIKELY(thread == NULL || cop__load_relaxed(&task->visitor) != NULL ||
                          cop__load_relaxed(&task->priority) != COP_PRIORITY_NORMAL))
                return NULL;
        return thread->worker;
}

void cop__schedule(struct cop__scheduler *scheduler, struct cop__thread *thread,
                   struct cop__task *task)
{
        struct cop__worker *worker = worker_for(thread, task);
        if (COP__UNLIKELY(worker == NULL))
                put_elsewhere(scheduler, task);
        else
                put_next(worker, task);
}

void cop__schedule_fresh(struct cop__scheduler *scheduler, struct cop__thread *thread,
                         struct cop__task *task)
{
        struct cop__worker *worker = worker_for(thread, task);
        if (COP__UNLIKELY(worker == NULL)) {
                put_elsewhere(scheduler, task);
                return;
        }
        cop__desk_pile(&worker->desk, task);
        if (COP__UNLIKELY(cop__load_relaxed(&scheduler->idle) != 0))
                share_pile(worker);
}

/* Does anybody wait behind the next slot and the pile? */
COP__INLINE bool is_anybody_behind(const struct cop__worker *worker)
{
        return cop__load_relaxed(&worker->desk.few_count) > 0 ||
               !cop__runqueue_is_empty(&worker->ring);
}

/* Has the worker something to do besides this task, which has just ended a turn here? It may have picked it already. */
static bool has_another(const struct cop__worker *worker, const struct cop__task *task)
{
        const struct cop__task *current = worker->thread.current;
        return worker->handed != NULL || (current != NULL && current != task) || is_anybody_behind(worker) ||
               cop__load_relaxed(&worker->desk.pile.count) > 0;
}

/*
 * Those that never wait would stay with one worker for good, and get more or less than those of the next one, which has
 * fewer or more of them. So once in so many turns one of them goes to whoever comes for it.
 */
COP__INLINE bool is_to_wander(struct cop__worker *worker, const struct cop__task *task)
{
        if (COP__LIKELY(++worker->later_turns < worker->thread.scheduler->habits.wander_every))
                return false;
        worker->later_turns = 0;
        return cop__has_others(worker->thread.scheduler) && has_another(worker, task);
}

void cop__schedule_later(struct cop__scheduler *scheduler, struct cop__thread *thread,
                         struct cop__task *task)
{
        struct cop__worker *worker = worker_for(thread, task);
        if (COP__UNLIKELY(worker == NULL || is_to_wander(worker, task)))
                put_elsewhere(scheduler, task);
        else
                put_ring(worker, task);
}

/* ---- Timers --------------------------------------------------------------------- */

void cop__hasten(struct cop__thread *thread, struct cop__worker *worker)
{
        struct cop__scheduler *scheduler = thread->scheduler;
        if (thread->worker != worker)
                cop__park_wake(&worker->park); /* a full fence, as the wheel asks for */
        else if (COP__UNLIKELY(cop__load_relaxed(&scheduler->idle) != 0) &&
                 cop__load_relaxed(&scheduler->lookout) == 0)
                wake_one(scheduler); /* who sees to it if this turn is a long one */
}

void cop__arm(struct cop__thread *thread, struct cop__timer *timer, uint64_t when_ns)
{
        struct cop__worker *worker = cop__worker_for_timers(thread);
        if (cop__timer_arm(&worker->wheel, timer, when_ns))
                cop__hasten(thread, worker);
}

/* Usually the worker's own thread, sometimes the lookout: whoever comes second leaves it to the first. */
static void serve_timers(struct cop__scheduler *scheduler, struct cop__worker *worker)
{
        if (cop__wheel_next(&worker->wheel) == COP__WHEEL_NEVER)
                return;
        uint64_t now_ns = cop__clock_ns();
        if (cop__wheel_next(&worker->wheel) > now_ns || !cop__lock_trylock(&worker->expiring))
                return;
        cop__wheel_expire(&worker->wheel, now_ns, scheduler->hooks.fire, scheduler->owner);
        cop__lock_unlock(&worker->expiring);
}

/* ---- The outside world ------------------------------------------------------------ */

static void tell_ready(struct cop__worker *worker, const struct cop__poll_events *events)
{
        for (int i = 0; i < events->count; i++)
                worker->thread.scheduler->hooks.ready(&worker->thread, events->items[i].data.u64);
}

/* What a busy worker does now and then, if no idle one waits there. */
static COP__COLD void look_outside(struct cop__worker *worker)
{
        struct cop__poll *poll = &worker->thread.scheduler->poll;
        struct cop__poll_events events;
        if (!cop__poll_sit(poll, worker->index))
                return;
        cop__poll_look(poll, &events);
        cop__poll_rise(poll);
        tell_ready(worker, &events);
}

/* ---- Finding a task --------------------------------------------------------------- */

/* The next slot has been served often enough, and others wait: what it holds goes behind them. */
static COP__NOINLINE void pass_over_next(struct cop__worker *worker)
{
        struct cop__task *task = cop__desk_swap(&worker->desk, NULL);
        if (task != NULL)
                put_ring(worker, task);
}

/* One from the pile, which is shared with who has nothing to do. */
static struct cop__task *pick_fresh(struct cop__worker *worker)
{
        if (COP__UNLIKELY(cop__load_relaxed(&worker->thread.scheduler->idle) != 0) &&
            cop__load_relaxed(&worker->desk.pile.count) > 1)
                share_pile(worker);
        return cop__desk_begin(&worker->desk);
}

/*
 * The pile's turn, or the next slot has been served often enough. After so many turns of both together one of the ring has its turn,
 * if there is one; after so many of the next slot's, one of the pile. With nobody else waiting here there is nobody to be fair to.
 */
static COP__NOINLINE struct cop__task *pick_soon_slowly(struct cop__worker *worker)
{
        bool next = cop__load_relaxed(&worker->desk.next) != NULL;
        bool fresh = cop__load_relaxed(&worker->desk.pile.count) > 0;
        if (worker->next_turns >= worker->thread.scheduler->habits.next_turns) {
                if (is_anybody_behind(worker)) {
                        pass_over_next(worker);
                        return NULL;
                }
                worker->next_turns = 0;
                next = next && !fresh;
        } else {
                worker->next_turns++;
        }
        return next ? cop__desk_swap(&worker->desk, NULL) : pick_fresh(worker);
}

/* What has just been woken, or has never run, unless the others behind them have waited long enough. */
COP__INLINE struct cop__task *pick_soon(struct cop__worker *worker)
{
        if (COP__LIKELY(cop__load_relaxed(&worker->desk.next) != NULL)) {
                if (COP__LIKELY(worker->next_turns < worker->thread.scheduler->habits.next_turns)) {
                        worker->next_turns++;
                        return cop__desk_swap(&worker->desk, NULL);
                }
        } else if (cop__load_relaxed(&worker->desk.pile.count) == 0) {
                return NULL;
        }
        return pick_soon_slowly(worker);
}

/* The task that was interrupted the longest ago. */
static struct cop__task *pick_pinned(struct cop__worker *worker)
{
        struct cop__task *task = worker->pinned.first;
        if (COP__LIKELY(task == NULL))
                return NULL;
        cut_shared(&worker->pinned, task->next, 1);
        cop__store_relaxed(&worker->pinned_count, worker->pinned.count);
        cop__store_relaxed(&worker->resumed_turn, worker->turns);
        worker->pinned_at_ns = cop__clock_ns();
        return task;
}

/* While others are there all the time. */
static struct cop__task *pick_overdue(struct cop__worker *worker)
{
        if (worker->pinned.first == NULL ||
            cop__clock_ns() - worker->pinned_at_ns < COP__PINNED_WAIT_NS)
                return NULL;
        return pick_pinned(worker);
}

/* The stack of an interrupted task has been left. */
static void put_pinned(void *argument)
{
        struct cop__worker *worker = worker_here();
        struct cop__task_list *list = &worker->pinned;
        struct cop__task *task = argument;
        task->next = NULL;
        if (list->last != NULL)
                list->last->next = task;
        else
                list->first = task;
        list->last = task;
        list->count++;
        cop__store_relaxed(&worker->pinned_count, list->count);
        if (list->count == 1)
                worker->pinned_at_ns = cop__clock_ns();
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
                struct cop__task *task = take_urgent(scheduler, high_first);
                worker->urgent_at = worker->turns;
                if (task != NULL)
                        return task;
        }
        if (++worker->common_turns % scheduler->habits.low_every == 0)
                return take_of(scheduler, COP_PRIORITY_LOW);
        return NULL;
}

/* Once in `every` turns, a power of two. */
COP__INLINE bool is_time(uint64_t turns, uint32_t every)
{
        return (turns & (every - 1)) == 0;
}

/* What is not done in each turn, and what comes before a worker's own tasks. NULL: now one of those. */
static COP__NOINLINE struct cop__task *pick_unusually(struct cop__worker *worker)
{
        struct cop__scheduler *scheduler = worker->thread.scheduler;
        struct cop__task *task = NULL;
        if (is_time(worker->turns, scheduler->habits.timers_every))
                serve_timers(scheduler, worker);
        if (worker->turns % COP__POLL_EVERY == 0 && COP__UNLIKELY(cop__poll_is_open(&scheduler->poll)))
                look_outside(worker);
        if (cop__load_relaxed(&scheduler->waiting) != 0)
                task = pick_by_priority(worker);
        if (task == NULL && is_time(worker->turns, scheduler->habits.timers_every))
                task = pick_overdue(worker);
        if (task == NULL && is_time(worker->turns, scheduler->habits.shared_every))
                task = take_shared(worker);
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
        cop__desk_come(desk);
        desk->few_at = 0;
        for (uint32_t i = 1; i < count; i++)
                desk->few[i - 1] = pulled[i];
        cop__store_relaxed(&desk->few_count, count - 1);
        cop__desk_leave(desk);
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
static COP__NOINLINE struct cop__task *pick_queued(struct cop__worker *worker)
{
        struct cop__task *task = is_turn_of_shared(worker) ? take_shared(worker) : NULL;
        if (task == NULL)
                task = pull_few(worker);
        if (task == NULL)
                task = take_shared(worker);
        if (task == NULL)
                task = take_urgent(worker->thread.scheduler, false);
        /* The pile gave way to those behind it, and a thief had them first: nobody else would look at it while we sleep. */
        return task != NULL ? task : cop__desk_begin(&worker->desk);
}

static struct cop__task *steal(struct cop__worker *worker);

/* The hostile build: tasks wander between the workers all the time. What is the worker's own waits for so many turns at most. */
COP__INLINE struct cop__task *pick_elsewhere(struct cop__worker *worker)
{
        struct cop__task *task = NULL;
        if (COP__STEALS_FIRST > 0 && ++worker->steals % (COP__STEALS_FIRST + 1) != 0)
                task = steal(worker);
        if (COP__STEALS_FIRST > 0 && task == NULL)
                worker->steals = 0;
        return task;
}

/* From this worker's own queues and the shared ones; a low one only when it is its turn. */
COP__INLINE struct cop__task *pick_here(struct cop__worker *worker)
{
        struct cop__task *task;
        uint64_t turns = worker->turns + 1; /* not read back: that would wait for the store */
        cop__store_relaxed(&worker->turns, turns);
        const struct cop__scheduler *scheduler = worker->thread.scheduler;
        if (COP__UNLIKELY(is_time(turns, scheduler->habits.timers_every) ||
                          cop__load_relaxed(&scheduler->waiting) != 0)) {
                task = pick_unusually(worker);
                if (task != NULL)
                        return task;
        }
        task = pick_elsewhere(worker);
        if (task == NULL)
                task = pick_soon(worker);
        if (task != NULL)
                return task;
        worker->next_turns = 0;
        task = cop__desk_take(&worker->desk);
        return COP__LIKELY(task != NULL) ? task : pick_queued(worker);
}

/* Half of another worker's ring comes to ours; the first of them is run. */
static struct cop__task *steal_from(struct cop__worker *worker, struct cop__worker *victim)
{
        struct cop__task *stolen[COP__RUNQUEUE_SIZE];
        uint32_t count = cop__runqueue_steal(&victim->ring, stolen, COP__RUNQUEUE_SIZE);
        for (uint32_t i = 1; i < count; i++)
                put_ring(worker, stolen[i]);
        return count > 0 ? stolen[0] : NULL;
}

static struct cop__task *steal(struct cop__worker *worker)
{
        struct cop__scheduler *scheduler = worker->thread.scheduler;
        unsigned count = cop__load_acquire(&scheduler->reach); /* REACH */
        unsigned first = cop__random_below(&worker->random, count);
        for (unsigned i = 0; i < count; i++) {
                struct cop__worker *victim = &scheduler->workers[(first + i) % count];
                if (victim == worker)
                        continue;
                struct cop__task *task = steal_from(worker, victim);
                if (task != NULL)
                        return task;
        }
        return NULL;
}

static bool is_work_left(struct cop__scheduler *scheduler);

/* Is there something that nobody would see to if this worker's next turn is a long one? */
static bool needs_lookout(const struct cop__worker *worker)
{
        const struct cop__scheduler *scheduler = worker->thread.scheduler;
        return cop__load_relaxed(&scheduler->lookout) == 0 &&
               (worker->was_lookout || cop__wheel_next(&worker->wheel) != COP__WHEEL_NEVER ||
                cop__poll_is_open(&scheduler->poll));
}

/*
 * This worker no longer searches. If it was the last and found something, there may be more for another: then it looks, since
 * to wake one for nothing costs two threads some microseconds each time that a node at rest gets one thing to do. But if
 * nobody is the lookout and there is something to look after, its own timers or what it has looked after so far, another one must.
 */
static COP__NOINLINE void leave_search(struct cop__worker *worker, bool found)
{
        struct cop__scheduler *scheduler = worker->thread.scheduler;
        worker->searching = false;
        if (cop__sub_seq(&scheduler->searching, 1) == 1 && found) {
                cop__fence_seq(); /* SLEEPER: it stands in for the wakers that saw it search */
                if (is_work_left(scheduler) || needs_lookout(worker))
                        offer(scheduler);
        }
        worker->was_lookout = false;
}

COP__INLINE void stop_searching(struct cop__worker *worker, bool found)
{
        if (COP__UNLIKELY(worker->searching))
                leave_search(worker, found);
}

static struct cop__task *search(struct cop__worker *worker)
{
        struct cop__scheduler *scheduler = worker->thread.scheduler;
        if (!cop__has_others(scheduler))
                return NULL;
        if (!worker->searching) {
                /* At most half of the workers search: more would only get in each other's way. */
                if (2 * cop__load_relaxed(&scheduler->searching) >= scheduler->worker_count)
                        return NULL;
                cop__add_seq(&scheduler->searching, 1);
                worker->searching = true;
        }
        for (int round = 0; round < 4; round++) {
                struct cop__task *task = take_urgent(scheduler, false);
                if (task == NULL)
                        task = steal(worker);
                if (task == NULL)
                        task = take_shared(worker);
                if (task != NULL) {
                        stop_searching(worker, true);
                        return task;
                }
                cop__spin_pause();
        }
        return NULL;
}

/* With nothing else to do here: what others have too much of, for it is not low; then a low one. */
static struct cop__task *pick_low(struct cop__worker *worker)
{
        struct cop__scheduler *scheduler = worker->thread.scheduler;
        if (!(cop__load_relaxed(&scheduler->waiting) & BIT_OF(COP_PRIORITY_LOW)))
                return NULL;
        struct cop__task *task = steal(worker);
        return task != NULL ? task : take_of(scheduler, COP_PRIORITY_LOW);
}

/* ---- Sleeping --------------------------------------------------------------------- */

static bool is_work_left(struct cop__scheduler *scheduler)
{
        if (cop__load_relaxed(&scheduler->shared[COP_PRIORITY_NORMAL].count) != 0 ||
            cop__load_relaxed(&scheduler->waiting) != 0)
                return true;
        uint32_t reach = cop__load_acquire(&scheduler->reach); /* REACH */
        for (unsigned i = 0; i < reach; i++)
                if (!cop__runqueue_is_empty(&scheduler->workers[i].ring))
                        return true;
        return false;
}

/* What a worker that has been in one turn since the last look has lying about: its timers, the tasks on its desk. */
static void look_after(struct cop__worker *worker, struct cop__worker *busy)
{
        uint64_t turns = cop__load_relaxed(&busy->turns);
        if (busy == worker || turns != busy->turns_seen) {
                busy->turns_seen = turns;
                return;
        }
        serve_timers(worker->thread.scheduler, busy);
        if (cop__desk_is_empty(&busy->desk) || cop__load_relaxed(&busy->desk.guard) == COP__DESK_ALONE)
                return;
        struct cop__task *tasks[1 + COP__DESK_FEW];
        struct cop__task_list pile;
        uint32_t count = cop__desk_raid(&busy->desk, tasks, &pile);
        for (uint32_t i = 0; i < count; i++)
                put_ring(worker, tasks[i]);
        if (pile.count > 0)
                put_shared(worker->thread.scheduler, COP_PRIORITY_NORMAL, pile.first, pile.last, pile.count);
}

static bool become_lookout(struct cop__worker *worker)
{
        struct cop__scheduler *scheduler = worker->thread.scheduler;
        uint32_t nobody = 0;
        unsigned asleep = (unsigned)__builtin_popcountll(cop__load_relaxed(&scheduler->idle));
        return asleep < cop__workers_active(scheduler) &&
               cop__cas_seq(&scheduler->lookout, &nobody, worker->index + 1);
}

static void end_lookout(struct cop__worker *worker)
{
        struct cop__scheduler *scheduler = worker->thread.scheduler;
        uint32_t reach = cop__load_acquire(&scheduler->reach); /* REACH */
        for (unsigned i = 0; i < reach; i++)
                look_after(worker, &scheduler->workers[i]);
        cop__store_seq(&scheduler->lookout, 0);
}

/*
 * In the epoll, if the seat there is free and there is something to wait for. The lookout, whose sleep is short anyway, leaves a lively
 * poll to whoever lingers there, and looks afterwards.
 */
static void sleep_until(struct cop__worker *worker, uint32_t ticket, uint64_t deadline_ns,
                        bool lookout, struct cop__poll_events *events)
{
        struct cop__poll *poll = &worker->thread.scheduler->poll;
        bool leaves = lookout && cop__poll_is_lively(poll);
        if (leaves || !cop__poll_sit(poll, worker->index)) {
                cop__park_wait(&worker->park, ticket, deadline_ns);
                if (!leaves || !cop__poll_sit(poll, worker->index))
                        return;
                cop__poll_look(poll, events);
        } else {
                cop__poll_wait(poll, &worker->park, ticket, deadline_ns, events);
        }
        cop__poll_rise(poll);
}

/*
 * Before it sleeps, where that is worth it (poll.h, Lively). It counts as busy meanwhile: nobody leaves work to it, and what others have
 * put where it is for all it looks at itself. True: something has come.
 */
static bool linger(struct cop__worker *worker)
{
        struct cop__scheduler *scheduler = worker->thread.scheduler;
        struct cop__poll *poll = &scheduler->poll;
        struct cop__poll_events events = { .count = 0 };
        if (COP__LIKELY(!cop__poll_is_lively(poll)) || !cop__poll_sit(poll, worker->index))
                return false;
        stop_searching(worker, false);
        uint64_t end_ns = cop__clock_ns() + COP__LINGER_NS;
        uint64_t timer_ns = cop__wheel_next(&worker->wheel);
        if (timer_ns < end_ns)
                end_ns = timer_ns;
        do
                cop__poll_look(poll, &events);
        while (events.count == 0 && !is_work_left(scheduler) &&
               !cop__load_relaxed(&scheduler->stopping) && cop__clock_ns() < end_ns);
        if (events.count == 0)
                cop__poll_set_lively(poll, false);
        cop__poll_rise(poll);
        tell_ready(worker, &events);
        return events.count > 0;
}

/* Sleeps until there is something to do, or might be. */
static void park(struct cop__worker *worker)
{
        struct cop__scheduler *scheduler = worker->thread.scheduler;
        uint64_t bit = UINT64_C(1) << worker->index;
        bool lookout = false;
        struct cop__poll_events events = { .count = 0 };
        uint32_t ticket = cop__park_ticket(&worker->park);
        cop__or_seq(&scheduler->idle, bit);
        if (worker->searching) {
                worker->searching = false;
                cop__sub_seq(&scheduler->searching, 1);
        }
        cop__fence_seq(); /* SLEEPER */
        if (!is_work_left(scheduler) && !cop__load_seq(&scheduler->stopping)) {
                uint64_t deadline_ns = cop__wheel_next(&worker->wheel);
                lookout = become_lookout(worker);
                uint64_t look_ns = lookout ? cop__clock_ns() + COP__LOOKOUT_NS : UINT64_MAX;
                if (COP__UNLIKELY(cop__load_seq(&scheduler->quiet.onlookers) != 0))
                        cop__quiet_tell(&scheduler->quiet);
                sleep_until(worker, ticket, look_ns < deadline_ns ? look_ns : deadline_ns, lookout,
                            &events);
                if (lookout)
                        end_lookout(worker);
        }
        /* A waker that cleared the bit has counted this worker as searching. */
        worker->searching = !(cop__and_seq(&scheduler->idle, ~bit) & bit);
        if (COP__UNLIKELY(cop__load_seq(&scheduler->watch.asleep) != 0)) /* WATCH */
                cop__watch_wake(&scheduler->watch);
        if (lookout && !worker->searching) {
                /* Who was the lookout and finds something to do must not leave the others asleep without one. */
                cop__add_seq(&scheduler->searching, 1);
                worker->searching = true;
        }
        worker->was_lookout = lookout;
        serve_timers(scheduler, worker);
        tell_ready(worker, &events); /* with the bit back: what it makes runnable is for this worker */
}

/* ---- What a worker has, for others ------------------------------------------------------- */

void cop__serve_timers_of(struct cop__worker *worker)
{
        serve_timers(worker->thread.scheduler, worker);
}

void cop__relieve_worker(struct cop__worker *worker)
{
        struct cop__scheduler *scheduler = worker->thread.scheduler;
        struct cop__task *tasks[COP__RUNQUEUE_SIZE];
        uint32_t count;
        while ((count = cop__runqueue_steal(&worker->ring, tasks, COP__RUNQUEUE_SIZE)) > 0) {
                for (uint32_t i = 0; i + 1 < count; i++)
                        tasks[i]->next = tasks[i + 1];
                put_shared(scheduler, COP_PRIORITY_NORMAL, tasks[0], tasks[count - 1], count);
        }
        if (cop__desk_is_empty(&worker->desk) ||
            cop__load_relaxed(&worker->desk.guard) == COP__DESK_ALONE)
                return;
        struct cop__task *few[1 + COP__DESK_FEW];
        struct cop__task_list pile;
        count = cop__desk_raid(&worker->desk, few, &pile);
        for (uint32_t i = 0; i < count; i++)
                put_shared(scheduler, COP_PRIORITY_NORMAL, few[i], few[i], 1);
        if (pile.count > 0)
                put_shared(scheduler, COP_PRIORITY_NORMAL, pile.first, pile.last, pile.count);
}

void cop__clear_desk(struct cop__worker *worker)
{
        struct cop__task *task;
        while ((task = cop__desk_swap(&worker->desk, NULL)) != NULL ||
               (task = cop__desk_begin(&worker->desk)) != NULL ||
               (task = cop__desk_take(&worker->desk)) != NULL)
                put_shared(worker->thread.scheduler, COP_PRIORITY_NORMAL, task, task, 1);
}

/* What is here, or a low one when nothing is. */
COP__INLINE struct cop__task *pick_at_hand(struct cop__worker *worker)
{
        struct cop__task *task = pick_here(worker);
        if (COP__UNLIKELY(task == NULL))
                task = pick_pinned(worker);
        if (COP__UNLIKELY(task == NULL))
                task = pick_low(worker);
        if (COP__LIKELY(task != NULL))
                stop_searching(worker, true);
        return task;
}

/* Nothing is here: searches and sleeps until there is a task. NULL when the scheduler stops. */
static COP__NOINLINE struct cop__task *wait_for_task(struct cop__worker *worker)
{
        struct cop__task *task;
        do {
                task = search(worker);
                if (task != NULL)
                        return task;
                if (COP__UNLIKELY(cop__load_relaxed(&worker->thread.scheduler->stopping)))
                        return NULL;
                if (COP__UNLIKELY(worker->index >= worker->thread.scheduler->worker_count)) {
                        stop_searching(worker, true);
                        cop__spare_rest(worker);
                }
                if (!linger(worker))
                        park(worker);
                task = pick_at_hand(worker);
        } while (task == NULL);
        return task;
}

/* The next task to run; NULL when the scheduler stops. */
COP__INLINE struct cop__task *pick(struct cop__worker *worker)
{
        struct cop__task *task = worker->handed;
        if (COP__UNLIKELY(task != NULL)) {
                worker->handed = NULL;
                return task;
        }
        task = pick_at_hand(worker);
        return COP__LIKELY(task != NULL) ? task : wait_for_task(worker);
}

/* ---- The loop and its stacks -------------------------------------------------------- */

/* First thing on a context that was switched to: what the one that was left asked for. */
static void run_after(struct cop__worker *worker)
{
        void (*after)(void *) = worker->after;
        worker->after = NULL;
        if (after != NULL)
                after(worker->after_argument);
}

/* A stack on which nothing but a loop rests: the worker's spare, or the pool's. */
static void give_stack(void *argument)
{
        struct cop__worker *worker = worker_here();
        struct cop__stack *stack = argument;
        if (worker->spare == NULL)
                worker->spare = stack;
        else
                cop__stack_give(&worker->thread.scheduler->stacks, stack);
}

static void switch_stack(struct cop__worker *worker, struct cop__stack *to, void (*after)(void *),
                         void *argument)
{
        struct cop__stack *from = worker->stack;
        worker->stack = to;
        worker->after = after;
        worker->after_argument = argument;
        cop__context_switch(&from->context, &to->context);
        run_after(worker_here());
}

static struct cop__stack *leave_stack_of(struct cop__task *task)
{
        struct cop__stack *stack = task->stack;
        task->stack = NULL;
        return stack;
}

/* A worker's loop. It may begin on one thread and go on on another: nothing is kept across a turn. */
static COP__NOINLINE void run_tasks(void)
{
        for (;;) {
                struct cop__worker *worker = worker_here();
                struct cop__task *task = pick(worker);
                if (COP__UNLIKELY(task == NULL))
                        return;
                cop__store_relaxed(&worker->thread.current, task);
                if (task->stack != NULL) {
                        switch_stack(worker, leave_stack_of(task), give_stack, worker->stack);
                } else {
                        worker->thread.scheduler->hooks.run(task);
                        cop__store_relaxed(&worker_here()->thread.current, NULL);
                }
        }
}

/* The same in a simulation: the driver is asked for each task, by going back to it. It ends by never being gone on with. */
static COP__NORETURN void run_tasks_simulated(void)
{
        for (;;) {
                struct cop__worker *worker = worker_here();
                struct cop__task *task = worker->handed;
                worker->handed = NULL;
                if (task == NULL) {
                        cop__context_switch(&worker->stack->context,
                                            &worker->thread.scheduler->hooks.simulation->outside);
                        continue;
                }
                cop__store_relaxed(&worker->thread.current, task);
                if (task->stack != NULL) {
                        switch_stack(worker, leave_stack_of(task), give_stack, worker->stack);
                } else {
                        worker->thread.scheduler->hooks.run(task);
                        cop__store_relaxed(&worker_here()->thread.current, NULL);
                }
        }
}

static void end_turn_left(int how)
{
        struct cop__thread *thread = &worker_here()->thread;
        thread->scheduler->hooks.left(thread->current, how);
        cop__store_relaxed(&worker_here()->thread.current, NULL);
}

/* The bottom of a stack: where turns are left to, for as long as the loop runs on it. */
static void loop(void *unused)
{
        struct cop__escape escape;
        (void)unused;
        escape.top = cop__stack_pointer();
        worker_here()->stack->escape = &escape;
        run_after(worker_here());
        int how = _setjmp(escape.point);
        if (how != 0)
                end_turn_left(how);
        if (COP__UNLIKELY(worker_here()->thread.scheduler->hooks.simulation != NULL))
                run_tasks_simulated();
        run_tasks();
        struct cop__worker *worker = worker_here();
        cop__context_leave(&worker->stack->context, &worker->own);
}

/* A stack with a loop on it that can be switched to; NULL without memory. */
static struct cop__stack *take_stack(struct cop__worker *worker)
{
        struct cop__stack *stack = worker->spare;
        worker->spare = NULL;
        if (stack != NULL)
                return stack;
        struct cop__scheduler *scheduler = worker->thread.scheduler;
        struct cop__simulation *simulation = scheduler->hooks.simulation;
        if (simulation != NULL && cop__simulation_refuses(simulation))
                return NULL;
        stack = cop__stack_take(&scheduler->stacks);
        if (stack != NULL)
                cop__context_init(&stack->context, stack->low, stack->size, loop, NULL);
        return stack;
}

/*
 * The next task is picked before this stack is left: if it is blocked on a stack too, the worker goes there in one switch,
 * and otherwise to a loop on a spare stack that is handed the task.
 */
bool cop__block(void (*after)(void *), void *argument)
{
        struct cop__worker *worker = worker_here();
        struct cop__task *task = worker->thread.current;
        bool simulated = worker->thread.scheduler->hooks.simulation != NULL;
        struct cop__task *next = COP__UNLIKELY(simulated) ? NULL : pick_here(worker);
        struct cop__stack *to = next != NULL ? leave_stack_of(next) : NULL;
        if (to == NULL) {
                to = take_stack(worker);
                if (COP__UNLIKELY(to == NULL)) {
                        if (next != NULL)
                                cop__schedule_later(worker->thread.scheduler, &worker->thread, next);
                        return false;
                }
                worker->handed = next;
                next = NULL;
        }
        stop_searching(worker, true);
        task->stack = worker->stack;
        cop__store_relaxed(&worker->thread.current, next);
        switch_stack(worker, to, after, argument);
        return true;
}

/* Timers first: one that is due may be why the task was interrupted, and is served in one turn of many only. */
bool cop__block_here(void)
{
        struct cop__worker *worker = worker_here();
        serve_timers(worker->thread.scheduler, worker);
        return cop__block(put_pinned, worker->thread.current);
}

/* ---- Simulated ------------------------------------------------------------------------ */

struct cop__task *cop__worker_pick(struct cop__worker *worker)
{
        struct cop__task *task = pick_at_hand(worker);
        return task != NULL ? task : search(worker);
}

struct cop__task *cop__worker_steal(struct cop__worker *worker)
{
        return steal(worker);
}

void cop__worker_serve_timers(struct cop__worker *worker)
{
        serve_timers(worker->thread.scheduler, worker);
}

void cop__worker_run(struct cop__worker *worker, struct cop__task *task)
{
        struct cop__simulation *simulation = worker->thread.scheduler->hooks.simulation;
        worker->handed = task;
        cop__context_switch(&simulation->outside, &worker->stack->context);
}

/* The starting thread stands in for those of the workers. */
static void start_simulation(struct cop__scheduler *scheduler)
{
        struct cop__simulation *simulation = scheduler->hooks.simulation;
        cop__context_adopt(&simulation->outside);
        for (unsigned i = 0; i < scheduler->worker_count; i++) {
                struct cop__worker *worker = &scheduler->workers[i];
                worker->random = cop__random_next(&simulation->random);
                scheduler->hooks.thread_enter(&worker->thread);
        }
        simulation->scheduler = scheduler;
}

static void stop_simulation(struct cop__scheduler *scheduler)
{
        if (scheduler->hooks.simulation->scheduler == NULL)
                return;
        /* As workers with threads do: some of the dead are still at what they had. */
        while (cop__simulation_step(scheduler->hooks.simulation))
                ;
        for (unsigned i = scheduler->worker_count; i > 0; i--)
                scheduler->hooks.thread_leave(&scheduler->workers[i - 1].thread);
        scheduler->hooks.simulation->scheduler = NULL;
}

/* ---- Threads ------------------------------------------------------------------------ */

static void give_up_stacks(struct cop__worker *worker)
{
        struct cop__stack_pool *stacks = &worker->thread.scheduler->stacks;
        cop__stack_give(stacks, worker->stack);
        if (worker->spare != NULL)
                cop__stack_give(stacks, worker->spare);
        worker->stack = worker->spare = NULL;
}

static void *worker_main(void *argument)
{
        struct cop__worker *worker = argument;
        const struct cop__scheduler_hooks *hooks = &worker->thread.scheduler->hooks;
        set_here(&worker->thread);
        cop__store_relaxed(&worker->tid, (int)gettid());
        /* The kernel may let threads oversleep by 50 us, to wake several at once. A wheel knows when it wants to wake. */
        prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
        bool spare = worker->index >= worker->thread.scheduler->worker_count;
        if (spare)
                cop__company_join(&worker->thread.scheduler->company);
        hooks->thread_enter(&worker->thread);
        cop__context_adopt(&worker->own);
        cop__context_switch(&worker->own, &worker->stack->context);
        cop__context_fini(&worker->own);
        if (spare)
                cop__company_leave(&worker->thread.scheduler->company);
        hooks->thread_leave(&worker->thread);
        set_here(NULL);
        return NULL;
}

cop_status cop__launch_worker(struct cop__worker *worker)
{
        worker->started = cop__thread_begin(&worker->handle, worker_main, worker);
        return worker->started ? COP_OK : COP_E_SYSTEM;
}

/* All but the thread; safe for other workers to look at from then on. */
cop_status cop__open_worker(struct cop__scheduler *scheduler, unsigned index)
{
        struct cop__worker *worker = &scheduler->workers[index];
        memset(worker, 0, sizeof(*worker));
        worker->index = index;
        if (index >= scheduler->worker_count)
                worker->desk.guard = (uint8_t)cop__desk_guard_for(index + 1); /* a spare one has others beside it */
        worker->random = cop__clock_ns() ^ (UINT64_C(0x9e3779b97f4a7c15) * (index + 1));
        worker->thread.scheduler = scheduler;
        worker->thread.worker = worker;
        cop__park_init(&worker->park);
        cop__lock_init(&worker->expiring);
        cop__runqueue_init(&worker->ring, scheduler->habits.ring_size);
        cop__wheel_init(&worker->wheel, cop__clock_ns());
        worker->wheel.leave = scheduler->hooks.leave;
        worker->wheel.leave_context = scheduler->owner;
        worker->stack = take_stack(worker);
        if (worker->stack == NULL)
                return COP_E_NO_MEMORY;
        cop__pool_cache_init(&worker->thread.pool, &scheduler->pool);
        cop_status status = scheduler->hooks.thread_init(&worker->thread);
        if (status == COP_OK)
                return COP_OK;
        cop__pool_cache_fini(&worker->thread.pool);
        give_up_stacks(worker);
        return status;
}

static void fini_worker(struct cop__worker *worker)
{
        worker->thread.scheduler->hooks.thread_fini(&worker->thread);
        give_up_stacks(worker);
        cop__pool_cache_fini(&worker->thread.pool);
}

static cop_status start_workers(struct cop__scheduler *scheduler)
{
        for (unsigned i = 0; i < scheduler->worker_count; i++) {
                cop_status status = cop__open_worker(scheduler, i);
                if (status != COP_OK)
                        return status;
                cop__store_relaxed(&scheduler->reach, i + 1);
        }
        bool simulated = scheduler->hooks.simulation != NULL;
        cop__company_init(&scheduler->company, scheduler->worker_count == 1 && !simulated
                                                       ? &scheduler->workers[0].thread.solitude
                                                       : NULL);
        enum cop__desk_guard guard = cop__desk_guard_for(scheduler->worker_count);
        for (unsigned i = 0; i < scheduler->worker_count; i++)
                scheduler->workers[i].desk.guard = (uint8_t)guard;
        if (simulated) {
                start_simulation(scheduler);
                return COP_OK;
        }
        for (unsigned i = 0; i < scheduler->worker_count; i++)
                if (cop__launch_worker(&scheduler->workers[i]) != COP_OK)
                        return COP_E_SYSTEM;
        return COP_OK;
}

static void init_pool(struct cop__scheduler *scheduler)
{
        struct cop__simulation *simulation = scheduler->hooks.simulation;
        struct cop__pool_options options = { .magazine_max = COP__TINY ? 1 : 0 };
        if (simulation != NULL) {
                if (options.magazine_max == 0)
                        options.magazine_max = simulation->magazine_max;
                options.refuses = cop__simulation_refuses;
                options.context = simulation;
        }
        cop__pool_init(&scheduler->pool, &options);
}

cop_status cop__scheduler_start(struct cop__scheduler *scheduler, unsigned worker_count,
                                unsigned spare_count, size_t stack_size, const struct cop__scheduler_hooks *hooks,
                                void *owner)
{
        memset(scheduler, 0, sizeof(*scheduler));
        scheduler->hooks = *hooks;
        scheduler->habits = *cop__habits_of(hooks->simulation);
        scheduler->owner = owner;
        scheduler->worker_count = worker_count;
        scheduler->spare_count = spare_count;
        cop__lock_init(&scheduler->shared_lock);
        cop__quiet_init(&scheduler->quiet);
        cop__poll_init(&scheduler->poll);
        init_pool(scheduler);
        cop_status status = cop__stack_pool_init(&scheduler->stacks, stack_size);
        if (status != COP_OK) {
                cop__quiet_fini(&scheduler->quiet);
                cop__pool_fini(&scheduler->pool);
                return status;
        }
        size_t size = (worker_count + spare_count) * sizeof(struct cop__worker); /* touched as they begin */
        scheduler->workers = aligned_alloc(_Alignof(struct cop__worker), size);
        if (scheduler->workers == NULL) {
                cop__scheduler_stop(scheduler);
                return COP_E_NO_MEMORY;
        }
        status = start_workers(scheduler);
        if (status != COP_OK)
                cop__scheduler_stop(scheduler);
        return status;
}

void cop__scheduler_stop(struct cop__scheduler *scheduler)
{
        cop__watch_stop(&scheduler->watch);
        cop__store_seq(&scheduler->stopping, 1);
        if (scheduler->hooks.simulation != NULL)
                stop_simulation(scheduler);
        unsigned reach = cop__load_relaxed(&scheduler->reach); /* only the watch changes it */
        for (unsigned i = 0; i < reach; i++)
                if (scheduler->workers[i].started)
                        cop__park_wake(&scheduler->workers[i].park);
        for (unsigned i = 0; i < reach; i++)
                if (scheduler->workers[i].started)
                        pthread_join(scheduler->workers[i].handle, NULL);
        for (unsigned i = 0; i < reach; i++)
                fini_worker(&scheduler->workers[i]);
        free(scheduler->workers);
        cop__poll_fini(&scheduler->poll);
        cop__quiet_fini(&scheduler->quiet);
        cop__stack_pool_fini(&scheduler->stacks);
        cop__pool_fini(&scheduler->pool);
}

cop_status cop__visitor_init(struct cop__scheduler *scheduler, struct cop__thread *thread)
{
        memset(thread, 0, sizeof(*thread));
        thread->scheduler = scheduler;
        cop__pool_cache_init(&thread->pool, &scheduler->pool);
        cop_status status = scheduler->hooks.thread_init(thread);
        if (status != COP_OK)
                cop__pool_cache_fini(&thread->pool);
        return status;
}

void cop__visitor_fini(struct cop__thread *thread)
{
        thread->scheduler->hooks.thread_fini(thread);
        cop__pool_cache_fini(&thread->pool);
}

void cop__visitor_begin(struct cop__thread *thread)
{
        set_here(thread);
        thread->scheduler->hooks.thread_enter(thread);
}

void cop__visitor_end(struct cop__thread *thread)
{
        thread->scheduler->hooks.thread_leave(thread);
        set_here(NULL);
}

cop_status cop__visitor_enter(struct cop__scheduler *scheduler, struct cop__thread *thread)
{
        cop_status status = cop__visitor_init(scheduler, thread);
        if (status != COP_OK)
                return status;
        cop__company_join(&scheduler->company);
        cop__visitor_begin(thread);
        return COP_OK;
}

void cop__visitor_leave(struct cop__thread *thread)
{
        cop__visitor_end(thread);
        cop__company_leave(&thread->scheduler->company);
        cop__visitor_fini(thread);
}
