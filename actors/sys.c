/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* What sys asks for, done in the server's own turn. See sys.h. */
#include "actors/sys.h"

#include <stdlib.h>

#include "actors/calling.h"
#include "actors/machine.h"
#include "actors/neighbours.h"
#include "actors/observe.h"
#include "actors/outpost_sys.h"
#include "actors/server.h"
#include "actors/task.h"
#include "base/clock.h"

/* ---- Answers ---------------------------------------------------------------------------- */

void cop__sys_reply(struct cop__actor *actor, struct cop__signal *request, cop_status status,
                    cop_term term)
{
        struct cop__thread *thread = cop__thread_here();
        cop__sys_answer body = { status, term };
        struct cop__signal *reply;
        status = cop__signal_owed(&thread->pool, COP_KIND_OF(cop__sys_answer), &body, &reply);
        if (status != COP_OK) {
                cop__fail_call(thread, cop__actor_pid(actor), request, COP__FAILED_NO_MEMORY, NULL);
                return;
        }
        reply->type = COP__SIGNAL_REPLY;
        reply->ref = request->ref;
        reply->from = cop__actor_pid(actor);
        cop__send_signal(thread, request->from, reply);
        cop__signal_free(&thread->pool, request);
}

/* ---- Where a request waits ---------------------------------------------------------------- */

/* Can it be done there? See sys.h. Where there is no state to be seen, that can be said at once. */
static bool is_for_a_glance(const struct cop__actor *actor, const struct cop__signal *asked)
{
        int64_t what = ((const cop__sys_request *)cop__signal_body(asked))->what;
        if (cop__sys_is_aside((enum cop__sys_what)what))
                return true;
        if (cop__is_outpost(actor)) /* whose process judges for itself, when what came before is there */
                return false;
        if ((what == COP__SYS_REPLACE_STATE || what == COP__SYS_GET_STATE) &&
            !cop__state_can_be_seen(actor))
                return true;
        return cop__in_function(actor) && what != COP__SYS_REPLACE_STATE;
}

static void ask(struct cop__actor *actor, struct cop__signal *request)
{
        cop__mailbox_append(&actor->rare->asked, request);
        actor->aside |= COP__ASIDE_ASKED;
}

/* Is it to wait for the messages in the mailbox? In the middle of a callback that waits not what is done right there. */
static bool has_its_turn(const struct cop__actor *actor, const struct cop__signal *request)
{
        if (actor->server == NULL || actor->server == &cop__task_behaviour ||
            actor->mailbox.first == NULL)
                return false;
        return actor->current == NULL || !is_for_a_glance(actor, request);
}

static void count_queued(struct cop__actor *actor, const struct cop__signal *request)
{
        actor->aside |= COP__ASIDE_QUEUED;
        actor->rare->queued++;
        if (is_for_a_glance(actor, request))
                actor->rare->queued_for_glance++;
}

static void queue(struct cop__actor *actor, struct cop__signal *request)
{
        cop__mailbox_append(&actor->mailbox, request);
        count_queued(actor, request);
}

void cop__sys_give_way(struct cop__actor *actor)
{
        struct cop__signal *request = NULL;
        if (!(actor->aside & COP__ASIDE_ASKED))
                return;
        while ((request = cop__mailbox_after(&actor->rare->asked, request)) != NULL)
                count_queued(actor, request);
        cop__machine_prepend(&actor->mailbox, &actor->rare->asked);
        actor->aside &= (uint8_t)~COP__ASIDE_ASKED;
}

void cop__sys_due(struct cop__actor *actor, struct cop__signal *request)
{
        struct cop__rare *rare = actor->rare;
        if (--rare->queued == 0) {
                rare->queued_for_glance = 0; /* an upgrade may have changed what is */
                actor->aside &= (uint8_t)~COP__ASIDE_QUEUED;
        }
        ask(actor, request);
}

static void call_up(struct cop__actor *actor, struct cop__signal *before, struct cop__signal *request)
{
        cop__mailbox_remove(&actor->mailbox, before, request);
        actor->mailbox.overtaken = true; /* a search may have got as far as that */
        if (actor->rare->looked_at == request)
                actor->rare->looked_at = before;
        cop__sys_due(actor, request);
}

/* Those in the mailbox that are for a glance are due, in their order. */
static void call_up_for_glance(struct cop__actor *actor)
{
        struct cop__signal *before = NULL, *next;
        while (actor->aside & COP__ASIDE_QUEUED &&
               (next = cop__mailbox_after(&actor->mailbox, before)) != NULL) {
                if (next->type == COP__SIGNAL_SYS && is_for_a_glance(actor, next))
                        call_up(actor, before, next);
                else
                        before = next;
        }
        actor->rare->queued_for_glance = 0;
}

bool cop__sys_has_next(struct cop__actor *actor)
{
        struct cop__signal *before = NULL, *next;
        if (actor->aside & COP__ASIDE_ASKED)
                return true;
        if (!(actor->aside & COP__ASIDE_SUSPENDED) || !(actor->aside & COP__ASIDE_QUEUED))
                return false;
        while ((next = cop__mailbox_after(&actor->mailbox, before))->type != COP__SIGNAL_SYS)
                before = next;
        call_up(actor, before, next);
        return true;
}

void cop__sys_take_in(struct cop__thread *thread, struct cop__actor *actor,
                      struct cop__signal *signal)
{
        cop__queue_release(&actor->queue, &actor->cursor, &signal->node);
        if (actor->task.visitor != NULL) {
                cop__sys_reply(actor, signal, COP_E_BAD_ARGUMENT, cop_nil());
                return;
        }
        struct cop__rare *rare = cop__rare_of(actor);
        if (rare == NULL) {
                cop__fail_call(thread, cop__actor_pid(actor), signal, COP__FAILED_NO_MEMORY, NULL);
                return;
        }
        if (has_its_turn(actor, signal))
                queue(actor, signal);
        else
                ask(actor, signal);
}

static struct cop__signal *take_first(struct cop__actor *actor)
{
        struct cop__rare *rare = actor->rare;
        struct cop__signal *request = cop__mailbox_take_first(&rare->asked);
        if (rare->asked.first == NULL)
                actor->aside &= (uint8_t)~COP__ASIDE_ASKED;
        return request;
}

/* The request at the head has been carried out. */
static void done(struct cop__actor *actor, cop_status status, cop_term term)
{
        cop__sys_reply(actor, take_first(actor), status, term);
}

/* Nobody waits for it any more: it is not carried out. But for a stop: that was meant, whoever
 * saw it through. */
static void forget(struct cop__actor *actor)
{
        struct cop__signal *request = take_first(actor);
        cop__calling_drop(cop__thread_here(), actor, request);
}

/* ---- State ------------------------------------------------------------------------------ */

static void get_state(struct cop__actor *actor)
{
        cop_term term = cop_nil();
        cop_status status = cop__state_seen(actor, &term);
        done(actor, status, term);
        if (status == COP_OK)
                cop_term_free(term);
}

static void replace_state(struct cop__actor *actor, cop_term term)
{
        cop_parse_error error = { 0, "" };
        cop_status status = cop__state_replace(actor, term, &error);
        done(actor, status, cop_string(error.text));
}

/* ---- Suspension --------------------------------------------------------------------------- */

static void suspend(struct cop__actor *actor)
{
        if (!(actor->aside & COP__ASIDE_SUSPENDED))
                actor->rare->looked_at = NULL;
        actor->aside |= COP__ASIDE_SUSPENDED;
        done(actor, COP_OK, cop_nil());
}

static void resume(struct cop__actor *actor)
{
        actor->aside &= (uint8_t)~COP__ASIDE_SUSPENDED;
        actor->rare->looked_at = NULL;
        actor->rare->idle_due_ns = 0;
        done(actor, COP_OK, cop_nil());
}

/* ---- Observation -------------------------------------------------------------------------- */

static void trace(struct cop__actor *actor, bool on, cop_pid observer)
{
        if (cop_pid_equal(observer, cop__actor_pid(actor)))
                done(actor, COP_E_BAD_ARGUMENT, cop_nil());
        else if (on && cop__pid_node(observer) != 0) /* whose end nobody here could tell */
                done(actor, COP_E_NOT_LOCAL, cop_nil());
        else
                done(actor, cop__observe_trace(actor, on, observer), cop_nil());
}

static void get_log(struct cop__actor *actor)
{
        cop_term *items;
        size_t count;
        cop_status status = cop__observation_log(actor->rare->observation, &items, &count);
        if (status != COP_OK) {
                done(actor, status, cop_nil());
                return;
        }
        done(actor, COP_OK, cop_list_of(items, count));
        free(items);
}

static cop_term counts_of(const struct cop__observation *observation, cop_term items[3])
{
        items[0] = cop_int((int64_t)((cop__clock_ns() - observation->since_ns) / COP__NS_PER_MS));
        items[1] = cop_int((int64_t)observation->messages);
        items[2] = cop_int((int64_t)observation->replies);
        return cop_tuple_of(items, 3);
}

static void get_count(struct cop__actor *actor)
{
        const struct cop__observation *observation = actor->rare->observation;
        cop_term items[3];
        if (observation == NULL || !observation->counted)
                done(actor, COP_E_NOT_FOUND, cop_nil());
        else
                done(actor, COP_OK, counts_of(observation, items));
}

/* ---- Status ------------------------------------------------------------------------------- */

static cop_term trace_of(const struct cop__observation *observation)
{
        if (observation == NULL || !observation->traced)
                return cop_atom("off");
        return observation->observer.bits != 0 ? cop_pid_term(observation->observer)
                                               : cop_atom("log");
}

/* Whose answer it cannot go on without, or the atom nobody. */
static cop_term waited_for(struct cop__actor *actor)
{
        const struct cop__calling *own = cop__calling_own(actor);
        return cop__load_relaxed(&own->waits) != 0
                       ? cop_pid_term((cop_pid){ cop__load_relaxed(&own->callee) })
                       : cop_atom("nobody");
}

/* In the middle of a callback the state of a server may be half of this and half of that: nobody
 * looks at it. */
static cop_status state_for_status(struct cop__actor *actor, bool in_the_middle, cop_term *state)
{
        *state = cop_atom("undefined");
        if (!in_the_middle || cop__in_function(actor))
                return cop__state_told(actor, state);
        *state = cop_atom("busy");
        return COP_E_BAD_ARGUMENT;
}

static const char *word_of(const struct cop__actor *actor, bool in_the_middle)
{
        if (actor->aside & COP__ASIDE_SUSPENDED)
                return "suspended";
        return in_the_middle ? "waiting" : "running";
}

static void get_status(struct cop__actor *actor, bool in_the_middle)
{
        cop_term state, items[3];
        cop_status shown = state_for_status(actor, in_the_middle, &state);
        const struct cop__observation *observation = actor->rare->observation;
        bool counted = observation != NULL && observation->counted;
        char called[COP__RUNS_MAX];
        cop__what_runs(actor, called);
        if (shown == COP_E_DIED)
                state = cop_atom("format_status_failed");
        if (shown == COP_E_MALFORMED)
                state = cop_atom("does_not_cross");
        done(actor, COP_OK,
             COP_MAP(cop_atom("server"), cop_atom(called),
                     cop_atom("status"), cop_atom(word_of(actor, in_the_middle)),
                     cop_atom("waits_for"), waited_for(actor),
                     cop_atom("parent"), cop_pid_term(actor->parent),
                     cop_atom("messages"), cop_int(cop__unread(actor)),
                     cop_atom("handled"), cop_int((int64_t)actor->handled),
                     cop_atom("trace"), trace_of(observation),
                     cop_atom("log"), cop_int(observation != NULL ? observation->room : 0),
                     cop_atom("statistics"),
                     counted ? counts_of(observation, items) : cop_atom("off"),
                     cop_atom("state"), state));
        if (shown == COP_OK)
                cop_term_free(state);
}

/* ---- One request ---------------------------------------------------------------------------- */

/* One from the node, in the actor's own process, is no call there, and nobody says when it is over. */
static bool is_over(const struct cop__signal *asked)
{
        const cop__sys_request *request = cop__signal_body(asked);
        return request->what != COP__SYS_STOP && asked->flags & COP__SIGNAL_CALL &&
               cop__calling_is_over(cop__node_of(cop__thread_here()), asked);
}

static void act(struct cop__actor *actor, bool in_the_middle)
{
        struct cop__signal *asked = actor->rare->asked.first;
        const cop__sys_request *request = cop__signal_body(asked);
        if (is_over(asked)) {
                forget(actor);
                return;
        }
        if (cop__is_outpost(actor) &&
            cop__outpost_sys_passes(actor, (enum cop__sys_what)request->what)) {
                cop__outpost_sys_ask(actor, take_first(actor));
                return;
        }
        if (cop__in_function(actor) &&
            (request->what == COP__SYS_STOP || request->what == COP__SYS_UPGRADE)) {
                done(actor, COP_E_BAD_ARGUMENT, cop_nil());
                return;
        }
        switch ((enum cop__sys_what)request->what) {
        case COP__SYS_GET_STATE:
                get_state(actor);
                return;
        case COP__SYS_REPLACE_STATE:
                replace_state(actor, request->term);
                return;
        case COP__SYS_SUSPEND:
                suspend(actor);
                return;
        case COP__SYS_RESUME:
                resume(actor);
                return;
        case COP__SYS_TRACE:
                trace(actor, request->number != 0, request->pid);
                return;
        case COP__SYS_LOG:
                done(actor, cop__observe_log(actor, (uint32_t)request->number), cop_nil());
                return;
        case COP__SYS_GET_LOG:
                get_log(actor);
                return;
        case COP__SYS_COUNT:
                done(actor, cop__observe_count(actor, request->number != 0), cop_nil());
                return;
        case COP__SYS_GET_COUNT:
                get_count(actor);
                return;
        case COP__SYS_GET_STATUS:
                get_status(actor, in_the_middle);
                return;
        case COP__SYS_UPGRADE:
                done(actor,
                     cop__server_upgrade(actor, (const cop_behaviour *)(uintptr_t)request->number),
                     cop_nil());
                return;
        case COP__SYS_SETTLE:
                done(actor, COP_OK, cop_nil());
                return;
        case COP__SYS_STOP:
                cop__exit_told(actor, request->term);
        }
}

void cop__sys_act(struct cop__actor *actor)
{
        act(actor, false);
}

/* ---- In the middle of something -------------------------------------------------------------- */

static void put_first(struct cop__mailbox *asked, struct cop__signal *request)
{
        cop__store_relaxed(&request->node.next, asked->first != NULL ? &asked->first->node : NULL);
        if (asked->first == NULL)
                asked->last = request;
        asked->first = request;
        cop__store_relaxed(&asked->count, asked->count + 1);
}

/* The next one that can be done here goes to the head of the list, where it is carried out. */
static bool find_for_a_glance(struct cop__actor *actor)
{
        struct cop__mailbox *asked = &actor->rare->asked;
        struct cop__signal *before = NULL, *request = asked->first;
        for (uint32_t left = asked->count; left > 0; left--) {
                if (is_for_a_glance(actor, request)) {
                        cop__mailbox_remove(asked, before, request);
                        put_first(asked, request);
                        return true;
                }
                before = request;
                if (left > 1)
                        request = cop__signal_of(cop__load_relaxed(&request->node.next));
        }
        return false;
}

void cop__sys_glance(struct cop__actor *actor)
{
        if (actor->rare->queued_for_glance > 0)
                call_up_for_glance(actor);
        while (actor->aside & COP__ASIDE_ASKED && find_for_a_glance(actor))
                act(actor, true);
}

/* ---- Functions ------------------------------------------------------------------------------- */

bool cop__in_function(const struct cop__actor *actor)
{
        return actor->server == NULL ||
               (actor->server == &cop__task_behaviour && actor->current != NULL);
}

void cop__sys_rest(struct cop__actor *actor, const void *where)
{
        for (;;) {
                while (actor->aside & COP__ASIDE_ASKED)
                        cop__sys_act(actor);
                if (!(actor->aside & COP__ASIDE_SUSPENDED))
                        return;
                cop__wait(actor, UINT64_MAX, where);
                cop__drain(actor);
        }
}

cop_status cop_sys_show_value(const cop_kind *kind, void *state)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor == NULL)
                return COP_E_NO_NODE;
        if (!cop__in_function(actor) || actor->task.visitor != NULL ||
            (state != NULL && kind == NULL))
                return COP_E_BAD_ARGUMENT;
        struct cop__rare *rare = cop__rare_of(actor);
        if (rare == NULL)
                return COP_E_NO_MEMORY;
        rare->shown_kind = kind;
        rare->shown = state;
        return COP_OK;
}
