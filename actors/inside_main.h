/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* How the process of an actor begins, and what it keeps; see inside.h. */
#ifndef ACTORS_INSIDE_MAIN_H
#define ACTORS_INSIDE_MAIN_H

#include <pthread.h>

#include "actors/inside.h"
#include "base/table.h"

/* The reference under which the actor's START is answered: no call ever has it. */
#define COP__START_REF UINT64_MAX

struct cop__inside {
        /* Constant once the actor has begun. */
        struct cop_node *node;
        struct cop__actor *actor;
        cop_pid pid;
        int socket;
        uint64_t refs;     /* the first block of its references */
        uint64_t memory_base, memory_most; /* bytes before the actor began, and that it may have besides; 0: any */

        /* The worker's. */
        struct cop__tray in;
        cop__told *told;   /* the last answer, flat */
        bool answered;
        struct cop__table wanted; /* calls that have come, by reference; see inside_wait.h */
        uint32_t begun;    /* atomic; START is in the queue: what comes now comes behind it */

        /* Whoever writes. */
        pthread_mutex_t write_lock;
        struct cop__tray out;
};

void cop__inside_log(void *context, cop_log_level level, const char *text);

/* Bytes of memory that the process has for data, as RLIMIT_DATA counts them. */
uint64_t cop__inside_memory(void);

#endif
