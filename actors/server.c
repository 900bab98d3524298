/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* What a server does aside from its messages. See server.h. */
#include "actors/server.h"

#include <stdlib.h>
#include <string.h>

#include "actors/inside.h"
#include "actors/machine.h"
#include "actors/observe.h"
#include "actors/outpost_sys.h"
#include "actors/task.h"
#include "base/clock.h"
#include "base/memory.h"

const cop_handler *cop__server_entry(const cop_behaviour *server, cop_event event,
                                     const cop_kind *kind)
{
        for (size_t i = 0; i < server->handler_count; i++) {
                const cop_handler *entry = &server->handlers[i];
                if (entry->event != event)
                        continue;
                if (kind == NULL ? entry->kind == NULL
                                 : entry->kind != NULL && cop__kind_same(entry->kind, kind))
                        return entry;
        }
        return NULL;
}

static const cop_kind *state_kind(const cop_behaviour *server)
{
        for (size_t i = 0; i < server->handler_count; i++)
                if (server->handlers[i].event == COP_EVENT_STATE)
                        return server->handlers[i].kind;
        return NULL;
}

/* A plain one, or a task, whose server is the runtime's. */
static bool is_function(const struct cop__actor *actor)
{
        return actor->server == NULL || actor->server == &cop__task_behaviour;
}

/* What may be seen of an actor: a server's state if it says with COP_STATE what that is, a
 * function's if it has shown one. */
static const cop_kind *shown_kind(const struct cop__actor *actor)
{
        if (!is_function(actor))
                return state_kind(actor->server);
        return actor->rare != NULL && actor->rare->shown != NULL ? actor->rare->shown_kind : NULL;
}

static void *shown_state(const struct cop__actor *actor)
{
        return is_function(actor) ? actor->rare->shown : actor->state;
}

bool cop__state_can_be_seen(const struct cop__actor *actor)
{
        return shown_kind(actor) != NULL;
}

/* Whose functions what it asks for will be: in a COP_UPGRADE those of the server that it is about to become. */
static const cop_behaviour *next_server(const struct cop__actor *actor)
{
        return actor->rare != NULL && actor->rare->becomes != NULL ? actor->rare->becomes : actor->server;
}

/* ---- Continuations ------------------------------------------------------------------- */

void cop_continue_value(const cop_kind *kind, const void *value)
{
        struct cop__actor *actor = cop__actor_here();
        struct cop__signal *signal = NULL;
        cop_status status = COP_OK;
        if (actor == NULL || actor->server == NULL ||
            cop__server_entry(next_server(actor), COP_EVENT_CONTINUE, kind) == NULL) {
                cop__badarg("continue", "the caller is no server with a COP_CONTINUE for it");
                return;
        }
        struct cop__here *here = cop__here_of(cop__thread_here());
        cop__critical_enter(&here->fault);
        struct cop__rare *rare = cop__rare_of(actor);
        /* It goes on with what it has begun, which is no new work. */
        if (kind != NULL)
                status = cop__signal_owed(&cop__thread_here()->pool, kind, value, &signal);
        else
                signal = cop__signal_new(&cop__thread_here()->pool, COP__SIGNAL_REPLY, 0);
        if (signal != NULL)
                signal->type = COP__SIGNAL_MESSAGE;
        if (rare != NULL && signal != NULL) {
                cop__mailbox_append(&rare->continuations, signal);
                actor->aside |= COP__ASIDE_CONTINUE;
        } else if (signal != NULL) {
                cop__signal_free(&cop__thread_here()->pool, signal);
                signal = NULL;
        }
        cop__critical_leave(&here->fault);
        if (signal == NULL && (status == COP_OK || status == COP_E_NO_MEMORY || status == COP_E_OVERLOAD))
                cop__exit_with(actor, COP_TUPLE(cop_atom("system_limit"), cop_atom("continue")));
        if (signal == NULL)
                cop__badarg("continue", cop_status_text(status));
}

void cop__server_continue(struct cop__actor *actor)
{
        struct cop__rare *rare = actor->rare;
        struct cop__signal *signal = cop__mailbox_take_first(&rare->continuations);
        if (rare->continuations.first == NULL)
                actor->aside &= (uint8_t)~COP__ASIDE_CONTINUE;
        const cop_handler *entry =
                cop__server_entry(actor->server, COP_EVENT_CONTINUE, signal->kind);
        actor->current = signal;
        cop__store_relaxed(&actor->where, (const void *)(uintptr_t)entry->run.message);
        cop__observe_signal(actor, "continue", signal);
        entry->run.message(actor->state, cop__signal_body(signal));
        actor->current = NULL;
        cop__signal_free(&cop__thread_here()->pool, signal);
        cop__server_message_ended(actor);
}

/* ---- The time without a message ------------------------------------------------------- */

void cop_idle_after(int64_t ms)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor == NULL || actor->server == NULL ||
            cop__server_entry(next_server(actor), COP_EVENT_IDLE, NULL) == NULL) {
                cop__badarg("idle_after", "the caller is no server with a COP_IDLE");
                return;
        }
        if (ms < 0) {
                cop__badarg("idle_after", "a time is 0 or more milliseconds, or COP_FOREVER");
                return;
        }
        struct cop__rare *rare = cop__rare_of(actor);
        if (rare == NULL)
                cop__exit_with(actor, COP_TUPLE(cop_atom("system_limit"), cop_atom("idle_after")));
        rare->idle_ms = ms;
        rare->idle_due_ns = 0;
        if (ms == COP_FOREVER)
                actor->aside &= (uint8_t)~COP__ASIDE_IDLE;
        else
                actor->aside |= COP__ASIDE_IDLE;
}

static void run_idle(struct cop__actor *actor)
{
        const cop_handler *entry = cop__server_entry(actor->server, COP_EVENT_IDLE, NULL);
        cop__store_relaxed(&actor->where, (const void *)(uintptr_t)entry->run.idle);
        cop__observe(actor, "idle", cop_no_pid(), cop_nil());
        entry->run.idle(actor->state);
        cop__observe_state(actor);
}

/* The clock is read when the server has nothing to do, and not at each message: those only say
 * that it starts again. */
bool cop__server_idle(struct cop__actor *actor)
{
        struct cop__rare *rare = actor->rare;
        if (rare->idle_due_ns == 0)
                rare->idle_due_ns = cop__deadline_ns(rare->idle_ms);
        if (rare->idle_due_ns == UINT64_MAX)
                return false;
        if (cop__clock_ns() < rare->idle_due_ns) {
                if (!cop__arm_alarm(cop__thread_here(), actor, rare->idle_due_ns))
                        cop__exit_with(actor,
                                       COP_TUPLE(cop_atom("system_limit"), cop_atom("timer")));
                return false;
        }
        rare->idle_due_ns = UINT64_MAX; /* before the function, which may start it again */
        run_idle(actor);
        return true;
}

/* ---- Messages, on the long way ---------------------------------------------------------- */

/* A machine tells of its events itself, of which the message may be one, or several, or none. */
void cop__server_message_begins(struct cop__actor *actor, struct cop__signal *signal)
{
        if (actor->rare != NULL)
                actor->rare->idle_due_ns = 0; /* before the handler, which may run for long */
        if (cop__machine_of(actor) == NULL)
                cop__observe_signal(actor, "in", signal);
}

void cop__server_message_ended(struct cop__actor *actor)
{
        if (actor->rare != NULL)
                actor->rare->idle_due_ns = 0;
        if (cop__machine_of(actor) == NULL)
                cop__observe_state(actor);
}

struct cop__signal *cop__server_take_suspended(struct cop__actor *actor)
{
        struct cop__rare *rare = actor->rare;
        struct cop__mailbox *mailbox = &actor->mailbox;
        const bool is_outpost = cop__is_outpost(actor);
        struct cop__signal *next;
        while ((next = cop__mailbox_after(mailbox, rare->looked_at)) != NULL) {
                if (is_outpost && cop__outpost_goes_on_with(actor, next)) {
                        cop__mailbox_remove(mailbox, rare->looked_at, next);
                        rare->looked_at = NULL; /* whoever handles it may receive what that is */
                        return next;
                }
                rare->looked_at = next;
                if (cop__kind_same(next->kind, COP_KIND_OF(cop_exited)) &&
                    cop__is_parents_order(actor, next))
                        cop__exit_with(actor, ((const cop_exited *)cop__signal_body(next))->reason);
        }
        return NULL;
}

/* ---- Code of the user's that must not end the actor --------------------------------------- */

/* True: `run` has returned. */
static COP__NOINLINE bool run_to_end(void (*run)(void *argument), void *argument)
{
        struct cop__escape escape;
        struct cop__escape *const outer = cop__escape_here();
        bool returned = false;
        escape.top = cop__stack_pointer();
        cop__thread_here()->worker->stack->escape = &escape;
        if (COP__LAND(&escape.landing) == 0) {
                cop__guard_turn(cop__thread_here());
                run(argument);
                returned = true;
        } else {
                returned = false;
        }
        cop__thread_here()->worker->stack->escape = outer;
        cop__guard_turn(cop__thread_here());
        return returned;
}

/*
 * The escape point of the turn gives way to one in the frame beneath. Whoever leaves meanwhile lands there, and has nothing to say, since
 * the actor counts as leaving: what reason there is then is that of an exit signal, which is kept. A kill goes on, by
 * cop__guarded_over.
 */
bool cop__guarded(struct cop__actor *actor, void (*run)(void *argument), void *argument)
{
        struct cop__shared_term *const reason = actor->reason;
        const bool leaving = actor->leaving, calls = actor->awaits != 0;
        struct cop__rare *rare = cop__rare_of(actor);
        if (rare == NULL)
                return false;
        struct cop__signal mark;
        cop__taken_mark(actor, &mark);
        actor->leaving = true;
        actor->reason = NULL;
        rare->guarded++;
        bool returned = run_to_end(run, argument);
        rare->guarded--;
        cop__taken_unmark(actor, &mark, !returned);
        if (!returned && !calls)
                cop__call_forget(cop__thread_here(), actor, cop__actor_pid(actor));
        actor->leaving = leaving;
        rare->looked_at = NULL; /* it may have received what that was */
        if (actor->killed && actor->reason != NULL) {
                cop__shared_term_drop(reason);
        } else if (reason != NULL) {
                cop__shared_term_drop(actor->reason);
                actor->reason = reason;
        }
        return returned;
}

bool cop__guarded_was_killed(const struct cop__actor *actor)
{
        return COP__UNLIKELY(actor->killed) && actor->reason != NULL;
}

void cop__guarded_over(struct cop__actor *actor)
{
        if (cop__guarded_was_killed(actor))
                cop__leave(actor);
}

/* ---- The state, for others to see ----------------------------------------------------------- */

struct showing {
        const cop_handler *entry;
        const void *state;
        void *shown;
};

static void run_format(void *argument)
{
        struct showing *showing = argument;
        showing->entry->run.format(showing->state, showing->shown);
        /* So that the call is no jump: who interrupts the function must find code of ours beneath it (preempt.c). */
        __asm__ __volatile__("" ::: "memory");
}

cop_status cop__state_shown(struct cop__actor *actor, cop_term *term)
{
        const cop_kind *kind = shown_kind(actor);
        if (kind == NULL)
                return COP_E_NO_KIND;
        struct showing showing = { NULL, shown_state(actor), NULL };
        if (actor->server != NULL)
                showing.entry = cop__server_entry(actor->server, COP_EVENT_FORMAT, NULL);
        if (showing.entry == NULL)
                return cop__kind_to_term(kind, shown_state(actor), term);
        showing.shown = cop__malloc(kind->size + 1);
        if (showing.shown == NULL)
                return COP_E_NO_MEMORY;
        if (kind->size > 0)
                memcpy(showing.shown, actor->state, kind->size);
        cop_status status = COP_E_DIED;
        if (cop__guarded(actor, run_format, &showing))
                status = cop__kind_to_term(kind, showing.shown, term);
        free(showing.shown);
        if (status == COP_OK && cop__guarded_was_killed(actor))
                cop_term_free(*term);
        cop__guarded_over(actor);
        return status;
}

static cop_status check_crossing(cop_term term)
{
        uint8_t *bytes;
        size_t size;
        cop_status status = cop_term_encode(term, &bytes, &size);
        if (status == COP_OK)
                free(bytes);
        return status;
}

cop_status cop__state_told(struct cop__actor *actor, cop_term *term)
{
        cop_term shown;
        cop_status status = cop__state_shown(actor, &shown);
        if (status != COP_OK)
                return status;
        if (cop__inside_here() != NULL)
                status = check_crossing(shown);
        if (status == COP_OK)
                *term = shown;
        else
                cop_term_free(shown);
        return status;
}

cop_status cop__state_seen(struct cop__actor *actor, cop_term *term)
{
        const cop_kind *kind = shown_kind(actor);
        return kind != NULL ? cop__kind_to_term(kind, shown_state(actor), term) : COP_E_NO_KIND;
}

void cop__replaced_free(struct cop__rare *rare)
{
        if (rare->replaced == NULL)
                return;
        cop__flat_drop(rare->replaced_kind, rare->replaced);
        free(rare->replaced);
        rare->replaced = NULL;
}

/* The texts, arrays and terms of a replaced state lie in the block that was read, which is kept
 * as long. */
cop_status cop__state_replace(struct cop__actor *actor, cop_term term, cop_parse_error *error)
{
        const cop_kind *kind = shown_kind(actor);
        void *value;
        if (kind == NULL)
                return COP_E_NO_KIND;
        cop_status status = cop__kind_from_term_within(kind, term, COP__STATE_MAX, &value, error);
        if (status != COP_OK)
                return status;
        if (kind->size > 0)
                memcpy(shown_state(actor), value, kind->size);
        if (kind->plain) {
                free(value);
                return COP_OK;
        }
        cop__replaced_free(actor->rare);
        actor->rare->replaced = value;
        actor->rare->replaced_kind = kind;
        return COP_OK;
}

/* ---- Another server ----------------------------------------------------------------------- */

struct upgrading {
        const cop_handler *entry;
        void *fresh;
        const void *old;
        bool done;
};

static void run_upgrade(void *argument)
{
        struct upgrading *upgrading = argument;
        upgrading->done = upgrading->entry->run.upgrade(upgrading->fresh, upgrading->old);
}

static void become(struct cop__actor *actor, const cop_behaviour *server)
{
        cop__store_relaxed(&actor->server, server);
        if (server->machine != NULL)
                cop__machine_of(actor)->table = server->machine;
        if (cop__server_entry(server, COP_EVENT_IDLE, NULL) == NULL)
                actor->aside &= (uint8_t)~COP__ASIDE_IDLE;
}

/* What a COP_UPGRADE can have asked for, as it was before. */
struct asked_for {
        struct cop__mailbox continuations;
        int64_t idle_ms;
        uint64_t idle_due_ns;
        uint8_t aside;
};

#define ASIDE_ASKED_FOR (COP__ASIDE_CONTINUE | COP__ASIDE_IDLE)

/* It has its rare half, where the order to become another was. */
static void begin_upgrade(struct cop__actor *actor, const cop_behaviour *server, struct asked_for *before)
{
        struct cop__rare *rare = actor->rare;
        *before = (struct asked_for){ rare->continuations, rare->idle_ms, rare->idle_due_ns, actor->aside & ASIDE_ASKED_FOR };
        rare->continuations = (struct cop__mailbox){ .first = NULL };
        rare->becomes = server;
}

static void end_upgrade(struct cop__actor *actor, struct asked_for *before, bool succeeds)
{
        struct cop__rare *rare = actor->rare;
        struct cop__signal *signal;
        rare->becomes = NULL;
        while (!succeeds && (signal = cop__mailbox_take_first(&rare->continuations)) != NULL)
                cop__signal_free(&cop__thread_here()->pool, signal);
        cop__machine_prepend(&rare->continuations, &before->continuations);
        if (succeeds)
                return;
        rare->idle_ms = before->idle_ms;
        rare->idle_due_ns = before->idle_due_ns;
        actor->aside = (uint8_t)((actor->aside & ~ASIDE_ASKED_FOR) | before->aside);
}

/* The old state stays untouched until the new one is whole. */
static cop_status transform(struct cop__actor *actor, const cop_behaviour *server,
                            const cop_handler *entry)
{
        struct cop__thread *thread = cop__thread_here();
        uint8_t class = COP__POOL_CLASS_NONE;
        struct asked_for before;
        void *fresh = NULL;
        if (!cop__arena_fits(actor, actor->server->state_size, server->state_size))
                return COP_E_BAD_ARGUMENT;
        if (server->state_size > 0) {
                fresh = cop__state_new(thread, server->state_size, &class);
                if (fresh == NULL)
                        return COP_E_NO_MEMORY;
        }
        const size_t old_size = actor->server->state_size, more = server->state_size > old_size ? server->state_size - old_size : 0;
        struct upgrading upgrading = { entry, fresh, actor->state, false };
        begin_upgrade(actor, server, &before);
        cop__count_by(&actor->bytes, more); /* the limit holds also for what COP_UPGRADE asks for */
        const bool succeeds = cop__guarded(actor, run_upgrade, &upgrading) && upgrading.done && !cop__guarded_was_killed(actor);
        cop__count_by(&actor->bytes, (uint64_t)0 - more);
        end_upgrade(actor, &before, succeeds);
        if (!succeeds) {
                cop__state_free(cop__thread_here(), fresh, class);
                cop__guarded_over(actor);
                return COP_E_BAD_ARGUMENT;
        }
        cop__count_by(&actor->bytes, server->state_size - actor->server->state_size);
        cop__state_free(cop__thread_here(), actor->state, cop__state_class(actor));
        actor->state = fresh;
        actor->state_class = class & COP__STATE_OF_HEAP;
        become(actor, server);
        return COP_OK;
}

/* A machine between two events can go on with another table, but not with what was pushed on the old one. */
static bool can_become(const struct cop__actor *actor, const cop_behaviour *server)
{
        if (actor->server->machine == NULL || server->machine == NULL)
                return actor->server->machine == server->machine;
        return cop__machine_of(actor)->depth == 0;
}

cop_status cop__server_upgrade(struct cop__actor *actor, const cop_behaviour *server)
{
        const cop_kind *old = state_kind(actor->server), *kind = state_kind(server);
        if (old == NULL || !can_become(actor, server))
                return COP_E_BAD_ARGUMENT;
        const cop_handler *entry = cop__server_entry(server, COP_EVENT_UPGRADE, old);
        if (entry != NULL)
                return transform(actor, server, entry);
        if (kind == NULL || !cop__kind_same(kind, old))
                return COP_E_BAD_ARGUMENT;
        become(actor, server);
        return COP_OK;
}

/* ---- The state in a crash report ------------------------------------------------------------- */

static void print_shown(struct cop__actor *actor, char *text, size_t size)
{
        cop_term term;
        cop_status status = cop__state_shown(actor, &term);
        if (status == COP_OK) {
                cop_term_print(term, cop__node_of(cop__thread_here())->kinds, text, size);
                cop_term_free(term);
        } else if (status == COP_E_DIED) {
                strncpy(text, "not shown: its COP_FORMAT_STATUS failed", size - 1);
        }
}

void cop__server_last_words(struct cop__actor *actor)
{
        if (shown_kind(actor) == NULL || !cop__reason_is_crash(actor->reason->term))
                return;
        struct cop__rare *rare = cop__rare_of(actor);
        if (rare == NULL || rare->last_state != NULL)
                return;
        rare->last_state = cop__calloc(1, COP__REPORT_TEXT);
        if (rare->last_state != NULL)
                print_shown(actor, rare->last_state, COP__REPORT_TEXT);
}

/*
 * After a fault no code of the user's runs, and what the state points at may not be there: it is
 * shown if it points at nothing and nobody wants to redact it.
 */
void cop__server_print_state(struct cop__actor *actor, char *text, size_t size)
{
        text[0] = '\0';
        if (shown_kind(actor) == NULL)
                return;
        if (actor->rare != NULL && actor->rare->last_state != NULL)
                strncpy(text, actor->rare->last_state, size - 1);
        else if (is_function(actor))
                strncpy(text, "not shown: what it lay in is gone", size - 1); /* the stack of the function */
        else if (cop__server_entry(actor->server, COP_EVENT_FORMAT, NULL) == NULL &&
                 state_kind(actor->server)->plain)
                print_shown(actor, text, size);
        else if (cop_is_tuple(actor->reason->term, "fault", 5))
                strncpy(text, "not shown: a fault may have broken it", size - 1);
        else
                strncpy(text, "not shown: there was no memory for it", size - 1);
        text[size - 1] = '\0';
}

/* ---- Its end --------------------------------------------------------------------------------- */

bool cop__server_end_one(struct cop__thread *thread, struct cop__actor *actor, cop_pid pid)
{
        struct cop__rare *rare = actor->rare;
        struct cop__signal *signal;
        if ((signal = cop__mailbox_take_first(&rare->continuations)) != NULL) {
                cop__signal_free(&thread->pool, signal);
                return true;
        }
        if ((signal = cop__mailbox_take_first(&rare->asked)) == NULL)
                return false;
        cop__fail_call(thread, pid, signal, COP__FAILED_DIED, actor->reason);
        return true;
}
