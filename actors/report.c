/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Crash reports and the log. See report.h. */
#include "actors/report.h"

#include <coppice/preempt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "actors/actor.h"
#include "actors/log_end.h"
#include "actors/simulation.h"
#include "base/clock.h"
#include "base/cue.h"
#include "base/text.h"

/* ---- The log ------------------------------------------------------------------------ */

static void log_to_stderr(cop_log_level level, const char *text)
{
        static const char *const names[] = { "error", "warning", "info", "debug" };
        if (level > COP_LOG_INFO)
                return;
        struct timespec now;
        struct tm day;
        char stamp[32], head[64];
        clock_gettime(CLOCK_REALTIME, &now);
        localtime_r(&now.tv_sec, &day);
        strftime(stamp, sizeof(stamp), "%H:%M:%S", &day);
        snprintf(head, sizeof(head), "%s.%03d %-7s ", stamp, (int)(now.tv_nsec / 1000000), names[level]);
        cop__log_end_write(head, text);
}

void cop__log_to(struct cop_node *node, cop_log_level level, const char *text)
{
        /* It may hold a lock of its own. */
        cop_no_preempt_begin();
        if (node != NULL && node->log != NULL)
                node->log(node->log_context, level, text);
        else
                log_to_stderr(level, text);
        cop_no_preempt_end();
}

/* False: there is nothing to say. */
COP__PRINTF(2, 0) static bool print_line(char text[COP__LOG_TEXT], const char *format, va_list values)
{
        int length = vsnprintf(text, COP__LOG_TEXT, format, values);
        if (length >= (int)COP__LOG_TEXT)
                memcpy(text + COP__LOG_TEXT - 4, "...", 4);
        return length >= 0;
}

void cop_log(cop_log_level level, const char *format, ...)
{
        char text[COP__LOG_TEXT];
        va_list values;
        va_start(values, format);
        bool is_there = print_line(text, format, values);
        va_end(values);
        if (is_there)
                cop__log_to(cop_node_here(), level, text);
}

void cop__log_sentence(cop_log_level level, const char *format, ...)
{
        char text[COP__LOG_TEXT];
        va_list values;
        va_start(values, format);
        bool is_there = print_line(text, format, values);
        va_end(values);
        if (!is_there)
                return;
        cop__make_harmless(text, strlen(text));
        cop__log_to(cop_node_here(), level, text);
}

/* ---- Reports -------------------------------------------------------------------------- */

void cop__reports_init(struct cop__reports *reports)
{
        pthread_condattr_t clock;
        memset(reports, 0, sizeof(*reports));
        pthread_mutex_init(&reports->mutex, NULL);
        pthread_condattr_init(&clock);
        pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
        pthread_cond_init(&reports->changed, &clock);
        pthread_condattr_destroy(&clock);
}

void cop__reports_fini(struct cop__reports *reports)
{
        for (size_t i = 0; i < COP__REPORTS_KEPT; i++)
                cop__shared_term_drop(reports->ring[i].crash.reason);
        pthread_cond_destroy(&reports->changed);
        pthread_mutex_destroy(&reports->mutex);
}

static struct cop__report_entry *entry_of(struct cop__reports *reports, uint64_t number)
{
        return &reports->ring[number % COP__REPORTS_KEPT];
}

/* May one more be written to the log? *left_out is how many were not, if that can be told now. Under the lock. */
static bool admit_to_log(struct cop__reports *reports, int64_t when, uint64_t *left_out)
{
        *left_out = 0;
        if (when != reports->logged_when) {
                *left_out = reports->unlogged_count;
                reports->logged_when = when;
                reports->logged_count = 0;
                reports->unlogged_count = 0;
        }
        if (reports->logged_count == COP__REPORTS_LOGGED) {
                reports->unlogged_count++;
                return false;
        }
        reports->logged_count++;
        return true;
}

static void tell_left_out(struct cop_node *node, uint64_t left_out)
{
        char text[160];
        if (left_out == 0)
                return;
        snprintf(text, sizeof(text),
                 "%llu crashes more are not in this log, which takes %u a second; the node keeps "
                 "the last %u reports",
                 (unsigned long long)left_out, COP__REPORTS_LOGGED, COP__REPORTS_KEPT);
        cop__log_to(node, COP_LOG_WARNING, text);
}

/* Under the lock. The reason that was there is the caller's to drop. */
static struct cop__shared_term *enter(struct cop__reports *reports, const struct cop__crash *crash, bool logged)
{
        struct cop__report_entry *entry = entry_of(reports, ++reports->count);
        struct cop__shared_term *before = entry->crash.reason;
        entry->number = reports->count;
        entry->logged = logged;
        entry->outcome.print = NULL;
        entry->words[0] = '\0';
        reports->pids[reports->count % COP__REPORTS_KEPT] = crash->pid;
        cop__crash_copy(&entry->crash, crash);
        return before;
}

void cop__report_file(struct cop_node *node, struct cop__crash *crash)
{
        struct cop__reports *reports = &node->reports;
        struct cop__report report;
        char text[COP__LOG_TEXT];
        uint64_t left_out;
        pthread_mutex_lock(&reports->mutex);
        bool logged = admit_to_log(reports, crash->when, &left_out);
        if (logged)
                cop__shared_term_take(crash->reason);
        struct cop__shared_term *before = enter(reports, crash, logged);
        pthread_cond_broadcast(&reports->changed);
        pthread_mutex_unlock(&reports->mutex);
        cop__shared_term_drop(before);
        tell_left_out(node, left_out);
        if (!logged)
                return;
        cop__crash_tell(crash, node, &report);
        cop__shared_term_drop(crash->reason);
        cop__report_print_all(&report, text, sizeof(text));
        cop__log_to(node, COP_LOG_ERROR, text);
}

void cop__reports_end_log(struct cop_node *node)
{
        struct cop__reports *reports = &node->reports;
        pthread_mutex_lock(&reports->mutex);
        uint64_t left_out = reports->unlogged_count;
        reports->unlogged_count = 0;
        pthread_mutex_unlock(&reports->mutex);
        tell_left_out(node, left_out);
        cop__log_end_settle();
}

/* The newest report of that actor; under the lock. */
static struct cop__report_entry *find(struct cop__reports *reports, cop_pid pid)
{
        uint64_t number = reports->count;
        for (uint64_t i = 0; i < COP__REPORTS_KEPT && number > 0; i++, number--)
                if (cop_pid_equal(reports->pids[number % COP__REPORTS_KEPT], pid))
                        return entry_of(reports, number);
        return NULL;
}

/* Notes an outcome in facts or, without those, in words. Is it to be logged? */
static bool note_outcome(struct cop__reports *reports, cop_pid pid, const struct cop__outcome *outcome,
                         const char *words)
{
        pthread_mutex_lock(&reports->mutex);
        struct cop__report_entry *entry = find(reports, pid);
        bool logged = entry == NULL || entry->logged;
        if (entry != NULL && outcome != NULL)
                entry->outcome = *outcome;
        if (entry != NULL && outcome == NULL) {
                entry->outcome.print = NULL;
                snprintf(entry->words, sizeof(entry->words), "%s", words);
        }
        pthread_cond_broadcast(&reports->changed);
        pthread_mutex_unlock(&reports->mutex);
        return logged;
}

void cop__report_outcome(struct cop_node *node, cop_pid pid, const char *format, ...)
{
        char text[COP__OUTCOME_MAX];
        va_list values;
        va_start(values, format);
        vsnprintf(text, sizeof(text), format, values);
        va_end(values);
        cop__make_harmless(text, strlen(text));
        if (note_outcome(&node->reports, pid, NULL, text))
                cop__log_to(node, COP_LOG_INFO, text);
}

void cop__report_outcome_as(struct cop_node *node, cop_pid pid, const struct cop__outcome *outcome)
{
        char text[COP__OUTCOME_MAX];
        if (!note_outcome(&node->reports, pid, outcome, NULL))
                return;
        outcome->print(outcome, text);
        cop__make_harmless(text, strlen(text));
        cop__log_to(node, COP_LOG_INFO, text);
}

bool cop__report_is_there(struct cop_node *node, cop_pid pid)
{
        struct cop__reports *reports = &node->reports;
        pthread_mutex_lock(&reports->mutex);
        bool found = find(reports, pid) != NULL;
        pthread_mutex_unlock(&reports->mutex);
        return found;
}

bool cop__report_is_logged(struct cop_node *node, cop_pid pid)
{
        struct cop__reports *reports = &node->reports;
        pthread_mutex_lock(&reports->mutex);
        const struct cop__report_entry *entry = find(reports, pid);
        bool logged = entry == NULL || entry->logged;
        pthread_mutex_unlock(&reports->mutex);
        return logged;
}

/* ---- Reading -------------------------------------------------------------------------- */

/* What leaves the lock; ended by telling it. */
static void copy_out(struct cop__report_entry *copy, const struct cop__report_entry *entry)
{
        memcpy(copy, entry, offsetof(struct cop__report_entry, crash));
        cop__crash_copy(&copy->crash, &entry->crash);
        cop__shared_term_take(copy->crash.reason);
}

static void tell(const struct cop_node *node, struct cop__report_entry *copy, struct cop__report *report)
{
        cop__crash_tell(&copy->crash, node, report);
        report->number = copy->number;
        report->logged = copy->logged;
        if (copy->outcome.print != NULL)
                copy->outcome.print(&copy->outcome, report->outcome);
        else
                memcpy(report->outcome, copy->words, sizeof(report->outcome));
        cop__shared_term_drop(copy->crash.reason);
}

bool cop__report_get(struct cop_node *node, uint64_t number, struct cop__report *report)
{
        struct cop__reports *reports = &node->reports;
        struct cop__report_entry copy;
        pthread_mutex_lock(&reports->mutex);
        if (number == 0)
                number = reports->count;
        bool found = number > 0 && entry_of(reports, number)->number == number;
        if (found)
                copy_out(&copy, entry_of(reports, number));
        pthread_mutex_unlock(&reports->mutex);
        if (found)
                tell(node, &copy, report);
        return found;
}

bool cop__report_of(struct cop_node *node, cop_pid pid, struct cop__report *report)
{
        return cop__report_wait(node, pid, 0, report);
}

static bool is_whole(const struct cop__report_entry *entry)
{
        return entry != NULL && (!entry->crash.supervised || entry->outcome.print != NULL ||
                                 entry->words[0] != '\0');
}

/* Simulated, what is waited for comes when the waiting thread lets it. */
static void drive_until_whole(struct cop_node *node, cop_pid pid, int64_t timeout_ms)
{
        struct cop__thread *thread = cop__thread_here();
        uint64_t deadline_ns = cop__deadline_ns(timeout_ms);
        while (thread != NULL && cop__clock_ns() < deadline_ns && !is_whole(find(&node->reports, pid)))
                cop__visitor_yield(thread);
}

bool cop__report_wait(struct cop_node *node, cop_pid pid, int64_t timeout_ms,
                      struct cop__report *report)
{
        if (cop__simulation_of(node) != NULL) {
                drive_until_whole(node, pid, timeout_ms);
                timeout_ms = 0;
        }
        struct cop__reports *reports = &node->reports;
        struct cop__report_entry copy;
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += timeout_ms / 1000;
        until.tv_nsec += timeout_ms % 1000 * 1000000;
        if (until.tv_nsec >= 1000000000) {
                until.tv_nsec -= 1000000000;
                until.tv_sec++;
        }
        pthread_mutex_lock(&reports->mutex);
        const struct cop__report_entry *found = find(reports, pid);
        while (timeout_ms > 0 && !is_whole(found)) {
                COP__CUE("report.waits");
                if (pthread_cond_timedwait(&reports->changed, &reports->mutex, &until) != 0)
                        timeout_ms = 0;
                found = find(reports, pid);
        }
        if (found != NULL)
                copy_out(&copy, found);
        pthread_mutex_unlock(&reports->mutex);
        if (found != NULL)
                tell(node, &copy, report);
        return found != NULL;
}

/* Appends at *length, which goes on counting beyond the end of the text. What is appended is a line, or a part of one: names
 * and words are the program's, and none of them moves a terminal. */
static COP_PRINTF(4, 5) void add(char *text, size_t size, size_t *length, const char *format, ...)
{
        va_list values;
        va_start(values, format);
        size_t at = *length < size ? *length : size;
        int added = vsnprintf(text + at, size - at, format, values);
        va_end(values);
        if (added <= 0)
                return;
        if (at < size)
                cop__make_harmless(text + at, strlen(text + at));
        *length += (size_t)added;
}

static void begin_line(char *text, size_t size, size_t *length)
{
        static const char between[] = "\n   ";
        if (*length < size)
                snprintf(text + *length, size - *length, "%s", between);
        *length += sizeof(between) - 1;
}

static void add_what(const struct cop__report *report, char *text, size_t size, size_t *length)
{
        char pid[COP_ID_TEXT_MAX], from[COP_ID_TEXT_MAX];
        cop_pid_print(report->pid, pid);
        add(text, size, length, "** %s%s%s crashed: %s", report->who,
            report->who[0] != '\0' ? " " : "", pid, report->what);
        if (report->where[0] != '\0' || report->message[0] != '\0')
                begin_line(text, size, length);
        if (report->where[0] != '\0')
                add(text, size, length, "in %s", report->where);
        if (report->message[0] != '\0')
                add(text, size, length, "%shandling %s from %s",
                    report->where[0] != '\0' ? ", " : "", report->message,
                    report->from.bits != 0 ? cop_pid_print(report->from, from) : "nobody");
}

static void add_titled(const char *title, const char *words, char *text, size_t size, size_t *length)
{
        if (words[0] == '\0')
                return;
        begin_line(text, size, length);
        add(text, size, length, "%s%s", title, words);
}

static void add_around(const struct cop__report *report, char *text, size_t size, size_t *length)
{
        if (report->recent[0] != '\0') {
                begin_line(text, size, length);
                add(text, size, length, "handled %llu, the last %s", (unsigned long long)report->handled,
                    report->recent);
        }
        add_titled("unread ", report->unread, text, size, length);
        add_titled("log ", report->events, text, size, length);
        add_titled("state ", report->state, text, size, length);
        add_titled("held ", report->held, text, size, length);
        if (report->started_as[0] == '\0')
                return;
        begin_line(text, size, length);
        add(text, size, length, "started as %s%s%s%s%s", report->started_as,
            report->ancestors[0] != '\0' ? " by " : "", report->ancestors,
            report->linked[0] != '\0' ? "; linked to " : "", report->linked);
}

size_t cop__report_print(const struct cop__report *report, char *text, size_t size)
{
        size_t length = 0;
        add_what(report, text, size, &length);
        add_titled("", report->outcome, text, size, &length);
        return length;
}

size_t cop__report_print_all(const struct cop__report *report, char *text, size_t size)
{
        size_t length = 0;
        add_what(report, text, size, &length);
        add_around(report, text, size, &length);
        add_titled("", report->outcome, text, size, &length);
        return length;
}
