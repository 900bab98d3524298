/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* See thread.h. */
#include "base/thread.h"

#include <signal.h>

#include "base/compiler.h"

bool cop__thread_begin(pthread_t *thread, void *(*run)(void *), void *argument)
{
        static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT };
        sigset_t others, before;
        sigfillset(&others);
        for (size_t i = 0; i < COP__COUNT(faults); i++)
                sigdelset(&others, faults[i]);
        pthread_sigmask(SIG_SETMASK, &others, &before);
        bool begun = pthread_create(thread, NULL, run, argument) == 0;
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        return begun;
}
