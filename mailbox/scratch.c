/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Scratch memory: chunks that double, so their number is the logarithm of what is asked for.
 */
#include "mailbox/scratch.h"

#include <stdlib.h>
#include <string.h>

#include <coppice/message.h>

#include "base/memory.h"

#define CHUNK_MIN ((size_t)4096)
#define ROUND_UP_16(size) (((size) + 15) & ~(size_t)15)

struct cop__scratch_chunk {
        struct cop__scratch_chunk *next;
        char bytes[] __attribute__((aligned(16)));
};

void cop__scratch_init(struct cop__scratch *scratch)
{
        scratch->chunks = NULL;
        scratch->at = scratch->inside;
        scratch->left = COP__SCRATCH_INSIDE;
        scratch->total = 0;
        scratch->status = COP_OK;
}

void cop__scratch_fini(struct cop__scratch *scratch)
{
        while (scratch->chunks) {
                struct cop__scratch_chunk *chunk = scratch->chunks;
                scratch->chunks = chunk->next;
                free(chunk);
        }
}

void cop__scratch_reserve(struct cop__scratch *scratch, size_t size)
{
        if (scratch->status != COP_OK || size <= scratch->left)
                return;
        struct cop__scratch_chunk *chunk = NULL;
        if (size <= SIZE_MAX - sizeof *chunk)
                chunk = cop__malloc(sizeof *chunk + size);
        if (!chunk) {
                scratch->status = COP_E_NO_MEMORY;
                return;
        }
        chunk->next = scratch->chunks;
        scratch->chunks = chunk;
        scratch->at = chunk->bytes;
        scratch->left = size;
}

static size_t next_chunk(const struct cop__scratch *scratch, size_t need)
{
        size_t size = scratch->total > CHUNK_MIN ? ROUND_UP_16(scratch->total) : CHUNK_MIN;
        return size > need ? size : need;
}

void *cop__scratch_take(struct cop__scratch *scratch, size_t count, size_t size)
{
        size_t bytes;
        if (scratch->status != COP_OK)
                return NULL;
        if (__builtin_mul_overflow(count, size, &bytes) ||
            bytes > COP_MESSAGE_SIZE_MAX - scratch->total) {
                scratch->status = COP_E_TOO_BIG;
                return NULL;
        }
        bytes = ROUND_UP_16(bytes);
        if (bytes > scratch->left)
                cop__scratch_reserve(scratch, next_chunk(scratch, bytes));
        if (scratch->status != COP_OK)
                return NULL;
        char *piece = scratch->at;
        scratch->at += bytes;
        scratch->left -= bytes;
        scratch->total += bytes;
        return memset(piece, 0, bytes);
}
