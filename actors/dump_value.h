/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A message as text, in a handler: what a dump tells of it, and the watchdog.
 */
#ifndef ACTORS_DUMP_VALUE_H
#define ACTORS_DUMP_VALUE_H

#include <coppice/message.h>

#include "actors/fault_report.h"

/* Fields, and bytes of a text, that are shown. */
#define COP__DUMP_VALUE_FIELDS 16u
#define COP__DUMP_VALUE_TEXT 120u

/*
 * "#bill{pence = 900, people = 0}". Numbers, pids, texts and symbols are shown, of all else, and of fields that are secret in `kinds`, there
 * is "...". The value may be anything, also broken: whoever calls is ready for a fault.
 */
void cop__dump_value(struct cop__words *words, const cop_kinds *kinds, const cop_kind *kind,
                     const void *value);

#endif
