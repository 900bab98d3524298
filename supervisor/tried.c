/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The handler of those signals, and its list. See tried.h.
 *
 * Writable globals: handlers are a process's, and are given no argument. The list is changed under the lock. Named pairs: ENDS,
 * the handler's store of `ends` and its walk ↔ the unlinking and the look at `ends` by a trial that is over: it is not walked, or it
 * stays. What exit() calls is such a handler, too; it stays for good, since there is no taking it back.
 */
#include "supervisor/tried.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "actors/fault_report.h"
#include "base/atomic.h"

static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGALRM, SIGXCPU };

static struct {
        pthread_mutex_t lock;     /* a leaf */
        struct cop__tried *first; /* atomic */
        uint32_t ends;            /* atomic: the process does */
        pid_t process;            /* whose trials they are, and not those of one that was forked; 0: exit() is not heard of yet */
        bool is_ours[COP__COUNT(signals)];
} trials = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void tell(uint64_t seed, const char *when)
{
        char text[128];
        struct cop__words words = { .text = text, .size = sizeof(text) };
        cop__words_add(&words, "seed ");
        cop__words_add_number(&words, seed);
        cop__words_add(&words, " was being tried");
        cop__words_add(&words, when);
        cop__words_add(&words, ": repeat it with COP_SEED=");
        cop__words_add_number(&words, seed);
        cop__words_add(&words, "\n");
        cop__words_tell(&words);
}

/* False: there is none. */
static bool tell_all(const char *when)
{
        cop__store_seq(&trials.ends, 1); /* ENDS */
        struct cop__tried *first = cop__load_seq(&trials.first); /* ENDS */
        for (struct cop__tried *tried = first; tried != NULL; tried = cop__load_seq(&tried->next))
                tell(cop__load_relaxed(&tried->seed), when);
        return first != NULL;
}

/* Once: the next one of its number ends the process, and that is this one, sent on. Not process 1 of a container, which the
 * kernel spares what it has no handler for: there it comes back. */
static void on_end(int number)
{
        tell_all("");
#if COP__TSAN /* it has all signals blocked while a handler runs */
        sigset_t own;
        sigemptyset(&own);
        sigaddset(&own, number);
        pthread_sigmask(SIG_UNBLOCK, &own, NULL);
#endif
        raise(number);
        _exit(128 + number); /* as a shell has it */
}

/* What the program has registered since is called before, and is over; what it has registered earlier is not called if this is the end. */
static void on_exit_of(int code, void *unused)
{
        (void)unused;
        if (getpid() != cop__load_relaxed(&trials.process) || !tell_all(" when exit() was called") || code != 0)
                return;
        fflush(NULL);
        _exit(EXIT_FAILURE);
}

static void install(void)
{
        const struct sigaction ours = { .sa_handler = on_end, .sa_flags = SA_RESETHAND | SA_NODEFER | SA_ONSTACK };
        for (size_t i = 0; i < COP__COUNT(signals); i++) {
                struct sigaction now;
                trials.is_ours[i] = sigaction(signals[i], NULL, &now) == 0 && !(now.sa_flags & SA_SIGINFO) &&
                                    now.sa_handler == SIG_DFL && sigaction(signals[i], &ours, NULL) == 0;
        }
}

/* One that somebody has replaced since stays theirs. */
static void uninstall(void)
{
        const struct sigaction fallback = { .sa_handler = SIG_DFL };
        for (size_t i = 0; i < COP__COUNT(signals); i++) {
                struct sigaction now;
                if (trials.is_ours[i] && sigaction(signals[i], NULL, &now) == 0 && !(now.sa_flags & SA_SIGINFO) &&
                    now.sa_handler == on_end)
                        sigaction(signals[i], &fallback, NULL);
        }
}

static void begin(struct cop__tried *tried)
{
        if (trials.first == NULL)
                install();
        cop__store_relaxed(&trials.process, getpid());
        cop__store_relaxed(&tried->next, trials.first); /* seen through the store below */
        cop__store_seq(&trials.first, tried);
}

cop_status cop__tried_begin(struct cop__tried *tried)
{
        pthread_mutex_lock(&trials.lock);
        bool is_heard = trials.process != 0 || on_exit(on_exit_of, NULL) == 0;
        if (is_heard)
                begin(tried);
        pthread_mutex_unlock(&trials.lock);
        return is_heard ? COP_OK : COP_E_NO_MEMORY;
}

void cop__tried_end(struct cop__tried *tried)
{
        pthread_mutex_lock(&trials.lock);
        struct cop__tried **link = &trials.first;
        while (*link != tried)
                link = &(*link)->next;
        cop__store_seq(link, tried->next); /* ENDS */
        if (trials.first == NULL)
                uninstall();
        pthread_mutex_unlock(&trials.lock);
        while (cop__load_seq(&trials.ends) != 0) /* ENDS */
                pause();
}
