/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * State machines: actors that answer the same message differently from one state to the next.
 *
 *      enum { LOCKED, OPEN };
 *      typedef struct { int64_t opened; } door;
 *
 *      static void door_unlock(door *self, const button *b)
 *      {
 *              cop_next_state(OPEN);
 *              cop_state_timeout(10000, too_long);
 *      }
 *      static void door_lock(door *self, const too_long *t)
 *      {
 *              cop_next_state(LOCKED);
 *      }
 *
 *      COP_MACHINE(door, LOCKED,
 *                  COP_IN(LOCKED, button, door_unlock),
 *                  COP_IN(OPEN, too_long, door_lock));
 *
 * defines `door_machine`, a behaviour like a server's: spawned, named, called, supervised and shut down as
 * one, with the struct as its data. The table reads as the picture of the machine does: in this state, on this
 * event, do that. Everything of actor.h works in a handler: it may reply, defer, call and block.
 *
 * The entries of COP_MACHINE, up to 32. A state is an integer constant with a name.
 *      COP_IN(state, kind, function)     void function(door *, const kind *): that event in that state
 *      COP_IN_ANY(kind, function)        the same in the states that have no COP_IN for it
 *      COP_ENTER(state, function)        void function(door *, int64_t before): the state has been entered
 *      COP_ENTER_ANY(function)           the same for the states that have no COP_ENTER
 *      COP_INIT, COP_INIT_WITH, COP_OTHERWISE, COP_TERMINATE, COP_STATE, COP_FORMAT_STATUS, COP_UPGRADE      as in
 *              server.h; what COP_STATE shows is the struct, and what cop_upgrade() takes over: the state stays what it is
 *
 * The order of events. What comes next after a handler:
 *      1 the enter function of the new state, if the state has changed
 *      2 inserted events, in the order of insertion
 *      3 postponed events, if the state has changed: the oldest first
 *      4 time-outs of 0 ms, in the order in which they were started
 *      5 messages from outside
 *
 * What people get wrong:
 * - cop_next_state() takes effect when the handler has returned. To the same state it is no change: no
 *   enter function runs and postponed events stay. After cop_repeat_state() the enter function runs, and they stay.
 * - A state time-out ends when the state changes, an event time-out when any event comes, a named one never by itself.
 * - The first state is entered as the last part of init: an exit there is a start that failed.
 * - A time-out is an event of the kind that it was started with, handled as if somebody had sent it.
 *
 * The operations below act on the event at hand and work in a machine's handlers only: elsewhere, in its COP_TERMINATE, too, and
 * where an enter function must not use them, they end the actor with {badarg, {Function, Why}}. cop_state() and
 * cop_cancel_timeout() work in a COP_TERMINATE as well.
 *
 * See also: server.h, timer.h.
 */
#ifndef COPPICE_MACHINE_H
#define COPPICE_MACHINE_H

#include <coppice/server.h>

COP_BEGIN_DECLS

typedef enum cop_machine_event {
        COP_MACHINE_IN = 1,
        COP_MACHINE_IN_ANY,
        COP_MACHINE_ENTER,
        COP_MACHINE_ENTER_ANY,
        COP_MACHINE_OTHERWISE,
} cop_machine_event;

/* One entry of a machine's table. Made by COP_MACHINE, which checks the types. */
typedef struct cop_machine_entry {
        uint32_t event; /* a cop_machine_event: which of `run` is set */
        int64_t state;
        const cop_kind *kind;
        union {
                void (*message)(void *self, const void *body);
                void (*enter)(void *self, int64_t before);
                void (*otherwise)(void *self, cop_message *message);
        } run;
} cop_machine_entry;

typedef struct cop_machine {
        const char *name;
        int64_t first; /* the state it starts in */
        const cop_machine_entry *entries;
        size_t entry_count;
} cop_machine;

/* ---- States ------------------------------------------------------------------------ */

/* The current state. In a handler that has called cop_next_state() still the old one. */
COP_API int64_t cop_state(void);

/* The state after this event; in init the first one. Not in an enter function. */
COP_API void cop_next_state(int64_t state);

/*
 * Runs the enter function of the current state again. It is no change: postponed events stay, and the state time-out goes on.
 * Not in an enter function.
 */
COP_API void cop_repeat_state(void);

/* ---- Events -------------------------------------------------------------------------- */

/*
 * Keeps the event at hand until the state changes. A call that is postponed goes on waiting, and is answered by
 * whichever handler takes it then; if its caller has given up by that time it is a dead letter (docs/calls.md).
 * Not in an enter function.
 */
COP_API void cop_postpone(void);

/*
 * Inserts an event that comes before all that wait. With a caller it is that caller's call: a reply of its handler goes
 * there (cop_defer() first, if the call is the one at hand). Copied. Not in an enter function.
 * Errors: those of cop_send_value for the value.
 */
COP_API cop_status cop_insert_value(cop_caller caller, const cop_kind *kind, const void *value);

/* ---- Time-outs -------------------------------------------------------------------------- */

/* The names of the two time-outs that end by themselves. */
#define COP_STATE_TIMEOUT "(state)"
#define COP_EVENT_TIMEOUT "(event)"

/*
 * Starts a time-out, or starts it anew: in `ms` milliseconds the value comes as an event. COP_FOREVER cancels it.
 * `name` has 1 to COP_NAME_MAX bytes; it and the value are copied. Errors: COP_E_BAD_ARGUMENT (the name), COP_E_NO_MEMORY,
 * COP_E_TOO_BIG (over COP_TIMER_MS_MAX), those of cop_send_value for the value. A negative time ends the actor: {badarg, ...}.
 */
COP_API cop_status cop_timeout_value(const char *name, int64_t ms, const cop_kind *kind,
                                     const void *value);

/*
 * Changes what comes, not when. If it is not running, the value comes at once; so does that of a state time-out whose state the
 * event at hand leaves. Errors: as above.
 */
COP_API cop_status cop_update_timeout_value(const char *name, const cop_kind *kind,
                                            const void *value);

/* True if it was running; what it had is dropped. */
COP_API bool cop_cancel_timeout(const char *name);

/* ---- Other tables ------------------------------------------------------------------------- */

/*
 * Puts another table on top of the machine's: from the next event on it alone says how events are handled, until
 * cop_pop_table(). State, data, time-outs and postponed events stay. The table must be of a machine with the same
 * struct: `&other_table`. Errors: COP_E_LIMIT (16 on top of each other), COP_E_BAD_ARGUMENT.
 */
COP_API cop_status cop_push_table(const cop_machine *table);

/* Takes the last pushed table off. If there is none, the machine ends with {badarg, {pop_table, ...}}. */
COP_API void cop_pop_table(void);

/* ---- What COP_MACHINE calls; not for programs ------------------------------------------------ */

COP_API void cop_machine_begin(const cop_machine *table);
COP_API void cop_machine_enter_first(void);
COP_API void cop_machine_handle(cop_message *message);

#ifndef __cplusplus

/* cop_insert_event(step, .number = 1) */
#define cop_insert_event(type, ...)                                   \
        cop_insert_value((cop_caller){ { 0 }, { 0 } }, COP_KIND_OF(type), \
                         &(type){ __VA_ARGS__ })
#define cop_insert_call(caller, type, ...) \
        cop_insert_value((caller), COP_KIND_OF(type), &(type){ __VA_ARGS__ })

/* cop_state_timeout(10000, too_long); cop_timeout("retry", 500, again, .attempt = 2) */
#define cop_timeout(name, ms, type, ...) \
        cop_timeout_value((name), (ms), COP_KIND_OF(type), &(type){ __VA_ARGS__ })
#define cop_state_timeout(ms, type, ...) cop_timeout(COP_STATE_TIMEOUT, ms, type, __VA_ARGS__)
#define cop_event_timeout(ms, type, ...) cop_timeout(COP_EVENT_TIMEOUT, ms, type, __VA_ARGS__)
#define cop_update_timeout(name, type, ...) \
        cop_update_timeout_value((name), COP_KIND_OF(type), &(type){ __VA_ARGS__ })

#define COP_IN(state, kind, function) (cop__IN, state, kind, function)
#define COP_IN_ANY(kind, function) (cop__IN_ANY, 0, kind, function)
#define COP_ENTER(state, function) (cop__ENTER, state, cop__nothing, function)
#define COP_ENTER_ANY(function) (cop__ENTER_ANY, 0, cop__nothing, function)

/* A machine is a server whose handlers lead to the machine's table, which lies between two steps of its init. */
#define COP_MACHINE(type, first_state, ...)                                                   \
        COP__EACH(COP__MACHINE_THUNK, type, __VA_ARGS__)                                      \
        static const cop_machine_entry cop__##type##_entries[] = {                            \
                COP__EACH(COP__MACHINE_ENTRY, type, __VA_ARGS__) { .event = 0 }               \
        };                                                                                    \
        static const cop_machine type##_table = {                                             \
                .name = #type,                                                                \
                .first = (first_state),                                                       \
                .entries = cop__##type##_entries,                                             \
                .entry_count = sizeof(cop__##type##_entries) / sizeof(cop_machine_entry) - 1, \
        };                                                                                    \
        static void cop__##type##_begin(void *cop__self, const void *cop__argument)           \
        {                                                                                     \
                (void)cop__self;                                                              \
                (void)cop__argument;                                                          \
                cop_machine_begin(&type##_table);                                             \
        }                                                                                     \
        static void cop__##type##_enter_first(void *cop__self, const void *cop__argument)     \
        {                                                                                     \
                (void)cop__self;                                                              \
                (void)cop__argument;                                                          \
                cop_machine_enter_first();                                                    \
        }                                                                                     \
        static void cop__##type##_handle(void *cop__self, cop_message *cop__message)          \
        {                                                                                     \
                (void)cop__self;                                                              \
                cop_machine_handle(cop__message);                                             \
        }                                                                                     \
        static const cop_handler cop__##type##_handlers[] = {                                 \
                { .event = COP_EVENT_INIT, .run.init = cop__##type##_begin },                 \
                COP__EACH(COP__MACHINE_HANDLER, type, __VA_ARGS__)                            \
                { .event = COP_EVENT_INIT, .run.init = cop__##type##_enter_first },           \
                { .event = COP_EVENT_OTHERWISE, .run.otherwise = cop__##type##_handle },      \
        };                                                                                    \
        __attribute__((unused)) static const cop_behaviour type##_machine = {                 \
                .name = #type,                                                                \
                .state_size = sizeof(type),                                                   \
                .handlers = cop__##type##_handlers,                                           \
                .handler_count = sizeof(cop__##type##_handlers) / sizeof(cop_handler),        \
                .machine = &type##_table,                                                     \
        }

/* Entries have three words, as a server's, or four. */
#define COP__MACHINE_THUNK(type, entry) COP__APPLY(COP__MACHINE_THUNK_OF, type, COP__OPEN entry)
#define COP__MACHINE_THUNK_OF(type, tag, ...) COP__MACHINE_THUNK_##tag(type, tag, __VA_ARGS__)
#define COP__MACHINE_THUNK_cop__INIT(type, tag, ...) COP__THUNK_cop__INIT(type, __VA_ARGS__)
#define COP__MACHINE_THUNK_cop__INIT_WITH(type, tag, ...) COP__THUNK_cop__INIT_WITH(type, __VA_ARGS__)
#define COP__MACHINE_THUNK_cop__OTHERWISE(type, tag, ...) COP__THUNK_cop__OTHERWISE(type, __VA_ARGS__)
#define COP__MACHINE_THUNK_cop__TERMINATE(type, tag, ...) COP__THUNK_cop__TERMINATE(type, __VA_ARGS__)
#define COP__MACHINE_THUNK_cop__STATE(type, tag, ...) COP__THUNK_cop__STATE(type, __VA_ARGS__)
#define COP__MACHINE_THUNK_cop__FORMAT(type, tag, ...) COP__THUNK_cop__FORMAT(type, __VA_ARGS__)
#define COP__MACHINE_THUNK_cop__UPGRADE(type, tag, ...) COP__THUNK_cop__UPGRADE(type, __VA_ARGS__)
#define COP__MACHINE_THUNK_cop__IN(type, tag, state, kind, function)                        \
        COP__OF_TYPE(COP_IN, function, void(type *, const kind *)) \
        static void cop__##type##_in_##state##_on_##kind(void *cop__self, const void *cop__body) \
        {                                                                              \
                function((type *)cop__self, (const kind *)cop__body);                  \
        }
#define COP__MACHINE_THUNK_cop__IN_ANY(type, tag, state, kind, function)            \
        COP__OF_TYPE(COP_IN_ANY, function, void(type *, const kind *)) \
        static void cop__##type##_in_any_on_##kind(void *cop__self, const void *cop__body) \
        {                                                                      \
                function((type *)cop__self, (const kind *)cop__body);          \
        }
#define COP__MACHINE_THUNK_cop__ENTER(type, tag, state, kind, function)         \
        COP__OF_TYPE(COP_ENTER, function, void(type *, int64_t)) \
        static void cop__##type##_enter_##state(void *cop__self, int64_t cop__before) \
        {                                                                  \
                function((type *)cop__self, cop__before);                  \
        }
#define COP__MACHINE_THUNK_cop__ENTER_ANY(type, tag, state, kind, function)  \
        COP__OF_TYPE(COP_ENTER_ANY, function, void(type *, int64_t)) \
        static void cop__##type##_enter_any(void *cop__self, int64_t cop__before) \
        {                                                               \
                function((type *)cop__self, cop__before);               \
        }

#define COP__MACHINE_ENTRY(type, entry) COP__APPLY(COP__MACHINE_ENTRY_OF, type, COP__OPEN entry)
#define COP__MACHINE_ENTRY_OF(type, tag, ...) COP__MACHINE_ENTRY_##tag(type, __VA_ARGS__)
#define COP__MACHINE_ENTRY_cop__INIT(type, ...)
#define COP__MACHINE_ENTRY_cop__INIT_WITH(type, ...)
#define COP__MACHINE_ENTRY_cop__TERMINATE(type, ...)
#define COP__MACHINE_ENTRY_cop__STATE(type, ...)
#define COP__MACHINE_ENTRY_cop__FORMAT(type, ...)
#define COP__MACHINE_ENTRY_cop__UPGRADE(type, ...)
#define COP__MACHINE_ENTRY_cop__OTHERWISE(type, ...) \
        { .event = COP_MACHINE_OTHERWISE, .run.otherwise = cop__##type##_otherwise },
#define COP__MACHINE_ENTRY_cop__IN(type, of, type_of, function)                            \
        { .event = COP_MACHINE_IN, .state = (of), .kind = COP_KIND_OF(type_of),       \
          .run.message = cop__##type##_in_##of##_on_##type_of },
#define COP__MACHINE_ENTRY_cop__IN_ANY(type, of, type_of, function)                        \
        { .event = COP_MACHINE_IN_ANY, .kind = COP_KIND_OF(type_of),                  \
          .run.message = cop__##type##_in_any_on_##type_of },
#define COP__MACHINE_ENTRY_cop__ENTER(type, of, type_of, function) \
        { .event = COP_MACHINE_ENTER, .state = (of), .run.enter = cop__##type##_enter_##of },
#define COP__MACHINE_ENTRY_cop__ENTER_ANY(type, of, type_of, function) \
        { .event = COP_MACHINE_ENTER_ANY, .run.enter = cop__##type##_enter_any },

#define COP__MACHINE_HANDLER(type, entry) \
        COP__APPLY(COP__MACHINE_HANDLER_OF, type, COP__OPEN entry)
#define COP__MACHINE_HANDLER_OF(type, tag, ...) COP__MACHINE_HANDLER_##tag(type, __VA_ARGS__)
#define COP__MACHINE_HANDLER_cop__INIT(type, kind, function) COP__ENTRY_cop__INIT(type, kind),
#define COP__MACHINE_HANDLER_cop__INIT_WITH(type, kind, function) COP__ENTRY_cop__INIT_WITH(type, kind),
#define COP__MACHINE_HANDLER_cop__TERMINATE(type, kind, function) COP__ENTRY_cop__TERMINATE(type, kind),
#define COP__MACHINE_HANDLER_cop__STATE(type, kind, function) COP__ENTRY_cop__STATE(type, kind),
#define COP__MACHINE_HANDLER_cop__FORMAT(type, kind, function) COP__ENTRY_cop__FORMAT(type, kind),
#define COP__MACHINE_HANDLER_cop__UPGRADE(type, kind, function) COP__ENTRY_cop__UPGRADE(type, kind),
#define COP__MACHINE_HANDLER_cop__OTHERWISE(type, ...)
#define COP__MACHINE_HANDLER_cop__IN(type, ...)
#define COP__MACHINE_HANDLER_cop__IN_ANY(type, ...)
#define COP__MACHINE_HANDLER_cop__ENTER(type, ...)
#define COP__MACHINE_HANDLER_cop__ENTER_ANY(type, ...)

#else

#define COP_MACHINE(...) COP__DECLARED_IN_C(COP_MACHINE, "put the machine into a C file")

#endif

COP_END_DECLS

#endif
