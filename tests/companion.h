/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Somebody who does something in the node while the claim goes on: a thread that visits it. Simulated, where there is one thread, it is an
 * actor, and whoever looks again and again gives way in between.
 *
 *      struct companion companion;
 *      companion_begin(&companion, node, hunts, &hunter);
 *      ...
 *      companion_end(&companion);              it has been told to end, in a way of the claim's own
 */
#ifndef TESTS_COMPANION_H
#define TESTS_COMPANION_H

#include <pthread.h>
#include <sched.h>

#include "tests/node_fixture.h"

struct companion {
        cop_node *node;
        void (*run)(void *context);
        void *context;
        pthread_t thread;
        cop_ref ended; /* of the actor */
};

typedef struct { int64_t address; } companion_is;
COP_MESSAGE(companion_is, address);

static inline void companion_act(const companion_is *is)
{
        const struct companion *companion = (const void *)(uintptr_t)is->address;
        companion->run(companion->context);
}

static inline void *companion_visit(void *argument)
{
        const struct companion *companion = argument;
        ck_assert_int_eq(cop_node_enter(companion->node), COP_OK);
        companion->run(companion->context);
        cop_node_leave();
        return NULL;
}

static inline void companion_begin(struct companion *companion, cop_node *node, void (*run)(void *context), void *context)
{
        *companion = (struct companion){ .node = node, .run = run, .context = context };
        if (suite_seed() >= 0)
                companion->ended = spawn_watched(RUN_WITH(companion_act, companion_is, .address = (intptr_t)companion));
        else
                ck_assert_int_eq(pthread_create(&companion->thread, NULL, companion_visit, companion), 0);
}

static inline void companion_end(struct companion *companion)
{
        if (suite_seed() >= 0)
                await_down(companion->ended, "normal");
        else
                ck_assert_int_eq(pthread_join(companion->thread, NULL), 0);
}

/* In a thread it takes in nothing. */
static inline void companion_gives_way(void)
{
        if (suite_seed() >= 0)
                cop_yield();
        else
                sched_yield();
}

#endif
