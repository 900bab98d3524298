/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Whether a thread of this program sleeps in the system: a fact to wait for where it cannot say so itself.
 *
 *      pid_t waits = thread_number();          by that thread
 *      await_asleep(waits);                    by another
 */
#ifndef TESTS_ASLEEP_H
#define TESTS_ASLEEP_H

#include <check.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline pid_t thread_number(void)
{
        return (pid_t)syscall(SYS_gettid);
}

static inline bool thread_is_asleep(pid_t thread)
{
        char path[64], state = '?';
        snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)thread);
        FILE *file = fopen(path, "re");
        ck_assert_ptr_nonnull(file);
        int found = fscanf(file, "%*d (%*[^)]) %c", &state);
        fclose(file);
        return found == 1 && state == 'S';
}

static inline void await_asleep(pid_t thread)
{
        while (!thread_is_asleep(thread))
                sched_yield();
}

#endif
