/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What a simulated node does with actors: signs what they hear, shortens their turns, crashes them, and looks whether
 * all is well between two turns.
 */
#ifndef ACTORS_SIMULATION_H
#define ACTORS_SIMULATION_H

#include <setjmp.h>

#include "actors/actor.h"
#include "scheduler/simulation.h"

/* Of the calling thread, for a node that is about to start, which may join the one of another; NULL: no memory. */
struct cop__simulation *cop__simulation_begin(const cop_simulation *options);
/* A node of it is no more. With the last it ends. */
void cop__simulation_drop(struct cop__simulation *simulation);

/* May the calling thread start a node that is simulated so, or a real one (NULL)? */
bool cop__simulation_may_begin(const cop_simulation *options);

/* The signal stack is the thread's, on which faults in all of its nodes are handled. A worker's scope begins. */
void cop__simulation_share_stack(struct cop__simulation *simulation, struct cop__fault_scope *scope);

COP__INLINE struct cop__simulation *cop__simulation_of(const struct cop_node *node)
{
        return node->scheduler.hooks.simulation;
}

/* Where a visitor goes on that ends in the middle of something: what it called has not returned. A trial's. */
struct cop__way_out {
        jmp_buf point;
        char why[256];    /* it ended, as a sentence */
        char fault[1024]; /* the first report of a fault; empty: there was none */
};

/* Ends the visit of the calling thread with this reason, and takes that way. `actor` is the visitor, and holds its run right. */
COP__NORETURN void cop__simulation_leave(struct cop__actor *actor, struct cop__shared_term *reason, const char *why);

void cop__simulation_end_visit(struct cop_node *node);

/* A visitor that has been asleep: if the simulation is over, so is its visit. */
COP__INLINE void cop__simulation_end_if_over(struct cop_node *node)
{
        struct cop__simulation *simulation = cop__simulation_of(node);
        if (COP__UNLIKELY(simulation != NULL && simulation->over != NULL))
                cop__simulation_end_visit(node);
}

/* What a fault of an actor's own has killed, before it is forgotten. */
void cop__simulation_faulted(struct cop_node *node, const struct cop__crash *crash);

/* Says which seed it is when the process is about to die: a witness (fault.h) whose `context` is the simulation. */
void cop__simulation_testify(struct cop__fault_scope *scope, const struct cop__fault_refusal *refusal, void *context);

/* What a turn that begins now may do. */
COP__INLINE int32_t cop__simulation_budget(const struct cop_node *node)
{
        struct cop__simulation *simulation = cop__simulation_of(node);
        return COP__LIKELY(simulation == NULL)
                       ? COP__BUDGET
                       : (int32_t)cop__simulation_below(simulation, simulation->budget_max);
}

/* The sentence that says which invariant does not hold between two turns, or NULL: of one actor's slot, and of all there is. */
const char *cop__simulation_fault_of(struct cop_node *node, const struct cop__actor *actor);
const char *cop__simulation_fault(struct cop_node *node);

#endif
