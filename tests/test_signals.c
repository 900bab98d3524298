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
#include <sys/resource.h>
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

/* ---- Its own wakes ---------------------------------------------------------------------------- */

static uint32_t heard; /* atomic: so often has the ear heard something */

static bool hears(void *wishes, int number)
{
        (void)number;
        cop__add_seq(&heard, 1);
        return *(const bool *)wishes;
}

static struct cop__signals *begin_to_hear(cop_node *node, bool *wishes)
{
        const struct cop__signals_ear ear = { hears, wishes };
        struct cop__signals *signals = NULL;
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGUSR2);
        pthread_sigmask(SIG_BLOCK, &set, NULL);
        ck_assert_int_eq(cop__signals_start(node, &set, cop_self(), &ear, &signals), COP_OK);
        return signals;
}

/* Also where the kernel keeps no more of a signal than its number, as when too many wait. */
IN_NODE(whoever_waits_for_signals_is_woken_by_none_that_an_ear_hears)
{
        bool wishes = true;
        struct rlimit limit;
        NEEDS_THREADS();
        ck_assert_int_eq(getrlimit(RLIMIT_SIGPENDING, &limit), 0);
        const rlim_t most[] = { limit.rlim_cur, 0 };
        for (int i = 0; i < 2; i++) {
                struct cop__signals *signals = begin_to_hear(node, &wishes);
                setrlimit(RLIMIT_SIGPENDING, &(struct rlimit){ most[i], limit.rlim_max });
                cop__signals_leave(signals);
                cop__signals_stop(signals);
                setrlimit(RLIMIT_SIGPENDING, &limit); /* the suite's own clock needs it */
                ck_assert_uint_eq(cop__load_seq(&heard), 0);
        }
        ck_assert_ptr_null(cop_receive(0, COP_KIND(cop_os_signal)));
}

IN_NODE(who_has_left_the_node_hears_on_until_it_is_stopped)
{
        bool wishes = true;
        NEEDS_THREADS();
        struct cop__signals *signals = begin_to_hear(node, &wishes);
        cop__signals_leave(signals);
        kill(getpid(), SIGUSR2);
        while (cop__load_seq(&heard) == 0)
                sched_yield();
        cop__signals_stop(signals);
        ck_assert_uint_eq(cop__load_seq(&heard), 1);
        ck_assert_ptr_null(cop_receive(0, COP_KIND(cop_os_signal)));
}

/* ---- Memory ------------------------------------------------------------------------------------- */

/* Takes all that is kept for what ends work, too. */
static size_t take_the_reserve(struct cop__signal **taken, size_t most)
{
        size_t count = 0;
        const cop_os_signal value = { .number = 0 };
        while (count < most && cop__signal_owed(&cop__thread_here()->pool, COP_KIND_OF(cop_os_signal), &value, &taken[count]) == COP_OK)
                count++;
        ck_assert_uint_lt(count, most);
        return count;
}

#define RESERVE ((size_t)1 << 17)

IN_NODE_WITH(a_signal_that_cannot_be_told_yet_keeps_no_other_from_the_ear, .memory_limit = (size_t)4 << 20)
{
        static struct cop__signal *taken[RESERVE];
        bool wishes = true;
        NEEDS_THREADS();
        struct cop__signals *signals = begin_to_hear(node, &wishes);
        size_t count = take_the_reserve(taken, RESERVE);
        for (uint32_t i = 0; i < 3; i++) {
                kill(getpid(), SIGUSR2);
                while (cop__load_seq(&heard) == i)
                        sched_yield();
        }
        for (size_t i = 0; i < count; i++)
                cop__signal_free(&cop__thread_here()->pool, taken[i]);
        cop_auto message = await(COP_KIND(cop_os_signal));
        ck_assert_int_eq(cop_read(cop_os_signal, message)->number, SIGUSR2);
        cop__signals_stop(signals);
}
