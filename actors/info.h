/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Looking at a node from the side: lists of actors, and what one of them says of itself.
 *
 * The lists are made from what the actors leave readable (atomics in the slot) and from the registry, and ask nobody: they work when
 * every worker is stuck. They are guesses of a moment.
 */
#ifndef ACTORS_INFO_H
#define ACTORS_INFO_H

#include <coppice/process.h>

#include "actors/backtrace.h"
#include "actors/limit.h"

struct cop_node;
struct cop__actor;

struct cop__glimpse {
        cop_pid pid;
        cop_pid parent;
        char name[COP_NAME_MAX + 1]; /* registered; may be empty */
        char label[COP_LABEL_MAX + 1]; /* may be empty */
        const char *server;          /* the name of its behaviour; NULL: a plain actor */
        cop_process_status state;
        const char *status;          /* the same as a word: "waiting", "running", "hibernating", "visiting" */
        cop_priority priority;
        cop_isolation isolation;
        int64_t os_pid;              /* of its own process; 0: it has none */
        bool trap_exit;
        uint32_t relations;          /* links and monitors, its own and others' of it */
        uint32_t unread;             /* messages that wait to be received */
        struct cop__marking marking; /* of its mailbox */
        uint64_t handled;            /* messages since its birth */
        uint64_t bytes;              /* of memory: slot, state, cop_alloc, the stack it is blocked on */
        uint64_t stack_bytes;        /* those of `bytes` that are the stack */
        const char *handling;        /* the kind of message that a server's handler is at, or NULL */
        const void *where;           /* code that it is in, or that waits; NULL: none yet */
};

/* Calls `each` for every living actor, by slot. Threads: any that is inside the node. */
void cop__glimpse_each(struct cop_node *node,
                       void (*each)(void *context, const struct cop__glimpse *glimpse),
                       void *context);
/* Whoever lives in a slot; without `named` no lock is taken, and name and label are "". */
bool cop__glimpse_slot(struct cop_node *node, struct cop__actor *actor, bool named,
                       struct cop__glimpse *glimpse);
bool cop__glimpse_of(struct cop_node *node, cop_pid pid, struct cop__glimpse *glimpse);

/*
 * The function that `where` lies in, "till_on_bill" or "-"; looking it up may take milliseconds the first time. Of a handler
 * it is the word that the user knows it by.
 */
void cop__glimpse_where(struct cop_node *node, const struct cop__glimpse *glimpse,
                        struct cop__place *place);

/*
 * Asks an actor, or oneself, for a map of all it knows of itself: name, links, monitors, monitored_by, messages, ...
 * It answers at its next safe point. The caller owns *info and ends it with cop_term_free.
 * Errors: COP_E_TIMEOUT (busy), COP_E_NO_ACTOR, COP_E_NO_MEMORY.
 */
cop_status cop__info(cop_pid pid, int64_t timeout_ms, cop_term *info);

const char *cop__priority_word(cop_priority priority); /* "normal" */

struct cop__totals {
        uint64_t spawned, died, sent, dead_letters, crashes;
        unsigned workers;
        uint64_t uptime_ms;
};
void cop__totals(struct cop_node *node, struct cop__totals *totals);

#endif
