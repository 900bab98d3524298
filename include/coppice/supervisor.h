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
 * See also: children.h for a supervisor that runs, server.h, main.h, docs/supervision.md.
 */
#ifndef COPPICE_SUPERVISOR_H
#define COPPICE_SUPERVISOR_H

#include <coppice/server.h>

COP_BEGIN_DECLS

typedef enum cop_strategy {
        COP_ONE_FOR_ONE = 0, /* only the child that ended */
        COP_ONE_FOR_ALL,     /* all children: the others are stopped first, in reverse order */
        COP_REST_FOR_ONE,    /* the child that ended and those started after it */
        COP_DYNAMIC,         /* only the child that ended; children come later: children.h */
} cop_strategy;

typedef enum cop_restart {
        COP_PERMANENT = 0, /* always started again */
        COP_TRANSIENT,     /* only after a crash: not after normal, shutdown, {shutdown, _} */
        COP_TEMPORARY,     /* never, and forgotten when it ends */
} cop_restart;

/* Whose end ends the supervisor, in order and with shutdown. Only an end without a restart counts. */
typedef enum cop_auto_shutdown {
        COP_NEVER = 0,
        COP_ANY_SIGNIFICANT, /* the first significant child that ends by itself */
        COP_ALL_SIGNIFICANT, /* the last of them, when what is under way with the others (a stop, a start) is over */
} cop_auto_shutdown;

/* Values of shutdown_ms that are no time. */
#define COP_SHUTDOWN_DEFAULT 0    /* 5,000 ms for an actor, COP_SHUTDOWN_INFINITY for a supervisor */
#define COP_SHUTDOWN_INFINITY (-1)
#define COP_BRUTAL_KILL (-2)      /* killed without being asked */
#define COP_SHUTDOWN_AT_ONCE (-3) /* asked, and killed in the same breath */

/* Values of intensity: the first restart is one too many; none ever is. Zero is the default, 1. */
#define COP_NO_RESTARTS (-1)
#define COP_RESTARTS_FOR_EVER (-2)

/*
 * Backoff: the first restart after a stable time comes after first_ms, each further one after
 * `factor` times as long, up to max_ms. Off while first_ms is 0. Each restart counts for intensity:
 * with a delay longer than period_ms / intensity a child may fail for ever, unless `tries` ends it.
 */
typedef struct cop_backoff {
        int64_t first_ms;  /* at most COP_TIMER_MS_MAX */
        int64_t max_ms;    /* 0: 60,000, or first_ms if that is more; COP_FOREVER: none */
        double factor;     /* 0: 2; at least 1 */
        double jitter;     /* 0 to 1: this part of each delay is left to chance */
        int64_t stable_ms; /* a life so long, whatever ends it, makes it start from first_ms again; 0: max_ms, or 60,000 */
        uint32_t tries;    /* restarts in a row after which the supervisor gives up; 0: no end */
} cop_backoff;

/*
 * A circuit breaker: after `failures` in a row the child is left without a process for open_ms, and
 * its siblings go on; who calls its name is told at once that there is none. Then it is tried once:
 * if that fails the breaker opens again, if it runs for stable_ms all is forgotten. A failure that
 * opens the breaker is no restart, and does not count for intensity. Off while failures is 0. For
 * COP_ONE_FOR_ONE and COP_DYNAMIC; where cop_replace_specs has brought another strategy it stays closed.
 */
typedef struct cop_breaker {
        uint32_t failures;
        int64_t open_ms;   /* 0: 30,000; COP_FOREVER: until somebody asks for it (cop_restart_child; a dynamic one by pid) */
        int64_t stable_ms; /* 0: as open_ms */
} cop_breaker;

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
        cop_priority priority;        /* this and the next: as in cop_spawn_options, at each start; not for a supervisor, whose */
        uint32_t mailbox_limit;       /* children may have them */
        uint64_t mailbox_bytes;
        cop_mailbox_policy mailbox_policy;
        cop_mailbox_key mailbox_key;
        const char *label;            /* for people who look; process.h */
        bool significant;             /* see cop_auto_shutdown; not for a permanent child */
        cop_backoff backoff;
        cop_breaker breaker;
        cop_isolation isolation;      /* what its faults can reach; COP_ISOLATION_PROCESS: docs/processes.md */
        size_t memory_limit;          /* bytes that it may use; this and what follows: as in cop_spawn_options */
        bool memory_limit_soft;
        uint32_t mailbox_high, mailbox_low; /* marks; watermark.h */
        bool no_preempt;
        bool init_ack;                /* of run and run_with: it has started when it calls cop_init_ack() */
} cop_child;

/* What a supervisor is. Zero stands for each default; all is copied when it starts. */
struct cop_supervisor {
        const char *name;          /* registered if not NULL */
        cop_strategy strategy;
        int32_t intensity;         /* restarts within the period that are borne: 1; to 1,000,000 */
        int64_t period_ms;         /* 5,000; a sliding window; COP_FOREVER: one without end */
        const cop_child *children; /* ended by one without id; NULL: none, as for COP_DYNAMIC */
        cop_auto_shutdown auto_shutdown;
        const cop_child *each;     /* COP_DYNAMIC: what each child is, but for its argument */
        uint32_t max_children;     /* COP_DYNAMIC: at most so many; 0: no end */
        uint32_t partitions;       /* so many children that are all as `each` says: partition.h */
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
 * Says in words, level by level, how many crashes a tree bears before it gives up: what its limits
 * amount to when they are nested. Returns the length of the whole, as snprintf does; 0 for a tree
 * that is wrong. Threads: any.
 */
COP_API size_t cop_supervisor_explain(const cop_supervisor *tree, char *text, size_t size);

/*
 * Starts a tree, linked to the calling actor, and waits until all of it runs. If a child fails to
 * start, those before it are stopped, and COP_E_DIED is the answer with cop_failure() the reason;
 * the caller lives on. So it is whatever the tree dies of before this has returned, but for a caller
 * that traps exits and a tree that has begun to run. Once it runs, the two end together: the tree in
 * order when its caller ends or exits it (cop_shutdown), the caller when the tree gives up, with the
 * reason shutdown, or as a cop_exited if it traps exits. Errors: also COP_E_BAD_ARGUMENT (see
 * cop_supervisor_check; the sentence is logged), COP_E_NO_MEMORY, COP_E_LIMIT, COP_E_NO_NODE,
 * COP_E_NAME_TAKEN, COP_E_STOPPING.
 */
COP_API cop_status cop_supervise(const cop_supervisor *tree, cop_pid *pid);

/*
 * Asks an actor, as its supervisor would, to stop with shutdown and waits until it has; kills it
 * after shutdown_ms, which is as in cop_child, or COP_FOREVER. Anyone may: the exit signal comes in
 * the name of whom it obeys, its parent or, if it was spawned without a link, itself. Returns COP_OK
 * when it has ended, whatever the reason. A link between the two is gone then, and its exit is not
 * heard of. Errors: COP_E_BAD_ARGUMENT (nobody, oneself, a thread of the program, an actor of another
 * node, a time below those values), COP_E_NO_MEMORY, COP_E_NO_NODE.
 */
COP_API cop_status cop_shutdown(cop_pid pid, int64_t shutdown_ms);

COP_END_DECLS

#endif
