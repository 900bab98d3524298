/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Overload: what a node does before its memory is gone.
 *
 * A node that was started with a memory_limit counts what messages, small states and cop_alloc take. At seven eighths of the
 * limit it is *over*, until it is back at three quarters, and while it is over it takes no new work:
 *
 *      cop_spawn_opt, cop_start, ...      COP_E_OVERLOAD; supervisors go on starting children, and answer who waits for one
 *      cop_send, cop_call, ...            COP_E_OVERLOAD, once what the sender's thread has at hand is used up
 *      cop_alloc                          NULL
 *
 * All that ends work goes on: exit signals, links, monitors, timers, cop_continue, a machine's time-outs and inserted events,
 * what an event manager has to tell its handlers, the console; takes from a channel, awaits and the outcomes of futures and
 * tasks, and what is asked with sys.h and of a supervisor, but for new children; futures are resolved, completed and dropped, groups
 * of tasks cancelled, handlers of events listed and deleted, timers cancelled; and receivers that read make room. Between the
 * mark and the limit lies the reserve for that. Beyond the limit no memory is asked of the system: an operation answers
 * COP_E_NO_MEMORY.
 *
 * What people get wrong:
 * - Bytes of 256 and more that messages share (cop_bytes), stacks, states over 4 KiB and what the program takes from malloc are
 * not counted.
 * - A cop_reply may be refused, too; its caller hears COP_E_NO_REPLY. What supervisors and sys.h answer is not.
 * - A refused message is not lost unseen: whoever sends has the status in hand, and cop_memory counts.
 *
 * An actor may ask to be told, to shed load while the node is over:
 *
 *      cop_memory_subscribe();
 *      cop_auto message = cop_receive(COP_FOREVER, COP_KIND(cop_memory_alarm));
 *
 * See also: mailbox.h for limits of one actor, node.h for memory_limit.
 */
#ifndef COPPICE_OVERLOAD_H
#define COPPICE_OVERLOAD_H

#include <coppice/node.h>

COP_BEGIN_DECLS

/* What a subscriber gets: the node is over, or no longer. That it is no longer comes with the death that made room, or the next spawn. */
typedef struct cop_memory_alarm {
        bool over;
        uint64_t used;  /* bytes */
        uint64_t limit;
} cop_memory_alarm;
COP_MESSAGE_DECLARE(cop_memory_alarm);

/*
 * From now on the calling actor is told, until it takes that back or ends; at once if the node is over now. Twice is once.
 * Errors: COP_E_LIMIT (16 are subscribed already), COP_E_NO_MEMORY, COP_E_NO_NODE, COP_E_ISOLATED.
 */
COP_API cop_status cop_memory_subscribe(void);
COP_API void cop_memory_unsubscribe(void);

/* What a node knows of its memory. */
typedef struct cop_memory_use {
        uint64_t used;     /* bytes, by the few KiB that threads draw at a time; 0 without a limit */
        uint64_t limit;    /* 0: none */
        uint64_t refused;  /* spawns, messages and cop_allocs since the node started */
        uint64_t alarms;   /* how often it has been over */
        bool over;
        uint64_t returned; /* bytes that bursts have left, and the system has had back since the node started */
} cop_memory_use;

/* Threads: any. Without a node nothing is written. */
COP_API void cop_memory(cop_node *node, cop_memory_use *use);

COP_END_DECLS

#endif
