/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What parking places ask of the system, where a scenario keeps those of scheduler/park.c (explore_keeps_park): the futex is the
 * explorer's, and so is falling asleep in an epoll. The epoll and its descriptors are the kernel's, who is asked what has happened and
 * never made to wait: each call is a step, and as it looks it falls asleep. See machine.c.
 */
#define _GNU_SOURCE /* epoll_pwait2 */
#include <errno.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tests/explore/explore.h"

#define NS_PER_S UINT64_C(1000000000)

bool explore_keeps_park;

/* Where whoever waits in an epoll sleeps. */
static const char in_epoll;

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
int __real_epoll_wait(int epoll_fd, struct epoll_event *events, int most, int timeout_ms);
int __wrap_epoll_wait(int epoll_fd, struct epoll_event *events, int most, int timeout_ms);
int __wrap_epoll_pwait2(int epoll_fd, struct epoll_event *events, int most, const struct timespec *timeout, const sigset_t *mask);
int __real_epoll_pwait2(int epoll_fd, struct epoll_event *events, int most, const struct timespec *timeout, const sigset_t *mask);
ssize_t __real_write(int fd, const void *bytes, size_t size);
ssize_t __wrap_write(int fd, const void *bytes, size_t size);
int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);

static bool is_asked(void)
{
        return explore_keeps_park && explore_is_inside();
}

static bool is_watched(void)
{
        return explore_keeps_watch && explore_is_inside();
}

static uint64_t ns_of(const struct timespec *time)
{
        return (uint64_t)time->tv_sec * NS_PER_S + (uint64_t)time->tv_nsec;
}

static long ask_futex(const uint32_t *address, int what, uint32_t expected, const struct timespec *deadline)
{
        explore_step("futex", 0);
        if ((what & FUTEX_CMD_MASK) == FUTEX_WAKE)
                explore_wake(address);
        else if (*address == expected)
                explore_sleep(address, deadline != NULL ? ns_of(deadline) : UINT64_MAX);
        return 0;
}

long __wrap_syscall(long number, ...)
{
        long words[6];
        va_list rest;
        va_start(rest, number);
        for (unsigned i = 0; i < 6; i++)
                words[i] = va_arg(rest, long);
        va_end(rest);
        if (number == SYS_futex && is_asked())
                return ask_futex((const uint32_t *)words[0], (int)words[1], (uint32_t)words[2], (const struct timespec *)words[3]);
        if (number == SYS_sched_getattr && is_watched())
                return -1; /* the watch would have slices of its own, and has the explorer's thread */
        return __real_syscall(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}

static int wait_in_epoll(int epoll_fd, struct epoll_event *events, int most, uint64_t deadline_ns)
{
        int count;
        do {
                explore_step("epoll", 0);
                count = __real_epoll_wait(epoll_fd, events, most, 0);
        } while (count == 0 && explore_sleep(&in_epoll, deadline_ns));
        return count;
}

int __wrap_epoll_wait(int epoll_fd, struct epoll_event *events, int most, int timeout_ms)
{
        if (!is_asked())
                return __real_epoll_wait(epoll_fd, events, most, timeout_ms);
        return wait_in_epoll(epoll_fd, events, most,
                             timeout_ms < 0 ? UINT64_MAX : explore_clock_ns() + (uint64_t)timeout_ms * 1000000);
}

int __wrap_epoll_pwait2(int epoll_fd, struct epoll_event *events, int most, const struct timespec *timeout, const sigset_t *mask)
{
        if (!is_asked())
                return __real_epoll_pwait2(epoll_fd, events, most, timeout, mask);
        return wait_in_epoll(epoll_fd, events, most, explore_clock_ns() + ns_of(timeout));
}

/* To an eventfd: whoever sleeps in an epoll looks again. */
ssize_t __wrap_write(int fd, const void *bytes, size_t size)
{
        if (!is_asked())
                return __real_write(fd, bytes, size);
        explore_step("write", 0);
        ssize_t written = __real_write(fd, bytes, size);
        explore_wake(&in_epoll);
        return written;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
        if (!is_asked() && !is_watched())
                return __real_clock_gettime(clock, now);
        uint64_t ns = explore_clock_ns();
        *now = (struct timespec){ .tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S) };
        return 0;
}
