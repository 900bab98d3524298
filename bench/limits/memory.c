/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Question: what do memory and copying cost?
 *
 * limit_malloc: malloc and free of 64 bytes, one after the other, on one thread. limit_pool: the same with the runtime's own pool of
 * blocks. limit_copy_N: copying N bytes from one of 16 places to another, of which at least the smaller ones are in
 * the nearest cache. limit_visit_N: reading and writing two cache lines in each of N records of 320 bytes, in
 * an order that the processor cannot foresee: what going to another actor costs by memory alone, and so the bound of
 * the curves over numbers of actors.
 * Checked: the pool and malloc give memory; each record is visited once a round.
 */
#include <stdlib.h>

#include "base/pool.h"
#include "bench/limits/limit.h"

BENCH(limit_malloc, .unit = "pair", .growth = true)
{
        LIMIT_LOOP(run, void *block = malloc(64); LIMIT_KEEP(block); free(block));
}

BENCH(limit_pool, .unit = "pair", .growth = true)
{
        struct cop__pool pool;
        struct cop__pool_cache cache;
        uint8_t class = cop__pool_class(64);
        cop__pool_init(&pool, NULL);
        cop__pool_cache_init(&cache, &pool);
        LIMIT_LOOP(run, void *block = cop__pool_take(&cache, class); LIMIT_KEEP(block);
                   cop__pool_give(&cache, class, block));
        BENCH_CHECK(cop__pool_balance(&pool) == 0, "a block is missing");
        cop__pool_cache_fini(&cache);
        cop__pool_fini(&pool);
}

/* ---- Copying ------------------------------------------------------------------------- */

#define PLACES 16

static void copy(struct bench_run *run, size_t size)
{
        char *from = bench_books(PLACES * size), *to = bench_books(PLACES * size);
        LIMIT_LOOP(run, size_t at = i % PLACES * size; memcpy(to + at, from + at, size);
                   LIMIT_KEEP(to));
}

BENCH(limit_copy_16, .unit = "copy", .growth = true)
{
        copy(run, 16);
}

BENCH(limit_copy_1024, .unit = "copy", .growth = true)
{
        copy(run, 1024);
}

BENCH(limit_copy_65536, .unit = "copy", .growth = true)
{
        copy(run, 65536);
}

/* ---- Visiting ------------------------------------------------------------------------- */

/* As large as an actor with its state. */
struct record {
        uint32_t next;
        uint32_t visits;
        char between[124];
        uint64_t far_end; /* in another line */
        char rest[180];
};

/* A ring through all of them, in random order: Sattolo's shuffle, which makes one cycle. */
static struct record *make_ring(uint32_t count)
{
        struct record *records = bench_books(count * sizeof(records[0]));
        uint32_t *order = bench_books(count * sizeof(order[0]));
        uint64_t random = 1;
        for (uint32_t i = 0; i < count; i++)
                order[i] = i;
        for (uint32_t i = count - 1; i > 0; i--) {
                random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
                uint32_t with = (uint32_t)((random >> 33) % i), other = order[i];
                order[i] = order[with];
                order[with] = other;
        }
        for (uint32_t i = 0; i < count; i++)
                records[i].next = order[i];
        return records;
}

static void visit(struct bench_run *run, uint32_t count)
{
        struct record *records = make_ring(count);
        uint32_t at = 0, least = UINT32_MAX, most = 0;
        LIMIT_LOOP(run, records[at].visits++; records[at].far_end++; at = records[at].next);
        for (uint32_t i = 0; i < count; i++) {
                least = records[i].visits < least ? records[i].visits : least;
                most = records[i].visits > most ? records[i].visits : most;
        }
        BENCH_CHECK(most - least <= 1, "%u visits here and %u there", most, least);
}

/* A run of few operations has fewer records. */
#define VISIT(count)                                                                        \
        BENCH(limit_visit_##count, .unit = "visit", .ops = 4000000, .quick_ops = 10000,     \
              .growth = true)                                                               \
        {                                                                                   \
                visit(run, count < run->ops ? count : (uint32_t)run->ops);                  \
        }

VISIT(10)
VISIT(100)
VISIT(1000)
VISIT(10000)
VISIT(100000)
VISIT(1000000)
