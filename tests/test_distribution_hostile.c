/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Who does not keep to the protocol loses its connection, and nothing else happens. */
#include "tests/stranger.h"
#include "tests/clerk.h"
#include "tests/cue.h"

#include "base/random.h"
#include "distribution/peer.h"

#define EVIL "evil@127.0.0.1"

static void clerk_otherwise(clerk *self, cop_message *message)
{
        (void)self;
        (void)message;
}

COP_SERVER(clerk, COP_ON(job, clerk_on_job), COP_OTHERWISE(clerk_otherwise));

static uint16_t port;

#define BESIEGED(claim)                                                              \
        static void besieged_##claim(void);                                          \
        TEST(claim)                                                                  \
        {                                                                            \
                NEEDS_THREADS();                                                     \
                cop_node *node = node_begin((cop_node_options){ .name = "a" });      \
                ck_assert_int_eq(distribute_with("a@127.0.0.1", (cop_distribution){ .message_max = 65536 }, &port), COP_OK); \
                cop_spawn_server(&clerk_server, "clerk");                            \
                ck_assert_int_eq(cop_offer("clerk", &(cop_spawn_options){ .server = &clerk_server, .kind = COP_KIND_OF(job) }), COP_OK); \
                besieged_##claim();                                                  \
                goes_on();                                                           \
                node_end(node);                                                      \
        }                                                                            \
        static void besieged_##claim(void)

static void goes_on(void)
{
        cop_auto reply = NULL;
        ck_assert_int_eq(cop_call(&reply, "clerk", PATIENCE_MS, job, .number = 1), COP_OK);
        close(stranger_calls(port, "friend@127.0.0.1"));
}

/* ---- Before it is let in ------------------------------------------------------------------ */

BESIEGED(a_handshake_that_is_none_is_hung_up_on)
{
        static const struct {
                const char *bytes;
                size_t size;
        } openings[] = {
                { "\0\0", 2 },
                { "GET / HTTP/1.1\r\n\r\n", 18 },
                { "\xff\xff", 2 },
                { "\0\5Nabcd", 7 },
                { "\0\17N\0\0\0\0\1\4\7\x9f\0\0\0\1\0\0", 17 },             /* without a name */
                { "\0\23N\0\0\0\0\1\4\7\x9f\0\0\0\1\xff\xff" "a@bc", 21 },    /* whose name is longer than all */
                { "\0\22N\0\0\0\0\0\0\0\0\0\0\0\1\0\3a@b", 20 },             /* that can do nothing */
                { "\0\6n\0\5\0\0\0", 8 },                                    /* of another age */
        };
        for (size_t i = 0; i < COP__COUNT(openings); i++) {
                int fd = stranger_socket(port);
                stranger_sends(fd, openings[i].bytes, openings[i].size);
                stranger_is_hung_up(fd);
                close(fd);
        }
}

static uint64_t actors_alive(void)
{
        struct cop__totals totals;
        cop__totals(cop_node_here(), &totals);
        return totals.spawned - totals.died;
}

/* A place is for ever, so it is for those who have shown the cookie. */
BESIEGED(names_without_the_cookie_take_no_places)
{
        for (int i = 0; i < 300; i++) {
                char name[64];
                int fd = stranger_socket(port);
                snprintf(name, sizeof(name), "n%d@127.0.0.1", i);
                ck_assert(!stranger_shakes_hands(fd, name, "a guess"));
                close(fd);
        }
}

BESIEGED(a_name_that_would_move_a_terminal_is_hung_up_on)
{
        int fd = stranger_socket(port);
        stranger_introduces(fd, "\033[31m@127.0.0.1", COP__CAN_ALL);
        stranger_is_hung_up(fd);
        close(fd);
}

/* Until they are given up, or go. */
BESIEGED(who_says_nothing_is_one_of_so_many)
{
        enum { SILENT = 64 };
        int silent[SILENT];
        uint64_t before = actors_alive();
        for (int i = 0; i < SILENT; i++)
                silent[i] = stranger_socket(port);
        int one_more = stranger_socket(port);
        stranger_is_hung_up(one_more);
        close(one_more);
        for (int i = 0; i < SILENT; i++)
                close(silent[i]);
        await_true(actors_alive() == before);
        settle_with(cop_whereis("net_kernel")); /* it has heard of their ends */
}

BESIEGED(who_guesses_the_cookie_is_hung_up_on)
{
        int fd = stranger_socket(port);
        ck_assert(!stranger_shakes_hands(fd, EVIL, "a guess"));
        stranger_is_hung_up(fd);
        close(fd);
        cop_term nodes;
        ck_assert_int_eq(cop_nodes(&nodes), COP_OK);
        ck_assert_str_eq(text_of(nodes), "[]");
        cop_term_free(nodes);
}

BESIEGED(who_says_it_is_this_node_or_another_that_is_up_without_the_cookie_changes_nothing)
{
        uint8_t packet[512];
        int fd = stranger_socket(port), good = stranger_calls(port, EVIL);
        stranger_introduces(fd, "a@127.0.0.1", COP__CAN_ALL);
        ck_assert_int_eq(stranger_hears(fd, packet), 12);
        ck_assert_int_eq(memcmp(packet, "snot_allowed", 12), 0);
        close(fd);
        fd = stranger_socket(port);
        stranger_introduces(fd, EVIL, COP__CAN_ALL);
        ck_assert_int_eq(stranger_hears(fd, packet), 6);
        ck_assert_int_eq(memcmp(packet, "salive", 6), 0);
        stranger_sends(fd, "\0\5strue", 7);
        ck_assert_int_gt(stranger_hears(fd, packet), 19); /* its challenge, which is not met */
        stranger_sends(fd, "\0\25r\0\0\0\1" "0123456789abcdef", 23);
        stranger_is_hung_up(fd);
        close(fd);
        cop_term nodes;
        ck_assert_int_eq(cop_nodes(&nodes), COP_OK);
        ck_assert_str_eq(text_of(nodes), "['" EVIL "']");
        cop_term_free(nodes);
        close(good);
}

static void calls_in_vain(void)
{
        cop_connect(EVIL, 600000); /* epmd does not know it */
}

/* Who calls while an attempt of ours is just failing waits until that is over. */
BESIEGED(who_calls_as_our_own_attempt_fails_is_let_in)
{
        uint8_t packet[512], answer[23] = { 0, 21, 'r', 0, 0, 0, 7 };
        int fd = stranger_socket(port);
        stranger_introduces(fd, EVIL, COP__CAN_ALL);
        ck_assert_uint_eq(stranger_hears(fd, packet), 3);
        ck_assert_uint_ge(stranger_hears(fd, packet), 19);
        cue_hold("peer.closing");
        cop_ref ref = watch(cop_spawn(calls_in_vain));
        cue_await("peer.closing");
        cue_hold("connection.finds_closing");
        stranger_digest(COOKIE, stranger_word(packet + 9), answer + 7);
        stranger_sends(fd, answer, sizeof(answer));
        cue_await("connection.finds_closing");
        cue_go("connection.finds_closing");
        cue_go("peer.closing");
        ck_assert_uint_eq(stranger_hears(fd, packet), 17);
        await_down(ref, "normal");
        close(fd);
}

/* ---- Afterwards ------------------------------------------------------------------------------- */

/* From one of theirs to the clerk here. */
static void reg_send(struct cop__pen *pen, struct cop__tray *tray)
{
        stranger_begins(pen, tray, COP__CONTROL_REG_SEND, 4);
        stranger_pid(pen, EVIL, 7);
        cop__pen_atom(pen, "", 0);
        cop__pen_atom(pen, "clerk", 5);
}

static void ends_with(const struct cop__tray *tray)
{
        int fd = stranger_calls(port, EVIL);
        ck_assert_int_eq(cop_nodes_subscribe(), COP_OK);
        stranger_says(fd, tray->data, tray->end);
        stranger_is_hung_up(fd);
        close(fd);
        await_and_drop(COP_KIND(cop_node_down));
        cop_nodes_unsubscribe();
        while (cop_receive(0, COP_KIND(cop_node_up)) != NULL)
                ;
}

BESIEGED(a_frame_that_is_none_ends_the_connection)
{
        struct cop__tray tray;
        struct cop__pen pen;
        const char *const frames[] = { "p", "x\x83h\1a\1", "p\x83", "p\x83h\3a\1", "p\x83\xff", "p\x83l\xff\xff\xff\xff",
                                       "p\x83m\xff\xff\xff\xff", "p\x83h\3a\1jj", "p\x83h\3a\x63jj", "p\x83t\xff\xff\xff\xff",
                                       "p\x83j", "p\x83h\2a\1j", "p\x83h\3jjj" };
        for (size_t i = 0; i < COP__COUNT(frames); i++) {
                tray = (struct cop__tray){ .data = (uint8_t *)(uintptr_t)frames[i], .end = strlen(frames[i]) };
                ends_with(&tray);
        }
        /* In the name of a third one; to one of theirs; a message that ends too soon. */
        stranger_begins(&pen, &tray, COP__CONTROL_REG_SEND, 4);
        stranger_pid(&pen, "third@127.0.0.1", 7);
        cop__pen_atom(&pen, "", 0);
        cop__pen_atom(&pen, "clerk", 5);
        cop__pen_version(&pen);
        cop__pen_atom(&pen, "x", 1);
        ends_with(&tray);
        cop__tray_free(&tray);
        stranger_begins(&pen, &tray, COP__CONTROL_LINK, 3);
        stranger_pid(&pen, EVIL, 7);
        stranger_pid(&pen, EVIL, 8);
        ends_with(&tray);
        cop__tray_free(&tray);
        reg_send(&pen, &tray);
        cop__pen_version(&pen);
        cop__pen_tuple(&pen, 3);
        ends_with(&tray);
        cop__tray_free(&tray);
}

/* Of each sort, with too few items and with enough. */
BESIEGED(a_control_message_about_nobody_ends_the_connection)
{
        static const uint8_t controls[] = { 1, 2, 3, 4, 6, 8, 19, 20, 21, 22, 29, 31, 33, 35, 36 };
        struct cop__tray tray;
        struct cop__pen pen;
        for (size_t i = 0; i < COP__COUNT(controls); i++)
                for (size_t count = 3; count <= 6; count++) {
                        stranger_begins(&pen, &tray, controls[i], count);
                        for (size_t j = 1; j < count; j++)
                                cop__pen_term(&pen, cop_nil());
                        ends_with(&tray);
                        cop__tray_free(&tray);
                }
}

static void put_ref(struct cop__pen *pen)
{
        cop__pen_bytes(pen, "Z\0\1", 3);
        cop__pen_atom(pen, EVIL, strlen(EVIL));
        cop__pen_word(pen, 4, 12345);
        cop__pen_word(pen, 4, 1);
}

BESIEGED(a_control_message_of_which_one_part_is_none_ends_the_connection)
{
        struct cop__tray tray;
        struct cop__pen pen;
        stranger_begins(&pen, &tray, COP__CONTROL_ALIAS_SEND, 3); /* with a message that ends too soon */
        stranger_pid(&pen, EVIL, 7);
        put_ref(&pen);
        cop__pen_version(&pen);
        cop__pen_tuple(&pen, 3);
        ends_with(&tray);
        cop__tray_free(&tray);
        stranger_begins(&pen, &tray, COP__CONTROL_UNLINK_ID, 4); /* with a number below zero */
        cop__pen_term(&pen, cop_int(-1));
        stranger_pid(&pen, EVIL, 7);
        cop__pen_pid(&pen, cop_self());
        ends_with(&tray);
        cop__tray_free(&tray);
        stranger_begins(&pen, &tray, COP__CONTROL_LINK, 3); /* with a node whose name is too long */
        cop__pen_bytes(&pen, "Xd\1\0", 4);
        for (int i = 0; i < 256; i++)
                cop__pen_byte(&pen, 0xe4);
        cop__pen_word(&pen, 4, 7);
        cop__pen_word(&pen, 8, 12345);
        cop__pen_pid(&pen, cop_self());
        ends_with(&tray);
        cop__tray_free(&tray);
}

/* As a process of Erlang's sends it while it is traced. */
BESIEGED(what_is_traced_over_there_arrives_without_its_token)
{
        struct cop__tray tray;
        struct cop__pen pen;
        int fd = stranger_calls(port, EVIL);
        ck_assert_int_eq(cop_register("witness", cop_self()), COP_OK);
        stranger_begins(&pen, &tray, COP__CONTROL_REG_SEND_TT, 5);
        stranger_pid(&pen, EVIL, 7);
        cop__pen_atom(&pen, "", 0);
        cop__pen_atom(&pen, "witness", 7);
        cop__pen_tuple(&pen, 2);
        cop__pen_integer(&pen, 1);
        cop__pen_integer(&pen, 2);
        cop__pen_version(&pen);
        cop__pen_tuple(&pen, 2);
        cop__pen_atom(&pen, "job", 3);
        cop__pen_integer(&pen, 5);
        stranger_says(fd, tray.data, tray.end);
        cop__tray_free(&tray);
        cop_auto message = await(COP_KIND(job));
        ck_assert_int_eq(cop_read(job, message)->number, 5);
        close(fd);
}

/* Whoever says so: the connection has its tables for itself. */
BESIEGED(a_connection_ends_when_it_has_and_not_when_somebody_says_so)
{
        cop_pid owner;
        int fd = stranger_calls(port, EVIL);
        struct cop__network *network = cop__network_here();
        await_true(cop__load_acquire(&network->peer_count) > 0);
        await_true(cop__peer_look(network->peers[0], &owner) == COP__PEER_UP);
        ck_assert_int_eq(cop_send("net_kernel", cop_down, .pid = owner, .reason = cop_atom("x")), COP_OK);
        settle_with(cop_whereis("net_kernel"));
        ck_assert_int_eq(cop__peer_look(network->peers[0], &owner), COP__PEER_UP);
        close(fd);
}

BESIEGED(a_frame_that_is_too_large_ends_the_connection_before_it_has_come)
{
        int fd = stranger_calls(port, EVIL);
        stranger_sends(fd, "\0\1\0\1", 4); /* one byte more than message_max */
        stranger_is_hung_up(fd);
        close(fd);
}

/* The connection stays: what comes after it arrives. */
BESIEGED(a_message_that_is_too_deep_is_dropped)
{
        struct cop__tray tray;
        struct cop__pen pen;
        int fd = stranger_calls(port, EVIL);
        reg_send(&pen, &tray);
        cop__pen_version(&pen);
        for (int i = 0; i < 1000; i++)
                cop__pen_tuple(&pen, 1);
        cop__pen_byte(&pen, 106);
        stranger_says(fd, tray.data, tray.end);
        cop__tray_free(&tray);
        ck_assert_int_eq(cop_register("witness", cop_self()), COP_OK);
        stranger_begins(&pen, &tray, COP__CONTROL_REG_SEND, 4);
        stranger_pid(&pen, EVIL, 7);
        cop__pen_atom(&pen, "", 0);
        cop__pen_atom(&pen, "witness", 7);
        cop__pen_version(&pen);
        cop__pen_tuple(&pen, 2);
        cop__pen_atom(&pen, "job", 3);
        cop__pen_integer(&pen, 5);
        stranger_says(fd, tray.data, tray.end);
        cop__tray_free(&tray);
        cop_auto message = await(COP_KIND(job));
        ck_assert_int_eq(cop_read(job, message)->number, 5);
        close(fd);
}

/* ---- Anything ------------------------------------------------------------------------------------ */

/* One of all that may come, then some of its bytes are others. */
static void make_frame(struct cop__pen *pen, struct cop__tray *tray, uint64_t *random)
{
        static const uint8_t controls[] = { 1, 2, 3, 4, 6, 8, 19, 20, 21, 22, 29, 31, 33, 35, 36 };
        unsigned control = controls[cop__random_below(random, COP__COUNT(controls))];
        unsigned count = 3 + cop__random_below(random, 4);
        stranger_begins(pen, tray, control, count);
        for (unsigned i = 1; i < count; i++) {
                switch (control == COP__CONTROL_SPAWN_REQUEST && i == 4 ? 5 : cop__random_below(random, 5)) {
                case 5:
                        cop__pen_term(pen, COP_TUPLE(cop_atom("coppice"), cop_atom("clerk"), cop_int(1)));
                        break;
                case 0:
                        cop__pen_atom(pen, "clerk", 5);
                        break;
                case 1:
                        cop__pen_byte(pen, 90);
                        cop__pen_word(pen, 2, 1 + cop__random_below(random, 5));
                        cop__pen_atom(pen, EVIL, strlen(EVIL));
                        for (int j = 0; j < 6; j++)
                                cop__pen_word(pen, 4, cop__random_below(random, 3));
                        break;
                case 2:
                        cop__pen_integer(pen, cop__random_next(random));
                        break;
                default:
                        stranger_pid(pen, EVIL, cop__random_below(random, 4));
                        break;
                }
        }
        cop__pen_version(pen);
        cop__pen_tuple(pen, 2);
        cop__pen_atom(pen, "job", 3);
        cop__pen_integer(pen, cop__random_next(random));
        for (uint32_t i = cop__random_below(random, 3); i > 0; i--)
                tray->data[tray->start + cop__random_below(random, (uint32_t)cop__tray_waiting(tray))] =
                        (uint8_t)cop__random_next(random);
}

BESIEGED(whatever_comes_the_node_goes_on)
{
        struct cop__tray tray;
        struct cop__pen pen;
        uint64_t random = 7;
        for (int i = 0; i < (suite_is_slow() ? 60 : 300); i++) {
                char name[32];
                snprintf(name, sizeof(name), "evil%d@127.0.0.1", i % 20);
                int fd = stranger_calls(port, i % 2 ? EVIL : name);
                for (int j = 0; j < 20; j++) {
                        make_frame(&pen, &tray, &random);
                        uint8_t head[4] = { 0, 0, (uint8_t)(tray.end >> 8), (uint8_t)tray.end };
                        bool open = send(fd, head, 4, MSG_NOSIGNAL) == 4 &&
                                    send(fd, tray.data, tray.end, MSG_NOSIGNAL) == (ssize_t)tray.end;
                        cop__tray_free(&tray);
                        if (!open)
                                break;
                }
                shutdown(fd, SHUT_WR);
                stranger_is_hung_up(fd);
                close(fd);
                await_true(cop_disconnect(i % 2 ? EVIL : name) == COP_E_NOT_FOUND);
        }
}
