/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Crash reports and the log. See report.h. */
#include "actors/report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "actors/actor.h"
#include "base/clock.h"

/* ---- The log ------------------------------------------------------------------------ */

static void log_to_stderr(cop_log_level level, const char *text)
{
        static const char *const names[] = { "error", "warning", "info", "debug" };
        if (level > COP_LOG_INFO)
                return;
        struct timespec now;
        struct tm day;
        char stamp[32];
        clock_gettime(CLOCK_REALTIME, &now);
        localtime_r(&now.tv_sec, &day);
        strftime(stamp, sizeof(stamp), "%H:%M:%S", &day);
        fprintf(stderr, "%s.%03d %-7s %s\n", stamp, (int)(now.tv_nsec / 1000000), names[level],
                text);
}

void cop__log_to(struct cop_node *node, cop_log_level level, const char *text)
{
        if (node != NULL && node->log != NULL)
                node->log(node->log_context, level, text);
        else
                log_to_stderr(level, text);
}

void cop_log(cop_log_level level, const char *format, ...)
{
        char text[COP__LOG_TEXT];
        va_list values;
        va_start(values, format);
        int length = vsnprintf(text, sizeof(text), format, values);
        va_end(values);
        if (length < 0)
                return;
        if ((size_t)length >= sizeof(text))
                memcpy(text + sizeof(text) - 4, "...", 4);
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
        pthread_cond_destroy(&reports->changed);
        pthread_mutex_destroy(&reports->mutex);
}

static struct cop__report *slot_of(struct cop__reports *reports, uint64_t number)
{
        return &reports->ring[number % COP__REPORTS_KEPT];
}

/* May one more go to the log? *told: how many have not since the last one that did; under the lock. */
static bool may_log(struct cop__reports *reports, uint64_t now_ns, uint64_t *told)
{
        if (now_ns - reports->since_ns >= COP__REPORTS_LOGGED_NS) {
                reports->since_ns = now_ns;
                reports->logged = 0;
        }
        if (reports->logged == COP__REPORTS_LOGGED) {
                reports->held_back++;
                return false;
        }
        reports->logged++;
        *told = reports->held_back;
        reports->held_back = 0;
        return true;
}

static void tell_held_back(struct cop_node *node, uint64_t count)
{
        char text[160];
        snprintf(text, sizeof(text),
                 "%" PRIu64 " more crashes, which came too fast, are not in this log; the shell's crashes has the last %u",
                 count, COP__REPORTS_KEPT);
        if (count > 0)
                cop__log_to(node, COP_LOG_ERROR, text);
}

void cop__reports_tell_rest(struct cop_node *node)
{
        pthread_mutex_lock(&node->reports.mutex);
        uint64_t told = node->reports.held_back;
        node->reports.held_back = 0;
        pthread_mutex_unlock(&node->reports.mutex);
        tell_held_back(node, told);
}

void cop__report_file(struct cop_node *node, struct cop__report *report)
{
        struct cop__reports *reports = &node->reports;
        char text[COP__LOG_TEXT];
        uint64_t told = 0;
        pthread_mutex_lock(&reports->mutex);
        report->number = ++reports->count;
        report->held_back = !may_log(reports, cop__clock_ns(), &told);
        *slot_of(reports, report->number) = *report;
        pthread_cond_broadcast(&reports->changed);
        pthread_mutex_unlock(&reports->mutex);
        if (report->held_back)
                return;
        tell_held_back(node, told);
        cop__report_print_all(report, text, sizeof(text));
        cop__log_to(node, COP_LOG_ERROR, text);
}

/* The newest report of that actor; under the lock. */
static struct cop__report *find(struct cop__reports *reports, cop_pid pid)
{
        uint64_t number = reports->count;
        for (uint64_t i = 0; i < COP__REPORTS_KEPT && number > 0; i++, number--) {
                struct cop__report *report = slot_of(reports, number);
                if (cop_pid_equal(report->pid, pid))
                        return report;
        }
        return NULL;
}

void cop__report_outcome(struct cop_node *node, cop_pid pid, const char *format, ...)
{
        struct cop__reports *reports = &node->reports;
        char text[sizeof(((struct cop__report *)0)->outcome)];
        va_list values;
        va_start(values, format);
        vsnprintf(text, sizeof(text), format, values);
        va_end(values);
        pthread_mutex_lock(&reports->mutex);
        struct cop__report *report = find(reports, pid);
        if (report != NULL)
                memcpy(report->outcome, text, sizeof(text));
        bool held_back = report != NULL && report->held_back;
        pthread_cond_broadcast(&reports->changed);
        pthread_mutex_unlock(&reports->mutex);
        if (!held_back)
                cop__log_to(node, COP_LOG_INFO, text);
}

bool cop__report_get(struct cop_node *node, uint64_t number, struct cop__report *report)
{
        struct cop__reports *reports = &node->reports;
        bool found = false;
        pthread_mutex_lock(&reports->mutex);
        if (number == 0)
                number = reports->count;
        if (number > 0 && slot_of(reports, number)->number == number) {
                *report = *slot_of(reports, number);
                found = true;
        }
        pthread_mutex_unlock(&reports->mutex);
        return found;
}

bool cop__report_of(struct cop_node *node, cop_pid pid, struct cop__report *report)
{
        return cop__report_wait(node, pid, 0, report);
}

bool cop__report_wait(struct cop_node *node, cop_pid pid, int64_t timeout_ms,
                      struct cop__report *report)
{
        struct cop__reports *reports = &node->reports;
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += timeout_ms / 1000;
        until.tv_nsec += timeout_ms % 1000 * 1000000;
        if (until.tv_nsec >= 1000000000) {
                until.tv_nsec -= 1000000000;
                until.tv_sec++;
        }
        pthread_mutex_lock(&reports->mutex);
        const struct cop__report *found = find(reports, pid);
        while (timeout_ms > 0 &&
               (found == NULL || (found->supervised && found->outcome[0] == '\0'))) {
                if (pthread_cond_timedwait(&reports->changed, &reports->mutex, &until) != 0)
                        timeout_ms = 0;
                found = find(reports, pid);
        }
        if (found != NULL)
                *report = *found;
        pthread_mutex_unlock(&reports->mutex);
        return found != NULL;
}

/* Appends at *length, which goes on counting beyond the end of the text. */
static COP_PRINTF(4, 5) void add(char *text, size_t size, size_t *length, const char *format, ...)
{
        va_list values;
        va_start(values, format);
        size_t at = *length < size ? *length : size;
        int added = vsnprintf(text + at, size - at, format, values);
        va_end(values);
        if (added > 0)
                *length += (size_t)added;
}

static void add_what(const struct cop__report *report, char *text, size_t size, size_t *length)
{
        char pid[COP_ID_TEXT_MAX], from[COP_ID_TEXT_MAX];
        cop_pid_print(report->pid, pid);
        add(text, size, length, "** %s%s%s crashed: %s", report->who,
            report->who[0] != '\0' ? " " : "", pid, report->what);
        if (report->where[0] != '\0' || report->message[0] != '\0')
                add(text, size, length, "\n   ");
        if (report->where[0] != '\0')
                add(text, size, length, "in %s", report->where);
        if (report->message[0] != '\0')
                add(text, size, length, "%shandling %s from %s",
                    report->where[0] != '\0' ? ", " : "", report->message,
                    report->from.bits != 0 ? cop_pid_print(report->from, from) : "nobody");
}

static void add_around(const struct cop__report *report, char *text, size_t size, size_t *length)
{
        if (report->state[0] != '\0')
                add(text, size, length, "\n   state %s", report->state);
        if (report->held[0] != '\0')
                add(text, size, length, "\n   held %s", report->held);
        if (report->started_as[0] != '\0')
                add(text, size, length, "\n   started as %s%s%s%s%s", report->started_as,
                    report->ancestors[0] != '\0' ? " by " : "", report->ancestors,
                    report->linked[0] != '\0' ? "; linked to " : "", report->linked);
}

static void add_outcome(const struct cop__report *report, char *text, size_t size, size_t *length)
{
        if (report->outcome[0] != '\0')
                add(text, size, length, "\n   %s", report->outcome);
}

size_t cop__report_print(const struct cop__report *report, char *text, size_t size)
{
        size_t length = 0;
        add_what(report, text, size, &length);
        add_outcome(report, text, size, &length);
        return length;
}

size_t cop__report_print_all(const struct cop__report *report, char *text, size_t size)
{
        size_t length = 0;
        add_what(report, text, size, &length);
        add_around(report, text, size, &length);
        add_outcome(report, text, size, &length);
        return length;
}
