/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A wheel of timers: arming and cancelling take constant time and no memory, a million
 * outstanding timers or one in a hundred years cost no more than a few soon.
 *
 * Time is cut in ticks of 32,768 ns and a tick's number in digits of 6 bits. A timer
 * stands on the level of the highest digit in which its tick differs from the current
 * one, in the slot of its own digit there:
 *
 *      current tick  ... 0  0  5 12         level 0: 64 slots of one tick
 *      timer at      ... 0  0  5 40  ->     level 0, slot 40
 *      timer at      ... 0  0  9  3  ->     level 1, slot 9      (64 ticks each)
 *      timer at      ... 2  0  0  0  ->     level 3, slot 2      (64^3 ticks each)
 *
 * So all on a lower level come before all on a higher one, on a level the lower slot
 * comes first, no slot is ever behind, and the first occupied one is found in two words
 * of bits. When time reaches a slot above level 0, its timers move to lower levels: each
 * timer at most seven times in its life.
 *
 * The life of a timer, whose states are told by timer->seat and changed under the lock:
 *
 *                 arm                          expire
 *      idle ---------------> armed ----------------------------> idle, then fire() called
 *        ^                     |
 *        +------ cancel -------+
 *
 * Exactly one of them ends an armed state, cancel or expire, and that one owns the timer
 * afterwards. Expire disarms one timer at a time, right before its call, so also one
 * that is overdue and in line behind others can still be cancelled. The call is made
 * without the lock: it may arm, cancel or free any timer, this one included.
 *
 * Who may touch what: arm, cancel, is_armed, next, count: any thread; expire: one thread
 * at a time, the wheel's worker. The lock is held for constant time by arm and cancel,
 * by expire for one slot at a time. Nothing is locked under it in here.
 *
 * Whoever keeps books of the timers on a wheel may keep them under the wheel's own lock
 * (the operations that end in _locked), so that setting, ending and firing a timer take one lock and
 * not two. Then `leave` tells of each timer that expire has disarmed while the lock is still held.
 */
#ifndef SCHEDULER_TIMER_H
#define SCHEDULER_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/lock.h"

/* 32.8 us: a timer fires late by less than this, plus what its worker is late. */
#define COP__TICK_SHIFT 15
#define COP__TICK_NS (UINT64_C(1) << COP__TICK_SHIFT)

/* 8 digits of 6 bits are 48 bits of ticks: 63 bits of nanoseconds. */
#define COP__WHEEL_DIGIT 6
#define COP__WHEEL_LEVELS 8
#define COP__WHEEL_SLOTS (1 << COP__WHEEL_DIGIT)

/* Times beyond this, 146 years, count as this. */
#define COP__TIMER_NS_MAX (UINT64_MAX >> 2)

/* What cop__wheel_next says when there is nothing to wait for. */
#define COP__WHEEL_NEVER UINT64_MAX

/* A wheel's address has so many low bits free for a place on it. */
#define COP__WHEEL_ALIGNMENT 1024

/* Part of whatever it is for. */
struct cop__timer {
        struct cop__list in_list;  /* under the lock of its wheel */
        uint64_t when_ns;          /* written by arm only: whoever arms may read it */
        uintptr_t seat;            /* atomic; 0 when idle, else its wheel | its place; written under the lock */
};

_Static_assert(sizeof(struct cop__timer) == 32, "there may be a million of them");

/*
 * Bit s of occupied[l] is set exactly when slots[l][s] is not empty; bit l of levels
 * when occupied[l] is not 0. armed = timers in all slots, in due and in firing.
 */
struct cop__wheel {
        /* Read by anyone; written under the lock. */
        uint64_t next_ns;
        size_t armed;

        struct cop__lock lock; /* for all below */
        uint64_t tick;         /* no slot holds a timer of this tick or before */
        uint64_t limit;        /* what is armed up to this tick is due at once; >= tick */
        struct cop__list due;    /* was late when armed: for the next expire */
        struct cop__list firing; /* in order, what this expire comes to next */
        uint64_t levels;
        uint64_t occupied[COP__WHEEL_LEVELS];
        struct cop__list slots[COP__WHEEL_LEVELS][COP__WHEEL_SLOTS];

        /* Constant once timers are armed; NULL: nobody is told. Called by expire, with the lock. */
        void (*leave)(struct cop__timer *timer, void *context);
        void *leave_context;
} __attribute__((aligned(COP__WHEEL_ALIGNMENT)));

COP__INLINE void cop__timer_init(struct cop__timer *timer)
{
        cop__list_init(&timer->in_list);
        timer->when_ns = 0;
        timer->seat = 0;
}

/* Needs no end: a wheel owns nothing, but outlives every timer that is armed on it. */
void cop__wheel_init(struct cop__wheel *wheel, uint64_t now_ns);

/*
 * Arms an idle timer to fire at `when_ns` or soon after; if that is past, at the next
 * expire. True when the wheel has now to be expired sooner than cop__wheel_next said
 * before: an armer on another thread then sees to it that the wheel's worker wakes up,
 * with a full fence between this call and the look at whether it sleeps.
 */
bool cop__timer_arm(struct cop__wheel *wheel, struct cop__timer *timer, uint64_t when_ns);

/*
 * True: it was armed, is idle now, does not fire, and is the caller's. False: it was
 * idle, or an expire was first, whose call may be still to come, running or over; then
 * the timer is the call's. Who cancels from another thread must know that the timer's
 * memory is still there, false or not.
 */
bool cop__timer_cancel(struct cop__timer *timer);

/* For whoever keeps books under the lock of a wheel. */
COP__INLINE void cop__wheel_lock(struct cop__wheel *wheel)
{
        cop__lock_lock(&wheel->lock);
}

COP__INLINE void cop__wheel_unlock(struct cop__wheel *wheel)
{
        cop__lock_unlock(&wheel->lock);
}

/* The two above for who holds the lock. Cancel: of a timer that is never armed on another wheel. */
bool cop__timer_arm_locked(struct cop__wheel *wheel, struct cop__timer *timer, uint64_t when_ns);
bool cop__timer_cancel_locked(struct cop__wheel *wheel, struct cop__timer *timer);

/* A hint, unless the caller is the only one who could change it. */
bool cop__timer_armed(const struct cop__timer *timer);

/*
 * When to call expire at the latest, or COP__WHEEL_NEVER. Never more than a tick after
 * the earliest timer; may be earlier, when a far timer moves to a nearer level or one
 * was cancelled. Lock-free.
 */
uint64_t cop__wheel_next(const struct cop__wheel *wheel);

/* How many timers are armed. Lock-free. */
size_t cop__wheel_count(const struct cop__wheel *wheel);

/*
 * Fires, in the order of when_ns, every timer that was armed before this call and whose
 * time is at least a tick past, and says how many; one whose time came within the tick
 * may wait for the next call, and none fires before its time. What `fire` arms waits for
 * the next call, however late it is: a timer that arms itself again without delay makes
 * no endless loop. A `now_ns` before the last one counts as
 * the last one. Another thread's arm during the call may or may not be in.
 */
size_t cop__wheel_expire(struct cop__wheel *wheel, uint64_t now_ns,
                         void (*fire)(struct cop__timer *timer, void *context), void *context);

/* Checks all that is said above about the fields. Takes the lock; for tests. */
bool cop__wheel_is_valid(struct cop__wheel *wheel);

#endif
