/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Threads of the runtime's own, beside those of the program. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>

/*
 * Begins a thread that takes no signals but the faults that it makes itself: all others go to the program's own threads. The caller
 * joins it. False: the system has none to give, and *thread says nothing.
 */
bool cop__thread_begin(pthread_t *thread, void *(*run)(void *), void *argument);

#endif
