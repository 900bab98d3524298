/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The process's signals as messages. See signals.h. */
#include "io/signals.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <time.h>

#include "base/atomic.h"
#include "base/cue.h"
#include "scheduler/scheduler.h"

/* Between two tries to say what there is no memory for, or no leave. */
#define PAUSE_NS 10000000

struct cop__signals {
        cop_node *node;
        cop_pid to;
        struct cop__signals_ear ear; /* .hears NULL: none */
        sigset_t set;
        pthread_t thread;
        int wake;          /* a signal of the set, sent to the thread itself when one of these two is set */
        uint32_t leaving;  /* atomic; set before that */
        uint32_t stopping; /* atomic; set before that */
        sem_t begun;       /* and, with `leaving`, left */
        cop_status status; /* of entering the node, once it has begun */
};

static void rest(void)
{
        struct cop__thread *thread = cop__thread_here();
        cop__visitor_step_out(thread);
        nanosleep(&(struct timespec){ .tv_nsec = PAUSE_NS }, NULL);
        cop__visitor_step_in(thread);
}

static bool is_over(const struct cop__signals *signals)
{
        return cop__load_acquire(&signals->leaving) || cop__load_acquire(&signals->stopping);
}

/* A node over its limit of memory takes no new work for a while; a signal comes once. */
static void tell(struct cop__signals *signals, int number)
{
        for (;;) {
                cop_status status = cop_send(signals->to, cop_os_signal, .number = number);
                bool is_told = status != COP_E_OVERLOAD && status != COP_E_NO_MEMORY;
                if (is_told || is_over(signals))
                        return;
                rest();
        }
}

static bool is_heard(const struct cop__signals *signals, int number)
{
        return signals->ear.hears == NULL || signals->ear.hears(signals->ear.context, number);
}

/* The next signal of the process, or 0: this thread has been woken. */
static int next_signal(const struct cop__signals *signals, bool is_in)
{
        siginfo_t info;
        if (is_in)
                cop__visitor_step_out(cop__thread_here());
        int number = sigwaitinfo(&signals->set, &info);
        if (is_in)
                cop__visitor_step_in(cop__thread_here());
        return number > 0 && info.si_code != SI_TKILL ? number : 0;
}

static void wait_inside(struct cop__signals *signals)
{
        while (!is_over(signals)) {
                int number = next_signal(signals, true);
                if (number > 0 && is_heard(signals, number))
                        tell(signals, number);
        }
}

static void wait_outside(struct cop__signals *signals)
{
        while (!cop__load_acquire(&signals->stopping)) {
                int number = next_signal(signals, false);
                if (number > 0)
                        is_heard(signals, number);
        }
}

static void *wait_for_signals(void *argument)
{
        struct cop__signals *signals = argument;
        signals->status = cop_node_enter(signals->node);
        bool is_in = signals->status == COP_OK;
        COP__CUE("signals.begun");
        sem_post(&signals->begun);
        if (!is_in)
                return NULL;
        wait_inside(signals);
        cop_node_leave();
        sem_post(&signals->begun);
        wait_outside(signals);
        return NULL;
}

static int any_of(const sigset_t *set)
{
        for (int number = 1; number < SIGRTMAX; number++)
                if (sigismember(set, number) == 1)
                        return number;
        return SIGTERM;
}

static void await(sem_t *news)
{
        while (sem_wait(news) != 0 && errno == EINTR)
                continue;
}

cop_status cop__signals_start(cop_node *node, const sigset_t *set, cop_pid to, const struct cop__signals_ear *ear,
                              struct cop__signals **result)
{
        struct cop__signals *signals = calloc(1, sizeof(*signals));
        if (signals == NULL)
                return COP_E_NO_MEMORY;
        signals->node = node;
        signals->to = to;
        if (ear != NULL)
                signals->ear = *ear;
        signals->set = *set;
        signals->wake = any_of(set);
        sem_init(&signals->begun, 0, 0);
        cop_status status = COP_E_SYSTEM;
        if (pthread_create(&signals->thread, NULL, wait_for_signals, signals) == 0) {
                await(&signals->begun);
                status = signals->status;
                if (status != COP_OK)
                        pthread_join(signals->thread, NULL);
        }
        if (status == COP_OK) {
                *result = signals;
        } else {
                sem_destroy(&signals->begun);
                free(signals);
        }
        return status;
}

void cop__signals_leave(struct cop__signals *signals)
{
        cop__store_release(&signals->leaving, 1);
        pthread_kill(signals->thread, signals->wake);
        await(&signals->begun);
}

void cop__signals_stop(struct cop__signals *signals)
{
        if (signals == NULL)
                return;
        cop__store_release(&signals->stopping, 1);
        pthread_kill(signals->thread, signals->wake);
        pthread_join(signals->thread, NULL);
        sem_destroy(&signals->begun);
        free(signals);
}
