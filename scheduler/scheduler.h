/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The scheduler: workers that run tasks, steal from each other, and sleep when there is nothing to do.
 *
 * A task is something to run that may block in the middle. The scheduler does not know what it is: the layer
 * above installs what runs one. See README.md in this folder for one turn of a worker, step by step.
 *
 *      cop__schedule ──► next slot ──(displaced, or its turns are over)──► ring ──(full)──► shared queue
 *                            │      ◄──────────── a few at a time ──────────┤                   ▲
 *                            ▼                                              ▼                   │
 *                          worker ◄────────────── steal half ◄─────── other workers      visiting threads
 *
 * One that has never run goes to the worker's pile, on its desk beside the next slot (pile.h); the oldest of these go to the shared queue
 * when another worker has nothing to do.
 *
 * That is the way of normal tasks. Those of another priority wait in a shared queue each, where the first worker that is free
 * finds them: an urgent one never lies behind a worker that is in a long turn, and need not be stolen.
 *
 * A stack on demand. A task runs on the stack that its worker's loop runs on. If it blocks, that stack, with the loop's
 * frame beneath, stays with the task, and the worker goes on in another loop on a spare stack. Once the task is
 * scheduled again, a worker gives up its stack (on which then nothing but a loop waits) and takes the task's; when
 * the task ends, it returns into the loop beneath it. So a task that does not block costs no switch, and what is idle
 * holds no stack.
 *
 * A turn can be left from within: a jump to its stack's escape point lands in the loop beneath, which calls `left` and goes on.
 * The point is set when a loop begins, and stands for all turns on that stack; so a turn that is not left pays nothing for it.
 */
#ifndef SCHEDULER_SCHEDULER_H
#define SCHEDULER_SCHEDULER_H

#include <pthread.h>

#include <coppice/priority.h>

#include "base/jump.h"
#include "base/pool.h"
#include "scheduler/company.h"
#include "scheduler/desk.h"
#include "scheduler/ebb.h"
#include "scheduler/follow.h"
#include "scheduler/guest.h"
#include "scheduler/habits.h"
#include "scheduler/haul.h"
#include "scheduler/park.h"
#include "scheduler/poll.h"
#include "scheduler/quiet.h"
#include "scheduler/retreat.h"
#include "scheduler/runqueue.h"
#include "scheduler/spare.h"
#include "scheduler/stack.h"
#include "scheduler/task.h"
#include "scheduler/timer.h"
#include "scheduler/watch.h"

/* Where turns are left to: in a frame of the stack they run on, mostly that of the loop. Its stack points at it. */
struct cop__escape {
        struct cop__landing landing;
        uintptr_t top; /* the frame's stack pointer: what lies below it is lost by a jump */
};

#define COP__PRIORITIES 4

struct cop__scheduler;
struct cop__simulation;
struct cop__worker;

/* A thread inside a scheduler: one of its workers, or a visitor. Only that thread touches it. */
struct cop__thread {
        struct cop__scheduler *scheduler;
        struct cop__worker *worker;   /* NULL: a visitor */
        struct cop__task *current;    /* atomic for the watch; the task that runs here */
        void *upper;                  /* what the layer above keeps for each thread */
        struct cop__solitude solitude; /* see company.h */
        struct cop__pool_cache pool;
};

/* What the layer above brings. */
struct cop__scheduler_hooks {
        void (*run)(struct cop__task *task);                 /* one turn; may block, and return on another thread */
        void (*left)(struct cop__task *task, int how);       /* it was left by longjmp(.., how), not 0; as run */
        void (*leave)(struct cop__timer *timer, void *owner); /* is about to fire; under its wheel's lock */
        void (*fire)(struct cop__timer *timer, void *owner);  /* a timer's time has come */
        void (*ready)(struct cop__thread *thread, uint64_t mark); /* something has happened out there; between two tasks */
        cop_status (*thread_init)(struct cop__thread *thread); /* before the thread runs, on any thread */
        void (*thread_fini)(struct cop__thread *thread);       /* after it has run, on any thread */
        void (*thread_enter)(struct cop__thread *thread);      /* on the thread itself */
        void (*thread_leave)(struct cop__thread *thread);
        const struct cop__ebb_hooks *ebb;   /* NULL: nothing of that layer's ebbs; see ebb.h */
        struct cop__simulation *simulation; /* it drives the workers, which have no threads then; NULL: a real one */
};

struct cop__worker {
        /* Only its own thread. */
        struct cop__thread thread;
        struct cop__stack *stack;      /* the one that this worker's loop runs on */
        struct cop__stack *spare;      /* holds a loop at rest, to go on with when a task blocks */
        struct cop__task *handed;      /* picked already, for the loop that is switched to */
        void (*after)(void *);         /* what the context that was switched away from asked for; NULL: none was, yet */
        void *after_argument;
        uint64_t random;
        uint32_t steals;               /* in a row; see cop__pick_elsewhere */
        uint32_t next_turns;           /* how often in a row the next slot or the pile was served; and SIBLINGS: see pick.c */
        uint32_t next_most;            /* how often it may be; see pick.c */
        bool pile_served;              /* one of the pile has begun since the ring had the next slot's turn */
        struct cop__task *woken;       /* what lay in the next slot when one of siblings began, or NULL */
        uint8_t litter;                /* the siblings that begin one after the other ... */
        uint16_t spoilt_litter;        /* ... and, + 1, those last seen not all to wake the same one; 0: none */
        uint64_t tilt;                 /* from choices between the ring and the shared queue; see pick.c */
        uint32_t urgent_turns;         /* how often in a row an urgent task was ... */
        uint64_t urgent_at;            /* ... and the last such turn */
        uint32_t common_turns;         /* without an urgent one, while tasks of other priorities waited */
        uint8_t owed;                  /* whose time has come and was not used ... */
        uint8_t awaited_last;          /* ... and who had such a turn last; see pick.c */
        bool own_first;                /* since then the worker's own tasks have had none */
        uint64_t unusual_at;           /* the last turn that did not go to them at once */
        uint32_t later_turns;          /* tasks that have been put behind the others */
        struct cop__task_list pinned;  /* tasks that were interrupted, and go on on this thread and no other ... */
        struct cop__task_list pinned_low; /* ... and those of them that are low */
        uint32_t pinned_turns;         /* of others while low ones waited */
        uint64_t pinned_at_ns;         /* when one of them last ran, or the first came */
        struct cop__membership membership; /* see company.h */
        bool searching;                /* counted in scheduler->searching */
        struct cop__haul haul;         /* what it has taken from others; see haul.h */
        struct cop__follow follow;     /* who is to go to another worker; see follow.h */
        struct cop__retreat retreat;   /* is it better without this one? See retreat.h */
        bool was_lookout;              /* before it woke up last, and nobody has taken that over */
        struct cop__context own;       /* of the thread as it was made; used to start and to end */
        pthread_t handle;
        unsigned index;
        bool started;

        /* Shared. */
        uint64_t turns COP__LINE_ALIGNED; /* owner counts up; the lookout compares */
        uint64_t turns_seen;           /* the lookout's ... */
        uint64_t seen_ns;              /* ... and when */
        struct cop__leisure leisure;   /* owner; who has taken from it reads; see haul.h */
        uint64_t resumed_turn;         /* the watch reads; the last turn of a task that had been interrupted */
        uint64_t run_turn;             /* the watch reads: in this turn the task is still at what it was at ... */
        uint64_t run_since_ns;         /* ... since then; ... */
        uint64_t run_due_ns;           /* ... it should tell where at this time, ... */
        uint64_t run_progress;         /* ... unless its progress is not this any more. Released by run_turn: RUN */
        uint32_t pinned_count;         /* the watch reads; of both */
        int tid;                       /* the watch reads; the kernel's number of the thread */
        struct cop__desk desk;         /* the next slot, the pile, and what is next of the ring; see desk.h */
        struct cop__guests guests;     /* what others have sent here; see guest.h */
        uint8_t haven;                 /* a cop__haven: see retreat.h */
        struct cop__park park;
        struct cop__wheel wheel;       /* has its own lock */
        struct cop__lock expiring;     /* one thread at a time serves the wheel */
        struct cop__runqueue ring;
};

struct cop__scheduler {
        /* Constant once started. */
        struct cop__scheduler_hooks hooks;
        struct cop__habits habits;
        void *owner;
        struct cop__worker *workers;     /* of the node, then the spare ones: see spare.h */
        unsigned worker_count;           /* of the node */
        unsigned spare_count;            /* of those that there may be besides */
        uint32_t reach;                  /* atomic, hardly ever written: workers that there are, spare ones included */
        struct cop__pool pool;
        struct cop__stack_pool stacks;
        struct cop__poll poll;           /* written when a worker falls asleep or wakes up, if it is open */
        struct cop__quiet quiet;         /* written only when somebody waits for quiet */
        /* Written when a thread that has something to do comes, goes, wakes or sleeps. */
        struct cop__company company COP__LINE_ALIGNED;

        /* Written when workers sleep and wake, read at each send: a line of their own. */
        uint64_t idle COP__LINE_ALIGNED; /* one bit for each worker that is parked or about to */
        uint64_t aloof;                  /* of those or others: not to be woken for what lies in a worker's own queues; see haul.h */
        uint32_t searching;              /* workers that look for work; a waker makes it 1 for the one it wakes */
        uint32_t lookout;                /* index + 1 of the parked worker that looks after the busy ones; 0: none */
        uint32_t stopping;
        struct cop__spares spares;
        uint32_t waiting;                /* bit p: the queue of priority p is not empty; of all but normal */

        /* The queues that all share, by priority. Under the lock; `waiting` and the normal one's count are read without. */
        struct cop__lock shared_lock COP__LINE_ALIGNED;
        struct cop__task_list shared[COP__PRIORITIES];

        uint32_t elsewhere;              /* atomic; tasks that threads outside have, and will schedule; see quiet.h */
        struct cop__thread watch_thread; /* the watch's place in the scheduler */
        struct cop__watch watch;         /* not started: nobody is interrupted */
        struct cop__ebb ebb;             /* the watch's */
};

/*
 * The calling thread's place in a scheduler; NULL outside. Never cached across anything that may switch, since the same
 * code may go on on another thread: the compiler keeps the address of a thread-local, so it is not told of one. The
 * statement has a side effect, so that no two are made into one and none moves across a call.
 */
extern COP__THREAD_LOCAL struct cop__thread *cop__thread_place;
#if defined(__x86_64__) && defined(__LP64__) && !defined(COP__ATOMICS) /* of an explored runtime it is no thread-local */
#define COP__PLACE_BY_ASSEMBLY 1
#else
#define COP__PLACE_BY_ASSEMBLY 0
#endif
#if COP__PLACE_BY_ASSEMBLY
COP__INLINE struct cop__thread *cop__thread_here(void)
{
        struct cop__thread *thread;
        __asm__ __volatile__("movq cop__thread_place@gottpoff(%%rip), %0\n\tmovq %%fs:(%0), %0"
                             : "=r"(thread));
        return thread;
}
#else
struct cop__thread *cop__thread_here(void);
#endif

/* On a worker. As for the place: not to be kept across a switch. */
COP__INLINE struct cop__worker *cop__worker_here(void)
{
        return COP__CONTAINER(cop__thread_here(), struct cop__worker, thread);
}

/* Starts `worker_count` threads; up to `spare_count` more come and go. Errors: COP_E_NO_MEMORY, COP_E_SYSTEM; nothing is left
 * running. */
cop_status cop__scheduler_start(struct cop__scheduler *scheduler, unsigned worker_count,
                                unsigned spare_count, size_t stack_size, const struct cop__scheduler_hooks *hooks,
                                void *owner);

/* Ends the workers. No task may be runnable or blocked. */
void cop__scheduler_stop(struct cop__scheduler *scheduler);

/* ---- For the driver of a simulation (simulation.h) ---- */

/* The calling thread stands at this place from here on; NULL: in no scheduler, as in a process that was just forked. */
void cop__thread_become(struct cop__thread *thread);
/* What this worker would run next, by its own ways of finding it; NULL: nothing. */
struct cop__task *cop__worker_pick(struct cop__worker *worker);
/* The same of what others have, though it has something itself; NULL: they have nothing. */
struct cop__task *cop__worker_steal(struct cop__worker *worker);
/* One turn of a task, until the worker's loop asks for the next. The calling thread stands at the worker's place. */
void cop__worker_run(struct cop__worker *worker, struct cop__task *task);

/* Makes the calling thread a visitor, and ends that. `thread` is the caller's memory until left. */
cop_status cop__visitor_enter(struct cop__scheduler *scheduler, struct cop__thread *thread);
void cop__visitor_leave(struct cop__thread *thread);

/* It waits for something else: from stepping out to stepping in it touches nothing of the node, and holds nothing up. */
void cop__visitor_step_out(struct cop__thread *thread);
void cop__visitor_step_in(struct cop__thread *thread);

/* Their parts: what needs memory, on any thread, and what the thread itself does. */
cop_status cop__visitor_init(struct cop__scheduler *scheduler, struct cop__thread *thread);
void cop__visitor_fini(struct cop__thread *thread);
void cop__visitor_begin(struct cop__thread *thread);
void cop__visitor_end(struct cop__thread *thread);

/*
 * Makes a task runnable; the caller holds its run right and gives it up. `thread` is the caller's own place, or NULL.
 * cop__schedule runs it soon on this worker (it is warm here), cop__schedule_later after what waits already; cop__schedule_fresh is for
 * one that has never run (pile.h).
 */
void cop__schedule(struct cop__scheduler *scheduler, struct cop__thread *thread,
                   struct cop__task *task);
void cop__schedule_later(struct cop__scheduler *scheduler, struct cop__thread *thread,
                         struct cop__task *task);
void cop__schedule_fresh(struct cop__scheduler *scheduler, struct cop__thread *thread,
                         struct cop__task *task);

/*
 * On a worker, inside a task: leaves this stack with the task and lets the worker go on. `after` runs once the stack
 * has been left (not before, or another worker could run the task on it), and must see to it that the task is scheduled
 * again one day. Returns when it is, perhaps on another thread. False, at once, if there is no memory for a stack.
 */
bool cop__block(void (*after)(void *), void *argument);

/*
 * The same for a task that was interrupted in the middle (detour.h), and so goes on on this thread: others run first, and it is not
 * stolen. It has its share: after them all, or when COP__PINNED_WAIT_NS have passed.
 */
bool cop__block_here(void);

/* The calling worker has something to do, or nothing any more: see company.h. */
COP__INLINE void cop__join_company(struct cop__worker *worker)
{
        cop__company_join_working(&worker->thread.scheduler->company, &worker->membership, &worker->thread.solitude);
}

COP__INLINE void cop__leave_company(struct cop__worker *worker)
{
        cop__company_leave_working(&worker->thread.scheduler->company, &worker->membership);
}

/* The worker on whose wheel the calling thread arms timers: itself, or for a visitor the first one. */
COP__INLINE struct cop__worker *cop__worker_for_timers(struct cop__thread *thread)
{
        return thread->worker != NULL ? thread->worker : &thread->scheduler->workers[0];
}

/* After an arm on a worker's wheel that said "sooner": wakes the worker, if it is not the caller. */
void cop__hasten(struct cop__thread *thread, struct cop__worker *worker);

/* Are there other workers, now or at times? */
COP__INLINE bool cop__has_others(const struct cop__scheduler *scheduler)
{
        return cop__load_relaxed(&scheduler->reach) > 1;
}

/*
 * For spare.c and watch.c. What another worker has lying about goes to the queue that all share; the caller is the lookout
 * (lookout.h). Of one whose desk is not guarded, that is left. The same for what lies on the calling worker's own desk. And the timers that
 * are due on the calling worker's wheel are fired (due.h), or on that of a busy one by the calling worker; NULL: by another thread, which has
 * joined the company.
 */
void cop__relieve_worker(struct cop__worker *worker);
void cop__clear_desk(struct cop__worker *worker);
void cop__serve_timers(struct cop__worker *worker);
void cop__serve_timers_of(struct cop__worker *busy, struct cop__worker *worker);
/* All of it but the thread, and the thread. Errors: COP_E_NO_MEMORY, COP_E_SYSTEM. */
cop_status cop__open_worker(struct cop__scheduler *scheduler, unsigned index);
cop_status cop__launch_worker(struct cop__worker *worker);

/* Arms a timer on the calling worker's wheel; a visitor's goes to the first worker's. */
void cop__arm(struct cop__thread *thread, struct cop__timer *timer, uint64_t when_ns);

#endif
