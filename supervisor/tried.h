/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The seeds that are being tried, for who ends the program from outside because one of them does not end: a turn that never ends, or
 * a check that looks again and again. The signals that end a program as they are told here say first which seeds those are.
 *
 *      timeout 60 build/my_test          seed 41 was being tried: repeat it with COP_SEED=41
 *
 * A signal that the program hears itself, or ignores, is left to it.
 *
 * exit() in a trial says the same, and with 0 it ends the program with 1: whoever waits for the program would take it for one whose
 * trials have all gone well. What a process does that was forked from it is its own affair.
 */
#ifndef SUPERVISOR_TRIED_H
#define SUPERVISOR_TRIED_H

#include <stdint.h>

#include <coppice/status.h>

/* One trial. In its own memory, from begin to end. */
struct cop__tried {
        struct cop__tried *next; /* atomic */
        uint64_t seed;           /* atomic */
};

/* While one is on the handlers are there: the first installs them, the last puts the old ones back. Threads: any. Errors:
 * COP_E_NO_MEMORY, to hear of exit(). */
cop_status cop__tried_begin(struct cop__tried *tried);
void cop__tried_end(struct cop__tried *tried);

#endif
