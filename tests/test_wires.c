/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Nodes that are simulated together: one time, one seed, and wires between them that are slow, narrow and cut. */
#include "tests/wired.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <coppice/global.h>
#include <coppice/trial.h>

#include "actors/outpost.h"
#include "scheduler/wires.h"
#include "tests/faulty.h"

/* ---- The same seed is the same run ------------------------------------------------------------ */

/* Calls, connections that end and begin, groups, and a node that stops; what that has come to. */
static uint64_t play(cop_simulation order)
{
        cop_node *nodes[NODES];
        begin(order, nodes);
        for (int64_t i = 0; i < 12; i++)
                cop_call(NULL, cop_at("echo", names[1 + i % 2]), 1000, parcel, .number = i);
        cop_disconnect(names[1]);
        visit(nodes[1]);
        cop_call(NULL, cop_at("echo", names[2]), 1000, parcel, .number = 1);
        cop_monitor(cop_at("echo", names[2]), &(cop_ref){ 0 });
        cop_simulation_advance(nodes[1], 50);
        tea_drinkers();
        cop_node_stop(nodes[2]);
        nodes[2] = NULL;
        cop_message_free(cop_receive(1000, COP_KIND(cop_down)));
        uint64_t signature = state_of(nodes[0]).signature;
        end(nodes);
        return signature;
}

TEST(the_same_seed_is_the_same_run_of_three_nodes_a_hundred_times)
{
        for (uint64_t seed = 1; seed <= 10; seed++) {
                cop_simulation order = { .seed = seed, .stalls = 50, .cuts = seed % 2 ? 40 : 0, .checks = 16 };
                uint64_t signature = play(order);
                for (int again = 1; again < 10; again++)
                        ck_assert_uint_eq(play(order), signature);
        }
}

#define ROUGH(number) ((cop_simulation){ .seed = (number), .stalls = 50, .cuts = 40, .checks = 16 })

/* Not a claim of its own: what the next one runs in other processes. */
TEST(plays_with_nodes_when_asked_to)
{
        const char *seed = getenv("COP_TEST_PLAY");
        if (seed == NULL)
                return;
        printf("%llx\n", (unsigned long long)play(ROUGH(strtoull(seed, NULL, 10))));
        fflush(stdout);
}

/* Their addresses lie elsewhere. */
static uint64_t play_elsewhere(uint64_t seed)
{
        char command[512], line[64], path[256];
        ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - 1);
        ck_assert_int_gt(size, 0);
        path[size] = '\0';
        snprintf(command, sizeof(command), "COP_TEST_PLAY=%llu CK_FORK=no %s plays_with_nodes_when_asked_to", (unsigned long long)seed,
                 path);
        FILE *output = popen(command, "re");
        ck_assert_ptr_nonnull(output);
        ck_assert_ptr_nonnull(fgets(line, sizeof(line), output));
        while (fgetc(output) != EOF)
                ;
        ck_assert_int_eq(pclose(output), 0);
        return strtoull(line, NULL, 16);
}

TEST(the_same_seed_is_the_same_run_of_three_nodes_in_other_processes)
{
        for (uint64_t seed = 1; seed <= 5; seed++) {
                uint64_t signature = play(ROUGH(seed));
                for (int again = 0; again < 2; again++)
                        ck_assert_uint_eq(play_elsewhere(seed), signature);
        }
}

TEST(another_seed_is_another_run_of_three_nodes)
{
        uint64_t signatures[20];
        for (uint64_t seed = 0; seed < COP__COUNT(signatures); seed++) {
                signatures[seed] = play((cop_simulation){ .seed = seed });
                for (uint64_t other = 0; other < seed; other++)
                        ck_assert_uint_ne(signatures[seed], signatures[other]);
        }
}

/* ---- One time ------------------------------------------------------------------------------------ */

TEST(nodes_of_one_simulation_have_one_time_and_run_while_one_of_them_is_visited)
{
        cop_node *nodes[NODES];
        begin((cop_simulation){ .seed = 3 }, nodes);
        uint64_t before_ns = cop__clock_ns();
        int64_t passed_ms = state_of(nodes[1]).passed_ms;
        ck_assert_int_eq(cop_simulation_advance(nodes[0], 3600 * 1000), COP_OK);
        ck_assert_uint_ge(cop__clock_ns() - before_ns, 3600 * COP__NS_PER_S);
        ck_assert_int_ge(state_of(nodes[1]).passed_ms - passed_ms, 3600 * 1000);
        visit(nodes[1]);
        ck_assert_uint_ge(cop__clock_ns() - before_ns, 3600 * COP__NS_PER_S);
        ck_assert_uint_eq(state_of(nodes[1]).signature, state_of(nodes[0]).signature);
        ck_assert_int_eq(cop_call(NULL, cop_at("echo", names[0]), 1000, parcel, .number = 1), COP_OK);
        end(nodes);
}

/* Nothing of it is there, and the visit goes on where it was. */
TEST(a_node_that_joins_and_a_visit_that_begins_without_memory_are_refused)
{
        cop_node *first = begin_node((cop_simulation){ .seed = 2 }, "a"), *second = NULL;
        const cop_simulation joined = { .with = first };
        const cop_node_options options = { .simulation = &joined, .max_actors = 20, .log = fixture_log_nothing };
        cop_status status = COP_E_NO_MEMORY;
        uint64_t n;
        ck_assert_int_eq(cop_node_enter(first), COP_OK);
        for (n = 0; status == COP_E_NO_MEMORY; n++) {
                cop_simulation_refuse(first, n + 1);
                status = cop_node_start(&options, &second);
                ck_assert_ptr_eq(cop_node_here(), first);
        }
        ck_assert_int_eq(status, COP_OK);
        ck_assert_uint_gt(n, 1);
        status = COP_E_NO_MEMORY;
        for (n = 0; status == COP_E_NO_MEMORY; n++) {
                cop_simulation_refuse(first, n + 1);
                status = cop_node_enter(second);
                ck_assert_ptr_eq(cop_node_here(), status == COP_OK ? second : first);
        }
        ck_assert_int_eq(status, COP_OK);
        ck_assert_uint_gt(n, 1);
        cop_simulation_refuse(first, 0);
        cop_node_stop(second);
        ck_assert_ptr_eq(cop_node_here(), first);
        node_end(first);
}

/* What comes meanwhile waits, and nobody hears of an end. */
TEST(a_visit_rests_while_its_thread_visits_another_node_of_the_simulation_and_then_goes_on)
{
        cop_node *nodes[NODES];
        begin((cop_simulation){ .seed = 5, .checks = 16 }, nodes);
        cop_pid self = cop_self();
        ck_assert_int_eq(cop_register("me", self), COP_OK);
        cop_pid child = cop_spawn_link(waits);
        ck_assert_int_eq(cop_node_enter(nodes[0]), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_node_enter(nodes[1]), COP_OK);
        ck_assert_ptr_eq(cop_node_here(), nodes[1]);
        ck_assert_int_eq(cop_send(cop_at("me", names[0]), parcel, .number = 7), COP_OK);
        ck_assert_int_eq(cop_node_enter(nodes[2]), COP_OK);
        ck_assert_int_eq(cop_node_enter(nodes[0]), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_node_enter(nodes[1]), COP_E_BAD_ARGUMENT);
        cop_simulation_advance(nodes[2], 100);
        cop_node_leave();
        ck_assert_ptr_eq(cop_node_here(), nodes[1]);
        cop_node_leave();
        ck_assert_ptr_eq(cop_node_here(), nodes[0]);
        ck_assert(cop_pid_equal(cop_self(), self) && cop_is_alive(child));
        cop_auto message = cop_receive(0, COP_KIND(parcel));
        ck_assert_ptr_nonnull(message);
        cop_message_free(message);
        message = NULL;
        /* A node that is stopped is visited no more, whatever is above that visit. */
        ck_assert_int_eq(cop_node_enter(nodes[1]), COP_OK);
        ck_assert_int_eq(cop_node_enter(nodes[2]), COP_OK);
        cop_node_stop(nodes[1]);
        ck_assert_ptr_eq(cop_node_here(), nodes[2]);
        cop_node_stop(nodes[2]);
        ck_assert_ptr_eq(cop_node_here(), nodes[0]);
        ck_assert(cop_pid_equal(cop_self(), self));
        nodes[1] = nodes[2] = NULL;
        end(nodes);
}

/* ---- Crashes ------------------------------------------------------------------------------------------ */

TEST(an_actor_of_a_node_crashes_on_cue_also_for_who_visits_another)
{
        for (uint64_t seed = 0; seed < 20; seed++) {
                cop_node *nodes[NODES];
                begin((cop_simulation){ .seed = seed, .checks = 1 }, nodes);
                visit(nodes[1]);
                cop_pid sleeper = cop_spawn(waits);
                settle_with(sleeper);
                cop_pid unborn = cop_spawn_server(&echo_server, "unborn");
                visit(nodes[0]);
                ck_assert_int_eq(cop_simulation_crash(nodes[1], sleeper), COP_OK);
                ck_assert_int_eq(cop_simulation_crash(nodes[1], unborn), COP_OK);
                ck_assert_uint_eq(state_of(nodes[0]).crashes, 2);
                visit(nodes[1]);
                await_true(!cop_is_alive(sleeper) && !cop_is_alive(unborn));
                end(nodes);
        }
}

static bool only_of_b(void *context, cop_pid pid, const char *server)
{
        (void)pid;
        *(int *)context += strcmp(server, "echo") == 0;
        return strcmp(server, "echo") == 0 && strcmp(cop_node_name(cop_node_here()), "b") == 0;
}

TEST(whose_actor_may_crash_is_asked_in_its_node)
{
        int asked = 0;
        cop_node *nodes[NODES];
        begin((cop_simulation){ .seed = 1, .crashes = 1, .may_crash = only_of_b, .context = &asked }, nodes);
        for (int i = 0; i < NODES; i++) {
                visit(nodes[i]);
                cop_send("echo", parcel, .number = 1);
                cop_simulation_advance(nodes[i], 10);
                ck_assert_int_eq(cop_whereis("echo").bits != 0, i != 1);
        }
        ck_assert_int_gt(asked, 1);
        end(nodes);
}

/* ---- What is cut ------------------------------------------------------------------------------------ */

/* As much as happened is told: whose call is answered had its answer, and each watch is told of once. */
static void calls_and_watches(cop_node *nodes[NODES])
{
        int answered = 0;
        for (int64_t i = 0; i < 60; i++) {
                cop_auto reply = NULL;
                cop_ref ref;
                ck_assert_int_eq(cop_monitor(cop_at("echo", names[1 + i % 2]), &ref), COP_OK);
                cop_status status = cop_call(&reply, cop_at("echo", names[1 + i % 2]), PATIENCE_MS, parcel, .number = i);
                ck_assert_msg(status == COP_OK || status == COP_E_DIED, "%s", cop_status_text(status));
                ck_assert(status != COP_OK || cop_read(parcel, reply)->number == i + 1);
                answered += status == COP_OK;
                cop_disconnect(names[1 + i % 2]); /* if it is connected, what is watched is told of now */
                await_down(ref, "noconnection");
                nothing_has_come();
        }
        ck_assert_int_gt(answered, 0);
        ck_assert_int_ge(state_of(nodes[0]).turns, 60);
}

TEST(whatever_is_cut_each_call_is_answered_or_fails_and_each_monitor_tells_once)
{
        int failures = 0;
        for (uint64_t seed = 0; seed < 20; seed++) {
                cop_node *nodes[NODES];
                begin((cop_simulation){ .seed = seed, .cuts = 30, .checks = 16 }, nodes);
                calls_and_watches(nodes);
                for (int64_t i = 0; i < 20; i++)
                        failures += cop_call(NULL, cop_at("echo", names[1]), PATIENCE_MS, parcel, .number = i) != COP_OK;
                end(nodes);
        }
        ck_assert_int_gt(failures, 0); /* or nothing has been cut */
}

TEST(when_nothing_is_cut_any_more_all_are_connected_again_and_a_group_is_all_of_it)
{
        for (uint64_t seed = 0; seed < 20; seed++) {
                cop_node *nodes[NODES];
                begin((cop_simulation){ .seed = seed, .cuts = 10, .checks = 16 }, nodes);
                for (int64_t i = 0; i < 10; i++)
                        cop_send(cop_at("echo", names[1 + i % 2]), parcel, .number = i);
                cop_simulation_advance(nodes[0], 1000);
                cop__simulation_of(nodes[0])->options.cuts = 0;
                cop_simulation_advance(nodes[0], 20000); /* an attempt that was cut is over by then */
                for (int i = 0; i < NODES; i++) {
                        visit(nodes[i]);
                        for (int j = 0; j < NODES; j++)
                                ck_assert(i == j || cop_connect(names[j], PATIENCE_MS) == COP_OK);
                        await_true(tea_drinkers() == NODES);
                }
                end(nodes);
        }
}

/* ---- Global names ---------------------------------------------------------------------------------- */

static cop_status unregistered;

static void unregisters(void)
{
        unregistered = cop_global_unregister("x");
}

/* Whose scribe is asked depends on who is met first. */
TEST(a_global_name_that_is_given_up_while_a_node_meets_the_others_is_nobodys)
{
        for (uint64_t seed = 0; seed < 60; seed++) {
                cop_node *nodes[NODES];
                begin((cop_simulation){ .seed = seed, .checks = 16 }, nodes);
                visit(nodes[2]);
                ck_assert_int_eq(cop_connect(names[1], PATIENCE_MS), COP_OK);
                ck_assert_int_eq(cop_global_register("x", cop_spawn(waits)), COP_OK);
                unregistered = COP_E_TIMEOUT;
                cop_spawn(unregisters);
                visit(nodes[0]);
                for (int i = 1; i < NODES; i++)
                        cop_send(cop_at("echo", names[i]), parcel, .number = 1);
                settle_all(nodes);
                ck_assert_int_eq(unregistered, COP_OK);
                all_have(nodes, "x", "", seed);
                end(nodes);
        }
}

static uint64_t storm_state;

static void storms(void)
{
        const char *name = draw(&storm_state, 2) == 0 ? "x" : "y";
        uint32_t what = draw(&storm_state, 4);
        if (what == 0)
                cop_global_unregister(name);
        else if (what == 1)
                cop_global_re_register(name, cop_self());
        else
                cop_global_register(name, cop_self());
        cop_sleep(draw(&storm_state, 3) > 0 ? COP_FOREVER : draw(&storm_state, 3000));
}

/* Changes and ends of connections, with some time between them or none. */
static void storm(cop_node *nodes[NODES])
{
        for (int64_t i = 0; i < 30; i++) {
                uint32_t here = draw(&storm_state, NODES), what = draw(&storm_state, 5);
                const char *other = names[(here + 1 + draw(&storm_state, NODES - 1)) % NODES];
                visit(nodes[here]);
                if (what == 0)
                        cop_disconnect(other);
                else if (what <= 2)
                        cop_send(cop_at("echo", other), parcel, .number = i);
                else
                        cop_spawn(storms);
                cop_simulation_advance(nodes[here], draw(&storm_state, 10) == 0 ? 20000 : draw(&storm_state, 4));
        }
}

TEST(whatever_is_cut_a_global_name_has_one_holder_when_all_are_connected_again)
{
        for (uint64_t seed = 0; seed < 90; seed++) {
                const unsigned cuts[] = { 0, 20, 100 };
                cop_node *nodes[NODES];
                char holder[64];
                storm_state = seed << 32;
                begin((cop_simulation){ .seed = seed, .cuts = cuts[seed % 3], .checks = 16 }, nodes);
                storm(nodes);
                cop__simulation_of(nodes[0])->options.cuts = 0;
                cop_simulation_advance(nodes[0], 100000); /* what was asked for is made, or given up */
                settle_all(nodes);
                for (const char *name = "x"; name != NULL; name = name[0] == 'x' ? "y" : NULL) {
                        holder_at(nodes[0], name, holder);
                        all_have(nodes, name, holder, seed);
                }
                end(nodes);
        }
}

/* At that node, whose actor gets it, if any does. */
static void change_once(cop_node *nodes[NODES], uint32_t here, uint64_t seed)
{
        struct cop__wire_pid wire;
        char holder[64] = "";
        visit(nodes[here]);
        cop_pid pid = cop_spawn(waits);
        uint32_t what = draw(&storm_state, 3);
        cop_status status = what == 0   ? cop_global_unregister("x")
                            : what == 1 ? cop_global_re_register("x", pid)
                                        : cop_global_register("x", pid);
        ck_assert(status == COP_OK || (what == 2 && status == COP_E_NAME_TAKEN));
        if (status == COP_OK && what != 0) {
                ck_assert(cop__pid_to_wire(cop__network_here(), pid, &wire));
                snprintf(holder, sizeof(holder), "%s %u %u", names[here], wire.id, wire.serial);
        }
        cop_simulation_advance(nodes[here], 1000);
        if (status != COP_OK)
                holder_at(nodes[0], "x", holder);
        all_have(nodes, "x", holder, seed);
}

TEST(the_last_change_of_a_global_name_is_what_all_nodes_have_though_some_have_only_just_met)
{
        for (uint64_t seed = 0; seed < 60; seed++) {
                cop_node *nodes[NODES];
                storm_state = seed << 32;
                begin((cop_simulation){ .seed = seed, .checks = 16 }, nodes);
                connect_all(nodes);
                for (int i = 0; i < 12; i++) {
                        uint32_t here = draw(&storm_state, NODES);
                        visit(nodes[here]);
                        cop_disconnect(names[(here + 1 + draw(&storm_state, NODES - 1)) % NODES]);
                        cop_simulation_advance(nodes[here], draw(&storm_state, 4));
                        connect_all(nodes);
                        change_once(nodes, draw(&storm_state, NODES), seed);
                }
                end(nodes);
        }
}

/* On that side the name has been changed more often. */
TEST(of_a_network_that_was_split_who_lives_keeps_the_global_name_of_one_that_has_ended)
{
        for (uint64_t seed = 0; seed < 20; seed++) {
                cop_node *nodes[NODES];
                char holder[64];
                begin((cop_simulation){ .seed = seed, .checks = 16 }, nodes);
                cop_pid pid = cop_spawn(waits);
                for (int i = 0; i < 3; i++)
                        ck_assert_int_eq(cop_global_re_register("x", pid), COP_OK);
                put_down(pid);
                visit(nodes[2]);
                ck_assert_int_eq(cop_global_register("x", cop_spawn(waits)), COP_OK);
                holder_at(nodes[2], "x", holder);
                settle_all(nodes);
                all_have(nodes, "x", holder, seed);
                ck_assert_str_ne(holder, "");
                end(nodes);
        }
}

#define REMEMBERED 16384

/* The first of them is forgotten: who was away brings it back, to all. */
TEST(of_the_global_names_that_were_given_up_while_a_node_was_away_so_many_are_remembered)
{
        cop_node *nodes[NODES];
        char name[16], holder[64];
        begin((cop_simulation){ .seed = 1 }, nodes);
        visit(nodes[2]);
        cop_pid pid = cop_spawn(waits);
        ck_assert_int_eq(cop_global_register("first", pid), COP_OK);
        ck_assert_int_eq(cop_global_register("last", pid), COP_OK);
        settle_all(nodes);
        visit(nodes[2]);
        ck_assert(cop_disconnect(names[0]) == COP_OK && cop_disconnect(names[1]) == COP_OK);
        visit(nodes[0]);
        ck_assert_int_eq(cop_global_unregister("first"), COP_OK);
        for (int i = 0; i < REMEMBERED; i++) {
                snprintf(name, sizeof(name), "%d", i);
                ck_assert_int_eq(cop_global_unregister(name), COP_OK);
        }
        ck_assert_int_eq(cop_global_unregister("last"), COP_OK);
        settle_all(nodes);
        all_have(nodes, "last", "", 1);
        holder_at(nodes[2], "first", holder);
        ck_assert_str_ne(holder, "");
        all_have(nodes, "first", holder, 1);
        end(nodes);
}

/* ---- Wires ---------------------------------------------------------------------------------------------- */

/* One end of each of two nodes, which are connected. */
struct ends {
        cop_node *nodes[2];
        struct cop__scheduler *schedulers[2];
        int ear, each[2];
        uint16_t port;
};

static void connect_ends(struct ends *ends, uint64_t seed)
{
        ends->nodes[0] = begin_node((cop_simulation){ .seed = seed }, "a");
        ends->nodes[1] = begin_node((cop_simulation){ .with = ends->nodes[0] }, "b");
        for (int i = 0; i < 2; i++)
                ends->schedulers[i] = &ends->nodes[i]->scheduler;
        ends->ear = cop__wire_listen(ends->schedulers[1], 0, &ends->port);
        ck_assert_int_ge(ends->ear, 0);
        ck_assert_int_eq(cop__wire_accept(ends->schedulers[1], ends->ear), -1);
        ends->each[0] = cop__wire_call(ends->schedulers[0], ends->port);
        ck_assert_int_eq(cop__wire_is_through(ends->schedulers[0], ends->each[0]), 0);
        cop_simulation_advance(ends->nodes[0], 10);
        ck_assert_int_eq(cop__wire_is_through(ends->schedulers[0], ends->each[0]), 1);
        ends->each[1] = cop__wire_accept(ends->schedulers[1], ends->ear);
        ck_assert_int_ge(ends->each[1], 0);
}

static void disconnect_ends(struct ends *ends)
{
        for (int i = 0; i < 2; i++)
                cop_node_stop(ends->nodes[i]);
}

static ssize_t sends(const struct ends *ends, int which, const void *bytes, size_t size)
{
        return cop__wire_send(ends->schedulers[which], ends->each[which], bytes, size);
}

static ssize_t receives(const struct ends *ends, int which, void *bytes, size_t room)
{
        return cop__wire_receive(ends->schedulers[which], ends->each[which], bytes, room);
}

/* Whatever is next on the wires, and no more. False: nothing is. */
static bool something_moves(const struct ends *ends)
{
        struct cop__simulation *simulation = cop__simulation_of(ends->nodes[0]);
        bool moves = cop__simulation_jump(simulation, UINT64_MAX);
        cop__simulation_step(simulation);
        return moves;
}

static void nothing_is_there(const struct ends *ends, int which)
{
        uint8_t byte;
        errno = 0;
        ck_assert_int_eq(receives(ends, which, &byte, 1), -1);
        ck_assert_int_eq(errno, EAGAIN);
}

TEST(bytes_arrive_once_and_in_order_in_pieces_and_not_at_once)
{
        int pieces = 0;
        bool was_full = false;
        for (uint64_t seed = 0; seed < 40; seed++) {
                struct ends ends;
                uint8_t said[3000], heard[3000];
                size_t sent = 0, got = 0;
                connect_ends(&ends, seed);
                for (size_t i = 0; i < sizeof(said); i++)
                        said[i] = (uint8_t)cop__mix(i);
                while (got < sizeof(said)) {
                        ssize_t size = sent < sizeof(said) ? sends(&ends, 0, said + sent, sizeof(said) - sent) : 0;
                        was_full |= sent < sizeof(said) && size < (ssize_t)(sizeof(said) - sent);
                        ck_assert(size >= 0 || errno == EAGAIN);
                        sent += size > 0 ? (size_t)size : 0;
                        if (got == 0)
                                nothing_is_there(&ends, 1);
                        something_moves(&ends);
                        while ((size = receives(&ends, 1, heard + got, sizeof(heard) - got)) > 0) {
                                got += (size_t)size;
                                pieces++;
                        }
                        ck_assert_int_eq(size, got == sizeof(heard) ? size : -1);
                }
                ck_assert_mem_eq(said, heard, sizeof(said));
                nothing_is_there(&ends, 0);
                disconnect_ends(&ends);
        }
        ck_assert_int_gt(pieces, 40);
        ck_assert(was_full);
}

TEST(to_send_nothing_is_not_to_hang_up)
{
        struct ends ends;
        char bytes[8];
        connect_ends(&ends, 1);
        ck_assert_int_eq(sends(&ends, 0, "", 0), 0);
        cop_simulation_advance(ends.nodes[0], 10);
        ck_assert_int_eq(receives(&ends, 1, bytes, sizeof(bytes)), -1);
        ck_assert_int_eq(errno, EAGAIN);
        ck_assert_int_eq(sends(&ends, 0, "yes", 3), 3);
        cop_simulation_advance(ends.nodes[0], 100);
        ck_assert_int_gt(receives(&ends, 1, bytes, sizeof(bytes)), 0);
        disconnect_ends(&ends);
}

TEST(the_end_is_heard_behind_all_that_was_sent)
{
        for (uint64_t seed = 0; seed < 40; seed++) {
                struct ends ends;
                uint8_t heard[9];
                size_t got = 0;
                connect_ends(&ends, seed);
                ck_assert_int_eq(sends(&ends, 0, "farewell", 8), 8);
                cop__wire_close(ends.schedulers[0], ends.each[0]);
                ck_assert_int_eq(sends(&ends, 1, "what?", 5), 5); /* which nobody hears, nor has that got there */
                while (got < 8) {
                        ssize_t size;
                        ck_assert(something_moves(&ends));
                        while ((size = receives(&ends, 1, heard + got, 1)) > 0)
                                got++;
                        ck_assert(size < 0 || got == 8);
                }
                ck_assert_mem_eq(heard, "farewell", 8);
                while (something_moves(&ends))
                        ;
                ck_assert_int_eq(receives(&ends, 1, heard, 1), 0);
                ck_assert_int_eq(sends(&ends, 1, "what?", 5), -1);
                ck_assert_int_eq(errno, EPIPE);
                disconnect_ends(&ends);
        }
}

TEST(a_port_is_had_once_and_is_free_when_its_ear_is_closed)
{
        struct ends ends;
        uint16_t port;
        connect_ends(&ends, 1);
        ck_assert_int_eq(cop__wire_listen(ends.schedulers[0], ends.port, &port), -1);
        ck_assert_int_eq(errno, EADDRINUSE);
        ck_assert_int_eq(cop__wire_call(ends.schedulers[0], (uint16_t)(ends.port ^ 1)), -1);
        ck_assert_int_eq(errno, ECONNREFUSED);
        /* One who waits to be let in, and one who has not come through. */
        int waits = cop__wire_call(ends.schedulers[0], ends.port);
        cop_simulation_advance(ends.nodes[0], 10);
        int comes = cop__wire_call(ends.schedulers[0], ends.port);
        cop__wire_close(ends.schedulers[1], ends.ear);
        cop_simulation_advance(ends.nodes[0], 10);
        ck_assert_int_eq(cop__wire_is_through(ends.schedulers[0], comes), -1);
        ck_assert_int_eq(cop__wire_receive(ends.schedulers[0], waits, &(uint8_t){ 0 }, 1), 0);
        ck_assert_int_eq(sends(&ends, 0, "x", 1), 1); /* who is connected stays so */
        ck_assert_int_ge(cop__wire_listen(ends.schedulers[0], ends.port, &port), 0);
        ck_assert_uint_eq(port, ends.port);
        disconnect_ends(&ends);
}

TEST(nothing_can_be_sent_before_a_call_has_come_through)
{
        uint8_t byte;
        struct ends ends;
        connect_ends(&ends, 1);
        int comes = cop__wire_call(ends.schedulers[0], ends.port);
        errno = 0;
        ck_assert_int_eq(cop__wire_send(ends.schedulers[0], comes, "x", 1), -1);
        ck_assert_int_eq(errno, EAGAIN);
        cop_simulation_advance(ends.nodes[0], 10);
        ck_assert_int_eq(cop__wire_send(ends.schedulers[0], comes, "y", 1), 1);
        int called = cop__wire_accept(ends.schedulers[1], ends.ear);
        cop_simulation_advance(ends.nodes[0], 10);
        ck_assert_int_eq(cop__wire_receive(ends.schedulers[1], called, &byte, 1), 1);
        ck_assert_int_eq(byte, 'y');
        disconnect_ends(&ends);
}

/* Tells the visitor of the second node, which is visited from here on, of what happens to an end or an ear. */
static void watches(const struct ends *ends, int number)
{
        if (cop_node_here() == NULL)
                ck_assert_int_eq(cop_node_enter(ends->nodes[1]), COP_OK);
        cop__wire_watch(ends->schedulers[1], number, EPOLLIN, cop_self().bits);
}

static uint64_t now_ns(const struct ends *ends)
{
        return cop__simulation_of(ends->nodes[0])->now_ns;
}

TEST(what_has_happened_before_is_news_to_who_begins_to_watch_before_any_time_goes_on)
{
        struct ends ends;
        connect_ends(&ends, 1);
        struct cop__simulation *simulation = cop__simulation_of(ends.nodes[0]);
        watches(&ends, ends.ear);
        nothing_has_come();
        ck_assert_int_ge(cop__wire_call(ends.schedulers[0], ends.port), 0);
        cop__wire_watch(ends.schedulers[1], ends.ear, 0, 0);
        cop_simulation_advance(ends.nodes[0], 10);
        nothing_has_come();
        const int numbers[] = { ends.ear, ends.each[1] };
        ck_assert_int_eq(sends(&ends, 0, "x", 1), 1);
        cop_simulation_advance(ends.nodes[0], 10);
        for (size_t i = 0; i < COP__COUNT(numbers); i++) {
                watches(&ends, numbers[i]);
                uint64_t before_ns = now_ns(&ends);
                ck_assert(cop__simulation_jump(simulation, before_ns + COP__NS_PER_S));
                ck_assert_uint_eq(now_ns(&ends), before_ns);
                cop__simulation_step(simulation);
                await_and_drop(COP_KIND(cop__ready));
                nothing_has_come();
        }
        cop_node_leave();
        disconnect_ends(&ends);
}

TEST(a_call_that_is_given_up_before_it_comes_through_is_heard_of_by_nobody)
{
        struct ends ends;
        connect_ends(&ends, 1);
        cop__wire_close(ends.schedulers[0], cop__wire_call(ends.schedulers[0], ends.port));
        cop_simulation_advance(ends.nodes[0], 10);
        ck_assert_int_eq(cop__wire_accept(ends.schedulers[1], ends.ear), -1);
        disconnect_ends(&ends);
}

TEST(without_memory_nobody_listens_or_calls_and_then_it_is_as_if_nobody_had_tried)
{
        uint16_t port;
        cop_node *node = begin_node((cop_simulation){ .seed = 1 }, "a");
        struct cop__scheduler *scheduler = &node->scheduler;
        cop_simulation_refuse(node, 1);
        ck_assert_int_eq(cop__wire_call(scheduler, 7), -1);
        ck_assert_int_eq(errno, ENOMEM);
        for (uint64_t n = 1; n <= 2; n++) {
                cop_simulation_refuse(node, n);
                ck_assert_int_eq(cop__wire_listen(scheduler, 7, &port), -1);
                ck_assert_int_eq(errno, ENOMEM);
        }
        int ear = cop__wire_listen(scheduler, 7, &port);
        ck_assert_int_ge(ear, 0);
        for (uint64_t n = 1; n <= 2; n++) {
                cop_simulation_refuse(node, n);
                ck_assert_int_eq(cop__wire_call(scheduler, 7), -1);
                ck_assert_int_eq(errno, ENOMEM);
        }
        cop_simulation_advance(node, 10);
        ck_assert_int_eq(cop__wire_accept(scheduler, ear), -1);
        ck_assert_int_ge(cop__wire_call(scheduler, 7), 0);
        cop_simulation_advance(node, 10);
        ck_assert_int_ge(cop__wire_accept(scheduler, ear), 0);
        cop_node_stop(node);
}

/* ---- Who may join, and the end ------------------------------------------------------------------------------ */

static cop_status join(cop_node *with)
{
        cop_node *node = NULL;
        const cop_simulation joined = { .with = with };
        cop_status status = cop_node_start(&(cop_node_options){ .simulation = &joined, .log = fixture_log_nothing }, &node);
        if (status == COP_OK)
                cop_node_stop(node);
        return status;
}

static void *joins(void *node)
{
        return (void *)(uintptr_t)join(node);
}

static void joins_in_a_turn(void)
{
        cop_exit(cop_int(join(cop_node_here())));
}

static cop_node *to_stop;

static void stops_one(void)
{
        cop_node_stop(to_stop);
}

/* It is driven, and the end of a node is driven, too. */
TEST(an_actor_stops_no_node_that_is_simulated_with_its_own)
{
        cop_node *nodes[NODES];
        begin((cop_simulation){ .seed = 3, .checks = 16 }, nodes);
        for (int i = 0; i < NODES; i++) {
                to_stop = nodes[i];
                cop_ref ref = spawn_watched(.run = stops_one);
                cop_auto down = await(COP_REF(cop_down, ref));
                ck_assert_ptr_nonnull(strstr(text_of(cop_read(cop_down, down)->reason), "{badarg, "));
        }
        settle_all(nodes);
        visit(nodes[0]);
        ck_assert_int_eq(cop_call(NULL, cop_at("echo", names[1]), PATIENCE_MS, parcel, .number = 1), COP_OK);
        end(nodes);
}

TEST(a_real_node_another_thread_and_an_actor_are_joined_by_none)
{
        pthread_t thread;
        void *result;
        cop_node *real = NULL;
        ck_assert_int_eq(cop_node_start(&(cop_node_options){ .workers = 1, .log = fixture_log_nothing }, &real), COP_OK);
        ck_assert_int_eq(join(real), COP_E_BAD_ARGUMENT);
        cop_node_stop(real);
        cop_node *node = begin_node((cop_simulation){ .seed = 1 }, "a");
        ck_assert_int_eq(join(node), COP_OK);
        ck_assert_int_eq(pthread_create(&thread, NULL, joins, node), 0);
        ck_assert_int_eq(pthread_join(thread, &result), 0);
        ck_assert_int_eq((cop_status)(uintptr_t)result, COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_node_start(&(cop_node_options){ .simulation = &(cop_simulation){ .seed = 2 } }, &real),
                         COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_node_enter(node), COP_OK);
        char expected[16];
        snprintf(expected, sizeof(expected), "%d", COP_E_BAD_ARGUMENT);
        await_down(spawn_watched(.run = joins_in_a_turn), expected);
        node_end(node);
}

TEST(so_many_nodes_are_simulated_together_and_no_more)
{
        cop_node *nodes[COP__SIMULATION_NODES];
        for (unsigned i = 0; i < COP__SIMULATION_NODES; i++)
                nodes[i] = begin_node((cop_simulation){ .with = i > 0 ? nodes[0] : NULL }, "n");
        ck_assert_int_eq(join(nodes[3]), COP_E_BAD_ARGUMENT);
        cop_node_stop(nodes[0]);
        nodes[0] = begin_node((cop_simulation){ .with = nodes[1] }, "n");
        for (unsigned i = 0; i < COP__SIMULATION_NODES; i++)
                cop_node_stop(nodes[i]);
}

static void overflows(void)
{
        descend(1);
}

/* Whoever of them is gone, the rest go on: what they share is not the first one's. */
TEST(a_node_is_stopped_in_any_order_and_the_others_still_contain_what_faults)
{
        for (unsigned order = 0; order < 6; order++) {
                cop_node *nodes[NODES];
                unsigned first = order % 3, second = (first + 1 + order / 3) % 3, last = 3 - first - second;
                begin((cop_simulation){ .seed = order }, nodes);
                visit(nodes[last]);
                ck_assert_int_eq(cop_connect(names[first], PATIENCE_MS), COP_OK);
                ck_assert_int_eq(cop_connect(names[second], PATIENCE_MS), COP_OK);
                ck_assert_int_eq(cop_nodes_subscribe(), COP_OK);
                cop_node_stop(nodes[first]);
                await_and_drop(COP_KIND(cop_node_down));
                await_and_drop(COP_REF(cop_down, spawn_watched(.run = overflows)));
                cop_node_stop(nodes[second]);
                await_and_drop(COP_KIND(cop_node_down));
                await_and_drop(COP_REF(cop_down, spawn_watched(.run = overflows)));
                node_end(nodes[last]);
        }
        ck_assert_ptr_null(cop__clock_simulated());
}
