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
 *  - Ebb (below) gives pages of free blocks back to the system, which makes zeroes of
 *    them. That is one more writer of "anything": a popper that is late reads a zero and
 *    does not use it.
 *
 * This takes a 16-byte compare-and-swap. x86-64 has it. On aarch64 CK's is not used:
 * with LSE its result is inverted (0.7.1), and without, what it reports after a failure
 * is two halves that need not belong together. There, and under ThreadSanitizer, to
 * which the harmless read of a stale link is a race, a lock per depot does the same; it
 * is taken once per magazine.
 *
 * Ebb
 *
 *      magazines in the depot that nobody       the span each block was cut from        the system
 *      has needed since the last ebb       ──►  [o o o . o .]  some of its blocks   ──►  when all are there
 *                                          ◄──                                     ◄──
 *            drawn again: all that a span has             cut again: its next blocks
 *
 * A slab is cut in spans of 64 KiB, a span in blocks of one class, for good. After a burst the
 * depots hold what it has left, and each notes the least that it has held: that much nobody has
 * needed. At an ebb it goes back to the spans it was cut from, and a span that has all its
 * blocks back returns its pages. So what goes up and down within one interval between two ebbs
 * is left alone, and pays nothing.
 *
 * Who may touch what: a span that some blocks have returned to, and one without pages, are in a
 * list of their class, under the pool's lock; what is in neither is in nobody's way. The ebb
 * itself is one thread at a time; takers and givers go on meanwhile. It has a magazine or an
 * empty span in hand only after it has taken it out of the depot or the list, where others find
 * it no more; pages go without the lock.
 *
 * What orders what
 *      a magazine     its push ↔ its pop, by the swap or the depot's lock: what its last users did with the blocks comes before what the
 *                     ebb does, and the next ones
 *      a span         the pool's lock: all its blocks have come before it is found whole, and its pages have gone before it is found bare
 *
 * Half done: a span that was found whole is in the ebb's hand until it is bare. It is in no list, has no block out, and is not the newest, so
 * nobody cuts it and nobody returns to it; only a popper that is late (above) may read in it.
 *
 * Each span's blocks = those returned + those on shelves, in depots and in use; its pages go when the
 * first summand is all, so no block in use is among them, and no shelf's.
 *
 * Lock order: a pool's lock and a depot's lock are never held together.
 */
#define _GNU_SOURCE /* madvise */
#include "base/pool.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/cue.h"
#include "base/random.h"

#if defined(__x86_64__) && defined(CK_F_STACK_POP_MPMC) && !COP__TSAN
#define DEPOT_IS_LOCK_FREE 1
#else
#define DEPOT_IS_LOCK_FREE 0
#endif

/*
 * The first slab of a pool, and the largest: each is about as large as all before it, so that
 * a small node stays small and a large one needs few mappings. Pages that were never
 * cut cost no memory.
 */
#define SLAB_FIRST ((size_t)256 << 10)
#define SLAB_LARGEST ((size_t)8 << 20)

/* So large that a span's blocks are many, and so small that one in use keeps few others. */
#define SPAN_SHIFT 16
#define SPAN ((size_t)1 << SPAN_SHIFT)

/* Where blocks of one class are cut. In no list, but while it waits to be drawn from. */
struct cop__pool_span {
        struct cop__list in_class;       /* `partial` or `bare` of its class */
        struct cop__pool_block *blocks;  /* that have returned to it */
        uint32_t returned;               /* how many */
        uint32_t cut;                    /* how many there are; fewer than fit while it is the class's newest */
        uint8_t class;
};

/*
 * A slab in one of the stretches of SLAB_LARGEST bytes that it touches, of which there are two at most. All of these are a tree in
 * the order of the stretches' mixed numbers, two bits at each step; who comes second to a place lies below it. A link is stored
 * once, under the lock, and nothing is ever taken out; so who looks for a block's slab needs no lock, and takes few steps however
 * many slabs there are.
 *
 *      INDEX   store of a link ↔ the load of it by who looks: the slab's size is visible
 */
struct cop__pool_index {
        struct slab *slab;
        struct cop__pool_index *below[4];
};

/* At the start of each slab, aligned to a span. The first span's blocks begin behind it. */
struct slab {
        struct slab *next;
        size_t size;
        struct cop__pool_index index[2];
        struct cop__pool_span spans[]; /* size / SPAN of them */
};

_Static_assert(sizeof(struct slab) + SLAB_LARGEST / SPAN * sizeof(struct cop__pool_span) <= SPAN / 2,
               "a slab's first span has blocks");
_Static_assert(sizeof(struct cop__pool_block) <= 64, "a free block fits the smallest");
_Static_assert(sizeof(struct cop__pool_cache) % COP__CACHE_LINE == 0, "caches share no line");

const uint16_t cop__pool_block_sizes[COP__POOL_CLASSES] = {
        64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, [COP__POOL_CLASS_88] = 88,
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
#define MAGAZINE_MAX 64u
static const uint32_t magazine_sizes[COP__POOL_CLASSES] = {
        MAGAZINE_MAX, 64, 64, 48, 32, 32, 24, 16, 16, 12, 8, 8, 8, [COP__POOL_CLASS_88] = 64,
};

/* --- the depot --------------------------------------------------------------- */

/* Counted before it can be taken, and taken before it is counted off: the count is never less than what is there. */
static void depot_push(struct cop__pool_depot *depot, struct cop__pool_block *magazine)
{
        cop__add_relaxed(&depot->count, 1);
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
        if (entry == NULL)
                return NULL;
        cop__sub_relaxed(&depot->count, 1);
        return COP__CONTAINER(entry, struct cop__pool_block, in_depot);
}

/* For a taker: what is left now may be the least there has been. Two at once may note the greater: it is advice. */
static struct cop__pool_block *depot_take(struct cop__pool_depot *depot)
{
        struct cop__pool_block *magazine = depot_pop(depot);
        uint32_t left = magazine != NULL ? cop__load_relaxed(&depot->count) : 0;
        if (left < cop__load_relaxed(&depot->least))
                cop__store_relaxed(&depot->least, left);
        return magazine;
}

/* --- spans and slabs ---------------------------------------------------------- */

/*
 * Under AddressSanitizer slabs come from its allocator instead of the system: it finds
 * a slab that was lost, a block used after its pool, and what only a message points at.
 */
static void *slab_map(size_t size)
{
#if COP__ASAN
        void *memory = aligned_alloc(SPAN, size);
        if (memory != NULL)
                memset(memory, 0, sizeof(struct slab) + size / SPAN * sizeof(struct cop__pool_span));
        return memory;
#else
        /* A span more than is needed, for the alignment. */
        char *memory = mmap(NULL, size + SPAN, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED)
                return NULL;
        size_t before = -(uintptr_t)memory & (SPAN - 1);
        if (before > 0)
                munmap(memory, before);
        munmap(memory + before + size, SPAN - before);
        return memory + before;
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

/* May so much more be had from the system? With the lock. */
static bool may_grow(const struct cop__pool *pool, size_t size)
{
        const struct cop__pool_options *options = &pool->options;
        size_t limit = cop__load_relaxed(&pool->limit);
        if (limit > 0 && pool->mapped - pool->returned + size > limit)
                return false;
        return !options->may_map || options->may_map(options->context, size);
}

static bool is_in(const struct slab *slab, const void *block)
{
        return (uintptr_t)block - (uintptr_t)slab < slab->size;
}

static uint64_t path_to(const void *block)
{
        return cop__mix((uintptr_t)block / SLAB_LARGEST);
}

/* With the lock. */
static void enter_index(struct cop__pool *pool, struct slab *slab, struct cop__pool_index *entry, const void *block)
{
        struct cop__pool_index **link = &pool->index;
        uint32_t steps = 1;
        for (uint64_t path = path_to(block); *link != NULL; path <<= 2, steps++)
                link = &(*link)->below[path >> 62];
        *entry = (struct cop__pool_index){ .slab = slab };
        cop__store_release(link, entry); /* INDEX */
        if (steps > pool->index_steps)
                pool->index_steps = steps;
}

static void index_slab(struct cop__pool *pool, struct slab *slab)
{
        const char *last = (const char *)slab + slab->size - 1;
        enter_index(pool, slab, &slab->index[0], slab);
        if ((uintptr_t)last / SLAB_LARGEST != (uintptr_t)slab / SLAB_LARGEST)
                enter_index(pool, slab, &slab->index[1], last);
}

/* With the lock: its spans are not cut yet. */
static bool add_slab(struct cop__pool *pool)
{
        size_t mapped = cop__pool_mapped(pool);
        size_t resident = mapped - pool->returned;
        size_t size = mapped < SLAB_FIRST ? SLAB_FIRST : mapped & ~(SPAN - 1);
        if (size > SLAB_LARGEST)
                size = SLAB_LARGEST;
        size_t limit = cop__load_relaxed(&pool->limit);
        while (limit > 0 && resident + size > limit && size / 2 >= SLAB_FIRST)
                size = size / 2 & ~(SPAN - 1);
        if (!may_grow(pool, size))
                return false;
        struct slab *slab = slab_map(size);
        if (!slab)
                return false;

        slab->next = pool->slabs;
        slab->size = size;
        index_slab(pool, slab);
        pool->slabs = slab;
        pool->span_next = 0;
        cop__store_relaxed(&pool->mapped, mapped + size);
        return true;
}

/* That there is one is known. */
static struct slab *slab_of(struct cop__pool *pool, const void *block)
{
        struct cop__pool_index *at = cop__load_acquire(&pool->index); /* INDEX */
        for (uint64_t path = path_to(block); !is_in(at->slab, block); path <<= 2)
                at = cop__load_acquire(&at->below[path >> 62]); /* INDEX */
        return at->slab;
}

static struct cop__pool_span *span_in(struct slab *slab, const void *block)
{
        return &slab->spans[((uintptr_t)block - (uintptr_t)slab) >> SPAN_SHIFT];
}

/* Where its blocks begin and end. */
struct reach {
        char *from, *to;
};

static struct reach reach_of(struct slab *slab, const struct cop__pool_span *span)
{
        size_t index = (size_t)(span - slab->spans);
        struct reach reach = { (char *)slab + index * SPAN, (char *)slab + (index + 1) * SPAN };
        size_t header = sizeof(*slab) + slab->size / SPAN * sizeof(*span);
        if (index == 0)
                reach.from += (header + COP__CACHE_LINE - 1) / COP__CACHE_LINE * COP__CACHE_LINE;
        return reach;
}

/* With the lock: one whose pages the system has, if they may come back. */
static struct cop__pool_span *take_bare(struct cop__pool *pool, struct cop__pool_class *of)
{
        struct cop__list *bare = cop__list_first(&of->bare);
        if (bare == NULL || !may_grow(pool, SPAN))
                return NULL;
        cop__list_remove(bare);
        cop__store_relaxed(&pool->returned, pool->returned - SPAN);
        return COP__CONTAINER(bare, struct cop__pool_span, in_class);
}

/* With the lock: one that no class has; those of the newest slab count for the limit already. */
static struct cop__pool_span *take_fresh(struct cop__pool *pool)
{
        if ((!pool->slabs || pool->span_next == pool->slabs->size / SPAN) && !add_slab(pool))
                return NULL;
        return &pool->slabs->spans[pool->span_next++];
}

/* With the lock: where the class goes on to be cut. */
static bool open_span(struct cop__pool *pool, uint8_t class)
{
        struct cop__pool_class *of = &pool->classes[class];
        struct cop__pool_span *span = take_bare(pool, of);
        if (span == NULL)
                span = take_fresh(pool);
        if (span == NULL)
                return false;
        span->class = class;
        span->cut = 0;
        struct reach reach = reach_of(slab_of(pool, span), span);
        of->newest = span;
        of->free_from = reach.from;
        of->free_to = reach.to;
        return true;
}

/*
 * With the lock. Cuts `*count` blocks, or as many as the span still has, and says how many; NULL
 * when memory is short. Lines are cut whole, so that each class keeps its alignment.
 *
 * The lock is held across system calls, at most once per 256 KiB of growth; pages are
 * touched after it is given back, when the blocks are linked.
 */
static char *carve(struct cop__pool *pool, uint8_t class, uint32_t *count)
{
        struct cop__pool_class *of = &pool->classes[class];
        size_t block_size = cop__pool_block_size(class);
        if ((size_t)(of->free_to - of->free_from) < block_size && !open_span(pool, class))
                return NULL;
        size_t fit = (size_t)(of->free_to - of->free_from) / block_size;
        if (fit < *count)
                *count = (uint32_t)fit;
        char *blocks = of->free_from;
        size_t lines = (*count * block_size + COP__CACHE_LINE - 1) / COP__CACHE_LINE;
        of->free_from += lines * COP__CACHE_LINE;
        of->newest->cut += *count;
        return blocks;
}

/* Under a sanitizer a free block's words are out of bounds but to us. */
static void link_block(struct cop__pool_block *block, uint8_t class, struct cop__pool_block *next)
{
        cop__pool_unpoison(&block->next, sizeof(block->next));
        block->next = next;
        cop__pool_poison(block, class);
}

static struct cop__pool_block *next_of(struct cop__pool_block *block, uint8_t class)
{
        cop__pool_unpoison(&block->next, sizeof(block->next));
        struct cop__pool_block *next = block->next;
        cop__pool_poison(block, class);
        return next;
}

static void push_magazine(struct cop__pool *pool, uint8_t class, struct cop__pool_block *magazine,
                          uint32_t count)
{
        cop__pool_unpoison(&magazine->count, sizeof(magazine->count));
        magazine->count = count;
        cop__pool_poison(magazine, class);
        depot_push(&pool->depots[class], magazine);
}

static uint32_t magazine_count(struct cop__pool_block *magazine, uint8_t class)
{
        cop__pool_unpoison(&magazine->count, sizeof(magazine->count));
        uint32_t count = (uint32_t)magazine->count;
        cop__pool_poison(magazine, class);
        return count;
}

/* With the lock: all that has returned to some span; NULL: nothing has. */
static struct cop__pool_block *take_returned(struct cop__pool *pool, uint8_t class, uint32_t *count)
{
        struct cop__list *first = cop__list_first(&pool->classes[class].partial);
        if (first == NULL)
                return NULL;
        struct cop__pool_span *span = COP__CONTAINER(first, struct cop__pool_span, in_class);
        struct cop__pool_block *blocks = span->blocks;
        cop__list_remove(first);
        *count = span->returned;
        span->blocks = NULL;
        span->returned = 0;
        return blocks;
}

/* Blocks that a span had: a magazine of at most *count of them, and the rest to the depot. */
static struct cop__pool_block *divide(struct cop__pool *pool, uint8_t class, struct cop__pool_block *first,
                                      uint32_t all, uint32_t *count)
{
        const uint32_t size = *count;
        struct cop__pool_block *magazine = first;
        *count = all < size ? all : size;
        for (uint32_t left = all; left > 0;) {
                uint32_t part = left < size ? left : size;
                struct cop__pool_block *last = first;
                for (uint32_t i = 1; i < part; i++)
                        last = next_of(last, class);
                struct cop__pool_block *rest = next_of(last, class);
                link_block(last, class, NULL);
                if (first != magazine)
                        push_magazine(pool, class, first, part);
                first = rest;
                left -= part;
        }
        return magazine;
}

/* What has returned to a span, else fresh blocks, linked in the order of their addresses; as a magazine. */
static struct cop__pool_block *cut_magazine(struct cop__pool *pool, uint8_t class, uint32_t *count)
{
        uint32_t all;
        size_t block_size = cop__pool_block_size(class);
        cop__lock_lock(&pool->lock);
        struct cop__pool_block *returned = take_returned(pool, class, &all);
        char *at = returned == NULL ? carve(pool, class, count) : NULL;
        cop__lock_unlock(&pool->lock);
        if (returned != NULL)
                return divide(pool, class, returned, all, count);
        if (at == NULL)
                return NULL;
        struct cop__pool_block *first = (struct cop__pool_block *)(void *)at;
        for (uint32_t left = *count; left > 0; left--, at += block_size) {
                struct cop__pool_block *block = (struct cop__pool_block *)(void *)at;
                link_block(block, class, left > 1 ? (struct cop__pool_block *)(void *)(at + block_size) : NULL);
        }
        return first;
}

/* --- ebb ----------------------------------------------------------------------- */

/* The whole pages of an empty span; that in which the slab's header lies stays, and so does locked memory. */
static void return_pages(struct reach reach)
{
        uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
        uintptr_t from = ((uintptr_t)reach.from + page - 1) & ~(page - 1);
        uintptr_t to = (uintptr_t)reach.to & ~(page - 1);
        if (to > from)
                madvise((void *)from, to - from, MADV_DONTNEED);
}

/* With the lock. */
static void return_block(struct cop__pool *pool, struct cop__pool_span *span, struct cop__pool_block *block,
                         struct cop__list *empty)
{
        struct cop__pool_class *of = &pool->classes[span->class];
        link_block(block, span->class, span->blocks);
        span->blocks = block;
        if (span->returned++ == 0)
                cop__list_push_back(&of->partial, &span->in_class);
        if (span->returned < span->cut || span == of->newest)
                return;
        cop__list_remove(&span->in_class);
        cop__list_push_back(empty, &span->in_class);
        span->blocks = NULL;
        span->returned = 0;
}

/*
 * The blocks of a magazine return to their spans; those that are empty then are linked at `empty`. What has to be looked for is found
 * before the lock is taken, and so is in the cache.
 */
static void return_magazine_to_spans(struct cop__pool *pool, uint8_t class, struct cop__pool_block *magazine,
                                     struct cop__list *empty)
{
        struct cop__pool_block *blocks[MAGAZINE_MAX];
        struct cop__pool_span *spans[MAGAZINE_MAX];
        struct slab *slab = slab_of(pool, magazine);
        uint32_t count = 0;
        for (struct cop__pool_block *block = magazine; block != NULL; block = next_of(block, class)) {
                if (!is_in(slab, block))
                        slab = slab_of(pool, block);
                blocks[count] = block;
                spans[count++] = span_in(slab, block);
        }
        cop__lock_lock(&pool->lock);
        for (uint32_t i = 0; i < count; i++)
                return_block(pool, spans[i], blocks[i], empty);
        cop__lock_unlock(&pool->lock);
}

/* Without pages they are bare, and wait to be cut again. */
static size_t return_spans(struct cop__pool *pool, struct cop__list *empty)
{
        size_t bytes = 0;
        COP__LIST_EACH(empty, node, ahead) {
                struct cop__pool_span *span = COP__CONTAINER(node, struct cop__pool_span, in_class);
                return_pages(reach_of(slab_of(pool, span), span));
                cop__lock_lock(&pool->lock);
                cop__list_remove(node);
                cop__list_push_back(&pool->classes[span->class].bare, node);
                cop__store_relaxed(&pool->returned, pool->returned + SPAN);
                cop__lock_unlock(&pool->lock);
                bytes += SPAN;
        }
        return bytes;
}

void cop__pool_ebb_begin(struct cop__pool *pool)
{
        for (uint8_t class = 0; class < COP__POOL_CLASSES; class++) {
                struct cop__pool_depot *depot = &pool->depots[class];
                depot->ebbing = cop__load_relaxed(&depot->least);
                cop__store_relaxed(&depot->least, cop__load_relaxed(&depot->count));
        }
}

/* Up to `most` magazines of one class; how many. */
static uint32_t ebb_class(struct cop__pool *pool, uint8_t class, uint32_t most,
                          struct cop__list *empty)
{
        struct cop__pool_depot *depot = &pool->depots[class];
        uint32_t done = 0;
        for (; depot->ebbing > 0 && done < most; done++) {
                struct cop__pool_block *magazine = depot_pop(depot);
                depot->ebbing = magazine != NULL ? depot->ebbing - 1 : 0; /* none: they were needed after all */
                if (magazine != NULL)
                        return_magazine_to_spans(pool, class, magazine, empty);
        }
        return done;
}

bool cop__pool_ebb(struct cop__pool *pool, uint32_t most, size_t *bytes)
{
        struct cop__list empty;
        cop__list_init(&empty);
        for (uint8_t class = 0; class < COP__POOL_CLASSES; class++)
                most -= ebb_class(pool, class, most, &empty);
        *bytes += return_spans(pool, &empty);
        return most > 0;
}

bool cop__pool_is_high(const struct cop__pool *pool)
{
        for (uint8_t class = 0; class < COP__POOL_CLASSES; class++)
                if (cop__load_relaxed(&pool->depots[class].count) > 0)
                        return true;
        return false;
}

/* --- the limit ---------------------------------------------------------------- */

/* What was drawn before there was a limit has come back, and counts for less than nothing. */
static size_t at_least_none(size_t used)
{
        return used > SIZE_MAX / 2 ? 0 : used;
}

/* By the mark that counts while it is over, or is not. */
static bool is_beyond(size_t used, size_t limit, bool is_over)
{
        return is_over ? at_least_none(used) >= limit - limit / 4 : at_least_none(used) > limit - limit / 8;
}

/*
 * Whoever sees the sum pass a mark says so in `over`. It may have gone back since, by one who found nothing said yet: so who has said
 * something looks at the sum again behind that, as who changes the sum looks at the word behind the change, all in one order (seq). Of
 * the two one comes first, and the other sees it.
 */
static void count_use(struct cop__pool *pool, size_t more, size_t less)
{
        size_t limit = cop__load_relaxed(&pool->limit);
        if (limit == 0)
                return;
        size_t used = cop__add_seq(&pool->used, more - less) + more - less;
        uint32_t over = cop__load_seq(&pool->over);
        while (COP__UNLIKELY(is_beyond(used, limit, over != 0) != (over != 0))) {
                COP__CUE("pool.passes_a_mark");
                over = over == 0;
                cop__store_seq(&pool->over, over);
                used = cop__load_seq(&pool->used);
        }
}

void cop__pool_limit(struct cop__pool *pool, size_t limit)
{
        cop__store_relaxed(&pool->limit, limit);
        cop__stockroom_limit(&pool->stockroom, limit > 0 ? limit / 8 : COP__STOCK_KEPT);
}

size_t cop__pool_used(const struct cop__pool *pool)
{
        return at_least_none(cop__load_relaxed(&pool->used));
}

void cop__pool_refuse(struct cop__pool *pool)
{
        cop__add_relaxed(&pool->refused, 1);
}

static void *take_large(struct cop__pool *pool, size_t size, bool refused)
{
        if (refused) {
                cop__pool_refuse(pool);
                return NULL;
        }
        void *block = cop__stock_take(size);
        if (block)
                count_use(pool, size, 0);
        return block;
}

void *cop__pool_take_large(struct cop__pool *pool, size_t size)
{
        size_t limit = cop__load_relaxed(&pool->limit);
        return take_large(pool, size, cop__pool_is_over(pool) || (limit > 0 && size > limit - limit / 8));
}

void *cop__pool_take_large_owed(struct cop__pool *pool, size_t size)
{
        size_t limit = cop__load_relaxed(&pool->limit), used = cop__pool_used(pool);
        return take_large(pool, size, limit > 0 && (used > limit || size > limit - used));
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
        push_magazine(cache->pool, class, magazine, count);
        cache->drawn -= count;
        count_use(cache->pool, 0, count * cop__pool_block_size(class));
}

/* A magazine from the depot, else from a span; the last one of either may be short. */
static struct cop__pool_block *draw_magazine(struct cop__pool_cache *cache, uint8_t class,
                                             uint32_t *count)
{
        struct cop__pool_block *magazine = depot_take(&cache->pool->depots[class]);
        if (magazine) {
                *count = magazine_count(magazine, class);
                return magazine;
        }
        *count = cache->shelves[class].magazine_size;
        if (*count == 0)
                *count = 1;
        return cut_magazine(cache->pool, class, count);
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
        shelf->room = shelf->magazine_size - count; /* N is 0: -1, for the moment */
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

/* The loaded magazine is full: it becomes the spare one, and that goes to the depot. Where N is 0 the block does, as one of one. */
COP__NOINLINE void cop__pool_give_elsewhere(struct cop__pool_cache *cache, uint8_t class, void *block)
{
        struct cop__pool_shelf *shelf = &cache->shelves[class];
        if (COP__UNLIKELY(shelf->magazine_size == 0)) {
                link_block(block, class, NULL);
                return_magazine(cache, class, block, 1);
                return;
        }
        if (shelf->spare)
                return_magazine(cache, class, shelf->spare, shelf->magazine_size);
        shelf->spare = shelf->loaded;
        shelf->loaded = NULL;
        shelf->room = shelf->magazine_size;
        cop__pool_give(cache, class, block);
}

/* --- beginning and end ------------------------------------------------------- */

void cop__pool_init(struct cop__pool *pool, const struct cop__pool_options *options)
{
        memset(pool, 0, sizeof(*pool));
        if (options)
                pool->options = *options;
        cop__list_init(&pool->caches);
        for (int class = 0; class < COP__POOL_CLASSES; class++) {
                cop__list_init(&pool->classes[class].partial);
                cop__list_init(&pool->classes[class].bare);
        }
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
                if (pool->options.keeps_nothing)
                        size = 0;
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

size_t cop__pool_returned(const struct cop__pool *pool)
{
        return cop__load_relaxed(&pool->returned);
}
