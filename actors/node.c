/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The node: what it is put together from, in which order it starts, and how it ends. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "actors/abroad.h"
#include "actors/actor.h"
#include "actors/blocking.h"
#include "actors/code_map.h"
#include "actors/inside.h"
#include "actors/simulation.h"
#include "base/clock.h"
#include "base/cue.h"
#include "base/own_wait.h"
#include "base/processors.h"
#include "base/text.h"

#define ACTORS_DEFAULT 1048576u
#define ACTORS_MAX ((uint32_t)COP__SLOTS_OF_LARGE_IDS - 1)
#define SLICE_MS_MAX 1000u
#define BLOCKING_THREADS_MAX 4096u

/* ---- Threads: the scheduler's hooks ----------------------------------------------------- */

void cop__actor_describe(const struct cop__actor *actor, char *text, size_t size)
{
        char pid[COP_ID_TEXT_MAX] = "nobody";
        const char *server = "actor";
        if (actor != NULL) {
                cop_pid_print(cop__actor_pid(actor), pid);
                if (actor->server != NULL)
                        server = actor->server->name;
        }
        snprintf(text, size, "%s %s", server, pid);
        cop__make_harmless(text, strlen(text));
}

static void describe_actor(char *text, size_t size, void *context)
{
        struct cop__thread *thread = context;
        cop__actor_describe(thread->current != NULL ? cop__actor_of(thread->current) : NULL, text, size);
}

static bool is_stack_guard(uintptr_t address, void *context)
{
        struct cop__thread *thread = context;
        return thread->worker != NULL && thread->worker->stack != NULL &&
               cop__stack_guards(thread->worker->stack, address);
}

enum cop__containment cop__actor_containment(const struct cop_node *node, const struct cop__actor *actor)
{
        switch ((cop_isolation)cop__load_relaxed(&actor->isolation)) {
        case COP_ISOLATION_INLINE:
                return COP__CONTAIN_NOT;
        case COP_ISOLATION_STRICT:
                return COP__CONTAIN_STRICT;
        default:
                return node->contains_strictly ? COP__CONTAIN_STRICT : COP__CONTAIN;
        }
}

static enum cop__containment contains_actor(void *context)
{
        struct cop__thread *thread = context;
        if (thread->current == NULL)
                return COP__CONTAIN;
        return cop__actor_containment(cop__node_of(thread), cop__actor_of(thread->current));
}

/* The workers of a simulation are one thread, which has its own. */
static bool has_fault_stack(const struct cop__thread *thread)
{
        return thread->worker != NULL && thread->scheduler->hooks.simulation == NULL;
}

static cop_status init_thread(struct cop__thread *thread)
{
        struct cop_node *node = thread->scheduler->owner;
        struct cop__here *here = calloc(1, sizeof(*here));
        if (here == NULL)
                return COP_E_NO_MEMORY;
        cop_status status = has_fault_stack(thread) ? cop__fault_stack_map(&here->fault) : COP_OK;
        if (status == COP_OK)
                status = cop__registry_enter(&node->registry, &here->registry);
        if (status != COP_OK) {
                cop__fault_stack_unmap(&here->fault);
                free(here);
                return status;
        }
        here->node = node;
        here->fault.guards = is_stack_guard;
        here->fault.guards_context = thread;
        here->fault.contains = contains_actor;
        here->fault.contains_context = thread;
        here->fault.land = cop__fault_land;
        here->fault.describe = describe_actor;
        here->fault.describe_context = thread;
        thread->upper = here;
        if (thread->worker != NULL)
                cop__timers_join(&node->timers, thread->worker);
        cop__lock_lock(&node->threads_lock);
        cop__list_push_back(&node->threads, &here->list);
        cop__lock_unlock(&node->threads_lock);
        return COP_OK;
}

static void fini_thread(struct cop__thread *thread)
{
        struct cop__here *here = cop__here_of(thread);
        struct cop_node *node = here->node;
        if (thread->worker != NULL && cop__abroad_of(node) != NULL) /* the first worker of a node that has ended */
                node->abroad->end(node->abroad, thread);
        cop__slots_leave(here);
        cop__registry_leave(&node->registry, &here->registry);
        cop__lock_lock(&node->threads_lock);
        cop__list_remove(&here->list);
        node->past[0] += here->spawned;
        node->past[1] += here->died;
        node->past[2] += here->sent;
        node->past[3] += here->dead_letters;
        cop__lock_unlock(&node->threads_lock);
        cop__fault_stack_unmap(&here->fault);
        free(here);
        thread->upper = NULL;
}

/* Where the kernel does not take the alternate stack, faults on this thread end the process, as they would without us. */
static void enter_thread(struct cop__thread *thread)
{
        struct cop__scheduler *scheduler = thread->scheduler;
        if (thread->worker == NULL)
                return;
        if (scheduler->hooks.simulation != NULL) {
                cop__simulation_share_stack(scheduler->hooks.simulation, &cop__here_of(thread)->fault);
                return;
        }
        cop__preempt_enter();
        if (cop__fault_thread_start(&cop__here_of(thread)->fault) != COP_OK)
                cop_log(COP_LOG_WARNING, "the system refuses a worker's signal stack: a fault in an actor "
                                         "will end the program");
}

static void leave_thread(struct cop__thread *thread)
{
        if (thread->worker != NULL)
                cop__fault_thread_stop(&cop__here_of(thread)->fault);
}

static void tell_ready(struct cop__thread *thread, uint64_t mark)
{
        struct cop_node *node = cop__node_of(thread);
        if (node->inside != NULL)
                cop__inside_ready(thread);
        else if (mark == COP__ZYGOTE_MARK)
                cop__zygote_hear(node, thread);
        else if (!cop__zygote_tell(node, thread, (cop_pid){ mark }) && cop__abroad_of(node) != NULL)
                cop__abroad_of(node)->untold(cop__abroad_of(node), (cop_pid){ mark });
}

static const struct cop__scheduler_hooks hooks = {
        .run = cop__actor_run,
        .left = cop__actor_left,
        .leave = cop__timer_disarmed,
        .fire = cop__timer_fire,
        .ready = tell_ready,
        .thread_init = init_thread,
        .thread_fini = fini_thread,
        .thread_enter = enter_thread,
        .thread_leave = leave_thread,
        .ebb = &cop__slot_ebb_hooks,
};

/* ---- Start -------------------------------------------------------------------------------- */

bool cop__is_name_of_node(const char *name)
{
        size_t size = strlen(name);
        return size > 0 && size <= COP_NAME_MAX && name[0] != '.' &&
               strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") ==
                       size;
}

static unsigned core_count(void)
{
        unsigned most = COP__WORKERS_MAX - COP__SPARES_LEAST;
        unsigned cores = cop__processors();
        return cores < most ? cores : most;
}

static unsigned spares_for(unsigned workers)
{
        unsigned room = COP__WORKERS_MAX - workers;
        return room < COP__SPARES ? room : COP__SPARES;
}

static void free_parts(struct cop_node *node)
{
        while (!cop__list_is_empty(&node->visitors)) {
                struct cop__list *first = node->visitors.next;
                cop__list_remove(first);
                free(COP__CONTAINER(first, struct cop__visitor, list));
        }
        cop__timers_fini(&node->timers);
        cop__kinds_free(node->kinds);
        cop__kinds_free(node->crossing_kinds);
        cop__symbols_free(node->symbols);
        cop__reports_end_log(node);
        cop__reports_fini(&node->reports);
        cop__blocking_pool_fini(&node->blocking);
        cop__watchdog_fini(&node->watchdog);
        cop__census_fini(&node->census);
        cop__labels_fini(&node->labels);
        cop__reasons_fini(node);
        cop__holdings_fini(&node->holdings);
        cop__registry_fini(&node->registry);
        cop__slots_fini(&node->slots);
}

/* A program's kinds, and the library's, which lie among them where it is linked statically. Those that nobody but the
 * library sends (cop__...) are no words of the shell. */
static cop_status add_kinds(cop_kinds *kinds, const cop_kind *const *first,
                            const cop_kind *const *last)
{
        for (; first < last; first++) {
                if (*first == NULL || strncmp((*first)->name, "cop__", 5) == 0)
                        continue;
                cop_status status = cop__kinds_add(kinds, first, first + 1);
                if (status != COP_OK)
                        return status;
        }
        return COP_OK;
}

/* A simulated node has no actors in processes, and is started for each seed anew. */
static cop_status init_kinds(struct cop_node *node, const cop_node_options *options,
                             const cop_kind *const *first, const cop_kind *const *last)
{
        const bool cross = options->simulation == NULL;
        node->kinds = cop__kinds_new(NULL, NULL);
        node->crossing_kinds = cop__kinds_new(NULL, NULL);
        if (node->kinds == NULL || node->crossing_kinds == NULL ||
            add_kinds(node->kinds, first, last) != COP_OK ||
            add_kinds(node->kinds, COP__KINDS_FIRST, COP__KINDS_LAST) != COP_OK ||
            (cross && cop__crossing_kinds_add(node->crossing_kinds, first, last) != COP_OK) ||
            (cross && cop__crossing_kinds_add(node->crossing_kinds, COP__KINDS_FIRST, COP__KINDS_LAST) != COP_OK) ||
            (options->secret_fields != NULL && cop__kinds_hide(node->kinds, options->secret_fields) != COP_OK))
                return COP_E_NO_MEMORY;
        return COP_OK;
}

static void tell_of_clash(struct cop_node *node, const cop_kind *clash)
{
        char text[256];
        snprintf(text, sizeof(text),
                 "your program: two message kinds have the same name and are not alike: of %.*s the shell does not know the one of %u bytes",
                 100, clash->name, clash->size);
        cop__log_to(node, COP_LOG_WARNING, text);
}

/* Everything but the workers. On failure the caller frees what is there: all of it is zero or whole. */
static cop_status init_parts(struct cop_node *node, const cop_node_options *options,
                             const cop_kind *const *kinds_first, const cop_kind *const *kinds_last)
{
        cop__lock_init(&node->threads_lock);
        cop__list_init(&node->threads);
        cop__list_init(&node->visitors);
        cop__reports_init(&node->reports);
        cop__letters_init(&node->letters);
        cop__overload_init(&node->overload);
        cop__audience_init(&node->mailbox_audience);
        cop__watchdog_init(&node->watchdog);
        cop__blocking_pool_init(&node->blocking, options->blocking_threads, &cop__blocking_hooks);
        cop__census_init(&node->census);
        cop__labels_init(&node->labels);
        node->kinds_first = kinds_first;
        node->kinds_last = kinds_last;
        node->stack_size = options->stack_size;
        node->started_ns = cop__clock_ns();
        node->log = options->log;
        node->log_context = options->log_context;
        node->contains_strictly = options->contain_strict;
        memcpy(node->name, options->name, strlen(options->name));
        cop_status status = cop__dump_choose(options->dump, node->dump_path);
        if (status == COP_OK)
                status = cop__reasons_init(node);
        if (status == COP_OK)
                status = cop__timers_init(&node->timers, options->workers + options->spare_workers,
                                          options->max_actors);
        if (status != COP_OK)
                return status;
        node->symbols = cop__symbols_new();
        if (node->symbols == NULL || init_kinds(node, options, kinds_first, kinds_last) != COP_OK)
                return COP_E_NO_MEMORY;
        if (cop__kinds_clash(node->kinds) != NULL)
                tell_of_clash(node, cop__kinds_clash(node->kinds));
        return COP_OK;
}

/* A simulation has one thread, so nobody could watch it. */
static cop_status start_watch(struct cop_node *node, const cop_node_options *options)
{
        if (options->simulation != NULL)
                return COP_OK;
        return cop__watch_start(&node->scheduler.watch, &node->scheduler,
                                options->slice_ms * COP__NS_PER_MS,
                                options->long_turn_ms * COP__NS_PER_MS,
                                options->no_preempt ? &cop__preempt_hooks_calm
                                                    : &cop__preempt_hooks);
}

/* A simulation is the same on each machine, so its nodes have their own numbers of workers. */
static unsigned simulated_workers(const cop_simulation *options)
{
        const struct cop__simulation *joined = options->with != NULL ? cop__simulation_of(options->with) : NULL;
        uint64_t seed = joined != NULL ? joined->options.seed + joined->users : options->seed;
        return 1 + (unsigned)(cop__mix(~seed) % 4);
}

/* What the options do not say. */
static void fill_in_defaults(cop_node_options *options)
{
        const cop_node *beside = options->simulation != NULL ? options->simulation->with : NULL;
        if (options->log == NULL && beside != NULL && cop__simulation_of(beside)->way_out != NULL) {
                options->log = beside->log; /* a trial's */
                options->log_context = beside->log_context;
        }
        if (options->name == NULL)
                options->name = "coppice";
        if (options->workers == 0)
                options->workers = options->simulation == NULL ? core_count() : simulated_workers(options->simulation);
        if (options->max_actors == 0)
                options->max_actors = ACTORS_DEFAULT;
        if (options->long_turn_ms == 0)
                options->long_turn_ms = COP__LONG_TURN_MS;
        if (options->blocking_threads == 0)
                options->blocking_threads = COP__BLOCKING_THREADS;
        if (options->max_processes == 0)
                options->max_processes = COP__PROCESSES;
        if (options->slice_ms == 0)
                options->slice_ms = COP__SLICE_MS;
        if (options->no_spare_workers || options->simulation != NULL)
                options->spare_workers = 0;
        else if (options->spare_workers == 0 && options->workers < COP__WORKERS_MAX)
                options->spare_workers = spares_for(options->workers);
}

static void end_simulation(struct cop__simulation *simulation)
{
        if (simulation != NULL)
                cop__simulation_drop(simulation);
}

/* The simulation's clock is the first thing that is there, for all else asks it. */
static cop_status begin_simulation(const cop_node_options *options, struct cop__scheduler_hooks *all)
{
        *all = hooks;
        if (options->simulation == NULL)
                return COP_OK;
        all->simulation = cop__simulation_begin(options->simulation);
        return all->simulation != NULL ? COP_OK : COP_E_NO_MEMORY;
}

static cop_status start(const cop_node_options *given, const cop_kind *const *kinds_first,
                        const cop_kind *const *kinds_last, struct cop__inside *inside,
                        cop_node **result)
{
        cop_node_options options = given != NULL ? *given : (cop_node_options){ 0 };
        struct cop__scheduler_hooks all;
        if (!cop__simulation_may_begin(options.simulation))
                return COP_E_BAD_ARGUMENT;
        fill_in_defaults(&options);
        if (result == NULL || !cop__is_name_of_node(options.name) ||
            options.workers > COP__WORKERS_MAX || options.max_actors > ACTORS_MAX ||
            options.spare_workers > COP__WORKERS_MAX - options.workers ||
            options.fault_exit_code < 0 || options.fault_exit_code > 255 ||
            options.slice_ms > SLICE_MS_MAX || options.blocking_threads > BLOCKING_THREADS_MAX ||
            (options.memory_limit > 0 && options.memory_limit < COP__MEMORY_LIMIT_LEAST) ||
            (options.processes && options.simulation != NULL))
                return COP_E_BAD_ARGUMENT;
        struct cop_node *node = aligned_alloc(COP__CACHE_LINE, (sizeof(*node) + 63) & ~(size_t)63);
        if (node == NULL)
                return COP_E_NO_MEMORY;
        memset(node, 0, sizeof(*node));
        node->inside = inside;
        cop__zygote_init(&node->zygote, options.max_processes);
        node->witness = (struct cop__fault_witness){ .stopped = cop__dump_write, .context = node };
        cop_status status = begin_simulation(&options, &all);
        if (status != COP_OK)
                goto without_simulation;
        status = cop__slots_init(&node->slots, options.max_actors, cop__habits_of(all.simulation));
        if (status != COP_OK)
                goto without_slots;
        status = cop__registry_init(&node->registry);
        if (status != COP_OK)
                goto without_registry;
        status = init_parts(node, &options, kinds_first, kinds_last);
        if (status != COP_OK)
                goto without_parts;
        if (options.processes)
                status = cop__zygote_start(node); /* before there are threads */
        if (status != COP_OK)
                goto without_zygote;
        status = cop__fault_install();
        if (status != COP_OK)
                goto without_zygote;
        status = cop__preempt_install();
        if (status != COP_OK)
                goto without_preemption;
        status = cop__scheduler_start(&node->scheduler, options.workers, options.spare_workers,
                                      options.stack_size, &all,
                                      node);
        if (status != COP_OK)
                goto without_workers;
        cop__pool_limit(&node->scheduler.pool, options.memory_limit);
        if (options.processes)
                status = cop__zygote_listen(node);
        if (status != COP_OK)
                goto without_ears;
        status = start_watch(node, &options);
        if (status != COP_OK)
                goto without_watch;
        if (cop__code_map_is_blind(cop__fault_code_map()))
                cop__log_to(node, COP_LOG_WARNING,
                            "your program is linked statically and stripped, so each fault of an actor will end it: keep its symbols");
        cop__fault_witness_add(&node->witness);
        if (all.simulation != NULL) {
                node->teller = (struct cop__fault_witness){ .stopped = cop__simulation_testify, .context = all.simulation };
                cop__fault_witness_add(&node->teller);
        }
        if (options.fault_exit_code > 0)
                cop__fault_end_with(options.fault_exit_code);
        *result = node;
        return COP_OK;
without_watch:
without_ears:
        cop__scheduler_stop(&node->scheduler);
without_workers:
        cop__preempt_uninstall();
without_preemption:
        cop__fault_uninstall();
without_zygote:
        cop__zygote_fini(node);
without_parts:
        free_parts(node);
        goto without_slots;
without_registry:
        cop__slots_fini(&node->slots);
without_slots:
        end_simulation(all.simulation);
without_simulation:
        free(node);
        return status;
}

cop_status cop_node_start_with(const cop_node_options *options, const cop_kind *const *kinds_first,
                               const cop_kind *const *kinds_last, cop_node **node)
{
        return start(options, kinds_first, kinds_last, NULL, node);
}

cop_status cop__node_start_inside(const cop_node_options *options, struct cop__inside *inside,
                                  const cop_kind *const *kinds_first,
                                  const cop_kind *const *kinds_last, cop_node **node)
{
        return start(options, kinds_first, kinds_last, inside, node);
}

/* ---- Stop ---------------------------------------------------------------------------------------- */

/* So many are killed before the first of them is waited for: to wait for each by itself is to wake a worker and be woken, for each. */
#define KILLED_AT_ONCE 1024u

struct killing {
        cop_ref refs[KILLED_AT_ONCE];
        unsigned count;
};

static void await_killed(struct killing *killing)
{
        for (unsigned i = 0; i < killing->count; i++)
                cop_message_free(cop_receive(COP_FOREVER, COP_REF(cop_down, killing->refs[i])));
        killing->count = 0;
}

static bool kill_one(struct killing *killing, const struct cop__actor *actor)
{
        cop_pid pid = cop__actor_pid(actor);
        cop_ref ref;
        if (cop_monitor(pid, &ref) != COP_OK)
                return false;
        if (cop_send_exit(pid, cop_atom("kill")) != COP_OK) {
                cop_demonitor_flush(ref);
                return false;
        }
        killing->refs[killing->count++] = ref;
        return true;
}

/* Where memory is missing as a node stops there may be some in a moment, as the program goes on; but not for ever is it waited for. */
#define STOP_TRIES 1000u
#define STOP_PAUSE_NS COP__NS_PER_MS

static bool try_again(unsigned *tries)
{
        if (*tries == STOP_TRIES)
                return false;
        ++*tries;
        cop__own_wait_begin();
        nanosleep(&(struct timespec){ .tv_nsec = STOP_PAUSE_NS }, NULL);
        cop__own_wait_end();
        return true;
}

/*
 * Kills every actor and waits for each to be dead. New ones are refused since `stopping` is set, but one that was
 * being spawned meanwhile may be found only the next time. For whom there is no memory there may be some when others are dead.
 */
static void kill_all(struct cop_node *node, unsigned *tries)
{
        struct killing killing = { .count = 0 };
        bool found = true;
        while (found) {
                found = false;
                uint32_t used = cop__load_acquire(&node->slots.used);
                for (uint32_t slot = 1; slot <= used; slot++) {
                        struct cop__actor *actor = &node->slots.base[slot];
                        if (!cop__load_relaxed(&actor->alive) ||
                            cop__load_relaxed(&actor->task.visitor) != NULL)
                                continue;
                        if (!kill_one(&killing, actor)) {
                                slot -= killing.count > 0 || try_again(tries);
                                await_killed(&killing);
                                continue;
                        }
                        found = true;
                        if (killing.count == KILLED_AT_ONCE)
                                await_killed(&killing);
                }
                await_killed(&killing);
        }
}

static void stop(cop_node *node)
{
        unsigned tries = 0;
        cop_status status;
        cop__store_seq(&node->stopping, 1);
        while ((status = cop__visit_to_stop(node)) == COP_E_NO_MEMORY && try_again(&tries))
                continue;
        if (status == COP_OK) {
                kill_all(node, &tries);
                cop__timers_stop(&node->timers, &cop__thread_here()->pool);
                cop_node_leave();
        }
        struct cop__simulation *simulation = cop__simulation_of(node);
        if (simulation != NULL)
                cop__fault_witness_remove(&node->teller);
        cop__fault_witness_remove(&node->witness);
        cop__blocking_pool_stop(&node->blocking); /* its threads wake workers */
        cop__scheduler_stop(&node->scheduler);
        cop__zygote_fini(node);
        cop__preempt_uninstall();
        cop__fault_uninstall();
        free_parts(node);
        end_simulation(simulation);
        free(node);
}

static void *stop_on_thread(void *node)
{
        stop(node);
        return NULL;
}

/* Where there is none there may be one in a moment. */
static bool make_thread(pthread_t *thread, void *node)
{
        unsigned tries = 0;
        while (pthread_create(thread, NULL, stop_on_thread, node) != 0) {
                COP__CUE("node.has_no_thread");
                if (!try_again(&tries))
                        return false;
        }
        return true;
}

/* The calling actor: one whose node is simulated does not drive what it lives in, and of that the other node is a part. */
static bool is_driven_with(const cop_node *node)
{
        const struct cop__simulation *simulation = cop__simulation_of(node);
        return simulation != NULL && simulation->inside && cop__clock_simulated() == &simulation->now_ns;
}

/* An actor would wait for its own end, which this is then. What is left of a visit would look into a node that is gone. */
static void leave_behind(void)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor != NULL && actor->task.visitor == NULL)
                cop__badarg("node_stop", "an actor cannot stop the node that it lives in, nor one that is simulated with it");
        cop_node_leave();
}

/* The stack of an actor may be small for it, and who lives in simulated time visits no node outside. */
static bool wants_thread(void)
{
        const struct cop__thread *here = cop__thread_here();
        return here != NULL && (here->worker != NULL || cop__clock_simulated() != NULL);
}

/* The visit rests meanwhile, and no bound of a trial's seed leaves the stop half done. With the last of its nodes the simulation ends. */
static void stop_simulated(cop_node *node, struct cop__simulation *simulation)
{
        cop__visit_end_beneath(node);
        struct cop__thread *visit = cop__visit_set_aside();
        bool last = simulation->users == 1;
        simulation->unbounded++;
        stop(node);
        cop__visit_take_up(visit);
        if (!last)
                simulation->unbounded--;
}

/*
 * Whoever stops a node visits it, and a thread visits one node at a time: what it is in another rests meanwhile. Where no thread can be made
 * for it an actor does so itself; out of simulated time nobody can, and what the actors own is not ended. Of nodes that are simulated
 * together there is one thread.
 */
void cop_node_stop(cop_node *node)
{
        pthread_t thread;
        if (node == NULL)
                return;
        if (cop_node_here() == node || is_driven_with(node))
                leave_behind();
        if (cop__simulation_of(node) != NULL) {
                stop_simulated(node, cop__simulation_of(node));
                return;
        }
        if (wants_thread() && make_thread(&thread, node)) {
                pthread_join(thread, NULL);
                return;
        }
        struct cop__thread *here = cop__visit_set_aside();
        stop(node);
        cop__visit_take_up(here);
}

static void step_in(void *visitor)
{
        cop__visitor_step_in(visitor);
}

/* Cancelled, the thread is inside again before its end is (visitor.c). */
static bool await_quiet_outside(struct cop__thread *visitor, uint64_t deadline_ns)
{
        bool quiet;
        cop__visitor_step_out(visitor);
        pthread_cleanup_push(step_in, visitor);
        quiet = cop__quiet_await(visitor->scheduler, deadline_ns);
        pthread_cleanup_pop(1);
        return quiet;
}

cop_status cop_node_await_quiet(cop_node *node, int64_t timeout_ms)
{
        struct cop__thread *thread = cop__thread_here();
        if (node == NULL || timeout_ms < 0 || (thread != NULL && thread->worker != NULL))
                return COP_E_BAD_ARGUMENT;
        bool visits = thread != NULL && thread->scheduler == &node->scheduler && node->scheduler.hooks.simulation == NULL;
        uint64_t deadline_ns = cop__deadline_ns(timeout_ms);
        bool quiet = visits ? await_quiet_outside(thread, deadline_ns) : cop__quiet_await(&node->scheduler, deadline_ns);
        return quiet ? COP_OK : COP_E_TIMEOUT;
}

cop_node *cop_node_here(void)
{
        struct cop__thread *thread = cop__thread_here();
        return thread != NULL && thread->upper != NULL ? cop__node_of(thread) : NULL;
}

const char *cop_node_name(const cop_node *node)
{
        return node->name;
}

const cop_kinds *cop_node_kinds(const cop_node *node)
{
        return node->kinds;
}
