/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Descriptors that run out: as many more as a test says, and then as many as there may be again. */
#ifndef TESTS_DESCRIPTORS_H
#define TESTS_DESCRIPTORS_H

#include <check.h>
#include <sys/resource.h>
#include <unistd.h>

/* The number of the next descriptor that is opened. */
static inline int next_fd(void)
{
        int fd = dup(STDERR_FILENO);
        close(fd);
        return fd;
}

static inline void allow_all(void)
{
        struct rlimit limit;
        getrlimit(RLIMIT_NOFILE, &limit);
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
}

/* As many descriptors more, and no other. */
static inline void allow(int more)
{
        struct rlimit limit;
        allow_all();
        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
        limit.rlim_cur = (rlim_t)(next_fd() + more);
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

#endif
