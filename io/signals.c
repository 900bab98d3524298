/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The process's signals as messages. See signals.h. */
#include "io/signals.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/atomic.h"

struct cop__signals {
        cop_node *node;
        cop_pid to;
        sigset_t set;
        pthread_t thread;
        int wake;          /* a signal of the set, sent to the thread itself to end it */
        uint32_t stopping; /* atomic; set before that */
};

static void *wait_for_signals(void *argument)
{
        struct cop__signals *signals = argument;
        siginfo_t info;
        if (cop_node_enter(signals->node) != COP_OK)
                return NULL;
        for (;;) {
                int number = sigwaitinfo(&signals->set, &info);
                if (cop__load_acquire(&signals->stopping))
                        break;
                if (number > 0)
                        cop_send(signals->to, cop_os_signal, .number = number);
        }
        cop_node_leave();
        return NULL;
}

static int any_of(const sigset_t *set)
{
        for (int number = 1; number < SIGRTMAX; number++)
                if (sigismember(set, number) == 1)
                        return number;
        return SIGTERM;
}

cop_status cop__signals_start(cop_node *node, const sigset_t *set, cop_pid to,
                              struct cop__signals **result)
{
        struct cop__signals *signals = calloc(1, sizeof(*signals));
        if (signals == NULL)
                return COP_E_NO_MEMORY;
        signals->node = node;
        signals->to = to;
        signals->set = *set;
        signals->wake = any_of(set);
        if (pthread_create(&signals->thread, NULL, wait_for_signals, signals) != 0) {
                free(signals);
                return COP_E_SYSTEM;
        }
        *result = signals;
        return COP_OK;
}

void cop__signals_stop(struct cop__signals *signals)
{
        if (signals == NULL)
                return;
        cop__store_release(&signals->stopping, 1);
        pthread_kill(signals->thread, signals->wake);
        pthread_join(signals->thread, NULL);
        free(signals);
}
