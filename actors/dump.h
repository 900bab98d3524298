/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The dump of a node: what it was doing when a fault ended it, or a signal from outside, in a file that `coppice dump` prints.
 *
 *      the thread that has the signal, in its handler     all other threads of the process
 *        1 writes the report to stderr (fault_report.h)     go on
 *        2 halts them, each by a SIGTRAP ─────────────────► leave a backtrace, and sleep for ever
 *        3 opens the file (dump_file.h)
 *        4 writes records: the node, modules, workers and threads (dump_threads.c),
 *          trees, actors, mail, crashes, dead letters (dump_actors.c)
 *        5 dies, by the signal or with the node's exit code
 *
 * One that does not halt in time is written down as it runs. So what is read may change meanwhile, or be what a broken program left
 * of it: each record is made in a try of its own, and a fault in one leaves out that record (dump_pen.h).
 */
#ifndef ACTORS_DUMP_H
#define ACTORS_DUMP_H

#include <coppice/node.h>

#include "actors/dump_file.h"
#include "actors/fault.h"

/* Of a node that is full: actors and messages beyond these are only counted. */
#define COP__DUMP_ACTORS 10000u
#define COP__DUMP_MESSAGES 2000u

/* Of one actor. */
#define COP__DUMP_MAIL 4u

/* How long the other workers have to halt. */
#define COP__DUMP_HALT_MS 1000

/* And all other threads, some of which may hold the signal back. */
#define COP__DUMP_BYSTANDERS_MS 50

/*
 * Where a node writes its dump: the option, else COPPICE_DUMP of the environment; "" is nowhere. Without an absolute path it is
 * below the folder that the program is in now.
 * Errors: COP_E_TOO_BIG (the path), COP_E_SYSTEM (there is no such folder).
 */
cop_status cop__dump_choose(const char *option, char path[COP__DUMP_PATH_MAX]);

/* What fault.h calls when the process is about to die: a witness whose `context` is the node. In the handler. */
void cop__dump_write(struct cop__fault_scope *scope, const struct cop__fault_refusal *refusal,
                     void *context);

#endif
