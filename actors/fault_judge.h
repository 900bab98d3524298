/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * May the actor that faulted be thrown away, and nothing else?
 */
#ifndef ACTORS_FAULT_JUDGE_H
#define ACTORS_FAULT_JUDGE_H

#include "actors/code_map.h"
#include "actors/fault.h"
#include "actors/fault_report.h"

/*
 * Judges the fault that scope->fault describes, and fills in its backtrace and culprit.
 * NULL: it is an actor's and can be contained. Else who is to blame and why it cannot.
 * Runs in the handler: takes no lock, allocates nothing.
 */
const struct cop__fault_refusal *cop__fault_judge(struct cop__fault_scope *scope,
                                                  const struct cop__code_map *map,
                                                  const ucontext_t *context);

/* Is an address in the guard of the stack that the turn runs on? */
bool cop__fault_is_guarded(const struct cop__fault_scope *scope, uintptr_t address);

#endif
