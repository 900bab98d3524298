/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A stranger: a bare socket that says to a node whatever a test wants it to say.
 *
 *      int socket = stranger_calls(port, "evil@127.0.0.1", COOKIE);
 *      stranger_says(socket, frame, size);
 */
#ifndef TESTS_STRANGER_H
#define TESTS_STRANGER_H

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "distribution/external.h"
#include "distribution/md5.h"
#include "distribution/wire.h"
#include "tests/pair.h"

static inline int stranger_socket(uint16_t port)
{
        struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
        return fd;
}

static inline void stranger_sends(int fd, const void *bytes, size_t size)
{
        ck_assert_int_eq(send(fd, bytes, size, MSG_NOSIGNAL), (ssize_t)size);
}

/* Exactly so much; false: the other side has hung up. */
static inline bool stranger_reads(int fd, void *bytes, size_t size)
{
        for (size_t at = 0; at < size;) {
                ssize_t got = recv(fd, (char *)bytes + at, size - at, 0);
                if (got <= 0)
                        return false;
                at += (size_t)got;
        }
        return true;
}

/* The next packet of a handshake; 0: hung up. */
static inline size_t stranger_hears(int fd, uint8_t packet[512])
{
        uint8_t head[2];
        if (!stranger_reads(fd, head, 2))
                return 0;
        size_t size = (size_t)head[0] << 8 | head[1];
        ck_assert_int_le(size, 512);
        return stranger_reads(fd, packet, size) ? size : 0;
}

/* It hangs up: nothing comes any more, whatever came before. */
static inline void stranger_is_hung_up(int fd)
{
        uint8_t byte;
        struct pollfd news = { .fd = fd, .events = POLLIN };
        while (poll(&news, 1, PATIENCE_MS) == 1)
                if (recv(fd, &byte, 1, 0) <= 0)
                        return;
        ck_abort_msg("it does not hang up");
}

static inline void stranger_introduces(int fd, const char *name, uint64_t flags)
{
        struct cop__tray tray = { 0 };
        struct cop__pen pen = { .tray = &tray };
        cop__pen_word(&pen, 2, 15 + strlen(name));
        cop__pen_byte(&pen, 'N');
        cop__pen_word(&pen, 8, flags);
        cop__pen_word(&pen, 4, 12345);
        cop__pen_word(&pen, 2, strlen(name));
        cop__pen_bytes(&pen, name, strlen(name));
        stranger_sends(fd, tray.data, tray.end);
        cop__tray_free(&tray);
}

/* Shakes hands as far as it gets; false: it is hung up on. */
static inline bool stranger_shakes_hands(int fd, const char *name, const char *cookie)
{
        uint8_t packet[512], answer[23] = { 0, 21, 'r', 0, 0, 0, 7 };
        char text[128];
        stranger_introduces(fd, name, COP__CAN_ALL | COP__CAN_PUBLISHED);
        size_t size = stranger_hears(fd, packet);
        if (size == 0 || memcmp(packet, "sok", 3) != 0)
                return false;
        size = stranger_hears(fd, packet);
        if (size < 19 || packet[0] != 'N')
                return false;
        uint32_t challenge = (uint32_t)packet[9] << 24 | (uint32_t)packet[10] << 16 | (uint32_t)packet[11] << 8 | packet[12];
        snprintf(text, sizeof(text), "%s%u", cookie, challenge);
        cop__md5(text, strlen(text), answer + 7);
        stranger_sends(fd, answer, sizeof(answer));
        return stranger_hears(fd, packet) == 17 && packet[0] == 'a';
}

static inline int stranger_calls(uint16_t port, const char *name)
{
        int fd = stranger_socket(port);
        ck_assert_msg(stranger_shakes_hands(fd, name, COOKIE), "%s is not let in", name);
        return fd;
}

/* A frame with its size in front. */
static inline void stranger_says(int fd, const void *frame, size_t size)
{
        uint8_t head[4] = { (uint8_t)(size >> 24), (uint8_t)(size >> 16), (uint8_t)(size >> 8), (uint8_t)size };
        stranger_sends(fd, head, sizeof(head));
        if (size > 0)
                stranger_sends(fd, frame, size);
}

#endif
