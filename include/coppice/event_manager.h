/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Event managers: one actor that events are sent to, and any number of handlers that each hears all of them.
 *
 *      cop_spawn_server(&cop_event_manager, "alarms");
 *      cop_add_handler("alarms", .id = "log", .server = &logger_server);
 *      cop_notify("alarms", fire, .floor = 3);
 *
 * An event is a message of any kind, but for cop_exited, cop_down and cop_started, which are the manager's own. A handler is a
 * server (server.h) with COP_ON for the kinds it wants to hear; it lives in an actor of its own, linked to the manager. So one
 * that crashes, even by a real fault, fails alone: it is removed, and the others go on. cop_event_manager is a behaviour like
 * any other and may be a supervisor's child.
 *
 * Order: a manager handles one event at a time. Handlers hear it one after the other, those added last first, and
 * each has finished with it before the next one begins; so a handler that hangs holds up its manager. What a
 * handler replies to an event goes nowhere. Each hears it in time of its own, also if who waits for all of them (cop_sync_notify)
 * gives up.
 *
 * Who adds a handler as `supervised` is told when that ends (cop_handler_gone), and is linked to the manager as long as it has
 * one there: a manager that is killed, or faults, can tell nobody of its handlers, and ends whoever does not trap exits. When it
 * ends in order, that link is undone first, and every owner is told.
 *
 * How a handler ends: by cop_exit(cop_atom("remove_handler")), which is no failure; by any other exit or crash; when it is
 * deleted; when whoever added it as `supervised` ends, with {stop, Reason}; or with its manager.
 * Its COP_TERMINATE runs as a server's does. An exit signal that it sends to its manager is no end: a manager passes over those.
 *
 * See also: server.h, supervisor.h.
 */
#ifndef COPPICE_EVENT_MANAGER_H
#define COPPICE_EVENT_MANAGER_H

#include <coppice/server.h>

COP_BEGIN_DECLS

/* The behaviour of a manager. */
COP_API extern const cop_behaviour cop_event_manager;

typedef struct cop_handler_options {
        const char *id;              /* unique in its manager, at most COP_NAME_MAX bytes; copied */
        const cop_behaviour *server; /* may be the same for several handlers */
        const cop_kind *kind;        /* of `argument`, for its init; NULL: none */
        const void *argument;        /* copied */
        int64_t start_ms;            /* how long its init may take: 5,000 */
        bool supervised;             /* the caller is told when it ends, it ends with the caller, and a link ties the two: see above */
} cop_handler_options;

/* A supervised handler has ended: with normal when it was deleted or removed itself, shutdown when its manager ended,
 * {swapped, Id} when another has taken its place; with its reason when it has crashed, if only just before any of that. */
typedef struct cop_handler_gone {
        cop_symbol id;
        cop_pid manager;
        cop_term reason;
} cop_handler_gone;
COP_MESSAGE_DECLARE(cop_handler_gone);

/* Comes to a handler that is being deleted, if it has a COP_ON for it: its reply is the deleter's result. */
typedef struct cop_handler_delete {
        cop_term argument;
} cop_handler_delete;
COP_MESSAGE_DECLARE(cop_handler_delete);

/* Comes to a handler that takes another's place, if it has a COP_ON for it, after its init and before any event. */
typedef struct cop_handler_takes_over {
        cop_symbol from; /* the id of the other one */
        cop_term left;   /* what it had to say: see cop_delete_handler_of; {'EXIT', Reason}: it crashed at that; the atom
                          * error: there was none */
} cop_handler_takes_over;
COP_MESSAGE_DECLARE(cop_handler_takes_over);

/*
 * Starts a handler and waits until its init has ended. Errors: COP_E_TAKEN (the id), COP_E_DIED (its init failed;
 * cop_failure() is the reason), COP_E_TIMEOUT, COP_E_IGNORED, COP_E_BAD_ARGUMENT, COP_E_MALFORMED (the argument, which goes
 * there as a term, cannot be read back from one: a text that is no UTF-8, see docs/messages.md), and those of cop_call: nothing
 * is added.
 */
COP_API cop_status cop_add_handler_to(cop_address manager, const cop_handler_options *options);

/*
 * Ends a handler and waits until it has ended. `result` may be NULL; else it is what the handler replied to
 * cop_handler_delete, as a term (of a cop_any its own), or []; the caller owns it and ends it with cop_term_free.
 * Errors: COP_E_NOT_FOUND, COP_E_DIED (it crashed at its deletion or in its terminate, or had just before; cop_failure() is the
 * reason), COP_E_TIMEOUT (one of them took more than 5,000 ms, so it was killed), and those of cop_call. After COP_E_DIED and
 * COP_E_TIMEOUT it is gone all the same, and its owner hears normal, or what it had crashed of before.
 */
COP_API cop_status cop_delete_handler_of(cop_address manager, const char *id, cop_term argument,
                                         cop_term *result);

/*
 * Puts a new handler in the place of `old`, between two events: the old one ends as if it were deleted, the new one starts, and
 * hears what was left to it (cop_handler_takes_over); its id may be the same. It has the old one's owner unless it is
 * `supervised` by the caller. If there is no old one it is added all the same. Errors: those of cop_add_handler_to, also if it
 * ends before it has heard that; then the old one is gone and nothing has taken its place, but for COP_E_TAKEN,
 * COP_E_BAD_ARGUMENT and what fails before the manager is asked (COP_E_NO_MEMORY, COP_E_OVERLOAD, COP_E_TOO_DEEP, COP_E_NO_NAME,
 * COP_E_FULL, COP_E_NO_NODE).
 */
COP_API cop_status cop_swap_handler_in(cop_address manager, const char *old, cop_term argument,
                                       const cop_handler_options *fresh);

/* Sends an event: cop_send under another name, with its errors. Nobody need be there to hear it. */
COP_API cop_status cop_notify_value(cop_address manager, const cop_kind *kind, const void *value);

/*
 * The same, and waits until every handler has finished with it. Errors: those of cop_call, COP_E_MALFORMED (who answers is no
 * manager), COP_E_NO_MEMORY (also: a handler could not be told for want of it, which the log says, too).
 */
COP_API cop_status cop_sync_notify_value(cop_address manager, int64_t timeout_ms,
                                         const cop_kind *kind, const void *value);

/*
 * Calls one handler, after the events that the caller has sent before. Errors: COP_E_NOT_FOUND, COP_E_NO_REPLY,
 * COP_E_MALFORMED (the message, as with cop_add_handler_to),
 * COP_E_DIED (the handler crashed at it, or just before, and is removed, or the manager ended), those of cop_call.
 */
COP_API cop_status cop_call_handler_value(cop_message **reply, cop_address manager, const char *id,
                                          int64_t timeout_ms, const cop_kind *kind,
                                          const void *value);

/* The ids of the handlers, newest first, as a list of texts that the caller ends with cop_term_free.
 * Errors: COP_E_TIMEOUT, if the manager is at a handler for five seconds, and those of cop_call. */
COP_API cop_status cop_handlers_of(cop_address manager, cop_term *ids);

#ifndef __cplusplus
#define cop_add_handler(manager, ...) \
        cop_add_handler_to(COP_TO(manager), &(cop_handler_options){ __VA_ARGS__ })
/* cop_swap_handler("alarms", "bell", cop_nil(), .id = "siren", .server = &siren_server) */
#define cop_swap_handler(manager, old, argument, ...)          \
        cop_swap_handler_in(COP_TO(manager), (old), (argument), \
                            &(cop_handler_options){ __VA_ARGS__ })
#define cop_delete_handler(manager, id, argument, result) \
        cop_delete_handler_of(COP_TO(manager), (id), (argument), (result))
#define cop_notify(manager, type, ...) \
        cop_notify_value(COP_TO(manager), COP_KIND_OF(type), &(type){ __VA_ARGS__ })
#define cop_sync_notify(manager, timeout_ms, type, ...)                         \
        cop_sync_notify_value(COP_TO(manager), (timeout_ms), COP_KIND_OF(type), \
                              &(type){ __VA_ARGS__ })
#define cop_call_handler(reply, manager, id, timeout_ms, type, ...)                          \
        cop_call_handler_value((reply), COP_TO(manager), (id), (timeout_ms), COP_KIND_OF(type), \
                               &(type){ __VA_ARGS__ })
#define cop_handlers(manager, ids) cop_handlers_of(COP_TO(manager), (ids))
#endif

COP_END_DECLS

#endif
