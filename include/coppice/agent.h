/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Agents: a value that an actor keeps, and functions that are brought to it.
 *
 *      static void deposit(account *a, const amount *m)
 *      {
 *              a->pence += m->pence;
 *              cop_reply(balance, .pence = a->pence);
 *      }
 *
 *      cop_pid pot = cop_agent_new(account, .pence = 100);
 *      cop_agent_update(NULL, pot, 5000, account, deposit, amount, .pence = 50);
 *
 * The value is of a message kind, and only the agent ever touches it: the functions run there, one after the other,
 * in the order in which their callers ask. What one gives to cop_reply() is its caller's result; one that replies nothing gives
 * NULL. cop_agent_get and cop_agent_update differ in what the function may do with the value, which the compiler checks.
 *
 * Texts, arrays and terms in the value may point at anything that lives until the function returns, as in a message to be
 * sent: the agent then makes a copy of it all. A function that exits or faults ends the agent: its caller gets
 * COP_E_DIED, and who is linked to the agent, its parent at least, hears of it.
 *
 * What people get wrong: a function that takes long holds up all who come after it; do the work before, or in a task.
 *
 * Cost: a call; the copy, for values that are not plain. Threads: actors, and threads that have entered a node.
 * See also: server.h for actors with more than one value to keep, samples/tasks.c.
 */
#ifndef COPPICE_AGENT_H
#define COPPICE_AGENT_H

#include <coppice/actor.h>

COP_BEGIN_DECLS

/*
 * Starts an agent that is linked to the caller. `value` is copied. `name` is registered unless it is NULL.
 * Errors: COP_E_BAD_ARGUMENT, and those of cop_start and cop_send_value.
 */
COP_API cop_status cop_agent_start(const char *name, const cop_kind *kind, const void *value,
                                   cop_pid *agent);

/*
 * The same; the calling actor exits with {system_limit, agent} if there is no room for one, and with {badarg, {agent_start, Why}}
 * if the value cannot be sent; a visitor gets nobody.
 */
COP_API cop_pid cop_agent_start_or_exit(const cop_kind *kind, const void *value);

/* A function that is brought to an agent: made by the macros below, which check its types. */
typedef struct cop_agent_function {
        void (*run)(void *value, const void *argument);
        const cop_kind *state;    /* of `value` */
        const cop_kind *kind;     /* of the argument */
        const void *argument;     /* copied */
} cop_agent_function;

/*
 * Runs a function there and waits for its end. *reply is the caller's, who ends it with cop_message_free; NULL: it gave
 * none. `reply` may be NULL. Errors: COP_E_MALFORMED (the agent's value is of another kind, or it is no agent; or the argument,
 * which goes there as a term, cannot be read back from one: a text that is no UTF-8, see docs/messages.md), COP_E_TOO_DEEP (so
 * too), COP_E_BAD_ARGUMENT, those of cop_call: after COP_E_TIMEOUT the function runs on if it had begun, and else never does;
 * with COP_E_NO_MEMORY it has perhaps run, and there was none for its answer; without memory for its copy of the value it has
 * not.
 */
COP_API cop_status cop_agent_run(cop_message **reply, cop_address agent, int64_t timeout_ms,
                                 const cop_agent_function *function);

#ifndef __cplusplus
/* cop_agent_new(account, .pence = 100): a cop_pid */
#define cop_agent_new(type, ...) \
        cop_agent_start_or_exit(COP_KIND_OF(type), &(type){ __VA_ARGS__ })
/* cop_agent_get(&reply, pot, 5000, account, tell, question, .number = 1): `void tell(const account *, const question *)` */
#define cop_agent_get(reply, agent, timeout_ms, value, function, type, ...) \
        COP__AGENT(reply, agent, timeout_ms, value, const value *, function, type, __VA_ARGS__)
/* cop_agent_update(&reply, pot, 5000, account, deposit, amount, .pence = 50): `void deposit(account *, const amount *)` */
#define cop_agent_update(reply, agent, timeout_ms, value, function, type, ...) \
        COP__AGENT(reply, agent, timeout_ms, value, value *, function, type, __VA_ARGS__)
#define COP__AGENT(reply, agent, timeout_ms, value, pointer, function, type, ...)             \
        cop_agent_run((reply), COP_TO(agent), (timeout_ms),                                   \
                      &(cop_agent_function){                                                  \
                              .run = (void (*)(void *, const void *))(void (*)(void))_Generic(\
                                      (function), void (*)(pointer, const type *): (function)), \
                              .state = COP_KIND_OF(value),                                    \
                              .kind = COP_KIND_OF(type),                                      \
                              .argument = &(type){ __VA_ARGS__ } })
#endif

COP_END_DECLS

#endif
