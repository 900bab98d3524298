/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The children of a supervisor that runs: start, stop, look at them.
 *
 *      cop_pid session;
 *      cop_start_child("sessions", &(cop_child){ .server = &session_server }, &session);
 *      cop_terminate_child("sessions", session);
 *
 * Each is a call to the supervisor, for any actor or visiting thread, and waits until it is done: a
 * start until the child's init has ended, a stop until the child is dead (of one in a process of its
 * own that was killed, the system may take a moment longer to end the process). Meanwhile the supervisor
 * serves others. `to` is a supervisor, by pid or name; `which` is a child, by its id. A dynamic
 * supervisor (COP_DYNAMIC) knows its children by pid instead, and forgets each with its end; one that is
 * being restarted is found by the pid that it had, until the next one runs.
 *
 * What people get wrong:
 * - The pid of a child that has an id is not found when the child is to be stopped, restarted or
 *   deleted, as in OTP: by the time the call arrives it may be that of a life which is over. To
 *   look at the child (cop_get_child) a pid will do.
 * - A child's id is its registered name as well, unless it is `unnamed`.
 * - What was started here is forgotten when the supervisor itself is restarted: it begins with its
 *   spec again.
 * - A child whose init asks the supervisor that starts it closes a ring, and is told so: COP_E_CYCLE.
 *   In a restart with its siblings that is so if it asks for the start of one that comes after it.
 *
 * Errors of all: COP_E_NO_NAME and COP_E_NO_ACTOR (no such supervisor), COP_E_NO_SUPERVISOR,
 * COP_E_DIED with cop_failure() (it ended before it answered), COP_E_BAD_ARGUMENT (a name that is NULL, nobody as the child, an
 * alias), COP_E_NO_REPLY (it had no memory for an answer), COP_E_OVERLOAD, COP_E_ISOLATED, COP_E_NO_MEMORY, COP_E_NO_NODE.
 *
 * See also: supervisor.h.
 */
#ifndef COPPICE_CHILDREN_H
#define COPPICE_CHILDREN_H

#include <coppice/supervisor.h>

COP_BEGIN_DECLS

/* ---- Start and stop ----------------------------------------------------------------- */

/*
 * Starts a child, after all others in the order of start. `child` is copied. With COP_DYNAMIC and
 * `each`, only its kind and argument count, and NULL is a child without: see cop_start_each. Its id
 * may be NULL with COP_DYNAMIC. *pid, if not NULL, is nobody for a child whose init chose not to
 * run (cop_ignore): it is kept by its id, without a process, unless it is temporary or dynamic. *extra,
 * if not NULL, is what the init gave to cop_start_extra, or []; the caller owns it and ends it with
 * cop_term_free. Siblings that wait out a delay after a failure are not waited for.
 * Errors: COP_E_BAD_ARGUMENT (the sentence is logged), COP_E_ALREADY_STARTED (*pid is who runs
 * under this id), COP_E_ALREADY_PRESENT, COP_E_MAX_CHILDREN, COP_E_DIED with cop_failure(): it
 * could not start, and nothing of it is kept.
 */
COP_API cop_status cop_start_child_of(cop_address to, const cop_child *child, cop_pid *pid,
                                      cop_term *extra);

/*
 * Stops a child as its spec says, and its restarts; OK also if it has stopped already. A temporary
 * or dynamic one is forgotten. Never counted for intensity. Errors: COP_E_NOT_FOUND, COP_E_DYNAMIC
 * (by id).
 */
COP_API cop_status cop_terminate_child_of(cop_address to, cop_address which);

/*
 * Starts a child that has no process, in its old place; of a dynamic supervisor one behind its open
 * breaker, by the pid that it had. *pid and *extra as above.
 * Errors: COP_E_NOT_FOUND, COP_E_RUNNING, COP_E_RESTARTING, COP_E_DYNAMIC, COP_E_DIED with
 * cop_failure(): it could not start, and stays as it was, also behind an open breaker.
 */
COP_API cop_status cop_restart_child_of(cop_address to, cop_address which, cop_pid *pid,
                                        cop_term *extra);

/* Forgets a child that has stopped. Errors: COP_E_NOT_FOUND, COP_E_RUNNING, COP_E_RESTARTING, COP_E_DYNAMIC. */
COP_API cop_status cop_delete_child_of(cop_address to, cop_address which);

/*
 * Gives a running supervisor other specs: strategy, intensity, period, auto_shutdown, max_children
 * or each, and the children's, by id. It stops and starts nothing: who runs goes on. What a
 * child runs, its argument and the options of its process are those of its next start; restart, shutdown_ms, significant,
 * backoff and breaker hold at once. New children are kept without a process (cop_restart_child starts them), and
 * those that `tree` does not name stay as they are. The order of start is that of `tree` from then on,
 * or from the end of a restart of siblings that is under way; those that it does not name come last.
 * Restarts counted so far go on counting, under the new limit; but without a limit (COP_RESTARTS_FOR_EVER)
 * no times are kept, and one that follows begins at 0. The name stays. Errors, and then nothing
 * has changed: COP_E_BAD_ARGUMENT, also for a dynamic supervisor that is to be none, or the other way
 * round, or to gain or lose `each`, and for an `each` that does not take the argument of a child that
 * is there, its own or that of `each`.
 */
COP_API cop_status cop_replace_specs_of(cop_address to, const cop_supervisor *tree);

/* ---- Look --------------------------------------------------------------------------- */

/* How a child is. Its texts are borrowed from the answer. */
typedef struct cop_child_state {
        cop_text id;
        cop_pid pid;        /* nobody: no process */
        cop_symbol type;    /* worker, supervisor */
        cop_symbol restart; /* permanent, transient, temporary */
        cop_symbol state;   /* stopped, waiting, naming, starting, running, stopping, restarting, open */
        int64_t restarts;   /* since its supervisor started */
} cop_child_state;
COP_MESSAGE_DECLARE(cop_child_state);

/* How a supervisor is: the answer of cop_which_children. */
typedef struct cop_children {
        cop_text name;
        cop_symbol strategy;
        int64_t intensity;  /* -1: there is no limit */
        int64_t period_ms;
        int64_t restarts;   /* within the period that ends now; where there is no limit, all of them */
        struct {
                const cop_child_state *items;
                size_t count;
        } children;         /* in the order of start */
} cop_children;
COP_MESSAGE_DECLARE(cop_children);

/* All in constant time, however many there are. */
typedef struct cop_child_count {
        int64_t specs;       /* children, with a process or not */
        int64_t active;      /* with a process */
        int64_t supervisors; /* of specs */
        int64_t workers;     /* of specs */
} cop_child_count;
COP_MESSAGE_DECLARE(cop_child_count);

/* What a child is, with all defaults filled in. Its texts are borrowed from the answer. */
typedef struct cop_child_spec {
        cop_text id;
        cop_text name;       /* registered; empty: none */
        cop_symbol type;     /* worker, supervisor */
        cop_text runs;       /* the server's name, "actor" or "supervisor" */
        cop_symbol restart;
        int64_t shutdown_ms; /* or COP_SHUTDOWN_INFINITY and its like */
        bool significant;
        int64_t backoff_first_ms, backoff_max_ms; /* 0: off */
        int64_t breaker_failures, breaker_open_ms; /* 0: off */
} cop_child_spec;
COP_MESSAGE_DECLARE(cop_child_spec);

/* The caller owns *answer and ends it with cop_message_free; cop_read(cop_children, answer) has it all. */
COP_API cop_status cop_which_children_of(cop_address to, cop_message **answer);

COP_API cop_status cop_count_children_of(cop_address to, cop_child_count *count);

/* The same for cop_read(cop_child_spec, answer), by id or pid. Errors: COP_E_NOT_FOUND, COP_E_DYNAMIC. */
COP_API cop_status cop_get_child_of(cop_address to, cop_address which, cop_message **answer);

/*
 * Says what is wrong with a child's spec in itself, as cop_supervisor_check does for a tree.
 * Threads: any.
 */
COP_API cop_status cop_child_check(const cop_child *child, char *text, size_t size);

#ifndef __cplusplus
#define cop_start_child(to, child, pid) cop_start_child_of(COP_TO(to), (child), (pid), NULL)
#define cop_terminate_child(to, which) cop_terminate_child_of(COP_TO(to), COP_TO(which))
#define cop_restart_child(to, which, pid) \
        cop_restart_child_of(COP_TO(to), COP_TO(which), (pid), NULL)
#define cop_delete_child(to, which) cop_delete_child_of(COP_TO(to), COP_TO(which))
#define cop_replace_specs(to, tree) cop_replace_specs_of(COP_TO(to), (tree))
#define cop_which_children(to, answer) cop_which_children_of(COP_TO(to), (answer))
#define cop_count_children(to, count) cop_count_children_of(COP_TO(to), (count))
#define cop_get_child(to, which, answer) cop_get_child_of(COP_TO(to), COP_TO(which), (answer))
/* Of a dynamic supervisor with `each`: cop_start_each("sessions", &pid, visit, .who = "Ada") */
#define cop_start_each(to, pid, type, ...)                                              \
        cop_start_child_of(COP_TO(to),                                                  \
                           &(cop_child){ .kind = COP_KIND_OF(type),                     \
                                         .argument = &(type){ __VA_ARGS__ } },          \
                           (pid), NULL)
#endif

COP_END_DECLS

#endif
