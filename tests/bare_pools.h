/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Pools of messages that keep nothing at hand, in each node of a test program: for what an ordinary one hands out of a cache which is
 * full of what others gave back, these ask, so that it can be refused. It is refused by the simulation, and in other nodes together
 * with what is malloc's (failing_malloc.h): the n-th request is anybody's, for whichever memory.
 *
 * Included by a program's only source; tests/CMakeLists.txt names the programs (coppice_bare), in which the linker puts this between
 * Coppice and the pool.
 */
#ifndef TESTS_BARE_POOLS_H
#define TESTS_BARE_POOLS_H

#include "base/pool.h"
#include "tests/failing_malloc.h"

void __real_cop__pool_init(struct cop__pool *pool, const struct cop__pool_options *options);
void __wrap_cop__pool_init(struct cop__pool *pool, const struct cop__pool_options *options);
void *__real_cop__stock_take(size_t size);
void *__wrap_cop__stock_take(size_t size);

static bool bare_pool_refuses(void *unused)
{
        (void)unused;
        return malloc_must_fail();
}

void __wrap_cop__pool_init(struct cop__pool *pool, const struct cop__pool_options *options)
{
        struct cop__pool_options bare = options != NULL ? *options : (struct cop__pool_options){ 0 };
        bare.keeps_nothing = true;
        if (bare.refuses == NULL)
                bare.refuses = bare_pool_refuses;
        __real_cop__pool_init(pool, &bare);
}

/* What is kept there, too: a request that malloc would have to meet is counted twice. */
void *__wrap_cop__stock_take(size_t size)
{
        return malloc_must_fail() ? NULL : __real_cop__stock_take(size);
}

#endif
