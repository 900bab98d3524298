/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Bridges: foreign code, with a function that starts it and one that stops it, as a child.
 *
 *      typedef struct { sqlite3 *handle; } database;
 *
 *      static cop_status database_start(database *self) { ... }
 *      static void database_stop(database *self, cop_term reason) { ... }
 *
 *      COP_BRIDGE(database, database_start, database_stop);
 *
 * defines `database_server`, for a child with .server = &database_server. When the supervisor starts
 * it, start runs with a zeroed state: COP_OK, and it stands; COP_E_IGNORED, and it is kept without a
 * process; any other status is a failed start with the reason {bridge, Sentence}. When it is stopped,
 * stop runs with the reason, shutdown as a rule. Both run on the child's own stack.
 *
 * An actor that stands for the foreign part is linked in start (cop_spawn_link, cop_link): when it ends, for whatever reason,
 * stop runs with that reason, and the bridge ends with it. So does an exit signal that somebody sends.
 *
 * What people get wrong:
 * - A child that is killed, or that faults, runs no stop. Give it shutdown_ms = COP_SHUTDOWN_INFINITY,
 *   or as long as its stop may take.
 * - What the foreign part does on threads of its own is not watched: have it tell somebody, or link an
 *   actor that asks it.
 * - A helper that is linked, and may end before the bridge, ends the bridge: cop_unlink it first.
 *
 * See also: server.h, supervisor.h.
 */
#ifndef COPPICE_BRIDGE_H
#define COPPICE_BRIDGE_H

#include <coppice/server.h>

COP_BEGIN_DECLS

/*
 * What a bridge's init does with the status of its start: returns for COP_OK, else ends the calling actor as above. For
 * servers of your own that are bridges, in their init.
 */
COP_API void cop_bridge_started(cop_status status);

#ifndef __cplusplus

#define COP_BRIDGE(state, start, stop)                                          \
        static void cop__##state##_cross(state *cop__self)                      \
        {                                                                       \
                cop_trap_exit(true); /* or its end would not run stop */        \
                cop_bridge_started(start(cop__self));                           \
        }                                                                       \
        static void cop__##state##_lost(state *cop__self, const cop_exited *cop__exited) \
        {                                                                       \
                (void)cop__self;                                                \
                cop_exit(cop__exited->reason);                                  \
        }                                                                       \
        COP_SERVER(state, COP_INIT(cop__##state##_cross),                       \
                   COP_ON(cop_exited, cop__##state##_lost), COP_TERMINATE(stop))

#endif

COP_END_DECLS

#endif
