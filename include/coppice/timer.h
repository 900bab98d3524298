/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Timers: a message or an exit signal that is sent later, or a message every so often.
 *
 * Time is the node's: milliseconds of a clock that only goes forward, whatever happens to the date.
 * Never early: a timer fires at its time or after it, on an idle machine within about 0.1 ms, and later when all workers
 * are busy. docs/timers.md has figures, and what happens while a machine is suspended.
 * Order: timers fire in the order of their times; of equal times any may be first.
 *
 * Ownership: the message is copied when the timer is set. A timer belongs to nobody: it goes on when who set it has
 * ended, and whoever knows its reference may stop it.
 * To a pid: the timer ends with that actor, its memory is free then, and one that is set for the dead is gone at once.
 * Through an alias: a message is dropped if the alias is closed when it comes; exit signals do not go through one.
 * To a name: whoever bears the name when the time has come gets it; if nobody does it is dropped, as a dead letter.
 * Threads: actors and visiting threads; elsewhere COP_E_NO_NODE, and the clock reads 0.
 * Cost: setting and stopping take constant time however many there are (but one for a receiver that is behind holds who sets
 * it back, as a message would). An outstanding timer takes 104 bytes with a
 * message of up to 16. Firing needs no memory, but for a tick of cop_send_every.
 *
 * Errors of all that set one: a negative time is a bug, which ends the actor with {badarg, ...}; a visiting thread gets
 * COP_E_BAD_ARGUMENT. Over COP_TIMER_MS_MAX: COP_E_TOO_BIG. A receiver that is nobody, or no good name:
 * COP_E_BAD_ARGUMENT. COP_E_NO_MEMORY, COP_E_NO_NODE; and COP_E_LIMIT beyond 16,777,215 outstanding ones that were set on
 * one worker. Then no timer is set, and *timer is untouched.
 *
 * What people get wrong:
 * - After cop_cancel has answered 0 or more, the message never comes. After -1 it may still be on its way.
 * - A timer is no time-out of a wait: cop_receive has one, and needs no timer.
 */
#ifndef COPPICE_TIMER_H
#define COPPICE_TIMER_H

#include <coppice/actor.h>

COP_BEGIN_DECLS

/* The longest time, 69 years. */
#define COP_TIMER_MS_MAX (INT64_C(1) << 41)

/* ---- The clock ------------------------------------------------------------------ */

/* The node's clock. It begins anywhere, never goes back, and is what cop_send_at means by a time. */
COP_API int64_t cop_now_ms(void);
COP_API int64_t cop_now_ns(void);

/* ---- Once ----------------------------------------------------------------------- */

/*
 * Sends a message when `ms` milliseconds have passed. `timer` may be NULL.
 * Errors: as above, and those of cop_send_value but for COP_E_NO_NAME.
 */
COP_API cop_status cop_send_value_after(int64_t ms, cop_address to, const cop_kind *kind,
                                        const void *value, cop_ref *timer);

/* Sends it when cop_now_ms() has reached `at_ms`; at once if it has already. A time before the clock's 0 is negative: a bug. */
COP_API cop_status cop_send_value_at(int64_t at_ms, cop_address to, const cop_kind *kind,
                                     const void *value, cop_ref *timer);

/* What cop_start_timer sends: the message knows which timer it is from. {timeout, Ref, Payload} */
typedef struct cop_timeout {
        cop_ref ref;
        cop_term payload;
} cop_timeout;
COP_MESSAGE_DECLARE(cop_timeout);

/* Sends one when `ms` milliseconds have passed. The payload is copied. Errors: as above, COP_E_TOO_DEEP and COP_E_TOO_BIG. */
COP_API cop_status cop_start_timer_to(int64_t ms, cop_address to, cop_term payload, cop_ref *timer);

#ifndef __cplusplus
/* cop_send_after(&timer, 1000, "till", bill, .pence = 900, .people = 3) */
#define cop_send_after(timer, ms, to, type, ...)                           \
        cop_send_value_after((ms), COP_TO(to), COP_KIND_OF(type), &(type){ __VA_ARGS__ }, (timer))
/* cop_send_at(&timer, begun_ms + 5000, "till", closing_time) */
#define cop_send_at(timer, at_ms, to, type, ...)                           \
        cop_send_value_at((at_ms), COP_TO(to), COP_KIND_OF(type), &(type){ __VA_ARGS__ }, (timer))
/* cop_start_timer(&timer, 1000, cop_self(), cop_atom("tea")) */
#define cop_start_timer(timer, ms, to, payload) \
        cop_start_timer_to((ms), COP_TO(to), (payload), (timer))
#endif

/* ---- Every so often ------------------------------------------------------------- */

/*
 * Sends a message each `period_ms`, first after one period, until it is cancelled or, to a pid, the receiver has ended.
 * The n-th tick's time is n periods after the beginning: lateness does not add up. Ticks that nobody could send in time
 * (all workers busy, the process stopped, no memory) are left out, not made up for; but a receiver that does not
 * read its mail finds all that were sent. A tick to a name that nobody bears is dropped, and the next one tries again.
 * Errors: as above; a period of 0 is a bug like a negative one.
 */
COP_API cop_status cop_send_value_every(int64_t period_ms, cop_address to, const cop_kind *kind,
                                        const void *value, cop_ref *timer);

#ifndef __cplusplus
/* cop_send_every(&timer, 100, cop_self(), tick) */
#define cop_send_every(timer, period_ms, to, type, ...)                       \
        cop_send_value_every((period_ms), COP_TO(to), COP_KIND_OF(type), \
                             &(type){ __VA_ARGS__ }, (timer))
#endif

/* ---- Exit signals ---------------------------------------------------------------- */

/*
 * An exit signal from the calling actor instead of a message, with cop_send_exit's rules: the reason kill cannot be
 * trapped. `reason` is copied. Errors: as above, COP_E_TOO_DEEP and COP_E_TOO_BIG.
 */
COP_API cop_status cop_exit_after_to(int64_t ms, cop_address to, cop_term reason, cop_ref *timer);

#ifndef __cplusplus
/* A dead man's switch: cop_exit_after(&timer, 5000, worker, cop_atom("late")), and cop_cancel(timer) in time. */
#define cop_exit_after(timer, ms, to, reason) \
        cop_exit_after_to((ms), COP_TO(to), (reason), (timer))
#define cop_kill_after(timer, ms, to) cop_exit_after_to((ms), COP_TO(to), cop_atom("kill"), (timer))
#endif

/* ---- Stopping and reading --------------------------------------------------------- */

/*
 * Stops a timer. Returns: the milliseconds that were left, rounded down, until it or its next tick; -1 if it has fired,
 * ended or was never set. Any actor may.
 */
COP_API int64_t cop_cancel(cop_ref timer);

/* The answer to cop_cancel_async: as cop_cancel would have returned it. */
typedef struct cop_timer_cancelled {
        cop_ref ref;
        int64_t left_ms;
} cop_timer_cancelled;
COP_MESSAGE_DECLARE(cop_timer_cancelled);

/*
 * Stops a timer, and if `tell` sends the caller what was left as a cop_timer_cancelled, for who will look at it later.
 * Without, it is the cheapest way to stop one: nothing is sent.
 * An unknown timer is COP_OK, and left_ms is -1. Errors: COP_E_NO_MEMORY (for the answer; then the timer goes on),
 * COP_E_BAD_ARGUMENT (no reference), COP_E_NO_NODE.
 */
COP_API cop_status cop_cancel_async(cop_ref timer, bool tell);

/* The milliseconds that are left, rounded down; -1 as in cop_cancel. */
COP_API int64_t cop_timer_left(cop_ref timer);

COP_END_DECLS

#endif
