/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The process's signals as messages. See signals.h. */
#include "io/signals.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "actors/actor.h"
#include "base/atomic.h"
#include "base/compiler.h"
#include "base/cue.h"
#include "scheduler/scheduler.h"

/* Between two tries to tell what there is no memory for. */
#define PAUSE_MS 10

/* The kernel's; sixty-four, so that a word has a bit for each. */
#define NUMBERS 64

/*
 * What wakes the thread is no signal, so that none of its own can be taken for one of somebody's: who has sent it is the
 * kernel's to say, and with many pending it says only which it is.
 */
struct cop__signals {
        cop_node *node;
        cop_pid to;
        struct cop__signals_ear ear; /* .hears NULL: none */
        int signal_fd;     /* a signalfd of the set; -1: none yet */
        int wake_fd;       /* an eventfd, written to when one of these two is set; -1: none yet */
        uint32_t leaving;  /* atomic; set before that */
        uint32_t stopping; /* atomic; set before that */
        pthread_t thread;
        uint64_t untold;   /* of the thread: a bit for each number that has come and could not be told */
        sem_t begun;       /* and, with `leaving`, left */
        cop_status status; /* of entering the node, once it has begun */
};

static bool is_over(const struct cop__signals *signals)
{
        return cop__load_acquire(&signals->leaving) || cop__load_acquire(&signals->stopping);
}

/* ---- The thread ----------------------------------------------------------------------------- */

/* Also near the memory limit, as it may be what ends the work there: out of the reserve for that. False: there is none. */
static bool tell(const struct cop__signals *signals, int number)
{
        struct cop__thread *thread = cop__thread_here();
        const cop_os_signal value = { .number = number };
        struct cop__signal *signal;
        if (cop__signal_owed(&thread->pool, COP_KIND_OF(cop_os_signal), &value, &signal) != COP_OK)
                return false;
        cop__send_news(thread, cop__actor_of(thread->current), signals->to, signal);
        return true;
}

static void tell_all(struct cop__signals *signals)
{
        for (int number = 1; number <= NUMBERS && signals->untold != 0; number++) {
                uint64_t bit = (uint64_t)1 << (number - 1);
                if (signals->untold & bit && tell(signals, number))
                        signals->untold &= ~bit;
        }
}

static bool is_heard(const struct cop__signals *signals, int number)
{
        return signals->ear.hears == NULL || signals->ear.hears(signals->ear.context, number);
}

/* The next signal of the process, or 0: this thread has been woken, or has waited so long (-1: for ever). */
static int next_signal(const struct cop__signals *signals, int most_ms)
{
        struct pollfd fds[] = { { .fd = signals->signal_fd, .events = POLLIN }, { .fd = signals->wake_fd, .events = POLLIN } };
        struct signalfd_siginfo info;
        uint64_t wakes;
        poll(fds, COP__COUNT(fds), most_ms);
        if (fds[1].revents != 0 && read(signals->wake_fd, &wakes, sizeof(wakes)) == sizeof(wakes))
                return 0;
        if (fds[0].revents != 0 && read(signals->signal_fd, &info, sizeof(info)) == sizeof(info))
                return (int)info.ssi_signo;
        return 0;
}

/* It listens also while there is something that it cannot tell. */
static void wait_inside(struct cop__signals *signals)
{
        struct cop__thread *thread = cop__thread_here();
        while (!is_over(signals)) {
                cop__visitor_step_out(thread);
                int number = next_signal(signals, signals->untold != 0 ? PAUSE_MS : -1);
                cop__visitor_step_in(thread);
                if (number > 0 && is_heard(signals, number))
                        signals->untold |= (uint64_t)1 << (number - 1);
                tell_all(signals);
        }
}

static void wait_outside(struct cop__signals *signals)
{
        while (!cop__load_acquire(&signals->stopping)) {
                int number = next_signal(signals, -1);
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

/* ---- Its owner ------------------------------------------------------------------------------ */

static void await(sem_t *news)
{
        while (sem_wait(news) != 0 && errno == EINTR)
                continue;
}

/* The count of an eventfd cannot be full: it is woken twice at most. */
static void wake(const struct cop__signals *signals)
{
        const uint64_t once = 1;
        while (write(signals->wake_fd, &once, sizeof(once)) < 0 && errno == EINTR)
                continue;
}

static cop_status open_fds(struct cop__signals *signals, const sigset_t *set)
{
        signals->signal_fd = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
        signals->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        return signals->signal_fd >= 0 && signals->wake_fd >= 0 ? COP_OK : COP_E_SYSTEM;
}

static cop_status start_thread(struct cop__signals *signals)
{
        if (pthread_create(&signals->thread, NULL, wait_for_signals, signals) != 0)
                return COP_E_SYSTEM;
        await(&signals->begun);
        if (signals->status != COP_OK)
                pthread_join(signals->thread, NULL);
        return signals->status;
}

static void free_signals(struct cop__signals *signals)
{
        if (signals->signal_fd >= 0)
                close(signals->signal_fd);
        if (signals->wake_fd >= 0)
                close(signals->wake_fd);
        sem_destroy(&signals->begun);
        free(signals);
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
        sem_init(&signals->begun, 0, 0);
        cop_status status = open_fds(signals, set);
        if (status == COP_OK)
                status = start_thread(signals);
        if (status == COP_OK)
                *result = signals;
        else
                free_signals(signals);
        return status;
}

void cop__signals_leave(struct cop__signals *signals)
{
        cop__store_release(&signals->leaving, 1);
        wake(signals);
        await(&signals->begun);
}

void cop__signals_stop(struct cop__signals *signals)
{
        if (signals == NULL)
                return;
        cop__store_release(&signals->stopping, 1);
        wake(signals);
        pthread_join(signals->thread, NULL);
        free_signals(signals);
}
