/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Dead letters: what is kept of messages that nobody will read, and who is told.
 *
 *      a message ends unread ──► counted, by its thread alone
 *                                  │ while the thread has some of its share of this tenth of a second left
 *                                  ▼
 *                                printed ──► ring of the node ──► a cop_dead_letter to each subscriber
 *
 * Printing a message costs a microsecond or two, so each thread has a share: COP__LETTERS_SHARE in
 * COP__LETTERS_SHARE_NS. Beyond it a dead letter costs a look at the clock.
 *
 * No storm can come of it: telling is sending, and what a subscriber does not read is a dead letter again; but those of this
 * kind are only counted, one who is far behind is not told, and one who is dead is forgotten.
 *
 * Who may touch what: the share belongs to the thread; the ring to whoever holds the lock, which is a leaf; the audience:
 * audience.h. Records leave by copy.
 */
#ifndef ACTORS_DEAD_LETTER_H
#define ACTORS_DEAD_LETTER_H

#include <coppice/dead_letter.h>

#include "actors/audience.h"
#include "base/limits.h"
#include "base/lock.h"

struct cop__signal;
struct cop__thread;

enum cop__death {
        COP__DEATH_NO_ACTOR = 0,
        COP__DEATH_UNREAD,
        COP__DEATH_LATE_REPLY,
        COP__DEATH_FULL,
        COP__DEATH_EXPIRED,
        COP__DEATH_CLOSED_ALIAS,
        COP__DEATH_COALESCED,
};

struct cop__letter {
        uint64_t number; /* from 1; 0: none */
        uint64_t missed;
        int64_t when;    /* seconds since 1970 */
        cop_pid from, to;
        enum cop__death death;
        char kind[COP_SYMBOL_MAX + 1];
        char text[COP__LETTER_TEXT];
};

struct cop__letters {
        struct cop__audience audience;
        struct cop__lock lock;
        uint64_t count; /* of those that were kept */
        struct cop__letter ring[COP__LETTERS_KEPT]; /* number n at n % COP__LETTERS_KEPT */
};

/* A thread's part in it. */
struct cop__letter_share {
        uint64_t since_ns;
        uint32_t left;
        uint64_t missed;
};

void cop__letters_init(struct cop__letters *letters);

/* Ends a message to `to` that nobody will read. Takes the signal, which the queue has let go of. */
void cop__letter_die(struct cop__thread *thread, cop_pid to, struct cop__signal *signal,
                     enum cop__death death);

/* The same, but the signal goes on: somebody is still to be answered. */
void cop__letter_tell(struct cop__thread *thread, cop_pid to, const struct cop__signal *signal,
                      enum cop__death death);

/* "no_actor", ... */
const char *cop__death_name(enum cop__death death);

/* Copies letter `number`, or the newest for 0; false: not there (any more). Threads: any. */
bool cop__letter_get(cop_node *node, uint64_t number, struct cop__letter *letter);

#endif
