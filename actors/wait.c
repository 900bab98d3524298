/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Waiting: how an actor gives up its thread until it hears something, and what it hears when its time is over.
 *
 * The end of a time-out is a signal like any other, so that "a message came" and "time is up" cannot race: WAKE, with
 * its timer before it in one block, made when the alarm is armed. Whoever ends the armed state has it:
 * cancelled it is freed, fired it goes through the queue.
 *
 * An alarm is set lazily. A wait that ends early leaves it armed, and the next wait, whose end is later as a rule, uses
 * it: when it fires too early for the wait that is on then, it is armed again. So a server that is called a million times
 * with a time-out of five seconds sets a timer once in five seconds.
 */
#include "actors/abroad.h"
#include "actors/actor.h"
#include "actors/calling.h"
#include "actors/simulation.h"
#include "actors/sys.h"
#include "base/clock.h"
#include "base/cue.h"
#include "base/own_code.h"
#include "scheduler/loop.h"

uint64_t cop__deadline_ns(int64_t timeout_ms)
{
        uint64_t most_ms = COP__TIMER_NS_MAX / COP__NS_PER_MS;
        if (timeout_ms == COP_FOREVER)
                return UINT64_MAX;
        if ((uint64_t)timeout_ms >= most_ms)
                return COP__TIMER_NS_MAX;
        return cop__clock_in_ns((uint64_t)timeout_ms * COP__NS_PER_MS);
}

/* ---- The alarm ------------------------------------------------------------------ */

bool cop__arm_alarm(struct cop__thread *thread, struct cop__actor *actor, uint64_t when_ns)
{
        struct cop__calling *own = cop__calling_own(actor);
        if (actor->alarmed) {
                struct cop__timer *armed = cop__timer_before(own->alarm);
                if (armed->when_ns <= when_ns)
                        return true; /* fires before, and is armed again then */
                COP__CUE("wait.brings_forward");
                if (!cop__timer_cancel(armed))
                        return true; /* is firing: its signal is on the way */
                cop__arm(thread, armed, when_ns);
                return true;
        }
        struct cop__signal *signal = cop__alarm_new(thread, cop__actor_pid(actor));
        if (signal == NULL)
                return false;
        own->alarm = signal;
        actor->alarmed = true;
        cop__arm(thread, cop__timer_before(signal), when_ns);
        return true;
}

/* A return address, which belongs to the call before it. */
static void show_where(struct cop__actor *actor, const void *where)
{
        cop__store_relaxed(&actor->where, (const void *)((const char *)where - 1));
}

/* ---- Giving up the thread ------------------------------------------------------------ */

/* The stack has been left: the actor may sleep, if nothing has come. Nothing of it is touched once it does. */
static void sleep_now(void *argument)
{
        struct cop__actor *actor = argument;
        struct cop__thread *thread = cop__thread_here();
        struct cop__node *passed;
        if (!cop__fall_asleep(thread, actor, &passed))
                cop__schedule(thread->scheduler, thread, &actor->task);
        else if (passed != NULL)
                cop__signal_free(&thread->pool, cop__signal_of(passed));
}

/* What goes along with an actor that blocks, from the thread that is left to the one that comes back: its guard against faults. */
struct guard {
        unsigned critical, calm;
};

COP__INLINE struct guard leave_thread(struct cop__actor *actor)
{
        struct cop__thread *thread = cop__thread_here();
        struct cop__fault_scope *scope = &cop__here_of(thread)->fault;
        struct guard guard = { scope->critical, scope->calm };
        cop__turn_end(scope);
        scope->critical = 0;
        cop__store_relaxed(&actor->task.stack_bytes, (uint32_t)(cop__escape_of(thread)->top - cop__stack_pointer()));
        return guard;
}

COP__INLINE void come_back(struct cop__actor *actor, struct guard guard)
{
        struct cop__thread *thread = cop__thread_here();
        cop__store_relaxed(&actor->task.stack_bytes, 0);
        cop__here_of(thread)->fault.critical = guard.critical;
        cop__guard_turn(thread);
        cop__store_relaxed(&cop__here_of(thread)->fault.calm, guard.calm);
}

/* Blocks. NULL: it comes back to this thread, when others have run. */
static bool block_with(struct cop__actor *actor, void (*after)(void *), void *argument)
{
        struct guard guard = leave_thread(actor);
        bool blocked = after != NULL ? cop__block(after, argument) : cop__block_here();
        come_back(actor, guard);
        return blocked;
}

static bool block(struct cop__actor *actor, void (*after)(void *))
{
        return block_with(actor, after, actor);
}

void cop__wait_for(struct cop__actor *actor, void (*after)(void *), void *argument,
                   const void *code)
{
        cop__let_go(actor);
        cop__store_relaxed(&actor->where, code);
        block_with(actor, after, argument);
        actor->budget = COP__BUDGET;
}

/* With the way of most waits compiled in. */
COP__INLINE void wait_on_stack(struct cop__actor *actor)
{
        struct guard guard = leave_thread(actor);
        bool blocked = cop__block_quickly(sleep_now, actor);
        come_back(actor, guard);
        if (COP__UNLIKELY(!blocked))
                cop__exit_with(actor, COP_TUPLE(cop_atom("system_limit"), cop_atom("stack")));
}

/* Asleep it is no company to the worker. */
static void sleep_on_thread(struct cop__actor *actor, uint32_t ticket, uint64_t deadline_ns)
{
        struct cop__thread *thread = cop__thread_here();
        cop__visitor_step_out(thread);
        cop__visitor_wait(thread, actor->task.visitor, ticket, deadline_ns);
        cop__visitor_step_in(thread);
}

/*
 * A visitor's own thread sleeps, by its own clock: no worker need be free for its time-outs. The mark is taken by exactly
 * one sender, who wakes us exactly once, or by ourselves when the time is over.
 */
static void wait_on_thread(struct cop__actor *actor, uint64_t deadline_ns)
{
        struct cop__node *passed;
        uint32_t ticket = cop__park_ticket(actor->task.visitor);
        actor->scouted = false;
        if (!cop__queue_sleep(&actor->queue, &actor->cursor, &passed)) {
                /* Its sender may be between two instructions, and have lost its core. Not longer: there is a time to look at. */
                for (unsigned looks = 0; looks < COP__SPINS && cop__queue_peek(&actor->queue, &actor->cursor) == NULL; looks++)
                        cop__spin_wait(looks);
                return;
        }
        if (passed != NULL)
                cop__signal_free(&cop__thread_here()->pool, cop__signal_of(passed));
        if (deadline_ns != UINT64_MAX) {
                sleep_on_thread(actor, ticket, deadline_ns);
                if (cop__queue_rouse(&actor->queue))
                        return;
        }
        sleep_on_thread(actor, ticket, UINT64_MAX); /* the wake is on its way, if not here */
}

static COP__NOINLINE void wait_as_visitor(struct cop__actor *actor, uint64_t deadline_ns)
{
        struct cop_node *node = cop__node_of(cop__thread_here());
        wait_on_thread(actor, deadline_ns);
        cop__simulation_end_if_over(node);
        actor->budget = cop__simulation_budget(node);
}

/* A message in the user's hands cannot stay the queue's cursor: asleep, there is no moment left to link it. */
void cop__let_go_slowly(struct cop__actor *actor)
{
        struct cop__node *node = actor->cursor.node;
        if (!(cop__signal_of(node)->flags & COP__SIGNAL_TAKEN))
                return;
        cop__queue_release(&actor->queue, &actor->cursor, node);
        cop__taken_link(actor, cop__signal_of(node));
}

void cop__wait(struct cop__actor *actor, uint64_t deadline_ns, const void *where)
{
        if (deadline_ns != UINT64_MAX && actor->task.visitor == NULL &&
            !cop__arm_alarm(cop__thread_here(), actor, deadline_ns))
                cop__exit_with(actor, COP_TUPLE(cop_atom("system_limit"), cop_atom("timer")));
        cop__wait_for_alarm(actor, deadline_ns, where);
}

/* Who waits has emptied the queue, not read it: what it did not want lies in the mailbox, and is still to be read. */
COP__INLINE void press_for_mailbox(struct cop__actor *actor)
{
        uint32_t pressure = cop__load_relaxed(&actor->pressed) & ~(uint32_t)COP__PRESSURE_LIMITED;
        if (COP__UNLIKELY(pressure != COP__PRESSURE_NONE || actor->mailbox.count > COP__PRESSURE_FROM))
                (void)cop__turn_budget(actor);
}

void cop__wait_for_alarm(struct cop__actor *actor, uint64_t deadline_ns, const void *where)
{
        if (COP__UNLIKELY(actor->aside & (COP__ASIDE_ASKED | COP__ASIDE_QUEUED)))
                cop__sys_glance(actor);
        cop__let_go(actor);
        press_for_mailbox(actor);
        show_where(actor, where);
        if (COP__UNLIKELY(actor->task.visitor != NULL)) {
                wait_as_visitor(actor, deadline_ns);
                return;
        }
        actor->budget = COP__BUDGET; /* asleep, as everybody's is: a simulation draws another when it wakes */
        wait_on_stack(actor);
}

/* ---- The budget ------------------------------------------------------------------------ */

static void run_later(void *argument)
{
        struct cop__actor *actor = argument;
        struct cop__thread *thread = cop__thread_here();
        cop__schedule_later(thread->scheduler, thread, &actor->task);
}

void cop__yield(struct cop__actor *actor, const void *where)
{
        actor->budget = cop__turn_budget(actor);
        if (actor->task.visitor != NULL) {
                actor->budget = cop__simulation_budget(cop__node_of(cop__thread_here()));
                cop__visitor_yield(cop__thread_here());
                cop__drain(actor);
                return;
        }
        show_where(actor, where);
        if (block(actor, run_later)) /* without memory for a stack the turn just goes on */
                cop__drain(actor);
}

void cop__yield_here(struct cop__actor *actor)
{
        actor->budget = cop__turn_budget(actor);
        if (block(actor, NULL))
                cop__drain(actor);
}

const char cop__null_name[1] = "";

cop_status cop__no_name(struct cop__actor *actor, const char *name, const void *where)
{
        cop__spend(actor, 1, where);
        return name == cop__null_name ? COP_E_BAD_ARGUMENT : COP_E_NO_NAME;
}

bool cop__is_in_section(void)
{
        return cop__load_relaxed(&cop__here_of(cop__thread_here())->fault.calm) > 0;
}

void cop__spent(struct cop__actor *actor, const void *where)
{
        if (COP__UNLIKELY(cop__is_in_section()))
                actor->budget = actor->budget < 0 ? -1 : actor->budget;
        else if (actor->budget < 0)
                cop__yield(actor, where);
        else if (cop__hurry_slowly(actor))
                cop__leave(actor);
}

/* It has sent so many messages there, about. True: it is to go where its receiver is; see scheduler/follow.h. */
static bool note_receiver(const struct cop__actor *self, const struct cop__actor *receiver, uint32_t messages)
{
        struct cop__worker *worker = cop__thread_here()->worker;
        return receiver != NULL && worker != NULL && self->task.visitor == NULL &&
               cop__follow_note(worker, &receiver->task, messages);
}

void cop__spent_on(struct cop__actor *actor, const struct cop__actor *receiver, uint32_t messages, const void *where)
{
        if (actor->budget < 0 && COP__LIKELY(!cop__is_in_section())) /* there its turn ends later, and each message would count as one */
                note_receiver(actor, receiver, messages);
        cop__spent(actor, where);
}

/*
 * The receiver of a message is behind. While it is a little, its senders lose a good part of their turns, so that it gets the
 * worker more often than they do. That helps where they share a worker; on another one they would fill memory faster than the
 * receiver, which has to fetch each message across, can empty it. So when it is far behind, each message costs its
 * sender a pause; when it has lost its core, or does not read, and a thousand go on with a message for each pause, the pauses grow. A pause
 * ends by itself, whatever the receiver does: no two actors can hold each other back for ever. Nor can they wake each other out
 * of it: what comes meanwhile is taken in, and only an exit ends it sooner. Who is in a section makes none.
 */
void cop__push_back(struct cop__actor *actor, const struct cop__actor *receiver, uint32_t pressure, const void *where)
{
        if (pressure == COP__PRESSURE_LOW || COP__UNLIKELY(cop__is_in_section())) {
                cop__spend_on(actor, receiver, (COP__TURN_BUDGET + COP__PRESSED_TURN - 1) / COP__PRESSED_TURN, COP__PRESSED_TURN, where);
                return;
        }
        if (note_receiver(actor, receiver, COP__FOLLOW_LEAST))
                cop__yield(actor, where); /* there it goes on */
        unsigned doublings = 2 * (pressure - COP__PRESSURE_HIGH);
        uint64_t until_ns = cop__clock_ns() + ((uint64_t)COP__PAUSE_NS << doublings);
        do {
                cop__wait(actor, until_ns, where);
                cop__drain(actor);
        } while (actor->reason == NULL && cop__clock_ns() < until_ns);
}

/* How far whoever it is, or the way to its node, is behind. */
static uint32_t pressure_of(cop_pid receiver)
{
        struct cop_node *node = cop__node_of(cop__thread_here());
        const struct cop__actor *actor = cop__slot_of(node, receiver);
        if (COP__UNLIKELY(actor == NULL))
                return cop__pid_node(receiver) != 0 ? cop__pressure_abroad(node, receiver) : COP__PRESSURE_NONE;
        return cop__load_relaxed(&actor->pressed) & ~(uint32_t)COP__PRESSURE_LIMITED;
}

void cop__pay_for(struct cop__actor *self, cop_pid receiver, const void *where)
{
        uint32_t pressure = pressure_of(receiver);
        if (pressure != COP__PRESSURE_NONE && !cop_pid_equal(receiver, cop__actor_pid(self)))
                cop__push_back(self, cop__slot_of(cop__node_of(cop__thread_here()), receiver), pressure, where);
        else
                cop__spend(self, 1, where);
}

void cop__charge(cop_pid receiver, const void *where)
{
        struct cop__actor *self = cop__actor_here();
        if (self == NULL)
                return;
        bool pressed = pressure_of(receiver) != COP__PRESSURE_NONE;
        if (!pressed && self->task.visitor != NULL)
                return; /* its thread is its own */
        if (COP__LIKELY(!pressed && self->budget > 0 && cop__load_relaxed(&self->urgent) == 0))
                self->budget--;
        else if (cop__own_code_has((uintptr_t)where - 1))
                self->budget -= self->budget >= 0;
        else
                cop__pay_for(self, receiver, where);
}

void cop_yield(void)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor != NULL)
                cop__yield(actor, __builtin_return_address(0));
}
