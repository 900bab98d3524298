/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Servers: actors that are a state and one typed handler for each kind of message.
 *
 *      typedef struct { int64_t served; } till;
 *
 *      static void till_on_bill(till *self, const bill *b)
 *      {
 *              cop_reply(share, .pence_each = b->pence / b->people, .number = ++self->served);
 *      }
 *
 *      COP_SERVER(till, COP_ON(bill, till_on_bill));
 *
 * defines `till_server`. The state starts zeroed at each start and restart, and ends with the
 * actor. A handler may block: send, call, receive and sleep all work in it; it runs for one message
 * at a time. A message that no handler is for is logged and dropped, and a call gets COP_E_NO_REPLY.
 *
 * The entries of COP_SERVER, up to 32:
 *      COP_ON(kind, function)         void function(state *, const kind *)
 *      COP_INIT(function)             void function(state *): before any message; cop_exit() in it is a failed start
 *      COP_INIT_WITH(kind, function)  void function(state *, const kind *): the argument it was spawned with
 *      COP_OTHERWISE(function)        void function(state *, cop_message *): what no handler is for; borrowed
 *      COP_TERMINATE(function)        void function(state *, cop_term reason): last, after cop_exit() in a handler, or when
 *                                     an actor that traps exits is told to stop by its parent; never after a fault
 *
 * See also: actor.h, supervisor.h.
 */
#ifndef COPPICE_SERVER_H
#define COPPICE_SERVER_H

#include <coppice/actor.h>

COP_BEGIN_DECLS

typedef enum cop_event {
        COP_EVENT_MESSAGE = 1,
        COP_EVENT_INIT,
        COP_EVENT_OTHERWISE,
        COP_EVENT_TERMINATE,
} cop_event;

/* One entry of a server's table. Made by COP_SERVER, which checks the types. */
typedef struct cop_handler {
        uint32_t event;       /* a cop_event: which of `run` is set */
        const cop_kind *kind; /* of the message, or of init's argument (NULL: it takes none) */
        union {
                void (*message)(void *state, const void *body);
                void (*init)(void *state, const void *argument);
                void (*otherwise)(void *state, cop_message *message);
                void (*terminate)(void *state, cop_term reason);
        } run;
} cop_handler;

typedef struct cop_behaviour {
        const char *name; /* of the state's type: what reports call an actor without name and label */
        size_t state_size;
        const cop_handler *handlers;
        size_t handler_count;
} cop_behaviour;

/*
 * Starts a server. `name` may be NULL. Returns the pid; on failure the calling actor exits with {system_limit, spawn}.
 */
static inline cop_pid cop_spawn_server(const cop_behaviour *server, const char *name)
{
        cop_spawn_options options;
        memset(&options, 0, sizeof(options));
        options.server = server;
        options.name = name;
        return cop_spawn_or_exit(&options);
}

#ifndef __cplusplus

#define COP_ON(kind, function) (MESSAGE, kind, function)
#define COP_INIT(function) (INIT, cop__nothing, function)
#define COP_INIT_WITH(kind, function) (INIT_WITH, kind, function)
#define COP_OTHERWISE(function) (OTHERWISE, cop__nothing, function)
#define COP_TERMINATE(function) (TERMINATE, cop__nothing, function)

#define COP_SERVER(state, ...)                                                        \
        COP__EACH(COP__THUNK, state, __VA_ARGS__)                                     \
        static const cop_handler cop__##state##_handlers[] = { COP__EACH(             \
                COP__ENTRY, state, __VA_ARGS__) };                                    \
        __attribute__((unused)) static const cop_behaviour state##_server = {         \
                .name = #state,                                                       \
                .state_size = sizeof(state),                                          \
                .handlers = cop__##state##_handlers,                                  \
                .handler_count =                                                      \
                        sizeof(cop__##state##_handlers) / sizeof(cop__##state##_handlers[0]), \
        }

/* ---- How COP_SERVER is made: a thunk with the right types for each entry, then the table ---- */

#define COP__OPEN(...) __VA_ARGS__
/* Three of the same: a macro is not expanded again inside its own expansion. */
#define COP__APPLY(macro, ...) macro(__VA_ARGS__)
#define COP__APPLY_EACH(macro, ...) macro(__VA_ARGS__)
#define COP__APPLY_TIMES(macro, ...) macro(__VA_ARGS__)

#define COP__THUNK(state, entry) COP__APPLY(COP__THUNK_OF, state, COP__OPEN entry)
#define COP__THUNK_OF(state, tag, kind, function) COP__THUNK_##tag(state, kind, function)
#define COP__THUNK_MESSAGE(state, kind, function)                            \
        static void cop__##state##_on_##kind(void *self, const void *body)   \
        {                                                                    \
                function((state *)self, (const kind *)body);                 \
        }
#define COP__THUNK_INIT(state, kind, function)                               \
        static void cop__##state##_init(void *self, const void *argument)    \
        {                                                                    \
                (void)argument;                                              \
                function((state *)self);                                     \
        }
#define COP__THUNK_INIT_WITH(state, kind, function)                          \
        static void cop__##state##_init(void *self, const void *argument)    \
        {                                                                    \
                function((state *)self, (const kind *)argument);             \
        }
#define COP__THUNK_OTHERWISE(state, kind, function)                          \
        static void cop__##state##_otherwise(void *self, cop_message *message) \
        {                                                                    \
                function((state *)self, message);                            \
        }
#define COP__THUNK_TERMINATE(state, kind, function)                          \
        static void cop__##state##_terminate(void *self, cop_term reason)    \
        {                                                                    \
                function((state *)self, reason);                             \
        }

#define COP__ENTRY(state, entry) COP__APPLY(COP__ENTRY_OF, state, COP__OPEN entry)
#define COP__ENTRY_OF(state, tag, type, function) COP__ENTRY_##tag(state, type),
#define COP__ENTRY_MESSAGE(state, type)                          \
        { .event = COP_EVENT_MESSAGE, .kind = COP_KIND_OF(type), \
          .run.message = cop__##state##_on_##type }
#define COP__ENTRY_INIT(state, type) \
        { .event = COP_EVENT_INIT, .kind = NULL, .run.init = cop__##state##_init }
#define COP__ENTRY_INIT_WITH(state, type) \
        { .event = COP_EVENT_INIT, .kind = COP_KIND_OF(type), .run.init = cop__##state##_init }
#define COP__ENTRY_OTHERWISE(state, type)             \
        { .event = COP_EVENT_OTHERWISE, .kind = NULL, \
          .run.otherwise = cop__##state##_otherwise }
#define COP__ENTRY_TERMINATE(state, type)             \
        { .event = COP_EVENT_TERMINATE, .kind = NULL, \
          .run.terminate = cop__##state##_terminate }

#define COP__EACH(macro, state, ...) \
        COP__APPLY_EACH(COP__EACH_OF, COP__TIMES(__VA_ARGS__), macro, state, __VA_ARGS__)
#define COP__EACH_OF(times, ...) COP__EACH_N(times, __VA_ARGS__)
#define COP__EACH_N(times, ...) COP__EACH_##times(__VA_ARGS__)
#define COP__TIMES(...) COP__APPLY_TIMES(COP__TIMES_OF, __VA_ARGS__, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, \
                   18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define COP__TIMES_OF(a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21, a22, a23, a24, a25, a26, a27, a28, a29, a30, a31, a32, times, ...) times
#define COP__EACH_1(macro, state, entry) macro(state, entry)
#define COP__EACH_2(macro, state, entry, ...) macro(state, entry) COP__EACH_1(macro, state, __VA_ARGS__)
#define COP__EACH_3(macro, state, entry, ...) macro(state, entry) COP__EACH_2(macro, state, __VA_ARGS__)
#define COP__EACH_4(macro, state, entry, ...) macro(state, entry) COP__EACH_3(macro, state, __VA_ARGS__)
#define COP__EACH_5(macro, state, entry, ...) macro(state, entry) COP__EACH_4(macro, state, __VA_ARGS__)
#define COP__EACH_6(macro, state, entry, ...) macro(state, entry) COP__EACH_5(macro, state, __VA_ARGS__)
#define COP__EACH_7(macro, state, entry, ...) macro(state, entry) COP__EACH_6(macro, state, __VA_ARGS__)
#define COP__EACH_8(macro, state, entry, ...) macro(state, entry) COP__EACH_7(macro, state, __VA_ARGS__)
#define COP__EACH_9(macro, state, entry, ...) macro(state, entry) COP__EACH_8(macro, state, __VA_ARGS__)
#define COP__EACH_10(macro, state, entry, ...) macro(state, entry) COP__EACH_9(macro, state, __VA_ARGS__)
#define COP__EACH_11(macro, state, entry, ...) macro(state, entry) COP__EACH_10(macro, state, __VA_ARGS__)
#define COP__EACH_12(macro, state, entry, ...) macro(state, entry) COP__EACH_11(macro, state, __VA_ARGS__)
#define COP__EACH_13(macro, state, entry, ...) macro(state, entry) COP__EACH_12(macro, state, __VA_ARGS__)
#define COP__EACH_14(macro, state, entry, ...) macro(state, entry) COP__EACH_13(macro, state, __VA_ARGS__)
#define COP__EACH_15(macro, state, entry, ...) macro(state, entry) COP__EACH_14(macro, state, __VA_ARGS__)
#define COP__EACH_16(macro, state, entry, ...) macro(state, entry) COP__EACH_15(macro, state, __VA_ARGS__)
#define COP__EACH_17(macro, state, entry, ...) macro(state, entry) COP__EACH_16(macro, state, __VA_ARGS__)
#define COP__EACH_18(macro, state, entry, ...) macro(state, entry) COP__EACH_17(macro, state, __VA_ARGS__)
#define COP__EACH_19(macro, state, entry, ...) macro(state, entry) COP__EACH_18(macro, state, __VA_ARGS__)
#define COP__EACH_20(macro, state, entry, ...) macro(state, entry) COP__EACH_19(macro, state, __VA_ARGS__)
#define COP__EACH_21(macro, state, entry, ...) macro(state, entry) COP__EACH_20(macro, state, __VA_ARGS__)
#define COP__EACH_22(macro, state, entry, ...) macro(state, entry) COP__EACH_21(macro, state, __VA_ARGS__)
#define COP__EACH_23(macro, state, entry, ...) macro(state, entry) COP__EACH_22(macro, state, __VA_ARGS__)
#define COP__EACH_24(macro, state, entry, ...) macro(state, entry) COP__EACH_23(macro, state, __VA_ARGS__)
#define COP__EACH_25(macro, state, entry, ...) macro(state, entry) COP__EACH_24(macro, state, __VA_ARGS__)
#define COP__EACH_26(macro, state, entry, ...) macro(state, entry) COP__EACH_25(macro, state, __VA_ARGS__)
#define COP__EACH_27(macro, state, entry, ...) macro(state, entry) COP__EACH_26(macro, state, __VA_ARGS__)
#define COP__EACH_28(macro, state, entry, ...) macro(state, entry) COP__EACH_27(macro, state, __VA_ARGS__)
#define COP__EACH_29(macro, state, entry, ...) macro(state, entry) COP__EACH_28(macro, state, __VA_ARGS__)
#define COP__EACH_30(macro, state, entry, ...) macro(state, entry) COP__EACH_29(macro, state, __VA_ARGS__)
#define COP__EACH_31(macro, state, entry, ...) macro(state, entry) COP__EACH_30(macro, state, __VA_ARGS__)
#define COP__EACH_32(macro, state, entry, ...) macro(state, entry) COP__EACH_31(macro, state, __VA_ARGS__)

#endif

COP_END_DECLS

#endif
