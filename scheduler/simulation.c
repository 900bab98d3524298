/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The driver of simulation.h: steps, jumps, and the waits of visitors. */
#include "scheduler/simulation.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "scheduler/lookout.h"
#include "scheduler/scheduler.h"
#include "scheduler/wires.h"

/* Time begins here and not at 0, a little elsewhere for each seed: wheels turn over at other moments. */
#define EPOCH_NS (UINT64_C(1000) * COP__NS_PER_S)

/* In order NEWEST any other gets a turn in one of so many steps, in order RANKED all get new ranks, and whatever the order
 * and the priorities, any of the bag may come in one of so many. */
#define RELENT_EVERY 8u
#define RERANK_EVERY 12u
#define FAIR_EVERY 16u

/* A visitor that looks again and again with nothing to run lets so much time pass each time. */
#define LOOK_NS COP__NS_PER_MS

/* ---- What the seed decides ---------------------------------------------------------------- */

static uint32_t draw_of(struct cop__simulation *simulation, const uint32_t *choices, uint32_t count)
{
        return choices[cop__simulation_below(simulation, count)];
}

/* One of these or the ordinary one; where that is small already, as in the hostile build, it stays. */
static uint32_t draw_habit(struct cop__simulation *simulation, uint32_t ordinary,
                           const uint32_t *fewer, uint32_t count)
{
        uint32_t drawn = cop__simulation_below(simulation, count + 1);
        return drawn < count && fewer[drawn] < ordinary ? fewer[drawn] : ordinary;
}

#define DRAW(habit, ...)                                                                \
        simulation->habits.habit =                                                      \
                draw_habit(simulation, cop__habits_ordinary.habit,                      \
                           (const uint32_t[]){ __VA_ARGS__ },                           \
                           sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))

static void draw_habits(struct cop__simulation *simulation)
{
        DRAW(ring_size, 2, 2, 8);
        DRAW(shared_batch, 1, 3);
        DRAW(desk_few, 1, 2);
        DRAW(next_turns, 1, 2, 4);
        DRAW(urgent_turns, 1, 3);
        DRAW(low_every, 2, 3);
        DRAW(wander_every, 1, 2, 7);
        DRAW(timers_every, 1, 2);
        DRAW(shared_every, 2, 4);
        DRAW(slots_cached, 1, 2);
        DRAW(slots_opened, 1, 2);
        DRAW(death_slice, 1, 2, 16);
        DRAW(holdings_batch, 1, 2);
        if (simulation->habits.shared_every < simulation->habits.timers_every)
                simulation->habits.shared_every = simulation->habits.timers_every;
}

static void draw(struct cop__simulation *simulation)
{
        static const uint32_t bags[] = { 2, 16, COP__SIMULATION_BAG };
        static const uint32_t thefts[] = { 0, 2, 8 };
        static const uint32_t budgets[] = { 1, 1, 2, 3, 8, 64, COP__TURN_BUDGET };
        static const uint32_t patiences[] = { 1, 2, 8, 64 };
        static const uint32_t magazines[] = { 1, 1, 2, 0 };
        simulation->order = cop__simulation_below(simulation, COP__ORDERS);
        simulation->budget_max = draw_of(simulation, budgets, COP__COUNT(budgets));
        simulation->patience = draw_of(simulation, patiences, COP__COUNT(patiences));
        simulation->magazine_max = draw_of(simulation, magazines, COP__COUNT(magazines));
        simulation->bag_max = draw_of(simulation, bags, COP__COUNT(bags));
        simulation->thefts = draw_of(simulation, thefts, COP__COUNT(thefts));
        draw_habits(simulation);
        simulation->step_ns = COP__NS_PER_US << cop__simulation_below(simulation, 8);
}

void cop__simulation_init(struct cop__simulation *simulation, const cop_simulation *options)
{
        memset(simulation, 0, sizeof(*simulation));
        cop__context_adopt(&simulation->driver);
        simulation->outside = &simulation->driver;
        simulation->options = *options;
        simulation->stall_ns = UINT64_MAX;
        simulation->steps_max = UINT64_MAX;
        simulation->end_ns = UINT64_MAX;
        simulation->random = cop__mix(options->seed);
        draw(simulation);
        simulation->now_ns = EPOCH_NS + cop__random_next(&simulation->random) % COP__NS_PER_S;
        simulation->started_ns = simulation->now_ns;
        cop__clock_simulate(&simulation->now_ns);
        cop__memory_simulate(cop__simulation_refuses, simulation);
}

void cop__simulation_fini(struct cop__simulation *simulation)
{
        cop__context_fini(&simulation->driver);
        cop__wires_free(simulation->wires);
        free(simulation->seen);
        cop__clock_simulate(NULL);
        cop__memory_simulate(NULL, NULL);
}

/* What was asked for comes anywhere; what is drawn, in actors' turns only. */
bool cop__simulation_refuses(void *context)
{
        struct cop__simulation *simulation = context;
        bool refuses = simulation->refuse_at > 0 && --simulation->refuse_at == 0;
        if (simulation->inside)
                refuses |= cop__simulation_once_in(simulation, simulation->options.refusals);
        simulation->refusals += refuses;
        return refuses;
}

/* ---- Which task is next --------------------------------------------------------------------- */

/* Not one that is held; the node of such a one has others. */
static struct cop__worker *any_worker(struct cop__simulation *simulation, const struct cop__simulated *node)
{
        struct cop__scheduler *scheduler = node->scheduler;
        uint32_t drawn = cop__simulation_below(simulation, scheduler->worker_count);
        if (&scheduler->workers[drawn] == simulation->held)
                drawn = (drawn + 1) % scheduler->worker_count;
        return &scheduler->workers[drawn];
}

/* Alone, it is no choice. */
static struct cop__simulated *any_node(struct cop__simulation *simulation)
{
        return &simulation->nodes[simulation->node_count > 1 ? cop__simulation_below(simulation, simulation->node_count) : 0];
}

void cop__simulation_stand_at(struct cop__simulation *simulation, struct cop__thread *thread)
{
        cop__thread_become(thread);
        simulation->hooks.place(thread);
}

/* Have all been asked? Twice, if there is something: one may leave its tasks to another that was asked before (retreat.h). */
static bool are_asked(const struct cop__scheduler *scheduler, unsigned asked)
{
        if (asked != scheduler->worker_count)
                return asked >= 2 * scheduler->worker_count;
        for (unsigned i = 0; i < scheduler->worker_count; i++)
                if (cop__guests_are_there(&scheduler->workers[i].guests))
                        return false;
        return true;
}

/* From a drawn worker on: a small bag is full before all have been asked. */
static void fill_bag(struct cop__simulation *simulation, struct cop__simulated *node)
{
        struct cop__scheduler *scheduler = node->scheduler;
        struct cop__task *task;
        unsigned first = any_worker(simulation, node)->index;
        for (unsigned i = 0; !are_asked(scheduler, i); i++) {
                struct cop__worker *worker = &scheduler->workers[(first + i) % scheduler->worker_count];
                while (worker != simulation->held && node->count < simulation->bag_max &&
                       (task = cop__worker_pick(worker)) != NULL)
                        node->bag[node->count++] = task;
        }
}

/* Max before high before normal before low, but that each gets a turn now and then. */
static int urgency(const struct cop__task *task)
{
        static const int urgencies[COP__PRIORITIES] = {
                [COP_PRIORITY_LOW] = 0, [COP_PRIORITY_NORMAL] = 1, [COP_PRIORITY_HIGH] = 2,
                [COP_PRIORITY_MAX] = 3,
        };
        return urgencies[cop__load_relaxed(&task->priority)];
}

static uint64_t rank(const struct cop__simulation *simulation, const struct cop__task *task)
{
        return cop__mix(simulation->hooks.name(task) ^ simulation->ranks);
}

/* Is `one` to come before `other`, whose place in the bag is before its own? */
static bool comes_before(const struct cop__simulation *simulation, const struct cop__task *one,
                         const struct cop__task *other)
{
        int difference = urgency(one) - urgency(other);
        if (difference != 0)
                return difference > 0;
        return simulation->order == COP__ORDER_RANKED && rank(simulation, one) > rank(simulation, other);
}

static uint32_t draw_place(struct cop__simulation *simulation, const struct cop__simulated *node)
{
        uint32_t place = cop__simulation_below(simulation, node->count);
        if (simulation->order == COP__ORDER_NEWEST && !cop__simulation_once_in(simulation, RELENT_EVERY))
                place = node->count - 1;
        if (simulation->order == COP__ORDER_RANKED && cop__simulation_once_in(simulation, RERANK_EVERY))
                simulation->ranks = cop__random_next(&simulation->random);
        if (cop__simulation_once_in(simulation, FAIR_EVERY))
                return place;
        for (uint32_t i = 0; i < node->count; i++)
                if (comes_before(simulation, node->bag[i], node->bag[place]))
                        place = i;
        return place;
}

/* The place is filled by the last one, so that what became runnable last stays last but for that. */
static struct cop__task *take_from_bag(struct cop__simulation *simulation, struct cop__simulated *node)
{
        fill_bag(simulation, node);
        if (node->count == 0)
                return NULL;
        uint32_t place = draw_place(simulation, node);
        struct cop__task *task = node->bag[place];
        node->bag[place] = node->bag[--node->count];
        return task;
}

/* As a worker finds it by itself; the drawn one first. */
static struct cop__task *take_from_queues(struct cop__simulation *simulation, const struct cop__simulated *node,
                                          struct cop__worker **worker)
{
        struct cop__scheduler *scheduler = node->scheduler;
        unsigned first = (*worker)->index;
        for (unsigned i = 0; !are_asked(scheduler, i); i++) {
                *worker = &scheduler->workers[(first + i) % scheduler->worker_count];
                if (*worker == simulation->held)
                        continue;
                cop__simulation_stand_at(simulation, &(*worker)->thread);
                bool steals = cop__simulation_once_in(simulation, simulation->thefts);
                struct cop__task *task = steals ? cop__worker_steal(*worker) : NULL;
                if (task == NULL)
                        task = cop__worker_pick(*worker);
                if (task != NULL)
                        return task;
        }
        return NULL;
}

/* ---- Steps -------------------------------------------------------------------------------------- */

/* Each wheel's own are in order; among those of several, whose times are one, the first wheel is drawn. */
static void fire_timers(struct cop__simulation *simulation, const struct cop__simulated *node)
{
        struct cop__scheduler *scheduler = node->scheduler;
        unsigned first = any_worker(simulation, node)->index;
        for (unsigned i = 0; i < scheduler->worker_count; i++) {
                struct cop__worker *worker = &scheduler->workers[(first + i) % scheduler->worker_count];
                if (worker == simulation->held || cop__wheel_next(&worker->wheel) > simulation->now_ns)
                        continue;
                cop__simulation_stand_at(simulation, &worker->thread);
                cop__serve_timers(worker);
        }
}

/* A worker's that is held are the lookout's. */
static uint64_t next_timer_of_ns(const struct cop__simulation *simulation, const struct cop__scheduler *scheduler)
{
        uint64_t next_ns = COP__WHEEL_NEVER;
        for (unsigned i = 0; i < scheduler->worker_count; i++) {
                uint64_t wheel_ns = cop__wheel_next(&scheduler->workers[i].wheel);
                if (&scheduler->workers[i] != simulation->held && wheel_ns < next_ns)
                        next_ns = wheel_ns;
        }
        return next_ns;
}

static uint64_t next_timer_ns(const struct cop__simulation *simulation)
{
        uint64_t next_ns = COP__WHEEL_NEVER;
        for (uint32_t i = 0; i < simulation->node_count; i++) {
                uint64_t timer_ns = next_timer_of_ns(simulation, simulation->nodes[i].scheduler);
                if (timer_ns < next_ns)
                        next_ns = timer_ns;
        }
        return next_ns;
}

/* When something happens by itself: a timer, or what comes by wire. */
static uint64_t next_event_ns(const struct cop__simulation *simulation)
{
        uint64_t timer_ns = next_timer_ns(simulation), wire_ns = cop__wires_next_ns(simulation);
        return timer_ns < wire_ns ? timer_ns : wire_ns;
}

/* A slow machine: the next timer is due although there is something to do. */
static void let_time_go_on(struct cop__simulation *simulation)
{
        simulation->now_ns += simulation->step_ns;
        if (!cop__simulation_once_in(simulation, simulation->options.stalls))
                return;
        uint64_t next_ns = next_timer_ns(simulation);
        if (next_ns != COP__WHEEL_NEVER && next_ns > simulation->now_ns &&
            next_ns - simulation->now_ns <= simulation->stall_ns)
                simulation->now_ns = next_ns;
}

static void run_one(struct cop__simulation *simulation, struct cop__simulated *node, struct cop__worker *worker,
                    struct cop__task *task)
{
        simulation->steps++;
        node->last = task;
        cop__simulation_sign(simulation, simulation->now_ns);
        cop__simulation_sign(simulation, (uint64_t)(node - simulation->nodes) << 32 | worker->index);
        cop__simulation_stand_at(simulation, &worker->thread);
        simulation->hooks.turn(task);
        simulation->inside = true;
        cop__worker_run(worker, task);
        simulation->inside = false;
}

bool cop__simulation_is_over(struct cop__simulation *simulation)
{
        if (COP__LIKELY(simulation->over == NULL && simulation->unbounded == 0)) {
                if (simulation->steps + simulation->jumps >= simulation->steps_max)
                        simulation->over = "it goes on and on: the turns of a seed are used up";
                else if (simulation->now_ns >= simulation->end_ns)
                        simulation->over = "it goes on and on: the time of a seed is used up";
        }
        return simulation->over != NULL;
}

static void *owner_of(const struct cop__simulation *simulation)
{
        return simulation->nodes[0].scheduler->owner;
}

/* Of this node; false: it has nothing to run. */
static bool step_in(struct cop__simulation *simulation, struct cop__simulated *node, struct cop__worker *worker)
{
        fire_timers(simulation, node);
        cop__simulation_stand_at(simulation, &worker->thread);
        simulation->hooks.step(node->scheduler->owner);
        struct cop__task *task = simulation->order == COP__ORDER_QUEUES
                                         ? take_from_queues(simulation, node, &worker)
                                         : take_from_bag(simulation, node);
        if (task != NULL)
                run_one(simulation, node, worker, task);
        return task != NULL;
}

/* On a real node one of those who have nothing to do. */
static void look_out(struct cop__simulation *simulation)
{
        if (COP__LIKELY(simulation->held == NULL) || simulation->now_ns < simulation->look_ns)
                return;
        struct cop__scheduler *scheduler = simulation->held->thread.scheduler;
        struct cop__worker *lookout = &scheduler->workers[(simulation->held->index + 1) % scheduler->worker_count];
        cop__simulation_stand_at(simulation, &lookout->thread);
        cop__lookout_end(lookout);
        simulation->look_ns = simulation->now_ns + COP__LOOKOUT_NS;
}

bool cop__simulation_step(struct cop__simulation *simulation)
{
        if (COP__UNLIKELY(cop__simulation_is_over(simulation))) {
                simulation->hooks.over(owner_of(simulation));
                return false;
        }
        struct cop__thread *before = cop__thread_here();
        struct cop__simulated *node = any_node(simulation);
        struct cop__worker *worker = any_worker(simulation, node);
        let_time_go_on(simulation);
        cop__wires_move(simulation);
        look_out(simulation);
        bool ran = step_in(simulation, node, worker);
        for (uint32_t i = 1; i < simulation->node_count && !ran; i++) {
                if (++node == simulation->nodes + simulation->node_count)
                        node = simulation->nodes;
                ran = step_in(simulation, node, any_worker(simulation, node));
        }
        cop__simulation_stand_at(simulation, before);
        return ran;
}

/* ---- A turn that is held ------------------------------------------------------------------------ */

/* A look that finds nothing, twice: the first only notes which turn it is. */
#define LOOKS_IN_VAIN 2

/* False: nothing can happen any more. */
static bool go_on_beside(struct cop__simulation *simulation, unsigned *looks)
{
        if (cop__simulation_is_over(simulation))
                return false;
        if (cop__simulation_step(simulation)) {
                *looks = 0;
                return true;
        }
        uint64_t timer_ns = cop__wheel_next(&simulation->held->wheel);
        bool expected = next_event_ns(simulation) != UINT64_MAX ||
                        (timer_ns != COP__WHEEL_NEVER && timer_ns > simulation->now_ns); /* one that is late had its looks */
        if (!expected && ++*looks > LOOKS_IN_VAIN)
                return false;
        return cop__simulation_jump(simulation, simulation->look_ns);
}

bool cop__simulation_hold(struct cop__simulation *simulation, bool (*holds)(void *context), void *context)
{
        struct cop__worker *worker = cop__worker_here();
        struct cop__context *outside = simulation->outside;
        unsigned looks = 0;
        if (!simulation->inside || simulation->held != NULL || worker->thread.scheduler->worker_count < 2)
                return holds(context);
        simulation->held = worker;
        simulation->outside = &worker->stack->context;
        simulation->look_ns = simulation->now_ns + COP__LOOKOUT_NS;
        while (!holds(context) && go_on_beside(simulation, &looks))
                ;
        simulation->held = NULL;
        simulation->outside = outside;
        simulation->inside = true;
        return holds(context);
}

/* ---- Time that jumps ---------------------------------------------------------------------------- */

bool cop__simulation_jump(struct cop__simulation *simulation, uint64_t until_ns)
{
        uint64_t next_ns = next_event_ns(simulation);
        if (until_ns < next_ns)
                next_ns = until_ns;
        if (next_ns == UINT64_MAX || simulation->over != NULL)
                return false;
        simulation->jumps++;
        if (next_ns > simulation->now_ns)
                simulation->now_ns = next_ns;
        return true;
}

bool cop__simulation_settle(struct cop__simulation *simulation, uint64_t deadline_ns)
{
        while (simulation->now_ns < deadline_ns) {
                if (cop__simulation_step(simulation))
                        continue;
                if (next_event_ns(simulation) == UINT64_MAX)
                        return true;
                if (!cop__simulation_jump(simulation, deadline_ns))
                        return false;
        }
        return false;
}

/* ---- Nodes ---------------------------------------------------------------------------------------- */

struct cop__simulated *cop__simulated_of(struct cop__simulation *simulation, const struct cop__scheduler *scheduler)
{
        for (uint32_t i = 0; i < simulation->node_count; i++)
                if (simulation->nodes[i].scheduler == scheduler)
                        return &simulation->nodes[i];
        return NULL;
}

void cop__simulation_take(struct cop__simulation *simulation, struct cop__scheduler *scheduler)
{
        struct cop__simulated *node = &simulation->nodes[simulation->node_count++];
        node->scheduler = scheduler;
        node->last = NULL;
        node->count = 0;
}

/* As workers with threads do: some of the dead are still at what they had. */
static void run_out(struct cop__simulation *simulation, struct cop__simulated *node)
{
        struct cop__thread *before = cop__thread_here();
        while (step_in(simulation, node, any_worker(simulation, node)))
                let_time_go_on(simulation);
        cop__simulation_stand_at(simulation, before);
}

void cop__simulation_let_go(struct cop__simulation *simulation, struct cop__scheduler *scheduler)
{
        struct cop__simulated *node = cop__simulated_of(simulation, scheduler);
        run_out(simulation, node);
        cop__wires_hang_up(simulation, scheduler);
        for (unsigned i = scheduler->worker_count; i > 0; i--)
                scheduler->hooks.thread_leave(&scheduler->workers[i - 1].thread);
        *node = simulation->nodes[--simulation->node_count];
}

/* ---- Visitors ------------------------------------------------------------------------------------ */

static bool is_called(struct cop__park *park, uint32_t ticket)
{
        return cop__park_ticket(park) != ticket;
}

/* Over, it comes back without a call: who waited takes its mark back, as when its time is over. */
static void drive_until_called(struct cop__simulation *simulation, struct cop__park *park,
                               uint32_t ticket, uint64_t deadline_ns)
{
        while (!is_called(park, ticket) && simulation->now_ns < deadline_ns && !cop__simulation_is_over(simulation))
                if (!cop__simulation_step(simulation) && !is_called(park, ticket) &&
                    !cop__simulation_jump(simulation, deadline_ns))
                        simulation->hooks.stuck(owner_of(simulation));
        /* It is awake, but who knows when it gets to run. */
        while (!cop__simulation_once_in(simulation, simulation->patience) && !cop__simulation_is_over(simulation) &&
               simulation->now_ns < deadline_ns && cop__simulation_step(simulation))
                ;
}

void cop__visitor_wait(struct cop__thread *thread, struct cop__park *park, uint32_t ticket,
                       uint64_t deadline_ns)
{
        struct cop__simulation *simulation = thread->scheduler->hooks.simulation;
        if (simulation != NULL)
                drive_until_called(simulation, park, ticket, deadline_ns);
        else
                cop__park_wait(park, ticket, deadline_ns);
}

void cop__visitor_yield(struct cop__thread *thread)
{
        struct cop__simulation *simulation = thread->scheduler->hooks.simulation;
        if (simulation == NULL) {
                sched_yield();
                return;
        }
        do {
                if (!cop__simulation_step(simulation)) {
                        cop__simulation_jump(simulation, simulation->now_ns + LOOK_NS);
                        return;
                }
        } while (!cop__simulation_once_in(simulation, simulation->patience));
}
