/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Where a scheduler waits for the outside world: one epoll for all workers.
 *
 *      idle worker ── takes the seat ──► sleeps in epoll ◄── descriptors, each with a mark
 *                                           ▲                 (edge by edge: one event for each arrival)
 *                        wakes: eventfd ────┘
 *      other idle workers sleep in their parking places (park.h)
 *      busy workers look in now and then, if the seat is empty
 *
 * There is no thread for it: an idle worker has to sleep somewhere, and here what arrives wakes the very thread that will
 * run the actor it is for. Who gives up the seat to run something does not hand it on: while one worker is busy and
 * another sleeps, the lookout (lookout.h) wakes every millisecond and finds it empty; if all are busy, they look in every
 * COP__POLL_EVERY turns; and if none is idle and some are long in one turn, the watch does (due.c), which wakes whoever meanwhile has gone
 * to sleep without the seat.
 *
 * Who may touch what: the seat by compare-and-swap; only its holder waits, so an event goes to one worker. Descriptors may be
 * added and removed by any thread. A wake of the holder: see park.h, POLLING.
 */
#ifndef SCHEDULER_POLL_H
#define SCHEDULER_POLL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include <coppice/status.h>

#include "base/limits.h"
#include "base/lock.h"
#include "scheduler/park.h"

/*
 * Lively: the last wait was so short that sleeping and being woken took most of it. Then an idle worker lingers: it stays in the seat and
 * looks again and again (COP__LINGER_NS), and who is the lookout leaves the seat to it. When that was in vain, the poll is lively
 * no more. Advice: a wrong one costs time.
 */
struct cop__poll {
        int epoll_fd;         /* atomic; -1: nothing of the outside world is waited for */
        int wake_fd;          /* an eventfd; written before epoll_fd, by release */
        uint32_t seat;        /* atomic; index + 1 of the worker that waits or looks, COP__WORKERS_MAX + 1: the watch; 0: empty */
        uint32_t lively;      /* atomic, advice; see above */
        bool between_turns;   /* constant once it is open: what comes is for the turns of a worker alone (actors/inside.h) */
        bool alone;           /* there is one processor, and lingering keeps it from whoever is to answer; as epoll_fd */
        struct cop__lock lock; /* of opening */
};

/* What has happened: an event's mark, and its EPOLLIN and so on. */
struct cop__poll_events {
        struct epoll_event items[COP__POLL_BATCH];
        int count;
};

void cop__poll_init(struct cop__poll *poll);
void cop__poll_fini(struct cop__poll *poll);

/*
 * Waits for `events` (of epoll, edge-triggered) on a descriptor from now on, under a mark that is not UINT64_MAX. The
 * descriptor stays the caller's, who removes it before closing it. Errors: COP_E_SYSTEM.
 */
cop_status cop__poll_add(struct cop__poll *poll, int fd, uint32_t events, uint64_t mark);
/* The same with other events; what is so already is told again. */
cop_status cop__poll_change(struct cop__poll *poll, int fd, uint32_t events, uint64_t mark);
void cop__poll_remove(struct cop__poll *poll, int fd);

static inline bool cop__poll_is_open(const struct cop__poll *poll)
{
        return __atomic_load_n(&poll->epoll_fd, __ATOMIC_ACQUIRE) >= 0;
}

/* Takes the seat for a worker; false: there is nothing to wait for, or another has it. */
bool cop__poll_sit(struct cop__poll *poll, unsigned worker);
void cop__poll_rise(struct cop__poll *poll);

/* In the seat: sleeps as cop__park_wait does, but ends also with an event. */
void cop__poll_wait(struct cop__poll *poll, struct cop__park *park, uint32_t ticket,
                    uint64_t deadline_ns, struct cop__poll_events *events);
/* In the seat: what has happened already. */
void cop__poll_look(struct cop__poll *poll, struct cop__poll_events *events);

static inline bool cop__poll_is_lively(const struct cop__poll *poll)
{
        return __atomic_load_n(&poll->lively, __ATOMIC_RELAXED) != 0;
}
void cop__poll_set_lively(struct cop__poll *poll, bool lively);

#endif
