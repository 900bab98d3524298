/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What blocks: a function that waits in the system, or in a library, on a thread made for that.
 *
 *      typedef struct { const char *path; char text[256]; ssize_t size; } piece;
 *
 *      static void reads(piece *p)
 *      {
 *              int file = open(p->path, O_RDONLY);
 *              p->size = file < 0 ? -1 : read(file, p->text, sizeof(p->text));
 *              ...
 *      }
 *
 *      piece p = { .path = "/etc/hostname" };
 *      if (cop_blocking(reads, &p) == COP_OK && p.size < 0)
 *              perror("the file");
 *
 * The actor waits meanwhile, without a worker: others go on. An actor that blocks without saying so keeps its worker until it
 * returns; the node notices within some milliseconds, and a spare worker stands in for it (docs/preemption.md).
 *
 * What people get wrong:
 * - The function is no actor: it must not send, receive or call, and cop_alloc gives it nothing.
 * - Nothing ends it. Exit signals, also `kill`, end the actor when the function has returned: what it points to must stay so
 *   long. Give it a time-out of its own.
 * - It runs on another thread than the actor: thread-locals are others', but for errno, which comes back. As after anything that waits, a
 *   function that has used errno before may still look at that of the old thread: read it in one of its own (actor.h).
 */
#ifndef COPPICE_BLOCKING_H
#define COPPICE_BLOCKING_H

#include <coppice/node.h>

COP_BEGIN_DECLS

/*
 * Calls function(argument) on one of the node's threads for that and waits until it has returned, without a time-out. Its errno is the
 * caller's then. One that ends its thread (pthread_exit) has returned by that. A fault in it is the actor's, which exits with the reason that
 * it would have had itself. At most blocking_threads of a node
 * run at once (node.h); more wait for their turn. On a thread of the program that visits the node it is called at once, right there;
 * so it is for all in a simulation.
 * Ownership: `argument` is borrowed until the call returns; it may lie on the actor's stack.
 * Errors: COP_E_NO_NODE; COP_E_SYSTEM (no thread can be made), COP_E_NO_MEMORY (no stack for the worker to go on on). Then the
 * function has not been called.
 */
COP_API cop_status cop_blocking_call(void (*function)(void *argument), void *argument);

#ifndef __cplusplus
/* The same; checks that `function` takes what `argument` points to. */
#define cop_blocking(function, argument)                                                     \
        cop_blocking_call((void (*)(void *))(void (*)(void))_Generic(                        \
                                  (function), void (*)(__typeof__(*(argument)) *): (function)), \
                          (argument))
#endif

COP_END_DECLS

#endif
