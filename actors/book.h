/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A book: keys, and who is entered under each. It is what a registry and a scope of groups are made of.
 *
 *      name ── book ── partitions by the key's hash ── key ── entry ── entry ...
 *                                                              │        │
 *                                              owner's holdings┘        └another owner's (holding.h)
 *
 * An actor keeps it: the book is found by that actor's name, and ends with it. But nobody asks the actor anything: readers find
 * keys in Concurrency Kit's hash set and follow their entries in a section (epoch.h), writers take the partition's lock.
 *
 *      who          may touch
 *      a reader     the set of keys; key.first, entry.next (acquire); what is constant in keys and entries
 *      a writer     under the partition's lock: all of the partition, key.first, entry.next (release: the entry is whole)
 *      the owner's shard's lock: entry.holding
 *
 * What a reader can see half done: an entry that is taken out while it is looked at keeps its `next`, so the reader goes on to
 * those behind it, some of which may be out by now too: all were in when the section began, or came later. Entries are
 * appended, so whoever was in all the time is seen exactly once, in the order of entering.
 *
 * A dead actor's entries are out before anyone hears of its death, and a book's end is a death too: first its name goes, then
 * each partition is closed, under its lock, to those who found the book before; then it is emptied owner by owner, and
 * freed when no section is left.
 *
 * Under a partition's lock memory is allocated (the set grows, events are made) and messages are handed over, so that events
 * come in the order in which things happened. Lock order: see holding.h.
 *
 * The holdings of the dead go out in slices, as all of a death (exit.c), and so do the entries of a book whose keeper is dead.
 */
#ifndef ACTORS_BOOK_H
#define ACTORS_BOOK_H

#include <coppice/actor.h>

#include "actors/epoch.h"
#include "actors/holding.h"

enum cop__book_type {
        COP__BOOK_UNIQUE,    /* a registry with one entry for each key */
        COP__BOOK_DUPLICATE, /* a registry with many */
        COP__BOOK_SCOPE,     /* groups */
};

/* A key to be looked for. */
struct cop__keying {
        uint64_t hash;
        cop_term term;
};

struct cop__key {
        struct cop__keying is;     /* constant; what the term points at follows the struct */
        struct cop__entry *first;  /* atomic */
        struct cop__entry *last;
        uint64_t count;            /* atomic, for looking from outside */
        uint64_t turns;            /* atomic: how often a member was picked by turns */
        struct cop__list list;     /* of the partition */
        ck_epoch_entry_t epoch;
};

struct cop__entry {
        struct cop__holding holding;
        struct cop__key *key;         /* constant once it is in */
        struct cop__entry *next;      /* atomic */
        struct cop__entry *prev;
        cop_pid pid;                  /* constant */
        cop_term value;               /* constant; what it points at follows the struct */
        struct cop__signal *farewell; /* to listeners when it goes, linked by node.next */
        ck_epoch_entry_t epoch;
};

struct cop__partition {
        struct cop__lock lock;
        bool closed;
        uint64_t count;               /* atomic: entries */
        struct ck_malloc allocator;
        ck_hs_t set;                  /* struct cop__keying, the first member of each key */
        struct cop__list keys;        /* the same */
        struct cop__list subscribers; /* of a scope; see group_monitor.h */
        struct cop__list overseers;   /* those of them who hear of all groups */
        struct cop__table watchers;   /* and who hear of one, by its hash */
} COP__LINE_ALIGNED;

struct cop__book {
        enum cop__book_type type;
        uint32_t partition_count;
        uint32_t listener_count;
        char (*listeners)[COP_NAME_MAX + 1]; /* of a registry; see keyed_event.h */
        char name[COP_NAME_MAX + 1];         /* under which it was opened */
        ck_epoch_entry_t epoch;
        struct cop__partition partitions[];
};

/* ---- Life ----------------------------------------------------------------------------- */

/* Not yet shown to anyone: what is constant in it may still be set. NULL without memory. */
struct cop__book *cop__book_new(enum cop__book_type type, uint32_t partitions);

/*
 * In the init of the actor that keeps the book from now on: found by the actor's name, and taken. NULL, or no memory, or no
 * name: the actor exits.
 */
void cop__book_keep(struct cop__book *book);

/* Its keeper is dead, or there will be none: nothing comes in any more, and a batch of what is in it goes out. True: that was all, and it
 * is freed. */
bool cop__book_close(struct cop__thread *thread, struct cop__book *book);

/* ---- A visit: a section with a book ------------------------------------------------------ */

struct cop__visit {
        struct cop__thread *thread;
        struct cop__here *here;
        struct cop__book *book;
};

/* Errors: COP_E_NO_NODE; COP_E_NO_NAME: no book of that type has this name. */
cop_status cop__book_enter(struct cop__visit *visit, const char *name, bool scope);
void cop__book_leave(struct cop__visit *visit);

/* Errors: COP_E_TOO_DEEP, COP_E_TOO_BIG. */
cop_status cop__keying_of(cop_term term, struct cop__keying *keying);

/*
 * Of a scope, which other nodes share, to whom a text is the list of its code points. Errors: COP_E_TOO_DEEP, COP_E_TOO_BIG;
 * COP_E_MALFORMED, they cannot be told of it.
 */
cop_status cop__keying_of_group(cop_term term, struct cop__keying *keying);

struct cop__partition *cop__book_partition(struct cop__book *book, uint64_t hash);

/* NULL: nobody is entered under it. */
struct cop__key *cop__book_find(struct cop__book *book, const struct cop__keying *wanted);

/* The first entry of a key, which may be NULL, and the next. */
struct cop__entry *cop__entry_first(const struct cop__key *key);
struct cop__entry *cop__entry_next(const struct cop__entry *entry);

/* Calls `each` for all keys, in no order. */
void cop__book_keys(struct cop__book *book,
                    void (*each)(void *context, const struct cop__key *key), void *context);

uint64_t cop__book_count(struct cop__book *book);

/* ---- Changing ------------------------------------------------------------------------------ */

/* All the memory that a new entry may need: made before any lock is taken. */
struct cop__proposal {
        struct cop__entry *entry;
        struct cop__key *key;
        struct cop__owner *owner;
        struct cop__signal *welcome; /* to listeners, linked by node.next */
};

/* Copies key and value. Errors: COP_E_NO_MEMORY, COP_E_TOO_DEEP, COP_E_TOO_BIG. */
cop_status cop__proposal_make(struct cop__visit *visit, const struct cop__keying *key, cop_pid pid,
                              cop_term value, struct cop__proposal *proposal);
/* What has not been used. */
void cop__proposal_drop(struct cop__thread *thread, struct cop__proposal *proposal);

/*
 * Enters it, in the visit in which it was made. Errors: COP_E_NO_ACTOR (the pid is dead), COP_E_TAKEN (and *holder),
 * COP_E_NO_MEMORY, COP_E_NO_NAME (the book has ended).
 */
cop_status cop__book_insert(struct cop__visit *visit, struct cop__proposal *proposal,
                            cop_pid *holder);

/* It takes the place of what its pid has under the key. Errors: COP_E_NOT_FOUND, COP_E_NOT_OWNER. */
cop_status cop__book_replace(struct cop__visit *visit, struct cop__proposal *proposal);

/* Takes out at most `limit` of what a pid has under a key, with values that fit the pattern unless it is NULL. */
uint64_t cop__book_withdraw(struct cop__visit *visit, cop_pid pid, const struct cop__keying *wanted,
                            const cop_term *pattern, uint64_t limit);

/* An entry or a subscription, under the shard's lock. */
void cop__book_take_out(struct cop__thread *thread, struct cop__holdings_shard *shard,
                        struct cop__holding *holding);

#endif
