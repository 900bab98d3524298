/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The pool's spans (base/pool.c): an ebb returns what lies in the depot to the spans that it was cut from, and the pages of those that
 * are whole to the system, while others take and give. There is one slab of four spans, of blocks as large as a page, and magazines of
 * one. Under every schedule a block has one owner at a time, who finds in it what he has written; at the end each can be taken once, and
 * all spans but the newest go.
 */
#include <string.h>

#include "base/pool.h"
#include "tests/explore/explore.h"

#define SIZE 4096
#define SPAN ((size_t)64 << 10)
#define FIRST_SPAN 15 /* blocks: its slab's header lies in front of them */
#define OTHER_SPAN 16
#define BLOCKS (FIRST_SPAN + 3 * OTHER_SPAN)
#define BURST (FIRST_SPAN + 2 * OTHER_SPAN)
#define KEPT OTHER_SPAN /* the newest, meanwhile: whoever finds the depot empty opens another one */

#define TAKERS 2
#define ROUNDS 3
#define HELD 3

static struct cop__pool pool;
static uint8_t class;
static bool has_slab;

/* The first slab, and then spans whose pages have gone. */
static bool may_map(void *unused, size_t size)
{
        bool may = size == SPAN || !has_slab;
        (void)unused;
        has_slab = true;
        return may;
}

static void begin_ebb(void)
{
        cop__pool_ebb_begin(&pool); /* what is there now ... */
        cop__pool_ebb_begin(&pool); /* ... nobody has needed since */
}

static void ebbs(void *unused)
{
        size_t bytes = 0;
        (void)unused;
        while (!cop__pool_ebb(&pool, BLOCKS, &bytes))
                ;
}

static void write_to(void *block, uint64_t mark)
{
        EXPLORE_ASSERT(block != NULL);
        memcpy(block, &mark, sizeof(mark));
        memset((char *)block + sizeof(mark), (int)mark, 64);
}

static void expect_in(const void *block, uint64_t mark)
{
        const char *bytes = block;
        EXPLORE_ASSERT(memcmp(bytes, &mark, sizeof(mark)) == 0);
        for (unsigned i = 0; i < 64; i++)
                EXPLORE_ASSERT((uint8_t)bytes[sizeof(mark) + i] == (uint8_t)mark);
}

static void takes(void *argument)
{
        struct cop__pool_cache cache;
        void *held[HELD];
        uint64_t mine = 100 * ((uintptr_t)argument + 1);
        cop__pool_cache_init(&cache, &pool);
        for (unsigned round = 0; round < ROUNDS; round++) {
                for (unsigned i = 0; i < HELD; i++) {
                        held[i] = cop__pool_take(&cache, class);
                        write_to(held[i], mine + i);
                }
                explore_step(__FILE__, __LINE__);
                for (unsigned i = 0; i < HELD; i++) {
                        expect_in(held[i], mine + i);
                        cop__pool_give(&cache, class, held[i]);
                }
        }
        cop__pool_cache_fini(&cache);
}

static void *blocks[BLOCKS];

/* The first ones, in this order. */
static void take(unsigned count)
{
        struct cop__pool_cache cache;
        cop__pool_cache_init(&cache, &pool);
        for (unsigned i = 0; i < count; i++) {
                blocks[i] = cop__pool_take(&cache, class);
                write_to(blocks[i], i + 1);
        }
        EXPLORE_ASSERT(count < BLOCKS || cop__pool_take(&cache, class) == NULL);
        cop__pool_cache_fini(&cache);
}

/* From one to another, to the depot, the first one last. */
static void give(unsigned from, unsigned to)
{
        struct cop__pool_cache cache;
        cop__pool_cache_init(&cache, &pool);
        for (unsigned i = to; i > from; i--) {
                expect_in(blocks[i - 1], i);
                cop__pool_give(&cache, class, blocks[i - 1]);
        }
        cop__pool_cache_fini(&cache);
}

SCENARIO(what_goes_to_the_system_is_nobodys)
{
        unsigned threads[TAKERS + 1];
        has_slab = false;
        class = cop__pool_class(SIZE);
        explore_focus(false);
        cop__pool_init(&pool, &(struct cop__pool_options){ .magazine_max = 1, .may_map = may_map });
        take(BURST);
        give(0, BURST - KEPT);
        begin_ebb();
        explore_focus(true);
        threads[TAKERS] = explore_thread(ebbs, NULL);
        for (unsigned i = 0; i < TAKERS; i++)
                threads[i] = explore_thread(takes, (void *)(uintptr_t)i);
        for (unsigned i = 0; i <= TAKERS; i++)
                explore_join(threads[i]);
        explore_focus(false);
        give(BURST - KEPT, BURST);
        EXPLORE_ASSERT(cop__pool_balance(&pool) == 0);
        take(BLOCKS);
        give(0, BLOCKS);
        begin_ebb();
        ebbs(NULL);
        EXPLORE_ASSERT(cop__pool_returned(&pool) == 3 * SPAN);
        cop__pool_fini(&pool);
}
