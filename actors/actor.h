/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The actor: what one is made of, who may touch which part, and the node they live in.
 *
 *      life:   FREE ──START──► ALIVE ──exit, fault, signal──► DYING ──all told, queue asleep──► FREE
 *
 * An actor lives in a slot. Slots are never unmapped, so looking at a stale one is always safe, and a free slot still
 * has a queue: what is sent to it is taken out by whichever worker its sender schedules it on, and answered or
 * dropped there. So there is no moment at which a signal can be lost unseen.
 *
 * Run right. Whoever took the mark out of the queue (mailbox/queue.h) may run the actor, and hands that on through the
 * scheduler; everything called "owner" below belongs to the holder.
 *
 * pid. `pid` is the pid of the actor that lives in the slot, or, while the slot is free, that of the next one that will:
 * the dying actor moves it on first of all, so that from then on no sender mistakes it for living, and the spawner of the next
 * one uses what it finds. A sender's look at it is advice; what is decided by it is only whether to answer at once. The
 * generation in each signal is compared when it is taken out.
 *
 * alive. A death moves the pid on, and then clears `alive`: whoever has seen that somebody is dead finds nobody under his pid. What is set in
 * between is the mark of the one who has died: a guess of the next pid finds nobody there either.
 */
#ifndef ACTORS_ACTOR_H
#define ACTORS_ACTOR_H

#include <coppice/server.h>
#include <coppice/timer.h>

#include "actors/dead_letter.h"
#include "actors/belonging.h"
#include "actors/census.h"
#include "actors/dump.h"
#include "actors/fault.h"
#include "actors/holding.h"
#include "actors/label.h"
#include "actors/limit.h"
#include "actors/overload.h"
#include "actors/mark.h"
#include "actors/preempt.h"
#include "actors/registry.h"
#include "actors/relation.h"
#include "actors/report.h"
#include "actors/slot_ebb.h"
#include "actors/timer.h"
#include "actors/watchdog.h"
#include "actors/zygote.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/list.h"
#include "mailbox/id.h"
#include "mailbox/signal.h"
#include "mailbox/term.h"
#include "scheduler/blocking_pool.h"
#include "scheduler/scheduler.h"

enum cop__life {
        COP__FREE = 0,
        COP__ALIVE,
        COP__DYING,
};

/* Messages that have left the queue and wait to be received: linked by node.next, ended by `last` and not by NULL,
 * since the last one may still be the queue's cursor, whose `next` is the senders'. */
struct cop__mailbox {
        struct cop__signal *first, *last;
        uint32_t count;
        bool overtaken; /* a priority message has, since the last search of the mailbox began; see priority.h */
};

/* Memory that a user asked for, before the user's bytes. */
struct cop__block {
        struct cop__list list;
        size_t size;
        size_t unused; /* keeps what follows aligned to 16 bytes */
};

/* How a turn is left for its stack's escape point (scheduler.h): exits and faults do so. */
enum cop__escape_how {
        COP__ESCAPE_OUT = 1, /* the turn is over */
        COP__ESCAPE_RENEWED, /* it goes on with what START says now */
};

/* Marks of what others would have to take out of tables when the actor dies; see registry.h and holding.h. From TIMED
 * on each bit is for the timers of some homes; see timer_home.h. */
enum cop__named { COP__NAMED = 1, COP__HOLDS = 2, COP__BORN_LINKED = 4, COP__BORN_SUPERVISED = 8, COP__TIMED = 16 };
#define COP__TIMED_MARKS 28u

/* How far an actor is behind with its messages, and a bit beside it that stays for its life. */
enum cop__pressure {
        COP__PRESSURE_NONE = 0,
        COP__PRESSURE_LOW,
        COP__PRESSURE_HIGH,
        COP__PRESSURE_HIGHER,      /* of what is not in the mailbox yet, this and the next are the senders' word only */
        COP__PRESSURE_HIGHEST,
        COP__PRESSURE_FULL,        /* what a sender finds that is not let in; never in `pressed` */
        COP__PRESSURE_LIMITED = 8, /* its mailbox has a limit: see limit.h */
};

/*
 * Lines of 64 bytes. While senders and owner are on two cores, the first is with the senders, who write it at each message, and
 * the owner comes there to fall asleep only; the second and the third are the owner's, who touches them at each message. Of
 * those a sender touches none, but for `urgent`. What an actor needs only when it calls, waits with a time-out or is behind lies
 * beside the slots, in memory that the others never touch (calling.h); what few need, in `rare`.
 *
 *      generation == that of `pid`, from birth to death
 */
struct cop__actor {
        /* Senders: the exchange, and two looks. One line, the only one a sender touches. */
        struct cop__queue queue;
        uint64_t pid;              /* atomic; see above */
        struct cop__task task;     /* whoever holds the run right */
        uint32_t named;            /* atomic; marks of enum cop__named: what has been for it since its birth */
        uint8_t pressed;           /* atomic; a cop__pressure: how far the owner is behind, and LIMITED */
        uint8_t labelled;          /* atomic; it has a label; see label.h */
        uint8_t alive;             /* atomic; a cop__life_mark from its spawning to its death, for looking from outside; else 0 */
        uint8_t isolation;         /* atomic; a cop_isolation, the spawner's word */

        /* The owner, at each message. */
        struct cop__queue_cursor cursor COP__LINE_ALIGNED;
        struct cop__mailbox mailbox;
        int32_t budget;            /* what the turn may do after what it is at, < 0: it is spent; else the next one's */
        uint32_t taken_count;      /* nodes taken out of the queue, ever, wrapping */
        uint32_t generation;       /* the owner's own, so that it need not look at `pid` */
        uint32_t relation_count;   /* of `relations`; atomic for others */
        uint64_t awaits;           /* the reference of the call that waits; what has come for it, once `replied`; or 0 */

        /* The owner, at each message, and when something is to be done aside. */
        const cop_behaviour *server; /* NULL: a plain actor */
        void *state;
        struct cop__signal *current; /* the message that a handler is at */
        const void *where;          /* atomic; code: the handler it is in, or the caller of what it waits in */
        uint64_t handled;           /* atomic; messages */
        uint64_t recent;            /* atomic; the kinds of the last of them: see recent.h */
        struct cop__shared_term *reason; /* why it must end, or NULL */
        uint8_t life;
        bool trap_exit;             /* atomic for others */
        bool init_done;             /* atomic for others */
        uint8_t manner;             /* atomic; bits of cop__manner */
        uint8_t aside;              /* bits of cop__aside; 0 while messages are all there is to do */
        uint8_t urgent;             /* atomic, others set it; an exit or priority has come: see cop__hurry */
        uint16_t replied : 1;       /* `awaits` is what has come */
        uint16_t call_watched : 1;  /* the call that waits has a monitor under its reference */
        uint16_t alarmed : 1;       /* an alarm is armed, or not yet heard; see wait.c */
        uint16_t leaving : 1;       /* its exit has begun: nothing but its terminate() may begin another */
        uint16_t terminating : 1;   /* in its terminate(), whose exit is its own, and the reason then */
        uint16_t reports : 1;       /* its end is its own doing: a crash is reported */
        uint16_t killed : 1;        /* not even its terminate() may go on */
        uint16_t supervised : 1;    /* its parent will say what it does about its end */
        uint16_t drops_old : 1;     /* its mailbox has a limit with that policy */
        uint16_t released : 1;      /* dying: what it held in tables is out, and others may hear of the death */
        uint16_t scouted : 1;       /* since it slept last its unread messages have been counted; see turn.c */
        uint16_t state_class : 4;   /* of `state` in the pool; COP__STATE_OF_HEAP: malloc'ed */

        /* The owner, now and then. */
        struct cop__signal *taken;  /* received messages in the user's hands; see receive.c */
        struct cop__rare *rare;     /* what few actors have; NULL: nothing of it */
        struct cop__signal *start;  /* holds the argument, as long as it may be used */
        cop_pid parent;
        struct cop__list relations; /* links, and monitors by and of this actor; see relation.h */
        struct cop__block *held;    /* cop_alloc: the first of a ring; NULL: there is none */
        uint64_t bytes;             /* atomic; of state and cop_alloc */
};

/* Of a turn that begins. */
#define COP__BUDGET (COP__TURN_BUDGET - 1)

#define COP__STATE_OF_HEAP 15u
_Static_assert(COP__POOL_CLASSES < COP__STATE_OF_HEAP, "a class fits its bits");
_Static_assert(sizeof(struct cop__actor) == 256, "an idle actor is small");

/*
 * What few actors have, in a block of its own, so that the others do not pay for it. Only the owner touches it, it is made
 * when the first of it is needed (cop__rare_of), and ends with the actor.
 */
struct cop__rare {
        struct cop__shared_term *failure; /* of the last call */
        struct cop__shared_term *extra;   /* of an init, for who waits for its end */
        struct cop__list belongings;      /* struct cop__belonging, the first owned first */
        struct cop__table owned;          /* of these, what its user has given it; see own.c */
        struct cop__machine *machine;     /* it is a state machine; see machine.h */
        struct cop__book *book;           /* that it keeps; see book.h */
        struct cop__mark marks[COP__MARKS]; /* see mark.h */
        uint32_t mark_next;               /* which of them is the oldest */
        struct cop__table *relation_table; /* of the relations, when they are many */
        struct cop__table requests;       /* in flight, by reference; see request.h */
        struct cop__table_walk requests_walk; /* of them, while the actor dies */
        struct cop__signal *overtaker;    /* the last priority message in the mailbox, or NULL; see priority.h */
        cop_message *started;             /* what the last one that this actor started has told */
        size_t memory_limit;              /* bytes of state and cop_alloc; 0: none; see arena.c */
        bool memory_limit_soft;
        bool memory_told;                 /* that a soft limit was reached */
        uint8_t guarded;                  /* how many of cop__guarded it is in */
        bool hushes_links;                /* its next spawn's link is hushed; see cop__link_unhush in relation.h */

        /* Of a server, what it does aside from its messages; see server.h and sys.h. */
        struct cop__mailbox continuations; /* in the order asked for */
        struct cop__mailbox asked;         /* by sys, each until it is done */
        uint32_t queued;                   /* requests of sys in the mailbox, behind messages that came before them ... */
        uint32_t queued_for_glance;        /* ... and of these, what may be done as soon as the actor waits */
        int64_t idle_ms;                   /* COP_IDLE comes after so long without a message */
        uint64_t idle_due_ns;              /* 0: not counted yet; UINT64_MAX: it has been */
        const cop_behaviour *becomes;      /* while its COP_UPGRADE runs; else NULL */
        struct cop__signal *looked_at;     /* suspended: the mailbox is searched up to here */
        struct cop__observation *observation; /* NULL: nobody looks */
        struct cop__shared_term *observed; /* the event that is being told */
        char *last_state;                  /* as the crash report will show it */
        void *replaced;                    /* what a replaced state points at: flat, of its kind */
        const cop_kind *replaced_kind;

        /* Of a plain actor: what sys shows as its state; see cop_sys_show_value(). */
        const cop_kind *shown_kind;
        void *shown;
};

/*
 * What an actor has to do aside from handling messages: why its turn leaves the short way (turn.c). Set by who wants it
 * done, cleared when it has been.
 */
enum cop__aside {
        COP__ASIDE_BEGIN = 1,     /* its life */
        COP__ASIDE_CONTINUE = 2,  /* what cop_continue asked for */
        COP__ASIDE_ASKED = 4,     /* answers to sys, between two callbacks */
        COP__ASIDE_SUSPENDED = 8, /* nothing but those */
        COP__ASIDE_OBSERVED = 16, /* telling what it does */
        COP__ASIDE_IDLE = 32,     /* counting the time without a message */
        COP__ASIDE_QUEUED = 64,   /* answers to sys when the messages before them have been handled */
};

/* What others may know of how it lives. Written by the owner alone. */
enum cop__manner {
        COP__HIBERNATES = 1, /* a plain one, asleep without a stack; see hibernate.c */
        COP__UNPREEMPTED = 2, /* it is not to be interrupted; see preempt.h */
        COP__HEARS_NODES = 4, /* what others of its sort on other nodes say is said once, and no new work; see import.c */
        COP__DIES = 8, /* its pid has moved on, and its death is not over: see cop__is_dying */
};

/* What this layer keeps for each thread. Only that thread, but for the counters, which others may read. */
struct cop__here {
        struct cop_node *node;
        struct cop__list list;      /* of the node's threads, under its threads_lock */
        struct cop__fault_scope fault;
        cop_ref ref_next, ref_end;  /* a block of references of this thread's own */
        uint32_t slots[COP__SLOTS_CACHED]; /* free ones */
        uint32_t slot_count;
        struct cop__registry_reader registry;
        uint64_t spawned, died, sent, dead_letters; /* counted up by this thread */
        struct cop__letter_share letter_share;
        uint64_t asked_turn;        /* atomic, the watch sets them: the turn that is to be interrupted, and what to do then; ASKED */
        uint64_t asked_since_ns, asked_due_ns;
        bool asked_end, asked_in_call;
        struct cop__sighting sighting;
        uint64_t preempt_answers[COP__PREEMPT_ANSWERS]; /* counted up by this thread */
};

/* The slots, in one reserved mapping. */
struct cop__slots {
        struct cop__actor *base;
        struct cop__limit *limits;  /* beside each slot; see limit.h */
        struct cop__calling *calling; /* beside each slot; see calling.h */
        uint32_t limit;             /* slots 1 .. limit */
        uint32_t cached;            /* free ones that a thread may keep for itself */
        uint32_t opened;            /* new ones that it opens at once */
        uint32_t used;              /* atomic; those from used + 1 on have never been */
        struct cop__lock lock;      /* of the two below, and of `ebb` */
        uint32_t *free;
        uint32_t free_count;
        struct cop__slot_ebb ebb;
};

/* Reasons that must be there without memory; see exit.c. */
enum cop__reason {
        COP__REASON_NORMAL = 0,
        COP__REASON_KILLED,
        COP__REASON_NOPROC,
        COP__REASON_SHUTDOWN,
        COP__REASON_NO_MEMORY,
        COP__REASON_NOCONNECTION,
        COP__REASON_TOO_DEEP,
        COP__REASON_TOO_BIG,
        COP__REASON_ABANDONED,
};
#define COP__REASONS 9

struct cop_node {
        struct cop__scheduler scheduler;
        struct cop__shared_term *reasons[COP__REASONS];
        struct cop__slots slots;
        struct cop__registry registry;
        struct cop__holdings holdings;
        struct cop__timers timers;
        struct cop__reports reports;
        struct cop__letters letters;
        struct cop__overload overload;
        struct cop__audience mailbox_audience; /* who is told of watermarks */
        struct cop__watchdog watchdog;
        struct cop__blocking_pool blocking;
        struct cop__census census;
        struct cop__labels labels;
        struct cop__zygote zygote;
        struct cop__inside *inside; /* set in the process of one actor; see inside.h */
        struct cop__abroad *abroad; /* atomic; what knows other nodes; NULL: nothing; see abroad.h */
        struct cop__symbols *symbols;
        cop_kinds *kinds;
        cop_kinds *crossing_kinds;  /* those, and the library's own that cross into processes (crossing.h) */
        const cop_kind *const *kinds_first, *const *kinds_last; /* the program's */
        size_t stack_size;          /* as it was asked for */
        cop_log_fn *log;
        void *log_context;
        uint64_t ref_blocks;        /* atomic: references are handed to threads in blocks */
        uint32_t stopping;          /* atomic */
        struct cop__lock threads_lock;
        struct cop__list threads;   /* struct cop__here */
        struct cop__list visitors;  /* struct cop__visitor at rest, kept for the next, under threads_lock */
        uint32_t visitor_count;     /* inside, under threads_lock */
        uint64_t past[4];           /* counters of threads that have left: spawned, died, sent, dead letters */
        uint64_t started_ns;
        bool contains_strictly;     /* cop_node_options.contain_strict */
        char name[COP_NAME_MAX + 1];
        char dump_path[COP__DUMP_PATH_MAX]; /* "": none is written; see dump.h */
        struct cop__fault_witness witness; /* writes it */
        struct cop__fault_witness teller;  /* of a simulated node: says which seed it is */
};

/* A thread of the program that is inside the node: its place, its actor, and where it sleeps. */
struct cop__visitor {
        struct cop__thread thread;
        struct cop__park park;
        struct cop__list list;
        struct cop__actor *actor;
        struct cop__signal *start;  /* until it is born */
        struct cop__thread *beneath; /* the visit of another simulated node that rests meanwhile; NULL: none */
};

/* ---- Where am I -------------------------------------------------------------------- */

static inline struct cop__here *cop__here_of(struct cop__thread *thread)
{
        return thread->upper;
}

static inline struct cop__actor *cop__actor_of(struct cop__task *task)
{
        return COP__CONTAINER(task, struct cop__actor, task);
}

/* The calling actor or visitor, or NULL outside a node. */
static inline struct cop__actor *cop__actor_here(void)
{
        struct cop__thread *thread = cop__thread_here();
        return thread != NULL && thread->current != NULL ? cop__actor_of(thread->current) : NULL;
}

static inline struct cop_node *cop__node_of(struct cop__thread *thread)
{
        return cop__here_of(thread)->node;
}

/* ---- Pids and slots (slots.c) ------------------------------------------------------- */

static inline cop_pid cop__pid(uint32_t slot, uint32_t generation)
{
        return cop__pid_of(0, slot, generation);
}

static inline cop_pid cop__actor_pid(const struct cop__actor *actor)
{
        return (cop_pid){ cop__load_relaxed(&actor->pid) };
}

/* The slot of a pid of this node, whoever lives there now; NULL for nobody, other nodes and slots never used. */
COP__INLINE struct cop__actor *cop__slot_of(struct cop_node *node, cop_pid pid)
{
        uint32_t slot = (uint32_t)(pid.bits >> 32);
        /* Acquire: a pid may be a guess, and a slot below `used` must be found opened. See open_slot. */
        if (COP__UNLIKELY(slot == 0 || slot > cop__load_acquire(&node->slots.used)))
                return NULL;
        return &node->slots.base[slot];
}

/* Is it the pid of who lives in the slot, or will next? As advice. */
COP__INLINE bool cop__slot_is(const struct cop__actor *actor, cop_pid pid)
{
        return cop__load_relaxed(&actor->pid) == pid.bits;
}

/* Of who has that pid, and not of who lived in the slot before him or will behind him. */
COP__INLINE uint8_t cop__life_mark(cop_pid pid)
{
        return (uint8_t)(1 + (cop__pid_generation(pid) & 1));
}

/* Does he live, as of now? Acquire: who finds that he does finds what was set before his birth, and may mark `named`; who finds that he
 * does not any more finds the pid moved on. */
COP__INLINE bool cop__lives(const struct cop__actor *actor, cop_pid pid)
{
        return cop__load_acquire(&actor->pid) == pid.bits && cop__load_acquire(&actor->alive) == cop__life_mark(pid);
}

/*
 * Is who lived in the slot under that pid dying? Nobody finds it any more, and what it owned may not have ended. Who asks for
 * its end is answered by it then, behind that. Acquire: who sees the pid moved on sees what was said before; who sees a death
 * that is over, all that it ended. See exit.c.
 */
COP__INLINE bool cop__is_dying(const struct cop__actor *actor, cop_pid pid)
{
        cop_pid now = { cop__load_acquire(&actor->pid) };
        bool last = now.bits == 0 || cop__pid_generation(now) == cop__pid_generation(pid) + 1;
        return last && cop__load_acquire(&actor->manner) & COP__DIES;
}

/* A call or request is about to be sent to who lives in that slot, or NULL. COP_E_FULL: its mailbox is, and the request has ended. */
COP__INLINE cop_status cop__limit_knock_at(struct cop__thread *thread, const struct cop__actor *callee, cop_pid to,
                                           struct cop__signal *request)
{
        if (COP__LIKELY(callee == NULL ||
                        cop__load_relaxed(&callee->pressed) < COP__PRESSURE_LIMITED))
                return COP_OK;
        return cop__limit_knock_slowly(thread, to, request);
}

COP__INLINE cop_status cop__limit_knock(struct cop__thread *thread, cop_pid to, struct cop__signal *request)
{
        return cop__limit_knock_at(thread, cop__slot_of(cop__node_of(thread), to), to, request);
}

cop_status cop__slots_init(struct cop__slots *slots, uint32_t limit, const struct cop__habits *habits);
/* The only slot of a node that is inside (inside.h): that of this pid, which is its next actor's, and the last of the table. */
struct cop__actor *cop__slots_open_at(struct cop__slots *slots, cop_pid pid);
void cop__slots_fini(struct cop__slots *slots);
/* Zero, and there only where it is touched; NULL: none. */
void *cop__slots_map(size_t size);
/* Memory that is zero becomes a free slot, but for its pid: what its first actor and stray senders need. */
void cop__slot_make(struct cop__actor *actor);
/* A free slot, whose pid is the next actor's; NULL: the limit is reached. */
struct cop__actor *cop__slot_take(struct cop__here *here);
/* The same for the thread that stops the node: it gets one even then, once. */
struct cop__actor *cop__slot_take_last(struct cop__here *here);
void cop__slot_give(struct cop__here *here, struct cop__actor *actor);
/* A thread ends: its free slots are everybody's. */
void cop__slots_leave(struct cop__here *here);

/* Of `state`, as cop__state_free wants it. */
COP__INLINE uint8_t cop__state_class(const struct cop__actor *actor)
{
        return actor->state_class == COP__STATE_OF_HEAP ? COP__POOL_CLASS_NONE : (uint8_t)actor->state_class;
}

/* What few actors have (rare.c): zeroed at first; NULL when there is no memory for it. */
struct cop__rare *cop__rare_of(struct cop__actor *actor);
void cop__rare_end(struct cop__actor *actor);
bool cop__rare_end_one(struct cop__actor *actor); /* the last belonging; false: there is none */

/* ---- The call that waits -------------------------------------------------------------- */

/* What has come for it; NULL: nothing yet, or there is none. */
COP__INLINE struct cop__signal *cop__reply_of(const struct cop__actor *actor)
{
        return COP__LIKELY(!actor->replied) ? NULL : (struct cop__signal *)(uintptr_t)actor->awaits;
}

/* The reference under which it waits; 0: it does not, or its answer has come. */
COP__INLINE cop_ref cop__awaited_by(const struct cop__actor *actor)
{
        return (cop_ref){ actor->replied ? 0 : actor->awaits };
}

COP__INLINE void cop__await_ref(struct cop__actor *actor, cop_ref ref)
{
        actor->replied = false;
        actor->awaits = ref.bits;
}

COP__INLINE void cop__await_nothing(struct cop__actor *actor)
{
        cop__await_ref(actor, (cop_ref){ 0 });
}

/* What has come is the caller's, and nothing is awaited any more. */
COP__INLINE struct cop__signal *cop__take_reply_of(struct cop__actor *actor)
{
        struct cop__signal *reply = cop__reply_of(actor);
        if (reply != NULL)
                cop__await_nothing(actor);
        return reply;
}

/* ---- Signals (send.c) ---------------------------------------------------------------- */

/* Hands a signal to a pid. Never fails: what nobody is there for is answered or dropped by the taker or at once. */
void cop__send_signal(struct cop__thread *thread, cop_pid to, struct cop__signal *signal);

/* What the runtime has to say of `self`: a message that no limit of a mailbox counts or refuses. It may end `self`. */
void cop__send_news(struct cop__thread *thread, struct cop__actor *self, cop_pid to,
                    struct cop__signal *signal);
/* The same of a value, which is no new work. Errors: those of cop__signal_owed. */
cop_status cop__send_news_value(cop_pid to, const cop_kind *kind, const void *value);

/*
 * As cop_send_value to a pid, for what ends something or is its outcome: also while the node is over its mark. `where` is the
 * sender's place in its code. It may end the sender. Errors: those of cop_send_value, but for COP_E_OVERLOAD.
 */
cop_status cop__send_owed_value(cop_pid pid, const cop_kind *kind, const void *value, const void *where);

/* A message from `self` to `to`, as cop_send_value sends it; one that is refused aloud is a dead letter here. It may end `self`. */
void cop__send_on(struct cop__thread *thread, struct cop__actor *self, cop_pid to,
                  struct cop__signal *signal);

/* So many have come since the owner slept last that the sender looks how far it is behind, and
 * says so for it (turn.c). */
void cop__press_for(struct cop__thread *thread, struct cop__actor *actor);

/*
 * Where builds check themselves: who is at a queue has joined the company, so that nobody is alone but perhaps itself (scheduler/company.h).
 */
COP__INLINE void cop__check_company(const struct cop__thread *thread)
{
#if COP__CHECKED || defined(COP__ATOMICS)
        const struct cop__company *company = &thread->scheduler->company;
        const struct cop__solitude *solitude = cop__load_relaxed(&company->solitude);
        if (!company->possible)
                return;
        if ((solitude != NULL && solitude != &thread->solitude) ||
            (thread->worker != NULL && !thread->worker->membership.joined))
                __builtin_trap();
#else
        (void)thread;
#endif
}

/*
 * Hands a signal to the slot itself, for the actor of that generation; *seq is how many have come. True: it slept, and the caller
 * is to schedule it.
 */
COP__INLINE bool cop__push(struct cop__thread *thread, struct cop__actor *actor, uint32_t generation,
                           struct cop__signal *signal, uint32_t *seq)
{
        signal->node.generation = generation;
        cop__check_company(thread);
        if (!cop__alone_begin(&thread->solitude))
                return cop__queue_push_as(&actor->queue, &signal->node, false, seq);
        bool asleep = cop__queue_push_as(&actor->queue, &signal->node, true, seq);
        cop__alone_end(&thread->solitude);
        return asleep;
}

COP__INLINE void cop__push_signal(struct cop__thread *thread, struct cop__actor *actor,
                                  uint32_t generation, struct cop__signal *signal)
{
        uint32_t seq;
        if (cop__push(thread, actor, generation, signal, &seq))
                cop__schedule(thread->scheduler, thread, &actor->task);
        else if (COP__UNLIKELY(cop__queue_is_each(seq, COP__PRESSURE_FROM)))
                cop__press_for(thread, actor);
}

/* The same for the START of an actor, which is the first. */
COP__INLINE void cop__push_start(struct cop__thread *thread, struct cop__actor *actor, uint32_t generation,
                                 struct cop__signal *start)
{
        uint32_t seq;
        if (cop__push(thread, actor, generation, start, &seq))
                cop__schedule_fresh(thread->scheduler, thread, &actor->task);
}

/* The owner gives up its run right, as cop__queue_sleep. */
COP__INLINE bool cop__fall_asleep(struct cop__thread *thread, struct cop__actor *actor,
                                  struct cop__node **passed)
{
        if (COP__UNLIKELY(actor->scouted))
                actor->scouted = false;
        cop__check_company(thread);
        if (!cop__alone_begin(&thread->solitude))
                return cop__queue_sleep(&actor->queue, &actor->cursor, passed);
        bool asleep = cop__queue_sleep_as(&actor->queue, &actor->cursor, passed, true);
        cop__alone_end(&thread->solitude);
        return asleep;
}

/* The same behind the last node that it has taken and done with, with nothing scouted. True: the node is the caller's to free. */
COP__INLINE bool cop__fall_asleep_behind(struct cop__thread *thread, struct cop__actor *actor,
                                         struct cop__queue_cursor last)
{
        cop__check_company(thread);
        if (!cop__alone_begin(&thread->solitude))
                return cop__queue_sleep_behind(&actor->queue, &actor->cursor, last, false);
        bool asleep = cop__queue_sleep_behind(&actor->queue, &actor->cursor, last, true);
        cop__alone_end(&thread->solitude);
        return asleep;
}

/*
 * What becomes of a signal that no living actor hears: calls get an answer with the reason, links and monitors theirs, the
 * rest is freed. `reason` is borrowed; NULL is noproc.
 */
void cop__refuse_signal(struct cop__thread *thread, cop_pid dead, struct cop__signal *signal,
                        struct cop__shared_term *reason);

/* A received message is the user's from now on, and found again if the actor ends. Not while it is the queue's cursor. */
void cop__taken_link(struct cop__actor *actor, struct cop__signal *signal);

/* A received message goes into the user's hands. */
COP__INLINE void cop__hand_over_quickly(struct cop__actor *actor, struct cop__signal *signal)
{
        signal->flags |= COP__SIGNAL_TAKEN;
        if (COP__UNLIKELY(actor->cursor.node != &signal->node))
                cop__taken_link(actor, signal);
}
void cop__hand_over(struct cop__actor *actor, struct cop__signal *signal);

/*
 * In a handler: the call that it is at stays with the actor beyond it, unanswered or not, until cop_message_free. If the actor
 * ends before, its caller is told; nothing need be deferred.
 */
cop_message *cop__message_keep(struct cop__actor *actor);

/* Ends a request that is in the actor's hands and that nobody waits for any more; see cop__calling_drop. */
void cop__message_expire(struct cop__actor *actor, cop_message *message);

/* A copy of a value as a message in the actor's own hands, which is no new work; NULL without memory. */
cop_message *cop__message_hold(struct cop__actor *actor, const cop_kind *kind, const void *value);

bool cop__pattern_fits(const cop_message *message, const cop_pattern *pattern);

/* What cop_receive does, but ends with NULL also when a reply has come for a call that is open; see cop__call_open. */
struct cop__signal *cop__receive(struct cop__actor *actor, int64_t timeout_ms,
                                 const cop_pattern *patterns, size_t count, const void *where);

/* cop_receive for one that the caller pays for when it has seen to the message (cop__spend): until then nothing ends it. */
cop_message *cop__receive_unpaid(struct cop__actor *actor, const cop_pattern *pattern);

/* A term as the message it is, within so many bytes; see send.c. */
cop_status cop__message_of_term(const cop_kinds *kinds, cop_term term, enum cop__kind_source source, size_t memory_max,
                                const cop_kind **kind, void **value, cop_parse_error *error);

/* The same as a signal that is ready to be sent: nothing is left in hand while its sender waits and may end. */
cop_status cop__signal_of_term(struct cop__thread *thread, cop_term term, enum cop__kind_source source,
                               struct cop__signal **signal);

/*
 * A call in its parts: a reference is waited for, requests go out under it, one reply or failure comes back (NULL: the time is
 * over), and the wait for that reference ends. *reply is a message in nobody's hands yet.
 */
cop_ref cop__call_open(struct cop__actor *actor);
void cop__call_send(struct cop__actor *actor, cop_pid to, struct cop__signal *request, cop_ref ref);
struct cop__signal *cop__call_await(struct cop__actor *actor, uint64_t deadline_ns, const void *where);
cop_status cop__call_close(struct cop__actor *actor, cop_ref ref, struct cop__signal *signal,
                           struct cop__signal **reply);

/* Answers a held request with what comes back, as a message, if the caller does not receive it. */
cop_status cop__answer_returnable(const cop_message *request, const cop_kind *kind, const void *value);

/* As cop_answer_value, for what a server of the library's own has been asked and let in: also while the node is over its mark. */
cop_status cop__answer_owed(const cop_message *request, const cop_kind *kind, const void *value);
/* The same to the request that the handler is at. */
cop_status cop__reply_now_owed(const cop_kind *kind, const void *value);
#define COP__REPLY_OWED(type, ...) cop__reply_now_owed(COP_KIND_OF(type), &(const type){ __VA_ARGS__ })

/* When a time-out that starts now is over; one of a second or more ends up to 20 ms later. */
uint64_t cop__deadline_ns(int64_t timeout_ms);

/* A time-out that ends then; 0: it is over. */
COP__INLINE int64_t cop__ms_until(uint64_t until_ns)
{
        if (until_ns == UINT64_MAX)
                return COP_FOREVER;
        uint64_t now_ns = cop__clock_ns();
        return now_ns < until_ns ? (int64_t)((until_ns - now_ns + COP__NS_PER_MS - 1) / COP__NS_PER_MS) : 0;
}

/* When a call of this actor's ends that begins now: at its time-out, or before, with the patience of whoever has called it; 0:
 * that is over already (calling.c). */
uint64_t cop__call_deadline_left(struct cop__actor *actor, uint64_t own_ns);
COP__INLINE uint64_t cop__call_deadline(struct cop__actor *actor, int64_t timeout_ms)
{
        uint64_t own_ns = cop__deadline_ns(timeout_ms);
        return COP__LIKELY(actor->current == NULL) ? own_ns : cop__call_deadline_left(actor, own_ns);
}

/* A request and its answer, for call.c and what resembles a call. Takes the request. */
cop_status cop__call(struct cop__actor *actor, cop_pid to, struct cop__signal *request,
                     uint64_t deadline_ns, const void *where, struct cop__signal **reply);

/* As cop_call_value, but it ends with no caller's patience: what is left half done would hurt more than to go on.
 * For the same reason it goes also while the node is over its mark. */
cop_status cop__call_in_own_time(cop_message **reply, cop_address to, int64_t timeout_ms,
                                 const cop_kind *kind, const void *value);

/* Its second half: waits for what comes back under `waiting`, which is `ref`; its edge is written (calling.h). */
cop_status cop__call_wait(struct cop__actor *actor, cop_ref ref, uint64_t deadline_ns,
                          const void *where, struct cop__signal **reply);

/* Whom to call. Errors: those of cop_call_value; a negative time-out ends the actor with {badarg, {Function, _}}. */
cop_status cop__callee(struct cop__actor *actor, const char *function, cop_address to,
                       int64_t timeout_ms, cop_pid *callee);
/* DEFERRED_BY has come. */
void cop__take_deferral(struct cop__thread *thread, struct cop__actor *actor,
                        struct cop__signal *signal);
/* A reply goes into the user's hands; NULL: it is not wanted, and freed. */
void cop__take_reply(struct cop__actor *actor, struct cop__signal *answer, cop_message **reply);
/* FAILED as a status; ends the signal. */
cop_status cop__take_failure(struct cop__thread *thread, struct cop__actor *actor,
                             struct cop__signal *signal);

/* What cop_failure() is from now on. Taken; NULL: nothing. Without memory for it there is nothing to tell. */
void cop__failure_keep(struct cop__actor *actor, struct cop__shared_term *reason);

/* Ends a call without a reply. Takes the request signal, whose memory carries the answer. */
enum cop__failure {
        COP__FAILED_NO_REPLY = 1,
        COP__FAILED_DIED,
        COP__FAILED_NO_ACTOR,
        COP__FAILED_NO_MEMORY,
        COP__FAILED_IGNORED, /* a start */
        COP__FAILED_FULL,
        COP__FAILED_ISOLATED,
        COP__FAILED_EXPIRED, /* a request in flight, at its dequeue */
        COP__FAILED_CYCLE,   /* a call in a ring that somebody else has closed */
        COP__FAILED_NO_HANDLER, /* a NO_REPLY that has its reason in that */
};
void cop__fail_call(struct cop__thread *thread, cop_pid callee, struct cop__signal *request,
                    enum cop__failure failure, struct cop__shared_term *reason);
struct cop__failed {
        struct cop__shared_term *reason; /* of COP__FAILED_DIED and _CYCLE: counted */
        uint32_t failure;
};

/*
 * Nothing of a server's is for this message: a call ends with that as its reason, at once. True: it was one that nobody had
 * answered, and has ended.
 */
bool cop__refuse_unwanted(struct cop__actor *actor, struct cop__signal *signal);

/* As cop_message_free, but whoever called, and has no answer, hears why. */
void cop__message_fail(cop_message *message, enum cop__failure why);

/* ---- Taking signals in (turn.c) -------------------------------------------------------- */

/* Has something told the actor to end that it has not begun to obey? */
COP__INLINE bool cop__must_leave(const struct cop__actor *actor)
{
        return COP__UNLIKELY(actor->reason != NULL) && (!actor->leaving || actor->killed) &&
               actor->task.visitor == NULL;
}

/* The escape point of the turn that runs here, on a worker. */
COP__INLINE struct cop__escape *cop__escape_of(struct cop__thread *thread)
{
        return COP__CONTAINER(thread, struct cop__worker, thread)->stack->escape;
}

COP__INLINE struct cop__escape *cop__escape_here(void)
{
        return cop__escape_of(cop__thread_here());
}

/* Faults are the actor's from here on, on the stack that its turn runs on: a worker's. */
COP__INLINE void cop__guard_turn(struct cop__thread *thread)
{
        const struct cop__stack *stack = COP__CONTAINER(thread, struct cop__worker, thread)->stack;
        cop__turn_begin(&cop__here_of(thread)->fault, (uintptr_t)stack->low, stack->escape->top);
}

/* Memory is below its limit, and nobody has to be told of it: nothing to look at or to refuse. */
COP__INLINE bool cop__is_calm(const struct cop_node *node)
{
        return COP__LIKELY((cop__load_relaxed(&node->scheduler.pool.over) | cop__load_relaxed(&node->overload.told)) == 0);
}

/* Says to senders whether the owner is behind; the budget of its next turn, larger if it is. */
int32_t cop__turn_budget(struct cop__actor *actor);

/* The owner says to senders how far it is behind. */
COP__INLINE void cop__press(struct cop__actor *actor, uint32_t pressure)
{
        uint32_t before = cop__load_relaxed(&actor->pressed);
        uint32_t now = (before & COP__PRESSURE_LIMITED) | pressure;
        if (COP__UNLIKELY(now != before))
                cop__store_relaxed(&actor->pressed, now);
}

/* Frees a signal that the owner has done with, now or when the queue lets go of it. */
void cop__signal_done(struct cop__thread *thread, struct cop__actor *actor,
                      struct cop__signal *signal);

/* Ends a message that was handled or freed: a call that nobody has answered fails. */
void cop__message_done(struct cop__thread *thread, struct cop__actor *actor,
                       struct cop__signal *signal);

/* Acts on all that has arrived; messages go to the mailbox. The actor may have to end then: see cop__must_leave. */
void cop__take_in_all(struct cop__actor *actor);

/* The same at a safe point. On a worker it does not return if the actor must end. */
void cop__drain(struct cop__actor *actor);

/* The same for one that looks for something: in a section it ends only where it `waits` for that. */
void cop__drain_to_look(struct cop__actor *actor, bool waits);

/*
 * Exit signals and priority messages do not wait for the messages before them to be handled. Whoever sends one says so in `urgent`, on a line that
 * is otherwise the owner's, who looks there whenever it may end: after each handler, when it receives, and when it sends. If
 * there is one it acts on all that has arrived. True: it must end.
 */
bool cop__hurry_slowly(struct cop__actor *actor);
COP__INLINE bool cop__hurry(struct cop__actor *actor)
{
        return COP__UNLIKELY(cop__load_relaxed(&actor->urgent) != 0) && cop__hurry_slowly(actor);
}

/* What is taken between these two: if it `fails` it is ended, and who called gets no reply. The mark is the caller's, and stays until then. */
void cop__taken_mark(struct cop__actor *actor, struct cop__signal *mark);
void cop__taken_unmark(struct cop__actor *actor, struct cop__signal *mark, bool fails);

/* Messages that have arrived and are not received. The owner gets the number, others a good guess. */
uint32_t cop__unread(const struct cop__actor *actor);

/* Has anything come that the actor has not looked at? A good guess. */
bool cop__has_arrived(const struct cop__actor *actor);

void cop__mailbox_append(struct cop__mailbox *mailbox, struct cop__signal *signal);
struct cop__signal *cop__mailbox_take_first(struct cop__mailbox *mailbox); /* NULL: it is empty */

/*
 * Whose exit signal is an order to end, also for a server that traps exits: as in OTP its parent's, if it was spawned with a
 * link; one that was not has no parent in this sense, and obeys itself. No handler is asked.
 */
COP__INLINE cop_pid cop__whom_it_obeys(const struct cop__actor *actor)
{
        bool linked = cop__load_relaxed(&actor->named) & COP__BORN_LINKED;
        return (cop_pid){ cop__load_relaxed(linked ? &actor->parent.bits : &actor->pid) };
}

/* Is it a supervisor's child that has lost its supervisor? Then its end is near. A guess, as it may end meanwhile. */
COP__INLINE bool cop__is_orphan(const struct cop__actor *actor)
{
        const uint32_t child = COP__BORN_LINKED | COP__BORN_SUPERVISED;
        return (cop__load_relaxed(&actor->named) & child) == child && !cop_is_alive(cop__whom_it_obeys(actor));
}

bool cop__is_parents_order(const struct cop__actor *actor, const struct cop__signal *signal);

/* The message behind `before`, or the first behind NULL; NULL: none (receive.c). */
struct cop__signal *cop__mailbox_after(const struct cop__mailbox *mailbox,
                                       struct cop__signal *before);
/* Takes out `signal`, which is behind `before`. */
void cop__mailbox_remove(struct cop__mailbox *mailbox, struct cop__signal *before,
                         struct cop__signal *signal);

COP__INLINE bool cop__has_manner(const struct cop__actor *actor, enum cop__manner manner)
{
        return cop__load_relaxed(&actor->manner) & manner;
}

COP__INLINE void cop__set_manner(struct cop__actor *actor, enum cop__manner manner, bool on)
{
        uint8_t others = cop__load_relaxed(&actor->manner) & (uint8_t)~manner;
        cop__store_relaxed(&actor->manner, (uint8_t)(others | (on ? manner : 0)));
}

/* The scheduler's hooks: a turn, and what follows one that was left. */
void cop__actor_run(struct cop__task *task);
void cop__actor_left(struct cop__task *task, int how);

/* ---- Waiting (wait.c) --------------------------------------------------------------------- */

/*
 * Blocks the calling actor until a signal arrives, or deadline_ns has passed (then there is one too). UINT64_MAX: never.
 * `where` is shown by the console. Actors without memory for a stack or a timer exit with {system_limit, ...}.
 */
void cop__wait(struct cop__actor *actor, uint64_t deadline_ns, const void *where);
/* The same for one that cop__is_woken_by already. */
void cop__wait_for_alarm(struct cop__actor *actor, uint64_t deadline_ns, const void *where);

/*
 * Blocks without listening: `after` has the actor's run right, and schedules its task in the end. Without memory for a stack it
 * returns at once, and `after` has not been called. `code` is shown as what the actor is at.
 */
void cop__wait_for(struct cop__actor *actor, void (*after)(void *), void *argument,
                   const void *code);

/* The actor hears a WAKE at that time or before it, wherever it is then. False: no memory. */
bool cop__arm_alarm(struct cop__thread *thread, struct cop__actor *actor, uint64_t when_ns);

/* Before an actor sleeps: a message that it received and has not freed cannot stay the queue's cursor. */
void cop__let_go_slowly(struct cop__actor *actor);
COP__INLINE bool cop__holds_on(const struct cop__actor *actor)
{
        return COP__UNLIKELY(actor->cursor.node != NULL && !actor->cursor.done);
}

COP__INLINE void cop__let_go(struct cop__actor *actor)
{
        if (cop__holds_on(actor))
                cop__let_go_slowly(actor);
}

/* Ends the turn: others run, and what has arrived is acted on. */
void cop__yield(struct cop__actor *actor, const void *where);

/* The same for one that was interrupted: it goes on on this thread, after the others (preempt.c). */
void cop__yield_here(struct cop__actor *actor);

/* The same once the budget is spent; if an exit signal has come, it is obeyed. */
void cop__spent(struct cop__actor *actor, const void *where);
COP__INLINE void cop__spend(struct cop__actor *actor, int32_t cost, const void *where)
{
        if (COP__UNLIKELY((actor->budget -= cost) < 0 || cop__load_relaxed(&actor->urgent) != 0))
                cop__spent(actor, where);
}

/* The same for who has spent it on messages, about so many, the last of them to this one (NULL: nobody here). */
void cop__spent_on(struct cop__actor *actor, const struct cop__actor *receiver, uint32_t messages, const void *where);
COP__INLINE void cop__spend_on(struct cop__actor *actor, const struct cop__actor *receiver, int32_t cost, uint32_t messages,
                               const void *where)
{
        if (COP__UNLIKELY((actor->budget -= cost) < 0 || cop__load_relaxed(&actor->urgent) != 0))
                cop__spent_on(actor, receiver, messages, where);
}

/* COP_E_NO_NAME, or COP_E_BAD_ARGUMENT for a name that was NULL. It costs what a message does: who tries again and again until
 * somebody bears the name lets others run. */
cop_status cop__no_name(struct cop__actor *actor, const char *name, const void *where);
/* Was the name NULL? */
COP__INLINE bool cop__is_null_name(cop_address to)
{
        return to.name == cop__null_name;
}

/*
 * Between cop_no_preempt_begin and its end: it may hold a lock, and what does not wait neither ends it nor lets others on. So no
 * exit signal is obeyed there but by who waits, or has waited.
 */
bool cop__is_in_section(void);

/* The calling actor has sent to one that is behind with its messages; NULL: it is not to be followed. */
void cop__push_back(struct cop__actor *actor, const struct cop__actor *receiver, uint32_t pressure, const void *where);

/* What a message costs its sender, looked up: for those that are not sent by send.c. It may end the actor. */
void cop__pay_for(struct cop__actor *self, cop_pid receiver, const void *where);

/*
 * What a signal that is no message, a timer and a name cost who is about to ask for them, if that is an actor: so a loop of
 * nothing else ends its turns, and ends when it is killed. Only the program waits here or is left, `where` being its code: the
 * runtime's own functions are not, in the middle of what they do, and go on until the turn ends. `receiver` is nobody, or who may
 * be behind with what it is sent.
 */
void cop__charge(cop_pid receiver, const void *where);

/* ---- Ending (exit.c) ------------------------------------------------------------------------ */

/* Leaves the turn on which the actor runs, to die of actor->reason. Only at a safe point. */
COP__NORETURN void cop__leave(struct cop__actor *actor);

/* Jumps to the turn's frame, with nothing of the user's on the stack any more. */
COP__NORETURN void cop__leave_turn(enum cop__escape_how how);

/* The same with a reason, which is copied. Without memory for it the reason is `killed`. */
COP__NORETURN void cop__exit_with(struct cop__actor *actor, cop_term reason);
/* The same for an order from outside: that is no crash, whatever the reason. */
COP__NORETURN void cop__exit_told(struct cop__actor *actor, cop_term reason);

/* An exit signal, through an alias if there is one. */
cop_status cop__send_exit(cop_pid pid, cop_ref alias, cop_term reason);
/* The exit signal shutdown, in somebody's name. Errors: COP_E_NO_MEMORY. */
cop_status cop__send_shutdown(cop_pid pid, cop_pid from);

/* Nobody waits any more for the call that it was at when it left for what comes next. An answer that has come goes back in the name of
 * `pid`. */
void cop__call_forget(struct cop__thread *thread, struct cop__actor *actor, cop_pid pid);

/* A bug in the calling actor: exits it with {badarg, {Function, What}}; a visitor gets a log line and false. */
bool cop__badarg(const char *function, const char *what);

/* After the turn has been left: from here on nobody finds the actor, and only cop__die_on is called for it. */
void cop__die(struct cop__thread *thread, struct cop__actor *actor);

/*
 * The rest of a death: takes out what it held, tells everyone, answers for what was not read, frees everything; about `most` signals
 * and blocks of it, or a batch of what it held.
 * False: there is more. True: the caller goes on with cop__slot_clear.
 */
bool cop__die_on(struct cop__thread *thread, struct cop__actor *actor, unsigned most);

/* Made when the node starts, so that it cannot fail, and there until it ends: taken or not. Inside a node. */
struct cop__shared_term *cop__reason(enum cop__reason reason);
cop_status cop__reasons_init(struct cop_node *node);
void cop__reasons_fini(struct cop_node *node);
bool cop__reason_is_crash(cop_term reason);

/* COP__SIGNAL_OVERFLOW has come to the owner. */
void cop__overflow(struct cop__actor *actor);
/* What a report calls an actor: its name, its label, or its server's name; may be "". */
void cop__who_is(struct cop_node *node, const struct cop__actor *actor, cop_pid pid,
                 char who[COP_NAME_MAX + 1]);

/* Starts the node in an actor's process: like any other, but with room for that one. Errors: those of cop_node_start. */
cop_status cop__node_start_inside(const cop_node_options *options, struct cop__inside *inside,
                                  const cop_kind *const *kinds_first,
                                  const cop_kind *const *kinds_last, cop_node **node);

/* What an actor exits with that has faulted: the fault, where it was, and the message it was at; NULL: none. */
struct cop__shared_term *cop__fault_reason(struct cop_node *node, const struct cop__fault *fault,
                                           struct cop__signal *message);
/* Ends the actor for a fault with this reason, which is taken. */
COP__NORETURN void cop__exit_faulted(struct cop__actor *actor, struct cop__shared_term *reason);
/* What fault.h calls with an actor's fault. */
void cop__fault_land(struct cop__fault *fault, void *context);

/* For who runs an actor's code, in the handler, so with nothing but reads: "till <0.12.0>", and which of its faults end it alone. */
void cop__actor_describe(const struct cop__actor *actor, char *text, size_t size);
enum cop__containment cop__actor_containment(const struct cop_node *node, const struct cop__actor *actor);

/* The end of a slot's turn when nobody lives in it; gives the slot back if its actor has just died (turn.c). */
void cop__slot_clear(struct cop__thread *thread, struct cop__actor *actor);

/* May a node be called that (node.c)? */
bool cop__is_name_of_node(const char *name);

/* cop_node_enter for the thread that stops the node: a full table is no obstacle (visitor.c). */
cop_status cop__visit_to_stop(cop_node *node);

/* The calling thread is in no node until it takes up again whom it was; NULL: nobody (visitor.c). */
struct cop__thread *cop__visit_set_aside(void);
void cop__visit_take_up(struct cop__thread *thread);

/* Ends the calling thread's visit of this node, if it is one that rests beneath another. */
void cop__visit_end_beneath(const struct cop_node *node);

/* Ends a visit with a reason, which is taken; the one beneath goes on (visitor.c). */
void cop__visit_end(struct cop__actor *actor, struct cop__shared_term *reason);

/* May an actor with a limit have so many bytes more? It does not return if that ends the actor (arena.c). */
bool cop__arena_admits(struct cop__actor *actor, size_t size);
/* May its state be of that size in place of the old one? As at its spawning: it is nobody's end if not. */
bool cop__arena_fits(const struct cop__actor *actor, size_t old_size, size_t size);
/* cop_alloc; the term is freed if nothing comes of it, also where the limit ends the actor (arena.c). */
void *cop__alloc_or_free(size_t size, cop_term term);

/* cop_mailbox_marks: the calling actor has these marks from now on (limit.c). May take in signals. */
void cop__limit_mark(struct cop__actor *actor, uint32_t high, uint32_t low);

bool cop__priority_is_good(cop_priority priority);

/* On an actor of the library's own: as cop_alloc, also over the node's limit, for an answer that is no new work (spawn.c). */
void *cop__alloc_owed(size_t size);
/* A block leaves those that the actor has from cop_alloc (spawn.c). */
void cop__held_remove(struct cop__actor *actor, struct cop__block *block);

/* A zeroed state of a server, and its end (spawn.c). */
void *cop__state_new(struct cop__thread *thread, size_t size, uint8_t *class);
void cop__state_free(struct cop__thread *thread, void *state, uint8_t class);

/* ---- Visitors (visitor.c), birth (spawn.c) --------------------------------------------------- */

void cop__actor_born(struct cop__thread *thread, struct cop__actor *actor,
                     struct cop__signal *start);
/* Inside the first turn: runs init, or the whole of a plain actor, which then has its reason to end. */
void cop__actor_begin(struct cop__actor *actor);
/* A START without function and server, for a thread that comes with its own (spawn.c). */
cop_status cop__start_empty(struct cop__thread *thread, struct cop__signal **start);
/* The future that a plain actor was started to resolve, or nobody (spawn.c). */
cop_pid cop__promise_of(const struct cop__actor *actor);
/* A plain actor's next turn begins with next(state), once it begins. */
void cop__start_renew(struct cop__actor *actor, void (*next)(void *state), void *state);
/* The argument that an actor was started with is not needed any more; who still waits for its start hears the reason. */
void cop__start_drop(struct cop__actor *actor);
/* cop_spawn_opt, where the newborn answers to `asked` as to a call when its start is over; none: it does not. */
cop_status cop__spawn(const cop_spawn_options *options, cop_ref asked, cop_pid *pid);
/* cop_spawn_opt with an argument that is a term of options->kind, if that is not NULL. Errors: also those of cop__kind_from_term. */
cop_status cop__spawn_from_term(cop_spawn_options options, cop_term argument, cop_pid *pid);
/* Are the options good, but for what is to run, and does the node take actors at all? Errors: those of cop_spawn_opt. */
cop_status cop__spawn_is_welcome(const cop_spawn_options *options);
/* cop_spawn_opt of who pays for it when what it holds is free again: nothing ends it in here. */
cop_status cop__spawn_unpaid(const cop_spawn_options *options, cop_pid *pid);
/* Could there be actors of such options, with some argument? They have none. */
bool cop__spawn_is_good(const cop_spawn_options *options);

/* A spawner that lives on another node, and what it is given: its halves, which whoever acts for it keeps. */
struct cop__sponsor {
        cop_pid pid;
        cop_ref watched;                      /* for the monitor, if there is one */
        struct cop__relation *link, *monitor; /* set with success, each with its id or reference; NULL: not asked for */
};
/* cop_spawn_opt in its name, for good options, of which monitor_ref is not touched. The caller pays nothing. */
cop_status cop__spawn_for(const cop_spawn_options *options, struct cop__sponsor *sponsor, cop_pid *pid);
/* cop__spawn for options that are known to be good, and for the isolation that they have come to (outpost.h). `sponsor`: NULL, or as above. */
cop_status cop__spawn_checked(const cop_spawn_options *options, cop_ref asked, struct cop__sponsor *sponsor, cop_pid *pid);
/* The actor of a node that is inside, in its slot, whose link, if any, is the outpost's; for inside.h. Errors: those of cop_spawn_opt. */
cop_status cop__spawn_inside(struct cop__thread *thread, const cop_spawn_options *options,
                             cop_pid parent, bool linked, cop_ref asked, struct cop__actor *actor);
/* It has chosen not to run: its end is no failed start. */
bool cop__start_is_ignored(const struct cop__actor *actor);
/* The function that a plain actor is, for its report; NULL: it has none. */
const void *cop__start_code(const struct cop__actor *actor);

/* For a server's init: what it was started with, and the kind of that; NULL: nothing. */
const void *cop__start_argument(const struct cop__actor *actor, const cop_kind **kind);
/* Answers an INFO signal with a map of what the actor knows of itself (info.c). Takes the signal. */
void cop__tell_info(struct cop__thread *thread, struct cop__actor *actor, struct cop__signal *signal);
cop_ref cop__ref_new_block(struct cop__here *here);
COP__INLINE cop_ref cop__ref_new(struct cop__here *here)
{
        if (COP__UNLIKELY(here->ref_next.bits == here->ref_end.bits))
                return cop__ref_new_block(here);
        return (cop_ref){ here->ref_next.bits++ };
}
/* References are handed to threads in blocks of so many; and the number of the one that a reference is from. */
#define COP__REF_BLOCK (UINT64_C(1) << 20)
uint64_t cop__ref_block(cop_ref ref);

#endif
