/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Interrupting an actor that does not give its worker back by itself.
 *
 *      watch ──a signal──► the worker's thread, in the actor's code
 *                             │ handler, on the alternate stack: may it be interrupted here?
 *                             │      no: it goes on, and is asked again at the next look
 *                             ▼ yes
 *                          a detour (scheduler/detour.h): as if the actor had called cop_yield() at this very instruction.
 *                             ▼
 *                          What has arrived is acted on, so an exit signal ends it here; else it waits behind the others,
 *                          and goes on, on the same thread, with every register as it was.
 *
 * It may be interrupted where it could call cop_yield() and nobody could tell. That is, if
 *
 *      a turn is on, and the critical depth of the runtime is 0        else what all actors share may be half changed
 *      the program has not asked to be left alone here                 cop_no_preempt_begin(), the option no_preempt
 *      every frame from the instruction outwards is the program's own code or harmless, up to the runtime's own function
 *      that has called it; and beyond that there are only the runtime's, up to the turn (ground.h)
 *                                                                      else a library may hold a lock; and a function of the
 *                                                                      program that the runtime has called back from within
 *                                                                      one of its own must not block
 *      there is stack enough below
 *
 * It goes on on the same thread because compilers keep the addresses of thread-locals, errno's above all. While others run
 * there, errno and the floating-point control are kept for it.
 *
 * A signal may come late, when the turn that it is about is over and the next one is being asked. So the handler goes by what it finds: the turn is
 * stored last.
 *
 * Named pairs (release ↔ acquire)
 *      ASKED   the watch's store of `asked_turn` ↔ the handler's load of it: what is to be done is that turn's.
 *      RUN     the worker's store of `run_turn` ↔ the watch's load of it: what else it says of its task is said.
 *
 * The signal is a real-time one whose action was the default one when the first node of the process started, the highest below
 * SIGRTMAX; it stays ours until the last node has stopped. A program that uses real-time signals installs its handlers before.
 */
#ifndef ACTORS_PREEMPT_H
#define ACTORS_PREEMPT_H

#include <stdbool.h>
#include <stdint.h>

#include <coppice/status.h>

#include "scheduler/watch.h"

struct cop__thread;

/* What came of a signal; the first is how often an actor was interrupted. */
enum cop__preempt_answer {
        COP__PREEMPTED = 0,
        COP__PREEMPT_NO_TURN,  /* between two turns, or it is another one already */
        COP__PREEMPT_CALM,     /* the program has asked to be left alone */
        COP__PREEMPT_RUNTIME,  /* in Coppice's own code, or called from within it */
        COP__PREEMPT_LIBRARY,  /* in a library that may hold a lock */
        COP__PREEMPT_NO_STACK, /* too little of it, or too many frames to follow */
        COP__PREEMPT_ANSWERS,
};

/* Counted: the first installs the handler, the last puts the old one back. After cop__fault_install. */
cop_status cop__preempt_install(void);
void cop__preempt_uninstall(void);

/* In a process just forked, whose signal handlers are the system's again: nothing is installed. */
void cop__preempt_forget(void);

/* On a worker's thread, before its first turn. */
void cop__preempt_enter(void);

/* For cop__watch_start: with these actors are interrupted, unless detours are impossible here. */
extern const struct cop__watch_hooks cop__preempt_hooks;

/* With these, they are only asked where they are. */
extern const struct cop__watch_hooks cop__preempt_hooks_calm;

/* Does a code address belong to Coppice? False also while nobody can be interrupted. */
bool cop__preempt_is_own(uintptr_t pc);

/* How often that answer was given by the workers of a node. Threads: any. */
struct cop_node;
uint64_t cop__preempt_count(struct cop_node *node, enum cop__preempt_answer answer);

#endif
