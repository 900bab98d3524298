/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Workers seen from actors: that they share the work, are fair, sleep when there is none, and miss no wake. */
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/random.h"
#include "scheduler/barrier.h"
#include "tests/node_fixture.h"

typedef struct go {
        int64_t number;
        cop_pid pid;
} go;
COP_MESSAGE(go, number, pid);

static uint32_t flags[128];

static void clear_flags(void)
{
        for (size_t i = 0; i < COP__COUNT(flags); i++)
                cop__store_release(&flags[i], 0);
}

/* Holds the worker until the flag is up. What never comes is told, and not waited for longer than the test. */
static void hold_until(const uint32_t *flag)
{
        uint64_t until_ns = cop__clock_ns() + (uint64_t)PATIENCE_MS / 2 * 1000000;
        while (!cop__load_acquire(flag))
                if (cop__clock_ns() > until_ns)
                        cop_exit(cop_atom("never"));
}

static uint64_t processor_ns(void)
{
        struct timespec used;
        ck_assert_int_eq(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used), 0);
        return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
}

/* ---- Several workers ----------------------------------------------------------------------- */

static void meets_the_other(const go *g)
{
        cop__store_release(&flags[g->number], 1);
        hold_until(&flags[1 - g->number]);
}

IN_NODE_WITH(two_busy_actors_run_at_the_same_time_on_two_workers, .workers = 2)
{
        for (int i = 0; i < 50; i++) {
                clear_flags();
                cop_ref first = spawn_watched(RUN_WITH(meets_the_other, go, .number = 0));
                cop_ref second = spawn_watched(RUN_WITH(meets_the_other, go, .number = 1));
                await_down(first, "normal");
                await_down(second, "normal");
        }
}

static void spawns_two_that_meet(void)
{
        cop_ref first = spawn_watched(RUN_WITH(meets_the_other, go, .number = 0));
        cop_ref second = spawn_watched(RUN_WITH(meets_the_other, go, .number = 1));
        await_down(first, "normal");
        await_down(second, "normal");
}

IN_NODE_WITH(what_one_worker_makes_runnable_is_stolen_by_the_other, .workers = 2)
{
        for (int i = 0; i < 50; i++) {
                clear_flags();
                await_down(spawn_watched(.run = spawns_two_that_meet), "normal");
        }
}

/* Turns of its own, until the worker that runs them knows that no other one is awake. It is not stolen: nobody else waits. */
static void goes_on_until_alone(void)
{
        uint64_t until_ns = cop__clock_ns() + (uint64_t)PATIENCE_MS / 2 * 1000000;
        while (!cop__load_relaxed(&cop__thread_here()->solitude.alone)) {
                if (cop__clock_ns() > until_ns)
                        cop_exit(cop_atom("never"));
                cop_yield();
        }
}

/* The test's own thread waits, and has left the company. The lookout wakes up all the time. */
IN_NODE_WITH(of_two_workers_the_one_that_has_all_to_do_is_alone, .workers = 2)
{
        for (int i = 0; i < 3 && cop__barrier_is_there(); i++) {
                await_down(spawn_watched(.run = goes_on_until_alone), "normal");
                clear_flags();
                cop_ref first = spawn_watched(RUN_WITH(meets_the_other, go, .number = 0));
                cop_ref second = spawn_watched(RUN_WITH(meets_the_other, go, .number = 1));
                await_down(first, "normal");
                await_down(second, "normal");
        }
}

static void raises_its_flag(void)
{
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(go));
                cop__store_release(&flags[cop_read(go, message)->number], 1);
        }
}

/* Whom it wakes is put in its worker's next slot, and it does not let go of the worker. */
static void wakes_and_holds(const go *g)
{
        cop_send(g->pid, go, .number = g->number);
        hold_until(&flags[g->number]);
}

IN_NODE_WITH(what_waits_in_the_next_slot_of_a_busy_worker_is_picked_up_by_another, .workers = 2)
{
        cop_pid other = cop_spawn(raises_its_flag);
        clear_flags();
        for (int64_t i = 0; i < 100; i++) {
                settle_with(other);
                await_down(spawn_watched(RUN_WITH(wakes_and_holds, go, .pid = other, .number = i)),
                           "normal");
        }
        put_down(other);
}

static void holds_until_told(const go *g)
{
        cop__store_release(&flags[g->number], 1);
        hold_until(&flags[100]);
}

IN_NODE_WITH(one_worker_that_is_stuck_does_not_stop_the_others_work, .workers = 2)
{
        clear_flags();
        cop_ref stuck = spawn_watched(RUN_WITH(holds_until_told, go, .number = 0));
        await_true(cop__load_acquire(&flags[0]));
        for (int i = 0; i < 500; i++) {
                cop_pid p = cop_spawn(raises_its_flag);
                cop_send(p, go, .number = 1);
                await_true(cop__load_acquire(&flags[1]));
                cop__store_release(&flags[1], 0);
                cop_send_after(NULL, 0, p, go, .number = 2);
                await_true(cop__load_acquire(&flags[2]));
                cop__store_release(&flags[2], 0);
                put_down(p);
        }
        cop__store_release(&flags[100], 1);
        await_down(stuck, "normal");
}

/* ---- One worker: fairness ----------------------------------------------------------------------- */

static void plays(const go *g)
{
        cop_pid other = g->pid;
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(go));
                if (other.bits == 0)
                        other = cop_message_from(message);
                cop_send(other, go);
        }
}

static void sends_to_itself(void)
{
        for (;;) {
                cop_send(cop_self(), go);
                cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
        }
}

static void yields(void)
{
        for (;;)
                cop_yield();
}

typedef struct quiet {
        int64_t count;
} quiet;

static void quiet_on_go(quiet *self, const go *g)
{
        if (g->number < 0)
                cop_send(cop_self(), go, .number = -1); /* one that never ends */
        cop_reply(go, .number = ++self->count);
}

COP_SERVER(quiet, COP_ON(go, quiet_on_go));

/* Neither a pair that keeps the next slot busy, nor one that never waits, nor a full ring keeps the worker to itself. */
IN_NODE_WITH(a_lone_worker_serves_everyone_however_busy_others_keep_it, .workers = 1)
{
        cop_pid first = cop_spawn_with(plays, go, .pid = cop_no_pid());
        cop_pid second = cop_spawn_with(plays, go, .pid = first);
        cop_send(second, go);
        cop_spawn(sends_to_itself);
        cop_pid chatter = cop_spawn_server(&quiet_server, NULL);
        cop_send(chatter, go, .number = -1);
        for (int i = 0; i < 20; i++)
                cop_spawn(yields);
        cop_pid p = cop_spawn_server(&quiet_server, NULL);
        int rounds = suite_is_slow() ? 20 : 200;
        for (int64_t i = 1; i <= rounds; i++) {
                /* A call goes through the shared queue, a timer through the wheel. */
                ck_assert_int_eq(cop_call(NULL, p, PATIENCE_MS, go, .number = i), COP_OK);
                ck_assert_int_eq(cop_send_after(NULL, 1, p, go, .number = i), COP_OK);
                cop_auto message = await((cop_pattern){ .kind = COP_KIND_OF(go), .from = p });
                ck_assert_int_eq(cop_read(go, message)->number, 2 * i);
        }
}

/* ---- Sleep ----------------------------------------------------------------------------------------- */

/* How often a thread of this process has gone to sleep, or has begun to wait for something. */
static uint64_t sleeps_of_threads(void)
{
        struct rusage usage;
        ck_assert_int_eq(getrusage(RUSAGE_SELF, &usage), 0);
        return (uint64_t)usage.ru_nvcsw;
}

/* Only this thread wakes up, and the worker whose timer it is, once each. */
IN_NODE(an_idle_node_wakes_nobody_up)
{
        cop_pid p = cop_spawn_server(&quiet_server, NULL);
        settle_with(p);
        await_true(cop__load_relaxed(&node->scheduler.watch.asleep) != 0);
        ck_assert_int_eq(cop_send_after(NULL, 300, cop_self(), go), COP_OK);
        cop_sleep(5); /* the lookout has seen that nobody is busy */
        uint64_t before_ns = processor_ns(), sleeps = sleeps_of_threads();
        uint64_t looks = cop__load_relaxed(&node->scheduler.watch.looks);
        await_and_drop(COP_KIND(go));
        sleeps = sleeps_of_threads() - sleeps;
        uint64_t used_us = (processor_ns() - before_ns) / 1000;
        looks = cop__load_relaxed(&node->scheduler.watch.looks) - looks;
        ck_assert_uint_le(sleeps, 24);
        ck_assert_uint_le(looks, 6);
        ck_assert_uint_lt(used_us, suite_is_slow() ? 20000 : 3000); /* one per cent: nobody waits in a loop either */
        put_down(p);
}

IN_NODE(many_that_wait_wake_nobody_up)
{
        for (int i = 0; i < 1000; i++) {
                cop_pid p = cop_spawn(raises_its_flag);
                if (i % 100 == 0)
                        settle_with(p);
        }
        cop_pid p = cop_spawn_server(&quiet_server, NULL);
        settle_with(p);
        await_true(cop__load_relaxed(&node->scheduler.watch.asleep) != 0);
        uint64_t sleeps = sleeps_of_threads(), looks = cop__load_relaxed(&node->scheduler.watch.looks);
        cop_sleep(200);
        ck_assert_uint_le(sleeps_of_threads() - sleeps, 24); /* a look a millisecond would be 200 */
        ck_assert_uint_le(cop__load_relaxed(&node->scheduler.watch.looks) - looks, 6);
        put_down(p);
}

/* Pauses of all lengths, so that the workers are caught at every moment of falling asleep. */
IN_NODE_WITH(no_wake_from_outside_is_missed, .workers = 2)
{
        cop_pid p = cop_spawn_server(&quiet_server, NULL);
        uint64_t random = 11;
        int rounds = suite_is_slow() ? 500 : 10000;
        for (int i = 0; i < rounds; i++) {
                ck_assert_int_eq(cop_call(NULL, p, PATIENCE_MS, go, .number = i), COP_OK);
                for (uint32_t pause = cop__random_below(&random, 3000); pause > 0; pause--)
                        cop__spin_pause();
        }
        put_down(p);
}

static void calls_with_pauses(const go *g)
{
        uint64_t random = (uint64_t)g->number;
        for (int i = 0; i < 2000; i++) {
                if (cop_call(NULL, g->pid, PATIENCE_MS, go, .number = i) != COP_OK)
                        cop_exit(cop_atom("no_answer"));
                for (uint32_t pause = cop__random_below(&random, 1000); pause > 0; pause--)
                        cop__spin_pause();
                if (i % 7 == 0)
                        cop_sleep(0);
        }
}

IN_NODE_WITH(no_wake_between_workers_is_missed, .workers = 4)
{
        cop_pid p = cop_spawn_server(&quiet_server, NULL);
        cop_ref refs[6];
        for (int i = 0; i < 6; i++)
                refs[i] = spawn_watched(RUN_WITH(calls_with_pauses, go, .pid = p, .number = i + 1));
        for (int i = 0; i < 6; i++)
                await_down(refs[i], "normal");
        put_down(p);
}

/* ---- Many ----------------------------------------------------------------------------------------------- */

IN_NODE(a_hundred_thousand_actors_are_alive_at_once_and_each_answers)
{
        int count = suite_is_slow() ? 10000 : 100000;
        cop_pid *pids = cop_alloc((size_t)count * sizeof(cop_pid));
        for (int i = 0; i < count; i++) {
                pids[i] = cop_spawn_server(&quiet_server, NULL);
                ck_assert_uint_ne(pids[i].bits, 0);
        }
        for (int round = 0; round < 2; round++) {
                for (int i = 0; i < count; i++)
                        cop_send(pids[i], go, .number = i);
                for (int i = 0; i < count; i++) {
                        cop_auto message = await(COP_KIND(go));
                        ck_assert_int_eq(cop_read(go, message)->number, round + 1);
                }
        }
        for (int i = 0; i < count; i++)
                ck_assert(cop_is_alive(pids[i]));
        for (int i = 0; i < count; i++) {
                watch(pids[i]);
                cop_send_exit(pids[i], cop_atom("enough"));
        }
        for (int i = 0; i < count; i++)
                await_and_drop(COP_KIND(cop_down));
        nothing_has_come();
}

/* Each of these holds a stack while it waits. */
IN_NODE(ten_thousand_actors_are_blocked_in_a_receive_and_each_goes_on)
{
        int count = suite_is_slow() ? 2000 : 10000;
        cop_pid *pids = cop_alloc((size_t)count * sizeof(cop_pid));
        clear_flags();
        for (int i = 0; i < count; i++)
                pids[i] = cop_spawn(raises_its_flag);
        for (int i = 0; i < count; i++) {
                cop_send(pids[i], go, .number = i % 100);
                if (i % 100 == 99) {
                        for (int flag = 0; flag < 100; flag++)
                                await_true(cop__load_acquire(&flags[flag]));
                        clear_flags();
                }
        }
        for (int i = 0; i < count; i++)
                put_down(pids[i]);
}

TEST(every_number_of_workers_starts_works_and_stops)
{
        static const unsigned numbers[] = { 1, 2, 3, 4, 16, 64 };
        for (size_t n = 0; n < COP__COUNT(numbers); n++) {
                cop_node *node = node_begin((cop_node_options){ .workers = numbers[n] });
                cop_pid p = cop_spawn_server(&quiet_server, NULL);
                for (int64_t i = 0; i < 100; i++)
                        ck_assert_int_eq(cop_call(NULL, p, PATIENCE_MS, go, .number = i), COP_OK);
                node_end(node);
        }
        for (int i = 0; i < 100; i++)
                node_end(node_begin((cop_node_options){ .workers = 2 }));
}

/* ---- More that never rest than a worker's ring holds --------------------------------------- */

typedef struct chat {
        int64_t stroke;
} chat;
COP_MESSAGE(chat, stroke);

typedef struct chatterer {
        int64_t asked;
} chatterer;

static int64_t strokes; /* atomic */

static void chatterer_on_chat(chatterer *self, const chat *c)
{
        (void)self;
        cop__store_relaxed(&strokes, cop__load_relaxed(&strokes) + 1);
        cop_reply(chat, .stroke = c->stroke + 1);
}

/* With a partner: begins to chat with it. Else it is asked whether it still gets a turn. */
static void chatterer_on_go(chatterer *self, const go *g)
{
        self->asked++;
        if (g->pid.bits != 0)
                cop_send(g->pid, chat, .stroke = 1);
        else
                cop_reply(go, .number = g->number);
}

COP_SERVER(chatterer, COP_ON(chat, chatterer_on_chat), COP_ON(go, chatterer_on_go));

/* Spawns so many, and has each two of them chat. */
static void spawn_chatterers(cop_pid *all, int count)
{
        for (int i = 0; i < count; i++)
                all[i] = cop_spawn_server(&chatterer_server, NULL);
        for (int i = 0; i < count; i += 2)
                cop_send(all[i], go, .pid = all[i + 1]);
}

IN_NODE_WITH(among_more_that_chat_than_fit_a_ring_each_gets_its_turn, .workers = 1)
{
        enum { CHATTERERS = 2 * COP__RUNQUEUE_SIZE + 1000 };
        static cop_pid all[CHATTERERS];
        (void)node;
        spawn_chatterers(all, CHATTERERS);
        for (int i = 0; i < CHATTERERS; i += CHATTERERS / (suite_is_slow() ? 20 : 100)) {
                cop_ref gone;
                cop_send(all[i], go, .number = i);
                cop_auto answer = cop_receive(PATIENCE_MS / 2, COP_KIND(go));
                ck_assert_msg(answer != NULL, "number %d does not get to answer", i);
                ck_assert_int_eq(cop_monitor(all[i], &gone), COP_OK);
                cop_send_exit(all[i], cop_atom("kill"));
                cop_auto down = cop_receive(PATIENCE_MS / 2, COP_REF(cop_down, gone));
                ck_assert_msg(down != NULL, "number %d does not get to die", i);
        }
}

#if !COP__TINY /* where the next slot has one turn at a time */
typedef struct errand {
        cop_pid thread, partner;
} errand;
COP_MESSAGE(errand, thread, partner);

typedef struct asker {
        cop_pid thread;
        int64_t strokes;
} asker;

static void asker_on_errand(asker *self, const errand *e)
{
        self->thread = e->thread;
        self->strokes = cop__load_relaxed(&strokes);
        cop_send(e->partner, go);
}

/* How many strokes there were until its partner had answered. */
static void asker_on_go(asker *self, const go *g)
{
        (void)g;
        cop_send(self->thread, go, .number = cop__load_relaxed(&strokes) - self->strokes);
}

COP_SERVER(asker, COP_ON(errand, asker_on_errand), COP_ON(go, asker_on_go));

/* A thread that loses its processor in between may make others wait, but seldom; a round of all that chat is some thousands. */
IN_NODE_WITH(who_is_asked_from_outside_and_asks_another_waits_for_no_round_of_a_thousand_that_chat, .workers = 1)
{
        enum { CHATTERERS = 1000, SELDOM = 40 };
        cop_pid all[CHATTERERS];
        cop_pid first = cop_spawn_server(&asker_server, NULL);
        cop_pid partner = cop_spawn_server(&quiet_server, NULL);
        const struct cop__actor *actor = cop__slot_of(node, first);
        int asked = suite_is_slow() ? 200 : 1000, waited = 0;
        spawn_chatterers(all, CHATTERERS);
        for (int i = 0; i < asked; i++) {
                await_true(cop__queue_is_asleep(&actor->queue)); /* else the errand is one more message in its turn */
                cop_send(first, errand, .thread = cop_self(), .partner = partner);
                cop_auto answer = await(COP_KIND(go));
                waited += cop_read(go, answer)->number > 100;
        }
        ck_assert_int_lt(waited, asked / SELDOM);
}
#endif
