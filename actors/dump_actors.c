/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Trees, actors, their mail, and the last moments of a node in a dump. See dump_pen.h. */
#define _GNU_SOURCE
#include "actors/dump_pen.h"

#include <stdio.h>

#include "actors/actor.h"
#include "actors/dump.h"
#include "actors/dump_value.h"
#include "actors/fault_report.h"
#include "actors/info.h"
#include "actors/recent.h"
#include "actors/report.h"

/* Actors up to which the function that each is in is looked up: each look goes through the whole table of symbols. */
#define PLACES_LOOKED_UP 1000u

/* ---- Trees ------------------------------------------------------------------------------------ */

static void fill_child(struct cop__dump *dump, const void *subject)
{
        const struct cop__census_entry *entry = subject;
        cop__dump_pid(dump, "supervisor", entry->supervisor);
        cop__dump_pid(dump, "pid", entry->child);
        cop__dump_text(dump, "id", entry->id);
        cop__dump_number(dump, "order", entry->number);
        cop__dump_number(dump, "restarts", entry->restarts);
        cop__dump_number(dump, "state", entry->state);
}

static void put_children(struct cop__dump *dump)
{
        struct cop__census_entry entry;
        uint32_t count = cop__census_count(&dump->node->census);
        for (uint32_t row = 0; row < count && row < COP__DUMP_ACTORS; row++)
                if (cop__census_read(&dump->node->census, row, &entry))
                        cop__dump_put(dump, "child", fill_child, &entry);
}

/* ---- Actors and their mail ----------------------------------------------------------------------- */

struct mail {
        cop_pid to;
        unsigned at;
        const struct cop__signal *signal;
};

static void fill_message(struct cop__dump *dump, const void *subject)
{
        const struct mail *mail = subject;
        char text[512] = "";
        struct cop__words words = { .text = text, .size = sizeof(text) };
        cop__dump_pid(dump, "to", mail->to);
        cop__dump_number(dump, "at", mail->at);
        cop__dump_pid(dump, "from", mail->signal->from);
        cop__dump_value(&words, dump->node->kinds, mail->signal->kind, cop__signal_body(mail->signal));
        cop__dump_text(dump, "text", text);
}

static bool is_message(const struct cop__signal *signal)
{
        return signal->type == COP__SIGNAL_MESSAGE && signal->kind != NULL;
}

static void put_message(struct cop__dump *dump, cop_pid to, unsigned at, const struct cop__signal *signal)
{
        if (!is_message(signal))
                return;
        cop__dump_put(dump, "message", fill_message, &(struct mail){ to, at, signal });
        dump->messages++;
}

/* Number 0 is the message that its handler is at; then come those that it has looked at and left, then what has arrived. */
static void put_mail(struct cop__dump *dump, const void *subject)
{
        const struct cop__actor *actor = subject;
        const struct cop__signal *signal = actor->mailbox.first;
        const struct cop__node *node = actor->cursor.node;
        cop_pid pid = cop__actor_pid(actor);
        unsigned at = 0;
        if (actor->current != NULL)
                put_message(dump, pid, 0, actor->current);
        while (signal != NULL && at < COP__DUMP_MAIL) {
                put_message(dump, pid, ++at, signal);
                signal = signal == actor->mailbox.last ? NULL : cop__signal_of(signal->node.next);
        }
        node = node != NULL ? node->next : actor->queue.head;
        while (node != NULL && at < COP__DUMP_MAIL) {
                put_message(dump, pid, ++at, COP__CONTAINER(node, struct cop__signal, node));
                node = node->next;
        }
}

struct seen {
        struct cop__glimpse glimpse;
        struct cop__actor *actor;
        uint64_t owned;
};

/* In a try of its own: what few actors have lies in the heap. */
static void count_owned(struct cop__dump *dump, const void *subject)
{
        struct seen *seen = (struct seen *)(uintptr_t)subject;
        (void)dump;
        if (seen->actor->rare != NULL)
                seen->owned = seen->actor->rare->owned.count;
}

static void fill_actor(struct cop__dump *dump, const void *subject)
{
        const struct seen *seen = subject;
        const struct cop__glimpse *glimpse = &seen->glimpse;
        char address[32] = "", recent[COP__RECENT_TEXT];
        const char *place = NULL;
        if (glimpse->where != NULL)
                snprintf(address, sizeof(address), "%p", glimpse->where);
        if (glimpse->where != NULL && dump->looks_up_places)
                place = cop__object_function_at(&dump->program, (uintptr_t)glimpse->where);
        /* One word, and tables that are constant: nothing of it can be half written. */
        cop__recent_print(dump->node, glimpse->recent, 0, recent, sizeof(recent));
        cop__dump_pid(dump, "pid", glimpse->pid);
        cop__dump_pid(dump, "parent", glimpse->parent);
        cop__dump_text(dump, "name", glimpse->name);
        cop__dump_text(dump, "label", glimpse->label);
        cop__dump_text(dump, "server", glimpse->server);
        cop__dump_text(dump, "status", glimpse->status);
        cop__dump_number(dump, "unread", glimpse->unread);
        cop__dump_number(dump, "handled", glimpse->handled);
        cop__dump_number(dump, "bytes", glimpse->bytes);
        cop__dump_number(dump, "relations", glimpse->relations);
        cop__dump_number(dump, "owned", seen->owned);
        cop__dump_text(dump, "where", place != NULL ? place : address);
        cop__dump_text(dump, "recent", recent);
}

static void put_actor(struct cop__dump *dump, const void *subject)
{
        struct cop__actor *actor = (struct cop__actor *)(uintptr_t)subject;
        struct seen seen = { .actor = actor };
        if (!cop__glimpse_slot(dump->node, actor, dump->knows_names, &seen.glimpse))
                return;
        cop__dump_attempt(dump, count_owned, &seen);
        cop__dump_put(dump, "actor", fill_actor, &seen);
        dump->actors++;
        if (dump->messages < COP__DUMP_MESSAGES)
                cop__dump_attempt(dump, put_mail, actor);
}

void cop__dump_put_actors(struct cop__dump *dump)
{
        put_children(dump);
        struct cop__slots *slots = &dump->node->slots;
        uint32_t used = cop__load_acquire(&slots->used);
        dump->looks_up_places = used <= PLACES_LOOKED_UP;
        dump->knows_names = cop__dump_is_free(&dump->node->registry.lock) && cop__dump_is_free(&dump->node->labels.lock) &&
                            cop__dump_is_free_mutex(&dump->node->zygote.lock); /* which knows the processes */
        for (uint32_t slot = 1; slot <= used && dump->actors < COP__DUMP_ACTORS; slot++)
                cop__dump_attempt(dump, put_actor, &slots->base[slot]);
}

/* ---- The last moments ---------------------------------------------------------------------------- */

static void add_crash_message(struct cop__dump *dump, const struct cop__crash *crash)
{
        char text[512] = "";
        struct cop__words words = { .text = text, .size = sizeof(text) };
        const char *at = cop__crash_at(crash, crash->message);
        if (crash->kind != NULL)
                cop__dump_value(&words, dump->node->kinds, crash->kind, at);
        cop__dump_text(dump, "message", crash->kind != NULL ? text : at);
}

static void fill_crash(struct cop__dump *dump, const void *subject)
{
        const struct cop__report_entry *entry = subject;
        const struct cop__crash *crash = &entry->crash;
        char what[COP__CRASH_WHAT], where[COP__CRASH_WHERE], outcome[COP__OUTCOME_MAX];
        cop__crash_words(crash, dump->node->kinds, what, where);
        cop__dump_number(dump, "when", (uint64_t)crash->when);
        cop__dump_pid(dump, "pid", crash->pid);
        cop__dump_text(dump, "who", crash->who);
        cop__dump_text(dump, "words", what);
        cop__dump_text(dump, "where", where);
        add_crash_message(dump, crash);
        cop__dump_pid(dump, "from", crash->from);
        if (entry->outcome.print != NULL)
                entry->outcome.print(&entry->outcome, outcome);
        cop__dump_text(dump, "outcome", entry->outcome.print != NULL ? outcome : entry->words);
}

static void fill_letter(struct cop__dump *dump, const void *subject)
{
        const struct cop__letter *letter = subject;
        cop__dump_number(dump, "when", (uint64_t)letter->when);
        cop__dump_pid(dump, "from", letter->from);
        cop__dump_pid(dump, "to", letter->to);
        cop__dump_text(dump, "reason", cop__death_name(letter->death));
        cop__dump_text(dump, "text", letter->text[0] != '\0' ? letter->text : letter->kind);
}

/* Both rings, the oldest entry first; one that is being written now shows half of each. */
void cop__dump_put_crashes(struct cop__dump *dump)
{
        const struct cop__reports *reports = &dump->node->reports;
        const struct cop__letters *letters = &dump->node->letters;
        for (uint64_t i = 1; i <= COP__REPORTS_KEPT; i++) {
                const struct cop__report_entry *entry = &reports->ring[(reports->count + i) % COP__REPORTS_KEPT];
                if (entry->number != 0)
                        cop__dump_put(dump, "crash", fill_crash, entry);
        }
        for (uint64_t i = 1; i <= COP__LETTERS_KEPT; i++) {
                const struct cop__letter *letter = &letters->ring[(letters->count + i) % COP__LETTERS_KEPT];
                if (letter->number != 0)
                        cop__dump_put(dump, "letter", fill_letter, letter);
        }
}
