/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Questions: what does an actor's whole life cost, and how much memory does one take that only
 * waits?
 *
 * spawn_exit: an actor spawns 1,000 others, each a plain function that sends one message to its
 * spawner and returns; when all have been heard, it spawns the next 1,000. One operation is one
 * actor from spawn to exit, its message included. A tenth is spawned first as warm-up.
 *
 * spawn_idle_N: an actor spawns N servers with a small state, 1,000 at a time, and each answers one
 * message, so that it has begun, has run, and is now truly idle. One operation is one such
 * actor. bytes_per_actor is the growth of the process's resident memory, from before the first
 * to after the last, over N; the list of their pids is allocated and touched before. spawn_waiting
 * is the same with plain functions that wait in a receive, each on a stack of its own.
 *
 * spawn_among_N is spawn_exit while N idle servers exist.
 *
 * Checked: as many were heard as there are, and no more; of the idle ones each is alive at the
 * end, of the others the last is not.
 */
#include "bench/harness.h"

#define BATCH 1000

typedef struct { uint64_t actors, among; } plan;
COP_MESSAGE(plan, actors, among);

typedef struct { uint64_t number; } roll_call;
COP_MESSAGE(roll_call, number);

typedef struct { uint64_t number; } present;
COP_MESSAGE(present, number);

static void hear(uint64_t count)
{
        for (uint64_t i = 0; i < count; i++) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(present));
                (void)message;
        }
        cop_auto more = cop_receive(0, COP_KIND(present));
        BENCH_CHECK(more == NULL, "an actor was heard twice");
}

/* ---- Idle actors ----------------------------------------------------------------------- */

typedef struct { uint64_t called; } sleeper;

static void sleeper_on_roll_call(sleeper *self, const roll_call *r)
{
        self->called++;
        cop_reply(present, .number = r->number);
}

COP_SERVER(sleeper, COP_ON(roll_call, sleeper_on_roll_call));

static void waiter(void)
{
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(roll_call));
                cop_answer(message, present, .number = cop_read(roll_call, message)->number);
        }
}

typedef struct { double bytes_per_actor; } memory;
COP_MESSAGE(memory, bytes_per_actor);

/* Who calls this is an actor too, so that no thread is woken for each answer. */
static void fill(uint64_t count, const cop_spawn_options *how, cop_pid *pids)
{
        for (uint64_t done = 0; done < count;) {
                uint64_t end = done + BATCH < count ? done + BATCH : count, first = done;
                for (; done < end; done++) {
                        pids[done] = cop_spawn_or_exit(how);
                        cop_send(pids[done], roll_call, .number = done);
                }
                hear(end - first);
        }
}

static void fill_and_weigh(uint64_t count, const cop_spawn_options *how)
{
        cop_pid *pids = bench_books(count * sizeof(pids[0]));
        uint64_t before = bench_rss(), began_ns = bench_now();
        fill(count, how, pids);
        uint64_t ended_ns = bench_now(), after = bench_rss();
        for (uint64_t i = 0; i < count; i++)
                BENCH_CHECK(cop_is_alive(pids[i]), "an idle actor is gone");
        cop_send(cop_parent(), bench_span, .began_ns = began_ns, .ended_ns = ended_ns,
                 .ops = count);
        cop_send(cop_parent(), memory,
                 .bytes_per_actor = ((double)after - (double)before) / (double)count);
}

static void dormitory(const plan *p)
{
        fill_and_weigh(p->actors, &(cop_spawn_options){ .server = &sleeper_server });
}

static void waiting_room(const plan *p)
{
        fill_and_weigh(p->actors, &(cop_spawn_options){ .run = waiter });
}

static void found_idle(struct bench_run *run)
{
        bench_found(run, bench_gather(1));
        cop_auto message = cop_receive(COP_FOREVER, COP_KIND(memory));
        run->result.bytes_per_actor = cop_read(memory, message)->bytes_per_actor;
        run->result.rss_bytes = bench_rss();
}

BENCH(spawn_idle_100000, .unit = "actor", .ops = 100000, .quick_ops = 10000)
{
        cop_spawn_with(dormitory, plan, .actors = run->ops);
        found_idle(run);
}

BENCH(spawn_idle_1000000, .unit = "actor", .ops = 1000000, .quick_ops = 20000)
{
        cop_spawn_with(dormitory, plan, .actors = run->ops);
        found_idle(run);
}

BENCH(spawn_waiting_10000, .unit = "actor", .ops = 10000, .quick_ops = 2000)
{
        cop_spawn_with(waiting_room, plan, .actors = run->ops);
        found_idle(run);
}

/* ---- Spawn and exit ------------------------------------------------------------------ */

static void mayfly(void)
{
        cop_send(cop_parent(), present, .number = 1);
}

/* Returns the last one. */
static cop_pid spawn_batches(uint64_t batches)
{
        cop_pid last = cop_no_pid();
        for (uint64_t batch = 0; batch < batches; batch++) {
                for (int i = 0; i < BATCH; i++)
                        last = cop_spawn(mayfly);
                hear(BATCH);
        }
        return last;
}

static void pond(const plan *p)
{
        uint64_t batches = p->actors / BATCH + 1;
        cop_ref gone;
        cop_pid *idle = bench_books((p->among + 1) * sizeof(idle[0]));
        fill(p->among, &(cop_spawn_options){ .server = &sleeper_server }, idle);
        spawn_batches(batches / 10 + 1);
        uint64_t began_ns = bench_now();
        cop_pid last = spawn_batches(batches);
        uint64_t ended_ns = bench_now();
        cop_monitor(last, &gone);
        cop_message_free(cop_receive(COP_FOREVER, COP_REF(cop_down, gone)));
        BENCH_CHECK(!cop_is_alive(last), "an actor that outlives its end");
        cop_send(cop_parent(), bench_span, .began_ns = began_ns, .ended_ns = ended_ns,
                 .ops = batches * BATCH);
}

BENCH(spawn_exit, .unit = "actor")
{
        cop_spawn_with(pond, plan, .actors = run->ops);
        bench_found(run, bench_gather(1));
}

/* A run of few operations has fewer idle ones. */
#define SPAWN_AMONG(count)                                                           \
        BENCH(spawn_among_##count, .unit = "actor", .ops = 1000000, .quick_ops = 1000, \
              .growth = true)                                                        \
        {                                                                            \
                cop_spawn_with(pond, plan, .actors = run->ops,                       \
                               .among = count < run->ops ? count : run->ops);        \
                bench_found(run, bench_gather(1));                                   \
        }

SPAWN_AMONG(10)
SPAWN_AMONG(100)
SPAWN_AMONG(1000)
SPAWN_AMONG(10000)
SPAWN_AMONG(100000)
SPAWN_AMONG(1000000)
