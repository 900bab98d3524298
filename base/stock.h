/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Stock: blocks of malloc's that were given back, kept for who wants such a one next.
 *
 *   thread A's stock                 the stockroom of a node          thread B's stock
 *   64 KiB: loaded o                 64 KiB: [o] [o] [o]              64 KiB: loaded
 *           spare  o       <------   a batch at a time   ------>              spare  o
 *                                           |
 *                          (more than it may keep: back to malloc)
 *
 * The C library gives the end of its heap back to the system as soon as 128 KiB of it are free,
 * and so the pages of a message of 64 KiB are cleared by the system for each one anew: that takes
 * many times as long as to copy it. So bodies of messages, shared bytes and what actors have by
 * cop_alloc come from here.
 *
 * Bounded: a thread keeps COP__STOCK_AT_HAND bytes and a batch at most, and its node's stockroom
 * COP__STOCK_KEPT. What is more goes back at once, the pages of large ones to the system, wherever
 * in malloc's heap they lie: after a burst memory falls to that.
 *
 * Shared bytes belong to no node and may outlive it, so a block must bear no trace of where it
 * came from: each is malloc's, any thread may give it back, one without a stock frees it, and so
 * the calling thread's stock is found by a thread-local.
 *
 * Who may touch what
 *      a stock         its thread, where neither a fault nor a preemption can leave an operation
 *                      half done
 *      a stockroom     everyone, under its lock, once for each batch: 32 KiB of blocks, or one
 *                      that is larger
 *      a block         who took it
 *
 * Under AddressSanitizer nothing is kept, so that it sees who uses what was given back.
 */
#ifndef BASE_STOCK_H
#define BASE_STOCK_H

#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/lock.h"

/*
 * 256, 384, 512, 768 ... 786432, 1048576 bytes, each with room for a header besides. Smaller
 * blocks malloc is quick with; larger ones are rare, and their bytes cost more than their pages.
 */
#define COP__STOCK_CLASSES 25
#define COP__STOCK_HEADER ((size_t)64)
#define COP__STOCK_CLASS_NONE UINT8_MAX

struct cop__stock_block;

/*
 * One class, of which a batch is `N` blocks (stock.c): `loaded` has count <= N, `spare` N or none.
 */
struct cop__stock_shelf {
        struct cop__stock_block *loaded, *spare;
        uint32_t count;
};

/* A node's. */
struct cop__stockroom {
        struct cop__lock lock; /* of all below; held for some instructions */
        size_t kept;           /* bytes in all of its batches */
        size_t most;           /* that it may keep */
        struct cop__stock_block *batches[COP__STOCK_CLASSES];
};

/* A thread's. bytes == those of all blocks on its shelves < COP__STOCK_AT_HAND + a batch */
struct cop__stock {
        struct cop__stockroom *room;
        size_t bytes;
        struct cop__stock_shelf shelves[COP__STOCK_CLASSES];
};

/* The class of blocks of so many bytes; NONE: malloc's alone. The bytes in a block of a class. */
uint8_t cop__stock_class(size_t size);
size_t cop__stock_block_size(uint8_t class);

/* Cannot fail. */
void cop__stockroom_init(struct cop__stockroom *room);
void cop__stock_init(struct cop__stock *stock, struct cop__stockroom *room);

/*
 * Frees what is kept. Of a stock: any thread, once its own has become another's; of a room: when
 * nobody has a stock of it.
 */
void cop__stock_fini(struct cop__stock *stock);
void cop__stockroom_fini(struct cop__stockroom *room);

/* Any thread. From now on it keeps less, if `most` is less than COP__STOCK_KEPT. */
void cop__stockroom_limit(struct cop__stockroom *room, size_t most);

/* Bytes that it keeps. Any thread, any time. */
size_t cop__stockroom_kept(struct cop__stockroom *room);

/*
 * What the calling thread takes and gives goes through this stock from here on; NULL: through
 * malloc alone.
 */
void cop__stock_become(struct cop__stock *stock);

/*
 * A block, 16-aligned, its content undefined; NULL: no memory. Any thread gives it back, with the
 * same size; NULL is allowed.
 */
void *cop__stock_take(size_t size);
void cop__stock_give(void *block, size_t size);

#endif
