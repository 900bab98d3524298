/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Memory is refused to nodes that are simulated together: one request, each in turn, or many of them by chance. Whatever that keeps from
 * somebody, when there is memory again it is told without being asked for.
 */
#include "tests/wired.h"

#include "tests/bare_pools.h"

/* ---- Afterwards ------------------------------------------------------------------------------------------ */

/* Whoever has ended for want of memory begins again, as its supervisor would see to. False: so have some of the servers of names. */
static bool mend(cop_node *nodes[NODES])
{
        bool is_well = true;
        for (int i = 0; i < NODES; i++) {
                visit(nodes[i]);
                if (cop_whereis("net_kernel").bits == 0) {
                        is_well = false;
                        distribute(i);
                }
                if (cop_whereis("chat").bits == 0)
                        start_scope("chat");
        }
        for (int i = 0; i < NODES; i++) {
                visit(nodes[i]);
                tell_where(i);
        }
        return is_well;
}

/* ---- One request ------------------------------------------------------------------------------------- */

static bool is_whole(cop_node *node, size_t members)
{
        visit(node);
        return cop_whereis("chat").bits != 0 && tea_drinkers() == members;
}

/*
 * Of two nodes that are connected one has a new member, and of the requests for memory that follow the n-th is refused. Returns how many
 * were.
 */
static uint64_t joins_without_memory(uint64_t seed, uint64_t n)
{
        cop_node *nodes[NODES];
        begin((cop_simulation){ .seed = seed }, nodes);
        ck_assert_int_eq(cop_connect(names[1], PATIENCE_MS), COP_OK);
        await_true(tea_drinkers() == 2);
        visit(nodes[1]);
        await_true(tea_drinkers() == 2);
        cop_pid late = cop_spawn(waits);
        settle_with(late); /* it has the stack that it waits on */
        ck_assert_int_eq(cop_group_join("chat", cop_atom("tea"), late), COP_OK);
        cop_simulation_refuse(nodes[0], n);
        cop_simulation_advance(nodes[0], 50);
        cop_simulation_refuse(nodes[0], 0);
        uint64_t refusals = state_of(nodes[0]).refusals;
        cop_simulation_advance(nodes[0], 5000);
        ck_assert_int_eq(cop_connect(names[0], PATIENCE_MS), COP_OK); /* which it still is, unless a frame found no memory */
        cop_simulation_advance(nodes[0], 5000);
        ck_assert_msg(is_whole(nodes[1], 3) && is_whole(nodes[0], 3), "seed %d: without the memory of request %d it is not whole",
                      (int)seed, (int)n);
        end(nodes);
        return refusals;
}

TEST(whichever_request_for_memory_is_refused_a_group_is_all_of_it_afterwards)
{
        for (uint64_t seed = 0; seed < 4; seed++) {
                uint64_t n = 1;
                while (joins_without_memory(seed, n) > 0)
                        n++;
                ck_assert_uint_gt(n, 3);
        }
}

/*
 * Two nodes meet, and of the requests for memory from there on the n-th is refused. If that ends the connection they meet anew. Returns
 * how many were.
 */
static uint64_t meet_without_memory(uint64_t seed, uint64_t n)
{
        cop_node *nodes[NODES];
        begin((cop_simulation){ .seed = seed }, nodes);
        cop_simulation_refuse(nodes[0], n);
        cop_connect(names[1], PATIENCE_MS);
        cop_simulation_advance(nodes[0], 50);
        cop_simulation_refuse(nodes[0], 0);
        uint64_t refusals = state_of(nodes[0]).refusals;
        cop_simulation_advance(nodes[0], 20000); /* an attempt that has come to nothing is over by then */
        ck_assert_int_eq(cop_connect(names[1], PATIENCE_MS), COP_OK);
        cop_simulation_advance(nodes[0], 5000);
        ck_assert_msg(is_whole(nodes[1], 2) && is_whole(nodes[0], 2), "seed %d: without the memory of request %d it is not whole",
                      (int)seed, (int)n);
        end(nodes);
        return refusals;
}

TEST_WITHIN(whichever_request_for_memory_is_refused_as_two_nodes_meet_a_group_is_all_of_it_afterwards, 120)
{
        for (uint64_t seed = 0; seed < 2; seed++) {
                uint64_t n = 1;
                while (meet_without_memory(seed, n) > 0)
                        n++;
                ck_assert_uint_gt(n, 10);
        }
}

/* Of two nodes that are connected one begins a scope that the other has. */
static uint64_t begin_without_memory(uint64_t seed, uint64_t n)
{
        cop_node *nodes[NODES];
        cop_term members;
        cop_pid pid;
        begin((cop_simulation){ .seed = seed }, nodes);
        visit(nodes[1]);
        start_scope("late");
        ck_assert_int_eq(cop_group_join("late", cop_atom("tea"), cop_whereis("echo")), COP_OK);
        ck_assert_int_eq(cop_connect(names[0], PATIENCE_MS), COP_OK);
        cop_simulation_advance(nodes[0], 1000);
        visit(nodes[0]);
        cop_simulation_refuse(nodes[0], n);
        cop_spawn_opt(&(cop_spawn_options){ .server = &cop_scope_server, .name = "late" }, &pid);
        cop_simulation_advance(nodes[0], 50);
        cop_simulation_refuse(nodes[0], 0);
        uint64_t refusals = state_of(nodes[0]).refusals;
        cop_simulation_advance(nodes[0], 20000);
        mend(nodes);
        visit(nodes[0]);
        if (cop_whereis("late").bits == 0)
                start_scope("late");
        ck_assert_int_eq(cop_connect(names[1], PATIENCE_MS), COP_OK);
        cop_simulation_advance(nodes[0], 5000);
        ck_assert_int_eq(cop_group_members("late", cop_atom("tea"), &members), COP_OK);
        ck_assert_msg(members.count == 1, "seed %d: without the memory of request %d nobody is known", (int)seed, (int)n);
        cop_term_free(members);
        end(nodes);
        return refusals;
}

TEST(whichever_request_for_memory_is_refused_as_a_scope_begins_it_finds_the_others_afterwards)
{
        for (uint64_t seed = 0; seed < 4; seed++) {
                uint64_t n = 1;
                while (begin_without_memory(seed, n) > 0)
                        n++;
                ck_assert_uint_gt(n, 5);
        }
}

/* ---- Global names ----------------------------------------------------------------------------------------- */

/* At the first node a name is given, and of the requests for memory from there on the n-th is refused. Returns how many were. */
static uint64_t give_without_memory(uint64_t seed, uint64_t n)
{
        cop_node *nodes[NODES];
        char holder[64];
        begin((cop_simulation){ .seed = seed }, nodes);
        settle_all(nodes);
        visit(nodes[0]);
        cop_pid pid = cop_spawn(waits);
        settle_with(pid);
        cop_simulation_refuse(nodes[0], n);
        cop_status status = cop_global_register("x", pid);
        cop_simulation_advance(nodes[0], 50);
        cop_simulation_refuse(nodes[0], 0);
        uint64_t refusals = state_of(nodes[0]).refusals;
        ck_assert_msg(status == COP_OK || refusals > 0, "%s", cop_status_text(status));
        cop_simulation_advance(nodes[0], 20000);
        bool is_well = mend(nodes);
        settle_all(nodes);
        holder_at(nodes[0], "x", holder);
        if (status == COP_OK && is_well)
                ck_assert_msg(holder[0] != '\0', "seed %d: without the memory of request %d nobody has it", (int)seed, (int)n);
        all_have(nodes, "x", holder, 1000 * seed + n);
        end(nodes);
        return refusals;
}

TEST_WITHIN(whichever_request_for_memory_is_refused_a_global_name_has_the_same_holder_on_all_nodes, 120)
{
        for (uint64_t seed = 0; seed < 2; seed++) {
                uint64_t n = 1;
                while (give_without_memory(seed, n) > 0)
                        n++;
                ck_assert_uint_gt(n, 10);
        }
}

/* Two nodes, each of which has a name, meet, or meet again. */
static uint64_t meet_with_names(uint64_t seed, uint64_t n)
{
        cop_node *nodes[NODES];
        char holder[64];
        begin((cop_simulation){ .seed = seed }, nodes);
        for (int i = 0; i < 2; i++) {
                visit(nodes[i]);
                ck_assert_int_eq(cop_global_register(i == 0 ? "x" : "y", cop_whereis("echo")), COP_OK);
        }
        if (seed % 2 == 1) {
                settle_all(nodes);
                visit(nodes[1]);
                ck_assert_int_eq(cop_disconnect(names[0]), COP_OK);
                cop_simulation_advance(nodes[0], 1000);
        }
        cop_simulation_refuse(nodes[0], n);
        cop_send(cop_at("echo", names[0]), parcel, .number = 1);
        cop_simulation_advance(nodes[0], 50);
        cop_simulation_refuse(nodes[0], 0);
        uint64_t refusals = state_of(nodes[0]).refusals;
        cop_simulation_advance(nodes[0], 20000);
        bool is_well = mend(nodes);
        settle_all(nodes);
        for (int i = 0; i < 2; i++) {
                holder_at(nodes[i], i == 0 ? "x" : "y", holder);
                ck_assert(!is_well || holder[0] != '\0');
                all_have(nodes, i == 0 ? "x" : "y", holder, 1000 * seed + n);
        }
        end(nodes);
        return refusals;
}

TEST_WITHIN(whichever_request_for_memory_is_refused_as_two_nodes_meet_each_knows_the_others_global_names, 120)
{
        for (uint64_t seed = 0; seed < 2; seed++) {
                uint64_t n = 1;
                while (meet_with_names(seed, n) > 0)
                        n++;
                ck_assert_uint_gt(n, 10);
        }
}

/* A thousand names are told in one message: it is the one after that which fails. */
TEST_WITHIN(a_node_that_has_more_names_than_are_told_at_once_tells_all_of_them_though_there_is_no_memory_in_between, 120)
{
        char name[16], holder[64];
        uint64_t refusals = 1;
        for (uint64_t n = 1; refusals > 0; n += 11) {
                cop_node *nodes[NODES];
                begin((cop_simulation){ .seed = n }, nodes);
                cop_pid pid = cop_whereis("echo");
                for (int i = 0; i < 1100; i++) {
                        snprintf(name, sizeof(name), "%d", i);
                        cop_send_term("coppice_names", COP_TUPLE(cop_atom("set"), cop_atom(name), cop_pid_term(pid), cop_int(1 + i)));
                }
                settle_with(cop_whereis("coppice_names"));
                cop_simulation_refuse(nodes[0], n);
                cop_send(cop_at("echo", names[1]), parcel, .number = 1);
                cop_simulation_advance(nodes[0], 50);
                cop_simulation_refuse(nodes[0], 0);
                refusals = state_of(nodes[0]).refusals;
                cop_simulation_advance(nodes[0], 20000);
                bool is_well = mend(nodes);
                settle_all(nodes);
                for (int i = 0; is_well && i < 1100; i += 50) {
                        snprintf(name, sizeof(name), "%d", i);
                        holder_at(nodes[1], name, holder);
                        ck_assert_msg(holder[0] != '\0', "without the memory of request %d nobody has %s", (int)n, name);
                }
                end(nodes);
        }
}

/* ---- The beginning ------------------------------------------------------------------------------------------ */

/* With the one that listens the two ends, and with the two it. */
static bool is_distributed(void)
{
        bool listens = cop_whereis("net_kernel").bits != 0;
        ck_assert_int_eq(cop_whereis("coppice_names").bits != 0, listens);
        ck_assert_int_eq(cop_whereis("coppice_names_scribe").bits != 0, listens);
        return listens;
}

TEST(whichever_request_for_memory_is_refused_as_distribution_begins_there_is_all_of_it_or_none_and_then_it_begins)
{
        uint64_t refusals = 1;
        for (uint64_t n = 1; refusals > 0; n++) {
                uint16_t port;
                cop_node *node = begin_node((cop_simulation){ .seed = n }, "a");
                ck_assert_int_eq(cop_node_enter(node), COP_OK);
                cop_simulation_refuse(node, n);
                cop_distribution_start(&(cop_distribution){ .name = cop_text_of(names[0]), .cookie = COP_TEXT(COOKIE), .no_epmd = true });
                cop_simulation_advance(node, 1000);
                cop_simulation_refuse(node, 0);
                refusals = state_of(node).refusals;
                cop_simulation_advance(node, 10000);
                if (!is_distributed())
                        ck_assert_int_eq(distribute_with(names[0], (cop_distribution){ .port = 0 }, &port), COP_OK);
                cop_simulation_advance(node, 1000);
                ck_assert(is_distributed());
                ck_assert_int_eq(cop_global_register("x", cop_self()), COP_OK);
                ck_assert(cop_pid_equal(cop_global_whereis("x"), cop_self()));
                node_end(node);
        }
}

TEST(a_pid_that_is_too_large_for_here_is_refused_without_memory_and_known_when_there_is_some)
{
        cop_node *nodes[NODES];
        begin((cop_simulation){ .seed = 1 }, nodes);
        struct cop__network *network = cop__network_here();
        struct cop__wire_pid wire = { "z@127.0.0.1", 11, 0xfffffff0, 0x12345678, 5 }, again;
        cop_pid pid = cop_no_pid(), other;
        ck_assert_int_eq(cop__pid_of_wire(network, &wire, &other), COP_OK);
        wire.serial++;
        cop_simulation_refuse(nodes[0], 1);
        ck_assert_int_eq(cop__pid_of_wire(network, &wire, &pid), COP_E_NO_MEMORY);
        ck_assert_uint_eq(pid.bits, 0);
        ck_assert_int_eq(cop__pid_of_wire(network, &wire, &pid), COP_OK);
        ck_assert(!cop_pid_equal(pid, other));
        ck_assert(cop__pid_to_wire(network, pid, &again));
        ck_assert_uint_eq(again.serial, wire.serial);
        end(nodes);
}

/* ---- Many ------------------------------------------------------------------------------------------------- */

static uint64_t storm_state;

/* A member more, or one less, as long as there are some that have come so. */
static void come_or_go(cop_pid members[4])
{
        cop_pid *member = &members[draw(&storm_state, 4)];
        if (member->bits != 0 && cop_is_alive(*member)) {
                cop_send_exit(*member, cop_atom("kill"));
                *member = cop_no_pid();
        } else if (cop_spawn_opt(&(cop_spawn_options){ .run = waits }, member) == COP_OK) {
                cop_group_join("chat", cop_atom("tea"), *member);
        }
}

/* Members come and go, and connections begin and end, while of so many requests for memory one is refused. */
static void storm(cop_node *nodes[NODES], uint32_t refusals)
{
        cop_pid members[NODES][4] = { { { 0 } } };
        cop__simulation_of(nodes[0])->options.refusals = refusals;
        for (int64_t i = 0; i < 40; i++) {
                uint32_t here = draw(&storm_state, NODES), what = draw(&storm_state, 6);
                const char *other = names[(here + 1 + draw(&storm_state, NODES - 1)) % NODES];
                visit(nodes[here]);
                if (what == 0)
                        cop_disconnect(other);
                else if (what <= 2)
                        cop_send(cop_at("echo", other), parcel, .number = i);
                else
                        come_or_go(members[here]);
                cop_simulation_advance(nodes[here], draw(&storm_state, 10) == 0 ? 20000 : draw(&storm_state, 4));
        }
        cop__simulation_of(nodes[0])->options.refusals = 0;
        cop_simulation_advance(nodes[0], 20000);
}

static void is_whole_everywhere(cop_node *nodes[NODES], uint64_t seed)
{
        size_t all = 0;
        for (int i = 0; i < NODES; i++) {
                visit(nodes[i]);
                all += tea_drinkers_of(cop_group_local_members);
        }
        for (int i = 0; i < NODES; i++) {
                visit(nodes[i]);
                ck_assert_msg(tea_drinkers() == all, "seed %d: at %s there are %d members, not %d", (int)seed, names[i],
                              (int)tea_drinkers(), (int)all);
        }
}

/* Of what nobody has asked for again none is missing, nor is anybody there who has gone. */
TEST_WITHIN(however_many_requests_for_memory_are_refused_a_group_is_all_of_it_afterwards, 120)
{
        static const uint32_t refusals[] = { 3, 6, 12, 30 };
        for (uint64_t seed = 0; seed < 120; seed++) {
                cop_node *nodes[NODES];
                storm_state = seed << 32;
                begin((cop_simulation){ .seed = seed, .checks = 16 }, nodes);
                storm(nodes, refusals[seed % COP__COUNT(refusals)]);
                ck_assert_uint_gt(state_of(nodes[0]).refusals, 0);
                mend(nodes);
                connect_all(nodes);
                cop_simulation_advance(nodes[0], 5000);
                is_whole_everywhere(nodes, seed);
                end(nodes);
        }
}
