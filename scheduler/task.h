/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* A task: something to run that may block in the middle. What it is, the layer above knows. */
#ifndef SCHEDULER_TASK_H
#define SCHEDULER_TASK_H

#include <stdint.h>

struct cop__park;
struct cop__stack;

/* Embedded in what it runs; zeroed is ready. */
struct cop__task {
        struct cop__task *next;    /* in a queue or on a pile; whoever holds the task's run right */
        union {
                struct cop__stack *stack; /* where it is blocked; NULL: it is not */
                struct cop__task *below;  /* on a pile, where no task is blocked; NULL again when it leaves */
        };
        struct cop__park *visitor; /* set: a thread of its own runs it, and sleeps here */
        uint8_t priority;          /* atomic; a cop_priority: where it will wait next */
        uint8_t litter;            /* on a pile: the turn in which it was started, the lowest bits; siblings have the same */
        uint8_t at;                /* atomic; index + 1 of the worker where it had its last long turn, or 0; see follow.h */
        uint32_t stack_bytes;      /* atomic; the layer above's: in use on the stack it is blocked on */
};

/* Tasks in order, linked by `next`. */
struct cop__task_list {
        struct cop__task *first, *last;
        uint32_t count;
};

#endif
