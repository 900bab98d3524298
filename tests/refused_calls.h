/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Functions of the C library that fail on cue: the n-th call of one of them by this process, from whatever thread, says that it did
 * not work. Included by a test program's only source, which the linker takes them from, before the library.
 *
 *      for (int64_t n = 1; has_refused; n++) {
 *              refuse_call("fchmod", EPERM, n);
 *              ...
 *              has_refused = stop_refusing_calls();
 *      }
 *
 * Who is forked has a count of its own that goes on from there. Sanitizers have some of these functions for themselves: nothing fails
 * there. What strace does to a program of its own, at the border of the kernel, is in inject.sh.
 */
#ifndef TESTS_REFUSED_CALLS_H
#define TESTS_REFUSED_CALLS_H

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/compiler.h"

static const char *refused_call; /* atomic; NULL: none is */
static int64_t refused_left;     /* atomic: calls of it until the one that fails */
static int64_t refused_most;     /* from that one on so many fail */
static int refused_error;
static uint32_t refused_once;    /* atomic: it has */

/* The n-th and those after it, `most` in all. */
static inline void refuse_calls(const char *name, int error, int64_t nth, int64_t most)
{
        cop__store_seq(&refused_once, 0);
        cop__store_seq(&refused_left, nth);
        refused_most = most;
        refused_error = error;
        cop__store_release(&refused_call, name);
}

static inline void refuse_call(const char *name, int error, int64_t nth)
{
        refuse_calls(name, error, nth, 1);
}

/* The n-th and all after it. */
static inline void refuse_calls_from(const char *name, int error, int64_t nth)
{
        refuse_calls(name, error, nth, INT64_MAX);
}

/* Returns whether a call has failed since. */
static inline bool stop_refusing_calls(void)
{
        cop__store_seq(&refused_call, NULL);
        return cop__load_seq(&refused_once) != 0;
}

static inline bool calls_can_be_refused(void)
{
        return !COP__ASAN && !COP__TSAN;
}

#if !COP__ASAN && !COP__TSAN

static bool is_refused(const char *name)
{
        const char *chosen = cop__load_acquire(&refused_call);
        if (COP__LIKELY(chosen == NULL) || strcmp(chosen, name) != 0)
                return false;
        int64_t left = cop__sub_seq(&refused_left, 1);
        if (left > 1 || left <= 1 - refused_most)
                return false;
        cop__store_seq(&refused_once, 1);
        errno = refused_error;
        return true;
}

/* `failure` is what it gives when it fails; the library's own is found once. */
#define REFUSABLE(result, name, failure, parameters, ...)                             \
        result name parameters                                                        \
        {                                                                             \
                static __typeof__(name) *real; /* atomic */                           \
                __typeof__(name) *found = cop__load_acquire(&real);                   \
                if (found == NULL) {                                                  \
                        *(void **)&found = dlsym(RTLD_NEXT, #name);                   \
                        cop__store_release(&real, found);                             \
                }                                                                     \
                return is_refused(#name) ? (failure) : found(__VA_ARGS__);            \
        }

REFUSABLE(int, accept4, -1, (int fd, struct sockaddr *address, socklen_t *size, int flags), fd, address, size, flags)
REFUSABLE(int, bind, -1, (int fd, const struct sockaddr *address, socklen_t size), fd, address, size)
REFUSABLE(int, chmod, -1, (const char *path, mode_t mode), path, mode)
REFUSABLE(int, connect, -1, (int fd, const struct sockaddr *address, socklen_t size), fd, address, size)
REFUSABLE(int, epoll_ctl, -1, (int poll_fd, int operation, int fd, struct epoll_event *event), poll_fd, operation, fd, event)
REFUSABLE(int, eventfd, -1, (unsigned count, int flags), count, flags)
REFUSABLE(int, fchmod, -1, (int fd, mode_t mode), fd, mode)
REFUSABLE(FILE *, fopen, NULL, (const char *path, const char *how), path, how)
REFUSABLE(pid_t, fork, -1, (void))
REFUSABLE(int, fstat, -1, (int fd, struct stat *is), fd, is)
REFUSABLE(int, ftruncate, -1, (int fd, off_t size), fd, size)
REFUSABLE(int, getpeername, -1, (int fd, struct sockaddr *address, socklen_t *size), fd, address, size)
REFUSABLE(ssize_t, getrandom, -1, (void *to, size_t size, unsigned flags), to, size, flags)
REFUSABLE(int, getsockname, -1, (int fd, struct sockaddr *address, socklen_t *size), fd, address, size)
REFUSABLE(int, getsockopt, -1, (int fd, int level, int name, void *value, socklen_t *size), fd, level, name, value, size)
REFUSABLE(int, listen, -1, (int fd, int most), fd, most)
REFUSABLE(int, lstat, -1, (const char *path, struct stat *is), path, is)
REFUSABLE(void *, mmap, MAP_FAILED, (void *at, size_t size, int access, int how, int fd, off_t from), at, size, access, how, fd,
          from)
REFUSABLE(int, mkdir, -1, (const char *path, mode_t mode), path, mode)
REFUSABLE(int, munmap, -1, (void *memory, size_t size), memory, size)
REFUSABLE(int, poll, -1, (struct pollfd *fds, nfds_t count, int ms), fds, count, ms)
REFUSABLE(int, pthread_create, refused_error,
          (pthread_t *thread, const pthread_attr_t *with, void *(*run)(void *), void *argument), thread, with, run, argument)
REFUSABLE(int, pthread_getattr_np, refused_error, (pthread_t thread, pthread_attr_t *is), thread, is)
REFUSABLE(int, pthread_getcpuclockid, refused_error, (pthread_t thread, clockid_t *clock), thread, clock)
REFUSABLE(ssize_t, read, -1, (int fd, void *to, size_t size), fd, to, size)
REFUSABLE(ssize_t, recv, -1, (int fd, void *to, size_t size, int flags), fd, to, size, flags)
REFUSABLE(ssize_t, recvmsg, -1, (int fd, struct msghdr *message, int flags), fd, message, flags)
REFUSABLE(ssize_t, send, -1, (int fd, const void *from, size_t size, int flags), fd, from, size, flags)
REFUSABLE(ssize_t, sendmsg, -1, (int fd, const struct msghdr *message, int flags), fd, message, flags)
REFUSABLE(int, rename, -1, (const char *from, const char *to), from, to)
REFUSABLE(int, sigaction, -1, (int number, const struct sigaction *now, struct sigaction *before), number, now, before)
REFUSABLE(int, sigaltstack, -1, (const stack_t *now, stack_t *before), now, before)
REFUSABLE(int, signalfd, -1, (int fd, const sigset_t *set, int flags), fd, set, flags)
REFUSABLE(int, sigtimedwait, -1, (const sigset_t *set, siginfo_t *info, const struct timespec *most), set, info, most)
REFUSABLE(int, socket, -1, (int family, int type, int protocol), family, type, protocol)
REFUSABLE(int, unlink, -1, (const char *path), path)
REFUSABLE(pid_t, waitpid, -1, (pid_t pid, int *status, int options), pid, status, options)
REFUSABLE(ssize_t, write, -1, (int fd, const void *from, size_t size), fd, from, size)

/* With a third argument that is there or not, and in a register in any case. */
int fcntl(int fd, int what, ...)
{
        static int (*real)(int, int, void *); /* atomic */
        va_list arguments;
        va_start(arguments, what);
        void *argument = va_arg(arguments, void *);
        va_end(arguments);
        if (cop__load_acquire(&real) == NULL)
                cop__store_release(&real, (int (*)(int, int, void *))(uintptr_t)dlsym(RTLD_NEXT, "fcntl"));
        return is_refused("fcntl") ? -1 : real(fd, what, argument);
}

/* It is closed all the same, as Linux does it. */
int close(int fd)
{
        long result = syscall(SYS_close, fd);
        return is_refused("close") ? -1 : (int)result;
}

/*
 * Of those that have no function of their own, or are not called by it: "pidfd_open", "clone", "membarrier", and "every fence", which is
 * that and the way to each processor.
 */
long syscall(long number, ...)
{
        static long (*real)(long, long, long, long, long, long, long); /* atomic */
        long with[6];
        va_list arguments;
        va_start(arguments, number);
        for (size_t i = 0; i < COP__COUNT(with); i++)
                with[i] = va_arg(arguments, long);
        va_end(arguments);
        if (cop__load_acquire(&real) == NULL)
                cop__store_release(&real, (__typeof__(real))(uintptr_t)dlsym(RTLD_NEXT, "syscall"));
        if ((number == SYS_pidfd_open && is_refused("pidfd_open")) || (number == SYS_clone && is_refused("clone")) ||
            (number == SYS_membarrier && (is_refused("membarrier") || is_refused("every fence"))) ||
            (number == SYS_sched_setaffinity && is_refused("every fence")))
                return -1;
        return real(number, with[0], with[1], with[2], with[3], with[4], with[5]);
}

/* Instead of failing, it gives this descriptor once. */
static int open_given = -1; /* atomic */

static inline void open_gives(int fd)
{
        cop__store_seq(&open_given, fd);
}

static inline bool open_has_given(void)
{
        return cop__load_seq(&open_given) < 0;
}

int open(const char *path, int flags, ...)
{
        int given = cop__exchange_seq(&open_given, -1);
        if (given >= 0)
                return given;
        static int (*real)(const char *, int, mode_t); /* atomic */
        va_list arguments;
        va_start(arguments, flags);
        mode_t mode = va_arg(arguments, mode_t);
        va_end(arguments);
        if (cop__load_acquire(&real) == NULL)
                cop__store_release(&real, (int (*)(const char *, int, mode_t))(uintptr_t)dlsym(RTLD_NEXT, "open"));
        return is_refused("open") ? -1 : real(path, flags, mode);
}

#endif

#endif
