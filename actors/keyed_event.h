/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What the listeners of a registry are told. Both events are made when an entry is proposed, so that neither its coming nor
 * its going, which may be its owner's death, can be lost for want of memory.
 */
#ifndef ACTORS_KEYED_EVENT_H
#define ACTORS_KEYED_EVENT_H

#include "actors/book.h"

/* One for each listener, in their order, linked by node.next. Errors: COP_E_NO_MEMORY, COP_E_TOO_BIG, COP_E_TOO_DEEP. */
cop_status cop__events_make(struct cop__visit *visit, struct cop__proposal *proposal);

/* Hands the events over to whoever bears the listeners' names now; those for nobody are freed. */
void cop__events_send(struct cop__thread *thread, struct cop__book *book, cop_pid from,
                      struct cop__signal *events);
void cop__events_drop(struct cop__thread *thread, struct cop__signal *events);

#endif
