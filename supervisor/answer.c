/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What a supervisor answers: the requests of children.h, on its side.
 *
 * A request that has to wait, for a start or a stop, leaves its caller with the child (struct cop__waiter) and the supervisor
 * goes on; each caller is answered once, with the child's next news or, if the supervisor ends first, by its end.
 */
#include <stdlib.h>
#include <string.h>

#include "actors/actor.h"
#include "actors/calling.h"
#include "actors/relation.h"
#include "base/clock.h"
#include "base/memory.h"
#include "supervisor/supervisor.h"

/* ---- Callers -------------------------------------------------------------------------- */

/* An answer that cannot be made for want of memory is tried again, and in the end its caller hears that there is none. */
#define ANSWER_TRIES 1000

static void answer_later(cop_caller caller, const cop__child_answer *answer)
{
        for (int i = 0; i < ANSWER_TRIES; i++) {
                cop_status status = cop__reply_owed(caller, COP_KIND_OF(cop__child_answer), answer);
                if (status != COP_E_NO_MEMORY && status != COP_E_OVERLOAD)
                        return;
                cop_yield();
        }
        cop__watch_fail(cop__thread_here(), cop__actor_here(), caller);
}

/* The request that is being handled is answered; without memory for that its caller hears that there is no answer. */
static void refuse(cop_status status, cop_pid pid)
{
        COP__REPLY_OWED(cop__child_answer, .status = (int32_t)status, .pid = pid);
}

static void agree(void)
{
        refuse(COP_OK, cop_no_pid());
}

void cop__answer_waiters(struct cop__supervisor *self, struct cop__child *child, bool for_start,
                         const cop__child_answer *news)
{
        struct cop__waiter **at = &child->waiters;
        while (*at != NULL) {
                struct cop__waiter *waiter = *at;
                if (waiter->for_start != for_start) {
                        at = &waiter->next;
                        continue;
                }
                cop_caller caller = waiter->caller;
                *at = waiter->next;
                self->roster->waiters -= for_start;
                cop__waiter_free(waiter); /* first: a kill may end us at the answer */
                answer_later(caller, news);
        }
}

/* The caller of the request that is being handled is answered later. False: he has been told that there is no memory. */
static bool keep_caller(struct cop__supervisor *self, struct cop__child *child, bool for_start)
{
        struct cop__waiter *waiter = cop__malloc(sizeof(*waiter));
        struct cop__signal *hinge = NULL;
        cop_caller caller = { { 0 }, { 0 } };
        if (waiter != NULL && for_start)
                hinge = cop__calling_hinge_new(cop__thread_here());
        if (waiter != NULL && (!for_start || hinge != NULL))
                caller = cop_defer();
        if (caller.pid.bits == 0) {
                if (hinge != NULL)
                        cop__signal_free(&cop__thread_here()->pool, hinge);
                free(waiter);
                refuse(COP_E_NO_MEMORY, cop_no_pid());
                return false;
        }
        *waiter = (struct cop__waiter){ child->waiters, caller, for_start, hinge };
        child->waiters = waiter;
        self->roster->waiters += for_start;
        return true;
}

/* ---- Start ---------------------------------------------------------------------------- */

static bool is_bare(const struct cop__child_spec *spec)
{
        return spec->spawn.server == NULL && spec->spawn.run == NULL && spec->spawn.run_with == NULL &&
               spec->supervisor == NULL;
}

/* NULL: the new one fits; else what is wrong with it. */
static const char *misfit(const struct cop__supervisor *self, const struct cop__child_spec *spec)
{
        const struct cop__child_spec *each = self->spec->each;
        if (each == NULL && is_bare(spec))
                return "nothing says what it runs";
        if (each == NULL && self->roster->keyed && !spec->has_id)
                return "id is NULL; only children of a dynamic supervisor need none";
        if (each == NULL)
                return cop__child_misfit(spec, self->spec->strategy, self->spec->auto_shutdown);
        if (!is_bare(spec))
                return "its supervisor says by `each` what it runs; set only kind and argument";
        return cop__child_misfit_argument(each, spec->spawn.kind != NULL ? spec->spawn.kind : each->spawn.kind);
}

static struct cop__child *add_child(struct cop__supervisor *self,
                                    const struct cop__child_spec *spec, cop_buffer *buffer)
{
        const struct cop__child_spec *each = self->spec->each;
        if (each == NULL)
                return cop__roster_add(self->roster, spec, buffer, buffer);
        struct cop__child *child = cop__roster_add(self->roster, each, self->roster->tree, buffer);
        if (child != NULL && spec->spawn.kind != NULL) {
                child->kind = spec->spawn.kind;
                child->argument = spec->spawn.argument;
        }
        return child;
}

/* Is the caller in its start, which its supervisor waits for in its own, and so on up to `pid`? It sleeps in its call. */
static bool starts_within(cop_pid caller, cop_pid pid)
{
        struct cop_node *node = cop_node_here();
        while (!cop_pid_equal(caller, pid)) {
                const struct cop__actor *actor = cop__slot_of(node, caller);
                if (actor == NULL || !cop__slot_is(actor, caller) || cop__load_relaxed(&actor->init_done))
                        return false;
                caller.bits = cop__load_relaxed(&actor->parent.bits);
                actor = cop__slot_of(node, caller);
                if (actor == NULL || cop__load_relaxed(&actor->server) != cop__supervisor_behaviour())
                        return false;
        }
        return true;
}

/* A start that comes after the one whose end waits for this answer would never come. True: the caller has been told. */
static bool refuses_ring(struct cop__supervisor *self, const char *id)
{
        const struct cop__child *at = self->regrow == COP__REGROW_STARTS ? self->at : NULL;
        const cop_pid caller = cop__actor_here()->current->from;
        if (at == NULL || at->state != COP__CHILD_STARTING || !starts_within(caller, at->pid))
                return false;
        const cop_term ring[] = { cop_pid_term(caller), cop_pid_term(cop_self()) };
        cop__log_sentence(COP_LOG_ERROR,
                          "your program: a ring in which nobody can go on: the start of %s waits for that of %s, which %s "
                          "would begin after it. The call has failed",
                          at->spec->id, id, self->label);
        COP__REPLY_OWED(cop__child_answer, .status = COP_E_CYCLE,
                        .reason = COP_TUPLE(cop_atom("calling_cycle"), cop_list_of(ring, COP__COUNT(ring))));
        return true;
}

/* With the caller kept. It starts when its turn comes, if a group is on the way to it: then he waits for whoever starts now. */
static void start_asked(struct cop__supervisor *self, struct cop__child *child)
{
        child->asked = true;
        cop__roster_set(self->roster, child, COP__CHILD_WAITING, cop_no_pid());
        if (!cop__regrow_reaches(self, child))
                cop__child_begin(self, child);
        else if (self->regrow == COP__REGROW_STARTS && self->at->state == COP__CHILD_STARTING)
                cop__child_tell_waiters(child, self->at->pid);
        cop__regrow_go(self);
}

void cop__on_start_child(struct cop__supervisor *self, const cop__start_child *request)
{
        const struct cop__child_spec *spec = (const void *)request->spec.data;
        const char *wrong = misfit(self, spec);
        if (wrong != NULL) {
                cop__log_sentence(COP_LOG_ERROR, "your program: cop_start_child: %s: child %s: %s",
                                  self->label, spec->id, wrong);
                refuse(COP_E_BAD_ARGUMENT, cop_no_pid());
                return;
        }
        struct cop__child *child = self->roster->keyed ? cop__roster_by_id(self->roster, spec->id,
                                                                           strlen(spec->id))
                                                       : NULL;
        if (child != NULL) {
                refuse(cop__child_has_process(child) ? COP_E_ALREADY_STARTED
                                                     : COP_E_ALREADY_PRESENT,
                       child->pid);
                return;
        }
        if (self->roster->count >= self->spec->max_children) {
                refuse(COP_E_MAX_CHILDREN, cop_no_pid());
                return;
        }
        if (refuses_ring(self, spec->id))
                return;
        child = add_child(self, spec, request->spec.buffer);
        if (child == NULL) {
                refuse(COP_E_NO_MEMORY, cop_no_pid());
                return;
        }
        if (!keep_caller(self, child, true)) {
                cop__roster_remove(self->roster, child);
                return;
        }
        child->fresh = true;
        start_asked(self, child);
}

/* ---- Wishes --------------------------------------------------------------------------- */

/* The one that was asked for, NULL: there is none, and the caller has been told. */
static struct cop__child *found(struct cop__child *child)
{
        if (child == NULL)
                refuse(COP_E_NOT_FOUND, cop_no_pid());
        return child;
}

/* To look at, by pid or id. */
static struct cop__child *find(const struct cop__supervisor *self, cop_pid pid, cop_text id)
{
        if (pid.bits == 0 && !self->roster->keyed) {
                refuse(COP_E_DYNAMIC, cop_no_pid());
                return NULL;
        }
        return found(pid.bits != 0 ? cop__roster_by_known(self->roster, pid)
                                   : cop__roster_by_id(self->roster, id.data, id.size));
}

/* To change, as OTP has it: by id, or by pid where ids do not count. A pid could be that of a life which is over. */
static struct cop__child *find_named(const struct cop__supervisor *self, cop_pid pid, cop_text id)
{
        if (pid.bits != 0 && self->roster->keyed)
                return found(NULL);
        return find(self, pid, id);
}

static void terminate_child(struct cop__supervisor *self, struct cop__child *child)
{
        if (!cop__child_has_process(child)) {
                if (child->state == COP__CHILD_RESTARTING || child->resumes)
                        cop__regrow_pass(self, child);
                cop__child_rests(self, child);
                agree();
                return;
        }
        if (!keep_caller(self, child, false))
                return;
        child->back = false;
        if (child->state != COP__CHILD_STOPPING)
                cop__child_stop(self, child);
}

static void restart_child(struct cop__supervisor *self, struct cop__child *child)
{
        if (!self->roster->keyed && child->state != COP__CHILD_OPEN) {
                refuse(COP_E_DYNAMIC, cop_no_pid());
                return;
        }
        if (cop__child_has_process(child)) {
                refuse(COP_E_RUNNING, cop_no_pid());
                return;
        }
        if (child->state != COP__CHILD_STOPPED && child->state != COP__CHILD_OPEN) {
                refuse(COP_E_RESTARTING, cop_no_pid());
                return;
        }
        if (cop__regrow_reaches(self, child) && refuses_ring(self, child->spec->id))
                return;
        if (!keep_caller(self, child, true))
                return;
        uint64_t open_until_ns = child->open_until_ns;
        cop__child_call_off(self, child);
        child->open_until_ns = open_until_ns;
        start_asked(self, child);
}

static void delete_child(struct cop__supervisor *self, struct cop__child *child)
{
        if (!self->roster->keyed)
                refuse(COP_E_DYNAMIC, cop_no_pid());
        else if (cop__child_has_process(child))
                refuse(COP_E_RUNNING, cop_no_pid());
        else if (child->state != COP__CHILD_STOPPED)
                refuse(COP_E_RESTARTING, cop_no_pid());
        else {
                cop__regrow_forget(self, child);
                cop__roster_remove(self->roster, child);
                agree();
        }
}

void cop__on_ask_child(struct cop__supervisor *self, const cop__ask_child *request)
{
        struct cop__child *child = find_named(self, request->pid, request->id);
        if (child == NULL)
                return;
        switch (request->wish) {
        case COP__TERMINATE_CHILD:
                terminate_child(self, child);
                break;
        case COP__RESTART_CHILD:
                restart_child(self, child);
                break;
        case COP__DELETE_CHILD:
                delete_child(self, child);
                break;
        default:
                refuse(COP_E_BAD_ARGUMENT, cop_no_pid());
        }
        cop__regrow_go(self);
}

/* ---- Looking -------------------------------------------------------------------------- */

static const char *type_of(const struct cop__child_spec *spec)
{
        return spec->supervisor != NULL ? "supervisor" : "worker";
}

void cop__on_get_child(struct cop__supervisor *self, const cop__get_child *request)
{
        const struct cop__child *child = find(self, request->pid, request->id);
        if (child == NULL)
                return;
        const struct cop__child_spec *spec = child->spec;
        COP__REPLY_OWED(cop_child_spec, .id = cop_text_of(spec->id), .name = cop_text_of(spec->spawn.name),
                        .type = cop_symbol_of(type_of(spec)),
                        .runs = cop_text_of(spec->spawn.server != NULL ? spec->spawn.server->name
                                            : spec->supervisor != NULL ? "supervisor"
                                                                       : "actor"),
                        .restart = cop_symbol_of(cop__restart_text(spec->restart)),
                        .shutdown_ms = spec->shutdown_ms, .significant = spec->significant,
                        .backoff_first_ms = spec->backoff.first_ms,
                        .backoff_max_ms = spec->backoff.max_ms,
                        .breaker_failures = spec->breaker.failures,
                        .breaker_open_ms = spec->breaker.open_ms);
}

static cop_child_state state_of(const struct cop__child *child)
{
        return (cop_child_state){
                .id = cop_text_of(child->spec->id),
                .pid = child->pid,
                .type = cop_symbol_of(type_of(child->spec)),
                .restart = cop_symbol_of(cop__restart_text(child->spec->restart)),
                .state = cop_symbol_of(cop__child_state_text(child->state)),
                .restarts = child->restarts,
        };
}

/* Without memory nothing is answered, and the caller is told so. */
void cop__on_children(struct cop__supervisor *self, const cop__children *request)
{
        const struct cop__supervisor_spec *spec = self->spec;
        cop_child_state *states = cop__alloc_owed((self->roster->count + 1) * sizeof(*states));
        size_t count = 0;
        (void)request;
        if (states == NULL)
                return;
        for (const struct cop__child *child = cop__roster_first(self->roster); child != NULL;
             child = cop__roster_next(self->roster, child))
                states[count++] = state_of(child);
        cop_children answer = {
                .name = cop_text_of(self->label),
                .strategy = cop_symbol_of(cop__strategy_text(spec->strategy)),
                .intensity = spec->intensity == COP__INTENSITY_UNLIMITED ? -1 : (int64_t)spec->intensity,
                .period_ms = spec->period_ms,
                .restarts = cop__supervisor_restarts(self),
                .children = { states, count },
        };
        cop__reply_now_owed(COP_KIND_OF(cop_children), &answer);
        cop_release(states);
}

void cop__on_count(struct cop__supervisor *self, const cop__count *request)
{
        const struct cop__roster *roster = self->roster;
        (void)request;
        COP__REPLY_OWED(cop_child_count, .specs = roster->count, .active = roster->active,
                        .supervisors = roster->supervisors,
                        .workers = (int64_t)roster->count - roster->supervisors);
}

/* ---- Other specs ---------------------------------------------------------------------- */

/* Whatever can fail is done before anything is changed: a ring for the intensity, and room for those who are new. */
static bool add_new_children(struct cop__supervisor *self, const struct cop__supervisor_spec *spec,
                             cop_buffer *buffer)
{
        uint64_t before = self->roster->last_number;
        for (uint32_t i = 0; i < spec->child_count; i++) {
                const char *id = spec->children[i].id;
                if (cop__roster_by_id(self->roster, id, strlen(id)) == NULL &&
                    cop__roster_add(self->roster, &spec->children[i], buffer, buffer) == NULL)
                        goto failed;
        }
        return true;
failed:;
        struct cop__child *last;
        while ((last = cop__roster_last(self->roster)) != NULL && last->number > before)
                cop__roster_remove(self->roster, last);
        return false;
}

static bool has_own_argument(const struct cop__child *child)
{
        return child->argument != child->spec->spawn.argument;
}

/* Does another `each` take what all of them were started with? Else it is said. */
static bool takes_arguments(const struct cop__supervisor *self, const struct cop__child_spec *each)
{
        const struct cop__child *child = cop__roster_first(self->roster);
        for (; child != NULL && each != NULL; child = cop__roster_next(self->roster, child)) {
                const char *wrong = cop__child_misfit_argument(each, has_own_argument(child) ? child->kind : each->spawn.kind);
                if (wrong == NULL)
                        continue;
                cop__log_sentence(COP_LOG_ERROR, "your program: cop_replace_specs: %s: child %s: %s", self->label,
                                  child->spec->id, wrong);
                return false;
        }
        return true;
}

/* Children that are all alike keep their own arguments. */
static void respec_each(struct cop__supervisor *self, const struct cop__child_spec *each,
                        cop_buffer *buffer)
{
        struct cop__child *child = cop__roster_first(self->roster);
        for (; child != NULL && each != NULL; child = cop__roster_next(self->roster, child)) {
                bool own = has_own_argument(child);
                cop__roster_respec(self->roster, child, each, buffer);
                child->kind = own ? child->kind : each->spawn.kind;
                child->argument = own ? child->argument : each->spawn.argument;
        }
}

static void respec_children(struct cop__supervisor *self, const struct cop__supervisor_spec *spec,
                            cop_buffer *buffer)
{
        for (uint32_t i = 0; i < spec->child_count; i++) {
                const struct cop__child_spec *new = &spec->children[i];
                struct cop__child *child =
                        cop__roster_by_id(self->roster, new->id, strlen(new->id));
                cop_buffer *old = child->share;
                cop__roster_respec(self->roster, child, new, buffer);
                child->kind = new->spawn.kind;
                child->argument = new->spawn.argument;
                child->share = cop_buffer_take(buffer);
                cop_buffer_drop(old);
        }
}

/* A child whose spec is not in the new tree goes on with the old tree's, and then needs a share of that. */
static void keep_old_tree(struct cop__supervisor *self)
{
        struct cop__child *child = cop__roster_first(self->roster);
        for (; child != NULL; child = cop__roster_next(self->roster, child))
                if (child->share == NULL)
                        child->share = cop_buffer_take(self->roster->tree);
}

void cop__on_replace_specs(struct cop__supervisor *self, const cop__replace_specs *request)
{
        const struct cop__supervisor_spec *spec = (const void *)request->spec.data;
        bool dynamic = spec->strategy == COP_DYNAMIC;
        if (dynamic != (self->spec->strategy == COP_DYNAMIC) ||
            (spec->each != NULL) != (self->spec->each != NULL) || !takes_arguments(self, spec->each)) {
                refuse(COP_E_BAD_ARGUMENT, cop_no_pid());
                return;
        }
        uint64_t *times = cop__malloc(cop__intensity_size(spec->intensity));
        if (times == NULL || !add_new_children(self, spec, request->spec.buffer)) {
                free(times);
                refuse(COP_E_NO_MEMORY, cop_no_pid());
                return;
        }
        if (!dynamic)
                keep_old_tree(self);
        respec_each(self, spec->each, request->spec.buffer);
        respec_children(self, spec, request->spec.buffer);
        struct cop__intensity intensity;
        cop__intensity_init(&intensity, times, spec->intensity, spec->period_ms);
        cop__intensity_inherit(&intensity, &self->intensity);
        cop__roster_retime(self->roster, times);
        self->intensity = intensity;
        cop__roster_replant(self->roster, request->spec.buffer);
        self->outlasted = self->outlasted && spec->auto_shutdown == COP_ALL_SIGNIFICANT;
        self->spec = spec;
        self->disordered = true;
        agree();
        cop__regrow_release(self);
        cop__regrow_go(self);
}
