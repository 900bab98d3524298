/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* How nodes come to each other and part where something is in the way: epmd, another attempt, an older connection, a table that is full. */
#define _GNU_SOURCE
#include "tests/cue.h"
#include "tests/gauges.h"
#include "tests/listener.h"
#include "tests/stranger.h"

#include <coppice/global.h>
#include <coppice/offer.h>

#include "distribution/line.h"
#include "distribution/peer.h"

#define OWN "m@127.0.0.1"
#define LATE "z@127.0.0.1"  /* whose attempt counts */
#define EARLY "a@127.0.0.1" /* whose does not */

typedef struct { int64_t status; } outcome;
COP_MESSAGE(outcome, status);

static cop_node *begin(uint16_t *port)
{
        cop_node *node = node_begin((cop_node_options){ .name = "m" });
        ck_assert_int_eq(distribute_with(OWN, (cop_distribution){ .port = 0 }, port), COP_OK);
        return node;
}

static cop_status await_outcome(void)
{
        cop_auto message = await(COP_KIND(outcome));
        return (cop_status)cop_read(outcome, message)->status;
}

/* ---- Others that do it meanwhile ---------------------------------------------------------- */

typedef struct { cop_pid whom; cop_text node; int64_t ms; } connecting;
COP_MESSAGE(connecting, whom, node, ms);

static void connects(const connecting *order)
{
        cop_send(order->whom, outcome, .status = cop_connect(order->node.data, order->ms));
}

static void spawn_connecting(const char *node, int64_t ms)
{
        cop_ref ref = spawn_watched(RUN_WITH(connects, connecting, .whom = cop_self(), .node = cop_text_of(node), .ms = ms));
        cop_demonitor_flush(ref);
}

typedef struct { cop_pid whom; int64_t epmd_port, port; bool hidden; } starting;
COP_MESSAGE(starting, whom, epmd_port, port, hidden);

#define BY_ITSELF 0     /* without epmd */
#define AS_THE_SYSTEM -1 /* with that of the environment */

static void starts(const starting *order)
{
        const cop_distribution options = { .name = COP_TEXT(OWN), .cookie = COP_TEXT(COOKIE), .hidden = order->hidden,
                                           .port = (uint16_t)order->port,
                                           .no_epmd = order->epmd_port == BY_ITSELF,
                                           .epmd_port = order->epmd_port > 0 ? (uint16_t)order->epmd_port : 0 };
        cop_send(order->whom, outcome, .status = cop_distribution_start(&options));
}

static void spawn_starting(int64_t epmd_port, bool hidden)
{
        cop_ref ref = spawn_watched(RUN_WITH(starts, starting, .whom = cop_self(), .epmd_port = epmd_port, .hidden = hidden));
        cop_demonitor_flush(ref);
}

static void spawn_starting_at(uint16_t port)
{
        cop_ref ref = spawn_watched(RUN_WITH(starts, starting, .whom = cop_self(), .epmd_port = BY_ITSELF, .port = port));
        cop_demonitor_flush(ref);
}

/* ---- Arguments ----------------------------------------------------------------------------- */

TEST(what_distribution_cannot_do_anything_with_is_refused)
{
        static char long_name[300];
        uint16_t port;
        cop_node *node;
        NEEDS_THREADS();
        memset(long_name, 'x', sizeof(long_name) - 1);
        const struct {
                cop_status status;
                cop_distribution options;
        } starts_with[] = {
                { COP_E_BAD_ARGUMENT, { .cookie = cop_text_of(long_name) } },
                { COP_E_BAD_ARGUMENT, { .cookie = { 3, "a\0b" } } },
                { COP_E_BAD_ARGUMENT, { .address = cop_text_of(long_name) } },
                { COP_E_BAD_ARGUMENT, { .message_max = (uint64_t)COP_MESSAGE_SIZE_MAX + 1 } },
                { COP_E_SYSTEM, { .address = COP_TEXT("192.0.2.1") } }, /* which no machine has */
        };
        cop_distribution no_cookie = { .name = COP_TEXT(OWN), .no_epmd = true };
        ck_assert_int_eq(cop_distribution_start(NULL), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_distribution_start(&no_cookie), COP_E_NO_NODE);
        ck_assert_int_eq(cop_nodes_subscribe(), COP_E_NO_NODE);
        cop_nodes_unsubscribe();
        node = node_begin((cop_node_options){ .name = "m" });
        ck_assert_int_eq(cop_distribution_start(&no_cookie), COP_E_BAD_ARGUMENT);
        for (size_t i = 0; i < COP__COUNT(starts_with); i++)
                ck_assert_int_eq(distribute_with(OWN, starts_with[i].options, &port), starts_with[i].status);
        ck_assert_int_eq(distribute_with(OWN, (cop_distribution){ .port = 0 }, &port), COP_OK);
        ck_assert_int_eq(cop_distribution_port(NULL), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_nodes(NULL), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_connect(LATE, -1), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_connect(NULL, 0), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_node_is_at(LATE, long_name, 1), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_node_is_at(LATE, "127.0.0.1", 1), COP_OK);
        cop_node_leave();
        cop_node_stop(node);
}

TEST(a_name_at_ones_own_node_is_who_has_it)
{
        uint16_t port;
        NEEDS_THREADS();
        cop_node *node = begin(&port);
        ck_assert_int_eq(cop_register("witness", cop_self()), COP_OK);
        ck_assert_int_eq(cop_send(cop_at("witness", OWN), outcome, .status = 7), COP_OK);
        ck_assert_int_eq(await_outcome(), 7);
        node_end(node);
}

/* ---- Where nothing can be distributed -------------------------------------------------------- */

typedef struct { int64_t unused; } remote;

static void remote_on_any(remote *self, const cop_any *any)
{
        uint16_t port;
        (void)self;
        (void)any;
        cop_reply(outcome, .status = distribute_with(OWN, (cop_distribution){ .port = 0 }, &port));
}

COP_SERVER(remote, COP_ON(cop_any, remote_on_any));

TEST(an_actor_in_a_process_of_its_own_begins_no_distribution_and_is_none)
{
        cop_pid pid;
        cop_auto reply = NULL;
        NEEDS_THREADS();
        cop_node *node = node_begin((cop_node_options){ .processes = true });
        ck_assert_int_eq(cop_start(&(cop_spawn_options){ .server = &remote_server, .isolation = COP_ISOLATION_PROCESS },
                                   PATIENCE_MS, &pid), COP_OK);
        ck_assert_int_eq(cop_call_term(&reply, pid, PATIENCE_MS, cop_atom("begin")), COP_OK);
        ck_assert_int_eq(cop_read(outcome, reply)->status, COP_E_NO_DISTRIBUTION);
        cop_distribution options = { .name = COP_TEXT(OWN), .cookie = COP_TEXT(COOKIE), .no_epmd = true };
        ck_assert_int_eq(cop_start(&(cop_spawn_options){ .server = &cop_distribution_server, .isolation = COP_ISOLATION_PROCESS,
                                                         .kind = COP_KIND_OF(cop_distribution), .argument = &options },
                                   PATIENCE_MS, &pid), COP_E_DIED);
        ck_assert(cop_is_tuple(cop_failure(), "distribution", 3));
        node_end(node);
}

TEST(a_second_net_kernel_under_another_name_does_not_begin)
{
        uint16_t port;
        cop_pid pid;
        NEEDS_THREADS();
        cop_node *node = begin(&port);
        cop_distribution options = { .name = COP_TEXT(OWN), .cookie = COP_TEXT(COOKIE), .no_epmd = true };
        ck_assert_int_eq(cop_start(&(cop_spawn_options){ .server = &cop_distribution_server, .name = "another",
                                                         .kind = COP_KIND_OF(cop_distribution), .argument = &options },
                                   PATIENCE_MS, &pid), COP_E_DIED);
        ck_assert(cop_is_tuple(cop_failure(), "distribution", 3));
        ck_assert_int_eq(cop_failure().as.items[1].as.integer, COP_E_ALREADY_STARTED);
        ck_assert_str_eq(cop_node_here_name(), OWN);
        node_end(node);
}

TEST(a_net_kernel_that_has_waited_for_epmd_while_another_began_does_not_begin)
{
        uint16_t port, own;
        cop_pid pid;
        uint8_t asked[512];
        NEEDS_THREADS();
        int ear = listener(&port);
        cop_node *node = node_begin((cop_node_options){ .name = "m" });
        cop_distribution options = { .name = COP_TEXT(OWN), .cookie = COP_TEXT(COOKIE), .epmd_port = port };
        cop_ref ref = cop_ref_new();
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .server = &cop_distribution_server, .name = "another", .start_ref = ref,
                                                             .kind = COP_KIND_OF(cop_distribution), .argument = &options },
                                       &pid), COP_OK);
        int fd = next_caller(ear);
        stranger_hears(fd, asked);
        ck_assert_int_eq(distribute_with(OWN, (cop_distribution){ .port = 0 }, &own), COP_OK);
        cop_ref end = watch(pid);
        stranger_sends(fd, "v\0\0\0\0\1", 6);
        await_and_drop(COP_REF(cop_down, end));
        ck_assert_int_eq(cop_node_is_at(LATE, NULL, 1), COP_OK);
        ck_assert_int_eq(cop_connect(LATE, PATIENCE_MS), COP_E_NO_CONNECTION); /* the one that has begun tries */
        close(stranger_calls(own, LATE));
        ck_assert_int_eq(cop_global_register("ledger", cop_self()), COP_OK);
        node_end(node);
        close(fd);
        close(ear);
}

static cop_pid spawn_another(cop_ref *end)
{
        cop_pid pid;
        cop_distribution options = { .name = COP_TEXT(OWN), .cookie = COP_TEXT(COOKIE), .no_epmd = true };
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .server = &cop_distribution_server, .name = "another",
                                                             .monitor = true, .monitor_ref = end,
                                                             .kind = COP_KIND_OF(cop_distribution), .argument = &options },
                                       &pid), COP_OK);
        return pid;
}

/* What one of them has made in vain is freed, which valgrind and LeakSanitizer look at. */
TEST(of_two_net_kernels_that_begin_at_once_as_the_first_of_their_node_one_begins)
{
        uint16_t port;
        cop_ref end;
        NEEDS_THREADS();
        cop_node *node = node_begin((cop_node_options){ .name = "m", .workers = 2 });
        cue_hold("network.made");
        spawn_another(&end);
        cue_await("network.made");
        ck_assert_int_eq(distribute_with(OWN, (cop_distribution){ .port = 0 }, &port), COP_OK);
        cue_go("network.made");
        cop_auto down = await(COP_REF(cop_down, end));
        cop_term reason = cop_read(cop_down, down)->reason;
        ck_assert(cop_is_tuple(reason, "distribution", 3));
        ck_assert_int_eq(reason.as.items[1].as.integer, COP_E_ALREADY_STARTED);
        close(stranger_calls(port, LATE));
        node_end(node);
}

TEST(where_a_node_listened_it_waits_for_the_port_if_that_is_still_in_use)
{
        uint16_t port, taken;
        NEEDS_THREADS();
        cop_node *node = begin(&port);
        ck_assert_int_eq(cop_distribution_stop(), COP_OK);
        int ear = cop__listen_at("127.0.0.1", port, &taken);
        ck_assert_int_ge(ear, 0);
        spawn_starting_at(port);
        await_true(cop_whereis("net_kernel").bits != 0);
        await_true(is_waiting(node, cop_whereis("net_kernel"))); /* it sleeps for a while */
        close(ear);
        ck_assert_int_eq(await_outcome(), COP_OK);
        close(stranger_calls(port, LATE));
        node_end(node);
}

TEST(where_a_node_listened_it_can_listen_again_at_once_also_when_it_was_killed)
{
        uint16_t port, again;
        NEEDS_THREADS();
        cop_node *node = begin(&port);
        for (int i = 0; i < 20; i++) {
                if (i % 2 == 0)
                        ck_assert_int_eq(cop_distribution_stop(), COP_OK);
                else
                        put_down(cop_whereis("net_kernel"));
                ck_assert_int_eq(distribute_with(OWN, (cop_distribution){ .port = port }, &again), COP_OK);
                ck_assert_int_eq(again, port);
        }
        node_end(node);
}

/* ---- epmd ---------------------------------------------------------------------------------------- */

/* What is asked, without its size. */
static size_t epmd_hears(int fd, uint8_t asked[512])
{
        size_t size = stranger_hears(fd, asked);
        ck_assert_int_gt(size, 0);
        return size;
}

static void epmd_says(int fd, const char *bytes, size_t size)
{
        stranger_sends(fd, bytes, size);
}

TEST(what_epmd_says_to_a_registration_is_what_the_start_says)
{
        static const struct {
                const char *answer;
                size_t size;
                cop_status status;
        } answers[] = {
                { "x\0", 2, COP_E_MALFORMED },
                { "v\1\0\0\0\1", 6, COP_E_NAME_TAKEN },
                { "y\1\0\0", 4, COP_E_NAME_TAKEN },
                { "v", 1, COP_E_NO_CONNECTION }, /* and hangs up */
        };
        uint16_t port;
        uint8_t asked[512];
        NEEDS_THREADS();
        int ear = listener(&port);
        cop_node *node = node_begin((cop_node_options){ .name = "m" });
        for (size_t i = 0; i < COP__COUNT(answers); i++) {
                spawn_starting(port, false);
                int fd = next_caller(ear);
                epmd_hears(fd, asked);
                ck_assert_int_eq(asked[0], 'x');
                ck_assert_int_eq(asked[3], 'M');
                epmd_says(fd, answers[i].answer, answers[i].size);
                close(fd);
                ck_assert_int_eq(await_outcome(), answers[i].status);
                await_true(cop_whereis("net_kernel").bits == 0);
        }
        node_end(node);
        close(ear);
}

TEST(a_hidden_node_registers_as_one_and_who_epmd_does_not_know_is_not_reached)
{
        static const struct {
                const char *answer;
                size_t size;
        } answers[] = {
                { "w\1", 2 },           /* no such node */
                { "x\0", 2 },
                { "w\0", 2 },           /* no port behind it */
                { "", 0 },
        };
        uint16_t port;
        uint8_t asked[512];
        NEEDS_THREADS();
        int ear = listener(&port);
        cop_node *node = node_begin((cop_node_options){ .name = "m" });
        spawn_starting(port, true);
        int registered = next_caller(ear);
        epmd_hears(registered, asked);
        ck_assert_int_eq(asked[3], 'H');
        epmd_says(registered, "v\0\0\0\0\1", 6);
        ck_assert_int_eq(await_outcome(), COP_OK);
        for (size_t i = 0; i < COP__COUNT(answers); i++) {
                spawn_connecting(LATE, PATIENCE_MS);
                for (int tries = 0; tries < 2; tries++) { /* the first may have been in the way of theirs */
                        int fd = next_caller(ear);
                        epmd_hears(fd, asked);
                        ck_assert_int_eq(memcmp(asked, "zz", 2), 0);
                        epmd_says(fd, answers[i].answer, answers[i].size);
                        close(fd);
                }
                ck_assert_int_eq(await_outcome(), COP_E_NO_CONNECTION);
        }
        close(ear); /* from here on there is no epmd */
        ck_assert_int_eq(cop_connect(LATE, PATIENCE_MS), COP_E_NO_CONNECTION);
        ck_assert_int_eq(cop_distribution_stop(), COP_OK);
        stranger_is_hung_up(registered); /* so epmd knows it no more */
        close(registered);
        node_end(node);
}

TEST(the_port_of_epmd_is_that_of_the_environment_if_it_is_one)
{
        char text[16];
        uint16_t port;
        uint8_t asked[512];
        NEEDS_THREADS();
        int ear = listener(&port);
        cop_node *node = node_begin((cop_node_options){ .name = "m" });
        setenv("ERL_EPMD_PORT", "65536", 1); /* so it is Erlang's, which is there or not */
        spawn_starting(AS_THE_SYSTEM, false);
        cop_status status = await_outcome();
        ck_assert(status == COP_OK || status == COP_E_NO_CONNECTION || status == COP_E_NAME_TAKEN);
        if (status == COP_OK)
                ck_assert_int_eq(cop_distribution_stop(), COP_OK);
        snprintf(text, sizeof(text), "%u", (unsigned)port);
        setenv("ERL_EPMD_PORT", text, 1);
        spawn_starting(AS_THE_SYSTEM, false);
        int fd = next_caller(ear);
        epmd_hears(fd, asked);
        ck_assert_int_eq(asked[0], 'x');
        epmd_says(fd, "v\0\0\0\0\1", 6);
        ck_assert_int_eq(await_outcome(), COP_OK);
        node_end(node);
        close(fd);
        close(ear);
}

TEST(net_kernel_that_is_killed_as_it_begins_has_not_begun)
{
        uint16_t port;
        uint8_t asked[512];
        NEEDS_THREADS();
        int ear = listener(&port);
        cop_node *node = node_begin((cop_node_options){ .name = "m" });
        spawn_starting(port, false);
        int fd = next_caller(ear);
        epmd_hears(fd, asked); /* and says nothing */
        put_down(cop_whereis("net_kernel"));
        ck_assert_int_eq(await_outcome(), COP_E_DIED);
        ck_assert_str_eq(cop_node_here_name(), "");
        stranger_is_hung_up(fd);
        close(fd);
        close(ear);
        node_end(node);
}

/* ---- Two attempts at once ------------------------------------------------------------------------ */

static uint32_t challenge_of(const uint8_t *packet)
{
        return (uint32_t)packet[9] << 24 | (uint32_t)packet[10] << 16 | (uint32_t)packet[11] << 8 | packet[12];
}

/* What the other side has asked is answered with the cookie; false: it is hung up. */
static bool stranger_answers(int fd, uint32_t challenge)
{
        uint8_t packet[512], answer[23] = { 0, 21, 'r', 0, 0, 0, 7 };
        char text[128];
        snprintf(text, sizeof(text), "%s%u", COOKIE, challenge);
        cop__md5(text, strlen(text), answer + 7);
        stranger_sends(fd, answer, sizeof(answer));
        return stranger_hears(fd, packet) == 17 && packet[0] == 'a';
}

/* Its introduction is heard, and the other side's, with a challenge. */
static uint32_t stranger_meets(int fd, const char *name, const char *word)
{
        uint8_t packet[512];
        stranger_introduces(fd, name, COP__CAN_ALL | COP__CAN_PUBLISHED);
        ck_assert_int_eq(stranger_hears(fd, packet), strlen(word));
        ck_assert_int_eq(memcmp(packet, word, strlen(word)), 0);
        if (strcmp(word, "salive") == 0)
                stranger_sends(fd, "\0\5strue", 7);
        ck_assert_int_gt(stranger_hears(fd, packet), 19);
        return challenge_of(packet);
}

/* It is called meanwhile, and says that its own call counts. */
static int stranger_is_called(int ear, const char *name, uint16_t port)
{
        uint8_t packet[512];
        ck_assert_int_eq(cop_node_is_at(name, NULL, port), COP_OK);
        spawn_connecting(name, COP_FOREVER);
        int fd = next_caller(ear);
        ck_assert_int_gt(stranger_hears(fd, packet), 15);
        stranger_sends(fd, "\0\4snok", 6);
        return fd;
}

TEST(an_unknown_one_who_is_called_while_it_calls_is_connected_by_its_own_call)
{
        uint16_t port, theirs;
        NEEDS_THREADS();
        int ear = listener(&theirs);
        cop_node *node = begin(&port);
        int fd = stranger_socket(port);
        uint32_t challenge = stranger_meets(fd, LATE, "sok");
        int called = stranger_is_called(ear, LATE, theirs);
        ck_assert(stranger_answers(fd, challenge));
        stranger_is_hung_up(called);
        ck_assert_int_eq(await_outcome(), COP_OK);
        cop_term nodes;
        ck_assert_int_eq(cop_nodes(&nodes), COP_OK);
        ck_assert_str_eq(text_of(nodes), "['" LATE "']");
        cop_term_free(nodes);
        node_end(node);
        close(called);
        close(fd);
        close(ear);
}

TEST(an_unknown_one_who_is_called_while_it_calls_is_hung_up_on_if_its_call_does_not_count)
{
        uint16_t port, theirs;
        NEEDS_THREADS();
        int ear = listener(&theirs);
        cop_node *node = begin(&port);
        int fd = stranger_socket(port);
        uint32_t challenge = stranger_meets(fd, EARLY, "sok");
        int called = stranger_is_called(ear, EARLY, theirs);
        stranger_answers(fd, challenge);
        stranger_is_hung_up(fd);
        cop_term nodes;
        ck_assert_int_eq(cop_nodes(&nodes), COP_OK);
        ck_assert_str_eq(text_of(nodes), "[]");
        cop_term_free(nodes);
        node_end(node); /* whose own call has waited for theirs */
        close(called);
        close(fd);
        close(ear);
}

static void await_up(const char *node)
{
        cop_pid owner;
        const struct cop__peer *peer;
        struct cop__network *network = cop__network_here();
        await_true((peer = cop__network_find(network, node, strlen(node))) != NULL &&
                   cop__peer_look(network->peers[peer->index], &owner) == COP__PEER_UP);
}

/* Both have come when nobody of the name was there. */
TEST(of_two_calls_of_an_unknown_one_the_second_is_hung_up_on)
{
        uint16_t port;
        NEEDS_THREADS();
        cop_node *node = begin(&port);
        int first = stranger_socket(port), second = stranger_socket(port);
        uint32_t challenge = stranger_meets(first, LATE, "sok"), another = stranger_meets(second, LATE, "sok");
        ck_assert(stranger_answers(first, challenge));
        await_up(LATE);
        ck_assert(!stranger_answers(second, another));
        stranger_is_hung_up(second);
        ck_assert_int_eq(cop_connect(LATE, PATIENCE_MS), COP_OK); /* still the first */
        node_end(node);
        close(first);
        close(second);
}

/* ---- One that comes again -------------------------------------------------------------------------- */

static void await_down_of(const char *node, const char *reason)
{
        cop_auto down = await(COP_KIND(cop_node_down));
        ck_assert(cop_symbol_equal(cop_read(cop_node_down, down)->node, node));
        ck_assert_str_eq(text_of(cop_read(cop_node_down, down)->reason), reason);
}

TEST(who_comes_again_with_the_cookie_takes_the_place_of_its_old_connection)
{
        uint16_t port;
        NEEDS_THREADS();
        cop_node *node = begin(&port);
        int old = stranger_calls(port, LATE);
        await_up(LATE);
        ck_assert_int_eq(cop_nodes_subscribe(), COP_OK);
        int fd = stranger_socket(port);
        ck_assert(stranger_answers(fd, stranger_meets(fd, LATE, "salive")));
        stranger_is_hung_up(old);
        await_down_of(LATE, "replaced");
        await_and_drop(COP_KIND(cop_node_up));
        node_end(node);
        close(old);
        close(fd);
}

TEST(who_comes_again_and_finds_that_the_old_connection_is_well_is_hung_up_on)
{
        uint16_t port;
        uint8_t packet[512];
        NEEDS_THREADS();
        cop_node *node = begin(&port);
        int old = stranger_calls(port, LATE);
        await_up(LATE);
        int fd = stranger_socket(port);
        stranger_introduces(fd, LATE, COP__CAN_ALL);
        ck_assert_int_eq(stranger_hears(fd, packet), 6);
        stranger_sends(fd, "\0\6sfalse", 8);
        stranger_is_hung_up(fd);
        ck_assert_int_eq(cop_connect(LATE, PATIENCE_MS), COP_OK); /* still that one */
        close(fd);
        node_end(node);
        close(old);
}

/* ---- Tables that are full ------------------------------------------------------------------------------ */

TEST(a_node_beyond_the_last_place_is_told_so_and_hung_up_on)
{
        char name[64];
        uint16_t port;
        NEEDS_THREADS();
        cop_node *node = begin(&port);
        for (unsigned i = 0; i < COP__LIVES - 1; i++) {
                snprintf(name, sizeof(name), "n%u@127.0.0.1", i);
                ck_assert_int_eq(cop_node_is_at(name, NULL, 1), COP_OK);
        }
        ck_assert_int_eq(cop_node_is_at(LATE, NULL, 1), COP_E_LIMIT);
        ck_assert_int_eq(cop_connect(LATE, 0), COP_E_LIMIT);
        ck_assert_int_eq(cop_send(cop_at("clerk", LATE), outcome, .status = 1), COP_E_NO_NAME);
        int fd = stranger_socket(port);
        stranger_answers(fd, stranger_meets(fd, LATE, "sok"));
        stranger_is_hung_up(fd);
        close(fd);
        snprintf(name, sizeof(name), "n%u@127.0.0.1", COP__LIVES - 2);
        fd = stranger_calls(port, name); /* the last that has a place */
        await_up(name);
        close(fd);
        node_end(node);
}

TEST(a_node_whose_life_has_no_number_any_more_is_not_connected)
{
        uint16_t port;
        NEEDS_THREADS();
        cop_node *node = begin(&port);
        struct cop__network *network = cop__network_here();
        struct cop__peer *peer = cop__network_peer(network, LATE, strlen(LATE));
        for (uint32_t creation = 100000; cop__network_life(network, peer, creation) != 0; creation++)
                ;
        ck_assert_int_eq(network->life_count, COP__LIVES - 1);
        int fd = stranger_calls(port, LATE);
        stranger_is_hung_up(fd);
        cop_term nodes;
        ck_assert_int_eq(cop_nodes(&nodes), COP_OK);
        ck_assert_str_eq(text_of(nodes), "[]");
        cop_term_free(nodes);
        close(fd);
        node_end(node);
}

static uint32_t told_of_names; /* atomic */

static void hears_of_names(void *context, cop_log_level level, const char *text)
{
        (void)context;
        (void)level;
        if (strstr(text, "names at nodes are known") != NULL)
                cop__add_seq(&told_of_names, 1);
}

TEST(a_name_beyond_the_last_is_nobodys_and_the_log_says_so_once)
{
        uint16_t port;
        cop_pid pid;
        char name[32];
        NEEDS_THREADS();
        cop_node *node = node_begin((cop_node_options){ .name = "m", .log = hears_of_names });
        ck_assert_int_eq(distribute_with(OWN, (cop_distribution){ .port = 0 }, &port), COP_OK);
        cop_address first = cop_at("n0", LATE), own = cop_at("n0", OWN);
        for (int i = 1; i < (int)COP__REMOTE_NAMES - 1; i++) {
                snprintf(name, sizeof(name), "n%d", i);
                ck_assert_ptr_null(cop_at(name, LATE).name);
        }
        ck_assert_uint_eq(cop__load_seq(&told_of_names), 0);
        for (int i = 0; i < 3; i++) {
                snprintf(name, sizeof(name), "beyond%d", i);
                ck_assert_int_eq(cop_send(cop_at(name, LATE), outcome, .status = 1), COP_E_NO_NAME);
                ck_assert_int_eq(cop_send(cop_at(name, OWN), outcome, .status = 1), COP_E_NO_NAME);
        }
        await_true(cop__load_seq(&told_of_names) == 1);
        ck_assert(cop_pid_equal(cop_at("n0", LATE).pid, first.pid));
        ck_assert_ptr_eq(cop_at("n0", OWN).name, own.name);
        ck_assert_int_eq(cop_spawn_at(&(cop_spawn_there){ .node = LATE, .offer = "x" }, 1000, &pid), COP_E_LIMIT);
        snprintf(name, sizeof(name), "n%d", (int)COP__REMOTE_NAMES - 2);
        ck_assert_ptr_null(cop_at(name, LATE).name);
        node_end(node);
}

static void sleeps(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(outcome)));
}

TEST(a_node_that_has_no_room_for_a_connection_is_not_connected)
{
        uint16_t port, theirs;
        cop_ref ref;
        cop_pid pid;
        NEEDS_THREADS();
        int ear = listener(&theirs);
        cop_node *node = node_begin((cop_node_options){ .name = "m", .max_actors = 64 });
        ck_assert_int_eq(distribute_with(OWN, (cop_distribution){ .port = 0 }, &port), COP_OK);
        ck_assert_int_eq(cop_node_is_at(LATE, NULL, theirs), COP_OK);
        while (cop_spawn_opt(&(cop_spawn_options){ .run = sleeps }, &pid) == COP_OK)
                ;
        ck_assert_int_eq(cop_connect(LATE, PATIENCE_MS), COP_E_NO_CONNECTION);
        ck_assert_int_eq(cop_monitor(cop_at("clerk", LATE), &ref), COP_OK);
        await_down(ref, "noconnection");
        node_end(node);
        close(ear);
}

/* ---- net_kernel that is away ------------------------------------------------------------------------------ */

TEST(who_connects_while_net_kernel_is_suspended_or_dead_is_told_so)
{
        uint16_t port;
        cop_ref ref;
        NEEDS_THREADS();
        cop_node *node = begin(&port);
        ck_assert_int_eq(cop_node_is_at(LATE, NULL, 1), COP_OK);
        ck_assert_int_eq(cop_sys_suspend("net_kernel", PATIENCE_MS), COP_OK);
        ck_assert_int_eq(cop_connect(LATE, 1), COP_E_TIMEOUT);
        put_down(cop_whereis("net_kernel"));
        ck_assert_int_eq(cop_connect(LATE, PATIENCE_MS), COP_E_NO_DISTRIBUTION);
        ck_assert_int_eq(cop_monitor(cop_at("clerk", LATE), &ref), COP_OK);
        await_down(ref, "noconnection");
        ck_assert_int_eq(distribute_with(OWN, (cop_distribution){ .port = 0 }, &port), COP_OK);
        ck_assert_int_eq(cop_connect(LATE, PATIENCE_MS), COP_E_NO_CONNECTION);
        node_end(node);
}

/* What is sent in that moment would wait for nobody. */
TEST(what_is_sent_while_a_connection_ends_with_its_net_kernel_is_refused)
{
        uint16_t port;
        NEEDS_THREADS();
        cop_node *node = node_begin((cop_node_options){ .name = "m", .workers = 2 });
        ck_assert_int_eq(distribute_with(OWN, (cop_distribution){ .port = 0 }, &port), COP_OK);
        int fd = stranger_calls(port, LATE);
        await_up(LATE);
        cue_hold("peer.closing");
        put_down(cop_whereis("net_kernel"));
        cue_await("peer.closing");
        cop_ref ref = watch(cop_at("clerk", LATE).pid);
        cue_go("peer.closing");
        await_down(ref, "noconnection");
        node_end(node);
        close(fd);
}

/* Or it would be tried for ever, with all that waits for it. */
TEST(an_attempt_that_outlives_its_net_kernel_and_is_killed_is_buried_by_the_next)
{
        uint16_t port, theirs;
        cop_pid owner;
        NEEDS_THREADS();
        int ear = listener(&theirs);
        cop_node *node = begin(&port);
        struct cop__network *network = cop__network_here();
        ck_assert_int_eq(cop_node_is_at(LATE, NULL, theirs), COP_OK);
        ck_assert_int_eq(cop_send(cop_at("clerk", LATE), outcome, .status = 1), COP_OK);
        int fd = next_caller(ear);
        ck_assert_int_eq(cop__peer_look(network->peers[0], &owner), COP__PEER_TRYING);
        put_down(cop_whereis("net_kernel"));
        ck_assert_int_eq(distribute_with(OWN, (cop_distribution){ .port = 0 }, &port), COP_OK);
        put_down(owner);
        await_true(cop__peer_look(network->peers[0], &owner) == COP__PEER_DOWN);
        ck_assert_int_eq(cop_send(cop_at("clerk", LATE), outcome, .status = 1), COP_OK);
        int again = next_caller(ear);
        node_end(node);
        close(again);
        close(fd);
        close(ear);
}

/* ---- Names that are in the way ------------------------------------------------------------------------------ */

TEST(net_kernel_waits_for_who_still_has_the_name_of_its_server)
{
        cop_pid holder;
        NEEDS_THREADS();
        cop_node *node = node_begin((cop_node_options){ .name = "m" });
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = sleeps, .name = "coppice_names" }, &holder), COP_OK);
        spawn_starting(BY_ITSELF, false);
        await_true(cop_whereis("net_kernel").bits != 0 && is_waiting(node, cop_whereis("net_kernel")) &&
                   cop_node_here_name()[0] != '\0'); /* it sleeps for a while */
        put_down(holder);
        ck_assert_int_eq(await_outcome(), COP_OK);
        ck_assert_int_eq(cop_global_register("ledger", cop_self()), COP_OK);
        node_end(node);
}

TEST(net_kernel_whose_servers_have_no_names_any_more_ends_all_the_same)
{
        uint16_t port;
        NEEDS_THREADS();
        cop_node *node = begin(&port);
        ck_assert_int_eq(cop_unregister("coppice_names_scribe"), COP_OK);
        ck_assert_int_eq(cop_distribution_stop(), COP_OK);
        ck_assert_str_eq(cop_node_here_name(), "");
        node_end(node);
}

/* ---- Pids of nobody --------------------------------------------------------------------------------------------- */

TEST(who_is_of_no_node_that_is_known_is_not_there)
{
        uint16_t port;
        NEEDS_THREADS();
        cop_node *node = begin(&port);
        cop_pid nobody = cop__pid_of(200, 7, 1);
        ck_assert_int_eq(cop_send(nobody, outcome, .status = 1), COP_OK);
        await_down(watch(nobody), "noconnection");
        ck_assert_int_eq(cop_call(NULL, nobody, PATIENCE_MS, outcome, .status = 1), COP_E_DIED);
        ck_assert_str_eq(cop_node_of(nobody), "");
        node_end(node);
}

/* ---- What is asked when it is over ------------------------------------------------------------------------------- */

static uint32_t held; /* atomic: requests that will not be answered */

static void holds(void)
{
        for (;;) {
                cop_message *message = cop_receive(COP_FOREVER, COP_KIND(outcome));
                cop__add_relaxed(&held, 1);
                (void)message; /* ends with the actor */
        }
}

static uint32_t failed; /* atomic: askers who have heard why */

static void asks(const char *node, const char *failure)
{
        ck_assert_int_eq(cop_call(NULL, cop_at("holder", node), COP_FOREVER, outcome, .status = 1), COP_E_DIED);
        ck_assert_str_eq(text_of(cop_failure()), failure);
        cop__add_relaxed(&failed, 1);
}

static void asks_b(void)
{
        asks("b@127.0.0.1", "{nodedown, 'b@127.0.0.1'}");
}

static void asks_a(void)
{
        asks("a@127.0.0.1", "{nodedown, 'a@127.0.0.1'}");
}

/* One here asks one there, and the other way round; nobody answers. */
static cop_pid ask_both_ways(struct pair *pair)
{
        cop_pid pid;
        visit(pair->b);
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = holds, .name = "holder" }, &pid), COP_OK);
        visit(pair->a);
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = holds, .name = "holder" }, &pid), COP_OK);
        cop_spawn(asks_b);
        visit(pair->b);
        cop_spawn(asks_a);
        visit(pair->a);
        return pid;
}

PAIR(who_waits_for_an_answer_when_the_node_goes_down_is_told_on_both_sides)
{
        visit(pair->a);
        ck_assert_int_eq(cop_connect("b@127.0.0.1", PATIENCE_MS), COP_OK);
        ask_both_ways(pair);
        await_true(cop__load_relaxed(&held) == 2);
        ck_assert_int_eq(cop_disconnect("b@127.0.0.1"), COP_OK);
        await_true(cop__load_relaxed(&failed) == 2);
}

/* So its peer holds what it held until the node ends, which is what valgrind and LeakSanitizer look at. */
PAIR(what_waits_for_a_node_is_freed_with_the_node_when_nobody_closes_the_connection)
{
        cop_pid owner;
        cop_pid holder = ask_both_ways(pair);
        await_true(cop__load_relaxed(&held) == 2);
        cop_pid there = cop__pid_of(1, 7, 1);
        ck_assert_str_eq(cop_node_of(there), "b@127.0.0.1");
        cop__peer_look(cop__network_whose(cop__network_here(), there), &owner);
        ck_assert_int_eq(cop_sys_suspend("net_kernel", PATIENCE_MS), COP_OK); /* it does not hear of this end */
        put_down(owner);
        put_down(holder); /* what its asker is told goes to nobody */
        ck_assert_int_eq(cop_send_exit(there, cop_atom("late")), COP_OK);
        ck_assert_int_eq(cop_send(there, outcome, .status = 1), COP_OK);
        cop_node_leave();
        cop_node_stop(pair->a);
        pair->a = NULL;
        ck_assert_int_eq(cop_node_enter(pair->b), COP_OK);
        await_true(cop__load_relaxed(&failed) == 1); /* over there, where it was seen to end */
}

/* ---- Lines -------------------------------------------------------------------------------------------------------------- */

static void await_poll(int fd, short events)
{
        struct pollfd news = { .fd = fd, .events = events };
        ck_assert_int_eq(poll(&news, 1, PATIENCE_MS), 1);
}

TEST(a_line_waits_for_all_that_is_wanted_until_its_time_is_over)
{
        uint16_t port, theirs;
        struct cop__line *line;
        NEEDS_THREADS();
        int ear = listener(&theirs);
        cop_node *node = begin(&port);
        ck_assert_int_eq(cop__line_call(cop__network_here(), "127.0.0.1", theirs, cop__deadline_ns(PATIENCE_MS), &line), COP_OK);
        int fd = next_caller(ear);
        ck_assert_int_eq(cop__line_await(line, 2, 0), COP_E_TIMEOUT);
        stranger_sends(fd, "a", 1);
        await_poll(line->socket, POLLIN);
        ck_assert_int_eq(cop__line_await(line, 2, 0), COP_E_TIMEOUT);
        stranger_sends(fd, "b", 1);
        ck_assert_int_eq(cop__line_await(line, 2, cop__deadline_ns(PATIENCE_MS)), COP_OK);
        ck_assert_int_eq(memcmp(cop__line_bytes(line), "ab", 2), 0);
        cop__line_close(line);
        node_end(node);
        close(fd);
        close(ear);
}

/* It listens, and accepts nobody any more: who calls it waits. */
static int silent_listener(int callers[16], uint16_t *port)
{
        struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof(at);
        int ear = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(bind(ear, (struct sockaddr *)&at, sizeof(at)), 0);
        ck_assert_int_eq(listen(ear, 0), 0);
        ck_assert_int_eq(getsockname(ear, (struct sockaddr *)&at, &size), 0);
        *port = ntohs(at.sin_port);
        for (int i = 0; i < 16; i++) {
                callers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
                ck_assert(connect(callers[i], (struct sockaddr *)&at, sizeof(at)) == 0 || errno == EINPROGRESS);
        }
        return ear;
}

TEST(a_line_to_who_is_silent_is_given_up_when_its_time_is_over_or_somebody_says_so)
{
        uint16_t port, theirs;
        int callers[16];
        struct cop__line *line;
        NEEDS_THREADS();
        int ear = silent_listener(callers, &theirs);
        cop_node *node = begin(&port);
        int before = open_descriptors();
        /* It is not even called, though it would answer. */
        ck_assert_int_eq(cop__line_call(cop__network_here(), "127.0.0.1", port, 0, &line), COP_E_TIMEOUT);
        ck_assert_int_eq(cop__line_call(cop__network_here(), "127.0.0.1", theirs, cop__deadline_ns(1), &line), COP_E_TIMEOUT);
        cop_send_value(cop_to_pid(cop_self()), COP_KIND_OF(cop__hang_up), &(cop__hang_up){ COP_SYMBOL("over") });
        ck_assert_int_eq(cop__line_call(cop__network_here(), "127.0.0.1", theirs, cop__deadline_ns(COP_FOREVER), &line),
                         COP_E_NO_CONNECTION);
        ck_assert_int_eq(open_descriptors(), before);
        node_end(node);
        for (size_t i = 0; i < COP__COUNT(callers); i++)
                close(callers[i]);
        close(ear);
}

TEST(a_line_that_has_been_cut_says_so_when_it_is_written_to)
{
        uint16_t port, theirs;
        struct cop__line *line;
        const struct linger at_once = { .l_onoff = 1 };
        NEEDS_THREADS();
        int ear = listener(&theirs);
        cop_node *node = begin(&port);
        ck_assert_int_eq(cop__line_call(cop__network_here(), "127.0.0.1", theirs, cop__deadline_ns(PATIENCE_MS), &line), COP_OK);
        int fd = next_caller(ear);
        ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
        close(fd);
        await_poll(line->socket, POLLRDHUP);
        struct cop__pen pen = { .tray = &line->out };
        cop__pen_byte(&pen, 'x');
        cop__line_flush(line);
        ck_assert(line->hung_up);
        ck_assert_int_eq(cop__line_await(line, 1, cop__deadline_ns(PATIENCE_MS)), COP_E_NO_CONNECTION);
        cop__line_close(line);
        node_end(node);
        close(ear);
}

PAIR(a_node_that_begins_again_where_it_was_is_connected_at_once)
{
        uint16_t port;
        for (int i = 0; i < 50; i++) {
                ck_assert_int_eq(cop_distribution_stop(), COP_OK);
                ck_assert_int_eq(distribute_with("a@127.0.0.1", (cop_distribution){ .port = pair->port_a }, &port), COP_OK);
                cop_status status = cop_connect("b@127.0.0.1", PATIENCE_MS);
                ck_assert_msg(status == COP_OK, "%d: %s", i, cop_status_text(status));
        }
}
