/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Looking at actors, labelling them, and giving a waiting one's stack back.
 *
 *      cop_process process;
 *      if (cop_process_info(cop_whereis("till"), &process) == COP_OK && process.unread > 1000)
 *              cop_log(COP_LOG_WARNING, "the till is %u messages behind", process.unread);
 *
 * cop_process_info looks from outside, in constant time, and asks nobody: it answers about an actor that is busy, stuck
 * in a loop, or has a million messages. What only the actor itself knows, who it is linked to, cop_process_ask asks it for.
 *
 * What people get wrong:
 * - What you read was true a moment ago. The actor goes on, and may have ended.
 * - Do not look at an actor to find out when it is idle or done: let it send a message, or monitor it.
 *
 * See also: priority.h, actor.h.
 */
#ifndef COPPICE_PROCESS_H
#define COPPICE_PROCESS_H

#include <coppice/actor.h>

COP_BEGIN_DECLS

/* ---- Looking ------------------------------------------------------------------- */

typedef enum cop_process_status {
        COP_PROCESS_WAITING = 1, /* for a message */
        COP_PROCESS_RUNNING,     /* on a worker, or ready and waiting for one */
        COP_PROCESS_HIBERNATING, /* for a message, without a stack: cop_hibernate */
        COP_PROCESS_VISITING,    /* a thread of the program: what it does is not known */
} cop_process_status;

typedef struct cop_process {
        /* Never changes. */
        cop_pid pid;
        cop_pid parent;
        const char *server;            /* the name of its behaviour; NULL: a plain actor */
        cop_isolation isolation;
        int64_t os_pid;                /* of its own OS process, if the isolation is COP_ISOLATION_PROCESS; 0: none yet */

        /* Right, unless it is being changed this very moment. */
        char name[COP_NAME_MAX + 1];   /* registered; may be empty */
        char label[COP_LABEL_MAX + 1]; /* may be empty */
        cop_priority priority;
        bool trap_exit;

        /* Advice: each by itself was nearly right, and they need not fit each other. */
        cop_process_status status;
        uint32_t unread;               /* messages that wait to be received, and signals not yet acted upon */
        uint32_t mailbox_high, mailbox_low; /* its marks; 0: none; watermark.h */
        bool mailbox_over;             /* the high one was reached, and the low one has not been since */
        uint32_t relations;            /* links, monitors, and monitors of it by others */
        uint64_t handled;              /* messages since its birth */
        uint64_t memory;               /* bytes: its slot, its state, cop_alloc, and stack_bytes */
        uint64_t stack_bytes;          /* of the stack that it is blocked on; 0: it holds none */
        const char *handling;          /* the kind of the message that its handler is at; NULL: unknown, or none */
        const void *where;             /* code: the handler that it is in, was in last, or where it waits */
} cop_process;

/*
 * What can be seen of an actor of this node without asking it.
 * Cost: constant. Errors: COP_E_NO_NODE, COP_E_BAD_ARGUMENT (nobody), COP_E_NO_ACTOR.
 */
COP_API cop_status cop_process_info(cop_pid pid, cop_process *process);

/*
 * The name of the function that process->where lies in, "till_on_bill", or "-". Copied into `text`, cut to `size` bytes.
 * Cost: reads the program's symbols the first time, which may take milliseconds. Returns `text`.
 */
COP_API const char *cop_process_where(const cop_process *process, char *text, size_t size);

/*
 * The pids of the actors that are alive, visitors too, in no order; those beyond `room` are left out.
 * Returns: how many there are, which may be more than `room`. Cost: linear in the most actors there ever were at once.
 */
COP_API size_t cop_processes(cop_pid *pids, size_t room);

/*
 * Asks an actor for a map of all that it knows of itself: name, label, parent, server, messages, handled, memory, owned (as
 * cop_owned counts), trap_exit, priority, links, monitors, monitored_by. It answers at its next safe point, also if it never
 * receives: when it waits, yields, is interrupted, its handler ends, or its turn is spent, with 512 things that it has sent,
 * linked, monitored, set or cancelled a timer for, or registered. Who does none of this does not answer, nor does a visitor
 * that does not receive.
 * Ownership: the caller owns *info and ends it with cop_term_free().
 * Errors: COP_E_NO_NODE, COP_E_TIMEOUT, COP_E_NO_ACTOR, COP_E_DIED, COP_E_NO_MEMORY; a negative time-out ends the caller.
 */
COP_API cop_status cop_process_ask(cop_pid pid, int64_t timeout_ms, cop_term *info);

/* ---- Labels -------------------------------------------------------------------- */

/*
 * Says what the calling actor is: for the console, for crash reports of actors without a name. Nobody finds it by that,
 * any number may have the same, and it may change at any time. At most COP_LABEL_MAX bytes are kept; a term is kept as
 * its text. NULL or "" takes it away. Errors: COP_E_NO_NODE, COP_E_NO_MEMORY; then the one before stays.
 */
COP_API cop_status cop_set_label(const char *label);
COP_API cop_status cop_set_label_term(cop_term label);

/* ---- Hibernation ---------------------------------------------------------------- */

/*
 * For a plain actor that will wait for long: gives its stack back, and goes on in `next` when there is a message, which is
 * still to be received. At once, if there is one already. Exit signals, links and questions do not wake it but are obeyed.
 * When `next` returns, the actor ends, as if it were the function that it was spawned with.
 *
 *      static void waits_for_years(letters *self)
 *      {
 *              cop_auto message = cop_receive(0, COP_ANY);
 *              ...
 *              cop_hibernate(waits_for_years, self);
 *      }
 *
 * What is kept: cop_alloc memory, the argument that it was spawned with, links, monitors, name, and messages in its hands.
 * What is lost: every variable on the stack. So `state` must not lie there, and cop_auto does not run: free first.
 * A server needs none of this, for it holds no stack while it is idle; there, and on a visitor, it is a {badarg, ...}.
 */
COP_API COP_NORETURN void cop_hibernate_in(void (*next)(void *state), void *state);

#ifndef __cplusplus
/* cop_hibernate(waits_for_years, self): checks that `next` takes what `self` points to. */
#define cop_hibernate(next, state)                                                        \
        cop_hibernate_in((void (*)(void *))(void (*)(void))_Generic(                      \
                                 (next), void (*)(__typeof__(*(state)) *): (next)), (state))
#endif

COP_END_DECLS

#endif
