/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Linux's membarrier, and what is done where it is taken away. See barrier.h. */
#define _GNU_SOURCE /* syscall */
#include "scheduler/barrier.h"

#include <errno.h>
#include <limits.h>
#include <linux/membarrier.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/compiler.h"

/* Words of a set of processors, with a bit for each: more than the kernel can be built for. */
#define SET_WORDS 256u
#define WORD_BITS (sizeof(unsigned long) * CHAR_BIT)

static bool fence_all(void)
{
        return syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
}

/* The process must have said that it will ask. Tried as well, lest a filter of calls forbids the one and not the other. */
bool cop__barrier_is_there(void)
{
        return !COP__TSAN && syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0 && fence_all();
}

/* The calling thread to that processor. False: the system does not let it; where nobody of the process may run is no need to. */
static bool move_to(size_t processor)
{
        unsigned long only[SET_WORDS];
        memset(only, 0, sizeof(only));
        only[processor / WORD_BITS] = 1ul << processor % WORD_BITS;
        return syscall(SYS_sched_setaffinity, 0, sizeof(only), only) == 0 || errno == EINVAL;
}

/* The way for want of the other: see barrier.h. */
static bool visit_all(void)
{
        unsigned long own[SET_WORDS];
        long size = syscall(SYS_sched_getaffinity, 0, sizeof(own), own); /* as many bytes as the kernel has processors for */
        bool done = size > 0;
        cop__fence_seq();
        for (size_t processor = 0; done && processor < (size_t)size * CHAR_BIT; processor++)
                done = move_to(processor);
        return size > 0 && syscall(SYS_sched_setaffinity, 0, (size_t)size, own) == 0 && done;
}

bool cop__barrier_all(void)
{
        return fence_all() || visit_all();
}
