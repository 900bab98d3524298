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
 * at a time. A message that no handler is for is logged and dropped, and a call gets COP_E_NO_REPLY
 * with the atom no_handler as cop_failure().
 * A server that has nothing to do keeps its state and no stack.
 *
 * The entries of COP_SERVER, up to 32, in any order; the compiler checks each function's type:
 *
 *      COP_ON(kind, function)             void function(state *, const kind *)
 *      COP_OTHERWISE(function)            void function(state *, cop_message *)
 *              what no handler is for; borrowed
 *      COP_INIT(function)                 void function(state *)
 *      COP_INIT_WITH(kind, function)      void function(state *, const kind *)
 *              before any message, with the argument it was spawned with; cop_exit() in it is a failed start
 *      COP_CONTINUE(function)             void function(state *)
 *      COP_CONTINUE_WITH(kind, function)  void function(state *, const kind *)
 *              what cop_continue() asked for: before the next message
 *      COP_IDLE(function)                 void function(state *)
 *              no message has come for as long as cop_idle_after() said
 *      COP_TERMINATE(function)            void function(state *, cop_term reason)
 *              last: after cop_exit() in a callback, on cop_stop(), or when an actor that traps exits is told to stop by
 *              an exit signal of its parent, which is who spawned it with a link. Not after a fault, since the state may
 *              be broken; not when an exit signal ends one that does not trap exits, which has no moment to run it. If it
 *              exits itself, that reason is the one
 *      COP_STATE(kind)                    the state's own type, which is a message kind, too
 *              crash reports, sys.h and the shell then show the state
 *      COP_FORMAT_STATUS(function)        void function(const state *, state *shown)
 *              what they show of it: `shown` is a copy to blank or shorten. It must not send or wait; an exit or a fault
 *              in it is noted in the report, and harms nobody
 *      COP_UPGRADE(kind, function)        bool function(state *, const kind *old)
 *              makes this server's state, zeroed, of another's: see cop_upgrade()
 *
 * What ends without a crash report: normal, shutdown, {shutdown, _}, and whatever came from outside: an exit
 * signal, also one that comes during a terminate, and cop_stop(), whatever the reason; and an event handler's remove_handler.
 *
 * See also: actor.h, sys.h, supervisor.h.
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
        COP_EVENT_CONTINUE,
        COP_EVENT_IDLE,
        COP_EVENT_STATE,
        COP_EVENT_FORMAT,
        COP_EVENT_UPGRADE,
} cop_event;

/* One entry of a server's table. Made by COP_SERVER, which checks the types. */
typedef struct cop_handler {
        uint32_t event;       /* a cop_event: which of `run` is set; of COP_EVENT_STATE none */
        const cop_kind *kind; /* of the message, the argument or the state; NULL: it takes none */
        union {
                void (*message)(void *state, const void *body); /* and continuations */
                void (*init)(void *state, const void *argument);
                void (*otherwise)(void *state, cop_message *message);
                void (*terminate)(void *state, cop_term reason);
                void (*idle)(void *state);
                void (*format)(const void *state, void *shown);
                bool (*upgrade)(void *state, const void *old);
        } run;
} cop_handler;

struct cop_machine; /* machine.h */

typedef struct cop_behaviour {
        const char *name; /* of the state's type: what reports call an actor without name and label */
        size_t state_size;
        const cop_handler *handlers;
        size_t handler_count;
        const struct cop_machine *machine; /* made by COP_MACHINE: its table of states; NULL: a plain server */
} cop_behaviour;

/*
 * Starts a server. `name` may be NULL. Returns the pid; on failure the calling actor exits as with cop_spawn_or_exit().
 * To wait until its init has ended, and hear whether it went well: cop_start() in actor.h.
 */
static inline cop_pid cop_spawn_server(const cop_behaviour *server, const char *name)
{
        cop_spawn_options options;
        memset(&options, 0, sizeof(options));
        options.server = server;
        options.name = name;
        return cop_spawn_or_exit(&options);
}

/* ---- In a server's own functions ------------------------------------------------- */

/*
 * Asks for COP_CONTINUE, or COP_CONTINUE_WITH of that kind, as soon as the callback that runs has returned, before any
 * message, those that are here already included: for the long part of an init, which its starter need not wait for.
 * Several run in the order asked for; one may ask for the next. Ends the actor with {badarg, ...} where there is no such
 * entry, and with {system_limit, continue} without memory.
 */
COP_API void cop_continue_value(const cop_kind *kind, const void *value);
static inline void cop_continue(void)
{
        cop_continue_value(NULL, NULL);
}

/*
 * From now on COP_IDLE comes whenever no message has come for `ms` milliseconds: once, and again only after another message
 * and another `ms`, or another cop_idle_after(). 0: as soon as no message waits. COP_FOREVER: no more. It stays until changed:
 * there is nothing to repeat in each handler. The time begins when the last callback has returned and nothing waits; a
 * continuation counts as a message, what sys.h asks for does not.
 * Ends the actor with {badarg, ...} for a negative time and where there is no COP_IDLE.
 */
COP_API void cop_idle_after(int64_t ms);

/* ---- From outside ---------------------------------------------------------------- */

/*
 * Stops a server and waits until it has ended: its terminate has run with `reason`, its name is free. It stops between two
 * callbacks, after the messages that came before, and what has come since is dropped; while suspended (sys.h) at once.
 * Errors: COP_E_DIED (it ended with another reason, cop_failure()), COP_E_NO_ACTOR (also of one that was dying, when what it owned
 * has ended), COP_E_NO_NAME, COP_E_TIMEOUT (it
 * will stop as soon as it can), COP_E_BAD_ARGUMENT (a plain actor, a thread of the program, the caller itself),
 * COP_E_CYCLE (it waits for the caller, directly or through others, and stops as soon as it can, too), COP_E_NO_MEMORY,
 * COP_E_NO_NODE. A caller that is linked to it hears of its end as of any.
 */
COP_API cop_status cop_stop_address(cop_address to, cop_term reason, int64_t timeout_ms);

/*
 * Lets a server go on as another: same pid, name, links and mailbox, other functions, from the next callback on. The
 * state is what the new one's COP_UPGRADE for the old state's kind makes of it; if both have the same COP_STATE none is
 * needed. For plug-ins, and for tests: `server` must stay in memory.
 * A state machine becomes another machine: its state, time-outs, and postponed events stay, and no enter function runs.
 * Errors: COP_E_BAD_ARGUMENT (also: there is no COP_UPGRADE from this state, it returned false, or it
 * exited or faulted; only one of the two is a state machine, or a table was pushed on it; its state is beyond the actor's
 * memory_limit), and those of cop_stop.
 * Whatever the error, the server goes on as it was. A COP_UPGRADE may ask for what the new server has: cop_continue() and
 * cop_idle_after(), which take effect with it, and not if it fails.
 */
COP_API cop_status cop_upgrade_address(cop_address to, const cop_behaviour *server,
                                       int64_t timeout_ms);

#ifndef __cplusplus
/* cop_continue_with(page, .number = 2) */
#define cop_continue_with(type, ...) cop_continue_value(COP_KIND_OF(type), &(type){ __VA_ARGS__ })
/* cop_stop("till", cop_atom("normal"), 5000) */
#define cop_stop(to, reason, timeout_ms) cop_stop_address(COP_TO(to), (reason), (timeout_ms))
#define cop_upgrade(to, server, timeout_ms) cop_upgrade_address(COP_TO(to), (server), (timeout_ms))

#include <coppice/server_macros.h>

#define COP_ON(kind, function) (cop__MESSAGE, kind, function)
#define COP_OTHERWISE(function) (cop__OTHERWISE, cop__nothing, function)
#define COP_INIT(function) (cop__INIT, cop__nothing, function)
#define COP_INIT_WITH(kind, function) (cop__INIT_WITH, kind, function)
#define COP_CONTINUE(function) (cop__CONTINUE, cop__nothing, function)
#define COP_CONTINUE_WITH(kind, function) (cop__CONTINUE_WITH, kind, function)
#define COP_IDLE(function) (cop__IDLE, cop__nothing, function)
#define COP_TERMINATE(function) (cop__TERMINATE, cop__nothing, function)
#define COP_STATE(kind) (cop__STATE, kind, cop__nothing)
#define COP_FORMAT_STATUS(function) (cop__FORMAT, cop__nothing, function)
#define COP_UPGRADE(kind, function) (cop__UPGRADE, kind, function)

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

#else

#define COP_SERVER(...) COP__DECLARED_IN_C(COP_SERVER, "put the server into a C file")

#endif

COP_END_DECLS

#endif
