/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* One look of the watch, and its sleep. See watch.h. */
#define _GNU_SOURCE
#include "scheduler/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "scheduler/due.h"
#include "scheduler/lookout.h"
#include "scheduler/scheduler.h"

/* Looks after which a thread that was asked to tell is taken not to hear: it may have to wait for a processor before it does. */
#define DEAF_AFTER 200u

/* Looks after which a worker counts as stuck: one that waits in the system, and one that is asked in vain. */
#define WAITING_AFTER 2u
#define STUCK_AFTER 8u

/* After so many vain attempts on one turn there are fewer: each costs the thread some microseconds. */
#define PATIENCE 32u
#define SELDOM 8u

/* After so many looks as a stuck one a worker is settled: what it had is with others, and it goes on by itself. */
#define SETTLED_AFTER 32u

/* What the watch's own thread asks the kernel for. */
#define SLICE_NS 100000u

/* ---- Does its thread run? --------------------------------------------------------- */

static uint64_t cpu_ns_of(struct cop__worker *worker)
{
        clockid_t clock;
        struct timespec time;
        if (pthread_getcpuclockid(worker->handle, &clock) != 0 || clock_gettime(clock, &time) != 0)
                return 0;
        return (uint64_t)time.tv_sec * COP__NS_PER_S + (uint64_t)time.tv_nsec;
}

/* The letter that the kernel shows for a thread: R runs or wants to, S and D wait. '?': not known. */
static char state_of(const struct cop__worker *worker)
{
        char path[64], text[256];
        snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)cop__load_relaxed(&worker->tid));
        int file = open(path, O_RDONLY | O_CLOEXEC);
        if (file < 0)
                return '?';
        ssize_t length = read(file, text, sizeof(text) - 1);
        close(file);
        if (length <= 0)
                return '?';
        text[length] = '\0';
        const char *name_end = strrchr(text, ')');
        return name_end != NULL && name_end[1] == ' ' ? name_end[2] : '?';
}

/* Has it had the processor for nearly all the time since the last look? */
static bool ran_on(struct cop__watched *watched, struct cop__worker *worker, uint64_t now_ns)
{
        uint64_t cpu_ns = cpu_ns_of(worker);
        uint64_t used_ns = cpu_ns - watched->cpu_ns;
        uint64_t past_ns = now_ns - watched->cpu_at_ns;
        watched->cpu_ns = cpu_ns;
        watched->cpu_at_ns = now_ns;
        return used_ns > past_ns - past_ns / 8;
}

/* ---- Does anybody wait? ------------------------------------------------------------- */

static bool others_wait(struct cop__scheduler *scheduler, const struct cop__worker *worker,
                        uint64_t now_ns)
{
        return cop__guests_are_there(&worker->guests) || !cop__desk_is_empty(&worker->desk) || !cop__runqueue_is_empty(&worker->ring) ||
               cop__load_relaxed(&scheduler->shared[COP_PRIORITY_NORMAL].count) != 0 ||
               cop__load_relaxed(&scheduler->waiting) != 0 ||
               cop__wheel_next(&worker->wheel) <= now_ns;
}

static bool is_to_end(struct cop__watch *watch, struct cop__worker *worker, struct cop__task *task,
                      uint64_t age_ns, bool resumed, uint64_t now_ns)
{
        bool is_long = age_ns >= watch->slice_ns;
        if (!is_long && !resumed)
                return false;
        if ((is_long && cop__load_relaxed(&worker->pinned_count) > 0) ||
            others_wait(watch->scheduler, worker, now_ns))
                return true;
        enum cop__watch_call call = watch->hooks.call_of(task);
        return call == COP__WATCH_CALLED_NOW || (is_long && call == COP__WATCH_CALLED);
}

/* ---- A look ---------------------------------------------------------------------------- */

/* A new turn, or a new thing that the task is at: the times begin. */
static void note_progress(struct cop__watch *watch, struct cop__watched *watched,
                          struct cop__worker *worker, struct cop__task *task, uint64_t now_ns)
{
        uint64_t turn = cop__load_relaxed(&worker->turns);
        uint64_t progress = task != NULL ? watch->hooks.progress_of(task) : 0;
        if (turn != watched->turn) {
                watched->turn_ns = now_ns;
                watched->asked = 0;
                watched->stuck = false;
                watched->stuck_looks = 0;
                watched->leave_at = 0;
                watched->carried = false;
        }
        if (turn != watched->turn || progress != watched->progress) {
                watched->since_ns = now_ns;
                watched->due_ns = now_ns + watch->long_ns;
                watched->told = 0;
        }
        watched->turn = turn;
        watched->progress = progress;
        /* Once: when it has been asked in this turn, that has moved. Acquire: with the turn comes what its task says of itself. RUN */
        if (watched->carried || cop__load_acquire(&worker->run_turn) != turn ||
            cop__load_relaxed(&worker->run_progress) != progress)
                return;
        watched->since_ns = cop__load_relaxed(&worker->run_since_ns);
        watched->due_ns = cop__load_relaxed(&worker->run_due_ns);
        watched->carried = true;
}

/* Is it time to ask where it is? Then the next time is when it has been there twice as long. */
static bool is_to_tell(struct cop__watched *watched, uint64_t now_ns)
{
        if (now_ns < watched->due_ns || watched->told > 0)
                return false;
        watched->due_ns = now_ns + (now_ns - watched->since_ns);
        watched->told = 1;
        return true;
}

/* What has come of it. A thread that waits, or is in what holds signals back, does not answer. */
static void await_telling(struct cop__watch *watch, struct cop__watched *watched,
                          struct cop__worker *worker, struct cop__task *task)
{
        if (watched->told == 0)
                return;
        if (watch->hooks.has_told(worker, watched->since_ns)) {
                watched->told = 0;
        } else if (++watched->told > DEAF_AFTER) {
                watched->told = 0;
                watch->hooks.tell_blind(worker, task, watched->since_ns);
        }
}

/* What a look has found, of all workers together. */
struct findings {
        bool busy;        /* some are awake */
        bool soon;        /* the next look should be soon */
        bool others_wait; /* for one that is stuck */
        bool long_turns;  /* some have been in theirs for a slice */
        unsigned stuck;
        uint64_t timer_ns; /* the first timer of those that are stuck, which nobody but the watch may fire */
};

/*
 * Alone until now, it may be in the middle of something at its desk; when it has been seen elsewhere, it is not (desk.h). `sleeps` is what
 * this look has seen, and so is of use in the looks after the one in which the guard begins.
 */
static void guard_desk(struct cop__watch *watch, struct cop__watched *watched,
                      struct cop__worker *worker, bool sleeps)
{
        struct cop__desk *desk = &worker->desk;
        if (cop__desk_is_open(desk) || !cop__has_others(watch->scheduler))
                return;
        if (cop__desk_guard_on(desk, sleeps || watch->hooks.answers_of(worker) != watched->answers))
                watched->answers = watch->hooks.answers_of(worker);
}

/* It does not give its worker back, and others wait: what it has is for them. */
static void relieve(struct cop__watch *watch, struct cop__watched *watched, struct cop__worker *worker,
                    bool sleeps)
{
        if (watch->scheduler->worker_count + watch->scheduler->spare_count == 1)
                return; /* there is nobody for it */
        watched->stuck = true;
        guard_desk(watch, watched, worker, sleeps);
        /* Who is the lookout does this already. */
        if (!cop__lookout_stand_in(watch->scheduler))
                return;
        cop__company_join(&watch->scheduler->company);
        cop__relieve_worker(worker);
        cop__serve_timers_of(worker, NULL);
        cop__company_leave(&watch->scheduler->company);
        cop__lookout_stood_in(watch->scheduler);
}

static void look_at(struct cop__watch *watch, struct cop__worker *worker, uint64_t now_ns,
                    struct findings *found)
{
        struct cop__watched *watched = &watch->workers[worker->index];
        struct cop__task *task = cop__load_acquire(&worker->thread.current); /* TURN */
        bool ran = ran_on(watched, worker, now_ns);
        await_telling(watch, watched, worker, task);
        note_progress(watch, watched, worker, task, now_ns);
        bool resumed = cop__load_relaxed(&worker->resumed_turn) == watched->turn;
        bool settled = watched->stuck && ++watched->stuck_looks > SETTLED_AFTER;
        found->soon |= cop__load_relaxed(&worker->pinned_count) > 0 && !settled;
        if (task == NULL)
                return;
        found->long_turns |= now_ns - watched->turn_ns >= watch->slice_ns;
        bool end = is_to_end(watch, worker, task, now_ns - watched->turn_ns, resumed, now_ns);
        bool tell = is_to_tell(watched, now_ns);
        found->stuck += watched->stuck;
        if (watched->stuck && cop__wheel_next(&worker->wheel) < found->timer_ns)
                found->timer_ns = cop__wheel_next(&worker->wheel);
        /* The runtime's own system calls are none of the task's. */
        end = end && watch->hooks.is_in_task(worker);
        bool is_long = end || resumed || watched->asked > 0 || watched->stuck;
        found->soon |= tell || watched->told > 0 || (is_long && !settled);
        if (!end && !tell)
                return;
        /* Where others want the processor too, only the kernel knows. */
        char state = ran ? 'R' : state_of(worker);
        bool waits = state != 'R';
        if (waits && tell)
                watched->told = DEAF_AFTER; /* it is not asked, since it would not wait on */
        watched->asked += end;
        if (end && watched->asked > (waits ? WAITING_AFTER : STUCK_AFTER)) {
                found->stuck += !watched->stuck;
                found->others_wait = true;
                relieve(watch, watched, worker, state == 'S'); /* not in a page fault */
        }
        bool leave = waits && state == 'S' && end && watched->asked >= watched->leave_at &&
                     watch->hooks.is_to_leave(task);
        if (leave)
                watched->leave_at = 2 * watched->asked;
        bool is_time = watched->asked < PATIENCE || watched->asked % SELDOM == 0 || settled;
        /* A signal that is refused may still end a system call; but a desk that is shut opens by the answer. */
        is_time = is_time && (cop__desk_awaits_owner(&worker->desk) || !watch->hooks.is_left_alone(worker, task));
        if (leave || (!waits && (tell || is_time)))
                watch->hooks.interrupt(worker, &(struct cop__watch_request){
                        .turn = watched->turn,
                        .since_ns = watched->since_ns,
                        .due_ns = watched->due_ns,
                        .end = end,
                        .tell = tell && !leave,
                        .in_call = leave,
                });
}

static void moves_again(struct cop__watch *watch, uint64_t now_ns)
{
        if (watch->still_told)
                watch->hooks.tell_still(watch->scheduler, now_ns - watch->still_ns, true);
        watch->still_ns = 0;
        watch->still_told = false;
}

/* Is anybody left who could run something? */
static void note_standstill(struct cop__watch *watch, unsigned stuck, uint64_t now_ns)
{
        if (COP__LIKELY(stuck < watch->scheduler->worker_count + watch->scheduler->spare_count)) {
                if (COP__UNLIKELY(watch->still_ns != 0))
                        moves_again(watch, now_ns);
                return;
        }
        if (watch->still_ns == 0) {
                watch->still_ns = now_ns;
                watch->still_due_ns = now_ns + watch->long_ns;
        }
        if (now_ns < watch->still_due_ns)
                return;
        watch->still_due_ns = now_ns + (now_ns - watch->still_ns);
        watch->still_told = true;
        watch->hooks.tell_still(watch->scheduler, now_ns - watch->still_ns, false);
}

static void look(struct cop__watch *watch, struct findings *found)
{
        struct cop__scheduler *scheduler = watch->scheduler;
        uint32_t reach = cop__load_relaxed(&scheduler->reach);
        uint64_t asleep = cop__load_seq(&scheduler->idle) | cop__load_seq(&scheduler->spares.resting);
        uint64_t now_ns = cop__clock_ns();
        uint64_t turns = 0;
        *found = (struct findings){ .timer_ns = UINT64_MAX };
        cop__count_up(&watch->looks);
        for (unsigned i = 0; i < reach; i++) {
                turns += cop__load_relaxed(&scheduler->workers[i].turns);
                if (asleep >> i & 1)
                        continue;
                found->busy = true;
                look_at(watch, &scheduler->workers[i], now_ns, found);
        }
        if (COP__UNLIKELY(found->long_turns))
                cop__look_outside_for_workers(scheduler);
        found->busy |= turns != watch->turns;
        watch->turns = turns;
        cop__spares_adjust(scheduler, found->stuck, found->others_wait);
        note_standstill(watch, found->stuck, now_ns);
}

/* ---- Sleep ------------------------------------------------------------------------------- */

static bool all_idle(struct cop__scheduler *scheduler)
{
        uint32_t reach = cop__load_relaxed(&scheduler->reach);
        uint64_t all = reach == 64 ? UINT64_MAX : (UINT64_C(1) << reach) - 1;
        uint64_t resting = cop__load_seq(&scheduler->spares.resting);
        return ((cop__load_seq(&scheduler->idle) | resting) & all) == all; /* WATCH */
}

/* A worker that has run since the last look and rests again has not woken us: what it has left is seen here, behind the mark. */
void cop__watch_sleep(struct cop__watch *watch, uint64_t ebb_in_ns)
{
        uint64_t deadline_ns = ebb_in_ns != UINT64_MAX ? cop__clock_ns() + ebb_in_ns : UINT64_MAX;
        uint32_t ticket = cop__park_ticket(&watch->park);
        cop__store_seq(&watch->asleep, 1); /* WATCH */
        if (all_idle(watch->scheduler) && !cop__load_seq(&watch->stopping) &&
            (deadline_ns != UINT64_MAX || !cop__ebb_is_due(watch->scheduler)))
                cop__park_wait(&watch->park, ticket, deadline_ns);
        cop__store_seq(&watch->asleep, 0);
}

void cop__watch_wake(struct cop__watch *watch)
{
        if (cop__exchange_seq(&watch->asleep, 0) != 0)
                cop__park_wake(&watch->park);
}

static void wait_for(struct cop__watch *watch, uint64_t ns)
{
        uint32_t ticket = cop__park_ticket(&watch->park);
        if (!cop__load_seq(&watch->stopping))
                cop__park_wait(&watch->park, ticket, cop__clock_ns() + ns);
}

/* As the system calls have it, which the C library does not. */
struct attributes {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime_ns, deadline, period;
};

/*
 * On busy cores it should not wait for the end of somebody's slice: its own are short. Refused, it waits a little longer. All else
 * that the program has chosen for its threads stays; of other policies the runtime means something else.
 */
static void ask_for_short_slices(void)
{
        prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
#if defined(SYS_sched_setattr) && defined(SYS_sched_getattr)
        struct attributes attributes = { .size = sizeof(attributes) };
        if (syscall(SYS_sched_getattr, 0, &attributes, sizeof(attributes), 0) != 0 ||
            (attributes.policy != SCHED_OTHER && attributes.policy != SCHED_BATCH))
                return;
        attributes.size = sizeof(attributes);
        attributes.runtime_ns = SLICE_NS;
        syscall(SYS_sched_setattr, 0, &attributes, 0);
#endif
}

/* Until the next look. Of one that is settled only a timer is urgent. */
static uint64_t pause_ns(const struct cop__watch *watch, const struct findings *found)
{
        uint64_t now_ns = cop__clock_ns();
        if (found->soon || found->timer_ns <= now_ns + COP__WATCH_NS)
                return COP__WATCH_NS;
        uint64_t timer_in_ns = found->timer_ns - now_ns;
        return timer_in_ns < watch->slice_ns ? timer_in_ns : watch->slice_ns;
}

static void *watch_main(void *argument)
{
        struct cop__watch *watch = argument;
        struct findings found;
        cop__visitor_begin(&watch->scheduler->watch_thread);
        ask_for_short_slices();
        while (!cop__load_seq(&watch->stopping)) {
                look(watch, &found);
                uint64_t ebb_in_ns = cop__ebb_step(watch->scheduler, cop__clock_ns());
                if (found.busy)
                        wait_for(watch, pause_ns(watch, &found));
                else
                        cop__watch_sleep(watch, ebb_in_ns);
        }
        cop__visitor_end(&watch->scheduler->watch_thread);
        return NULL;
}

/* ---- Start and stop ------------------------------------------------------------------------ */

cop_status cop__watch_start(struct cop__watch *watch, struct cop__scheduler *scheduler,
                            uint64_t slice_ns, uint64_t long_ns,
                            const struct cop__watch_hooks *hooks)
{
        sigset_t all, before;
        watch->scheduler = scheduler;
        watch->hooks = *hooks;
        watch->slice_ns = slice_ns;
        watch->long_ns = long_ns;
        cop__park_init(&watch->park);
        /* It fires the timers of workers that are stuck, and so is inside like a visitor. */
        cop_status status = cop__visitor_init(scheduler, &scheduler->watch_thread);
        if (status != COP_OK)
                return status;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        watch->started = pthread_create(&watch->handle, NULL, watch_main, watch) == 0;
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (watch->started)
                return COP_OK;
        cop__visitor_fini(&scheduler->watch_thread);
        return COP_E_SYSTEM;
}

void cop__watch_stop(struct cop__watch *watch)
{
        if (!watch->started)
                return;
        cop__store_seq(&watch->stopping, 1);
        cop__park_wake(&watch->park);
        pthread_join(watch->handle, NULL);
        cop__visitor_fini(&watch->scheduler->watch_thread);
        watch->started = false;
}
