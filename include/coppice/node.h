/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A node: one runtime, with its workers, actors, names and timers.
 *
 * Nothing is global: start as many nodes in a process as you like. A program whose
 * main is yours starts a node, enters it, and uses everything in actor.h from its own
 * threads; a program that is a supervision tree and nothing else calls cop_main().
 *
 *      cop_node *node;
 *      if (cop_node_start(&(cop_node_options){ .name = "demo" }, &node) != COP_OK)
 *              return 1;
 *      cop_node_enter(node);
 *      cop_pid greeter = cop_spawn(greet);
 *      ...
 *      cop_node_leave();
 *      cop_node_stop(node);
 *
 * See also: actor.h, main.h.
 */
#ifndef COPPICE_NODE_H
#define COPPICE_NODE_H

#include <coppice/message.h>
#include <coppice/simulation.h>

COP_BEGIN_DECLS

typedef struct cop_node cop_node;

/* How much a line of the log matters. */
typedef enum cop_log_level {
        COP_LOG_ERROR = 0, /* something was lost or ended that should not have */
        COP_LOG_WARNING,
        COP_LOG_INFO, /* what an operator wants to read in peace */
        COP_LOG_DEBUG,
} cop_log_level;

/*
 * Takes one entry of the log: `text` has no final newline, may hold several lines, and is
 * borrowed until the call returns. Called on any thread, also on several at once, and in the middle of an actor's
 * death: it must not use the node (no send, no receive, no cop_log).
 */
typedef void cop_log_fn(void *context, cop_log_level level, const char *text);

/* What a node is started with. Zero stands for each default. */
typedef struct cop_node_options {
        const char *name;       /* "coppice"; letters, digits, '_', '-' and '.', at most 63; copied */
        unsigned workers;       /* threads that run actors; at most 64. By default one for each processor that the process may
                                   use, by its affinity and the quota of its control group (cgroup v2), and at most 60 */
        uint32_t max_actors;    /* alive at once: 1,048,576; at most 16,711,679 */
        size_t stack_size;      /* bytes that any of its actors may use on its stack: 256 KiB; from 16 KiB to 1 GiB. What is not touched
                                   costs address space; docs/decisions/stack_size.md */
        bool processes;         /* there will be actors with COP_ISOLATION_PROCESS: what forks their processes is
                                   forked now, before the node has threads; else when the first one is spawned */
        unsigned max_processes; /* of such actors at once, by all of the node and of their processes: 1,024; docs/processes.md */
        unsigned slice_ms;      /* an actor that computes for longer is interrupted if others wait: 4; at most 1,000; preempt.h */
        bool no_preempt;        /* nobody is ever interrupted */
        unsigned spare_workers; /* that go on while workers are stuck: 16; with `workers` at most 64 together, so by default
                                   4 beside 60 workers, and none beside 64; docs/preemption.md */
        bool no_spare_workers;  /* none: an actor that blocks its worker holds up what waits there */
        unsigned blocking_threads; /* for cop_blocking, at once: 64; at most 4,096; blocking.h */
        unsigned long_turn_ms;  /* an actor that is at one message for longer is reported in the log: 1,000; UINT_MAX: as good as never */
        cop_log_fn *log;        /* where the log goes: standard error, INFO and above */
        void *log_context;      /* handed to `log` */
        size_t memory_limit;    /* bytes of messages, states and cop_alloc; 0: none, else at least 4 MiB; overload.h */
        const char *dump;       /* a file to be written when a fault ends the program; "": none; copied */
        const char *secret_fields; /* "password, pin": what is in fields of these names is never printed; copied */
        int fault_exit_code;    /* of the program when a fault ends it: 1 to 255; 0: it dies by the fault's signal; main.h */
        bool contain_strict;    /* whoever is guarded is so as with COP_ISOLATION_STRICT; actor.h */
        const cop_simulation *simulation; /* NULL: a real node; see simulation.h. Copied */
} cop_node_options;

/*
 * Starts a node with the message kinds of the calling program. `options` may be NULL and is copied.
 * Dump: without the option it is the file that COPPICE_DUMP in the environment names, and without that none; `coppice dump FILE` prints it.
 * The file is new each time, of mode 0600; a link that lies in its place is replaced and not followed.
 * Fault exit code: who waits for the program sees that code and no signal; if core dumps are on, a copy of the process dies by the signal, so that
 * there is one, of that other process id, with all threads. It is the process's: of several nodes the one last started that says one counts.
 * `kill -9`, and a stack overflow on a thread that is no worker, end the program by the signal all the same.
 * Secret fields: messages and states are printed as #login{name = "ann", password = ...} wherever the node prints one: crash reports, exit
 * reasons in them, the watchdog, dead letters, dumps, the shell, cop_term_print with the node's kinds. What cop_log is handed is printed as it is.
 * Ownership: the caller owns *node and ends it with cop_node_stop().
 * Threads: any. Errors: COP_E_BAD_ARGUMENT (also where this thread has a simulated node), COP_E_NO_MEMORY, COP_E_SYSTEM (no
 * thread could be made), COP_E_TOO_BIG (the path of the dump).
 */
COP_API cop_status cop_node_start_with(const cop_node_options *options,
                                       const cop_kind *const *kinds_first,
                                       const cop_kind *const *kinds_last, cop_node **node);
static inline cop_status cop_node_start(const cop_node_options *options, cop_node **node)
{
        return cop_node_start_with(options, COP__KINDS_FIRST, COP__KINDS_LAST, node);
}

/*
 * Ends a node: kills what still lives (a supervision tree should have been stopped before),
 * stops the workers and frees everything. All visiting threads must have left, but for the one that calls this, which leaves now. NULL: nothing.
 * Threads: any but an actor's of this node, or of one that is simulated with it, which ends with {badarg, ...}.
 */
COP_API void cop_node_stop(cop_node *node);

/*
 * Makes the calling thread a visitor of the node: an actor with a pid and a mailbox of its own,
 * whose blocking calls block the thread. From here on everything in actor.h works on this thread.
 * A thread visits one node at a time; of nodes that are simulated together it may enter another one, and is back in the first when it
 * leaves that.
 * Errors: COP_E_BAD_ARGUMENT (the thread is inside another node, or inside this one, or the node is simulated by another thread),
 * COP_E_LIMIT, COP_E_NO_MEMORY.
 */
COP_API cop_status cop_node_enter(cop_node *node);

/*
 * Ends the visit as an actor ends: links and monitors hear the reason normal. Without a visit: nothing. A thread that ends
 * inside a node leaves it so, unless there is no memory, or no pthread key, to be told of its end. The main thread does not end
 * by returning from main().
 */
COP_API void cop_node_leave(void);

/*
 * Waits until the node has come to rest: no actor runs or could, no message is on its way to one, no timer and no
 * time-out is armed. From then on nothing happens unless a thread of the program or the outside world begins it: so a system that
 * finishes by itself is known to have finished, and a test may look at what has become of it.
 * Threads of the program are not counted, neither this one nor others that visit. A time-out counts until its time has come, also one of a
 * call that was answered before.
 * Errors: COP_E_TIMEOUT, COP_E_BAD_ARGUMENT (a negative time-out, or an actor asks, which would wait for itself).
 * Threads: any but an actor's.
 */
COP_API cop_status cop_node_await_quiet(cop_node *node, int64_t timeout_ms);

/* The node that this actor or visiting thread belongs to; NULL elsewhere. */
COP_API cop_node *cop_node_here(void);

/* Borrowed until the node stops. Threads: any. */
COP_API const char *cop_node_name(const cop_node *node);
COP_API const cop_kinds *cop_node_kinds(const cop_node *node);

/*
 * Writes an entry to the log of the node that the calling thread is in, or to standard error.
 * At most 8,191 bytes; a longer one ends in "...", perhaps behind a part of a character.
 */
COP_API void cop_log(cop_log_level level, const char *format, ...) COP_PRINTF(2, 3);

COP_END_DECLS

#endif
