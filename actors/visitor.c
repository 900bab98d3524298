/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Visitors: threads of the program as actors of a node.
 *
 * A visitor's actor has a slot, a pid and a queue like any other, but its run right belongs to the thread: where a
 * worker would be given the task, the thread's parking place is called (task.visitor). The thread is born into the
 * slot as actors are, by START, since a worker may be clearing stray signals out of that very slot; whichever way
 * START goes, the right ends up with the thread, with or without a call.
 *
 * The structs of visits that are over stay with the node: who has called a parking place may still be about to leave it.
 *
 * A thread that ends without leaving has left: the C library calls us for each thread that ends with a value under our key, and a thread has one
 * while it visits. Where there is no key left, or no memory for the value, its visit lasts as long as the node.
 */
#include <limits.h>
#include <pthread.h>
#include <string.h>

#include "actors/simulation.h"
#include "actors/take.h"
#include "base/clock.h"
#include "base/cue.h"
#include "base/memory.h"

static struct { pthread_once_t once; pthread_key_t key; bool is_there; } ends = { .once = PTHREAD_ONCE_INIT };

static void thread_ends(void *visitor)
{
        (void)visitor;
        cop_node_leave();
}

static void make_key(void)
{
        ends.is_there = pthread_key_create(&ends.key, thread_ends) == 0;
}

/* What the end of the calling thread ends; NULL: nothing. */
static void tie_to_thread(struct cop__visitor *visitor)
{
        pthread_once(&ends.once, make_key);
        if (ends.is_there)
                pthread_setspecific(ends.key, visitor);
}

static struct cop__visitor *visitor_new(struct cop_node *node)
{
        struct cop__visitor *visitor = NULL;
        cop__lock_lock(&node->threads_lock);
        if (!cop__list_is_empty(&node->visitors)) {
                struct cop__list *first = node->visitors.next;
                cop__list_remove(first);
                visitor = COP__CONTAINER(first, struct cop__visitor, list);
        }
        cop__lock_unlock(&node->threads_lock);
        if (visitor != NULL)
                return visitor;
        visitor = cop__calloc(1, sizeof(*visitor));
        if (visitor != NULL)
                cop__park_init(&visitor->park);
        return visitor;
}

static void visitor_rest(struct cop_node *node, struct cop__visitor *visitor)
{
        cop__lock_lock(&node->threads_lock);
        cop__list_push_back(&node->visitors, &visitor->list);
        cop__lock_unlock(&node->threads_lock);
}

/* Until the thread holds the run right of its slot, with START taken in. */
static void be_born(struct cop__thread *thread, struct cop__visitor *visitor)
{
        struct cop__actor *actor = visitor->actor;
        uint32_t ticket = cop__park_ticket(&visitor->park);
        cop__store_relaxed(&actor->task.visitor, &visitor->park);
        visitor->start->node.generation = cop__pid_generation(cop__actor_pid(actor));
        COP__CUE("visitor.comes");
        struct cop__simulation *simulation = cop__simulation_of(cop__node_of(thread));
        if (!cop__queue_push(&actor->queue, &visitor->start->node)) {
                if (simulation != NULL)
                        simulation->unbounded++;
                cop__visitor_wait(thread, &visitor->park, ticket, UINT64_MAX);
                if (simulation != NULL)
                        simulation->unbounded--;
        }
        visitor->start = NULL;
        for (unsigned looks = 0; actor->life != COP__ALIVE; looks++) {
                struct cop__signal *signal = cop__next_signal(thread, actor);
                if (signal == NULL)
                        cop__spin_wait(looks);
                else if (cop__take_in(thread, actor, signal))
                        cop__mailbox_append(&actor->mailbox, signal);
        }
        cop__store_relaxed(&actor->init_done, true);
        cop__store_relaxed(&actor->trap_exit, true);
        cop__start_drop(actor);
        actor->budget = cop__simulation_budget(cop__node_of(thread));
        cop__store_release(&actor->alive, cop__life_mark(cop__actor_pid(actor))); /* as in spawn() */
}

static const uint64_t *clock_of(const struct cop__simulation *simulation)
{
        return simulation != NULL ? &simulation->now_ns : NULL;
}

static struct cop__visitor *visitor_of(struct cop__thread *thread)
{
        return COP__CONTAINER(thread, struct cop__visitor, thread);
}

/* Inside none, or visiting others that are simulated with it. */
static bool may_enter(const cop_node *node)
{
        const struct cop__simulation *simulation = cop__simulation_of(node);
        if (cop__clock_simulated() != clock_of(simulation))
                return false;
        for (struct cop__thread *visit = cop__thread_here(); visit != NULL; visit = visitor_of(visit)->beneath)
                if (simulation == NULL || simulation->inside || visit->scheduler == &node->scheduler ||
                    visit->scheduler->hooks.simulation != simulation)
                        return false;
        return true;
}

/* The calling thread is inside none. */
static cop_status enter_one(cop_node *node, struct cop__thread *beneath, struct cop__actor *(*take_slot)(struct cop__here *))
{
        struct cop__visitor *visitor = visitor_new(node);
        if (visitor == NULL)
                return COP_E_NO_MEMORY;
        cop_status status = cop__visitor_enter(&node->scheduler, &visitor->thread);
        if (status != COP_OK) {
                visitor_rest(node, visitor);
                return status;
        }
        struct cop__here *here = cop__here_of(&visitor->thread);
        status = cop__start_empty(&visitor->thread, &visitor->start);
        visitor->actor = status == COP_OK ? take_slot(here) : NULL;
        if (visitor->actor == NULL) {
                if (status == COP_OK) {
                        cop__signal_free(&visitor->thread.pool, visitor->start);
                        status = COP_E_LIMIT;
                }
                cop__visitor_leave(&visitor->thread);
                visitor_rest(node, visitor);
                return status;
        }
        cop__store_relaxed(&visitor->actor->named, 0);
        cop__store_relaxed(&visitor->actor->labelled, 0);
        cop__store_relaxed(&visitor->actor->isolation, COP_ISOLATION_GUARDED);
        cop__store_relaxed(&visitor->actor->task.priority, COP_PRIORITY_NORMAL);
        be_born(&visitor->thread, visitor);
        visitor->thread.current = &visitor->actor->task;
        visitor->beneath = beneath;
        cop__count_up(&here->spawned);
        tie_to_thread(visitor);
        return COP_OK;
}

static cop_status enter(cop_node *node, struct cop__actor *(*take_slot)(struct cop__here *))
{
        if (node == NULL || !may_enter(node))
                return COP_E_BAD_ARGUMENT;
        struct cop__thread *beneath = cop__visit_set_aside();
        cop_status status = enter_one(node, beneath, take_slot);
        if (status != COP_OK && beneath != NULL)
                cop__visit_take_up(beneath);
        return status;
}

cop_status cop_node_enter(cop_node *node)
{
        return enter(node, cop__slot_take);
}

cop_status cop__visit_to_stop(cop_node *node)
{
        return enter(node, cop__slot_take_last);
}

void cop__visit_end(struct cop__actor *actor, struct cop__shared_term *reason)
{
        struct cop__thread *thread = cop__thread_here();
        struct cop_node *node = cop__node_of(thread);
        struct cop__visitor *visitor = visitor_of(thread);
        struct cop__thread *beneath = visitor->beneath;
        tie_to_thread(NULL);
        cop__shared_term_drop(actor->reason);
        actor->reason = reason;
        actor->leaving = true;
        cop__die(thread, actor);
        while (!cop__die_on(thread, actor, UINT_MAX))
                ; /* the thread is about to go: at once */
        thread->current = NULL;
        cop__store_relaxed(&actor->task.visitor, NULL);
        cop__slot_clear(thread, actor);
        visitor->actor = NULL;
        cop__visitor_leave(thread);
        visitor_rest(node, visitor);
        if (beneath != NULL)
                cop__visit_take_up(beneath);
}

void cop__visit_end_beneath(const struct cop_node *node)
{
        struct cop__thread *here = cop__thread_here(), *above = here != NULL && here->worker == NULL ? here : NULL;
        while (above != NULL && visitor_of(above)->beneath != NULL && visitor_of(above)->beneath->scheduler != &node->scheduler)
                above = visitor_of(above)->beneath;
        struct cop__thread *visit = above != NULL ? visitor_of(above)->beneath : NULL;
        if (visit == NULL)
                return;
        visitor_of(above)->beneath = visitor_of(visit)->beneath;
        visitor_of(visit)->beneath = NULL;
        cop__visit_take_up(visit);
        cop_node_leave();
        cop__visit_take_up(here);
}

struct cop__thread *cop__visit_set_aside(void)
{
        struct cop__thread *thread = cop__thread_here();
        cop__thread_become(NULL);
        return thread;
}

void cop__visit_take_up(struct cop__thread *thread)
{
        bool visits = thread != NULL && thread->worker == NULL;
        cop__thread_become(thread);
        tie_to_thread(visits ? visitor_of(thread) : NULL);
}

void cop_node_leave(void)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor != NULL && actor->task.visitor != NULL)
                cop__visit_end(actor, cop__reason(COP__REASON_NORMAL));
}
