/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Crash reports: what happened to an actor that failed, in four parts: who, what, in which
 * circumstances, and what was done about it.
 *
 *      ** till <0.12.0> crashed: integer division by zero
 *         in till_on_bill at samples/shop.c:27, handling #bill{pence = 900, people = 0} from <0.31.0>
 *         shop restarted it as <0.15.0>, restart 1 of 3 within 5 s
 *
 * In the log, and where somebody asks for it, it goes on with who is around it:
 *
 *         handled 4, the last bill, bill, refund
 *         unread bill from <0.31.0>, bill from <0.32.0>
 *         state #till{served = 3}
 *         held descriptor 7
 *         started as till by shop <0.3.0>, <0.1.0>; linked to shop <0.3.0>
 *
 * Of other messages than the one it was at only the kind is told, never the content, and no time:
 * see recent.h. Of a server that sys keeps a log of (cop_sys_log) its last events are there, too.
 *
 * Where many crash at once the log has the first of each second, COP__REPORTS_LOGGED, and how many
 * there were beside.
 *
 * The node keeps the last COP__REPORTS_KEPT. The first three parts are known when the actor dies;
 * the last one comes from its supervisor, and whoever shows reports may wait for it.
 *
 * What is kept is facts (crash.h): the words are made for the log, and each time somebody asks.
 *
 * Who may touch what: everything under the lock; facts leave by copy, with a share of the reason,
 * and become words without it.
 */
#ifndef ACTORS_REPORT_H
#define ACTORS_REPORT_H

#include <pthread.h>

#include <coppice/actor.h>

#include "actors/crash.h"
#include "base/limits.h"

struct cop_node;

/* Bytes of what it handled last, and of what was unread: see recent.h. */
#define COP__RECENT_TEXT 160u
#define COP__UNREAD_TEXT 192u

/* Bytes of what its supervisor did, and of who that was. */
#define COP__OUTCOME_MAX 160u
#define COP__OUTCOME_BY (COP_NAME_MAX + 1)

/* In words, as it is read. */
struct cop__report {
        uint64_t number;               /* from 1, in the order of the crashes; 0: none */
        int64_t when;                  /* seconds since 1970 */
        cop_pid pid;
        char who[COP_NAME_MAX + 1];    /* its name, else its server's; may be empty */
        char what[COP__CRASH_WHAT];               /* in words: "integer division by zero" */
        char where[COP__CRASH_WHERE];               /* "till_on_bill at samples/shop.c:27"; may be empty */
        char message[COP__REPORT_TEXT]; /* that it was handling; may be empty */
        cop_pid from;                  /* whose message that was */
        char reason[COP__REPORT_TEXT]; /* the exit reason, as a term */
        char outcome[COP__OUTCOME_MAX];            /* what its supervisor did; empty: nothing yet */
        bool supervised;               /* an outcome is to be expected */
        bool logged;                   /* it is in the log, and its outcome will be */
        char started_as[96];           /* its server, or its function; may be empty */
        char ancestors[192];           /* "shop <0.3.0>, <0.1.0>": its parent first; may be empty */
        char linked[192];              /* in the same form */
        char state[COP__REPORT_TEXT];  /* of a server with COP_STATE; else empty */
        char recent[COP__RECENT_TEXT]; /* the kinds of what it had handled last, the oldest first */
        uint64_t handled;              /* messages, the last one with them */
        char unread[COP__UNREAD_TEXT]; /* "bill from <0.31.0>, and 2 more": its mailbox */
        char events[COP__REPORT_TEXT]; /* what sys has kept of it, the oldest first */
        char held[192];                /* what it owned: "descriptor 7, database"; may be empty */
};

/* What a supervisor did, as facts; `print` makes the words. */
struct cop__outcome {
        void (*print)(const struct cop__outcome *outcome, char text[COP__OUTCOME_MAX]);
        cop_pid pid;
        uint32_t count, limit;
        int64_t period_ms;
        char by[COP__OUTCOME_BY];
};

struct cop__report_entry {
        uint64_t number;               /* from 1; 0: none */
        bool logged;
        struct cop__outcome outcome;   /* `print` is NULL: nothing yet, or in words */
        char words[COP__OUTCOME_MAX];  /* of the outcome */
        struct cop__crash crash;
};

struct cop__reports {
        pthread_mutex_t mutex;
        pthread_cond_t changed;
        uint64_t count;                /* of all crashes */
        int64_t logged_when;           /* the second in which ... */
        uint32_t logged_count;         /* ... so many were written to the log ... */
        uint64_t unlogged_count;       /* ... and so many more were not */
        cop_pid pids[COP__REPORTS_KEPT]; /* whose crashes they are; number n at n % COP__REPORTS_KEPT, as below */
        struct cop__report_entry ring[COP__REPORTS_KEPT];
};

/* An entry of that node's log, from a thread that may be outside it; NULL: to standard error. */
void cop__log_to(struct cop_node *node, cop_log_level level, const char *text);

/* As cop_log, for a sentence with names in it, which are anything: nothing in it moves a terminal or begins another line. */
void cop__log_sentence(cop_log_level level, const char *format, ...) COP_PRINTF(2, 3);

void cop__reports_init(struct cop__reports *reports);
void cop__reports_fini(struct cop__reports *reports);

/*
 * Files a crash under the next number, and writes it to the log: of those in one second the first
 * COP__REPORTS_LOGGED, and how many more there were with the next one after it. The crash's share
 * of its reason is taken.
 */
void cop__report_file(struct cop_node *node, struct cop__crash *crash);

/* The node ends: how many were left out of the log last. */
void cop__reports_end_log(struct cop_node *node);

/* What the supervisor did about the death of `pid`; a log line, and part of the report if there
 * is one. */
void cop__report_outcome(struct cop_node *node, cop_pid pid, const char *format, ...)
        COP_PRINTF(3, 4);

/* The same as facts: they become words when the crash is in the log, or somebody reads its
 * report. */
void cop__report_outcome_as(struct cop_node *node, cop_pid pid, const struct cop__outcome *outcome);

/* Is there a report of that actor (still)? */
bool cop__report_is_there(struct cop_node *node, cop_pid pid);

/* May what follows from that actor's crash go to the log? Not if there were so many crashes that
 * it is not there itself. */
bool cop__report_is_logged(struct cop_node *node, cop_pid pid);

/* Tells report number `number`, or the newest of an actor; false: not there (any more). */
bool cop__report_get(struct cop_node *node, uint64_t number, struct cop__report *report);
bool cop__report_of(struct cop_node *node, cop_pid pid, struct cop__report *report);

/* The same, but waits up to `timeout_ms` for the report and, if it is supervised, for its
 * outcome. */
bool cop__report_wait(struct cop_node *node, cop_pid pid, int64_t timeout_ms,
                      struct cop__report *report);

/* The whole as text, as above, without a final newline. Returns its length, as snprintf does. */
size_t cop__report_print(const struct cop__report *report, char *text, size_t size);

/* The same, with its state and who is around it. */
size_t cop__report_print_all(const struct cop__report *report, char *text, size_t size);

#endif
