/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The sleep of a spin that takes too long. See atomic.h. */
#include <time.h>

#include "base/atomic.h"
#include "base/own_wait.h"

#define SLEEP_NS 50000

void cop__spin_sleep(void)
{
        cop__own_wait_begin();
        nanosleep(&(struct timespec){ .tv_nsec = SLEEP_NS }, NULL);
        cop__own_wait_end();
}
