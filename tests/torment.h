/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* A tormentor: a thread that asks for an interruption of whoever runs, all the time. */
#ifndef TESTS_TORMENT_H
#define TESTS_TORMENT_H

#include <pthread.h>
#include <time.h>

#include "actors/preempt.h"
#include "scheduler/detour.h"
#include "tests/node_fixture.h"

#define UNLESS_POSSIBLE               \
        if (!cop__detour_is_possible()) \
        return

struct tormentor {
        pthread_t thread;
        cop_node *node;
        int done;
};

static inline void *torments(void *context)
{
        struct tormentor *tormentor = context;
        struct cop__scheduler *scheduler = &tormentor->node->scheduler;
        while (!cop__load_acquire(&tormentor->done)) {
                for (unsigned i = 0; i < scheduler->worker_count; i++) {
                        struct cop__worker *worker = &scheduler->workers[i];
                        cop__preempt_hooks.interrupt(worker, &(struct cop__watch_request){
                                .turn = cop__load_relaxed(&worker->turns),
                                .end = true,
                        });
                }
                nanosleep(&(struct timespec){ .tv_nsec = 20000 }, NULL);
        }
        return NULL;
}

static inline void begin_torment(struct tormentor *tormentor, cop_node *node)
{
        *tormentor = (struct tormentor){ .node = node };
        ck_assert_int_eq(pthread_create(&tormentor->thread, NULL, torments, tormentor), 0);
}

static inline void end_torment(struct tormentor *tormentor)
{
        cop__store_release(&tormentor->done, 1);
        pthread_join(tormentor->thread, NULL);
}

#endif
