/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Turns that are interrupted (scheduler/watch.h, actors/preempt.h, scheduler/pinned.h): the watch's own thread looks, and its signal comes at whatever step
 * its worker's thread is at (signals.c). Under every schedule who does not give its worker back is ended or stands aside for whoever waits, and
 * then goes on where it was, on its thread, as if nothing had been; and nobody is interrupted who was not asked.
 */
#include <errno.h>
#include <inttypes.h>

#include "actors/preempt.h"
#include "scheduler/pinned.h"
#include "tests/explore/inside.h"

#define SPINNER_ERRNO 77
#define PATIENCE 256 /* as on a machine that has another processor for whoever is still to begin */

static unsigned flag; /* atomic */
static unsigned passed_on; /* atomic */

static const struct cop__watch_hooks *watched_hooks(const struct cop__watch_hooks *hooks);

__attribute__((constructor)) static void keep_watch(void)
{
        explore_keeps_watch = true;
        explore_program = __FILE__;
        explore_watch_hooks = watched_hooks;
}

/* ---- What the watch asks for -------------------------------------------------------------------- */

static struct cop__watch_hooks hooks_of_node;

/* Nothing here is at one thing for so long that it would have to tell, and each request is about something that has begun. */
static void interrupt(struct cop__worker *worker, const struct cop__watch_request *request)
{
        if (request->tell || request->since_ns == 0 || request->due_ns <= request->since_ns)
                explore_fail("the watch asks of turn %" PRIu64 ", since %" PRIu64 ", due at %" PRIu64 ", %s", request->turn, request->since_ns,
                             request->due_ns, request->tell ? "to tell" : "to end");
        hooks_of_node.interrupt(worker, request);
}

static const struct cop__watch_hooks *watched_hooks(const struct cop__watch_hooks *hooks)
{
        static struct cop__watch_hooks own;
        hooks_of_node = own = *hooks;
        own.interrupt = interrupt;
        return &own;
}

static void run(unsigned workers, void (*scenario)(void))
{
        flag = passed_on = 0;
        inside_run_with(&(cop_node_options){ .workers = workers, .no_spare_workers = true, .long_turn_ms = 1000000 }, scenario);
}

/* ---- Whoever does not give its worker back -------------------------------------------------------- */

/* In the program's own code: nothing but a signal ends its turn. It has been asked before it has stood aside. */
static void spins(void)
{
        const struct cop__worker *worker = cop__worker_here();
        const struct cop__here *here = cop__here_of(cop__thread_here());
        uint64_t turn = worker->turns;
        errno = SPINNER_ERRNO;
        for (unsigned i = 1; !cop__load_relaxed(&flag); i++) {
                if (i % PATIENCE == 0)
                        explore_yield();
                EXPLORE_ASSERT(cop__thread_here()->worker == worker);
                EXPLORE_ASSERT(errno == SPINNER_ERRNO);
                EXPLORE_ASSERT(worker->turns == turn || here->asked_turn >= turn);
                turn = worker->turns;
        }
        EXPLORE_ASSERT(errno == SPINNER_ERRNO);
}

static void sets(void)
{
        errno = 0;
        cop__store_relaxed(&flag, 1);
}

static void naps(void)
{
        cop_sleep(1);
        sets();
}

static void await_end_of(cop_pid pid)
{
        cop_ref ref;
        EXPLORE_ASSERT(cop_monitor(pid, &ref) == COP_OK);
        cop_message_free(inside_await(COP_REF(cop_down, ref)));
}

static void spin_until(void (*other)(void))
{
        cop_pid spinner = cop_spawn(spins);
        cop_spawn(other);
        await_end_of(spinner);
}

static void for_who_waits(void)
{
        spin_until(sets);
}

SCENARIO(an_endless_turn_stands_aside_for_who_waits)
{
        run(1, for_who_waits);
}

static void for_a_timer(void)
{
        spin_until(naps);
}

SCENARIO(an_endless_turn_stands_aside_for_a_timer)
{
        run(1, for_a_timer);
}

static void kills(void)
{
        cop_pid spinner = cop_spawn(spins);
        inside_end(spinner, "kill");
        await_end_of(spinner);
}

SCENARIO(an_endless_turn_is_ended)
{
        run(1, kills);
}

/* ---- And those beside it --------------------------------------------------------------------------- */

#define LENGTH 60

/* Long enough to be interrupted, and then the others wait for it. */
static void computes(void)
{
        const struct cop__worker *worker = cop__worker_here();
        for (unsigned i = 0; i < LENGTH; i++) {
                explore_step(__FILE__, __LINE__);
                EXPLORE_ASSERT(cop__thread_here()->worker == worker);
        }
        sets();
}

static void yields(void)
{
        for (unsigned i = 1; !cop__load_relaxed(&flag); i++) {
                cop_yield();
                if (i % PATIENCE == 0)
                        explore_yield();
        }
}

static void among_others(void)
{
        cop_pid first = cop_spawn(computes), second = cop_spawn(yields);
        cop_spawn(yields);
        await_end_of(first);
        await_end_of(second);
}

SCENARIO(who_was_interrupted_has_its_share_beside_those_who_yield)
{
        run(1, among_others);
}

SCENARIO(who_was_interrupted_goes_on_on_its_thread)
{
        run(2, among_others);
}

/* In the runtime's code all the time: what it is interrupted in the middle of is not left half done. */
static void passes_on(void)
{
        cop_pid next = cop_spawn(spins);
        for (int64_t i = 0; i < 4; i++) {
                cop_send(cop_self(), note, .n = i);
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(note));
                EXPLORE_ASSERT(cop_read(note, message)->n == i);
                explore_step(__FILE__, __LINE__);
                cop__add_relaxed(&passed_on, 1);
        }
        sets();
        await_end_of(next);
}

static void passes(void)
{
        await_end_of(cop_spawn(passes_on));
        EXPLORE_ASSERT(cop__load_relaxed(&passed_on) == 4);
}

SCENARIO(who_is_in_the_runtime_is_not_interrupted_there)
{
        run(1, passes);
}

/* ---- Who is asked, and for what ---------------------------------------------------------------------- */

#define CALLS 24

static bool may_leave(uint64_t turn)
{
        return turn % 2 != 0;
}

/* In each turn it waits in a call, and in every other one it may be left in it. */
static void waits_in_calls(void)
{
        const struct cop__worker *worker = cop__worker_here();
        for (unsigned i = 0; i < CALLS; i++) {
                uint64_t turn = worker->turns;
                explore_wait_in_call();
                EXPLORE_ASSERT(worker->turns == turn || may_leave(turn));
                cop_yield();
        }
        sets();
}

/* In the place of the watch, which asks for nothing itself. */
static void asks(void *unused)
{
        struct cop__worker *worker = &inside->scheduler.workers[0];
        (void)unused;
        while (!cop__load_seq(&flag)) {
                uint64_t turn = cop__load_relaxed(&worker->turns);
                cop__preempt_hooks.interrupt(worker, &(struct cop__watch_request){ .turn = turn, .since_ns = 1, .due_ns = UINT64_MAX, .end = true,
                                                                                   .in_call = may_leave(turn) });
                explore_yield();
        }
}

static void waits(void)
{
        cop_pid waiting = cop_spawn(waits_in_calls);
        unsigned watch = explore_thread(asks, NULL);
        await_end_of(waiting);
        explore_join(watch);
}

SCENARIO(whoever_waits_in_a_call_is_left_there_only_if_that_was_asked_of_this_turn)
{
        flag = 0;
        inside_run_with(&(cop_node_options){ .workers = 1, .no_spare_workers = true, .no_preempt = true, .long_turn_ms = 1000000 },
                        waits);
}
