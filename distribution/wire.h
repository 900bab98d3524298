/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The words of Erlang's distribution protocol: what a control message is about, and what nodes say of themselves in the
 * handshake.
 *
 *      │ size : 4 │ 112 │ control, a tuple │ message, if it has one │         size 0 is a tick
 */
#ifndef DISTRIBUTION_WIRE_H
#define DISTRIBUTION_WIRE_H

#include <stdint.h>

#define COP__PASS_THROUGH 112u
#define COP__FRAME_HEAD 4u

enum cop__control {
        COP__CONTROL_LINK = 1,          /* From, To */
        COP__CONTROL_SEND = 2,          /* unused, To; message */
        COP__CONTROL_EXIT = 3,          /* From, To, Reason */
        COP__CONTROL_UNLINK = 4,        /* From, To */
        COP__CONTROL_REG_SEND = 6,      /* From, unused, Name; message */
        COP__CONTROL_GROUP_LEADER = 7,  /* From, To */
        COP__CONTROL_EXIT2 = 8,         /* From, To, Reason */
        COP__CONTROL_MONITOR = 19,      /* From, To or Name, Ref */
        COP__CONTROL_DEMONITOR = 20,    /* From, To or Name, Ref */
        COP__CONTROL_DOWN = 21,         /* From or Name, To, Ref, Reason */
        COP__CONTROL_SEND_TT = 12,      /* these are those above, while a trace runs there: with a token behind To or Name */
        COP__CONTROL_EXIT_TT = 13,
        COP__CONTROL_REG_SEND_TT = 16,
        COP__CONTROL_EXIT2_TT = 18,
        COP__CONTROL_SEND_SENDER_TT = 23,
        COP__CONTROL_ALIAS_SEND_TT = 34,
        COP__CONTROL_SEND_SENDER = 22,  /* From, To; message */
        COP__CONTROL_SPAWN_REQUEST = 29, /* Ref, From, unused, {Module, Function, Arity}, Options; the list of arguments */
        COP__CONTROL_SPAWN_REQUEST_TT = 30,
        COP__CONTROL_SPAWN_REPLY = 31,  /* Ref, To, what has been set up, Pid or why not */
        COP__CONTROL_SPAWN_REPLY_TT = 32,
        COP__CONTROL_ALIAS_SEND = 33,   /* From, Alias; message. Between nodes of this kind also: Owner */
        COP__CONTROL_UNLINK_ID = 35,    /* Id, From, To */
        COP__CONTROL_UNLINK_ACK = 36,   /* Id, From, To */
};

/* What a SPAWN_REPLY says has been set up. */
#define COP__SPAWN_LINKED 1u
#define COP__SPAWN_MONITORED 2u

/* The capabilities that a node says it has. */
#define COP__CAN_PUBLISHED UINT64_C(0x1)
#define COP__CAN_EXTENDED_REFERENCES UINT64_C(0x4)
#define COP__CAN_MONITOR UINT64_C(0x8)
#define COP__CAN_FUN_TAGS UINT64_C(0x10)
#define COP__CAN_MONITOR_NAME UINT64_C(0x20)
#define COP__CAN_NEW_FUN_TAGS UINT64_C(0x80)
#define COP__CAN_EXTENDED_PIDS UINT64_C(0x100)
#define COP__CAN_EXPORT UINT64_C(0x200)
#define COP__CAN_BITS UINT64_C(0x400)
#define COP__CAN_NEW_FLOATS UINT64_C(0x800)
#define COP__CAN_UTF8_ATOMS UINT64_C(0x10000)
#define COP__CAN_MAPS UINT64_C(0x20000)
#define COP__CAN_BIG_CREATION UINT64_C(0x40000)
#define COP__CAN_SEND_SENDER UINT64_C(0x80000)
#define COP__CAN_BIG_SEQTRACE UINT64_C(0x100000)
#define COP__CAN_HANDSHAKE_23 UINT64_C(0x1000000)
#define COP__CAN_UNLINK_ID UINT64_C(0x2000000)
/* All that is mandatory for Erlang/OTP 25, in one bit. */
#define COP__CAN_ALL_OF_25 UINT64_C(0x4000000)
#define COP__CAN_SPAWN (UINT64_C(1) << 32)
#define COP__CAN_V4 (UINT64_C(1) << 34)
#define COP__CAN_ALIAS (UINT64_C(1) << 35)
/* A node of this kind: no bit of Erlang's. */
#define COP__CAN_COPPICE (UINT64_C(1) << 62)

#define COP__CAN_ALL                                                                                                       \
        (COP__CAN_EXTENDED_REFERENCES | COP__CAN_MONITOR | COP__CAN_FUN_TAGS | COP__CAN_MONITOR_NAME | COP__CAN_NEW_FUN_TAGS | \
         COP__CAN_EXTENDED_PIDS | COP__CAN_EXPORT | COP__CAN_BITS | COP__CAN_NEW_FLOATS | COP__CAN_UTF8_ATOMS | COP__CAN_MAPS | \
         COP__CAN_BIG_CREATION | COP__CAN_SEND_SENDER | COP__CAN_HANDSHAKE_23 | COP__CAN_UNLINK_ID | COP__CAN_V4 |             \
         COP__CAN_ALL_OF_25 | COP__CAN_SPAWN | COP__CAN_ALIAS | COP__CAN_COPPICE)

#define COP__CAN_MANDATORY_25                                                                                              \
        (COP__CAN_EXTENDED_REFERENCES | COP__CAN_FUN_TAGS | COP__CAN_NEW_FUN_TAGS | COP__CAN_EXTENDED_PIDS | COP__CAN_EXPORT | \
         COP__CAN_BITS | COP__CAN_NEW_FLOATS | COP__CAN_UTF8_ATOMS | COP__CAN_MAPS | COP__CAN_BIG_CREATION |                   \
         COP__CAN_HANDSHAKE_23)

/* What a peer must be able to do: all that we send without asking. */
#define COP__CAN_NEEDED                                                                                                    \
        (COP__CAN_EXTENDED_REFERENCES | COP__CAN_EXTENDED_PIDS | COP__CAN_UTF8_ATOMS | COP__CAN_MAPS | COP__CAN_BIG_CREATION | \
         COP__CAN_NEW_FLOATS | COP__CAN_HANDSHAKE_23 | COP__CAN_V4)

#endif
