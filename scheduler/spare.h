/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Spare workers: who goes on while a worker is stuck in a turn that cannot be ended.
 *
 *      worker 0   ── turn ── sleep(10) ............................................. ── turn ──
 *      watch                   │ it is stuck, and others wait: takes what lies there     │ it goes on
 *      spare 0                 ├── turn ── turn ── turn ── turn ── turn ── turn ── turn ─┤ rests, until needed again
 *
 * A worker is stuck if its turn is long, others wait, and it waits in the system or has refused to be interrupted for some looks (in a
 * library, or since it asked to be left alone). The stuck one keeps its place: its thread knows nothing of all this, and goes on as a worker when it
 * returns. What lay in its queues the watch puts into those that all share, and it fires its timers.
 *
 * A spare is a worker like the others, with a ring and a wheel of its own, but for two things: it is made when it is first needed, and
 * it rests when fewer are stuck than there are spares at work. At rest its bit is in `resting`: it is not woken for work, only for timers
 * that are still on its wheel, and what comes of those it gives to the shared queues.
 *
 *      spares at work  <=  workers that are stuck (spares too), as the watch saw them last; else those too many go to rest when
 *                          they next fall asleep
 *
 * A node of one worker does without atomic operations while it is alone. A spare at work is company (company.h), and so is the watch while
 * it fires timers. The desk of such a worker is not guarded (desk.h) until the first spare is there, and the worker may be at it when
 * that changes; so others come there when there is proof that it is not: it has been seen waiting in the system, or its handler has
 * run on code that is not the runtime's, since the guard began.
 *
 * Who may touch what: `wanted`, `at_work` up and the start of spares: the watch. `at_work` down: the spare that goes to rest, by
 * compare-and-swap. `resting`: a bit is set by the spare, or by the watch for one that got no thread; the watch takes it out. `firing`:
 * the spare.
 */
#ifndef SCHEDULER_SPARE_H
#define SCHEDULER_SPARE_H

#include <stdbool.h>
#include <stdint.h>

struct cop__scheduler;
struct cop__worker;

struct cop__spares {
        uint64_t resting; /* atomic: one bit for each worker, as in `idle` */
        uint32_t wanted;  /* atomic: how many should be at work */
        uint32_t at_work; /* atomic */
        uint32_t firing;  /* atomic: of those at rest, who fire timers just now */
};

/* Workers that take part: those of the node, and the spares at work. */
unsigned cop__workers_active(const struct cop__scheduler *scheduler);

/* The watch: so many workers are stuck, of which some keep others waiting. Starts, wakes and sends to rest. */
void cop__spares_adjust(struct cop__scheduler *scheduler, unsigned stuck, bool others_wait);

/* A spare that is about to sleep: if it is one too many, it rests here until it is needed, or the scheduler stops. */
void cop__spare_rest(struct cop__worker *worker);

#endif
