/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What must hold between two turns of a simulated node, whatever the seed. No turn runs and no thread is in the middle of
 * anything, so all may be looked at; nothing is changed, and nothing drawn.
 *
 *      of one slot     where nobody lives there are no messages, relations, timers or memory
 *      of the node     who has something to do is put up to be run, once; a name is of somebody who lives
 */
#include "actors/simulation.h"

/* ---- One slot --------------------------------------------------------------------------------------- */

static bool has_timers(struct cop_node *node, uint32_t slot)
{
        for (unsigned i = 0; i < node->timers.count; i++)
                if (node->timers.homes[i].firsts[slot] != 0)
                        return true;
        return false;
}

/* The dead lose their timers, messages at hand and names as they die; the rest in slices, until the slot is free. */
static const char *fault_of_slot(struct cop_node *node, uint32_t slot)
{
        const struct cop__actor *actor = &node->slots.base[slot];
        if (!actor->alive && has_timers(node, slot))
                return "a timer is set for the dead";
        if (actor->life != COP__FREE || actor->alive) /* or it is not born yet, and something of it is there */
                return NULL;
        if (actor->mailbox.count > 0 || actor->taken != NULL)
                return "a slot in which nobody lives has messages";
        if (actor->relation_count > 0 || !cop__list_is_empty(&actor->relations))
                return "the dead have relations";
        if (actor->held != NULL || actor->bytes > 0 || actor->rare != NULL || actor->reason != NULL)
                return "the dead have memory";
        return NULL;
}

/* ---- Who is put up ------------------------------------------------------------------------------------ */

/*
 * Awake are those whose run right somebody holds: signals wait, or they have not slept since they took the last. Of a visitor's slot
 * that is the visitor, or a worker that has still to clear it of what came for another.
 */
struct awake {
        uint32_t actors, visitors;
};

static void count_awake(struct awake *awake, const struct cop__actor *actor)
{
        if (cop__queue_is_asleep(&actor->queue))
                return;
        if (cop__load_relaxed(&actor->task.visitor) != NULL)
                awake->visitors++;
        else
                awake->actors++;
}

static bool is_before(const struct cop__simulation *simulation, uint32_t place)
{
        for (uint32_t i = 0; i < place; i++)
                if (simulation->bag[i] == simulation->bag[place])
                        return true;
        return false;
}

static const char *fault_of_bag(const struct cop__simulation *simulation)
{
        for (uint32_t i = 0; i < simulation->count; i++) {
                if (cop__queue_is_asleep(&cop__actor_of(simulation->bag[i])->queue))
                        return "an actor that is asleep is put up to be run";
                if (is_before(simulation, i))
                        return "an actor is put up to be run twice";
        }
        return NULL;
}

static uint32_t in_queues(const struct cop__scheduler *scheduler)
{
        uint32_t count = 0;
        for (unsigned i = 0; i < COP__PRIORITIES; i++)
                count += scheduler->shared[i].count;
        for (unsigned i = 0; i < scheduler->worker_count; i++) {
                const struct cop__worker *worker = &scheduler->workers[i];
                count += (worker->desk.next != NULL) + worker->desk.few_count + worker->desk.pile.count +
                         (worker->ring.tail - worker->ring.head);
        }
        return count;
}

static const char *fault_of_queues(const struct cop_node *node, struct awake awake)
{
        const struct cop__simulation *simulation = cop__simulation_of(node);
        uint32_t put_up = simulation->count + in_queues(&node->scheduler);
        if (put_up < awake.actors)
                return "an actor has something to do and is not put up to be run";
        if (put_up > awake.actors + awake.visitors)
                return "more is put up to be run than there is to do";
        return fault_of_bag(simulation);
}

/* ---- Names ------------------------------------------------------------------------------------------------ */

struct bearers {
        struct cop_node *node;
        bool dead;
};

static void look_at_bearer(void *context, const char *name, cop_pid pid)
{
        struct bearers *bearers = context;
        const struct cop__actor *actor = cop__slot_of(bearers->node, pid);
        (void)name;
        bearers->dead |= actor == NULL || !cop__slot_is(actor, pid) || !actor->alive;
}

static const char *fault_of_names(struct cop_node *node)
{
        struct bearers bearers = { .node = node };
        cop__registry_each(node, look_at_bearer, &bearers);
        return bearers.dead ? "a name is borne by the dead" : NULL;
}

/* ---- All of it ---------------------------------------------------------------------------------------------- */

const char *cop__simulation_fault_of(struct cop_node *node, const struct cop__actor *actor)
{
        return fault_of_slot(node, (uint32_t)(actor - node->slots.base));
}

const char *cop__simulation_fault(struct cop_node *node)
{
        struct awake awake = { 0, 0 };
        for (uint32_t slot = 1; slot <= node->slots.used; slot++) {
                const char *fault = fault_of_slot(node, slot);
                if (fault != NULL)
                        return fault;
                count_awake(&awake, &node->slots.base[slot]);
        }
        const char *fault = fault_of_queues(node, awake);
        return fault != NULL ? fault : fault_of_names(node);
}
