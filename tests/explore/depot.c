/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The pool of messages (base/pool.c) with magazines of one block, so that each second operation goes through the depot, which
 * is Concurrency Kit's stack. Under every schedule a block has one owner at a time, and none is lost. And what is said of a pool with
 * a limit is true once nobody takes or gives any more.
 */
#include <string.h>

#include "base/pool.h"
#include "tests/explore/explore.h"

#define TAKERS 3
#define ROUNDS 3
#define HELD 3

static struct cop__pool pool;
static uint8_t class;

static void takes(void *argument)
{
        struct cop__pool_cache cache;
        void *blocks[HELD];
        uint64_t mine = (uintptr_t)argument + 1;
        cop__pool_cache_init(&cache, &pool);
        for (unsigned round = 0; round < ROUNDS; round++) {
                for (unsigned i = 0; i < HELD; i++) {
                        blocks[i] = cop__pool_take(&cache, class);
                        EXPLORE_ASSERT(blocks[i] != NULL);
                        memset(blocks[i], (int)(mine * 16 + i), 64);
                }
                explore_step(__FILE__, __LINE__);
                for (unsigned i = 0; i < HELD; i++) {
                        const uint8_t *bytes = blocks[i];
                        for (unsigned at = 0; at < 64; at++)
                                EXPLORE_ASSERT(bytes[at] == (uint8_t)(mine * 16 + i));
                        cop__pool_give(&cache, class, blocks[i]);
                }
        }
        cop__pool_cache_fini(&cache);
}

SCENARIO(a_block_has_one_owner_at_a_time)
{
        unsigned threads[TAKERS];
        class = cop__pool_class(64);
        cop__pool_init(&pool, &(struct cop__pool_options){ .magazine_max = 1 });
        for (unsigned i = 0; i < TAKERS; i++)
                threads[i] = explore_thread(takes, (void *)(uintptr_t)i);
        for (unsigned i = 0; i < TAKERS; i++)
                explore_join(threads[i]);
        EXPLORE_ASSERT(cop__pool_balance(&pool) == 0);
        cop__pool_fini(&pool);
}

/* ---- A pool with a limit ----------------------------------------------------------------------------- */

#define LARGE ((size_t)512)

static void *held[TAKERS];

static void takes_one(void *unused)
{
        (void)unused;
        held[0] = cop__pool_take_large_owed(&pool, LARGE);
}

static void gives_one(void *argument)
{
        cop__pool_give_large(&pool, held[(uintptr_t)argument], LARGE);
}

/* With all that are held at once it would be. Nobody comes behind them who would see what was said too late. */
SCENARIO(a_pool_that_is_hardly_used_is_not_over)
{
        unsigned threads[TAKERS];
        cop__pool_init(&pool, NULL);
        cop__pool_limit(&pool, TAKERS * LARGE);
        for (unsigned i = 1; i < TAKERS; i++)
                held[i] = cop__pool_take_large(&pool, LARGE);
        for (unsigned i = 0; i < TAKERS; i++)
                threads[i] = explore_thread(i == 0 ? takes_one : gives_one, (void *)(uintptr_t)i);
        for (unsigned i = 0; i < TAKERS; i++)
                explore_join(threads[i]);
        EXPLORE_ASSERT(held[0] != NULL && cop__pool_used(&pool) == LARGE);
        EXPLORE_ASSERT(!cop__pool_is_over(&pool));
        gives_one(NULL);
        cop__pool_fini(&pool);
}
