/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* One look of the watch, and its sleep. See watch.h. */
#define _GNU_SOURCE
#include "scheduler/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "scheduler/scheduler.h"

/* Looks after which a thread that was asked to tell is taken not to hear: it may have to wait for a processor before it does. */
#define DEAF_AFTER 200u

/* After so many vain attempts on one turn there are fewer: each costs the thread some microseconds. */
#define PATIENCE 32u
#define SELDOM 8u

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
        return !cop__desk_is_empty(&worker->desk) || !cop__runqueue_is_empty(&worker->ring) ||
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
        }
        if (turn != watched->turn || progress != watched->progress) {
                watched->since_ns = now_ns;
                watched->due_ns = now_ns + watch->long_ns;
                watched->told = 0;
        }
        watched->turn = turn;
        watched->progress = progress;
        /* Acquire: with the turn comes what its task says of itself. RUN */
        if (cop__load_acquire(&worker->run_turn) != turn ||
            cop__load_relaxed(&worker->run_progress) != progress)
                return;
        watched->since_ns = cop__load_relaxed(&worker->run_since_ns);
        uint64_t due_ns = cop__load_relaxed(&worker->run_due_ns);
        if (watched->due_ns < due_ns || watched->since_ns + watch->long_ns > watched->due_ns)
                watched->due_ns = due_ns;
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

/* True: the worker is to be looked at again soon. */
static bool look_at(struct cop__watch *watch, struct cop__worker *worker, uint64_t now_ns)
{
        struct cop__watched *watched = &watch->workers[worker->index];
        struct cop__task *task = cop__load_relaxed(&worker->thread.current);
        bool pinned = cop__load_relaxed(&worker->pinned_count) > 0;
        bool ran = ran_on(watched, worker, now_ns);
        await_telling(watch, watched, worker, task);
        note_progress(watch, watched, worker, task, now_ns);
        bool resumed = cop__load_relaxed(&worker->resumed_turn) == watched->turn;
        if (task == NULL)
                return pinned;
        bool end = is_to_end(watch, worker, task, now_ns - watched->turn_ns, resumed, now_ns);
        bool tell = is_to_tell(watched, now_ns);
        if (!end && !tell)
                return pinned || resumed || watched->asked > 0 || watched->told > 0;
        /* Where others want the processor too, only the kernel knows. */
        if (!ran && state_of(worker) != 'R') {
                if (tell)
                        watched->told = DEAF_AFTER; /* it is not asked, since it would not wait on */
                return pinned || tell;
        }
        watched->asked += end;
        if (tell || watched->asked < PATIENCE || watched->asked % SELDOM == 0)
                watch->hooks.interrupt(worker, &(struct cop__watch_request){
                        .turn = watched->turn,
                        .since_ns = watched->since_ns,
                        .due_ns = watched->due_ns,
                        .end = end,
                        .tell = tell,
                });
        return true;
}

/* True: there is something to look at soon. Sets *busy if any worker is awake, or has been since the last look. */
static bool look(struct cop__watch *watch, bool *busy)
{
        struct cop__scheduler *scheduler = watch->scheduler;
        uint64_t idle = cop__load_seq(&scheduler->idle);
        uint64_t now_ns = cop__clock_ns();
        uint64_t turns = 0;
        bool soon = false;
        *busy = false;
        for (unsigned i = 0; i < scheduler->worker_count; i++) {
                turns += cop__load_relaxed(&scheduler->workers[i].turns);
                if (idle >> i & 1)
                        continue;
                *busy = true;
                soon |= look_at(watch, &scheduler->workers[i], now_ns);
        }
        *busy |= turns != watch->turns;
        watch->turns = turns;
        return soon;
}

/* ---- Sleep ------------------------------------------------------------------------------- */

static bool all_idle(struct cop__scheduler *scheduler)
{
        uint64_t all = scheduler->worker_count == 64 ? UINT64_MAX
                                                     : (UINT64_C(1) << scheduler->worker_count) - 1;
        return (cop__load_seq(&scheduler->idle) & all) == all; /* WATCH */
}

static void sleep_until_needed(struct cop__watch *watch)
{
        uint32_t ticket = cop__park_ticket(&watch->park);
        cop__store_seq(&watch->asleep, 1); /* WATCH */
        if (all_idle(watch->scheduler) && !cop__load_seq(&watch->stopping))
                cop__park_wait(&watch->park, ticket, UINT64_MAX);
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

/* On busy cores it should not wait for the end of somebody's slice: its own are short. Refused, it waits a little longer. */
static void ask_for_short_slices(void)
{
        struct {
                uint32_t size, policy;
                uint64_t flags;
                int32_t nice;
                uint32_t priority;
                uint64_t runtime_ns, deadline, period;
        } attributes = { .size = sizeof(attributes), .runtime_ns = 100000 };
        prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
#if defined(SYS_sched_setattr)
        syscall(SYS_sched_setattr, 0, &attributes, 0);
#endif
}

static void *watch_main(void *argument)
{
        struct cop__watch *watch = argument;
        bool busy;
        ask_for_short_slices();
        while (!cop__load_seq(&watch->stopping)) {
                bool soon = look(watch, &busy);
                if (busy)
                        wait_for(watch, soon ? COP__WATCH_NS : watch->slice_ns);
                else
                        sleep_until_needed(watch);
        }
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
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        watch->started = pthread_create(&watch->handle, NULL, watch_main, watch) == 0;
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        return watch->started ? COP_OK : COP_E_SYSTEM;
}

void cop__watch_stop(struct cop__watch *watch)
{
        if (!watch->started)
                return;
        cop__store_seq(&watch->stopping, 1);
        cop__park_wake(&watch->park);
        pthread_join(watch->handle, NULL);
        watch->started = false;
}
