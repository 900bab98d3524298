/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Names: who is called what. Looked up without a lock, changed under one.
 *
 * The set is Concurrency Kit's hash set with one writer at a time and any number of readers; what a writer takes out is freed
 * when no reader can still look at it (epochs). A second table, by pid, is only for writers: it finds the name of
 * an actor that dies.
 *
 * A name and its actor's death. An actor that may have a name bears COP__NAMED. Who registers sets it, and then looks
 * whether the pid still lives; who dies moves its pid on, and then looks at the mark. Both are sequentially consistent, so
 * one of them sees the other: either the registration fails, or the dying actor waits for the lock and takes the name
 * out. It does so before it tells anyone of its death.
 *
 * A name and its actor's birth. The name is there before the actor, whose birth is START in its slot's queue: what came there
 * before would be refused. So the lock is held from the one to the other, and a reader who finds the name of one that is
 * not born waits for the lock.
 *
 * Remembered. Each thread keeps the last few names that it has found, with the number of removals before it looked. `removals`
 * goes up behind each, and before anyone can be told of it: so what was found stands as long as the number does, and who has
 * heard that a name is free, or another's, does not find its old bearer. (Release in remove_locked ↔ acquire in recall.) A name
 * that nobody has is not remembered.
 *
 * Lock order: this lock, then those that scheduling a task takes.
 */
#ifndef ACTORS_REGISTRY_H
#define ACTORS_REGISTRY_H

#include <sys/types.h>

#include <coppice/actor.h>

#include "actors/epoch.h"
#include "base/limits.h"
#include "base/table.h"

struct cop__actor;
struct cop__book;

/* Concurrency Kit never lets go of a record, so all of them stay until the registry ends. */
struct cop__epoch_record {
        ck_epoch_record_t epoch;
        struct cop__epoch_record *next;
} COP__LINE_ALIGNED;

struct cop__name_entry;

struct cop__registry {
        struct cop__lock lock;
        ck_epoch_t epoch;
        struct ck_malloc allocator; /* of the set */
        ck_hs_t names;          /* struct cop__name_entry; readers without the lock */
        uint64_t removals;      /* atomic; of names, ever; written under the lock */
        struct cop__table pids; /* the same entries, by pid; under the lock */
        uint32_t count;         /* under the lock */
        struct cop__epoch_record *records; /* all there ever were; under the lock */
};

/* A name that the thread has found, if it is short. */
struct cop__remembered {
        uint64_t removals;
        cop_pid pid;
        char name[COP__REMEMBERED_NAME]; /* "": nothing yet */
};

/* A thread's part in the epochs, and what it remembers: a name's place is told by its address, most being literals. */
struct cop__registry_reader {
        ck_epoch_record_t *record;
        struct cop__remembered remembered[COP__REMEMBERED];
};

cop_status cop__registry_init(struct cop__registry *registry);
void cop__registry_fini(struct cop__registry *registry);

cop_status cop__registry_enter(struct cop__registry *registry, struct cop__registry_reader *reader);
/* What the thread has taken out is freed; its record is kept for the next thread. */
void cop__registry_leave(struct cop__registry *registry, struct cop__registry_reader *reader);

bool cop__name_is_good(const char *name);

/* For a living pid, which may die meanwhile; `actor` is its slot. */
cop_status cop__registry_add(struct cop__here *here, const char *name, cop_pid pid,
                             struct cop__actor *actor);

/*
 * For one that is not born yet. On success *entry holds the lock until cop__registry_born, by when START has been sent.
 */
cop_status cop__registry_add_unborn(struct cop__here *here, const char *name, cop_pid pid,
                                    struct cop__actor *actor, struct cop__name_entry **entry);
void cop__registry_born(struct cop__here *here, struct cop__name_entry *entry);

/* The actor, whose pid was this, is dead. */
void cop__registry_remove_pid(struct cop__here *here, cop_pid pid);

/*
 * An actor's book (book.h) is found by the actor's name, for as long as that lasts. The first is called in a section
 * (epoch.h), for whose length the book stays; NULL: there is none. The second gives the book of `pid` to its name; false: it
 * has no name.
 */
struct cop__book *cop__registry_book(struct cop__here *here, const char *name);
bool cop__registry_attach(struct cop__here *here, cop_pid pid, struct cop__book *book);

/* The name of a pid; false: it has none. For reports and lists. */
bool cop__registry_name(struct cop_node *node, cop_pid pid, char name[COP_NAME_MAX + 1]);

/* Calls `each` for every name, in no order, under the lock. */
void cop__registry_each(struct cop_node *node,
                        void (*each)(void *context, const char *name, cop_pid pid),
                        void *context);

#endif
