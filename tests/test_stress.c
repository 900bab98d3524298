/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Workloads with oracles: whatever the schedule, messages are conserved, each monitor answers once, each call ends.
 * Random by a seed that a failed check prints; COP_TEST_SEED replays it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <coppice.h>

#include "actors/info.h"
#include "base/clock.h"
#include "base/random.h"
#include "tests/suite.h"

static uint64_t seed;

static cop_node *enter_node(unsigned workers)
{
        cop_node *node;
        const char *given = getenv("COP_TEST_SEED");
        seed = given != NULL ? strtoull(given, NULL, 10) : cop__clock_ns();
        ck_assert_int_eq(cop_node_start(&(cop_node_options){ .name = "stress", .workers = workers },
                                        &node), COP_OK);
        ck_assert_int_eq(cop_node_enter(node), COP_OK);
        return node;
}

static void leave_node(cop_node *node)
{
        cop_node_leave();
        cop_node_stop(node);
}

#define CHECK_SEEDED(condition, ...)                                       \
        do {                                                               \
                if (!(condition)) {                                        \
                        char said[200];                                    \
                        snprintf(said, sizeof(said), __VA_ARGS__);         \
                        ck_abort_msg("seed %" PRIu64 ": %s", seed, said);  \
                }                                                          \
        } while (0)

/* ---- Mesh --------------------------------------------------------------------------- */

typedef struct {
        cop_pids peers;
        cop_pid tell;
        uint64_t seed;
} mesh_start;
COP_MESSAGE(mesh_start, peers, tell, seed);

typedef struct {
        int64_t hops, id, check;
} token;
COP_MESSAGE(token, hops, id, check);

typedef struct {
        int64_t id;
} arrived;
COP_MESSAGE(arrived, id);

typedef struct {
        const cop_pid *peers;
        size_t count;
        cop_pid tell;
        uint64_t random;
} mesh;

static void mesh_on_start(mesh *self, const mesh_start *start)
{
        cop_pid *peers = cop_alloc(start->peers.count * sizeof(cop_pid));
        for (size_t i = 0; i < start->peers.count; i++)
                peers[i] = start->peers.items[i];
        *self = (mesh){ peers, start->peers.count, start->tell, start->seed };
}

static void mesh_on_token(mesh *self, const token *t)
{
        if (t->check != (t->id ^ 0x5a5a5a5a)) {
                cop_exit(cop_atom("corrupt_token"));
        } else if (t->hops == 0) {
                cop_send(self->tell, arrived, .id = t->id);
        } else {
                uint32_t to = cop__random_below(&self->random, (uint32_t)self->count);
                cop_send(self->peers[to], token, .hops = t->hops - 1, .id = t->id,
                         .check = t->check);
        }
}

COP_SERVER(mesh, COP_ON(mesh_start, mesh_on_start), COP_ON(token, mesh_on_token));

static void run_mesh(unsigned workers, int64_t actors, int64_t tokens, int64_t hops)
{
        cop_node *node = enter_node(workers);
        cop_pid *pids = calloc((size_t)actors, sizeof(*pids));
        uint8_t *seen = calloc((size_t)tokens, 1);
        uint64_t random = seed;
        for (int64_t i = 0; i < actors; i++)
                pids[i] = cop_spawn_server(&mesh_server, NULL);
        for (int64_t i = 0; i < actors; i++)
                cop_send(pids[i], mesh_start, .peers = { pids, (size_t)actors },
                         .tell = cop_self(), .seed = cop__random_next(&random));
        for (int64_t i = 0; i < tokens; i++)
                cop_send(pids[i % actors], token, .hops = hops, .id = i, .check = i ^ 0x5a5a5a5a);
        for (int64_t i = 0; i < tokens; i++) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(arrived));
                int64_t id = cop_read(arrived, message)->id;
                CHECK_SEEDED(id >= 0 && id < tokens && !seen[id], "token %" PRId64 " came twice", id);
                seen[id] = 1;
        }
        CHECK_SEEDED(cop_receive(0, COP_ANY) == NULL, "more tokens than were sent");
        struct cop__totals totals;
        cop__totals(node, &totals);
        ck_assert_uint_eq(totals.dead_letters, 0);
        ck_assert_uint_eq(totals.sent, (uint64_t)(actors + tokens + tokens * (hops + 1)));
        free(pids);
        free(seen);
        leave_node(node);
}

TEST(a_mesh_conserves_every_message_on_two_workers)
{
        run_mesh(2, 100, 500, suite_is_slow() ? 50 : 500);
}

TEST(a_mesh_conserves_every_message_on_eight_oversubscribed_workers)
{
        run_mesh(8, 300, 1000, suite_is_slow() ? 20 : 200);
}

/* ---- Churn ----------------------------------------------------------------------------- */

typedef struct {
        uint64_t seed;
} victim_start;
COP_MESSAGE(victim_start, seed);

typedef struct {
        int64_t n;
} poke;
COP_MESSAGE(poke, n);

static void victim(const victim_start *start)
{
        uint64_t random = start->seed;
        switch (cop__random_below(&random, 5)) {
        case 0:
                return;
        case 1:
                cop_exit(cop_atom("shutdown"));
        case 2:
                cop_trap_exit(true);
                break;
        case 3:
                cop_sleep(1);
                return;
        default:
                break;
        }
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(poke), COP_KIND(cop_exited)));
}

/* Of those that monitor somebody and have not been answered. */
struct open_refs {
        cop_ref each[20000];
        size_t count;
};

/* The one that is answered is open no longer; one that was answered before is not found. */
static bool close_ref(struct open_refs *open, cop_ref ref)
{
        for (size_t i = open->count; i > 0; i--)
                if (open->each[i - 1].bits == ref.bits) {
                        open->each[i - 1] = open->each[--open->count];
                        return true;
                }
        return false;
}

/* Each is monitored, some are linked; then they are poked or killed while they live, die or are dead. */
TEST_WITHIN(each_monitor_answers_once_while_thousands_come_and_go, 60)
{
        cop_node *node = enter_node(4);
        const int total = suite_is_slow() ? 1000 : 20000;
        uint64_t random = seed;
        static struct open_refs open;
        int downs = 0, started = 0;
        open.count = 0;
        while (downs < total) {
                if (started < total) {
                        victim_start start = { cop__random_next(&random) };
                        cop_ref ref;
                        cop_pid pid;
                        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){
                                .run_with = COP_RUN_WITH(victim, victim_start),
                                .kind = COP_KIND_OF(victim_start), .argument = &start,
                                .link = cop__random_below(&random, 2) == 0,
                                .monitor = true, .monitor_ref = &ref }, &pid), COP_OK);
                        open.each[open.count++] = ref;
                        started++;
                        switch (cop__random_below(&random, 3)) {
                        case 0:
                                cop_send(pid, poke, .n = 1);
                                break;
                        case 1:
                                cop_send_exit(pid, cop_atom("kill"));
                                break;
                        default:
                                cop_send(pid, poke, .n = 2);
                                cop_link(pid);
                                cop_unlink(pid);
                        }
                }
                cop_message *message;
                while ((message = cop_receive(started < total ? 0 : COP_FOREVER,
                                              COP_KIND(cop_down))) != NULL) {
                        CHECK_SEEDED(close_ref(&open, cop_read(cop_down, message)->ref),
                                     "an answer to no monitor, or a second one");
                        downs++;
                        cop_message_free(message);
                        if (downs == total)
                                break;
                }
        }
        CHECK_SEEDED(cop_receive(0, COP_KIND(cop_down)) == NULL, "a monitor answered twice");
        ck_assert_uint_eq(open.count, 0);
        struct cop__totals totals;
        cop__totals(node, &totals);
        ck_assert_uint_eq(totals.spawned - totals.died, 1); /* this thread */
        leave_node(node);
}

/* ---- Calls ------------------------------------------------------------------------------- */

typedef struct {
        int64_t n;
} question;
COP_MESSAGE(question, n);

typedef struct {
        int64_t n;
} answer;
COP_MESSAGE(answer, n);

typedef struct {
        int64_t handled;
} moody;

static void moody_on_question(moody *self, const question *q)
{
        self->handled++;
        switch (q->n % 7) {
        case 0:
                cop_exit(cop_atom("in_a_bad_mood"));
        case 1:
                break; /* no answer */
        case 2:
                cop_defer();
                cop_exit(cop_atom("promised_too_much"));
        case 3:
                cop_sleep(1);
                cop_reply(answer, .n = q->n);
                break;
        default:
                cop_reply(answer, .n = q->n);
        }
}

COP_SERVER(moody, COP_ON(question, moody_on_question));

typedef struct {
        cop_pid tell;
        int64_t calls, number;
} caller_start;
COP_MESSAGE(caller_start, tell, calls, number);

static void caller(const caller_start *start)
{
        int64_t wrong = 0;
        cop_pid server = cop_spawn_server(&moody_server, NULL);
        for (int64_t i = 0; i < start->calls; i++) {
                cop_message *reply = NULL;
                cop_status status = cop_call(&reply, server, COP_FOREVER, question, .n = i);
                if (status == COP_OK) {
                        wrong += cop_read(answer, reply)->n != i;
                        cop_message_free(reply);
                } else if (status == COP_E_DIED || status == COP_E_NO_ACTOR) {
                        wrong += i % 7 != 0 && i % 7 != 2;
                        server = cop_spawn_server(&moody_server, NULL);
                } else {
                        wrong += status != COP_E_NO_REPLY || i % 7 != 1;
                }
        }
        cop_send_exit(server, cop_atom("kill"));
        cop_send(start->tell, arrived, .id = wrong);
}

static void ignore_log(void *context, cop_log_level level, const char *text)
{
        (void)context;
        (void)level;
        (void)text;
}

TEST_WITHIN(every_call_ends_however_moody_the_server, 60)
{
        cop_node *node;
        ck_assert_int_eq(cop_node_start(&(cop_node_options){ .workers = 3, .log = ignore_log }, &node),
                         COP_OK);
        ck_assert_int_eq(cop_node_enter(node), COP_OK);
        const int callers = 20;
        for (int i = 0; i < callers; i++)
                cop_spawn_with(caller, caller_start, .tell = cop_self(), .number = i,
                               .calls = suite_is_slow() ? 70 : 700);
        for (int i = 0; i < callers; i++) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(arrived));
                ck_assert_int_eq(cop_read(arrived, message)->id, 0);
        }
        leave_node(node);
}
