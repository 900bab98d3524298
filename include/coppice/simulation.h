/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Simulation: a node whose every run can be had again.
 *
 * It has no threads: the thread that starts it runs everything, one turn of one actor after the other. A seed decides which
 * is next, time is a number that jumps to the next timer when nothing is left to do, and memory fails and actors crash when
 * the seed says so. The same program with the same seed does the same, on each machine; another seed finds another order. So a test
 * tries thousands of orders in a second, an hour's time-outs take no time, and a failure is replayed from its seed.
 *
 *      cop_node *node;
 *      cop_simulation order = { .seed = 17, .crashes = 200 };
 *      cop_node_start(&(cop_node_options){ .simulation = &order }, &node);
 *      cop_node_enter(node);
 *      cop_pid root = ...;                             everything in actor.h, as on any node
 *      cop_simulation_advance(node, 3600 * 1000);      an hour passes
 *      ...
 *      cop_node_leave();
 *      cop_node_stop(node);
 *
 * While the visiting thread waits (cop_receive, cop_call, cop_sleep, cop_node_await_quiet) the node runs. While it does not
 * wait, nothing does, but that a thread which sends a lot lets others run in between.
 *
 * Several simulated nodes of one thread may live in one simulation (`with`): one time, one order of events, one seed. They find each other
 * by cop_node_is_at and are connected by wires, not sockets: see distribution.h.
 *
 *      cop_simulation joined = { .with = node };
 *      cop_node_start(&(cop_node_options){ .simulation = &joined }, &other);
 *
 * What the seed draws besides the order: how many workers there seem to be and how small their queues, batches and caches are, how
 * many messages a turn may handle (from one), how long a turn takes, how often messages come from fresh memory, how often a worker
 * takes from another, how fast a visitor wakes up, and of what kind the order is.
 *
 * Threads: a simulated node is started, visited and stopped by one thread, which is in no other node meanwhile, but for those that are
 * simulated with it.
 *
 * What people get wrong:
 * - What an actor asks the system itself is not simulated: clock_gettime, rand, files, sockets, threads of its own. Ask the node.
 * - A turn that never ends (for (;;);) never ends here either: nobody is there to interrupt it.
 * - Nor does a wait without a time-out for what does not come, while some timer ticks: time goes on for ever. A trial ends it.
 * - Do not keep order in addresses: what sorts or hashes pointers differs from run to run.
 *
 * See also: trial.h for one tree under many seeds; docs/simulation.md.
 */
#ifndef COPPICE_SIMULATION_H
#define COPPICE_SIMULATION_H

#include <coppice/id.h>

COP_BEGIN_DECLS

struct cop_node;

/*
 * What a simulation is asked for. The five in the middle say how often: once in so many on average; 0: never. All is copied; `context`
 * is borrowed until the node stops.
 */
typedef struct cop_simulation {
        uint64_t seed;      /* any number */
        uint32_t crashes;   /* in so many turns, the actor whose turn it is crashes: {crashed, simulation} */
        uint32_t refusals;  /* of so many requests for fresh memory in actors' turns, one finds none */
        uint32_t stalls;    /* in so many turns, the next timer is due although somebody is runnable: a slow machine */
        uint32_t cuts;      /* of so many arrivals of bytes from another node, one finds that the connection has been cut */
        uint32_t checks;    /* in so many turns, the runtime looks whether all its invariants hold (else at one actor's); if not, it aborts */
        /* May this one crash? NULL: who was started by a supervisor, other supervisors among them. An actor's init never crashes.
         * `server` is the behaviour's name, "actor" for a plain function; cop_node_here() is whose it is. It must not use the node. */
        bool (*may_crash)(void *context, cop_pid pid, const char *server);
        void *context;
        /* NULL, or a simulated node of this thread, whose simulation this one joins; the rest is not looked at then. Up to 8 nodes, a
         * trial's own among them. Each is stopped by itself, in any order. */
        struct cop_node *with;
} cop_simulation;

/* How far a simulation has come; what is counted is that of all its nodes. */
typedef struct cop_simulation_state {
        uint64_t seed;
        uint64_t signature; /* of what happened: equal in two runs that did the same; see docs/simulation.md */
        uint64_t turns;     /* of actors */
        int64_t passed_ms;  /* of simulated time, since the start */
        uint64_t crashes;   /* that were simulated */
        uint64_t refusals;  /* of memory, likewise */
        uint64_t faults;    /* of actors: they died by one of their own, which nobody has simulated */
} cop_simulation_state;

/* Errors: COP_E_BAD_ARGUMENT (the node is a real one). Threads: the node's one. */
COP_API cop_status cop_simulation_look(struct cop_node *node, cop_simulation_state *state);

/*
 * Runs at most so many turns, and says how many there were; fewer: nothing is runnable before time goes on. Time goes on with the turns
 * alone, by microseconds. 0 on a real node, and for an actor of the simulation, which does not drive what it lives in.
 */
COP_API uint64_t cop_simulation_run(struct cop_node *node, uint64_t turns);

/* So much time passes, with all that happens in it. Errors: COP_E_BAD_ARGUMENT (a real node, an actor asks,
 * a negative time, COP_FOREVER). */
COP_API cop_status cop_simulation_advance(struct cop_node *node, int64_t ms);

/*
 * Runs until the condition holds; it is asked before each turn, and must not use the node.
 * Errors: COP_E_TIMEOUT (it did not hold within that time, or nothing can happen any more; with COP_FOREVER, and a timer that
 * ticks, neither may ever be), COP_E_BAD_ARGUMENT.
 */
COP_API cop_status cop_simulation_await(struct cop_node *node, bool (*holds)(void *context),
                                        void *context, int64_t timeout_ms);

/*
 * Crashes an actor, whatever it does, as a bug of its own would: in its next turn, which may be in the middle of a handler that
 * waits, or of an init, whose start fails then. Its terminate is not called. One that is ending already just ends.
 * Errors: COP_E_NO_ACTOR, COP_E_NO_MEMORY, COP_E_BAD_ARGUMENT (a real node; an actor asks; it is a visitor).
 */
COP_API cop_status cop_simulation_crash(struct cop_node *node, cop_pid pid);

/* The n-th request of the simulation's nodes for fresh memory from now on, by anybody, finds none; 0: takes that back. On a real node: nothing. */
COP_API void cop_simulation_refuse(struct cop_node *node, uint64_t n);

COP_END_DECLS

#endif
