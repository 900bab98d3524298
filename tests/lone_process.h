/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The process of an actor by itself: forked by the claim, which is its outpost.
 *
 *      its_node = node_begin(...);                     if it is to come so far
 *      its_prelude = f;                                if something is to be done there first
 *      struct verdict verdict = verdict_on_order(cop_self(), &(cop__order){ .run = ... });
 *      has_said(COP__PACKET_ENDED, 0)
 */
#ifndef TESTS_LONE_PROCESS_H
#define TESTS_LONE_PROCESS_H

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actors/crossing.h"
#include "actors/inside.h"
#include "actors/inside_main.h"
#include "tests/node_fixture.h"
#include "tests/verdict.h"

static int its_socket;
static cop_node *its_node;       /* NULL: it does not come so far */
static void (*its_prelude)(void); /* runs there before it begins; or NULL */
static struct cop__crossing_packet its_news[2]; /* that come behind its order, up to one without a type */
static uint8_t its_words[4096];  /* what it has said until its end */
static ssize_t its_words_size;

static inline void be_process(void)
{
        cop__inside_forget();
        if (its_prelude != NULL)
                its_prelude();
        cop__inside_main(its_node, its_socket);
}

static inline void write_packet(int fd, const struct cop__crossing_packet *packet, const void *body)
{
        ck_assert_int_eq((int)write(fd, packet, sizeof(*packet)), (int)sizeof(*packet));
        if (packet->size > 0)
                ck_assert_int_eq((int)write(fd, body, packet->size), (int)packet->size);
}

/* What a process does to which these bytes are said. */
static inline struct verdict verdict_on(const struct cop__crossing_packet *packet, const void *body)
{
        int ends[2];
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
        write_packet(ends[0], packet, body);
        for (size_t i = 0; i < COP__COUNT(its_news) && its_news[i].type != 0; i++)
                write_packet(ends[0], &its_news[i], NULL);
        its_socket = ends[1];
        struct verdict verdict = in_child(be_process);
        its_words_size = recv(ends[0], its_words, sizeof(its_words), MSG_DONTWAIT);
        close(ends[0]);
        close(ends[1]);
        return verdict;
}

/* As the outpost writes it. */
static inline struct verdict verdict_on_order(cop_pid pid, const cop__order *order)
{
        struct cop__tray tray = { .start = 0 };
        struct cop__crossing_packet packet = { .type = COP__PACKET_BEGIN, .pid = pid.bits };
        ck_assert_int_eq(cop__tray_put(&tray, packet, COP_KIND_OF(cop__order), order), COP_OK);
        memcpy(&packet, tray.data + tray.start, sizeof(packet));
        struct verdict verdict = verdict_on(&packet, tray.data + tray.start + sizeof(packet));
        cop__tray_free(&tray);
        return verdict;
}

/* Has it said such a packet until its end? */
static inline bool has_said(uint8_t type, uint64_t ref)
{
        struct cop__crossing_packet packet;
        for (ssize_t at = 0; at + (ssize_t)sizeof(packet) <= its_words_size; at += (ssize_t)(sizeof(packet) + packet.size)) {
                memcpy(&packet, its_words + at, sizeof(packet));
                if (packet.type == type && packet.ref == ref)
                        return true;
        }
        return false;
}

#endif
