/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A worker with nothing to do: it searches, lingers at the epoll if that is worth it, and sleeps. How no wake-up is lost, wake.h
 * says.
 *
 * Who may touch what
 *      park                      the worker sleeps there, anybody wakes
 *      searching, was_lookout    the worker
 */
#ifndef SCHEDULER_SLEEP_H
#define SCHEDULER_SLEEP_H

#include "scheduler/scheduler.h"

/* The worker: the next task, after a while. NULL when the scheduler stops. */
struct cop__task *cop__wait_for_task(struct cop__worker *worker);

#endif
