/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * One turn of an actor: take in what has arrived, handle messages, until there are none or the budget is spent.
 *
 * A handler is called on the worker's stack. Exits and faults jump to the stack's escape point, which lies in the frame of the
 * loop beneath (scheduler/loop.c); so nothing in a turn may keep in a local variable what must survive that.
 */
#include "actors/calling.h"
#include "actors/line.h"
#include "actors/recent.h"
#include "actors/server.h"
#include "actors/sys.h"
#include "actors/take.h"

#include <string.h>

#include "actors/abroad.h"
#include "actors/alias.h"
#include "actors/outpost.h"
#include "actors/outpost_wait.h"
#include "actors/priority.h"
#include "base/cue.h"

/* ---- Signals and their memory ------------------------------------------------------ */

void cop__keep_passed(struct cop__actor *actor, struct cop__node *node)
{
        if (cop__signal_of(node)->flags & COP__SIGNAL_TAKEN)
                cop__taken_link(actor, cop__signal_of(node));
}

COP__INLINE void signal_done(struct cop__thread *thread, struct cop__actor *actor,
                             struct cop__signal *signal)
{
        if (cop__queue_done(&actor->cursor, &signal->node))
                cop__signal_free(&thread->pool, signal);
}

void cop__signal_done(struct cop__thread *thread, struct cop__actor *actor,
                      struct cop__signal *signal)
{
        signal_done(thread, actor, signal);
}

static COP__NOINLINE void fail_unanswered(struct cop__thread *thread, struct cop__actor *actor,
                                          struct cop__signal *signal)
{
        cop__queue_release(&actor->queue, &actor->cursor, &signal->node);
        cop__fail_call(thread, cop__actor_pid(actor), signal,
                       cop__lacks_memory_for(actor, signal->kind) ? COP__FAILED_NO_MEMORY : COP__FAILED_NO_REPLY, NULL);
}

void cop__message_done(struct cop__thread *thread, struct cop__actor *actor,
                       struct cop__signal *signal)
{
        if (COP__UNLIKELY(signal->flags & COP__SIGNAL_TAKEN))
                return; /* its handler has kept it */
        if (COP__UNLIKELY(signal->ref.bits != 0 &&
                          !(signal->flags & (COP__SIGNAL_ANSWERED | COP__SIGNAL_DEFERRED))))
                fail_unanswered(thread, actor, signal);
        else
                signal_done(thread, actor, signal);
}

bool cop__refuse_unwanted(struct cop__actor *actor, struct cop__signal *signal)
{
        if (signal->ref.bits == 0 ||
            signal->flags & (COP__SIGNAL_ANSWERED | COP__SIGNAL_DEFERRED))
                return false;
        cop__queue_release(&actor->queue, &actor->cursor, &signal->node);
        cop__fail_call(cop__thread_here(), cop__actor_pid(actor), signal, COP__FAILED_NO_HANDLER,
                       NULL);
        return true;
}

void cop__mailbox_append(struct cop__mailbox *mailbox, struct cop__signal *signal)
{
        if (mailbox->first == NULL)
                mailbox->first = signal;
        else
                cop__store_relaxed(&mailbox->last->node.next, &signal->node);
        mailbox->last = signal;
        cop__store_relaxed(&mailbox->count, mailbox->count + 1); /* read from the side: cop__unread */
}

COP__INLINE struct cop__signal *mailbox_take_first(struct cop__mailbox *mailbox)
{
        struct cop__signal *signal = mailbox->first;
        if (signal == NULL)
                return NULL;
        cop__left_mailbox(mailbox, NULL, signal);
        mailbox->first = signal == mailbox->last
                                 ? NULL
                                 : cop__signal_of(cop__load_relaxed(&signal->node.next));
        cop__store_relaxed(&mailbox->count, mailbox->count - 1);
        return signal;
}

struct cop__signal *cop__mailbox_take_first(struct cop__mailbox *mailbox)
{
        return mailbox_take_first(mailbox);
}

/* ---- Taking in ---------------------------------------------------------------------- */

/* For one that is dead: who is dying right now still has a reason to give, but to who came too late: whom it asked for was dead. */
static COP__NOINLINE bool refuse(struct cop__thread *thread, struct cop__actor *actor, struct cop__signal *signal)
{
        cop_pid next = cop__actor_pid(actor);
        bool dying = actor->life == COP__DYING &&
                     signal->node.generation == (uint32_t)cop__pid_generation(next) - 1;
        uint32_t slot = (uint32_t)(actor - cop__node_of(thread)->slots.base);
        if (cop__sys_asks_for_end(signal)) {
                dying = dying && !(signal->flags & COP__SIGNAL_LATE);
                signal->flags &= (uint16_t)~COP__SIGNAL_LATE;
        }
        cop__queue_release(&actor->queue, &actor->cursor, &signal->node);
        cop__refuse_signal(thread, cop__pid(slot, signal->node.generation), signal,
                           dying ? actor->reason : NULL);
        return false;
}

/* Of links, monitors and exits: what relation.c takes in. */
#define RELATION_TYPES                                                                                              \
        (1u << COP__SIGNAL_EXIT | 1u << COP__SIGNAL_LINK | 1u << COP__SIGNAL_UNLINK | 1u << COP__SIGNAL_LINK_EXIT | \
         1u << COP__SIGNAL_MONITOR | 1u << COP__SIGNAL_DEMONITOR | 1u << COP__SIGNAL_DOWN |                         \
         1u << COP__SIGNAL_FAREWELL | 1u << COP__SIGNAL_GONE)

static COP__NOINLINE bool take_in_other(struct cop__thread *thread, struct cop__actor *actor,
                                        struct cop__signal *signal)
{
        switch (signal->type) {
        case COP__SIGNAL_MESSAGE:
                return true;
        case COP__SIGNAL_START:
                cop__actor_born(thread, actor, signal);
                return false;
        case COP__SIGNAL_REPLY:
        case COP__SIGNAL_FAILED:
                if (cop__outpost_takes(actor, signal))
                        return true;
                return !cop__take_answer(thread, actor, signal) &&
                       cop__alias_take_in(thread, actor, signal);
        case COP__SIGNAL_DEFERRED_BY:
                cop__take_deferral(thread, actor, signal);
                return false;
        case COP__SIGNAL_HINGE:
                cop__calling_take_hinge(thread, actor, signal);
                return false;
        case COP__SIGNAL_WITHDRAWN:
                cop__outpost_withdrawn(actor, signal->ref);
                signal_done(thread, actor, signal);
                return false;
        case COP__SIGNAL_SPAWNED:
                cop__spawned_take_in(thread, actor, signal);
                return false;
        case COP__SIGNAL_WAKE:
                if (actor->alarmed && cop__calling_own(actor)->alarm == signal)
                        actor->alarmed = false;
                signal_done(thread, actor, signal);
                return false;
        case COP__SIGNAL_INFO:
                cop__tell_info(thread, actor, signal);
                return false;
        case COP__SIGNAL_SYS:
                cop__sys_take_in(thread, actor, signal);
                return false;
        default: /* COP__SIGNAL_OVERFLOW: what is of relations is taken in elsewhere, and no other comes */
                cop__overflow(actor);
                signal_done(thread, actor, signal);
                return false;
        }
}

/* Most of what is no message is of a relation, and the way to that has nothing to keep on the stack. */
static COP__NOINLINE bool take_in_any(struct cop__thread *thread, struct cop__actor *actor,
                                      struct cop__signal *signal)
{
        uint32_t generation = cop__pid_generation(cop__actor_pid(actor));
        if (signal->type != COP__SIGNAL_START &&
            (actor->life != COP__ALIVE || signal->node.generation != generation))
                return refuse(thread, actor, signal);
        if (RELATION_TYPES >> signal->type & 1)
                return cop__relation_take_in(thread, actor, signal);
        return take_in_other(thread, actor, signal);
}

/* Most of them are the reply to the call that waits. */
bool cop__take_in_slowly(struct cop__thread *thread, struct cop__actor *actor,
                         struct cop__signal *signal)
{
        if (actor->life != COP__ALIVE || !cop__is_plain_reply(actor, signal))
                return take_in_any(thread, actor, signal);
        cop__await_no_more(actor, signal);
        return false;
}

void cop__take_in_all(struct cop__actor *actor)
{
        struct cop__thread *thread = cop__thread_here();
        struct cop__signal *signal;
        while ((signal = cop__next_signal(thread, actor)) != NULL)
                if (cop__take_in(thread, actor, signal))
                        cop__mailbox_append(&actor->mailbox, signal);
}

bool cop__hurry_slowly(struct cop__actor *actor)
{
        /* One exchange: who set it before has pushed before, and is reached below; who sets it later is asked for again. */
        cop__exchange_acq_rel(&actor->urgent, 0);
        cop__take_in_all(actor);
        if (!cop__queue_is_drained(&actor->queue, &actor->cursor))
                cop__store_relaxed(&actor->urgent, 1); /* behind a sender that is in the middle of its push */
        return cop__must_leave(actor);
}

void cop__drain(struct cop__actor *actor)
{
        if (cop__queue_peek(&actor->queue, &actor->cursor) != NULL)
                cop__take_in_all(actor);
        if (cop__must_leave(actor))
                cop__leave(actor);
}

void cop__drain_to_look(struct cop__actor *actor, bool waits)
{
        if (waits || COP__LIKELY(!cop__is_in_section()))
                cop__drain(actor);
        else
                cop__take_in_all(actor);
}

/* ---- Handling ------------------------------------------------------------------------- */

/* A kind that another file declared too, or one for COP_OTHERWISE. */
static COP__NOINLINE const cop_handler *handler_for_slowly(const cop_behaviour *server,
                                                           const cop_kind *kind)
{
        for (size_t i = 0; i < server->handler_count; i++)
                if (server->handlers[i].event == COP_EVENT_MESSAGE &&
                    cop__kind_same(server->handlers[i].kind, kind))
                        return &server->handlers[i];
        for (size_t i = 0; i < server->handler_count; i++)
                if (server->handlers[i].event == COP_EVENT_OTHERWISE)
                        return &server->handlers[i];
        return NULL;
}

static COP__COLD void drop_unwanted(struct cop__actor *actor, struct cop__signal *signal)
{
        char pid[COP_ID_TEXT_MAX];
        cop_log(COP_LOG_WARNING, "%s %s has no handler for %s: dropped", actor->server->name,
                cop_pid_print(cop__actor_pid(actor), pid), signal->kind->name);
}

bool cop__is_parents_order(const struct cop__actor *actor, const struct cop__signal *signal)
{
        if (cop__is_outpost(actor)) /* whose process decides */
                return false;
        const cop_exited *exited = cop__signal_body(signal);
        return cop_pid_equal(exited->pid, cop__whom_it_obeys(actor));
}

COP__INLINE void run_handler(struct cop__actor *actor, const cop_handler *handler,
                             struct cop__signal *signal)
{
        void (*run)(void *, const void *) = handler->run.message;
        cop__store_relaxed(&actor->where, (const void *)(uintptr_t)run);
        run(actor->state, cop__signal_body(signal));
}

/* By the handler whose kind is the very same object, as nearly always. False: there is none; the slow way may find one. */
COP__INLINE bool handle_quickly(struct cop__actor *actor, struct cop__signal *signal, const cop_kind *kind)
{
        const cop_handler *handler = actor->server->handlers;
        for (size_t left = actor->server->handler_count; left > 0; left--, handler++)
                if (handler->kind == kind && handler->event == COP_EVENT_MESSAGE) {
                        run_handler(actor, handler, signal);
                        return true;
                }
        return false;
}

/* By a handler whose kind is not the very same object, or by none. False: the message is somebody else's now, or has ended. */
static COP__NOINLINE bool handle_slowly(struct cop__actor *actor, struct cop__signal *signal)
{
        const cop_handler *handler = handler_for_slowly(actor->server, signal->kind);
        if (handler == NULL) {
                drop_unwanted(actor, signal);
                return !cop__refuse_unwanted(actor, signal);
        } else if (handler->event == COP_EVENT_MESSAGE) {
                run_handler(actor, handler, signal);
        } else {
                cop__store_relaxed(&actor->where, (const void *)(uintptr_t)handler->run.otherwise);
                handler->run.otherwise(actor->state, (cop_message *)signal);
                return actor->current == signal;
        }
        return true;
}

/* Runs the handler. False: the message is somebody else's now, or has ended (machine.h). */
COP__INLINE bool handle(struct cop__actor *actor, struct cop__signal *signal)
{
        const cop_kind *kind = signal->kind;
        bool ours = true;
        actor->current = signal;
        cop__recent_note(actor, kind);
        if (COP__UNLIKELY(kind == COP_KIND_OF(cop_exited)) && cop__is_parents_order(actor, signal))
                cop__exit_with(actor, ((const cop_exited *)cop__signal_body(signal))->reason);
        if (COP__UNLIKELY(!handle_quickly(actor, signal, kind)))
                ours = handle_slowly(actor, signal);
        actor->current = NULL;
        cop__count_up(&actor->handled);
        return ours;
}

/* ---- The turn ----------------------------------------------------------------------------- */

/* How hard senders are held back; see cop__push_back in wait.c. */
static uint32_t pressure_of(uint32_t unread)
{
        if (unread > 256 * COP__PRESSURE_FROM)
                return COP__PRESSURE_HIGHEST;
        if (unread > 64 * COP__PRESSURE_FROM)
                return COP__PRESSURE_HIGHER;
        if (unread > 16 * COP__PRESSURE_FROM)
                return COP__PRESSURE_HIGH;
        return unread > COP__PRESSURE_FROM ? COP__PRESSURE_LOW : COP__PRESSURE_NONE;
}

/*
 * How many messages wait, counted along the links from where the last count ended: so each is counted once, and what is
 * counted is on its way to this core's cache, which will need it. Counting ends where it makes no difference any more.
 * Where it ended is forgotten when the actor falls asleep: taken_count wraps, and would come to lie before it again.
 */
static uint32_t count_unread(struct cop__actor *actor)
{
        struct cop__calling *own = cop__calling_own(actor);
        int32_t ahead = actor->scouted ? (int32_t)(own->scout_at - actor->taken_count) : 0;
        struct cop__node *node = ahead > 0 ? own->scout : actor->cursor.node;
        struct cop__node *next;
        if (ahead < 0)
                ahead = 0;
        while (node != NULL && ahead <= 16 * (int32_t)COP__PRESSURE_FROM &&
               (next = cop__load_acquire(&node->next)) != NULL) { /* LINK */
                node = next;
                ahead++;
        }
        own->scout = node;
        own->scout_at = actor->taken_count + (uint32_t)ahead;
        actor->scouted = ahead > 0;
        return (uint32_t)ahead + actor->mailbox.count;
}

/* The count ended at a node behind which there are more: its sender is in the middle of a push, or has lost its core there. */
static bool is_cut_short(struct cop__actor *actor)
{
        const struct cop__node *last = cop__calling_own(actor)->scout;
        uintptr_t tail = cop__load_relaxed(&actor->queue.tail);
        return !(tail & COP__QUEUE_MARK) && tail != (uintptr_t)last;
}

/* Looked at when a turn ends before the messages do. Under pressure an actor works longer at a time than those who
 * send to it, of whom there may be many. */
int32_t cop__turn_budget(struct cop__actor *actor)
{
        uint32_t said = cop__load_relaxed(&actor->pressed) & ~(uint32_t)COP__PRESSURE_LIMITED;
        uint32_t pressure = pressure_of(count_unread(actor));
        if (COP__UNLIKELY(pressure < said) && is_cut_short(actor))
                pressure = said;
        cop__press(actor, pressure);
        struct cop__worker *worker = cop__thread_here()->worker;
        if (worker != NULL)
                cop__follow_show(&actor->task, worker->index);
        return pressure != COP__PRESSURE_NONE ? 16 * COP__TURN_BUDGET - 1 : COP__BUDGET;
}

/*
 * The owner counts when its turn ends, and may be long in one, or wait for its turn behind those
 * who send, or its thread may have lost its core. So a sender looks now and then, too, by the
 * numbers in the nodes. These may be less than there are (mailbox/queue.h), so it only ever says more than the
 * owner did, who counts again in the end. Who sends to itself is not to wait for itself. Of what is still in the queue the two
 * highest pressures are said here alone: the owner counts no further than the third, and while it takes turns at all that is
 * enough.
 *
 * It may meet the owner's own word: the one that is stored last stays, for a turn at most. The slot
 * may be another's by now, or its owner asleep: the next one to send there loses a pause.
 */
COP__COLD void cop__press_for(struct cop__thread *thread, struct cop__actor *actor)
{
        uint8_t said = cop__load_relaxed(&actor->pressed);
        uint8_t limited = said & COP__PRESSURE_LIMITED;
        uint8_t pressure = (uint8_t)pressure_of(cop__unread(actor));
        if (thread->current != &actor->task && pressure > (said & ~COP__PRESSURE_LIMITED))
                cop__cas_release(&actor->pressed, &said, limited | pressure); /* orders nothing */
}

/* Is a message to be handled? False: it was one too many, or a call that nobody waits for, and has ended. */
COP__INLINE bool admits(struct cop__thread *thread, struct cop__actor *actor,
                        struct cop__signal *signal)
{
        if (COP__UNLIKELY(signal->flags & COP__SIGNAL_COUNTED) &&
            !cop__limit_take(thread, actor, signal))
                return false;
        if (!(signal->flags & COP__SIGNAL_CALL) ||
            COP__LIKELY(!cop__calling_is_over(cop__node_of(thread), signal)))
                return true;
        cop__calling_drop(thread, actor, signal);
        return false;
}

/* The same from a signal on that has arrived, and may be any. */
static COP__NOINLINE struct cop__signal *next_message_from(struct cop__thread *thread, struct cop__actor *actor,
                                                           struct cop__signal *signal)
{
        for (; signal != NULL; signal = cop__next_signal(thread, actor)) {
                bool message = cop__take_in(thread, actor, signal);
                if (COP__UNLIKELY(actor->reason != NULL || actor->aside != 0)) {
                        if (message)
                                cop__mailbox_append(&actor->mailbox, signal);
                        return NULL;
                }
                if (message)
                        return signal;
                if (COP__UNLIKELY(actor->mailbox.first != NULL))
                        return mailbox_take_first(&actor->mailbox); /* it had priority */
        }
        return NULL;
}

/* The next message for a server's handler, with the signals before it acted upon. NULL: there is none, or the actor is
 * to do something else first: end its life, or what its aside bits say, which are none now. */
COP__INLINE struct cop__signal *next_message(struct cop__thread *thread, struct cop__actor *actor)
{
        struct cop__signal *signal = mailbox_take_first(&actor->mailbox);
        if (signal != NULL)
                return signal;
        signal = cop__next_signal(thread, actor);
        if (signal == NULL ||
            COP__LIKELY(cop__is_message_for(actor, signal) && actor->reason == NULL))
                return signal;
        return next_message_from(thread, actor, signal);
}

COP__INLINE void end_message(struct cop__thread *thread, struct cop__actor *actor,
                             struct cop__signal *signal)
{
        if (COP__UNLIKELY(signal->ref.bits != 0 &&
                          (signal->flags & (COP__SIGNAL_ANSWERED | COP__SIGNAL_TAKEN)) != COP__SIGNAL_ANSWERED))
                cop__message_done(thread, actor, signal);
        else
                signal_done(thread, actor, signal);
}

/* One message, while somebody observes it or the time without one counts. */
static void handle_aside(struct cop__actor *actor, struct cop__signal *signal)
{
        actor->current = signal;
        cop__server_message_begins(actor, signal);
        if (handle(actor, signal))
                end_message(cop__thread_here(), actor, signal);
        cop__server_message_ended(actor);
}

/* One that hibernates is not woken by anything but a message. */
static COP__COLD bool is_to_wake(struct cop__actor *actor)
{
        cop__take_in_all(actor);
        while (actor->reason == NULL && cop__sys_has_next(actor))
                cop__sys_act(actor);
        if (actor->reason != NULL || actor->mailbox.first == NULL ||
            actor->aside & COP__ASIDE_SUSPENDED)
                return false;
        cop__set_manner(actor, COP__HIBERNATES, false);
        return true;
}

/*
 * The long way: what an actor does aside from handling its messages, one thing at a time and in this order. Then they are
 * all in its mailbox, for anything may come before the next of them. False: the turn is over.
 */
static COP__NOINLINE bool live_aside(struct cop__actor *actor)
{
        struct cop__signal *signal;
        if (actor->aside & COP__ASIDE_BEGIN) {
                if (cop__has_manner(actor, COP__HIBERNATES) && !is_to_wake(actor))
                        return false;
                actor->aside &= (uint8_t)~COP__ASIDE_BEGIN;
                cop__actor_begin(actor);
                return actor->server != NULL && !cop__hurry(actor);
        }
        cop__take_in_all(actor);
        if (actor->reason != NULL)
                return false;
        if (actor->aside & COP__ASIDE_CONTINUE) {
                cop__server_continue(actor);
        } else if (cop__sys_has_next(actor)) {
                cop__sys_act(actor);
        } else if (actor->aside & COP__ASIDE_SUSPENDED) {
                if ((signal = cop__server_take_suspended(actor)) == NULL)
                        return false;
                handle_aside(actor, signal);
        } else if ((signal = cop__mailbox_take_first(&actor->mailbox)) != NULL) {
                if (signal->type == COP__SIGNAL_SYS)
                        cop__sys_due(actor, signal);
                else if (admits(cop__thread_here(), actor, signal))
                        handle_aside(actor, signal);
        } else if (!(actor->aside & COP__ASIDE_IDLE) || !cop__server_idle(actor)) {
                return false;
        }
        return --actor->budget >= 0 && !cop__hurry(actor);
}

/* Runs user code: init or the plain function first, then messages. Returns when the turn is over or the actor must
 * end; an exit or a fault leaves it through the escape point. True: it has nothing to do, here or aside, unless it must end. */
COP__INLINE bool live(struct cop__thread *thread, struct cop__actor *actor)
{
        if (COP__UNLIKELY(cop__load_relaxed(&actor->urgent) != 0) && actor->init_done &&
            cop__hurry_slowly(actor))
                return false;
        for (;;) {
                if (COP__UNLIKELY(actor->aside != 0)) {
                        if (!live_aside(actor))
                                return false;
                        thread = cop__thread_here();
                        continue;
                }
                struct cop__signal *signal = next_message(thread, actor);
                if (COP__LIKELY(signal != NULL)) {
                        if (COP__UNLIKELY(signal->flags & (COP__SIGNAL_COUNTED | COP__SIGNAL_CALL)) &&
                            !admits(thread, actor, signal)) {
                                if (--actor->budget < 0)
                                        return false;
                                continue;
                        }
                        bool ours = handle(actor, signal);
                        thread = cop__thread_here();
                        if (COP__LIKELY(ours))
                                end_message(thread, actor, signal);
                        if (--actor->budget < 0 || cop__hurry(actor))
                                return false;
                        continue;
                }
                if (COP__LIKELY(actor->aside == 0))
                        return true;
                if (actor->reason != NULL)
                        return false;
        }
}

/* False: more is coming. Asleep, the actor may run elsewhere at once: nothing of it is touched after that. */
COP__INLINE bool is_asleep_now(struct cop__thread *thread, struct cop__actor *actor)
{
        struct cop__node *passed;
        actor->budget = COP__BUDGET;
        if (COP__UNLIKELY(!cop__fall_asleep(thread, actor, &passed)))
                return false;
        if (passed != NULL)
                cop__signal_free(&thread->pool, cop__signal_of(passed));
        return true;
}

/* The same with all that there may be to do before. */
static COP__NOINLINE void fall_asleep_slowly(struct cop__thread *thread, struct cop__actor *actor)
{
        uint32_t pressure = cop__load_relaxed(&actor->pressed) & ~(uint32_t)COP__PRESSURE_LIMITED;
        cop__press(actor, pressure_of(actor->mailbox.count)); /* suspended it has some */
        cop__let_go(actor); /* a handler may have kept what it received */
        if (is_asleep_now(thread, actor))
                return;
        /* A sender stopped in the middle of a push may have many behind it. */
        cop__press(actor, pressure);
        cop__schedule_later(thread->scheduler, thread, &actor->task);
}

/* After messages that have all been handled: the last of them is the queue's cursor, and goes with this. */
COP__INLINE void fall_asleep(struct cop__thread *thread, struct cop__actor *actor)
{
        struct cop__queue_cursor last = actor->cursor;
        if (COP__UNLIKELY(!last.done || actor->scouted ||
                          cop__load_relaxed(&actor->pressed) & ~(uint32_t)COP__PRESSURE_LIMITED)) {
                fall_asleep_slowly(thread, actor);
                return;
        }
        actor->budget = COP__BUDGET;
        if (COP__LIKELY(cop__fall_asleep_behind(thread, actor, last)))
                cop__signal_free(&thread->pool, cop__signal_of(last.node));
        else
                cop__schedule_later(thread->scheduler, thread, &actor->task);
}

/*
 * The turn's budget is spent. The actor comes after those that wait already; but if it is behind, soon, for among them are those who
 * send to it. It may also be that the last message was the last there is.
 */
static COP__NOINLINE void end_spent_turn(struct cop__thread *thread, struct cop__actor *actor)
{
        actor->budget = cop__turn_budget(actor);
        if (cop__load_relaxed(&actor->pressed) & ~(uint32_t)COP__PRESSURE_LIMITED)
                cop__schedule(thread->scheduler, thread, &actor->task);
        else if (cop__queue_is_drained(&actor->queue, &actor->cursor) && actor->aside == 0 &&
                 actor->mailbox.first == NULL)
                fall_asleep(thread, actor);
        else
                cop__schedule_later(thread->scheduler, thread, &actor->task);
}

/* A slot with nobody in it: what came for the dead is answered. If a spawner's START is among it, life goes on. */
static COP__NOINLINE bool is_cleared(struct cop__thread *thread, struct cop__actor *actor,
                                     struct cop__node **passed)
{
        unsigned looks = 0;
        do {
                struct cop__signal *signal = cop__next_signal(thread, actor);
                if (signal == NULL) {
                        COP__CUE("turn.awaits_sender");
                        cop__spin_wait(looks); /* a sender is between two instructions */
                } else {
                        cop__take_in(thread, actor, signal);
                }
                if (actor->life == COP__ALIVE) {
                        cop__schedule(thread->scheduler, thread, &actor->task);
                        return false;
                }
                looks++;
        } while (!cop__fall_asleep(thread, actor, passed));
        return true;
}

void cop__slot_clear(struct cop__thread *thread, struct cop__actor *actor)
{
        struct cop__node *passed;
        bool died_now = actor->life == COP__DYING;
        bool retired = cop__load_relaxed(&actor->pid) == 0;
        if (died_now) {
                cop__shared_term_drop(actor->reason);
                actor->reason = NULL;
                actor->life = COP__FREE;
        }
        if (COP__UNLIKELY(!cop__fall_asleep(thread, actor, &passed)) && !is_cleared(thread, actor, &passed))
                return;
        if (passed != NULL)
                cop__signal_free(&thread->pool, cop__signal_of(passed));
        if (died_now && !retired)
                cop__slot_give(cop__here_of(thread), actor);
}

/* A slice of a death, the last one with the clearing of the slot. */
static COP__NOINLINE void run_dying(struct cop__thread *thread, struct cop__actor *actor)
{
        if (cop__die_on(thread, actor, thread->scheduler->habits.death_slice))
                cop__slot_clear(thread, actor);
        else
                cop__schedule_later(thread->scheduler, thread, &actor->task);
}

/* Nobody lives in the slot, but something has come: START, or strays. True: an actor is born, and its first turn is now. */
static bool is_born(struct cop__thread *thread, struct cop__actor *actor)
{
        while (actor->life != COP__ALIVE) {
                struct cop__signal *signal = cop__next_signal(thread, actor);
                if (signal == NULL) {
                        COP__CUE("turn.nobody_lives");
                        cop__slot_clear(thread, actor);
                        return false;
                }
                if (COP__LIKELY(signal->type == COP__SIGNAL_START))
                        cop__actor_born(thread, actor, signal);
                else
                        cop__take_in_slowly(thread, actor, signal);
        }
        if (COP__LIKELY(actor->task.visitor == NULL))
                return true;
        /* START came behind a stray: its thread waits for the right */
        cop__schedule(thread->scheduler, thread, &actor->task);
        return false;
}

/* The turn of one that dies, or of a slot in which nobody lives. True: somebody does now. */
static COP__NOINLINE bool run_lifeless(struct cop__thread *thread, struct cop__actor *actor)
{
        if (actor->life != COP__DYING)
                return is_born(thread, actor);
        run_dying(thread, actor);
        return false;
}

/* A turn is over in which the actor has got a reason to end. */
static COP__NOINLINE void end_life(struct cop__thread *thread, struct cop__actor *actor)
{
        cop__die(thread, actor);
        run_dying(thread, actor);
}

/* A turn is over in which something was left to do. */
static COP__NOINLINE void end_turn(struct cop__thread *thread, struct cop__actor *actor)
{
        cop__turn_end(&cop__here_of(thread)->fault);
        if (COP__UNLIKELY(actor->reason != NULL))
                end_life(thread, actor);
        else if (COP__UNLIKELY(actor->budget < 0))
                end_spent_turn(thread, actor);
        else
                fall_asleep_slowly(thread, actor);
}

/* The same where nothing was, not even aside, and the budget is not spent. */
COP__INLINE void end_turn_idle(struct cop__thread *thread, struct cop__actor *actor)
{
        cop__turn_end(&cop__here_of(thread)->fault);
        if (COP__UNLIKELY(actor->reason != NULL))
                end_life(thread, actor);
        else
                fall_asleep(thread, actor);
}

void cop__actor_run(struct cop__task *task)
{
        struct cop__thread *thread = cop__thread_here();
        struct cop__actor *actor = cop__actor_of(task);
        COP__KEEP(actor);
        if (COP__UNLIKELY(actor->life != COP__ALIVE) && !run_lifeless(thread, actor))
                return;
        cop__guard_turn(thread);
        bool idle = live(thread, actor);
        thread = cop__thread_here();
        if (COP__LIKELY(idle))
                end_turn_idle(thread, actor);
        else
                end_turn(thread, actor);
}

/* Exits and faults come here from wherever in a turn they were, with nothing of it left on the stack. */
void cop__actor_left(struct cop__task *task, int how)
{
        struct cop__actor *actor = cop__actor_of(task);
        if (how == COP__ESCAPE_RENEWED) {
                cop__guard_turn(cop__thread_here());
                cop__actor_begin(actor);
        }
        end_turn(cop__thread_here(), actor);
}
