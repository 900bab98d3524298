/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * How a process ends, and what it says until then.
 *
 *      struct verdict verdict = in_child(scene);       scene() runs in a forked process, without a core dump
 */
#ifndef TESTS_VERDICT_H
#define TESTS_VERDICT_H

#include "tests/suite.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

struct verdict {
        int signal; /* that the child died by; 0: it ended by itself */
        int code;   /* with this */
        char report[8192];
};

/* Runs `scene` in a child and collects what it writes to stderr until its death. Its core dump may have so many bytes. */
static inline struct verdict in_child_with(void (*scene)(void), rlim_t core)
{
        struct verdict verdict = { .signal = 0 };
        int ends[2], status;
        ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
                setrlimit(RLIMIT_CORE, &(struct rlimit){ core, core });
                dup2(ends[1], STDERR_FILENO);
                close(ends[1]);
                scene();
                _exit(0);
        }
        close(ends[1]);
        size_t size = 0;
        ssize_t got = 1;
        for (; got > 0; size += got > 0 ? (size_t)got : 0)
                got = read(ends[0], verdict.report + size, sizeof verdict.report - 1 - size);
        close(ends[0]);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        if (WIFSIGNALED(status))
                verdict.signal = WTERMSIG(status);
        else
                verdict.code = WEXITSTATUS(status);
        return verdict;
}

static inline struct verdict in_child(void (*scene)(void))
{
        return in_child_with(scene, 0);
}

#endif
