/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * How actors end.
 *
 *      cop_exit ─┐
 *      a fault  ─┼─► reason set, terminate() if a server asked for it ─► cop__leave: back to the turn's frame
 *      a signal ─┘
 *      then, on the worker, with no user code on the stack: cop__die
 *              1 the pid moves on: nobody can find the dead
 *              2 its name is free again, and the timers for it have ended
 *              3 the facts for the crash report, if it crashed
 *      and in slices, between which others run: cop__die_on
 *              4 what it held in registries and groups is out, and a registry that it kept is empty
 *              5 its state is gone, and its belongings have ended: who takes its place finds its port free
 *              6 who waits for the message that it was at is told: from here on others hear of the death; who has asked for it since 1,
 *                by a link, a monitor, a farewell or a stop, is answered behind those who had before
 *              7 links and monitors are told
 *              8 its requests, what it held and had not read: calls are answered
 *              9 its memory
 *      and what arrives later is answered by whoever takes it out of the slot's queue.
 *
 * A dying actor keeps its run right between two slices: it waits in a run queue like any other, with life DYING, and each turn
 * of it is a slice. Nothing is told twice, since each half and each message leaves its list before it is sent; and nothing of
 * a death needs memory, so no slice can fail.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <coppice/event_manager.h>

#include "actors/abort_words.h"
#include "actors/abroad.h"
#include "actors/calling.h"
#include "actors/inside.h"
#include "actors/inside_wait.h"
#include "actors/machine.h"
#include "actors/outpost.h"
#include "actors/server.h"
#include "actors/request.h"
#include "actors/simulation.h"
#include "actors/take.h"
#include "base/cue.h"
#include "base/jump.h"
#include "mailbox/kind.h"

/* ---- Reasons ------------------------------------------------------------------------- */

static const char *const reason_names[COP__REASONS] = { "normal", "killed", "noproc", "shutdown",
                                                        "no_memory", "noconnection", "too_deep", "too_big", "abandoned" };

cop_status cop__reasons_init(struct cop_node *node)
{
        for (size_t i = 0; i < COP__REASONS; i++) {
                node->reasons[i] = cop__shared_term_new(cop_atom(reason_names[i]));
                if (node->reasons[i] == NULL)
                        return COP_E_NO_MEMORY;
                cop__shared_term_last(node->reasons[i]);
        }
        return COP_OK;
}

void cop__reasons_fini(struct cop_node *node)
{
        for (size_t i = 0; i < COP__REASONS; i++)
                cop__shared_term_end(node->reasons[i]);
}

struct cop__shared_term *cop__reason(enum cop__reason reason)
{
        return cop__node_of(cop__thread_here())->reasons[reason];
}

bool cop__reason_is_crash(cop_term reason)
{
        return !cop__is_word(reason, "normal") && !cop__is_word(reason, "shutdown") &&
               !cop_is_tuple(reason, "shutdown", 2);
}

/* Most reasons are there already. */
static struct cop__shared_term *known(cop_term reason)
{
        struct cop__shared_term *const *reasons = cop__node_of(cop__thread_here())->reasons;
        if (reason.type != COP_TERM_ATOM)
                return NULL;
        if (cop__is_word(reason, "normal"))
                return reasons[COP__REASON_NORMAL];
        for (unsigned i = 0; i < COP__REASONS; i++) {
                struct cop__shared_term *shared = reasons[i];
                if (shared->term.count == reason.count &&
                    memcmp(shared->term.as.text, reason.as.text, reason.count) == 0)
                        return shared;
        }
        return NULL;
}

static struct cop__shared_term *share(cop_term reason)
{
        struct cop__shared_term *shared = known(reason);
        if (shared != NULL)
                return shared;
        cop_status status = cop__shared_term_make(reason, &shared);
        if (status == COP_OK)
                return shared;
        if (status == COP_E_NO_MEMORY)
                return cop__reason(COP__REASON_NO_MEMORY);
        return cop__reason(status == COP_E_TOO_DEEP ? COP__REASON_TOO_DEEP : COP__REASON_TOO_BIG);
}

/* The same as !cop__reason_is_crash, at a glance, for the reasons that most actors end for. */
static bool is_plainly_no_crash(const struct cop_node *node, const struct cop__shared_term *reason)
{
        return reason == node->reasons[COP__REASON_NORMAL] || reason == node->reasons[COP__REASON_SHUTDOWN];
}

/* ---- Leaving a turn ---------------------------------------------------------------------- */

COP__NORETURN void cop__leave(struct cop__actor *actor)
{
        actor->leaving = true;
        cop__leave_turn(COP__ESCAPE_OUT);
}

COP__NORETURN void cop__leave_turn(enum cop__escape_how how)
{
        struct cop__here *here = cop__here_of(cop__thread_here());
        cop__turn_end(&here->fault);
        here->fault.critical = 0;
        cop__store_relaxed(&here->fault.calm, 0);
        cop__jump_to(&cop__escape_here()->landing, (int)how);
}

/* Whoever asks in a process has the edge in the node. */
static void forget_edge(struct cop__calling *own)
{
        cop_ref open = { cop__load_relaxed(&own->open) }, waits = { cop__load_relaxed(&own->waits) };
        cop__calling_end(own);
        if (COP__UNLIKELY(cop__inside_here() != NULL) && (open.bits | waits.bits) != 0)
                cop__inside_over(open.bits != 0 ? open : waits);
}

/* Is there anything to forget? */
COP__INLINE bool is_at_call(const struct cop__actor *actor, const struct cop__calling *own)
{
        return actor->awaits != 0 || actor->call_watched || cop__load_relaxed(&own->open) != 0 ||
               cop__load_relaxed(&own->waits) != 0;
}

static COP__NOINLINE void forget_call(struct cop__thread *thread, struct cop__actor *actor,
                                      struct cop__calling *own, cop_pid pid)
{
        cop_ref waiting = cop__awaited_by(actor);
        bool calls = waiting.bits != 0 && cop__load_relaxed(&own->open) == waiting.bits;
        cop_pid callee = { cop__load_relaxed(&own->callee) };
        if (cop__load_relaxed(&own->open) != 0 || cop__load_relaxed(&own->waits) != 0)
                forget_edge(own);
        if (calls)
                cop__calling_withdraw(thread, callee, waiting);
        if (COP__UNLIKELY(actor->call_watched) && waiting.bits != 0)
                while (cop__demonitor(thread, actor, waiting)) /* a select asks several */
                        ;
        actor->call_watched = false;
        struct cop__signal *reply = cop__take_reply_of(actor);
        cop__await_nothing(actor);
        if (reply != NULL) {
                cop__queue_release(&actor->queue, &actor->cursor, &reply->node);
                if (!cop__spawned_forget(thread, reply))
                        cop__refuse_signal(thread, pid, reply, NULL);
        }
}

void cop__call_forget(struct cop__thread *thread, struct cop__actor *actor, cop_pid pid)
{
        struct cop__slots *slots = &cop__node_of(thread)->slots;
        struct cop__calling *own = &slots->calling[actor - slots->base];
        if (COP__UNLIKELY(is_at_call(actor, own)))
                forget_call(thread, actor, own, pid);
}

/* Whatever it has been told is its own as long as it runs: a kill puts another reason in place of that. */
static void begin_terminate(struct cop__actor *actor)
{
        cop__calling_own(actor)->told = cop__shared_term_take(actor->reason);
        actor->terminating = true;
}

/* `own` is the actor's record. It has returned, or will not. */
static void end_terminate(struct cop__actor *actor, struct cop__calling *own)
{
        actor->terminating = false;
        cop__shared_term_drop(own->told);
        own->told = NULL;
}

static void run_terminate(struct cop__actor *actor)
{
        if (actor->server == NULL || !actor->init_done)
                return;
        for (size_t i = 0; i < actor->server->handler_count; i++) {
                const cop_handler *handler = &actor->server->handlers[i];
                if (handler->event != COP_EVENT_TERMINATE)
                        continue;
                cop__call_forget(cop__thread_here(), actor, cop__actor_pid(actor)); /* it may call for itself */
                cop__store_relaxed(&actor->where, (const void *)(uintptr_t)handler->run.terminate);
                begin_terminate(actor);
                handler->run.terminate(actor->state, cop__calling_own(actor)->told->term);
                end_terminate(actor, cop__calling_own(actor));
        }
}

/* `own`: its end is its own doing. */
static void set_reason(struct cop__actor *actor, cop_term reason, bool own)
{
        struct cop__shared_term *shared = share(reason);
        cop__shared_term_drop(actor->reason);
        actor->reason = shared;
        actor->reports = own;
}

/* At something on the side, whose end is not the actor's (server.c). */
static bool is_guarded(const struct cop__actor *actor)
{
        return actor->rare != NULL && actor->rare->guarded > 0;
}

/* They are for the report of a crash. */
static void say_last_words(struct cop__actor *actor)
{
        if (!is_plainly_no_crash(cop__node_of(cop__thread_here()), actor->reason))
                cop__server_last_words(actor);
}

/* A visitor's thread ends with its visit, but in a trial, which goes on. */
static COP__COLD COP__NORETURN void end_visit(struct cop__actor *actor, cop_term reason)
{
        struct cop_node *node = cop__node_of(cop__thread_here());
        const struct cop__simulation *simulation = cop__simulation_of(node);
        if (simulation != NULL && simulation->way_out != NULL) {
                char why[256] = "the check ended with ";
                size_t length = strlen(why);
                cop_term_print(reason, node->kinds, why + length, sizeof(why) - length);
                cop__simulation_leave(actor, share(reason), why);
        }
        cop__visit_end(actor, share(reason));
        pthread_exit(NULL);
}

static COP__NORETURN void exit_with(struct cop__actor *actor, cop_term reason, bool own)
{
        if (actor->task.visitor != NULL)
                end_visit(actor, reason);
        if (!actor->leaving) {
                actor->leaving = true;
                set_reason(actor, reason, own);
                run_terminate(actor);
                say_last_words(actor);
        } else if (actor->terminating && !is_guarded(actor)) {
                set_reason(actor, reason, true);
                end_terminate(actor, cop__calling_own(actor));
                say_last_words(actor);
        }
        cop__leave(actor);
}

COP__NORETURN void cop__exit_with(struct cop__actor *actor, cop_term reason)
{
        exit_with(actor, reason, true);
}

COP__NORETURN void cop__exit_told(struct cop__actor *actor, cop_term reason)
{
        exit_with(actor, reason, false);
}

void cop_exit(cop_term reason)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor == NULL) {
                cop_log(COP_LOG_ERROR, "cop_exit: this thread has entered no node");
                abort();
        }
        cop__exit_with(actor, reason);
}

bool cop__badarg(const char *function, const char *what)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor == NULL || actor->task.visitor != NULL) {
                cop_log(COP_LOG_ERROR, "your program: cop_%s: %s", function, what);
                return false;
        }
        cop__exit_with(actor, COP_TUPLE(cop_atom("badarg"),
                                        COP_TUPLE(cop_atom(function), cop_string(what))));
}

/* ---- Exit signals ---------------------------------------------------------------------------- */

cop_status cop__send_shutdown(cop_pid pid, cop_pid from)
{
        struct cop__thread *thread = cop__thread_here();
        struct cop__shared_term *reason = cop__reason(COP__REASON_SHUTDOWN);
        struct cop__signal *signal = cop__exit_new(thread, from, reason);
        if (signal == NULL) {
                cop__shared_term_drop(reason);
                return COP_E_NO_MEMORY;
        }
        cop__send_signal(thread, pid, signal);
        return COP_OK;
}

cop_status cop__send_exit(cop_pid pid, cop_ref alias, cop_term reason)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor == NULL)
                return COP_E_NO_NODE;
        if (pid.bits == 0)
                return COP_E_BAD_ARGUMENT;
        struct cop__shared_term *shared;
        cop_status status = cop__shared_term_make(reason, &shared);
        if (status != COP_OK)
                return status;
        struct cop__thread *thread = cop__thread_here();
        struct cop__signal *signal = cop__exit_new(thread, cop__actor_pid(actor), shared);
        if (signal == NULL) {
                cop__shared_term_drop(shared);
                return COP_E_NO_MEMORY;
        }
        signal->ref = alias;
        if (alias.bits != 0)
                signal->flags |= COP__SIGNAL_PRIORITY;
        cop__send_signal(thread, pid, signal);
        if (cop_pid_equal(pid, cop__actor_pid(actor)))
                cop__drain(actor); /* to oneself it works at once */
        return COP_OK;
}

cop_status cop_send_exit(cop_pid pid, cop_term reason)
{
        cop__charge(pid, __builtin_return_address(0));
        return cop__send_exit(pid, (cop_ref){ 0 }, reason);
}

bool cop_trap_exit(bool on)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor == NULL)
                return false;
        bool before = actor->trap_exit;
        if (before != on && cop__inside_here() != NULL)
                cop__inside_ask((cop__query){ .what = COP__ASK_TRAP_EXIT, .on = on }, &(cop__told){ 0 });
        cop__store_relaxed(&actor->trap_exit, on);
        return before;
}

/* Its mailbox is over a limit that ends it. It cannot be trapped, like kill, but it is the actor's own doing. */
void cop__overflow(struct cop__actor *actor)
{
        if (actor->killed)
                return;
        actor->killed = true;
        actor->reports = true;
        cop__shared_term_drop(actor->reason);
        actor->reason = share(COP_TUPLE(cop_atom("system_limit"), cop_atom("mailbox")));
        cop__store_relaxed(&actor->urgent, 1); /* as for an exit signal: relation.c */
}

/* ---- The report --------------------------------------------------------------------------------- */

_Static_assert(COP_LABEL_MAX <= COP_NAME_MAX, "a report has room for either");

void cop__who_is(struct cop_node *node, const struct cop__actor *actor, cop_pid pid,
                 char who[COP_NAME_MAX + 1])
{
        who[0] = '\0';
        if (cop__registry_name(node, pid, who) || cop__label_of(node, actor, pid, who) ||
            actor->server == NULL)
                return;
        const char *server = actor->server->name;
        pid_t os_pid;
        if (cop__is_outpost(actor) && (!cop__zygote_find(node, pid, &os_pid, &server) || server == NULL))
                return;
        size_t size = strnlen(server, COP_NAME_MAX);
        memcpy(who, server, size);
        who[size] = '\0';
}

static void file_report(struct cop_node *node, struct cop__actor *actor, cop_pid pid,
                        const char *who)
{
        struct cop__crash crash;
        cop__crash_take(&crash, node, actor, pid, who);
        if (COP__UNLIKELY(cop__simulation_of(node) != NULL) && cop__is_fault(actor->reason->term))
                cop__simulation_faulted(node, &crash);
        if (COP__UNLIKELY(cop__is_outpost(actor))) {
                struct cop__report report;
                cop__crash_tell(&crash, node, &report);
                cop__outpost_testify(actor, &report);
                cop__crash_restate(&crash, &report);
        }
        cop__report_file(node, &crash);
}

/* ---- Faults ------------------------------------------------------------------------------------- */

static void place_of_fault(struct cop_node *node, const struct cop__fault *fault,
                           struct cop__place *place, char line[160])
{
        size_t frame = fault->culprit < fault->backtrace.depth ? fault->culprit : 0;
        cop__place_of(node->symbols, fault->backtrace.frames[frame], frame > 0, place);
        line[0] = '\0';
        if (place->file[0] != '\0')
                snprintf(line, 160, "%s:%u", place->file, place->line);
}

struct cop__shared_term *cop__fault_reason(struct cop_node *node, const struct cop__fault *fault,
                                           struct cop__signal *message)
{
        struct cop__place place;
        char line[160], words[COP__FAULT_SAID_MAX];
        cop_term handled = cop_atom("none");
        bool is_known = message != NULL && message->kind != NULL;
        bool copied = is_known && cop__kind_to_term_within(message->kind, cop__signal_body(message), COP__SHOWN_MAX,
                                                           &handled) == COP_OK;
        cop_term shown = handled;
        if (is_known && (!copied || cop__term_inside(handled, 1).type != handled.type))
                shown = cop_atom(message->kind->name);
        place_of_fault(node, fault, &place, line);
        if (!cop__abort_words_of(fault, place.function, words, sizeof(words)))
                snprintf(words, sizeof(words), "%s", cop__fault_words(fault));
        struct cop__shared_term *reason = cop__shared_term_new(
                COP_TUPLE(cop_atom("fault"), cop_atom(cop__fault_atom(fault)), cop_string(words),
                          COP_TUPLE(cop_atom(place.function), cop_string(line)), shown));
        if (copied)
                cop_term_free(handled);
        return reason != NULL ? reason : node->reasons[COP__REASON_NO_MEMORY];
}

COP__NORETURN void cop__exit_faulted(struct cop__actor *actor, struct cop__shared_term *reason)
{
        if (is_guarded(actor)) {
                cop__shared_term_drop(reason);
                cop__leave(actor);
        }
        cop__shared_term_drop(actor->reason);
        actor->reason = reason;
        actor->reports = true;
        cop__leave(actor);
}

/* On the stack that faulted, in ordinary code: the reason, and out of the turn. */
void cop__fault_land(struct cop__fault *fault, void *context)
{
        struct cop__thread *thread = cop__thread_here();
        struct cop__actor *actor = cop__actor_of(thread->current);
        (void)context;
        cop__exit_faulted(actor, cop__fault_reason(cop__node_of(thread), fault, actor->current));
}

/* ---- Death ---------------------------------------------------------------------------------------- */

/* Who registers a name looks at the pid after it has marked the actor: one of the two sees the other. See registry.h. */
static bool is_named(struct cop__thread *thread, struct cop__actor *actor, cop_pid next)
{
        cop__check_company(thread);
        if (cop__alone_begin(&thread->solitude)) { /* nobody registers anything meanwhile */
                cop__store_relaxed(&actor->pid, next.bits);
                cop__alone_end(&thread->solitude);
                return cop__load_relaxed(&actor->named) & COP__NAMED;
        }
        cop__store_seq(&actor->pid, next.bits); /* pairs with registration */
        return cop__load_seq(&actor->named) & COP__NAMED;
}

static void move_pid_on(struct cop__thread *thread, struct cop__actor *actor, cop_pid pid)
{
        uint32_t generation = cop__pid_generation(pid) + 1;
        /* The last generation: nobody lives here again. See slots.c. */
        cop_pid next = generation == 0 ? cop_no_pid() : cop__pid(cop__pid_slot(pid), generation);
        cop__store_relaxed(&actor->pressed, COP__PRESSURE_NONE); /* of the next one, who may have no limit */
        COP__CUE("exit.moves_pid");
        bool named = is_named(thread, actor, next);
        COP__CUE("exit.has_moved_pid");
        cop__store_release(&actor->alive, 0); /* behind the pid: see cop__lives */
        if (named)
                cop__registry_remove_pid(cop__here_of(thread), pid);
}

/* A message that the dead had begun with or not: its sender is told if it waits. */
static void refuse_held(struct cop__thread *thread, struct cop__actor *actor, cop_pid pid,
                        struct cop__signal *signal)
{
        if (signal->flags & COP__SIGNAL_DEFERRED)
                signal->ref.bits = 0; /* the caller monitors: it hears of the death itself */
        signal->flags &= (uint16_t)~COP__SIGNAL_TAKEN;
        if (signal->ref.bits == 0 || signal->flags & COP__SIGNAL_ANSWERED) {
                cop__signal_done(thread, actor, signal);
                return;
        }
        cop__queue_release(&actor->queue, &actor->cursor, &signal->node);
        cop__fail_call(thread, pid, signal, COP__FAILED_DIED, actor->reason);
}

/* The message it was at, and one in its hands that is still the queue's cursor: before anything is taken from the queue, which
 * would move the cursor off it. */
static void refuse_current(struct cop__thread *thread, struct cop__actor *actor, cop_pid pid)
{
        struct cop__node *cursor = actor->cursor.node;
        struct cop__signal *signal = actor->current;
        actor->current = NULL;
        if (actor->rare != NULL && actor->rare->machine != NULL)
                cop__machine_end(actor);
        if (signal != NULL && !(signal->flags & COP__SIGNAL_TAKEN)) /* else it is among those below */
                refuse_held(thread, actor, pid, signal);
        if (cursor != NULL && actor->cursor.node == cursor &&
            cop__signal_of(cursor)->flags & COP__SIGNAL_TAKEN)
                refuse_held(thread, actor, pid, cop__signal_of(cursor));
}

static bool refuse_taken(struct cop__thread *thread, struct cop__actor *actor, cop_pid pid)
{
        struct cop__signal *signal = actor->taken;
        if (signal == NULL)
                return false;
        struct cop__node *next = cop__load_relaxed(&signal->node.next);
        actor->taken = next != NULL ? cop__signal_of(next) : NULL;
        refuse_held(thread, actor, pid, signal);
        return true;
}

static bool refuse_unread(struct cop__thread *thread, struct cop__actor *actor, cop_pid pid)
{
        if (actor->mailbox.first == NULL)
                return false;
        struct cop__signal *signal = cop__mailbox_take_first(&actor->mailbox);
        cop__queue_release(&actor->queue, &actor->cursor, &signal->node);
        cop__refuse_signal(thread, pid, signal, actor->reason);
        return true;
}

/* What came before the pid moved on, and was not taken in. */
static bool refuse_arrived(struct cop__thread *thread, struct cop__actor *actor)
{
        if (cop__queue_peek(&actor->queue, &actor->cursor) == NULL)
                return false;
        struct cop__signal *signal = cop__next_signal(thread, actor);
        if (signal == NULL)
                return false;
        cop__take_in(thread, actor, signal);
        return true;
}

static bool free_block(struct cop__thread *thread, struct cop__actor *actor)
{
        struct cop__block *block = actor->held;
        if (block == NULL)
                return false;
        cop__held_remove(actor, block);
        cop__pool_give_large(thread->pool.pool, block, sizeof(*block) + block->size);
        return true;
}

static void end_state(struct cop__thread *thread, struct cop__actor *actor)
{
        if (actor->state != NULL)
                cop__state_free(thread, actor->state, cop__state_class(actor));
        actor->state = NULL;
}

/* Belongings end when the state is gone; see belonging.h. False: that was a slice. */
static bool end_belongings(struct cop__thread *thread, struct cop__actor *actor, unsigned most, unsigned *done)
{
        end_state(thread, actor);
        if (COP__LIKELY(actor->rare == NULL))
                return true;
        for (; cop__rare_end_one(actor); ++*done)
                if (*done == most)
                        return false;
        return true;
}

static void free_memory(struct cop__actor *actor)
{
        if (COP__UNLIKELY(actor->start != NULL))
                cop__start_drop(actor);
        if (COP__UNLIKELY(actor->rare != NULL))
                cop__rare_end(actor);
        cop__store_relaxed(&actor->bytes, 0);
        cop__store_relaxed(&actor->handled, 0);
        cop__store_relaxed(&actor->recent, 0);
        cop__store_relaxed(&actor->where, NULL);
        cop__store_release(&actor->manner, 0); /* pairs with cop__is_dying */
        cop__store_relaxed(&actor->trap_exit, false);
}

/* An alarm that cannot be cancelled any more is on its way to the slot's queue, and dropped there. Before the pid moves on:
 * after that, who fires it drops it at once, and it would not be there to be looked at. */
static void stop_alarm(struct cop__thread *thread, struct cop__actor *actor)
{
        if (COP__LIKELY(!actor->alarmed))
                return;
        struct cop__slots *slots = &cop__node_of(thread)->slots;
        struct cop__signal *signal = slots->calling[actor - slots->base].alarm;
        actor->alarmed = false;
        if (cop__timer_cancel(cop__timer_before(signal)))
                cop__signal_free(&thread->pool, signal);
}

/* Nobody finds it from here on, and what was on its way to it by the clock is not any more. */
COP__INLINE void depart(struct cop__thread *thread, struct cop__actor *actor, cop_pid pid)
{
        struct cop__here *here = cop__here_of(thread);
        actor->life = COP__DYING;
        cop__count_up(&here->died); /* whoever hears of the death finds it counted */
        stop_alarm(thread, actor);
        bool limited = cop__load_relaxed(&actor->pressed) >= COP__PRESSURE_LIMITED;
        cop__store_relaxed(&actor->manner, COP__DIES); /* before the pid moves on, which says so to others */
        move_pid_on(thread, actor, pid);
        if (limited)
                cop__limit_end(thread, actor, pid);
        actor->released = false;
        if (COP__UNLIKELY(cop__load_seq(&actor->named) >= COP__TIMED)) /* as it looks itself */
                cop__timers_end(thread, actor, pid);
        if (cop__load_relaxed(&actor->labelled))
                cop__label_put(here->node, actor, pid, NULL);
}

/* The same with the facts for its report: some are there before only, and the others are complete behind it. */
static COP__NOINLINE void depart_crashed(struct cop__thread *thread, struct cop__actor *actor, cop_pid pid)
{
        char who[COP_NAME_MAX + 1] = "";
        cop__who_is(cop__node_of(thread), actor, pid, who);
        depart(thread, actor, pid);
        file_report(cop__node_of(thread), actor, pid, who);
}

/* A handler that removes itself from its manager has not failed. */
static bool removes_itself(struct cop_node *node, const struct cop__actor *actor)
{
        const struct cop__actor *parent = cop__slot_of(node, actor->parent);
        return cop_is_atom(actor->reason->term, "remove_handler") && parent != NULL && cop__slot_is(parent, actor->parent) &&
               cop__load_relaxed(&parent->server) == &cop_event_manager;
}

void cop__die(struct cop__thread *thread, struct cop__actor *actor)
{
        struct cop_node *node = cop__node_of(thread);
        cop_pid pid = cop__actor_pid(actor);
        if (COP__UNLIKELY(node->inside != NULL))
                cop__inside_end(thread, actor);
        if (cop__is_outpost(actor))
                cop__outpost_cut(actor);
        bool crashed = actor->reports && !is_plainly_no_crash(node, actor->reason) &&
                       cop__reason_is_crash(actor->reason->term) && !removes_itself(node, actor);
        if (crashed)
                depart_crashed(thread, actor, pid);
        else
                depart(thread, actor, pid);
}

/* What it held is out, and what it owned has ended. The first who hear of the death are those who wait for it now. */
static void release(struct cop__thread *thread, struct cop__actor *actor, cop_pid pid)
{
        struct cop__slots *slots = &cop__node_of(thread)->slots;
        actor->released = true;
        if (COP__UNLIKELY(actor->terminating))
                end_terminate(actor, &slots->calling[actor - slots->base]);
        refuse_current(thread, actor, pid);
        cop__server_end(actor);
        cop__call_forget(thread, actor, cop_no_pid());
        if (COP__UNLIKELY(actor->rare != NULL))
                cop__requests_end_begin(thread, actor);
}

/* One signal or block of what is left to do; false: nothing is. Relations first: others wait for the news, to act on it. */
static bool die_a_little(struct cop__thread *thread, struct cop__actor *actor, cop_pid pid)
{
        if (!cop__list_is_empty(&actor->relations)) {
                cop__relation_end(thread, actor, pid, actor->reason);
                return true;
        }
        if (actor->rare != NULL &&
            (cop__requests_end_one(thread, actor) || cop__server_end_one(thread, actor, pid)))
                return true;
        return refuse_taken(thread, actor, pid) || refuse_unread(thread, actor, pid) ||
               refuse_arrived(thread, actor) || free_block(thread, actor);
}

/* Would it say of all that it looks at that there is nothing? One look, as of most there is nothing but the state. */
COP__INLINE bool has_much_left(const struct cop__actor *actor)
{
        uintptr_t left = (uintptr_t)actor->rare | (uintptr_t)actor->taken | (uintptr_t)actor->mailbox.first |
                         (uintptr_t)actor->held;
        return left != 0 || !cop__list_is_empty(&actor->relations) || cop__queue_peek(&actor->queue, &actor->cursor) != NULL;
}

/* Holdings are marked, and a book is in `rare`: the same look as in cop__holdings_end. */
COP__INLINE bool may_hold(const struct cop__actor *actor)
{
        return COP__UNLIKELY(cop__load_seq(&actor->named) & COP__HOLDS || actor->rare != NULL);
}

bool cop__die_on(struct cop__thread *thread, struct cop__actor *actor, unsigned most)
{
        cop_pid next = cop__actor_pid(actor);
        uint32_t slot = (uint32_t)(actor - cop__node_of(thread)->slots.base);
        cop_pid pid = cop__pid(slot, (uint32_t)cop__pid_generation(next) - 1);
        unsigned done = 0;
        if (!actor->released && may_hold(actor) && cop__holdings_end(thread, actor, pid))
                return false; /* that was a slice */
        if (!actor->released && !end_belongings(thread, actor, most, &done))
                return false;
        if (!actor->released)
                release(thread, actor, pid);
        if (has_much_left(actor))
                for (; die_a_little(thread, actor, pid); done++)
                        if (done == most)
                                return false;
        free_memory(actor);
        if (!cop__is_calm(cop__node_of(thread)))
                cop__overload_look(thread); /* perhaps it has made room */
        return true;
}
