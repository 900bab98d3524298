/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What an operation of Coppice can answer.
 *
 * Every function that can fail for a reason outside your program returns a
 * cop_status; results come back through the last parameter and are untouched on
 * failure. A mistake in the calling actor's own code (a negative time-out, say)
 * is no status: it ends that actor with the reason {badarg, ...}.
 */
#ifndef COPPICE_STATUS_H
#define COPPICE_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define COP_API __attribute__((visibility("default")))
#define COP_NORETURN __attribute__((noreturn))
#define COP_PRINTF(format_at, values_at) __attribute__((format(printf, format_at, values_at)))
#else
#define COP_API
#define COP_NORETURN
#define COP_PRINTF(format_at, values_at)
#endif

#ifdef __cplusplus
#define COP_BEGIN_DECLS extern "C" {
#define COP_END_DECLS }
#else
#define COP_BEGIN_DECLS
#define COP_END_DECLS
#endif

COP_BEGIN_DECLS

typedef enum cop_status {
        COP_OK = 0,
        COP_E_BAD_ARGUMENT, /* a value outside the documented range */
        COP_E_NO_MEMORY,    /* the system has no memory left for it */
        COP_E_LIMIT,        /* a limit of the node is reached (actors, names, sessions) */
        COP_E_NO_NODE,      /* this thread has entered no node; see cop_node_enter() */
        COP_E_NO_ACTOR,     /* no live actor has this pid */
        COP_E_NO_NAME,      /* no live actor bears this name */
        COP_E_NAME_TAKEN,   /* another actor bears this name, or this actor bears another */
        COP_E_TIMEOUT,      /* the time given passed first */
        COP_E_DIED,         /* the other actor ended before it answered */
        COP_E_NO_REPLY,     /* the handler ended without an answer and without cop_defer() */
        COP_E_NO_CALLER,    /* there is nobody to reply to */
        COP_E_NO_KIND,      /* no message kind has this name, or another kind is wanted */
        COP_E_MALFORMED,    /* foreign bytes or text that are no term, or no such kind; a term that they cannot say */
        COP_E_TOO_BIG,      /* over a documented size limit */
        COP_E_TOO_DEEP,     /* nested deeper than COP_TERM_DEPTH_MAX */
        COP_E_SYSTEM,       /* a system call failed; errno says how */
        COP_E_STOPPING,     /* the node is on its way down */
        COP_E_IGNORED,      /* it was started, and its init chose not to run */
        COP_E_TAKEN,        /* this key, id or ticket is in use already */
        COP_E_NOT_FOUND,    /* there is no such entry, child, group or member */
        COP_E_FULL,         /* the mailbox or queue has reached its limit */
        COP_E_NOT_OWNER,    /* it belongs to another actor */
        COP_E_NOT_LOCAL,    /* it lives on another node, and only its own may do this */
        COP_E_ALREADY_STARTED, /* this child is there and has a process */
        COP_E_ALREADY_PRESENT, /* this child is there, without a process */
        COP_E_RUNNING,      /* the child has a process, and may not have one for this */
        COP_E_RESTARTING,   /* the child waits for its restart */
        COP_E_MAX_CHILDREN, /* the supervisor has as many children as it may */
        COP_E_DYNAMIC,      /* children of a dynamic supervisor are not known by id, nor kept */
        COP_E_NO_SUPERVISOR, /* it is no supervisor */
        COP_E_NEEDS,        /* something that it needs is not there */
        COP_E_CLOSED,       /* it has been closed, or its owner has ended */
        COP_E_CYCLE,        /* a call that would close a ring of actors waiting for each other */
        COP_E_OVERLOAD,     /* the node is near its memory limit, and takes no new work; overload.h */
        COP_E_ISOLATED,     /* not for an actor in an OS process of its own (COP_ISOLATION_PROCESS) */
        COP_E_NO_DISTRIBUTION, /* this node does not talk to others; distribution.h */
        COP_E_NO_CONNECTION, /* that node cannot be reached, or does not let this one in */
} cop_status;

/*
 * The sentence for a status, without a full stop: "no live actor bears this name".
 * Ownership: static. Threads: any. Errors: an unknown value gives "unknown status".
 */
COP_API const char *cop_status_text(cop_status status);

COP_END_DECLS

#endif
