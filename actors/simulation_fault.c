/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What must hold between two turns of a simulated node, whatever the seed. No turn runs and no thread is in the middle of
 * anything, so all may be looked at; nothing is changed, and nothing drawn.
 *
 *      of one slot     where nobody lives there are no messages, relations, timers or memory
 *      of the node     who has something to do is put up to be run, once; a name is of somebody who lives
 */
#include "actors/simulation.h"

#include <stdlib.h>
#include <string.h>

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
 * Awake are those whose run right somebody holds: signals wait, or they have not slept since they took the last. Of a visitor's
 * slot that is the visitor, or a worker that has still to clear it of what came for another; any other is put up. So a mark is set
 * for each slot whose task is found in the bag and in whatever workers take tasks from, and then each slot is looked at.
 */
struct put_up {
        const struct cop_node *node;
        struct cop__simulation *simulation;
        const char *fault;
};

static void mark(struct put_up *put_up, struct cop__task *task)
{
        const struct cop__actor *actor = cop__actor_of(task);
        uint8_t *seen = &put_up->simulation->seen[actor - put_up->node->slots.base];
        if (cop__queue_is_asleep(&actor->queue))
                put_up->fault = "an actor that is asleep is put up to be run";
        else if (*seen)
                put_up->fault = "an actor is put up to be run twice";
        *seen = true;
}

static void mark_list(struct put_up *put_up, const struct cop__task_list *list)
{
        struct cop__task *task = list->first;
        for (uint32_t i = 0; i < list->count; i++, task = task->next)
                mark(put_up, task);
}

static void mark_pile(struct put_up *put_up, const struct cop__pile *pile)
{
        struct cop__task *task = pile->bottom;
        for (uint32_t i = 0; i < pile->count; i++, task = task->next)
                mark(put_up, task);
}

static void mark_those_of(struct put_up *put_up, const struct cop__worker *worker)
{
        const struct cop__desk *desk = &worker->desk;
        if (desk->next != NULL)
                mark(put_up, desk->next);
        for (uint32_t i = 0; i < desk->few_count; i++)
                mark(put_up, desk->few[desk->few_at + i]);
        mark_pile(put_up, &desk->pile);
        for (uint32_t i = worker->ring.head; i != worker->ring.tail; i++)
                mark(put_up, worker->ring.slots[i % COP__RUNQUEUE_SIZE]);
        mark_list(put_up, &worker->pinned);
        for (struct cop__task *task = worker->guests.last; task != NULL; task = task->next)
                mark(put_up, task);
}

static void mark_all(struct put_up *put_up)
{
        const struct cop__scheduler *scheduler = &put_up->node->scheduler;
        const struct cop__simulated *simulated = cop__simulated_of(put_up->simulation, scheduler);
        for (uint32_t i = 0; i < simulated->count; i++)
                mark(put_up, simulated->bag[i]);
        for (unsigned i = 0; i < COP__PRIORITIES; i++)
                mark_list(put_up, &scheduler->shared[i]);
        for (unsigned i = 0; i < scheduler->worker_count; i++)
                mark_those_of(put_up, &scheduler->workers[i]);
        const struct cop__worker *held = put_up->simulation->held;
        if (held != NULL && held->thread.scheduler == scheduler)
                mark(put_up, held->thread.current); /* in the middle of its turn */
}

static bool is_forgotten(const struct cop_node *node, uint32_t slot)
{
        const struct cop__actor *actor = &node->slots.base[slot];
        return !cop__queue_is_asleep(&actor->queue) && cop__load_relaxed(&actor->task.visitor) == NULL &&
               !cop__simulation_of(node)->seen[slot];
}

/* With a mark for each slot that anybody has had, all unset. False: there is no memory for that. */
static bool begin_marks(struct cop__simulation *simulation, uint32_t slots)
{
        if (slots > simulation->seen_room) {
                uint8_t *seen = realloc(simulation->seen, 2 * (size_t)slots);
                if (seen == NULL)
                        return false;
                simulation->seen = seen;
                simulation->seen_room = 2 * slots;
        }
        memset(simulation->seen, 0, slots);
        return true;
}

static const char *fault_of_queues(const struct cop_node *node)
{
        struct put_up put_up = { .node = node, .simulation = cop__simulation_of(node) };
        if (!begin_marks(put_up.simulation, node->slots.used + 1))
                return NULL;
        mark_all(&put_up);
        for (uint32_t slot = 1; slot <= node->slots.used && put_up.fault == NULL; slot++)
                if (is_forgotten(node, slot))
                        put_up.fault = "an actor has something to do and is not put up to be run";
        return put_up.fault;
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
        for (uint32_t slot = 1; slot <= node->slots.used; slot++) {
                const char *fault = fault_of_slot(node, slot);
                if (fault != NULL)
                        return fault;
        }
        const char *fault = fault_of_queues(node);
        return fault != NULL ? fault : fault_of_names(node);
}
