/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Threads that run out: as many more as a test says, and then as many as there may be again. The system counts them for each user
 * and lets root have any number, so the claim becomes a user whom nobody else is, for good; only root can.
 *
 *      NEEDS_ROOT();
 *      become_somebody_else();
 *      allow_threads(0);
 */
#ifndef TESTS_THREADS_H
#define TESTS_THREADS_H

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/suite.h"

/* The first words of such a claim. */
#define NEEDS_ROOT()                                                                \
        do {                                                                        \
                NEEDS_THE_KERNEL();                                                 \
                if (geteuid() != 0) {                                               \
                        fprintf(stderr, "skipped: only root can become another user\n"); \
                        return;                                                     \
                }                                                                   \
        } while (0)

static inline void become_somebody_else(void)
{
        ck_assert_int_eq(setuid(100000 + (uid_t)getpid()), 0);
        prctl(PR_SET_DUMPABLE, 1); /* or its own /proc would not be its own */
}

/* As many threads more, and no other. */
static inline void allow_threads(unsigned more)
{
        struct rlimit limit;
        DIR *folder = opendir("/proc/self/task");
        unsigned count = 0;
        ck_assert_ptr_nonnull(folder);
        for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
                count += entry->d_name[0] != '.';
        closedir(folder);
        ck_assert_int_eq(getrlimit(RLIMIT_NPROC, &limit), 0);
        limit.rlim_cur = count + more < limit.rlim_max ? count + more : limit.rlim_max;
        ck_assert_int_eq(setrlimit(RLIMIT_NPROC, &limit), 0);
}

static inline void allow_all_threads(void)
{
        struct rlimit limit;
        getrlimit(RLIMIT_NPROC, &limit);
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NPROC, &limit);
}

#endif
