/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Supervisors: actors that start others, and start them again when they fail.
 *
 * A tree is data. Children start in the order of the list, each when the one before has started,
 * and stop in reverse. When a child ends, its restart type says whether that was a failure, the
 * strategy says who is restarted with it, and intensity and period say when to give up: one more
 * than `intensity` restarts within `period_ms` and the supervisor stops all its children and ends
 * with the reason shutdown, which its own supervisor takes for the failure it is.
 *
 *      &(cop_supervisor){
 *              .name = "shop", .strategy = COP_ONE_FOR_ONE, .intensity = 3, .period_ms = 5000,
 *              .children = COP_CHILDREN({ "till", .server = &till_server }),
 *      }
 *
 * See also: server.h, main.h.
 */
#ifndef COPPICE_SUPERVISOR_H
#define COPPICE_SUPERVISOR_H

#include <coppice/server.h>

COP_BEGIN_DECLS

typedef enum cop_strategy {
        COP_ONE_FOR_ONE = 0, /* only the child that ended */
        COP_ONE_FOR_ALL,     /* all children: the others are stopped first, in reverse order */
        COP_REST_FOR_ONE,    /* the child that ended and those started after it */
} cop_strategy;

typedef enum cop_restart {
        COP_PERMANENT = 0, /* always started again */
        COP_TRANSIENT,     /* only after a crash: not after normal, shutdown, {shutdown, _} */
        COP_TEMPORARY,     /* never, and forgotten when it ends */
} cop_restart;

/* Values of shutdown_ms that are no time. */
#define COP_SHUTDOWN_DEFAULT 0    /* 5,000 ms for an actor, COP_SHUTDOWN_INFINITY for a supervisor */
#define COP_SHUTDOWN_INFINITY (-1)
#define COP_BRUTAL_KILL (-2)      /* killed without being asked */
#define COP_SHUTDOWN_AT_ONCE (-3) /* asked, and killed in the same breath */

/* A value of intensity: the first restart is one too many. Zero stands for the default, 1. */
#define COP_NO_RESTARTS (-1)

typedef struct cop_supervisor cop_supervisor;

/* One child. Exactly one of server, run, run_with and supervisor is set. */
typedef struct cop_child {
        const char *id;               /* unique in its supervisor; also its registered name */
        const cop_behaviour *server;
        cop_restart restart;
        int32_t shutdown_ms;          /* from the request to stop until it is killed */
        void (*run)(void);
        void (*run_with)(const void *argument);
        const cop_supervisor *supervisor;
        const cop_kind *kind;         /* of `argument`: the same at each restart */
        const void *argument;
        bool unnamed;                 /* the id is not registered */
} cop_child;

/* What a supervisor is. Zero stands for each default; all is copied when it starts. */
struct cop_supervisor {
        const char *name;          /* registered if not NULL */
        cop_strategy strategy;
        int32_t intensity;         /* restarts within the period that are borne: 1; to 1,000,000 */
        int64_t period_ms;         /* 5,000; a sliding window */
        const cop_child *children; /* ended by one without id; NULL: none */
};

#ifndef __cplusplus
/* .children = COP_CHILDREN({ "till", .server = &till_server }, { "clerk", .server = &clerk_server }) */
#define COP_CHILDREN(...) ((const cop_child[]){ __VA_ARGS__, { .id = NULL } })
#endif

/*
 * Says what is wrong with a tree, all levels: COP_OK, or COP_E_BAD_ARGUMENT and a sentence that
 * names the supervisor, the child and the field in `text` of `size` bytes. Starts nothing. Threads:
 * any.
 */
COP_API cop_status cop_supervisor_check(const cop_supervisor *tree, char *text, size_t size);

/*
 * Starts a tree, linked to the calling actor, and waits until all of it runs. If a child fails to
 * start, those before it are stopped, and COP_E_DIED is the answer with cop_failure() the reason;
 * the caller lives on. Once it runs, the two end together: the tree in order when its caller ends
 * or exits it (cop_shutdown), the caller when the tree gives up, with the reason shutdown, or as a
 * cop_exited if it traps exits. Errors: also COP_E_BAD_ARGUMENT (see cop_supervisor_check; the
 * sentence is logged), COP_E_NO_MEMORY, COP_E_LIMIT, COP_E_NO_NODE, COP_E_NAME_TAKEN,
 * COP_E_STOPPING.
 */
COP_API cop_status cop_supervise(const cop_supervisor *tree, cop_pid *pid);

/*
 * Asks an actor, as its supervisor would, to stop with shutdown and waits until it has; kills it
 * after shutdown_ms, which is as in cop_child, or COP_FOREVER. Anyone may: a server or supervisor
 * takes it for its parent's order. Returns COP_OK when it has ended, whatever the reason. A link
 * between the two is gone then, and its exit is not heard of. Errors: COP_E_BAD_ARGUMENT (nobody,
 * oneself, a thread of the program, a time below those values), COP_E_NO_MEMORY, COP_E_NO_NODE.
 */
COP_API cop_status cop_shutdown(cop_pid pid, int64_t shutdown_ms);

COP_END_DECLS

#endif
