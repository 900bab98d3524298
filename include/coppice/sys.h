/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Looking into an actor that runs, and taking it by the hand: its state, its messages, its work.
 *
 *      cop_term state;
 *      if (cop_sys_get_state("till", 1000, &state) == COP_OK) {   #till{served = 3} as {till, 3}
 *              ...
 *              cop_term_free(state);
 *      }
 *
 * Every actor answers, without a line of its own; its state only if it says what that is: a server
 * with COP_STATE, a function, plain or a task's, with cop_sys_show(). A server does what it is
 * asked between two callbacks and in its turn: after the messages that came before, unless it is
 * suspended, when it handles none. A function does it where it receives, selects or sleeps.
 *
 * Who waits in the middle of something, a server in its handler or a function in a call, answers
 * there what needs nothing of the user's: status, trace, log and statistics; a function also its
 * state, and it takes note that it is suspended. The rest is done when that is over, or the time
 * is. Of one that computes, or waits in the system, the status is what can be seen of it from
 * outside, when the time is over. A thread of the program is never asked: its status is that, at
 * once, and all else is COP_E_BAD_ARGUMENT.
 *
 * An actor in an OS process of its own is asked there, and answers the same; docs/processes.md has what differs.
 *
 * The shell has the same as `sys`.
 *
 * Errors of all: COP_E_TIMEOUT (it is not carried out any more, unless that has begun), COP_E_DIED
 * (cop_failure() is the reason), COP_E_NO_ACTOR, COP_E_NO_NAME, COP_E_NO_MEMORY, COP_E_NO_NODE,
 * COP_E_BAD_ARGUMENT (a thread of the program, or the caller itself). A negative time-out ends the
 * caller with {badarg, ...}. `to` is a pid or a name; in C++ pass cop_to_pid() or cop_to_name().
 *
 * See also: server.h (cop_stop), docs/shell.md.
 */
#ifndef COPPICE_SYS_H
#define COPPICE_SYS_H

#include <coppice/server.h>

COP_BEGIN_DECLS

/*
 * The state as its kind's term, just as it is: nothing is redacted. The caller owns *state and ends
 * it with cop_term_free. Errors: also COP_E_NO_KIND (it has not said what its state is), and, from an OS process,
 * COP_E_MALFORMED (it holds an atom that is no UTF-8) and COP_E_TOO_BIG.
 */
COP_API cop_status cop_sys_get_state(cop_address to, int64_t timeout_ms, cop_term *state);

/*
 * Another state, checked as a message of its kind would be. What it points at is the runtime's: the
 * server must not cop_release() it. Errors: also COP_E_NO_KIND, and COP_E_MALFORMED with *error,
 * which may be NULL, saying which field is wrong; then the old state stays.
 */
COP_API cop_status cop_sys_replace_state(cop_address to, int64_t timeout_ms, cop_term state,
                                         cop_parse_error *error);

/*
 * While suspended a server handles nothing: messages wait, and are handled in order after
 * cop_sys_resume(). Exit signals, its parent's order to stop, cop_stop() and everything here still
 * work. Either is COP_OK, too, when there was nothing to do.
 */
COP_API cop_status cop_sys_suspend(cop_address to, int64_t timeout_ms);
COP_API cop_status cop_sys_resume(cop_address to, int64_t timeout_ms);

/* What an observer hears of a server. */
typedef struct cop_sys_event {
        cop_pid pid;     /* the server's */
        cop_symbol what; /* in: a message that is about to be handled, or any event of a state machine, each time that
                          * it is; out: a reply; state: what it is after a callback, with COP_STATE, redacted; continue; idle */
        cop_pid peer;    /* who sent the message, or is to have the reply */
        cop_term term;   /* the message, the reply, or the state */
} cop_sys_event;
COP_MESSAGE_DECLARE(cop_sys_event);

/*
 * Tells of each event from now on: `observer` as a cop_sys_event, or, for nobody, the node's log.
 * That it hears of them is no event itself: two may observe each other. An observer's end is the trace's. There is one trace at
 * a time: the last to ask has it. Cost: about a term for each event, paid by the server; switched off, none. Errors: also
 * COP_E_BAD_ARGUMENT (the server cannot observe itself), COP_E_NOT_LOCAL (the observer lives on another node).
 */
COP_API cop_status cop_sys_trace(cop_address to, int64_t timeout_ms, bool on, cop_pid observer);

/* The most events that a server keeps. */
#define COP_SYS_LOG_MAX 10000

/* Keeps the last `count` events; 0: none, and the log is gone. Asking again begins anew. Errors: also COP_E_BAD_ARGUMENT (more
 * than COP_SYS_LOG_MAX). */
COP_API cop_status cop_sys_log(cop_address to, int64_t timeout_ms, uint32_t count);

/*
 * What it has kept, oldest first: [{in, {bill, 900, 3}, <0.31.0>}, {out, ...}, {state, ...}]. The
 * caller owns *events and ends it with cop_term_free. Without a log: [].
 */
COP_API cop_status cop_sys_get_log(cop_address to, int64_t timeout_ms, cop_term *events);

typedef struct cop_sys_statistics {
        int64_t counted_ms; /* since they were switched on */
        int64_t messages;   /* handled; continuations count */
        int64_t replies;
} cop_sys_statistics;

/* Counts from now on, or no more. Errors of the second: also COP_E_NOT_FOUND (they are off). */
COP_API cop_status cop_sys_statistics_on(cop_address to, int64_t timeout_ms, bool on);
COP_API cop_status cop_sys_get_statistics(cop_address to, int64_t timeout_ms,
                                          cop_sys_statistics *statistics);

/*
 * All there is to say, as a map with the keys server (or what function it is), status (running,
 * suspended, or waiting in the middle of something), waits_for (the actor without whose answer it
 * cannot go on, or the atom nobody), parent, messages, handled, trace, log, statistics and state
 * (redacted; without COP_STATE the atom undefined; of a server in the middle of a callback the atom
 * busy; if it cannot leave its OS process does_not_cross). Of one that has not answered in time, with the status busy, and of a
 * thread of the program, with the status thread: server, status, in (the function, or "process 4711"), parent, messages,
 * handled. So this is no error for a living actor. The caller owns *status and ends it with cop_term_free.
 */
COP_API cop_status cop_sys_get_status(cop_address to, int64_t timeout_ms, cop_term *status);

/*
 * In a plain function or a task: what sys shows, replaces and traces as its state from now on, and
 * what its crash report tells; NULL: nothing. `state` is borrowed until another takes its place, or
 * the actor ends or hibernates: a variable of the function that receives is good as long as that
 * does not return. It is read and written where the actor answers, see above, and never at another
 * time. Errors: COP_E_BAD_ARGUMENT (a server, or a thread of the program), COP_E_NO_MEMORY,
 * COP_E_NO_NODE.
 */
COP_API cop_status cop_sys_show_value(const cop_kind *kind, void *state);

#ifndef __cplusplus
/* cop_sys_show(tally, &mine): `mine` is a tally */
#define cop_sys_show(type, state) cop_sys_show_value(COP_KIND_OF(type), 1 ? (state) : (type *)0)
/* Each macro is the function of its name, with the address made from a pid or a name. */
#define cop_sys_get_state(to, ms, state) cop_sys_get_state(COP_TO(to), (ms), (state))
#define cop_sys_replace_state(to, ms, state, error) \
        cop_sys_replace_state(COP_TO(to), (ms), (state), (error))
#define cop_sys_suspend(to, ms) cop_sys_suspend(COP_TO(to), (ms))
#define cop_sys_resume(to, ms) cop_sys_resume(COP_TO(to), (ms))
#define cop_sys_trace(to, ms, on, observer) cop_sys_trace(COP_TO(to), (ms), (on), (observer))
#define cop_sys_log(to, ms, count) cop_sys_log(COP_TO(to), (ms), (count))
#define cop_sys_get_log(to, ms, events) cop_sys_get_log(COP_TO(to), (ms), (events))
#define cop_sys_statistics_on(to, ms, on) cop_sys_statistics_on(COP_TO(to), (ms), (on))
#define cop_sys_get_statistics(to, ms, statistics) \
        cop_sys_get_statistics(COP_TO(to), (ms), (statistics))
#define cop_sys_get_status(to, ms, status) cop_sys_get_status(COP_TO(to), (ms), (status))
#endif

COP_END_DECLS

#endif
