/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The supervisor from the inside: what it keeps, and what it can be asked. README.md has the
 * drawing.
 *
 * All of it is the supervisor's own: it is an actor. The spec is shared by the whole tree, and
 * constant.
 */
#ifndef SUPERVISOR_SUPERVISOR_H
#define SUPERVISOR_SUPERVISOR_H

#include <coppice/supervisor.h>

#include "supervisor/intensity.h"
#include "supervisor/spec.h"
#include "supervisor/strategy.h"

/* ---- What it can be asked --------------------------------------------------------- */

/*
 * A call with this is answered with a cop_any: a map of what the supervisor is and how its children
 * are, in the order of start. While it waits for a child to start or to stop, the answer waits too.
 *
 *      #{name => shop, strategy => one_for_one, intensity => 3, period_ms => 5000,
 *        restarts => 1,                             within the period that ends now
 *        children => [#{id => till, type => worker, restart => permanent,
 *                       state => running,           or starting, restarting, stopped
 *                       pid => <0.15.0>,            or undefined
 *                       restarts => 1}]}            since the supervisor started
 */
typedef struct cop__children {
} cop__children;
COP_MESSAGE(cop__children);

/* ---- What it is started with, and what it tells itself ---------------------------- */

typedef struct cop__supervisor_start {
        cop_bytes spec; /* a struct cop__supervisor_spec in the tree's buffer, and a share of it */
        bool alone;     /* the parent is no supervisor, and watches the start by a monitor */
} cop__supervisor_start;
COP_MESSAGE(cop__supervisor_start, spec, alone);

typedef struct cop__supervisor_retry {
        uint32_t child;
        uint64_t number;
} cop__supervisor_retry;
COP_MESSAGE(cop__supervisor_retry, child, number);

/* ---- What it keeps ---------------------------------------------------------------- */

enum cop__child_state {
        /* No process: not started yet, ended for good, or behind a RESTARTING one. */
        COP__CHILD_STOPPED = 0,
        COP__CHILD_STARTING,   /* has a process that has not said it runs */
        COP__CHILD_RUNNING,
        COP__CHILD_RESTARTING, /* no process: starting it has failed, and a retry is on its way */
};

/*
 * member.running <=> pid is somebody <=> state is STARTING or RUNNING; state is RESTARTING => retry
 * != 0.
 */
struct cop__child {
        cop_pid pid;
        cop_pid corpse;    /* who died as this child last, and is not replaced yet; nobody: none */
        uint64_t retry;    /* the number that the retry on its way bears */
        uint32_t restarts; /* for all its life */
        uint8_t state;     /* a cop__child_state */
};

struct cop__supervisor {
        const struct cop__supervisor_spec *spec;
        cop_message *share;           /* holds our share of the tree's buffer; never freed by us */
        cop_buffer *tree;             /* borrowed from it */
        struct cop__child *children;  /* as many as in the spec, in its order, like the next two */
        struct cop__member *members;
        uint32_t *order;              /* twice as many: room for a plan */
        struct cop__intensity intensity;
        uint64_t retries;             /* that were ever sent */
        bool alone;
        bool started;                 /* init is over: terminate will stop the children */
};

const cop_behaviour *cop__supervisor_behaviour(void);

/* ---- One child (child.c) ---------------------------------------------------------- */

enum cop__start {
        COP__STARTED,
        COP__START_FAILED,    /* the child is STOPPED */
        COP__START_FORBIDDEN, /* the supervisor is to end; the child may be left STARTING */
};

/* Why not. The reason borrows from the rest. */
struct cop__start_failure {
        cop_term reason;
        cop_term items[2];
        cop_message *message; /* the caller ends it; may be NULL */
};

/*
 * Starts a child and waits until its init has ended, if it has one. Fills *failure unless it has
 * started.
 */
enum cop__start cop__child_start(struct cop__supervisor *self, uint32_t index,
                                 struct cop__start_failure *failure);

/*
 * Stops a child that has a process and returns when it is dead. Without memory for that it exits
 * the supervisor.
 */
void cop__child_stop(struct cop__supervisor *self, uint32_t index);

/* The process of a child is gone. */
void cop__child_gone(struct cop__supervisor *self, uint32_t index, enum cop__child_state state);

/* ---- What is told (tell.c) -------------------------------------------------------- */

/* Each tells the log, and the crash report of the child's last process, if there is one. */
void cop__tell_restarted(const struct cop__supervisor *self, uint32_t index, cop_pid corpse);
void cop__tell_failed(const struct cop__supervisor *self, uint32_t index, cop_pid corpse,
                      cop_term reason);
void cop__tell_gave_up(const struct cop__supervisor *self, uint32_t index);
void cop__tell_left(const struct cop__supervisor *self, uint32_t index, cop_pid corpse,
                    cop_term reason);
void cop__tell_stopped(const struct cop__supervisor *self, uint32_t index, cop_pid corpse,
                       bool late);
void cop__tell_no_start(const struct cop__supervisor *self, uint32_t index, cop_pid corpse);
/* An end that is not in a crash report has a line of its own, before what is done about it. */
void cop__tell_ended(const struct cop__supervisor *self, uint32_t index, cop_pid corpse,
                     cop_term reason);

/*
 * The answer to cop__children. Ownership: `memory` is cop_alloc's, to be released. False: no
 * memory.
 */
bool cop__tell_children(const struct cop__supervisor *self, cop_term *answer, void **memory);

#endif
