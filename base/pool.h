/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Memory for messages: taken on one thread, nearly always given back on another.
 *
 *   thread A's cache                 the pool                    thread B's cache
 *   class 3: loaded o-o-o            depot of class 3            class 3: loaded o
 *            spare  (none)             [o-o-o-o] magazine                 spare  o-o-o-o
 *                     ^                [o-o-o-o] magazine                   |
 *                     |                    |    ^                           |
 *                     +---- when empty ----+    +------ when both full -----+
 *
 * Blocks are kept by size class. A cache belongs to one thread and costs it a pop or a
 * push, no atomic operation. What accumulates on the side that frees returns in whole
 * magazines of N blocks, one atomic operation each, through the depot of the class; so
 * one block costs 1/N of a contended operation. This is Bonwick's and Adams's scheme: a
 * cache has two magazines per class, since with one a thread that takes and gives at its
 * edge would go to the depot each time.
 *
 * When the depot is empty too, N blocks are cut from a span of a slab, a mapping that lives
 * as long as the pool. Now and then somebody lets it ebb: what lay in the depots all the time
 * since the last ebb returns to the spans, and the pages of those that are whole to the
 * system (pool.c). So the pool keeps what the last interval's busiest moment needed, the spans
 * in which some block is still in use, and at most 2 N blocks per class and thread. Its
 * balance, taken minus given, shows a leak.
 *
 * Who may touch what:
 *      the cache           its thread, where neither a fault nor a preemption can leave
 *                          an operation half done
 *      the depots          everyone, lock-free where the machine allows (pool.c); `ebbing` who lets ebb
 *      slabs, spans, cache list  everyone, under the lock
 *      a block             who took it; between give and take, the list it is in
 *
 * A pool may have a limit. It counts what caches have drawn, by the magazine, and large blocks, as they are taken; at seven eighths
 * of the limit it is *over* until it is back at three quarters. While it is over, new work (cop__pool_take_new, large blocks)
 * gets nothing that is not in the cache already; all else goes on until the limit itself.
 *
 * Under AddressSanitizer, and under valgrind in checked builds, a block that was given back is poisoned.
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <ck_stack.h>

#include "base/atomic.h"
#include "base/compiler.h"
#include "base/list.h"
#include "base/lock.h"
#include "base/memcheck.h"
#include "base/stock.h"

#if COP__ASAN
#include <sanitizer/asan_interface.h>
#endif

/*
 * 64 96 128 192 256 384 512 768 1024 1536 2048 3072 4096: powers of two and the steps
 * half way between. A block is at most a third unused beyond 64 bytes (65 of 96), on
 * average a sixth. Below 64, one cache line, nothing would be gained: a message has a
 * header. Above 4096 a message costs more to fill than malloc costs.
 *
 * And 88, aligned to 8 only, which no size leads to: who has many blocks of no more, and knows it, asks for the class.
 */
#define COP__POOL_CLASSES 14
#define COP__POOL_CLASS_88 13
#define COP__POOL_SIZE_MAX 4096
#define COP__POOL_CLASS_NONE UINT8_MAX

extern const uint8_t cop__pool_class_table[COP__POOL_SIZE_MAX / 32 + 1];
extern const uint16_t cop__pool_block_sizes[COP__POOL_CLASSES];

/* The smallest class whose blocks hold `size` bytes; NONE above COP__POOL_SIZE_MAX. */
COP__INLINE uint8_t cop__pool_class(size_t size)
{
        if (COP__UNLIKELY(size > COP__POOL_SIZE_MAX))
                return COP__POOL_CLASS_NONE;
        return cop__pool_class_table[(size + 31) / 32];
}

/* The bytes in each block of a class, all of which are the taker's. */
COP__INLINE size_t cop__pool_block_size(uint32_t class)
{
        return cop__pool_block_sizes[class];
}

/*
 * A free block. The first word links the blocks of one magazine. The others mean
 * something only in a magazine's first block while the magazine is in the depot.
 */
struct cop__pool_block {
        struct cop__pool_block *next;
        ck_stack_entry_t in_depot;
        uint64_t count;
};

/* The full magazines of one class; the others' lines stay out of its traffic. */
struct cop__pool_depot {
        ck_stack_t stack;
        struct cop__lock lock; /* for where the stack is not lock-free */
        uint32_t count;        /* atomic; magazines, those on their way in or out included */
        uint32_t least;        /* atomic, advice: that there have been since the last ebb began */
        uint32_t ebbing;       /* that are still to go, in this ebb */
} COP__LINE_ALIGNED;

/* Where one class is cut, under the pool's lock. */
struct cop__pool_class {
        struct cop__list partial;      /* spans to which some blocks have returned */
        struct cop__list bare;         /* spans whose pages the system has */
        struct cop__pool_span *newest; /* which is being cut: */
        char *free_from, *free_to;     /* what is left of it */
};

/* All zero is the ordinary pool. */
struct cop__pool_options {
        /* Upper bound of N, 0 for none; with 1, each second operation is a rare one. */
        uint32_t magazine_max;
        /* N is 0: a cache has nothing at hand, and each operation is a rare one. */
        bool keeps_nothing;
        /* Asked, under the pool's lock, before memory is mapped; false is out of memory. */
        bool (*may_map)(void *context, size_t size);
        /* Asked by each take that finds its loaded magazine empty, as each does where nothing is kept; true is out of memory. */
        bool (*refuses)(void *context);
        void *context;
};

struct cop__pool {
        struct cop__pool_depot depots[COP__POOL_CLASSES];
        struct cop__pool_options options;
        size_t mapped;   /* bytes in slabs; read by anyone, written under the lock */
        size_t returned; /* of those, in spans that the system has; likewise */
        size_t limit;  /* atomic; bytes; 0: none */

        /* Counted by the magazine and by the large block, and not at all without a limit. */
        size_t used COP__LINE_ALIGNED; /* atomic; bytes that caches have drawn, and large blocks */
        uint32_t over;                 /* atomic; advice, like all that is decided by it */
        uint64_t refused;              /* atomic; new work */

        struct cop__lock lock; /* for all below; maps memory while held, see carve */
        struct cop__list caches;
        int64_t balance_of_gone; /* of the caches that are no more */
        struct slab *slabs;
        struct cop__pool_index *index; /* of the slabs, for who has a block; atomic, anyone reads */
        uint32_t index_steps;          /* the most that a look into it takes */
        size_t span_next; /* of the newest slab, the first span that no class has */
        struct cop__pool_class classes[COP__POOL_CLASSES];

        struct cop__stockroom stockroom; /* what large blocks come from; its own lock */
};

/*
 * One class in one cache, N being the class's magazine size:
 *      blocks in loaded + room == N
 *      spare is NULL or a chain of exactly N; NULL when N is 0
 */
struct cop__pool_shelf {
        struct cop__pool_block *loaded;
        struct cop__pool_block *spare;
        uint32_t room;
        uint32_t magazine_size; /* N */
};

/* blocks in use = drawn - blocks on the shelves, so the fast paths count nothing. */
struct cop__pool_cache {
        struct cop__pool_shelf shelves[COP__POOL_CLASSES];
        int64_t drawn; /* from depots and slabs, less what went back */
        struct cop__pool *pool;
        struct cop__list in_pool;
        struct cop__stock stock; /* the thread's: see cop__stock_become */
} COP__LINE_ALIGNED;

/* `options` may be NULL, and is copied. Maps nothing yet; cannot fail. */
void cop__pool_init(struct cop__pool *pool, const struct cop__pool_options *options);

/* Unmaps every slab, so every block must be out of use and every cache ended. */
void cop__pool_fini(struct cop__pool *pool);

/* Cannot fail. Any thread may do it, but from then on only one uses the cache. */
void cop__pool_cache_init(struct cop__pool_cache *cache, struct cop__pool *pool);

/* Hands all its blocks to the depots. Any thread, once the cache's own has stopped. */
void cop__pool_cache_fini(struct cop__pool_cache *cache);

/*
 * Blocks taken and not given back, over all caches that are or were. Exact only while
 * no thread takes or gives, and only then free of races.
 */
int64_t cop__pool_balance(struct cop__pool *pool);

/* From now on the pool counts and is limited, and keeps an eighth of the limit in stock at most.
 * Before any block is taken that is given back. */
void cop__pool_limit(struct cop__pool *pool, size_t limit);

/* Bytes in use; 0 without a limit. Any thread, any time. */
size_t cop__pool_used(const struct cop__pool *pool);

COP__INLINE bool cop__pool_is_over(const struct cop__pool *pool)
{
        return COP__UNLIKELY(cop__load_relaxed(&pool->over) != 0);
}

/* Counts what somebody else has refused since the pool is over. */
void cop__pool_refuse(struct cop__pool *pool);

/* A block of any size from the calling thread's stock (stock.h), counted; NULL: no memory, or the
 * pool is over. Given back with the same size. */
void *cop__pool_take_large(struct cop__pool *pool, size_t size);
/* Also while the pool is over, up to its limit: for what is no new work. */
void *cop__pool_take_large_owed(struct cop__pool *pool, size_t size);
void cop__pool_give_large(struct cop__pool *pool, void *block, size_t size);

/* Bytes mapped from the system, and of those what it has back. Any thread, any time. */
size_t cop__pool_mapped(const struct cop__pool *pool);
size_t cop__pool_returned(const struct cop__pool *pool);

/*
 * An ebb: begin takes note of what has not been needed since the last begin; then each call returns
 * up to `most` magazines of that, and adds to *bytes what went back to the system. False: there is
 * more. One thread at a time; any thread, also one without a cache.
 */
void cop__pool_ebb_begin(struct cop__pool *pool);
bool cop__pool_ebb(struct cop__pool *pool, uint32_t most, size_t *bytes);

/* Is there anything in the depots that may ebb one day? As advice. */
bool cop__pool_is_high(const struct cop__pool *pool);

/* The rare halves of take and give. */
void *cop__pool_take_elsewhere(struct cop__pool_cache *cache, uint8_t class);
void *cop__pool_take_new_elsewhere(struct cop__pool_cache *cache, uint8_t class);
void cop__pool_give_elsewhere(struct cop__pool_cache *cache, uint8_t class, void *block);

/*
 * The poison leaves out the link of the depot, which a pop that is about to fail may
 * read at any time (pool.c).
 */
COP__INLINE void cop__pool_poison(void *block, uint32_t class)
{
#if COP__ASAN
        size_t depot_at = offsetof(struct cop__pool_block, in_depot);
        size_t depot_end = depot_at + sizeof(ck_stack_entry_t);
        __asan_poison_memory_region(block, depot_at);
        __asan_poison_memory_region((char *)block + depot_end,
                                    cop__pool_block_size(class) - depot_end);
#elif COP__MEMCHECK
        cop__memcheck_forbid(block, cop__pool_block_size(class));
        cop__memcheck_allow(&((struct cop__pool_block *)block)->in_depot, sizeof(ck_stack_entry_t));
#else
        (void)block;
        (void)class;
#endif
}

COP__INLINE void cop__pool_unpoison(void *block, size_t size)
{
#if COP__ASAN
        __asan_unpoison_memory_region(block, size);
#else
        cop__memcheck_allow(block, size);
#endif
}

/* As below, but NULL too when the loaded magazine is empty. */
COP__INLINE void *cop__pool_take_quick(struct cop__pool_cache *cache, uint32_t class)
{
        struct cop__pool_shelf *shelf = &cache->shelves[class];
        struct cop__pool_block *block = shelf->loaded;
        if (COP__UNLIKELY(!block))
                return NULL;
        cop__pool_unpoison(block, COP__ASAN || COP__MEMCHECK ? cop__pool_block_size(class) : 0);
        shelf->loaded = block->next;
        shelf->room++;
        cop__memcheck_undefine(block, cop__pool_block_size(class));
        return block;
}

/*
 * A block of the class, its content undefined, or NULL when memory is short. Aligned to
 * 64 bytes where the block size is a multiple of 64, else to 32; of 88, to 8.
 */
COP__INLINE void *cop__pool_take(struct cop__pool_cache *cache, uint8_t class)
{
        void *block = cop__pool_take_quick(cache, class);
        return COP__LIKELY(block != NULL) ? block : cop__pool_take_elsewhere(cache, class);
}

/* The same for new work, which a pool that is over gives nothing from outside the cache. */
COP__INLINE void *cop__pool_take_new(struct cop__pool_cache *cache, uint8_t class)
{
        if (COP__UNLIKELY(!cache->shelves[class].loaded))
                return cop__pool_take_new_elsewhere(cache, class);
        return cop__pool_take(cache, class);
}

/* Taken: `block` came from a cache of the same pool, on any thread, with this class. */
COP__INLINE void cop__pool_give(struct cop__pool_cache *cache, uint32_t class, void *block)
{
        struct cop__pool_shelf *shelf = &cache->shelves[class];
        struct cop__pool_block *given = block;
        COP__KEEP(shelf);
        if (COP__UNLIKELY(shelf->room == 0)) {
                cop__pool_give_elsewhere(cache, (uint8_t)class, block);
                return;
        }
        given->next = shelf->loaded;
        shelf->loaded = given;
        shelf->room--;
        cop__pool_poison(block, class);
}

#endif
