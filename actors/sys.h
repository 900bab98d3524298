/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What sys asks of a server, as a signal: SYS, a call of the runtime's own.
 *
 *      sys_ask.c                              sys.c, in the server's turn
 *      ── SYS, ref: cop__sys_request ──────►  kept in rare->asked, until no callback runs
 *      ◄─ REPLY, ref: cop__sys_answer ──────  done
 *      ◄─ FAILED, ref: the reason ──────────  it has died first, or of it (COP__SYS_STOP)
 *
 * A server does it between two callbacks, and after the messages that came before it: most are handled by then, since
 * a server takes one signal after the other; but if it has received in a handler, they are in its mailbox. Then the
 * request goes there, too, behind them, and into `asked` when its turn comes. Whoever looks for messages there passes
 * over it. A suspended server handles none, so there the turn of each comes at once, one after the other: what is behind one
 * that lets it go on keeps its place.
 *
 *      queue ──take in──► mailbox empty, or a function ──► asked ──► done
 *                └──────► mailbox: m1, m2, SYS, m3 ── its turn, a suspended one's, a glance ──► asked
 *
 * A function, plain or a task's, does it where it receives
 * or sleeps (cop__sys_rest). Whoever waits in the middle of something else, a server in a handler
 * or a function in a call, looks through what it is asked before it falls asleep (cop__sys_glance),
 * and does what concerns nothing of the user's: its status, and what it tells of its messages. A
 * function also shows its state then, and may be suspended: that is for its next receive. The rest
 * waits.
 *
 * A request stays at the head of the list while it is carried out: so a server that dies of it
 * answers it like the others.
 *
 * An actor in a process of its own does all of this there (outpost_sys.h).
 */
#ifndef ACTORS_SYS_H
#define ACTORS_SYS_H

#include "actors/actor.h"

enum cop__sys_what {
        COP__SYS_GET_STATE = 1,
        COP__SYS_REPLACE_STATE, /* term */
        COP__SYS_SUSPEND,
        COP__SYS_RESUME,
        COP__SYS_TRACE,         /* from here to GET_STATUS: cop__sys_is_aside. number: on; pid: the observer */
        COP__SYS_LOG,           /* number: of events */
        COP__SYS_GET_LOG,
        COP__SYS_COUNT,         /* number: on */
        COP__SYS_GET_COUNT,
        COP__SYS_GET_STATUS,
        COP__SYS_STOP,          /* term: the reason */
        COP__SYS_UPGRADE,       /* number: a const cop_behaviour * */
        COP__SYS_SETTLE,        /* nothing: the answer says that what came before is over */
};

typedef struct cop__sys_request {
        int64_t what;
        int64_t number;
        cop_pid pid;
        cop_term term;
} cop__sys_request;
COP_MESSAGE(cop__sys_request, what, number, pid, term);

typedef struct cop__sys_answer {
        int64_t status; /* a cop_status */
        cop_term term;  /* of COP_E_MALFORMED: the sentence */
} cop__sys_answer;
COP_MESSAGE(cop__sys_answer, status, term);

/* Does it concern nothing of the user's? Then it is done wherever the actor waits. */
COP__INLINE bool cop__sys_is_aside(enum cop__sys_what what)
{
        return what >= COP__SYS_TRACE && what <= COP__SYS_GET_STATUS;
}

/* Will it be answered with the end of who it is for? */
COP__INLINE bool cop__sys_asks_for_end(const struct cop__signal *signal)
{
        return cop__signal_asks_for_end(signal) ||
               (signal->type == COP__SIGNAL_SYS &&
                ((const cop__sys_request *)cop__signal_body(signal))->what == COP__SYS_STOP);
}

/* Waits until a server is between two callbacks, and has handled what came before; in time of its own. Errors: those of cop_call;
 * from a process also COP_E_ISOLATED. */
cop_status cop__sys_settle(cop_pid pid);

/* Takes the signal. */
void cop__sys_take_in(struct cop__thread *thread, struct cop__actor *actor,
                      struct cop__signal *signal);

/* A request that has been taken out of the mailbox, as its first or by a search: it is done next. */
void cop__sys_due(struct cop__actor *actor, struct cop__signal *request);

/* Is there one to be done now? Then it is the first in `asked`. */
bool cop__sys_has_next(struct cop__actor *actor);

/* What is put in front of the mailbox now comes before the requests that are there. */
void cop__sys_give_way(struct cop__actor *actor);

/* The first request in `asked`; there is one. */
void cop__sys_act(struct cop__actor *actor);

/* The answer to a request that is in no list. Takes it; without memory it becomes the answer itself. */
void cop__sys_reply(struct cop__actor *actor, struct cop__signal *request, cop_status status,
                    cop_term term);

/* Is it in a function that runs from its birth to its death, or a task's? */
bool cop__in_function(const struct cop__actor *actor);

/* It is about to wait in the middle of something; it has been asked (COP__ASIDE_ASKED, COP__ASIDE_QUEUED). */
void cop__sys_glance(struct cop__actor *actor);

/* A function at a point where it may be looked at: does what it is asked, and stays while it is
 * suspended. */
void cop__sys_rest(struct cop__actor *actor, const void *where);

#endif
