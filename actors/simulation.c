/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* A simulated node's actors, and the public operations. See simulation.h. */
#include "actors/simulation.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

/* Signals that are signed before a turn: more are rarely heard in one that is cut short. */
#define SIGNED_MAX 4

/* ---- The signature ----------------------------------------------------------------------- */

static uint64_t text_sum(const char *text)
{
        uint64_t sum = 0;
        for (; *text != '\0'; text++)
                sum = sum * 131 + (unsigned char)*text;
        return sum;
}

static void sign_signal(struct cop__simulation *simulation, const struct cop__signal *signal)
{
        cop__simulation_sign(simulation, signal->from.bits);
        cop__simulation_sign(simulation, signal->ref.bits);
        cop__simulation_sign(simulation, (uint64_t)signal->type << 32 | signal->node.generation);
        if (signal->kind != NULL)
                cop__simulation_sign(simulation, text_sum(signal->kind->name));
}

/* The oldest that has arrived and was not taken in. Nobody pushes: all links are there. */
static struct cop__node *first_arrived(const struct cop__actor *actor)
{
        struct cop__node *cursor = actor->cursor.node;
        return cursor != NULL ? cop__load_relaxed(&cursor->next) : cop__load_relaxed(&actor->queue.head);
}

static void sign_actor(struct cop__simulation *simulation, const struct cop__actor *actor)
{
        cop__simulation_sign(simulation, cop__actor_pid(actor).bits);
        cop__simulation_sign(simulation, (uint64_t)actor->mailbox.count << 8 | actor->life);
        struct cop__node *node = first_arrived(actor);
        for (int i = 0; i < SIGNED_MAX && node != NULL; i++) {
                sign_signal(simulation, cop__signal_of(node));
                node = cop__load_relaxed(&node->next);
        }
}

/* ---- Crashes ------------------------------------------------------------------------------ */

static bool can_crash(const struct cop__actor *actor)
{
        return actor->life == COP__ALIVE && actor->init_done && !actor->leaving &&
               actor->reason == NULL && cop__load_relaxed(&actor->task.visitor) == NULL;
}

static bool may_crash(const struct cop__simulation *simulation, const struct cop__actor *actor)
{
        const cop_simulation *options = &simulation->options;
        if (options->may_crash == NULL)
                return actor->supervised;
        return options->may_crash(options->context, cop__actor_pid(actor),
                                  actor->server != NULL ? actor->server->name : NULL);
}

/* As if it had exited by itself, where it next looks whether it must. */
static bool crash(struct cop__simulation *simulation, struct cop__actor *actor)
{
        struct cop__shared_term *reason =
                cop__shared_term_new(COP_TUPLE(cop_atom("crashed"), cop_atom("simulation")));
        if (reason == NULL)
                return false;
        actor->reason = reason;
        actor->killed = true;
        actor->reports = true;
        cop__store_relaxed(&actor->urgent, 1);
        simulation->crashes++;
        return true;
}

/* ---- The end of it ------------------------------------------------------------------------------ */

static COP__COLD COP__NORETURN void stop_for(const struct cop__simulation *simulation, const char *whose, const char *what)
{
        fprintf(stderr, "%s: simulation with seed %" PRIu64 ", after %" PRIu64 " turns: %s\n", whose,
                simulation->options.seed, simulation->steps, what);
        if (simulation->again != NULL)
                fprintf(stderr, "%s\n", simulation->again);
        abort();
}

/* ---- The driver's hooks ----------------------------------------------------------------------- */

/* Faults are a worker's while it runs. */
static void take_place(struct cop__thread *thread)
{
        bool is_worker = thread != NULL && thread->worker != NULL;
        cop__fault_scope_use(is_worker ? &cop__here_of(thread)->fault : NULL);
}

static void begin_step(void *owner)
{
        struct cop_node *node = owner;
        struct cop__simulation *simulation = cop__simulation_of(node);
        const char *fault = NULL;
        if (simulation->options.checks == 0)
                return;
        if (simulation->last != NULL)
                fault = cop__simulation_fault_of(node, cop__actor_of(simulation->last));
        if (fault == NULL && cop__simulation_once_in(simulation, simulation->options.checks))
                fault = cop__simulation_fault(node);
        if (fault != NULL)
                stop_for(simulation, "Coppice itself", fault);
}

static void begin_turn(struct cop__task *task)
{
        struct cop__actor *actor = cop__actor_of(task);
        struct cop__simulation *simulation = cop__simulation_of(cop__node_of(cop__thread_here()));
        sign_actor(simulation, actor);
        actor->budget = cop__simulation_budget(cop__node_of(cop__thread_here()));
        if (cop__simulation_once_in(simulation, simulation->options.crashes) && can_crash(actor) &&
            may_crash(simulation, actor))
                crash(simulation, actor);
}

static uint64_t name_of(const struct cop__task *task)
{
        return cop__actor_pid(COP__CONTAINER((uintptr_t)task, const struct cop__actor, task)).bits;
}

static void get_stuck(void *owner)
{
        const struct cop_node *node = owner;
        stop_for(cop__simulation_of(node), "your program",
                 "a visitor waits without a time-out, nothing is runnable and no timer is armed: it would wait for ever");
}

struct cop__simulation *cop__simulation_new(const cop_simulation *options)
{
        struct cop__simulation *simulation = malloc(sizeof(*simulation));
        if (simulation == NULL)
                return NULL;
        cop__simulation_init(simulation, options);
        simulation->hooks = (struct cop__simulation_hooks){
                .place = take_place, .step = begin_step, .turn = begin_turn, .name = name_of,
                .stuck = get_stuck,
        };
        return simulation;
}

/* ---- Public ------------------------------------------------------------------------------------- */

/* NULL: a real node, or an actor asks, who is driven and does not drive. */
static struct cop__simulation *simulation_to_drive(struct cop_node *node)
{
        struct cop__simulation *simulation = node != NULL ? cop__simulation_of(node) : NULL;
        return simulation != NULL && !simulation->inside ? simulation : NULL;
}

cop_status cop_simulation_look(struct cop_node *node, cop_simulation_state *state)
{
        struct cop__simulation *simulation = node != NULL ? cop__simulation_of(node) : NULL;
        if (simulation == NULL || state == NULL)
                return COP_E_BAD_ARGUMENT;
        *state = (cop_simulation_state){
                .seed = simulation->options.seed,
                .signature = simulation->signature,
                .turns = simulation->steps,
                .passed_ms = (int64_t)((simulation->now_ns - simulation->started_ns) / COP__NS_PER_MS),
                .crashes = simulation->crashes,
                .refusals = simulation->refusals,
        };
        return COP_OK;
}

uint64_t cop_simulation_run(struct cop_node *node, uint64_t turns)
{
        struct cop__simulation *simulation = simulation_to_drive(node);
        uint64_t count = 0;
        while (simulation != NULL && count < turns && cop__simulation_step(simulation))
                count++;
        return count;
}

/* Runs until then, or until the condition holds. False: then there is nothing that could make it. */
static bool run_until(struct cop__simulation *simulation, uint64_t until_ns, bool (*holds)(void *),
                      void *context)
{
        while (holds == NULL || !holds(context)) {
                if (simulation->now_ns >= until_ns)
                        return false;
                if (!cop__simulation_step(simulation))
                        cop__simulation_jump(simulation, until_ns);
        }
        return true;
}

cop_status cop_simulation_advance(struct cop_node *node, int64_t ms)
{
        struct cop__simulation *simulation = simulation_to_drive(node);
        if (simulation == NULL || ms < 0)
                return COP_E_BAD_ARGUMENT;
        run_until(simulation, cop__deadline_ns(ms), NULL, NULL);
        return COP_OK;
}

cop_status cop_simulation_await(struct cop_node *node, bool (*holds)(void *context), void *context,
                                int64_t timeout_ms)
{
        struct cop__simulation *simulation = simulation_to_drive(node);
        if (simulation == NULL || holds == NULL || timeout_ms < 0)
                return COP_E_BAD_ARGUMENT;
        return run_until(simulation, cop__deadline_ns(timeout_ms), holds, context) ? COP_OK
                                                                                  : COP_E_TIMEOUT;
}

cop_status cop_simulation_crash(struct cop_node *node, cop_pid pid)
{
        struct cop__simulation *simulation = simulation_to_drive(node);
        if (simulation == NULL)
                return COP_E_BAD_ARGUMENT;
        struct cop__actor *actor = cop__slot_of(node, pid);
        if (actor == NULL || !cop__slot_is(actor, pid) || actor->life != COP__ALIVE)
                return COP_E_NO_ACTOR;
        if (cop__load_relaxed(&actor->task.visitor) != NULL)
                return COP_E_BAD_ARGUMENT;
        if (!can_crash(actor))
                return COP_OK; /* it is ending already */
        if (!crash(simulation, actor))
                return COP_E_NO_MEMORY;
        if (cop__queue_rouse(&actor->queue)) /* asleep: it is woken to hear of it */
                cop__schedule(&node->scheduler, cop__thread_here(), &actor->task);
        return COP_OK;
}

void cop_simulation_refuse(struct cop_node *node, uint64_t n)
{
        struct cop__simulation *simulation = node != NULL ? cop__simulation_of(node) : NULL;
        if (simulation != NULL)
                simulation->refuse_at = n;
}
