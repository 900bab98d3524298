/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The zygote by itself, at the other end of whose socket is the claim: what it does about orders that are none, without memory,
 * and as its node or itself goes. A child of it that has not been told who it is waits for that, and ends with its socket.
 */
#define _GNU_SOURCE
#include "tests/failing_malloc.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/zygote_main.h"
#include "tests/cue.h"

struct zygote {
        pid_t process;
        int control, pidfd;
};

static void make_pair(int type, int ends[2])
{
        ck_assert_int_eq(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends), 0);
}

static struct cop__zygote_news news_of(const struct zygote *zygote, int *pidfd)
{
        struct cop__zygote_news news = { .what = 0 };
        ck_assert(cop__news_receive(zygote->control, &news, pidfd, true));
        return news;
}

/* Its requests for memory fail from the first on, so many; none does if that is 0. */
static struct zygote begin_zygote(uint32_t failures)
{
        int ends[2];
        make_pair(SOCK_SEQPACKET, ends);
        struct zygote zygote = { .process = fork(), .control = ends[0] };
        ck_assert_int_ge(zygote.process, 0);
        if (zygote.process == 0) {
                suite_is_forked();
                if (failures > 0)
                        fail_malloc_for(1, failures);
                cop__zygote_main(NULL, ends[1]);
        }
        close(ends[1]);
        struct cop__zygote_news here = news_of(&zygote, &zygote.pidfd);
        ck_assert_uint_eq(here.what, COP__NEWS_HERE);
        ck_assert_int_eq(here.os_pid, zygote.process);
        return zygote;
}

/* Asks for a child, with whom it has a line: our end of it. */
static int order_child(const struct zygote *zygote, uint64_t pid)
{
        int ends[2];
        const struct cop__zygote_order order = { pid, COP__ORDER_FORK };
        make_pair(SOCK_STREAM, ends);
        ck_assert(cop__order_send(zygote->control, &order, ends[1]));
        close(ends[1]);
        return ends[0];
}

static pid_t expect_born(const struct zygote *zygote, uint64_t pid)
{
        int pidfd;
        struct cop__zygote_news news = news_of(zygote, &pidfd);
        ck_assert_uint_eq(news.what, COP__NEWS_BORN);
        ck_assert_uint_eq(news.pid, pid);
        ck_assert_int_ge(pidfd, 0);
        close(pidfd);
        return news.os_pid;
}

/* Nobody has the other end of this line any more. */
static void await_silence(int line)
{
        char byte;
        struct pollfd look = { .fd = line, .events = POLLIN };
        ck_assert_int_eq(poll(&look, 1, 20000), 1);
        ck_assert_int_le((int)read(line, &byte, 1), 0);
        close(line);
}

static void end_zygote(const struct zygote *zygote, int signal)
{
        int status;
        ck_assert_int_eq(waitpid(zygote->process, &status, 0), zygote->process);
        ck_assert_int_eq(signal, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
        ck_assert_int_eq(WIFEXITED(status) ? WEXITSTATUS(status) : 0, 0);
        close(zygote->pidfd);
        close(zygote->control);
}

/* The first bytes of an order, or of news, with a descriptor. */
static void send_half_an_order(int control, int fd)
{
        union {
                char bytes[CMSG_SPACE(sizeof(int))];
                struct cmsghdr align;
        } ancillary = { .bytes = { 0 } };
        uint64_t pid = 7;
        struct iovec vector = { &pid, sizeof(pid) };
        struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1, .msg_control = ancillary.bytes,
                                  .msg_controllen = sizeof(ancillary.bytes) };
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        *head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
        memcpy(CMSG_DATA(head), &fd, sizeof(fd));
        ck_assert_int_eq((int)sendmsg(control, &message, 0), (int)sizeof(pid));
}

TEST(a_zygote_that_hears_half_an_order_ends_and_leaves_no_child)
{
        int ends[2];
        struct zygote zygote = begin_zygote(0);
        int line = order_child(&zygote, 5);
        expect_born(&zygote, 5);
        make_pair(SOCK_STREAM, ends);
        send_half_an_order(zygote.control, ends[1]);
        close(ends[1]);
        end_zygote(&zygote, 0);
        await_silence(line);
        await_silence(ends[0]);
}

/* What is at the node's end. */
TEST(news_that_are_cut_short_are_none_and_what_came_with_them_is_closed)
{
        int control[2], ends[2], pidfd = 7;
        struct cop__zygote_news news;
        make_pair(SOCK_SEQPACKET, control);
        make_pair(SOCK_STREAM, ends);
        send_half_an_order(control[0], ends[1]);
        close(ends[1]);
        errno = 0;
        ck_assert(!cop__news_receive(control[1], &news, &pidfd, false));
        ck_assert_int_ne(errno, EAGAIN);
        ck_assert_int_eq(pidfd, -1);
        await_silence(ends[0]);
        close(control[0]);
        close(control[1]);
}

TEST(an_order_without_a_socket_and_one_to_kill_nobody_are_passed_over)
{
        int pidfd;
        struct zygote zygote = begin_zygote(0);
        ck_assert(cop__order_send(zygote.control, &(struct cop__zygote_order){ 5, COP__ORDER_FORK }, -1));
        ck_assert(cop__order_send(zygote.control, &(struct cop__zygote_order){ 6, COP__ORDER_KILL }, -1));
        int line = order_child(&zygote, 7);
        pid_t child = expect_born(&zygote, 7);
        ck_assert(cop__order_send(zygote.control, &(struct cop__zygote_order){ 7, COP__ORDER_KILL }, -1));
        struct cop__zygote_news news = news_of(&zygote, &pidfd);
        ck_assert_uint_eq(news.what, COP__NEWS_ENDED);
        ck_assert_uint_eq(news.pid, 7);
        ck_assert_int_eq(news.os_pid, child);
        ck_assert_int_eq(news.code, CLD_KILLED);
        ck_assert_int_eq(news.status, SIGKILL);
        await_silence(line);
        shutdown(zygote.control, SHUT_RDWR);
        end_zygote(&zygote, 0);
}

TEST(a_zygote_without_memory_for_a_child_says_so_and_forks_the_next)
{
        int pidfd;
        if (!failing_malloc_can())
                return;
        struct zygote zygote = begin_zygote(2); /* the first is for the list of what is open */
        int line = order_child(&zygote, 5);
        struct cop__zygote_news news = news_of(&zygote, &pidfd);
        ck_assert_uint_eq(news.what, COP__NEWS_FAILED);
        ck_assert_uint_eq(news.pid, 5);
        ck_assert_int_eq(news.status, ENOMEM);
        await_silence(line);
        line = order_child(&zygote, 6);
        expect_born(&zygote, 6);
        shutdown(zygote.control, SHUT_RDWR);
        end_zygote(&zygote, 0);
        await_silence(line);
}

/* In the child, before it has asked for its end with that of its parent. */
static void loses_its_parent(void *unused)
{
        pid_t parent = getppid();
        (void)unused;
        kill(parent, SIGKILL);
        while (getppid() == parent)
                sched_yield();
}

TEST(a_child_whose_zygote_ends_before_it_is_bound_to_it_ends_by_itself)
{
        NEEDS_THE_KERNEL();
        cue_act("zygote_main.is_born", loses_its_parent, NULL);
        struct zygote zygote = begin_zygote(0);
        int line = order_child(&zygote, 5);
        end_zygote(&zygote, SIGKILL);
        await_silence(line);
}
