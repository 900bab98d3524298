/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Tasks from the inside: an actor that waits for its argument, and the request that brings it.
 *
 *      owner ──START──► task            by the owner itself, or by a supervisor on its behalf
 *      owner ──request: argument──► task ──► the function, as the handler of that request
 *      owner ◄──reply, or the reason why there is none──┘
 *
 * The function answers a request like any server's handler. So the outcome is an answer as
 * request.h knows it: one in each case, outside the mailbox, dropped when it is late; and a crash
 * report shows the argument as the message it was at.
 */
#ifndef ACTORS_TASK_H
#define ACTORS_TASK_H

#include <coppice/task.h>

#include "actors/line.h"

typedef struct cop__task_start {
        cop_pid owner, link_to;
        uint64_t run, run_with; /* addresses of functions: constants of the program */
        bool linked;
} cop__task_start;
COP__KIND_DECLARE(cop__task_start);

/* Stands for no argument and for no result, where a request or its answer needs one. */
typedef struct cop__task_void {
        bool nothing;
} cop__task_void;
COP__KIND_DECLARE(cop__task_void);

/* A function that was run for a request has ended: without a result of its own, and nobody else
 * to give it, this is the answer. False: no memory for it. */
bool cop__answer_void(const cop_message *request);
/* That answer as who asked wants it: NULL. Any other is the result. */
cop_message *cop__result_of(cop_message *answer);

extern const cop_behaviour cop__task_behaviour;

/* What the actor of a task is started with. Errors: COP_E_NO_NODE, COP_E_BAD_ARGUMENT. */
cop_status cop__task_prepare(const cop_task_options *options, cop__task_start *start);

/*
 * The request of a task has ended so: what that means to its owner, and its link. COP_OK with
 * *result (NULL: it gave none), COP_E_DIED, or COP_E_TIMEOUT and COP_E_NOT_FOUND as they came
 * (task_outcome.c).
 */
cop_status cop__task_conclude(struct cop__actor *self, cop_pid pid, cop_status status,
                              cop_message *answer, cop_message **result);

/* It is sent an exit signal and untied from its owner, who does not hear of its end but by a monitor or its request. Errors:
 * COP_E_NO_MEMORY, and then it is tied as before (task_outcome.c). */
cop_status cop__task_ask_and_part(const struct cop__actor *self, cop_pid pid, const char *reason);

/* The second half: the argument goes to the actor, which is a task from here on. Errors: those
 * of cop_request_send_value. */
cop_status cop__task_begin(const cop_task_options *options, cop_pid pid, cop_task *task);

#endif
