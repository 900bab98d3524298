/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* A simulated node's actors, and the public operations. See simulation.h. */
#include "actors/simulation.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "actors/fault_report.h"
#include "actors/take.h"
#include "base/clock.h"
#include "base/jump.h"

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
        if (signal->kind != NULL && (signal->type == COP__SIGNAL_MESSAGE || signal->type == COP__SIGNAL_REPLY))
                cop__simulation_sign(simulation, cop__flat_sum(signal->kind, cop__signal_body(signal)));
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

/* Does it go on, as yet? */
static bool lives_on(const struct cop__actor *actor)
{
        return actor->life == COP__ALIVE && !actor->leaving && actor->reason == NULL;
}

/* By the seed. */
static bool can_crash(const struct cop__actor *actor)
{
        return lives_on(actor) && actor->init_done && cop__load_relaxed(&actor->task.visitor) == NULL;
}

static bool may_crash(const struct cop__simulation *simulation, const struct cop__actor *actor)
{
        const cop_simulation *options = &simulation->options;
        if (options->may_crash == NULL)
                return actor->supervised;
        return options->may_crash(options->context, cop__actor_pid(actor),
                                  actor->server != NULL ? actor->server->name : "actor");
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

/* The end of a visit, for which the stack of the visitor's calls is given up. */
COP__NORETURN void cop__simulation_leave(struct cop__actor *actor, struct cop__shared_term *reason, const char *why)
{
        struct cop__way_out *way_out = cop__simulation_of(cop__node_of(cop__thread_here()))->way_out;
        snprintf(way_out->why, sizeof(way_out->why), "%s", why);
        cop__visit_end(actor, reason);
        while ((actor = cop__actor_here()) != NULL)
                cop__visit_end(actor, cop__reason(COP__REASON_KILLED)); /* those beneath */
        cop__jump(way_out->point, 1);
}

void cop__simulation_end_visit(struct cop_node *node)
{
        struct cop__simulation *simulation = cop__simulation_of(node);
        struct cop__actor *actor = cop__actor_here();
        if (simulation->way_out == NULL || actor == NULL)
                return;
        cop__queue_rouse(&actor->queue); /* or it was awake, or somebody has called it just now */
        cop__simulation_leave(actor, cop__reason(COP__REASON_KILLED), simulation->over);
}

/* ---- What is to be told ------------------------------------------------------------------------- */

static void keep_first_fault(struct cop_node *node, const struct cop__crash *crash, char *text, size_t size)
{
        struct cop__report report;
        cop__crash_tell(crash, node, &report);
        cop__report_print(&report, text, size);
}

void cop__simulation_faulted(struct cop_node *node, const struct cop__crash *crash)
{
        struct cop__simulation *simulation = cop__simulation_of(node);
        if (simulation->faults++ == 0 && simulation->way_out != NULL)
                keep_first_fault(node, crash, simulation->way_out->fault, sizeof(simulation->way_out->fault));
}

void cop__simulation_testify(struct cop__fault_scope *scope, const struct cop__fault_refusal *refusal, void *context)
{
        const struct cop__simulation *simulation = context;
        char text[256];
        struct cop__words words = { .text = text, .size = sizeof(text) };
        (void)scope;
        (void)refusal;
        cop__words_add(&words, "   in a simulation with seed ");
        cop__words_add_number(&words, simulation->options.seed);
        cop__words_add(&words, ", after ");
        cop__words_add_number(&words, simulation->steps);
        cop__words_add(&words, simulation->again != NULL ? " turns: " : " turns");
        cop__words_add(&words, simulation->again != NULL ? simulation->again : "");
        cop__words_add(&words, "\n");
        cop__words_tell(&words);
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
        struct cop__task *last = cop__simulated_of(simulation, &node->scheduler)->last;
        if (last != NULL)
                fault = cop__simulation_fault_of(node, cop__actor_of(last));
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
        static const char why[] =
                "a visitor waits without a time-out, nothing is runnable and no timer is armed: it would wait for ever";
        struct cop__simulation *simulation = cop__simulation_of(owner);
        if (simulation->way_out == NULL)
                stop_for(simulation, "your program", why);
        simulation->over = why;
}

static void end_driver(void *owner)
{
        cop__simulation_end_visit(owner);
}

/* ---- Beginning and end -------------------------------------------------------------------------- */

/* With what its thread needs. */
struct driver {
        struct cop__simulation simulation;
        struct cop__fault_scope fault; /* of no turn: for its stack */
};

static struct driver *driver_of(struct cop__simulation *simulation)
{
        return COP__CONTAINER(simulation, struct driver, simulation);
}

bool cop__simulation_may_begin(const cop_simulation *options)
{
        if (options == NULL || options->with == NULL)
                return cop__clock_simulated() == NULL;
        const struct cop__simulation *with = cop__simulation_of(options->with);
        return with != NULL && cop__clock_simulated() == &with->now_ns && !with->inside &&
               with->users < COP__SIMULATION_NODES;
}

static struct cop__simulation *new_simulation(const cop_simulation *options)
{
        struct driver *driver = calloc(1, sizeof(*driver));
        if (driver == NULL || cop__fault_stack_map(&driver->fault) != COP_OK) {
                free(driver);
                return NULL;
        }
        cop__fault_thread_start(&driver->fault); /* refused, it has no memory any more: see share_stack */
        cop__fault_scope_use(NULL); /* until a step is run the thread is the program's: its faults are, too */
        cop__simulation_init(&driver->simulation, options);
        driver->simulation.hooks = (struct cop__simulation_hooks){
                .place = take_place, .step = begin_step, .turn = begin_turn, .name = name_of,
                .stuck = get_stuck, .over = end_driver,
        };
        return &driver->simulation;
}

struct cop__simulation *cop__simulation_begin(const cop_simulation *options)
{
        struct cop__simulation *simulation =
                options->with != NULL ? cop__simulation_of(options->with) : new_simulation(options);
        if (simulation != NULL)
                simulation->users++;
        return simulation;
}

void cop__simulation_drop(struct cop__simulation *simulation)
{
        if (--simulation->users > 0)
                return;
        cop__simulation_fini(simulation);
        cop__fault_thread_stop(&driver_of(simulation)->fault);
        free(driver_of(simulation));
}

void cop__simulation_share_stack(struct cop__simulation *simulation, struct cop__fault_scope *scope)
{
        const struct driver *driver = driver_of(simulation);
        cop__fault_scope_share(scope, &driver->fault);
        if (driver->fault.memory == NULL)
                cop_log(COP_LOG_WARNING, "the system refuses a worker's signal stack: a fault in an actor "
                                         "will end the program");
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
                .faults = simulation->faults,
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
                if (!cop__simulation_step(simulation) && !cop__simulation_jump(simulation, until_ns))
                        return false;
        }
        return true;
}

cop_status cop_simulation_advance(struct cop_node *node, int64_t ms)
{
        struct cop__simulation *simulation = simulation_to_drive(node);
        if (simulation == NULL || ms < 0 || ms == COP_FOREVER)
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

/* Its birth is taken in for it, if it had no turn yet: nothing else runs. */
static cop_status be_born(struct cop__actor *actor)
{
        struct cop__thread *thread = cop__thread_here();
        while (actor->life != COP__ALIVE) {
                struct cop__signal *signal = cop__next_signal(thread, actor);
                if (signal == NULL)
                        return COP_E_NO_ACTOR;
                cop__take_in(thread, actor, signal);
        }
        return COP_OK;
}

/* The calling thread is in this node. */
static cop_status crash_here(struct cop__simulation *simulation, struct cop_node *node, cop_pid pid)
{
        struct cop__actor *actor = cop__slot_of(node, pid);
        if (actor == NULL || !cop__slot_is(actor, pid) || !actor->alive)
                return COP_E_NO_ACTOR;
        if (cop__load_relaxed(&actor->task.visitor) != NULL)
                return COP_E_BAD_ARGUMENT;
        cop_status status = be_born(actor);
        if (status != COP_OK || !lives_on(actor))
                return status; /* it is ending already */
        if (!crash(simulation, actor))
                return COP_E_NO_MEMORY;
        if (cop__queue_rouse(&actor->queue)) /* asleep: it is woken to hear of it */
                cop__schedule(&node->scheduler, cop__thread_here(), &actor->task);
        return COP_OK;
}

/* From outside, or from a visit of another node that is simulated with it: by a worker of its own. */
cop_status cop_simulation_crash(struct cop_node *node, cop_pid pid)
{
        struct cop__simulation *simulation = simulation_to_drive(node);
        struct cop__thread *before = cop__thread_here();
        if (simulation == NULL)
                return COP_E_BAD_ARGUMENT;
        if (before != NULL && before->scheduler == &node->scheduler)
                return crash_here(simulation, node, pid);
        cop__simulation_stand_at(simulation, &node->scheduler.workers[0].thread);
        cop_status status = crash_here(simulation, node, pid);
        cop__simulation_stand_at(simulation, before);
        return status;
}

void cop_simulation_refuse(struct cop_node *node, uint64_t n)
{
        struct cop__simulation *simulation = node != NULL ? cop__simulation_of(node) : NULL;
        if (simulation != NULL)
                simulation->refuse_at = n;
}
