/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What an actor in a process of its own has done for it by its outpost (outpost_answer.h): the
 * process' side. Each is the public function of that name, asks, and waits for the answer; it is
 * only called where cop__inside_here() is not NULL.
 */
#ifndef ACTORS_OUTSIDE_H
#define ACTORS_OUTSIDE_H

#include "actors/inside.h"

/* cop__spawn: the child will live in a process of its own, too. */
cop_status cop__outside_spawn(const cop_spawn_options *options, cop_ref asked, cop_pid *pid);

/*
 * A timer for another actor, whose message or exit signal will be from this one. As struct order
 * in timer.c has it.
 */
struct cop__outside_timer {
        enum cop__timer_how how;
        int64_t ms;
        cop_address to;  /* a pid or a name */
        cop_ref alias;   /* of the pid's; none: to itself */
        const cop_kind *kind;
        const void *value;
        cop_term term;   /* of COP__TIMER_TELLS and _EXITS */
};
cop_status cop__outside_timer(const struct cop__outside_timer *timer, cop_ref *ref);

/* Is a timer of that reference with the outpost, if anywhere? */
bool cop__outside_has_timer(cop_ref ref);
/* cop_cancel and cop_timer_left of such a timer. */
int64_t cop__outside_cancel(cop_ref timer);
int64_t cop__outside_time_left(cop_ref timer);

/*
 * Of groups and registries: the question without further ado. *result, unless that is NULL, is
 * the term told, which the caller owns; *pid and *ref likewise.
 */
cop_status cop__outside_book(cop__query query, cop_term *result, cop_pid *pid, cop_ref *ref);

/* COP__ASK_JOIN or COP__ASK_LEAVE. */
cop_status cop__outside_members(enum cop__question what, const char *scope, cop_term group,
                                const cop_pid *pids, size_t count);

#endif
