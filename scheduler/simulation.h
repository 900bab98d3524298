/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Simulation: the same workers without threads. One thread, the one that started the node, drives them; a seed
 * decides what happens next, and time is a number.
 *
 *      the driving thread            worker 1, 2, ...: each a loop on a stack, as ever
 *      ───────────────────           ─────────────────────────────────────────────────
 *      1 time goes on a little
 *      2 timers that are due fire
 *      3 what is runnable is taken out of the workers' real queues into the bag
 *      4 a task and a worker are drawn
 *      5 switch ───────────────────► the loop runs one turn of the task, or goes on with it where it was blocked
 *      6   ◄──────────────────────── the loop asks for the next task: the step is over
 *
 * With an empty bag time jumps to the next timer. So whatever the workers share is shared here too, and each step leaves its
 * caches, wheels and slots to a worker that may be another one than the last; but two things never happen at once.
 *
 * Several nodes may be simulated together: they have one time and one seed between them, each has a bag of its own, and a step begins
 * with the draw of a node; one with nothing runnable leaves the step to the next. What goes between them goes by wire (wires.h).
 *
 * A turn may be held in its middle (hold): then it stands where the driver does, and the steps of the others go back to it.
 *
 * In place of the bag the workers' own ways of finding a task may be followed (order QUEUES): then the seed draws whose turn it
 * is, and ring, next slot, shared queue and theft decide the rest.
 *
 * Who drives. A visitor that waits: cop__visitor_wait and cop__visitor_yield run steps where on a real node they put the
 * thread to sleep; and whoever calls cop__simulation_run or waits for quiet. All on the thread that started the
 * scheduler: nothing here is shared, nothing needs an order.
 *
 * What makes it the same each time: all choices come from `random`; cop__clock_ns() says `now_ns` on this thread; what is done
 * depends on no address. One chooses a place in a cache (of names), which decides how fast an answer is found and not what it is, nor
 * whether it needs memory. The signature sums up what happened.
 *
 * When it is over. A trial gives each seed so many turns and so much time: what is used up, or a wait for what can never happen,
 * makes it `over`, and whoever drives is sent back to the trial by hooks.over, from where it holds its run right again.
 */
#ifndef SCHEDULER_SIMULATION_H
#define SCHEDULER_SIMULATION_H

#include <coppice/simulation.h>

#include "base/random.h"
#include "scheduler/context.h"
#include "scheduler/habits.h"

struct cop__park;
struct cop__scheduler;
struct cop__task;
struct cop__thread;
struct cop__way_out;
struct cop__wires;
struct cop__worker;

/* Runnable tasks among which the next is drawn; what is more waits in the queues. */
#define COP__SIMULATION_BAG 256u

/* Nodes that are simulated together, at most. */
#define COP__SIMULATION_NODES 8u

/* How the next task is found. */
enum cop__simulation_order {
        COP__ORDER_ANY = 0, /* any of the bag, all alike */
        COP__ORDER_NEWEST,  /* the last that became runnable, as a rule: others starve for a while */
        COP__ORDER_RANKED,  /* each has a rank, and at odd moments all get new ones: few switches between */
        COP__ORDER_QUEUES,  /* as the workers' own queues have it */
        COP__ORDERS,
};

/* What the layer above does for the driver. Set before the scheduler starts. */
struct cop__simulation_hooks {
        void (*place)(struct cop__thread *thread); /* the driving thread is this one from here on */
        void (*step)(void *owner);                 /* a step begins; may make tasks runnable */
        void (*turn)(struct cop__task *task);      /* a task is about to run */
        uint64_t (*name)(const struct cop__task *task); /* the same in each run; no address */
        void (*stuck)(void *owner);                /* a visitor waits for ever; returns if the simulation is over for that */
        void (*over)(void *owner);                 /* the driver is awake: its visit ends, if it visits */
};

/* A node's part. */
struct cop__simulated {
        struct cop__scheduler *scheduler;
        struct cop__task *last; /* whose turn was the last here; NULL: there was none */
        uint32_t count;
        struct cop__task *bag[COP__SIMULATION_BAG];
};

struct cop__simulation {
        cop_simulation options; /* as they were asked for */
        struct cop__simulation_hooks hooks;
        uint32_t users;      /* nodes that are there, or are about to */
        uint32_t node_count; /* those that have started; nodes[0 .. node_count - 1] */

        /* Drawn from the seed once. */
        enum cop__simulation_order order;
        uint64_t step_ns;       /* how long a step takes */
        uint32_t budget_max;    /* a turn's budget is from 1 to this */
        uint32_t patience;      /* a visitor that has been woken waits for one in so many steps on average */
        uint32_t magazine_max;  /* of the pool */
        uint32_t bag_max;       /* what is more waits in the queues */
        uint32_t thefts;        /* in order QUEUES, one in so many is another worker's; 0: none */
        struct cop__habits habits;

        /* As it goes on. */
        uint64_t random;
        uint64_t ranks;         /* what the ranks are made from */
        uint64_t now_ns;
        uint64_t started_ns;
        uint64_t signature;
        uint64_t steps;         /* turns that were run */
        uint64_t jumps;         /* of time */
        uint64_t steps_max;     /* of both together; and how late it may be */
        uint64_t end_ns;
        uint32_t unbounded;     /* who waits meanwhile is not left in the middle: a node that stops, a visit that begins */
        const char *over;       /* why it is, as a sentence; NULL: it goes on */
        uint64_t refusals;      /* of memory, on cue */
        uint64_t crashes;       /* on cue */
        uint64_t faults;        /* deaths by one, which nobody has simulated */
        uint64_t refuse_at;     /* the refusal that was asked for comes when so many more are; 0: none is */
        uint64_t stall_ns;      /* a stall is no longer than this */
        const char *again;      /* how to have it again, as a line for who reads of a fault; NULL: that is the program's to know */
        struct cop__way_out *way_out; /* the layer above's: where a visitor that ends goes on; NULL: its thread ends */
        uint8_t *seen;          /* likewise: a mark for each of so many slots; NULL: none yet */
        uint32_t seen_room;
        struct cop__context driver; /* while a worker's loop runs */
        struct cop__context *outside; /* whom a loop goes back to: the driver, or a turn that is held */
        bool inside;            /* a loop runs */
        struct cop__worker *held; /* it stands still in the middle of a turn; NULL: none does */
        uint64_t look_ns;       /* when the lookout next looks after it */
        struct cop__wires *wires; /* NULL: nobody has listened yet */
        struct cop__simulated nodes[COP__SIMULATION_NODES];
};

/* Draws what the seed decides; from here to fini the calling thread's clock is the simulation's. */
void cop__simulation_init(struct cop__simulation *simulation, const cop_simulation *options);
void cop__simulation_fini(struct cop__simulation *simulation);

/* A scheduler whose workers are there is driven from here on, until it is let go. Then its tasks have run as far as they get without time. */
void cop__simulation_take(struct cop__simulation *simulation, struct cop__scheduler *scheduler);
void cop__simulation_let_go(struct cop__simulation *simulation, struct cop__scheduler *scheduler);
/* Its part, or NULL. */
struct cop__simulated *cop__simulated_of(struct cop__simulation *simulation, const struct cop__scheduler *scheduler);

/* The driving thread stands at this place from here on: whoever does has its caches and its wheel; so does what is looked for there. */
void cop__simulation_stand_at(struct cop__simulation *simulation, struct cop__thread *thread);

COP__INLINE uint32_t cop__simulation_below(struct cop__simulation *simulation, uint32_t bound)
{
        return cop__random_below(&simulation->random, bound);
}

/* True once in `often` on average; 0: never. */
COP__INLINE bool cop__simulation_once_in(struct cop__simulation *simulation, uint32_t often)
{
        return often > 0 && cop__simulation_below(simulation, often) == 0;
}

COP__INLINE void cop__simulation_sign(struct cop__simulation *simulation, uint64_t what)
{
        simulation->signature = cop__mix(simulation->signature ^ what) + simulation->steps;
}

/* Those that a node has: this simulation's, or without one the ordinary ones. */
COP__INLINE const struct cop__habits *cop__habits_of(const struct cop__simulation *simulation)
{
        return simulation != NULL ? &simulation->habits : &cop__habits_ordinary;
}

/* Is it time that memory is refused? For the heap, the pool, and whoever makes a stack. */
bool cop__simulation_refuses(void *simulation);

/* Is there an end to it, and has it come? */
bool cop__simulation_is_over(struct cop__simulation *simulation);

/* One step. False: nothing is runnable, or it is over. */
bool cop__simulation_step(struct cop__simulation *simulation);

/* With nothing runnable: time goes on to the next timer, or to until_ns if that is sooner. False: neither will be, or it is over. */
bool cop__simulation_jump(struct cop__simulation *simulation, uint64_t until_ns);

/*
 * In the middle of a turn of a node with two workers or more: its worker stands still, as one whose turn is long does, and all others go
 * on until the condition holds, which is asked before each of their turns. What lies about at that worker is had as on a real node: by
 * thieves, and by the lookout. One at a time. False: it does not hold, and nothing can happen that would change that.
 */
bool cop__simulation_hold(struct cop__simulation *simulation, bool (*holds)(void *context), void *context);

/* Steps and jumps until it is quiet (see quiet.h), or until deadline_ns; was it quiet? */
bool cop__simulation_settle(struct cop__simulation *simulation, uint64_t deadline_ns);

/*
 * A visitor waits for a call of its parking place, by sleeping or by driving; like cop__park_wait. And it lets others go
 * on for a moment.
 */
void cop__visitor_wait(struct cop__thread *thread, struct cop__park *park, uint32_t ticket,
                       uint64_t deadline_ns);
void cop__visitor_yield(struct cop__thread *thread);

#endif
