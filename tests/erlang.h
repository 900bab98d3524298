/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A node of Erlang's, and one of ours that knows it through a port mapper of their own.
 *
 *      WITH_ERLANG(a_gen_server_is_called)
 *      {
 *              ...
 *      }
 *
 * The Erlang node runs tests/erlang_peer.erl; without Erlang the claim has nothing to show, and holds.
 */
#ifndef TESTS_ERLANG_H
#define TESTS_ERLANG_H

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/pair.h"

#define THEM "them@127.0.0.1"

struct erlang {
        cop_node *node;
        pid_t epmd, them;
        uint16_t epmd_port;
};

/* One that is free now. */
static inline uint16_t erlang_free_port(void)
{
        struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof(at);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
        ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &size), 0);
        close(fd);
        return ntohs(at.sin_port);
}

static inline pid_t erlang_run(uint16_t epmd_port, char *const words[])
{
        char port[8];
        snprintf(port, sizeof(port), "%u", epmd_port);
        pid_t pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid != 0)
                return pid;
        setenv("ERL_EPMD_PORT", port, 1);
        setenv("ERL_EPMD_ADDRESS", "127.0.0.1", 1);
        int nothing = open("/dev/null", O_RDWR);
        for (int fd = 0; fd < 3; fd++)
                dup2(nothing, fd);
        execvp(words[0], words);
        _exit(127);
}

static inline bool erlang_is_there(void)
{
        return system("{ command -v erl && command -v epmd && command -v erlc; } >/dev/null 2>&1") == 0 &&
               access("tests/erlang_peer.erl", R_OK) == 0;
}

/* Until their node is up, which takes a moment. */
static inline void erlang_connect(void)
{
        uint64_t until_ns = cop__clock_ns() + (uint64_t)PATIENCE_MS * COP__NS_PER_MS;
        while (cop_connect(THEM, PATIENCE_MS) != COP_OK) {
                ck_assert_msg(cop__clock_ns() < until_ns, "Erlang's node is never up");
                cop_sleep(100);
        }
        while (cop_call_term(NULL, cop_at("peer", THEM), PATIENCE_MS, cop_atom("ping")) != COP_OK) {
                ck_assert_msg(cop__clock_ns() < until_ns, "Erlang's server is never up");
                cop_sleep(100);
        }
}

static inline bool erlang_begin(struct erlang *erlang)
{
        uint16_t port = 0;
        if (!erlang_is_there())
                return false;
        char directory[64], start[256];
        snprintf(directory, sizeof(directory), "/tmp/coppice_erlang.%d", (int)getpid());
        snprintf(start, sizeof(start), "mkdir -p %s && erlc -o %s tests/erlang_peer.erl", directory, directory);
        ck_assert_int_eq(system(start), 0);
        erlang->epmd_port = erlang_free_port();
        char *epmd[] = { "epmd", NULL };
        erlang->epmd = erlang_run(erlang->epmd_port, epmd);
        char *them[] = { "erl", "-noinput", "-name", THEM, "-setcookie", COOKIE, "-kernel", "inet_dist_use_interface",
                        "{127,0,0,1}",
                         "-pa", directory, "-s", "erlang_peer", NULL };
        erlang->them = erlang_run(erlang->epmd_port, them);
        erlang->node = node_begin((cop_node_options){ .name = "us" });
        uint64_t until_ns = cop__clock_ns() + (uint64_t)PATIENCE_MS * COP__NS_PER_MS;
        while (distribute_with("us@127.0.0.1", (cop_distribution){ .epmd_port = erlang->epmd_port }, &port) != COP_OK) {
                ck_assert_msg(cop__clock_ns() < until_ns, "epmd is never up");
                cop_sleep(50);
        }
        erlang_connect();
        return true;
}

static inline void erlang_kill(pid_t pid)
{
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
}

static inline void erlang_end(struct erlang *erlang)
{
        char clean[96];
        node_end(erlang->node);
        erlang_kill(erlang->them);
        erlang_kill(erlang->epmd);
        snprintf(clean, sizeof(clean), "rm -rf /tmp/coppice_erlang.%d", (int)getpid());
        ck_assert_int_eq(system(clean), 0);
}

/* What their server answers to a term, as text. */
static inline const char *ask(cop_term request)
{
        cop_message *reply = NULL;
        cop_status status = cop_call_term(&reply, cop_at("peer", THEM), PATIENCE_MS, request);
        ck_assert_msg(status == COP_OK, "%s: %s", text_of(request), cop_status_text(status));
        const char *text = "";
        cop_term term;
        ck_assert_int_eq(cop__kind_to_term(cop_message_kind(reply), cop_message_body(reply), &term), COP_OK);
        text = cop_is_tuple(term, "cop_any", 2) ? text_of(term.as.items[1]) : text_of(term);
        cop_term_free(term);
        cop_message_free(reply);
        return text;
}

#define WITH_ERLANG(claim)                                                      \
        static void with_erlang_##claim(struct erlang *erlang);                 \
        TEST_WITHIN(claim, 60)                                                  \
        {                                                                       \
                struct erlang erlang;                                           \
                NEEDS_THREADS();                                                \
                if (!erlang_begin(&erlang))                                     \
                        return;                                                 \
                with_erlang_##claim(&erlang);                                   \
                erlang_end(&erlang);                                            \
        }                                                                       \
        static void with_erlang_##claim(__attribute__((unused)) struct erlang *erlang)

#endif
