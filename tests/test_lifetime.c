/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The edges of life: slots between two lives, actors and nodes that end while something is on its way to them.
 *
 * Each of these was a bug that no ordinary test met. Where a moment must be hit, the test reaches into the slot for it.
 */
#include <malloc.h>
#include <pthread.h>
#include <string.h>

#include "tests/node_fixture.h"

typedef struct {
        int64_t value;
} number;
COP_MESSAGE(number, value);

static bool released; /* atomic: what spins may stop */

static void waits(void)
{
        for (;;)
                cop_message_free(cop_receive(COP_FOREVER, COP_ANY));
}

static void spins(void)
{
        while (!cop__load_acquire(&released))
                cop__spin_pause();
}

static struct cop__actor *slot_of(cop_node *node, cop_pid pid)
{
        return &node->slots.base[cop__pid_slot(pid)];
}

/* As from a sender who looked at the pid just before the actor died. */
static void send_stray(cop_node *node, cop_pid dead)
{
        struct cop__thread *thread = cop__thread_here();
        struct cop__signal *signal;
        ck_assert_int_eq(cop__signal_message(&thread->pool, COP_KIND_OF(number), &(number){ 1 },
                                             &signal),
                         COP_OK);
        cop__push_signal(thread, slot_of(node, dead), cop__pid_generation(dead), signal);
}

static bool is_asleep(cop_node *node, cop_pid pid)
{
        return cop__queue_is_asleep(&slot_of(node, pid)->queue);
}

/* A pid that was, whose slot is at rest. */
static cop_pid dead_pid(cop_node *node)
{
        cop_pid pid = cop_spawn(waits);
        put_down(pid);
        await_true(is_asleep(node, pid));
        return pid;
}

/* ---- Slots -------------------------------------------------------------------- */

/* It looked alive, and so a node that stopped tried for ever to kill it. */
IN_NODE(a_stray_signal_leaves_a_free_slot_free)
{
        cop_pid dead = dead_pid(node);
        struct cop__totals before, after;
        cop__totals(node, &before);
        send_stray(node, dead);
        await_true((cop__totals(node, &after), after.dead_letters > before.dead_letters));
        await_true(is_asleep(node, dead));
        ck_assert(!cop__load_relaxed(&slot_of(node, dead)->alive));
}

static void *visits(void *node)
{
        ck_assert_int_eq(cop_node_enter(node), COP_OK);
        cop_node_leave();
        return NULL;
}

/* A small table keeps no free slots aside for a thread, so that the visitor gets one that a stray signal is in. */
IN_NODE_WITH(a_thread_enters_through_a_slot_that_a_stray_signal_is_in, .workers = 1,
             .max_actors = 4, .no_preempt = true, .no_spare_workers = true)
{
        NEEDS_THREADS();
        pthread_t thread;
        cop__store_release(&released, false);
        cop_pid first = cop_spawn(waits), second = cop_spawn(waits);
        put_down(first);
        put_down(second);
        await_true(is_asleep(node, first) && is_asleep(node, second));
        cop_pid busy = cop_spawn(spins);
        await_true(cop__load_relaxed(&slot_of(node, busy)->where) != NULL);
        struct cop__actor *at_rest = slot_of(node, first) == slot_of(node, busy)
                                             ? slot_of(node, second)
                                             : slot_of(node, first);
        send_stray(node, at_rest == slot_of(node, first) ? first : second);
        ck_assert_int_eq(pthread_create(&thread, NULL, visits, node), 0);
        await_true(cop__load_relaxed(&at_rest->task.visitor) != NULL);
        cop__store_release(&released, true);
        pthread_join(thread, NULL);
}

IN_NODE_WITH(a_name_is_refused_to_who_is_not_born, .max_actors = 4)
{
        cop_pid dead = dead_pid(node);
        cop_pid next = cop__actor_pid(slot_of(node, dead));
        ck_assert_int_eq(cop_register("early", next), COP_E_NO_ACTOR);
}

/* ---- Timers ------------------------------------------------------------------- */

TEST(timers_that_fire_while_the_node_stops_are_freed_once)
{
        for (int round = 0; round < (suite_is_slow() ? 20 : 100); round++) {
                cop_node *node = node_begin((cop_node_options){ .workers = 2 });
                cop_pid pid = cop_spawn(waits);
                for (int i = 0; i < 5000; i++)
                        ck_assert_int_eq(cop_send_after(NULL, 1 + i % 4, pid, number, i), COP_OK);
                node_end(node);
        }
}

/* Its wait has ended early, and the alarm that is still set goes off about when it dies; a crash takes its time. */
static void crashes_with_an_alarm(const number *delay)
{
        uint64_t when_ns = cop__clock_ns() + 1000000 + (uint64_t)delay->value;
        cop_message_free(cop_receive(1, COP_ANY));
        while (cop__clock_ns() < when_ns)
                cop__spin_pause();
        cop_exit(cop_atom("crash"));
}

/* AddressSanitizer is who would notice. */
IN_NODE(an_alarm_may_go_off_while_its_actor_dies)
{
        NEEDS_THREADS();
        for (int round = 0; round < (suite_is_slow() ? 200 : 1000); round++) {
                cop_pid pid;
                cop_ref ref;
                ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){
                                         .run_with = COP_RUN_WITH(crashes_with_an_alarm, number),
                                         .kind = COP_KIND_OF(number),
                                         .argument = &(number){ round % 20 * 5000 },
                                         .monitor = true,
                                         .monitor_ref = &ref,
                                 }, &pid),
                                 COP_OK);
                await_true(is_asleep(node, pid) || !cop_is_alive(pid));
                cop_send(pid, number, 1);
                await_down(ref, "crash");
        }
        await_true(blocks_in_use(node) <= 1);
}

static void naps_then_spins(void)
{
        cop_sleep(5);
        spins();
}

static void naps_then_releases(void)
{
        cop_sleep(20);
        cop__store_release(&released, true);
}

/* All three timers are on its worker's wheel. */
static void arms_and_spins(void)
{
        cop_spawn(naps_then_spins);
        cop_spawn(naps_then_releases);
        cop_sleep(1);
        spins();
}

/* The idle one that had looked after the timers got a turn out of them, and nobody looked after the rest. */
IN_NODE_WITH(timers_of_a_busy_worker_are_served_as_long_as_one_is_idle, .workers = 3)
{
        NEEDS_THREADS();
        cop__store_release(&released, false);
        cop_pid pid = cop_spawn(arms_and_spins);
        cop_ref ref = watch(pid);
        await_and_drop(COP_REF(cop_down, ref));
}

/* ---- Ends --------------------------------------------------------------------- */

typedef struct {
        int64_t handled;
} slow;

static int64_t most_handled; /* atomic */

/* Each message waits until it may be known whether the kill has come. */
static void slow_on_number(slow *self, const number *m)
{
        (void)m;
        cop__store_relaxed(&most_handled, ++self->handled);
        spins();
}

COP_SERVER(slow, COP_ON(number, slow_on_number));

IN_NODE(a_kill_does_not_wait_until_the_messages_before_it_are_handled)
{
        NEEDS_THREADS();
        enum { MESSAGES = 500 };
        cop_pid pid;
        cop__store_release(&released, false);
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .server = &slow_server }, &pid), COP_OK);
        for (int i = 0; i < MESSAGES; i++)
                cop_send(pid, number, i);
        cop_ref ref = watch(pid);
        cop_send_exit(pid, cop_atom("kill"));
        cop__store_release(&released, true);
        await_down(ref, "killed");
        ck_assert_int_le(cop__load_relaxed(&most_handled), 1);
}

static cop_pid callee;
static char long_text[100000];

static void calls_with_a_term(void)
{
        cop_call_term(NULL, callee, COP_FOREVER, cop_string(long_text));
}

static size_t allocated(void)
{
        struct mallinfo2 now = mallinfo2();
        return now.uordblks + now.hblkhd;
}

IN_NODE(who_is_killed_in_a_call_with_a_term_leaves_nothing)
{
        NEEDS_THREADS();
        enum { ROUNDS = 20 };
        size_t before = 0;
        memset(long_text, 'x', sizeof(long_text) - 1);
        for (int round = 0; round < ROUNDS; round++) {
                cop__store_release(&released, false);
                callee = cop_spawn(spins);
                cop_pid caller = cop_spawn(calls_with_a_term);
                await_true(!is_asleep(node, callee) && cop__load_relaxed(&slot_of(node, caller)->task.stack_bytes) > 0);
                put_down(caller);
                cop_ref ref = watch(callee);
                cop__store_release(&released, true);
                await_and_drop(COP_REF(cop_down, ref));
                if (round == 0)
                        before = allocated();
        }
        ck_assert_uint_lt(allocated(), before + ROUNDS * sizeof(long_text) / 2);
}
