/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The heart: a parent process that starts the node again when it dies.
 *
 *      heart ──fork──► node          the heart is the program before its node: one thread, no memory of the node's
 *        │  ◄─pidfd──── ends         orderly (0), or with wrong words (64): the heart ends with the same code
 *        │                           any other way: it is started again, after a delay that doubles
 *        └──────fork──► node ...     too often without a minute of life: the heart gives up, with the last code
 *
 * Signals that end or tell a program are forwarded; those of a terminal have reached the node already, as it is in the same group. Whoever
 * kills the heart itself ends the node too: the kernel sends it SIGTERM then, on which it stops its tree in order.
 */
#ifndef SHELL_HEART_H
#define SHELL_HEART_H

#include <stdbool.h>

struct cop__heart {
        const char *program;  /* for what is said; borrowed */
        unsigned delay_ms;    /* before the first restart; each one doubles it, up to COP__HEART_DELAY_MAX_MS */
        int fault_code;       /* with which a fault ends the node; 0: by its signal */
        unsigned limit;       /* restarts in a row, none of which has lived for a minute */
};

#define COP__HEART_DELAY_MS 1000u
#define COP__HEART_DELAY_MAX_MS 30000u
#define COP__HEART_LIMIT 10u

/*
 * Returns true in each node's process, which goes on as the program; the heart's own comes back with false and the exit
 * code, when all is over. Called by the only thread, with no signals blocked that the node wants to have.
 */
bool cop__heart_beat(const struct cop__heart *heart, int *code);

#endif
