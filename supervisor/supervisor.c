/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The supervisor: a server that traps exits. Once its tree stands it never waits for a child: each
 * start and each stop is begun, and gone on with when the message comes that tells how it went. So
 * a child that takes its time holds up only what depends on it: its starter, and under one_for_all
 * and rest_for_one the siblings in reach.
 *
 * What an event means depends on the child that it is about:
 *
 *                 has started   has ended       is down        tick          terminate      restart      delete   start_child
 *                 (cop_started) (cop_exited)    (cop_down)                                                        with its id
 *      ---------------------------------------------------------------------------------------------------------------------
 *      STOPPED    -             -               -              -             ok             start it     gone     present
 *      WAITING    -             -               -              -             STOPPED        restarting   restarting  present
 *      NAMING     -             -               try again      failed        STOPPED        restarting   restarting  present
 *      STARTING   RUNNING (1)   failed          -              -             stop it        running      running  started
 *      RUNNING    -             failed or left  -              -             stop it        running      running  started
 *      STOPPING   -             noted           STOPPED (2)    kill it       he waits too   running      running  started
 *      RESTARTING -             -               -              its turn      STOPPED        restarting   restarting  present
 *      OPEN       -             -               -              try it once   STOPPED        start it     restarting  present
 *
 *      -        late news of what is over: dropped
 *      (1)      or, with cop_ignore, what its end will then mean: nothing, it is STOPPED
 *      (2)      WAITING, if it is stopped to be started again with its siblings; gone, if it is temporary or dynamic
 *      failed   regrow.c: counted, and restarted with whom it concerns.  left: not to be restarted
 *
 * and what the supervisor itself is doing:
 *
 *                        its init              idle or a group under way           its end
 *                        (waits for starts)    (no code runs)                      (terminate: waits for stops)
 *      -----------------------------------------------------------------------------------------------------
 *      a start fails     end (3)               as above                            one less to stop
 *      a child ends      later                 as above; in a group: in its turn   one less to stop
 *      parent's exit     end with its reason   end with its reason                 later: it is ending
 *      requests          later                 as above                            its end is the answer
 *      stranger's exit,  later                 logged and dropped                  dropped
 *        other messages
 *      kill              dies at once in every state; its links end the children, in no order
 *
 *      later: it stays in the mailbox, in its place.  end: the children stop in reverse, it exits.
 *      (3) with {shutdown, {failed_to_start_child, Id, Reason}}
 */
#include "supervisor/supervisor.h"

#include <sys/random.h>

#include "actors/actor.h"
#include "actors/calling.h"
#include "actors/simulation.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"

typedef struct cop__supervisor supervisor;

/* ---- What it hears -------------------------------------------------------------------- */

static void on_started(supervisor *self, const cop_started *started)
{
        struct cop__await *await;
        struct cop__child *child = cop__roster_by_ref(self->roster, started->ref, &await);
        if (child != NULL && await == &child->news)
                cop__child_has_started(self, child, started);
        cop__regrow_go(self);
}

static void on_down(supervisor *self, const cop_down *down)
{
        struct cop__await *await;
        struct cop__child *child = cop__roster_by_ref(self->roster, down->ref, &await);
        if (child != NULL && await == &child->news)
                cop__child_is_down(self, child, down->reason);
        cop__regrow_go(self);
}

static void on_tick(supervisor *self, const cop__supervisor_tick *tick)
{
        struct cop__await *await;
        struct cop__child *child = cop__roster_by_ref(self->roster, tick->ref, &await);
        if (cop_ref_equal(tick->ref, self->group_tick)) {
                cop__group_hears_tick(self);
        } else if (child != NULL && await == &child->tick) {
                cop__roster_await(self->roster, await, (cop_ref){ 0 });
                cop__child_hears_tick(self, child);
        }
        cop__regrow_go(self);
}

/* A link or an exit signal of someone else, or what a child has sent that is dead or not. */
static void ignore_exit(const supervisor *self, const cop_exited *exited)
{
        char pid[COP_ID_TEXT_MAX], reason[160];
        cop_term_print(exited->reason, cop_node_kinds(cop_node_here()), reason, sizeof(reason));
        cop__log_sentence(COP_LOG_WARNING,
                          "%s ignored an exit signal from %s, which is neither its parent's nor the end of a "
                          "child: %s",
                          self->label, cop_pid_print(exited->pid, pid), reason);
}

/* The end of a child is told by its link: what it has sent itself may be read after its end, and is somebody's word only. */
static void hear_exit(supervisor *self, const struct cop__signal *signal)
{
        const cop_exited *exited = cop__signal_body(signal);
        struct cop__child *child = cop__roster_by_pid(self->roster, exited->pid);
        if (child == NULL || !(signal->flags & COP__SIGNAL_THROUGH))
                ignore_exit(self, exited);
        else
                cop__child_has_ended(self, child, exited->reason);
        cop__regrow_go(self);
}

static void on_exited(supervisor *self, const cop_exited *exited)
{
        (void)exited;
        hear_exit(self, cop__actor_here()->current);
}

/* ---- Waiting, in init and terminate ----------------------------------------------------- */

/* What it waits for is the start of a child: who calls it, or waits for its own start, waits for
 * that, too. */
static int64_t pause_for(const struct cop__child *child)
{
        if (child == NULL || child->state != COP__CHILD_STARTING || child->ignored)
                return COP_FOREVER;
        return cop__calling_start_wait(cop__actor_here(), (cop_ref){ child->news.node.key },
                                       child->pid);
}

/* The next thing that happens to the children. All else stays in the mailbox. */
static void wait_in_init(supervisor *self)
{
        cop_pid child = self->at != NULL ? self->at->pid : cop_no_pid();
        cop_pid parent = cop_parent();
        const cop_pattern patterns[] = {
                COP_KIND(cop_started),
                COP_KIND(cop_down),
                COP_KIND(cop__supervisor_tick),
                { .kind = COP_KIND_OF(cop_exited), .from = child.bits != 0 ? child : parent },
                { .kind = COP_KIND_OF(cop_exited), .from = parent },
        };
        size_t count = COP__COUNT(patterns) - (parent.bits == 0);
        cop_message *message = cop_receive_any_of(pause_for(self->at), patterns, count);
        cop__calling_end(cop__calling_own(cop__actor_here()));
        if (message == NULL)
                return;
        const cop_started *started = cop_read(cop_started, message);
        const cop_down *down = cop_read(cop_down, message);
        const cop_exited *exited = cop_read(cop_exited, message);
        if (started != NULL)
                on_started(self, started);
        else if (down != NULL)
                on_down(self, down);
        else if (exited == NULL)
                on_tick(self, cop_read(cop__supervisor_tick, message));
        else if (cop_pid_equal(exited->pid, parent))
                cop__supervisor_end(self, exited->reason);
        else
                hear_exit(self, (const struct cop__signal *)message);
        cop_message_free(message);
}

static void wait_in_end(supervisor *self)
{
        cop_auto message = cop_receive(COP_FOREVER, COP_KIND(cop_down), COP_KIND(cop_exited),
                                       COP_KIND(cop__supervisor_tick));
        const cop_down *down = cop_read(cop_down, message);
        const cop_exited *exited = cop_read(cop_exited, message);
        if (down != NULL)
                on_down(self, down);
        else if (exited == NULL)
                on_tick(self, cop_read(cop__supervisor_tick, message));
        else if (cop__roster_by_pid(self->roster, exited->pid) != NULL)
                hear_exit(self, (const struct cop__signal *)message);
}

/* ---- Ending --------------------------------------------------------------------------- */

/* From here on none of those without a process may get one: what it waits for, a name or a
 * delay, is called off. */
static void call_off_all(supervisor *self)
{
        struct cop__child *child = cop__roster_first(self->roster);
        for (; child != NULL; child = cop__roster_next(self->roster, child)) {
                if (cop__child_has_process(child))
                        continue;
                cop__tell_rests(self, child);
                cop__child_call_off(self, child);
        }
}

/* Dynamic children are stopped all at once: nobody depends on the order of who came when. */
static void stop_all(supervisor *self)
{
        bool together = self->spec->strategy == COP_DYNAMIC;
        struct cop__child *child = cop__roster_last(self->roster), *before;
        self->ending = true;
        self->disordered = false;
        self->regrow = COP__REGROW_IDLE;
        cop__list_init(&self->due);
        call_off_all(self);
        for (; child != NULL; child = before) {
                if (cop__child_has_process(child) && child->state != COP__CHILD_STOPPING)
                        cop__child_stop(self, child);
                while (!together && cop__child_has_process(child))
                        wait_in_end(self);
                before = cop__roster_before(self->roster, child);
        }
        while (self->roster->active > 0)
                wait_in_end(self);
}

/* After init, terminate stops the children; before, it is not called. */
COP__NORETURN void cop__supervisor_end(supervisor *self, cop_term reason)
{
        if (!self->started)
                stop_all(self);
        cop_exit(reason);
}

static void terminate(supervisor *self, cop_term reason)
{
        (void)reason;
        if (!self->ending)
                stop_all(self);
}

/* ---- Starting ------------------------------------------------------------------------- */

static COP__NORETURN void no_memory(void)
{
        cop_exit(COP_TUPLE(cop_atom("system_limit"), cop_atom("start")));
}

static void allocate_state(supervisor *self, cop_buffer *tree)
{
        const struct cop__supervisor_spec *spec = self->spec;
        self->roster = cop__roster_new(tree, spec->strategy != COP_DYNAMIC);
        uint64_t *times = self->roster != NULL ? cop__malloc(cop__intensity_size(spec->intensity)) : NULL;
        if (times == NULL)
                no_memory();
        cop__roster_retime(self->roster, times);
        cop__intensity_init(&self->intensity, times, spec->intensity, spec->period_ms);
        for (uint32_t i = 0; i < spec->child_count; i++) {
                struct cop__child *child = cop__roster_add(self->roster, &spec->children[i], tree,
                                                           NULL);
                if (child == NULL)
                        no_memory();
                cop__roster_set(self->roster, child, COP__CHILD_WAITING, cop_no_pid());
        }
}

/* Hosts that run the same program, and lose the same thing at once, shall not come back in step. Where the system has no number
 * to give, the clock is one. */
uint64_t cop__supervisor_chance(const struct cop_node *node, cop_pid self)
{
        const struct cop__simulation *simulation = cop__simulation_of(node);
        uint64_t drawn;
        if (simulation != NULL)
                drawn = simulation->options.seed;
        else if (getrandom(&drawn, sizeof(drawn), GRND_NONBLOCK) != (ssize_t)sizeof(drawn))
                drawn = cop__clock_ns();
        return cop__mix(cop__mix(drawn) + self.bits);
}

static void init(supervisor *self, const cop__supervisor_start *start)
{
        cop_trap_exit(true);
        self->spec = (const void *)start->spec.data;
        self->label = self->spec->label;
        self->is_done = (uint32_t *)(uintptr_t)start->is_done;
        cop__list_init(&self->due);
        allocate_state(self, start->spec.buffer);
        cop__regrow_begin(self);
        cop__regrow_go(self);
        while (self->regrow != COP__REGROW_IDLE)
                wait_in_init(self);
        self->started = true;
}

COP_SERVER(supervisor, COP_INIT_WITH(cop__supervisor_start, init), COP_ON(cop_exited, on_exited),
           COP_ON(cop_started, on_started), COP_ON(cop_down, on_down),
           COP_ON(cop__supervisor_tick, on_tick), COP_ON(cop__start_child, cop__on_start_child),
           COP_ON(cop__ask_child, cop__on_ask_child), COP_ON(cop__get_child, cop__on_get_child),
           COP_ON(cop__children, cop__on_children), COP_ON(cop__count, cop__on_count),
           COP_ON(cop__explain_tree, cop__on_explain),
           COP_ON(cop__replace_specs, cop__on_replace_specs), COP_TERMINATE(terminate));

const cop_behaviour *cop__supervisor_behaviour(void)
{
        return &supervisor_server;
}
