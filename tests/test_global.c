/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Global names: one holder each, known on all nodes, and gone with it. */
#include "tests/stranger.h"

#include <coppice/global.h>

#include "distribution/peer.h"

typedef struct { int64_t number; cop_pid from; } said;
COP_MESSAGE(said, number, from);

static void waits(void)
{
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(said));
                const said *s = cop_read(said, message);
                cop_send(s->from, said, .number = s->number + 1);
        }
}

static cop_pid holder_of(const char *name)
{
        return cop_global_whereis(name);
}

static void connect_both(struct pair *pair)
{
        (void)pair;
        ck_assert_int_eq(cop_connect("b@127.0.0.1", PATIENCE_MS), COP_OK);
}

PAIR(DST_12_a_global_name_is_had_once_everywhere_and_ends_with_its_holder)
{
        connect_both(pair);
        cop_pid one = cop_spawn(waits), two = cop_spawn(waits);
        ck_assert_int_eq(cop_global_register("ledger", one), COP_OK);
        ck_assert_int_eq(cop_global_register("ledger", two), COP_E_NAME_TAKEN);
        ck_assert_int_eq(cop_global_register("ledger", one), COP_E_NAME_TAKEN);
        visit(pair->b);
        cop_pid there = holder_of("ledger"); /* at once: no node is asked in vain */
        ck_assert_str_eq(cop_node_of(there), "a@127.0.0.1");
        ck_assert_int_eq(cop_global_register("ledger", cop_self()), COP_E_NAME_TAKEN);
        ck_assert_int_eq(cop_global_send("ledger", said, .number = 1, .from = cop_self()), COP_OK);
        await_and_drop(COP_FIELD(said, number, 2));
        cop_pid other = cop_spawn(waits);
        ck_assert_int_eq(cop_global_register("clerk", other), COP_OK); /* by the scribe of the other node */
        visit(pair->a);
        ck_assert_str_eq(cop_node_of(holder_of("clerk")), "b@127.0.0.1");
        put_down(one);
        ck_assert_int_eq(holder_of("ledger").bits, 0);
        visit(pair->b);
        await_true(holder_of("ledger").bits == 0);
        ck_assert_int_eq(cop_global_unregister("clerk"), COP_OK);
        ck_assert_int_eq(cop_global_unregister("clerk"), COP_OK);
        ck_assert_int_eq(holder_of("clerk").bits, 0);
        visit(pair->a);
        ck_assert_int_eq(holder_of("clerk").bits, 0);
        ck_assert_int_eq(cop_global_register("ledger", two), COP_OK);
}

PAIR(DST_13_a_global_name_that_is_taken_over_has_its_new_holder_on_all_nodes)
{
        connect_both(pair);
        cop_pid one = cop_spawn(waits);
        ck_assert_int_eq(cop_global_register("ledger", one), COP_OK);
        visit(pair->b);
        cop_pid two = cop_spawn(waits);
        ck_assert_int_eq(cop_global_re_register("ledger", two), COP_OK);
        ck_assert(cop_pid_equal(holder_of("ledger"), two));
        visit(pair->a);
        ck_assert_str_eq(cop_node_of(holder_of("ledger")), "b@127.0.0.1");
        put_down(one); /* which has it no more */
        ck_assert_str_eq(cop_node_of(holder_of("ledger")), "b@127.0.0.1");
}

#define MANY 50

static void name_of(char name[16], const char *node, int number)
{
        snprintf(name, 16, "%s%d", node, number);
}

static void register_many(cop_pid pids[MANY], const char *node)
{
        char name[16];
        for (int i = 0; i < MANY; i++) {
                name_of(name, node, i);
                pids[i] = cop_spawn(waits);
                ck_assert_int_eq(cop_global_register(name, pids[i]), COP_OK);
        }
}

static bool all_are_gone(void)
{
        char name[16];
        for (int i = 0; i < MANY; i++) {
                name_of(name, "a", i);
                if (holder_of(name).bits != 0)
                        return false;
                name_of(name, "b", i);
                if (holder_of(name).bits != 0)
                        return false;
        }
        return true;
}

PAIR(DST_15_when_many_holders_die_at_once_no_name_is_left)
{
        cop_pid here[MANY], others[MANY];
        connect_both(pair);
        register_many(here, "a");
        visit(pair->b);
        register_many(others, "b");
        for (int i = 0; i < MANY; i++)
                cop_send_exit(others[i], cop_atom("kill"));
        visit(pair->a);
        for (int i = 0; i < MANY; i++)
                cop_send_exit(here[i], cop_atom("kill"));
        await_true(all_are_gone());
        visit(pair->b);
        await_true(all_are_gone());
}

static void sends_to_nobody(void)
{
        cop_global_send("nobody", said, .number = 1);
}

PAIR(DST_16_to_send_to_a_global_name_that_nobody_has_is_a_bug)
{
        await_down(spawn_watched(.run = sends_to_nobody), "{badarg, {global_send, \"nobody has this name\"}}");
        ck_assert_int_eq(cop_global_send("nobody", said, .number = 1), COP_E_NO_NAME);
}

PAIR(DST_17_what_is_no_change_of_a_name_is_ignored)
{
        const char *const servers[] = { "coppice_names", "coppice_names_scribe" };
        connect_both(pair);
        ck_assert_int_eq(cop_global_register("ledger", cop_spawn(waits)), COP_OK);
        for (size_t i = 0; i < COP__COUNT(servers); i++) {
                cop_address to[] = { cop_at(servers[i], "b@127.0.0.1"), cop_to_name(servers[i]) };
                for (size_t j = 0; j < COP__COUNT(to); j++) {
                        cop_send(to[j], said, .number = 1);
                        cop_send_term(to[j], cop_atom("garbage"));
                        cop_send_term(to[j], COP_TUPLE(cop_atom("set"), cop_int(1), cop_int(2)));
                        cop_send_term(to[j], COP_TUPLE(cop_atom("register"), cop_atom("ledger"), cop_int(2)));
                        cop_send_term(to[j], COP_TUPLE(cop_atom("all"), COP_LIST(cop_int(1), COP_TUPLE(cop_int(1), cop_int(2)))));
                        ck_assert_int_eq(cop_call_term(NULL, to[j], PATIENCE_MS, cop_atom("garbage")), COP_E_NO_REPLY);
                }
        }
        visit(pair->b);
        ck_assert_str_eq(cop_node_of(holder_of("ledger")), "a@127.0.0.1");
        ck_assert_int_eq(cop_global_register("clerk", cop_spawn(waits)), COP_OK);
}

/* One thing is wrong with each at a time. */
PAIR(DST_17_what_is_no_name_or_no_holder_is_ignored_by_itself)
{
        static char long_name[200];
        memset(long_name, 'n', sizeof(long_name) - 1);
        const cop_term bad[] = { cop_int(1), cop_atom(""), cop_string("x"), cop_atom(long_name) };
        const char *const servers[] = { "coppice_names", "coppice_names_scribe" };
        connect_both(pair);
        cop_pid p = cop_spawn(waits);
        for (size_t s = 0; s < COP__COUNT(servers); s++) {
                cop_pid server = cop_whereis(servers[s]);
                ck_assert_uint_ne(server.bits, 0);
                for (size_t i = 0; i < COP__COUNT(bad); i++) {
                        cop_send_term(servers[s], COP_TUPLE(cop_atom("set"), bad[i], cop_pid_term(p)));
                        cop_send_term(servers[s], COP_TUPLE(cop_atom("register"), bad[i], cop_pid_term(p)));
                        cop_send_term(servers[s], COP_TUPLE(cop_atom("all"), COP_LIST(COP_TUPLE(bad[i], cop_pid_term(p)))));
                }
                cop_send_term(servers[s], COP_TUPLE(cop_atom("set"), cop_atom("good"), cop_int(2)));
                cop_send_term(servers[s], COP_TUPLE(cop_atom("all"), COP_LIST(COP_TUPLE(cop_atom("good"), cop_int(2)))));
                ck_assert_int_eq(cop_call_term(NULL, servers[s], PATIENCE_MS, cop_atom("garbage")), COP_E_NO_REPLY);
                ck_assert(cop_pid_equal(cop_whereis(servers[s]), server));
        }
        ck_assert_uint_eq(cop_global_whereis("good").bits, 0);
        ck_assert_int_eq(cop_global_register("ledger", p), COP_OK);
        ck_assert(cop_pid_equal(cop_global_whereis("ledger"), p));
}

/* Whom the server says to have that name. */
static cop_pid holder_at_server(cop_term name)
{
        cop_auto reply = NULL;
        ck_assert_int_eq(cop_call_term(&reply, "coppice_names", PATIENCE_MS, COP_TUPLE(cop_atom("whereis"), name)), COP_OK);
        const cop_any *any = cop_read(cop_any, reply);
        ck_assert_ptr_nonnull(any);
        ck_assert_int_eq(any->term.type, COP_TERM_PID);
        return any->term.as.pid;
}

PAIR(DST_17_what_is_no_name_is_nobodys_and_nothing_is_taken_away_with_it)
{
        static char long_name[200];
        memset(long_name, 'n', sizeof(long_name) - 1);
        const cop_term bad[] = { cop_int(7), cop_atom(""), cop_string("ledger"), cop_atom(long_name), cop_nil() };
        cop_pid p = cop_spawn(waits);
        ck_assert_int_eq(cop_global_register("ledger", p), COP_OK);
        for (size_t i = 0; i < COP__COUNT(bad); i++) {
                ck_assert_uint_eq(holder_at_server(bad[i]).bits, 0);
                ck_assert_int_eq(cop_call_term(NULL, "coppice_names", PATIENCE_MS, COP_TUPLE(cop_atom("unset"), bad[i])),
                                 COP_E_NO_REPLY);
        }
        ck_assert(cop_pid_equal(cop_global_whereis("ledger"), p));
        ck_assert(cop_pid_equal(holder_at_server(cop_atom("ledger")), p));
}

PAIR(two_holders_of_a_name_that_meet_are_one_on_both_sides)
{
        cop_pid one = cop_spawn(waits);
        ck_assert_int_eq(cop_global_register("ledger", one), COP_OK);
        visit(pair->b);
        cop_pid two = cop_spawn(waits);
        ck_assert_int_eq(cop_global_register("ledger", two), COP_OK);
        ck_assert_int_eq(cop_global_register("clerk", two), COP_OK);
        visit(pair->a);
        connect_both(pair);
        await_true(holder_of("clerk").bits != 0);
        ck_assert(cop_pid_equal(holder_of("ledger"), one));
        visit(pair->b);
        await_true(strcmp(cop_node_of(holder_of("ledger")), "a@127.0.0.1") == 0);
        ck_assert(cop_is_alive(two));
        ck_assert_int_eq(cop_disconnect("a@127.0.0.1"), COP_OK);
        await_true(holder_of("ledger").bits == 0);
        ck_assert(cop_pid_equal(holder_of("clerk"), two));
}

TEST(without_distribution_there_are_no_global_names)
{
        cop_node *node = node_begin((cop_node_options){ .name = "a" });
        ck_assert_int_eq(cop_global_register("ledger", cop_self()), COP_E_NO_DISTRIBUTION);
        ck_assert_int_eq(cop_global_re_register("ledger", cop_self()), COP_E_NO_DISTRIBUTION);
        ck_assert_int_eq(cop_global_unregister("ledger"), COP_E_NO_DISTRIBUTION);
        ck_assert_int_eq(cop_global_send("ledger", said, .number = 1), COP_E_NO_DISTRIBUTION);
        ck_assert_int_eq(cop_global_whereis("ledger").bits, 0);
        node_end(node);
}

PAIR(what_is_no_global_name_is_refused)
{
        ck_assert_int_eq(cop_global_register("", cop_self()), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_global_register(NULL, cop_self()), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_global_register("x", cop_no_pid()), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_global_re_register("x", cop_no_pid()), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_global_register("x", cop_at("clerk", "b@127.0.0.1").pid), COP_E_BAD_ARGUMENT); /* who is there may change */
        ck_assert_int_eq(cop_global_register("0123456789012345678901234567890123456789012345678901234567890123", cop_self()),
                         COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_global_unregister(""), COP_E_BAD_ARGUMENT);
}

TEST(without_a_node_there_are_no_global_names)
{
        ck_assert_int_eq(cop_global_register("ledger", cop__pid_of(0, 1, 1)), COP_E_NO_NODE);
        ck_assert_int_eq(cop_global_unregister("ledger"), COP_E_NO_NODE);
        ck_assert_int_eq(cop_global_whereis("ledger").bits, 0);
}

/* ---- A scribe that is a stranger --------------------------------------------------------------- */

#define LEAST "0@127.0.0.1"

static void registers(void)
{
        cop_send("witness", said, .number = cop_global_register("ledger", cop_self()));
        cop_sleep(COP_FOREVER); /* the name's holder */
}

/* The next change that is asked for: its message, the caller's with its end. */
static void hear_change(int fd, const char *what, cop_term *message)
{
        cop_term heard;
        stranger_hears_control(fd, COP__CONTROL_REG_SEND, &heard, message);
        while (!cop_is_tuple(*message, "$gen_call", 3)) { /* its server tells of all that there is, at first */
                cop_term_free(heard);
                cop_term_free(*message);
                stranger_hears_control(fd, COP__CONTROL_REG_SEND, &heard, message);
        }
        ck_assert(cop_is_atom(message->as.items[2].as.items[0], what));
        cop_term_free(heard);
}

static void answer_change(int fd, const char *node, cop_term message, const char *word)
{
        struct cop__tray tray;
        struct cop__pen pen;
        const cop_term *from = message.as.items[1].as.items;
        stranger_begins(&pen, &tray, COP__CONTROL_SEND_SENDER, 3);
        stranger_pid(&pen, node, 7);
        cop__pen_pid(&pen, from[0].as.pid);
        cop__pen_version(&pen);
        cop__pen_term(&pen, COP_TUPLE(from[1], cop_atom(word)));
        stranger_ends(fd, &pen);
        cop_term_free(message);
}

/* The next change that is asked for, in those words, gets that answer. */
static void scribe_answers(int fd, const char *asked, const char *word)
{
        cop_term message;
        hear_change(fd, asked, &message);
        answer_change(fd, LEAST, message, word);
}

static void outcome_is(cop_status status)
{
        cop_auto message = await(COP_KIND(said));
        ck_assert_int_eq(cop_read(said, message)->number, status);
}

/* What is no answer is none: as if its node had gone down, another one is asked, of whom there is none here. */
TEST(a_scribe_that_says_neither_yes_nor_no_is_asked_three_times)
{
        NEEDS_THREADS();
        uint16_t port;
        cop_pid owner;
        cop_node *node = node_begin((cop_node_options){ .name = "a" });
        ck_assert_int_eq(distribute_with("a@127.0.0.1", (cop_distribution){ .port = 0 }, &port), COP_OK);
        ck_assert_int_eq(cop_register("witness", cop_self()), COP_OK);
        int fd = stranger_calls(port, LEAST);
        struct cop__network *network = cop__network_here();
        await_true(cop__load_acquire(&network->peer_count) > 0);
        await_true(cop__peer_look(network->peers[0], &owner) == COP__PEER_UP);
        cop_spawn(registers);
        scribe_answers(fd, "register", "perhaps");
        scribe_answers(fd, "confirm", "perhaps"); /* the change may have been made */
        scribe_answers(fd, "confirm", "perhaps");
        outcome_is(COP_E_NO_CONNECTION);
        cop_spawn(registers);
        scribe_answers(fd, "register", "no");
        outcome_is(COP_E_NAME_TAKEN);
        cop_spawn(registers);
        scribe_answers(fd, "register", "perhaps");
        scribe_answers(fd, "confirm", "true");
        outcome_is(COP_OK);
        close(fd);
        node_end(node);
}

static int server_calls(uint16_t port, const char *name)
{
        int fd = stranger_calls(port, name);
        struct cop__network *network = cop__network_here();
        struct cop__peer *peer = cop__network_peer(network, name, strlen(name));
        await_true(cop__peer_is_ours(peer));
        return fd;
}

/* In the name of process 7 of that node. */
static void says_to_names(int fd, const char *node, cop_term term)
{
        struct cop__tray tray;
        struct cop__pen pen;
        stranger_begins(&pen, &tray, COP__CONTROL_REG_SEND, 4);
        stranger_pid(&pen, node, 7);
        cop__pen_atom(&pen, "", 0);
        cop__pen_atom(&pen, "coppice_names", strlen("coppice_names"));
        cop__pen_version(&pen);
        cop__pen_term(&pen, term);
        stranger_ends(fd, &pen);
}

/* The change has been made here, and the one who made it is no more: who is asked then finds that it is so. */
TEST(who_got_a_name_by_a_scribe_that_went_down_has_it)
{
        NEEDS_THREADS();
        uint16_t port;
        cop_term message;
        cop_node *node = node_begin((cop_node_options){ .name = "a" });
        ck_assert_int_eq(distribute_with("a@127.0.0.1", (cop_distribution){ .port = 0 }, &port), COP_OK);
        ck_assert_int_eq(cop_register("witness", cop_self()), COP_OK);
        int fd = server_calls(port, LEAST);
        cop_pid asker = cop_spawn(registers);
        hear_change(fd, "register", &message);
        cop_term_free(message);
        says_to_names(fd, LEAST, COP_TUPLE(cop_atom("set"), cop_atom("ledger"), cop_pid_term(asker)));
        await_true(cop_pid_equal(holder_of("ledger"), asker));
        close(fd);
        outcome_is(COP_OK);
        node_end(node);
}

static void takes_over(void)
{
        cop_send("witness", said, .number = cop_global_re_register("ledger", cop_self()));
        cop_sleep(COP_FOREVER);
}

/* The next change that is asked for has this number. */
static int64_t hear_number(int fd, const char *word, cop_term *message)
{
        hear_change(fd, word, message);
        const cop_term what = message->as.items[2];
        ck_assert_uint_eq(what.count, 4);
        return what.as.items[3].as.integer;
}

/* Nor is what it had been asked for made again when it goes on, and all has changed since. */
TEST_WITHIN(a_scribe_that_hangs_is_passed_over_and_what_it_does_late_is_nothing, 120)
{
        NEEDS_THREADS();
        uint16_t port;
        cop_term message, change;
        cop_node *node = node_begin((cop_node_options){ .name = "a" });
        ck_assert_int_eq(distribute_with("a@127.0.0.1", (cop_distribution){ .port = 0 }, &port), COP_OK);
        ck_assert_int_eq(cop_register("witness", cop_self()), COP_OK);
        int fd = server_calls(port, LEAST);
        cop_pid first = cop_spawn(registers);
        int64_t number = hear_number(fd, "register", &message);
        cop_term_free(message);
        hear_change(fd, "set", &change); /* from the scribe of the node itself */
        answer_change(fd, LEAST, change, "true");
        outcome_is(COP_OK);
        ck_assert(cop_pid_equal(holder_of("ledger"), first));
        cop_pid second = cop_spawn(takes_over);
        cop_term_free((hear_number(fd, "re_register", &message), message));
        hear_change(fd, "set", &change);
        answer_change(fd, LEAST, change, "true");
        outcome_is(COP_OK);
        says_to_names(fd, LEAST, COP_TUPLE(cop_atom("set"), cop_atom("ledger"), cop_pid_term(first), cop_int(number), cop_int(0)));
        says_to_names(fd, LEAST, COP_TUPLE(cop_atom("set"), cop_atom("ledger"), cop_pid_term(first), cop_int(number), cop_int(0),
                                           cop_int(1000))); /* a version that is later than all that has been heard of */
        says_to_names(fd, LEAST, COP_TUPLE(cop_atom("set"), cop_atom("after"), cop_pid_term(first), cop_int(1), cop_int(0)));
        await_true(holder_of("after").bits != 0);
        ck_assert(cop_pid_equal(holder_of("ledger"), second));
        close(fd);
        node_end(node);
}

/* ---- Servers that are strangers ------------------------------------------------------------------ */

#define HANGING 13 /* one after the other they would hang for longer than a change may last */

TEST(nodes_that_hang_however_many_hear_of_a_change_of_a_name_and_hold_it_up_once)
{
        NEEDS_THREADS();
        uint16_t port;
        char name[32];
        cop_term change;
        int hanging[HANGING];
        cop_node *node = node_begin((cop_node_options){ .name = "a" });
        ck_assert_int_eq(distribute_with("a@127.0.0.1", (cop_distribution){ .port = 0 }, &port), COP_OK);
        ck_assert_int_eq(cop_register("witness", cop_self()), COP_OK);
        for (int i = 0; i < HANGING; i++) {
                snprintf(name, sizeof(name), "x%d@127.0.0.1", i);
                hanging[i] = server_calls(port, name);
        }
        int other = server_calls(port, "y@127.0.0.1");
        cop_spawn(registers);
        hear_change(other, "set", &change);
        answer_change(other, "y@127.0.0.1", change, "ok");
        outcome_is(COP_OK);
        for (int i = 0; i < HANGING; i++) {
                hear_change(hanging[i], "set", &change); /* when it goes on */
                cop_term_free(change);
                close(hanging[i]);
        }
        close(other);
        node_end(node);
}

/* ---- A change and a meeting that cross ------------------------------------------------------------ */

#define THIRD "0@127.0.0.1" /* of Erlang's, so it takes no part */

static void says_holder(int fd, const char *node, const char *name, cop_pid holder)
{
        says_to_names(fd, node, COP_TUPLE(cop_atom("all"), COP_LIST(COP_TUPLE(cop_atom(name), cop_pid_term(holder)))));
}

/* The next {all, ...}, with the caller's end. */
static cop_term hears_all(int fd)
{
        cop_term heard, message;
        do {
                stranger_hears_control(fd, COP__CONTROL_REG_SEND, &heard, &message);
                cop_term_free(heard);
                if (cop_is_tuple(message, "all", 2) && message.as.items[1].count > 0)
                        return message;
                cop_term_free(message);
        } while (true);
}

struct crossing {
        cop_node *node;
        uint16_t port;
        int third, other;
        cop_pid theirs; /* which is before all of ours */
};

#define OTHER "x@127.0.0.1"

static void crossing_begin(struct crossing *crossing)
{
        crossing->node = node_begin((cop_node_options){ .name = "a" });
        ck_assert_int_eq(distribute_with("a@127.0.0.1", (cop_distribution){ .port = 0 }, &crossing->port), COP_OK);
        ck_assert_int_eq(cop_register("witness", cop_self()), COP_OK);
        struct cop__network *network = cop__network_here();
        crossing->third = stranger_calls_as(crossing->port, THIRD, COP__CAN_ALL & ~COP__CAN_COPPICE);
        struct cop__peer *peer = cop__network_peer(network, THIRD, strlen(THIRD));
        cop_pid owner;
        await_true(cop__peer_look(peer, &owner) == COP__PEER_UP);
        crossing->theirs = cop__pid_of(cop__network_life(network, peer, 12345), 7, 0);
        crossing->other = server_calls(crossing->port, OTHER);
}

static void crossing_end(struct crossing *crossing)
{
        close(crossing->third);
        close(crossing->other);
        node_end(crossing->node);
}

/* The other one is told of a change, and what it had before that is heard here before its answer; then it is told of that. */
static void crosses(struct crossing *crossing)
{
        cop_term change;
        hear_change(crossing->other, "set", &change);
        says_holder(crossing->other, OTHER, "ledger", crossing->theirs);
        answer_change(crossing->other, OTHER, change, "true");
        cop_term all = hears_all(crossing->other);
        const cop_term *pair = all.as.items[1].as.items[0].as.items;
        ck_assert(cop_is_atom(pair[0], "ledger"));
        ck_assert(cop_pid_equal(pair[1].as.pid, crossing->theirs));
        cop_term_free(all);
}

TEST(a_change_that_crosses_the_meeting_with_another_holder_leaves_one_holder)
{
        NEEDS_THREADS();
        struct crossing crossing;
        crossing_begin(&crossing);
        cop_spawn(registers);
        crosses(&crossing);
        outcome_is(COP_E_NAME_TAKEN);
        ck_assert(cop_pid_equal(holder_of("ledger"), crossing.theirs));
        crossing_end(&crossing);
}

TEST(who_takes_a_name_over_has_it_also_if_that_crosses_a_meeting)
{
        NEEDS_THREADS();
        cop_term change;
        struct crossing crossing;
        crossing_begin(&crossing);
        cop_pid taker = cop_spawn(takes_over);
        crosses(&crossing);
        hear_change(crossing.other, "set", &change);
        answer_change(crossing.other, OTHER, change, "true");
        outcome_is(COP_OK);
        ck_assert(cop_pid_equal(holder_of("ledger"), taker));
        crossing_end(&crossing);
}

/* As a node comes up whose name is less, there may be two scribes for a moment. Each node has been told of both holders. */
TEST(of_two_holders_that_two_scribes_have_set_at_once_all_have_the_same_one)
{
        NEEDS_THREADS();
        cop_term change;
        struct crossing crossing;
        crossing_begin(&crossing);
        struct cop__network *network = cop__network_here();
        struct cop__peer *peer = cop__network_peer(network, OTHER, strlen(OTHER));
        cop_pid theirs = cop__pid_of(cop__network_life(network, peer, 12345), 9, 0);
        cop_pid ours = cop_spawn(registers);
        hear_change(crossing.other, "set", &change);
        says_to_names(crossing.other, OTHER, COP_TUPLE(cop_atom("set"), cop_atom("ledger"), cop_pid_term(theirs)));
        answer_change(crossing.other, OTHER, change, "true");
        cop_term all = hears_all(crossing.other);
        ck_assert(cop_pid_equal(all.as.items[1].as.items[0].as.items[1].as.pid, ours)); /* whose node has the lesser name */
        cop_term_free(all);
        outcome_is(COP_OK);
        ck_assert(cop_pid_equal(holder_of("ledger"), ours));
        crossing_end(&crossing);
}

static void unregisters(void)
{
        cop_send("witness", said, .number = cop_global_unregister("ledger"));
}

/* The name is registered, and the other one, which has not heard of that, comes up and is told of all. Returns what it is told. */
static cop_term meet_anew(struct crossing *crossing)
{
        cop_term change;
        cop_spawn(registers);
        hear_change(crossing->other, "set", &change);
        answer_change(crossing->other, OTHER, change, "true");
        outcome_is(COP_OK);
        close(crossing->other);
        crossing->other = server_calls(crossing->port, OTHER);
        return hears_all(crossing->other);
}

/* What it says as it meets a third one, that has been told of the change already. */
static void says_late(struct crossing *crossing, cop_term all)
{
        says_to_names(crossing->other, OTHER, all);
        says_holder(crossing->other, OTHER, "after", crossing->theirs);
        await_true(holder_of("after").bits != 0);
        cop_term_free(all);
}

TEST(a_name_that_is_unset_is_not_brought_back_by_who_had_not_heard_of_that)
{
        NEEDS_THREADS();
        cop_term change;
        struct crossing crossing;
        crossing_begin(&crossing);
        cop_term all = meet_anew(&crossing);
        cop_spawn(unregisters);
        hear_change(crossing.other, "unset", &change);
        answer_change(crossing.other, OTHER, change, "true");
        outcome_is(COP_OK);
        says_late(&crossing, all);
        ck_assert_uint_eq(holder_of("ledger").bits, 0);
        crossing_end(&crossing);
}

TEST(a_name_that_is_taken_over_is_not_given_back_by_who_had_not_heard_of_that)
{
        NEEDS_THREADS();
        cop_term change;
        struct crossing crossing;
        crossing_begin(&crossing);
        cop_term all = meet_anew(&crossing);
        cop_pid taker = cop_spawn(takes_over);
        hear_change(crossing.other, "set", &change);
        answer_change(crossing.other, OTHER, change, "true");
        outcome_is(COP_OK);
        says_late(&crossing, all);
        ck_assert(cop_pid_equal(holder_of("ledger"), taker));
        crossing_end(&crossing);
}

/* ---- On behalf of others ---------------------------------------------------------------------------- */

typedef struct { int64_t unused; } late;

/* When nobody waits for it any more. */
static void late_on_any(late *self, const cop_any *any)
{
        (void)self;
        (void)any;
        cop_auto go = await(COP_KIND(said));
        cop_send("witness", said, .number = cop_global_register("clerk", cop_self()));
        cop_global_send("ledger", said, .number = cop_read(said, go)->number, .from = cop_whereis("witness"));
}

COP_SERVER(late, COP_ON(cop_any, late_on_any));

PAIR(a_global_name_is_had_and_sent_to_also_on_behalf_of_one_who_has_given_up)
{
        ck_assert_int_eq(cop_register("witness", cop_self()), COP_OK);
        cop_pid pid = cop_spawn_server(&late_server, "late");
        ck_assert_int_eq(cop_global_register("ledger", cop_spawn(waits)), COP_OK);
        ck_assert_int_eq(cop_call_term(NULL, pid, 1, cop_atom("go")), COP_E_TIMEOUT);
        cop_ref ref = watch(pid);
        cop_send(pid, said, .number = 7);
        outcome_is(COP_OK);
        cop_auto message = cop_receive(PATIENCE_MS, COP_KIND(said), COP_REF(cop_down, ref));
        const said *s = cop_read(said, message);
        ck_assert_msg(s != NULL, "it has ended");
        ck_assert_int_eq(s->number, 8);
}
