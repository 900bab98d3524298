/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Question: what does it cost to go on on another stack?
 *
 * limit_switch: this thread and a context on a stack of the runtime's pool switch to each other. One operation is one switch. Half
 * of them are seen here, and counted there.
 * Checked: the other side was there as often as it should.
 */
#include "bench/limits/limit.h"
#include "scheduler/stack.h"

struct sides {
        struct cop__context here, there;
        uint64_t count;
};

static void come_back(void *argument)
{
        struct sides *sides = argument;
        for (;;) {
                sides->count++;
                cop__context_switch(&sides->there, &sides->here);
        }
}

BENCH(limit_switch, .unit = "switch", .growth = true)
{
        struct cop__stack_pool pool;
        struct sides sides = { .count = 0 };
        BENCH_CHECK(cop__stack_pool_init(&pool, 0) == COP_OK, "no pool of stacks");
        struct cop__stack *stack = cop__stack_take(&pool);
        BENCH_CHECK(stack != NULL, "no stack");
        cop__context_adopt(&sides.here);
        cop__context_init(&sides.there, stack->low, stack->size, come_back, &sides);
        LIMIT_LOOP(run, cop__context_switch(&sides.here, &sides.there));
        BENCH_CHECK(sides.count == run->ops + run->ops / 10, "%llu visits to the other side",
                    (unsigned long long)sides.count);
        run->result.ops *= 2;
        cop__context_fini(&sides.there);
        cop__context_fini(&sides.here);
        cop__stack_give(&pool, stack);
        cop__stack_pool_fini(&pool);
}
