/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What a server does aside from its messages: continuations, the time without a message, suspension, and showing its
 * state. See turn.c for when, and struct cop__rare for where it is kept. All of it is the owner's.
 */
#ifndef ACTORS_SERVER_H
#define ACTORS_SERVER_H

#include "actors/actor.h"

/* The entry of a server's table for that event and kind; NULL: it has none. */
const cop_handler *cop__server_entry(const cop_behaviour *server, cop_event event,
                                     const cop_kind *kind);

/* Each is one step of live_aside (turn.c). */
void cop__server_continue(struct cop__actor *actor);
/* True: COP_IDLE has run; false: there is nothing to do before the next signal. */
bool cop__server_idle(struct cop__actor *actor);
/* Suspended: looks for its parent's order to end, which it obeys even now. Returns what an outpost is to go on with
 * (outpost_sys.h), out of the mailbox; NULL: nothing. */
struct cop__signal *cop__server_take_suspended(struct cop__actor *actor);
/* Around the handling of a message. */
void cop__server_message_begins(struct cop__actor *actor, struct cop__signal *signal);
void cop__server_message_ended(struct cop__actor *actor);

/*
 * Runs code of the user's on the side: an exit or a fault in it is its own end, and not the actor's. True: it returned. False also
 * without memory, when it has not run. Afterwards cop__guarded_over, which does not return to who was killed meanwhile: so what the caller
 * has of the heap is freed between the two.
 */
bool cop__guarded(struct cop__actor *actor, void (*run)(void *argument), void *argument);
bool cop__guarded_was_killed(const struct cop__actor *actor);
void cop__guarded_over(struct cop__actor *actor);

/*
 * The state as others may see it, after COP_FORMAT_STATUS. Ownership: the caller ends *term with cop_term_free. Errors:
 * COP_E_NO_KIND (it has no COP_STATE), COP_E_DIED (the hook failed), COP_E_NO_MEMORY, COP_E_TOO_DEEP, COP_E_TOO_BIG.
 */
cop_status cop__state_shown(struct cop__actor *actor, cop_term *term);

/* The same for an event or a status, which from an actor's own process goes to the node. Errors: also COP_E_MALFORMED (it holds
 * what cannot cross). */
cop_status cop__state_told(struct cop__actor *actor, cop_term *term);

/* Has it said what its state is? */
bool cop__state_can_be_seen(const struct cop__actor *actor);

/* The same as it is, without that hook. */
cop_status cop__state_seen(struct cop__actor *actor, cop_term *term);

/* Its state is another from now on: `term`, read as its kind. `error` says what is wrong with it. */
cop_status cop__state_replace(struct cop__actor *actor, cop_term term, cop_parse_error *error);
void cop__replaced_free(struct cop__rare *rare);

/*
 * The actor goes on as another server, with its state as that one's COP_UPGRADE makes it. Errors: COP_E_BAD_ARGUMENT (it does
 * not take such a state, or failed to), COP_E_NO_MEMORY; then nothing has changed.
 */
cop_status cop__server_upgrade(struct cop__actor *actor, const cop_behaviour *server);

/* A crash by its own doing, while its code may still run: keeps its state for the report. */
void cop__server_last_words(struct cop__actor *actor);
/* The same for the report of any crash. */
void cop__server_print_state(struct cop__actor *actor, char *text, size_t size);

/* In its death: nothing is to be done aside any more, and what it had not done is answered or freed, one by one. False: there is none
 * left. Of one that has its rare half. */
COP__INLINE void cop__server_end(struct cop__actor *actor)
{
        actor->aside = 0;
}

bool cop__server_end_one(struct cop__thread *thread, struct cop__actor *actor, cop_pid pid);

#endif
