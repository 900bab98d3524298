/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What dies with an actor, beside its memory: descriptors, and whatever has a function that ends it.
 *
 *      int fd;
 *      if (cop_open("/var/log/till", O_WRONLY | O_APPEND, 0, &fd) != COP_OK)
 *              cop_exit(cop_atom("no_log"));
 *      cop_own("database", close_database, database);
 *
 * When the actor ends, however it ends (return, cop_exit, a fault, kill), all of it is ended, the last one first, when its
 * state is gone, and before anybody is told of the end, by a link, a monitor, its supervisor, cop_shutdown or cop_stop, whenever
 * he has asked: who is started in its place can listen at the same port, and take the same lock. (That it is not alive, and that its
 * name is free, can be seen earlier: monitor its pid.) If it crashed, the report names what it still held:
 *
 *      ** till <0.12.0> crashed: integer division by zero
 *         ...
 *         held descriptor 7, database
 *
 * Threads: actors, each for itself, and visiting threads. Ends run on a worker, with nobody's actor: they must not use the node (no send,
 * no cop_log), should not block, and a fault in one ends the program.
 *
 * See also: actor.h for cop_alloc.
 */
#ifndef COPPICE_OWN_H
#define COPPICE_OWN_H

#include <coppice/node.h>

COP_BEGIN_DECLS

/*
 * open(path, flags | O_CLOEXEC, mode), owned by the calling actor from the first moment: *fd.
 * Errors: COP_E_NO_NODE, COP_E_NO_MEMORY, COP_E_BAD_ARGUMENT (no path), COP_E_SYSTEM (errno says why).
 */
COP_API cop_status cop_open(const char *path, int flags, unsigned mode, int *fd);

/*
 * Hands an open descriptor (a socket, a pipe) to the calling actor. Twice is once.
 * Errors, with which it stays the caller's: COP_E_NO_NODE, COP_E_NO_MEMORY, COP_E_BAD_ARGUMENT (it is not open).
 */
COP_API cop_status cop_own_fd(int fd);

/* Closes a descriptor that the calling actor owns. Errors: COP_E_NO_NODE, COP_E_NOT_FOUND (it does not own it). */
COP_API cop_status cop_close(int fd);

/*
 * `end(thing)` is called once when the calling actor ends. `name` is for reports; borrowed until then, as a literal is.
 * Errors: COP_E_NO_NODE, COP_E_NO_MEMORY, COP_E_BAD_ARGUMENT (no name, end or thing), COP_E_TAKEN (it owns this already).
 */
COP_API cop_status cop_own(const char *name, void (*end)(void *thing), void *thing);

/*
 * Takes it back: a thing's end will not be called, a descriptor not be closed; it is the caller's again.
 * Errors: COP_E_NO_NODE, COP_E_NOT_FOUND.
 */
COP_API cop_status cop_disown(void *thing);
COP_API cop_status cop_disown_fd(int fd);

/* How many things and descriptors the calling actor owns; 0 outside a node. */
COP_API size_t cop_owned(void);

COP_END_DECLS

#endif
