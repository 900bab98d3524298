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

#include "actors/actor.h"
#include "base/clock.h"
#include "supervisor/supervisor.h"

/* Room for a printed reason: the outcome in a report has 160 bytes. */
#define REASON_TEXT 100

/* ---- Words ------------------------------------------------------------------------ */

static const char *const strategies[] = { "one_for_one", "one_for_all", "rest_for_one" };
static const char *const restart_types[] = { "permanent", "transient", "temporary" };
static const char *const states[] = { "stopped", "starting", "running", "restarting" };

/* "5 s", "1.5 s", "250 ms". */
static const char *print_time(int64_t ms, char text[32])
{
        if (ms < 1000)
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

static uint32_t restarts_now(const struct cop__supervisor *self)
{
        return cop__intensity_count(&self->intensity, cop__clock_ns());
}

/* Did it crash, so that a report is there? */
static bool has_report(cop_pid corpse)
{
        struct cop__report report;
        return cop__report_of(cop_node_here(), corpse, &report);
}

/* ---- Decisions -------------------------------------------------------------------- */

void cop__tell_ended(const struct cop__supervisor *self, uint32_t index, cop_pid corpse,
                     cop_term reason)
{
        char pid[COP_ID_TEXT_MAX], text[REASON_TEXT];
        if (!has_report(corpse))
                cop_log(COP_LOG_INFO, "%s %s ended: %s", self->spec->children[index].id,
                        cop_pid_print(corpse, pid), print_reason(reason, text));
}

void cop__tell_restarted(const struct cop__supervisor *self, uint32_t index, cop_pid corpse)
{
        char pid[COP_ID_TEXT_MAX], period[32];
        cop_pid_print(self->children[index].pid, pid);
        if (corpse.bits == 0) {
                cop_log(COP_LOG_INFO, "%s started %s again as %s", self->spec->label,
                        self->spec->children[index].id, pid);
                return;
        }
        cop__report_outcome(cop_node_here(), corpse,
                            "%s restarted it as %s, restart %u of %u within %s", self->spec->label,
                            pid, restarts_now(self), self->spec->intensity,
                            print_time(self->spec->period_ms, period));
}

void cop__tell_failed(const struct cop__supervisor *self, uint32_t index, cop_pid corpse,
                      cop_term reason)
{
        char text[REASON_TEXT];
        print_reason(reason, text);
        if (corpse.bits != 0)
                cop__report_outcome(cop_node_here(), corpse, "%s could not start it again: %s",
                                    self->spec->label, text);
        else
                cop_log(COP_LOG_WARNING, "%s could not start %s again: %s", self->spec->label,
                        self->spec->children[index].id, text);
}

void cop__tell_gave_up(const struct cop__supervisor *self, uint32_t index)
{
        char period[32];
        uint32_t count = restarts_now(self);
        cop__report_outcome(cop_node_here(), self->children[index].corpse,
                            "%s gave up: %u restart%s within %s %s more than %u", self->spec->label,
                            count, count == 1 ? "" : "s",
                            print_time(self->spec->period_ms, period), count == 1 ? "is" : "are",
                            self->spec->intensity);
}

/* Who ends well has only done its work: no news for those who read the log. */
void cop__tell_left(const struct cop__supervisor *self, uint32_t index, cop_pid corpse,
                    cop_term reason)
{
        char pid[COP_ID_TEXT_MAX], text[REASON_TEXT];
        const struct cop__child_spec *child = &self->spec->children[index];
        const char *type = restart_types[child->restart];
        if (cop__reason_is_crash(reason)) {
                cop__tell_ended(self, index, corpse, reason);
                cop__report_outcome(cop_node_here(), corpse, "%s did not restart it: %s",
                                    self->spec->label, type);
                return;
        }
        cop_log(COP_LOG_DEBUG, "%s %s ended: %s; %s did not restart it: %s", child->id,
                cop_pid_print(corpse, pid), print_reason(reason, text), self->spec->label, type);
}

void cop__tell_stopped(const struct cop__supervisor *self, uint32_t index, cop_pid corpse,
                       bool late)
{
        char pid[COP_ID_TEXT_MAX], time[32];
        const struct cop__child_spec *child = &self->spec->children[index];
        if (late)
                cop_log(COP_LOG_WARNING, "%s killed %s %s, which had not stopped within %s",
                        self->spec->label, child->id, cop_pid_print(corpse, pid),
                        print_time(child->shutdown_ms, time));
        if (has_report(corpse))
                cop__report_outcome(cop_node_here(), corpse, "%s was stopping it",
                                    self->spec->label);
}

void cop__tell_no_start(const struct cop__supervisor *self, uint32_t index, cop_pid corpse)
{
        if (corpse.bits != 0)
                cop__report_outcome(cop_node_here(), corpse, "%s cannot start without it, and ends",
                                    self->spec->label);
        else
                cop_log(COP_LOG_ERROR, "%s cannot start without %s, and ends", self->spec->label,
                        self->spec->children[index].id);
}

/* ---- How the children are --------------------------------------------------------- */

#define CHILD_PAIRS 6
#define SUPERVISOR_PAIRS 6

static void put_pair(cop_term *pair, const char *key, cop_term value)
{
        pair[0] = cop_atom(key);
        pair[1] = value;
}

static cop_term child_term(const struct cop__child_spec *spec, const struct cop__child *child,
                           cop_term pairs[2 * CHILD_PAIRS])
{
        put_pair(&pairs[0], "id", cop_atom(spec->id));
        put_pair(&pairs[2], "type", cop_atom(spec->supervisor != NULL ? "supervisor" : "worker"));
        put_pair(&pairs[4], "restart", cop_atom(restart_types[spec->restart]));
        put_pair(&pairs[6], "state", cop_atom(states[child->state]));
        put_pair(&pairs[8], "pid", child->pid.bits != 0 ? cop_pid_term(child->pid)
                                                        : cop_atom("undefined"));
        put_pair(&pairs[10], "restarts", cop_int(child->restarts));
        return cop_map_of(pairs, CHILD_PAIRS);
}

bool cop__tell_children(const struct cop__supervisor *self, cop_term *answer, void **memory)
{
        const struct cop__supervisor_spec *spec = self->spec;
        size_t each = 1 + 2 * CHILD_PAIRS, count = 0;
        cop_term *terms = cop_alloc((2 * SUPERVISOR_PAIRS + each * spec->child_count) *
                                    sizeof(*terms));
        if (terms == NULL)
                return false;
        cop_term *list = terms + 2 * SUPERVISOR_PAIRS, *pairs = list + spec->child_count;
        for (uint32_t i = 0; i < spec->child_count; i++)
                if (!self->members[i].forgotten) {
                        list[count++] = child_term(&spec->children[i], &self->children[i], pairs);
                        pairs += 2 * CHILD_PAIRS;
                }
        put_pair(&terms[0], "name", cop_atom(spec->label));
        put_pair(&terms[2], "strategy", cop_atom(strategies[spec->strategy]));
        put_pair(&terms[4], "intensity", cop_int(spec->intensity));
        put_pair(&terms[6], "period_ms", cop_int(spec->period_ms));
        put_pair(&terms[8], "restarts", cop_int(restarts_now(self)));
        put_pair(&terms[10], "children", cop_list_of(list, count));
        *answer = cop_map_of(terms, SUPERVISOR_PAIRS);
        *memory = terms;
        return true;
}
