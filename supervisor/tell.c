/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What a supervisor says: what it did about the end of a child, in the log and in the crash report,
 * and how its children are, to whoever asks.
 *
 *      ** till <0.12.0> crashed: integer division by zero
 *         ...
 *         shop restarted it as <0.15.0>, restart 1 of 3 within 5 s       <- these are made here
 */
#include <stdio.h>
#include <string.h>

#include "actors/actor.h"
#include "base/clock.h"
#include "supervisor/supervisor.h"

/* Room for a printed reason: the outcome in a report has 160 bytes. */
#define REASON_TEXT 100

/* ---- Words ------------------------------------------------------------------------ */

static const char *const strategies[] = { "one_for_one", "one_for_all", "rest_for_one", "dynamic" };
static const char *const restart_types[] = { "permanent", "transient", "temporary" };

const char *cop__strategy_text(cop_strategy strategy)
{
        return strategies[strategy];
}

const char *cop__restart_text(cop_restart restart)
{
        return restart_types[restart];
}

const char *cop__print_time(int64_t ms, char text[32])
{
        if (ms == COP_FOREVER)
                snprintf(text, 32, "for ever");
        else if (ms < 1000)
                snprintf(text, 32, "%d ms", (int)ms);
        else if (ms % 1000 == 0)
                snprintf(text, 32, "%lld s", (long long)(ms / 1000));
        else if (ms % 100 == 0)
                snprintf(text, 32, "%lld.%d s", (long long)(ms / 1000), (int)(ms % 1000 / 100));
        else
                snprintf(text, 32, "%lld.%03d s", (long long)(ms / 1000), (int)(ms % 1000));
        return text;
}

static const char *print_reason(cop_term reason, char text[REASON_TEXT])
{
        cop_term_print(reason, cop_node_kinds(cop_node_here()), text, REASON_TEXT);
        return text;
}

uint32_t cop__supervisor_restarts(struct cop__supervisor *self)
{
        return cop__intensity_count(&self->intensity, cop__clock_ns());
}

/* Did it crash, so that a report is there? */
static bool has_report(cop_pid corpse)
{
        return cop__report_is_there(cop_node_here(), corpse);
}

/* "shop restarted it as <0.15.0>, restart 1 of 3 within 5 s" */
static void print_restarted(const struct cop__outcome *outcome, char text[COP__OUTCOME_MAX])
{
        char pid[COP_ID_TEXT_MAX], period[32], limit[64] = "";
        if (outcome->limit != COP__INTENSITY_UNLIMITED && outcome->period_ms == COP_FOREVER)
                snprintf(limit, sizeof(limit), " of %u", outcome->limit);
        else if (outcome->limit != COP__INTENSITY_UNLIMITED)
                snprintf(limit, sizeof(limit), " of %u within %s", outcome->limit,
                         cop__print_time(outcome->period_ms, period));
        snprintf(text, COP__OUTCOME_MAX, "%s restarted it as %s, restart %u%s", outcome->by,
                 cop_pid_print(outcome->pid, pid), outcome->count, limit);
}

/* ---- Decisions -------------------------------------------------------------------- */

void cop__tell_ended(const struct cop__supervisor *self, const struct cop__child *child,
                     cop_pid corpse, cop_term reason)
{
        char pid[COP_ID_TEXT_MAX], text[REASON_TEXT];
        (void)self;
        if (!has_report(corpse))
                cop__log_sentence(COP_LOG_INFO, "%s %s ended: %s", child->spec->id,
                                  cop_pid_print(corpse, pid), print_reason(reason, text));
}

/* A sibling that was stopped and started again for the failure of another: said to the log if that failure is. */
static COP__NOINLINE void tell_started_again(const struct cop__supervisor *self, const struct cop__child *child)
{
        char pid[COP_ID_TEXT_MAX];
        cop__log_sentence(COP_LOG_INFO, "%s started %s again as %s", self->label, child->spec->id,
                          cop_pid_print(child->pid, pid));
}

/* The one whose failure it was: that is in its report. */
static COP__NOINLINE void tell_outcome(struct cop__supervisor *self, const struct cop__child *child)
{
        struct cop__outcome outcome = {
                .print = print_restarted,
                .pid = child->pid,
                .limit = self->spec->intensity,
                .period_ms = self->spec->period_ms,
        };
        outcome.count = cop__supervisor_restarts(self);
        memcpy(outcome.by, self->label, strnlen(self->label, sizeof(outcome.by) - 1));
        cop__report_outcome_as(cop_node_here(), child->corpse, &outcome);
}

void cop__tell_restarted(struct cop__supervisor *self, const struct cop__child *child)
{
        if (child->corpse.bits != 0)
                tell_outcome(self, child);
        else if (!self->hushed || self->regrow == COP__REGROW_IDLE)
                tell_started_again(self, child);
}

void cop__tell_failed(const struct cop__supervisor *self, const struct cop__child *child,
                      cop_term reason)
{
        char text[REASON_TEXT];
        print_reason(reason, text);
        if (child->corpse.bits != 0)
                cop__report_outcome(cop_node_here(), child->corpse,
                                    "%s could not start it again: %s", self->label, text);
        else
                cop__log_sentence(COP_LOG_WARNING, "%s could not start %s again: %s", self->label,
                                  child->spec->id, text);
}

void cop__tell_gave_up(struct cop__supervisor *self, const struct cop__child *child)
{
        char period[32], within[48] = "";
        uint32_t count = cop__supervisor_restarts(self);
        if (self->spec->period_ms != COP_FOREVER)
                snprintf(within, sizeof(within), " within %s",
                         cop__print_time(self->spec->period_ms, period));
        cop__report_outcome(cop_node_here(), child->corpse,
                            "%s gave up: %u restart%s%s %s more than %u", self->label, count,
                            count == 1 ? "" : "s", within, count == 1 ? "is" : "are",
                            self->spec->intensity);
}

void cop__tell_tired(const struct cop__supervisor *self, const struct cop__child *child)
{
        cop__report_outcome(cop_node_here(), child->corpse,
                            "%s gave up: %s has failed %u times in a row, and is worth %u tries",
                            self->label, child->spec->id, child->past.streak,
                            child->spec->backoff.tries);
}

void cop__tell_open(const struct cop__supervisor *self, const struct cop__child *child)
{
        char time[32];
        int64_t open_ms = child->spec->breaker.open_ms;
        cop__report_outcome(cop_node_here(), child->corpse,
                            "%s opened the breaker of %s after %u failures in a row: it is left "
                            "alone %s%s",
                            self->label, child->spec->id, child->past.streak,
                            open_ms != COP_FOREVER ? "for " : "", cop__print_time(open_ms, time));
}

void cop__tell_rests(const struct cop__supervisor *self, struct cop__child *child)
{
        const char *what = self->ending     ? "was stopping"
                           : child->ignored ? "started it again, and it chose not to run"
                                            : "was told not to restart it";
        if (child->corpse.bits != 0 && has_report(child->corpse))
                cop__report_outcome(cop_node_here(), child->corpse, "%s %s", self->label, what);
        child->corpse = cop_no_pid();
}

void cop__tell_significant(const struct cop__supervisor *self, const struct cop__child *child)
{
        cop__log_sentence(COP_LOG_INFO, "%s shuts down: its significant child %s has ended",
                          self->label, child->spec->id);
}

void cop__tell_outlasted(const struct cop__supervisor *self)
{
        cop__log_sentence(COP_LOG_INFO, "%s shuts down: none of its significant children is left", self->label);
}

/* Who ends well has only done its work: no news for those who read the log. */
void cop__tell_left(const struct cop__supervisor *self, const struct cop__child *child,
                    cop_pid corpse, cop_term reason)
{
        char pid[COP_ID_TEXT_MAX], text[REASON_TEXT];
        const char *type = restart_types[child->spec->restart];
        if (cop__reason_is_crash(reason)) {
                cop__tell_ended(self, child, corpse, reason);
                cop__report_outcome(cop_node_here(), corpse, "%s did not restart it: %s",
                                    self->label, type);
                return;
        }
        cop__log_sentence(COP_LOG_DEBUG, "%s %s ended: %s; %s did not restart it: %s", child->spec->id,
                          cop_pid_print(corpse, pid), print_reason(reason, text), self->label, type);
}

static COP__NOINLINE void tell_killed(const struct cop__supervisor *self, const struct cop__child *child, cop_pid corpse)
{
        char pid[COP_ID_TEXT_MAX], time[32];
        cop__log_sentence(COP_LOG_WARNING, "%s killed %s %s, which had not stopped within %s",
                          self->label, child->spec->id, cop_pid_print(corpse, pid),
                          cop__print_time(child->spec->shutdown_ms, time));
}

void cop__tell_stopped(const struct cop__supervisor *self, const struct cop__child *child,
                       cop_pid corpse, cop_term reason)
{
        if (COP__UNLIKELY(child->late))
                tell_killed(self, child, corpse);
        if (cop__reason_is_crash(reason) && has_report(corpse))
                cop__report_outcome(cop_node_here(), corpse, "%s was stopping it",
                                    self->label);
}

void cop__tell_no_start(const struct cop__supervisor *self, const struct cop__child *child,
                        cop_pid corpse)
{
        if (corpse.bits != 0 && self->started)
                cop__report_outcome(cop_node_here(), corpse, "%s was asked to start it, and told so",
                                    self->label);
        else if (corpse.bits != 0)
                cop__report_outcome(cop_node_here(), corpse, "%s cannot start without it, and ends",
                                    self->label);
        else
                cop__log_sentence(COP_LOG_ERROR, "%s cannot start without %s, and ends", self->label,
                                  child->spec->id);
}
