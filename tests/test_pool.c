/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The pool of blocks. The oracle of most tests: whoever holds a block fills it with a
 * number of its own and finds it unchanged; so no block is ever in two hands. After each,
 * the balance is 0.
 */
#define _GNU_SOURCE
#include "tests/cue.h"

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/pool.h"
#include "base/random.h"

#define HELD 1000
#define THREADS 6
#define HANDS 6
#define ROUNDS 4000000
#define HAND_WORD 4 /* beyond the words that link a free block */

/* A block in use: what the test writes into it. */
struct stamp {
        uint8_t class;
        uint64_t number;
};

/* The class at the beginning, the number there and at the end, and all of it written. */
static void stamp_put(void *block, uint8_t class, uint64_t number)
{
        struct stamp stamp = { class, number };
        size_t last = cop__pool_block_size(class) - sizeof(number);
        memset(block, (int)(number & 0xff), cop__pool_block_size(class));
        memcpy(block, &stamp, sizeof(stamp));
        memcpy((char *)block + last, &number, sizeof(number));
}

/*
 * Libcheck writes a line for each ck_assert that it passes, too much for what is done
 * ten million times; this says something only when it fails.
 */
#define REQUIRE(claim) ((claim) ? (void)0 : ck_abort_msg("not so: %s", #claim))

/* Gives the class; a stamp that changed fails the test. */
static uint8_t stamp_check(const void *block, uint64_t number)
{
        struct stamp stamp;
        uint64_t last;
        memcpy(&stamp, block, sizeof(stamp));
        REQUIRE(stamp.class < COP__POOL_CLASSES);
        memcpy(&last, (const char *)block + cop__pool_block_size(stamp.class) - sizeof(last),
               sizeof(last));
        REQUIRE(stamp.number == number);
        REQUIRE(last == number);
        return stamp.class;
}

/* Which slabs may still be mapped; the hook of the pool. */
struct budget {
        size_t left;
        int refused;
};

static bool within_budget(void *context, size_t size)
{
        struct budget *budget = context;
        if (size > budget->left) {
                budget->refused++;
                return false;
        }
        budget->left -= size;
        return true;
}

/* The pool and its only cache end together, with nothing in use. */
static void end(struct cop__pool *pool, struct cop__pool_cache *cache)
{
        ck_assert_int_eq(cop__pool_balance(pool), 0);
        cop__pool_cache_fini(cache);
        ck_assert_int_eq(cop__pool_balance(pool), 0);
        cop__pool_fini(pool);
}

TEST(each_size_has_the_smallest_class_that_holds_it)
{
        for (size_t size = 0; size <= COP__POOL_SIZE_MAX; size++) {
                uint8_t class = cop__pool_class(size);
                ck_assert_uint_lt(class, COP__POOL_CLASSES);
                ck_assert_uint_ge(cop__pool_block_size(class), size);
                if (class > 0)
                        ck_assert_uint_lt(cop__pool_block_size((uint8_t)(class - 1)), size);
        }
        ck_assert_uint_eq(cop__pool_class(COP__POOL_SIZE_MAX + 1), COP__POOL_CLASS_NONE);
        ck_assert_uint_eq(cop__pool_class(SIZE_MAX), COP__POOL_CLASS_NONE);
}

TEST(an_unused_pool_maps_nothing)
{
        struct cop__pool pool;
        struct cop__pool_cache cache;
        cop__pool_init(&pool, NULL);
        cop__pool_cache_init(&cache, &pool);
        ck_assert_uint_eq(cop__pool_mapped(&pool), 0);
        end(&pool, &cache);
}

TEST(blocks_are_aligned_and_apart)
{
        struct cop__pool pool;
        struct cop__pool_cache cache;
        static void *blocks[COP__POOL_CLASSES][HELD];
        cop__pool_init(&pool, NULL);
        cop__pool_cache_init(&cache, &pool);
        for (int i = 0; i < HELD; i++)
                for (uint8_t class = 0; class < COP__POOL_CLASSES; class++) {
                        void *block = cop__pool_take(&cache, class);
                        ck_assert_ptr_nonnull(block);
                        size_t size = cop__pool_block_size(class);
                        size_t alignment = size % 64 == 0 ? 64 : size % 32 == 0 ? 32 : 8;
                        ck_assert_uint_eq((uintptr_t)block % alignment, 0);
                        stamp_put(block, class, (uint64_t)i);
                        blocks[class][i] = block;
                }
        for (int i = 0; i < HELD; i++)
                for (uint8_t class = 0; class < COP__POOL_CLASSES; class++) {
                        ck_assert_uint_eq(stamp_check(blocks[class][i], (uint64_t)i), class);
                        cop__pool_give(&cache, class, blocks[class][i]);
                }
        end(&pool, &cache);
}

TEST(the_block_given_last_is_taken_first)
{
        struct cop__pool pool;
        struct cop__pool_cache cache;
        cop__pool_init(&pool, NULL);
        cop__pool_cache_init(&cache, &pool);
        void *block = cop__pool_take(&cache, 2);
        cop__pool_give(&cache, 2, block);
        ck_assert_ptr_eq(cop__pool_take(&cache, 2), block);
        cop__pool_give(&cache, 2, block);
        end(&pool, &cache);
}

TEST(a_block_not_given_back_shows_in_the_balance)
{
        struct cop__pool pool;
        struct cop__pool_cache one;
        struct cop__pool_cache other;
        cop__pool_init(&pool, NULL);
        cop__pool_cache_init(&one, &pool);
        cop__pool_cache_init(&other, &pool);
        void *blocks[3];
        for (int i = 0; i < 3; i++)
                blocks[i] = cop__pool_take(&one, 0);
        ck_assert_int_eq(cop__pool_balance(&pool), 3);
        cop__pool_give(&other, 0, blocks[0]);
        ck_assert_int_eq(cop__pool_balance(&pool), 2);
        cop__pool_cache_fini(&one);
        ck_assert_int_eq(cop__pool_balance(&pool), 2);
        cop__pool_give(&other, 0, blocks[1]);
        cop__pool_give(&other, 0, blocks[2]);
        end(&pool, &other);
}

/* Takes until memory is short; says how many. */
static size_t take_all(struct cop__pool_cache *cache, uint8_t class, void **first)
{
        size_t count = 0;
        void **block;
        while ((block = cop__pool_take(cache, class))) {
                *block = *first;
                *first = block;
                count++;
        }
        return count;
}

static void give_all(struct cop__pool_cache *cache, uint8_t class, void **first)
{
        while (*first) {
                void **block = *first;
                *first = *block;
                cop__pool_give(cache, class, block);
        }
}

TEST(without_memory_there_is_no_block_until_one_is_given)
{
        struct budget budget = { .left = (size_t)1 << 20 };
        struct cop__pool_options options = { .may_map = within_budget, .context = &budget };
        for (uint8_t class = 0; class < COP__POOL_CLASSES; class++) {
                struct cop__pool pool;
                struct cop__pool_cache cache;
                void *first = NULL;
                budget.left = (size_t)1 << 20;
                cop__pool_init(&pool, &options);
                cop__pool_cache_init(&cache, &pool);
                size_t count = take_all(&cache, class, &first);
                ck_assert_int_gt(budget.refused, 0);
                /* At most the slabs' headers and a block at the end of each span of 64 KiB are lost. */
                size_t spans = cop__pool_mapped(&pool) >> 16;
                ck_assert_uint_ge((count + 8 + spans) * cop__pool_block_size(class),
                                  cop__pool_mapped(&pool));
                ck_assert_ptr_null(cop__pool_take(&cache, class));
                ck_assert_int_eq(cop__pool_balance(&pool), (int64_t)count);

                void *last = first;
                first = *(void **)first;
                cop__pool_give(&cache, class, last);
                ck_assert_ptr_eq(cop__pool_take(&cache, class), last);
                cop__pool_give(&cache, class, last);

                budget.left = SIZE_MAX;
                void *more = NULL;
                struct budget none = { 0 };
                pool.options.context = &none;
                ck_assert_uint_eq(take_all(&cache, class, &more), 1);
                give_all(&cache, class, &more);
                give_all(&cache, class, &first);
                end(&pool, &cache);
        }
}

TEST(a_first_mapping_that_fails_is_tried_again)
{
        struct budget budget = { .left = 0 };
        struct cop__pool_options options = { .may_map = within_budget, .context = &budget };
        struct cop__pool pool;
        struct cop__pool_cache cache;
        cop__pool_init(&pool, &options);
        cop__pool_cache_init(&cache, &pool);
        ck_assert_ptr_null(cop__pool_take(&cache, 5));
        ck_assert_ptr_null(cop__pool_take(&cache, 5));
        ck_assert_uint_eq(cop__pool_mapped(&pool), 0);
        budget.left = SIZE_MAX;
        void *block = cop__pool_take(&cache, 5);
        ck_assert_ptr_nonnull(block);
        cop__pool_give(&cache, 5, block);
        end(&pool, &cache);
}

#if !COP__ASAN && !COP__TSAN
/* The sanitizers' own mappings would fail too. */
TEST(when_the_system_refuses_memory_there_is_no_block)
{
        struct cop__pool pool;
        struct cop__pool_cache cache;
        cop__pool_init(&pool, NULL);
        cop__pool_cache_init(&cache, &pool);
        struct rlimit before;
        ck_assert_int_eq(getrlimit(RLIMIT_AS, &before), 0);
        struct rlimit none = { .rlim_cur = 1, .rlim_max = before.rlim_max };
        ck_assert_int_eq(setrlimit(RLIMIT_AS, &none), 0);
        void *probe = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        void *block = cop__pool_take(&cache, 0);
        ck_assert_int_eq(setrlimit(RLIMIT_AS, &before), 0);
        if (probe == MAP_FAILED) {
                ck_assert_ptr_null(block);
                ck_assert_uint_eq(cop__pool_mapped(&pool), 0);
        } else {
                /* An emulator keeps the limit to itself, so nothing can be shown. */
                munmap(probe, 4096);
                cop__pool_give(&cache, 0, block);
        }
        end(&pool, &cache);
}
#endif

TEST(what_an_ended_cache_had_serves_the_next)
{
        struct cop__pool pool;
        struct cop__pool_cache cache;
        cop__pool_init(&pool, NULL);
        size_t mapped = 0;
        for (int round = 0; round < 50; round++) {
                void *first = NULL;
                cop__pool_cache_init(&cache, &pool);
                for (int i = 0; i < HELD; i++) {
                        void **block = cop__pool_take(&cache, 4);
                        *block = first;
                        first = block;
                }
                give_all(&cache, 4, &first);
                cop__pool_cache_fini(&cache);
                if (round == 0)
                        mapped = cop__pool_mapped(&pool);
        }
        /* A short magazine on top of a cache's 1000 may ask for a few blocks more. */
        ck_assert_uint_eq(cop__pool_mapped(&pool), mapped);
        ck_assert_int_eq(cop__pool_balance(&pool), 0);
        cop__pool_fini(&pool);
}

/* Two caches, any order of operations, every magazine size from the smallest. */
static void exercise(uint32_t magazine_max, uint64_t seed)
{
        struct cop__pool pool;
        struct cop__pool_cache caches[2];
        struct cop__pool_options options = { .magazine_max = magazine_max };
        static void *blocks[HELD];
        static uint64_t numbers[HELD];
        int64_t held = 0;
        memset(blocks, 0, sizeof(blocks));
        cop__pool_init(&pool, &options);
        for (int i = 0; i < 2; i++)
                cop__pool_cache_init(&caches[i], &pool);
        for (int step = 0; step < 200000; step++) {
                uint32_t i = cop__random_below(&seed, HELD);
                struct cop__pool_cache *cache = &caches[cop__random_below(&seed, 2)];
                if (blocks[i]) {
                        cop__pool_give(cache, stamp_check(blocks[i], numbers[i]), blocks[i]);
                        blocks[i] = NULL;
                        held--;
                } else {
                        uint8_t class = (uint8_t)cop__random_below(&seed, COP__POOL_CLASSES);
                        blocks[i] = cop__pool_take(cache, class);
                        REQUIRE(blocks[i]);
                        numbers[i] = cop__random_next(&seed);
                        stamp_put(blocks[i], class, numbers[i]);
                        held++;
                }
                if (step % 1024 == 0)
                        ck_assert_int_eq(cop__pool_balance(&pool), held);
        }
        for (int i = 0; i < HELD; i++)
                if (blocks[i])
                        cop__pool_give(&caches[i % 2], stamp_check(blocks[i], numbers[i]),
                                       blocks[i]);
        cop__pool_cache_fini(&caches[0]);
        end(&pool, &caches[1]);
}

TEST(no_block_is_in_two_hands)
{
        static const uint32_t sizes[] = { 0, 1, 2, 7 };
        for (size_t i = 0; i < COP__COUNT(sizes); i++)
                exercise(sizes[i], i);
}

/* --- several threads --------------------------------------------------------- */

/* What two threads pass blocks through: one writes `put`, the other `got`. */
struct belt {
        struct cop__pool *pool;
        uint64_t total;
        COP__LINE_ALIGNED uint64_t put;
        COP__LINE_ALIGNED uint64_t got;
        void *blocks[256];
};

static void *consume(void *argument)
{
        struct belt *belt = argument;
        struct cop__pool_cache cache;
        cop__pool_cache_init(&cache, belt->pool);
        for (uint64_t got = 0; got < belt->total; got++) {
                while (cop__load_acquire(&belt->put) == got)
                        sched_yield();
                void *block = belt->blocks[got % COP__COUNT(belt->blocks)];
                cop__pool_give(&cache, stamp_check(block, got), block);
                cop__store_release(&belt->got, got + 1);
        }
        cop__pool_cache_fini(&cache);
        return NULL;
}

static void pass_blocks(uint32_t magazine_max, uint64_t total)
{
        struct cop__pool pool;
        struct cop__pool_options options = { .magazine_max = magazine_max };
        struct cop__pool_cache cache;
        struct belt belt = { .pool = &pool, .total = total };
        pthread_t consumer;
        cop__pool_init(&pool, &options);
        cop__pool_cache_init(&cache, &pool);
        ck_assert_int_eq(pthread_create(&consumer, NULL, consume, &belt), 0);
        for (uint64_t put = 0; put < total; put++) {
                while (put - cop__load_acquire(&belt.got) == COP__COUNT(belt.blocks))
                        sched_yield();
                void *block = cop__pool_take(&cache, put % 3);
                REQUIRE(block);
                stamp_put(block, put % 3, put);
                belt.blocks[put % COP__COUNT(belt.blocks)] = block;
                cop__store_release(&belt.put, put + 1);
        }
        pthread_join(consumer, NULL);
        /* Of three classes: the belt and four magazines each are far below one slab. */
        ck_assert_uint_eq(cop__pool_mapped(&pool), (size_t)256 << 10);
        end(&pool, &cache);
}

TEST_WITHIN(ten_million_blocks_freed_elsewhere_need_one_slab, 120)
{
        pass_blocks(0, suite_is_slow() ? 300000 : 10000000);
}

TEST(blocks_freed_elsewhere_return_one_by_one_too)
{
        pass_blocks(1, suite_is_slow() ? 100000 : 1000000);
}

/* ---- Ebb ----------------------------------------------------------------------------- */

#define BURST 100000

static size_t ebb(struct cop__pool *pool)
{
        size_t bytes = 0;
        cop__pool_ebb_begin(pool);
        while (!cop__pool_ebb(pool, 8, &bytes))
                continue;
        return bytes;
}

/* Takes so many and stamps them, so that their pages are there. */
static void take_burst(struct cop__pool_cache *cache, uint8_t class, void **blocks, uint64_t count)
{
        for (uint64_t i = 0; i < count; i++) {
                blocks[i] = cop__pool_take(cache, class);
                REQUIRE(blocks[i]);
                stamp_put(blocks[i], class, i);
        }
}

static void give_burst(struct cop__pool_cache *cache, uint8_t class, void **blocks, uint64_t count)
{
        for (uint64_t i = 0; i < count; i++) {
                stamp_check(blocks[i], i);
                cop__pool_give(cache, class, blocks[i]);
        }
}

static void **books_for(uint64_t count)
{
        void **blocks = calloc(count, sizeof(*blocks));
        ck_assert_ptr_nonnull(blocks);
        return blocks;
}

#if !COP__ASAN && !COP__TSAN
static size_t resident(void)
{
        unsigned long size = 0, pages = 0;
        FILE *file = fopen("/proc/self/statm", "r");
        ck_assert_ptr_nonnull(file);
        ck_assert_int_eq(fscanf(file, "%lu %lu", &size, &pages), 2);
        fclose(file);
        return pages * (size_t)sysconf(_SC_PAGESIZE);
}

TEST(after_an_ebb_the_system_has_the_pages_of_a_burst)
{
        struct cop__pool pool;
        struct cop__pool_cache cache;
        void **blocks = books_for(BURST);
        cop__pool_init(&pool, NULL);
        cop__pool_cache_init(&cache, &pool);
        take_burst(&cache, 4, blocks, BURST);
        size_t high = resident();
        give_burst(&cache, 4, blocks, BURST);
        ck_assert_uint_eq(ebb(&pool), 0);
        ebb(&pool);
        ck_assert_uint_lt(resident(), high - (size_t)BURST * 256 / 10 * 9);
        free(blocks);
        end(&pool, &cache);
}
#endif

TEST(what_nobody_has_needed_between_two_ebbs_returns)
{
        struct cop__pool pool;
        struct cop__pool_cache cache;
        void **blocks = books_for(BURST);
        cop__pool_init(&pool, NULL);
        cop__pool_cache_init(&cache, &pool);
        for (int round = 0; round < 3; round++) {
                for (uint8_t class = 0; class < 3; class++) {
                        take_burst(&cache, class, blocks, BURST);
                        give_burst(&cache, class, blocks, BURST);
                }
                ck_assert(cop__pool_is_high(&pool));
                ebb(&pool);
                size_t bytes = ebb(&pool);
                ck_assert_uint_gt(bytes, (size_t)BURST * (64 + 96 + 128) / 10 * 9);
                ck_assert_uint_eq(bytes, cop__pool_returned(&pool));
                ck_assert(!cop__pool_is_high(&pool));
        }
        /* What went is used again before more is mapped. */
        size_t mapped = cop__pool_mapped(&pool);
        take_burst(&cache, 1, blocks, BURST);
        ck_assert_uint_eq(cop__pool_mapped(&pool), mapped);
        give_burst(&cache, 1, blocks, BURST);
        free(blocks);
        end(&pool, &cache);
}

/* A limit that is always near makes slabs small, of half a megabyte: sixteen in each stretch that the index knows. */
TEST(a_blocks_slab_is_found_in_few_steps_among_many)
{
        enum { COUNT = 12800, CLASS = 12, SLAB = 512 << 10 };
        struct cop__pool pool;
        struct cop__pool_cache cache;
        void **blocks = books_for(COUNT);
        cop__pool_init(&pool, NULL);
        cop__pool_cache_init(&cache, &pool);
        for (uint64_t i = 0; i < COUNT; i++) {
                cop__store_relaxed(&pool.limit, cop__pool_mapped(&pool) + SLAB);
                take_burst(&cache, CLASS, blocks + i, 1); /* whose number is 0 */
        }
        ck_assert_uint_ge(cop__pool_mapped(&pool), 90 * (size_t)SLAB);
        ck_assert_uint_le(pool.index_steps, 40);
        for (uint64_t i = 0; i < COUNT; i++)
                give_burst(&cache, CLASS, blocks + (i * 7919) % COUNT, 1);
        ebb(&pool);
        ck_assert_uint_gt(ebb(&pool), (size_t)COUNT * 4096 / 10 * 9);
        free(blocks);
        end(&pool, &cache);
}

TEST(a_burst_that_comes_again_in_time_pays_nothing)
{
        struct cop__pool pool;
        struct cop__pool_cache cache;
        void **blocks = books_for(BURST);
        cop__pool_init(&pool, NULL);
        cop__pool_cache_init(&cache, &pool);
        for (int round = 0; round < 5; round++) {
                take_burst(&cache, 3, blocks, BURST);
                give_burst(&cache, 3, blocks, BURST);
                ck_assert_uint_eq(ebb(&pool), 0);
        }
        free(blocks);
        end(&pool, &cache);
}

TEST(a_block_in_use_keeps_its_bytes_through_an_ebb)
{
        struct cop__pool pool;
        struct cop__pool_cache cache;
        void **blocks = books_for(BURST);
        cop__pool_init(&pool, NULL);
        cop__pool_cache_init(&cache, &pool);
        take_burst(&cache, 0, blocks, BURST);
        for (uint64_t i = 0; i < BURST; i++)
                if (i % 5000 != 0)
                        cop__pool_give(&cache, 0, blocks[i]);
        ebb(&pool);
        ck_assert_uint_gt(ebb(&pool), 0);
        for (uint64_t i = 0; i < BURST; i += 5000)
                stamp_check(blocks[i], i);
        /* Their spans serve the next before more pages are asked for. */
        size_t returned = cop__pool_returned(&pool);
        void *first = NULL;
        for (int i = 0; i < HELD; i++) {
                void **block = cop__pool_take(&cache, 0);
                *block = first;
                first = block;
        }
        ck_assert_uint_eq(cop__pool_returned(&pool), returned);
        give_all(&cache, 0, &first);
        for (uint64_t i = 0; i < BURST; i += 5000)
                cop__pool_give(&cache, 0, blocks[i]);
        cop__pool_cache_fini(&cache); /* what is on its shelves returns too */
        cop__pool_cache_init(&cache, &pool);
        ebb(&pool);
        ebb(&pool);
        ck_assert_uint_gt(cop__pool_returned(&pool), returned);
        free(blocks);
        end(&pool, &cache);
}

TEST(what_has_ebbed_counts_for_no_limit)
{
        struct cop__pool pool;
        struct cop__pool_cache cache;
        void **blocks = books_for(BURST);
        cop__pool_init(&pool, NULL);
        cop__pool_cache_init(&cache, &pool);
        cop__pool_limit(&pool, (size_t)8 << 20);
        for (int round = 0; round < 20; round++) {
                uint8_t class = round % 2 == 0 ? 0 : 2;
                take_burst(&cache, class, blocks, 30000);
                give_burst(&cache, class, blocks, 30000);
                ebb(&pool);
                ebb(&pool);
        }
        free(blocks);
        end(&pool, &cache);
}

/* Slabs double; where there is no room for the next one any more, a smaller one is had. */
TEST(a_pool_is_filled_up_to_its_limit)
{
        enum { MOST = 20000 };
        const size_t limit = 7 * ((size_t)256 << 10) / 2;
        struct cop__pool pool;
        struct cop__pool_cache cache;
        void **blocks = books_for(MOST);
        size_t count = 0, size = cop__pool_block_size(0);
        cop__pool_init(&pool, NULL);
        cop__pool_cache_init(&cache, &pool);
        cop__pool_limit(&pool, limit);
        while (count < MOST && (blocks[count] = cop__pool_take(&cache, 0)) != NULL)
                count++;
        ck_assert_uint_lt(count, MOST);
        ck_assert_uint_le(cop__pool_mapped(&pool), limit);
        ck_assert_uint_gt(count * size, limit / 2);
        for (size_t i = 0; i < count; i++)
                cop__pool_give(&cache, 0, blocks[i]);
        free(blocks);
        end(&pool, &cache);
}

/* Eight spans of pages, of which seven go. Then a small block asks for a slab of four, of which three are left, and three of pages may come back. */
TEST(what_a_slab_still_has_is_cut_where_no_pages_may_come_back)
{
        enum { PAGE = 4096, SPAN = 64 << 10 };
        const size_t limit = 8 * SPAN;
        struct cop__pool pool;
        struct cop__pool_cache cache;
        uint8_t pages = cop__pool_class(PAGE);
        void *first = NULL;
        cop__pool_init(&pool, NULL);
        cop__pool_cache_init(&cache, &pool);
        cop__pool_limit(&pool, limit);
        take_all(&cache, pages, &first);
        give_all(&cache, pages, &first);
        cop__pool_cache_fini(&cache);
        cop__pool_cache_init(&cache, &pool);
        ebb(&pool);
        ebb(&pool);
        ck_assert_uint_eq(cop__pool_returned(&pool), 7 * SPAN);
        void *small = cop__pool_take(&cache, 0);
        size_t count = take_all(&cache, pages, &first);
        ck_assert_uint_eq(cop__pool_mapped(&pool) - cop__pool_returned(&pool), limit);
        ck_assert_uint_ge((count + 3) * PAGE, limit - SPAN); /* but the small one's span, and where headers lie */
        give_all(&cache, pages, &first);
        cop__pool_give(&cache, 0, small);
        end(&pool, &cache);
}

struct tide {
        struct cop__pool *pool;
        uint32_t over; /* atomic */
};

static void *ebb_on(void *argument)
{
        struct tide *tide = argument;
        while (!cop__load_relaxed(&tide->over))
                ebb(tide->pool);
        return NULL;
}

struct hands {
        struct cop__pool *pool;
        uint64_t thread;
        uint64_t two_hands; /* how often a block was another thread's too */
};

/* Takes a few blocks and gives them back in another order, over and over. */
static void *take_and_give(void *argument)
{
        struct hands *hands = argument;
        struct cop__pool_cache cache;
        uint64_t seed = hands->thread;
        int rounds = suite_is_slow() ? 30000 : ROUNDS;
        cop__pool_cache_init(&cache, hands->pool);
        for (int round = 0; round < rounds; round++) {
                uint64_t *blocks[HANDS];
                uint32_t count = 1 + cop__random_below(&seed, HANDS);
                for (uint32_t i = 0; i < count; i++) {
                        blocks[i] = cop__pool_take(&cache, 0);
                        REQUIRE(blocks[i]);
                        cop__store_relaxed(&blocks[i][HAND_WORD], hands->thread);
                }
                for (uint32_t i = 0; i < count; i++) {
                        if (cop__load_relaxed(&blocks[i][HAND_WORD]) != hands->thread)
                                hands->two_hands++;
                        cop__pool_give(&cache, 0, blocks[i]);
                }
        }
        cop__pool_cache_fini(&cache);
        return NULL;
}

/*
 * Magazines of one make the depot the centre of everything, and few blocks return to its
 * top in no time. With a pop that compares the head alone it failed in six of six runs,
 * with a quarter of the rounds in one of six.
 */
static void share_a_depot(bool ebbs)
{
        struct cop__pool pool;
        struct cop__pool_options options = { .magazine_max = 1 };
        struct cop__pool_cache cache;
        pthread_t threads[THREADS], moon;
        struct hands hands[THREADS];
        struct tide tide = { &pool, 0 };
        cop__pool_init(&pool, &options);
        if (ebbs)
                ck_assert_int_eq(pthread_create(&moon, NULL, ebb_on, &tide), 0);
        for (uint64_t i = 0; i < THREADS; i++) {
                hands[i] = (struct hands){ .pool = &pool, .thread = i + 1 };
                ck_assert_int_eq(pthread_create(&threads[i], NULL, take_and_give, &hands[i]), 0);
        }
        for (int i = 0; i < THREADS; i++)
                pthread_join(threads[i], NULL);
        cop__store_relaxed(&tide.over, 1);
        if (ebbs)
                pthread_join(moon, NULL);
        for (int i = 0; i < THREADS; i++)
                ck_assert_uint_eq(hands[i].two_hands, 0);

        /* Each block that was ever cut is in the depot, and once. */
        cop__pool_cache_init(&cache, &pool);
        void *first = NULL;
        struct budget none = { 0 };
        pool.options.may_map = within_budget;
        pool.options.context = &none;
        size_t cut = ((size_t)256 << 10) / cop__pool_block_size(0) - 4; /* lines of the slab's own */
        ck_assert_uint_eq(take_all(&cache, 0, &first), cut);
        give_all(&cache, 0, &first);
        end(&pool, &cache);
}

TEST_WITHIN(many_threads_at_one_depot_never_share_a_block, 120)
{
        share_a_depot(false);
}

TEST_WITHIN(many_threads_at_a_depot_that_ebbs_never_share_a_block, 120)
{
        share_a_depot(true);
}

#if COP__ASAN
TEST(a_block_that_was_given_is_poisoned)
{
        struct cop__pool pool;
        struct cop__pool_cache cache;
        cop__pool_init(&pool, NULL);
        cop__pool_cache_init(&cache, &pool);
        for (uint8_t class = 0; class < COP__POOL_CLASSES; class++) {
                char *block = cop__pool_take(&cache, class);
                size_t size = cop__pool_block_size(class);
                ck_assert_ptr_null(__asan_region_is_poisoned(block, size));
                cop__pool_give(&cache, class, block);
                for (size_t i = 0; i < size; i++)
                        if (i < 8 || i >= 16)
                                ck_assert(__asan_address_is_poisoned(block + i));
        }
        end(&pool, &cache);
}
#endif

/* ---- What passes a mark while another goes back over it ------------------------------------------------------- */

#define HALF ((size_t)4 << 20)

struct halves {
        struct cop__pool pool;
        void *first, *second;
};

static void begin_halves(struct halves *halves)
{
        cop__pool_init(&halves->pool, NULL);
        cop__pool_limit(&halves->pool, 2 * HALF);
        halves->first = cop__pool_take_large(&halves->pool, HALF);
        ck_assert_ptr_nonnull(halves->first);
        halves->second = NULL;
}

static void end_halves(struct halves *halves)
{
        cop__pool_give_large(&halves->pool, halves->first, HALF);
        cop__pool_give_large(&halves->pool, halves->second, HALF);
        ck_assert_uint_eq(cop__pool_used(&halves->pool), 0);
        cop__pool_fini(&halves->pool);
}

static void gives_the_first_back(void *argument)
{
        struct halves *halves = argument;
        cop__pool_give_large(&halves->pool, halves->first, HALF);
        halves->first = NULL;
}

static void takes_the_first_again(void *argument)
{
        struct halves *halves = argument;
        halves->first = cop__pool_take_large_owed(&halves->pool, HALF);
        ck_assert_ptr_nonnull(halves->first);
}

/* Nobody counts after that: new work would be refused for ever. */
TEST(a_pool_whose_use_falls_as_somebody_sees_it_pass_the_mark_is_not_over)
{
        struct halves halves;
        begin_halves(&halves);
        cue_act("pool.passes_a_mark", gives_the_first_back, &halves);
        halves.second = cop__pool_take_large(&halves.pool, HALF);
        ck_assert_ptr_nonnull(halves.second);
        ck_assert(cue_has_come("pool.passes_a_mark"));
        ck_assert(!cop__pool_is_over(&halves.pool));
        end_halves(&halves);
}

TEST(a_pool_whose_use_rises_as_somebody_sees_it_fall_below_the_mark_is_over)
{
        struct halves halves;
        begin_halves(&halves);
        halves.second = cop__pool_take_large(&halves.pool, HALF);
        ck_assert(cop__pool_is_over(&halves.pool));
        cue_act("pool.passes_a_mark", takes_the_first_again, &halves);
        void *first = halves.first;
        cop__pool_give_large(&halves.pool, first, HALF);
        ck_assert(cue_has_come("pool.passes_a_mark"));
        ck_assert(cop__pool_is_over(&halves.pool));
        end_halves(&halves);
}

/* ---- A pool whose caches keep nothing --------------------------------------------------------------------- */

static bool refuses_when_told(void *context)
{
        const int *counts = context; /* how often it was asked; whether it is to refuse */
        ((int *)context)[0]++;
        return counts[1] != 0;
}

TEST(where_nothing_is_kept_each_take_asks_and_each_give_is_the_depots)
{
        struct cop__pool pool;
        struct cop__pool_cache cache;
        int counts[2] = { 0, 0 };
        void *blocks[10];
        cop__pool_init(&pool, &(struct cop__pool_options){ .keeps_nothing = true, .refuses = refuses_when_told, .context = counts });
        cop__pool_cache_init(&cache, &pool);
        for (int round = 1; round <= 2; round++) {
                for (int i = 0; i < 10; i++)
                        ck_assert_ptr_nonnull(blocks[i] = cop__pool_take(&cache, 0));
                ck_assert_int_eq(counts[0], round * 10);
                ck_assert_int_eq(cop__pool_balance(&pool), 10);
                for (int i = 0; i < 10; i++)
                        cop__pool_give(&cache, 0, blocks[i]);
                ck_assert_int_eq(cop__pool_balance(&pool), 0);
        }
        counts[1] = 1;
        ck_assert_ptr_null(cop__pool_take(&cache, 0)); /* with all of them at hand elsewhere */
        ck_assert_int_eq(cop__pool_balance(&pool), 0);
        cop__pool_cache_fini(&cache);
        cop__pool_fini(&pool);
}
