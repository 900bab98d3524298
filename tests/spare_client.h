/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A client of the console that needs no memory, and checks nothing while it talks, as a check needs some: for tests in which
 * something is refused meanwhile. It says a few things one after the other, and knows of each how it ended.
 */
#ifndef TESTS_SPARE_CLIENT_H
#define TESTS_SPARE_CLIENT_H

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shell/door.h"
#include "shell/packet.h"
#include "tests/node_fixture.h"

/* The name of the node that it talks with. */
#define SPARE_NODE "spare"

static inline bool sends(int fd, char type, const char *line)
{
        uint32_t size = (uint32_t)strlen(line);
        char packet[256] = { type, (char)(size >> 24), (char)(size >> 16), (char)(size >> 8), (char)size };
        memcpy(packet + 5, line, size);
        return send(fd, packet, size + 5, MSG_NOSIGNAL) == (ssize_t)size + 5;
}

static bool is_silent; /* the console neither spoke nor hung up; said later, as a check needs memory */

/* Exactly that many, into `to` if it has room for them. False: the console has hung up. */
static inline bool reads(int fd, size_t size, char *to, size_t room)
{
        char rest[4096];
        while (size > 0) {
                struct pollfd look = { .fd = fd, .events = POLLIN };
                int found = poll(&look, 1, PATIENCE_MS);
                if (found < 0 && errno == EINTR)
                        continue;
                if (found != 1) {
                        is_silent = found == 0;
                        return false;
                }
                bool fits = size <= room;
                ssize_t got = read(fd, fits ? to : rest, fits || size < sizeof(rest) ? size : sizeof(rest));
                if (got < 0 && errno == EINTR)
                        continue;
                if (got <= 0)
                        return false;
                size -= (size_t)got;
                to += fits ? got : 0;
                room -= fits ? (size_t)got : 0;
        }
        return true;
}

enum end { HUNG_UP = -1, DONE = COP__DONE_OK, FAILED = COP__DONE_FAILED };

/* Of one request: how it ended. */
static inline enum end talks(int fd, char type, const char *line)
{
        char head[5], body[64];
        if (!sends(fd, type, line))
                return HUNG_UP;
        for (;;) {
                if (!reads(fd, sizeof(head), head, sizeof(head)))
                        return HUNG_UP;
                size_t size = 0;
                for (int i = 1; i < 5; i++)
                        size = size << 8 | (uint8_t)head[i];
                if (!reads(fd, size, body, sizeof(body)))
                        return HUNG_UP;
                if (head[0] == COP__PACKET_CANDIDATES)
                        return DONE;
                if (head[0] == COP__PACKET_DONE)
                        return body[0] == COP__DONE_FAILED ? FAILED : DONE;
        }
}

static const struct saying {
        char type;
        const char *line;
} sayings[] = {
        { COP__PACKET_RUN, "i" },
        { COP__PACKET_RUN_JSON, "stuck" },
        { COP__PACKET_RUN, "nodes" },
        { COP__PACKET_RUN, "await nobody 0" },
        { COP__PACKET_COMPLETE, "whe" },
};

/* All sayings, until the console hangs up. True: each was done. */
static inline bool holds_a_talk(void)
{
        char sentence[COP__DOOR_SENTENCE];
        int fd;
        bool is_well = true;
        if (cop__door_knock(SPARE_NODE, COP__DOOR_PATIENCE_MS, &fd, sentence) != COP_OK)
                return false;
        for (size_t i = 0; i < COP__COUNT(sayings); i++) {
                enum end end = talks(fd, sayings[i].type, sayings[i].line);
                is_well &= end == (sayings[i].type == COP__PACKET_RUN && sayings[i].line[0] == 'a' ? FAILED : DONE);
                if (end == HUNG_UP)
                        break;
        }
        close(fd);
        return is_well;
}

/* ---- Where the socket is --------------------------------------------------------------------------------------- */

static inline void begin_folder(char folder[64])
{
        strcpy(folder, "/tmp/coppice-test-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(folder));
        setenv("XDG_RUNTIME_DIR", folder, 1);
}

static inline void end_folder(const char *folder)
{
        char path[128];
        snprintf(path, sizeof(path), "%s/coppice", folder);
        ck_assert(rmdir(path) == 0 || access(path, F_OK) != 0);
        ck_assert_int_eq(rmdir(folder), 0);
}

#endif
