/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Packets: what crosses between a node and the OS process of one of its actors.
 *
 *      ┌── 32 bytes ────────────────────────────────────────────┐┌── size bytes ───────────────┐
 *      │ size │ type │ signal │ flags │ pid │ ref │ more ││ a message as MessagePack, or none │
 *      └─────────────────────────────────────────────────────────┘└──────────────────────────────┘
 *
 * Both ends are the same program on the same machine, so the head is a plain struct. But what the process sends is foreign:
 * its memory may be corrupted. So sizes are bounded, messages go through the scan of the codec, and kinds are found by their
 * names; nothing in a packet is taken for an address but by the process, from the node.
 */
#ifndef ACTORS_CROSSING_H
#define ACTORS_CROSSING_H

#include <coppice/actor.h>

#include "base/limits.h"
#include "mailbox/kind.h"
#include "mailbox/signal.h"
#include "mailbox/term.h"

enum cop__crossing_type {
        COP__PACKET_SIGNAL = 1, /* either way: a message, a reply, a failure, an exit signal; pid: to or from */
        COP__PACKET_BEGIN,      /* to the process, first: a cop__order; pid: who it is, more: its parent */
        COP__PACKET_ANSWER,     /* to the process: a cop__told, to the one question it has asked */
        COP__PACKET_DEFERRED,   /* to the process: the answer to its call `ref` has been deferred */
        COP__PACKET_STARTED,    /* from the process: its init has ended well; a cop_any: what to tell */
        COP__PACKET_ENDED,      /* from the process, last: a cop__obituary */
        COP__PACKET_ASK,        /* from the process: a cop__query */
        COP__PACKET_DEFER,      /* from the process: it will answer `ref` later */
        COP__PACKET_UNWATCH,    /* from the process: the call `ref` is over */
        COP__PACKET_LOG,        /* from the process: a cop__log_line */
        COP__PACKET_SYS,        /* to the process: a cop__sys_request (sys.h) of `pid`, under `ref` */
        COP__PACKET_SYS_ANSWER, /* from the process: its cop__sys_answer, under `ref` */
        COP__PACKET_WITHDRAWN,  /* to the process: nobody waits for an answer to `ref` any more */
        COP__PACKET_WAITS,      /* from the process: it cannot go on before the answer to its request `ref` */
        COP__PACKET_OVER,       /* from the process: it waits no longer under `ref`, and has no answer */
        COP__PACKET_LAST = COP__PACKET_OVER,
};

/* Blocks of references that a process may use up: 268,435,456 in all. */
#define COP__INSIDE_REF_BLOCKS UINT64_C(256)

/* Flags of a signal that mean the same on the other side. */
#define COP__CROSSING_FLAGS \
        (COP__SIGNAL_PRIORITY | COP__SIGNAL_RETURN | COP__SIGNAL_ANSWERED | COP__SIGNAL_THROUGH)

/*
 * A request says besides whether it is a call's, or timed (mailbox/signal.h); then `more` is the end of its sender's patience, by
 * the machine's clock, which is the same on both sides: 0: it is over, UINT64_MAX: never. In a failure `more` is which one.
 */
#define COP__CROSSING_CALL_FLAGS (COP__SIGNAL_CALL | COP__SIGNAL_TIMED)

struct cop__crossing_packet {
        uint32_t size; /* of what follows */
        uint8_t type;
        uint8_t signal; /* its cop__signal_type */
        uint16_t flags; /* cop__signal_flags */
        uint64_t pid;
        uint64_t ref;
        uint64_t more;
};

_Static_assert(sizeof(struct cop__crossing_packet) == 32, "the head of a packet has no holes");

/* ---- What is in packets ------------------------------------------------------------- */

/* All that an actor's process must know of it. Addresses are of this program. */
typedef struct cop__order {
        uint64_t server, run, run_with;
        cop_text server_name; /* that of `server`, to be sure */
        bool init_ack, supervised, no_preempt, link;
        uint64_t memory_limit;
        bool memory_limit_soft;
        cop_priority priority;
        cop_pid promise;
        cop_text title;       /* what ps shows */
        cop_bytes argument;   /* as MessagePack; empty: none */
        uint64_t refs;        /* the first block of references that are its own */
} cop__order;

/* What a process wants to have spawned: as cop_spawn_options has it, and addresses as in an order. */
typedef struct cop__wish {
        uint64_t server, run, run_with;
        cop_text server_name, name, label;
        bool init_ack, supervised, no_preempt, link, monitor;
        uint64_t memory_limit, mailbox_bytes;
        bool memory_limit_soft;
        uint32_t mailbox_limit, mailbox_high, mailbox_low;
        cop_mailbox_policy mailbox_policy;
        cop_text key_kind; /* of its mailbox_key, by name; empty: none */
        uint32_t key_field_at;
        cop_priority priority;
        cop_pid promise;
        cop_ref start_ref, asked;
        cop_bytes argument; /* as MessagePack; empty: none */
} cop__wish;

enum cop__question {
        COP__ASK_LINK = 1,   /* `pid`; on: with priority */
        COP__ASK_UNLINK,
        COP__ASK_MONITOR,    /* `pid`, or `name`; on: with priority; `term`: the tag */
        COP__ASK_DEMONITOR,
        COP__ASK_TRAP_EXIT,
        COP__ASK_REGISTER,
        COP__ASK_UNREGISTER,
        COP__ASK_WHEREIS,
        COP__ASK_REGISTERED,
        COP__ASK_IS_ALIVE,
        COP__ASK_LABEL,
        COP__ASK_SPAWN,      /* `body`: a cop__wish */
        COP__ASK_TIMER,      /* `number` ms, to `name`, `pid` or its alias `ref`; `how`, and `body`, a message, or `term` */
        COP__ASK_CANCEL,     /* `ref` */
        COP__ASK_TIME_LEFT,  /* `ref` */
        COP__ASK_JOIN,       /* scope `name`, group `term`, the pids in the list `value` */
        COP__ASK_LEAVE,      /* the same */
        COP__ASK_MEMBERS,    /* scope `name`, group `term`; on: the local ones */
        COP__ASK_GROUPS,     /* scope `name` */
        COP__ASK_PICK,       /* scope `name`, group `term`; `how`: a cop_pick */
        COP__ASK_WATCH,      /* scope `name`, group `term`; on: all groups */
        COP__ASK_UNWATCH,    /* `ref` */
        COP__ASK_ENTER,      /* registry `name`, key `term`, `value` */
        COP__ASK_UPDATE,     /* the same */
        COP__ASK_WITHDRAW,   /* registry `name`, key `term`; on: of those that match `value` */
        COP__ASK_HOLDER,     /* registry `name`, key `term` */
        COP__ASK_ENTRIES,    /* registry `name`, key `term`, those that match `value` */
        COP__ASK_VALUES,     /* registry `name`, key `term`, of `pid` */
        COP__ASK_KEYS,       /* registry `name`, of `pid` */
        COP__ASK_ENTRY_COUNT, /* registry `name` */
        COP__ASK_SERVER,     /* of `pid`: its address, or 0; BAD_ARGUMENT: a thread of the program, NO_ACTOR */
        COP__ASK_SHUTDOWN,   /* of `pid`, in the name of whom it obeys */
        COP__ASK_LAST = COP__ASK_SHUTDOWN,
};

/* How of COP__ASK_TIMER. */
enum cop__timer_how {
        COP__TIMER_AFTER,
        COP__TIMER_AT,
        COP__TIMER_EVERY,
        COP__TIMER_TELLS,  /* a cop_timeout with `term` */
        COP__TIMER_EXITS,  /* an exit signal with `term` */
        COP__TIMER_HOWS,
};

typedef struct cop__query {
        uint32_t what, how;
        bool on;
        int64_t number;
        cop_pid pid;
        cop_ref ref;
        cop_text name;
        cop_term term, value;
        cop_bytes body;
} cop__query;

typedef struct cop__told {
        uint32_t status;
        uint64_t value;
        cop_ref ref;
        cop_term term;
} cop__told;

/* An end by its own doing, with what a crash report says of it. */
typedef struct cop__obituary {
        cop_term reason;
        bool ignored, reports;
        uint32_t unread;
        cop_pid from;
        cop_text message, state, events;
} cop__obituary;

typedef struct cop__log_line {
        uint32_t level;
        cop_text text;
} cop__log_line;

COP__KIND_DECLARE(cop__order);
COP__KIND_DECLARE(cop__wish);
COP__KIND_DECLARE(cop__query);
COP__KIND_DECLARE(cop__told);
COP__KIND_DECLARE(cop__obituary);
COP__KIND_DECLARE(cop__log_line);

/* ---- Kinds (crossing_kinds.c) ---------------------------------------------------------- */

/* Of a range of kinds those that cross. Errors: COP_E_NO_MEMORY. */
cop_status cop__crossing_kinds_add(cop_kinds *kinds, const cop_kind *const *first,
                                   const cop_kind *const *last);

/* Is it, or one of its name, among those of a node that cross? */
bool cop__kind_crosses(const cop_kinds *crossing, const cop_kind *kind);

/* Is it one that a process may send only to actors that live in processes, too? */
bool cop__kind_bears_address(const cop_kind *kind);

/* ---- Bytes on their way --------------------------------------------------------------- */

/* Read at once at least, so that small packets come many at a time. Who got less has read all there was. */
#define COP__TRAY_FILL 16384

/* From `start` to `end` of `data` they wait. All zero is empty. */
struct cop__tray {
        uint8_t *data;
        size_t start, end, room;
};

void cop__tray_free(struct cop__tray *tray);

static inline size_t cop__tray_waiting(const struct cop__tray *tray)
{
        return tray->end - tray->start;
}

/* Room for `size` more bytes at data + end. False: no memory. */
bool cop__tray_reserve(struct cop__tray *tray, size_t size);

/*
 * Appends a packet, whose size is set, with a message of that kind; NULL: none.
 * Errors: COP_E_NO_MEMORY, those of cop__kind_encode; nothing is appended then.
 */
cop_status cop__tray_put(struct cop__tray *tray, struct cop__crossing_packet packet, const cop_kind *kind,
                         const void *value);

/*
 * The first packet, if it is there as a whole; then it is taken out, and *body is borrowed until the next change of the
 * tray. False: not yet. COP_E_MALFORMED in *status: what comes is no packet.
 */
bool cop__tray_take(struct cop__tray *tray, struct cop__crossing_packet *packet, const uint8_t **body,
                    cop_status *status);

/* Reads what a descriptor has, without waiting. Returns: bytes; 0: nothing now; -1: it is at its end; -2: no memory. */
long cop__tray_fill(struct cop__tray *tray, int fd, size_t most);

/* Writes what it takes, without waiting. False: nobody reads it any more. */
bool cop__tray_flush(struct cop__tray *tray, int fd);
/* The same by another send, with errno as that has it. */
bool cop__tray_flush_by(struct cop__tray *tray, ssize_t (*send_some)(void *context, int fd, const void *bytes, size_t size),
                        void *context, int fd);

/*
 * The message in MessagePack, which must be of `kind`. The caller ends *value with cop__flat_drop and free.
 * Errors: those of cop__kind_decode, and COP_E_MALFORMED.
 */
cop_status cop__value_read(const cop_kind *kind, const uint8_t *bytes, size_t size, void **value);

/* The same of a packet. */
cop_status cop__packet_value(const struct cop__crossing_packet *packet, const uint8_t *body,
                            const cop_kind *kind, void **value);

#endif
