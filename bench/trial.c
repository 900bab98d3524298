/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Question: how many orders of events can a test of one's own tree try in a second?
 *
 * trial_tree: one operation is one seed of cop_trial_run(): a simulated node is started, in it a supervisor with two servers of
 * whom one calls the other, ten messages go through both while the seed lets them crash, and the node is stopped. Some 90 turns of
 * actors. The trial runs on a thread of its own, since this one is in a node.
 * Checked: each seed was tried, none fails, actors had their turns and crashed.
 */
#include <pthread.h>

#include "bench/harness.h"

enum { KNOCKS = 10 };

typedef struct { int64_t number; } knock;
COP_MESSAGE(knock, number);

typedef struct { int64_t knocks; } door;

static void door_on_knock(door *self, const knock *k)
{
        self->knocks++;
        cop_reply(knock, .number = k->number);
}

COP_SERVER(door, COP_ON(knock, door_on_knock));

typedef struct { int64_t knocks; } visitor;

static void visitor_on_knock(visitor *self, const knock *k)
{
        cop_call(NULL, "door", COP_FOREVER, knock, .number = k->number);
        self->knocks++;
}

COP_SERVER(visitor, COP_ON(knock, visitor_on_knock));

static const cop_supervisor house = {
        .name = "house", .intensity = 1000, .period_ms = 1000,
        .children = COP_CHILDREN({ "door", .server = &door_server }, { "visitor", .server = &visitor_server }),
};

static const char *stays_whole(cop_node *node, void *unused)
{
        (void)unused;
        for (int64_t i = 0; i < KNOCKS; i++) {
                cop_send("visitor", knock, .number = i);
                cop_sleep(1);
        }
        return cop_node_await_quiet(node, 10000) == COP_OK ? NULL : "it does not come to rest";
}

struct try {
        uint64_t seeds, ns;
        cop_trial_outcome outcome;
        cop_status status;
};

static void *try_seeds(void *argument)
{
        struct try *try = argument;
        const cop_trial trial = { .tree = &house, .check = stays_whole, .seeds = try->seeds, .simulation = { .crashes = 50 } };
        uint64_t began_ns = bench_now();
        try->status = cop_trial_run(&trial, &try->outcome);
        try->ns = bench_now() - began_ns;
        return NULL;
}

BENCH(trial_tree, .unit = "trial", .growth = true)
{
        struct try try = { .seeds = run->ops };
        pthread_t thread;
        BENCH_CHECK(pthread_create(&thread, NULL, try_seeds, &try) == 0, "no thread");
        pthread_join(thread, NULL);
        BENCH_CHECK(try.status == COP_OK && !try.outcome.failed, "a seed fails: %s", try.outcome.what);
        BENCH_CHECK(try.outcome.seeds == run->ops, "some seeds were not tried");
        BENCH_CHECK(try.outcome.turns > run->ops * 2 * KNOCKS, "nothing was done in them");
        run->result.ops = run->ops;
        run->result.ns = try.ns;
}
