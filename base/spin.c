/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The sleep of a spin that takes too long. See atomic.h. */
#include <time.h>

#include "base/atomic.h"

#define SLEEP_NS 50000

void cop__spin_sleep(void)
{
        nanosleep(&(struct timespec){ .tv_nsec = SLEEP_NS }, NULL);
}
