/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Who sends to an actor that is behind is held back, also by one that has no time to say so itself. */
#include "tests/half_sent.h"
#include "tests/cue.h"
#include "tests/echo.h"

#include <coppice/alias.h>
#include <coppice/request.h>
#include <coppice/sys.h>
#include <sched.h>

typedef struct { uint64_t number; } grain;
COP_MESSAGE(grain, number);

typedef struct { cop_pid to; uint64_t grains; } load;
COP_MESSAGE(load, to, grains);

static void pours(const load *l)
{
        for (uint64_t i = 0; i < l->grains; i++)
                cop_send(l->to, grain, .number = i);
}

static unsigned pressure_here(void)
{
        return cop__load_relaxed(&cop__actor_here()->pressed) & ~(unsigned)COP__PRESSURE_LIMITED;
}

/* This thread does not look at its mailbox meanwhile, so whatever is said of that is said by the sender. */
static void let_pour(uint64_t grains)
{
        cop_pid pid = cop_spawn_with(pours, load, .to = cop_self(), .grains = grains);
        while (cop_is_alive(pid))
                sched_yield();
}

static void take_all(uint64_t grains)
{
        for (uint64_t i = 0; i < grains; i++) {
                cop_auto message = await(COP_KIND(grain));
                ck_assert_uint_eq(cop_read(grain, message)->number, i);
        }
}

static void answers(void)
{
        cop_auto message = cop_receive(COP_FOREVER, COP_KIND(grain));
        cop_reply_to(cop_caller_of(message), grain, 0);
}

/* With nothing in its mailbox, who waits has read what there was; but who sends meanwhile may look a moment before that. */
static bool is_gone_after_a_wait(void)
{
        cop_auto reply = NULL;
        ck_assert_int_eq(cop_call(&reply, cop_spawn(answers), PATIENCE_MS, grain, 0), COP_OK);
        return pressure_here() == COP__PRESSURE_NONE;
}

/* So many grains press so hard, none is lost, and when they have been read the pressure is gone. */
static void pour_and_look(uint64_t grains, unsigned pressure)
{
        let_pour(grains);
        ck_assert_uint_eq(cop__unread(cop__actor_here()), grains);
        ck_assert_uint_eq(pressure_here(), pressure);
        take_all(grains);
        await_true(is_gone_after_a_wait());
}

IN_NODE(nobody_is_held_back_by_an_actor_that_is_hardly_behind)
{
        NEEDS_THREADS();
        pour_and_look(COP__PRESSURE_FROM, COP__PRESSURE_NONE);
}

IN_NODE(a_sender_sees_that_its_receiver_is_behind_while_that_has_no_time_to_say_so)
{
        NEEDS_THREADS();
        pour_and_look(2 * COP__PRESSURE_FROM, COP__PRESSURE_LOW);
}

/* The last grains of it cost a pause each. */
IN_NODE(far_behind_it_holds_its_senders_back_hard_and_loses_nothing)
{
        NEEDS_THREADS();
        pour_and_look(17 * COP__PRESSURE_FROM + 8, COP__PRESSURE_HIGH);
}

/* As if others had sent them, who say nothing: the grains that are still missing to the sender's look at so many. */
static unsigned fill_up(unsigned grains)
{
        struct cop__actor *self = cop__actor_here();
        struct cop__thread *thread = cop__thread_here();
        unsigned sent = 0;
        for (uint32_t seq = 0; sent < grains - 1 || !cop__queue_is_each(seq + 2, COP__PRESSURE_FROM); sent++) {
                struct cop__signal *signal;
                ck_assert_int_eq(cop__signal_message(&thread->pool, COP_KIND_OF(grain), &(grain){ 0 }, &signal), COP_OK);
                ck_assert(!cop__push(thread, self, self->generation, signal, &seq));
        }
        return sent;
}

/* A thousand that send one message in each pause are many messages, while a receiver has lost its core. Who looks pays from its next message on. */
static void fill_and_look(unsigned grains, unsigned pressure, unsigned pauses)
{
        unsigned sent = fill_up(grains);
        uint64_t before_ns = cop__clock_ns();
        let_pour(2);
        ck_assert_uint_ge(cop__clock_ns() - before_ns, pauses * (uint64_t)COP__PAUSE_NS);
        ck_assert_uint_eq(pressure_here(), pressure);
        for (unsigned i = 0; i < sent + 2; i++)
                cop_message_free(await(COP_KIND(grain)));
        await_true(is_gone_after_a_wait());
}

IN_NODE(the_pauses_of_senders_grow_with_how_far_behind_their_receiver_is)
{
        NEEDS_THREADS();
        fill_and_look(17 * COP__PRESSURE_FROM, COP__PRESSURE_HIGH, 1);
        fill_and_look(65 * COP__PRESSURE_FROM, COP__PRESSURE_HIGHER, 4);
        fill_and_look(257 * COP__PRESSURE_FROM, COP__PRESSURE_HIGHEST, 16);
}

/*
 * As if a sender lost its core in the middle of its push: what comes behind it is counted all the same. Before it there are some, which
 * the receiver can read, and whose numbers the block of that sender bears from an earlier life.
 */
IN_NODE(behind_a_sender_that_has_lost_its_core_others_are_held_back_as_well)
{
        NEEDS_THREADS();
        struct cop__actor *self = cop__actor_here();
        struct half_sent late;
        enum { FEW = 10 };
        let_pour(FEW);
        send_half(&late, node, cop_self(), COP_KIND_OF(grain), &(grain){ FEW });
        cop_pid pid = cop_spawn_with(pours, load, .to = cop_self(), .grains = 17 * COP__PRESSURE_FROM + 8);
        while (cop_is_alive(pid))
                sched_yield();
        ck_assert_uint_eq(pressure_here(), COP__PRESSURE_HIGH);
        cop__turn_budget(self); /* it sees no more than the few, and that they are not all */
        ck_assert_uint_eq(pressure_here(), COP__PRESSURE_HIGH);
        send_rest(&late);
        take_all(FEW + 1);
        take_all(17 * COP__PRESSURE_FROM + 8);
        await_true(is_gone_after_a_wait());
}

/* ---- One that waits and does not read ---- */

static struct cop__actor *actor_of(cop_pid pid)
{
        return cop__slot_of(cop__node_of(cop__thread_here()), pid);
}

static unsigned pressure_at(cop_pid pid)
{
        return cop__load_relaxed(&actor_of(pid)->pressed) & ~(unsigned)COP__PRESSURE_LIMITED;
}

/* It sleeps over so many. */
static bool sleeps_over(cop_pid pid, uint64_t grains)
{
        return cop__unread(actor_of(pid)) == grains && cop__queue_is_asleep(&actor_of(pid)->queue);
}

/* It presses as hard as one that is at work. */
static void pour_at_sleeper(cop_pid pid)
{
        uint64_t grains = 17 * COP__PRESSURE_FROM + 8;
        cop_pid pouring = cop_spawn_with(pours, load, .to = pid, .grains = grains);
        await_true(!cop_is_alive(pouring));
        await_true(sleeps_over(pid, grains));
        ck_assert_uint_eq(pressure_at(pid), COP__PRESSURE_HIGH);
        ck_assert_int_eq(cop_send_exit(pid, cop_atom("kill")), COP_OK);
        await_true(!cop_is_alive(pid));
}

static void waits_for_a_load(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(load)));
}

static void sleeps(void)
{
        cop_sleep(COP_FOREVER);
}

typedef struct { uint64_t seen; } dozer;

static void dozer_on_load(dozer *self, const load *l)
{
        self->seen = l->grains;
        cop_sleep(COP_FOREVER);
}

static void dozer_on_grain(dozer *self, const grain *g)
{
        self->seen = g->number;
}

COP_SERVER(dozer, COP_ON(load, dozer_on_load), COP_ON(grain, dozer_on_grain));

/* ---- Who sends much to another worker goes there: scheduler/follow.h --------------------------- */

static void takes_grains(void)
{
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(grain));
                ck_assert_ptr_nonnull(message);
        }
}

/* To one that is always said to be where this actor is not. */
static void pours_until_it_goes(const load *l)
{
        struct cop__thread *thread = cop__thread_here();
        struct cop__actor *receiver = cop__slot_of(cop__node_of(thread), l->to);
        for (uint64_t i = 0; !cue_has_come("follow.goes"); i++) {
                cop__follow_show(&receiver->task, 1 - cop__worker_here()->index);
                cop_send(l->to, grain, .number = i);
        }
}

static void does_nothing(void *unused)
{
        (void)unused;
}

static void pour_until_it_goes(cop_pid to)
{
        cue_act("follow.goes", does_nothing, NULL);
        watch(cop_spawn_with(pours_until_it_goes, load, .to = to));
        cop_auto down = await(COP_KIND(cop_down));
        ck_assert_ptr_nonnull(down);
        ck_assert(cue_has_come("follow.goes"));
}

IN_NODE_WITH(who_spends_its_turn_on_messages_to_another_worker_goes_there, .workers = 2)
{
        pour_until_it_goes(cop_spawn(takes_grains));
}

static void pours_in_a_section(const load *l)
{
        struct cop__thread *thread = cop__thread_here();
        struct cop__actor *receiver = cop__slot_of(cop__node_of(thread), l->to);
        COP_NO_PREEMPT
        {
                struct cop__worker *worker = cop__worker_here();
                uint64_t abroad = worker->haul.abroad;
                for (uint64_t i = 0; i < l->grains; i++) {
                        cop__follow_show(&receiver->task, 1 - worker->index);
                        cop_send(l->to, grain, .number = i);
                }
                ck_assert_uint_eq(worker->haul.abroad, abroad);
        }
}

/* The turn goes on until the section ends, and each message after its budget would count as one more turn of them. */
IN_NODE_WITH(what_is_sent_to_another_worker_in_a_section_is_not_noted, .workers = 2)
{
        await_down(spawn_watched(RUN_WITH(pours_in_a_section, load, .to = cop_spawn(takes_grains), .grains = 4 * COP__TURN_BUDGET)), "normal");
}

/* This thread does not read meanwhile. */
IN_NODE_WITH(who_is_to_pause_for_a_receiver_on_another_worker_goes_there_first, .workers = 2)
{
        cop_pid pid = cop_spawn_with(pours, load, .to = cop_self(), .grains = 17 * COP__PRESSURE_FROM + 8);
        while (cop_is_alive(pid))
                cop_sleep(1);
        ck_assert_uint_ge(pressure_here(), COP__PRESSURE_HIGH);
        pour_until_it_goes(cop_self());
}

IN_NODE(who_waits_for_something_else_holds_its_senders_back)
{
        pour_at_sleeper(cop_spawn(waits_for_a_load));
}

IN_NODE(who_sleeps_holds_its_senders_back)
{
        pour_at_sleeper(cop_spawn(sleeps));
}

IN_NODE(who_sleeps_in_a_handler_holds_its_senders_back)
{
        cop_pid pid = cop_spawn_server(&dozer_server, NULL);
        cop_send(pid, load, .grains = 0);
        await_true(sleeps_over(pid, 0) && cop__load_relaxed(&actor_of(pid)->task.stack_bytes) > 0);
        pour_at_sleeper(pid);
}

IN_NODE(who_is_suspended_holds_its_senders_back)
{
        cop_pid pid = cop_spawn_server(&dozer_server, NULL);
        ck_assert_int_eq(cop_sys_suspend(pid, PATIENCE_MS), COP_OK);
        pour_at_sleeper(pid);
}

/* ---- Two that pour to each other ---- */

enum { PAUSES = 20 };

typedef struct { cop_pid to, teller; uint64_t grains; bool limited; } duel;
COP_MESSAGE(duel, to, teller, grains, limited);

typedef struct { uint64_t ns; } took;
COP_MESSAGE(took, ns);

/* Until each message costs a pause; then so many more. */
static void duels(void)
{
        cop_auto begin = cop_receive(COP_FOREVER, COP_KIND(duel));
        const duel *d = cop_read(duel, begin);
        for (uint64_t i = 0; i < d->grains || (!d->limited && pressure_at(d->to) < COP__PRESSURE_HIGH); i++)
                cop_send(d->to, grain, .number = i);
        uint64_t before_ns = cop__clock_ns();
        for (unsigned i = 0; i < PAUSES; i++)
                cop_send(d->to, grain, 0);
        cop_send(d->teller, took, .ns = cop__clock_ns() - before_ns);
        sleeps();
}

static void let_duel(uint32_t limit, uint64_t grains)
{
        cop_pid pid[2];
        for (int i = 0; i < 2; i++)
                ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = duels, .mailbox_limit = limit }, &pid[i]), COP_OK);
        for (int i = 0; i < 2; i++)
                cop_send(pid[i], duel, .to = pid[1 - i], .teller = cop_self(), .grains = grains, .limited = limit > 0);
        for (int i = 0; i < 2; i++) {
                cop_auto message = await(COP_KIND(took));
                ck_assert_uint_ge(cop_read(took, message)->ns, PAUSES * (uint64_t)COP__PAUSE_NS);
        }
        for (int i = 0; i < 2; i++) {
                cop_send_exit(pid[i], cop_atom("kill"));
                await_true(!cop_is_alive(pid[i]));
        }
}

IN_NODE(two_that_pour_to_each_other_do_not_wake_each_other_out_of_their_pauses)
{
        let_duel(0, 17 * COP__PRESSURE_FROM + 8);
}

IN_NODE(nor_do_two_whose_mailboxes_are_limited)
{
        let_duel(100, 200);
}

/* A pause would begin a new turn. */
static void pours_to_itself(const load *l)
{
        struct cop__actor *self = cop__actor_here();
        for (uint64_t i = 0; i < l->grains; i++)
                cop_send(cop_self(), grain, .number = i);
        cop_sleep(0);
        cop_message_free(cop_receive(1, COP_KIND(load)));
        ck_assert_uint_eq(pressure_here(), COP__PRESSURE_HIGH);
        int32_t budget = self->budget;
        for (int i = 0; i < 10; i++)
                cop_send(cop_self(), grain, 0);
        ck_assert_int_eq(self->budget, budget - 10);
        cop_send(l->to, took, 0);
}

IN_NODE(who_sends_to_itself_does_not_wait_for_itself)
{
        NEEDS_THREADS();
        if (COP__TINY) /* a turn is one message there */
                return;
        cop_spawn_with(pours_to_itself, load, .to = cop_self(), .grains = 17 * COP__PRESSURE_FROM);
        cop_message_free(await(COP_KIND(took)));
}

/* ---- Signals that are no messages, timers and names ---- */

static void asks_for_exits(cop_pid other)
{
        cop_send_exit(other, cop_atom("normal"));
}

static void links_and_unlinks(cop_pid other)
{
        cop_link(other);
        cop_unlink(other);
}

static void monitors_and_demonitors(cop_pid other)
{
        cop_ref ref;
        cop_monitor(other, &ref);
        cop_demonitor(ref);
}

static void monitors_and_flushes(cop_pid other)
{
        cop_ref ref;
        cop_monitor_opt(other, &(cop_monitor_options){ .alias = COP_ALIAS_DEMONITOR }, &ref);
        cop_demonitor_flush(ref);
}

static void sets_and_cancels(cop_pid other)
{
        cop_ref timer;
        cop_send_after(&timer, 100000, other, grain, .number = 1);
        cop_cancel(timer);
}

static void cancels_nothing(cop_pid other)
{
        (void)other;
        cop_cancel_async((cop_ref){ 1 }, false);
}

static void sets_one_that_fires(cop_pid other)
{
        (void)other;
        cop_exit_after(NULL, 0, cop_no_pid(), cop_atom("normal"));
}

static void registers_and_unregisters(cop_pid other)
{
        cop_register("other", other);
        cop_unregister("other");
}

static void sends_a_term_to_nobody(cop_pid other)
{
        (void)other;
        cop_send_term("nobody of that name", cop_atom("tea"));
}

static void spawns_under_a_name_that_is_taken(cop_pid other)
{
        cop_pid pid;
        (void)other;
        cop_spawn_opt(&(cop_spawn_options){ .run = sleeps, .name = "taken" }, &pid);
}

static void asks_where_it_is_full(cop_pid other)
{
        cop_request request;
        (void)other;
        cop_request_send(&request, "taken", grain, .number = 1);
}

static void replies_to_no_call(cop_pid other)
{
        cop_reply_to(((cop_caller){ other, { 1 } }), grain, .number = 1);
}

static void opens_and_closes_an_alias(cop_pid other)
{
        cop_alias alias;
        (void)other;
        cop_alias_open(COP_ALIAS_EXPLICIT, &alias);
        cop_alias_close(alias);
}

static void looks_whether_it_lives(cop_pid other)
{
        cop_is_alive(other);
}

static void (*const requests[])(cop_pid other) = {
        sends_a_term_to_nobody, spawns_under_a_name_that_is_taken, asks_where_it_is_full, replies_to_no_call,
        opens_and_closes_an_alias, looks_whether_it_lives,
        asks_for_exits, links_and_unlinks, monitors_and_demonitors, monitors_and_flushes,
        sets_and_cancels, cancels_nothing, sets_one_that_fires, registers_and_unregisters,
};

typedef struct { cop_pid other; uint32_t which; } chore;
COP_MESSAGE(chore, other, which);

static void asks_for_ever(const chore *c)
{
        for (;;)
                requests[c->which](c->other);
}

/* Nobody is interrupted here, so only the end of its own turn lets others on, and only its own safe point ends it. */
IN_NODE_WITH(a_loop_of_signals_timers_or_names_lets_others_on_and_ends_when_it_is_killed, .workers = 1, .no_preempt = true)
{
        cop_pid echo = cop_spawn(echoes), full;
        cop_spawn_options options = { .run = sleeps, .name = "taken", .mailbox_limit = 1, .mailbox_policy = COP_MAILBOX_REJECT };
        ck_assert_int_eq(cop_spawn_opt(&options, &full), COP_OK);
        ck_assert_int_eq(cop_send(full, grain, .number = 1), COP_OK);
        for (uint32_t i = 0; i < COP__COUNT(requests); i++) {
                cop_pid other = cop_spawn(sleeps); /* a link may end it */
                cop_pid asking = cop_spawn_with(asks_for_ever, chore, .other = other, .which = i);
                for (int j = 0; j < 3; j++)
                        ck_assert_int_eq(ask(echo, j), j + 1);
                cop_ref ref = watch(asking);
                cop_send_exit(asking, cop_atom("kill"));
                await_down(ref, "killed");
                cop_send_exit(other, cop_atom("kill"));
        }
}

static void traps_and_waits(void)
{
        cop_trap_exit(true);
        waits_for_a_load();
}

static void pours_exits(const duel *d)
{
        for (uint64_t i = 0; i < d->grains || pressure_at(d->to) < COP__PRESSURE_HIGH; i++)
                cop_send_exit(d->to, cop_atom("enough"));
        uint64_t before_ns = cop__clock_ns();
        for (unsigned i = 0; i < PAUSES; i++)
                cop_send_exit(d->to, cop_atom("enough"));
        cop_send(d->teller, took, .ns = cop__clock_ns() - before_ns);
}

IN_NODE(who_pours_exit_signals_is_held_back)
{
        cop_pid pid = cop_spawn(traps_and_waits);
        await_true(sleeps_over(pid, 0) && cop__load_relaxed(&actor_of(pid)->trap_exit));
        cop_spawn_with(pours_exits, duel, .to = pid, .teller = cop_self(), .grains = 17 * COP__PRESSURE_FROM + 8);
        cop_auto message = await(COP_KIND(took));
        ck_assert_uint_ge(cop_read(took, message)->ns, PAUSES * (uint64_t)COP__PAUSE_NS);
        cop_send_exit(pid, cop_atom("kill"));
        await_true(!cop_is_alive(pid));
}

/* ---- Replies and requests ------------------------------------------------------------------------- */

typedef struct { cop_alias to; uint64_t grains; bool requests; } stream;
COP_MESSAGE(stream, COP_NESTED(cop_alias, to), grains, requests);

static void pours_replies(const stream *s)
{
        for (uint64_t i = 0; i < s->grains || pressure_at(s->to.pid) < COP__PRESSURE_HIGH; i++)
                cop_reply_to(s->to, grain, .number = i);
        uint64_t before_ns = cop__clock_ns();
        cop_reply_to(s->to, grain, .number = 0);
        ck_assert_uint_ge(cop__clock_ns() - before_ns, COP__PAUSE_NS);
}

static void opens_an_alias_and_waits(void)
{
        cop_alias alias;
        ck_assert_int_eq(cop_alias_open(COP_ALIAS_EXPLICIT, &alias), COP_OK);
        cop_send(cop_parent(), stream, .to = alias);
        waits_for_a_load();
}

IN_NODE(who_pours_replies_through_an_alias_is_held_back)
{
        cop_pid behind = cop_spawn(opens_an_alias_and_waits);
        cop_auto message = await(COP_KIND(stream));
        await_down(spawn_watched(RUN_WITH(pours_replies, stream, .to = cop_read(stream, message)->to)), "normal");
        put_down(behind);
}

static void sends_a_request_too_many(const stream *s)
{
        cop_request request;
        ck_assert_int_eq(cop_request_send(&request, s->to.pid, grain, .number = 1), COP_OK);
        uint64_t before_ns = cop__clock_ns();
        ck_assert_int_eq(cop_request_send(&request, s->to.pid, grain, .number = 2), COP_OK);
        ck_assert_uint_ge(cop__clock_ns() - before_ns, COP__PAUSE_NS);
}

IN_NODE(who_sends_requests_to_a_mailbox_that_slows_is_slowed)
{
        cop_pid slow;
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = sleeps, .mailbox_limit = 1 }, &slow), COP_OK);
        await_down(spawn_watched(RUN_WITH(sends_a_request_too_many, stream, .to = { .pid = slow })), "normal");
        put_down(slow);
}
