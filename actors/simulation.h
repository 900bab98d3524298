/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What a simulated node does with actors: signs what they hear, shortens their turns, crashes them, and looks whether
 * all is well between two turns.
 */
#ifndef ACTORS_SIMULATION_H
#define ACTORS_SIMULATION_H

#include "actors/actor.h"
#include "scheduler/simulation.h"

/* For a node that is about to start; NULL without memory. Ends with free() after cop__simulation_fini(). */
struct cop__simulation *cop__simulation_new(const cop_simulation *options);

COP__INLINE struct cop__simulation *cop__simulation_of(const struct cop_node *node)
{
        return node->scheduler.hooks.simulation;
}

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
