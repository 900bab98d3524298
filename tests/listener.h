/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* A socket of the claim's own that nodes call: an epmd, or another node, of which it says every word. */
#ifndef TESTS_LISTENER_H
#define TESTS_LISTENER_H

#include <poll.h>
#include <sys/socket.h>

#include "distribution/line.h"
#include "tests/node_fixture.h"

/* Where it is called, *port takes. */
static inline int listener(uint16_t *port)
{
        int ear = cop__listen_at("127.0.0.1", 0, port);
        ck_assert_int_ge(ear, 0);
        return ear;
}

static inline int next_caller(int ear)
{
        struct pollfd news = { .fd = ear, .events = POLLIN };
        ck_assert_int_eq(poll(&news, 1, PATIENCE_MS), 1);
        int fd = accept4(ear, NULL, NULL, SOCK_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        return fd;
}

#endif
