/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Handshakes in their rarer forms: with who calls, and with who is called. */
#include "tests/stranger.h"

#include "distribution/peer.h"

#define THEM "them@127.0.0.1"
#define LESSER "0@127.0.0.1"
#define FLAGS (COP__CAN_ALL | COP__CAN_PUBLISHED)

static uint16_t port;

#define AT_HOME(claim)                                                                              \
        static void at_home_##claim(void);                                                          \
        TEST(claim)                                                                                 \
        {                                                                                           \
                NEEDS_THREADS();                                                                    \
                cop_node *node = node_begin((cop_node_options){ .name = "a" });                     \
                ck_assert_int_eq(distribute_with("a@127.0.0.1", (cop_distribution){ .port = 0 }, &port), COP_OK); \
                at_home_##claim();                                                                  \
                close(stranger_calls(port, "friend@127.0.0.1"));                                    \
                node_end(node);                                                                     \
        }                                                                                           \
        static void at_home_##claim(void)

static void says_packet(int fd, const void *bytes, size_t size)
{
        const uint8_t head[2] = { (uint8_t)(size >> 8), (uint8_t)size };
        stranger_sends(fd, head, sizeof(head));
        stranger_sends(fd, bytes, size);
}

static void hears_word(int fd, const char *word)
{
        uint8_t packet[512];
        ck_assert_uint_eq(stranger_hears(fd, packet), strlen(word));
        ck_assert_int_eq(memcmp(packet, word, strlen(word)), 0);
}

/* At once, and not when its time is over: it says nothing more. */
static void is_hung_up_without_a_word(int fd)
{
        uint8_t byte;
        ck_assert(!stranger_reads(fd, &byte, 1));
        close(fd);
}

/* ---- Who calls ------------------------------------------------------------------------------- */

/* As far as the challenge, which is returned. */
static uint32_t is_challenged(int fd, const char *name)
{
        uint8_t packet[512];
        stranger_introduces(fd, name, FLAGS);
        hears_word(fd, "sok");
        ck_assert_uint_ge(stranger_hears(fd, packet), 19);
        return stranger_word(packet + 9);
}

/* It says no more; whatever is missing does not come. */
static void is_given_up(int fd)
{
        shutdown(fd, SHUT_WR);
        stranger_is_hung_up(fd);
        close(fd);
}

AT_HOME(who_calls_and_goes_anywhere_in_between_is_hung_up_on)
{
        uint8_t introduction[17 + sizeof(THEM) - 1] = { 0, 15 + sizeof(THEM) - 1, 'N', 0, 0, 0, 0, 1, 4, 7, 0x9f, 0, 0, 0, 1, 0,
                                                       sizeof(THEM) - 1 }, reply[23] = { 0, 21, 'r', 0, 0, 0, 7 };
        memcpy(introduction + 17, THEM, sizeof(THEM) - 1);
        for (size_t size = 0; size < sizeof(introduction); size++) {
                int fd = stranger_socket(port);
                stranger_sends(fd, introduction, size);
                is_given_up(fd);
        }
        for (size_t size = 0; size < sizeof(reply); size++) {
                int fd = stranger_socket(port);
                stranger_digest(COOKIE, is_challenged(fd, THEM), reply + 7);
                stranger_sends(fd, reply, size);
                is_given_up(fd);
        }
}

AT_HOME(a_reply_that_is_none_is_hung_up_on_though_its_digest_is_right)
{
        static const struct {
                char tag;
                size_t size;
        } replies[] = { { 'a', 21 }, { 'r', 20 }, { 'r', 22 }, { 'r', 4 }, { 'r', 1 } };
        for (size_t i = 0; i < COP__COUNT(replies); i++) {
                uint8_t reply[22] = { (uint8_t)replies[i].tag, 0, 0, 0, 7 };
                int fd = stranger_socket(port);
                stranger_digest(COOKIE, is_challenged(fd, THEM), reply + 5);
                says_packet(fd, reply, replies[i].size);
                stranger_is_hung_up(fd);
                close(fd);
        }
}

/* One that shows that it knows the cookie, too. */
AT_HOME(a_challenge_is_answered_with_the_cookie_and_another_ends_nothing)
{
        uint8_t packet[512], reply[21] = { 'r', 0, 0, 0, 7 }, digest[COP__MD5_SIZE];
        int fd = stranger_socket(port);
        uint32_t first = is_challenged(fd, THEM);
        stranger_digest(COOKIE, first, reply + 5);
        says_packet(fd, reply, sizeof(reply));
        ck_assert_uint_eq(stranger_hears(fd, packet), 17);
        ck_assert_int_eq(packet[0], 'a');
        stranger_digest(COOKIE, 7, digest);
        ck_assert_int_eq(memcmp(packet + 1, digest, sizeof(digest)), 0);
        int other = stranger_socket(port);
        ck_assert_uint_ne(is_challenged(other, "other@127.0.0.1"), first);
        stranger_digest(COOKIE, first, reply + 5); /* what was right for the one before */
        says_packet(other, reply, sizeof(reply));
        stranger_is_hung_up(other);
        close(other);
        close(fd);
}

/* ---- Who calls although it is up ------------------------------------------------------------------ */

static void await_up(void)
{
        cop_pid owner;
        struct cop__network *network = cop__network_here();
        await_true(cop__load_acquire(&network->peer_count) > 0);
        await_true(cop__peer_look(network->peers[0], &owner) == COP__PEER_UP);
}

/* It has lost the connection that there is, or somebody else says so. */
static int is_alive(void)
{
        int fd = stranger_socket(port);
        stranger_introduces(fd, THEM, FLAGS);
        hears_word(fd, "salive");
        return fd;
}

AT_HOME(who_does_not_insist_on_being_another_connection_is_none)
{
        int up = stranger_calls(port, THEM);
        await_up();
        ck_assert_int_eq(cop_nodes_subscribe(), COP_OK);
        int fd = is_alive();
        says_packet(fd, "sfalse", 6);
        is_hung_up_without_a_word(fd);
        fd = is_alive();
        says_packet(fd, "true", 4);
        is_hung_up_without_a_word(fd);
        is_given_up(is_alive());
        fd = is_alive();
        says_packet(fd, "strue", 5);
        is_given_up(fd);
        nothing_has_come();
        close(up);
        await_and_drop(COP_KIND(cop_node_down));
}

AT_HOME(who_comes_back_before_its_end_was_noticed_takes_the_place_of_what_it_was)
{
        uint8_t packet[512], reply[21] = { 'r', 0, 0, 0, 7 };
        int up = stranger_calls(port, THEM);
        await_up();
        ck_assert_int_eq(cop_nodes_subscribe(), COP_OK);
        int fd = is_alive();
        says_packet(fd, "strue", 5);
        ck_assert_uint_ge(stranger_hears(fd, packet), 19);
        stranger_digest(COOKIE, stranger_word(packet + 9), reply + 5);
        says_packet(fd, reply, sizeof(reply));
        ck_assert_uint_eq(stranger_hears(fd, packet), 17);
        stranger_is_hung_up(up);
        close(up);
        cop_auto down = await(COP_ANY);
        ck_assert_str_eq(text_of(cop_read(cop_node_down, down)->reason), "replaced");
        cop_auto again = await(COP_ANY);
        ck_assert(cop_read(cop_node_up, again) != NULL);
        close(fd);
        await_and_drop(COP_KIND(cop_node_down));
}

/* ---- Who is called ------------------------------------------------------------------------------------ */

static int stranger_listens(uint16_t *at_port)
{
        struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof(at);
        int ear = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(bind(ear, (struct sockaddr *)&at, sizeof(at)), 0);
        ck_assert_int_eq(listen(ear, 8), 0);
        ck_assert_int_eq(getsockname(ear, (struct sockaddr *)&at, &size), 0);
        *at_port = ntohs(at.sin_port);
        return ear;
}

/* What it answers, as far as it is let. */
struct answers {
        const char *status; /* NULL: it hangs up instead */
        const char *name;   /* in what it says of itself; NULL as above */
        const char *tag;    /* of that */
        uint64_t flags;
        const char *cookie; /* NULL: it hangs up instead of showing it */
        const char *last;   /* the tag of that */
        size_t cut;         /* bytes that are missing of the last */
};

static void introduces_with_challenge(int fd, const struct answers *answers)
{
        struct cop__tray tray = { 0 };
        struct cop__pen pen = { .tray = &tray };
        cop__pen_byte(&pen, (unsigned char)answers->tag[0]);
        cop__pen_word(&pen, 8, answers->flags);
        cop__pen_word(&pen, 4, 99);
        cop__pen_word(&pen, 4, 12345);
        cop__pen_word(&pen, 2, strlen(answers->name));
        cop__pen_bytes(&pen, answers->name, strlen(answers->name));
        says_packet(fd, tray.data, tray.end);
        cop__tray_free(&tray);
}

/* The node has called. */
static int picks_up(int ear)
{
        uint8_t packet[512];
        int fd = accept(ear, NULL, NULL);
        ck_assert_int_ge(fd, 0);
        ck_assert_uint_eq(stranger_hears(fd, packet), 15 + strlen("a@127.0.0.1"));
        ck_assert_int_eq(packet[0], 'N');
        return fd;
}

/* False: it is hung up on, or has hung up. */
static bool answers_call(int fd, const struct answers *answers)
{
        uint8_t packet[512], digest[COP__MD5_SIZE], last[1 + COP__MD5_SIZE];
        if (answers->status == NULL)
                return false;
        says_packet(fd, answers->status, strlen(answers->status));
        if (strcmp(answers->status, "salive") == 0)
                hears_word(fd, "strue");
        if (answers->name == NULL)
                return false;
        introduces_with_challenge(fd, answers);
        if (stranger_hears(fd, packet) != 21)
                return false;
        stranger_digest(COOKIE, 99, digest);
        ck_assert_int_eq(packet[0], 'r');
        ck_assert_int_eq(memcmp(packet + 5, digest, sizeof(digest)), 0);
        if (answers->cookie == NULL)
                return false;
        last[0] = (uint8_t)answers->last[0];
        stranger_digest(answers->cookie, stranger_word(packet + 1), last + 1);
        says_packet(fd, last, sizeof(last) - answers->cut);
        return true;
}

static void hears_monitor(int fd)
{
        cop_term said, message;
        stranger_hears_control(fd, COP__CONTROL_MONITOR, &said, &message);
        cop_term_free(said);
        cop_term_free(message);
}

static cop_ref watches_somebody(const char *node, int ear_port)
{
        cop_ref ref;
        ck_assert_int_eq(cop_node_is_at(node, NULL, (uint16_t)ear_port), COP_OK);
        ck_assert_int_eq(cop_monitor(cop_at("somebody", node), &ref), COP_OK);
        return ref;
}

AT_HOME(who_is_called_may_answer_in_any_of_the_right_ways)
{
        static const char *const words[] = { "sok", "sok_simultaneous", "salive" };
        uint16_t at_port;
        int ear = stranger_listens(&at_port);
        for (size_t i = 0; i < COP__COUNT(words); i++) {
                cop_ref ref = watches_somebody(THEM, at_port);
                int fd = picks_up(ear);
                ck_assert(answers_call(fd, &(struct answers){ words[i], THEM, "N", FLAGS, COOKIE, "a", 0 }));
                hears_monitor(fd);
                close(fd);
                await_down(ref, "noconnection");
                await_true(cop_disconnect(THEM) == COP_E_NOT_FOUND);
        }
        close(ear);
}

AT_HOME(who_is_called_and_answers_anything_else_is_hung_up_on)
{
        static const struct answers wrong[] = {
                { "nok", THEM, "N", FLAGS, COOKIE, "a", 0 },
                { "s", THEM, "N", FLAGS, COOKIE, "a", 0 },
                { "snot_allowed", THEM, "N", FLAGS, COOKIE, "a", 0 },
                { "sok_or_not", THEM, "N", FLAGS, COOKIE, "a", 0 },
                { "sok", THEM, "n", FLAGS, COOKIE, "a", 0 },
                { "sok", "others@127.0.0.1", "N", FLAGS, COOKIE, "a", 0 },
                { "sok", "them", "N", FLAGS, COOKIE, "a", 0 },
                { "sok", THEM, "N", FLAGS & ~(COP__CAN_V4 | COP__CAN_ALL_OF_25), COOKIE, "a", 0 },
                { "sok", THEM, "N", FLAGS, "a guess", "a", 0 },
                { "sok", THEM, "N", FLAGS, COOKIE, "r", 0 },
                { "sok", THEM, "N", FLAGS, COOKIE, "a", 1 },
        };
        uint16_t at_port;
        int ear = stranger_listens(&at_port);
        stranger_may_be_hung_up_on = true;
        for (size_t i = 0; i < COP__COUNT(wrong); i++) {
                cop_ref ref = watches_somebody(THEM, at_port);
                int fd = picks_up(ear);
                answers_call(fd, &wrong[i]);
                stranger_is_hung_up(fd);
                close(fd);
                await_down(ref, "noconnection");
        }
        close(ear);
}

AT_HOME(who_is_called_and_goes_anywhere_in_between_is_hung_up_on)
{
        static const struct answers cut[] = {
                { .status = NULL },
                { "sok", NULL, NULL, 0, NULL, NULL, 0 },
                { "salive", NULL, NULL, 0, NULL, NULL, 0 },
                { "sok", THEM, "N", FLAGS, NULL, NULL, 0 },
        };
        uint16_t at_port;
        int ear = stranger_listens(&at_port);
        for (size_t i = 0; i < COP__COUNT(cut); i++) {
                cop_ref ref = watches_somebody(THEM, at_port);
                int fd = picks_up(ear);
                answers_call(fd, &cut[i]);
                is_given_up(fd);
                await_down(ref, "noconnection");
        }
        close(ear);
}

/* ---- Both at once -------------------------------------------------------------------------------------------- */

/* Of two calls that of the node with the greater name counts. */
AT_HOME(who_has_the_greater_name_calls_and_the_call_of_the_other_is_given_up)
{
        uint16_t at_port;
        int ear = stranger_listens(&at_port);
        cop_ref ref = watches_somebody(THEM, at_port);
        int theirs = picks_up(ear), fd = stranger_socket(port);
        uint8_t packet[512], reply[21] = { 'r', 0, 0, 0, 7 };
        stranger_introduces(fd, THEM, FLAGS);
        hears_word(fd, "sok_simultaneous");
        ck_assert_uint_ge(stranger_hears(fd, packet), 19);
        stranger_digest(COOKIE, stranger_word(packet + 9), reply + 5);
        says_packet(fd, reply, sizeof(reply));
        ck_assert_uint_eq(stranger_hears(fd, packet), 17);
        hears_monitor(fd); /* which was meant for the other */
        stranger_is_hung_up(theirs);
        close(theirs);
        close(fd);
        close(ear);
        await_down(ref, "noconnection");
}

AT_HOME(who_has_the_lesser_name_is_told_that_it_is_called)
{
        uint16_t at_port;
        int ear = stranger_listens(&at_port);
        cop_ref ref = watches_somebody(LESSER, at_port);
        int theirs = picks_up(ear), fd = stranger_socket(port);
        stranger_introduces(fd, LESSER, FLAGS);
        hears_word(fd, "snok");
        stranger_is_hung_up(fd);
        close(fd);
        ck_assert(answers_call(theirs, &(struct answers){ "sok", LESSER, "N", FLAGS, COOKIE, "a", 0 }));
        hears_monitor(theirs);
        close(theirs);
        close(ear);
        await_down(ref, "noconnection");
}

/* It says so before its own call has come. */
AT_HOME(who_is_refused_for_a_call_of_the_others_waits_for_that)
{
        uint16_t at_port;
        int ear = stranger_listens(&at_port);
        cop_ref ref = watches_somebody(THEM, at_port);
        int theirs = picks_up(ear);
        says_packet(theirs, "snok", 4);
        int fd = stranger_socket(port);
        uint8_t packet[512], reply[21] = { 'r', 0, 0, 0, 7 };
        stranger_introduces(fd, THEM, FLAGS);
        hears_word(fd, "sok_simultaneous");
        ck_assert_uint_ge(stranger_hears(fd, packet), 19);
        stranger_digest(COOKIE, stranger_word(packet + 9), reply + 5);
        says_packet(fd, reply, sizeof(reply));
        ck_assert_uint_eq(stranger_hears(fd, packet), 17);
        hears_monitor(fd);
        stranger_is_hung_up(theirs);
        close(theirs);
        close(fd);
        close(ear);
        await_down(ref, "noconnection");
}
