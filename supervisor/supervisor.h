/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The supervisor from the inside: what it keeps, what it can be asked, and which file does what. README.md has the
 * drawing, supervisor.c the table of states and events.
 *
 * All of it is the supervisor's own: it is an actor. Specs are shared and constant.
 */
#ifndef SUPERVISOR_SUPERVISOR_H
#define SUPERVISOR_SUPERVISOR_H

#include <coppice/children.h>

#include "supervisor/intensity.h"
#include "supervisor/roster.h"
#include "supervisor/strategy.h"

/* ---- What it can be asked: the calls that children.c makes -------------------------- */

/* Answered with a cop_children. */
typedef struct cop__children {
} cop__children;
COP_MESSAGE(cop__children);

/* Answered with a cop_child_count. */
typedef struct cop__count {
} cop__count;
COP_MESSAGE(cop__count);

/* Answered with a cop__child_answer, when the child runs or does not. */
typedef struct cop__start_child {
        cop_bytes spec; /* a struct cop__child_spec in a buffer, and a share of it */
} cop__start_child;
COP_MESSAGE(cop__start_child, spec);

enum cop__child_wish { COP__TERMINATE_CHILD = 1, COP__RESTART_CHILD, COP__DELETE_CHILD };

/* Answered with a cop__child_answer. */
typedef struct cop__ask_child {
        int32_t wish;
        cop_pid pid;    /* which child; nobody: the one with that id */
        cop_text id;
} cop__ask_child;
COP_MESSAGE(cop__ask_child, wish, pid, id);

/* Answered with a cop_child_spec, or a cop__child_answer that says why not. */
typedef struct cop__get_child {
        cop_pid pid;
        cop_text id;
} cop__get_child;
COP_MESSAGE(cop__get_child, pid, id);

/* Answered with a cop__child_answer. */
typedef struct cop__replace_specs {
        cop_bytes spec; /* a struct cop__supervisor_spec in a buffer, and a share of it */
} cop__replace_specs;
COP_MESSAGE(cop__replace_specs, spec);

/* Answered with a cop__explained. */
typedef struct cop__explain_tree {
} cop__explain_tree;
COP_MESSAGE(cop__explain_tree);

typedef struct cop__explained {
        cop_text words;
} cop__explained;
COP_MESSAGE(cop__explained, words);

typedef struct cop__child_answer {
        int32_t status;
        cop_pid pid;
        cop_term reason; /* of COP_E_DIED and COP_E_CYCLE */
        cop_term extra;
} cop__child_answer;
COP_MESSAGE(cop__child_answer, status, pid, reason, extra);

/*
 * How many crashes the tree of a supervisor that runs bears. Ownership: the caller ends *answer, a cop__explained. Errors: as
 * cop_count_children.
 */
cop_status cop__explain_running(cop_pid pid, cop_message **answer);

/* ---- What it is started with, and what it tells itself ------------------------------ */

typedef struct cop__supervisor_start {
        cop_bytes spec;   /* a struct cop__supervisor_spec in the tree's buffer, and a share of it */
        uint64_t is_done; /* the address of a uint32_t that is set if auto_shutdown is reached; 0: nobody asks */
} cop__supervisor_start;
COP_MESSAGE(cop__supervisor_start, spec, is_done);

typedef struct cop__supervisor_tick {
        cop_ref ref;
} cop__supervisor_tick;
COP_MESSAGE(cop__supervisor_tick, ref);

/* ---- What it keeps ------------------------------------------------------------------ */

/* A failure that concerns siblings: they are stopped backwards, then started forwards. regrow.c */
enum cop__regrow { COP__REGROW_IDLE = 0, COP__REGROW_STOPS, COP__REGROW_STARTS };

struct cop__supervisor {
        const struct cop__supervisor_spec *spec;
        const char *label;            /* of the first one: the name stays, whatever else is replaced */
        uint32_t *is_done;            /* atomic; see cop__supervisor_start; or NULL */
        struct cop__roster *roster;
        struct cop__intensity intensity;
        enum cop__regrow regrow;
        struct cop__child *at;        /* whose turn it is; NULL: the end of the list */
        uint64_t reach;               /* the children from this number on are concerned */
        cop_ref group_tick;           /* under which a tick comes while the group stops; none: no such tick is set */
        cop_ref group_timer;          /* that brings it ... */
        uint64_t group_tick_ns;       /* ... then */
        struct cop__list due;         /* failures and delays that are over, oldest first */
        uint64_t chance;              /* 0: no jitter has been drawn yet */
        bool started;                 /* init is over: terminate will stop the children */
        bool ending;
        bool disordered;              /* the roster is to get the order of the spec, when no group is under way */
        bool outlasted;               /* the last significant child has ended, but for those that are being stopped or started */
        bool hushed;                  /* the failure that the group is for is not in the log: nor is what follows from it */
};

const cop_behaviour *cop__supervisor_behaviour(void);

/* What its jitter is drawn from: another number in each node, but for simulated ones, where the seed says it. */
uint64_t cop__supervisor_chance(const struct cop_node *node, cop_pid self);

/* Ends the supervisor: its children are stopped first. */
COP__NORETURN void cop__supervisor_end(struct cop__supervisor *self, cop_term reason);

/* ---- One child (child.c) ------------------------------------------------------------ */

/* Begins its start. It may be over at once, well or not. */
void cop__child_begin(struct cop__supervisor *self, struct cop__child *child);
/* Begins to stop a child that has a process. Without memory for that it exits the supervisor. */
void cop__child_stop(struct cop__supervisor *self, struct cop__child *child);
/* A tick comes for the child after the delay. False: no memory. */
bool cop__child_tick(struct cop__supervisor *self, struct cop__child *child, uint64_t delay_ns);
/* Of the delay that it waits out, what is left. */
uint64_t cop__child_delay_left(const struct cop__child *child);
/* Where siblings wait for a child it is not left alone: there it has none, though specs that were replaced may have left one. */
const cop_breaker *cop__child_breaker(const struct cop__supervisor *self, const struct cop__child *child);
/* Its breaker is open for so long. False: no memory. */
bool cop__child_open(struct cop__supervisor *self, struct cop__child *child, uint64_t delay_ns);
/* The tick for all that are stopped with their group: it is not needed any more; it has come. */
void cop__group_tick_end(struct cop__supervisor *self);
void cop__group_hears_tick(struct cop__supervisor *self);
/* What a child without a process waits for is called off. It is STOPPED. */
void cop__child_call_off(struct cop__supervisor *self, struct cop__child *child);
/* It has no process any more and is not to have one. It may be gone from the roster then. */
void cop__child_rests(struct cop__supervisor *self, struct cop__child *child);

/* Who waits for the child's start is told that it hinges on that of `starting`, until he is told again. */
void cop__child_tell_waiters(struct cop__child *child, cop_pid starting);
/* It runs, or will be tried again: if it is significant, nobody has outlasted it. */
void cop__child_is_there(struct cop__supervisor *self, const struct cop__child *child);
/* Ends the supervisor if it was `outlasted`, and of those that counted still none is left. */
void cop__child_look_outlasted(struct cop__supervisor *self);

/* News of it. */
void cop__child_has_started(struct cop__supervisor *self, struct cop__child *child,
                            const cop_started *started);
void cop__child_has_ended(struct cop__supervisor *self, struct cop__child *child, cop_term reason);
void cop__child_is_down(struct cop__supervisor *self, struct cop__child *child, cop_term reason);
void cop__child_hears_tick(struct cop__supervisor *self, struct cop__child *child);

/* ---- Failures (regrow.c) -------------------------------------------------------------- */

/* A child has failed: dealt with by cop__regrow_go, in turn. */
void cop__regrow_failed(struct cop__supervisor *self, struct cop__child *child);
/* All children are to start, in order. */
void cop__regrow_begin(struct cop__supervisor *self);
/* Does what can be done now. At the end of each event. */
void cop__regrow_go(struct cop__supervisor *self);
/* Will a child that is WAITING be started without further ado? */
bool cop__regrow_reaches(const struct cop__supervisor *self, const struct cop__child *child);
/* A child leaves the roster. */
void cop__regrow_forget(struct cop__supervisor *self, struct cop__child *child);
/* A child that is RESTARTING, or whose turn is to come, is called off: who waits behind it does so no more. */
void cop__regrow_pass(struct cop__supervisor *self, const struct cop__child *child);
/* Strategy or order are others: who waits for no sibling any more is started in its turn. */
void cop__regrow_release(struct cop__supervisor *self);

/* ---- Requests (answer.c) ---------------------------------------------------------------- */

void cop__on_start_child(struct cop__supervisor *self, const cop__start_child *request);
void cop__on_ask_child(struct cop__supervisor *self, const cop__ask_child *request);
void cop__on_get_child(struct cop__supervisor *self, const cop__get_child *request);
void cop__on_children(struct cop__supervisor *self, const cop__children *request);
void cop__on_count(struct cop__supervisor *self, const cop__count *request);
void cop__on_explain(struct cop__supervisor *self, const cop__explain_tree *request); /* explain.c */
void cop__on_replace_specs(struct cop__supervisor *self, const cop__replace_specs *request);

/* Those who wait for the child's start, or else for its stop, are answered. */
void cop__answer_waiters(struct cop__supervisor *self, struct cop__child *child, bool for_start,
                         const cop__child_answer *answer);

/* ---- What is told (tell.c) -------------------------------------------------------------- */

/* Each tells the log, and the crash report of the child's last process, if there is one. */
void cop__tell_restarted(struct cop__supervisor *self, const struct cop__child *child);
void cop__tell_failed(const struct cop__supervisor *self, const struct cop__child *child,
                      cop_term reason);
void cop__tell_gave_up(struct cop__supervisor *self, const struct cop__child *child);
void cop__tell_tired(const struct cop__supervisor *self, const struct cop__child *child);
void cop__tell_open(const struct cop__supervisor *self, const struct cop__child *child);
void cop__tell_left(const struct cop__supervisor *self, const struct cop__child *child,
                    cop_pid corpse, cop_term reason);
void cop__tell_stopped(const struct cop__supervisor *self, const struct cop__child *child,
                       cop_pid corpse, cop_term reason);
void cop__tell_no_start(const struct cop__supervisor *self, const struct cop__child *child,
                        cop_pid corpse);
/* Who died as it last is not replaced: it is not to be, the supervisor ends, or its next start chose not to run. Told once. */
void cop__tell_rests(const struct cop__supervisor *self, struct cop__child *child);
void cop__tell_significant(const struct cop__supervisor *self, const struct cop__child *child);
/* The same when it had ended before, and what was asked of others has come to nothing since. */
void cop__tell_outlasted(const struct cop__supervisor *self);
/* An end that is not in a crash report has a line of its own, before what is done about it. */
void cop__tell_ended(const struct cop__supervisor *self, const struct cop__child *child,
                     cop_pid corpse, cop_term reason);

/* explain.c */
struct cop__text;
void cop__explain(const struct cop__supervisor_spec *spec, struct cop__text *text);

/* "5 s", "1.5 s", "250 ms", "for ever". */
const char *cop__print_time(int64_t ms, char text[32]);

/* The words of the specs, as atoms. */
const char *cop__strategy_text(cop_strategy strategy);
const char *cop__restart_text(cop_restart restart);

/* The restarts within the period that ends now. */
uint32_t cop__supervisor_restarts(struct cop__supervisor *self);

#endif
