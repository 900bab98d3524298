/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Observing a server. See observe.h. */
#include "actors/observe.h"

#include <stdlib.h>
#include <string.h>

#include "actors/neighbours.h"
#include "actors/server.h"
#include "base/clock.h"
#include "base/memory.h"

COP_MESSAGE_DEFINE(cop_sys_event, pid, what, peer, term);

static struct cop__observation *observation_of(const struct cop__actor *actor)
{
        return actor->aside & COP__ASIDE_OBSERVED ? actor->rare->observation : NULL;
}

/* ---- Events --------------------------------------------------------------------------- */

static void log_event(struct cop__actor *actor, const char *what, cop_pid peer, cop_term term)
{
        char text[COP__REPORT_TEXT], self[COP_ID_TEXT_MAX], other[COP_ID_TEXT_MAX];
        char called[COP__RUNS_MAX];
        cop__what_runs(actor, called);
        cop_term_print(term, cop__node_of(cop__thread_here())->kinds, text, sizeof(text));
        cop_pid_print(cop__actor_pid(actor), self);
        if (peer.bits != 0)
                cop__log_sentence(COP_LOG_INFO, "trace: %s %s %s %s, %s %s", called, self, what,
                                  text, strcmp(what, "out") == 0 ? "to" : "from", cop_pid_print(peer, other));
        else
                cop__log_sentence(COP_LOG_INFO, "trace: %s %s %s %s", called, self, what, text);
}

/* An observer that has ended takes its trace with it. */
static void trace_event(struct cop__actor *actor, const char *what, cop_pid peer, cop_term term)
{
        struct cop__observation *observation = actor->rare->observation;
        if (observation->observer.bits == 0) {
                log_event(actor, what, peer, term);
                return;
        }
        cop_sys_event event = { .pid = cop__actor_pid(actor), .what = cop_symbol_of(what),
                                .peer = peer, .term = term };
        if (cop_is_alive(observation->observer))
                cop_send_value(cop_to_pid(observation->observer), COP_KIND_OF(cop_sys_event),
                               &event);
        else
                cop__observe_trace(actor, false, cop_no_pid());
}

static void keep_event(struct cop__observation *observation, const char *what, cop_pid peer,
                       cop_term term)
{
        cop_term shown = cop__term_inside(term, 2); /* in a tuple, and that in the list of all */
        struct cop__shared_term *event = cop__shared_term_new(
                peer.bits != 0 ? COP_TUPLE(cop_atom(what), shown, cop_pid_term(peer))
                               : COP_TUPLE(cop_atom(what), shown));
        if (event == NULL)
                return;
        struct cop__shared_term **place =
                &observation->log[observation->logged++ % observation->room];
        cop__shared_term_drop(*place);
        *place = event;
}

void cop__observe(struct cop__actor *actor, const char *what, cop_pid peer, cop_term term)
{
        struct cop__observation *observation = observation_of(actor);
        if (observation == NULL)
                return;
        if (observation->room > 0)
                keep_event(observation, what, peer, term);
        if (observation->traced)
                trace_event(actor, what, peer, term); /* the last: it may give the thread away */
}

static bool wants_events(const struct cop__observation *observation)
{
        return observation != NULL && (observation->traced || observation->room > 0);
}

/*
 * The term is a copy in memory of the actor's own, since a trace may send it, and a sender may be ended: what it holds
 * is freed then.
 */
static void observe_value(struct cop__actor *actor, const char *what, cop_pid peer,
                          const cop_kind *kind, const void *value)
{
        cop_term term = cop_atom("none");
        bool copied = kind != NULL && cop__kind_to_term_within(kind, value, COP__SHOWN_MAX, &term) == COP_OK;
        struct cop__shared_term *held = cop__shared_term_new(cop__term_inside(term, 0));
        if (copied)
                cop_term_free(term);
        if (held == NULL)
                return;
        struct cop__rare *rare = actor->rare;
        cop__shared_term_drop(rare->observed);
        rare->observed = held;
        cop__observe(actor, what, peer, held->term);
}

static bool is_told(const struct cop__signal *signal)
{
        return signal->kind != NULL && cop__kind_same(signal->kind, COP_KIND_OF(cop_sys_event));
}

void cop__observe_signal(struct cop__actor *actor, const char *what, struct cop__signal *signal)
{
        struct cop__observation *observation = observation_of(actor);
        if (observation == NULL)
                return;
        observation->messages++;
        /* Of who is told, nobody is told: two that observe each other would never be quiet. */
        if (wants_events(observation) && !is_told(signal))
                observe_value(actor, what, signal->from, signal->kind, cop__signal_body(signal));
}

void cop__observe_reply(struct cop__actor *actor, cop_pid to, const cop_kind *kind, const void *value)
{
        struct cop__observation *observation = observation_of(actor);
        observation->replies++;
        if (wants_events(observation))
                observe_value(actor, "out", to, kind, value);
}

void cop__observe_state(struct cop__actor *actor)
{
        cop_term term;
        struct cop__rare *rare = actor->rare;
        if (!wants_events(observation_of(actor)) || (actor->current != NULL && is_told(actor->current)) ||
            cop__state_told(actor, &term) != COP_OK)
                return;
        struct cop__shared_term *held = cop__shared_term_new(term);
        cop_term_free(term);
        if (held == NULL)
                return;
        cop__shared_term_drop(rare->observed);
        rare->observed = held;
        cop__observe(actor, "state", cop_no_pid(), held->term);
}

/* ---- On and off ------------------------------------------------------------------------- */

static struct cop__observation *begin(struct cop__actor *actor)
{
        struct cop__rare *rare = cop__rare_of(actor);
        if (rare == NULL)
                return NULL;
        if (rare->observation == NULL)
                rare->observation = cop__calloc(1, sizeof(*rare->observation));
        if (rare->observation != NULL)
                actor->aside |= COP__ASIDE_OBSERVED;
        return rare->observation;
}

/* Nobody looks any more: the server takes the short way again. */
static void end_if_unused(struct cop__actor *actor)
{
        struct cop__observation *observation = actor->rare->observation;
        if (observation->traced || observation->counted || observation->room > 0)
                return;
        actor->aside &= (uint8_t)~COP__ASIDE_OBSERVED;
        actor->rare->observation = NULL;
        cop__observation_free(observation);
        cop__shared_term_drop(actor->rare->observed);
        actor->rare->observed = NULL;
}

cop_status cop__observe_trace(struct cop__actor *actor, bool on, cop_pid observer)
{
        struct cop__observation *observation = begin(actor);
        if (observation == NULL)
                return COP_E_NO_MEMORY;
        observation->traced = on;
        observation->observer = observer;
        end_if_unused(actor);
        return COP_OK;
}

cop_status cop__observe_count(struct cop__actor *actor, bool on)
{
        struct cop__observation *observation = begin(actor);
        if (observation == NULL)
                return COP_E_NO_MEMORY;
        observation->counted = on;
        observation->since_ns = cop__clock_ns();
        observation->messages = observation->replies = 0;
        end_if_unused(actor);
        return COP_OK;
}

static void free_log(struct cop__observation *observation)
{
        for (uint32_t i = 0; i < observation->room; i++)
                cop__shared_term_drop(observation->log[i]);
        free(observation->log);
        observation->log = NULL;
        observation->room = 0;
        observation->logged = 0;
}

cop_status cop__observe_log(struct cop__actor *actor, uint32_t room)
{
        struct cop__observation *observation = begin(actor);
        if (observation == NULL)
                return COP_E_NO_MEMORY;
        cop_status status = COP_OK;
        free_log(observation);
        if (room > 0)
                observation->log = cop__calloc(room, sizeof(*observation->log));
        if (observation->log != NULL)
                observation->room = room;
        else if (room > 0)
                status = COP_E_NO_MEMORY;
        end_if_unused(actor);
        return status;
}

cop_status cop__observation_log(const struct cop__observation *observation, cop_term **items,
                                size_t *count)
{
        uint64_t kept = 0;
        if (observation != NULL)
                kept = observation->logged < observation->room ? observation->logged
                                                               : observation->room;
        *items = cop__calloc((size_t)kept + 1, sizeof(cop_term));
        if (*items == NULL)
                return COP_E_NO_MEMORY;
        for (uint64_t i = 0; i < kept; i++)
                (*items)[i] = observation->log[(observation->logged - kept + i) %
                                               observation->room]->term;
        *count = (size_t)kept;
        return COP_OK;
}

void cop__observation_free(struct cop__observation *observation)
{
        if (observation == NULL)
                return;
        free_log(observation);
        free(observation);
}
