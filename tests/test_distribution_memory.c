/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Memory fails between two nodes, at each place in turn: for each scene the first request fails, then the second, and so on until none
 * does, alone or with some behind it. It is anybody's of either node: who asked has an error, or an actor ends, or the connection does.
 * Nothing is left behind, and the same works again.
 */
#include "tests/failing_malloc.h"
#include "tests/clerk.h"

#include "tests/bare_pools.h"
#include "tests/keepers.h"
#include "tests/pair.h"

#include <coppice/global.h>
#include <coppice/sys.h>

#include "distribution/peer.h"

#define A "a@127.0.0.1"
#define B "b@127.0.0.1"

#define MS PATIENCE_MS

/* A quarter of it is how long a connection waits that nobody could tell of what there is to do. */
#define TICK_MS 400

static const char *step; /* what was tried last */

#define TRY(call)                          \
        do {                               \
                step = #call;              \
                cop_status tried = (call); \
                if (tried != COP_OK)       \
                        return tried;      \
        } while (0)

static struct pair pair;

/* ---- Who is there ---------------------------------------------------------------------------- */

static void sleeps(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(cop_node_up)));
}

/* Asked for somebody to be tied to: one at a time. */
static void clerk_on_any(clerk *self, const cop_any *any)
{
        cop_pid pid;
        (void)self;
        if (cop_is_atom(any->term, "grow") && cop_spawn_opt(&(cop_spawn_options){ .run = sleeps, .name = "grown" }, &pid) == COP_OK)
                cop_reply(cop_any, .term = cop_pid_term(pid));
}

static void fell(void)
{
        cop_send_exit(cop_whereis("grown"), cop_atom("kill"));
}

COP_SERVER(clerk, COP_ON(job, clerk_on_job), COP_ON(cop_any, clerk_on_any));

/* Where it was before: the other one may call it. */
static cop_status distribute(const char *name, uint16_t port)
{
        return cop_distribution_start(&(cop_distribution){ .name = cop_text_of(name), .cookie = COP_TEXT(COOKIE), .port = port,
                                                           .no_epmd = true, .tick_ms = TICK_MS });
}

static void mend_keeper(const char *name, const cop_behaviour *server)
{
        cop_pid pid;
        if (cop_whereis(name).bits == 0)
                ck_assert_int_eq(cop_start(&(cop_spawn_options){ .server = server, .name = name }, PATIENCE_MS, &pid), COP_OK);
}

static void takes(const job *j)
{
        (void)j;
        sleeps();
}

static void offer_grown(void)
{
        cop_status status = cop_offer("grown", &(cop_spawn_options){ .run_with = COP_RUN_WITH(takes, job), .kind = COP_KIND_OF(job),
                                                                     .name = "grown" });
        ck_assert(status == COP_OK || status == COP_E_NAME_TAKEN);
}

/* Whoever has ended without memory begins again. */
static void mend(cop_node *node, const char *name, uint16_t port)
{
        visit(node);
        if (cop_whereis("net_kernel").bits == 0)
                ck_assert_int_eq(distribute(name, port), COP_OK);
        mend_keeper("clerk", &clerk_server);
        offer_grown();
        mend_keeper("chat", &cop_scope_server);
}

/* Of which the other side may never hear: what calls in that moment waits for the next one who calls. */
static void give_up_attempts(void)
{
        cop_pid owner;
        const struct cop__network *network = cop__network_here();
        if (cop__peer_look(cop__network_find(network, B, strlen(B)), &owner) == COP__PEER_TRYING)
                cop_send_exit(owner, cop_atom("kill"));
}

/* A connection that was suspended and has not been ended since. */
static cop_pid held_up;

static void mend_all(void)
{
        give_up_attempts();
        if (held_up.bits != 0)
                cop_send_exit(held_up, cop_atom("kill"));
        held_up = cop_no_pid();
        mend(pair.b, B, pair.port_b);
        fell();
        mend(pair.a, A, pair.port_a);
}

/* ---- Scenes: what is done at a ------------------------------------------------------------------- */

static cop_status calls(void)
{
        TRY(cop_call(NULL, cop_at("clerk", B), MS, job, .number = 1));
        return COP_OK;
}

/* An attempt may take longer, and then it is given up. */
static cop_status reconnects(void)
{
        cop_status status = cop_connect(B, 1000);
        return status == COP_E_TIMEOUT ? COP_E_NO_CONNECTION : status;
}

static cop_status begins_again(void)
{
        TRY(cop_distribution_stop());
        TRY(distribute(A, pair.port_a));
        TRY(reconnects());
        TRY(calls());
        return COP_OK;
}

/* Who says that it has ended must be dead. */
static bool is_lied_to;

/* What a net_kernel that was killed has left is ended before the next one begins, or that does not begin. */
static cop_status begins_after_a_kill(void)
{
        cop_pid owner, kernel = cop_whereis("net_kernel");
        cop_ref ref;
        cop__peer_look(cop__network_find(cop__network_here(), B, strlen(B)), &owner);
        held_up = owner;
        TRY(cop_sys_suspend(owner, MS)); /* so that it hears of no end */
        TRY(cop_monitor(kernel, &ref));
        TRY(cop_send_exit(kernel, cop_atom("kill")));
        cop_message_free(cop_receive(MS, COP_REF(cop_down, ref)));
        TRY(distribute(A, pair.port_a));
        is_lied_to = is_lied_to || cop_is_alive(owner);
        TRY(reconnects());
        TRY(calls());
        return COP_OK;
}

static cop_status disconnects(void)
{
        cop_pid owner;
        struct cop__network *network = cop__network_here();
        cop__peer_look(cop__network_find(network, B, strlen(B)), &owner);
        TRY(cop_disconnect(B));
        is_lied_to = is_lied_to || cop_is_alive(owner);
        return COP_OK;
}

static cop_status connects(void)
{
        TRY(disconnects());
        TRY(reconnects());
        TRY(calls());
        return COP_OK;
}

static cop_status sends_and_is_connected(void)
{
        TRY(disconnects());
        TRY(calls());
        return COP_OK;
}

static cop_status ties(void)
{
        cop_message *reply = NULL;
        cop_ref ref;
        cop_pid pid = cop_no_pid();
        TRY(cop_call_term(&reply, cop_at("clerk", B), MS, cop_atom("grow")));
        const cop_any *any = cop_read(cop_any, reply);
        if (any != NULL && any->term.type == COP_TERM_PID)
                pid = any->term.as.pid;
        cop_message_free(reply);
        if (pid.bits == 0)
                return COP_E_NO_REPLY;
        cop_trap_exit(true);
        TRY(cop_monitor(pid, &ref));
        TRY(cop_link(pid));
        TRY(cop_send_exit(pid, COP_TUPLE(cop_atom("a"), cop_string("reason"))));
        cop_message *down = cop_receive(MS, COP_REF(cop_down, ref));
        cop_message *exited = cop_receive(MS, COP_KIND(cop_exited));
        cop_message_free(down);
        cop_message_free(exited);
        return down != NULL && exited != NULL ? COP_OK : COP_E_TIMEOUT;
}

/* One that nobody has heard of has been told to end; it may still be about to. */
static cop_status spawns_there(void)
{
        cop_ref ref;
        cop_pid pid;
        const cop_spawn_there there = { .node = B, .offer = "grown", .kind = COP_KIND_OF(job), .argument = &(job){ 1 },
                                        .link = true, .monitor = true, .monitor_ref = &ref };
        cop_trap_exit(true);
        TRY(cop_spawn_at(&there, MS, &pid));
        TRY(cop_send_exit(pid, COP_TUPLE(cop_atom("a"), cop_string("reason"))));
        cop_message *down = cop_receive(MS, COP_REF(cop_down, ref));
        cop_message *exited = cop_receive(MS, COP_FIELD(cop_exited, pid, pid));
        cop_message_free(down);
        cop_message_free(exited);
        return down != NULL && exited != NULL ? COP_OK : COP_E_TIMEOUT;
}

static cop_status has_a_global_name(void)
{
        TRY(cop_global_re_register("ledger", cop_self()));
        TRY(cop_global_re_register("ledger", cop_self()));
        TRY(cop_disconnect(B));
        TRY(reconnects());
        TRY(cop_global_unregister("ledger"));
        return COP_OK;
}

static cop_status joins(void)
{
        cop_term members;
        TRY(cop_group_join("chat", cop_atom("tea"), cop_self()));
        TRY(cop_group_join("chat", cop_atom("tea"), cop_self()));
        TRY(cop_group_join("chat", cop_string("coffee"), cop_self()));
        TRY(cop_sys_resume("chat", MS)); /* which waits until it has told the other one */
        TRY(cop_disconnect(B));
        TRY(reconnects());
        TRY(cop_group_leave("chat", cop_atom("tea"), cop_self()));
        TRY(cop_send("chat", job, .number = 1)); /* which says nothing to it */
        TRY(cop_group_members("chat", cop_atom("tea"), &members));
        cop_term_free(members);
        TRY(calls());
        return COP_OK;
}

/* Which has heard of nobody yet. */
static cop_status begins_a_scope(void)
{
        cop_ref ref;
        cop_pid pid = cop_whereis("chat");
        TRY(disconnects());
        TRY(cop_monitor(pid, &ref));
        TRY(cop_send_exit(pid, cop_atom("kill")));
        cop_message_free(cop_receive(MS, COP_REF(cop_down, ref)));
        TRY(cop_start(&(cop_spawn_options){ .server = &cop_scope_server, .name = "chat" }, MS, &pid));
        TRY(reconnects());
        TRY(calls());
        return COP_OK;
}

static const struct scene {
        const char *name;
        cop_status (*run)(void);
} scenes[] = {
        { "a call", calls },
        { "distribution that ends and begins", begins_again },
        { "distribution that begins after a kill", begins_after_a_kill },
        { "to connect", connects },
        { "to be connected for what is sent", sends_and_is_connected },
        { "a monitor, a link and an exit", ties },
        { "a spawn", spawns_there },
        { "a global name", has_a_global_name },
        { "a group", joins },
        { "a scope", begins_a_scope },
};

/* So many requests fail, at each place or at some. */
static const struct spell {
        uint32_t failures;
        int64_t stride;
} spells[] = { { 1, 1 }, { 3, 5 } };

static uint64_t actors_of(cop_node *node)
{
        struct cop__totals totals;
        cop__totals(node, &totals);
        return totals.spawned - totals.died;
}

/* The visitor, net_kernel, its two servers, the clerk and the scope: others come and go. */
static void await_alone(const char *name, int64_t n)
{
        uint64_t until_ns = cop__clock_ns() + (uint64_t)PATIENCE_MS * COP__NS_PER_MS;
        while (actors_of(pair.a) != 6 || actors_of(pair.b) != 5) {
                if (cop_disconnect(B) == COP_OK)
                        until_ns = cop__clock_ns() + (uint64_t)PATIENCE_MS * COP__NS_PER_MS;
                ck_assert_msg(cop__clock_ns() < until_ns, "%s at request %lld: %llu and %llu actors are left", name, (long long)n,
                              (unsigned long long)actors_of(pair.a), (unsigned long long)actors_of(pair.b));
                visit(pair.b);
                fell(); /* what was asked for late is there late */
                visit(pair.a);
        }
}

/* A node has numbers for so many lives of others, and a has had most of b's, or b of a's. */
static bool has_lived_often(void)
{
        uint32_t of_b = cop__load_acquire(&cop__network_here()->life_count);
        visit(pair.b);
        uint32_t of_a = cop__load_acquire(&cop__network_here()->life_count);
        visit(pair.a);
        return of_a > COP__LIVES - 10 || of_b > COP__LIVES - 10;
}

/* What has lost its memory may be about to end. */
static void works_again(const struct scene *scene, int64_t n)
{
        uint64_t until_ns = cop__clock_ns() + (uint64_t)PATIENCE_MS * COP__NS_PER_MS;
        cop_status status;
        do {
                if (has_lived_often()) {
                        pair_end(&pair);
                        pair_begin(&pair, (cop_distribution){ .tick_ms = TICK_MS });
                }
                mend_all();
                status = cop_connect(B, PATIENCE_MS);
                if (status == COP_OK)
                        status = scene->run();
        } while (status != COP_OK && cop__clock_ns() < until_ns);
        ck_assert_msg(status == COP_OK, "%s after request %lld: %s", scene->name, (long long)n, cop_status_text(status));
}

static void fail_at_each_place(const struct scene *scene, struct spell spell)
{
        bool has_failed = true;
        works_again(scene, 0);
        for (int64_t n = 1; has_failed; n += spell.stride) {
                ck_assert_msg(n < 4000, "%s never succeeds", scene->name);
                fail_malloc_for(n, spell.failures);
                cop_status status = scene->run();
                has_failed = stop_failing_malloc();
                ck_assert_msg(!is_lied_to, "%s at request %lld: a connection that has ended has not", scene->name, (long long)n);
                ck_assert_msg(status != COP_E_TIMEOUT, "%s at request %lld: nobody says what has happened to %s", scene->name, (long long)n,
                              step);
                works_again(scene, n);
        }
        visit(pair.a);
        await_alone(scene->name, 0);
}

TEST_WITHIN(two_nodes_without_memory_at_one_place_are_not_connected_or_go_on_and_all_works_again, 300)
{
        NEEDS_THREADS();
        if (!failing_malloc_can())
                return;
        pair_begin(&pair, (cop_distribution){ .tick_ms = TICK_MS });
        for (size_t spell = 0; spell < COP__COUNT(spells); spell++)
                for (size_t i = 0; i < COP__COUNT(scenes); i++)
                        fail_at_each_place(&scenes[i], spells[spell]);
        pair_end(&pair);
}

static bool has_begun_well(void)
{
        return distribute(A, 0) == COP_OK && cop_send(cop_at("clerk", B), job, .number = 1) == COP_OK;
}

TEST_WITHIN(a_node_without_memory_as_it_begins_has_no_distribution_or_knows_nobody_and_ends, 120)
{
        bool has_failed = true;
        NEEDS_THREADS();
        if (!failing_malloc_can())
                return;
        for (int64_t n = 1; has_failed; n++) {
                cop_node *node = node_begin((cop_node_options){ .name = "a" });
                fail_malloc_for(n, 1);
                bool is_well = has_begun_well();
                has_failed = stop_failing_malloc();
                ck_assert(is_well || has_failed);
                node_end(node);
        }
}
