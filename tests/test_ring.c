/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Rings of actors that wait for each other: each one breaks at the call that closes it, and nothing else is taken for one.
 */
#include <coppice/agent.h>
#include <coppice/machine.h>
#include <coppice/request.h>
#include <coppice/task.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/calling.h"
#include "base/random.h"
#include "tests/node_fixture.h"

typedef struct ask {
        cop_pids path; /* each calls the next, as far as it goes */
        int64_t at, how;
} ask;
COP_MESSAGE(ask, path, at, how);

typedef struct answer {
        int64_t status;
        cop_term failure; /* of the first call that failed */
} answer;
COP_MESSAGE(answer, status, failure);

enum how {
        BY_CALL = 0,
        BY_REQUEST,   /* the last of the path sends a request, and awaits it */
        ANSWER_FIRST, /* each answers before it calls */
        DEFER_FIRST,  /* the first one defers its answer, passes the duty on, and calls then */
};

typedef struct carried {
        cop_alias to;
} carried;
COP_MESSAGE(carried, COP_NESTED(cop_alias, to));

static cop_status ask_next(const ask *a, cop_message **reply)
{
        cop_request request;
        cop_pid next = a->path.items[a->at];
        ask on = { a->path, a->at + 1, a->how };
        if (a->how != BY_REQUEST || a->at + 1 < (int64_t)a->path.count)
                return cop_call_value(reply, cop_to_pid(next), COP_FOREVER, COP_KIND_OF(ask), &on);
        cop_status status =
                cop_request_send_value(&request, cop_to_pid(next), COP_KIND_OF(ask), &on);
        return status == COP_OK ? cop_request_await(request, COP_FOREVER, reply) : status;
}

static void walk_on(const ask *a)
{
        cop_message *reply = NULL;
        if (a->how == ANSWER_FIRST)
                cop_reply(answer, .status = COP_OK, .failure = cop_nil());
        if (a->at >= (int64_t)a->path.count) {
                if (a->how != ANSWER_FIRST)
                        cop_reply(answer, .status = COP_OK, .failure = cop_nil());
                return;
        }
        cop_status status = ask_next(a, &reply);
        if (a->how == ANSWER_FIRST)
                return cop_message_free(reply);
        if (status == COP_OK)
                cop_reply(answer, .status = cop_read(answer, reply)->status,
                          .failure = cop_read(answer, reply)->failure);
        else
                cop_reply(answer, .status = status, .failure = cop_failure());
        cop_message_free(reply);
}

typedef struct walker {
        int64_t unused;
} walker;
COP_MESSAGE(walker, unused);

static void walker_on_ask(walker *self, const ask *a)
{
        (void)self;
        walk_on(a);
}

COP_SERVER(walker, COP_ON(ask, walker_on_ask));

static cop_pid new_walker(void)
{
        return cop_spawn_server(&walker_server, NULL);
}

/* What the call along that path, the first of which is called, comes to. */
static const char *walk(const cop_pid *path, size_t count, int64_t how)
{
        static char said[256];
        cop_message *reply = NULL;
        ask question = { { path + 1, count - 1 }, 0, how };
        ck_assert_int_eq(cop_call_value(&reply, cop_to_pid(path[0]), PATIENCE_MS, COP_KIND_OF(ask),
                                        &question),
                         COP_OK);
        const answer *a = cop_read(answer, reply);
        snprintf(said, sizeof(said), "%d %s", (int)a->status, text_of(a->failure));
        cop_message_free(reply);
        return said;
}

/* The reason of a ring whose call from `first` has closed it. */
static const char *ring_of(const cop_pid *pids, size_t count, size_t first)
{
        static char said[256];
        char pid[COP_ID_TEXT_MAX];
        int size = snprintf(said, sizeof(said), "%d {calling_cycle, [", COP_E_CYCLE);
        for (size_t i = 0; i < count; i++)
                size += snprintf(said + size, sizeof(said) - (size_t)size, "%s%s",
                                 i > 0 ? ", " : "", cop_pid_print(pids[(first + i) % count], pid));
        snprintf(said + size, sizeof(said) - (size_t)size, "]}");
        return said;
}

/* ---- What is one ----------------------------------------------------------------------- */

IN_NODE(a_call_that_closes_a_ring_of_two_fails_at_once_and_names_both)
{
        cop_pid pids[2] = { new_walker(), new_walker() };
        cop_pid path[3] = { pids[0], pids[1], pids[0] };
        ck_assert_str_eq(walk(path, 3, BY_CALL), ring_of(pids, 2, 1));
        ck_assert_str_eq(walk(path, 2, BY_CALL), "0 []"); /* they live, and answer */
}

IN_NODE(a_ring_of_many_is_named_from_the_one_that_closed_it)
{
        enum {
                MANY = 20
        };
        char said[1024];
        cop_pid path[MANY + 1];
        for (int i = 0; i < MANY; i++)
                path[i] = new_walker();
        path[MANY] = path[0];
        snprintf(said, sizeof(said), "%s", walk(path, MANY + 1, BY_CALL));
        char begin[80], pid[COP_ID_TEXT_MAX];
        snprintf(begin, sizeof(begin), "%d {calling_cycle, [%s, ", COP_E_CYCLE,
                 cop_pid_print(path[MANY - 1], pid));
        ck_assert_msg(strncmp(said, begin, strlen(begin)) == 0, "%s", said);
}

IN_NODE(a_ring_need_not_hold_the_one_that_began)
{
        cop_pid pids[2] = { new_walker(), new_walker() };
        cop_pid path[4] = { new_walker(), pids[0], pids[1], pids[0] };
        ck_assert_str_eq(walk(path, 4, BY_CALL), ring_of(pids, 2, 1));
}

IN_NODE(a_request_that_is_awaited_closes_a_ring_as_a_call_does)
{
        cop_pid pids[3] = { new_walker(), new_walker(), new_walker() };
        cop_pid path[4] = { pids[0], pids[1], pids[2], pids[0] };
        ck_assert_str_eq(walk(path, 4, BY_REQUEST), ring_of(pids, 3, 2));
        ck_assert_str_eq(walk(path, 3, BY_REQUEST), "0 []");
}

static void automaton_on_ask(walker *self, const ask *a)
{
        (void)self;
        walk_on(a);
}

typedef walker automaton;
enum {
        ALWAYS = 1
};
COP_MACHINE(automaton, ALWAYS, COP_IN(ALWAYS, ask, automaton_on_ask));

IN_NODE(a_state_machine_is_no_exception)
{
        cop_pid pids[2] = { cop_spawn_server(&automaton_machine, NULL), new_walker() };
        cop_pid path[3] = { pids[0], pids[1], pids[0] };
        ck_assert_str_eq(walk(path, 3, BY_CALL), ring_of(pids, 2, 1));
}

static void from_an_agent(walker *value, const ask *a)
{
        (void)value;
        walk_on(a);
}

/* A function that runs in an agent calls somebody who asks the agent. */
IN_NODE(an_agent_is_no_exception)
{
        cop_message *reply = NULL;
        cop_pid agent = cop_agent_new(walker, .unused = 0);
        cop_pid other = new_walker();
        cop_pid path[2] = { other, agent };
        ck_assert_int_eq(cop_agent_update(&reply, agent, PATIENCE_MS, walker, from_an_agent, ask,
                                          .path = { path, 2 }),
                         COP_OK);
        cop_pid ring[2] = { other, agent };
        char said[256];
        snprintf(said, sizeof(said), "%d %s", (int)cop_read(answer, reply)->status,
                 text_of(cop_read(answer, reply)->failure));
        cop_message_free(reply);
        ck_assert_str_eq(said, ring_of(ring, 2, 0));
}

static void calls_first(const ask *a)
{
        ask on = { a->path, a->at + 1, a->how };
        cop_status status = cop_call_value(NULL, cop_to_pid(a->path.items[a->at]), COP_FOREVER,
                                           COP_KIND_OF(ask), &on);
        if (status == COP_E_CYCLE)
                cop_exit(cop_failure());
        cop_exit(cop_int(status));
}

/* Starts an actor which, before its start is over, calls the one that waits for it. */
static void starts_one(void)
{
        cop_pid self = cop_self(), child;
        ask a = { { &self, 1 }, 0, BY_CALL };
        cop_status status =
                cop_start(&(cop_spawn_options){ .run_with = COP_RUN_WITH(calls_first, ask),
                                                .kind = COP_KIND_OF(ask),
                                                .argument = &a,
                                                .init_ack = true },
                          COP_FOREVER, &child);
        cop_term why = cop_failure();
        bool named = cop_is_tuple(why, "calling_cycle", 2);
        cop_exit(COP_TUPLE(cop_int(status == COP_E_CYCLE || status == COP_E_DIED), cop_int(named)));
}

IN_NODE(a_start_that_calls_who_waits_for_it_fails_with_the_ring)
{
        await_down(spawn_watched(.run = starts_one), "{1, 1}");
}

static void calls_back(const ask *a)
{
        cop_status status = cop_call_value(NULL, cop_to_pid(a->path.items[0]), COP_FOREVER,
                                           COP_KIND_OF(ask), &(ask){ { NULL, 0 }, 0, BY_CALL });
        if (status != COP_OK)
                cop_exit(cop_failure());
}

static void awaits_a_task_that_calls_back(const ask *a)
{
        cop_pid self = cop_self();
        cop_message *result;
        (void)a;
        cop_task task = cop_task_async(calls_back, ask, .path = { &self, 1 });
        cop_task_await(&result, task, COP_FOREVER);
}

IN_NODE(a_task_that_calls_the_one_that_awaits_it_is_a_ring)
{
        cop_ref ref = spawn_watched(RUN_WITH(awaits_a_task_that_calls_back, ask, .how = BY_CALL));
        cop_auto message = await(COP_REF(cop_down, ref));
        ck_assert(cop_is_tuple(cop_read(cop_down, message)->reason, "calling_cycle", 2));
}

static void hear(void *context, cop_log_level level, const char *text)
{
        if (level == COP_LOG_ERROR)
                snprintf(context, 512, "%s", text);
}

TEST(the_log_says_who_waits_for_whom)
{
        char heard[512] = "", wanted[256], first[COP_ID_TEXT_MAX], second[COP_ID_TEXT_MAX];
        cop_node *node = node_begin((cop_node_options){ .log = hear, .log_context = heard });
        cop_pid pids[2] = { new_walker(), new_walker() };
        cop_pid path[3] = { pids[0], pids[1], pids[0] };
        ck_assert_int_eq(cop_register("till", pids[0]), COP_OK);
        walk(path, 3, BY_CALL);
        snprintf(wanted, sizeof(wanted), "(walker) %s waits for till %s, who waits for the first",
                 cop_pid_print(pids[1], first), cop_pid_print(pids[0], second));
        ck_assert_msg(strstr(heard, wanted) != NULL, "%s\nis not in\n%s", wanted, heard);
        node_end(node);
}

/* Nor goes on before its owner does. */
static void calls_its_owner(const ask *a)
{
        (void)a;
        cop_call(&(cop_message *){ NULL }, cop_parent(), COP_FOREVER, ask, .how = BY_CALL);
}

/* Else who looks could take a member that has been elsewhere in between for one that has waited all the time. */
IN_NODE(a_task_that_is_awaited_again_is_another_wait_under_the_same_reference)
{
        const struct cop__calling *own = cop__calling_of(node, cop_self());
        cop_message *result;
        cop_task task = cop_task_async_nolink(calls_its_owner, ask, .how = BY_CALL);
        uint64_t before = cop__load_relaxed(&own->stand);
        await_true(is_waiting(node, task.pid));
        ck_assert_int_eq(cop_task_yield(&result, task, 1), COP_E_TIMEOUT); /* which goes on by itself, and is no edge */
        ck_assert_int_eq(cop_task_yield(&result, task, COP_FOREVER), COP_E_CYCLE);
        ck_assert_int_eq(cop_task_yield(&result, task, COP_FOREVER), COP_E_CYCLE);
        ck_assert_uint_eq(cop__load_relaxed(&own->stand), before + 2);
        ck_assert_uint_eq(cop__load_relaxed(&own->waits), 0);
        cop_task_shutdown(&result, task, PATIENCE_MS);
}

/* ---- What is none ----------------------------------------------------------------------- */

/* Has nothing to do, and waits in the middle of nothing. */
static bool is_idle(cop_node *node, cop_pid pid)
{
        const struct cop__actor *actor = cop__slot_of(node, pid);
        return cop__queue_is_asleep(&actor->queue) && cop__load_relaxed(&actor->task.stack_bytes) == 0;
}

IN_NODE(who_answers_before_it_calls_closes_no_ring)
{
        cop_pid pids[2] = { new_walker(), new_walker() };
        cop_pid path[4] = { pids[0], pids[1], pids[0], pids[1] };
        ck_assert_str_eq(walk(path, 4, ANSWER_FIRST), "0 []");
        /* The rest of that walk goes on behind its answer, and together with another one it would be a ring. */
        await_true(is_idle(node, pids[0]) && is_idle(node, pids[1]));
        ck_assert_str_eq(walk(path, 2, BY_CALL), "0 []");
}

/* Carries an answer to whom it is due, at once. */
static void porter_on_carried(walker *self, const carried *c)
{
        (void)self;
        cop_reply_to(c->to, answer, .status = COP_OK, .failure = cop_nil());
}
typedef walker porter;
COP_SERVER(porter, COP_ON(carried, porter_on_carried));

typedef struct duty {
        cop_pid porter, back;
        cop_pid tell;
} duty;
COP_MESSAGE(duty, porter, back, tell);

/* Gives the duty to answer away, and then calls the very one that waits. */
static void clerk_on_duty(walker *self, const duty *d)
{
        (void)self;
        cop_caller caller = cop_defer();
        cop_status status = COP_OK;
        if (d->back.bits != 0) {
                cop_send(d->porter, carried, .to = caller);
                status = cop_call(NULL, d->back, COP_FOREVER, ask, .how = BY_CALL);
        }
        cop_send(d->tell, answer, .status = status, .failure = cop_nil());
}
typedef walker clerk;
COP_SERVER(clerk, COP_ON(duty, clerk_on_duty));

static void calls_clerk(const duty *d)
{
        cop_status status = cop_call(NULL, d->tell, COP_FOREVER, duty, .porter = d->porter,
                                     .back = cop_self(), .tell = d->back);
        cop_auto request = cop_receive(COP_FOREVER, COP_KIND(ask));
        cop_answer(request, answer, .status = COP_OK, .failure = cop_nil());
        cop_exit(cop_int(status));
}

IN_NODE(who_waits_for_a_deferred_answer_waits_for_nobody_in_particular)
{
        cop_pid carrier = cop_spawn_server(&porter_server, NULL);
        cop_pid pid = cop_spawn_server(&clerk_server, NULL);
        for (int i = 0; i < 200; i++) {
                cop_ref ref = spawn_watched(RUN_WITH(calls_clerk, duty, .porter = carrier,
                                                     .tell = pid, .back = cop_self()));
                cop_auto done = await(COP_KIND(answer));
                ck_assert_int_eq(cop_read(answer, done)->status, COP_OK);
                await_down(ref, "0");
        }
}

/* ---- Any graph ------------------------------------------------------------------------------ */

typedef struct {
        cop_pid tell;
        int64_t status;
        cop_pid target;
} step;
COP_MESSAGE(step, tell, status, target);

typedef struct {
        cop_pid target;
} start;
COP_MESSAGE(start, target);

typedef struct {
        bool nothing;
} poke;
COP_MESSAGE(poke, nothing);

/* In the middle of handling this, waits until all others are, calls its target, and tells how that ended. */
static void member_on_step(walker *self, const step *s)
{
        (void)self;
        cop_send(s->tell, poke);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(start)));
        cop_status status = cop_call(NULL, s->target, COP_FOREVER, poke);
        cop_send(s->tell, step, .status = status);
}

static void member_on_poke(walker *self, const poke *p)
{
        (void)self;
        (void)p;
        cop_reply(poke);
}
typedef walker member;
COP_SERVER(member, COP_ON(step, member_on_step), COP_ON(poke, member_on_poke));

#define MEMBERS_MOST 48

/* The rings of a graph in which each has one successor. */
static int count_rings(const int *next, int count)
{
        int seen[MEMBERS_MOST] = { 0 }, rings = 0;
        for (int i = 0; i < count; i++) {
                int at = i;
                while (seen[at] == 0) {
                        seen[at] = i + 1;
                        at = next[at];
                }
                rings += seen[at] == i + 1;
        }
        return rings;
}

static void one_graph(uint64_t seed, uint64_t *random)
{
        cop_pid pids[MEMBERS_MOST];
        int next[MEMBERS_MOST], failed = 0;
        int count = 2 + (int)cop__random_below(random, MEMBERS_MOST - 1);
        for (int i = 0; i < count; i++) {
                pids[i] = cop_spawn_server(&member_server, NULL);
                next[i] = (i + 1 + (int)cop__random_below(random, (uint32_t)count - 1)) % count;
        }
        for (int i = 0; i < count; i++)
                cop_send(pids[i], step, .tell = cop_self(), .target = pids[next[i]]);
        for (int i = 0; i < count; i++)
                await_and_drop(COP_KIND(poke));
        for (int i = 0; i < count; i++)
                cop_send(pids[i], start);
        for (int i = 0; i < count; i++) {
                cop_auto ended = await(COP_KIND(step));
                int64_t status = cop_read(step, ended)->status;
                ck_assert_msg(status == COP_OK || status == COP_E_CYCLE,
                              "seed %" PRIu64 ": status %d", seed, (int)status);
                failed += status == COP_E_CYCLE;
        }
        int rings = count_rings(next, count);
        ck_assert_msg(failed == rings,
                      "seed %" PRIu64 ": %d calls of %d failed, in a graph with %d rings", seed,
                      failed, count, rings);
        for (int i = 0; i < count; i++)
                cop_send_exit(pids[i], cop_atom("kill"));
}

static uint64_t seed_of_run(void)
{
        const char *given = getenv("COP_TEST_SEED");
        return given != NULL ? strtoull(given, NULL, 10) : cop__clock_ns();
}

TEST(in_any_graph_of_calls_each_ring_fails_once_and_every_other_call_succeeds)
{
        uint64_t seed = seed_of_run(), random = seed;
        for (unsigned workers = 2; workers <= 8; workers += 3) {
                cop_node *node = node_begin((cop_node_options){ .workers = workers });
                for (int i = 0; i < (suite_is_slow() ? 10 : 60); i++)
                        one_graph(seed, &random);
                node_end(node);
        }
}

/* Two that call each other at one moment. */
IN_NODE(of_two_that_close_a_ring_at_one_moment_one_fails)
{
        cop_pid pids[2] = { cop_spawn_server(&member_server, NULL),
                            cop_spawn_server(&member_server, NULL) };
        for (int i = 0; i < (suite_is_slow() ? 200 : 2000); i++) {
                int64_t sum = 0;
                for (int j = 0; j < 2; j++)
                        cop_send(pids[j], step, .tell = cop_self(), .target = pids[1 - j]);
                for (int j = 0; j < 2; j++)
                        await_and_drop(COP_KIND(poke));
                for (int j = 0; j < 2; j++)
                        cop_send(pids[j], start);
                for (int j = 0; j < 2; j++) {
                        cop_auto ended = await(COP_KIND(step));
                        sum += cop_read(step, ended)->status;
                }
                ck_assert_int_eq(sum, COP_E_CYCLE);
        }
}

/* ---- Calls within calls ---------------------------------------------------------------------- */

typedef struct {
        cop_pids peers;
        int64_t seed, depth;
} wander;
COP_MESSAGE(wander, peers, seed, depth);

typedef struct {
        int64_t rings;
} wandered;
COP_MESSAGE(wandered, rings);

/* Calls two others at random, who do the same, and so on; counts the calls that closed a ring. */
static void nomad_on_wander(walker *self, const wander *w)
{
        (void)self;
        int64_t rings = 0;
        uint64_t random = (uint64_t)w->seed;
        for (int i = 0; i < 2 && w->depth > 0; i++) {
                cop_message *reply = NULL;
                cop_pid next = w->peers.items[cop__random_below(&random, (uint32_t)w->peers.count)];
                if (cop_pid_equal(next, cop_self()))
                        continue;
                wander on = { w->peers, (int64_t)cop__random_next(&random), w->depth - 1 };
                cop_status status = cop_call_value(&reply, cop_to_pid(next), COP_FOREVER,
                                                   COP_KIND_OF(wander), &on);
                rings +=
                        status == COP_OK ? cop_read(wandered, reply)->rings : status == COP_E_CYCLE;
                cop_message_free(reply);
        }
        cop_reply(wandered, .rings = rings);
}
typedef walker nomad;
COP_SERVER(nomad, COP_ON(wander, nomad_on_wander));

TEST(however_calls_are_nested_every_one_of_them_ends)
{
        enum {
                NOMADS = 6,
                CALLS = 8
        };
        uint64_t seed = seed_of_run(), random = seed;
        cop_node *node = node_begin((cop_node_options){ .workers = 4 });
        cop_pid pids[NOMADS];
        int64_t rings = 0;
        for (int i = 0; i < NOMADS; i++)
                pids[i] = cop_spawn_server(&nomad_server, NULL);
        for (int round = 0; round < (suite_is_slow() ? 5 : 40); round++) {
                cop_request requests[CALLS];
                for (int i = 0; i < CALLS; i++) {
                        wander w = { { pids, NOMADS }, (int64_t)cop__random_next(&random), 4 };
                        ck_assert_int_eq(cop_request_send_value(&requests[i],
                                                                cop_to_pid(pids[i % NOMADS]),
                                                                COP_KIND_OF(wander), &w),
                                         COP_OK);
                }
                for (int i = 0; i < CALLS; i++) {
                        cop_message *reply = NULL;
                        cop_status status = cop_request_await(requests[i], PATIENCE_MS, &reply);
                        ck_assert_msg(status == COP_OK, "seed %" PRIu64 ": %s", seed,
                                      cop_status_text(status));
                        rings += cop_read(wandered, reply)->rings;
                        cop_message_free(reply);
                }
        }
        ck_assert_msg(rings > 0, "seed %" PRIu64 ": no ring", seed);
        node_end(node);
}
