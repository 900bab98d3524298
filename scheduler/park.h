/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A parking place: where one thread sleeps until others need it.
 *
 * It is Concurrency Kit's event count on a futex. The sleeper reads a ticket, looks for work once more,
 * and waits for the ticket to be called; a wake between the two makes the wait return at once. Any number of
 * threads may wake, one sleeps. A wake with nobody asleep costs one atomic addition.
 *
 * POLLING. The sleeper may also sleep in an epoll (poll.h), which a futex does not end:
 *
 *      sleeper                                    waker
 *      1 say so in `polling`                      1 call the ticket
 *      2 fence                                    2 fence
 *      3 look at the ticket: called, don't wait   3 read `polling`: write to the eventfd
 *
 * With both fences either 3 of the sleeper sees the call, or 3 of the waker sees `polling`. A write that comes when the wait is
 * over wakes the next one for nothing, once.
 */
#ifndef SCHEDULER_PARK_H
#define SCHEDULER_PARK_H

#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include <ck_ec.h>

struct cop__park {
        struct ck_ec32 count;
        uint64_t deadline_ns; /* of the wait that is on; the sleeper's */
        uint32_t polling;     /* atomic; the sleeper sleeps in an epoll, or is about to */
        int wake_fd;          /* atomic; that ends it; written before `polling` */
};

void cop__park_init(struct cop__park *park);

/* The sleeper. What was done by a waker before its wake is visible after the ticket, or the wait is short. */
uint32_t cop__park_ticket(struct cop__park *park);

/* The sleeper. Until a wake after the ticket, or deadline_ns (UINT64_MAX: never); may return early. */
void cop__park_wait(struct cop__park *park, uint32_t ticket, uint64_t deadline_ns);

/* The sleeper, around a wait in an epoll that a write to this eventfd ends. Between the two it looks at its ticket once more. */
void cop__park_poll_begin(struct cop__park *park, int wake_fd);
void cop__park_poll_end(struct cop__park *park);

/* Any thread. */
void cop__park_wake(struct cop__park *park);

#endif
