/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The pen of a dump: how each record of it is made, so that a fault in one costs that record alone.
 *
 * A record is filled in by a function that is handed what it is about. If that faults, the handler comes back to where the record was
 * begun, and it is left out. All of it runs in a signal handler.
 */
#ifndef ACTORS_DUMP_PEN_H
#define ACTORS_DUMP_PEN_H

#include <pthread.h>

#include "actors/dump_file.h"
#include "actors/fault.h"
#include "actors/object.h"

struct cop_node;
struct cop__lock;

struct cop__dump {
        struct cop_node *node;
        struct cop__fault_scope *scope; /* of the thread that writes */
        const struct cop__fault_refusal *refusal;
        struct cop__dump_file file;
        struct cop__object program;
        uint32_t actors, messages; /* written */
        bool looks_up_places, knows_names;
        struct cop__dump_record record;
};

/* Does something that may fault. The handler comes back here then, and that is all. */
void cop__dump_attempt(struct cop__dump *dump,
                       void (*act)(struct cop__dump *dump, const void *subject),
                       const void *subject);

/* One record, if it can be made. */
void cop__dump_put(struct cop__dump *dump, const char *what,
                   void (*fill)(struct cop__dump *dump, const void *subject), const void *subject);

/* A pair of the record that is being filled in; text that is NULL or empty, and nobody's pid, are left out. */
void cop__dump_text(struct cop__dump *dump, const char *key, const char *text);
void cop__dump_number(struct cop__dump *dump, const char *key, uint64_t value);
void cop__dump_pid(struct cop__dump *dump, const char *key, cop_pid pid);

/* If nobody holds a lock now, whoever takes it from here on runs, and will give it back. */
bool cop__dump_is_free(struct cop__lock *lock);
bool cop__dump_is_free_mutex(pthread_mutex_t *mutex);

/* The parts of a dump, each in a file of its own. */
void cop__dump_put_threads(struct cop__dump *dump); /* dump_threads.c */
void cop__dump_put_modules(struct cop__dump *dump); /* dump_modules.c */
void cop__dump_put_actors(struct cop__dump *dump);  /* dump_actors.c: trees, actors, mail */
void cop__dump_put_crashes(struct cop__dump *dump); /* dump_actors.c: the last crashes and dead letters */

/* Tells all other threads to halt, and waits a moment for it. The first step of a dump. */
void cop__dump_halt_others(struct cop__dump *dump); /* dump_threads.c */

#endif
