/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Linux's membarrier. See barrier.h. */
#define _GNU_SOURCE /* syscall */
#include "scheduler/barrier.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/compiler.h"

/* The process must have said that it will ask. Tried as well, lest a filter of calls forbids the one and not the other. */
bool cop__barrier_is_there(void)
{
        return !COP__TSAN &&
               syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0 &&
               cop__barrier_all();
}

bool cop__barrier_all(void)
{
        return syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
}
