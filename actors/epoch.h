/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Reading what others change, without a lock: epochs.
 *
 *      reader    begin ── finds ── copies ── end          writes nothing that another reader writes
 *      writer    lock ── takes out ── unlock ── free later
 *
 * What a writer has taken out of a structure is freed when every section that could have found it has ended. A section is
 * short, and never waits, yields, or runs code of the user's: an actor that goes on on another thread would end it there.
 * It may allocate, and take locks.
 *
 * ThreadSanitizer cannot see into Concurrency Kit. So it is told that what is freed comes after the ends of the sections,
 * and where its tables are looked into a reader takes the writers' lock (cop__epoch_lock).
 */
#ifndef ACTORS_EPOCH_H
#define ACTORS_EPOCH_H

#include <ck_epoch.h>
#include <ck_hs.h>

#include "base/compiler.h"
#include "base/lock.h"

struct cop__here;

/* Sections of one thread may lie in each other. */
void cop__epoch_begin(struct cop__here *here);
void cop__epoch_end(struct cop__here *here);

/* Calls `free_it`, which begins with cop__epoch_over, when no section of now is left, on this thread, in one of its later
 * cop__epoch_poll. */
void cop__epoch_call(struct cop__here *here, ck_epoch_entry_t *entry,
                     void (*free_it)(ck_epoch_entry_t *entry));
void cop__epoch_over(void);

/* Frees what can be by now. Whoever calls cop__epoch_call does this too, when it holds no lock. */
void cop__epoch_poll(struct cop__here *here);

/* Memory for the tables of Concurrency Kit: what their readers may still look at is freed after them. */
struct ck_malloc cop__epoch_allocator(void);

/* Around a look into such a table. */
COP__INLINE void cop__epoch_lock(struct cop__lock *lock)
{
        (void)lock;
#if COP__TSAN
        cop__lock_lock(lock);
#endif
}

COP__INLINE void cop__epoch_unlock(struct cop__lock *lock)
{
        (void)lock;
#if COP__TSAN
        cop__lock_unlock(lock);
#endif
}

#endif
