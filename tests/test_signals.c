/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Signals of the system as messages: the thread that waits for them. What the library's main function makes of them is in
 * test_main.c.
 */
#define _GNU_SOURCE
#include "tests/cue.h"
#include "tests/node_fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "io/signals.h"

static pid_t beginner;  /* the thread that waits until the one for signals has begun */
static pthread_t beginner_thread;
static uint32_t hits;   /* atomic: signals that a handler of that thread has had */

static void hit(int unused)
{
        (void)unused;
        cop__add_seq(&hits, 1);
}

/* Does it wait in the system? */
static bool is_asleep(pid_t thread)
{
        char path[64], state = '?';
        snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)thread);
        FILE *file = fopen(path, "re");
        ck_assert_ptr_nonnull(file);
        ck_assert_int_eq(fscanf(file, "%*d %*s %c", &state), 1);
        fclose(file);
        return state == 'S';
}

/* The first ends a wait that has begun, the second shows that it waits again. */
static void interrupt_twice(void *unused)
{
        (void)unused;
        for (uint32_t i = 0; i < 2; i++) {
                while (!is_asleep(beginner))
                        sched_yield();
                pthread_kill(beginner_thread, SIGUSR1);
                while (cop__load_seq(&hits) == i)
                        sched_yield();
        }
}

IN_NODE(a_signal_that_comes_as_the_thread_for_signals_begins_does_not_cut_that_short)
{
        const struct sigaction counts = { .sa_handler = hit }; /* without SA_RESTART */
        sigset_t set;
        struct cop__signals *signals;
        NEEDS_THREADS();
        beginner = gettid();
        beginner_thread = pthread_self();
        sigaction(SIGUSR1, &counts, NULL);
        sigemptyset(&set);
        sigaddset(&set, SIGUSR2);
        pthread_sigmask(SIG_BLOCK, &set, NULL);
        cue_act("signals.begun", interrupt_twice, NULL);
        ck_assert_int_eq(cop__signals_start(node, &set, cop_self(), NULL, &signals), COP_OK);
        ck_assert_uint_eq(cop__load_seq(&hits), 2);
        kill(getpid(), SIGUSR2);
        cop_auto message = await(COP_KIND(cop_os_signal));
        ck_assert_int_eq(cop_read(cop_os_signal, message)->number, SIGUSR2);
        cop__signals_stop(signals);
}
