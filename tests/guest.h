/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Threads of the program that visit a node beside the claim's own, each for one thing that it does there.
 *
 *      guest g;
 *      guest_comes(&g, node, sends_one, &pid);         it has come, and does that: once for all, or until it is held at a cue
 *      guest_leaves(&g);                               it has gone, and its pid is nobody's
 *
 * Such a visit ends on its own thread. So it can end while a worker is held, which may be the one that others count on: that of an actor cannot.
 */
#ifndef TESTS_GUEST_H
#define TESTS_GUEST_H

#include "tests/node_fixture.h"

#include <pthread.h>
#include <sched.h>

typedef struct {
        pthread_t thread;
        cop_node *node;
        cop_pid pid;
        void (*does)(void *); /* or NULL */
        void *with;
        uint32_t here, leaves; /* atomic */
} guest;

static inline void *guest_visit(void *memory)
{
        guest *g = memory;
        ck_assert_int_eq(cop_node_enter(g->node), COP_OK);
        g->pid = cop_self();
        cop__store_seq(&g->here, 1);
        if (g->does != NULL)
                g->does(g->with);
        while (!cop__load_seq(&g->leaves))
                sched_yield();
        cop_node_leave();
        return NULL;
}

static inline void guest_comes(guest *g, cop_node *node, void (*does)(void *), void *with)
{
        *g = (guest){ .node = node, .does = does, .with = with };
        ck_assert_int_eq(pthread_create(&g->thread, NULL, guest_visit, g), 0);
        while (!cop__load_seq(&g->here))
                sched_yield();
}

static inline void guest_leaves(guest *g)
{
        cop__store_seq(&g->leaves, 1);
        pthread_join(g->thread, NULL);
}

#endif
