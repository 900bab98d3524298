/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Lines to standard error. See log_end.h. */
#include "actors/log_end.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "actors/actor.h"
#include "base/cue.h"
#include "base/limits.h"

/* Lines that nobody has been told of. */
static uint64_t lost;

/* ---- One attempt ------------------------------------------------------------------------ */

enum sort {
        STEADY, /* a file or the like: it never waits for a reader */
        STREAM, /* a pipe or a terminal */
        SOCKET,
};

static enum sort sort_of(int fd)
{
        struct stat about;
        if (fstat(fd, &about) != 0)
                return STEADY; /* the write says what is wrong */
        if (S_ISSOCK(about.st_mode))
                return SOCKET;
        return S_ISFIFO(about.st_mode) || (S_ISCHR(about.st_mode) && isatty(fd)) ? STREAM : STEADY;
}

static bool has_room(int fd, int wait_ms)
{
        struct pollfd asked = { .fd = fd, .events = POLLOUT };
        return poll(&asked, 1, wait_ms) == 1 && asked.revents & POLLOUT;
}

/* What is left of a line. */
struct rest {
        struct iovec parts[3];
        unsigned first; /* the parts before it are written */
        size_t size;
};

/* Where poll has said that there is room, there is room for PIPE_BUF: a write of no more than that does not wait. */
static ssize_t write_a_piece(const struct rest *rest)
{
        const struct iovec *part = &rest->parts[rest->first];
        if (rest->size <= PIPE_BUF)
                return writev(STDERR_FILENO, part, (int)(COP__COUNT(rest->parts) - rest->first));
        return write(STDERR_FILENO, part->iov_base, part->iov_len < PIPE_BUF ? part->iov_len : PIPE_BUF);
}

static ssize_t write_stream(const struct rest *rest)
{
        int fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (fd < 0 && errno == ENXIO)
                return -1; /* nobody holds the other end */
        if (fd < 0) {
                errno = EAGAIN;
                return has_room(STDERR_FILENO, 0) ? write_a_piece(rest) : -1;
        }
        ssize_t written = writev(fd, rest->parts + rest->first, (int)(COP__COUNT(rest->parts) - rest->first));
        int error = errno;
        close(fd);
        errno = error;
        return written;
}

/* -1 with EAGAIN: there is no room. */
static ssize_t write_some(enum sort sort, struct rest *rest)
{
        struct msghdr message = { .msg_iov = rest->parts + rest->first,
                                  .msg_iovlen = COP__COUNT(rest->parts) - rest->first };
        switch (sort) {
        case STREAM:
                return write_stream(rest);
        case SOCKET:
                return sendmsg(STDERR_FILENO, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        case STEADY:
                break;
        }
        return writev(STDERR_FILENO, message.msg_iov, (int)message.msg_iovlen);
}

static void advance(struct rest *rest, size_t size)
{
        rest->size -= size;
        while (size > 0) {
                struct iovec *part = &rest->parts[rest->first];
                size_t step = size < part->iov_len ? size : part->iov_len;
                part->iov_base = (char *)part->iov_base + step;
                part->iov_len -= step;
                size -= step;
                rest->first += part->iov_len == 0;
        }
}

/* ---- A line --------------------------------------------------------------------------------- */

static bool write_all(struct rest *rest, int wait_ms)
{
        enum sort sort = sort_of(STDERR_FILENO);
        while (rest->size > 0) {
                ssize_t written = write_some(sort, rest);
                if (written > 0) {
                        advance(rest, (size_t)written);
                } else if (written < 0 && errno == EAGAIN && wait_ms > 0) {
                        COP__CUE("log_end.waits");
                        has_room(STDERR_FILENO, wait_ms);
                        wait_ms = 0;
                } else if (written == 0 || errno != EINTR) {
                        return false;
                }
        }
        return true;
}

/* With SIGPIPE held back, and taken if it came of this. */
static bool write_quietly(const char *head, const char *text, int wait_ms)
{
        sigset_t pipe_only, before, pending;
        struct rest rest = { { { (char *)(uintptr_t)head, strlen(head) },
                               { (char *)(uintptr_t)text, strlen(text) },
                               { (char *)(uintptr_t)"\n", 1 } }, 0, 0 };
        rest.size = rest.parts[0].iov_len + rest.parts[1].iov_len + 1;
        while (rest.parts[rest.first].iov_len == 0)
                rest.first++;
        sigemptyset(&pipe_only);
        sigaddset(&pipe_only, SIGPIPE);
        sigemptyset(&pending);
        sigpending(&pending);
        bool was_pending = sigismember(&pending, SIGPIPE) == 1;
        pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
        bool written = write_all(&rest, wait_ms);
        if (!written && errno == EPIPE && !was_pending)
                while (sigtimedwait(&pipe_only, NULL, &(struct timespec){ 0 }) < 0 && errno == EINTR)
                        continue;
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        return written;
}

void cop__log_end_settle(void)
{
        char text[128];
        uint64_t count = cop__load_relaxed(&lost) != 0 ? cop__exchange_relaxed(&lost, 0) : 0;
        if (count == 0)
                return;
        snprintf(text, sizeof(text), count == 1 ? "one line of the log before this was lost: nobody read it"
                                                : "%llu lines of the log before this were lost: nobody read them",
                 (unsigned long long)count);
        if (!write_quietly("", text, 0))
                cop__add_relaxed(&lost, count);
}

static void write_or_count(const char *head, const char *text, int wait_ms)
{
        int error = errno;
        cop__log_end_settle();
        if (cop__load_relaxed(&lost) != 0 || !write_quietly(head, text, wait_ms))
                cop__add_relaxed(&lost, 1);
        errno = error;
}

void cop__log_end_write(const char *head, const char *text)
{
        /* Others rely on the watch, which is neither a worker nor an actor. */
        const struct cop__thread *thread = cop__thread_here();
        bool may_wait = thread != NULL && (thread->worker != NULL || thread->current != NULL);
        write_or_count(head, text, may_wait ? COP__LOG_WAIT_MS : 0);
}

void cop__log_end_write_patiently(const char *head, const char *text)
{
        write_or_count(head, text, COP__LOG_WAIT_MS);
}
