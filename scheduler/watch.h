/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The watch: a thread that looks at workers which have been in one turn for long.
 *
 *      worker    ── turn 41 ──┤── turn 42 ────────────────────────────────────────►
 *      watch     │ look            │ look            │ look      │ look   │ look
 *                  41                42, new           42, a slice old: somebody waits, so it is interrupted
 *
 * It asks nothing of workers: each counts its turns anyway, and the watch compares. So it costs a turn nothing. Its looks are a
 * slice apart as long as every turn is short; while there are long ones, and while tasks that were interrupted wait for their
 * worker again, COP__WATCH_NS. When all workers have been asleep since the last look, it sleeps too, until the first of them wakes
 * it: an idle node uses no processor time. Between two looks it lets memory ebb that nobody needs any more (ebb.h).
 *
 * A long turn is interrupted only if there is a reason:
 *
 *      others wait       in this worker's queues, in the shared ones, or for a timer of its wheel
 *      it is called      something has come that its task is to hear at once: the layer above knows
 *
 * and only while its thread uses the processor: a signal would end a system call that it waits in. That is done if the task is to
 * end, and again after twice as many looks each time, as it may have been asleep elsewhere, in the loader's lock for one. A task that has been
 * interrupted before is interrupted at the first look that finds a reason, others after a slice; among those that were
 * interrupted, each has a slice in turn. How a thread is interrupted, and whether it may be, the layer above decides.
 *
 * A task that has been at one thing for long_ns, in however many turns, is asked where it is; again each time that this has
 * doubled. What it was at before it was interrupted its worker says when it goes on (run_turn and its like); if the task makes
 * progress, in the sense of the layer above, the time begins anew. If its thread waits in the system, it is not asked but looked at
 * from the side.
 *
 * A worker that cannot be interrupted, or waits in the system, while others wait for it is stuck. The watch gives what lies in its
 * queues to all, fires its timers, and sees to it that a spare worker is there (spare.h). After some looks it is settled: then the
 * looks at it are a slice apart again, or as near as its next timer.
 *
 * When all are stuck, those that there may be besides too, nobody is left to run anything: after long_ns of that it is told, again
 * each time that this has doubled, and once when it is over.
 *
 * Sleep and wake of the watch: it says that it sleeps, then looks once more whether all workers do; a worker takes its bit out
 * of `idle`, then looks whether the watch sleeps. Both sequentially consistent (WATCH in the sources), so one of them sees the
 * other. In the same way it looks once more for what may ebb, and a visitor that steps out or leaves (place.c) has given back, and then
 * looks whether the watch sleeps. Of a worker that has run and rests again meanwhile, the bit is seen with what it has left.
 *
 * Who may touch what: the watch's thread alone, but for `asleep` and `stopping`. What it reads of workers are atomics.
 *
 * Named pair (release ↔ acquire). TURN: a worker's store of the task that it begins with ↔ the watch's load of it: the turn has been counted. Else what
 * begins after a long rest would seem to have gone on all that time.
 */
#ifndef SCHEDULER_WATCH_H
#define SCHEDULER_WATCH_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <coppice/status.h>

#include "base/limits.h"
#include "scheduler/park.h"

struct cop__scheduler;
struct cop__task;
struct cop__worker;

/* Has something come for a task? */
struct cop__watch_request;
enum cop__watch_call {
        COP__WATCH_NOT_CALLED = 0,
        COP__WATCH_CALLED,     /* to be heard after a slice */
        COP__WATCH_CALLED_NOW, /* to be heard at the next look */
};

/* What the layer above brings. All are called on the watch's thread. */
struct cop__watch_hooks {
        /* The task may have ended meanwhile; its memory is still there. */
        enum cop__watch_call (*call_of)(struct cop__task *task);
        /* Has something come for it that should end it, also in the middle of a system call that waits? */
        bool (*is_to_leave)(struct cop__task *task);
        /* Is it the task's own code that the worker's thread is in, or has called? */
        bool (*is_in_task)(struct cop__worker *worker);
        /* Has the program asked that it be left alone? As advice. */
        bool (*is_left_alone)(struct cop__worker *worker, struct cop__task *task);
        /* Grows whenever the task comes to something new: then what it was at before is over. */
        uint64_t (*progress_of)(struct cop__task *task);
        /* Interrupt the turn, if that is still on and may be. */
        void (*interrupt)(struct cop__worker *worker, const struct cop__watch_request *request);
        /* How often its thread has refused, outside the runtime, to be interrupted. */
        uint64_t (*answers_of)(struct cop__worker *worker);
        /* After a request to tell: has it told? Then that is dealt with. */
        bool (*has_told)(struct cop__worker *worker, uint64_t since_ns);
        /* It has not, and cannot be asked: deal with it from the side. */
        void (*tell_blind)(struct cop__worker *worker, struct cop__task *task, uint64_t since_ns);
        /* All workers, the spare ones too, are stuck for so long, or no longer are after so long. */
        void (*tell_still)(struct cop__scheduler *scheduler, uint64_t for_ns, bool is_over);
};

/* What is asked of a thread in a long turn. */
struct cop__watch_request {
        uint64_t turn;
        uint64_t since_ns; /* the task has been at this since then ... */
        uint64_t due_ns;   /* ... and should tell where it is again at this time, when it has gone on */
        bool end;          /* give the worker to others */
        bool tell;         /* where it is */
        bool in_call;      /* also in a system call that waits, which ends by it */
};

/* What the watch knows of a worker. */
struct cop__watched {
        uint64_t turn;      /* that it was in at the last look */
        uint64_t turn_ns;   /* the first look that found it there */
        uint64_t progress;  /* of its task */
        uint64_t since_ns;  /* its task has been at what it is at since then; earlier than the turn if it was interrupted */
        uint64_t due_ns;    /* when to ask where it is */
        bool carried;       /* in this turn the two are what they were when its task was interrupted */
        uint64_t cpu_ns;    /* its thread's processor time at the last look ... */
        uint64_t cpu_at_ns; /* ... and when that was */
        uint64_t asked;     /* how often it was asked to end this turn: in one that lasts for months, too */
        bool stuck;         /* in this turn: others do its work ... */
        uint64_t stuck_looks; /* ... since so many looks */
        uint64_t answers;   /* of its handler, when its desk's guard began */
        uint64_t leave_at;  /* its system call is interrupted, for it to leave, when it has been asked so often */
        uint32_t told;      /* looks since it was asked to tell; 0: it was not */
};

struct cop__watch {
        struct cop__scheduler *scheduler;
        struct cop__watch_hooks hooks;
        uint64_t slice_ns;
        uint64_t long_ns;  /* a task that is at one thing for longer is to tell where */
        pthread_t handle;
        bool started;
        struct cop__park park;
        uint32_t asleep;   /* atomic */
        uint32_t stopping; /* atomic */
        uint64_t turns; /* of all workers together, at the last look */
        uint64_t looks; /* atomic: how many there have been */
        uint64_t still_ns;     /* the first look that found all workers stuck; 0: not all are */
        uint64_t still_due_ns; /* when to tell of it */
        bool still_told;
        struct cop__watched workers[COP__WORKERS_MAX];
};

/* Starts the thread; the workers run already, and look into `watch`, which is zeroed. Errors: COP_E_SYSTEM. */
cop_status cop__watch_start(struct cop__watch *watch, struct cop__scheduler *scheduler,
                            uint64_t slice_ns, uint64_t long_ns,
                            const struct cop__watch_hooks *hooks);

/* Before the workers stop. One that was not started is left alone. */
void cop__watch_stop(struct cop__watch *watch);

/* The watch's own thread. Until a worker wakes up, or the next step of an ebb; not at all if one is awake, or it stops. */
void cop__watch_sleep(struct cop__watch *watch, uint64_t ebb_in_ns);

/* A worker has taken its bit out of `idle`, and found the watch asleep. */
void cop__watch_wake(struct cop__watch *watch);

#endif
