/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The event count's three system calls, and the count itself. See park.h. */
#include "scheduler/park.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/atomic.h"

#if COP__TSAN
/* Concurrency Kit's assembly is invisible to ThreadSanitizer; these two say what it orders. */
void __tsan_acquire(void *address);
void __tsan_release(void *address);
#define ACQUIRED(object) __tsan_acquire(object)
#define RELEASED(object) __tsan_release(object)
#else
#define ACQUIRED(object) ((void)(object))
#define RELEASED(object) ((void)(object))
#endif

static int read_clock(const struct ck_ec_ops *ops, struct timespec *now)
{
        (void)ops;
        return clock_gettime(CLOCK_MONOTONIC, now);
}

static struct timespec timespec_of(uint64_t ns)
{
        return (struct timespec){ .tv_sec = (time_t)(ns / 1000000000u),
                                  .tv_nsec = (long)(ns % 1000000000u) };
}

/*
 * The event count asks for slices of its own, to be on the safe side, and does not cut them at the deadline: a wait of
 * one millisecond would take a whole slice. So the deadline is the parking place's, and the slice is disregarded: no wake is
 * lost on x86-64 and aarch64, where ck_ec's wakes are exact (several producers).
 */
static void futex_wait(const struct ck_ec_wait_state *state, const uint32_t *address,
                       uint32_t expected, const struct timespec *slice)
{
        const struct cop__park *park =
                COP__CONTAINER((uintptr_t)address, const struct cop__park, count.counter);
        struct timespec deadline = timespec_of(park->deadline_ns);
        (void)state;
        (void)slice;
        syscall(SYS_futex, address, FUTEX_WAIT_BITSET_PRIVATE, expected,
                park->deadline_ns == UINT64_MAX ? NULL : &deadline, NULL, FUTEX_BITSET_MATCH_ANY);
}

static void futex_wake(const struct ck_ec_ops *ops, const uint32_t *address)
{
        (void)ops;
        syscall(SYS_futex, address, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

/* No busy wait to speak of: on few cores the waker needs ours. */
static const struct ck_ec_ops operations = {
        .gettime = read_clock,
        .wait32 = futex_wait,
        .wake32 = futex_wake,
        .busy_loop_iter = 1,
};
static const struct ck_ec_mode mode = { .ops = &operations, .single_producer = false };

void cop__park_init(struct cop__park *park)
{
        ck_ec32_init(&park->count, 0);
        park->polling = 0;
        park->wake_fd = -1;
}

uint32_t cop__park_ticket(struct cop__park *park)
{
        uint32_t ticket = ck_ec32_value(&park->count);
        ACQUIRED(park);
        return ticket;
}

void cop__park_wait(struct cop__park *park, uint32_t ticket, uint64_t deadline_ns)
{
        struct timespec deadline = timespec_of(deadline_ns);
        park->deadline_ns = deadline_ns;
        ck_ec32_wait(&park->count, &mode, ticket, deadline_ns == UINT64_MAX ? NULL : &deadline);
        ACQUIRED(park);
}

/* The count of an eventfd cannot be full: each wait empties it. */
static COP__COLD void wake_poller(struct cop__park *park)
{
        const uint64_t one = 1;
        int wake_fd = cop__load_relaxed(&park->wake_fd);
        while (write(wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
                ;
}

void cop__park_wake(struct cop__park *park)
{
        RELEASED(park);
        /* On aarch64 the count's own fence orders stores only; the sleeper may also write what we have read. */
        cop__fence_seq();
        ck_ec32_inc(&park->count, &mode);
        cop__fence_seq(); /* POLLING */
        if (COP__UNLIKELY(cop__load_acquire(&park->polling)))
                wake_poller(park);
}

void cop__park_poll_begin(struct cop__park *park, int wake_fd)
{
        cop__store_relaxed(&park->wake_fd, wake_fd); /* a waker of the wait before may be reading it */
        cop__store_release(&park->polling, 1); /* with the descriptor; pairs with the waker's load */
        cop__fence_seq(); /* POLLING */
}

void cop__park_poll_end(struct cop__park *park)
{
        cop__store_relaxed(&park->polling, 0);
        ACQUIRED(park);
}
