/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The rare half of pool.h: magazines between caches and depots, blocks from slabs.
 *
 * The depot is Concurrency Kit's stack with a generation count, linked through the
 * first block of each magazine. Why it is right:
 *
 *  - Push: the owner of a magazine writes the link, then compares and swaps the head.
 *    The swap releases the whole chain. Only the head matters to it: wherever the head
 *    has been meanwhile, the link says what is below if the swap succeeds.
 *  - Pop: reads generation, head, and the head's link, in this order, then swaps head
 *    and generation + 1 as one. Its success says that nothing was popped since the
 *    generation was read and that the head was never another's since it was read, so
 *    the link is that of a magazine in the stack. It acquires what the push released.
 *  - Half done: between a popper's reading of the head and of its link, another may pop
 *    that magazine, use the blocks and write anything there. The first then reads
 *    garbage, but never faults, since a slab is not unmapped while the pool lives and a
 *    block never changes its class; and it never uses what it read, since the
 *    generation has moved and its swap fails. The generation has 64 bits.
 *  - Push and pop run together in any number.
 *
 * This takes a 16-byte compare-and-swap. x86-64 has it. On aarch64 CK's is not used:
 * with LSE its result is inverted (0.7.1), and without, what it reports after a failure
 * is two halves that need not belong together. There, and under ThreadSanitizer, to
 * which the harmless read of a stale link is a race, a lock per depot does the same; it
 * is taken once per magazine.
 *
 * Lock order: a pool's lock and a depot's lock are never held together.
 */
#include "base/pool.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/atomic.h"

#if defined(__x86_64__) && defined(CK_F_STACK_POP_MPMC) && !COP__TSAN
#define DEPOT_IS_LOCK_FREE 1
#else
#define DEPOT_IS_LOCK_FREE 0
#endif

/*
 * The first slab of a pool, and the largest: each is as large as all before it, so that
 * a small node stays small and a large one needs few mappings. Pages that were never
 * cut cost no memory.
 */
#define SLAB_FIRST ((size_t)256 << 10)
#define SLAB_LARGEST ((size_t)8 << 20)

/* At the start of each slab; the blocks begin one cache line further. */
struct slab {
        struct slab *next;
        size_t size;
};

_Static_assert(sizeof(struct slab) <= COP__CACHE_LINE, "blocks start on the second line");
_Static_assert(sizeof(struct cop__pool_block) <= 64, "a free block fits the smallest");
_Static_assert(sizeof(struct cop__pool_cache) % COP__CACHE_LINE == 0, "caches share no line");

const uint16_t cop__pool_block_sizes[COP__POOL_CLASSES] = {
        64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096,
};

/* By size in steps of 32 bytes, rounded up. */
const uint8_t cop__pool_class_table[COP__POOL_SIZE_MAX / 32 + 1] = {
        [0 ... 2] = 0,    [3] = 1,          [4] = 2,          [5 ... 6] = 3,
        [7 ... 8] = 4,    [9 ... 12] = 5,   [13 ... 16] = 6,  [17 ... 24] = 7,
        [25 ... 32] = 8,  [33 ... 48] = 9,  [49 ... 64] = 10, [65 ... 96] = 11,
        [97 ... 128] = 12,
};

/*
 * N per class: 64 of the small ones, so that the depot is forgotten, and fewer of the
 * large, whose use costs more than the depot does: a magazine is 4 to 32 KiB.
 */
static const uint32_t magazine_sizes[COP__POOL_CLASSES] = {
        64, 64, 64, 48, 32, 32, 24, 16, 16, 12, 8, 8, 8,
};

/* --- the depot --------------------------------------------------------------- */

static void depot_push(struct cop__pool_depot *depot, struct cop__pool_block *magazine)
{
#if DEPOT_IS_LOCK_FREE
        ck_stack_push_mpmc(&depot->stack, &magazine->in_depot);
#else
        cop__lock_lock(&depot->lock);
        ck_stack_push_spnc(&depot->stack, &magazine->in_depot);
        cop__lock_unlock(&depot->lock);
#endif
}

static struct cop__pool_block *depot_pop(struct cop__pool_depot *depot)
{
#if DEPOT_IS_LOCK_FREE
        ck_stack_entry_t *entry = ck_stack_pop_mpmc(&depot->stack);
#else
        cop__lock_lock(&depot->lock);
        ck_stack_entry_t *entry = ck_stack_pop_npsc(&depot->stack);
        cop__lock_unlock(&depot->lock);
#endif
        return entry ? COP__CONTAINER(entry, struct cop__pool_block, in_depot) : NULL;
}

/* --- slabs ------------------------------------------------------------------- */

/*
 * Under AddressSanitizer slabs come from its allocator instead of the system: it finds
 * a slab that was lost, a block used after its pool, and what only a message points at.
 */
static void *slab_map(size_t size)
{
#if COP__ASAN
        return aligned_alloc(COP__CACHE_LINE, size);
#else
        void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                            -1, 0);
        return memory == MAP_FAILED ? NULL : memory;
#endif
}

static void slab_unmap(struct slab *slab)
{
#if COP__ASAN
        cop__pool_unpoison(slab, slab->size);
        free(slab);
#else
        munmap(slab, slab->size);
#endif
}

/* With the lock. What is left of the slab before, less than a block, stays unused. */
static bool add_slab(struct cop__pool *pool)
{
        size_t mapped = cop__pool_mapped(pool);
        size_t size = mapped < SLAB_FIRST ? SLAB_FIRST : mapped;
        if (size > SLAB_LARGEST)
                size = SLAB_LARGEST;
        size_t limit = cop__load_relaxed(&pool->limit);
        while (limit > 0 && mapped + size > limit && size > SLAB_FIRST)
                size /= 2;
        if (limit > 0 && mapped + size > limit)
                return false;
        const struct cop__pool_options *options = &pool->options;
        if (options->may_map && !options->may_map(options->context, size))
                return false;
        struct slab *slab = slab_map(size);
        if (!slab)
                return false;

        slab->next = pool->slabs;
        slab->size = size;
        pool->slabs = slab;
        pool->free_from = (char *)slab + COP__CACHE_LINE;
        pool->free_to = (char *)slab + size;
        cop__store_relaxed(&pool->mapped, mapped + size);
        return true;
}

/*
 * Cuts `*count` blocks, or as many as the slab still has, and says how many; NULL when
 * memory is short. Lines are cut whole, so that each class keeps its alignment.
 *
 * The lock is held across a system call, at most once per 256 KiB of growth; pages are
 * touched after it is given back, when the blocks are linked.
 */
static char *carve(struct cop__pool *pool, size_t block_size, uint32_t *count)
{
        cop__lock_lock(&pool->lock);
        if ((size_t)(pool->free_to - pool->free_from) < block_size && !add_slab(pool)) {
                cop__lock_unlock(&pool->lock);
                return NULL;
        }
        size_t fit = (size_t)(pool->free_to - pool->free_from) / block_size;
        if (fit < *count)
                *count = (uint32_t)fit;
        char *blocks = pool->free_from;
        size_t lines = (*count * block_size + COP__CACHE_LINE - 1) / COP__CACHE_LINE;
        pool->free_from += lines * COP__CACHE_LINE;
        cop__lock_unlock(&pool->lock);
        return blocks;
}

/* Fresh blocks as a magazine, linked in the order of their addresses. */
static struct cop__pool_block *carve_magazine(struct cop__pool *pool, uint8_t class,
                                              uint32_t *count)
{
        size_t block_size = cop__pool_block_size(class);
        char *at = carve(pool, block_size, count);
        if (!at)
                return NULL;
        struct cop__pool_block *first = (struct cop__pool_block *)(void *)at;
        for (uint32_t left = *count; left > 0; left--, at += block_size) {
                struct cop__pool_block *block = (struct cop__pool_block *)(void *)at;
                block->next = left > 1 ? (struct cop__pool_block *)(void *)(at + block_size)
                                       : NULL;
                cop__pool_poison(block, class);
        }
        return first;
}

/* --- the limit ---------------------------------------------------------------- */

/*
 * Whoever sees the sum pass a mark says so. Two that pass it in opposite directions at once may leave the wrong word, until the
 * next magazine: it is advice.
 */
static void count_use(struct cop__pool *pool, size_t more, size_t less)
{
        size_t limit = cop__load_relaxed(&pool->limit);
        if (limit == 0)
                return;
        size_t used = cop__add_relaxed(&pool->used, more - less) + more - less;
        bool is_over = cop__load_relaxed(&pool->over) != 0;
        if (!is_over && used > limit - limit / 8)
                cop__store_relaxed(&pool->over, 1);
        else if (is_over && used < limit - limit / 4)
                cop__store_relaxed(&pool->over, 0);
}

void cop__pool_limit(struct cop__pool *pool, size_t limit)
{
        cop__store_relaxed(&pool->limit, limit);
        cop__stockroom_limit(&pool->stockroom, limit > 0 ? limit / 8 : COP__STOCK_KEPT);
}

size_t cop__pool_used(const struct cop__pool *pool)
{
        size_t used = cop__load_relaxed(&pool->used);
        return used > SIZE_MAX / 2 ? 0 : used; /* what was drawn before there was a limit has come back */
}

void *cop__pool_take_large(struct cop__pool *pool, size_t size)
{
        size_t limit = cop__load_relaxed(&pool->limit);
        if (cop__pool_is_over(pool) || (limit > 0 && size > limit - limit / 8)) {
                cop__add_relaxed(&pool->refused, 1);
                return NULL;
        }
        void *block = cop__stock_take(size);
        if (block)
                count_use(pool, size, 0);
        return block;
}

void cop__pool_give_large(struct cop__pool *pool, void *block, size_t size)
{
        if (block)
                count_use(pool, 0, size);
        cop__stock_give(block, size);
}

/* --- between cache and pool -------------------------------------------------- */

static void return_magazine(struct cop__pool_cache *cache, uint8_t class,
                            struct cop__pool_block *magazine, uint32_t count)
{
        cop__pool_unpoison(&magazine->count, sizeof(magazine->count));
        magazine->count = count;
        cop__pool_poison(magazine, class);
        depot_push(&cache->pool->depots[class], magazine);
        cache->drawn -= count;
        count_use(cache->pool, 0, count * cop__pool_block_size(class));
}

/* A magazine from the depot, else from a slab; the last one of either may be short. */
static struct cop__pool_block *draw_magazine(struct cop__pool_cache *cache, uint8_t class,
                                             uint32_t *count)
{
        struct cop__pool_block *magazine = depot_pop(&cache->pool->depots[class]);
        if (magazine) {
                cop__pool_unpoison(&magazine->count, sizeof(magazine->count));
                *count = (uint32_t)magazine->count;
                cop__pool_poison(magazine, class);
                return magazine;
        }
        *count = cache->shelves[class].magazine_size;
        return carve_magazine(cache->pool, class, count);
}

/* The loaded magazine is empty: load the spare one, else draw one, and take from it. */
COP__NOINLINE void *cop__pool_take_elsewhere(struct cop__pool_cache *cache, uint8_t class)
{
        struct cop__pool_shelf *shelf = &cache->shelves[class];
        const struct cop__pool_options *options = &cache->pool->options;
        uint32_t count = shelf->magazine_size;
        struct cop__pool_block *magazine = shelf->spare;
        if (options->refuses && options->refuses(options->context))
                return NULL;
        if (magazine) {
                shelf->spare = NULL;
        } else {
                magazine = draw_magazine(cache, class, &count);
                if (!magazine)
                        return NULL;
                cache->drawn += count;
                count_use(cache->pool, count * cop__pool_block_size(class), 0);
        }
        shelf->loaded = magazine;
        shelf->room = shelf->magazine_size - count;
        return cop__pool_take(cache, class);
}

/* The spare magazine is the cache's own, and was counted when it was drawn. */
COP__NOINLINE void *cop__pool_take_new_elsewhere(struct cop__pool_cache *cache, uint8_t class)
{
        if (cop__pool_is_over(cache->pool) && !cache->shelves[class].spare) {
                cop__add_relaxed(&cache->pool->refused, 1);
                return NULL;
        }
        return cop__pool_take_elsewhere(cache, class);
}

/* The loaded magazine is full: it becomes the spare one, and that goes to the depot. */
COP__NOINLINE void cop__pool_make_room(struct cop__pool_cache *cache, uint8_t class)
{
        struct cop__pool_shelf *shelf = &cache->shelves[class];
        if (shelf->spare)
                return_magazine(cache, class, shelf->spare, shelf->magazine_size);
        shelf->spare = shelf->loaded;
        shelf->loaded = NULL;
        shelf->room = shelf->magazine_size;
}

/* --- beginning and end ------------------------------------------------------- */

void cop__pool_init(struct cop__pool *pool, const struct cop__pool_options *options)
{
        memset(pool, 0, sizeof(*pool));
        if (options)
                pool->options = *options;
        cop__list_init(&pool->caches);
        cop__stockroom_init(&pool->stockroom);
}

void cop__pool_fini(struct cop__pool *pool)
{
        cop__stockroom_fini(&pool->stockroom);
        while (pool->slabs) {
                struct slab *slab = pool->slabs;
                pool->slabs = slab->next;
                slab_unmap(slab);
        }
        memset(pool, 0, sizeof(*pool));
}

void cop__pool_cache_init(struct cop__pool_cache *cache, struct cop__pool *pool)
{
        memset(cache, 0, sizeof(*cache));
        cache->pool = pool;
        cop__stock_init(&cache->stock, &pool->stockroom);
        uint32_t most = pool->options.magazine_max;
        for (uint8_t class = 0; class < COP__POOL_CLASSES; class++) {
                uint32_t size = magazine_sizes[class];
                if (most > 0 && size > most)
                        size = most;
                cache->shelves[class].magazine_size = size;
                cache->shelves[class].room = size;
        }
        cop__lock_lock(&pool->lock);
        cop__list_push_back(&pool->caches, &cache->in_pool);
        cop__lock_unlock(&pool->lock);
}

/* Blocks on one shelf; the rest of what the cache has drawn is in use. */
static uint32_t on_shelf(const struct cop__pool_shelf *shelf)
{
        return shelf->magazine_size - shelf->room + (shelf->spare ? shelf->magazine_size : 0);
}

static int64_t cache_balance(const struct cop__pool_cache *cache)
{
        int64_t balance = cache->drawn;
        for (int class = 0; class < COP__POOL_CLASSES; class++)
                balance -= on_shelf(&cache->shelves[class]);
        return balance;
}

void cop__pool_cache_fini(struct cop__pool_cache *cache)
{
        struct cop__pool *pool = cache->pool;
        cop__stock_fini(&cache->stock);
        for (uint8_t class = 0; class < COP__POOL_CLASSES; class++) {
                struct cop__pool_shelf *shelf = &cache->shelves[class];
                uint32_t loaded = shelf->magazine_size - shelf->room;
                if (loaded > 0)
                        return_magazine(cache, class, shelf->loaded, loaded);
                if (shelf->spare)
                        return_magazine(cache, class, shelf->spare, shelf->magazine_size);
                shelf->loaded = NULL;
                shelf->spare = NULL;
                shelf->room = shelf->magazine_size;
        }
        cop__lock_lock(&pool->lock);
        pool->balance_of_gone += cache_balance(cache);
        cop__list_remove(&cache->in_pool);
        cop__lock_unlock(&pool->lock);
}

int64_t cop__pool_balance(struct cop__pool *pool)
{
        cop__lock_lock(&pool->lock);
        int64_t balance = pool->balance_of_gone;
        COP__LIST_EACH(&pool->caches, node, ahead)
                balance += cache_balance(COP__CONTAINER(node, struct cop__pool_cache, in_pool));
        cop__lock_unlock(&pool->lock);
        return balance;
}

size_t cop__pool_mapped(const struct cop__pool *pool)
{
        return cop__load_relaxed(&pool->mapped);
}
