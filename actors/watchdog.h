/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The watchdog: who has been at one message, or between two waits, for longer than the node's long_turn_ms, is reported.
 *
 *      ** till <0.12.0> has been at work for 1.2 s, handling #bill{pence = 900, people = 3}
 *         in spin at till.c:12
 *         called by till_on_bill at till.c:20
 *         it is interrupted while others wait for its worker
 *
 * Once when the limit is reached, and again each time that the time has doubled since. The watch (scheduler/watch.h) finds
 * out; where the actor is, its own thread tells, in the handler of the signal that interrupts it (preempt.c). A thread that waits in
 * the system is not sent one, since that would end its system call: of it is told what it waits for.
 *
 * When all workers are held so, and as many spare ones as there may be, nothing else runs in the node, whoever is urgent:
 *
 *      ** nothing else runs for 1.0 s: actors that do not wait hold all 2 workers and 16 spare workers
 *
 * The last COP__LONG_TURNS_KEPT reports are kept, one for each such piece of work, for whoever asks what is stuck: an entry counts
 * as long as its actor lives, runs, and has handled no other message.
 *
 * Who may touch what: the entries under the lock; a sighting is the worker's while it is ASKED, and the watch's else.
 */
#ifndef ACTORS_WATCHDOG_H
#define ACTORS_WATCHDOG_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <coppice/server.h>

#include "actors/backtrace.h"
#include "base/limits.h"
#include "scheduler/watch.h"

struct cop_node;

enum cop__sighting_state {
        COP__SIGHTING_NONE = 0,
        COP__SIGHTING_ASKED, /* the worker's: its handler fills it in, */
        COP__SIGHTING_MADE,  /* and then it is the watch's again: release there, acquire here */
};

/* What a thread in a long turn tells of itself. */
struct cop__sighting {
        uint32_t state; /* atomic; an enum cop__sighting_state */
        uint32_t answer; /* an enum cop__preempt_answer */
        cop_pid pid;
        uint64_t handled;
        struct cop__backtrace backtrace;
};

/* One report. */
struct cop__long_turn {
        cop_pid pid;
        uint64_t handled;  /* messages of the actor, before this one */
        uint64_t since_ns;
        char where[224];   /* "spin at till.c:12"; may be empty */
        char text[2048];   /* the report as it was logged last */
};

struct cop__watchdog {
        pthread_mutex_t mutex;
        uint64_t count; /* of all pieces of work that were reported */
        struct cop__long_turn ring[COP__LONG_TURNS_KEPT];
};

void cop__watchdog_init(struct cop__watchdog *watchdog);
void cop__watchdog_fini(struct cop__watchdog *watchdog);

/* On the watch's thread: a report with what the worker's thread has told, or without (blind). */
void cop__watchdog_report(struct cop_node *node, const struct cop__sighting *sighting,
                          uint64_t since_ns);
void cop__watchdog_report_blind(struct cop_node *node, struct cop__worker *worker,
                                struct cop__task *task, uint64_t since_ns);

/* Likewise: nobody is left to run anything, or again, after so long. */
void cop__watchdog_tell_still(struct cop_node *node, uint64_t for_ns, bool is_over);

/* Those that are stuck now, the longest first; fills in at most `room` and returns how many. Threads: any in the node. */
size_t cop__watchdog_stuck(struct cop_node *node, struct cop__long_turn *entries, size_t room);

#endif
