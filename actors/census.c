/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The census. See census.h. */
#include "actors/census.h"

#include <stdlib.h>
#include <string.h>

#include "base/atomic.h"
#include "base/memory.h"

/* So often a reader meets a writer in the middle before it goes without. */
#define READ_TRIES 100

_Static_assert(sizeof(struct cop__census_entry) % sizeof(uint64_t) == 0,
               "an entry is copied in whole words");
_Static_assert(offsetof(struct cop__census_entry, child) == 0 && offsetof(struct cop__census_entry, restarts) == 8 &&
                       offsetof(struct cop__census_entry, state) == 12 && offsetof(struct cop__census_entry, supervisor) == 16,
               "what changes is two words");

/* Chunk c has FIRST << c rows, so a row's chunk is the place of the highest bit. */
static struct cop__census_row *row_at(struct cop__census *census, uint32_t row)
{
        uint32_t place = row / COP__CENSUS_FIRST + 1;
        uint32_t chunk = 31u - (uint32_t)__builtin_clz(place);
        uint32_t before = COP__CENSUS_FIRST * ((1u << chunk) - 1);
        return &census->chunks[chunk][row - before];
}

void cop__census_init(struct cop__census *census)
{
        memset(census, 0, sizeof(*census));
        cop__lock_init(&census->lock);
}

void cop__census_fini(struct cop__census *census)
{
        for (size_t i = 0; i < COP__CENSUS_CHUNKS; i++)
                free(census->chunks[i]);
}

/* A row that has never been taken; under the lock. */
static uint32_t open_row(struct cop__census *census)
{
        uint32_t row = census->used;
        uint32_t place = row / COP__CENSUS_FIRST + 1;
        uint32_t chunk = 31u - (uint32_t)__builtin_clz(place);
        if (chunk >= COP__CENSUS_CHUNKS)
                return COP__CENSUS_NONE;
        if (census->chunks[chunk] == NULL)
                census->chunks[chunk] = cop__calloc((size_t)COP__CENSUS_FIRST << chunk,
                                               sizeof(struct cop__census_row));
        if (census->chunks[chunk] == NULL)
                return COP__CENSUS_NONE;
        cop__store_release(&census->used, row + 1); /* pairs with cop__census_count */
        return row;
}

uint32_t cop__census_take(struct cop__census *census)
{
        cop__lock_lock(&census->lock);
        uint32_t row = census->free - 1;
        if (census->free != 0)
                census->free = row_at(census, row)->next_free;
        else
                row = open_row(census);
        cop__lock_unlock(&census->lock);
        return row;
}

void cop__census_write(struct cop__census *census, uint32_t row, const struct cop__census_entry *entry)
{
        uint64_t words[COP__CENSUS_WORDS];
        if (row == COP__CENSUS_NONE)
                return;
        struct cop__census_row *at = row_at(census, row);
        uint32_t version = cop__load_relaxed(&at->version);
        memcpy(words, entry, sizeof(words));
        cop__store_relaxed(&at->version, version + 1);
        for (size_t i = 0; i < COP__CENSUS_WORDS; i++) /* release: who sees one of the new words sees the odd version */
                cop__store_release(&at->words[i], words[i]);
        cop__store_release(&at->version, version + 2); /* pairs with cop__census_read */
}

struct cop__census_row *cop__census_row(struct cop__census *census, uint32_t row)
{
        return row != COP__CENSUS_NONE ? row_at(census, row) : NULL;
}

void cop__census_give(struct cop__census *census, uint32_t row)
{
        if (row == COP__CENSUS_NONE)
                return;
        cop__census_write(census, row, &(struct cop__census_entry){ .number = 0 });
        cop__lock_lock(&census->lock);
        row_at(census, row)->next_free = census->free;
        census->free = row + 1;
        cop__lock_unlock(&census->lock);
}

uint32_t cop__census_count(struct cop__census *census)
{
        return cop__load_acquire(&census->used); /* pairs with open_row: the chunks are there */
}

bool cop__census_read(struct cop__census *census, uint32_t row, struct cop__census_entry *entry)
{
        struct cop__census_row *at = row_at(census, row);
        uint64_t words[COP__CENSUS_WORDS];
        for (int i = 0; i < READ_TRIES; i++) {
                uint32_t version = cop__load_acquire(&at->version); /* pairs with cop__census_write */
                for (size_t j = 0; j < COP__CENSUS_WORDS; j++)
                        words[j] = cop__load_relaxed(&at->words[j]);
                cop__fence_seq(); /* the words are read before the version is looked at again */
                if (version % 2 == 0 && cop__load_relaxed(&at->version) == version) {
                        memcpy(entry, words, sizeof(words));
                        return entry->supervisor.bits != 0;
                }
                cop__spin_pause();
        }
        return false;
}
