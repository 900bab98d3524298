/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What remains of a process that ends with an exit code of its own: the core dump that its signal would have made.
 *
 * The kernel makes one for a signal only, and whoever waits for the process then sees the signal. So a copy dies by the
 * signal, and the process by its code:
 *
 *      process   ──clone──►  copy: the same memory, one thread
 *      threads 2, 3: halted    │ makes threads 2', 3' on the stacks of 2 and 3, which go on where those halted
 *         │  waits             ▼
 *         │ ◄────────────── dies by the signal; core of it: all memory, all threads with their frames
 *         ▼
 *      _exit(code)
 *
 * All of it runs in a signal handler: no locks, no malloc, no fork handlers. The copy is no child that a wait() of the program
 * finds, and no SIGCHLD tells of it.
 *
 * Who may touch what: a thread that halts puts a place into a list, on its own stack, and never leaves. STAY: the exchange that
 * puts it there is the release; the copy, which is a copy of everything that happened before the fork, reads it there as its own.
 */
#ifndef ACTORS_REMAINS_H
#define ACTORS_REMAINS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/compiler.h"

/* Where a thread that has halted stays for ever, in the copy also. */
COP__NORETURN void cop__remains_stay(void);

/* Would a signal make a core dump now? By the limit, by what the system does with them, by the process's own choice. */
bool cop__remains_are_wanted(void);

/*
 * Has a copy die by `end(number)`, which does not return, and waits for that: as long as the kernel writes. `halted` are the threads that
 * were told to halt; one that does not stay within a moment is left out, as all are under a sanitizer.
 * *copy: the process whose core it is, 0: none was written. False: there could be no copy.
 */
bool cop__remains_leave(int number, void (*end)(int number), unsigned halted, pid_t *copy);

#endif
