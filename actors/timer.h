/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Timers that users start: a message that is sent when its time has come.
 *
 * The message is made when the timer is started, so firing needs no memory. A timer is found by its reference, from any
 * thread, in one of a number of tables with a lock each; whoever takes it out of its table ends it.
 *
 * Lock order: the lock of a table, then that of a wheel.
 */
#ifndef ACTORS_TIMER_H
#define ACTORS_TIMER_H

#include <coppice/actor.h>

#include "base/lock.h"
#include "base/table.h"
#include "mailbox/signal.h"
#include "scheduler/timer.h"

struct cop__thread;

#define COP__TIMER_SHARDS 64

struct cop__timer_shard {
        struct cop__lock lock;
        struct cop__table table; /* struct cop__user_timer by reference */
} COP__LINE_ALIGNED;

struct cop__timers {
        struct cop__timer_shard shards[COP__TIMER_SHARDS];
};

/* What a wheel's timer is part of. */
enum cop__timer_use {
        COP__TIMER_ALARM, /* the body of a WAKE signal: a struct cop__alarm */
        COP__TIMER_USER,  /* a struct cop__user_timer */
};

struct cop__any_timer {
        struct cop__timer timer;
        uint32_t use; /* a cop__timer_use */
};

/* The end of a wait. The signal is its own memory: fired, it goes to the actor's queue. */
struct cop__alarm {
        struct cop__any_timer any;
        cop_pid pid;
};

struct cop__user_timer {
        struct cop__any_timer any;
        struct cop__table_node node;
        struct cop__signal *message;
        cop_pid to;
        uint8_t pool_class;
        char name[]; /* to whom, if not to a pid: looked up when it fires */
};

void cop__timers_init(struct cop__timers *timers);

/* What is still outstanding is freed. Workers may still fire timers, but nobody starts one. */
void cop__timers_fini(struct cop__timers *timers, struct cop__pool_cache *pool);

/* The scheduler's hook. */
void cop__timer_fire(struct cop__timer *timer, void *node);

#endif
