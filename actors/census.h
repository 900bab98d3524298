/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The census: what supervisors write down of their children where anyone can read it, so that a console can show the
 * tree when every worker is stuck and nobody can be asked.
 *
 *      chunks[0] ──► 64 rows            a row is taken by a supervisor for a child, written by
 *      chunks[1] ──► 128 rows           that supervisor alone, and given back with the child;
 *      ...           twice as many      no row is unmapped while the node lives
 *
 *      row:    version   odd while it is written; it goes up by two for each writing
 *              the rest  atomics: what is read of them counts only if the version was even and the same before and after
 *
 *      writer: version odd, fields (each released), version even (release)      ↔
 *      reader: version (acquire), fields, fence, version again
 *
 * Who reads one new field sees the odd version behind the fence, or a later one. The writer has no fence: it changes its rows several
 * times for each restart.
 *
 * Half done: a reader that meets an odd version tries again a few times, and then goes without that row: what it shows is a
 * moment's view anyway. A row that is given back has no supervisor, and is passed over. A row that was another child's an
 * instant ago is a true row of that other child.
 *
 * The lock is for taking and giving back only; nothing else is taken under it.
 */
#ifndef ACTORS_CENSUS_H
#define ACTORS_CENSUS_H

#include <string.h>

#include <coppice/actor.h>

#include "base/atomic.h"
#include "base/lock.h"

#define COP__CENSUS_CHUNKS 24
#define COP__CENSUS_FIRST 64u

/* What is written down of a child. */
struct cop__census_entry {
        cop_pid child;           /* nobody: it has no process */
        uint32_t restarts;       /* since its supervisor started */
        uint32_t state;          /* a cop__child_state of supervisor/roster.h */
        cop_pid supervisor;      /* from here on it stays as it is; see cop__census_change, which knows what is before it */
        uint64_t number;         /* goes up with each child of a supervisor: the order of start */
        char id[COP_NAME_MAX + 1];
};

#define COP__CENSUS_WORDS (sizeof(struct cop__census_entry) / sizeof(uint64_t))

struct cop__census_row {
        uint32_t version;
        uint32_t next_free;      /* index + 1, under the lock; 0: none */
        uint64_t words[COP__CENSUS_WORDS];
};

struct cop__census {
        struct cop__lock lock;
        uint32_t used;           /* atomic: rows that have ever been taken */
        uint32_t free;           /* index + 1 of the first that was given back */
        struct cop__census_row *chunks[COP__CENSUS_CHUNKS]; /* published by `used` */
};

/* No row: what a child has for which there was no memory. Writing to it and giving it back do nothing. */
#define COP__CENSUS_NONE UINT32_MAX

void cop__census_init(struct cop__census *census);
void cop__census_fini(struct cop__census *census);

uint32_t cop__census_take(struct cop__census *census);
void cop__census_give(struct cop__census *census, uint32_t row);

/* By the row's owner. */
void cop__census_write(struct cop__census *census, uint32_t row,
                       const struct cop__census_entry *entry);

/* The row itself, which stays where it is; NULL: it is none. */
struct cop__census_row *cop__census_row(struct cop__census *census, uint32_t row);

/* The same where only child, restarts and state have changed since: most of an entry is its id. NULL is let through. */
COP__INLINE void cop__census_change(struct cop__census_row *at, cop_pid child, uint32_t restarts, uint32_t state)
{
        const uint32_t pair[2] = { restarts, state };
        uint64_t word;
        if (COP__UNLIKELY(at == NULL))
                return;
        uint32_t version = cop__load_relaxed(&at->version);
        memcpy(&word, pair, sizeof(word));
        cop__store_relaxed(&at->version, version + 1);
        cop__store_release(&at->words[0], child.bits); /* who sees one of the new words sees the odd version */
        cop__store_release(&at->words[1], word);
        cop__store_release(&at->version, version + 2); /* pairs with cop__census_read */
}

/* Threads: any. Rows are 0 .. cop__census_count - 1. False: nothing stands there at the moment. */
uint32_t cop__census_count(struct cop__census *census);
bool cop__census_read(struct cop__census *census, uint32_t row, struct cop__census_entry *entry);

#endif
