/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A stranger: a bare socket that says to a node whatever a test wants it to say.
 *
 *      int socket = stranger_calls(port, "evil@127.0.0.1");
 *      stranger_says(socket, frame, size);
 */
#ifndef TESTS_STRANGER_H
#define TESTS_STRANGER_H

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
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
        int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
        ck_assert_int_eq(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), 0);
        return fd;
}

/* A test in which it may be hung up on at any moment says so. */
static bool stranger_may_be_hung_up_on;

static inline void stranger_sends(int fd, const void *bytes, size_t size)
{
        ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);
        if (!stranger_may_be_hung_up_on)
                ck_assert_int_eq(sent, (ssize_t)size);
}

static inline uint32_t stranger_word(const uint8_t *bytes)
{
        return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
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

/* What proves that it knows the cookie. */
static inline void stranger_digest(const char *cookie, uint32_t challenge, uint8_t digest[COP__MD5_SIZE])
{
        char text[128];
        snprintf(text, sizeof(text), "%s%u", cookie, challenge);
        cop__md5(text, strlen(text), digest);
}

/* Shakes hands as far as it gets; false: it is hung up on. */
static inline bool stranger_shakes_hands_as(int fd, const char *name, const char *cookie, uint64_t flags)
{
        uint8_t packet[512], answer[23] = { 0, 21, 'r', 0, 0, 0, 7 };
        stranger_introduces(fd, name, flags);
        size_t size = stranger_hears(fd, packet);
        if (size == 6 && memcmp(packet, "salive", 6) == 0) /* the end of its last connection is told before it is over */
                stranger_sends(fd, "\0\5strue", 7);
        else if (size == 0 || memcmp(packet, "sok", 3) != 0)
                return false;
        size = stranger_hears(fd, packet);
        if (size < 19 || packet[0] != 'N')
                return false;
        stranger_digest(cookie, stranger_word(packet + 9), answer + 7);
        stranger_sends(fd, answer, sizeof(answer));
        return stranger_hears(fd, packet) == 17 && packet[0] == 'a';
}

static inline bool stranger_shakes_hands(int fd, const char *name, const char *cookie)
{
        return stranger_shakes_hands_as(fd, name, cookie, COP__CAN_ALL | COP__CAN_PUBLISHED);
}

static inline int stranger_calls_as(uint16_t port, const char *name, uint64_t flags)
{
        int fd = stranger_socket(port);
        ck_assert_msg(stranger_shakes_hands_as(fd, name, COOKIE, flags), "%s is not let in", name);
        return fd;
}

static inline int stranger_calls(uint16_t port, const char *name)
{
        return stranger_calls_as(port, name, COP__CAN_ALL | COP__CAN_PUBLISHED);
}

/* A frame with its size in front. */
static inline void stranger_says(int fd, const void *frame, size_t size)
{
        uint8_t head[4] = { (uint8_t)(size >> 24), (uint8_t)(size >> 16), (uint8_t)(size >> 8), (uint8_t)size };
        stranger_sends(fd, head, sizeof(head));
        if (size > 0)
                stranger_sends(fd, frame, size);
}

/* ---- Control messages --------------------------------------------------------------------- */

/* One of `count` items begins, the first of which it is. Its pen knows what the node of the test knows. */
static inline void stranger_begins(struct cop__pen *pen, struct cop__tray *tray, unsigned control, size_t count)
{
        *tray = (struct cop__tray){ 0 };
        *pen = (struct cop__pen){ .tray = tray, .network = cop__network_here() };
        cop__pen_byte(pen, COP__PASS_THROUGH);
        cop__pen_version(pen);
        cop__pen_tuple(pen, count);
        cop__pen_integer(pen, control);
}

static inline void stranger_pid(struct cop__pen *pen, const char *node, uint32_t id)
{
        cop__pen_byte(pen, 88);
        cop__pen_atom(pen, node, strlen(node));
        cop__pen_word(pen, 4, id);
        cop__pen_word(pen, 4, 0);
        cop__pen_word(pen, 4, 12345);
}

/* Says what has been written, and frees it. */
static inline void stranger_ends(int fd, struct cop__pen *pen)
{
        ck_assert_int_eq(pen->status, COP_OK);
        stranger_says(fd, pen->tray->data, pen->tray->end);
        cop__tray_free(pen->tray);
}

/*
 * The next frame; false: it has hung up. The caller ends both terms. The second is [] if there is no message, and both are of a tick.
 */
static inline bool stranger_hears_frame(int fd, cop_term *control, cop_term *message)
{
        uint8_t head[4];
        struct cop__reader reader;
        cop_term term;
        *control = *message = cop_nil();
        if (!stranger_reads(fd, head, sizeof(head)))
                return false;
        size_t size = stranger_word(head);
        if (size == 0)
                return true;
        uint8_t *bytes = malloc(size);
        ck_assert_ptr_nonnull(bytes);
        if (!stranger_reads(fd, bytes, size)) {
                free(bytes);
                return false;
        }
        ck_assert_int_eq(bytes[0], COP__PASS_THROUGH);
        cop__reader_begin(&reader, cop__network_here(), bytes + 1, size - 1, (size_t)1 << 24);
        ck_assert_int_eq(cop__reader_term(&reader, &term), COP_OK);
        ck_assert_int_eq(cop_term_copy(term, control), COP_OK);
        if (reader.at < reader.end) {
                ck_assert_int_eq(cop__reader_term(&reader, &term), COP_OK);
                ck_assert_int_eq(cop_term_copy(term, message), COP_OK);
        }
        cop__reader_end(&reader);
        free(bytes);
        return true;
}

/* The next of that sort; what comes before it is passed over. False: it has hung up. */
static inline bool stranger_hears_control(int fd, unsigned control, cop_term *said, cop_term *message)
{
        while (stranger_hears_frame(fd, said, message)) {
                if (said->type == COP_TERM_TUPLE && said->as.items[0].as.integer == (int64_t)control)
                        return true;
                cop_term_free(*said);
                cop_term_free(*message);
        }
        ck_assert_msg(stranger_may_be_hung_up_on, "it has hung up");
        return false;
}

#endif
