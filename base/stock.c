/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Blocks that are kept for the next. See stock.h. */
#define _GNU_SOURCE /* madvise */
#include "base/stock.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/memory.h"

/* The smallest class holds 1 << LEAST_SHIFT bytes besides the header. */
#define LEAST_SHIFT 8

/*
 * Blocks from this size on return their pages to the system before they return to malloc: a system
 * call is worth it.
 */
#define PAGES_FROM ((size_t)32 << 10)

/*
 * A free block. The two last mean something in a batch's first block while the batch is in the
 * stockroom.
 */
struct cop__stock_block {
        struct cop__stock_block *next;
        struct cop__stock_block *next_batch;
        uint32_t count;
};

static COP__THREAD_LOCAL struct cop__stock *stock_here;

void cop__stock_become(struct cop__stock *stock)
{
        stock_here = stock;
}

/* ---- Classes ---------------------------------------------------------------------- */

uint8_t cop__stock_class(size_t size)
{
        const size_t least = (size_t)1 << LEAST_SHIFT;
        if (size < least || size > cop__stock_block_size(COP__STOCK_CLASSES - 1))
                return COP__STOCK_CLASS_NONE;
        if (size <= least + COP__STOCK_HEADER)
                return 0;
        size_t load = size - COP__STOCK_HEADER;
        int shift = 63 - __builtin_clzll(load - 1); /* 1 << shift < load <= 2 << shift */
        int half = load <= (size_t)3 << (shift - 1) ? 1 : 2;
        return (uint8_t)(2 * (shift - LEAST_SHIFT) + half);
}

size_t cop__stock_block_size(uint8_t class)
{
        size_t below = (size_t)1 << (LEAST_SHIFT + class / 2);
        return (class % 2 == 0 ? below : below + below / 2) + COP__STOCK_HEADER;
}

/* Blocks in a batch. */
static uint32_t batch_size(uint8_t class)
{
        size_t size = cop__stock_block_size(class);
        return size < COP__STOCK_BATCH ? (uint32_t)(COP__STOCK_BATCH / size) : 1;
}

/* ---- Back to malloc ------------------------------------------------------------------ */

/*
 * The whole pages in a block are the system's again, whatever malloc does with it: that gives only
 * the end of its heap back, on which something else may lie. Beginning and end, where malloc keeps
 * its own, are not touched; what is between reads as zero.
 */
static void drop_pages(void *block, size_t size)
{
        uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
        uintptr_t low = (uintptr_t)block + sizeof(struct cop__stock_block);
        low = (low + page - 1) & ~(page - 1);
        uintptr_t high = ((uintptr_t)block + size) & ~(page - 1);
        if (high > low)
                madvise((void *)low, high - low, MADV_DONTNEED);
}

static void free_batch(struct cop__stock_block *batch, uint8_t class)
{
        size_t size = cop__stock_block_size(class);
        while (batch != NULL) {
                struct cop__stock_block *next = batch->next;
                if (size >= PAGES_FROM)
                        drop_pages(batch, size);
                free(batch);
                batch = next;
        }
}

/* ---- The stockroom --------------------------------------------------------------------- */

void cop__stockroom_init(struct cop__stockroom *room)
{
        memset(room, 0, sizeof(*room));
        room->most = COP__STOCK_KEPT;
}

void cop__stockroom_limit(struct cop__stockroom *room, size_t most)
{
        cop__lock_lock(&room->lock);
        room->most = most < COP__STOCK_KEPT ? most : COP__STOCK_KEPT;
        cop__lock_unlock(&room->lock);
}

size_t cop__stockroom_kept(struct cop__stockroom *room)
{
        cop__lock_lock(&room->lock);
        size_t kept = room->kept;
        cop__lock_unlock(&room->lock);
        return kept;
}

/* Taken. One too many ends. */
static void put_away(struct cop__stockroom *room, uint8_t class, struct cop__stock_block *batch,
                     uint32_t count)
{
        size_t bytes = count * cop__stock_block_size(class);
        batch->count = count;
        cop__lock_lock(&room->lock);
        if (room->kept + bytes <= room->most) {
                room->kept += bytes;
                batch->next_batch = room->batches[class];
                room->batches[class] = batch;
                batch = NULL;
        }
        cop__lock_unlock(&room->lock);
        free_batch(batch, class);
}

/* A batch, and how many are in it; NULL: there is none. */
static struct cop__stock_block *fetch(struct cop__stockroom *room, uint8_t class, uint32_t *count)
{
        cop__lock_lock(&room->lock);
        struct cop__stock_block *batch = room->batches[class];
        if (batch != NULL) {
                room->batches[class] = batch->next_batch;
                room->kept -= batch->count * cop__stock_block_size(class);
                *count = batch->count;
        }
        cop__lock_unlock(&room->lock);
        return batch;
}

void cop__stockroom_fini(struct cop__stockroom *room)
{
        struct cop__stock_block *batch;
        uint32_t count;
        for (uint8_t class = 0; class < COP__STOCK_CLASSES; class++)
                while ((batch = fetch(room, class, &count)) != NULL)
                        free_batch(batch, class);
}

/* ---- A thread's stock ---------------------------------------------------------------------- */

void cop__stock_init(struct cop__stock *stock, struct cop__stockroom *room)
{
        memset(stock, 0, sizeof(*stock));
        stock->room = room;
}

void cop__stock_fini(struct cop__stock *stock)
{
        for (uint8_t class = 0; class < COP__STOCK_CLASSES; class++) {
                free_batch(stock->shelves[class].loaded, class);
                free_batch(stock->shelves[class].spare, class);
        }
        cop__stock_init(stock, stock->room);
}

/* With nothing loaded: the spare batch, or one from the stockroom. */
static void load(struct cop__stock *stock, uint8_t class)
{
        struct cop__stock_shelf *shelf = &stock->shelves[class];
        shelf->loaded = shelf->spare;
        shelf->count = batch_size(class);
        shelf->spare = NULL;
        if (shelf->loaded != NULL)
                return;
        shelf->loaded = fetch(stock->room, class, &shelf->count);
        if (shelf->loaded == NULL)
                shelf->count = 0;
        stock->bytes += shelf->count * cop__stock_block_size(class);
}

static void *take_kept(struct cop__stock *stock, uint8_t class)
{
        struct cop__stock_shelf *shelf = &stock->shelves[class];
        if (shelf->loaded == NULL)
                load(stock, class);
        struct cop__stock_block *block = shelf->loaded;
        if (block != NULL) {
                shelf->loaded = block->next;
                shelf->count--;
                stock->bytes -= cop__stock_block_size(class);
        }
        return block;
}

void *cop__stock_take(size_t size)
{
        uint8_t class = cop__stock_class(size);
        if (cop__memory_refuses()) /* kept or not: it depends on nothing that went before */
                return NULL;
        if (class == COP__STOCK_CLASS_NONE || COP__ASAN)
                return malloc(size);
        void *block = stock_here != NULL ? take_kept(stock_here, class) : NULL;
        return block != NULL ? block : malloc(cop__stock_block_size(class));
}

/* With a full batch loaded: it becomes the spare one, and that goes to the stockroom. */
static void unload(struct cop__stock *stock, uint8_t class)
{
        struct cop__stock_shelf *shelf = &stock->shelves[class];
        if (shelf->spare != NULL) {
                stock->bytes -= shelf->count * cop__stock_block_size(class);
                put_away(stock->room, class, shelf->spare, shelf->count);
        }
        shelf->spare = shelf->loaded;
        shelf->loaded = NULL;
        shelf->count = 0;
}

static void keep(struct cop__stock *stock, uint8_t class, struct cop__stock_block *block)
{
        struct cop__stock_shelf *shelf = &stock->shelves[class];
        size_t size = cop__stock_block_size(class);
        block->next = NULL;
        if (shelf->count == batch_size(class))
                unload(stock, class);
        if (stock->bytes + size > COP__STOCK_AT_HAND) {
                put_away(stock->room, class, block, 1);
                return;
        }
        block->next = shelf->loaded;
        shelf->loaded = block;
        shelf->count++;
        stock->bytes += size;
}

void cop__stock_give(void *block, size_t size)
{
        uint8_t class = cop__stock_class(size);
        if (block == NULL || class == COP__STOCK_CLASS_NONE || COP__ASAN || stock_here == NULL)
                free(block);
        else
                keep(stock_here, class, block);
}
