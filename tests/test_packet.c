/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Packets of the console's protocol on a socket pair.
 */
#include "shell/packet.h"
#include "actors/crossing.h" /* the other packets: a source may want both */

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/suite.h"

static void make_pair(int pair[2])
{
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
}

static void end_pair(const int pair[2])
{
        close(pair[0]);
        close(pair[1]);
}

/* What reading finds behind these bytes; with `ends`, nothing follows them. */
static enum cop__packet_status read_behind(const char *bytes, size_t size, bool ends,
                                           int64_t patience_ms)
{
        struct cop__packet packet;
        int pair[2];
        make_pair(pair);
        ck_assert_int_eq(send(pair[0], bytes, size, MSG_NOSIGNAL), (ssize_t)size);
        if (ends)
                shutdown(pair[0], SHUT_WR);
        enum cop__packet_status status = cop__packet_read(pair[1], 100, patience_ms, &packet);
        if (status == COP__PACKET_READ)
                free(packet.body);
        end_pair(pair);
        return status;
}

TEST(a_packet_that_is_written_is_read)
{
        struct cop__packet packet;
        int pair[2];
        make_pair(pair);
        ck_assert(cop__packet_write(pair[0], COP__PACKET_RUN, "a\0b", 3));
        ck_assert(cop__packet_write(pair[0], COP__PACKET_NEWS, NULL, 0));
        ck_assert_int_eq(cop__packet_read(pair[1], 3, -1, &packet), COP__PACKET_READ);
        ck_assert_int_eq(packet.type, COP__PACKET_RUN);
        ck_assert_uint_eq(packet.size, 3);
        ck_assert_mem_eq(packet.body, "a\0b", 4);
        free(packet.body);
        ck_assert_int_eq(cop__packet_read(pair[1], 3, -1, &packet), COP__PACKET_READ);
        ck_assert_int_eq(packet.type, COP__PACKET_NEWS);
        ck_assert_uint_eq(packet.size, 0);
        free(packet.body);
        end_pair(pair);
}

TEST(an_end_between_packets_and_one_within_are_told_apart)
{
        ck_assert_int_eq(read_behind("", 0, true, -1), COP__PACKET_CLOSED);
        ck_assert_int_eq(read_behind("R", 1, true, -1), COP__PACKET_BROKEN);
        ck_assert_int_eq(read_behind("R\0\0\0\2x", 6, true, -1), COP__PACKET_BROKEN);
        ck_assert_int_eq(read_behind("R\0\0\0\2xy", 7, true, -1), COP__PACKET_READ);
}

TEST(a_packet_that_does_not_come_to_its_end_in_time_is_given_up)
{
        ck_assert_int_eq(read_behind("R", 1, false, 10), COP__PACKET_TOO_SLOW);
        ck_assert_int_eq(read_behind("R\0\0\0\2x", 6, false, 10), COP__PACKET_TOO_SLOW);
        ck_assert_int_eq(read_behind("R\0\0\0\2x", 6, false, 0), COP__PACKET_TOO_SLOW);
}

TEST(a_packet_over_the_limit_is_refused_unread)
{
        ck_assert_int_eq(read_behind("R\0\0\0\x65", 5, false, -1), COP__PACKET_TOO_BIG);
        ck_assert_int_eq(read_behind("R\xff\xff\xff\xff", 5, false, -1), COP__PACKET_TOO_BIG);
}

TEST(writing_to_one_who_has_gone_fails_without_a_signal)
{
        int pair[2];
        make_pair(pair);
        close(pair[1]);
        ck_assert(!cop__packet_write(pair[0], COP__PACKET_OUT, "x", 1));
        ck_assert(!cop__packet_write_parts(pair[0], COP__PACKET_OUT, "x", 1));
        ck_assert(cop__packet_write_parts(pair[0], COP__PACKET_OUT, "", 0));
        close(pair[0]);
}

struct writing {
        int fd;
        char *text;
        size_t size;
};

static void *write_parts(void *argument)
{
        struct writing *writing = argument;
        ck_assert(cop__packet_write_parts(writing->fd, COP__PACKET_OUT, writing->text,
                                          writing->size));
        return NULL;
}

TEST(a_long_text_arrives_whole_through_a_narrow_socket)
{
        int pair[2], narrow = 4096;
        make_pair(pair);
        setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &narrow, sizeof(narrow));
        struct writing writing = { pair[0], NULL, 3 * COP__ANSWER_PART + 17 };
        writing.text = malloc(writing.size);
        ck_assert_ptr_nonnull(writing.text);
        for (size_t i = 0; i < writing.size; i++)
                writing.text[i] = (char)(i * 7);
        pthread_t thread;
        ck_assert_int_eq(pthread_create(&thread, NULL, write_parts, &writing), 0);
        size_t got = 0, parts = 0;
        while (got < writing.size) {
                struct cop__packet packet;
                ck_assert_int_eq(cop__packet_read(pair[1], COP__ANSWER_PART, -1, &packet),
                                 COP__PACKET_READ);
                ck_assert_uint_le(packet.size, writing.size - got);
                ck_assert_mem_eq(packet.body, writing.text + got, packet.size);
                got += packet.size;
                parts++;
                free(packet.body);
        }
        ck_assert_uint_eq(parts, 4);
        pthread_join(thread, NULL);
        free(writing.text);
        end_pair(pair);
}
