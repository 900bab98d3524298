/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Facts of a crash, and the words for them. See crash.h. */
#include "actors/crash.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "actors/backtrace.h"
#include "actors/neighbours.h"
#include "actors/own.h"
#include "actors/recent.h"
#include "actors/server.h"

/* ---- The block --------------------------------------------------------------------------- */

/* Room for `size` bytes, aligned for any value; NULL: there is none. */
static char *reserve(struct cop__crash *crash, size_t size, uint16_t *place)
{
        size_t at = (crash->used + 15u) & ~(size_t)15;
        if (size > COP__CRASH_BYTES - at)
                return NULL;
        *place = (uint16_t)at;
        crash->used = (uint16_t)(at + size);
        return &crash->bytes[at];
}

/* 0 for "". */
static uint16_t put_text(struct cop__crash *crash, const char *text)
{
        uint16_t place = 0;
        size_t size = strlen(text);
        char *to = size > 0 ? reserve(crash, size + 1, &place) : NULL;
        if (to != NULL)
                memcpy(to, text, size + 1);
        return place;
}

/* ---- Neighbours ---------------------------------------------------------------------------- */

struct neighbour {
        cop_pid pid;
        bool alive;
        char name[COP__NEIGHBOUR_NAME]; /* kept as long as it is */
};

#define NEIGHBOUR_SIZE(length) (offsetof(struct neighbour, name) + (length) + 1)

/* False: it has ended. The first one's place is that of all. */
static bool put_neighbour(struct cop__crash *crash, struct cop_node *node, cop_pid pid, uint16_t *first)
{
        struct neighbour one;
        uint16_t place;
        memset(&one, 0, offsetof(struct neighbour, name));
        one.pid = pid;
        one.alive = cop__neighbour_name(node, pid, one.name);
        size_t size = NEIGHBOUR_SIZE(strlen(one.name));
        char *to = reserve(crash, size, &place);
        if (to == NULL)
                return false;
        memcpy(to, &one, size);
        if (*first == 0)
                *first = place;
        return one.alive;
}

static void end_neighbours(struct cop__crash *crash)
{
        uint16_t place;
        char *to = reserve(crash, sizeof(cop_pid), &place);
        if (to != NULL)
                memset(to, 0, sizeof(cop_pid));
        else
                crash->ancestors = crash->linked = 0; /* no end: better none */
}

/* Reads the one at *place, and moves that on. False: there is none. */
static bool next_neighbour(const struct cop__crash *crash, size_t *place, struct neighbour *one)
{
        if (*place == 0)
                return false;
        memcpy(&one->pid, &crash->bytes[*place], sizeof(one->pid));
        if (one->pid.bits == 0)
                return false;
        const char *name = &crash->bytes[*place + offsetof(struct neighbour, name)];
        size_t length = strlen(name);
        memcpy(one, &crash->bytes[*place], NEIGHBOUR_SIZE(length));
        *place = (*place + NEIGHBOUR_SIZE(length) + 15) & ~(size_t)15;
        return true;
}

static void put_ancestors(struct cop__crash *crash, struct cop_node *node, const struct cop__actor *actor)
{
        cop_pid pid = actor->parent;
        for (int i = 0; pid.bits != 0 && i < COP__NEIGHBOURS_SHOWN; i++) {
                bool alive = put_neighbour(crash, node, pid, &crash->ancestors);
                pid = alive ? cop__neighbour_parent(node, pid) : cop_no_pid();
        }
        crash->ancestors_more = pid.bits != 0;
        end_neighbours(crash);
}

static void put_linked(struct cop__crash *crash, struct cop_node *node, struct cop__actor *actor)
{
        unsigned count = 0;
        for (struct cop__list *at = actor->relations.next; at != &actor->relations; at = at->next) {
                const struct cop__relation *relation =
                        COP__CONTAINER(at, struct cop__relation, as.tie.list);
                if (relation->as.tie.type != COP__TIE_LINK)
                        continue;
                if (++count <= COP__NEIGHBOURS_SHOWN)
                        put_neighbour(crash, node, relation->as.tie.peer, &crash->linked);
        }
        crash->linked_more = count > COP__NEIGHBOURS_SHOWN ? count - COP__NEIGHBOURS_SHOWN : 0;
        end_neighbours(crash);
}

static void append_neighbours(struct cop__text *text, const struct cop__crash *crash, size_t place)
{
        struct neighbour one;
        cop__text_append_string(text, "");
        for (bool more = false; next_neighbour(crash, &place, &one); more = true) {
                cop__text_append_string(text, more ? ", " : "");
                cop__neighbour_print(text, one.pid, one.name, one.alive);
        }
}

static void tell_neighbours(const struct cop__crash *crash, struct cop__report *report)
{
        struct cop__text out;
        cop__text_init_fixed(&out, report->ancestors, sizeof(report->ancestors));
        append_neighbours(&out, crash, crash->ancestors);
        if (crash->ancestors_more)
                cop__text_append_string(&out, ", ...");
        cop__text_init_fixed(&out, report->linked, sizeof(report->linked));
        append_neighbours(&out, crash, crash->linked);
        if (crash->linked_more > 0)
                cop__text_printf(&out, ", and %u more", crash->linked_more);
}

/* ---- The message --------------------------------------------------------------------------- */

static void print_message(const cop_kinds *kinds, const cop_kind *kind, const void *value, char *text,
                          size_t size)
{
        cop_term term;
        text[0] = '\0';
        cop_status status = cop__kind_to_term_within(kind, value, COP__SHOWN_MAX, &term);
        if (status == COP_E_TOO_BIG)
                snprintf(text, size, "a %s that is too large to show", kind->name);
        if (status != COP_OK)
                return;
        cop_term_print(term, kinds, text, size);
        cop_term_free(term);
}

/* The message that it is at; of a function that receives: the last one that it still holds. */
static const struct cop__signal *at_hand(const struct cop__actor *actor)
{
        if (actor->current != NULL || actor->server != NULL)
                return actor->current;
        const struct cop__node *last = actor->cursor.node;
        const struct cop__signal *signal =
                last != NULL ? COP__CONTAINER(last, const struct cop__signal, node) : NULL;
        return signal != NULL && signal->flags & COP__SIGNAL_TAKEN ? signal : actor->taken;
}

static void put_message(struct cop__crash *crash, const struct cop_node *node, const struct cop__signal *signal)
{
        char text[COP__REPORT_TEXT];
        const cop_kind *kind = signal->kind;
        crash->from = signal->from;
        if (kind == NULL)
                return;
        if (kind->plain && kind->size <= COP__REPORT_TEXT) {
                char *to = reserve(crash, kind->size, &crash->message);
                if (to != NULL && kind->size > 0)
                        memcpy(to, cop__signal_body(signal), kind->size);
                crash->kind = to != NULL ? kind : NULL;
                return;
        }
        print_message(node->kinds, kind, cop__signal_body(signal), text, sizeof(text));
        crash->message = put_text(crash, text);
}

static void tell_message(const struct cop__crash *crash, const cop_kinds *kinds,
                         struct cop__report *report)
{
        const char *at = cop__crash_at(crash, crash->message);
        if (crash->kind != NULL)
                print_message(kinds, crash->kind, at, report->message, sizeof(report->message));
        else
                snprintf(report->message, sizeof(report->message), "%s", at);
}

/* ---- Other messages ------------------------------------------------------------------------ */

static void put_others(struct cop__crash *crash, struct cop_node *node, const struct cop__actor *actor)
{
        char unread[COP__UNREAD_TEXT], events[COP__REPORT_TEXT];
        crash->recent = actor->recent;
        crash->handled = actor->handled;
        cop__unread_print(node, actor, unread, sizeof(unread));
        crash->unread = put_text(crash, unread);
        cop__events_print(node, actor, events, sizeof(events));
        crash->events = put_text(crash, events);
}

static void tell_others(const struct cop__crash *crash, const struct cop_node *node,
                        struct cop__report *report)
{
        cop__recent_print(node, crash->recent, report->message[0] != '\0' ? 1 : 0, report->recent,
                          sizeof(report->recent));
        report->handled = crash->handled;
        snprintf(report->unread, sizeof(report->unread), "%s", cop__crash_at(crash, crash->unread));
        snprintf(report->events, sizeof(report->events), "%s", cop__crash_at(crash, crash->events));
}

/* ---- The whole ----------------------------------------------------------------------------- */

static void put_state(struct cop__crash *crash, struct cop__actor *actor)
{
        char text[COP__REPORT_TEXT];
        cop__server_print_state(actor, text, sizeof(text));
        crash->state = put_text(crash, text);
        if (actor->rare == NULL)
                return;
        cop__own_print(actor, text, sizeof(((struct cop__report *)0)->held));
        crash->held = put_text(crash, text);
}

void cop__crash_take(struct cop__crash *crash, struct cop_node *node, struct cop__actor *actor,
                     cop_pid pid, const char *who)
{
        memset(crash, 0, offsetof(struct cop__crash, bytes));
        crash->used = 1;
        crash->when = (int64_t)time(NULL);
        crash->pid = pid;
        crash->supervised = actor->supervised;
        crash->reason = cop__shared_term_take(actor->reason);
        snprintf(crash->who, sizeof(crash->who), "%s", who);
        const struct cop__signal *message = at_hand(actor);
        if (message != NULL)
                put_message(crash, node, message);
        put_others(crash, node, actor);
        put_state(crash, actor);
        if (actor->server != NULL)
                crash->started_as = put_text(crash, actor->server->name);
        else
                crash->code = cop__start_code(actor);
        put_ancestors(crash, node, actor);
        put_linked(crash, node, actor);
}

void cop__crash_copy(struct cop__crash *to, const struct cop__crash *from)
{
        memcpy(to, from, offsetof(struct cop__crash, bytes) + from->used);
}

void cop__crash_restate(struct cop__crash *crash, const struct cop__report *report)
{
        crash->from = report->from;
        crash->kind = NULL;
        crash->code = NULL;
        crash->what = put_text(crash, report->what);
        crash->message = put_text(crash, report->message);
        crash->started_as = put_text(crash, report->started_as);
        crash->state = put_text(crash, report->state);
        crash->events = put_text(crash, report->events);
}

bool cop__is_fault(cop_term reason)
{
        if (!cop_is_tuple(reason, "fault", 5) || reason.as.items[3].type != COP_TERM_TUPLE ||
            reason.as.items[3].count != 2)
                return false;
        const cop_term *place = reason.as.items[3].as.items;
        return reason.as.items[2].type == COP_TERM_TEXT && place[0].type == COP_TERM_ATOM &&
               place[1].type == COP_TERM_TEXT;
}

/* The parts of a fault make better words than the term. */
void cop__crash_words(const struct cop__crash *crash, const cop_kinds *kinds, char what[COP__CRASH_WHAT],
                      char where[COP__CRASH_WHERE])
{
        cop_term reason = crash->reason->term;
        const cop_term *items = reason.as.items;
        where[0] = '\0';
        if (cop__is_fault(reason)) {
                cop_term function = items[3].as.items[0], line = items[3].as.items[1];
                snprintf(what, COP__CRASH_WHAT, "%.*s", (int)items[2].count, items[2].as.text);
                snprintf(where, COP__CRASH_WHERE, "%.*s%s%.*s", (int)function.count, function.as.text,
                         line.count > 0 ? " at " : "", (int)line.count, line.as.text);
        } else {
                cop_term_print(reason, kinds, what, COP__CRASH_WHAT);
        }
        if (crash->what != 0)
                snprintf(what, COP__CRASH_WHAT, "%s", cop__crash_at(crash, crash->what));
}

static void tell_start(const struct cop__crash *crash, const struct cop_node *node,
                       struct cop__report *report)
{
        struct cop__place place;
        const char *text = cop__crash_at(crash, crash->started_as);
        if (crash->code != NULL) {
                cop__place_of(node->symbols, crash->code, false, &place);
                text = place.function;
        }
        snprintf(report->started_as, sizeof(report->started_as), "%s", text);
}

void cop__crash_tell(const struct cop__crash *crash, const struct cop_node *node,
                     struct cop__report *report)
{
        memset(report, 0, sizeof(*report));
        report->when = crash->when;
        report->pid = crash->pid;
        report->from = crash->from;
        report->supervised = crash->supervised;
        memcpy(report->who, crash->who, sizeof(report->who));
        cop_term_print(crash->reason->term, node->kinds, report->reason, sizeof(report->reason));
        cop__crash_words(crash, node->kinds, report->what, report->where);
        tell_message(crash, node->kinds, report);
        tell_others(crash, node, report);
        snprintf(report->state, sizeof(report->state), "%s", cop__crash_at(crash, crash->state));
        snprintf(report->held, sizeof(report->held), "%s", cop__crash_at(crash, crash->held));
        tell_start(crash, node, report);
        tell_neighbours(crash, report);
}
