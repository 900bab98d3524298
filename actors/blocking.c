/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Functions that block, for actors that wait for them.
 *
 *      actor, on a worker      cop_blocking ── its stack is left ──► the job goes to the pool      ... and goes on, anywhere
 *      a thread of the pool                                          the function runs ── done: the task is scheduled
 *
 * While the function runs the job holds the actor's run right: nobody else can run it, and what is sent to it waits in its queue.
 * So it cannot end before the function has returned, and what the function points to stays.
 *
 * The function runs on the pool thread's own stack, in a make-believe turn of its own, so that faults are judged and caught as the
 * actor's are: one that may be contained lands in the frame beneath, its reason goes along with the job, and the actor exits with it
 * when it goes on. The thread is inside no node; what the function calls of Coppice answers so.
 */
#define _GNU_SOURCE /* pthread_getattr_np */
#include <coppice/blocking.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "actors/actor.h"
#include "actors/blocking.h"
#include "actors/simulation.h"
#include "base/jump.h"
#include "base/memory.h"

/* One call. In the frame of the actor that waits for it. */
struct call {
        struct cop__job job;
        struct cop__actor *actor;
        struct cop_node *node;
        void (*function)(void *argument);
        void *argument;
        int error; /* errno when it returned */
        cop_status status;
        struct cop__shared_term *fault; /* the reason for which the actor is to end; NULL: none */
};

/* A thread of the pool. */
struct blocker {
        struct cop__fault_scope scope;
        uintptr_t low, size, guard; /* of its stack */
        jmp_buf escape;
        struct cop__fault fault; /* that has landed */
        const struct call *call; /* whose function runs; NULL: none does */
};

/* ---- On the pool's thread ---------------------------------------------------------------- */

static bool is_guard(uintptr_t address, void *context)
{
        const struct blocker *blocker = context;
        return address < blocker->low && blocker->low - address <= blocker->guard;
}

static enum cop__containment contains(void *context)
{
        const struct blocker *blocker = context;
        return cop__actor_containment(blocker->call->node, blocker->call->actor);
}

static void describe(char *text, size_t size, void *context)
{
        const struct blocker *blocker = context;
        if (blocker->call != NULL)
                cop__actor_describe(blocker->call->actor, text, size);
}

static void land(struct cop__fault *fault, void *context)
{
        struct blocker *blocker = context;
        blocker->fault = *fault;
        cop__jump(blocker->escape, 1);
}

static void find_stack(struct blocker *blocker)
{
        pthread_attr_t attributes;
        void *low;
        size_t size, guard;
        if (pthread_getattr_np(pthread_self(), &attributes) != 0)
                return;
        if (pthread_attr_getstack(&attributes, &low, &size) == 0 &&
            pthread_attr_getguardsize(&attributes, &guard) == 0) {
                blocker->low = (uintptr_t)low;
                blocker->size = size;
                blocker->guard = guard;
        }
        pthread_attr_destroy(&attributes);
}

/* Without memory for this the function runs all the same; a fault in it ends the program, as it would without us. */
static void *enter(void)
{
        struct blocker *blocker = cop__calloc(1, sizeof(*blocker));
        if (blocker == NULL)
                return NULL;
        find_stack(blocker);
        blocker->scope.guards = is_guard;
        blocker->scope.guards_context = blocker;
        blocker->scope.contains = contains;
        blocker->scope.contains_context = blocker;
        blocker->scope.land = land;
        blocker->scope.land_context = blocker;
        blocker->scope.describe = describe;
        blocker->scope.describe_context = blocker;
        if (cop__fault_thread_start(&blocker->scope) == COP_OK)
                return blocker;
        free(blocker);
        return NULL;
}

static void leave(void *thread_data)
{
        struct blocker *blocker = thread_data;
        if (blocker == NULL)
                return;
        cop__fault_thread_stop(&blocker->scope);
        free(blocker);
}

static void call_function(struct call *call)
{
        errno = 0;
        call->function(call->argument);
        call->error = errno;
}

static COP__NOINLINE void call_guarded(struct call *call, struct blocker *blocker)
{
        blocker->call = call;
        if (_setjmp(blocker->escape) == 0) {
                cop__turn_begin(&blocker->scope, blocker->low, cop__stack_pointer());
                call_function(call);
                cop__turn_end(&blocker->scope);
        } else {
                call->fault = cop__fault_reason(call->node, &blocker->fault, call->actor->current);
        }
        blocker->call = NULL;
}

static void run(struct cop__job *job, void *thread_data)
{
        struct call *call = COP__CONTAINER(job, struct call, job);
        if (thread_data != NULL)
                call_guarded(call, thread_data);
        else
                call_function(call);
}

/* The job's memory is the actor's again with the last of this. */
static void done(struct cop__job *job)
{
        struct call *call = COP__CONTAINER(job, struct call, job);
        struct cop__scheduler *scheduler = &call->node->scheduler;
        cop__schedule(scheduler, NULL, &call->actor->task);
        cop__sub_seq(&scheduler->elsewhere, 1);
}

const struct cop__blocking_hooks cop__blocking_hooks = { .enter = enter, .leave = leave };

/* ---- In the actor --------------------------------------------------------------------------- */

/* Its stack has been left. Without a thread for the job it goes on at once. */
static void submit(void *argument)
{
        struct call *call = argument;
        struct cop__thread *thread = cop__thread_here();
        struct cop_node *node = call->node;
        struct cop__actor *actor = call->actor;
        call->status = COP_OK; /* before the job: once that is submitted, the frame is not ours any more */
        cop__add_seq(&node->scheduler.elsewhere, 1);
        if (cop__blocking_pool_submit(&node->blocking, &call->job) == COP_OK)
                return;
        call->status = COP_E_SYSTEM;
        cop__schedule(&node->scheduler, thread, &actor->task);
        cop__sub_seq(&node->scheduler.elsewhere, 1);
}

/* Not inlined: it may be another thread than the one at the beginning of the caller. */
static COP__NOINLINE void set_errno(int error)
{
        errno = error;
}

cop_status cop_blocking_call(void (*function)(void *argument), void *argument)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor == NULL)
                return COP_E_NO_NODE;
        if (function == NULL)
                return COP_E_BAD_ARGUMENT;
        struct cop_node *node = cop__node_of(cop__thread_here());
        /* A simulation has no other thread, and nothing happens until the function is over. */
        if (actor->task.visitor != NULL || cop__simulation_of(node) != NULL) {
                function(argument);
                return COP_OK;
        }
        struct call call = {
                .job = { .run = run, .done = done },
                .actor = actor,
                .node = node,
                .function = function,
                .argument = argument,
                .status = COP_E_NO_MEMORY,
        };
        if (cop__hurry(actor)) /* for who has been told to end nothing begins */
                cop__leave(actor);
        cop__wait_for(actor, submit, &call, (const void *)(uintptr_t)function);
        if (call.fault != NULL)
                cop__exit_faulted(actor, call.fault);
        cop__drain(actor);
        if (call.status == COP_OK)
                set_errno(call.error);
        return call.status;
}
