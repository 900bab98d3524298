/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Observing a server: what it hears, answers and becomes, told to the log or an actor, kept, or counted.
 *
 * The owner makes each event as a term where it happens, and only while somebody looks (COP__ASIDE_OBSERVED); without
 * memory an event is lost, and nothing else.
 */
#ifndef ACTORS_OBSERVE_H
#define ACTORS_OBSERVE_H

#include <coppice/sys.h>

#include "actors/actor.h"

struct cop__observation {
        bool traced;
        cop_pid observer; /* of a trace; nobody: the log */
        bool counted;
        uint64_t since_ns, messages, replies;
        struct cop__shared_term **log; /* the last `room` events, number n at n % room */
        uint32_t room;
        uint64_t logged;
};

/* Tells of an event, if somebody looks. `what` is as in cop_sys_event. */
void cop__observe(struct cop__actor *actor, const char *what, cop_pid peer, cop_term term);
void cop__observe_signal(struct cop__actor *actor, const char *what, struct cop__signal *signal);
void cop__observe_reply(struct cop__actor *actor, cop_pid to, const cop_kind *kind, const void *value);
void cop__observe_state(struct cop__actor *actor);

/* What sys asks for. Errors: COP_E_NO_MEMORY. */
cop_status cop__observe_trace(struct cop__actor *actor, bool on, cop_pid observer);
cop_status cop__observe_count(struct cop__actor *actor, bool on);
cop_status cop__observe_log(struct cop__actor *actor, uint32_t room);

/* The events that are kept, oldest first, as a list whose items the caller frees with free(*items). */
cop_status cop__observation_log(const struct cop__observation *observation, cop_term **items,
                                size_t *count);

void cop__observation_free(struct cop__observation *observation);

#endif
