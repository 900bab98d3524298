/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The three parts of a pid:
 *
 *      63      56 55              32 31                          0
 *      |  node   |       slot       |         generation         |
 */
#ifndef MAILBOX_ID_H
#define MAILBOX_ID_H

#include <coppice/id.h>

#include "base/compiler.h"

#define COP__PID_NODE_SHIFT 56
#define COP__PID_SLOT_SHIFT 32
#define COP__PID_NODE_MAX UINT64_C(0xff)
#define COP__PID_SLOT_MAX UINT64_C(0xffffff)
#define COP__PID_GENERATION_MAX UINT64_C(0xffffffff)

/*
 * From this slot on nobody lives, on any node of this kind: a pid of Erlang's with such an id, of which it has 2^28, is said by
 * them: its serial in the slot, the id in the generation (distribution/foreign.c).
 */
#define COP__SLOTS_OF_LARGE_IDS UINT64_C(0xff0000)

/* Each part within its limit. */
COP__INLINE cop_pid cop__pid_of(uint64_t node, uint64_t slot, uint64_t generation)
{
        return (cop_pid){ node << COP__PID_NODE_SHIFT | slot << COP__PID_SLOT_SHIFT | generation };
}

COP__INLINE uint64_t cop__pid_node(cop_pid pid)
{
        return pid.bits >> COP__PID_NODE_SHIFT;
}

COP__INLINE uint64_t cop__pid_slot(cop_pid pid)
{
        return pid.bits >> COP__PID_SLOT_SHIFT & COP__PID_SLOT_MAX;
}

COP__INLINE uint64_t cop__pid_generation(cop_pid pid)
{
        return pid.bits & COP__PID_GENERATION_MAX;
}

#endif
