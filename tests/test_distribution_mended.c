/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* What once went wrong between nodes, and does no more. */
#define _GNU_SOURCE
#include "tests/stranger.h"

#include "distribution/peer.h"

#define B "b@127.0.0.1"

typedef struct { int64_t unused; } echo;

static void echo_any(echo *self, const cop_any *any)
{
        (void)self;
        if (!cop_is_atom(any->term, "silent"))
                cop_reply(cop_any, .term = any->term);
}

COP_SERVER(echo, COP_ON(cop_any, echo_any));

static void grow_echo(struct pair *pair)
{
        visit(pair->b);
        cop_spawn_server(&echo_server, "echo");
        visit(pair->a);
}

static void echoes_at_b(void)
{
        ck_assert_int_eq(cop_call_term(NULL, cop_at("echo", B), PATIENCE_MS, cop_atom("who")), COP_OK);
}

/* ---- A stranger who is called --------------------------------------------------------------- */

static int stranger_listens(uint16_t *port)
{
        struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof(at);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
        ck_assert_int_eq(listen(fd, 8), 0);
        ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &size), 0);
        *port = ntohs(at.sin_port);
        return fd;
}

/* Who has called is heard, up to its introduction. */
static int stranger_is_called(int listener)
{
        uint8_t packet[512];
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_gt(stranger_hears(fd, packet), 15);
        return fd;
}

/* The rest: `word`, the challenge, the digest. False: it hangs up. */
static bool stranger_lets_in(int fd, const char *name, const char *word)
{
        struct cop__tray tray = { 0 };
        struct cop__pen pen = { .tray = &tray };
        uint8_t packet[512], digest[16];
        char text[64];
        cop__pen_word(&pen, 2, 1 + strlen(word));
        cop__pen_byte(&pen, 's');
        cop__pen_bytes(&pen, word, strlen(word));
        cop__pen_word(&pen, 2, 19 + strlen(name));
        cop__pen_byte(&pen, 'N');
        cop__pen_word(&pen, 8, COP__CAN_ALL | COP__CAN_PUBLISHED);
        cop__pen_word(&pen, 4, 7);
        cop__pen_word(&pen, 4, 12345);
        cop__pen_word(&pen, 2, strlen(name));
        cop__pen_bytes(&pen, name, strlen(name));
        bool sent = send(fd, tray.data, tray.end, MSG_NOSIGNAL) == (ssize_t)tray.end;
        cop__tray_free(&tray);
        if (!sent || stranger_hears(fd, packet) != 21)
                return false;
        uint32_t challenge = (uint32_t)packet[1] << 24 | (uint32_t)packet[2] << 16 | (uint32_t)packet[3] << 8 | packet[4];
        snprintf(text, sizeof(text), "%s%u", COOKIE, challenge);
        cop__md5(text, strlen(text), digest);
        return send(fd, "\0\21a", 3, MSG_NOSIGNAL) == 3 && send(fd, digest, 16, MSG_NOSIGNAL) == 16;
}

static void stranger_is_told(int fd, const char *word)
{
        uint8_t packet[512] = { 0 };
        size_t size = stranger_hears(fd, packet);
        ck_assert_int_eq(size, strlen(word));
        ck_assert_int_eq(memcmp(packet, word, size), 0);
}

static bool is_connected(const char *node)
{
        cop_term nodes;
        ck_assert_int_eq(cop_nodes(&nodes), COP_OK);
        bool is = strstr(text_of(nodes), node) != NULL;
        cop_term_free(nodes);
        return is;
}

/* ---- Without the cookie ----------------------------------------------------------------------- */

PAIR(who_says_it_is_a_node_that_is_down_and_no_more_keeps_nothing_from_it)
{
        grow_echo(pair);
        int fd = stranger_socket(pair->port_a);
        stranger_introduces(fd, B, COP__CAN_ALL);
        stranger_is_told(fd, "sok");
        echoes_at_b();
        close(fd);
}

/* The greater name's attempt counts, if it is the greater name's. */
PAIR(a_call_of_ours_is_not_given_up_for_who_has_not_shown_the_cookie)
{
        uint16_t port;
        int listener = stranger_listens(&port);
        ck_assert_int_eq(cop_node_is_at(B, NULL, port), COP_OK);
        ck_assert_int_eq(cop_send(cop_at("echo", B), cop_any, .term = cop_atom("hello")), COP_OK);
        int good = stranger_is_called(listener), evil = stranger_socket(pair->port_a);
        stranger_introduces(evil, B, COP__CAN_ALL);
        stranger_is_told(evil, "sok_simultaneous");
        ck_assert_msg(stranger_lets_in(good, B, "ok"), "it was given up");
        await_true(is_connected(B));
        close(evil);
        close(good);
        close(listener);
}
