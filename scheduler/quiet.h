/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Quiet: nothing runs, nothing is runnable, no timer is armed. Left alone, a quiet scheduler stays so for ever.
 *
 * Whoever makes something runnable from outside (a visiting thread) can end the quiet at any moment, so the answer is about the
 * workers: at some moment during the look none of them had anything to do or to wait for.
 *
 * How it is known. A task is in a queue, or a worker that is not parked has it in hand, or a timer holds what will make it runnable.
 * They are looked at in this order, and the order is the argument:
 *
 *      1 every worker's bit is in `idle`; the sum of their turns      no worker that did something between 1 and 5 is
 *      2 no wheel has a timer, each looked at under its lock          overlooked: to do anything it first takes its bit
 *      3 there is no lookout                                          back, and before it puts the bit there again it
 *      4 every queue is empty                                         counts a turn
 *      5 the same as 1, with the same sum
 *
 * That leaves the lookout, which acts with its bit in `idle`: it fires timers, and it moves tasks. If it had taken a timer off its wheel before
 * 2, it either was still at it at 3, or had put in a queue what came of it, which 4 finds, or somebody took it out of there since,
 * which 5 finds. What it moves from one queue to another it has in hand only while it is the lookout, and 4 comes after 3.
 *
 * Who waits is told by each worker that falls asleep, and looks by itself now and then too: a timer that is cancelled from
 * outside wakes nobody.
 */
#ifndef SCHEDULER_QUIET_H
#define SCHEDULER_QUIET_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct cop__scheduler;

struct cop__quiet {
        uint32_t onlookers; /* atomic: threads that wait; workers read it before they sleep */
        pthread_mutex_t mutex;
        pthread_cond_t changed;
};

void cop__quiet_init(struct cop__quiet *quiet);
void cop__quiet_fini(struct cop__quiet *quiet);

/* A worker has put its bit in `idle`, and somebody waits. */
void cop__quiet_tell(struct cop__quiet *quiet);

/* Waits until it is quiet; false: not by deadline_ns (UINT64_MAX: never). Threads: any but a worker. */
bool cop__quiet_await(struct cop__scheduler *scheduler, uint64_t deadline_ns);

#endif
