/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A look at foreign MessagePack before anything is made of it.
 *
 * Five bytes can claim four billion items, and a thousand can nest a thousand deep. So before a
 * decoder allocates or recurses, this walks over the bytes once, without memory of its own
 * beyond one counter a level, and tells what they really hold.
 */
#ifndef MAILBOX_SCAN_H
#define MAILBOX_SCAN_H

#include <coppice/status.h>

#include "base/compiler.h"

/* The deepest that a caller may allow. */
#define COP__SCAN_DEPTH_MAX 128

struct cop__scan {
        size_t values;     /* all of them: keys, items, and what holds them */
        size_t containers; /* of these: arrays and maps with something in them */
};

/*
 * Are the bytes exactly one value, nested at most `depth_max` deep? An empty array is no level of
 * its own, an empty map is one: as with terms.
 * Errors: COP_E_MALFORMED (truncated, more than one value, counts beyond the bytes that are
 * there, the byte c1 that means nothing), COP_E_TOO_DEEP.
 */
COP__CHECK_RESULT cop_status cop__scan(const void *bytes, size_t size, unsigned depth_max,
                                       struct cop__scan *found);

#endif
