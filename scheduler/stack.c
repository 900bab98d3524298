/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The pool of stacks. Each stack is in one of three states:
 *
 *                take                  give
 *      cold ------------> taken ------------------> cached (memory kept, last in, first out)
 *        ^                  ^  |                      |
 *        |                  |  | give, cache full     |
 *        |                  +--|----------------------+ take
 *        +---------------------+
 *           memory given back
 *
 * A chunk whose stacks are all cold is unmapped if there is another such chunk. One is
 * kept, so that a load that goes up and down around a chunk's edge does not map and unmap
 * at each step.
 *
 * The lock is a spin lock and not a lock-free stack: what it guards is several words that
 * change together (list, counts, chunk), and a lock-free pop would forbid ever unmapping a
 * chunk, since it reads the next-link of a stack that another thread may have taken. It is
 * taken only when an actor blocks and its worker has no spare. System calls are made
 * outside it, on a stack or a chunk that only the caller can reach then:
 *
 *      mmap of a chunk          before it is in the list
 *      guard, register          after the stack was taken
 *      madvise(DONTNEED)        before the stack is in the chunk's cold list
 *      munmap                   after the chunk has left the list
 */
#define _GNU_SOURCE

#include "scheduler/stack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/atomic.h"

#if COP__ASAN
#include <sanitizer/asan_interface.h>
#endif

#if defined(__has_include)
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#endif
#endif
#ifndef VALGRIND_STACK_REGISTER
#define VALGRIND_STACK_REGISTER(low, high) 0u
#define VALGRIND_STACK_DEREGISTER(id) ((void)(id))
#define VALGRIND_MAKE_MEM_UNDEFINED(low, size) ((void)0)
#endif

/* Newer than the C libraries we build with. */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

/* Linux's default for vm.max_map_count, when it cannot be read. */
#define MAPPINGS_DEFAULT 65530

/* The top of stack i is lowered by (i % COLOURS) cache lines: docs/decisions/stacks.md. */
#define COLOURS 8

struct cop__stack_chunk {
        struct cop__list node;
        struct cop__stack *cold; /* linked by next */
        size_t cold_count;       /* <= count */
        size_t count;
        size_t bytes;
        struct cop__stack stacks[];
};

#if !COP__ASAN && !COP__TSAN
_Static_assert(sizeof(struct cop__stack) == COP__CACHE_LINE, "two takers share no line");
_Static_assert(sizeof(struct cop__stack_chunk) == COP__CACHE_LINE, "63 and it fill a page");
#endif

static struct cop__stack_chunk *chunk_of(struct cop__list *node)
{
        return COP__CONTAINER(node, struct cop__stack_chunk, node);
}

static size_t round_up(size_t size, size_t to)
{
        return (size + to - 1) / to * to;
}

/* ---- Guards ------------------------------------------------------------------------- */

/*
 * Whether the kernel has guards and means it. Emulators (qemu-user) answer 0 to advice
 * they do not know; so the page is then asked to be read, which must fail.
 */
static bool guards_can_be_installed(size_t page)
{
        void *probe = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (probe == MAP_FAILED)
                return false;
        bool works = madvise(probe, page, MADV_GUARD_INSTALL) == 0
                     && madvise(probe, page, MADV_POPULATE_READ) != 0 && errno == EFAULT;
        munmap(probe, page);
        return works;
}

/* Half of the mappings that the process may have are left to the rest of the program. */
static size_t protected_max_default(void)
{
        char text[32] = "";
        long mappings = 0;
        int file = open("/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC);
        if (file >= 0) {
                if (read(file, text, sizeof text - 1) > 0)
                        mappings = strtol(text, NULL, 10);
                close(file);
        }
        return (size_t)(mappings > 0 ? mappings : MAPPINGS_DEFAULT) / 4;
}

static bool guard_by_install(const struct cop__stack *stack)
{
        return madvise((char *)stack->low - stack->guard_size, stack->guard_size,
                       MADV_GUARD_INSTALL) == 0;
}

static bool guard_by_protection(struct cop__stack_pool *pool, const struct cop__stack *stack)
{
        /* Relaxed: a count that bounds, and orders nothing. */
        if (cop__add_relaxed(&pool->protected_count, 1) < pool->options.protected_max
            && mprotect((char *)stack->low - stack->guard_size, stack->guard_size, PROT_NONE) == 0)
                return true;
        cop__add_relaxed(&pool->protected_count, (size_t)-1);
        return false;
}

/*
 * What the pool's probe found may still fail for one stack (locked memory, no mappings
 * left), so each falls back by itself. The canary needs nothing: a page of a fresh mapping
 * is zero, and reading it costs no memory.
 */
static enum cop__stack_guard guard_best(struct cop__stack_pool *pool,
                                        const struct cop__stack *stack)
{
        if (pool->options.guard == COP__STACK_GUARD_INSTALLED && guard_by_install(stack))
                return COP__STACK_GUARD_INSTALLED;
        if (pool->options.guard != COP__STACK_GUARD_CANARY && guard_by_protection(pool, stack))
                return COP__STACK_GUARD_PROTECTED;
        return COP__STACK_GUARD_CANARY;
}

/* On the first take of a stack, and never again. */
static COP__COLD void prepare(struct cop__stack_pool *pool, struct cop__stack *stack)
{
        stack->guard = guard_best(pool, stack);
        stack->valgrind_id = VALGRIND_STACK_REGISTER(stack->low, (char *)stack->low + stack->size);
}

static uint64_t *canary_page(const struct cop__stack_pool *pool, const struct cop__stack *stack)
{
        return (uint64_t *)(void *)((char *)stack->low - pool->page);
}

static __attribute__((no_sanitize("address", "thread"))) bool
canary_is_alive(const struct cop__stack_pool *pool, const struct cop__stack *stack)
{
        const uint64_t *words = canary_page(pool, stack);
        uint64_t all = 0;
        for (size_t i = 0; i < pool->page / sizeof *words; i++)
                all |= words[i];
        return all == 0;
}

static void overrun_default(struct cop__stack *stack, void *unused)
{
        (void)unused;
        fprintf(stderr,
                "your program: an actor has overrun its stack of %zu bytes at %p, and there was no "
                "guard to stop it: memory may be wrong, so the process ends. Less on the stack, "
                "or a larger stack size, is the remedy; a kernel from 6.13 on stops it in time\n",
                stack->size, stack->low);
        abort();
}

static COP__COLD void report_overrun(struct cop__stack_pool *pool, struct cop__stack *stack)
{
        pool->options.overrun(stack, pool->options.overrun_context);
        memset(canary_page(pool, stack), 0, pool->page);
}

/* ---- Chunks ------------------------------------------------------------------------- */

static void init_stack(const struct cop__stack_pool *pool, struct cop__stack_chunk *chunk,
                       size_t index, char *low)
{
        struct cop__stack *stack = &chunk->stacks[index];
        stack->low = low;
        stack->size = pool->options.stack_size - index % COLOURS * COP__CACHE_LINE;
        stack->guard_size = (uint32_t)pool->guard_size;
        stack->chunk = chunk;
        stack->next = chunk->cold;
        chunk->cold = stack;
}

/* Fresh pages are zero, so only what is not zero is written. NULL: no memory. */
static struct cop__stack_chunk *map_chunk_of(const struct cop__stack_pool *pool, size_t count)
{
        size_t header = round_up(sizeof(struct cop__stack_chunk)
                                 + count * sizeof(struct cop__stack), pool->page);
        size_t bytes = header + count * pool->stride;
        char *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
        if (base == MAP_FAILED)
                return NULL;
        /* A huge page under a stack would cost 2 MiB where one page is used. An old kernel's
           refusal means that it has none. */
        madvise(base, bytes, MADV_NOHUGEPAGE);
        struct cop__stack_chunk *chunk = (void *)base;
        chunk->bytes = bytes;
        chunk->count = chunk->cold_count = count;
        for (size_t i = count; i-- > 0;)
                init_stack(pool, chunk, i, base + header + i * pool->stride + pool->guard_size);
        return chunk;
}

/* Where there is no room for many, there may be for one. */
static struct cop__stack_chunk *map_chunk(const struct cop__stack_pool *pool)
{
        struct cop__stack_chunk *chunk;
        size_t count = pool->options.chunk_stacks;
        while (!(chunk = map_chunk_of(pool, count)) && count > 1)
                count = (count + 7) / 8;
        return chunk;
}

static bool unmap_chunk(struct cop__stack_pool *pool, struct cop__stack_chunk *chunk)
{
        size_t protected = 0;
        for (size_t i = 0; i < chunk->count; i++) {
                const struct cop__stack *stack = &chunk->stacks[i];
                protected += stack->guard == COP__STACK_GUARD_PROTECTED;
                if (stack->guard != COP__STACK_GUARD_BEST)
                        VALGRIND_STACK_DEREGISTER(stack->valgrind_id);
        }
        if (munmap(chunk, chunk->bytes) != 0)
                return false;
        cop__add_relaxed(&pool->protected_count, -protected);
        return true;
}

/* Under the lock: the chunk joins the list, on the side that its cold stacks say. */
static void link_chunk(struct cop__stack_pool *pool, struct cop__stack_chunk *chunk)
{
        if (chunk->cold_count > 0)
                cop__list_push_front(&pool->chunks, &chunk->node);
        else
                cop__list_push_back(&pool->chunks, &chunk->node);
}

/* ---- Under the lock: moving a stack ------------------------------------------------- */

static struct cop__stack *pop_cached(struct cop__stack_pool *pool)
{
        struct cop__stack *stack = pool->cached;
        if (stack == NULL)
                return NULL;
        pool->cached = stack->next;
        pool->cached_count--;
        return stack;
}

static struct cop__stack *pop_cold(struct cop__stack_pool *pool)
{
        struct cop__list *first = cop__list_first(&pool->chunks);
        if (first == NULL || chunk_of(first)->cold_count == 0)
                return NULL;
        struct cop__stack_chunk *chunk = chunk_of(first);
        struct cop__stack *stack = chunk->cold;
        pool->whole_count -= chunk->cold_count == chunk->count;
        chunk->cold = stack->next;
        if (--chunk->cold_count == 0) {
                cop__list_remove(&chunk->node);
                link_chunk(pool, chunk);
        }
        return stack;
}

/* The chunk to unmap now, already out of the list, or NULL. */
static struct cop__stack_chunk *push_cold(struct cop__stack_pool *pool, struct cop__stack *stack)
{
        struct cop__stack_chunk *chunk = stack->chunk;
        stack->next = chunk->cold;
        chunk->cold = stack;
        chunk->cold_count++;
        cop__list_remove(&chunk->node);
        if (chunk->cold_count == chunk->count) {
                if (pool->whole_count > 0) {
                        pool->mapped_count -= chunk->count;
                        return chunk;
                }
                pool->whole_count++;
        }
        link_chunk(pool, chunk);
        return NULL;
}

static void add_whole_chunk(struct cop__stack_pool *pool, struct cop__stack_chunk *chunk)
{
        pool->whole_count++;
        pool->mapped_count += chunk->count;
        link_chunk(pool, chunk);
}

/* ---- Taking and giving -------------------------------------------------------------- */

/* Two threads may both come here and map one chunk each: the second is used next. */
static COP__COLD struct cop__stack *take_from_new_chunk(struct cop__stack_pool *pool)
{
        struct cop__stack_chunk *chunk = map_chunk(pool);
        if (chunk == NULL)
                return NULL;
        cop__lock_lock(&pool->lock);
        add_whole_chunk(pool, chunk);
        struct cop__stack *stack = pop_cold(pool);
        pool->taken_count++;
        cop__lock_unlock(&pool->lock);
        return stack;
}

struct cop__stack *cop__stack_take(struct cop__stack_pool *pool)
{
        cop__lock_lock(&pool->lock);
        struct cop__stack *stack = pop_cached(pool);
        if (stack == NULL)
                stack = pop_cold(pool);
        pool->taken_count += stack != NULL;
        cop__lock_unlock(&pool->lock);
        if (stack == NULL)
                stack = take_from_new_chunk(pool);
        if (stack == NULL)
                return NULL;
        stack->next = NULL;
        if (COP__UNLIKELY(stack->guard == COP__STACK_GUARD_BEST))
                prepare(pool, stack);
        /* Valgrind holds that what lies below the last frame is out of bounds. */
        VALGRIND_MAKE_MEM_UNDEFINED(stack->low, stack->size);
        return stack;
}

/* A chunk that cannot be unmapped (that may need a mapping more than there are) is kept. */
static void discard_chunk(struct cop__stack_pool *pool, struct cop__stack_chunk *chunk)
{
        if (unmap_chunk(pool, chunk))
                return;
        cop__lock_lock(&pool->lock);
        add_whole_chunk(pool, chunk);
        cop__lock_unlock(&pool->lock);
}

static void give_cold(struct cop__stack_pool *pool, struct cop__stack *stack)
{
        /* Fails for locked memory only, which then stays: the stack is as good. */
        madvise(stack->low, pool->options.stack_size, MADV_DONTNEED);
        cop__lock_lock(&pool->lock);
        pool->taken_count--;
        struct cop__stack_chunk *chunk = push_cold(pool, stack);
        cop__lock_unlock(&pool->lock);
        if (chunk)
                discard_chunk(pool, chunk);
}

void cop__stack_give(struct cop__stack_pool *pool, struct cop__stack *stack)
{
        cop__context_fini(&stack->context);
#if COP__ASAN
        /* The frames of one that was ended in the middle of a call never clean up. */
        __asan_unpoison_memory_region(stack->low, stack->size);
#endif
        if (stack->guard == COP__STACK_GUARD_CANARY && !canary_is_alive(pool, stack))
                report_overrun(pool, stack);
        cop__lock_lock(&pool->lock);
        bool keep = pool->cached_count < pool->options.cached_max;
        if (keep) {
                stack->next = pool->cached;
                pool->cached = stack;
                pool->cached_count++;
                pool->taken_count--;
        }
        cop__lock_unlock(&pool->lock);
        if (!keep)
                give_cold(pool, stack);
}

/* ---- The pool ----------------------------------------------------------------------- */

static void fill_in_defaults(struct cop__stack_pool *pool)
{
        struct cop__stack_options *options = &pool->options;
        if (options->stack_size == 0)
                options->stack_size = COP__STACK_SIZE_DEFAULT;
        if (options->cached_max == 0)
                options->cached_max = COP__STACKS_CACHED;
        if (options->chunk_stacks == 0)
                options->chunk_stacks = COP__STACKS_IN_CHUNK;
        if (options->overrun == NULL)
                options->overrun = overrun_default;
        if (options->guard == COP__STACK_GUARD_BEST)
                options->guard = guards_can_be_installed(pool->page) ? COP__STACK_GUARD_INSTALLED
                                                                     : COP__STACK_GUARD_PROTECTED;
        if (options->protected_max == 0)
                options->protected_max = protected_max_default();
}

cop_status cop__stack_pool_init_with(struct cop__stack_pool *pool,
                                     const struct cop__stack_options *options)
{
        if (options->stack_size != 0
            && (options->stack_size < COP__STACK_SIZE_MIN
                || options->stack_size > COP__STACK_SIZE_MAX))
                return COP_E_BAD_ARGUMENT;
        memset(pool, 0, sizeof *pool);
        pool->options = *options;
        pool->page = (size_t)sysconf(_SC_PAGESIZE);
        fill_in_defaults(pool);
        pool->options.stack_size = round_up(pool->options.stack_size, pool->page);
        pool->guard_size = round_up(COP__STACK_GUARD, pool->page);
        pool->stride = pool->guard_size + pool->options.stack_size;
        size_t fitting = COP__STACK_CHUNK_MAX / pool->stride;
        if (pool->options.chunk_stacks > fitting)
                pool->options.chunk_stacks = fitting > 0 ? fitting : 1;
        cop__lock_init(&pool->lock);
        cop__list_init(&pool->chunks);
        return COP_OK;
}

cop_status cop__stack_pool_init(struct cop__stack_pool *pool, size_t stack_size)
{
        return cop__stack_pool_init_with(pool, &(struct cop__stack_options){
                .stack_size = stack_size,
        });
}

void cop__stack_pool_fini(struct cop__stack_pool *pool)
{
        COP__LIST_EACH(&pool->chunks, node, ahead)
                unmap_chunk(pool, chunk_of(node));
}

void cop__stack_pool_counts(struct cop__stack_pool *pool, struct cop__stack_counts *counts)
{
        cop__lock_lock(&pool->lock);
        counts->taken = pool->taken_count;
        counts->cached = pool->cached_count;
        counts->mapped = pool->mapped_count;
        cop__lock_unlock(&pool->lock);
}
