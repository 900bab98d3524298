/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Events of a registry. See keyed_event.h. */
#include "actors/keyed_event.h"

#include <coppice/registry.h>

#include "actors/actor.h"

COP_MESSAGE_DEFINE(cop_key_registered, registry, key, pid, value);
COP_MESSAGE_DEFINE(cop_key_unregistered, registry, key, pid);

static struct cop__signal *next_of(struct cop__signal *event)
{
        struct cop__node *next = cop__load_relaxed(&event->node.next);
        return next != NULL ? cop__signal_of(next) : NULL;
}

static cop_status make_chain(struct cop__visit *visit, const cop_kind *kind, const void *value,
                             struct cop__signal **chain)
{
        for (uint32_t i = 0; i < visit->book->listener_count; i++) {
                struct cop__signal *event;
                cop_status status = cop__signal_message(&visit->thread->pool, kind, value, &event);
                if (status != COP_OK)
                        return status;
                cop__store_relaxed(&event->node.next, *chain != NULL ? &(*chain)->node : NULL);
                *chain = event;
        }
        return COP_OK;
}

cop_status cop__events_make(struct cop__visit *visit, struct cop__proposal *proposal)
{
        const struct cop__entry *entry = proposal->entry;
        cop_symbol registry = cop_symbol_of(visit->book->name);
        cop_key_registered welcome = { registry, proposal->key->is.term, entry->pid, entry->value };
        cop_key_unregistered farewell = { registry, proposal->key->is.term, entry->pid };
        cop_status status = make_chain(visit, COP_KIND_OF(cop_key_registered), &welcome,
                                       &proposal->welcome);
        if (status == COP_OK)
                status = make_chain(visit, COP_KIND_OF(cop_key_unregistered), &farewell,
                                    &proposal->entry->farewell);
        return status;
}

void cop__events_send(struct cop__thread *thread, struct cop__book *book, cop_pid from,
                      struct cop__signal *events)
{
        for (uint32_t i = 0; events != NULL; i++) {
                struct cop__signal *event = events;
                events = next_of(event);
                event->from = from;
                cop__send_signal(thread, cop_whereis(book->listeners[i]), event);
        }
}

void cop__events_drop(struct cop__thread *thread, struct cop__signal *events)
{
        while (events != NULL) {
                struct cop__signal *event = events;
                events = next_of(event);
                cop__signal_free(&thread->pool, event);
        }
}
